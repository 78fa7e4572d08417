/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running machine between the engine's thread and the windows. */
#include "app/session.h"

#include "app/i18n.h"
#include "app/machine_log.h"
#include "app/session_object.h"


G_DEFINE_FINAL_TYPE(VitrineSession, vitrine_session, G_TYPE_OBJECT)

enum { STATE_CHANGED, FRAME_READY, SERIAL_OUTPUT, TYPED, RESTORED, PRESENT, FINISHED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* ---- object ---- */

static void vitrine_session_finalize(GObject *object)
{
    VitrineSession *self = VITRINE_SESSION(object);

    typist_free(self->typist);
    if (self->rewind)
        rewind_begin_anew(self->rewind);
    if (self->thumbnail_source)
        g_source_remove(self->thumbnail_source);
    g_clear_pointer(&self->engine, engine_free);
    g_clear_object(&self->rewind);
    g_clear_pointer(&self->config, engine_config_free);
    if (self->locked)
        vitrine_bundle_unlock(self->bundle);
    g_clear_object(&self->bundle);
    g_main_context_unref(self->context);
    g_free(self->title);
    g_free(self->serial.path);
    g_free(self->load_state);
    g_free(self->from);
    g_free(self->base);
    g_clear_object(&self->history);
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
    signals[RESTORED] = add_signal("restored", 0, G_TYPE_NONE, G_TYPE_NONE);
    signals[PRESENT] = add_signal("present", 0, G_TYPE_NONE, G_TYPE_NONE);
    signals[FINISHED] = add_signal("finished", 0, G_TYPE_NONE, G_TYPE_NONE);
}

static void vitrine_session_init(VitrineSession *self)
{
    self->context = g_main_context_ref_thread_default();
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

void vitrine_session_set_from(VitrineSession *self, const char *node_id)
{
    g_free(self->from);
    self->from = g_strdup(node_id);
}

void vitrine_session_set_final_screenshot(VitrineSession *self, const char *path)
{
    g_free(self->final_screenshot);
    self->final_screenshot = g_strdup(path);
}

/* Says in the machine's log what became of it. */
static void log_state(VitrineSession *self, enum session_state before)
{
    const char *folder = self->bundle ? vitrine_bundle_get_folder(self->bundle) : NULL;

    if (!folder || !vitrine_bundle_is_in_place(self->bundle, NULL))
        return;
    switch (self->state) {
    case SESSION_STARTING:
        machine_log(folder, "%s",
                    self->flags & SESSION_DISCARD_WRITES ? _("Started; what it writes is not kept")
                    : self->flags & SESSION_FRESH        ? _("Started anew")
                                                         : _("Started"));
        break;
    case SESSION_RUNNING:
        if (before == SESSION_PAUSED)
            machine_log(folder, "%s", _("Resumed"));
        break;
    case SESSION_PAUSED: machine_log(folder, "%s", before == SESSION_SAVING ? _("Saved") : _("Paused")); break;
    case SESSION_OFF: machine_log(folder, "%s", _("Off")); break;
    case SESSION_ERROR: machine_log(folder, _("It could not run: %s"), self->message); break;
    case SESSION_NEW:
    case SESSION_SAVING: break;
    }
}

void session_set_state(VitrineSession *self, enum session_state state)
{
    enum session_state before = self->state;

    if (before == state)
        return;
    self->state = state;
    log_state(self, before);
    g_signal_emit(self, signals[STATE_CHANGED], 0);
}

void session_emit_restored(VitrineSession *self)
{
    g_signal_emit(self, signals[RESTORED], 0);
}

void session_emit_finished(VitrineSession *self)
{
    g_signal_emit(self, signals[FINISHED], 0);
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

void session_attach(GMainContext *context, GSourceFunc function, gpointer data, GDestroyNotify destroy)
{
    g_autoptr(GSource) source = g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, function, data, destroy);
    g_source_attach(source, context);
}

static void post(struct message *message, GSourceFunc function)
{
    session_attach(message->session->context, function, message, message_free);
}

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
            session_set_state(self, SESSION_RUNNING);
        break;
    case ENGINE_PAUSED:
        /* While it starts, "paused" only means that a state is being loaded. */
        if (self->state != SESSION_SAVING && self->state != SESSION_STARTING) {
            session_set_state(self, SESSION_PAUSED);
            session_save_thumbnail(self);
        }
        break;
    case ENGINE_OFF:
    case ENGINE_ERROR:
        self->exit_status = message->exit_status;
        if (message->state == ENGINE_ERROR) {
            g_free(self->message);
            self->message = engine_message(self->engine);
        }
        session_set_state(self, message->state == ENGINE_ERROR ? SESSION_ERROR : SESSION_OFF);
        session_finish(self);
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

static void on_typed(void *opaque)
{
    g_signal_emit(opaque, signals[TYPED], 0);
}

void session_take_engine(VitrineSession *self, struct engine *engine)
{
    self->engine = engine;
    self->typist = typist_new(engine, on_typed, self);
}

struct engine_events session_events(VitrineSession *self)
{
    return (struct engine_events){.state_changed = on_state_changed,
                                  .frame_ready = on_frame_ready,
                                  .serial_output = on_serial_output,
                                  .media_eject_requested = on_media_eject_requested,
                                  .opaque = self};
}

static void answer_free(gpointer data)
{
    struct session_answer *answer = data;

    g_clear_error(&answer->error);
    g_object_unref(answer->task);
    g_free(answer);
}

void session_post_answer(GTask *task, const GError *error, GSourceFunc function)
{
    VitrineSession *self = g_task_get_source_object(task);
    struct session_answer *answer = g_new0(struct session_answer, 1);

    answer->task = task;
    answer->error = error ? g_error_copy(error) : NULL;
    session_attach(self->context, function, answer, answer_free);
}

/* ---- history ---- */

gboolean session_get_base(VitrineSession *self, const char **node, guint64 *since)
{
    *node = self->base;
    *since = self->since;
    return self->base != NULL;
}

void session_set_base(VitrineSession *self, const char *node, guint64 since)
{
    char *copy = g_strdup(node);

    g_free(self->base);
    self->base = copy;
    self->since = since;
}

gboolean session_present(VitrineSession *self)
{
    if (!g_signal_has_handler_pending(self, signals[PRESENT], 0, FALSE))
        return FALSE;
    g_signal_emit(self, signals[PRESENT], 0);
    return TRUE;
}

struct call {
    void (*fn)(gpointer data);
    gpointer data;
    GMutex lock;
    GCond done;
    gboolean is_done;
};

static gboolean do_call(gpointer data)
{
    struct call *call = data;

    call->fn(call->data);
    g_mutex_lock(&call->lock);
    call->is_done = TRUE;
    g_cond_signal(&call->done);
    g_mutex_unlock(&call->lock);
    return G_SOURCE_REMOVE;
}

void session_call(VitrineSession *self, void (*fn)(gpointer data), gpointer data)
{
    struct call call = {.fn = fn, .data = data};

    if (g_main_context_is_owner(self->context)) {
        fn(data);
        return;
    }
    g_mutex_init(&call.lock);
    g_cond_init(&call.done);
    session_attach(self->context, do_call, &call, NULL);
    g_mutex_lock(&call.lock);
    while (!call.is_done)
        g_cond_wait(&call.done, &call.lock);
    g_mutex_unlock(&call.lock);
    g_mutex_clear(&call.lock);
    g_cond_clear(&call.done);
}

/* In the main context. */
static gboolean change_machine(VitrineSession *self, void (*change)(MachineIni *machine, gpointer data), gpointer data,
                               GError **error)
{
    const MachineIni *now = vitrine_bundle_get_machine(self->bundle);
    g_autoptr(MachineIni) machine = now ? machine_ini_copy(now) : NULL;

    if (!machine) {
        g_set_error_literal(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX, vitrine_bundle_get_problem(self->bundle));
        return FALSE;
    }
    change(machine, data);
    return vitrine_bundle_save(self->bundle, machine, error);
}

void session_note_use(VitrineSession *self, void (*change)(MachineIni *machine, gpointer data))
{
    g_autoptr(GError) error = NULL;

    if (!change_machine(self, change, NULL, &error))
        g_message("%s", error->message);
}

struct change {
    VitrineSession *session;
    void (*change)(MachineIni *machine, gpointer data);
    gpointer data;
    gboolean ok;
    GError **error;
};

static void do_change(gpointer data)
{
    struct change *change = data;

    change->ok = change_machine(change->session, change->change, change->data, change->error);
}

gboolean session_change_machine(VitrineSession *self, void (*change)(MachineIni *machine, gpointer data), gpointer data,
                                GError **error)
{
    struct change call = {self, change, data, FALSE, error};

    session_call(self, do_change, &call);
    return call.ok;
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

VitrineBundle *session_kept_bundle(VitrineSession *self)
{
    return self->flags & SESSION_DISCARD_WRITES ? NULL : self->bundle;
}

gboolean vitrine_session_is_over(VitrineSession *self)
{
    return (self->state == SESSION_NEW || self->state == SESSION_OFF || self->state == SESSION_ERROR) && !self->engine &&
           !self->finishing;
}

gboolean vitrine_session_keeps(VitrineSession *self)
{
    return session_kept_bundle(self) != NULL;
}

VitrineRewind *vitrine_session_get_rewind(VitrineSession *self)
{
    if (!self->rewind)
        self->rewind = rewind_new(self);
    return self->rewind;
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

gboolean session_refuse_if_off(VitrineSession *self, GTask *task)
{
    if (vitrine_session_is_live(self))
        return FALSE;
    g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The machine is not running."));
    g_object_unref(task);
    return TRUE;
}

/* ---- typing ---- */

char *vitrine_session_type(VitrineSession *self, const char *text)
{
    g_autofree char *left_out = vitrine_session_is_live(self) ? typist_type(self->typist, text) : NULL;

    return left_out ? g_strdup_printf(_("The machine’s keyboard has no key for “%s”: that was left out."), left_out) : NULL;
}

void vitrine_session_send_chord(VitrineSession *self, const unsigned *codes)
{
    if (vitrine_session_is_live(self))
        typist_chord(self->typist, codes);
}
