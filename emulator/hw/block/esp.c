/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NCR 53C9x as an initiator; see the header for sources.
 *
 * Two halves: the target's side of the bus (phases, messages, command bytes) and the chip's command
 * sequences. They meet in `phase` and `request`: whenever the target asserts REQ, advance() lets the sequence
 * under way go on.
 */
#include "emulator/hw/block/esp.h"

#include <string.h>

#include "emulator/core/machine.h"

enum {
    REG_TCLOW,
    REG_TCMED,
    REG_FIFO,
    REG_COMMAND,
    REG_STATUS,
    REG_INTERRUPT,
    REG_STEP,
    REG_FIFO_FLAGS,
    REG_CONFIG1,
    REG_CLOCK_FACTOR,
    REG_TEST,
    REG_CONFIG2,
    REG_CONFIG3,
    REG_UNUSED,
    REG_TCHIGH,
    REG_FIFO_BOTTOM,
    REG_DESTINATION = REG_STATUS,
    REG_TIMEOUT = REG_INTERRUPT,
    REG_PERIOD = REG_STEP,
    REG_OFFSET = REG_FIFO_FLAGS,
};

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

#define UNIQUE_ID_FAS100A 0x00
#define NO_COMMAND        0xff

/* The chip would wait the programmed 250 ms for a target that is not there; nothing depends on the wait
 * itself. */
#define SELECTION_TIMEOUT_NS (100 * NS_PER_US)
#define BUS_RESET_NS         (25 * NS_PER_US)

static void advance(struct esp *esp);
static void start(struct esp *esp, uint8_t command);

static struct scsi_target *target_of(const struct esp *esp)
{
    return esp->target[esp->selected & 7];
}

static void raise_interrupt(struct esp *esp, uint8_t bits)
{
    esp->interrupt |= bits;
    esp->status |= STATUS_INTERRUPT;
    irq_raise(esp->irq);
}

/* The sequence ends with an interrupt. */
static void end_sequence(struct esp *esp, uint8_t bits)
{
    esp->sequence = SEQ_IDLE;
    raise_interrupt(esp, bits);
}

/* ---- the target's side ---- */

static void go_bus_free(struct esp *esp)
{
    esp->connected = esp->request = esp->executing = esp->atn = 0;
    esp->phase = PHASE_DATA_OUT;
    esp->message_out_count = esp->message_in_count = esp->message_in_at = esp->cdb_count = 0;
}

/* The target goes on to a phase and asks for (or offers) the first byte. A raised ATN takes it to MESSAGE OUT
 * first. */
static void enter_phase(struct esp *esp, uint8_t phase)
{
    if (phase == ESP_BUS_FREE) {
        go_bus_free(esp);
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
    enter_phase(esp, PHASE_MESSAGE_IN);
}

/* Interprets the messages that were collected until ATN went away. */
static void handle_messages(struct esp *esp)
{
    const uint8_t *m = esp->message_out;
    uint8_t count = esp->message_out_count, then = esp->after_message;
    esp->message_out_count = 0;
    for (uint8_t i = 0; i < count;) {
        if (m[i] & 0x80) { /* IDENTIFY */
            esp->lun = m[i] & 7;
            i++;
        } else if (m[i] == 0x01) { /* extended */
            uint8_t length = i + 1 < count ? m[i + 1] : 0;
            if (i + 4 < count && length == 3 &&
                m[i + 2] == 0x01) { /* SYNCHRONOUS DATA TRANSFER REQUEST: agreed */
                uint8_t reply[5] = {0x01, 0x03, 0x01, m[i + 3], MIN(m[i + 4], 15)};
                send_message(esp, reply, sizeof reply, then);
            } else {
                static const uint8_t reject = 0x07;
                send_message(esp, &reject, 1, then);
            }
            return;
        } else if (m[i] >= 0x20 &&
                   m[i] <= 0x2f) { /* queue tags: two bytes; one command at a time is all the same */
            i += 2;
        } else {
            switch (m[i]) {
            case 0x05: /* INITIATOR DETECTED ERROR */
            case 0x07: /* MESSAGE REJECT */
            case 0x08: /* NO OPERATION */
            case 0x09: /* MESSAGE PARITY ERROR */ i++; break;
            case 0x06: /* ABORT */
            case 0x0d: /* ABORT TAG */
            case 0x0e: /* CLEAR QUEUE */
                scsi_abort(target_of(esp));
                go_bus_free(esp);
                return;
            case 0x0c: /* BUS DEVICE RESET */
                scsi_target_reset(target_of(esp));
                go_bus_free(esp);
                return;
            default: {
                static const uint8_t reject = 0x07;
                send_message(esp, &reject, 1, then);
                return;
            }
            }
        }
    }
    enter_phase(esp, then);
}

/* A byte goes to the target in an OUT phase other than DATA OUT; `last` = ATN falls with this message byte.
 */
static void byte_to_target(struct esp *esp, uint8_t byte, bool last)
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
    scsi_start(target_of(esp), esp->lun, esp->cdb, count);
}

