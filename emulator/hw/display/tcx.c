/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sun TCX and S24.
 *
 * A pixel of the S24 is a word of 26 bits: red 7..0, green 15..8, blue 23..16, and two control bits that say
 * how to read it. The 8-bit aperture shows bits 7..0 of each pixel, the 24-bit one bits 23..0, the raw one
 * all. The low bytes are plain video memory here, so that the usual 8-bit use runs at full speed; the rest is
 * kept beside it.
 *
 * The STIP and BLIT apertures have 8 bytes for each pixel. A double word written there is a command:
 *     STIP  63..60 raster operation, 57..32 colour, 31..0 mask: pixels of the aligned group of 32, leftmost
 * in bit 31 BLIT  57..32 colour, 28..24 number of pixels - 1, 23..0 first pixel to copy from; ffffff fills
 * with the colour RSTIP and RBLIT do the same with the control bits.
 */
#include "emulator/hw/display/tcx.h"

#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"
#include "emulator/hw/display/sun_fb.h"

enum {
    TCX_ROM = 0x0000000,
    TCX_DAC = 0x0200000,
    TCX_DHC = 0x0240000,
    TCX_ALT = 0x0280000,
    TCX_THC = 0x0300000,  /* S24 */
    TCX_THC8 = 0x0301000, /* the same registers where the 8-bit TCX's PROM points to */
    TCX_TEC = 0x0700000,
    TCX_DFB8 = 0x0800000,
    TCX_DFB24 = 0x2000000,
    TCX_STIP = 0x4000000,
    TCX_BLIT = 0x6000000,
    TCX_RDFB32 = 0xa000000,
    TCX_RSTIP = 0xc000000,
    TCX_RBLIT = 0xe000000,

    TCX_PIXELS = SUN_FB_VRAM_SIZE,
    TCX_COMMAND_SIZE = TCX_PIXELS * 8,
};

enum thc_register {
    THC_CONFIG = 0x000,
    THC_SENSEBUS = 0x080,
    THC_DELAY = 0x090,
    THC_STRAPPING = 0x094,
    THC_LINECOUNT = 0x09c,
    THC_TIMING = 0x800, /* .. 814 */
    THC_MISC = 0x818,
    THC_CURSOR_POSITION = 0x8fc,
    THC_CURSOR_MASK = 0x900,
    THC_CURSOR_BITS = 0x980,
    THC_END = 0xa00,
};

enum {
    THC_CONFIG_REV_1 = 1 << 20,

    THC_MISC_VIDEO = 0x400,
    THC_MISC_VSYNC = 0x100, /* read only: the beam is on its way back */
    THC_MISC_INT_ENABLE = 0x20,
    THC_MISC_INT = 0x10, /* write 1 to acknowledge */
    /* As the boot PROM of a Sun leaves it: OpenBIOS does not touch it and expects a picture. */
    THC_MISC_RESET = 0x69f & ~THC_MISC_INT,
};

/* Control bits of a pixel (NetBSD: TCX_CTL_*). */
enum {
    PIXEL_24_MAPPED = 0x01000000,
    PIXEL_24_LEVEL = 0x03000000,
    PIXEL_CONTROL = 0x03000000,
    PIXEL_COLOUR = 0x00ffffff,
};

#define BLIT_FILL   0xffffff
#define ROP_COPY    3
#define CURSOR_SIZE 32
/* Overlay colours of the cursor where its bit is 0 and 1. */
#define CURSOR_COLOUR_0 2
#define CURSOR_COLOUR_1 3

/* ---- pixels ---- */

static void touch_pixels(struct tcx *tcx, uint32_t pixel, uint32_t count)
{
    ram_note_write(tcx->vram, pixel, count);
    if (!tcx->planes)
        return;
    ram_note_write(tcx->planes, (uint64_t)pixel * 4, (uint64_t)count * 4);
    for (uint32_t y = pixel / tcx->width; y <= (pixel + count - 1) / tcx->width && y < tcx->height; y++)
        tcx->dirty_rows[y] = 1;
}

static uint32_t get_pixel(const struct tcx *tcx, uint32_t pixel)
{
    uint32_t value = tcx->vram->host[pixel];
    if (tcx->planes)
        value |= GUINT32_FROM_BE(((const uint32_t *)tcx->planes->host)[pixel]);
    return value;
}

