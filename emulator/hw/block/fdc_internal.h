/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What fdc.c (registers, commands, seeks) and fdc_transfer.c (commands that touch sectors) share: bits under the
 * data sheet's names, and the way from one phase of a command to the next. */
#pragma once

#include "emulator/hw/block/fdc.h"

#define DOR_RESET_N  0x04
#define DOR_DMA_GATE 0x08
#define DSR_RESET    0x80
#define MSR_RQM      0x80
#define MSR_DIO      0x40
#define MSR_NON_DMA  0x20
#define MSR_BUSY     0x10
#define DIR_CHANGE   0x80

#define ST0_ABNORMAL        0x40
#define ST0_INVALID         0x80
#define ST0_READY_CHANGED   0xc0
#define ST0_SEEK_END        0x20
#define ST0_EQUIPMENT       0x10
#define ST1_END_OF_CYLINDER 0x80
#define ST1_DATA_ERROR      0x20
#define ST1_OVERRUN         0x10
#define ST1_NO_DATA         0x04
#define ST1_NOT_WRITABLE    0x02
#define ST1_MISSING_ADDRESS 0x01
#define ST2_CONTROL_MARK    0x40
#define ST2_DATA_ERROR      0x20
#define ST2_WRONG_CYLINDER  0x10
#define ST2_SCAN_EQUAL      0x08
#define ST2_SCAN_NOT        0x04

/* Bits of commands beside the code */
#define COMMAND_MFM  0x40
#define COMMAND_SKIP 0x20
#define VERIFY_EC    0x80 /* second byte: the last one counts sectors */

#define SPECIFY_NON_DMA     0x01 /* second byte */
#define CONFIG_IMPLIED_SEEK 0x40
#define VERSION_82077       0x90

#define RESET_NS (20 * NS_PER_US)

enum fdc_phase { PHASE_COMMAND, PHASE_WAIT, PHASE_READ, PHASE_WRITE, PHASE_RESULT };
enum fdc_scan { SCAN_NONE, SCAN_EQUAL, SCAN_LOW, SCAN_HIGH };

struct fdc_geometry {
    uint32_t bytes;
    uint8_t tracks, heads, sectors;
};

/* Of the medium in a drive; without one: 80 tracks of no sectors. */
struct fdc_geometry fdc_geometry(const struct fdc *fdc, unsigned unit);

static inline void set_drq(struct fdc *fdc, bool level)
{
    irq_set(fdc->dma_request, level);
}

static inline bool non_dma(const struct fdc *fdc)
{
    return (fdc->specify[1] & SPECIFY_NON_DMA) || !fdc->dma_request;
}

static inline void enter_command_phase(struct fdc *fdc)
{
    fdc->phase = PHASE_COMMAND;
    fdc->command_count = 0;
    fdc->command_length = 0;
}

static inline void enter_result_phase(struct fdc *fdc, uint8_t count, bool interrupt)
{
    fdc->phase = PHASE_RESULT;
    fdc->result_count = count;
    fdc->result_at = 0;
    set_drq(fdc, false);
    if (interrupt)
        irq_raise(fdc->irq);
}

/* DATA TRANSFER, READ ID and FORMAT TRACK commands (5.1), whose bytes are in `command`. */
void fdc_begin_transfer(struct fdc *fdc);
void fdc_begin_format(struct fdc *fdc);
void fdc_read_id(struct fdc *fdc);
/* One byte of the execution phase. */
uint8_t fdc_data_out_of_chip(struct fdc *fdc);
void fdc_data_into_chip(struct fdc *fdc, uint8_t byte);
/* The drive's image answered; the TC pin; the medium went away in mid-transfer. */
void fdc_medium_done(void *opaque, struct block_request *request);
void fdc_terminal_count(void *opaque, int number, bool level);
void fdc_medium_gone(struct fdc *fdc);
