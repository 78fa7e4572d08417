/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the benchmark programs share: the amount of work from the command line, a random stream, a running
 * hash and the last line. A program prints "NAME CHECKSUM"; the checksum depends on the amount of work only.
 */
#ifndef VITRINE_BENCH_H
#define VITRINE_BENCH_H

#include "tests/bench/rt/rt.h"

/* The work in percent of the usual amount (the first argument), applied to a count of repetitions. */
static inline uint32_t bench_repeat(int argc, char **argv, uint32_t usual)
{
    uint32_t percent = argc > 1 ? (uint32_t)rt_atoi(argv[1]) : 100;
    uint32_t n = usual * percent / 100;

    return n ? n : 1;
}

/* Marsaglia's xorshift32. */
static inline uint32_t bench_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static inline uint32_t bench_mix(uint32_t hash, uint32_t value)
{
    hash = (hash ^ value) * 0x01000193u;
    return hash << 13 | hash >> 19;
}

static inline uint32_t bench_mix_double(uint32_t hash, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bench_mix(bench_mix(hash, (uint32_t)bits), (uint32_t)(bits >> 32));
}

static inline uint32_t bench_mix_float(uint32_t hash, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bench_mix(hash, bits);
}

static inline int bench_finish(const char *name, uint32_t hash)
{
    rt_put(name);
    rt_put_char(' ');
    rt_put_hex32(hash);
    rt_put_char('\n');
    return 0;
}

#endif
