/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Machines that stand on another one's disks: a linked branch's overlays name the layers of the machine that it comes from.
 * Who would remove files of a machine asks here first. Any thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Prefix of the folders of machines that are deleted and can still be brought back. */
#define VITRINE_DELETED_PREFIX ".deleted-"

/* One spelling for each file, also through symbolic links: what is compared decides what is removed. A file that is not
 * there is spelled as it was given. NULL with a sentence when the host cannot tell. g_free(). */
char *vitrine_find_file(const char *path, GError **error);

/* TRUE: `path` is below `folder`; both as vitrine_find_file() spells them. */
gboolean vitrine_is_inside(const char *folder, const char *path);

/* `machine`: the folder of the other machine; `base`: the file that one of its images names, as vitrine_find_file() spells
 * it. */
typedef void (*VitrineDependent)(const char *machine, const char *base, gpointer data);

/* Calls `found` for each image of the other machines of this one's library, also deleted ones that can still be brought
 * back, that stands on a file below `folder` (as vitrine_find_file() spells it). FALSE with a sentence when a machine
 * cannot be looked at: then nobody knows what it stands on. */
gboolean vitrine_find_dependents(const char *bundle, const char *folder, VitrineDependent found, gpointer data,
                                 GError **error);

G_END_DECLS
