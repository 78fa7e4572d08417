/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SPARC Reference MMU (appendix H): table walk, probe, fault registers, and physical accesses.
 */
#include "emulator/core/bus.h"
#include "emulator/cpu/sparc/internal.h"

/* Control register (H.5.1) */
#define CONTROL_E  1u
#define CONTROL_NF 2u

/* Entry types and page table entries (H.2, H.3) */
enum { ET_INVALID, ET_PTD, ET_PTE, ET_RESERVED };
#define PTE_ET    3u
#define PTE_R     0x20u
#define PTE_M     0x40u
#define PTE_ACC(p) ((p) >> 2 & 7)

/* Fault types (table H-10), as in FSR bits 4..2 */
enum { FT_INVALID = 1, FT_PROTECTION = 2, FT_PRIVILEGE = 3, FT_TRANSLATION = 4, FT_BUS = 5 };
#define FSR_OW  1u
#define FSR_FAV 2u

/* An access that NF lets pass: no device, reads zero. */
#define NOWHERE UINT64_C(0xffffffffffff0000)

/* Permissions by ACC (table H-2): bits r w x of user, then << 4 of supervisor. */
enum { R = 1, W = 2, X = 4 };
static const uint8_t permissions[8] = {
    R | R << 4, R | W | (R | W) << 4, R | X | (R | X) << 4, R | W | X | (R | W | X) << 4,
    X | X << 4, R | (R | W) << 4,     (R | X) << 4,         (R | W | X) << 4,
};

/* Bytes below which a page of the level where its entry was found spans. */
static const uint32_t page_mask[4] = {0xffffffff, 0x00ffffff, 0x0003ffff, 0x00000fff};

static bool read_entry(struct sparc_cpu *cpu, uint64_t address, uint32_t *entry)
{
    uint64_t value;
    bool ok = bus_read(cpu->bus, address, 4, &value) == BUS_OK;
    *entry = (uint32_t)value;
    return ok;
}

static uint64_t root(const struct sparc_cpu *cpu)
{
    return ((uint64_t)(cpu->mmu_context_table & ~3u) << 4) + (uint64_t)cpu->mmu_context * 4;
}

/* Address of the entry for `address` in the table that a PTD at `level` - 1 points to. */
static uint64_t entry_address(uint32_t ptd, uint32_t address, unsigned level)
{
    uint64_t table = (uint64_t)(ptd & ~3u) << 4;
    switch (level) {
    case 1: return table + (address >> 24) * 4;
    case 2: return table + (address >> 18 & 63) * 4;
    default: return table + (address >> 12 & 63) * 4;
    }
}

uint32_t sparc_mmu_walk(struct sparc_cpu *cpu, uint32_t address, enum jit_access access, bool supervisor,
                        bool commit, struct sparc_walk *out)
{
    uint64_t at = root(cpu);
    uint32_t entry;
    unsigned level = 0;
    for (;; level++) {
        if (!read_entry(cpu, at, &entry))
            return FT_TRANSLATION << 2 | level << 8;
        unsigned et = entry & PTE_ET;
        if (et == ET_PTE)
            break;
        if (et == ET_INVALID)
            return FT_INVALID << 2 | level << 8;
        if (et == ET_RESERVED || level == 3)
            return FT_TRANSLATION << 2 | level << 8;
        at = entry_address(entry, address, level + 1);
    }
    unsigned acc = PTE_ACC(entry), allowed = permissions[acc] >> (supervisor ? 4 : 0) & 7;
    unsigned wanted = access == JIT_WRITE ? W : access == JIT_FETCH ? X : R;
    if (!(allowed & wanted))
        return (!supervisor && acc >= 6 ? FT_PRIVILEGE : FT_PROTECTION) << 2 | level << 8;
    uint32_t marked = entry | PTE_R | (access == JIT_WRITE ? PTE_M : 0);
    if (marked != entry && (commit || access != JIT_FETCH))
        bus_write(cpu->bus, at, 4, marked);
    uint64_t ppn = (uint64_t)(entry & ~0xffu) << 4;
    *out = (struct sparc_walk){
        .physical = (ppn & ~(uint64_t)page_mask[level]) | (address & page_mask[level]),
        .pte = marked,
        .level = (uint8_t)level,
        .readable = allowed & R,
        .writable = (allowed & W) && (marked & PTE_M),
        .executable = allowed & X,
    };
    return 0;
}

/* Priority of a fault for the fault status register (H.5.4): translation errors, then data, then instructions. */
static unsigned fault_class(uint32_t status)
{
    if ((status >> 2 & 7) == 0)
        return 0;
    if ((status >> 2 & 7) == FT_TRANSLATION)
        return 3;
    return (status >> 5 & 7) == 2 || (status >> 5 & 7) == 3 ? 1 : 2;
}

