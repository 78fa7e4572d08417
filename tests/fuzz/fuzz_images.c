/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Damaged images of the formats beside qcow2: valid ones are mutated, half of the time with their checksums
 * put right again, then probed, opened, read, mapped, checked, converted and, where we write the format,
 * written. Nothing may crash, hang, allocate without bounds or trip a sanitizer.
 *
 *     fuzz_images SECONDS SEED [FORMAT]
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "images/vhdx.h"
#include "tests/fuzz/fuzz_time.h"
#include "tests/unit/images-common.h"
#include "tests/unit/images-dmg.h"

#define DISK (3u << 20)

typedef struct Seed {
    const char *format;
    guint8 *bytes;
    gsize length;
    gboolean descriptor; /* of files that stand beside it */
} Seed;

static void take_seed(GPtrArray *seeds, const char *folder, const char *name, const char *format,
                      gboolean descriptor)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    Seed *seed = g_new0(Seed, 1);
    seed->format = format;
    seed->descriptor = descriptor;
    if (g_file_get_contents(path, (char **)&seed->bytes, &seed->length, NULL))
        g_ptr_array_add(seeds, seed);
    else
        g_free(seed);
}

static void make_seeds(const char *folder, GPtrArray *seeds)
{
    static const char *const ours[] = {"vmdk", "vdi", "vhd"};
    static const struct {
        const char *name, *tool, *format;
        gboolean descriptor;
    } theirs[] = {
        {"t0.x", "vmdk -o subformat=streamOptimized", "vmdk", FALSE},
        {"t1.x", "vmdk -o subformat=twoGbMaxExtentSparse", "vmdk", TRUE},
        {"t2.x", "vmdk -o subformat=monolithicFlat", "vmdk", TRUE},
        {"t3.x", "vhdx -o block_size=1M", "vhdx", FALSE},
        {"t4.x", "vpc -o subformat=fixed", "vhd", FALSE},
        {"t5.x", "vdi -o static=on", "vdi", FALSE},
    };
    static const guint32 runs[] = {1, 0x80000004, 0x80000005, 0x80000006, 0x80000008};
    g_autoptr(GError) error = NULL;
    g_autofree char *flat = g_build_filename(folder, "flat", NULL),
                    *cue = g_build_filename(folder, "cue", NULL);
    g_autofree guint8 *bytes = g_malloc0(DISK);
    fill_pattern(bytes, DISK / 8, 1);
    memset(bytes + DISK / 2, 'z', DISK / 8);
    fill_pattern(bytes + DISK - 10000, 5000, 2);
    g_file_set_contents(flat, (char *)bytes, DISK, &error);
    for (gsize i = 0; i < G_N_ELEMENTS(ours); i++) {
        g_autofree char *path = g_build_filename(folder, ours[i], NULL);
        g_autoptr(Image) source = image_open(flat, "raw", IMAGE_OPEN_READ_ONLY, &error);
        if (!source || !image_convert(source, path, ours[i], NULL, NULL, &error))
            g_error("%s", error->message);
        take_seed(seeds, folder, ours[i], ours[i], FALSE);
    }
    for (gsize i = 0; have_qemu_img() && i < G_N_ELEMENTS(theirs); i++) {
        g_autofree char *line =
            g_strdup_printf("qemu-img convert -q -f raw -O %s flat %s", theirs[i].tool, theirs[i].name);
        run_words(folder, line);
        take_seed(seeds, folder, theirs[i].name, theirs[i].format, theirs[i].descriptor);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(runs); i++) {
        g_autofree char *path = g_build_filename(folder, "dmg", NULL);
        make_dmg(path, bytes, DISK, runs[i]);
        take_seed(seeds, folder, "dmg", "dmg", FALSE);
    }
    g_file_set_contents(cue,
                        "FILE \"flat\" BINARY\n TRACK 01 AUDIO\n INDEX 01 00:00:00\n TRACK 02 MODE1/2048\n"
                        " INDEX 01 00:02:00\n",
                        -1, &error);
    take_seed(seeds, folder, "cue", "cue", TRUE);
}

