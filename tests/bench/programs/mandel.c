/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Mandelbrot set and a Newton fractal, double precision: short dependent chains with compares. */
#include "bench.h"

#define N 64

static uint32_t mandelbrot(double cx, double cy, double width)
{
    uint32_t hash = 1;

    for (int row = 0; row < N; row++) {
        for (int column = 0; column < N; column++) {
            double re = cx + width * (column - N / 2) / N, im = cy + width * (row - N / 2) / N, x = 0, y = 0;
            uint32_t n = 0;

            for (double xx = 0, yy = 0; n < 200 && xx + yy <= 4; n++) {
                y = 2 * x * y + im;
                x = xx - yy + re;
                xx = x * x;
                yy = y * y;
            }
            hash = bench_mix(hash, n);
        }
    }
    return hash;
}

/* z -> z - (z^3 - 1) / (3 z^2) */
static uint32_t newton(void)
{
    uint32_t hash = 2;

    for (int row = 0; row < N; row++) {
        for (int column = 0; column < N; column++) {
            double x = (column - N / 2 + 0.25) / 20, y = (row - N / 2 + 0.25) / 20;
            uint32_t n = 0;

            for (; n < 40; n++) {
                double xx = x * x, yy = y * y, d = 3 * (xx + yy) * (xx + yy);
                double nx = 2 * x / 3 + (xx - yy) / d, ny = 2 * y / 3 - 2 * x * y / d;
                double step = (nx - x) * (nx - x) + (ny - y) * (ny - y);

                x = nx;
                y = ny;
                if (step < 1e-18)
                    break;
            }
            hash = bench_mix(bench_mix(hash, n), (uint32_t)(int32_t)(x * 1000));
        }
    }
    return hash;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 24), hash = 1;

    for (uint32_t i = 0; i < repeat; i++) {
        hash = bench_mix(hash, mandelbrot(-0.75, 0.0, 2.5 / (1 + i % 5)));
        hash = bench_mix(hash, newton());
    }
    return bench_finish("mandel", hash);
}
