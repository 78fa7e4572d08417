/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exceptions: entry, return, interrupts (0406C B1.8, B1.9; 0100I A2.6).
 */
#include "emulator/cpu/arm/internal.h"

/* Where vectors begin: high, or at VBAR with the Security Extensions (B1.8.1). */
static uint32_t vectors(const struct arm_cpu *cpu)
{
    if (cpu->sctlr & ARM_SCTLR_V)
        return 0xffff0000;
    return cpu->model->features & ARM_SECURITY ? cpu->vbar : 0;
}

/* Takes an exception: `link` is what LR becomes, `masks` the CPSR bits that are set. */
static void enter(struct arm_cpu *cpu, enum arm_processor_mode mode, uint32_t masks, uint32_t base, uint32_t vector,
                  uint32_t link)
{
    bool v6 = cpu->model->features & ARM_V6;
    uint32_t saved = arm_get_cpsr(cpu);
    arm_set_processor_mode(cpu, mode);
    *arm_spsr(cpu) = saved;
    cpu->r[14] = link;
    cpu->cpsr |= ARM_CPSR_I | (masks & (v6 ? ~0u : ~ARM_CPSR_A));
    if (v6)
        cpu->cpsr = (cpu->cpsr & ~ARM_CPSR_E) | (cpu->sctlr & ARM_SCTLR_EE ? ARM_CPSR_E : 0);
    cpu->jit.pc = (base + vector) | (cpu->model->features & ARM_V6T2 && cpu->sctlr & ARM_SCTLR_TE ? 1 : 0);
    arm_clear_exclusive(cpu);
    arm_update_mode(cpu);
}

static void take(struct arm_cpu *cpu, uint32_t reason)
{
    uint32_t pc = arm_get_pc(cpu), base = vectors(cpu);
    bool thumb = cpu->jit.pc & PC_T;
    switch (reason) {
    case ARM_EXC_UNDEFINED: enter(cpu, ARM_MODE_UND, 0, base, 0x04, pc + (thumb ? 2 : 4)); break;
    case ARM_EXC_SVC:
        arm_skip(cpu);
        enter(cpu, ARM_MODE_SVC, 0, base, 0x08, arm_get_pc(cpu));
        break;
    case ARM_EXC_BREAKPOINT:
        cpu->ifsr = 2;
        cpu->ifar = pc;
        /* fall through */
    case ARM_EXC_PREFETCH_ABORT: enter(cpu, ARM_MODE_ABT, ARM_CPSR_A, base, 0x0c, pc + 4); break;
    case ARM_EXC_ALIGNMENT:
    case ARM_RAISE_FAULTED:
    case ARM_EXC_DATA_ABORT: enter(cpu, ARM_MODE_ABT, ARM_CPSR_A, base, 0x10, pc + 8); break;
    case ARM_EXC_IRQ: enter(cpu, ARM_MODE_IRQ, ARM_CPSR_A, base, 0x18, pc + 4); break;
    case ARM_EXC_FIQ: enter(cpu, ARM_MODE_FIQ, ARM_CPSR_A | ARM_CPSR_F, base, 0x1c, pc + 4); break;
    case ARM_RAISE_SMC: /* the instruction has size 4 */
        enter(cpu, ARM_MODE_MON, ARM_CPSR_A | ARM_CPSR_F, cpu->mvbar, 0x08, pc + 4);
        break;
    default: break;
    }
}

/* CPSR and program counter at once: T and ITSTATE are CPSR's. */
static void go_back(struct arm_cpu *cpu, uint32_t target, uint32_t cpsr)
{
    arm_set_cpsr(cpu, cpsr);
    cpu->jit.pc = (cpu->jit.pc & (PC_T | PC_IT)) | (target & (cpsr & ARM_CPSR_T ? ~1u : ~3u));
    arm_interrupt(&cpu->jit);
}

bool arm_interrupt(struct jit_cpu *jit)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    if (jit->mode & ARM_KEY_USER)
        return false;
    if (cpu->fiq_line && !(cpu->cpsr & ARM_CPSR_F)) {
        jit->halted = false;
        take(cpu, ARM_EXC_FIQ);
        return true;
    }
    if (cpu->irq_line && !(cpu->cpsr & ARM_CPSR_I)) {
        jit->halted = false;
        take(cpu, ARM_EXC_IRQ);
        return true;
    }
    return false;
}

/* The second half of an instruction that lies across two pages: part of the program counter while it runs. */
static bool fetch_second_half(struct jit_cpu *jit)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    uint32_t at = ((uint32_t)jit->pc & ~1u) + 2;
    uint8_t half[2];
    if (!cpu->bus) {
        jit->exit_reason = ARM_EXC_PREFETCH_ABORT;
        jit->exit_info = at;
        if (!jit_user_copy(jit, at, half, 2, false))
            return false;
    } else {
        struct jit_translation t;
        if (!arm_lookup(jit, at, JIT_FETCH, true, &t))
            return false;
        half[0] = t.host[0];
        half[1] = t.host[1];
    }
    uint64_t second = (uint64_t)(half[1] << 8 | half[0]);
    if (jit->mode & ARM_KEY_BE32)
        second = GUINT16_SWAP_LE_BE((uint16_t)second);
    jit->pc |= PC_SECOND | second << PC_SECOND_SHIFT;
    return true;
}

bool arm_raise(struct jit_cpu *jit)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    if (jit->exit_reason == ARM_RAISE_SECOND_HALF && fetch_second_half(jit))
        return true;
    jit->pc &= ~(PC_SECOND | UINT64_C(0xffff) << PC_SECOND_SHIFT);
    if (jit->mode & ARM_KEY_USER)
        return false;
    switch (jit->exit_reason) {
    case ARM_RAISE_RETURN: go_back(cpu, (uint32_t)jit->exit_info, arm_read_status(cpu, true)); break;
    case ARM_RAISE_RETURN_TO: go_back(cpu, (uint32_t)jit->exit_info, (uint32_t)(jit->exit_info >> 32)); break;
    default: take(cpu, jit->exit_reason); break;
    }
    return true;
}
