/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Advanced SIMD: loads and stores of elements and structures (0406C A7.7).
 */
#include "emulator/cpu/arm/neon.h"

static ir_ref at(struct xlat *x, ir_ref address, unsigned offset)
{
    return offset ? ir_bin(x->b, IR_ADD, address, ax_i32(x, offset)) : address;
}

/* Rm 15: no writeback, 13: by the bytes transferred, else by the register. */
static void write_back(struct xlat *x, unsigned bytes)
{
    unsigned n = x->word >> 16 & 15, m = x->word & 15;
    if (m != 15)
        ax_put(x, n, ir_bin(x->b, IR_ADD, ax_reg(x, n), m == 13 ? ax_i32(x, bytes) : ax_reg(x, m)));
}

/* An alignment (log2) asked for by the instruction; elements themselves as SCTLR.A says. */
static unsigned alignment(const struct xlat *x, unsigned asked, unsigned element)
{
    unsigned align = asked ? asked : x->mode & ARM_KEY_ALIGN_CHECK ? element : 0;
    return IR_MEM_ALIGN(align);
}

/* The order of bytes within elements; a vector of elements is in memory order. */
static ir_ref load_d(struct xlat *x, ir_ref guard, unsigned element, unsigned offset)
{
    ir_ref v = ir_load_at(x->b, IR_F64, 3, guard, (int32_t)offset);
    if (!(ax_mem(x, 0) & IR_MEM_BIG) || element == 0)
        return v;
    ir_ref q = ir_op2(x->b, IR_VPAIR, IR_V128, 0, v, ir_const(x->b, IR_F64, 0));
    return v_half(x, v_imm(x, IR_VREV, IR_L8, q, 1u << element), 0);
}

static void store_d(struct xlat *x, ir_ref guard, unsigned element, unsigned offset, ir_ref v)
{
    if ((ax_mem(x, 0) & IR_MEM_BIG) && element) {
        ir_ref q = ir_op2(x->b, IR_VPAIR, IR_V128, 0, v, ir_const(x->b, IR_F64, 0));
        v = v_half(x, v_imm(x, IR_VREV, IR_L8, q, 1u << element), 0);
    }
    ir_store_at(x->b, 3, guard, (int32_t)offset, v);
}

/* Two registers' elements one by one in turn (zip) and back; D registers as vectors with upper half 0. */
static void unzip_two(struct xlat *x, unsigned lane, ir_ref *a, ir_ref *b)
{
    ir_ref both = ir_op2(x->b, IR_VPAIR, IR_V128, 0, *a, *b);
    if (lane == IR_L64)
        return;
    ir_ref even = v_unzip(x, lane, both, both, false), odd = v_unzip(x, lane, both, both, true);
    *a = v_half(x, even, 0);
    *b = v_half(x, odd, 0);
}

static void zip_two(struct xlat *x, unsigned lane, ir_ref *a, ir_ref *b)
{
    if (lane == IR_L64)
        return;
    ir_ref zero = ir_const(x->b, IR_F64, 0);
    ir_ref v = v_two(x, IR_VZIPL, lane, ir_op2(x->b, IR_VPAIR, IR_V128, 0, *a, zero),
                     ir_op2(x->b, IR_VPAIR, IR_V128, 0, *b, zero));
    *a = v_half(x, v, 0);
    *b = v_half(x, v, 1);
}

/* 24 bytes in three registers: bytes picked from all three by one permutation each.  `apart`: structures to
 * registers. */
static void shuffle_three(struct xlat *x, unsigned element, ir_ref v[3], bool apart)
{
    ir_ref low = ir_op2(x->b, IR_VPAIR, IR_V128, 0, v[0], v[1]);
    ir_ref high = ir_op2(x->b, IR_VPAIR, IR_V128, 0, v[2], ir_const(x->b, IR_F64, 0));
    unsigned size = 1u << element;
    for (unsigned r = 0; r < 3; r++) {
        uint64_t index = 0;
        for (unsigned k = 0; k < 8; k++) {
            unsigned from;
            if (apart) { /* byte k of register r: element k / size of structure member r */
                from = (k / size * 3 + r) * size + k % size;
            } else { /* byte 8r + k of memory */
                unsigned m = 8 * r + k, e = m / size;
                from = e % 3 * 8 + e / 3 * size + m % size;
            }
            index |= (uint64_t)from << 8 * k;
        }
        v[r] = v_half(x, ir_op3(x->b, IR_VPERM, IR_V128, 0, low, high, v_const(x, index, 0)), 0);
    }
}

