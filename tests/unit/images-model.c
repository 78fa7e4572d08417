/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random operations on images against a flat array in memory: whatever is written, zeroed, discarded,
 * resized, stacked and reopened in whatever order, the image shows what the array holds, and its tables are
 * clean.
 */
#include "tests/unit/images-common.h"

typedef struct Row {
    const char *name;
    const char *format;
    ImageCreateOptions options;
} Row;

static const Row rows[] = {
    {"raw", "raw", {0}},
    {"qcow2", "qcow2", {0}},
    {"qcow2-v2", "qcow2", {.version = 2, .cluster_size = 4096}},
    {"qcow2-512", "qcow2", {.cluster_size = 512}},
    {"qcow2-512-rc64", "qcow2", {.cluster_size = 512, .refcount_bits = 64}},
    {"qcow2-4k-rc1", "qcow2", {.cluster_size = 4096, .refcount_bits = 1}},
    {"qcow2-1k-rc2-lazy", "qcow2", {.cluster_size = 1024, .refcount_bits = 2, .lazy_refcounts = TRUE}},
    {"qcow2-16k-extended", "qcow2", {.cluster_size = 16384, .extended_l2 = TRUE}},
    {"qcow2-64k-extended-rc32", "qcow2", {.cluster_size = 65536, .extended_l2 = TRUE, .refcount_bits = 32}},
    {"qcow2-2m-zstd", "qcow2", {.cluster_size = 2 << 20, .compression = "zstd"}},
};

#define MAX_SIZE (6u << 20)

typedef struct Model {
    const Row *row;
    GRand *rand;
    char *folder;
    char *path;
    Image *image;
    guint8 *bytes;
    guint64 size;
    guint layers;
    GPtrArray *bases; /* their contents, as GBytes, in the order of layers */
} Model;

static void reopen(Model *m)
{
    g_autoptr(GError) error = NULL;
    image_close(g_steal_pointer(&m->image), &error);
    g_assert_no_error(error);
    if (!g_str_equal(m->row->format, "raw"))
        assert_clean(m->path);
    m->image = image_open(m->path, m->row->format, IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(image_size(m->image), ==, m->size);
}

static void compare(Model *m, guint64 offset, gsize length)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *buffer = g_malloc(MAX(length, 1));
    image_pread(m->image, offset, buffer, length, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < length; i++) {
        if (buffer[i] != m->bytes[offset + i])
            g_error("byte %" G_GUINT64_FORMAT " is %02x, not %02x", offset + i, buffer[i],
                    m->bytes[offset + i]);
    }
}

static void pick_range(Model *m, guint64 *offset, gsize *length)
{
    gsize limit = g_rand_int_range(m->rand, 0, 4) ? 20000 : 1500000;
    *offset = g_rand_double_range(m->rand, 0, (double)m->size);
    *length = (gsize)g_rand_int_range(m->rand, 1, (gint32)limit);
    if (g_rand_boolean(m->rand)) {
        *offset &= ~(guint64)4095;
        *length = (*length + 4095) & ~(gsize)4095;
    }
    *length = MIN(*length, m->size - *offset);
}

static void step_write(Model *m)
{
    g_autoptr(GError) error = NULL;
    guint64 offset;
    gsize length;
    pick_range(m, &offset, &length);
    fill_pattern(m->bytes + offset, length, g_rand_int(m->rand));
    image_pwrite(m->image, offset, m->bytes + offset, length, &error);
    g_assert_no_error(error);
}

static void step_zero(Model *m)
{
    g_autoptr(GError) error = NULL;
    guint64 offset;
    gsize length;
    pick_range(m, &offset, &length);
    memset(m->bytes + offset, 0, length);
    image_write_zeroes(m->image, offset, length, &error);
    g_assert_no_error(error);
}

static void step_discard(Model *m)
{
    g_autoptr(GError) error = NULL;
    guint64 offset;
    gsize length;
    pick_range(m, &offset, &length);
    image_discard(m->image, offset, length, &error);
    g_assert_no_error(error);
    g_autofree guint8 *now = g_malloc(MAX(length, 1));
    image_pread(m->image, offset, now, length, &error);
    g_assert_no_error(error);
    for (gsize i = 0; i < length; i++)
        g_assert_true(now[i] == 0 || now[i] == m->bytes[offset + i]);
    memcpy(m->bytes + offset, now, length);
}

