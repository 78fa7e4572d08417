/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qcow2: checking and repairing. The walk follows every reference in the file and counts; the counts are then
 * compared with the stored ones. It reads the file itself, not through the caches, so that it sees what
 * another program would see.
 */
#include <string.h>

#include "images/qcow2/qcow2.h"

typedef enum Owner {
    OWNER_NONE,
    OWNER_DATA,
    OWNER_PACKED, /* compressed data, of one entry or several */
    OWNER_L2,                     /* may be shared between snapshots */
    OWNER_TABLE,                  /* everything else that holds metadata: never shared */
    OWNER_STORED_SINGLE = 1 << 7, /* set when all owners are known: the stored count is one */
} Owner;

typedef struct Walk {
    Qcow2 *q;
    ImageCheck *check;
    const ImageJob *job;
    gboolean fix;         /* drop entries that cannot be right */
    gboolean with_counts; /* the refcount structures' own clusters are counted too */
    gboolean quiet;       /* no messages: the findings were told before */
    guint64 clusters;     /* of the file */
    guint32 *refs;
    guint8 *owner;
    guint64 fixed;
    gboolean by_stored;     /* flags are compared with the stored counts, not with the walk's */
    gboolean counts_broken; /* refcount structures that cannot be used */
    guint64 next_host;      /* for fragmentation */
} Walk;

static void finding(Walk *w, guint64 *counter, const char *what, guint64 offset)
{
    (*counter)++;
    if (!w->quiet)
        image_check_message(w->check, "%s (%" PRIu64 ")", what, offset);
}

static void damaged(Walk *w, const char *what, guint64 offset)
{
    finding(w, &w->check->corruptions, what, offset);
}

/* Counts one reference to each cluster of the range. FALSE: it cannot be there. */
static gboolean refer(Walk *w, guint64 offset, guint64 length, Owner owner)
{
    guint bits = w->q->cluster_bits;
    if (length == 0)
        return TRUE;
    if (offset >= QCOW2_MAX_OFFSET || length > QCOW2_MAX_OFFSET ||
        ((offset + length - 1) >> bits) >= w->clusters)
        return FALSE;
    for (guint64 c = offset >> bits; c <= (offset + length - 1) >> bits; c++) {
        if (w->owner[c] != OWNER_NONE && (w->owner[c] != owner || owner == OWNER_TABLE))
            damaged(w, _("Two different things share one cluster"), c << bits);
        w->owner[c] = MAX(w->owner[c], (guint8)owner);
        if (w->refs[c] < G_MAXUINT32)
            w->refs[c]++;
    }
    return TRUE;
}

/* ---- L2 and L1 tables ------------------------------------------------------------------------------------
 */

/* What stands for an entry that points nowhere: zeros, so that a base's old contents do not come back. */
static void drop_entry(Walk *w, guint8 *raw, guint64 entry, guint64 bitmap)
{
    image_put_be64(raw, entry);
    if (w->q->extended)
        image_put_be64(raw + 8, bitmap);
    w->fixed++;
}

static gboolean entry_bad(Walk *w, guint8 *raw, guint64 at, const char *what)
{
    damaged(w, what, at);
    if (w->fix)
        drop_entry(w, raw, w->q->header.version >= 3 && !w->q->extended ? QCOW2_ENTRY_ZERO : 0,
                   G_GUINT64_CONSTANT(0xffffffff) << 32);
    return w->fix;
}

