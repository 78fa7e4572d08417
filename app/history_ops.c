/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be done with the history of a machine that is off. Each step leaves a tree that can be read. */
#include "app/history_store.h"

#include "app/building.h"
#include "app/dependents.h"
#include "app/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <unistd.h>

static void set_text(char **field, const char *value)
{
    char *copy = g_strdup(value);

    g_free(*field);
    *field = copy;
}

/* ---- copying files ---- */

/* `size`, or -1. */
static ssize_t write_whole(int fd, const char *data, ssize_t size)
{
    for (ssize_t done = 0, n; done < size; done += n) {
        n = write(fd, data + done, (size_t)(size - done));
        if (n < 0 && errno == EINTR)
            n = 0;
        else if (n <= 0)
            return -1;
    }
    return size;
}

/* A copy that shares its blocks where the file system can; a file that is not there is no error. */
static gboolean copy_file(const char *from, const char *to, GError **error)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return errno == ENOENT || vitrine_set_errno(error, errno, _("The file could not be read"), from);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    gboolean ok = out >= 0;
    if (ok && ioctl(out, FICLONE, in) != 0) {
        for (;;) {
            ssize_t n = copy_file_range(in, NULL, out, NULL, 64 << 20, 0);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
                char buffer[65536];
                while ((n = read(in, buffer, sizeof buffer)) > 0 && (n = write_whole(out, buffer, n)) > 0) {
                }
            }
            ok = n >= 0;
            if (n <= 0)
                break;
        }
    }
    ok = ok && fsync(out) == 0;
    int number = errno;
    close(in);
    if (out >= 0)
        close(out);
    return ok || vitrine_set_errno(error, number, _("The file could not be written"), to);
}

static gboolean copy_into(const char *from_folder, const char *name, const char *to_folder, GError **error)
{
    g_autofree char *from = g_build_filename(from_folder, name, NULL);
    g_autofree char *to = g_build_filename(to_folder, name, NULL);

    return copy_file(from, to, error);
}

/* ---- take ---- */

static char *default_name(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();

    return g_date_time_format(now, "%x %X");
}

char *history_take_off(const char *bundle, const char *name, const char *note, enum history_kind kind, GError **error)
{
    g_autoptr(MachineIni) machine = history_read_machine(bundle, error);
    if (!machine || !history_check_space(bundle, HISTORY_NODE_BYTES, error))
        return NULL;
    g_autoptr(HistoryRecord) record = g_new0(HistoryRecord, 1);
    g_autofree char *folder = g_build_filename(bundle, "history", NULL);
    record->id = history_new_id(bundle);
    record->parent = history_here(bundle, machine);
    record->name = name && *name ? g_strdup(name) : default_name();
    record->note = g_strdup(note);
    record->kind = kind;
    record->time = g_get_real_time();
    g_autofree char *building = history_begin_node(bundle, record->id, error);
    gboolean ok = building && history_note_bases(bundle, machine, &(gboolean){FALSE}, error);
    record->machine = ok ? machine_ini_copy(machine) : NULL;

    /* A machine that goes on from a node at its next start has that node's memory. */
    const char *with_ram[] = {"state", "ram", "resume.state"};
    if (ok && machine->resume) {
        g_autofree char *from = g_build_filename(folder, machine->resume, NULL);
        for (unsigned i = 0; ok && i < G_N_ELEMENTS(with_ram); i++)
            ok = copy_into(from, with_ram[i], building, error);
        ok = ok && copy_into(from, "nvram", building, error) && copy_into(from, "thumbnail.png", building, error);
    } else if (ok) {
        ok = copy_into(folder, "resume.state", building, error) && copy_into(bundle, "nvram", building, error) &&
             copy_into(bundle, "thumbnail.png", building, error);
    }

    /* The layers first: from then on nothing writes to what the node holds. */
    g_autoptr(MachineIni) old = ok ? machine_ini_copy(machine) : NULL;
    gboolean layers = ok && history_new_layers(bundle, machine, error);
    if (layers) {
        set_text(&machine->here, record->id);
        set_text(&machine->before, record->parent);
        g_clear_pointer(&machine->undo, g_free);
        ok = history_write_machine(bundle, machine, error);
        if (ok && !history_finish_node(bundle, building, record, error)) {
            ok = FALSE;
            if (!history_write_machine(bundle, old, NULL))
                layers = FALSE; /* they are in use */
        }
        if (!ok && layers)
            history_remove_layers(bundle, machine);
    }
    if (!ok || !layers) {
        history_drop_node(building);
        return NULL;
    }
    history_freeze_layers(bundle, record->machine);
    return g_steal_pointer(&record->id);
}