/* A byte of STATUS or MESSAGE IN. After a message byte ACK stands until MESSAGE ACCEPTED. */
static uint8_t byte_from_target(struct esp *esp)
{
    esp->request = false;
    if (esp->phase == PHASE_STATUS) {
        static const uint8_t command_complete = 0x00;
        uint8_t status = esp->target_status;
        esp->executing = false;
        send_message(esp, &command_complete, 1, ESP_BUS_FREE);
        return status;
    }
    return esp->message_in_at < esp->message_in_count ? esp->message_in[esp->message_in_at++] : 0x08;
}

static void target_data(void *opaque, struct scsi_target *target)
{
    struct esp *esp = opaque;
    if (!esp->connected || target != target_of(esp))
        return;
    enter_phase(esp, target->direction == SCSI_DATA_IN ? PHASE_DATA_IN : PHASE_DATA_OUT);
    advance(esp);
}

static void target_complete(void *opaque, struct scsi_target *target, uint8_t status)
{
    struct esp *esp = opaque;
    if (!esp->connected || target != target_of(esp))
        return;
    esp->target_status = status;
    enter_phase(esp, PHASE_STATUS);
    advance(esp);
}

/* ---- the chip's side ---- */

static void push_fifo(struct esp *esp, uint8_t byte)
{
    if (esp->fifo_count < ESP_FIFO_SIZE)
        esp->fifo[esp->fifo_count++] = byte;
    else
        esp->status |= STATUS_GROSS_ERROR;
}

static uint8_t pop_fifo(struct esp *esp)
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
        *byte = pop_fifo(esp);
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
        push_fifo(esp, byte);
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
        byte_to_target(esp, byte, !esp->messages_left && !stop);
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
        byte_to_target(esp, byte, true);
        return true;
    }
    esp->step = 2;
    end_sequence(esp, INT_FUNCTION_COMPLETE | INT_BUS_SERVICE);
    return true;
}