static void put_pixel(struct tcx *tcx, uint32_t pixel, uint32_t value, uint32_t mask)
{
    value = (value & mask) | (get_pixel(tcx, pixel) & ~mask);
    ram_prepare_write(tcx->vram, pixel, 1);
    tcx->vram->host[pixel] = (uint8_t)value;
    if (tcx->planes)
        ram_prepare_write(tcx->planes, (uint64_t)pixel * 4, 4);
    if (tcx->planes)
        ((uint32_t *)tcx->planes->host)[pixel] =
            GUINT32_TO_BE(value & (PIXEL_CONTROL | (PIXEL_COLOUR & ~0xffu)));
}

/* The 16 raster operations, numbered as X11's GX functions: a bit for each of the cases (source, destination)
 * = (1,1), (1,0), (0,1), (0,0). */
static uint32_t raster_operation(unsigned rop, uint32_t s, uint32_t d)
{
    return (rop & 1 ? s & d : 0) | (rop & 2 ? s & ~d : 0) | (rop & 4 ? ~s & d : 0) | (rop & 8 ? ~s & ~d : 0);
}

static uint32_t writable_bits(const struct tcx *tcx, bool raw)
{
    return !tcx->planes ? 0xff : raw ? PIXEL_CONTROL | PIXEL_COLOUR : PIXEL_COLOUR;
}

static void stipple(struct tcx *tcx, uint32_t pixel, uint32_t colour, uint32_t pixels, bool raw)
{
    unsigned rop = tcx->planes ? ROP_COPY : colour >> 28; /* the S24 has none */
    uint32_t mask = writable_bits(tcx, raw);
    pixel &= ~31u;
    if (!pixels)
        return;
    for (unsigned i = 0; i < 32; i++)
        if (pixels & (0x80000000u >> i))
            put_pixel(tcx, pixel + i, raster_operation(rop, colour, get_pixel(tcx, pixel + i)), mask);
    touch_pixels(tcx, pixel, 32);
}

static void blit(struct tcx *tcx, uint32_t pixel, uint32_t colour, uint32_t command, bool raw)
{
    uint32_t count = (command >> 24 & 31) + 1, from = command & 0xffffff;
    uint32_t mask = writable_bits(tcx, raw), buffer[32];
    count = MIN(count, TCX_PIXELS - pixel);
    for (uint32_t i = 0; i < count; i++)
        buffer[i] = from == BLIT_FILL ? colour : get_pixel(tcx, (from + i) % TCX_PIXELS);
    for (uint32_t i = 0; i < count; i++)
        put_pixel(tcx, pixel + i, buffer[i], mask);
    touch_pixels(tcx, pixel, count);
}

typedef void (*command_fn)(struct tcx *tcx, uint32_t pixel, uint32_t first, uint32_t second, bool raw);

/* A command may come as one double word or as two words, upper first. */
static void command_write(struct tcx *tcx, command_fn command, bool raw, uint64_t offset, uint64_t value,
                          unsigned size)
{
    uint32_t pixel = (uint32_t)(offset / 8);
    if (size == 8)
        command(tcx, pixel, (uint32_t)(value >> 32), (uint32_t)value, raw);
    else if (offset & 4)
        command(tcx, pixel, tcx->blit_latch, (uint32_t)value, raw);
    else
        tcx->blit_latch = (uint32_t)value;
}

static void stip_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    command_write(DEVICE_OF(dev, struct tcx, dev), stipple, false, offset, value, size);
}

static void rstip_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    command_write(DEVICE_OF(dev, struct tcx, dev), stipple, true, offset, value, size);
}

static void blit_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    command_write(DEVICE_OF(dev, struct tcx, dev), blit, false, offset, value, size);
}

static void rblit_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    command_write(DEVICE_OF(dev, struct tcx, dev), blit, true, offset, value, size);
}

static uint64_t deep_read(struct tcx *tcx, uint32_t mask, uint64_t offset, unsigned size)
{
    unsigned shift = (unsigned)(4 - size - (offset & 3)) * 8;
    return (get_pixel(tcx, (uint32_t)(offset / 4)) & mask) >> shift;
}

static void deep_write(struct tcx *tcx, uint32_t mask, uint64_t offset, uint64_t value, unsigned size)
{
    unsigned shift = (unsigned)(4 - size - (offset & 3)) * 8;
    uint32_t lanes = (uint32_t)((UINT64_C(1) << size * 8) - 1) << shift;
    put_pixel(tcx, (uint32_t)(offset / 4), (uint32_t)value << shift, mask & lanes);
    touch_pixels(tcx, (uint32_t)(offset / 4), 1);
}

