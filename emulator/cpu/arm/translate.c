/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From one guest instruction to IR: what all emitters share, and the JIT's row.
 */
#include "emulator/cpu/arm/internal.h"

/* ------------------------------------------------------------------------------------------- operands */

ir_ref x_reg(struct xlat *x, unsigned r)
{
    return r < 15 ? ir_get(x->b, r) : x_i32(x, x->pc + (x->thumb ? 4 : 8));
}

ir_ref x_pc_aligned(struct xlat *x)
{
    return x_i32(x, (x->pc + (x->thumb ? 4 : 8)) & ~3u);
}

void x_put_slot(struct xlat *x, unsigned slot, ir_ref value)
{
    if (x->pass != IR_NONE)
        value = ir_select(x->b, x->pass, value, ir_get(x->b, slot));
    ir_put(x->b, slot, value);
}

void x_put(struct xlat *x, unsigned r, ir_ref value)
{
    x_put_slot(x, r, value);
}

unsigned x_mem(const struct xlat *x, unsigned size)
{
    return size | (x->mode & (ARM_KEY_BIG_DATA | ARM_KEY_BE32) ? IR_MEM_BIG : 0);
}

void x_set_nzcv(struct xlat *x, ir_ref nzcv)
{
    x_put_slot(x, SLOT_FLAG_A, nzcv);
    x_put_slot(x, SLOT_FLAG_KIND, x_i32(x, ARM_FLAGS_PACKED));
}

/* ------------------------------------------------------------------------------------------- leaving */

void x_raise(struct xlat *x, uint32_t reason, ir_ref info)
{
    ir_raise(x->b, reason, info);
    x->ended = true;
    x->i->flow = JIT_END;
}

void x_undefined(struct xlat *x)
{
    x_raise(x, ARM_EXC_UNDEFINED, IR_NONE);
}

void x_end_dispatch(struct xlat *x)
{
    ir_insn_done(x->b);
    x->i->n_done++;
    ir_exit(x->b, IR_EXIT_DISPATCH, IR_HINT_NONE, x->i->next_pc, 0, IR_NONE, IR_NONE);
    x->ended = true;
    x->i->flow = JIT_END;
}

/* ---------------------------------------------------------------------------------------- instruction */

static void translate(struct ir_builder *b, struct jit_insn *i)
{
    struct xlat x = {.b = b, .i = i, .pc = (uint32_t)i->pc & ~1u, .thumb = i->pc & PC_T, .cond = 14};
    i->n_insns = 1;
    i->n_done = 0;
    i->size = x.thumb ? 2 : 4;
    i->hint = IR_HINT_NONE;
    i->next_pc = i->pc + i->size;
    x_undefined(&x);
}

/* ------------------------------------------------------------------------------------------- the JIT's row */

static bool raise_exception(struct jit_cpu *cpu)
{
    return false;
}

static bool lookup(struct jit_cpu *cpu, uint64_t address, enum jit_access access, bool commit,
                   struct jit_translation *out)
{
    cpu->exit_reason = access == JIT_FETCH ? ARM_EXC_PREFETCH_ABORT : ARM_EXC_DATA_ABORT;
    cpu->exit_info = (uint32_t)address;
    return false;
}

static void misaligned(struct jit_cpu *cpu, uint64_t address, enum jit_access access)
{
    cpu->exit_reason = ARM_EXC_ALIGNMENT;
    cpu->exit_info = (uint32_t)address;
}

#define STATE(n, t) {#n, t, false, offsetof(struct arm_cpu, n)}
#define REG(n)      {"r" #n, IR_I32, false, offsetof(struct arm_cpu, r[n])}
#define DOUBLE(n)   {"d" #n, IR_F64, false, offsetof(struct arm_cpu, d[n])}

static const struct ir_slot slots[ARM_N_SLOTS] = {
    REG(0),     REG(1),     REG(2),     REG(3),     REG(4),     REG(5),     REG(6),     REG(7),
    REG(8),     REG(9),     REG(10),    REG(11),    REG(12),    REG(13),    REG(14),
    [SLOT_FLAG_KIND] = STATE(flag_kind, IR_I32),
    [SLOT_FLAG_A] = STATE(flag_a, IR_I32),
    [SLOT_FLAG_B] = STATE(flag_b, IR_I32),
    [SLOT_FLAG_C] = STATE(flag_c, IR_I32),
    [SLOT_FLAG_NZ] = STATE(flag_nz, IR_I32),
    [SLOT_Q] = STATE(q, IR_I32),
    [SLOT_GE] = STATE(ge, IR_I32),
    [SLOT_FP_NZCV] = STATE(fp_nzcv, IR_I32),
    [SLOT_D0] = DOUBLE(0), DOUBLE(1),  DOUBLE(2),  DOUBLE(3),  DOUBLE(4),  DOUBLE(5),  DOUBLE(6),  DOUBLE(7),
    DOUBLE(8),  DOUBLE(9),  DOUBLE(10), DOUBLE(11), DOUBLE(12), DOUBLE(13), DOUBLE(14), DOUBLE(15),
    DOUBLE(16), DOUBLE(17), DOUBLE(18), DOUBLE(19), DOUBLE(20), DOUBLE(21), DOUBLE(22), DOUBLE(23),
    DOUBLE(24), DOUBLE(25), DOUBLE(26), DOUBLE(27), DOUBLE(28), DOUBLE(29), DOUBLE(30), DOUBLE(31),
};

static const struct jit_guest guest = {
    .name = "arm",
    .big_endian = false,
    .insn_shift = 1,
    .n_slots = ARM_N_SLOTS,
    .has_kind_slot = true,
    .kind_slot = SLOT_FLAG_KIND,
    .slot = slots,
    .state_size = sizeof(struct arm_cpu),
    .translate = translate,
    .lookup = lookup,
    .misaligned = misaligned,
    .raise = raise_exception,
    .fp_fix = arm_fp_fix,
    .disassemble = arm_disassemble,
};

const struct jit_guest *arm_model_guest(const struct arm_model *model)
{
    return &guest;
}
