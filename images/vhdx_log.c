/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of VHDX images, replayed in memory: whoever died while writing tables left them there. Source:
 * [MS-VHDX] "Virtual Hard Disk v2 (VHDX) File Format", section 2.3 "Log".
 */
#include <string.h>

#include "images/bytes.h"
#include "images/vhdx.h"

#define SECTOR     4096u
#define ENTRY_HEAD 64u
#define DESCRIPTOR 32u
#define MAX_REPLAY (256u << 20)

/* "Log Entry Header" */
enum {
    ENTRY_CHECKSUM = 4,
    ENTRY_LENGTH = 8,
    ENTRY_TAIL = 12,
    ENTRY_SEQUENCE = 16,
    ENTRY_DESCRIPTORS = 24,
    ENTRY_GUID = 32,
    ENTRY_FLUSHED_SIZE = 48,
    ENTRY_LAST_SIZE = 56,
};

struct VhdxReplay {
    GHashTable *sectors; /* offset of 4 KiB in the file -> its bytes */
    guint64 size;        /* what the file's length must be at least */
};

/* CRC-32C (Castagnoli), reflected, bit by bit over a table made on the way */
guint32 vhdx_crc32c(guint32 crc, const void *bytes, gsize length)
{
    static const guint32 nibbles[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const guint8 *at = bytes;
    crc = ~crc;
    for (gsize i = 0; i < length; i++) {
        crc ^= at[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return ~crc;
}

guint32 vhdx_checksum(const guint8 *bytes, gsize length, gsize field)
{
    static const guint8 zeros[4];
    guint32 crc = vhdx_crc32c(0, bytes, field);
    crc = vhdx_crc32c(crc, zeros, 4);
    return vhdx_crc32c(crc, bytes + field + 4, length - field - 4);
}

/* ---- Reading the log -------------------------------------------------------------------------------------
 */

typedef struct Log {
    ImageFile *file;
    guint32 length;
    const guint8 *guid;
    guint8 *bytes;  /* all of it */
    guint8 *known;  /* of each sector: does a valid entry begin there? an Entry */
    guint64 budget; /* bytes that may be summed up yet: entries that claim to overlap don't take for ever */
} Log;

typedef enum Entry {
    ENTRY_UNKNOWN,
    ENTRY_VALID,
    ENTRY_INVALID,
} Entry;

/* The whole entry at @at of the ring, in one piece. */
static guint8 *entry_copy(const Log *log, guint32 at)
{
    guint32 length = image_get_le32(log->bytes + at + ENTRY_LENGTH);
    guint32 first = MIN(length, log->length - at);
    guint8 *entry = g_malloc(length);
    memcpy(entry, log->bytes + at, first);
    memcpy(entry + first, log->bytes, length - first);
    return entry;
}

static gboolean entry_is_valid(Log *log, guint32 at)
{
    const guint8 *head = log->bytes + at;
    if (memcmp(head, "loge", 4) || memcmp(head + ENTRY_GUID, log->guid, 16))
        return FALSE;
    guint32 length = image_get_le32(head + ENTRY_LENGTH), tail = image_get_le32(head + ENTRY_TAIL);
    guint64 count = image_get_le32(head + ENTRY_DESCRIPTORS);
    if (length == 0 || length % SECTOR || length > log->length || tail % SECTOR || tail >= log->length ||
        image_align_up(ENTRY_HEAD + count * DESCRIPTOR, SECTOR) > length ||
        image_get_le64(head + ENTRY_SEQUENCE) == 0 || length > log->budget)
        return FALSE;
    log->budget -= length;
    g_autofree guint8 *entry = entry_copy(log, at);
    return vhdx_checksum(entry, length, ENTRY_CHECKSUM) == image_get_le32(entry + ENTRY_CHECKSUM);
}

/* The head of the valid entry at @at, or NULL. */
static const guint8 *entry_at(Log *log, guint32 at)
{
    guint8 *known = &log->known[at / SECTOR];
    if (*known == ENTRY_UNKNOWN)
        *known = entry_is_valid(log, at) ? ENTRY_VALID : ENTRY_INVALID;
    return *known == ENTRY_VALID ? log->bytes + at : NULL;
}

typedef struct Sequence {
    guint64 number; /* of its last entry */
    guint32 tail;   /* where its last entry says that it begins */
    guint32 entries;
} Sequence;

/* "Log Sequence": entries that follow one another with growing numbers, from the tail of the last one on. */
static Sequence sequence_from(Log *log, guint32 at)
{
    Sequence found = {0};
    guint64 number = 0;
    guint32 first = at;
    gboolean reached = FALSE;
    for (guint32 used = 0; used < log->length;) {
        const guint8 *entry = entry_at(log, at);
        if (!entry || (number && image_get_le64(entry + ENTRY_SEQUENCE) != number + 1))
            break;
        number = image_get_le64(entry + ENTRY_SEQUENCE);
        guint32 length = image_get_le32(entry + ENTRY_LENGTH), tail = image_get_le32(entry + ENTRY_TAIL);
        found.entries++;
        if (tail == first) { /* valid so far: what was begun at @first ends here */
            found.number = number;
            found.tail = tail;
            reached = TRUE;
        }
        used += length;
        at = (at + length) % log->length;
    }
    return reached ? found : (Sequence){0};
}

/* ---- Replaying -------------------------------------------------------------------------------------------
 */

static gboolean damaged_log(const Log *log, GError **error)
{
    g_set_error(
        error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
        _("“%s” was not closed properly and its log is damaged. Open it once with the program that made "
          "it."),
        log->file->path);
    return FALSE;
}

static gboolean put_sector(const Log *log, VhdxReplay *replay, guint64 at, guint8 *bytes, GError **error)
{
    if ((guint64)g_hash_table_size(replay->sectors) * SECTOR >= MAX_REPLAY) {
        g_free(bytes);
        return damaged_log(log, error);
    }
    g_hash_table_replace(replay->sectors, g_memdup2(&at, sizeof at), bytes);
    return TRUE;
}

static gboolean replay_entry(const Log *log, VhdxReplay *replay, const guint8 *entry, GError **error)
{
    guint32 count = image_get_le32(entry + ENTRY_DESCRIPTORS), length = image_get_le32(entry + ENTRY_LENGTH);
    guint64 sequence = image_get_le64(entry + ENTRY_SEQUENCE);
    guint64 data = image_align_up(ENTRY_HEAD + (guint64)count * DESCRIPTOR, SECTOR);
    for (guint32 i = 0; i < count; i++) {
        const guint8 *d = entry + ENTRY_HEAD + (gsize)i * DESCRIPTOR;
        guint64 at = image_get_le64(d + 16);
        if (image_get_le64(d + 24) != sequence || at % SECTOR || at > IMAGE_MAX_SIZE - SECTOR)
            return damaged_log(log, error);
        if (memcmp(d, "zero", 4) == 0) { /* "Zero Descriptor" */
            guint64 bytes = image_get_le64(d + 8);
            if (bytes % SECTOR || bytes > IMAGE_MAX_SIZE - at || bytes > MAX_REPLAY)
                return damaged_log(log, error);
            for (guint64 done = 0; done < bytes; done += SECTOR) {
                if (!put_sector(log, replay, at + done, g_malloc0(SECTOR), error))
                    return FALSE;
            }
        } else if (memcmp(d, "desc", 4) == 0) { /* "Data Descriptor", "Data Sector" */
            const guint8 *sector = entry + data;
            if (data + SECTOR > length || memcmp(sector, "data", 4) ||
                image_get_le32(sector + 4) != (guint32)(sequence >> 32) ||
                image_get_le32(sector + SECTOR - 4) != (guint32)sequence)
                return damaged_log(log, error);
            guint8 *bytes = g_memdup2(sector, SECTOR);
            memcpy(bytes, d + 8, 8);              /* leading bytes */
            memcpy(bytes + SECTOR - 4, d + 4, 4); /* trailing bytes */
            if (!put_sector(log, replay, at, bytes, error))
                return FALSE;
            data += SECTOR;
        } else {
            return damaged_log(log, error);
        }
    }
    replay->size = MAX(replay->size, image_get_le64(entry + ENTRY_LAST_SIZE));
    return TRUE;
}

static gssize replayed_preadv(ImageFile *file, const struct iovec *iov, int count, guint64 offset)
{
    const VhdxReplay *replay = file->ops_data;
    guint64 at = offset - offset % SECTOR;
    const guint8 *sector = g_hash_table_lookup(replay->sectors, &at);
    if (sector) {
        gsize n = MIN(iov->iov_len, SECTOR - offset % SECTOR);
        memcpy(iov->iov_base, sector + offset % SECTOR, n);
        return (gssize)n;
    }
    /* up to the next sector that the log has */
    gsize n = MIN(iov->iov_len, (gsize)(1 << 20));
    for (at += SECTOR; at < offset + n; at += SECTOR) {
        if (g_hash_table_contains(replay->sectors, &at))
            n = at - offset;
    }
    struct iovec part = {iov->iov_base, n};
    gssize got = image_file_posix.preadv(file, &part, 1, offset);
    if (got == 0 && offset < replay->size) { /* the log says that the file goes on here: with zeros */
        n = MIN(n, replay->size - offset);
        memset(iov->iov_base, 0, n);
        return (gssize)n;
    }
    return got;
}

static int replayed_size(ImageFile *file, guint64 *size)
{
    const VhdxReplay *replay = file->ops_data;
    int rc = image_file_posix.size(file, size);
    *size = MAX(*size, replay->size);
    return rc;
}

static int replayed_extent(ImageFile *file, guint64 offset, gboolean *data, guint64 *end)
{
    *data = TRUE;
    *end = G_MAXINT64;
    return 0;
}

static const ImageFileOps replayed_ops = {
    .preadv = replayed_preadv,
    .size = replayed_size,
    .extent = replayed_extent,
};

gboolean vhdx_replay(ImageFile *file, guint64 offset, guint32 length, const guint8 guid[16], VhdxReplay **out,
                     GError **error)
{
    g_autofree guint8 *bytes = g_malloc(length), *known = g_malloc0(length / SECTOR);
    Log log = {file, length, guid, bytes, known, (guint64)length * 8};
    Sequence best = {0};
    *out = NULL;
    if (!image_file_read(file, offset, bytes, length, error))
        return FALSE;
    for (guint32 at = 0; at < length; at += SECTOR) {
        if (!entry_at(&log, at))
            continue;
        Sequence found = sequence_from(&log, at);
        if (found.entries && found.number > best.number)
            best = found;
    }
    if (best.entries == 0)
        return damaged_log(&log, error);
    VhdxReplay *replay = g_new0(VhdxReplay, 1);
    replay->sectors = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    gboolean ok = TRUE;
    for (guint32 at = best.tail; ok;) {
        g_autofree guint8 *entry = entry_copy(&log, at);
        guint64 flushed = image_get_le64(entry + ENTRY_FLUSHED_SIZE), size;
        ok = image_file_size(file, &size, error) && (size >= flushed || damaged_log(&log, error)) &&
             replay_entry(&log, replay, entry, error);
        if (image_get_le64(entry + ENTRY_SEQUENCE) == best.number)
            break;
        at = (at + image_get_le32(entry + ENTRY_LENGTH)) % length;
    }
    if (!ok) {
        vhdx_replay_free(replay, NULL);
        return FALSE;
    }
    file->ops = &replayed_ops;
    file->ops_data = replay;
    *out = replay;
    return TRUE;
}

void vhdx_replay_free(VhdxReplay *replay, ImageFile *file)
{
    if (!replay)
        return;
    if (file)
        file->ops = &image_file_posix;
    g_hash_table_unref(replay->sectors);
    g_free(replay);
}
