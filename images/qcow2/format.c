/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qcow2: the format's class row: open and close, status, size, information, change of the base. */
#include <string.h>

#include "images/qcow2/qcow2.h"

#define L2_CACHE_BYTES    (32u << 20)
#define BLOCK_CACHE_BYTES (8u << 20)

static gboolean qcow2_probe(const ImageEnds *ends)
{
    return image_get_be32(ends->head) == QCOW2_MAGIC && image_get_be32(ends->head + 4) >= 2;
}

static gboolean bad_table(Qcow2 *q, GError **error, const char *which)
{
    g_set_error(
        error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
        _("“%s” is damaged: %s cannot be where the header says. Try a repair (vitrine image check), or take "
          "the file from a backup."),
        q->image->path, which);
    return FALSE;
}

/* ---- Tables ----------------------------------------------------------------------------------------------
 */

static gboolean table_place_ok(Qcow2 *q, guint64 offset, guint64 bytes, guint64 file_size)
{
    return offset && !(offset & (q->cluster_size - 1)) && offset < QCOW2_MAX_OFFSET &&
           offset + bytes <= file_size;
}

static gboolean load_array(Qcow2 *q, guint64 offset, guint64 entries, guint64 **out, GError **error)
{
    gsize bytes = entries * 8;
    g_autofree guint64 *array = g_malloc(MAX(bytes, 8));
    if (!image_file_read(q->file, offset, array, bytes, error))
        return FALSE;
    for (guint64 i = 0; i < entries; i++)
        array[i] = GUINT64_FROM_BE(array[i]);
    *out = g_steal_pointer(&array);
    return TRUE;
}

/* Marks @count clusters as tables; FALSE when one is marked already or cannot be there. */
static gboolean claim(Qcow2 *q, guint64 offset, guint64 count, guint64 file_size)
{
    if (offset & (q->cluster_size - 1) || offset >= file_size)
        return FALSE;
    guint64 first = offset >> q->cluster_bits;
    for (guint64 i = 0; i < count; i++) {
        if (qcow2_meta_has(q, first + i))
            return FALSE;
        qcow2_meta_set(q, first + i, TRUE);
    }
    return TRUE;
}

static guint64 clusters_of(const Qcow2 *q, guint64 bytes)
{
    return (bytes + q->cluster_size - 1) >> q->cluster_bits;
}

/* Knows every cluster that holds a table, and that no two tables share one: needed before anything is
 * written. */
static gboolean map_tables(Qcow2 *q, guint64 file_size, GError **error)
{
    const Qcow2Header *h = &q->header;
    if (!claim(q, 0, 1, file_size) ||
        (h->l1_size && !claim(q, h->l1_offset, clusters_of(q, (guint64)h->l1_size * 8), file_size)))
        return bad_table(q, error, _("its L1 table"));
    if (!claim(q, h->reftable_offset, h->reftable_clusters, file_size))
        return bad_table(q, error, _("its refcount table"));
    for (guint32 i = 0; i < q->reftable_size; i++) {
        if (q->reftable[i] && !claim(q, q->reftable[i] & QCOW2_REFTABLE_OFFSET, 1, file_size))
            return bad_table(q, error, _("one of its refcount blocks"));
    }
    for (guint32 i = 0; i < q->l1_size; i++) {
        guint64 offset = q->l1[i] & QCOW2_ENTRY_OFFSET;
        if (offset && !claim(q, offset, 1, file_size))
            return bad_table(q, error, _("one of its L2 tables"));
    }
    if (h->snapshot_count == 0)
        return TRUE;
    /* Snapshots share L2 tables with one another and with the disk: a claim that fails is no fault there. */
    claim(q, h->snapshots_offset, 1, file_size);
    for (guint s = 0; s < q->snapshots->len; s++) {
        const Qcow2Snapshot *snapshot = &g_array_index(q->snapshots, Qcow2Snapshot, s);
        g_autofree guint64 *l1 = NULL;
        if (snapshot->l1_size == 0)
            continue;
        if (!table_place_ok(q, snapshot->l1_offset, (guint64)snapshot->l1_size * 8, file_size))
            return bad_table(q, error, _("the table of an internal snapshot"));
        if (!load_array(q, snapshot->l1_offset, snapshot->l1_size, &l1, error))
            return FALSE;
        claim(q, snapshot->l1_offset, clusters_of(q, (guint64)snapshot->l1_size * 8), file_size);
        for (guint32 i = 0; i < snapshot->l1_size; i++) {
            if (l1[i] & QCOW2_ENTRY_OFFSET)
                claim(q, l1[i] & QCOW2_ENTRY_OFFSET, 1, file_size);
        }
    }
    return TRUE;
}

