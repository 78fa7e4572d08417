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

static uint64_t helper_setend(struct jit_cpu *jit, uint32_t e)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    arm_set_cpsr(cpu, (arm_get_cpsr(cpu) & ~ARM_CPSR_E) | e);
    return 0;
}
static const struct ir_helper setend_helper = {
    "arm_setend", helper_setend, IR_HELPER_READS | IR_HELPER_WRITES, 1, IR_VOID, {IR_I32},
};

void emit_setend(struct xlat *x)
{
    ir_ref arg[] = {ax_i32(x, ax_bit(x, x->thumb ? 3 : 9) ? ARM_CPSR_E : 0)};
    ir_call(x->b, &setend_helper, arg);
    ax_end_dispatch(x);
}

static uint64_t helper_wait(struct jit_cpu *jit)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    if (!cpu->irq_line && !cpu->fiq_line)
        jit->halted = true;
    return 0;
}
static const struct ir_helper wait_helper = {"arm_wait", helper_wait, 0, 0, IR_VOID, {0}};

void emit_hint(struct xlat *x)
{
    /* NOP, YIELD, WFE, SEV, DBG do nothing; WFI, which is an MSR of no bits before v6K */
    if ((x->thumb && x->size == 2 ? ax_bits(x, 4, 4) : ax_bits(x, 0, 8)) != 3 ||
        !(x->mode & ARM_KEY_PRIVILEGED) || !(x->features & ARM_V6K))
        return;
    ir_call(x->b, &wait_helper, NULL);
    ax_end_dispatch(x);
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

static uint64_t helper_cp15_read(struct jit_cpu *cpu, uint32_t name)
{
    uint32_t value;
    return arm_cp15_read((struct arm_cpu *)cpu, name, &value) ? value : UINT64_C(1) << 32;
}
static const struct ir_helper cp15_read_helper = {"arm_cp15_read", helper_cp15_read, 0, 1, IR_I64, {IR_I32}};

static uint64_t helper_cp15_write(struct jit_cpu *cpu, uint32_t name, uint32_t value)
{
    return !arm_cp15_write((struct arm_cpu *)cpu, name, value);
}
static const struct ir_helper cp15_write_helper = {
    "arm_cp15_write", helper_cp15_write, 0, 2, IR_I32, {IR_I32, IR_I32},
};

static void checked_cp15(struct xlat *x, uint32_t name, bool read)
{
    struct ir_builder *b = x->b;
    unsigned rt = ax_bits(x, 12, 4), crm = name >> 4 & 15;
    ir_ref arg[] = {ax_i32(x, name), read ? IR_NONE : ax_reg(x, rt)};
    if (!read) {
        if (name >> 8 == 7 && crm != 0 && crm != 4 && crm != 8) { /* caches and barriers */
            ir_fence(b);
            return;
        }
        ir_raise_if(b, ir_call(b, &cp15_write_helper, arg), ARM_EXC_UNDEFINED, IR_NONE);
        ax_end_dispatch(x);
        return;
    }
    ir_ref value = ir_call(b, &cp15_read_helper, arg);
    ir_raise_if(b, ir_icmp(b, IR_NE, ax_high(x, value), ax_i32(x, 0)), ARM_EXC_UNDEFINED, IR_NONE);
    if (rt == 15)
        flags_set_nzcv(x, ir_bin(b, IR_SHR, ax_low(x, value), ax_i32(x, 28)));
    else
        ax_put(x, rt, ax_low(x, value));
}

/* Debug, ThumbEE and Jazelle registers say that there is nothing (0406C C11, A2.10, B4.1). */
static bool cp14(struct xlat *x, unsigned op1, bool read)
{
    bool there = op1 == 0 ? x->features & ARM_V6 : op1 == 6 ? x->features & ARM_V7 : op1 == 7 && x->features & ARM_JAZELLE;
    if (!there || (!(x->mode & ARM_KEY_PRIVILEGED) && op1 != 7))
        return false;
    if (read && ax_bits(x, 12, 4) != 15)
        ax_put(x, ax_bits(x, 12, 4), ax_i32(x, 0));
    return true;
}

void emit_coproc_move(struct xlat *x) /* MCR, MRC */
{
    unsigned cp = ax_bits(x, 8, 4), op1 = ax_bits(x, 21, 3), crn = ax_bits(x, 16, 4), crm = ax_bits(x, 0, 4),
             op2 = ax_bits(x, 5, 3);
    bool read = ax_bit(x, 20);
    if (cp == 14 && cp14(x, op1, read))
        return;
    if (cp == 15 && user_cp15(x, op1, crn, crm, op2, read))
        return;
    bool performance = x->features & ARM_V7 && !op1 && crn == 9 && crm >= 12 && crm <= 14;
    if (cp == 15 && (x->mode & ARM_KEY_PRIVILEGED || performance))
        checked_cp15(x, op1 << 12 | crn << 8 | crm << 4 | op2, read);
    else
        ax_undefined(x);
}

void emit_coproc_pair(struct xlat *x) /* MCRR, MRRC: of v6, block cache operations (ARM1136 3.3.17) */
{
    bool write = !ax_bit(x, 20), v6 = (x->features & ARM_V6) && !(x->features & ARM_V7);
    if (!write || !v6 || ax_bits(x, 8, 4) != 15 || !(x->mode & ARM_KEY_PRIVILEGED))
        ax_undefined(x);
}

void emit_coproc_other(struct xlat *x) /* CDP, LDC, STC */
{
    ax_undefined(x);
}

/* ------------------------------------------------------------------------------------------- privileged */

static void exception_return(struct xlat *x, uint32_t reason, ir_ref info)
{
    ir_insn_done(x->b);
    if (!x->inside) {
        x->i->n_done++;
        x->i->flow = JIT_END;
    }
    ir_raise(x->b, reason, info);
    x->ended = true;
}

void ax_exception_return(struct xlat *x, ir_ref target, ir_ref cpsr)
{
    if (cpsr)
        exception_return(x, ARM_RAISE_RETURN_TO, ax_pair(x, target, cpsr));
    else
        exception_return(x, ARM_RAISE_RETURN, ax_wide(x, target, false));
}

void emit_w_exception_return(struct xlat *x) /* SUBS pc, lr, #n */
{
    if (x->mode & ARM_KEY_PRIVILEGED)
        ax_exception_return(x, ax_add(x, ax_reg(x, 14), -ax_bits(x, 0, 8)), IR_NONE);
    else
        ax_undefined(x);
}

/* CPS (B9.3.2): `how` has the new mode in bits 4..0, that there is one in bit 5, A I F in bits 8..6, and in bits 10..9
 * what to do with them: 2 enable, 3 disable. */
static uint64_t helper_cps(struct jit_cpu *jit, uint32_t how)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    uint32_t cpsr = arm_get_cpsr(cpu), masks = how & (ARM_CPSR_A | ARM_CPSR_I | ARM_CPSR_F);
    if (how >> 9 == 2)
        cpsr &= ~masks;
    else if (how >> 9 == 3)
        cpsr |= masks;
    if (how & 0x20)
        cpsr = (cpsr & ~ARM_CPSR_MODE) | (how & ARM_CPSR_MODE);
    arm_set_cpsr(cpu, cpsr);
    return 0;
}
static const struct ir_helper cps_helper = {
    "arm_cps", helper_cps, IR_HELPER_READS | IR_HELPER_WRITES, 1, IR_VOID, {IR_I32},
};

