/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random regions: the interpreter, tier 1 and tier 2 must agree on slots, memory, program counter, budget, sticky
 * floating-point flags and the exit taken.  The programs are made through the builder, with loops, calls, guards,
 * exits in all places and more live values than the host has registers.
 *
 *   test_x64_random [-m slow] [SEED [COUNT]]
 */
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "emulator/jit/backend.h"
#include "emulator/jit/x64.h"

enum { N_I32 = 14, N_I64 = 10, N_F64 = 8, N_F32 = 4, N_V = 4, N_BANK = 8, STATE = 1024, MEMORY = 65536, BANK = 80000 };
enum { I32_0, I64_0 = N_I32, F64_0 = I64_0 + N_I64, F32_0 = F64_0 + N_F64, V_0 = F32_0 + N_F32, B_0 = V_0 + N_V,
       N_SLOTS = B_0 + N_BANK };

static struct ir_slot slots[N_SLOTS];
static uint64_t rng;

static uint32_t rnd(uint32_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)((rng >> 11) % n);
}

static uint64_t interesting(void)
{
    static const uint64_t v[] = {0, 1, 2, 3, 7, 8, 31, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
                                 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
                                 0xffffffffffffffff, 0x12345678, 0xdeadbeefcafebabe};
    return rnd(2) ? v[rnd(G_N_ELEMENTS(v))] : rnd(2) ? rnd(1000) : ((uint64_t)rnd(~0u) << 32 | rnd(~0u));
}

static double number(void)
{
    static const double v[] = {0.0, -0.0, 1.0, -1.0, 0.5, 1e300, -1e300, 1e-310, 3.0, 1e10, -7.25, 2147483648.0, 1e30};
    switch (rnd(8)) {
    case 0: return NAN;
    case 1: return INFINITY;
    case 2: return -INFINITY;
    case 3: return (double)rnd(1000) / 7;
    default: return v[rnd(G_N_ELEMENTS(v))];
    }
}

/* ------------------------------------------------------------------------------------------------- the guest */

struct state {
    union {
        struct jit_cpu cpu;
        uint8_t bytes[STATE];
    };
    uint8_t bank[BANK];
};

/* A quiet NaN or an integer, dependent on all that it is told. */
static uint64_t fp_fix(struct jit_cpu *cpu, const struct ir_insn *i, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t h = (uint64_t)i->op * 0x9e3779b97f4a7c15u + i->type * 77u;
    unsigned n = ir_op_info[i->op].args;
    bool wide = i->op == IR_FCVT || i->op == IR_FTOI || i->op == IR_FTOIR ? i->aux == IR_F64 : i->type == IR_F64;
    if (!wide) {
        a = (uint32_t)a;
        b = (uint32_t)b;
        c = (uint32_t)c;
    }
    h ^= a * 3 + (n > 1 ? b * 5 : 0) + (n > 2 ? c * 7 : 0);
    return i->type == IR_F64 ? 0x7ff8000000000000u | h >> 13 : i->type == IR_F32 ? 0x7fc00000 | (h & 0x3fffff) : h;
}

static bool lookup(struct jit_cpu *cpu, uint64_t address, enum jit_access access, bool commit,
                   struct jit_translation *out)
{
    return false;
}

static struct jit_guest guest = {.name = "random", .n_slots = N_SLOTS, .slot = slots, .state_size = sizeof(struct state),
                                 .insn_shift = 2, .uses_npc = true, .fp_fix = fp_fix, .lookup = lookup};

static void declare_slots(void)
{
    static const struct {
        unsigned first, n, type, size;
    } kind[] = {{I32_0, N_I32, IR_I32, 4}, {I64_0, N_I64, IR_I64, 8}, {F64_0, N_F64, IR_F64, 8},
                {F32_0, N_F32, IR_F32, 4}, {V_0, N_V, IR_V128, 16}};
    unsigned at = 512;
    for (unsigned k = 0; k < G_N_ELEMENTS(kind); k++) {
        for (unsigned j = 0; j < kind[k].n; j++) {
            at = (at + kind[k].size - 1) / kind[k].size * kind[k].size;
            slots[kind[k].first + j] = (struct ir_slot){g_strdup_printf("%u", at), (uint8_t)kind[k].type, false, (uint16_t)at};
            at += kind[k].size;
        }
    }
    for (unsigned j = 0; j < N_BANK; j++) {
        slots[B_0 + j] = (struct ir_slot){g_strdup_printf("b%u", j), IR_I32, true, (uint16_t)(4 * j)};
    }
    g_assert_cmpuint(at, <, STATE);
}

