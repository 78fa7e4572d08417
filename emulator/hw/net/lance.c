/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Am7990 LANCE. Register, ring and bit names are the data sheet's. */
#include "emulator/hw/net/lance.h"

#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"
#include "emulator/hw/net/ethernet.h"

enum csr0_bit {
    CSR0_ERR = 0x8000,
    CSR0_BABL = 0x4000,
    CSR0_CERR = 0x2000,
    CSR0_MISS = 0x1000,
    CSR0_MERR = 0x0800,
    CSR0_RINT = 0x0400,
    CSR0_TINT = 0x0200,
    CSR0_IDON = 0x0100,
    CSR0_INTR = 0x0080,
    CSR0_INEA = 0x0040,
    CSR0_RXON = 0x0020,
    CSR0_TXON = 0x0010,
    CSR0_TDMD = 0x0008,
    CSR0_STOP = 0x0004,
    CSR0_STRT = 0x0002,
    CSR0_INIT = 0x0001,

    CSR0_ERRORS = CSR0_BABL | CSR0_CERR | CSR0_MISS | CSR0_MERR,
    CSR0_INTERRUPTS =
        CSR0_BABL | CSR0_MISS | CSR0_MERR | CSR0_RINT | CSR0_TINT | CSR0_IDON, /* CERR does not */
    CSR0_WRITE_1_CLEARS = CSR0_ERRORS | CSR0_RINT | CSR0_TINT | CSR0_IDON,
};

enum csr3_bit { CSR3_BSWP = 4, CSR3_ACON = 2, CSR3_BCON = 1 };

enum mode_bit {
    MODE_PROM = 0x8000,
    MODE_INTL = 0x0040,
    MODE_DRTY = 0x0020,
    MODE_COLL = 0x0010,
    MODE_DTCR = 0x0008,
    MODE_LOOP = 0x0004,
    MODE_DTX = 0x0002,
    MODE_DRX = 0x0001,
};

/* Words of a descriptor; upper byte of word 1. */
enum descriptor_bit {
    MD1_OWN = 0x8000,
    MD1_ERR = 0x4000,
    RMD1_CRC = 0x0800,
    RMD1_BUFF = 0x0400,
    MD1_STP = 0x0200,
    MD1_ENP = 0x0100,

    TMD3_BUFF = 0x8000,
    TMD3_UFLO = 0x4000,
    TMD3_RTRY = 0x0400,
};

/* Without demand the transmit ring is looked at every 1.6 ms (data sheet, TDMD). A ring that stays empty is
 * looked at less and less often, so that an idle machine stays idle. */
#define POLL_FIRST (1600 * NS_PER_US)
#define POLL_LAST  (100 * NS_PER_MS)

/* Frames longer than this on the wire set BABL, FCS included. */
#define BABBLE_SIZE 1519
/* What a chain of transmit buffers may add up to before the chip gives up on it. */
#define TX_MAX 4096
/* The SILO: what fits in internal loopback (data sheet, "Loopback"). */
#define LOOPBACK_MAX 32

/* ---- memory ---- */

static void update_irq(struct lance *lance)
{
    uint16_t *csr0 = &lance->csr[0];
    *csr0 = (uint16_t)(*csr0 & ~(CSR0_ERR | CSR0_INTR));
    if (*csr0 & CSR0_ERRORS)
        *csr0 |= CSR0_ERR;
    if (*csr0 & CSR0_INTERRUPTS)
        *csr0 |= CSR0_INTR;
    irq_set(lance->irq, *csr0 & CSR0_INTR && *csr0 & CSR0_INEA);
}

/* A memory error turns both halves off (data sheet, MERR). */
static bool memory_error(struct lance *lance)
{
    lance->csr[0] |= CSR0_MERR;
    lance->csr[0] = (uint16_t)(lance->csr[0] & ~(CSR0_TXON | CSR0_RXON));
    update_irq(lance);
    return false;
}