/* ---- restore ---- */

/* The machine with the node's settings: what belongs to no moment stays as it is `now`. */
static MachineIni *settings_of(const HistoryRecord *record, const MachineIni *now)
{
    MachineIni *machine = machine_ini_copy(record->machine);

    set_text(&machine->name, now->name);
    set_text(&machine->notes, now->notes);
    machine->created = now->created;
    machine->last_used = now->last_used;
    machine->autosave_minutes = now->autosave_minutes;
    machine->autosave_keep = now->autosave_keep;
    return machine;
}

/* Are the settings not those of the node? Which layers its disks are is not one of them. */
static gboolean settings_changed(const HistoryRecord *record, const MachineIni *now)
{
    g_autoptr(MachineIni) then = settings_of(record, now);

    if (then->disk_count != now->disk_count)
        return TRUE;
    then->running = now->running;
    set_text(&then->here, now->here);
    set_text(&then->before, now->before);
    set_text(&then->resume, now->resume);
    set_text(&then->undo, now->undo);
    for (unsigned i = 0; i < now->disk_count; i++) {
        if (now->disks[i].read_only || then->disks[i].read_only)
            continue;
        set_text(&then->disks[i].file, now->disks[i].file);
        set_text(&then->disks[i].format, now->disks[i].format);
        set_text(&then->disks[i].base, now->disks[i].base);
        set_text(&then->disks[i].fingerprint, now->disks[i].fingerprint);
    }
    return !machine_ini_equal(then, now);
}

static gboolean nvram_changed(const char *bundle, const HistoryRecord *record)
{
    g_autofree char *path = g_build_filename(bundle, "nvram", NULL);
    g_autofree char *old_path = g_build_filename(record->folder, "nvram", NULL);
    g_autofree char *now = NULL, *then = NULL;
    gsize size = 0, old_size = 0;

    g_file_get_contents(path, &now, &size, NULL);
    g_file_get_contents(old_path, &then, &old_size, NULL);
    return size != old_size || (size && memcmp(now, then, size) != 0);
}

gboolean history_changed_off(const char *bundle)
{
    g_autoptr(MachineIni) machine = history_read_machine(bundle, NULL);
    g_autofree char *resume = g_build_filename(bundle, "history", "resume.state", NULL);

    if (!machine || g_file_test(resume, G_FILE_TEST_EXISTS))
        return TRUE;
    g_autofree char *here = history_here(bundle, machine);
    g_autoptr(HistoryRecord) record = here ? history_read_one(bundle, here, NULL) : NULL;
    if (!record || !record->machine || settings_changed(record, machine) || history_layers_changed(bundle, machine))
        return TRUE;
    if (machine->resume) /* its battery-backed memory comes with it */
        return strcmp(machine->resume, here) != 0;
    /* A node with memory is not where a machine is that has been running since. */
    return record->has_ram || machine->running || nvram_changed(bundle, record);
}

