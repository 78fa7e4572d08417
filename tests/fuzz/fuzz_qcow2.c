/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Damaged qcow2 images: valid ones of many kinds are mutated in their header, tables and anywhere else, then
 * opened, read, mapped, written, resized, checked and repaired. Nothing may crash, hang or trip a sanitizer;
 * what a repair calls clean must be clean.
 *
 *     fuzz_qcow2 SECONDS SEED [FILE]
 *
 * FILE: an image to begin each round with as it is, such as the one that FUZZ_KEEP=1 left after a failure.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_time.h"
#include "tests/unit/images-common.h"

typedef struct Seed {
    guint8 *bytes;
    gsize length;
} Seed;

static const struct {
    ImageCreateOptions options;
    gboolean compress;
} kinds[] = {
    {{.cluster_size = 512}, FALSE},
    {{.cluster_size = 4096, .version = 2}, FALSE},
    {{.cluster_size = 65536}, FALSE},
    {{.cluster_size = 4096, .refcount_bits = 1}, TRUE},
    {{.cluster_size = 16384, .extended_l2 = TRUE}, FALSE},
    {{.cluster_size = 16384, .extended_l2 = TRUE}, TRUE},
    {{.cluster_size = 4096, .compression = "zstd"}, TRUE},
    {{.cluster_size = 1024, .refcount_bits = 64, .lazy_refcounts = TRUE}, FALSE},
    {{.cluster_size = 4096, .backing_file = "base", .backing_format = "raw"}, FALSE},
};

#define DISK (1u << 20)

static void make_seeds(const char *folder, GPtrArray *seeds)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *base = g_build_filename(folder, "base", NULL),
                    *flat = g_build_filename(folder, "flat", NULL);
    g_autofree guint8 *bytes = g_malloc0(DISK);
    fill_pattern(bytes, DISK / 4, 1);
    g_file_set_contents(base, (char *)bytes, DISK, &error);
    memset(bytes + DISK / 2, 'z', DISK / 8);
    fill_pattern(bytes + DISK - 10000, 5000, 2);
    g_file_set_contents(flat, (char *)bytes, DISK, &error);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("%s/seed%zu", folder, i);
        g_autoptr(Image) source = image_open(flat, "raw", IMAGE_OPEN_READ_ONLY, &error);
        ImageConvertOptions options = {.create = kinds[i].options, .compress = kinds[i].compress};
        if (!source || !image_convert(source, path, "qcow2", &options, NULL, &error))
            g_error("%s", error->message);
        Image *image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE, &error);
        if (!image || !image_write_zeroes(image, 100000, 150000, &error) ||
            !image_pwrite(image, 700000, bytes, 20000, &error) || !image_close(image, &error))
            g_error("%s", error->message);
        Seed *seed = g_new0(Seed, 1);
        if (!g_file_get_contents(path, (char **)&seed->bytes, &seed->length, &error))
            g_error("%s", error->message);
        g_ptr_array_add(seeds, seed);
        /* the same with internal snapshots, and with bitmaps */
        static const char *const more[] = {"snapshot -c s", "snapshot -c t", "bitmap --add -g 4k", "bitmap --add"};
        for (gsize k = 0; have_qemu_img() && i < 3 && k < G_N_ELEMENTS(more); k++) {
            g_autofree char *line = g_strdup_printf("qemu-img %s seed%zu%s", more[k], i, k == 2 ? " b" : k == 3 ? " c" : "");
            if (run_words(folder, line) != 0) /* version 2 has no bitmaps */
                continue;
            seed = g_new0(Seed, 1);
            g_file_get_contents(path, (char **)&seed->bytes, &seed->length, &error);
            g_ptr_array_add(seeds, seed);
        }
    }
}

/* Where the header says that the snapshots' table or the directory of bitmaps begins. */
static gsize find_table(const guint8 *bytes, gsize length, GRand *rand)
{
    guint64 at;
    memcpy(&at, bytes + 64, 8);
    at = GUINT64_FROM_BE(at);
    for (gsize e = 104; g_rand_boolean(rand) && e + 32 <= 512;) {
        guint32 type, size;
        memcpy(&type, bytes + e, 4);
        memcpy(&size, bytes + e + 4, 4);
        if (GUINT32_FROM_BE(type) == 0x23852875) {
            memcpy(&at, bytes + e + 24, 8);
            at = GUINT64_FROM_BE(at);
            break;
        }
        e += 8 + ((gsize)GUINT32_FROM_BE(size) + 7) / 8 * 8;
    }
    return at && at < length && length - at >= 256 ? (gsize)at : 0;
}

