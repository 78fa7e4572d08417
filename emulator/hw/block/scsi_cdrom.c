/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What only a CD-ROM drive does (MMC-3): table of contents, disc and track information, events, mechanism.
 * The disc is one data track that begins at block 0. */
#include "emulator/hw/block/scsi_internal.h"

#define CD_BLOCK 2048
#define PREGAP   150 /* frames */

static uint32_t frames(const struct scsi_target *t)
{
    return (uint32_t)(t->block->size / CD_BLOCK);
}

/* An address as the command wants it: block number, or minute, second, frame. */
static void put_address(uint8_t *p, uint32_t block, bool msf)
{
    if (!msf) {
        scsi_put32(p, block);
        return;
    }
    block += PREGAP;
    p[0] = 0;
    p[1] = (uint8_t)(block / 75 / 60);
    p[2] = (uint8_t)(block / 75 % 60);
    p[3] = (uint8_t)(block % 75);
}

static uint32_t put_track(uint8_t *p, uint8_t track, uint32_t block, bool msf)
{
    p[0] = 0;
    p[1] = 0x14; /* digital track, Q sub-channel with position */
    p[2] = track;
    p[3] = 0;
    put_address(p + 4, block, msf);
    return 8;
}

static void read_toc(struct scsi_target *t)
{
    bool msf = t->cdb[1] & 2;
    uint8_t format = t->cdb[2] & 0x0f, start = t->cdb[6], *b = t->buffer;
    if (!format)
        format = t->cdb[9] >> 6; /* SFF-8020 place */
    uint32_t length = 4;
    memset(b, 0, 64);
    switch (format) {
    case 0:
        if (start > 1 && start != 0xaa) {
            scsi_fail(t, SENSE_INVALID_FIELD);
            return;
        }
        b[2] = b[3] = 1;
        if (start <= 1)
            length += put_track(b + length, 1, 0, msf);
        length += put_track(b + length, 0xaa, frames(t), msf);
        break;
    case 1: /* sessions */
        b[2] = b[3] = 1;
        length += put_track(b + length, 1, 0, msf);
        break;
    case 2: { /* full, as in the lead-in: POINT a0, a1, a2, 1 */
        static const uint8_t points[] = {0xa0, 0xa1, 0xa2, 0x01};
        b[2] = b[3] = 1;
        for (unsigned i = 0; i < sizeof points; i++) {
            uint8_t *p = b + length, address[4];
            memset(p, 0, 11);
            p[0] = 1;
            p[1] = 0x14;
            p[3] = points[i];
            put_address(address, points[i] == 0xa2 ? frames(t) : 0, true);
            if (points[i] == 0xa0 || points[i] == 0xa1)
                p[8] = 1;
            else
                memcpy(p + 8, address + 1, 3);
            length += 11;
        }
        break;
    }
    default: scsi_fail(t, SENSE_INVALID_FIELD); return;
    }
    scsi_put16(b, length - 2);
    scsi_reply(t, length, scsi_get16(t->cdb + 7));
}

static void read_header(struct scsi_target *t)
{
    uint8_t *b = t->buffer;
    memset(b, 0, 8);
    b[0] = 1; /* mode 1 */
    put_address(b + 4, scsi_get32(t->cdb + 2), t->cdb[1] & 2);
    scsi_reply(t, 8, scsi_get16(t->cdb + 7));
}

static void read_subchannel(struct scsi_target *t)
{
    uint8_t *b = t->buffer;
    uint32_t length = 4;
    memset(b, 0, 24);
    b[1] = 0x15; /* no audio */
    if (t->cdb[2] & 0x40) {
        b[4] = t->cdb[3];
        length = t->cdb[3] == 1 ? 16 : 24;
        if (t->cdb[3] == 1) {
            b[5] = 0x14;
            b[6] = b[7] = 1;
            put_address(b + 8, 0, t->cdb[1] & 2);
        } else if (t->cdb[3] < 1 || t->cdb[3] > 3) {
            scsi_fail(t, SENSE_INVALID_FIELD);
            return;
        }
        scsi_put16(b + 2, length - 4);
    }
    scsi_reply(t, length, scsi_get16(t->cdb + 7));
}

static void get_configuration(struct scsi_target *t)
{
    uint8_t *b = t->buffer;
    uint32_t at = 8, first = scsi_get16(t->cdb + 2), type = t->cdb[1] & 3;
    memset(b, 0, 128);
    const uint16_t profile = t->block->present && !t->tray_open ? 0x0008 : 0x0000; /* CD-ROM */
    scsi_put16(b + 6, profile);
    struct feature {
        uint16_t code;
        uint8_t flags, length, data[8];
    };
    const struct feature features[] = {
        {0x0000, 0x03, 4, {0x00, 0x08, profile ? 0x01 : 0x00, 0x00}},        /* profile list */
        {0x0001, 0x0b, 8, {0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00}}, /* core: SCSI */
        {0x0003, 0x03, 4, {0x39, 0x00, 0x00, 0x00}}, /* removable: tray, eject, lock */
        {0x0010, profile ? 1 : 0, 8, {0x00, 0x00, 0x08, 0x00, 0x00, 0x01, 0x01, 0x00}}, /* random readable */
        {0x001e, profile ? 1 : 0, 4, {0x00, 0x00, 0x00, 0x00}},                         /* CD read */
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(features); i++) {
        const struct feature *f = &features[i];
        if ((type == 2 && f->code != first) || f->code < first || (type == 1 && !(f->flags & 1)))
            continue;
        scsi_put16(b + at, f->code);
        b[at + 2] = f->flags;
        b[at + 3] = f->length;
        memcpy(b + at + 4, f->data, f->length);
        at += 4u + f->length;
    }
    scsi_put32(b, at - 4);
    scsi_reply(t, at, scsi_get16(t->cdb + 7));
}

