/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packs of memory pages and the tables that name them. */
#include "app/ram_store.h"

#include "app/bundle.h"
#include "app/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#define PACK_MAGIC  G_GUINT64_CONSTANT(0x314b434150545256) /* "VRTPACK1", little-endian */
#define TABLE_MAGIC G_GUINT64_CONSTANT(0x314c425454565256) /* "VRVTTBL1" */
#define FRAME_PAGES 1024                                   /* pages that are compressed together */
#define ZSTD_LEVEL  5
#define MAX_PAGES   (G_GUINT64_CONSTANT(1) << 28) /* of one block: 1 TiB */

/*
 * A pack:   frames of zstd, then per frame {u64 offset, u32 length, u32 pages}, then per page its hash (two u64),
 *           then the tail. All numbers little-endian.
 * A table:  u64 magic, u64 length and u64 XXH3 of what follows, which is one zstd frame of:
 *           u32 packs, their names (u32 length, bytes); u32 blocks, per block its id, u64 pages, and runs
 *           {u32 count, u32 pack, u32 first page} until the pages are there.
 */
struct frame {
    guint64 offset;
    guint32 length, pages;
};
struct hash {
    guint64 low, high;
};
struct tail {
    guint64 index_offset, frames, pages, index_hash, magic;
};

typedef struct pack {
    char *name;
    GMappedFile *file;
    const guint8 *data;
    guint64 frame_count, page_count;
    const struct frame *frames; /* the host is little-endian, or the arrays were swapped */
    const struct hash *hashes;
    guint32 *first_page; /* of each frame */
} Pack;

static gboolean damaged(GError **error, const char *path)
{
    g_autofree char *shown = g_filename_display_name(path);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                _("The memory of a saved moment is damaged (%s). That moment cannot be gone back to with its memory; "
                  "others may be whole."),
                shown);
    return FALSE;
}

static struct hash hash_page(const guint8 *data)
{
    XXH128_hash_t h = XXH3_128bits(data, RAM_STORE_PAGE);

    return (struct hash){h.low64, h.high64};
}

static gboolean is_zero(const guint8 *data)
{
    return !data[0] && memcmp(data, data + 1, RAM_STORE_PAGE - 1) == 0;
}

/* ---- packs ---- */

static void pack_free(gpointer data)
{
    struct pack *pack = data;

    if (!pack)
        return;
    g_clear_pointer(&pack->file, g_mapped_file_unref);
    g_free(pack->name);
    g_free(pack->first_page);
    g_free(pack);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pack, pack_free)

static struct pack *pack_open(const char *folder, const char *name, GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/%s.pack", folder, name);
    g_autoptr(Pack) pack = g_new0(struct pack, 1);
    struct tail tail;

    pack->name = g_strdup(name);
    pack->file = g_mapped_file_new(path, FALSE, error);
    if (!pack->file)
        return NULL;
    gsize size = g_mapped_file_get_length(pack->file);
    pack->data = (const guint8 *)g_mapped_file_get_contents(pack->file);
    if (size < sizeof tail)
        return damaged(error, path), NULL;
    memcpy(&tail, pack->data + size - sizeof tail, sizeof tail);
    guint64 room = size - sizeof tail;
    if (tail.magic != PACK_MAGIC || tail.index_offset > room || tail.index_offset % 8 ||
        tail.frames > room / sizeof(struct frame) || tail.pages > room / sizeof(struct hash) ||
        tail.frames * sizeof(struct frame) + tail.pages * sizeof(struct hash) != room - tail.index_offset ||
        XXH3_64bits(pack->data + tail.index_offset, room - tail.index_offset) != tail.index_hash)
        return damaged(error, path), NULL;
    pack->frames = (const struct frame *)(const void *)(pack->data + tail.index_offset);
    pack->hashes = (const struct hash *)(const void *)(pack->frames + tail.frames);
    pack->frame_count = tail.frames;
    pack->page_count = tail.pages;
    pack->first_page = g_new(guint32, tail.frames + 1);
    guint64 pages = 0;
    for (guint64 i = 0; i < tail.frames; i++) {
        const struct frame *frame = &pack->frames[i];
        pack->first_page[i] = (guint32)pages;
        pages += frame->pages;
        if (frame->pages > FRAME_PAGES || frame->offset > tail.index_offset ||
            frame->length > tail.index_offset - frame->offset || pages > tail.pages)
            return damaged(error, path), NULL;
    }
    if (pages != tail.pages)
        return damaged(error, path), NULL;
    pack->first_page[tail.frames] = (guint32)pages;
    return g_steal_pointer(&pack);
}

