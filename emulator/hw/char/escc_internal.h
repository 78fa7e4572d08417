/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Z85C30/Z85230: what its files share. escc.c has the registers, escc_interrupt.c what asks for the processor and the
 * latched external status, escc_channel.c a channel's receiver, transmitter and baud rate generator.
 */
#pragma once

#include "emulator/hw/char/escc.h"

enum {
    WR0_RESET_EOM_LATCH = 3, /* bits 7..6 */

    WR1_EXT_INT_ENABLE = 0x01,
    WR1_TX_INT_ENABLE = 0x02,
    WR1_PARITY_IS_SPECIAL = 0x04,

    WR3_RX_ENABLE = 0x01,
    WR3_AUTO_ENABLES = 0x20,

    WR4_PARITY_ENABLE = 0x01,
    WR4_PARITY_EVEN = 0x02,

    WR5_RTS = 0x02,
    WR5_TX_ENABLE = 0x08,
    WR5_SEND_BREAK = 0x10,
    WR5_DTR = 0x80,

    WR7P_RX_INT_HALF_FULL = 0x08,
    WR7P_EXTENDED_READ = 0x40,

    WR9_VIS = 0x01,
    WR9_NV = 0x02,
    WR9_MIE = 0x08,
    WR9_STATUS_HIGH = 0x10,
    WR9_SOFTWARE_INTACK = 0x20,

    WR14_BRG_ENABLE = 0x01,
    WR14_BRG_FROM_PCLK = 0x02,
    WR14_DTR_IS_REQUEST = 0x04,
    WR14_AUTO_ECHO = 0x08,
    WR14_LOCAL_LOOPBACK = 0x10,

    WR15_WR7P = 0x01,
    WR15_ZERO_COUNT = 0x02,
    WR15_FRAME_FIFO = 0x04,

    RR0_RX_AVAILABLE = 0x01,
    RR0_ZERO_COUNT = 0x02,
    RR0_TX_EMPTY = 0x04,
    RR0_DCD = 0x08,
    RR0_SYNC = 0x10,
    RR0_CTS = 0x20,
    RR0_TX_UNDERRUN = 0x40,
    RR0_BREAK = 0x80,
    RR0_EXT_BITS = RR0_ZERO_COUNT | RR0_DCD | RR0_SYNC | RR0_CTS | RR0_TX_UNDERRUN | RR0_BREAK,

    RR1_ALL_SENT = 0x01,
    RR1_RESIDUE = 0x06, /* as it reads in asynchronous operation */
    RR1_PARITY_ERROR = 0x10,
    RR1_OVERRUN = 0x20,
    RR1_FRAMING_ERROR = 0x40,
};

enum rx_int_mode { RX_INT_NONE, RX_INT_FIRST, RX_INT_ALL, RX_INT_SPECIAL };

static inline enum rx_int_mode rx_int_mode(const struct escc_channel *ch)
{
    return ch->wr[1] >> 3 & 3;
}

static inline unsigned index_of(const struct escc_channel *ch)
{
    return (unsigned)(ch - ch->escc->channel);
}

/* ---- escc_interrupt.c ---- */

/* The status registers as they read. */
uint8_t escc_rr0(const struct escc_channel *ch);
uint8_t escc_rr1(const struct escc_channel *ch);
/* Bits of RR0 that are external status, without the latch. */
uint8_t escc_ext_now(const struct escc_channel *ch);
/* A change of an enabled source closes the latches and interrupts. */
void escc_update_ext(struct escc_channel *ch);
void escc_update_irq(struct escc *escc);
/* The highest interrupt pending that no IUS holds back, as a vector code; -1 = none. `serve` sets its IUS. */
int escc_highest_pending(struct escc *escc, bool serve);
/* WR2 with that code in it. */
uint8_t escc_modified_vector(const struct escc *escc, int code);
void escc_reset_highest_ius(struct escc *escc);
/* CTS, DCD and SYNC pins, for irq_init(): opaque is the chip, the number the channel. */
void escc_pin_changed(void *opaque, int number, bool level);

/* ---- escc_channel.c ---- */

/* Events and line of a channel; the letter is part of their names in saved state. */
void escc_channel_init(struct escc_channel *ch, char letter);
void escc_channel_finish(struct escc_channel *ch);
/* Nothing is on the line, both FIFOs are empty. */
void escc_channel_clear(struct escc_channel *ch);
/* WR4, WR5, WR11 to WR14 changed. */
void escc_update_params(struct escc_channel *ch);
void escc_update_outputs(struct escc_channel *ch);
void escc_schedule_zero_count(struct escc_channel *ch);
bool escc_rx_enabled(const struct escc_channel *ch);
void escc_rx_push(struct escc_channel *ch, uint8_t data, uint8_t error);
void escc_rx_pop(struct escc_channel *ch);
/* The data register. */
uint8_t escc_rx_read(struct escc_channel *ch);
void escc_tx_write(struct escc_channel *ch, uint8_t data);
/* Sends what can be sent now. */
void escc_tx_pump(struct escc_channel *ch);