static uint64_t h_pure(struct jit_cpu *cpu, uint32_t a, uint64_t b)
{
    return (uint32_t)(a * 31 + b);
}
static uint64_t h_many(struct jit_cpu *cpu, uint32_t a, uint64_t b, uint64_t c, uint32_t d, uint64_t e, uint64_t f)
{
    return a + 3 * b + 5 * c + 7 * d + 11 * e + 13 * f;
}
static uint64_t h_reads(struct jit_cpu *cpu, uint32_t a)
{
    const struct state *s = (const struct state *)(const void *)cpu;
    uint64_t v;
    memcpy(&v, s->bytes + slots[I64_0 + a % N_I64].offset, 8);
    return v;
}
static uint64_t h_writes(struct jit_cpu *cpu, uint32_t a, uint64_t b)
{
    struct state *s = (struct state *)(void *)cpu;
    uint32_t v = (uint32_t)b;
    memcpy(s->bytes + slots[a % N_I32].offset, &v, 4);
    memcpy((uint8_t *)cpu->bank + 4 * (a % N_BANK), &v, 4);
    return a;
}
static uint64_t h_vector(struct jit_cpu *cpu, uint64_t *out, const uint64_t *a, uint32_t b, const uint64_t *c, uint64_t d,
                         const uint64_t *e)
{
    out[0] = a[0] + c[1] * 3 + b + e[0];
    out[1] = a[1] ^ c[0] ^ d ^ e[1] << 1;
    return 0;
}
static uint64_t h_of_vector(struct jit_cpu *cpu, uint32_t k, const uint64_t *a, const uint64_t *b)
{
    return k + a[0] + a[1] * 3 + b[0] * 5 + b[1] * 7;
}
static const struct ir_helper helpers[] = {
    {"vector", (void *)h_vector, IR_HELPER_PURE, 5, IR_V128, {IR_V128, IR_I32, IR_V128, IR_F64, IR_V128}},
    {"of vector", (void *)h_of_vector, 0, 3, IR_I64, {IR_I32, IR_V128, IR_V128}},
    {"pure", (void *)h_pure, IR_HELPER_PURE, 2, IR_I32, {IR_I32, IR_F64}},
    {"many", (void *)h_many, 0, 6, IR_I64, {IR_I32, IR_I64, IR_F64, IR_F32, IR_I64, IR_I64}},
    {"reads", (void *)h_reads, IR_HELPER_READS, 1, IR_F64, {IR_I32}},
    {"writes", (void *)h_writes, IR_HELPER_READS | IR_HELPER_WRITES, 2, IR_I32, {IR_I32, IR_I64}},
};

/* ------------------------------------------------------------------------------------------------ the generator */

enum { POOL = 400 };
static ir_ref pool[7][POOL];
static unsigned n_pool[7];
static bool with_float, with_vectors;

static void keep(struct ir_builder *b, ir_ref v)
{
    enum ir_type t = ir_type_of(b, v);
    if (n_pool[t] < POOL) {
        pool[t][n_pool[t]++] = v;
    } else {
        pool[t][rnd(POOL)] = v;
    }
}

static unsigned slot_of(enum ir_type t)
{
    switch (t) {
    case IR_I32: return rnd(4) ? I32_0 + rnd(N_I32) : B_0 + rnd(N_BANK);
    case IR_I64: return I64_0 + rnd(N_I64);
    case IR_F64: return F64_0 + rnd(N_F64);
    case IR_F32: return F32_0 + rnd(N_F32);
    default: return V_0 + rnd(N_V);
    }
}

static ir_ref value(struct ir_builder *b, enum ir_type t)
{
    if (t == IR_I32 || t == IR_I64) {
        if (rnd(6) == 0) {
            return ir_const(b, t, t == IR_I32 ? (uint32_t)interesting() : interesting());
        }
    } else if (t == IR_F64 && rnd(12) == 0) {
        double d = number();
        uint64_t v;
        memcpy(&v, &d, 8);
        return ir_const(b, t, v);
    }
    if (n_pool[t] && rnd(3)) {
        return pool[t][rnd(2) && n_pool[t] > 6 ? n_pool[t] - 1 - rnd(6) : rnd(n_pool[t])];
    }
    return ir_get(b, slot_of(t));
}

static ir_ref address(struct ir_builder *b, bool user)
{
    ir_ref a = ir_bin(b, IR_AND, value(b, IR_I32), ir_const(b, IR_I32, user ? 0x7ff8 : 0xfff8));
    if (rnd(3) == 0) {
        a = ir_bin(b, IR_ADD, a, ir_const(b, IR_I32, rnd(64) * (rnd(2) ? 8 : 1)));
    }
    return a;
}