/* Decompresses a frame (FRAME_PAGES pages of room) and checks its pages. */
static gboolean pack_read_frame(const struct pack *pack, const char *folder, guint64 index, guint8 *to,
                                GError **error)
{
    const struct frame *frame = &pack->frames[index];
    gsize wanted = (gsize)frame->pages * RAM_STORE_PAGE;
    gboolean ok = ZSTD_decompress(to, FRAME_PAGES * RAM_STORE_PAGE, pack->data + frame->offset, frame->length) == wanted;

    for (guint32 i = 0; ok && i < frame->pages; i++) {
        struct hash hash = hash_page(to + (gsize)i * RAM_STORE_PAGE);
        ok = memcmp(&hash, &pack->hashes[pack->first_page[index] + i], sizeof hash) == 0;
    }
    if (ok)
        return TRUE;
    g_autofree char *path = g_strdup_printf("%s/%s.pack", folder, pack->name);
    return damaged(error, path);
}

static GPtrArray *pack_names(const char *folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        if (g_str_has_suffix(name, ".pack") && name[0] != '.')
            g_ptr_array_add(names, g_strndup(name, strlen(name) - strlen(".pack")));
    return names;
}

/* ---- tables ---- */

static void table_block_free(gpointer data)
{
    struct ram_table_block *block = data;

    g_free(block->id);
    g_free(block->refs);
    g_free(block);
}

static struct ram_table *table_new(void)
{
    struct ram_table *table = g_new0(struct ram_table, 1);

    table->packs = g_ptr_array_new_with_free_func(g_free);
    table->blocks = g_ptr_array_new_with_free_func(table_block_free);
    return table;
}

void ram_table_free(struct ram_table *table)
{
    if (!table)
        return;
    g_ptr_array_unref(table->packs);
    g_ptr_array_unref(table->blocks);
    g_free(table);
}

const struct ram_table_block *ram_table_find(const struct ram_table *table, const char *id)
{
    for (guint i = 0; table && i < table->blocks->len; i++) {
        const struct ram_table_block *block = table->blocks->pdata[i];
        if (strcmp(block->id, id) == 0)
            return block;
    }
    return NULL;
}

static void put(GByteArray *out, guint64 value, unsigned size)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(out, (const guint8 *)&value, size);
}

static void put_text(GByteArray *out, const char *text)
{
    put(out, strlen(text), 4);
    g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
}

gboolean ram_table_write(const struct ram_table *table, const char *path, GError **error)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    put(body, table->packs->len, 4);
    for (guint i = 0; i < table->packs->len; i++)
        put_text(body, table->packs->pdata[i]);
    put(body, table->blocks->len, 4);
    for (guint i = 0; i < table->blocks->len; i++) {
        const struct ram_table_block *block = table->blocks->pdata[i];
        put_text(body, block->id);
        put(body, block->pages, 8);
        for (guint64 at = 0; at < block->pages;) {
            const struct ram_page_ref *ref = &block->refs[at];
            guint32 count = 1;
            while (at + count < block->pages && ref[count].pack == ref->pack &&
                   (!ref->pack || ref[count].page == ref->page + count))
                count++;
            put(body, count, 4);
            put(body, ref->pack, 4);
            put(body, ref->pack ? ref->page : 0, 4);
            at += count;
        }
    }
    gsize bound = ZSTD_compressBound(body->len);
    g_autofree guint8 *packed = g_malloc(bound);
    gsize length = ZSTD_compress(packed, bound, body->data, body->len, ZSTD_LEVEL);
    g_autoptr(GByteArray) file = g_byte_array_new();
    put(file, TABLE_MAGIC, 8);
    put(file, length, 8);
    put(file, XXH3_64bits(packed, length), 8);
    g_byte_array_append(file, packed, (guint)length);
    return vitrine_write_file(path, file->data, file->len, error);
}

