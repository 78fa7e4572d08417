/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_moments SECONDS SEED: mutated packs and tables of moments' memory, with their checksums put right half of the
 * time, are read, checked, counted, compared, tightened and collected. What is loaded is what was kept: every page
 * has its hash.
 */
#include "app/ram_store.h"
#include "tests/fuzz/fuzz_time.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define PAGES 40u
#define TAIL  40u /* bytes at a pack's end: offset of the index, frames, pages, the index's hash, magic */

struct kept {
    char *pack, *table;
    gsize pack_size, table_size;
};

static guint64 number_at(const char *bytes)
{
    guint64 number;

    memcpy(&number, bytes, 8);
    return GUINT64_FROM_LE(number);
}

static void put_number(char *bytes, guint64 number)
{
    number = GUINT64_TO_LE(number);
    memcpy(bytes, &number, 8);
}

static void put_pack_right(char *bytes, gsize size)
{
    guint64 index = size >= TAIL ? number_at(bytes + size - TAIL) : G_MAXUINT64;

    if (index <= size - TAIL)
        put_number(bytes + size - 16, XXH3_64bits(bytes + index, size - TAIL - index));
}

static void put_table_right(char *bytes, gsize size)
{
    if (size >= 24) {
        put_number(bytes + 8, size - 24);
        put_number(bytes + 16, XXH3_64bits(bytes + 24, size - 24));
    }
}

static void mutate(GRand *rand, char *bytes, gsize *size)
{
    static const guint64 numbers[] = {0, 1, 2, 255, 256, 1024, 1025, G_MAXUINT32, G_MAXUINT64, G_MAXINT64};

    for (int i = g_rand_int_range(rand, 0, 5); i > 0 && *size >= 8; i--) {
        gsize at = (gsize)g_rand_int_range(rand, 0, (gint32)*size - 7);
        if (g_rand_boolean(rand)) /* the index and the tail are at the end */
            at = *size - 8 - (gsize)g_rand_int_range(rand, 0, (gint32)MIN(*size / 8, 96)) * 8;
        switch (g_rand_int_range(rand, 0, 5)) {
        case 0: bytes[at] ^= (char)(1 << g_rand_int_range(rand, 0, 8)); break;
        case 1: put_number(bytes + at, numbers[g_rand_int_range(rand, 0, G_N_ELEMENTS(numbers))]); break;
        case 2: put_number(bytes + at, number_at(bytes + at) + (guint64)g_rand_int_range(rand, -9, 10)); break;
        case 3: bytes[at] = (char)g_rand_int(rand); break;
        default:
            if (g_rand_int_range(rand, 0, 4) == 0)
                *size = (gsize)g_rand_int_range(rand, 0, (gint32)*size);
        }
    }
}

static void keep(const char *packs, const char *table, const guint8 *memory, struct kept *kept)
{
    g_autoptr(GError) error = NULL;
    struct ram_writer *writer = ram_writer_new(packs, NULL, &error);

    if (!writer || !ram_writer_block(writer, "ram", PAGES, &error) ||
        !ram_writer_pages(writer, PAGES, NULL, memory, &error) || !ram_writer_finish(writer, table, &error))
        g_error("%s", error->message);
    ram_writer_free(writer);
    g_autoptr(GPtrArray) names = ram_pack_names(packs);
    g_autofree char *path = ram_pack_path(packs, names->pdata[0]);
    if (!g_file_get_contents(path, &kept->pack, &kept->pack_size, &error) ||
        !g_file_get_contents(table, &kept->table, &kept->table_size, &error))
        g_error("%s", error->message);
}

/* How many of the moment's blocks could be read. */
static guint use(const char *packs, const char *table_path, gboolean change)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new(), tables = g_ptr_array_new();
    g_autoptr(RamTable) table = ram_table_read(table_path, NULL);
    guint64 own, shared, differing, pages;
    guint loaded = 0;

    for (guint i = 0; table && i < table->blocks->len; i++) {
        const struct ram_table_block *block = table->blocks->pdata[i];
        g_autofree guint8 *to = block->pages < 4096 ? g_malloc0(block->pages * RAM_STORE_PAGE + 1) : NULL;
        g_autoptr(GError) error = NULL;
        if (!to)
            continue;
        gboolean ok = ram_table_load(table, packs, block->id, to, block->pages * RAM_STORE_PAGE, &error);
        g_assert_true(ok == !error);
        loaded += ok;
    }
    if (table) {
        ram_table_check(table, packs, TRUE, NULL, NULL);
        ram_table_compare(table, table, &differing, &pages);
        g_assert_cmpuint(differing, ==, 0);
        g_ptr_array_add(tables, table);
        ram_store_usage(packs, tables, &own, &shared);
    }
    if (change) { /* slower than all else */
        ram_store_tighten(packs, NULL, NULL);
        g_ptr_array_add(paths, (char *)(guintptr)table_path);
        ram_store_collect(packs, paths, NULL, NULL);
    }
    return loaded;
}

static void clear(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? g_ascii_strtod(argv[1], NULL) : 5;
    guint32 seed = argc > 2 ? (guint32)strtoul(argv[2], NULL, 0) : 1;
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    g_autofree char *folder = g_dir_make_tmp("vitrine-moments-XXXXXX", NULL);
    g_autofree char *packs = g_build_filename(folder, "packs", NULL), *table = g_build_filename(folder, "table", NULL);
    g_autofree guint8 *memory = g_malloc0(PAGES * RAM_STORE_PAGE);
    struct kept kept = {0};
    double end = fuzz_seconds() + seconds;
    guint64 runs = 0, loaded = 0;

    for (guint i = 0; i < PAGES * RAM_STORE_PAGE; i++)
        memory[i] = i / RAM_STORE_PAGE % 4 ? (guint8)(g_rand_int(rand) % 5 + i / 9000) : 0;
    keep(packs, table, memory, &kept);
    g_autoptr(GPtrArray) names = ram_pack_names(packs); /* the table names the pack as it was called */
    g_autofree char *pack = ram_pack_path(packs, names->pdata[0]);
    while (fuzz_seconds() < end) {
        g_autofree char *a = g_memdup2(kept.pack, kept.pack_size), *b = g_memdup2(kept.table, kept.table_size);
        gsize a_size = kept.pack_size, b_size = kept.table_size;
        gboolean both = g_rand_int_range(rand, 0, 4) == 0;

        if (both || g_rand_boolean(rand)) {
            mutate(rand, a, &a_size);
            if (g_rand_boolean(rand))
                put_pack_right(a, a_size);
        } else {
            mutate(rand, b, &b_size);
            if (g_rand_boolean(rand))
                put_table_right(b, b_size);
        }
        clear(packs);
        if (!g_file_set_contents(pack, a, (gssize)a_size, NULL) || !g_file_set_contents(table, b, (gssize)b_size, NULL))
            g_error("cannot write to %s", folder);
        fuzz_begin_try();
        loaded += use(packs, table, runs % 16 == 0);
        runs++;
    }
    clear(packs);
    g_rmdir(packs);
    g_unlink(table);
    g_rmdir(folder);
    g_free(kept.pack);
    g_free(kept.table);
    g_print("%" G_GUINT64_FORMAT " moments, %" G_GUINT64_FORMAT " read\n", runs, loaded);
    return loaded > 0 || runs < 200 ? 0 : 1; /* a slow computer may see damaged ones only */
}
