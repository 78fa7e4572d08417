/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 82077AA; see the header for sources. Media are images of plain sectors of 512 bytes, whose geometry follows
 * from their size. */
#include "emulator/hw/block/fdc.h"

#include <errno.h>
#include <string.h>

#include "emulator/core/machine.h"

enum {
    REG_SRA,
    REG_SRB,
    REG_DOR,
    REG_TDR,
    REG_MSR,
    REG_FIFO,
    REG_RESERVED,
    REG_DIR,
    REG_DSR = REG_MSR,
    REG_CCR = REG_DIR
};

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
#define ST2_WRONG_CYLINDER  0x10
#define ST2_SCAN_EQUAL      0x08
#define ST2_SCAN_NOT        0x04

#define SPECIFY_NON_DMA     0x01 /* second byte */
#define CONFIG_IMPLIED_SEEK 0x40
#define VERSION_82077       0x90

#define RESET_NS (20 * NS_PER_US)

enum fdc_phase { PHASE_COMMAND, PHASE_WAIT, PHASE_READ, PHASE_WRITE, PHASE_RESULT };
enum fdc_scan { SCAN_NONE, SCAN_EQUAL, SCAN_LOW, SCAN_HIGH };

/* Geometries by size, the usual ones. */
static const struct geometry {
    uint32_t bytes;
    uint8_t tracks, heads, sectors;
} geometries[] = {
    {1474560, 80, 2, 18}, {737280, 80, 2, 9},   {1228800, 80, 2, 15}, {368640, 40, 2, 9},
    {2949120, 80, 2, 36}, {1720320, 80, 2, 21}, {1763328, 82, 2, 21}, {1638400, 80, 2, 20},
    {819200, 80, 2, 10},  {655360, 80, 2, 8},   {327680, 40, 2, 8},   {184320, 40, 1, 9},
    {163840, 40, 1, 8},
};

static struct geometry geometry_of(const struct fdc *fdc, unsigned unit)
{
    const struct block_backend *block = fdc->drive[unit & 3].block;
    if (!block || !block->present)
        return (struct geometry){0, 80, 2, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(geometries); i++)
        if (geometries[i].bytes == block->size)
            return geometries[i];
    /* Another size: 80 tracks, two heads, whole sectors. */
    return (struct geometry){0, 80, 2, (uint8_t)CLAMP(block->size / (80 * 2 * 512), 1, 63)};
}

static void set_drq(struct fdc *fdc, bool level)
{
    irq_set(fdc->dma_request, level);
}

static bool non_dma(const struct fdc *fdc)
{
    return (fdc->specify[1] & SPECIFY_NON_DMA) || !fdc->dma_request;
}

static void enter_command_phase(struct fdc *fdc)
{
    fdc->phase = PHASE_COMMAND;
    fdc->command_count = 0;
    fdc->command_length = 0;
}

static void enter_result_phase(struct fdc *fdc, uint8_t count, bool interrupt)
{
    fdc->phase = PHASE_RESULT;
    fdc->result_count = count;
    fdc->result_at = 0;
    set_drq(fdc, false);
    if (interrupt)
        irq_raise(fdc->irq);
}

/* Results of the commands that move data (5.1.1). */
static void end_transfer(struct fdc *fdc, uint8_t st0)
{
    fdc->result[0] = (uint8_t)(st0 | fdc->head << 2 | fdc->unit);
    fdc->result[1] = fdc->st1;
    fdc->result[2] = fdc->st2;
    fdc->result[3] = fdc->track;
    fdc->result[4] = fdc->head;
    fdc->result[5] = fdc->sector_id;
    fdc->result[6] = fdc->size_code;
    enter_result_phase(fdc, 7, true);
}

static void fail(struct fdc *fdc, uint8_t st1, uint8_t st2)
{
    fdc->st1 |= st1;
    fdc->st2 |= st2;
    end_transfer(fdc, ST0_ABNORMAL);
}

/* The next byte can be moved: by an interrupt for each byte, or by DMA. */
static void ask_for_data(struct fdc *fdc)
{
    if (non_dma(fdc))
        irq_raise(fdc->irq);
    else
        set_drq(fdc, true);
}

