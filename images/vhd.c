/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Virtual PC and Hyper-V disks (VHD), fixed and dynamic. Source: "Virtual Hard Disk Image Format
 * Specification", version 1.0, Microsoft 2006; its names are kept. Differencing disks are refused.
 */
#include <string.h>

#include "images/bytes.h"
#include "images/internal.h"

/* "Hard Disk Footer Format" */
enum {
    FOOTER_FEATURES = 8,
    FOOTER_VERSION = 12,
    FOOTER_DATA_OFFSET = 16,
    FOOTER_TIME = 24,
    FOOTER_CREATOR = 28,
    FOOTER_CREATOR_VERSION = 32,
    FOOTER_CREATOR_OS = 36,
    FOOTER_ORIGINAL_SIZE = 40,
    FOOTER_CURRENT_SIZE = 48,
    FOOTER_GEOMETRY = 56,
    FOOTER_TYPE = 60,
    FOOTER_CHECKSUM = 64,
    FOOTER_UUID = 68,
    FOOTER_BYTES = 512,
};

/* "Dynamic Disk Header Format" */
enum {
    DYNAMIC_DATA_OFFSET = 8,
    DYNAMIC_TABLE_OFFSET = 16,
    DYNAMIC_VERSION = 24,
    DYNAMIC_ENTRIES = 28,
    DYNAMIC_BLOCK_SIZE = 32,
    DYNAMIC_CHECKSUM = 36,
    DYNAMIC_BYTES = 1024,
};

#define TYPE_FIXED        2u
#define TYPE_DYNAMIC      3u
#define TYPE_DIFFERENCING 4u
#define BLOCK_UNUSED      0xffffffffu
#define BLOCK_SIZE        (2u << 20)
#define MAX_ENTRIES       (16u << 20)
#define MAX_DISK          (G_GUINT64_CONSTANT(2040) << 30)

typedef struct Vhd {
    ImageWords words;
    gboolean dynamic;
    guint64 table;
    guint32 entries;
    guint32 block_size, bitmap_bytes;
    guint64 end; /* of the blocks: where the footer stands */
    guint8 footer[FOOTER_BYTES];
    gboolean footer_moved;
    gboolean whole; /* opened: what is here may be written */
} Vhd;

static guint32 checksum(const guint8 *bytes, gsize length, gsize at)
{
    guint32 sum = 0;
    for (gsize i = 0; i < length; i++)
        sum += i >= at && i < at + 4 ? 0 : bytes[i];
    return ~sum;
}

static gboolean is_footer(const guint8 *bytes)
{
    return memcmp(bytes, "conectix", 8) == 0;
}

static gboolean vhd_probe(const ImageEnds *ends)
{
    return is_footer(ends->head) || is_footer(ends->tail);
}

/* The footer, or its copy at the start of a dynamic disk whose end was lost. */
static gboolean read_footer(Image *image, Vhd *v, guint64 file_size, GError **error)
{
    guint8 *f = v->footer;
    if (file_size >= FOOTER_BYTES) {
        v->end = file_size - FOOTER_BYTES;
        if (!image_file_read(image->file, v->end, f, FOOTER_BYTES, error))
            return FALSE;
        if (is_footer(f) && checksum(f, FOOTER_BYTES, FOOTER_CHECKSUM) == image_get_be32(f + FOOTER_CHECKSUM))
            return TRUE;
    }
    gboolean ended = is_footer(f);
    v->end = image_align_up(file_size, 512);
    v->footer_moved = TRUE;
    if (!image_file_read(image->file, 0, f, FOOTER_BYTES, error))
        return FALSE;
    if (!is_footer(f) && !ended) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                    _("“%s” is not a VHD image. Open it as what it is."), image->path);
        return FALSE;
    }
    if (!is_footer(f) || checksum(f, FOOTER_BYTES, FOOTER_CHECKSUM) != image_get_be32(f + FOOTER_CHECKSUM))
        return image_damaged(image->file, error, _("the checksum of its footer is wrong"));
    return TRUE;
}

