/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands of a history. */
#include "app/ui/history_actions.h"

#include "app/i18n.h"
#include "app/ui/application.h"
#include "app/ui/dialogs.h"
#include "app/ui/form.h"
#include "app/ui/jobs.h"

/* ---- a job around an operation ---- */

struct operation {
    VitrineJob *job;
    GtkWidget *owner;
    VitrineHistory *history;
    gboolean start; /* the machine, when it is done */
};

static struct operation *operation_new(GtkWidget *owner, VitrineHistory *history, const char *title)
{
    struct operation *operation = g_new0(struct operation, 1);

    operation->job = vitrine_job_new_elsewhere(title);
    operation->owner = g_object_ref(owner);
    operation->history = g_object_ref(history);
    jobs_add(operation->job);
    return operation;
}

/* Ends the job with the error, or with what is told when all went well. */
static void operation_end(struct operation *operation, const GError *error, const char *result)
{
    if (!error)
        vitrine_job_set_result(operation->job, result);
    vitrine_job_finish(operation->job, error);
    g_object_unref(operation->job);
    g_object_unref(operation->owner);
    g_object_unref(operation->history);
    g_free(operation);
}

#define CANCELLABLE(operation) vitrine_job_get_cancellable((operation)->job)

static const char *machine_name(VitrineHistory *history)
{
    return vitrine_bundle_get_name(vitrine_history_get_bundle(history));
}

/* ---- take ---- */

static void on_taken(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineHistoryNode) node = vitrine_history_take_finish(VITRINE_HISTORY(source), result, &error);
    g_autofree char *text = node ? g_strdup_printf(_("Snapshot “%s” taken"), vitrine_history_node_get_name(node)) : NULL;

    operation_end(user_data, error, text);
}

static void take(GtkWidget *owner, VitrineHistory *history, const char *name, const char *note)
{
    g_autofree char *title = g_strdup_printf(_("Snapshot of “%s”"), machine_name(history));
    struct operation *operation = operation_new(owner, history, title);

    vitrine_history_take_async(history, name && *name ? name : NULL, note && *note ? note : NULL, HISTORY_MANUAL,
                               CANCELLABLE(operation), vitrine_job_report, operation->job, on_taken, operation);
}

static void on_take(Form *form, GtkWidget *owner, gpointer data)
{
    take(owner, data, form_get_text(form, "name"), form_get_text(form, "note"));
}

void history_action_take(GtkWidget *owner, VitrineHistory *history, gboolean ask)
{
    if (!ask) {
        take(owner, history, NULL, NULL);
        return;
    }
    Form *form = form_new(owner, _("Take a Snapshot"),
                          _("Keeps the machine as it is now, to go back to whenever you like."), _("_Take"));
    form_add_entry(form, "name", _("Name (Optional)"), NULL);
    form_add_entry(form, "note", _("Note"), NULL);
    form_run(form, on_take, g_object_ref(history), g_object_unref);
}

/* ---- restore and back ---- */

static void on_undone(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    vitrine_history_undo_finish(VITRINE_HISTORY(source), result, &error);
    operation_end(user_data, error, _("Everything is as it was before"));
}

void history_action_undo(GtkWidget *owner, VitrineHistory *history)
{
    if (!vitrine_history_can_undo(history)) {
        dialogs_toast(owner, _("There is nothing to undo: no snapshot was gone back to."));
        return;
    }
    g_autofree char *title = g_strdup_printf(_("Undoing in “%s”"), machine_name(history));
    struct operation *operation = operation_new(owner, history, title);
    vitrine_history_undo_async(history, CANCELLABLE(operation), vitrine_job_report, operation->job, on_undone,
                               operation);
}

struct undo {
    GtkWidget *owner;
    VitrineHistory *history;
};

static void undo_free(gpointer data)
{
    struct undo *undo = data;

    g_object_unref(undo->owner);
    g_object_unref(undo->history);
    g_free(undo);
}

static void undo_pressed(gpointer data)
{
    struct undo *undo = data;

    history_action_undo(undo->owner, undo->history);
}

