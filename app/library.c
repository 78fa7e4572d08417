/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of machines: one GFileMonitor on the library's folder and one on each machine's. */
#include "app/library.h"

#include "app/dependents.h"
#include "app/i18n.h"

#include <string.h>

/* Changes come in bursts (new file, rename): look once after the last. */
#define SETTLE_MS 100

struct entry {
    VitrineBundle *bundle;
    GFileMonitor *monitor, *history_monitor;
};

struct _VitrineLibrary {
    GObject parent;
    char *folder;
    gboolean watch;
    GPtrArray *entries; /* struct entry, by name */
    GFileMonitor *monitor;
    guint settle;
};

static void list_model_init(GListModelInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE(VitrineLibrary, vitrine_library, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(G_TYPE_LIST_MODEL, list_model_init))

static void entry_free(gpointer data)
{
    struct entry *entry = data;

    g_clear_object(&entry->monitor);
    g_clear_object(&entry->history_monitor);
    g_clear_object(&entry->bundle);
    g_free(entry);
}

static GType get_item_type(GListModel *list)
{
    return VITRINE_TYPE_BUNDLE;
}

static guint get_n_items(GListModel *list)
{
    return VITRINE_LIBRARY(list)->entries->len;
}

static gpointer get_item(GListModel *list, guint position)
{
    GPtrArray *entries = VITRINE_LIBRARY(list)->entries;

    if (position >= entries->len)
        return NULL;
    return g_object_ref(((struct entry *)entries->pdata[position])->bundle);
}

static void list_model_init(GListModelInterface *iface)
{
    iface->get_item_type = get_item_type;
    iface->get_n_items = get_n_items;
    iface->get_item = get_item;
}

static gboolean settled(gpointer data)
{
    VitrineLibrary *self = data;

    self->settle = 0;
    vitrine_library_refresh(self);
    return G_SOURCE_REMOVE;
}

static void something_changed(VitrineLibrary *self)
{
    if (self->settle)
        g_source_remove(self->settle);
    self->settle = g_timeout_add(SETTLE_MS, settled, self);
}

static GFileMonitor *watch_folder(VitrineLibrary *self, const char *path)
{
    g_autoptr(GFile) file = g_file_new_for_path(path);
    GFileMonitor *monitor = g_file_monitor_directory(file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);

    if (monitor)
        g_signal_connect_swapped(monitor, "changed", G_CALLBACK(something_changed), self);
    return monitor;
}

/* Hidden folders are machines in the making or deleted ones that can still be brought back. */
static gboolean is_machine(const char *folder, const char *name)
{
    g_autofree char *ini = g_build_filename(folder, name, "machine.ini", NULL);

    return name[0] != '.' && g_file_test(ini, G_FILE_TEST_EXISTS);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    const struct entry *const *first = a, *const *second = b;
    g_autofree char *x = g_utf8_collate_key_for_filename(vitrine_bundle_get_name((*first)->bundle), -1);
    g_autofree char *y = g_utf8_collate_key_for_filename(vitrine_bundle_get_name((*second)->bundle), -1);
    int order = strcmp(x, y);

    return order ? order
                 : strcmp(vitrine_bundle_get_folder((*first)->bundle),
                          vitrine_bundle_get_folder((*second)->bundle));
}

static struct entry *find_entry(GPtrArray *entries, const char *folder)
{
    for (guint i = 0; i < entries->len; i++) {
        struct entry *entry = entries->pdata[i];
        if (strcmp(vitrine_bundle_get_folder(entry->bundle), folder) == 0)
            return entry;
    }
    return NULL;
}

void vitrine_library_refresh(VitrineLibrary *self)
{
    g_autoptr(GDir) dir = g_dir_open(self->folder, 0, NULL);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(entry_free);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        if (!is_machine(self->folder, name))
            continue;
        g_autofree char *path = g_build_filename(self->folder, name, NULL);
        struct entry *known = find_entry(self->entries, path);
        struct entry *entry = g_new0(struct entry, 1);
        if (known) {
            entry->bundle = g_object_ref(known->bundle);
            entry->monitor = g_steal_pointer(&known->monitor);
            entry->history_monitor = g_steal_pointer(&known->history_monitor);
            vitrine_bundle_refresh(entry->bundle);
        } else {
            entry->bundle = vitrine_bundle_new(path);
            if (self->watch) {
                g_autofree char *history = g_build_filename(path, "history", NULL);
                entry->monitor = watch_folder(self, path);
                entry->history_monitor = watch_folder(self, history);
            }
        }
        g_ptr_array_add(found, entry);
    }
    g_ptr_array_sort(found, compare_names);

    /* Report the smallest range that differs: a selection elsewhere in the list survives. */
    GPtrArray *old = self->entries;
    guint prefix = 0, suffix = 0;
#define SAME(i, j) (((struct entry *)old->pdata[i])->bundle == ((struct entry *)found->pdata[j])->bundle)
    while (prefix < old->len && prefix < found->len && SAME(prefix, prefix))
        prefix++;
    while (suffix < old->len - prefix && suffix < found->len - prefix &&
           SAME(old->len - 1 - suffix, found->len - 1 - suffix))
        suffix++;
#undef SAME
    guint removed = old->len - prefix - suffix, added = found->len - prefix - suffix;
    self->entries = g_steal_pointer(&found);
    if (removed || added)
        g_list_model_items_changed(G_LIST_MODEL(self), prefix, removed, added);
    g_ptr_array_unref(old);
}

