/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The IR interpreter, operation by operation, against results worked out here in other ways (wide arithmetic,
 * bit by bit, tables of known cases), with and without folding; and how regions are left.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include "emulator/jit/ir_interp.h"
#include "tests/unit/ir_random.h"

enum { R0, R1, R2, R3, W0 = 8, W1, W2, W3, S0 = 12, S1, F0, F1, F2, V0, V1, COUNT };

struct bench {
    struct ir_random_machine *m;
    struct ir_builder *b;
    struct ir_scratch *scratch;
    struct ir_random_cpu *c;
    uint8_t kind; /* of the last exit */
    const char *name;
};

static void bench_begin(struct bench *t)
{
    ir_begin(t->b, &ir_random_guest, 0x1000, 0x1004, 0, true);
    uint32_t k = ir_block_new(t->b, 0x1000, 0x1004);
    ir_block_start(t->b, k);
    ir_set_pc(t->b, 0x1000, 0x1004);
}

static void bench_run(struct bench *t)
{
    if (ir_block_open(t->b))
        ir_exit(t->b, IR_EXIT_DIRECT, IR_HINT_NONE, 0x2000, 0x2004, IR_NONE, IR_NONE);
    struct ir_region *r = ir_finish(t->b, false);
    const char *wrong = ir_verify(r);
    if (wrong) {
        ir_print(r, stderr);
        g_error("%s", wrong);
    }
    t->kind = r->exit[ir_interp(r, &t->c->head, &t->scratch)].kind;
}

static void with_bench(const void *data)
{
    void (*f)(struct bench *) = (void (*)(struct bench *))data;
    struct bench t = {.m = ir_random_machine_create(IR_RANDOM_USER), .b = ir_builder_create()};

    t.c = &t.m->cpu;
    ir_random_machine_reset(t.m, 1);
    t.c->head.mxcsr = 0x1f80;
    f(&t);
    ir_interp_scratch_free(t.scratch);
    ir_builder_destroy(t.b);
    ir_random_machine_destroy(t.m);
}

/* op(a, b, c) as a region: I32 operands from r0, r1, r2 and to r3; I64 from w0.. to w3. Constant operands
 * fold: both ways must agree. */
static uint64_t integer_op(struct bench *t, enum ir_op op, enum ir_type type, uint16_t aux, enum ir_type from,
                           uint64_t a, uint64_t bb, uint64_t c)
{
    unsigned args = ir_op_info[op].args;
    uint64_t folded;
    bool flag = op == IR_ADC || op == IR_SBB || op == IR_CARRY || op == IR_BORROW;

    t->c->r[0] = (uint32_t)a;
    t->c->r[1] = (uint32_t)bb;
    t->c->r[2] = (uint32_t)c;
    t->c->w[0] = a;
    t->c->w[1] = bb;
    bench_begin(t);
    ir_ref x = ir_get(t->b, from == IR_I32 ? R0 : W0), y = ir_get(t->b, from == IR_I32 ? R1 : W1);
    ir_ref v = args == 1   ? ir_op1(t->b, op, type, aux, x)
               : args == 2 ? ir_op2(t->b, op, type, aux, x, y)
                           : ir_op3(t->b, op, type, aux, x, y, flag ? ir_get(t->b, R2) : IR_NONE);
    ir_put(t->b, type == IR_I32 ? R3 : W3, v);
    bench_run(t);
    uint64_t got = type == IR_I32 ? t->c->r[3] : t->c->w[3];
    bench_begin(t);
    x = ir_const(t->b, from, a);
    y = ir_const(t->b, from, bb);
    v = args == 1   ? ir_op1(t->b, op, type, aux, x)
        : args == 2 ? ir_op2(t->b, op, type, aux, x, y)
                    : ir_op3(t->b, op, type, aux, x, y, ir_const(t->b, IR_I32, c));
    g_assert_true(ir_is_const(t->b, v, &folded));
    g_assert_cmphex(folded, ==, got);
    return got;
}

static const uint64_t corners[] = {0,
                                   1,
                                   2,
                                   3,
                                   7,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x100,
                                   0x7fff,
                                   0x8000,
                                   0xffff,
                                   0x12345678,
                                   0x7fffffff,
                                   0x80000000u,
                                   0xfffffffeu,
                                   0xffffffffu,
                                   UINT64_C(0x100000000),
                                   UINT64_C(0x123456789abcdef0),
                                   UINT64_C(0x7fffffffffffffff),
                                   UINT64_C(0x8000000000000000),
                                   UINT64_C(0x8000000000000001),
                                   UINT64_C(0xfffffffffffffffe),
                                   UINT64_C(0xffffffffffffffff)};
#define N_CORNERS G_N_ELEMENTS(corners)

static __int128 as_signed(uint64_t v, unsigned w)
{
    return w == 32 ? (__int128)(int32_t)(uint32_t)v : (__int128)(int64_t)v;
}

