/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machine bundles: the folder, its lock and its crash-safe changes. */
#include "app/bundle.h"

#include "app/building.h"
#include "app/dependents.h"
#include "app/i18n.h"
#include "images/images.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a machine is open for, as a word in the file that is locked. */
enum use { USE_RUN, USE_CHANGE, USE_EXPORT, N_USES };
static const char *const use_words[] = {[USE_RUN] = "run", [USE_CHANGE] = "change", [USE_EXPORT] = "export"};

struct _VitrineBundle {
    GObject parent;
    char *folder;
    char *name;
    char *hidden_from; /* the folder's path before vitrine_bundle_hide() */
    MachineIni *machine;
    char *problem;
    enum bundle_state state;
    int lock_fd; /* -1: not ours */
    enum use use; /* what it is locked for */
};

G_DEFINE_FINAL_TYPE(VitrineBundle, vitrine_bundle, G_TYPE_OBJECT)

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void vitrine_bundle_finalize(GObject *object)
{
    VitrineBundle *self = VITRINE_BUNDLE(object);

    vitrine_bundle_unlock(self);
    machine_ini_free(self->machine);
    g_free(self->folder);
    g_free(self->name);
    g_free(self->hidden_from);
    g_free(self->problem);
    G_OBJECT_CLASS(vitrine_bundle_parent_class)->finalize(object);
}

static void vitrine_bundle_class_init(VitrineBundleClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = vitrine_bundle_finalize;
    signals[CHANGED] = g_signal_new("changed", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
}

static void vitrine_bundle_init(VitrineBundle *self)
{
    self->lock_fd = -1;
}

char *vitrine_machines_folder(void)
{
    return g_build_filename(g_get_user_data_dir(), "vitrine", "machines", NULL);
}

char *vitrine_bundle_path(const char *folder, const char *file)
{
    return g_path_is_absolute(file) ? g_strdup(file) : g_build_filename(folder, file, NULL);
}

/* ---- crash-safe writing ---- */

gboolean vitrine_set_errno(GError **error, int number, const char *what, const char *path)
{
    g_autofree char *shown = g_filename_display_name(path);
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(number), _("%s (%s: %s)."), what, shown,
                g_strerror(number));
    return FALSE;
}

gboolean vitrine_sync_folder(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* A file system that cannot fsync a folder (EINVAL) orders its changes itself. */
    gboolean ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    int number = errno;

    if (fd >= 0)
        close(fd);
    return ok || vitrine_set_errno(error, number, _("The folder could not be brought to disk"), path);
}

char **vitrine_list_folder(const char *path, GError **error)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    DIR *dir = opendir(path);
    const struct dirent *entry;

    if (!dir && errno != ENOENT && errno != ENOTDIR) {
        vitrine_set_errno(error, errno, _("The folder could not be read"), path);
        return NULL;
    }
    while (dir && (errno = 0, entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            g_strv_builder_add(names, entry->d_name);
    int number = dir ? errno : 0;
    if (dir)
        closedir(dir);
    if (number) {
        vitrine_set_errno(error, number, _("The folder could not be read"), path);
        return NULL;
    }
    return g_strv_builder_end(names);
}

gboolean vitrine_write_file(const char *path, const void *data, gsize size, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0644);

    if (fd < 0)
        return vitrine_set_errno(error, errno, _("The file could not be written"), path);
    const char *p = data;
    gsize left = size;
    gboolean ok = TRUE;
    while (ok && left > 0) {
        gssize n = write(fd, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        ok = n > 0;
        if (ok) {
            p += n;
            left -= (gsize)n;
        }
    }
    ok = ok && fsync(fd) == 0;
    int number = errno;
    if (close(fd) != 0 && ok) {
        ok = FALSE;
        number = errno;
    }
    if (ok && g_rename(temporary, path) != 0) {
        ok = FALSE;
        number = errno;
    }
    if (!ok) {
        g_unlink(temporary);
        return vitrine_set_errno(error, number, _("The file could not be written"), path);
    }
    return vitrine_sync_folder(folder, error);
}

gboolean vitrine_remove_tree(const char *path, GError **error)
{
    GStatBuf info;

    if (g_lstat(path, &info) != 0)
        return errno == ENOENT || vitrine_set_errno(error, errno, _("The machine could not be deleted"), path);
    if (S_ISDIR(info.st_mode)) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, error);
        const char *name;
        if (!dir)
            return FALSE;
        while ((name = g_dir_read_name(dir))) {
            g_autofree char *child = g_build_filename(path, name, NULL);
            if (!vitrine_remove_tree(child, error))
                return FALSE;
        }
    }
    if (g_remove(path) != 0 && errno != ENOENT)
        return vitrine_set_errno(error, errno, _("The machine could not be deleted"), path);
    return TRUE;
}

