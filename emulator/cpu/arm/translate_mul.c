/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Multiplies, saturating arithmetic and SIMD on core registers (0406C A4.4.3 to A4.4.8; A5.2.5, A5.2.7, A5.4).
 */
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"

static ir_ref bin(struct xlat *x, enum ir_op op, ir_ref a, ir_ref b)
{
    return ir_bin(x->b, op, a, b);
}

static ir_ref i64(struct xlat *x, uint64_t k)
{
    return ir_const(x->b, IR_I64, k);
}

/* ------------------------------------------------------------------------------------------- saturation */

static void note_q(struct xlat *x, ir_ref saturated) /* I32 0/1 */
{
    ax_put_slot(x, SLOT_Q, bin(x, IR_OR, ir_get(x->b, SLOT_Q), saturated));
}

/* An I64 that may not fit as a signed word: does it not? */
static ir_ref overflows(struct xlat *x, ir_ref wide)
{
    return ir_icmp(x->b, IR_NE, ax_wide(x, ax_low(x, wide), true), wide);
}

static ir_ref saturate(struct xlat *x, ir_ref wide, ir_ref *saturated)
{
    *saturated = overflows(x, wide);
    ir_ref limit = bin(x, IR_XOR, bin(x, IR_SAR, ax_high(x, wide), ax_i32(x, 31)), ax_i32(x, 0x7fffffff));
    return ir_select(x->b, *saturated, limit, ax_low(x, wide));
}

static ir_ref clamp(struct xlat *x, ir_ref v, int32_t low, int32_t high)
{
    ir_ref lowest = ax_i32(x, (uint32_t)low), highest = ax_i32(x, (uint32_t)high);
    v = ir_select(x->b, ir_icmp(x->b, IR_LTS, v, lowest), lowest, v);
    return ir_select(x->b, ir_icmp(x->b, IR_GTS, v, highest), highest, v);
}

void emit_saturating(struct xlat *x) /* QADD, QSUB, QDADD, QDSUB */
{
    ir_ref a = ax_wide(x, ax_reg(x, x->rm), true), b = ax_wide(x, ax_reg(x, x->rn), true), q, q2;
    bool doubles = x->row->aux & SATURATE_DOUBLE;
    if (doubles)
        b = ax_wide(x, saturate(x, bin(x, IR_ADD, b, b), &q2), true);
    ir_ref r = saturate(x, bin(x, x->row->aux & SATURATE_SUB ? IR_SUB : IR_ADD, a, b), &q);
    note_q(x, doubles ? bin(x, IR_OR, q, q2) : q);
    ax_put(x, x->rd, r);
}

static ir_ref saturated_to(struct xlat *x, ir_ref v, bool is_signed, unsigned bits) /* SSAT's and USAT's field */
{
    if (is_signed)
        return clamp(x, v, (int32_t)(UINT32_MAX << bits), (int32_t)~(UINT32_MAX << bits));
    return clamp(x, v, 0, (int32_t)((1u << bits) - 1));
}

void emit_sat(struct xlat *x) /* aux: signed */
{
    ir_ref carry, v, r;
    bool asr = x->thumb ? ax_bit(x, 21) : ax_bit(x, 6);
    unsigned imm5 = x->thumb ? ax_bits(x, 12, 3) << 2 | ax_bits(x, 6, 2) : ax_bits(x, 7, 5);
    unsigned bits = x->thumb ? ax_bits(x, 0, 5) : ax_bits(x, 16, 5);
    v = ax_shift_imm(x, ax_reg(x, x->thumb ? x->rn : x->rm), asr ? SHIFT_ASR : SHIFT_LSL, imm5, &carry);
    r = saturated_to(x, v, x->row->aux, bits);
    note_q(x, ir_icmp(x->b, IR_NE, r, v));
    ax_put(x, x->rd, r);
}

void emit_sat16(struct xlat *x)
{
    unsigned bits = x->thumb ? ax_bits(x, 0, 4) : ax_bits(x, 16, 4);
    ir_ref v = ax_reg(x, x->thumb ? x->rn : x->rm), low = ax_sext(x, v, 16), high = bin(x, IR_SAR, v, ax_i32(x, 16));
    ir_ref l = saturated_to(x, low, x->row->aux, bits), h = saturated_to(x, high, x->row->aux, bits);
    note_q(x, bin(x, IR_OR, ir_icmp(x->b, IR_NE, l, low), ir_icmp(x->b, IR_NE, h, high)));
    ax_put(x, x->rd, bin(x, IR_OR, bin(x, IR_SHL, h, ax_i32(x, 16)), ax_and(x, l, 0xffff)));
}

