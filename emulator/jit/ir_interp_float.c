/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interpreter's floating point and vector operations.  Host arithmetic runs under the guest's MXCSR,
 * which the caller has loaded; F80 is computed under jit_cpu.x87_control.
 */
#include <fenv.h>
#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif
#include "emulator/jit/ir_interp.h"

/* ----------------------------------------------------------------------------------------- MXCSR */

#ifdef __SSE2__
uint32_t ir_interp_get_csr(void)
{
    __asm__ volatile("" ::: "memory");
    return _mm_getcsr();
}

void ir_interp_set_csr(uint32_t csr)
{
    __asm__ volatile("" ::: "memory");
    _mm_setcsr(csr);
    __asm__ volatile("" ::: "memory");
}
#else
/* Elsewhere: rounding mode and flags by <fenv.h>, in MXCSR's places. */
static const int rounding[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
static const int flag[6] = {FE_INVALID, 0, FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW, FE_INEXACT};

uint32_t ir_interp_get_csr(void)
{
    uint32_t csr = 0x1f80;
    int mode = fegetround();
    for (unsigned k = 0; k < 4; k++)
        if (rounding[k] == mode)
            csr |= k << 13;
    for (unsigned k = 0; k < 6; k++)
        if (flag[k] && fetestexcept(flag[k]))
            csr |= 1u << k;
    return csr;
}

void ir_interp_set_csr(uint32_t csr)
{
    fesetround(rounding[csr >> 13 & 3]);
    feclearexcept(FE_ALL_EXCEPT);
    for (unsigned k = 0; k < 6; k++)
        if (flag[k] && (csr >> k & 1))
            feraiseexcept(flag[k]);
}
#endif

/* ------------------------------------------------------------------------------------------ values */

static float f32(const uint64_t *v)
{
    float f;
    uint32_t u = (uint32_t)*v;
    memcpy(&f, &u, 4);
    return f;
}

static double f64(const uint64_t *v)
{
    double f;
    memcpy(&f, v, 8);
    return f;
}

static long double f80(const uint64_t *v)
{
    long double f;
    memcpy(&f, v, sizeof f);
    return f;
}

static void set32(uint64_t *d, float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    *d = u;
}

static void set64(uint64_t *d, double f)
{
    memcpy(d, &f, 8);
}

static void set80(uint64_t *d, long double f)
{
    d[0] = d[1] = 0;
    memcpy(d, &f, sizeof f < 16 ? sizeof f : 10);
}

static void fix(struct jit_cpu *cpu, const struct ir_insn *i, uint64_t *dst, uint64_t a, uint64_t b,
                uint64_t c)
{
    if (!cpu->guest->fp_fix)
        return;
    uint32_t csr = ir_interp_get_csr(); /* what it computes leaves no flags */
    *dst = cpu->guest->fp_fix(cpu, i, a, b, c);
    if (i->type == IR_F32 || i->type == IR_I32)
        *dst = (uint32_t)*dst;
    ir_interp_set_csr(csr);
}

/* 0 equal, 1 less, 2 greater, 3 unordered; `signal`: a quiet NaN is invalid, too. */
#define RELATION(x, y, signal)                                                                               \
    ((signal) ? ((x) < (y)    ? 1u                                                                           \
                 : (x) > (y)  ? 2u                                                                           \
                 : (x) == (y) ? 0u                                                                           \
                              : 3u)                                                                          \
              : (isless(x, y)      ? 1u                                                                      \
                 : isgreater(x, y) ? 2u                                                                      \
                 : (x) == (y)      ? 0u                                                                      \
                                   : 3u))

static unsigned relation(unsigned type, bool signal, const uint64_t *a, const uint64_t *b)
{
    if (type == IR_F32) {
        volatile float x = f32(a), y = f32(b);
        return RELATION(x, y, signal);
    }
    if (type == IR_F64) {
        volatile double x = f64(a), y = f64(b);
        return RELATION(x, y, signal);
    }
    volatile long double x = f80(a), y = f80(b);
    return RELATION(x, y, signal);
}

#define X87_TRUNCATE 0x0c00 /* rounding control: toward zero */

/* F80 operations are done by the x87 under the guest's control word; their flags join the guest's. */
#ifdef __x86_64__
static uint16_t x87_begin(const struct jit_cpu *cpu)
{
    uint16_t old, now = cpu->x87_control | 0x3f;
    __asm__ volatile("fnclex\n\tfnstcw %0\n\tfldcw %1" : "=m"(old) : "m"(now) : "memory");
    return old;
}

static void x87_end(struct jit_cpu *cpu, uint16_t old)
{
    uint16_t status;
    __asm__ volatile("fnstsw %0\n\tfnclex\n\tfldcw %1" : "=m"(status) : "m"(old) : "memory");
    cpu->x87_status |= status & 0x3f;
}

static long double root(long double x)
{
    __asm__ volatile("fsqrt" : "+t"(x));
    return x;
}

/* FIST under rounding mode `control`; what does not fit is the indefinite integer. */
static int64_t to_int(bool wide, long double x, uint16_t control)
{
    int64_t n;
    int32_t narrow;
    __asm__ volatile("fldcw %0" ::"m"(control));
    if (wide) {
        __asm__ volatile("fistpll %0" : "=m"(n) : "t"(x) : "st");
        return n;
    }
    __asm__ volatile("fistpl %0" : "=m"(narrow) : "t"(x) : "st");
    return narrow;
}
#else
static uint16_t x87_begin(const struct jit_cpu *cpu)
{
    return 0;
}

static void x87_end(struct jit_cpu *cpu, uint16_t old)
{
}

static long double root(long double x)
{
    return sqrtl(x);
}

static int64_t to_int(bool wide, long double x, uint16_t control)
{
    long double low = wide ? -0x1p63L : -0x1p31L, high = wide ? 0x1p63L : 0x1p31L;
    x = (control & X87_TRUNCATE) == X87_TRUNCATE ? truncl(x) : rintl(x);
    return x >= low && x < high ? (int64_t)x : wide ? INT64_MIN : INT32_MIN;
}
#endif

static void extended(struct jit_cpu *cpu, const struct ir_insn *i, unsigned from, uint64_t *dst, const uint64_t *a,
                     const uint64_t *b)
{
    uint16_t old = x87_begin(cpu);
    volatile long double r;

    switch (i->op) {
    case IR_FADD:
        r = f80(a) + f80(b);
        set80(dst, r);
        break;
    case IR_FSUB:
        r = f80(a) - f80(b);
        set80(dst, r);
        break;
    case IR_FMUL:
        r = f80(a) * f80(b);
        set80(dst, r);
        break;
    case IR_FDIV:
        r = f80(a) / f80(b);
        set80(dst, r);
        break;
    case IR_FSQRT: set80(dst, root(f80(a))); break;
    case IR_FNEG:
        r = -f80(a);
        set80(dst, r);
        break;
    case IR_FABS:
        r = fabsl(f80(a));
        set80(dst, r);
        break;
    case IR_FCVT:
        if (i->type == IR_F80) {
            r = from == IR_F32 ? (long double)f32(a) : (long double)f64(a);
            set80(dst, r);
        } else if (i->type == IR_F64) {
            volatile double d = (double)f80(a);
            set64(dst, d);
        } else {
            volatile float f = (float)f80(a);
            set32(dst, f);
        }
        break;
    case IR_ITOF:
        r = from == IR_I32 ? (long double)(int32_t)*a : (long double)(int64_t)*a;
        set80(dst, r);
        break;
    case IR_FTOI:
    case IR_FTOIR: {
        uint16_t control = cpu->x87_control | 0x3f | (i->op == IR_FTOI ? X87_TRUNCATE : 0);
        int64_t n = to_int(i->type == IR_I64, f80(a), control);
        *dst = i->type == IR_I64 ? (uint64_t)n : (uint32_t)n;
        break;
    }
    default: break;
    }
    x87_end(cpu, old);
}

static void convert_to_int(struct jit_cpu *cpu, const struct ir_insn *i, unsigned from, uint64_t *dst,
                           const uint64_t *a)
{
    bool wide = i->type == IR_I64, round = i->op == IR_FTOIR, invalid;
    double x = from == IR_F32 ? (double)f32(a) : f64(a);

    invalid = wide ? !(x >= -0x1p63 && x < 0x1p63) : isnan(x);
#ifdef __SSE2__
    /* conversions set the flags that a processor does */
    int64_t n;
    if (from == IR_F32) {
        __m128 v = _mm_set_ss(f32(a));
        n = wide ? (round ? _mm_cvtss_si64(v) : _mm_cvttss_si64(v))
                 : (round ? _mm_cvtss_si32(v) : _mm_cvttss_si32(v));
    } else {
        __m128d v = _mm_set_sd(x);
        n = wide ? (round ? _mm_cvtsd_si64(v) : _mm_cvttsd_si64(v))
                 : (round ? _mm_cvtsd_si32(v) : _mm_cvttsd_si32(v));
    }
    if (!wide && n == INT32_MIN &&
        !invalid) { /* it, or the processor's word for invalid; asking leaves no flags */
        uint32_t csr = ir_interp_get_csr();
        volatile double r = round ? nearbyint(x) : trunc(x);
        ir_interp_set_csr(csr);
        invalid = r != -0x1p31;
    }
#else
    double r = round ? rint(x) : trunc(x);
    invalid = !(r >= (wide ? -0x1p63 : -0x1p31) && r < (wide ? 0x1p63 : 0x1p31));
    int64_t n = invalid ? (wide ? INT64_MIN : INT32_MIN) : (int64_t)r;
    if (invalid)
        feraiseexcept(FE_INVALID);
    else if (r != x)
        feraiseexcept(FE_INEXACT);
#endif
    *dst = wide ? (uint64_t)n : (uint32_t)n;
    if (invalid)
        fix(cpu, i, dst, *a, 0, 0);
}

void ir_interp_float(struct jit_cpu *cpu, const struct ir_insn *i, unsigned from, uint64_t *dst,
                     const uint64_t *a, const uint64_t *b, const uint64_t *c)
{
    uint64_t av = *a, bv = b ? *b : 0, cv = c ? *c : 0;
    bool nan = false;

    if (i->op == IR_FCMP || i->op == IR_FREL) {
        uint16_t old = from == IR_F80 ? x87_begin(cpu) : 0;
        unsigned r = relation(from, (i->aux & IR_FSIGNAL) != 0, a, b);
        if (from == IR_F80)
            x87_end(cpu, old);
        *dst = i->op == IR_FREL ? r : i->aux >> r & 1; /* bits of the mask in this order */
        return;
    }
    if (i->type == IR_F80 || from == IR_F80) {
        extended(cpu, i, from, dst, a, b);
        return;
    }
    if (i->op == IR_FTOI || i->op == IR_FTOIR) {
        convert_to_int(cpu, i, from, dst, a);
        return;
    }
    if (i->type == IR_F32) {
        float x = f32(a);
        volatile float r;
        switch (i->op) {
        case IR_FADD: r = x + f32(b); break;
        case IR_FSUB: r = x - f32(b); break;
        case IR_FMUL: r = x * f32(b); break;
        case IR_FDIV: r = x / f32(b); break;
#ifdef __SSE2__
        case IR_FSQRT: r = _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); break;
#else
        case IR_FSQRT: r = sqrtf(x); break;
#endif
        case IR_FMADD: r = fmaf(x, f32(b), f32(c)); break;
        case IR_FCVT: r = (float)f64(a); break;
        case IR_ITOF: r = from == IR_I32 ? (float)(int32_t)av : (float)(int64_t)av; break;
        default: r = 0; break;
        }
        set32(dst, r);
        nan = isnan(r);
    } else {
        double x = f64(a);
        volatile double r;
        switch (i->op) {
        case IR_FADD: r = x + f64(b); break;
        case IR_FSUB: r = x - f64(b); break;
        case IR_FMUL: r = x * f64(b); break;
        case IR_FDIV: r = x / f64(b); break;
#ifdef __SSE2__
        case IR_FSQRT: r = _mm_cvtsd_f64(_mm_sqrt_sd(_mm_setzero_pd(), _mm_set_sd(x))); break;
#else
        case IR_FSQRT: r = sqrt(x); break;
#endif
        case IR_FMADD: r = fma(x, f64(b), f64(c)); break;
        case IR_FCVT: r = (double)f32(a); break;
        case IR_ITOF: r = from == IR_I32 ? (double)(int32_t)av : (double)(int64_t)av; break;
        default: r = 0; break;
        }
        set64(dst, r);
        nan = isnan(r);
    }
    if (nan)
        fix(cpu, i, dst, av, bv, cv);
}

