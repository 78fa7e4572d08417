/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zilog SCC/ESCC. Section numbers are those of the "SCC/ESCC User Manual" (UM0109).
 *
 * An interrupt pending bit (IP) asks for service, an interrupt under service bit (IUS) holds back what is not
 * of higher priority. IUS is set by an acknowledge cycle only, or by a read of RR2 when WR9 selects software
 * acknowledge.
 */
#include "emulator/hw/char/escc.h"

#include <string.h>

#include "emulator/core/machine.h"

enum wr0_command {
    WR0_POINT_HIGH = 1,
    WR0_RESET_EXT_STATUS = 2,
    WR0_SEND_ABORT = 3,
    WR0_ENABLE_INT_NEXT_RX = 4,
    WR0_RESET_TX_INT = 5,
    WR0_ERROR_RESET = 6,
    WR0_RESET_HIGHEST_IUS = 7,
};

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

/* V3..V1 of the modified vector (section 6, WR9/RR2). Channel A adds 4. */
enum vector_code { VECTOR_TX, VECTOR_EXT, VECTOR_RX, VECTOR_SPECIAL };

/* A zero count event is not delivered more often than this: the counter of a fast line would drown the
 * machine. */
#define ZERO_COUNT_MIN (100 * NS_PER_US)
/* How long a break that the host sends lasts on an unpaced line. */
#define BREAK_TIME (2 * NS_PER_MS)
/* When a line took nothing, it is asked again after this time. */
#define LINE_RETRY (1 * NS_PER_MS)

static unsigned index_of(const struct escc_channel *ch)
{
    return (unsigned)(ch - ch->escc->channel);
}

/* ---- interrupts ---- */

static enum rx_int_mode rx_int_mode(const struct escc_channel *ch)
{
    return ch->wr[1] >> 3 & 3;
}

static uint8_t rr1(const struct escc_channel *ch)
{
    uint8_t value = RR1_RESIDUE | ch->rr1_latched;
    if (ch->rx_count)
        value |= ch->rx_error[0] & RR1_FRAMING_ERROR;
    if (!ch->tx_count && !ch->tx_shifting)
        value |= RR1_ALL_SENT;
    return value;
}

static bool rx_special(const struct escc_channel *ch)
{
    uint8_t conditions = RR1_OVERRUN | RR1_FRAMING_ERROR;
    if (ch->wr[1] & WR1_PARITY_IS_SPECIAL)
        conditions |= RR1_PARITY_ERROR;
    return rr1(ch) & conditions;
}

static void update_rx_ip(struct escc_channel *ch)
{
    unsigned threshold = ch->escc->escc && ch->wr7p & WR7P_RX_INT_HALF_FULL ? 4 : 1;
    enum rx_int_mode mode = rx_int_mode(ch);
    ch->rx_special = mode != RX_INT_NONE && rx_special(ch);
    ch->ip_rx = ch->rx_special || (mode == RX_INT_ALL && ch->rx_count >= threshold) ||
                (mode == RX_INT_FIRST && ch->rx_first_armed && ch->rx_count);
}

/* The highest interrupt pending that no IUS holds back, as a vector code; -1 = none. `serve` sets its IUS. */
static int highest_pending(struct escc *escc, bool serve)
{
    for (unsigned i = 0; i < ESCC_CHANNELS; i++) {
        struct escc_channel *ch = &escc->channel[i];
        int base = i == ESCC_A ? 4 : 0;
        if (ch->ius_rx)
            return -1;
        if (ch->ip_rx) {
            ch->ius_rx = serve;
            return base + (ch->rx_special ? VECTOR_SPECIAL : VECTOR_RX);
        }
        if (ch->ius_tx)
            return -1;
        if (ch->ip_tx) {
            ch->ius_tx = serve;
            return base + VECTOR_TX;
        }
        if (ch->ius_ext)
            return -1;
        if (ch->ip_ext) {
            ch->ius_ext = serve;
            return base + VECTOR_EXT;
        }
    }
    return -1;
}

static void update_irq(struct escc *escc)
{
    for (unsigned i = 0; i < ESCC_CHANNELS; i++)
        update_rx_ip(&escc->channel[i]);
    irq_set(escc->irq, escc->wr9 & WR9_MIE && highest_pending(escc, false) >= 0);
}

/* WR2 with the status in it; without anything pending the status reads "channel B special" (section 6, RR2).
 */