/* ------------------------------------------------------------------------------------------- multiplies */

void emit_mul(struct xlat *x) /* aux: MLA */
{
    ir_ref r = bin(x, IR_MUL, ax_reg(x, x->rn), ax_reg(x, x->rm));
    if (x->row->aux)
        r = bin(x, IR_ADD, r, ax_reg(x, x->ra));
    if (!x->thumb && ax_bit(x, 20))
        flags_set_nz(x, r);
    ax_put(x, x->rd, r);
}

void emit_mls(struct xlat *x)
{
    ax_put(x, x->rd, bin(x, IR_SUB, ax_reg(x, x->ra), bin(x, IR_MUL, ax_reg(x, x->rn), ax_reg(x, x->rm))));
}

static void put_long(struct xlat *x, ir_ref v) /* rd is the upper register, ra the lower one */
{
    ax_put(x, x->ra, ax_low(x, v));
    ax_put(x, x->rd, ax_high(x, v));
}

void emit_long(struct xlat *x)
{
    unsigned how = x->row->aux;
    bool s = how & LONG_SIGNED;
    ir_ref v = bin(x, IR_MUL, ax_wide(x, ax_reg(x, x->rn), s), ax_wide(x, ax_reg(x, x->rm), s));
    if (how & LONG_ADD)
        v = bin(x, IR_ADD, v, ax_pair(x, ax_reg(x, x->ra), ax_reg(x, x->rd)));
    if (how & LONG_ADD_TWICE)
        v = bin(x, IR_ADD, bin(x, IR_ADD, v, ax_wide(x, ax_reg(x, x->ra), false)), ax_wide(x, ax_reg(x, x->rd), false));
    if (!x->thumb && ax_bit(x, 20) && !(how & LONG_ADD_TWICE))
        flags_set_nz(x, bin(x, IR_OR, ax_high(x, v), ir_icmp(x->b, IR_NE, ax_low(x, v), ax_i32(x, 0))));
    put_long(x, v);
}

static ir_ref half(struct xlat *x, unsigned r, bool top)
{
    return top ? bin(x, IR_SAR, ax_reg(x, r), ax_i32(x, 16)) : ax_sext(x, ax_reg(x, r), 16);
}

static bool swap_bit(const struct xlat *x) /* M of dual multiplies, R of SMMUL */
{
    return x->thumb ? ax_bit(x, 4) : ax_bit(x, 5);
}

static ir_ref half_product(struct xlat *x)
{
    return bin(x, IR_MUL, half(x, x->rn, ax_bit(x, 5)), half(x, x->rm, x->thumb ? ax_bit(x, 4) : ax_bit(x, 6)));
}

/* + ra, and Q tells when that overflows */
static void accumulate(struct xlat *x, ir_ref wide)
{
    wide = bin(x, IR_ADD, wide, ax_wide(x, ax_reg(x, x->ra), true));
    note_q(x, overflows(x, wide));
    ax_put(x, x->rd, ax_low(x, wide));
}

void emit_half_mul(struct xlat *x) /* aux: SMLAxy */
{
    ir_ref r = half_product(x);
    if (x->row->aux)
        accumulate(x, ax_wide(x, r, true));
    else
        ax_put(x, x->rd, r);
}

void emit_word_half(struct xlat *x) /* aux: SMLAWy */
{
    ir_ref m = ax_wide(x, half(x, x->rm, x->thumb ? ax_bit(x, 4) : ax_bit(x, 6)), true);
    ir_ref r = bin(x, IR_SAR, bin(x, IR_MUL, ax_wide(x, ax_reg(x, x->rn), true), m), i64(x, 16));
    if (x->row->aux)
        accumulate(x, r);
    else
        ax_put(x, x->rd, ax_low(x, r));
}

void emit_half_long(struct xlat *x)
{
    ir_ref acc = ax_pair(x, ax_reg(x, x->ra), ax_reg(x, x->rd));
    put_long(x, bin(x, IR_ADD, acc, ax_wide(x, half_product(x), true)));
}

