/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VMware disks (VMDK): one sparse file (monolithicSparse, streamOptimized), or a descriptor with flat or
 * sparse parts beside it (monolithicFlat, twoGbMaxExtent*). Source: "Virtual Disk Format 5.0", VMware 2011:
 * "Hosted Sparse Extents", "Stream-Optimized Compressed Sparse Extents"; the names are its.
 */
#include <libdeflate.h>
#include <string.h>

#include "images/bytes.h"
#include "images/vmdk.h"

/* SparseExtentHeader, packed, little-endian */
enum {
    HEADER_VERSION = 4,
    HEADER_FLAGS = 8,
    HEADER_CAPACITY = 12,
    HEADER_GRAIN_SIZE = 20,
    HEADER_DESCRIPTOR = 28,
    HEADER_DESCRIPTOR_SIZE = 36,
    HEADER_GTES_PER_GT = 44,
    HEADER_RGD = 48,
    HEADER_GD = 56,
    HEADER_OVERHEAD = 64,
    HEADER_UNCLEAN = 72,
    HEADER_LINE_ENDS = 73,
    HEADER_COMPRESSION = 77,
};

#define VMDK_MAGIC          0x564d444bu
#define FLAG_LINE_ENDS      (1u << 0)
#define FLAG_REDUNDANT      (1u << 1)
#define FLAG_ZEROED_GRAIN   (1u << 2)
#define FLAG_COMPRESSED     (1u << 16)
#define FLAG_MARKERS        (1u << 17)
#define COMPRESSION_DEFLATE 1u
#define GD_AT_END           G_MAXUINT64
#define MARKER_BYTES        12u
#define MAX_GRAIN           (16u << 20)
#define MAX_GD_BYTES        (64u << 20)
#define NEW_GRAIN           128u /* sectors */
#define NEW_GTES            512u
#define NEW_TEXT_SECTORS    20u

typedef struct Extent {
    VmdkKind kind;
    ImageFile *file;      /* NULL for ZERO */
    guint64 start, bytes; /* on the disk */
    guint64 flat;         /* of FLAT, in the file */
    /* of SPARSE, all in bytes */
    ImageWords words;
    guint64 grain, gtes, gd, rgd, overhead;
    guint64 end; /* of the file: where new grains go */
    gboolean redundant, zeroed_grain, compressed, markers;
    gboolean unclean; /* written since it was opened, and the header says so */
} Extent;

typedef struct Vmdk {
    GArray *extents;
    guint64 text_at; /* of the descriptor in the image's own file */
    gint64 cid_at;
    gboolean written;
    Extent *unpacked_of; /* the grain in @unpacked */
    guint64 unpacked_host;
    guint8 *unpacked, *packed;
    gsize unpacked_room, packed_room;
    struct libdeflate_decompressor *inflater;
} Vmdk;

static gboolean vmdk_probe(const ImageEnds *ends)
{
    const char *text = (const char *)ends->head;
    return image_get_le32(ends->head) == VMDK_MAGIC || g_str_has_prefix(text, "# Disk DescriptorFile");
}

/* ---- Open ------------------------------------------------------------------------------------------------
 */

static gboolean unsupported(ImageFile *file, GError **error, const char *what)
{
    g_set_error(
        error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
        _("“%s” is a VMDK image %s, which is not supported here. Convert it with the program that made "
          "it."),
        file->path, what);
    return FALSE;
}

static gboolean read_sparse_header(Extent *e, guint8 *header, guint64 *file_size, GError **error)
{
    ImageFile *file = e->file;
    if (!image_file_size(file, file_size, error) || !image_file_read(file, 0, header, 512, error))
        return FALSE;
    if (image_get_le32(header) != VMDK_MAGIC)
        return image_damaged(file, error, _("it is not the sparse disk that it should be"));
    if (image_get_le64(header + HEADER_GD) == GD_AT_END) {
        /* "Stream-Optimized": the header that counts stands before the end-of-stream marker */
        if (*file_size < 1024 + 512 || !image_file_read(file, *file_size - 1024, header, 512, error) ||
            image_get_le32(header) != VMDK_MAGIC || image_get_le64(header + HEADER_GD) == GD_AT_END)
            return image_damaged(file, error, _("its last part is missing"));
    }
    if (image_get_le32(header + HEADER_VERSION) - 1 > 2)
        return unsupported(file, error, _("of an unknown version"));
    return TRUE;
}

