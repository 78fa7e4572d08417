/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The MMUs of v4/v5 (0100I B4), v6 (B4.7 and the XP bit) and v7-A (0406C B3): table walks, faults, and how the
 * JIT's TLB is kept right.
 *
 * A context of the JIT stands for privilege, ASID, domains and the MMU's state, so only what changes tables or
 * control registers drops entries.  Pages of 64 KiB and more are entered by 4 KiB; where one was met, an invalidation
 * by address drops everything.  Small pages whose quarters differ in rights, and 1 KiB pages, are never entered.
 */
#include <string.h>
#include "emulator/core/bus.h"
#include "emulator/cpu/arm/internal.h"

/* Fault status (0406C B3.13.3, 0100I B4.6) */
enum {
    FS_ALIGNMENT = 0x1,
    FS_DEBUG = 0x2,
    FS_ACCESS_SECTION = 0x3,
    FS_TRANSLATION_SECTION = 0x5,
    FS_ACCESS_PAGE = 0x6,
    FS_TRANSLATION_PAGE = 0x7,
    FS_EXTERNAL = 0x8,
    FS_DOMAIN_SECTION = 0x9,
    FS_DOMAIN_PAGE = 0xb,
    FS_WALK_FIRST = 0xc,
    FS_PERMISSION_SECTION = 0xd,
    FS_WALK_SECOND = 0xe,
    FS_PERMISSION_PAGE = 0xf,
    FS_WRITE = 1 << 11,
};

enum { CAN_READ = 1, CAN_WRITE = 2 };

/* Addresses below 32 MiB are the process's (0100I B8). */
static uint32_t modified(const struct arm_cpu *cpu, uint32_t address)
{
    return address < 0x02000000 ? address + (cpu->fcse & 0xfe000000) : address;
}

/* Rights by AP (table B4-1 of 0100I, B3-8 of 0406C); with S and R, which v7 does not have, for AP = 0. */
static unsigned rights(const struct arm_cpu *cpu, unsigned ap, bool apx, bool privileged)
{
    if (!ap && !apx) {
        if (cpu->sctlr & ARM_SCTLR_R)
            return cpu->sctlr & ARM_SCTLR_S ? 0 : CAN_READ;
        return cpu->sctlr & ARM_SCTLR_S && privileged ? CAN_READ : 0;
    }
    unsigned all = apx ? CAN_READ : CAN_READ | CAN_WRITE;
    switch (ap) {
    case 0: return 0; /* reserved */
    case 1: return privileged ? all : 0;
    case 2: return privileged || apx ? all : CAN_READ;
    default: return all;
    }
}

static bool read_entry(struct arm_cpu *cpu, uint64_t at, uint32_t *entry)
{
    uint64_t value;
    bool ok = bus_read(cpu->bus, at, 4, &value) == BUS_OK;
    *entry = (uint32_t)value;
    if (cpu->sctlr & ARM_SCTLR_EE)
        *entry = GUINT32_SWAP_LE_BE(*entry);
    return ok;
}

static bool new_format(const struct arm_cpu *cpu)
{
    return cpu->model->mmu == ARM_MMU_V7 || (cpu->model->mmu == ARM_MMU_V6 && (cpu->sctlr & ARM_SCTLR_XP));
}

static uint64_t first_level(const struct arm_cpu *cpu, uint32_t va, bool *disabled)
{
    unsigned n = cpu->model->mmu == ARM_MMU_V5 ? 0 : cpu->ttbcr & 7;
    bool second = n && va >> (32 - n);
    *disabled = cpu->model->features & ARM_SECURITY && cpu->ttbcr & (second ? 0x20 : 0x10);
    if (second)
        return (cpu->ttbr[1] & 0xffffc000) | (va >> 20) << 2;
    return (cpu->ttbr[0] & (UINT32_MAX << (14 - n))) | (va << n >> n >> 20) << 2;
}

