/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trees of overlays: what merging, chains and fingerprints promise, on small cases whose outcome is plain. */
#include <utime.h>

#include "tests/unit/images-common.h"

#define SIZE (4u << 20)

typedef struct Scene {
    char *folder;
    char *base, *inner, *leaf, *branch;
} Scene;

static void put(const char *path, guint64 offset, gsize length, guint8 byte)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc(length);
    Image *image = image_open(path, NULL, IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    memset(bytes, byte, length);
    if (byte)
        image_pwrite(image, offset, bytes, length, &error);
    else
        image_write_zeroes(image, offset, length, &error);
    g_assert_no_error(error);
    image_close(image, &error);
    g_assert_no_error(error);
}

static guint8 *shown_by(const char *path, gsize size)
{
    g_autoptr(GError) error = NULL;
    guint8 *bytes = g_malloc(size);
    g_autoptr(Image) image = image_open(path, NULL, IMAGE_OPEN_READ_ONLY, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(image_size(image), ==, size);
    image_pread(image, 0, bytes, size, &error);
    g_assert_no_error(error);
    return bytes;
}

static void overlay(const char *path, const char *base)
{
    g_autoptr(GError) error = NULL;
    image_create_overlay(path, base, "qcow2", &error);
    g_assert_no_error(error);
}

/* base <- inner <- leaf, and inner <- branch */
static Scene scene_new(void)
{
    g_autoptr(GError) error = NULL;
    Scene s = {.folder = test_folder_new()};
    s.base = g_build_filename(s.folder, "base", NULL);
    s.inner = g_build_filename(s.folder, "inner", NULL);
    s.leaf = g_build_filename(s.folder, "leaf", NULL);
    s.branch = g_build_filename(s.folder, "branch", NULL);
    image_create(s.base, "qcow2", &(ImageCreateOptions){.size = SIZE}, &error);
    g_assert_no_error(error);
    put(s.base, 0, SIZE, 1);
    overlay(s.inner, s.base);
    put(s.inner, 100000, 500000, 2);
    put(s.inner, 1000000, 300000, 0);
    overlay(s.leaf, s.inner);
    put(s.leaf, 400000, 100, 3);
    put(s.leaf, 1100000, 70000, 3);
    put(s.leaf, 0, 65536, 0);
    overlay(s.branch, s.inner);
    put(s.branch, 3000000, 1000, 4);
    return s;
}

static void scene_free(Scene *s)
{
    test_folder_free(s->folder);
    g_free(s->base);
    g_free(s->inner);
    g_free(s->leaf);
    g_free(s->branch);
}

static void test_delete_inner(void)
{
    g_autoptr(GError) error = NULL;
    Scene s = scene_new();
    g_autofree guint8 *leaf = shown_by(s.leaf, SIZE), *branch = shown_by(s.branch, SIZE);
    g_autofree char *before = NULL, *after = NULL;
    gsize before_length, after_length;
    g_assert_true(g_file_get_contents(s.inner, &before, &before_length, NULL));
    image_merge(s.leaf, "qcow2", NULL, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(s.inner, &after, &after_length, NULL));
    g_assert_cmpmem(before, before_length, after, after_length);
    image_merge(s.branch, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_unlink(s.inner), ==, 0);
    g_autofree guint8 *leaf_now = shown_by(s.leaf, SIZE), *branch_now = shown_by(s.branch, SIZE);
    g_assert_cmpmem(leaf, SIZE, leaf_now, SIZE);
    g_assert_cmpmem(branch, SIZE, branch_now, SIZE);
    assert_clean(s.leaf);
    assert_qemu_clean(s.folder, "leaf");
    /* what the base holds alone was not copied */
    g_autoptr(Image) image = image_open(s.leaf, "qcow2", IMAGE_OPEN_READ_ONLY, &error);
    ImageUsage usage;
    image_usage(image, &usage, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(usage.own_bytes, <, SIZE / 3);
    g_assert_cmpuint(usage.shared_bytes, >, SIZE / 2);
    g_assert_cmpuint(usage.own_zero_bytes, >, 65535);
    g_assert_cmpuint(usage.own_bytes + usage.own_zero_bytes + usage.shared_bytes, ==, SIZE);
    scene_free(&s);
}

/* The middle one is shorter than what is above and below it: its end hides the base. */
static void test_merge_sizes(void)
{
    g_autoptr(GError) error = NULL;
    Scene s = {.folder = test_folder_new()};
    s.base = g_build_filename(s.folder, "base", NULL);
    s.inner = g_build_filename(s.folder, "inner", NULL);
    s.leaf = g_build_filename(s.folder, "leaf", NULL);
    image_create(s.base, "qcow2", &(ImageCreateOptions){.size = SIZE}, &error);
    put(s.base, 0, SIZE, 1);
    image_create(s.inner, "qcow2", &(ImageCreateOptions){.size = SIZE / 2, .backing_file = "base"}, &error);
    image_create(s.leaf, "qcow2", &(ImageCreateOptions){.size = SIZE * 2, .backing_file = "inner"}, &error);
    g_assert_no_error(error);
    g_autofree guint8 *before = shown_by(s.leaf, SIZE * 2);
    g_assert_cmpuint(before[SIZE / 2 - 1], ==, 1);
    g_assert_cmpuint(before[SIZE / 2], ==, 0);
    image_merge(s.leaf, NULL, NULL, &error);
    g_assert_no_error(error);
    g_autofree guint8 *after = shown_by(s.leaf, SIZE * 2);
    g_assert_cmpmem(before, SIZE * 2, after, SIZE * 2);
    image_merge(s.leaf, NULL, NULL, &error);
    g_assert_no_error(error);
    g_autofree guint8 *flat = shown_by(s.leaf, SIZE * 2);
    g_assert_cmpmem(before, SIZE * 2, flat, SIZE * 2);
    g_assert_false(image_merge(s.leaf, NULL, NULL, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID);
    scene_free(&s);
}

static void test_chain(void)
{
    g_autoptr(GError) error = NULL;
    Scene s = scene_new();
    g_autoptr(GPtrArray) chain = image_chain(s.leaf, "qcow2", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(chain->len, ==, 3);
    g_assert_cmpstr(((ImageInfo *)chain->pdata[1])->path, ==, s.inner);
    g_assert_cmpstr(((ImageInfo *)chain->pdata[2])->path, ==, s.base);
    g_assert_cmpstr(((ImageInfo *)chain->pdata[1])->backing_file, ==, "base");
    g_unlink(s.base);
    g_assert_null(image_chain(s.leaf, NULL, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "inner"));
    g_clear_error(&error);
    image_rebase(s.inner, NULL, "leaf", "qcow2", TRUE, NULL, &error);
    g_assert_no_error(error);
    g_assert_null(image_chain(s.leaf, NULL, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT);
    scene_free(&s);
}

static void assert_state(const char *path, const char *print, const char *folder, ImageBaseState expected,
                         const char *where)
{
    g_autofree char *sentence = NULL, *found = NULL;
    const char *folders[] = {folder, NULL};
    ImageBaseState state =
        image_fingerprint_check(path, print, folder ? folders : NULL, &found, &sentence, NULL);
    g_test_message("%s", sentence ? sentence : "the same");
    g_assert_cmpint((int)state, ==, (int)expected);
    g_assert_cmpstr(found, ==, where);
    g_assert_true((sentence == NULL) == (state == IMAGE_BASE_SAME));
}

static void test_fingerprint(void)
{
    g_autoptr(GError) error = NULL;
    Scene s = scene_new();
    g_autofree char *print = image_fingerprint(s.base, FALSE, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(strlen(print), <=, 200);
    assert_state(s.base, print, NULL, IMAGE_BASE_SAME, NULL);

    /* touched, but the contents are the same */
    struct utimbuf times = {1000, 1000};
    g_assert_cmpint(utime(s.base, &times), ==, 0);
    assert_state(s.base, print, NULL, IMAGE_BASE_SAME, NULL);

    /* moved beside, moved into a folder that is named, gone */
    g_autofree char *beside = g_build_filename(s.folder, "renamed", NULL);
    g_assert_cmpint(g_rename(s.base, beside), ==, 0);
    assert_state(s.base, print, NULL, IMAGE_BASE_MOVED, beside);
    char *other = test_folder_new();
    g_autofree char *away = g_build_filename(other, "away", NULL), *line = NULL;
    line = g_strdup_printf("cp renamed %s", away);
    g_assert_cmpint(run_words(s.folder, line), ==, 0);
    g_unlink(beside);
    assert_state(s.base, print, NULL, IMAGE_BASE_MISSING, NULL);
    assert_state(s.base, print, other, IMAGE_BASE_MOVED, away);

    /* one byte, with the old times put back */
    g_free(line);
    line = g_strdup_printf("cp %s base", away);
    g_assert_cmpint(run_words(s.folder, line), ==, 0);
    assert_state(s.base, print, NULL, IMAGE_BASE_SAME, NULL);
    put(s.base, SIZE - 1000, 1, 9);
    g_assert_cmpint(utime(s.base, &times), ==, 0);
    assert_state(s.base, print, NULL, IMAGE_BASE_CHANGED, NULL);
    assert_state(s.base, "1 2 3", NULL, IMAGE_BASE_CHANGED, NULL);
    test_folder_free(other);
    scene_free(&s);
}

/* Too large to be hashed whole unasked: samples and times decide. */
static void test_fingerprint_large(void)
{
    g_autoptr(GError) error = NULL;
    char *folder = test_folder_new();
    g_autofree char *path = g_build_filename(folder, "disk", NULL);
    g_assert_cmpint(run_words(folder, "dd if=/dev/urandom of=disk bs=1M count=66 status=none"), ==, 0);
    g_autofree char *quick = image_fingerprint(path, FALSE, NULL, &error);
    g_autofree char *whole = image_fingerprint(path, TRUE, NULL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(quick, " s "));
    g_assert_nonnull(strstr(whole, " w "));
    g_assert_cmpint(run_words(folder, "cp -p disk copy"), ==, 0);
    g_autofree char *copy = g_build_filename(folder, "copy", NULL);
    assert_state(copy, quick, NULL, IMAGE_BASE_SAME, NULL);
    g_assert_cmpint(run_words(folder, "touch copy"), ==, 0);
    assert_state(copy, quick, NULL, IMAGE_BASE_CHANGED, NULL);
    assert_state(copy, whole, NULL, IMAGE_BASE_SAME, NULL);
    test_folder_free(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/images/tree/delete-inner", test_delete_inner);
    g_test_add_func("/images/tree/merge-sizes", test_merge_sizes);
    g_test_add_func("/images/tree/chain", test_chain);
    g_test_add_func("/images/tree/fingerprint", test_fingerprint);
    g_test_add_func("/images/tree/fingerprint-large", test_fingerprint_large);
    return g_test_run();
}
