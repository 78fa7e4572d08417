/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qcow2: the write-back caches of L2 tables and refcount blocks, the one place that writes tables (in the
 * order that qcow2.h tells), and the map of clusters that hold tables, which no data may overwrite.
 */
#include <string.h>

#include "images/qcow2/qcow2.h"

/* ---- Cache -----------------------------------------------------------------------------------------------
 */

static void table_free(gpointer data)
{
    Qcow2Table *table = data;
    g_free(table->data);
    g_free(table);
}

void qcow2_cache_init(Qcow2Cache *cache, guint limit)
{
    cache->tables = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_queue_init(&cache->used);
    cache->limit = limit;
    cache->dirty = FALSE;
}

void qcow2_cache_clear(Qcow2Cache *cache)
{
    if (!cache->tables)
        return;
    GList *link;
    while ((link = g_queue_pop_head_link(&cache->used)))
        table_free(link->data);
    g_clear_pointer(&cache->tables, g_hash_table_unref);
    cache->dirty = FALSE;
}

static void table_remove(Qcow2Cache *cache, Qcow2Table *table)
{
    g_hash_table_remove(cache->tables, &table->offset);
    g_queue_unlink(&cache->used, &table->link);
    table_free(table);
}

/* Makes room for one more table. */
static gboolean cache_shrink(Qcow2 *q, Qcow2Cache *cache, GError **error)
{
    if (cache->used.length < cache->limit)
        return TRUE;
    for (GList *l = cache->used.tail; l; l = l->prev) {
        Qcow2Table *table = l->data;
        if (table->pins)
            continue;
        if (table->dirty_low < table->dirty_high) {
            /* All at once: the next victims are clean then. Writing never allocates, so this ends. */
            if (!qcow2_flush_tables(q, error))
                return FALSE;
            if (table->pins || table->dirty_low < table->dirty_high)
                return TRUE; /* counts that were lowered meanwhile; a table too many does no harm */
        }
        table_remove(cache, table);
        return TRUE;
    }
    return TRUE; /* all in use: a table too many for a moment */
}

static Qcow2Table *table_insert(Qcow2Cache *cache, guint64 offset, guint8 *data)
{
    Qcow2Table *table = g_new0(Qcow2Table, 1);
    table->offset = offset;
    table->data = data;
    table->pins = 1;
    table->link.data = table;
    g_hash_table_insert(cache->tables, &table->offset, table);
    g_queue_push_head_link(&cache->used, &table->link);
    return table;
}

static Qcow2Table *table_touch(Qcow2Cache *cache, Qcow2Table *table)
{
    if (cache->used.head != &table->link) {
        g_queue_unlink(&cache->used, &table->link);
        g_queue_push_head_link(&cache->used, &table->link);
    }
    table->pins++;
    return table;
}

Qcow2Table *qcow2_table_get(Qcow2 *q, Qcow2Cache *cache, guint64 offset, GError **error)
{
    Qcow2Table *table = g_hash_table_lookup(cache->tables, &offset);
    if (table)
        return table_touch(cache, table);

    guint64 file_size;
    if (!image_file_size(q->file, &file_size, error))
        return NULL;
    if (offset == 0 || offset & (q->cluster_size - 1) || offset >= file_size) {
        qcow2_corrupt(q, error, _("a table should stand at byte %" PRIu64), offset);
        return NULL;
    }
    if (!cache_shrink(q, cache, error))
        return NULL;
    g_autofree guint8 *data = g_malloc(q->cluster_size);
    if (!image_file_read(q->file, offset, data, q->cluster_size, error))
        return NULL;
    return table_insert(cache, offset, g_steal_pointer(&data));
}

Qcow2Table *qcow2_table_new(Qcow2 *q, Qcow2Cache *cache, guint64 offset, GError **error)
{
    if (!cache_shrink(q, cache, error))
        return NULL;
    qcow2_table_drop(cache, offset);
    Qcow2Table *table = table_insert(cache, offset, g_malloc0(q->cluster_size));
    qcow2_table_dirty(cache, table, 0, q->cluster_size);
    return table;
}

void qcow2_table_unpin(Qcow2Table *table)
{
    if (table)
        table->pins--;
}

void qcow2_table_dirty(Qcow2Cache *cache, Qcow2Table *table, guint32 low, guint32 high)
{
    if (table->dirty_low >= table->dirty_high) {
        table->dirty_low = low;
        table->dirty_high = high;
    } else {
        table->dirty_low = MIN(table->dirty_low, low);
        table->dirty_high = MAX(table->dirty_high, high);
    }
    cache->dirty = TRUE;
}