static void arithmetic(struct bench *t)
{
    for (unsigned w = 32; w <= 64; w += 32) {
        enum ir_type type = w == 32 ? IR_I32 : IR_I64;
        unsigned __int128 mask = ((unsigned __int128)1 << w) - 1;
        for (unsigned i = 0; i < N_CORNERS; i++)
            for (unsigned j = 0; j < N_CORNERS; j++) {
                unsigned __int128 a = corners[i] & mask, b = corners[j] & mask;
                __int128 sa = as_signed((uint64_t)a, w), sb = as_signed((uint64_t)b, w);
#define CHECK(op, e)                                                                                         \
    g_assert_cmphex(integer_op(t, op, type, 0, type, (uint64_t)a, (uint64_t)b, 0), ==,                       \
                    (uint64_t)((unsigned __int128)(e)&mask))
                CHECK(IR_ADD, a + b);
                CHECK(IR_SUB, a - b);
                CHECK(IR_MUL, a * b);
                CHECK(IR_MULHU, a * b >> w);
                CHECK(IR_MULHS, (sa * sb) >> w);
                CHECK(IR_DIVU, b ? a / b : 0);
                CHECK(IR_REMU, b ? a % b : 0);
                CHECK(IR_DIVS, sb ? sa / sb : 0); /* wide: INT_MIN / -1 wraps back to INT_MIN */
                CHECK(IR_REMS, sb ? sa % sb : 0);
                CHECK(IR_AND, a & b);
                CHECK(IR_OR, a | b);
                CHECK(IR_XOR, a ^ b);
                CHECK(IR_ANDN, a & ~b);
                for (uint64_t c = 0; c < 2; c++) {
#define CHECK3(op, ty, aux, e)                                                                               \
    g_assert_cmphex(integer_op(t, op, ty, aux, type, (uint64_t)a, (uint64_t)b, c), ==,                       \
                    (uint64_t)((unsigned __int128)(e)&mask))
                    CHECK3(IR_ADC, type, 0, a + b + c);
                    CHECK3(IR_SBB, type, 0, a - b - c);
                    CHECK3(IR_CARRY, IR_I32, type, (a + b + c) >> w);
                    CHECK3(IR_BORROW, IR_I32, type, a < b + c);
                }
                bool is[] = {a == b, a != b, sa<sb, sa >= sb, sa <= sb, sa> sb, a<b, a >= b, a <= b, a> b};
                for (unsigned k = 0; k < 10; k++)
                    g_assert_cmphex(integer_op(t, IR_ICMP, IR_I32, (uint16_t)(k | type << 8), type,
                                               (uint64_t)a, (uint64_t)b, 0),
                                    ==, is[k]);
            }
    }
}

static uint64_t bit(uint64_t v, unsigned n)
{
    return v >> n & 1;
}

static void bits(struct bench *t)
{
    for (unsigned w = 32; w <= 64; w += 32) {
        enum ir_type type = w == 32 ? IR_I32 : IR_I64;
        uint64_t mask = w == 32 ? 0xffffffffu : ~UINT64_C(0);
        for (unsigned i = 0; i < N_CORNERS; i++) {
            uint64_t a = corners[i] & mask;
            for (unsigned count = 0; count < 2 * w + 3; count++) { /* counts are taken modulo the width */
                unsigned n = count % w;
                uint64_t shl = 0, shr = 0, sar = 0, rol = 0;
                for (unsigned k = 0; k < w; k++) {
                    shl |= k >= n ? bit(a, k - n) << k : 0;
                    shr |= k + n < w ? bit(a, k + n) << k : 0;
                    sar |= bit(a, k + n < w ? k + n : w - 1) << k;
                    rol |= bit(a, (k + w - n) % w) << k;
                }
#define SHIFT(op, e) g_assert_cmphex(integer_op(t, op, type, 0, type, a, count, 0), ==, e)
                SHIFT(IR_SHL, shl);
                SHIFT(IR_SHR, shr);
                SHIFT(IR_SAR, sar);
                SHIFT(IR_ROL, rol);
                g_assert_cmphex(integer_op(t, IR_ROR, type, 0, type, rol, count, 0), ==, a);
            }
            unsigned clz = 0, ctz = 0, ones = 0;
            uint64_t swapped = 0;
            while (clz < w && !bit(a, w - 1 - clz))
                clz++;
            while (ctz < w && !bit(a, ctz))
                ctz++;
            for (unsigned k = 0; k < w; k++)
                ones += (unsigned)bit(a, k);
            for (unsigned k = 0; k < w / 8; k++)
                swapped |= (a >> (8 * k) & 0xff) << (w - 8 - 8 * k);
            g_assert_cmphex(integer_op(t, IR_CLZ, type, 0, type, a, 0, 0), ==, clz);
            g_assert_cmphex(integer_op(t, IR_CTZ, type, 0, type, a, 0, 0), ==, ctz);
            g_assert_cmphex(integer_op(t, IR_POPCNT, type, 0, type, a, 0, 0), ==, ones);
            g_assert_cmphex(integer_op(t, IR_BSWAP, type, 0, type, a, 0, 0), ==, swapped);
            g_assert_cmphex(integer_op(t, IR_NOT, type, 0, type, a, 0, 0), ==, a ^ mask);
            g_assert_cmphex(integer_op(t, IR_NEG, type, 0, type, a, 0, 0), ==, ((a ^ mask) + 1) & mask);
            for (unsigned pos = 0; pos < w; pos += 5)
                for (unsigned len = 1; len <= w - pos; len += 3) {
                    uint64_t field = 0, mixed = a, other = UINT64_C(0x5a5aa5a5c3c33c3c) & mask;
                    for (unsigned k = 0; k < len; k++) {
                        field |= bit(a, pos + k) << k;
                        mixed = (mixed & ~(UINT64_C(1) << (pos + k))) | bit(other, k) << (pos + k);
                    }
                    g_assert_cmphex(
                        integer_op(t, IR_EXTRACT, type, (uint16_t)(len << 8 | pos), type, a, 0, 0), ==,
                        field);
                    g_assert_cmphex(
                        integer_op(t, IR_INSERT, type, (uint16_t)(len << 8 | pos), type, a, other, 0), ==,
                        mixed);
                }
            for (unsigned n = 8; n <= 32; n *= 2) {
                uint64_t low = 0, sign = 0;
                for (unsigned k = 0; k < w; k++) {
                    low |= k < n ? bit(a, k) << k : 0;
                    sign |= bit(a, k < n ? k : n - 1) << k;
                }
                g_assert_cmphex(integer_op(t, IR_ZEXT, type, (uint16_t)n, type, a, 0, 0), ==, low);
                g_assert_cmphex(integer_op(t, IR_SEXT, type, (uint16_t)n, type, a, 0, 0), ==, sign);
            }
        }
    }
    g_assert_cmphex(integer_op(t, IR_SEXT, IR_I64, 32, IR_I32, 0x80000000u, 0, 0), ==,
                    UINT64_C(0xffffffff80000000));
    g_assert_cmphex(integer_op(t, IR_ZEXT, IR_I64, 32, IR_I32, 0x80000000u, 0, 0), ==, UINT64_C(0x80000000));
    g_assert_cmphex(integer_op(t, IR_SEXT, IR_I64, 8, IR_I32, 0x80, 0, 0), ==, UINT64_C(0xffffffffffffff80));
    g_assert_cmphex(integer_op(t, IR_TRUNC, IR_I32, 0, IR_I64, UINT64_C(0x123456789abcdef0), 0, 0), ==,
                    0x9abcdef0u);
}

