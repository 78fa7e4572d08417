/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a machine's history: reading them, and making a node appear in one step. */
#include "app/history_store.h"

#include "app/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NODE_VERSION  1
#define BUILD_PREFIX  ".new-"
#define MAX_NODE_FILE (64 * 1024)
#define MAX_LOOKS     5 /* at a tree that somebody changes */

static const char *const kind_ids[] = {[HISTORY_MANUAL] = "manual",
                                       [HISTORY_SAFETY] = "safety",
                                       [HISTORY_AUTOSAVE] = "autosave",
                                       [HISTORY_START] = "start",
                                       [HISTORY_HERE] = "here"};

const char *vitrine_history_kind_id(enum history_kind kind)
{
    return kind_ids[kind];
}

const char *vitrine_history_health_id(enum history_health health)
{
    static const char *const ids[] = {[HISTORY_HEALTH_UNKNOWN] = "unknown",
                                      [HISTORY_HEALTH_GOOD] = "good",
                                      [HISTORY_HEALTH_WARNING] = "warning",
                                      [HISTORY_HEALTH_BROKEN] = "broken"};

    return ids[health];
}

void history_record_free(HistoryRecord *record)
{
    if (!record)
        return;
    g_free(record->id);
    g_free(record->folder);
    g_free(record->parent);
    g_free(record->name);
    g_free(record->note);
    g_free(record->problem);
    machine_ini_free(record->machine);
    g_free(record);
}

char *history_ram_folder(const char *bundle)
{
    return g_build_filename(bundle, "history", "ram", NULL);
}

char *history_node_file(const char *bundle, const char *id, const char *file)
{
    return g_build_filename(bundle, "history", id, file, NULL);
}

/* ---- machine.ini ---- */

static MachineIni *read_machine_file(const char *path, GError **error)
{
    g_autofree char *data = NULL;
    GStatBuf info;
    gsize size;

    if (g_stat(path, &info) == 0 && info.st_size > MACHINE_MAX_FILE) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX,
                    _("The machine's description is too long to be one."));
        return NULL;
    }
    return g_file_get_contents(path, &data, &size, error) ? machine_ini_parse(data, size, error) : NULL;
}

static gboolean write_machine_file(const char *path, const MachineIni *machine, GError **error)
{
    gsize size;
    g_autofree char *data = machine_ini_format_to_write(machine, &size, error);

    return data && vitrine_write_file(path, data, size, error);
}

MachineIni *history_read_machine(const char *bundle, GError **error)
{
    g_autofree char *path = g_build_filename(bundle, "machine.ini", NULL);

    return read_machine_file(path, error);
}

gboolean history_write_machine(const char *bundle, const MachineIni *machine, GError **error)
{
    g_autofree char *path = g_build_filename(bundle, "machine.ini", NULL);

    return write_machine_file(path, machine, error);
}

/* ---- reading nodes ---- */

static gboolean is_id(const char *name)
{
    gsize length = strlen(name);

    return length == 8 && strspn(name, "0123456789abcdef") == length;
}

static char *one_line(GKeyFile *file, const char *key)
{
    g_autofree char *text = g_key_file_get_string(file, "Node", key, NULL);

    return text && *text && !strpbrk(text, "\n\r") ? g_steal_pointer(&text) : NULL;
}

static HistoryRecord *no_such_node(const char *id, GError **error)
{
    g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND, _("There is no snapshot “%s” in this history."), id);
    return NULL;
}