/* ---- reading ---- */

/* What somebody else has it open for; N_USES: nobody has. */
static enum use use_of_another(VitrineBundle *self)
{
    g_autofree char *lock = g_build_filename(self->folder, "lock", NULL);
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return N_USES;
    struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    gboolean held = fcntl(fd, F_OFD_GETLK, &wanted) == 0 && wanted.l_type != F_UNLCK;
    char word[16] = "";
    gssize length = held ? pread(fd, word, sizeof(word) - 1, 0) : 0;
    close(fd);
    if (!held)
        return N_USES;
    for (enum use use = USE_RUN; length > 0 && use < N_USES; use++) {
        if (strcmp(word, use_words[use]) == 0)
            return use;
    }
    return USE_RUN;
}

/* FALSE, with a sentence: what was wanted cannot be done for what it is used for. */
static gboolean refuse_in_use(VitrineBundle *self, enum use use, gboolean deleting, GError **error)
{
    switch (use) {
    case USE_EXPORT:
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE, _("“%s” is being exported. Wait until that is done."),
                    self->name);
        break;
    case USE_CHANGE:
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE,
                    _("The history of “%s” is being changed. Wait until that is done."), self->name);
        break;
    case USE_RUN:
    case N_USES: /* it has just been closed */
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE,
                    deleting             ? _("“%s” is running. Power it off before deleting it.")
                    : self->lock_fd >= 0 ? _("“%s” is running already.")
                                         : _("“%s” is running already, in another window or program. Close it there "
                                             "first."),
                    self->name);
        break;
    }
    return FALSE;
}

gboolean vitrine_bundle_is_saved(VitrineBundle *self)
{
    if (!self->machine)
        return FALSE;
    g_autofree char *resume = vitrine_bundle_resume_state(self);
    if (g_file_test(resume, G_FILE_TEST_EXISTS))
        return TRUE;
    static const char *const memory[] = {"state", "resume.state"};
    for (unsigned i = 0; self->machine->resume && i < G_N_ELEMENTS(memory); i++) {
        g_autofree char *node = g_build_filename(self->folder, "history", self->machine->resume, memory[i], NULL);
        if (g_file_test(node, G_FILE_TEST_EXISTS))
            return TRUE;
    }
    return FALSE;
}

static enum bundle_state look_at_state(VitrineBundle *self)
{
    if (!self->machine)
        return BUNDLE_BROKEN;
    gboolean ours = self->lock_fd >= 0;
    switch (ours ? self->use : use_of_another(self)) {
    case USE_RUN: return BUNDLE_RUNNING;
    case USE_EXPORT: return BUNDLE_EXPORTING;
    case USE_CHANGE:
        if (!ours)
            return BUNDLE_CHANGING;
        break;
    case N_USES: break;
    }
    return vitrine_bundle_is_saved(self) ? BUNDLE_SAVED : BUNDLE_OFF;
}

static MachineIni *read_machine(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "machine.ini", NULL);
    g_autofree char *data = NULL;
    GStatBuf info;
    gsize size;

    if (g_stat(path, &info) == 0 && (!S_ISREG(info.st_mode) || info.st_size > MACHINE_MAX_FILE)) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX,
                    _("The machine's description is too long to be one."));
        return NULL;
    }
    if (!g_file_get_contents(path, &data, &size, error))
        return NULL;
    return machine_ini_parse(data, size, error);
}

void vitrine_bundle_refresh(VitrineBundle *self)
{
    g_autoptr(GError) error = NULL;
    MachineIni *machine = read_machine(self->folder, &error);

    machine_ini_free(self->machine);
    self->machine = machine;
    g_free(self->problem);
    self->problem = machine ? NULL : g_strdup(error->message);
    g_free(self->name);
    if (machine) {
        self->name = g_strdup(machine->name);
    } else {
        g_autofree char *base = g_path_get_basename(self->folder);
        self->name = g_filename_display_name(base);
    }
    self->state = look_at_state(self);
    g_signal_emit(self, signals[CHANGED], 0);
}

VitrineBundle *vitrine_bundle_new(const char *folder)
{
    VitrineBundle *self = g_object_new(VITRINE_TYPE_BUNDLE, NULL);

    self->folder = g_canonicalize_filename(folder, NULL);
    vitrine_bundle_refresh(self);
    return self;
}

