/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Open images: the chain of backing files, the checks that every format may rely on, and the calls of the
 * public header that are the same for all formats.
 */
#include <errno.h>
#include <string.h>

#include "images/internal.h"

const ImageFormat *const image_formats[] = {
    &image_format_raw, /* first: what has no header */
    &image_format_qcow2, &image_format_vmdk, &image_format_vdi, &image_format_vhdx, &image_format_dmg,
    &image_format_cue,   &image_format_bin,  &image_format_vhd, /* late: known by its last sector only when it
                                                                   is fixed */
};

const char *const *image_format_names(void)
{
    static const char *const names[] = {"raw", "qcow2", "vmdk", "vdi", "vhdx",
                                        "dmg", "cue",   "bin",  "vhd", NULL};
    G_STATIC_ASSERT(G_N_ELEMENTS(names) == G_N_ELEMENTS(image_formats) + 1);
    return names;
}

const ImageFormat *image_format_find(const char *name, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(image_formats); i++) {
        if (g_str_equal(image_formats[i]->name, name))
            return image_formats[i];
    }
    g_autofree char *known = g_strjoinv(", ", (char **)(guintptr)image_format_names());
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                _("The image format “%s” is not known here. Known are: %s."), name, known);
    return NULL;
}

const ImageFormat *image_format_of_ends(const ImageEnds *ends)
{
    for (gsize i = 0; i < G_N_ELEMENTS(image_formats); i++) {
        if (image_formats[i]->probe && image_formats[i]->probe(ends))
            return image_formats[i];
    }
    return &image_format_raw;
}

gboolean image_read_ends(ImageFile *file, ImageEnds *ends, GError **error)
{
    guint64 size;
    *ends = (ImageEnds){0};
    return image_file_size(file, &size, error) &&
           image_file_read(file, 0, ends->head, sizeof ends->head, error) &&
           (size < sizeof ends->tail ||
            image_file_read(file, size - sizeof ends->tail, ends->tail, sizeof ends->tail, error));
}

/* Images of other programs that would pass for a raw disk. The magic numbers: docs/interop/qcow2.txt,
 * docs/interop/qed_spec.txt, docs/interop/parallels.txt of QEMU's manual; LUKS On-Disk Format Specification 1.2.3. */
static const struct {
    const char *name, *magic;
    gsize length;
} foreign_formats[] = {
    {"LUKS (encrypted)", "LUKS\xba\xbe", 6},
    {"qcow (version 1)", "QFI\xfb\0\0\0\1", 8},
    {"QED", "QED\0", 4},
    {"Parallels", "WithoutFreeSpace", 16},
    {"Parallels", "WithouFreSpacExt", 16},
};

static const ImageFormat *format_of_file(ImageFile *file, GError **error)
{
    ImageEnds ends;
    if (!image_read_ends(file, &ends, error))
        return NULL;
    const ImageFormat *format = image_format_of_ends(&ends);
    for (gsize i = 0; format == &image_format_raw && i < G_N_ELEMENTS(foreign_formats); i++) {
        if (memcmp(ends.head, foreign_formats[i].magic, foreign_formats[i].length) != 0)
            continue;
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” looks like an image of the format %s, which is not supported here. Convert it to qcow2 with "
                      "the program that made it, or say that its format is raw if a guest wrote that to its disk."),
                    file->path, foreign_formats[i].name);
        return NULL;
    }
    return format;
}

const char *image_probe(const char *path, GError **error)
{
    ImageFile *file = image_file_open(path, FALSE, IMAGE_LOCK_NONE, error);
    if (!file)
        return NULL;
    const ImageFormat *format = format_of_file(file, error);
    image_file_close(file);
    return format ? format->name : NULL;
}

/* ---- Open ------------------------------------------------------------------------------------------------
 */

typedef struct Ancestor {
    const ImageFile *file;
    const struct Ancestor *up;
    guint depth;
} Ancestor;

