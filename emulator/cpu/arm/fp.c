/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Floating-point arithmetic by the manual (0406C A2.7): host operations one at a time with their flags, and what the
 * host does not have by integers.
 */
#include "emulator/cpu/arm/fp.h"

#include <fenv.h>
#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

/* ------------------------------------------------------------------------------------------ the host's unit */

#ifdef __SSE2__
uint32_t arm_fp_begin(void)
{
    return _mm_getcsr();
}

void arm_fp_end(uint32_t kept)
{
    _mm_setcsr(kept);
}

/* RMode 0 nearest, 1 up, 2 down, 3 zero; MXCSR.RC 0 nearest, 1 down, 2 up, 3 zero.  Clears the flags. */
static void host_set(uint32_t rmode)
{
    static const uint16_t rc[4] = {0x0000, 0x4000, 0x2000, 0x6000};
    _mm_setcsr(0x1f80u | rc[rmode >> 22 & 3]);
    __asm__ volatile("" ::: "memory");
}

static uint32_t host_flags(void)
{
    __asm__ volatile("" ::: "memory");
    uint32_t c = _mm_getcsr();
    return (c & 0x01 ? FPSCR_IOC : 0) | (c & 0x04 ? FPSCR_DZC : 0) | (c & 0x08 ? FPSCR_OFC : 0) |
           (c & 0x10 ? FPSCR_UFC : 0) | (c & 0x20 ? FPSCR_IXC : 0);
}
#else
uint32_t arm_fp_begin(void)
{
    return (uint32_t)fegetround() | (uint32_t)fetestexcept(FE_ALL_EXCEPT) << 16;
}

void arm_fp_end(uint32_t kept)
{
    fesetround((int)(kept & 0xffff));
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept((int)(kept >> 16));
}

static void host_set(uint32_t rmode)
{
    static const int mode[4] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    fesetround(mode[rmode >> 22 & 3]);
    feclearexcept(FE_ALL_EXCEPT);
}

static uint32_t host_flags(void)
{
    int c = fetestexcept(FE_ALL_EXCEPT);
    return (c & FE_INVALID ? FPSCR_IOC : 0) | (c & FE_DIVBYZERO ? FPSCR_DZC : 0) | (c & FE_OVERFLOW ? FPSCR_OFC : 0) |
           (c & FE_UNDERFLOW ? FPSCR_UFC : 0) | (c & FE_INEXACT ? FPSCR_IXC : 0);
}
#endif

/* --------------------------------------------------------------------------------------------- both widths */

#define T float
#define U uint32_t
#define BITS 32
#define FRACTION 23
#define NAME(x) x##32
#define SQRT sqrtf
#define FMA fmaf
#include "emulator/cpu/arm/fp_width.h"

#define T double
#define U uint64_t
#define BITS 64
#define FRACTION 52
#define NAME(x) x##64
#define SQRT sqrt
#define FMA fma
#include "emulator/cpu/arm/fp_width.h"

/* ------------------------------------------------------------------------------------------------ four at once */

bool arm_fp_quick(struct arm_fp *e, enum arm_fp_op op, unsigned n, uint32_t *r, const uint32_t *vd, const uint32_t *vn,
                  const uint32_t *vm)
{
    float x[4], y[4], z[4], p[4] = {1, 1, 1, 1};
    volatile float result[4];
    bool add = op == FP_MLA || op == FP_MLS, product = add || op == FP_MUL;
    if (op != FP_ADD && op != FP_SUB && !product)
        return false;
    for (unsigned k = 0; k < n; k++) {
        if (!is_plain32(vn[k], false) || !is_plain32(vm[k], false) || (add && !is_plain32(vd[k], false)))
            return false;
        x[k] = value32(vn[k]);
        y[k] = value32(vm[k]);
        z[k] = value32(vd[k]);
    }
    host_set(0);
    for (unsigned k = 0; k < n; k++) {
        volatile float v;
        if (op == FP_ADD)
            v = x[k] + y[k];
        else if (op == FP_SUB)
            v = x[k] - y[k];
        else
            v = x[k] * y[k];
        if (add) {
            p[k] = v;
            v = op == FP_MLA ? z[k] + p[k] : z[k] - p[k];
        } else if (product) {
            p[k] = v;
        }
        result[k] = v;
    }
    uint32_t flags = host_flags();
    for (unsigned k = 0; k < n; k++) {
        if (!is_plain32(bits32(result[k]), true) || !is_plain32(bits32(p[k]), true))
            return false;
        if (product && p[k] == 0 && x[k] != 0 && y[k] != 0)
            return false;
    }
    for (unsigned k = 0; k < n; k++)
        r[k] = bits32(result[k]);
    e->flags |= flags;
    return true;
}

