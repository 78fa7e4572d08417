/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The floating-point unit where it is not host code: the FSR, SPARC's NaN rules, every FPop executed exactly with
 * its own exceptions (enabled traps, quad precision), and the queue of deferred traps (sections 4.4, 4.5; IEEE 754
 * details: appendix N).
 */
#include <fenv.h>
#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif
#include "emulator/cpu/sparc/internal.h"

typedef unsigned __int128 u128;

enum { NX = 1, DZ = 2, UF = 4, OF = 8, NV = 16 }; /* bits of cexc; aexc is the same << 5 */

/* ------------------------------------------------------------------------------------------------ MXCSR */

#define MXCSR_FLAGS 0x3fu
#define MXCSR_RC    0x6000u
#define MXCSR_MASKS 0x1f80u

static unsigned flags_of_mxcsr(uint32_t mxcsr)
{
    return (mxcsr & 0x01 ? NV : 0) | (mxcsr & 0x04 ? DZ : 0) | (mxcsr & 0x08 ? OF : 0) | (mxcsr & 0x10 ? UF : 0) |
           (mxcsr & 0x20 ? NX : 0);
}

static uint32_t mxcsr_of_rd(uint32_t fsr)
{
    static const uint16_t rc[4] = {0x0000, 0x6000, 0x4000, 0x2000}; /* nearest, zero, +inf, -inf */
    return MXCSR_MASKS | rc[fsr >> 30];
}

/* Helpers of generated code run with the guest's MXCSR in the register. */
static void mxcsr_from_host(struct sparc_cpu *cpu)
{
#ifdef __SSE2__
    cpu->jit.mxcsr = _mm_getcsr();
#endif
}

static void mxcsr_to_host(struct sparc_cpu *cpu)
{
#ifdef __SSE2__
    _mm_setcsr(cpu->jit.mxcsr);
#endif
}

/* -------------------------------------------------------------------------------------------- NaN rules */

#define DEFAULT_NAN32  0x7fffffffu
#define DEFAULT_NAN64  UINT64_C(0x7fffffffffffffff)

static bool nan32(uint32_t v)
{
    return (v & 0x7fffffff) > 0x7f800000;
}
static bool nan64(uint64_t v)
{
    return (v & INT64_MAX) > UINT64_C(0x7ff0000000000000);
}
static bool signalling32(uint32_t v)
{
    return nan32(v) && !(v & 0x00400000);
}
static bool signalling64(uint64_t v)
{
    return nan64(v) && !(v & UINT64_C(0x0008000000000000));
}

/* Table N-1: a signalling operand before a quiet one, rs2 before rs1; the result is quiet. */
static uint32_t pick32(uint32_t a, uint32_t b)
{
    uint32_t v = signalling32(b) ? b : signalling32(a) ? a : nan32(b) ? b : nan32(a) ? a : DEFAULT_NAN32;
    return v | 0x00400000;
}
static uint64_t pick64(uint64_t a, uint64_t b)
{
    uint64_t v = signalling64(b) ? b : signalling64(a) ? a : nan64(b) ? b : nan64(a) ? a : DEFAULT_NAN64;
    return v | UINT64_C(0x0008000000000000);
}

static uint64_t widen_nan(uint32_t v)
{
    return (uint64_t)(v & 0x80000000) << 32 | UINT64_C(0x7ff8000000000000) | (uint64_t)(v & 0x007fffff) << 29;
}
static uint32_t narrow_nan(uint64_t v)
{
    return (uint32_t)(v >> 32 & 0x80000000) | 0x7fc00000 | (uint32_t)(v >> 29 & 0x007fffff);
}

/* An integer that does not fit is the nearest one; a NaN counts by its sign. */
static uint64_t limit_of(bool negative, bool wide)
{
    if (wide)
        return negative ? UINT64_C(1) << 63 : INT64_MAX;
    return negative ? 0x80000000u : 0x7fffffffu;
}

