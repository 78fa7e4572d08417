/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SCSI disks and CD-ROM drives: the course of a command, and the commands of block devices. What a unit says of itself is
 * in scsi_unit.c, the CD-ROM's own commands in scsi_cdrom.c. */
#include "emulator/hw/block/scsi_internal.h"

#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"

enum scsi_action {
    ACTION_NONE,
    ACTION_READ,
    ACTION_WRITE,
    ACTION_MODE_SELECT,
    ACTION_UNMAP,
    ACTION_FORMAT,
    ACTION_DISCARD_DATA
};

unsigned scsi_cdb_length(uint8_t operation)
{
    static const uint8_t lengths[8] = {6, 10, 10, 0, 16, 12, 0, 0};
    return lengths[operation >> 5];
}

/* ---- ending ---- */

void scsi_complete(struct scsi_target *t, uint8_t status)
{
    t->busy = false;
    t->direction = SCSI_NO_DATA;
    t->at = t->filled = 0;
    t->action = ACTION_NONE;
    if (t->initiator.complete)
        t->initiator.complete(t->initiator.opaque, t, status);
}

void scsi_good(struct scsi_target *t)
{
    scsi_complete(t, SCSI_GOOD);
}

void scsi_fail(struct scsi_target *t, unsigned sense)
{
    t->sense_key = (uint8_t)(sense >> 16);
    t->asc = (uint8_t)(sense >> 8);
    t->ascq = (uint8_t)sense;
    t->sense_info_valid = false;
    scsi_complete(t, SCSI_CHECK_CONDITION);
}

static void fail_at(struct scsi_target *t, unsigned sense, uint64_t block)
{
    t->sense_info = (uint32_t)MIN(block, UINT32_MAX);
    t->sense_key = (uint8_t)(sense >> 16);
    t->asc = (uint8_t)(sense >> 8);
    t->ascq = (uint8_t)sense;
    t->sense_info_valid = true;
    scsi_complete(t, SCSI_CHECK_CONDITION);
}

/* `length` bytes of the buffer go to the initiator, at most as many as the command allocated. */
void scsi_reply(struct scsi_target *t, uint32_t length, uint32_t allocation)
{
    length = MIN(length, allocation);
    if (!length) {
        scsi_good(t);
        return;
    }
    t->direction = SCSI_DATA_IN;
    t->at = 0;
    t->filled = length;
    t->action = ACTION_NONE;
    t->initiator.data(t->initiator.opaque, t);
}

/* `length` bytes come from the initiator before `action`. */
static void ask(struct scsi_target *t, uint32_t length, enum scsi_action action)
{
    t->direction = SCSI_DATA_OUT;
    t->at = 0;
    t->filled = length;
    t->action = (uint8_t)action;
    t->initiator.data(t->initiator.opaque, t);
}

/* ---- the medium ---- */

uint64_t scsi_blocks(const struct scsi_target *t)
{
    return t->block->size / t->block_size;
}

static void medium_done(void *opaque, struct block_request *request);

static void submit(struct scsi_target *t, enum block_op op, uint64_t offset, uint64_t size)
{
    t->request.op = op;
    t->request.offset = offset;
    t->request.size = size;
    t->request.buffer = t->buffer;
    block_submit(t->block, &t->request);
}

static void next_piece(struct scsi_target *t)
{
    if (!t->blocks_left) {
        if (t->action == ACTION_WRITE && (t->fua || !t->write_cache)) {
            t->fua = false;
            t->action = ACTION_NONE;
            submit(t, BLOCK_FLUSH, 0, 0);
            return;
        }
        scsi_good(t);
        return;
    }
    t->piece_blocks = (uint32_t)MIN(t->blocks_left, SCSI_BUFFER_SIZE / t->block_size);
    uint32_t bytes = t->piece_blocks * t->block_size;
    if (t->action == ACTION_READ)
        submit(t, BLOCK_READ, t->next_block * t->block_size, bytes);
    else
        ask(t, bytes, ACTION_WRITE);
}

