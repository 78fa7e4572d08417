/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A folder that is being built: under a name of its own beside the place where it is wanted, and renamed when all is in
 * it. Whoever builds holds its lock (flock), so that what a killed Vitrine left behind is known, and removed when the next
 * is begun. Any thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct VitrineBuilding {
    char *path; /* NULL: it has got its name */
    int lock;
} VitrineBuilding;

/* Below `folder`, which is made if need be; its name begins with `prefix`. NULL with a sentence. */
VitrineBuilding *vitrine_building_new(const char *folder, const char *prefix, GError **error);
/* It becomes `path`, which is in the same folder and is not there yet, and all of that is on the disk. */
gboolean vitrine_building_finish(VitrineBuilding *self, const char *path, GError **error);
/* Removes it with all that is in it, unless it has been finished. */
void vitrine_building_free(VitrineBuilding *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VitrineBuilding, vitrine_building_free)

/* Of machines; the library does not list them. */
#define VITRINE_BUILDING_MACHINE ".new-"

G_END_DECLS
