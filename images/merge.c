/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trees of overlays, where each node is a file: a node and the one it stands on become one, what a chain
 * consists of, and what each of its files adds. Deleting an inner node of a tree is image_merge() for each of
 * its children, then removing the node's file.
 */
#include <string.h>

#include "images/internal.h"

#define CHUNK           (2u << 20)
#define WRITEBACK_EVERY (32u << 20)

char *image_backing_name_for(const char *overlay, const char *target)
{
    g_autofree char *from = g_canonicalize_filename(overlay, NULL);
    g_autofree char *to = g_canonicalize_filename(target, NULL);
    g_autofree char *from_folder = g_path_get_dirname(from);
    g_autofree char *to_folder = g_path_get_dirname(to);
    return g_str_equal(from_folder, to_folder) ? g_path_get_basename(to) : g_steal_pointer(&to);
}

gboolean image_create_overlay(const char *path, const char *base, const char *base_format, GError **error)
{
    g_autofree char *name = image_backing_name_for(path, base);
    const ImageCreateOptions options = {.backing_file = name, .backing_format = base_format};
    return image_create(path, "qcow2", &options, error);
}

void image_options_like(Image *image, const ImageInfo *info, ImageCreateOptions *options)
{
    *options = (ImageCreateOptions){
        .size = image->size,
        .cluster_size = info->cluster_size,
        .version = info->version,
        .refcount_bits = info->version == 2 ? 0 : info->refcount_bits,
        .lazy_refcounts = info->lazy_refcounts,
        .extended_l2 = info->extended_l2,
        .compression = info->compression,
    };
}

gboolean image_refuse_snapshots(const ImageInfo *info, GError **error)
{
    if (!info->snapshots)
        return TRUE;
    g_set_error(
        error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
        _("“%s” holds internal snapshots, which would be lost. Delete them first, with the program that made "
          "them."),
        info->path);
    return FALSE;
}

gboolean image_need_base(Image *image, const char *what, GError **error)
{
    if (image->backing_file)
        return TRUE;
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                _("“%s” stands on no other image: there is nothing to %s."), image->path, what);
    return FALSE;
}

/* ---- One image's ranges in another -----------------------------------------------------------------------
 */

typedef gboolean (*RangeFunc)(Image *from, Image *to, ImageBlock block, guint64 offset, guint8 *buffer,
                              guint64 length, GError **error);

static gboolean put_range(Image *from, Image *to, ImageBlock block, guint64 offset, guint8 *buffer,
                          guint64 length, GError **error)
{
    if (block == IMAGE_BLOCK_ZERO)
        return image_write_zeroes(to, offset, length, error);
    return image_pread(from, offset, buffer, length, error) &&
           image_pwrite(to, offset, buffer, length, error);
}

static gboolean verify_range(Image *from, Image *to, ImageBlock block, guint64 offset, guint8 *buffer,
                             guint64 length, GError **error)
{
    if (!image_pread(to, offset, buffer, length, error))
        return FALSE;
    gboolean same;
    if (block == IMAGE_BLOCK_ZERO) {
        same = image_buffer_is_zero(buffer, length);
    } else {
        g_autofree guint8 *own = g_malloc(length);
        if (!image_pread(from, offset, own, length, error))
            return FALSE;
        same = memcmp(own, buffer, length) == 0;
    }
    if (!same)
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_DIFFERS,
                    _("What was written to “%s” is not what the disk gives back (byte %" PRIu64
                      "). The overlay “%s” was kept. Check the host's disk."),
                    to->path, offset, from->path);
    return same;
}

static gboolean each_range(Image *from, Image *to, ImageStatusFunc own_status, RangeFunc func,
                           const ImageJob *job, guint64 done, GError **error)
{
    g_autofree guint8 *buffer = g_malloc(CHUNK);
    guint64 written = 0;
    for (guint64 at = 0; at < from->size;) {
        ImageBlockStatus status;
        if (!image_job_step(job, done + at, from->size * 2, error) ||
            !own_status(from, at, from->size - at, &status, error))
            return FALSE;
        guint64 length = status.length;
        if (status.block != IMAGE_BLOCK_UNALLOCATED) {
            length = MIN(length, CHUNK);
            if (!func(from, to, status.block, at, buffer, length, error))
                return FALSE;
            written += length;
        }
        at += length;
        if (written >= WRITEBACK_EVERY) {
            image_file_start_writeback(to->file);
            written = 0;
        }
    }
    return TRUE;
}

gboolean image_put_ranges(Image *from, Image *to, ImageStatusFunc own_status, const ImageJob *job,
                          GError **error)
{
    return each_range(from, to, own_status, put_range, job, 0, error) && image_flush(to, error) &&
           each_range(from, to, own_status, verify_range, job, from->size, error);
}

/* ---- Merge -----------------------------------------------------------------------------------------------
 */

/* What overlay and base together say of the range, without what the base stands on. */
static gboolean pair_status(Image *overlay, guint64 offset, guint64 length, ImageBlockStatus *status,
                            GError **error)
{
    Image *base = overlay->backing;
    if (!image_own_block_status(overlay, offset, length, status, error))
        return FALSE;
    if (status->block != IMAGE_BLOCK_UNALLOCATED)
        return TRUE;
    length = status->length;
    if (offset < base->size)
        return image_own_block_status(base, offset, MIN(length, base->size - offset), status, error);
    /* behind the base's end: zeros, which a longer grandparent must not fill */
    status->block =
        base->backing && offset < base->backing->size ? IMAGE_BLOCK_ZERO : IMAGE_BLOCK_UNALLOCATED;
    return TRUE;
}

