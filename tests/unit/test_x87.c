/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The IR's 80-bit operations: interpreter, tier 1 and tier 2 give the bits and the sticky flags of the host's
 * x87, for every precision (24, 53, 64 bits) and rounding mode, with denormals, infinities, NaNs and
 * encodings that are no numbers. The oracle is one x87 instruction each, written out here.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/jit/backend.h"

struct __attribute__((packed)) extended {
    uint64_t significand;
    uint16_t top; /* sign and exponent */
};

enum { A, B, R, D, S, W, L, N_SLOTS };
static const struct ir_slot slots[N_SLOTS] = {{"a", IR_F80, false, 512}, {"b", IR_F80, false, 528},
                                              {"r", IR_F80, false, 544}, {"d", IR_F64, false, 560},
                                              {"s", IR_F32, false, 568}, {"w", IR_I32, false, 572},
                                              {"l", IR_I64, false, 576}};
static const struct jit_guest guest = {.name = "test",
                                       .n_slots = N_SLOTS,
                                       .slot = slots,
                                       .state_size = 1024,
                                       .insn_shift = 2,
                                       .x87 = true,
                                       .fp_flags_count = true};

/* What an operation reads and writes. */
struct values {
    struct extended a, b, r;
    double d;
    float s;
    int32_t w;
    int64_t l;
    uint16_t status;
};

struct state {
    union {
        struct jit_cpu cpu;
        uint8_t bytes[1024];
    };
    struct jit_jump_cache jc;
};

/* ---- the oracle ---- */

#define X87(code, outputs, ...)                                                                              \
    __asm__ volatile("fnclex\n\tfldcw %[cw]\n\t" code "\n\tfnstsw %[sw]\n\tfnclex\n\tfldcw %[old]"           \
                     : outputs, [sw] "=m"(sw)                                                                \
                     : [cw] "m"(control), [old] "m"(old), __VA_ARGS__                                        \
                     : "st", "st(1)", "cc", "memory")
#define NOTHING [none] "=m"(nothing)

enum operation {
    ADD,
    SUB,
    MUL,
    DIV,
    SQRT,
    NEG,
    ABS,
    TO_F64,
    TO_F32,
    FROM_F64,
    FROM_F32,
    FROM_I32,
    FROM_I64,
    TO_I32,
    TO_I64,
    TRUNC_I32,
    TRUNC_I64,
    COMPARE,
    COMPARE_SIGNAL,
    N_OPERATIONS
};

static void on_host(enum operation op, uint16_t control, struct values *v)
{
    uint16_t sw = 0, old, chop = control | 0xc00;
    uint8_t flags = 0;
    int nothing;
    __asm__ volatile("fnstcw %0" : "=m"(old));
    switch (op) {
    case ADD:
        X87("fldt %[a]; fldt %[b]; faddp; fstpt %[r]", [r] "=m"(v->r), [a] "m"(v->a), [b] "m"(v->b));
        break;
    case SUB:
        X87("fldt %[b]; fldt %[a]; fsub %%st(1), %%st; fstpt %[r]; fstp %%st(0)", [r] "=m"(v->r),
            [a] "m"(v->a), [b] "m"(v->b));
        break;
    case MUL:
        X87("fldt %[a]; fldt %[b]; fmulp; fstpt %[r]", [r] "=m"(v->r), [a] "m"(v->a), [b] "m"(v->b));
        break;
    case DIV:
        X87("fldt %[b]; fldt %[a]; fdiv %%st(1), %%st; fstpt %[r]; fstp %%st(0)", [r] "=m"(v->r),
            [a] "m"(v->a), [b] "m"(v->b));
        break;
    case SQRT: X87("fldt %[a]; fsqrt; fstpt %[r]", [r] "=m"(v->r), [a] "m"(v->a)); break;
    case NEG: X87("fldt %[a]; fchs; fstpt %[r]", [r] "=m"(v->r), [a] "m"(v->a)); break;
    case ABS: X87("fldt %[a]; fabs; fstpt %[r]", [r] "=m"(v->r), [a] "m"(v->a)); break;
    case TO_F64: X87("fldt %[a]; fstpl %[r]", [r] "=m"(v->d), [a] "m"(v->a)); break;
    case TO_F32: X87("fldt %[a]; fstps %[r]", [r] "=m"(v->s), [a] "m"(v->a)); break;
    case FROM_F64: X87("fldl %[a]; fstpt %[r]", [r] "=m"(v->r), [a] "m"(v->d)); break;
    case FROM_F32: X87("flds %[a]; fstpt %[r]", [r] "=m"(v->r), [a] "m"(v->s)); break;
    case FROM_I32: X87("fildl %[a]; fstpt %[r]", [r] "=m"(v->r), [a] "m"(v->w)); break;
    case FROM_I64: X87("fildll %[a]; fstpt %[r]", [r] "=m"(v->r), [a] "m"(v->l)); break;
    case TO_I32: X87("fldt %[a]; fistpl %[r]", [r] "=m"(v->w), [a] "m"(v->a)); break;
    case TO_I64: X87("fldt %[a]; fistpll %[r]", [r] "=m"(v->l), [a] "m"(v->a)); break;
    case TRUNC_I32:
        X87("fldcw %[chop]; fldt %[a]; fistpl %[r]", [r] "=m"(v->w), [a] "m"(v->a), [chop] "m"(chop));
        break;
    case TRUNC_I64:
        X87("fldcw %[chop]; fldt %[a]; fistpll %[r]", [r] "=m"(v->l), [a] "m"(v->a), [chop] "m"(chop));
        break;
    case COMPARE: /* of the flags register: zero, parity, carry */
        X87("fldt %[b]; fldt %[a]; fucomip %%st(1), %%st; lahf; movb %%ah, %[f]; fstp %%st(0)",
            [f] "=m"(flags), [a] "m"(v->a), [b] "m"(v->b));
        break;
    case COMPARE_SIGNAL:
        X87("fldt %[b]; fldt %[a]; fcomip %%st(1), %%st; lahf; movb %%ah, %[f]; fstp %%st(0)",
            [f] "=m"(flags), [a] "m"(v->a), [b] "m"(v->b));
        break;
    default: g_assert_not_reached();
    }
    (void)nothing;
    if (op >= COMPARE)
        v->w = flags & 4 ? 3 : flags & 0x40 ? 0 : flags & 1 ? 1 : 2;
    v->status |= sw & 0x3f;
}