void qcow2_table_drop(Qcow2Cache *cache, guint64 offset)
{
    Qcow2Table *table = g_hash_table_lookup(cache->tables, &offset);
    if (table && table->pins == 0)
        table_remove(cache, table);
}

static gint by_offset(gconstpointer a, gconstpointer b)
{
    const Qcow2Table *x = *(Qcow2Table *const *)a, *y = *(Qcow2Table *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

gboolean qcow2_cache_write(Qcow2 *q, Qcow2Cache *cache, GError **error)
{
    if (!cache->dirty)
        return TRUE;
    g_autoptr(GPtrArray) dirty = g_ptr_array_new();
    for (GList *l = cache->used.head; l; l = l->next) {
        Qcow2Table *table = l->data;
        if (table->dirty_low < table->dirty_high)
            g_ptr_array_add(dirty, table);
    }
    g_ptr_array_sort(dirty, by_offset);
    for (guint i = 0; i < dirty->len; i++) {
        Qcow2Table *table = dirty->pdata[i];
        guint32 low = table->dirty_low & ~511u;
        guint32 high = (guint32)image_align_up(table->dirty_high, 512);
        if (!image_file_write(q->file, table->offset + low, table->data + low, high - low, error))
            return FALSE;
        table->dirty_low = table->dirty_high = 0;
    }
    cache->dirty = FALSE;
    return TRUE;
}

/* ---- The order of writes ---------------------------------------------------------------------------------
 */

static gboolean write_entries(Qcow2 *q, guint64 offset, const guint64 *entries, guint32 *low, guint32 *high,
                              GError **error)
{
    guint32 count = *high - *low;
    g_autofree guint8 *raw = g_malloc((gsize)count * 8);
    for (guint32 i = 0; i < count; i++)
        image_put_be64(raw + (gsize)i * 8, entries[*low + i]);
    if (!image_file_write(q->file, offset + (guint64)*low * 8, raw, (gsize)count * 8, error))
        return FALSE;
    *low = *high = 0;
    return TRUE;
}

/* Everything that the caches hold goes to the file in order; what was written last may still need a sync. */
gboolean qcow2_flush_tables(Qcow2 *q, GError **error)
{
    if (!qcow2_cache_write(q, &q->block_cache, error))
        return FALSE;
    if (q->reftable_low < q->reftable_high) {
        if (!image_file_sync(q->file, error) || !write_entries(q, q->header.reftable_offset, q->reftable,
                                                               &q->reftable_low, &q->reftable_high, error))
            return FALSE;
    }
    if (q->l2_cache.dirty) {
        if (!image_file_sync(q->file, error) || !qcow2_cache_write(q, &q->l2_cache, error))
            return FALSE;
    }
    if (q->l1_low < q->l1_high) {
        if (!image_file_sync(q->file, error) ||
            !write_entries(q, q->header.l1_offset, q->l1, &q->l1_low, &q->l1_high, error))
            return FALSE;
    }
    if (q->frees->len) {
        if (!image_file_sync(q->file, error) || !qcow2_apply_frees(q, error))
            return FALSE;
    }
    return qcow2_cache_write(q, &q->block_cache, error);
}

/* ---- Clusters that hold tables ---------------------------------------------------------------------------
 */

#define META_PAGE_BITS 12

void qcow2_meta_set(Qcow2 *q, guint64 cluster, gboolean is_meta)
{
    guint64 page = cluster >> META_PAGE_BITS;
    guint8 *bits = g_hash_table_lookup(q->meta, &page);
    guint at = cluster & ((1u << META_PAGE_BITS) - 1);
    if (!bits) {
        if (!is_meta)
            return;
        bits = g_malloc0((1u << META_PAGE_BITS) / 8);
        g_hash_table_insert(q->meta, g_memdup2(&page, sizeof page), bits);
    }
    if (is_meta)
        bits[at / 8] |= (guint8)(1u << (at % 8));
    else
        bits[at / 8] &= (guint8) ~(1u << (at % 8));
}

gboolean qcow2_meta_has(Qcow2 *q, guint64 cluster)
{
    guint64 page = cluster >> META_PAGE_BITS;
    const guint8 *bits = g_hash_table_lookup(q->meta, &page);
    guint at = cluster & ((1u << META_PAGE_BITS) - 1);
    return bits && (bits[at / 8] & (1u << (at % 8)));
}