static void medium_done(void *opaque, struct block_request *request)
{
    struct scsi_target *t = opaque;
    if (request->result) {
        unsigned sense = request->op == BLOCK_READ ? SENSE_UNRECOVERED_READ : SENSE_WRITE_ERROR;
        fail_at(t, request->result == ENOMEDIUM ? SENSE_NO_MEDIUM : sense, t->next_block);
        return;
    }
    switch (request->op) {
    case BLOCK_READ:
        t->next_block += t->piece_blocks;
        t->blocks_left -= t->piece_blocks;
        t->direction = SCSI_DATA_IN;
        t->at = 0;
        t->filled = t->piece_blocks * t->block_size;
        t->initiator.data(t->initiator.opaque, t);
        break;
    case BLOCK_WRITE:
        t->next_block += t->piece_blocks;
        t->blocks_left -= t->piece_blocks;
        next_piece(t);
        break;
    case BLOCK_FLUSH:
    case BLOCK_DISCARD:
    case BLOCK_WRITE_ZEROES: scsi_good(t); break;
    }
}

static bool range_ok(struct scsi_target *t, uint64_t block, uint64_t count)
{
    uint64_t blocks = scsi_blocks(t);
    if (block > blocks || count > blocks - block) {
        fail_at(t, SENSE_LBA_OUT_OF_RANGE, block);
        return false;
    }
    return true;
}

static uint64_t cdb_block(const struct scsi_target *t, uint64_t *count)
{
    const uint8_t *c = t->cdb;
    switch (c[0] >> 5) {
    case 0: *count = c[4] ? c[4] : 256; return (uint32_t)(c[1] & 0x1f) << 16 | c[2] << 8 | c[3];
    case 1:
    case 2: *count = scsi_get16(c + 7); return scsi_get32(c + 2);
    case 4: *count = scsi_get32(c + 10); return (uint64_t)scsi_get32(c + 2) << 32 | scsi_get32(c + 6);
    default: *count = scsi_get32(c + 6); return scsi_get32(c + 2);
    }
}

static void read_write(struct scsi_target *t, bool write)
{
    uint64_t count, block = cdb_block(t, &count);
    if (write && t->block->read_only) {
        scsi_fail(t, SENSE_WRITE_PROTECTED);
        return;
    }
    if (!range_ok(t, block, count))
        return;
    t->next_block = block;
    t->blocks_left = count;
    t->fua = write && (t->cdb[0] >> 5) != 0 && (t->cdb[1] & 0x08);
    t->action = write ? ACTION_WRITE : ACTION_READ;
    if (!count)
        scsi_good(t);
    else
        next_piece(t);
}

/* ---- commands ---- */

static void read_capacity(struct scsi_target *t, bool sixteen)
{
    uint64_t last = scsi_blocks(t) ? scsi_blocks(t) - 1 : 0;
    uint8_t *b = t->buffer;
    memset(b, 0, 32);
    if (sixteen) {
        scsi_put32(b, (uint32_t)(last >> 32));
        scsi_put32(b + 4, (uint32_t)last);
        scsi_put32(b + 8, t->block_size);
        if (!t->cdrom)
            b[14] = 0xc0; /* thin provisioned; unmapped blocks read as zeros */
        scsi_reply(t, 32, scsi_get32(t->cdb + 10));
    } else {
        scsi_put32(b, (uint32_t)MIN(last, UINT32_MAX));
        scsi_put32(b + 4, t->block_size);
        scsi_reply(t, 8, 8);
    }
}

static void start_stop(struct scsi_target *t)
{
    bool start = t->cdb[4] & 1, load_eject = t->cdb[4] & 2;
    if (t->cdb[4] >> 4) { /* a power condition: nothing to do for us */
        scsi_good(t);
        return;
    }
    if (load_eject && t->cdrom) {
        if (!start && t->prevent) {
            scsi_fail(t, SENSE_REMOVAL_PREVENTED);
            return;
        }
        if (t->tray_open != !start) {
            t->tray_open = !start;
            t->media_event = start && t->block->present ? 2 : 1;
            if (start && t->block->present)
                t->unit_attention = 2;
        }
    }
    t->stopped = !start;
    scsi_good(t);
}

static void prevent_allow(struct scsi_target *t)
{
    t->prevent = t->cdb[4] & 1;
    t->block->locked = t->cdrom && t->prevent;
    scsi_good(t);
}

