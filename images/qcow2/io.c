/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qcow2: the guest's reads and writes, copy on write, zeros and discards. */
#include <string.h>

#include "images/qcow2/qcow2.h"

/* Before the first change of an image that was opened for writing. */
gboolean qcow2_begin_write(Qcow2 *q, GError **error)
{
    if (q->corrupt) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
            _("“%s” is damaged and is not written before it was checked and repaired (vitrine image check)."),
            q->image->path);
        return FALSE;
    }
    if (q->write_begun)
        return TRUE;
    if (q->header.autoclear) {
        /* "autoclear_features": whoever does not keep them up must take them away first */
        q->header.autoclear = 0;
        if (!qcow2_header_write_features(q, error))
            return FALSE;
    }
    q->write_begun = TRUE;
    return TRUE;
}

gboolean qcow2_read(Qcow2 *q, guint64 offset, void *buffer, gsize length, GError **error)
{
    guint8 *at = buffer;
    while (length > 0) {
        Qcow2Run run;
        if (!qcow2_map(q, offset, length, &run, error))
            return FALSE;
        gsize n = run.length;
        switch (run.kind) {
        case QCOW2_ZERO: memset(at, 0, n); break;
        case QCOW2_DATA:
            if (!image_read_shared(q->image, q->file, run.host, at, n, error))
                return FALSE;
            break;
        case QCOW2_COMPRESSED:
            if (!qcow2_read_compressed(q, run.host, offset & (q->cluster_size - 1), at, n, error))
                return FALSE;
            break;
        default:
            if (!image_read_backing(q->image, offset, at, n, error))
                return FALSE;
            break;
        }
        offset += n;
        at += n;
        length -= n;
    }
    return TRUE;
}

/* ---- Writing ---------------------------------------------------------------------------------------------
 */

/* The bits of the subclusters that [low, high) of a cluster touches */
static guint64 sub_mask(const Qcow2 *q, guint64 low, guint64 high)
{
    guint first = (guint)(low >> q->sub_bits), last = (guint)((high - 1) >> q->sub_bits);
    guint count = last - first + 1;
    return (count >= 32 ? G_GUINT64_CONSTANT(0xffffffff) : (G_GUINT64_CONSTANT(1) << count) - 1) << first;
}

static gboolean all_data(const Qcow2 *q, guint64 entry, guint64 bitmap, guint64 low, guint64 high)
{
    if (!q->extended)
        return qcow2_entry_kind(q, entry, bitmap, 0) == QCOW2_DATA;
    guint64 mask = sub_mask(q, low, high);
    return !(entry & QCOW2_ENTRY_COMPRESSED) && (entry & QCOW2_ENTRY_OFFSET) && (bitmap & mask) == mask &&
           !((bitmap >> 32) & mask);
}

/* The cluster of a standard entry that belongs to this entry alone */
static guint64 own_cluster(guint64 entry)
{
    if ((entry & QCOW2_ENTRY_COMPRESSED) || !(entry & QCOW2_ENTRY_COPIED))
        return 0;
    return entry & QCOW2_ENTRY_OFFSET;
}

static gboolean check_host(Qcow2 *q, guint64 host, GError **error)
{
    if ((host & (q->cluster_size - 1)) || qcow2_meta_has(q, host >> q->cluster_bits))
        return qcow2_corrupt(q, error, _("data and a table share the cluster at byte %" PRIu64), host);
    if (host >= q->known_end) {
        if (!image_file_size(q->file, &q->known_end, error))
            return FALSE;
        if (host >= q->known_end)
            return qcow2_corrupt(q, error, _("data should stand at byte %" PRIu64 ", behind the file's end"),
                                 host);
    }
    return TRUE;
}

typedef struct WriteSpan {
    guint64 offset;
    const guint8 *buffer;
    gsize length; /* within the reach of one L2 table */
} WriteSpan;

static guint64 cluster_low(const Qcow2 *q, const WriteSpan *span, guint k)
{
    return k == 0 ? span->offset & (q->cluster_size - 1) : 0;
}

