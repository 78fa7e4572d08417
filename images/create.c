/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Creating images: the options are checked once for all formats, and the name appears with the whole file. */
#include <string.h>
#include <unistd.h>

#include "images/internal.h"

/* Finds size and format of the base that a new overlay names. */
static gboolean look_at_backing(const char *path, ImageCreateOptions *options, GError **error)
{
    g_autofree char *backing = image_resolve_backing(path, options->backing_file, error);
    if (!backing)
        return FALSE;
    if (!options->backing_format) {
        options->backing_format = image_probe(backing, error);
        if (!options->backing_format)
            return FALSE;
    }
    /* Whoever knows the size may make an overlay ahead of time, of a base that is still being written. */
    g_autoptr(Image) base = image_open(backing, options->backing_format,
                                       options->size ? IMAGE_OPEN_SHARE : IMAGE_OPEN_READ_ONLY, error);
    if (!base) {
        g_prefix_error(error, _("“%s” cannot be the base of a new overlay. "), backing);
        return FALSE;
    }
    if (options->size == 0)
        options->size = image_size(base);
    return TRUE;
}

gboolean image_create_options_check(const ImageFormat *format, const char *path, ImageCreateOptions *o,
                                    GError **error)
{
    if (!format->create) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("New images of the format %s cannot be made here. Choose qcow2 or raw."), format->name);
        return FALSE;
    }
    if (o->backing_file && !*o->backing_file)
        o->backing_file = NULL;
    if (o->backing_file && !look_at_backing(path, o, error))
        return FALSE;
    if (o->size % IMAGE_SECTOR || o->size > IMAGE_MAX_SIZE) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("A disk of %" PRIu64 " bytes is not possible: choose a multiple of 512 bytes."),
                    o->size);
        return FALSE;
    }
    if (o->preallocation == IMAGE_PREALLOCATION_FALLOC || o->preallocation == IMAGE_PREALLOCATION_FULL) {
        guint64 extra = format->overhead ? format->overhead(NULL, o->size) : 0;
        if (!image_check_space(path, o->size + extra, error))
            return FALSE;
    }
    return TRUE;
}

gboolean image_refuse_backing(const ImageCreateOptions *options, const char *format, GError **error)
{
    if (!options->backing_file)
        return TRUE;
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                _("A new %s image cannot stand on a backing file. Choose qcow2 for an overlay."), format);
    return FALSE;
}

gboolean image_preallocate(ImageFile *file, guint64 offset, guint64 length, ImagePreallocation how,
                           GError **error)
{
    if (length == 0 || how == IMAGE_PREALLOCATION_OFF || how == IMAGE_PREALLOCATION_METADATA)
        return TRUE;
    if (how == IMAGE_PREALLOCATION_FALLOC)
        return image_file_allocate(file, offset, length, error);
    gsize step = MIN(length, 1u << 20);
    g_autofree guint8 *zeros = g_malloc0(step);
    for (guint64 done = 0; done < length; done += step) {
        if (!image_file_write(file, offset + done, zeros, MIN(step, length - done), error))
            return FALSE;
    }
    return TRUE;
}

/* The contents get their name first: an image that can be seen is whole. */
static gboolean make_with_part(ImageNewFile *image, const char *part, const ImageFormat *format,
                               const ImageCreateOptions *options, ImageFill fill, gpointer data, GError **error)
{
    ImageNewFile contents;
    if (g_file_test(part, G_FILE_TEST_EXISTS)) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_EXISTS,
                    _("“%s”, where the contents shall stand, is there already and may be another image's. Remove "
                      "it, or choose another name."),
                    part);
        return FALSE;
    }
    if (!image_new_file_begin(&contents, part, FALSE, NULL, error))
        return FALSE;
    if (!fill(&contents, &image_format_raw, data, error) || !format->create(image->file, options, error)) {
        image_new_file_abort(&contents);
        return FALSE;
    }
    if (!image_new_file_finish(&contents, error))
        return FALSE;
    if (image_new_file_finish(image, error))
        return TRUE;
    unlink(part);
    return FALSE;
}

gboolean image_make(const char *path, const ImageFormat *format, const ImageCreateOptions *options,
                    ImageFill fill, gpointer data, GError **error)
{
    g_autofree char *part = NULL;
    ImageNewFile image;
    if (!image_new_file_begin(&image, path, options->overwrite, NULL, error))
        return FALSE;
    gboolean ok = !format->part || format->part(image.path, options, &part, error);
    if (ok && part)
        ok = make_with_part(&image, part, format, options, fill, data, error);
    else if (ok)
        ok = fill(&image, format, data, error) && image_new_file_finish(&image, error);
    if (!ok)
        image_new_file_abort(&image);
    return ok;
}

static gboolean fill_empty(ImageNewFile *file, const ImageFormat *format, gpointer options, GError **error)
{
    return format->create(file->file, options, error);
}

gboolean image_create(const char *path, const char *format_name, const ImageCreateOptions *options,
                      GError **error)
{
    const ImageFormat *format = image_format_find(format_name, error);
    ImageCreateOptions o = options ? *options : (ImageCreateOptions){0};
    if (!format || !image_create_options_check(format, path, &o, error))
        return FALSE;
    return image_make(path, format, &o, fill_empty, &o, error);
}
