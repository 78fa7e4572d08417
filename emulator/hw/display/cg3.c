/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sun cgthree. */
#include "emulator/hw/display/cg3.h"

#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"
#include "emulator/hw/display/sun_fb.h"

enum {
    CG3_ROM = 0x000000,
    CG3_REGISTERS = 0x400000,
    CG3_RAM = 0x800000,
    CG3_REGISTERS_SIZE = 0x20,
};

/* NetBSD: fbc_ctrl, fbc_status. */
enum {
    REG_CONTROL = 0x10,
    REG_STATUS = 0x11,
    REG_TIMING = 0x12,

    CONTROL_INTERRUPT_ENABLE = 0x80,
    CONTROL_VIDEO_ENABLE = 0x40,
    CONTROL_TIMING_ENABLE = 0x20,

    STATUS_INTERRUPT = 0x80,
    STATUS_SENSE_1024X768 = 0x10,
    STATUS_SENSE_1152X900_76 = 0x60,
    STATUS_ID_COLOUR = 0x01,
};

static void update_irq(struct cg3 *cg3)
{
    irq_set(cg3->irq, cg3->status & STATUS_INTERRUPT && cg3->control & CONTROL_INTERRUPT_ENABLE);
}

static void schedule_retrace(struct cg3 *cg3)
{
    if (cg3->control & CONTROL_INTERRUPT_ENABLE && cg3->control & CONTROL_TIMING_ENABLE)
        clock_event_set(&cg3->retrace_event, sun_fb_next_retrace(&cg3->dev, cg3->height));
    else
        clock_event_cancel(&cg3->retrace_event);
}

static void retrace(void *opaque)
{
    struct cg3 *cg3 = opaque;
    cg3->status |= STATUS_INTERRUPT;
    update_irq(cg3);
    schedule_retrace(cg3);
}

/* The registers are bytes on an 8-bit port: a wider access becomes several, so that a word written to the
 * palette is four components. */
static uint64_t registers_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct cg3 *cg3 = DEVICE_OF(dev, struct cg3, dev);
    if (offset < REG_CONTROL)
        return bt458_read(&cg3->dac, (enum bt458_port)(offset >> 2));
    switch (offset) {
    case REG_CONTROL: return cg3->control;
    case REG_STATUS: return cg3->status;
    default: return cg3->timing[offset - REG_TIMING];
    }
}

static void registers_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct cg3 *cg3 = DEVICE_OF(dev, struct cg3, dev);
    if (offset < REG_CONTROL) {
        cg3->redraw |= bt458_write(&cg3->dac, (enum bt458_port)(offset >> 2), (uint8_t)value);
        return;
    }
    switch (offset) {
    case REG_CONTROL:
        cg3->redraw |= (cg3->control ^ value) & CONTROL_VIDEO_ENABLE;
        cg3->control = (uint8_t)value;
        schedule_retrace(cg3);
        update_irq(cg3);
        break;
    case REG_STATUS: /* any write acknowledges */
        cg3->status &= (uint8_t)~STATUS_INTERRUPT;
        update_irq(cg3);
        break;
    default: cg3->timing[offset - REG_TIMING] = (uint8_t)value; break;
    }
}

static void render(void *opaque, struct display_surface *surface, bool full)
{
    struct cg3 *cg3 = opaque;
    int width = (int)cg3->width, height = (int)cg3->height;
    full |= cg3->redraw || surface->width != width || surface->height != height;
    display_resize(surface, width, height, 1.0);
    bool blink_on = bt458_blink_on(&cg3->dac, sun_fb_frame(&cg3->dev, cg3->height));
    full |= blink_on != cg3->blink_on;
    cg3->blink_on = blink_on;
    cg3->redraw = false;

    uint32_t colours[256] = {0};
    if (cg3->control & CONTROL_VIDEO_ENABLE)
        bt458_colours(&cg3->dac, blink_on, colours);
    memset(cg3->dirty_rows, full, cg3->height);
    sun_fb_find_dirty_rows(cg3->vram, cg3->width, cg3->height, cg3->dirty_rows);
    for (int y = 0; y < height; y++) {
        if (!cg3->dirty_rows[y])
            continue;
        const uint8_t *from = cg3->vram->host + y * width;
        uint32_t *to = surface->pixels + y * surface->stride;
        for (int x = 0; x < width; x++)
            to[x] = colours[from[x]];
        display_damage(surface, 0, y, width, 1);
    }
}