static void unmap(struct scsi_target *t)
{
    uint32_t length = t->filled;
    const uint8_t *b = t->buffer;
    if (length < 8) {
        scsi_fail(t, SENSE_PARAMETER_LENGTH);
        return;
    }
    uint32_t descriptors = MIN(scsi_get16(b + 2), length - 8) / 16;
    for (uint32_t i = 0; i < descriptors; i++) {
        const uint8_t *d = b + 8 + i * 16;
        uint64_t block = (uint64_t)scsi_get32(d) << 32 | scsi_get32(d + 4), count = scsi_get32(d + 8);
        if (!range_ok(t, block, count))
            return;
    }
    if (!descriptors) {
        scsi_good(t);
        return;
    }
    /* Ranges of one command that are neighbours (the usual case) become one discard; others are only a hint
     * that may be ignored (SBC-2: UNMAP does not have to unmap). */
    const uint8_t *d = b + 8;
    uint64_t block = (uint64_t)scsi_get32(d) << 32 | scsi_get32(d + 4), count = scsi_get32(d + 8);
    for (uint32_t i = 1; i < descriptors; i++) {
        d += 16;
        if (((uint64_t)scsi_get32(d) << 32 | scsi_get32(d + 4)) != block + count)
            break;
        count += scsi_get32(d + 8);
    }
    t->action = ACTION_NONE;
    submit(t, BLOCK_DISCARD, block * t->block_size, count * t->block_size);
}

static void write_same(struct scsi_target *t)
{
    uint64_t count, block = cdb_block(t, &count);
    if (t->block->read_only) {
        scsi_fail(t, SENSE_WRITE_PROTECTED);
        return;
    }
    if (!count)
        count = scsi_blocks(t) > block ? scsi_blocks(t) - block : 0;
    if (!range_ok(t, block, count))
        return;
    t->next_block = block;
    t->blocks_left = count;
    ask(t, t->block_size, ACTION_DISCARD_DATA);
}

/* The block of a WRITE SAME is in the buffer. */
static void write_same_data(struct scsi_target *t)
{
    bool zero = !t->buffer[0] && !memcmp(t->buffer, t->buffer + 1, t->block_size - 1);
    if (zero) {
        uint64_t count = t->blocks_left;
        t->blocks_left = 0;
        t->action = ACTION_NONE;
        submit(t, t->cdb[1] & 0x08 ? BLOCK_DISCARD : BLOCK_WRITE_ZEROES, t->next_block * t->block_size,
               count * t->block_size);
        return;
    }
    if (t->blocks_left > SCSI_BUFFER_SIZE / t->block_size) {
        scsi_fail(t, SENSE_INVALID_FIELD);
        return;
    }
    for (uint64_t i = 1; i < t->blocks_left; i++)
        memcpy(t->buffer + i * t->block_size, t->buffer, t->block_size);
    t->piece_blocks = (uint32_t)t->blocks_left;
    t->action = ACTION_WRITE;
    submit(t, BLOCK_WRITE, t->next_block * t->block_size, (uint64_t)t->piece_blocks * t->block_size);
}

static void verify(struct scsi_target *t)
{
    uint64_t count, block = cdb_block(t, &count);
    if (!range_ok(t, block, count))
        return;
    if (t->cdb[1] & 0x02) { /* BYTCHK: compare with data that would follow */
        scsi_fail(t, SENSE_INVALID_FIELD);
        return;
    }
    scsi_good(t);
}

static void synchronize_cache(struct scsi_target *t)
{
    t->action = ACTION_NONE;
    submit(t, BLOCK_FLUSH, 0, 0);
}

static void parameter_list(struct scsi_target *t, uint32_t length, enum scsi_action action)
{
    if (length > SCSI_BUFFER_SIZE)
        scsi_fail(t, SENSE_INVALID_FIELD);
    else if (!length)
        scsi_good(t);
    else
        ask(t, length, action);
}

/* Commands that need a medium that is ready. */
static bool needs_medium(const struct scsi_target *t)
{
    switch (t->cdb[0]) {
    case 0x03: /* REQUEST SENSE */
    case 0x12: /* INQUIRY */
    case 0x15: /* MODE SELECT */
    case 0x16: /* RESERVE */
    case 0x17: /* RELEASE */
    case 0x1a: /* MODE SENSE */
    case 0x1b: /* START STOP UNIT */
    case 0x1d: /* SEND DIAGNOSTIC */
    case 0x1e: /* PREVENT ALLOW MEDIUM REMOVAL */
    case 0x3b: /* WRITE BUFFER */
    case 0x46: /* GET CONFIGURATION */
    case 0x4a: /* GET EVENT STATUS NOTIFICATION */
    case 0x4c: /* LOG SELECT */
    case 0x4d: /* LOG SENSE */
    case 0x55: /* MODE SELECT (10) */
    case 0x5a: /* MODE SENSE (10) */
    case 0xa0: /* REPORT LUNS */
    case 0xbd: /* MECHANISM STATUS */
    case 0x51: /* READ DISC INFORMATION */
    case 0xbb: /* SET CD SPEED */ return false;
    default: return true;
    }
}