/* Words come over the 16-bit bus in one piece, whatever BSWP says. */
static bool read_words(struct lance *lance, uint32_t address, uint16_t *words, unsigned count)
{
    if (!dma_port_read(&lance->dma, address & 0xffffff, words, count * 2))
        return memory_error(lance);
    for (unsigned i = 0; i < count; i++)
        words[i] = GUINT16_FROM_BE(words[i]);
    return true;
}

static bool write_words(struct lance *lance, uint32_t address, const uint16_t *words, unsigned count)
{
    uint16_t swapped[4];
    for (unsigned i = 0; i < count; i++)
        swapped[i] = GUINT16_TO_BE(words[i]);
    return dma_port_write(&lance->dma, address & 0xffffff, swapped, count * 2) || memory_error(lance);
}

/* Without BSWP the chip puts the first byte of a word on the lower half of the bus, which a big-endian memory
 * has at the odd address. */
static bool move_bytes(struct lance *lance, uint32_t address, uint8_t *data, size_t size, bool write)
{
    address &= 0xffffff;
    if (lance->csr[3] & CSR3_BSWP) {
        bool ok = write ? dma_port_write(&lance->dma, address, data, size)
                        : dma_port_read(&lance->dma, address, data, size);
        return ok || memory_error(lance);
    }
    for (size_t i = 0; i < size; i++) {
        uint32_t at = (address + (uint32_t)i) ^ 1;
        bool ok = write ? dma_port_write(&lance->dma, at, data + i, 1)
                        : dma_port_read(&lance->dma, at, data + i, 1);
        if (!ok)
            return memory_error(lance);
    }
    return true;
}

struct descriptor {
    uint32_t at; /* its address */
    uint16_t word[4];
};

static bool read_descriptor(struct lance *lance, uint32_t ring, unsigned index, struct descriptor *md)
{
    md->at = ring + index * 8;
    return read_words(lance, md->at, md->word, 4);
}

static uint32_t buffer_address(const struct descriptor *md)
{
    return (uint32_t)(md->word[1] & 0xff) << 16 | md->word[0];
}

/* BCNT is a two's complement number of 12 bits. */
static unsigned buffer_size(const struct descriptor *md)
{
    return 0x1000u - (md->word[2] & 0xfff);
}

/* Gives a descriptor back: the status in word 3 is written before ownership changes. */
static bool return_descriptor(struct lance *lance, struct descriptor *md)
{
    md->word[1] = (uint16_t)(md->word[1] & ~MD1_OWN);
    return write_words(lance, md->at + 6, &md->word[3], 1) && write_words(lance, md->at + 2, &md->word[1], 1);
}

/* ---- receiver ---- */

