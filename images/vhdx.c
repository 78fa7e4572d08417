/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hyper-V disks (VHDX), read only: fixed and dynamic, with a log that was not replayed yet. Source: [MS-VHDX]
 * "Virtual Hard Disk v2 (VHDX) File Format"; section numbers in comments are its. Differencing disks are
 * refused.
 */
#include <string.h>

#include "images/bytes.h"
#include "images/vhdx.h"

#define KIB64        65536u
#define MIB          (1u << 20)
#define MAX_LOG      (64u << 20)
#define MAX_DISK     (G_GUINT64_CONSTANT(64) << 40)
#define MAX_ENTRIES  2047u
#define HEADER_BYTES 4096u

/* 2.2.2 "Headers" */
enum {
    HEADER_CHECKSUM = 4,
    HEADER_SEQUENCE = 8,
    HEADER_LOG_GUID = 48,
    HEADER_LOG_VERSION = 64,
    HEADER_VERSION = 66,
    HEADER_LOG_LENGTH = 68,
    HEADER_LOG_OFFSET = 72,
};

/* 2.5.1.1 "Payload BAT Entry States" */
enum {
    BLOCK_NOT_PRESENT = 0,
    BLOCK_UNDEFINED = 1,
    BLOCK_ZERO = 2,
    BLOCK_UNMAPPED = 3,
    BLOCK_FULLY_PRESENT = 6,
    BLOCK_PARTIALLY_PRESENT = 7,
};

typedef struct Guid {
    guint8 bytes[16];
} Guid;

/* as on disk: the first three fields little-endian */
static const Guid region_bat = {
    {0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08}};
static const Guid region_metadata = {
    {0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e}};
static const Guid item_parameters = {
    {0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b}};
static const Guid item_size = {
    {0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8}};
static const Guid item_logical_sector = {
    {0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f}};
static const Guid item_physical_sector = {
    {0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44, 0x9c, 0xc9, 0xe9, 0x88, 0x52, 0x51, 0xc5, 0x56}};
static const Guid item_page83 = {
    {0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7, 0x46}};

typedef struct Vhdx {
    ImageWords words;
    VhdxReplay *replay;
    guint64 file_size;
    guint64 bat, bat_length;
    guint64 metadata, metadata_length;
    guint32 block_size, sector_size;
    guint64 chunk_ratio;
    gboolean has_parent;
} Vhdx;

static gboolean vhdx_probe(const ImageEnds *ends)
{
    return memcmp(ends->head, "vhdxfile", 8) == 0;
}

static gboolean same_guid(const guint8 *at, const Guid *guid)
{
    return memcmp(at, guid->bytes, sizeof guid->bytes) == 0;
}

static gboolean unsupported(Image *image, GError **error, const char *what)
{
    g_set_error(
        error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
        _("“%s” is a VHDX image %s, which is not supported here. Convert it with the program that made "
          "it."),
        image->path, what);
    return FALSE;
}

/* 2.2.2: of the two headers, the valid one with the larger sequence number counts. */
static gboolean read_header(Image *image, guint8 *current, GError **error)
{
    g_autofree guint8 *header = g_malloc(HEADER_BYTES);
    guint64 best = 0;
    gboolean found = FALSE;
    for (guint64 at = KIB64; at <= 2 * KIB64; at += KIB64) {
        if (!image_file_read(image->file, at, header, HEADER_BYTES, error))
            return FALSE;
        guint64 sequence = image_get_le64(header + HEADER_SEQUENCE);
        if (memcmp(header, "head", 4) ||
            vhdx_checksum(header, HEADER_BYTES, HEADER_CHECKSUM) !=
                image_get_le32(header + HEADER_CHECKSUM) ||
            (found && sequence <= best))
            continue;
        found = TRUE;
        best = sequence;
        memcpy(current, header, HEADER_BYTES);
    }
    return found || image_damaged(image->file, error, _("neither of its headers is valid"));
}

