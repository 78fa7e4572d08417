/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mostek/SGS-Thomson M48T08 TIMEKEEPER: 8 KiB of battery-backed memory whose last eight bytes are a clock.
 * Source: SGS-Thomson data sheet M48T08, M48T18; Linux drivers/rtc/rtc-m48t59.c.
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/core/device.h"

#define M48T08_SIZE  0x2000
#define M48T08_CLOCK 0x1ff8

struct m48t08 {
    struct device dev;
    uint32_t base_year; /* the year that the register value 00 stands for: Sun uses 1968 */
    uint8_t *bytes;     /* M48T08_SIZE; allocated by init, filled in by the board before the first reset */
    int64_t offset;     /* seconds: clock - machine_rtc_seconds() */
    uint8_t clock[8];   /* registers as the processor sees them while R or W holds them */
    bool stopped;       /* ST: the oscillator stands still */
    int64_t stopped_at;
    int32_t weekday_shift;
};

extern const struct device_class m48t08_class;

void m48t08_map(struct m48t08 *nvram, struct bus *bus, uint64_t base);