/* ---------------------------------------------------------------------------------------------- floating
 * point */

static uint32_t flags(struct bench *t)
{
    uint32_t f = t->c->head.mxcsr & 0x3f;
    t->c->head.mxcsr &= ~0x3fu;
    return f;
}

static double op_f64(struct bench *t, enum ir_op op, double a, double b, double c)
{
    t->c->f[0] = a;
    t->c->f[1] = b;
    t->c->f[2] = c;
    bench_begin(t);
    ir_ref x = ir_get(t->b, F0), y = ir_get(t->b, F1), z = ir_get(t->b, F2);
    unsigned args = ir_op_info[op].args;
    ir_put(t->b, F2,
           args == 1   ? ir_op1(t->b, op, IR_F64, 0, x)
           : args == 2 ? ir_op2(t->b, op, IR_F64, 0, x, y)
                       : ir_op3(t->b, op, IR_F64, 0, x, y, z));
    bench_run(t);
    return t->c->f[2];
}

static float op_f32(struct bench *t, enum ir_op op, float a, float b)
{
    t->c->s[0] = a;
    t->c->s[1] = b;
    bench_begin(t);
    ir_ref x = ir_get(t->b, S0), y = ir_get(t->b, S1);
    ir_put(t->b, S1,
           ir_op_info[op].args == 1 ? ir_op1(t->b, op, IR_F32, 0, x) : ir_op2(t->b, op, IR_F32, 0, x, y));
    bench_run(t);
    return t->c->s[1];
}

enum { IE = 1, DE = 2, ZE = 4, OE = 8, UE = 16, PE = 32 };

static void float_arithmetic(struct bench *t)
{
    g_assert_cmpfloat(op_f64(t, IR_FADD, 1.5, 2.25, 0), ==, 3.75);
    g_assert_cmphex(flags(t), ==, 0);
    g_assert_cmpfloat(op_f64(t, IR_FSUB, 1.5, 2.25, 0), ==, -0.75);
    g_assert_cmpfloat(op_f64(t, IR_FMUL, 1.5, -2.0, 0), ==, -3.0);
    g_assert_cmpfloat(op_f64(t, IR_FSQRT, 2.25, 0, 0), ==, 1.5);
    g_assert_cmpfloat(op_f64(t, IR_FNEG, 0.0, 0, 0), ==, 0.0);
    g_assert_true(signbit(t->c->f[2]));
    g_assert_cmpfloat(op_f64(t, IR_FABS, -3.5, 0, 0), ==, 3.5);
    g_assert_cmphex(flags(t), ==, 0);
    /* 1/3 in the four rounding modes: nearest, down, up, toward zero */
    static const double third[] = {0x1.5555555555555p-2, 0x1.5555555555555p-2, 0x1.5555555555556p-2,
                                   0x1.5555555555555p-2};
    for (unsigned mode = 0; mode < 4; mode++) {
        t->c->head.mxcsr = 0x1f80 | mode << 13;
        g_assert_cmpfloat(op_f64(t, IR_FDIV, 1, 3, 0), ==, third[mode]);
        g_assert_cmphex(flags(t), ==, PE);
        g_assert_cmphex(t->c->head.mxcsr, ==, 0x1f80 | mode << 13);
    }
    t->c->head.mxcsr = 0x1f80;
    g_assert_true(isinf(op_f64(t, IR_FDIV, 1, 0, 0)));
    g_assert_cmphex(flags(t), ==, ZE);
    g_assert_true(isinf(op_f64(t, IR_FMUL, 1e300, 1e300, 0)));
    g_assert_cmphex(flags(t), ==, OE | PE);
    /* one rounding: (1 + 2^-30)^2 - 1 - 2^-29 = 2^-60 */
    g_assert_cmpfloat(op_f64(t, IR_FMADD, 1 + 0x1p-30, 1 + 0x1p-30, -(1 + 0x1p-29)), ==, 0x1p-60);
    flags(t);
    g_assert_cmpfloat(op_f32(t, IR_FADD, 16777216.0f, 1.0f), ==, 16777216.0f);
    g_assert_cmphex(flags(t), ==, PE);
    g_assert_cmpfloat(op_f32(t, IR_FDIV, 1.0f, 3.0f), ==, 0x1.555556p-2f);
    flags(t);
    /* sticky: two operations, both flags */
    op_f64(t, IR_FDIV, 1, 0, 0);
    op_f64(t, IR_FDIV, 1, 3, 0);
    g_assert_cmphex(flags(t), ==, ZE | PE);
    /* the host's own control word is back */
    g_assert_cmphex(ir_interp_get_csr() & 0xffc0, ==, 0x1f80);
}

