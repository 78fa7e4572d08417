/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loads, stores, atomics, alternate spaces, and the loads and stores of floating-point registers
 * (appendix B.1 to B.8, B.32).
 */
#include "emulator/cpu/sparc/internal.h"

#define SIZE(aux)  ((aux)&7u)
#define SIGNED     8u
#define EXCHANGE   16u
#define WHOLE      32u /* 64 bits in one register (V9) */
#define OFFSET(field) offsetof(struct sparc_cpu, field)

static unsigned aligned(unsigned size)
{
    return size | IR_MEM_BIG | IR_MEM_ALIGN(size);
}

/* A load into %g0 must reach a device too: its value goes where nobody looks. */
static void put_loaded(struct xlat *x, unsigned rd, ir_ref value)
{
    if (rd)
        x_put(x, rd, value);
    else
        ir_ststate(x->b, x->T == IR_I64 ? 3 : 2, OFFSET(alt_value[1]), value);
}

void emit_load(struct xlat *x)
{
    unsigned aux = x->row->aux;
    unsigned sign = aux & SIGNED ? IR_MEM_SIGNED : 0;
    put_loaded(x, field_rd(x->word), ir_load(x->b, x->T, aligned(SIZE(aux)) | sign, x_address(x)));
}

void emit_store(struct xlat *x)
{
    ir_ref value = x_reg(x, field_rd(x->word));
    unsigned size = SIZE(x->row->aux);
    if (size < 3)
        value = x_low32(x, value);
    ir_store(x->b, aligned(size), x_address(x), value);
}

void emit_ldd(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned rd = field_rd(x->word);
    ir_ref guard = ir_guard(b, aligned(3) | IR_MEM_READ, x_address(x));
    ir_ref high = ir_load_at(b, x->T, 2 | IR_MEM_BIG, guard, 0);
    ir_ref low = ir_load_at(b, x->T, 2 | IR_MEM_BIG, guard, 4);
    put_loaded(x, rd, high);
    x_put(x, rd + 1, low);
}

void emit_std(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned rd = field_rd(x->word);
    ir_ref high = x_low32(x, x_reg(x, rd)), low = x_low32(x, x_reg(x, rd + 1));
    ir_ref guard = ir_guard(b, aligned(3) | IR_MEM_WRITE, x_address(x));
    ir_store_at(b, 2 | IR_MEM_BIG, guard, 0, high);
    ir_store_at(b, 2 | IR_MEM_BIG, guard, 4, low);
}

/* In a machine all CPUs run on one thread, so that a load and a store are atomic there. */
static ir_ref exchange(struct xlat *x, unsigned size, ir_ref value)
{
    struct ir_builder *b = x->b;
    ir_ref guard = ir_guard(b, aligned(size) | IR_MEM_READ | IR_MEM_WRITE, x_address(x));
    if (x->i->mode & SPARC_MODE_USER)
        return ir_atomic(b, IR_XCHG, IR_I32, size | IR_MEM_BIG, guard, value, IR_NONE);
    ir_ref old = ir_load_at(b, IR_I32, size | IR_MEM_BIG, guard, 0);
    ir_store_at(b, size | IR_MEM_BIG, guard, 0, value);
    return old;
}

void emit_ldstub(struct xlat *x)
{
    ir_ref old = exchange(x, 0, x_i32(x, 0xff));
    put_loaded(x, field_rd(x->word), x_from32u(x, old));
}

void emit_swap(struct xlat *x)
{
    ir_ref old = exchange(x, 2, x_low32(x, x_reg(x, field_rd(x->word))));
    put_loaded(x, field_rd(x->word), x_from32u(x, old));
}

/* ------------------------------------------------------------------------------------- alternate spaces */

static ir_ref asi_of(struct xlat *x)
{
    if (x->v9 && field_i(x->word))
        return ir_ldstate(x->b, IR_I32, 2, OFFSET(asi));
    return x_i32(x, field_asi(x->word));
}

static ir_ref result64(struct xlat *x)
{
    return ir_ldstate(x->b, IR_I64, 3, OFFSET(alt_value[0]));
}

/* A helper reached a device, and what that did has to be looked at before the next instruction. */
static void leave_if_stopped(struct xlat *x)
{
    if (!(x->i->mode & SPARC_MODE_USER))
        x_dispatch_if(x, ir_ldstate(x->b, IR_I32, 2, OFFSET(jit.stop)));
}