static uint8_t modified_vector(const struct escc *escc, int code)
{
    unsigned status = code >= 0 ? (unsigned)code : VECTOR_SPECIAL;
    if (escc->wr9 & WR9_STATUS_HIGH) {
        unsigned reversed = (status & 1) << 2 | (status & 2) | status >> 2;
        return (uint8_t)((escc->wr2 & ~0x70) | reversed << 4);
    }
    return (uint8_t)((escc->wr2 & ~0x0e) | status << 1);
}

uint8_t escc_acknowledge(struct escc *escc)
{
    int code = highest_pending(escc, true);
    update_irq(escc);
    return escc->wr9 & WR9_VIS ? modified_vector(escc, code) : escc->wr2;
}

static void reset_highest_ius(struct escc *escc)
{
    for (unsigned i = 0; i < ESCC_CHANNELS; i++) {
        struct escc_channel *ch = &escc->channel[i];
        bool *ius[] = {&ch->ius_rx, &ch->ius_tx, &ch->ius_ext};
        for (unsigned j = 0; j < G_N_ELEMENTS(ius); j++)
            if (*ius[j]) {
                *ius[j] = false;
                return;
            }
    }
}

/* ---- external and status ---- */

static uint8_t ext_now(const struct escc_channel *ch)
{
    const struct escc *escc = ch->escc;
    unsigned i = index_of(ch);
    return (uint8_t)((ch->zero_count ? RR0_ZERO_COUNT : 0) | (escc->dcd[i].level ? RR0_DCD : 0) |
                     (escc->sync[i].level ? RR0_SYNC : 0) | (escc->cts[i].level ? RR0_CTS : 0) |
                     (ch->tx_underrun ? RR0_TX_UNDERRUN : 0) | (ch->in_break ? RR0_BREAK : 0));
}

/* A change of an enabled source closes the latches and interrupts (section 4, "External/Status Interrupts").
 */
static void update_ext(struct escc_channel *ch)
{
    if (ch->ext_latched)
        return;
    uint8_t now = ext_now(ch), changed = now ^ ch->ext_seen;
    ch->ext_seen = now;
    if (changed & ch->wr[15] & RR0_EXT_BITS && ch->wr[1] & WR1_EXT_INT_ENABLE)
        ch->ext_latched = ch->ip_ext = true;
}

static uint8_t rr0(const struct escc_channel *ch)
{
    unsigned capacity = ch->escc->escc ? ESCC_TX_FIFO_MAX : 1;
    return (uint8_t)((ch->ext_latched ? ch->ext_seen : ext_now(ch)) | (ch->rx_count ? RR0_RX_AVAILABLE : 0) |
                     (ch->tx_count < capacity ? RR0_TX_EMPTY : 0));
}

static void pin_changed(void *opaque, int number, bool level)
{
    struct escc *escc = opaque;
    struct escc_channel *ch = &escc->channel[number];
    update_ext(ch);
    update_irq(escc);
    char_accept_input(ch->line); /* DCD may enable the receiver */
}

/* ---- line parameters ---- */

static unsigned brg_clock(const struct escc_channel *ch)
{
    return ch->wr[14] & WR14_BRG_FROM_PCLK ? ch->escc->pclk : ch->escc->rtxc;
}

static unsigned time_constant(const struct escc_channel *ch)
{
    return ch->wr[12] | (unsigned)ch->wr[13] << 8;
}

/* Bits a second of the transmitter; 0 = its clock stands still. */
static unsigned baud_rate(const struct escc_channel *ch)
{
    static const unsigned clock_mode[4] = {1, 16, 32, 64};
    unsigned clock;
    switch (ch->wr[11] >> 3 & 3) { /* transmit clock source */
    case 0: clock = ch->escc->rtxc; break;
    case 2: clock = ch->wr[14] & WR14_BRG_ENABLE ? brg_clock(ch) / (2 * (time_constant(ch) + 2)) : 0; break;
    default: clock = 0; break; /* TRxC and the DPLL have no source on the boards that use this chip */
    }
    return clock / clock_mode[ch->wr[4] >> 6];
}

static unsigned character_bits(unsigned code)
{
    static const unsigned bits[4] = {5, 7, 6, 8};
    return bits[code & 3];
}

static int64_t character_time(const struct escc_channel *ch)
{
    unsigned bits = 1 + character_bits(ch->wr[5] >> 5) + (ch->wr[4] & WR4_PARITY_ENABLE) +
                    ((ch->wr[4] >> 2 & 3) == 3) + 1;
    unsigned baud = baud_rate(ch);
    return (int64_t)bits * NS_PER_SECOND / (baud ? baud : 9600);
}