/* DATA IN and DATA OUT by DMA: whole pieces. */
static bool advance_data_dma(struct esp *esp)
{
    struct scsi_target *target = target_of(esp);
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
    esp->request = false;
    uint32_t rest;
    scsi_buffer(target, &rest);
    if (rest > size)
        esp->request = true;
    scsi_advance(target, size);
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
        struct scsi_target *target = target_of(esp);
        uint32_t size;
        uint8_t *data = scsi_buffer(target, &size);
        if (!size)
            return false;
        if (esp->phase == PHASE_DATA_IN) {
            push_fifo(esp, data[0]);
            size = 1;
            esp->sequence = SEQ_SERVICE; /* one byte per command */
            esp->service_bits = INT_BUS_SERVICE;
        } else {
            size = MIN(size, esp->fifo_count);
            for (uint32_t i = 0; i < size; i++)
                data[i] = pop_fifo(esp);
            if (!size || !esp->fifo_count) {
                esp->sequence = SEQ_SERVICE;
                esp->service_bits = INT_BUS_SERVICE;
            }
            if (!size)
                return true;
        }
        esp->request = false;
        uint32_t rest;
        scsi_buffer(target, &rest);
        if (rest > size)
            esp->request = true;
        scsi_advance(target, size);
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
        byte_to_target(esp, byte, count == 1);
        if (!esp->connected)
            end_sequence(esp, INT_DISCONNECT);
        return true;
    }
    case PHASE_STATUS:
        if (esp->dma_command && !dma_ready(esp))
            return false;
        esp->sequence = SEQ_SERVICE;
        esp->service_bits = INT_BUS_SERVICE;
        return put_incoming(esp, byte_from_target(esp));
    default: /* MESSAGE IN: one byte, ACK stands until it is accepted */
        if (esp->dma_command && !dma_ready(esp))
            return false;
        if (!put_incoming(esp, byte_from_target(esp)))
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
    struct scsi_target *target = target_of(esp);
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
        return put_incoming(esp, byte_from_target(esp));
    if (esp->phase == PHASE_MESSAGE_IN) {
        if (!put_incoming(esp, byte_from_target(esp)))
            return false;
        end_sequence(esp, INT_FUNCTION_COMPLETE);
    } else {
        end_sequence(esp, INT_BUS_SERVICE);
    }
    return true;
}

static void advance(struct esp *esp)
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
    advance(esp);
}

static void select_target(struct esp *esp, uint8_t command)
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
    esp->atn = with_atn;
    esp->messages_left = command == CMD_SELECT ? 0 : command == CMD_SELECT_ATN3 ? 3 : 1;
    esp->stop_after_message = command == CMD_SELECT_ATN_STOP;
    esp->after_message = PHASE_COMMAND;
    esp->sequence = SEQ_SELECT;
    enter_phase(esp, with_atn ? PHASE_MESSAGE_OUT : PHASE_COMMAND);
    advance(esp);
}

static void message_accepted(struct esp *esp)
{
    if (esp->phase != PHASE_MESSAGE_IN) {
        raise_interrupt(esp, INT_ILLEGAL);
        return;
    }
    if (esp->message_in_at < esp->message_in_count) {
        enter_phase(esp, PHASE_MESSAGE_IN);
    } else {
        bool abort = esp->atn && esp->after_message == ESP_BUS_FREE;
        enter_phase(esp, abort ? PHASE_MESSAGE_OUT : esp->after_message);
    }
    if (esp->connected)
        raise_interrupt(esp, INT_BUS_SERVICE);
    else
        raise_interrupt(esp, INT_DISCONNECT);
}

static void reset_bus(struct esp *esp)
{
    go_bus_free(esp);
    esp->sequence = SEQ_IDLE;
    for (unsigned i = 0; i < SCSI_TARGETS; i++)
        if (esp->target[i])
            scsi_target_reset(esp->target[i]);
}

static void reset_chip(struct esp *esp)
{
    if (esp->connected && target_of(esp))
        scsi_abort(target_of(esp));
    go_bus_free(esp);
    clock_event_cancel(&esp->event);
    esp->sequence = SEQ_IDLE;
    esp->fifo_count = 0;
    esp->queued = NO_COMMAND;
    esp->status = esp->interrupt = esp->step = 0;
    esp->period = 5;
    esp->offset = 0;
    esp->clock_factor = 2;
    esp->test = 0;
    esp->config[0] &= CONFIG1_ID;
    esp->config[1] = esp->config[2] = 0;
    esp->id_valid = esp->fast;
    irq_lower(esp->irq);
}

static void load_counter(struct esp *esp)
{
    bool wide = esp->fast && (esp->config[1] & CONFIG2_FEATURES);
    uint32_t mask = wide ? 0xffffff : 0xffff;
    esp->counter = esp->counter_start & mask;
    if (!esp->counter)
        esp->counter = mask + 1;
    esp->status &= (uint8_t)~STATUS_TC;
}