HistoryRecord *history_read_one(const char *bundle, const char *id, GError **error)
{
    g_autofree char *path = history_node_file(bundle, id, "node.ini");
    g_autofree char *settings = history_node_file(bundle, id, "machine.ini");
    g_autofree char *state = history_node_file(bundle, id, "state");
    g_autofree char *resume = history_node_file(bundle, id, "resume.state");
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) failure = NULL;
    g_autoptr(HistoryRecord) record = g_new0(HistoryRecord, 1);
    GStatBuf info = {0};
    int number = g_stat(path, &info) == 0 ? 0 : errno;

    if (!is_id(id) || number == ENOENT || number == ENOTDIR)
        return no_such_node(id, error);
    record->id = g_strdup(id);
    record->folder = g_build_filename(bundle, "history", id, NULL);
    record->has_ram = g_file_test(state, G_FILE_TEST_EXISTS) || g_file_test(resume, G_FILE_TEST_EXISTS);
    if (!number && info.st_size <= MAX_NODE_FILE && g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &failure)) {
        g_autofree char *kind = g_key_file_get_string(file, "Node", "Kind", NULL);
        for (unsigned i = 0; i < G_N_ELEMENTS(kind_ids); i++)
            if (g_strcmp0(kind, kind_ids[i]) == 0 && i != HISTORY_HERE)
                record->kind = (enum history_kind)i;
        record->parent = one_line(file, "Parent");
        record->name = one_line(file, "Name");
        record->note = g_key_file_get_string(file, "Node", "Note", NULL);
        record->time = g_key_file_get_int64(file, "Node", "Time", NULL);
        record->pinned = g_key_file_get_boolean(file, "Node", "Pinned", NULL);
        if (g_key_file_get_uint64(file, "Node", "Version", NULL) > NODE_VERSION)
            record->problem = g_strdup(_("This snapshot was taken by a newer Vitrine. Please update Vitrine."));
    } else {
        record->problem = g_strdup(_("The description of this snapshot cannot be read."));
        record->time = (gint64)info.st_mtime * G_USEC_PER_SEC;
    }
    if (record->note && !*record->note)
        g_clear_pointer(&record->note, g_free);
    if (record->parent && (!is_id(record->parent) || strcmp(record->parent, id) == 0))
        g_clear_pointer(&record->parent, g_free);
    if (!record->name)
        record->name = g_strdup(id);
    g_clear_error(&failure);
    record->machine = read_machine_file(settings, &failure);
    if (!record->machine && !record->problem)
        record->problem = g_strdup(failure->message);
    if (record->problem && access(path, F_OK) != 0 && errno == ENOENT) /* deleted meanwhile */
        return no_such_node(id, error);
    return g_steal_pointer(&record);
}

HistoryRecord *history_read_to_change(const char *bundle, const char *id, GError **error)
{
    g_autoptr(HistoryRecord) record = history_read_one(bundle, id, error);

    if (!record || !record->problem)
        return g_steal_pointer(&record);
    g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX, _("The snapshot “%s” cannot be changed: %s"), record->name,
                record->problem);
    return NULL;
}

static int by_order(gconstpointer a, gconstpointer b)
{
    const HistoryRecord *x = *(HistoryRecord *const *)a, *y = *(HistoryRecord *const *)b;

    return x->order < y->order ? -1 : x->order > y->order ? 1 : strcmp(x->id, y->id);
}

HistoryRecord *history_find(const GPtrArray *records, const char *id)
{
    for (guint i = 0; id && i < records->len; i++) {
        HistoryRecord *record = records->pdata[i];
        if (strcmp(record->id, id) == 0)
            return record;
    }
    return NULL;
}

/* A parent that is not there, or that is its own descendant, is none. TRUE: there were no such. */
static gboolean check_parents(GPtrArray *records)
{
    gboolean whole = TRUE;

    for (guint i = 0; i < records->len; i++) {
        HistoryRecord *record = records->pdata[i], *up = record;
        guint steps = 0;
        while (up && steps++ <= records->len)
            up = history_find(records, up->parent);
        if (!record->parent || (!up && history_find(records, record->parent)))
            continue;
        g_clear_pointer(&record->parent, g_free);
        whole = FALSE;
    }
    return whole;
}

/* By time; but a node comes after its parent whatever a clock that was set back said. */
static void put_in_order(GPtrArray *records)
{
    g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < records->len; i++)
        g_hash_table_insert(by_id, ((HistoryRecord *)records->pdata[i])->id, records->pdata[i]);
    for (guint i = 0; i < records->len; i++) {
        HistoryRecord *record = records->pdata[i], *up = record;
        record->order = record->time;
        for (gint64 steps = 1; up->parent && (up = g_hash_table_lookup(by_id, up->parent)); steps++)
            record->order = MAX(record->order, MIN(up->time, G_MAXINT64 - steps) + steps);
    }
    g_ptr_array_sort(records, by_order);
}