static void on_restored(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct operation *operation = user_data;
    g_autoptr(VitrineHistoryNode) safety = NULL;
    g_autoptr(GError) error = NULL;

    if (vitrine_history_restore_finish(VITRINE_HISTORY(source), result, &safety, &error)) {
        struct undo *undo = g_new0(struct undo, 1);
        undo->owner = g_object_ref(operation->owner);
        undo->history = g_object_ref(operation->history);
        dialogs_toast_button(operation->owner,
                             safety ? _("Gone back; where you were is kept") : _("Gone back; nothing had changed"),
                             _("_Undo"), undo_pressed, undo, undo_free);
        if (operation->start)
            vitrine_application_open_machine(vitrine_application_get(), vitrine_history_get_bundle(operation->history), 0);
        operation_end(operation, NULL, "");
    } else {
        operation_end(operation, error, NULL);
    }
}

static void restore(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node, gboolean start)
{
    g_autofree char *title = g_strdup_printf(_("Going back to “%s”"), vitrine_history_node_get_name(node));
    struct operation *operation = operation_new(owner, history, title);

    operation->start = start;
    vitrine_history_restore_async(history, node, CANCELLABLE(operation), vitrine_job_report, operation->job,
                                  on_restored, operation);
}

void history_action_restore(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node)
{
    restore(owner, history, node, FALSE);
}

void history_action_go_on(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node)
{
    restore(owner, history, node, TRUE);
}

/* ---- branch ---- */

static void on_branched(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) bundle = vitrine_history_branch_finish(VITRINE_HISTORY(source), result, &error);
    g_autofree char *text = bundle ? g_strdup_printf(_("“%s” is in the library"), vitrine_bundle_get_name(bundle)) : NULL;

    vitrine_library_refresh(vitrine_application_get_library(vitrine_application_get()));
    operation_end(user_data, error, text);
}

struct place {
    VitrineHistory *history;
    VitrineHistoryNode *node;
};

static struct place *place_new(VitrineHistory *history, VitrineHistoryNode *node)
{
    struct place *place = g_new0(struct place, 1);

    place->history = g_object_ref(history);
    place->node = g_object_ref(node);
    return place;
}

static void place_free(gpointer data)
{
    struct place *place = data;

    g_object_unref(place->history);
    g_object_unref(place->node);
    g_free(place);
}

static void on_branch(Form *form, GtkWidget *owner, gpointer data)
{
    struct place *place = data;
    g_autofree char *name = form_get_name(form, "name");
    g_autofree char *title = g_strdup_printf(_("Making “%s”"), name);
    struct operation *operation = operation_new(owner, place->history, title);
    vitrine_history_branch_async(place->history, place->node, name, !form_get_active(form, "linked"),
                                 CANCELLABLE(operation), vitrine_job_report, operation->job, on_branched, operation);
}

void history_action_branch(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node)
{
    VitrineLibrary *library = vitrine_application_get_library(vitrine_application_get());
    VitrineBundle *bundle = vitrine_history_get_bundle(history);
    gboolean here = vitrine_history_node_get_kind(node) == HISTORY_HERE;
    Form *form = form_new(owner, here ? _("Duplicate Machine") : _("Branch as a New Machine"),
                          here ? _("Makes a second machine that is what this one is now.")
                               : _("Makes a second machine that begins at this snapshot."),
                          here ? _("_Duplicate") : _("_Branch"));
    g_autofree char *name = vitrine_library_free_name(library, vitrine_bundle_get_name(bundle));

    form_add_machine_name(form, "name", name, vitrine_library_get_folder(library), NULL);
    form_add_switch(form, "linked", _("Share the Disks' Contents"), _("Quick and small; both stand on the same images"),
                    TRUE);
    form_run(form, on_branch, place_new(history, node), place_free);
}

/* ---- compare ---- */

