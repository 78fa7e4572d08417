/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The 64-bit helpers that GCC calls on a 32-bit SPARC V8. The distribution's libgcc for SPARC is built for
 * V9. Names and meanings: "GNU Compiler Collection Internals", chapter "The GCC low-level runtime library".
 */
#include "rt.h"

union words {
    uint64_t whole;
    struct {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        uint32_t high, low;
#else
        uint32_t low, high;
#endif
    };
};

uint64_t __ashldi3(uint64_t value, int by);
uint64_t __lshrdi3(uint64_t value, int by);
int64_t __ashrdi3(int64_t value, int by);
uint64_t __muldi3(uint64_t a, uint64_t b);
uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest);
uint64_t __udivdi3(uint64_t n, uint64_t d);
uint64_t __umoddi3(uint64_t n, uint64_t d);
int64_t __divdi3(int64_t n, int64_t d);
int64_t __moddi3(int64_t n, int64_t d);
int __cmpdi2(int64_t a, int64_t b);
int __ucmpdi2(uint64_t a, uint64_t b);
int __clzsi2(uint32_t x);
int __ctzsi2(uint32_t x);
int __clzdi2(uint64_t x);
int __ctzdi2(uint64_t x);
int __popcountsi2(uint32_t x);
int __popcountdi2(uint64_t x);
uint32_t __bswapsi2(uint32_t x);
uint64_t __bswapdi2(uint64_t x);
double __floatdidf(int64_t value);
double __floatundidf(uint64_t value);
int64_t __fixdfdi(double value);
uint64_t __fixunsdfdi(double value);

uint64_t __ashldi3(uint64_t value, int by)
{
    union words in = {value}, out;

    if (by == 0)
        return value;
    if (by >= 32) {
        out.high = in.low << (by - 32);
        out.low = 0;
    } else {
        out.high = in.high << by | in.low >> (32 - by);
        out.low = in.low << by;
    }
    return out.whole;
}

uint64_t __lshrdi3(uint64_t value, int by)
{
    union words in = {value}, out;

    if (by == 0)
        return value;
    if (by >= 32) {
        out.low = in.high >> (by - 32);
        out.high = 0;
    } else {
        out.low = in.low >> by | in.high << (32 - by);
        out.high = in.high >> by;
    }
    return out.whole;
}

int64_t __ashrdi3(int64_t value, int by)
{
    union words in = {(uint64_t)value}, out;
    int32_t high = (int32_t)in.high;

    if (by == 0)
        return value;
    if (by >= 32) {
        out.low = (uint32_t)(high >> (by - 32));
        out.high = (uint32_t)(high >> 31);
    } else {
        out.low = in.low >> by | in.high << (32 - by);
        out.high = (uint32_t)(high >> by);
    }
    return (int64_t)out.whole;
}

/* GCC expands a 32 x 32 -> 64 product in place (umul, rd %y); only the cross products remain. */
uint64_t __muldi3(uint64_t a, uint64_t b)
{
    union words x = {a}, y = {b}, out = {(uint64_t)x.low * y.low};

    out.high += x.high * y.low + x.low * y.high;
    return out.whole;
}

int __clzsi2(uint32_t x)
{
    int n = 0;

    for (int step = 16; step; step >>= 1) {
        if (!(x >> (32 - step))) {
            n += step;
            x <<= step;
        }
    }
    return n + !x;
}

int __ctzsi2(uint32_t x)
{
    return 31 - __clzsi2(x & (0u - x));
}

int __clzdi2(uint64_t x)
{
    union words in = {x};

    return in.high ? __clzsi2(in.high) : 32 + __clzsi2(in.low);
}

int __ctzdi2(uint64_t x)
{
    union words in = {x};

    return in.low ? __ctzsi2(in.low) : 32 + __ctzsi2(in.high);
}

/*
 * Schoolbook division. A divisor of one word takes two steps of the processor's own 64 / 32 bit division;
 * a longer one is normalised, divided by its upper word and corrected (Knuth, TAOCP vol. 2, 4.3.1, algorithm
 * D).
 */