static GPtrArray *read_nodes(const char *bundle, gboolean *whole, GError **error)
{
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)history_record_free);
    g_autofree char *folder = g_build_filename(bundle, "history", NULL);
    g_auto(GStrv) names = vitrine_list_folder(folder, error);

    for (guint i = 0; names && names[i]; i++) {
        HistoryRecord *record = is_id(names[i]) ? history_read_one(bundle, names[i], NULL) : NULL;
        if (record)
            g_ptr_array_add(records, record);
    }
    *whole = check_parents(records);
    put_in_order(records);
    return records;
}

GPtrArray *history_read(const char *bundle)
{
    gboolean whole;

    return read_nodes(bundle, &whole, NULL);
}

GPtrArray *history_read_all(const char *bundle, const char *without, GError **error)
{
    g_autoptr(GError) failure = NULL;
    gboolean whole;
    g_autoptr(GPtrArray) records = read_nodes(bundle, &whole, &failure);

    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    for (guint i = 0; i < records->len; i++) {
        const HistoryRecord *record = records->pdata[i];
        if (record->machine || g_strcmp0(record->id, without) == 0)
            continue;
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX,
                    _("The snapshot “%s” cannot be read, so that nobody knows which disks it needs: %s"), record->name,
                    record->problem);
        return NULL;
    }
    return g_steal_pointer(&records);
}

GPtrArray *history_look(const char *bundle, MachineIni **machine, char **here)
{
    for (guint look = 1;; look++) {
        gboolean whole;
        /* machine.ini last: it names a node before that appears, and where the machine was until then. */
        GPtrArray *records = read_nodes(bundle, &whole, NULL);
        *machine = history_read_machine(bundle, NULL);
        const char *named = *machine ? (*machine)->here : NULL;
        const HistoryRecord *place = history_find(records, named);
        if (!place && named)
            place = history_find(records, (*machine)->before);
        *here = place ? g_strdup(place->id) : NULL;
        if ((whole && (place || !named)) || look == MAX_LOOKS)
            return records;
        g_ptr_array_unref(records);
        machine_ini_free(*machine);
        g_free(*here);
    }
}

char *history_here(const char *bundle, const MachineIni *machine)
{
    const char *const places[] = {machine->here, machine->before};

    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        if (!places[i] || !is_id(places[i]))
            continue;
        g_autofree char *path = history_node_file(bundle, places[i], "node.ini");
        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return g_strdup(places[i]);
    }
    return NULL;
}

/* ---- writing nodes ---- */

char *history_new_id(const char *bundle)
{
    for (;;) {
        g_autofree char *id = g_strdup_printf("%08x", g_random_int());
        g_autofree char *path = g_build_filename(bundle, "history", id, NULL);
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&id);
    }
}

static void set_or_remove(GKeyFile *file, const char *key, const char *value)
{
    if (value && *value)
        g_key_file_set_string(file, "Node", key, value);
    else
        g_key_file_remove_key(file, "Node", key, NULL);
}

/* What stands there already, each key once: a key file removes one of several that have the same name. */
static GKeyFile *read_keys(const char *path)
{
    g_autoptr(GKeyFile) old = g_key_file_new();
    GKeyFile *file = g_key_file_new();

    g_key_file_load_from_file(old, path, G_KEY_FILE_NONE, NULL);
    g_auto(GStrv) groups = g_key_file_get_groups(old, NULL);
    for (char **group = groups; *group; group++) {
        g_auto(GStrv) keys = g_key_file_get_keys(old, *group, NULL, NULL);
        for (char **key = keys; key && *key; key++) {
            g_autofree char *value = g_key_file_get_value(old, *group, *key, NULL);
            g_key_file_set_value(file, *group, *key, value);
        }
    }
    return file;
}

static gboolean write_record_in(const char *folder, const HistoryRecord *record, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "node.ini", NULL);
    g_autoptr(GKeyFile) file = read_keys(path);
    gsize size;

    if (g_key_file_get_uint64(file, "Node", "Version", NULL) < NODE_VERSION)
        g_key_file_set_integer(file, "Node", "Version", NODE_VERSION);
    g_key_file_set_string(file, "Node", "Kind", kind_ids[record->kind]);
    set_or_remove(file, "Parent", record->parent);
    g_key_file_set_string(file, "Node", "Name", record->name);
    set_or_remove(file, "Note", record->note);
    g_key_file_set_int64(file, "Node", "Time", record->time);
    g_key_file_set_boolean(file, "Node", "Pinned", record->pinned);
    g_autofree char *data = g_key_file_to_data(file, &size, NULL);
    return vitrine_write_file(path, data, size, error);
}