void scsi_start(struct scsi_target *t, unsigned lun, const uint8_t *cdb, unsigned length)
{
    memset(t->cdb, 0, sizeof t->cdb);
    memcpy(t->cdb, cdb, MIN(length, SCSI_MAX_CDB));
    t->lun = (uint8_t)lun;
    t->busy = true;
    t->at = t->filled = 0;
    t->blocks_left = 0;
    t->action = ACTION_NONE;
    t->direction = SCSI_NO_DATA;
    const uint8_t operation = t->cdb[0];

    if (lun && operation != 0x12 && operation != 0x03) {
        scsi_fail(t, SENSE_LUN_NOT_SUPPORTED);
        return;
    }
    if (operation != 0x03)
        scsi_clear_sense(t);
    /* SPC-3 5.7: INQUIRY, REPORT LUNS and REQUEST SENSE go before a unit attention; MMC adds its event poll.
     */
    if (t->unit_attention && operation != 0x12 && operation != 0xa0 && operation != 0x03 &&
        operation != 0x4a) {
        unsigned sense = t->unit_attention == 2 ? SENSE_MEDIUM_CHANGED : SENSE_RESET;
        t->unit_attention = 0;
        scsi_fail(t, sense);
        return;
    }
    if (needs_medium(t)) {
        if (t->tray_open || !t->block->present) {
            scsi_fail(t, t->tray_open ? SENSE_NO_MEDIUM_TRAY_OPEN : SENSE_NO_MEDIUM);
            return;
        }
        if (t->stopped && operation != 0x00)
            t->stopped = false; /* the drive spins up by itself */
        if (t->stopped) {
            scsi_fail(t, SENSE_NEEDS_START);
            return;
        }
    }
    switch (operation) {
    case 0x00: scsi_good(t); break; /* TEST UNIT READY */
    case 0x01:                      /* REZERO UNIT */
    case 0x0b:                      /* SEEK (6) */
    case 0x2b: /* SEEK (10) */ scsi_good(t); break;
    case 0x03: scsi_request_sense(t); break;
    case 0x04: /* FORMAT UNIT */
        if (t->cdrom)
            scsi_fail(t, SENSE_INVALID_OPCODE);
        else if (t->cdb[1] & 0x10)
            ask(t, 4, ACTION_FORMAT);
        else
            scsi_good(t);
        break;
    case 0x08:
    case 0x28:
    case 0xa8:
    case 0x88: read_write(t, false); break;
    case 0x0a:
    case 0x2a:
    case 0xaa:
    case 0x8a:
    case 0x2e: /* WRITE AND VERIFY (10) */
    case 0xae:
    case 0x8e:
        if (t->cdrom)
            scsi_fail(t, SENSE_INVALID_OPCODE);
        else
            read_write(t, true);
        break;
    case 0x12: scsi_inquiry(t); break;
    case 0x15: parameter_list(t, t->cdb[4], ACTION_MODE_SELECT); break;
    case 0x55: parameter_list(t, scsi_get16(t->cdb + 7), ACTION_MODE_SELECT); break;
    case 0x16:
    case 0x56:
        t->reserved = true;
        scsi_good(t);
        break;
    case 0x17:
    case 0x57:
        t->reserved = false;
        scsi_good(t);
        break;
    case 0x1a:
    case 0x5a: scsi_mode_sense(t); break;
    case 0x1b: start_stop(t); break;
    case 0x1d: /* SEND DIAGNOSTIC: only the self test */
        if (t->cdb[1] & 0x04)
            scsi_good(t);
        else if (scsi_get16(t->cdb + 3))
            scsi_fail(t, SENSE_INVALID_FIELD);
        else
            scsi_good(t);
        break;
    case 0x1e: prevent_allow(t); break;
    case 0x25: read_capacity(t, false); break;
    case 0x2f:
    case 0x8f:
    case 0xaf: verify(t); break;
    case 0x34: /* PRE-FETCH */
    case 0x90: scsi_good(t); break;
    case 0x35:
    case 0x91: synchronize_cache(t); break;
    case 0x37: /* READ DEFECT DATA (10): no defects */
        memset(t->buffer, 0, 4);
        t->buffer[1] = t->cdb[2] & 0x1f;
        scsi_reply(t, 4, scsi_get16(t->cdb + 7));
        break;
    case 0x41:
    case 0x93:
        if (t->cdrom)
            scsi_fail(t, SENSE_INVALID_OPCODE);
        else
            write_same(t);
        break;
    case 0x42:
        if (t->cdrom)
            scsi_cdrom_command(t);
        else if (t->block->read_only)
            scsi_fail(t, SENSE_WRITE_PROTECTED);
        else
            parameter_list(t, scsi_get16(t->cdb + 7), ACTION_UNMAP);
        break;
    case 0x9e: /* SERVICE ACTION IN (16) */
        if ((t->cdb[1] & 0x1f) == 0x10)
            read_capacity(t, true);
        else
            scsi_fail(t, SENSE_INVALID_FIELD);
        break;
    case 0xa0: scsi_report_luns(t); break;
    default:
        if (t->cdrom)
            scsi_cdrom_command(t);
        else
            scsi_fail(t, SENSE_INVALID_OPCODE);
        break;
    }
}

