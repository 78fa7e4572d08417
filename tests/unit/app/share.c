/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folders as CDs and as FAT disks, and back: also with names and files that these file systems do not hold, deep trees, and
 * disks whose file system a guest has damaged. What cannot be done is refused with a sentence; nothing is left out
 * unnoticed, nothing waits for ever, nothing gets beside the folder that it belongs in.
 */
#include "app/share.h"
#include "app/bundle.h"
#include "app/profiles.h"
#include "images/images.h"
#include "tests/unit/app/folder.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *work_folder(void)
{
    char *folder = g_dir_make_tmp("vitrine-share-XXXXXX", NULL);

    g_assert_nonnull(folder);
    return folder;
}

static gboolean without_mtools(void)
{
    g_autofree char *mcopy = g_find_program_in_path("mcopy");

    if (!mcopy)
        g_test_skip("mtools is not installed");
    return !mcopy;
}

static char *folder_with_files(const char *work)
{
    char *folder = g_build_filename(work, "Holiday Photos", NULL);
    g_autofree char *deep = g_build_filename(folder, "a", "b", NULL);
    g_autofree char *file = g_build_filename(deep, "a rather long name, with umlauts äöü.text", NULL);
    g_autofree char *small = g_build_filename(folder, "README.TXT", NULL);

    g_assert_cmpint(g_mkdir_with_parents(deep, 0755), ==, 0);
    g_assert_true(g_file_set_contents(file, "deep\n", -1, NULL));
    g_assert_true(g_file_set_contents(small, "hello\n", -1, NULL));
    return folder;
}