static ir_ref condition(struct ir_builder *b)
{
    enum ir_type t = rnd(2) ? IR_I32 : IR_I64;
    switch (rnd(with_float ? 7 : 5)) {
    case 0: return value(b, IR_I32);
    case 1: {
        ir_ref x = ir_bin(b, IR_AND, value(b, t), ir_const(b, t, t == IR_I32 ? (uint32_t)interesting() : interesting()));
        return ir_icmp(b, rnd(2) ? IR_EQ : IR_NE, x, ir_const(b, t, 0));
    }
    case 2: {
        ir_ref x = ir_bin(b, IR_SUB, value(b, t), value(b, t));
        keep(b, x);
        return ir_icmp(b, (enum ir_cond)rnd(10), x, ir_const(b, t, 0));
    }
    case 5: return ir_fcmp(b, rnd(16), value(b, IR_F64), value(b, IR_F64));
    case 6: return ir_fcmp(b, rnd(32), value(b, IR_F32), value(b, IR_F32));
    default: return ir_icmp(b, (enum ir_cond)rnd(10), value(b, t), value(b, t));
    }
}

static void integer_op(struct ir_builder *b)
{
    static const uint8_t bin[] = {IR_ADD, IR_ADD, IR_ADD, IR_SUB, IR_SUB, IR_MUL, IR_MULHU, IR_MULHS, IR_DIVU, IR_DIVS, IR_REMU,
                                  IR_REMS, IR_AND, IR_AND, IR_OR, IR_XOR, IR_ANDN, IR_SHL, IR_SHR, IR_SAR, IR_ROL, IR_ROR};
    static const uint8_t un[] = {IR_NOT, IR_NEG, IR_BSWAP, IR_CLZ, IR_CTZ, IR_POPCNT};
    enum ir_type t = rnd(2) ? IR_I32 : IR_I64;
    unsigned bits = t == IR_I32 ? 32 : 64;

    switch (rnd(12)) {
    case 0: keep(b, ir_op1(b, (enum ir_op)un[rnd(G_N_ELEMENTS(un))], t, 0, value(b, t))); break;
    case 1: {
        enum ir_type from = t == IR_I32 ? IR_I32 : rnd(2) ? IR_I32 : IR_I64;
        keep(b, ir_op1(b, rnd(2) ? IR_SEXT : IR_ZEXT, t, (uint16_t)(8u << rnd(3)), value(b, from)));
        break;
    }
    case 2: keep(b, ir_op1(b, IR_TRUNC, IR_I32, 0, value(b, IR_I64))); break;
    case 3: {
        unsigned lo = rnd(bits), n = 1 + rnd(bits - lo);
        if (rnd(2)) {
            keep(b, ir_op1(b, IR_EXTRACT, t, (uint16_t)(lo | n << 8), value(b, t)));
        } else {
            keep(b, ir_op2(b, IR_INSERT, t, (uint16_t)(lo | n << 8), value(b, t), value(b, t)));
        }
        break;
    }
    case 4: keep(b, ir_select(b, condition(b), value(b, t), value(b, t))); break;
    case 5: keep(b, condition(b)); break;
    case 6: { /* add with carry in all arrangements */
        ir_ref x = value(b, t), y = value(b, t), c = rnd(2) ? ir_const(b, IR_I32, rnd(2)) : ir_bin(b, IR_AND, value(b, IR_I32), ir_const(b, IR_I32, 1));
        bool sub = rnd(2);
        unsigned how = rnd(4);
        ir_ref zero = ir_const(b, IR_I32, 0);
        if (how == 0) {
            keep(b, ir_op3(b, sub ? IR_BORROW : IR_CARRY, IR_I32, t, x, y, c));
            keep(b, ir_op3(b, sub ? IR_SBB : IR_ADC, t, 0, x, y, c));
        } else if (how == 1) {
            keep(b, ir_op3(b, sub ? IR_SBB : IR_ADC, t, 0, x, y, c));
            keep(b, ir_op3(b, sub ? IR_BORROW : IR_CARRY, IR_I32, t, x, y, c));
        } else if (how == 2) {
            keep(b, ir_op2(b, sub ? IR_SUB : IR_ADD, t, 0, x, y));
            keep(b, ir_op3(b, sub ? IR_BORROW : IR_CARRY, IR_I32, t, x, y, zero));
        } else {
            keep(b, ir_op3(b, sub ? IR_BORROW : IR_CARRY, IR_I32, t, x, y, zero));
            keep(b, ir_op2(b, sub ? IR_SUB : IR_ADD, t, 0, x, y));
        }
        break;
    }
    default: keep(b, ir_bin(b, (enum ir_op)bin[rnd(G_N_ELEMENTS(bin))], value(b, t), value(b, t))); break;
    }
}

