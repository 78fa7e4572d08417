/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exclusive accesses, swaps, barriers (0406C A3.4, A3.8).
 *
 * LDREX notes address and value; STREX stores if memory still holds that value, in one atomic step of the host.  A
 * value that changed and came back is not seen, which no program can rely on: the architecture lets a monitor be
 * lost, and all uses compare values.
 */
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"

#define OFFSET(field) offsetof(struct arm_cpu, field)

static ir_ref noted_address(struct xlat *x, ir_ref address)
{
    return ax_wide(x, address, false);
}

/* Address, registers of the value and of the status, of ARM's and both Thumb encodings. */
struct exclusive {
    ir_ref address;
    unsigned rt, rt2, rd;
};

static struct exclusive operands(struct xlat *x, unsigned size, bool load)
{
    struct exclusive e = {.address = ax_reg(x, ax_bits(x, 16, 4))};
    if (!x->thumb) {
        e.rd = ax_bits(x, 12, 4);
        e.rt = load ? e.rd : ax_bits(x, 0, 4);
        e.rt2 = e.rt + 1;
    } else if (size == 2) {
        e.address = ax_add(x, e.address, ax_bits(x, 0, 8) * 4);
        e.rt = ax_bits(x, 12, 4);
        e.rd = ax_bits(x, 8, 4);
    } else {
        e.rt = ax_bits(x, 12, 4);
        e.rt2 = ax_bits(x, 8, 4);
        e.rd = ax_bits(x, 0, 4);
    }
    return e;
}

void emit_ldrex(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned size = x->row->aux & SYNC_SIZE, aux = ax_mem(x, size);
    struct exclusive e = operands(x, size, true);
    enum ir_type t = size == 3 ? IR_I64 : IR_I32;
    ir_ref v = ir_load(b, t, aux | IR_MEM_ALIGN(size), e.address);
    ir_ststate(b, 3, OFFSET(exclusive_address), noted_address(x, e.address));
    ir_ststate(b, 3, OFFSET(exclusive_value), size == 3 ? v : ax_wide(x, v, false));
    ir_ststate(b, 2, OFFSET(exclusive_size), ax_i32(x, size));
    if (size < 3) {
        ax_put(x, e.rt, v);
        return;
    }
    bool big = aux & IR_MEM_BIG; /* then the first word is the upper half */
    ax_put(x, e.rt, big ? ax_high(x, v) : ax_low(x, v));
    ax_put(x, e.rt2, big ? ax_low(x, v) : ax_high(x, v));
}

void emit_strex(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned size = x->row->aux & SYNC_SIZE, aux = ax_mem(x, size);
    struct exclusive e = operands(x, size, false);
    enum ir_type t = size == 3 ? IR_I64 : IR_I32;
    bool big = aux & IR_MEM_BIG;
    ir_ref value = ax_reg(x, e.rt);
    if (size == 3)
        value = big ? ax_pair(x, ax_reg(x, e.rt2), value) : ax_pair(x, value, ax_reg(x, e.rt2));
    ir_ref guard = ir_guard(b, aux | IR_MEM_READ | IR_MEM_WRITE | IR_MEM_ALIGN(size), e.address);
    ir_ref noted = ir_ldstate(b, IR_I64, 3, OFFSET(exclusive_address));
    ir_ref expected = ir_ldstate(b, IR_I64, 3, OFFSET(exclusive_value));
    ir_ref held = ir_bin(b, IR_AND, ir_icmp(b, IR_EQ, noted, noted_address(x, e.address)),
                         ir_icmp(b, IR_EQ, ir_ldstate(b, IR_I32, 2, OFFSET(exclusive_size)), ax_i32(x, size)));
    if (size < 3)
        expected = ax_low(x, expected);
    /* without the monitor: swaps a value for itself */
    ir_ref old = ir_atomic(b, IR_CAS, t, aux, guard, expected, ir_select(b, held, value, expected));
    if (size < 2)
        old = ax_and(x, old, size ? 0xffff : 0xff);
    ir_ststate(b, 3, OFFSET(exclusive_address), ir_const(b, IR_I64, ~UINT64_C(0)));
    ax_put(x, e.rd, ir_select(b, held, ir_icmp(b, IR_NE, old, expected), ax_i32(x, 1)));
}

void emit_clrex(struct xlat *x)
{
    ir_ststate(x->b, 3, OFFSET(exclusive_address), ir_const(x->b, IR_I64, ~UINT64_C(0)));
}

void emit_swp(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned size = x->row->aux & SYNC_SIZE;
    ir_ref address = ax_reg(x, x->rn), at = address, value = ax_reg(x, x->rm), old;
    bool rotate = size == 2 && ax_legacy(x);
    if (rotate)
        at = ax_and(x, address, ~3u);
    ir_ref guard = ir_guard(b, ax_mem(x, size) | IR_MEM_READ | IR_MEM_WRITE | (rotate ? 0 : IR_MEM_ALIGN(size)), at);
    if (x->mode & ARM_KEY_USER) {
        old = ir_atomic(b, IR_XCHG, IR_I32, ax_mem(x, size), guard, value, IR_NONE);
    } else { /* all processors of a machine run on one thread */
        old = ir_load_at(b, IR_I32, ax_mem(x, size), guard, 0);
        ir_store_at(b, ax_mem(x, size), guard, 0, value);
    }
    if (!size)
        old = ax_and(x, old, 0xff);
    if (rotate)
        old = ir_bin(b, IR_ROR, old, ir_bin(b, IR_SHL, ax_and(x, address, 3), ax_i32(x, 3)));
    ax_put(x, x->rd, old);
}

void emit_barrier(struct xlat *x)
{
    ir_fence(x->b);
}
