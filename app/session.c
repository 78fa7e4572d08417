/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running machine between the engine's thread and the windows. */
#include "app/session.h"

#include "app/i18n.h"
#include "app/keys.h"
#include "app/png.h"
#include "images/images.h"

#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <unistd.h>

#define THUMBNAIL_WIDTH   480
#define THUMBNAIL_SECONDS 5
#define TYPE_INTERVAL_MS  12 /* a Sun keyboard sends a byte in 8.3 ms */

struct key_event {
    unsigned code;
    bool down;
};

struct _VitrineSession {
    GObject parent;
    GMainContext *context;
    VitrineBundle *bundle;
    struct engine_config *config; /* of a session without bundle, until it starts */
    const struct engine_model *model;
    char *title;
    enum session_flags flags;
    struct engine_serial serial;
    gboolean serial_set;
    char *load_state;
    char *final_screenshot;

    struct engine *engine;
    enum session_state state;
    gboolean locked, finishing, stop_after_save;
    char *message;
    int exit_status;
    int frame_pending; /* atomic: a "frame-ready" is on its way */

    GArray *typing; /* struct key_event */
    guint typing_next, typing_source;
    guint thumbnail_source;
    guint64 thumbnail_frames;
};

G_DEFINE_FINAL_TYPE(VitrineSession, vitrine_session, G_TYPE_OBJECT)

enum { STATE_CHANGED, FRAME_READY, SERIAL_OUTPUT, TYPED, FINISHED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void save_thumbnail(VitrineSession *self);

/* ---- object ---- */

static void vitrine_session_finalize(GObject *object)
{
    VitrineSession *self = VITRINE_SESSION(object);

    if (self->typing_source)
        g_source_remove(self->typing_source);
    if (self->thumbnail_source)
        g_source_remove(self->thumbnail_source);
    g_clear_pointer(&self->engine, engine_free);
    g_clear_pointer(&self->config, engine_config_free);
    if (self->locked)
        vitrine_bundle_unlock(self->bundle);
    g_clear_object(&self->bundle);
    g_array_unref(self->typing);
    g_main_context_unref(self->context);
    g_free(self->title);
    g_free(self->serial.path);
    g_free(self->load_state);
    g_free(self->final_screenshot);
    g_free(self->message);
    G_OBJECT_CLASS(vitrine_session_parent_class)->finalize(object);
}

static guint add_signal(const char *name, guint n_params, GType first, GType second)
{
    return g_signal_new(name, VITRINE_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                        n_params, first, second);
}

static void vitrine_session_class_init(VitrineSessionClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = vitrine_session_finalize;
    signals[STATE_CHANGED] = add_signal("state-changed", 0, G_TYPE_NONE, G_TYPE_NONE);
    signals[FRAME_READY] = add_signal("frame-ready", 0, G_TYPE_NONE, G_TYPE_NONE);
    signals[SERIAL_OUTPUT] = add_signal("serial-output", 2, G_TYPE_UINT, G_TYPE_BYTES);
    signals[TYPED] = add_signal("typed", 0, G_TYPE_NONE, G_TYPE_NONE);
    signals[FINISHED] = add_signal("finished", 0, G_TYPE_NONE, G_TYPE_NONE);
}

static void vitrine_session_init(VitrineSession *self)
{
    self->context = g_main_context_ref_thread_default();
    self->typing = g_array_new(FALSE, FALSE, sizeof(struct key_event));
}

VitrineSession *vitrine_session_new(VitrineBundle *bundle)
{
    VitrineSession *self = g_object_new(VITRINE_TYPE_SESSION, NULL);
    const MachineIni *machine = vitrine_bundle_get_machine(bundle);

    self->bundle = g_object_ref(bundle);
    self->title = g_strdup(vitrine_bundle_get_name(bundle));
    self->model = machine ? engine_find_model(machine->model) : NULL;
    return self;
}

VitrineSession *vitrine_session_new_for_config(struct engine_config *config, const char *title)
{
    VitrineSession *self = g_object_new(VITRINE_TYPE_SESSION, NULL);

    self->config = config;
    self->model = engine_find_model(config->model);
    self->title = g_strdup(title);
    return self;
}

void vitrine_session_set_flags(VitrineSession *self, enum session_flags flags)
{
    self->flags = flags;
}

void vitrine_session_set_serial(VitrineSession *self, enum engine_serial_kind kind, const char *path)
{
    self->serial.kind = kind;
    g_free(self->serial.path);
    self->serial.path = g_strdup(path);
    self->serial_set = TRUE;
}

void vitrine_session_set_load_state(VitrineSession *self, const char *path)
{
    g_free(self->load_state);
    self->load_state = g_strdup(path);
}

void vitrine_session_set_final_screenshot(VitrineSession *self, const char *path)
{
    g_free(self->final_screenshot);
    self->final_screenshot = g_strdup(path);
}

static void set_state(VitrineSession *self, enum session_state state)
{
    if (self->state == state)
        return;
    self->state = state;
    g_signal_emit(self, signals[STATE_CHANGED], 0);
}

/* ---- what arrives from the engine's thread ---- */

struct message {
    VitrineSession *session;
    enum engine_state state;
    int exit_status;
    unsigned port;
    GBytes *bytes;
    char *drive;
};

static void message_free(gpointer data)
{
    struct message *message = data;

    if (message->bytes)
        g_bytes_unref(message->bytes);
    g_free(message->drive);
    g_object_unref(message->session);
    g_free(message);
}

static struct message *message_new(VitrineSession *self)
{
    struct message *message = g_new0(struct message, 1);