static void update_params(struct escc_channel *ch)
{
    unsigned baud = baud_rate(ch);
    if (!ch->line || !baud || !(ch->wr[4] & 0x0c)) /* a synchronous mode has no parameters of this kind */
        return;
    struct char_params params = {
        .baud = baud,
        .data_bits = character_bits(ch->wr[5] >> 5),
        .stop_bits = (ch->wr[4] >> 2 & 3) >= 2 ? 2 : 1,
        .parity = !(ch->wr[4] & WR4_PARITY_ENABLE) ? 'n'
                  : ch->wr[4] & WR4_PARITY_EVEN    ? 'e'
                                                   : 'o',
    };
    char_set_params(ch->line, &params);
}

static void update_outputs(struct escc_channel *ch)
{
    irq_set(ch->rts, ch->wr[5] & WR5_RTS);
    irq_set(ch->dtr, ch->wr[5] & WR5_DTR && !(ch->wr[14] & WR14_DTR_IS_REQUEST));
}

/* ---- receiver ---- */

static unsigned rx_capacity(const struct escc_channel *ch)
{
    return ch->escc->escc ? ESCC_RX_FIFO_MAX : 3;
}

static bool rx_enabled(const struct escc_channel *ch)
{
    return ch->wr[3] & WR3_RX_ENABLE &&
           (!(ch->wr[3] & WR3_AUTO_ENABLES) || ch->wr[14] & WR14_LOCAL_LOOPBACK ||
            ch->escc->dcd[index_of(ch)].level);
}

/* The errors of a character become visible, and stay, when it comes to the top of the FIFO. */
static void rx_new_top(struct escc_channel *ch)
{
    if (ch->rx_count)
        ch->rr1_latched |= ch->rx_error[0] & (RR1_PARITY_ERROR | RR1_OVERRUN);
}

static void rx_push(struct escc_channel *ch, uint8_t data, uint8_t error)
{
    /* A short character is filled up with ones (section 5, "Receiver"). */
    unsigned bits = character_bits(ch->wr[3] >> 6);
    if (bits < 8)
        data |= (uint8_t)(0xff << bits);
    if (ch->rx_count == rx_capacity(ch)) {
        ch->rx_count--;
        error |= RR1_OVERRUN;
    }
    ch->rx_data[ch->rx_count] = data;
    ch->rx_error[ch->rx_count] = error;
    if (!ch->rx_count++)
        rx_new_top(ch);
}

static bool rx_locked(const struct escc_channel *ch)
{
    return ch->rx_special && (rx_int_mode(ch) == RX_INT_FIRST || rx_int_mode(ch) == RX_INT_SPECIAL);
}

static void rx_pop(struct escc_channel *ch)
{
    ch->rx_count--;
    memmove(ch->rx_data, ch->rx_data + 1, ch->rx_count);
    memmove(ch->rx_error, ch->rx_error + 1, ch->rx_count);
    rx_new_top(ch);
}

static uint8_t rx_read(struct escc_channel *ch)
{
    uint8_t data = ch->rx_data[0]; /* an empty FIFO gives the last character again */
    if (!ch->rx_count)
        return data;
    ch->rx_first_armed = false;
    if (rx_locked(ch))
        ch->rx_locked_read = true;
    else
        rx_pop(ch);
    update_irq(ch->escc);
    if (!ch->rx_shifting)
        char_accept_input(ch->line);
    return data;
}

static size_t line_can_receive(void *opaque)
{
    struct escc_channel *ch = opaque;
    if (!rx_enabled(ch) || ch->wr[14] & WR14_LOCAL_LOOPBACK || ch->rx_shifting)
        return 0;
    unsigned room = rx_capacity(ch) - ch->rx_count;
    return ch->escc->paced ? MIN(room, 1) : room;
}

static void line_receive(void *opaque, const uint8_t *data, size_t size)
{
    struct escc_channel *ch = opaque;
    if (!rx_enabled(ch) || ch->wr[14] & WR14_LOCAL_LOOPBACK)
        return;
    for (size_t i = 0; i < size; i++)
        rx_push(ch, data[i], 0);
    if (ch->wr[14] & WR14_AUTO_ECHO)
        char_write(ch->line, data, size);
    if (ch->escc->paced) {
        ch->rx_shifting = true;
        clock_event_set(&ch->rx_event, clock_now(ch->escc->dev.machine->clock) + character_time(ch));
    }
    update_irq(ch->escc);
}