/* ---- the IR ---- */

static void emit(struct ir_builder *b, enum operation op)
{
    switch (op) {
    case ADD:
    case SUB:
    case MUL:
    case DIV: {
        static const enum ir_op ops[] = {IR_FADD, IR_FSUB, IR_FMUL, IR_FDIV};
        ir_put(b, R, ir_op2(b, ops[op], IR_F80, 0, ir_get(b, A), ir_get(b, B)));
        break;
    }
    case SQRT: ir_put(b, R, ir_op1(b, IR_FSQRT, IR_F80, 0, ir_get(b, A))); break;
    case NEG: ir_put(b, R, ir_op1(b, IR_FNEG, IR_F80, 0, ir_get(b, A))); break;
    case ABS: ir_put(b, R, ir_op1(b, IR_FABS, IR_F80, 0, ir_get(b, A))); break;
    case TO_F64: ir_put(b, D, ir_op1(b, IR_FCVT, IR_F64, IR_F80, ir_get(b, A))); break;
    case TO_F32: ir_put(b, S, ir_op1(b, IR_FCVT, IR_F32, IR_F80, ir_get(b, A))); break;
    case FROM_F64: ir_put(b, R, ir_op1(b, IR_FCVT, IR_F80, IR_F64, ir_get(b, D))); break;
    case FROM_F32: ir_put(b, R, ir_op1(b, IR_FCVT, IR_F80, IR_F32, ir_get(b, S))); break;
    case FROM_I32: ir_put(b, R, ir_op1(b, IR_ITOF, IR_F80, IR_I32, ir_get(b, W))); break;
    case FROM_I64: ir_put(b, R, ir_op1(b, IR_ITOF, IR_F80, IR_I64, ir_get(b, L))); break;
    case TO_I32: ir_put(b, W, ir_op1(b, IR_FTOIR, IR_I32, IR_F80, ir_get(b, A))); break;
    case TO_I64: ir_put(b, L, ir_op1(b, IR_FTOIR, IR_I64, IR_F80, ir_get(b, A))); break;
    case TRUNC_I32: ir_put(b, W, ir_op1(b, IR_FTOI, IR_I32, IR_F80, ir_get(b, A))); break;
    case TRUNC_I64: ir_put(b, L, ir_op1(b, IR_FTOI, IR_I64, IR_F80, ir_get(b, A))); break;
    case COMPARE: ir_put(b, W, ir_op2(b, IR_FREL, IR_I32, IR_F80 << 8, ir_get(b, A), ir_get(b, B))); break;
    case COMPARE_SIGNAL:
        ir_put(b, W, ir_op2(b, IR_FREL, IR_I32, IR_FSIGNAL | IR_F80 << 8, ir_get(b, A), ir_get(b, B)));
        break;
    default: g_assert_not_reached();
    }
}