/* One entry: counts what it refers to. TRUE when it was changed. */
static gboolean walk_entry(Walk *w, guint8 *raw, guint64 at, gboolean active)
{
    Qcow2 *q = w->q;
    guint64 entry = image_get_be64(raw), bitmap = q->extended ? image_get_be64(raw + 8) : 0;
    if (entry & QCOW2_ENTRY_COMPRESSED) {
        guint64 offset, length;
        qcow2_compressed_range(q, entry, &offset, &length);
        /* the last sector may be cut off by the end of the file, its cluster may not */
        if (offset == 0 || !refer(w, offset, length, OWNER_PACKED))
            return entry_bad(w, raw, at, _("Compressed data lies outside the file"));
        if (active) {
            w->check->allocated_clusters++;
            w->check->compressed_clusters++;
            w->check->fragmented_clusters++;
        }
        return FALSE;
    }
    guint64 host = entry & QCOW2_ENTRY_OFFSET;
    guint64 reserved =
        entry & ~(QCOW2_ENTRY_OFFSET | QCOW2_ENTRY_COPIED | (q->extended ? 0 : QCOW2_ENTRY_ZERO));
    if (reserved) {
        damaged(w, _("An entry has bits that mean nothing"), at);
        if (w->fix) {
            drop_entry(w, raw, entry & ~reserved, bitmap);
            return TRUE; /* its cluster is counted by the next walk */
        }
    }
    if (q->extended) {
        guint64 both = bitmap & (bitmap >> 32) & 0xffffffff;
        guint64 nowhere = host ? 0 : bitmap & 0xffffffff;
        if (both || nowhere) {
            damaged(w, _("Subclusters are both zero and data, or data without a place"), at);
            if (w->fix) {
                drop_entry(w, raw, entry, (bitmap & ~nowhere) & ~(both << 32));
                return TRUE;
            }
        }
    } else if ((entry & QCOW2_ENTRY_ZERO) && q->header.version < 3) {
        return entry_bad(w, raw, at, _("An entry has bits that version 2 does not know"));
    }
    if (!host)
        return FALSE;
    if (host & (q->cluster_size - 1))
        return entry_bad(w, raw, at, _("An entry points into the middle of a cluster"));
    /* The disk itself is walked first: only snapshots may have the same cluster, too. */
    if (active && host >> q->cluster_bits < w->clusters && w->owner[host >> q->cluster_bits] == OWNER_DATA)
        damaged(w, _("Two entries of the disk share one cluster"), host);
    if (!refer(w, host, q->cluster_size, OWNER_DATA))
        return entry_bad(w, raw, at, _("An entry points outside the file"));
    if (active && qcow2_entry_kind(q, entry, bitmap, 0) != QCOW2_ZERO) {
        w->check->allocated_clusters++;
        if (w->next_host && host != w->next_host)
            w->check->fragmented_clusters++;
        w->next_host = host + q->cluster_size;
    }
    return FALSE;
}

static gboolean walk_l1(Walk *w, guint64 l1_offset, guint64 l1_size, gboolean active, GError **error)
{
    Qcow2 *q = w->q;
    g_autofree guint8 *l1 = g_malloc(MAX(l1_size * 8, 8));
    g_autofree guint8 *l2 = g_malloc(q->cluster_size);
    if (!image_file_read(q->file, l1_offset, l1, l1_size * 8, error))
        return FALSE;
    gboolean l1_changed = FALSE;
    for (guint64 i = 0; i < l1_size; i++) {
        guint64 entry = image_get_be64(l1 + i * 8), offset = entry & QCOW2_ENTRY_OFFSET;
        if (entry & ~(QCOW2_ENTRY_OFFSET | QCOW2_ENTRY_COPIED)) {
            damaged(w, _("An entry of the L1 table has bits that mean nothing"), l1_offset + i * 8);
            if (w->fix && active) {
                image_put_be64(l1 + i * 8, entry & (QCOW2_ENTRY_OFFSET | QCOW2_ENTRY_COPIED));
                l1_changed = TRUE;
                w->fixed++;
            }
        }
        if (!offset)
            continue;
        if (active && !image_job_step(w->job, i, l1_size, error))
            return FALSE;
        if (offset & (q->cluster_size - 1) || !refer(w, offset, q->cluster_size, OWNER_L2)) {
            damaged(w, _("The L1 table points to an L2 table that cannot be there"), offset);
            if (w->fix && active) {
                image_put_be64(l1 + i * 8, 0);
                l1_changed = TRUE;
                w->fixed++;
            }
            continue;
        }
        if (!image_file_read(q->file, offset, l2, q->cluster_size, error))
            return FALSE;
        gboolean changed = FALSE;
        for (guint32 at = 0; at < q->cluster_size; at += 1u << q->entry_bits)
            changed |= walk_entry(w, l2 + at, offset + at, active);
        if (changed && !image_file_write(q->file, offset, l2, q->cluster_size, error))
            return FALSE;
    }
    return !l1_changed || image_file_write(q->file, l1_offset, l1, l1_size * 8, error);
}