/* ---------------------------------------------------------------------------------------- vectors */

union vec {
    uint8_t b[16];
    int8_t sb[16];
    uint16_t h[8];
    int16_t sh[8];
    uint32_t w[4];
    int32_t sw[4];
    uint64_t d[2];
    int64_t sd[2];
    float f[4];
    double g[2];
};

#define LANES(n, expr)                                                                                       \
    for (unsigned k = 0; k < (n); k++)                                                                       \
        expr;
#define BY_LANE(eb, eh, ew, ed)                                                                              \
    switch (i->aux) {                                                                                        \
    case IR_L8: LANES(16, eb) break;                                                                         \
    case IR_L16: LANES(8, eh) break;                                                                         \
    case IR_L32: LANES(4, ew) break;                                                                         \
    case IR_L64: LANES(2, ed) break;                                                                         \
    default: break;                                                                                          \
    }
#define FLOAT_LANES(op)                                                                                      \
    if (i->aux == IR_LF32) {                                                                                 \
        LANES(4, r.f[k] = x.f[k] op y.f[k])                                                                  \
        break;                                                                                               \
    }                                                                                                        \
    if (i->aux == IR_LF64) {                                                                                 \
        LANES(2, r.g[k] = x.g[k] op y.g[k])                                                                  \
        break;                                                                                               \
    }