/* `n` registers that hold structures of n elements one after another, as in memory, to one register for each member;
 * or back. */
static void shuffle(struct xlat *x, unsigned element, unsigned n, ir_ref *v, bool apart)
{
    if (n == 2) {
        if (apart)
            unzip_two(x, element, &v[0], &v[1]);
        else
            zip_two(x, element, &v[0], &v[1]);
    } else if (n == 3) {
        shuffle_three(x, element, v, apart);
    } else if (n == 4 && apart) {
        unzip_two(x, element, &v[0], &v[1]); /* members 0 2, 1 3 of the first half */
        unzip_two(x, element, &v[2], &v[3]);
        ir_ref a = v[0], b = v[1], c = v[2], d = v[3];
        unzip_two(x, element, &a, &c);
        unzip_two(x, element, &b, &d);
        v[0] = a;
        v[1] = b;
        v[2] = c;
        v[3] = d;
    } else if (n == 4) {
        ir_ref a = v[0], b = v[1], c = v[2], d = v[3];
        zip_two(x, element, &a, &c);
        zip_two(x, element, &b, &d);
        v[0] = a;
        v[1] = b;
        v[2] = c;
        v[3] = d;
        zip_two(x, element, &v[0], &v[1]);
        zip_two(x, element, &v[2], &v[3]);
    }
}

void emit_neon_ldst_multiple(struct xlat *x)
{
    struct ir_builder *b = x->b;
    /* type: registers of one structure, distance between them, structures side by side */
    static const struct {
        uint8_t members, step, repeat;
    } form[16] = {
        [0] = {4, 1, 1}, [1] = {4, 2, 1}, [2] = {1, 1, 4}, [3] = {2, 2, 2}, [4] = {3, 1, 1}, [5] = {3, 2, 1},
        [6] = {1, 1, 3}, [7] = {1, 1, 1}, [8] = {2, 1, 1}, [9] = {2, 2, 1}, [10] = {1, 1, 2},
    };
    unsigned type = x->word >> 8 & 15, element = x->word >> 6 & 3, align = x->word >> 4 & 3, d = neon_d(x);
    unsigned n = x->word >> 16 & 15, members = form[type].members, repeat = form[type].repeat, step = form[type].step;
    unsigned regs = members * repeat;
    bool load = x->word >> 21 & 1;
    ir_ref v[4], guard[4];
    if (!members || n == 15 || (members > 1 && element == 3) || (align == 3 && regs != 4 && !(type == 3)) ||
        ((align & 2) && (regs == 1 || regs == 3)) || d + (members - 1) * step + (repeat - 1) >= 32) {
        ax_undefined(x);
        return;
    }
    unsigned aux = 3 | alignment(x, align ? align + 2 : 0, element) | (load ? IR_MEM_READ : IR_MEM_WRITE);
    ir_ref address = ax_reg(x, n);
    for (unsigned k = 0; k < regs; k++)
        guard[k] = ir_guard(b, k ? aux & ~IR_MEM_ALIGN(7) : aux, at(x, address, 8 * k));
    if (load) {
        for (unsigned k = 0; k < regs; k++)
            v[k] = load_d(x, guard[k], element, 0);
        if (repeat == 2 && members == 2) { /* four registers, even and odd structures' */
            unzip_two(x, element, &v[0], &v[1]);
            unzip_two(x, element, &v[2], &v[3]);
            ir_ref t = v[1];
            v[1] = v[2];
            v[2] = t;
        } else {
            shuffle(x, element, members, v, true);
        }
        write_back(x, 8 * regs);
        for (unsigned k = 0; k < regs; k++)
            vfp_put_d(x, repeat == 1 ? d + k * step : d + k, v[k]);
    } else {
        for (unsigned k = 0; k < regs; k++)
            v[k] = vfp_get_d(x, repeat == 1 ? d + k * step : d + k);
        if (repeat == 2 && members == 2) {
            ir_ref t = v[1];
            v[1] = v[2];
            v[2] = t;
            zip_two(x, element, &v[0], &v[1]);
            zip_two(x, element, &v[2], &v[3]);
        } else {
            shuffle(x, element, members, v, false);
        }
        for (unsigned k = 0; k < regs; k++)
            store_d(x, guard[k], element, 0, v[k]);
        write_back(x, 8 * regs);
    }
}

