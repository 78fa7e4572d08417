/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine snapshot: the history of a machine, whether it is off or runs in another vitrine. */
#include "app/cli.h"
#include "app/history.h"
#include "app/i18n.h"
#include "app/library.h"
#include "app/progress_line.h"

#include <glib-unix.h>
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <string.h>

struct options {
    char *name, *note, *keep;
    gboolean json, full_copy, deep, plan, off;
};

struct snapshot {
    VitrineHistory *history;
    struct options options;
    char **words; /* after the action */
    int count;

    GMainLoop *loop;
    GCancellable *cancellable;
    GAsyncResult *result;
    ProgressLine progress;
};

/* ---- waiting ---- */

static void on_done(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct snapshot *s = user_data;

    s->result = g_object_ref(result);
    g_main_loop_quit(s->loop);
}

static void await(struct snapshot *s)
{
    g_main_loop_run(s->loop);
    progress_line_end(&s->progress);
}

static gboolean on_interrupt(gpointer data)
{
    g_cancellable_cancel(data);
    return G_SOURCE_CONTINUE;
}

/* ---- printing ---- */

static void add_text(JsonBuilder *builder, const char *key, const char *value)
{
    json_builder_set_member_name(builder, key);
    if (value)
        json_builder_add_string_value(builder, value);
    else
        json_builder_add_null_value(builder);
}

static void print_node(struct snapshot *s, JsonBuilder *builder, VitrineHistoryNode *node)
{
    VitrineHistoryNode *parent = vitrine_history_node_get_parent(node);
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(vitrine_history_node_get_time(node));
    g_autofree char *when = g_date_time_format_iso8601(time);

    json_builder_begin_object(builder);
    add_text(builder, "id", vitrine_history_node_get_id(node));
    add_text(builder, "parent", parent ? vitrine_history_node_get_id(parent) : NULL);
    add_text(builder, "name", vitrine_history_node_get_name(node));
    add_text(builder, "note", vitrine_history_node_get_note(node));
    add_text(builder, "kind", vitrine_history_kind_id(vitrine_history_node_get_kind(node)));
    add_text(builder, "time", when);
    add_text(builder, "health", vitrine_history_health_id(vitrine_history_node_get_health(node)));
    add_text(builder, "health-message", vitrine_history_node_get_health_message(node));
    add_text(builder, "thumbnail", vitrine_history_node_get_thumbnail(node));
    json_builder_set_member_name(builder, "pinned");
    json_builder_add_boolean_value(builder, vitrine_history_node_get_pinned(node));
    json_builder_set_member_name(builder, "ram");
    json_builder_add_boolean_value(builder, vitrine_history_node_get_has_ram(node));
    json_builder_set_member_name(builder, "own-bytes");
    json_builder_add_int_value(builder, (gint64)vitrine_history_node_get_own_bytes(node));
    json_builder_set_member_name(builder, "shared-bytes");
    json_builder_add_int_value(builder, (gint64)vitrine_history_node_get_shared_bytes(node));
    json_builder_end_object(builder);
}

static void print_branch(struct snapshot *s, GListModel *nodes, guint depth)
{
    for (guint i = 0; i < g_list_model_get_n_items(nodes); i++) {
        g_autoptr(VitrineHistoryNode) node = g_list_model_get_item(nodes, i);
        gboolean here = vitrine_history_node_get_kind(node) == HISTORY_HERE;
        g_autofree char *size = g_format_size_full(vitrine_history_node_get_own_bytes(node), G_FORMAT_SIZE_IEC_UNITS);
        if (here)
            g_print("%*s* %s\n", (int)depth * 2, "", _("you are here"));
        else
            g_print("%*s%s  %s  [%s%s%s%s]  %s\n", (int)depth * 2, "", vitrine_history_node_get_id(node),
                    vitrine_history_node_get_name(node), vitrine_history_kind_id(vitrine_history_node_get_kind(node)),
                    vitrine_history_node_get_has_ram(node) ? ", ram" : "",
                    vitrine_history_node_get_pinned(node) ? ", pinned" : "",
                    vitrine_history_node_get_health(node) == HISTORY_HEALTH_BROKEN ? ", broken" : "", size);
        /* A line of moments stays in its column; where several go on from one, each steps in. */
        GListModel *children = vitrine_history_node_get_children(node);
        print_branch(s, children, depth + (g_list_model_get_n_items(children) > 1 ? 1 : 0));
    }
}

