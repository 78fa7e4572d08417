/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store of moments' memory: what is written is read again, once for all, in the versions of the format there
 * were, tightened or not, and damage is told. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/bundle.h"
#include "app/ram_store.h"

#define PAGES 3000u

typedef struct Place {
    char *folder, *packs, *table;
} Place;

static void set_up(Place *place, gconstpointer data)
{
    place->folder = g_dir_make_tmp("vitrine-memory-XXXXXX", NULL);
    place->packs = g_build_filename(place->folder, "packs", NULL);
    place->table = g_build_filename(place->folder, "table", NULL);
}

static void tear_down(Place *place, gconstpointer data)
{
    g_assert_true(vitrine_remove_tree(place->folder, NULL));
    g_free(place->folder);
    g_free(place->packs);
    g_free(place->table);
}

/* Every third page is zeros; the others begin with noise. Equal to what made tests/machine/states/memory1. */
static guint8 *make_memory(void)
{
    guint8 *memory = g_malloc0((gsize)PAGES * RAM_STORE_PAGE);
    guint32 x = 1;

    for (guint page = 0; page < PAGES; page++) {
        for (guint i = 0; page % 3 && i < RAM_STORE_PAGE; i++) {
            x = x * 1664525 + 1013904223;
            memory[page * RAM_STORE_PAGE + i] = (guint8)(i < 64 ? x >> 24 : page % 7);
        }
    }
    return memory;
}

/* Words as in programs: some often, most seldom. */
static guint8 *make_program(void)
{
    guint32 *memory = g_new0(guint32, (gsize)PAGES * RAM_STORE_PAGE / 4), x = 1;

    for (gsize i = 0; i < (gsize)700 * RAM_STORE_PAGE / 4; i++) {
        x = x * 1664525 + 1013904223;
        memory[i] = GUINT32_TO_BE(0x90102000 | (x >> 30) << 25 | (x >> 28 & 3) * (x >> 20 & 0xff));
    }
    return (guint8 *)memory;
}

static void write_memory(const Place *place, const RamTable *base, const guint8 *same, const guint8 *memory)
{
    g_autoptr(GError) error = NULL;
    struct ram_writer *writer = ram_writer_new(place->packs, base, &error);

    g_assert_no_error(error);
    ram_writer_block(writer, "ram", PAGES, &error);
    ram_writer_pages(writer, PAGES, same, memory, &error);
    g_assert_no_error(error);
    ram_writer_finish(writer, place->table, &error);
    g_assert_no_error(error);
    ram_writer_free(writer);
}

static void assert_memory(const char *packs, const char *table_path, const guint8 *memory)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RamTable) table = ram_table_read(table_path, &error);
    g_autofree guint8 *read = g_malloc0((gsize)PAGES * RAM_STORE_PAGE);

    g_assert_no_error(error);
    ram_table_load(table, packs, "ram", read, (guint64)PAGES * RAM_STORE_PAGE, &error);
    g_assert_no_error(error);
    g_assert_true(memcmp(read, memory, (gsize)PAGES * RAM_STORE_PAGE) == 0);
    ram_table_check(table, packs, TRUE, NULL, &error);
    g_assert_no_error(error);
}

static guint64 size_of(const char *packs)
{
    g_autoptr(GDir) dir = g_dir_open(packs, 0, NULL);
    guint64 size = 0;
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(packs, name, NULL);
        GStatBuf st;
        g_assert_cmpint(g_stat(path, &st), ==, 0);
        g_assert_false(name[0] == '.');
        size += (guint64)st.st_size;
    }
    return size;
}

static void test_again(Place *place, gconstpointer data)
{
    g_autofree guint8 *memory = make_memory();
    g_autofree char *second = g_build_filename(place->folder, "second", NULL);
    g_autofree guint8 *same = g_malloc(PAGES);

    write_memory(place, NULL, NULL, memory);
    assert_memory(place->packs, place->table, memory);
    guint64 size = size_of(place->packs);
    g_assert_cmpuint(size, <, PAGES * 250);
    /* Stored once: neither the pages that are said to be the same nor those that are found to be take room. */
    g_autoptr(RamTable) base = ram_table_read(place->table, NULL);
    Place again = {place->folder, place->packs, second};
    memset(same, 1, PAGES / 2);
    memset(same + PAGES / 2, 0, PAGES - PAGES / 2);
    memset(memory + 2999 * RAM_STORE_PAGE, 'x', RAM_STORE_PAGE);
    write_memory(&again, base, same, memory);
    assert_memory(place->packs, second, memory);
    g_assert_cmpuint(size_of(place->packs), <, size + 1000);
    g_autoptr(RamTable) other = ram_table_read(second, NULL);
    guint64 differing, pages;
    ram_table_compare(base, other, &differing, &pages);
    g_assert_cmpuint(differing, ==, 1);
    g_assert_cmpuint(pages, ==, PAGES);
}

