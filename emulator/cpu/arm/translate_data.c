/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Data processing: arithmetic, logic, moves, shifts, bit fields (0406C A4.4, A5.2, A6.3; 0100I A5.1).
 */
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"

/* ------------------------------------------------------------------------------------------- shifts */

ir_ref ax_shift_imm(struct xlat *x, ir_ref v, unsigned type, unsigned imm5, ir_ref *carry)
{
    struct ir_builder *b = x->b;
    *carry = IR_NONE;
    switch (type) {
    case SHIFT_LSL:
        if (!imm5)
            return v;
        *carry = ax_extract(x, v, 32 - imm5, 1);
        return ir_bin(b, IR_SHL, v, ax_i32(x, imm5));
    case SHIFT_LSR:
        *carry = ax_extract(x, v, imm5 ? imm5 - 1 : 31, 1);
        return imm5 ? ir_bin(b, IR_SHR, v, ax_i32(x, imm5)) : ax_i32(x, 0);
    case SHIFT_ASR:
        *carry = ax_extract(x, v, imm5 ? imm5 - 1 : 31, 1);
        return ir_bin(b, IR_SAR, v, ax_i32(x, imm5 ? imm5 : 31));
    default: break;
    }
    if (imm5) {
        *carry = ax_extract(x, v, imm5 - 1, 1);
        return ir_bin(b, IR_ROR, v, ax_i32(x, imm5));
    }
    *carry = ax_and(x, v, 1); /* RRX */
    return ir_bin(b, IR_OR, ir_bin(b, IR_SHR, v, ax_i32(x, 1)),
                  ir_bin(b, IR_SHL, flags_carry(x), ax_i32(x, 31)));
}

/* By the low byte of a register. The carry is only made when it is wanted. */
static ir_ref shift_reg(struct xlat *x, ir_ref v, unsigned type, ir_ref amount, ir_ref *carry)
{
    struct ir_builder *b = x->b;
    ir_ref n = ax_and(x, amount, 255), result, bit, zero = ax_i32(x, 0);
    ir_ref short_one = ir_icmp(b, IR_LTU, n, ax_i32(x, 32));
    ir_ref before = ir_bin(b, IR_SUB, n, ax_i32(x, 1)); /* the last bit shifted out comes from there */
    switch (type) {
    case SHIFT_LSL:
        result = ir_select(b, short_one, ir_bin(b, IR_SHL, v, n), zero);
        bit = ax_extract(x, ir_bin(b, IR_SHL, v, before), 31, 1);
        break;
    case SHIFT_LSR:
        result = ir_select(b, short_one, ir_bin(b, IR_SHR, v, n), zero);
        bit = ax_and(x, ir_bin(b, IR_SHR, v, before), 1);
        break;
    case SHIFT_ASR:
        result = ir_bin(b, IR_SAR, v, ir_select(b, short_one, n, ax_i32(x, 31)));
        bit = ir_select(b, short_one, ax_and(x, ir_bin(b, IR_SAR, v, before), 1), ax_extract(x, v, 31, 1));
        break;
    default:
        result = ir_bin(b, IR_ROR, v, n);
        bit = ax_extract(x, result, 31, 1);
        break;
    }
    if (!carry)
        return result;
    if (type == SHIFT_LSL || type == SHIFT_LSR)
        bit = ir_select(b, ir_icmp(b, IR_GTU, n, ax_i32(x, 32)), zero, bit);
    *carry = ir_select(b, ir_icmp(b, IR_EQ, n, zero), flags_carry(x), bit);
    return result;
}

/* ------------------------------------------------------------------------------------------- the sixteen */

static bool is_test(unsigned op)
{
    return op >= DP_TST && op <= DP_CMN;
}

