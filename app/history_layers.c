/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layers of a machine's disks: new overlays, which layers anybody still needs, joining those that nobody
 * does, and the originals at the end of the chains.
 */
#include "app/history_store.h"

#include "app/dependents.h"
#include "app/i18n.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FROZEN_MODE   0444
#define WRITABLE_MODE 0644
/* What joining layers gets done on an ordinary disk: read, write, read back. */
#define MERGE_BYTES_PER_SECOND (60 << 20)

static char *canonical(const char *path)
{
    char *file = vitrine_find_file(path, NULL);

    return file ? file : g_canonicalize_filename(path, NULL);
}

static char *disk_path(const char *bundle, const struct machine_drive *drive)
{
    g_autofree char *path = vitrine_bundle_path(bundle, drive->file);

    return canonical(path);
}

static char *disks_folder(const char *bundle)
{
    g_autofree char *folder = g_build_filename(bundle, "disks", NULL);

    return canonical(folder);
}

/* ---- new layers ---- */

/* A machine that runs may still be writing to the base. */
static gboolean overlay_of_open_base(const char *path, const char *base, const char *format, GError **error)
{
    g_autoptr(ImageInfo) info = image_read_info(base, format, error);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *real_folder = canonical(folder);
    g_autofree char *base_folder = g_path_get_dirname(base);
    g_autofree char *name = strcmp(real_folder, base_folder) == 0 ? g_path_get_basename(base) : g_strdup(base);

    if (!info)
        return FALSE;
    const ImageCreateOptions options = {
        .size = (info->size + 511) & ~G_GUINT64_CONSTANT(511), .backing_file = name, .backing_format = info->format};
    return image_create(path, "qcow2", &options, error);
}

gboolean history_new_layers(const char *bundle, MachineIni *machine, GError **error)
{
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *disks = disks_folder(bundle);
    gboolean ok = g_mkdir_with_parents(disks, 0755) == 0 ||
                  vitrine_set_errno(error, errno, _("The folder could not be made"), disks);

    for (unsigned i = 0; ok && i < machine->disk_count; i++) {
        struct machine_drive *drive = &machine->disks[i];
        if (drive->read_only)
            continue;
        g_autofree char *base = disk_path(bundle, drive);
        g_autofree char *name = NULL;
        g_autofree char *path = NULL;
        do {
            g_free(name);
            g_free(path);
            name = g_strdup_printf("disks/disk%u-%08x.qcow2", i, g_random_int());
            path = g_build_filename(bundle, name, NULL);
        } while (g_file_test(path, G_FILE_TEST_EXISTS));
        ok = overlay_of_open_base(path, base, drive->format, error);
        if (!ok)
            break;
        g_ptr_array_add(made, g_steal_pointer(&path));
        if (!drive->base && !vitrine_is_inside(disks, base)) {
            drive->base = g_strdup(base);
            drive->fingerprint = image_fingerprint(base, FALSE, NULL, error);
            ok = drive->fingerprint != NULL;
        }
        g_free(drive->file);
        drive->file = g_steal_pointer(&name);
        g_free(drive->format);
        drive->format = g_strdup("qcow2");
    }
    for (guint i = 0; !ok && i < made->len; i++)
        g_unlink(made->pdata[i]);
    return ok;
}

/* A machine.ini that could not be brought to disk may have its name all the same: what it names stays. */
void history_remove_layers(const char *bundle, const MachineIni *machine)
{
    g_autofree char *disks = disks_folder(bundle);
    g_autoptr(MachineIni) now = history_read_machine(bundle, NULL);

    for (unsigned i = 0; now && i < machine->disk_count; i++) {
        g_autofree char *path = disk_path(bundle, &machine->disks[i]);
        gboolean named = FALSE;
        for (unsigned k = 0; k < now->disk_count; k++) {
            g_autofree char *other = disk_path(bundle, &now->disks[k]);
            named |= strcmp(path, other) == 0;
        }
        if (!named && !machine->disks[i].read_only && vitrine_is_inside(disks, path))
            g_unlink(path);
    }
}