static const struct ir_region *region(struct ir_builder *b, const enum operation *ops, unsigned count,
                                      bool optimise)
{
    ir_begin(b, &guest, 0x1000, 0, 0, optimise);
    ir_block_start(b, ir_block_new(b, 0x1000, 0));
    ir_set_pc(b, 0x1000, 0);
    ir_charge(b, 0);
    for (unsigned i = 0; i < count; i++)
        emit(b, ops[i]);
    ir_insns_done(b, 1);
    ir_exit(b, IR_EXIT_DIRECT, IR_HINT_NONE, 0x2000, 0, IR_NONE, IR_NONE);
    struct ir_region *r = ir_finish(b, optimise);
    const char *wrong = ir_verify(r);
    if (wrong)
        g_error("%s", wrong);
    return r;
}

static void put_values(struct state *s, const struct values *v, uint16_t control)
{
    memcpy(s->bytes + slots[A].offset, &v->a, 10);
    memcpy(s->bytes + slots[B].offset, &v->b, 10);
    memcpy(s->bytes + slots[R].offset, &v->r, 10);
    memcpy(s->bytes + slots[D].offset, &v->d, 8);
    memcpy(s->bytes + slots[S].offset, &v->s, 4);
    memcpy(s->bytes + slots[W].offset, &v->w, 4);
    memcpy(s->bytes + slots[L].offset, &v->l, 8);
    s->cpu.x87_control = control;
    s->cpu.x87_status = v->status;
    s->cpu.mxcsr = 0x1f80;
    s->cpu.budget = 1000;
}

static void get_values(const struct state *s, struct values *v)
{
    memset(v, 0, sizeof *v); /* the gaps, too */
    memcpy(&v->a, s->bytes + slots[A].offset, 10);
    memcpy(&v->b, s->bytes + slots[B].offset, 10);
    memcpy(&v->r, s->bytes + slots[R].offset, 10);
    memcpy(&v->d, s->bytes + slots[D].offset, 8);
    memcpy(&v->s, s->bytes + slots[S].offset, 4);
    memcpy(&v->w, s->bytes + slots[W].offset, 4);
    memcpy(&v->l, s->bytes + slots[L].offset, 8);
    v->status = s->cpu.x87_status;
}

/* ---- comparing ---- */

static const struct extended interesting[] = {
    {0, 0},
    {0, 0x8000},
    {UINT64_C(1) << 63, 0x3fff}, /* 1 */
    {UINT64_C(1) << 63, 0xbfff},
    {UINT64_C(3) << 62, 0x3fff}, /* 1.5 */
    {~UINT64_C(0), 0x3ffe},      /* just below 1 */
    {~UINT64_C(0), 0x7ffe},      /* the largest */
    {~UINT64_C(0), 0xfffe},
    {UINT64_C(1) << 63, 1}, /* the smallest that is normal */
    {1, 0},                 /* denormals */
    {UINT64_C(0x123456789abcdef), 0x8000},
    {UINT64_C(1) << 63, 0},                 /* pseudo-denormal */
    {UINT64_C(1) << 63, 0x7fff},            /* infinity */
    {UINT64_C(1) << 63, 0xffff},            /* */
    {UINT64_C(3) << 62, 0x7fff},            /* quiet NaNs */
    {UINT64_C(0xc000000000001234), 0xffff}, /* */
    {UINT64_C(0xa000000000000000), 0x7fff}, /* signalling */
    {UINT64_C(0x8000000000000001), 0xffff}, /* */
    {UINT64_C(0), 0x7fff},                  /* pseudo-infinity */
    {UINT64_C(0x4000000000000000), 0x7fff}, /* pseudo-NaN */
    {UINT64_C(0x4000000000000000), 0x4000}, /* unnormal */
    {UINT64_C(0x8000008000000000), 0x3fff}, /* halfway at 24 bits */
    {UINT64_C(0x8000000000000400), 0x3fff}, /* halfway at 53 */
    {UINT64_C(0x8000000000000c00), 0xbfff}, /* */
    {UINT64_C(0xfffffffe00000000), 0x401d}, /* 2^31 - 1 */
    {UINT64_C(0xffffffff00000000), 0x401d}, /* 2^31 - 1/2 */
    {UINT64_C(0x8000000000000000), 0xc01e}, /* -2^31 */
    {UINT64_C(0x8000000000000000), 0x403e}, /* 2^63 */
    {UINT64_C(0x8000000000000000), 0xc03e}, /* -2^63 */
    {UINT64_C(0xfffffffffffffffe), 0x403d}, /* 2^63 - 1 */
    {UINT64_C(0xffffff8000000000), 0x407e}, /* overflows F32 */
    {UINT64_C(0xfffffffffffffc00), 0x43fe}, /* overflows F64 */
    {UINT64_C(0x8000000000000001), 0x3c00}, /* a denormal F64 */
    {UINT64_C(0xc000000000000001), 0x3f80}, /* a denormal F32 */
};

