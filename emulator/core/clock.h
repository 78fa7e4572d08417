/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one virtual clock of a machine, in nanoseconds from power on, and its heap of named events.
 *
 * CLOCK_HOST: the host's monotonic time, less the time the machine was paused, plus what `warp` skipped.
 * CLOCK_INSTRUCTIONS: (instructions run) * ns_per_insn + skipped idle time: the same input gives the same
 * run.
 *
 * Events of one deadline fire in the order in which they were set. A name is unique in a clock; saved state
 * holds {name, deadline, order}, never a pointer. Everything here belongs to the machine thread.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_US     INT64_C(1000)

enum clock_mode { CLOCK_HOST, CLOCK_INSTRUCTIONS };

struct clock;

struct clock_event {
    struct clock *clock; /* NULL before clock_event_init() */
    char *name;
    void (*fire)(void *opaque);
    void *opaque;
    int64_t deadline;
    uint64_t order;
    int heap_index; /* -1 = not set */
};

struct clock *clock_new(enum clock_mode mode, double ns_per_insn);
void clock_free(struct clock *clock);

/* `icount` tells the instructions run so far, inside a running slice too. Needed in CLOCK_INSTRUCTIONS. */
void clock_set_instruction_source(struct clock *clock, uint64_t (*icount)(void *opaque), void *opaque);
/* Called when an event becomes the first one while the CPU may be running: the machine shortens its slice. */
void clock_set_deadline_listener(struct clock *clock, void (*changed)(void *opaque), void *opaque);

enum clock_mode clock_mode(const struct clock *clock);
double clock_ns_per_insn(const struct clock *clock);
int64_t clock_now(const struct clock *clock);

/* Host mode: time stands still between pause and resume. A new clock is paused. */
void clock_pause(struct clock *clock);
void clock_resume(struct clock *clock);
/* Moves the clock forward to `ns` (no effect when it is already there): idle time is skipped. */
void clock_skip_to(struct clock *clock, int64_t ns);
/* Instruction mode: how many instructions until the clock reaches `deadline` (0 = it has). */
uint64_t clock_instructions_until(const struct clock *clock, int64_t deadline);

/* Registers the event under a copy of `name`; a second event of the same name is a programming error.
 * finish cancels and unregisters (harmless on a zeroed event). */
void clock_event_init(struct clock_event *event, struct clock *clock, const char *name,
                      void (*fire)(void *opaque), void *opaque);
void clock_event_finish(struct clock_event *event);
/* Sets or moves the deadline (absolute ns). A deadline in the past fires at the next opportunity. */
void clock_event_set(struct clock_event *event, int64_t deadline);
void clock_event_cancel(struct clock_event *event);
bool clock_event_is_set(const struct clock_event *event);

/* Deadline of the first event; INT64_MAX when there is none. */
int64_t clock_next_deadline(const struct clock *clock);
/* Fires everything due now; returns the number fired. */
unsigned clock_run_due(struct clock *clock);

/* The clock's chunk of saved state. Loading checks every name first and changes nothing unless all is well;
 * `apply` false only checks. */
void clock_save(struct clock *clock, GByteArray *out);
bool clock_load(struct clock *clock, const uint8_t *data, size_t size, bool apply, GError **error);

/* a * b / c without overflow of the intermediate product; for converting ns to ticks and back. */
static inline uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c)
{
    return (uint64_t)((unsigned __int128)a * b / c);
}
