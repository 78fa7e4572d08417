/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of disk images share: a folder of their own, patterns, and the peer tool where it is
 * installed. */
#ifndef VITRINE_TESTS_IMAGES_COMMON_H
#define VITRINE_TESTS_IMAGES_COMMON_H

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "images/images.h"

/* A folder for one test; removed with all in it. */
static inline char *test_folder_new(void)
{
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("vitrine-images-XXXXXX", &error);
    g_assert_no_error(error);
    return folder;
}

static inline void test_folder_free(char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
}

static inline void fill_pattern(guint8 *buffer, gsize length, guint32 seed)
{
    for (gsize i = 0; i < length; i++) {
        seed = seed * 1664525u + 1013904223u;
        buffer[i] = (guint8)(seed >> 24);
    }
}

static inline gboolean have_qemu_img(void)
{
    g_autofree char *path = g_find_program_in_path("qemu-img");
    return path != NULL;
}

/* Runs a command line made of words; returns the exit status and shows the output of a failure. */
static inline int run_words(const char *folder, const char *line)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = NULL;
    g_autofree char *out = NULL, *err = NULL;
    int status = 0;
    g_assert_true(g_shell_parse_argv(line, NULL, &words, NULL));
    g_spawn_sync(folder, words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, &status, &error);
    g_assert_no_error(error);
    int code = g_spawn_check_wait_status(status, NULL) ? 0 : (status >> 8 & 255);
    if (code)
        g_test_message("%s: status %d\n%s%s", line, code, out, err);
    return code;
}

static inline void assert_qemu_clean(const char *folder, const char *name)
{
    if (!have_qemu_img())
        return;
    g_autofree char *line = g_strdup_printf("qemu-img check -q -f qcow2 %s", name);
    g_assert_cmpint(run_words(folder, line), ==, 0);
}

/* No corruption and no leak, by our own check. */
static inline void assert_clean(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Image) image = image_open(path, NULL, IMAGE_OPEN_READ_ONLY | IMAGE_OPEN_NO_BACKING, &error);
    g_assert_no_error(error);
    g_autoptr(ImageCheck) check = image_check(image, IMAGE_REPAIR_NONE, NULL, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < check->messages->len; i++)
        g_test_message("%s: %s", path, (char *)check->messages->pdata[i]);
    g_assert_cmpuint(check->corruptions, ==, 0);
    g_assert_cmpuint(check->leaks, ==, 0);
}

#endif