/* @sectors: what the descriptor says, or 0 */
static gboolean open_sparse(Extent *e, guint8 *header, guint64 sectors, GError **error)
{
    guint64 file_size;
    if (!read_sparse_header(e, header, &file_size, error))
        return FALSE;
    guint32 flags = image_get_le32(header + HEADER_FLAGS);
    guint64 capacity = image_get_le64(header + HEADER_CAPACITY);
    guint64 grain = image_get_le64(header + HEADER_GRAIN_SIZE);
    guint64 gd = image_get_le64(header + HEADER_GD), rgd = image_get_le64(header + HEADER_RGD);
    guint16 compression = image_get_le16(header + HEADER_COMPRESSION);
    e->redundant = (flags & FLAG_REDUNDANT) != 0;
    e->zeroed_grain = (flags & FLAG_ZEROED_GRAIN) != 0;
    e->compressed = (flags & FLAG_COMPRESSED) != 0;
    e->markers = (flags & FLAG_MARKERS) != 0;
    if (e->compressed && compression != COMPRESSION_DEFLATE)
        return unsupported(e->file, error, _("with an unknown compression"));
    if (capacity > IMAGE_MAX_SIZE / 512 || grain == 0 || grain & (grain - 1) || grain > MAX_GRAIN / 512)
        return image_damaged(e->file, error, _("its size or that of its grains is impossible"));
    if (sectors && capacity < sectors)
        return image_damaged(e->file, error, _("it is shorter than the descriptor says"));
    e->gtes = image_get_le32(header + HEADER_GTES_PER_GT);
    if (e->gtes == 0 || e->gtes & (e->gtes - 1) || e->gtes > (1u << 20))
        return image_damaged(e->file, error, _("its grain tables have an impossible size"));
    e->grain = grain * 512;
    e->bytes = (sectors ? sectors : capacity) * 512;
    guint64 gd_bytes = (e->bytes / e->grain / e->gtes + 1) * 4;
    if (gd_bytes > MAX_GD_BYTES || gd == 0 || gd > file_size / 512 || gd * 512 + gd_bytes - 4 > file_size)
        return image_damaged(e->file, error, _("its grain directory cannot be where the header says"));
    if (e->redundant && (rgd == 0 || rgd > file_size / 512 || rgd * 512 + gd_bytes - 4 > file_size))
        return image_damaged(e->file, error, _("its second grain directory cannot be where the header says"));
    e->gd = gd * 512;
    e->rgd = rgd * 512;
    e->overhead = MIN(image_get_le64(header + HEADER_OVERHEAD), file_size / 512) * 512;
    e->end = image_align_up(file_size, 512);
    return TRUE;
}

static ImageFile *open_part(Image *image, const char *name, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(image->path);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    ImageLock lock = image->flags & IMAGE_OPEN_SHARE ? IMAGE_LOCK_NONE
                     : image->writable               ? IMAGE_LOCK_WRITE
                                                     : IMAGE_LOCK_READ;
    ImageFile *file = image_file_open(path, image->writable, lock, error);
    if (!file)
        g_prefix_error(error, _("A part of “%s” is missing or unreadable. "), image->path);
    return file;
}

static gboolean take_parent(Image *image, const VmdkText *text, GError **error)
{
    if (text->orphan)
        return unsupported(image->file, error, _("that stands on another without naming it"));
    image->backing_file = g_strdup(text->parent);
    image->backing_format = text->parent ? g_strdup("vmdk") : NULL;
    return TRUE;
}