static void submit(struct fdc *fdc, enum block_op op)
{
    struct geometry g = geometry_of(fdc, fdc->unit);
    uint64_t sector = ((uint64_t)fdc->track * g.heads + fdc->head) * g.sectors + fdc->sector_id - 1;
    fdc->phase = PHASE_WAIT;
    fdc->request.op = op;
    fdc->request.offset = sector * 512;
    fdc->request.size = fdc->length;
    fdc->request.buffer = fdc->buffer;
    block_submit(fdc->drive[fdc->unit].block, &fdc->request);
}

/* Is the sector that the command names on this track? Ends the command if not. */
static bool find_sector(struct fdc *fdc)
{
    struct fdc_drive *drive = &fdc->drive[fdc->unit];
    struct geometry g = geometry_of(fdc, fdc->unit);
    if (!drive->block || !drive->block->present || !(fdc->dor & 0x10 << fdc->unit)) {
        fail(fdc, ST1_MISSING_ADDRESS, 0);
        return false;
    }
    if (fdc->configure[1] & CONFIG_IMPLIED_SEEK)
        drive->track = MIN(fdc->track, (uint8_t)(g.tracks - 1));
    if (fdc->track != drive->track) {
        fail(fdc, ST1_NO_DATA, ST2_WRONG_CYLINDER);
        return false;
    }
    if (fdc->head >= g.heads || fdc->track >= g.tracks || fdc->size_code != 2 || !fdc->sector_id ||
        fdc->sector_id > g.sectors) {
        fail(fdc, ST1_NO_DATA, 0);
        return false;
    }
    return true;
}

static void begin_sector(struct fdc *fdc)
{
    if (!find_sector(fdc))
        return;
    fdc->at = 0;
    fdc->length = 512;
    if (fdc->writing) {
        if (fdc->drive[fdc->unit].block->read_only) {
            fail(fdc, ST1_NOT_WRITABLE, 0);
            return;
        }
        fdc->phase = PHASE_WRITE;
        ask_for_data(fdc);
    } else {
        submit(fdc, BLOCK_READ);
    }
}

/* On to the next sector, as the address in the results is to show it (table 5-5). True if the transfer goes
 * on. */
static bool next_sector(struct fdc *fdc)
{
    if (fdc->sector_id != fdc->eot) {
        fdc->sector_id++;
        return true;
    }
    fdc->sector_id = 1;
    if (fdc->multi_track) {
        fdc->head ^= 1;
        if (fdc->head)
            return true;
    }
    fdc->track++;
    return false;
}

static void sector_done(struct fdc *fdc)
{
    bool more = next_sector(fdc);
    if (fdc->stop_after_sector) {
        end_transfer(fdc, 0);
    } else if (more) {
        begin_sector(fdc);
    } else if (fdc->verifying) {
        end_transfer(fdc, 0);
    } else {
        /* The end of the cylinder without a terminal count */
        fail(fdc, ST1_END_OF_CYLINDER, 0);
    }
}

static void medium_done(void *opaque, struct block_request *request)
{
    struct fdc *fdc = opaque;
    if (fdc->phase != PHASE_WAIT)
        return;
    if (request->result) {
        fail(fdc, request->result == EROFS ? ST1_NOT_WRITABLE : ST1_DATA_ERROR, 0);
        return;
    }
    if (request->op == BLOCK_WRITE_ZEROES || request->op == BLOCK_WRITE) {
        if (fdc->formatting) {
            if (++fdc->drive[fdc->unit].sector >= fdc->eot || fdc->stop_after_sector) {
                end_transfer(fdc, 0);
            } else {
                fdc->at = 0;
                fdc->phase = PHASE_WRITE;
                ask_for_data(fdc);
            }
            return;
        }
        sector_done(fdc);
        return;
    }
    if (fdc->verifying) {
        sector_done(fdc);
        return;
    }
    fdc->phase = fdc->scan ? PHASE_WRITE : PHASE_READ;
    ask_for_data(fdc);
}

