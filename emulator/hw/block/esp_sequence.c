/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NCR 53C9x: the sequences that its commands start, step by step as the target asks for bytes. */
#include "emulator/hw/block/esp_internal.h"

#include <string.h>

#include "emulator/core/machine.h"

/* The chip would wait the programmed 250 ms for a target that is not there; nothing depends on the wait
 * itself. */
#define SELECTION_TIMEOUT_NS (100 * NS_PER_US)

void esp_raise_interrupt(struct esp *esp, uint8_t bits)
{
    esp->interrupt |= bits;
    esp->status |= STATUS_INTERRUPT;
    irq_raise(esp->irq);
}

/* The sequence ends with an interrupt. */
static void end_sequence(struct esp *esp, uint8_t bits)
{
    esp->sequence = SEQ_IDLE;
    esp_raise_interrupt(esp, bits);
}

void esp_push_fifo(struct esp *esp, uint8_t byte)
{
    if (esp->fifo_count < ESP_FIFO_SIZE)
        esp->fifo[esp->fifo_count++] = byte;
    else
        esp->status |= STATUS_GROSS_ERROR;
}

uint8_t esp_pop_fifo(struct esp *esp)
{
    if (!esp->fifo_count)
        return 0;
    uint8_t byte = esp->fifo[0];
    memmove(esp->fifo, esp->fifo + 1, --esp->fifo_count);
    return byte;
}

static void count_down(struct esp *esp, uint32_t bytes)
{
    esp->counter -= MIN(bytes, esp->counter);
    if (!esp->counter)
        esp->status |= STATUS_TC;
}

static bool dma_ready(const struct esp *esp)
{
    return esp->dma.ready && esp->dma.ready(esp->dma.opaque);
}

/* How many bytes the sequence can send right now: those of the FIFO, or of the DMA channel. */
static uint32_t outgoing(const struct esp *esp)
{
    if (!esp->dma_command)
        return esp->fifo_count;
    return dma_ready(esp) ? esp->counter : 0;
}

static bool take_outgoing(struct esp *esp, uint8_t *byte)
{
    if (!esp->dma_command) {
        *byte = esp_pop_fifo(esp);
        return true;
    }
    bool ok = esp->dma.read(esp->dma.opaque, byte, 1);
    count_down(esp, 1);
    return ok;
}

/* A byte that came in goes to memory or into the FIFO. */
static bool put_incoming(struct esp *esp, uint8_t byte)
{
    if (!esp->dma_command) {
        esp_push_fifo(esp, byte);
        return true;
    }
    bool ok = esp->dma.write(esp->dma.opaque, &byte, 1);
    count_down(esp, 1);
    return ok;
}

static bool advance_select(struct esp *esp)
{
    if (!esp->request)
        return false;
    if (esp->phase == PHASE_MESSAGE_OUT && esp->messages_left) {
        uint8_t byte;
        if (!outgoing(esp) || !take_outgoing(esp, &byte))
            return false;
        esp->messages_left--;
        bool stop = !esp->messages_left && esp->stop_after_message;
        if (!esp->step)
            esp->step = 1;
        esp_byte_to_target(esp, byte, !esp->messages_left && !stop);
        if (stop)
            end_sequence(esp, INT_FUNCTION_COMPLETE | INT_BUS_SERVICE);
        else if (!esp->connected)
            end_sequence(esp, INT_DISCONNECT);
        return true;
    }
    if (esp->phase == PHASE_COMMAND) {
        uint8_t byte;
        esp->step = 3;
        if (!outgoing(esp)) {
            if (esp->dma_command && !esp->counter) { /* the program gave too few bytes */
                end_sequence(esp, INT_FUNCTION_COMPLETE | INT_BUS_SERVICE);
                return true;
            }
            return false;
        }
        if (!take_outgoing(esp, &byte))
            return false;
        unsigned length = scsi_cdb_length(esp->cdb_count ? esp->cdb[0] : byte);
        if (esp->cdb_count + 1u >= (length ? length : 6)) {
            /* The last one: the interrupt comes with the phase that follows. */
            esp->step = 4;
            esp->sequence = SEQ_SERVICE;
            esp->service_bits = INT_FUNCTION_COMPLETE | INT_BUS_SERVICE;
        }
        esp_byte_to_target(esp, byte, true);
        return true;
    }
    esp->step = 2;
    end_sequence(esp, INT_FUNCTION_COMPLETE | INT_BUS_SERVICE);
    return true;
}