static gboolean replay_log(Image *image, Vhdx *v, const guint8 *header, GError **error)
{
    static const guint8 none[16];
    const guint8 *guid = header + HEADER_LOG_GUID;
    if (memcmp(guid, none, sizeof none) == 0)
        return TRUE;
    guint64 at = image_get_le64(header + HEADER_LOG_OFFSET);
    guint32 length = image_get_le32(header + HEADER_LOG_LENGTH);
    if (image_get_le16(header + HEADER_LOG_VERSION) != 0)
        return unsupported(image, error, _("with a log of an unknown version"));
    if (at % MIB || at < MIB || length % MIB || length == 0 || length > MAX_LOG || at > v->file_size ||
        length > v->file_size - at)
        return image_damaged(image->file, error, _("its log cannot be where the header says"));
    return vhdx_replay(image->file, at, length, guid, &v->replay, error) &&
           image_file_size(image->file, &v->file_size, error);
}

/* 2.2.3 "Region Table": two copies */
static gboolean read_regions(Image *image, Vhdx *v, GError **error)
{
    g_autofree guint8 *table = g_malloc(KIB64);
    for (guint64 at = 3 * KIB64; at <= 4 * KIB64; at += KIB64) {
        if (!image_file_read(image->file, at, table, KIB64, error))
            return FALSE;
        guint32 count = image_get_le32(table + 8);
        if (memcmp(table, "regi", 4) || vhdx_checksum(table, KIB64, 4) != image_get_le32(table + 4) ||
            count > MAX_ENTRIES)
            continue;
        for (guint32 i = 0; i < count; i++) {
            const guint8 *entry = table + 16 + (gsize)i * 32;
            guint64 offset = image_get_le64(entry + 16), length = image_get_le32(entry + 24);
            gboolean required = image_get_le32(entry + 28) & 1;
            if (offset % MIB || offset < MIB || offset > v->file_size || length > v->file_size - offset)
                return image_damaged(image->file, error,
                                     _("one of its regions cannot be where its table says"));
            if (same_guid(entry, &region_bat)) {
                v->bat = offset;
                v->bat_length = length;
            } else if (same_guid(entry, &region_metadata)) {
                v->metadata = offset;
                v->metadata_length = length;
            } else if (required) {
                return unsupported(image, error, _("with a part that is not known here"));
            }
        }
        if (v->bat && v->metadata)
            return TRUE;
        return image_damaged(image->file, error, _("a region that every image has is missing"));
    }
    return image_damaged(image->file, error, _("neither of its region tables is valid"));
}

/* 2.6 "Metadata Region" */
static gboolean read_metadata(Image *image, Vhdx *v, GError **error)
{
    g_autofree guint8 *table = g_malloc(KIB64);
    if (v->metadata_length < KIB64)
        return image_damaged(image->file, error, _("its metadata is too short"));
    if (!image_file_read(image->file, v->metadata, table, KIB64, error))
        return FALSE;
    guint count = image_get_le16(table + 10);
    if (memcmp(table, "metadata", 8) || count > MAX_ENTRIES)
        return image_damaged(image->file, error, _("its metadata makes no sense"));
    for (guint i = 0; i < count; i++) {
        const guint8 *entry = table + 32 + (gsize)i * 32;
        guint64 offset = image_get_le32(entry + 16), length = image_get_le32(entry + 20);
        guint32 flags = image_get_le32(entry + 24);
        guint8 value[16] = {0};
        if (offset > v->metadata_length || length > v->metadata_length - offset)
            return image_damaged(image->file, error, _("its metadata stands outside its place"));
        if (!image_file_read(image->file, v->metadata + offset, value, MIN(length, sizeof value), error))
            return FALSE;
        if (same_guid(entry, &item_parameters) && length >= 8) {
            v->block_size = image_get_le32(value);
            v->has_parent = image_get_le32(value + 4) >> 1 & 1;
        } else if (same_guid(entry, &item_size) && length >= 8) {
            image->size = image_get_le64(value);
        } else if (same_guid(entry, &item_logical_sector) && length >= 4) {
            v->sector_size = image_get_le32(value);
        } else if ((flags & 4) && !v->has_parent && !same_guid(entry, &item_physical_sector) &&
                   !same_guid(entry, &item_page83)) {
            return unsupported(image, error, _("with a property that is not known here"));
        }
    }
    return TRUE;
}

