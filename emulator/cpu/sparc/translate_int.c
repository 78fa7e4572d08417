/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Integer arithmetic and logic, multiply and divide, special registers (appendix B.10 to B.20, B.28, B.29).
 */
#include "emulator/cpu/sparc/internal.h"

#define CC    1u
#define CARRY 2u
#define TRAP  4u
#define MINUS 8u

static void put_cc(struct xlat *x, enum sparc_cc kind, ir_ref a, ir_ref o, ir_ref c)
{
    ir_put(x->b, SLOT_CC_KIND, x_i32(x, kind));
    ir_put(x->b, SLOT_CC_A, a);
    if (o)
        ir_put(x->b, SLOT_CC_B, o);
    if (c)
        ir_put(x->b, SLOT_CC_C, c);
}

void x_put_sub_cc(struct xlat *x, ir_ref a, ir_ref o)
{
    put_cc(x, SPARC_CC_SUB, a, o, IR_NONE);
}

void emit_sethi(struct xlat *x)
{
    x_put(x, field_rd(x->word), ir_const(x->b, x->T, x->word << 10));
}

void emit_unimp(struct xlat *x)
{
    x_raise(x, SPARC_TT_ILLEGAL);
}

void emit_cpop(struct xlat *x)
{
    x_raise(x, SPARC_TT_CP_DISABLED); /* no model has a coprocessor: PSR.EC stays 0 */
}

void emit_cpmem(struct xlat *x)
{
    x_raise(x, SPARC_TT_CP_DISABLED);
}

static void add_sub(struct xlat *x, bool subtract)
{
    struct ir_builder *b = x->b;
    unsigned aux = x->row->aux;
    ir_ref a = x_reg(x, field_rs1(x->word)), o = x_operand2(x), r, c = IR_NONE;
    if (aux & CARRY) {
        c = cc_carry(x);
        r = ir_op3(b, subtract ? IR_SBB : IR_ADC, x->T, 0, a, o, c);
    } else {
        r = ir_bin(b, subtract ? IR_SUB : IR_ADD, a, o);
    }
    if (aux & CC)
        put_cc(x, (subtract ? SPARC_CC_SUB : SPARC_CC_ADD) + (c ? 2 : 0), a, o, c);
    x_put(x, field_rd(x->word), r);
}

void emit_add(struct xlat *x)
{
    add_sub(x, false);
}

void emit_sub(struct xlat *x)
{
    add_sub(x, true);
}

void emit_logic(struct xlat *x)
{
    unsigned aux = x->row->aux;
    ir_ref a = x_reg(x, field_rs1(x->word)), o = x_operand2(x), r;
    enum ir_op op = aux & 0xff;
    if (aux >> 8 & 1) { /* with the complement of the second operand */
        uint64_t k;
        if (op == IR_AND && !ir_is_const(x->b, o, &k))
            r = ir_bin(x->b, IR_ANDN, a, o);
        else
            r = ir_bin(x->b, op, a, ir_op1(x->b, IR_NOT, x->T, 0, o));
    } else {
        r = ir_bin(x->b, op, a, o);
    }
    if (aux >> 16 & 1)
        put_cc(x, SPARC_CC_LOGIC, r, IR_NONE, IR_NONE);
    x_put(x, field_rd(x->word), r);
}

void emit_shift(struct xlat *x)
{
    struct ir_builder *b = x->b;
    enum ir_op op = x->row->aux;
    ir_ref a = x_reg(x, field_rs1(x->word)), r;
    bool wide = x->v9 && (x->word >> 12 & 1); /* SLLX, SRLX, SRAX */
    ir_ref count = field_i(x->word) ? x_i32(x, x->word & (wide ? 63 : 31))
                                    : x_low32(x, x_reg(x, field_rs2(x->word)));
    if (!x->v9) {
        r = ir_bin(b, op, a, count); /* counts are modulo 32 in both */
    } else if (wide) {
        r = ir_bin(b, op, a, ir_op1(b, IR_ZEXT, IR_I64, 32, count));
    } else if (op == IR_SHL) { /* shifts all 64 bits by 0..31 */
        count = ir_bin(b, IR_AND, count, x_i32(x, 31));
        r = ir_bin(b, op, a, ir_op1(b, IR_ZEXT, IR_I64, 32, count));
    } else {
        r = ir_bin(b, op, x_low32(x, a), count);
        r = op == IR_SAR ? x_from32s(x, r) : x_from32u(x, r);
    }
    x_put(x, field_rd(x->word), r);
}

/* ------------------------------------------------------------------------------------ multiply and divide */