void emit_load_alt(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned aux = x->row->aux, size = SIZE(aux), rd = field_rd(x->word);
    ir_ref arg[4] = {x_address(x), asi_of(x), x_i32(x, size)};
    if (aux & EXCHANGE) {
        arg[3] = size ? x_low32(x, x_reg(x, rd)) : x_i32(x, 0xff);
        x_trap_if_result(x, ir_call(b, &sparc_helper_swap_alt, arg));
    } else {
        x_trap_if_result(x, ir_call(b, &sparc_helper_load_alt, arg));
    }
    ir_ref value = result64(x);
    if (size == 3 && !(aux & WHOLE)) {
        ir_ref high = ir_bin(b, IR_SHR, value, ir_const(b, IR_I64, 32));
        ir_ref low = ir_op1(b, IR_ZEXT, IR_I64, 32, value);
        x_put(x, rd, x->v9 ? high : ir_op1(b, IR_TRUNC, IR_I32, 0, high));
        x_put(x, rd + 1, x->v9 ? low : ir_op1(b, IR_TRUNC, IR_I32, 0, low));
        leave_if_stopped(x);
        return;
    }
    if (aux & SIGNED)
        value = ir_op1(b, IR_SEXT, IR_I64, (uint16_t)(8u << size), value);
    x_put(x, rd, x->v9 ? value : ir_op1(b, IR_TRUNC, IR_I32, 0, value));
    leave_if_stopped(x);
}

void emit_store_alt(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned aux = x->row->aux, size = SIZE(aux), rd = field_rd(x->word), asi = field_asi(x->word);
    bool user = x->i->mode & SPARC_MODE_USER;
    if (!user && ((asi >= 0x0c && asi <= 0x1c && asi != 0x17) || asi == 0x36 || asi == 0x37))
        return; /* cache tags and data, cache flushes (appendix I.4); there is no cache to flush */
    ir_ref value;
    if (size == 3 && !(aux & WHOLE)) {
        ir_ref high = x_reg(x, rd), low = x_reg(x, rd + 1);
        high = x->v9 ? high : ir_op1(b, IR_ZEXT, IR_I64, 32, high);
        low = ir_op1(b, IR_ZEXT, IR_I64, 32, x_low32(x, low));
        value = ir_bin(b, IR_OR, ir_bin(b, IR_SHL, high, ir_const(b, IR_I64, 32)), low);
    } else {
        value = x_reg(x, rd);
        if (!x->v9)
            value = ir_op1(b, IR_ZEXT, IR_I64, 32, value);
    }
    ir_ref arg[4] = {x_address(x), asi_of(x), x_i32(x, size), value};
    x_trap_if_result(x, ir_call(b, &sparc_helper_store_alt, arg));
    if (!user && (asi == 3 || asi == 4))
        x_end_dispatch(x); /* mappings, the context or the mode may have changed */
    else
        leave_if_stopped(x);
}

static uint64_t helper_load_alt(struct jit_cpu *cpu, uint32_t address, uint32_t asi, uint32_t size)
{
    return sparc_alt_read((struct sparc_cpu *)cpu, address, asi, 1u << size);
}
const struct ir_helper sparc_helper_load_alt = {
    "sparc_load_alt", helper_load_alt, 0, 3, IR_I32, {IR_I32, IR_I32, IR_I32},
};

static uint64_t helper_store_alt(struct jit_cpu *jit, uint32_t address, uint32_t asi, uint32_t size, uint64_t value)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    cpu->alt_value[0] = value;
    return sparc_alt_write(cpu, address, asi, 1u << size);
}
const struct ir_helper sparc_helper_store_alt = {
    "sparc_store_alt", helper_store_alt, 0, 4, IR_I32, {IR_I32, IR_I32, IR_I32, IR_I64},
};

static uint64_t helper_swap_alt(struct jit_cpu *jit, uint32_t address, uint32_t asi, uint32_t size, uint32_t value)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    uint32_t trap = sparc_alt_read(cpu, address, asi, 1u << size);
    if (trap)
        return trap;
    uint64_t old = cpu->alt_value[0];
    cpu->alt_value[0] = value;
    trap = sparc_alt_write(cpu, address, asi, 1u << size);
    cpu->alt_value[0] = old;
    return trap;
}
const struct ir_helper sparc_helper_swap_alt = {
    "sparc_swap_alt", helper_swap_alt, 0, 4, IR_I32, {IR_I32, IR_I32, IR_I32, IR_I32},
};

