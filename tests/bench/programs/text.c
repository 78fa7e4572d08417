/* SPDX-License-Identifier: GPL-3.0-or-later */
/* String work: words are written into a text, then counted, searched, reversed, compared by edit distance,
 * and numbers are printed and parsed. */
#include "bench.h"

#define BYTES      32768
#define WORDS      256
#define WORD_BYTES 16

static char text[BYTES + 1], copy[BYTES + 1], vocabulary[WORDS][WORD_BYTES];
static uint32_t counts[WORDS];

static void make_vocabulary(uint32_t *seed)
{
    for (int i = 0; i < WORDS; i++) {
        int length = 2 + (int)(bench_random(seed) % 9);

        for (int k = 0; k < length; k++)
            vocabulary[i][k] = "etaoinshrdlucmfw"[bench_random(seed) & 15];
        vocabulary[i][length] = 0;
    }
}

static void make_text(uint32_t *seed)
{
    char *to = text;

    while (to < text + BYTES - 2 * WORD_BYTES) {
        const char *word = vocabulary[bench_random(seed) % WORDS];

        strcpy(to, word);
        to += strlen(word);
        *to++ = bench_random(seed) % 9 ? ' ' : '\n';
    }
    *to = 0;
}

static int find_word(const char *word)
{
    for (int i = 0; i < WORDS; i++) {
        if (strcmp(word, vocabulary[i]) == 0)
            return i;
    }
    return -1;
}

static uint32_t count_words(void)
{
    char *at = copy, *start;
    uint32_t lines = 0, hash = 3;

    strcpy(copy, text);
    memset(counts, 0, sizeof(counts));
    for (int n = 0; n < 1500 && *at; n++) {
        int which;

        start = at;
        while (*at && *at != ' ' && *at != '\n')
            at++;
        lines += *at == '\n';
        if (*at)
            *at++ = 0;
        which = find_word(start);
        if (which < 0)
            rt_fail("a word got lost");
        counts[which]++;
    }
    for (int i = 0; i < WORDS; i++)
        hash = bench_mix(hash, counts[i]);
    return bench_mix(hash, lines);
}

/* Boyer, Moore, Horspool. */
static uint32_t search(const char *needle)
{
    uint8_t skip[256];
    size_t n = strlen(needle), length = strlen(text);
    uint32_t hits = 0;

    memset(skip, (int)n, sizeof(skip));
    for (size_t i = 0; i + 1 < n; i++)
        skip[(uint8_t)needle[i]] = (uint8_t)(n - 1 - i);
    for (size_t at = 0; at + n <= length; at += skip[(uint8_t)text[at + n - 1]]) {
        if (memcmp(text + at, needle, n) == 0)
            hits++;
    }
    return hits;
}

static uint32_t distance(const char *a, const char *b)
{
    uint32_t row[WORD_BYTES + 1], n = (uint32_t)strlen(b);

    for (uint32_t j = 0; j <= n; j++)
        row[j] = j;
    for (uint32_t i = 0; a[i]; i++) {
        uint32_t corner = row[0];

        row[0] = i + 1;
        for (uint32_t j = 0; j < n; j++) {
            uint32_t best = corner + (a[i] != b[j]);

            corner = row[j + 1];
            if (corner + 1 < best)
                best = corner + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j + 1] = best;
        }
    }
    return row[n];
}

static uint32_t numbers(uint32_t *seed)
{
    char digits[16];
    uint32_t hash = 5;

    for (int i = 0; i < 2000; i++) {
        uint32_t value = bench_random(seed) >> (i & 15), v = value;
        int n = 15;

        digits[n] = 0;
        do {
            digits[--n] = (char)('0' + v % 10);
            v /= 10;
        } while (v);
        if ((uint32_t)rt_atoi(digits + n) != value)
            rt_fail("a number got lost");
        hash = bench_mix(hash, (uint32_t)digits[n] << 8 | (uint32_t)n);
    }
    return hash;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 110), seed = 123456789u, hash = 1;

    make_vocabulary(&seed);
    while (repeat--) {
        make_text(&seed);
        hash = bench_mix(hash, count_words());
        for (int i = 0; i < 16; i++)
            hash = bench_mix(hash, search(vocabulary[(repeat * 16 + (uint32_t)i) % WORDS]));
        for (int i = 0; i < 1500; i++)
            hash = bench_mix(hash, distance(vocabulary[bench_random(&seed) % WORDS],
                                            vocabulary[bench_random(&seed) % WORDS]));
        hash = bench_mix(hash, numbers(&seed));
    }
    return bench_finish("text", hash);
}
