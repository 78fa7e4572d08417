/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SCSI targets as a host adapter sees them: a target executes one command at a time, asks for data in pieces
 * through its buffer, and ends with a status. The bus protocol (phases, messages, selection) is the adapter's
 * business.
 *
 * Course of a command: scsi_start() → the target calls initiator->data() when its buffer has data for the
 * initiator (IN) or room for data (OUT); the adapter moves bytes at scsi_buffer(), scsi_advance() tells how
 * many; when the piece is used up the target goes on by itself → data() again, or complete(). Callbacks may
 * come from inside these calls.
 *
 * Sources: SPC-3, SBC-2, MMC-3 (T10 drafts).
 */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/device.h"

#define SCSI_TARGETS     8
#define SCSI_MAX_CDB     16
#define SCSI_BUFFER_SIZE (128 * 1024)
#define SCSI_SENSE_SIZE  18

enum scsi_status {
    SCSI_GOOD = 0x00,
    SCSI_CHECK_CONDITION = 0x02,
    SCSI_BUSY = 0x08,
    SCSI_RESERVATION_CONFLICT = 0x18,
};

enum scsi_direction { SCSI_NO_DATA, SCSI_DATA_IN, SCSI_DATA_OUT };

struct scsi_target;

struct scsi_initiator {
    void (*data)(void *opaque, struct scsi_target *target);
    void (*complete)(void *opaque, struct scsi_target *target, uint8_t status);
    void *opaque;
};

enum scsi_kind { SCSI_DISK, SCSI_CDROM };

/* A hard disk or a CD-ROM drive: one device, one logical unit. */
struct scsi_target {
    struct device dev;
    /* properties */
    uint32_t id; /* 0..7 */
    bool cdrom;
    char *vendor, *product, *revision, *serial;
    uint32_t physical_block;         /* bytes of a block at power on: 512, or 2048 for a CD-ROM */
    struct block_backend *block;     /* set by the board */
    struct scsi_initiator initiator; /* set by the adapter */

    /* the command */
    uint8_t cdb[SCSI_MAX_CDB];
    uint8_t lun;
    uint8_t busy;
    uint8_t direction; /* enum scsi_direction */
    uint8_t action;    /* what follows when the buffer is used up */
    uint8_t wanted_status;
    uint8_t fua;
    uint8_t *buffer;
    uint32_t at, filled; /* piece in the buffer */
    uint64_t next_block; /* media transfer: where the next piece begins */
    uint64_t blocks_left;
    uint32_t piece_blocks;
    struct block_request request;

    /* the unit */
    uint32_t block_size; /* bytes of a logical block now */
    uint8_t sense_key, asc, ascq;
    uint32_t sense_info;
    uint8_t sense_info_valid;
    uint8_t unit_attention; /* 0 none, 1 reset, 2 medium changed */
    uint8_t medium_present; /* what the unit knows of */
    uint8_t stopped;
    uint8_t prevent; /* PREVENT ALLOW MEDIUM REMOVAL */
    uint8_t write_cache;
    uint8_t tray_open;
    uint8_t reserved;        /* RESERVE(6): by the one initiator there is */
    uint8_t media_event;     /* of GET EVENT STATUS NOTIFICATION */
    uint8_t audio_volume[4]; /* CD audio control page: ports 0 and 1 */
};

extern const struct device_class scsi_target_class;

/* Length of a command by its operation code's group; 0 = reserved or vendor group. */
unsigned scsi_cdb_length(uint8_t operation);

void scsi_start(struct scsi_target *target, unsigned lun, const uint8_t *cdb, unsigned length);
/* The piece to move now: pointer and number of bytes (0 while the target is busy). */
uint8_t *scsi_buffer(struct scsi_target *target, uint32_t *size);
void scsi_advance(struct scsi_target *target, uint32_t size);
/* The command is given up (abort message, bus reset). */
void scsi_abort(struct scsi_target *target);
/* Bus reset or BUS DEVICE RESET message. */
void scsi_target_reset(struct scsi_target *target);
