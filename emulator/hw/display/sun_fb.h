/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Sun's frame buffers have in common: monitor modes, the FCode PROM, finding the lines that changed. */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/bus.h"
#include "emulator/core/device.h"

#define SUN_FB_ROM_SIZE  0x10000
#define SUN_FB_VRAM_SIZE 0x100000

/* Memory blocks "<id>.rom" and "<id>.vram". `rom_file` may be NULL: the socket is empty. Fails with a
 * sentence on modes that the monitor does not have and on a file that can't be read or is larger than the
 * PROM. */
bool sun_fb_init(struct device *dev, unsigned width, unsigned height, const char *rom_file,
                 struct ram_block **rom, struct ram_block **vram, GError **error);

/* Sets rows[y] for each line of `width` bytes that was written since the last call; never clears one. */
void sun_fb_find_dirty_rows(struct ram_block *vram, unsigned width, unsigned height, uint8_t *rows);

/* Frames a second, and the frame and the line that the beam is in. */
unsigned sun_fb_refresh_hz(unsigned height);
uint64_t sun_fb_frame(struct device *dev, unsigned height);
unsigned sun_fb_line(struct device *dev, unsigned height, unsigned total_lines);
/* When the beam will next leave the picture (ns). */
int64_t sun_fb_next_retrace(struct device *dev, unsigned height);