gboolean history_restore_off(const char *bundle, const char *id, const char *undo, GError **error)
{
    g_autoptr(MachineIni) now = history_read_machine(bundle, error);
    g_autoptr(HistoryRecord) record = now ? history_read_one(bundle, id, error) : NULL;
    if (!record)
        return FALSE;
    if (record->problem || !record->machine) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX, _("The snapshot “%s” cannot be gone back to: %s"),
                    record->name, record->problem ? record->problem : "");
        return FALSE;
    }
    if (!history_check_space(bundle, HISTORY_NODE_BYTES, error))
        return FALSE;
    g_autoptr(MachineIni) machine = settings_of(record, now);
    machine->running = FALSE;
    set_text(&machine->here, id);
    g_clear_pointer(&machine->before, g_free);
    set_text(&machine->resume, id);
    set_text(&machine->undo, undo);
    if (!history_new_layers(bundle, machine, error))
        return FALSE;
    if (!history_write_machine(bundle, machine, error)) {
        history_remove_layers(bundle, machine);
        return FALSE;
    }
    /* What it was going to resume from belongs to the present that was left. */
    g_autofree char *resume = g_build_filename(bundle, "history", "resume.state", NULL);
    g_unlink(resume);
    g_autofree char *thumbnail = g_build_filename(bundle, "thumbnail.png", NULL);
    g_unlink(thumbnail);
    copy_into(record->folder, "thumbnail.png", bundle, NULL);
    return TRUE;
}

/* ---- delete ---- */

gboolean history_delete_node(const char *bundle, const char *id, GError **error)
{
    g_autoptr(GPtrArray) records = history_read(bundle);
    g_autoptr(MachineIni) machine = history_read_machine(bundle, error);
    HistoryRecord *gone = history_find(records, id);

    if (!machine)
        return FALSE;
    if (!gone) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND, _("There is no snapshot “%s” in this history."), id);
        return FALSE;
    }
    gboolean mine = g_strcmp0(machine->resume, id) == 0 && gone->has_ram;
    if (mine) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE,
                    _("The machine goes on from “%s” when it is started next. Start it first, or go back to another "
                      "snapshot."),
                    gone->name);
        return FALSE;
    }
    for (guint i = 0; i < records->len; i++) {
        HistoryRecord *record = records->pdata[i];
        if (g_strcmp0(record->parent, id) != 0)
            continue;
        set_text(&record->parent, gone->parent);
        if (!history_write_record(record, error))
            return FALSE;
    }
    g_autofree char *hidden = g_strdup_printf("%s/history/.old-%s", bundle, id);
    char **places[] = {&machine->here, &machine->before, &machine->undo, &machine->resume};
    gboolean named = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        if (g_strcmp0(*places[i], id) != 0)
            continue;
        named = TRUE;
        set_text(places[i], i < 2 ? gone->parent : NULL);
    }
    if (named && !history_write_machine(bundle, machine, error))
        return FALSE;
    if (g_rename(gone->folder, hidden) != 0)
        return vitrine_set_errno(error, errno, _("The snapshot could not be deleted"), gone->folder);
    g_autofree char *folder = g_build_filename(bundle, "history", NULL);
    return vitrine_sync_folder(folder, error) && vitrine_remove_tree(hidden, error);
}

gboolean history_collect(const char *bundle, const ImageJob *job, GError **error)
{
    g_autoptr(GPtrArray) records = history_read_all(bundle, NULL, error);
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *ram = history_ram_folder(bundle);

    for (guint i = 0; records && i < records->len; i++) {
        g_autofree char *table = g_build_filename(((HistoryRecord *)records->pdata[i])->folder, "ram", NULL);
        if (access(table, F_OK) == 0)
            g_ptr_array_add(tables, g_steal_pointer(&table));
        else if (errno != ENOENT)
            return vitrine_set_errno(error, errno, _("The file could not be read"), table);
    }
    if (!records)
        return FALSE;
    return history_collect_layers(bundle, job, error) &&
           ram_store_collect(ram, tables, job ? job->cancellable : NULL, error);
}

/* ---- branch ---- */

