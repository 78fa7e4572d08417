/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Status registers, hints and coprocessors (0406C A5.2.11, A5.2.12, B9.3).
 */
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"

#define OFFSET(field) offsetof(struct arm_cpu, field)

/* ------------------------------------------------------------------------------------------- CPSR */

static uint64_t helper_mrs(struct jit_cpu *cpu, uint32_t spsr)
{
    return arm_read_status((struct arm_cpu *)cpu, spsr);
}
static const struct ir_helper mrs_helper = {"arm_mrs", helper_mrs, IR_HELPER_READS, 1, IR_I32, {IR_I32}};

void emit_mrs(struct xlat *x)
{
    ir_ref arg[] = {ax_i32(x, ax_bits(x, x->thumb ? 20 : 22, 1))};
    if (ax_bits(x, x->thumb ? 20 : 22, 1) && !(x->mode & ARM_KEY_PRIVILEGED)) {
        ax_undefined(x);
        return;
    }
    ax_put(x, x->rd, ir_call(x->b, &mrs_helper, arg));
}

static uint64_t helper_msr(struct jit_cpu *cpu, uint32_t value, uint32_t bytes, uint32_t spsr)
{
    arm_write_status((struct arm_cpu *)cpu, value, bytes, spsr);
    return 0;
}
static const struct ir_helper msr_helper = {
    "arm_msr", helper_msr, IR_HELPER_READS | IR_HELPER_WRITES, 3, IR_VOID, {IR_I32, IR_I32, IR_I32},
};

static void write_status(struct xlat *x, ir_ref value, unsigned bytes, bool spsr)
{
    struct ir_builder *b = x->b;
    if (!spsr && !(x->mode & ARM_KEY_PRIVILEGED))
        bytes &= x->features & ARM_V6 ? 14 : 8;
    if (spsr && !(x->mode & ARM_KEY_PRIVILEGED)) {
        ax_undefined(x);
        return;
    }
    if (!spsr && !(bytes & 7)) { /* flags only */
        flags_set_nzcv(x, ir_bin(b, IR_SHR, value, ax_i32(x, 28)));
        if (x->features & ARM_V5E)
            ax_put_slot(x, SLOT_Q, ax_extract(x, value, 27, 1));
        return;
    }
    ir_ref arg[] = {value, ax_i32(x, bytes), ax_i32(x, spsr)};
    ir_call(b, &msr_helper, arg);
    ax_end_dispatch(x);
}

void emit_msr(struct xlat *x)
{
    unsigned bytes = x->thumb ? ax_bits(x, 8, 4) : ax_bits(x, 16, 4);
    write_status(x, ax_reg(x, x->thumb ? ax_bits(x, 16, 4) : ax_bits(x, 0, 4)), bytes, ax_bit(x, x->thumb ? 20 : 22));
}

void emit_msr_imm(struct xlat *x)
{
    unsigned rotate = ax_bits(x, 8, 4) * 2;
    uint32_t imm = ax_bits(x, 0, 8);
    if (rotate)
        imm = imm >> rotate | imm << (32 - rotate);
    write_status(x, ax_i32(x, imm), ax_bits(x, 16, 4), ax_bit(x, 22));
}

void emit_setend(struct xlat *x)
{
    unsigned e = x->thumb ? ax_bit(x, 3) : ax_bit(x, 9);
    ir_ref arg[] = {ax_i32(x, e ? ARM_CPSR_E : 0), ax_i32(x, 2), ax_i32(x, 0)};
    ir_call(x->b, &msr_helper, arg);
    ax_end_dispatch(x);
}

void emit_hint(struct xlat *x)
{
    /* NOP, YIELD, WFE, SEV, DBG */
}

/* ------------------------------------------------------------------------------------------- coprocessors */

/* Registers that programs may use: thread registers (B4.1.150), barriers and their v6 forms (B4.2). */
static bool user_cp15(struct xlat *x, unsigned op1, unsigned crn, unsigned crm, unsigned op2, bool read)
{
    struct ir_builder *b = x->b;
    unsigned rt = ax_bits(x, 12, 4);
    uint32_t v6k = x->features & (ARM_V6K | ARM_V7);
    if (op1)
        return false;
    if (crn == 13 && crm == 0 && v6k && (op2 == 2 || (op2 == 3 && read))) {
        uint32_t offset = op2 == 2 ? OFFSET(tpidrurw) : OFFSET(tpidruro);
        if (read)
            ax_put(x, rt, ir_ldstate(b, IR_I32, 2, offset));
        else
            ir_ststate(b, 2, offset, ax_reg(x, rt));
        return true;
    }
    if (crn == 7 && !read && (x->features & ARM_V6) &&
        ((crm == 10 && (op2 == 4 || op2 == 5)) || (crm == 5 && op2 == 4))) {
        ir_fence(b);
        return true;
    }
    return false;
}

void emit_coproc_move(struct xlat *x) /* MCR, MRC */
{
    unsigned cp = ax_bits(x, 8, 4);
    bool read = ax_bit(x, 20);
    if (cp == 15 && user_cp15(x, ax_bits(x, 21, 3), ax_bits(x, 16, 4), ax_bits(x, 0, 4), ax_bits(x, 5, 3), read))
        return;
    ax_undefined(x);
}

void emit_coproc_pair(struct xlat *x) /* MCRR, MRRC */
{
    ax_undefined(x);
}

void emit_coproc_other(struct xlat *x) /* CDP, LDC, STC */
{
    ax_undefined(x);
}

/* ------------------------------------------------------------------------------------------- privileged */

void emit_cps(struct xlat *x)
{
    if (x->mode & ARM_KEY_PRIVILEGED)
        ax_undefined(x);
}

void emit_rfe(struct xlat *x)
{
    ax_undefined(x);
}

void emit_srs(struct xlat *x)
{
    ax_undefined(x);
}

void emit_smc(struct xlat *x)
{
    ax_undefined(x);
}

void emit_w_exception_return(struct xlat *x)
{
    ax_undefined(x);
}

void ax_unprivileged(struct xlat *x, unsigned how, unsigned rt, ir_ref address, unsigned rn, ir_ref moved)
{
    ax_undefined(x);
}

void ax_multiple_privileged(struct xlat *x, bool load, uint32_t list, ir_ref address, ir_ref moved)
{
    ax_undefined(x);
}

void ax_exception_return(struct xlat *x, ir_ref target, ir_ref cpsr)
{
    ax_undefined(x);
}