static void print_built(JsonBuilder *builder)
{
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *text = json_to_string(root, TRUE);

    g_print("%s\n", text);
}

static void say_id(struct snapshot *s, const char *key, const char *id)
{
    if (!s->options.json) {
        if (id)
            g_print("%s\n", id);
        return;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, key);
    if (id)
        json_builder_add_string_value(builder, id);
    else
        json_builder_add_null_value(builder);
    json_builder_end_object(builder);
    print_built(builder);
}

/* ---- actions: NULL error after TRUE ---- */

static VitrineHistoryNode *node_of(struct snapshot *s, int word, GError **error)
{
    return vitrine_history_find(s->history, s->words[word], error);
}

static gboolean do_take(struct snapshot *s, GError **error)
{
    vitrine_history_take_async(s->history, s->options.name ? s->options.name : s->count ? s->words[0] : NULL,
                               s->options.note, HISTORY_MANUAL, s->cancellable, progress_line_show, &s->progress,
                               on_done, s);
    await(s);
    g_autoptr(VitrineHistoryNode) node = vitrine_history_take_finish(s->history, s->result, error);
    if (node)
        say_id(s, "node", vitrine_history_node_get_id(node));
    return node != NULL;
}

/* The sizes come from a worker: one look at all files. */
static void on_changed(VitrineHistory *history, GMainLoop *loop)
{
    g_main_loop_quit(loop);
}

static gboolean do_tree(struct snapshot *s, GError **error)
{
    gulong handler = g_signal_connect(s->history, "changed", G_CALLBACK(on_changed), s->loop);
    g_main_loop_run(s->loop);
    g_signal_handler_disconnect(s->history, handler);
    if (!s->options.json) {
        print_branch(s, vitrine_history_get_roots(s->history), 0);
        return TRUE;
    }
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < g_list_model_get_n_items(G_LIST_MODEL(s->history)); i++) {
        g_autoptr(VitrineHistoryNode) node = g_list_model_get_item(G_LIST_MODEL(s->history), i);
        print_node(s, builder, node);
    }
    json_builder_end_array(builder);
    print_built(builder);
    return TRUE;
}

static gboolean do_restore(struct snapshot *s, GError **error)
{
    VitrineHistoryNode *node = node_of(s, 0, error);
    g_autoptr(VitrineHistoryNode) safety = NULL;

    if (!node)
        return FALSE;
    vitrine_history_restore_async(s->history, node, s->cancellable, progress_line_show, &s->progress, on_done, s);
    await(s);
    if (!vitrine_history_restore_finish(s->history, s->result, &safety, error))
        return FALSE;
    say_id(s, "safety", safety ? vitrine_history_node_get_id(safety) : NULL);
    return TRUE;
}

static gboolean do_undo(struct snapshot *s, GError **error)
{
    vitrine_history_undo_async(s->history, s->cancellable, progress_line_show, &s->progress, on_done, s);
    await(s);
    return vitrine_history_undo_finish(s->history, s->result, error);
}

static gboolean do_branch(struct snapshot *s, GError **error)
{
    VitrineHistoryNode *node = node_of(s, 0, error);

    if (!node)
        return FALSE;
    vitrine_history_branch_async(s->history, node, s->words[1], s->options.full_copy, s->cancellable,
                                 progress_line_show, &s->progress, on_done, s);
    await(s);
    g_autoptr(VitrineBundle) bundle = vitrine_history_branch_finish(s->history, s->result, error);
    if (bundle)
        say_id(s, "folder", vitrine_bundle_get_folder(bundle));
    return bundle != NULL;
}

