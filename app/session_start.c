/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a session begins: what the history says, the engine, and where it goes on: anew, from a file, from a node. */
#include "app/session_object.h"

#include "app/history_store.h"
#include "app/i18n.h"
#include "app/machine_check.h"
#include "app/session_config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <zstd.h>

#define MAX_STATE (256u << 20) /* bytes of a machine's devices */

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
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX, _("The snapshot's devices are damaged (%s)."), state);
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

/* What the description's check says of the reason is more helpful than what the engine stumbled over. */
static void explain(VitrineSession *self, const struct start *start, GError **error)
{
    if (!self->bundle || !start->machine)
        return;
    g_autoptr(GPtrArray) findings = machine_check(vitrine_bundle_get_folder(self->bundle), start->machine);
    const struct machine_finding *first = findings->len ? findings->pdata[0] : NULL;
    if (first && first->level == FINDING_ERROR) {
        g_clear_error(error);
        g_set_error_literal(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, first->text);
    }
}

static void build_engine(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    VitrineSession *self = source;
    struct start *start = task_data;
    const struct engine_events events = session_events(self);
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
    if (start->engine) {
        g_task_return_boolean(task, TRUE);
    } else {
        explain(self, start, &error);
        g_task_return_error(task, error);
    }
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
    session_set_state(self, SESSION_ERROR);
}

static void note_start(MachineIni *machine, gpointer data)
{
    machine->last_used = g_get_real_time() / G_USEC_PER_SEC;
    machine->running = TRUE;
    g_clear_pointer(&machine->resume, g_free);
}

/* From here on the disks move away from what the state remembers: it is gone, on the disk too, before the guest goes on. */
static gboolean leave_state(VitrineSession *self, GError **error)
{
    if (!session_kept_bundle(self))
        return TRUE;
    vitrine_bundle_refresh(self->bundle);
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
    const gboolean goes_on = machine && machine->resume;
    g_autofree char *resume = vitrine_bundle_resume_state(self->bundle);
    g_autofree char *folder = g_path_get_dirname(resume);
    g_autoptr(GError) failure = NULL;
    if (!session_change_machine(self, note_start, NULL, &failure)) {
        if (goes_on) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return FALSE;
        }
        g_message("%s", failure->message);
        g_clear_error(&failure);
    }
    if (g_unlink(resume) != 0)
        return errno == ENOENT || vitrine_set_errno(error, errno, _("The saved state could not be left"), resume);
    if (!vitrine_sync_folder(folder, &failure))
        g_message("%s", failure->message);
    return TRUE;
}

static void started(VitrineSession *self)
{
    if (self->bundle) {
        if (session_kept_bundle(self)) {
            if (!self->history)
                self->history = vitrine_history_get(self->bundle);
            history_set_session(self->history, self);
        }
        session_watch_thumbnail(self);
    }
    if (self->flags & SESSION_START_PAUSED)
        session_set_state(self, SESSION_PAUSED);
    else
        session_set_state(self, SESSION_RUNNING);
}

/* With an engine that is not to run. */
static void give_up(VitrineSession *self, const GError *error)
{
    g_clear_pointer(&self->typist, typist_free);
    g_clear_pointer(&self->engine, engine_free);
    start_failed(self, error);
}

static gboolean start_state_loaded(gpointer data)
{
    struct session_answer *answer = data;
    VitrineSession *self = g_task_get_source_object(answer->task);

    if (answer->error || !leave_state(self, &answer->error)) {
        give_up(self, answer->error);
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
    session_take_engine(self, g_steal_pointer(&start->engine));

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
    if (!leave_state(self, &error)) {
        give_up(self, error);
        g_task_return_error(task, g_steal_pointer(&error));
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
    session_set_state(self, SESSION_STARTING);
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
/* ---- going back while it runs ---- */

static void went_back(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineSession *self = VITRINE_SESSION(source);
    g_autoptr(GTask) task = user_data;
    GError *error = NULL;

    if (!vitrine_session_start_finish(self, result, &error)) {
        g_task_return_error(task, error);
        session_emit_finished(self);
        return;
    }
    session_emit_restored(self);
    g_task_return_boolean(task, TRUE);
}

void session_go_back(VitrineSession *self, const char *node, const char *undo, GTask *task)
{
    struct start *start = g_new0(struct start, 1);

    g_clear_pointer(&self->typist, typist_free);
    g_clear_pointer(&self->base, g_free);
    history_set_session(self->history, NULL);
    if (self->rewind)
        rewind_begin_anew(self->rewind);
    start->go_back = g_strdup(node);
    start->undo = g_strdup(undo);
    start->engine = g_steal_pointer(&self->engine);
    start->machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));
    session_set_state(self, SESSION_STARTING);
    build(self, start, g_task_new(self, NULL, went_back, task));
}
