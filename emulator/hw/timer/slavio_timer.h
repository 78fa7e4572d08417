/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The counter/timers of the sun4m architecture in the SLAVIO chip (NCR89C105): one system counter (level 10)
 * and one counter per processor (level 14) that can also be a 54-bit user timer. They count in steps of 500
 * ns.
 *
 * Sources: NCR89C105 data manual, "Counter/Timers"; "Sun-4M System Architecture"; Linux sun4m_irq.c,
 * time_32.c.
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/core/clock.h"
#include "emulator/core/irq.h"

#define SLAVIO_TIMER_CPUS 4
#define SLAVIO_TIMERS     (SLAVIO_TIMER_CPUS + 1) /* the last one is the system counter */

struct slavio_timer;

struct slavio_counter {
    struct slavio_timer *timer;
    struct clock_event event;
};

struct slavio_timer {
    struct device dev;
    uint32_t cpus;
    struct irq_line *irq[SLAVIO_TIMERS]; /* per processor, then system; set by the board */

    uint32_t limit[SLAVIO_TIMERS];  /* bits 30..9; 0 = counts through */
    int64_t start[SLAVIO_TIMERS];   /* virtual time at which the count was 0 */
    int64_t due[SLAVIO_TIMERS];     /* when the limit is (or was) reached next, by the clock of the machine */
    uint8_t reached[SLAVIO_TIMERS]; /* the limit-reached bit */
    uint64_t raised_at[SLAVIO_TIMERS]; /* instructions then; not saved */
    uint64_t stopped[SLAVIO_TIMERS]; /* user timer: its count of 500 ns while it stands still */
    uint8_t running[SLAVIO_TIMERS];  /* user timer */
    uint32_t user_mode; /* configuration register: bit n = counter of processor n is a user timer */

    struct slavio_counter counter[SLAVIO_TIMERS];
};

extern const struct device_class slavio_timer_class;

void slavio_timer_map(struct slavio_timer *timer, struct bus *bus, uint64_t cpu_base, uint64_t system_base);