void qcow2_unload_tables(Qcow2 *q)
{
    qcow2_cache_clear(&q->l2_cache);
    qcow2_cache_clear(&q->block_cache);
    g_clear_pointer(&q->l1, g_free);
    g_clear_pointer(&q->reftable, g_free);
    g_clear_pointer(&q->meta, g_hash_table_unref);
    g_clear_pointer(&q->frees, g_array_unref);
    q->l1_low = q->l1_high = q->reftable_low = q->reftable_high = 0;
    q->compressed_tail = q->unpacked_offset = q->free_hint = q->known_end = 0;
}

/* @lenient: for a check, which wants to look at damaged tables itself. */
gboolean qcow2_load_tables(Qcow2 *q, gboolean lenient, GError **error)
{
    const Qcow2Header *h = &q->header;
    guint64 file_size;
    qcow2_unload_tables(q);
    qcow2_cache_init(&q->l2_cache, MAX(16, L2_CACHE_BYTES >> q->cluster_bits));
    qcow2_cache_init(&q->block_cache, MAX(8, BLOCK_CACHE_BYTES >> q->cluster_bits));
    q->meta = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    q->frees = g_array_new(FALSE, FALSE, sizeof(guint64));
    q->l1_size = 0;
    q->reftable_size = 0;
    q->tables_broken = FALSE;
    if (!image_file_size(q->file, &file_size, error))
        return FALSE;

    if ((guint64)h->l1_size * 8 > QCOW2_MAX_L1_BYTES ||
        (h->l1_size && !table_place_ok(q, h->l1_offset, 1, file_size)))
        return bad_table(q, error, _("its L1 table"));
    guint64 coverage_bits = q->cluster_bits + q->l2_bits;
    guint64 needed =
        (h->size >> coverage_bits) + ((h->size & ((G_GUINT64_CONSTANT(1) << coverage_bits) - 1)) != 0);
    if (h->l1_size < needed)
        return bad_table(q, error, _("its L1 table, which is too short for the disk,"));
    if (!load_array(q, h->l1_offset, h->l1_size, &q->l1, error))
        return FALSE;
    q->l1_size = h->l1_size;

    guint64 reftable_bytes = (guint64)h->reftable_clusters << q->cluster_bits;
    if (reftable_bytes == 0 || reftable_bytes > QCOW2_MAX_REFTABLE_BYTES ||
        !table_place_ok(q, h->reftable_offset, 1, file_size)) {
        if (!lenient)
            return bad_table(q, error, _("its refcount table"));
        q->tables_broken = TRUE;
    } else {
        if (!load_array(q, h->reftable_offset, reftable_bytes / 8, &q->reftable, error))
            return FALSE;
        q->reftable_size = (guint32)(reftable_bytes / 8);
    }
    if (!qcow2_snapshots_read(q, error))
        return FALSE;
    if (q->image->writable && !q->tables_broken) {
        g_autoptr(GError) map_error = NULL;
        if (!map_tables(q, file_size, &map_error)) {
            if (!lenient) {
                g_propagate_error(error, g_steal_pointer(&map_error));
                return FALSE;
            }
            q->tables_broken = TRUE;
        }
    }
    return TRUE;
}

/* ---- Open and close --------------------------------------------------------------------------------------
 */