static Image *open_in_chain(ImageFile *file, const ImageFormat *format, gboolean probed, ImageOpenFlags flags,
                            const Ancestor *up, GError **error);

char *image_resolve_backing(const char *overlay, const char *backing, GError **error)
{
    if (g_str_has_prefix(backing, "file:"))
        backing += strlen("file:");
    const char *colon = strchr(backing, ':');
    const char *slash = strchr(backing, '/');
    if (colon && (!slash || colon < slash)) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” stands on “%s”, which is not a file on this computer; only files can be backing "
                      "files here. Convert the image with the program that made it."),
                    overlay, backing);
        return NULL;
    }
    if (g_path_is_absolute(backing))
        return g_strdup(backing);
    g_autofree char *folder = g_path_get_dirname(overlay);
    if (g_str_equal(folder, "."))
        return g_strdup(backing);
    return g_build_filename(folder, backing, NULL);
}

static gboolean open_backing(Image *image, const Ancestor *up, GError **error)
{
    const Ancestor self = {image->file, up, up ? up->depth + 1 : 1};
    if (self.depth >= IMAGE_MAX_CHAIN) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” stands on a chain of more than %d images. Merge some of them (commit)."),
                    image->path, IMAGE_MAX_CHAIN);
        return FALSE;
    }
    g_autofree char *path = image_resolve_backing(image->path, image->backing_file, error);
    if (!path)
        return FALSE;

    ImageFile *file = image_file_open(path, FALSE, IMAGE_LOCK_NONE, error);
    if (!file) {
        g_prefix_error(error, _("The backing file of “%s” is missing or unreadable. "), image->path);
        return FALSE;
    }
    for (const Ancestor *a = &self; a; a = a->up) {
        if (a->file->device == file->device && a->file->inode == file->inode) {
            g_set_error(
                error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
                _("“%s” stands on “%s”, which in turn stands on it: the chain runs in a circle and has no "
                  "contents. Give one of them its right base again (rebase)."),
                image->path, path);
            image_file_close(file);
            return FALSE;
        }
    }
    gboolean ok = (image->flags & IMAGE_OPEN_SHARE) || image_file_lock(file, IMAGE_LOCK_READ, error);
    const ImageFormat *format = NULL;
    if (ok) {
        if (image->backing_format)
            format = image_format_find(image->backing_format, error);
        else
            format = format_of_file(file, error);
    }
    if (!format) {
        image_file_close(file);
        g_prefix_error(error, _("The backing file of “%s” cannot be used. "), image->path);
        return FALSE;
    }
    image->backing = open_in_chain(file, format, FALSE, image->flags & IMAGE_OPEN_SHARE, &self, error);
    if (!image->backing)
        g_prefix_error(error, _("The backing file of “%s” cannot be used. "), image->path);
    return image->backing != NULL;
}

static Image *open_in_chain(ImageFile *file, const ImageFormat *format, gboolean probed, ImageOpenFlags flags,
                            const Ancestor *up, GError **error)
{
    Image *image = g_new0(Image, 1);
    g_mutex_init(&image->lock);
    image->format = format;
    image->file = file;
    image->path = g_strdup(file->path);
    image->flags = flags;
    image->writable = (flags & IMAGE_OPEN_WRITABLE) != 0;
    image->guard_ends = probed && image->writable && format == &image_format_raw;

    if (image->writable && !format->pwrite) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” is a %s image, which can only be read here. Convert it to qcow2 to write to it."),
                    image->path, format->name);
        image_close(image, NULL);
        return NULL;
    }
    if (!format->open(image, error)) {
        image_close(image, NULL);
        return NULL;
    }
    if (image->backing_file && !(flags & IMAGE_OPEN_NO_BACKING) && !open_backing(image, up, error)) {
        image_close(image, NULL);
        return NULL;
    }
    return image;
}

Image *image_open_file(ImageFile *file, const ImageFormat *format, ImageOpenFlags flags, GError **error)
{
    return open_in_chain(file, format, FALSE, flags, NULL, error);
}