static uint64_t fixed(unsigned op, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t mix = (a * 3 ^ b * 5 ^ c * 7 ^ op) * UINT64_C(0x9e3779b97f4a7c15);
    return UINT64_C(0x7ff8000000000000) | mix >> 16;
}

/* NaN results are the guest's, whose operands arrive in order; invalid is noted. */
static void nans_are_the_guests(struct bench *t)
{
    double inf = INFINITY, r;
    uint64_t bits_of, i = UINT64_C(0x7ff0000000000000), m = UINT64_C(0xfff0000000000000);

    r = op_f64(t, IR_FADD, inf, -inf, 0);
    memcpy(&bits_of, &r, 8);
    g_assert_cmphex(bits_of, ==, fixed(IR_FADD, i, m, 0));
    g_assert_cmphex(flags(t), ==, IE);
    r = op_f64(t, IR_FSQRT, -inf, 0, 0);
    memcpy(&bits_of, &r, 8);
    g_assert_cmphex(bits_of, ==, fixed(IR_FSQRT, m, 0, 0));
    g_assert_cmphex(flags(t), ==, IE);
    r = op_f64(t, IR_FMADD, inf, 0.0, 1.0);
    memcpy(&bits_of, &r, 8);
    g_assert_cmphex(bits_of, ==, fixed(IR_FMADD, i, 0, UINT64_C(0x3ff0000000000000)));
    flags(t);
    r = op_f64(t, IR_FADD, nan(""), 1.0, 0); /* quiet: no flag */
    g_assert_true(isnan(r));
    g_assert_cmphex(flags(t), ==, 0);
}

static uint32_t to_r3(struct bench *t, ir_ref v)
{
    ir_put(t->b, R3, v);
    bench_run(t);
    return t->c->r[3];
}

static void comparisons(struct bench *t)
{
    static const struct {
        double a, b;
        unsigned relation;
    } cases[] = {{1, 1, 0}, {0.0, -0.0, 0}, {1, 2, 1},   {-INFINITY, 1, 1},
                 {2, 1, 2}, {NAN, 1, 3},    {1, NAN, 3}, {NAN, NAN, 3}};

    for (unsigned n = 0; n < G_N_ELEMENTS(cases); n++)
        for (unsigned mask = 0; mask < 32; mask++) {
            t->c->f[0] = cases[n].a;
            t->c->f[1] = cases[n].b;
            flags(t);
            bench_begin(t);
            g_assert_cmpuint(to_r3(t, ir_fcmp(t->b, mask, ir_get(t->b, F0), ir_get(t->b, F1))), ==,
                             mask >> cases[n].relation & 1);
            g_assert_cmphex(flags(t), ==, cases[n].relation == 3 && (mask & IR_FSIGNAL) ? IE : 0);
            t->c->s[0] = (float)cases[n].a;
            t->c->s[1] = (float)cases[n].b;
            bench_begin(t);
            g_assert_cmpuint(
                to_r3(t, ir_op2(t->b, IR_FREL, IR_I32, IR_F32 << 8, ir_get(t->b, S0), ir_get(t->b, S1))), ==,
                cases[n].relation);
        }
}