static bool address_matches(const struct lance *lance, const uint8_t *frame)
{
    static const uint8_t broadcast[ETHERNET_ADDRESS_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (lance->mode & MODE_PROM || !memcmp(frame, broadcast, sizeof(broadcast)))
        return true;
    if (!(frame[0] & 1))
        return !memcmp(frame, lance->padr, sizeof(lance->padr));
    /* The upper six bits of the CRC register choose a bit of LADRF (data sheet, "Logical Address Filter"). */
    unsigned hash = ethernet_crc(frame, ETHERNET_ADDRESS_SIZE) >> 26;
    return lance->ladrf[hash / 16] >> (hash % 16) & 1;
}

/* `frame` has its FCS. `bad_crc`: the FCS is wrong. */
static void store_frame(struct lance *lance, const uint8_t *frame, size_t size, bool bad_crc)
{
    struct descriptor md;
    size_t done = 0;
    for (bool first = true; done < size; first = false) {
        if (!read_descriptor(lance, lance->rdra, lance->rx_index, &md))
            return;
        if (!(md.word[1] & MD1_OWN)) {
            if (first)
                lance->csr[0] |= CSR0_MISS;
            break;
        }
        /* Look at the next one before this one is given back: a chain that has no end is a buffer error. */
        size_t chunk = MIN(buffer_size(&md), size - done);
        bool last = done + chunk == size, no_more = false;
        unsigned next = (lance->rx_index + 1) % lance->rlen;
        if (!last) {
            struct descriptor after;
            if (!read_descriptor(lance, lance->rdra, next, &after))
                return;
            no_more = !(after.word[1] & MD1_OWN) || next == lance->rx_index;
        }
        if (!move_bytes(lance, buffer_address(&md), (uint8_t *)frame + done, chunk, true))
            return;
        done += chunk;
        md.word[1] &= 0x80ff;
        if (first)
            md.word[1] |= MD1_STP;
        if (last) {
            md.word[1] |= MD1_ENP;
            md.word[3] = (md.word[3] & 0xf000) | ((uint16_t)size & 0x0fff);
            if (bad_crc)
                md.word[1] |= RMD1_CRC | MD1_ERR;
        } else if (no_more) {
            md.word[1] |= RMD1_BUFF | MD1_ERR;
        }
        if (!return_descriptor(lance, &md))
            return;
        lance->rx_index = (uint16_t)next;
        lance->csr[0] |= CSR0_RINT;
        if (no_more)
            break;
    }
    update_irq(lance);
}

static bool receiver_ready(struct lance *lance)
{
    return lance->csr[0] & CSR0_RXON && lance->rlen;
}

static void schedule_poll(struct lance *lance, int64_t interval)
{
    lance->poll_interval = (uint32_t)interval;
    clock_event_set(&lance->poll_event, clock_now(lance->dev.machine->clock) + interval);
}

/* A frame that finds no descriptor would be lost on a real wire too; here the back end may hold it a moment.
 * A receiver that is off lets it pass by. */
static bool net_can_receive(void *opaque)
{
    struct lance *lance = opaque;
    if (!receiver_ready(lance))
        return true;
    struct descriptor md;
    if (!read_descriptor(lance, lance->rdra, lance->rx_index, &md))
        return true;
    if (md.word[1] & MD1_OWN)
        return true;
    if (!clock_event_is_set(&lance->poll_event) || lance->poll_interval > POLL_FIRST)
        schedule_poll(lance, POLL_FIRST);
    return false;
}

static void net_receive(void *opaque, const uint8_t *data, size_t size)
{
    struct lance *lance = opaque;
    uint8_t frame[TX_MAX + ETHERNET_FRAME_MIN];
    if (!receiver_ready(lance) || lance->mode & MODE_LOOP || size < ETHERNET_ADDRESS_SIZE ||
        size > TX_MAX - ETHERNET_FCS_SIZE || !address_matches(lance, data))
        return;
    memcpy(frame, data, size);
    if (size < ETHERNET_FRAME_MIN) {
        memset(frame + size, 0, ETHERNET_FRAME_MIN - size);
        size = ETHERNET_FRAME_MIN;
    }
    uint32_t fcs = GUINT32_TO_LE(~ethernet_crc(frame, size));
    memcpy(frame + size, &fcs, ETHERNET_FCS_SIZE);
    store_frame(lance, frame, size + ETHERNET_FCS_SIZE, false);
}

/* ---- transmitter ---- */

/* With DTCR the transmitter adds no FCS and the receiver checks the one that software supplied; without, it
 * adds one that the receiver takes as it comes (data sheet, "Loopback"). */
static void loop_back(struct lance *lance, uint8_t *frame, size_t size)
{
    if (lance->mode & MODE_INTL && size > LOOPBACK_MAX) {
        device_guest_error(&lance->dev, "internal loopback of %zu bytes: more than the SILO holds", size);
        return;
    }
    if (!receiver_ready(lance) || size < ETHERNET_ADDRESS_SIZE || !address_matches(lance, frame))
        return;
    bool bad_crc = false;
    if (lance->mode & MODE_DTCR) {
        uint32_t fcs;
        if (size < ETHERNET_FCS_SIZE)
            return;
        memcpy(&fcs, frame + size - ETHERNET_FCS_SIZE, ETHERNET_FCS_SIZE);
        bad_crc = GUINT32_FROM_LE(fcs) != ~ethernet_crc(frame, size - ETHERNET_FCS_SIZE);
    } else {
        uint32_t fcs = GUINT32_TO_LE(~ethernet_crc(frame, size));
        memcpy(frame + size, &fcs, ETHERNET_FCS_SIZE);
        size += ETHERNET_FCS_SIZE;
    }
    store_frame(lance, frame, size, bad_crc);
}

/* One frame: STP to ENP, over as many buffers as it takes. False = nothing more to send. */
static bool transmit_frame(struct lance *lance)
{
    uint8_t frame[TX_MAX + ETHERNET_FCS_SIZE];
    size_t size = 0;
    bool first = true, too_long = false;
    struct descriptor md;
    for (unsigned used = 0;; used++) {
        if (!read_descriptor(lance, lance->tdra, lance->tx_index, &md))
            return false;
        if (!(md.word[1] & MD1_OWN) || used == lance->tlen)
            return false; /* the chain's error was reported in its last buffer */
        lance->tx_index = (uint16_t)((lance->tx_index + 1) % lance->tlen);
        if (first && !(md.word[1] & MD1_STP)) {
            /* A stray piece of a chain is skipped (data sheet, "Transmit descriptor rings"). */
            if (!return_descriptor(lance, &md))
                return false;
            continue;
        }
        first = false;
        unsigned chunk = buffer_size(&md);
        too_long |= size + chunk > TX_MAX;
        if (!too_long && !move_bytes(lance, buffer_address(&md), frame + size, chunk, false))
            return false;
        size = too_long ? TX_MAX : size + chunk;
        if (md.word[1] & MD1_ENP)
            break;
        struct descriptor next;
        if (!read_descriptor(lance, lance->tdra, lance->tx_index, &next))
            return false;
        if (!(next.word[1] & MD1_OWN) || used + 1 == lance->tlen) {
            md.word[3] = TMD3_BUFF | TMD3_UFLO;
            md.word[1] |= MD1_ERR;
            if (return_descriptor(lance, &md)) {
                lance->csr[0] = (uint16_t)((lance->csr[0] | CSR0_TINT) & ~CSR0_TXON);
                update_irq(lance);
            }
            return false;
        }
        md.word[3] = 0;
        if (!return_descriptor(lance, &md))
            return false;
    }

    if (size + (lance->mode & MODE_DTCR ? 0 : ETHERNET_FCS_SIZE) >= BABBLE_SIZE)
        lance->csr[0] |= CSR0_BABL;
    md.word[3] = 0;
    md.word[1] &= 0x83ff;
    if (lance->mode & MODE_COLL && lance->mode & MODE_LOOP && lance->mode & MODE_INTL) {
        /* Forced collisions: sixteen attempts fail, or the only one if retries are off. */
        md.word[3] = TMD3_RTRY;
        md.word[1] |= MD1_ERR;
    } else if (lance->mode & MODE_LOOP) {
        loop_back(lance, frame, size);
    } else if (!too_long) {
        net_send(lance->net, frame,
                 lance->mode & MODE_DTCR && size >= ETHERNET_FCS_SIZE ? size - ETHERNET_FCS_SIZE : size);
    }
    if (!return_descriptor(lance, &md))
        return false;
    lance->csr[0] |= CSR0_TINT;
    update_irq(lance);
    return true;
}

static void transmit(struct lance *lance)
{
    lance->csr[0] = (uint16_t)(lance->csr[0] & ~CSR0_TDMD);
    /* No more than a ring's worth at once: a network that answers at once must not keep the guest from
     * running. */
    bool sent = false;
    for (unsigned i = 0; i < lance->tlen && lance->csr[0] & CSR0_TXON && transmit_frame(lance); i++)
        sent = true;
    if (lance->csr[0] & CSR0_TXON)
        schedule_poll(lance, sent ? POLL_FIRST : MIN((int64_t)lance->poll_interval * 2, POLL_LAST));
}

static void look_at_rings(void *opaque)
{
    struct lance *lance = opaque;
    if (lance->csr[0] & CSR0_TXON)
        transmit(lance);
    if (lance->csr[0] & CSR0_RXON)
        net_accept_input(lance->net);
}

/* ---- control ---- */

static void stop(struct lance *lance)
{
    /* CSR3's bits are cleared with the rest. */
    lance->csr[0] = CSR0_STOP;
    lance->csr[3] = 0;
    clock_event_cancel(&lance->poll_event);
    update_irq(lance);
}

static void initialise(struct lance *lance)
{
    uint16_t block[12];
    uint32_t address = (uint32_t)(lance->csr[2] & 0xff) << 16 | (lance->csr[1] & 0xfffe);
    if (!read_words(lance, address, block, G_N_ELEMENTS(block)))
        return;
    lance->mode = block[0];
    for (unsigned i = 0; i < 3; i++) {
        lance->padr[2 * i] = (uint8_t)block[1 + i];
        lance->padr[2 * i + 1] = (uint8_t)(block[1 + i] >> 8);
    }
    memcpy(lance->ladrf, block + 4, sizeof(lance->ladrf));
    lance->rdra = (uint32_t)(block[9] & 0xff) << 16 | (block[8] & 0xfff8);
    lance->rlen = (uint16_t)(1u << (block[9] >> 13));
    lance->tdra = (uint32_t)(block[11] & 0xff) << 16 | (block[10] & 0xfff8);
    lance->tlen = (uint16_t)(1u << (block[11] >> 13));
    lance->rx_index = lance->tx_index = 0;
    lance->csr[0] |= CSR0_IDON;
    update_irq(lance);
}

static void start(struct lance *lance)
{
    if (!lance->rlen) {
        device_guest_error(&lance->dev, "STRT before INIT");
        return;
    }
    lance->csr[0] = (uint16_t)(lance->csr[0] & ~CSR0_STOP);
    if (!(lance->mode & MODE_DRX))
        lance->csr[0] |= CSR0_RXON;
    if (!(lance->mode & MODE_DTX))
        lance->csr[0] |= CSR0_TXON;
    update_irq(lance);
    schedule_poll(lance, POLL_FIRST);
    net_accept_input(lance->net);
}

static void write_csr0(struct lance *lance, uint16_t value)
{
    uint16_t *csr0 = &lance->csr[0];
    if (value & CSR0_STOP) { /* has priority over everything else */
        stop(lance);
        return;
    }
    *csr0 = (uint16_t)(*csr0 & ~(value & CSR0_WRITE_1_CLEARS) & ~CSR0_INEA);
    *csr0 |= value & CSR0_INEA;
    if (value & CSR0_INIT && *csr0 & CSR0_STOP) { /* INIT and STRT both end the stop */
        *csr0 = (uint16_t)((*csr0 & ~CSR0_STOP) | CSR0_INIT);
        initialise(lance);
    }
    if (value & CSR0_STRT && !(*csr0 & CSR0_STRT) && !(*csr0 & CSR0_MERR)) {
        *csr0 |= CSR0_STRT;
        start(lance);
    }
    update_irq(lance);
    if (value & CSR0_TDMD && *csr0 & CSR0_TXON) {
        *csr0 |= CSR0_TDMD;
        lance->poll_interval = (uint32_t)(POLL_FIRST / 2);
        transmit(lance);
    }
}

static uint64_t registers_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct lance *lance = DEVICE_OF(dev, struct lance, dev);
    if (offset & 2)
        return lance->rap;
    /* CSR1 to CSR3 are there only while the chip is stopped. */
    return lance->rap == 0 || lance->csr[0] & CSR0_STOP ? lance->csr[lance->rap] : 0;
}