#define FLOAT_MASK(test)                                                                                     \
    if (i->aux == IR_LF64)                                                                                   \
        LANES(2, r.d[k] = test(x.g[k], y.g[k]) ? ~UINT64_C(0) : 0)                                           \
    else                                                                                                     \
        LANES(4, r.w[k] = test(x.f[k], y.f[k]) ? ~0u : 0)
#define IS_EQUAL(p, q) ((p) == (q))

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static int64_t add_sat64(int64_t p, int64_t q)
{
    int64_t s;
    return __builtin_add_overflow(p, q, &s) ? (p < 0 ? INT64_MIN : INT64_MAX) : s;
}

static int64_t sub_sat64(int64_t p, int64_t q)
{
    int64_t s;
    return __builtin_sub_overflow(p, q, &s) ? (p < 0 ? INT64_MIN : INT64_MAX) : s;
}

static int32_t float_to_int_sat(float f)
{
    if (isnan(f))
        return 0;
    if (f >= 0x1p31f)
        return INT32_MAX;
    if (f < -0x1p31f)
        return INT32_MIN;
    return (int32_t)f;
}

static void lane_out(const struct ir_insn *i, uint64_t *dst, const union vec *x)
{
    switch (i->aux) {
    case IR_L8: *dst = x->b[i->c]; break;
    case IR_L16: *dst = x->h[i->c]; break;
    case IR_L32:
    case IR_LF32: *dst = x->w[i->c]; break;
    default: *dst = x->d[i->c]; break;
    }
}