static guint64 cluster_high(const Qcow2 *q, const WriteSpan *span, guint k)
{
    guint64 start = image_align_down(span->offset, q->cluster_size) + (guint64)k * q->cluster_size;
    return MIN(q->cluster_size, span->offset + span->length - start);
}

/* As many clusters as stand where they may be overwritten, one after the other in the file. */
static gboolean write_in_place(Qcow2 *q, Qcow2Table *table, guint index, guint clusters,
                               const WriteSpan *span, gsize *done, GError **error)
{
    guint64 first = 0;
    guint k = 0;
    for (; k < clusters; k++) {
        guint64 bitmap, entry = qcow2_l2_get(q, table, index + k, &bitmap);
        guint64 host = own_cluster(entry);
        if (!host || !all_data(q, entry, bitmap, cluster_low(q, span, k), cluster_high(q, span, k)))
            break;
        if (k == 0)
            first = host;
        else if (host != first + (guint64)k * q->cluster_size)
            break;
        if (!check_host(q, host, error))
            return FALSE;
    }
    *done = 0;
    if (k == 0)
        return TRUE;
    guint64 in_cluster = cluster_low(q, span, 0);
    gsize n = MIN(span->length, (guint64)k * q->cluster_size - in_cluster);
    if (!image_file_write(q->file, first + in_cluster, span->buffer, n, error))
        return FALSE;
    *done = n;
    return TRUE;
}

/*
 * Clusters that need a place: new ones, or the one that a zero or partly filled entry keeps. What the guest
 * does not write of their first and last (sub)cluster is copied along, in one write with the guest's data.
 */
static gboolean write_placed(Qcow2 *q, Qcow2Table *table, guint index, guint clusters, const WriteSpan *span,
                             gsize *done, GError **error)
{
    guint64 bitmap, entry = qcow2_l2_get(q, table, index, &bitmap);
    guint64 host = own_cluster(entry), n = 1;
    gboolean placed = host == 0;
    if (placed) {
        guint want = 1;
        for (; want < clusters; want++) {
            guint64 b, e = qcow2_l2_get(q, table, index + want, &b);
            if (own_cluster(e))
                break;
        }
        if (!qcow2_alloc(q, want, &host, &n, error))
            return FALSE;
    } else if (!check_host(q, host, error)) {
        return FALSE;
    }

    guint64 start = image_align_down(span->offset, q->cluster_size);
    guint64 end = MIN(span->offset + span->length, start + n * q->cluster_size);
    /* An entry whose contents stand elsewhere is copied whole; else a subcluster is enough. */
    guint64 sub = G_GUINT64_CONSTANT(1) << q->sub_bits;
    guint64 last_bitmap, last_entry = qcow2_l2_get(q, table, index + (guint)n - 1, &last_bitmap);
    gboolean first_whole = placed && ((entry & QCOW2_ENTRY_COMPRESSED) || (entry & QCOW2_ENTRY_OFFSET));
    gboolean last_whole =
        placed && ((last_entry & QCOW2_ENTRY_COMPRESSED) || (last_entry & QCOW2_ENTRY_OFFSET));
    guint64 low = first_whole ? start : image_align_down(span->offset, sub);
    guint64 high = last_whole ? start + n * q->cluster_size : image_align_up(end, sub);

    gsize head = span->offset - low, tail = high - end;
    g_autofree guint8 *copy = head + tail ? g_malloc(head + tail) : NULL;
    if ((head && !qcow2_read(q, low, copy, head, error)) ||
        (tail && !qcow2_read(q, end, copy + head, tail, error)))
        goto fail;
    struct iovec iov[] = {
        {copy, head},
        {(void *)(guintptr)span->buffer, end - span->offset},
        {copy + head, tail},
    };
    if (!image_file_writev(q->file, host + (low - start), iov, G_N_ELEMENTS(iov), error))
        goto fail;

    for (guint k = 0; k < n; k++) {
        guint64 b, old = qcow2_l2_get(q, table, index + k, &b);
        guint64 from = k == 0 ? low - start : 0;
        guint64 to = MIN(q->cluster_size, high - start - (guint64)k * q->cluster_size);
        if (q->extended) {
            guint64 mask = sub_mask(q, from, to);
            if (old & QCOW2_ENTRY_COMPRESSED)
                b = 0;
            if (!(old & QCOW2_ENTRY_OFFSET))
                b &= ~G_GUINT64_CONSTANT(0xffffffff); /* "allocated" without a cluster: never was */
            b = (b | mask) & ~(mask << 32);
        }
        qcow2_l2_set(q, table, index + k, (host + (guint64)k * q->cluster_size) | QCOW2_ENTRY_COPIED, b);
        if (placed)
            qcow2_free_entry(q, old);
    }
    *done = end - span->offset;
    return TRUE;
fail:
    if (placed)
        qcow2_release(q, host, n);
    return FALSE;
}

