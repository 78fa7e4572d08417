/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Models, and the state as others see it: registers, PSR, windows.
 */
#include <string.h>
#include "emulator/cpu/sparc/internal.h"

#define USUAL (SPARC_MULDIV | SPARC_FSMULD)

/* PSR impl and ver, FSR ver, MMU control impl and ver: as Linux's arch/sparc/kernel/cpu.c and mm/srmmu.c tell
 * the chips apart. */
const struct sparc_model sparc_models[] = {
    {
        .id = "mb86904",
        .name = "Fujitsu MB86904 (microSPARC II)",
        .features = USUAL,
        .impl = 0,
        .ver = 4,
        .fpu_version = 4,
        .mmu = SPARC_MMU_SWIFT,
        .mmu_control = 0x04000000,
        .boot_mode = 0x4000,
        .control_writable = 0x00ffffff,
        .context_table_mask = 0x00ffffc0,
        .context_mask = 0xff,
        .fault_status_mask = 0x00016fff,
    },
    {
        .id = "tms390s10",
        .name = "Texas Instruments TMS390S10 (microSPARC)",
        .features = SPARC_MULDIV,
        .impl = 4,
        .ver = 1,
        .fpu_version = 4,
        .mmu = SPARC_MMU_TSUNAMI,
        .mmu_control = 0x41000000,
        .boot_mode = 0x4000,
        .control_writable = 0x00ffffff,
        .context_table_mask = 0x007ffff0,
        .context_mask = 0xff, /* the chip has 64; OpenBIOS promises 256 (mmu-nctx), and systems believe it */
        .fault_status_mask = 0x00016fff,
    },
    {
        .id = "tms390z50",
        .name = "Texas Instruments TMS390Z50 (SuperSPARC)",
        .features = USUAL,
        .impl = 4,
        .ver = 0,
        .fpu_version = 0,
        .mmu = SPARC_MMU_VIKING,
        .mmu_control = 0x00000800, /* MB: on the MBus, no cache controller */
        .boot_mode = 0x2000,
        .control_writable = 0x00fff7ff,
        .context_table_mask = 0xffffffc0,
        .context_mask = 0xffff,
        .fault_status_mask = 0xffffffff,
    },
    {
        .id = "v8",
        .name = "SPARC V8, user mode",
        .features = USUAL | SPARC_QUAD | SPARC_WINDOWS_32,
        .impl = 4,
    },
    {
        .id = "v8plus",
        .name = "SPARC V9 running 32-bit programs, user mode",
        .features = USUAL | SPARC_QUAD | SPARC_V9_SUBSET | SPARC_CASA | SPARC_WINDOWS_32 | SPARC_VIS,
        .impl = 4,
        .fpu_version = 1,
    },
    {.id = NULL},
};

const struct sparc_model *sparc_find_model(const char *id)
{
    for (const struct sparc_model *m = sparc_models; m->id; m++)
        if (!strcmp(m->id, id))
            return m;
    return NULL;
}

/* ------------------------------------------------------------------------------------------- windows */

static bool wide(const struct sparc_cpu *cpu)
{
    return cpu->model->features & SPARC_V9_SUBSET;
}

void sparc_update_bank(struct sparc_cpu *cpu)
{
    cpu->jit.bank = wide(cpu) ? (void *)&cpu->window.w64[cpu->cwp * 16] : (void *)&cpu->window.w32[cpu->cwp * 16];
}

/* The outs of window 0 exist twice; which copy counts depends on CWP. */
static void mirror(struct sparc_cpu *cpu, bool to_top)
{
    unsigned top = sparc_nwin(cpu) * 16;
    if (wide(cpu))
        memcpy(&cpu->window.w64[to_top ? top : 0], &cpu->window.w64[to_top ? 0 : top], 8 * sizeof(uint64_t));
    else
        memcpy(&cpu->window.w32[to_top ? top : 0], &cpu->window.w32[to_top ? 0 : top], 8 * sizeof(uint32_t));
}

void sparc_set_cwp(struct sparc_cpu *cpu, uint32_t cwp)
{
    unsigned last = sparc_nwin(cpu) - 1;
    if (cpu->cwp == last && cwp != last)
        mirror(cpu, false);
    else if (cpu->cwp != last && cwp == last)
        mirror(cpu, true);
    cpu->cwp = cwp;
    sparc_update_bank(cpu);
}

uint64_t sparc_get_reg(const struct sparc_cpu *cpu, unsigned r)
{
    if (!r)
        return 0;
    if (r < 8)
        return wide(cpu) ? cpu->g[r] : (uint32_t)cpu->g[r];
    return wide(cpu) ? ((const uint64_t *)cpu->jit.bank)[r - 8] : ((const uint32_t *)cpu->jit.bank)[r - 8];
}

void sparc_set_reg(struct sparc_cpu *cpu, unsigned r, uint64_t value)
{
    if (!r)
        return;
    if (r < 8)
        cpu->g[r] = wide(cpu) ? value : (uint32_t)value;
    else if (wide(cpu))
        ((uint64_t *)cpu->jit.bank)[r - 8] = value;
    else
        ((uint32_t *)cpu->jit.bank)[r - 8] = (uint32_t)value;
}

