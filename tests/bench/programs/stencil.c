/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single precision grids: heat by Jacobi steps, a wave, and a float biquad filter: streams of loads, adds,
 * stores. */
#include "bench.h"

#define N 80

static float heat[2][N][N], wave[3][N][N], sound[4096];

static void warm(int steps)
{
    for (int from = 0; steps--; from ^= 1) {
        for (int i = 1; i < N - 1; i++) {
            for (int j = 1; j < N - 1; j++) {
                heat[from ^ 1][i][j] =
                    heat[from][i][j] +
                    0.2f * (heat[from][i - 1][j] + heat[from][i + 1][j] + heat[from][i][j - 1] +
                            heat[from][i][j + 1] - 4 * heat[from][i][j]);
            }
        }
    }
}

static void ripple(int steps)
{
    int old = 0, now = 1, next = 2;

    while (steps--) {
        for (int i = 1; i < N - 1; i++) {
            for (int j = 1; j < N - 1; j++) {
                wave[next][i][j] = 1.6f * wave[now][i][j] - 0.999f * wave[old][i][j] +
                                   0.1f * (wave[now][i - 1][j] + wave[now][i + 1][j] + wave[now][i][j - 1] +
                                           wave[now][i][j + 1]);
            }
        }
        int t = old;

        old = now;
        now = next;
        next = t;
    }
}

static void filter(void)
{
    float x1 = 0, x2 = 0, y1 = 0, y2 = 0;

    for (int i = 0; i < 4096; i++) {
        float x = sound[i], y = 0.0675f * x + 0.1349f * x1 + 0.0675f * x2 + 1.143f * y1 - 0.4128f * y2;

        x2 = x1;
        x1 = x;
        y2 = y1;
        y1 = y;
        sound[i] = y;
    }
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 75), seed = 141421356u, hash = 1;

    while (repeat--) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                heat[0][i][j] = heat[1][i][j] = (float)(bench_random(&seed) & 0xffff) / 256.0f;
                for (int k = 0; k < 3; k++)
                    wave[k][i][j] = (float)(int32_t)bench_random(&seed) / 2147483648.0f;
            }
        }
        for (int i = 0; i < 4096; i++)
            sound[i] = (float)(int32_t)bench_random(&seed) / 65536.0f;
        warm(10);
        ripple(9);
        filter();
        for (int i = 0; i < N; i++)
            hash = bench_mix_float(bench_mix_float(hash, heat[0][i][N - 2 - i / 2]), wave[0][i][i]);
        for (int i = 0; i < 4096; i += 31)
            hash = bench_mix_float(hash, sound[i]);
    }
    return bench_finish("stencil", hash);
}