static gboolean open_dynamic(Image *image, Vhd *v, guint64 file_size, GError **error)
{
    guint8 header[DYNAMIC_BYTES];
    guint64 at = image_get_be64(v->footer + FOOTER_DATA_OFFSET);
    if (at % 512 || at > file_size || file_size - at < DYNAMIC_BYTES)
        return image_damaged(image->file, error, _("its header cannot be where the footer says"));
    if (!image_file_read(image->file, at, header, sizeof header, error))
        return FALSE;
    if (memcmp(header, "cxsparse", 8) ||
        checksum(header, sizeof header, DYNAMIC_CHECKSUM) != image_get_be32(header + DYNAMIC_CHECKSUM))
        return image_damaged(image->file, error, _("the checksum of its header is wrong"));
    v->table = image_get_be64(header + DYNAMIC_TABLE_OFFSET);
    v->entries = image_get_be32(header + DYNAMIC_ENTRIES);
    v->block_size = image_get_be32(header + DYNAMIC_BLOCK_SIZE);
    if (v->block_size < 512 || v->block_size > (256u << 20) || v->block_size & (v->block_size - 1))
        return image_damaged(image->file, error, _("its block size is impossible"));
    v->bitmap_bytes = (guint32)image_align_up((v->block_size / 512 + 7) / 8, 512);
    if (v->entries > MAX_ENTRIES || image->size > (guint64)v->entries * v->block_size)
        return image_damaged(image->file, error, _("its map is too short for the disk, or too long"));
    if (v->table % 512 || v->table > file_size || (guint64)v->entries * 4 > file_size - v->table)
        return image_damaged(image->file, error, _("its map cannot be where the header says"));
    image->cluster_size = v->block_size;
    return TRUE;
}

static gboolean vhd_open(Image *image, GError **error)
{
    Vhd *v = g_new0(Vhd, 1);
    guint64 file_size;
    image->state = v;
    image_words_init(&v->words, image->file);
    if (!image_file_size(image->file, &file_size, error) || !read_footer(image, v, file_size, error))
        return FALSE;
    image->size = image_get_be64(v->footer + FOOTER_CURRENT_SIZE);
    if (image->size % 512 || image->size > IMAGE_MAX_SIZE)
        return image_damaged(image->file, error, _("the size of the disk is impossible"));
    switch (image_get_be32(v->footer + FOOTER_TYPE)) {
    case TYPE_FIXED:
        if (v->footer_moved || image->size > v->end)
            return image_damaged(image->file, error, _("its end is missing"));
        v->whole = TRUE;
        return TRUE;
    case TYPE_DYNAMIC: v->dynamic = TRUE; return v->whole = open_dynamic(image, v, file_size, error);
    case TYPE_DIFFERENCING:
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” is a differencing VHD image, which stands on another one; that is not supported "
                      "here. Merge the two with the program that made them."),
                    image->path);
        return FALSE;
    default:
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” is a VHD image of an unknown kind. Convert it with the program that made it."),
                    image->path);
        return FALSE;
    }
}

/* The footer goes behind the new blocks first: without it nobody finds the disk's end. */
static gboolean vhd_flush(Image *image, GError **error)
{
    Vhd *v = image->state;
    if (v->footer_moved) {
        if (!image_file_write(image->file, v->end, v->footer, FOOTER_BYTES, error) ||
            !image_file_truncate(image->file, v->end + FOOTER_BYTES, error))
            return FALSE;
        v->footer_moved = FALSE;
    }
    return image_words_flush(&v->words, error) && image_file_sync(image->file, error);
}

static gboolean vhd_close(Image *image, GError **error)
{
    Vhd *v = image->state;
    gboolean ok = !image->writable || !v->whole || vhd_flush(image, error);
    image_words_clear(&v->words);
    g_clear_pointer(&image->state, g_free);
    return ok;
}

static gboolean vhd_map(Image *image, guint64 offset, guint64 length, ImageRun *run, GError **error)
{
    Vhd *v = image->state;
    guint8 raw[4];
    if (!v->dynamic) {
        gboolean data;
        guint64 end;
        if (!image_file_extent(image->file, offset, &data, &end, error))
            return FALSE;
        *run =
            (ImageRun){data ? IMAGE_BLOCK_DATA : IMAGE_BLOCK_ZERO, FALSE, image->file, offset, end - offset};
        return TRUE;
    }
    guint64 block = offset / v->block_size, inside = offset % v->block_size;
    run->length = v->block_size - inside;
    if (!image_words_get(&v->words, v->table + block * 4, raw, sizeof raw, error))
        return FALSE;
    guint32 entry = image_get_be32(raw);
    if (entry == BLOCK_UNUSED)
        return TRUE;
    guint64 at = (guint64)entry * 512;
    if (at + v->bitmap_bytes > v->end || at < FOOTER_BYTES)
        return image_damaged(image->file, error, _("a block should stand behind the file's end"));
    /* "Block Allocation Table and Data Blocks": a sector whose bit is clear was never written */
    guint64 sector = inside / 512, sectors = v->block_size / 512;
    guint8 byte;
    if (!image_words_get(&v->words, at + sector / 8, &byte, 1, error))
        return FALSE;
    gboolean set = byte >> (7 - sector % 8) & 1;
    guint64 next = sector + 1;
    for (; next < sectors && (next - sector) * 512 < length + 512; next++) {
        if (next % 8 == 0) {
            if (!image_words_get(&v->words, at + next / 8, &byte, 1, error))
                return FALSE;
            while (byte == (set ? 0xff : 0) && next + 8 < sectors) {
                next += 8;
                if (!image_words_get(&v->words, at + next / 8, &byte, 1, error))
                    return FALSE;
            }
        }
        if ((byte >> (7 - next % 8) & 1) != set)
            break;
    }
    run->length = next * 512 - inside;
    run->block = set ? IMAGE_BLOCK_DATA : IMAGE_BLOCK_ZERO;
    run->file = image->file;
    run->host = at + v->bitmap_bytes + inside;
    return TRUE;
}

