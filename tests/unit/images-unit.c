/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The images library one promise at a time, without any other tool. */
#include <sys/stat.h>

#include "app/cli_image.h"
#include "tests/unit/images-fixture.h"

/* ---- Raw -------------------------------------------------------------------------------------------------
 */

static void test_raw(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    create(f, "disk", "raw", (ImageCreateOptions){.size = 1 << 20});
    Image *image = open_ok(f, "disk", "raw", IMAGE_OPEN_WRITABLE);
    g_assert_cmpuint(image_size(image), ==, 1 << 20);
    put(image, 300000, 5000, 'x');
    ImageBlockStatus status;
    g_assert_true(image_block_status(image, 0, 1 << 20, &status, NULL));
    g_assert_cmpint(status.block, ==, IMAGE_BLOCK_ZERO);
    g_assert_cmpuint(status.length, <=, 300000);
    put(image, 0, 1 << 20, 'y');
    g_assert_true(image_discard(image, 65536, 65536 * 4, &error));
    assert_bytes(image, 65536, 65536 * 4, 0);
    assert_bytes(image, 65535, 1, 'y');
    /* nothing beyond the end */
    g_assert_false(image_pread(image, (1 << 20) - 1, &(guint16){0}, 2, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_RANGE);
    g_clear_error(&error);
    g_assert_false(image_pwrite(image, G_MAXUINT64 - 1, "ab", 2, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_RANGE);
    close_ok(image);
    /* a length that is no multiple of a sector is padded with zeros */
    g_assert_true(g_file_set_contents(at(f, "odd"), "12345", 5, NULL));
    image = open_ok(f, "odd", "raw", IMAGE_OPEN_WRITABLE);
    g_assert_cmpuint(image_size(image), ==, 512);
    assert_bytes(image, 5, 507, 0);
    put(image, 511, 1, 'z');
    close_ok(image);
}

/* What a guest writes into a raw disk never decides what the disk is. */
static void test_raw_stays_raw(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    static const char header[8] = "QFI\xfb\0\0\0\3";
    create(f, "disk", "raw", (ImageCreateOptions){.size = 1 << 20});
    g_autoptr(Image) guessed = open_ok(f, "disk", NULL, IMAGE_OPEN_WRITABLE);
    g_assert_cmpstr(image_format(guessed), ==, "raw");
    put(guessed, 0, 512, 'b');
    g_assert_false(image_pwrite(guessed, 0, header, 8, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT);
    /* nor in pieces */
    g_assert_true(image_pwrite(guessed, 4, header + 4, 4, NULL));
    g_assert_false(image_pwrite(guessed, 0, header, 4, NULL));
    image_free(g_steal_pointer(&guessed));
    /* who recorded the format may write anything, and reads it as raw again */
    Image *image = open_ok(f, "disk", "raw", IMAGE_OPEN_WRITABLE);
    g_assert_true(image_pwrite(image, 0, header, 8, NULL));
    close_ok(image);
    image = open_ok(f, "disk", "raw", IMAGE_OPEN_READ_ONLY);
    guint8 back[8];
    g_assert_true(image_pread(image, 0, back, 8, NULL));
    g_assert_cmpmem(back, 8, header, 8);
    close_ok(image);
}

/* ---- Chains ----------------------------------------------------------------------------------------------
 */

static void test_short_base(Fixture *f, gconstpointer data)
{
    create(f, "base", "raw", (ImageCreateOptions){.size = 100 * 512});
    Image *image = open_ok(f, "base", "raw", IMAGE_OPEN_WRITABLE);
    put(image, 0, 100 * 512, 'b');
    close_ok(image);
    create(f, "over", "qcow2",
           (ImageCreateOptions){.size = 1 << 20, .backing_file = "base", .backing_format = "raw"});
    image = open_ok(f, "over", "qcow2", IMAGE_OPEN_WRITABLE);
    assert_bytes(image, 0, 51200, 'b');
    assert_bytes(image, 51200, (1 << 20) - 51200, 0);
    put(image, 51190, 20, 'o');
    assert_bytes(image, 51189, 1, 'b');
    assert_bytes(image, 51210, 60000, 0);
    close_ok(image);
}

static void test_zero_is_not_unallocated(Fixture *f, gconstpointer data)
{
    ImageBlockStatus status;
    create(f, "base", "raw", (ImageCreateOptions){.size = 1 << 20});
    Image *image = open_ok(f, "base", "raw", IMAGE_OPEN_WRITABLE);
    put(image, 0, 1 << 20, 'b');
    close_ok(image);
    create(f, "over", "qcow2", (ImageCreateOptions){.backing_file = "base"});
    image = open_ok(f, "over", "qcow2", IMAGE_OPEN_WRITABLE);
    g_assert_true(image_write_zeroes(image, 65536, 131072, NULL));
    g_assert_true(image_discard(image, 65536 * 4, 65536, NULL));
    close_ok(image);
    image = open_ok(f, "over", "qcow2", IMAGE_OPEN_READ_ONLY);
    assert_bytes(image, 65536, 131072, 0);
    assert_bytes(image, 65536 * 4, 65536, 0);
    g_assert_true(image_block_status(image, 65536, 1 << 19, &status, NULL));
    g_assert_cmpint(status.block, ==, IMAGE_BLOCK_ZERO);
    g_assert_cmpuint(status.depth, ==, 0);
    g_assert_cmpuint(status.length, ==, 131072);
    g_assert_true(image_block_status(image, 0, 1 << 19, &status, NULL));
    g_assert_cmpint(status.block, ==, IMAGE_BLOCK_DATA);
    g_assert_cmpuint(status.depth, ==, 1);
    g_assert_cmpuint(status.length, ==, 65536);
    close_ok(image);
}

static void test_circles(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    create(f, "a", "qcow2", (ImageCreateOptions){.size = 1 << 20});
    create(f, "b", "qcow2", (ImageCreateOptions){.backing_file = "a"});
    /* a stands on b now, b on a */
    image_rebase(at(f, "a"), "qcow2", "b", "qcow2", TRUE, NULL, &error);
    g_assert_no_error(error);
    assert_open_fails(f, "a", "qcow2", IMAGE_OPEN_READ_ONLY, IMAGE_ERROR_CORRUPT);
    assert_open_fails(f, "b", "qcow2", IMAGE_OPEN_WRITABLE, IMAGE_ERROR_CORRUPT);
    image_rebase(at(f, "a"), "qcow2", "a", "qcow2", TRUE, NULL, &error);
    g_assert_no_error(error);
    assert_open_fails(f, "a", "qcow2", IMAGE_OPEN_READ_ONLY, IMAGE_ERROR_CORRUPT);
    /* and out of it again */
    image_rebase(at(f, "a"), "qcow2", NULL, NULL, TRUE, NULL, &error);
    g_assert_no_error(error);
    close_ok(open_ok(f, "b", "qcow2", IMAGE_OPEN_WRITABLE));
}

static void test_missing_base(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    create(f, "base", "qcow2", (ImageCreateOptions){.size = 1 << 20});
    create(f, "over", "qcow2", (ImageCreateOptions){.backing_file = "base"});
    g_unlink(at(f, "base"));
    assert_open_fails(f, "over", "qcow2", IMAGE_OPEN_READ_ONLY, IMAGE_ERROR_NOT_FOUND);
    g_autoptr(ImageInfo) info = image_read_info(at(f, "over"), NULL, &error);
    g_assert_cmpstr(info->backing_file, ==, "base");
    g_assert_cmpstr(info->backing_path, ==, at(f, "base"));
    g_assert_cmpstr(info->backing_format, ==, "qcow2");
    g_assert_false(
        image_create(at(f, "two"), "qcow2", &(ImageCreateOptions){.backing_file = "base"}, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(image_open(at(f, "nothing"), NULL, 0, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_NOT_FOUND);
}

static void test_locks(Fixture *f, gconstpointer data)
{
    create(f, "base", "qcow2", (ImageCreateOptions){.size = 1 << 20});
    create(f, "over", "qcow2", (ImageCreateOptions){.backing_file = "base"});
    create(f, "other", "qcow2", (ImageCreateOptions){.backing_file = "base"});
    Image *image = open_ok(f, "over", NULL, IMAGE_OPEN_WRITABLE);
    assert_open_fails(f, "over", NULL, IMAGE_OPEN_WRITABLE, IMAGE_ERROR_LOCKED);
    assert_open_fails(f, "over", NULL, IMAGE_OPEN_READ_ONLY, IMAGE_ERROR_LOCKED);
    assert_open_fails(f, "base", NULL, IMAGE_OPEN_WRITABLE, IMAGE_ERROR_LOCKED);
    close_ok(open_ok(f, "over", NULL, IMAGE_OPEN_READ_ONLY | IMAGE_OPEN_SHARE));
    close_ok(open_ok(f, "base", NULL, IMAGE_OPEN_READ_ONLY));
    close_ok(open_ok(f, "other", NULL, IMAGE_OPEN_WRITABLE)); /* overlays share their base */
    close_ok(image);
    image = open_ok(f, "base", NULL, IMAGE_OPEN_WRITABLE);
    assert_open_fails(f, "over", NULL, IMAGE_OPEN_READ_ONLY, IMAGE_ERROR_LOCKED);
    g_autoptr(GError) error = NULL;
    g_assert_false(
        image_create(at(f, "third"), "qcow2", &(ImageCreateOptions){.backing_file = "base"}, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_LOCKED);
    close_ok(image);
}

/* ---- Create and convert ----------------------------------------------------------------------------------
 */

static void test_create_refusals(Fixture *f, gconstpointer data)
{
    static const ImageCreateOptions wrong[] = {
        {.size = 513},
        {.size = 1 << 20, .cluster_size = 1000},
        {.size = 1 << 20, .cluster_size = 256},
        {.size = 1 << 20, .cluster_size = 4 << 20},
        {.size = 1 << 20, .version = 4},
        {.size = 1 << 20, .refcount_bits = 3},
        {.size = 1 << 20, .refcount_bits = 128},
        {.size = 1 << 20, .version = 2, .refcount_bits = 8},
        {.size = 1 << 20, .version = 2, .compression = "zstd"},
        {.size = 1 << 20, .compression = "lzma"},
        {.size = 1 << 20, .cluster_size = 4096, .extended_l2 = TRUE},
        {.size = G_GUINT64_CONSTANT(1) << 50, .cluster_size = 512},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(image_create(at(f, "disk"), "qcow2", &wrong[i], &error));
        g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID);
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(image_create(at(f, "disk"), "floppy", &(ImageCreateOptions){.size = 512}, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    g_assert_false(image_create(at(f, "no/disk"), "raw", &(ImageCreateOptions){.size = 512}, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_cmpuint(files_in(f->folder), ==, 0); /* nothing is left behind */

    create(f, "disk", "raw", (ImageCreateOptions){.size = 512});
    g_assert_false(image_create(at(f, "disk"), "raw", &(ImageCreateOptions){.size = 1024}, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_EXISTS);
    g_clear_error(&error);
    Image *image = open_ok(f, "disk", "raw", IMAGE_OPEN_READ_ONLY);
    g_assert_false(
        image_create(at(f, "disk"), "raw", &(ImageCreateOptions){.size = 1024, .overwrite = TRUE}, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_LOCKED);
    close_ok(image);
    create(f, "disk", "raw", (ImageCreateOptions){.size = 1024, .overwrite = TRUE});
    g_assert_cmpuint(files_in(f->folder), ==, 1);
}

static void cancel_in_the_middle(guint64 done, guint64 total, gpointer user_data)
{
    if (done > total / 3)
        g_cancellable_cancel(user_data);
}

static void test_convert(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    create(f, "raw", "raw", (ImageCreateOptions){.size = 20 << 20});
    Image *image = open_ok(f, "raw", "raw", IMAGE_OPEN_WRITABLE);
    g_autofree guint8 *noise = g_malloc(9 << 20);
    fill_pattern(noise, 9 << 20, 5);
    g_assert_true(image_pwrite(image, 5 << 20, noise, 9 << 20, NULL));
    ImageJob job = {cancellable, cancel_in_the_middle, cancellable};
    g_assert_false(image_convert(image, at(f, "stopped"), "qcow2", NULL, &job, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_CANCELLED);
    g_clear_error(&error);
    g_assert_cmpuint(files_in(f->folder), ==, 1);

    ImageConvertOptions options = {.verify = TRUE, .compress = TRUE, .create = {.compression = "zstd"}};
    image_convert(image, at(f, "packed"), "qcow2", &options, NULL, &error);
    g_assert_no_error(error);
    assert_clean(at(f, "packed"));
    /* only what differs from a base */
    put(image, 6 << 20, 100, 'd');
    g_assert_true(image_write_zeroes(image, 7 << 20, 65536, NULL));
    options = (ImageConvertOptions){.verify = TRUE, .create = {.backing_file = "packed"}};
    image_convert(image, at(f, "difference"), "qcow2", &options, NULL, &error);
    g_assert_no_error(error);
    g_autoptr(ImageInfo) info = image_read_info(at(f, "difference"), NULL, NULL);
    g_assert_cmpuint(info->file_size, <, 1 << 20);
    Image *over = open_ok(f, "difference", NULL, IMAGE_OPEN_READ_ONLY);
    guint64 where = 0;
    g_assert_true(image_compare(image, over, NULL, NULL, NULL));
    put(image, 123456, 1, 'q');
    g_assert_false(image_compare(image, over, &where, NULL, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_DIFFERS);
    g_assert_cmpuint(where, ==, 123456);
    close_ok(over);
    close_ok(image);
}

/* ---- Commit, rebase, resize ------------------------------------------------------------------------------
 */

static void test_commit(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *before = NULL, *after = NULL;
    gsize before_length, after_length;
    create(f, "base", "qcow2", (ImageCreateOptions){.size = 1 << 20});
    Image *image = open_ok(f, "base", NULL, IMAGE_OPEN_WRITABLE);
    put(image, 0, 1 << 20, 'b');
    close_ok(image);
    create(f, "one", "qcow2", (ImageCreateOptions){.backing_file = "base", .size = 2 << 20});
    create(f, "two", "qcow2", (ImageCreateOptions){.backing_file = "base"});
    image = open_ok(f, "one", NULL, IMAGE_OPEN_WRITABLE);
    put(image, 1000, 2000, '1');
    g_assert_true(image_write_zeroes(image, 500000, 200000, NULL));
    put(image, (1 << 20) + 7, 7, 'e');
    close_ok(image);
    g_assert_true(g_file_get_contents(at(f, "base"), &before, &before_length, NULL));

    /* a base with another child is not changed */
    g_assert_false(image_commit(at(f, "one"), NULL, NULL, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "two"));
    g_clear_error(&error);

    image_merge(at(f, "one"), NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(at(f, "base"), &after, &after_length, NULL));
    g_assert_cmpmem(before, before_length, after, after_length);
    image = open_ok(f, "one", NULL, IMAGE_OPEN_READ_ONLY);
    g_assert_cmpuint(image_chain_length(image), ==, 1);
    assert_bytes(image, 0, 1000, 'b');
    assert_bytes(image, 1000, 2000, '1');
    assert_bytes(image, 500000, 200000, 0);
    assert_bytes(image, (1 << 20) + 7, 7, 'e');
    close_ok(image);

    /* the only child may go into it */
    image = open_ok(f, "two", NULL, IMAGE_OPEN_WRITABLE);
    put(image, 99, 3, '2');
    g_assert_true(image_write_zeroes(image, 65536, 65536, NULL));
    close_ok(image);
    image_commit(at(f, "two"), NULL, NULL, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 2; i++) {
        image = open_ok(f, i ? "two" : "base", NULL, IMAGE_OPEN_READ_ONLY);
        assert_bytes(image, 99, 3, '2');
        assert_bytes(image, 98, 1, 'b');
        assert_bytes(image, 65536, 65536, 0);
        close_ok(image);
    }
    image = open_ok(f, "two", NULL, IMAGE_OPEN_READ_ONLY);
    ImageBlockStatus status;
    g_assert_true(image_own_block_status(image, 0, 1 << 20, &status, NULL));
    g_assert_cmpint(status.block, ==, IMAGE_BLOCK_UNALLOCATED); /* emptied */
    close_ok(image);
    assert_clean(at(f, "base"));
    assert_clean(at(f, "two"));
}

static void test_rebase(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    for (guint version = 2; version <= 3; version++) {
        ImageCreateOptions options = {
            .size = 1 << 20, .version = version, .cluster_size = 4096, .overwrite = TRUE};
        create(f, "a", "qcow2", options);
        create(f, "b", "qcow2", options);
        Image *image = open_ok(f, "a", NULL, IMAGE_OPEN_WRITABLE);
        put(image, 0, 300000, 'a');
        close_ok(image);
        image = open_ok(f, "b", NULL, IMAGE_OPEN_WRITABLE);
        put(image, 200000, 300000, 'b');
        close_ok(image);
        options.backing_file = "a";
        create(f, "over", "qcow2", options);
        image = open_ok(f, "over", NULL, IMAGE_OPEN_WRITABLE);
        put(image, 100, 100, 'o');
        close_ok(image);
        /* onto b, onto nothing, onto b again: the last has zeros to keep where b has data and nothing was
         * below */
        const char *bases[] = {"b", NULL, "b"};
        for (gsize i = 0; i < G_N_ELEMENTS(bases); i++) {
            image_rebase(at(f, "over"), NULL, bases[i], NULL, FALSE, NULL, &error);
            g_assert_no_error(error);
            image = open_ok(f, "over", NULL, IMAGE_OPEN_READ_ONLY);
            g_assert_cmpuint(image_chain_length(image), ==, bases[i] ? 2 : 1);
            assert_bytes(image, 0, 100, 'a');
            assert_bytes(image, 100, 100, 'o');
            assert_bytes(image, 200, 299800, 'a');
            assert_bytes(image, 300000, (1 << 20) - 300000, 0);
            close_ok(image);
            assert_clean(at(f, "over"));
        }
    }
}

static void test_resize(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    create(f, "base", "raw", (ImageCreateOptions){.size = 1 << 20});
    Image *image = open_ok(f, "base", "raw", IMAGE_OPEN_WRITABLE);
    put(image, 0, 1 << 20, 'b');
    close_ok(image);
    create(f, "over", "qcow2", (ImageCreateOptions){.backing_file = "base", .size = 100 * 512});
    image = open_ok(f, "over", NULL, IMAGE_OPEN_WRITABLE);
    g_assert_false(image_resize(image, 512, FALSE, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_true(image_resize(image, 2 << 20, FALSE, &error));
    assert_bytes(image, 0, 51200, 'b');
    assert_bytes(image, 51200, (2 << 20) - 51200, 0); /* the longer base does not show through */
    put(image, (2 << 20) - 10, 10, 'e');
    g_assert_true(image_resize(image, 1000 * 512, TRUE, &error));
    g_assert_true(image_resize(image, G_GUINT64_CONSTANT(1) << 40, FALSE, &error));
    assert_bytes(image, 51200, (2 << 20), 0);
    put(image, (G_GUINT64_CONSTANT(1) << 40) - 512, 512, 'z');
    g_assert_false(image_resize(image, G_GUINT64_CONSTANT(1) << 62, FALSE, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID);
    close_ok(image);
    assert_clean(at(f, "over"));
}

/* ---- Threads ---------------------------------------------------------------------------------------------
 */

typedef struct Stripe {
    Image *image;
    guint index;
} Stripe;

static gpointer write_stripe(gpointer data)
{
    Stripe *stripe = data;
    guint8 bytes[3000];
    memset(bytes, (int)stripe->index + 1, sizeof bytes);
    for (guint i = 0; i < 300; i++) {
        guint64 offset = ((guint64)i * 4 + stripe->index) * sizeof bytes;
        if (!image_pwrite(stripe->image, offset, bytes, sizeof bytes, NULL) ||
            !image_pread(stripe->image, offset, bytes, sizeof bytes, NULL))
            return NULL;
        if (i % 64 == 0)
            image_flush(stripe->image, NULL);
    }
    return data;
}

static void test_threads(Fixture *f, gconstpointer data)
{
    create(f, "disk", "qcow2", (ImageCreateOptions){.size = 4 << 20, .cluster_size = 4096});
    Image *image = open_ok(f, "disk", NULL, IMAGE_OPEN_WRITABLE);
    Stripe stripes[4];
    GThread *threads[4];
    for (guint i = 0; i < 4; i++) {
        stripes[i] = (Stripe){image, i};
        threads[i] = g_thread_new("stripe", write_stripe, &stripes[i]);
    }
    for (guint i = 0; i < 4; i++)
        g_assert_nonnull(g_thread_join(threads[i]));
    for (guint i = 0; i < 1200; i++)
        assert_bytes(image, (guint64)i * 3000, 3000, (guint8)(i % 4 + 1));
    close_ok(image);
    assert_clean(at(f, "disk"));
}

/* ---- Command line ----------------------------------------------------------------------------------------
 */

static GString *printed;

static void keep_print(const char *text)
{
    g_string_append(printed, text);
}

static int cli(const char *line)
{
    g_auto(GStrv) words = NULL;
    g_autofree char *whole = g_strconcat("image ", line, NULL);
    g_assert_true(g_shell_parse_argv(whole, NULL, &words, NULL));
    /* the command takes words out of its argv: it gets a copy of the pointers */
    guint n = g_strv_length(words);
    g_autofree char **argv = g_memdup2(words, (n + 1) * sizeof *argv);
    printed = g_string_new(NULL);
    GPrintFunc print = g_set_print_handler(keep_print), complain = g_set_printerr_handler(keep_print);
    int status = cli_image((int)n, argv);
    g_set_print_handler(print);
    g_set_printerr_handler(complain);
    g_test_message("%s: %d\n%s", line, status, printed->str);
    g_string_free(printed, TRUE);
    return status;
}

static void test_command_line(Fixture *f, gconstpointer data)
{
    g_autofree char *before = g_get_current_dir();
    g_assert_cmpint(g_chdir(f->folder), ==, 0);
    g_assert_cmpint(cli("create a.qcow2 10M"), ==, 0);
    g_assert_cmpint(cli("create a.qcow2 10M"), ==, 1);
    g_assert_cmpint(cli("create --force --compat 2 a.qcow2 10M"), ==, 0);
    g_assert_cmpint(cli("create b.qcow2 --backing a.qcow2"), ==, 0);
    g_assert_cmpint(cli("create c.qcow2"), ==, 2);
    g_assert_cmpint(cli("create c.qcow2 lots"), ==, 2);
    g_assert_cmpint(cli("create c.qcow2 1G --cluster-size 3000"), ==, 2);
    g_assert_cmpint(cli("create c.qcow2 1G --nonsense"), ==, 2);
    g_assert_cmpint(cli("info --json --chain b.qcow2"), ==, 0);
    g_assert_cmpint(cli("info nothing"), ==, 1);
    g_assert_cmpint(cli("check --json b.qcow2"), ==, 0);
    g_assert_cmpint(cli("map --json b.qcow2"), ==, 0);
    g_assert_cmpint(cli("resize b.qcow2 +5M"), ==, 0);
    g_assert_cmpint(cli("resize b.qcow2 -1M"), ==, 2);
    g_assert_cmpint(cli("resize --shrink b.qcow2 -1M"), ==, 0);
    g_autoptr(ImageInfo) info = image_read_info("b.qcow2", NULL, NULL);
    g_assert_cmpuint(info->size, ==, 14 << 20);
    g_assert_cmpint(cli("convert b.qcow2 c.raw -O raw --verify"), ==, 0);
    g_assert_cmpint(cli("compare b.qcow2 c.raw"), ==, 0);
    g_assert_cmpint(cli("convert -c b.qcow2 c.raw"), ==, 1);
    g_assert_cmpint(cli("rebase b.qcow2"), ==, 2);
    g_assert_cmpint(cli("rebase b.qcow2 -b c.raw -F raw"), ==, 0);
    g_assert_cmpint(cli("commit b.qcow2"), ==, 0);
    g_assert_cmpint(cli("commit b.qcow2"), ==, 2);
    g_assert_cmpint(cli("dance b.qcow2"), ==, 2);
    g_assert_cmpint(cli(""), ==, 2);

    make_filled(f, "disk");
    guint64 block = peek64(f, "disk", (off_t)peek64(f, "disk", 48));
    poke(f, "disk", (off_t)block + 2 * 100, "\0\1", 2);
    g_assert_cmpint(cli("check disk"), ==, 3);
    poke(f, "disk", (off_t)block + 2 * 3, "\0\0", 2);
    g_assert_cmpint(cli("check disk"), ==, 2);
    g_assert_cmpint(cli("check --repair all disk"), ==, 0);
    g_assert_cmpint(cli("check nothing"), ==, 1);
    g_assert_cmpint(g_chdir(before), ==, 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*func)(Fixture *, gconstpointer);
    } rows[] = {
        {"raw", test_raw},
        {"raw-stays-raw", test_raw_stays_raw},
        {"short-base", test_short_base},
        {"zero-is-not-unallocated", test_zero_is_not_unallocated},
        {"circles", test_circles},
        {"missing-base", test_missing_base},
        {"locks", test_locks},
        {"create-refusals", test_create_refusals},
        {"convert", test_convert},
        {"commit", test_commit},
        {"rebase", test_rebase},
        {"resize", test_resize},
        {"threads", test_threads},
        {"command-line", test_command_line},
    };
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/images/unit/%s", rows[i].name);
        g_test_add(name, Fixture, NULL, setup, rows[i].func, teardown);
    }
    return g_test_run();
}