const char *vitrine_bundle_get_folder(VitrineBundle *self)
{
    return self->folder;
}

const char *vitrine_bundle_get_name(VitrineBundle *self)
{
    return self->name;
}

const MachineIni *vitrine_bundle_get_machine(VitrineBundle *self)
{
    return self->machine;
}

enum bundle_state vitrine_bundle_get_state(VitrineBundle *self)
{
    return self->state;
}

const char *vitrine_bundle_get_problem(VitrineBundle *self)
{
    return self->problem;
}

gboolean vitrine_bundle_is_open(VitrineBundle *self)
{
    return self->state == BUNDLE_RUNNING || self->state == BUNDLE_EXPORTING || self->state == BUNDLE_CHANGING;
}

const char *vitrine_bundle_state_id(enum bundle_state state)
{
    static const char *const ids[] = {[BUNDLE_OFF] = "off",
                                      [BUNDLE_SAVED] = "saved",
                                      [BUNDLE_RUNNING] = "running",
                                      [BUNDLE_EXPORTING] = "exporting",
                                      [BUNDLE_CHANGING] = "changing",
                                      [BUNDLE_BROKEN] = "broken"};

    return ids[state];
}

char *vitrine_bundle_thumbnail(VitrineBundle *self)
{
    return g_build_filename(self->folder, "thumbnail.png", NULL);
}

char *vitrine_bundle_resume_state(VitrineBundle *self)
{
    return g_build_filename(self->folder, "history", "resume.state", NULL);
}

/* ---- writing ---- */

static gboolean write_machine(const char *folder, const MachineIni *machine, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "machine.ini", NULL);
    gsize size;
    g_autofree char *data = machine_ini_format_to_write(machine, &size, error);

    return data && vitrine_write_file(path, data, size, error);
}

gboolean vitrine_bundle_save(VitrineBundle *self, const MachineIni *machine, GError **error)
{
    if (!vitrine_bundle_is_in_place(self, error) || !write_machine(self->folder, machine, error))
        return FALSE;
    vitrine_bundle_refresh(self);
    return TRUE;
}

/* An original that a machine stands on may not be written any more; whoever owns it can undo that. */
static void protect(const char *path)
{
    GStatBuf info;

    if (g_stat(path, &info) == 0 && S_ISREG(info.st_mode))
        g_chmod(path, info.st_mode & 07555);
}

gboolean vitrine_bundle_add_disk(const char *folder, MachineIni *machine, const struct bundle_disk *disk,
                                 GCancellable *cancellable, GError **error)
{
    g_autofree char *name = NULL;
    g_autofree char *path = NULL;
    g_autofree char *base = NULL;
    g_autofree char *fingerprint = NULL;
    ImageCreateOptions options = {0};

    for (unsigned i = machine->disk_count;; i++) {
        name = g_strdup_printf("disks/disk%u.qcow2", i);
        path = g_build_filename(folder, name, NULL);
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            break;
        g_clear_pointer(&name, g_free);
        g_clear_pointer(&path, g_free);
    }
    if (!disk->file) {
        options.size = (disk->size + 511) & ~G_GUINT64_CONSTANT(511);
        if (!image_create(path, "qcow2", &options, error))
            return FALSE;
    } else {
        g_autofree char *original = g_canonicalize_filename(disk->file, NULL);
        const char *format = image_probe(original, error);
        if (!format)
            return FALSE;
        if (disk->copy) {
            g_autoptr(Image) source = image_open(original, format, IMAGE_OPEN_READ_ONLY, error);
            ImageConvertOptions convert = {0};
            ImageJob job = {cancellable, NULL, NULL};
            if (!source || !image_convert(source, path, "qcow2", &convert, &job, error))
                return FALSE;
        } else {
            if (!image_create_overlay(path, original, format, error))
                return FALSE;
            base = g_steal_pointer(&original);
            fingerprint = image_fingerprint(base, FALSE, NULL, error);
            if (!fingerprint)
                return FALSE;
            protect(base);
        }
    }
    struct machine_drive *drive = machine_ini_add_disk(machine, name, "qcow2", disk->unit, FALSE, error);
    if (!drive)
        return FALSE;
    drive->base = g_steal_pointer(&base);
    drive->fingerprint = g_steal_pointer(&fingerprint);
    return TRUE;
}