struct reader {
    const guint8 *data;
    gsize size, at;
    gboolean ok;
};

static guint64 get(struct reader *r, unsigned size)
{
    guint64 value = 0;

    r->ok = r->ok && r->size - r->at >= size;
    if (r->ok) {
        memcpy(&value, r->data + r->at, size);
        r->at += size;
    }
    return GUINT64_FROM_LE(value);
}

static char *get_text(struct reader *r)
{
    guint64 length = get(r, 4);

    r->ok = r->ok && length < 256 && r->size - r->at >= length && !memchr(r->data + r->at, 0, length) &&
            !memchr(r->data + r->at, '/', length);
    if (!r->ok)
        return NULL;
    char *text = g_strndup((const char *)r->data + r->at, length);
    r->at += length;
    return text;
}

static gboolean read_block(struct reader *r, struct ram_table *table)
{
    struct ram_table_block *block = g_new0(struct ram_table_block, 1);

    g_ptr_array_add(table->blocks, block);
    block->id = get_text(r);
    block->pages = get(r, 8);
    /* A run is 12 bytes: nothing is allocated that the file cannot fill with at least one. */
    if (!r->ok || block->pages > MAX_PAGES || (block->pages && r->size - r->at < 12))
        return r->ok = FALSE;
    block->refs = g_try_new0(struct ram_page_ref, block->pages + 1);
    if (!block->refs)
        return r->ok = FALSE;
    for (guint64 at = 0; r->ok && at < block->pages;) {
        guint64 count = get(r, 4);
        guint32 pack = (guint32)get(r, 4), first = (guint32)get(r, 4);
        r->ok = r->ok && count && count <= block->pages - at && pack <= table->packs->len;
        for (guint64 i = 0; r->ok && pack && i < count; i++)
            block->refs[at + i] = (struct ram_page_ref){pack, first + (guint32)i};
        at += count;
    }
    return r->ok;
}

struct ram_table *ram_table_read(const char *path, GError **error)
{
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, error);

    if (!file)
        return NULL;
    struct reader head = {(const guint8 *)g_mapped_file_get_contents(file), g_mapped_file_get_length(file), 0, TRUE};
    guint64 magic = get(&head, 8), length = get(&head, 8), hash = get(&head, 8);
    if (!head.ok || magic != TABLE_MAGIC || length != head.size - head.at ||
        XXH3_64bits(head.data + head.at, length) != hash)
        return damaged(error, path), NULL;
    unsigned long long size = ZSTD_getFrameContentSize(head.data + head.at, length);
    if (size > MAX_PAGES * 12)
        return damaged(error, path), NULL;
    g_autofree guint8 *body = g_try_malloc(size + 1);
    if (!body || ZSTD_decompress(body, size, head.data + head.at, length) != size)
        return damaged(error, path), NULL;
    struct reader r = {body, size, 0, TRUE};
    g_autoptr(RamTable) table = table_new();
    guint64 packs = get(&r, 4);
    for (guint64 i = 0; r.ok && i < packs; i++)
        g_ptr_array_add(table->packs, get_text(&r));
    guint64 blocks = get(&r, 4);
    for (guint64 i = 0; r.ok && i < blocks; i++)
        read_block(&r, table);
    if (!r.ok || r.at != r.size)
        return damaged(error, path), NULL;
    return g_steal_pointer(&table);
}

/* ---- writing ---- */

struct known { /* where a page of this hash stands */
    struct hash hash;
    guint32 pack; /* index into the writer's table's packs + 1 */
    guint32 page;
};

struct ram_writer {
    char *folder, *name, *temporary;
    const struct ram_table *base;
    guint32 *base_packs; /* the base's pack number → the table's */
    struct ram_table *table;
    guint own_pack; /* number of the pack being written */
    GHashTable *known;
    GSList *chunks; /* of struct known */
    guint chunk_used;

