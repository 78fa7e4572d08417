/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damaged qcow2 images: what a check finds and repairs, what stops writing, what is refused. */
#include "tests/unit/images-fixture.h"

static ImageCheck *check_file(Fixture *f, const char *name, ImageRepair repair)
{
    g_autoptr(GError) error = NULL;
    Image *image = open_ok(f, name, NULL, IMAGE_OPEN_FOR_CHECK | (repair ? IMAGE_OPEN_WRITABLE : 0));
    ImageCheck *check = image_check(image, repair, NULL, &error);
    g_assert_no_error(error);
    close_ok(image);
    return check;
}

static void test_check_repairs(Fixture *f, gconstpointer data)
{
    make_filled(f, "disk");
    guint64 reftable = peek64(f, "disk", 48), l1 = peek64(f, "disk", 40);
    guint64 block = peek64(f, "disk", (off_t)reftable);
    guint64 l2 = peek64(f, "disk", (off_t)l1) & 0xfffffffffffe00;

    /* a leak */
    poke(f, "disk", (off_t)block + 2 * 100, "\0\1", 2);
    ImageCheck *check = check_file(f, "disk", 0);
    g_assert_cmpuint(check->leaks, ==, 1);
    g_assert_cmpuint(check->corruptions, ==, 0);
    image_check_free(check);
    check = check_file(f, "disk", IMAGE_REPAIR_LEAKS);
    g_assert_cmpuint(check->leaks, ==, 0);
    g_assert_cmpuint(check->leaks_fixed, ==, 1);
    image_check_free(check);
    assert_clean(at(f, "disk"));

    /* counts that were lost */
    poke(f, "disk", (off_t)block + 2 * 3, "\0\0\0\0\0\0", 6);
    check = check_file(f, "disk", 0);
    g_assert_cmpuint(check->corruptions, >=, 3);
    image_check_free(check);
    check = check_file(f, "disk", IMAGE_REPAIR_ERRORS | IMAGE_REPAIR_LEAKS);
    g_assert_cmpuint(check->corruptions, ==, 0);
    g_assert_cmpuint(check->corruptions_fixed, >=, 3);
    image_check_free(check);
    assert_clean(at(f, "disk"));
    Image *image = open_ok(f, "disk", NULL, IMAGE_OPEN_WRITABLE);
    assert_bytes(image, 0, 5 * CLUSTER, 'x');
    put(image, 0, 4 << 20, 'n');
    close_ok(image);
    assert_clean(at(f, "disk"));

    /* an entry that points nowhere becomes zeros, the others stay */
    make_filled(f, "disk");
    poke64(f, "disk", (off_t)l2 + 8, (G_GUINT64_CONSTANT(1) << 63) | (G_GUINT64_CONSTANT(1) << 45));
    check = check_file(f, "disk", IMAGE_REPAIR_ERRORS | IMAGE_REPAIR_LEAKS);
    g_assert_cmpuint(check->corruptions, ==, 0);
    image_check_free(check);
    image = open_ok(f, "disk", NULL, IMAGE_OPEN_WRITABLE);
    assert_bytes(image, 0, CLUSTER, 'x');
    assert_bytes(image, CLUSTER, CLUSTER, 0);
    assert_bytes(image, 2 * CLUSTER, 3 * CLUSTER, 'x');
    close_ok(image);

    /* two entries for one cluster get one each */
    make_filled(f, "disk");
    poke64(f, "disk", (off_t)l2 + 8, peek64(f, "disk", (off_t)l2));
    check = check_file(f, "disk", IMAGE_REPAIR_ERRORS | IMAGE_REPAIR_LEAKS);
    g_assert_cmpuint(check->corruptions, ==, 0);
    image_check_free(check);
    image = open_ok(f, "disk", NULL, IMAGE_OPEN_WRITABLE);
    put(image, 0, CLUSTER, 'n');
    assert_bytes(image, CLUSTER, CLUSTER, 'x');
    close_ok(image);
    assert_clean(at(f, "disk"));

    /* beside a snapshot, too */
    if (!have_qemu_img())
        return;
    make_filled(f, "disk");
    g_autofree char *line = g_strdup_printf("qemu-img snapshot -c then %s", at(f, "disk"));
    int status;
    g_assert_true(g_spawn_command_line_sync(line, NULL, NULL, &status, NULL) && status == 0);
    image = open_ok(f, "disk", NULL, IMAGE_OPEN_WRITABLE);
    put(image, 0, CLUSTER, 'y'); /* the disk has a table of its own now */
    close_ok(image);
    l2 = peek64(f, "disk", (off_t)peek64(f, "disk", 40)) & 0xfffffffffffe00;
    poke64(f, "disk", (off_t)l2 + 8, peek64(f, "disk", (off_t)l2));
    image_check_free(check_file(f, "disk", IMAGE_REPAIR_ERRORS | IMAGE_REPAIR_LEAKS));
    image = open_ok(f, "disk", NULL, IMAGE_OPEN_WRITABLE);
    put(image, 0, CLUSTER, 'n');
    assert_bytes(image, CLUSTER, CLUSTER, 'y');
    close_ok(image);
    assert_clean(at(f, "disk"));
}