gboolean vitrine_bundle_name_is_free(const char *machines_folder, const char *name, const char *own, GError **error)
{
    if (!machine_ini_name_is_valid(name, error))
        return FALSE;
    /* A machine that was renamed stays in its folder; one that cannot be read is called as its folder is. */
    g_autoptr(GDir) dir = g_dir_open(machines_folder, 0, NULL);
    for (const char *entry; dir && (entry = g_dir_read_name(dir));) {
        g_autofree char *folder = g_build_filename(machines_folder, entry, NULL);
        if (*entry == '.' || g_strcmp0(folder, own) == 0)
            continue;
        g_autoptr(MachineIni) machine = read_machine(folder, NULL);
        if (strcmp(machine ? machine->name : entry, name) == 0) {
            g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_EXISTS,
                        _("There is a machine named “%s” already. Please choose another name."), name);
            return FALSE;
        }
    }
    return TRUE;
}

char *vitrine_bundle_new_folder(const char *machines_folder, const char *name, GError **error)
{
    if (!vitrine_bundle_name_is_free(machines_folder, name, NULL, error))
        return NULL;
    g_autofree char *folder = g_build_filename(machines_folder, name, NULL);
    for (unsigned number = 2; g_file_test(folder, G_FILE_TEST_EXISTS); number++) {
        g_autofree char *numbered = g_strdup_printf("%s-%u", name, number);
        g_free(folder);
        folder = g_build_filename(machines_folder, numbered, NULL);
    }
    return g_steal_pointer(&folder);
}

VitrineBundle *vitrine_bundle_create(const char *machines_folder, const MachineIni *wanted,
                                     const struct bundle_disk *disks, guint disk_count,
                                     GCancellable *cancellable, GError **error)
{
    if (!machine_ini_check_files(wanted, error))
        return NULL;
    g_autoptr(MachineIni) machine = machine_ini_copy(wanted);
    g_autofree char *folder = vitrine_bundle_new_folder(machines_folder, wanted->name, error);

    if (!folder)
        return NULL;
    if (!machine) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID,
                    _("The machine's description has an impossible value."));
        return NULL;
    }
    g_autoptr(VitrineBuilding) building = vitrine_building_new(machines_folder, VITRINE_BUILDING_MACHINE, error);
    if (!building)
        return NULL;

    g_autofree char *disks_folder = g_build_filename(building->path, "disks", NULL);
    g_autofree char *history_folder = g_build_filename(building->path, "history", NULL);
    gboolean ok = TRUE;
    if (g_mkdir(disks_folder, 0755) != 0 || g_mkdir(history_folder, 0755) != 0)
        ok = vitrine_set_errno(error, errno, _("The folder could not be made"), building->path);
    for (guint i = 0; ok && i < disk_count; i++)
        ok = vitrine_bundle_add_disk(building->path, machine, &disks[i], cancellable, error);
    if (ok) {
        machine->created = g_get_real_time() / G_USEC_PER_SEC;
        ok = write_machine(building->path, machine, error) && vitrine_building_finish(building, folder, error);
    }
    return ok ? vitrine_bundle_new(folder) : NULL;
}

/* ---- lock ---- */

