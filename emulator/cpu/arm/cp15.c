/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The system control coprocessor (0406C B3.17 and B4; 0100I B3; the cores' manuals, chapter 3).  Caches are not
 * modelled, so their operations do nothing; their registers hold what is written.
 */
#include <stddef.h>
#include <string.h>
#include "emulator/core/bus.h"
#include "emulator/cpu/arm/internal.h"

#define NAME(op1, crn, crm, op2) ((op1) << 12 | (crn) << 8 | (crm) << 4 | (op2))
#define FIELD(member)            offsetof(struct arm_cpu, member)
#define CRN(name)                ((name) >> 8 & 15)

enum effect {
    EFFECT_NONE,
    EFFECT_FLUSH,  /* mappings or rights change in a way that no context stands for */
    EFFECT_MODE,   /* what a translation assumes, or the context */
};

/* A register that stands in the state. */
struct control_register {
    uint16_t name;
    uint8_t effect;
    uint32_t needs;    /* features, all of them */
    uint32_t offset;
    uint32_t writable; /* bits; SCTLR's are the model's */
};

#define R(op1, crn, crm, op2, needs, member, writable, effect)                                               \
    {NAME(op1, crn, crm, op2), effect, needs, FIELD(member), writable}

static const struct control_register registers[] = {
    R(0, 1, 0, 0, 0, sctlr, 0, EFFECT_FLUSH),
    R(0, 1, 0, 1, 0, actlr, ~0u, EFFECT_NONE),
    R(0, 1, 0, 2, ARM_V6, cpacr, 0xc0f00000 | 0x0fffffff, EFFECT_MODE),
    R(0, 1, 1, 0, ARM_SECURITY, scr, 0x7f, EFFECT_NONE),
    R(0, 1, 1, 1, ARM_SECURITY, sder, 3, EFFECT_NONE),
    R(0, 1, 1, 2, ARM_SECURITY, nsacr, 0x000fffff, EFFECT_NONE),
    R(0, 2, 0, 0, 0, ttbr[0], ~0u, EFFECT_NONE),
    R(0, 2, 0, 1, ARM_V6, ttbr[1], ~0u, EFFECT_NONE),
    R(0, 2, 0, 2, ARM_V6, ttbcr, 0x37, EFFECT_FLUSH),
    R(0, 3, 0, 0, 0, dacr, ~0u, EFFECT_MODE),
    R(0, 5, 0, 0, 0, dfsr, 0x1cff, EFFECT_NONE),
    R(0, 5, 0, 1, 0, ifsr, 0x14ff, EFFECT_NONE),
    R(0, 5, 1, 0, ARM_V7, adfsr, ~0u, EFFECT_NONE),
    R(0, 5, 1, 1, ARM_V7, aifsr, ~0u, EFFECT_NONE),
    R(0, 6, 0, 0, 0, dfar, ~0u, EFFECT_NONE),
    R(0, 6, 0, 1, ARM_V6, wfar, ~0u, EFFECT_NONE),
    R(0, 6, 0, 2, ARM_V6, ifar, ~0u, EFFECT_NONE),
    R(0, 7, 4, 0, ARM_V6K, par, ~0u, EFFECT_NONE),
    R(0, 10, 2, 0, ARM_V6, prrr, ~0u, EFFECT_NONE),
    R(0, 10, 2, 1, ARM_V6, nmrr, ~0u, EFFECT_NONE),
    R(0, 12, 0, 0, ARM_SECURITY, vbar, ~31u, EFFECT_NONE),
    R(0, 12, 0, 1, ARM_SECURITY, mvbar, ~31u, EFFECT_NONE),
    R(0, 13, 0, 0, 0, fcse, 0xfe000000, EFFECT_FLUSH),
    R(0, 13, 0, 1, 0, contextidr, ~0u, EFFECT_MODE),
    R(0, 13, 0, 2, ARM_V6K, tpidrurw, ~0u, EFFECT_NONE),
    R(0, 13, 0, 3, ARM_V6K, tpidruro, ~0u, EFFECT_NONE),
    R(0, 13, 0, 4, ARM_V6K, tpidrprw, ~0u, EFFECT_NONE),
    R(2, 0, 0, 0, ARM_V7, csselr, 15, EFFECT_NONE),
    R(0, 9, 12, 0, ARM_V7, pmcr, 0x39, EFFECT_NONE),
    R(0, 9, 12, 5, ARM_V7, pmselr, 31, EFFECT_NONE),
    R(0, 9, 14, 0, ARM_V7, pmuserenr, 1, EFFECT_NONE),
};

static const struct control_register *find(const struct arm_cpu *cpu, uint32_t name)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(registers); k++)
        if (registers[k].name == name && (cpu->model->features & registers[k].needs) == registers[k].needs)
            return &registers[k];
    return NULL;
}

/* Registers that the manual leaves to the core and that only tell what was written: lockdown of caches and TLBs, TCM
 * and DMA regions, test and debug registers (c9, c10, c11, c15). */