    message->session = g_object_ref(self);
    return message;
}

static void post(struct message *message, GSourceFunc function)
{
    g_main_context_invoke_full(message->session->context, G_PRIORITY_DEFAULT, function, message,
                               message_free);
}

static void finish_up(VitrineSession *self);

static gboolean state_arrived(gpointer data)
{
    struct message *message = data;
    VitrineSession *self = message->session;

    if (!self->engine || self->finishing)
        return G_SOURCE_REMOVE;
    switch (message->state) {
    case ENGINE_CREATED: break;
    case ENGINE_RUNNING:
        if (self->state != SESSION_SAVING)
            set_state(self, SESSION_RUNNING);
        break;
    case ENGINE_PAUSED:
        /* While it starts, "paused" only means that a state is being loaded. */
        if (self->state != SESSION_SAVING && self->state != SESSION_STARTING) {
            set_state(self, SESSION_PAUSED);
            save_thumbnail(self);
        }
        break;
    case ENGINE_OFF:
    case ENGINE_ERROR:
        self->exit_status = message->exit_status;
        if (message->state == ENGINE_ERROR) {
            g_free(self->message);
            self->message = engine_message(self->engine);
        }
        set_state(self, message->state == ENGINE_ERROR ? SESSION_ERROR : SESSION_OFF);
        finish_up(self);
        break;
    }
    return G_SOURCE_REMOVE;
}

static void on_state_changed(void *opaque, enum engine_state state, int exit_status)
{
    struct message *message = message_new(opaque);

    message->state = state;
    message->exit_status = exit_status;
    post(message, state_arrived);
}

static gboolean frame_arrived(gpointer data)
{
    struct message *message = data;

    g_atomic_int_set(&message->session->frame_pending, 0);
    g_signal_emit(message->session, signals[FRAME_READY], 0);
    return G_SOURCE_REMOVE;
}

static void on_frame_ready(void *opaque)
{
    VitrineSession *self = opaque;

    if (g_atomic_int_compare_and_exchange(&self->frame_pending, 0, 1))
        post(message_new(self), frame_arrived);
}

static gboolean serial_arrived(gpointer data)
{
    struct message *message = data;

    g_signal_emit(message->session, signals[SERIAL_OUTPUT], 0, message->port, message->bytes);
    return G_SOURCE_REMOVE;
}

static void on_serial_output(void *opaque, unsigned port, const uint8_t *data, size_t size)
{
    struct message *message = message_new(opaque);

    message->port = port;
    message->bytes = g_bytes_new(data, size);
    post(message, serial_arrived);
}

static gboolean eject_arrived(gpointer data)
{
    struct message *message = data;

    if (message->session->engine)
        vitrine_session_change_medium_async(message->session, message->drive, NULL, TRUE, NULL, NULL);
    return G_SOURCE_REMOVE;
}

static void on_media_eject_requested(void *opaque, const char *drive)
{
    struct message *message = message_new(opaque);

    message->drive = g_strdup(drive);
    post(message, eject_arrived);
}

/* ---- from a bundle to a configuration ---- */

/* The image behind a throw-away overlay: its file has no name any more when this returns. */
static Image *open_discarding(const char *path, const char *format, GError **error)
{
    g_autofree char *base = g_canonicalize_filename(path, NULL);
    g_autofree char *overlay = g_build_filename(g_get_tmp_dir(), "vitrine-XXXXXX.qcow2", NULL);
    ImageCreateOptions options = {.backing_file = base, .backing_format = format, .overwrite = TRUE};
    int fd = g_mkstemp(overlay);

    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, _("No temporary file can be made in “%s”."),
                    g_get_tmp_dir());
        return NULL;
    }
    close(fd);
    Image *image = image_create(overlay, "qcow2", &options, error)
                       ? image_open(overlay, "qcow2", IMAGE_OPEN_WRITABLE, error)
                       : NULL;
    g_unlink(overlay);
    return image;
}

