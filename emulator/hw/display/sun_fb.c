/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emulator/hw/display/sun_fb.h"

#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"

static const struct sun_fb_mode {
    unsigned width, height, refresh_hz;
} modes[] = {{1024, 768, 60}, {1152, 900, 76}};

bool sun_fb_init(struct device *dev, unsigned width, unsigned height, const char *rom_file,
                 struct ram_block **rom, struct ram_block **vram, GError **error)
{
    bool known = false;
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++)
        known |= modes[i].width == width && modes[i].height == height;
    if (!known) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_CONFIG,
                    _("The frame buffer “%s” has no mode of %u × %u pixels: it has 1024 × 768 and 1152 × 900."),
                    dev->id, width, height);
        return false;
    }
    g_autofree char *rom_id = g_strdup_printf("%s.rom", dev->id);
    g_autofree char *vram_id = g_strdup_printf("%s.vram", dev->id);
    *rom = ram_block_new(dev->machine->memory, rom_id, SUN_FB_ROM_SIZE, true, error);
    if (!*rom)
        return false;
    *vram = ram_block_new(dev->machine->memory, vram_id, SUN_FB_VRAM_SIZE, false, error);
    if (!*vram)
        return false;
    if (!rom_file)
        return true;
    g_autofree char *data = NULL;
    gsize size;
    if (!g_file_get_contents(rom_file, &data, &size, error)) {
        g_prefix_error(error, "The frame buffer’s firmware can’t be read. ");
        return false;
    }
    if (size > SUN_FB_ROM_SIZE) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_CONFIG,
                    _("“%s” is larger than the frame buffer’s PROM of 64 KiB."), rom_file);
        return false;
    }
    memcpy((*rom)->host, data, size);
    return true;
}

void sun_fb_find_dirty_rows(struct ram_block *vram, unsigned width, unsigned height, uint8_t *rows)
{
    uint8_t pages[SUN_FB_VRAM_SIZE >> RAM_PAGE_BITS] = {0};
    uint64_t visible = ((uint64_t)width * height + RAM_PAGE_SIZE - 1) & ~(RAM_PAGE_SIZE - 1);
    if (!ram_take_dirty(vram, RAM_PAGE_CLEAN_DISPLAY, 0, visible, pages))
        return;
    for (unsigned y = 0; y < height; y++) {
        unsigned first = y * width >> RAM_PAGE_BITS, last = ((y + 1) * width - 1) >> RAM_PAGE_BITS;
        for (unsigned page = first; page <= last; page++)
            rows[y] |= pages[page];
    }
}

unsigned sun_fb_refresh_hz(unsigned height)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++)
        if (modes[i].height == height)
            return modes[i].refresh_hz;
    return modes[0].refresh_hz;
}

uint64_t sun_fb_frame(struct device *dev, unsigned height)
{
    return muldiv64((uint64_t)clock_now(dev->machine->clock), sun_fb_refresh_hz(height), NS_PER_SECOND);
}

unsigned sun_fb_line(struct device *dev, unsigned height, unsigned total_lines)
{
    uint64_t frame_ns = NS_PER_SECOND / sun_fb_refresh_hz(height);
    uint64_t within = (uint64_t)clock_now(dev->machine->clock) % frame_ns;
    return (unsigned)(within * total_lines / frame_ns);
}

int64_t sun_fb_next_retrace(struct device *dev, unsigned height)
{
    int64_t frame_ns = NS_PER_SECOND / sun_fb_refresh_hz(height);
    return (clock_now(dev->machine->clock) / frame_ns + 1) * frame_ns;
}
