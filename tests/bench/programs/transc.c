/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elementary functions written out: sine and cosine by reduction and polynomial, exponential and logarithm by
 * bits and series, arc tangent by CORDIC, power and root by Newton: conversions between integers and doubles,
 * bit access. */
#include "bench.h"

static inline double from_bits(uint64_t bits)
{
    double d;

    memcpy(&d, &bits, sizeof(d));
    return d;
}

static inline uint64_t to_bits(double d)
{
    uint64_t bits;

    memcpy(&bits, &d, sizeof(bits));
    return bits;
}

static const double half_pi_high = 1.57079632673412561417, half_pi_low = 6.07710050650619224932e-11;

static double sine(double x, int quarter)
{
    int n = (int)(x * 0.63661977236758134308 + (x < 0 ? -0.5 : 0.5));
    double r = x - n * half_pi_high - n * half_pi_low, s = r * r;

    n += quarter;
    if (n & 1) {
        r = 1 + s * (-1.0 / 2 +
                     s * (1.0 / 24 + s * (-1.0 / 720 +
                                          s * (1.0 / 40320 + s * (-1.0 / 3628800 + s * (1.0 / 479001600))))));
    } else {
        r = r + r * s *
                    (-1.0 / 6 + s * (1.0 / 120 + s * (-1.0 / 5040 +
                                                      s * (1.0 / 362880 + s * (-1.0 / 39916800 +
                                                                               s * (1.0 / 6227020800.0))))));
    }
    return n & 2 ? -r : r;
}

static double exponential(double x)
{
    int n = (int)(x * 1.44269504088896338700 + (x < 0 ? -0.5 : 0.5));
    double r = x - n * 6.93147180369123816490e-01 - n * 1.90821492927058770002e-10, sum = 1;

    for (int k = 13; k >= 1; k--)
        sum = 1 + sum * r / k;
    return sum * from_bits((uint64_t)(uint32_t)(n + 1023) << 52);
}

static double logarithm(double x)
{
    uint64_t bits = to_bits(x);
    int n = (int)(uint32_t)(bits >> 52) - 1023;
    double m = from_bits((bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull), s, square, sum = 0;

    if (m > 1.41421356237309504880) {
        m *= 0.5;
        n++;
    }
    s = (m - 1) / (m + 1);
    square = s * s;
    for (int k = 19; k >= 1; k -= 2)
        sum = sum * square + 1.0 / k;
    return 2 * s * sum + n * 0.69314718055994530942;
}

static double angles[40];

/* Turns the vector (x, y) onto the axis in steps of arctan(2^-k). */
static double cordic(double y, double x)
{
    double angle = 0, scale = 1;

    for (int k = 0; k < 40; k++, scale *= 0.5) {
        double t = x;

        if (y > 0) {
            x += y * scale;
            y -= t * scale;
            angle += angles[k];
        } else {
            x -= y * scale;
            y += t * scale;
            angle -= angles[k];
        }
    }
    return angle;
}

static double arctan_series(double x)
{
    double sum = 0, square = x * x;

    for (int k = 31; k >= 1; k -= 2)
        sum = 1.0 / k - square * sum;
    return x * sum;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 300), hash = 1;

    angles[0] = 0.78539816339744830962;
    for (int k = 1; k < 40; k++)
        angles[k] = arctan_series(from_bits((uint64_t)(1023 - k) << 52));
    for (uint32_t i = 0; i < repeat; i++) {
        double sum = 0;

        for (int k = 1; k <= 500; k++) {
            double x = k * 0.0217 + i * 0.001, s = sine(x, 0), c = sine(x, 1), e, back;

            if (s * s + c * c - 1 > 1e-6 || s * s + c * c - 1 < -1e-6)
                rt_fail("sine");
            e = exponential(-x / 8);
            back = logarithm(e) + x / 8;
            if (back > 1e-10 || back < -1e-10)
                rt_fail("logarithm");
            sum += s * e + c * logarithm(x) + cordic(s + 1.5, x) + exponential(0.41 * logarithm(x + 0.5));
            hash = bench_mix_double(hash, sum);
        }
    }
    return bench_finish("transc", hash);
}
