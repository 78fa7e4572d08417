/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small registers of a sun4m board; see the header for sources. */
#include "emulator/hw/misc/slavio_misc.h"

#include "emulator/core/machine.h"

enum { REG_CONFIGURATION, REG_AUX1, REG_AUX2, REG_DIAGNOSTIC, REG_MODEM };

#define AUX1_ONES           0xc0 /* read as 1 on sun4m */
#define AUX1_LINK_TEST      0x08
#define AUX1_FLOPPY_TC      0x04
#define AUX1_FLOPPY_EJECT_N 0x02 /* 0 ejects */
#define AUX1_LED            0x01
#define AUX2_POWER_OFF      0x01
#define AUX2_CLEAR_FAIL     0x02
#define SYSTEM_RESET        0x01
#define SYSTEM_RESET_STATUS 0x02 /* the last reset came from software */

static uint64_t byte_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct slavio_misc *misc = (struct slavio_misc *)dev;
    switch (offset) {
    case REG_CONFIGURATION: return misc->configuration;
    case REG_AUX1: return misc->aux1 | AUX1_ONES;
    case REG_AUX2: return misc->aux2;
    case REG_DIAGNOSTIC: return misc->diagnostic;
    case REG_MODEM: return misc->modem;
    default: return 0;
    }
}

static void write_aux1(struct slavio_misc *misc, uint8_t value)
{
    uint8_t changed = misc->aux1 ^ value;
    misc->aux1 = value;
    if (changed & AUX1_FLOPPY_TC)
        irq_set(misc->floppy_terminal_count, value & AUX1_FLOPPY_TC);
    if ((changed & AUX1_FLOPPY_EJECT_N) && !(value & AUX1_FLOPPY_EJECT_N) && misc->floppy_eject)
        misc->floppy_eject(misc->floppy_opaque);
}

static void byte_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct slavio_misc *misc = (struct slavio_misc *)dev;
    switch (offset) {
    case REG_CONFIGURATION: misc->configuration = (uint8_t)value; break;
    case REG_AUX1: write_aux1(misc, (uint8_t)value); break;
    case REG_AUX2:
        misc->aux2 = (uint8_t)value & (AUX2_POWER_OFF | AUX2_CLEAR_FAIL);
        if (value & AUX2_POWER_OFF)
            machine_request_power_off(dev->machine, 0);
        break;
    case REG_DIAGNOSTIC: misc->diagnostic = (uint8_t)value; break;
    case REG_MODEM: misc->modem = (uint8_t)value; break;
    default: break;
    }
}

static uint64_t leds_read(struct device *dev, uint64_t offset, unsigned size)
{
    return ((struct slavio_misc *)dev)->leds;
}

static void leds_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    ((struct slavio_misc *)dev)->leds = (uint16_t)value;
}

static uint64_t control_read(struct device *dev, uint64_t offset, unsigned size)
{
    return ((struct slavio_misc *)dev)->system_control;
}

static void control_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct slavio_misc *misc = (struct slavio_misc *)dev;
    if (value & SYSTEM_RESET) {
        misc->system_control = SYSTEM_RESET_STATUS;
        machine_request_reset(dev->machine);
    }
}

static uint64_t afx_read(struct device *dev, uint64_t offset, unsigned size)
{
    return ((struct slavio_misc *)dev)->afx;
}

static void afx_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    ((struct slavio_misc *)dev)->afx = (uint32_t)value;
}

static void misc_reset(struct device *dev, enum reset_kind kind)
{
    struct slavio_misc *misc = (struct slavio_misc *)dev;
    misc->configuration = misc->aux2 = misc->diagnostic = misc->modem = 0;
    misc->aux1 = AUX1_FLOPPY_EJECT_N;
    misc->leds = 0;
    irq_lower(misc->floppy_terminal_count);
    if (kind == RESET_POWER_ON)
        misc->system_control = 0;
    misc->afx = 0;
}

static const struct state_field fields[] = {
    STATE_FIELD(struct slavio_misc, configuration),
    STATE_FIELD(struct slavio_misc, aux1),
    STATE_FIELD(struct slavio_misc, aux2),
    STATE_FIELD(struct slavio_misc, diagnostic),
    STATE_FIELD(struct slavio_misc, modem),
    STATE_FIELD(struct slavio_misc, leds),
    STATE_FIELD(struct slavio_misc, system_control),
    STATE_FIELD(struct slavio_misc, afx),
    STATE_END,
};

const struct device_class slavio_misc_class = {
    .name = "slavio-misc",
    .description = "SLAVIO configuration, auxiliary, power and reset registers",
    .size = sizeof(struct slavio_misc),
    .version = 1,
    .reset = misc_reset,
    .fields = fields,
};

static void map_register(struct slavio_misc *misc, struct bus *bus, const char *name, uint64_t start,
                         uint64_t size, bus_read_fn read, bus_write_fn write, uint64_t number, uint8_t widths)
{
    if (!start)
        return;
    bus_map(bus, &(struct bus_region){.name = name,
                                      .start = start,
                                      .size = size,
                                      .kind = BUS_MMIO,
                                      .dev = &misc->dev,
                                      .read = read,
                                      .write = write,
                                      .register_offset = number,
                                      .widths = widths});
}

void slavio_misc_map(struct slavio_misc *misc, struct bus *bus, const struct slavio_misc_map *map)
{
    map_register(misc, bus, "configuration", map->configuration, 1, byte_read, byte_write, REG_CONFIGURATION,
                 BUS_WIDTH_8);
    map_register(misc, bus, "auxiliary 1", map->aux1, 1, byte_read, byte_write, REG_AUX1, BUS_WIDTH_8);
    map_register(misc, bus, "auxiliary 2", map->aux2, 1, byte_read, byte_write, REG_AUX2, BUS_WIDTH_8);
    map_register(misc, bus, "diagnostic", map->diagnostic, 1, byte_read, byte_write, REG_DIAGNOSTIC,
                 BUS_WIDTH_8);
    map_register(misc, bus, "modem", map->modem, 1, byte_read, byte_write, REG_MODEM, BUS_WIDTH_8);
    map_register(misc, bus, "lamps", map->leds, 2, leds_read, leds_write, 0, BUS_WIDTH_16);
    map_register(misc, bus, "system control", map->system_control, 4, control_read, control_write, 0,
                 BUS_WIDTH_32);
    map_register(misc, bus, "AFX probe", map->afx, 4, afx_read, afx_write, 0, BUS_WIDTH_32);
}