void emit_cps(struct xlat *x)
{
    uint32_t how;
    if (!(x->mode & ARM_KEY_PRIVILEGED)) /* does nothing then */
        return;
    if (!x->thumb) /* bits 19..18 imod, 17 M, 8..6 A I F, 4..0 mode */
        how = ax_bits(x, 18, 2) << 9 | ax_bits(x, 6, 3) << 6 | ax_bits(x, 17, 1) << 5 | ax_bits(x, 0, 5);
    else if (x->size == 2)
        how = (2 + ax_bits(x, 4, 1)) << 9 | ax_bits(x, 0, 3) << 6;
    else
        how = ax_bits(x, 9, 2) << 9 | ax_bits(x, 5, 3) << 6 | ax_bits(x, 8, 1) << 5 | ax_bits(x, 0, 5);
    ir_ref arg[] = {ax_i32(x, how)};
    ir_call(x->b, &cps_helper, arg);
    ax_end_dispatch(x);
}

void emit_smc(struct xlat *x)
{
    ax_raise(x, ARM_RAISE_SMC, IR_NONE);
}

/* P and U of RFE and SRS: where the lower word stands, relative to the base. */
static int32_t pair_offset(const struct xlat *x, bool *up)
{
    bool p = x->thumb ? !ax_bit(x, 23) : ax_bit(x, 24);
    *up = ax_bit(x, 23);
    return *up ? (p ? 4 : 0) : (p ? -8 : -4);
}

