/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qcow2: compressed clusters ("Compressed Clusters Descriptor"): raw deflate or zstd, stored back to back in
 * sectors of 512 bytes. Each descriptor is one reference to every cluster of the file that it touches.
 */
#include <libdeflate.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "images/qcow2/qcow2.h"

#define DEFLATE_WINDOW_BITS (-12) /* what every reader of the format takes */

/* ---- Unpacking -------------------------------------------------------------------------------------------
 *
 * Readers of one image unpack at the same time, each with a state of its own; idle ones wait in a queue.
 */

typedef struct Unpacker {
    struct libdeflate_decompressor *inflater;
    ZSTD_DCtx *zstd;
    guint8 *packed;
    gsize room;
    guint8 *cluster;
} Unpacker;

static void unpacker_free(Unpacker *u)
{
    if (u->inflater)
        libdeflate_free_decompressor(u->inflater);
    ZSTD_freeDCtx(u->zstd);
    g_free(u->packed);
    g_free(u->cluster);
    g_free(u);
}

static gboolean inflate_cluster(Unpacker *u, gsize length, guint8 *out, gsize size)
{
    gsize used, got;
    if (!u->inflater)
        u->inflater = libdeflate_alloc_decompressor();
    /* The stream's end is not marked by the length: a full cluster is what counts. */
    return u->inflater &&
           libdeflate_deflate_decompress_ex(u->inflater, u->packed, length, out, size, &used, &got) ==
               LIBDEFLATE_SUCCESS &&
           got == size;
}

static gboolean unzstd_cluster(Unpacker *u, gsize length, guint8 *out, gsize size)
{
    if (!u->zstd)
        u->zstd = ZSTD_createDCtx();
    if (!u->zstd)
        return FALSE;
    ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_only);
    ZSTD_inBuffer from = {u->packed, length, 0};
    ZSTD_outBuffer to = {out, size, 0};
    while (to.pos < to.size) {
        gsize before_from = from.pos, before_to = to.pos;
        gsize rc = ZSTD_decompressStream(u->zstd, &to, &from);
        if (ZSTD_isError(rc) || (from.pos == before_from && to.pos == before_to))
            return FALSE;
    }
    return TRUE;
}

static gboolean unpack(Qcow2 *q, Unpacker *u, guint64 offset, gsize length, guint8 *out, GError **error)
{
    if (u->room < length) {
        g_free(u->packed);
        u->packed = g_malloc(length);
        u->room = length;
    }
    if (!image_file_read(q->file, offset, u->packed, length, error))
        return FALSE;
    gboolean ok = q->header.compression == QCOW2_ZSTD ? unzstd_cluster(u, length, out, q->cluster_size)
                                                      : inflate_cluster(u, length, out, q->cluster_size);
    if (!ok) {
        /* only this cluster is lost: not a reason to stop all writing */
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
                    _("“%s” is damaged: the compressed data at byte %" PRIu64
                      " cannot be unpacked. Restore it from a backup."),
                    q->image->path, offset);
    }
    return ok;
}

gboolean qcow2_read_compressed(Qcow2 *q, guint64 entry, guint32 from, void *buffer, gsize length,
                               GError **error)
{
    guint64 offset, packed, file_size;
    qcow2_compressed_range(q, entry, &offset, &packed);
    if (q->unpacked_offset == offset && offset) {
        memcpy(buffer, q->unpacked + from, length);
        return TRUE;
    }
    if (!image_file_size(q->file, &file_size, error))
        return FALSE;
    if (offset >= file_size)
        return qcow2_corrupt(q, error, _("compressed data should stand at byte %" PRIu64), offset);
    Unpacker *u = g_async_queue_try_pop(q->unpackers);
    if (!u)
        u = g_new0(Unpacker, 1);
    gboolean whole = length == q->cluster_size;
    if (!whole && !u->cluster)
        u->cluster = g_malloc(q->cluster_size);
    image_let_others_read(q->image);
    gboolean ok = unpack(q, u, offset, packed, whole ? buffer : u->cluster, error);
    image_read_alone(q->image);
    if (ok && !whole) {
        guint8 *old = q->unpacked;
        memcpy(buffer, u->cluster + from, length);
        q->unpacked = u->cluster;
        q->unpacked_offset = offset;
        u->cluster = old;
    }
    g_async_queue_push(q->unpackers, u);
    return ok;
}

/* ---- Packing ---------------------------------------------------------------------------------------------
 */

typedef struct CompressState {
    ZSTD_CCtx *zstd;
    z_stream deflater;
    gboolean deflates;
} CompressState;

static void compress_state_free(CompressState *state)
{
    ZSTD_freeCCtx(state->zstd);
    if (state->deflates)
        deflateEnd(&state->deflater);
    g_free(state);
}

/* Deflate spends most of its time on what cannot be compressed: zstd at its fastest finds that out in a
 * twentieth of it. */
static gboolean worth_deflating(CompressState *state, const void *data, gsize length, void *out)
{
    gsize enough = length - length / 32;
    return !ZSTD_isError(ZSTD_compressCCtx(state->zstd, out, enough, data, length, 1));
}

static gsize deflate_cluster(CompressState *state, const void *data, gsize length, void *out, gsize room)
{
    z_stream *z = &state->deflater;
    if (!state->deflates) {
        if (deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, DEFLATE_WINDOW_BITS, 9, Z_DEFAULT_STRATEGY) !=
            Z_OK)
            return 0;
        state->deflates = TRUE;
    } else if (deflateReset(z) != Z_OK) {
        return 0;
    }
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
    CompressState *state = g_async_queue_try_pop(q->packers);
    if (!state)
        state = g_new0(CompressState, 1);
    if (!state->zstd)
        state->zstd = ZSTD_createCCtx();
    if (state->zstd && q->header.compression == QCOW2_ZSTD) {
        n = ZSTD_compressCCtx(state->zstd, out, room, data, q->cluster_size, ZSTD_CLEVEL_DEFAULT);
        if (ZSTD_isError(n))
            n = 0;
    } else if (state->zstd && worth_deflating(state, data, q->cluster_size, out)) {
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

void qcow2_compress_clear(Qcow2 *q)
{
    gpointer state;
    while (q->packers && (state = g_async_queue_try_pop(q->packers)))
        compress_state_free(state);
    while (q->unpackers && (state = g_async_queue_try_pop(q->unpackers)))
        unpacker_free(state);
    g_clear_pointer(&q->packers, g_async_queue_unref);
    g_clear_pointer(&q->unpackers, g_async_queue_unref);
    g_clear_pointer(&q->unpacked, g_free);
}