uint8_t *scsi_buffer(struct scsi_target *t, uint32_t *size)
{
    *size = t->direction == SCSI_NO_DATA || t->request.active ? 0 : t->filled - t->at;
    return t->buffer + t->at;
}

void scsi_advance(struct scsi_target *t, uint32_t size)
{
    t->at += MIN(size, t->filled - t->at);
    if (t->at < t->filled)
        return;
    const enum scsi_action action = t->action;
    t->direction = SCSI_NO_DATA;
    switch (action) {
    case ACTION_READ: next_piece(t); break;
    case ACTION_WRITE:
        submit(t, BLOCK_WRITE, t->next_block * t->block_size, (uint64_t)t->piece_blocks * t->block_size);
        break;
    case ACTION_MODE_SELECT: scsi_mode_select(t); break;
    case ACTION_UNMAP: unmap(t); break;
    case ACTION_DISCARD_DATA: write_same_data(t); break;
    case ACTION_FORMAT: /* a defect list of the initiator's is refused, formatting itself is nothing */
        if (scsi_get16(t->buffer + 2))
            scsi_fail(t, SENSE_INVALID_PARAMETER);
        else
            scsi_good(t);
        break;
    case ACTION_NONE: scsi_good(t); break;
    }
}

void scsi_abort(struct scsi_target *t)
{
    block_cancel(&t->request);
    t->busy = false;
    t->direction = SCSI_NO_DATA;
    t->at = t->filled = 0;
    t->blocks_left = 0;
    t->action = ACTION_NONE;
}

void scsi_target_reset(struct scsi_target *t)
{
    scsi_abort(t);
    scsi_clear_sense(t);
    t->unit_attention = 1;
    t->prevent = false;
    t->block->locked = false;
    t->stopped = false;
    t->reserved = false;
    t->block_size = t->physical_block;
    t->write_cache = !t->cdrom;
}

/* ---- the device ---- */

static void media_changed(void *opaque)
{
    struct scsi_target *t = opaque;
    bool interrupted = t->busy;
    scsi_abort(t);
    t->prevent = false;
    t->tray_open = false;
    t->stopped = false;
    t->medium_present = t->block->present;
    t->unit_attention = t->block->present ? 2 : t->unit_attention;
    t->media_event = t->block->present ? 2 : 3;
    if (interrupted)
        scsi_fail(t, t->block->present ? SENSE_MEDIUM_CHANGED : SENSE_NO_MEDIUM);
}

static void eject_requested(void *opaque)
{
    struct scsi_target *t = opaque;
    t->media_event = 1;
}

static bool target_init(struct device *dev, GError **error)
{
    struct scsi_target *t = (struct scsi_target *)dev;
    if (!t->block) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_CONFIG, _("The SCSI drive “%s” has no image."), dev->id);
        return false;
    }
    if (!t->physical_block)
        t->physical_block = 512;
    t->block_size = t->physical_block;
    t->buffer = device_alloc(dev, SCSI_BUFFER_SIZE);
    g_autofree char *name = g_strdup_printf("%s.request", dev->id);
    block_request_init(&t->request, dev->machine, name, medium_done, t);
    t->block->media_changed = media_changed;
    t->block->eject_requested = eject_requested;
    t->block->device_opaque = t;
    t->medium_present = t->block->present;
    t->write_cache = !t->cdrom;
    memset(t->audio_volume, 0, sizeof t->audio_volume);
    return true;
}

