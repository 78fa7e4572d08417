/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loads and stores (0406C A4.6, A8.8; unaligned ones: A3.2 and 0100I A2.8).
 */
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"

static unsigned alignment(const struct xlat *x, unsigned size)
{
    return x->mode & ARM_KEY_ALIGN_CHECK ? IR_MEM_ALIGN(size) : 0;
}

/* Several words: multiples of 4 (A3.2.1), but Linux does them for its programs all the same. */
static unsigned word_alignment(const struct xlat *x)
{
    return x->mode & ARM_KEY_USER || ax_legacy(x) ? 0 : IR_MEM_ALIGN(2);
}

static ir_ref load_value(struct xlat *x, unsigned how, ir_ref address)
{
    struct ir_builder *b = x->b;
    unsigned size = how & MEM_SIZE, sign = how & MEM_SIGNED ? IR_MEM_SIGNED : 0;
    if (!size || !ax_legacy(x))
        return ir_load(b, IR_I32, ax_mem(x, size) | sign | alignment(x, size), address);
    ir_ref v = ir_load(b, IR_I32, ax_mem(x, size) | sign, ax_and(x, address, size == 2 ? ~3u : ~1u));
    if (size == 2)
        v = ir_bin(b, IR_ROR, v, ir_bin(b, IR_SHL, ax_and(x, address, 3), ax_i32(x, 3)));
    return v;
}

static void store_value(struct xlat *x, unsigned how, ir_ref address, ir_ref value)
{
    unsigned size = how & MEM_SIZE;
    if (size && ax_legacy(x))
        address = ax_and(x, address, size == 2 ? ~3u : ~1u);
    ir_store(x->b, ax_mem(x, size) | alignment(x, size), address, value);
}

/* One register; the base becomes `moved` unless that is IR_NONE. */
static void transfer(struct xlat *x, unsigned how, unsigned rt, ir_ref address, unsigned rn, ir_ref moved)
{
    if (how & MEM_USER && x->mode & ARM_KEY_PRIVILEGED) {
        ax_unprivileged(x, how, rt, address, rn, moved);
        return;
    }
    if (!(how & MEM_LOAD)) {
        store_value(x, how, address, ax_reg(x, rt));
        if (moved)
            ax_put(x, rn, moved);
        return;
    }
    ir_ref v = load_value(x, how, address);
    if (moved)
        ax_put(x, rn, moved);
    if (rt == 15)
        ax_load_write_pc(x, v, rn == 13 && moved ? IR_HINT_RETURN : IR_HINT_NONE);
    else
        ax_put(x, rt, v);
}

/* Base and offset with the bits P U W of ARM and of most Thumb-2 encodings. */
static void indexed(struct xlat *x, unsigned how, unsigned rt, ir_ref offset, bool p, bool u, bool w)
{
    ir_ref base = x->rn == 15 ? ax_i32(x, ax_pc_aligned(x)) : ax_reg(x, x->rn);
    ir_ref moved = ir_bin(x->b, u ? IR_ADD : IR_SUB, base, offset);
    transfer(x, how, rt, p ? moved : base, x->rn, !p || w ? moved : IR_NONE);
}

/* ------------------------------------------------------------------------------------------- ARM */

void emit_a_mem_imm(struct xlat *x)
{
    unsigned how = (ax_bit(x, 22) ? 0 : 2) | (ax_bit(x, 20) ? MEM_LOAD : 0);
    bool p = ax_bit(x, 24), w = ax_bit(x, 21);
    indexed(x, how | (!p && w ? MEM_USER : 0), x->rd, ax_i32(x, ax_bits(x, 0, 12)), p, ax_bit(x, 23), w);
}

void emit_a_mem_reg(struct xlat *x)
{
    unsigned how = (ax_bit(x, 22) ? 0 : 2) | (ax_bit(x, 20) ? MEM_LOAD : 0);
    bool p = ax_bit(x, 24), w = ax_bit(x, 21);
    ir_ref carry, offset = ax_shift_imm(x, ax_reg(x, x->rm), ax_bits(x, 5, 2), ax_bits(x, 7, 5), &carry);
    indexed(x, how | (!p && w ? MEM_USER : 0), x->rd, offset, p, ax_bit(x, 23), w);
}

static ir_ref extra_offset(struct xlat *x)
{
    return ax_bit(x, 22) ? ax_i32(x, x->ra << 4 | x->rm) : ax_reg(x, x->rm);
}

void emit_a_extra(struct xlat *x)
{
    bool p = ax_bit(x, 24), w = ax_bit(x, 21);
    indexed(x, x->row->aux | (!p && w ? MEM_USER : 0), x->rd, extra_offset(x), p, ax_bit(x, 23), w);
}