void emit_rfe(struct xlat *x)
{
    struct ir_builder *b = x->b;
    bool up;
    int32_t offset = pair_offset(x, &up);
    ir_ref base = ax_reg(x, x->rn), at = ax_add(x, base, (uint32_t)offset);
    ir_ref guard = ir_guard(b, 3 | IR_MEM_READ | IR_MEM_ALIGN(2), ax_legacy(x) ? ax_and(x, at, ~3u) : at);
    ir_ref pc = ir_load_at(b, IR_I32, ax_mem(x, 2), guard, 0), cpsr = ir_load_at(b, IR_I32, ax_mem(x, 2), guard, 4);
    if (ax_bit(x, 21))
        ax_put(x, x->rn, ax_add(x, base, up ? 8 : (uint32_t)-8));
    ax_exception_return(x, pc, cpsr);
}

static uint64_t helper_banked_sp(struct jit_cpu *cpu, uint32_t mode)
{
    return *arm_banked_sp((struct arm_cpu *)cpu, mode);
}
static const struct ir_helper banked_sp_helper = {"arm_banked_sp", helper_banked_sp, IR_HELPER_READS, 1, IR_I32, {IR_I32}};

static uint64_t helper_set_banked_sp(struct jit_cpu *cpu, uint32_t mode, uint32_t value)
{
    *arm_banked_sp((struct arm_cpu *)cpu, mode) = value;
    return 0;
}
static const struct ir_helper set_banked_sp_helper = {
    "arm_set_banked_sp", helper_set_banked_sp, IR_HELPER_READS | IR_HELPER_WRITES, 2, IR_VOID, {IR_I32, IR_I32},
};

void emit_srs(struct xlat *x)
{
    struct ir_builder *b = x->b;
    bool up;
    int32_t offset = pair_offset(x, &up);
    ir_ref mode[2] = {ax_i32(x, ax_bits(x, 0, 5))}, own[] = {ax_i32(x, 1)};
    ir_ref base = ir_call(b, &banked_sp_helper, mode), spsr = ir_call(b, &mrs_helper, own);
    ir_ref at = ax_add(x, base, (uint32_t)offset);
    ir_ref guard = ir_guard(b, 3 | IR_MEM_WRITE | IR_MEM_ALIGN(2), ax_legacy(x) ? ax_and(x, at, ~3u) : at);
    ir_store_at(b, ax_mem(x, 2), guard, 0, ax_reg(x, 14));
    ir_store_at(b, ax_mem(x, 2), guard, 4, spsr);
    if (ax_bit(x, 21)) {
        mode[1] = ax_add(x, base, up ? 8 : (uint32_t)-8);
        ir_call(b, &set_banked_sp_helper, mode);
    }
}

/* ---- user registers ---- */

static uint64_t helper_user_register(struct jit_cpu *cpu, uint32_t r)
{
    return *arm_user_register((struct arm_cpu *)cpu, r);
}
static const struct ir_helper user_register_helper = {
    "arm_user_register", helper_user_register, IR_HELPER_READS, 1, IR_I32, {IR_I32},
};

