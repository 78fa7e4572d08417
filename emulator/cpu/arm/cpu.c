/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state as others see it: registers, CPSR, banks.
 */
#include <string.h>
#include "emulator/cpu/arm/internal.h"

/* ------------------------------------------------------------------------------------------- registers */

uint32_t arm_get_reg(const struct arm_cpu *cpu, unsigned r)
{
    return r < 15 ? cpu->r[r] : arm_get_pc(cpu);
}

void arm_set_reg(struct arm_cpu *cpu, unsigned r, uint32_t value)
{
    if (r < 15)
        cpu->r[r] = value;
    else
        cpu->jit.pc = (cpu->jit.pc & (PC_T | PC_IT)) | (value & (cpu->jit.pc & PC_T ? ~1u : ~3u));
}

void arm_jump(struct arm_cpu *cpu, uint32_t target)
{
    cpu->jit.pc = target & 1 ? target : target & ~3u;
}

/* ------------------------------------------------------------------------------------------- CPSR */

static uint32_t it_to_cpsr(uint64_t pc) /* ITSTATE<7:2> in bits 15..10, <1:0> in 26..25 */
{
    uint32_t it = (uint32_t)(pc >> PC_IT_SHIFT) & 0xff;
    return (it >> 2) << 10 | (it & 3) << 25;
}

static uint32_t ge_to_cpsr(uint32_t ge)
{
    return (ge >> 7 & 1) << 16 | (ge >> 15 & 1) << 17 | (ge >> 23 & 1) << 18 | (ge >> 31) << 19;
}

static uint32_t ge_from_cpsr(uint32_t cpsr)
{
    uint32_t ge = cpsr >> 16 & 15;
    return (ge & 1) * 0xffu | (ge >> 1 & 1) * 0xff00u | (ge >> 2 & 1) * 0xff0000u | (ge >> 3) * 0xff000000u;
}

static uint32_t arm_flags(const struct arm_cpu *cpu)
{
    return arm_flags_of(cpu->flag_kind, cpu->flag_a, cpu->flag_b, cpu->flag_c, cpu->flag_nz, cpu->flag_carry);
}

uint32_t arm_get_cpsr(const struct arm_cpu *cpu)
{
    return cpu->cpsr | arm_flags(cpu) << 28 |
           (cpu->q ? ARM_CPSR_Q : 0) | ge_to_cpsr(cpu->ge) | it_to_cpsr(cpu->jit.pc) |
           (cpu->jit.pc & PC_T ? ARM_CPSR_T : 0);
}

void arm_set_cpsr(struct arm_cpu *cpu, uint32_t cpsr)
{
    uint32_t features = cpu->model->features, kept = 0;
    cpu->flag_kind = ARM_FLAGS_PACKED;
    cpu->flag_a = cpsr >> 28;
    cpu->flag_b = cpu->flag_c = cpu->flag_nz = cpu->flag_carry = 0;
    cpu->q = features & ARM_V5E && cpsr & ARM_CPSR_Q;
    cpu->ge = features & ARM_V6 ? ge_from_cpsr(cpsr) : 0;
    uint64_t pc = (uint32_t)cpu->jit.pc & ~1u;
    if (cpsr & ARM_CPSR_T)
        pc |= PC_T;
    if ((cpsr & ARM_CPSR_T) && (features & ARM_V6T2))
        pc |= (uint64_t)((cpsr >> 10 & 0x3f) << 2 | (cpsr >> 25 & 3)) << PC_IT_SHIFT;
    cpu->jit.pc = pc;
    if (features & ARM_V6)
        kept |= ARM_CPSR_E;
    if (!(cpu->jit.mode & ARM_KEY_USER)) {
        kept |= ARM_CPSR_I | ARM_CPSR_F | (features & ARM_V6 ? ARM_CPSR_A : 0);
        arm_set_processor_mode(cpu, cpsr & ARM_CPSR_MODE);
    }
    cpu->cpsr = (cpu->cpsr & ARM_CPSR_MODE) | (cpsr & kept);
    arm_update_mode(cpu);
}