static void lane_in(unsigned aux, unsigned k, union vec *r, uint64_t v)
{
    switch (aux) {
    case IR_L8: r->b[k] = (uint8_t)v; break;
    case IR_L16: r->h[k] = (uint16_t)v; break;
    case IR_L32:
    case IR_LF32: r->w[k] = (uint32_t)v; break;
    default: r->d[k] = v; break;
    }
}

static uint64_t lane_of(unsigned lane, const union vec *v, unsigned k, bool is_signed)
{
    switch (lane) {
    case IR_L8: return is_signed ? (uint64_t)v->sb[k] : v->b[k];
    case IR_L16: return is_signed ? (uint64_t)v->sh[k] : v->h[k];
    case IR_L32: return is_signed ? (uint64_t)v->sw[k] : v->w[k];
    default: return v->d[k];
    }
}

static void zip(const struct ir_insn *i, union vec *r, const union vec *x, const union vec *y)
{
    unsigned lane = i->aux >= IR_LF32 ? i->aux - 2 : i->aux, n = 16u >> lane, from = i->op == IR_VZIPH ? n / 2 : 0;

    for (unsigned k = 0; k < n; k++)
        lane_in(lane, k, r, lane_of(lane, k & 1 ? y : x, from + k / 2, false));
}

static uint64_t saturate(uint64_t v, unsigned bits, unsigned op)
{
    uint64_t top = (UINT64_C(1) << bits) - 1;

    switch (op) {
    case IR_VNARROWSS: return (uint64_t)clamp((int64_t)v, -(int64_t)(top >> 1) - 1, (int64_t)(top >> 1));
    case IR_VNARROWSU: return (uint64_t)clamp((int64_t)v, 0, (int64_t)top);
    case IR_VNARROWUU: return MIN(v, top);
    default: return v;
    }
}

