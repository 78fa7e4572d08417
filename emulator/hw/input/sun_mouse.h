/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sun serial mouse: Mouse Systems protocol, five bytes a report, 1200 baud.
 *
 * Source: Mouse Systems M-1 technical reference; Linux drivers/input/mouse/sermouse.c, NetBSD
 * sys/dev/sun/ms.c.
 *
 * Board: device_new(), device_start(), then escc->channel[ESCC_B].line = &mouse->line (before the ESCC
 * starts) and machine_add_input(machine, &mouse->sink).
 */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/device.h"

#define SUN_MOUSE_REPORT  5
#define SUN_MOUSE_REPORTS 16

struct sun_mouse {
    struct device dev;
    struct char_backend line; /* the cable: to be put into the serial channel */
    struct input_sink sink;   /* to be registered with the machine */

    int32_t dx, dy;  /* moved since the last report; y up positive */
    uint8_t buttons; /* held: bit 0 right, 1 middle, 2 left, as in the report */
    bool late;       /* a button changed while the queue was full: to be reported when there is room */
    uint8_t queue[SUN_MOUSE_REPORT * SUN_MOUSE_REPORTS];
    uint8_t queue_head, queue_count;
    struct clock_event report_event; /* the line is busy with a report until then */
};

extern const struct device_class sun_mouse_class;
