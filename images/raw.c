/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raw images: the disk's bytes as they are, in a sparse file or on a block device. A hole of the file is a
 * range of zeros.
 */
#include <errno.h>
#include <string.h>

#include "images/internal.h"

typedef struct RawState {
    guint64 file_size;
} RawState;

static gboolean raw_open(Image *image, GError **error)
{
    RawState *s = g_new0(RawState, 1);
    image->state = s;
    if (!image_file_size(image->file, &s->file_size, error))
        return FALSE;
    if (s->file_size > IMAGE_MAX_SIZE) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT, _("“%s” is too long to be a disk."), image->path);
        return FALSE;
    }
    image->size = image_align_up(s->file_size, IMAGE_SECTOR);
    return TRUE;
}

static gboolean raw_close(Image *image, GError **error)
{
    gboolean ok = !image->writable || image_file_sync(image->file, error);
    g_clear_pointer(&image->state, g_free);
    return ok;
}

static gboolean raw_pread(Image *image, guint64 offset, void *buffer, gsize length, GError **error)
{
    return image_read_shared(image, image->file, offset, buffer, length, error);
}

static gboolean raw_pwrite(Image *image, guint64 offset, const void *buffer, gsize length, GError **error)
{
    RawState *s = image->state;
    if (!image_file_write(image->file, offset, buffer, length, error))
        return FALSE;
    s->file_size = MAX(s->file_size, offset + length);
    return TRUE;
}

static gboolean raw_flush(Image *image, GError **error)
{
    return image_file_sync(image->file, error);
}

static gboolean raw_zero(Image *image, guint64 offset, guint64 length, GError **error)
{
    return image_file_zero(image->file, offset, length, TRUE, error);
}

static gboolean raw_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                           GError **error)
{
    gboolean data;
    guint64 end;
    if (!image_file_extent(image->file, offset, &data, &end, error))
        return FALSE;
    status->block = data ? IMAGE_BLOCK_DATA : IMAGE_BLOCK_ZERO;
    status->length = MIN(length, end - offset);
    status->host_offset = data ? (gint64)offset : -1;
    return TRUE;
}

static gboolean raw_resize(Image *image, guint64 size, gboolean allow_shrink, GError **error)
{
    RawState *s = image->state;
    if (!image->file->regular) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED, _("“%s” is a device; its size is fixed."),
                    image->path);
        return FALSE;
    }
    if (size > image->size && s->file_size < image->size &&
        !image_file_truncate(image->file, image->size, error))
        return FALSE;
    if (!image_file_truncate(image->file, size, error) || !image_file_sync(image->file, error))
        return FALSE;
    s->file_size = size;
    image->size = size;
    return TRUE;
}

static gboolean raw_create(ImageFile *file, const ImageCreateOptions *options, GError **error)
{
    if (!image_refuse_backing(options, "raw", error))
        return FALSE;
    if (options->preallocation == IMAGE_PREALLOCATION_METADATA) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("A raw image has no tables to preallocate. Choose “falloc” or “full”."));
        return FALSE;
    }
    return image_file_truncate(file, options->size, error) &&
           image_preallocate(file, 0, options->size, options->preallocation, error);
}

const ImageFormat image_format_raw = {
    .name = "raw",
    .open = raw_open,
    .close = raw_close,
    .pread = raw_pread,
    .pwrite = raw_pwrite,
    .flush = raw_flush,
    .write_zeroes = raw_zero,
    .discard = raw_zero,
    .status = raw_status,
    .resize = raw_resize,
    .create = raw_create,
};