/* The flag that says "only this entry refers to it" must be there exactly when the count is one. */
static gboolean flag_wrong(Walk *w, guint64 entry, guint64 host)
{
    guint64 cluster = host >> w->q->cluster_bits;
    if (!host || cluster >= w->clusters)
        return FALSE;
    gboolean single = w->by_stored ? w->owner[cluster] & OWNER_STORED_SINGLE : w->refs[cluster] == 1;
    return ((entry & QCOW2_ENTRY_COPIED) != 0) != (single != 0);
}

static gboolean check_flags(Walk *w, GError **error)
{
    Qcow2 *q = w->q;
    guint64 l1_bytes = (guint64)q->header.l1_size * 8;
    g_autofree guint8 *l1 = g_malloc(MAX(l1_bytes, 8));
    g_autofree guint8 *l2 = g_malloc(q->cluster_size);
    if (!image_file_read(q->file, q->header.l1_offset, l1, l1_bytes, error))
        return FALSE;
    gboolean l1_changed = FALSE;
    for (guint64 i = 0; i < l1_bytes; i += 8) {
        guint64 entry = image_get_be64(l1 + i), offset = entry & QCOW2_ENTRY_OFFSET;
        if (!offset || offset & (q->cluster_size - 1) || offset >> q->cluster_bits >= w->clusters)
            continue;
        if (flag_wrong(w, entry, offset)) {
            damaged(w, _("An L2 table's flag of ownership is wrong"), offset);
            if (w->fix) {
                image_put_be64(l1 + i, entry ^ QCOW2_ENTRY_COPIED);
                l1_changed = TRUE;
                w->fixed++;
            }
        }
        if (!image_file_read(q->file, offset, l2, q->cluster_size, error))
            return FALSE;
        gboolean changed = FALSE;
        for (guint32 at = 0; at < q->cluster_size; at += 1u << q->entry_bits) {
            guint64 e = image_get_be64(l2 + at);
            guint64 host = e & QCOW2_ENTRY_OFFSET;
            if (e & QCOW2_ENTRY_COMPRESSED || host & (q->cluster_size - 1) || !flag_wrong(w, e, host))
                continue;
            damaged(w, _("A cluster's flag of ownership is wrong"), host);
            if (w->fix) {
                image_put_be64(l2 + at, e ^ QCOW2_ENTRY_COPIED);
                changed = TRUE;
                w->fixed++;
            }
        }
        if (changed && !image_file_write(q->file, offset, l2, q->cluster_size, error))
            return FALSE;
    }
    return !l1_changed || image_file_write(q->file, q->header.l1_offset, l1, l1_bytes, error);
}

/* ---- Everything else that occupies clusters --------------------------------------------------------------
 */

/* "Bitmaps extension": kept by other programs; counted while they are declared valid. */
static gboolean walk_bitmaps(Walk *w, GError **error)
{
    Qcow2 *q = w->q;
    if (!(q->header.autoclear & QCOW2_AUTOCLEAR_BITMAPS))
        return TRUE;
    for (guint i = 0; i < q->header.extensions->len; i++) {
        const Qcow2Extension *e = &g_array_index(q->header.extensions, Qcow2Extension, i);
        if (e->type != QCOW2_EXT_BITMAPS || e->length < 24)
            continue;
        guint64 size = image_get_be64(e->data + 8), offset = image_get_be64(e->data + 16);
        if (size > (64u << 20) || !refer(w, offset, size, OWNER_TABLE)) {
            damaged(w, _("The directory of bitmaps cannot be there"), offset);
            continue;
        }
        g_autofree guint8 *directory = g_malloc(MAX(size, 1));
        if (!image_file_read(q->file, offset, directory, size, error))
            return FALSE;
        for (guint64 at = 0; at + 24 <= size;) {
            guint64 table_offset = image_get_be64(directory + at);
            guint64 table_size = image_get_be32(directory + at + 8);
            guint64 name = (guint64)directory[at + 18] << 8 | directory[at + 19];
            guint64 extra = image_get_be32(directory + at + 20);
            if (table_size > (8u << 20) || !refer(w, table_offset, table_size * 8, OWNER_TABLE)) {
                damaged(w, _("The table of a bitmap cannot be there"), table_offset);
            } else {
                g_autofree guint8 *table = g_malloc(MAX(table_size * 8, 1));
                if (!image_file_read(q->file, table_offset, table, table_size * 8, error))
                    return FALSE;
                for (guint64 k = 0; k < table_size; k++) {
                    guint64 host = image_get_be64(table + k * 8) & QCOW2_ENTRY_OFFSET;
                    if (host && !refer(w, host, q->cluster_size, OWNER_TABLE))
                        damaged(w, _("A bitmap's data lies outside the file"), host);
                }
            }
            at += image_align_up(24 + extra + name, 8);
        }
    }
    return TRUE;
}

