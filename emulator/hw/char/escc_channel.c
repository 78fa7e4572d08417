/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Z85C30/Z85230: a channel's receiver, transmitter and baud rate generator (chapter 5). */
#include "emulator/hw/char/escc_internal.h"

#include <string.h>

#include "emulator/core/machine.h"

/* A zero count event is not delivered more often than this: the counter of a fast line would drown the
 * machine. */
#define ZERO_COUNT_MIN (100 * NS_PER_US)
/* How long a break that the host sends lasts on an unpaced line. */
#define BREAK_TIME (2 * NS_PER_MS)
/* When a line took nothing, it is asked again after this time. */
#define LINE_RETRY (1 * NS_PER_MS)

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

void escc_update_params(struct escc_channel *ch)
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

void escc_update_outputs(struct escc_channel *ch)
{
    irq_set(ch->rts, ch->wr[5] & WR5_RTS);
    irq_set(ch->dtr, ch->wr[5] & WR5_DTR && !(ch->wr[14] & WR14_DTR_IS_REQUEST));
}

/* ---- receiver ---- */

static unsigned rx_capacity(const struct escc_channel *ch)
{
    return ch->escc->escc ? ESCC_RX_FIFO_MAX : 3;
}

bool escc_rx_enabled(const struct escc_channel *ch)
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

void escc_rx_push(struct escc_channel *ch, uint8_t data, uint8_t error)
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

void escc_rx_pop(struct escc_channel *ch)
{
    ch->rx_count--;
    memmove(ch->rx_data, ch->rx_data + 1, ch->rx_count);
    memmove(ch->rx_error, ch->rx_error + 1, ch->rx_count);
    rx_new_top(ch);
}

uint8_t escc_rx_read(struct escc_channel *ch)
{
    uint8_t data = ch->rx_data[0]; /* an empty FIFO gives the last character again */
    if (!ch->rx_count)
        return data;
    ch->rx_first_armed = false;
    if (rx_locked(ch))
        ch->rx_locked_read = true;
    else
        escc_rx_pop(ch);
    escc_update_irq(ch->escc);
    if (!ch->rx_shifting)
        char_accept_input(ch->line);
    return data;
}

static size_t line_can_receive(void *opaque)
{
    struct escc_channel *ch = opaque;
    if (!escc_rx_enabled(ch) || ch->wr[14] & WR14_LOCAL_LOOPBACK || ch->rx_shifting)
        return 0;
    unsigned room = rx_capacity(ch) - ch->rx_count;
    return ch->escc->paced ? MIN(room, 1) : room;
}

static void line_receive(void *opaque, const uint8_t *data, size_t size)
{
    struct escc_channel *ch = opaque;
    if (!escc_rx_enabled(ch) || ch->wr[14] & WR14_LOCAL_LOOPBACK)
        return;
    for (size_t i = 0; i < size; i++)
        escc_rx_push(ch, data[i], 0);
    if (ch->wr[14] & WR14_AUTO_ECHO)
        char_write(ch->line, data, size);
    if (ch->escc->paced) {
        ch->rx_shifting = true;
        clock_event_set(&ch->rx_event, clock_now(ch->escc->dev.machine->clock) + character_time(ch));
    }
    escc_update_irq(ch->escc);
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
    if (!escc_rx_enabled(ch) || ch->in_break || ch->wr[14] & WR14_LOCAL_LOOPBACK)
        return;
    ch->in_break = true;
    escc_update_ext(ch);
    escc_update_irq(ch->escc);
    clock_event_set(&ch->break_event, clock_now(ch->escc->dev.machine->clock) +
                                          (ch->escc->paced ? 2 * character_time(ch) : BREAK_TIME));
}

/* At the end of a break one null character is left in the FIFO (section 5, "Break detection"). */
static void break_over(void *opaque)
{
    struct escc_channel *ch = opaque;
    ch->in_break = false;
    escc_rx_push(ch, 0, RR1_FRAMING_ERROR);
    escc_update_ext(ch);
    escc_update_irq(ch->escc);
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
        if (escc_rx_enabled(ch))
            escc_rx_push(ch, data, 0);
        return true;
    }
    if (ch->wr[14] & WR14_AUTO_ECHO) /* the pin belongs to the receiver */
        return true;
    return char_write(ch->line, &data, 1) == 1;
}

void escc_tx_pump(struct escc_channel *ch)
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
    escc_update_irq(ch->escc);
}

static void tx_time_over(void *opaque)
{
    struct escc_channel *ch = opaque;
    ch->tx_shifting = false;
    escc_tx_pump(ch);
}

void escc_tx_write(struct escc_channel *ch, uint8_t data)
{
    unsigned capacity = ch->escc->escc ? ESCC_TX_FIFO_MAX : 1;
    if (ch->tx_count == capacity) {
        device_guest_error(&ch->escc->dev, "channel %c: transmit buffer overwritten",
                           'A' + (int)index_of(ch));
        ch->tx_count--;
    }
    ch->tx_data[ch->tx_count++] = data;
    ch->ip_tx = false;
    escc_tx_pump(ch);
}

/* ---- baud rate generator's zero count ---- */

void escc_schedule_zero_count(struct escc_channel *ch)
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
    escc_update_ext(ch);
    escc_update_irq(ch->escc);
    escc_schedule_zero_count(ch);
}

/* ---- life ---- */

void escc_channel_clear(struct escc_channel *ch)
{
    ch->rx_count = ch->tx_count = 0;
    ch->rr1_latched = 0;
    ch->rx_locked_read = ch->rx_first_armed = false;
    ch->tx_shifting = ch->rx_shifting = false;
    ch->in_break = ch->zero_count = false;
    ch->tx_underrun = true;
    clock_event_cancel(&ch->tx_event);
    clock_event_cancel(&ch->rx_event);
    clock_event_cancel(&ch->break_event);
    clock_event_cancel(&ch->zero_event);
}

void escc_channel_init(struct escc_channel *ch, char letter)
{
    const char *id = ch->escc->dev.id;
    struct clock *clock = ch->escc->dev.machine->clock;
    g_autofree char *tx = g_strdup_printf("%s.%c.tx", id, letter);
    g_autofree char *rx = g_strdup_printf("%s.%c.rx", id, letter);
    g_autofree char *brk = g_strdup_printf("%s.%c.break", id, letter);
    g_autofree char *zero = g_strdup_printf("%s.%c.zero-count", id, letter);
    clock_event_init(&ch->tx_event, clock, tx, tx_time_over, ch);
    clock_event_init(&ch->rx_event, clock, rx, rx_time_over, ch);
    clock_event_init(&ch->break_event, clock, brk, break_over, ch);
    clock_event_init(&ch->zero_event, clock, zero, zero_count_reached, ch);
    char_attach(ch->line, &(struct char_device){.can_receive = line_can_receive,
                                                .receive = line_receive,
                                                .receive_break = line_break,
                                                .opaque = ch});
}

void escc_channel_finish(struct escc_channel *ch)
{
    clock_event_finish(&ch->tx_event);
    clock_event_finish(&ch->rx_event);
    clock_event_finish(&ch->break_event);
    clock_event_finish(&ch->zero_event);
}
