/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All disk images that the library knows: what machines name, what lies in their folders, and what those stand
 * on. Looking reads the headers of all of them: worker thread. A VitrineDisk does not change once it is made.
 */
#pragma once

#include "app/library.h"

G_BEGIN_DECLS

#define VITRINE_TYPE_DISK (vitrine_disk_get_type())
G_DECLARE_FINAL_TYPE(VitrineDisk, vitrine_disk, VITRINE, DISK, GObject)

const char *vitrine_disk_get_path(VitrineDisk *self);
const char *vitrine_disk_get_name(VitrineDisk *self);    /* for people */
const char *vitrine_disk_get_format(VitrineDisk *self);  /* NULL when it cannot be read */
const char *vitrine_disk_get_problem(VitrineDisk *self); /* a sentence; NULL = none */
guint64 vitrine_disk_get_size(VitrineDisk *self);        /* of the disk as the guest sees it */
guint64 vitrine_disk_get_usage(VitrineDisk *self);       /* bytes that the file takes on the host */
/* What it stands on and what stands on it; NULL, or an empty list. */
VitrineDisk *vitrine_disk_get_base(VitrineDisk *self);
GListModel *vitrine_disk_get_overlays(VitrineDisk *self);
/* Names of the machines that have it as a drive; NULL-terminated, may be empty. */
const char *const *vitrine_disk_get_users(VitrineDisk *self);
/* Names of the moments of its machine's history that are on it, oldest first; the same. */
const char *const *vitrine_disk_get_moments(VitrineDisk *self);
/* It, or something that stands on it, is in a machine that is open now. */
gboolean vitrine_disk_is_busy(VitrineDisk *self);
/* The machine in whose folder it lies; NULL = outside of the library. */
const char *vitrine_disk_get_home(VitrineDisk *self);

/* What to look at, gathered on the main thread. */
typedef struct DiskSearch DiskSearch;
/* All machines of the library, and `more` paths (NULL-terminated, may be NULL). */
DiskSearch *disk_search_new(VitrineLibrary *library, const char *const *more);
void disk_search_free(DiskSearch *search);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiskSearch, disk_search_free)

/* Those that stand on nothing, by name; the others hang below them. Any thread. */
GListStore *disk_search_run(DiskSearch *search, GCancellable *cancellable, GError **error);
/* The same, on a worker thread. */
void disk_search_run_async(DiskSearch *search, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
GListStore *disk_search_run_finish(GAsyncResult *result, GError **error);

G_END_DECLS
