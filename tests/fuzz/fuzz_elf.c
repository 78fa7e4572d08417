/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mutated ELF files against the header reader: fuzz_elf SECONDS SEED [FILE...]
 *
 * Starts from files that it makes itself (both classes, both byte orders) and from those that are named. What
 * the reader accepts must keep its promises; what it refuses must come with a sentence.
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/user/elf.h"

#define MOST_BYTES 65536

static void put(uint8_t *to, unsigned size, uint64_t value, bool big)
{
    for (unsigned i = 0; i < size; i++, value >>= 8)
        to[big ? size - 1 - i : i] = (uint8_t)value;
}

/* A small sound program: two segments, an interpreter, a stack note. */
static GByteArray *make_program(bool is64, bool big)
{
    static const uint32_t types[] = {1, 1, 3, 0x6474e551};
    unsigned word = is64 ? 8 : 4, head = is64 ? 64 : 52, entry = is64 ? 56 : 32;
    uint8_t bytes[512] = {0x7f, 'E', 'L', 'F', is64 ? 2 : 1, big ? 2 : 1, 1};
    uint8_t *fields = bytes + 24 + 3 * word + 4;

    put(bytes + 16, 2, 2, big);
    put(bytes + 18, 2, 2, big);
    put(bytes + 20, 4, 1, big);
    put(bytes + 24, word, 0x10100, big);
    put(bytes + 24 + word, word, head, big);
    put(fields, 2, head, big);
    put(fields + 2, 2, entry, big);
    put(fields + 4, 2, G_N_ELEMENTS(types), big);
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
        uint8_t *p = bytes + head + i * entry;
        uint64_t address = 0x10000 + i * 0x10000, offset = i == 2 ? 480 : 0, file = i == 2 ? 8 : 400;

        put(p, 4, types[i], big);
        put(p + (is64 ? 4 : 24), 4, i == 0 ? 5 : 6, big);
        put(p + (is64 ? 8 : 4), word, offset, big);
        put(p + (is64 ? 16 : 8), word, address, big);
        put(p + (is64 ? 24 : 12), word, address, big);
        put(p + (is64 ? 32 : 16), word, file, big);
        put(p + (is64 ? 40 : 20), word, i == 1 ? 5000 : file, big);
    }
    memcpy(bytes + 480, "/lib/ld", 8);
    return g_byte_array_append(g_byte_array_new(), bytes, sizeof(bytes));
}

static void check(const uint8_t *data, size_t size)
{
    /* An exact copy, so that a sanitizer sees a read past the end. */
    g_autofree uint8_t *copy = g_memdup2(data, size);
    g_autoptr(GError) error = NULL;
    struct elf_image image;

    if (!elf_parse(copy, size, &image, &error)) {
        g_assert_nonnull(error);
        g_assert_true(g_str_has_suffix(error->message, "."));
        return;
    }
    g_assert_no_error(error);
    g_assert_cmpuint(image.n_segments, >, 0);
    g_assert_cmpuint(image.low, ==, image.segments[0].address);
    for (unsigned i = 0; i < image.n_segments; i++) {
        const struct elf_segment *s = &image.segments[i];

        g_assert_cmpuint(s->memory_size, >, 0);
        g_assert_cmpuint(s->file_size, <=, s->memory_size);
        g_assert_true(s->offset <= size && s->file_size <= size - s->offset);
        g_assert_true(s->address + s->memory_size > s->address);
        g_assert_true(s->address + s->memory_size <= image.high);
        g_assert_true(image.is64 || s->address + s->memory_size <= (uint64_t)1 << 32);
        if (i > 0)
            g_assert_true(s->address >= s[-1].address + s[-1].memory_size);
    }
    if (image.interpreter)
        g_assert_cmpuint(strlen(image.interpreter), <, 4096);
    elf_image_finish(&image);
}

static void mutate(GRand *random, GByteArray *bytes)
{
    static const uint8_t corners[] = {0, 1, 0x7f, 0x80, 0xff};
    unsigned changes = (unsigned)g_rand_int_range(random, 1, 9);

    while (changes--) {
        /* Mostly in the headers, where it matters. */
        guint reach = g_rand_int_range(random, 0, 4) ? MIN(bytes->len, 320) : bytes->len;
        guint at = reach ? (guint)g_rand_int_range(random, 0, (gint32)reach) : 0;

        if (!bytes->len)
            return;
        switch (g_rand_int_range(random, 0, 6)) {
        case 0: bytes->data[at] = (uint8_t)g_rand_int(random); break;
        case 1: bytes->data[at] ^= (uint8_t)(1u << g_rand_int_range(random, 0, 8)); break;
        case 2: bytes->data[at] = corners[g_rand_int_range(random, 0, G_N_ELEMENTS(corners))]; break;
        case 3: memset(bytes->data + at, g_rand_boolean(random) ? 0xff : 0, MIN(4, bytes->len - at)); break;
        case 4: g_byte_array_set_size(bytes, at); break;
        default: {
            guint from = (guint)g_rand_int_range(random, 0, (gint32)bytes->len),
                  n = MIN(8, bytes->len - MAX(at, from));

            memmove(bytes->data + at, bytes->data + from, n);
            break;
        }
        }
    }
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    guint32 seed = argc > 2 ? (guint32)strtoul(argv[2], NULL, 0) : 1;
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    g_autoptr(GPtrArray) starts = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    gint64 end = g_get_monotonic_time() + (gint64)(seconds * 1e6);
    guint64 rounds = 0;

    for (unsigned i = 0; i < 4; i++)
        g_ptr_array_add(starts, make_program(i & 1, i & 2));
    for (int i = 3; i < argc; i++) {
        char *contents;
        gsize size;

        if (g_file_get_contents(argv[i], &contents, &size, NULL)) {
            g_ptr_array_add(starts, g_byte_array_append(g_byte_array_new(), (const guint8 *)contents,
                                                        (guint)MIN(size, MOST_BYTES)));
            g_free(contents);
        }
    }
    for (guint i = 0; i < starts->len; i++) {
        GByteArray *start = g_ptr_array_index(starts, i);
        struct elf_image image;

        check(start->data, start->len);
        if (i < 4) {
            /* The unchanged programs are sound, or nothing below would be reached. */
            g_assert_true(elf_parse(start->data, start->len, &image, NULL));
            g_assert_cmpuint(image.n_segments, ==, 2);
            g_assert_cmpstr(image.interpreter, ==, "/lib/ld");
            g_assert_cmpuint(image.program_headers, ==, 0x10000 + (image.is64 ? 64 : 52));
            elf_image_finish(&image);
        }
    }
    while (g_get_monotonic_time() < end) {
        GByteArray *start = g_ptr_array_index(starts, g_rand_int_range(random, 0, (gint32)starts->len));
        g_autoptr(GByteArray) bytes = g_byte_array_append(g_byte_array_new(), start->data, start->len);

        mutate(random, bytes);
        check(bytes->data, bytes->len);
        rounds++;
    }
    g_print("fuzz_elf: seed %u, %" G_GUINT64_FORMAT " files\n", seed, rounds);
    return 0;
}