static void float_op(struct ir_builder *b)
{
    enum ir_type t = rnd(3) ? IR_F64 : IR_F32;

    switch (rnd(12)) {
    case 0: keep(b, ir_op1(b, rnd(2) ? IR_FNEG : IR_FABS, t, 0, value(b, t))); break;
    case 1: keep(b, ir_op1(b, IR_FSQRT, t, 0, value(b, t))); break;
    case 2: keep(b, ir_op3(b, IR_FMADD, t, 0, value(b, t), value(b, t), value(b, t))); break;
    case 3: keep(b, ir_op1(b, IR_FCVT, t, t == IR_F64 ? IR_F32 : IR_F64, value(b, t == IR_F64 ? IR_F32 : IR_F64))); break;
    case 4: {
        enum ir_type i = rnd(2) ? IR_I32 : IR_I64;
        keep(b, ir_op1(b, IR_ITOF, t, i, value(b, i)));
        break;
    }
    case 5: keep(b, ir_op1(b, rnd(2) ? IR_FTOI : IR_FTOIR, rnd(2) ? IR_I32 : IR_I64, t, value(b, t))); break;
    case 6: keep(b, ir_op1(b, IR_FLANE, IR_F32, (uint16_t)rnd(2), value(b, IR_F64))); break;
    case 7: keep(b, ir_op2(b, IR_FSETLANE, IR_F64, (uint16_t)rnd(2), value(b, IR_F64), value(b, IR_F32))); break;
    case 8: {
        ir_ref x = value(b, t), y = value(b, t);
        keep(b, ir_op2(b, IR_FREL, IR_I32, (uint16_t)(t << 8 | (rnd(2) ? IR_FSIGNAL : 0)), x, y));
        break;
    }
    case 9: keep(b, ir_select(b, condition(b), value(b, t), value(b, t))); break;
    case 10: {
        static const uint8_t to[] = {[IR_I32] = IR_F32, [IR_I64] = IR_F64, [IR_F32] = IR_I32, [IR_F64] = IR_I64};
        enum ir_type from = (enum ir_type)(IR_I32 + rnd(4));
        keep(b, ir_op1(b, IR_BITCAST, (enum ir_type)to[from], 0, value(b, from)));
        break;
    }
    default: {
        static const uint8_t bin[] = {IR_FADD, IR_FSUB, IR_FMUL, IR_FDIV};
        keep(b, ir_op2(b, (enum ir_op)bin[rnd(4)], t, 0, value(b, t), value(b, t)));
        break;
    }
    }
}

static void vector_op(struct ir_builder *b)
{
    static const uint8_t bin[] = {IR_VADD, IR_VSUB, IR_VMUL, IR_VAND, IR_VOR, IR_VXOR, IR_VANDN, IR_VADDS, IR_VADDU, IR_VSUBS,
                                  IR_VSUBU, IR_VMINS, IR_VMAXS, IR_VMINU, IR_VMAXU, IR_VAVGU, IR_VCMPEQ, IR_VCMPGTS,
                                  IR_VCMPGTU, IR_VSHLV, IR_VSHRV, IR_VSARV, IR_VZIPL, IR_VZIPH, IR_VSHLSV, IR_VSHLUV};
    uint16_t lane = (uint16_t)rnd(4);
    static const uint8_t n[] = {16, 8, 4, 2};
    enum ir_type s = lane == IR_L64 ? IR_I64 : IR_I32;

    switch (rnd(14)) {
    case 8: keep(b, ir_op2(b, IR_VPAIR, IR_V128, 0, value(b, IR_F64), rnd(3) ? value(b, IR_F64) : ir_const(b, IR_F64, 0))); break;
    case 9: keep(b, ir_op3(b, IR_VEXT, IR_V128, 0, value(b, IR_V128), value(b, IR_V128), rnd(16))); break;
    case 10: {
        unsigned log = 1 + rnd(3);
        keep(b, ir_op3(b, IR_VREV, IR_V128, (uint16_t)rnd(log), value(b, IR_V128), IR_NONE, 1u << log));
        break;
    }
    case 11: {
        static const uint8_t narrow[] = {IR_VNARROW, IR_VNARROWSS, IR_VNARROWSU, IR_VNARROWUU};
        keep(b, ir_op2(b, (enum ir_op)narrow[rnd(4)], IR_V128, (uint16_t)(1 + rnd(3)), value(b, IR_V128), value(b, IR_V128)));
        break;
    }
    case 12:
        if (rnd(2)) {
            keep(b, ir_op1(b, rnd(2) ? IR_VWIDENS : IR_VWIDENU, IR_V128, (uint16_t)rnd(3), value(b, IR_V128)));
        } else {
            keep(b, ir_op2(b, rnd(2) ? IR_VMULWS : IR_VMULWU, IR_V128, (uint16_t)rnd(3), value(b, IR_V128), value(b, IR_V128)));
        }
        break;
    case 13: {
        static const uint8_t one[] = {IR_VABS, IR_VCLZ, IR_VCNT};
        static const uint8_t f[] = {IR_LF32, IR_LF64};
        uint16_t l = f[rnd(2)];
        keep(b, ir_op1(b, (enum ir_op)one[rnd(3)], IR_V128, lane, value(b, IR_V128)));
        keep(b, ir_op3(b, IR_VLANE, l == IR_LF32 ? IR_F32 : IR_F64, l, value(b, IR_V128), IR_NONE, rnd(2)));
        keep(b, ir_op3(b, IR_VSETLANE, IR_V128, l, value(b, IR_V128), value(b, l == IR_LF32 ? IR_F32 : IR_F64), rnd(2)));
        keep(b, ir_op1(b, IR_VSPLAT, IR_V128, l, value(b, l == IR_LF32 ? IR_F32 : IR_F64)));
        break;
    }
    case 0: keep(b, ir_op1(b, IR_VSPLAT, IR_V128, lane, value(b, s))); break;
    case 1: keep(b, ir_op3(b, IR_VLANE, s, lane, value(b, IR_V128), IR_NONE, rnd(n[lane]))); break;
    case 2: keep(b, ir_op3(b, IR_VSETLANE, IR_V128, lane, value(b, IR_V128), value(b, s), rnd(n[lane]))); break;
    case 3: keep(b, ir_op3(b, IR_VPERM, IR_V128, 0, value(b, IR_V128), value(b, IR_V128), value(b, IR_V128))); break;
    case 4:
        keep(b, ir_op3(b, (enum ir_op)(IR_VSHL + rnd(3)), IR_V128, lane, value(b, IR_V128), IR_NONE, rnd(8u << lane)));
        break;
    case 5: keep(b, ir_select(b, condition(b), value(b, IR_V128), value(b, IR_V128))); break;
    default: keep(b, ir_op2(b, (enum ir_op)bin[rnd(G_N_ELEMENTS(bin))], IR_V128, lane, value(b, IR_V128), value(b, IR_V128))); break;
    }
}