static gboolean branch_disks(const char *bundle, const char *folder, MachineIni *machine, gboolean full_copy,
                             const ImageJob *job, GError **error)
{
    gboolean ok = TRUE;

    for (unsigned i = 0; ok && i < machine->disk_count; i++) {
        struct machine_drive *drive = &machine->disks[i];
        g_autofree char *from = vitrine_bundle_path(bundle, drive->file);
        g_autofree char *name = g_strdup_printf("disks/disk%u.qcow2", i);
        g_autofree char *to = g_build_filename(folder, name, NULL);
        if (drive->read_only && g_path_is_absolute(drive->file))
            continue;
        if (full_copy) {
            ImageConvertOptions options = {0};
            g_autoptr(Image) image = image_open(from, drive->format, IMAGE_OPEN_READ_ONLY, error);
            ok = image && image_convert(image, to, "qcow2", &options, job, error);
            g_clear_pointer(&drive->base, g_free);
            g_clear_pointer(&drive->fingerprint, g_free);
        } else {
            g_autofree char *fingerprint = image_fingerprint(from, FALSE, job, error);
            ok = fingerprint && image_create_overlay(to, from, drive->format, error);
            set_text(&drive->base, from);
            set_text(&drive->fingerprint, fingerprint);
        }
        set_text(&drive->file, name);
        set_text(&drive->format, "qcow2");
    }
    return ok;
}

/* A file that the machine names: one of its own comes along, under the same name; what stands elsewhere is named as before. */
static gboolean branch_file(const char *bundle, const char *folder, char **file, GError **error)
{
    if (!*file)
        return TRUE;
    g_autofree char *named = vitrine_bundle_path(bundle, *file);
    g_autofree char *from = g_canonicalize_filename(named, NULL);
    if (!vitrine_is_inside(bundle, from)) {
        set_text(file, from);
        return TRUE;
    }
    g_autofree char *name = g_strdup(from + strlen(bundle) + 1);
    g_autofree char *to = g_build_filename(folder, name, NULL);
    g_autofree char *place = g_path_get_dirname(to);
    set_text(file, name);
    if (g_mkdir_with_parents(place, 0755) != 0)
        return vitrine_set_errno(error, errno, _("The folder could not be made"), place);
    return g_file_test(to, G_FILE_TEST_EXISTS) || (copy_file(from, to, error) && vitrine_sync_folder(place, error));
}

static gboolean branch_files(const char *bundle, const char *folder, MachineIni *machine, GError **error)
{
    char **const files[] = {&machine->cdrom.file, &machine->floppy.file, &machine->kernel, &machine->initrd,
                            &machine->firmware};
    gboolean ok = TRUE;

    for (unsigned i = 0; ok && i < G_N_ELEMENTS(files); i++)
        ok = branch_file(bundle, folder, files[i], error);
    return ok;
}

/* The memory of the node with the packs that it needs. */
static gboolean branch_memory(const char *bundle, const HistoryRecord *from, const char *folder, const char *node,
                              GError **error)
{
    static const char *const files[] = {"state", "resume.state", "nvram", "thumbnail.png", "ram"};
    g_autofree char *table_path = g_build_filename(from->folder, "ram", NULL);
    g_autofree char *packs = history_ram_folder(bundle);
    g_autofree char *new_packs = history_ram_folder(folder);

    for (guint i = 0; i < G_N_ELEMENTS(files); i++)
        if (!copy_into(from->folder, files[i], node, error))
            return FALSE;
    if (!g_file_test(table_path, G_FILE_TEST_EXISTS))
        return TRUE;
    g_autoptr(RamTable) table = ram_table_read(table_path, error);
    if (!table)
        return FALSE;
    if (g_mkdir_with_parents(new_packs, 0755) != 0)
        return vitrine_set_errno(error, errno, _("The folder could not be made"), new_packs);
    for (guint i = 0; i < table->packs->len; i++) {
        g_autofree char *name = g_strconcat(table->packs->pdata[i], ".pack", NULL);
        g_autofree char *a = g_build_filename(packs, name, NULL);
        g_autofree char *b = g_build_filename(new_packs, name, NULL);
        /* Packs never change: one file under two names. */
        if (link(a, b) != 0 && !copy_file(a, b, error))
            return FALSE;
    }
    return TRUE;
}