/* A page's rights and where it is, before the domain has been asked. */
struct page {
    uint64_t base;
    uint32_t size;
    unsigned ap;
    bool apx, never_execute, mixed;
};

/* The subpage format has no APX and XN; v5 has no supersections. */
static void section(const struct arm_model *model, struct page *p, uint32_t entry, bool modern)
{
    *p = (struct page){.base = entry & 0xfff00000, .size = 1u << 20, .ap = entry >> 10 & 3};
    if (modern) {
        p->apx = entry >> 15 & 1;
        p->never_execute = entry >> 4 & 1;
    }
    if (model->mmu == ARM_MMU_V5 || !(entry >> 18 & 1))
        return;
    p->base = entry & 0xff000000;
    p->size = 1u << 24;
    if (model->mmfr[3] >> 24 & 15) /* physical addresses of more than 32 bits (ID_MMFR3, B4.1.92) */
        p->base |= (uint64_t)(entry >> 20 & 15) << 32 | (uint64_t)(entry >> 5 & 15) << 36;
}

/* Quarters with rights of their own. */
static bool old_page(struct page *p, uint32_t va, uint32_t entry, bool fine, bool v6)
{
    unsigned quarter;
    switch (entry & 3) {
    case 1:
        quarter = va >> 14 & 3;
        *p = (struct page){.base = entry & 0xffff0000, .size = 1u << 16};
        break;
    case 2:
        quarter = va >> 10 & 3;
        *p = (struct page){.base = entry & 0xfffff000, .size = 1u << 12};
        p->mixed = (entry >> 4 & 0xff) != (entry >> 4 & 3) * 0x55u;
        break;
    case 3:
        if (!fine && !v6)
            return false;
        *p = (struct page){.base = entry & (fine ? 0xfffffc00 : 0xfffff000), .size = fine ? 1u << 10 : 1u << 12, .mixed = fine};
        quarter = 0;
        break;
    default: return false;
    }
    p->ap = entry >> (4 + 2 * quarter) & 3;
    return true;
}

static bool page_of(struct page *p, uint32_t entry)
{
    bool large = (entry & 3) == 1;
    if (!(entry & 3))
        return false;
    *p = (struct page){.base = entry & (large ? 0xffff0000 : 0xfffff000), .size = large ? 1u << 16 : 1u << 12};
    p->ap = entry >> 4 & 3;
    p->apx = entry >> 9 & 1;
    p->never_execute = large ? entry >> 15 & 1 : entry & 1;
    return true;
}

uint32_t arm_mmu_walk(struct arm_cpu *cpu, uint32_t address, enum jit_access access, bool privileged,
                      struct arm_walk *out)
{
    uint32_t va = modified(cpu, address), entry;
    bool disabled, modern = new_format(cpu), v5 = cpu->model->mmu == ARM_MMU_V5, second = false;
    struct page p;
    if (!(cpu->sctlr & ARM_SCTLR_M)) {
        *out = (struct arm_walk){
            .physical = va, .size = 1u << 12, .readable = true, .writable = true, .executable = true};
        return 0;
    }
    uint64_t at = first_level(cpu, va, &disabled);
    if (disabled)
        return FS_TRANSLATION_SECTION;
    if (!read_entry(cpu, at, &entry))
        return FS_WALK_FIRST;
    unsigned type = entry & 3, domain = entry >> 5 & 15;
    bool fine = type == 3 && v5;
    if (type == 0 || (type == 3 && !fine))
        return FS_TRANSLATION_SECTION;
    if (type == 2) {
        section(cpu->model, &p, entry, modern);
        if (p.size > 1u << 20)
            domain = 0;
    } else {
        uint64_t table = fine ? (entry & 0xfffff000) | (va >> 10 & 0x3ff) << 2 : (entry & 0xfffffc00) | (va >> 12 & 0xff) << 2;
        second = true;
        if (!read_entry(cpu, table, &entry))
            return FS_WALK_SECOND | domain << 4;
        if (modern ? !page_of(&p, entry) : !old_page(&p, va, entry, fine, !v5))
            return FS_TRANSLATION_PAGE | domain << 4;
    }
    unsigned mode = cpu->dacr >> (2 * domain) & 3, allowed;
    if (modern && (cpu->sctlr & ARM_SCTLR_AFE)) {
        if (!(p.ap & 1))
            return (second ? FS_ACCESS_PAGE : FS_ACCESS_SECTION) | domain << 4;
        p.ap |= 1; /* AP[0] is no right: 01 privileged, 11 all */
    }
    if (!(mode & 1))
        return (second ? FS_DOMAIN_PAGE : FS_DOMAIN_SECTION) | domain << 4;
    allowed = mode == 3 ? CAN_READ | CAN_WRITE : rights(cpu, p.ap, p.apx, privileged);
    bool execute = (allowed & CAN_READ) && (mode == 3 || !p.never_execute);
    *out = (struct arm_walk){
        .physical = p.base | (va & (p.size - 1)),
        .size = p.size,
        .readable = allowed & CAN_READ,
        .writable = allowed & CAN_WRITE,
        .executable = execute,
        .mixed = p.mixed,
    };
    if (access == JIT_WRITE ? out->writable : access == JIT_FETCH ? execute : out->readable)
        return 0;
    return (second ? FS_PERMISSION_PAGE : FS_PERMISSION_SECTION) | domain << 4;
}

