/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The visual instruction set of UltraSPARC (VIS 1), which the C library of v8plus programs copies and fills memory with:
 * "UltraSPARC I & II User's Manual", chapter 13, and the block, short and partial accesses of section 13.5. None of these
 * instructions touches the FSR.  Registers are taken as 64 (or 32) bits; what has no near relation in the IR is computed
 * by sparc_helper_vis.
 */
#include "emulator/cpu/sparc/internal.h"

#define OFFSET(field) offsetof(struct sparc_cpu, field)

static ir_ref get64(struct xlat *x, unsigned r)
{
    return ir_op1(x->b, IR_BITCAST, IR_I64, 0, x_get_double(x, r));
}

static void put64(struct xlat *x, unsigned r, ir_ref value)
{
    x_put_double(x, r, ir_op1(x->b, IR_BITCAST, IR_F64, 0, value));
}

static ir_ref get32(struct xlat *x, unsigned r)
{
    return ir_op1(x->b, IR_BITCAST, IR_I32, 0, x_get_single(x, r));
}

static void put32(struct xlat *x, unsigned r, ir_ref value)
{
    x_put_single(x, r, ir_op1(x->b, IR_BITCAST, IR_F32, 0, value));
}

static ir_ref i64(struct xlat *x, uint64_t value)
{
    return ir_const(x->b, IR_I64, value);
}

static ir_ref gsr(struct xlat *x)
{
    return ir_ldstate(x->b, IR_I32, 2, OFFSET(gsr));
}

/* ---- logic (13.5.6): the truth table of the result in aux bits 3..0 (rs1 = 1: bits 3, 2; rs2 = 1: bits 3, 1) */

void emit_vis_logic(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned table = x->row->aux & 15;
    bool single = x->row->aux & VIS_SINGLE;
    enum ir_type t = single ? IR_I32 : IR_I64;
    ir_ref a = IR_NONE, o = IR_NONE, r;
    if ((table >> 2) != (table & 3)) /* depends on rs1 */
        a = single ? get32(x, field_rs1(x->word)) : get64(x, field_rs1(x->word));
    if ((table >> 1 & 5) != (table & 5)) /* depends on rs2 */
        o = single ? get32(x, field_rs2(x->word)) : get64(x, field_rs2(x->word));
    /* An odd half of a table is another's complement: 0 0, and, andn, a, xor, or remain. */
    bool invert = table & 1;
    switch (invert ? ~table & 15 : table) {
    case 0x0: r = ir_const(b, t, 0); break;
    case 0x2: r = ir_bin(b, IR_ANDN, o, a); break;
    case 0x4: r = ir_bin(b, IR_ANDN, a, o); break;
    case 0x6: r = ir_bin(b, IR_XOR, a, o); break;
    case 0x8: r = ir_bin(b, IR_AND, a, o); break;
    case 0xa: r = o; break;
    case 0xc: r = a; break;
    default: r = ir_bin(b, IR_OR, a, o); break; /* 0xe */
    }
    if (invert)
        r = ir_op1(b, IR_NOT, t, 0, r);
    if (single)
        put32(x, field_rd(x->word), r);
    else
        put64(x, field_rd(x->word), r);
}

/* ---- partitioned addition and subtraction (13.5.2): aux = IR op | lane << 8 */

void emit_vis_add(struct xlat *x)
{
    struct ir_builder *b = x->b;
    enum ir_op op = x->row->aux & 0xff;
    uint16_t lane = x->row->aux >> 8 & 7;
    bool single = x->row->aux & VIS_SINGLE;
    unsigned rs1 = field_rs1(x->word), rs2 = field_rs2(x->word);
    uint16_t width = single ? IR_L32 : IR_L64;
    ir_ref a = single ? get32(x, rs1) : get64(x, rs1), o = single ? get32(x, rs2) : get64(x, rs2);
    a = ir_op1(b, IR_VSPLAT, IR_V128, width, a);
    o = ir_op1(b, IR_VSPLAT, IR_V128, width, o);
    ir_ref r = ir_op3(b, IR_VLANE, single ? IR_I32 : IR_I64, width, ir_op2(b, op, IR_V128, lane, a, o), IR_NONE, 0);
    if (single)
        put32(x, field_rd(x->word), r);
    else
        put64(x, field_rd(x->word), r);
}

