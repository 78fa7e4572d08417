/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qcow2: compressed clusters ("Compressed Clusters Descriptor"): raw deflate or zstd, stored back to back in
 * sectors of 512 bytes. Each descriptor is one reference to every cluster of the file that it touches.
 */
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "images/qcow2/qcow2.h"

#define DEFLATE_WINDOW_BITS (-12) /* what every reader of the format takes */
#define INFLATE_WINDOW_BITS (-15) /* and what any writer may have used */

static gboolean inflate_cluster(Qcow2 *q, gsize length)
{
    z_stream *z = q->inflater;
    if (!z) {
        z = g_new0(z_stream, 1);
        if (inflateInit2(z, INFLATE_WINDOW_BITS) != Z_OK) {
            g_free(z);
            return FALSE;
        }
        q->inflater = z;
    } else if (inflateReset(z) != Z_OK) {
        return FALSE;
    }
    z->next_in = q->packed;
    z->avail_in = (uInt)length;
    z->next_out = q->unpacked;
    z->avail_out = q->cluster_size;
    int rc = inflate(z, Z_FINISH);
    /* The stream's end is not marked by the length: a full cluster is what counts. */
    return (rc == Z_STREAM_END || rc == Z_BUF_ERROR || rc == Z_OK) && z->avail_out == 0;
}

static gboolean unzstd_cluster(Qcow2 *q, gsize length)
{
    ZSTD_DCtx *context = q->zstd;
    if (!context) {
        context = ZSTD_createDCtx();
        if (!context)
            return FALSE;
        q->zstd = context;
    }
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
    ZSTD_inBuffer in = {q->packed, length, 0};
    ZSTD_outBuffer out = {q->unpacked, q->cluster_size, 0};
    while (out.pos < out.size) {
        gsize before_in = in.pos, before_out = out.pos;
        gsize rc = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(rc) || (in.pos == before_in && out.pos == before_out))
            return FALSE;
    }
    return TRUE;
}

gboolean qcow2_uncompress(Qcow2 *q, guint64 entry, GError **error)
{
    guint64 offset, length;
    qcow2_compressed_range(q, entry, &offset, &length);
    if (q->unpacked_offset == offset && offset)
        return TRUE;
    q->unpacked_offset = 0;
    guint64 file_size;
    if (!image_file_size(q->file, &file_size, error))
        return FALSE;
    if (offset >= file_size)
        return qcow2_corrupt(q, error, _("compressed data should stand at byte %" PRIu64), offset);
    if (!q->unpacked)
        q->unpacked = g_malloc(q->cluster_size);
    if (q->packed_size < length) {
        g_free(q->packed);
        q->packed = g_malloc(length);
        q->packed_size = length;
    }
    if (!image_file_read(q->file, offset, q->packed, length, error))
        return FALSE;
    gboolean ok =
        q->header.compression == QCOW2_ZSTD ? unzstd_cluster(q, length) : inflate_cluster(q, length);
    if (!ok) {
        /* only this cluster is lost: not a reason to stop all writing */
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
                    _("“%s” is damaged: the compressed data at byte %" PRIu64
                      " cannot be unpacked. Restore it from a backup."),
                    q->image->path, offset);
        return FALSE;
    }
    q->unpacked_offset = offset;
    return TRUE;
}

void qcow2_compress_clear(Qcow2 *q)
{
    if (q->inflater) {
        inflateEnd(q->inflater);
        g_clear_pointer(&q->inflater, g_free);
    }
    if (q->zstd)
        ZSTD_freeDCtx(q->zstd);
    q->zstd = NULL;
    gpointer state;
    while (q->packers && (state = g_async_queue_try_pop(q->packers))) {
        if (q->header.compression == QCOW2_ZSTD) {
            ZSTD_freeCCtx(state);
        } else {
            deflateEnd(state);
            g_free(state);
        }
    }
    g_clear_pointer(&q->packers, g_async_queue_unref);
    g_clear_pointer(&q->unpacked, g_free);
    g_clear_pointer(&q->packed, g_free);
}

