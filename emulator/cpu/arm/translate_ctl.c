/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Branches, IT, calls of the system (0406C A4.3, A8.8; 0100I A4.1, A7.1).
 */
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"

static int32_t sign_extend(uint32_t v, unsigned bits)
{
    return (int32_t)(v << (32 - bits)) >> (32 - bits);
}

/* A branch to a constant address with an instruction set; under x->cond unless that holds always. */
static void branch(struct xlat *x, uint32_t target, bool thumb, bool link)
{
    uint64_t to = (uint64_t)(target & (thumb ? ~1u : ~3u)) | thumb;
    if (x->cond < 14 && !x->inside) {
        ir_ref pass = flags_test(x, x->cond);
        if (link) {
            x->pass = pass;
            ax_put(x, 14, ax_i32(x, ax_return_address(x)));
        }
        x->i->flow = JIT_BRANCH;
        x->i->cond = pass;
        x->i->taken_pc = to;
        return;
    }
    if (link)
        ax_put(x, 14, ax_i32(x, ax_return_address(x)));
    ax_jump(x, to, link ? IR_HINT_CALL : IR_HINT_NONE);
}

/* To an address in a register. */
static void branch_to(struct xlat *x, unsigned rm, bool link)
{
    ir_ref target = ax_reg(x, rm);
    if (link)
        ax_put(x, 14, ax_i32(x, ax_return_address(x)));
    uint64_t known;
    if (ir_is_const(x->b, target, &known)) /* BX pc, and what a constant was loaded for */
        ax_jump(x, known & 1 ? (uint32_t)known : (uint32_t)known & ~3u, link ? IR_HINT_CALL : IR_HINT_NONE);
    else
        ax_jump_to(x, target, false, link ? IR_HINT_CALL : rm == 14 ? IR_HINT_RETURN : IR_HINT_NONE);
}

/* ------------------------------------------------------------------------------------------- ARM */

void emit_a_branch(struct xlat *x) /* aux: BRANCH_LINK */
{
    branch(x, x->pc + 8 + (uint32_t)sign_extend(x->word << 2 & 0x03ffffff, 26), false, x->row->aux);
}

void emit_a_blx(struct xlat *x)
{
    uint32_t offset = (uint32_t)sign_extend(x->word << 2 & 0x03ffffff, 26) | (uint32_t)ax_bit(x, 24) << 1;
    branch(x, x->pc + 8 + offset, true, true);
}

void emit_bx(struct xlat *x) /* aux: BRANCH_LINK; BXJ without Jazelle is BX */
{
    branch_to(x, x->thumb ? ax_bits(x, 16, 4) : ax_bits(x, 0, 4), x->row->aux & BRANCH_LINK);
}

/* ------------------------------------------------------------------------------------------- Thumb */

void emit_t_branch(struct xlat *x)
{
    branch(x, x->pc + 4 + (uint32_t)sign_extend(ax_bits(x, 0, 11) << 1, 12), true, false);
}

void emit_t_branch_cond(struct xlat *x)
{
    x->cond = (uint8_t)ax_bits(x, 8, 4);
    branch(x, x->pc + 4 + (uint32_t)sign_extend(ax_bits(x, 0, 8) << 1, 9), true, false);
}

void emit_t_bx(struct xlat *x)
{
    branch_to(x, ax_bits(x, 3, 4), x->row->aux & BRANCH_LINK);
}

void emit_t_cbz(struct xlat *x) /* bit 11: CBNZ */
{
    ir_ref v = ax_reg(x, ax_bits(x, 0, 3));
    x->i->flow = JIT_BRANCH;
    x->i->cond = ir_icmp(x->b, ax_bit(x, 11) ? IR_NE : IR_EQ, v, ax_i32(x, 0));
    x->i->taken_pc = (uint64_t)(uint32_t)(x->pc + 4 + (ax_bits(x, 3, 5) << 1 | (uint32_t)ax_bit(x, 9) << 6)) | 1;
}

