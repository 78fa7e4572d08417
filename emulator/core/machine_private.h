/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of core share about a machine and nobody else needs. */
#pragma once

#include <glib.h>
#include <stdatomic.h>

#include "emulator/core/machine.h"

struct machine_private {
    GMutex lock; /* posts, completions, stats */
    GQueue posts;
    struct block_request *completed; /* by workers, latest first */
    int wake_fd;
    atomic_bool woken;
    atomic_int requests_in_flight; /* with workers */
    GSList *parked;                /* requests that wait for space on the host; machine thread */

    bool quit, reset_pending, off_pending, in_loop;
    int off_status;
    bool watched;

    uint64_t base_icount; /* instructions of all finished slices */
    struct cpu *running;  /* inside a slice */
    uint64_t slice_start; /* its icount at the start of the slice */
    int64_t slice_deadline;
    uint64_t icount_limit; /* machine_run_until_icount(); UINT64_MAX otherwise */
    double insns_per_ns;   /* measured */

    uint64_t asked;         /* in this slice (machine_note_asked) */
    uint64_t device_writes; /* when the last slice ended */
    int64_t asking_since;   /* host ns; 0 = the guest does something else, too */

    int64_t last_poll, last_render, last_network; /* host ns */
    struct machine_stats stats;
    int64_t stats_host, stats_virtual, stats_cpu_time;
    uint64_t stats_icount;
    GArray *fds;
    uint64_t moments; /* numbered so far (moment.h) */
};

/* Thread safe: the loop looks at its posts and completions soon; ends a running slice. */
void machine_wake(struct machine *machine);
/* Thread safe: a worker is done with the request (its result is set). */
void machine_block_completed(struct machine *machine, struct block_request *request);
/* Machine thread: turns completions into set clock events. */
void machine_collect_completions(struct machine *machine);
/* Waits for all workers; afterwards every request under way is a set clock event. */
void machine_drain_blocks(struct machine *machine);

/* Brings the figures up to date (machine thread); `now`: even if they are fresh. */
void machine_update_stats(struct machine *machine, bool now);
int64_t machine_host_ns(void);