static void copy_earlier(const Place *place)
{
    g_autofree char *from = g_test_build_filename(G_TEST_DIST, "memory1", NULL);
    g_autoptr(GDir) dir = g_dir_open(from, 0, NULL);
    const char *name;

    g_assert_cmpint(g_mkdir(place->packs, 0755), ==, 0);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *source = g_build_filename(from, name, NULL), *bytes = NULL;
        g_autofree char *target = g_strcmp0(name, "table") == 0 ? g_strdup(place->table)
                                                                : g_build_filename(place->packs, name, NULL);
        gsize length;
        g_assert_true(g_file_get_contents(source, &bytes, &length, NULL));
        g_assert_true(g_file_set_contents(target, bytes, (gssize)length, NULL));
    }
}

/* Version 1 of packs, as it was written then. */
static void test_earlier(Place *place, gconstpointer data)
{
    g_autofree guint8 *memory = make_memory();
    g_autoptr(GError) error = NULL;

    copy_earlier(place);
    assert_memory(place->packs, place->table, memory);
    g_assert_true(ram_store_tighten(place->packs, NULL, &error));
    g_autoptr(GPtrArray) names = ram_pack_names(place->packs);
    g_autoptr(RamPack) pack = ram_pack_open(place->packs, names->pdata[0], &error);
    g_assert_no_error(error);
    g_assert_false(ram_pack_is_loose(pack));
    assert_memory(place->packs, place->table, memory);
}

static void test_newer(Place *place, gconstpointer data)
{
    g_autofree char *pack = NULL, *bytes = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;

    copy_earlier(place);
    g_autoptr(GPtrArray) names = ram_pack_names(place->packs);
    pack = ram_pack_path(place->packs, names->pdata[0]);
    g_assert_true(g_file_get_contents(pack, &bytes, &length, NULL));
    bytes[length - 1] = '9';
    g_assert_true(g_file_set_contents(pack, bytes, (gssize)length, NULL));
    g_assert_null(ram_pack_open(place->packs, names->pdata[0], &error));
    g_assert_nonnull(strstr(error->message, "newer"));
}

static void cancel_at(guint64 done, guint64 total, gpointer data)
{
    if (done * 2 > total)
        g_cancellable_cancel(data);
}

/* Stopped in the middle it keeps what it did, and goes on; page numbers stay, so that tables do not change. */
static void test_tighten(Place *place, gconstpointer data)
{
    g_autofree guint8 *memory = make_program();
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(GError) error = NULL;
    ImageJob job = {cancellable, cancel_at, cancellable};

    write_memory(place, NULL, NULL, memory);
    g_autoptr(GPtrArray) names = ram_pack_names(place->packs);
    g_assert_cmpuint(names->len, ==, 1);
    g_autoptr(RamPack) before = ram_pack_open(place->packs, names->pdata[0], &error);
    guint64 size = before->size;
    g_assert_true(ram_pack_is_loose(before));
    g_assert_true(ram_store_tighten(place->packs, &job, &error));
    g_assert_true(g_cancellable_is_cancelled(cancellable));
    g_autoptr(RamPack) half = ram_pack_open(place->packs, names->pdata[0], &error);
    g_assert_true(ram_pack_is_loose(half));
    g_assert_cmpuint(half->size, <, size);
    assert_memory(place->packs, place->table, memory);
    g_assert_true(ram_store_tighten(place->packs, NULL, &error));
    g_autoptr(RamPack) all = ram_pack_open(place->packs, names->pdata[0], &error);
    g_assert_false(ram_pack_is_loose(all));
    g_assert_cmpuint(all->size, <, half->size);
    assert_memory(place->packs, place->table, memory);
    /* whoever had the file open reads on */
    g_autofree guint8 *pages = g_malloc(RAM_PACK_MAX_BYTES);
    g_assert_true(ram_pack_read_frame(before, place->packs, 0, pages, &error));
}