void emit_t_it(struct xlat *x)
{
    x->i->next_pc |= (uint64_t)ax_bits(x, 0, 8) << PC_IT_SHIFT;
}

/* Offset of the long branches: S, I1, I2, 10 bits, 11 bits (A8.8.18). */
static int32_t long_offset(const struct xlat *x)
{
    unsigned s = ax_bits(x, 26, 1), i1 = !(ax_bits(x, 13, 1) ^ s), i2 = !(ax_bits(x, 11, 1) ^ s);
    return sign_extend(s << 24 | i1 << 23 | i2 << 22 | ax_bits(x, 16, 10) << 12 | ax_bits(x, 0, 11) << 1, 25);
}

void emit_w_branch(struct xlat *x)
{
    branch(x, x->pc + 4 + (uint32_t)long_offset(x), true, false);
}

void emit_w_branch_cond(struct xlat *x)
{
    uint32_t offset = ax_bits(x, 26, 1) << 20 | ax_bits(x, 11, 1) << 19 | ax_bits(x, 13, 1) << 18 |
                      ax_bits(x, 16, 6) << 12 | ax_bits(x, 0, 11) << 1;
    x->cond = (uint8_t)ax_bits(x, 22, 4);
    branch(x, x->pc + 4 + (uint32_t)sign_extend(offset, 21), true, false);
}

void emit_w_bl(struct xlat *x) /* aux: BRANCH_EXCHANGE: BLX */
{
    bool exchange = x->row->aux & BRANCH_EXCHANGE;
    uint32_t from = x->pc + 4;
    branch(x, (exchange ? from & ~3u : from) + (uint32_t)long_offset(x), !exchange, true);
}

/* Before Thumb-2: halves of BL that do not stand together (0100I A7.1.17). */
void emit_t_bl_prefix(struct xlat *x)
{
    ax_put(x, 14, ax_i32(x, x->pc + 4 + (uint32_t)sign_extend(ax_bits(x, 0, 11) << 12, 23)));
}

void emit_t_bl_suffix(struct xlat *x) /* aux: BRANCH_EXCHANGE */
{
    bool exchange = x->row->aux & BRANCH_EXCHANGE;
    ir_ref target = ax_add(x, ax_reg(x, 14), ax_bits(x, 0, 11) << 1);
    target = exchange ? ax_and(x, target, ~3u) : ir_bin(x->b, IR_OR, target, ax_i32(x, 1));
    ax_put(x, 14, ax_i32(x, ax_return_address(x)));
    ax_jump_to(x, target, false, IR_HINT_CALL);
}

void emit_w_table_branch(struct xlat *x) /* bit 4: halfwords */
{
    struct ir_builder *b = x->b;
    bool wide = ax_bit(x, 4);
    ir_ref index = ax_reg(x, x->rm), entry;
    if (wide)
        index = ir_bin(b, IR_SHL, index, ax_i32(x, 1));
    entry = ir_load(b, IR_I32, ax_mem(x, wide), ir_bin(b, IR_ADD, ax_reg(x, x->rn), index));
    ax_jump_to(x, ax_add(x, ir_bin(b, IR_SHL, entry, ax_i32(x, 1)), x->pc + 4), true, IR_HINT_NONE);
}

/* ------------------------------------------------------------------------------------------- exceptions */

void emit_svc(struct xlat *x)
{
    ax_raise(x, ARM_EXC_SVC, ax_i32(x, x->thumb ? ax_bits(x, 0, 8) : ax_bits(x, 0, 24)));
}

void emit_bkpt(struct xlat *x)
{
    ax_raise(x, ARM_EXC_BREAKPOINT, ax_i32(x, x->thumb ? ax_bits(x, 0, 8) : ax_bits(x, 8, 12) << 4 | ax_bits(x, 0, 4)));
}

void emit_udf(struct xlat *x)
{
    ax_undefined(x);
}
