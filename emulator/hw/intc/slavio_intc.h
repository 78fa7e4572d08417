/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interrupt controller of the sun4m architecture, in the SLAVIO chip (NCR89C105): a system-wide part that
 * collects the devices' lines and one small part per processor with software interrupts and the processor's
 * timer.
 *
 * Sources: "Sun-4M System Architecture" chapter on interrupts, NCR89C105 data manual (interrupt controller),
 * Linux arch/sparc/kernel/sun4m_irq.c.
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/core/irq.h"

#define SLAVIO_MAX_CPUS 4

/* Bits of the system pending and mask registers = numbers of the input pins. */
enum slavio_irq {
    SLAVIO_IRQ_SBUS1 = 7, /* SBus level 1; levels 1..7 are bits 7..13 */
    SLAVIO_IRQ_KBDMS = 14,
    SLAVIO_IRQ_SERIAL = 15,
    SLAVIO_IRQ_ETHERNET = 16,
    SLAVIO_IRQ_AUDIO = 17,
    SLAVIO_IRQ_SCSI = 18,
    SLAVIO_IRQ_TIMER = 19,
    SLAVIO_IRQ_VIDEO = 20,
    SLAVIO_IRQ_MODULE = 21, /* the CS4231 of an SS-5 */
    SLAVIO_IRQ_FLOPPY = 22,
    SLAVIO_IRQ_VME_ERROR = 27,
    SLAVIO_IRQ_ECC_ERROR = 28,
    SLAVIO_IRQ_M2S_ERROR = 29, /* SBus write error (IOMMU) */
    SLAVIO_IRQ_MODULE_ERROR = 30,
};

struct slavio_intc {
    struct device dev;
    /* Set by the board before the start. */
    uint32_t cpus;
    void (*set_level)(void *opaque, unsigned cpu, unsigned level); /* 0..15 to a processor's IRL pins */
    void *set_level_opaque;

    struct irq_line inputs[32];                  /* by enum slavio_irq */
    struct irq_line cpu_timers[SLAVIO_MAX_CPUS]; /* level 14 of one processor */

    uint32_t pending, mask, target;
    uint32_t soft[SLAVIO_MAX_CPUS];   /* bits 17..31: software interrupts 1..15 */
    uint8_t level15[SLAVIO_MAX_CPUS]; /* a broadcast error, held until cleared */
    uint8_t level[SLAVIO_MAX_CPUS];   /* what the processors were told */
};

extern const struct device_class slavio_intc_class;

/* Maps the per-processor registers (a page each) and the system registers. */
void slavio_intc_map(struct slavio_intc *intc, struct bus *bus, uint64_t cpu_base, uint64_t system_base);