static gboolean walk_counts(Walk *w)
{
    Qcow2 *q = w->q;
    if (q->tables_broken && !q->reftable) {
        damaged(w, _("The refcount table cannot be where the header says"), q->header.reftable_offset);
        w->counts_broken = TRUE;
        return TRUE;
    }
    if (!refer(w, q->header.reftable_offset, (guint64)q->header.reftable_clusters << q->cluster_bits,
               OWNER_TABLE)) {
        damaged(w, _("The refcount table reaches beyond the file"), q->header.reftable_offset);
        w->counts_broken = TRUE;
    }
    for (guint32 i = 0; i < q->reftable_size; i++) {
        guint64 offset = q->reftable[i] & QCOW2_REFTABLE_OFFSET;
        if (q->reftable[i] != offset) {
            damaged(w, _("An entry of the refcount table has bits that mean nothing"), i);
            w->counts_broken = TRUE;
        }
        if (!offset)
            continue;
        if (offset & (q->cluster_size - 1) || offset >> q->cluster_bits >= w->clusters ||
            w->owner[offset >> q->cluster_bits] != OWNER_NONE) {
            damaged(w, _("A refcount block cannot be where the refcount table says"), offset);
            w->counts_broken = TRUE;
            continue;
        }
        refer(w, offset, q->cluster_size, OWNER_TABLE);
    }
    return TRUE;
}

static gboolean walk_all(Walk *w, GError **error)
{
    Qcow2 *q = w->q;
    const Qcow2Header *h = &q->header;
    memset(w->refs, 0, w->clusters * sizeof *w->refs);
    memset(w->owner, 0, w->clusters);
    refer(w, 0, 1, OWNER_TABLE);
    if (h->l1_size)
        refer(w, h->l1_offset, (guint64)h->l1_size * 8, OWNER_TABLE);
    if (w->with_counts)
        walk_counts(w);
    if (!walk_l1(w, h->l1_offset, h->l1_size, TRUE, error))
        return FALSE;
    if (h->snapshot_count) {
        refer(w, h->snapshots_offset, q->snapshots_bytes, OWNER_TABLE);
        for (guint i = 0; i < q->snapshots->len; i++) {
            const Qcow2Snapshot *s = &g_array_index(q->snapshots, Qcow2Snapshot, i);
            if (!refer(w, s->l1_offset, (guint64)s->l1_size * 8, OWNER_TABLE))
                damaged(w, _("An internal snapshot's table reaches beyond the file"), s->l1_offset);
            else if (!walk_l1(w, s->l1_offset, s->l1_size, FALSE, error))
                return FALSE;
        }
    }
    return walk_bitmaps(w, error);
}

/* ---- Comparing and repairing counts ----------------------------------------------------------------------
 */

