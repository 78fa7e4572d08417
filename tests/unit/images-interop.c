/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Images of the field's tool opened here and ours opened there: same contents, clean tables, shared locks.
 * Skipped where qemu-img is not installed.
 */
#include "tests/unit/images-common.h"

#define SIZE (5u << 20)

typedef struct Row {
    const char *name;
    const char *create; /* -o of the tool */
    gboolean compressed;
    ImageCreateOptions options; /* the same for us */
} Row;

static const Row rows[] = {
    {"default", "compat=1.1", FALSE, {0}},
    {"v2", "compat=0.10", FALSE, {.version = 2}},
    {"512", "cluster_size=512", FALSE, {.cluster_size = 512}},
    {"1k-rc1", "cluster_size=1024,refcount_bits=1", FALSE, {.cluster_size = 1024, .refcount_bits = 1}},
    {"4k-rc2", "cluster_size=4096,refcount_bits=2", FALSE, {.cluster_size = 4096, .refcount_bits = 2}},
    {"rc4", "refcount_bits=4", FALSE, {.refcount_bits = 4}},
    {"rc8", "refcount_bits=8", FALSE, {.refcount_bits = 8}},
    {"rc32", "refcount_bits=32", FALSE, {.refcount_bits = 32}},
    {"rc64-2m", "refcount_bits=64,cluster_size=2M", FALSE, {.refcount_bits = 64, .cluster_size = 2 << 20}},
    {"lazy", "lazy_refcounts=on", FALSE, {.lazy_refcounts = TRUE}},
    {"extended", "extended_l2=on", FALSE, {.extended_l2 = TRUE}},
    {"extended-16k", "extended_l2=on,cluster_size=16k", FALSE, {.extended_l2 = TRUE, .cluster_size = 16384}},
    {"1k", "cluster_size=1k", FALSE, {.cluster_size = 1024}},
    {"2k-rc16", "cluster_size=2k,refcount_bits=16", FALSE, {.cluster_size = 2048, .refcount_bits = 16}},
    {"8k", "cluster_size=8k", FALSE, {.cluster_size = 8192}},
    {"32k-v2", "cluster_size=32k,compat=0.10", FALSE, {.cluster_size = 32768, .version = 2}},
    {"128k-rc1", "cluster_size=128k,refcount_bits=1", FALSE, {.cluster_size = 131072, .refcount_bits = 1}},
    {"256k", "cluster_size=256k", FALSE, {.cluster_size = 262144}},
    {"512k", "cluster_size=512k", FALSE, {.cluster_size = 524288}},
    {"1m-lazy", "cluster_size=1M,lazy_refcounts=on", FALSE, {.cluster_size = 1 << 20, .lazy_refcounts = TRUE}},
    {"2m-v2", "cluster_size=2M,compat=0.10", FALSE, {.cluster_size = 2 << 20, .version = 2}},
    {"extended-2m-lazy",
     "extended_l2=on,cluster_size=2M,lazy_refcounts=on",
     FALSE,
     {.extended_l2 = TRUE, .cluster_size = 2 << 20, .lazy_refcounts = TRUE}},
    {"zlib", "cluster_size=64k", TRUE, {0}},
    {"zlib-v2", "compat=0.10", TRUE, {.version = 2}},
    {"zlib-4k-rc1", "cluster_size=4096,refcount_bits=1", TRUE, {.cluster_size = 4096, .refcount_bits = 1}},
    {"zlib-extended", "extended_l2=on", TRUE, {.extended_l2 = TRUE}},
    {"zstd", "compression_type=zstd", TRUE, {.compression = "zstd"}},
    {"zstd-2m",
     "compression_type=zstd,cluster_size=2M",
     TRUE,
     {.compression = "zstd", .cluster_size = 2 << 20}},
    {"zstd-4k-rc64",
     "compression_type=zstd,cluster_size=4k,refcount_bits=64",
     TRUE,
     {.compression = "zstd", .cluster_size = 4096, .refcount_bits = 64}},
    {"zstd-extended", "compression_type=zstd,extended_l2=on", TRUE, {.compression = "zstd", .extended_l2 = TRUE}},
    {"zlib-2m", "cluster_size=2M", TRUE, {.cluster_size = 2 << 20}},
    {"prealloc-off", "preallocation=off", FALSE, {.preallocation = IMAGE_PREALLOCATION_OFF}},
    {"prealloc-full", "preallocation=full", FALSE, {.preallocation = IMAGE_PREALLOCATION_FULL}},
    {"prealloc-metadata-v2",
     "preallocation=metadata,compat=0.10",
     FALSE,
     {.preallocation = IMAGE_PREALLOCATION_METADATA, .version = 2}},
    {"prealloc-metadata-extended",
     "preallocation=metadata,extended_l2=on",
     FALSE,
     {.preallocation = IMAGE_PREALLOCATION_METADATA, .extended_l2 = TRUE}},
    {"prealloc-metadata", "preallocation=metadata", FALSE, {.preallocation = IMAGE_PREALLOCATION_METADATA}},
    {"prealloc-falloc", "preallocation=falloc", FALSE, {.preallocation = IMAGE_PREALLOCATION_FALLOC}},
    {"prealloc-full-extended",
     "preallocation=full,extended_l2=on",
     FALSE,
     {.preallocation = IMAGE_PREALLOCATION_FULL, .extended_l2 = TRUE}},
};