/* Which entry of bank_sp, bank_lr and spsr a mode uses. */
static unsigned bank_of(uint32_t mode)
{
    switch (mode) {
    case ARM_MODE_FIQ: return 1;
    case ARM_MODE_IRQ: return 2;
    case ARM_MODE_SVC: return 3;
    case ARM_MODE_ABT: return 4;
    case ARM_MODE_UND: return 5;
    case ARM_MODE_MON: return 6;
    default: return 0; /* user and system */
    }
}

uint32_t *arm_spsr(struct arm_cpu *cpu)
{
    unsigned bank = bank_of(cpu->cpsr & ARM_CPSR_MODE);
    return bank ? &cpu->spsr[bank] : NULL;
}

uint32_t *arm_banked_sp(struct arm_cpu *cpu, uint32_t mode)
{
    unsigned bank = bank_of(mode);
    return bank == bank_of(cpu->cpsr & ARM_CPSR_MODE) ? &cpu->r[13] : &cpu->bank_sp[bank];
}

uint32_t *arm_user_register(struct arm_cpu *cpu, unsigned r)
{
    uint32_t mode = cpu->cpsr & ARM_CPSR_MODE;
    if (r < 13)
        return mode == ARM_MODE_FIQ && r >= 8 ? &cpu->bank_r8[0][r - 8] : &cpu->r[r];
    if (!bank_of(mode))
        return &cpu->r[r];
    return r == 13 ? &cpu->bank_sp[0] : &cpu->bank_lr[0];
}

void arm_set_processor_mode(struct arm_cpu *cpu, uint32_t mode)
{
    uint32_t old = cpu->cpsr & ARM_CPSR_MODE;
    unsigned from = bank_of(old), to = bank_of(mode);
    cpu->cpsr = (cpu->cpsr & ~ARM_CPSR_MODE) | mode;
    if (from == to)
        return;
    cpu->bank_sp[from] = cpu->r[13];
    cpu->bank_lr[from] = cpu->r[14];
    cpu->r[13] = cpu->bank_sp[to];
    cpu->r[14] = cpu->bank_lr[to];
    if ((old == ARM_MODE_FIQ) != (mode == ARM_MODE_FIQ)) {
        memcpy(cpu->bank_r8[old == ARM_MODE_FIQ], &cpu->r[8], sizeof(cpu->bank_r8[0]));
        memcpy(&cpu->r[8], cpu->bank_r8[mode == ARM_MODE_FIQ], sizeof(cpu->bank_r8[0]));
    }
}

void arm_update_mode(struct arm_cpu *cpu)
{
    uint32_t key = cpu->model->features << ARM_KEY_FEATURES, features = cpu->model->features;
    bool user = cpu->jit.mode & ARM_KEY_USER;
    key |= arm_fp_mode(cpu);
    if (cpu->cpsr & ARM_CPSR_E)
        key |= ARM_KEY_BIG_DATA;
    if (cpu->sctlr & ARM_SCTLR_B)
        key |= ARM_KEY_BE32;
    if ((features & ARM_V7) || (cpu->sctlr & ARM_SCTLR_U))
        key |= ARM_KEY_UNALIGNED;
    if (cpu->sctlr & ARM_SCTLR_A)
        key |= ARM_KEY_ALIGN_CHECK;
    if (user)
        key |= ARM_KEY_USER;
    else if ((cpu->cpsr & ARM_CPSR_MODE) != ARM_MODE_USR)
        key |= ARM_KEY_PRIVILEGED;
    cpu->jit.mode = key;
    /* the jump cache of a context holds code of one mode */
    uint64_t id = key & ((1u << ARM_KEY_FEATURES) - 1);
    if (!user) /* what mappings depend on */
        id |= (uint64_t)(cpu->sctlr & ARM_SCTLR_M) << 12 | (uint64_t)(cpu->contextidr & 0xff) << 13 | (uint64_t)cpu->dacr << 32;
    jit_set_context(&cpu->jit, id);
}