static void scan_sector_done(struct fdc *fdc)
{
    if (fdc->scan_matched) {
        fdc->st2 |= fdc->scan_matched == 2 ? ST2_SCAN_EQUAL : 0;
        end_transfer(fdc, 0);
        return;
    }
    fdc->st2 |= ST2_SCAN_NOT;
    bool more = next_sector(fdc);
    if (fdc->stop_after_sector || !more)
        end_transfer(fdc, 0);
    else
        begin_sector(fdc);
}

static uint8_t data_out_of_chip(struct fdc *fdc)
{
    uint8_t byte = fdc->buffer[fdc->at++];
    irq_lower(fdc->irq);
    if (fdc->at >= fdc->length) {
        set_drq(fdc, false);
        sector_done(fdc);
    } else if (fdc->stop_after_sector) {
        set_drq(fdc, false);
        next_sector(fdc);
        end_transfer(fdc, 0);
    } else {
        ask_for_data(fdc);
    }
    return byte;
}

static void format_sector(struct fdc *fdc)
{
    struct geometry g = geometry_of(fdc, fdc->unit);
    uint8_t track = fdc->buffer[0], head = fdc->buffer[1], sector = fdc->buffer[2], code = fdc->buffer[3];
    if (track >= g.tracks || head >= g.heads || !sector || sector > g.sectors || code != 2) {
        fail(fdc, ST1_NO_DATA, 0);
        return;
    }
    fdc->track = track;
    fdc->head = head;
    fdc->sector_id = sector;
    memset(fdc->buffer + 512, fdc->command[5], 512);
    memcpy(fdc->buffer, fdc->buffer + 512, 512);
    fdc->length = 512;
    submit(fdc, BLOCK_WRITE);
    fdc->length = 4;
}

static void data_into_chip(struct fdc *fdc, uint8_t byte)
{
    irq_lower(fdc->irq);
    if (fdc->scan) {
        uint8_t disk = fdc->buffer[fdc->at++];
        bool ok = byte == 0xff || disk == byte || (fdc->scan == SCAN_LOW && disk < byte) ||
                  (fdc->scan == SCAN_HIGH && disk > byte);
        if (fdc->at == 1)
            fdc->scan_matched = 2;
        if (!ok)
            fdc->scan_matched = 0;
        else if (disk != byte && byte != 0xff && fdc->scan_matched)
            fdc->scan_matched = 1;
    } else {
        fdc->buffer[fdc->at++] = byte;
    }
    if (fdc->at < fdc->length && !fdc->stop_after_sector) {
        ask_for_data(fdc);
        return;
    }
    set_drq(fdc, false);
    if (fdc->scan) {
        scan_sector_done(fdc);
    } else if (fdc->formatting) {
        format_sector(fdc);
    } else {
        /* A terminal count in mid-sector: the rest is zeros (6.2.4). */
        memset(fdc->buffer + fdc->at, 0, fdc->length - fdc->at);
        submit(fdc, BLOCK_WRITE);
    }
}

static void terminal_count(void *opaque, int number, bool level)
{
    struct fdc *fdc = opaque;
    if (!level)
        return;
    switch (fdc->phase) {
    case PHASE_READ:
        if (fdc->at)
            next_sector(fdc);
        end_transfer(fdc, 0);
        break;
    case PHASE_WRITE:
        fdc->stop_after_sector = true;
        if (fdc->at && !fdc->scan && !fdc->formatting) {
            memset(fdc->buffer + fdc->at, 0, fdc->length - fdc->at);
            submit(fdc, BLOCK_WRITE);
        } else {
            end_transfer(fdc, 0);
        }
        break;
    case PHASE_WAIT: fdc->stop_after_sector = true; break;
    default: break;
    }
}

/* ---- commands ---- */

static uint8_t drive_status(const struct fdc *fdc, unsigned unit)
{
    const struct fdc_drive *drive = &fdc->drive[unit];
    uint8_t st3 = (uint8_t)(0x28 | (fdc->command[1] & 7)); /* ready, two sides */
    if (!drive->track)
        st3 |= 0x10;
    if (drive->block && drive->block->present && drive->block->read_only)
        st3 |= 0x40;
    return st3;
}