static gboolean skip_without_tool(void)
{
    if (have_qemu_img())
        return FALSE;
    g_test_skip("qemu-img is not installed");
    return TRUE;
}

/* Data, compressible data, zeros and holes */
static guint8 *make_contents(const char *folder)
{
    guint8 *bytes = g_malloc0(SIZE);
    fill_pattern(bytes, 700000, 1);
    memset(bytes + (1 << 20), 'x', 300001);
    fill_pattern(bytes + (2 << 20) + 777, 100, 3);
    fill_pattern(bytes + (3 << 20), 1 << 20, 4);
    memset(bytes + (3 << 20) + 65536 * 4, 0, 65536 * 3);
    memset(bytes + SIZE - 70000, 'y', 70000);
    g_autofree char *raw = g_build_filename(folder, "flat", NULL);
    g_assert_true(g_file_set_contents(raw, (char *)bytes, SIZE, NULL));
    return bytes;
}

static void assert_shows(Image *image, const guint8 *bytes, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *buffer = g_malloc(size);
    g_assert_cmpuint(image_size(image), ==, size);
    image_pread(image, 0, buffer, size, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(buffer, size, bytes, size);
}

static Image *open_image(const char *folder, const char *name, ImageOpenFlags flags)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    Image *image = image_open(path, NULL, flags, &error);
    g_assert_no_error(error);
    return image;
}

/* Changes all over the disk, in the image and in memory */
static void scribble(Image *image, guint8 *bytes)
{
    g_autoptr(GError) error = NULL;
    static const struct {
        guint32 offset, length;
    } writes[] = {{0, 512},      {4095, 3},         {65530, 70000}, {600000, 200000},
                  {1100000, 10}, {2500000, 400000}, {SIZE - 1, 1}};
    for (gsize i = 0; i < G_N_ELEMENTS(writes); i++) {
        fill_pattern(bytes + writes[i].offset, writes[i].length, (guint32)i + 100);
        image_pwrite(image, writes[i].offset, bytes + writes[i].offset, writes[i].length, &error);
        g_assert_no_error(error);
    }
    memset(bytes + 3300000, 0, 500001);
    image_write_zeroes(image, 3300000, 500001, &error);
    g_assert_no_error(error);
}

static void close_image(Image *image)
{
    g_autoptr(GError) error = NULL;
    image_close(image, &error);
    g_assert_no_error(error);
}

/* The tool agrees that the image is clean and shows @bytes. */
static void assert_tool_agrees(const char *folder, const char *name, const guint8 *bytes, gsize size)
{
    g_autofree char *path = g_build_filename(folder, "expected", NULL);
    g_assert_true(g_file_set_contents(path, (char *)bytes, (gssize)size, NULL));
    assert_qemu_clean(folder, name);
    g_autofree char *line = g_strdup_printf("qemu-img compare -q -f qcow2 -F raw %s expected", name);
    g_assert_cmpint(run_words(folder, line), ==, 0);
}