char *history_branch_off(const char *bundle, const char *id, const char *machine_name, gboolean full_copy,
                         const ImageJob *job, GError **error)
{
    g_autofree char *library = g_path_get_dirname(bundle);
    g_autofree char *folder = vitrine_bundle_new_folder(library, machine_name, error);
    g_autoptr(HistoryRecord) from = folder ? history_read_one(bundle, id, error) : NULL;
    if (!from)
        return NULL;
    if (from->problem || !from->machine) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX, _("The snapshot “%s” cannot be branched: %s"),
                    from->name, from->problem);
        return NULL;
    }
    g_autoptr(VitrineBuilding) building = vitrine_building_new(library, VITRINE_BUILDING_MACHINE, error);
    if (!building)
        return NULL;
    g_autofree char *disks = g_build_filename(building->path, "disks", NULL);
    g_autoptr(HistoryRecord) start = g_new0(HistoryRecord, 1);
    gboolean ok = g_mkdir(disks, 0755) == 0 || vitrine_set_errno(error, errno, _("The folder could not be made"), disks);
    start->id = history_new_id(building->path);
    start->name = g_strdup_printf(_("Branch of “%s”"), from->name);
    start->kind = HISTORY_START;
    start->time = g_get_real_time();
    start->machine = machine_ini_copy(from->machine);
    set_text(&start->machine->name, machine_name);
    g_clear_pointer(&start->machine->here, g_free);
    g_clear_pointer(&start->machine->before, g_free);
    g_clear_pointer(&start->machine->resume, g_free);
    g_clear_pointer(&start->machine->undo, g_free);
    start->machine->running = FALSE;
    start->machine->created = g_get_real_time() / G_USEC_PER_SEC;
    start->machine->last_used = 0;
    g_autofree char *node = ok ? history_begin_node(building->path, start->id, error) : NULL;
    ok = node && branch_disks(bundle, building->path, start->machine, full_copy, job, error) &&
         branch_files(bundle, building->path, start->machine, error) &&
         branch_memory(bundle, from, building->path, node, error) &&
         history_finish_node(building->path, node, start, error);
    g_autoptr(MachineIni) machine = ok ? machine_ini_copy(start->machine) : NULL;
    if (ok) {
        history_freeze_layers(building->path, start->machine);
        set_text(&machine->here, start->id);
        set_text(&machine->resume, start->id);
        ok = history_new_layers(building->path, machine, error) &&
             copy_into(from->folder, "thumbnail.png", building->path, error) &&
             history_write_machine(building->path, machine, error) && vitrine_building_finish(building, folder, error);
    }
    return ok ? g_steal_pointer(&folder) : NULL;
}

/* ---- looking after nodes ---- */

static gboolean check_disk(const char *path, const char *format, gboolean deep, GCancellable *cancellable,
                           GError **error)
{
    g_autoptr(GPtrArray) chain = image_chain(path, format, error);
    ImageJob job = {cancellable, NULL, NULL};

    if (!chain)
        return FALSE;
    for (guint i = 0; deep && i < chain->len; i++) {
        const ImageInfo *info = chain->pdata[i];
        g_autoptr(Image) image =
            image_open(info->path, info->format, IMAGE_OPEN_SHARE | IMAGE_OPEN_NO_BACKING | IMAGE_OPEN_FOR_CHECK, error);
        g_autoptr(ImageCheck) check = image ? image_check(image, IMAGE_REPAIR_NONE, &job, error) : NULL;
        if (!check)
            return FALSE;
        if (check->corruptions || check->errors) {
            g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
                        _("The disk image “%s” is damaged. “vitrine image check --repair” may help."), info->path);
            return FALSE;
        }
    }
    return TRUE;
}

