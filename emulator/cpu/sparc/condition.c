/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Deferred integer condition codes: how conditions, the carry and the packed codes are made from the operands of
 * the instruction that set them.  Where the kind is known while translating, a condition is a comparison.
 */
#include "emulator/cpu/sparc/internal.h"

/* V8 table 5-13: Bicc conditions by cond field. Bit i: true for codes i = N Z V C. */
#define ROW(expr)                                                                                            \
    (BIT(0, expr) | BIT(1, expr) | BIT(2, expr) | BIT(3, expr) | BIT(4, expr) | BIT(5, expr) | BIT(6, expr) | \
     BIT(7, expr) | BIT(8, expr) | BIT(9, expr) | BIT(10, expr) | BIT(11, expr) | BIT(12, expr) |            \
     BIT(13, expr) | BIT(14, expr) | BIT(15, expr))
#define BIT(i, expr) ((expr((i) >> 3 & 1, (i) >> 2 & 1, (i) >> 1 & 1, (i)&1) ? 1 : 0) << (i))
#define IS_E(n, z, v, c)   (z)
#define IS_LE(n, z, v, c)  ((z) | ((n) ^ (v)))
#define IS_L(n, z, v, c)   ((n) ^ (v))
#define IS_LEU(n, z, v, c) ((c) | (z))
#define IS_CS(n, z, v, c)  (c)
#define IS_NEG(n, z, v, c) (n)
#define IS_VS(n, z, v, c)  (v)
const uint16_t sparc_cond_table[16] = {
    0,
    ROW(IS_E),
    ROW(IS_LE),
    ROW(IS_L),
    ROW(IS_LEU),
    ROW(IS_CS),
    ROW(IS_NEG),
    ROW(IS_VS),
    0xffff,
    (uint16_t)~ROW(IS_E),
    (uint16_t)~ROW(IS_LE),
    (uint16_t)~ROW(IS_L),
    (uint16_t)~ROW(IS_LEU),
    (uint16_t)~ROW(IS_CS),
    (uint16_t)~ROW(IS_NEG),
    (uint16_t)~ROW(IS_VS),
};

uint32_t sparc_icc_of(uint32_t kind, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t r, v, carry;
    switch (kind) {
    case SPARC_CC_PACKED: return a & 15;
    case SPARC_CC_LOGIC:
        r = a;
        v = carry = 0;
        break;
    case SPARC_CC_ADD:
    case SPARC_CC_ADDX: {
        uint64_t sum = (uint64_t)a + b + (kind == SPARC_CC_ADDX ? c & 1 : 0);
        r = (uint32_t)sum;
        carry = sum >> 32 & 1;
        v = ((a ^ r) & (b ^ r)) >> 31;
        break;
    }
    default: {
        uint64_t difference = (uint64_t)a - b - (kind == SPARC_CC_SUBX ? c & 1 : 0);
        r = (uint32_t)difference;
        carry = difference >> 32 & 1;
        v = ((a ^ b) & (a ^ r)) >> 31;
        break;
    }
    }
    return r >> 31 << 3 | (r == 0) << 2 | v << 1 | carry;
}

uint32_t sparc_xcc_of(uint32_t kind, uint64_t a, uint64_t b, uint32_t c)
{
    uint64_t r, v = 0, carry = 0;
    c = kind == SPARC_CC_ADDX || kind == SPARC_CC_SUBX ? c & 1 : 0;
    switch (kind) {
    case SPARC_CC_PACKED: return a & 0xff;
    case SPARC_CC_LOGIC: r = a; break;
    case SPARC_CC_ADD:
    case SPARC_CC_ADDX:
        r = a + b + c;
        carry = ((a & b) | ((a | b) & ~r)) >> 63;
        v = ((a ^ r) & (b ^ r)) >> 63;
        break;
    default:
        r = a - b - c;
        carry = ((~a & b) | (~(a ^ b) & r)) >> 63;
        v = ((a ^ b) & (a ^ r)) >> 63;
        break;
    }
    uint32_t xcc = (uint32_t)(r >> 63 << 3 | (uint64_t)(r == 0) << 2 | v << 1 | carry);
    return xcc << 4 | sparc_icc_of(kind, (uint32_t)a, (uint32_t)b, c);
}

static uint64_t helper_icc(struct jit_cpu *cpu, uint32_t kind, uint32_t a, uint32_t b, uint32_t c)
{
    return sparc_icc_of(kind, a, b, c);
}
const struct ir_helper sparc_helper_icc = {
    "sparc_icc", helper_icc, IR_HELPER_PURE, 4, IR_I32, {IR_I32, IR_I32, IR_I32, IR_I32},
};

static uint64_t helper_xcc(struct jit_cpu *cpu, uint32_t kind, uint64_t a, uint64_t b, uint32_t c)
{
    return sparc_xcc_of(kind, a, b, c);
}
const struct ir_helper sparc_helper_xcc = {
    "sparc_xcc", helper_xcc, IR_HELPER_PURE, 4, IR_I32, {IR_I32, IR_I64, IR_I64, IR_I32},
};