/* ---------------------------------------------------------------------------------------------- conversions */

uint64_t arm_fp_widen_nan(uint32_t v, bool default_nan)
{
    if (default_nan)
        return UINT64_C(0x7ff8000000000000);
    return (uint64_t)(v & 0x80000000) << 32 | UINT64_C(0x7ff8000000000000) | (uint64_t)(v & 0x007fffff) << 29;
}

uint32_t arm_fp_narrow_nan(uint64_t v, bool default_nan)
{
    if (default_nan)
        return 0x7fc00000;
    return (uint32_t)(v >> 32 & 0x80000000) | 0x7fc00000 | (uint32_t)(v >> 29 & 0x007fffff);
}

uint64_t arm_fp_widen(struct arm_fp *e, uint32_t v)
{
    v = input32(e, v);
    if (is_nan32(v)) {
        if (is_signalling32(v))
            e->flags |= FPSCR_IOC;
        return arm_fp_widen_nan(v, e->fpscr & FPSCR_DN);
    }
    return bits64((double)value32(v));
}

uint32_t arm_fp_narrow(struct arm_fp *e, uint64_t v)
{
    v = input64(e, v);
    if (is_nan64(v)) {
        if (is_signalling64(v))
            e->flags |= FPSCR_IOC;
        return arm_fp_narrow_nan(v, e->fpscr & FPSCR_DN);
    }
    volatile double x = value64(v);
    host_set(e->fpscr & FPSCR_RMODE);
    volatile float r = (float)x;
    uint32_t flags = host_flags();
    if (fabs(x) < 0x1p-126 && x != 0) {
        if (e->fpscr & FPSCR_FZ) {
            e->flags |= FPSCR_UFC;
            return bits32(r) & 0x80000000;
        }
        if (flags & FPSCR_IXC)
            flags |= FPSCR_UFC;
    }
    e->flags |= flags;
    return bits32(r);
}

uint32_t arm_fp_from_half(struct arm_fp *e, uint16_t v)
{
    uint32_t sign = (uint32_t)(v & 0x8000) << 16, exponent = v >> 10 & 31, fraction = v & 0x3ff;
    if (exponent == 31 && !(e->fpscr & FPSCR_AHP)) {
        if (!fraction)
            return sign | 0x7f800000;
        if (!(fraction & 0x200))
            e->flags |= FPSCR_IOC;
        return e->fpscr & FPSCR_DN ? 0x7fc00000 : sign | 0x7fc00000 | fraction << 13;
    }
    if (exponent == 0) {
        if (!fraction)
            return sign;
        unsigned up = (unsigned)__builtin_clz(fraction) - 21; /* to bit 10 */
        return sign | (113 - up) << 23 | (fraction << up & 0x3ff) << 13;
    }
    return sign | (exponent + 112) << 23 | fraction << 13;
}

/* Whether a magnitude with `rest` behind its last bit is rounded up; half: the value of half a unit. */
static bool rounds_up(uint32_t rmode, bool negative, bool odd, uint64_t rest, uint64_t half)
{
    switch (rmode >> 22 & 3) {
    case 0: return rest > half || (rest == half && odd);
    case 1: return rest && !negative;
    case 2: return rest && negative;
    default: return false;
    }
}