gboolean qcow2_write(Qcow2 *q, guint64 offset, const void *buffer, gsize length, GError **error)
{
    guint64 coverage = G_GUINT64_CONSTANT(1) << (q->cluster_bits + q->l2_bits);
    const guint8 *at = buffer;
    while (length > 0) {
        WriteSpan span = {offset, at, MIN(length, coverage - (offset & (coverage - 1)))};
        Qcow2Table *table = qcow2_l2_for_write(q, offset, error);
        if (!table)
            return FALSE;
        guint index = (guint)((offset & (coverage - 1)) >> q->cluster_bits);
        guint clusters = (guint)(((offset & (q->cluster_size - 1)) + span.length + q->cluster_size - 1) >>
                                 q->cluster_bits);
        gsize done;
        gboolean ok = write_in_place(q, table, index, clusters, &span, &done, error);
        if (ok && done == 0)
            ok = write_placed(q, table, index, clusters, &span, &done, error);
        qcow2_table_unpin(table);
        if (!ok)
            return FALSE;
        offset += done;
        at += done;
        length -= done;
    }
    return TRUE;
}

/* ---- Zeros -----------------------------------------------------------------------------------------------
 */

/* Zeros where no entry can say it: parts of clusters, and version 2 over a base. */
static gboolean write_zero_bytes(Qcow2 *q, guint64 offset, guint64 length, GError **error)
{
    gsize size = MIN(length, 1u << 20);
    g_autofree guint8 *zeros = g_malloc0(size);
    while (length > 0) {
        Qcow2Run run;
        if (!qcow2_map(q, offset, MIN(length, size), &run, error))
            return FALSE;
        gboolean zero = run.kind == QCOW2_ZERO ||
                        (run.kind == QCOW2_UNALLOCATED && !q->image->backing && !q->image->explicit_zeroes);
        if (!zero && !qcow2_write(q, offset, zeros, run.length, error))
            return FALSE;
        offset += run.length;
        length -= run.length;
    }
    return TRUE;
}

/* The subclusters [low, high) of one cluster; they may be written as data when it is compressed or shared. */
static gboolean zero_subs(Qcow2 *q, guint64 offset, guint64 length, GError **error)
{
    guint64 bitmap;
    Qcow2Table *table = qcow2_l2_for_write(q, offset, error);
    if (!table)
        return FALSE;
    guint index = (guint)((offset >> q->cluster_bits) & ((1u << q->l2_bits) - 1));
    guint64 entry = qcow2_l2_get(q, table, index, &bitmap);
    gboolean ok = TRUE;
    if (entry & QCOW2_ENTRY_COMPRESSED) {
        ok = write_zero_bytes(q, offset, length, error);
    } else {
        guint64 low = offset & (q->cluster_size - 1);
        guint64 mask = sub_mask(q, low, low + length);
        qcow2_l2_set(q, table, index, entry, (bitmap & ~mask) | mask << 32);
    }
    qcow2_table_unpin(table);
    return ok;
}