static uint64_t helper_set_user_register(struct jit_cpu *cpu, uint32_t r, uint32_t value)
{
    *arm_user_register((struct arm_cpu *)cpu, r) = value;
    return 0;
}
static const struct ir_helper set_user_register_helper = {
    "arm_set_user_register", helper_set_user_register, IR_HELPER_READS | IR_HELPER_WRITES, 2, IR_VOID, {IR_I32, IR_I32},
};

void ax_multiple_privileged(struct xlat *x, bool load, uint32_t list, ir_ref address, ir_ref moved)
{
    struct ir_builder *b = x->b;
    unsigned n = (unsigned)__builtin_popcount(list), k = 0;
    ir_ref value[16];
    bool back = load && list >> 15 & 1;
    if (!list || !(x->mode & ARM_KEY_PRIVILEGED)) {
        ax_undefined(x);
        return;
    }
    if (!load)
        for (unsigned r = 0; r < 16; r++)
            if (list >> r & 1) {
                ir_ref arg[] = {ax_i32(x, r)};
                value[k++] = r < 8 || r == 15 ? ax_reg(x, r) : ir_call(b, &user_register_helper, arg);
            }
    struct ax_span span = ax_span(x, load ? IR_MEM_READ : IR_MEM_WRITE, IR_MEM_ALIGN(2), address, n);
    for (k = 0; k < n; k++)
        if (load)
            value[k] = ir_load_at(b, IR_I32, ax_mem(x, 2), ax_span_guard(&span, k), ax_span_offset(&span, k));
        else
            ir_store_at(b, ax_mem(x, 2), ax_span_guard(&span, k), ax_span_offset(&span, k), value[k]);
    if (moved)
        ax_put(x, x->rn, moved);
    k = 0;
    for (unsigned r = 0; load && r < 15; r++) {
        if (!(list >> r & 1))
            continue;
        ir_ref arg[] = {ax_i32(x, r), value[k++]};
        if (r < 8 || back)
            ax_put(x, r, arg[1]);
        else
            ir_call(b, &set_user_register_helper, arg);
    }
    if (back)
        ax_exception_return(x, value[k], IR_NONE);
}

/* ---- as if unprivileged ---- value in, or value and that it failed out */

static uint64_t helper_unprivileged(struct jit_cpu *cpu, uint32_t address, uint32_t size, uint32_t write, uint32_t value)
{
    uint64_t v = value;
    return arm_unprivileged((struct arm_cpu *)cpu, address, size, write, &v) ? v : UINT64_C(1) << 32;
}
static const struct ir_helper unprivileged_helper = {
    "arm_unprivileged", helper_unprivileged, 0, 4, IR_I64, {IR_I32, IR_I32, IR_I32, IR_I32},
};

void ax_unprivileged(struct xlat *x, unsigned how, unsigned rt, ir_ref address, unsigned rn, ir_ref moved)
{
    struct ir_builder *b = x->b;
    bool write = !(how & MEM_LOAD), rotate = false;
    unsigned size = how & MEM_SIZE;
    ir_ref at = address;
    if (ax_legacy(x) && size) {
        at = ax_and(x, address, size == 2 ? ~3u : ~1u);
        rotate = size == 2 && !write;
    }
    ir_ref arg[] = {at, ax_i32(x, 1u << size), ax_i32(x, write), write ? ax_reg(x, rt) : ax_i32(x, 0)};
    ir_ref result = ir_call(b, &unprivileged_helper, arg);
    ir_raise_if(b, ir_icmp(b, IR_NE, ax_high(x, result), ax_i32(x, 0)), ARM_RAISE_FAULTED, IR_NONE);
    ir_ref v = ax_low(x, result);
    if (rotate)
        v = ir_bin(b, IR_ROR, v, ir_bin(b, IR_SHL, ax_and(x, address, 3), ax_i32(x, 3)));
    if (how & MEM_SIGNED)
        v = ax_sext(x, v, 8u << size);
    if (moved)
        ax_put(x, rn, moved);
    if (!write)
        ax_put(x, rt, v);
}