static void test_folder_becomes_a_cd(void)
{
    g_autofree char *work = work_folder();
    g_autofree char *folder = folder_with_files(work);
    g_autofree char *iso = g_build_filename(work, "cd.iso", NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    gsize size;

    g_assert_true(share_make_cd(folder, iso, NULL, NULL, NULL, &error));
    g_assert_no_error(error);
    g_autofree char *volume = profiles_read_volume_name(iso);
    g_assert_cmpstr(volume, ==, "HOLIDAY_PHOTOS");
    g_assert_true(g_file_get_contents(iso, &data, &size, NULL));
    g_assert_cmpuint(size % 2048, ==, 0);
    g_assert_nonnull(memmem(data, size, "hello\n", 6));
    g_assert_nonnull(memmem(data, size, "deep\n", 5));
    /* the supplementary descriptor of Joliet (escape sequence of UCS-2 level 3) and the SUSP entry of Rock Ridge */
    g_assert_nonnull(memmem(data, size, "\2CD001", 6));
    g_assert_nonnull(memmem(data, size, "%/E", 3));
    g_assert_true(memmem(data, size, "RRIP_1991A", 10) || memmem(data, size, "IEEE_1282", 9));
    g_assert_true(vitrine_remove_tree(work, NULL));
}

static void test_cancelled_cd_leaves_nothing(void)
{
    g_autofree char *work = work_folder();
    g_autofree char *folder = folder_with_files(work);
    g_autofree char *iso = g_build_filename(work, "cd.iso", NULL);
    g_autoptr(GCancellable) cancelled = g_cancellable_new();
    g_autoptr(GError) error = NULL;

    g_cancellable_cancel(cancelled);
    g_assert_false(share_make_cd(folder, iso, cancelled, NULL, NULL, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_false(g_file_test(iso, G_FILE_TEST_EXISTS));
    g_assert_true(vitrine_remove_tree(work, NULL));
}

static void test_folder_goes_to_a_disk_and_back(void)
{
    g_autofree char *mcopy = g_find_program_in_path("mcopy");
    if (!mcopy) {
        g_test_skip("mtools is not installed");
        return;
    }
    g_autofree char *work = work_folder();
    g_autofree char *folder = folder_with_files(work);
    g_autofree char *image = g_build_filename(work, "disk.img", NULL);
    g_autofree char *overlay = g_build_filename(work, "overlay.qcow2", NULL);
    g_autofree char *back = g_build_filename(work, "back", NULL);
    g_autofree char *file = g_build_filename(back, "README.TXT", NULL);
    g_autofree char *deep = g_build_filename(back, "a", "b", "a rather long name, with umlauts äöü.text", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(share_make_disk(folder, image, 1 << 20, NULL, &error));
    g_assert_no_error(error);
    g_assert_true(image_create_overlay(overlay, image, "raw", &error));
    g_assert_true(share_bring_back(overlay, back, NULL, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "hello\n");
    g_assert_true(g_file_test(deep, G_FILE_TEST_EXISTS));
    g_assert_true(vitrine_remove_tree(work, NULL));
}

static void test_bringing_back_refuses_what_is_no_fat(void)
{
    g_autofree char *work = work_folder();
    g_autofree char *image = g_build_filename(work, "disk.qcow2", NULL), *back = g_build_filename(work, "back", NULL);
    ImageCreateOptions options = {.size = 1 << 20};
    g_autoptr(GError) error = NULL;

    g_assert_true(image_create(image, "qcow2", &options, NULL));
    g_assert_false(share_bring_back(image, back, NULL, &error));
    g_assert_nonnull(error);
    g_assert_false(g_file_test(back, G_FILE_TEST_EXISTS));
    g_assert_true(vitrine_remove_tree(work, NULL));
}

/* ---- what FAT does not hold ---- */

static void put(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    FILE *file = fopen(path, "w"); /* a name of its own beside it could be too long */
    g_assert_nonnull(file);
    g_assert_cmpint(fputs(name, file), >=, 0);
    g_assert_cmpint(fclose(file), ==, 0);
}

/* The folder is refused, by the name of what is in the way; no image appears. */
static void assert_refused(const char *folder, const char *image, const char *what)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *temporary = g_strconcat(image, ".new", NULL);

    g_assert_false(share_make_disk(folder, image, 0, NULL, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_FILENAME);
    g_test_message("%s", error->message);
    g_assert_true(g_str_has_suffix(error->message, "."));
    g_assert_true(!what || strstr(error->message, what));
    g_assert_false(g_file_test(image, G_FILE_TEST_EXISTS) || g_file_test(temporary, G_FILE_TEST_EXISTS));
}

static void test_what_fat_does_not_hold_is_refused(void)
{
    static const char *const names[] = {"a:b",         "star*",   "q?",       "quote\"",
                                        "back\\slash", "pipe|",   "less<",    "new\nline",
                                        "dot.",        "end ",    "\xff\xfe", "\xf0\x9f\x98\x80.txt",
                                        "con",         "Aux.txt", "lpt1.log"};
    g_autofree char *work = work_folder(), *image = g_build_filename(work, "disk.img", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *folder = g_build_filename(work, "folder", NULL), *deep = g_build_filename(folder, "deep", NULL);
        g_assert_cmpint(g_mkdir_with_parents(deep, 0755), ==, 0);
        put(i % 2 ? deep : folder, names[i]);
        assert_refused(folder, image, NULL);
        g_assert_true(vitrine_remove_tree(folder, NULL));
    }
    g_autofree char *folder = g_build_filename(work, "folder", NULL);
    g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
    put(folder, "Readme");
    put(folder, "README");
    assert_refused(folder, image, "capital");
    g_assert_true(vitrine_remove_tree(folder, NULL));
    g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
    g_autofree char *odd = g_build_filename(folder, "odd", NULL);
    g_assert_cmpint(mkfifo(odd, 0644), ==, 0);
    assert_refused(folder, image, "odd");
    g_assert_cmpint(g_unlink(odd), ==, 0);
    g_assert_cmpint(symlink("..", odd), ==, 0);
    assert_refused(folder, image, "link");
    g_assert_cmpint(g_unlink(odd), ==, 0);
    g_assert_cmpint(symlink("nowhere", odd), ==, 0);
    assert_refused(folder, image, "odd");
    g_assert_true(vitrine_remove_tree(work, NULL));
}

/* ---- what it holds ---- */

static void test_names_and_deep_trees_come_back(void)
{
    static const char *const names[] = {"-n",
                                        "a",
                                        "a.b.c.d",
                                        " leading",
                                        "ümlaut ß",
                                        "x;y,z",
                                        "+[=]",
                                        "{$%'@~!()&^#`}",
                                        "\xe4\xb8\xad\xe6\x96\x87",
                                        "console",
                                        "com",
                                        "LONGER~1",
                                        "longername",
                                        ".hidden"};
    if (without_mtools())
        return;
    g_autofree char *work = work_folder(), *folder = g_build_filename(work, "folder", NULL);
    g_autofree char *image = g_build_filename(work, "disk.img", NULL), *back = g_build_filename(work, "back", NULL);
    g_autofree char *longest = g_strnfill(255, 'l');
    g_autoptr(GString) deep = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        put(folder, names[i]);
    put(folder, longest);
    for (guint i = 0; i < 40; i++)
        g_string_append_printf(deep, "level %u of a deep tree/", i);
    g_autofree char *bottom = g_build_filename(folder, deep->str, NULL);
    g_assert_cmpint(g_mkdir_with_parents(bottom, 0755), ==, 0);
    put(bottom, "treasure");
    g_assert_true(share_make_disk(folder, image, 0, NULL, &error));
    g_assert_no_error(error);
    g_assert_true(share_bring_back(image, back, NULL, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(count_entries(back), ==, G_N_ELEMENTS(names) + 2);
    for (gsize i = 0; i <= G_N_ELEMENTS(names); i++) {
        const char *name = i < G_N_ELEMENTS(names) ? names[i] : longest;
        g_autofree char *path = g_build_filename(back, name, NULL), *text = NULL;
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, name);
    }
    g_autofree char *treasure = g_build_filename(back, deep->str, "treasure", NULL);
    g_assert_true(g_file_test(treasure, G_FILE_TEST_IS_REGULAR));
    g_assert_true(vitrine_remove_tree(work, NULL));
}

static void test_a_cd_holds_any_name(void)
{
    g_autofree char *work = work_folder(), *folder = g_build_filename(work, "folder", NULL);
    g_autofree char *image = g_build_filename(work, "cd.iso", NULL), *odd = g_build_filename(folder, "odd", NULL);
    g_autofree char *link = g_build_filename(folder, "link", NULL), *longest = g_strnfill(255, 'l'), *data = NULL;
    g_autoptr(GString) deep = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    gsize size;

    for (guint i = 0; i < 40; i++)
        g_string_append_printf(deep, "level %u/", i);
    g_autofree char *bottom = g_build_filename(folder, deep->str, NULL);
    g_assert_cmpint(g_mkdir_with_parents(bottom, 0755), ==, 0);
    put(bottom, "the treasure of the deep");
    put(folder, "a:b*?");
    put(folder, "\xff\xfe not UTF-8");
    put(folder, "Same");
    put(folder, "SAME");
    put(folder, longest);
    g_assert_cmpint(mkfifo(odd, 0644), ==, 0);
    g_assert_cmpint(symlink("..", link), ==, 0);
    g_assert_true(share_make_cd(folder, image, NULL, NULL, NULL, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(image, &data, &size, NULL));
    g_assert_nonnull(memmem(data, size, "the treasure of the deep", 24));
    g_assert_nonnull(memmem(data, size, "a:b*?", 5));
    g_assert_true(vitrine_remove_tree(work, NULL));
}

/* ---- what a guest made of it ---- */

/* Random damage to the first 64 KiB of the partition (boot sector, tables, folders): what comes back is at most what the
 * disk can hold, and stands in the folder. */
static void test_a_damaged_disk_comes_back_or_not(void)
{
    enum { MAX_BYTES = 80 << 20 };
    if (without_mtools())
        return;
    g_autofree char *work = work_folder(), *folder = folder_with_files(work), *bytes = NULL;
    g_autofree char *image = g_build_filename(work, "disk.img", NULL), *back = g_build_filename(work, "back", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    guint done = 0, rounds = g_test_slow() ? 500 : 15;
    gsize size;

    g_assert_true(share_make_disk(folder, image, 0, NULL, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(image, &bytes, &size, NULL));
    g_autofree char *hurt = g_memdup2(bytes, size);
    guint entries = count_entries(work);
    for (guint round = 0; round < rounds; round++) {
        memcpy(hurt, bytes, 256 << 10);
        for (gint32 i = g_rand_int_range(rand, 1, 8); i > 0; i--) {
            gsize at = (gsize)g_rand_int_range(rand, 0, 96 << 10);
            for (guint tries = 0; tries < 1000 && !hurt[at]; tries++) /* where something is */
                at = (gsize)g_rand_int_range(rand, 0, 96 << 10);
            hurt[at] = (char)g_rand_int_range(rand, 0, 256);
        }
        g_assert_true(g_file_set_contents(image, hurt, (gssize)size, NULL));
        gboolean ok = share_bring_back(image, back, NULL, &error);
        g_assert_true(ok ? !error : error && strlen(error->message) > 10);
        g_clear_error(&error);
        done += ok;
        if (g_file_test(back, G_FILE_TEST_EXISTS)) {
            g_assert_cmpuint(share_folder_size(back, NULL, NULL), <, MAX_BYTES);
            g_assert_true(vitrine_remove_tree(back, NULL));
        }
        g_assert_cmpuint(count_entries(work), ==, entries);
    }
    g_test_message("%u of %u came back", done, rounds);
    g_assert_true(vitrine_remove_tree(work, NULL));
}

/* A long name that leads out of the folder. */
static void test_names_of_a_guest_stay_inside(void)
{
    if (without_mtools())
        return;
    g_autofree char *work = work_folder(), *folder = g_build_filename(work, "folder", NULL), *bytes = NULL;
    g_autofree char *image = g_build_filename(work, "disk.img", NULL), *back = g_build_filename(work, "back", NULL);
    g_autoptr(GError) error = NULL;
    gsize size;

    g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
    put(folder, "xx+xx+evil.text");
    g_assert_true(share_make_disk(folder, image, 0, NULL, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(image, &bytes, &size, NULL));
    /* the entry of a long name: UTF-16, five units first */
    static const char before[] = "x\0x\0+\0x\0x", after[] = ".\0.\0/\0.\0.";
    char *at = memmem(bytes, size, before, sizeof before - 1);
    g_assert_nonnull(at);
    memcpy(at, after, sizeof after - 1);
    /* and its sixth, which stands in the entry's second part */
    char *plus = memchr(at + sizeof before, '+', 32);
    g_assert_nonnull(plus);
    *plus = '/';
    g_assert_true(g_file_set_contents(image, bytes, (gssize)size, NULL));
    guint entries = count_entries(work);
    gboolean ok = share_bring_back(image, back, NULL, &error);
    g_test_message("%s", ok ? "it came back" : error->message);
    g_assert_cmpuint(count_entries(work) - (guint)g_file_test(back, G_FILE_TEST_EXISTS), ==, entries);
    g_autofree char *above = g_build_filename(work, "..", "evil.text", NULL);
    g_assert_false(g_file_test(above, G_FILE_TEST_EXISTS));
    g_assert_true(vitrine_remove_tree(work, NULL));
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C.UTF-8");
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/share/cd", test_folder_becomes_a_cd);
    g_test_add_func("/share/cd-cancelled", test_cancelled_cd_leaves_nothing);
    g_test_add_func("/share/disk-and-back", test_folder_goes_to_a_disk_and_back);
    g_test_add_func("/share/no-fat", test_bringing_back_refuses_what_is_no_fat);
    g_test_add_func("/share/fat-refuses", test_what_fat_does_not_hold_is_refused);
    g_test_add_func("/share/fat-names", test_names_and_deep_trees_come_back);
    g_test_add_func("/share/cd-names", test_a_cd_holds_any_name);
    g_test_add_func("/share/fat-damaged", test_a_damaged_disk_comes_back_or_not);
    g_test_add_func("/share/fat-inside", test_names_of_a_guest_stay_inside);
    return g_test_run();
}