static gboolean open_monolithic(Image *image, Vmdk *v, GError **error)
{
    guint8 header[512];
    Extent e = {.kind = VMDK_SPARSE, .file = image->file};
    if (!open_sparse(&e, header, 0, error))
        return FALSE;
    image_words_init(&e.words, e.file);
    g_array_append_val(v->extents, e);
    if (image->writable && e.compressed)
        return unsupported(image->file, error, _("that is compressed and can only be read"));
    image->size = e.bytes;
    image->cluster_size = (guint32)e.grain;
    guint64 at = image_get_le64(header + HEADER_DESCRIPTOR),
            size = image_get_le64(header + HEADER_DESCRIPTOR_SIZE);
    if (at == 0 || size == 0)
        return TRUE;
    if (at > e.end / 512 || size > VMDK_MAX_TEXT / 512)
        return image_damaged(image->file, error, _("its descriptor cannot be where the header says"));
    g_autofree char *bytes = g_malloc0(size * 512 + 1);
    VmdkText text;
    if (!image_file_read(image->file, at * 512, bytes, size * 512, error))
        return FALSE;
    gboolean ok =
        vmdk_text_parse(image->file, bytes, strlen(bytes), &text, error) && take_parent(image, &text, error);
    v->text_at = at * 512;
    v->cid_at = text.cid_at;
    vmdk_text_clear(&text);
    return ok;
}

static gboolean open_extent(Image *image, Vmdk *v, const VmdkLine *line, GError **error)
{
    Extent e = {.kind = line->kind, .start = image->size, .bytes = line->sectors * 512};
    guint8 header[512];
    guint64 size;
    gboolean ok = TRUE;
    if (e.kind != VMDK_ZERO) {
        e.file = open_part(image, line->name, error);
        if (!e.file)
            return FALSE;
        if (e.file->device == image->file->device && e.file->inode == image->file->inode)
            ok = image_damaged(image->file, error, _("it names itself as its part"));
    }
    if (ok && e.kind == VMDK_SPARSE) {
        ok = open_sparse(&e, header, line->sectors, error);
        image_words_init(&e.words, e.file);
        image->cluster_size = (guint32)MAX(image->cluster_size, e.grain);
        if (ok && image->writable && e.compressed)
            ok = unsupported(e.file, error, _("that is compressed and can only be read"));
    } else if (ok && e.kind == VMDK_FLAT) {
        e.flat = line->offset * 512;
        ok = image_file_size(e.file, &size, error);
        if (ok && (line->offset > size / 512 || e.flat + e.bytes > image_align_up(size, 512)))
            ok = image_damaged(e.file, error, _("it is shorter than the descriptor says"));
    }
    g_array_append_val(v->extents, e);
    if (ok && e.bytes > IMAGE_MAX_SIZE - image->size)
        ok = image_damaged(image->file, error, _("the disk would be larger than any"));
    image->size += ok ? e.bytes : 0;
    return ok;
}

static gboolean open_described(Image *image, Vmdk *v, GError **error)
{
    guint64 size;
    VmdkText text;
    if (!image_file_size(image->file, &size, error))
        return FALSE;
    size = MIN(size, VMDK_MAX_TEXT);
    g_autofree char *bytes = g_malloc0(size + 1);
    if (!image_file_read(image->file, 0, bytes, size, error))
        return FALSE;
    if (!g_str_has_prefix(bytes, "# Disk DescriptorFile")) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                    _("“%s” is not a VMDK image. Open it as what it is."), image->path);
        return FALSE;
    }
    gboolean ok =
        vmdk_text_parse(image->file, bytes, strlen(bytes), &text, error) && take_parent(image, &text, error);
    v->cid_at = text.cid_at;
    if (ok && text.lines->len == 0)
        ok = image_damaged(image->file, error, _("its descriptor names no parts"));
    for (guint i = 0; ok && i < text.lines->len; i++)
        ok = open_extent(image, v, &g_array_index(text.lines, VmdkLine, i), error);
    vmdk_text_clear(&text);
    return ok;
}