static guint64 interesting(GRand *rand, gsize length)
{
    static const guint64 values[] = {
        0,          1,           2,          7,          0xff,          0x100,
        0xffff,     0x10000,     0x7fffffff, 0x80000000, 0xfffffffe,    0xffffffff,
        G_MAXINT64, G_MAXUINT64, 1ull << 62, 1ull << 40, 0x80000005ull, 1ull << 33};
    switch (g_rand_int_range(rand, 0, 3)) {
    case 0: return values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))];
    case 1: return (guint64)g_rand_int_range(rand, 0, (gint32)(length / 512) + 2);
    default: return (guint64)g_rand_int(rand) << 32 | g_rand_int(rand);
    }
}

static void put_number(guint8 *at, guint64 value, GRand *rand)
{
    switch (g_rand_int_range(rand, 0, 4)) {
    case 0: image_put_le32(at, (guint32)value); break;
    case 1: image_put_be32(at, (guint32)value); break;
    case 2: image_put_le64(at, value); break;
    default: image_put_be64(at, value); break;
    }
}

/* Where headers, tables and trailers stand: mostly near the ends, or at a word that is in use. */
static gsize pick_place(const guint8 *bytes, gsize length, GRand *rand)
{
    switch (g_rand_int_range(rand, 0, 4)) {
    case 0: return (gsize)g_rand_int_range(rand, 0, (gint32)MIN(length - 8, 1024));
    case 1: return length - 8 - (gsize)g_rand_int_range(rand, 0, (gint32)MIN(length - 8, 1100));
    case 2:
        for (guint tries = 0; tries < 500; tries++) {
            gsize at = (gsize)g_rand_int_range(rand, 0, (gint32)(length / 4)) * 4;
            if (at + 8 <= length && bytes[at] | bytes[at + 3] && bytes[at] != bytes[at + 1])
                return at;
        }
        return 0;
    default: return (gsize)g_rand_int_range(rand, 0, (gint32)(length - 7));
    }
}

static void vhd_sum(guint8 *at, gsize length, gsize field)
{
    guint32 sum = 0;
    image_put_be32(at + field, 0);
    for (gsize i = 0; i < length; i++)
        sum += at[i];
    image_put_be32(at + field, ~sum);
}

static void put_sums_right(const char *format, guint8 *bytes, gsize length)
{
    if (g_str_equal(format, "vhd") && length >= 2048) {
        vhd_sum(bytes + length - 512, 512, 64);
        if (memcmp(bytes, "conectix", 8) == 0) {
            vhd_sum(bytes, 512, 64);
            vhd_sum(bytes + 512, 1024, 36);
        }
    } else if (g_str_equal(format, "vhdx") && length >= 5 << 16) {
        for (gsize at = 1 << 16; at <= 2 << 16; at += 1 << 16)
            image_put_le32(bytes + at + 4, vhdx_checksum(bytes + at, 4096, 4));
        for (gsize at = 3 << 16; at <= 4 << 16; at += 1 << 16)
            image_put_le32(bytes + at + 4, vhdx_checksum(bytes + at, 65536, 4));
        for (gsize at = 1 << 20; at + 4096 <= MIN(length, 2u << 20); at += 4096) {
            guint32 entry = image_get_le32(bytes + at + 8);
            if (memcmp(bytes + at, "loge", 4) == 0 && entry >= 64 && entry <= length - at)
                image_put_le32(bytes + at + 4, vhdx_checksum(bytes + at, entry, 4));
        }
    }
}

static void mutate(const Seed *seed, guint8 *bytes, gsize *length, GRand *rand)
{
    guint count = (guint)g_rand_int_range(rand, 1, 6);
    if (g_str_equal(seed->format, "vhdx") && g_rand_boolean(rand)) {
        /* the log counts */
        memcpy(bytes + 65536 + 48, bytes + (1 << 20) + 32, 16);
        memcpy(bytes + 131072 + 48, bytes + (1 << 20) + 32, 16);
    }
    for (guint i = 0; i<count && * length> 600; i++) {
        gsize at = pick_place(bytes, *length, rand);
        switch (g_rand_int_range(rand, 0, 12)) {
        case 0: *length = (gsize)g_rand_int_range(rand, 0, (gint32)*length); break;
        case 1:
        case 2: bytes[at] ^= (guint8)(1u << g_rand_int_range(rand, 0, 8)); break;
        default: put_number(bytes + at, interesting(rand, *length), rand); break;
        }
    }
    if (*length <= 600) { /* a sheet or a descriptor */
        for (guint i = 0; i < count && *length; i++) {
            gsize at = (gsize)g_rand_int_range(rand, 0, (gint32)*length);
            bytes[at] = (guint8) "0123456789 \"\n/.=RWFLATSPARSE\0\xff"[g_rand_int_range(rand, 0, 31)];
        }
    }
    if (g_rand_boolean(rand))
        put_sums_right(seed->format, bytes, *length);
}