/* ------------------------------------------------------------------------------------------- PSR */

unsigned sparc_get_icc(const struct sparc_cpu *cpu)
{
    return wide(cpu) ? sparc_xcc_of(cpu->cc_kind, cpu->cc_a, cpu->cc_b, cpu->cc_c) & 15
                     : sparc_icc_of(cpu->cc_kind, (uint32_t)cpu->cc_a, (uint32_t)cpu->cc_b, cpu->cc_c);
}

static unsigned all_codes(const struct sparc_cpu *cpu)
{
    return wide(cpu) ? sparc_xcc_of(cpu->cc_kind, cpu->cc_a, cpu->cc_b, cpu->cc_c) : sparc_get_icc(cpu);
}

static void set_codes(struct sparc_cpu *cpu, unsigned codes)
{
    cpu->cc_kind = SPARC_CC_PACKED;
    cpu->cc_a = codes;
    cpu->cc_b = 0;
    cpu->cc_c = 0;
}

void sparc_set_icc(struct sparc_cpu *cpu, unsigned nzvc)
{
    set_codes(cpu, (all_codes(cpu) & 0xf0) | (nzvc & 15));
}

void sparc_set_carry(struct sparc_cpu *cpu, bool carry)
{
    set_codes(cpu, (all_codes(cpu) & ~0x11u) | (carry ? wide(cpu) ? 0x11 : 1 : 0));
}

uint32_t sparc_get_psr(const struct sparc_cpu *cpu)
{
    return cpu->psr | cpu->cwp | sparc_get_icc(cpu) << 20;
}

void sparc_set_psr(struct sparc_cpu *cpu, uint32_t psr)
{
    const uint32_t writable = SPARC_PSR_EF | SPARC_PSR_PIL | SPARC_PSR_S | SPARC_PSR_PS | SPARC_PSR_ET;
    cpu->psr = (cpu->psr & ~writable) | (psr & writable);
    set_codes(cpu, psr >> 20 & 15);
    sparc_set_cwp(cpu, psr & SPARC_PSR_CWP & (sparc_nwin(cpu) - 1));
    sparc_update_mode(cpu);
}

void sparc_update_mode(struct sparc_cpu *cpu)
{
    uint32_t mode = cpu->model->features << SPARC_MODE_FEATURES;
    bool user = cpu->jit.mode & SPARC_MODE_USER;
    if ((cpu->psr & SPARC_PSR_S) && !user)
        mode |= SPARC_MODE_SUPERVISOR;
    if ((cpu->psr & SPARC_PSR_EF) || user)
        mode |= SPARC_MODE_FPU;
    if ((cpu->fsr & SPARC_FSR_TEM) || cpu->fpq_count)
        mode |= SPARC_MODE_FP_TRAPS;
    if (user)
        mode |= SPARC_MODE_USER;
    cpu->jit.mode = mode;
    if (user)
        return;
    uint64_t id = cpu->psr & SPARC_PSR_S ? 2 : 0;
    if (cpu->mmu_control & 1)
        id |= 1 | (uint64_t)cpu->mmu_context << 4;
    if (cpu->mmu_control & cpu->model->boot_mode)
        id |= 4;
    /* the jump cache of a context holds code of one mode */
    id |= (uint64_t)(mode & (SPARC_MODE_FPU | SPARC_MODE_FP_TRAPS)) << 40;
    jit_set_context(&cpu->jit, id);
}

/* ------------------------------------------------------------------------------------------- life */

void sparc_cpu_init(struct sparc_cpu *cpu, struct jit *jit, const struct sparc_model *model, bool user_mode)
{
    cpu->model = model;
    cpu->jit.bank = &cpu->window;
    cpu->jit.mode = user_mode ? SPARC_MODE_USER : 0;
    jit_cpu_init(jit, &cpu->jit);
    cpu->psr = (uint32_t)model->impl << 28 | (uint32_t)model->ver << 24;
    cpu->cc_kind = SPARC_CC_PACKED;
    cpu->wim = 0;
    cpu->cwp = 0;
    sparc_update_bank(cpu);
    sparc_set_fsr(cpu, 0);
    if (user_mode) {
        cpu->psr |= SPARC_PSR_EF;
        cpu->asi = 0x80; /* primary */
        /* the caller's window, one below it invalid: the others are free */
        cpu->wim = 1u << 1;
        sparc_update_mode(cpu);
    } else {
        sparc_mmu_reset(cpu);
    }
}

void sparc_cpu_finish(struct sparc_cpu *cpu)
{
    jit_cpu_finish(&cpu->jit);
}

void sparc_cpu_copy(struct sparc_cpu *to, const struct sparc_cpu *from)
{
    struct jit_cpu head = to->jit;
    memcpy(to, from, sizeof(*to));
    to->jit = head;
    to->jit.mxcsr = from->jit.mxcsr;
    to->jit.pc = from->jit.pc;
    to->jit.npc = from->jit.npc;
    to->jit.mode = from->jit.mode;
    to->jit.window = from->jit.window;
    sparc_update_bank(to);
}

void sparc_skip(struct sparc_cpu *cpu)
{
    cpu->jit.pc = cpu->jit.npc;
    cpu->jit.npc = (uint32_t)(cpu->jit.npc + 4);
}