static uint64_t dfb24_read(struct device *dev, uint64_t offset, unsigned size)
{
    return deep_read(DEVICE_OF(dev, struct tcx, dev), PIXEL_COLOUR, offset, size);
}

static void dfb24_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    deep_write(DEVICE_OF(dev, struct tcx, dev), PIXEL_COLOUR, offset, value, size);
}

static uint64_t rdfb32_read(struct device *dev, uint64_t offset, unsigned size)
{
    return deep_read(DEVICE_OF(dev, struct tcx, dev), PIXEL_CONTROL | PIXEL_COLOUR, offset, size);
}

static void rdfb32_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    deep_write(DEVICE_OF(dev, struct tcx, dev), PIXEL_CONTROL | PIXEL_COLOUR, offset, value, size);
}

/* ---- registers ---- */

/* The DAC is on the top byte lane; drivers repeat the byte on the others or leave them 0. */
static uint64_t dac_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct tcx *tcx = DEVICE_OF(dev, struct tcx, dev);
    return (uint64_t)bt458_read(&tcx->dac, (enum bt458_port)(offset >> 2 & 3)) << 24;
}

static void dac_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct tcx *tcx = DEVICE_OF(dev, struct tcx, dev);
    tcx->redraw |= bt458_write(&tcx->dac, (enum bt458_port)(offset >> 2 & 3), (uint8_t)(value >> 24));
}

static void update_irq(struct tcx *tcx)
{
    irq_set(tcx->irq, tcx->thc_misc & THC_MISC_INT && tcx->thc_misc & THC_MISC_INT_ENABLE);
}

static void schedule_retrace(struct tcx *tcx)
{
    if (tcx->thc_misc & THC_MISC_INT_ENABLE)
        clock_event_set(&tcx->retrace_event, sun_fb_next_retrace(&tcx->dev, tcx->height));
    else
        clock_event_cancel(&tcx->retrace_event);
}

static void retrace(void *opaque)
{
    struct tcx *tcx = opaque;
    tcx->thc_misc |= THC_MISC_INT;
    update_irq(tcx);
    schedule_retrace(tcx);
}

/* The beam starts a frame with the way back, so that the interrupt and VSYNC agree. */
static unsigned total_lines(const struct tcx *tcx)
{
    return tcx->height + 37;
}

static unsigned line_count(struct tcx *tcx)
{
    return sun_fb_line(&tcx->dev, tcx->height, total_lines(tcx));
}

static uint64_t thc_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct tcx *tcx = DEVICE_OF(dev, struct tcx, dev);
    switch (offset) {
    case THC_CONFIG: return THC_CONFIG_REV_1;
    case THC_SENSEBUS: return tcx->thc_sense;
    case THC_DELAY: return tcx->thc_delay;
    case THC_STRAPPING: return tcx->thc_strapping;
    case THC_LINECOUNT: return line_count(tcx);
    case THC_MISC: return tcx->thc_misc | (line_count(tcx) < 37 ? THC_MISC_VSYNC : 0);
    case THC_CURSOR_POSITION: return tcx->cursor_position;
    default: break;
    }
    if (offset >= THC_TIMING && offset < THC_MISC)
        return tcx->thc_timing[(offset - THC_TIMING) / 4];
    if (offset >= THC_CURSOR_MASK && offset < THC_CURSOR_BITS)
        return tcx->cursor_mask[(offset - THC_CURSOR_MASK) / 4];
    if (offset >= THC_CURSOR_BITS && offset < THC_END)
        return tcx->cursor_bits[(offset - THC_CURSOR_BITS) / 4];
    return 0;
}

/* The rows that the cursor covers will be drawn. */
static void touch_cursor(struct tcx *tcx)
{
    if (!tcx->planes)
        return;
    int y = (int16_t)tcx->cursor_position;
    for (int row = MAX(y, 0); row < MIN(y + CURSOR_SIZE, (int)tcx->height); row++)
        tcx->dirty_rows[row] = 1;
}

