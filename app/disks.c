/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Follows every drive of every machine down its chain. */
#include "app/disks.h"

#include "app/history_store.h"
#include "app/i18n.h"
#include "images/images.h"

#include <string.h>

#define MAX_CHAIN 64 /* longer ones go in a circle, or might as well */

struct _VitrineDisk {
    GObject parent;
    char *path, *name, *problem, *home;
    const char *format;
    guint64 size, usage;
    VitrineDisk *base; /* not owned: the root list owns the trees */
    GListStore *overlays;
    GPtrArray *users, *moments; /* char *, NULL-terminated */
    gboolean busy;
};

G_DEFINE_FINAL_TYPE(VitrineDisk, vitrine_disk, G_TYPE_OBJECT)

static void vitrine_disk_finalize(GObject *object)
{
    VitrineDisk *self = VITRINE_DISK(object);

    g_free(self->path);
    g_free(self->name);
    g_free(self->problem);
    g_free(self->home);
    g_object_unref(self->overlays);
    g_ptr_array_unref(self->users);
    g_ptr_array_unref(self->moments);
    G_OBJECT_CLASS(vitrine_disk_parent_class)->finalize(object);
}

static void vitrine_disk_dispose(GObject *object)
{
    VitrineDisk *self = VITRINE_DISK(object);

    /* Overlays that somebody keeps longer stand on nothing known any more. */
    for (guint i = 0; i < g_list_model_get_n_items(G_LIST_MODEL(self->overlays)); i++) {
        g_autoptr(VitrineDisk) overlay = g_list_model_get_item(G_LIST_MODEL(self->overlays), i);
        overlay->base = NULL;
    }
    G_OBJECT_CLASS(vitrine_disk_parent_class)->dispose(object);
}

static void vitrine_disk_class_init(VitrineDiskClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = vitrine_disk_dispose;
    G_OBJECT_CLASS(klass)->finalize = vitrine_disk_finalize;
}

static void vitrine_disk_init(VitrineDisk *self)
{
    self->overlays = g_list_store_new(VITRINE_TYPE_DISK);
    self->users = g_ptr_array_new_with_free_func(g_free);
    self->moments = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(self->users, NULL);
    g_ptr_array_add(self->moments, NULL);
}

const char *vitrine_disk_get_path(VitrineDisk *self)
{
    return self->path;
}

const char *vitrine_disk_get_name(VitrineDisk *self)
{
    return self->name;
}

const char *vitrine_disk_get_format(VitrineDisk *self)
{
    return self->format;
}

const char *vitrine_disk_get_problem(VitrineDisk *self)
{
    return self->problem;
}

guint64 vitrine_disk_get_size(VitrineDisk *self)
{
    return self->size;
}

guint64 vitrine_disk_get_usage(VitrineDisk *self)
{
    return self->usage;
}

VitrineDisk *vitrine_disk_get_base(VitrineDisk *self)
{
    return self->base;
}

GListModel *vitrine_disk_get_overlays(VitrineDisk *self)
{
    return G_LIST_MODEL(self->overlays);
}

const char *const *vitrine_disk_get_users(VitrineDisk *self)
{
    return (const char *const *)self->users->pdata;
}

const char *const *vitrine_disk_get_moments(VitrineDisk *self)
{
    return (const char *const *)self->moments->pdata;
}

gboolean vitrine_disk_is_busy(VitrineDisk *self)
{
    return self->busy;
}

const char *vitrine_disk_get_home(VitrineDisk *self)
{
    return self->home;
}

/* ---- what to look at ---- */

struct machine {
    char *name, *folder;
    gboolean running;
    GPtrArray *files; /* char *, absolute */
};

struct DiskSearch {
    GPtrArray *machines; /* struct machine */
    char **more;
};

static void machine_free(gpointer data)
{
    struct machine *machine = data;

    g_free(machine->name);
    g_free(machine->folder);
    g_ptr_array_unref(machine->files);
    g_free(machine);
}