static gboolean vmdk_open(Image *image, GError **error)
{
    guint8 magic[4];
    Vmdk *v = g_new0(Vmdk, 1);
    image->state = v;
    v->extents = g_array_new(FALSE, FALSE, sizeof(Extent));
    v->cid_at = -1;
    if (!image_file_read(image->file, 0, magic, sizeof magic, error))
        return FALSE;
    return image_get_le32(magic) == VMDK_MAGIC ? open_monolithic(image, v, error)
                                               : open_described(image, v, error);
}

/* ---- Flush and close -------------------------------------------------------------------------------------
 */

static gboolean vmdk_flush(Image *image, GError **error)
{
    Vmdk *v = image->state;
    for (guint i = 0; i < v->extents->len; i++) {
        Extent *e = &g_array_index(v->extents, Extent, i);
        if (e->words.pages && !image_words_flush(&e->words, error))
            return FALSE;
        if (e->file && !image_file_sync(e->file, error))
            return FALSE;
    }
    return image_file_sync(image->file, error);
}

static gboolean set_unclean(Extent *e, gboolean unclean, GError **error)
{
    guint8 byte = unclean;
    e->unclean = unclean;
    return image_file_write(e->file, HEADER_UNCLEAN, &byte, 1, error) && image_file_sync(e->file, error);
}

static gboolean vmdk_close(Image *image, GError **error)
{
    Vmdk *v = image->state;
    gboolean ok = !image->writable || vmdk_flush(image, error);
    for (guint i = 0; i < v->extents->len; i++) {
        Extent *e = &g_array_index(v->extents, Extent, i);
        if (ok && e->unclean)
            ok = set_unclean(e, FALSE, error);
        image_words_clear(&e->words);
        if (e->file != image->file)
            image_file_close(e->file);
    }
    g_array_unref(v->extents);
    g_free(v->unpacked);
    g_free(v->packed);
    if (v->inflater)
        libdeflate_free_decompressor(v->inflater);
    g_clear_pointer(&image->state, g_free);
    return ok;
}

/* ---- Map -------------------------------------------------------------------------------------------------
 */

static Extent *extent_at(Vmdk *v, guint64 offset)
{
    guint low = 0, high = v->extents->len;
    while (high - low > 1) {
        guint middle = (low + high) / 2;
        if (g_array_index(v->extents, Extent, middle).start <= offset)
            low = middle;
        else
            high = middle;
    }
    return &g_array_index(v->extents, Extent, low);
}

static gboolean get_word(Extent *e, guint64 at, guint64 *value, GError **error)
{
    guint8 raw[4];
    if (!image_words_get(&e->words, at, raw, sizeof raw, error))
        return FALSE;
    *value = image_get_le32(raw);
    return TRUE;
}

static gboolean map_sparse(Extent *e, guint64 inside, ImageRun *run, GError **error)
{
    guint64 grain = inside / e->grain, table, place;
    if (!get_word(e, e->gd + grain / e->gtes * 4, &table, error))
        return FALSE;
    if (table == 0) {
        run->length = (grain / e->gtes + 1) * e->gtes * e->grain - inside;
        return TRUE;
    }
    if (table * 512 >= e->end)
        return image_damaged(e->file, error, _("a grain table should stand behind the file's end"));
    if (!get_word(e, table * 512 + grain % e->gtes * 4, &place, error))
        return FALSE;
    run->length = e->grain - inside % e->grain;
    if (place == 0)
        return TRUE;
    if (place == 1 && e->zeroed_grain) {
        run->block = IMAGE_BLOCK_ZERO;
        return TRUE;
    }
    run->host = place * 512;
    if (run->host >= e->end || (run->host < e->overhead && !e->compressed))
        return image_damaged(e->file, error, _("data should stand where none can be"));
    run->block = IMAGE_BLOCK_DATA;
    run->file = e->file;
    run->compressed = e->compressed;
    run->host += e->compressed ? 0 : inside % e->grain;
    return TRUE;
}