static void rx_time_over(void *opaque)
{
    struct escc_channel *ch = opaque;
    ch->rx_shifting = false;
    char_accept_input(ch->line);
}

static void line_break(void *opaque)
{
    struct escc_channel *ch = opaque;
    if (!rx_enabled(ch) || ch->in_break || ch->wr[14] & WR14_LOCAL_LOOPBACK)
        return;
    ch->in_break = true;
    update_ext(ch);
    update_irq(ch->escc);
    clock_event_set(&ch->break_event, clock_now(ch->escc->dev.machine->clock) +
                                          (ch->escc->paced ? 2 * character_time(ch) : BREAK_TIME));
}

/* At the end of a break one null character is left in the FIFO (section 5, "Break detection"). */
static void break_over(void *opaque)
{
    struct escc_channel *ch = opaque;
    ch->in_break = false;
    rx_push(ch, 0, RR1_FRAMING_ERROR);
    update_ext(ch);
    update_irq(ch->escc);
}

/* ---- transmitter ---- */

static bool tx_enabled(const struct escc_channel *ch)
{
    return ch->wr[5] & WR5_TX_ENABLE && !(ch->wr[5] & WR5_SEND_BREAK) &&
           (!(ch->wr[3] & WR3_AUTO_ENABLES) || ch->wr[14] & WR14_LOCAL_LOOPBACK ||
            ch->escc->cts[index_of(ch)].level);
}

/* Puts one character on the line; false = the line can't take it now. */
static bool tx_shift_out(struct escc_channel *ch, uint8_t data)
{
    unsigned bits = character_bits(ch->wr[5] >> 5);
    if (bits < 8)
        data &= (uint8_t)((1u << bits) - 1);
    if (ch->wr[14] & WR14_LOCAL_LOOPBACK) {
        if (rx_enabled(ch))
            rx_push(ch, data, 0);
        return true;
    }
    if (ch->wr[14] & WR14_AUTO_ECHO) /* the pin belongs to the receiver */
        return true;
    return char_write(ch->line, &data, 1) == 1;
}

static void tx_pump(struct escc_channel *ch)
{
    int64_t now = clock_now(ch->escc->dev.machine->clock);
    while (ch->tx_count && tx_enabled(ch) && !ch->tx_shifting) {
        if (!tx_shift_out(ch, ch->tx_data[0])) {
            clock_event_set(&ch->tx_event, now + LINE_RETRY);
            break;
        }
        memmove(ch->tx_data, ch->tx_data + 1, --ch->tx_count);
        /* The interrupt comes with the change to empty only. */
        if (!ch->tx_count && ch->wr[1] & WR1_TX_INT_ENABLE)
            ch->ip_tx = true;
        if (ch->escc->paced) {
            ch->tx_shifting = true;
            clock_event_set(&ch->tx_event, now + character_time(ch));
        }
    }
    update_irq(ch->escc);
}

static void tx_time_over(void *opaque)
{
    struct escc_channel *ch = opaque;
    ch->tx_shifting = false;
    tx_pump(ch);
}

static void tx_write(struct escc_channel *ch, uint8_t data)
{
    unsigned capacity = ch->escc->escc ? ESCC_TX_FIFO_MAX : 1;
    if (ch->tx_count == capacity) {
        device_guest_error(&ch->escc->dev, "channel %c: transmit buffer overwritten",
                           'A' + (int)index_of(ch));
        ch->tx_count--;
    }
    ch->tx_data[ch->tx_count++] = data;
    ch->ip_tx = false;
    tx_pump(ch);
}

/* ---- baud rate generator's zero count ---- */

static void schedule_zero_count(struct escc_channel *ch)
{
    unsigned clock = brg_clock(ch);
    if (!(ch->wr[14] & WR14_BRG_ENABLE) || !(ch->wr[15] & WR15_ZERO_COUNT) ||
        !(ch->wr[1] & WR1_EXT_INT_ENABLE) || !clock) {
        clock_event_cancel(&ch->zero_event);
        return;
    }
    if (clock_event_is_set(&ch->zero_event))
        return;
    int64_t period = (int64_t)muldiv64(time_constant(ch) + 2, NS_PER_SECOND, clock);
    clock_event_set(&ch->zero_event, clock_now(ch->escc->dev.machine->clock) + MAX(period, ZERO_COUNT_MIN));
}

static void zero_count_reached(void *opaque)
{
    struct escc_channel *ch = opaque;
    ch->zero_count = true;
    update_ext(ch);
    update_irq(ch->escc);
    schedule_zero_count(ch);
}

