/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qcow2: from the guest's offsets to the file's ("Cluster mapping", "Extended L2 Entries"). Without extended
 * entries a cluster is treated as one subcluster, so that both kinds of image take the same way.
 */
#include <string.h>

#include "images/qcow2/qcow2.h"

/*
 * A table or entry that cannot be right. An image that is open for writing is marked, so that nobody writes
 * to it before a check ("incompatible_features", bit 1).
 */
gboolean qcow2_corrupt(Qcow2 *q, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    if (q->image->writable && !q->corrupt && !q->repairing && !(q->image->flags & IMAGE_OPEN_FOR_CHECK)) {
        q->corrupt = TRUE;
        q->header.incompatible |= QCOW2_INCOMPATIBLE_CORRUPT;
        qcow2_header_write_features(q, NULL);
    }
    g_set_error(
        error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
        _("“%s” is damaged: %s. Check and repair it before it is written again (vitrine image check)."),
        q->image->path, what);
    return FALSE;
}

guint64 qcow2_l2_get(const Qcow2 *q, const Qcow2Table *table, guint index, guint64 *bitmap)
{
    const guint8 *at = table->data + ((gsize)index << q->entry_bits);
    *bitmap = q->extended ? image_get_be64(at + 8) : 0;
    return image_get_be64(at);
}

void qcow2_l2_set(Qcow2 *q, Qcow2Table *table, guint index, guint64 entry, guint64 bitmap)
{
    guint32 at = index << q->entry_bits;
    image_put_be64(table->data + at, entry);
    if (q->extended)
        image_put_be64(table->data + at + 8, bitmap);
    qcow2_table_dirty(&q->l2_cache, table, at, at + (1u << q->entry_bits));
}

Qcow2Kind qcow2_entry_kind(const Qcow2 *q, guint64 entry, guint64 bitmap, guint sub)
{
    if (entry & QCOW2_ENTRY_COMPRESSED)
        return QCOW2_COMPRESSED;
    guint64 host = entry & QCOW2_ENTRY_OFFSET;
    if (host & (q->cluster_size - 1))
        return QCOW2_INVALID;
    if (q->extended) {
        gboolean allocated = (bitmap >> sub) & 1;
        gboolean zero = (bitmap >> (32 + sub)) & 1;
        if (allocated)
            return zero || !host ? QCOW2_INVALID : QCOW2_DATA;
        return zero ? QCOW2_ZERO : QCOW2_UNALLOCATED;
    }
    if (entry & QCOW2_ENTRY_ZERO)
        return q->header.version >= 3 ? QCOW2_ZERO : QCOW2_INVALID;
    return host ? QCOW2_DATA : QCOW2_UNALLOCATED;
}

static guint64 l1_index(const Qcow2 *q, guint64 offset)
{
    return offset >> (q->cluster_bits + q->l2_bits);
}

static guint l2_index(const Qcow2 *q, guint64 offset)
{
    return (guint)((offset >> q->cluster_bits) & ((1u << q->l2_bits) - 1));
}

gboolean qcow2_map(Qcow2 *q, guint64 offset, guint64 length, Qcow2Run *run, GError **error)
{
    guint64 l1_at = l1_index(q, offset);
    guint64 coverage = G_GUINT64_CONSTANT(1) << (q->cluster_bits + q->l2_bits);
    guint64 left = coverage - (offset & (coverage - 1));
    length = MIN(length, left);
    if (l1_at >= q->l1_size || !(q->l1[l1_at] & QCOW2_ENTRY_OFFSET)) {
        *run = (Qcow2Run){QCOW2_UNALLOCATED, length, 0};
        return TRUE;
    }
    Qcow2Table *table = qcow2_table_get(q, &q->l2_cache, q->l1[l1_at] & QCOW2_ENTRY_OFFSET, error);
    if (!table)
        return FALSE;

    guint index = l2_index(q, offset);
    guint64 in_cluster = offset & (q->cluster_size - 1);
    guint sub = (guint)(in_cluster >> q->sub_bits);
    guint64 bitmap, entry = qcow2_l2_get(q, table, index, &bitmap);
    Qcow2Kind kind = qcow2_entry_kind(q, entry, bitmap, sub);
    *run = (Qcow2Run){.kind = kind};
    if (kind == QCOW2_COMPRESSED) {
        run->host = entry;
        run->length = MIN(length, q->cluster_size - in_cluster);
    } else {
        guint64 host = entry & QCOW2_ENTRY_OFFSET;
        guint64 have =
            (G_GUINT64_CONSTANT(1) << q->sub_bits) - (offset & ((G_GUINT64_CONSTANT(1) << q->sub_bits) - 1));
        run->host = host + in_cluster;
        while (have < length) {
            if (++sub == q->subs) {
                sub = 0;
                index++;
                entry = qcow2_l2_get(q, table, index, &bitmap);
                guint64 next = entry & QCOW2_ENTRY_OFFSET;
                if (kind == QCOW2_DATA && next != host + q->cluster_size)
                    break;
                host = next;
            }
            if (qcow2_entry_kind(q, entry, bitmap, sub) != kind)
                break;
            have += G_GUINT64_CONSTANT(1) << q->sub_bits;
        }
        run->length = MIN(have, length);
    }
    qcow2_table_unpin(table);
    if (kind == QCOW2_INVALID)
        return qcow2_corrupt(q, error, _("the entry for byte %" PRIu64 " of the disk makes no sense"),
                             offset);
    return TRUE;
}

/* ---- Changing tables -------------------------------------------------------------------------------------
 */

