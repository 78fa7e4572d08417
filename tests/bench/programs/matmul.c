/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dense matrices in double precision: product, LU with pivoting, and a solution. */
#include "bench.h"

#define N 72

static double a[N][N], b[N][N], c[N][N], x[N];

static void product(void)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            double sum = 0;

            for (int k = 0; k < N; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    }
}

static void solve(void)
{
    for (int i = 0; i < N; i++)
        x[i] = a[i][N - 1 - i];
    for (int k = 0; k < N; k++) {
        int pivot = k;

        for (int i = k + 1; i < N; i++) {
            if (__builtin_fabs(c[i][k]) > __builtin_fabs(c[pivot][k]))
                pivot = i;
        }
        if (pivot != k) {
            double t = x[k];

            x[k] = x[pivot];
            x[pivot] = t;
            for (int j = k; j < N; j++) {
                t = c[k][j];
                c[k][j] = c[pivot][j];
                c[pivot][j] = t;
            }
        }
        for (int i = k + 1; i < N; i++) {
            double factor = c[i][k] / c[k][k];

            for (int j = k; j < N; j++)
                c[i][j] -= factor * c[k][j];
            x[i] -= factor * x[k];
        }
    }
    for (int i = N - 1; i >= 0; i--) {
        double t = x[i];

        for (int j = i + 1; j < N; j++)
            t -= c[i][j] * x[j];
        x[i] = t / c[i][i];
    }
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 65), seed = 602214076u, hash = 1;

    while (repeat--) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                a[i][j] = (double)(int32_t)bench_random(&seed) / 2147483648.0;
                b[i][j] = (double)(int32_t)bench_random(&seed) / 2147483648.0;
            }
        }
        product();
        hash = bench_mix_double(hash, c[3][N - 5]);
        solve();
        for (int i = 0; i < N; i++)
            hash = bench_mix_double(hash, x[i]);
    }
    return bench_finish("matmul", hash);
}