/* ---- reset ---- */

/* Section 6, table "Z85X30 register reset values". */
static void reset_channel(struct escc_channel *ch, bool hardware)
{
    ch->pointer = 0;
    ch->wr[1] &= 0x24;
    ch->wr[3] &= ~0x01;
    ch->wr[4] |= 0x04;
    ch->wr[5] &= 0x61;
    ch->wr[10] &= hardware ? 0 : 0x60;
    if (hardware)
        ch->wr[11] = 0x08;
    ch->wr[14] = hardware ? (ch->wr[14] & 0xc0) | 0x30 : (ch->wr[14] & 0xc3) | 0x20;
    ch->wr[14] &= ~(WR14_LOCAL_LOOPBACK | WR14_AUTO_ECHO);
    ch->wr[15] = 0xf8;
    ch->wr7p = 0x20;
    ch->rx_count = ch->tx_count = 0;
    ch->rr1_latched = 0;
    ch->rx_locked_read = ch->rx_first_armed = false;
    ch->tx_shifting = ch->rx_shifting = false;
    ch->in_break = ch->zero_count = false;
    ch->tx_underrun = true;
    ch->ext_latched = false;
    ch->ip_rx = ch->ip_tx = ch->ip_ext = false;
    ch->ius_rx = ch->ius_tx = ch->ius_ext = false;
    clock_event_cancel(&ch->tx_event);
    clock_event_cancel(&ch->rx_event);
    clock_event_cancel(&ch->break_event);
    clock_event_cancel(&ch->zero_event);
    ch->ext_seen = ext_now(ch);
    update_outputs(ch);
}

static void hardware_reset(struct escc *escc)
{
    escc->wr9 &= 0x03;
    for (unsigned i = 0; i < ESCC_CHANNELS; i++)
        reset_channel(&escc->channel[i], true);
    update_irq(escc);
}

/* ---- registers ---- */

static uint8_t rr3(const struct escc *escc)
{
    const struct escc_channel *a = &escc->channel[ESCC_A], *b = &escc->channel[ESCC_B];
    return (uint8_t)(a->ip_rx << 5 | a->ip_tx << 4 | a->ip_ext << 3 | b->ip_rx << 2 | b->ip_tx << 1 |
                     b->ip_ext);
}

static uint8_t read_register(struct escc_channel *ch, unsigned reg)
{
    struct escc *escc = ch->escc;
    bool extended = escc->escc && ch->wr7p & WR7P_EXTENDED_READ;
    bool is_a = ch == &escc->channel[ESCC_A];
    switch (reg) {
    case 4:
        if (extended)
            return ch->wr[4];
        return rr0(ch);
    case 0: return rr0(ch);
    case 5:
        if (extended)
            return ch->wr[5];
        return rr1(ch);
    case 1: return rr1(ch);
    case 6:
        if (escc->escc && ch->wr[15] & WR15_FRAME_FIFO)
            return 0; /* the frame status FIFO is empty: no frames come */
        /* fall through */
    case 2:
        if (escc->wr9 & WR9_SOFTWARE_INTACK) {
            int code = highest_pending(escc, true);
            update_irq(escc);
            return is_a ? escc->wr2 : modified_vector(escc, code);
        }
        return is_a ? escc->wr2 : modified_vector(escc, highest_pending(escc, false));
    case 7:
        if (escc->escc && ch->wr[15] & WR15_FRAME_FIFO)
            return 0;
        /* fall through */
    case 3: return is_a ? rr3(escc) : 0;
    case 8: return rx_read(ch);
    case 9: return extended ? ch->wr[3] : ch->wr[13];
    case 10: return 0; /* neither loop nor missing clocks in asynchronous operation */
    case 11: return extended ? ch->wr[10] : ch->wr[15];
    case 12: return ch->wr[12];
    case 13: return ch->wr[13];
    case 14: return extended ? ch->wr7p : 0;
    default: return escc->escc ? ch->wr[15] : ch->wr[15] & (uint8_t)~WR15_WR7P;
    }
}

