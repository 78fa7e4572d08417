/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sun TCX frame buffer: the 8-bit one of the SPARCstation 4/5 board, and the S24 card with 24 bits and a
 * control plane.
 *
 * There is no public data sheet: registers after NetBSD sys/dev/sbus/tcxreg.h and tcx.c, Linux
 * drivers/video/fbdev/tcx.c, and the X.Org suntcx driver (cursor, raster operations).
 *
 * Board: device_new(), properties, irq, device_start(), tcx_map().
 */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/bus.h"
#include "emulator/core/device.h"
#include "emulator/core/irq.h"
#include "emulator/hw/display/bt458.h"

struct tcx {
    struct device dev;
    struct irq_line *irq; /* vertical retrace; may be NULL */

    /* Properties. */
    uint32_t width, height; /* default 1024, 768; also 1152, 900 */
    uint32_t depth;         /* 8 (default) or 24 */
    char *rom_file;         /* path of the FCode PROM's image ("QEMU,tcx.bin"); NULL = empty socket */

    struct ram_block *rom, *vram; /* 64 KiB; 1 MiB: the low byte of each pixel */
    struct ram_block *planes;     /* S24: 4 MiB of big-endian words: bits 25..8 of each pixel; else NULL */
    struct bt458 dac;
    uint32_t thc_timing[6]; /* HS, HSDVS, HD, VS, VD, REFRESH */
    uint32_t thc_misc, thc_delay, thc_strapping, thc_sense;
    uint32_t cursor_position;
    uint32_t cursor_mask[32], cursor_bits[32];
    uint32_t tec[32];
    uint32_t blit_latch; /* first word of a STIP or BLIT command that comes in halves */
    struct clock_event retrace_event;

    bool redraw, blink_on; /* derived */
    uint8_t *dirty_rows;   /* derived: lines to be drawn for another reason than a write to `vram` */
};

extern const struct device_class tcx_class;

/* All apertures, from the ROM at `base` to RBLIT at `base` + 0e000000. */
void tcx_map(struct tcx *tcx, struct bus *bus, uint64_t base);