/* FLUSH: the processor's instruction memory follows stores by itself (page flags) in a machine; a program's
 * pages carry no flags, so there the range is dropped. */
static uint64_t helper_flush(struct jit_cpu *cpu, uint32_t address)
{
    jit_invalidate_range(cpu->jit, address & ~7u, 8);
    return 0;
}
const struct ir_helper sparc_helper_flush = {"sparc_flush", helper_flush, 0, 1, IR_VOID, {IR_I32}};

void emit_flush(struct xlat *x)
{
    if (x->i->mode & SPARC_MODE_USER) {
        ir_ref arg[] = {x_address(x)};
        ir_call(x->b, &sparc_helper_flush, arg);
    }
    x_end_dispatch(x);
}

/* CASA [rs1] asi, rs2, rd: the plain address spaces in line, where no privilege is needed. */
void emit_casa(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned size = x->row->aux, rd = field_rd(x->word), asi = field_asi(x->word);
    bool supervisor = x->i->mode & SPARC_MODE_SUPERVISOR;
    bool plain = x->v9 ? field_i(x->word) || asi == 0x80 : asi == (supervisor ? 0x0b : 0x0a);
    if (!plain) {
        x_raise(x, supervisor ? SPARC_TT_ILLEGAL : SPARC_TT_PRIVILEGED);
        return;
    }
    enum ir_type t = size == 3 ? IR_I64 : IR_I32;
    ir_ref expected = x_reg(x, field_rs2(x->word)), fresh = x_reg(x, rd);
    if (size == 2) {
        expected = x_low32(x, expected);
        fresh = x_low32(x, fresh);
    }
    ir_ref address = x_low32(x, x_reg(x, field_rs1(x->word)));
    ir_ref guard = ir_guard(b, aligned(size) | IR_MEM_READ | IR_MEM_WRITE, address);
    ir_ref old = ir_atomic(b, IR_CAS, t, size | IR_MEM_BIG, guard, expected, fresh);
    put_loaded(x, rd, size == 3 ? old : x_from32u(x, old));
}

void emit_prefetch(struct xlat *x)
{
    /* a hint */
}

/* ------------------------------------------------------------------------------ floating-point registers */

void emit_ldf(struct xlat *x)
{
    ir_ref value = ir_load(x->b, IR_F32, aligned(2), x_address(x));
    x_put_single(x, field_rd(x->word), value);
}

void emit_stf(struct xlat *x)
{
    ir_store(x->b, aligned(2), x_address(x), x_get_single(x, field_rd(x->word)));
}

void emit_lddf(struct xlat *x)
{
    ir_ref value = ir_load(x->b, IR_F64, aligned(3), x_address(x));
    ir_put(x->b, x_double_slot(x, field_rd(x->word)), value);
}

void emit_stdf(struct xlat *x)
{
    ir_store(x->b, aligned(3), x_address(x), ir_get(x->b, x_double_slot(x, field_rd(x->word))));
}

static unsigned quad_slot(struct xlat *x, unsigned r)
{
    return SLOT_F0 + ((r & 0x1c) >> 1) + (x->v9 && (r & 1) ? 16 : 0);
}

void emit_ldq(struct xlat *x)
{
    unsigned slot = quad_slot(x, field_rd(x->word));
    ir_ref guard = ir_guard(x->b, 4 | IR_MEM_BIG | IR_MEM_ALIGN(2) | IR_MEM_READ, x_address(x));
    ir_ref high = ir_load_at(x->b, IR_F64, 3 | IR_MEM_BIG, guard, 0);
    ir_ref low = ir_load_at(x->b, IR_F64, 3 | IR_MEM_BIG, guard, 8);
    ir_put(x->b, slot, high);
    ir_put(x->b, slot + 1, low);
}

void emit_stq(struct xlat *x)
{
    unsigned slot = quad_slot(x, field_rd(x->word));
    ir_ref guard = ir_guard(x->b, 4 | IR_MEM_BIG | IR_MEM_ALIGN(2) | IR_MEM_WRITE, x_address(x));
    ir_store_at(x->b, 3 | IR_MEM_BIG, guard, 0, ir_get(x->b, slot));
    ir_store_at(x->b, 3 | IR_MEM_BIG, guard, 8, ir_get(x->b, slot + 1));
}

