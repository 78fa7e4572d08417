/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which page of which pack each page of memory is: tables, their writing and reading, and what is no longer needed. */
#include "app/ram_store.h"

#include "app/bundle.h"
#include "app/i18n.h"
#include "app/ram_pack.h"

#include <glib/gstdio.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#define TABLE_MAGIC G_GUINT64_CONSTANT(0x314c425454565256) /* "VRVTTBL1" */
#define TABLE_LEVEL 5                             /* of zstd */
#define MAX_PAGES   (G_GUINT64_CONSTANT(1) << 28) /* of one block: 1 TiB */
#define MAX_READERS 8

/*
 * A table:  u64 magic, u64 length and u64 XXH3 of what follows, which is one zstd frame of:
 *           u32 packs, their names (u32 length, bytes); u32 blocks, per block its id, u64 pages, and runs
 *           {u32 count, u32 pack, u32 first page} until the pages are there. All numbers little-endian.
 */

static gboolean is_zero(const guint8 *data)
{
    return !data[0] && memcmp(data, data + 1, RAM_STORE_PAGE - 1) == 0;
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
    gsize length = ZSTD_compress(packed, bound, body->data, body->len, TABLE_LEVEL);
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
    g_autofree char *file = NULL;
    gsize file_size;

    if (!g_file_get_contents(path, &file, &file_size, error))
        return NULL;
    struct reader head = {(const guint8 *)file, file_size, 0, TRUE};
    guint64 magic = get(&head, 8), length = get(&head, 8), hash = get(&head, 8);
    if (!head.ok || magic != TABLE_MAGIC || length != head.size - head.at ||
        XXH3_64bits(head.data + head.at, length) != hash)
        return ram_damaged(error, path), NULL;
    unsigned long long size = ZSTD_getFrameContentSize(head.data + head.at, length);
    if (size > MAX_PAGES * 12)
        return ram_damaged(error, path), NULL;
    g_autofree guint8 *body = g_try_malloc(size + 1);
    if (!body || ZSTD_decompress(body, size, head.data + head.at, length) != size)
        return ram_damaged(error, path), NULL;
    struct reader r = {body, size, 0, TRUE};
    g_autoptr(RamTable) table = table_new();
    guint64 packs = get(&r, 4);
    for (guint64 i = 0; r.ok && i < packs; i++)
        g_ptr_array_add(table->packs, get_text(&r));
    guint64 blocks = get(&r, 4);
    for (guint64 i = 0; r.ok && i < blocks; i++)
        read_block(&r, table);
    if (!r.ok || r.at != r.size)
        return ram_damaged(error, path), NULL;
    return g_steal_pointer(&table);
}

/* ---- writing ---- */

struct known { /* where a page of this hash stands */
    struct ram_hash hash;
    guint32 pack; /* index into the writer's table's packs + 1 */
    guint32 page;
};

struct ram_writer {
    struct ram_pack_writer *pack;
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
};

static guint known_hash(gconstpointer key)
{
    return (guint)((const struct known *)key)->hash.low;
}

static gboolean known_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct ram_hash)) == 0;
}

#define CHUNK 4096
static void add_known(struct ram_writer *w, struct ram_hash hash, guint32 pack, guint32 page)
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
    struct ram_pack_writer *pack = ram_pack_writer_new(folder, error);

    if (!pack)
        return NULL;
    struct ram_writer *w = g_new0(struct ram_writer, 1);
    w->pack = pack;
    w->table = table_new();
    w->base = base;
    w->known = g_hash_table_new(known_hash, known_equal);
    g_autoptr(GPtrArray) names = ram_pack_names(folder);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(RamPack) old = ram_pack_open(folder, names->pdata[i], NULL);
        if (!old) /* damaged: what is in it is stored anew */
            continue;
        guint32 number = table_pack(w, old->name);
        for (guint64 page = 0; page < old->page_count; page++)
            add_known(w, old->hashes[page], number, (guint32)page);
    }
    if (base) {
        w->base_packs = g_new0(guint32, base->packs->len + 1);
        for (guint i = 0; i < base->packs->len; i++)
            w->base_packs[i + 1] = table_pack(w, base->packs->pdata[i]);
    }
    w->own_pack = table_pack(w, ram_pack_writer_name(pack));
    return w;
}

