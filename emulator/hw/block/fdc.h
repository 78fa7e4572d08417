/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Intel 82077AA floppy disk controller with up to four drives.
 * Source: Intel data sheet 82077AA (290166), sections 2 (registers), 5 (command set), 6 (data transfer).
 */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/bus.h"
#include "emulator/core/irq.h"

#define FDC_DRIVES     4
#define FDC_FIFO_SIZE  16
#define FDC_MAX_SECTOR 16384

struct fdc_drive {
    struct block_backend *block; /* set by the board; NULL = no drive */
    uint8_t track;               /* where the head stands */
    uint8_t changed;             /* disk change line */
    uint8_t sector;              /* READ ID: which comes by next */
};

struct fdc {
    struct device dev;
    struct irq_line *irq;
    struct irq_line *dma_request;   /* DRQ; NULL on boards that move bytes themselves */
    struct irq_line terminal_count; /* TC pin */
    struct fdc_drive drive[FDC_DRIVES];

    uint8_t dor, tdr, dsr, ccr;
    uint8_t phase; /* enum fdc_phase */
    uint8_t command[10], command_count, command_length;
    uint8_t result[10], result_count, result_at;
    uint8_t specify[2], configure[3], lock, perpendicular;
    uint8_t interrupts_pending; /* SENSE INTERRUPT STATUS results that wait: bit per drive */
    uint8_t st0[FDC_DRIVES];
    uint8_t reset_polls; /* results of the polling after a reset that are left */
    uint8_t polled;      /* next of them */

    /* the transfer */
    uint8_t unit, head, track, sector_id, size_code, eot, gpl, multi_track, writing, verifying, formatting,
        scan;
    uint8_t read_track, deleted; /* READ TRACK, READ DELETED DATA */
    uint8_t sectors_left;        /* READ TRACK, VERIFY with EC; 0 = up to EOT */
    uint8_t scan_matched, stop_after_sector;
    uint8_t *buffer;
    uint32_t at, length;
    uint8_t st1, st2;
    struct block_request request;
    struct clock_event event; /* end of a reset */
};

extern const struct device_class fdc_class;

/* Registers 0..7. */
void fdc_map(struct fdc *fdc, struct bus *bus, uint64_t base);
/* The DMA controller's acknowledge cycles. */
uint8_t fdc_dma_read(struct fdc *fdc);
void fdc_dma_write(struct fdc *fdc, uint8_t byte);
