/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Floating-point operate instructions on host floating point (appendix B.33).  The rounding mode and the sticky
 * flags live in MXCSR; cexc is made from the operands, kept here, when the FSR is read.  While traps are enabled
 * (SPARC_MODE_FP_TRAPS) every instruction goes through fpu.c instead.
 */
#include "emulator/cpu/sparc/internal.h"

unsigned x_double_slot(struct xlat *x, unsigned r)
{
    return SLOT_F0 + (r >> 1) + (x->v9 && (r & 1) ? 16 : 0);
}

static unsigned single_slot(unsigned r)
{
    return SLOT_F0 + r / 2;
}

/* The even register of a pair is its upper half. */
static uint16_t lane(unsigned r)
{
    return r & 1 ? 0 : 1;
}

ir_ref x_get_single(struct xlat *x, unsigned r)
{
    return ir_op1(x->b, IR_FLANE, IR_F32, lane(r), ir_get(x->b, single_slot(r)));
}

void x_put_single(struct xlat *x, unsigned r, ir_ref value)
{
    unsigned slot = single_slot(r);
    ir_put(x->b, slot, ir_op2(x->b, IR_FSETLANE, IR_F64, lane(r), ir_get(x->b, slot), value));
}

ir_ref x_get_double(struct xlat *x, unsigned r)
{
    return ir_get(x->b, x_double_slot(x, r));
}

void x_put_double(struct xlat *x, unsigned r, ir_ref value)
{
    ir_put(x->b, x_double_slot(x, r), value);
}

/* Notes the operands for cexc: the pairs that hold them, and which halves. */
static void note(struct xlat *x, ir_ref a, ir_ref o)
{
    uint32_t w = x->word;
    uint32_t kind = SPARC_FPOP_VALID | field_opf(w) | (field_op3(w) == 0x35 ? SPARC_FPOP_COMPARE : 0) |
                    (lane(field_rs1(w)) ? SPARC_FPOP_HIGH1 : 0) | (lane(field_rs2(w)) ? SPARC_FPOP_HIGH2 : 0);
    ir_put(x->b, SLOT_FPOP_KIND, x_i32(x, kind));
    if (a)
        ir_put(x->b, SLOT_FPOP_A, a);
    if (o)
        ir_put(x->b, SLOT_FPOP_B, o);
}

/* aux bit 2: double; low bits 0 move, 1 negate, 2 absolute value.  None of them raises anything. */
void emit_fmov(struct xlat *x)
{
    unsigned aux = x->row->aux, rs2 = field_rs2(x->word), rd = field_rd(x->word);
    bool wide = aux & 4;
    ir_ref v = wide ? x_get_double(x, rs2) : x_get_single(x, rs2);
    enum ir_type t = wide ? IR_F64 : IR_F32;
    if ((aux & 3) == 1)
        v = ir_op1(x->b, IR_FNEG, t, 0, v);
    else if ((aux & 3) == 2)
        v = ir_op1(x->b, IR_FABS, t, 0, v);
    note(x, IR_NONE, IR_NONE);
    if (wide)
        x_put_double(x, rd, v);
    else
        x_put_single(x, rd, v);
}

void emit_farith(struct xlat *x)
{
    unsigned rs1 = field_rs1(x->word), rs2 = field_rs2(x->word), rd = field_rd(x->word);
    enum ir_op op = x->row->aux & 0xff;
    if (x->row->aux & 0x100) {
        ir_ref a = x_get_double(x, rs1), o = x_get_double(x, rs2);
        note(x, a, o);
        x_put_double(x, rd, ir_op2(x->b, op, IR_F64, 0, a, o));
    } else {
        ir_ref a = x_get_single(x, rs1), o = x_get_single(x, rs2);
        note(x, ir_get(x->b, single_slot(rs1)), ir_get(x->b, single_slot(rs2)));
        x_put_single(x, rd, ir_op2(x->b, op, IR_F32, 0, a, o));
    }
}