void history_freeze_layers(const char *bundle, const MachineIni *machine)
{
    for (unsigned i = 0; i < machine->disk_count; i++) {
        g_autofree char *path = disk_path(bundle, &machine->disks[i]);
        if (!machine->disks[i].read_only)
            g_chmod(path, FROZEN_MODE);
    }
}

gboolean history_layers_changed(const char *bundle, const MachineIni *machine)
{
    for (unsigned i = 0; i < machine->disk_count; i++) {
        if (machine->disks[i].read_only)
            continue;
        g_autofree char *path = disk_path(bundle, &machine->disks[i]);
        g_autoptr(Image) image = image_open(path, machine->disks[i].format, IMAGE_OPEN_SHARE, NULL);
        ImageBlockStatus status;
        if (!image)
            return TRUE;
        for (guint64 at = 0, size = image_size(image); at < size; at += status.length)
            if (!image_own_block_status(image, at, size - at, &status, NULL) ||
                status.block != IMAGE_BLOCK_UNALLOCATED)
                return TRUE;
    }
    return FALSE;
}

/* ---- who needs which layer ---- */

typedef struct Layers {
    GHashTable *backing; /* path of a layer → path of what it stands on ("" = nothing) */
    GHashTable *pinned;  /* paths that a node, the present or another machine names */
    GHashTable *foreign; /* those that another machine stands on: also not to be made anew */
} Layers;

static void layers_free(Layers *layers)
{
    if (!layers)
        return;
    g_hash_table_unref(layers->backing);
    g_hash_table_unref(layers->pinned);
    g_hash_table_unref(layers->foreign);
    g_free(layers);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layers, layers_free)

static gboolean pin(Layers *layers, const char *bundle, const MachineIni *machine, GError **error)
{
    for (unsigned i = 0; i < machine->disk_count; i++) {
        g_autofree char *path = vitrine_bundle_path(bundle, machine->disks[i].file);
        char *file = vitrine_find_file(path, error);
        if (!file)
            return FALSE;
        g_hash_table_add(layers->pinned, file);
    }
    return TRUE;
}

static void pin_for_other(const char *machine, const char *base, gpointer data)
{
    Layers *layers = data;

    g_hash_table_add(layers->pinned, g_strdup(base));
    g_hash_table_add(layers->foreign, g_strdup(base));
}

/* NULL with an error when something cannot be read: then nothing may be removed. */
static Layers *read_layers(const char *bundle, const char *without, GError **error)
{
    g_autoptr(Layers) layers = g_new0(Layers, 1);
    g_autofree char *folder = g_build_filename(bundle, "disks", NULL);
    g_autofree char *disks = vitrine_find_file(folder, error);
    g_auto(GStrv) names = disks ? vitrine_list_folder(disks, error) : NULL;

    layers->backing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    layers->pinned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    layers->foreign = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!names)
        return NULL;
    for (guint i = 0; names[i]; i++) {
        if (names[i][0] == '.' || !g_str_has_suffix(names[i], ".qcow2"))
            continue;
        g_autofree char *path = g_build_filename(disks, names[i], NULL);
        g_autoptr(ImageInfo) info = image_read_info(path, "qcow2", error);
        char *base = !info ? NULL : info->backing_path ? vitrine_find_file(info->backing_path, error) : g_strdup("");
        if (!base)
            return NULL;
        g_hash_table_insert(layers->backing, g_steal_pointer(&path), base);
    }
    g_autoptr(MachineIni) machine = history_read_machine(bundle, error);
    g_autoptr(GPtrArray) records = machine ? history_read_all(bundle, without, error) : NULL;
    if (!records || !pin(layers, bundle, machine, error))
        return NULL;
    for (guint i = 0; i < records->len; i++) {
        const HistoryRecord *record = records->pdata[i];
        if (g_strcmp0(record->id, without) != 0 && !pin(layers, bundle, record->machine, error))
            return NULL;
    }
    return vitrine_find_dependents(bundle, disks, pin_for_other, layers, error) ? g_steal_pointer(&layers) : NULL;
}