static void test_damage_stops_writing(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    make_filled(f, "disk");
    guint64 l1 = peek64(f, "disk", 40);
    guint64 l2 = peek64(f, "disk", (off_t)l1) & 0xfffffffffffe00;
    /* data on top of the L1 table */
    poke64(f, "disk", (off_t)l2, (G_GUINT64_CONSTANT(1) << 63) | l1);
    Image *image = open_ok(f, "disk", NULL, IMAGE_OPEN_WRITABLE);
    g_assert_false(image_pwrite(image, 0, "x", 1, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT);
    g_clear_error(&error);
    g_assert_false(image_pwrite(image, 3 << 20, "x", 1, &error)); /* nor anywhere else from then on */
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT);
    close_ok(image);
    g_assert_cmphex(peek64(f, "disk", (off_t)l1) >> 63, ==, 1); /* the table was not touched */
    assert_open_fails(f, "disk", NULL, IMAGE_OPEN_WRITABLE, IMAGE_ERROR_CORRUPT);
    close_ok(open_ok(f, "disk", NULL, IMAGE_OPEN_READ_ONLY));
    image_check_free(check_file(f, "disk", IMAGE_REPAIR_ERRORS | IMAGE_REPAIR_LEAKS));
    close_ok(open_ok(f, "disk", NULL, IMAGE_OPEN_WRITABLE));
}

static void test_impossible_headers(Fixture *f, gconstpointer data)
{
    static const struct {
        off_t offset;
        guint64 value; /* eight bytes */
        ImageError code;
    } rows[] = {
        {4, (G_GUINT64_CONSTANT(9) << 32), IMAGE_ERROR_UNSUPPORTED},          /* version 9 */
        {16, 30, IMAGE_ERROR_CORRUPT},                                        /* clusters of 1 GiB */
        {16, 3, IMAGE_ERROR_CORRUPT},                                         /* clusters of 8 bytes */
        {24, G_GUINT64_CONSTANT(1) << 60, IMAGE_ERROR_CORRUPT},               /* larger than its L1 table */
        {24, G_MAXUINT64, IMAGE_ERROR_CORRUPT},                               /* larger than any */
        {32, (G_GUINT64_CONSTANT(2) << 32) | 1, IMAGE_ERROR_UNSUPPORTED},     /* LUKS */
        {36, G_GUINT64_CONSTANT(0xffffffff) << 32, IMAGE_ERROR_CORRUPT},      /* an endless L1 table */
        {40, 3 * CLUSTER + 8, IMAGE_ERROR_CORRUPT},                           /* not on a cluster */
        {40, G_GUINT64_CONSTANT(1) << 50, IMAGE_ERROR_CORRUPT},               /* beyond the file */
        {72, 1 << 7, IMAGE_ERROR_UNSUPPORTED},                                /* an unknown feature */
        {72, 1 << 2, IMAGE_ERROR_UNSUPPORTED},                                /* external data */
        {72, 1 << 3, IMAGE_ERROR_UNSUPPORTED},                                /* compression that is none */
        {96, (G_GUINT64_CONSTANT(7) << 32) | 112, IMAGE_ERROR_CORRUPT},       /* counts of 128 bits */
        {96, (G_GUINT64_CONSTANT(4) << 32) | 0x7fffff8, IMAGE_ERROR_CORRUPT}, /* an endless header */
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        make_filled(f, "disk");
        poke64(f, "disk", rows[i].offset, rows[i].value);
        assert_open_fails(f, "disk", "qcow2", IMAGE_OPEN_READ_ONLY, rows[i].code);
    }
    /* tables on top of one another are found before anything is written */
    make_filled(f, "disk");
    poke64(f, "disk", (off_t)peek64(f, "disk", 40), (G_GUINT64_CONSTANT(1) << 63) | peek64(f, "disk", 48));
    assert_open_fails(f, "disk", "qcow2", IMAGE_OPEN_WRITABLE, IMAGE_ERROR_CORRUPT);
    make_filled(f, "disk");
    poke64(f, "disk", 48, peek64(f, "disk", 40));
    assert_open_fails(f, "disk", "qcow2", IMAGE_OPEN_WRITABLE, IMAGE_ERROR_CORRUPT);
    g_assert_true(g_file_set_contents(at(f, "text"), "no image\n", 9, NULL));
    assert_open_fails(f, "text", "qcow2", IMAGE_OPEN_READ_ONLY, IMAGE_ERROR_FORMAT);
    assert_open_fails(f, ".", "qcow2", IMAGE_OPEN_READ_ONLY, IMAGE_ERROR_FORMAT);
}

/* Header extensions that are not known here survive a change of the header. */
static void test_unknown_extension(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    create(f, "base", "raw", (ImageCreateOptions){.size = 1 << 20});
    create(f, "disk", "qcow2", (ImageCreateOptions){.size = 1 << 20});
    poke(f, "disk", 112, "\x12\x34\x56\x78\0\0\0\5hello\0\0\0\0\0\0\0\0\0\0\0", 24);
    image_rebase(at(f, "disk"), NULL, "base", "raw", TRUE, NULL, &error);
    g_assert_no_error(error);
    g_autofree char *bytes = NULL;
    g_assert_true(g_file_get_contents(at(f, "disk"), &bytes, NULL, NULL));
    g_assert_nonnull(memmem(bytes, 1024, "\x12\x34\x56\x78\0\0\0\5hello\0\0\0", 16));
    g_autoptr(ImageInfo) info = image_read_info(at(f, "disk"), NULL, NULL);
    g_assert_cmpstr(info->backing_file, ==, "base");
    g_assert_cmpstr(info->backing_format, ==, "raw");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*func)(Fixture *, gconstpointer);
    } rows[] = {
        {"check-repairs", test_check_repairs},
        {"damage-stops-writing", test_damage_stops_writing},
        {"impossible-headers", test_impossible_headers},
        {"unknown-extension", test_unknown_extension},
    };
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/images/damage/%s", rows[i].name);
        g_test_add(name, Fixture, NULL, setup, rows[i].func, teardown);
    }
    return g_test_run();
}