    struct ram_table_block *block;
    const struct ram_table_block *base_block;
    guint64 at;

    int fd;
    guint64 offset;
    guint8 *frame, *packed;
    guint32 frame_pages;
    guint32 pages;
    GArray *frames, *hashes;
    ZSTD_CCtx *zstd;
    gboolean finished;
};

static guint known_hash(gconstpointer key)
{
    return (guint)((const struct known *)key)->hash.low;
}

static gboolean known_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct hash)) == 0;
}

#define CHUNK 4096
static void add_known(struct ram_writer *w, struct hash hash, guint32 pack, guint32 page)
{
    if (!w->chunks || w->chunk_used == CHUNK) {
        w->chunks = g_slist_prepend(w->chunks, g_new(struct known, CHUNK));
        w->chunk_used = 0;
    }
    struct known *known = (struct known *)w->chunks->data + w->chunk_used++;
    *known = (struct known){hash, pack, page};
    g_hash_table_add(w->known, known);
}

/* The number under which the writer's table has a pack. */
static guint32 table_pack(struct ram_writer *w, const char *name)
{
    for (guint i = 0; i < w->table->packs->len; i++)
        if (strcmp(w->table->packs->pdata[i], name) == 0)
            return i + 1;
    g_ptr_array_add(w->table->packs, g_strdup(name));
    return w->table->packs->len;
}

struct ram_writer *ram_writer_new(const char *folder, const struct ram_table *base, GError **error)
{
    struct ram_writer *w = g_new0(struct ram_writer, 1);

    w->fd = -1;
    w->folder = g_strdup(folder);
    w->table = table_new();
    w->base = base;
    w->known = g_hash_table_new(known_hash, known_equal);
    w->frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
    w->hashes = g_array_new(FALSE, FALSE, sizeof(struct hash));
    w->frame = g_malloc(FRAME_PAGES * RAM_STORE_PAGE);
    w->packed = g_malloc(ZSTD_compressBound(FRAME_PAGES * RAM_STORE_PAGE));
    w->zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    g_autoptr(GPtrArray) names = pack_names(folder);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(Pack) pack = pack_open(folder, names->pdata[i], NULL);
        if (!pack) /* damaged: what is in it is stored anew */
            continue;
        guint32 number = table_pack(w, pack->name);
        for (guint64 page = 0; page < pack->page_count; page++)
            add_known(w, pack->hashes[page], number, (guint32)page);
    }
    if (base) {
        w->base_packs = g_new0(guint32, base->packs->len + 1);
        for (guint i = 0; i < base->packs->len; i++)
            w->base_packs[i + 1] = table_pack(w, base->packs->pdata[i]);
    }
    g_autofree char *uuid = g_uuid_string_random();
    w->name = g_strndup(uuid, 13);
    w->own_pack = table_pack(w, w->name);
    w->temporary = g_strdup_printf("%s/.new-%s", folder, w->name);
    if (g_mkdir_with_parents(folder, 0755) != 0 ||
        (w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) < 0) {
        vitrine_set_errno(error, errno, _("The memory cannot be saved"), folder);
        ram_writer_free(w);
        return NULL;
    }
    return w;
}