Image *image_open(const char *path, const char *format_name, ImageOpenFlags flags, GError **error)
{
    g_return_val_if_fail(path != NULL, NULL);
    gboolean writable = (flags & IMAGE_OPEN_WRITABLE) != 0;
    if (writable && (flags & (IMAGE_OPEN_SHARE | IMAGE_OPEN_NO_BACKING))) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("“%s” cannot be opened for writing without its locks or without its backing file."),
                    path);
        return NULL;
    }
    const ImageFormat *format = NULL;
    if (format_name) {
        format = image_format_find(format_name, error);
        if (!format)
            return NULL;
    }
    ImageLock lock = writable                   ? IMAGE_LOCK_WRITE
                     : flags & IMAGE_OPEN_SHARE ? IMAGE_LOCK_NONE
                                                : IMAGE_LOCK_READ;
    ImageFile *file = image_file_open(path, writable, lock, error);
    if (!file)
        return NULL;
    gboolean probed = format == NULL;
    if (probed)
        format = format_of_file(file, error);
    if (!format) {
        image_file_close(file);
        return NULL;
    }
    return open_in_chain(file, format, probed, flags, NULL, error);
}

gboolean image_close(Image *image, GError **error)
{
    if (!image)
        return TRUE;
    gboolean ok = TRUE;
    if (image->state)
        ok = image->format->close(image, error);
    image_close(image->backing, NULL);
    image_file_close(image->file);
    g_free(image->path);
    g_free(image->backing_file);
    g_free(image->backing_format);
    g_mutex_clear(&image->lock);
    g_free(image);
    return ok;
}

void image_free(Image *image)
{
    g_autoptr(GError) error = NULL;
    if (!image_close(image, &error))
        g_warning("%s", error->message);
}

guint64 image_size(const Image *image)
{
    return image->size;
}

const char *image_path(const Image *image)
{
    return image->path;
}

const char *image_format(const Image *image)
{
    return image->format->name;
}

gboolean image_is_writable(const Image *image)
{
    return image->writable;
}

guint32 image_cluster_size(const Image *image)
{
    return image->cluster_size;
}

guint32 image_granularity(const Image *image)
{
    return image->cluster_size ? image->cluster_size : 4096;
}

Image *image_backing(const Image *image)
{
    return image->backing;
}

guint image_chain_length(const Image *image)
{
    guint n = 0;
    for (; image; image = image->backing)
        n++;
    return n;
}

/* ---- Input and output ------------------------------------------------------------------------------------
 */

static gboolean check_range(Image *image, guint64 offset, guint64 length, GError **error)
{
    if (offset <= image->size && length <= image->size - offset)
        return TRUE;
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_RANGE,
                _("The range of %" PRIu64 " bytes at %" PRIu64 " lies beyond the end of “%s”."), length,
                offset, image->path);
    return FALSE;
}

static gboolean check_write(Image *image, guint64 offset, guint64 length, GError **error)
{
    if (!image->writable) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_READ_ONLY,
                    _("“%s” was opened for reading only and is not written."), image->path);
        return FALSE;
    }
    return check_range(image, offset, length, error);
}

gboolean image_pread(Image *image, guint64 offset, void *buffer, gsize length, GError **error)
{
    if (!check_range(image, offset, length, error))
        return FALSE;
    if (length == 0)
        return TRUE;
    g_mutex_lock(&image->lock);
    gboolean ok = image->format->pread(image, offset, buffer, length, error);
    g_mutex_unlock(&image->lock);
    return ok;
}

/* Lays the part of a write that touches the sector at @at over it. */
static gboolean overlay_sector(guint8 *sector, guint64 at, guint64 offset, const void *buffer, gsize length)
{
    guint64 low = MAX(at, offset), high = MIN(at + IMAGE_SECTOR, offset + length);
    if (low >= high)
        return FALSE;
    memcpy(sector + (low - at), (const guint8 *)buffer + (low - offset), high - low);
    return TRUE;
}

