/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fast Fourier transform, radix 2, double precision, forth and back. */
#include "bench.h"

#define BITS 11
#define N    (1 << BITS)

static double re[N], im[N], cosine[N / 2], sine[N / 2], wave[N];

/* The roots of unity by halving angles: cos(t/2) = sqrt((1 + cos t) / 2), then products. */
static void make_roots(void)
{
    double c = -1, s = 0;

    cosine[0] = 1;
    sine[0] = 0;
    for (int step = N / 4; step >= 1; step >>= 1) {
        double half_c = __builtin_sqrt((1 + c) / 2), half_s = __builtin_sqrt((1 - c) / 2);

        c = half_c;
        s = half_s;
        for (int i = 0; i < N / 2; i += 2 * step) {
            cosine[i + step] = cosine[i] * c - sine[i] * s;
            sine[i + step] = sine[i] * c + cosine[i] * s;
        }
    }
}

static void transform(double direction)
{
    for (int i = 0, j = 0; i < N; i++) {
        int bit = N >> 1;

        if (i < j) {
            double t = re[i];

            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
    for (int half = 1; half < N; half <<= 1) {
        int stride = N / 2 / half;

        for (int start = 0; start < N; start += 2 * half) {
            for (int k = 0; k < half; k++) {
                double wr = cosine[k * stride], wi = direction * sine[k * stride];
                int p = start + k, q = p + half;
                double tr = re[q] * wr - im[q] * wi, ti = re[q] * wi + im[q] * wr;

                re[q] = re[p] - tr;
                im[q] = im[p] - ti;
                re[p] += tr;
                im[p] += ti;
            }
        }
    }
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 300), seed = 137035999u, hash = 1;

    make_roots();
    while (repeat--) {
        for (int i = 0; i < N; i++) {
            wave[i] = re[i] = (double)(int32_t)bench_random(&seed) / 2147483648.0;
            im[i] = 0;
        }
        transform(-1);
        for (int i = 0; i < N; i += 61)
            hash = bench_mix_double(bench_mix_double(hash, re[i]), im[i]);
        transform(1);
        for (int i = 0; i < N; i++) {
            double error = re[i] / N - wave[i];

            if (!(error < 1e-12 && error > -1e-12))
                rt_fail("the wave did not come back");
        }
        hash = bench_mix_double(hash, re[N / 3]);
    }
    return bench_finish("fft", hash);
}