static void on_compared(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct operation *operation = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineHistoryComparison) found =
        vitrine_history_compare_finish(VITRINE_HISTORY(source), result, &error);
    g_autoptr(GString) text = g_string_new(NULL);

    if (!found) {
        operation_end(operation, error, NULL);
        return;
    }
    for (guint i = 0; i < found->settings->len; i++)
        g_string_append_printf(text, "• %s\n", (const char *)found->settings->pdata[i]);
    for (guint i = 0; i < found->disks->len; i++) {
        const struct history_disk_difference *disk = found->disks->pdata[i];
        g_autofree char *size = g_format_size_full(disk->differing_bytes, G_FORMAT_SIZE_IEC_UNITS);
        if (disk->size_a == 0 || disk->size_b == 0)
            g_string_append_printf(text, _("• %s is only in one of them\n"), disk->disk);
        else if (disk->differing_bytes)
            g_string_append_printf(text, _("• %s differs in %s\n"), disk->disk, size);
        else
            g_string_append_printf(text, _("• %s is the same\n"), disk->disk);
    }
    if (found->ram_pages) {
        g_autofree char *size = g_format_size_full(found->ram_pages_differing * 4096, G_FORMAT_SIZE_IEC_UNITS);
        g_autofree char *whole = g_format_size_full(found->ram_pages * 4096, G_FORMAT_SIZE_IEC_UNITS);
        g_string_append_printf(text, _("• Memory differs in %s of %s\n"), size, whole);
    }
    else if (vitrine_bundle_get_state(vitrine_history_get_bundle(operation->history)) == BUNDLE_RUNNING)
        g_string_append(text, _("• Memory of the present is not compared while the machine runs\n"));
    if (text->len == 0)
        g_string_append(text, _("Nothing differs."));
    GtkWidget *dialog = adw_message_dialog_new(GTK_WINDOW(gtk_widget_get_root(operation->owner)),
                                               _("Compared With the Present"), g_strchomp(text->str));
    adw_message_dialog_add_response(ADW_MESSAGE_DIALOG(dialog), "close", _("_Close"));
    gtk_window_present(GTK_WINDOW(dialog));
    operation_end(operation, NULL, "");
}

void history_action_compare(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node)
{
    g_autofree char *title = g_strdup_printf(_("Comparing “%s”"), vitrine_history_node_get_name(node));
    struct operation *operation = operation_new(owner, history, title);

    vitrine_history_compare_async(history, node, vitrine_history_get_here(history), CANCELLABLE(operation),
                                  vitrine_job_report, operation->job, on_compared, operation);
}

/* ---- rename ---- */

static void on_rename(Form *form, GtkWidget *owner, gpointer data)
{
    struct place *place = data;
    g_autoptr(GError) error = NULL;

    if (!vitrine_history_rename(place->history, place->node, form_get_text(form, "name"), &error))
        dialogs_toast(owner, error->message);
}

void history_action_rename(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node)
{
    Form *form = form_new(owner, _("Rename Snapshot"), NULL, _("_Rename"));

    form_add_entry(form, "name", _("Name"), vitrine_history_node_get_name(node));
    form_run(form, on_rename, place_new(history, node), place_free);
}

/* ---- delete ---- */

static void on_deleted(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    vitrine_history_delete_finish(VITRINE_HISTORY(source), result, &error);
    operation_end(user_data, error, _("Snapshot deleted"));
}

static void delete_confirmed(GtkWidget *owner, gpointer data)
{
    struct place *place = data;
    g_autofree char *title = g_strdup_printf(_("Deleting “%s”"), vitrine_history_node_get_name(place->node));
    struct operation *operation = operation_new(owner, place->history, title);

    vitrine_history_delete_async(place->history, place->node, CANCELLABLE(operation), vitrine_job_report,
                                 operation->job, on_deleted, operation);
}

void history_action_delete(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineHistoryPlan) plan = vitrine_history_plan_delete(history, node, &error);

    if (!plan) {
        dialogs_toast(owner, error->message);
        return;
    }
    g_autofree char *heading = g_strdup_printf(_("Delete “%s”?"), vitrine_history_node_get_name(node));
    g_autofree char *body = g_strdup_printf(_("%s This snapshot cannot be gone back to any more."), plan->summary);
    dialogs_confirm(owner, heading, body, _("_Delete"), delete_confirmed, place_new(history, node), place_free);
}

