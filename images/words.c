/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables in image files: a write-back cache of the sectors that hold them, written after the data. */
#include <string.h>

#include "images/internal.h"

#define PAGE      4096u
#define MAX_PAGES 4096u /* 16 MiB */

typedef struct Page {
    guint64 offset;
    guint8 dirty; /* a bit for each sector: what stands between tables is never written back */
    guint8 bytes[PAGE];
} Page;

void image_words_init(ImageWords *words, ImageFile *file)
{
    words->file = file;
    words->dirty = FALSE;
    words->pages = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
}

void image_words_clear(ImageWords *words)
{
    g_clear_pointer(&words->pages, g_hash_table_unref);
}

static gboolean page_is_clean(gpointer key, gpointer value, gpointer user_data)
{
    return ((Page *)value)->dirty == 0;
}

static Page *page_at(ImageWords *words, guint64 offset, GError **error)
{
    Page *page = g_hash_table_lookup(words->pages, &offset);
    if (page)
        return page;
    if (g_hash_table_size(words->pages) >= MAX_PAGES)
        g_hash_table_foreach_remove(words->pages, page_is_clean, NULL);
    page = g_new(Page, 1);
    page->offset = offset;
    page->dirty = 0;
    if (!image_file_read(words->file, offset, page->bytes, PAGE, error)) {
        g_free(page);
        return NULL;
    }
    g_hash_table_insert(words->pages, &page->offset, page);
    return page;
}

gboolean image_words_get(ImageWords *words, guint64 offset, void *bytes, gsize length, GError **error)
{
    guint8 *to = bytes;
    while (length > 0) {
        guint at = (guint)(offset & (PAGE - 1));
        gsize n = MIN(length, PAGE - at);
        Page *page = page_at(words, offset - at, error);
        if (!page)
            return FALSE;
        memcpy(to, page->bytes + at, n);
        to += n;
        offset += n;
        length -= n;
    }
    return TRUE;
}

gboolean image_words_put(ImageWords *words, guint64 offset, const void *bytes, gsize length, GError **error)
{
    const guint8 *from = bytes;
    while (length > 0) {
        guint at = (guint)(offset & (PAGE - 1));
        gsize n = MIN(length, PAGE - at);
        Page *page = page_at(words, offset - at, error);
        if (!page)
            return FALSE;
        memcpy(page->bytes + at, from, n);
        for (gsize s = at / IMAGE_SECTOR; s <= (at + n - 1) / IMAGE_SECTOR; s++)
            page->dirty |= (guint8)(1u << s);
        words->dirty = TRUE;
        from += n;
        offset += n;
        length -= n;
    }
    return TRUE;
}

static gint by_offset(gconstpointer a, gconstpointer b)
{
    const Page *x = *(Page *const *)a, *y = *(Page *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

gboolean image_words_flush(ImageWords *words, GError **error)
{
    if (!words->dirty)
        return TRUE;
    if (!image_file_sync(words->file, error))
        return FALSE;
    g_autoptr(GPtrArray) dirty = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, words->pages);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        if (((Page *)value)->dirty)
            g_ptr_array_add(dirty, value);
    }
    g_ptr_array_sort(dirty, by_offset);
    for (guint i = 0; i < dirty->len; i++) {
        Page *page = dirty->pdata[i];
        for (guint s = 0; s < PAGE / IMAGE_SECTOR;) {
            guint end = s;
            while (end < PAGE / IMAGE_SECTOR && page->dirty & (1u << end))
                end++;
            if (end > s && !image_file_write(words->file, page->offset + s * IMAGE_SECTOR,
                                             page->bytes + s * IMAGE_SECTOR, (end - s) * IMAGE_SECTOR, error))
                return FALSE;
            s = end + 1;
        }
        page->dirty = 0;
    }
    words->dirty = FALSE;
    return TRUE;
}
