/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Export and import of a machine as one file. */
#include "app/bundle_file.h"

#include "app/history_store.h"
#include "app/building.h"
#include "app/i18n.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_VERSION 1
#define MANIFEST       "manifest.json"
#define MAX_MANIFEST   (64 << 20)
#define BUFFER         (256 << 10)
#define MAX_CHAIN      256
#define MAX_DEPTH      16 /* of brackets in a manifest */

struct member {
    char *path; /* in the archive */
    char *from; /* on the host */
    guint64 size;
    char *sha256;
    gboolean seen;
};

/* A file from outside that gets a place in the bundle. */
struct outside {
    char *path, *file, *format; /* format: of a disk's original or a medium, else NULL */
};

static void member_free(gpointer data)
{
    struct member *member = data;

    g_free(member->path);
    g_free(member->from);
    g_free(member->sha256);
    g_free(member);
}

static void outside_free(gpointer data)
{
    struct outside *outside = data;

    g_free(outside->path);
    g_free(outside->file);
    g_free(outside->format);
    g_free(outside);
}

struct progress {
    const ImageJob *job;
    guint64 done, total;
};

static gboolean advance(struct progress *p, guint64 bytes, GError **error)
{
    p->done += bytes;
    if (!p->job)
        return TRUE;
    if (p->job->progress)
        p->job->progress(MIN(p->done, p->total), p->total, p->job->user_data);
    return !g_cancellable_set_error_if_cancelled(p->job->cancellable, error);
}

static gboolean archive_failed(struct archive *archive, const char *path, const char *what, GError **error)
{
    const char *why = archive_error_string(archive);
    int number = archive_errno(archive);

    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(number), _("%s (%s: %s)."), what, path,
                why ? why : g_strerror(number));
    return FALSE;
}

/* ---- export ---- */

/* What makes the machine: not its lock, its log, its socket. */
static const char *const parts[] = {"machine.ini", "nvram", "thumbnail.png", "disks", "history", "files", NULL};

