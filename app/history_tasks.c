/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operations of VitrineHistory: one at a time, on a worker thread, done by whoever has the machine open: the
 * session in this process, another vitrine (through its control socket), or nobody, and then under the lock.
 */
#include "app/history_private.h"

#include "app/i18n.h"

#include <string.h>

#define PROGRESS_INTERVAL_US 50000

enum op_kind { OP_TAKE, OP_RESTORE, OP_UNDO, OP_BRANCH, OP_DELETE, OP_COMPARE, OP_VERIFY, OP_REPAIR };

static const char *const commands[] = {[OP_TAKE] = "take",     [OP_RESTORE] = "restore", [OP_UNDO] = "undo",
                                       [OP_BRANCH] = "branch", [OP_DELETE] = "delete"};

struct op {
    enum op_kind kind;
    VitrineHistory *history; /* not a reference: the task has one */
    GTask *task;             /* what the caller waits for */
    VitrineHistoryProgress progress;
    gpointer progress_data;
    gint64 last_progress;

    char *node, *other, *name, *note;
    enum history_kind take_kind;
    gboolean flag; /* full copy, deep */
    enum history_repair repair;

    char *folder;
    VitrineSession *session; /* the machine runs here */
    struct engine *engine;   /* held */
    gboolean locked, remote;

    char *safety, *undo, *result;
    VitrineHistoryComparison *comparison;
    GPtrArray *health; /* struct health * */
};

struct health {
    char *id, *message;
    enum history_health health;
};

static void health_free(gpointer data)
{
    struct health *health = data;

    g_free(health->id);
    g_free(health->message);
    g_free(health);
}

static void op_free(gpointer data)
{
    struct op *op = data;

    g_free(op->node);
    g_free(op->other);
    g_free(op->name);
    g_free(op->note);
    g_free(op->folder);
    g_free(op->safety);
    g_free(op->undo);
    g_free(op->result);
    g_clear_object(&op->session);
    vitrine_history_comparison_free(op->comparison);
    g_clear_pointer(&op->health, g_ptr_array_unref);
    g_free(op);
}

/* ---- progress ---- */

struct progress {
    GTask *task;
    guint64 done, total;
};

static gboolean tell_progress(gpointer data)
{
    struct progress *p = data;
    struct op *op = g_task_get_task_data(p->task);

    if (!g_task_get_completed(p->task))
        op->progress(p->done, p->total, op->progress_data);
    g_object_unref(p->task);
    g_free(p);
    return G_SOURCE_REMOVE;
}

static void op_progress(guint64 done, guint64 total, gpointer user_data)
{
    struct op *op = user_data;
    gint64 now = g_get_monotonic_time();

    if (!op->progress || (now - op->last_progress < PROGRESS_INTERVAL_US && done < total))
        return;
    op->last_progress = now;
    struct progress *p = g_new(struct progress, 1);
    *p = (struct progress){g_object_ref(op->task), done, total};
    session_attach(g_task_get_context(op->task), tell_progress, p, NULL);
}

/* ---- on the worker thread ---- */

static gboolean work_remote(struct op *op, GCancellable *cancellable, GError **error)
{
    g_autoptr(JsonObject) request = json_object_new();

    json_object_set_string_member(request, "command", commands[op->kind]);
    if (op->node)
        json_object_set_string_member(request, "node", op->node);
    if (op->name)
        json_object_set_string_member(request, "name", op->name);
    if (op->note)
        json_object_set_string_member(request, "note", op->note);
    if (op->kind == OP_TAKE)
        json_object_set_string_member(request, "kind", vitrine_history_kind_id(op->take_kind));
    if (op->kind == OP_BRANCH)
        json_object_set_boolean_member(request, "full-copy", op->flag);
    g_autoptr(JsonObject) reply = control_ask(op->folder, request, cancellable, op_progress, op, error);
    if (!reply)
        return FALSE;
    op->result = g_strdup(json_object_get_string_member_with_default(
        reply, op->kind == OP_BRANCH ? "folder" : "node", NULL));
    const char *safety = json_object_get_string_member_with_default(reply, "safety", "");
    op->safety = *safety ? g_strdup(safety) : NULL;
    return TRUE;
}