/* MRS: no execution state bits (0406C B9.3.8) */
uint32_t arm_read_status(struct arm_cpu *cpu, bool spsr)
{
    if (spsr)
        return arm_spsr(cpu) ? *arm_spsr(cpu) : 0;
    return arm_get_cpsr(cpu) & ~(ARM_CPSR_T | ARM_CPSR_J | ARM_CPSR_IT);
}

/* MSR (CPSRWriteByInstr() and SPSRWriteByInstr(), B1.3.3) */
void arm_write_status(struct arm_cpu *cpu, uint32_t value, uint32_t bytes, bool spsr)
{
    uint32_t mask = 0, old;
    for (unsigned k = 0; k < 4; k++)
        if (bytes >> k & 1)
            mask |= 0xffu << 8 * k;
    if (spsr) {
        uint32_t *at = arm_spsr(cpu);
        if (at)
            *at = (*at & ~mask) | (value & mask);
        return;
    }
    mask &= ~(ARM_CPSR_T | ARM_CPSR_J | ARM_CPSR_IT);
    if ((cpu->cpsr & ARM_CPSR_MODE) == ARM_MODE_USR)
        mask &= ARM_CPSR_NZCV | ARM_CPSR_Q | ARM_CPSR_GE | ARM_CPSR_E;
    old = arm_get_cpsr(cpu);
    arm_set_cpsr(cpu, (old & ~mask) | (value & mask));
}

/* ------------------------------------------------------------------------------------------- life */

void arm_cpu_init(struct arm_cpu *cpu, struct jit *jit, const struct arm_model *model, bool user_mode)
{
    cpu->model = model;
    cpu->jit.bank = cpu;
    cpu->jit.mode = user_mode ? ARM_KEY_USER : 0;
    jit_cpu_init(jit, &cpu->jit);
    cpu->flag_kind = ARM_FLAGS_PACKED;
    cpu->exclusive_address = ~UINT64_C(0);
    arm_fp_reset(cpu, user_mode);
    if (!user_mode) {
        cpu->cpsr = ARM_MODE_SVC | ARM_CPSR_I | ARM_CPSR_F | (model->features & ARM_V6 ? ARM_CPSR_A : 0);
        arm_cp15_reset(cpu);
    } else {
        cpu->cpsr = ARM_MODE_USR;
        cpu->sctlr = model->sctlr_reset | (model->features & ARM_V6 ? ARM_SCTLR_U : 0);
        cpu->sctlr &= ~(uint32_t)ARM_SCTLR_A;
    }
    arm_update_mode(cpu);
}

void arm_cpu_finish(struct arm_cpu *cpu)
{
    jit_cpu_finish(&cpu->jit);
}

void arm_cpu_copy(struct arm_cpu *to, const struct arm_cpu *from)
{
    struct jit_cpu head = to->jit;
    memcpy(to, from, sizeof(*to));
    to->jit = head;
    to->jit.bank = to;
    to->jit.mxcsr = from->jit.mxcsr;
    to->jit.pc = from->jit.pc;
    to->jit.window = from->jit.window;
    arm_clear_exclusive(to);
    arm_update_mode(to);
}

void arm_skip(struct arm_cpu *cpu)
{
    uint64_t pc = cpu->jit.pc, it = pc >> PC_IT_SHIFT & 0xff;
    uint32_t next = (uint32_t)pc + (pc & PC_T ? 2 : 4);
    cpu->jit.pc = next | (uint64_t)arm_it_advance((unsigned)it) << PC_IT_SHIFT;
}

void arm_clear_exclusive(struct arm_cpu *cpu)
{
    cpu->exclusive_address = ~UINT64_C(0);
}

void arm_set_big_endian(struct arm_cpu *cpu, bool be8, bool be32)
{
    cpu->cpsr = be8 ? cpu->cpsr | ARM_CPSR_E : cpu->cpsr & ~ARM_CPSR_E;
    cpu->sctlr = be32 ? cpu->sctlr | ARM_SCTLR_B : cpu->sctlr & ~ARM_SCTLR_B;
    arm_update_mode(cpu);
}