static void test_theirs(gconstpointer data)
{
    const Row *row = data;
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    g_autofree char *line = g_strdup_printf("qemu-img convert -q -f raw -O qcow2 %s -o %s flat theirs",
                                            row->compressed ? "-c" : "", row->create);
    g_assert_cmpint(run_words(folder, line), ==, 0);
    g_autofree char *path = g_build_filename(folder, "theirs", NULL);
    assert_clean(path);
    Image *image = open_image(folder, "theirs", IMAGE_OPEN_WRITABLE);
    assert_shows(image, bytes, SIZE);
    scribble(image, bytes);
    assert_shows(image, bytes, SIZE);
    close_image(image);
    assert_clean(path);
    assert_tool_agrees(folder, "theirs", bytes, SIZE);
    test_folder_free(folder);
}

static void test_ours(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(GError) error = NULL;
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    Image *flat = open_image(folder, "flat", IMAGE_OPEN_READ_ONLY);
    g_autofree char *path = g_build_filename(folder, "ours", NULL);
    ImageConvertOptions options = {.create = row->options, .compress = row->compressed, .verify = TRUE};
    image_convert(flat, path, "qcow2", &options, NULL, &error);
    g_assert_no_error(error);
    close_image(flat);
    assert_clean(path);
    assert_tool_agrees(folder, "ours", bytes, SIZE);
    if (row->compressed) {
        g_autoptr(Image) image = open_image(folder, "ours", IMAGE_OPEN_READ_ONLY);
        g_autoptr(ImageCheck) check = image_check(image, IMAGE_REPAIR_NONE, NULL, NULL);
        g_assert_cmpuint(check->compressed_clusters, >, 0);
    }
    /* written by the tool, read here */
    g_assert_cmpint(
        run_words(folder, "qemu-io -f qcow2 -c 'write -P 0x5a 1234432 99840' -c 'write -z 0 131072' ours"),
        ==, 0);
    memset(bytes + 1234432, 0x5a, 99840);
    memset(bytes, 0, 131072);
    Image *image = open_image(folder, "ours", IMAGE_OPEN_WRITABLE);
    assert_shows(image, bytes, SIZE);
    scribble(image, bytes);
    close_image(image);
    assert_tool_agrees(folder, "ours", bytes, SIZE);
    test_folder_free(folder);
}

static void test_chain(void)
{
    if (skip_without_tool())
        return;
    g_autoptr(GError) error = NULL;
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    g_autofree char *mine = g_build_filename(folder, "mine", NULL);
    /* raw base, their overlay, our overlay, their overlay, longer than what is below */
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 -b flat -F raw first"), ==, 0);
    g_assert_cmpint(
        run_words(folder, "qemu-io -f qcow2 -c 'write -P 1 0 70000' -c 'write -z 1048576 65536' first"), ==,
        0);
    image_create(mine, "qcow2", &(ImageCreateOptions){.backing_file = "first"}, &error);
    g_assert_no_error(error);
    Image *image = open_image(folder, "mine", IMAGE_OPEN_WRITABLE);
    memset(bytes, 1, 70000);
    memset(bytes + 1048576, 0, 65536);
    assert_shows(image, bytes, SIZE);
    scribble(image, bytes);
    close_image(image);
    assert_tool_agrees(folder, "mine", bytes, SIZE);
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 -b mine -F qcow2 last 6M"), ==, 0);
    image = open_image(folder, "last", IMAGE_OPEN_WRITABLE);
    g_assert_cmpuint(image_chain_length(image), ==, 4);
    g_autofree guint8 *longer = g_malloc0(6 << 20);
    memcpy(longer, bytes, SIZE);
    assert_shows(image, longer, 6 << 20);
    close_image(image);

    /* the same after a commit and rebases here */
    g_autofree char *last = g_build_filename(folder, "last", NULL);
    image_rebase(last, NULL, "flat", "raw", FALSE, NULL, &error);
    g_assert_no_error(error);
    assert_tool_agrees(folder, "last", longer, 6 << 20);
    image_rebase(last, NULL, "first", NULL, FALSE, NULL, &error);
    g_assert_no_error(error);
    assert_tool_agrees(folder, "last", longer, 6 << 20);
    image_merge(last, NULL, NULL, &error);
    g_assert_no_error(error);
    assert_tool_agrees(folder, "last", longer, 6 << 20);
    g_autoptr(ImageInfo) info = image_read_info(last, NULL, &error);
    g_assert_cmpstr(info->backing_file, ==, "flat");
    image_rebase(last, NULL, NULL, NULL, FALSE, NULL, &error);
    g_assert_no_error(error);
    assert_tool_agrees(folder, "last", longer, 6 << 20);
    test_folder_free(folder);
}