/* A guest's write must not turn a disk whose format was only guessed into "another format" at the next start.
 */
static gboolean guard_ends(Image *image, guint64 offset, const void *buffer, gsize length, GError **error)
{
    guint64 tail = image->size - MIN(image->size, IMAGE_SECTOR);
    if (offset >= IMAGE_SECTOR && offset + length <= tail)
        return TRUE;
    ImageEnds ends;
    if (!image_read_ends(image->file, &ends, error))
        return FALSE;
    overlay_sector(ends.head, 0, offset, buffer, length);
    overlay_sector(ends.tail, tail, offset, buffer, length);
    const ImageFormat *format = image_format_of_ends(&ends);
    if (format == &image_format_raw)
        return TRUE;
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                _("A write to the first or last sector of “%s” would make it look like a %s image, and its "
                  "format was only guessed. Open it as “raw” to allow that."),
                image->path, format->name);
    return FALSE;
}

gboolean image_pwrite(Image *image, guint64 offset, const void *buffer, gsize length, GError **error)
{
    if (!check_write(image, offset, length, error))
        return FALSE;
    if (length == 0)
        return TRUE;
    g_mutex_lock(&image->lock);
    gboolean ok = !image->guard_ends || guard_ends(image, offset, buffer, length, error);
    ok = ok && image->format->pwrite(image, offset, buffer, length, error);
    g_mutex_unlock(&image->lock);
    return ok;
}

gboolean image_flush(Image *image, GError **error)
{
    if (!image->writable)
        return TRUE;
    g_mutex_lock(&image->lock);
    gboolean ok = image->format->flush(image, error);
    g_mutex_unlock(&image->lock);
    return ok;
}

gboolean image_write_zeroes(Image *image, guint64 offset, guint64 length, GError **error)
{
    if (!check_write(image, offset, length, error))
        return FALSE;
    if (length == 0)
        return TRUE;
    g_mutex_lock(&image->lock);
    gboolean ok = image->format->write_zeroes(image, offset, length, error);
    g_mutex_unlock(&image->lock);
    return ok;
}

gboolean image_discard(Image *image, guint64 offset, guint64 length, GError **error)
{
    if (!check_write(image, offset, length, error))
        return FALSE;
    if (length == 0)
        return TRUE;
    g_mutex_lock(&image->lock);
    gboolean ok = image->format->discard(image, offset, length, error);
    g_mutex_unlock(&image->lock);
    return ok;
}

gboolean image_own_block_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                                GError **error)
{
    if (!check_range(image, offset, length, error))
        return FALSE;
    *status = (ImageBlockStatus){.host_offset = -1};
    if (length == 0) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_RANGE, _("The status of an empty range was asked for."));
        return FALSE;
    }
    g_mutex_lock(&image->lock);
    gboolean ok = image->format->status(image, offset, length, status, error);
    g_mutex_unlock(&image->lock);
    if (ok && status->block == IMAGE_BLOCK_UNALLOCATED)
        status->depth = 1;
    return ok;
}

gboolean image_block_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                            GError **error)
{
    guint depth = 0;
    for (;; depth++) {
        if (!image_own_block_status(image, offset, length, status, error))
            return FALSE;
        status->depth = depth;
        if (status->block != IMAGE_BLOCK_UNALLOCATED)
            return TRUE;
        status->depth = depth + 1;
        length = status->length;
        if (!image->backing || offset >= image->backing->size)
            return TRUE;
        image = image->backing;
        length = MIN(length, image->size - offset);
    }
}

void image_let_others_read(Image *image)
{
    if (!image->writable)
        g_mutex_unlock(&image->lock);
}

void image_read_alone(Image *image)
{
    if (!image->writable)
        g_mutex_lock(&image->lock);
}