static void data_op(struct xlat *x, unsigned op, bool s, unsigned rd, ir_ref a, ir_ref b, ir_ref carry)
{
    struct ir_builder *ib = x->b;
    ir_ref r = IR_NONE, c, n;
    bool to_pc = rd == 15 && !is_test(op);
    if (to_pc && s) {
        /* with r14 as it is, nearly always: SUBS pc, lr, #n and MOVS pc, lr */
        s = false;
        if (x->mode & ARM_KEY_PRIVILEGED) {
            if (x->pass) {
                x->ended = true;
                return;
            }
            r = op == DP_MOV   ? b
                : op == DP_SUB ? ir_bin(ib, IR_SUB, a, b)
                : op == DP_ADD ? ir_bin(ib, IR_ADD, a, b)
                               : IR_NONE;
            if (r) {
                ax_exception_return(x, r, IR_NONE);
                return;
            }
        }
    }
    switch (op) {
    case DP_AND:
    case DP_TST: r = ir_bin(ib, IR_AND, a, b); break;
    case DP_EOR:
    case DP_TEQ: r = ir_bin(ib, IR_XOR, a, b); break;
    case DP_ORR: r = ir_bin(ib, IR_OR, a, b); break;
    case DP_MOV: r = b; break;
    case DP_BIC: r = ir_bin(ib, IR_ANDN, a, b); break;
    case DP_MVN: r = ir_op1(ib, IR_NOT, IR_I32, 0, b); break;
    case DP_ORN: r = ir_bin(ib, IR_OR, a, ir_op1(ib, IR_NOT, IR_I32, 0, b)); break;
    case DP_SUB:
    case DP_CMP:
        if (op == DP_SUB)
            r = ir_bin(ib, IR_SUB, a, b);
        if (s)
            flags_set_sub(x, a, b);
        break;
    case DP_RSB:
        r = ir_bin(ib, IR_SUB, b, a);
        if (s)
            flags_set_sub(x, b, a);
        break;
    case DP_ADD:
    case DP_CMN:
        if (op == DP_ADD)
            r = ir_bin(ib, IR_ADD, a, b);
        if (s)
            flags_set_add(x, a, b);
        break;
    case DP_ADC:
        c = flags_carry(x);
        r = ir_op3(ib, IR_ADC, IR_I32, 0, a, b, c);
        if (s)
            flags_set_adc(x, a, b, c);
        break;
    case DP_SBC:
    case DP_RSC:
        c = flags_borrow(x);
        if (op == DP_RSC) {
            n = a;
            a = b;
            b = n;
        }
        r = ir_op3(ib, IR_SBB, IR_I32, 0, a, b, c);
        if (s)
            flags_set_sbc(x, a, b, c);
        break;
    }
    bool logic = op == DP_AND || op == DP_EOR || op == DP_TST || op == DP_TEQ || op >= DP_ORR;
    if (s && logic)
        flags_set_nzc(x, r, carry);
    if (is_test(op))
        return;
    if (to_pc)
        ax_jump_to(x, r, x->thumb || !(x->features & ARM_V7),
                   op == DP_MOV && x->rm == 14 ? IR_HINT_RETURN : IR_HINT_NONE);
    else
        ax_put(x, rd, r);
}

/* ------------------------------------------------------------------------------------------- ARM */

void emit_dp_imm(struct xlat *x)
{
    unsigned rotate = ax_bits(x, 8, 4) * 2;
    uint32_t imm = ax_bits(x, 0, 8);
    ir_ref carry = IR_NONE;
    if (rotate) {
        imm = imm >> rotate | imm << (32 - rotate);
        carry = ax_i32(x, imm >> 31);
    }
    x->rm = 0;
    data_op(x, ax_bits(x, 21, 4), ax_bit(x, 20), x->rd, ax_reg(x, x->rn), ax_i32(x, imm), carry);
}

void emit_dp_reg(struct xlat *x)
{
    ir_ref carry, b = ax_shift_imm(x, ax_reg(x, x->rm), ax_bits(x, 5, 2), ax_bits(x, 7, 5), &carry);
    data_op(x, ax_bits(x, 21, 4), ax_bit(x, 20), x->rd, ax_reg(x, x->rn), b, carry);
}

void emit_dp_rsr(struct xlat *x)
{
    unsigned op = ax_bits(x, 21, 4);
    bool wants =
        ax_bit(x, 20) && (op == DP_AND || op == DP_EOR || op == DP_TST || op == DP_TEQ || op >= DP_ORR);
    ir_ref carry = IR_NONE;
    ir_ref b = shift_reg(x, ax_reg(x, x->rm), ax_bits(x, 5, 2), ax_reg(x, x->ra), wants ? &carry : NULL);
    data_op(x, op, ax_bit(x, 20), x->rd, ax_reg(x, x->rn), b, carry);
}

/* ------------------------------------------------------------------------------------------- Thumb, 16 bits
 */

static bool sets(const struct xlat *x)
{
    return !x->it;
}

