/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine on disk: a folder with
 *
 *   machine.ini    what the machine is (app/machine_ini.h)
 *   disks/         its images: new ones, and overlays over originals that are never written
 *   history/       saved moments; "resume.state" is where the machine goes on when it is started next
 *   nvram          battery-backed memory of the machine
 *   thumbnail.png  its last picture
 *   lock           locked (open file description lock) by whoever has the machine open; holds a word for what
 *
 * Every change is crash-safe: new file, fsync, rename, fsync of the folder. The functions block on the disk
 * for a few milliseconds, the ones that say so for longer. Main thread only, but for the three that say
 * otherwise.
 */
#pragma once

#include "app/machine_ini.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_BUNDLE (vitrine_bundle_get_type())
G_DECLARE_FINAL_TYPE(VitrineBundle, vitrine_bundle, VITRINE, BUNDLE, GObject)

enum bundle_state {
    BUNDLE_OFF,
    BUNDLE_SAVED,   /* has a state to resume from */
    BUNDLE_RUNNING, /* open, here or in another process */
    BUNDLE_EXPORTING, /* likewise, to be written to one file */
    BUNDLE_CHANGING,  /* another process changes its history */
    BUNDLE_BROKEN,    /* vitrine_bundle_get_problem() says why */
};

/* $XDG_DATA_HOME/vitrine/machines; g_free(). */
char *vitrine_machines_folder(void);

/*
 * The bundle in an existing folder. Never NULL: a folder whose machine.ini cannot be read gives a bundle in
 * the state BUNDLE_BROKEN that can be shown and deleted.
 *
 * Signal "changed": the description, state or picture are not what they were (after
 * vitrine_bundle_refresh()).
 */
VitrineBundle *vitrine_bundle_new(const char *folder);

/* What may be given to a new machine beside its description. */
struct bundle_disk {
    const char *file; /* an image to use, or NULL for a new one of `size` bytes */
    guint64 size;
    gboolean copy; /* copy `file` into the bundle (slow) instead of laying an overlay over it */
    int unit;      /* -1 = next free */
};

/* FALSE with a sentence when a machine cannot be called so, or another one in the folder is. `own`: the folder of the
 * machine itself; NULL for a new one. */
gboolean vitrine_bundle_name_is_free(const char *machines_folder, const char *name, const char *own, GError **error);
/* Where a machine of this name will stand; NULL with a sentence when the name is not free. */
char *vitrine_bundle_new_folder(const char *machines_folder, const char *name, GError **error);

/*
 * Makes the folder, the disks and machine.ini; the name appears in `machines_folder` only when all is there.
 * `machine` is not taken over. With `copy` this takes as long as copying does. Any thread.
 */
VitrineBundle *vitrine_bundle_create(const char *machines_folder, const MachineIni *machine,
                                     const struct bundle_disk *disks, guint disk_count,
                                     GCancellable *cancellable, GError **error);

/* Adds one disk the same way to an existing bundle's description (not saved by this). Any thread. */
gboolean vitrine_bundle_add_disk(const char *folder, MachineIni *machine, const struct bundle_disk *disk,
                                 GCancellable *cancellable, GError **error);

const char *vitrine_bundle_get_folder(VitrineBundle *self);
const char *vitrine_bundle_get_name(VitrineBundle *self); /* of a broken one: its folder's name */
/* What machine.ini says, owned by the bundle; NULL when it is broken. */
const MachineIni *vitrine_bundle_get_machine(VitrineBundle *self);
enum bundle_state vitrine_bundle_get_state(VitrineBundle *self);
const char *vitrine_bundle_get_problem(VitrineBundle *self); /* NULL unless broken */
/* Somebody has it open, for whatever. */
gboolean vitrine_bundle_is_open(VitrineBundle *self);
/* It has a state to resume from, whether or not it is open. */
gboolean vitrine_bundle_is_saved(VitrineBundle *self);
/* Word for a state as the command line's --json prints it. */
const char *vitrine_bundle_state_id(enum bundle_state state);

/* Looks at the folder again. */
void vitrine_bundle_refresh(VitrineBundle *self);
/* Writes `machine` (copied) as the new description. */
gboolean vitrine_bundle_save(VitrineBundle *self, const MachineIni *machine, GError **error);

/* Full path of a file in the bundle; an absolute `file` is copied. g_free(). Any thread. */
char *vitrine_bundle_path(const char *folder, const char *file);
char *vitrine_bundle_thumbnail(VitrineBundle *self);    /* path, whether or not it exists; g_free() */
char *vitrine_bundle_resume_state(VitrineBundle *self); /* likewise */

/* Takes the bundle for this process; MACHINE_ERROR_IN_USE if it is open already. */
gboolean vitrine_bundle_lock(VitrineBundle *self, GError **error);
/* The same for a change of its files that is not a run: its state stays what it is. */
gboolean vitrine_bundle_lock_for_change(VitrineBundle *self, GError **error);
/* The same to write it to a file: its state is BUNDLE_EXPORTING. */
gboolean vitrine_bundle_lock_for_export(VitrineBundle *self, GError **error);
void vitrine_bundle_unlock(VitrineBundle *self);
/* FALSE, with a sentence: it is open here, but its folder has been moved or replaced meanwhile, and what is written there
 * would belong to nothing or to another machine. Any thread. */
gboolean vitrine_bundle_is_in_place(VitrineBundle *self, GError **error);

/* Removes the folder for good; refuses while it is open. */
gboolean vitrine_bundle_delete(VitrineBundle *self, GError **error);
/* Takes it out of the library but keeps it beside (Undo), under a name that the library does not list. */
gboolean vitrine_bundle_hide(VitrineBundle *self, GError **error);
gboolean vitrine_bundle_unhide(VitrineBundle *self, GError **error);

/* New file, fsync, rename, fsync of the folder. Any thread. */
gboolean vitrine_write_file(const char *path, const void *data, gsize size, GError **error);

/* The parts of that. Any thread. */
gboolean vitrine_sync_folder(const char *path, GError **error);
/* Sets "What failed (path: why)."; FALSE always. */
gboolean vitrine_set_errno(GError **error, int number, const char *what, const char *path);
/* The names in a folder, all or none (NULL with a sentence); a folder that is not there has none. g_strfreev(). */
char **vitrine_list_folder(const char *path, GError **error);
/* Removes a folder with all that is in it; does not follow symbolic links. Any thread. */
gboolean vitrine_remove_tree(const char *path, GError **error);

G_END_DECLS