static gboolean drive_into_config(const char *folder, const struct machine_drive *from, gboolean discard,
                                  struct engine_drive *to, GError **error)
{
    if (!from->file)
        return TRUE;
    g_autofree char *path = vitrine_bundle_path(folder, from->file);
    to->unit = from->unit;
    to->read_only = from->read_only;
    if (discard && !from->read_only)
        to->image = open_discarding(path, from->format, error);
    else
        to->image = image_open(path, from->format,
                               from->read_only ? IMAGE_OPEN_READ_ONLY : IMAGE_OPEN_WRITABLE, error);
    return to->image != NULL;
}

static void close_images(struct engine_config *config)
{
    for (guint i = 0; i < config->disks->len; i++)
        g_clear_pointer(&g_array_index(config->disks, struct engine_drive, i).image, image_free);
    g_clear_pointer(&config->cdrom.image, image_free);
    g_clear_pointer(&config->floppy.image, image_free);
}

static void set_text(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

static void set_path(char **field, const char *folder, const char *file)
{
    g_free(*field);
    *field = file ? vitrine_bundle_path(folder, file) : NULL;
}

static struct engine_config *config_from_bundle(VitrineSession *self, const MachineIni *machine,
                                                GError **error)
{
    const char *folder = vitrine_bundle_get_folder(self->bundle);
    gboolean discard = (self->flags & SESSION_DISCARD_WRITES) != 0;
    struct engine_config *config = engine_config_new(machine->model, error);

    if (!config)
        return NULL;
    if (machine->ram_mib)
        config->ram_mib = machine->ram_mib;
    config->accel = g_strcmp0(machine->accel, "interp") == 0 ? ENGINE_ACCEL_INTERP
                    : g_strcmp0(machine->accel, "kvm") == 0  ? ENGINE_ACCEL_KVM
                                                             : ENGINE_ACCEL_JIT;
    set_text(&config->display, machine->display);
    set_text(&config->boot, machine->boot);
    set_text(&config->append, machine->append);
    set_path(&config->firmware, folder, machine->firmware);
    set_path(&config->kernel, folder, machine->kernel);
    set_path(&config->initrd, folder, machine->initrd);
    config->network = machine->network;
    memcpy(config->mac, machine->mac, sizeof(config->mac));
    config->audio =
        machine->audio && self->model && self->model->has_audio ? ENGINE_AUDIO_PULSE : ENGINE_AUDIO_NONE;
    if (!discard)
        set_path(&config->nvram, folder, "nvram");

    struct engine_serial *serial = &config->serial[0];
    if (self->serial_set) {
        serial->kind = self->serial.kind;
        set_text(&serial->path, self->serial.path);
    } else if (!machine->serial || strcmp(machine->serial, "window") == 0) {
        serial->kind = ENGINE_SERIAL_CALLBACK;
    } else if (strcmp(machine->serial, "none") == 0) {
        serial->kind = ENGINE_SERIAL_NONE;
    } else if (strcmp(machine->serial, "pty") == 0) {
        serial->kind = ENGINE_SERIAL_PTY;
    } else {
        serial->kind = ENGINE_SERIAL_FILE;
        set_path(&serial->path, folder, machine->serial);
    }

    gboolean ok = drive_into_config(folder, &machine->cdrom, FALSE, &config->cdrom, error) &&
                  drive_into_config(folder, &machine->floppy, discard, &config->floppy, error);
    for (unsigned i = 0; ok && i < machine->disk_count; i++) {
        struct engine_drive drive = {0};
        ok = drive_into_config(folder, &machine->disks[i], discard, &drive, error);
        if (ok)
            g_array_append_val(config->disks, drive);
    }
    if (!ok) {
        close_images(config);
        engine_config_free(config);
        return NULL;
    }
    return config;
}

/* Disks that the command line gave as paths, behind throw-away overlays. */
static gboolean discard_writes(struct engine_config *config, GError **error)
{
    for (guint i = 0; i < config->disks->len; i++) {
        struct engine_drive *drive = &g_array_index(config->disks, struct engine_drive, i);
        if (drive->image || !drive->path || drive->read_only)
            continue;
        drive->image = open_discarding(drive->path, NULL, error);
        if (!drive->image) {
            close_images(config);
            return FALSE;
        }
        g_clear_pointer(&drive->path, g_free);
    }
    return TRUE;
}

/* ---- start ---- */

struct start {
    MachineIni *machine; /* of a bundle */
    struct engine_config *config;
    struct engine *engine;
};

static void start_free(gpointer data)
{
    struct start *start = data;

    machine_ini_free(start->machine);
    if (start->config)
        engine_config_free(start->config);
    if (start->engine)
        engine_free(start->engine);
    g_free(start);
}

static void build_engine(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    VitrineSession *self = source;
    struct start *start = task_data;
    struct engine_events events = {.state_changed = on_state_changed,
                                   .frame_ready = on_frame_ready,
                                   .serial_output = on_serial_output,
                                   .media_eject_requested = on_media_eject_requested,
                                   .opaque = self};
    GError *error = NULL;

    if (start->machine)
        start->config = config_from_bundle(self, start->machine, &error);
    else if ((self->flags & SESSION_DISCARD_WRITES) && !discard_writes(start->config, &error))
        g_clear_pointer(&start->config, engine_config_free);
    if (start->config)
        start->engine = engine_new(start->config, &events, &error);
    if (start->engine)
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static void start_failed(VitrineSession *self, const GError *error)
{
    g_free(self->message);
    self->message = g_strdup(error->message);
    self->exit_status = 2;
    if (self->locked) {
        self->locked = FALSE;
        vitrine_bundle_unlock(self->bundle);
    }
    set_state(self, SESSION_ERROR);
}

static gboolean thumbnail_due(gpointer data)
{
    VitrineSession *self = data;
    struct engine_stats stats;

    if (self->engine && self->state == SESSION_RUNNING) {
        engine_get_stats(self->engine, &stats);
        if (stats.frames != self->thumbnail_frames) {
            self->thumbnail_frames = stats.frames;
            save_thumbnail(self);
        }
    }
    return G_SOURCE_CONTINUE;
}

static void note_use(VitrineSession *self)
{
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));
    g_autoptr(GError) error = NULL;

    if (!machine)
        return;
    machine->last_used = g_get_real_time() / G_USEC_PER_SEC;
    if (!vitrine_bundle_save(self->bundle, machine, &error))
        g_message("%s", error->message);
}

