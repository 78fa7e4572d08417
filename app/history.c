/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history that windows and commands see: nodes as a list and as a tree. Its operations: history_tasks.c. */
#include "app/history_private.h"

#include "app/i18n.h"

#include <string.h>

#define SETTLE_MS 150 /* changes of files come in bursts */

/* ---- nodes ---- */

struct _VitrineHistoryNode {
    GObject parent;
    HistoryRecord *record;
    VitrineHistoryNode *up; /* not a reference */
    GListStore *children;
    char *thumbnail;
    guint64 own, shared;
    enum history_health health;
    char *health_message;
};

G_DEFINE_FINAL_TYPE(VitrineHistoryNode, vitrine_history_node, G_TYPE_OBJECT)

static guint node_changed;

static void vitrine_history_node_finalize(GObject *object)
{
    VitrineHistoryNode *self = VITRINE_HISTORY_NODE(object);

    history_record_free(self->record);
    g_clear_object(&self->children);
    g_free(self->thumbnail);
    g_free(self->health_message);
    G_OBJECT_CLASS(vitrine_history_node_parent_class)->finalize(object);
}

static void vitrine_history_node_class_init(VitrineHistoryNodeClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = vitrine_history_node_finalize;
    node_changed = g_signal_new("changed", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 0);
}

static void vitrine_history_node_init(VitrineHistoryNode *self)
{
    self->children = g_list_store_new(VITRINE_TYPE_HISTORY_NODE);
}

const char *vitrine_history_node_get_id(VitrineHistoryNode *self)
{
    return self->record->id;
}

VitrineHistoryNode *vitrine_history_node_get_parent(VitrineHistoryNode *self)
{
    return self->up;
}

GListModel *vitrine_history_node_get_children(VitrineHistoryNode *self)
{
    return G_LIST_MODEL(self->children);
}

guint vitrine_history_node_get_depth(VitrineHistoryNode *self)
{
    guint depth = 0;

    for (VitrineHistoryNode *node = self->up; node; node = node->up)
        depth++;
    return depth;
}

enum history_kind vitrine_history_node_get_kind(VitrineHistoryNode *self)
{
    return self->record->kind;
}

const char *vitrine_history_node_get_name(VitrineHistoryNode *self)
{
    return self->record->name;
}

const char *vitrine_history_node_get_note(VitrineHistoryNode *self)
{
    return self->record->note;
}

gint64 vitrine_history_node_get_time(VitrineHistoryNode *self)
{
    return self->record->time / G_USEC_PER_SEC;
}

gboolean vitrine_history_node_get_pinned(VitrineHistoryNode *self)
{
    return self->record->pinned;
}

gboolean vitrine_history_node_get_has_ram(VitrineHistoryNode *self)
{
    return self->record->has_ram;
}

const char *vitrine_history_node_get_thumbnail(VitrineHistoryNode *self)
{
    return self->thumbnail;
}

guint64 vitrine_history_node_get_own_bytes(VitrineHistoryNode *self)
{
    return self->own;
}

guint64 vitrine_history_node_get_shared_bytes(VitrineHistoryNode *self)
{
    return self->shared;
}

enum history_health vitrine_history_node_get_health(VitrineHistoryNode *self)
{
    return self->health;
}

const char *vitrine_history_node_get_health_message(VitrineHistoryNode *self)
{
    return self->health_message;
}

HistoryRecord *history_node_record(VitrineHistoryNode *self)
{
    return self->record;
}

void history_node_set_health(VitrineHistoryNode *self, enum history_health health, const char *message)
{
    self->health = health;
    g_free(self->health_message);
    self->health_message = g_strdup(message);
    g_signal_emit(self, node_changed, 0);
}

void history_node_set_sizes(VitrineHistoryNode *self, guint64 own, guint64 shared)
{
    if (self->own == own && self->shared == shared)
        return;
    self->own = own;
    self->shared = shared;
    g_signal_emit(self, node_changed, 0);
}

/* Takes the record over; TRUE when something that is shown is not what it was. */
static gboolean node_take_record(VitrineHistoryNode *self, HistoryRecord *record)
{
    const HistoryRecord *old = self->record;
    gboolean changed = !old || g_strcmp0(old->name, record->name) != 0 || g_strcmp0(old->note, record->note) != 0 ||
                       old->pinned != record->pinned || old->has_ram != record->has_ram;

    history_record_free(self->record);
    self->record = record;
    if (record->problem && self->health != HISTORY_HEALTH_BROKEN) {
        self->health = HISTORY_HEALTH_BROKEN;
        g_free(self->health_message);
        self->health_message = g_strdup(record->problem);
        changed = TRUE;
    }
    return changed;
}

