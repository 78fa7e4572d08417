/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compressed pages and disk pieces of the last minutes. */
#include "app/rewind_store.h"

#include "app/i18n.h"

#include <string.h>
#include <zstd.h>

#define ZSTD_LEVEL 1
#define READ_PAGES 64
#define PIECE      16384 /* of a disk */

/* Compressed bytes; `size` 0 = zeros, `size` = the whole length = as it is. */
struct blob {
    guint32 size;
    guint8 data[];
};

static struct blob *blob_new(ZSTD_CCtx *zstd, const guint8 *data, gsize length, guint8 *scratch, gsize room)
{
    struct blob *blob;

    if (!data[0] && memcmp(data, data + 1, length - 1) == 0) {
        blob = g_malloc0(sizeof *blob);
        return blob;
    }
    gsize packed = ZSTD_compressCCtx(zstd, scratch, room, data, length, ZSTD_LEVEL);
    if (ZSTD_isError(packed) || packed >= length) {
        packed = length;
        scratch = (guint8 *)(guintptr)data;
    }
    blob = g_malloc(sizeof *blob + packed);
    blob->size = (guint32)packed;
    memcpy(blob->data, scratch, packed);
    return blob;
}

static gboolean blob_read(const struct blob *blob, guint8 *to, gsize length)
{
    if (!blob->size)
        memset(to, 0, length);
    else if (blob->size == length)
        memcpy(to, blob->data, length);
    else
        return ZSTD_decompress(to, length, blob->data, blob->size) == length;
    return TRUE;
}

static guint64 blob_bytes(const struct blob *blob)
{
    return sizeof *blob + blob->size + 32; /* and the table's share */
}

/* ---- memory ---- */

struct rewind_pages {
    GPtrArray *ids;      /* char *: of the blocks */
    GPtrArray *blocks;   /* GHashTable *: page number → struct blob * */
    guint64 bytes;
};

struct rewind_pages *rewind_pages_new(void)
{
    struct rewind_pages *pages = g_new0(struct rewind_pages, 1);

    pages->ids = g_ptr_array_new_with_free_func(g_free);
    pages->blocks = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
    return pages;
}

void rewind_pages_free(struct rewind_pages *pages)
{
    if (!pages)
        return;
    g_ptr_array_unref(pages->ids);
    g_ptr_array_unref(pages->blocks);
    g_free(pages);
}

guint64 rewind_pages_bytes(const struct rewind_pages *pages)
{
    return pages->bytes;
}

gboolean rewind_pages_read(struct rewind_pages *pages, struct engine_moment *moment, GCancellable *cancellable)
{
    g_autofree guint8 *data = g_malloc(READ_PAGES * ENGINE_PAGE_SIZE);
    guint8 scratch[ENGINE_PAGE_SIZE + 512], same[READ_PAGES];
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    gboolean ok = TRUE;

    for (unsigned b = 0; ok && b < engine_moment_blocks(moment); b++) {
        GHashTable *table = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
        guint64 count = engine_moment_block_pages(moment, b);
        g_ptr_array_add(pages->ids, g_strdup(engine_moment_block_id(moment, b)));
        g_ptr_array_add(pages->blocks, table);
        for (guint64 at = 0; ok && at < count; at += READ_PAGES) {
            guint64 n = MIN(READ_PAGES, count - at);
            engine_moment_read(moment, b, at, n, same, data);
            for (guint64 i = 0; i < n; i++) {
                if (same[i])
                    continue;
                struct blob *blob =
                    blob_new(zstd, data + i * ENGINE_PAGE_SIZE, ENGINE_PAGE_SIZE, scratch, sizeof scratch);
                pages->bytes += blob_bytes(blob);
                g_hash_table_insert(table, GSIZE_TO_POINTER(at + i), blob);
            }
            ok = !g_cancellable_is_cancelled(cancellable);
        }
    }
    ZSTD_freeCCtx(zstd);
    return ok;
}

static GHashTable *find_block(const struct rewind_pages *pages, const char *id)
{
    for (guint i = 0; i < pages->ids->len; i++)
        if (strcmp(pages->ids->pdata[i], id) == 0)
            return pages->blocks->pdata[i];
    return NULL;
}

void rewind_pages_merge(struct rewind_pages *later, struct rewind_pages *earlier)
{
    for (guint i = 0; i < earlier->ids->len; i++) {
        GHashTable *from = earlier->blocks->pdata[i], *to = find_block(later, earlier->ids->pdata[i]);
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, from);
        while (to && g_hash_table_iter_next(&iter, &key, &value)) {
            if (g_hash_table_contains(to, key))
                continue;
            g_hash_table_iter_steal(&iter);
            later->bytes += blob_bytes(value);
            g_hash_table_insert(to, key, value);
        }
    }
    rewind_pages_free(earlier);
}