static gboolean vmdk_map(Image *image, guint64 offset, guint64 length, ImageRun *run, GError **error)
{
    Extent *e = extent_at(image->state, offset);
    guint64 inside = offset - e->start;
    gboolean data, ok = TRUE;
    guint64 end;
    switch (e->kind) {
    case VMDK_SPARSE: ok = map_sparse(e, inside, run, error); break;
    case VMDK_ZERO:
        run->block = IMAGE_BLOCK_ZERO;
        run->length = e->bytes - inside;
        break;
    case VMDK_FLAT:
        ok = image_file_extent(e->file, e->flat + inside, &data, &end, error);
        run->block = data ? IMAGE_BLOCK_DATA : IMAGE_BLOCK_ZERO;
        run->file = e->file;
        run->host = e->flat + inside;
        run->length = end - run->host;
        break;
    }
    run->length = MIN(run->length, e->bytes - inside);
    return ok;
}

/* ---- Compressed grains -----------------------------------------------------------------------------------
 */

static gboolean unpack_grain(Vmdk *v, Extent *e, guint64 host, GError **error)
{
    guint8 marker[MARKER_BYTES];
    gsize length = e->grain * 2;
    guint64 at = host;
    if (v->unpacked_of == e && v->unpacked_host == host)
        return TRUE;
    v->unpacked_of = NULL;
    if (e->markers) {
        if (!image_file_read(e->file, at, marker, sizeof marker, error))
            return FALSE;
        length = image_get_le32(marker + 8);
        at += MARKER_BYTES;
    }
    if (length == 0 || length > e->grain * 2 + 4096)
        return image_damaged(e->file, error, _("compressed data has an impossible length"));
    if (v->packed_room < length) {
        g_free(v->packed);
        v->packed = g_malloc(length);
        v->packed_room = length;
    }
    if (v->unpacked_room < e->grain) {
        g_free(v->unpacked);
        v->unpacked = g_malloc(e->grain);
        v->unpacked_room = e->grain;
    }
    if (!image_file_read(e->file, at, v->packed, length, error))
        return FALSE;
    gsize used, got;
    if (!v->inflater)
        v->inflater = libdeflate_alloc_decompressor();
    if (!v->inflater || libdeflate_zlib_decompress_ex(v->inflater, v->packed, length, v->unpacked, e->grain,
                                                      &used, &got) != LIBDEFLATE_SUCCESS)
        return image_damaged(e->file, error, _("compressed data cannot be unpacked"));
    memset(v->unpacked + got, 0, e->grain - got); /* the disk's end within a grain */
    v->unpacked_of = e;
    v->unpacked_host = host;
    return TRUE;
}

static gboolean vmdk_unpack(Image *image, guint64 offset, const ImageRun *run, void *buffer, gsize length,
                            GError **error)
{
    Vmdk *v = image->state;
    Extent *e = extent_at(v, offset);
    if (!unpack_grain(v, e, run->host, error))
        return FALSE;
    memcpy(buffer, v->unpacked + (offset - e->start) % e->grain, length);
    return TRUE;
}

/* ---- Writing ---------------------------------------------------------------------------------------------
 */

/* "CID": who stands on this image sees by it that the contents changed. */
static gboolean begin_write(Image *image, Vmdk *v, GError **error)
{
    char digits[9];
    if (v->written || v->cid_at < 0)
        return TRUE;
    g_snprintf(digits, sizeof digits, "%08x", g_random_int() & 0xfffffffeu);
    v->written = TRUE;
    return image_file_write(image->file, v->text_at + (guint64)v->cid_at, digits, 8, error);
}

static gboolean vmdk_pwrite(Image *image, guint64 offset, const void *buffer, gsize length, GError **error)
{
    return begin_write(image, image->state, error) &&
           image_mapped_pwrite(image, offset, buffer, length, error);
}

static gboolean vmdk_zero(Image *image, guint64 offset, guint64 length, GError **error)
{
    return begin_write(image, image->state, error) && image_mapped_zero(image, offset, length, error);
}

static gboolean vmdk_discard(Image *image, guint64 offset, guint64 length, GError **error)
{
    return begin_write(image, image->state, error) && image_mapped_discard(image, offset, length, error);
}

