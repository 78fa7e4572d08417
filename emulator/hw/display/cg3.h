/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sun cgthree: 8-bit colour frame buffer of an SBus slot.
 *
 * Source: NetBSD sys/dev/sun/cgthreereg.h, fbio and btreg.h ("fbcontrol"), Linux drivers/video/fbdev/cg3.c.
 *
 * Board: device_new(), properties, irq, device_start(), cg3_map().
 */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/bus.h"
#include "emulator/core/device.h"
#include "emulator/core/irq.h"
#include "emulator/hw/display/bt458.h"

struct cg3 {
    struct device dev;
    struct irq_line *irq; /* vertical retrace; may be NULL */

    /* Properties. */
    uint32_t width, height; /* default 1024, 768; also 1152, 900 */
    char *rom_file;         /* path of the FCode PROM's image ("QEMU,cgthree.bin"); NULL = empty socket */

    struct ram_block *rom, *vram; /* 64 KiB, 1 MiB */
    struct bt458 dac;
    uint8_t control, status;
    uint8_t timing[14]; /* registers 12..1f */
    struct clock_event retrace_event;

    bool redraw, blink_on; /* derived */
    uint8_t *dirty_rows;   /* one a line; scratch */
};

extern const struct device_class cg3_class;

/* ROM at `base`, registers at + 400000, video memory at + 800000. */
void cg3_map(struct cg3 *cg3, struct bus *bus, uint64_t base);
