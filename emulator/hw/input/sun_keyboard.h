/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sun Type 5 keyboard on a serial line of 1200 baud.
 *
 * Source: Sun, "SPARC Keyboard Specification, Version 1" (800-6570), appendix A and B of "SBus/SPARC
 * International Keyboard"; commands and scan codes as in Linux drivers/input/keyboard/sunkbd.c and NetBSD
 * sys/dev/sun/kbd_reg.h.
 *
 * Board: device_new(), device_start(), then escc->channel[ESCC_A].line = &keyboard->line (before the ESCC
 * starts) and machine_add_input(machine, &keyboard->sink).
 */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/device.h"

#define SUN_KEYBOARD_QUEUE 128

struct sun_keyboard {
    struct device dev;
    struct char_backend line; /* the cable: to be put into the serial channel */
    struct input_sink sink;   /* to be registered with the machine */

    uint32_t layout; /* property: DIP switches as reported, default 0x21 (US, Type 5) */

    uint8_t queue[SUN_KEYBOARD_QUEUE]; /* bytes on their way to the machine */
    uint8_t queue_head, queue_count;
    uint8_t argument_of; /* the command that waits for its argument; 0 = none */
    uint8_t leds;        /* bit 0 Num Lock, 1 Compose, 2 Scroll Lock, 3 Caps Lock */
    bool bell, click;
    uint8_t down[128];              /* host keys that hold this scan code down */
    struct clock_event reset_event; /* self test under way */
};

extern const struct device_class sun_keyboard_class;

/* The Sun scan code of an evdev key code; 0 if the keyboard has no such key. */
uint8_t sun_keyboard_scan_code(unsigned evdev_code);