/* Where the block of @offset stands already, with some sectors that do not count yet: those become zeros that
 * do. Else a new one where the footer is. */
static gboolean vhd_allocate(Image *image, guint64 offset, ImagePlace *place, GError **error)
{
    Vhd *v = image->state;
    if (!v->dynamic) {
        *place = (ImagePlace){image->file, offset, offset, image->size - offset, NULL};
        return TRUE;
    }
    guint8 raw[4];
    guint64 start = image_align_down(offset, v->block_size);
    if (!image_words_get(&v->words, v->table + start / v->block_size * 4, raw, sizeof raw, error))
        return FALSE;
    guint32 entry = image_get_be32(raw);
    if (entry != BLOCK_UNUSED) {
        /* up to the next sector that counts; bind() counts them */
        ImageRun run = {0};
        guint64 from = image_align_down(offset, 512);
        if (!vhd_map(image, from, v->block_size, &run, error) ||
            !image_file_zero(image->file, run.host, run.length, TRUE, error))
            return FALSE;
        *place = (ImagePlace){image->file, run.host, from, run.length, NULL};
        return TRUE;
    }
    v->footer_moved = TRUE;
    if (!image_file_truncate(image->file, v->end, error))
        return FALSE;
    *place = (ImagePlace){image->file, v->end + v->bitmap_bytes, start, v->block_size, v};
    return TRUE;
}