static gboolean compare_counts(Walk *w, gboolean fix_leaks, gboolean *too_low, GError **error)
{
    Qcow2 *q = w->q;
    guint64 per_block = G_GUINT64_CONSTANT(1) << q->block_bits;
    guint64 blocks = MAX(q->reftable_size, (w->clusters + per_block - 1) / per_block);
    g_autofree guint8 *block = g_malloc(q->cluster_size);
    for (guint64 b = 0; b < blocks; b++) {
        guint64 offset = b < q->reftable_size ? q->reftable[b] & QCOW2_REFTABLE_OFFSET : 0;
        guint64 first = b << q->block_bits;
        if (!offset && first >= w->clusters)
            continue;
        if (offset & (q->cluster_size - 1) || offset >> q->cluster_bits >= w->clusters)
            continue; /* told by the walk */
        if (!offset)
            memset(block, 0, q->cluster_size);
        else if (!image_file_read(q->file, offset, block, q->cluster_size, error))
            return FALSE;
        gboolean changed = FALSE;
        for (guint64 k = 0; k < per_block; k++) {
            guint64 cluster = first + k;
            guint64 stored = qcow2_block_get(block, q->refcount_order, k);
            guint64 refs = cluster < w->clusters ? w->refs[cluster] : 0;
            if (refs && cluster >= w->check->image_end >> q->cluster_bits)
                w->check->image_end = (cluster + 1) << q->cluster_bits;
            if (stored == 1 && cluster < w->clusters)
                w->owner[cluster] |= OWNER_STORED_SINGLE;
            if (stored == refs)
                continue;
            if (stored < refs) {
                *too_low = TRUE;
                damaged(w, _("A cluster is used more often than its reference count says"),
                        cluster << q->cluster_bits);
            } else if (fix_leaks) {
                qcow2_block_set(block, q->refcount_order, k, refs);
                changed = TRUE;
                w->fixed++;
            } else {
                finding(w, &w->check->leaks, _("A cluster is counted but not used: leaked"),
                        cluster << q->cluster_bits);
            }
        }
        if (changed && !image_file_write(q->file, offset, block, q->cluster_size, error))
            return FALSE;
    }
    return TRUE;
}

/* New refcount structures behind the end of the file, made from the walk's counts; the header decides. */
static gboolean rebuild_counts(Walk *w, GError **error)
{
    Qcow2 *q = w->q;
    guint64 per_block = G_GUINT64_CONSTANT(1) << q->block_bits;
    guint64 blocks, table;
    qcow2_count_refcounts(w->clusters, q->cluster_bits, q->refcount_order, &blocks, &table);
    guint64 start = w->clusters, total = start + blocks + table;
    gsize table_bytes = table << q->cluster_bits;
    if (table_bytes > QCOW2_MAX_REFTABLE_BYTES) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” is too large for new reference counts with clusters of %u bytes. Convert it to a "
                      "new image."),
                    q->image->path, q->cluster_size);
        return FALSE;
    }
    g_autofree guint8 *raw = g_malloc0(table_bytes);
    g_autofree guint8 *block = g_malloc(q->cluster_size);
    for (guint64 b = 0; b < blocks; b++) {
        guint64 offset = (start + table + b) << q->cluster_bits;
        image_put_be64(raw + b * 8, offset);
        memset(block, 0, q->cluster_size);
        for (guint64 k = 0; k < per_block && b * per_block + k < total; k++) {
            guint64 c = b * per_block + k;
            guint64 refs = c < start ? w->refs[c] : 1;
            qcow2_block_set(block, q->refcount_order, k, MIN(refs, q->refcount_max));
        }
        if (!image_file_write(q->file, offset, block, q->cluster_size, error))
            return FALSE;
    }
    guint8 field[12];
    image_put_be64(field, start << q->cluster_bits);
    image_put_be32(field + 8, (guint32)table);
    if (!image_file_write(q->file, start << q->cluster_bits, raw, table_bytes, error) ||
        !image_file_sync(q->file, error) ||
        !image_file_write(q->file, QCOW2_AT_REFTABLE, field, sizeof field, error) ||
        !image_file_sync(q->file, error))
        return FALSE;
    q->header.reftable_offset = start << q->cluster_bits;
    q->header.reftable_clusters = (guint32)table;
    return TRUE;
}

/* One entry of the disk for separate_entries(). FALSE with an error. */
static gboolean look_at_entry(Qcow2 *q, guint64 at, guint64 entry, gboolean separating, guint8 *seen, guint64 clusters,
                              guint8 *data, GError **error)
{
    if (entry & QCOW2_ENTRY_COMPRESSED) {
        guint64 offset, length;
        qcow2_compressed_range(q, entry, &offset, &length);
        for (guint64 c = offset >> q->cluster_bits; !separating && c <= (offset + length - 1) >> q->cluster_bits; c++)
            if (c < clusters)
                seen[c / 8] |= (guint8)(1u << (c % 8));
        return TRUE;
    }
    guint64 host = (entry & QCOW2_ENTRY_OFFSET) >> q->cluster_bits;
    if (!separating || !host || host >= clusters)
        return TRUE;
    /* with a snapshot, or with another entry of the disk, or with a table */
    gboolean shared = !(entry & QCOW2_ENTRY_COPIED) &&
                      (!q->header.snapshot_count || (seen[host / 8] >> (host % 8) & 1));
    seen[host / 8] |= (guint8)(1u << (host % 8));
    return !shared || (qcow2_read(q, at, data, q->cluster_size, error) && qcow2_write(q, at, data, q->cluster_size, error));
}