/* The target got or gave `count` bytes of its buffer; it asks again while some are left. */
static void advance_target(struct esp *esp, uint32_t count)
{
    struct scsi_target *target = esp_target(esp);
    uint32_t size;

    scsi_buffer(target, &size);
    esp->request = size > count;
    scsi_advance(target, count);
}

/* DATA IN and DATA OUT by DMA: whole pieces. */
static bool advance_data_dma(struct esp *esp)
{
    struct scsi_target *target = esp_target(esp);
    uint32_t size;
    uint8_t *data = scsi_buffer(target, &size);
    size = MIN(size, esp->counter);
    if (!size || !dma_ready(esp))
        return false;
    bool in = PHASE_IS_IN(esp->phase);
    bool ok = in ? esp->dma.write(esp->dma.opaque, data, size) : esp->dma.read(esp->dma.opaque, data, size);
    count_down(esp, size);
    if (!ok)
        return false; /* the channel stopped with an error: software resets */
    advance_target(esp, size);
    return true;
}

static bool advance_transfer(struct esp *esp)
{
    if (!esp->request)
        return false;
    if (esp->phase != esp->transfer_phase || (esp->dma_command && !esp->counter)) {
        end_sequence(esp, INT_BUS_SERVICE);
        return true;
    }
    switch (esp->phase) {
    case PHASE_DATA_IN:
    case PHASE_DATA_OUT: {
        if (esp->dma_command)
            return advance_data_dma(esp);
        struct scsi_target *target = esp_target(esp);
        uint32_t size;
        uint8_t *data = scsi_buffer(target, &size);
        if (!size)
            return false;
        if (esp->phase == PHASE_DATA_IN) {
            esp_push_fifo(esp, data[0]);
            size = 1;
            esp->sequence = SEQ_SERVICE; /* one byte per command */
            esp->service_bits = INT_BUS_SERVICE;
        } else {
            size = MIN(size, esp->fifo_count);
            for (uint32_t i = 0; i < size; i++)
                data[i] = esp_pop_fifo(esp);
            if (!size || !esp->fifo_count) {
                esp->sequence = SEQ_SERVICE;
                esp->service_bits = INT_BUS_SERVICE;
            }
            if (!size)
                return true;
        }
        advance_target(esp, size);
        return true;
    }
    case PHASE_MESSAGE_OUT:
    case PHASE_COMMAND: {
        uint8_t byte;
        uint32_t count = outgoing(esp);
        if (!count) {
            if (esp->dma_command)
                return false;
            end_sequence(esp, INT_BUS_SERVICE);
            return true;
        }
        if (!take_outgoing(esp, &byte))
            return false;
        if (count == 1) {
            esp->sequence = SEQ_SERVICE;
            esp->service_bits = INT_BUS_SERVICE;
        }
        esp_byte_to_target(esp, byte, count == 1);
        if (!esp->connected)
            end_sequence(esp, INT_DISCONNECT);
        return true;
    }
    case PHASE_STATUS:
        if (esp->dma_command && !dma_ready(esp))
            return false;
        esp->sequence = SEQ_SERVICE;
        esp->service_bits = INT_BUS_SERVICE;
        return put_incoming(esp, esp_byte_from_target(esp));
    default: /* MESSAGE IN: one byte, ACK stands until it is accepted */
        if (esp->dma_command && !dma_ready(esp))
            return false;
        if (!put_incoming(esp, esp_byte_from_target(esp)))
            return false;
        end_sequence(esp, INT_FUNCTION_COMPLETE);
        return true;
    }
}