uint64_t sparc_fp_fix(struct jit_cpu *cpu, const struct ir_insn *insn, uint64_t a, uint64_t b, uint64_t c)
{
    switch (insn->op) {
    case IR_FADD:
    case IR_FSUB:
    case IR_FMUL:
    case IR_FDIV:
        return insn->type == IR_F32 ? pick32((uint32_t)a, (uint32_t)b) : pick64(a, b);
    case IR_FSQRT:
        return insn->type == IR_F32 ? pick32((uint32_t)a, (uint32_t)a) : pick64(a, a);
    case IR_FCVT:
        return insn->type == IR_F64 ? widen_nan((uint32_t)a) : narrow_nan(a);
    case IR_FTOI:
    case IR_FTOIR:
        return limit_of((insn->aux & 0xff) == IR_F32 ? a >> 31 & 1 : a >> 63, insn->type == IR_I64);
    default:
        return insn->type == IR_F32 ? DEFAULT_NAN32 : DEFAULT_NAN64;
    }
}

/* ------------------------------------------------------------------------------------------ exact execution */

static float f32(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float v;
    memcpy(&v, &low, sizeof v);
    return v;
}
static double f64(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
static uint64_t bits32(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}
static uint64_t bits64(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static unsigned host_flags(void)
{
    int e = fetestexcept(FE_ALL_EXCEPT);
    return (e & FE_INVALID ? NV : 0) | (e & FE_DIVBYZERO ? DZ : 0) | (e & FE_OVERFLOW ? OF : 0) |
           (e & FE_UNDERFLOW ? UF : 0) | (e & FE_INEXACT ? NX : 0);
}

/* FSR.RD in the host's environment for the time of one operation. */
static void enter_rounding(fenv_t *env, uint32_t fsr)
{
    static const int mode[4] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};
    fegetenv(env);
    feclearexcept(FE_ALL_EXCEPT);
    fesetround(mode[fsr >> 30]);
}

enum width { W_S, W_D, W_Q, W_I, W_X };

/* Shape of an FPop: its operation and the widths of sources and destination. */
struct fpop {
    char op; /* + - * / r(oot) c(onvert) m(ove) n(egate) a(bsolute) = (compare) e (compare, signalling) 0 unknown */
    uint8_t from, to;
    bool dyadic;
};

static struct fpop fpop_of(unsigned opf, bool compare)
{
    static const uint8_t size[4] = {W_I, W_S, W_D, W_Q};
    uint8_t w = size[opf & 3];
    if (compare)
        switch (opf) {
        case 0x51: case 0x52: case 0x53: return (struct fpop){'=', w, w, true};
        case 0x55: case 0x56: case 0x57: return (struct fpop){'e', w, w, true};
        default: return (struct fpop){0};
        }
    switch (opf) {
    case 0x01: case 0x02: case 0x03: return (struct fpop){'m', w, w, false};
    case 0x05: case 0x06: case 0x07: return (struct fpop){'n', w, w, false};
    case 0x09: case 0x0a: case 0x0b: return (struct fpop){'a', w, w, false};
    case 0x29: case 0x2a: case 0x2b: return (struct fpop){'r', w, w, false};
    case 0x41: case 0x42: case 0x43: return (struct fpop){'+', w, w, true};
    case 0x45: case 0x46: case 0x47: return (struct fpop){'-', w, w, true};
    case 0x49: case 0x4a: case 0x4b: return (struct fpop){'*', w, w, true};
    case 0x4d: case 0x4e: case 0x4f: return (struct fpop){'/', w, w, true};
    case 0x69: return (struct fpop){'*', W_S, W_D, true};
    case 0x6e: return (struct fpop){'*', W_D, W_Q, true};
    case 0x81: case 0x82: case 0x83: return (struct fpop){'c', w, W_X, false};
    case 0x84: return (struct fpop){'c', W_X, W_S, false};
    case 0x88: return (struct fpop){'c', W_X, W_D, false};
    case 0x8c: return (struct fpop){'c', W_X, W_Q, false};
    case 0xc4: case 0xc6: case 0xc7: return (struct fpop){'c', w, W_S, false};
    case 0xc8: case 0xc9: case 0xcb: return (struct fpop){'c', w, W_D, false};
    case 0xcc: case 0xcd: case 0xce: return (struct fpop){'c', w, W_Q, false};
    case 0xd1: case 0xd2: case 0xd3: return (struct fpop){'c', w, W_I, false};
    default: return (struct fpop){0};
    }
}

/* ---- binary128: bits as one 128-bit number ---- */

#define Q_QUIET ((u128)1 << 111)
#define Q_INF   ((u128)0x7fff << 112)
#define Q_SIGN  ((u128)1 << 127)

static bool nanq(u128 v)
{
    return (v & ~Q_SIGN) > Q_INF;
}
static bool signallingq(u128 v)
{
    return nanq(v) && !(v & Q_QUIET);
}
static u128 pickq(u128 a, u128 b)
{
    u128 v = signallingq(b) ? b : signallingq(a) ? a : nanq(b) ? b : nanq(a) ? a : ~Q_SIGN;
    return v | Q_QUIET;
}

#ifdef __SIZEOF_FLOAT128__
static __float128 q_of(u128 bits)
{
    __float128 v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
static u128 bits_of_q(__float128 v)
{
    u128 bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}
#endif

/* Square root of a positive finite binary128, digit by digit: 113 bits of root, a guard bit and a sticky bit. */
static u128 sqrtq_bits(u128 v, uint32_t fsr, unsigned *flags)
{
    int e = (int)(v >> 112 & 0x7fff);
    u128 m = v & (((u128)1 << 112) - 1);
    if (e)
        m |= (u128)1 << 112;
    else
        e = 1;
    while (!(m >> 112)) {
        m <<= 1;
        e--;
    }
    int x = e - 16383;
    if (x & 1) { /* the exponent must be even */
        m <<= 1;
        x--;
    }
    /* root of m * 2^k with 114 bits: bring down two bits a step, 114 steps, m has 113 or 114 bits */
    u128 root = 0, rest = 0;
    for (int step = 0; step < 114; step++) {
        int at = 112 - 2 * step; /* position of the two bits in m */
        unsigned two = at >= 0 ? (unsigned)(m >> at) & 3 : 0;
        rest = rest << 2 | two;
        u128 trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    bool guard = root & 1, sticky = rest != 0;
    root >>= 1; /* 113 bits, top one set */
    bool up = false;
    if (guard || sticky) {
        *flags |= NX;
        if ((fsr >> 30) == 0)
            up = guard && (sticky || (root & 1));
        else
            up = (fsr >> 30) == 2;
    }
    root += up;
    return ((u128)(x / 2 + 16383) << 112) + (root - ((u128)1 << 112));
}

/* Executes; operands and result as numbers of their widths in the low bits. Returns the exceptions. */
static unsigned execute_quad(struct fpop f, u128 a, u128 b, uint32_t fsr, u128 *result)
{
#ifdef __SIZEOF_FLOAT128__
    unsigned flags = 0;
    fenv_t env;
    /* widen the operands first */
    u128 wide[2] = {a, b};
    bool nan = false;
    enter_rounding(&env, fsr);
    for (int k = 0; k < 2; k++) {
        if (k == 0 && !f.dyadic)
            continue;
        if (f.from == W_S && nan32((uint32_t)wide[k])) {
            flags |= signalling32((uint32_t)wide[k]) ? NV : 0;
            wide[k] = (u128)widen_nan((uint32_t)wide[k]);
            wide[k] = (wide[k] >> 63 << 127) | Q_INF | Q_QUIET | (wide[k] & (((u128)1 << 52) - 1)) << 60;
        } else if (f.from == W_D && nan64((uint64_t)wide[k])) {
            flags |= signalling64((uint64_t)wide[k]) ? NV : 0;
            wide[k] = (wide[k] >> 63 << 127) | Q_INF | Q_QUIET | (wide[k] & (((u128)1 << 52) - 1)) << 60;
        } else if (f.from == W_S) {
            wide[k] = bits_of_q((__float128)f32((uint64_t)wide[k]));
        } else if (f.from == W_D) {
            wide[k] = bits_of_q((__float128)f64((uint64_t)wide[k]));
        } else if (f.from == W_I) {
            wide[k] = bits_of_q((__float128)(int32_t)wide[k]);
        } else if (f.from == W_X) {
            wide[k] = bits_of_q((__float128)(int64_t)wide[k]);
        } else if (signallingq(wide[k])) {
            flags |= NV;
        }
        nan |= nanq(wide[k]);
    }
    a = wide[0];
    b = wide[1];
    feclearexcept(FE_ALL_EXCEPT);
    volatile __float128 x = q_of(a), y = q_of(b), r = 0;
    switch (f.op) {
    case '+':
    case '-':
    case '*':
    case '/':
        if (nan) {
            *result = pickq(a, b);
            break;
        }
        r = f.op == '+' ? x + y : f.op == '-' ? x - y : f.op == '*' ? x * y : x / y;
        flags |= host_flags();
        *result = nanq(bits_of_q(r)) ? ~Q_SIGN : bits_of_q(r);
        break;
    case 'r':
        if (nan)
            *result = pickq(b, b);
        else if (!(b & ~Q_SIGN) || b == Q_INF)
            *result = b;
        else if (b & Q_SIGN) {
            flags |= NV;
            *result = ~Q_SIGN;
        } else
            *result = sqrtq_bits(b, fsr, &flags);
        break;
    case 'c':
        if (f.to == W_Q) {
            *result = b;
        } else if (f.to == W_I || f.to == W_X) {
            bool wide_int = f.to == W_X;
            __float128 top = wide_int ? 0x1p63Q : 0x1p31Q, bottom = wide_int ? -0x1p63Q : -0x1p31Q - 1;
            bool fits = !nan && y < top && (wide_int ? y >= bottom : y > bottom);
            if (fits) {
                int64_t value = (int64_t)y;
                feclearexcept(FE_ALL_EXCEPT);
                if ((__float128)value != y)
                    flags |= NX;
                *result = wide_int ? (uint64_t)value : (uint32_t)value;
            } else {
                flags = NV;
                *result = limit_of(b >> 127, wide_int);
            }
        } else if (nan) {
            uint64_t d = (uint64_t)(b >> 127) << 63 | UINT64_C(0x7ff8000000000000) |
                         ((uint64_t)(b >> 60) & ((UINT64_C(1) << 52) - 1));
            *result = f.to == W_D ? d : narrow_nan(d);
        } else if (f.to == W_D) {
            *result = bits64((double)y);
            flags |= host_flags();
        } else {
            *result = bits32((float)y);
            flags |= host_flags();
        }
        break;
    default: /* compare */
        if (nan) {
            *result = 3;
            if (f.op == 'e')
                flags |= NV;
        } else {
            *result = x == y ? 0 : x < y ? 1 : 2;
        }
        break;
    }
    fesetenv(&env);
    return flags;
#else
#error "binary128 arithmetic is needed"
#endif
}

static bool tiny(struct fpop f, u128 r)
{
    if (f.to == W_S)
        return (r & 0x7fffffff) && !(r & 0x7f800000);
    if (f.to == W_D)
        return (r & INT64_MAX) && !(r & UINT64_C(0x7ff0000000000000));
    return (r & ~Q_SIGN) && !(r & Q_INF);
}

static unsigned execute(struct fpop f, u128 qa, u128 qb, uint32_t fsr, u128 *result)
{
    if (strchr("mna", f.op)) {
        u128 sign = f.from == W_S ? (u128)0x80000000 : f.from == W_D ? (u128)1 << 63 : Q_SIGN;
        *result = f.op == 'm' ? qb : f.op == 'n' ? qb ^ sign : qb & ~sign;
        return 0;
    }
    if (f.from == W_Q || f.to == W_Q)
        return execute_quad(f, qa, qb, fsr, result);

    /* The first operand of an operation that has one only is whatever was noted last. */
    uint64_t a = f.dyadic ? (uint64_t)qa : 0, b = (uint64_t)qb, r = 0;
    bool single = f.from == W_S;
    bool nan = single ? nan32((uint32_t)a) || nan32((uint32_t)b) : f.from == W_D && (nan64(a) || nan64(b));
    bool signalling = single ? signalling32((uint32_t)a) || signalling32((uint32_t)b)
                             : f.from == W_D && (signalling64(a) || signalling64(b));
    unsigned flags = signalling ? NV : 0;
    fenv_t env;
    enter_rounding(&env, fsr);
    if (f.op == '=' || f.op == 'e') {
        volatile double x = 0, y = 0;
        if (!nan) {
            x = single ? f32(a) : f64(a);
            y = single ? f32(b) : f64(b);
        }
        r = nan ? 3 : x == y ? 0 : x < y ? 1 : 2;
        if (nan && f.op == 'e')
            flags |= NV;
    } else if (f.op == 'c' && (f.to == W_I || f.to == W_X)) {
        volatile double y = nan ? 0 : single ? f32(b) : f64(b);
        bool wide = f.to == W_X;
        bool fits = !nan && (wide ? y >= -0x1p63 && y < 0x1p63 : y > -0x1p31 - 1 && y < 0x1p31);
        if (fits) {
            int64_t value = (int64_t)y;
            r = wide ? (uint64_t)value : (uint32_t)value;
            flags |= trunc(y) != y ? NX : 0;
        } else {
            flags = NV;
            r = limit_of(single ? b >> 31 & 1 : b >> 63, wide);
        }
    } else if (f.op == 'c' && (f.from == W_I || f.from == W_X)) {
        volatile int64_t y = f.from == W_I ? (int32_t)b : (int64_t)b;
        if (f.to == W_S) {
            volatile float v = (float)y;
            r = bits32(v);
        } else {
            volatile double v = (double)y;
            r = bits64(v);
        }
        flags |= host_flags();
    } else if (nan) {
        if (f.op == 'c')
            r = single ? widen_nan((uint32_t)b) : narrow_nan(b);
        else if (single && f.to == W_D) /* fsmuld */
            r = pick64(nan32((uint32_t)a) ? widen_nan((uint32_t)a) : 0, nan32((uint32_t)b) ? widen_nan((uint32_t)b) : 0);
        else
            r = single ? pick32(f.dyadic ? (uint32_t)a : (uint32_t)b, (uint32_t)b) : pick64(f.dyadic ? a : b, b);
    } else if (single && f.to == W_S) {
        volatile float x = f32(a), y = f32(b), v;
        switch (f.op) {
        case '+': v = x + y; break;
        case '-': v = x - y; break;
        case '*': v = x * y; break;
        case '/': v = x / y; break;
        default: v = sqrtf(y); break;
        }
        flags |= host_flags();
        r = nan32((uint32_t)bits32(v)) ? DEFAULT_NAN32 : bits32(v);
    } else if (f.op == 'c' && f.to == W_S) {
        volatile double y = f64(b);
        volatile float v = (float)y;
        flags |= host_flags();
        r = bits32(v);
    } else {
        volatile double x = single ? f32(a) : f64(a), y = single ? f32(b) : f64(b), v;
        switch (f.op) {
        case '+': v = x + y; break;
        case '-': v = x - y; break;
        case '*': v = x * y; break;
        case '/': v = x / y; break;
        case 'c': v = y; break;
        default: v = sqrt(y); break;
        }
        flags |= host_flags();
        r = nan64(bits64(v)) ? DEFAULT_NAN64 : bits64(v);
    }
    fesetenv(&env);
    *result = r;
    return flags;
}

/* -------------------------------------------------------------------------------------------- registers */

uint32_t sparc_get_freg(const struct sparc_cpu *cpu, unsigned r)
{
    return (uint32_t)(r & 1 ? cpu->f[r / 2] : cpu->f[r / 2] >> 32);
}

void sparc_set_freg(struct sparc_cpu *cpu, unsigned r, uint32_t value)
{
    uint64_t *f = &cpu->f[r / 2];
    *f = r & 1 ? (*f & ~UINT64_C(0xffffffff)) | value : (*f & 0xffffffff) | (uint64_t)value << 32;
}

static unsigned wide_index(const struct sparc_cpu *cpu, unsigned r)
{
    return (r >> 1) + ((cpu->model->features & SPARC_V9_SUBSET) && (r & 1) ? 16 : 0);
}

static u128 read_operand(const struct sparc_cpu *cpu, unsigned r, unsigned w)
{
    switch (w) {
    case W_S:
    case W_I: return sparc_get_freg(cpu, r);
    case W_D:
    case W_X: return cpu->f[wide_index(cpu, r)];
    default: {
        unsigned i = wide_index(cpu, r & ~2u) & ~1u;
        return (u128)cpu->f[i] << 64 | cpu->f[i + 1];
    }
    }
}

static void write_result(struct sparc_cpu *cpu, unsigned r, unsigned w, u128 value)
{
    switch (w) {
    case W_S:
    case W_I: sparc_set_freg(cpu, r, (uint32_t)value); break;
    case W_D:
    case W_X: cpu->f[wide_index(cpu, r)] = (uint64_t)value; break;
    default: {
        unsigned i = wide_index(cpu, r & ~2u) & ~1u;
        cpu->f[i] = (uint64_t)(value >> 64);
        cpu->f[i + 1] = (uint64_t)value;
        break;
    }
    }
}

/* -------------------------------------------------------------------------------------------------- FSR */

unsigned sparc_fcc(const struct sparc_cpu *cpu)
{
    double a = f64(cpu->fcc_a), b = f64(cpu->fcc_b);
    return nan64(cpu->fcc_a) || nan64(cpu->fcc_b) ? 3 : a == b ? 0 : a < b ? 1 : 2;
}

/* Exceptions of the compare that no branch has asked for. */
static unsigned compare_flags(uint32_t kind, uint64_t a, uint64_t b)
{
    bool invalid = kind == FCMP_SIGNALLING ? nan64(a) || nan64(b)
                                           : kind == FCMP_QUIET && (signalling64(a) || signalling64(b));
    return invalid ? NV : 0;
}

static uint64_t helper_fcmp_settle(struct jit_cpu *jit, uint32_t kind, uint64_t a, uint64_t b)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    if (compare_flags(kind, a, b)) {
        mxcsr_from_host(cpu);
        cpu->jit.mxcsr |= 1; /* IE */
        mxcsr_to_host(cpu);
    }
    return 0;
}
const struct ir_helper sparc_helper_fcmp_settle = {
    "sparc_fcmp_settle", helper_fcmp_settle, IR_HELPER_FP, 3, IR_VOID, {IR_I32, IR_F64, IR_F64},
};

void sparc_set_fcc(struct sparc_cpu *cpu, unsigned fcc)
{
    cpu->fcmp_kind = FCMP_EVALUATED;
    cpu->fcc_a = fcc == 3 ? DEFAULT_NAN64 : fcc == 2 ? bits64(1.0) : 0;
    cpu->fcc_b = fcc == 3 ? DEFAULT_NAN64 : fcc == 1 ? bits64(1.0) : 0;
}

/* cexc of the FPop whose operands were noted. */
static unsigned deferred_cexc(const struct sparc_cpu *cpu)
{
    uint32_t kind = cpu->fpop_kind;
    struct fpop f = fpop_of(kind & SPARC_FPOP_OPF, kind & SPARC_FPOP_COMPARE);
    if (!f.op || strchr("mna", f.op))
        return 0;
    bool half = f.from == W_S || f.from == W_I;
    u128 a = half && (kind & SPARC_FPOP_HIGH1) ? cpu->fpop_a >> 32 : half ? (uint32_t)cpu->fpop_a : cpu->fpop_a;
    u128 b = half && (kind & SPARC_FPOP_HIGH2) ? cpu->fpop_b >> 32 : half ? (uint32_t)cpu->fpop_b : cpu->fpop_b;
    u128 result;
    return execute(f, a, b, cpu->fsr, &result);
}

static uint32_t fsr_value(const struct sparc_cpu *cpu)
{
    uint32_t fsr = cpu->fsr | flags_of_mxcsr(cpu->jit.mxcsr) << 5;
    fsr |= compare_flags(cpu->fcmp_kind, cpu->fcc_a, cpu->fcc_b) << 5;
    if (cpu->fpop_kind) {
        unsigned cexc = deferred_cexc(cpu);
        fsr = (fsr & ~(SPARC_FSR_CEXC | SPARC_FSR_FTT)) | cexc | cexc << 5;
    }
    if (cpu->fpq_count)
        fsr |= SPARC_FSR_QNE;
    return fsr | sparc_fcc(cpu) << 10;
}

void sparc_fsr_settle(struct sparc_cpu *cpu)
{
    cpu->fsr = fsr_value(cpu) & ~(SPARC_FSR_FCC | SPARC_FSR_QNE);
    cpu->fpop_kind = 0;
    cpu->fpop_a = cpu->fpop_b = 0;
    cpu->fcmp_kind = FCMP_EVALUATED;
    cpu->jit.mxcsr = mxcsr_of_rd(cpu->fsr);
}

uint32_t sparc_get_fsr(struct sparc_cpu *cpu)
{
    return fsr_value(cpu);
}

void sparc_set_fsr(struct sparc_cpu *cpu, uint32_t value)
{
    uint32_t writable = SPARC_FSR_RD | SPARC_FSR_TEM | SPARC_FSR_NS | SPARC_FSR_AEXC | SPARC_FSR_CEXC;
    uint32_t ftt = cpu->fpop_kind ? 0 : cpu->fsr & SPARC_FSR_FTT;
    cpu->fsr = (value & writable) | ftt | (uint32_t)cpu->model->fpu_version << 17;
    cpu->fpop_kind = 0;
    cpu->jit.mxcsr = mxcsr_of_rd(value);
    sparc_set_fcc(cpu, value >> 10 & 3);
    sparc_update_mode(cpu);
}

static uint64_t helper_read_fsr(struct jit_cpu *jit)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    mxcsr_from_host(cpu);
    return fsr_value(cpu);
}
const struct ir_helper sparc_helper_read_fsr = {
    "sparc_read_fsr", helper_read_fsr, IR_HELPER_READS | IR_HELPER_FP, 0, IR_I32, {0},
};

static uint64_t helper_read_xfsr(struct jit_cpu *jit)
{
    return helper_read_fsr(jit) | (uint64_t)((struct sparc_cpu *)jit)->fcc_more << 32;
}
const struct ir_helper sparc_helper_read_xfsr = {
    "sparc_read_xfsr", helper_read_xfsr, IR_HELPER_READS | IR_HELPER_FP, 0, IR_I64, {0},
};

static uint64_t helper_write_fsr(struct jit_cpu *jit, uint32_t value)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    sparc_set_fsr(cpu, value);
    mxcsr_to_host(cpu);
    return 0;
}
const struct ir_helper sparc_helper_write_fsr = {
    "sparc_write_fsr", helper_write_fsr, IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FP, 1, IR_VOID, {IR_I32},
};

