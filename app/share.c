/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libisofs for CDs; mtools, run as programs, for FAT. */
#define LIBISOFS_WITHOUT_LIBBURN yes

#include "app/share.h"

#include "app/i18n.h"
#include "images/images.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdint.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libisofs/libisofs.h> /* needs stdint.h before it */

#define MIB (G_GUINT64_CONSTANT(1) << 20)

/* What the commands of other programs and libraries say belongs to the sentence. */
static gboolean fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, text);
    return FALSE;
}

guint64 share_folder_size(const char *folder, guint *count, GCancellable *cancellable)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint64 size = 0;
    const char *name;

    while (dir && !g_cancellable_is_cancelled(cancellable) && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        GStatBuf info;
        if (g_lstat(path, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode)) {
            size += share_folder_size(path, count, cancellable);
        } else if (S_ISREG(info.st_mode)) {
            size += (guint64)info.st_size;
        }
        if (count)
            ++*count;
    }
    return size;
}

/* ---- CD ---- */

/* A volume name of ECMA-119 7.4.1: at most 32 of A to Z, 0 to 9 and _. */
static char *volume_name(const char *folder)
{
    g_autofree char *base = g_path_get_basename(folder);
    g_autoptr(GString) name = g_string_new(NULL);

    for (const char *p = base; *p && name->len < 32; p++)
        g_string_append_c(name, g_ascii_isalnum(*p) ? g_ascii_toupper(*p) : '_');
    return g_strdup(name->str);
}

static gboolean copy_out(struct burn_source *source, const char *path, guint64 total, GCancellable *cancellable,
                         ShareProgress progress, gpointer user_data, GError **error)
{
    enum { SECTOR = 2048, AT_ONCE = 32 };
    g_autoptr(GFile) file = g_file_new_for_path(path);
    g_autoptr(GFileOutputStream) out =
        g_file_replace(file, NULL, FALSE, G_FILE_CREATE_REPLACE_DESTINATION, cancellable, error);
    unsigned char buffer[SECTOR];
    guint64 done = 0;

    if (!out)
        return FALSE;
    int got;
    while ((got = source->read ? source->read(source, buffer, SECTOR) : source->read_xt(source, buffer, SECTOR)) ==
           SECTOR) {
        if (!g_output_stream_write_all(G_OUTPUT_STREAM(out), buffer, SECTOR, NULL, cancellable, error))
            break;
        done += SECTOR;
        if (progress && done % (SECTOR * AT_ONCE) == 0)
            progress(done, total, user_data);
    }
    if (got == 0 && done == total)
        return g_output_stream_close(G_OUTPUT_STREAM(out), cancellable, error);
    if (error && !*error)
        fail(error, _("The folder could not be put on a CD: %s."), _("a file changed or could not be read"));
    /* Closed after a cancel, the stream leaves the name as it was. */
    g_autoptr(GCancellable) drop = g_cancellable_new();
    g_cancellable_cancel(drop);
    g_output_stream_close(G_OUTPUT_STREAM(out), drop, NULL);
    return FALSE;
}

static gboolean write_cd(IsoImage *image, const char *folder, const char *path, GCancellable *cancellable,
                         ShareProgress progress, gpointer user_data, GError **error)
{
    IsoWriteOpts *options = NULL;
    struct burn_source *source = NULL;

    iso_tree_set_ignore_special(image, 1);
    iso_tree_set_follow_symlinks(image, 0);
    int status = iso_tree_add_dir_rec(image, iso_image_get_root(image), folder);
    if (status >= 0)
        status = iso_write_opts_new(&options, 1);
    if (status >= 0) {
        iso_write_opts_set_iso_level(options, 3);
        iso_write_opts_set_rockridge(options, 1);
        iso_write_opts_set_joliet(options, 1);
        iso_write_opts_set_joliet_long_names(options, 1);
        iso_write_opts_set_joliet_longer_paths(options, 1);
        status = iso_image_create_burn_source(image, options, &source);
    }
    gboolean ok = status >= 0;
    if (ok) {
        ok = copy_out(source, path, (guint64)source->get_size(source), cancellable, progress, user_data, error);
        if (!ok)
            source->cancel(source);
        source->free_data(source);
        free(source);
    } else {
        fail(error, _("The folder could not be put on a CD: %s."), iso_error_to_msg(status));
    }
    if (options)
        iso_write_opts_free(options);
    return ok;
}