/* The heads arrive at once: firmware that was made for emulated machines does not wait for the steps, and for
 * others it is a quick drive. */
static void seek(struct fdc *fdc, unsigned unit, uint8_t target)
{
    struct fdc_drive *drive = &fdc->drive[unit];
    uint8_t st0 = (uint8_t)(ST0_SEEK_END | unit);
    if (!drive->block)
        st0 |= ST0_ABNORMAL | ST0_EQUIPMENT;
    else
        drive->track = MIN(target, (uint8_t)(MAX(geometry_of(fdc, unit).tracks, 80) + 2));
    if (drive->block && drive->block->present)
        drive->changed = false;
    fdc->st0[unit] = st0;
    fdc->interrupts_pending |= (uint8_t)(1 << unit);
    enter_command_phase(fdc);
    irq_raise(fdc->irq);
}

static void sense_interrupt(struct fdc *fdc)
{
    irq_lower(fdc->irq);
    if (fdc->reset_polls) {
        fdc->result[0] = ST0_READY_CHANGED | fdc->polled;
        fdc->result[1] = fdc->drive[fdc->polled].track;
        fdc->polled = (fdc->polled + 1) & 3;
        fdc->reset_polls--;
        enter_result_phase(fdc, 2, false);
        return;
    }
    for (unsigned unit = 0; unit < FDC_DRIVES; unit++) {
        if (fdc->interrupts_pending & 1 << unit) {
            fdc->interrupts_pending &= (uint8_t) ~(1 << unit);
            fdc->result[0] = fdc->st0[unit];
            fdc->result[1] = fdc->drive[unit].track;
            enter_result_phase(fdc, 2, false);
            return;
        }
    }
    fdc->result[0] = ST0_INVALID;
    enter_result_phase(fdc, 1, false);
}

static void read_id(struct fdc *fdc)
{
    struct fdc_drive *drive = &fdc->drive[fdc->unit];
    struct geometry g = geometry_of(fdc, fdc->unit);
    fdc->st1 = fdc->st2 = 0;
    fdc->head = fdc->command[1] >> 2 & 1;
    fdc->track = drive->track;
    fdc->size_code = 2;
    if (!drive->block || !drive->block->present || !(fdc->dor & 0x10 << fdc->unit) ||
        drive->track >= g.tracks || fdc->head >= g.heads) {
        fail(fdc, ST1_MISSING_ADDRESS, 0);
        return;
    }
    fdc->sector_id = (uint8_t)(drive->sector % g.sectors + 1);
    drive->sector = (uint8_t)((drive->sector + 1) % g.sectors);
    end_transfer(fdc, 0);
}

static void begin_transfer(struct fdc *fdc)
{
    const uint8_t *c = fdc->command;
    fdc->st1 = fdc->st2 = 0;
    fdc->track = c[2];
    fdc->head = c[3] & 1;
    fdc->sector_id = c[4];
    fdc->size_code = c[5];
    fdc->eot = c[6];
    fdc->gpl = c[7];
    fdc->multi_track = c[0] >> 7;
    fdc->stop_after_sector = false;
    fdc->scan_matched = 0;
    begin_sector(fdc);
}

static void begin_format(struct fdc *fdc)
{
    fdc->st1 = fdc->st2 = 0;
    fdc->head = fdc->command[1] >> 2 & 1;
    fdc->size_code = fdc->command[2];
    fdc->eot = fdc->command[3];
    fdc->track = fdc->drive[fdc->unit].track;
    fdc->sector_id = 1;
    fdc->stop_after_sector = false;
    struct fdc_drive *drive = &fdc->drive[fdc->unit];
    if (!drive->block || !drive->block->present) {
        fail(fdc, ST1_MISSING_ADDRESS, 0);
        return;
    }
    if (drive->block->read_only) {
        fail(fdc, ST1_NOT_WRITABLE, 0);
        return;
    }
    drive->sector = 0;
    fdc->at = 0;
    fdc->length = 4;
    fdc->phase = PHASE_WRITE;
    ask_for_data(fdc);
}