void arm_mmu_fault(struct arm_cpu *cpu, uint32_t address, enum jit_access access, uint32_t status)
{
    bool v6 = cpu->model->features & ARM_V6;
    if (access == JIT_FETCH) {
        cpu->ifsr = status & (v6 ? 0x40f : 0xff);
        cpu->ifar = modified(cpu, address);
        return;
    }
    cpu->dfsr = status | (v6 && access == JIT_WRITE ? FS_WRITE : 0);
    cpu->dfar = modified(cpu, address);
}

/* An invalidation by any address of it drops a page of more than 4 KiB. */
static void note_large(struct arm_cpu *cpu, uint32_t address, uint32_t size)
{
    unsigned mib = address >> 20;
    if (size > 1u << 20)
        cpu->large_pages[mib >> 5] |= 0xffffu << (mib & 16);
    else if (size > 1u << 12)
        cpu->large_pages[mib >> 5] |= 1u << (mib & 31);
}

static void exception_for(struct jit_cpu *jit, uint32_t address, enum jit_access access)
{
    jit->exit_reason = access == JIT_FETCH ? ARM_EXC_PREFETCH_ABORT : ARM_EXC_DATA_ABORT;
    jit->exit_info = address;
}

bool arm_lookup(struct jit_cpu *jit, uint64_t address64, enum jit_access access, bool commit,
                struct jit_translation *out)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    uint32_t address = (uint32_t)address64;
    struct arm_walk walk;
    exception_for(jit, address, access);
    if (!cpu->bus) { /* user mode: a host fault wants its name */
        arm_mmu_fault(cpu, address, access, 0);
        return false;
    }
    uint32_t fault = arm_mmu_walk(cpu, address, access, (cpu->cpsr & ARM_CPSR_MODE) != ARM_MODE_USR, &walk);
    if (fault) {
        if (commit)
            arm_mmu_fault(cpu, address, access, fault);
        return false;
    }
    note_large(cpu, address, walk.size);
    *out = (struct jit_translation){
        .physical = walk.physical,
        .readable = walk.readable,
        .writable = walk.writable,
        .executable = walk.executable,
    };
    if (walk.mixed && access != JIT_FETCH) /* each access is looked at */
        return true;
    struct ram_block *block;
    uint64_t offset, length;
    out->host = bus_host_pointer(cpu->bus, out->physical, &block, &offset, &length);
    if (out->host && block->rom) {
        if (access == JIT_WRITE)
            out->host = NULL; /* the bus knows what a write to ROM does */
        else
            out->writable = false;
    } else if (out->host) {
        out->page_flags = &block->page_flags[offset >> RAM_PAGE_BITS];
        if (access == JIT_WRITE)
            ram_prepare_write(block, offset, 1);
    }
    if (walk.mixed)
        out->readable = out->writable = false;
    if (!out->host && access == JIT_FETCH) {
        if (commit)
            arm_mmu_fault(cpu, address, access, FS_EXTERNAL);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------- devices */

static bool bus_fault(struct arm_cpu *cpu, enum jit_access access)
{
    arm_mmu_fault(cpu, (uint32_t)cpu->jit.exit_info, access, FS_EXTERNAL);
    exception_for(&cpu->jit, (uint32_t)cpu->jit.exit_info, access);
    return false;
}

bool arm_io_read(struct jit_cpu *jit, uint64_t physical, unsigned size, uint64_t *value)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    *value = 0;
    return bus_read(cpu->bus, physical, size, value) == BUS_OK || bus_fault(cpu, JIT_READ);
}