/* Internal snapshots are not ours to make, but writing must leave them as they are. */
static void test_snapshots(void)
{
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    g_autofree guint8 *before = g_memdup2(bytes, SIZE);
    g_assert_cmpint(run_words(folder, "qemu-img convert -f raw -O qcow2 flat disk"), ==, 0);
    g_assert_cmpint(run_words(folder, "qemu-img snapshot -c one disk"), ==, 0);
    g_autofree char *path = g_build_filename(folder, "disk", NULL);
    assert_clean(path);
    Image *image = open_image(folder, "disk", IMAGE_OPEN_WRITABLE);
    scribble(image, bytes);
    assert_shows(image, bytes, SIZE);
    close_image(image);
    assert_clean(path);
    assert_tool_agrees(folder, "disk", bytes, SIZE);
    g_autoptr(ImageInfo) info = image_read_info(path, NULL, NULL);
    g_assert_cmpstr(info->snapshots[0], ==, "one");
    /* the snapshot itself can be looked at, by name and by identifier */
    g_autoptr(GError) error = NULL;
    const char *const names[] = {"one", "1"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        image = image_open_snapshot(path, "qcow2", names[i], &error);
        g_assert_no_error(error);
        assert_shows(image, before, SIZE);
        g_autoptr(GPtrArray) list = image_list_snapshots(image);
        g_assert_cmpuint(list->len, ==, 1);
        g_assert_cmpstr(((ImageSnapshot *)list->pdata[0])->name, ==, "one");
        g_assert_cmpuint(((ImageSnapshot *)list->pdata[0])->size, ==, SIZE);
        close_image(image);
    }
    g_assert_null(image_open_snapshot(path, "qcow2", "two", &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_false(image_compact(path, "qcow2", FALSE, NULL, &error)); /* it would lose the snapshot */
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED);
    g_assert_cmpint(run_words(folder, "qemu-img snapshot -a one disk"), ==, 0);
    assert_tool_agrees(folder, "disk", before, SIZE);
    g_assert_cmpint(run_words(folder, "qemu-img snapshot -d one disk"), ==, 0);
    for (guint compress = 0; compress < 2; compress++) {
        g_clear_error(&error);
        image_compact(path, "qcow2", compress != 0, NULL, &error);
        g_assert_no_error(error);
        assert_clean(path);
        assert_tool_agrees(folder, "disk", before, SIZE);
    }
    test_folder_free(folder);
}

/* Killed with lazy counts: readable at once, repaired by the first opening for writing. */
static void test_dirty(void)
{
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 -o lazy_refcounts=on disk 4M"), ==, 0);
    run_words(folder, "qemu-io -f qcow2 -c 'write -P 7 0 1M' -c 'flush' -c 'abort' disk");
    g_autofree char *path = g_build_filename(folder, "disk", NULL);
    g_autoptr(ImageInfo) info = image_read_info(path, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(info->dirty);
    Image *image = open_image(folder, "disk", IMAGE_OPEN_READ_ONLY);
    guint8 byte = 0;
    g_assert_true(image_pread(image, 1000000, &byte, 1, NULL));
    g_assert_cmpuint(byte, ==, 7);
    close_image(image);
    image = open_image(folder, "disk", IMAGE_OPEN_WRITABLE);
    g_assert_true(image_pwrite(image, 2000000, &byte, 1, &error));
    close_image(image);
    assert_clean(path);
    assert_qemu_clean(folder, "disk");
    g_clear_pointer(&info, image_info_free);
    info = image_read_info(path, NULL, &error);
    g_assert_false(info->dirty);
    test_folder_free(folder);
}

static void assert_refused(const char *folder, const char *name, ImageError code)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_assert_null(image_open(path, NULL, IMAGE_OPEN_READ_ONLY, &error));
    g_assert_error(error, IMAGE_ERROR, (gint)code);
    g_assert_true(g_str_has_suffix(error->message, "."));
    g_autoptr(ImageInfo) info = image_read_info(path, NULL, NULL);
    g_assert_nonnull(info);
}

static void test_refusals(void)
{
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    /* encryption by its field in the header: making a real LUKS image takes as long as its author's patience
     */
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 luks 1M"), ==, 0);
    g_autofree char *path = g_build_filename(folder, "luks", NULL), *bytes = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    bytes[35] = 2;
    g_assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
    assert_refused(folder, "luks", IMAGE_ERROR_UNSUPPORTED);
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 -o data_file=data external 1M"), ==, 0);
    assert_refused(folder, "external", IMAGE_ERROR_UNSUPPORTED);
    /* what would pass for a raw disk is one only when that is said */
    static const char *const others[] = {
        "-f qcow", "-f qed", "-f parallels",
        "--object secret,id=s,data=x -f luks -o key-secret=s,iter-time=10"};
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *line = g_strdup_printf("qemu-img create -q %s other%zu 4M", others[i], i);
        g_autofree char *name = g_strdup_printf("other%zu", i), *other = g_build_filename(folder, name, NULL);
        g_autoptr(GError) error = NULL;
        if (run_words(folder, line) != 0)
            continue; /* the tool can be built without */
        g_assert_null(image_open(other, NULL, IMAGE_OPEN_READ_ONLY, &error));
        g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED);
        g_assert_true(g_str_has_suffix(error->message, "."));
        g_assert_null(image_probe(other, NULL));
        Image *raw = image_open(other, "raw", IMAGE_OPEN_READ_ONLY, NULL);
        g_assert_nonnull(raw);
        close_image(raw);
    }
    test_folder_free(folder);
}