enum history_health history_check_node(const char *bundle, const HistoryRecord *record, gboolean deep,
                                       GCancellable *cancellable, char **message)
{
    g_autofree char *table_path = g_build_filename(record->folder, "ram", NULL);
    g_autofree char *packs = history_ram_folder(bundle);
    g_autoptr(GError) error = NULL;
    gboolean ok = TRUE;

    *message = NULL;
    if (record->problem || !record->machine) {
        *message = g_strdup(record->problem);
        return HISTORY_HEALTH_BROKEN;
    }
    for (unsigned i = 0; ok && i < record->machine->disk_count; i++) {
        const struct machine_drive *drive = &record->machine->disks[i];
        g_autofree char *path = vitrine_bundle_path(bundle, drive->file);
        ok = check_disk(path, drive->format, deep, cancellable, &error);
    }
    if (ok && g_file_test(table_path, G_FILE_TEST_EXISTS)) {
        g_autoptr(RamTable) table = ram_table_read(table_path, &error);
        ok = table && ram_table_check(table, packs, deep, cancellable, &error);
    }
    if (!ok) {
        *message = g_strdup(error->message);
        return HISTORY_HEALTH_BROKEN;
    }
    g_autoptr(GPtrArray) problems = history_find_problems(bundle, record->machine);
    if (!problems->len)
        return HISTORY_HEALTH_GOOD;
    *message = g_strdup(((VitrineHistoryProblem *)problems->pdata[0])->message);
    return HISTORY_HEALTH_WARNING;
}

void vitrine_history_comparison_free(VitrineHistoryComparison *comparison)
{
    if (!comparison)
        return;
    g_ptr_array_unref(comparison->settings);
    g_ptr_array_unref(comparison->disks);
    g_free(comparison);
}

static void difference_free(gpointer data)
{
    g_free(((struct history_disk_difference *)data)->disk);
    g_free(data);
}

static void compare_text(GPtrArray *out, const char *what, const char *a, const char *b)
{
    if (g_strcmp0(a, b) != 0)
        g_ptr_array_add(out, g_strdup_printf(_("%s: %s, then %s"), what, a ? a : _("none"), b ? b : _("none")));
}

static void compare_settings(GPtrArray *out, const MachineIni *a, const MachineIni *b)
{
    g_autofree char *ram_a = g_strdup_printf("%u MiB", a->ram_mib);
    g_autofree char *ram_b = g_strdup_printf("%u MiB", b->ram_mib);

    compare_text(out, _("Memory"), ram_a, ram_b);
    compare_text(out, _("Display"), a->display, b->display);
    compare_text(out, _("Network"), a->network ? _("on") : _("off"), b->network ? _("on") : _("off"));
    compare_text(out, _("Sound"), a->audio ? _("on") : _("off"), b->audio ? _("on") : _("off"));
    compare_text(out, _("CD-ROM"), a->cdrom.file, b->cdrom.file);
    compare_text(out, _("Floppy"), a->floppy.file, b->floppy.file);
    compare_text(out, _("Kernel"), a->kernel, b->kernel);
    compare_text(out, _("Boot device"), a->boot, b->boot);
}

#define COMPARE_PIECE 65536
static gboolean compare_disk(const char *bundle, const struct machine_drive *a, const struct machine_drive *b,
                             struct history_disk_difference *out, const ImageJob *job, GError **error)
{
    g_autofree char *path_a = a ? vitrine_bundle_path(bundle, a->file) : NULL;
    g_autofree char *path_b = b ? vitrine_bundle_path(bundle, b->file) : NULL;
    g_autoptr(Image) x = a ? image_open(path_a, a->format, IMAGE_OPEN_SHARE, error) : NULL;
    g_autoptr(Image) y = b && (x || !a) ? image_open(path_b, b->format, IMAGE_OPEN_SHARE, error) : NULL;
    g_autofree guint8 *p = g_malloc(COMPARE_PIECE), *q = g_malloc(COMPARE_PIECE);