static void memory_op(struct ir_builder *b, bool user)
{
    enum ir_type t = with_vectors && rnd(6) == 0 ? IR_V128 : with_float && rnd(4) == 0 ? (rnd(2) ? IR_F64 : IR_F32) : rnd(2) ? IR_I32 : IR_I64;
    unsigned size = t == IR_V128 ? 4 : t == IR_F64 ? 3 : t == IR_F32 ? 2 : t == IR_I32 ? rnd(3) : rnd(4);
    unsigned aux = size | (rnd(2) ? IR_MEM_BIG : 0) | (rnd(2) && (t == IR_I32 || t == IR_I64) ? IR_MEM_SIGNED : 0);
    if (rnd(8) == 0) {
        aux |= IR_MEM_ALIGN(MIN(size, 3u));
    }
    switch (rnd(6)) {
    case 0:
    case 1: keep(b, ir_load(b, t, aux, address(b, user))); break;
    case 2:
    case 3: ir_store(b, aux, address(b, user), value(b, t)); break;
    case 4:
        if (t == IR_I32 || t == IR_I64) {
            static const uint8_t op[] = {IR_CAS, IR_XCHG, IR_AADD};
            enum ir_op o = (enum ir_op)op[rnd(3)];
            ir_ref g = ir_guard(b, aux | IR_MEM_READ | IR_MEM_WRITE, address(b, user));
            ir_ref x = value(b, t);
            keep(b, ir_atomic(b, o, t, aux, g, x, o == IR_CAS ? value(b, t) : IR_NONE));
        }
        break;
    default: ir_fence(b); break;
    }
}

static void call_op(struct ir_builder *b)
{
    unsigned of_vectors = 2; /* the first ones */
    const struct ir_helper *h = &helpers[with_vectors ? rnd(G_N_ELEMENTS(helpers))
                                                      : of_vectors + rnd(G_N_ELEMENTS(helpers) - of_vectors)];
    ir_ref arg[6];
    for (unsigned k = 0; k < h->n_args; k++) {
        arg[k] = value(b, (enum ir_type)h->arg_type[k]);
    }
    if (rnd(3) == 0 && h >= &helpers[of_vectors]) {
        ir_call_if(b, condition(b), h, arg);
    } else {
        keep(b, ir_call(b, h, arg));
    }
    if (h->flags & IR_HELPER_WRITES) {
        memset(n_pool, 0, sizeof(n_pool));
    }
}

