/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder for each test of images, and the few things that such tests do to the files in it; all of them assert. */
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/images-common.h"

typedef struct Fixture {
    char *folder;
} Fixture;

static inline void setup(Fixture *f, gconstpointer data)
{
    f->folder = test_folder_new();
}

static inline void teardown(Fixture *f, gconstpointer data)
{
    test_folder_free(f->folder);
}

/* In the fixture's folder; kept until the program ends, which is soon. */
static inline const char *at(Fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    return g_intern_string(path);
}

static inline void create(Fixture *f, const char *name, const char *format, ImageCreateOptions options)
{
    g_autoptr(GError) error = NULL;
    image_create(at(f, name), format, &options, &error);
    g_assert_no_error(error);
}

static inline Image *open_ok(Fixture *f, const char *name, const char *format, ImageOpenFlags flags)
{
    g_autoptr(GError) error = NULL;
    Image *image = image_open(at(f, name), format, flags, &error);
    g_assert_no_error(error);
    return image;
}

static inline void close_ok(Image *image)
{
    g_autoptr(GError) error = NULL;
    image_close(image, &error);
    g_assert_no_error(error);
}

/* Every refusal is a sentence. */
static inline void assert_open_fails(Fixture *f, const char *name, const char *format, ImageOpenFlags flags,
                              ImageError code)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(image_open(at(f, name), format, flags, &error));
    g_assert_error(error, IMAGE_ERROR, (gint)code);
    g_assert_true(g_str_has_suffix(error->message, ".") || g_str_has_suffix(error->message, ")."));
    g_assert_nonnull(strstr(error->message, "“"));
}

static inline void put(Image *image, guint64 offset, gsize length, guint8 value)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc(length);
    memset(bytes, value, length);
    image_pwrite(image, offset, bytes, length, &error);
    g_assert_no_error(error);
}

static inline void assert_bytes(Image *image, guint64 offset, gsize length, guint8 value)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc(length);
    image_pread(image, offset, bytes, length, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < length; i++)
        g_assert_cmphex(bytes[i], ==, value);
}

static inline void poke(Fixture *f, const char *name, off_t offset, const void *bytes, gsize length)
{
    int fd = open(at(f, name), O_WRONLY);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pwrite(fd, bytes, length, offset), ==, (gssize)length);
    close(fd);
}

static inline void poke64(Fixture *f, const char *name, off_t offset, guint64 value)
{
    value = GUINT64_TO_BE(value);
    poke(f, name, offset, &value, 8);
}

static inline guint64 peek64(Fixture *f, const char *name, off_t offset)
{
    guint64 value = 0;
    int fd = open(at(f, name), O_RDONLY);
    g_assert_cmpint(pread(fd, &value, 8, offset), ==, 8);
    close(fd);
    return GUINT64_FROM_BE(value);
}

static inline guint files_in(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint n = 0;
    while (g_dir_read_name(dir))
        n++;
    return n;
}

/* Default layout of a new image here: header, refcount table, one block, L1, then what was written. */
enum {
    CLUSTER = 65536,
};

static inline void make_filled(Fixture *f, const char *name)
{
    create(f, name, "qcow2", (ImageCreateOptions){.size = 4 << 20, .overwrite = TRUE});
    Image *image = open_ok(f, name, NULL, IMAGE_OPEN_WRITABLE);
    put(image, 0, 5 * CLUSTER, 'x');
    close_ok(image);
}