static gboolean do_rename(struct snapshot *s, GError **error)
{
    VitrineHistoryNode *node = node_of(s, 0, error);

    return node && vitrine_history_rename(s->history, node, s->words[1], error);
}

static gboolean do_note(struct snapshot *s, GError **error)
{
    VitrineHistoryNode *node = node_of(s, 0, error);

    return node && vitrine_history_set_note(s->history, node, s->words[1], error);
}

static gboolean do_pin(struct snapshot *s, GError **error)
{
    VitrineHistoryNode *node = node_of(s, 0, error);

    return node && vitrine_history_set_pinned(s->history, node, !s->options.off, error);
}

static gboolean do_delete(struct snapshot *s, GError **error)
{
    VitrineHistoryNode *node = node_of(s, 0, error);

    if (!node)
        return FALSE;
    if (s->options.plan) {
        g_autoptr(VitrineHistoryPlan) plan = vitrine_history_plan_delete(s->history, node, error);
        if (plan && s->options.json)
            g_print("{ \"freed-bytes\" : %" G_GUINT64_FORMAT ", \"merged-bytes\" : %" G_GUINT64_FORMAT
                    ", \"layers-merged\" : %u, \"layers-kept\" : %u, \"seconds\" : %u }\n",
                    plan->freed_bytes, plan->merged_bytes, plan->layers_merged, plan->layers_kept, plan->seconds);
        else if (plan)
            g_print("%s\n", plan->summary);
        return plan != NULL;
    }
    vitrine_history_delete_async(s->history, node, s->cancellable, progress_line_show, &s->progress, on_done, s);
    await(s);
    return vitrine_history_delete_finish(s->history, s->result, error);
}

static gboolean do_verify(struct snapshot *s, GError **error)
{
    gboolean good = TRUE;

    vitrine_history_verify_async(s->history, s->options.deep, s->cancellable, progress_line_show, &s->progress, on_done, s);
    await(s);
    if (!vitrine_history_verify_finish(s->history, s->result, error))
        return FALSE;
    const GPtrArray *problems = vitrine_history_get_problems(s->history);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < g_list_model_get_n_items(G_LIST_MODEL(s->history)); i++) {
        g_autoptr(VitrineHistoryNode) node = g_list_model_get_item(G_LIST_MODEL(s->history), i);
        if (vitrine_history_node_get_kind(node) == HISTORY_HERE)
            continue;
        print_node(s, builder, node);
        enum history_health health = vitrine_history_node_get_health(node);
        good = good && health == HISTORY_HEALTH_GOOD;
        if (!s->options.json)
            g_print("%s  %-8s  %s%s%s\n", vitrine_history_node_get_id(node), vitrine_history_health_id(health),
                    vitrine_history_node_get_name(node), health == HISTORY_HEALTH_GOOD ? "" : ": ",
                    health == HISTORY_HEALTH_GOOD ? "" : vitrine_history_node_get_health_message(node));
    }
    json_builder_end_array(builder);
    if (s->options.json)
        print_built(builder);
    for (guint i = 0; i < problems->len; i++) {
        const VitrineHistoryProblem *problem = problems->pdata[i];
        cli_error("snapshot", "%s: %s", problem->disk, problem->message);
        good = FALSE;
    }
    if (!good)
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, "%s",
                    _("Not all is as it should be. “vitrine snapshot NAME repair” helps where an original has changed "
                      "or moved."));
    return good;
}

/* Its name in machine.ini. */
static void add_disk(JsonBuilder *builder, guint number)
{
    g_autofree char *group = g_strdup_printf("Disk %u", number + 1);

    add_text(builder, "disk", group);
}