static void some_op(struct ir_builder *b, bool user)
{
    static const enum ir_type put[] = {IR_I32, IR_I64, IR_F64, IR_F32, IR_V128};
    uint32_t k = rnd(100);

    if (k < 45) {
        integer_op(b);
    } else if (k < 60) {
        if (with_vectors && rnd(3) == 0) {
            vector_op(b);
        } else if (with_float) {
            float_op(b);
        }
    } else if (k < 80) {
        enum ir_type t = put[rnd(with_vectors ? 5 : with_float ? 4 : 2)];
        ir_put(b, slot_of(t), value(b, t));
    } else if (k < 92) {
        memory_op(b, user);
    } else if (k < 94) {
        call_op(b);
    } else if (k < 96) {
        ir_raise_if(b, ir_icmp(b, IR_EQ, ir_bin(b, IR_AND, value(b, IR_I32), ir_const(b, IR_I32, 0xff)), ir_const(b, IR_I32, rnd(256))), rnd(20), value(b, IR_I64));
    } else if (k < 97) {
        ir_exit_if(b, ir_icmp(b, IR_EQ, ir_bin(b, IR_AND, value(b, IR_I32), ir_const(b, IR_I32, 0x3f)), ir_const(b, IR_I32, rnd(64))), IR_EXIT_DIRECT, 0x5000, 0x5004);
    } else if (k < 98) {
        ir_ststate(b, rnd(3), 960 + 8 * rnd(4), value(b, IR_I32));
    } else if (k < 99) {
        keep(b, ir_ldstate(b, IR_I64, rnd(4), 960 + 8 * rnd(4)));
    } else {
        int16_t from[N_SLOTS];
        int move = rnd(2) ? 16 : -16;
        for (int s = 0; s < N_SLOTS; s++) {
            from[s] = -1;
        }
        for (int s = 0; s < N_BANK; s++) {
            int f = s + move / 4;
            from[B_0 + s] = (int16_t)(f >= 0 && f < N_BANK ? B_0 + f : -1);
        }
        ir_bank_move(b, move, from);
    }
}

/* What slots hold changes place: of such a block no code remains but its charge and what its edges move. */
static void moves(struct ir_builder *b, uint32_t n)
{
    static const enum ir_type type[] = {IR_I32, IR_I32, IR_I32, IR_I64, IR_I64, IR_F64, IR_F32, IR_V128};

    while (n-- > 0) {
        enum ir_type t = type[rnd(G_N_ELEMENTS(type))];
        bool constant = (t == IR_I32 || t == IR_I64) && rnd(4) == 0;
        ir_ref v = constant ? ir_const(b, t, t == IR_I32 ? (uint32_t)interesting() : interesting()) : ir_get(b, slot_of(t));
        ir_put(b, slot_of(t), v);
    }
}

static struct ir_region *generate(struct ir_builder *b, bool user, bool optimise)
{
    uint32_t n = 1 + rnd(10), block[11], length = 1 + rnd(40);
    uint64_t preds[11] = {0};
    uint32_t yes[11], no[11];

    ir_begin(b, &guest, 0x1000, 0x1004, 0, user);
    for (uint32_t k = 0; k < n; k++) {
        block[k] = ir_block_new(b, 0x1000 + 64 * k, 0x1004 + 64 * k);
        yes[k] = rnd(3) ? k + 1 : rnd(n);
        no[k] = rnd(4) ? rnd(n) : k + 1;
        yes[k] = yes[k] >= n ? ~0u : yes[k] == 0 && n > 1 ? 1 + rnd(n - 1) : yes[k];
        no[k] = no[k] >= n ? ~0u : no[k] == 0 && n > 1 ? 1 + rnd(n - 1) : no[k];
        if (n == 1) {
            yes[k] = no[k] = ~0u;
        }
    }
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t j = 0; j < n; j++) {
            preds[k] += yes[j] == k || no[j] == k;
        }
    }
    for (uint32_t k = 0; k < n; k++) {
        bool backward = false;
        memset(n_pool, 0, sizeof(n_pool));
        for (uint32_t j = k; j < n; j++) {
            backward |= yes[j] == k || no[j] == k;
        }
        if (!backward) {
            ir_block_seal(b, block[k]);
        }
        ir_block_start(b, block[k]);
        ir_set_pc(b, 0x1000 + 64 * k, 0x1004 + 64 * k);
        ir_charge(b, 0);
        uint32_t ops = 1 + rnd(length);
        bool only_moves = rnd(5) == 0;
        for (uint32_t j = 0; j < ops; j++) {
            ir_set_pc(b, 0x1000 + 64 * k + 4 * j, 0x1004 + 64 * k + 4 * j);
            if (only_moves) {
                moves(b, 1 + rnd(3));
            } else {
                some_op(b, user);
            }
            ir_insns_done(b, 1);
        }
        if (yes[k] == ~0u && no[k] == ~0u) {
            switch (rnd(3)) {
            case 0: ir_exit(b, IR_EXIT_DIRECT, IR_HINT_NONE, 0x3000, 0x3004, IR_NONE, IR_NONE); break;
            case 1: ir_exit(b, IR_EXIT_INDIRECT, IR_HINT_NONE, 0x3000, 0x3004, value(b, IR_I32), IR_NONE); break;
            default: ir_exit(b, IR_EXIT_DISPATCH, IR_HINT_NONE, 0x3000, 0x3004, rnd(2) ? value(b, IR_I64) : IR_NONE, rnd(2) ? value(b, IR_I64) : IR_NONE); break;
            }
        } else if (yes[k] == no[k]) {
            ir_br(b, block[yes[k]]);
        } else if (yes[k] == ~0u || no[k] == ~0u) {
            ir_exit_if(b, condition(b), IR_EXIT_DIRECT, 0x4000, 0x4004);
            ir_br(b, block[yes[k] == ~0u ? no[k] : yes[k]]);
        } else {
            ir_br_if(b, condition(b), block[yes[k]], block[no[k]], rnd(3));
        }
    }
    for (uint32_t k = 0; k < n; k++) {
        ir_block_seal(b, block[k]);
    }
    return ir_finish(b, optimise);
}