/*
 * Entries of the disk that share a cluster with one another or with a table, not with a snapshot alone, get one
 * each: with both flags cleared nothing would be lost, but the last of them would be left with a count of one and no flag.
 */
static gboolean separate_entries(Qcow2 *q, GError **error)
{
    g_autofree guint8 *data = g_malloc(q->cluster_size);
    guint64 size = image_align_up(q->image->size, q->cluster_size), clusters;
    guint64 per_table = G_GUINT64_CONSTANT(1) << (q->cluster_bits + q->l2_bits);
    if (!image_file_size(q->file, &clusters, error))
        return FALSE;
    clusters = (clusters + q->cluster_size - 1) >> q->cluster_bits;
    g_autofree guint8 *seen = g_malloc0(clusters / 8 + 1); /* what an entry before has; new clusters are nobody else's */
    /* First where compressed data stands: that stays. */
    for (guint separating = 0; separating < 2; separating++) {
        for (guint64 at = 0; at < size;) {
            guint64 l1 = q->l1[at / per_table], bitmap;
            if (!(l1 & QCOW2_ENTRY_OFFSET)) {
                at = image_align_down(at, per_table) + per_table;
                continue;
            }
            Qcow2Table *table = qcow2_table_get(q, &q->l2_cache, l1 & QCOW2_ENTRY_OFFSET, error);
            if (!table)
                return FALSE;
            guint index = (guint)((at >> q->cluster_bits) & ((1u << q->l2_bits) - 1));
            guint64 entry = qcow2_l2_get(q, table, index, &bitmap);
            qcow2_table_unpin(table);
            if (!look_at_entry(q, at, entry, separating != 0, seen, clusters, data, error))
                return FALSE;
            at += q->cluster_size;
        }
    }
    return qcow2_flush_tables(q, error) && image_file_sync(q->file, error);
}

/* ---- The whole -------------------------------------------------------------------------------------------
 */

static void walk_clear(Walk *w)
{
    g_clear_pointer(&w->refs, g_free);
    g_clear_pointer(&w->owner, g_free);
}

static gboolean walk_begin(Walk *w, Qcow2 *q, ImageCheck *check, const ImageJob *job, GError **error)
{
    guint64 file_size;
    walk_clear(w);
    *w = (Walk){.q = q, .check = check, .job = job, .with_counts = TRUE};
    if (!image_file_size(q->file, &file_size, error))
        return FALSE;
    w->clusters = (file_size + q->cluster_size - 1) >> q->cluster_bits;
    w->refs = w->clusters < G_MAXSIZE / 8 ? g_try_new0(guint32, w->clusters) : NULL;
    w->owner = w->refs ? g_try_malloc0(w->clusters) : NULL;
    if (!w->owner) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("There is not enough memory to check “%s”. Close other programs and try again."),
                    q->image->path);
        return FALSE;
    }
    return TRUE;
}

static gboolean look(Walk *w, GError **error)
{
    gboolean too_low = FALSE;
    if (!walk_all(w, error) || !compare_counts(w, FALSE, &too_low, error))
        return FALSE;
    w->by_stored = TRUE;
    if (!check_flags(w, error))
        return FALSE;
    w->counts_broken |= too_low;
    return TRUE;
}

static gboolean fix_flags(Qcow2 *q, Walk *w, ImageCheck *scratch, const ImageJob *job, GError **error)
{
    if (!walk_begin(w, q, scratch, job, error))
        return FALSE;
    w->quiet = w->fix = TRUE;
    return walk_all(w, error) && check_flags(w, error) && image_file_sync(q->file, error);
}