void emit_t_shift_imm(struct xlat *x)
{
    ir_ref carry,
        b = ax_shift_imm(x, ax_reg(x, ax_bits(x, 3, 3)), ax_bits(x, 11, 2), ax_bits(x, 6, 5), &carry);
    data_op(x, DP_MOV, sets(x), ax_bits(x, 0, 3), b, b, carry);
}

void emit_t_add_sub(struct xlat *x) /* bit 10: immediate; bit 9: subtract */
{
    ir_ref b = ax_bit(x, 10) ? ax_i32(x, ax_bits(x, 6, 3)) : ax_reg(x, ax_bits(x, 6, 3));
    data_op(x, ax_bit(x, 9) ? DP_SUB : DP_ADD, sets(x), ax_bits(x, 0, 3), ax_reg(x, ax_bits(x, 3, 3)), b,
            IR_NONE);
}

void emit_t_imm8(struct xlat *x)
{
    unsigned op = x->row->aux, rd = ax_bits(x, 8, 3);
    data_op(x, op, op == DP_CMP || sets(x), rd, ax_reg(x, rd), ax_i32(x, ax_bits(x, 0, 8)), IR_NONE);
}

void emit_t_alu(struct xlat *x)
{
    unsigned op = x->row->aux, rd = ax_bits(x, 0, 3);
    ir_ref rm = ax_reg(x, ax_bits(x, 3, 3)), rdn = ax_reg(x, rd);
    if (op == DP_RSB)
        data_op(x, op, sets(x), rd, rm, ax_i32(x, 0), IR_NONE);
    else
        data_op(x, op, is_test(op) || sets(x), rd, rdn, rm, IR_NONE);
}

void emit_t_shift_reg(struct xlat *x)
{
    unsigned rd = ax_bits(x, 0, 3);
    ir_ref carry = IR_NONE;
    ir_ref r = shift_reg(x, ax_reg(x, rd), x->row->aux, ax_reg(x, ax_bits(x, 3, 3)), sets(x) ? &carry : NULL);
    data_op(x, DP_MOV, sets(x), rd, r, r, carry);
}

void emit_t_mul(struct xlat *x)
{
    unsigned rd = ax_bits(x, 0, 3);
    ir_ref r = ir_bin(x->b, IR_MUL, ax_reg(x, rd), ax_reg(x, ax_bits(x, 3, 3)));
    if (sets(x))
        flags_set_nz(x, r);
    ax_put(x, rd, r);
}

void emit_t_high(struct xlat *x) /* ADD, CMP and MOV of all registers */
{
    unsigned op = x->row->aux, rd = ax_bits(x, 0, 3) | ax_bits(x, 7, 1) << 3;
    x->rm = (uint8_t)ax_bits(x, 3, 4);
    data_op(x, op, op == DP_CMP, rd, ax_reg(x, rd), ax_reg(x, x->rm), IR_NONE);
}

void emit_t_adr(struct xlat *x)
{
    ax_put(x, ax_bits(x, 8, 3), ax_i32(x, ax_pc_aligned(x) + ax_bits(x, 0, 8) * 4));
}

void emit_t_add_sp(struct xlat *x)
{
    ax_put(x, ax_bits(x, 8, 3), ax_add(x, ax_reg(x, 13), ax_bits(x, 0, 8) * 4));
}

void emit_t_adjust_sp(struct xlat *x)
{
    uint32_t by = ax_bits(x, 0, 7) * 4;
    ax_put(x, 13, ax_add(x, ax_reg(x, 13), ax_bit(x, 7) ? -by : by));
}

/* ------------------------------------------------------------------------------------------- Thumb, 32 bits
 */

void emit_w_dp_reg(struct xlat *x)
{
    unsigned op = x->row->aux;
    bool s = ax_bit(x, 20);
    ir_ref carry, b = ax_shift_imm(x, ax_reg(x, x->rm), ax_bits(x, 4, 2),
                                   ax_bits(x, 12, 3) << 2 | ax_bits(x, 6, 2), &carry);
    data_op(x, op, s, x->rd, ax_reg(x, x->rn), b, carry);
}

