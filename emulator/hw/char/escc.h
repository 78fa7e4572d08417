/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zilog Z85C30 SCC / Z85230 ESCC: two serial channels with baud rate generators, FIFOs and vectored
 * interrupts, in asynchronous operation. The synchronous modes' registers keep their values; no synchronous
 * frames are moved.
 *
 * Source: Zilog, "SCC/ESCC User Manual" (UM0109), chapters 4 (interfacing, interrupts), 5 (asynchronous
 * modes) and 6 (register descriptions).
 *
 * Board: device_new(machine, &escc_class, id); set properties; set irq, lines[], modem pins; device_start();
 * then escc_map() or an own region with escc_read/escc_write.
 */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/bus.h"
#include "emulator/core/device.h"
#include "emulator/core/irq.h"

enum { ESCC_A, ESCC_B, ESCC_CHANNELS };

#define ESCC_RX_FIFO_MAX 8 /* Z85230; the Z85C30 has 3 */
#define ESCC_TX_FIFO_MAX 4 /* Z85230; the Z85C30 has 1 */

struct escc;

struct escc_channel {
    struct escc *escc;
    struct char_backend *line;  /* what the channel talks to; NULL = nothing plugged in; not owned */
    struct irq_line *rts, *dtr; /* outputs, true = asserted; may be NULL */

    uint8_t wr[16]; /* write registers as written; WR0, WR2, WR8 and WR9 are not kept here */
    uint8_t wr7p;   /* WR7' */
    uint8_t pointer;

    uint8_t rx_data[ESCC_RX_FIFO_MAX];
    uint8_t rx_error[ESCC_RX_FIFO_MAX]; /* RR1 bits that belong to the character */
    uint8_t rx_count;
    uint8_t rr1_latched; /* parity and overrun errors until Error Reset */
    bool rx_locked_read; /* a character that a special condition holds in the FIFO was read */
    bool rx_first_armed; /* interrupt on next received character */
    uint8_t tx_data[ESCC_TX_FIFO_MAX];
    uint8_t tx_count;
    bool tx_shifting; /* paced: a character is on the line */
    bool rx_shifting; /* paced: a received one is */

    bool in_break; /* the line is in break condition */
    bool zero_count, tx_underrun;
    bool ext_latched; /* the latches of RR0 are closed since the change that interrupted */
    uint8_t ext_seen; /* RR0's external/status bits as latched, or as of the last look */
    bool ip_rx, ip_tx, ip_ext, ius_rx, ius_tx, ius_ext;
    bool rx_special; /* the pending receive interrupt is a special condition */

    struct clock_event tx_event, rx_event, break_event, zero_event;
};

struct escc {
    struct device dev;
    struct irq_line *irq; /* INT, true = asserted */

    /* Properties. */
    uint32_t spacing;    /* bytes from one register to the next; default 2 (Sun) */
    bool a_first;        /* channel A at the lower address; default false (Sun, Macintosh) */
    bool escc;           /* Z85230 rather than Z85C30; default false */
    bool paced;          /* characters take their time on the line; default false */
    uint32_t pclk, rtxc; /* Hz; default 4915200 each */
    /* Bits a second; default 0 = off. After a machine reset both channels stand as a boot PROM's self test
     * leaves them (8n1 at this rate, both directions on) rather than as the chip's reset does: for firmware
     * that skips that part. */
    uint32_t preset_baud;

    /* Modem inputs: irq_set(&escc->cts[ESCC_A], true) asserts. A channel with a line starts with CTS and DCD
     * asserted. */
    struct irq_line cts[ESCC_CHANNELS], dcd[ESCC_CHANNELS], sync[ESCC_CHANNELS];

    struct escc_channel channel[ESCC_CHANNELS];
    uint8_t wr2, wr9;
};

extern const struct device_class escc_class;

/* Four registers of one byte, `spacing` apart: control and data of the first channel, then of the second. */
void escc_map(struct escc *escc, struct bus *bus, uint64_t base);
uint64_t escc_read(struct device *dev, uint64_t offset, unsigned size);
void escc_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size);

/* The interrupt acknowledge cycle (INTACK): returns the vector and sets the interrupt under service. */
uint8_t escc_acknowledge(struct escc *escc);