static char *take(struct op *op, const char *name, enum history_kind kind, const ImageJob *job, GError **error)
{
    return op->engine ? history_take_live(op->session, op->engine, name, op->note, kind, job, error)
                      : history_take_off(op->folder, name, op->note, kind, error);
}

static gboolean restore(struct op *op, const ImageJob *job, GError **error)
{
    g_autoptr(HistoryRecord) record = history_read_one(op->folder, op->node, error);
    g_autofree char *message = NULL;

    if (!record)
        return FALSE;
    if (history_check_node(op->folder, record, FALSE, job->cancellable, &message) == HISTORY_HEALTH_BROKEN) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, _("The snapshot “%s” cannot be gone back to: %s"),
                    record->name, message);
        return FALSE;
    }
    if (op->engine || history_changed_off(op->folder)) {
        g_autofree char *name = op->kind == OP_UNDO ? g_strdup(_("Before the undo"))
                                                     : g_strdup_printf(_("Before going back to “%s”"), record->name);
        op->safety = take(op, name, HISTORY_SAFETY, job, error);
        /* Before a machine that runs is stopped for something that cannot be done. */
        if (!op->safety || !history_check_space(op->folder, HISTORY_NODE_BYTES, error))
            return FALSE;
        op->undo = g_strdup(op->safety);
    } else {
        g_autoptr(MachineIni) machine = history_read_machine(op->folder, error);
        if (!machine)
            return FALSE;
        op->undo = history_here(op->folder, machine);
    }
    /* The rest of a running machine's is the session's: op_worked(). */
    return op->engine || history_restore_off(op->folder, op->node, op->undo, error);
}

struct delete {
    struct op *op;
    GError **error;
    gboolean ok;
};

static void delete_node(gpointer data)
{
    struct delete *d = data;

    d->ok = history_delete_node(d->op->folder, d->op->node, d->error);
    if (d->op->engine)
        vitrine_bundle_refresh(d->op->history->bundle);
}

static gboolean delete(struct op *op, const ImageJob *job, GError **error)
{
    struct delete d = {op, error, FALSE};

    if (op->engine) /* together with everything else that changes machine.ini */
        session_call(op->session, delete_node, &d);
    else
        delete_node(&d);
    return d.ok && history_collect(op->folder, job, error);
}

static gboolean branch(struct op *op, const ImageJob *job, GError **error)
{
    gboolean present = !op->node;

    if (present) {
        g_autofree char *library = g_path_get_dirname(op->folder);
        g_autofree char *folder = vitrine_bundle_new_folder(library, op->name, error);
        g_autofree char *name = g_strdup_printf(_("Where “%s” begins"), op->name);
        op->node = folder ? take(op, name, HISTORY_MANUAL, job, error) : NULL;
    }
    op->result = op->node ? history_branch_off(op->folder, op->node, op->name, op->flag, job, error) : NULL;
    if (present && op->node && !op->result)
        delete(op, NULL, NULL); /* nothing begins there */
    return op->result != NULL;
}

static gboolean verify(struct op *op, const ImageJob *job, GError **error)
{
    g_autoptr(GPtrArray) records = history_read(op->folder);

    op->health = g_ptr_array_new_with_free_func(health_free);
    for (guint i = 0; i < records->len; i++) {
        const HistoryRecord *record = records->pdata[i];
        struct health *health = g_new0(struct health, 1);
        health->id = g_strdup(record->id);
        g_ptr_array_add(op->health, health);
        health->health = history_check_node(op->folder, record, op->flag, job->cancellable, &health->message);
        op_progress(i + 1, records->len, op);
        if (g_cancellable_set_error_if_cancelled(job->cancellable, error))
            return FALSE;
    }
    return TRUE;
}