static gboolean list_folder(const char *bundle, const char *below, GPtrArray *members, GError **error)
{
    g_autofree char *folder = g_build_filename(bundle, below, NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    const char *name;
    gboolean ok = dir != NULL;

    while (ok && (name = g_dir_read_name(dir))) {
        g_autofree char *path = *below ? g_build_filename(below, name, NULL) : g_strdup(name);
        g_autofree char *from = g_build_filename(bundle, path, NULL);
        GStatBuf info;
        if (name[0] == '.' || (!*below && !g_strv_contains(parts, name)) || g_lstat(from, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode)) {
            ok = list_folder(bundle, path, members, error);
        } else if (S_ISREG(info.st_mode)) {
            struct member *member = g_new0(struct member, 1);
            member->path = g_steal_pointer(&path);
            member->from = g_steal_pointer(&from);
            member->size = (guint64)info.st_size;
            g_ptr_array_add(members, member);
        }
    }
    return ok;
}

static gboolean add_outside(GPtrArray *outsides, GPtrArray *members, const char *path, const char *file,
                            const char *from, const char *format, GError **error)
{
    GStatBuf info;

    if (g_stat(from, &info) != 0 || !S_ISREG(info.st_mode))
        return vitrine_set_errno(error, S_ISREG(info.st_mode) ? errno : ENOENT,
                                 _("A file that the machine needs is not there"), from);
    struct outside *outside = g_new0(struct outside, 1);
    outside->path = g_strdup(path);
    outside->file = g_strdup(file);
    outside->format = g_strdup(format);
    g_ptr_array_add(outsides, outside);
    struct member *member = g_new0(struct member, 1);
    member->path = g_strdup(file);
    member->from = g_strdup(from);
    member->size = (guint64)info.st_size;
    g_ptr_array_add(members, member);
    return TRUE;
}

static gboolean is_listed(const GPtrArray *outsides, const char *path)
{
    for (guint i = 0; i < outsides->len; i++)
        if (strcmp(((struct outside *)outsides->pdata[i])->path, path) == 0)
            return TRUE;
    return FALSE;
}

/* The file that stands in the archive for an image: itself, or what its chain holds together. `stem`: of its place in the
 * bundle. */
static gboolean add_image(GPtrArray *outsides, GPtrArray *members, const char *path, const char *known_format,
                          const char *stem, const char *scratch, const ImageJob *job, GError **error)
{
    g_autoptr(Image) image = image_open(path, known_format, IMAGE_OPEN_READ_ONLY, error);
    if (!image)
        return FALSE;
    gboolean plain = image_chain_length(image) == 1;
    const char *format = plain ? image_format(image) : "qcow2";
    g_autofree char *file = g_strdup_printf("%s%u.%s", stem, outsides->len, format);
    g_autofree char *name = g_path_get_basename(file);
    g_autofree char *joined = g_build_filename(scratch, name, NULL);
    const ImageConvertOptions options = {0};
    if (!plain && !image_convert(image, joined, "qcow2", &options, job, error))
        return FALSE;
    return add_outside(outsides, members, path, file, plain ? path : joined, format, error);
}

/* The medium in a drive, if it is there: a machine does not need it to start. */
static gboolean add_medium(GPtrArray *moved, GPtrArray *members, const struct machine_drive *drive, const char *stem,
                           const char *scratch, const ImageJob *job, GError **error)
{
    return !drive->file || !g_path_is_absolute(drive->file) || is_listed(moved, drive->file) ||
           !g_file_test(drive->file, G_FILE_TEST_IS_REGULAR) ||
           add_image(moved, members, drive->file, drive->format, stem, scratch, job, error);
}

/* What one description names outside of the bundle. `scratch` holds originals that had to be made one file. */
static gboolean find_outsides(const MachineIni *machine, const char *scratch, GPtrArray *bases, GPtrArray *moved,
                              GPtrArray *members, const ImageJob *job, GError **error)
{
    const char *const files[] = {machine->kernel, machine->initrd, machine->firmware};

    for (unsigned i = 0; i < machine->disk_count; i++) {
        const struct machine_drive *drive = &machine->disks[i];
        const char *path = drive->base ? drive->base : g_path_is_absolute(drive->file) ? drive->file : NULL;
        if (!path || is_listed(bases, path))
            continue;
        if (!add_image(bases, members, path, drive->base ? NULL : drive->format, "disks/base", scratch, job, error))
            return FALSE;
    }
    if (!add_medium(moved, members, &machine->cdrom, "files/cd", scratch, job, error) ||
        !add_medium(moved, members, &machine->floppy, "files/floppy", scratch, job, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        if (!files[i] || !g_path_is_absolute(files[i]) || is_listed(moved, files[i]))
            continue;
        g_autofree char *base = g_path_get_basename(files[i]);
        g_autofree char *file = g_strdup_printf("files/%u-%s", moved->len, base);
        if (!add_outside(moved, members, files[i], file, files[i], NULL, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean hash_member(struct member *member, struct progress *p, GError **error)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree guint8 *buffer = g_malloc(BUFFER);
    int fd = open(member->from, O_RDONLY | O_CLOEXEC);
    guint64 size = 0;
    ssize_t n = -1;

    while (fd >= 0 && (n = read(fd, buffer, BUFFER)) > 0) {
        g_checksum_update(sum, buffer, n);
        size += (guint64)n;
        if (!advance(p, (guint64)n, error)) {
            close(fd);
            return FALSE;
        }
    }
    int number = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return vitrine_set_errno(error, number, _("The file could not be read"), member->from);
    member->size = size;
    member->sha256 = g_strdup(g_checksum_get_string(sum));
    return TRUE;
}

static void list_outsides(JsonBuilder *builder, const char *key, const GPtrArray *outsides)
{
    json_builder_set_member_name(builder, key);
    json_builder_begin_array(builder);
    for (guint i = 0; i < outsides->len; i++) {
        const struct outside *outside = outsides->pdata[i];
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "path");
        json_builder_add_string_value(builder, outside->path);
        json_builder_set_member_name(builder, "file");
        json_builder_add_string_value(builder, outside->file);
        if (outside->format) {
            json_builder_set_member_name(builder, "format");
            json_builder_add_string_value(builder, outside->format);
        }
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static char *make_manifest(const char *name, const GPtrArray *members, const GPtrArray *bases, const GPtrArray *moved)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "vitrine-bundle");
    json_builder_add_int_value(builder, FORMAT_VERSION);
    json_builder_set_member_name(builder, "name");
    json_builder_add_string_value(builder, name);
    json_builder_set_member_name(builder, "files");
    json_builder_begin_array(builder);
    for (guint i = 0; i < members->len; i++) {
        const struct member *member = members->pdata[i];
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "path");
        json_builder_add_string_value(builder, member->path);
        json_builder_set_member_name(builder, "size");
        json_builder_add_int_value(builder, (gint64)member->size);
        json_builder_set_member_name(builder, "sha256");
        json_builder_add_string_value(builder, member->sha256);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    list_outsides(builder, "bases", bases);
    list_outsides(builder, "moved", moved);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, TRUE);
}

static gboolean write_header(struct archive *archive, const char *path, guint64 size)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, path);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    gboolean ok = archive_write_header(archive, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    return ok;
}

static gboolean write_member(struct archive *archive, const struct member *member, const char *to, struct progress *p,
                             GError **error)
{
    g_autofree guint8 *buffer = g_malloc(BUFFER);
    int fd = open(member->from, O_RDONLY | O_CLOEXEC);
    gboolean ok = fd >= 0 || vitrine_set_errno(error, errno, _("The file could not be read"), member->from);

    if (ok && !write_header(archive, member->path, member->size))
        ok = archive_failed(archive, to, _("The file could not be written"), error);
    for (guint64 left = member->size; ok && left > 0;) {
        ssize_t n = read(fd, buffer, MIN(left, BUFFER));
        if (n <= 0)
            ok = vitrine_set_errno(error, n ? errno : EIO, _("The file could not be read"), member->from);
        else if (archive_write_data(archive, buffer, (size_t)n) != n)
            ok = archive_failed(archive, to, _("The file could not be written"), error);
        else
            ok = advance(p, (guint64)n, error);
        left -= ok ? (guint64)n : 0;
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

static gboolean write_archive(int fd, const char *path, const char *manifest, const GPtrArray *members,
                              struct progress *p, GError **error)
{
    struct archive *archive = archive_write_new();
    gsize length = strlen(manifest);
    gboolean ok = archive_write_set_format_pax_restricted(archive) == ARCHIVE_OK &&
                  archive_write_add_filter_zstd(archive) == ARCHIVE_OK &&
                  archive_write_open_fd(archive, fd) == ARCHIVE_OK && write_header(archive, MANIFEST, length) &&
                  archive_write_data(archive, manifest, length) == (la_ssize_t)length;

    if (!ok)
        archive_failed(archive, path, _("The file could not be written"), error);
    for (guint i = 0; ok && i < members->len; i++)
        ok = write_member(archive, members->pdata[i], path, p, error);
    if (archive_write_close(archive) != ARCHIVE_OK && ok)
        ok = archive_failed(archive, path, _("The file could not be written"), error);
    archive_write_free(archive);
    return ok;
}

static gboolean collect_members(const char *bundle, const char *scratch, GPtrArray *members, GPtrArray *bases,
                                GPtrArray *moved, char **name, const ImageJob *job, GError **error)
{
    g_autoptr(MachineIni) machine = history_read_machine(bundle, error);
    g_autoptr(GPtrArray) records = history_read(bundle);
    gboolean changed;

    if (!machine || !history_note_bases(bundle, machine, &changed, error) ||
        !list_folder(bundle, "", members, error) ||
        !find_outsides(machine, scratch, bases, moved, members, job, error))
        return FALSE;
    *name = g_strdup(machine->name);
    for (guint i = 0; i < records->len; i++) {
        const HistoryRecord *record = records->pdata[i];
        if (record->machine && !find_outsides(record->machine, scratch, bases, moved, members, job, error))
            return FALSE;
    }
    return TRUE;
}

gboolean bundle_file_export(const char *bundle, const char *path, const ImageJob *job, GError **error)
{
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(member_free);
    g_autoptr(GPtrArray) bases = g_ptr_array_new_with_free_func(outside_free);
    g_autoptr(GPtrArray) moved = g_ptr_array_new_with_free_func(outside_free);
    g_autofree char *name = NULL;
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *file = g_path_get_basename(path);
    g_autofree char *prefix = g_strdup_printf(".%.200s.new-", file);
    struct progress p = {job, 0, 0};

    if (g_access(folder, F_OK) != 0) /* no folders for a name that was mistyped */
        return vitrine_set_errno(error, errno, _("The file could not be written"), path);
    /* Beside the file: it can be renamed to there. */
    g_autoptr(VitrineBuilding) scratch = vitrine_building_new(folder, prefix, error);
    if (!scratch)
        return FALSE;
    g_autofree char *temporary = g_build_filename(scratch->path, "whole", NULL);
    gboolean ok = collect_members(bundle, scratch->path, members, bases, moved, &name, job, error);
    for (guint i = 0; i < members->len; i++)
        p.total += 2 * ((struct member *)members->pdata[i])->size;
    for (guint i = 0; ok && i < members->len; i++)
        ok = hash_member(members->pdata[i], &p, error);
    int fd = ok ? open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;
    if (ok && fd < 0)
        ok = vitrine_set_errno(error, errno, _("The file could not be written"), path);
    if (ok) {
        g_autofree char *manifest = make_manifest(name, members, bases, moved);
        ok = write_archive(fd, path, manifest, members, &p, error);
    }
    if (ok && (fsync(fd) != 0 || g_rename(temporary, path) != 0))
        ok = vitrine_set_errno(error, errno, _("The file could not be written"), path);
    if (fd >= 0)
        close(fd);
    return ok && vitrine_sync_folder(folder, error);
}

/* ---- import ---- */

static gboolean not_a_bundle(const char *path, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                _("“%s” is not a machine that Vitrine exported, or it is damaged."), path);
    return FALSE;
}

/* A path below the bundle's folder, of known places, without hidden names. */
static gboolean is_safe(const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);

    if (!names[0] || !g_strv_contains(parts, names[0]) || strchr(path, '\\') || !g_utf8_validate(path, -1, NULL))
        return FALSE;
    for (char **part = names; *part; part++)
        if (!**part || **part == '.')
            return FALSE;
    return TRUE;
}

static const char *text_of(JsonObject *object, const char *key)
{
    JsonNode *node = json_object_get_member(object, key);

    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

static JsonArray *array_of(JsonObject *object, const char *key)
{
    JsonNode *node = json_object_get_member(object, key);

    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static JsonObject *element(JsonArray *array, guint index)
{
    JsonNode *node = json_array_get_element(array, index);

    return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static gboolean parse_outsides(JsonObject *root, const char *key, GPtrArray *outsides)
{
    JsonArray *array = array_of(root, key);

    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        JsonObject *object = element(array, i);
        const char *path = object ? text_of(object, "path") : NULL, *file = object ? text_of(object, "file") : NULL;
        if (!path || !file || !is_safe(file))
            return FALSE;
        struct outside *outside = g_new0(struct outside, 1);
        outside->path = g_strdup(path);
        outside->file = g_strdup(file);
        outside->format = g_strdup(text_of(object, "format"));
        g_ptr_array_add(outsides, outside);
    }
    return TRUE;
}

/* -1: there is no such number */
static gint64 number_of(JsonObject *object, const char *key)
{
    JsonNode *node = json_object_get_member(object, key);

    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64 ? json_node_get_int(node)
                                                                                                 : -1;
}

/* The parser calls itself for each level, and takes comments and several values one after the other: only what a manifest
 * may have is given to it, one object. */
static gboolean is_plain_json(const char *text, gsize length)
{
    guint depth = 0;
    gboolean in_string = FALSE, begun = FALSE;

    for (gsize i = 0; i < length; i++) {
        char c = text[i];
        if (depth == 0 && !g_ascii_isspace(c)) {
            if (begun || c != '{')
                return FALSE;
            begun = TRUE;
        }
        if (c == '"')
            in_string = !in_string;
        else if (in_string && c == '\\')
            i++;
        else if (in_string)
            continue;
        else if (c == '[' || c == '{')
            depth++;
        else if (c == ']' || c == '}')
            depth--;
        else if (!g_ascii_isalnum(c) && (!c || !strchr(" \t\r\n,:+-.", c)))
            return FALSE;
        if (depth > MAX_DEPTH) /* also when one more was closed than opened */
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_manifest(const char *text, gsize length, GHashTable *members, GPtrArray *bases, GPtrArray *moved,
                               char **name, guint64 *total)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    gboolean ok = is_plain_json(text, length) && json_parser_load_from_data(parser, text, (gssize)length, NULL);
    JsonNode *node = ok ? json_parser_get_root(parser) : NULL;
    JsonObject *root = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    JsonArray *files = root ? array_of(root, "files") : NULL;

    if (!files || number_of(root, "vitrine-bundle") != FORMAT_VERSION)
        return FALSE;
    *name = g_strdup(text_of(root, "name"));
    for (guint i = 0; i < json_array_get_length(files); i++) {
        JsonObject *object = element(files, i);
        const char *path = object ? text_of(object, "path") : NULL, *sum = object ? text_of(object, "sha256") : NULL;
        gint64 size = object ? number_of(object, "size") : -1;
        if (!path || !sum || size < 0 || (guint64)size > G_MAXINT64 - *total || !is_safe(path) ||
            g_hash_table_contains(members, path))
            return FALSE;
        struct member *member = g_new0(struct member, 1);
        member->path = g_strdup(path);
        member->sha256 = g_strdup(sum);
        member->size = (guint64)size;
        *total += member->size;
        g_hash_table_insert(members, member->path, member);
    }
    return *name && parse_outsides(root, "bases", bases) && parse_outsides(root, "moved", moved);
}

static gboolean read_member(struct archive *archive, struct member *member, const char *folder, const char *path,
                            struct progress *p, GError **error)
{
    g_autofree char *to = g_build_filename(folder, member->path, NULL);
    g_autofree char *parent = g_path_get_dirname(to);
    g_autofree guint8 *buffer = g_malloc(BUFFER);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint64 size = 0;
    la_ssize_t n = -1;
    int fd = g_mkdir_with_parents(parent, 0755) == 0 ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;
    gboolean ok = fd >= 0 || vitrine_set_errno(error, errno, _("The file could not be written"), to);

    while (ok && (n = archive_read_data(archive, buffer, BUFFER)) > 0) {
        size += (guint64)n;
        g_checksum_update(sum, buffer, n);
        if (size > member->size)
            ok = not_a_bundle(path, error);
        else if (write(fd, buffer, (size_t)n) != n)
            ok = vitrine_set_errno(error, errno ? errno : ENOSPC, _("The file could not be written"), to);
        else
            ok = advance(p, (guint64)n, error);
    }
    if (ok && (n < 0 || size != member->size || g_ascii_strcasecmp(g_checksum_get_string(sum), member->sha256) != 0))
        ok = not_a_bundle(path, error);
    if (ok && fsync(fd) != 0)
        ok = vitrine_set_errno(error, errno, _("The file could not be written"), to);
    if (fd >= 0)
        close(fd);
    member->seen = TRUE;
    return ok;
}

static gboolean unpack(struct archive *archive, const char *path, const char *folder, GPtrArray *bases, GPtrArray *moved,
                       char **name, struct progress *p, GError **error)
{
    g_autoptr(GHashTable) members = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, member_free);
    struct archive_entry *entry;
    gboolean first = TRUE, ok = TRUE;
    int rc = ARCHIVE_EOF;

    while (ok && (rc = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
        const char *member_path = archive_entry_pathname(entry);
        if (archive_entry_filetype(entry) != AE_IFREG || !member_path) {
            ok = not_a_bundle(path, error);
        } else if (first) {
            la_int64_t size = archive_entry_size(entry);
            g_autofree char *text = size > 0 && size <= MAX_MANIFEST ? g_malloc((gsize)size) : NULL;
            ok = text && strcmp(member_path, MANIFEST) == 0 &&
                 archive_read_data(archive, text, (size_t)size) == size &&
                 parse_manifest(text, (gsize)size, members, bases, moved, name, &p->total);
            ok = ok ? history_check_space(folder, p->total, error) : not_a_bundle(path, error);
            first = FALSE;
        } else {
            struct member *member = g_hash_table_lookup(members, member_path);
            ok = member && !member->seen ? read_member(archive, member, folder, path, p, error)
                                         : not_a_bundle(path, error);
        }
    }
    if (!ok)
        return FALSE;
    GHashTableIter iter;
    gpointer value;
    gboolean whole = rc == ARCHIVE_EOF && g_hash_table_contains(members, "machine.ini");
    g_hash_table_iter_init(&iter, members);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        whole = whole && ((struct member *)value)->seen;
    return whole || not_a_bundle(path, error);
}

static const struct outside *move_text(char **field, const GPtrArray *moved)
{
    for (guint i = 0; *field && i < moved->len; i++) {
        const struct outside *outside = moved->pdata[i];
        if (strcmp(*field, outside->path) == 0) {
            g_free(*field);
            *field = g_strdup(outside->file);
            return outside;
        }
    }
    return NULL;
}

static void move_medium(struct machine_drive *drive, const GPtrArray *moved)
{
    const struct outside *outside = move_text(&drive->file, moved);

    if (outside) {
        g_free(drive->format);
        drive->format = g_strdup(outside->format);
    }
}

static gboolean leads_outside(const char *path, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_PERM,
                _("The machine in this file names “%s”, which is not part of it. It is not imported: a file from elsewhere "
                  "may not choose files of this computer."),
                path);
    return FALSE;
}

/* Whoever sent the machine does not choose where it reads and writes here. */
static gboolean keep_inside(MachineIni *machine, GError **error)
{
    struct machine_drive *const media[] = {&machine->cdrom, &machine->floppy};
    const char *const files[] = {machine->kernel, machine->initrd, machine->firmware};
    static const char *const ports[] = {"window", "none", "pty", NULL};

    for (unsigned i = 0; i < machine->disk_count; i++)
        if (!is_safe(machine->disks[i].file))
            return leads_outside(machine->disks[i].file, error);
    for (guint i = 0; i < G_N_ELEMENTS(files); i++)
        if (files[i] && !is_safe(files[i]))
            return leads_outside(files[i], error);
    for (guint i = 0; i < G_N_ELEMENTS(media); i++) {
        if (!media[i]->file || is_safe(media[i]->file))
            continue;
        if (!g_path_is_absolute(media[i]->file))
            return leads_outside(media[i]->file, error);
        machine_ini_set_drive(media[i], NULL, NULL, -1, FALSE); /* it was not there when the machine was exported */
    }
    if (machine->serial && !g_strv_contains(ports, machine->serial))
        g_clear_pointer(&machine->serial, g_free);
    machine_ini_forget_shared_folders(machine);
    return TRUE;
}

/* In the settings of the present or of a node: what was outside is inside now. */
static gboolean settle_machine(const char *folder, MachineIni *machine, const char *name, const GPtrArray *bases,
                               const GPtrArray *moved, GError **error)
{
    g_free(machine->name);
    machine->name = g_strdup(name);
    machine->running = FALSE;
    move_text(&machine->kernel, moved);
    move_text(&machine->initrd, moved);
    move_text(&machine->firmware, moved);
    move_medium(&machine->cdrom, moved);
    move_medium(&machine->floppy, moved);
    for (unsigned i = 0; i < machine->disk_count; i++) {
        move_text(&machine->disks[i].file, bases);
        g_clear_pointer(&machine->disks[i].base, g_free);
        g_clear_pointer(&machine->disks[i].fingerprint, g_free);
    }
    return keep_inside(machine, error) && history_write_machine(folder, machine, error);
}

/* An image and those that it stands on: in one folder, whether or not they can be opened. */
static gboolean stays_inside(const char *folder, const struct machine_drive *drive, GError **error)
{
    g_autofree char *path = vitrine_bundle_path(folder, drive->file);
    g_autofree char *home = g_path_get_dirname(path);
    g_autofree char *format = g_strdup(drive->format);

    for (guint depth = 0; depth < MAX_CHAIN; depth++) {
        g_autoptr(ImageInfo) info = image_read_info(path, format, NULL);
        if (!info || !info->backing_file)
            return TRUE;
        g_autofree char *in = info->backing_path ? g_path_get_dirname(info->backing_path) : g_strdup("");
        if (strcmp(in, home) != 0)
            return leads_outside(info->backing_file, error);
        g_free(path);
        path = g_strdup(info->backing_path);
        g_free(format);
        format = g_strdup(info->backing_format);
    }
    return leads_outside(path, error); /* in a circle */
}

static gboolean images_stay_inside(const char *folder, const MachineIni *machine, GError **error)
{
    gboolean ok = (!machine->cdrom.file || stays_inside(folder, &machine->cdrom, error)) &&
                  (!machine->floppy.file || stays_inside(folder, &machine->floppy, error));

    for (unsigned i = 0; ok && i < machine->disk_count; i++)
        ok = stays_inside(folder, &machine->disks[i], error);
    return ok;
}

/* A host that dies soon finds it whole. */
static gboolean sync_folders(const char *folder, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    const char *name;
    gboolean ok = dir != NULL;

    while (ok && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            ok = sync_folders(path, error);
    }
    return ok && vitrine_sync_folder(folder, error);
}

static gboolean settle(const char *folder, const char *name, const GPtrArray *bases, const GPtrArray *moved,
                       const ImageJob *job, GError **error)
{
    g_autoptr(MachineIni) machine = history_read_machine(folder, error);
    g_autoptr(GPtrArray) records = history_read(folder);
    gboolean ok = TRUE;

    if (!machine)
        return FALSE;
    for (guint i = 0; ok && i < bases->len; i++) {
        const struct outside *base = bases->pdata[i];
        g_autofree char *file = g_path_get_basename(base->file);
        g_autofree char *path = g_build_filename(folder, base->file, NULL);
        ok = history_move_base(folder, base->path, file, job, error);
        g_chmod(path, 0444);
    }
    for (guint i = 0; ok && i < records->len; i++) {
        HistoryRecord *record = records->pdata[i];
        if (record->machine) {
            ok = settle_machine(record->folder, record->machine, name, bases, moved, error) &&
                 images_stay_inside(folder, record->machine, error);
            if (ok)
                history_freeze_layers(folder, record->machine);
        }
    }
    ok = ok && settle_machine(folder, machine, name, bases, moved, error) && images_stay_inside(folder, machine, error);
    /* The present can be started. */
    for (unsigned i = 0; ok && i < machine->disk_count; i++) {
        g_autofree char *top = vitrine_bundle_path(folder, machine->disks[i].file);
        g_autoptr(GPtrArray) chain = image_chain(top, machine->disks[i].format, error);
        ok = chain != NULL;
    }
    const struct machine_drive *const media[] = {&machine->cdrom, &machine->floppy};
    for (unsigned i = 0; ok && i < G_N_ELEMENTS(media); i++) {
        if (!media[i]->file)
            continue;
        g_autofree char *path = vitrine_bundle_path(folder, media[i]->file);
        g_autoptr(GPtrArray) chain = image_chain(path, media[i]->format, error);
        ok = chain && (chain->len == 1 || not_a_bundle(path, error));
    }
    return ok && sync_folders(folder, error);
}

char *bundle_file_import(const char *path, const char *machines_folder, const char *name, const ImageJob *job,
                         GError **error)
{
    g_autoptr(VitrineBuilding) building = vitrine_building_new(machines_folder, VITRINE_BUILDING_MACHINE, error);
    g_autoptr(GPtrArray) bases = g_ptr_array_new_with_free_func(outside_free);
    g_autoptr(GPtrArray) moved = g_ptr_array_new_with_free_func(outside_free);
    g_autofree char *own_name = NULL;
    g_autofree char *folder = NULL;
    struct progress p = {job, 0, 0};

    if (!building || (name && !(folder = vitrine_bundle_new_folder(machines_folder, name, error))))
        return NULL;
    struct archive *archive = archive_read_new();
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_tar(archive);
    gboolean ok = archive_read_open_filename(archive, path, BUFFER) == ARCHIVE_OK ||
                  archive_failed(archive, path, _("The file could not be read"), error);
    ok = ok && unpack(archive, path, building->path, bases, moved, &own_name, &p, error);
    archive_read_free(archive);
    name = name ? name : own_name;
    ok = ok && (folder || (folder = vitrine_bundle_new_folder(machines_folder, name, error))) &&
         settle(building->path, name, bases, moved, job, error) && vitrine_building_finish(building, folder, error);
    return ok ? g_steal_pointer(&folder) : NULL;
}