static void thc_write(struct device *dev, uint64_t offset, uint64_t value64, unsigned size)
{
    struct tcx *tcx = DEVICE_OF(dev, struct tcx, dev);
    uint32_t value = (uint32_t)value64;
    switch (offset) {
    case THC_SENSEBUS: tcx->thc_sense = value; return;
    case THC_DELAY: tcx->thc_delay = value; return;
    case THC_STRAPPING: tcx->thc_strapping = value; return;
    case THC_MISC: {
        uint32_t pending = tcx->thc_misc & THC_MISC_INT & ~value;
        tcx->redraw |= (value ^ tcx->thc_misc) & THC_MISC_VIDEO;
        tcx->thc_misc = (value & ~(uint32_t)(THC_MISC_INT | THC_MISC_VSYNC)) | pending;
        schedule_retrace(tcx);
        update_irq(tcx);
        return;
    }
    case THC_CURSOR_POSITION:
        touch_cursor(tcx);
        tcx->cursor_position = value;
        touch_cursor(tcx);
        return;
    default: break;
    }
    if (offset >= THC_TIMING && offset < THC_MISC) {
        tcx->thc_timing[(offset - THC_TIMING) / 4] = value;
    } else if (offset >= THC_CURSOR_MASK && offset < THC_END) {
        uint32_t *words = offset < THC_CURSOR_BITS ? tcx->cursor_mask : tcx->cursor_bits;
        words[offset / 4 % CURSOR_SIZE] = value;
        touch_cursor(tcx);
    } else {
        device_guest_error(dev, "write of %08x to THC register %03x", value, (unsigned)offset);
    }
}

/* The transform engine: drivers set it up and leave it alone; it keeps its registers. */
static uint64_t tec_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct tcx *tcx = DEVICE_OF(dev, struct tcx, dev);
    unsigned reg = (offset & 0xfff) / 4;
    return reg < G_N_ELEMENTS(tcx->tec) ? tcx->tec[reg] : 0;
}

static void tec_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct tcx *tcx = DEVICE_OF(dev, struct tcx, dev);
    unsigned reg = (offset & 0xfff) / 4;
    if (reg < G_N_ELEMENTS(tcx->tec))
        tcx->tec[reg] = (uint32_t)value;
}

/* ---- picture ---- */

static uint32_t deep_colour(uint32_t pixel, const uint32_t colours[256])
{
    uint32_t red = pixel & 0xff, green = pixel >> 8 & 0xff, blue = pixel >> 16 & 0xff;
    switch (pixel & PIXEL_CONTROL) {
    case PIXEL_24_LEVEL: return red << 16 | green << 8 | blue;
    case PIXEL_24_MAPPED:
        return (colours[red] & 0xff0000) | (colours[green] & 0xff00) | (colours[blue] & 0xff);
    default: return colours[red];
    }
}

static void draw_cursor_row(const struct tcx *tcx, int y, uint32_t *to)
{
    int left = (int16_t)(tcx->cursor_position >> 16), row = y - (int16_t)tcx->cursor_position;
    if (row < 0 || row >= CURSOR_SIZE)
        return;
    for (int i = 0; i < CURSOR_SIZE; i++) {
        uint32_t bit = 0x80000000u >> i;
        int x = left + i;
        if (tcx->cursor_mask[row] & bit && x >= 0 && x < (int)tcx->width)
            to[x] = bt458_overlay_colour(&tcx->dac,
                                         tcx->cursor_bits[row] & bit ? CURSOR_COLOUR_1 : CURSOR_COLOUR_0);
    }
}

static void render(void *opaque, struct display_surface *surface, bool full)
{
    struct tcx *tcx = opaque;
    int width = (int)tcx->width, height = (int)tcx->height;
    full |= tcx->redraw || surface->width != width || surface->height != height;
    display_resize(surface, width, height, 1.0);
    bool blink_on = bt458_blink_on(&tcx->dac, sun_fb_frame(&tcx->dev, tcx->height));
    full |= blink_on != tcx->blink_on;
    tcx->blink_on = blink_on;
    tcx->redraw = false;

    bool video = tcx->thc_misc & THC_MISC_VIDEO;
    uint32_t colours[256] = {0};
    if (video)
        bt458_colours(&tcx->dac, blink_on, colours);
    if (full)
        memset(tcx->dirty_rows, 1, tcx->height);
    sun_fb_find_dirty_rows(tcx->vram, tcx->width, tcx->height, tcx->dirty_rows);
    for (int y = 0; y < height; y++) {
        if (!tcx->dirty_rows[y])
            continue;
        tcx->dirty_rows[y] = 0;
        uint32_t first = (uint32_t)(y * width), *to = surface->pixels + y * surface->stride;
        if (tcx->planes && video) {
            for (int x = 0; x < width; x++)
                to[x] = deep_colour(get_pixel(tcx, first + (uint32_t)x), colours);
            draw_cursor_row(tcx, y, to);
        } else {
            const uint8_t *from = tcx->vram->host + first;
            for (int x = 0; x < width; x++)
                to[x] = colours[from[x]];
        }
        display_damage(surface, 0, y, width, 1);
    }
}