static void op_thread(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    struct op *op = task_data;
    ImageJob job = {cancellable, op_progress, op};
    GError *error = NULL;
    gboolean ok = FALSE;

    if (op->locked)
        history_recover(op->folder);
    if (op->remote) {
        ok = work_remote(op, cancellable, &error);
    } else {
        switch (op->kind) {
        case OP_TAKE: ok = (op->result = take(op, op->name, op->take_kind, &job, &error)) != NULL; break;
        case OP_RESTORE:
        case OP_UNDO: ok = restore(op, &job, &error); break;
        case OP_BRANCH: ok = branch(op, &job, &error); break;
        case OP_DELETE: ok = delete(op, &job, &error); break;
        case OP_COMPARE: ok = !!(op->comparison = history_compare(op->folder, op->node, op->other, &job, &error)); break;
        case OP_VERIFY: ok = verify(op, &job, &error); break;
        case OP_REPAIR: ok = history_repair(op->folder, op->node, op->repair, op->other, &job, &error); break;
        }
        /* What the present was before is nobody's any more. */
        if (ok && !op->engine && (op->kind == OP_RESTORE || op->kind == OP_UNDO))
            history_collect(op->folder, &job, NULL);
    }
    if (op->engine)
        engine_release(op->engine);
    if (ok)
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

/* ---- in the main context ---- */

static void op_begin(struct op *op);

static void op_end(struct op *op, GError *error)
{
    VitrineHistory *self = g_object_ref(op->history);
    g_autoptr(GTask) task = op->task;

    if (op->locked)
        vitrine_bundle_unlock(self->bundle);
    self->busy = FALSE;
    vitrine_bundle_refresh(self->bundle);
    vitrine_history_refresh(self);
    for (guint i = 0; op->health && i < op->health->len; i++) {
        const struct health *health = op->health->pdata[i];
        VitrineHistoryNode *node = vitrine_history_find(self, health->id, NULL);
        if (node)
            history_node_set_health(node, health->health, health->message);
    }
    if (op->health)
        history_emit_changed(self);
    if (!error && self->session && (op->kind == OP_TAKE || op->kind == OP_RESTORE || op->kind == OP_UNDO))
        history_tighten(self); /* a moment was kept, or what undoes going back */
    if (error)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
    struct op *next = self->busy ? NULL : g_queue_pop_head(&self->waiting);
    if (next)
        op_begin(next);
    g_object_unref(self);
}

static void went_back(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;

    g_task_propagate_boolean(G_TASK(result), &error);
    op_end(user_data, error);
}

static void op_worked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct op *op = user_data;
    GError *error = NULL;

    gboolean ok = g_task_propagate_boolean(G_TASK(result), &error);
    if (ok && op->engine && (op->kind == OP_RESTORE || op->kind == OP_UNDO)) {
        if (vitrine_session_is_live(op->session)) {
            session_go_back(op->session, op->node, op->undo, g_task_new(op->history, NULL, went_back, op));
            return;
        }
        ok = FALSE;
        error = g_error_new(MACHINE_ERROR, MACHINE_ERROR_IN_USE,
                            _("The machine has been switched off meanwhile. Go back again."));
    }
    op_end(op, error);
}

/* The machine's session, if it keeps what it does. */
static VitrineSession *live_session(VitrineHistory *self)
{
    return self->session && vitrine_session_is_live(self->session) && session_kept_bundle(self->session) ? self->session
                                                                                                         : NULL;
}

static void op_begin(struct op *op)
{
    VitrineHistory *self = op->history;
    g_autoptr(GError) error = NULL;

    self->busy = TRUE;
    vitrine_bundle_refresh(self->bundle);
    op->folder = g_strdup(vitrine_bundle_get_folder(self->bundle));
    if (op->kind == OP_UNDO) {
        const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
        op->node = g_strdup(machine ? machine->undo : NULL);
    }
    VitrineSession *session = live_session(self);
    gboolean looks = op->kind == OP_COMPARE || op->kind == OP_VERIFY;
    if (session && op->kind == OP_REPAIR) {
        error = g_error_new(MACHINE_ERROR, MACHINE_ERROR_IN_USE, _("Switch the machine off first."));
    } else if (session && !looks && vitrine_bundle_is_in_place(self->bundle, &error)) {
        op->session = g_object_ref(session);
        op->engine = vitrine_session_get_engine(session);
        engine_hold(op->engine);
    } else if (!looks && !error) {
        op->locked = vitrine_bundle_lock_for_change(self->bundle, &error);
        /* Somebody else has it open: ask there. */
        if (!op->locked && g_error_matches(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE) && !self->session &&
            op->kind != OP_REPAIR) {
            g_autofree char *socket = g_build_filename(op->folder, "control", NULL);
            op->remote = g_file_test(socket, G_FILE_TEST_EXISTS);
            if (op->remote)
                g_clear_error(&error);
        }
    }
    if (!error && op->kind == OP_UNDO && !op->node && !op->remote) {
        if (op->engine) {
            engine_release(op->engine);
            op->engine = NULL;
        }
        error = g_error_new(MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND, _("There is nothing to undo."));
    }
    if (error) {
        op_end(op, g_steal_pointer(&error));
        return;
    }
    g_autoptr(GTask) worker = g_task_new(self, g_task_get_cancellable(op->task), op_worked, op);
    g_task_set_return_on_cancel(worker, FALSE);
    g_task_set_check_cancellable(worker, FALSE);
    g_task_set_task_data(worker, op, NULL);
    g_task_run_in_thread(worker, op_thread);
}

