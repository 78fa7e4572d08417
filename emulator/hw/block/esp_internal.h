/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NCR 53C9x: what its three files share. esp.c has the registers and commands, esp_sequence.c what a command makes
 * the chip do on the bus, esp_target.c the selected target's side of the bus protocol. They meet in `phase` and
 * `request`: whenever the target asserts REQ, esp_advance() lets the sequence under way go on.
 */
#pragma once

#include "emulator/hw/block/esp.h"

/* Commands */
enum {
    CMD_NOP = 0x00,
    CMD_FLUSH_FIFO = 0x01,
    CMD_RESET_CHIP = 0x02,
    CMD_RESET_BUS = 0x03,
    CMD_TRANSFER = 0x10,
    CMD_COMPLETE = 0x11,
    CMD_MESSAGE_ACCEPTED = 0x12,
    CMD_PAD = 0x18,
    CMD_SET_ATN = 0x1a,
    CMD_RESET_ATN = 0x1b,
    CMD_SELECT = 0x41,
    CMD_SELECT_ATN = 0x42,
    CMD_SELECT_ATN_STOP = 0x43,
    CMD_ENABLE_SELECTION = 0x44,
    CMD_DISABLE_SELECTION = 0x45,
    CMD_SELECT_ATN3 = 0x46,
    CMD_DMA = 0x80,
};

#define STATUS_TC          0x10
#define STATUS_GROSS_ERROR 0x40
#define STATUS_INTERRUPT   0x80

#define INT_FUNCTION_COMPLETE 0x08
#define INT_BUS_SERVICE       0x10
#define INT_DISCONNECT        0x20
#define INT_ILLEGAL           0x40
#define INT_RESET             0x80

#define CONFIG1_ID           0x07
#define CONFIG1_NO_RESET_INT 0x40
#define CONFIG2_FEATURES     0x40 /* FAS: 24-bit counter */

/* Bus phases as the status register shows them: MSG, C/D, I/O. */
enum esp_phase {
    PHASE_DATA_OUT = 0,
    PHASE_DATA_IN = 1,
    PHASE_COMMAND = 2,
    PHASE_STATUS = 3,
    PHASE_MESSAGE_OUT = 6,
    PHASE_MESSAGE_IN = 7,
    ESP_BUS_FREE = 0xff,
};
#define PHASE_IS_IN(phase) ((phase)&1)

enum esp_sequence { SEQ_IDLE, SEQ_SELECT, SEQ_SERVICE, SEQ_TRANSFER, SEQ_PAD, SEQ_COMPLETE };

/* ---- esp_target.c: the target's side ---- */

static inline struct scsi_target *esp_target(const struct esp *esp)
{
    return esp->target[esp->selected & 7];
}

void esp_go_bus_free(struct esp *esp);
/* The target goes on to a phase and asks for (or offers) the first byte. A raised ATN takes it to MESSAGE OUT
 * first. */
void esp_enter_phase(struct esp *esp, uint8_t phase);
/* A byte of an OUT phase other than DATA OUT; `last` = ATN falls with this message byte. */
void esp_byte_to_target(struct esp *esp, uint8_t byte, bool last);
/* A byte of STATUS or MESSAGE IN. After a message byte ACK stands until MESSAGE ACCEPTED. */
uint8_t esp_byte_from_target(struct esp *esp);
extern const struct scsi_initiator esp_initiator; /* without its opaque */

/* ---- esp_sequence.c: the chip's side ---- */

void esp_raise_interrupt(struct esp *esp, uint8_t bits);
void esp_push_fifo(struct esp *esp, uint8_t byte);
uint8_t esp_pop_fifo(struct esp *esp);
/* Lets the sequence under way go on as far as it can. */
void esp_advance(struct esp *esp);
/* One of the SELECT commands, and MESSAGE ACCEPTED. */
void esp_select(struct esp *esp, uint8_t command);
void esp_message_accepted(struct esp *esp);