static uint64_t helper_write_xfsr(struct jit_cpu *jit, uint64_t value)
{
    ((struct sparc_cpu *)jit)->fcc_more = (uint32_t)(value >> 32) & 0x3f;
    return helper_write_fsr(jit, (uint32_t)value);
}
const struct ir_helper sparc_helper_write_xfsr = {
    "sparc_write_xfsr", helper_write_xfsr, IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FP, 1, IR_VOID, {IR_I64},
};

/* -------------------------------------------------------------------------------- exact FPops, the queue */

/* An fp_exception of type `ftt`: a program traps at the FPop itself; a machine's FPU queues it and traps at the
 * next floating-point instruction (4.5, figure 4-6). */
static uint32_t fp_exception(struct sparc_cpu *cpu, uint32_t word, uint32_t pc, enum sparc_ftt ftt)
{
    cpu->fsr = (cpu->fsr & ~SPARC_FSR_FTT) | (uint32_t)ftt << 14;
    if (cpu->jit.mode & SPARC_MODE_USER)
        return SPARC_TT_FP_EXCEPTION;
    cpu->fpq_address[0] = pc;
    cpu->fpq_insn[0] = word;
    cpu->fpq_count = 1;
    cpu->fp_exception_pending = true;
    uint32_t mode = cpu->jit.mode;
    sparc_update_mode(cpu);
    return mode != cpu->jit.mode ? 0x10000 : 0;
}