static uint32_t *implementation_register(struct arm_cpu *cpu, uint32_t name)
{
    static const int8_t place[16] = {[9] = 1, [10] = 2, [11] = 3, [15] = 4};
    int k = place[CRN(name)];
    return k ? &cpu->implementation[k - 1][name >> 12 & 7][name >> 4 & 15][name & 7] : NULL;
}

/* TI925T: configuration, whose O bit chooses between two identities (OMAP5910 manual, table 2-5), and status, where a
 * write waits for an interrupt. */
#define TI_CONFIGURATION   NAME(0, 15, 1, 0)
#define TI_CONFIGURATION_O 0x20
#define TI_MIDR_O          0x54029152
#define TI_STATUS_CRM      8

static uint32_t main_id(struct arm_cpu *cpu)
{
    if (cpu->model->features & ARM_OMAP_CP15 && *implementation_register(cpu, TI_CONFIGURATION) & TI_CONFIGURATION_O)
        return TI_MIDR_O;
    return cpu->model->midr;
}

/* In user mode the performance monitor's registers are there when PMUSERENR says so, but for the interrupts' enable
 * bits (0406C C12.8). */
static bool permitted(const struct arm_cpu *cpu, uint32_t name, bool write)
{
    unsigned crm = name >> 4 & 15;
    if ((cpu->cpsr & ARM_CPSR_MODE) != ARM_MODE_USR)
        return true;
    if (name == NAME(0, 9, 14, 0))
        return !write;
    return cpu->pmuserenr & 1 && (crm == 12 || crm == 13);
}

static bool read_identification(struct arm_cpu *cpu, uint32_t name, uint32_t *value)
{
    const struct arm_model *m = cpu->model;
    unsigned crm = name >> 4 & 15, op2 = name & 7;
    *value = 0;
    if (name >> 12 == 1 && crm == 0) { /* cache sizes */
        *value = op2 == 0 ? m->ccsidr[MIN(cpu->csselr, 2u)] : op2 == 1 ? m->clidr : 0;
        return m->features & ARM_V7;
    }
    if (name >> 12)
        return false;
    if (crm == 0) {
        const uint32_t first[8] = {0, m->ctr, m->tcmtr, m->tlbtr, 0, m->mpidr};
        bool there = op2 == 1 || (op2 == 2 && m->features & ARM_V5E) || (op2 == 3 && m->features & ARM_V6) ||
                     (op2 == 5 && m->features & ARM_V7);
        *value = there ? first[op2] : main_id(cpu);
        return true;
    }
    if (!(m->features & ARM_V6)) { /* the main one, wherever one asks */
        *value = main_id(cpu);
        return true;
    }
    const uint32_t features[8] = {m->pfr[0], m->pfr[1], m->dfr0, m->afr0, m->mmfr[0], m->mmfr[1], m->mmfr[2], m->mmfr[3]};
    if (crm == 1)
        *value = features[op2];
    else if (crm == 2 && op2 < 6)
        *value = m->isar[op2];
    return true;
}

/* ------------------------------------------------------------------------------------- performance monitor */

static uint64_t cycles(const struct arm_cpu *cpu)
{
    return jit_icount(&cpu->jit) - cpu->cycles_at;
}

static bool performance(struct arm_cpu *cpu, uint32_t name, uint32_t *value, bool write)
{
    if (!(cpu->model->features & ARM_V7))
        return false;
    switch (name) {
    case NAME(0, 9, 12, 1): /* enable set, and clear */
    case NAME(0, 9, 12, 2):
        if (write)
            cpu->pmcnten = name & 1 ? cpu->pmcnten | *value : cpu->pmcnten & ~*value;
        else
            *value = cpu->pmcnten;
        return true;
    case NAME(0, 9, 12, 3): /* overflow: never */
        if (!write)
            *value = 0;
        return true;
    case NAME(0, 9, 13, 0):
        if (write)
            cpu->cycles_at = jit_icount(&cpu->jit) - *value;
        else
            *value = (uint32_t)cycles(cpu);
        return true;
    case NAME(0, 9, 14, 1):
    case NAME(0, 9, 14, 2):
        if (write)
            cpu->pminten = name & 1 ? cpu->pminten | *value : cpu->pminten & ~*value;
        else
            *value = cpu->pminten;
        return true;
    default: return false;
    }
}

/* ------------------------------------------------------------------------------------- reading */