static void write_command(struct escc_channel *ch, uint8_t value)
{
    struct escc *escc = ch->escc;
    ch->pointer = value & 7;
    switch (value >> 3 & 7) {
    case WR0_POINT_HIGH: ch->pointer |= 8; break;
    case WR0_RESET_EXT_STATUS:
        ch->ext_latched = ch->ip_ext = ch->zero_count = false;
        /* What changed while the latches were closed interrupts now, zero count aside. */
        ch->ext_seen &= ~RR0_ZERO_COUNT;
        update_ext(ch);
        break;
    case WR0_ENABLE_INT_NEXT_RX: ch->rx_first_armed = true; break;
    case WR0_RESET_TX_INT: ch->ip_tx = false; break;
    case WR0_ERROR_RESET:
        ch->rr1_latched = 0;
        if (ch->rx_count)
            ch->rx_error[0] = 0;
        if (ch->rx_locked_read && ch->rx_count) {
            ch->rx_locked_read = false;
            rx_pop(ch);
            char_accept_input(ch->line);
        }
        break;
    case WR0_RESET_HIGHEST_IUS: reset_highest_ius(escc); break;
    default: break; /* null; Send Abort means nothing to asynchronous operation */
    }
    if (value >> 6 == WR0_RESET_EOM_LATCH) {
        ch->tx_underrun = false;
        update_ext(ch);
    }
    update_irq(escc);
}

static void write_register(struct escc_channel *ch, unsigned reg, uint8_t value)
{
    struct escc *escc = ch->escc;
    uint8_t old = ch->wr[reg];
    switch (reg) {
    case 0: write_command(ch, value); return;
    case 2: escc->wr2 = value; return;
    case 7:
        if (escc->escc && ch->wr[15] & WR15_WR7P)
            ch->wr7p = value & 0x7f;
        else
            ch->wr[7] = value;
        update_irq(escc);
        return;
    case 8: tx_write(ch, value); return;
    case 9:
        escc->wr9 = value & 0x3f;
        switch (value >> 6) {
        case 1: reset_channel(&escc->channel[ESCC_B], false); break;
        case 2: reset_channel(&escc->channel[ESCC_A], false); break;
        case 3: hardware_reset(escc); break;
        default: break;
        }
        update_irq(escc);
        return;
    default: break;
    }

    ch->wr[reg] = value;
    switch (reg) {
    case 1:
        if ((value >> 3 & 3) == RX_INT_FIRST && (old >> 3 & 3) != RX_INT_FIRST)
            ch->rx_first_armed = true;
        if (!(value & WR1_TX_INT_ENABLE))
            ch->ip_tx = false;
        if (!(value & WR1_EXT_INT_ENABLE))
            ch->ip_ext = ch->ext_latched = false;
        schedule_zero_count(ch);
        break;
    case 3:
        if ((value ^ old) & (WR3_RX_ENABLE | WR3_AUTO_ENABLES))
            char_accept_input(ch->line);
        tx_pump(ch);
        break;
    case 5:
        if ((value ^ old) & WR5_SEND_BREAK) {
            bool on = value & WR5_SEND_BREAK;
            if (!(ch->wr[14] & WR14_LOCAL_LOOPBACK)) {
                char_set_break(ch->line, on);
            } else if (rx_enabled(ch) && ch->in_break != on) {
                ch->in_break = on;
                if (!on)
                    rx_push(ch, 0, RR1_FRAMING_ERROR);
                update_ext(ch);
            }
        }
        update_outputs(ch);
        update_params(ch);
        tx_pump(ch);
        break;
    case 14:
        update_outputs(ch);
        schedule_zero_count(ch);
        update_params(ch);
        if ((value ^ old) & WR14_LOCAL_LOOPBACK)
            char_accept_input(ch->line);
        tx_pump(ch);
        break;
    case 15:
        if (!escc->escc)
            ch->wr[15] &= ~WR15_WR7P;
        schedule_zero_count(ch);
        update_ext(ch);
        break;
    case 4:
    case 11:
    case 12:
    case 13: update_params(ch); break;
    default: break; /* WR6, WR10: synchronous operation */
    }
    update_irq(escc);
}

static struct escc_channel *decode(struct escc *escc, uint64_t offset, bool *data)
{
    unsigned reg = (unsigned)(offset / escc->spacing) & 3;
    *data = reg & 1;
    return &escc->channel[escc->a_first == (reg < 2) ? ESCC_A : ESCC_B];
}

uint64_t escc_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct escc *escc = DEVICE_OF(dev, struct escc, dev);
    bool data;
    struct escc_channel *ch = decode(escc, offset, &data);
    if (data)
        return rx_read(ch);
    unsigned reg = ch->pointer;
    ch->pointer = 0;
    return read_register(ch, reg);
}

void escc_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct escc *escc = DEVICE_OF(dev, struct escc, dev);
    bool data;
    struct escc_channel *ch = decode(escc, offset, &data);
    if (data) {
        tx_write(ch, (uint8_t)value);
        return;
    }
    unsigned reg = ch->pointer;
    ch->pointer = 0;
    write_register(ch, reg, (uint8_t)value);
}

