/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 82077AA: the commands that read, write, verify, scan and format sectors (5.1). Media are images of plain sectors
 * of 512 bytes, whose geometry follows from their size. */
#include "emulator/hw/block/fdc_internal.h"

#include <errno.h>
#include <string.h>

/* Geometries by size, the usual ones. */
static const struct fdc_geometry geometries[] = {
    {1474560, 80, 2, 18}, {737280, 80, 2, 9},   {1228800, 80, 2, 15}, {368640, 40, 2, 9},
    {2949120, 80, 2, 36}, {1720320, 80, 2, 21}, {1763328, 82, 2, 21}, {1638400, 80, 2, 20},
    {819200, 80, 2, 10},  {655360, 80, 2, 8},   {327680, 40, 2, 8},   {184320, 40, 1, 9},
    {163840, 40, 1, 8},
};

struct fdc_geometry fdc_geometry(const struct fdc *fdc, unsigned unit)
{
    const struct block_backend *block = fdc->drive[unit & 3].block;
    if (!block || !block->present)
        return (struct fdc_geometry){0, 80, 2, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(geometries); i++)
        if (geometries[i].bytes == block->size)
            return geometries[i];
    /* Another size: 80 tracks, two heads, whole sectors. */
    return (struct fdc_geometry){0, 80, 2, (uint8_t)CLAMP(block->size / (80 * 2 * 512), 1, 63)};
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

/* READ TRACK: sectors since the index hole. */
static unsigned passed_sectors(const struct fdc *fdc, const struct fdc_geometry *g)
{
    return (unsigned)(MAX(fdc->eot, 1) - fdc->sectors_left) % g->sectors;
}

static void submit(struct fdc *fdc, enum block_op op)
{
    struct fdc_geometry g = fdc_geometry(fdc, fdc->unit);
    uint64_t track = (uint64_t)fdc->drive[fdc->unit].track * g.heads + fdc->head;
    uint64_t sector = track * g.sectors + (fdc->read_track ? passed_sectors(fdc, &g) : fdc->sector_id - 1u);
    fdc->phase = PHASE_WAIT;
    fdc->request.op = op;
    fdc->request.offset = sector * 512;
    fdc->request.size = fdc->length;
    fdc->request.buffer = fdc->buffer;
    block_submit(fdc->drive[fdc->unit].block, &fdc->request);
}

/* Does the data separator find marks? The motor turns a medium that was recorded in MFM at the rate that is set (2.1.9:
 * 500, 300, 250 kb/s and 1 Mb/s; 3.5-inch media by density: 250 kb/s, 500 kb/s, 1 Mb/s). */
static bool is_readable(const struct fdc *fdc)
{
    enum { RATE_500 = 0, RATE_250 = 2, RATE_1000 = 3 };
    const struct block_backend *block = fdc->drive[fdc->unit].block;
    unsigned sectors = fdc_geometry(fdc, fdc->unit).sectors;
    return block && block->present && fdc->dor & 0x10 << fdc->unit && fdc->command[0] & COMMAND_MFM &&
           fdc->ccr == (sectors > 30 ? RATE_1000 : sectors > 10 ? RATE_500 : RATE_250);
}

/* READ TRACK takes the sectors as they come by and only notes that an ID is another one (5.1.3). */
static bool find_next_of_track(struct fdc *fdc, const struct fdc_geometry *g)
{
    unsigned track = fdc->drive[fdc->unit].track;
    if (track >= g->tracks || fdc->head >= g->heads) {
        fail(fdc, ST1_MISSING_ADDRESS, 0);
        return false;
    }
    if (fdc->size_code != 2) { /* what is read as one sector does not end where its CRC is */
        fail(fdc, ST1_DATA_ERROR, ST2_DATA_ERROR);
        return false;
    }
    if (fdc->track != track || fdc->command[3] != fdc->head || fdc->sector_id != passed_sectors(fdc, g) + 1)
        fdc->st1 |= ST1_NO_DATA;
    return true;
}

/* Is the sector that the command names on this track? Ends the command if not. */
static bool find_sector(struct fdc *fdc)
{
    struct fdc_drive *drive = &fdc->drive[fdc->unit];
    struct fdc_geometry g = fdc_geometry(fdc, fdc->unit);
    if (!is_readable(fdc)) {
        fail(fdc, ST1_MISSING_ADDRESS, 0);
        return false;
    }
    if (fdc->configure[1] & CONFIG_IMPLIED_SEEK)
        drive->track = MIN(fdc->track, (uint8_t)(g.tracks - 1));
    if (fdc->read_track)
        return find_next_of_track(fdc, &g);
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
    if (fdc->sector_id != fdc->eot || fdc->read_track) {
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
    if (fdc->deleted) { /* address not incremented, next sector not searched for (table 5-5) */
        end_transfer(fdc, 0);
        return;
    }
    bool more = next_sector(fdc);
    if (fdc->stop_after_sector || (fdc->sectors_left && !--fdc->sectors_left)) {
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

void fdc_medium_done(void *opaque, struct block_request *request)
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

uint8_t fdc_data_out_of_chip(struct fdc *fdc)
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
    struct fdc_geometry g = fdc_geometry(fdc, fdc->unit);
    uint8_t track = fdc->buffer[0], head = fdc->buffer[1], sector = fdc->buffer[2], code = fdc->buffer[3];
    /* IDs other than those of the place under the head are nothing that an image of plain sectors can keep. */
    if (track != fdc->drive[fdc->unit].track || head != fdc->head || track >= g.tracks || head >= g.heads ||
        !sector || sector > g.sectors || code != 2) {
        fail(fdc, ST1_NO_DATA, 0);
        return;
    }
    fdc->sector_id = sector;
    memset(fdc->buffer, fdc->command[5], 512);
    fdc->length = 512;
    submit(fdc, BLOCK_WRITE);
    fdc->length = 4;
}

void fdc_data_into_chip(struct fdc *fdc, uint8_t byte)
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

void fdc_terminal_count(void *opaque, int number, bool level)
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

void fdc_read_id(struct fdc *fdc)
{
    struct fdc_drive *drive = &fdc->drive[fdc->unit];
    struct fdc_geometry g = fdc_geometry(fdc, fdc->unit);
    fdc->st1 = fdc->st2 = 0;
    fdc->head = fdc->command[1] >> 2 & 1;
    fdc->track = drive->track;
    fdc->size_code = 2;
    if (!is_readable(fdc) || drive->track >= g.tracks || fdc->head >= g.heads) {
        fail(fdc, ST1_MISSING_ADDRESS, 0);
        return;
    }
    fdc->sector_id = (uint8_t)(drive->sector % g.sectors + 1);
    drive->sector = (uint8_t)((drive->sector + 1) % g.sectors);
    end_transfer(fdc, 0);
}

/* READ DELETED DATA with SK: a medium of plain sectors has no other than normal marks, so all are skipped. */
static void skip_sectors(struct fdc *fdc)
{
    if (!find_sector(fdc))
        return;
    while (next_sector(fdc))
        ;
    end_transfer(fdc, 0);
}

void fdc_begin_transfer(struct fdc *fdc)
{
    const uint8_t *c = fdc->command;
    fdc->st1 = fdc->st2 = 0;
    fdc->track = c[2];
    fdc->head = c[1] >> 2 & 1;
    fdc->sector_id = c[4];
    fdc->size_code = c[5];
    fdc->eot = c[6];
    fdc->gpl = c[7];
    fdc->multi_track = c[0] >> 7 && !fdc->read_track;
    fdc->sectors_left = fdc->read_track ? MAX(fdc->eot, 1) : fdc->verifying && c[1] & VERIFY_EC ? c[8] : 0;
    fdc->stop_after_sector = false;
    fdc->scan_matched = 0;
    if (c[3] != fdc->head && !fdc->read_track) { /* the side that is read has another number in its IDs */
        fail(fdc, ST1_NO_DATA, 0);
        return;
    }
    if (fdc->deleted)
        fdc->st2 |= ST2_CONTROL_MARK;
    if (fdc->deleted && c[0] & COMMAND_SKIP)
        skip_sectors(fdc);
    else
        begin_sector(fdc);
}

void fdc_begin_format(struct fdc *fdc)
{
    fdc->st1 = fdc->st2 = 0;
    fdc->head = fdc->command[1] >> 2 & 1;
    fdc->size_code = fdc->command[2];
    fdc->eot = fdc->command[3];
    fdc->track = fdc->drive[fdc->unit].track;
    fdc->sector_id = 1;
    fdc->stop_after_sector = false;
    struct fdc_drive *drive = &fdc->drive[fdc->unit];
    if (!is_readable(fdc)) { /* nor can an image of plain sectors become one of another density */
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

void fdc_medium_gone(struct fdc *fdc)
{
    block_cancel(&fdc->request);
    fail(fdc, ST1_MISSING_ADDRESS, 0);
}