static guint64 interesting(GRand *rand, gsize length)
{
    static const guint64 values[] = {0,
                                     1,
                                     2,
                                     3,
                                     511,
                                     512,
                                     513,
                                     4096,
                                     65536,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     G_MAXINT64,
                                     G_MAXUINT64,
                                     G_GUINT64_CONSTANT(1) << 62,
                                     G_GUINT64_CONSTANT(1) << 55,
                                     (G_GUINT64_CONSTANT(1) << 63) | 4096};
    switch (g_rand_int_range(rand, 0, 4)) {
    case 0: return values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))];
    case 1: return (guint64)g_rand_int_range(rand, 0, (gint32)(length / 512) + 2) * 512;
    case 2:
        return (G_GUINT64_CONSTANT(1) << 63) |
               (guint64)g_rand_int_range(rand, 0, (gint32)(length / 512) + 2) * 512;
    default: return (guint64)g_rand_int(rand) << 32 | g_rand_int(rand);
    }
}

static void mutate(guint8 *bytes, gsize *length, GRand *rand)
{
    guint count = (guint)g_rand_int_range(rand, 1, 6);
    for (guint i = 0; i<count && * length> 512; i++) {
        gsize at;
        guint64 value = interesting(rand, *length);
        switch (g_rand_int_range(rand, 0, 9)) {
        case 8: /* snapshots, bitmaps */
            at = find_table(bytes, *length, rand);
            if (at) {
                guint64 be = GUINT64_TO_BE(value);
                at += (gsize)g_rand_int_range(rand, 0, 200);
                memcpy(bytes + at, &be, 1u << g_rand_int_range(rand, 0, 4));
            }
            break;
        case 0: /* a field of the header */
        case 1: {
            static const guint8 fields[] = {4,  8,  16, 20, 24, 32, 36, 40,  48,
                                            56, 60, 64, 72, 80, 88, 96, 100, 104};
            at = fields[g_rand_int_range(rand, 0, G_N_ELEMENTS(fields))];
            if (g_rand_boolean(rand)) {
                bytes[at + (gsize)g_rand_int_range(rand, 0, 8)] = (guint8)value;
            } else {
                guint64 be = GUINT64_TO_BE(value);
                memcpy(bytes + at, &be, g_rand_boolean(rand) ? 8 : 4);
            }
            break;
        }
        case 2: /* header extensions */ bytes[g_rand_int_range(rand, 72, 512)] = (guint8)value; break;
        case 3:
        case 4:
        case 5: { /* an entry of some table: aligned words that are in use, in the first half or anywhere */
            gsize words = *length / 8;
            for (guint tries = 0; tries < 200; tries++) {
                at = (gsize)g_rand_int_range(rand, 0, (gint32)words) * 8;
                guint64 word;
                memcpy(&word, bytes + at, 8);
                word = GUINT64_FROM_BE(word);
                if (word && (word & 0x00ffffffffffffff) < *length * 2 && word >> 62 != 1)
                    break;
            }
            guint64 be = GUINT64_TO_BE(value);
            memcpy(bytes + at, &be, 8);
            break;
        }
        case 6:
            bytes[g_rand_int_range(rand, 0, (gint32)*length)] ^= (guint8)(1u << g_rand_int_range(rand, 0, 8));
            break;
        default:
            if (g_rand_int_range(rand, 0, 4) == 0)
                *length = (gsize)g_rand_int_range(rand, 0, (gint32)*length);
            break;
        }
    }
}

static void read_around(Image *image, GRand *rand)
{
    g_autofree guint8 *buffer = g_malloc(1 << 20);
    guint64 size = image_size(image);
    for (guint64 at = 0; at < MIN(size, 4u << 20); at += 1 << 20)
        image_pread(image, at, buffer, MIN(1 << 20, size - at), NULL);
    for (guint i = 0; i < 8 && size > 4096; i++) {
        guint64 at = (guint64)g_rand_double_range(rand, 0, (double)(size - 4096));
        image_pread(image, MIN(at, size - 4096), buffer, 4096, NULL);
    }
    guint64 at = 0;
    for (guint i = 0; i < 2000 && at < size; i++) {
        ImageBlockStatus status;
        if (!image_block_status(image, at, MIN(size - at, 64u << 20), &status, NULL))
            break;
        g_assert_cmpuint(status.length, >, 0);
        at += status.length;
    }
}

static void write_around(Image *image, GRand *rand)
{
    g_autofree guint8 *buffer = g_malloc(200000);
    fill_pattern(buffer, 200000, g_rand_int(rand));
    for (guint i = 0; i < 12; i++) {
        guint64 size = image_size(image);
        if (size < 200000)
            return;
        guint64 reach = g_rand_boolean(rand) ? MIN(size, DISK) : size;
        guint64 at = (guint64)g_rand_double_range(rand, 0, (double)(reach - 199999));
        gsize length = (gsize)g_rand_int_range(rand, 1, 199999);
        at = MIN(at, size - 200000);
        switch (g_rand_int_range(rand, 0, 6)) {
        case 0: image_write_zeroes(image, at, length, NULL); break;
        case 1: image_discard(image, at, length, NULL); break;
        case 2: image_flush(image, NULL); break;
        default: image_pwrite(image, at, buffer, length, NULL); break;
        }
    }
    if (g_rand_int_range(rand, 0, 4) == 0)
        image_resize(image, (guint64)g_rand_int_range(rand, 0, 8192) * 512, TRUE, NULL);
}