static void conversions(struct bench *t)
{
    static const struct {
        double x;
        int64_t zero, nearest, up; /* toward zero; nearest even; up */
    } cases[] = {{0.5, 0, 0, 1},
                 {1.5, 1, 2, 2},
                 {-0.5, 0, 0, 0},
                 {-1.5, -1, -2, -1},
                 {2147483646.5, 2147483646, 2147483646, 2147483647},
                 {-2147483648.0, INT32_MIN, INT32_MIN, INT32_MIN},
                 {-2147483647.5, -2147483647, INT32_MIN, -2147483647}};
    for (unsigned n = 0; n < G_N_ELEMENTS(cases); n++)
        for (unsigned how = 0; how < 3; how++) {
            int64_t want = how == 0 ? cases[n].zero : how == 1 ? cases[n].nearest : cases[n].up;
            t->c->f[0] = cases[n].x;
            t->c->head.mxcsr = 0x1f80 | (how == 2 ? 2u << 13 : 0);
            bench_begin(t);
            g_assert_cmphex(
                to_r3(t, ir_op1(t->b, how ? IR_FTOIR : IR_FTOI, IR_I32, IR_F64, ir_get(t->b, F0))), ==,
                (uint32_t)want);
            g_assert_cmphex(flags(t), ==, cases[n].x == floor(cases[n].x) ? 0 : PE);
            bench_begin(t);
            ir_put(t->b, W3, ir_op1(t->b, how ? IR_FTOIR : IR_FTOI, IR_I64, IR_F64, ir_get(t->b, F0)));
            bench_run(t);
            g_assert_cmphex(t->c->w[3], ==, (uint64_t)want);
        }
    t->c->head.mxcsr = 0x1f80;
    /* out of range, NaN: the guest's answer, invalid alone */
    static const double wild[] = {2147483648.0, -2147483649.0, 1e300, NAN, INFINITY, 4e9 + 0.5};
    for (unsigned n = 0; n < G_N_ELEMENTS(wild); n++) {
        uint64_t a;
        memcpy(&a, &wild[n], 8);
        t->c->f[0] = wild[n];
        bench_begin(t);
        g_assert_cmphex(to_r3(t, ir_op1(t->b, IR_FTOI, IR_I32, IR_F64, ir_get(t->b, F0))), ==,
                        (uint32_t)((a * 3 ^ IR_FTOI) * UINT64_C(0x9e3779b97f4a7c15) >> 32));
        g_assert_cmphex(flags(t), ==, IE);
    }
    t->c->r[0] = 0x80000000u;
    bench_begin(t);
    ir_put(t->b, F0, ir_op1(t->b, IR_ITOF, IR_F64, IR_I32, ir_get(t->b, R0)));
    bench_run(t);
    g_assert_cmpfloat(t->c->f[0], ==, -2147483648.0);
    t->c->w[0] = UINT64_C(0x7fffffffffffffff);
    bench_begin(t);
    ir_put(t->b, S0, ir_op1(t->b, IR_ITOF, IR_F32, IR_I64, ir_get(t->b, W0)));
    bench_run(t);
    g_assert_cmpfloat(t->c->s[0], ==, 0x1p63f);
    g_assert_cmphex(flags(t), ==, PE);
    t->c->f[0] = 1 + 0x1p-40;
    bench_begin(t);
    ir_put(t->b, S0, ir_op1(t->b, IR_FCVT, IR_F32, IR_F64, ir_get(t->b, F0)));
    ir_put(t->b, W0, ir_op1(t->b, IR_BITCAST, IR_I64, 0, ir_get(t->b, F0)));
    ir_put(t->b, R0,
           ir_op1(t->b, IR_BITCAST, IR_I32, 0, ir_op1(t->b, IR_FLANE, IR_F32, 1, ir_get(t->b, F0))));
    ir_put(t->b, F1, ir_op2(t->b, IR_FSETLANE, IR_F64, 0, ir_get(t->b, F0), ir_get(t->b, S0)));
    bench_run(t);
    uint64_t pair;
    memcpy(&pair, &t->c->f[1], 8);
    g_assert_cmpfloat(t->c->s[0], ==, 1.0f);
    g_assert_cmphex(t->c->w[0], ==, UINT64_C(0x3ff0000000001000));
    g_assert_cmphex(t->c->r[0], ==, 0x3ff00000);
    g_assert_cmphex(pair, ==, UINT64_C(0x3ff000003f800000));
}

/* F80: more precision than F64, rounding and flags of its own; test_x87 does the rest. */
static void extended(struct bench *t)
{
    for (unsigned mode = 0; mode < 4; mode += 2) {
        t->c->head.x87_control = (uint16_t)(0x37f | mode << 10);
        t->c->head.x87_status = 0;
        t->c->f[0] = 1;
        t->c->f[1] = 3;
        bench_begin(t);
        ir_ref x = ir_op1(t->b, IR_FCVT, IR_F80, IR_F64, ir_get(t->b, F0)),
               y = ir_op1(t->b, IR_FCVT, IR_F80, IR_F64, ir_get(t->b, F1));
        ir_ref q = ir_op2(t->b, IR_FDIV, IR_F80, 0, x, y);
        ir_ref back = ir_op2(t->b, IR_FMUL, IR_F80, 0, q, y); /* 1 - 2^-65 -> 1, or a little more than 1 */
        ir_ref rest = ir_op2(t->b, IR_FSUB, IR_F80, 0, back, x);
        ir_put(t->b, F2, ir_op1(t->b, IR_FCVT, IR_F64, IR_F80, rest));
        ir_put(t->b, R3, ir_fcmp(t->b, IR_FGT, q, x));
        bench_run(t);
        g_assert_cmpfloat(t->c->f[2], ==, mode ? 0x1p-63 : 0.0);
        g_assert_cmpuint(t->c->r[3], ==, 0);
        g_assert_cmphex(t->c->head.x87_status, ==, PE);
        g_assert_cmphex(t->c->head.mxcsr, ==, 0x1f80);
    }
}

/* --------------------------------------------------------------------------------------------------- vectors
 */

static void vector_op(struct bench *t, enum ir_op op, unsigned lane, unsigned c)
{
    unsigned args = ir_op_info[op].args;

    bench_begin(t);
    ir_ref x = ir_get(t->b, V0), y = ir_get(t->b, V1);
    ir_put(t->b, V1,
           args == 1 ? ir_op3(t->b, op, IR_V128, (uint16_t)lane, x, 0, c)
                     : ir_op2(t->b, op, IR_V128, (uint16_t)lane, x, y));
    bench_run(t);
}

static uint64_t lane_of(const uint8_t *v, unsigned size, unsigned n)
{
    uint64_t x = 0;
    for (unsigned k = 0; k < size; k++)
        x |= (uint64_t)v[n * size + k] << (8 * k);
    return x;
}

static __int128 saturate(__int128 v, bool is_signed, unsigned w)
{
    __int128 high = ((__int128)1 << (w - is_signed)) - 1, low = is_signed ? -high - 1 : 0;
    return v < low ? low : v > high ? high : v;
}