/* How many layers stand on this one; *child is one of them. */
static guint children_of(const Layers *layers, const char *path, const char **child)
{
    GHashTableIter iter;
    gpointer key, value;
    guint count = 0;

    g_hash_table_iter_init(&iter, layers->backing);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (strcmp(value, path) == 0) {
            *child = key;
            count++;
        }
    }
    return count;
}

static guint64 bytes_on_disk(const char *path)
{
    GStatBuf info;

    return g_stat(path, &info) == 0 ? (guint64)info.st_blocks * 512 : 0;
}

enum step { STEP_NONE, STEP_REMOVE, STEP_MERGE };

/* The next thing to do, leaving out what is in `skip`. */
static enum step next_step(const Layers *layers, GHashTable *skip, const char **path, const char **child)
{
    GHashTableIter iter;
    gpointer key;
    enum step best = STEP_NONE;

    g_hash_table_iter_init(&iter, layers->backing);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const char *one = NULL;
        if (g_hash_table_contains(layers->pinned, key) || g_hash_table_contains(skip, key))
            continue;
        guint count = children_of(layers, key, &one);
        if (count > 1 || (count == 1 && (best != STEP_NONE || g_hash_table_contains(layers->foreign, one))))
            continue;
        best = count ? STEP_MERGE : STEP_REMOVE;
        *path = key;
        *child = one;
        if (best == STEP_REMOVE) /* first what makes others free */
            break;
    }
    return best;
}

/* As if it were done. */
static void apply(Layers *layers, const char *path, const char *child)
{
    if (child)
        g_hash_table_insert(layers->backing, g_strdup(child), g_strdup(g_hash_table_lookup(layers->backing, path)));
    g_hash_table_remove(layers->backing, path);
}

gboolean history_plan_layers(const char *bundle, const char *without, VitrineHistoryPlan *plan, GError **error)
{
    g_autoptr(Layers) layers = read_layers(bundle, without, error);
    g_autoptr(GHashTable) none = g_hash_table_new(g_str_hash, g_str_equal);
    const char *path, *child;
    enum step step;

    if (!layers)
        return FALSE;
    while ((step = next_step(layers, none, &path, &child)) != STEP_NONE) {
        guint64 bytes = bytes_on_disk(path);
        if (step == STEP_REMOVE) {
            plan->freed_bytes += bytes;
        } else {
            guint64 other = bytes_on_disk(child);
            plan->layers_merged++;
            plan->merged_bytes += bytes + other;
            /* What both hold is there once afterwards; how much that is shows only when it is done. */
            plan->freed_bytes += MIN(bytes, other) / 2;
        }
        apply(layers, path, child);
    }
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, layers->backing);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        plan->layers_kept += !g_hash_table_contains(layers->pinned, key);
    plan->seconds = (guint)(plan->merged_bytes / MERGE_BYTES_PER_SECOND) + (plan->layers_merged ? 1 : 0);
    return TRUE;
}

/* `child` takes in the layer below it. */
static gboolean merge(const char *child, gboolean frozen, const ImageJob *job, GError **error)
{
    /* There are file systems that know no modes. */
    gboolean ok = (g_chmod(child, WRITABLE_MODE) == 0 || g_access(child, W_OK) == 0 ||
                   vitrine_set_errno(error, errno, _("The layers of a disk could not be joined"), child)) &&
                  image_merge(child, "qcow2", job, error);

    if (frozen)
        g_chmod(child, FROZEN_MODE);
    return ok;
}