/* Both products of halves, added or subtracted: I64. */
static ir_ref dual_product(struct xlat *x)
{
    bool swap = swap_bit(x);
    ir_ref p = bin(x, IR_MUL, half(x, x->rn, false), half(x, x->rm, swap));
    ir_ref q = bin(x, IR_MUL, half(x, x->rn, true), half(x, x->rm, !swap));
    return bin(x, x->row->aux ? IR_SUB : IR_ADD, ax_wide(x, p, true), ax_wide(x, q, true));
}

void emit_dual_mul(struct xlat *x) /* SMUAD, SMUSD, SMLAD, SMLSD */
{
    ir_ref v = dual_product(x);
    if (x->ra != 15) {
        accumulate(x, v);
        return;
    }
    if (!x->row->aux)
        note_q(x, overflows(x, v));
    ax_put(x, x->rd, ax_low(x, v));
}

void emit_dual_long(struct xlat *x)
{
    put_long(x, bin(x, IR_ADD, ax_pair(x, ax_reg(x, x->ra), ax_reg(x, x->rd)), dual_product(x)));
}

void emit_most_mul(struct xlat *x) /* SMMUL, SMMLA, SMMLS; aux: subtract */
{
    ir_ref v = bin(x, IR_MUL, ax_wide(x, ax_reg(x, x->rn), true), ax_wide(x, ax_reg(x, x->rm), true));
    if (x->ra != 15 || x->row->aux) {
        ir_ref acc = ax_pair(x, ax_i32(x, 0), ax_reg(x, x->ra));
        v = bin(x, x->row->aux ? IR_SUB : IR_ADD, acc, v);
    }
    if (swap_bit(x))
        v = bin(x, IR_ADD, v, i64(x, 0x80000000));
    ax_put(x, x->rd, ax_high(x, v));
}

void emit_divide(struct xlat *x) /* aux: signed. By 0: 0 (A4.4.8) */
{
    ax_put(x, x->rd, bin(x, x->row->aux ? IR_DIVS : IR_DIVU, ax_reg(x, x->rn), ax_reg(x, x->rm)));
}

/* ------------------------------------------------------------------------------------------- parallel */

/* Modulo arithmetic on four bytes at once; the GE bits are carries, or signs of the exact results. */
static ir_ref bytes(struct xlat *x, bool subtract, bool is_signed, ir_ref a, ir_ref b)
{
    struct ir_builder *ib = x->b;
    ir_ref top = ax_i32(x, 0x80808080), a7, b7 = ax_and(x, b, 0x7f7f7f7f), r, ge, differ = bin(x, IR_XOR, a, b);
    if (subtract) {
        a7 = bin(x, IR_OR, a, top);
        r = bin(x, IR_XOR, bin(x, IR_SUB, a7, b7), ax_and(x, ir_op1(ib, IR_NOT, IR_I32, 0, differ), 0x80808080));
    } else {
        a7 = ax_and(x, a, 0x7f7f7f7f);
        r = bin(x, IR_XOR, bin(x, IR_ADD, a7, b7), ax_and(x, differ, 0x80808080));
    }
    if (is_signed) { /* the exact sign: that of the result, or the other one where that overflowed */
        ir_ref over = bin(x, IR_XOR, a, r);
        over = subtract ? bin(x, IR_AND, over, differ) : bin(x, IR_ANDN, over, differ);
        ge = ir_op1(ib, IR_NOT, IR_I32, 0, bin(x, IR_XOR, r, over));
    } else if (subtract) { /* no borrow */
        ge = bin(x, IR_OR, bin(x, IR_ANDN, a, b), bin(x, IR_ANDN, bin(x, IR_OR, a, ir_op1(ib, IR_NOT, IR_I32, 0, b)), r));
    } else {
        ge = bin(x, IR_OR, bin(x, IR_AND, a, b), bin(x, IR_ANDN, bin(x, IR_OR, a, b), r));
    }
    ge = ax_and(x, bin(x, IR_SHR, ge, ax_i32(x, 7)), 0x01010101);
    ax_put_slot(x, SLOT_GE, bin(x, IR_MUL, ge, ax_i32(x, 0xff)));
    return r;
}