static gboolean do_compare(struct snapshot *s, GError **error)
{
    VitrineHistoryNode *a = node_of(s, 0, error), *b = a ? node_of(s, 1, error) : NULL;

    if (!b)
        return FALSE;
    vitrine_history_compare_async(s->history, a, b, s->cancellable, progress_line_show, &s->progress, on_done, s);
    await(s);
    g_autoptr(VitrineHistoryComparison) c = vitrine_history_compare_finish(s->history, s->result, error);
    if (!c)
        return FALSE;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "settings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < c->settings->len; i++) {
        json_builder_add_string_value(builder, c->settings->pdata[i]);
        if (!s->options.json)
            g_print("%s\n", (const char *)c->settings->pdata[i]);
    }
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "disks");
    json_builder_begin_array(builder);
    for (guint i = 0; i < c->disks->len; i++) {
        const struct history_disk_difference *d = c->disks->pdata[i];
        g_autofree char *size = g_format_size_full(d->differing_bytes, G_FORMAT_SIZE_IEC_UNITS);
        json_builder_begin_object(builder);
        add_disk(builder, d->number);
        json_builder_set_member_name(builder, "differing-bytes");
        json_builder_add_int_value(builder, (gint64)d->differing_bytes);
        json_builder_end_object(builder);
        if (!s->options.json)
            g_print(_("%s: %s differ\n"), d->disk, size);
    }
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "ram-pages-differing");
    json_builder_add_int_value(builder, (gint64)c->ram_pages_differing);
    json_builder_set_member_name(builder, "ram-pages");
    json_builder_add_int_value(builder, (gint64)c->ram_pages);
    json_builder_end_object(builder);
    if (s->options.json)
        print_built(builder);
    else if (c->ram_pages)
        g_print(_("Memory: %" PRIu64 " of %" PRIu64 " pages differ\n"), c->ram_pages_differing,
                c->ram_pages);
    return TRUE;
}

static const char *const repairs[] = {
    [HISTORY_REPAIR_LOCATE] = "locate", [HISTORY_REPAIR_REBASE] = "rebase", [HISTORY_REPAIR_DISCARD] = "discard"};

static void print_problems(const GPtrArray *problems)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_array(builder);
    for (guint i = 0; i < problems->len; i++) {
        const VitrineHistoryProblem *problem = problems->pdata[i];
        const gboolean can[] = {[HISTORY_REPAIR_LOCATE] = problem->can_locate,
                                [HISTORY_REPAIR_REBASE] = problem->can_rebase,
                                [HISTORY_REPAIR_DISCARD] = problem->can_discard};
        json_builder_begin_object(builder);
        add_disk(builder, problem->number);
        add_text(builder, "message", problem->message);
        add_text(builder, "found", problem->found);
        json_builder_set_member_name(builder, "repairs");
        json_builder_begin_array(builder);
        for (guint way = 0; way < G_N_ELEMENTS(can); way++) {
            if (can[way])
                json_builder_add_string_value(builder, repairs[way]);
        }
        json_builder_end_array(builder);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    print_built(builder);
}

static gboolean do_repair(struct snapshot *s, GError **error)
{
    const GPtrArray *problems = vitrine_history_get_problems(s->history);
    guint way = 0;

    while (s->count && way < G_N_ELEMENTS(repairs) && strcmp(s->words[0], repairs[way]) != 0)
        way++;
    if (way == G_N_ELEMENTS(repairs) || (s->count > 1 && way != HISTORY_REPAIR_LOCATE)) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, "%s",
                    _("It is “repair locate”, “repair locate FILE”, “repair rebase” or “repair discard”."));
        return FALSE;
    }
    if (!s->count && s->options.json)
        print_problems(problems);
    if (!problems->len) {
        if (!s->options.json)
            g_print("%s\n", _("All originals are as they were."));
        return TRUE;
    }
    const VitrineHistoryProblem *problem = problems->pdata[0];
    if (s->count) {
        vitrine_history_repair_async(s->history, problem, (enum history_repair)way, s->count > 1 ? s->words[1] : NULL,
                                     s->cancellable, progress_line_show, &s->progress, on_done, s);
        await(s);
        return vitrine_history_repair_finish(s->history, s->result, error);
    }
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, _("%s: %s\nWhat can be done:"), problem->disk, problem->message);
    if (problem->can_locate && problem->found)
        g_string_append_printf(text, _("\n  repair locate            It stands where it was found now."));
    if (problem->can_locate)
        g_string_append_printf(text, _("\n  repair locate FILE       It stands there now."));
    if (problem->can_rebase)
        g_string_append_printf(text, _("\n  repair rebase            Take it as it is, and keep the machine's changes on top."));
    if (problem->can_discard)
        g_string_append_printf(text, _("\n  repair discard           Take it as it is, and drop the machine's changes and history of it."));
    g_set_error_literal(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, text->str);
    return FALSE;
}