void emit_fsqrt(struct xlat *x)
{
    unsigned rs2 = field_rs2(x->word), rd = field_rd(x->word);
    if (x->row->aux) {
        ir_ref o = x_get_double(x, rs2);
        note(x, IR_NONE, o);
        x_put_double(x, rd, ir_op1(x->b, IR_FSQRT, IR_F64, 0, o));
    } else {
        ir_ref o = x_get_single(x, rs2);
        note(x, IR_NONE, ir_get(x->b, single_slot(rs2)));
        x_put_single(x, rd, ir_op1(x->b, IR_FSQRT, IR_F32, 0, o));
    }
}

void emit_fsmuld(struct xlat *x)
{
    unsigned rs1 = field_rs1(x->word), rs2 = field_rs2(x->word);
    ir_ref a = ir_op1(x->b, IR_FCVT, IR_F64, IR_F32, x_get_single(x, rs1));
    ir_ref o = ir_op1(x->b, IR_FCVT, IR_F64, IR_F32, x_get_single(x, rs2));
    note(x, ir_get(x->b, single_slot(rs1)), ir_get(x->b, single_slot(rs2)));
    x_put_double(x, field_rd(x->word), ir_op2(x->b, IR_FMUL, IR_F64, 0, a, o));
}

void emit_fconv(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned rs2 = field_rs2(x->word), rd = field_rd(x->word), opf = field_opf(x->word);
    bool from_double = opf == 0xc6 || opf == 0xd2 || (opf >= 0x82 && opf <= 0x88);
    ir_ref v = from_double ? x_get_double(x, rs2) : x_get_single(x, rs2);
    note(x, IR_NONE, from_double ? v : ir_get(b, single_slot(rs2)));
    switch (opf) {
    case 0xc4: /* fitos */
        x_put_single(x, rd, ir_op1(b, IR_ITOF, IR_F32, IR_I32, ir_op1(b, IR_BITCAST, IR_I32, 0, v)));
        break;
    case 0xc8: /* fitod */
        x_put_double(x, rd, ir_op1(b, IR_ITOF, IR_F64, IR_I32, ir_op1(b, IR_BITCAST, IR_I32, 0, v)));
        break;
    case 0xc6: /* fdtos */ x_put_single(x, rd, ir_op1(b, IR_FCVT, IR_F32, IR_F64, v)); break;
    case 0xc9: /* fstod */ x_put_double(x, rd, ir_op1(b, IR_FCVT, IR_F64, IR_F32, v)); break;
    case 0xd1: /* fstoi */
    case 0xd2: /* fdtoi */
        v = ir_op1(b, IR_FTOI, IR_I32, from_double ? IR_F64 : IR_F32, v);
        x_put_single(x, rd, ir_op1(b, IR_BITCAST, IR_F32, 0, v));
        break;
    case 0x81: /* fstox */
    case 0x82: /* fdtox */
        v = ir_op1(b, IR_FTOI, IR_I64, from_double ? IR_F64 : IR_F32, v);
        x_put_double(x, rd, ir_op1(b, IR_BITCAST, IR_F64, 0, v));
        break;
    case 0x84: /* fxtos */
        x_put_single(x, rd, ir_op1(b, IR_ITOF, IR_F32, IR_I64, ir_op1(b, IR_BITCAST, IR_I64, 0, v)));
        break;
    default: /* fxtod */
        x_put_double(x, rd, ir_op1(b, IR_ITOF, IR_F64, IR_I64, ir_op1(b, IR_BITCAST, IR_I64, 0, v)));
        break;
    }
}

/* Singles compare as doubles, which is exact.  The compare itself, which may raise invalid, happens when a branch
 * asks; one that no branch has asked for is settled before the next. V9's further condition fields are made at
 * once. */