static void multiply(struct xlat *x, enum ir_op extend)
{
    struct ir_builder *b = x->b;
    ir_ref a = x_low32(x, x_reg(x, field_rs1(x->word))), o = x_low32(x, x_operand2(x));
    ir_ref product = ir_bin(b, IR_MUL, ir_op1(b, extend, IR_I64, 32, a), ir_op1(b, extend, IR_I64, 32, o));
    ir_ref low = x->v9 ? product : ir_op1(b, IR_TRUNC, IR_I32, 0, product);
    ir_put(b, SLOT_Y,
           ir_op1(b, IR_TRUNC, IR_I32, 0, ir_bin(b, IR_SHR, product, ir_const(b, IR_I64, 32))));
    if (x->row->aux & CC)
        put_cc(x, SPARC_CC_LOGIC, low, IR_NONE, IR_NONE);
    x_put(x, field_rd(x->word), low);
}

void emit_umul(struct xlat *x)
{
    multiply(x, IR_ZEXT);
}

void emit_smul(struct xlat *x)
{
    multiply(x, IR_SEXT);
}

/* icc (and xcc) of a quotient: V tells of overflow. */
static void put_divide_cc(struct xlat *x, ir_ref quotient, ir_ref full, ir_ref overflow)
{
    struct ir_builder *b = x->b;
    ir_ref n = ir_bin(b, IR_SHL, ir_bin(b, IR_SHR, quotient, x_i32(x, 31)), x_i32(x, 3));
    ir_ref z = ir_bin(b, IR_SHL, ir_icmp(b, IR_EQ, quotient, x_i32(x, 0)), x_i32(x, 2));
    ir_ref v = ir_bin(b, IR_SHL, overflow, x_i32(x, 1));
    ir_ref packed = ir_bin(b, IR_OR, ir_bin(b, IR_OR, n, z), v);
    if (x->v9) {
        ir_ref zero = ir_const(b, IR_I64, 0);
        ir_ref xn = ir_bin(b, IR_SHL, ir_icmp(b, IR_LTS, full, zero), x_i32(x, 7));
        ir_ref xz = ir_bin(b, IR_SHL, ir_icmp(b, IR_EQ, full, zero), x_i32(x, 6));
        packed = ir_bin(b, IR_OR, packed, ir_bin(b, IR_OR, xn, xz));
    }
    put_cc(x, SPARC_CC_PACKED, x_from32u(x, packed), IR_NONE, IR_NONE);
}

/* B.19: the dividend is Y : rs1; a quotient that does not fit is replaced by the nearest one that does. */
static void divide(struct xlat *x, bool is_signed)
{
    struct ir_builder *b = x->b;
    ir_ref a = x_low32(x, x_reg(x, field_rs1(x->word))), o = x_low32(x, x_operand2(x));
    ir_ref y = ir_get(b, SLOT_Y), q, overflow;
    uint64_t k;
    if (!ir_is_const(b, o, &k) || !(uint32_t)k)
        ir_raise_if(b, ir_icmp(b, IR_EQ, o, x_i32(x, 0)), SPARC_TT_DIVISION_BY_ZERO, IR_NONE);
    if (!is_signed && ir_is_const(b, y, &k) && !(uint32_t)k) {
        q = ir_bin(b, IR_DIVU, a, o);
        overflow = x_i32(x, 0);
    } else if (is_signed && y == ir_bin(b, IR_SAR, a, x_i32(x, 31))) {
        overflow = ir_bin(b, IR_AND, ir_icmp(b, IR_EQ, a, x_i32(x, 0x80000000)),
                          ir_icmp(b, IR_EQ, o, x_i32(x, 0xffffffff)));
        q = ir_select(b, overflow, x_i32(x, 0x7fffffff), ir_bin(b, IR_DIVS, a, o));
    } else {
        ir_ref dividend = ir_bin(b, IR_OR, ir_op1(b, IR_ZEXT, IR_I64, 32, a),
                                 ir_bin(b, IR_SHL, ir_op1(b, IR_ZEXT, IR_I64, 32, y), ir_const(b, IR_I64, 32)));
        ir_ref divisor = ir_op1(b, is_signed ? IR_SEXT : IR_ZEXT, IR_I64, 32, o);
        ir_ref wide = ir_bin(b, is_signed ? IR_DIVS : IR_DIVU, dividend, divisor);
        ir_ref limit, low = ir_op1(b, IR_TRUNC, IR_I32, 0, wide);
        if (is_signed) {
            ir_ref sign = ir_bin(b, IR_SAR, ir_bin(b, IR_XOR, y, o), x_i32(x, 31));
            limit = ir_bin(b, IR_XOR, sign, x_i32(x, 0x7fffffff));
            overflow = ir_icmp(b, IR_NE, ir_op1(b, IR_SEXT, IR_I64, 32, low), wide);
            /* -2^63 / -1 stays -2^63 and never fits */
        } else {
            limit = x_i32(x, 0xffffffff);
            overflow = ir_icmp(b, IR_GTU, wide, ir_const(b, IR_I64, 0xffffffff));
        }
        q = ir_select(b, overflow, limit, low);
    }
    ir_ref full = is_signed ? x_from32s(x, q) : x_from32u(x, q);
    if (x->row->aux & CC)
        put_divide_cc(x, q, full, overflow);
    x_put(x, field_rd(x->word), full);
}

