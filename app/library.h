/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All machines of a folder as a list model of VitrineBundle, by name. The folder is watched: a machine made,
 * changed or deleted by another program appears, changes and disappears by itself. Main thread only.
 */
#pragma once

#include "app/bundle.h"

G_BEGIN_DECLS

#define VITRINE_TYPE_LIBRARY (vitrine_library_get_type())
G_DECLARE_FINAL_TYPE(VitrineLibrary, vitrine_library, VITRINE, LIBRARY, GObject)

/* `folder` NULL: vitrine_machines_folder(). It need not exist yet; it is made when `watch` is set. */
VitrineLibrary *vitrine_library_new(const char *folder, gboolean watch);
const char *vitrine_library_get_folder(VitrineLibrary *self);
/* Looks at the folder now, without waiting for the watch. */
void vitrine_library_refresh(VitrineLibrary *self);
/* By name or folder name; NULL with a sentence. The caller gets a reference. */
VitrineBundle *vitrine_library_find(VitrineLibrary *self, const char *name, GError **error);
/* "Name", or "Name 2"… if that is taken; g_free(). */
char *vitrine_library_free_name(VitrineLibrary *self, const char *name);

G_END_DECLS