gboolean history_collect_layers(const char *bundle, const ImageJob *job, GError **error)
{
    g_autoptr(Layers) layers = read_layers(bundle, NULL, error);
    g_autoptr(GHashTable) skip = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const char *path, *child, *unused;
    enum step step;

    if (!layers)
        return FALSE;
    while ((step = next_step(layers, skip, &path, &child)) != STEP_NONE) {
        g_autoptr(GError) failure = NULL;
        if (step == STEP_MERGE && !merge(child, children_of(layers, child, &unused) > 0, job, &failure)) {
            if (!g_error_matches(failure, IMAGE_ERROR, IMAGE_ERROR_LOCKED)) {
                g_propagate_error(error, g_steal_pointer(&failure));
                return FALSE;
            }
            g_hash_table_add(skip, g_strdup(path)); /* a running machine uses it: another time */
            continue;
        }
        if (step == STEP_REMOVE) {
            g_autoptr(Image) free_to_go = image_open(path, "qcow2", IMAGE_OPEN_READ_ONLY | IMAGE_OPEN_NO_BACKING, NULL);
            if (!free_to_go) {
                g_hash_table_add(skip, g_strdup(path));
                continue;
            }
        }
        g_unlink(path);
        apply(layers, path, child);
    }
    g_autofree char *disks = disks_folder(bundle);
    return vitrine_sync_folder(disks, error);
}

void history_layer_usage(const char *bundle, const GPtrArray *records, guint index, guint64 *own, guint64 *shared)
{
    const HistoryRecord *record = records->pdata[index];
    g_autofree char *disks = disks_folder(bundle);

    *own = *shared = 0;
    for (unsigned i = 0; record->machine && i < record->machine->disk_count; i++) {
        g_autoptr(GPtrArray) chain = NULL;
        g_autofree char *top = disk_path(bundle, &record->machine->disks[i]);
        guint64 bytes = bytes_on_disk(top);
        gboolean used = FALSE;
        if (!vitrine_is_inside(disks, top))
            continue;
        g_autoptr(GDir) dir = g_dir_open(disks, 0, NULL);
        const char *name;
        while (!used && dir && (name = g_dir_read_name(dir))) {
            g_autofree char *path = g_build_filename(disks, name, NULL);
            g_autoptr(ImageInfo) info = g_str_has_suffix(name, ".qcow2") ? image_read_info(path, "qcow2", NULL) : NULL;
            g_autofree char *base = info && info->backing_path ? canonical(info->backing_path) : NULL;
            used = g_strcmp0(base, top) == 0;
        }
        *(used ? shared : own) += bytes;
        chain = image_chain(top, record->machine->disks[i].format, NULL);
        for (guint k = 1; chain && k < chain->len; k++)
            *shared += ((const ImageInfo *)chain->pdata[k])->disk_usage;
    }
}

/* ---- originals ---- */

/* The first file of the disk's chain that is not this machine's; NULL = none, or the chain cannot be followed. */
static char *find_base(const char *bundle, const struct machine_drive *drive)
{
    g_autofree char *disks = disks_folder(bundle);
    g_autofree char *path = disk_path(bundle, drive);

    for (guint depth = 0; depth < 512 && vitrine_is_inside(disks, path); depth++) {
        g_autoptr(ImageInfo) info = image_read_info(path, depth ? NULL : drive->format, NULL);
        if (!info || !info->backing_path)
            return NULL;
        g_free(path);
        path = canonical(info->backing_path);
    }
    return vitrine_is_inside(disks, path) ? NULL : g_steal_pointer(&path);
}

gboolean history_note_bases(const char *bundle, MachineIni *machine, gboolean *changed, GError **error)
{
    for (unsigned i = 0; i < machine->disk_count; i++) {
        struct machine_drive *drive = &machine->disks[i];
        g_autofree char *path = disk_path(bundle, drive);
        g_autofree char *base = drive->base ? NULL : find_base(bundle, drive);
        /* A disk that is itself outside is written to, or not meant to stay the same. */
        if (!base || strcmp(base, path) == 0)
            continue;
        g_autofree char *fingerprint = image_fingerprint(base, FALSE, NULL, error);
        if (!fingerprint)
            return FALSE;
        drive->base = g_steal_pointer(&base);
        drive->fingerprint = g_steal_pointer(&fingerprint);
        *changed = TRUE;
    }
    return TRUE;
}

