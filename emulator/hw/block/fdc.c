/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 82077AA: registers, phases of a command, drives and their heads; see the header for sources. */
#include "emulator/hw/block/fdc_internal.h"

#include <string.h>

#include "emulator/core/i18n.h"
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
        drive->track = MIN(target, (uint8_t)(MAX(fdc_geometry(fdc, unit).tracks, 80) + 2));
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
    fdc->writing = fdc->verifying = fdc->formatting = fdc->read_track = fdc->deleted = false;
    fdc->sectors_left = 0;
    fdc->scan = SCAN_NONE;
    switch (c[0] & 0x1f) {
    case 0x02: /* READ TRACK */
        fdc->read_track = true;
        fdc_begin_transfer(fdc);
        break;
    case 0x06: /* READ DATA */
        fdc_begin_transfer(fdc);
        break;
    case 0x0c: /* READ DELETED DATA */
        fdc->deleted = true;
        fdc_begin_transfer(fdc);
        break;
    case 0x05: /* WRITE DATA */
    case 0x09: /* WRITE DELETED DATA: an image has no place for the mark */
        fdc->writing = true;
        fdc_begin_transfer(fdc);
        break;
    case 0x16: /* VERIFY */
        fdc->verifying = true;
        fdc_begin_transfer(fdc);
        break;
    case 0x11:
        fdc->scan = SCAN_EQUAL;
        fdc_begin_transfer(fdc);
        break;
    case 0x19:
        fdc->scan = SCAN_LOW;
        fdc_begin_transfer(fdc);
        break;
    case 0x1d:
        fdc->scan = SCAN_HIGH;
        fdc_begin_transfer(fdc);
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
    case 0x0a: fdc_read_id(fdc); break;
    case 0x0d: /* FORMAT TRACK */
        fdc->formatting = fdc->writing = true;
        fdc_begin_format(fdc);
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
            fdc_data_into_chip(fdc, byte);
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
    case PHASE_READ: return non_dma(fdc) ? fdc_data_out_of_chip(fdc) : 0;
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
    return fdc->phase == PHASE_READ && !non_dma(fdc) ? fdc_data_out_of_chip(fdc) : 0;
}

void fdc_dma_write(struct fdc *fdc, uint8_t byte)
{
    if (fdc->phase == PHASE_WRITE && !non_dma(fdc))
        fdc_data_into_chip(fdc, byte);
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
        fdc->ccr = byte & 3; /* one data rate; what was written last counts (2.1.9) */
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
    if (fdc->request.active)
        fdc_medium_gone(fdc);
}

static bool fdc_init(struct device *dev, GError **error)
{
    struct fdc *fdc = (struct fdc *)dev;
    fdc->buffer = device_alloc(dev, FDC_MAX_SECTOR);
    irq_init(&fdc->terminal_count, fdc_terminal_count, fdc, 0);
    g_autofree char *request = g_strdup_printf("%s.request", dev->id),
                    *event = g_strdup_printf("%s.delay", dev->id);
    block_request_init(&fdc->request, dev->machine, request, fdc_medium_done, fdc);
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
                    _("The saved state of the floppy controller is damaged."));
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
    STATE_FIELD_SINCE(struct fdc, read_track, 2),
    STATE_FIELD_SINCE(struct fdc, deleted, 2),
    STATE_FIELD_SINCE(struct fdc, sectors_left, 2),
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
    .version = 2,
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