void cg3_map(struct cg3 *cg3, struct bus *bus, uint64_t base)
{
    bus_begin_change(bus);
    bus_map(bus, &(struct bus_region){.name = cg3->rom->id,
                                      .start = base + CG3_ROM,
                                      .size = cg3->rom->size,
                                      .kind = BUS_ROM,
                                      .block = cg3->rom});
    bus_map(bus, &(struct bus_region){.name = cg3->dev.id,
                                      .start = base + CG3_REGISTERS,
                                      .size = CG3_REGISTERS_SIZE,
                                      .kind = BUS_MMIO,
                                      .dev = &cg3->dev,
                                      .read = registers_read,
                                      .write = registers_write,
                                      .widths = BUS_WIDTH_8,
                                      .endian = bus_endian(bus)});
    bus_map(bus, &(struct bus_region){.name = cg3->vram->id,
                                      .start = base + CG3_RAM,
                                      .size = cg3->vram->size,
                                      .kind = BUS_RAM,
                                      .block = cg3->vram});
    bus_end_change(bus);
}

static bool cg3_init(struct device *dev, GError **error)
{
    struct cg3 *cg3 = DEVICE_OF(dev, struct cg3, dev);
    if (!sun_fb_init(dev, cg3->width, cg3->height, cg3->rom_file, &cg3->rom, &cg3->vram, error))
        return false;
    cg3->dirty_rows = device_alloc(dev, cg3->height);
    g_autofree char *name = g_strdup_printf("%s.retrace", dev->id);
    clock_event_init(&cg3->retrace_event, dev->machine->clock, name, retrace, cg3);
    machine_set_display(dev->machine, &(struct display_source){.render = render, .opaque = cg3});
    return true;
}

static void cg3_finish(struct device *dev)
{
    clock_event_finish(&DEVICE_OF(dev, struct cg3, dev)->retrace_event);
}

static void cg3_reset(struct device *dev, enum reset_kind kind)
{
    struct cg3 *cg3 = DEVICE_OF(dev, struct cg3, dev);
    bt458_reset(&cg3->dac);
    /* The firmware in the PROM leaves video as it finds it. */
    cg3->control = CONTROL_VIDEO_ENABLE | CONTROL_TIMING_ENABLE;
    cg3->status = STATUS_ID_COLOUR | (cg3->height == 768 ? STATUS_SENSE_1024X768 : STATUS_SENSE_1152X900_76);
    memset(cg3->timing, 0, sizeof(cg3->timing));
    if (kind == RESET_POWER_ON) {
        ram_prepare_write(cg3->vram, 0, cg3->vram->size);
        memset(cg3->vram->host, 0, cg3->vram->size);
        ram_note_write(cg3->vram, 0, cg3->vram->size);
    }
    cg3->redraw = true;
    schedule_retrace(cg3);
    update_irq(cg3);
}

static bool cg3_check(const void *state, GError **error)
{
    if (((const struct cg3 *)state)->dac.component < 3)
        return true;
    g_set_error_literal(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The palette’s state is out of range."));
    return false;
}

static void cg3_loaded(struct device *dev)
{
    DEVICE_OF(dev, struct cg3, dev)->redraw = true;
}

static const struct state_field cg3_fields[] = {
    BT458_FIELDS(struct cg3, dac),
    STATE_FIELD(struct cg3, control),
    STATE_FIELD(struct cg3, status),
    STATE_ARRAY(struct cg3, timing),
    STATE_END,
};

static const struct device_property cg3_properties[] = {
    {.name = "width",
     .type = PROPERTY_U32,
     .offset = offsetof(struct cg3, width),
     .default_value = 1024,
     .description = "pixels a line: 1024 or 1152"},
    {.name = "height",
     .type = PROPERTY_U32,
     .offset = offsetof(struct cg3, height),
     .default_value = 768,
     .description = "lines: 768 or 900"},
    {.name = "rom",
     .type = PROPERTY_STRING,
     .offset = offsetof(struct cg3, rom_file),
     .description = "path of the FCode PROM’s image"},
    {0},
};

const struct device_class cg3_class = {
    .name = "cgthree",
    .description = "Sun cgthree 8-bit colour frame buffer",
    .size = sizeof(struct cg3),
    .version = 1,
    .init = cg3_init,
    .reset = cg3_reset,
    .finish = cg3_finish,
    .fields = cg3_fields,
    .check = cg3_check,
    .loaded = cg3_loaded,
    .properties = cg3_properties,
};