static gboolean check_metadata(Image *image, Vhdx *v, GError **error)
{
    if (v->has_parent)
        return unsupported(image, error, _("that stands on another (differencing)"));
    if (v->block_size < MIB || v->block_size > 256 * MIB || v->block_size & (v->block_size - 1))
        return image_damaged(image->file, error, _("its block size is impossible"));
    if (v->sector_size != 512 && v->sector_size != 4096)
        return image_damaged(image->file, error, _("its sectors are neither of 512 nor of 4096 bytes"));
    if (image->size > MAX_DISK || image->size % v->sector_size)
        return image_damaged(image->file, error, _("the size of the disk is impossible"));
    /* 2.5 "BAT": after every chunk_ratio blocks comes one entry for their sector bitmap */
    v->chunk_ratio = ((guint64)v->sector_size << 23) / v->block_size;
    guint64 blocks = (image->size + v->block_size - 1) / v->block_size;
    guint64 entries = blocks ? blocks + (blocks - 1) / v->chunk_ratio : 0;
    if (entries * 8 > v->bat_length)
        return image_damaged(image->file, error, _("its map is too short for the disk"));
    image->cluster_size = v->block_size;
    return TRUE;
}

static gboolean vhdx_open(Image *image, GError **error)
{
    guint8 signature[8];
    Vhdx *v = g_new0(Vhdx, 1);
    g_autofree guint8 *header = g_malloc0(HEADER_BYTES);
    image->state = v;
    image_words_init(&v->words, image->file);
    if (!image_file_read(image->file, 0, signature, sizeof signature, error) ||
        !image_file_size(image->file, &v->file_size, error))
        return FALSE;
    if (memcmp(signature, "vhdxfile", 8)) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                    _("“%s” is not a VHDX image. Open it as what it is."), image->path);
        return FALSE;
    }
    if (!read_header(image, header, error))
        return FALSE;
    if (image_get_le16(header + HEADER_VERSION) != 1)
        return unsupported(image, error, _("of an unknown version"));
    return replay_log(image, v, header, error) && read_regions(image, v, error) &&
           read_metadata(image, v, error) && check_metadata(image, v, error);
}

static gboolean vhdx_close(Image *image, GError **error)
{
    Vhdx *v = image->state;
    image_words_clear(&v->words);
    vhdx_replay_free(v->replay, image->file);
    g_clear_pointer(&image->state, g_free);
    return TRUE;
}

static gboolean vhdx_map(Image *image, guint64 offset, guint64 length, ImageRun *run, GError **error)
{
    Vhdx *v = image->state;
    guint64 block = offset / v->block_size, inside = offset % v->block_size;
    guint8 raw[8];
    if (!image_words_get(&v->words, v->bat + (block + block / v->chunk_ratio) * 8, raw, sizeof raw, error))
        return FALSE;
    guint64 entry = image_get_le64(raw);
    run->length = v->block_size - inside;
    switch (entry & 7) {
    case BLOCK_NOT_PRESENT:
    case BLOCK_UNDEFINED:
    case BLOCK_UNMAPPED: return TRUE;
    case BLOCK_ZERO: run->block = IMAGE_BLOCK_ZERO; return TRUE;
    case BLOCK_FULLY_PRESENT: break;
    case BLOCK_PARTIALLY_PRESENT:
    default: return image_damaged(image->file, error, _("a block has a state that cannot be"));
    }
    guint64 host = entry & ~(guint64)(MIB - 1);
    if (host < MIB || host >= v->file_size)
        return image_damaged(image->file, error, _("a block should stand behind the file's end"));
    run->block = IMAGE_BLOCK_DATA;
    run->file = image->file;
    run->host = host + inside;
    return TRUE;
}

const ImageFormat image_format_vhdx = {
    .name = "vhdx",
    .probe = vhdx_probe,
    .open = vhdx_open,
    .close = vhdx_close,
    .pread = image_mapped_pread,
    .status = image_mapped_status,
    .check = image_mapped_check,
    .map = vhdx_map,
};
