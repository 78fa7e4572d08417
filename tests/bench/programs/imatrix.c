/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integer matrices: product, shortest paths (Floyd, Warshall), life on a torus and a 3 x 3 convolution. */
#include "bench.h"

#define N 96

static int32_t a[N][N], b[N][N], c[N][N];
static uint8_t cells[2][N][N];
static int16_t picture[N][N], blurred[N][N];

static uint32_t product(void)
{
    uint32_t hash = 1;

    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            uint32_t sum = 0;

            for (int k = 0; k < N; k++)
                sum += (uint32_t)a[i][k] * (uint32_t)b[k][j];
            c[i][j] = (int32_t)sum;
        }
        hash = bench_mix(hash, (uint32_t)c[i][N - 1 - i]);
    }
    return hash;
}

static uint32_t paths(void)
{
    uint32_t hash = 2;

    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            c[i][j] = a[i][j] & 0xffff;
    }
    for (int k = 0; k < N; k++) {
        for (int i = 0; i < N; i++) {
            int32_t first = c[i][k];

            for (int j = 0; j < N; j++) {
                int32_t through = first + c[k][j];

                if (through < c[i][j])
                    c[i][j] = through;
            }
        }
    }
    for (int i = 0; i < N; i++)
        hash = bench_mix(hash, (uint32_t)c[i][(i * 7) % N]);
    return hash;
}

static uint32_t life(int generations)
{
    uint32_t alive = 0;
    int from = 0;

    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            cells[0][i][j] = (uint8_t)(a[i][j] >> 5 & 1);
    }
    for (; generations; generations--, from ^= 1) {
        for (int i = 0; i < N; i++) {
            int up = i ? i - 1 : N - 1, down = i < N - 1 ? i + 1 : 0;

            for (int j = 0; j < N; j++) {
                int left = j ? j - 1 : N - 1, right = j < N - 1 ? j + 1 : 0;
                int near = cells[from][up][left] + cells[from][up][j] + cells[from][up][right] +
                           cells[from][i][left] + cells[from][i][right] + cells[from][down][left] +
                           cells[from][down][j] + cells[from][down][right];

                cells[from ^ 1][i][j] = near == 3 || (near == 2 && cells[from][i][j]);
            }
        }
    }
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            alive += cells[from][i][j];
    }
    return alive;
}

static uint32_t blur(void)
{
    uint32_t hash = 4;

    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            picture[i][j] = (int16_t)(a[i][j] >> 16);
    }
    for (int i = 1; i < N - 1; i++) {
        for (int j = 1; j < N - 1; j++) {
            int32_t sum =
                4 * picture[i][j] +
                2 * (picture[i - 1][j] + picture[i + 1][j] + picture[i][j - 1] + picture[i][j + 1]) +
                picture[i - 1][j - 1] + picture[i - 1][j + 1] + picture[i + 1][j - 1] + picture[i + 1][j + 1];

            blurred[i][j] = (int16_t)(sum / 16);
        }
        hash = bench_mix(hash, (uint32_t)(uint16_t)blurred[i][N - 1 - i]);
    }
    return hash;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 200), seed = 314159265u, hash = 1;

    while (repeat--) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                a[i][j] = (int32_t)bench_random(&seed);
                b[i][j] = (int32_t)bench_random(&seed);
            }
        }
        hash = bench_mix(hash, product());
        hash = bench_mix(hash, paths());
        hash = bench_mix(hash, life(12));
        hash = bench_mix(hash, blur());
    }
    return bench_finish("imatrix", hash);
}