static gboolean merge_into(Image *overlay, ImageNewFile *new_file, const ImageCreateOptions *options,
                           const ImageJob *job, GError **error)
{
    guint64 bytes = 0;
    for (guint64 at = 0; at < overlay->size;) {
        ImageBlockStatus status;
        if (!pair_status(overlay, at, overlay->size - at, &status, error))
            return FALSE;
        if (status.block == IMAGE_BLOCK_DATA)
            bytes += status.length;
        at += status.length;
    }
    const ImageFormat *format = overlay->format;
    if (!image_check_space(new_file->path, bytes + format->overhead(NULL, bytes), error) ||
        !format->create(new_file->file, options, error))
        return FALSE;
    Image *target = image_open_file(g_steal_pointer(&new_file->file), format, IMAGE_OPEN_WRITABLE, error);
    if (!target)
        return FALSE;
    target->explicit_zeroes = TRUE;
    gboolean ok = image_put_ranges(overlay, target, pair_status, job, error) && image_job_step(job, 1, 1, error);
    if (!image_close(target, ok ? error : NULL))
        ok = FALSE;
    return ok;
}

gboolean image_merge(const char *path, const char *format_name, const ImageJob *job, GError **error)
{
    /* For writing: nobody else may have it while it changes. */
    g_autoptr(Image) image = image_open(path, format_name, IMAGE_OPEN_WRITABLE, error);
    if (!image || !image_need_base(image, _("merge"), error))
        return FALSE;
    g_autoptr(ImageInfo) info = image_get_info(image, error);
    if (!info || !image_refuse_snapshots(info, error))
        return FALSE;
    ImageCreateOptions options;
    g_autofree char *name = NULL;
    Image *below = image->backing->backing;
    image_options_like(image, info, &options);
    if (below) {
        name = image_backing_name_for(image->path, below->path);
        options.backing_file = name;
        options.backing_format = below->format->name;
    }
    ImageNewFile new_file;
    if (!image_new_file_begin(&new_file, image->path, FALSE, image->file, error))
        return FALSE;
    if (!merge_into(image, &new_file, &options, job, error)) {
        image_new_file_abort(&new_file);
        return FALSE;
    }
    return image_new_file_finish(&new_file, error);
}

/* ---- Compact ---------------------------------------------------------------------------------------------
 */

gboolean image_compact(const char *path, const char *format_name, gboolean compress, const ImageJob *job,
                       GError **error)
{
    g_autoptr(Image) image = image_open(path, format_name, IMAGE_OPEN_WRITABLE, error);
    g_autoptr(ImageInfo) info = image ? image_get_info(image, error) : NULL;
    ImageConvertOptions options = {.compress = compress, .verify = TRUE};
    ImageNewFile new_file;
    if (!info || !image_refuse_snapshots(info, error))
        return FALSE;
    image_options_like(image, info, &options.create);
    options.create.backing_file = info->backing_file;
    options.create.backing_format = image->backing ? image->backing->format->name : NULL;
    if (!image_create_options_check(image->format, path, &options.create, error) ||
        !image_new_file_begin(&new_file, image->path, FALSE, image->file, error))
        return FALSE;
    if (!image_convert_into(image, &new_file, image->format, &options, job, error)) {
        image_new_file_abort(&new_file);
        return FALSE;
    }
    return image_new_file_finish(&new_file, error);
}

/* ---- What a chain consists of ----------------------------------------------------------------------------
 */

GPtrArray *image_chain(const char *path, const char *format, GError **error)
{
    g_autoptr(GPtrArray) chain = g_ptr_array_new_with_free_func((GDestroyNotify)image_info_free);
    g_autofree char *at = g_strdup(path), *its_format = g_strdup(format);
    while (at) {
        if (chain->len >= IMAGE_MAX_CHAIN) {
            g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
                        _("“%s” stands on a chain of more than %d images, or on one that runs in a circle. "
                          "Give it its right base again (rebase)."),
                        path, IMAGE_MAX_CHAIN);
            return NULL;
        }
        ImageInfo *info = image_read_info(at, its_format, error);
        if (!info) {
            if (chain->len)
                g_prefix_error(error, _("The backing file of “%s” is missing or unreadable. "),
                               ((ImageInfo *)chain->pdata[chain->len - 1])->path);
            return NULL;
        }
        g_ptr_array_add(chain, info);
        g_free(at);
        g_free(its_format);
        at = its_format = NULL;
        if (info->backing_file && !(at = image_resolve_backing(info->path, info->backing_file, error)))
            return NULL;
        its_format = g_strdup(info->backing_format);
    }
    return g_steal_pointer(&chain);
}

gboolean image_usage(Image *image, ImageUsage *usage, const ImageJob *job, GError **error)
{
    *usage = (ImageUsage){0};
    if (!image_file_usage(image->file, &usage->disk_bytes, error))
        return FALSE;
    for (guint64 at = 0; at < image->size;) {
        ImageBlockStatus status;
        if (!image_job_step(job, at, image->size, error) ||
            !image_block_status(image, at, image->size - at, &status, error))
            return FALSE;
        if (status.depth == 0 && status.block == IMAGE_BLOCK_DATA)
            usage->own_bytes += status.length;
        else if (status.depth == 0 && status.block == IMAGE_BLOCK_ZERO)
            usage->own_zero_bytes += status.length;
        else if (status.block == IMAGE_BLOCK_DATA)
            usage->shared_bytes += status.length;
        at += status.length;
    }
    return image_job_step(job, 1, 1, error);
}