/* TRANSFER PAD: data phases only; zeros go out, what comes in is dropped. */
static bool advance_pad(struct esp *esp)
{
    if (!esp->request)
        return false;
    if (esp->phase != esp->transfer_phase || !esp->counter || esp->phase > PHASE_DATA_IN) {
        end_sequence(esp, INT_BUS_SERVICE);
        return true;
    }
    struct scsi_target *target = esp_target(esp);
    uint32_t size;
    uint8_t *data = scsi_buffer(target, &size);
    uint32_t part = MIN(size, esp->counter);
    if (!part)
        return false;
    if (esp->phase == PHASE_DATA_OUT)
        memset(data, 0, part);
    count_down(esp, part);
    esp->request = size > part;
    scsi_advance(target, part);
    return true;
}

/* INITIATOR COMMAND COMPLETE: a status byte, then a message byte. */
static bool advance_complete(struct esp *esp)
{
    if (!esp->request || (esp->dma_command && !dma_ready(esp)))
        return false;
    if (esp->phase == PHASE_STATUS)
        return put_incoming(esp, esp_byte_from_target(esp));
    if (esp->phase == PHASE_MESSAGE_IN) {
        if (!put_incoming(esp, esp_byte_from_target(esp)))
            return false;
        end_sequence(esp, INT_FUNCTION_COMPLETE);
    } else {
        end_sequence(esp, INT_BUS_SERVICE);
    }
    return true;
}

void esp_advance(struct esp *esp)
{
    bool more = true;
    while (more) {
        switch ((enum esp_sequence)esp->sequence) {
        case SEQ_SELECT: more = advance_select(esp); break;
        case SEQ_TRANSFER: more = advance_transfer(esp); break;
        case SEQ_PAD: more = advance_pad(esp); break;
        case SEQ_COMPLETE: more = advance_complete(esp); break;
        case SEQ_SERVICE:
            more = false;
            if (esp->request)
                end_sequence(esp, esp->service_bits);
            break;
        case SEQ_IDLE: more = false; break;
        }
    }
}

void esp_dma_enabled(struct esp *esp)
{
    esp_advance(esp);
}

void esp_select(struct esp *esp, uint8_t command)
{
    uint8_t id = esp->destination & 7;
    bool with_atn = command != CMD_SELECT;
    esp->step = 0;
    esp->message_out_count = esp->message_in_count = esp->message_in_at = esp->cdb_count = 0;
    if (!esp->target[id] || id == (esp->config[0] & CONFIG1_ID)) {
        esp->event_interrupt = INT_DISCONNECT;
        clock_event_set(&esp->event, clock_now(esp->dev.machine->clock) + SELECTION_TIMEOUT_NS);
        return;
    }
    esp->connected = true;
    esp->selected = id;
    esp->executing = false;
    esp->lun = 0;
    esp->identified = false;
    esp->atn = with_atn;
    esp->messages_left = command == CMD_SELECT ? 0 : command == CMD_SELECT_ATN3 ? 3 : 1;
    esp->stop_after_message = command == CMD_SELECT_ATN_STOP;
    esp->after_message = PHASE_COMMAND;
    esp->sequence = SEQ_SELECT;
    esp_enter_phase(esp, with_atn ? PHASE_MESSAGE_OUT : PHASE_COMMAND);
    esp_advance(esp);
}

void esp_message_accepted(struct esp *esp)
{
    if (esp->phase != PHASE_MESSAGE_IN) {
        esp_raise_interrupt(esp, INT_ILLEGAL);
        return;
    }
    if (esp->message_in_at < esp->message_in_count) {
        esp_enter_phase(esp, PHASE_MESSAGE_IN);
    } else {
        bool abort = esp->atn && esp->after_message == ESP_BUS_FREE;
        esp_enter_phase(esp, abort ? PHASE_MESSAGE_OUT : esp->after_message);
    }
    if (esp->connected)
        esp_raise_interrupt(esp, INT_BUS_SERVICE);
    else
        esp_raise_interrupt(esp, INT_DISCONNECT);
}