static void started(VitrineSession *self)
{
    if (self->bundle) {
        /* From here on the disks move away from what the state remembers. */
        if (!(self->flags & SESSION_DISCARD_WRITES)) {
            g_autofree char *resume = vitrine_bundle_resume_state(self->bundle);
            g_unlink(resume);
            note_use(self);
        }
        self->thumbnail_source = g_timeout_add_seconds(THUMBNAIL_SECONDS, thumbnail_due, self);
    }
    if (self->flags & SESSION_START_PAUSED)
        set_state(self, SESSION_PAUSED);
    else
        set_state(self, SESSION_RUNNING);
}

struct answer {
    GTask *task;
    GError *error;
};

static void answer_free(gpointer data)
{
    struct answer *answer = data;

    g_clear_error(&answer->error);
    g_object_unref(answer->task);
    g_free(answer);
}

/* Carries an engine_done answer for `task` over to the main context. */
static void post_answer(GTask *task, const GError *error, GSourceFunc function)
{
    VitrineSession *self = g_task_get_source_object(task);
    struct answer *answer = g_new0(struct answer, 1);

    answer->task = task;
    answer->error = error ? g_error_copy(error) : NULL;
    g_main_context_invoke_full(self->context, G_PRIORITY_DEFAULT, function, answer, answer_free);
}

