/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zilog SCC/ESCC: registers and resets. Section numbers are those of the "SCC/ESCC User Manual" (UM0109). */
#include "emulator/hw/char/escc_internal.h"

#include <string.h>

#include "emulator/core/i18n.h"
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
    escc_channel_clear(ch);
    ch->ext_latched = false;
    ch->ip_rx = ch->ip_tx = ch->ip_ext = false;
    ch->ius_rx = ch->ius_tx = ch->ius_ext = false;
    ch->ext_seen = escc_ext_now(ch);
    escc_update_outputs(ch);
}

static void hardware_reset(struct escc *escc)
{
    escc->wr9 &= 0x03;
    for (unsigned i = 0; i < ESCC_CHANNELS; i++)
        reset_channel(&escc->channel[i], true);
    escc_update_irq(escc);
}

/* ---- registers ---- */

static uint8_t rr3(const struct escc *escc)
{
    const struct escc_channel *a = &escc->channel[ESCC_A], *b = &escc->channel[ESCC_B];
    return (uint8_t)(a->ip_rx << 5 | a->ip_tx << 4 | a->ip_ext << 3 | b->ip_rx << 2 | b->ip_tx << 1 |
                     b->ip_ext);
}

/* RR0 as the guest reads it: with no character there, it has asked for one. */
static uint8_t read_status(struct escc_channel *ch)
{
    if (!ch->rx_count)
        machine_note_asked(ch->escc->dev.machine);
    return escc_rr0(ch);
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
        return read_status(ch);
    case 0: return read_status(ch);
    case 5:
        if (extended)
            return ch->wr[5];
        return escc_rr1(ch);
    case 1: return escc_rr1(ch);
    case 6:
        if (escc->escc && ch->wr[15] & WR15_FRAME_FIFO)
            return 0; /* the frame status FIFO is empty: no frames come */
        /* fall through */
    case 2:
        if (escc->wr9 & WR9_SOFTWARE_INTACK) {
            int code = escc_highest_pending(escc, true);
            escc_update_irq(escc);
            return is_a ? escc->wr2 : escc_modified_vector(escc, code);
        }
        return is_a ? escc->wr2 : escc_modified_vector(escc, escc_highest_pending(escc, false));
    case 7:
        if (escc->escc && ch->wr[15] & WR15_FRAME_FIFO)
            return 0;
        /* fall through */
    case 3: return is_a ? rr3(escc) : 0;
    case 8: return escc_rx_read(ch);
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
        escc_update_ext(ch);
        break;
    case WR0_ENABLE_INT_NEXT_RX: ch->rx_first_armed = true; break;
    case WR0_RESET_TX_INT: ch->ip_tx = false; break;
    case WR0_ERROR_RESET:
        ch->rr1_latched = 0;
        if (ch->rx_count)
            ch->rx_error[0] = 0;
        if (ch->rx_locked_read && ch->rx_count) {
            ch->rx_locked_read = false;
            escc_rx_pop(ch);
            char_accept_input(ch->line);
        }
        break;
    case WR0_RESET_HIGHEST_IUS: escc_reset_highest_ius(escc); break;
    default: break; /* null; Send Abort means nothing to asynchronous operation */
    }
    if (value >> 6 == WR0_RESET_EOM_LATCH) {
        ch->tx_underrun = false;
        escc_update_ext(ch);
    }
    escc_update_irq(escc);
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
        escc_update_irq(escc);
        return;
    case 8: escc_tx_write(ch, value); return;
    case 9:
        escc->wr9 = value & 0x3f;
        switch (value >> 6) {
        case 1: reset_channel(&escc->channel[ESCC_B], false); break;
        case 2: reset_channel(&escc->channel[ESCC_A], false); break;
        case 3: hardware_reset(escc); break;
        default: break;
        }
        escc_update_irq(escc);
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
        escc_schedule_zero_count(ch);
        break;
    case 3:
        if ((value ^ old) & (WR3_RX_ENABLE | WR3_AUTO_ENABLES))
            char_accept_input(ch->line);
        escc_tx_pump(ch);
        break;
    case 5:
        if ((value ^ old) & WR5_SEND_BREAK) {
            bool on = value & WR5_SEND_BREAK;
            if (!(ch->wr[14] & WR14_LOCAL_LOOPBACK)) {
                char_set_break(ch->line, on);
            } else if (escc_rx_enabled(ch) && ch->in_break != on) {
                ch->in_break = on;
                if (!on)
                    escc_rx_push(ch, 0, RR1_FRAMING_ERROR);
                escc_update_ext(ch);
            }
        }
        escc_update_outputs(ch);
        escc_update_params(ch);
        escc_tx_pump(ch);
        break;
    case 14:
        escc_update_outputs(ch);
        escc_schedule_zero_count(ch);
        escc_update_params(ch);
        if ((value ^ old) & WR14_LOCAL_LOOPBACK)
            char_accept_input(ch->line);
        escc_tx_pump(ch);
        break;
    case 15:
        if (!escc->escc)
            ch->wr[15] &= ~WR15_WR7P;
        escc_schedule_zero_count(ch);
        escc_update_ext(ch);
        break;
    case 4:
    case 11:
    case 12:
    case 13: escc_update_params(ch); break;
    default: break; /* WR6, WR10: synchronous operation */
    }
    escc_update_irq(escc);
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
        return escc_rx_read(ch);
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
        escc_tx_write(ch, (uint8_t)value);
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
    for (unsigned i = 0; i < ESCC_CHANNELS; i++) {
        struct escc_channel *ch = &escc->channel[i];
        ch->escc = escc;
        irq_init(&escc->cts[i], escc_pin_changed, escc, (int)i);
        irq_init(&escc->dcd[i], escc_pin_changed, escc, (int)i);
        irq_init(&escc->sync[i], escc_pin_changed, escc, (int)i);
        escc->cts[i].level = escc->dcd[i].level = ch->line != NULL;
    }
    for (unsigned i = 0; i < ESCC_CHANNELS; i++)
        escc_channel_init(&escc->channel[i], (char)('a' + (int)i));
    return true;
}

static void escc_finish(struct device *dev)
{
    struct escc *escc = DEVICE_OF(dev, struct escc, dev);
    for (unsigned i = 0; i < ESCC_CHANNELS; i++)
        escc_channel_finish(&escc->channel[i]);
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
                                _("A serial channel’s FIFO is out of range."));
            return false;
        }
    }
    return true;
}

static void escc_loaded(struct device *dev)
{
    struct escc *escc = DEVICE_OF(dev, struct escc, dev);
    for (unsigned i = 0; i < ESCC_CHANNELS; i++) {
        escc_update_params(&escc->channel[i]);
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
