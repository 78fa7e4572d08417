/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What scsi.c, scsi_unit.c and scsi_cdrom.c share. */
#pragma once

#include <errno.h>
#include <string.h>

#include "emulator/hw/block/scsi.h"

/* Sense key, additional code, qualifier (SPC-3 annex D) */
#define SENSE_UNRECOVERED_READ     0x031100u
#define SENSE_WRITE_ERROR          0x030c00u
#define SENSE_NO_MEDIUM            0x023a00u
#define SENSE_NO_MEDIUM_TRAY_OPEN  0x023a02u
#define SENSE_NEEDS_START          0x020402u
#define SENSE_INVALID_OPCODE       0x052000u
#define SENSE_LBA_OUT_OF_RANGE     0x052100u
#define SENSE_INVALID_FIELD        0x052400u
#define SENSE_LUN_NOT_SUPPORTED    0x052500u
#define SENSE_INVALID_PARAMETER    0x052600u
#define SENSE_PARAMETER_LENGTH     0x051a00u
#define SENSE_SAVING_NOT_SUPPORTED 0x053900u
#define SENSE_REMOVAL_PREVENTED    0x055302u
#define SENSE_ILLEGAL_TRACK_MODE   0x056400u
#define SENSE_WRITE_PROTECTED      0x072700u
#define SENSE_MEDIUM_CHANGED       0x062800u
#define SENSE_RESET                0x062900u

static inline uint32_t scsi_get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t scsi_get24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t scsi_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void scsi_put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void scsi_put32(uint8_t *p, uint32_t value)
{
    scsi_put16(p, value >> 16);
    scsi_put16(p + 2, value);
}

static inline void scsi_clear_sense(struct scsi_target *t)
{
    t->sense_key = t->asc = t->ascq = 0;
    t->sense_info_valid = false;
}

/* Text padded with spaces. */
static inline void scsi_pad(uint8_t *p, const char *text, size_t size)
{
    size_t length = text ? strlen(text) : 0;
    for (size_t i = 0; i < size; i++)
        p[i] = i < length ? (uint8_t)text[i] : ' ';
}

void scsi_complete(struct scsi_target *t, uint8_t status);
void scsi_good(struct scsi_target *t);
void scsi_fail(struct scsi_target *t, unsigned sense);
void scsi_reply(struct scsi_target *t, uint32_t length, uint32_t allocation);
uint64_t scsi_blocks(const struct scsi_target *t);

/* Commands of scsi_unit.c. SELECT: the parameter list is in the buffer. */
void scsi_inquiry(struct scsi_target *t);
void scsi_request_sense(struct scsi_target *t);
void scsi_mode_sense(struct scsi_target *t);
void scsi_mode_select(struct scsi_target *t);
void scsi_report_luns(struct scsi_target *t);

/* Commands and mode pages that only a CD-ROM drive has. */
void scsi_cdrom_command(struct scsi_target *t);
uint32_t scsi_cdrom_mode_page(struct scsi_target *t, uint8_t page, unsigned control, uint8_t *p);