static struct extended number(GRand *rng)
{
    struct extended x = interesting[g_rand_int(rng) % G_N_ELEMENTS(interesting)];
    unsigned how = g_rand_int(rng) % 4;
    if (how >= 1) {
        x.significand = ((uint64_t)g_rand_int(rng) << 32 | g_rand_int(rng)) | UINT64_C(1) << 63;
        if (how == 2)
            x.significand &= ~UINT64_C(0) << g_rand_int(rng) % 64;
        x.top = (uint16_t)(g_rand_int(rng) % 3 ? 0x3fff - 70 + g_rand_int(rng) % 140 : g_rand_int(rng));
        x.top |= (uint16_t)(g_rand_int(rng) << 15);
    }
    return x;
}

static void fill(GRand *rng, struct values *v)
{
    static const uint64_t doubles[] = {0,
                                       UINT64_C(1) << 63,
                                       1,
                                       UINT64_C(0x7ff0000000000000),
                                       UINT64_C(0x7ff8000000000001),
                                       UINT64_C(0x7ff4000000000000),
                                       UINT64_C(0x3ff8000000000000)};
    static const uint32_t singles[] = {0, 0x80000000, 1, 0x7f800000, 0x7fc00001, 0x7fa00000, 0x3fc00000};
    memset(v, 0, sizeof *v);
    v->a = number(rng);
    v->b = number(rng);
    uint64_t d = g_rand_int(rng) % 2 ? doubles[g_rand_int(rng) % G_N_ELEMENTS(doubles)]
                                     : (uint64_t)g_rand_int(rng) << 32 | g_rand_int(rng);
    uint32_t s = g_rand_int(rng) % 2 ? singles[g_rand_int(rng) % G_N_ELEMENTS(singles)] : g_rand_int(rng);
    memcpy(&v->d, &d, 8);
    memcpy(&v->s, &s, 4);
    v->w = (int32_t)g_rand_int(rng);
    v->l = (int64_t)((uint64_t)g_rand_int(rng) << 32 | g_rand_int(rng));
}

static const char *const engine_name[] = {"interpreter", "tier 1", "tier 2"};

static void check(const enum operation *ops, unsigned count, const struct values *before,
                  const struct values *want, const struct values *got, unsigned engine, uint16_t control)
{
    if (!memcmp(want, got, sizeof *want))
        return;
    g_error("%s, operation %u of %u, control word %04x, a %04x:%016" G_GINT64_MODIFIER
            "x, b %04x:%016" G_GINT64_MODIFIER "x: result %04x:%016" G_GINT64_MODIFIER
            "x, %a, %a, %08x, %016" G_GINT64_MODIFIER "x, flags %02x, wanted %04x:%016" G_GINT64_MODIFIER
            "x, %a, %a, %08x, %016" G_GINT64_MODIFIER "x, flags %02x",
            engine_name[engine], ops[0], count, control, before->a.top, before->a.significand, before->b.top,
            before->b.significand, got->r.top, got->r.significand, got->d, (double)got->s, (unsigned)got->w,
            (guint64)got->l, got->status, want->r.top, want->r.significand, want->d, (double)want->s,
            (unsigned)want->w, (guint64)want->l, want->status);
}

struct rig {
    struct backend *be;
    struct ir_builder *b;
    struct ir_scratch *scratch;
    struct state s;
    GRand *rng;
};

static void set_up(struct rig *r, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    r->be = backend_create(&guest, 4 << 20, true, &error);
    g_assert_no_error(error);
    r->b = ir_builder_create();
    memset(&r->s, 0, sizeof r->s);
    memset(&r->s.jc, 0xff, sizeof r->s.jc);
    r->s.jc.newest = 0;
    r->s.cpu.guest = &guest;
    r->s.cpu.jc = &r->s.jc;
    r->rng = g_rand_new_with_seed(80);
}

static void tear_down(struct rig *r, gconstpointer unused)
{
    g_rand_free(r->rng);
    ir_interp_scratch_free(r->scratch);
    ir_builder_destroy(r->b);
    backend_destroy(r->be);
}