/* ---- the history ---- */

enum { CHANGED, BACKGROUND, N_SIGNALS };
static guint signals[N_SIGNALS];

static void list_model_init(GListModelInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE(VitrineHistory, vitrine_history, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(G_TYPE_LIST_MODEL, list_model_init))

static GType get_item_type(GListModel *list)
{
    return VITRINE_TYPE_HISTORY_NODE;
}

static guint get_n_items(GListModel *list)
{
    return VITRINE_HISTORY(list)->nodes->len;
}

static gpointer get_item(GListModel *list, guint position)
{
    GPtrArray *nodes = VITRINE_HISTORY(list)->nodes;

    return position < nodes->len ? g_object_ref(nodes->pdata[position]) : NULL;
}

static void list_model_init(GListModelInterface *iface)
{
    iface->get_item_type = get_item_type;
    iface->get_n_items = get_n_items;
    iface->get_item = get_item;
}

void history_emit_changed(VitrineHistory *self)
{
    g_signal_emit(self, signals[CHANGED], 0);
}

void history_emit_background(VitrineHistory *self, VitrineJob *job)
{
    g_signal_emit(self, signals[BACKGROUND], 0, job);
}

static const char *const history_key = "vitrine-history";

static void vitrine_history_finalize(GObject *object)
{
    VitrineHistory *self = VITRINE_HISTORY(object);

    if (self->settle)
        g_source_remove(self->settle);
    if (self->autosave_source)
        g_source_remove(self->autosave_source);
    if (self->monitor)
        g_signal_handlers_disconnect_by_data(self->monitor, self);
    g_clear_object(&self->monitor);
    g_signal_handlers_disconnect_by_data(self->bundle, self);
    g_object_set_data(G_OBJECT(self->bundle), history_key, NULL);
    g_clear_object(&self->bundle);
    g_clear_object(&self->roots);
    g_clear_object(&self->here);
    g_ptr_array_unref(self->nodes);
    g_ptr_array_unref(self->problems);
    g_free(self->last_look);
    g_mutex_clear(&self->tighten_lock);
    g_queue_clear(&self->waiting);
    g_clear_pointer(&self->control, control_server_free);
    G_OBJECT_CLASS(vitrine_history_parent_class)->finalize(object);
}

static void vitrine_history_class_init(VitrineHistoryClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = vitrine_history_finalize;
    signals[CHANGED] = g_signal_new("changed", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 0);
    signals[BACKGROUND] = g_signal_new("background", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 1, VITRINE_TYPE_JOB);
}

static void vitrine_history_init(VitrineHistory *self)
{
    g_mutex_init(&self->tighten_lock);
    self->nodes = g_ptr_array_new_with_free_func(g_object_unref);
    self->problems = g_ptr_array_new_with_free_func((GDestroyNotify)history_problem_free);
    self->roots = g_list_store_new(VITRINE_TYPE_HISTORY_NODE);
    g_queue_init(&self->waiting);
}

static VitrineHistoryNode *find_node(GPtrArray *nodes, const char *id)
{
    for (guint i = 0; id && i < nodes->len; i++)
        if (strcmp(vitrine_history_node_get_id(nodes->pdata[i]), id) == 0)
            return nodes->pdata[i];
    return NULL;
}

/* The store's items become `wanted`; only the range that differs changes. */
static void set_items(GListStore *store, GPtrArray *wanted)
{
    guint old = g_list_model_get_n_items(G_LIST_MODEL(store)), prefix = 0, suffix = 0;

#define SAME(i, j)                                                                                                     \
    ({                                                                                                                 \
        g_autoptr(GObject) item_ = g_list_model_get_item(G_LIST_MODEL(store), (i));                                    \
        (gpointer) item_ == wanted->pdata[j];                                                                          \
    })
    while (prefix < old && prefix < wanted->len && SAME(prefix, prefix))
        prefix++;
    while (suffix < old - prefix && suffix < wanted->len - prefix && SAME(old - 1 - suffix, wanted->len - 1 - suffix))
        suffix++;
#undef SAME
    if (prefix + suffix < old || prefix + suffix < wanted->len)
        g_list_store_splice(store, prefix, old - prefix - suffix, wanted->pdata + prefix,
                            wanted->len - prefix - suffix);
}

/* `parent` is taken over. */
static HistoryRecord *here_record(VitrineHistory *self, char *parent)
{
    HistoryRecord *record = g_new0(HistoryRecord, 1);

    record->id = g_strdup("here");
    record->name = g_strdup(_("You are here"));
    record->kind = HISTORY_HERE;
    record->time = g_get_real_time();
    record->parent = parent;
    record->has_ram = vitrine_bundle_get_state(self->bundle) == BUNDLE_RUNNING || vitrine_bundle_is_saved(self->bundle);
    return record;
}

static void take_thumbnail(VitrineHistoryNode *node, char *path)
{
    g_free(node->thumbnail);
    node->thumbnail = g_file_test(path, G_FILE_TEST_EXISTS) ? g_strdup(path) : NULL;
    g_free(path);
}

void vitrine_history_refresh(VitrineHistory *self)
{
    const char *folder = vitrine_bundle_get_folder(self->bundle);
    g_autoptr(MachineIni) machine = NULL;
    char *here;
    g_autoptr(GPtrArray) records = history_look(folder, &machine, &here);
    GPtrArray *old = self->nodes, *nodes = g_ptr_array_new_with_free_func(g_object_unref);
    g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func(g_object_unref);

    g_ptr_array_set_free_func(records, NULL);
    g_ptr_array_add(records, here_record(self, here));
    for (guint i = 0; i < records->len; i++) {
        HistoryRecord *record = records->pdata[i];
        VitrineHistoryNode *known = find_node(old, record->id);
        VitrineHistoryNode *node = known ? g_object_ref(known) : g_object_new(VITRINE_TYPE_HISTORY_NODE, NULL);
        if (node_take_record(node, record) && known)
            g_ptr_array_add(changed, g_object_ref(node));
        take_thumbnail(node, record->kind == HISTORY_HERE ? vitrine_bundle_thumbnail(self->bundle)
                                                          : g_build_filename(record->folder, "thumbnail.png", NULL));
        g_ptr_array_add(nodes, node);
    }
    for (guint i = 0; i < nodes->len; i++) {
        VitrineHistoryNode *node = nodes->pdata[i];
        node->up = find_node(nodes, node->record->parent);
    }
    self->nodes = nodes;
    g_set_object(&self->here, VITRINE_HISTORY_NODE(nodes->pdata[nodes->len - 1]));

    guint prefix = 0, suffix = 0, old_count = old->len;
    while (prefix < old->len && prefix < nodes->len && old->pdata[prefix] == nodes->pdata[prefix])
        prefix++;
    while (suffix < old->len - prefix && suffix < nodes->len - prefix &&
           old->pdata[old->len - 1 - suffix] == nodes->pdata[nodes->len - 1 - suffix])
        suffix++;
    /* The tree: for each node and for the roots, who belongs there, in order. */
    for (guint i = 0; i <= nodes->len; i++) {
        VitrineHistoryNode *parent = i < nodes->len ? nodes->pdata[i] : NULL;
        g_autoptr(GPtrArray) children = g_ptr_array_new();
        for (guint k = 0; k < nodes->len; k++)
            if (((VitrineHistoryNode *)nodes->pdata[k])->up == parent)
                g_ptr_array_add(children, nodes->pdata[k]);
        set_items(parent ? parent->children : self->roots, children);
    }
    if (prefix + suffix < old->len || prefix + suffix < nodes->len)
        g_list_model_items_changed(G_LIST_MODEL(self), prefix, old->len - prefix - suffix,
                                   nodes->len - prefix - suffix);
    for (guint i = 0; i < changed->len; i++)
        g_signal_emit(changed->pdata[i], node_changed, 0);
    g_ptr_array_unref(old);
    g_ptr_array_unref(self->problems);
    self->problems = history_find_problems(folder, machine);
    const VitrineHistoryProblem *problem = self->problems->len ? self->problems->pdata[0] : NULL;
    if (g_strcmp0(self->here->health_message, problem ? problem->message : NULL) != 0)
        history_node_set_health(self->here, problem ? HISTORY_HEALTH_WARNING : HISTORY_HEALTH_UNKNOWN,
                                problem ? problem->message : NULL);
    if (prefix + suffix < old_count || prefix + suffix < nodes->len)
        history_measure(self);
    history_emit_changed(self);
}

static gboolean settled(gpointer data)
{
    VitrineHistory *self = data;

    self->settle = 0;
    if (self->busy) {
        history_something_changed(self); /* when it is done */
        return G_SOURCE_REMOVE;
    }
    vitrine_history_refresh(self);
    return G_SOURCE_REMOVE;
}

void history_something_changed(VitrineHistory *self)
{
    if (!self->settle)
        self->settle = g_timeout_add(SETTLE_MS, settled, self);
}

/* A new picture every few seconds is no reason to read all nodes again. */
static void bundle_changed(VitrineHistory *self)
{
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
    g_autofree char *look = g_strdup_printf(
        "%s %s %s %d %d", machine && machine->here ? machine->here : "-", machine && machine->resume ? machine->resume : "-",
        machine && machine->undo ? machine->undo : "-", machine && machine->running,
        (int)vitrine_bundle_get_state(self->bundle));

    if (g_strcmp0(look, self->last_look) == 0) {
        take_thumbnail(self->here, vitrine_bundle_thumbnail(self->bundle));
        g_signal_emit(self->here, node_changed, 0);
        return;
    }
    g_free(self->last_look);
    self->last_look = g_steal_pointer(&look);
    history_something_changed(self);
}

VitrineHistory *vitrine_history_get(VitrineBundle *bundle)
{
    VitrineHistory *self = g_object_get_data(G_OBJECT(bundle), history_key);

    if (self)
        return g_object_ref(self);
    self = g_object_new(VITRINE_TYPE_HISTORY, NULL);
    self->bundle = g_object_ref(bundle);
    g_object_set_data(G_OBJECT(bundle), history_key, self);
    g_autofree char *folder = g_build_filename(vitrine_bundle_get_folder(bundle), "history", NULL);
    g_autoptr(GFile) file = g_file_new_for_path(folder);
    self->monitor = g_file_monitor_directory(file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
    if (self->monitor)
        g_signal_connect_swapped(self->monitor, "changed", G_CALLBACK(history_something_changed), self);
    g_signal_connect_swapped(bundle, "changed", G_CALLBACK(bundle_changed), self);
    vitrine_history_refresh(self);
    return self;
}

void vitrine_history_look_at(VitrineHistory **place, VitrineBundle *bundle, gpointer owner)
{
    if (*place)
        g_signal_handlers_disconnect_by_data(*place, owner);
    g_clear_object(place);
    if (bundle && vitrine_bundle_get_state(bundle) != BUNDLE_BROKEN)
        *place = vitrine_history_get(bundle);
}

VitrineBundle *vitrine_history_get_bundle(VitrineHistory *self)
{
    return self->bundle;
}

GListModel *vitrine_history_get_roots(VitrineHistory *self)
{
    return G_LIST_MODEL(self->roots);
}

VitrineHistoryNode *vitrine_history_get_here(VitrineHistory *self)
{
    return self->here;
}

VitrineHistoryNode *vitrine_history_find(VitrineHistory *self, const char *id_or_name, GError **error)
{
    VitrineHistoryNode *found = find_node(self->nodes, id_or_name);
    guint count = 0;

    if (found)
        return found;
    for (guint i = 0; i < self->nodes->len; i++) {
        VitrineHistoryNode *node = self->nodes->pdata[i];
        if (strcmp(node->record->name, id_or_name) == 0) {
            found = node;
            count++;
        }
    }
    if (count == 1)
        return found;
    g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND,
                count ? _("Several snapshots are named “%s”; say which by its id.")
                      : _("There is no snapshot “%s” in this history. “vitrine snapshot NAME tree” shows all."),
                id_or_name);
    return NULL;
}

gboolean vitrine_history_is_busy(VitrineHistory *self)
{
    return self->busy;
}

const GPtrArray *vitrine_history_get_problems(VitrineHistory *self)
{
    return self->problems;
}

gboolean vitrine_history_can_undo(VitrineHistory *self)
{
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);

    return machine && machine->undo && find_node(self->nodes, machine->undo);
}