static void narrow(const struct ir_insn *i, union vec *r, const union vec *x, const union vec *y)
{
    unsigned n = 16u >> i->aux, bits = 4u << i->aux;

    for (unsigned k = 0; k < 2 * n; k++)
        lane_in(i->aux - 1u, k, r,
                saturate(lane_of(i->aux, k < n ? x : y, k % n, i->op != IR_VNARROWUU), bits, i->op));
}

static void widen(const struct ir_insn *i, union vec *r, const union vec *x, const union vec *y)
{
    bool is_signed = i->op == IR_VWIDENS || i->op == IR_VMULWS;

    for (unsigned k = 0; k < 8u >> i->aux; k++) {
        uint64_t v = lane_of(i->aux, x, k, is_signed);
        if (i->op == IR_VMULWS || i->op == IR_VMULWU)
            v *= lane_of(i->aux, y, k, is_signed);
        lane_in(i->aux + 1u, k, r, v);
    }
}

/* Callers cut the result to the lane: counts at or beyond the lane's width leave nothing but signs. */
static uint64_t shift_either(int64_t v, int by)
{
    return by >= 64 ? 0 : by >= 0 ? (uint64_t)v << by : (uint64_t)(v >> MIN(-by, 63));
}

static uint64_t shift_either_u(uint64_t v, int by)
{
    return by >= 64 || by <= -64 ? 0 : by >= 0 ? v << by : v >> -by;
}

