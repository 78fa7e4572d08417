/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Z85C30/Z85230: interrupts and external status. An interrupt pending bit (IP) asks for service, an interrupt under
 * service bit (IUS) holds back what is not of higher priority. IUS is set by an acknowledge cycle only, or by a read of
 * RR2 when WR9 selects software acknowledge.
 */
#include "emulator/hw/char/escc_internal.h"

/* V3..V1 of the modified vector (section 6, WR9/RR2). Channel A adds 4. */
enum vector_code { VECTOR_TX, VECTOR_EXT, VECTOR_RX, VECTOR_SPECIAL };

uint8_t escc_rr1(const struct escc_channel *ch)
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
    return escc_rr1(ch) & conditions;
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
int escc_highest_pending(struct escc *escc, bool serve)
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

void escc_update_irq(struct escc *escc)
{
    for (unsigned i = 0; i < ESCC_CHANNELS; i++)
        update_rx_ip(&escc->channel[i]);
    irq_set(escc->irq, escc->wr9 & WR9_MIE && escc_highest_pending(escc, false) >= 0);
}

/* WR2 with the status in it; without anything pending the status reads "channel B special" (section 6, RR2).
 */
uint8_t escc_modified_vector(const struct escc *escc, int code)
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
    int code = escc_highest_pending(escc, true);
    escc_update_irq(escc);
    return escc->wr9 & WR9_VIS ? escc_modified_vector(escc, code) : escc->wr2;
}

void escc_reset_highest_ius(struct escc *escc)
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

uint8_t escc_ext_now(const struct escc_channel *ch)
{
    const struct escc *escc = ch->escc;
    unsigned i = index_of(ch);
    return (uint8_t)((ch->zero_count ? RR0_ZERO_COUNT : 0) | (escc->dcd[i].level ? RR0_DCD : 0) |
                     (escc->sync[i].level ? RR0_SYNC : 0) | (escc->cts[i].level ? RR0_CTS : 0) |
                     (ch->tx_underrun ? RR0_TX_UNDERRUN : 0) | (ch->in_break ? RR0_BREAK : 0));
}

/* A change of an enabled source closes the latches and interrupts (section 4, "External/Status Interrupts").
 */
void escc_update_ext(struct escc_channel *ch)
{
    if (ch->ext_latched)
        return;
    uint8_t now = escc_ext_now(ch), changed = now ^ ch->ext_seen;
    ch->ext_seen = now;
    if (changed & ch->wr[15] & RR0_EXT_BITS && ch->wr[1] & WR1_EXT_INT_ENABLE)
        ch->ext_latched = ch->ip_ext = true;
}

uint8_t escc_rr0(const struct escc_channel *ch)
{
    unsigned capacity = ch->escc->escc ? ESCC_TX_FIFO_MAX : 1;
    return (uint8_t)((ch->ext_latched ? ch->ext_seen : escc_ext_now(ch)) | (ch->rx_count ? RR0_RX_AVAILABLE : 0) |
                     (ch->tx_count < capacity ? RR0_TX_EMPTY : 0));
}

void escc_pin_changed(void *opaque, int number, bool level)
{
    struct escc *escc = opaque;
    struct escc_channel *ch = &escc->channel[number];
    escc_update_ext(ch);
    escc_update_irq(escc);
    char_accept_input(ch->line); /* DCD may enable the receiver */
}