/* ---- health ---- */

static void on_verified(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    vitrine_history_verify_finish(VITRINE_HISTORY(source), result, &error);
    operation_end(user_data, error, _("All snapshots have been looked at"));
}

void history_action_verify(GtkWidget *owner, VitrineHistory *history)
{
    g_autofree char *title = g_strdup_printf(_("Checking the history of “%s”"), machine_name(history));
    struct operation *operation = operation_new(owner, history, title);

    vitrine_history_verify_async(history, TRUE, CANCELLABLE(operation), vitrine_job_report, operation->job,
                                 on_verified, operation);
}

static void on_repaired(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    vitrine_history_repair_finish(VITRINE_HISTORY(source), result, &error);
    operation_end(user_data, error, _("The machine can be started again"));
}

static void repair(GtkWidget *owner, VitrineHistory *history, const VitrineHistoryProblem *problem,
                   enum history_repair how, const char *path)
{
    g_autofree char *title = g_strdup_printf(_("Repairing “%s”"), machine_name(history));
    struct operation *operation = operation_new(owner, history, title);

    vitrine_history_repair_async(history, problem, how, path, CANCELLABLE(operation), vitrine_job_report,
                                 operation->job, on_repaired, operation);
}

struct trouble {
    VitrineHistory *history;
    char *path; /* of the original: problems are made anew whenever they are looked at */
    enum history_repair how;
};

static void trouble_free(gpointer data)
{
    struct trouble *trouble = data;

    g_object_unref(trouble->history);
    g_free(trouble->path);
    g_free(trouble);
}

static const VitrineHistoryProblem *find_problem(const struct trouble *trouble)
{
    const GPtrArray *problems = vitrine_history_get_problems(trouble->history);

    for (guint i = 0; i < problems->len; i++) {
        const VitrineHistoryProblem *problem = problems->pdata[i];
        if (g_strcmp0(problem->path, trouble->path) == 0)
            return problem;
    }
    return NULL;
}

static void on_located(GtkWidget *owner, const char *path, gpointer data)
{
    struct trouble *trouble = data;
    const VitrineHistoryProblem *problem = find_problem(trouble);

    if (problem)
        repair(owner, trouble->history, problem, HISTORY_REPAIR_LOCATE, path);
}

void history_action_relocate(GtkWidget *owner, VitrineHistory *history, const VitrineHistoryProblem *problem)
{
    g_autofree char *path = g_strdup(problem->found);

    repair(owner, history, problem, HISTORY_REPAIR_LOCATE, path);
}

static void on_sure(GtkWidget *owner, gpointer data)
{
    struct trouble *trouble = data;
    const VitrineHistoryProblem *problem = find_problem(trouble);

    if (problem)
        repair(owner, trouble->history, problem, trouble->how, NULL);
}

void history_action_repair(GtkWidget *owner, VitrineHistory *history, const VitrineHistoryProblem *problem,
                    enum history_repair how)
{
    struct trouble *trouble = g_new0(struct trouble, 1);

    trouble->history = g_object_ref(history);
    trouble->path = g_strdup(problem->path);
    trouble->how = how;
    switch (how) {
    case HISTORY_REPAIR_LOCATE:
        dialogs_choose_medium(owner, _("Where Is It Now?"), _("_Open"), on_located, trouble, trouble_free);
        break;
    case HISTORY_REPAIR_REBASE:
        dialogs_confirm(owner, _("Take the Original as It Is Now?"),
                        _("The machine's own changes stay on top of it. Where both were changed, its file system may "
                          "be damaged."),
                        _("_Take It"), on_sure, trouble, trouble_free);
        break;
    case HISTORY_REPAIR_DISCARD:
        dialogs_confirm(owner, _("Drop the Machine's Changes?"),
                        _("The disk begins anew from the original as it is now. What the machine wrote to it, and its "
                          "snapshots of this disk, are lost."),
                        _("_Drop"), on_sure, trouble, trouble_free);
        break;
    }
}