static gsize deflate_cluster(z_stream *z, const void *data, gsize length, void *out, gsize room)
{
    if (deflateReset(z) != Z_OK)
        return 0;
    z->next_in = (Bytef *)(guintptr)data;
    z->avail_in = (uInt)length;
    z->next_out = out;
    z->avail_out = (uInt)room;
    return deflate(z, Z_FINISH) == Z_STREAM_END ? room - z->avail_out : 0;
}

/* States are large and many threads want one each: those that are idle wait in a queue. */
gsize qcow2_compress(Image *image, const void *data, void *out)
{
    Qcow2 *q = image->state;
    gsize room = q->cluster_size - 1, n = 0;
    gpointer state = g_async_queue_try_pop(q->packers);
    if (q->header.compression == QCOW2_ZSTD) {
        if (!state)
            state = ZSTD_createCCtx();
        if (!state)
            return 0;
        n = ZSTD_compressCCtx(state, out, room, data, q->cluster_size, ZSTD_CLEVEL_DEFAULT);
        if (ZSTD_isError(n))
            n = 0;
    } else {
        if (!state) {
            z_stream *z = g_new0(z_stream, 1);
            if (deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, DEFLATE_WINDOW_BITS, 9,
                             Z_DEFAULT_STRATEGY) != Z_OK) {
                g_free(z);
                return 0;
            }
            state = z;
        }
        n = deflate_cluster(state, data, q->cluster_size, out, room);
    }
    g_async_queue_push(q->packers, state);
    return n;
}

/* Room for @length bytes: behind the last compressed data where that works, else in a new cluster. */
static gboolean alloc_packed(Qcow2 *q, gsize length, guint64 *offset, guint64 *first, guint64 *last,
                             GError **error)
{
    guint64 tail = q->compressed_tail;
    guint64 room = tail & (q->cluster_size - 1) ? q->cluster_size - (tail & (q->cluster_size - 1)) : 0;
    guint64 cluster = tail >> q->cluster_bits, count = 0;
    if (room) {
        if (!qcow2_refcount_get(q, cluster, &count, error))
            return FALSE;
        if (count == 0 || count >= q->refcount_max)
            room = 0;
    }
    if (room && length <= room) {
        if (!qcow2_refcount_set(q, cluster, count + 1, error))
            return FALSE;
        *offset = tail;
        *first = *last = cluster;
        return TRUE;
    }
    guint64 fresh, n;
    if (!qcow2_alloc(q, 1, &fresh, &n, error))
        return FALSE;
    *last = fresh >> q->cluster_bits;
    if (room && *last == cluster + 1 && qcow2_refcount_set(q, cluster, count + 1, NULL)) {
        *offset = tail;
        *first = cluster;
    } else {
        *offset = fresh;
        *first = *last;
    }
    return TRUE;
}

gboolean qcow2_write_compressed(Image *image, guint64 offset, const void *data, gsize length, GError **error)
{
    Qcow2 *q = image->state;
    if (!qcow2_begin_write(q, error))
        return FALSE;
    Qcow2Table *table = qcow2_l2_for_write(q, offset, error);
    if (!table)
        return FALSE;
    guint64 at, first, last;
    gboolean ok = alloc_packed(q, length, &at, &first, &last, error);
    if (ok) {
        /* Readers take whole sectors: the last one must be there. */
        static const guint8 padding[512];
        gsize pad = (gsize)(image_align_up(at + length, 512) - (at + length));
        struct iovec iov[] = {{(void *)(guintptr)data, length}, {(void *)(guintptr)padding, pad}};
        ok = image_file_writev(q->file, at, iov, G_N_ELEMENTS(iov), error);
        if (!ok)
            qcow2_release(q, first << q->cluster_bits, last - first + 1);
    }
    if (ok) {
        guint x = 62 - (q->cluster_bits - 8);
        guint64 sectors = ((at + length - 1) >> 9) - (at >> 9);
        guint index = (guint)((offset >> q->cluster_bits) & ((1u << q->l2_bits) - 1));
        guint64 bitmap, old = qcow2_l2_get(q, table, index, &bitmap);
        qcow2_l2_set(q, table, index, QCOW2_ENTRY_COMPRESSED | sectors << x | at, 0);
        qcow2_free_entry(q, old);
        q->compressed_tail = at + length;
        q->unpacked_offset = 0;
    }
    qcow2_table_unpin(table);
    return ok;
}