/* Spaces from here on, and those that %asi names, may be VIS's: they move more or less than a register. */
static bool is_vis_space(struct xlat *x)
{
    return x->row->aux == 3 && (x->features & SPARC_VIS) && (field_i(x->word) || field_asi(x->word) >= 0x70);
}

void emit_ldf_alt(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned size = x->row->aux, rd = field_rd(x->word);
    if (is_vis_space(x)) {
        x_vis_memory(x, false);
        return;
    }
    ir_ref arg[] = {x_address(x), asi_of(x), x_i32(x, size)};
    x_trap_if_result(x, ir_call(b, &sparc_helper_load_alt, arg));
    ir_ref value = result64(x);
    if (size == 3)
        ir_put(b, x_double_slot(x, rd), ir_op1(b, IR_BITCAST, IR_F64, 0, value));
    else
        x_put_single(x, rd, ir_op1(b, IR_BITCAST, IR_F32, 0, ir_op1(b, IR_TRUNC, IR_I32, 0, value)));
}

void emit_stf_alt(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned size = x->row->aux, rd = field_rd(x->word);
    if (is_vis_space(x)) {
        x_vis_memory(x, true);
        return;
    }
    ir_ref value = size == 3 ? ir_op1(b, IR_BITCAST, IR_I64, 0, ir_get(b, x_double_slot(x, rd)))
                             : ir_op1(b, IR_ZEXT, IR_I64, 32, ir_op1(b, IR_BITCAST, IR_I32, 0, x_get_single(x, rd)));
    ir_ref arg[] = {x_address(x), asi_of(x), x_i32(x, size), value};
    x_trap_if_result(x, ir_call(b, &sparc_helper_store_alt, arg));
}

/* LDFSR writes RD, TEM, NS, fcc, aexc and cexc; STFSR clears ftt (4.4). V9's rd = 1 forms have 64 bits. */
void emit_ldfsr(struct xlat *x)
{
    struct ir_builder *b = x->b;
    bool wide = x->v9 && field_rd(x->word) == 1;
    ir_ref value = ir_load(b, wide ? IR_I64 : IR_I32, aligned(wide ? 3 : 2), x_address(x));
    ir_ref arg[] = {value};
    ir_call(b, wide ? &sparc_helper_write_xfsr : &sparc_helper_write_fsr, arg);
    x_end_dispatch(x);
}

void emit_stfsr(struct xlat *x)
{
    struct ir_builder *b = x->b;
    bool wide = x->v9 && field_rd(x->word) == 1;
    ir_ref value = ir_call(b, wide ? &sparc_helper_read_xfsr : &sparc_helper_read_fsr, NULL);
    ir_store(b, aligned(wide ? 3 : 2), x_address(x), value);
    ir_ref fsr = ir_ldstate(b, IR_I32, 2, OFFSET(fsr));
    ir_ststate(b, 2, OFFSET(fsr), ir_bin(b, IR_AND, fsr, x_i32(x, ~SPARC_FSR_FTT)));
}

/* STDFQ stores the front of the queue, which is removed once it is in memory. */
void emit_stdfq(struct xlat *x)
{
    struct ir_builder *b = x->b;
    if (!(x->i->mode & SPARC_MODE_FPU)) {
        x_raise(x, SPARC_TT_FP_DISABLED);
        return;
    }
    ir_ref arg[] = {x_i32(x, 0)};
    x_trap_if_result(x, ir_call(b, &sparc_helper_stdfq, arg));
    ir_ref guard = ir_guard(b, aligned(3) | IR_MEM_WRITE, x_address(x));
    ir_store_at(b, 2 | IR_MEM_BIG, guard, 0, ir_ldstate(b, IR_I32, 2, OFFSET(fpq_address[0])));
    ir_store_at(b, 2 | IR_MEM_BIG, guard, 4, ir_ldstate(b, IR_I32, 2, OFFSET(fpq_insn[0])));
    ir_ref remove[] = {x_i32(x, 1)};
    ir_call(b, &sparc_helper_stdfq, remove);
    x_end_dispatch(x);
}
