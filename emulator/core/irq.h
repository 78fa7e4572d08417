/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interrupt and signal lines. The *receiver* owns the struct (it is an input pin); a source holds a pointer
 * to it, set by the board, and may hold NULL for a pin that is not wired. The handler runs on every change of
 * level, on the machine thread. Receivers save their pins' levels with STATE_IRQ.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct irq_line {
    void (*handler)(void *opaque, int number, bool level);
    void *opaque; /* the receiver */
    int number;   /* which of its pins */
    bool level;
};

static inline void irq_init(struct irq_line *line, void (*handler)(void *, int, bool), void *opaque,
                            int number)
{
    *line = (struct irq_line){.handler = handler, .opaque = opaque, .number = number};
}

static inline void irq_set(struct irq_line *line, bool level)
{
    if (line && line->level != level) {
        line->level = level;
        line->handler(line->opaque, line->number, level);
    }
}

static inline void irq_raise(struct irq_line *line)
{
    irq_set(line, true);
}

static inline void irq_lower(struct irq_line *line)
{
    irq_set(line, false);
}

static inline void irq_pulse(struct irq_line *line)
{
    irq_set(line, true);
    irq_set(line, false);
}