    if ((a && !x) || (b && !y))
        return FALSE;
    out->size_a = x ? image_size(x) : 0;
    out->size_b = y ? image_size(y) : 0;
    guint64 common = MIN(out->size_a, out->size_b), total = MAX(out->size_a, out->size_b);
    out->differing_bytes = total - common;
    if (x && y && strcmp(path_a, path_b) == 0)
        return TRUE;
    for (guint64 at = 0; at < common; at += COMPARE_PIECE) {
        gsize length = (gsize)MIN(COMPARE_PIECE, common - at);
        ImageBlockStatus s, t;
        if (job && g_cancellable_set_error_if_cancelled(job->cancellable, error))
            return FALSE;
        if (!image_block_status(x, at, common - at, &s, error) || !image_block_status(y, at, common - at, &t, error))
            return FALSE;
        if (s.block != IMAGE_BLOCK_DATA && t.block != IMAGE_BLOCK_DATA) {
            guint64 both = MIN(s.length, t.length) / COMPARE_PIECE;
            at += both > 1 ? (both - 1) * COMPARE_PIECE : 0;
            continue;
        }
        if (!image_pread(x, at, p, length, error) || !image_pread(y, at, q, length, error))
            return FALSE;
        if (memcmp(p, q, length) != 0)
            out->differing_bytes += length;
        if (job && job->progress)
            job->progress(at, common, job->user_data);
    }
    return TRUE;
}

/* NULL: it has no memory, or none that can be read. */
static RamTable *read_table(const HistoryRecord *record)
{
    g_autofree char *path = record->has_ram && record->folder ? g_build_filename(record->folder, "ram", NULL) : NULL;

    return path ? ram_table_read(path, NULL) : NULL;
}

VitrineHistoryComparison *history_compare(const char *bundle, const char *a, const char *b, const ImageJob *job,
                                          GError **error)
{
    const char *const ids[2] = {a, b};
    g_autoptr(HistoryRecord) first = NULL;
    g_autoptr(HistoryRecord) second = NULL;
    HistoryRecord *records[2] = {NULL, NULL};

    for (guint i = 0; i < 2; i++) {
        if (ids[i]) {
            records[i] = history_read_one(bundle, ids[i], error);
        } else {
            records[i] = g_new0(HistoryRecord, 1);
            records[i]->machine = history_read_machine(bundle, error);
        }
        *(i ? &second : &first) = records[i];
        if (!records[i] || !records[i]->machine) {
            if (error && !*error)
                g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX, "%s", records[i]->problem);
            return NULL;
        }
    }
    g_autoptr(VitrineHistoryComparison) out = g_new0(VitrineHistoryComparison, 1);
    out->settings = g_ptr_array_new_with_free_func(g_free);
    out->disks = g_ptr_array_new_with_free_func(difference_free);
    compare_settings(out->settings, first->machine, second->machine);
    g_autoptr(RamTable) first_table = read_table(first);
    g_autoptr(RamTable) second_table = read_table(second);
    if (first_table && second_table)
        ram_table_compare(first_table, second_table, &out->ram_pages_differing, &out->ram_pages);
    const unsigned disk_count = MAX(first->machine->disk_count, second->machine->disk_count);
    for (unsigned i = 0; i < disk_count; i++) {
        struct history_disk_difference *d = g_new0(struct history_disk_difference, 1);
        d->number = i;
        d->disk = machine_disk_title(i, disk_count);
        g_ptr_array_add(out->disks, d);
        if (!compare_disk(bundle, i < first->machine->disk_count ? &first->machine->disks[i] : NULL,
                          i < second->machine->disk_count ? &second->machine->disks[i] : NULL, d, job, error))
            return NULL;
    }
    return g_steal_pointer(&out);
}