static void dump_registers(struct fdc *fdc)
{
    for (unsigned i = 0; i < FDC_DRIVES; i++)
        fdc->result[i] = fdc->drive[i].track;
    fdc->result[4] = fdc->specify[0];
    fdc->result[5] = fdc->specify[1];
    fdc->result[6] = fdc->eot;
    fdc->result[7] = (uint8_t)(fdc->lock << 7 | (fdc->perpendicular & 0x3f));
    fdc->result[8] = fdc->configure[1];
    fdc->result[9] = fdc->configure[2];
    enter_result_phase(fdc, 10, false);
}

/* Length of each command with its parameters, by the low five bits of the first byte; 0 = invalid. */
static const uint8_t command_length[32] = {
    [0x02] = 9, [0x03] = 3, [0x04] = 2, [0x05] = 9, [0x06] = 9, [0x07] = 2, [0x08] = 1,
    [0x09] = 9, [0x0a] = 2, [0x0c] = 9, [0x0d] = 6, [0x0e] = 1, [0x0f] = 3, [0x10] = 1,
    [0x11] = 9, [0x12] = 2, [0x13] = 4, [0x14] = 1, [0x16] = 9, [0x19] = 9, [0x1d] = 9,
};

static void execute(struct fdc *fdc)
{
    const uint8_t *c = fdc->command;
    fdc->unit = c[1] & 3;
    fdc->writing = fdc->verifying = fdc->formatting = false;
    fdc->scan = SCAN_NONE;
    switch (c[0] & 0x1f) {
    case 0x02: /* READ TRACK */
    case 0x06: /* READ DATA */
    case 0x0c: /* READ DELETED DATA */ begin_transfer(fdc); break;
    case 0x05: /* WRITE DATA */
    case 0x09: /* WRITE DELETED DATA */
        fdc->writing = true;
        begin_transfer(fdc);
        break;
    case 0x16: /* VERIFY */
        fdc->verifying = true;
        begin_transfer(fdc);
        break;
    case 0x11:
        fdc->scan = SCAN_EQUAL;
        begin_transfer(fdc);
        break;
    case 0x19:
        fdc->scan = SCAN_LOW;
        begin_transfer(fdc);
        break;
    case 0x1d:
        fdc->scan = SCAN_HIGH;
        begin_transfer(fdc);
        break;
    case 0x03: /* SPECIFY */
        fdc->specify[0] = c[1];
        fdc->specify[1] = c[2];
        enter_command_phase(fdc);
        break;
    case 0x04: /* SENSE DRIVE STATUS */
        fdc->result[0] = drive_status(fdc, fdc->unit);
        enter_result_phase(fdc, 1, false);
        break;
    case 0x07: /* RECALIBRATE */ seek(fdc, fdc->unit, 0); break;
    case 0x08: sense_interrupt(fdc); break;
    case 0x0a: read_id(fdc); break;
    case 0x0d: /* FORMAT TRACK */
        fdc->formatting = fdc->writing = true;
        begin_format(fdc);
        break;
    case 0x0e: dump_registers(fdc); break;
    case 0x0f: /* SEEK, RELATIVE SEEK */
        if (c[0] & 0x80) {
            int track = fdc->drive[fdc->unit].track;
            track += c[0] & 0x40 ? c[2] : -(int)c[2];
            seek(fdc, fdc->unit, (uint8_t)CLAMP(track, 0, 255));
        } else {
            seek(fdc, fdc->unit, c[2]);
        }
        break;
    case 0x10: /* VERSION */
        fdc->result[0] = VERSION_82077;
        enter_result_phase(fdc, 1, false);
        break;
    case 0x12: /* PERPENDICULAR MODE */
        fdc->perpendicular = c[1];
        enter_command_phase(fdc);
        break;
    case 0x13: /* CONFIGURE */
        memcpy(fdc->configure, c + 1, 3);
        enter_command_phase(fdc);
        break;
    case 0x14: /* LOCK */
        fdc->lock = c[0] >> 7;
        fdc->result[0] = (uint8_t)(fdc->lock << 4);
        enter_result_phase(fdc, 1, false);
        break;
    default:
        fdc->result[0] = ST0_INVALID;
        enter_result_phase(fdc, 1, false);
        break;
    }
}

