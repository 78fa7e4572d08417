/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A folder of this computer as a medium for a machine: as a CD (ISO 9660 with Joliet and Rock Ridge names, written by
 * libisofs), or as a disk with one FAT partition (made by mtools), from which its files can be brought back. All of these
 * take as long as copying does: worker thread.
 */
#pragma once

#include <gio/gio.h>

typedef void (*ShareProgress)(guint64 done, guint64 total, gpointer user_data);

/* Writes the image of a CD with what is in `folder`; the name appears only when it is whole. Symbolic links stay links. */
gboolean share_make_cd(const char *folder, const char *iso_path, GCancellable *cancellable, ShareProgress progress,
                       gpointer user_data, GError **error);

/* Writes a raw image with what is in `folder` and `free_bytes` more room. What FAT cannot hold (names, links to folders,
 * huge files) is refused with a sentence. */
gboolean share_make_disk(const char *folder, const char *image_path, guint64 free_bytes, GCancellable *cancellable,
                         GError **error);
/* Copies what is on such a disk, or on one like it, into the folder `to`, which must not exist yet. `image_path` may
 * be of any format that images/ reads. */
gboolean share_bring_back(const char *image_path, const char *to, GCancellable *cancellable, GError **error);

/* Bytes of all files in a folder, and how many there are. */
guint64 share_folder_size(const char *folder, guint *count, GCancellable *cancellable);