static void registers_write(struct device *dev, uint64_t offset, uint64_t value64, unsigned size)
{
    struct lance *lance = DEVICE_OF(dev, struct lance, dev);
    uint16_t value = (uint16_t)value64;
    if (offset & 2) {
        lance->rap = value & 3;
    } else if (lance->rap == 0) {
        write_csr0(lance, value);
    } else if (!(lance->csr[0] & CSR0_STOP)) {
        device_guest_error(dev, "write to CSR%u while running", lance->rap);
    } else {
        static const uint16_t writable[4] = {0, 0xfffe, 0x00ff, 0x0007};
        lance->csr[lance->rap] = value & writable[lance->rap];
    }
}

void lance_map(struct lance *lance, struct bus *bus, uint64_t base)
{
    bus_map(bus, &(struct bus_region){.name = lance->dev.id,
                                      .start = base,
                                      .size = 4,
                                      .kind = BUS_MMIO,
                                      .dev = &lance->dev,
                                      .read = registers_read,
                                      .write = registers_write,
                                      .widths = BUS_WIDTH_16,
                                      .endian = bus_endian(bus)});
}

/* ---- device ---- */

void lance_reset(struct lance *lance)
{
    lance->rap = 0;
    lance->csr[1] = lance->csr[2] = 0;
    lance->rlen = lance->tlen = 0;
    stop(lance);
}