/* The same operations on `rounds` random states and every control word. */
static void compare(struct rig *r, const enum operation *ops, unsigned count, unsigned rounds, bool pairs)
{
    for (unsigned engine = 0; engine < 3; engine++) {
        const struct ir_region *ir = region(r->b, ops, count, engine == 2);
        struct compiled code = {0};
        if (engine)
            g_assert_true(backend_compile(r->be, ir, (int)engine, NULL, NULL, &code));
        const unsigned many = pairs ? G_N_ELEMENTS(interesting) * G_N_ELEMENTS(interesting) : 0;
        for (unsigned round = 0; round < many + rounds; round++) {
            struct values before, want, got;
            fill(r->rng, &before);
            if (round < many) {
                before.a = interesting[round / G_N_ELEMENTS(interesting)];
                before.b = interesting[round % G_N_ELEMENTS(interesting)];
            }
            for (unsigned mode = 0; mode < 12; mode++) {
                static const uint16_t precision[] = {0x000, 0x200, 0x300};
                uint16_t control = (uint16_t)(0x7f | precision[mode % 3] | (mode / 3) << 10), host, after;
                want = before;
                for (unsigned i = 0; i < count; i++)
                    on_host(ops[i], control, &want);
                __asm__ volatile("fnstcw %0" : "=m"(host));
                put_values(&r->s, &before, control);
                if (engine)
                    backend_enter(r->be, &r->s.cpu, code.code);
                else
                    ir_interp(ir, &r->s.cpu, &r->scratch);
                __asm__ volatile("fnstcw %0" : "=m"(after));
                g_assert_cmphex(after, ==, host);
                g_assert_cmphex(r->s.cpu.mxcsr, ==, 0x1f80);
                get_values(&r->s, &got);
                check(ops, count, &before, &want, &got, engine, control);
            }
        }
        if (engine)
            backend_release(r->be, &code);
    }
}

static void each_operation(struct rig *r, gconstpointer unused)
{
    for (enum operation op = 0; op < N_OPERATIONS; op++)
        compare(r, &op, 1, 2000, true);
}

/* Several in a row: the flags of all are there at the end, each under the guest's control word. */
static void in_a_row(struct rig *r, gconstpointer unused)
{
    for (unsigned n = 0; n < 100; n++) {
        enum operation ops[12];
        for (unsigned i = 0; i < G_N_ELEMENTS(ops); i++)
            ops[i] = g_rand_int(r->rng) % N_OPERATIONS;
        compare(r, ops, G_N_ELEMENTS(ops), 10, false);
    }
}

/* The relation masks of FCMP, in a register and as a condition. */
static void relations(struct rig *r, gconstpointer unused)
{
    for (unsigned engine = 0; engine < 3; engine++) {
        for (unsigned mask = 0; mask < 32; mask++) {
            ir_begin(r->b, &guest, 0x1000, 0, 0, engine == 2);
            ir_block_start(r->b, ir_block_new(r->b, 0x1000, 0));
            ir_set_pc(r->b, 0x1000, 0);
            ir_charge(r->b, 0);
            ir_put(r->b, W,
                   ir_op2(r->b, IR_FCMP, IR_I32, (uint16_t)(mask | IR_F80 << 8), ir_get(r->b, A),
                          ir_get(r->b, B)));
            ir_insns_done(r->b, 1);
            ir_exit(r->b, IR_EXIT_DIRECT, IR_HINT_NONE, 0x2000, 0, IR_NONE, IR_NONE);
            struct ir_region *ir = ir_finish(r->b, engine == 2);
            g_assert_null(ir_verify(ir));
            struct compiled code = {0};
            if (engine)
                g_assert_true(backend_compile(r->be, ir, (int)engine, NULL, NULL, &code));
            for (unsigned round = 0; round < 300; round++) {
                struct values before, want, got;
                fill(r->rng, &before);
                if (!(round % 4))
                    before.b = before.a;
                want = before;
                on_host(mask & IR_FSIGNAL ? COMPARE_SIGNAL : COMPARE, 0x37f, &want);
                want.w = (int32_t)(mask >> want.w & 1);
                put_values(&r->s, &before, 0x37f);
                if (engine)
                    backend_enter(r->be, &r->s.cpu, code.code);
                else
                    ir_interp(ir, &r->s.cpu, &r->scratch);
                get_values(&r->s, &got);
                check((enum operation[]){COMPARE}, mask, &before, &want, &got, engine, 0x37f);
            }
            if (engine)
                backend_release(r->be, &code);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, function) g_test_add("/x87/" name, struct rig, NULL, set_up, function, tear_down)
    TEST("each-operation", each_operation);
    TEST("in-a-row", in_a_row);
    TEST("relations", relations);
    return g_test_run();
}