gboolean image_read_shared(Image *image, ImageFile *file, guint64 offset, void *buffer, gsize length,
                           GError **error)
{
    if (length < 65536)
        return image_file_read(file, offset, buffer, length, error);
    image_let_others_read(image);
    gboolean ok = image_file_read(file, offset, buffer, length, error);
    image_read_alone(image);
    return ok;
}

gboolean image_read_backing(Image *image, guint64 offset, void *buffer, gsize length, GError **error)
{
    guint64 there = 0;
    if (image->backing && offset < image->backing->size)
        there = MIN(length, image->backing->size - offset);
    if (there > 0 && !image_pread(image->backing, offset, buffer, there, error))
        return FALSE;
    memset((guint8 *)buffer + there, 0, length - there);
    return TRUE;
}

gboolean image_backing_is_zero(Image *image, guint64 offset, guint64 length)
{
    if (!image->backing || offset >= image->backing->size)
        return TRUE;
    length = MIN(length, image->backing->size - offset);
    while (length > 0) {
        ImageBlockStatus status;
        if (!image_block_status(image->backing, offset, length, &status, NULL) ||
            status.block == IMAGE_BLOCK_DATA)
            return FALSE;
        offset += status.length;
        length -= status.length;
    }
    return TRUE;
}

gboolean image_buffer_is_zero(const void *buffer, gsize length)
{
    const guint8 *at = buffer;
    /* Data mostly shows itself at the start, in the middle or at the end. */
    if (length == 0)
        return TRUE;
    if (at[0] | at[length / 2] | at[length - 1])
        return FALSE;
    while (length >= 64) {
        guint64 word[8];
        memcpy(word, at, sizeof word);
        if (word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7])
            return FALSE;
        at += 64;
        length -= 64;
    }
    for (gsize i = 0; i < length; i++) {
        if (at[i])
            return FALSE;
    }
    return TRUE;
}

/* ---- Information, size, check ----------------------------------------------------------------------------
 */

void image_info_free(ImageInfo *info)
{
    if (!info)
        return;
    g_free(info->path);
    g_free(info->backing_file);
    g_free(info->backing_path);
    g_free(info->backing_format);
    g_strfreev(info->snapshots);
    g_free(info);
}

GPtrArray *image_list_snapshots(Image *image)
{
    if (!image->format->list_snapshots)
        return g_ptr_array_new_with_free_func((GDestroyNotify)image_snapshot_free);
    g_mutex_lock(&image->lock);
    GPtrArray *list = image->format->list_snapshots(image);
    g_mutex_unlock(&image->lock);
    return list;
}

void image_snapshot_free(ImageSnapshot *snapshot)
{
    if (!snapshot)
        return;
    g_free(snapshot->id);
    g_free(snapshot->name);
    g_free(snapshot);
}

Image *image_open_snapshot(const char *path, const char *format, const char *which, GError **error)
{
    Image *image = image_open(path, format, IMAGE_OPEN_READ_ONLY, error);
    if (!image)
        return NULL;
    gboolean ok = FALSE;
    if (!image->format->show_snapshot)
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” is a %s image, which has no internal snapshots."), path, image->format->name);
    else
        ok = image->format->show_snapshot(image, which, error);
    if (!ok)
        g_clear_pointer(&image, image_free);
    return image;
}

static gboolean info_of_file(ImageInfo *info, ImageFile *file, const ImageFormat *format, GError **error)
{
    info->path = g_strdup(file->path);
    info->format = format->name;
    return image_file_size(file, &info->file_size, error) && image_file_usage(file, &info->disk_usage, error);
}

ImageInfo *image_get_info(Image *image, GError **error)
{
    g_autoptr(ImageInfo) info = g_new0(ImageInfo, 1);
    if (!info_of_file(info, image->file, image->format, error))
        return NULL;
    info->size = image->size;
    info->cluster_size = image->cluster_size;
    info->backing_file = g_strdup(image->backing_file);
    info->backing_format = g_strdup(image->backing_format);
    if (image->backing_file)
        info->backing_path = image_resolve_backing(image->path, image->backing_file, NULL);
    g_mutex_lock(&image->lock);
    if (image->format->info)
        image->format->info(image, info);
    g_mutex_unlock(&image->lock);
    return g_steal_pointer(&info);
}