static void write_fifo(struct fdc *fdc, uint8_t byte)
{
    if (!(fdc->dor & DOR_RESET_N))
        return;
    switch (fdc->phase) {
    case PHASE_WRITE:
        if (non_dma(fdc))
            data_into_chip(fdc, byte);
        break;
    case PHASE_COMMAND:
        if (!fdc->command_count) {
            memset(fdc->command, 0, sizeof fdc->command);
            fdc->command_length = MAX(command_length[byte & 0x1f], 1);
        }
        fdc->command[fdc->command_count++] = byte;
        if (fdc->command_count == fdc->command_length)
            execute(fdc);
        break;
    default: device_guest_error(&fdc->dev, "byte written in the wrong phase"); break;
    }
}

static uint8_t read_fifo(struct fdc *fdc)
{
    switch (fdc->phase) {
    case PHASE_READ: return non_dma(fdc) ? data_out_of_chip(fdc) : 0;
    case PHASE_RESULT: {
        uint8_t byte = fdc->result[fdc->result_at++];
        irq_lower(fdc->irq);
        if (fdc->result_at >= fdc->result_count) {
            enter_command_phase(fdc);
            if (fdc->interrupts_pending)
                irq_raise(fdc->irq);
        }
        return byte;
    }
    default: return 0;
    }
}

uint8_t fdc_dma_read(struct fdc *fdc)
{
    return fdc->phase == PHASE_READ && !non_dma(fdc) ? data_out_of_chip(fdc) : 0;
}

void fdc_dma_write(struct fdc *fdc, uint8_t byte)
{
    if (fdc->phase == PHASE_WRITE && !non_dma(fdc))
        data_into_chip(fdc, byte);
}

/* ---- registers ---- */

static void software_reset(struct fdc *fdc)
{
    block_cancel(&fdc->request);
    clock_event_cancel(&fdc->event);
    set_drq(fdc, false);
    irq_lower(fdc->irq);
    enter_command_phase(fdc);
    fdc->result_count = fdc->result_at = 0;
    fdc->interrupts_pending = fdc->reset_polls = 0;
    fdc->stop_after_sector = false;
    fdc->scan = SCAN_NONE;
    if (!fdc->lock) {
        fdc->configure[1] = 0x20; /* EFIFO: FIFO off */
        fdc->configure[2] = 0;
    }
}

static void out_of_reset(struct fdc *fdc)
{
    clock_event_set(&fdc->event, clock_now(fdc->dev.machine->clock) + RESET_NS);
}

static void event_fired(void *opaque)
{
    struct fdc *fdc = opaque;
    if (!(fdc->configure[1] & 0x10)) { /* polling: four interrupts' worth of status */
        fdc->reset_polls = FDC_DRIVES;
        fdc->polled = 0;
        irq_raise(fdc->irq);
    }
}

static uint64_t fdc_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct fdc *fdc = (struct fdc *)dev;
    switch (offset) {
    case REG_SRA:
        return (fdc->irq && fdc->irq->level ? 0x80 : 0) | (fdc->drive[fdc->dor & 3].track ? 0 : 0x10);
    case REG_SRB: return 0xc0 | (fdc->dor & 1) << 5 | (fdc->dor >> 4 & 3);
    case REG_DOR: return fdc->dor;
    case REG_TDR: return fdc->tdr;
    case REG_MSR: {
        if (!(fdc->dor & DOR_RESET_N))
            return 0;
        switch ((enum fdc_phase)fdc->phase) {
        case PHASE_COMMAND: return MSR_RQM | (fdc->command_count ? MSR_BUSY : 0);
        case PHASE_WAIT: return MSR_BUSY | (non_dma(fdc) ? MSR_NON_DMA : 0);
        case PHASE_READ: return MSR_BUSY | (non_dma(fdc) ? MSR_RQM | MSR_DIO | MSR_NON_DMA : 0);
        case PHASE_WRITE: return MSR_BUSY | (non_dma(fdc) ? MSR_RQM | MSR_NON_DMA : 0);
        case PHASE_RESULT: return MSR_BUSY | MSR_RQM | MSR_DIO;
        }
        return 0;
    }
    case REG_FIFO: return read_fifo(fdc);
    case REG_DIR: {
        const struct fdc_drive *drive = &fdc->drive[fdc->dor & 3];
        bool motor = fdc->dor & 0x10 << (fdc->dor & 3);
        return motor && drive->block && (drive->changed || !drive->block->present) ? DIR_CHANGE : 0;
    }
    default: return 0;
    }
}