/* ----------------------------------------------------------------------------------------------- comparing */

static void fill(struct state *s, uint8_t *memory)
{
    for (unsigned k = 512; k < STATE; k += 4) {
        uint32_t v = (uint32_t)interesting();
        memcpy(s->bytes + k, &v, 4);
    }
    for (unsigned k = 0; k < N_F64; k++) {
        double d = number();
        memcpy(s->bytes + slots[F64_0 + k].offset, &d, 8);
    }
    for (unsigned k = 0; k < N_F32; k++) {
        float f = (float)number();
        memcpy(s->bytes + slots[F32_0 + k].offset, &f, 4);
    }
    for (unsigned k = 0; k < BANK; k++) {
        s->bank[k] = (uint8_t)(k * 37 ^ rng);
    }
    for (unsigned k = 0; k < MEMORY; k++) {
        memory[k] = (uint8_t)rnd(256);
    }
}

static bool same(const char *what, const void *x, const void *y, size_t n, size_t from)
{
    const uint8_t *p = x, *q = y;
    for (size_t k = 0; k < n; k++) {
        if (p[k] != q[k]) {
            g_test_message("%s differs at %zu: %02x, should be %02x", what, k + from, p[k], q[k]);
            return false;
        }
    }
    return true;
}

static const struct x64_features plain = {0};

/* Compiled code may leave for want of budget at an earlier place than the interpreter: it looks ahead. Then with just
 * what it used up the interpreter must leave at that place, too. */
static uint32_t run_short(const struct ir_region *r, const struct state *start, int64_t left, struct state *s,
                          struct ir_scratch **scratch)
{
    *s = *start;
    s->cpu.bank = s->bank + BANK / 2;
    s->cpu.budget -= left;
    uint32_t exit = ir_interp(r, &s->cpu, scratch);
    s->cpu.budget += left;
    return exit;
}