static gboolean write_all(struct ram_writer *w, const void *data, gsize size, GError **error)
{
    const char *p = data;

    w->offset += size;
    while (size > 0) {
        gssize n = write(w->fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return vitrine_set_errno(error, n ? errno : ENOSPC, _("The memory cannot be saved"), w->folder);
        p += n;
        size -= (gsize)n;
    }
    return TRUE;
}

static gboolean write_frame(struct ram_writer *w, GError **error)
{
    if (!w->frame_pages)
        return TRUE;
    gsize length = ZSTD_compress2(w->zstd, w->packed, ZSTD_compressBound(FRAME_PAGES * RAM_STORE_PAGE), w->frame,
                                  (gsize)w->frame_pages * RAM_STORE_PAGE);
    struct frame frame = {w->offset, (guint32)length, w->frame_pages};
    g_array_append_val(w->frames, frame);
    w->frame_pages = 0;
    return write_all(w, w->packed, length, error);
}

static gboolean store_page(struct ram_writer *w, const guint8 *data, struct ram_page_ref *ref, GError **error)
{
    struct known key = {.hash = hash_page(data)};
    const struct known *known = g_hash_table_lookup(w->known, &key);

    if (known) {
        *ref = (struct ram_page_ref){known->pack, known->page};
        return TRUE;
    }
    *ref = (struct ram_page_ref){w->own_pack, w->pages++};
    add_known(w, key.hash, ref->pack, ref->page);
    g_array_append_val(w->hashes, key.hash);
    memcpy(w->frame + (gsize)w->frame_pages++ * RAM_STORE_PAGE, data, RAM_STORE_PAGE);
    return w->frame_pages < FRAME_PAGES || write_frame(w, error);
}

gboolean ram_writer_block(struct ram_writer *w, const char *id, guint64 pages, GError **error)
{
    w->block = g_new0(struct ram_table_block, 1);
    w->block->id = g_strdup(id);
    w->block->pages = pages;
    w->block->refs = g_new0(struct ram_page_ref, pages + 1);
    g_ptr_array_add(w->table->blocks, w->block);
    w->base_block = ram_table_find(w->base, id);
    w->at = 0;
    return TRUE;
}

gboolean ram_writer_pages(struct ram_writer *w, guint64 count, const guint8 *same, const guint8 *data,
                          GError **error)
{
    for (guint64 i = 0; i < count; i++, w->at++) {
        struct ram_page_ref *ref = &w->block->refs[w->at];
        if (same && same[i]) {
            const struct ram_page_ref *from = &w->base_block->refs[w->at];
            *ref = (struct ram_page_ref){w->base_packs[from->pack], from->page};
        } else if (!is_zero(data + i * RAM_STORE_PAGE) &&
                   !store_page(w, data + i * RAM_STORE_PAGE, ref, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

guint64 ram_writer_bytes(const struct ram_writer *w)
{
    return w->offset;
}

/* Leaves out of the table the packs that it does not name. */
static void drop_unused_packs(struct ram_table *table)
{
    g_autofree guint32 *number = g_new0(guint32, table->packs->len + 1);
    GPtrArray *packs = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < table->blocks->len; i++) {
        struct ram_table_block *block = table->blocks->pdata[i];
        for (guint64 page = 0; page < block->pages; page++) {
            guint32 pack = block->refs[page].pack;
            if (pack && !number[pack]) {
                g_ptr_array_add(packs, g_strdup(table->packs->pdata[pack - 1]));
                number[pack] = packs->len;
            }
            block->refs[page].pack = number[pack];
        }
    }
    g_ptr_array_unref(table->packs);
    table->packs = packs;
}

/* Frames, then the index, then the file's name. Without any page there is no file. */
static gboolean finish_pack(struct ram_writer *w, GError **error)
{
    static const guint8 zeros[8] = {0};
    g_autofree char *path = g_strdup_printf("%s/%s.pack", w->folder, w->name);

    if (!w->pages)
        return TRUE;
    if (!write_frame(w, error) || !write_all(w, zeros, (8 - w->offset % 8) % 8, error))
        return FALSE;
    g_autoptr(GByteArray) index = g_byte_array_new();
    g_byte_array_append(index, (const guint8 *)w->frames->data, w->frames->len * (guint)sizeof(struct frame));
    g_byte_array_append(index, (const guint8 *)w->hashes->data, w->hashes->len * (guint)sizeof(struct hash));
    struct tail tail = {w->offset, w->frames->len, w->pages, XXH3_64bits(index->data, index->len), PACK_MAGIC};
    if (!write_all(w, index->data, index->len, error) || !write_all(w, &tail, sizeof tail, error))
        return FALSE;
    if (fsync(w->fd) != 0 || g_rename(w->temporary, path) != 0)
        return vitrine_set_errno(error, errno, _("The memory cannot be saved"), w->folder);
    return vitrine_sync_folder(w->folder, error);
}

gboolean ram_writer_finish(struct ram_writer *w, const char *table_path, GError **error)
{
    g_assert(G_BYTE_ORDER == G_LITTLE_ENDIAN); /* the host that this runs on; packs are read by mapping them */
    if (!finish_pack(w, error))
        return FALSE;
    w->finished = w->pages > 0;
    drop_unused_packs(w->table);
    return ram_table_write(w->table, table_path, error);
}

void ram_writer_free(struct ram_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0) {
        close(w->fd);
        if (!w->finished)
            g_unlink(w->temporary);
    }
    g_slist_free_full(w->chunks, g_free);
    g_hash_table_unref(w->known);
    g_array_unref(w->frames);
    g_array_unref(w->hashes);
    ram_table_free(w->table);
    ZSTD_freeCCtx(w->zstd);
    g_free(w->base_packs);
    g_free(w->frame);
    g_free(w->packed);
    g_free(w->folder);
    g_free(w->name);
    g_free(w->temporary);
    g_free(w);
}

/* ---- reading ---- */

struct wanted { /* a page of a pack, and where it goes */
    guint32 page;
    guint64 target;
};

static int by_page(const void *a, const void *b)
{
    guint32 x = ((const struct wanted *)a)->page, y = ((const struct wanted *)b)->page;

    return x < y ? -1 : x > y;
}

/* Each frame is decompressed once; `to` NULL: only checked. */
static gboolean load_from_pack(const char *folder, const char *name, GArray *wanted, guint8 *to,
                               GCancellable *cancellable, GError **error)
{
    if (!wanted->len)
        return TRUE;
    g_autoptr(Pack) pack = pack_open(folder, name, error);
    if (!pack)
        return FALSE;
    g_autofree guint8 *frame = g_malloc(FRAME_PAGES * RAM_STORE_PAGE);
    guint64 index = 0, loaded = G_MAXUINT64;

    g_array_sort(wanted, by_page);
    for (guint i = 0; i < wanted->len; i++) {
        const struct wanted *w = &g_array_index(wanted, struct wanted, i);
        if (w->page >= pack->page_count)
            return damaged(error, name);
        while (w->page >= pack->first_page[index + 1])
            index++;
        if (index != loaded && (g_cancellable_set_error_if_cancelled(cancellable, error) ||
                                !pack_read_frame(pack, folder, index, frame, error)))
            return FALSE;
        loaded = index;
        if (to)
            memcpy(to + w->target * RAM_STORE_PAGE,
                   frame + (gsize)(w->page - pack->first_page[index]) * RAM_STORE_PAGE, RAM_STORE_PAGE);
    }
    return TRUE;
}

static gboolean load_block(const struct ram_table *table, const char *folder, const struct ram_table_block *block,
                           guint8 *to, GCancellable *cancellable, GError **error)
{
    gboolean ok = TRUE;

    for (guint pack = 1; ok && pack <= table->packs->len; pack++) {
        g_autoptr(GArray) wanted = g_array_new(FALSE, FALSE, sizeof(struct wanted));
        for (guint64 page = 0; page < block->pages; page++) {
            if (block->refs[page].pack == pack) {
                struct wanted w = {block->refs[page].page, page};
                g_array_append_val(wanted, w);
            }
        }
        ok = load_from_pack(folder, table->packs->pdata[pack - 1], wanted, to, cancellable, error);
    }
    return ok;
}

gboolean ram_table_load(const struct ram_table *table, const char *folder, const char *id, guint8 *to, guint64 size,
                        GError **error)
{
    const struct ram_table_block *block = ram_table_find(table, id);

    if (!block || block->pages * RAM_STORE_PAGE != size) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    _("The saved moment is of a machine with other memory (“%s”)."), id);
        return FALSE;
    }
    return load_block(table, folder, block, to, NULL, error);
}

gboolean ram_table_check(const struct ram_table *table, const char *folder, gboolean deep, GCancellable *cancellable,
                         GError **error)
{
    gboolean ok = TRUE;

    for (guint i = 0; ok && deep && i < table->blocks->len; i++)
        ok = load_block(table, folder, table->blocks->pdata[i], NULL, cancellable, error);
    for (guint i = 0; ok && !deep && i < table->packs->len; i++) {
        g_autoptr(Pack) pack = pack_open(folder, table->packs->pdata[i], error);
        ok = pack != NULL;
    }
    return ok;
}

void ram_table_compare(const struct ram_table *a, const struct ram_table *b, guint64 *differing, guint64 *pages)
{
    *differing = *pages = 0;
    for (guint i = 0; i < a->blocks->len; i++) {
        const struct ram_table_block *x = a->blocks->pdata[i], *y = ram_table_find(b, x->id);
        *pages += x->pages;
        for (guint64 page = 0; page < x->pages; page++) {
            const struct ram_page_ref *p = &x->refs[page], *q = y && page < y->pages ? &y->refs[page] : NULL;
            gboolean same = q && !p->pack == !q->pack &&
                            (!p->pack || (p->page == q->page && strcmp(a->packs->pdata[p->pack - 1],
                                                                       b->packs->pdata[q->pack - 1]) == 0));
            *differing += !same;
        }
    }
}

/* ---- keeping order ---- */

/* How many tables name each page of a pack. */
struct use {
    struct pack *pack;
    guint16 *count;
    guint64 live;
};

static void use_free(gpointer data)
{
    struct use *use = data;

    pack_free(use->pack);
    g_free(use->count);
    g_free(use);
}

static GHashTable *count_uses(const char *folder, const GPtrArray *tables)
{
    GHashTable *uses = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, use_free);
    g_autoptr(GPtrArray) names = pack_names(folder);

    for (guint i = 0; i < names->len; i++) {
        struct pack *pack = pack_open(folder, names->pdata[i], NULL);
        if (!pack)
            continue;
        struct use *use = g_new0(struct use, 1);
        use->pack = pack;
        use->count = g_new0(guint16, pack->page_count + 1);
        g_hash_table_insert(uses, pack->name, use);
    }
    for (guint t = 0; t < tables->len; t++) {
        const struct ram_table *table = tables->pdata[t];
        if (!table)
            continue;
        g_autofree struct use **by_number = g_new0(struct use *, table->packs->len + 1);
        for (guint i = 0; i < table->packs->len; i++)
            by_number[i + 1] = g_hash_table_lookup(uses, table->packs->pdata[i]);
        /* A page counts once per table, however often it stands in it. */
        g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);
        for (guint b = 0; b < table->blocks->len; b++) {
            const struct ram_table_block *block = table->blocks->pdata[b];
            for (guint64 page = 0; page < block->pages; page++) {
                const struct ram_page_ref *ref = &block->refs[page];
                struct use *use = by_number[ref->pack];
                if (!use || ref->page >= use->pack->page_count || use->count[ref->page] == G_MAXUINT16)
                    continue;
                guint64 key = (guint64)ref->pack << 32 | ref->page;
                if (!g_hash_table_add(seen, GSIZE_TO_POINTER(key)))
                    continue;
                use->live += use->count[ref->page]++ == 0;
            }
        }
    }
    return uses;
}