gboolean rewind_pages_load(struct rewind_pages *const *pages, guint count, const char *block, guint8 *to, guint64 size,
                           GError **error)
{
    g_autofree guint8 *seen = g_malloc0(size / ENGINE_PAGE_SIZE + 1);

    /* From the latest back: the first contents that are met are those of the moment. */
    for (guint i = count; i-- > 0;) {
        GHashTable *table = find_block(pages[i], block);
        GHashTableIter iter;
        gpointer key, value;
        if (!table)
            continue;
        g_hash_table_iter_init(&iter, table);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
            gsize page = GPOINTER_TO_SIZE(key);
            if (page >= size / ENGINE_PAGE_SIZE || seen[page])
                continue;
            seen[page] = 1;
            if (((struct blob *)value)->size && !blob_read(value, to + page * ENGINE_PAGE_SIZE, ENGINE_PAGE_SIZE)) {
                g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, _("A moment of the last minutes is damaged."));
                return FALSE;
            }
        }
    }
    return TRUE;
}

/* ---- disks ---- */

struct rewind_journal {
    GMutex lock;
    GHashTable *pieces; /* key → struct blob * */
    guint64 bytes;
    gboolean broken;
};

#define KEY(disk, piece) ((guint64)(disk) << 56 | (piece))

struct rewind_journal *rewind_journal_new(void)
{
    struct rewind_journal *journal = g_new0(struct rewind_journal, 1);

    g_mutex_init(&journal->lock);
    journal->pieces = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    return journal;
}

void rewind_journal_free(struct rewind_journal *journal)
{
    if (!journal)
        return;
    g_hash_table_unref(journal->pieces);
    g_mutex_clear(&journal->lock);
    g_free(journal);
}

guint64 rewind_journal_bytes(struct rewind_journal *journal)
{
    g_mutex_lock(&journal->lock);
    guint64 bytes = journal->bytes;
    g_mutex_unlock(&journal->lock);
    return bytes;
}

static struct blob *pack_piece(const guint8 *data)
{
    g_autofree guint8 *scratch = g_malloc(ZSTD_compressBound(PIECE));
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    struct blob *blob = blob_new(zstd, data, PIECE, scratch, ZSTD_compressBound(PIECE));

    ZSTD_freeCCtx(zstd);
    return blob;
}

/* The last piece of a disk may be shorter; the rest counts as zeros. */
static gsize piece_length(Image *image, guint64 piece)
{
    guint64 size = image_size(image), offset = piece * PIECE;

    return offset < size ? (gsize)MIN(PIECE, size - offset) : 0;
}

void rewind_journal_note(struct rewind_journal *journal, unsigned disk, Image *image, guint64 offset, guint64 size)
{
    guint8 data[PIECE];

    if (!size)
        return;
    for (guint64 piece = offset / PIECE; piece <= (offset + size - 1) / PIECE; piece++) {
        gpointer key = GSIZE_TO_POINTER(KEY(disk, piece));
        g_mutex_lock(&journal->lock);
        gboolean known = g_hash_table_contains(journal->pieces, key);
        g_mutex_unlock(&journal->lock);
        if (known)
            continue;
        memset(data, 0, sizeof data);
        gsize length = piece_length(image, piece);
        gboolean ok = image_pread(image, piece * PIECE, data, length, NULL);
        struct blob *blob = pack_piece(data);
        g_mutex_lock(&journal->lock);
        journal->broken |= !ok;
        journal->bytes += blob_bytes(blob);
        g_hash_table_insert(journal->pieces, key, blob);
        g_mutex_unlock(&journal->lock);
    }
}

/* The first `limit` pieces, as the table gives them out; how many it were in *done. */
static gboolean swap_some(struct rewind_journal *journal, struct engine *engine, guint limit, guint *done, GError **error)
{
    GHashTableIter iter;
    gpointer key, value;
    guint8 old[PIECE], now[PIECE];

    g_hash_table_iter_init(&iter, journal->pieces);
    for (*done = 0; *done < limit && g_hash_table_iter_next(&iter, &key, &value); ++*done) {
        guint64 number = GPOINTER_TO_SIZE(key), piece = number & G_GUINT64_CONSTANT(0xffffffffffffff);
        Image *image = engine_disk_image(engine, (unsigned)(number >> 56));
        gsize length = image ? piece_length(image, piece) : 0;
        memset(now, 0, sizeof now);
        if (!image || !blob_read(value, old, PIECE)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, _("A moment of the last minutes is damaged."));
            return FALSE;
        }
        if (!image_pread(image, piece * PIECE, now, length, error) ||
            !image_pwrite(image, piece * PIECE, old, length, error))
            return FALSE;
        struct blob *blob = pack_piece(now);
        journal->bytes += blob_bytes(blob) - blob_bytes(value);
        g_hash_table_iter_replace(&iter, blob);
    }
    return TRUE;
}

gboolean rewind_journal_swap(struct rewind_journal *journal, struct engine *engine, GError **error)
{
    guint done, again;

    if (journal->broken) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    _("The disks as they were then could not be kept, because reading them failed."));
        return FALSE;
    }
    if (swap_some(journal, engine, G_MAXUINT, &done, error))
        return TRUE;
    if (!swap_some(journal, engine, done, &again, NULL)) /* as it was before */
        journal->broken = TRUE;
    return FALSE;
}

void rewind_journal_join(struct rewind_journal *earlier, struct rewind_journal *later)
{
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, later->pieces);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (g_hash_table_contains(earlier->pieces, key))
            continue;
        g_hash_table_iter_steal(&iter);
        earlier->bytes += blob_bytes(value);
        g_hash_table_insert(earlier->pieces, key, value);
    }
    earlier->broken |= later->broken;
    rewind_journal_free(later);
}