static struct op *op_new(VitrineHistory *self, enum op_kind kind, VitrineHistoryNode *node, GCancellable *cancellable,
                         VitrineHistoryProgress progress, gpointer progress_data, GAsyncReadyCallback callback,
                         gpointer user_data)
{
    struct op *op = g_new0(struct op, 1);

    op->kind = kind;
    op->history = self;
    op->task = g_task_new(self, cancellable, callback, user_data);
    op->progress = progress;
    op->progress_data = progress_data;
    if (node && vitrine_history_node_get_kind(node) != HISTORY_HERE)
        op->node = g_strdup(vitrine_history_node_get_id(node));
    g_task_set_check_cancellable(op->task, FALSE);
    g_task_set_task_data(op->task, op, op_free);
    return op;
}

static void op_start(struct op *op)
{
    if (op->history->busy)
        g_queue_push_tail(&op->history->waiting, op);
    else
        op_begin(op);
}

static void op_refuse(struct op *op, const char *why)
{
    g_autoptr(GTask) task = op->task;

    g_task_return_new_error(task, MACHINE_ERROR, MACHINE_ERROR_INVALID, "%s", why);
}

static struct op *op_of(GAsyncResult *result)
{
    return g_task_get_task_data(G_TASK(result));
}

static VitrineHistoryNode *result_node(VitrineHistory *self, const char *id)
{
    VitrineHistoryNode *node = id ? vitrine_history_find(self, id, NULL) : NULL;

    return node ? g_object_ref(node) : NULL;
}

/* ---- the public operations ---- */

void vitrine_history_take_async(VitrineHistory *self, const char *name, const char *note, enum history_kind kind,
                                GCancellable *cancellable, VitrineHistoryProgress progress, gpointer progress_data,
                                GAsyncReadyCallback callback, gpointer user_data)
{
    struct op *op = op_new(self, OP_TAKE, NULL, cancellable, progress, progress_data, callback, user_data);

    op->name = g_strdup(name);
    op->note = g_strdup(note);
    op->take_kind = kind;
    if (name && strpbrk(name, "\n\r"))
        op_refuse(op, _("The name of a snapshot is one line."));
    else
        op_start(op);
}

VitrineHistoryNode *vitrine_history_take_finish(VitrineHistory *self, GAsyncResult *result, GError **error)
{
    if (!g_task_propagate_boolean(G_TASK(result), error))
        return NULL;
    VitrineHistoryNode *node = result_node(self, op_of(result)->result);
    if (!node)
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND, _("The new snapshot has been deleted already."));
    return node;
}

void vitrine_history_restore_async(VitrineHistory *self, VitrineHistoryNode *node, GCancellable *cancellable,
                                   VitrineHistoryProgress progress, gpointer progress_data,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
    struct op *op = op_new(self, OP_RESTORE, node, cancellable, progress, progress_data, callback, user_data);

    if (!op->node)
        op_refuse(op, _("You are here already."));
    else
        op_start(op);
}

