/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sun4m I/O MMU: translates the 32-bit addresses of SBus masters (DVMA) to 36-bit physical addresses
 * through one flat table of 4 KiB entries. Sources: STP1012 (microSPARC II) user's manual, "SBus controller
 * and IOMMU"; Linux arch/sparc/include/asm/iommu_32.h, arch/sparc/mm/iommu.c; NCR/Sun 89C100.
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/core/irq.h"

struct sun4m_iommu {
    struct device dev;
    uint32_t id;          /* implementation and version: bits 31..24 of the control register */
    struct irq_line *irq; /* asynchronous fault */
    struct bus *memory;   /* where the table stands and translated accesses go */

    uint32_t control, base;
    uint32_t afsr, afar, arbitration, mfsr, mfar;
    uint32_t sbus_config[5];
    uint32_t mask_id;
};

extern const struct device_class sun4m_iommu_class;

/* Registers at `base` (16 KiB) on `bus`; the DVMA space of 4 GiB on `dvma`. */
void sun4m_iommu_map(struct sun4m_iommu *iommu, struct bus *bus, uint64_t base, struct bus *dvma);
