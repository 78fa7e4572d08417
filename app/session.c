/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running machine between the engine's thread and the windows. */
#include "app/session.h"

#include "app/i18n.h"
#include "app/machine_log.h"
#include "app/session_config.h"
#include "app/session_private.h"
#include "app/picture.h"
#include "app/typist.h"
#include "images/images.h"

#include <glib/gstdio.h>
#include <unistd.h>
#include <zstd.h>

#define THUMBNAIL_WIDTH   480
#define THUMBNAIL_SECONDS 5
#define MAX_STATE         (256u << 20) /* bytes of a machine's devices */

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
    char *from; /* a node of the history to start from */
    char *final_screenshot;

    VitrineRewind *rewind;
    VitrineHistory *history;
    char *base; /* node whose memory is known to the engine as moment `since` */
    guint64 since;

    struct engine *engine;
    enum session_state state;
    gboolean locked, finishing, stop_after_save;
    char *message;
    int exit_status;
    int frame_pending; /* atomic: a "frame-ready" is on its way */

    struct typist *typist; /* of a machine that runs */
    guint thumbnail_source;
    guint64 thumbnail_frames;
};

G_DEFINE_FINAL_TYPE(VitrineSession, vitrine_session, G_TYPE_OBJECT)

enum { STATE_CHANGED, FRAME_READY, SERIAL_OUTPUT, TYPED, RESTORED, PRESENT, FINISHED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void save_thumbnail(VitrineSession *self);

/* ---- object ---- */

static void vitrine_session_finalize(GObject *object)
{
    VitrineSession *self = VITRINE_SESSION(object);

    typist_free(self->typist);
    if (self->rewind)
        rewind_engine_gone(self->rewind);
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

    if (!folder)
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

static void set_state(VitrineSession *self, enum session_state state)
{
    enum session_state before = self->state;

    if (before == state)
        return;
    self->state = state;
    log_state(self, before);
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

/* Always by way of the main loop: g_main_context_invoke() would run it here while nobody iterates. */
static void attach(VitrineSession *self, GSourceFunc function, gpointer data, GDestroyNotify destroy)
{
    g_autoptr(GSource) source = g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, function, data, destroy);
    g_source_attach(source, self->context);
}

static void post(struct message *message, GSourceFunc function)
{
    attach(message->session, function, message, message_free);
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

/* ---- start ---- */

static void on_typed(void *opaque)
{
    g_signal_emit(opaque, signals[TYPED], 0);
}

struct start {
    MachineIni *machine; /* of a bundle */
    struct engine_config *config;
    struct engine *engine;

    /* from the history: */
    char *go_back, *undo; /* first go back to this node */
    char *node;           /* whose memory the machine goes on with; NULL = none */
    GBytes *state;        /* devices, and where its pages are */
    RamTable *table;
    char *packs, *file; /* or a whole saved state */
    guint64 number;
    gboolean again; /* there was an engine before */
};

static void start_free(gpointer data)
{
    struct start *start = data;

    machine_ini_free(start->machine);
    if (start->config)
        engine_config_free(start->config);
    if (start->engine)
        engine_free(start->engine);
    g_free(start->go_back);
    g_free(start->undo);
    g_free(start->node);
    g_clear_pointer(&start->state, g_bytes_unref);
    ram_table_free(start->table);
    g_free(start->packs);
    g_free(start->file);
    g_free(start);
}

/* The memory of the node that the machine goes on from; FALSE with a sentence. */
static gboolean read_node(const char *folder, struct start *start, GError **error)
{
    g_autofree char *state = history_node_file(folder, start->node, "state");
    g_autofree char *ram = history_node_file(folder, start->node, "ram");
    g_autofree char *whole = history_node_file(folder, start->node, "resume.state");
    char *data;
    gsize size;

    if (g_file_test(whole, G_FILE_TEST_EXISTS)) {
        start->file = g_steal_pointer(&whole);
        return TRUE;
    }
    if (!g_file_test(state, G_FILE_TEST_EXISTS))
        return TRUE; /* the machine was off: it starts anew on that node's disks */
    if (!g_file_get_contents(state, &data, &size, error))
        return FALSE;
    g_autofree char *packed = data;
    unsigned long long length = ZSTD_getFrameContentSize(packed, size);
    g_autofree char *bytes = length < MAX_STATE ? g_try_malloc(length + 1) : NULL;
    if (!bytes || ZSTD_decompress(bytes, length, packed, size) != length) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX, _("The moment's devices are damaged (%s)."), state);
        return FALSE;
    }
    start->state = g_bytes_new_take(g_steal_pointer(&bytes), length);
    start->packs = history_ram_folder(folder);
    start->table = ram_table_read(ram, error);
    return start->table != NULL;
}

/* What the history says before a bundle is started: nothing half done, originals as they were, where to go on. */
static gboolean prepare_bundle(VitrineSession *self, struct start *start, GError **error)
{
    const char *folder = vitrine_bundle_get_folder(self->bundle);
    const gboolean discard = (self->flags & SESSION_DISCARD_WRITES) != 0;
    gboolean changed = FALSE;
    GError *failure = NULL;

    history_recover(folder);
    if (start->go_back && !history_restore_off(folder, start->go_back, start->undo, error))
        return FALSE;
    if (self->from) {
        g_autoptr(HistoryRecord) record = history_read_one(folder, self->from, error);
        if (!record)
            return FALSE;
        if (!record->machine) {
            g_set_error_literal(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX, record->problem);
            return FALSE;
        }
        machine_ini_free(start->machine);
        start->machine = g_steal_pointer(&record->machine);
        start->node = g_strdup(self->from);
    } else {
        machine_ini_free(start->machine);
        start->machine = history_read_machine(folder, error);
        if (!start->machine || !history_note_bases(folder, start->machine, &changed, error) ||
            (changed && !history_write_machine(folder, start->machine, error)))
            return FALSE;
    }
    g_autoptr(GPtrArray) problems = history_find_problems(folder, start->machine);
    if (problems->len) {
        g_set_error_literal(error, MACHINE_ERROR, MACHINE_ERROR_INVALID,
                            ((VitrineHistoryProblem *)problems->pdata[0])->message);
        return FALSE;
    }
    if (!discard && !(self->flags & SESSION_FRESH) && !self->load_state) {
        start->node = history_prepare_start(folder, start->machine, &failure);
        if (failure) {
            g_propagate_error(error, failure);
            return FALSE;
        }
    }
    return !start->node || read_node(folder, start, error);
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

    if (start->engine) { /* the one before; all of it ends before anything begins */
        engine_free(start->engine);
        start->engine = NULL;
    }
    if (self->bundle && !prepare_bundle(self, start, &error)) {
        g_task_return_error(task, error);
        return;
    }
    if (start->machine)
        start->config = session_config_from_bundle(vitrine_bundle_get_folder(self->bundle), start->machine,
                                                   (self->flags & SESSION_DISCARD_WRITES) != 0,
                                                   self->serial_set ? &self->serial : NULL, &error);
    else if ((self->flags & SESSION_DISCARD_WRITES) && !session_config_discard_writes(start->config, &error))
        g_clear_pointer(&start->config, engine_config_free);
    if (start->config && (self->flags & SESSION_SILENT))
        start->config->audio = ENGINE_AUDIO_NONE;
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

static void note_start(MachineIni *machine, gpointer data)
{
    machine->last_used = g_get_real_time() / G_USEC_PER_SEC;
    machine->running = TRUE;
    g_clear_pointer(&machine->resume, g_free);
}

static void note_end(MachineIni *machine, gpointer data)
{
    machine->running = FALSE;
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

static void note_use(VitrineSession *self, void (*change)(MachineIni *machine, gpointer data))
{
    g_autoptr(GError) error = NULL;

    if (!change_machine(self, change, NULL, &error))
        g_message("%s", error->message);
}

static void started(VitrineSession *self)
{
    if (self->bundle) {
        /* From here on the disks move away from what the state remembers. */
        if (!(self->flags & SESSION_DISCARD_WRITES)) {
            g_autofree char *resume = vitrine_bundle_resume_state(self->bundle);
            vitrine_bundle_refresh(self->bundle);
            note_use(self, note_start);
            g_unlink(resume);
            if (!self->history)
                self->history = vitrine_history_get(self->bundle);
            history_set_session(self->history, self);
        }
        if (!self->thumbnail_source)
            self->thumbnail_source = g_timeout_add_seconds(THUMBNAIL_SECONDS, thumbnail_due, self);
    }
    if (self->flags & SESSION_START_PAUSED)
        set_state(self, SESSION_PAUSED);
    else
        set_state(self, SESSION_RUNNING);
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
    attach(self, function, answer, answer_free);
}

static gboolean start_state_loaded(gpointer data)
{
    struct session_answer *answer = data;
    VitrineSession *self = g_task_get_source_object(answer->task);

    if (answer->error) {
        g_clear_pointer(&self->typist, typist_free);
        g_clear_pointer(&self->engine, engine_free);
        start_failed(self, answer->error);
        g_task_return_error(answer->task, g_steal_pointer(&answer->error));
        return G_SOURCE_REMOVE;
    }
    struct start *start = g_task_get_task_data(answer->task);
    if (start && start->node)
        session_set_base(self, start->node, start->number);
    if (!(self->flags & SESSION_START_PAUSED))
        engine_resume(self->engine);
    started(self);
    g_task_return_boolean(answer->task, TRUE);
    return G_SOURCE_REMOVE;
}

static void on_start_state_loaded(void *opaque, const GError *error)
{
    session_post_answer(opaque, error, start_state_loaded);
}

/* ---- going on from a node of the history ---- */

static bool load_pages(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error)
{
    const struct start *start = opaque;

    return ram_table_load(start->table, start->packs, block, to, size, error);
}

static void on_node_loaded(void *opaque, uint64_t number, const GError *error)
{
    GTask *task = opaque;
    struct start *start = g_task_get_task_data(task);

    start->number = number;
    session_post_answer(task, error, start_state_loaded);
}

/* `task` keeps what is being read. */
static void begin_at_node(VitrineSession *self, struct start *start, GTask *task)
{
    struct start *kept = g_new0(struct start, 1);

    kept->node = g_steal_pointer(&start->node);
    kept->state = g_steal_pointer(&start->state);
    kept->table = g_steal_pointer(&start->table);
    kept->packs = g_steal_pointer(&start->packs);
    kept->again = start->again;
    g_task_set_task_data(task, kept, start_free);
    engine_start_paused(self->engine);
    struct engine_moment_source source_of = {kept->state, load_pages, NULL, kept};
    engine_load_moment(self->engine, &source_of, on_node_loaded, task);
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
    self->typist = typist_new(self->engine, on_typed, self);

    if (start->state) {
        begin_at_node(self, start, g_steal_pointer(&task));
        return;
    }
    g_autofree char *state = g_strdup(self->load_state ? self->load_state : start->file);
    if (!state && self->bundle && !start->node && !(self->flags & (SESSION_FRESH | SESSION_DISCARD_WRITES))) {
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

static void build(VitrineSession *self, struct start *start, GTask *task);

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
    build(self, start, task);
}

static void build(VitrineSession *self, struct start *start, GTask *task)
{
    g_autoptr(GTask) worker = g_task_new(self, g_task_get_cancellable(task), engine_built, task);

    g_task_set_task_data(worker, start, start_free);
    g_task_run_in_thread(worker, build_engine);
}

gboolean vitrine_session_start_finish(VitrineSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---- history ---- */

static void went_back(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineSession *self = VITRINE_SESSION(source);
    g_autoptr(GTask) task = user_data;
    GError *error = NULL;

    if (!vitrine_session_start_finish(self, result, &error)) {
        g_task_return_error(task, error);
        g_signal_emit(self, signals[FINISHED], 0);
        return;
    }
    g_signal_emit(self, signals[RESTORED], 0);
    g_task_return_boolean(task, TRUE);
}

void session_go_back(VitrineSession *self, const char *node, const char *undo, GTask *task)
{
    struct start *start = g_new0(struct start, 1);

    g_clear_pointer(&self->typist, typist_free);
    g_clear_pointer(&self->base, g_free);
    history_set_session(self->history, NULL);
    if (self->rewind)
        rewind_engine_gone(self->rewind);
    start->go_back = g_strdup(node);
    start->undo = g_strdup(undo);
    start->engine = g_steal_pointer(&self->engine);
    start->machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));
    start->again = TRUE;
    set_state(self, SESSION_STARTING);
    build(self, start, g_task_new(self, NULL, went_back, task));
}

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

    g_mutex_init(&call.lock);
    g_cond_init(&call.done);
    g_main_context_invoke(self->context, do_call, &call);
    g_mutex_lock(&call.lock);
    while (!call.is_done)
        g_cond_wait(&call.done, &call.lock);
    g_mutex_unlock(&call.lock);
    g_mutex_clear(&call.lock);
    g_cond_clear(&call.done);
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

/* ---- the end ---- */

static void free_engine(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    VitrineSession *self = source;
    g_autoptr(GError) error = NULL;

    engine_free(task_data); /* closes the images: may wait for the disk */
    if (self->history)
        history_wait_tightening(self->history);
    /* What had to wait until nobody uses the disks. */
    if (session_kept_bundle(self) && !history_collect(vitrine_bundle_get_folder(self->bundle), NULL, &error))
        g_message("%s", error->message);
    g_task_return_boolean(task, TRUE);
}

static void engine_freed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineSession *self = VITRINE_SESSION(source);

    self->finishing = FALSE;
    if (self->locked) {
        if (session_kept_bundle(self))
            note_use(self, note_end);
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
    if (self->rewind)
        rewind_engine_gone(self->rewind);
    if (self->history)
        history_set_session(self->history, NULL);
    g_clear_pointer(&self->typist, typist_free);
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

VitrineBundle *session_kept_bundle(VitrineSession *self)
{
    return self->flags & SESSION_DISCARD_WRITES ? NULL : self->bundle;
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
    struct session_answer *answer = data;
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
    session_post_answer(opaque, error, state_saved);
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
    if (session_refuse_if_off(self, task))
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

static void take_picture(VitrineSession *self, const char *path, int max_width, GTask *task)
{
    if (self->engine)
        picture_take(self->engine, self->context, path, max_width, task);
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

static void save_thumbnail(VitrineSession *self)
{
    if (!self->bundle || (self->flags & SESSION_DISCARD_WRITES))
        return;
    g_autofree char *path = vitrine_bundle_thumbnail(self->bundle);
    take_picture(self, path, THUMBNAIL_WIDTH, g_task_new(self, NULL, thumbnail_written, NULL));
}

/* ---- typing ---- */

void vitrine_session_type(VitrineSession *self, const char *text)
{
    if (vitrine_session_is_live(self))
        typist_type(self->typist, text);
}

void vitrine_session_send_chord(VitrineSession *self, const unsigned *codes)
{
    if (vitrine_session_is_live(self))
        typist_chord(self->typist, codes);
}
