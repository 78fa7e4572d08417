/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qcow2: the header cluster ("Header", "Header extensions"), read with suspicion. */
#include <string.h>

#include "images/qcow2/qcow2.h"

static void extension_clear(gpointer data)
{
    Qcow2Extension *extension = data;
    g_free(extension->data);
}

void qcow2_header_clear(Qcow2Header *h)
{
    g_clear_pointer(&h->more_fields, g_byte_array_unref);
    g_clear_pointer(&h->backing_file, g_free);
    g_clear_pointer(&h->backing_format, g_free);
    g_clear_pointer(&h->extensions, g_array_unref);
    g_clear_pointer(&h->feature_names, g_array_unref);
}

static gboolean damaged(ImageFile *file, GError **error, const char *what)
{
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
                _("The header of “%s” is damaged: %s. Take the file from a backup."), file->path, what);
    return FALSE;
}

static gboolean read_extensions(ImageFile *file, Qcow2Header *h, const guint8 *cluster, guint32 end,
                                GError **error)
{
    guint64 at = h->header_length;
    while (at + 8 <= end) {
        guint32 type = image_get_be32(cluster + at);
        guint32 length = image_get_be32(cluster + at + 4);
        at += 8;
        if (type == QCOW2_EXT_END)
            return TRUE;
        if (length > end - at)
            return damaged(file, error, _("a header extension is longer than its place"));
        if (type == QCOW2_EXT_BACKING_FORMAT) {
            g_free(h->backing_format);
            h->backing_format = g_strndup((const char *)cluster + at, length);
        } else {
            Qcow2Extension extension = {type, length, g_memdup2(cluster + at, length)};
            g_array_append_val(type == QCOW2_EXT_FEATURE_NAMES ? h->feature_names : h->extensions, extension);
        }
        at += image_align_up(length, 8);
    }
    return TRUE;
}

gboolean qcow2_header_read(ImageFile *file, Qcow2Header *h, GError **error)
{
    guint8 fixed[QCOW2_V3_HEADER];
    *h = (Qcow2Header){0};
    if (!image_file_read(file, 0, fixed, sizeof fixed, error))
        return FALSE;
    if (image_get_be32(fixed) != QCOW2_MAGIC) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                    _("“%s” is not a qcow2 image. Open it as what it is, for example “raw”."), file->path);
        return FALSE;
    }
    h->version = image_get_be32(fixed + 4);
    if (h->version != 2 && h->version != 3) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
            _("“%s” is a qcow image of version %u; versions 2 and 3 are known here. Convert it with the "
              "program that made it."),
            file->path, h->version);
        return FALSE;
    }
    guint64 backing_offset = image_get_be64(fixed + 8);
    guint32 backing_size = image_get_be32(fixed + 16);
    h->cluster_bits = image_get_be32(fixed + 20);
    h->size = image_get_be64(fixed + QCOW2_AT_SIZE);
    h->crypt_method = image_get_be32(fixed + 32);
    h->l1_size = image_get_be32(fixed + QCOW2_AT_L1);
    h->l1_offset = image_get_be64(fixed + QCOW2_AT_L1 + 4);
    h->reftable_offset = image_get_be64(fixed + QCOW2_AT_REFTABLE);
    h->reftable_clusters = image_get_be32(fixed + QCOW2_AT_REFTABLE + 8);
    h->snapshot_count = image_get_be32(fixed + 60);
    h->snapshots_offset = image_get_be64(fixed + 64);
    h->refcount_order = 4;
    h->header_length = QCOW2_V2_HEADER;
    if (h->version >= 3) {
        h->incompatible = image_get_be64(fixed + QCOW2_AT_FEATURES);
        h->compatible = image_get_be64(fixed + QCOW2_AT_FEATURES + 8);
        h->autoclear = image_get_be64(fixed + QCOW2_AT_FEATURES + 16);
        h->refcount_order = image_get_be32(fixed + 96);
        h->header_length = image_get_be32(fixed + 100);
    }
    if (h->cluster_bits < QCOW2_MIN_CLUSTER_BITS || h->cluster_bits > QCOW2_MAX_CLUSTER_BITS)
        return damaged(file, error, _("its clusters are not between 512 bytes and 2 MiB"));
    guint32 cluster_size = 1u << h->cluster_bits;
    if (h->version >= 3 &&
        (h->header_length < QCOW2_V3_HEADER || h->header_length > cluster_size || h->header_length % 8))
        return damaged(file, error, _("its length is impossible"));
    if (h->refcount_order > 6)
        return damaged(file, error, _("its reference counts are wider than 64 bits"));
    if (h->size > IMAGE_MAX_SIZE)
        return damaged(file, error, _("the disk would be larger than any"));
    if (backing_offset && (backing_size > QCOW2_MAX_BACKING_NAME || backing_offset > cluster_size ||
                           backing_offset + backing_size > cluster_size || backing_offset < h->header_length))
        return damaged(file, error, _("the backing file's name stands outside its place"));

    g_autofree guint8 *cluster = g_malloc(cluster_size);
    if (!image_file_read(file, 0, cluster, cluster_size, error))
        return FALSE;
    if (h->header_length > QCOW2_V3_HEADER) {
        h->compression = cluster[QCOW2_V3_HEADER];
        h->more_fields = g_byte_array_new();
        g_byte_array_append(h->more_fields, cluster + QCOW2_V3_HEADER + 1,
                            h->header_length - QCOW2_V3_HEADER - 1);
    }
    h->extensions = g_array_new(FALSE, FALSE, sizeof(Qcow2Extension));
    g_array_set_clear_func(h->extensions, extension_clear);
    h->feature_names = g_array_new(FALSE, FALSE, sizeof(Qcow2Extension));
    g_array_set_clear_func(h->feature_names, extension_clear);
    guint32 end = backing_offset && backing_size ? (guint32)backing_offset : cluster_size;
    if (!read_extensions(file, h, cluster, end, error)) {
        qcow2_header_clear(h);
        return FALSE;
    }
    if (backing_offset && backing_size) {
        h->backing_file = g_strndup((const char *)cluster + backing_offset, backing_size);
        if (!*h->backing_file)
            g_clear_pointer(&h->backing_file, g_free);
    }
    if (h->backing_format && !*h->backing_format)
        g_clear_pointer(&h->backing_format, g_free);
    return TRUE;
}