void sparc_mmu_fault(struct sparc_cpu *cpu, uint32_t address, enum jit_access access, bool supervisor,
                     uint32_t fault)
{
    uint32_t at = (access == JIT_WRITE ? 4 : access == JIT_FETCH ? 2 : 0) | (supervisor ? 1 : 0);
    uint32_t status = fault | at << 5 | FSR_FAV;
    unsigned before = fault_class(cpu->mmu_fault_status), now = fault_class(status);
    if (before > now)
        return;
    if (before == now)
        status |= FSR_OW;
    cpu->mmu_fault_status = status;
    cpu->mmu_fault_address = address;
}

uint64_t sparc_mmu_off_address(const struct sparc_cpu *cpu, uint32_t address, enum jit_access access)
{
    /* boot mode: instructions come from the PROM */
    if (access == JIT_FETCH && (cpu->mmu_control & cpu->model->boot_mode))
        return cpu->prom_base | (address & 0x7ffff);
    return address;
}

static uint32_t access_trap(enum jit_access access)
{
    return access == JIT_FETCH ? SPARC_TT_INSTRUCTION_ACCESS : SPARC_TT_DATA_ACCESS;
}

/* With NF set, only instruction fetches of the supervisor still trap (H.5.1). */
static bool no_fault(const struct sparc_cpu *cpu, enum jit_access access)
{
    return (cpu->mmu_control & CONTROL_NF) && access != JIT_FETCH;
}

bool sparc_lookup(struct jit_cpu *jit, uint64_t address64, enum jit_access access, bool commit,
                  struct jit_translation *out)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    uint32_t address = (uint32_t)address64;
    bool supervisor = cpu->psr & SPARC_PSR_S;
    jit->exit_reason = access_trap(access);
    jit->exit_info = address;
    if (!cpu->bus) /* user mode: a host fault wants its name */
        return false;
    bool boot_fetch = access == JIT_FETCH && (cpu->mmu_control & cpu->model->boot_mode);
    if (!(cpu->mmu_control & CONTROL_E) || boot_fetch) {
        *out = (struct jit_translation){.readable = true, .writable = true, .executable = true};
        out->physical = sparc_mmu_off_address(cpu, address, access);
    } else {
        struct sparc_walk walk;
        uint32_t fault = sparc_mmu_walk(cpu, address, access, supervisor, commit, &walk);
        if (fault) {
            if (commit)
                sparc_mmu_fault(cpu, address, access, supervisor, fault);
            if (!no_fault(cpu, access))
                return false;
            *out = (struct jit_translation){.physical = NOWHERE, .readable = true, .writable = true};
            return true;
        }
        *out = (struct jit_translation){
            .physical = walk.physical,
            .readable = walk.readable,
            .writable = walk.writable,
            .executable = walk.executable,
        };
    }
    struct ram_block *block;
    uint64_t offset, length;
    out->host = bus_host_pointer(cpu->bus, out->physical, &block, &offset, &length);
    if (out->host) {
        if (block->rom) {
            out->page_flags = NULL;
            if (access == JIT_WRITE)
                out->host = NULL; /* the bus knows what a write to ROM does */
            else
                out->writable = false;
        } else {
            out->page_flags = &block->page_flags[offset >> RAM_PAGE_BITS];
            if (access == JIT_WRITE)
                ram_prepare_write(block, offset, 1);
        }
    }
    if (!out->host && access == JIT_FETCH) {
        if (commit)
            sparc_mmu_fault(cpu, address, access, supervisor, FT_BUS << 2);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------- devices */

static bool bus_fault(struct sparc_cpu *cpu, enum jit_access access)
{
    sparc_mmu_fault(cpu, (uint32_t)cpu->jit.exit_info, access, cpu->psr & SPARC_PSR_S, FT_BUS << 2);
    cpu->jit.exit_reason = SPARC_TT_DATA_ACCESS;
    return no_fault(cpu, access);
}

bool sparc_io_read(struct jit_cpu *jit, uint64_t physical, unsigned size, uint64_t *value)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    *value = 0;
    if (physical >= NOWHERE || bus_read(cpu->bus, physical, size, value) == BUS_OK)
        return true;
    return bus_fault(cpu, JIT_READ);
}

bool sparc_io_write(struct jit_cpu *jit, uint64_t physical, unsigned size, uint64_t value)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    if (physical >= NOWHERE || bus_write(cpu->bus, physical, size, value) == BUS_OK)
        return true;
    return bus_fault(cpu, JIT_WRITE);
}

/* ------------------------------------------------------------------------------------- probe and registers */

/* H.4, table H-8: types 0..3 give the entry of level 3..0, type 4 the PTE wherever it stands; 0 is none. */
uint32_t sparc_mmu_probe(struct sparc_cpu *cpu, uint32_t address)
{
    unsigned type = address >> 8 & 15;
    uint64_t at = root(cpu);
    uint32_t entry;
    if (type > 4)
        return 0;
    for (unsigned level = 0;; level++) {
        if (!read_entry(cpu, at, &entry)) {
            cpu->mmu_fault_status = FT_TRANSLATION << 2 | level << 8 | FSR_FAV | 1u << 5;
            cpu->mmu_fault_address = address;
            return 0;
        }
        unsigned et = entry & PTE_ET;
        if (type < 4 && level == 3 - type)
            return et == ET_RESERVED || (et == ET_PTD && level == 3) ? 0 : entry;
        if (et == ET_PTE)
            return type == 4 ? entry : 0;
        if (et != ET_PTD || level == 3)
            return 0;
        at = entry_address(entry, address, level + 1);
    }
}