static gboolean is_file_at(int fd, const char *path)
{
    GStatBuf ours, there;

    return fstat(fd, &ours) == 0 && g_stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

static gboolean lock(VitrineBundle *self, enum use use, GError **error)
{
    if (self->lock_fd >= 0)
        return refuse_in_use(self, self->use, FALSE, error);
    g_autofree char *path = g_build_filename(self->folder, "lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return vitrine_set_errno(error, errno, _("The machine's lock could not be opened"), path);
    struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &wanted) != 0) {
        close(fd);
        return refuse_in_use(self, use_of_another(self), FALSE, error);
    }
    /* It may have been deleted or moved since the file was opened. */
    if (!is_file_at(fd, path)) {
        close(fd);
        return vitrine_set_errno(error, ENOENT, _("The machine is not there any more"), self->folder);
    }
    /* A disk that is full leaves no word, which is read as that of a run. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, use_words[use], strlen(use_words[use]), 0) < 0)
        g_debug("%s: %s", path, g_strerror(errno));
    self->lock_fd = fd;
    self->use = use;
    vitrine_bundle_refresh(self);
    return TRUE;
}

gboolean vitrine_bundle_lock(VitrineBundle *self, GError **error)
{
    return lock(self, USE_RUN, error);
}

gboolean vitrine_bundle_lock_for_change(VitrineBundle *self, GError **error)
{
    return lock(self, USE_CHANGE, error);
}

gboolean vitrine_bundle_lock_for_export(VitrineBundle *self, GError **error)
{
    return lock(self, USE_EXPORT, error);
}

gboolean vitrine_bundle_is_in_place(VitrineBundle *self, GError **error)
{
    g_autofree char *path = g_build_filename(self->folder, "lock", NULL);
    g_autofree char *shown = g_filename_display_name(self->folder);

    if (self->lock_fd < 0 || is_file_at(self->lock_fd, path))
        return TRUE;
    g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND,
                _("The machine's folder “%s” has been moved or replaced while the machine is open. Put it back and try again."),
                shown);
    return FALSE;
}

void vitrine_bundle_unlock(VitrineBundle *self)
{
    if (self->lock_fd < 0)
        return;
    close(self->lock_fd);
    self->lock_fd = -1;
    if (G_OBJECT(self)->ref_count > 0)
        vitrine_bundle_refresh(self);
}

/* ---- deleting ---- */

static gboolean may_go(VitrineBundle *self, GError **error)
{
    enum use use = self->lock_fd >= 0 ? self->use : use_of_another(self);

    return use == N_USES || refuse_in_use(self, use, TRUE, error);
}

/* One that is deleted itself, or is not whole, does not keep this one. */
static void note_dependent(const char *machine, const char *base, gpointer data)
{
    g_autofree char *folder = g_path_get_basename(machine);

    if (folder[0] != '.')
        g_hash_table_add(data, g_strdup(machine));
}

static gboolean nobody_stands_on(VitrineBundle *self, GError **error)
{
    g_autoptr(GHashTable) machines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *real = vitrine_find_file(self->folder, error);

    if (!real || !vitrine_find_dependents(self->folder, real, note_dependent, machines, error))
        return FALSE;
    g_autoptr(GList) folders = g_list_sort(g_hash_table_get_keys(machines), (GCompareFunc)strcmp);
    g_autoptr(GString) names = g_string_new(NULL);
    for (GList *l = folders; l; l = l->next) {
        g_autoptr(VitrineBundle) other = vitrine_bundle_new(l->data);
        g_string_append_printf(names, "%s“%s”", names->len ? ", " : "", other->name);
    }
    if (!folders)
        return TRUE;
    g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE,
                _("“%s” cannot be deleted, because the disks of %s stand on it. Delete what stands on it first; what shall "
                  "stay, branch off from it as a full copy."),
                self->name, names->str);
    return FALSE;
}

gboolean vitrine_bundle_delete(VitrineBundle *self, GError **error)
{
    /* First out of sight in one step: a crash in the middle leaves no half machine in the library. */
    if (!self->hidden_from && !vitrine_bundle_hide(self, error))
        return FALSE;
    return may_go(self, error) && vitrine_remove_tree(self->folder, error);
}

gboolean vitrine_bundle_hide(VitrineBundle *self, GError **error)
{
    g_autoptr(GError) no_lock = NULL;

    if (!may_go(self, error))
        return FALSE;
    /* Nobody starts it, or branches off from it, meanwhile. One in which no lock can be made can be started by nobody. */
    if (!vitrine_bundle_lock_for_change(self, &no_lock) &&
        g_error_matches(no_lock, MACHINE_ERROR, MACHINE_ERROR_IN_USE)) {
        g_propagate_error(error, g_steal_pointer(&no_lock));
        return FALSE;
    }
    g_autofree char *parent = g_path_get_dirname(self->folder);
    g_autofree char *base = g_path_get_basename(self->folder);
    g_autofree char *hidden =
        g_strdup_printf("%s/" VITRINE_DELETED_PREFIX "%" G_GINT64_FORMAT "-%s", parent, g_get_real_time(), base);
    gboolean ok = nobody_stands_on(self, error);
    if (ok && g_rename(self->folder, hidden) != 0)
        ok = vitrine_set_errno(error, errno, _("The machine could not be deleted"), self->folder);
    if (ok) {
        self->hidden_from = self->folder;
        self->folder = g_steal_pointer(&hidden);
    }
    vitrine_bundle_unlock(self);
    return ok;
}

gboolean vitrine_bundle_unhide(VitrineBundle *self, GError **error)
{
    if (!self->hidden_from)
        return TRUE;
    if (g_rename(self->folder, self->hidden_from) != 0)
        return vitrine_set_errno(error, errno, _("The machine could not be brought back"), self->hidden_from);
    g_free(self->folder);
    self->folder = g_steal_pointer(&self->hidden_from);
    vitrine_bundle_refresh(self);
    return TRUE;
}