gboolean history_write_record(const HistoryRecord *record, GError **error)
{
    return write_record_in(record->folder, record, error);
}

char *history_begin_node(const char *bundle, const char *id, GError **error)
{
    g_autofree char *folder = g_build_filename(bundle, "history", NULL);
    g_autofree char *building = g_strdup_printf("%s/%s%s", folder, BUILD_PREFIX, id);

    if (g_mkdir_with_parents(folder, 0755) != 0 || g_mkdir(building, 0755) != 0) {
        vitrine_set_errno(error, errno, _("The snapshot could not be taken"), folder);
        return NULL;
    }
    return g_steal_pointer(&building);
}

/* Files that others wrote into the folder, to disk. */
static gboolean sync_files(const char *folder, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    const char *name;

    if (!dir)
        return FALSE;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        gboolean ok = fd >= 0 && fsync(fd) == 0;
        int number = errno;
        if (fd >= 0)
            close(fd);
        if (!ok)
            return vitrine_set_errno(error, number, _("The snapshot could not be taken"), path);
    }
    return TRUE;
}

gboolean history_finish_node(const char *bundle, const char *building, const HistoryRecord *record, GError **error)
{
    g_autofree char *history = g_build_filename(bundle, "history", NULL);
    g_autofree char *folder = g_build_filename(history, record->id, NULL);
    g_autofree char *settings = g_build_filename(building, "machine.ini", NULL);

    if (!write_machine_file(settings, record->machine, error) || !write_record_in(building, record, error) ||
        !sync_files(building, error) || !vitrine_sync_folder(building, error))
        return FALSE;
    if (g_rename(building, folder) != 0)
        return vitrine_set_errno(error, errno, _("The snapshot could not be taken"), folder);
    /* Either it is there, or it is not: then its disks are written to again. */
    g_autoptr(GError) failure = NULL;
    if (vitrine_sync_folder(history, &failure) || g_rename(folder, building) != 0)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

void history_drop_node(const char *building)
{
    if (building)
        vitrine_remove_tree(building, NULL);
}

gboolean history_check_space(const char *bundle, guint64 bytes, GError **error)
{
    struct statvfs info;

    if (statvfs(bundle, &info) != 0)
        return TRUE; /* a file system that does not tell; writing will */
    guint64 room = (guint64)info.f_bavail * info.f_frsize;
    if (room >= bytes)
        return TRUE;
    g_autofree char *need = g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *have = g_format_size_full(room, G_FORMAT_SIZE_IEC_UNITS);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                _("There is not enough room on the host's disk: about %s are needed, %s are free. Delete something, "
                  "for instance older snapshots, and try again."),
                need, have);
    return FALSE;
}

/* ---- after a crash ---- */

void history_recover(const char *bundle)
{
    g_autofree char *folder = g_build_filename(bundle, "history", NULL);
    g_autofree char *disks = g_build_filename(bundle, "disks", NULL);
    g_autofree char *ram = history_ram_folder(bundle);
    const char *const folders[] = {folder, disks};

    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autoptr(GDir) dir = g_dir_open(folders[i], 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir))) {
            if (name[0] != '.' && !g_str_has_suffix(name, ".new"))
                continue;
            g_autofree char *path = g_build_filename(folders[i], name, NULL);
            vitrine_remove_tree(path, NULL);
        }
    }
    ram_pack_clear_away(ram); /* but for what is just being packed more tightly */
}

char *history_prepare_start(const char *bundle, const MachineIni *machine, GError **error)
{
    if (!machine->resume || !is_id(machine->resume))
        return NULL;
    g_autofree char *from = history_node_file(bundle, machine->resume, "nvram");
    g_autofree char *to = g_build_filename(bundle, "nvram", NULL);
    g_autofree char *data = NULL;
    g_autoptr(GError) failure = NULL;
    gsize size;

    if (g_file_get_contents(from, &data, &size, &failure)) {
        if (!vitrine_write_file(to, data, size, error))
            return NULL;
    } else if (g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_unlink(to);
    } else {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    return g_strdup(machine->resume);
}