void emit_udiv(struct xlat *x)
{
    divide(x, false);
}

void emit_sdiv(struct xlat *x)
{
    divide(x, true);
}

void emit_mulscc(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref rs1 = x_low32(x, x_reg(x, field_rs1(x->word))), o = x_low32(x, x_operand2(x));
    ir_ref y = ir_get(b, SLOT_Y);
    struct cc_state cc = cc_capture(x, false);
    ir_ref less = cc_test(x, &cc, 3); /* N xor V */
    ir_ref a = ir_bin(b, IR_OR, ir_bin(b, IR_SHL, less, x_i32(x, 31)), ir_bin(b, IR_SHR, rs1, x_i32(x, 1)));
    ir_ref bit = ir_bin(b, IR_AND, y, x_i32(x, 1));
    ir_ref addend = ir_bin(b, IR_AND, o, ir_op1(b, IR_NEG, IR_I32, 0, bit));
    ir_put(b, SLOT_Y,
           ir_bin(b, IR_OR, ir_bin(b, IR_SHR, y, x_i32(x, 1)), ir_bin(b, IR_SHL, rs1, x_i32(x, 31))));
    ir_ref r = ir_bin(b, IR_ADD, a, addend);
    put_cc(x, SPARC_CC_ADD, x_from32u(x, a), x_from32u(x, addend), IR_NONE);
    x_put(x, field_rd(x->word), x_from32u(x, r));
}

/* ------------------------------------------------------------------------------------------------ tagged */

/* B.15: V is the overflow, or a tag bit that is not zero. */
static uint64_t tagged(uint32_t kind, uint64_t a, uint64_t b, bool wide)
{
    uint32_t codes = wide ? sparc_xcc_of(kind, a, b, 0) : sparc_icc_of(kind, (uint32_t)a, (uint32_t)b, 0);
    return codes | ((a | b) & 3 ? 2 : 0);
}

static uint64_t helper_tagged_add(struct jit_cpu *cpu, uint64_t a, uint64_t b)
{
    return tagged(SPARC_CC_ADD, a, b, true);
}
const struct ir_helper sparc_helper_tagged_add = {
    "sparc_tagged_add", helper_tagged_add, IR_HELPER_PURE, 2, IR_I32, {IR_I64, IR_I64},
};

static uint64_t helper_tagged_sub(struct jit_cpu *cpu, uint64_t a, uint64_t b)
{
    return tagged(SPARC_CC_SUB, a, b, true);
}
const struct ir_helper sparc_helper_tagged_sub = {
    "sparc_tagged_sub", helper_tagged_sub, IR_HELPER_PURE, 2, IR_I32, {IR_I64, IR_I64},
};

void emit_tagged(struct xlat *x)
{
    struct ir_builder *b = x->b;
    bool minus = x->row->aux & MINUS;
    ir_ref a = x_reg(x, field_rs1(x->word)), o = x_operand2(x);
    ir_ref arg[] = {x->v9 ? a : ir_op1(b, IR_ZEXT, IR_I64, 32, a), x->v9 ? o : ir_op1(b, IR_ZEXT, IR_I64, 32, o)};
    ir_ref codes = ir_call(b, minus ? &sparc_helper_tagged_sub : &sparc_helper_tagged_add, arg);
    if (!x->v9)
        codes = ir_bin(b, IR_AND, codes, x_i32(x, 15));
    if (x->row->aux & TRAP)
        ir_raise_if(b, ir_bin(b, IR_AND, codes, x_i32(x, 2)), SPARC_TT_TAG_OVERFLOW, IR_NONE);
    ir_ref r = ir_bin(b, minus ? IR_SUB : IR_ADD, a, o);
    put_cc(x, SPARC_CC_PACKED, x_from32u(x, codes), IR_NONE, IR_NONE);
    x_put(x, field_rd(x->word), r);
}