static void event_status(struct scsi_target *t)
{
    uint8_t *b = t->buffer;
    if (!(t->cdb[1] & 1)) { /* only polled operation */
        scsi_fail(t, SENSE_INVALID_FIELD);
        return;
    }
    memset(b, 0, 8);
    b[3] = 0x10; /* media class is supported */
    uint32_t length = 4;
    if (t->cdb[4] & 0x10) {
        b[2] = 4;
        b[4] = t->media_event;
        b[5] = (uint8_t)((t->tray_open ? 1 : 0) | (t->block->present && !t->tray_open ? 2 : 0));
        t->media_event = 0;
        length = 8;
    } else {
        b[2] = 0x80;
    }
    scsi_put16(b, length - 2);
    scsi_reply(t, length, scsi_get16(t->cdb + 7));
}

static void mechanism_status(struct scsi_target *t)
{
    uint8_t *b = t->buffer;
    memset(b, 0, 8);
    b[1] = t->tray_open ? 0x10 : 0;
    b[5] = 1;
    scsi_reply(t, 8, scsi_get16(t->cdb + 8));
}

static void disc_information(struct scsi_target *t)
{
    if (!t->block->present || t->tray_open) {
        scsi_fail(t, SENSE_NO_MEDIUM);
        return;
    }
    uint8_t *b = t->buffer;
    memset(b, 0, 34);
    scsi_put16(b, 32);
    b[2] = 0x0e; /* complete, last session complete */
    b[3] = b[4] = b[5] = b[6] = 1;
    b[8] = 0x00; /* CD-ROM */
    memset(b + 16, 0xff, 8);
    scsi_reply(t, 34, scsi_get16(t->cdb + 7));
}

static void track_information(struct scsi_target *t)
{
    uint8_t *b = t->buffer;
    memset(b, 0, 36);
    scsi_put16(b, 34);
    b[2] = b[3] = 1;
    b[5] = 4;
    b[6] = 1;
    scsi_put32(b + 24, frames(t));
    scsi_reply(t, 36, scsi_get16(t->cdb + 7));
}

/* READ CD: user data of mode 1 blocks only, which is what an image of 2048-byte blocks holds. */
static void read_cd(struct scsi_target *t)
{
    uint32_t block = scsi_get32(t->cdb + 2), count = scsi_get24(t->cdb + 6);
    if ((t->cdb[9] & 0xf8) != 0x10) {
        if (!(t->cdb[9] & 0xf8))
            scsi_good(t);
        else
            scsi_fail(t, SENSE_ILLEGAL_TRACK_MODE);
        return;
    }
    if (t->block_size != CD_BLOCK) {
        block *= CD_BLOCK / t->block_size;
        count *= CD_BLOCK / t->block_size;
    }
    uint8_t cdb[12] = {0xa8};
    scsi_put32(cdb + 2, block);
    scsi_put32(cdb + 6, count);
    scsi_start(t, t->lun, cdb, sizeof cdb);
}

void scsi_cdrom_command(struct scsi_target *t)
{
    switch (t->cdb[0]) {
    case 0x42: read_subchannel(t); break;
    case 0x43: read_toc(t); break;
    case 0x44: read_header(t); break;
    case 0x46: get_configuration(t); break;
    case 0x4a: event_status(t); break;
    case 0x51: disc_information(t); break;
    case 0x52: track_information(t); break;
    case 0x45: /* PLAY AUDIO (10), (12), MSF: there is no audio track */
    case 0x47:
    case 0xa5: scsi_fail(t, SENSE_ILLEGAL_TRACK_MODE); break;
    case 0x4b: /* PAUSE/RESUME */
    case 0x4e: /* STOP PLAY/SCAN */
    case 0xbb: /* SET CD SPEED */ scsi_good(t); break;
    case 0xbd: mechanism_status(t); break;
    case 0xbe: read_cd(t); break;
    default: scsi_fail(t, SENSE_INVALID_OPCODE); break;
    }
}

uint32_t scsi_cdrom_mode_page(struct scsi_target *t, uint8_t page, unsigned control, uint8_t *p)
{
    const bool changeable = control == 1;
    switch (page) {
    case 0x0d: /* CD-ROM parameters */
        memset(p, 0, 8);
        p[0] = page;
        p[1] = 6;
        if (!changeable) {
            p[5] = 60;
            p[7] = 75;
        }
        return 8;
    case 0x0e: /* CD audio control */
        memset(p, 0, 16);
        p[0] = page;
        p[1] = 14;
        p[2] = changeable ? 0 : 0x04;
        for (unsigned i = 0; i < 4; i++)
            p[8 + i] = changeable ? 0xff : t->audio_volume[i];
        return 16;
    case 0x2a: /* capabilities and mechanical status */
        memset(p, 0, 22);
        p[0] = page;
        p[1] = 20;
        if (!changeable) {
            p[2] = 0x03; /* reads CD-R, CD-RW */
            p[4] = 0x71; /* audio play, mode 2 forms, multi-session */
            p[5] = 0x00;
            p[6] = (uint8_t)(0x29 | (t->prevent ? 0x02 : 0)); /* tray, eject, lock */
            scsi_put16(p + 8, 16 * 176);                      /* kB/s */
            scsi_put16(p + 12, 128);                          /* buffer, kB */
            scsi_put16(p + 14, 16 * 176);
        }
        return 22;
    default: return 0;
    }
}
