/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NCR 53C9x as an initiator: registers and commands; see the header for sources. */
#include "emulator/hw/block/esp_internal.h"

#include "emulator/core/i18n.h"
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

#define UNIQUE_ID_FAS100A 0x00
#define NO_COMMAND        0xff
#define BUS_RESET_NS      (25 * NS_PER_US)

static void reset_bus(struct esp *esp)
{
    esp_go_bus_free(esp);
    esp->sequence = SEQ_IDLE;
    for (unsigned i = 0; i < SCSI_TARGETS; i++)
        if (esp->target[i])
            scsi_target_reset(esp->target[i]);
}

static void reset_chip(struct esp *esp)
{
    if (esp->connected && esp_target(esp))
        scsi_abort(esp_target(esp));
    esp_go_bus_free(esp);
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
        esp_raise_interrupt(esp, INT_ILLEGAL);
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
    case CMD_MESSAGE_ACCEPTED: esp_message_accepted(esp); return;
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
            scsi_abort(esp_target(esp));
            esp_go_bus_free(esp);
        }
        esp_select(esp, command);
        return;
    }
    esp_advance(esp);
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
    esp_raise_interrupt(esp, esp->event_interrupt);
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
    case REG_FIFO: return esp_pop_fifo(esp);
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
        esp_push_fifo(esp, byte);
        if (!esp->dma_command && esp->sequence == SEQ_SELECT)
            esp_advance(esp);
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
        if (esp->target[i]) {
            esp->target[i]->initiator = esp_initiator;
            esp->target[i]->initiator.opaque = esp;
        }
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
                    _("The saved state of the SCSI controller is damaged."));
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
    STATE_FIELD(struct esp, executing),     STATE_FIELD_SINCE(struct esp, identified, 2),
    STATE_FIELD(struct esp, event_interrupt),
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
    .version = 2,
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