void vitrine_history_plan_free(VitrineHistoryPlan *plan)
{
    if (!plan)
        return;
    g_free(plan->summary);
    g_free(plan);
}

/* ---- after a crash ---- */

gboolean vitrine_history_was_running(VitrineHistory *self, VitrineHistoryNode **last)
{
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);

    *last = NULL;
    if (!machine || !machine->running || vitrine_bundle_is_open(self->bundle))
        return FALSE;
    for (guint i = 0; i < self->nodes->len; i++) {
        VitrineHistoryNode *node = self->nodes->pdata[i];
        if (node->record->kind != HISTORY_HERE && node->record->has_ram &&
            vitrine_history_node_get_time(node) >= machine->last_used)
            *last = node;
    }
    return TRUE;
}

static void forget_running(MachineIni *machine, gpointer data)
{
    machine->running = FALSE;
}

void vitrine_history_forget_crash(VitrineHistory *self)
{
    g_autoptr(GError) error = NULL;

    if (!history_change_machine(self, forget_running, NULL, &error))
        g_message("%s", error->message);
}

/* ---- autosave ---- */

void vitrine_history_get_autosave(VitrineHistory *self, guint *minutes, guint *keep)
{
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);

    *minutes = machine ? machine->autosave_minutes : 0;
    *keep = machine ? machine->autosave_keep : MACHINE_AUTOSAVE_KEEP;
}

