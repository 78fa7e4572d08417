/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spectral norm of the infinite matrix 1 / ((i + j)(i + j + 1) / 2 + i + 1): conversions and divisions. */
#include "bench.h"

#define N 120

static double u[N], v[N], t[N];

static inline double entry(int i, int j)
{
    return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void times(const double *from, double *to)
{
    for (int i = 0; i < N; i++) {
        double sum = 0;

        for (int j = 0; j < N; j++)
            sum += entry(i, j) * from[j];
        to[i] = sum;
    }
}

static void times_transposed(const double *from, double *to)
{
    for (int i = 0; i < N; i++) {
        double sum = 0;

        for (int j = 0; j < N; j++)
            sum += entry(j, i) * from[j];
        to[i] = sum;
    }
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 45), hash = 1;

    while (repeat--) {
        double uv = 0, vv = 0;

        for (int i = 0; i < N; i++)
            u[i] = 1;
        for (int i = 0; i < 10; i++) {
            times(u, t);
            times_transposed(t, v);
            times(v, t);
            times_transposed(t, u);
        }
        for (int i = 0; i < N; i++) {
            uv += u[i] * v[i];
            vv += v[i] * v[i];
        }
        hash = bench_mix_double(hash, __builtin_sqrt(uv / vv));
    }
    return bench_finish("spectral", hash);
}