void history_problem_free(VitrineHistoryProblem *problem)
{
    if (!problem)
        return;
    g_free(problem->disk);
    g_free(problem->path);
    g_free(problem->found);
    g_free(problem->message);
    g_free(problem);
}

GPtrArray *history_find_problems(const char *bundle, const MachineIni *machine)
{
    GPtrArray *problems = g_ptr_array_new_with_free_func((GDestroyNotify)history_problem_free);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; machine && i < machine->disk_count; i++) {
        const struct machine_drive *drive = &machine->disks[i];
        g_autofree char *found = NULL;
        g_autofree char *sentence = NULL;
        if (!drive->base || !drive->fingerprint || !g_hash_table_add(seen, drive->base))
            continue;
        ImageBaseState state = image_fingerprint_check(drive->base, drive->fingerprint, NULL, &found, &sentence, NULL);
        if (state == IMAGE_BASE_SAME)
            continue;
        VitrineHistoryProblem *problem = g_new0(VitrineHistoryProblem, 1);
        problem->kind = state == IMAGE_BASE_CHANGED ? HISTORY_PROBLEM_CHANGED : HISTORY_PROBLEM_MISSING;
        problem->number = i;
        problem->disk = machine_disk_title(i, machine->disk_count);
        problem->path = g_strdup(drive->base);
        problem->found = g_steal_pointer(&found);
        problem->message = g_steal_pointer(&sentence);
        problem->can_locate = TRUE;
        problem->can_rebase = problem->can_discard = state == IMAGE_BASE_CHANGED;
        g_ptr_array_add(problems, problem);
    }
    return problems;
}

gboolean history_move_base(const char *bundle, const char *from, const char *to, const ImageJob *job, GError **error)
{
    g_autofree char *disks = disks_folder(bundle);
    g_auto(GStrv) names = vitrine_list_folder(disks, error);
    gboolean ok = names != NULL;

    for (guint i = 0; ok && names[i]; i++) {
        g_autofree char *path = g_build_filename(disks, names[i], NULL);
        g_autoptr(ImageInfo) info = names[i][0] != '.' ? image_read_info(path, NULL, NULL) : NULL;
        g_autofree char *base = info && info->backing_path ? canonical(info->backing_path) : NULL;
        GStatBuf before;
        if (g_strcmp0(base, from) != 0 || g_stat(path, &before) != 0)
            continue;
        g_chmod(path, WRITABLE_MODE);
        ok = image_rebase(path, info->format, to, info->backing_format, TRUE, job, error);
        g_chmod(path, before.st_mode & 07777);
    }
    return ok;
}

/* The disks on `path` are noted as on `base` with this fingerprint, in the settings of one node or the present. */
static gboolean renote(MachineIni *machine, const char *path, const char *base, const char *fingerprint)
{
    gboolean any = FALSE;

    for (unsigned i = 0; machine && i < machine->disk_count; i++) {
        struct machine_drive *drive = &machine->disks[i];
        if (g_strcmp0(drive->base, path) != 0)
            continue;
        char *new_base = g_strdup(base), *new_fingerprint = g_strdup(fingerprint);
        g_free(drive->base);
        g_free(drive->fingerprint);
        drive->base = new_base;
        drive->fingerprint = new_fingerprint;
        any = TRUE;
    }
    return any;
}

