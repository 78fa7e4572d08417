/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Aurora Personality Chip; see the header for sources. */
#include "emulator/hw/misc/apc.h"

enum { APC_IDLE = 0x00, APC_FANCTL = 0x20, APC_CPOWER = 0x24, APC_BPORT = 0x30, APC_SIZE = 0x40 };
#define IDLE_ON   0x01
#define PORT_BITS 0x03

static uint64_t apc_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct apc *apc = (struct apc *)dev;
    switch (offset) {
    case APC_FANCTL: return apc->fan;
    case APC_CPOWER: return apc->power;
    case APC_BPORT: return apc->port;
    default: return 0; /* the idle bit is gone when the processor looks */
    }
}

static void apc_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct apc *apc = (struct apc *)dev;
    switch (offset) {
    case APC_IDLE:
        if (value & IDLE_ON) {
            struct cpu *cpu = dev->machine->cpus[0];
            cpu->driver->set_idle(cpu);
        }
        break;
    case APC_FANCTL: apc->fan = value & 1; break;
    case APC_CPOWER: apc->power = (uint8_t)value; break;
    case APC_BPORT: apc->port = value & PORT_BITS; break;
    default: break;
    }
}

static void apc_reset(struct device *dev, enum reset_kind kind)
{
    struct apc *apc = (struct apc *)dev;
    apc->fan = apc->power = apc->port = 0;
}

static const struct state_field fields[] = {
    STATE_FIELD(struct apc, fan),
    STATE_FIELD(struct apc, power),
    STATE_FIELD(struct apc, port),
    STATE_END,
};

const struct device_class apc_class = {
    .name = "apc",
    .description = "Aurora Personality Chip (power management)",
    .size = sizeof(struct apc),
    .version = 1,
    .reset = apc_reset,
    .fields = fields,
};

void apc_map(struct apc *apc, struct bus *bus, uint64_t base)
{
    bus_map(bus, &(struct bus_region){.name = "power management",
                                      .start = base,
                                      .size = APC_SIZE,
                                      .kind = BUS_MMIO,
                                      .dev = &apc->dev,
                                      .read = apc_read,
                                      .write = apc_write,
                                      .widths = BUS_WIDTH_8});
}