/* One lane's exact result made what the instruction wants of it. */
static ir_ref lane_result(struct xlat *x, unsigned kind, unsigned bits, ir_ref v)
{
    int32_t high = (int32_t)((1u << bits) - 1);
    switch (kind) {
    case PAR_SAT_SIGNED: return clamp(x, v, -(high >> 1) - 1, high >> 1);
    case PAR_SAT_UNSIGNED: return clamp(x, v, 0, high);
    case PAR_HALVING_SIGNED:
    case PAR_HALVING_UNSIGNED: return bin(x, IR_SAR, v, ax_i32(x, 1));
    default: return v;
    }
}

static ir_ref lane(struct xlat *x, ir_ref v, bool is_signed, unsigned at, unsigned bits)
{
    ir_ref field = ax_extract(x, v, at, bits);
    return is_signed ? ax_sext(x, field, bits) : field;
}

static ir_ref lanes(struct xlat *x, unsigned op, unsigned kind, ir_ref a, ir_ref b)
{
    struct ir_builder *ib = x->b;
    unsigned n = op >= PAR_ADD8 ? 4 : 2, bits = 32 / n;
    bool is_signed = kind == PAR_SIGNED || kind == PAR_SAT_SIGNED || kind == PAR_HALVING_SIGNED;
    bool sets_ge = kind == PAR_SIGNED || kind == PAR_UNSIGNED, cross = op == PAR_ASX || op == PAR_SAX;
    ir_ref result = ax_i32(x, 0), ge = ax_i32(x, 0);
    for (unsigned k = 0; k < n; k++) {
        bool subtract = op == PAR_SUB16 || op == PAR_SUB8 || (op == PAR_ASX && k == 0) || (op == PAR_SAX && k == 1);
        ir_ref p = lane(x, a, is_signed, k * bits, bits), q = lane(x, b, is_signed, (cross ? 1 - k : k) * bits, bits);
        ir_ref v = bin(x, subtract ? IR_SUB : IR_ADD, p, q);
        if (sets_ge) {
            ir_ref yes = is_signed || subtract ? ir_icmp(ib, IR_GES, v, ax_i32(x, 0))
                                               : ir_icmp(ib, IR_GES, v, ax_i32(x, 1u << bits));
            ge = bin(x, IR_OR, ge, bin(x, IR_MUL, yes, ax_i32(x, ((1u << bits) - 1) << (k * bits))));
        }
        v = ax_and(x, lane_result(x, kind, bits, v), (1u << bits) - 1);
        result = bin(x, IR_OR, result, bin(x, IR_SHL, v, ax_i32(x, k * bits)));
    }
    if (sets_ge)
        ax_put_slot(x, SLOT_GE, ge);
    return result;
}

void emit_parallel(struct xlat *x)
{
    unsigned op = x->row->aux & PAR_OP, kind = x->row->aux & PAR_KIND;
    ir_ref a = ax_reg(x, x->rn), b = ax_reg(x, x->rm);
    if (op >= PAR_ADD8 && (kind == PAR_SIGNED || kind == PAR_UNSIGNED))
        ax_put(x, x->rd, bytes(x, op == PAR_SUB8, kind == PAR_SIGNED, a, b));
    else
        ax_put(x, x->rd, lanes(x, op, kind, a, b));
}

void emit_sel(struct xlat *x)
{
    ir_ref ge = ir_get(x->b, SLOT_GE);
    ir_ref yes = bin(x, IR_AND, ax_reg(x, x->rn), ge), no = bin(x, IR_ANDN, ax_reg(x, x->rm), ge);
    ax_put(x, x->rd, bin(x, IR_OR, yes, no));
}

void emit_usad8(struct xlat *x) /* USADA8 where ra is not 15 */
{
    ir_ref a = ax_reg(x, x->rn), b = ax_reg(x, x->rm), sum = x->ra == 15 ? ax_i32(x, 0) : ax_reg(x, x->ra);
    for (unsigned k = 0; k < 4; k++) {
        ir_ref d = bin(x, IR_SUB, lane(x, a, false, k * 8, 8), lane(x, b, false, k * 8, 8));
        ir_ref sign = bin(x, IR_SAR, d, ax_i32(x, 31));
        sum = bin(x, IR_ADD, sum, bin(x, IR_SUB, bin(x, IR_XOR, d, sign), sign));
    }
    ax_put(x, x->rd, sum);
}