gboolean share_make_cd(const char *folder, const char *iso_path, GCancellable *cancellable, ShareProgress progress,
                       gpointer user_data, GError **error)
{
    static gsize ready;
    IsoImage *image = NULL;

    if (g_once_init_enter(&ready)) {
        iso_init();
        iso_set_msgs_severities((char *)"NEVER", (char *)"NEVER", (char *)"vitrine");
        g_once_init_leave(&ready, 1);
    }
    if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
        return fail(error, _("“%s” is not a folder."), folder);
    g_autofree char *name = volume_name(folder);
    int status = iso_image_new(name, &image);
    if (status < 0)
        return fail(error, _("The folder could not be put on a CD: %s."), iso_error_to_msg(status));
    gboolean ok = write_cd(image, folder, iso_path, cancellable, progress, user_data, error);
    iso_image_unref(image);
    return ok;
}

/* ---- FAT ---- */

enum {
    SECTOR_SIZE = 512,
    FIRST_SECTOR = 63, /* where DOS puts the first partition: the second track */
    HEADS = 16,
    SECTORS = 63,
    TABLE = 446, /* of the master boot record */
    TYPE_FAT16 = 0x06,
    TYPE_FAT32 = 0x0c,
};
#define FAT32_FROM (512 * MIB)

static gboolean run_tool(const char *const *arguments, GCancellable *cancellable, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
        G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_autofree char *complaint = NULL;

    g_subprocess_launcher_setenv(launcher, "MTOOLS_SKIP_CHECK", "1", TRUE);
    g_subprocess_launcher_setenv(launcher, "MTOOLSRC", "/dev/null", TRUE);
    g_autoptr(GSubprocess) process = g_subprocess_launcher_spawnv(launcher, arguments, error);
    if (!process) {
        if (g_error_matches(*error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT)) {
            g_clear_error(error);
            fail(error, _("%s is missing. Install the package mtools to share folders as disks."), arguments[0]);
        }
        return FALSE;
    }
    if (!g_subprocess_communicate_utf8(process, NULL, cancellable, NULL, &complaint, error)) {
        g_subprocess_force_exit(process);
        return FALSE;
    }
    if (g_subprocess_get_successful(process))
        return TRUE;
    return fail(error, _("The disk's files could not be copied: %s"), g_strstrip(complaint));
}

static void put32(guint8 *at, guint32 value)
{
    guint32 little = GUINT32_TO_LE(value);

    memcpy(at, &little, sizeof(little));
}

static guint32 get32(const guint8 *at)
{
    guint32 little;

    memcpy(&little, at, sizeof(little));
    return GUINT32_FROM_LE(little);
}

#define FAT_MAX_FILE G_MAXUINT32 /* bytes */
#define FAT_MAX_NAME 255         /* UTF-16 units */

/* What DOS takes for a device, with and without an extension. */
static gboolean is_device_name(const char *name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul", "clock$", NULL};
    g_autofree char *stem = g_ascii_strdown(name, (gssize)strcspn(name, "."));
    gboolean numbered = strlen(stem) == 4 && (g_str_has_prefix(stem, "com") || g_str_has_prefix(stem, "lpt")) &&
                        g_ascii_isdigit(stem[3]);

    return numbered || g_strv_contains(devices, stem);
}