/* Refcounts that were kept lazily are put right before the first write ("Dirty bit"). */
static gboolean repair_dirty(Qcow2 *q, GError **error)
{
    ImageCheck check = {.messages = g_ptr_array_new_with_free_func(g_free)};
    gboolean ok = qcow2_check(q->image, IMAGE_REPAIR_LEAKS | IMAGE_REPAIR_ERRORS, &check, NULL, error);
    if (ok && check.corruptions) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
                    _("“%s” was not closed properly and its reference counts could not be repaired. Run a "
                      "check of it "
                      "(vitrine image check)."),
                    q->image->path);
        ok = FALSE;
    }
    g_ptr_array_unref(check.messages);
    return ok;
}

static gboolean qcow2_open(Image *image, GError **error)
{
    Qcow2 *q = g_new0(Qcow2, 1);
    image->state = q;
    q->image = image;
    q->file = image->file;
    q->packers = g_async_queue_new();
    q->unpackers = g_async_queue_new();
    if (!qcow2_header_read(image->file, &q->header, error) ||
        !qcow2_header_supported(&q->header, image->path, error))
        return FALSE;
    Qcow2Header *h = &q->header;
    q->cluster_bits = h->cluster_bits;
    q->cluster_size = 1u << h->cluster_bits;
    q->extended = (h->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2) != 0;
    q->entry_bits = q->extended ? 4 : 3;
    q->l2_bits = q->cluster_bits - q->entry_bits;
    q->sub_bits = q->extended ? q->cluster_bits - 5 : q->cluster_bits;
    q->subs = q->extended ? 32 : 1;
    q->refcount_order = h->refcount_order;
    q->refcount_max =
        h->refcount_order == 6 ? G_MAXUINT64 : (G_GUINT64_CONSTANT(1) << (1u << h->refcount_order)) - 1;
    q->block_bits = q->cluster_bits + 3 - h->refcount_order;
    q->corrupt = (h->incompatible & QCOW2_INCOMPATIBLE_CORRUPT) != 0;
    image->cluster_size = q->cluster_size;
    image->size = h->size;
    image->backing_file = g_strdup(h->backing_file);
    image->backing_format = g_strdup(h->backing_format);

    gboolean for_check = (image->flags & IMAGE_OPEN_FOR_CHECK) != 0;
    if (q->corrupt && image->writable && !for_check) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
            _("“%s” is marked as damaged and is not written. Check and repair it (vitrine image check), or "
              "open it for reading to save what is there."),
            image->path);
        return FALSE;
    }
    gboolean dirty = (h->incompatible & QCOW2_INCOMPATIBLE_DIRTY) && image->writable && !for_check;
    if (!qcow2_load_tables(q, for_check || dirty || !image->writable, error))
        return FALSE;
    if (h->size % IMAGE_SECTOR) {
        /* the disk ends within a sector: its guests see whole ones, the rest is zeros */
        image->size = image_align_up(h->size, IMAGE_SECTOR);
    }
    return !dirty || repair_dirty(q, error);
}

static gboolean flush_all(Qcow2 *q, GError **error)
{
    return qcow2_flush_tables(q, error) && image_file_sync(q->file, error);
}

static gboolean qcow2_close(Image *image, GError **error)
{
    Qcow2 *q = image->state;
    gboolean ok = TRUE;
    if (image->writable && q->l1 && q->frees)
        ok = flush_all(q, error);
    qcow2_unload_tables(q);
    qcow2_compress_clear(q);
    qcow2_header_clear(&q->header);
    g_clear_pointer(&q->snapshots, g_array_unref);
    g_clear_pointer(&image->state, g_free);
    return ok;
}

static gboolean qcow2_flush(Image *image, GError **error)
{
    return flush_all(image->state, error);
}

/* ---- The rest of the row ---------------------------------------------------------------------------------
 */

static gboolean qcow2_pread(Image *image, guint64 offset, void *buffer, gsize length, GError **error)
{
    return qcow2_read(image->state, offset, buffer, length, error);
}

static gboolean qcow2_pwrite(Image *image, guint64 offset, const void *buffer, gsize length, GError **error)
{
    Qcow2 *q = image->state;
    return qcow2_begin_write(q, error) && qcow2_write(q, offset, buffer, length, error);
}

