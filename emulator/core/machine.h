/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine: buses, clock, devices, CPUs, and the loop that runs them on one thread, the machine thread.
 * Everything in it belongs to that thread; machine_post() is the only door from outside.
 */
#pragma once

#include <glib.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "emulator/core/backends.h"
#include "emulator/core/bus.h"
#include "emulator/core/clock.h"
#include "emulator/core/device.h"
#include "emulator/core/irq.h"
#include "emulator/core/state.h"

#define MACHINE_MAX_CPUS 16

enum machine_accel { ACCEL_JIT, ACCEL_INTERP, ACCEL_KVM };

struct machine_options {
    enum machine_accel accel;
    bool deterministic; /* the clock counts instructions; idle time is always skipped */
    bool warp;          /* idle time is skipped in host-clock mode too */
    double ns_per_insn; /* deterministic mode; 0 = the board's choice */
    const char *log;    /* comma-separated log topics; NULL = none; a copy is kept */
    int64_t rtc_base;   /* seconds since 1970 at power on; INT64_MIN = host time (a fixed date when
                           deterministic) */
};

/* ---- CPUs ---- */

enum cpu_stop {
    CPU_STOP_BUDGET, /* the budget is used up, or set_irq/kick ended the slice early */
    CPU_STOP_IDLE,   /* waits for an interrupt (standby, HLT, wait-for-interrupt) */
    CPU_STOP_HALTED, /* dead until reset (SPARC error mode, x86 triple fault): the machine decides */
    CPU_STOP_DEBUG,  /* breakpoint or single step */
};

struct cpu;

/*
 * What the machine needs of a CPU. A CPU implementation embeds `struct cpu` (which is a device: its class row
 * gives reset, saved fields and finish) and fills in a driver row.
 */
struct cpu_driver {
    const char *name; /* "sparcv8" */
    /* Runs at most `budget` instructions (exactly so in deterministic mode: an event falls on an instruction
     * count). Returns early when set_irq(), kick() or halt() was called in between, also from inside a device
     * callback. */
    enum cpu_stop (*run)(struct cpu *cpu, uint64_t budget);
    /* Instructions completed since power on. Exact inside a device callback too in deterministic mode. */
    uint64_t (*icount)(const struct cpu *cpu);
    /* Interrupt request lines; the meaning of `line` is the architecture's (SPARC: the level 0..15 on the IRL
     * pins, as `line` 0 and `value` the level). Ends the running slice. Also wakes an idle CPU when it is to
     * be taken. */
    void (*set_irq)(struct cpu *cpu, unsigned line, unsigned value);
    /* Ends the running slice after the current instruction (machine thread or any other: must be thread
     * safe). */
    void (*kick)(struct cpu *cpu);
    /* Idle from outside: a power controller stops the CPU until its next interrupt. */
    void (*set_idle)(struct cpu *cpu);
};

struct cpu {
    struct device dev;
    const struct cpu_driver *driver;
    unsigned index;
    bool idle;    /* maintained by the implementation: nothing to do until an interrupt. To be saved. */
    bool stopped; /* held by the board (other CPUs of a multiprocessor before they are started). To be saved.
                   */
};

/* ---- what the loop polls ---- */

/* A source of file descriptors (libslirp, serial lines). prepare adds its descriptors to `fds` and lowers
 * *timeout_ms; dispatch gets the same array back, with its own entries from index `first` on. */
struct machine_poller {
    void (*prepare)(void *opaque, GArray *fds /* struct pollfd */, int *timeout_ms);
    void (*dispatch)(void *opaque, const GArray *fds, unsigned first);
    void *opaque;
};

enum machine_run_state {
    MACHINE_PAUSED,
    MACHINE_RUNNING,
    MACHINE_OFF,   /* the guest powered off, or power was cut */
    MACHINE_ERROR, /* a CPU is dead, or an internal error: see `message` */
};

/* How the engine hears of the machine. On the machine thread. */
struct machine_events {
    void (*run_state)(void *opaque, enum machine_run_state state);
    void (*frame)(void *opaque, struct display_surface *surface); /* after each render with damage */
    void (*guest_reset)(void *opaque);
    void *opaque;
};

struct machine {
    char *id; /* board row: "ss5"; part of saved state */
    struct machine_options options;

    struct memory *memory;
    GPtrArray *buses; /* struct bus *, owned */
    struct bus *bus;  /* what the CPUs see */
    struct clock *clock;
    GPtrArray *devices; /* struct device *, owned, in order of creation: also the order of reset and save */
    struct cpu *cpus[MACHINE_MAX_CPUS];
    unsigned cpu_count, current_cpu;