/* ThumbExpandImm_C() (A6.3.2) */
static uint32_t expand_imm(struct xlat *x, ir_ref *carry)
{
    uint32_t imm12 = ax_bits(x, 26, 1) << 11 | ax_bits(x, 12, 3) << 8 | ax_bits(x, 0, 8), imm8 = imm12 & 255;
    *carry = IR_NONE;
    switch (imm12 >> 8) {
    case 0: return imm8;
    case 1: return imm8 << 16 | imm8;
    case 2: return imm8 << 24 | imm8 << 8;
    case 3: return imm8 * 0x01010101u;
    default: break;
    }
    unsigned rotate = imm12 >> 7;
    uint32_t v = 0x80 | (imm12 & 0x7f);
    v = v >> rotate | v << (32 - rotate);
    *carry = ax_i32(x, v >> 31);
    return v;
}

void emit_w_dp_imm(struct xlat *x)
{
    ir_ref carry;
    uint32_t imm = expand_imm(x, &carry);
    x->rm = 0;
    data_op(x, x->row->aux, ax_bit(x, 20), x->rd, ax_reg(x, x->rn), ax_i32(x, imm), carry);
}

void emit_w_add_imm12(struct xlat *x) /* ADDW, SUBW and ADR */
{
    uint32_t imm = ax_bits(x, 26, 1) << 11 | ax_bits(x, 12, 3) << 8 | ax_bits(x, 0, 8);
    if (ax_bit(x, 23))
        imm = -imm;
    ax_put(x, x->rd, x->rn == 15 ? ax_i32(x, ax_pc_aligned(x) + imm) : ax_add(x, ax_reg(x, x->rn), imm));
}

void emit_w_shift_reg(struct xlat *x)
{
    bool s = ax_bit(x, 20);
    ir_ref carry = IR_NONE;
    ir_ref r = shift_reg(x, ax_reg(x, x->rn), ax_bits(x, 21, 2), ax_reg(x, x->rm), s ? &carry : NULL);
    data_op(x, DP_MOV, s, x->rd, r, r, carry);
}

/* ------------------------------------------------------------------------------------------- both */

static uint32_t imm16(const struct xlat *x)
{
    if (!x->thumb)
        return ax_bits(x, 16, 4) << 12 | ax_bits(x, 0, 12);
    return ax_bits(x, 16, 4) << 12 | ax_bits(x, 26, 1) << 11 | ax_bits(x, 12, 3) << 8 | ax_bits(x, 0, 8);
}

void emit_movw(struct xlat *x)
{
    ax_put(x, x->rd, ax_i32(x, imm16(x)));
}

void emit_movt(struct xlat *x)
{
    ir_ref low = ax_and(x, ax_reg(x, x->rd), 0xffff);
    ax_put(x, x->rd, ir_bin(x->b, IR_OR, low, ax_i32(x, imm16(x) << 16)));
}

/* lsb of a bit field and the register that it comes from; msb or width - 1 is the result */
static unsigned field_of(struct xlat *x, unsigned *lsb, unsigned *from)
{
    if (x->thumb) {
        *lsb = ax_bits(x, 12, 3) << 2 | ax_bits(x, 6, 2);
        *from = x->rn;
        return ax_bits(x, 0, 5);
    }
    *lsb = ax_bits(x, 7, 5);
    *from = x->rm;
    return ax_bits(x, 16, 5);
}

void emit_bfi(struct xlat *x)
{
    unsigned lsb, from, msb = field_of(x, &lsb, &from), width;
    if (msb < lsb) /* unpredictable */
        return;
    width = msb - lsb + 1;
    ir_ref v = from == 15 ? ax_i32(x, 0) : ax_reg(x, from);
    if (width == 32)
        ax_put(x, x->rd, v);
    else
        ax_put(x, x->rd, ir_op2(x->b, IR_INSERT, IR_I32, (uint16_t)(lsb | width << 8), ax_reg(x, x->rd), v));
}

void emit_bfx(struct xlat *x)
{
    unsigned lsb, from, width = field_of(x, &lsb, &from) + 1;
    if (lsb + width > 32) /* unpredictable */
        return;
    ir_ref v = ax_reg(x, from);
    if (x->row->aux) /* SBFX */
        v = ir_bin(x->b, IR_SAR, ir_bin(x->b, IR_SHL, v, ax_i32(x, 32 - lsb - width)), ax_i32(x, 32 - width));
    else if (width < 32)
        v = ax_extract(x, v, lsb, width);
    ax_put(x, x->rd, v);
}

void emit_clz(struct xlat *x)
{
    ax_put(x, x->rd, ir_op1(x->b, IR_CLZ, IR_I32, 0, ax_reg(x, x->rm)));
}

