/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VirtualBox disk images (VDI), version 1.1, dynamic and static. The layout is that of the published header
 * structures of VirtualBox and of files that it makes: a header, a map of one 32-bit number for each block
 * (its place in the data area, or one of two values for "free" and "zero"), then the blocks. Images that
 * stand on another (differencing) are refused.
 */
#include <string.h>

#include "images/bytes.h"
#include "images/internal.h"

enum {
    VDI_AT_SIGNATURE = 0x40,
    VDI_AT_VERSION = 0x44,
    VDI_AT_HEADER_SIZE = 0x48,
    VDI_AT_TYPE = 0x4c,
    VDI_AT_COMMENT = 0x54,
    VDI_AT_MAP = 0x154,
    VDI_AT_DATA = 0x158,
    VDI_AT_SECTOR_SIZE = 0x168,
    VDI_AT_SIZE = 0x170,
    VDI_AT_BLOCK_SIZE = 0x178,
    VDI_AT_BLOCK_EXTRA = 0x17c,
    VDI_AT_BLOCKS = 0x180,
    VDI_AT_ALLOCATED = 0x184,
    VDI_AT_UUID = 0x188,
    VDI_AT_UUID_SNAPSHOT = 0x198,
    VDI_AT_UUID_LINK = 0x1a8,
    VDI_AT_UUID_PARENT = 0x1b8,
};

#define VDI_SIGNATURE   0xbeda107fu
#define VDI_VERSION     0x00010001u
#define VDI_HEADER_SIZE 400u
#define VDI_DYNAMIC     1u
#define VDI_STATIC      2u
#define VDI_FREE        0xffffffffu
#define VDI_ZERO        0xfffffffeu
#define VDI_BLOCK_SIZE  (1u << 20)
#define VDI_MAX_BLOCKS  (16u << 20)

typedef struct Vdi {
    ImageWords words;
    guint64 map, data;
    guint32 block_size;
    guint32 blocks, allocated;
    guint64 file_size; /* when it was opened, then the end of what was allocated */
} Vdi;

static gboolean vdi_probe(const ImageEnds *ends)
{
    return image_get_le32(ends->head + VDI_AT_SIGNATURE) == VDI_SIGNATURE;
}

static gboolean unsupported(Image *image, GError **error, const char *what)
{
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                _("“%s” is %s, which is not supported here. Convert it with the program that made it."),
                image->path, what);
    return FALSE;
}

/* New blocks go behind all that the map knows, whatever the header counted before a crash. */
static gboolean find_end(Vdi *v, GError **error)
{
    for (guint32 i = 0; i < v->blocks; i++) {
        guint8 raw[4];
        if (!image_words_get(&v->words, v->map + (guint64)i * 4, raw, sizeof raw, error))
            return FALSE;
        guint32 entry = image_get_le32(raw);
        if (entry < VDI_ZERO && v->data + (guint64)entry * v->block_size < v->file_size)
            v->allocated = MAX(v->allocated, entry + 1);
    }
    return TRUE;
}