gboolean vitrine_history_restore_finish(VitrineHistory *self, GAsyncResult *result, VitrineHistoryNode **safety,
                                        GError **error)
{
    gboolean ok = g_task_propagate_boolean(G_TASK(result), error);

    if (safety)
        *safety = ok ? result_node(self, op_of(result)->safety) : NULL;
    return ok;
}

void vitrine_history_undo_async(VitrineHistory *self, GCancellable *cancellable, VitrineHistoryProgress progress,
                                gpointer progress_data, GAsyncReadyCallback callback, gpointer user_data)
{
    op_start(op_new(self, OP_UNDO, NULL, cancellable, progress, progress_data, callback, user_data));
}

gboolean vitrine_history_undo_finish(VitrineHistory *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

void vitrine_history_branch_async(VitrineHistory *self, VitrineHistoryNode *node, const char *machine_name,
                                  gboolean full_copy, GCancellable *cancellable, VitrineHistoryProgress progress,
                                  gpointer progress_data, GAsyncReadyCallback callback, gpointer user_data)
{
    struct op *op = op_new(self, OP_BRANCH, node, cancellable, progress, progress_data, callback, user_data);

    op->name = g_strdup(machine_name);
    op->flag = full_copy;
    op_start(op);
}

VitrineBundle *vitrine_history_branch_finish(VitrineHistory *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error) ? vitrine_bundle_new(op_of(result)->result) : NULL;
}

/* Why it cannot be deleted, or NULL. */
static const char *cannot_delete(VitrineHistoryNode *node)
{
    if (vitrine_history_node_get_kind(node) == HISTORY_HERE)
        return _("This is the present; only snapshots can be deleted.");
    if (vitrine_history_node_get_pinned(node))
        return _("This snapshot is pinned. Unpin it before deleting it.");
    return NULL;
}