/* Bitmaps of other programs: counted while valid, declared invalid by our first write. */
static void test_bitmaps(void)
{
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 disk 4M"), ==, 0);
    g_assert_cmpint(run_words(folder, "qemu-img bitmap --add disk b0"), ==, 0);
    g_assert_cmpint(run_words(folder, "qemu-io -f qcow2 -c 'write 0 65536' disk"), ==, 0);
    g_autofree char *path = g_build_filename(folder, "disk", NULL);
    assert_clean(path);
    Image *image = open_image(folder, "disk", IMAGE_OPEN_WRITABLE);
    g_assert_true(image_pwrite(image, 100, "x", 1, &error));
    close_image(image);
    /* the tool reports leaks (3) at most, and repairs them */
    int status = run_words(folder, "qemu-img check -q -f qcow2 disk");
    g_assert_true(status == 0 || status == 3);
    image = open_image(folder, "disk", IMAGE_OPEN_WRITABLE);
    g_autoptr(ImageCheck) check = image_check(image, IMAGE_REPAIR_LEAKS, NULL, &error);
    g_assert_no_error(error);
    close_image(image);
    assert_clean(path);
    test_folder_free(folder);
}

/* ---- Locks -----------------------------------------------------------------------------------------------
 */

static void test_locks_ours(void)
{
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 base 4M"), ==, 0);
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 -b base -F qcow2 over"), ==, 0);
    Image *image = open_image(folder, "over", IMAGE_OPEN_WRITABLE);
    g_assert_cmpint(run_words(folder, "qemu-img info over"), !=, 0);
    g_assert_cmpint(run_words(folder, "qemu-io -f qcow2 -c 'write 0 512' over"), !=, 0);
    g_assert_cmpint(run_words(folder, "qemu-io -f qcow2 -c 'write 0 512' base"), !=, 0);
    g_assert_cmpint(run_words(folder, "qemu-io -r -f qcow2 -c 'read 0 512' base"), ==, 0);
    close_image(image);
    g_assert_cmpint(run_words(folder, "qemu-io -f qcow2 -c 'write 0 512' over"), ==, 0);
    image = open_image(folder, "over", IMAGE_OPEN_READ_ONLY);
    g_assert_cmpint(run_words(folder, "qemu-img info over"), ==, 0);
    g_assert_cmpint(run_words(folder, "qemu-io -f qcow2 -c 'write 0 512' over"), !=, 0);
    close_image(image);
    test_folder_free(folder);
}