static gboolean vdi_open(Image *image, GError **error)
{
    static const guint8 null_uuid[16];
    guint8 header[512];
    if (!image_file_read(image->file, 0, header, sizeof header, error))
        return FALSE;
    if (image_get_le32(header + VDI_AT_SIGNATURE) != VDI_SIGNATURE) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                    _("“%s” is not a VDI image. Open it as what it is."), image->path);
        return FALSE;
    }
    if (image_get_le32(header + VDI_AT_VERSION) != VDI_VERSION)
        return unsupported(image, error, _("a VDI image of another version than 1.1"));
    guint32 type = image_get_le32(header + VDI_AT_TYPE);
    if ((type != VDI_DYNAMIC && type != VDI_STATIC) || memcmp(header + VDI_AT_UUID_PARENT, null_uuid, 16) ||
        memcmp(header + VDI_AT_UUID_LINK, null_uuid, 16))
        return unsupported(image, error, _("a VDI image that stands on another"));

    Vdi *v = g_new0(Vdi, 1);
    image->state = v;
    image_words_init(&v->words, image->file);
    v->map = image_get_le32(header + VDI_AT_MAP);
    v->data = image_get_le32(header + VDI_AT_DATA);
    v->block_size = image_get_le32(header + VDI_AT_BLOCK_SIZE);
    v->blocks = image_get_le32(header + VDI_AT_BLOCKS);
    v->allocated = image_get_le32(header + VDI_AT_ALLOCATED);
    guint64 size = image_get_le64(header + VDI_AT_SIZE);
    if (!image_file_size(image->file, &v->file_size, error))
        return FALSE;
    if (image_get_le32(header + VDI_AT_BLOCK_EXTRA) || image_get_le32(header + VDI_AT_SECTOR_SIZE) != 512)
        return unsupported(image, error, _("a VDI image with unusual blocks"));
    if (v->block_size < 4096 || v->block_size > (256u << 20) || v->block_size & (v->block_size - 1))
        return image_damaged(image->file, error, _("its block size is impossible"));
    if (v->blocks > VDI_MAX_BLOCKS || size > (guint64)v->blocks * v->block_size)
        return image_damaged(image->file, error, _("its map is too short for the disk, or too long"));
    if (v->map < VDI_AT_UUID_PARENT || v->map % 512 || v->data % 512 ||
        v->data < v->map + (guint64)v->blocks * 4 || v->data > v->file_size)
        return image_damaged(image->file, error, _("its map cannot be where the header says"));
    if (v->allocated > v->blocks)
        return image_damaged(image->file, error, _("more blocks are in use than there are"));
    image->size = image_align_up(size, IMAGE_SECTOR);
    image->cluster_size = v->block_size;
    return !image->writable || find_end(v, error);
}

static gboolean vdi_flush(Image *image, GError **error)
{
    Vdi *v = image->state;
    return image_words_flush(&v->words, error) && image_file_sync(image->file, error);
}

static gboolean vdi_close(Image *image, GError **error)
{
    Vdi *v = image->state;
    gboolean ok = !image->writable || vdi_flush(image, error);
    image_words_clear(&v->words);
    g_clear_pointer(&image->state, g_free);
    return ok;
}

static gboolean vdi_map(Image *image, guint64 offset, guint64 length, ImageRun *run, GError **error)
{
    Vdi *v = image->state;
    guint64 block = offset / v->block_size;
    guint32 inside = (guint32)(offset % v->block_size);
    guint8 raw[4];
    if (!image_words_get(&v->words, v->map + block * 4, raw, sizeof raw, error))
        return FALSE;
    guint32 entry = image_get_le32(raw);
    run->length = v->block_size - inside;
    if (entry == VDI_FREE || entry == VDI_ZERO) {
        run->block = entry == VDI_FREE ? IMAGE_BLOCK_UNALLOCATED : IMAGE_BLOCK_ZERO;
        return TRUE;
    }
    guint64 host = v->data + (guint64)entry * v->block_size;
    if (host >= v->file_size)
        return image_damaged(image->file, error, _("a block should stand behind the file's end"));
    run->block = IMAGE_BLOCK_DATA;
    run->file = image->file;
    run->host = host + inside;
    return TRUE;
}

static gboolean vdi_allocate(Image *image, guint64 offset, ImagePlace *place, GError **error)
{
    Vdi *v = image->state;
    guint64 host = v->data + (guint64)v->allocated * v->block_size;
    guint64 size;
    /* what an interrupted write left behind the last block */
    if (!image_file_size(image->file, &size, error) ||
        (size > host && !image_file_truncate(image->file, host, error)))
        return FALSE;
    *place = (ImagePlace){image->file, host, image_align_down(offset, v->block_size), v->block_size, NULL};
    return TRUE;
}

