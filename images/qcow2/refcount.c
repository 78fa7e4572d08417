/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qcow2: reference counts ("Host cluster management"). Two levels, the table in memory, the blocks in a
 * cache. Counts go up at once and down only after the tables that referred to the cluster are on disk.
 */
#include <string.h>

#include "images/qcow2/qcow2.h"

guint64 qcow2_block_get(const guint8 *block, guint order, guint64 index)
{
    switch (order) {
    case 0: return block[index / 8] >> (index % 8) & 1;
    case 1: return block[index / 4] >> (index % 4 * 2) & 3;
    case 2: return block[index / 2] >> (index % 2 * 4) & 15;
    case 3: return block[index];
    case 4: return (guint64)block[index * 2] << 8 | block[index * 2 + 1];
    case 5: return image_get_be32(block + index * 4);
    default: return image_get_be64(block + index * 8);
    }
}

void qcow2_block_set(guint8 *block, guint order, guint64 index, guint64 count)
{
    if (order < 3) {
        guint per_byte = 8u >> order;
        guint shift = (guint)(index % per_byte) << order;
        guint mask = ((1u << (1u << order)) - 1) << shift;
        guint8 *at = block + index / per_byte;
        *at = (guint8)((*at & ~mask) | ((guint)count << shift));
        return;
    }
    switch (order) {
    case 3: block[index] = (guint8)count; break;
    case 4:
        block[index * 2] = (guint8)(count >> 8);
        block[index * 2 + 1] = (guint8)count;
        break;
    case 5: image_put_be32(block + index * 4, (guint32)count); break;
    default: image_put_be64(block + index * 8, count); break;
    }
}

static guint64 block_number(const Qcow2 *q, guint64 cluster)
{
    return cluster >> q->block_bits;
}

static guint64 block_index(const Qcow2 *q, guint64 cluster)
{
    return cluster & ((G_GUINT64_CONSTANT(1) << q->block_bits) - 1);
}

static void block_put(Qcow2 *q, Qcow2Table *block, guint64 index, guint64 count)
{
    qcow2_block_set(block->data, q->refcount_order, index, count);
    guint32 at = (guint32)((index << q->refcount_order) / 8);
    guint32 bytes = q->refcount_order < 3 ? 1 : 1u << (q->refcount_order - 3);
    qcow2_table_dirty(&q->block_cache, block, at, at + bytes);
}

/* The block that counts @cluster, NULL without an error when there is none yet. */
static gboolean block_for(Qcow2 *q, guint64 cluster, Qcow2Table **block, GError **error)
{
    guint64 number = block_number(q, cluster);
    *block = NULL;
    if (number >= q->reftable_size || !(q->reftable[number] & QCOW2_REFTABLE_OFFSET))
        return TRUE;
    *block = qcow2_table_get(q, &q->block_cache, q->reftable[number] & QCOW2_REFTABLE_OFFSET, error);
    return *block != NULL;
}

gboolean qcow2_refcount_get(Qcow2 *q, guint64 cluster, guint64 *count, GError **error)
{
    Qcow2Table *block;
    if (!block_for(q, cluster, &block, error))
        return FALSE;
    *count = block ? qcow2_block_get(block->data, q->refcount_order, block_index(q, cluster)) : 0;
    qcow2_table_unpin(block);
    return TRUE;
}

/* ---- Growing ---------------------------------------------------------------------------------------------
 */

static void reftable_set(Qcow2 *q, guint64 number, guint64 offset)
{
    q->reftable[number] = offset;
    if (q->reftable_low >= q->reftable_high) {
        q->reftable_low = (guint32)number;
        q->reftable_high = (guint32)number + 1;
    } else {
        q->reftable_low = MIN(q->reftable_low, (guint32)number);
        q->reftable_high = MAX(q->reftable_high, (guint32)number + 1);
    }
}

static gboolean file_full(Qcow2 *q, GError **error)
{
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_NO_SPACE,
                _("“%s” has reached the largest size that its clusters of %u bytes allow. Convert it to an "
                  "image with "
                  "larger clusters."),
                q->image->path, q->cluster_size);
    return FALSE;
}

/*
 * A larger refcount table, with blocks that count itself and them, behind everything that the old one can
 * count. Nothing refers to it until the header does.
 */
