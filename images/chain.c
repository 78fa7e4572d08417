/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work on chains of overlays: commit (an overlay's contents go into its base) and rebase (another base, the
 * same contents). Each step leaves a state in which the overlay shows what it showed before.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "images/internal.h"

#define CHUNK (2u << 20)

/* ---- Commit -------------------------------------------------------------------------------------
 */

/* Another image in @folder that stands on @base, or NULL. */
static char *other_child_in(const char *folder, const ImageFile *base, const ImageFile *overlay)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat st;
        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
            (st.st_dev == overlay->device && st.st_ino == overlay->inode))
            continue;
        g_autoptr(ImageInfo) info = image_read_info(path, NULL, NULL);
        if (info && info->backing_path && stat(info->backing_path, &st) == 0 && st.st_dev == base->device &&
            st.st_ino == base->inode)
            return g_steal_pointer(&path);
    }
    return NULL;
}

static gboolean unshared(Image *overlay, Image *base, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(overlay->path);
    g_autofree char *base_folder = g_path_get_dirname(base->path);
    g_autofree char *other = other_child_in(folder, base->file, overlay->file);
    if (!other)
        other = other_child_in(base_folder, base->file, overlay->file);
    if (!other)
        return TRUE;
    g_set_error(
        error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
        _("“%s” is not changed, because “%s” stands on it as well and would break. Commit into a new file "
          "instead (without --in-place)."),
        base->path, other);
    return FALSE;
}

/* @overlay without its chain: the base is open for writing here. */
static gboolean commit_into(Image *overlay, const ImageInfo *info, const ImageJob *job, GError **error)
{
    g_autofree char *path = image_resolve_backing(overlay->path, overlay->backing_file, error);
    if (!path)
        return FALSE;
    Image *base = image_open(path, overlay->backing_format, IMAGE_OPEN_WRITABLE, error);
    if (!base)
        return FALSE;
    base->guard_ends = FALSE; /* the overlay recorded, or knew, what it stands on */
    gboolean ok = unshared(overlay, base, error);
    if (ok && base->size < overlay->size)
        ok = image_resize(base, overlay->size, FALSE, error);
    ok = ok && image_put_ranges(overlay, base, image_own_block_status, job, error);
    const char *format = ok ? image_format(base) : NULL;
    if (!image_close(base, ok ? error : NULL))
        ok = FALSE;
    if (!ok)
        return FALSE;

    /* All of it stands in the base now; the overlay begins anew. */
    ImageCreateOptions options;
    image_options_like(overlay, info, &options);
    options.backing_file = overlay->backing_file;
    options.backing_format = format;
    ImageNewFile new_file;
    if (!image_new_file_begin(&new_file, overlay->path, FALSE, overlay->file, error))
        return FALSE;
    if (!overlay->format->create(new_file.file, &options, error)) {
        image_new_file_abort(&new_file);
        return FALSE;
    }
    return image_new_file_finish(&new_file, error) && image_job_step(job, 1, 1, error);
}

/* The overlay alone, for writing: nobody else may have it while it changes. */
static Image *open_alone(const char *path, const char *format_name, GError **error)
{
    ImageFile *file = image_file_open(path, TRUE, IMAGE_LOCK_WRITE, error);
    const char *name = file ? (format_name ? format_name : image_probe(path, error)) : NULL;
    const ImageFormat *format = name ? image_format_find(name, error) : NULL;
    if (!format) {
        image_file_close(file);
        return NULL;
    }
    return image_open_file(file, format, IMAGE_OPEN_WRITABLE | IMAGE_OPEN_NO_BACKING, error);
}

gboolean image_commit(const char *path, const char *format_name, const ImageJob *job, GError **error)
{
    g_autoptr(Image) image = open_alone(path, format_name, error);
    if (!image || !image_need_base(image, _("commit"), error))
        return FALSE;
    g_autoptr(ImageInfo) info = image_get_info(image, error);
    return info && image_refuse_snapshots(info, error) && commit_into(image, info, job, error);
}

/* ---- Rebase ----------------------------------------------------------------------------------------------
 */

static gboolean read_or_zero(Image *image, guint64 offset, guint8 *buffer, gsize length, GError **error)
{
    gsize have = image && offset < image->size ? MIN(length, image->size - offset) : 0;
    memset(buffer + have, 0, length - have);
    return have == 0 || image_pread(image, offset, buffer, have, error);
}

/* Copies into @image what stands below it now and would not in @base. */
static gboolean keep_contents(Image *image, Image *base, const ImageJob *job, GError **error)
{
    g_autofree guint8 *old = g_malloc(CHUNK), *new = g_malloc(CHUNK);
    gsize unit = image_granularity(image);
    image->explicit_zeroes = TRUE;
    for (guint64 at = 0; at < image->size;) {
        ImageBlockStatus status;
        if (!image_job_step(job, at, image->size, error) ||
            !image_own_block_status(image, at, image->size - at, &status, error))
            return FALSE;
        if (status.block != IMAGE_BLOCK_UNALLOCATED) {
            at += status.length;
            continue;
        }
        gsize length = MIN(status.length, CHUNK - (at & (CHUNK - 1)));
        if (!read_or_zero(image->backing, at, old, length, error) ||
            !read_or_zero(base, at, new, length, error))
            return FALSE;
        for (gsize k = 0; k < length; k += unit) {
            gsize n = MIN(unit, length - k);
            if (memcmp(old + k, new + k, n) == 0)
                continue;
            gboolean ok = image_buffer_is_zero(old + k, n) ? image_write_zeroes(image, at + k, n, error)
                                                           : image_pwrite(image, at + k, old + k, n, error);
            if (!ok)
                return FALSE;
        }
        at += length;
    }
    return image_flush(image, error);
}

gboolean image_rebase(const char *path, const char *format_name, const char *backing_file,
                      const char *backing_format, gboolean unsafe, const ImageJob *job, GError **error)
{
    g_autoptr(Image) image = NULL;
    g_autoptr(Image) base = NULL;
    if (backing_file && !*backing_file)
        backing_file = NULL;
    image = unsafe ? open_alone(path, format_name, error)
                   : image_open(path, format_name, IMAGE_OPEN_WRITABLE, error);
    if (!image)
        return FALSE;
    if (!image->format->set_backing) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("“%s” is a %s image, which cannot stand on another. Convert it to qcow2 first."), path,
                    image->format->name);
        return FALSE;
    }
    if (backing_file) {
        g_autofree char *resolved = image_resolve_backing(path, backing_file, error);
        if (!resolved)
            return FALSE;
        if (!backing_format && !(backing_format = image_probe(resolved, error)))
            return FALSE;
        if (!image_format_find(backing_format, error))
            return FALSE;
        if (!unsafe) {
            base = image_open(resolved, backing_format, IMAGE_OPEN_READ_ONLY, error);
            if (!base)
                return FALSE;
        }
    }
    if (!unsafe && !keep_contents(image, base, job, error))
        return FALSE;
    g_mutex_lock(&image->lock);
    gboolean ok = image->format->set_backing(image, backing_file, backing_format, error);
    g_mutex_unlock(&image->lock);
    return ok && image_close(g_steal_pointer(&image), error) && image_job_step(job, 1, 1, error);
}