/* ---- device ---- */

static void map_registers(struct tcx *tcx, struct bus *bus, const char *name, uint64_t start, uint64_t size,
                          bus_read_fn read, bus_write_fn write, uint8_t widths)
{
    bus_map(bus, &(struct bus_region){.name = name,
                                      .start = start,
                                      .size = size,
                                      .kind = BUS_MMIO,
                                      .dev = &tcx->dev,
                                      .read = read,
                                      .write = write,
                                      .widths = widths,
                                      .endian = BUS_BIG_ENDIAN});
}

void tcx_map(struct tcx *tcx, struct bus *bus, uint64_t base)
{
    const uint8_t command = BUS_WIDTH_32 | BUS_WIDTH_64, pixel = BUS_WIDTH_8 | BUS_WIDTH_16 | BUS_WIDTH_32;
    bus_begin_change(bus);
    bus_map(bus, &(struct bus_region){.name = tcx->rom->id,
                                      .start = base + TCX_ROM,
                                      .size = tcx->rom->size,
                                      .kind = BUS_ROM,
                                      .block = tcx->rom});
    bus_map(bus, &(struct bus_region){.name = tcx->vram->id,
                                      .start = base + TCX_DFB8,
                                      .size = tcx->vram->size,
                                      .kind = BUS_RAM,
                                      .block = tcx->vram});
    map_registers(tcx, bus, "tcx.dac", base + TCX_DAC, 0x4000, dac_read, dac_write, BUS_WIDTH_32);
    map_registers(tcx, bus, "tcx.dhc", base + TCX_DHC, 0x4000, NULL, NULL, BUS_WIDTH_32);
    map_registers(tcx, bus, "tcx.alt", base + TCX_ALT, 0x8000, NULL, NULL, BUS_WIDTH_32);
    map_registers(tcx, bus, "tcx.thc", base + TCX_THC, 0x1000, thc_read, thc_write, BUS_WIDTH_32);
    map_registers(tcx, bus, "tcx.thc8", base + TCX_THC8, 0x1000, thc_read, thc_write, BUS_WIDTH_32);
    map_registers(tcx, bus, "tcx.tec", base + TCX_TEC, 0x2000, tec_read, tec_write, BUS_WIDTH_32);
    map_registers(tcx, bus, "tcx.stip", base + TCX_STIP, TCX_COMMAND_SIZE, NULL, stip_write, command);
    map_registers(tcx, bus, "tcx.blit", base + TCX_BLIT, TCX_COMMAND_SIZE, NULL, blit_write, command);
    map_registers(tcx, bus, "tcx.rstip", base + TCX_RSTIP, TCX_COMMAND_SIZE, NULL, rstip_write, command);
    map_registers(tcx, bus, "tcx.rblit", base + TCX_RBLIT, TCX_COMMAND_SIZE, NULL, rblit_write, command);
    if (tcx->planes) {
        map_registers(tcx, bus, "tcx.dfb24", base + TCX_DFB24, TCX_PIXELS * 4, dfb24_read, dfb24_write,
                      pixel);
        map_registers(tcx, bus, "tcx.rdfb32", base + TCX_RDFB32, TCX_PIXELS * 4, rdfb32_read, rdfb32_write,
                      pixel);
    }
    bus_end_change(bus);
}

static bool tcx_init(struct device *dev, GError **error)
{
    struct tcx *tcx = DEVICE_OF(dev, struct tcx, dev);
    if (tcx->depth != 8 && tcx->depth != 24) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_CONFIG,
                    _("The frame buffer “%s” can’t have %u bits a pixel: there are TCX with 8 and with 24."),
                    dev->id, tcx->depth);
        return false;
    }
    if (!sun_fb_init(dev, tcx->width, tcx->height, tcx->rom_file, &tcx->rom, &tcx->vram, error))
        return false;
    if (tcx->depth == 24) {
        g_autofree char *id = g_strdup_printf("%s.planes", dev->id);
        tcx->planes = ram_block_new(dev->machine->memory, id, TCX_PIXELS * 4, false, error);
        if (!tcx->planes)
            return false;
    }
    tcx->dirty_rows = device_alloc(dev, tcx->height);
    g_autofree char *name = g_strdup_printf("%s.retrace", dev->id);
    clock_event_init(&tcx->retrace_event, dev->machine->clock, name, retrace, tcx);
    machine_set_display(dev->machine, &(struct display_source){.render = render, .opaque = tcx});
    return true;
}