void sparc_mmu_flush(struct sparc_cpu *cpu, uint32_t address)
{
    if ((address >> 8 & 15) == 0)
        jit_flush_page(&cpu->jit, address & 0xfffff000);
    else
        jit_flush_all(&cpu->jit);
}

/* ASI 4 (H.5, table H-9; microSPARC II manual, chapter 3): register number = address bits 12..8. */
enum {
    MMU_CONTROL = 0x00,
    MMU_CONTEXT_TABLE = 0x01,
    MMU_CONTEXT = 0x02,
    MMU_FAULT_STATUS = 0x03,
    MMU_FAULT_ADDRESS = 0x04,
    MMU_AFAULT_STATUS = 0x05,
    MMU_AFAULT_ADDRESS = 0x06,
    MMU_TLB_REPLACEMENT = 0x10,
    MMU_FAULT_STATUS_DIAG = 0x13,
    MMU_FAULT_ADDRESS_DIAG = 0x14,
};

uint32_t sparc_mmu_read(struct sparc_cpu *cpu, uint32_t address)
{
    unsigned reg = address >> 8 & 31;
    uint32_t value;
    switch (reg) {
    case MMU_CONTROL: return cpu->mmu_control;
    case MMU_CONTEXT_TABLE: return cpu->mmu_context_table;
    case MMU_CONTEXT: return cpu->mmu_context;
    case MMU_FAULT_STATUS: /* reading clears it */
        value = cpu->mmu_fault_status & cpu->model->fault_status_mask;
        cpu->mmu_fault_status = 0;
        return value;
    case MMU_FAULT_STATUS_DIAG: return cpu->mmu_fault_status & cpu->model->fault_status_mask;
    case MMU_FAULT_ADDRESS:
    case MMU_FAULT_ADDRESS_DIAG: return cpu->mmu_fault_address;
    case MMU_AFAULT_STATUS:
        value = cpu->mmu_afault_status;
        cpu->mmu_afault_status = 0;
        return value;
    case MMU_AFAULT_ADDRESS: return cpu->mmu_afault_address;
    default: return cpu->mmu_registers[reg];
    }
}

void sparc_mmu_write(struct sparc_cpu *cpu, uint32_t address, uint32_t value)
{
    unsigned reg = address >> 8 & 31;
    const struct sparc_model *m = cpu->model;
    switch (reg) {
    case MMU_CONTROL: {
        uint32_t old = cpu->mmu_control;
        cpu->mmu_control = (old & ~m->control_writable) | (value & m->control_writable);
        /* No-fault mode changes no mapping, and what it answers is never entered in a TLB; kernels switch it on and
         * off around each window that they spill to a program's stack. */
        if ((old ^ cpu->mmu_control) & (CONTROL_E | m->boot_mode))
            jit_flush_all(&cpu->jit);
        sparc_update_mode(cpu);
        break;
    }
    case MMU_CONTEXT_TABLE:
        if (cpu->mmu_context_table != (value & m->context_table_mask))
            jit_flush_all(&cpu->jit);
        cpu->mmu_context_table = value & m->context_table_mask;
        break;
    case MMU_CONTEXT:
        cpu->mmu_context = value & m->context_mask;
        sparc_update_mode(cpu);
        break;
    case MMU_FAULT_STATUS: /* written through the diagnostic address where there is one */
    case MMU_FAULT_ADDRESS: break;
    case MMU_FAULT_STATUS_DIAG: cpu->mmu_fault_status = value & m->fault_status_mask; break;
    case MMU_FAULT_ADDRESS_DIAG: cpu->mmu_fault_address = value; break;
    case MMU_AFAULT_STATUS: cpu->mmu_afault_status = value; break;
    case MMU_AFAULT_ADDRESS: cpu->mmu_afault_address = value; break;
    case MMU_TLB_REPLACEMENT:
        cpu->mmu_registers[reg] = value & (m->mmu == SPARC_MMU_TSUNAMI ? 0x3f : UINT32_MAX);
        break;
    default: cpu->mmu_registers[reg] = value; break;
    }
}

void sparc_mmu_reset(struct sparc_cpu *cpu)
{
    const struct sparc_model *m = cpu->model;
    cpu->mmu_control = m->mmu_control | m->boot_mode;
    cpu->mmu_context_table = 0;
    cpu->mmu_context = 0;
    cpu->mmu_fault_status = 0;
    cpu->mmu_fault_address = 0;
    cpu->mmu_afault_status = 0;
    cpu->mmu_afault_address = 0;
    memset(cpu->mmu_registers, 0, sizeof(cpu->mmu_registers));
    memset(cpu->breakpoint, 0, sizeof(cpu->breakpoint));
    jit_flush_all(&cpu->jit);
    sparc_update_mode(cpu);
}