static void test_locks_theirs(void)
{
    if (skip_without_tool())
        return;
    g_autoptr(GError) error = NULL;
    char *folder = test_folder_new();
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 base 4M"), ==, 0);
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f qcow2 -b base -F qcow2 over"), ==, 0);
    g_autofree char *over = g_build_filename(folder, "over", NULL),
                    *base = g_build_filename(folder, "base", NULL);
    /* holds the image open until its input ends; answers a command, so that we know when it has it */
    g_autoptr(GSubprocess) io =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "qemu-io",
                         "-f", "qcow2", over, NULL);
    g_assert_no_error(error);
    GOutputStream *in = g_subprocess_get_stdin_pipe(io);
    GInputStream *out = g_subprocess_get_stdout_pipe(io);
    g_output_stream_write_all(in, "write 0 512\n", 12, NULL, NULL, &error);
    g_output_stream_flush(in, NULL, &error);
    GString *answer = g_string_new(NULL);
    while (!strstr(answer->str, "wrote 512/512")) {
        char byte;
        g_assert_cmpint(g_input_stream_read(out, &byte, 1, NULL, &error), ==, 1);
        g_string_append_c(answer, byte);
    }
    g_string_free(answer, TRUE);

    g_assert_null(image_open(over, "qcow2", IMAGE_OPEN_WRITABLE, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_LOCKED);
    g_clear_error(&error);
    g_assert_null(image_open(over, "qcow2", IMAGE_OPEN_READ_ONLY, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_LOCKED);
    g_clear_error(&error);
    g_assert_null(image_open(base, "qcow2", IMAGE_OPEN_WRITABLE, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_LOCKED);
    g_clear_error(&error);
    Image *image = image_open(base, "qcow2", IMAGE_OPEN_READ_ONLY, &error);
    g_assert_no_error(error);
    close_image(image);
    image = image_open(over, "qcow2", IMAGE_OPEN_READ_ONLY | IMAGE_OPEN_SHARE, &error);
    g_assert_no_error(error);
    close_image(image);

    g_output_stream_close(in, NULL, NULL);
    g_subprocess_wait(io, NULL, NULL);
    image = image_open(over, "qcow2", IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    close_image(image);
    test_folder_free(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *theirs = g_strdup_printf("/images/interop/theirs/%s", rows[i].name);
        g_autofree char *ours = g_strdup_printf("/images/interop/ours/%s", rows[i].name);
        g_test_add_data_func(theirs, &rows[i], test_theirs);
        g_test_add_data_func(ours, &rows[i], test_ours);
    }
    g_test_add_func("/images/interop/chain", test_chain);
    g_test_add_func("/images/interop/snapshots", test_snapshots);
    g_test_add_func("/images/interop/dirty", test_dirty);
    g_test_add_func("/images/interop/refusals", test_refusals);
    g_test_add_func("/images/interop/bitmaps", test_bitmaps);
    g_test_add_func("/images/interop/locks-ours", test_locks_ours);
    g_test_add_func("/images/interop/locks-theirs", test_locks_theirs);
    return g_test_run();
}
