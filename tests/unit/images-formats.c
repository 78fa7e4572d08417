/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The other formats: what the field's tool makes is read (and written where we write) here, what is made here
 * is read there; Apple and CD images are made by this test; everything that is not supported is refused with
 * a sentence.
 */
#include "images/bytes.h"
#include "images/internal.h"
#include "images/vhdx.h"
#include "tests/unit/images-common.h"
#include "tests/unit/images-dmg.h"

#define SIZE (5u << 20)

typedef struct Row {
    const char *name;
    const char *tool;   /* -O and -o of the tool */
    const char *format; /* our name */
    gboolean writable;
    gboolean rounded; /* the tool may make the disk longer */
} Row;

static const Row rows[] = {
    {"vmdk-sparse", "vmdk -o subformat=monolithicSparse", "vmdk", TRUE, FALSE},
    {"vmdk-flat", "vmdk -o subformat=monolithicFlat", "vmdk", TRUE, FALSE},
    {"vmdk-parts-sparse", "vmdk -o subformat=twoGbMaxExtentSparse", "vmdk", TRUE, FALSE},
    {"vmdk-parts-flat", "vmdk -o subformat=twoGbMaxExtentFlat", "vmdk", TRUE, FALSE},
    {"vmdk-stream", "vmdk -o subformat=streamOptimized", "vmdk", FALSE, FALSE},
    {"vmdk-zeroed", "vmdk -o zeroed_grain=on", "vmdk", TRUE, FALSE},
    {"vmdk-6", "vmdk -o compat6=on,adapter_type=lsilogic", "vmdk", TRUE, FALSE},
    {"vdi", "vdi", "vdi", TRUE, FALSE},
    {"vdi-static", "vdi -o static=on", "vdi", TRUE, FALSE},
    {"vdi-full", "vdi -o preallocation=full", "vdi", TRUE, FALSE},
    {"vhd", "vpc", "vhd", TRUE, TRUE},
    {"vhd-fixed", "vpc -o subformat=fixed", "vhd", TRUE, TRUE},
    {"vhd-exact", "vpc -o force_size=on", "vhd", TRUE, FALSE},
    {"vhd-fixed-exact", "vpc -o subformat=fixed,force_size=on", "vhd", TRUE, FALSE},
    {"vhdx", "vhdx", "vhdx", FALSE, FALSE},
    {"vhdx-fixed", "vhdx -o subformat=fixed", "vhdx", FALSE, FALSE},
    {"vhdx-blocks", "vhdx -o block_size=2M,log_size=2M", "vhdx", FALSE, FALSE},
    {"vhdx-small-blocks", "vhdx -o block_size=1M", "vhdx", FALSE, FALSE},
    {"vhdx-large-blocks", "vhdx -o block_size=256M", "vhdx", FALSE, FALSE},
    {"vhdx-no-zero", "vhdx -o block_state_zero=off", "vhdx", FALSE, FALSE},
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
    guint8 *bytes = g_malloc0(2 * SIZE);
    fill_pattern(bytes, 700000, 1);
    memset(bytes + (1 << 20), 'x', 300001);
    fill_pattern(bytes + (2 << 20) + 777, 100, 3);
    fill_pattern(bytes + (4 << 20), 1 << 19, 4);
    memset(bytes + SIZE - 70000, 'y', 70000);
    g_autofree char *raw = g_build_filename(folder, "flat", NULL);
    g_assert_true(g_file_set_contents(raw, (char *)bytes, SIZE, NULL));
    return bytes;
}

static Image *open_in(const char *folder, const char *name, const char *format, ImageOpenFlags flags)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    Image *image = image_open(path, format, flags, &error);
    g_assert_no_error(error);
    return image;
}

static void close_image(Image *image)
{
    g_autoptr(GError) error = NULL;
    image_close(image, &error);
    g_assert_no_error(error);
}