static gboolean vmdk_allocate(Image *image, guint64 offset, ImagePlace *place, GError **error)
{
    Extent *e = extent_at(image->state, offset);
    guint64 inside = offset - e->start;
    if (e->kind == VMDK_ZERO) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_READ_ONLY,
                    _("“%s” has a part of zeros that nothing can be written to. Convert it to qcow2."),
                    image->path);
        return FALSE;
    }
    if (e->kind == VMDK_FLAT) { /* a hole of the file */
        *place = (ImagePlace){e->file, e->flat + inside, offset, e->bytes - inside, e};
        return TRUE;
    }
    guint64 size;
    if (!e->unclean && !set_unclean(e, TRUE, error))
        return FALSE;
    /* what an interrupted write left there */
    if (!image_file_size(e->file, &size, error) ||
        (size > e->end && !image_file_truncate(e->file, e->end, error)))
        return FALSE;
    *place = (ImagePlace){e->file, e->end, e->start + image_align_down(inside, e->grain), e->grain, e};
    return TRUE;
}

static gboolean put_word(Extent *e, guint64 at, guint64 value, GError **error)
{
    guint8 raw[4];
    image_put_le32(raw, (guint32)value);
    return image_words_put(&e->words, at, raw, sizeof raw, error);
}

/* The entry of @grain in the tables of one directory; a table that is missing is made at the file's end. */
static gboolean bind_in(Extent *e, guint64 directory, guint64 grain, guint64 host, GError **error)
{
    guint64 table, at = directory + grain / e->gtes * 4;
    if (!get_word(e, at, &table, error))
        return FALSE;
    if (table == 0) {
        gsize bytes = image_align_up(e->gtes * 4, 512);
        g_autofree guint8 *zeros = g_malloc0(bytes);
        table = e->end / 512;
        if (!image_words_put(&e->words, e->end, zeros, bytes, error) || !put_word(e, at, table, error))
            return FALSE;
        e->end += bytes;
    } else if (table * 512 >= e->end) {
        return image_damaged(e->file, error, _("a grain table should stand behind the file's end"));
    }
    return put_word(e, table * 512 + grain % e->gtes * 4, host / 512, error);
}

static gboolean vmdk_bind(Image *image, const ImagePlace *place, GError **error)
{
    Extent *e = place->part;
    if (e->kind == VMDK_FLAT)
        return TRUE;
    guint64 grain = (place->offset - e->start) / e->grain;
    if ((place->host + place->length) / 512 > G_MAXUINT32) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_NO_SPACE,
                    _("“%s” has reached the largest size of a sparse VMDK file. Convert it to qcow2."),
                    image->path);
        return FALSE;
    }
    e->end = place->host + place->length;
    return (!e->redundant || bind_in(e, e->rgd, grain, place->host, error)) &&
           bind_in(e, e->gd, grain, place->host, error);
}

/* ---- New images ------------------------------------------------------------------------------------------
 */

/* What takes all its room at once is monolithicFlat: a descriptor, and the disk in "NAME-flat.vmdk". */
static gboolean vmdk_part(const char *path, const ImageCreateOptions *o, char **part, GError **error)
{
    gsize stem = strlen(path) - (g_str_has_suffix(path, ".vmdk") ? strlen(".vmdk") : 0);
    g_autofree char *name = g_path_get_basename(path);
    if (o->preallocation == IMAGE_PREALLOCATION_OFF)
        return TRUE;
    if (o->preallocation == IMAGE_PREALLOCATION_METADATA) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("The tables of a VMDK image are not preallocated. Choose “falloc” or “full”, which makes a "
                      "flat one."));
        return FALSE;
    }
    if (o->size == 0 || strpbrk(name, "\"\n")) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("A flat VMDK image needs a size, and a name without quotation marks and line breaks."));
        return FALSE;
    }
    *part = g_strdup_printf("%.*s-flat.vmdk", (int)stem, path);
    return TRUE;
}