static void add_file(struct machine *machine, const struct machine_drive *drive)
{
    if (drive->file)
        g_ptr_array_add(machine->files, vitrine_bundle_path(machine->folder, drive->file));
}

DiskSearch *disk_search_new(VitrineLibrary *library, const char *const *more)
{
    DiskSearch *search = g_new0(DiskSearch, 1);

    search->machines = g_ptr_array_new_with_free_func(machine_free);
    search->more = g_strdupv((char **)more);
    for (guint i = 0; i < g_list_model_get_n_items(G_LIST_MODEL(library)); i++) {
        g_autoptr(VitrineBundle) bundle = g_list_model_get_item(G_LIST_MODEL(library), i);
        const MachineIni *ini = vitrine_bundle_get_machine(bundle);
        struct machine *machine = g_new0(struct machine, 1);
        machine->name = g_strdup(vitrine_bundle_get_name(bundle));
        machine->folder = g_strdup(vitrine_bundle_get_folder(bundle));
        machine->running = vitrine_bundle_is_open(bundle);
        machine->files = g_ptr_array_new_with_free_func(g_free);
        for (unsigned j = 0; ini && j < ini->disk_count; j++)
            add_file(machine, &ini->disks[j]);
        if (ini) {
            add_file(machine, &ini->cdrom);
            add_file(machine, &ini->floppy);
        }
        g_ptr_array_add(search->machines, machine);
    }
    return search;
}

void disk_search_free(DiskSearch *search)
{
    if (!search)
        return;
    g_ptr_array_unref(search->machines);
    g_strfreev(search->more);
    g_free(search);
}

/* ---- looking ---- */

struct look {
    DiskSearch *search;
    GHashTable *known; /* path to VitrineDisk, owned */
    GCancellable *cancellable;
};

/* The machine in whose folder a file lies. */
static const struct machine *home_of(DiskSearch *search, const char *path)
{
    for (guint i = 0; i < search->machines->len; i++) {
        const struct machine *machine = search->machines->pdata[i];
        gsize length = strlen(machine->folder);
        if (strncmp(path, machine->folder, length) == 0 && path[length] == '/')
            return machine;
    }
    return NULL;
}

/* The disk at `path` and all that it stands on. Names the file itself in front of what it cannot do. */
static VitrineDisk *look_at(struct look *look, const char *path, guint depth)
{
    VitrineDisk *disk = g_hash_table_lookup(look->known, path);
    g_autoptr(GError) error = NULL;

    if (disk || g_cancellable_is_cancelled(look->cancellable))
        return disk;
    disk = g_object_new(VITRINE_TYPE_DISK, NULL);
    disk->path = g_strdup(path);
    g_hash_table_insert(look->known, disk->path, disk);

    const struct machine *home = home_of(look->search, path);
    disk->name = g_filename_display_basename(path);
    disk->home = home ? g_strdup(home->name) : NULL;
    const char *format = image_probe(path, &error);
    g_autoptr(ImageInfo) info = format ? image_read_info(path, format, &error) : NULL;
    if (!info) {
        disk->problem = g_strdup(error->message);
        return disk;
    }
    disk->format = info->format;
    disk->size = info->size;
    disk->usage = info->disk_usage;
    if (info->corrupt)
        disk->problem = g_strdup(_("The image is marked as damaged. Check it, and repair it."));
    if (info->backing_path) {
        g_autofree char *base_path = g_canonicalize_filename(info->backing_path, NULL);
        VitrineDisk *base = depth < MAX_CHAIN ? look_at(look, base_path, depth + 1) : NULL;
        /* A chain that comes back to where it began has no ground. */
        for (VitrineDisk *down = base; down; down = down->base) {
            if (down == disk)
                base = NULL;
        }
        if (base) {
            disk->base = base;
            g_list_store_append(base->overlays, disk);
            if (base->problem && !disk->problem)
                disk->problem = g_strdup_printf(_("It stands on “%s”, which cannot be used: %s"), base->name,
                                                base->problem);
        } else if (!disk->problem) {
            disk->problem = g_strdup(_("What it stands on leads back to itself."));
        }
    }
    return disk;
}