/* The name that the image itself gives to a feature ("Feature name table"), or a number. */
static char *feature_name(const Qcow2Header *h, guint bit)
{
    for (guint i = 0; i < h->feature_names->len; i++) {
        const Qcow2Extension *names = &g_array_index(h->feature_names, Qcow2Extension, i);
        for (guint32 at = 0; at + 48 <= names->length; at += 48) {
            if (names->data[at] == 0 && names->data[at + 1] == bit) {
                g_autofree char *raw = g_strndup((const char *)names->data + at + 2, 46);
                return g_utf8_make_valid(raw, -1);
            }
        }
    }
    return g_strdup_printf(_("number %u"), bit);
}

gboolean qcow2_header_supported(const Qcow2Header *h, const char *path, GError **error)
{
    guint64 unknown = h->incompatible & ~(guint64)QCOW2_INCOMPATIBLE_KNOWN;
    if (unknown) {
        g_autofree char *name = feature_name(h, (guint)__builtin_ctzll(unknown));
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
            _("“%s” uses a qcow2 feature that is not known here (%s). Convert it with the program that made "
              "it."),
            path, name);
        return FALSE;
    }
    if (h->crypt_method) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” is encrypted (%s), which is not supported here. Convert it to an image without "
                      "encryption with the program that made it."),
                    path,
                    h->crypt_method == 1   ? "AES"
                    : h->crypt_method == 2 ? "LUKS"
                                           : _("unknown method"));
        return FALSE;
    }
    if (h->incompatible & QCOW2_INCOMPATIBLE_DATA_FILE) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
            _("“%s” keeps its data in an external data file, which is not supported here. Convert it to a "
              "normal qcow2 image with the program that made it."),
            path);
        return FALSE;
    }
    if (h->compression > QCOW2_ZSTD ||
        (h->compression != QCOW2_ZLIB) != ((h->incompatible & QCOW2_INCOMPATIBLE_COMPRESSION) != 0)) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
            _("“%s” uses a compression that is not known here (type %u). Convert it with the program that "
              "made it."),
            path, h->compression);
        return FALSE;
    }
    if ((h->incompatible & QCOW2_INCOMPATIBLE_EXTENDED_L2) && h->cluster_bits < 14) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
            _("The header of “%s” is damaged: subclusters need clusters of 16 KiB or more. Take the file "
              "from a backup."),
            path);
        return FALSE;
    }
    return TRUE;
}

/* ---- Writing ---------------------------------------------------------------------------------------------
 */

static void put_extension(GByteArray *out, guint32 type, const guint8 *data, guint32 length)
{
    static const guint8 padding[8];
    guint8 head[8];
    image_put_be32(head, type);
    image_put_be32(head + 4, length);
    g_byte_array_append(out, head, sizeof head);
    if (length)
        g_byte_array_append(out, data, length);
    g_byte_array_append(out, padding, (guint)(image_align_up(length, 8) - length));
}

/* For the readers that don't know a feature: its name in plain words. */
static void put_feature_names(GByteArray *out)
{
    static const struct {
        guint8 type, bit;
        const char *name;
    } rows[] = {
        {0, 0, "dirty bit"},        {0, 1, "corrupt bit"},         {0, 2, "external data file"},
        {0, 3, "compression type"}, {0, 4, "extended L2 entries"}, {1, 0, "lazy refcounts"},
        {2, 0, "bitmaps"},          {2, 1, "raw external data"},
    };
    guint8 table[G_N_ELEMENTS(rows) * 48] = {0};
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        table[i * 48] = rows[i].type;
        table[i * 48 + 1] = rows[i].bit;
        memcpy(table + i * 48 + 2, rows[i].name, strlen(rows[i].name));
    }
    put_extension(out, QCOW2_EXT_FEATURE_NAMES, table, sizeof table);
}