static gboolean start_state_loaded(gpointer data)
{
    struct answer *answer = data;
    VitrineSession *self = g_task_get_source_object(answer->task);

    if (answer->error) {
        g_clear_pointer(&self->engine, engine_free);
        start_failed(self, answer->error);
        g_task_return_error(answer->task, g_steal_pointer(&answer->error));
        return G_SOURCE_REMOVE;
    }
    if (!(self->flags & SESSION_START_PAUSED))
        engine_resume(self->engine);
    started(self);
    g_task_return_boolean(answer->task, TRUE);
    return G_SOURCE_REMOVE;
}

static void on_start_state_loaded(void *opaque, const GError *error)
{
    post_answer(opaque, error, start_state_loaded);
}

static void engine_built(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineSession *self = VITRINE_SESSION(source);
    g_autoptr(GTask) task = user_data;
    struct start *start = g_task_get_task_data(G_TASK(result));
    g_autoptr(GError) error = NULL;

    if (!g_task_propagate_boolean(G_TASK(result), &error)) {
        start_failed(self, error);
        g_task_return_error(task, g_steal_pointer(&error));
        return;
    }
    self->engine = g_steal_pointer(&start->engine);

    g_autofree char *state = g_strdup(self->load_state);
    if (!state && self->bundle && !(self->flags & (SESSION_FRESH | SESSION_DISCARD_WRITES))) {
        state = vitrine_bundle_resume_state(self->bundle);
        if (!g_file_test(state, G_FILE_TEST_EXISTS))
            g_clear_pointer(&state, g_free);
    }
    if (state) {
        engine_start_paused(self->engine);
        engine_load_state(self->engine, state, on_start_state_loaded, g_steal_pointer(&task));
        return;
    }
    if (self->flags & SESSION_START_PAUSED)
        engine_start_paused(self->engine);
    else
        engine_start(self->engine);
    started(self);
    g_task_return_boolean(task, TRUE);
}

void vitrine_session_start_async(VitrineSession *self, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, cancellable, callback, user_data);
    struct start *start = g_new0(struct start, 1);
    g_autoptr(GError) error = NULL;

    g_return_if_fail(!self->engine);
    g_clear_pointer(&self->message, g_free);
    set_state(self, SESSION_STARTING);
    if (self->bundle) {
        const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
        if (!machine)
            error = g_error_new_literal(MACHINE_ERROR, MACHINE_ERROR_SYNTAX,
                                        vitrine_bundle_get_problem(self->bundle));
        else if (vitrine_bundle_lock(self->bundle, &error))
            self->locked = TRUE;
        if (!error)
            start->machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));
    } else {
        start->config = g_steal_pointer(&self->config);
    }
    if (error) {
        start_failed(self, error);
        start_free(start);
        g_task_return_error(task, g_steal_pointer(&error));
        g_object_unref(task);
        return;
    }
    g_autoptr(GTask) worker = g_task_new(self, cancellable, engine_built, task);
    g_task_set_task_data(worker, start, start_free);
    g_task_run_in_thread(worker, build_engine);
}