/* Commands by who may give them: NCR 53C94 "Command Set". */
static bool is_allowed(const struct esp *esp, uint8_t command)
{
    switch (command) {
    case CMD_NOP:
    case CMD_FLUSH_FIFO:
    case CMD_RESET_CHIP:
    case CMD_RESET_BUS:
    case CMD_ENABLE_SELECTION:
    case CMD_DISABLE_SELECTION: return true;
    case CMD_TRANSFER:
    case CMD_COMPLETE:
    case CMD_MESSAGE_ACCEPTED:
    case CMD_PAD:
    case CMD_SET_ATN:
    case CMD_RESET_ATN: return esp->connected;
    case CMD_SELECT:
    case CMD_SELECT_ATN:
    case CMD_SELECT_ATN_STOP:
    case CMD_SELECT_ATN3: return true;
    default: return false; /* target mode and reselection */
    }
}

static void start(struct esp *esp, uint8_t byte)
{
    uint8_t command = byte & (uint8_t)~CMD_DMA;
    if (byte & CMD_DMA)
        load_counter(esp);
    if (!is_allowed(esp, command)) {
        device_guest_error(&esp->dev, "command %02x in this state", byte);
        raise_interrupt(esp, INT_ILLEGAL);
        return;
    }
    switch (command) {
    case CMD_NOP: return;
    case CMD_FLUSH_FIFO: esp->fifo_count = 0; return;
    case CMD_RESET_CHIP: reset_chip(esp); return;
    case CMD_RESET_BUS:
        reset_bus(esp);
        if (!(esp->config[0] & CONFIG1_NO_RESET_INT)) {
            esp->event_interrupt = INT_RESET;
            clock_event_set(&esp->event, clock_now(esp->dev.machine->clock) + BUS_RESET_NS);
        }
        return;
    case CMD_ENABLE_SELECTION:
    case CMD_DISABLE_SELECTION: return; /* nobody reselects: targets keep the bus until they are done */
    case CMD_SET_ATN: esp->atn = true; return;
    case CMD_RESET_ATN: esp->atn = false; return;
    case CMD_MESSAGE_ACCEPTED: message_accepted(esp); return;
    default: break;
    }
    esp->dma_command = (byte & CMD_DMA) != 0;
    switch (command) {
    case CMD_TRANSFER:
    case CMD_PAD:
        esp->sequence = command == CMD_PAD ? SEQ_PAD : SEQ_TRANSFER;
        esp->transfer_phase = esp->phase;
        if (command == CMD_PAD && !esp->dma_command)
            load_counter(esp);
        break;
    case CMD_COMPLETE: esp->sequence = SEQ_COMPLETE; break;
    default:
        if (esp->connected) {
            /* Some firmware leaves its last target standing in STATUS and selects anew. The chip lets go of
             * the bus. */
            scsi_abort(target_of(esp));
            go_bus_free(esp);
        }
        select_target(esp, command);
        return;
    }
    advance(esp);
}

static void write_command(struct esp *esp, uint8_t byte)
{
    uint8_t command = byte & (uint8_t)~CMD_DMA;
    esp->command = byte;
    if (command == CMD_RESET_CHIP || command == CMD_RESET_BUS || esp->sequence == SEQ_IDLE) {
        start(esp, byte);
    } else if (esp->queued == NO_COMMAND) {
        esp->queued = byte;
    } else {
        esp->status |= STATUS_GROSS_ERROR;
        device_guest_error(&esp->dev, "a third command");
    }
}

static void event_fired(void *opaque)
{
    struct esp *esp = opaque;
    raise_interrupt(esp, esp->event_interrupt);
}

/* ---- registers ---- */

static uint64_t read_interrupt(struct esp *esp)
{
    uint8_t value = esp->interrupt;
    esp->interrupt = 0;
    esp->step = 0;
    esp->status &= (uint8_t) ~(STATUS_INTERRUPT | STATUS_GROSS_ERROR);
    irq_lower(esp->irq);
    if (esp->sequence == SEQ_IDLE && esp->queued != NO_COMMAND) {
        uint8_t next = esp->queued;
        esp->queued = NO_COMMAND;
        start(esp, next);
    }
    return value;
}