/* Whole clusters within the reach of one L2 table. */
static gboolean zero_clusters(Qcow2 *q, guint64 offset, guint64 clusters, gboolean to_zero, GError **error)
{
    Qcow2Table *table = qcow2_l2_for_write(q, offset, error);
    if (!table)
        return FALSE;
    guint index = (guint)((offset >> q->cluster_bits) & ((1u << q->l2_bits) - 1));
    guint64 entry = to_zero && !q->extended ? QCOW2_ENTRY_ZERO : 0;
    guint64 bitmap = to_zero && q->extended ? G_GUINT64_CONSTANT(0xffffffff) << 32 : 0;
    for (guint64 k = 0; k < clusters; k++) {
        guint64 old_bitmap, old = qcow2_l2_get(q, table, index + (guint)k, &old_bitmap);
        if (old == entry && old_bitmap == bitmap)
            continue;
        qcow2_l2_set(q, table, index + (guint)k, entry, bitmap);
        qcow2_free_entry(q, old);
    }
    qcow2_table_unpin(table);
    return TRUE;
}

/* The edges of a range of zeros: parts of one cluster, or of two that meet. */
static gboolean zero_edge(Qcow2 *q, guint64 offset, guint64 length, GError **error)
{
    guint64 border = image_align_up(offset, q->cluster_size);
    if (border > offset && border < offset + length)
        return zero_edge(q, offset, border - offset, error) &&
               zero_edge(q, border, offset + length - border, error);
    guint64 sub = G_GUINT64_CONSTANT(1) << q->sub_bits;
    guint64 low = image_align_up(offset, sub), high = image_align_down(offset + length, sub);
    if (!q->extended || low >= high)
        return write_zero_bytes(q, offset, length, error);
    return (low == offset || write_zero_bytes(q, offset, low - offset, error)) &&
           zero_subs(q, low, high - low, error) &&
           (high == offset + length || write_zero_bytes(q, high, offset + length - high, error));
}

gboolean qcow2_zero(Qcow2 *q, guint64 offset, guint64 length, gboolean discard, GError **error)
{
    guint64 coverage = G_GUINT64_CONSTANT(1) << (q->cluster_bits + q->l2_bits);
    guint64 end = offset + length;
    /* Behind the end of the disk there is nothing to keep. */
    guint64 whole_end =
        end == q->image->size ? image_align_up(end, q->cluster_size) : image_align_down(end, q->cluster_size);
    guint64 whole = image_align_up(offset, q->cluster_size);
    gboolean can_say_zero = q->header.version >= 3;

    if (whole >= whole_end)
        return discard || zero_edge(q, offset, length, error);
    if (!discard && whole > offset && !zero_edge(q, offset, whole - offset, error))
        return FALSE;
    for (guint64 at = whole; at < whole_end;) {
        guint64 step = MIN(whole_end - at, coverage - (at & (coverage - 1)));
        guint64 l1 = at >> (q->cluster_bits + q->l2_bits);
        gboolean below = q->image->backing || q->image->explicit_zeroes;
        gboolean blank = l1 < q->l1_size && !(q->l1[l1] & QCOW2_ENTRY_OFFSET) && !below;
        if (blank) {
            /* nothing here and nothing below */
        } else if (!can_say_zero && below) {
            guint64 bytes = MIN(step, end - at);
            if (!discard && !write_zero_bytes(q, at, bytes, error))
                return FALSE;
        } else {
            gboolean to_zero = can_say_zero && (below || !discard);
            if (!zero_clusters(q, at, step >> q->cluster_bits, to_zero, error))
                return FALSE;
        }
        at += step;
    }
    if (!discard && end > whole_end && !zero_edge(q, whole_end, end - whole_end, error))
        return FALSE;
    return TRUE;
}

gboolean qcow2_drop(Qcow2 *q, guint64 offset, guint64 end, GError **error)
{
    guint64 coverage = G_GUINT64_CONSTANT(1) << (q->cluster_bits + q->l2_bits);
    for (guint64 at = offset; at < end;) {
        guint64 step = MIN(end - at, coverage - (at & (coverage - 1)));
        if ((q->l1[at >> (q->cluster_bits + q->l2_bits)] & QCOW2_ENTRY_OFFSET) &&
            !zero_clusters(q, at, (step + q->cluster_size - 1) >> q->cluster_bits, FALSE, error))
            return FALSE;
        at += step;
    }
    return TRUE;
}