/* Noise, which no level makes smaller, is settled at once. */
static void test_noise(Place *place, gconstpointer data)
{
    g_autofree guint32 *memory = g_new(guint32, (gsize)PAGES * RAM_STORE_PAGE / 4);

    for (gsize i = 0; i < (gsize)PAGES * RAM_STORE_PAGE / 4; i++)
        memory[i] = g_random_int();
    write_memory(place, NULL, NULL, (guint8 *)memory);
    assert_memory(place->packs, place->table, (guint8 *)memory);
    g_autoptr(GPtrArray) names = ram_pack_names(place->packs);
    g_autoptr(RamPack) pack = ram_pack_open(place->packs, names->pdata[0], NULL);
    g_assert_false(ram_pack_is_loose(pack));
}

/* Tables are rewritten with the packs of which little is needed; what a living writer has in hand stays. */
static void test_collect(Place *place, gconstpointer data)
{
    g_autofree guint8 *memory = make_memory();
    g_autofree char *second = g_build_filename(place->folder, "second", NULL);
    g_autofree char *left = g_build_filename(place->packs, ".new-left", NULL);
    g_autofree char *held = g_build_filename(place->packs, ".new-held", NULL);
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    write_memory(place, NULL, NULL, memory);
    guint64 size = size_of(place->packs);
    memset(memory, 0, (gsize)PAGES / 10 * 9 * RAM_STORE_PAGE);
    Place again = {place->folder, place->packs, second};
    write_memory(&again, NULL, NULL, memory);
    g_assert_true(g_file_set_contents(left, "x", 1, NULL));
    g_assert_true(g_file_set_contents(held, "x", 1, NULL));
    int fd = open(held, O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
    g_ptr_array_add(tables, second);
    g_assert_true(ram_store_collect(place->packs, tables, NULL, &error));
    g_assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_test(held, G_FILE_TEST_EXISTS));
    close(fd);
    g_assert_true(ram_store_collect(place->packs, tables, NULL, &error));
    assert_memory(place->packs, second, memory);
    g_assert_cmpuint(size_of(place->packs), <, size / 2);
    g_ptr_array_set_size(tables, 0);
    g_assert_true(ram_store_collect(place->packs, tables, NULL, &error));
    g_assert_cmpuint(size_of(place->packs), ==, 0);
}

/* Every damaged byte of the pages is found; the rest of the file either shows it or does not matter. */
static void test_damage(Place *place, gconstpointer data)
{
    g_autofree guint8 *memory = make_memory();
    g_autofree char *bytes = NULL;
    gsize length;

    write_memory(place, NULL, NULL, memory);
    g_autoptr(RamTable) table = ram_table_read(place->table, NULL);
    g_autoptr(GPtrArray) names = ram_pack_names(place->packs);
    g_autofree char *path = ram_pack_path(place->packs, names->pdata[0]);
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    for (gsize at = 40; at < length; at += length / 23) {
        bytes[at] ^= 0x10;
        g_assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
        g_autofree guint8 *read = g_malloc0((gsize)PAGES * RAM_STORE_PAGE);
        g_autoptr(GError) error = NULL;
        if (ram_table_load(table, place->packs, "ram", read, (guint64)PAGES * RAM_STORE_PAGE, &error))
            g_assert_true(memcmp(read, memory, (gsize)PAGES * RAM_STORE_PAGE) == 0);
        else
            g_assert_nonnull(strstr(error->message, "damaged"));
        bytes[at] ^= 0x10;
    }
    g_assert_true(g_file_set_contents(path, bytes, (gssize)length / 2, NULL));
    g_assert_false(ram_table_check(table, place->packs, FALSE, NULL, NULL));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Place *place, gconstpointer data);
    } tests[] = {{"/ram-store/again", test_again},     {"/ram-store/earlier", test_earlier},
                 {"/ram-store/newer", test_newer},     {"/ram-store/tighten", test_tighten},
                 {"/ram-store/noise", test_noise},     {"/ram-store/collect", test_collect},
                 {"/ram-store/damage", test_damage}};

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Place, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