static uint32_t divide_words(uint32_t high, uint32_t low, uint32_t by, uint32_t *rest)
{
    uint32_t q;

#if defined(__sparc__)
    /* The result fits in a word because high < by. Y holds the upper half; three instructions must pass
     * before use. */
    __asm__("wr %1, 0, %%y\n\tnop\n\tnop\n\tnop\n\tudiv %2, %3, %0" : "=r"(q) : "r"(high), "r"(low), "r"(by));
    *rest = low - q * by;
#else
    union words n;

    n.high = high;
    n.low = low;
    q = (uint32_t)(n.whole / by);
    *rest = (uint32_t)(n.whole % by);
#endif
    return q;
}

uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest)
{
    union words num = {n}, den = {d}, q = {0}, r = {0};

    if (den.high == 0) {
        uint32_t carry = 0;

        if (num.high >= den.low) {
            q.high = num.high / den.low;
            carry = num.high - q.high * den.low;
        } else {
            carry = num.high;
        }
        q.low = divide_words(carry, num.low, den.low, &r.low);
    } else if (n < d) {
        r.whole = n;
    } else {
        int shift = __clzsi2(den.high);
        union words dn = {__ashldi3(d, shift)};
        union words top = {__lshrdi3(n, 1)};
        uint32_t guess, unused;

        /* One quotient word: (n / 2) / (upper word of the normalised divisor), scaled back, is at most 1 too
         * large. */
        guess = divide_words(top.high, top.low, dn.high, &unused) >> (31 - shift);
        if (guess)
            guess--;
        q.low = guess;
        r.whole = n - __muldi3(d, guess);
        if (r.whole >= d) {
            r.whole -= d;
            q.low++;
        }
    }
    if (rest)
        *rest = r.whole;
    return q.whole;
}

uint64_t __udivdi3(uint64_t n, uint64_t d)
{
    return __udivmoddi4(n, d, NULL);
}

uint64_t __umoddi3(uint64_t n, uint64_t d)
{
    uint64_t rest;

    __udivmoddi4(n, d, &rest);
    return rest;
}

int64_t __divdi3(int64_t n, int64_t d)
{
    uint64_t q =
        __udivmoddi4(n < 0 ? 0 - (uint64_t)n : (uint64_t)n, d < 0 ? 0 - (uint64_t)d : (uint64_t)d, NULL);

    return (int64_t)((n < 0) != (d < 0) ? 0 - q : q);
}

int64_t __moddi3(int64_t n, int64_t d)
{
    uint64_t rest;

    __udivmoddi4(n < 0 ? 0 - (uint64_t)n : (uint64_t)n, d < 0 ? 0 - (uint64_t)d : (uint64_t)d, &rest);
    return (int64_t)(n < 0 ? 0 - rest : rest);
}

int __cmpdi2(int64_t a, int64_t b)
{
    return a < b ? 0 : a > b ? 2 : 1;
}

int __ucmpdi2(uint64_t a, uint64_t b)
{
    return a < b ? 0 : a > b ? 2 : 1;
}

int __popcountsi2(uint32_t x)
{
    x -= x >> 1 & 0x55555555u;
    x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0fu;
    return (int)(x * 0x01010101u >> 24);
}

int __popcountdi2(uint64_t x)
{
    union words in = {x};

    return __popcountsi2(in.high) + __popcountsi2(in.low);
}

uint32_t __bswapsi2(uint32_t x)
{
    return x << 24 | (x & 0xff00u) << 8 | (x >> 8 & 0xff00u) | x >> 24;
}

uint64_t __bswapdi2(uint64_t x)
{
    union words in = {x}, out;

    out.high = __bswapsi2(in.low);
    out.low = __bswapsi2(in.high);
    return out.whole;
}

/* Both halves are exact doubles and so is the scaled upper one: the sum rounds once. */
double __floatundidf(uint64_t value)
{
    union words in = {value};

    return (double)in.high * 4294967296.0 + (double)in.low;
}

double __floatdidf(int64_t value)
{
    union words in = {(uint64_t)value};

    return (double)(int32_t)in.high * 4294967296.0 + (double)in.low;
}

uint64_t __fixunsdfdi(double value)
{
    union words out;

    if (!(value >= 1.0))
        return 0;
    out.high = (uint32_t)(value * (1.0 / 4294967296.0));
    out.low = (uint32_t)(value - (double)out.high * 4294967296.0);
    return out.whole;
}

int64_t __fixdfdi(double value)
{
    return value < 0 ? (int64_t)(0 - __fixunsdfdi(-value)) : (int64_t)__fixunsdfdi(value);
}