void emit_fcmp(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned rs1 = field_rs1(x->word), rs2 = field_rs2(x->word), aux = x->row->aux;
    unsigned fcc = x->v9 ? field_rd(x->word) & 3 : 0;
    ir_ref a, o;
    if (aux & 1) {
        a = x_get_double(x, rs1);
        o = x_get_double(x, rs2);
        note(x, a, o);
    } else {
        a = ir_op1(b, IR_FCVT, IR_F64, IR_F32, x_get_single(x, rs1));
        o = ir_op1(b, IR_FCVT, IR_F64, IR_F32, x_get_single(x, rs2));
        note(x, ir_get(b, single_slot(rs1)), ir_get(b, single_slot(rs2)));
    }
    if (!fcc) {
        ir_ref kind = ir_get(b, SLOT_FCMP_KIND);
        uint64_t k;
        if (!ir_is_const(b, kind, &k) || k) {
            ir_ref arg[] = {kind, ir_get(b, SLOT_FCC_A), ir_get(b, SLOT_FCC_B)};
            ir_call_if(b, kind, &sparc_helper_fcmp_settle, arg);
        }
        ir_put(b, SLOT_FCMP_KIND, x_i32(x, aux & 2 ? FCMP_SIGNALLING : FCMP_QUIET));
        ir_put(b, SLOT_FCC_A, a);
        ir_put(b, SLOT_FCC_B, o);
        return;
    }
    ir_ref relation = ir_op2(b, IR_FREL, IR_I32, (uint16_t)((aux & 2 ? IR_FSIGNAL : 0) | IR_F64 << 8), a, o);
    uint32_t offset = offsetof(struct sparc_cpu, fcc_more);
    ir_ref more = ir_ldstate(b, IR_I32, 2, offset);
    more = ir_op2(b, IR_INSERT, IR_I32, (uint16_t)((fcc - 1) * 2 | 2 << 8), more, relation);
    ir_ststate(b, 2, offset, more);
}

/* Everything that is not done in line: the exact path. */
void emit_fquad(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref arg[] = {x_i32(x, x->word), x_i32(x, x->pc)};
    ir_ref result = ir_call(b, &sparc_helper_fpop_exact, arg);
    x_trap_if_result(x, ir_bin(b, IR_AND, result, x_i32(x, 0xffff)));
    if (!(x->i->mode & SPARC_MODE_FP_TRAPS))
        x_dispatch_if(x, ir_bin(b, IR_SHR, result, x_i32(x, 16)));
}

/* --------------------------------------------------------------------------------------- V9: on condition */

static void move_if(struct xlat *x, ir_ref test)
{
    unsigned size = x->row->aux, rs2 = field_rs2(x->word), rd = field_rd(x->word);
    ir_put(x->b, SLOT_FPOP_KIND, x_i32(x, SPARC_FPOP_VALID | 0x01)); /* raises nothing, as FMOVs */
    if (size == 0) {
        x_put_single(x, rd, ir_select(x->b, test, x_get_single(x, rs2), x_get_single(x, rd)));
        return;
    }
    for (unsigned k = 0; k < size; k++) {
        unsigned to = x_double_slot(x, rd) + k, from = x_double_slot(x, rs2) + k;
        ir_put(x->b, to, ir_select(x->b, test, ir_get(x->b, from), ir_get(x->b, to)));
    }
}

void emit_fmovcc(struct xlat *x)
{
    unsigned set = field_opf(x->word) >> 6 & 7, cond = field_rs1(x->word) & 15;
    if (set < 4) {
        move_if(x, fcc_test(x, set, cond));
    } else {
        struct cc_state cc = cc_capture(x, set == 6);
        move_if(x, cc_test(x, &cc, cond));
    }
}

void emit_fmovr(struct xlat *x)
{
    static const uint8_t cond[8] = {IR_EQ, IR_EQ, IR_LES, IR_LTS, IR_NE, IR_NE, IR_GTS, IR_GES};
    unsigned rcond = x->word >> 10 & 7;
    move_if(x, ir_icmp(x->b, cond[rcond], x_reg(x, field_rs1(x->word)), x_const(x, 0)));
}