/* ------------------------------------------------------------------------------------- state registers */

#define OFFSET(field) offsetof(struct sparc_cpu, field)

/* RDY, STBAR and RDASR. The microSPARCs answer every RDASR with Y. V9: CCR 2, ASI 3, TICK 4, PC 5, FPRS 6,
 * GSR 19. */
static uint64_t helper_rdasr(struct jit_cpu *cpu, uint32_t number)
{
    return jit_icount(cpu); /* %tick: one per instruction */
}
const struct ir_helper sparc_helper_rdasr = {"sparc_rdasr", helper_rdasr, 0, 1, IR_I64, {IR_I32}};

void emit_rdy(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned rs1 = field_rs1(x->word), rd = field_rd(x->word);
    if (rs1 == 15 && rd == 0) {
        ir_fence(b);
        return;
    }
    if (x->v9 && rs1) {
        ir_ref value;
        switch (rs1) {
        case 2: value = x_from32u(x, cc_pack(x)); break;
        case 3: value = ir_ldstate(b, IR_I64, 2, OFFSET(asi)); break;
        case 4: {
            ir_ref arg[] = {x_i32(x, rs1)};
            value = ir_call(b, &sparc_helper_rdasr, arg);
            break;
        }
        case 5: value = ir_const(b, IR_I64, x->pc); break;
        case 6: value = ir_const(b, IR_I64, 7); break; /* FPRS: FEF, DU, DL */
        case 19: value = ir_ldstate(b, IR_I64, 2, OFFSET(gsr)); break;
        default: x_raise(x, SPARC_TT_ILLEGAL); return;
        }
        x_put(x, rd, value);
        return;
    }
    x_put(x, rd, x_from32u(x, ir_get(b, SLOT_Y)));
}

static ir_ref written(struct xlat *x)
{
    return ir_bin(x->b, IR_XOR, x_reg(x, field_rs1(x->word)), x_operand2(x));
}

void emit_wry(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned rd = field_rd(x->word);
    ir_ref value = written(x);
    if (!rd) {
        ir_put(b, SLOT_Y, x_low32(x, value));
        return;
    }
    if (!x->v9)
        return; /* the microSPARCs ignore WRASR */
    switch (rd) {
    case 2:
        put_cc(x, SPARC_CC_PACKED, ir_bin(b, IR_AND, value, x_const(x, 0xff)), IR_NONE, IR_NONE);
        break;
    case 3: ir_ststate(b, 2, OFFSET(asi), ir_bin(b, IR_AND, x_low32(x, value), x_i32(x, 0xff))); break;
    case 6: break; /* FPRS: the FPU stays on */
    case 19: ir_ststate(b, 2, OFFSET(gsr), x_low32(x, value)); break;
    default: x_raise(x, SPARC_TT_ILLEGAL); break;
    }
}

void emit_rdpsr(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref psr = ir_ldstate(b, IR_I32, 2, OFFSET(psr));
    psr = ir_bin(b, IR_OR, psr, ir_get(b, SLOT_CWP));
    psr = ir_bin(b, IR_OR, psr, ir_bin(b, IR_SHL, cc_pack(x), x_i32(x, 20)));
    x_put(x, field_rd(x->word), psr);
}

void emit_rdwim(struct xlat *x)
{
    x_put(x, field_rd(x->word), ir_get(x->b, SLOT_WIM));
}

void emit_rdtbr(struct xlat *x)
{
    x_put(x, field_rd(x->word), ir_ldstate(x->b, IR_I32, 2, OFFSET(tbr)));
}

/* 0: go on; 1: mode, context or the chance of an interrupt changed; 2: illegal_instruction. */
static uint64_t helper_wrpsr(struct jit_cpu *jit, uint32_t value)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    if ((value & SPARC_PSR_CWP) >= sparc_nwin(cpu))
        return 2;
    uint32_t old = cpu->psr;
    sparc_set_psr(cpu, value);
    uint32_t changed = old ^ cpu->psr;
    bool enabled = (cpu->psr & SPARC_PSR_ET) && cpu->irl > 0;
    return (changed & (SPARC_PSR_S | SPARC_PSR_EF)) || ((changed & (SPARC_PSR_ET | SPARC_PSR_PIL)) && enabled);
}
const struct ir_helper sparc_helper_wrpsr = {
    "sparc_wrpsr", helper_wrpsr, IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_BANK, 1, IR_I32, {IR_I32},
};