static void step_overlay(Model *m)
{
    g_autoptr(GError) error = NULL;
    if (g_str_equal(m->row->format, "raw") || m->layers >= 3)
        return;
    image_close(g_steal_pointer(&m->image), &error);
    g_assert_no_error(error);
    char *contents;
    gsize length;
    g_file_get_contents(m->path, &contents, &length, &error);
    g_assert_no_error(error);
    g_ptr_array_add(m->bases, g_bytes_new_take(contents, length));

    ImageCreateOptions options = m->row->options;
    g_autofree char *base = g_path_get_basename(m->path);
    g_free(m->path);
    m->layers++;
    m->path = g_strdup_printf("%s/layer%u", m->folder, m->layers);
    options.backing_file = base;
    options.backing_format = m->row->format;
    options.size = m->size;
    image_create(m->path, m->row->format, &options, &error);
    g_assert_no_error(error);
    m->image = image_open(m->path, m->row->format, IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(image_chain_length(m->image), ==, m->layers + 1);
}

static void step_resize(Model *m)
{
    g_autoptr(GError) error = NULL;
    guint64 size = ((guint64)g_rand_int_range(m->rand, 1, MAX_SIZE / 512)) * 512;
    if (g_rand_int_range(m->rand, 0, 3))
        size = MAX(size, m->size);
    if (size > m->size)
        memset(m->bytes + m->size, 0, size - m->size);
    image_resize(m->image, size, TRUE, &error);
    g_assert_no_error(error);
    m->size = size;
}

static void run_model(const Row *row, guint32 seed, guint steps)
{
    g_autoptr(GError) error = NULL;
    Model m = {.row = row, .rand = g_rand_new_with_seed(seed), .folder = test_folder_new(), .size = 3u << 20};
    m.bytes = g_malloc0(MAX_SIZE);
    m.path = g_strdup_printf("%s/layer0", m.folder);
    m.bases = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    ImageCreateOptions options = row->options;
    options.size = m.size;
    image_create(m.path, row->format, &options, &error);
    g_assert_no_error(error);
    m.image = image_open(m.path, row->format, IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);

    for (guint i = 0; i < steps; i++) {
        gint32 dice = g_rand_int_range(m.rand, 0, 100);
        guint64 offset;
        gsize length;
        if (dice < 45) {
            step_write(&m);
        } else if (dice < 60) {
            step_zero(&m);
        } else if (dice < 70) {
            step_discard(&m);
        } else if (dice < 85) {
            pick_range(&m, &offset, &length);
            compare(&m, offset, length);
        } else if (dice < 90) {
            image_flush(m.image, &error);
            g_assert_no_error(error);
        } else if (dice < 94) {
            reopen(&m);
        } else if (dice < 96) {
            step_overlay(&m);
        } else {
            step_resize(&m);
        }
    }
    compare(&m, 0, m.size);
    reopen(&m);
    compare(&m, 0, m.size);
    image_close(g_steal_pointer(&m.image), &error);
    g_assert_no_error(error);

    /* A base is never written: byte for byte what it was when the first overlay came. */
    for (guint i = 0; i < m.bases->len; i++) {
        g_autofree char *path = g_strdup_printf("%s/layer%u", m.folder, i), *contents = NULL;
        gsize length;
        g_assert_true(g_file_get_contents(path, &contents, &length, NULL));
        g_autoptr(GBytes) now = g_bytes_new(contents, length);
        g_assert_true(g_bytes_equal(now, m.bases->pdata[i]));
    }
    /* The peer sees the same contents and finds nothing wrong. */
    if (have_qemu_img() && !g_str_equal(row->format, "raw")) {
        g_autofree char *flat = g_build_filename(m.folder, "flat", NULL);
        g_assert_true(g_file_set_contents(flat, (char *)m.bytes, (gssize)m.size, NULL));
        g_autofree char *name = g_path_get_basename(m.path);
        assert_qemu_clean(m.folder, name);
        g_autofree char *line = g_strdup_printf("qemu-img compare -q -f qcow2 -F raw %s flat", name);
        g_assert_cmpint(run_words(m.folder, line), ==, 0);
    }
    g_ptr_array_unref(m.bases);
    g_free(m.bytes);
    g_free(m.path);
    g_rand_free(m.rand);
    test_folder_free(m.folder);
}

static void test_model(gconstpointer data)
{
    guint seeds = g_test_slow() ? 40 : 2;
    for (guint32 seed = 1; seed <= seeds; seed++) {
        g_test_message("seed %u", seed);
        run_model(data, seed, 150);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/images/model/%s", rows[i].name);
        g_test_add_data_func(name, &rows[i], test_model);
    }
    return g_test_run();
}
