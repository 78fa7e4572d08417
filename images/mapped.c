/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all formats made of blocks do alike, once they can say where a range of the disk stands: reading,
 * writing in place or into a new block, zeros, status, and a check that no two blocks share a place.
 */
#include <string.h>

#include "images/internal.h"

gboolean image_damaged(ImageFile *file, GError **error, const char *what)
{
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
                _("“%s” is damaged: %s. Take the file from a backup."), file->path, what);
    return FALSE;
}

/* The run at @offset with those that follow it in the same place. */
static gboolean map_far(Image *image, guint64 offset, guint64 length, ImageRun *run, GError **error)
{
    *run = (ImageRun){0};
    if (!image->format->map(image, offset, length, run, error))
        return FALSE;
    run->length = MIN(run->length, length);
    while (!run->compressed && run->length < length) {
        ImageRun next = {0};
        if (!image->format->map(image, offset + run->length, length - run->length, &next, NULL) ||
            next.compressed || next.block != run->block)
            break;
        if (run->block == IMAGE_BLOCK_DATA &&
            (next.file != run->file || next.host != run->host + run->length))
            break;
        run->length += MIN(next.length, length - run->length);
    }
    return TRUE;
}

gboolean image_mapped_pread(Image *image, guint64 offset, void *buffer, gsize length, GError **error)
{
    guint8 *at = buffer;
    while (length > 0) {
        ImageRun run;
        if (!map_far(image, offset, length, &run, error))
            return FALSE;
        gsize n = run.length;
        gboolean ok = TRUE;
        if (run.block == IMAGE_BLOCK_UNALLOCATED)
            ok = image_read_backing(image, offset, at, n, error);
        else if (run.block == IMAGE_BLOCK_ZERO)
            memset(at, 0, n);
        else if (run.compressed)
            ok = image->format->unpack(image, offset, &run, at, n, error);
        else
            ok = image_read_shared(image, run.file, run.host, at, n, error);
        if (!ok)
            return FALSE;
        at += n;
        offset += n;
        length -= n;
    }
    return TRUE;
}

/* ---- Writing ---------------------------------------------------------------------------------------------
 */

/* The write into a block that has no place yet. */
static gboolean write_new(Image *image, guint64 offset, const void *buffer, gsize length, gsize *done,
                          GError **error)
{
    ImagePlace place = {0};
    if (!image->format->allocate(image, offset, &place, error))
        return FALSE;
    guint64 end = MIN(place.offset + place.length, image->size);
    gsize n = MIN(length, end - offset);
    gsize head = 0, tail = 0;
    g_autofree guint8 *copy = NULL;
    if (image->backing) {
        head = offset - place.offset;
        tail = end - (offset + n);
        copy = g_malloc(MAX(head + tail, 1));
        if ((head && !image_mapped_pread(image, place.offset, copy, head, error)) ||
            (tail && !image_mapped_pread(image, offset + n, copy + head, tail, error)))
            return FALSE;
    }
    struct iovec iov[] = {{copy, head}, {(void *)(guintptr)buffer, n}, {copy ? copy + head : NULL, tail}};
    guint64 from = place.host + (offset - place.offset) - head;
    guint64 size;
    if (!image_file_writev(place.file, from, iov, G_N_ELEMENTS(iov), error) ||
        !image_file_size(place.file, &size, error))
        return FALSE;
    /* whole blocks, as every reader expects */
    if (size < place.host + place.length &&
        !image_file_truncate(place.file, place.host + place.length, error))
        return FALSE;
    *done = n;
    return image->format->bind(image, &place, error);
}

gboolean image_mapped_pwrite(Image *image, guint64 offset, const void *buffer, gsize length, GError **error)
{
    const guint8 *at = buffer;
    while (length > 0) {
        ImageRun run;
        if (!map_far(image, offset, length, &run, error))
            return FALSE;
        gsize n = run.length;
        gboolean ok;
        if (run.block != IMAGE_BLOCK_DATA)
            ok = write_new(image, offset, at, n, &n, error);
        else
            ok = image_file_write(run.file, run.host, at, n, error);
        if (!ok)
            return FALSE;
        at += n;
        offset += n;
        length -= n;
    }
    return TRUE;
}

static gboolean zero_bytes(Image *image, guint64 offset, guint64 length, GError **error)
{
    g_autofree guint8 *zeros = g_malloc0(MIN(length, 1u << 20));
    while (length > 0) {
        gsize n = MIN(length, 1u << 20);
        if (!image_mapped_pwrite(image, offset, zeros, n, error))
            return FALSE;
        offset += n;
        length -= n;
    }
    return TRUE;
}

gboolean image_mapped_zero(Image *image, guint64 offset, guint64 length, GError **error)
{
    while (length > 0) {
        ImageRun run;
        if (!map_far(image, offset, length, &run, error))
            return FALSE;
        gboolean ok = TRUE;
        if (run.block == IMAGE_BLOCK_DATA)
            ok = image_file_zero(run.file, run.host, run.length, TRUE, error);
        else if (run.block == IMAGE_BLOCK_UNALLOCATED && image->backing)
            ok = zero_bytes(image, offset, run.length, error);
        if (!ok)
            return FALSE;
        offset += run.length;
        length -= run.length;
    }
    return TRUE;
}

gboolean image_mapped_discard(Image *image, guint64 offset, guint64 length, GError **error)
{
    while (length > 0) {
        ImageRun run;
        if (!map_far(image, offset, length, &run, error) ||
            (run.block == IMAGE_BLOCK_DATA && !image_file_zero(run.file, run.host, run.length, TRUE, error)))
            return FALSE;
        offset += run.length;
        length -= run.length;
    }
    return TRUE;
}

/* ---- Status and check ------------------------------------------------------------------------------------
 */

gboolean image_mapped_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                             GError **error)
{
    ImageRun run;
    if (!map_far(image, offset, length, &run, error))
        return FALSE;
    status->block = run.block;
    status->compressed = run.compressed;
    status->length = run.length;
    status->host_offset =
        run.block == IMAGE_BLOCK_DATA && !run.compressed && run.file == image->file ? (gint64)run.host : -1;
    return TRUE;
}

gboolean image_mapped_check(Image *image, ImageRepair repair, ImageCheck *check, const ImageJob *job,
                            GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    guint64 next = 0, unit = image->cluster_size ? image->cluster_size : image->size;
    if (!image_file_size(image->file, &check->image_end, error))
        return FALSE;
    for (guint64 at = 0, step; at < image->size; at += step) {
        ImageRun run = {0};
        g_autoptr(GError) bad = NULL;
        if (!image_job_step(job, at, image->size, error))
            return FALSE;
        step = MIN(unit, image->size - at);
        if (!image->format->map(image, at, image->size - at, &run, &bad)) {
            check->corruptions++;
            image_check_message(check, "%s", bad->message);
            continue;
        }
        if (run.block != IMAGE_BLOCK_DATA) {
            step = MIN(run.length, image->size - at);
            check->total_clusters += (step + unit - 1) / unit;
            continue;
        }
        check->total_clusters++;
        check->allocated_clusters++;
        check->compressed_clusters += run.compressed;
        check->fragmented_clusters += !run.compressed && next && run.host != next;
        next = run.host + unit;
        if (run.compressed || run.file != image->file)
            continue;
        if (!g_hash_table_add(seen, g_memdup2(&run.host, sizeof run.host))) {
            check->corruptions++;
            image_check_message(check, "%s (%" PRIu64 ")", _("Two parts of the disk share one place"), at);
        }
    }
    return TRUE;
}