static void add_name(GPtrArray *names, const char *name)
{
    if (!g_strv_contains((const char *const *)names->pdata, name))
        g_ptr_array_insert(names, (int)names->len - 1, g_strdup(name));
}

static void add_user(VitrineDisk *disk, const struct machine *machine)
{
    add_name(disk->users, machine->name);
    for (VitrineDisk *down = disk; machine->running && down; down = down->base)
        down->busy = TRUE;
}

/* Images in a machine's folder that its description does not name: kept by its history. */
static void look_into_folder(struct look *look, const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            if (name[0] != '.' && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
                look_into_folder(look, path);
        } else if (g_str_has_suffix(name, ".qcow2")) {
            look_at(look, path, 0);
        }
    }
}

/* The layers that the machine's moments hold fast. */
static void look_into_history(struct look *look, const struct machine *machine)
{
    g_autoptr(GPtrArray) records = history_read(machine->folder);

    for (guint i = 0; i < records->len; i++) {
        const HistoryRecord *record = records->pdata[i];
        for (unsigned j = 0; record->machine && j < record->machine->disk_count; j++) {
            const struct machine_drive *drive = &record->machine->disks[j];
            if (!drive->file || drive->read_only)
                continue;
            g_autofree char *named = vitrine_bundle_path(machine->folder, drive->file);
            g_autofree char *path = g_canonicalize_filename(named, NULL);
            VitrineDisk *disk = look_at(look, path, 0);
            if (disk)
                add_name(disk->moments, record->name);
        }
    }
}

static int compare_disks(gconstpointer a, gconstpointer b, gpointer user_data)
{
    VitrineDisk *x = (VitrineDisk *)a, *y = (VitrineDisk *)b;
    int order = g_strcmp0(x->home, y->home);

    order = order ? order : g_utf8_collate(x->name, y->name);
    return order ? order : strcmp(x->path, y->path);
}

GListStore *disk_search_run(DiskSearch *search, GCancellable *cancellable, GError **error)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_object_unref);
    struct look look = {search, known, cancellable};
    GListStore *roots = g_list_store_new(VITRINE_TYPE_DISK);
    GHashTableIter iter;
    gpointer value;

    for (guint i = 0; i < search->machines->len; i++) {
        const struct machine *machine = search->machines->pdata[i];
        g_autofree char *disks = g_build_filename(machine->folder, "disks", NULL);
        g_autofree char *history = g_build_filename(machine->folder, "history", NULL);
        for (guint j = 0; j < machine->files->len; j++) {
            g_autofree char *path = g_canonicalize_filename(machine->files->pdata[j], NULL);
            VitrineDisk *disk = look_at(&look, path, 0);
            if (disk)
                add_user(disk, machine);
        }
        look_into_folder(&look, disks);
        look_into_folder(&look, history);
        look_into_history(&look, machine);
    }
    for (char **path = search->more; path && *path; path++)
        look_at(&look, *path, 0);
    if (g_cancellable_set_error_if_cancelled(cancellable, error)) {
        g_object_unref(roots);
        return NULL;
    }
    g_hash_table_iter_init(&iter, known);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        VitrineDisk *disk = value;
        g_list_store_sort(disk->overlays, compare_disks, NULL);
        if (!disk->base)
            g_list_store_insert_sorted(roots, disk, compare_disks, NULL);
    }
    return roots;
}

static void run_in_thread(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    GError *error = NULL;
    GListStore *roots = disk_search_run(task_data, cancellable, &error);

    if (roots)
        g_task_return_pointer(task, roots, g_object_unref);
    else
        g_task_return_error(task, error);
}

void disk_search_run_async(DiskSearch *search, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);

    g_task_set_task_data(task, search, (GDestroyNotify)disk_search_free);
    g_task_run_in_thread(task, run_in_thread);
}

GListStore *disk_search_run_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}