/* A number that the command line gives; `what` says which. */
static gboolean number_of(const char *word, guint least, guint most, const char *what, guint *number, GError **error)
{
    guint64 wanted;

    if (!g_ascii_string_to_unsigned(word, 10, least, most, &wanted, NULL)) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, _("%s is a number from %u to %u, not “%s”."), what, least,
                    most, word);
        return FALSE;
    }
    *number = (guint)wanted;
    return TRUE;
}

static gboolean do_autosave(struct snapshot *s, GError **error)
{
    guint minutes, keep;

    vitrine_history_get_autosave(s->history, &minutes, &keep);
    if (s->count || s->options.keep)
        return (!s->count || number_of(s->words[0], 0, 24 * 60, "MINUTES", &minutes, error)) &&
               (!s->options.keep || number_of(s->options.keep, 1, 1000, "--keep", &keep, error)) &&
               vitrine_history_set_autosave(s->history, minutes, keep, error);
    if (s->options.json)
        g_print("{ \"minutes\" : %u, \"keep\" : %u }\n", minutes, keep);
    else if (!minutes)
        g_print("%s\n", _("never"));
    else
        g_print(ngettext("every %u minute, the last %u are kept\n", "every %u minutes, the last %u are kept\n", minutes),
                minutes, keep);
    return TRUE;
}

static const struct action {
    const char *name, *words;
    int least, most;
    gboolean (*run)(struct snapshot *s, GError **error);
    const char *about;
} actions[] = {
    {"take", "[NAME]", 0, 1, do_take, N_("Keep the machine as it is now; it may run")},
    {"tree", "", 0, 0, do_tree, N_("List the snapshots, and where the machine is")},
    {"restore", "SNAPSHOT", 1, 1, do_restore, N_("Go back; where the machine was is kept")},
    {"undo", "", 0, 0, do_undo, N_("Take the last restore back")},
    {"branch", "SNAPSHOT MACHINE", 2, 2, do_branch, N_("Make a second machine that begins there")},
    {"rename", "SNAPSHOT NAME", 2, 2, do_rename, N_("Give it another name")},
    {"note", "SNAPSHOT TEXT", 2, 2, do_note, N_("Keep another note with it")},
    {"pin", "SNAPSHOT", 1, 1, do_pin, N_("Keep it, also when old autosaves go")},
    {"delete", "SNAPSHOT", 1, 1, do_delete, N_("Take it away; all others stay")},
    {"compare", "SNAPSHOT SNAPSHOT", 2, 2, do_compare, N_("Tell what differs between the two")},
    {"verify", "", 0, 0, do_verify, N_("Look whether everything is there")},
    {"repair", "[locate FILE|rebase|discard]", 0, 2, do_repair, N_("Tell of originals that were changed or moved, and go on")},
    {"autosave", "[MINUTES]", 0, 1, do_autosave, N_("Take one every so many minutes; 0 is never")},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

/* An option that this action does not take; NULL. --json is everybody's: what answers nothing has nothing to print. */
static const char *stray_option(const struct options *o, const struct action *action)
{
    const struct {
        gboolean given;
        const char *option, *action;
    } owners[] = {
        {o->name != NULL, "--name", "take"},     {o->note != NULL, "--note", "take"}, {o->full_copy, "--full-copy", "branch"},
        {o->off, "--off", "pin"},                {o->plan, "--plan", "delete"},       {o->deep, "--deep", "verify"},
        {o->keep != NULL, "--keep", "autosave"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(owners); i++)
        if (owners[i].given && strcmp(owners[i].action, action->name) != 0)
            return owners[i].option;
    return NULL;
}

static int run_action(struct snapshot *s, const char *machine, const struct action *action)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineLibrary) library = vitrine_library_new(NULL, FALSE);
    g_autoptr(VitrineBundle) bundle = vitrine_library_find(library, machine, &error);

    if (!bundle) {
        cli_error("snapshot", "%s", error->message);
        return CLI_FAILED;
    }
    s->loop = g_main_loop_new(NULL, FALSE);
    s->cancellable = g_cancellable_new();
    progress_line_init(&s->progress, FALSE);
    guint interrupt = g_unix_signal_add(SIGINT, on_interrupt, s->cancellable);
    s->history = vitrine_history_get(bundle);
    gboolean ok = action->run(s, &error);
    if (!ok)
        cli_error("snapshot", "%s", error->message);
    g_source_remove(interrupt);
    g_clear_object(&s->result);
    g_clear_object(&s->history);
    g_clear_object(&s->cancellable);
    g_main_loop_unref(s->loop);
    return ok ? CLI_OK : CLI_FAILED;
}