static gboolean qcow2_write_zeroes(Image *image, guint64 offset, guint64 length, GError **error)
{
    Qcow2 *q = image->state;
    return qcow2_begin_write(q, error) && qcow2_zero(q, offset, length, FALSE, error);
}

static gboolean qcow2_discard(Image *image, guint64 offset, guint64 length, GError **error)
{
    Qcow2 *q = image->state;
    return qcow2_begin_write(q, error) && qcow2_zero(q, offset, length, TRUE, error);
}

static gboolean qcow2_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                             GError **error)
{
    static const ImageBlock blocks[] = {
        [QCOW2_UNALLOCATED] = IMAGE_BLOCK_UNALLOCATED,
        [QCOW2_ZERO] = IMAGE_BLOCK_ZERO,
        [QCOW2_DATA] = IMAGE_BLOCK_DATA,
        [QCOW2_COMPRESSED] = IMAGE_BLOCK_DATA,
    };
    Qcow2Run run;
    if (!qcow2_map(image->state, offset, length, &run, error))
        return FALSE;
    status->block = blocks[run.kind];
    status->compressed = run.kind == QCOW2_COMPRESSED;
    status->host_offset = run.kind == QCOW2_DATA ? (gint64)run.host : -1;
    status->length = run.length;
    /* Ranges over several L2 tables are one for the caller. */
    while (run.kind != QCOW2_COMPRESSED && status->length < length) {
        Qcow2Run next;
        if (!qcow2_map(image->state, offset + status->length, length - status->length, &next, NULL) ||
            next.kind != run.kind || (run.kind == QCOW2_DATA && next.host != run.host + status->length))
            break;
        status->length += next.length;
    }
    return TRUE;
}

static gboolean write_size(Qcow2 *q, guint64 size, GError **error)
{
    guint8 field[8];
    image_put_be64(field, size);
    if (!flush_all(q, error) || !image_file_write(q->file, QCOW2_AT_SIZE, field, sizeof field, error) ||
        !image_file_sync(q->file, error))
        return FALSE;
    q->header.size = size;
    q->image->size = size;
    return TRUE;
}

/* Nothing that stood behind the end, from before an interrupted shrinking or in a longer base, comes back. */
static gboolean clear_behind(Qcow2 *q, guint64 from, guint64 to, GError **error)
{
    const Image *base = q->image->backing;
    guint64 whole = MIN(image_align_up(from, q->cluster_size), to);
    return (whole == from || qcow2_zero(q, from, whole - from, FALSE, error)) &&
           qcow2_drop(q, whole, to, error) &&
           (!base || base->size <= whole || qcow2_zero(q, whole, MIN(to, base->size) - whole, FALSE, error));
}

gboolean qcow2_resize(Image *image, guint64 size, gboolean allow_shrink, GError **error)
{
    Qcow2 *q = image->state;
    guint64 old = image->size;
    if (!qcow2_begin_write(q, error))
        return FALSE;
    if (q->header.snapshot_count && (size < old || q->header.version < 3)) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
            _("“%s” holds internal snapshots, which the new size would spoil. Delete them first, with the "
              "program that made them."),
            image->path);
        return FALSE;
    }
    guint64 coverage_bits = q->cluster_bits + q->l2_bits;
    guint64 entries =
        (size >> coverage_bits) + ((size & ((G_GUINT64_CONSTANT(1) << coverage_bits) - 1)) != 0);
    if (entries > G_MAXUINT32)
        entries = G_MAXUINT32;
    if (size > old)
        return qcow2_grow_l1(q, (guint32)entries, error) && clear_behind(q, old, size, error) &&
               write_size(q, size, error);
    /* The size first: until it counts, all that was written is still there. */
    guint64 whole = MIN(image_align_up(size, q->cluster_size), old);
    return write_size(q, size, error) &&
           (whole == size || qcow2_zero(q, size, whole - size, FALSE, error)) &&
           qcow2_drop(q, whole, old, error) && flush_all(q, error);
}

