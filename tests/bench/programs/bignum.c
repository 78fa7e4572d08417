/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long arithmetic: digits of pi by Machin's formula, modular powers by Montgomery multiplication, and 64-bit
 * division: 32 x 32 -> 64 products, carries and divisions. */
#include "bench.h"

#define WORDS 64
#define LIMBS 16

static void divide_small(uint32_t *number, uint32_t by)
{
    uint64_t rest = 0;

    for (int i = 0; i < WORDS; i++) {
        uint64_t n = rest << 32 | number[i];

        number[i] = (uint32_t)(n / by);
        rest = n - (uint64_t)number[i] * by;
    }
}

static int is_zero(const uint32_t *number)
{
    for (int i = 0; i < WORDS; i++) {
        if (number[i])
            return 0;
    }
    return 1;
}

static void accumulate(uint32_t *to, const uint32_t *from, int subtract)
{
    uint32_t carry = 0;

    for (int i = WORDS - 1; i >= 0; i--) {
        uint64_t sum = subtract ? (uint64_t)to[i] - from[i] - carry : (uint64_t)to[i] + from[i] + carry;

        to[i] = (uint32_t)sum;
        carry = (uint32_t)(sum >> 32) & 1;
    }
}

/* sum += sign * scale * arctan(1 / x) in fixed point; word 0 is the integer part. */
static void arctan(uint32_t *sum, uint32_t scale, uint32_t x, int negative)
{
    uint32_t power[WORDS] = {scale}, term[WORDS];

    divide_small(power, x);
    for (uint32_t n = 1; !is_zero(power); n += 2, negative ^= 1) {
        memcpy(term, power, sizeof(term));
        divide_small(term, n);
        accumulate(sum, term, negative);
        divide_small(power, x * x);
    }
}

/* a = a * b / 2^(32 * LIMBS) mod m, least significant word first (Montgomery 1985, the word-by-word form). */
static void montgomery(uint32_t *a, const uint32_t *b, const uint32_t *m, uint32_t inverse)
{
    uint32_t t[LIMBS + 2] = {0};

    for (int i = 0; i < LIMBS; i++) {
        uint64_t carry = 0;
        uint32_t q;

        for (int j = 0; j < LIMBS; j++) {
            carry += (uint64_t)a[i] * b[j] + t[j];
            t[j] = (uint32_t)carry;
            carry >>= 32;
        }
        carry += t[LIMBS];
        t[LIMBS] = (uint32_t)carry;
        t[LIMBS + 1] = (uint32_t)(carry >> 32);
        q = t[0] * inverse;
        carry = ((uint64_t)q * m[0] + t[0]) >> 32;
        for (int j = 1; j < LIMBS; j++) {
            carry += (uint64_t)q * m[j] + t[j];
            t[j - 1] = (uint32_t)carry;
            carry >>= 32;
        }
        carry += t[LIMBS];
        t[LIMBS - 1] = (uint32_t)carry;
        t[LIMBS] = t[LIMBS + 1] + (uint32_t)(carry >> 32);
    }
    if (t[LIMBS]) {
        uint32_t borrow = 0;

        for (int j = 0; j < LIMBS; j++) {
            uint64_t difference = (uint64_t)t[j] - m[j] - borrow;

            t[j] = (uint32_t)difference;
            borrow = (uint32_t)(difference >> 32) & 1;
        }
    }
    memcpy(a, t, LIMBS * sizeof(*a));
}

static uint32_t power(uint32_t *seed)
{
    uint32_t m[LIMBS], base[LIMBS], result[LIMBS], inverse = 1, hash = 6;

    for (int i = 0; i < LIMBS; i++) {
        m[i] = bench_random(seed);
        base[i] = result[i] = bench_random(seed);
    }
    m[0] |= 1;
    m[LIMBS - 1] |= 0x80000000u;
    base[LIMBS - 1] = result[LIMBS - 1] &= 0x7fffffffu;
    for (int i = 0; i < 5; i++)
        inverse *= 2 - m[0] * inverse;
    inverse = 0u - inverse;
    for (uint32_t bits = bench_random(seed), i = 0; i < 32; i++, bits >>= 1) {
        montgomery(result, result, m, inverse);
        if (bits & 1)
            montgomery(result, base, m, inverse);
    }
    for (int i = 0; i < LIMBS; i++)
        hash = bench_mix(hash, result[i]);
    return hash;
}

static uint32_t divisions(uint32_t *seed)
{
    uint32_t hash = 8;

    for (int i = 0; i < 2000; i++) {
        uint64_t n = (uint64_t)bench_random(seed) << 32 | bench_random(seed);
        uint64_t d =
            ((uint64_t)bench_random(seed) << 32 | bench_random(seed)) >> (bench_random(seed) % 63) | 1;
        uint64_t q = n / d, r = n % d;
        int64_t sq = (int64_t)n / (int64_t)(d | 2);

        if (q * d + r != n || r >= d)
            rt_fail("division");
        hash = bench_mix(bench_mix(hash, (uint32_t)q ^ (uint32_t)(q >> 32)), (uint32_t)r);
        hash = bench_mix(hash, (uint32_t)sq);
    }
    return hash;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 220), seed = 1973u, hash = 1;

    while (repeat--) {
        uint32_t pi[WORDS] = {0};

        /* pi = 16 arctan(1/5) - 4 arctan(1/239) */
        arctan(pi, 16, 5, 0);
        arctan(pi, 4, 239, 1);
        if (pi[0] != 3 || pi[1] != 0x243f6a88u || pi[2] != 0x85a308d3u)
            rt_fail("pi");
        hash = bench_mix(hash, pi[WORDS - 4]);
        for (int i = 0; i < 12; i++)
            hash = bench_mix(hash, power(&seed));
        hash = bench_mix(hash, divisions(&seed));
    }
    return bench_finish("bignum", hash);
}