static void read_around(Image *image, GRand *rand)
{
    g_autofree guint8 *buffer = g_malloc(1 << 20);
    guint64 size = image_size(image), at = 0;
    for (; at < MIN(size, DISK * 2); at += 1 << 20)
        image_pread(image, at, buffer, MIN(1 << 20, size - at), NULL);
    for (guint i = 0; i < 8 && size > 4096; i++) {
        at = (guint64)g_rand_double_range(rand, 0, (double)(size - 4096));
        image_pread(image, MIN(at, size - 4096), buffer, 4096, NULL);
    }
    at = 0;
    for (guint i = 0; i < 2000 && at < size; i++) {
        ImageBlockStatus status;
        if (!image_block_status(image, at, MIN(size - at, 64u << 20), &status, NULL))
            break;
        g_assert_cmpuint(status.length, >, 0);
        at += status.length;
    }
    if (size < 64u << 20)
        image_check_free(image_check(image, IMAGE_REPAIR_NONE, NULL, NULL));
}

static void write_around(Image *image, GRand *rand)
{
    g_autofree guint8 *buffer = g_malloc(200000);
    guint64 size = image_size(image);
    fill_pattern(buffer, 200000, g_rand_int(rand));
    for (guint i = 0; i < 12 && size > 200000; i++) {
        guint64 at = (guint64)g_rand_double_range(rand, 0, (double)(MIN(size, DISK * 2) - 199999));
        gsize length = (gsize)g_rand_int_range(rand, 1, 199999);
        switch (g_rand_int_range(rand, 0, 6)) {
        case 0: image_write_zeroes(image, at, length, NULL); break;
        case 1: image_discard(image, at, length, NULL); break;
        case 2: image_flush(image, NULL); break;
        default: image_pwrite(image, at, buffer, length, NULL); break;
        }
    }
}

static void try_image(const char *path, const char *format, GRand *rand)
{
    image_probe(path, NULL);
    image_info_free(image_read_info(path, NULL, NULL));
    Image *image = image_open(path, format, IMAGE_OPEN_READ_ONLY, NULL);
    if (image) {
        read_around(image, rand);
        image_close(image, NULL);
    }
    image = image_open(path, format, IMAGE_OPEN_WRITABLE, NULL);
    if (image) {
        write_around(image, rand);
        read_around(image, rand);
        image_close(image, NULL);
    }
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? g_ascii_strtod(argv[1], NULL) : 5;
    guint32 first = argc > 2 ? (guint32)g_ascii_strtoull(argv[2], NULL, 0) : 1;
    const char *only = argc > 3 ? argv[3] : NULL;
    char *folder = test_folder_new();
    g_autoptr(GPtrArray) seeds = g_ptr_array_new();
    g_autofree char *path = g_build_filename(folder, "mutated", NULL);
    /* a write to an absurd place must be an error of the host, not a full disk */
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){256 << 20, 256 << 20});
    signal(SIGXFSZ, SIG_IGN);
    make_seeds(folder, seeds);
    double end = fuzz_seconds() + seconds;
    guint64 rounds = 0;
    for (guint64 n = 0; fuzz_seconds() < end; n++) {
        GRand *rand = g_rand_new_with_seed(first + (guint32)n * 7919u);
        const Seed *seed = seeds->pdata[g_rand_int_range(rand, 0, (gint32)seeds->len)];
        if (!only || g_str_equal(only, seed->format)) {
            g_autofree guint8 *bytes = g_memdup2(seed->bytes, MAX(seed->length, 1));
            gsize length = seed->length;
            mutate(seed, bytes, &length, rand);
            int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
            if (fd < 0 || write(fd, bytes, length) != (gssize)length)
                g_error("cannot write %s", path);
            close(fd);
            fuzz_begin_try();
            try_image(path, seed->format, rand);
            rounds++;
        }
        g_rand_free(rand);
    }
    g_print("%" G_GUINT64_FORMAT " images from seed %u, clean\n", rounds, first);
    for (guint i = 0; i < seeds->len; i++) {
        g_free(((Seed *)seeds->pdata[i])->bytes);
        g_free(seeds->pdata[i]);
    }
    test_folder_free(folder);
    return 0;
}