static void assert_shows(Image *image, const guint8 *bytes, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *buffer = g_malloc(image_size(image));
    g_assert_cmpuint(image_size(image), >=, size);
    image_pread(image, 0, buffer, image_size(image), &error);
    g_assert_no_error(error);
    g_assert_cmpmem(buffer, size, bytes, size);
    g_assert_true(image_buffer_is_zero(buffer + size, image_size(image) - size));
    for (guint64 at = 0; at < image_size(image);) {
        ImageBlockStatus status;
        image_block_status(image, at, image_size(image) - at, &status, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(status.length, >, 0);
        if (status.block != IMAGE_BLOCK_DATA)
            g_assert_true(image_buffer_is_zero(buffer + at, status.length));
        at += status.length;
    }
    g_autoptr(ImageCheck) check = image_check(image, IMAGE_REPAIR_NONE, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(check->corruptions, ==, 0);
}

/* Random writes, zeros and discards, in the image and in memory */
static void scribble(Image *image, guint8 *bytes, guint32 seed)
{
    g_autoptr(GError) error = NULL;
    GRand *rand = g_rand_new_with_seed(seed);
    for (guint i = 0; i < 120; i++) {
        gsize length = (gsize)g_rand_int_range(rand, 1, i % 8 ? 9000 : 400000);
        guint64 offset = (guint64)g_rand_int_range(rand, 0, (gint32)(SIZE - length));
        if (i % 5 == 3) {
            memset(bytes + offset, 0, length);
            image_write_zeroes(image, offset, length, &error);
        } else if (i % 17 == 16) {
            image_discard(image, offset, length, &error);
            g_assert_no_error(error);
            image_pread(image, offset, bytes + offset, length, &error);
        } else {
            fill_pattern(bytes + offset, length, seed + i);
            image_pwrite(image, offset, bytes + offset, length, &error);
        }
        g_assert_no_error(error);
        if (i % 30 == 29)
            image_flush(image, &error);
        g_assert_no_error(error);
    }
    g_rand_free(rand);
}

static void assert_tool_agrees(const char *folder, const char *name, const char *format, const guint8 *bytes)
{
    const char *tool = g_str_equal(format, "vhd") ? "vpc" : format;
    g_autofree char *path = g_build_filename(folder, "expected", NULL);
    g_assert_true(g_file_set_contents(path, (char *)bytes, SIZE, NULL));
    g_autofree char *line = g_strdup_printf("qemu-img compare -q -f %s -F raw %s expected", tool, name);
    g_assert_cmpint(run_words(folder, line), ==, 0);
    if (!g_str_equal(tool, "vpc") && !g_str_equal(tool, "raw")) {
        g_autofree char *check = g_strdup_printf("qemu-img check -q -f %s %s", tool, name);
        int rc = run_words(folder, check);
        g_assert_true(rc == 0 || rc == 63); /* 63: has no check, as split vmdk files */
    }
}

static void test_theirs(gconstpointer data)
{
    const Row *row = data;
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    g_autofree char *line = g_strdup_printf("qemu-img convert -q -f raw -O %s flat disk.x", row->tool);
    g_assert_cmpint(run_words(folder, line), ==, 0);
    g_autofree char *path = g_build_filename(folder, "disk.x", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_cmpstr(image_probe(path, &error), ==, row->format);
    g_autoptr(ImageInfo) info = image_read_info(path, NULL, &error);
    g_assert_no_error(error);
    if (row->rounded)
        g_assert_cmpuint(info->size, >=, SIZE);
    else
        g_assert_cmpuint(info->size, ==, SIZE);
    Image *image = open_in(folder, "disk.x", NULL, IMAGE_OPEN_READ_ONLY);
    assert_shows(image, bytes, SIZE);
    /* and into our own format */
    g_autofree char *ours = g_build_filename(folder, "ours", NULL);
    image_convert(image, ours, "qcow2", &(ImageConvertOptions){.verify = TRUE}, NULL, &error);
    g_assert_no_error(error);
    close_image(image);
    assert_qemu_clean(folder, "ours");
    g_autofree char *compare = g_strdup_printf("qemu-img compare -q -F raw ours flat");
    g_assert_cmpint(run_words(folder, compare), ==, 0);
    if (row->writable) {
        for (guint32 round = 0; round < 3; round++) {
            image = open_in(folder, "disk.x", row->format, IMAGE_OPEN_WRITABLE);
            scribble(image, bytes, round * 1000 + 7);
            assert_shows(image, bytes, SIZE);
            close_image(image);
            image = open_in(folder, "disk.x", row->format, IMAGE_OPEN_READ_ONLY);
            assert_shows(image, bytes, SIZE);
            close_image(image);
            assert_tool_agrees(folder, "disk.x", row->format, bytes);
        }
    } else {
        g_assert_null(image_open(path, NULL, IMAGE_OPEN_WRITABLE, &error));
        g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED);
    }
    test_folder_free(folder);
}

static void test_ours(gconstpointer data)
{
    const char *format = data;
    g_autoptr(GError) error = NULL;
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    for (guint how = 0; how < 4; how++) {
        if (how == IMAGE_PREALLOCATION_METADATA && g_str_equal(format, "vmdk"))
            continue; /* refused: test_vmdk_flat() */
        g_autofree guint8 *copy = g_memdup2(bytes, SIZE);
        Image *flat = open_in(folder, "flat", "raw", IMAGE_OPEN_READ_ONLY);
        g_autofree char *path = g_build_filename(folder, "disk.x", NULL);
        ImageConvertOptions options = {.verify = TRUE};
        options.create.preallocation = (ImagePreallocation)how;
        options.create.overwrite = TRUE;
        image_convert(flat, path, format, &options, NULL, &error);
        g_assert_no_error(error);
        close_image(flat);
        g_assert_cmpstr(image_probe(path, NULL), ==, format);
        if (have_qemu_img())
            assert_tool_agrees(folder, "disk.x", format, copy);
        Image *image = open_in(folder, "disk.x", format, IMAGE_OPEN_WRITABLE);
        scribble(image, copy, how + 99);
        close_image(image);
        image = open_in(folder, "disk.x", NULL, IMAGE_OPEN_READ_ONLY);
        assert_shows(image, copy, SIZE);
        close_image(image);
        if (have_qemu_img())
            assert_tool_agrees(folder, "disk.x", format, copy);
        g_autofree char *part = g_build_filename(folder, "disk.x-flat.vmdk", NULL);
        g_unlink(part);
    }
    test_folder_free(folder);
}

/* A flat vmdk is a descriptor and a file beside it, which is never one that was there before. */
static void test_vmdk_flat(void)
{
    g_autoptr(GError) error = NULL;
    char *folder = test_folder_new();
    g_autofree char *path = g_build_filename(folder, "new.vmdk", NULL), *text = NULL;
    g_autofree char *part = g_build_filename(folder, "new-flat.vmdk", NULL), *kept = NULL;
    g_autofree char *quoted = g_build_filename(folder, "a\"b.vmdk", NULL);
    ImageCreateOptions options = {.size = SIZE, .preallocation = IMAGE_PREALLOCATION_METADATA};
    GStatBuf st;

    g_assert_false(image_create(path, "vmdk", &options, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID);
    g_clear_error(&error);
    options.preallocation = IMAGE_PREALLOCATION_FULL;
    g_assert_false(image_create(quoted, "vmdk", &options, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID);
    g_clear_error(&error);
    g_file_set_contents(part, "mine", 4, NULL);
    g_assert_false(image_create(path, "vmdk", &options, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_EXISTS);
    g_clear_error(&error);
    g_assert_true(g_file_get_contents(part, &kept, NULL, NULL));
    g_assert_cmpstr(kept, ==, "mine");
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

    g_unlink(part);
    image_create(path, "vmdk", &options, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "createType=\"monolithicFlat\""));
    g_assert_nonnull(strstr(text, "FLAT \"new-flat.vmdk\" 0\n"));
    g_assert_cmpint(g_stat(part, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, SIZE);
    g_assert_cmpint(st.st_blocks * 512, >=, SIZE);
    Image *image = open_in(folder, "new.vmdk", NULL, IMAGE_OPEN_READ_ONLY);
    g_autofree guint8 *zeros = g_malloc0(SIZE);
    assert_shows(image, zeros, SIZE);
    close_image(image);
    test_folder_free(folder);
}

/* A vmdk that stands on another shows through, and is written without touching it. */
static void test_vmdk_overlay(void)
{
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    g_assert_cmpint(run_words(folder, "qemu-img convert -q -f raw -O vmdk flat base.vmdk"), ==, 0);
    g_assert_cmpint(run_words(folder, "qemu-img create -q -f vmdk -b base.vmdk -F vmdk disk.x"), ==, 0);
    Image *image = open_in(folder, "disk.x", NULL, IMAGE_OPEN_READ_ONLY);
    g_assert_cmpuint(image_chain_length(image), ==, 2);
    assert_shows(image, bytes, SIZE);
    close_image(image);
    image = open_in(folder, "disk.x", NULL, IMAGE_OPEN_WRITABLE);
    scribble(image, bytes, 5);
    close_image(image);
    assert_tool_agrees(folder, "disk.x", "vmdk", bytes);
    g_assert_cmpint(run_words(folder, "qemu-img compare -q -f vmdk -F raw base.vmdk flat"), ==, 0);
    test_folder_free(folder);
}

/* As if its writer had died between its log and its tables: the table that the last entry of the log holds is
 * wiped, and the header says that the log counts. */
static gsize wipe_logged_table(guint8 *file, gsize length)
{
    gsize entry = 0;
    for (gsize at = 1 << 20; at + 4096 <= length && at < 2 << 20; at += 4096) {
        if (memcmp(file + at, "loge", 4) == 0)
            entry = at;
    }
    g_assert_cmpuint(entry, >, 0);
    for (gsize header = 65536; header <= 131072; header += 65536) {
        memcpy(file + header + 48, file + entry + 32, 16);
        image_put_le32(file + header + 4, vhdx_checksum(file + header, 4096, 4));
    }
    const guint8 *descriptor = file + entry + 64;
    g_assert_cmpmem(descriptor, 4, "desc", 4);
    guint64 place = image_get_le64(descriptor + 16);
    g_assert_cmpuint(place + 4096, <=, length);
    g_assert_false(image_buffer_is_zero(file + place, 4096));
    memset(file + place, 0, 4096);
    return entry;
}

/* Killed with tables in its log only: what the log says counts. */
static void test_vhdx_log(void)
{
    if (skip_without_tool())
        return;
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    g_autofree char *path = g_build_filename(folder, "disk.x", NULL), *file = NULL;
    gsize length;
    g_assert_cmpint(run_words(folder, "qemu-img convert -q -f raw -O vhdx -o block_size=1M flat disk.x"), ==,
                    0);
    g_assert_true(g_file_get_contents(path, &file, &length, NULL));
    gsize entry = wipe_logged_table((guint8 *)file, length);
    g_assert_true(g_file_set_contents(path, file, (gssize)length, NULL));
    Image *image = open_in(folder, "disk.x", NULL, IMAGE_OPEN_READ_ONLY);
    assert_shows(image, bytes, SIZE);
    close_image(image);
    /* a log that was torn is refused */
    file[entry + 5000] ^= 1;
    g_assert_true(g_file_set_contents(path, file, (gssize)length, NULL));
    g_autoptr(GError) error = NULL;
    g_assert_null(image_open(path, NULL, IMAGE_OPEN_READ_ONLY, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT);
    test_folder_free(folder);
}

/* ---- Apple -----------------------------------------------------------------------------------------------
 */

static void test_dmg(gconstpointer data)
{
    guint32 type = GPOINTER_TO_UINT(data);
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    g_autofree char *path = g_build_filename(folder, "disk.dmg", NULL);
    g_autoptr(GError) error = NULL;
    make_dmg(path, bytes, SIZE, type);
    g_assert_cmpstr(image_probe(path, NULL), ==, "dmg");
    if (type == 0x80000007) { /* LZFSE */
        g_assert_null(image_open(path, NULL, IMAGE_OPEN_READ_ONLY, &error));
        g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED);
        g_assert_nonnull(strstr(error->message, "LZFSE"));
    } else {
        Image *image = open_in(folder, "disk.dmg", NULL, IMAGE_OPEN_READ_ONLY);
        g_assert_cmpuint(image_size(image), ==, SIZE);
        assert_shows(image, bytes, SIZE);
        close_image(image);
    }
    /* the peer agrees, where it knows the kind */
    if (have_qemu_img() && (type == 1 || type == 0x80000005))
        assert_tool_agrees(folder, "disk.dmg", "dmg", bytes);
    test_folder_free(folder);
}

/* ---- CD --------------------------------------------------------------------------------------------------
 */

static void put_sectors(GByteArray *bin, const guint8 *bytes, guint count, guint mode)
{
    for (guint i = 0; i < count; i++) {
        guint8 sector[2352] = {0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0};
        sector[15] = (guint8)mode;
        memcpy(sector + (mode == 1 ? 16 : 24), bytes + i * 2048, 2048);
        g_byte_array_append(bin, sector, sizeof sector);
    }
}

static void test_cd(void)
{
    char *folder = test_folder_new();
    g_autofree guint8 *bytes = make_contents(folder);
    g_autofree char *bin_path = g_build_filename(folder, "cd.bin", NULL);
    g_autofree char *cue_path = g_build_filename(folder, "cd.cue", NULL);
    for (guint mode = 1; mode <= 2; mode++) {
        g_autoptr(GByteArray) bin = g_byte_array_new();
        put_sectors(bin, bytes, 300, mode);
        /* an audio track behind it */
        g_autofree guint8 *audio = g_malloc(2352 * 100);
        memset(audio, 0x55, 2352 * 100);
        g_byte_array_append(bin, audio, 2352 * 100);
        g_assert_true(g_file_set_contents(bin_path, (char *)bin->data, bin->len, NULL));
        g_autofree char *cue = g_strdup_printf("FILE \"cd.bin\" BINARY\r\n  TRACK 01 MODE%u/2352\r\n"
                                               "    INDEX 01 00:00:00\r\n  TRACK 02 AUDIO\r\n"
                                               "    INDEX 00 00:04:00\r\n    INDEX 01 00:05:00\r\n",
                                               mode);
        g_assert_true(g_file_set_contents(cue_path, cue, -1, NULL));
        g_assert_cmpstr(image_probe(cue_path, NULL), ==, "cue");
        g_assert_cmpstr(image_probe(bin_path, NULL), ==, "bin");
        Image *image = open_in(folder, "cd.cue", NULL, IMAGE_OPEN_READ_ONLY);
        g_assert_cmpuint(image_size(image), ==, 300 * 2048);
        assert_shows(image, bytes, 300 * 2048);
        close_image(image);
        image = open_in(folder, "cd.bin", NULL, IMAGE_OPEN_READ_ONLY);
        g_assert_cmpuint(image_size(image), ==, 400 * 2048);
        g_autofree guint8 *part = g_malloc(5000);
        g_assert_true(image_pread(image, 1001, part, 5000, NULL));
        g_assert_cmpmem(part, 5000, bytes + 1001, 5000);
        close_image(image);
    }
    /* cooked sectors, and a data track behind an audio track */
    g_autoptr(GByteArray) bin = g_byte_array_new();
    g_byte_array_set_size(bin, 150 * 2352);
    memset(bin->data, 0x55, bin->len);
    put_sectors(bin, bytes, 20, 1);
    g_assert_true(g_file_set_contents(bin_path, (char *)bin->data, bin->len, NULL));
    g_assert_true(g_file_set_contents(cue_path,
                                      "FILE \"cd.bin\" BINARY\n TRACK 01 AUDIO\n INDEX 01 00:00:00\n"
                                      " TRACK 02 MODE1/2352\n INDEX 01 00:02:00\n",
                                      -1, NULL));
    Image *image = open_in(folder, "cd.cue", NULL, IMAGE_OPEN_READ_ONLY);
    assert_shows(image, bytes, 20 * 2048);
    close_image(image);
    g_autoptr(GError) error = NULL;
    g_assert_true(g_file_set_contents(
        cue_path, "FILE \"../flat\" BINARY\n TRACK 01 MODE1/2048\n INDEX 01 00:00:00\n", -1, NULL));
    g_assert_null(image_open(cue_path, NULL, IMAGE_OPEN_READ_ONLY, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED);
    test_folder_free(folder);
}

/* ---- Refusals --------------------------------------------------------------------------------------------
 */

static void assert_refused(const char *folder, const char *name, const void *bytes, gsize length,
                           ImageError code)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (bytes)
        g_assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
    Image *image = image_open(path, NULL, IMAGE_OPEN_READ_ONLY, &error);
    g_assert_null(image);
    g_test_message("%s", error->message);
    g_assert_error(error, IMAGE_ERROR, (gint)code);
    g_assert_true(g_str_has_suffix(error->message, "."));
}

static void test_refusals(void)
{
    char *folder = test_folder_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *vhd = g_build_filename(folder, "a.vhd", NULL),
                    *vdi = g_build_filename(folder, "a.vdi", NULL);
    g_autofree char *vmdk = g_build_filename(folder, "a.vmdk", NULL), *bytes = NULL, *more = NULL,
                    *last = NULL;
    gsize length;
    const ImageCreateOptions options = {.size = SIZE};
    image_create(vhd, "vhd", &options, &error);
    image_create(vdi, "vdi", &options, &error);
    image_create(vmdk, "vmdk", &options, &error);
    g_assert_no_error(error);

    /* a VHD with a wrong checksum, then a differencing one */
    g_assert_true(g_file_get_contents(vhd, &bytes, &length, NULL));
    bytes[50]++;
    bytes[length - 512 + 50]++;
    assert_refused(folder, "a.vhd", bytes, length, IMAGE_ERROR_CORRUPT);
    bytes[50]--;
    guint8 *footer = (guint8 *)bytes + length - 512;
    footer[50]--;
    image_put_be32(footer + 60, 4);
    image_put_be32(footer + 64, image_get_be32(footer + 64) - 1);
    assert_refused(folder, "a.vhd", bytes, length, IMAGE_ERROR_UNSUPPORTED);

    /* a VDI that stands on another; one with a map that is longer than the file */
    g_assert_true(g_file_get_contents(vdi, &more, &length, NULL));
    more[0x1b8] = 1;
    assert_refused(folder, "a.vdi", more, length, IMAGE_ERROR_UNSUPPORTED);
    more[0x1b8] = 0;
    image_put_le32((guint8 *)more + 0x180, 0x00ffffff);
    assert_refused(folder, "a.vdi", more, length, IMAGE_ERROR_CORRUPT);

    /* a VMDK with an absurd capacity; parts in other folders; a part that is itself */
    g_assert_true(g_file_get_contents(vmdk, &last, &length, NULL));
    image_put_le64((guint8 *)last + 12, G_MAXUINT64 / 512);
    assert_refused(folder, "a.vmdk", last, length, IMAGE_ERROR_CORRUPT);
    image_put_le64((guint8 *)last + 12, G_GUINT64_CONSTANT(1) << 50);
    assert_refused(folder, "a.vmdk", last, length, IMAGE_ERROR_CORRUPT);
    /* grains whose size in bytes is more than a number holds */
    image_put_le64((guint8 *)last + 12, SIZE / 512);
    image_put_le64((guint8 *)last + 20, G_GUINT64_CONSTANT(1) << 55);
    assert_refused(folder, "a.vmdk", last, length, IMAGE_ERROR_CORRUPT);
    static const char text[] = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n";
    g_autofree char *outside = g_strconcat(text, "RW 16 FLAT \"/etc/passwd\" 0\n", NULL);
    assert_refused(folder, "b.vmdk", outside, strlen(outside), IMAGE_ERROR_UNSUPPORTED);
    g_autofree char *itself = g_strconcat(text, "RW 1 FLAT \"b.vmdk\" 0\n", NULL);
    assert_refused(folder, "b.vmdk", itself, strlen(itself), IMAGE_ERROR_CORRUPT);
    g_autofree char *missing = g_strconcat(text, "RW 1 FLAT \"nothing\" 0\n", NULL);
    assert_refused(folder, "b.vmdk", missing, strlen(missing), IMAGE_ERROR_NOT_FOUND);
    g_autofree char *nothing = g_strconcat(text, "\n", NULL);
    assert_refused(folder, "b.vmdk", nothing, strlen(nothing), IMAGE_ERROR_CORRUPT);
    g_autofree char *device = g_strconcat(text, "RW 1 FULLDEVICE \"sda\" 0\n", NULL);
    assert_refused(folder, "b.vmdk", device, strlen(device), IMAGE_ERROR_UNSUPPORTED);

    /* headers without anything behind them */
    guint8 head[512] = "vhdxfile";
    assert_refused(folder, "c", head, sizeof head, IMAGE_ERROR_CORRUPT);
    guint8 koly[512] = "koly";
    assert_refused(folder, "d", koly, sizeof koly, IMAGE_ERROR_UNSUPPORTED);
    image_put_be64(koly + 216, 1000);
    image_put_be64(koly + 224, 1000);
    assert_refused(folder, "d", koly, sizeof koly, IMAGE_ERROR_CORRUPT);
    test_folder_free(folder);
}

/* Who opened a raw disk by guessing may not turn its end into another format. */
static void test_guarded_end(void)
{
    char *folder = test_folder_new();
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *bytes = make_contents(folder);
    Image *image = open_in(folder, "flat", NULL, IMAGE_OPEN_WRITABLE);
    g_assert_false(image_pwrite(image, SIZE - 512, "koly", 4, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT);
    g_clear_error(&error);
    g_assert_false(image_pwrite(image, SIZE - 512, "conectix", 8, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT);
    g_clear_error(&error);
    g_assert_true(image_pwrite(image, SIZE - 512, "anything", 8, &error));
    close_image(image);
    test_folder_free(folder);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        guint32 type;
    } dmgs[] = {{"raw", 1},
                {"adc", 0x80000004},
                {"zlib", 0x80000005},
                {"bzip2", 0x80000006},
                {"lzfse", 0x80000007},
                {"lzma", 0x80000008}};
    static const char *const ours[] = {"vmdk", "vdi", "vhd"};
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/images/formats/theirs/%s", rows[i].name);
        g_test_add_data_func(name, &rows[i], test_theirs);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(ours); i++) {
        g_autofree char *name = g_strdup_printf("/images/formats/ours/%s", ours[i]);
        g_test_add_data_func(name, ours[i], test_ours);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(dmgs); i++) {
        g_autofree char *name = g_strdup_printf("/images/formats/dmg/%s", dmgs[i].name);
        g_test_add_data_func(name, GUINT_TO_POINTER(dmgs[i].type), test_dmg);
    }
    g_test_add_func("/images/formats/vmdk-flat", test_vmdk_flat);
    g_test_add_func("/images/formats/vmdk-overlay", test_vmdk_overlay);
    g_test_add_func("/images/formats/vhdx-log", test_vhdx_log);
    g_test_add_func("/images/formats/cd", test_cd);
    g_test_add_func("/images/formats/refusals", test_refusals);
    g_test_add_func("/images/formats/guarded-end", test_guarded_end);
    return g_test_run();
}
