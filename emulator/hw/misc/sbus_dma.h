/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SBus DMA controllers of the 89C100 (revision 2): one channel for the ESP SCSI controller, one for the
 * LANCE. Both are one register layout; the SCSI channel counts its own address, the Ethernet channel supplies
 * the upper eight address bits of a chip that addresses memory itself. Sources: NCR89C100 data manual,
 * "DMA2"; Linux arch/sparc/include/asm/dma.h, drivers/scsi/sun_esp.c, drivers/net/ethernet/amd/sunlance.c.
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/core/irq.h"

struct sbus_dma {
    struct device dev;
    bool ethernet;              /* property: this is the LANCE's channel */
    struct bus *dvma;           /* SBus side, set by the board */
    struct irq_line *irq;       /* to the interrupt controller */
    struct irq_line *reset_out; /* the chip's reset pin; may be NULL */
    struct irq_line irq_in;     /* the chip's interrupt pin */
    /* SCSI: the chip is told when the channel lets data through. May be NULL. */
    void (*enabled)(void *opaque, bool on);
    void *enabled_opaque;

    uint32_t csr, address, count, test;
};

extern const struct device_class sbus_dma_class;

/* The register block of 16 bytes. */
void sbus_dma_map(struct sbus_dma *dma, struct bus *bus, uint64_t base);
/* Ethernet: maps a 16 MiB window at 0 of `chip_bus` on the DVMA space. */
void sbus_dma_map_chip(struct sbus_dma *dma, struct bus *chip_bus);

/* SCSI channel: does it let data of this direction through now? */
bool sbus_dma_ready(const struct sbus_dma *dma);
/* The chip moves bytes; false after a bus error (the channel stops and interrupts). */
bool sbus_dma_read(struct sbus_dma *dma, void *data, uint32_t size);        /* memory → chip */
bool sbus_dma_write(struct sbus_dma *dma, const void *data, uint32_t size); /* chip → memory */
