/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sieve of Eratosthenes three ways: bytes, bits of odd numbers, and a table of smallest factors. */
#include "bench.h"

#define LIMIT 400000

static uint8_t bytes[LIMIT];
static uint32_t bits[LIMIT / 64 + 1];
static uint16_t factor[LIMIT / 4];

static uint32_t by_bytes(void)
{
    uint32_t count = 0;

    memset(bytes, 0, sizeof(bytes));
    for (uint32_t i = 2; i < LIMIT; i++) {
        if (bytes[i])
            continue;
        count++;
        if (i < 1000) {
            for (uint32_t k = i * i; k < LIMIT; k += i)
                bytes[k] = 1;
        }
    }
    return count;
}

static uint32_t by_bits(void)
{
    uint32_t count = 1;

    memset(bits, 0, sizeof(bits));
    for (uint32_t i = 3; i < LIMIT; i += 2) {
        if (bits[i >> 6] >> (i >> 1 & 31) & 1)
            continue;
        count++;
        if (i < 1000) {
            for (uint32_t k = i * i; k < LIMIT; k += 2 * i)
                bits[k >> 6] |= 1u << (k >> 1 & 31);
        }
    }
    return count;
}

static uint32_t by_factors(void)
{
    uint32_t hash = 9;

    memset(factor, 0, sizeof(factor));
    for (uint32_t i = 2; i * i < LIMIT / 4; i++) {
        if (factor[i])
            continue;
        for (uint32_t k = i * i; k < LIMIT / 4; k += i) {
            if (!factor[k])
                factor[k] = (uint16_t)i;
        }
    }
    for (uint32_t i = 2; i < LIMIT / 4; i += 37) {
        uint32_t n = i, parts = 0;

        while (factor[n]) {
            n /= factor[n];
            parts++;
        }
        hash = bench_mix(hash, n + parts);
    }
    return hash;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 220), hash = 1;

    while (repeat--) {
        uint32_t a = by_bytes(), b = by_bits();

        if (a != b)
            rt_fail("the sieves differ");
        hash = bench_mix(bench_mix(hash, a), by_factors());
    }
    return bench_finish("sieve", hash);
}