void emit_neon_ldst_lane(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned element = x->word >> 10 & 3, members = (x->word >> 8 & 3) + 1, d = neon_d(x), n = x->word >> 16 & 15;
    unsigned bits = x->word >> 4 & 15, index = bits >> (element + 1), low = bits & ((2u << element) - 1);
    unsigned step = element && (bits >> element & 1) && members > 1 ? 2 : 1, asked = 0;
    bool load = x->word >> 21 & 1, bad = false;
    ir_ref guard[4], v[4];
    switch (members) { /* index_align (A8.8.321 and its kin) */
    case 1:
        bad = element == 0 ? low != 0 : element == 1 ? (low & 2) : low != 0 && low != 3;
        asked = element == 1 && (low & 1) ? 1 : element == 2 && low == 3 ? 2 : 0;
        bad = bad || (element == 2 && (low & 4));
        break;
    case 2:
        bad = element == 2 && (low & 2);
        asked = low & 1 ? element + 1 : 0;
        break;
    case 3: bad = element == 2 ? (low & 3) != 0 : (low & 1) != 0; break;
    default:
        bad = element == 2 && (low & 3) == 3;
        asked = element == 2 ? (low & 3) ? (low & 3) + 2 : 0 : low & 1 ? element + 2 : 0;
        break;
    }
    if (bad || n == 15 || d + (members - 1) * step >= 32) {
        ax_undefined(x);
        return;
    }
    unsigned aux = ax_mem(x, element), size = 1u << element;
    ir_ref address = ax_reg(x, n);
    for (unsigned k = 0; k < members; k++)
        guard[k] = ir_guard(b, element | alignment(x, k ? 0 : asked, element) | (load ? IR_MEM_READ : IR_MEM_WRITE),
                            at(x, address, k * size));
    uint16_t field = (uint16_t)(index * 8 * size | 8 * size << 8);
    for (unsigned k = 0; k < members; k++) {
        ir_ref old = vfp_bits(x, vfp_get_d(x, d + k * step));
        if (load) {
            v[k] = ir_op1(b, IR_ZEXT, IR_I64, 32, ir_load_at(b, IR_I32, aux, guard[k], 0));
            v[k] = vfp_float(x, ir_op2(b, IR_INSERT, IR_I64, field, old, v[k]));
        } else {
            ir_ref e = ir_op1(b, IR_TRUNC, IR_I32, 0, ir_op1(b, IR_EXTRACT, IR_I64, field, old));
            ir_store_at(b, aux, guard[k], 0, e);
        }
    }
    write_back(x, members * size);
    for (unsigned k = 0; load && k < members; k++)
        vfp_put_d(x, d + k * step, v[k]);
}

/* VLD1 to VLD4, single element to all lanes. */
void emit_neon_ld_all(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned element = x->word >> 6 & 3, members = (x->word >> 8 & 3) + 1, d = neon_d(x), n = x->word >> 16 & 15;
    bool a = x->word >> 4 & 1, t = x->word >> 5 & 1;
    unsigned step = t && members > 1 ? 2 : 1, regs = members > 1 ? members : t ? 2 : 1, asked = 0;
    bool bad = !(x->word >> 21 & 1);
    if (members == 4 && element == 3) { /* words, 128 bits aligned */
        bad = bad || !a;
        element = 2;
        asked = 4;
    } else if (element == 3 || (members == 3 && a) || (members == 1 && element == 0 && a)) {
        bad = true;
    } else if (a) {
        asked = members == 1 ? element : members == 2 ? element + 1 : element == 2 ? 3 : element + 2;
    }
    if (bad || n == 15 || d + (regs - 1) * step >= 32) {
        ax_undefined(x);
        return;
    }
    ir_ref address = ax_reg(x, n), guard[4], v[4];
    unsigned size = 1u << element;
    for (unsigned k = 0; k < members; k++)
        guard[k] = ir_guard(b, element | alignment(x, k ? 0 : asked, element) | IR_MEM_READ, at(x, address, k * size));
    for (unsigned k = 0; k < members; k++) {
        ir_ref e = ir_load_at(b, IR_I32, ax_mem(x, element), guard[k], 0);
        v[k] = v_half(x, ir_op1(b, IR_VSPLAT, IR_V128, (uint16_t)element, e), 0);
    }
    write_back(x, members * size);
    for (unsigned k = 0; k < regs; k++)
        vfp_put_d(x, d + k * step, v[members > 1 ? k : 0]);
}