struct cc_state cc_capture(struct xlat *x, bool xcc)
{
    struct cc_state cc = {.xcc = xcc};
    uint64_t kind;
    cc.known = ir_slot_const(x->b, SLOT_CC_KIND, &kind);
    cc.kind = cc.known ? (uint32_t)kind : 0;
    cc.kind_ref = cc.known ? x_i32(x, cc.kind) : ir_get(x->b, SLOT_CC_KIND);
    cc.a = ir_get(x->b, SLOT_CC_A);
    bool binary = !cc.known || cc.kind >= SPARC_CC_ADD;
    bool ternary = !cc.known || cc.kind >= SPARC_CC_ADDX;
    cc.b = binary ? ir_get(x->b, SLOT_CC_B) : x_const(x, 0);
    cc.c = ternary ? ir_get(x->b, SLOT_CC_C) : x_i32(x, 0);
    return cc;
}

/* All codes in one word: N Z V C of icc, and xcc << 4 on models that have it. */
static ir_ref pack(struct xlat *x, const struct cc_state *cc)
{
    ir_ref arg[] = {cc->kind_ref, cc->a, cc->b, cc->c};
    if (cc->known && cc->kind == SPARC_CC_PACKED)
        return x_low32(x, cc->a);
    return ir_call(x->b, x->v9 ? &sparc_helper_xcc : &sparc_helper_icc, arg);
}

ir_ref cc_pack(struct xlat *x)
{
    struct cc_state cc = cc_capture(x, false);
    return pack(x, &cc);
}

/* The carry of codes whose kind is known and not PACKED. */
static ir_ref carry_of(struct xlat *x, const struct cc_state *cc)
{
    struct ir_builder *b = x->b;
    ir_ref a = x_low32(x, cc->a), o = x_low32(x, cc->b);
    switch (cc->kind) {
    case SPARC_CC_LOGIC: return x_i32(x, 0);
    case SPARC_CC_ADD: return ir_op3(b, IR_CARRY, IR_I32, IR_I32, a, o, x_i32(x, 0));
    case SPARC_CC_SUB: return ir_icmp(b, IR_LTU, a, o);
    case SPARC_CC_ADDX: return ir_op3(b, IR_CARRY, IR_I32, IR_I32, a, o, cc->c);
    default: return ir_op3(b, IR_BORROW, IR_I32, IR_I32, a, o, cc->c);
    }
}

ir_ref cc_carry(struct xlat *x)
{
    struct ir_builder *b = x->b;
    struct cc_state cc = cc_capture(x, false);
    if (cc.known && cc.kind != SPARC_CC_PACKED)
        return carry_of(x, &cc);
    ir_ref result = ir_bin(b, IR_AND, pack(x, &cc), x_i32(x, 1));
    if (!cc.known) { /* in a loop the kind may prove constant when the region is finished: then only one stays */
        static const uint8_t usual[] = {SPARC_CC_ADD, SPARC_CC_SUB};
        for (unsigned n = 0; n < G_N_ELEMENTS(usual); n++) {
            struct cc_state one = cc;
            one.known = true;
            one.kind = usual[n];
            result = ir_select(b, ir_icmp(b, IR_EQ, cc.kind_ref, x_i32(x, usual[n])), carry_of(x, &one), result);
        }
    }
    return result;
}

/* Conditions 1..7; the others are their complements. */
enum { C_E = 1, C_LE, C_L, C_LEU, C_CS, C_NEG, C_VS };

/* A comparison or its complement. */
static ir_ref compare(struct xlat *x, enum ir_cond cond, bool invert, ir_ref a, ir_ref o)
{
    /* EQ/NE, LTS/GES, LES/GTS, LTU/GEU, LEU/GTU are neighbours */
    return ir_icmp(x->b, invert ? (enum ir_cond)(cond ^ 1) : cond, a, o);
}

static ir_ref invert_if(struct xlat *x, bool invert, ir_ref bit)
{
    return invert ? ir_bin(x->b, IR_XOR, bit, x_i32(x, 1)) : bit;
}