static uint64_t esp_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct esp *esp = (struct esp *)dev;
    switch (offset) {
    case REG_TCLOW: return esp->counter & 0xff;
    case REG_TCMED: return esp->counter >> 8 & 0xff;
    case REG_FIFO: return pop_fifo(esp);
    case REG_COMMAND: return esp->command;
    case REG_STATUS: return esp->status | (esp->connected ? esp->phase : 0);
    case REG_INTERRUPT: return read_interrupt(esp);
    case REG_STEP: return esp->step;
    case REG_FIFO_FLAGS: return esp->fifo_count | esp->step << 5;
    case REG_CONFIG1: return esp->config[0];
    case REG_CONFIG2: return esp->config[1];
    case REG_CONFIG3: return esp->config[2];
    case REG_TCHIGH:
        if (!esp->fast)
            return 0;
        return esp->id_valid ? UNIQUE_ID_FAS100A : esp->counter >> 16 & 0xff;
    default: return 0;
    }
}

static void esp_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct esp *esp = (struct esp *)dev;
    uint8_t byte = (uint8_t)value;
    switch (offset) {
    case REG_TCLOW: esp->counter_start = (esp->counter_start & ~0xffu) | byte; break;
    case REG_TCMED: esp->counter_start = (esp->counter_start & ~0xff00u) | (uint32_t)byte << 8; break;
    case REG_TCHIGH:
        esp->id_valid = false;
        esp->counter_start = (esp->counter_start & ~0xff0000u) | (uint32_t)byte << 16;
        break;
    case REG_FIFO:
        push_fifo(esp, byte);
        if (!esp->dma_command && esp->sequence == SEQ_SELECT)
            advance(esp);
        break;
    case REG_COMMAND: write_command(esp, byte); break;
    case REG_DESTINATION: esp->destination = byte; break;
    case REG_TIMEOUT: esp->timeout = byte; break;
    case REG_PERIOD: esp->period = byte; break;
    case REG_OFFSET: esp->offset = byte; break;
    case REG_CONFIG1: esp->config[0] = byte; break;
    case REG_CLOCK_FACTOR: esp->clock_factor = byte & 7; break;
    case REG_TEST: esp->test = byte & 7; break;
    case REG_CONFIG2: esp->config[1] = byte; break;
    case REG_CONFIG3: esp->config[2] = byte; break;
    default: break;
    }
}

static void reset_pin(void *opaque, int number, bool level)
{
    if (level)
        reset_chip(opaque);
}

static bool esp_init(struct device *dev, GError **error)
{
    struct esp *esp = (struct esp *)dev;
    irq_init(&esp->reset_in, reset_pin, esp, 0);
    g_autofree char *name = g_strdup_printf("%s.delay", dev->id);
    clock_event_init(&esp->event, dev->machine->clock, name, event_fired, esp);
    for (unsigned i = 0; i < SCSI_TARGETS; i++)
        if (esp->target[i])
            esp->target[i]->initiator =
                (struct scsi_initiator){.data = target_data, .complete = target_complete, .opaque = esp};
    esp->queued = NO_COMMAND;
    esp->config[0] = (uint8_t)esp->own_id;
    return true;
}

static void esp_reset(struct device *dev, enum reset_kind kind)
{
    struct esp *esp = (struct esp *)dev;
    esp->config[0] = (uint8_t)esp->own_id;
    esp->counter = esp->counter_start = 0;
    esp->destination = esp->timeout = esp->command = 0;
    reset_chip(esp);
}

static void esp_finish(struct device *dev)
{
    clock_event_finish(&((struct esp *)dev)->event);
}