static gboolean vdi_bind(Image *image, const ImagePlace *place, GError **error)
{
    Vdi *v = image->state;
    guint8 raw[4];
    image_put_le32(raw, v->allocated);
    if (!image_words_put(&v->words, v->map + place->offset / v->block_size * 4, raw, sizeof raw, error))
        return FALSE;
    v->allocated++;
    v->file_size = MAX(v->file_size, place->host + place->length);
    image_put_le32(raw, v->allocated);
    return image_words_put(&v->words, VDI_AT_ALLOCATED, raw, sizeof raw, error);
}

/* ---- New images ------------------------------------------------------------------------------------------
 */

static void put_random_uuid(guint8 *at)
{
    for (guint i = 0; i < 16; i += 4)
        image_put_le32(at + i, g_random_int());
    at[7] = (guint8)((at[7] & 0x0f) | 0x40);
    at[8] = (guint8)((at[8] & 0x3f) | 0x80);
}

static gboolean vdi_create(ImageFile *file, const ImageCreateOptions *o, GError **error)
{
    guint64 blocks = (o->size + VDI_BLOCK_SIZE - 1) / VDI_BLOCK_SIZE;
    gboolean whole = o->preallocation != IMAGE_PREALLOCATION_OFF;
    if (!image_refuse_backing(o, "VDI", error))
        return FALSE;
    if (blocks > VDI_MAX_BLOCKS) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("The disk is too large for a VDI image. Choose qcow2."));
        return FALSE;
    }
    guint8 header[512] = "<<< Vitrine VM Virtual Disk Image >>>\n";
    guint64 map_bytes = image_align_up(blocks * 4, 512);
    guint64 data = image_align_up(512 + map_bytes, 4096);
    image_put_le32(header + VDI_AT_SIGNATURE, VDI_SIGNATURE);
    image_put_le32(header + VDI_AT_VERSION, VDI_VERSION);
    image_put_le32(header + VDI_AT_HEADER_SIZE, VDI_HEADER_SIZE);
    image_put_le32(header + VDI_AT_TYPE, whole ? VDI_STATIC : VDI_DYNAMIC);
    image_put_le32(header + VDI_AT_MAP, 512);
    image_put_le32(header + VDI_AT_DATA, (guint32)data);
    image_put_le32(header + VDI_AT_SECTOR_SIZE, 512);
    image_put_le64(header + VDI_AT_SIZE, o->size);
    image_put_le32(header + VDI_AT_BLOCK_SIZE, VDI_BLOCK_SIZE);
    image_put_le32(header + VDI_AT_BLOCKS, (guint32)blocks);
    image_put_le32(header + VDI_AT_ALLOCATED, whole ? (guint32)blocks : 0);
    put_random_uuid(header + VDI_AT_UUID);
    put_random_uuid(header + VDI_AT_UUID_SNAPSHOT);

    g_autofree guint8 *map = g_malloc(MAX(map_bytes, 1));
    memset(map, 0xff, map_bytes);
    for (guint64 i = 0; whole && i < blocks; i++)
        image_put_le32(map + i * 4, (guint32)i);
    guint64 data_bytes = whole ? blocks * VDI_BLOCK_SIZE : 0;
    return image_file_truncate(file, data + data_bytes, error) &&
           image_file_write(file, 0, header, sizeof header, error) &&
           image_file_write(file, 512, map, map_bytes, error) &&
           image_preallocate(file, data, data_bytes, o->preallocation, error);
}

static guint64 vdi_overhead(Image *image, guint64 size)
{
    return 8192 + size / VDI_BLOCK_SIZE * 4;
}

const ImageFormat image_format_vdi = {
    .name = "vdi",
    .probe = vdi_probe,
    .open = vdi_open,
    .close = vdi_close,
    .pread = image_mapped_pread,
    .pwrite = image_mapped_pwrite,
    .flush = vdi_flush,
    .write_zeroes = image_mapped_zero,
    .discard = image_mapped_discard,
    .status = image_mapped_status,
    .check = image_mapped_check,
    .create = vdi_create,
    .overhead = vdi_overhead,
    .map = vdi_map,
    .allocate = vdi_allocate,
    .bind = vdi_bind,
};
