/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a SCSI unit says of itself and lets itself be told (SPC-3, SBC-2): INQUIRY, sense data, mode pages. */
#include "emulator/hw/block/scsi_internal.h"

#include <string.h>

void scsi_inquiry(struct scsi_target *t)
{
    uint8_t *b = t->buffer;
    uint32_t allocation = scsi_get16(t->cdb + 3), length = 36;
    memset(b, 0, 96);
    uint8_t type = t->cdrom ? 0x05 : 0x00;
    if (t->lun)
        type = 0x7f; /* no such unit */
    b[0] = type;
    if (t->cdb[1] & 1) { /* vital product data */
        b[1] = t->cdb[2];
        size_t serial = t->serial ? MIN(strlen(t->serial), 36) : 0;
        switch (t->cdb[2]) {
        case 0x00: {
            static const uint8_t disk[] = {0x00, 0x80, 0x83, 0xb0, 0xb2}, cd[] = {0x00, 0x80, 0x83};
            b[3] = t->cdrom ? sizeof cd : sizeof disk;
            memcpy(b + 4, t->cdrom ? cd : disk, b[3]);
            break;
        }
        case 0x80:
            b[3] = (uint8_t)serial;
            memcpy(b + 4, t->serial ? t->serial : "", serial);
            break;
        case 0x83: { /* T10 vendor identification: vendor, product, serial */
            b[4] = 2;
            b[5] = 1;
            b[7] = (uint8_t)(24 + serial);
            scsi_pad(b + 8, t->vendor, 8);
            scsi_pad(b + 16, t->product, 16);
            memcpy(b + 32, t->serial ? t->serial : "", serial);
            b[3] = (uint8_t)(4 + b[7]);
            break;
        }
        case 0xb0: /* block limits (SBC-2) */
            if (t->cdrom) {
                scsi_fail(t, SENSE_INVALID_FIELD);
                return;
            }
            b[3] = 0x3c;
            scsi_put32(b + 8, SCSI_BUFFER_SIZE / t->block_size);
            scsi_put32(b + 20, UINT32_MAX); /* unmap: blocks */
            scsi_put32(b + 24, 255);        /* unmap: descriptors */
            break;
        case 0xb2: /* thin provisioning */
            if (t->cdrom) {
                scsi_fail(t, SENSE_INVALID_FIELD);
                return;
            }
            b[3] = 4;
            b[5] = 0xe0; /* UNMAP, WRITE SAME (16) and (10) unmap */
            b[6] = 2;
            break;
        default: scsi_fail(t, SENSE_INVALID_FIELD); return;
        }
        scsi_reply(t, 4u + b[3], allocation);
        return;
    }
    if (t->cdb[2]) {
        scsi_fail(t, SENSE_INVALID_FIELD);
        return;
    }
    b[1] = t->cdrom ? 0x80 : 0x00; /* removable */
    b[2] = 5;                      /* SPC-3 */
    b[3] = 2;
    b[4] = (uint8_t)(length - 5);
    b[7] = 0x10; /* synchronous transfer */
    scsi_pad(b + 8, t->vendor, 8);
    scsi_pad(b + 16, t->product, 16);
    scsi_pad(b + 32, t->revision, 4);
    scsi_reply(t, length, allocation);
}