uint16_t arm_fp_to_half(struct arm_fp *e, uint32_t v)
{
    bool alternative = e->fpscr & FPSCR_AHP;
    v = input32(e, v);
    uint32_t sign = v >> 16 & 0x8000;
    if (is_nan32(v)) {
        if (alternative || is_signalling32(v))
            e->flags |= FPSCR_IOC;
        if (alternative)
            return (uint16_t)sign;
        return e->fpscr & FPSCR_DN ? 0x7e00 : (uint16_t)(sign | 0x7e00 | (v >> 13 & 0x1ff));
    }
    if ((v & 0x7fffffff) == 0x7f800000) {
        if (!alternative)
            return (uint16_t)(sign | 0x7c00);
        e->flags |= FPSCR_IOC;
        return (uint16_t)(sign | 0x7fff);
    }
    if (!(v & 0x7fffffff))
        return (uint16_t)sign;
    int exponent = (int)(v >> 23 & 255) - 127;
    uint64_t mantissa = v & 0x7fffff; /* scaled so that a half's fraction ends at bit 40 */
    if (v >> 23 & 255)
        mantissa |= 0x800000;
    else
        exponent = -126;
    mantissa <<= 27;
    bool tiny = exponent < -14;
    unsigned down = tiny ? (unsigned)(-14 - exponent) : 0;
    uint64_t rest;
    if (down > 50) { /* only that there is something */
        rest = 1;
        mantissa = 0;
    } else {
        uint64_t lost = mantissa & ((UINT64_C(1) << down) - 1);
        mantissa >>= down;
        rest = (mantissa & ((UINT64_C(1) << 40) - 1)) | (lost != 0);
    }
    uint32_t result = (uint32_t)(mantissa >> 40); /* with the leading one at bit 10 */
    if (rounds_up(e->fpscr, sign != 0, result & 1, rest, UINT64_C(1) << 39))
        result++;
    int biased = tiny ? 0 : exponent + 14; /* the leading one adds 1 */
    uint32_t half = ((uint32_t)biased << 10) + result;
    if (tiny && rest)
        e->flags |= FPSCR_UFC;
    if (alternative) {
        if (half > 0x7fff) {
            e->flags |= FPSCR_IOC;
            return (uint16_t)(sign | 0x7fff);
        }
    } else if (half >= 0x7c00) {
        static const bool to_infinity[4][2] = {{true, true}, {true, false}, {false, true}, {false, false}};
        e->flags |= FPSCR_OFC | FPSCR_IXC;
        return (uint16_t)(sign | (to_infinity[e->fpscr >> 22 & 3][sign != 0] ? 0x7c00 : 0x7bff));
    }
    if (rest)
        e->flags |= FPSCR_IXC;
    return (uint16_t)(sign | half);
}

uint32_t arm_fp_to_fixed(struct arm_fp *e, bool wide, uint64_t v, unsigned bits, unsigned fraction, bool is_unsigned,
                         bool toward_zero)
{
    v = wide ? input64(e, v) : input32(e, (uint32_t)v);
    bool negative = wide ? v >> 63 : v >> 31 & 1;
    bool nan = wide ? is_nan64(v) : is_nan32((uint32_t)v);
    uint32_t top = is_unsigned ? (uint32_t)((UINT64_C(1) << bits) - 1) : (uint32_t)((UINT64_C(1) << (bits - 1)) - 1);
    uint64_t limit = !negative ? top : is_unsigned ? 0 : UINT64_C(1) << (bits - 1); /* of the magnitude */
    uint64_t mantissa = wide ? v & ((UINT64_C(1) << 52) - 1) : v & 0x7fffff;
    int exponent = wide ? (int)(v >> 52 & 2047) : (int)(v >> 23 & 255);
    if (nan) {
        e->flags |= FPSCR_IOC;
        return 0;
    }
    bool infinite = exponent == (wide ? 2047 : 255);
    if (exponent)
        mantissa |= wide ? UINT64_C(1) << 52 : 0x800000;
    else
        exponent = 1;
    exponent += (int)fraction - (wide ? 1075 : 150);
    uint64_t magnitude, rest = 0;
    if (infinite || exponent > 10) {
        magnitude = mantissa ? UINT64_MAX : 0;
    } else if (exponent >= 0) {
        magnitude = mantissa << exponent;
    } else {
        unsigned down = (unsigned)-exponent;
        uint64_t half = UINT64_C(1) << 62;
        if (down > 63) {
            magnitude = 0;
            rest = mantissa ? 1 : 0;
        } else { /* the rest as a fraction of 2^63 */
            magnitude = mantissa >> down;
            rest = mantissa << (64 - down) >> 1;
        }
        if (rounds_up(toward_zero ? FPSCR_RMODE : e->fpscr, negative, magnitude & 1, rest, half))
            magnitude++;
    }
    if (magnitude > limit) {
        e->flags |= FPSCR_IOC;
        magnitude = limit;
    } else if (rest) {
        e->flags |= FPSCR_IXC;
    }
    return negative ? (uint32_t)-magnitude : (uint32_t)magnitude;
}