static void info_of_header(const Qcow2Header *h, ImageInfo *info)
{
    static const char *const encryption[] = {NULL, "aes", "luks"};
    info->version = h->version;
    info->refcount_bits = 1u << h->refcount_order;
    info->compression = h->compression == QCOW2_ZSTD   ? "zstd"
                        : h->compression == QCOW2_ZLIB ? "zlib"
                                                       : "unknown";
    info->lazy_refcounts = (h->compatible & QCOW2_COMPATIBLE_LAZY) != 0;
    info->extended_l2 = (h->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2) != 0;
    info->dirty = (h->incompatible & QCOW2_INCOMPATIBLE_DIRTY) != 0;
    info->corrupt = (h->incompatible & QCOW2_INCOMPATIBLE_CORRUPT) != 0;
    info->external_data = (h->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE) != 0;
    info->encryption = h->crypt_method < G_N_ELEMENTS(encryption) ? encryption[h->crypt_method] : "unknown";
}

static void qcow2_info(Image *image, ImageInfo *info)
{
    Qcow2 *q = image->state;
    info_of_header(&q->header, info);
    if (!q->snapshots || q->snapshots->len == 0)
        return;
    info->snapshots = g_new0(char *, q->snapshots->len + 1);
    for (guint i = 0; i < q->snapshots->len; i++)
        info->snapshots[i] = g_utf8_make_valid(g_array_index(q->snapshots, Qcow2Snapshot, i).name, -1);
}

static gboolean qcow2_read_info(ImageFile *file, ImageInfo *info, GError **error)
{
    Image image = {.path = file->path, .file = file};
    Qcow2 q = {.file = file, .image = &image};
    if (!qcow2_header_read(file, &q.header, error))
        return FALSE;
    q.cluster_bits = q.header.cluster_bits;
    q.cluster_size = 1u << q.cluster_bits;
    info->size = q.header.size;
    info->cluster_size = q.cluster_size;
    info->backing_file = g_strdup(q.header.backing_file);
    info->backing_format = g_strdup(q.header.backing_format);
    image.state = &q;
    if (qcow2_snapshots_read(&q, NULL))
        qcow2_info(&image, info);
    else
        info_of_header(&q.header, info);
    g_clear_pointer(&q.snapshots, g_array_unref);
    qcow2_header_clear(&q.header);
    return TRUE;
}

static gboolean qcow2_set_backing(Image *image, const char *file, const char *format, GError **error)
{
    Qcow2 *q = image->state;
    if (!qcow2_begin_write(q, error) || !flush_all(q, error))
        return FALSE;
    char *old_file = q->header.backing_file, *old_format = q->header.backing_format;
    q->header.backing_file = file && *file ? g_strdup(file) : NULL;
    q->header.backing_format = q->header.backing_file ? g_strdup(format) : NULL;
    if (!qcow2_header_write(q, error)) {
        g_free(q->header.backing_file);
        g_free(q->header.backing_format);
        q->header.backing_file = old_file;
        q->header.backing_format = old_format;
        return FALSE;
    }
    g_free(old_file);
    g_free(old_format);
    g_free(image->backing_file);
    g_free(image->backing_format);
    image->backing_file = g_strdup(q->header.backing_file);
    image->backing_format = g_strdup(q->header.backing_format);
    return TRUE;
}

const ImageFormat image_format_qcow2 = {
    .name = "qcow2",
    .probe = qcow2_probe,
    .open = qcow2_open,
    .close = qcow2_close,
    .pread = qcow2_pread,
    .pwrite = qcow2_pwrite,
    .flush = qcow2_flush,
    .write_zeroes = qcow2_write_zeroes,
    .discard = qcow2_discard,
    .status = qcow2_status,
    .resize = qcow2_resize,
    .info = qcow2_info,
    .read_info = qcow2_read_info,
    .create = qcow2_create,
    .check = qcow2_check,
    .set_backing = qcow2_set_backing,
    .list_snapshots = qcow2_list_snapshots,
    .show_snapshot = qcow2_show_snapshot,
    .compress = qcow2_compress,
    .write_compressed = qcow2_write_compressed,
    .overhead = qcow2_overhead,
};
