/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qcow2: new images: header, refcount table and blocks, L1 table, and what preallocation asks for. */
#include <string.h>

#include "images/qcow2/qcow2.h"

void qcow2_count_refcounts(guint64 clusters, guint cluster_bits, guint order, guint64 *blocks, guint64 *table)
{
    guint64 per_block = (G_GUINT64_CONSTANT(8) << cluster_bits) >> order;
    guint64 per_table = (G_GUINT64_CONSTANT(1) << cluster_bits) / 8;
    *blocks = *table = 1;
    for (;;) {
        guint64 total = clusters + *blocks + *table;
        guint64 b = (total + per_block - 1) / per_block;
        guint64 t = (b + per_table - 1) / per_table;
        if (b <= *blocks && t <= *table)
            return;
        *blocks = MAX(b, *blocks);
        *table = MAX(t, *table);
    }
}

guint64 qcow2_overhead(Image *image, guint64 size)
{
    guint bits = 16, order = 4;
    if (image) {
        const Qcow2 *q = image->state;
        bits = q->cluster_bits;
        order = q->refcount_order;
    }
    guint64 clusters = (size >> bits) + 1;
    guint64 l2 = (clusters * 16 >> bits) + 1, blocks, table;
    qcow2_count_refcounts(clusters + l2, bits, order, &blocks, &table);
    return (1 + l2 + (l2 * 8 >> bits) + 1 + blocks + table) << bits;
}

static gboolean invalid(GError **error, const char *what)
{
    g_set_error_literal(error, IMAGE_ERROR, IMAGE_ERROR_INVALID, what);
    return FALSE;
}

static gboolean header_of_options(Qcow2Header *h, const ImageCreateOptions *o, GError **error)
{
    guint32 cluster_size = o->cluster_size ? o->cluster_size : 65536;
    guint refcount_bits = o->refcount_bits ? o->refcount_bits : 16;
    h->version = o->version ? o->version : 3;
    if (h->version != 2 && h->version != 3)
        return invalid(error, _("qcow2 has the versions 2 and 3. Choose one of them."));
    if (cluster_size & (cluster_size - 1) || cluster_size < 1u << QCOW2_MIN_CLUSTER_BITS ||
        cluster_size > 1u << QCOW2_MAX_CLUSTER_BITS)
        return invalid(error, _("The cluster size must be a power of two from 512 bytes to 2 MiB."));
    if (refcount_bits & (refcount_bits - 1) || refcount_bits > 64)
        return invalid(error, _("The width of reference counts must be 1, 2, 4, 8, 16, 32 or 64 bits."));
    if (h->version == 2 && (refcount_bits != 16 || o->lazy_refcounts || o->extended_l2))
        return invalid(
            error, _("Version 2 has neither other reference counts than 16 bits nor lazy ones nor extended "
                     "entries. Choose version 3."));
    if (o->extended_l2 && cluster_size < 16384)
        return invalid(error, _("Extended entries need clusters of 16 KiB or more."));
    h->cluster_bits = (guint32)__builtin_ctz(cluster_size);
    h->refcount_order = (guint32)__builtin_ctz(refcount_bits);
    h->header_length = h->version >= 3 ? QCOW2_V3_HEADER + 8 : QCOW2_V2_HEADER;
    h->size = o->size;
    if (h->version >= 3) {
        h->more_fields = g_byte_array_new();
        g_byte_array_set_size(h->more_fields, 7);
        memset(h->more_fields->data, 0, 7);
    }
    if (o->compression && g_str_equal(o->compression, "zstd")) {
        if (h->version < 3)
            return invalid(error, _("Version 2 knows zlib only. Choose version 3 for zstd."));
        h->compression = QCOW2_ZSTD;
        h->incompatible |= QCOW2_INCOMPATIBLE_COMPRESSION;
    } else if (o->compression && !g_str_equal(o->compression, "zlib")) {
        return invalid(error, _("Compression is “zlib” or “zstd”."));
    }
    if (o->lazy_refcounts)
        h->compatible |= QCOW2_COMPATIBLE_LAZY;
    if (o->extended_l2)
        h->incompatible |= QCOW2_INCOMPATIBLE_EXTENDED_L2;
    h->backing_file = g_strdup(o->backing_file);
    h->backing_format = o->backing_file ? g_strdup(o->backing_format) : NULL;
    return TRUE;
}