uint32_t sparc_fpop(struct sparc_cpu *cpu, uint32_t word, uint32_t pc)
{
    uint32_t features = cpu->model->features;
    bool unknown;
    const struct sparc_row *row = sparc_decode(word, features, &unknown);
    sparc_fsr_settle(cpu);
    cpu->fsr &= ~SPARC_FSR_FTT;
    if (!row || ((row->flags & ROW_QUAD) && !(features & SPARC_QUAD)))
        return fp_exception(cpu, word, pc, SPARC_FTT_UNIMPLEMENTED);
    bool compare = field_op3(word) == 0x35;
    struct fpop f = fpop_of(field_opf(word), compare);
    u128 result;
    unsigned flags = execute(f, read_operand(cpu, field_rs1(word), f.from),
                             read_operand(cpu, field_rs2(word), f.from), cpu->fsr, &result);
    unsigned enabled = (cpu->fsr & SPARC_FSR_TEM) >> 23;
    bool can_underflow = !compare && f.to <= W_Q && f.op != 'm' && f.op != 'n' && f.op != 'a';
    unsigned raised = flags;
    if ((enabled & UF) && can_underflow && tiny(f, result))
        raised |= UF; /* with its trap enabled, an exact tiny result underflows too (N.3.3) */
    if (raised & enabled) {
        static const uint8_t order[5] = {NV, DZ, OF, UF, NX};
        for (unsigned k = 0; k < 5; k++)
            if (raised & enabled & order[k]) {
                cpu->fsr = (cpu->fsr & ~SPARC_FSR_CEXC) | order[k]; /* aexc, rd and fcc stay */
                break;
            }
        return fp_exception(cpu, word, pc, SPARC_FTT_IEEE_754);
    }
    cpu->fsr = (cpu->fsr & ~SPARC_FSR_CEXC) | flags | flags << 5;
    if (!compare) {
        write_result(cpu, field_rd(word), f.to, result);
        return 0;
    }
    unsigned fcc = features & SPARC_V9_SUBSET ? field_rd(word) & 3 : 0;
    if (fcc)
        cpu->fcc_more = (cpu->fcc_more & ~(3u << (fcc - 1) * 2)) | (uint32_t)result << (fcc - 1) * 2;
    else
        sparc_set_fcc(cpu, (unsigned)result);
    return 0;
}