static void vectors(struct bench *t)
{
    for (uint32_t seed = 0; seed < 40; seed++)
        for (unsigned lane = 0; lane < 4; lane++) {
            unsigned size = 1u << lane, w = 8 * size;
            uint8_t a[16], b[16];
            uint64_t mask = w == 64 ? ~UINT64_C(0) : (UINT64_C(1) << w) - 1;
            for (unsigned k = 0; k < 16; k++) {
                static const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe};
                a[k] = bytes[g_test_rand_int_range(0, 6)];
                b[k] = g_test_rand_bit() ? a[k] : bytes[g_test_rand_int_range(0, 6)];
            }
#define VECTOR(op, imm, e)                                                                                   \
    do {                                                                                                     \
        memcpy(t->c->v[0], a, 16);                                                                           \
        memcpy(t->c->v[1], b, 16);                                                                           \
        vector_op(t, op, lane, imm);                                                                         \
        for (unsigned k = 0; k < 16 / size; k++) {                                                           \
            uint64_t x = lane_of(a, size, k), y = lane_of(b, size, k);                                       \
            __int128 sx = w == 64 ? (__int128)(int64_t)x : (int64_t)(x << (64 - w)) >> (64 - w);             \
            __int128 sy = w == 64 ? (__int128)(int64_t)y : (int64_t)(y << (64 - w)) >> (64 - w);             \
            __int128 ux = x, uy = y;                                                                         \
            (void)sx, (void)sy, (void)ux, (void)uy;                                                          \
            g_assert_cmphex(lane_of(t->c->v[1], size, k), ==, (uint64_t)(e)&mask);                           \
        }                                                                                                    \
    } while (0)
            VECTOR(IR_VADD, 0, ux + uy);
            VECTOR(IR_VSUB, 0, ux - uy);
            VECTOR(IR_VMUL, 0, (uint64_t)ux * (uint64_t)uy);
            VECTOR(IR_VAND, 0, ux & uy);
            VECTOR(IR_VOR, 0, ux | uy);
            VECTOR(IR_VXOR, 0, ux ^ uy);
            VECTOR(IR_VANDN, 0, ux & ~uy);
            VECTOR(IR_VADDS, 0, saturate(sx + sy, true, w));
            VECTOR(IR_VADDU, 0, saturate(ux + uy, false, w));
            VECTOR(IR_VSUBS, 0, saturate(sx - sy, true, w));
            VECTOR(IR_VSUBU, 0, saturate(ux - uy, false, w));
            VECTOR(IR_VMINS, 0, sx < sy ? sx : sy);
            VECTOR(IR_VMAXS, 0, sx > sy ? sx : sy);
            VECTOR(IR_VMINU, 0, ux < uy ? ux : uy);
            VECTOR(IR_VMAXU, 0, ux > uy ? ux : uy);
            VECTOR(IR_VAVGU, 0, (ux + uy + 1) >> 1);
            VECTOR(IR_VCMPEQ, 0, ux == uy ? -1 : 0);
            VECTOR(IR_VCMPGTS, 0, sx > sy ? -1 : 0);
            VECTOR(IR_VCMPGTU, 0, ux > uy ? -1 : 0);
            VECTOR(IR_VSHLV, 0, ux << (y % w));
            VECTOR(IR_VSHRV, 0, ux >> (y % w));
            VECTOR(IR_VSARV, 0, sx >> (y % w));
            for (unsigned n = 0; n < w; n += 3) {
                VECTOR(IR_VSHL, n, ux << n);
                VECTOR(IR_VSHR, n, ux >> n);
                VECTOR(IR_VSAR, n, sx >> n);
            }
        }
    /* lanes, splat, permutation */
    for (unsigned k = 0; k < 16; k++) {
        t->c->v[0][k] = (uint8_t)(0x10 + k);
        t->c->v[1][k] = (uint8_t)(31 - 3 * k) & 31;
    }
    t->c->r[0] = 0xabcd1234;
    bench_begin(t);
    ir_ref v = ir_get(t->b, V0), sel = ir_get(t->b, V1);
    ir_put(t->b, R1, ir_op3(t->b, IR_VLANE, IR_I32, IR_L16, v, 0, 3));
    ir_put(t->b, W1, ir_op3(t->b, IR_VLANE, IR_I64, IR_L64, v, 0, 1));
    ir_ref set = ir_op3(t->b, IR_VSETLANE, IR_V128, IR_L8, v, ir_get(t->b, R0), 5);
    ir_put(t->b, V0,
           ir_op3(t->b, IR_VPERM, IR_V128, 0, set, ir_op1(t->b, IR_VSPLAT, IR_V128, IR_L16, ir_get(t->b, R0)),
                  sel));
    bench_run(t);
    g_assert_cmphex(t->c->r[1], ==, 0x1716);
    g_assert_cmphex(t->c->w[1], ==, UINT64_C(0x1f1e1d1c1b1a1918));
    for (unsigned k = 0; k < 16; k++) {
        unsigned s = (31 - 3 * k) & 31;
        g_assert_cmphex(t->c->v[0][k], ==, s == 5 ? 0x34 : s < 16 ? 0x10 + s : s & 1 ? 0x12 : 0x34);
    }
    /* float lanes */
    float f[4] = {1.5f, -1e20f, NAN, 3e9f};
    memcpy(t->c->v[0], f, 16);
    vector_op(t, IR_VFTOI, IR_LF32, 0);
    g_assert_cmphex(lane_of(t->c->v[1], 4, 0), ==, 1);
    g_assert_cmphex(lane_of(t->c->v[1], 4, 1), ==, 0x80000000u);
    g_assert_cmphex(lane_of(t->c->v[1], 4, 2), ==, 0);
    g_assert_cmphex(lane_of(t->c->v[1], 4, 3), ==, 0x7fffffffu);
    float g[4] = {2, 2, 2, 2};
    memcpy(t->c->v[1], g, 16);
    f[2] = 2;
    memcpy(t->c->v[0], f, 16);
    vector_op(t, IR_VMUL, IR_LF32, 0);
    memcpy(g, t->c->v[1], 16);
    g_assert_cmpfloat(g[0], ==, 3);
    g_assert_cmpfloat(g[3], ==, 6e9f);
    memcpy(t->c->v[1], f, 16);
    vector_op(t, IR_VCMPGEF, IR_LF32, 0);
    g_assert_cmphex(lane_of(t->c->v[1], 8, 0), ==, ~UINT64_C(0));
}

