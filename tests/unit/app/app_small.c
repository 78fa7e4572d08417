/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The application's small parts: sizes, keys, profiles, pictures. */
#include "app/keys.h"
#include "app/png.h"
#include "app/profiles.h"
#include "app/size.h"
#include "app/typist.h"

#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <string.h>

static void test_sizes(void)
{
    static const struct {
        const char *text;
        guint64 size; /* 0: refused */
    } cases[] = {{"1", 1},
                 {"512", 512},
                 {"64M", 64ull << 20},
                 {"2G", 2ull << 30},
                 {"1.5GiB", 3ull << 29},
                 {"2gb", 2ull << 30},
                 {"1T", 1ull << 40},
                 {"", 0},
                 {"G", 0},
                 {"-1", 0},
                 {"0", 0},
                 {"2X", 0},
                 {"2Gx", 0},
                 {"1e30", 0},
                 {"nan", 0}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint64 size = 0;
        g_assert_cmpint(parse_size(cases[i].text, 1, &size), ==, cases[i].size != 0);
        g_assert_cmpuint(size, ==, cases[i].size);
    }
}

static void test_keys(void)
{
    unsigned code, codes[8];
    bool shift;

    g_assert_true(keys_for_character('a', &code, &shift));
    g_assert_cmpuint(code, ==, KEY_A);
    g_assert_false(shift);
    g_assert_true(keys_for_character('+', &code, &shift));
    g_assert_cmpuint(code, ==, KEY_EQUAL);
    g_assert_true(shift);
    g_assert_false(keys_for_character(0xe4, &code, &shift));
    for (gunichar c = ' '; c < 127; c++)
        g_assert_true(keys_for_character(c, &code, &shift));

    g_assert_true(keys_parse_chord("Stop+A", codes, 8));
    g_assert_cmpuint(codes[0], ==, KEY_STOP);
    g_assert_cmpuint(codes[1], ==, KEY_A);
    g_assert_cmpuint(codes[2], ==, 0);
    g_assert_false(keys_parse_chord("Stop+Nonsense", codes, 8));
    g_assert_false(keys_parse_chord("A+B+C", codes, 3));
}

/* What no key types is told, each character once; there is no machine here, and no main loop that would type. */
static void test_left_out(void)
{
    static const char *const cases[][2] = {{"plain text\r\n", NULL},
                                           {"", NULL},
                                           {"Grüße über Köln", "üßö"},
                                           {"αβγδεζηθικλμνξοπρστυφχψω", "αβγδεζηθικλμνξοπρστυ…"}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct typist *typist = typist_new(NULL, NULL, NULL);
        g_autofree char *left_out = typist_type(typist, cases[i][0]);
        g_assert_cmpstr(left_out, ==, cases[i][1]);
        typist_free(typist);
    }
}

static void test_profiles(void)
{
    struct profiles *profiles = profiles_load();
    const struct family *family = profiles_find_family(profiles, "sparc");

    g_assert_cmpuint(profiles->profiles->len, >=, 6);
    g_assert_nonnull(family);
    g_assert_cmpuint(family->chords->len, >=, 2);
    for (guint i = 0; i < profiles->profiles->len; i++) {
        const struct profile *profile = profiles->profiles->pdata[i];
        g_assert_nonnull(profile->title);
        g_assert_nonnull(profile->summary);
        g_assert_nonnull(profile->model);
        g_assert_nonnull(profile->machine);
        g_assert_nonnull(profiles_find_family(profiles, profile->family));
    }
    const struct profile *solaris = profiles_recognise(profiles, "SOL_2_6_SPARC");
    g_assert_nonnull(solaris);
    g_assert_cmpstr(solaris->id, ==, "sparc-solaris");
    g_assert_null(profiles_recognise(profiles, "HOLIDAY PICTURES"));
    profiles_free(profiles);
}

static void test_volume_name(void)
{
    char sectors[17 * 2048] = {0};
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("vitrine-XXXXXX.iso", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_close(fd, NULL);
    memcpy(sectors + 16 * 2048, "\1CD001\1", 7);
    memset(sectors + 16 * 2048 + 40, ' ', 32);
    memcpy(sectors + 16 * 2048 + 40, "SOL_9", 5);
    g_assert_true(g_file_set_contents(path, sectors, sizeof(sectors), NULL));
    g_autofree char *name = profiles_read_volume_name(path);
    g_assert_cmpstr(name, ==, "SOL_9");
    g_assert_true(g_file_set_contents(path, sectors, sizeof(sectors) - 1, NULL));
    g_assert_null(profiles_read_volume_name(path));
    g_assert_null(profiles_read_volume_name("/nonexistent"));
    g_unlink(path);
}

static void test_png(void)
{
    uint32_t pixels[6] = {0xff0000, 0x00ff00, 0x0000ff, 0, 0xffffff, 0x808080};
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) png = png_encode(pixels, 3, 2, 3, 1.0, 0, &error);
    gsize size;

    g_assert_no_error(error);
    const char *data = g_bytes_get_data(png, &size);
    g_assert_cmpuint(size, >, 8);
    g_assert_cmpmem(data, 8, "\211PNG\r\n\032\n", 8);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/size/parse", test_sizes);
    g_test_add_func("/keys/tables", test_keys);
    g_test_add_func("/typist/left-out", test_left_out);
    g_test_add_func("/profiles/load", test_profiles);
    g_test_add_func("/profiles/volume-name", test_volume_name);
    g_test_add_func("/png/encode", test_png);
    return g_test_run();
}