ir_ref cc_test(struct xlat *x, const struct cc_state *cc, unsigned cond)
{
    struct ir_builder *b = x->b;
    bool invert = cond & 8;
    cond &= 7;
    if (!cond)
        return x_i32(x, invert);
    if (!cc->known || cc->kind == SPARC_CC_PACKED) {
        ir_ref codes = pack(x, cc);
        if (x->v9)
            codes = ir_op1(b, IR_EXTRACT, IR_I32, (cc->xcc ? 4 : 0) | 4 << 8, codes);
        ir_ref table = x_i32(x, sparc_cond_table[cond | (invert ? 8 : 0)]);
        ir_ref result = ir_bin(b, IR_AND, ir_bin(b, IR_SHR, table, codes), x_i32(x, 1));
        if (!cc->known) { /* in a loop the kind may prove constant when the region is finished: then only one stays */
            static const uint8_t usual[] = {SPARC_CC_LOGIC, SPARC_CC_SUB};
            for (unsigned n = 0; n < G_N_ELEMENTS(usual); n++) {
                struct cc_state one = *cc;
                one.known = true;
                one.kind = usual[n];
                ir_ref test = cc_test(x, &one, cond | (invert ? 8 : 0));
                result = ir_select(b, ir_icmp(b, IR_EQ, cc->kind_ref, x_i32(x, usual[n])), test, result);
            }
        }
        return result;
    }
    enum ir_type t = x->v9 && cc->xcc ? IR_I64 : IR_I32;
    ir_ref a = t == IR_I32 ? x_low32(x, cc->a) : cc->a;
    ir_ref o = t == IR_I32 ? x_low32(x, cc->b) : cc->b;
    ir_ref zero = ir_const(b, t, 0);
    ir_ref carry_in = cc->c;

    if (cc->kind == SPARC_CC_LOGIC) {
        switch (cond) {
        case C_E:
        case C_LEU: return compare(x, IR_EQ, invert, a, zero);
        case C_LE: return compare(x, IR_LES, invert, a, zero);
        case C_L:
        case C_NEG: return compare(x, IR_LTS, invert, a, zero);
        default: return x_i32(x, invert);
        }
    }
    if (cc->kind == SPARC_CC_SUB) {
        switch (cond) {
        case C_E: return compare(x, IR_EQ, invert, a, o);
        case C_LE: return compare(x, IR_LES, invert, a, o);
        case C_L: return compare(x, IR_LTS, invert, a, o);
        case C_LEU: return compare(x, IR_LEU, invert, a, o);
        case C_CS: return compare(x, IR_LTU, invert, a, o);
        case C_NEG: return compare(x, IR_LTS, invert, ir_bin(b, IR_SUB, a, o), zero);
        default: break;
        }
    }
    uint64_t k;
    uint64_t min = t == IR_I64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
    uint64_t mask = t == IR_I64 ? UINT64_MAX : UINT32_MAX;
    if (cc->kind == SPARC_CC_ADD && ir_is_const(b, o, &k) && (k & mask) != min && (k & mask) != 0) {
        ir_ref minus = ir_const(b, t, -k & mask); /* a + k against 0 is a against -k */
        switch (cond) {
        case C_E: return compare(x, IR_EQ, invert, a, minus);
        case C_LE: return compare(x, IR_LES, invert, a, minus);
        case C_L: return compare(x, IR_LTS, invert, a, minus);
        case C_CS: return compare(x, IR_GEU, invert, a, minus);
        default: break;
        }
    }
    ir_ref r;
    switch (cc->kind) {
    case SPARC_CC_ADD: r = ir_bin(b, IR_ADD, a, o); break;
    case SPARC_CC_SUB: r = ir_bin(b, IR_SUB, a, o); break;
    case SPARC_CC_ADDX: r = ir_op3(b, IR_ADC, t, 0, a, o, carry_in); break;
    default: r = ir_op3(b, IR_SBB, t, 0, a, o, carry_in); break;
    }
    if (cond == C_E)
        return compare(x, IR_EQ, invert, r, zero);
    if (cond == C_NEG)
        return compare(x, IR_LTS, invert, r, zero);
    bool add = cc->kind == SPARC_CC_ADD || cc->kind == SPARC_CC_ADDX;
    if (cond == C_CS || cond == C_LEU) {
        ir_ref carry = cc->kind == SPARC_CC_SUB
                           ? ir_icmp(b, IR_LTU, a, o)
                           : ir_op3(b, add ? IR_CARRY : IR_BORROW, IR_I32, t, a, o,
                                    cc->kind == SPARC_CC_ADD ? x_i32(x, 0) : carry_in);
        if (cond == C_LEU)
            carry = ir_bin(b, IR_OR, carry, ir_icmp(b, IR_EQ, r, zero));
        return invert_if(x, invert, carry);
    }
    /* the sign bit of `overflow` is V */
    ir_ref overflow = add ? ir_bin(b, IR_AND, ir_bin(b, IR_XOR, a, r), ir_bin(b, IR_XOR, o, r))
                          : ir_bin(b, IR_AND, ir_bin(b, IR_XOR, a, o), ir_bin(b, IR_XOR, a, r));
    if (cond == C_VS)
        return compare(x, IR_LTS, invert, overflow, zero);
    ir_ref sign = ir_bin(b, IR_XOR, r, overflow);
    if (cond == C_L)
        return compare(x, IR_LTS, invert, sign, zero);
    ir_ref le = ir_bin(b, IR_OR, ir_icmp(b, IR_LTS, sign, zero), ir_icmp(b, IR_EQ, r, zero));
    return invert_if(x, invert, le);
}
