/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Brooktree Bt458: look-up tables and control registers. */
#include "emulator/hw/display/bt458.h"

#include <string.h>

/* Addresses at the control port. */
enum { CONTROL_READ_MASK = 4, CONTROL_BLINK_MASK = 5, CONTROL_COMMAND = 6, CONTROL_TEST = 7 };

enum {
    COMMAND_PALETTE_ENABLE = 0x40, /* else overlay colour 0 everywhere */
    COMMAND_BLINK_RATE = 0x30,
};

void bt458_reset(struct bt458 *dac)
{
    memset(dac, 0, sizeof(*dac));
    dac->read_mask = 0xff;
    dac->command = COMMAND_PALETTE_ENABLE;
}

/* Red, green, blue, then the next address (data sheet, "Writing/Reading Color Palette RAM Data"). */
static void next_component(struct bt458 *dac)
{
    if (++dac->component == 3) {
        dac->component = 0;
        dac->address++;
    }
}

static uint8_t *control_register(struct bt458 *dac)
{
    switch (dac->address) {
    case CONTROL_READ_MASK: return &dac->read_mask;
    case CONTROL_BLINK_MASK: return &dac->blink_mask;
    case CONTROL_COMMAND: return &dac->command;
    case CONTROL_TEST: return &dac->test;
    default: return NULL;
    }
}

uint8_t bt458_read(struct bt458 *dac, enum bt458_port port)
{
    uint8_t value, *reg;
    switch (port) {
    case BT458_ADDRESS: return dac->address;
    case BT458_PALETTE: value = dac->palette[dac->address][dac->component]; break;
    case BT458_OVERLAY: value = dac->overlay[dac->address & 3][dac->component]; break;
    default: reg = control_register(dac); return reg ? *reg : 0;
    }
    next_component(dac);
    return value;
}

bool bt458_write(struct bt458 *dac, enum bt458_port port, uint8_t value)
{
    uint8_t *entry, *reg;
    switch (port) {
    case BT458_ADDRESS:
        dac->address = value;
        dac->component = 0;
        return false;
    case BT458_PALETTE: entry = dac->palette[dac->address]; break;
    case BT458_OVERLAY: entry = dac->overlay[dac->address & 3]; break;
    default:
        reg = control_register(dac);
        if (!reg || *reg == value)
            return false;
        *reg = value;
        return true;
    }
    /* All three go into the RAM with blue. */
    bool changed = false;
    dac->pending[dac->component] = value;
    if (dac->component == 2) {
        changed = memcmp(entry, dac->pending, 3) != 0;
        memcpy(entry, dac->pending, 3);
    }
    next_component(dac);
    return changed;
}

static uint32_t rgb(const uint8_t entry[3])
{
    return (uint32_t)entry[0] << 16 | (uint32_t)entry[1] << 8 | entry[2];
}

void bt458_colours(const struct bt458 *dac, bool blink_on, uint32_t colours[256])
{
    uint8_t mask = blink_on ? dac->read_mask : dac->read_mask & (uint8_t)~dac->blink_mask;
    for (unsigned i = 0; i < 256; i++)
        colours[i] =
            dac->command & COMMAND_PALETTE_ENABLE ? rgb(dac->palette[i & mask]) : rgb(dac->overlay[0]);
}

uint32_t bt458_overlay_colour(const struct bt458 *dac, unsigned index)
{
    return rgb(dac->overlay[index & 3]);
}

bool bt458_blink_on(const struct bt458 *dac, uint64_t frame)
{
    /* Frames on and off of the four rates (data sheet, "Command Register", CR5/CR4). */
    static const uint8_t on[4] = {16, 16, 32, 64}, off[4] = {48, 16, 32, 64};
    if (!dac->blink_mask)
        return true;
    unsigned rate = (dac->command & COMMAND_BLINK_RATE) >> 4;
    return frame % (on[rate] + off[rate]) < on[rate];
}