static void tcx_finish(struct device *dev)
{
    clock_event_finish(&DEVICE_OF(dev, struct tcx, dev)->retrace_event);
}

static void tcx_reset(struct device *dev, enum reset_kind kind)
{
    struct tcx *tcx = DEVICE_OF(dev, struct tcx, dev);
    bt458_reset(&tcx->dac);
    memset(tcx->thc_timing, 0, sizeof(tcx->thc_timing));
    tcx->thc_misc = THC_MISC_RESET;
    tcx->thc_delay = tcx->thc_strapping = tcx->thc_sense = 0;
    tcx->cursor_position = 0x7fff7fff; /* out of sight */
    memset(tcx->cursor_mask, 0, sizeof(tcx->cursor_mask));
    memset(tcx->cursor_bits, 0, sizeof(tcx->cursor_bits));
    memset(tcx->tec, 0, sizeof(tcx->tec));
    tcx->blit_latch = 0;
    if (kind == RESET_POWER_ON) {
        ram_prepare_write(tcx->vram, 0, tcx->vram->size);
        memset(tcx->vram->host, 0, tcx->vram->size);
        ram_note_write(tcx->vram, 0, tcx->vram->size);
        if (tcx->planes) {
            ram_prepare_write(tcx->planes, 0, tcx->planes->size);
            memset(tcx->planes->host, 0, tcx->planes->size);
            ram_note_write(tcx->planes, 0, tcx->planes->size);
        }
    }
    tcx->redraw = true;
    schedule_retrace(tcx);
    update_irq(tcx);
}

static bool tcx_check(const void *state, GError **error)
{
    if (((const struct tcx *)state)->dac.component < 3)
        return true;
    g_set_error_literal(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The palette’s state is out of range."));
    return false;
}

static void tcx_loaded(struct device *dev)
{
    DEVICE_OF(dev, struct tcx, dev)->redraw = true;
}

static const struct state_field tcx_fields[] = {
    BT458_FIELDS(struct tcx, dac),
    STATE_ARRAY(struct tcx, thc_timing),
    STATE_FIELD(struct tcx, thc_misc),
    STATE_FIELD(struct tcx, thc_delay),
    STATE_FIELD(struct tcx, thc_strapping),
    STATE_FIELD(struct tcx, thc_sense),
    STATE_FIELD(struct tcx, cursor_position),
    STATE_ARRAY(struct tcx, cursor_mask),
    STATE_ARRAY(struct tcx, cursor_bits),
    STATE_ARRAY(struct tcx, tec),
    STATE_FIELD(struct tcx, blit_latch),
    STATE_END,
};

static const struct device_property tcx_properties[] = {
    {.name = "width",
     .type = PROPERTY_U32,
     .offset = offsetof(struct tcx, width),
     .default_value = 1024,
     .description = "pixels a line: 1024 or 1152"},
    {.name = "height",
     .type = PROPERTY_U32,
     .offset = offsetof(struct tcx, height),
     .default_value = 768,
     .description = "lines: 768 or 900"},
    {.name = "depth",
     .type = PROPERTY_U32,
     .offset = offsetof(struct tcx, depth),
     .default_value = 8,
     .description = "bits a pixel: 8 (TCX) or 24 (S24)"},
    {.name = "rom",
     .type = PROPERTY_STRING,
     .offset = offsetof(struct tcx, rom_file),
     .description = "path of the FCode PROM’s image"},
    {0},
};

const struct device_class tcx_class = {
    .name = "tcx",
    .description = "Sun TCX/S24 frame buffer",
    .size = sizeof(struct tcx),
    .version = 1,
    .init = tcx_init,
    .reset = tcx_reset,
    .finish = tcx_finish,
    .fields = tcx_fields,
    .check = tcx_check,
    .loaded = tcx_loaded,
    .properties = tcx_properties,
};