static gboolean renote_all(const char *bundle, const char *path, const char *base, const char *fingerprint,
                           GError **error)
{
    g_autoptr(GPtrArray) records = history_read(bundle);
    g_autoptr(MachineIni) machine = history_read_machine(bundle, error);
    gboolean ok = machine != NULL;

    for (guint i = 0; ok && i < records->len; i++) {
        HistoryRecord *record = records->pdata[i];
        if (renote(record->machine, path, base, fingerprint))
            ok = history_write_machine(record->folder, record->machine, error);
    }
    if (ok && renote(machine, path, base, fingerprint))
        ok = history_write_machine(bundle, machine, error);
    return ok;
}

/* The disks that stand on the original begin anew on it as it is now; nodes that have the old contents go. */
static gboolean discard(const char *bundle, const char *path, const char *fingerprint, const ImageJob *job,
                        GError **error)
{
    g_autoptr(GPtrArray) records = history_read(bundle);
    g_autoptr(MachineIni) machine = history_read_machine(bundle, error);

    if (!machine)
        return FALSE;
    renote(machine, path, path, fingerprint);
    for (unsigned i = 0; i < machine->disk_count; i++) {
        struct machine_drive *drive = &machine->disks[i];
        if (g_strcmp0(drive->base, path) != 0)
            continue;
        g_autofree char *name = g_strdup_printf("disks/disk%u-%08x.qcow2", i, g_random_int());
        g_autofree char *file = g_build_filename(bundle, name, NULL);
        if (!image_create_overlay(file, path, NULL, error))
            return FALSE;
        g_free(drive->file);
        drive->file = g_steal_pointer(&name);
    }
    g_clear_pointer(&machine->here, g_free);
    g_clear_pointer(&machine->before, g_free);
    g_clear_pointer(&machine->resume, g_free);
    g_clear_pointer(&machine->undo, g_free);
    if (!history_write_machine(bundle, machine, error))
        return FALSE;
    g_autofree char *resume = g_build_filename(bundle, "history", "resume.state", NULL);
    g_unlink(resume);
    gboolean ok = TRUE;
    for (guint i = 0; ok && i < records->len; i++) {
        const HistoryRecord *record = records->pdata[i];
        gboolean stands = FALSE;
        for (unsigned k = 0; record->machine && k < record->machine->disk_count; k++)
            stands |= g_strcmp0(record->machine->disks[k].base, path) == 0;
        if (stands)
            ok = history_delete_node(bundle, record->id, error);
    }
    return ok && history_collect(bundle, job, error);
}

gboolean history_repair(const char *bundle, const char *path, enum history_repair repair, const char *new_path,
                        const ImageJob *job, GError **error)
{
    g_autoptr(MachineIni) machine = history_read_machine(bundle, error);
    const char *fingerprint = NULL;

    for (unsigned i = 0; machine && i < machine->disk_count; i++)
        if (g_strcmp0(machine->disks[i].base, path) == 0)
            fingerprint = machine->disks[i].fingerprint;
    if (!machine)
        return FALSE;
    if (!fingerprint) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND, _("No disk of this machine stands on “%s”."), path);
        return FALSE;
    }
    if (repair == HISTORY_REPAIR_LOCATE) {
        g_autofree char *base = g_canonicalize_filename(new_path, NULL);
        g_autofree char *found = NULL;
        ImageBaseState state = image_fingerprint_check(base, fingerprint, NULL, &found, NULL, job);
        if (state != IMAGE_BASE_SAME) {
            g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID,
                        _("“%s” is not the original that this machine was given: its contents are others. Choose the "
                          "file that was at “%s”."),
                        base, path);
            return FALSE;
        }
        g_autofree char *renewed = image_fingerprint(base, FALSE, job, error);
        return renewed && history_move_base(bundle, path, base, job, error) &&
               renote_all(bundle, path, base, renewed, error);
    }
    g_autofree char *now = image_fingerprint(path, FALSE, job, error);
    if (!now)
        return FALSE;
    return repair == HISTORY_REPAIR_REBASE ? renote_all(bundle, path, path, now, error)
                                           : discard(bundle, path, now, job, error);
}