static gboolean grow_reftable(Qcow2 *q, guint64 number, GError **error)
{
    guint64 start = (guint64)q->reftable_size << q->block_bits;
    guint64 per_block = G_GUINT64_CONSTANT(1) << q->block_bits;
    guint64 entries_per_cluster = q->cluster_size / 8;
    guint64 need = MAX(number + 1, q->reftable_size + q->reftable_size / 2 + 1);
    guint64 table_clusters, blocks;
    for (;;) {
        table_clusters = (need + entries_per_cluster - 1) / entries_per_cluster;
        blocks = 1;
        while (blocks * per_block < table_clusters + blocks)
            blocks++;
        if (q->reftable_size + blocks <= need)
            break;
        need = q->reftable_size + blocks;
    }
    guint64 size = table_clusters * entries_per_cluster;
    if (size * 8 > QCOW2_MAX_REFTABLE_BYTES ||
        ((start + table_clusters + blocks) << q->cluster_bits) >= QCOW2_MAX_OFFSET)
        return file_full(q, error);
    for (guint64 i = 0; i < table_clusters + blocks; i++) {
        if (qcow2_meta_has(q, start + i))
            return qcow2_corrupt(q, error, _("a table stands in a cluster that is counted as free"));
    }

    g_autofree guint8 *raw = NULL;
    guint64 *table = g_new0(guint64, size);
    memcpy(table, q->reftable, q->reftable_size * sizeof *table);
    guint64 offset = start << q->cluster_bits;
    for (guint64 i = 0; i < blocks; i++) {
        guint64 at = (start + table_clusters + i) << q->cluster_bits;
        table[q->reftable_size + i] = at;
        g_autofree guint8 *block = g_malloc0(q->cluster_size);
        for (guint64 k = 0; k < per_block && i * per_block + k < table_clusters + blocks; k++)
            qcow2_block_set(block, q->refcount_order, k, 1);
        if (!image_file_write(q->file, at, block, q->cluster_size, error))
            goto fail;
    }
    /* Counts that were raised and blocks that the table already names go first. */
    if (!qcow2_cache_write(q, &q->block_cache, error))
        goto fail;
    raw = g_malloc(size * 8);
    for (guint64 i = 0; i < size; i++)
        image_put_be64(raw + i * 8, table[i]);
    guint8 field[12];
    image_put_be64(field, offset);
    image_put_be32(field + 8, (guint32)table_clusters);
    if (!image_file_write(q->file, offset, raw, size * 8, error) || !image_file_sync(q->file, error) ||
        !image_file_write(q->file, QCOW2_AT_REFTABLE, field, sizeof field, error))
        goto fail;
    /* From here on the new table is the one, as in qcow2_grow_l1(). */
    gboolean synced = image_file_sync(q->file, error);

    guint64 old_offset = q->header.reftable_offset;
    guint32 old_clusters = q->header.reftable_clusters;
    g_free(q->reftable);
    q->reftable = table;
    q->reftable_size = (guint32)size;
    q->reftable_low = q->reftable_high = 0;
    q->header.reftable_offset = offset;
    q->header.reftable_clusters = (guint32)table_clusters;
    for (guint64 i = 0; i < table_clusters + blocks; i++)
        qcow2_meta_set(q, start + i, TRUE);
    if (old_clusters && synced)
        qcow2_free_later(q, old_offset, old_clusters);
    return synced;

fail:
    g_free(table);
    return FALSE;
}

/* Makes the block that counts the free cluster @cluster exist. It may take that very cluster for itself. */
static gboolean block_make(Qcow2 *q, guint64 cluster, Qcow2Table **block, GError **error)
{
    for (;;) {
        if (!block_for(q, cluster, block, error))
            return FALSE;
        if (*block)
            return TRUE;
        guint64 number = block_number(q, cluster);
        if (number >= q->reftable_size) {
            if (!grow_reftable(q, number, error))
                return FALSE;
            continue;
        }
        guint64 offset = cluster << q->cluster_bits;
        if (offset >= QCOW2_MAX_OFFSET)
            return file_full(q, error);
        if (qcow2_meta_has(q, cluster))
            return qcow2_corrupt(q, error, _("a table stands in a cluster that is counted as free"));
        *block = qcow2_table_new(q, &q->block_cache, offset, error);
        if (!*block)
            return FALSE;
        block_put(q, *block, block_index(q, cluster), 1);
        reftable_set(q, number, offset);
        qcow2_meta_set(q, cluster, TRUE);
        return TRUE;
    }
}

gboolean qcow2_refcount_set(Qcow2 *q, guint64 cluster, guint64 count, GError **error)
{
    Qcow2Table *block;
    if (!block_for(q, cluster, &block, error))
        return FALSE;
    if (!block)
        return count == 0 || qcow2_corrupt(q, error, _("a used cluster has no reference count"));
    block_put(q, block, block_index(q, cluster), count);
    qcow2_table_unpin(block);
    return TRUE;
}

/* ---- Allocation ------------------------------------------------------------------------------------------
 */