gboolean vitrine_session_start_finish(VitrineSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---- the end ---- */

static void free_engine(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    engine_free(task_data); /* closes the images: may wait for the disk */
    g_task_return_boolean(task, TRUE);
}

static void engine_freed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineSession *self = VITRINE_SESSION(source);

    self->finishing = FALSE;
    if (self->locked) {
        self->locked = FALSE;
        vitrine_bundle_unlock(self->bundle);
    }
    g_signal_emit(self, signals[FINISHED], 0);
}

static void last_picture_written(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineSession *self = VITRINE_SESSION(source);
    g_autoptr(GError) error = NULL;

    if (!vitrine_session_screenshot_finish(self, result, &error)) {
        g_printerr("%s\n", error->message);
        if (self->exit_status == 0)
            self->exit_status = 1;
    }
    g_autoptr(GTask) task = g_task_new(self, NULL, engine_freed, NULL);
    g_task_set_task_data(task, g_steal_pointer(&self->engine), NULL);
    g_task_run_in_thread(task, free_engine);
}

static void finish_up(VitrineSession *self)
{
    self->finishing = TRUE;
    if (self->typing_source) {
        g_source_remove(self->typing_source);
        self->typing_source = 0;
    }
    if (self->thumbnail_source) {
        g_source_remove(self->thumbnail_source);
        self->thumbnail_source = 0;
    }
    /* After this the engine may go: requests are answered in order. */
    save_thumbnail(self);
    if (self->final_screenshot) {
        vitrine_session_screenshot_async(self, self->final_screenshot, last_picture_written, NULL);
    } else {
        g_autoptr(GTask) task = g_task_new(self, NULL, engine_freed, NULL);
        g_task_set_task_data(task, g_steal_pointer(&self->engine), NULL);
        g_task_run_in_thread(task, free_engine);
    }
}

/* ---- looking ---- */

enum session_state vitrine_session_get_state(VitrineSession *self)
{
    return self->state;
}

const char *vitrine_session_get_title(VitrineSession *self)
{
    return self->title;
}

VitrineBundle *vitrine_session_get_bundle(VitrineSession *self)
{
    return self->bundle;
}

const struct engine_model *vitrine_session_get_model(VitrineSession *self)
{
    return self->model;
}

struct engine *vitrine_session_get_engine(VitrineSession *self)
{
    return self->engine;
}

const char *vitrine_session_get_message(VitrineSession *self)
{
    return self->message;
}

int vitrine_session_get_exit_status(VitrineSession *self)
{
    return self->exit_status;
}

gboolean vitrine_session_is_live(VitrineSession *self)
{
    return self->engine && !self->finishing &&
           (self->state == SESSION_RUNNING || self->state == SESSION_PAUSED || self->state == SESSION_SAVING);
}

/* ---- doing ---- */

void vitrine_session_pause(VitrineSession *self)
{
    if (vitrine_session_is_live(self) && self->state == SESSION_RUNNING)
        engine_pause(self->engine);
}

void vitrine_session_resume(VitrineSession *self)
{
    if (vitrine_session_is_live(self) && self->state == SESSION_PAUSED)
        engine_resume(self->engine);
}

void vitrine_session_reset(VitrineSession *self)
{
    if (vitrine_session_is_live(self))
        engine_reset(self->engine);
}

void vitrine_session_power_off(VitrineSession *self)
{
    if (vitrine_session_is_live(self))
        engine_power_off(self->engine);
}