void ram_store_usage(const char *folder, const GPtrArray *tables, guint64 *own, guint64 *shared)
{
    g_autoptr(GHashTable) uses = count_uses(folder, tables);

    for (guint t = 0; t < tables->len; t++) {
        const struct ram_table *table = tables->pdata[t];
        double mine = 0, others = 0;
        own[t] = shared[t] = 0;
        if (!table)
            continue;
        g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);
        g_autofree struct use **by_number = g_new0(struct use *, table->packs->len + 1);
        for (guint i = 0; i < table->packs->len; i++)
            by_number[i + 1] = g_hash_table_lookup(uses, table->packs->pdata[i]);
        for (guint b = 0; b < table->blocks->len; b++) {
            const struct ram_table_block *block = table->blocks->pdata[b];
            for (guint64 page = 0; page < block->pages; page++) {
                const struct ram_page_ref *ref = &block->refs[page];
                struct use *use = by_number[ref->pack];
                if (!use || ref->page >= use->pack->page_count ||
                    !g_hash_table_add(seen, GSIZE_TO_POINTER((guint64)ref->pack << 32 | ref->page)))
                    continue;
                double size = (double)g_mapped_file_get_length(use->pack->file) / (double)use->pack->page_count;
                *(use->count[ref->page] > 1 ? &others : &mine) += size;
            }
        }
        own[t] = (guint64)mine;
        shared[t] = (guint64)others;
    }
}