static gboolean vhd_bind(Image *image, const ImagePlace *place, GError **error)
{
    Vhd *v = image->state;
    guint8 raw[4];
    if (!v->dynamic)
        return TRUE;
    if (place->part) {
        g_autofree guint8 *ones = g_malloc0(v->bitmap_bytes);
        guint64 at = place->host - v->bitmap_bytes;
        memset(ones, 0xff, (v->block_size / 512 + 7) / 8);
        if (at / 512 >= BLOCK_UNUSED) {
            g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_NO_SPACE,
                        _("“%s” has reached the largest size of a VHD image. Convert it to qcow2."),
                        image->path);
            return FALSE;
        }
        image_put_be32(raw, (guint32)(at / 512));
        v->end = place->host + place->length;
        return image_words_put(&v->words, at, ones, v->bitmap_bytes, error) &&
               image_words_put(&v->words, v->table + place->offset / v->block_size * 4, raw, sizeof raw,
                               error);
    }
    guint64 block_host = place->host - place->offset % v->block_size;
    for (guint64 s = place->offset % v->block_size / 512, n = place->length / 512; n > 0; n--, s++) {
        guint64 at = block_host - v->bitmap_bytes + s / 8;
        guint8 byte;
        if (!image_words_get(&v->words, at, &byte, 1, error))
            return FALSE;
        byte |= (guint8)(0x80 >> s % 8);
        if (!image_words_put(&v->words, at, &byte, 1, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- New images ------------------------------------------------------------------------------------------
 */

/* "CHS Calculation"; a disk beyond its reach gets the largest, and readers take the size instead. */
static void put_geometry(guint8 *at, guint64 sectors)
{
    guint32 cylinders, heads, per_track, tracks;
    if (sectors > 65535u * 16 * 255)
        sectors = 65535u * 16 * 255;
    if (sectors >= 65535u * 16 * 63) {
        per_track = 255;
        heads = 16;
        tracks = (guint32)(sectors / per_track);
    } else {
        per_track = 17;
        tracks = (guint32)(sectors / per_track);
        heads = MAX((tracks + 1023) / 1024, 4);
        if (tracks >= heads * 1024 || heads > 16) {
            per_track = 31;
            heads = 16;
            tracks = (guint32)(sectors / per_track);
        }
        if (tracks >= heads * 1024) {
            per_track = 63;
            heads = 16;
            tracks = (guint32)(sectors / per_track);
        }
    }
    cylinders = tracks / heads;
    image_put_be16(at, (guint16)cylinders);
    at[2] = (guint8)heads;
    at[3] = (guint8)per_track;
}

static gboolean vhd_create(ImageFile *file, const ImageCreateOptions *o, GError **error)
{
    gboolean fixed = o->preallocation != IMAGE_PREALLOCATION_OFF;
    guint8 footer[FOOTER_BYTES] = "conectix";
    if (!image_refuse_backing(o, "VHD", error))
        return FALSE;
    if (o->size > MAX_DISK) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("A VHD image holds at most 2040 GiB. Choose qcow2, or a smaller disk."));
        return FALSE;
    }
    image_put_be32(footer + FOOTER_FEATURES, 2); /* the bit that is always set */
    image_put_be32(footer + FOOTER_VERSION, 0x00010000);
    image_put_be64(footer + FOOTER_DATA_OFFSET, fixed ? G_MAXUINT64 : FOOTER_BYTES);
    /* seconds since 2000 */
    image_put_be32(footer + FOOTER_TIME, (guint32)(g_get_real_time() / G_USEC_PER_SEC - 946684800));
    /* Readers know by the creator whether the geometry or the size counts: with Windows it is the size. */
    memcpy(footer + FOOTER_CREATOR, "win ", 4);
    image_put_be32(footer + FOOTER_CREATOR_VERSION, 0x000a0000);
    memcpy(footer + FOOTER_CREATOR_OS, "Wi2k", 4);
    image_put_be64(footer + FOOTER_ORIGINAL_SIZE, o->size);
    image_put_be64(footer + FOOTER_CURRENT_SIZE, o->size);
    put_geometry(footer + FOOTER_GEOMETRY, o->size / 512);
    image_put_be32(footer + FOOTER_TYPE, fixed ? TYPE_FIXED : TYPE_DYNAMIC);
    for (guint i = 0; i < 16; i += 4)
        image_put_be32(footer + FOOTER_UUID + i, g_random_int());
    image_put_be32(footer + FOOTER_CHECKSUM, checksum(footer, FOOTER_BYTES, FOOTER_CHECKSUM));
    if (fixed)
        return image_file_truncate(file, o->size + FOOTER_BYTES, error) &&
               image_preallocate(file, 0, o->size, o->preallocation, error) &&
               image_file_write(file, o->size, footer, FOOTER_BYTES, error);

    guint8 header[DYNAMIC_BYTES] = "cxsparse";
    guint64 entries = (o->size + BLOCK_SIZE - 1) / BLOCK_SIZE;
    guint64 table_bytes = image_align_up(MAX(entries, 1) * 4, 512);
    guint64 table = FOOTER_BYTES + DYNAMIC_BYTES;
    image_put_be64(header + DYNAMIC_DATA_OFFSET, G_MAXUINT64);
    image_put_be64(header + DYNAMIC_TABLE_OFFSET, table);
    image_put_be32(header + DYNAMIC_VERSION, 0x00010000);
    image_put_be32(header + DYNAMIC_ENTRIES, (guint32)entries);
    image_put_be32(header + DYNAMIC_BLOCK_SIZE, BLOCK_SIZE);
    image_put_be32(header + DYNAMIC_CHECKSUM, checksum(header, sizeof header, DYNAMIC_CHECKSUM));
    g_autofree guint8 *unused = g_malloc(table_bytes);
    memset(unused, 0xff, table_bytes);
    return image_file_write(file, 0, footer, FOOTER_BYTES, error) &&
           image_file_write(file, FOOTER_BYTES, header, sizeof header, error) &&
           image_file_write(file, table, unused, table_bytes, error) &&
           image_file_write(file, table + table_bytes, footer, FOOTER_BYTES, error);
}

static guint64 vhd_overhead(Image *image, guint64 size)
{
    return 8192 + size / BLOCK_SIZE * (4 + 512);
}

const ImageFormat image_format_vhd = {
    .name = "vhd",
    .probe = vhd_probe,
    .open = vhd_open,
    .close = vhd_close,
    .pread = image_mapped_pread,
    .pwrite = image_mapped_pwrite,
    .flush = vhd_flush,
    .write_zeroes = image_mapped_zero,
    .discard = image_mapped_discard,
    .status = image_mapped_status,
    .check = image_mapped_check,
    .create = vhd_create,
    .overhead = vhd_overhead,
    .map = vhd_map,
    .allocate = vhd_allocate,
    .bind = vhd_bind,
};