VitrineHistoryPlan *vitrine_history_plan_delete(VitrineHistory *self, VitrineHistoryNode *node, GError **error)
{
    const char *why = cannot_delete(node);

    if (why) {
        g_set_error_literal(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, why);
        return NULL;
    }
    g_autoptr(VitrineHistoryPlan) plan = g_new0(VitrineHistoryPlan, 1);
    if (!history_plan_layers(vitrine_bundle_get_folder(self->bundle), vitrine_history_node_get_id(node), plan, error))
        return NULL;
    plan->freed_bytes = MAX(plan->freed_bytes, vitrine_history_node_get_own_bytes(node));
    plan->deferred = plan->layers_merged && vitrine_bundle_get_state(self->bundle) == BUNDLE_RUNNING;
    g_autofree char *freed = g_format_size_full(plan->freed_bytes, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *merged = g_format_size_full(plan->merged_bytes, G_FORMAT_SIZE_IEC_UNITS);
    GString *text = g_string_new(NULL);
    if (plan->layers_merged)
        g_string_append_printf(text,
                               g_dngettext(GETTEXT_PACKAGE,
                                           "Its changes of the disks are joined with what comes after it (%s to write, "
                                           "about %u second%s). ",
                                           "Its changes of the disks are joined with what comes after it (%s to write, "
                                           "about %u seconds%s). ",
                                           plan->seconds),
                               merged, plan->seconds, plan->deferred ? _(", when the machine is off") : "");
    else if (plan->layers_kept)
        g_string_append(text, _("Its disks stay, because several branches stand on them. "));
    g_string_append_printf(text, _("About %s become free; all other snapshots stay."), freed);
    plan->summary = g_string_free(text, FALSE);
    return g_steal_pointer(&plan);
}

void vitrine_history_delete_async(VitrineHistory *self, VitrineHistoryNode *node, GCancellable *cancellable,
                                  VitrineHistoryProgress progress, gpointer progress_data,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
    struct op *op = op_new(self, OP_DELETE, node, cancellable, progress, progress_data, callback, user_data);
    const char *why = cannot_delete(node);

    if (why)
        op_refuse(op, why);
    else
        op_start(op);
}

gboolean vitrine_history_delete_finish(VitrineHistory *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

void vitrine_history_compare_async(VitrineHistory *self, VitrineHistoryNode *a, VitrineHistoryNode *b,
                                   GCancellable *cancellable, VitrineHistoryProgress progress, gpointer progress_data,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
    struct op *op = op_new(self, OP_COMPARE, a, cancellable, progress, progress_data, callback, user_data);

    if (vitrine_history_node_get_kind(b) != HISTORY_HERE)
        op->other = g_strdup(vitrine_history_node_get_id(b));
    op_start(op);
}

VitrineHistoryComparison *vitrine_history_compare_finish(VitrineHistory *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error) ? g_steal_pointer(&op_of(result)->comparison) : NULL;
}

void vitrine_history_verify_async(VitrineHistory *self, gboolean deep, GCancellable *cancellable,
                                  VitrineHistoryProgress progress, gpointer progress_data,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
    struct op *op = op_new(self, OP_VERIFY, NULL, cancellable, progress, progress_data, callback, user_data);

    op->flag = deep;
    op_start(op);
}

gboolean vitrine_history_verify_finish(VitrineHistory *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

void vitrine_history_repair_async(VitrineHistory *self, const VitrineHistoryProblem *problem,
                                  enum history_repair repair, const char *path, GCancellable *cancellable,
                                  VitrineHistoryProgress progress, gpointer progress_data,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
    struct op *op = op_new(self, OP_REPAIR, NULL, cancellable, progress, progress_data, callback, user_data);

    op->node = g_strdup(problem->path);
    op->other = g_strdup(path ? path : problem->found);
    op->repair = repair;
    if (repair == HISTORY_REPAIR_LOCATE && !op->other)
        op_refuse(op, _("Say where the original is now."));
    else
        op_start(op);
}

gboolean vitrine_history_repair_finish(VitrineHistory *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---- small changes ---- */

/* Takes the lock unless this process has the machine open. FALSE: somebody else has it. */
static gboolean begin_small(VitrineHistory *self, gboolean *locked, GError **error)
{
    *locked = FALSE;
    if (self->session || self->busy)
        return TRUE;
    return *locked = vitrine_bundle_lock_for_change(self->bundle, error);
}

gboolean history_change_machine(VitrineHistory *self, void (*change)(MachineIni *machine, gpointer data), gpointer data,
                                GError **error)
{
    gboolean locked;
    if (!begin_small(self, &locked, error))
        return FALSE;
    vitrine_bundle_refresh(self->bundle);
    const MachineIni *now = vitrine_bundle_get_machine(self->bundle);
    g_autoptr(MachineIni) machine = now ? machine_ini_copy(now) : NULL;
    gboolean ok = machine != NULL;
    if (ok) {
        change(machine, data);
        ok = vitrine_bundle_save(self->bundle, machine, error);
    } else {
        g_set_error_literal(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX, vitrine_bundle_get_problem(self->bundle));
    }
    if (locked)
        vitrine_bundle_unlock(self->bundle);
    return ok;
}

static gboolean edit_remote(VitrineHistory *self, const char *id, const char *name, const char *note,
                            const gboolean *pinned, GError **error)
{
    g_autoptr(JsonObject) request = json_object_new();

    json_object_set_string_member(request, "command", "edit");
    json_object_set_string_member(request, "node", id);
    if (name)
        json_object_set_string_member(request, "name", name);
    if (note)
        json_object_set_string_member(request, "note", note);
    if (pinned)
        json_object_set_boolean_member(request, "pinned", *pinned);
    g_autoptr(JsonObject) reply =
        control_ask(vitrine_bundle_get_folder(self->bundle), request, NULL, NULL, NULL, error);
    return reply != NULL;
}

static gboolean edit(VitrineHistory *self, VitrineHistoryNode *node, const char *name, const char *note,
                     const gboolean *pinned, GError **error)
{
    const char *folder = vitrine_bundle_get_folder(self->bundle), *id = vitrine_history_node_get_id(node);
    g_autoptr(GError) busy = NULL;
    gboolean locked, ok;

    if (vitrine_history_node_get_kind(node) == HISTORY_HERE) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID,
                    _("The present has no name and no note. Take a snapshot first."));
        return FALSE;
    }
    if (!begin_small(self, &locked, &busy)) {
        ok = edit_remote(self, id, name, note, pinned, error);
    } else {
        g_autoptr(HistoryRecord) record = history_read_to_change(folder, id, error);
        ok = record != NULL;
        if (ok && name) {
            g_free(record->name);
            record->name = g_strdup(name);
        }
        if (ok && note) {
            g_free(record->note);
            record->note = g_strdup(note);
        }
        if (ok && pinned)
            record->pinned = *pinned;
        ok = ok && history_write_record(record, error);
        if (locked)
            vitrine_bundle_unlock(self->bundle);
    }
    if (!self->busy)
        vitrine_history_refresh(self);
    return ok;
}

gboolean vitrine_history_rename(VitrineHistory *self, VitrineHistoryNode *node, const char *name, GError **error)
{
    if (!*name || strpbrk(name, "\n\r") || strlen(name) > MACHINE_MAX_NAME || !g_utf8_validate(name, -1, NULL)) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, _("The name of a snapshot is one line of text."));
        return FALSE;
    }
    return edit(self, node, name, NULL, NULL, error);
}