struct autosave {
    guint minutes, keep;
};

static void set_autosave(MachineIni *machine, gpointer data)
{
    const struct autosave *wanted = data;

    machine->autosave_minutes = wanted->minutes;
    machine->autosave_keep = wanted->keep;
}

gboolean vitrine_history_set_autosave(VitrineHistory *self, guint minutes, guint keep, GError **error)
{
    struct autosave wanted = {minutes, keep};

    if (!history_change_machine(self, set_autosave, &wanted, error))
        return FALSE;
    history_arm_autosave(self);
    return TRUE;
}

static void oldest_gone(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    if (!vitrine_history_delete_finish(VITRINE_HISTORY(source), result, &error))
        g_message("%s", error->message);
    else
        history_trim_autosaves(VITRINE_HISTORY(source));
}

void history_trim_autosaves(VitrineHistory *self)
{
    VitrineHistoryNode *oldest = NULL;
    guint minutes, keep, count = 0;

    vitrine_history_get_autosave(self, &minutes, &keep);
    for (guint i = 0; i < self->nodes->len; i++) {
        VitrineHistoryNode *node = self->nodes->pdata[i];
        if (node->record->kind != HISTORY_AUTOSAVE || node->record->pinned)
            continue;
        oldest = oldest ? oldest : node;
        count++;
    }
    if (count > MAX(keep, 1))
        vitrine_history_delete_async(self, oldest, NULL, NULL, NULL, oldest_gone, NULL);
}

