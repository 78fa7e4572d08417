/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NCR 53C9x SCSI controllers as an initiator: 53C90A ("ESP100A"), 53C94, and the FAS100A of the later Suns.
 * Registers are bytes; the board says how far apart they stand.
 *
 * Sources: NCR 53C94/53C95 data manual; Emulex/QLogic FAS216/FAS236 user's manual ("Commands", "Interrupt
 * Register", "Sequence Step Register"); Linux drivers/scsi/esp_scsi.[ch].
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/core/irq.h"
#include "emulator/hw/block/scsi.h"

#define ESP_FIFO_SIZE 16

/* What the chip's DMA pins are connected to. */
struct esp_dma {
    bool (*ready)(void *opaque);                                  /* the channel is on */
    bool (*read)(void *opaque, void *data, uint32_t size);        /* memory → chip; false = bus error */
    bool (*write)(void *opaque, const void *data, uint32_t size); /* chip → memory */
    void *opaque;
};

struct esp {
    struct device dev;
    bool fast;       /* property: FAS100A (24-bit counter, id code), else 53C94 */
    uint32_t own_id; /* property */
    struct irq_line *irq;
    struct esp_dma dma;
    struct scsi_target *target[SCSI_TARGETS];
    struct irq_line reset_in; /* the chip's reset pin */

    /* registers */
    uint8_t fifo[ESP_FIFO_SIZE], fifo_count;
    uint32_t counter, counter_start; /* transfer counter, and what the next DMA command loads into it */
    uint8_t command, queued;         /* command register: two deep; queued 0xff = empty */
    uint8_t status, interrupt, step;
    uint8_t destination, timeout, period, offset, clock_factor, test, config[3];
    uint8_t id_valid; /* the unique id shows in the upper counter register */

    /* the command under way */
    uint8_t sequence;       /* enum esp_sequence */
    uint8_t dma_command;    /* it had the DMA bit */
    uint8_t transfer_phase; /* TRANSFER: the phase it began in */
    uint8_t messages_left;  /* SELECT: message bytes to send */
    uint8_t stop_after_message;
    uint8_t service_bits; /* SERVICE: interrupt bits once the target asks for something */

    /* the bus and the target's side of the protocol */
    uint8_t connected, selected; /* a target holds the bus; its id */
    uint8_t request;             /* the target asserts REQ in `phase` */
    uint8_t phase;               /* enum esp_phase */
    uint8_t atn;
    uint8_t message_out[16], message_out_count;
    uint8_t message_in[8], message_in_count, message_in_at;
    uint8_t after_message; /* phase that follows, or ESP_BUS_FREE */
    uint8_t cdb[SCSI_MAX_CDB], cdb_count;
    uint8_t lun, target_status;
    uint8_t identified; /* `lun` came with an IDENTIFY message */
    uint8_t executing; /* the target has its command */

    struct clock_event event; /* selection time-out, end of a bus reset */
    uint8_t event_interrupt;  /* interrupt bits it brings */
};

extern const struct device_class esp_class;

/* 16 registers, `stride` bytes apart. */
void esp_map(struct esp *esp, struct bus *bus, uint64_t base, unsigned stride);
/* The DMA channel was switched on: data may move. */
void esp_dma_enabled(struct esp *esp);