/* Why a FAT file system cannot hold the name; NULL: it can. */
static const char *fat_refuses_name(const char *name)
{
    gsize length = strlen(name);
    glong units = 0;

    if (!g_utf8_validate(name, -1, NULL))
        return _("its name is not valid UTF-8");
    for (const char *p = name; *p; p = g_utf8_next_char(p), units++) {
        gunichar c = g_utf8_get_char(p);
        if (c < 0x20 || c > 0xffff || strchr("\"*:<>?\\|", *p))
            return _("its name has characters that FAT does not know");
    }
    if (units > FAT_MAX_NAME)
        return _("its name is too long");
    if (name[length - 1] == '.' || name[length - 1] == ' ')
        return _("its name ends with a dot or a space");
    return is_device_name(name) ? _("its name means a device in DOS") : NULL;
}

static const char *fat_refuses_file(const char *path, gboolean *is_folder)
{
    GStatBuf info, target;

    *is_folder = FALSE;
    if (g_lstat(path, &info) != 0 || g_stat(path, &target) != 0)
        return g_strerror(errno);
    if (S_ISDIR(info.st_mode)) {
        *is_folder = TRUE;
        return NULL;
    }
    if (S_ISDIR(target.st_mode))
        return _("it is a link to a folder");
    if (!S_ISREG(target.st_mode))
        return _("it is neither a file nor a folder");
    return target.st_size > FAT_MAX_FILE ? _("it has more than 4 GiB") : NULL;
}

/* mtools leaves out, or asks about, what FAT does not hold: here it is refused, so that nothing is missing unnoticed. */
static gboolean fat_can_hold(const char *folder, GCancellable *cancellable, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *shown = g_filename_display_name(path);
        gboolean is_folder;
        const char *problem = fat_refuses_file(path, &is_folder);
        if (g_cancellable_set_error_if_cancelled(cancellable, error))
            return FALSE;
        if (!problem)
            problem = fat_refuses_name(name);
        if (!problem && !g_hash_table_add(seen, g_utf8_casefold(name, -1)))
            problem = _("another name differs in capital letters only");
        if (problem) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME,
                        _("“%s” cannot be put on a FAT disk: %s. Rename it or take it out of the folder, or share the "
                          "folder as a CD."),
                        shown, problem);
            return FALSE;
        }
        if (is_folder && !fat_can_hold(path, cancellable, error))
            return FALSE;
    }
    return dir != NULL;
}

/* One partition over all of the disk; cylinders are what old systems can count to at most. */
static gboolean write_table(const char *path, guint64 size, GError **error)
{
    guint8 record[SECTOR_SIZE] = {[510] = 0x55, [511] = 0xaa};
    guint8 *entry = record + TABLE;
    FILE *file = fopen(path, "wbe");
    static const guint8 first[] = {1, 1, 0}, last[] = {HEADS - 1, 0xc0 | SECTORS, 0xff};

    memcpy(entry + 1, first, sizeof(first));
    entry[4] = size > FAT32_FROM ? TYPE_FAT32 : TYPE_FAT16;
    memcpy(entry + 5, last, sizeof(last));
    put32(entry + 8, FIRST_SECTOR);
    put32(entry + 12, (guint32)(size / SECTOR_SIZE) - FIRST_SECTOR);
    gboolean ok = file && fwrite(record, sizeof(record), 1, file) == 1 && fflush(file) == 0 &&
                  ftruncate(fileno(file), (off_t)size) == 0;
    int number = errno;
    if (file)
        fclose(file);
    return ok || fail(error, _("The disk image could not be written: %s."), g_strerror(number));
}

/* "FILE@@OFFSET" of the first partition, or of a disk without a table. */
static char *partition_name(const char *path, GError **error)
{
    guint8 record[SECTOR_SIZE];
    FILE *file = fopen(path, "rbe");
    gboolean whole = file && fread(record, sizeof(record), 1, file) == 1;

    if (file)
        fclose(file);
    if (!whole || record[510] != 0x55 || record[511] != 0xaa) {
        fail(error, _("There is no FAT file system on “%s”."), path);
        return NULL;
    }
    /* A boot sector of FAT begins with a jump and says how big its sectors are. */
    gboolean plain = (record[0] == 0xeb || record[0] == 0xe9) && (record[11] | record[12] << 8) == SECTOR_SIZE;
    guint64 offset = plain ? 0 : (guint64)get32(record + TABLE + 8) * SECTOR_SIZE;
    return g_strdup_printf("%s@@%" G_GUINT64_FORMAT, path, offset);
}