static void dual(struct xlat *x, bool load, unsigned rt, unsigned rt2, ir_ref address, ir_ref moved)
{
    struct ir_builder *b = x->b;
    unsigned align =
        x->mode & ARM_KEY_ALIGN_CHECK ? IR_MEM_ALIGN(x->features & ARM_V7 ? 2 : 3) : word_alignment(x);
    if (ax_legacy(x))
        address = ax_and(x, address, ~7u);
    ir_ref guard = ir_guard(b, 3 | align | (load ? IR_MEM_READ : IR_MEM_WRITE), address);
    if (!load) {
        ir_store_at(b, ax_mem(x, 2), guard, 0, ax_reg(x, rt));
        ir_store_at(b, ax_mem(x, 2), guard, 4, ax_reg(x, rt2));
        if (moved)
            ax_put(x, x->rn, moved);
        return;
    }
    ir_ref first = ir_load_at(b, IR_I32, ax_mem(x, 2), guard, 0);
    ir_ref second = ir_load_at(b, IR_I32, ax_mem(x, 2), guard, 4);
    if (moved)
        ax_put(x, x->rn, moved);
    ax_put(x, rt, first);
    ax_put(x, rt2, second);
}

void emit_a_dual(struct xlat *x)
{
    bool p = ax_bit(x, 24), w = ax_bit(x, 21);
    ir_ref base = x->rn == 15 ? ax_i32(x, ax_pc_aligned(x)) : ax_reg(x, x->rn), offset = extra_offset(x);
    ir_ref moved = ir_bin(x->b, ax_bit(x, 23) ? IR_ADD : IR_SUB, base, offset);
    if (x->rd & 1) {
        ax_undefined(x);
        return;
    }
    dual(x, x->row->aux & MEM_LOAD, x->rd, x->rd + 1u, p ? moved : base, !p || w ? moved : IR_NONE);
}

/* ------------------------------------------------------------------------------------------- several
 * registers */

/* Registers of `list` from `address` upwards; the base becomes `moved` unless that is IR_NONE. */
static void multiple(struct xlat *x, bool load, unsigned rn, uint32_t list, ir_ref address, ir_ref moved)
{
    struct ir_builder *b = x->b;
    ir_ref value[16];
    unsigned n = (unsigned)__builtin_popcount(list), k = 0;
    if (!list) { /* unpredictable */
        ax_undefined(x);
        return;
    }
    if (ax_legacy(x))
        address = ax_and(x, address, ~3u);
    struct ax_span span = ax_span(x, load ? IR_MEM_READ : IR_MEM_WRITE, word_alignment(x), address, n);
    if (!load) {
        for (unsigned r = 0; r < 16; r++)
            if (list >> r & 1) {
                ir_store_at(b, ax_mem(x, 2), ax_span_guard(&span, k), ax_span_offset(&span, k), ax_reg(x, r));
                k++;
            }
        if (moved)
            ax_put(x, rn, moved);
        return;
    }
    for (k = 0; k < n; k++)
        value[k] = ir_load_at(b, IR_I32, ax_mem(x, 2), ax_span_guard(&span, k), ax_span_offset(&span, k));
    if (moved)
        ax_put(x, rn, moved);
    k = 0;
    for (unsigned r = 0; r < 15; r++)
        if (list >> r & 1)
            ax_put(x, r, value[k++]);
    if (list >> 15 & 1)
        ax_load_write_pc(x, value[k], rn == 13 || rn == 11 ? IR_HINT_RETURN : IR_HINT_NONE); /* 11: by a frame pointer */
}

/* All of them in one guard, or a guard for each: a unit reaches devices and pages that end in between. */
struct ax_span ax_span(struct xlat *x, unsigned access, unsigned align, ir_ref address, unsigned n)
{
    struct ax_span s = {.n = 1};
    bool single = (x->mode & ARM_KEY_USER) || n == 1;
    if (single) {
        s.guard[0] = ir_guard(x->b, 2 | access | align, address);
        return s;
    }
    if (!ir_is_unit(x->b)) {
        s.guard[0] = ir_guard_range(x->b, 2 | access | align, address, 4 * n);
        return s;
    }
    s.n = n;
    for (unsigned k = 0; k < n; k++)
        s.guard[k] = ir_guard(x->b, 2 | access | (k ? 0 : align), ax_add(x, address, 4 * k));
    return s;
}

void emit_a_multiple(struct xlat *x)
{
    bool p = ax_bit(x, 24), u = ax_bit(x, 23), w = ax_bit(x, 21), load = ax_bit(x, 20);
    uint32_t list = ax_bits(x, 0, 16), bytes = 4 * (uint32_t)__builtin_popcount(list);
    ir_ref base = ax_reg(x, x->rn);
    ir_ref low = u ? ax_add(x, base, p ? 4 : 0) : ax_add(x, base, (p ? 0 : 4) - bytes);
    ir_ref moved = w ? ax_add(x, base, u ? bytes : -bytes) : IR_NONE;
    if (ax_bit(x, 22))
        ax_multiple_privileged(x, load, list, ax_legacy(x) ? ax_and(x, low, ~3u) : low, moved);
    else
        multiple(x, load, x->rn, list, low, moved);
}