gboolean qcow2_alloc(Qcow2 *q, guint64 max, guint64 *offset, guint64 *count, GError **error)
{
    guint64 per_block = G_GUINT64_CONSTANT(1) << q->block_bits;
    guint64 cluster = q->free_hint;
    for (;;) {
        Qcow2Table *block;
        if (!block_make(q, cluster, &block, error))
            return FALSE;
        guint64 index = block_index(q, cluster);
        while (index < per_block && qcow2_block_get(block->data, q->refcount_order, index) != 0) {
            index++;
            cluster++;
        }
        if (index == per_block) {
            qcow2_table_unpin(block);
            q->free_hint = cluster;
            continue;
        }
        guint64 n = 0;
        while (n < max && index + n < per_block &&
               qcow2_block_get(block->data, q->refcount_order, index + n) == 0) {
            if (qcow2_meta_has(q, cluster + n)) {
                qcow2_table_unpin(block);
                return qcow2_corrupt(q, error, _("a table stands in a cluster that is counted as free"));
            }
            n++;
        }
        if (((cluster + n) << q->cluster_bits) > QCOW2_MAX_OFFSET) {
            qcow2_table_unpin(block);
            return file_full(q, error);
        }
        for (guint64 i = 0; i < n; i++)
            block_put(q, block, index + i, 1);
        qcow2_table_unpin(block);
        q->free_hint = cluster + n;
        *offset = cluster << q->cluster_bits;
        *count = n;
        return TRUE;
    }
}

gboolean qcow2_alloc_exact(Qcow2 *q, guint64 count, guint64 *offset, GError **error)
{
    guint64 start = q->free_hint, run = 0;
    while (run < count) {
        Qcow2Table *block;
        guint64 cluster = start + run;
        if (!block_make(q, cluster, &block, error))
            return FALSE;
        gboolean used = qcow2_block_get(block->data, q->refcount_order, block_index(q, cluster)) != 0 ||
                        qcow2_meta_has(q, cluster);
        qcow2_table_unpin(block);
        if (used) {
            start = cluster + 1;
            run = 0;
        } else {
            run++;
        }
    }
    if (((start + count) << q->cluster_bits) > QCOW2_MAX_OFFSET)
        return file_full(q, error);
    for (guint64 i = 0; i < count; i++) {
        if (!qcow2_refcount_set(q, start + i, 1, error)) {
            qcow2_release(q, start << q->cluster_bits, i);
            return FALSE;
        }
    }
    *offset = start << q->cluster_bits;
    return TRUE;
}

static gboolean lower(Qcow2 *q, guint64 cluster, gboolean *now_free, GError **error)
{
    Qcow2Table *block;
    *now_free = FALSE;
    if (!block_for(q, cluster, &block, error))
        return FALSE;
    guint64 index = block_index(q, cluster);
    guint64 count = block ? qcow2_block_get(block->data, q->refcount_order, index) : 0;
    if (count == 0) {
        qcow2_table_unpin(block);
        return qcow2_corrupt(q, error, _("a used cluster is counted as free"));
    }
    block_put(q, block, index, count - 1);
    qcow2_table_unpin(block);
    if (count > 1)
        return TRUE;
    guint64 offset = cluster << q->cluster_bits;
    *now_free = TRUE;
    q->free_hint = MIN(q->free_hint, cluster);
    qcow2_meta_set(q, cluster, FALSE);
    qcow2_table_drop(&q->l2_cache, offset);
    qcow2_table_drop(&q->block_cache, offset);
    if (q->compressed_tail && (q->compressed_tail - 1) >> q->cluster_bits == cluster)
        q->compressed_tail = 0;
    q->unpacked_offset = 0;
    return TRUE;
}

void qcow2_release(Qcow2 *q, guint64 offset, guint64 count)
{
    for (guint64 i = 0; i < count; i++) {
        gboolean now_free;
        if (!lower(q, (offset >> q->cluster_bits) + i, &now_free, NULL))
            return; /* a leak at worst */
    }
}

void qcow2_free_later(Qcow2 *q, guint64 offset, guint64 count)
{
    guint64 cluster = offset >> q->cluster_bits;
    for (guint64 i = 0; i < count; i++, cluster++)
        g_array_append_val(q->frees, cluster);
}

static gint by_number(gconstpointer a, gconstpointer b)
{
    guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;
    return x < y ? -1 : x > y;
}

/* The tables that referred to these clusters no longer do, and that is on disk. */
gboolean qcow2_apply_frees(Qcow2 *q, GError **error)
{
    g_autoptr(GArray) frees = g_steal_pointer(&q->frees);
    q->frees = g_array_new(FALSE, FALSE, sizeof(guint64));
    g_array_sort(frees, by_number);
    guint64 hole = 0, hole_length = 0;
    gboolean ok = TRUE;
    for (guint i = 0; i < frees->len; i++) {
        guint64 cluster = g_array_index(frees, guint64, i);
        gboolean now_free;
        if (!lower(q, cluster, &now_free, error)) {
            /* what is left stays counted: a leak */
            ok = FALSE;
            break;
        }
        if (!now_free)
            continue;
        guint64 offset = cluster << q->cluster_bits;
        if (hole_length && hole + hole_length == offset) {
            hole_length += q->cluster_size;
            continue;
        }
        if (hole_length)
            q->file->ops->punch(q->file, hole, hole_length);
        hole = offset;
        hole_length = q->cluster_size;
    }
    if (hole_length)
        q->file->ops->punch(q->file, hole, hole_length); /* a courtesy to the host: failing does no harm */
    return ok;
}