static gboolean copy_in(const char *folder, const char *partition, GCancellable *cancellable, GError **error)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
    const char *name;
    guint files = 0;

    if (!dir)
        return FALSE;
    for (const char *const *word = (const char *const[]){"mcopy", "-i", partition, "-s", "-m", "-n", "-Q", NULL};
         *word; word++)
        g_ptr_array_add(arguments, g_strdup(*word));
    while ((name = g_dir_read_name(dir))) {
        g_ptr_array_add(arguments, g_build_filename(folder, name, NULL));
        files++;
    }
    g_ptr_array_add(arguments, g_strdup("::/"));
    g_ptr_array_add(arguments, NULL);
    return files == 0 || run_tool((const char *const *)arguments->pdata, cancellable, error);
}

gboolean share_make_disk(const char *folder, const char *image_path, guint64 free_bytes, GCancellable *cancellable,
                         GError **error)
{
    enum { PER_FILE = 32 * 1024 }; /* the greatest cluster: what a small file takes */
    guint count = 0;
    if (!fat_can_hold(folder, cancellable, error))
        return FALSE;
    guint64 used = share_folder_size(folder, &count, cancellable) + (guint64)count * PER_FILE;
    guint64 size = MAX((used + used / 64 + free_bytes + 8 * MIB) / MIB, 32) * MIB;
    g_autofree char *temporary = g_strconcat(image_path, ".new", NULL);

    if (size / SECTOR_SIZE > G_MAXUINT32)
        return fail(error, _("“%s” is too big for a FAT disk."), folder);
    g_autofree char *partition =
        g_strdup_printf("%s@@%u", temporary, (unsigned)FIRST_SECTOR * SECTOR_SIZE);
    g_autofree char *sectors = g_strdup_printf("%" G_GUINT64_FORMAT, size / SECTOR_SIZE - FIRST_SECTOR);
    const char *const format[] = {"mformat", "-i", partition, "-T", sectors, "-h", "16", "-s", "63",
                                  "-H", "63", "-v", "SHARED", size > FAT32_FROM ? "-F" : "::",
                                  size > FAT32_FROM ? "::" : NULL, NULL};
    gboolean ok = write_table(temporary, size, error) && run_tool(format, cancellable, error) &&
                  copy_in(folder, partition, cancellable, error);
    if (ok && g_rename(temporary, image_path) != 0)
        ok = fail(error, _("The disk image could not be written: %s."), g_strerror(errno));
    if (!ok)
        g_unlink(temporary);
    return ok;
}

gboolean share_bring_back(const char *image_path, const char *to, GCancellable *cancellable, GError **error)
{
    g_autofree char *raw = g_strconcat(to, ".raw", NULL);
    g_autoptr(Image) image = image_open(image_path, NULL, IMAGE_OPEN_READ_ONLY, error);
    ImageConvertOptions options = {.create = {.overwrite = TRUE}};
    ImageJob job = {.cancellable = cancellable};

    if (!image || !image_convert(image, raw, "raw", &options, &job, error))
        return FALSE;
    gboolean ok = FALSE;
    g_autofree char *partition = partition_name(raw, error);
    if (partition && g_mkdir(to, 0755) != 0) {
        fail(error, _("The folder could not be made: %s."), g_strerror(errno));
    } else if (partition) {
        const char *const copy[] = {"mcopy", "-i", partition, "-s", "-m", "-n", "::/*", to, NULL};
        ok = run_tool(copy, cancellable, error);
    }
    g_unlink(raw);
    return ok;
}