/* A task that fails at once, for requests to a machine that is not there. */
static gboolean refuse_if_off(VitrineSession *self, GTask *task)
{
    if (vitrine_session_is_live(self))
        return FALSE;
    g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The machine is not running."));
    g_object_unref(task);
    return TRUE;
}

struct save {
    char *path, *temporary;
    gboolean stop, was_running;
};

static void save_free(gpointer data)
{
    struct save *save = data;

    g_free(save->path);
    g_free(save->temporary);
    g_free(save);
}

static gboolean state_saved(gpointer data)
{
    struct answer *answer = data;
    VitrineSession *self = g_task_get_source_object(answer->task);
    struct save *save = g_task_get_task_data(answer->task);

    if (!answer->error && g_rename(save->temporary, save->path) != 0)
        g_set_error(&answer->error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    _("The state could not be saved as “%s”."), save->path);
    if (answer->error)
        g_unlink(save->temporary);
    if (vitrine_session_is_live(self)) {
        set_state(self, SESSION_PAUSED);
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
    post_answer(opaque, error, state_saved);
}

void vitrine_session_save_state_async(VitrineSession *self, const char *path, gboolean stop,
                                      GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);
    struct save *save = g_new0(struct save, 1);

    save->path = path ? g_strdup(path) : self->bundle ? vitrine_bundle_resume_state(self->bundle) : NULL;
    save->stop = stop;
    save->was_running = self->state == SESSION_RUNNING;
    g_task_set_task_data(task, save, save_free);
    if (refuse_if_off(self, task))
        return;
    if (!save->path || self->state == SESSION_SAVING) {
        g_task_return_new_error(
            task, G_IO_ERROR, G_IO_ERROR_PENDING,
            save->path ? _("The state is being saved already.")
                       : _("A machine without a folder has no place for its state. Name a file."));
        g_object_unref(task);
        return;
    }
    save->temporary = g_strconcat(save->path, ".new", NULL);
    engine_pause(self->engine);
    set_state(self, SESSION_SAVING);
    save_thumbnail(self);
    engine_save_state(self->engine, save->temporary, on_state_saved, task);
}