void escc_map(struct escc *escc, struct bus *bus, uint64_t base)
{
    bus_map(bus, &(struct bus_region){
                     .name = escc->dev.id,
                     .start = base,
                     .size = (uint64_t)4 * escc->spacing,
                     .kind = BUS_MMIO,
                     .dev = &escc->dev,
                     .read = escc_read,
                     .write = escc_write,
                     .widths = BUS_WIDTH_8,
                     .endian = bus_endian(bus),
                 });
}

/* ---- device ---- */

static bool escc_init(struct device *dev, GError **error)
{
    struct escc *escc = DEVICE_OF(dev, struct escc, dev);
    struct clock *clock = dev->machine->clock;
    for (unsigned i = 0; i < ESCC_CHANNELS; i++) {
        struct escc_channel *ch = &escc->channel[i];
        char letter = (char)('a' + (int)i);
        ch->escc = escc;
        g_autofree char *tx = g_strdup_printf("%s.%c.tx", dev->id, letter);
        g_autofree char *rx = g_strdup_printf("%s.%c.rx", dev->id, letter);
        g_autofree char *brk = g_strdup_printf("%s.%c.break", dev->id, letter);
        g_autofree char *zero = g_strdup_printf("%s.%c.zero-count", dev->id, letter);
        clock_event_init(&ch->tx_event, clock, tx, tx_time_over, ch);
        clock_event_init(&ch->rx_event, clock, rx, rx_time_over, ch);
        clock_event_init(&ch->break_event, clock, brk, break_over, ch);
        clock_event_init(&ch->zero_event, clock, zero, zero_count_reached, ch);
        irq_init(&escc->cts[i], pin_changed, escc, (int)i);
        irq_init(&escc->dcd[i], pin_changed, escc, (int)i);
        irq_init(&escc->sync[i], pin_changed, escc, (int)i);
        escc->cts[i].level = escc->dcd[i].level = ch->line != NULL;
    }
    for (unsigned i = 0; i < ESCC_CHANNELS; i++)
        char_attach(escc->channel[i].line, &(struct char_device){
                                               .can_receive = line_can_receive,
                                               .receive = line_receive,
                                               .receive_break = line_break,
                                               .opaque = &escc->channel[i],
                                           });
    return true;
}

static void escc_finish(struct device *dev)
{
    struct escc *escc = DEVICE_OF(dev, struct escc, dev);
    for (unsigned i = 0; i < ESCC_CHANNELS; i++) {
        struct escc_channel *ch = &escc->channel[i];
        clock_event_finish(&ch->tx_event);
        clock_event_finish(&ch->rx_event);
        clock_event_finish(&ch->break_event);
        clock_event_finish(&ch->zero_event);
    }
}

static void preset_channel(struct escc_channel *ch)
{
    unsigned constant = ch->escc->rtxc / (2 * 16 * ch->escc->preset_baud) - 2;
    const uint8_t values[][2] = {
        {4, 0x44},
        {11, 0x50},
        {12, (uint8_t)constant},
        {13, (uint8_t)(constant >> 8)},
        {14, WR14_BRG_ENABLE},
        {5, 0xe0 | WR5_RTS | WR5_TX_ENABLE},
        {3, 0xc0 | WR3_RX_ENABLE},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++)
        write_register(ch, values[i][0], values[i][1]);
}

static void escc_reset(struct device *dev, enum reset_kind kind)
{
    struct escc *escc = DEVICE_OF(dev, struct escc, dev);
    if (kind == RESET_POWER_ON) {
        escc->wr2 = escc->wr9 = 0;
        for (unsigned i = 0; i < ESCC_CHANNELS; i++)
            memset(escc->channel[i].wr, 0, sizeof(escc->channel[i].wr));
    }
    hardware_reset(escc);
    for (unsigned i = 0; escc->preset_baud && i < ESCC_CHANNELS; i++)
        preset_channel(&escc->channel[i]);
}

static bool escc_check(const void *state, GError **error)
{
    const struct escc *escc = state;
    for (unsigned i = 0; i < ESCC_CHANNELS; i++) {
        const struct escc_channel *ch = &escc->channel[i];
        if (ch->rx_count > (escc->escc ? ESCC_RX_FIFO_MAX : 3) ||
            ch->tx_count > (escc->escc ? ESCC_TX_FIFO_MAX : 1) || ch->pointer > 15) {
            g_set_error_literal(error, STATE_ERROR, STATE_ERROR_FORMAT,
                                "A serial channel’s FIFO is out of range.");
            return false;
        }
    }
    return true;
}