/* ---------------------------------------------------------------------------------------- memory, leaving */

static void memory(struct bench *t)
{
    for (unsigned n = 0; n < 64; n++)
        t->m->ram[0x100 + n] = (uint8_t)(0x81 + n);
    for (unsigned log2 = 0; log2 < 4; log2++)
        for (unsigned big = 0; big < 2; big++)
            for (unsigned sign = 0; sign < 2; sign++) {
                unsigned size = 1u << log2;
                uint64_t v = 0;
                for (unsigned k = 0; k < size; k++)
                    v |= (uint64_t)(0x81 + k) << (8 * (big ? size - 1 - k : k));
                uint64_t s =
                    size == 8 || !sign ? v : (uint64_t)((int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size));
                unsigned aux = log2 | (big ? IR_MEM_BIG : 0);
                t->c->w[0] = 0x100;
                bench_begin(t);
                ir_ref a = ir_get(t->b, W0);
                ir_put(t->b, W1, ir_load(t->b, IR_I64, aux | (sign ? IR_MEM_SIGNED : 0), a));
                if (log2 < 3)
                    ir_put(t->b, R1, ir_load(t->b, IR_I32, aux | (sign ? IR_MEM_SIGNED : 0), a));
                ir_store(t->b, aux, ir_bin(t->b, IR_ADD, a, ir_const(t->b, IR_I64, 0x41)), ir_get(t->b, W1));
                bench_run(t);
                g_assert_cmphex(t->c->w[1], ==, s);
                if (log2 < 3)
                    g_assert_cmphex(t->c->r[1], ==, (uint32_t)s);
                g_assert_cmpint(memcmp(t->m->ram + 0x141, t->m->ram + 0x100, size), ==, 0);
                /* atomics: fetch and add, exchange, compare and swap that hits and one that misses */
                uint64_t mask = size == 8 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * size)) - 1;
                bench_begin(t);
                ir_ref at = ir_guard(t->b, aux | IR_MEM_READ | IR_MEM_WRITE,
                                     ir_const(t->b, IR_I64, 0x140 - 0x40 + 0x80));
                ir_store_at(t->b, aux, at, 0, ir_const(t->b, IR_I64, 0xf0));
                ir_put(t->b, W0,
                       ir_atomic(t->b, IR_AADD, IR_I64, aux, at, ir_const(t->b, IR_I64, 0x25), IR_NONE));
                ir_put(t->b, W1,
                       ir_atomic(t->b, IR_XCHG, IR_I64, aux, at, ir_const(t->b, IR_I64, 0x77), IR_NONE));
                ir_put(t->b, W2,
                       ir_atomic(t->b, IR_CAS, IR_I64, aux, at, ir_const(t->b, IR_I64, 0x77),
                                 ir_const(t->b, IR_I64, 0x55)));
                ir_put(t->b, W3,
                       ir_atomic(t->b, IR_CAS, IR_I64, aux, at, ir_const(t->b, IR_I64, 0x77),
                                 ir_const(t->b, IR_I64, 0x66)));
                bench_run(t);
                g_assert_cmphex(t->c->w[0], ==, 0xf0);
                g_assert_cmphex(t->c->w[1], ==, 0x115 & mask);
                g_assert_cmphex(t->c->w[2], ==, 0x77);
                g_assert_cmphex(t->c->w[3], ==, 0x55);
            }
    /* a vector, both byte orders: lane 0 is the low end of the number */
    bench_begin(t);
    ir_put(t->b, V0, ir_load(t->b, IR_V128, 4, ir_const(t->b, IR_I64, 0x100)));
    ir_put(t->b, V1, ir_load(t->b, IR_V128, 4 | IR_MEM_BIG, ir_const(t->b, IR_I64, 0x100)));
    bench_run(t);
    for (unsigned k = 0; k < 16; k++) {
        g_assert_cmphex(t->c->v[0][k], ==, 0x81 + k);
        g_assert_cmphex(t->c->v[1][15 - k], ==, 0x81 + k);
    }
}

/* A guard that fails leaves everything as it was before the instruction, gives back what was not executed. */
static void failing_guard(struct bench *t)
{
    t->c->head.budget = 100;
    t->c->r[0] = 0x102;
    t->c->r[1] = 7;
    bench_begin(t);
    ir_charge(t->b, 0);
    ir_put(t->b, R1, ir_const(t->b, IR_I32, 8));
    ir_insns_done(t->b, 1);
    ir_set_pc(t->b, 0x1004, 0x1008);
    ir_ref v = ir_load(t->b, IR_I32, 2 | IR_MEM_ALIGN(2), ir_get(t->b, R0));
    ir_put(t->b, R1, v);
    ir_insns_done(t->b, 1);
    bench_run(t);
    g_assert_cmpuint(t->kind, ==, IR_EXIT_MEMORY);
    g_assert_cmpuint(t->c->r[1], ==, 8);
    g_assert_cmphex(t->c->head.pc, ==, 0x1004);
    g_assert_cmphex(t->c->head.npc, ==, 0x1008);
    g_assert_cmpint(t->c->head.budget, ==, 99);
}