static gboolean store_page(struct ram_writer *w, const guint8 *data, struct ram_page_ref *ref, GError **error)
{
    struct known key = {.hash = ram_hash_page(data)};
    const struct known *known = g_hash_table_lookup(w->known, &key);

    if (known) {
        *ref = (struct ram_page_ref){known->pack, known->page};
        return TRUE;
    }
    ref->pack = w->own_pack;
    if (!ram_pack_writer_page(w->pack, data, key.hash, &ref->page, error))
        return FALSE;
    add_known(w, key.hash, ref->pack, ref->page);
    return TRUE;
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

gboolean ram_writer_finish(struct ram_writer *w, const char *table_path, GError **error)
{
    if (!ram_pack_writer_finish(w->pack, error))
        return FALSE;
    drop_unused_packs(w->table);
    return ram_table_write(w->table, table_path, error);
}

void ram_writer_free(struct ram_writer *w)
{
    if (!w)
        return;
    ram_pack_writer_free(w->pack);
    g_slist_free_full(w->chunks, g_free);
    g_hash_table_unref(w->known);
    ram_table_free(w->table);
    g_free(w->base_packs);
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

/* Pages of one pack, whose frames are decompressed once each, on several threads. */
struct load {
    const char *folder;
    const RamPack *pack;
    const GArray *wanted;
    guint8 *to; /* NULL: only checked */
    GCancellable *cancellable;
    GArray *frames; /* struct load_frame */
    gint next;      /* of the frames; atomic */
    GMutex lock;
    GError *error; /* the first one */
};
struct load_frame {
    guint64 index;
    guint first, end; /* of wanted */
};

static gpointer load_frames(gpointer data)
{
    struct load *load = data;
    g_autofree guint8 *pages = g_malloc(RAM_PACK_MAX_BYTES);
    gint at;

    while ((at = g_atomic_int_add(&load->next, 1)) < (gint)load->frames->len) {
        const struct load_frame *frame = &g_array_index(load->frames, struct load_frame, at);
        GError *error = NULL;
        if (g_cancellable_set_error_if_cancelled(load->cancellable, &error) ||
            !ram_pack_read_frame(load->pack, load->folder, frame->index, pages, &error)) {
            g_atomic_int_set(&load->next, (gint)load->frames->len);
            g_mutex_lock(&load->lock);
            if (load->error)
                g_error_free(error);
            else
                load->error = error;
            g_mutex_unlock(&load->lock);
            break;
        }
        for (guint i = frame->first; load->to && i < frame->end; i++) {
            const struct wanted *w = &g_array_index(load->wanted, struct wanted, i);
            memcpy(load->to + w->target * RAM_STORE_PAGE,
                   pages + (gsize)(w->page - load->pack->first_page[frame->index]) * RAM_STORE_PAGE, RAM_STORE_PAGE);
        }
    }
    return NULL;
}

static gboolean load_from_pack(const char *folder, const char *name, GArray *wanted, guint8 *to,
                               GCancellable *cancellable, GError **error)
{
    if (!wanted->len)
        return TRUE;
    g_autoptr(RamPack) pack = ram_pack_open(folder, name, error);
    if (!pack)
        return FALSE;
    g_autoptr(GArray) frames = g_array_new(FALSE, FALSE, sizeof(struct load_frame));
    struct load_frame frame = {0};

    g_array_sort(wanted, by_page);
    if (g_array_index(wanted, struct wanted, wanted->len - 1).page >= pack->page_count) {
        g_autofree char *path = ram_pack_path(folder, name);
        return ram_damaged(error, path);
    }
    while (frame.end < wanted->len) {
        frame.first = frame.end;
        while (g_array_index(wanted, struct wanted, frame.first).page >= pack->first_page[frame.index + 1])
            frame.index++;
        while (frame.end < wanted->len &&
               g_array_index(wanted, struct wanted, frame.end).page < pack->first_page[frame.index + 1])
            frame.end++;
        g_array_append_val(frames, frame);
    }
    struct load load = {folder, pack, wanted, to, cancellable, frames, .next = 0};
    GThread *threads[MAX_READERS];
    guint count = MIN(MIN(g_get_num_processors(), frames->len), MAX_READERS) - 1;
    g_mutex_init(&load.lock);
    for (guint i = 0; i < count; i++)
        threads[i] = g_thread_new("memory", load_frames, &load);
    load_frames(&load);
    for (guint i = 0; i < count; i++)
        g_thread_join(threads[i]);
    g_mutex_clear(&load.lock);
    if (load.error)
        g_propagate_error(error, load.error);
    return !load.error;
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
                    _("The snapshot is of a machine with other memory (“%s”)."), id);
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
        g_autoptr(RamPack) pack = ram_pack_open(folder, table->packs->pdata[i], error);
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
    RamPack *pack;
    guint16 *count;
    guint64 live;
};

static void use_free(gpointer data)
{
    struct use *use = data;

    ram_pack_free(use->pack);
    g_free(use->count);
    g_free(use);
}

static GHashTable *count_uses(const char *folder, const GPtrArray *tables)
{
    GHashTable *uses = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, use_free);
    g_autoptr(GPtrArray) names = ram_pack_names(folder);

    for (guint i = 0; i < names->len; i++) {
        RamPack *pack = ram_pack_open(folder, names->pdata[i], NULL);
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
                double size = (double)use->pack->size / (double)use->pack->page_count;
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
    const RamPack *pack = use->pack;
    g_autofree guint8 *frame = g_malloc(RAM_PACK_MAX_BYTES);
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
             ram_pack_read_frame(pack, folder, f, frame, error);
        for (guint32 i = pack->first_page[f]; ok && i < pack->first_page[f + 1]; i++)
            if (use->count[i])
                ok = store_page(w, frame + (gsize)(i - pack->first_page[f]) * RAM_STORE_PAGE, &moved[i], error);
    }
    ok = ok && ram_pack_writer_finish(w->pack, error);
    for (guint t = 0; ok && t < tables->len; t++) {
        struct ram_table *table = tables->pdata[t];
        guint number = 0;
        while (number < table->packs->len && strcmp(table->packs->pdata[number], pack->name) != 0)
            number++;
        if (number == table->packs->len)
            continue;
        g_free(table->packs->pdata[number]);
        table->packs->pdata[number++] = g_strdup(ram_pack_writer_name(w->pack));
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
        g_autofree char *path = ram_pack_path(folder, pack->name);
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
    ram_pack_clear_away(folder);
    g_autoptr(GHashTable) uses = count_uses(folder, tables);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, uses);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct use *use = value;
        if (!use->live) {
            g_autofree char *path = ram_pack_path(folder, use->pack->name);
            g_unlink(path);
        } else if (use->live * 2 < use->pack->page_count &&
                   !repack(folder, use, tables, table_paths, cancellable, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

struct tightened {
    const ImageJob *job;
    guint64 done, now, total;
};

static void tell_tightened(double fraction, gpointer data)
{
    const struct tightened *t = data;

    if (t->job && t->job->progress)
        t->job->progress(t->done + (guint64)(fraction * (double)t->now), t->total, t->job->user_data);
}

gboolean ram_store_tighten(const char *folder, const ImageJob *job, GError **error)
{
    g_autoptr(GPtrArray) names = ram_pack_names(folder);
    g_autofree guint64 *sizes = g_new0(guint64, names->len + 1);
    struct tightened t = {.job = job};
    gboolean ok = TRUE;

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(RamPack) pack = ram_pack_open(folder, names->pdata[i], NULL);
        if (pack && ram_pack_is_loose(pack))
            t.total += sizes[i] = pack->size;
    }
    for (guint i = 0; ok && i < names->len; i++) {
        if (!sizes[i])
            continue;
        t.now = sizes[i];
        ok = !(job && g_cancellable_set_error_if_cancelled(job->cancellable, error)) &&
             ram_pack_tighten(folder, names->pdata[i], job ? job->cancellable : NULL, tell_tightened, &t, error);
        t.done += t.now;
    }
    return ok;
}