static gboolean repair_errors(Qcow2 *q, Walk *w, gboolean counts_broken, ImageCheck *scratch,
                              const ImageJob *job, GError **error)
{
    if (!walk_begin(w, q, scratch, job, error))
        return FALSE;
    w->quiet = w->fix = TRUE;
    w->with_counts = !counts_broken;
    /* Twice: entries that are dropped in the first walk no longer count in the second. */
    if (!walk_all(w, error) || !walk_all(w, error))
        return FALSE;
    if (counts_broken && (!image_file_sync(q->file, error) || !rebuild_counts(w, error)))
        return FALSE;
    if (!check_flags(w, error) || !image_file_sync(q->file, error) || !qcow2_load_tables(q, TRUE, error))
        return FALSE;
    if (q->tables_broken)
        return TRUE;
    return separate_entries(q, error) && fix_flags(q, w, scratch, job, error) &&
           qcow2_load_tables(q, TRUE, error);
}

static gboolean repair_file(Qcow2 *q, Walk *w, ImageRepair repair, const ImageJob *job, GError **error)
{
    ImageCheck scratch = {.messages = w->check->messages};
    if ((repair & IMAGE_REPAIR_ERRORS) && !repair_errors(q, w, w->counts_broken, &scratch, job, error))
        return FALSE;
    if (repair & IMAGE_REPAIR_LEAKS) {
        gboolean too_low = FALSE;
        if (!walk_begin(w, q, &scratch, job, error))
            return FALSE;
        w->quiet = TRUE;
        if (!walk_all(w, error) || !compare_counts(w, TRUE, &too_low, error))
            return FALSE;
        /* Counts that went down to one want their flag; a flag less is no danger meanwhile. */
        w->fix = TRUE;
        if (!image_file_sync(q->file, error) || (!too_low && !check_flags(w, error)))
            return FALSE;
    }
    return image_file_sync(q->file, error);
}

gboolean qcow2_check(Image *image, ImageRepair repair, ImageCheck *check, const ImageJob *job, GError **error)
{
    Qcow2 *q = image->state;
    Walk w = {0};
    gboolean ok = FALSE;
    if (image->writable && !q->tables_broken &&
        (!qcow2_flush_tables(q, error) || !image_file_sync(q->file, error)))
        return FALSE;
    if (!walk_begin(&w, q, check, job, error) || !look(&w, error))
        goto out;
    check->total_clusters = (image->size + q->cluster_size - 1) >> q->cluster_bits;

    gboolean marked = (q->header.incompatible & (QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_CORRUPT)) != 0;
    gboolean errors = (repair & IMAGE_REPAIR_ERRORS) && (check->corruptions || q->tables_broken);
    gboolean leaks = (repair & IMAGE_REPAIR_LEAKS) && (check->leaks || errors);
    if (errors || leaks) {
        ImageRepair todo = (errors ? IMAGE_REPAIR_ERRORS : 0) | (leaks ? IMAGE_REPAIR_LEAKS : 0);
        q->repairing = TRUE;
        if (!repair_file(q, &w, todo, job, error))
            goto out;
        ImageCheck after = {.messages = check->messages};
        if (!walk_begin(&w, q, &after, job, error))
            goto out;
        w.quiet = TRUE;
        if (!look(&w, error))
            goto out;
        after.total_clusters = check->total_clusters;
        after.corruptions_fixed = check->corruptions - MIN(check->corruptions, after.corruptions);
        after.leaks_fixed = check->leaks - MIN(check->leaks, after.leaks);
        *check = after;
    }
    if ((repair & IMAGE_REPAIR_ERRORS) && marked && check->corruptions == 0) {
        q->header.incompatible &= ~(guint64)(QCOW2_INCOMPATIBLE_DIRTY | QCOW2_INCOMPATIBLE_CORRUPT);
        if (!qcow2_header_write_features(q, error))
            goto out;
        q->corrupt = FALSE;
    }
    if (errors || leaks) {
        /* The caches and the map of tables are of before. */
        if (!qcow2_load_tables(q, check->corruptions != 0, error))
            goto out;
    }
    ok = image_job_step(job, 1, 1, error);
out:
    q->repairing = FALSE;
    walk_clear(&w);
    return ok;
}