GByteArray *qcow2_header_pack(const Qcow2Header *h, GError **error)
{
    guint32 cluster_size = 1u << h->cluster_bits;
    g_autoptr(GByteArray) out = g_byte_array_sized_new(2048);
    guint8 fixed[QCOW2_V3_HEADER] = {0};
    guint32 fixed_length = h->version >= 3 ? QCOW2_V3_HEADER : QCOW2_V2_HEADER;
    image_put_be32(fixed, QCOW2_MAGIC);
    image_put_be32(fixed + 4, h->version);
    image_put_be32(fixed + 20, h->cluster_bits);
    image_put_be64(fixed + QCOW2_AT_SIZE, h->size);
    image_put_be32(fixed + 32, h->crypt_method);
    image_put_be32(fixed + QCOW2_AT_L1, h->l1_size);
    image_put_be64(fixed + QCOW2_AT_L1 + 4, h->l1_offset);
    image_put_be64(fixed + QCOW2_AT_REFTABLE, h->reftable_offset);
    image_put_be32(fixed + QCOW2_AT_REFTABLE + 8, h->reftable_clusters);
    image_put_be32(fixed + 60, h->snapshot_count);
    image_put_be64(fixed + 64, h->snapshots_offset);
    image_put_be64(fixed + QCOW2_AT_FEATURES, h->incompatible);
    image_put_be64(fixed + QCOW2_AT_FEATURES + 8, h->compatible);
    image_put_be64(fixed + QCOW2_AT_FEATURES + 16, h->autoclear);
    image_put_be32(fixed + 96, h->refcount_order);
    image_put_be32(fixed + 100, h->header_length);
    g_byte_array_append(out, fixed, fixed_length);
    if (h->version >= 3 && h->header_length > QCOW2_V3_HEADER) {
        g_byte_array_append(out, &h->compression, 1);
        g_byte_array_append(out, h->more_fields->data, h->more_fields->len);
    }
    if (h->backing_format)
        put_extension(out, QCOW2_EXT_BACKING_FORMAT, (const guint8 *)h->backing_format,
                      (guint32)strlen(h->backing_format));
    for (guint i = 0; h->extensions && i < h->extensions->len; i++) {
        const Qcow2Extension *e = &g_array_index(h->extensions, Qcow2Extension, i);
        put_extension(out, e->type, e->data, e->length);
    }
    gsize name_length = h->backing_file ? strlen(h->backing_file) : 0;
    if (name_length > QCOW2_MAX_BACKING_NAME) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("The backing file's name is longer than %d bytes. Choose a shorter path."),
                    QCOW2_MAX_BACKING_NAME);
        return NULL;
    }
    /* The names are a courtesy: left out where clusters are too small for them. */
    if (h->version >= 3 && out->len + 8 * 48 + 16 + name_length <= cluster_size) {
        if (h->feature_names && h->feature_names->len) {
            const Qcow2Extension *e = &g_array_index(h->feature_names, Qcow2Extension, 0);
            if (out->len + image_align_up(e->length, 8) + 16 + name_length <= cluster_size)
                put_extension(out, e->type, e->data, e->length);
        } else {
            put_feature_names(out);
        }
    }
    put_extension(out, QCOW2_EXT_END, NULL, 0);
    if (name_length) {
        image_put_be64(out->data + 8, out->len);
        image_put_be32(out->data + 16, (guint32)name_length);
        g_byte_array_append(out, (const guint8 *)h->backing_file, (guint)name_length);
    }
    if (out->len > cluster_size) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
            _("The backing file's name does not fit into the header's cluster of %u bytes. Choose a shorter "
              "path or larger clusters."),
            cluster_size);
        return NULL;
    }
    return g_steal_pointer(&out);
}

/* One write, so that another process never sees half of it. */
gboolean qcow2_header_write(Qcow2 *q, GError **error)
{
    g_autoptr(GByteArray) packed = qcow2_header_pack(&q->header, error);
    if (!packed)
        return FALSE;
    guint padded = (guint)MIN(q->cluster_size, image_align_up(packed->len, 4096));
    guint length = packed->len;
    g_byte_array_set_size(packed, padded);
    memset(packed->data + length, 0, padded - length);
    return image_file_sync(q->file, error) &&
           image_file_write(q->file, 0, packed->data, packed->len, error) && image_file_sync(q->file, error);
}

gboolean qcow2_header_write_features(Qcow2 *q, GError **error)
{
    guint8 features[24];
    if (q->header.version < 3)
        return TRUE;
    image_put_be64(features, q->header.incompatible);
    image_put_be64(features + 8, q->header.compatible);
    image_put_be64(features + 16, q->header.autoclear);
    return image_file_write(q->file, QCOW2_AT_FEATURES, features, sizeof features, error) &&
           image_file_sync(q->file, error);
}