ImageInfo *image_read_info(const char *path, const char *format_name, GError **error)
{
    ImageFile *file = image_file_open(path, FALSE, IMAGE_LOCK_NONE, error);
    if (!file)
        return NULL;
    const ImageFormat *format =
        format_name ? image_format_find(format_name, error) : format_of_file(file, error);
    g_autoptr(ImageInfo) info = g_new0(ImageInfo, 1);
    gboolean ok = format && info_of_file(info, file, format, error);
    if (ok && format->read_info) {
        ok = format->read_info(file, info, error);
    } else if (ok) {
        /* the others tell by being opened */
        Image *image =
            image_open_file(g_steal_pointer(&file), format, IMAGE_OPEN_SHARE | IMAGE_OPEN_NO_BACKING, error);
        g_clear_pointer(&info, image_info_free);
        info = image ? image_get_info(image, error) : NULL;
        ok = info != NULL;
        image_close(image, NULL);
    }
    image_file_close(file);
    if (ok && info->backing_file && !info->backing_path)
        info->backing_path = image_resolve_backing(path, info->backing_file, NULL);
    return ok ? g_steal_pointer(&info) : NULL;
}

gboolean image_resize(Image *image, guint64 size, gboolean allow_shrink, GError **error)
{
    if (!check_write(image, 0, 0, error))
        return FALSE;
    if (!image->format->resize) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” is a %s image, whose size is not changed here. Convert it to qcow2 first."),
                    image->path, image->format->name);
        return FALSE;
    }
    if (size % IMAGE_SECTOR || size > IMAGE_MAX_SIZE) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("A disk of %" PRIu64 " bytes is not possible: choose a multiple of 512 bytes."), size);
        return FALSE;
    }
    if (size < image->size && !allow_shrink) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
            _("Making “%s” smaller destroys what stands behind the new end. Say that it may shrink, after "
              "the guest's file system was made smaller."),
            image->path);
        return FALSE;
    }
    g_mutex_lock(&image->lock);
    gboolean ok = (size == image->size || image->format->resize(image, size, allow_shrink, error)) &&
                  image->format->flush(image, error);
    g_mutex_unlock(&image->lock);
    return ok;
}

ImageCheck *image_check(Image *image, ImageRepair repair, const ImageJob *job, GError **error)
{
    if (repair != IMAGE_REPAIR_NONE && !check_write(image, 0, 0, error))
        return NULL;
    g_autoptr(ImageCheck) check = g_new0(ImageCheck, 1);
    check->messages = g_ptr_array_new_with_free_func(g_free);
    gboolean ok = TRUE;
    if (image->format->check) {
        g_mutex_lock(&image->lock);
        ok = image->format->check(image, repair, check, job, error);
        g_mutex_unlock(&image->lock);
    } else {
        ok = image_file_size(image->file, &check->image_end, error);
    }
    return ok ? g_steal_pointer(&check) : NULL;
}

void image_check_free(ImageCheck *check)
{
    if (!check)
        return;
    g_clear_pointer(&check->messages, g_ptr_array_unref);
    g_free(check);
}

void image_check_message(ImageCheck *check, const char *format, ...)
{
    if (check->messages->len >= 100)
        return;
    va_list args;
    va_start(args, format);
    g_ptr_array_add(check->messages, g_strdup_vprintf(format, args));
    va_end(args);
}

gboolean image_job_step(const ImageJob *job, guint64 done, guint64 total, GError **error)
{
    if (!job)
        return TRUE;
    if (job->progress)
        job->progress(done, total, job->user_data);
    if (job->cancellable && g_cancellable_is_cancelled(job->cancellable)) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_CANCELLED,
                    _("The work was stopped. The disk holds what it held before."));
        return FALSE;
    }
    return TRUE;
}