/* ---- addresses and alignment (13.5.5): aux 1 = little-endian */

void emit_vis_alignaddr(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref sum = ir_bin(b, IR_ADD, x_reg(x, field_rs1(x->word)), x_reg(x, field_rs2(x->word)));
    ir_ref align = x_low32(x, x->row->aux ? ir_op1(b, IR_NEG, IR_I64, 0, sum) : sum);
    ir_ststate(b, 2, OFFSET(gsr), ir_op2(b, IR_INSERT, IR_I32, 0 | 3 << 8, gsr(x), align));
    x_put(x, field_rd(x->word), ir_bin(b, IR_AND, sum, i64(x, ~UINT64_C(7))));
}

/* Eight bytes of rs1 : rs2, from the GSR's byte on. */
void emit_vis_faligndata(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref bits = ir_op1(b, IR_ZEXT, IR_I64, 32, ir_bin(b, IR_AND, gsr(x), x_i32(x, 7)));
    bits = ir_bin(b, IR_SHL, bits, i64(x, 3));
    ir_ref high = ir_bin(b, IR_SHL, get64(x, field_rs1(x->word)), bits);
    ir_ref low = ir_bin(b, IR_SHR, get64(x, field_rs2(x->word)), i64(x, 1)); /* in two steps: 64 is no shift count */
    low = ir_bin(b, IR_SHR, low, ir_bin(b, IR_XOR, bits, i64(x, 63)));
    put64(x, field_rd(x->word), ir_bin(b, IR_OR, high, low));
}

/* ---- everything else: aux = operands */

void emit_vis(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned aux = x->row->aux, rs1 = field_rs1(x->word), rs2 = field_rs2(x->word), rd = field_rd(x->word);
    ir_ref zero = i64(x, 0), a = zero, o = zero, c = zero;
    if (aux & VIS_INTEGER) {
        a = x_reg(x, rs1);
        o = x_reg(x, rs2);
    } else {
        if (aux & VIS_A_SINGLE)
            a = ir_op1(b, IR_ZEXT, IR_I64, 32, get32(x, rs1));
        else if (aux & VIS_A)
            a = get64(x, rs1);
        o = aux & VIS_B_SINGLE ? ir_op1(b, IR_ZEXT, IR_I64, 32, get32(x, rs2)) : get64(x, rs2);
    }
    if (aux & VIS_GSR)
        c = ir_op1(b, IR_ZEXT, IR_I64, 32, gsr(x));
    else if (aux & VIS_SUM)
        c = get64(x, rd);
    ir_ref arg[] = {x_i32(x, field_opf(x->word)), a, o, c};
    ir_ref r = ir_call(b, &sparc_helper_vis, arg);
    if (aux & VIS_CC)
        x_put_sub_cc(x, a, o);
    if (aux & VIS_TO_INTEGER)
        x_put(x, rd, r);
    else if (aux & VIS_SINGLE)
        put32(x, rd, ir_op1(b, IR_TRUNC, IR_I32, 0, r));
    else
        put64(x, rd, r);
}

/* ---- blocks, short and partial accesses: LDDFA and STDFA with a space of VIS */

void x_vis_memory(struct xlat *x, bool store)
{
    struct ir_builder *b = x->b;
    bool by_register = field_i(x->word);
    ir_ref asi = by_register ? ir_ldstate(b, IR_I32, 2, OFFSET(asi)) : x_i32(x, field_asi(x->word));
    /* A partial store has its mask where others have the index (13.5.3). */
    ir_ref base = x_low32(x, x_reg(x, field_rs1(x->word)));
    ir_ref mask = by_register ? x_i32(x, 0) : x_low32(x, x_reg(x, field_rs2(x->word)));
    unsigned flags = field_rd(x->word) | (store ? VIS_STORE : 0) | (by_register ? VIS_NO_MASK : 0);
    ir_ref arg[] = {x_address(x), base, asi, mask, x_i32(x, flags)};
    x_trap_if_result(x, ir_call(b, &sparc_helper_vis_memory, arg));
}
