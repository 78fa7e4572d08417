/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random changes of a text, and of bytes: for fuzzers of files that people could write. */
#pragma once

#include <glib.h>
#include <string.h>

#define FUZZ_MAX_TEXT 200000

/* A dozen changes at most; some put one of `words` in. */
static inline void fuzz_text(GRand *rand, GString *text, const char *const *words, gsize word_count)
{
    int count = g_rand_int_range(rand, 0, 12);

    for (int i = 0; i < count; i++) {
        gssize at = (gssize)g_rand_int_range(rand, 0, (int)text->len + 1);
        switch (g_rand_int_range(rand, 0, 6)) {
        case 0:
            if ((gsize)at < text->len)
                text->str[at] = (char)g_rand_int(rand);
            break;
        case 1: g_string_insert(text, at, words[g_rand_int_range(rand, 0, (gint32)word_count)]); break;
        case 2:
            if ((gsize)at < text->len)
                g_string_erase(text, at, g_rand_int_range(rand, 0, (int)MIN(text->len - (gsize)at, 40) + 1));
            break;
        case 3: {
            g_autofree char *copy = g_strndup(text->str, text->len);
            g_string_insert(text, at, copy);
            break;
        }
        case 4: {
            g_autofree char *filler = g_strnfill((gsize)g_rand_int_range(rand, 1, 6000), 'x');
            g_string_insert(text, at, filler);
            break;
        }
        default: g_string_truncate(text, (gsize)at); break;
        }
        if (text->len > FUZZ_MAX_TEXT)
            g_string_truncate(text, FUZZ_MAX_TEXT);
    }
}

/* One to five changes of bytes, mostly near the beginning and the end; the file may become shorter. */
static inline void fuzz_bytes(GRand *rand, char *bytes, gsize *size)
{
    static const guint64 numbers[] = {0, 1, 255, 256, 511, 512, 65536, G_MAXINT32, G_MAXUINT32, G_MAXINT64, G_MAXUINT64};

    for (int i = g_rand_int_range(rand, 1, 6); i > 0 && *size >= 8; i--) {
        gsize reach = g_rand_boolean(rand) ? *size - 7 : MIN(*size - 7, 1024);
        gsize at = (gsize)g_rand_int_range(rand, 0, (gint32)reach);
        guint64 number = numbers[g_rand_int_range(rand, 0, G_N_ELEMENTS(numbers))];
        if (g_rand_int_range(rand, 0, 4) == 0)
            at = *size - 8 - at;
        switch (g_rand_int_range(rand, 0, 8)) {
        case 0: *size = (gsize)g_rand_int_range(rand, 0, (gint32)*size); break;
        case 1:
        case 2: bytes[at] ^= (char)(1 << g_rand_int_range(rand, 0, 8)); break;
        case 3: bytes[at] = (char)g_rand_int(rand); break;
        case 4: number = GUINT64_SWAP_LE_BE(number); /* fall through */
        default: memcpy(bytes + at, &number, 1u << g_rand_int_range(rand, 0, 4)); break;
        }
    }
}