    GPtrArray *block_backends; /* owned */
    GPtrArray *char_backends;  /* owned; entries may be NULL */
    GPtrArray *net_backends;   /* owned */
    struct audio_backend *audio;

    struct display_source display_source;
    struct display_surface surface;
    GArray *inputs;  /* struct input_sink */
    GArray *pollers; /* struct machine_poller * */

    enum machine_run_state run_state;
    int exit_status;
    char *message; /* why MACHINE_ERROR */
    struct machine_events events;
    FILE *guest_log; /* where the guest's mistakes are written down (log.h), owned; NULL = nowhere */

    struct machine_private *priv;
};

struct machine *machine_new(const char *id, const struct machine_options *options);
/* Frees everything the machine owns; devices in reverse order. */
void machine_free(struct machine *machine);

struct bus *machine_add_bus(struct machine *machine, const char *name, enum bus_endian endian,
                            enum bus_unassigned unassigned);
/* The CPU's device must have been made with device_new(). */
void machine_add_cpu(struct machine *machine, struct cpu *cpu);
void machine_set_display(struct machine *machine, const struct display_source *source);
void machine_add_input(struct machine *machine, const struct input_sink *sink);
void machine_add_poller(struct machine *machine, struct machine_poller *poller);
void machine_remove_poller(struct machine *machine, struct machine_poller *poller);
struct device *machine_find_device(struct machine *machine, const char *id);

/* Seconds since 1970 as the guest's clock chip shall show it: rtc_base + virtual time. */
int64_t machine_rtc_seconds(struct machine *machine);

/* ---- called by devices ---- */

/* The guest pressed reset: done at the next safe point. */
void machine_request_reset(struct machine *machine);
/* The guest switched the supply off. */
void machine_request_power_off(struct machine *machine, int exit_status);
void machine_fail(struct machine *machine, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The guest asked for something from outside, a serial line's next byte, and it has not come. A guest that does
 * nothing but ask for seconds on end, as a firmware at its prompt does, waits: its machine then takes next to
 * no time of the host. */
void machine_note_asked(struct machine *machine);

/* ---- driving it ---- */

/* Resets all devices in order. */
void machine_reset(struct machine *machine, enum reset_kind kind);

/* Runs `fn` on the machine thread at the next safe point; thread safe. Posts run in order. */
void machine_post(struct machine *machine, void (*fn)(struct machine *machine, void *data), void *data);

/* The loop: runs until machine_quit() was called (by a posted function) or, if `until_ns` >= 0, virtual time
 * reaches it. Sleeps while paused or idle. Call from the machine thread. */
void machine_run(struct machine *machine, int64_t until_ns);
void machine_quit(struct machine *machine); /* machine thread */
/* Runs until exactly `icount` instructions in all were run (deterministic mode), or the machine stopped. For
 * tests. */
void machine_run_until_icount(struct machine *machine, uint64_t icount);

void machine_set_running(struct machine *machine, bool running); /* pause and resume; machine thread */

uint64_t machine_icount(const struct machine *machine);

/* Figures of the last second or so; any thread. */
struct machine_stats {
    uint64_t icount;
    int64_t virtual_ns;
    double speed_percent; /* virtual against host time while running */
    double mips;
    double host_cpu_percent; /* of the machine thread, of one core */
};
void machine_get_stats(struct machine *machine, struct machine_stats *stats);

/* A frame went to the network: with `warp`, time is not skipped until an answer had its chance. */
void machine_note_network(struct machine *machine);

/* Draws now, whoever looks. `full` redraws everything. */
void machine_render(struct machine *machine, bool full);
/* Somebody looks at the picture: render at ~60 Hz (host time). */
void machine_set_watched(struct machine *machine, bool watched);

void machine_input_key(struct machine *machine, unsigned code, bool down);
void machine_input_pointer_relative(struct machine *machine, int dx, int dy);
void machine_input_pointer_absolute(struct machine *machine, unsigned x, unsigned y);
void machine_input_button(struct machine *machine, unsigned code, bool down);
void machine_input_wheel(struct machine *machine, int dx, int dy);
void machine_input_release(struct machine *machine); /* all keys and buttons */

/* Devices, properties, maps: text for `vitrine info`; free with g_free(). */
char *machine_describe(struct machine *machine);
