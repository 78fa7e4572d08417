/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The small registers of a sun4m board: configuration, auxiliary 1 (lamp, floppy terminal count), auxiliary 2
 * (power), diagnostic message, modem, lamps, system control and status (reset), and the AFX bus probe
 * register. Sources: NCR89C105 data manual, "Miscellaneous"; Linux arch/sparc/include/asm/auxio_32.h,
 * arch/sparc/kernel/auxio_32.c.
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/core/irq.h"

struct slavio_misc {
    struct device dev;
    struct irq_line *floppy_terminal_count; /* to the floppy controller's TC pin; may be NULL */
    void (*floppy_eject)(void *opaque);     /* may be NULL */
    void *floppy_opaque;

    uint8_t configuration, aux1, aux2, diagnostic, modem;
    uint16_t leds;
    uint32_t system_control;
    uint32_t afx;
};

extern const struct device_class slavio_misc_class;

/* Where the registers stand; 0 = the board does not have it. */
struct slavio_misc_map {
    uint64_t configuration, aux1, aux2, diagnostic, modem, leds, system_control, afx;
};
void slavio_misc_map(struct slavio_misc *misc, struct bus *bus, const struct slavio_misc_map *map);