bool arm_cp15_read(struct arm_cpu *cpu, uint32_t name, uint32_t *value)
{
    const struct control_register *r = find(cpu, name);
    *value = 0;
    if (!permitted(cpu, name, false))
        return false;
    if (r) {
        *value = *(const uint32_t *)((const uint8_t *)cpu + r->offset);
        return true;
    }
    if (CRN(name) == 0)
        return read_identification(cpu, name, value);
    if (performance(cpu, name, value, false))
        return true;
    switch (name) {
    case NAME(0, 12, 1, 0): /* ISR (B4.1.80) */
        *value = (cpu->irq_line ? ARM_CPSR_I : 0) | (cpu->fiq_line ? ARM_CPSR_F : 0);
        return cpu->model->features & ARM_SECURITY;
    case NAME(0, 7, 10, 3): /* test and clean (ARM926EJ-S 2.3.9): nothing is dirty, Z */
    case NAME(0, 7, 14, 3): *value = ARM_CPSR_Z; return true;
    case NAME(0, 7, 10, 6): return cpu->model->features & ARM_V6; /* cache dirty status (ARM1136 3.3.7) */
    default: break;
    }
    uint32_t *own = implementation_register(cpu, name);
    if (own)
        *value = *own;
    return own != NULL;
}

/* ------------------------------------------------------------------------------------- writing */

/* VA to PA (B4.2.4): bit 1 of op2 user, bit 0 write. */
static void translate_address(struct arm_cpu *cpu, uint32_t address, unsigned op2)
{
    struct arm_walk walk;
    uint32_t fault = arm_mmu_walk(cpu, address, op2 & 1 ? JIT_WRITE : JIT_READ, !(op2 & 2), &walk);
    if (fault)
        cpu->par = (fault & 15) << 1 | (fault >> 10 & 1) << 5 | 1;
    else if (walk.size > 1u << 20) /* SS: a supersection, address bits 39..32 in 23..16 */
        cpu->par = ((uint32_t)walk.physical & 0xff000000) | (uint32_t)(walk.physical >> 32) << 16 | 2;
    else
        cpu->par = (uint32_t)walk.physical & 0xfffff000;
}

/* Goes on with an interrupt that is masked, too. */
static void wait_for_interrupt(struct arm_cpu *cpu)
{
    if (!cpu->irq_line && !cpu->fiq_line)
        cpu->jit.halted = true;
}

static bool cache_operation(struct arm_cpu *cpu, uint32_t name, uint32_t value)
{
    unsigned crm = name >> 4 & 15, op2 = name & 7;
    if ((crm == 0 && op2 == 4) || (crm == 8 && op2 == 2 && !(cpu->model->features & ARM_V6))) {
        wait_for_interrupt(cpu);
        return true;
    }
    if (crm == 8 && cpu->model->features & ARM_V6K)
        translate_address(cpu, value, op2);
    return true;
}

static bool tlb_operation(struct arm_cpu *cpu, uint32_t name, uint32_t value)
{
    switch (name & 7) {
    case 1:
    case 3: arm_tlb_flush_page(cpu, value & 0xfffff000); break;
    default: arm_tlb_flush_all(cpu); break;
    }
    return true;
}

bool arm_cp15_write(struct arm_cpu *cpu, uint32_t name, uint32_t value)
{
    const struct control_register *r = find(cpu, name);
    if (!permitted(cpu, name, true))
        return false;
    if (r) {
        uint32_t *at = (uint32_t *)((uint8_t *)cpu + r->offset), old = *at;
        uint32_t writable = r->offset == FIELD(sctlr) ? cpu->model->sctlr_writable : r->writable;
        *at = (old & ~writable) | (value & writable);
        if (r->offset == FIELD(pmcr) && value & 4)
            cpu->cycles_at = jit_icount(&cpu->jit);
        if (r->effect == EFFECT_FLUSH && *at != old)
            arm_tlb_flush_all(cpu);
        if (r->effect != EFFECT_NONE)
            arm_update_mode(cpu);
        return true;
    }
    if (performance(cpu, name, &value, true))
        return true;
    if (name >> 12 == 0 && CRN(name) == 7)
        return cache_operation(cpu, name, value);
    if (name >> 12 == 0 && CRN(name) == 8)
        return tlb_operation(cpu, name, value);
    uint32_t *own = implementation_register(cpu, name);
    if (own)
        *own = value;
    if (cpu->model->features & ARM_OMAP_CP15 && CRN(name) == 15 && (name >> 4 & 15) == TI_STATUS_CRM)
        wait_for_interrupt(cpu);
    return own != NULL;
}

void arm_cp15_reset(struct arm_cpu *cpu)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(registers); k++)
        *(uint32_t *)((uint8_t *)cpu + registers[k].offset) = 0;
    memset(cpu->implementation, 0, sizeof(cpu->implementation));
    cpu->sctlr = cpu->model->sctlr_reset;
    cpu->actlr = cpu->model->actlr_reset;
    cpu->prrr = 0x00098aa4; /* TEX remap as it were off (DDI 0301 3.2.51, DDI 0344 3.2.51) */
    cpu->nmrr = 0x44e048e0;
    cpu->pmcr = cpu->model->features & ARM_V7 ? cpu->model->midr & 0xff000000 : 0;
    cpu->pmcnten = cpu->pminten = 0;
    cpu->cycles_at = 0;
    arm_tlb_flush_all(cpu);
    arm_update_mode(cpu);
}