static gboolean write_tables(ImageFile *file, Qcow2Header *h, GError **error)
{
    guint64 cluster_size = G_GUINT64_CONSTANT(1) << h->cluster_bits;
    guint entry_bits = h->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2 ? 4 : 3;
    guint64 clusters = (h->size + cluster_size - 1) >> h->cluster_bits;
    guint64 per_l2 = cluster_size >> entry_bits;
    guint64 l1_size = (clusters + per_l2 - 1) / per_l2;
    if (l1_size * 8 > QCOW2_MAX_L1_BYTES)
        return invalid(error, _("The disk is too large for clusters of that size. Choose larger clusters."));
    guint64 l1_clusters = MAX(1, (l1_size * 8 + cluster_size - 1) >> h->cluster_bits);
    guint64 blocks, table;
    qcow2_count_refcounts(1 + l1_clusters, h->cluster_bits, h->refcount_order, &blocks, &table);

    /* header, refcount table, blocks, L1 */
    guint64 used = 1 + table + blocks + l1_clusters;
    guint64 per_block = (cluster_size * 8) >> h->refcount_order;
    h->reftable_offset = cluster_size;
    h->reftable_clusters = (guint32)table;
    h->l1_size = (guint32)l1_size;
    h->l1_offset = (1 + table + blocks) << h->cluster_bits;
    if (!image_file_truncate(file, used << h->cluster_bits, error))
        return FALSE;
    g_autofree guint8 *raw = g_malloc0(table << h->cluster_bits);
    for (guint64 i = 0; i < blocks; i++)
        image_put_be64(raw + i * 8, (1 + table + i) << h->cluster_bits);
    if (!image_file_write(file, h->reftable_offset, raw, table << h->cluster_bits, error))
        return FALSE;
    g_autofree guint8 *block = g_malloc(cluster_size);
    for (guint64 i = 0; i < blocks; i++) {
        memset(block, 0, cluster_size);
        for (guint64 k = 0; k < per_block && i * per_block + k < used; k++)
            qcow2_block_set(block, h->refcount_order, k, 1);
        if (!image_file_write(file, (1 + table + i) << h->cluster_bits, block, cluster_size, error))
            return FALSE;
    }
    g_autoptr(GByteArray) packed = qcow2_header_pack(h, error);
    return packed && image_file_write(file, 0, packed->data, packed->len, error);
}

/* Entries for the whole disk, with adjacent clusters that read as zeros. */
static gboolean preallocate(Qcow2 *q, ImagePreallocation how, GError **error)
{
    guint64 bitmap = q->extended ? G_GUINT64_CONSTANT(0xffffffff) : 0;
    guint64 end = 0;
    for (guint64 at = 0; at < q->image->size;) {
        Qcow2Table *table = qcow2_l2_for_write(q, at, error);
        if (!table)
            return FALSE;
        guint index = (guint)((at >> q->cluster_bits) & ((1u << q->l2_bits) - 1));
        guint64 want =
            MIN((1u << q->l2_bits) - index, (q->image->size - at + q->cluster_size - 1) >> q->cluster_bits);
        guint64 host, count;
        gboolean ok = qcow2_alloc(q, want, &host, &count, error);
        for (guint64 k = 0; ok && k < count; k++)
            qcow2_l2_set(q, table, index + (guint)k, (host + (k << q->cluster_bits)) | QCOW2_ENTRY_COPIED,
                         bitmap);
        qcow2_table_unpin(table);
        guint64 bytes = count << q->cluster_bits;
        ok = ok && image_preallocate(q->file, host, bytes, how, error);
        if (!ok)
            return FALSE;
        at += bytes;
        end = MAX(end, host + bytes);
    }
    guint64 file_size;
    return image_file_size(q->file, &file_size, error) &&
           (file_size >= end || image_file_truncate(q->file, end, error));
}

gboolean qcow2_create(ImageFile *file, const ImageCreateOptions *options, GError **error)
{
    Qcow2Header header = {0};
    gboolean ok = header_of_options(&header, options, error) && write_tables(file, &header, error);
    qcow2_header_clear(&header);
    if (!ok || options->preallocation == IMAGE_PREALLOCATION_OFF)
        return ok;
    if (options->backing_file)
        return invalid(error, _("An overlay cannot be preallocated: its clusters would hide the base."));

    /* The file stays the caller's. */
    Image image = {.format = &image_format_qcow2,
                   .file = file,
                   .path = file->path,
                   .writable = TRUE,
                   .flags = IMAGE_OPEN_WRITABLE};
    ok = image_format_qcow2.open(&image, error) && preallocate(image.state, options->preallocation, error);
    if (image.state && !image_format_qcow2.close(&image, ok ? error : NULL))
        ok = FALSE;
    return ok;
}