static void vitrine_library_finalize(GObject *object)
{
    VitrineLibrary *self = VITRINE_LIBRARY(object);

    if (self->settle)
        g_source_remove(self->settle);
    if (self->monitor)
        g_signal_handlers_disconnect_by_data(self->monitor, self);
    for (guint i = 0; i < self->entries->len; i++) {
        struct entry *entry = self->entries->pdata[i];
        if (entry->monitor)
            g_signal_handlers_disconnect_by_data(entry->monitor, self);
        if (entry->history_monitor)
            g_signal_handlers_disconnect_by_data(entry->history_monitor, self);
    }
    g_clear_object(&self->monitor);
    g_ptr_array_unref(self->entries);
    g_free(self->folder);
    G_OBJECT_CLASS(vitrine_library_parent_class)->finalize(object);
}

static void vitrine_library_class_init(VitrineLibraryClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = vitrine_library_finalize;
}

static void vitrine_library_init(VitrineLibrary *self)
{
    self->entries = g_ptr_array_new_with_free_func(entry_free);
}

/* Machines that were deleted while Vitrine ended before its Undo had passed. A younger one may belong to a
 * window of another process. */
#define DELETED_SECONDS 3600

static void purge_deleted(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    const char *folder = task_data;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        if (!g_str_has_prefix(name, VITRINE_DELETED_PREFIX))
            continue;
        gint64 since = g_ascii_strtoll(name + strlen(VITRINE_DELETED_PREFIX), NULL, 10);
        if (g_get_real_time() - since < (gint64)DELETED_SECONDS * G_USEC_PER_SEC)
            continue;
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autoptr(GFile) file = g_file_new_for_path(path);
        g_file_trash(file, NULL, NULL);
    }
    g_task_return_boolean(task, TRUE);
}

VitrineLibrary *vitrine_library_new(const char *folder, gboolean watch)
{
    VitrineLibrary *self = g_object_new(VITRINE_TYPE_LIBRARY, NULL);

    self->folder = folder ? g_canonicalize_filename(folder, NULL) : vitrine_machines_folder();
    self->watch = watch;
    if (watch) {
        g_mkdir_with_parents(self->folder, 0755);
        self->monitor = watch_folder(self, self->folder);
        g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);
        g_task_set_task_data(task, g_strdup(self->folder), g_free);
        g_task_run_in_thread(task, purge_deleted);
    }
    vitrine_library_refresh(self);
    return self;
}

const char *vitrine_library_get_folder(VitrineLibrary *self)
{
    return self->folder;
}

VitrineBundle *vitrine_library_find(VitrineLibrary *self, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(self->folder, name, NULL);
    struct entry *by_folder = find_entry(self->entries, path), *found = NULL;
    guint count = 0;

    for (guint i = 0; i < self->entries->len; i++) {
        struct entry *entry = self->entries->pdata[i];
        if (strcmp(vitrine_bundle_get_name(entry->bundle), name) != 0)
            continue;
        count++;
        found = entry;
        if (entry == by_folder) { /* copied folders have the name of what they are copies of */
            count = 1;
            break;
        }
    }
    found = found ? found : by_folder;
    if (count > 1)
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND,
                    _("Several machines are named “%s”; say which by the name of its folder. “vitrine list --json” shows "
                      "them."),
                    name);
    else if (!found)
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND,
                    _("There is no machine named “%s”. “vitrine list” shows all machines."), name);
    return found && count <= 1 ? g_object_ref(found->bundle) : NULL;
}

char *vitrine_library_free_name(VitrineLibrary *self, const char *name)
{
    for (unsigned number = 1;; number++) {
        g_autofree char *candidate = number == 1 ? g_strdup(name) : g_strdup_printf("%s %u", name, number);
        g_autofree char *path = g_build_filename(self->folder, candidate, NULL);
        gboolean taken = g_file_test(path, G_FILE_TEST_EXISTS);
        for (guint i = 0; !taken && i < self->entries->len; i++) {
            struct entry *entry = self->entries->pdata[i];
            taken = strcmp(vitrine_bundle_get_name(entry->bundle), candidate) == 0;
        }
        if (!taken)
            return g_steal_pointer(&candidate);
    }
}