gboolean vitrine_session_save_state_finish(VitrineSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---- pictures ---- */

struct picture {
    char *path;
    int max_width;
    uint32_t *pixels;
    int width, height;
    double pixel_aspect;
};

static void picture_free(gpointer data)
{
    struct picture *picture = data;

    g_free(picture->path);
    g_free(picture->pixels);
    g_free(picture);
}

static void write_picture(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    struct picture *p = task_data;
    GError *error = NULL;

    if (!p->pixels) {
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_FAILED, _("The machine shows no picture."));
        return;
    }
    g_autoptr(GBytes) png =
        png_encode(p->pixels, p->width, p->height, p->width, p->pixel_aspect, p->max_width, &error);
    if (png &&
        g_file_set_contents(p->path, g_bytes_get_data(png, NULL), (gssize)g_bytes_get_size(png), &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static gboolean run_write_picture(gpointer data)
{
    g_autoptr(GTask) task = data;

    g_task_run_in_thread(task, write_picture);
    return G_SOURCE_REMOVE;
}

static void on_screenshot(void *opaque, uint32_t *pixels, int width, int height, double pixel_aspect)
{
    GTask *task = opaque;
    VitrineSession *self = g_task_get_source_object(task);
    struct picture *picture = g_task_get_task_data(task);

    picture->pixels = pixels;
    picture->width = width;
    picture->height = height;
    picture->pixel_aspect = pixel_aspect;
    g_main_context_invoke(self->context, run_write_picture, task);
}

static void take_picture(VitrineSession *self, const char *path, int max_width, GTask *task)
{
    struct picture *picture = g_new0(struct picture, 1);

    picture->path = g_strdup(path);
    picture->max_width = max_width;
    g_task_set_task_data(task, picture, picture_free);
    if (!self->engine) {
        refuse_if_off(self, task);
        return;
    }
    engine_screenshot(self->engine, on_screenshot, task);
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

static void save_thumbnail(VitrineSession *self)
{
    if (!self->bundle || (self->flags & SESSION_DISCARD_WRITES))
        return;
    g_autofree char *path = vitrine_bundle_thumbnail(self->bundle);
    take_picture(self, path, THUMBNAIL_WIDTH, g_task_new(self, NULL, thumbnail_written, NULL));
}

/* ---- media ---- */

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
    struct answer *answer = data;
    VitrineSession *self = g_task_get_source_object(answer->task);
    struct medium *medium = g_task_get_task_data(answer->task);

    if (answer->error) {
        g_task_return_error(answer->task, g_steal_pointer(&answer->error));
        return G_SOURCE_REMOVE;
    }
    if (self->bundle && vitrine_bundle_get_machine(self->bundle) && !(self->flags & SESSION_DISCARD_WRITES)) {
        g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));
        g_autoptr(GError) error = NULL;
        gboolean cdrom = strcmp(medium->drive, "cdrom") == 0;
        machine_ini_set_drive(cdrom ? &machine->cdrom : &machine->floppy, medium->path, NULL, -1, cdrom);
        if (!vitrine_bundle_save(self->bundle, machine, &error)) {
            g_task_return_error(answer->task, g_steal_pointer(&error));
            return G_SOURCE_REMOVE;
        }
    }
    g_task_return_boolean(answer->task, TRUE);
    return G_SOURCE_REMOVE;
}

static void on_medium_changed(void *opaque, const GError *error)
{
    post_answer(opaque, error, medium_changed);
}

void vitrine_session_change_medium_async(VitrineSession *self, const char *drive, const char *path,
                                         gboolean force, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);
    struct medium *medium = g_new0(struct medium, 1);

    medium->drive = g_strdup(drive);
    medium->path = path ? g_canonicalize_filename(path, NULL) : NULL;
    g_task_set_task_data(task, medium, medium_free);
    if (!refuse_if_off(self, task))
        engine_change_medium(self->engine, drive, medium->path, strcmp(drive, "cdrom") == 0, force,
                             on_medium_changed, task);
}

gboolean vitrine_session_change_medium_finish(VitrineSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---- typing ---- */

static gboolean type_next(gpointer data)
{
    VitrineSession *self = data;

    if (self->state != SESSION_RUNNING)
        return G_SOURCE_CONTINUE; /* goes on when the machine does */
    struct key_event *event = &g_array_index(self->typing, struct key_event, self->typing_next);
    engine_key(self->engine, event->code, event->down);
    if (++self->typing_next < self->typing->len)
        return G_SOURCE_CONTINUE;
    g_array_set_size(self->typing, 0);
    self->typing_next = 0;
    self->typing_source = 0;
    g_signal_emit(self, signals[TYPED], 0);
    return G_SOURCE_REMOVE;
}

static void queue_key(VitrineSession *self, unsigned code, bool down)
{
    struct key_event event = {code, down};

    g_array_append_val(self->typing, event);
}

static void start_typing(VitrineSession *self)
{
    if (!self->typing_source && self->typing->len > 0)
        self->typing_source = g_timeout_add(TYPE_INTERVAL_MS, type_next, self);
}

void vitrine_session_type(VitrineSession *self, const char *text)
{
    if (!vitrine_session_is_live(self))
        return;
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        unsigned code;
        bool shift;
        if (!keys_for_character(g_utf8_get_char(p), &code, &shift))
            continue;
        if (shift)
            queue_key(self, KEY_LEFTSHIFT, true);
        queue_key(self, code, true);
        queue_key(self, code, false);
        if (shift)
            queue_key(self, KEY_LEFTSHIFT, false);
    }
    start_typing(self);
}

void vitrine_session_send_chord(VitrineSession *self, const unsigned *codes)
{
    unsigned count = 0;

    if (!vitrine_session_is_live(self))
        return;
    for (; codes[count]; count++)
        queue_key(self, codes[count], true);
    while (count > 0)
        queue_key(self, codes[--count], false);
    start_typing(self);
}