static void escc_loaded(struct device *dev)
{
    struct escc *escc = DEVICE_OF(dev, struct escc, dev);
    for (unsigned i = 0; i < ESCC_CHANNELS; i++) {
        update_params(&escc->channel[i]);
        char_accept_input(escc->channel[i].line);
    }
}

#define CHANNEL_FIELDS(i)                                                                                    \
    STATE_ARRAY(struct escc, channel[i].wr), STATE_FIELD(struct escc, channel[i].wr7p),                      \
        STATE_FIELD(struct escc, channel[i].pointer), STATE_ARRAY(struct escc, channel[i].rx_data),          \
        STATE_ARRAY(struct escc, channel[i].rx_error), STATE_FIELD(struct escc, channel[i].rx_count),        \
        STATE_FIELD(struct escc, channel[i].rr1_latched),                                                    \
        STATE_FIELD(struct escc, channel[i].rx_locked_read),                                                 \
        STATE_FIELD(struct escc, channel[i].rx_first_armed), STATE_ARRAY(struct escc, channel[i].tx_data),   \
        STATE_FIELD(struct escc, channel[i].tx_count), STATE_FIELD(struct escc, channel[i].tx_shifting),     \
        STATE_FIELD(struct escc, channel[i].rx_shifting), STATE_FIELD(struct escc, channel[i].in_break),     \
        STATE_FIELD(struct escc, channel[i].zero_count), STATE_FIELD(struct escc, channel[i].tx_underrun),   \
        STATE_FIELD(struct escc, channel[i].ext_latched), STATE_FIELD(struct escc, channel[i].ext_seen),     \
        STATE_FIELD(struct escc, channel[i].ip_rx), STATE_FIELD(struct escc, channel[i].ip_tx),              \
        STATE_FIELD(struct escc, channel[i].ip_ext), STATE_FIELD(struct escc, channel[i].ius_rx),            \
        STATE_FIELD(struct escc, channel[i].ius_tx), STATE_FIELD(struct escc, channel[i].ius_ext),           \
        STATE_FIELD(struct escc, channel[i].rx_special)

static const struct state_field escc_fields[] = {
    STATE_FIELD(struct escc, wr2),
    STATE_FIELD(struct escc, wr9),
    STATE_IRQ_LINES(struct escc, cts),
    STATE_IRQ_LINES(struct escc, dcd),
    STATE_IRQ_LINES(struct escc, sync),
    CHANNEL_FIELDS(0),
    CHANNEL_FIELDS(1),
    STATE_END,
};

static const struct device_property escc_properties[] = {
    {.name = "spacing",
     .type = PROPERTY_U32,
     .offset = offsetof(struct escc, spacing),
     .default_value = 2,
     .min = 1,
     .max = 0x1000,
     .description = "bytes from one register to the next"},
    {.name = "channel-a-first",
     .type = PROPERTY_BOOL,
     .offset = offsetof(struct escc, a_first),
     .description = "channel A at the lower address"},
    {.name = "escc",
     .type = PROPERTY_BOOL,
     .offset = offsetof(struct escc, escc),
     .description = "Z85230 with deeper FIFOs, not Z85C30"},
    {.name = "paced",
     .type = PROPERTY_BOOL,
     .offset = offsetof(struct escc, paced),
     .description = "characters take their time on the line"},
    {.name = "pclk",
     .type = PROPERTY_U32,
     .offset = offsetof(struct escc, pclk),
     .default_value = 4915200,
     .description = "peripheral clock in Hz"},
    {.name = "rtxc",
     .type = PROPERTY_U32,
     .offset = offsetof(struct escc, rtxc),
     .default_value = 4915200,
     .description = "RTxC clock in Hz"},
    {.name = "preset-baud",
     .type = PROPERTY_U32,
     .offset = offsetof(struct escc, preset_baud),
     .max = 38400,
     .description = "rate that the channels are set to after a reset; 0 = they are left off"},
    {0},
};

const struct device_class escc_class = {
    .name = "z85c30",
    .description = "Zilog Z85C30/Z85230 serial communications controller",
    .size = sizeof(struct escc),
    .version = 1,
    .init = escc_init,
    .reset = escc_reset,
    .finish = escc_finish,
    .fields = escc_fields,
    .check = escc_check,
    .loaded = escc_loaded,
    .properties = escc_properties,
};