static void one(uint64_t seed, bool user)
{
    struct jit_options options = {.accel = JIT_ACCEL_JIT, .user_mode = user, .max_tier = 1};
    static struct jit *jits[2];
    static struct state s0, s1, s2;
    static uint8_t *m0, *memory, *want, *had;
    static struct ir_builder *b;
    static struct ir_scratch *scratch;
    static struct backend *be[2];

    rng = seed * 0x9e3779b97f4a7c15u + 1;
    for (int k = 0; k < 8; k++) {
        rnd(2);
    }
    if (!b) {
        declare_slots();
        b = ir_builder_create();
        m0 = g_malloc(MEMORY);
        memory = g_malloc(MEMORY);
        want = g_malloc(MEMORY);
        had = g_malloc(MEMORY);
    }
    if (!be[user]) {
        be[user] = backend_create(&guest, 16 << 20, user, NULL);
        jits[user] = jit_create(&guest, &options, NULL);
        g_assert_nonnull(be[user]);
        g_assert_nonnull(jits[user]);
    }
    with_float = rnd(3) != 0;
    with_vectors = rnd(3) == 0;
    memset(&s0, 0, sizeof(s0));
    s0.cpu.guest = &guest;
    jit_cpu_init(jits[user], &s0.cpu);
    fill(&s0, m0);
    s0.cpu.window = memory;
    s0.cpu.bank = s0.bank + BANK / 2;
    s0.cpu.mxcsr = 0x1f80 | rnd(4) << 13;
    s0.cpu.budget = rnd(4) ? rnd(2000) : rnd(40);
    if (!user) {
        for (uint32_t k = 0; k < MEMORY / JIT_PAGE_SIZE; k++) {
            struct jit_tlb_entry *e = &s0.cpu.tlb[k];
            bool there = rnd(12) != 0;
            e->addend = (uint64_t)(uintptr_t)memory;
            e->read = there ? k * JIT_PAGE_SIZE : JIT_TLB_NONE;
            e->write = there && rnd(12) ? k * JIT_PAGE_SIZE : JIT_TLB_NONE;
        }
    }
    struct ir_region *r = generate(b, user, rnd(2));
    const char *wrong = ir_verify(r);
    if (wrong) {
        ir_print(r, stderr);
        g_error("seed %" G_GUINT64_FORMAT ": %s", seed, wrong);
    }
    s1 = s0;
    s1.cpu.bank = s1.bank + BANK / 2;
    memcpy(memory, m0, MEMORY);
    uint32_t whole = ir_interp(r, &s1.cpu, &scratch), exit = whole;
    struct state *full = g_memdup2(&s1, sizeof(s1));
    uint8_t *full_memory = g_memdup2(memory, MEMORY);

    for (int variant = 0; variant < 3; variant++) { /* tier 1, tier 2, tier 2 on a plain processor */
        struct x64_features all = be[user]->f;
        if (variant == 2) {
            be[user]->f = plain;
        }
        struct compiled c;
        int32_t hot = 1000000;
        if (!backend_compile(be[user], r, variant ? 2 : 1, variant ? NULL : &hot, NULL, &c)) {
            be[user]->f = all;
            backend_reset(be[user]);
            variant--;
            continue;
        }
        s1 = *full;
        exit = whole;
        memcpy(want, full_memory, MEMORY);
        s2 = s0;
        s2.cpu.bank = s2.bank + BANK / 2;
        memcpy(memory, m0, MEMORY);
        struct exit_site *site = backend_enter(be[user], &s2.cpu, c.code);
        be[user]->f = all;
        uint32_t got = (uint32_t)(site - c.site);
        memcpy(had, memory, MEMORY);
        if (r->exit[got].kind == IR_EXIT_BUDGET && s2.cpu.budget > 0) {
            g_assert_cmpint(s2.cpu.budget, <, MAX(r->max_charge, X64_AHEAD_MAX));
            memcpy(memory, m0, MEMORY);
            exit = run_short(r, &s0, s2.cpu.budget, &s1, &scratch);
            memcpy(want, memory, MEMORY);
        }
        ptrdiff_t bank1 = (uint8_t *)s1.cpu.bank - s1.bank, bank2 = (uint8_t *)s2.cpu.bank - s2.bank;
        bool ok = got == exit && s1.cpu.budget == s2.cpu.budget && s1.cpu.pc == s2.cpu.pc && s1.cpu.npc == s2.cpu.npc &&
                  bank1 == bank2 && !((s1.cpu.mxcsr ^ s2.cpu.mxcsr) & ~2u); /* the denormal flag is no flag of IEEE 754 */
        if (r->exit[exit].kind == IR_EXIT_RAISE) {
            ok = ok && s1.cpu.exit_info == s2.cpu.exit_info && s1.cpu.exit_reason == s2.cpu.exit_reason;
        }
        ok = same("state", s2.bytes + 512, s1.bytes + 512, STATE - 512, 512) && ok;
        ok = same("bank", s2.bank, s1.bank, BANK, 0) && ok;
        ok = same("memory", had, want, MEMORY, 0) && ok;
        if (!ok) {
            g_test_message("seed %" G_GUINT64_FORMAT " %s variant %d: exit %u (%u), budget %ld (%ld), pc %lx (%lx), npc %lx (%lx), "
                           "bank %ld (%ld), mxcsr %x (%x), info %lx (%lx)", seed, user ? "user" : "system", variant, got, exit,
                           (long)s2.cpu.budget, (long)s1.cpu.budget, (long)s2.cpu.pc, (long)s1.cpu.pc, (long)s2.cpu.npc,
                           (long)s1.cpu.npc, (long)bank2, (long)bank1, s2.cpu.mxcsr, s1.cpu.mxcsr, (long)s2.cpu.exit_info,
                           (long)s1.cpu.exit_info);
            if (g_getenv("LIST")) {
                FILE *f = fopen("/tmp/list.txt", "w");
                ir_print(r, f);
                backend_log(be[user], &c, f);
                fclose(f);
            }
            g_test_fail();
            backend_release(be[user], &c);
            break;
        }
        backend_release(be[user], &c);
    }
    g_free(full);
    g_free(full_memory);
    jit_cpu_finish(&s0.cpu);
}

static uint64_t first = 1, count;

static void tiers_agree(gconstpointer user)
{
    uint64_t n = count ? count : g_test_slow() ? 200000 : 4000;
    for (uint64_t k = 0; k < n && !g_test_failed(); k++) {
        one(first + k, GPOINTER_TO_INT(user));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc > 1) {
        first = strtoull(argv[1], NULL, 0);
        count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    }
    g_test_add_data_func("/x64/random/user", GINT_TO_POINTER(1), tiers_agree);
    g_test_add_data_func("/x64/random/system", GINT_TO_POINTER(0), tiers_agree);
    return g_test_run();
}