void scsi_request_sense(struct scsi_target *t)
{
    uint8_t *b = t->buffer;
    memset(b, 0, SCSI_SENSE_SIZE);
    if (t->lun) {
        t->sense_key = SENSE_LUN_NOT_SUPPORTED >> 16;
        t->asc = (uint8_t)(SENSE_LUN_NOT_SUPPORTED >> 8);
        t->ascq = 0;
    } else if (t->unit_attention && !t->sense_key) {
        unsigned sense = t->unit_attention == 2 ? SENSE_MEDIUM_CHANGED : SENSE_RESET;
        t->sense_key = (uint8_t)(sense >> 16);
        t->asc = (uint8_t)(sense >> 8);
        t->ascq = (uint8_t)sense;
        t->unit_attention = 0;
    }
    if (t->cdb[1] & 1) { /* descriptor format */
        b[0] = 0x72;
        b[1] = t->sense_key;
        b[2] = t->asc;
        b[3] = t->ascq;
        scsi_clear_sense(t);
        scsi_reply(t, 8, t->cdb[4]);
        return;
    }
    b[0] = (uint8_t)(0x70 | (t->sense_info_valid ? 0x80 : 0));
    b[2] = t->sense_key;
    scsi_put32(b + 3, t->sense_info_valid ? t->sense_info : 0);
    b[7] = 10;
    b[12] = t->asc;
    b[13] = t->ascq;
    scsi_clear_sense(t);
    scsi_reply(t, SCSI_SENSE_SIZE, t->cdb[4] ? t->cdb[4] : 4);
}

/* Geometry for those who ask: 63 sectors, 16 heads. */
#define SECTORS 63u
#define HEADS   16u

/* Appends a mode page; `changeable` gives the mask of what MODE SELECT may set. Returns its length, 0 = no
 * such page. */
static uint32_t mode_page(struct scsi_target *t, uint8_t page, unsigned control, uint8_t *p)
{
    const bool changeable = control == 1, defaults = control == 2;
    uint64_t blocks = scsi_blocks(t);
    uint32_t cylinders = (uint32_t)MIN(MAX(blocks / (SECTORS * HEADS), 1), 0xffffff);
    switch (page) {
    case 0x01: /* error recovery */
        memset(p, 0, 12);
        p[0] = page;
        p[1] = t->cdrom ? 6 : 10;
        if (!changeable) {
            p[2] = t->cdrom ? 0x00 : 0xc0;
            p[3] = 8;
        }
        return 2u + p[1];
    case 0x02: /* disconnect-reconnect */
        memset(p, 0, 16);
        p[0] = page;
        p[1] = 14;
        return 16;
    case 0x03: /* format device */
        if (t->cdrom)
            return 0;
        memset(p, 0, 24);
        p[0] = page;
        p[1] = 22;
        if (!changeable) {
            scsi_put16(p + 2, HEADS);
            scsi_put16(p + 10, SECTORS);
            scsi_put16(p + 12, t->block_size);
            scsi_put16(p + 14, 1);
            p[20] = 0x40; /* hard sectors */
        }
        return 24;
    case 0x04: /* rigid disk geometry */
        if (t->cdrom)
            return 0;
        memset(p, 0, 24);
        p[0] = page;
        p[1] = 22;
        if (!changeable) {
            p[2] = (uint8_t)(cylinders >> 16);
            scsi_put16(p + 3, cylinders & 0xffff);
            p[5] = HEADS;
            scsi_put16(p + 20, 5400);
        }
        return 24;
    case 0x08: /* caching */
        memset(p, 0, 20);
        p[0] = page;
        p[1] = 18;
        if (!t->cdrom && (changeable || defaults || t->write_cache))
            p[2] = 0x04; /* WCE */
        return 20;
    case 0x0a: /* control */
        memset(p, 0, 12);
        p[0] = page;
        p[1] = 10;
        return 12;
    default: return t->cdrom ? scsi_cdrom_mode_page(t, page, control, p) : 0;
    }
}