static void fdc_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct fdc *fdc = (struct fdc *)dev;
    uint8_t byte = (uint8_t)value, old = fdc->dor;
    switch (offset) {
    case REG_DOR:
        fdc->dor = byte;
        if ((old & DOR_RESET_N) && !(byte & DOR_RESET_N))
            software_reset(fdc);
        else if (!(old & DOR_RESET_N) && (byte & DOR_RESET_N))
            out_of_reset(fdc);
        break;
    case REG_TDR: fdc->tdr = byte & 3; break;
    case REG_DSR:
        fdc->dsr = byte & (uint8_t)~DSR_RESET;
        if (byte & DSR_RESET) { /* clears itself */
            software_reset(fdc);
            out_of_reset(fdc);
        }
        break;
    case REG_FIFO: write_fifo(fdc, byte); break;
    case REG_CCR: fdc->ccr = byte & 3; break;
    default: break;
    }
}

/* ---- the device ---- */

static void media_changed(void *opaque)
{
    struct fdc *fdc = opaque;
    for (unsigned i = 0; i < FDC_DRIVES; i++)
        fdc->drive[i].changed = fdc->drive[i].block ? true : fdc->drive[i].changed;
    if (fdc->request.active) {
        block_cancel(&fdc->request);
        fail(fdc, ST1_MISSING_ADDRESS, 0);
    }
}

static bool fdc_init(struct device *dev, GError **error)
{
    struct fdc *fdc = (struct fdc *)dev;
    fdc->buffer = device_alloc(dev, FDC_MAX_SECTOR);
    irq_init(&fdc->terminal_count, terminal_count, fdc, 0);
    g_autofree char *request = g_strdup_printf("%s.request", dev->id),
                    *event = g_strdup_printf("%s.delay", dev->id);
    block_request_init(&fdc->request, dev->machine, request, medium_done, fdc);
    clock_event_init(&fdc->event, dev->machine->clock, event, event_fired, fdc);
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        if (fdc->drive[i].block) {
            fdc->drive[i].block->media_changed = media_changed;
            fdc->drive[i].block->device_opaque = fdc;
        }
    }
    return true;
}

static void fdc_reset(struct device *dev, enum reset_kind kind)
{
    struct fdc *fdc = (struct fdc *)dev;
    fdc->lock = false;
    fdc->configure[0] = 0;
    software_reset(fdc);
    fdc->dor = fdc->tdr = 0;
    fdc->dsr = fdc->ccr = 2;
    fdc->specify[0] = fdc->specify[1] = fdc->perpendicular = 0;
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        fdc->drive[i].track = 0;
        fdc->drive[i].changed = fdc->drive[i].block != NULL;
    }
}

static void fdc_finish(struct device *dev)
{
    struct fdc *fdc = (struct fdc *)dev;
    block_request_finish(&fdc->request);
    clock_event_finish(&fdc->event);
}

static bool fdc_check(const void *state, GError **error)
{
    const struct fdc *fdc = state;
    if (fdc->phase > PHASE_RESULT || fdc->command_count >= sizeof fdc->command ||
        fdc->command_length >= sizeof fdc->command ||
        (fdc->phase == PHASE_COMMAND && fdc->command_count && fdc->command_count >= fdc->command_length) ||
        fdc->result_count > sizeof fdc->result || fdc->result_at > fdc->result_count ||
        (fdc->phase == PHASE_RESULT && fdc->result_at == fdc->result_count) || fdc->unit >= FDC_DRIVES ||
        fdc->polled >= FDC_DRIVES || fdc->at > 512 || fdc->length > 512 || fdc->scan > SCAN_HIGH ||
        fdc->request.op > BLOCK_WRITE_ZEROES ||
        ((fdc->phase == PHASE_READ || fdc->phase == PHASE_WRITE) && fdc->at >= fdc->length) ||
        (fdc->phase >= PHASE_WAIT && fdc->phase <= PHASE_WRITE && !fdc->drive[fdc->unit].block)) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT,
                    "The saved state of the floppy controller is damaged.");
        return false;
    }
    return true;
}

