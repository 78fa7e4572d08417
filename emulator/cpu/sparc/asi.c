/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Alternate address spaces: those of appendix I of the V8 manual, and what the microSPARC II (MB86904 manual,
 * chapter 3) and the SuperSPARC (TMS390Z50 user's guide, chapter 8, and its cache controller) add.
 */
#include "emulator/core/bus.h"
#include "emulator/cpu/sparc/internal.h"

enum asi {
    ASI_MXCC = 0x02,            /* SuperSPARC with cache controller */
    ASI_MMU_PROBE = 0x03,       /* load: probe, store: flush */
    ASI_MMU_REGISTERS = 0x04,
    ASI_TLB_I_DIAG = 0x05,
    ASI_TLB_DIAG = 0x06,
    ASI_TLB_IO_DIAG = 0x07,
    ASI_USER_INSTRUCTION = 0x08,
    ASI_SUPER_INSTRUCTION = 0x09,
    ASI_USER_DATA = 0x0a,
    ASI_SUPER_DATA = 0x0b,
    ASI_ICACHE_TAG = 0x0c,
    ASI_ICACHE_DATA = 0x0d,
    ASI_DCACHE_TAG = 0x0e,
    ASI_DCACHE_DATA = 0x0f,
    ASI_FLUSH_FIRST = 0x10,     /* page, segment, region, context, user; combined, then instruction cache */
    ASI_FLUSH_LAST = 0x1c,
    ASI_BLOCK_COPY = 0x17,
    ASI_BLOCK_FILL = 0x1f,
    ASI_BYPASS = 0x20,          /* to 0x2f: physical addresses, bits 35..32 from the ASI */
    ASI_STORE_BUFFER_TAG = 0x30,
    ASI_STORE_BUFFER_DATA = 0x31,
    ASI_STORE_BUFFER_CONTROL = 0x32,
    ASI_ICACHE_CLEAR = 0x36,
    ASI_DCACHE_CLEAR = 0x37,
    ASI_BREAKPOINT = 0x38,      /* MMU breakpoint diagnostics */
    ASI_BIST = 0x39,
    ASI_BREAK_VALUE = 0x49,     /* counter breakpoint value, control, status, action */
    ASI_BREAK_ACTION = 0x4c,
    /* V9 (table 12) */
    ASI_PRIMARY = 0x80,
    ASI_SECONDARY = 0x81,
    ASI_PRIMARY_NOFAULT = 0x82,
    ASI_SECONDARY_NOFAULT = 0x83,
    ASI_PRIMARY_LITTLE = 0x88,
    ASI_SECONDARY_LITTLE = 0x89,
    ASI_PRIMARY_NOFAULT_LITTLE = 0x8a,
    ASI_SECONDARY_NOFAULT_LITTLE = 0x8b,
};

#define TT_PRIVILEGED_ACTION 0x37 /* V9 */

static uint64_t swapped(uint64_t value, unsigned size)
{
    return GUINT64_SWAP_LE_BE(value) >> (64 - 8 * size);
}

/* A program's address space, big- or little-endian. */
static uint32_t user_access(struct sparc_cpu *cpu, uint32_t address, uint32_t asi, unsigned size, bool write)
{
    if (asi < ASI_PRIMARY)
        return cpu->model->features & SPARC_V9_SUBSET ? TT_PRIVILEGED_ACTION : SPARC_TT_PRIVILEGED;
    if ((asi & 0x74) || (asi & 3) > 3)
        return SPARC_TT_ILLEGAL;
    bool little = asi & 8, nofault = asi & 2;
    if (nofault && write)
        return SPARC_TT_ILLEGAL;
    uint8_t bytes[8];
    cpu->fault_address = address;
    if (write) {
        uint64_t value = little ? swapped(cpu->alt_value[0], size) : cpu->alt_value[0];
        value = GUINT64_TO_BE(value << (64 - 8 * size));
        memcpy(bytes, &value, size);
        return jit_user_copy(&cpu->jit, address, bytes, size, true) ? 0 : SPARC_TT_DATA_ACCESS;
    }
    uint64_t value = 0;
    if (!jit_user_copy(&cpu->jit, address, bytes, size, false)) {
        if (!nofault)
            return SPARC_TT_DATA_ACCESS;
        memset(bytes, 0, sizeof bytes);
    }
    memcpy(&value, bytes, size);
    value = GUINT64_FROM_BE(value) >> (64 - 8 * size);
    cpu->alt_value[0] = little ? swapped(value, size) : value;
    return 0;
}

/* As the processor itself accesses a virtual address, but with the privilege that the space names. */
static uint32_t virtual_access(struct sparc_cpu *cpu, uint32_t address, unsigned size, bool supervisor, bool fetch,
                               bool write)
{
    enum jit_access access = write ? JIT_WRITE : JIT_READ;
    uint64_t physical;
    cpu->fault_address = address;
    if (cpu->mmu_control & 1) {
        struct sparc_walk walk;
        /* the instruction spaces allow loads of what may be executed */
        enum jit_access wanted = fetch && !write ? JIT_FETCH : access;
        uint32_t fault = sparc_mmu_walk(cpu, address, wanted, supervisor, true, &walk);
        if (fault) {
            sparc_mmu_fault(cpu, address, wanted, supervisor, fault);
            if (cpu->mmu_control & 2 && !(fetch && supervisor)) {
                cpu->alt_value[0] = write ? cpu->alt_value[0] : 0;
                return 0;
            }
            return SPARC_TT_DATA_ACCESS;
        }
        physical = walk.physical;
    } else {
        physical = sparc_mmu_off_address(cpu, address, fetch && !write ? JIT_FETCH : access);
    }
    enum bus_result result = write ? bus_write(cpu->bus, physical, size, cpu->alt_value[0])
                                   : bus_read(cpu->bus, physical, size, &cpu->alt_value[0]);
    if (result == BUS_OK)
        return 0;
    sparc_mmu_fault(cpu, address, access, supervisor, 5u << 2);
    return cpu->mmu_control & 2 ? 0 : SPARC_TT_DATA_ACCESS;
}

static uint32_t physical_access(struct sparc_cpu *cpu, uint64_t physical, unsigned size, bool write)
{
    enum bus_result result = write ? bus_write(cpu->bus, physical, size, cpu->alt_value[0])
                                   : bus_read(cpu->bus, physical, size, &cpu->alt_value[0]);
    if (result == BUS_OK)
        return 0;
    cpu->fault_address = (uint32_t)physical;
    sparc_mmu_fault(cpu, (uint32_t)physical, write ? JIT_WRITE : JIT_READ, true, 5u << 2);
    return cpu->mmu_control & 2 ? 0 : SPARC_TT_DATA_ACCESS;
}

/* SuperSPARC cache controller (MXCC): stream registers move 32 bytes of physical memory; the others keep what
 * was written. Registers stand at 01c00000. */
static uint32_t mxcc(struct sparc_cpu *cpu, uint32_t address, unsigned size, bool write)
{
    uint32_t offset = address - 0x01c00000;
    if (offset < 0x100) { /* stream data */
        uint64_t *word = &cpu->mxcc_data[offset >> 3 & 3];
        if (write)
            *word = size == 8 ? cpu->alt_value[0] : (uint32_t)cpu->alt_value[0];
        else
            cpu->alt_value[0] = *word;
        return 0;
    }
    unsigned reg = offset >> 8 & 15;
    if (!write) {
        cpu->alt_value[0] = size == 8 || (offset & 4) ? cpu->mxcc_registers[reg] : cpu->mxcc_registers[reg] >> 32;
        if (size == 4)
            cpu->alt_value[0] = (uint32_t)cpu->alt_value[0];
        return 0;
    }
    if (size == 8)
        cpu->mxcc_registers[reg] = cpu->alt_value[0];
    else if (offset & 4)
        cpu->mxcc_registers[reg] = (cpu->mxcc_registers[reg] & ~UINT64_C(0xffffffff)) | (uint32_t)cpu->alt_value[0];
    else
        cpu->mxcc_registers[reg] = (cpu->mxcc_registers[reg] & 0xffffffff) | cpu->alt_value[0] << 32;
    if (reg == 1 || reg == 2) { /* stream source, stream destination: starts the move */
        uint64_t physical = cpu->mxcc_registers[reg] & UINT64_C(0xfffffffff);
        for (unsigned k = 0; k < 4; k++) {
            enum bus_result result = reg == 1 ? bus_read(cpu->bus, physical + 8 * k, 8, &cpu->mxcc_data[k])
                                              : bus_write(cpu->bus, physical + 8 * k, 8, cpu->mxcc_data[k]);
            if (result != BUS_OK) {
                cpu->fault_address = address;
                return SPARC_TT_DATA_ACCESS;
            }
        }
    }
    return 0;
}

static uint32_t no_such_space(struct sparc_cpu *cpu, uint32_t address, bool write)
{
    cpu->fault_address = address;
    sparc_mmu_fault(cpu, address, write ? JIT_WRITE : JIT_READ, true, 5u << 2);
    return SPARC_TT_DATA_ACCESS;
}

static uint32_t access_space(struct sparc_cpu *cpu, uint32_t address, uint32_t asi, unsigned size, bool write)
{
    bool viking = cpu->model->mmu == SPARC_MMU_VIKING;
    uint64_t *value = &cpu->alt_value[0];
    if (address & (size - 1))
        return SPARC_TT_MISALIGNED;
    if (cpu->jit.mode & SPARC_MODE_USER)
        return user_access(cpu, address, asi, size, write);
    switch (asi) {
    case ASI_MXCC:
        if (viking)
            return mxcc(cpu, address, size, write);
        /* Processors without the cache controller decode the space: firmware of all sun4m computers looks for the
         * module's number here and finds none. */
        if (!write)
            *value = 0;
        return 0;
    case ASI_MMU_PROBE:
        if (write)
            sparc_mmu_flush(cpu, address);
        else
            *value = sparc_mmu_probe(cpu, address);
        return 0;
    case ASI_MMU_REGISTERS:
        if (write)
            sparc_mmu_write(cpu, address, (uint32_t)*value);
        else
            *value = sparc_mmu_read(cpu, address);
        return 0;
    case ASI_USER_INSTRUCTION: return virtual_access(cpu, address, size, false, true, write);
    case ASI_SUPER_INSTRUCTION: return virtual_access(cpu, address, size, true, true, write);
    case ASI_USER_DATA: return virtual_access(cpu, address, size, false, false, write);
    case ASI_SUPER_DATA: return virtual_access(cpu, address, size, true, false, write);
    case ASI_BLOCK_COPY: /* 32 bytes from the stored value's line to the addressed one */
        if (write) {
            uint32_t from = (uint32_t)*value & ~31u, to = address & ~31u, trap = 0;
            for (unsigned k = 0; k < 32 && !trap; k += 8) {
                trap = virtual_access(cpu, from + k, 8, true, false, false);
                if (!trap)
                    trap = virtual_access(cpu, to + k, 8, true, false, true);
            }
            return trap;
        }
        *value = 0;
        return 0;
    case ASI_BLOCK_FILL: /* 32 bytes of the stored pair */
        if (write) {
            uint64_t fill = size == 8 ? *value : *value << 32 | (uint32_t)*value;
            uint32_t trap = 0;
            for (unsigned k = 0; k < 32 && !trap; k += 8) {
                *value = fill;
                trap = virtual_access(cpu, (address & ~31u) + k, 8, true, false, true);
            }
            return trap;
        }
        *value = 0;
        return 0;
    case ASI_TLB_I_DIAG: /* diagnostic access to TLBs and caches that are not there: empty */
    case ASI_TLB_DIAG:
    case ASI_TLB_IO_DIAG:
    case ASI_ICACHE_TAG:
    case ASI_ICACHE_DATA:
    case ASI_DCACHE_TAG:
    case ASI_DCACHE_DATA:
    case ASI_STORE_BUFFER_TAG:
    case ASI_STORE_BUFFER_DATA:
    case ASI_STORE_BUFFER_CONTROL:
    case ASI_ICACHE_CLEAR:
    case ASI_DCACHE_CLEAR:
    case ASI_BIST:
        if (!write)
            *value = 0;
        return 0;
    case ASI_BREAKPOINT:
        if (write)
            cpu->breakpoint[address >> 8 & 3] = *value;
        else
            *value = size == 8 ? cpu->breakpoint[address >> 8 & 3] : (uint32_t)cpu->breakpoint[address >> 8 & 3];
        return 0;
    default:
        if (asi >= ASI_BYPASS && asi <= ASI_BYPASS + 15)
            return physical_access(cpu, (uint64_t)(asi & 15) << 32 | address, size, write);
        if ((asi >= ASI_FLUSH_FIRST && asi <= ASI_FLUSH_LAST) || (asi >= ASI_BREAK_VALUE && asi <= ASI_BREAK_ACTION)) {
            if (!write)
                *value = 0;
            return 0;
        }
        return no_such_space(cpu, address, write);
    }
}

uint32_t sparc_alt_read(struct sparc_cpu *cpu, uint32_t address, uint32_t asi, unsigned size)
{
    return access_space(cpu, address, asi, size, false);
}

uint32_t sparc_alt_write(struct sparc_cpu *cpu, uint32_t address, uint32_t asi, unsigned size)
{
    if (size < 8)
        cpu->alt_value[0] &= (UINT64_C(1) << 8 * size) - 1;
    return access_space(cpu, address, asi, size, true);
}