void ir_interp_vector(const struct ir_insn *i, unsigned from, uint64_t *dst, const uint64_t *a,
                      const uint64_t *b, const uint64_t *c)
{
    union vec x = {.d = {0}}, y = {.d = {0}}, z = {.d = {0}}, r = {.d = {0}};
    unsigned n = i->c;

    if (i->op == IR_VSPLAT) {
        static const uint8_t lanes[] = {16, 8, 4, 2, 4, 2};
        for (unsigned k = 0; k < lanes[i->aux]; k++)
            lane_in(i->aux, k, &r, *a);
        memcpy(dst, &r, 16);
        return;
    }
    if (i->op == IR_VPAIR) {
        dst[0] = *a;
        dst[1] = *b;
        return;
    }
    memcpy(&x, a, 16);
    if (i->op == IR_VLANE) {
        lane_out(i, dst, &x);
        return;
    }
    if (i->op == IR_VSETLANE) {
        lane_in(i->aux, i->c, &x, *b);
        memcpy(dst, &x, 16);
        return;
    }
    if (b)
        memcpy(&y, b, 16);
    if (c)
        memcpy(&z, c, 16);
    switch (i->op) {
    case IR_VADD:
        FLOAT_LANES(+)
        BY_LANE(r.b[k] = (uint8_t)(x.b[k] + y.b[k]), r.h[k] = (uint16_t)(x.h[k] + y.h[k]),
                r.w[k] = x.w[k] + y.w[k], r.d[k] = x.d[k] + y.d[k])
        break;
    case IR_VSUB:
        FLOAT_LANES(-)
        BY_LANE(r.b[k] = (uint8_t)(x.b[k] - y.b[k]), r.h[k] = (uint16_t)(x.h[k] - y.h[k]),
                r.w[k] = x.w[k] - y.w[k], r.d[k] = x.d[k] - y.d[k])
        break;
    case IR_VMUL:
        FLOAT_LANES(*)
        BY_LANE(r.b[k] = (uint8_t)(x.b[k] * y.b[k]), r.h[k] = (uint16_t)((unsigned)x.h[k] * y.h[k]),
                r.w[k] = x.w[k] * y.w[k], r.d[k] = x.d[k] * y.d[k])
        break;
    case IR_VAND: LANES(2, r.d[k] = x.d[k] & y.d[k]) break;
    case IR_VOR: LANES(2, r.d[k] = x.d[k] | y.d[k]) break;
    case IR_VXOR: LANES(2, r.d[k] = x.d[k] ^ y.d[k]) break;
    case IR_VANDN: LANES(2, r.d[k] = x.d[k] & ~y.d[k]) break;
    case IR_VADDS:
        BY_LANE(r.sb[k] = (int8_t)clamp(x.sb[k] + y.sb[k], INT8_MIN, INT8_MAX),
                r.sh[k] = (int16_t)clamp(x.sh[k] + y.sh[k], INT16_MIN, INT16_MAX),
                r.sw[k] = (int32_t)clamp((int64_t)x.sw[k] + y.sw[k], INT32_MIN, INT32_MAX),
                r.sd[k] = add_sat64(x.sd[k], y.sd[k]))
        break;
    case IR_VADDU:
        BY_LANE(r.b[k] = (uint8_t)clamp(x.b[k] + y.b[k], 0, UINT8_MAX),
                r.h[k] = (uint16_t)clamp(x.h[k] + y.h[k], 0, UINT16_MAX),
                r.w[k] = (uint32_t)clamp((int64_t)x.w[k] + y.w[k], 0, UINT32_MAX),
                r.d[k] = x.d[k] + y.d[k] < x.d[k] ? UINT64_MAX : x.d[k] + y.d[k])
        break;
    case IR_VSUBS:
        BY_LANE(r.sb[k] = (int8_t)clamp(x.sb[k] - y.sb[k], INT8_MIN, INT8_MAX),
                r.sh[k] = (int16_t)clamp(x.sh[k] - y.sh[k], INT16_MIN, INT16_MAX),
                r.sw[k] = (int32_t)clamp((int64_t)x.sw[k] - y.sw[k], INT32_MIN, INT32_MAX),
                r.sd[k] = sub_sat64(x.sd[k], y.sd[k]))
        break;
    case IR_VSUBU:
        BY_LANE(r.b[k] = x.b[k] > y.b[k] ? (uint8_t)(x.b[k] - y.b[k]) : 0,
                r.h[k] = x.h[k] > y.h[k] ? (uint16_t)(x.h[k] - y.h[k]) : 0,
                r.w[k] = x.w[k] > y.w[k] ? x.w[k] - y.w[k] : 0,
                r.d[k] = x.d[k] > y.d[k] ? x.d[k] - y.d[k] : 0)
        break;
    case IR_VMINS:
        BY_LANE(r.sb[k] = MIN(x.sb[k], y.sb[k]), r.sh[k] = MIN(x.sh[k], y.sh[k]),
                r.sw[k] = MIN(x.sw[k], y.sw[k]), r.sd[k] = MIN(x.sd[k], y.sd[k]))
        break;
    case IR_VMAXS:
        BY_LANE(r.sb[k] = MAX(x.sb[k], y.sb[k]), r.sh[k] = MAX(x.sh[k], y.sh[k]),
                r.sw[k] = MAX(x.sw[k], y.sw[k]), r.sd[k] = MAX(x.sd[k], y.sd[k]))
        break;
    case IR_VMINU:
        BY_LANE(r.b[k] = MIN(x.b[k], y.b[k]), r.h[k] = MIN(x.h[k], y.h[k]), r.w[k] = MIN(x.w[k], y.w[k]),
                r.d[k] = MIN(x.d[k], y.d[k]))
        break;
    case IR_VMAXU:
        BY_LANE(r.b[k] = MAX(x.b[k], y.b[k]), r.h[k] = MAX(x.h[k], y.h[k]), r.w[k] = MAX(x.w[k], y.w[k]),
                r.d[k] = MAX(x.d[k], y.d[k]))
        break;
    case IR_VAVGU: /* rounded up */
        BY_LANE(r.b[k] = (uint8_t)((x.b[k] + y.b[k] + 1) >> 1),
                r.h[k] = (uint16_t)((x.h[k] + y.h[k] + 1) >> 1),
                r.w[k] = (uint32_t)(((uint64_t)x.w[k] + y.w[k] + 1) >> 1),
                r.d[k] = (x.d[k] | y.d[k]) - ((x.d[k] ^ y.d[k]) >> 1))
        break;
    case IR_VCMPEQ:
        BY_LANE(r.b[k] = x.b[k] == y.b[k] ? 0xff : 0, r.h[k] = x.h[k] == y.h[k] ? 0xffff : 0,
                r.w[k] = x.w[k] == y.w[k] ? ~0u : 0, r.d[k] = x.d[k] == y.d[k] ? UINT64_MAX : 0)
        break;
    case IR_VCMPGTS:
        BY_LANE(r.b[k] = x.sb[k] > y.sb[k] ? 0xff : 0, r.h[k] = x.sh[k] > y.sh[k] ? 0xffff : 0,
                r.w[k] = x.sw[k] > y.sw[k] ? ~0u : 0, r.d[k] = x.sd[k] > y.sd[k] ? UINT64_MAX : 0)
        break;
    case IR_VCMPGTU:
        BY_LANE(r.b[k] = x.b[k] > y.b[k] ? 0xff : 0, r.h[k] = x.h[k] > y.h[k] ? 0xffff : 0,
                r.w[k] = x.w[k] > y.w[k] ? ~0u : 0, r.d[k] = x.d[k] > y.d[k] ? UINT64_MAX : 0)
        break;
    case IR_VSHL:
        BY_LANE(r.b[k] = n < 8 ? (uint8_t)(x.b[k] << n) : 0, r.h[k] = n < 16 ? (uint16_t)(x.h[k] << n) : 0,
                r.w[k] = n < 32 ? x.w[k] << n : 0, r.d[k] = n < 64 ? x.d[k] << n : 0)
        break;
    case IR_VSHR:
        BY_LANE(r.b[k] = n < 8 ? (uint8_t)(x.b[k] >> n) : 0, r.h[k] = n < 16 ? (uint16_t)(x.h[k] >> n) : 0,
                r.w[k] = n < 32 ? x.w[k] >> n : 0, r.d[k] = n < 64 ? x.d[k] >> n : 0)
        break;
    case IR_VSAR:
        BY_LANE(r.sb[k] = (int8_t)(x.sb[k] >> MIN(n, 7)), r.sh[k] = (int16_t)(x.sh[k] >> MIN(n, 15)),
                r.sw[k] = x.sw[k] >> MIN(n, 31), r.sd[k] = x.sd[k] >> MIN(n, 63))
        break;
    case IR_VSHLV:
        BY_LANE(r.b[k] = (uint8_t)(x.b[k] << (y.b[k] & 7)), r.h[k] = (uint16_t)(x.h[k] << (y.h[k] & 15)),
                r.w[k] = x.w[k] << (y.w[k] & 31), r.d[k] = x.d[k] << (y.d[k] & 63))
        break;
    case IR_VSHRV:
        BY_LANE(r.b[k] = (uint8_t)(x.b[k] >> (y.b[k] & 7)), r.h[k] = (uint16_t)(x.h[k] >> (y.h[k] & 15)),
                r.w[k] = x.w[k] >> (y.w[k] & 31), r.d[k] = x.d[k] >> (y.d[k] & 63))
        break;
    case IR_VSARV:
        BY_LANE(r.sb[k] = (int8_t)(x.sb[k] >> (y.b[k] & 7)), r.sh[k] = (int16_t)(x.sh[k] >> (y.h[k] & 15)),
                r.sw[k] = x.sw[k] >> (y.w[k] & 31), r.sd[k] = x.sd[k] >> (y.d[k] & 63))
        break;
    case IR_VPERM:
        LANES(16, {
            unsigned s = z.b[k] & 31;
            r.b[k] = s < 16 ? x.b[s] : y.b[s - 16];
        })
        break;
    case IR_VZIPL:
    case IR_VZIPH: zip(i, &r, &x, &y); break;
    case IR_VEXT: LANES(16, r.b[k] = k + n < 16 ? x.b[k + n] : y.b[k + n - 16]) break;
    case IR_VREV: LANES(16, r.b[k] = x.b[k ^ (n - (1u << i->aux))]) break;
    case IR_VNARROW:
    case IR_VNARROWSS:
    case IR_VNARROWSU:
    case IR_VNARROWUU: narrow(i, &r, &x, &y); break;
    case IR_VWIDENS:
    case IR_VWIDENU:
    case IR_VMULWS:
    case IR_VMULWU: widen(i, &r, &x, &y); break;
    case IR_VABS:
        BY_LANE(r.b[k] = (uint8_t)(x.sb[k] < 0 ? -x.b[k] : x.b[k]),
                r.h[k] = (uint16_t)(x.sh[k] < 0 ? -x.h[k] : x.h[k]), r.w[k] = x.sw[k] < 0 ? -x.w[k] : x.w[k],
                r.d[k] = x.sd[k] < 0 ? -x.d[k] : x.d[k])
        break;
    case IR_VCLZ:
        BY_LANE(r.b[k] = (uint8_t)(x.b[k] ? __builtin_clz(x.b[k]) - 24 : 8),
                r.h[k] = (uint16_t)(x.h[k] ? __builtin_clz(x.h[k]) - 16 : 16),
                r.w[k] = x.w[k] ? (uint32_t)__builtin_clz(x.w[k]) : 32,
                r.d[k] = x.d[k] ? (uint64_t)__builtin_clzll(x.d[k]) : 64)
        break;
    case IR_VCNT: LANES(16, r.b[k] = (uint8_t)__builtin_popcount(x.b[k])) break;
    case IR_VSHLSV:
        BY_LANE(r.b[k] = (uint8_t)shift_either(x.sb[k], y.sb[k]), r.h[k] = (uint16_t)shift_either(x.sh[k], (int8_t)y.h[k]),
                r.w[k] = (uint32_t)shift_either(x.sw[k], (int8_t)y.w[k]),
                r.d[k] = shift_either(x.sd[k], (int8_t)y.d[k]))
        break;
    case IR_VSHLUV:
        BY_LANE(r.b[k] = (uint8_t)shift_either_u(x.b[k], y.sb[k]), r.h[k] = (uint16_t)shift_either_u(x.h[k], (int8_t)y.h[k]),
                r.w[k] = (uint32_t)shift_either_u(x.w[k], (int8_t)y.w[k]),
                r.d[k] = shift_either_u(x.d[k], (int8_t)y.d[k]))
        break;
    case IR_VFMADD:
        if (i->aux == IR_LF64)
            LANES(2, r.g[k] = fma(x.g[k], y.g[k], z.g[k]))
        else
            LANES(4, r.f[k] = fmaf(x.f[k], y.f[k], z.f[k]))
        break;
    case IR_VCMPEQF: FLOAT_MASK(IS_EQUAL) break;
    case IR_VCMPGEF: FLOAT_MASK(isgreaterequal) break;
    case IR_VCMPGTF: FLOAT_MASK(isgreater) break;
    case IR_VDIVF: FLOAT_LANES(/) break;
    case IR_VITOF: LANES(4, r.f[k] = (float)x.sw[k]) break;
    case IR_VFTOI: LANES(4, r.sw[k] = float_to_int_sat(x.f[k])) break;
    default: break;
    }
    memcpy(dst, &r, 16);
}
