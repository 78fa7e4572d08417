/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VFP: instructions of coprocessors 10 and 11 and the floating-point state (0406C A2.6, A7.5).
 */
#include "emulator/cpu/arm/internal.h"

uint64_t arm_fp_fix(struct jit_cpu *cpu, const struct ir_insn *insn, uint64_t a, uint64_t b, uint64_t c)
{
    return insn->type == IR_F64 ? UINT64_C(0x7ff8000000000000) : 0x7fc00000;
}

void arm_fp_reset(struct arm_cpu *cpu, bool user_mode)
{
    cpu->fpscr = 0;
    cpu->fpexc = user_mode && (cpu->model->features & ARM_VFP2) ? 1u << 30 : 0;
    cpu->jit.mxcsr = 0x1f80;
}

uint32_t arm_fp_mode(const struct arm_cpu *cpu)
{
    return cpu->fpexc & 1u << 30 ? ARM_KEY_VFP : 0;
}

uint32_t arm_get_fpscr(struct arm_cpu *cpu)
{
    return cpu->fpscr | (cpu->fp_nzcv & ARM_CPSR_NZCV);
}

void arm_set_fpscr(struct arm_cpu *cpu, uint32_t fpscr)
{
    cpu->fp_nzcv = fpscr & ARM_CPSR_NZCV;
    cpu->fpscr = fpscr & ~ARM_CPSR_NZCV;
    arm_update_mode(cpu);
}

const struct arm_row arm_vfp_rows[] = {
    {0, 0, NULL, 0, NULL, 0, 0},
};