void emit_wrpsr(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref arg[] = {written(x)};
    ir_ref result = ir_call(b, &sparc_helper_wrpsr, arg);
    ir_raise_if(b, ir_icmp(b, IR_EQ, result, x_i32(x, 2)), SPARC_TT_ILLEGAL, IR_NONE);
    x_dispatch_if(x, result);
}

void emit_wrwim(struct xlat *x)
{
    uint32_t mask = x->windows == 32 ? UINT32_MAX : (1u << x->windows) - 1;
    ir_put(x->b, SLOT_WIM, ir_bin(x->b, IR_AND, written(x), x_i32(x, mask)));
}

void emit_wrtbr(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref old = ir_bin(b, IR_AND, ir_ldstate(b, IR_I32, 2, OFFSET(tbr)), x_i32(x, 0xff0));
    ir_ref base = ir_bin(b, IR_AND, written(x), x_i32(x, 0xfffff000));
    ir_ststate(b, 2, OFFSET(tbr), ir_bin(b, IR_OR, base, old));
}

/* ------------------------------------------------------------------------------------------- V9 subset */

void emit_mulx(struct xlat *x)
{
    x_put(x, field_rd(x->word), ir_bin(x->b, IR_MUL, x_reg(x, field_rs1(x->word)), x_operand2(x)));
}

void emit_divx(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref a = x_reg(x, field_rs1(x->word)), o = x_operand2(x);
    ir_raise_if(b, ir_icmp(b, IR_EQ, o, x_const(x, 0)), SPARC_TT_DIVISION_BY_ZERO, IR_NONE);
    x_put(x, field_rd(x->word), ir_bin(b, x->row->aux ? IR_DIVS : IR_DIVU, a, o));
}

void emit_popc(struct xlat *x)
{
    x_put(x, field_rd(x->word), ir_op1(x->b, IR_POPCNT, IR_I64, 0, x_operand2(x)));
}

/* Register conditions (V9 table 33): 1 z, 2 lez, 3 lz, 5 nz, 6 gz, 7 gez; 0 and 4 are reserved. */
static ir_ref register_test(struct xlat *x, unsigned rcond)
{
    static const uint8_t cond[8] = {IR_EQ, IR_EQ, IR_LES, IR_LTS, IR_NE, IR_NE, IR_GTS, IR_GES};
    return ir_icmp(x->b, cond[rcond], x_reg(x, field_rs1(x->word)), x_const(x, 0));
}

void emit_movr(struct xlat *x)
{
    unsigned rd = field_rd(x->word), rcond = x->word >> 10 & 7;
    if (!(rcond & 3)) {
        x_raise(x, SPARC_TT_ILLEGAL);
        return;
    }
    ir_ref value = field_i(x->word) ? x_const(x, (int32_t)(x->word << 22) >> 22) : x_reg(x, field_rs2(x->word));
    x_put(x, rd, ir_select(x->b, register_test(x, rcond), value, x_reg(x, rd)));
}

void emit_movcc(struct xlat *x)
{
    unsigned rd = field_rd(x->word), cond = field_rs1(x->word) & 15;
    ir_ref value = field_i(x->word) ? x_const(x, (int32_t)(x->word << 21) >> 21) : x_reg(x, field_rs2(x->word));
    ir_ref test;
    if (x->word >> 18 & 1) { /* icc or xcc */
        if (x->word >> 11 & 1) {
            x_raise(x, SPARC_TT_ILLEGAL);
            return;
        }
        struct cc_state cc = cc_capture(x, x->word >> 12 & 1);
        test = cc_test(x, &cc, cond);
    } else {
        test = fcc_test(x, x->word >> 11 & 3, cond);
    }
    x_put(x, rd, ir_select(x->b, test, value, x_reg(x, rd)));
}

struct bpr_state {
    ir_ref value;
    unsigned rcond;
};

static ir_ref bpr_test(struct xlat *x, const void *state)
{
    static const uint8_t cond[8] = {IR_EQ, IR_EQ, IR_LES, IR_LTS, IR_NE, IR_NE, IR_GTS, IR_GES};
    const struct bpr_state *s = state;
    return ir_icmp(x->b, cond[s->rcond], s->value, x_const(x, 0));
}

void emit_bpr(struct xlat *x)
{
    unsigned rcond = x->word >> 25 & 7;
    if (!(rcond & 3) || (x->word >> 28 & 1)) {
        x_raise(x, SPARC_TT_ILLEGAL);
        return;
    }
    struct bpr_state state = {x_reg(x, field_rs1(x->word)), rcond};
    x_branch(x, x->pc + (uint32_t)field_disp16(x->word), field_a(x->word), bpr_test, &state);
}