/* FUZZ_KEEP=1: the image of this round at some stage, for whoever looks at a failure. */
static void keep(const char *path, const char *stage)
{
    g_autofree char *copy = g_strdup_printf("%s.%s", path, stage);
    g_autofree char *bytes = NULL;
    gsize length;
    if (g_getenv("FUZZ_KEEP") && g_file_get_contents(path, &bytes, &length, NULL))
        g_file_set_contents(copy, bytes, (gssize)length, NULL);
}

static void try_image(const char *path, GRand *rand)
{
    keep(path, "input");
    image_info_free(image_read_info(path, NULL, NULL));
    Image *image = image_open(path, "qcow2", IMAGE_OPEN_READ_ONLY, NULL);
    if (image) {
        read_around(image, rand);
        image_check_free(image_check(image, IMAGE_REPAIR_NONE, NULL, NULL));
        g_autoptr(GPtrArray) snapshots = image_list_snapshots(image);
        image_close(image, NULL);
        for (guint i = 0; snapshots && i < MIN(snapshots->len, 3); i++) {
            image = image_open_snapshot(path, "qcow2", ((ImageSnapshot *)snapshots->pdata[i])->id, NULL);
            if (image)
                read_around(image, rand);
            if (image)
                image_close(image, NULL);
        }
    }
    image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE, NULL);
    if (image) {
        write_around(image, rand);
        image_check_free(image_check(image, IMAGE_REPAIR_NONE, NULL, NULL));
        image_close(image, NULL);
    }
    keep(path, "written");
    image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE | IMAGE_OPEN_FOR_CHECK, NULL);
    if (!image)
        return;
    g_autoptr(ImageCheck) check = image_check(image, IMAGE_REPAIR_LEAKS | IMAGE_REPAIR_ERRORS, NULL, NULL);
    gboolean clean = check && check->corruptions == 0;
    image_close(image, NULL);
    if (!clean)
        return;
    keep(path, "repaired");
    /* What was repaired can be written, and is clean after that. */
    g_autoptr(GError) error = NULL;
    image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE, &error);
    if (!image)
        g_error("repaired and not to be opened: %s", error->message);
    write_around(image, rand);
    image_close(image, NULL);
    image = image_open(path, "qcow2", IMAGE_OPEN_READ_ONLY, &error);
    if (!image)
        g_error("repaired, written and not to be opened: %s", error->message);
    g_autoptr(ImageCheck) again = image_check(image, IMAGE_REPAIR_NONE, NULL, NULL);
    if (!again || again->corruptions)
        g_error("repaired and damaged again by writing: %s",
                again && again->messages->len ? (char *)again->messages->pdata[0] : "?");
    image_close(image, NULL);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? g_ascii_strtod(argv[1], NULL) : 5;
    guint32 seed = argc > 2 ? (guint32)g_ascii_strtoull(argv[2], NULL, 0) : 1;
    char *folder = test_folder_new();
    g_autoptr(GPtrArray) seeds = g_ptr_array_new();
    make_seeds(folder, seeds);
    if (argc > 3) {
        Seed *only = g_new0(Seed, 1);
        if (!g_file_get_contents(argv[3], (char **)&only->bytes, &only->length, NULL))
            g_error("cannot read %s", argv[3]);
        for (guint i = 0; i < seeds->len; i++) {
            Seed *other = seeds->pdata[i];
            g_free(other->bytes);
            *other = (Seed){g_memdup2(only->bytes, only->length), only->length};
        }
        g_free(only->bytes);
        g_free(only);
    }
    g_autofree char *path = g_build_filename(folder, "mutated", NULL);
    double end = fuzz_seconds() + seconds;
    guint64 rounds = 0;
    while (fuzz_seconds() < end) {
        GRand *rand = g_rand_new_with_seed(seed + (guint32)rounds * 7919u);
        const Seed *from = seeds->pdata[g_rand_int_range(rand, 0, (gint32)seeds->len)];
        g_autofree guint8 *bytes = g_memdup2(from->bytes, from->length);
        gsize length = from->length;
        if (argc <= 3)
            mutate(bytes, &length, rand);
        int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
        if (fd < 0 || write(fd, bytes, length) != (gssize)length)
            g_error("cannot write %s", path);
        close(fd);
        fuzz_begin_try();
        try_image(path, rand);
        g_rand_free(rand);
        rounds++;
    }
    g_print("%" G_GUINT64_FORMAT " images from seed %u, clean\n", rounds, seed);
    for (guint i = 0; i < seeds->len; i++) {
        g_free(((Seed *)seeds->pdata[i])->bytes);
        g_free(seeds->pdata[i]);
    }
    test_folder_free(folder);
    return 0;
}