void scsi_mode_sense(struct scsi_target *t)
{
    const bool ten = t->cdb[0] == 0x5a;
    uint8_t page = t->cdb[2] & 0x3f, subpage = t->cdb[3];
    unsigned control = t->cdb[2] >> 6;
    uint8_t *b = t->buffer;
    uint32_t header = ten ? 8 : 4, at = header;
    memset(b, 0, 512);
    if (control == 3) {
        scsi_fail(t, SENSE_SAVING_NOT_SUPPORTED);
        return;
    }
    if (subpage && subpage != 0xff) {
        scsi_fail(t, SENSE_INVALID_FIELD);
        return;
    }
    uint8_t descriptor = 0;
    if (!(t->cdb[1] & 0x08) && t->block->present) { /* DBD */
        uint64_t blocks = scsi_blocks(t);
        descriptor = 8;
        scsi_put32(b + at, blocks > 0xffffff ? 0 : (uint32_t)blocks);
        scsi_put32(b + at + 4, t->block_size);
        b[at + 4] = 0;
        at += 8;
    }
    bool found = false;
    for (uint8_t n = 1; n < 0x3f; n++) {
        if (page == 0x3f || page == n) {
            uint32_t length = mode_page(t, n, control, b + at);
            at += length;
            found |= length > 0;
        }
    }
    if (!found) {
        scsi_fail(t, SENSE_INVALID_FIELD);
        return;
    }
    uint8_t parameter = t->block->read_only && !t->cdrom ? 0x80 : 0x00;
    if (ten) {
        scsi_put16(b, at - 2);
        b[2] = t->cdrom ? (t->block->present ? 0x01 : 0x70) : 0;
        b[3] = parameter;
        b[7] = descriptor;
    } else {
        b[0] = (uint8_t)(at - 1);
        b[1] = t->cdrom ? (t->block->present ? 0x01 : 0x70) : 0;
        b[2] = parameter;
        b[3] = descriptor;
    }
    scsi_reply(t, at, ten ? scsi_get16(t->cdb + 7) : t->cdb[4]);
}

static bool set_block_size(struct scsi_target *t, uint32_t size)
{
    if (size == t->block_size)
        return true;
    if (!t->cdrom || (size != 512 && size != 1024 && size != 2048))
        return false;
    t->block_size = size;
    return true;
}

/* The parameter list is in the buffer. */
void scsi_mode_select(struct scsi_target *t)
{
    const bool ten = t->cdb[0] == 0x55;
    const uint8_t *b = t->buffer;
    uint32_t length = t->filled, header = ten ? 8 : 4;
    if (length < header) {
        scsi_fail(t, SENSE_PARAMETER_LENGTH);
        return;
    }
    uint32_t descriptor = ten ? scsi_get16(b + 6) : b[3], at = header + descriptor;
    if (at > length) {
        scsi_fail(t, SENSE_PARAMETER_LENGTH);
        return;
    }
    uint32_t block_size = t->block_size;
    if (descriptor >= 8) {
        block_size = scsi_get32(b + header + 4) & 0xffffff;
        if (block_size != t->block_size &&
            (!t->cdrom || (block_size != 512 && block_size != 1024 && block_size != 2048))) {
            scsi_fail(t, SENSE_INVALID_PARAMETER);
            return;
        }
    }
    bool cache = t->write_cache;
    while (at + 2 <= length) {
        uint8_t page = b[at] & 0x3f;
        uint32_t size = 2u + b[at + 1];
        uint8_t own[64];
        uint32_t known = mode_page(t, page, 0, own);
        if ((b[at] & 0x40) || !known || size != known || at + size > length) {
            scsi_fail(t, SENSE_INVALID_PARAMETER);
            return;
        }
        if (page == 0x08 && !t->cdrom)
            cache = b[at + 2] & 0x04;
        if (page == 0x0e && t->cdrom) {
            for (unsigned i = 0; i < 4; i++)
                t->audio_volume[i] = b[at + 8 + i];
        }
        at += size;
    }
    set_block_size(t, block_size);
    t->write_cache = cache;
    scsi_good(t);
}

void scsi_report_luns(struct scsi_target *t)
{
    uint32_t allocation = scsi_get32(t->cdb + 6);
    if (allocation < 16) {
        scsi_fail(t, SENSE_INVALID_FIELD);
        return;
    }
    memset(t->buffer, 0, 16);
    scsi_put32(t->buffer, 8);
    scsi_reply(t, 16, allocation);
}