static uint64_t helper_fpop_exact(struct jit_cpu *jit, uint32_t word, uint32_t pc)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    mxcsr_from_host(cpu);
    uint32_t trap = sparc_fpop(cpu, word, pc);
    mxcsr_to_host(cpu);
    return trap;
}
const struct ir_helper sparc_helper_fpop_exact = {
    "sparc_fpop", helper_fpop_exact, IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FP, 2, IR_I32, {IR_I32, IR_I32},
};

/* Before any floating-point instruction while traps are possible. Stores work in the exception state. */
static uint64_t helper_fp_pending(struct jit_cpu *jit, uint32_t store)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    if (cpu->fp_exception_pending) {
        cpu->fp_exception_pending = false;
        return SPARC_TT_FP_EXCEPTION;
    }
    if (cpu->fpq_count && !store) {
        cpu->fsr = (cpu->fsr & ~SPARC_FSR_FTT) | (uint32_t)SPARC_FTT_SEQUENCE_ERROR << 14;
        return SPARC_TT_FP_EXCEPTION;
    }
    return 0;
}
const struct ir_helper sparc_helper_fp_pending = {"sparc_fp_pending", helper_fp_pending, 0, 1, IR_I32, {IR_I32}};

/* remove = 0: may STDFQ store now? 1: it has. */
static uint64_t helper_stdfq(struct jit_cpu *jit, uint32_t remove)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    if (remove) {
        cpu->fpq_count = 0;
        sparc_update_mode(cpu);
        return 0;
    }
    if (cpu->fp_exception_pending) {
        cpu->fp_exception_pending = false;
        return SPARC_TT_FP_EXCEPTION;
    }
    if (!cpu->fpq_count) {
        cpu->fsr = (cpu->fsr & ~SPARC_FSR_FTT) | (uint32_t)SPARC_FTT_SEQUENCE_ERROR << 14;
        return SPARC_TT_FP_EXCEPTION;
    }
    return 0;
}
const struct ir_helper sparc_helper_stdfq = {"sparc_stdfq", helper_stdfq, 0, 1, IR_I32, {IR_I32}};