static void leaving(struct bench *t)
{
    /* budget: nothing of the block happens */
    t->c->head.budget = 2;
    t->c->r[1] = 5;
    bench_begin(t);
    ir_charge(t->b, 0);
    ir_put(t->b, R1, ir_const(t->b, IR_I32, 6));
    ir_insns_done(t->b, 3);
    bench_run(t);
    g_assert_cmpuint(t->kind, ==, IR_EXIT_BUDGET);
    g_assert_cmpint(t->c->head.budget, ==, 2);
    g_assert_cmpuint(t->c->r[1], ==, 5);
    g_assert_cmphex(t->c->head.pc, ==, 0x1000);
    /* a budget that just does ends at 0 */
    t->c->head.budget = 3;
    bench_begin(t);
    ir_charge(t->b, 0);
    ir_insns_done(t->b, 3);
    bench_run(t);
    g_assert_cmpuint(t->kind, ==, IR_EXIT_DIRECT);
    g_assert_cmpint(t->c->head.budget, ==, 0);
    /* an exception with its number and information; what comes after it does not happen */
    t->c->head.budget = 50;
    t->c->w[0] = 0x123456789a;
    bench_begin(t);
    ir_charge(t->b, 0);
    ir_insns_done(t->b, 1);
    ir_set_pc(t->b, 0x1010, 0x1014);
    ir_raise_if(t->b, ir_const(t->b, IR_I32, 0), 1, IR_NONE);
    ir_raise_if(t->b, ir_get(t->b, R1), 42, ir_get(t->b, W0));
    ir_put(t->b, R1, ir_const(t->b, IR_I32, 1));
    ir_insns_done(t->b, 1);
    bench_run(t);
    g_assert_cmpuint(t->kind, ==, IR_EXIT_RAISE);
    g_assert_cmpuint(t->c->head.exit_reason, ==, 42);
    g_assert_cmphex(t->c->head.exit_info, ==, 0x123456789a);
    g_assert_cmphex(t->c->head.pc, ==, 0x1010);
    g_assert_cmpint(t->c->head.budget, ==, 49);
    g_assert_cmpuint(t->c->r[1], !=, 1);
    /* computed: next pc follows */
    t->c->r[0] = 0x4000;
    bench_begin(t);
    ir_exit(t->b, IR_EXIT_INDIRECT, IR_HINT_RETURN, 0, 0, ir_get(t->b, R0), IR_NONE);
    bench_run(t);
    g_assert_cmpuint(t->kind, ==, IR_EXIT_INDIRECT);
    g_assert_cmphex(t->c->head.pc, ==, 0x4000);
    g_assert_cmphex(t->c->head.npc, ==, 0x4004);
}

/* Parameters are assigned at once: a swap in a loop. */
static void parallel_parameters(struct bench *t)
{
    t->c->r[0] = 1;
    t->c->r[1] = 2;
    t->c->r[2] = 5;
    memset(t->c->v[0], 0xaa, 16);
    memset(t->c->v[1], 0xbb, 16);
    ir_begin(t->b, &ir_random_guest, 0x1000, 0x1004, 0, true);
    uint32_t top = ir_block_new(t->b, 0x1000, 0), end = ir_block_new(t->b, 0x1010, 0);
    ir_block_start(t->b, top);
    ir_ref x = ir_get(t->b, R0), y = ir_get(t->b, R1), n = ir_get(t->b, R2), p = ir_get(t->b, V0),
           q = ir_get(t->b, V1);
    ir_put(t->b, R0, y);
    ir_put(t->b, R1, x);
    ir_put(t->b, V0, q);
    ir_put(t->b, V1, p);
    ir_put(t->b, R2, ir_bin(t->b, IR_SUB, n, ir_const(t->b, IR_I32, 1)));
    ir_br_if(t->b, ir_icmp(t->b, IR_NE, n, ir_const(t->b, IR_I32, 1)), top, end, 0);
    ir_block_seal(t->b, top);
    ir_block_seal(t->b, end);
    ir_block_start(t->b, end);
    bench_run(t);
    g_assert_cmpuint(t->c->r[0], ==, 2); /* five swaps */
    g_assert_cmpuint(t->c->r[1], ==, 1);
    g_assert_cmpuint(t->c->r[2], ==, 0);
    g_assert_cmphex(t->c->v[0][7], ==, 0xbb);
    g_assert_cmphex(t->c->v[1][9], ==, 0xaa);
}

static void add(const char *name, void (*f)(struct bench *))
{
    g_autofree char *path = g_strconcat("/ir/interp/", name, NULL);
    g_test_add_data_func(path, (const void *)f, with_bench);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("arithmetic", arithmetic);
    add("bits", bits);
    add("float-arithmetic", float_arithmetic);
    add("nans-are-the-guests", nans_are_the_guests);
    add("comparisons", comparisons);
    add("conversions", conversions);
    add("extended", extended);
    add("vectors", vectors);
    add("memory", memory);
    add("failing-guard", failing_guard);
    add("leaving", leaving);
    add("parallel-parameters", parallel_parameters);
    return g_test_run();
}