static void reverse(struct xlat *x, unsigned rd, unsigned rm)
{
    struct ir_builder *b = x->b;
    ir_ref v = ax_reg(x, rm), r;
    switch (x->row->aux) {
    case REV_WORD: r = ir_op1(b, IR_BSWAP, IR_I32, 0, v); break;
    case REV_16: r = ir_bin(b, IR_ROR, ir_op1(b, IR_BSWAP, IR_I32, 0, v), ax_i32(x, 16)); break;
    case REV_SH: r = ir_bin(b, IR_SAR, ir_op1(b, IR_BSWAP, IR_I32, 0, v), ax_i32(x, 16)); break;
    default: /* RBIT */
        r = ir_op1(b, IR_BSWAP, IR_I32, 0, v);
        for (unsigned n = 4; n; n >>= 1) {
            uint32_t mask = n == 4 ? 0x0f0f0f0f : n == 2 ? 0x33333333 : 0x55555555;
            r = ir_bin(b, IR_OR, ir_bin(b, IR_SHL, ax_and(x, r, mask), ax_i32(x, n)),
                       ax_and(x, ir_bin(b, IR_SHR, r, ax_i32(x, n)), mask));
        }
        break;
    }
    ax_put(x, rd, r);
}

void emit_rev(struct xlat *x)
{
    reverse(x, x->rd, x->rm);
}

void emit_t_rev(struct xlat *x)
{
    reverse(x, ax_bits(x, 0, 3), ax_bits(x, 3, 3));
}

/* SXTB, UXTAH and their kin: aux says which. */
static ir_ref extended(struct xlat *x, ir_ref v, unsigned rotate)
{
    struct ir_builder *b = x->b;
    unsigned kind = x->row->aux;
    if (rotate)
        v = ir_bin(b, IR_ROR, v, ax_i32(x, rotate * 8));
    switch (kind & EXT_SIZE) {
    case EXT_BYTE: return kind & EXT_SIGNED ? ax_sext(x, v, 8) : ax_and(x, v, 0xff);
    case EXT_HALF: return kind & EXT_SIGNED ? ax_sext(x, v, 16) : ax_and(x, v, 0xffff);
    default: break;
    }
    if (!(kind & EXT_SIGNED))
        return ax_and(x, v, 0x00ff00ff);
    ir_ref high = ir_bin(b, IR_SHL, ax_sext(x, ax_extract(x, v, 16, 8), 8), ax_i32(x, 16));
    return ir_bin(b, IR_OR, high, ax_and(x, ax_sext(x, v, 8), 0xffff));
}

void emit_extend(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref v = extended(x, ax_reg(x, x->rm), x->thumb ? ax_bits(x, 4, 2) : ax_bits(x, 10, 2));
    if (x->rn != 15) {
        ir_ref a = ax_reg(x, x->rn);
        if ((x->row->aux & EXT_SIZE) == EXT_PAIR) {
            ir_ref low = ax_and(x, ir_bin(b, IR_ADD, a, v), 0xffff);
            v = ir_bin(b, IR_OR, ax_and(x, ir_bin(b, IR_ADD, a, ax_and(x, v, 0xffff0000)), 0xffff0000), low);
        } else {
            v = ir_bin(b, IR_ADD, a, v);
        }
    }
    ax_put(x, x->rd, v);
}

void emit_t_extend(struct xlat *x)
{
    ax_put(x, ax_bits(x, 0, 3), extended(x, ax_reg(x, ax_bits(x, 3, 3)), 0));
}

void emit_pkh(struct xlat *x)
{
    ir_ref carry, a = ax_reg(x, x->rn), v;
    bool tb = x->thumb ? ax_bit(x, 5) : ax_bit(x, 6);
    unsigned imm5 = x->thumb ? ax_bits(x, 12, 3) << 2 | ax_bits(x, 6, 2) : ax_bits(x, 7, 5);
    v = ax_shift_imm(x, ax_reg(x, x->rm), tb ? SHIFT_ASR : SHIFT_LSL, imm5, &carry);
    if (tb)
        v = ir_bin(x->b, IR_OR, ax_and(x, a, 0xffff0000), ax_and(x, v, 0xffff));
    else
        v = ir_bin(x->b, IR_OR, ax_and(x, v, 0xffff0000), ax_and(x, a, 0xffff));
    ax_put(x, x->rd, v);
}