static void autosaved(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineHistory *self = VITRINE_HISTORY(source);
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineHistoryNode) node = vitrine_history_take_finish(self, result, &error);

    if (!node)
        g_message("%s", error->message);
    else
        history_trim_autosaves(self);
}

static gboolean autosave_due(gpointer data)
{
    VitrineHistory *self = data;

    /* A machine that stands still has nothing new to keep. */
    if (self->session && vitrine_session_get_state(self->session) == SESSION_RUNNING && !self->busy)
        vitrine_history_take_async(self, NULL, NULL, HISTORY_AUTOSAVE, NULL, NULL, NULL, autosaved, NULL);
    return G_SOURCE_CONTINUE;
}

void history_arm_autosave(VitrineHistory *self)
{
    guint minutes, keep;

    vitrine_history_get_autosave(self, &minutes, &keep);
    if (self->autosave_source)
        g_source_remove(self->autosave_source);
    self->autosave_source = minutes && self->session ? g_timeout_add_seconds(minutes * 60, autosave_due, self) : 0;
}

void history_set_session(VitrineHistory *self, VitrineSession *session)
{
    self->session = session;
    history_arm_autosave(self);
    if (session && !self->control) {
        g_autoptr(GError) error = NULL;
        self->control = control_server_new(self, &error);
        if (!self->control)
            g_message("%s", error->message);
    } else if (!session) {
        g_clear_pointer(&self->control, control_server_free);
    }
    if (session)
        history_tighten(self);
    else
        history_stop_tightening(self);
    history_something_changed(self);
}