static void fdc_loaded(struct device *dev)
{
    struct fdc *fdc = (struct fdc *)dev;
    fdc->request.backend = fdc->drive[fdc->unit].block;
    fdc->request.buffer = fdc->buffer;
    fdc->request.active &= fdc->request.backend != NULL;
}

#define DRIVE_FIELDS(n)                                                                                      \
    STATE_FIELD(struct fdc, drive[n].track), STATE_FIELD(struct fdc, drive[n].changed),                      \
        STATE_FIELD(struct fdc, drive[n].sector)

static const struct state_field fields[] = {
    DRIVE_FIELDS(0),
    DRIVE_FIELDS(1),
    DRIVE_FIELDS(2),
    DRIVE_FIELDS(3),
    STATE_FIELD(struct fdc, dor),
    STATE_FIELD(struct fdc, tdr),
    STATE_FIELD(struct fdc, dsr),
    STATE_FIELD(struct fdc, ccr),
    STATE_FIELD(struct fdc, phase),
    STATE_ARRAY(struct fdc, command),
    STATE_FIELD(struct fdc, command_count),
    STATE_FIELD(struct fdc, command_length),
    STATE_ARRAY(struct fdc, result),
    STATE_FIELD(struct fdc, result_count),
    STATE_FIELD(struct fdc, result_at),
    STATE_ARRAY(struct fdc, specify),
    STATE_ARRAY(struct fdc, configure),
    STATE_FIELD(struct fdc, lock),
    STATE_FIELD(struct fdc, perpendicular),
    STATE_FIELD(struct fdc, interrupts_pending),
    STATE_ARRAY(struct fdc, st0),
    STATE_FIELD(struct fdc, reset_polls),
    STATE_FIELD(struct fdc, polled),
    STATE_FIELD(struct fdc, unit),
    STATE_FIELD(struct fdc, head),
    STATE_FIELD(struct fdc, track),
    STATE_FIELD(struct fdc, sector_id),
    STATE_FIELD(struct fdc, size_code),
    STATE_FIELD(struct fdc, eot),
    STATE_FIELD(struct fdc, gpl),
    STATE_FIELD(struct fdc, multi_track),
    STATE_FIELD(struct fdc, writing),
    STATE_FIELD(struct fdc, verifying),
    STATE_FIELD(struct fdc, formatting),
    STATE_FIELD(struct fdc, scan),
    STATE_FIELD(struct fdc, scan_matched),
    STATE_FIELD(struct fdc, stop_after_sector),
    STATE_BYTES(struct fdc, buffer, FDC_MAX_SECTOR),
    STATE_FIELD(struct fdc, at),
    STATE_FIELD(struct fdc, length),
    STATE_FIELD(struct fdc, st1),
    STATE_FIELD(struct fdc, st2),
    STATE_FIELD(struct fdc, request.op),
    BLOCK_REQUEST_FIELDS(struct fdc, request),
    STATE_IRQ_LINES(struct fdc, terminal_count),
    STATE_END,
};

const struct device_class fdc_class = {
    .name = "fdc",
    .description = "82077AA floppy disk controller",
    .size = sizeof(struct fdc),
    .version = 1,
    .init = fdc_init,
    .reset = fdc_reset,
    .finish = fdc_finish,
    .fields = fields,
    .check = fdc_check,
    .loaded = fdc_loaded,
};

void fdc_map(struct fdc *fdc, struct bus *bus, uint64_t base)
{
    bus_map(bus, &(struct bus_region){.name = "floppy",
                                      .start = base,
                                      .size = 8,
                                      .kind = BUS_MMIO,
                                      .dev = &fdc->dev,
                                      .read = fdc_read,
                                      .write = fdc_write,
                                      .widths = BUS_WIDTH_8});
}