static void target_reset(struct device *dev, enum reset_kind kind)
{
    scsi_target_reset((struct scsi_target *)dev);
}

static void target_finish(struct device *dev)
{
    block_request_finish(&((struct scsi_target *)dev)->request);
}

static bool target_check(const void *state, GError **error)
{
    const struct scsi_target *t = state;
    if (t->filled > SCSI_BUFFER_SIZE || t->at > t->filled || t->action > ACTION_DISCARD_DATA ||
        t->direction > SCSI_DATA_OUT ||
        (t->block_size != 512 && t->block_size != 1024 && t->block_size != 2048) ||
        t->piece_blocks > SCSI_BUFFER_SIZE / t->block_size || t->request.op > BLOCK_WRITE_ZEROES) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The saved state of a SCSI drive is damaged."));
        return false;
    }
    return true;
}

static void target_loaded(struct device *dev)
{
    struct scsi_target *t = (struct scsi_target *)dev;
    t->block->locked = t->cdrom && t->prevent;
    t->request.backend = t->block;
    t->request.buffer = t->buffer;
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct scsi_target, cdb),
    STATE_FIELD(struct scsi_target, lun),
    STATE_FIELD(struct scsi_target, busy),
    STATE_FIELD(struct scsi_target, direction),
    STATE_FIELD(struct scsi_target, action),
    STATE_FIELD(struct scsi_target, fua),
    STATE_BYTES(struct scsi_target, buffer, SCSI_BUFFER_SIZE),
    STATE_FIELD(struct scsi_target, at),
    STATE_FIELD(struct scsi_target, filled),
    STATE_FIELD(struct scsi_target, next_block),
    STATE_FIELD(struct scsi_target, blocks_left),
    STATE_FIELD(struct scsi_target, piece_blocks),
    STATE_FIELD(struct scsi_target, request.op),
    BLOCK_REQUEST_FIELDS(struct scsi_target, request),
    STATE_FIELD(struct scsi_target, block_size),
    STATE_FIELD(struct scsi_target, sense_key),
    STATE_FIELD(struct scsi_target, asc),
    STATE_FIELD(struct scsi_target, ascq),
    STATE_FIELD(struct scsi_target, sense_info),
    STATE_FIELD(struct scsi_target, sense_info_valid),
    STATE_FIELD(struct scsi_target, unit_attention),
    STATE_FIELD(struct scsi_target, medium_present),
    STATE_FIELD(struct scsi_target, stopped),
    STATE_FIELD(struct scsi_target, prevent),
    STATE_FIELD(struct scsi_target, write_cache),
    STATE_FIELD(struct scsi_target, tray_open),
    STATE_FIELD(struct scsi_target, reserved),
    STATE_FIELD(struct scsi_target, media_event),
    STATE_ARRAY(struct scsi_target, audio_volume),
    STATE_END,
};

static const struct device_property properties[] = {
    {"id", PROPERTY_U32, offsetof(struct scsi_target, id), 0, NULL, 0, 7, "SCSI id"},
    {"cdrom", PROPERTY_BOOL, offsetof(struct scsi_target, cdrom), 0, NULL, 0, 0, "a CD-ROM drive"},
    {"vendor", PROPERTY_STRING, offsetof(struct scsi_target, vendor), 0, "VITRINE", 0, 0,
     "vendor in INQUIRY"},
    {"product", PROPERTY_STRING, offsetof(struct scsi_target, product), 0, "HARDDISK", 0, 0,
     "product in INQUIRY"},
    {"revision", PROPERTY_STRING, offsetof(struct scsi_target, revision), 0, "1.0", 0, 0,
     "revision in INQUIRY"},
    {"serial", PROPERTY_STRING, offsetof(struct scsi_target, serial), 0, NULL, 0, 0, "serial number"},
    {"block-size", PROPERTY_U32, offsetof(struct scsi_target, physical_block), 512, NULL, 512, 2048,
     "bytes of a block at power on"},
    {NULL},
};

const struct device_class scsi_target_class = {
    .name = "scsi-drive",
    .description = "SCSI hard disk or CD-ROM drive",
    .size = sizeof(struct scsi_target),
    .version = 1,
    .init = target_init,
    .reset = target_reset,
    .finish = target_finish,
    .fields = fields,
    .check = target_check,
    .loaded = target_loaded,
    .properties = properties,
};