bool arm_io_write(struct jit_cpu *jit, uint64_t physical, unsigned size, uint64_t value)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    return bus_write(cpu->bus, physical, size, value) == BUS_OK || bus_fault(cpu, JIT_WRITE);
}

void arm_misaligned(struct jit_cpu *jit, uint64_t address, enum jit_access access)
{
    struct arm_cpu *cpu = (struct arm_cpu *)jit;
    jit->exit_reason = ARM_EXC_ALIGNMENT;
    jit->exit_info = (uint32_t)address;
    arm_mmu_fault(cpu, (uint32_t)address, access, FS_ALIGNMENT);
}

/* LDRT and its kin: byte by byte where pages or alignment ask for it. */
bool arm_unprivileged(struct arm_cpu *cpu, uint32_t address, unsigned size, bool write, uint64_t *value)
{
    enum jit_access access = write ? JIT_WRITE : JIT_READ;
    bool big = cpu->cpsr & ARM_CPSR_E || cpu->sctlr & ARM_SCTLR_B;
    uint64_t v = write ? *value : 0;
    if (cpu->sctlr & ARM_SCTLR_A && address & (size - 1)) {
        arm_misaligned(&cpu->jit, address, access);
        return false;
    }
    uint64_t physical[4];
    for (unsigned k = 0; k < size; k++) {
        struct arm_walk walk;
        uint32_t fault = arm_mmu_walk(cpu, address + k, access, false, &walk);
        exception_for(&cpu->jit, address + k, access);
        if (fault) {
            arm_mmu_fault(cpu, address + k, access, fault);
            return false;
        }
        physical[k] = walk.physical;
    }
    bool whole = !(address & (size - 1)) && !big;
    if (whole)
        return write ? arm_io_write(&cpu->jit, physical[0], size, v) : arm_io_read(&cpu->jit, physical[0], size, value);
    for (unsigned k = 0; k < size; k++) {
        unsigned shift = 8 * (big ? size - 1 - k : k);
        uint64_t byte = v >> shift & 0xff;
        if (write ? !arm_io_write(&cpu->jit, physical[k], 1, byte) : !arm_io_read(&cpu->jit, physical[k], 1, &byte))
            return false;
        if (!write)
            v |= byte << shift;
    }
    *value = v;
    return true;
}

/* ------------------------------------------------------------------------------------------- invalidation */

void arm_tlb_flush_all(struct arm_cpu *cpu)
{
    memset(cpu->large_pages, 0, sizeof(cpu->large_pages));
    jit_flush_all(&cpu->jit);
}

void arm_tlb_flush_page(struct arm_cpu *cpu, uint32_t address)
{
    uint32_t pid = cpu->fcse & 0xfe000000;
    if (pid && (address & 0xfe000000) == pid) /* given as modified address */
        address -= pid;
    if (cpu->large_pages[address >> 25] >> (address >> 20 & 31) & 1)
        arm_tlb_flush_all(cpu);
    else
        jit_flush_page(&cpu->jit, address & 0xfffff000);
}
