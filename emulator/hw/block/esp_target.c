/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NCR 53C9x: the selected target's side of the bus protocol: phases, messages, command bytes (SCSI-2, chapters 6
 * and 7). Targets keep the bus until their command is done: disconnecting is theirs to choose (6.6.3). */
#include "emulator/hw/block/esp_internal.h"

#include <string.h>

/* SCSI-2, table 10 */
enum message {
    MESSAGE_COMMAND_COMPLETE = 0x00,
    MESSAGE_EXTENDED = 0x01,
    MESSAGE_INITIATOR_DETECTED_ERROR = 0x05,
    MESSAGE_ABORT = 0x06,
    MESSAGE_REJECT = 0x07,
    MESSAGE_NO_OPERATION = 0x08,
    MESSAGE_PARITY_ERROR = 0x09,
    MESSAGE_BUS_DEVICE_RESET = 0x0c,
    MESSAGE_ABORT_TAG = 0x0d,
    MESSAGE_CLEAR_QUEUE = 0x0e,
    MESSAGE_TWO_BYTES_FIRST = 0x20, /* queue tags among them */
    MESSAGE_TWO_BYTES_LAST = 0x2f,
    MESSAGE_IDENTIFY = 0x80,
    EXTENDED_SDTR = 0x01,
};
#define SDTR_LENGTH 3
#define OFFSET_MAX  15

void esp_go_bus_free(struct esp *esp)
{
    esp->connected = esp->request = esp->executing = esp->atn = 0;
    esp->phase = PHASE_DATA_OUT;
    esp->message_out_count = esp->message_in_count = esp->message_in_at = esp->cdb_count = 0;
}

void esp_enter_phase(struct esp *esp, uint8_t phase)
{
    if (phase == ESP_BUS_FREE) {
        esp_go_bus_free(esp);
        return;
    }
    if (esp->atn && phase != PHASE_MESSAGE_OUT) {
        esp->after_message = phase;
        phase = PHASE_MESSAGE_OUT;
    }
    esp->phase = phase;
    esp->request = true;
}

static void send_message(struct esp *esp, const uint8_t *message, uint8_t size, uint8_t then)
{
    memcpy(esp->message_in, message, size);
    esp->message_in_count = size;
    esp->message_in_at = 0;
    esp->after_message = then;
    esp_enter_phase(esp, PHASE_MESSAGE_IN);
}

static void send_byte_message(struct esp *esp, uint8_t message, uint8_t then)
{
    send_message(esp, &message, 1, then);
}

/* An extended message of `size` bytes: a SYNCHRONOUS DATA TRANSFER REQUEST is agreed to, others are refused. */
static void handle_extended(struct esp *esp, const uint8_t *m, unsigned size, uint8_t then)
{
    if (size < 2 + SDTR_LENGTH || m[1] != SDTR_LENGTH || m[2] != EXTENDED_SDTR) {
        send_byte_message(esp, MESSAGE_REJECT, then);
        return;
    }
    const uint8_t reply[2 + SDTR_LENGTH] = {MESSAGE_EXTENDED, SDTR_LENGTH, EXTENDED_SDTR, m[3], MIN(m[4], OFFSET_MAX)};
    send_message(esp, reply, sizeof reply, then);
}

/* Interprets the messages that were collected until ATN went away. */
static void handle_messages(struct esp *esp)
{
    const uint8_t *m = esp->message_out;
    uint8_t count = esp->message_out_count, then = esp->after_message;
    esp->message_out_count = 0;
    for (uint8_t i = 0; i < count; i++) {
        if (m[i] & MESSAGE_IDENTIFY) {
            esp->lun = m[i] & 7;
            esp->identified = true;
            continue;
        }
        if (m[i] >= MESSAGE_TWO_BYTES_FIRST && m[i] <= MESSAGE_TWO_BYTES_LAST) {
            i++; /* a queue tag: one command at a time is all the same */
            continue;
        }
        switch ((enum message)m[i]) {
        case MESSAGE_INITIATOR_DETECTED_ERROR:
        case MESSAGE_REJECT:
        case MESSAGE_NO_OPERATION:
        case MESSAGE_PARITY_ERROR: continue;
        case MESSAGE_EXTENDED: handle_extended(esp, m + i, count - i, then); return;
        case MESSAGE_ABORT:
        case MESSAGE_ABORT_TAG:
        case MESSAGE_CLEAR_QUEUE:
            scsi_abort(esp_target(esp));
            esp_go_bus_free(esp);
            return;
        case MESSAGE_BUS_DEVICE_RESET:
            scsi_target_reset(esp_target(esp));
            esp_go_bus_free(esp);
            return;
        default: send_byte_message(esp, MESSAGE_REJECT, then); return;
        }
    }
    esp_enter_phase(esp, then);
}

void esp_byte_to_target(struct esp *esp, uint8_t byte, bool last)
{
    esp->request = false;
    if (esp->phase == PHASE_MESSAGE_OUT) {
        if (esp->message_out_count < sizeof esp->message_out)
            esp->message_out[esp->message_out_count++] = byte;
        if (last)
            esp->atn = false;
        if (esp->atn)
            esp->request = true;
        else
            handle_messages(esp);
        return;
    }
    if (esp->cdb_count < SCSI_MAX_CDB)
        esp->cdb[esp->cdb_count++] = byte;
    unsigned length = scsi_cdb_length(esp->cdb[0]);
    if (esp->cdb_count < (length ? length : 6)) {
        esp->request = true;
        return;
    }
    esp->executing = true;
    uint8_t count = esp->cdb_count;
    esp->cdb_count = 0;
    if (!esp->identified) /* an initiator of SCSI-1 names the unit in the command (SCSI-2, 7.2.2) */
        esp->lun = esp->cdb[1] >> 5;
    scsi_start(esp_target(esp), esp->lun, esp->cdb, count);
}

uint8_t esp_byte_from_target(struct esp *esp)
{
    esp->request = false;
    if (esp->phase == PHASE_STATUS) {
        uint8_t status = esp->target_status;
        esp->executing = false;
        send_byte_message(esp, MESSAGE_COMMAND_COMPLETE, ESP_BUS_FREE);
        return status;
    }
    return esp->message_in_at < esp->message_in_count ? esp->message_in[esp->message_in_at++] : MESSAGE_NO_OPERATION;
}

static void target_data(void *opaque, struct scsi_target *target)
{
    struct esp *esp = opaque;
    if (!esp->connected || target != esp_target(esp))
        return;
    esp_enter_phase(esp, target->direction == SCSI_DATA_IN ? PHASE_DATA_IN : PHASE_DATA_OUT);
    esp_advance(esp);
}

static void target_complete(void *opaque, struct scsi_target *target, uint8_t status)
{
    struct esp *esp = opaque;
    if (!esp->connected || target != esp_target(esp))
        return;
    esp->target_status = status;
    esp_enter_phase(esp, PHASE_STATUS);
    esp_advance(esp);
}

const struct scsi_initiator esp_initiator = {.data = target_data, .complete = target_complete};