static bool esp_check(const void *state, GError **error)
{
    const struct esp *esp = state;
    bool has_target = esp->selected < SCSI_TARGETS && esp->target[esp->selected];
    if (esp->fifo_count > ESP_FIFO_SIZE || esp->sequence > SEQ_COMPLETE || esp->selected >= SCSI_TARGETS ||
        esp->message_out_count > sizeof esp->message_out || esp->message_in_count > sizeof esp->message_in ||
        esp->message_in_at > esp->message_in_count || esp->cdb_count > SCSI_MAX_CDB ||
        (esp->connected && !has_target) || (!esp->connected && esp->request)) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT,
                    "The saved state of the SCSI controller is damaged.");
        return false;
    }
    return true;
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct esp, fifo),          STATE_FIELD(struct esp, fifo_count),
    STATE_FIELD(struct esp, counter),       STATE_FIELD(struct esp, counter_start),
    STATE_FIELD(struct esp, command),       STATE_FIELD(struct esp, queued),
    STATE_FIELD(struct esp, status),        STATE_FIELD(struct esp, interrupt),
    STATE_FIELD(struct esp, step),          STATE_FIELD(struct esp, destination),
    STATE_FIELD(struct esp, timeout),       STATE_FIELD(struct esp, period),
    STATE_FIELD(struct esp, offset),        STATE_FIELD(struct esp, clock_factor),
    STATE_FIELD(struct esp, test),          STATE_ARRAY(struct esp, config),
    STATE_FIELD(struct esp, id_valid),      STATE_FIELD(struct esp, sequence),
    STATE_FIELD(struct esp, dma_command),   STATE_FIELD(struct esp, transfer_phase),
    STATE_FIELD(struct esp, messages_left), STATE_FIELD(struct esp, stop_after_message),
    STATE_FIELD(struct esp, service_bits),  STATE_FIELD(struct esp, connected),
    STATE_FIELD(struct esp, selected),      STATE_FIELD(struct esp, request),
    STATE_FIELD(struct esp, phase),         STATE_FIELD(struct esp, atn),
    STATE_ARRAY(struct esp, message_out),   STATE_FIELD(struct esp, message_out_count),
    STATE_ARRAY(struct esp, message_in),    STATE_FIELD(struct esp, message_in_count),
    STATE_FIELD(struct esp, message_in_at), STATE_FIELD(struct esp, after_message),
    STATE_ARRAY(struct esp, cdb),           STATE_FIELD(struct esp, cdb_count),
    STATE_FIELD(struct esp, lun),           STATE_FIELD(struct esp, target_status),
    STATE_FIELD(struct esp, executing),     STATE_FIELD(struct esp, event_interrupt),
    STATE_IRQ_LINES(struct esp, reset_in),  STATE_END,
};

static const struct device_property properties[] = {
    {"fast", PROPERTY_BOOL, offsetof(struct esp, fast), 1, NULL, 0, 0, "FAS100A instead of 53C94"},
    {"id", PROPERTY_U32, offsetof(struct esp, own_id), 7, NULL, 0, 7, "own SCSI id"},
    {NULL},
};

const struct device_class esp_class = {
    .name = "esp",
    .description = "NCR 53C9x SCSI controller",
    .size = sizeof(struct esp),
    .version = 1,
    .init = esp_init,
    .reset = esp_reset,
    .finish = esp_finish,
    .fields = fields,
    .check = esp_check,
    .properties = properties,
};

/* Registers 4 apart: only the byte at the beginning of each word is decoded, as on SBus. */
static uint64_t spaced_read(struct device *dev, uint64_t offset, unsigned size)
{
    return esp_read(dev, offset / 4, 1);
}

static void spaced_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    esp_write(dev, offset / 4, value, 1);
}

void esp_map(struct esp *esp, struct bus *bus, uint64_t base, unsigned stride)
{
    g_assert(stride == 1 || stride == 4);
    bus_map(bus, &(struct bus_region){.name = "SCSI",
                                      .start = base,
                                      .size = 16u * stride,
                                      .kind = BUS_MMIO,
                                      .dev = &esp->dev,
                                      .read = stride == 4 ? spaced_read : esp_read,
                                      .write = stride == 4 ? spaced_write : esp_write,
                                      .widths = BUS_WIDTH_8});
}