int cli_snapshot(int argc, char **argv)
{
    struct snapshot s = {0};
    g_autoptr(GString) summary = g_string_new(_("Takes snapshots of a machine and goes back to them. SNAPSHOT is an id or a "
                                                "name, or “here”.\n\nActions:"));
    const GOptionEntry options[] = {
        {"name", 0, 0, G_OPTION_ARG_STRING, &s.options.name, N_("take: name of the snapshot"), N_("TEXT")},
        {"note", 0, 0, G_OPTION_ARG_STRING, &s.options.note, N_("take: a note to keep with it"), N_("TEXT")},
        {"full-copy", 0, 0, G_OPTION_ARG_NONE, &s.options.full_copy,
         N_("branch: copy the disks instead of standing on them"), NULL},
        {"off", 0, 0, G_OPTION_ARG_NONE, &s.options.off, N_("pin: take the pin away"), NULL},
        {"plan", 0, 0, G_OPTION_ARG_NONE, &s.options.plan, N_("delete: only say what would be done"), NULL},
        {"deep", 0, 0, G_OPTION_ARG_NONE, &s.options.deep, N_("verify: read everything"), NULL},
        {"keep", 0, 0, G_OPTION_ARG_STRING, &s.options.keep, N_("autosave: how many stay"), "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &s.options.json, N_("Print JSON"), NULL},
        {NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
        g_string_append_printf(summary, "\n  %-8s %-28s  %s", actions[i].name, actions[i].words, _(actions[i].about));
    int status = CLI_USAGE;
    if (cli_parse(&argc, &argv, options, "NAME ACTION [WORD…]", summary->str, false)) {
        const struct action *action = argc > 2 ? find_action(argv[2]) : NULL;
        if (argc < 3) {
            cli_error("snapshot", "%s", _("Name a machine and what to do; “vitrine snapshot --help” lists the actions."));
        } else if (!action) {
            cli_error("snapshot", _("There is no action “%s”; “vitrine snapshot --help” lists the actions."), argv[2]);
        } else if (argc - 3 < action->least || argc - 3 > action->most) {
            cli_error("snapshot", _("It is “vitrine snapshot NAME %s %s”."), action->name, action->words);
        } else if (stray_option(&s.options, action)) {
            cli_error("snapshot", _("“%s” takes no %s; “vitrine snapshot --help” tells whose it is."), action->name,
                      stray_option(&s.options, action));
        } else if (s.options.name && argc > 3) {
            cli_error("snapshot", "%s", _("Give the snapshot one name."));
        } else {
            s.words = argv + 3;
            s.count = argc - 3;
            status = run_action(&s, argv[1], action);
        }
    }
    g_free(s.options.name);
    g_free(s.options.note);
    g_free(s.options.keep);
    return status;
}