void emit_w_multiple(struct xlat *x)
{
    bool before = ax_bit(x, 24), w = ax_bit(x, 21);
    uint32_t list = ax_bits(x, 0, 16), bytes = 4 * (uint32_t)__builtin_popcount(list);
    unsigned rn = ax_bits(x, 16, 4);
    ir_ref base = ax_reg(x, rn), low = before ? ax_add(x, base, -bytes) : base;
    multiple(x, ax_bit(x, 20), rn, list, low, w ? ax_add(x, base, before ? -bytes : bytes) : IR_NONE);
}

void emit_t_push(struct xlat *x)
{
    uint32_t list = ax_bits(x, 0, 8) | (uint32_t)ax_bit(x, 8) << 14;
    ir_ref low = ax_add(x, ax_reg(x, 13), -4 * (uint32_t)__builtin_popcount(list));
    multiple(x, false, 13, list, low, low);
}

void emit_t_pop(struct xlat *x)
{
    uint32_t list = ax_bits(x, 0, 8) | (uint32_t)ax_bit(x, 8) << 15;
    ir_ref low = ax_reg(x, 13);
    multiple(x, true, 13, list, low, ax_add(x, low, 4 * (uint32_t)__builtin_popcount(list)));
}

void emit_t_multiple(struct xlat *x)
{
    bool load = ax_bit(x, 11);
    unsigned rn = ax_bits(x, 8, 3);
    uint32_t list = ax_bits(x, 0, 8);
    ir_ref low = ax_reg(x, rn), moved = ax_add(x, low, 4 * (uint32_t)__builtin_popcount(list));
    multiple(x, load, rn, list, low, load && list >> rn & 1 ? IR_NONE : moved);
}

/* ------------------------------------------------------------------------------------------- Thumb */

void emit_t_mem_reg(struct xlat *x)
{
    ir_ref address = ir_bin(x->b, IR_ADD, ax_reg(x, ax_bits(x, 3, 3)), ax_reg(x, ax_bits(x, 6, 3)));
    transfer(x, x->row->aux, ax_bits(x, 0, 3), address, 0, IR_NONE);
}

void emit_t_mem_imm(struct xlat *x)
{
    uint32_t offset = ax_bits(x, 6, 5) << (x->row->aux & MEM_SIZE);
    transfer(x, x->row->aux, ax_bits(x, 0, 3), ax_add(x, ax_reg(x, ax_bits(x, 3, 3)), offset), 0, IR_NONE);
}

void emit_t_mem_sp(struct xlat *x)
{
    transfer(x, x->row->aux, ax_bits(x, 8, 3), ax_add(x, ax_reg(x, 13), ax_bits(x, 0, 8) * 4), 0, IR_NONE);
}

void emit_t_literal(struct xlat *x)
{
    transfer(x, x->row->aux, ax_bits(x, 8, 3), ax_i32(x, ax_pc_aligned(x) + ax_bits(x, 0, 8) * 4), 0,
             IR_NONE);
}

void emit_w_dual(struct xlat *x) /* also the literal form */
{
    bool p = ax_bit(x, 24), w = ax_bit(x, 21);
    uint32_t offset = ax_bits(x, 0, 8) * 4;
    ir_ref base = x->rn == 15 ? ax_i32(x, ax_pc_aligned(x)) : ax_reg(x, x->rn);
    ir_ref moved = ax_add(x, base, ax_bit(x, 23) ? offset : -offset);
    dual(x, ax_bit(x, 20), x->ra, x->rd, p ? moved : base, w ? moved : IR_NONE);
}

/* Single loads and stores of 32-bit Thumb (A6.3.7 to A6.3.10). */
void emit_w_mem(struct xlat *x)
{
    unsigned how = x->row->aux, rt = x->ra;
    if (x->rn == 15 && (how & MEM_LOAD)) {
        indexed(x, how, rt, ax_i32(x, ax_bits(x, 0, 12)), true, ax_bit(x, 23), false);
    } else if (x->rn == 15) {
        ax_undefined(x);
    } else if (ax_bit(x, 23)) {
        indexed(x, how, rt, ax_i32(x, ax_bits(x, 0, 12)), true, true, false);
    } else if (ax_bit(x, 11)) {
        bool p = ax_bit(x, 10), u = ax_bit(x, 9), w = ax_bit(x, 8);
        if (!p && !w)
            ax_undefined(x);
        else
            indexed(x, how | (p && u && !w ? MEM_USER : 0), rt, ax_i32(x, ax_bits(x, 0, 8)), p, u, w);
    } else if (ax_bits(x, 6, 6)) {
        ax_undefined(x);
    } else {
        ir_ref offset = ir_bin(x->b, IR_SHL, ax_reg(x, x->rm), ax_i32(x, ax_bits(x, 4, 2)));
        indexed(x, how, rt, offset, true, true, false);
    }
}

void emit_preload(struct xlat *x)
{
    /* a hint */
}
