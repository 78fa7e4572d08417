/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a session leaves behind: pictures, the state to resume from, and a machine that has ended in good order. */
#include "app/session_object.h"

#include "app/history_store.h"
#include "app/i18n.h"
#include "app/picture.h"

#define THUMBNAIL_WIDTH   480
#define THUMBNAIL_SECONDS 5

/* ---- pictures ---- */

static void take_picture(VitrineSession *self, const char *path, int max_width, GTask *task)
{
    if (self->engine)
        picture_take(self->engine, path, max_width, task);
    else
        session_refuse_if_off(self, task);
}

void vitrine_session_screenshot_async(VitrineSession *self, const char *path, GAsyncReadyCallback callback,
                                      gpointer user_data)
{
    take_picture(self, path, 0, g_task_new(self, NULL, callback, user_data));
}

gboolean vitrine_session_screenshot_finish(VitrineSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void thumbnail_written(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineSession *self = VITRINE_SESSION(source);

    /* A machine without a picture has no thumbnail: nothing to tell. */
    if (vitrine_session_screenshot_finish(self, result, NULL) && self->bundle)
        vitrine_bundle_refresh(self->bundle);
}

void session_save_thumbnail(VitrineSession *self)
{
    if (!session_kept_bundle(self) || !vitrine_bundle_is_in_place(self->bundle, NULL))
        return;
    g_autofree char *path = vitrine_bundle_thumbnail(self->bundle);
    take_picture(self, path, THUMBNAIL_WIDTH, g_task_new(self, NULL, thumbnail_written, NULL));
}

static gboolean thumbnail_due(gpointer data)
{
    VitrineSession *self = data;
    struct engine_stats stats;

    if (self->engine && self->state == SESSION_RUNNING) {
        engine_get_stats(self->engine, &stats);
        if (stats.frames != self->thumbnail_frames) {
            self->thumbnail_frames = stats.frames;
            session_save_thumbnail(self);
        }
    }
    return G_SOURCE_CONTINUE;
}

void session_watch_thumbnail(VitrineSession *self)
{
    if (!self->thumbnail_source)
        self->thumbnail_source = g_timeout_add_seconds(THUMBNAIL_SECONDS, thumbnail_due, self);
}

/* ---- the state ---- */

struct save {
    char *path;
    gboolean stop, was_running;
};

static void save_free(gpointer data)
{
    struct save *save = data;

    g_free(save->path);
    g_free(save);
}

static gboolean state_saved(gpointer data)
{
    struct session_answer *answer = data;
    VitrineSession *self = g_task_get_source_object(answer->task);
    struct save *save = g_task_get_task_data(answer->task);

    if (vitrine_session_is_live(self)) {
        session_set_state(self, SESSION_PAUSED);
        if (!answer->error && save->stop)
            engine_power_off(self->engine);
        else if (save->was_running)
            engine_resume(self->engine);
    }
    if (answer->error)
        g_task_return_error(answer->task, g_steal_pointer(&answer->error));
    else
        g_task_return_boolean(answer->task, TRUE);
    return G_SOURCE_REMOVE;
}

static void on_state_saved(void *opaque, const GError *error)
{
    session_post_answer(opaque, error, state_saved);
}

void vitrine_session_save_state_async(VitrineSession *self, const char *path, gboolean stop,
                                      GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);
    struct save *save = g_new0(struct save, 1);

    VitrineBundle *kept = session_kept_bundle(self);
    save->path = path ? g_strdup(path) : kept ? vitrine_bundle_resume_state(kept) : NULL;
    save->stop = stop;
    save->was_running = self->state == SESSION_RUNNING;
    g_task_set_task_data(task, save, save_free);
    if (session_refuse_if_off(self, task))
        return;
    if (!save->path || self->state == SESSION_SAVING) {
        g_task_return_new_error(
            task, G_IO_ERROR, G_IO_ERROR_PENDING,
            save->path     ? _("The state is being saved already.")
            : self->bundle ? _("This machine runs without saving: the disks that its state belongs to go when it ends.")
                           : _("A machine without a folder has no place for its state. Name a file."));
        g_object_unref(task);
        return;
    }
    GError *moved = NULL;
    if (!path && !vitrine_bundle_is_in_place(kept, &moved)) {
        g_task_return_error(task, moved);
        g_object_unref(task);
        return;
    }
    engine_pause(self->engine);
    session_set_state(self, SESSION_SAVING);
    session_save_thumbnail(self);
    engine_save_state(self->engine, save->path, on_state_saved, task); /* it appears there when it is whole */
}

gboolean vitrine_session_save_state_finish(VitrineSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---- the end ---- */

static void note_end(MachineIni *machine, gpointer data)
{
    machine->running = FALSE;
}

static void free_engine(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    VitrineSession *self = source;
    g_autoptr(GError) error = NULL;

    engine_free(task_data); /* closes the images: may wait for the disk */
    if (self->history)
        history_wait_tightening(self->history);
    /* What had to wait until nobody uses the disks. */
    if (session_kept_bundle(self) && vitrine_bundle_is_in_place(self->bundle, &error) &&
        !history_collect(vitrine_bundle_get_folder(self->bundle), NULL, &error))
        g_message("%s", error->message);
    g_task_return_boolean(task, TRUE);
}

static void engine_freed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineSession *self = VITRINE_SESSION(source);

    self->finishing = FALSE;
    if (self->locked) {
        if (session_kept_bundle(self))
            session_note_use(self, note_end);
        self->locked = FALSE;
        vitrine_bundle_unlock(self->bundle);
    }
    session_emit_finished(self);
}

static void end_engine(VitrineSession *self)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, engine_freed, NULL);

    g_task_set_task_data(task, g_steal_pointer(&self->engine), NULL);
    g_task_run_in_thread(task, free_engine);
}

static void last_picture_written(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineSession *self = VITRINE_SESSION(source);
    g_autoptr(GError) error = NULL;

    if (!vitrine_session_screenshot_finish(self, result, &error)) {
        g_printerr(_("The screenshot could not be written: %s\n"), error->message);
        if (self->exit_status == 0)
            self->exit_status = 1;
    }
    end_engine(self);
}

void session_finish(VitrineSession *self)
{
    self->finishing = TRUE;
    if (self->rewind)
        rewind_begin_anew(self->rewind);
    if (self->history)
        history_set_session(self->history, NULL);
    g_clear_pointer(&self->typist, typist_free);
    if (self->thumbnail_source) {
        g_source_remove(self->thumbnail_source);
        self->thumbnail_source = 0;
    }
    /* After this the engine may go: requests are answered in order. */
    session_save_thumbnail(self);
    if (self->final_screenshot)
        vitrine_session_screenshot_async(self, self->final_screenshot, last_picture_written, NULL);
    else
        end_engine(self);
}
