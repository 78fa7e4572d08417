/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Am7990 LANCE, local area network controller for Ethernet.
 *
 * Source: AMD, "Am7990 Local Area Network Controller for Ethernet (LANCE)" data sheet (17881): control and
 * status registers, initialisation block, descriptor rings; the ring and bit names are the data sheet's.
 *
 * On the SPARC the chip sits behind the ledma on a big-endian 16-bit bus: words of the initialisation block
 * and the descriptors are big-endian in memory, and with BSWP in CSR3 buffers are plain bytes. The dma port
 * gets the chip's 24-bit addresses; the ledma adds the upper 8 bits.
 *
 * Board: device_new(), set dma, irq, net, device_start(), lance_map().
 */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/bus.h"
#include "emulator/core/device.h"
#include "emulator/core/irq.h"
#include "emulator/hw/dma_port.h"

struct lance {
    struct device dev;
    struct irq_line *irq;    /* INTR, true = asserted */
    struct net_backend *net; /* NULL = no cable; not owned */
    struct dma_port dma;

    uint16_t rap;
    uint16_t csr[4];
    /* From the initialisation block. */
    uint16_t mode;
    uint8_t padr[6];
    uint16_t ladrf[4];
    uint32_t rdra, tdra; /* ring addresses */
    uint16_t rlen, tlen; /* descriptors a ring */
    uint16_t rx_index, tx_index;
    uint32_t poll_interval; /* of the next poll, ns */
    struct clock_event poll_event;
};

extern const struct device_class lance_class;

/* RDP at `base`, RAP at `base` + 2. */
void lance_map(struct lance *lance, struct bus *bus, uint64_t base);
/* The RESET pin (the ledma's reset bit pulls it): as after power on. */
void lance_reset(struct lance *lance);