uint64_t arm_fp_from_fixed(struct arm_fp *e, bool wide, uint32_t v, unsigned bits, unsigned fraction, bool is_unsigned,
                           bool nearest)
{
    int64_t n = is_unsigned ? (bits == 16 ? (int64_t)(uint16_t)v : (int64_t)v)
                            : (bits == 16 ? (int64_t)(int16_t)v : (int64_t)(int32_t)v);
    volatile int64_t number = n;
    uint64_t result;
    host_set(nearest ? 0 : e->fpscr & FPSCR_RMODE);
    if (wide) {
        volatile double r = (double)number;
        r = r * value64((uint64_t)(1023 - fraction) << 52);
        result = bits64(r);
    } else {
        volatile float r = (float)number;
        r = r * value32((127 - fraction) << 23);
        result = bits32(r);
    }
    e->flags |= host_flags();
    return result;
}

/* ------------------------------------------------------------------------------------------------ estimates */

/* recip_estimate(): 1 / a for a = n / 512 in [0.5, 1): 256 to 511, as 256 * result. */
static unsigned recip_estimate(unsigned n)
{
    /* 256 * 512 / (n + 0.5), rounded */
    return ((1u << 19) / (2 * n + 1) + 1) / 2;
}

/* recip_sqrt_estimate(): n / 512 in [0.25, 0.5) for n < 256 (halves count), else n in 256ths of [0.5, 1). */
static unsigned rsqrt_estimate(unsigned n)
{
    /* a = (n + 0.5) / 512, or (2 * (n / 2) + 1) / 512; the largest b with a * (b / 512)^2 < 1 */
    unsigned a = n < 256 ? 2 * n + 1 : 4 * (n / 2) + 2, b = 512; /* in 1024ths */
    while ((uint64_t)a * (b + 1) * (b + 1) < UINT64_C(1) << 28)
        b++;
    return (b + 1) / 2;
}

uint32_t arm_recpe(uint32_t v)
{
    return v >> 31 ? recip_estimate(v >> 23) << 23 : UINT32_MAX;
}

uint32_t arm_rsqrte(uint32_t v)
{
    return v >> 30 ? rsqrt_estimate(v >> 23) << 23 : UINT32_MAX;
}

uint32_t arm_fp_recpe(struct arm_fp *e, uint32_t v)
{
    uint32_t sign = v & 0x80000000, r;
    v = input32(e, v);
    if (nans32(e, &v, 1, &r))
        return r;
    if (!(v & 0x7fffffff)) {
        e->flags |= FPSCR_DZC;
        return sign | 0x7f800000;
    }
    unsigned exponent = v >> 23 & 255;
    if (exponent == 255)
        return sign;
    if (exponent >= 253) { /* |v| >= 2^126: the result would be subnormal */
        e->flags |= FPSCR_UFC;
        return sign;
    }
    unsigned estimate = recip_estimate(256 | (v >> 15 & 255));
    return sign | (253 - exponent) << 23 | (estimate & 255) << 15;
}

uint32_t arm_fp_rsqrte(struct arm_fp *e, uint32_t v)
{
    uint32_t r;
    v = input32(e, v);
    if (nans32(e, &v, 1, &r))
        return r;
    if (!(v & 0x7fffffff)) {
        e->flags |= FPSCR_DZC;
        return (v & 0x80000000) | 0x7f800000;
    }
    if (v >> 31) {
        e->flags |= FPSCR_IOC;
        return 0x7fc00000;
    }
    if (v == 0x7f800000)
        return 0;
    unsigned exponent = v >> 23;
    unsigned fraction = v >> 15 & 255; /* below the leading one */
    /* an even exponent: [0.5, 1), an odd one: [0.25, 0.5) */
    unsigned estimate = exponent & 1 ? rsqrt_estimate(128 | fraction >> 1) : rsqrt_estimate(256 | fraction);
    return (380 - exponent) / 2 << 23 | (estimate & 255) << 15;
}