static gboolean create_flat(ImageFile *file, const ImageCreateOptions *o, GError **error)
{
    g_autofree char *part = NULL;
    if (!vmdk_part(file->path, o, &part, error))
        return FALSE;
    g_autofree char *name = g_path_get_basename(part);
    g_autofree char *text = vmdk_text_new(name, VMDK_FLAT, o->size / 512);
    return image_file_write(file, 0, text, strlen(text), error);
}

static gboolean vmdk_create(ImageFile *file, const ImageCreateOptions *o, GError **error)
{
    guint64 sectors = o->size / 512;
    guint64 tables = (sectors + NEW_GRAIN * NEW_GTES - 1) / (NEW_GRAIN * NEW_GTES);
    guint64 gd_sectors = MAX((tables * 4 + 511) / 512, 1), gt_sectors = NEW_GTES * 4 / 512;
    guint64 rgd = 1 + NEW_TEXT_SECTORS, gd = rgd + gd_sectors + tables * gt_sectors;
    guint64 overhead = image_align_up(gd + gd_sectors + tables * gt_sectors, NEW_GRAIN);
    if (!image_refuse_backing(o, "VMDK", error))
        return FALSE;
    if (o->preallocation != IMAGE_PREALLOCATION_OFF)
        return create_flat(file, o, error);
    if (overhead + sectors > G_MAXUINT32) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("The disk is too large for a VMDK image of one file. Choose qcow2."));
        return FALSE;
    }
    guint8 header[512] = {0};
    image_put_le32(header, VMDK_MAGIC);
    image_put_le32(header + HEADER_VERSION, 1);
    image_put_le32(header + HEADER_FLAGS, FLAG_LINE_ENDS | FLAG_REDUNDANT);
    image_put_le64(header + HEADER_CAPACITY, sectors);
    image_put_le64(header + HEADER_GRAIN_SIZE, NEW_GRAIN);
    image_put_le64(header + HEADER_DESCRIPTOR, 1);
    image_put_le64(header + HEADER_DESCRIPTOR_SIZE, NEW_TEXT_SECTORS);
    image_put_le32(header + HEADER_GTES_PER_GT, NEW_GTES);
    image_put_le64(header + HEADER_RGD, rgd);
    image_put_le64(header + HEADER_GD, gd);
    image_put_le64(header + HEADER_OVERHEAD, overhead);
    memcpy(header + HEADER_LINE_ENDS, "\n \r\n", 4);
    g_autofree char *name = g_path_get_basename(file->path);
    g_autofree char *text = vmdk_text_new(name, VMDK_SPARSE, sectors);
    g_autofree guint8 *directory = g_malloc0(gd_sectors * 512);
    if (!image_file_truncate(file, overhead * 512, error) ||
        !image_file_write(file, 0, header, sizeof header, error) ||
        !image_file_write(file, 512, text, MIN(strlen(text), NEW_TEXT_SECTORS * 512), error))
        return FALSE;
    const guint64 places[] = {rgd, gd};
    for (guint d = 0; d < G_N_ELEMENTS(places); d++) {
        for (guint64 i = 0; i < tables; i++)
            image_put_le32(directory + i * 4, (guint32)(places[d] + gd_sectors + i * gt_sectors));
        if (!image_file_write(file, places[d] * 512, directory, gd_sectors * 512, error))
            return FALSE;
    }
    return TRUE;
}

static guint64 vmdk_overhead(Image *image, guint64 size)
{
    return 131072 + size / 65536 * 8;
}

const ImageFormat image_format_vmdk = {
    .name = "vmdk",
    .probe = vmdk_probe,
    .open = vmdk_open,
    .close = vmdk_close,
    .pread = image_mapped_pread,
    .pwrite = vmdk_pwrite,
    .flush = vmdk_flush,
    .write_zeroes = vmdk_zero,
    .discard = vmdk_discard,
    .status = image_mapped_status,
    .check = image_mapped_check,
    .create = vmdk_create,
    .part = vmdk_part,
    .overhead = vmdk_overhead,
    .map = vmdk_map,
    .unpack = vmdk_unpack,
    .allocate = vmdk_allocate,
    .bind = vmdk_bind,
};
