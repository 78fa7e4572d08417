/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Media of a running machine: the engine is asked, then machine.ini follows. */
#include "app/session_object.h"

#include <string.h>

struct medium {
    char *drive, *path;
};

static void medium_free(gpointer data)
{
    struct medium *medium = data;

    g_free(medium->drive);
    g_free(medium->path);
    g_free(medium);
}

static gboolean medium_changed(gpointer data)
{
    struct session_answer *answer = data;
    VitrineSession *self = g_task_get_source_object(answer->task);
    struct medium *medium = g_task_get_task_data(answer->task);

    if (answer->error) {
        g_task_return_error(answer->task, g_steal_pointer(&answer->error));
        return G_SOURCE_REMOVE;
    }
    VitrineBundle *bundle = session_kept_bundle(self);
    if (bundle && vitrine_bundle_get_machine(bundle)) {
        g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(bundle));
        g_autoptr(GError) error = NULL;
        gboolean cdrom = strcmp(medium->drive, "cdrom") == 0;
        machine_ini_set_drive(cdrom ? &machine->cdrom : &machine->floppy, medium->path, NULL, -1, cdrom);
        if (!vitrine_bundle_save(bundle, machine, &error)) {
            g_task_return_error(answer->task, g_steal_pointer(&error));
            return G_SOURCE_REMOVE;
        }
    }
    g_task_return_boolean(answer->task, TRUE);
    return G_SOURCE_REMOVE;
}

static void on_medium_changed(void *opaque, const GError *error)
{
    session_post_answer(opaque, error, medium_changed);
}

void vitrine_session_change_medium_async(VitrineSession *self, const char *drive, const char *path,
                                         gboolean force, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);
    struct medium *medium = g_new0(struct medium, 1);

    medium->drive = g_strdup(drive);
    medium->path = path ? g_canonicalize_filename(path, NULL) : NULL;
    g_task_set_task_data(task, medium, medium_free);
    if (session_refuse_if_off(self, task))
        return;
    if (self->rewind) /* what was written to this medium cannot be taken back on another one */
        rewind_begin_anew(self->rewind);
    engine_change_medium(self->engine, drive, medium->path,
                         strcmp(drive, "cdrom") == 0, force, on_medium_changed, task);
}

gboolean vitrine_session_change_medium_finish(VitrineSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}