/* The tables name the new pack instead of the old one, wherever the page stood. */
static gboolean repack(const char *folder, const struct use *use, GPtrArray *tables, const GPtrArray *table_paths,
                       GCancellable *cancellable, GError **error)
{
    const struct pack *pack = use->pack;
    g_autofree guint8 *frame = g_malloc(FRAME_PAGES * RAM_STORE_PAGE);
    g_autofree struct ram_page_ref *moved = g_new0(struct ram_page_ref, pack->page_count);
    struct ram_writer *w = ram_writer_new(folder, NULL, error);

    if (!w)
        return FALSE;
    g_hash_table_remove_all(w->known); /* all live pages go into the new pack */
    gboolean ok = TRUE;
    for (guint64 f = 0; ok && f < pack->frame_count; f++) {
        gboolean any = FALSE;
        for (guint32 i = pack->first_page[f]; i < pack->first_page[f + 1]; i++)
            any |= use->count[i] > 0;
        if (!any)
            continue;
        ok = !g_cancellable_set_error_if_cancelled(cancellable, error) &&
             pack_read_frame(pack, folder, f, frame, error);
        for (guint32 i = pack->first_page[f]; ok && i < pack->first_page[f + 1]; i++)
            if (use->count[i])
                ok = store_page(w, frame + (gsize)(i - pack->first_page[f]) * RAM_STORE_PAGE, &moved[i], error);
    }
    ok = ok && finish_pack(w, error);
    w->finished = ok;
    for (guint t = 0; ok && t < tables->len; t++) {
        struct ram_table *table = tables->pdata[t];
        guint number = 0;
        while (number < table->packs->len && strcmp(table->packs->pdata[number], pack->name) != 0)
            number++;
        if (number == table->packs->len)
            continue;
        g_free(table->packs->pdata[number]);
        table->packs->pdata[number++] = g_strdup(w->name);
        for (guint b = 0; b < table->blocks->len; b++) {
            struct ram_table_block *block = table->blocks->pdata[b];
            for (guint64 page = 0; page < block->pages; page++)
                if (block->refs[page].pack == number && block->refs[page].page < pack->page_count)
                    block->refs[page].page = moved[block->refs[page].page].page;
        }
        ok = ram_table_write(table, table_paths->pdata[t], error);
    }
    ram_writer_free(w);
    if (ok) {
        g_autofree char *path = g_strdup_printf("%s/%s.pack", folder, pack->name);
        g_unlink(path);
    }
    return ok;
}

gboolean ram_store_collect(const char *folder, const GPtrArray *table_paths, GCancellable *cancellable,
                           GError **error)
{
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func((GDestroyNotify)ram_table_free);

    for (guint i = 0; i < table_paths->len; i++) {
        struct ram_table *table = ram_table_read(table_paths->pdata[i], error);
        if (!table)
            return FALSE;
        g_ptr_array_add(tables, table);
    }
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_str_has_prefix(name, ".new-"))
            g_unlink(path);
    }
    g_autoptr(GHashTable) uses = count_uses(folder, tables);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, uses);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct use *use = value;
        if (!use->live) {
            g_autofree char *path = g_strdup_printf("%s/%s.pack", folder, use->pack->name);
            g_unlink(path);
        } else if (use->live * 2 < use->pack->page_count &&
                   !repack(folder, use, tables, table_paths, cancellable, error)) {
            return FALSE;
        }
    }
    return TRUE;
}