static void l1_set(Qcow2 *q, guint32 index, guint64 entry)
{
    q->l1[index] = entry;
    if (q->l1_low >= q->l1_high) {
        q->l1_low = index;
        q->l1_high = index + 1;
    } else {
        q->l1_low = MIN(q->l1_low, index);
        q->l1_high = MAX(q->l1_high, index + 1);
    }
}

Qcow2Table *qcow2_l2_for_write(Qcow2 *q, guint64 offset, GError **error)
{
    guint64 at = l1_index(q, offset);
    if (at >= q->l1_size) {
        qcow2_corrupt(q, error, _("its L1 table is too short for the disk"));
        return NULL;
    }
    guint64 old = q->l1[at] & QCOW2_ENTRY_OFFSET;
    if (old && (q->l1[at] & QCOW2_ENTRY_COPIED))
        return qcow2_table_get(q, &q->l2_cache, old, error);

    guint64 fresh, count;
    if (!qcow2_alloc(q, 1, &fresh, &count, error))
        return NULL;
    Qcow2Table *table = qcow2_table_new(q, &q->l2_cache, fresh, error);
    Qcow2Table *from = table && old ? qcow2_table_get(q, &q->l2_cache, old, error) : NULL;
    if (!table || (old && !from)) {
        qcow2_table_unpin(table);
        qcow2_release(q, fresh, 1);
        return NULL;
    }
    if (from) {
        memcpy(table->data, from->data, q->cluster_size);
        qcow2_table_unpin(from);
    }
    l1_set(q, (guint32)at, fresh | QCOW2_ENTRY_COPIED);
    qcow2_meta_set(q, fresh >> q->cluster_bits, TRUE);
    if (old)
        qcow2_free_later(q, old, 1);
    return table;
}

/* "Compressed Clusters Descriptor": the sectors of 512 bytes that it touches */
void qcow2_compressed_range(const Qcow2 *q, guint64 entry, guint64 *offset, guint64 *length)
{
    guint x = 62 - (q->cluster_bits - 8);
    guint64 sectors = ((entry >> x) & ((G_GUINT64_CONSTANT(1) << (q->cluster_bits - 8)) - 1)) + 1;
    *offset = entry & ((G_GUINT64_CONSTANT(1) << x) - 1);
    *length = sectors * 512 - (*offset & 511);
}

void qcow2_free_entry(Qcow2 *q, guint64 entry)
{
    guint64 offset = entry & QCOW2_ENTRY_OFFSET, length = q->cluster_size;
    if (entry & QCOW2_ENTRY_COMPRESSED)
        qcow2_compressed_range(q, entry, &offset, &length);
    else if (!offset || offset & (q->cluster_size - 1))
        return;
    guint64 first = offset >> q->cluster_bits, last = (offset + length - 1) >> q->cluster_bits;
    for (guint64 c = first; c <= last; c++) {
        if (qcow2_meta_has(q, c)) /* never give a table's cluster back as data */
            qcow2_corrupt(q, NULL, _("data and a table share the cluster at byte %" PRIu64),
                          c << q->cluster_bits);
        else
            qcow2_free_later(q, c << q->cluster_bits, 1);
    }
}

gboolean qcow2_grow_l1(Qcow2 *q, guint32 entries, GError **error)
{
    if (entries <= q->l1_size)
        return TRUE;
    if ((guint64)entries * 8 > QCOW2_MAX_L1_BYTES) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
            _("“%s” cannot grow that far with clusters of %u bytes. Convert it to an image with larger "
              "clusters."),
            q->image->path, q->cluster_size);
        return FALSE;
    }
    guint64 clusters = image_align_up((guint64)entries * 8, q->cluster_size) >> q->cluster_bits;
    guint64 offset;
    if (!qcow2_alloc_exact(q, clusters, &offset, error))
        return FALSE;
    /* The new table is a copy of what is on disk: everything that it refers to must be there. */
    gsize bytes = clusters << q->cluster_bits;
    g_autofree guint8 *raw = g_malloc0(bytes);
    guint8 field[12];
    if (!qcow2_flush_tables(q, error))
        goto fail;
    for (guint32 i = 0; i < q->l1_size; i++)
        image_put_be64(raw + (gsize)i * 8, q->l1[i]);
    image_put_be32(field, entries);
    image_put_be64(field + 4, offset);
    if (!image_file_write(q->file, offset, raw, bytes, error) || !image_file_sync(q->file, error))
        goto fail;
    if (!image_file_write(q->file, QCOW2_AT_L1, field, sizeof field, error))
        return FALSE; /* who knows what the header says now: the new table stays counted */
    /* The header names the new table, so it is the one, even if the host does not promise that this stays: then
     * neither of the two is free. */
    gboolean synced = image_file_sync(q->file, error);
    guint64 old = q->header.l1_offset;
    guint64 old_clusters = image_align_up((guint64)q->l1_size * 8, q->cluster_size) >> q->cluster_bits;
    q->l1 = g_renew(guint64, q->l1, entries);
    memset(q->l1 + q->l1_size, 0, (gsize)(entries - q->l1_size) * sizeof *q->l1);
    q->l1_size = entries;
    q->header.l1_size = entries;
    q->header.l1_offset = offset;
    for (guint64 i = 0; i < clusters; i++)
        qcow2_meta_set(q, (offset >> q->cluster_bits) + i, TRUE);
    if (old && synced)
        qcow2_free_later(q, old, old_clusters);
    return synced;
fail:
    qcow2_release(q, offset, clusters);
    return FALSE;
}