gboolean vitrine_history_set_note(VitrineHistory *self, VitrineHistoryNode *node, const char *note, GError **error)
{
    if (note && (strlen(note) > MACHINE_MAX_NOTES || !g_utf8_validate(note, -1, NULL))) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, _("The note is too long."));
        return FALSE;
    }
    return edit(self, node, NULL, note ? note : "", NULL, error);
}

gboolean vitrine_history_set_pinned(VitrineHistory *self, VitrineHistoryNode *node, gboolean pinned, GError **error)
{
    return edit(self, node, NULL, NULL, &pinned, error);
}

/* ---- sizes ---- */

struct sizes {
    char *folder;
    GPtrArray *records;
    guint64 *own, *shared;
};

static void sizes_free(gpointer data)
{
    struct sizes *sizes = data;

    g_free(sizes->folder);
    g_clear_pointer(&sizes->records, g_ptr_array_unref);
    g_free(sizes->own);
    g_free(sizes->shared);
    g_free(sizes);
}

static void table_free(gpointer data)
{
    ram_table_free(data);
}

static void measure_thread(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    struct sizes *sizes = task_data;
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(table_free);
    g_autofree char *packs = history_ram_folder(sizes->folder);

    sizes->records = history_read(sizes->folder);
    sizes->own = g_new0(guint64, sizes->records->len + 1);
    sizes->shared = g_new0(guint64, sizes->records->len + 1);
    for (guint i = 0; i < sizes->records->len; i++) {
        g_autofree char *path = g_build_filename(((HistoryRecord *)sizes->records->pdata[i])->folder, "ram", NULL);
        g_ptr_array_add(tables, ram_table_read(path, NULL));
    }
    ram_store_usage(packs, tables, sizes->own, sizes->shared);
    for (guint i = 0; i < sizes->records->len; i++) {
        guint64 own, shared;
        history_layer_usage(sizes->folder, sizes->records, i, &own, &shared);
        sizes->own[i] += own;
        sizes->shared[i] += shared;
    }
    g_task_return_boolean(task, TRUE);
}

static void measured(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineHistory *self = VITRINE_HISTORY(source);
    const struct sizes *sizes = g_task_get_task_data(G_TASK(result));

    self->measuring = FALSE;
    for (guint i = 0; i < sizes->records->len; i++) {
        const HistoryRecord *record = sizes->records->pdata[i];
        VitrineHistoryNode *node = vitrine_history_find(self, record->id, NULL);
        if (node)
            history_node_set_sizes(node, sizes->own[i], sizes->shared[i]);
    }
    history_emit_changed(self);
    if (self->measure_again) {
        self->measure_again = FALSE;
        history_measure(self);
    }
}

void history_measure(VitrineHistory *self)
{
    if (self->measuring) {
        self->measure_again = TRUE;
        return;
    }
    struct sizes *sizes = g_new0(struct sizes, 1);
    g_autoptr(GTask) task = g_task_new(self, NULL, measured, NULL);
    self->measuring = TRUE;
    sizes->folder = g_strdup(vitrine_bundle_get_folder(self->bundle));
    g_task_set_task_data(task, sizes, sizes_free);
    g_task_run_in_thread(task, measure_thread);
}