static bool lance_init(struct device *dev, GError **error)
{
    struct lance *lance = DEVICE_OF(dev, struct lance, dev);
    g_autofree char *name = g_strdup_printf("%s.poll", dev->id);
    clock_event_init(&lance->poll_event, dev->machine->clock, name, look_at_rings, lance);
    net_attach(lance->net,
               &(struct net_device){.can_receive = net_can_receive, .receive = net_receive, .opaque = lance});
    return true;
}

static void lance_finish(struct device *dev)
{
    clock_event_finish(&DEVICE_OF(dev, struct lance, dev)->poll_event);
}

static void lance_device_reset(struct device *dev, enum reset_kind kind)
{
    struct lance *lance = DEVICE_OF(dev, struct lance, dev);
    lance->mode = 0;
    memset(lance->padr, 0, sizeof(lance->padr));
    memset(lance->ladrf, 0, sizeof(lance->ladrf));
    lance->rdra = lance->tdra = 0;
    lance->rx_index = lance->tx_index = 0;
    lance->poll_interval = POLL_FIRST;
    lance_reset(lance);
}

static bool ring_is_possible(uint16_t length, uint16_t index)
{
    return length && length <= 128 && !(length & (length - 1)) && index < length;
}

static bool lance_check(const void *state, GError **error)
{
    const struct lance *lance = state;
    /* INIT gives the chip both rings; before it there is none, and nothing can be on. */
    bool rings_ok = lance->rlen || lance->tlen ? ring_is_possible(lance->rlen, lance->rx_index) &&
                                                     ring_is_possible(lance->tlen, lance->tx_index)
                                               : !(lance->csr[0] & (CSR0_RXON | CSR0_TXON));
    if (rings_ok && lance->rap < 4 && lance->poll_interval >= POLL_FIRST / 2 && lance->poll_interval <= POLL_LAST)
        return true;
    g_set_error_literal(error, STATE_ERROR, STATE_ERROR_FORMAT,
                        _("The Ethernet controller’s rings are out of range."));
    return false;
}

static void lance_loaded(struct device *dev)
{
    net_accept_input(DEVICE_OF(dev, struct lance, dev)->net);
}

static const struct state_field lance_fields[] = {
    STATE_FIELD(struct lance, rap),
    STATE_ARRAY(struct lance, csr),
    STATE_FIELD(struct lance, mode),
    STATE_ARRAY(struct lance, padr),
    STATE_ARRAY(struct lance, ladrf),
    STATE_FIELD(struct lance, rdra),
    STATE_FIELD(struct lance, tdra),
    STATE_FIELD(struct lance, rlen),
    STATE_FIELD(struct lance, tlen),
    STATE_FIELD(struct lance, rx_index),
    STATE_FIELD(struct lance, tx_index),
    STATE_FIELD(struct lance, poll_interval),
    STATE_END,
};

const struct device_class lance_class = {
    .name = "am7990",
    .description = "AMD Am7990 LANCE Ethernet controller",
    .size = sizeof(struct lance),
    .version = 1,
    .init = lance_init,
    .reset = lance_device_reset,
    .finish = lance_finish,
    .fields = lance_fields,
    .check = lance_check,
    .loaded = lance_loaded,
};
