/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A processor as a device of a machine, whatever its instruction set: the JIT that it runs on, its memory listener,
 * idleness, instruction count. The instruction set's device begins with it and adds reset, interrupts and saved state.
 */
#pragma once

#include <stdio.h>

#include "emulator/core/bus.h"
#include "emulator/core/machine.h"
#include "emulator/jit/jit.h"

struct system_cpu {
    struct cpu cpu;        /* first */
    struct jit_cpu *state; /* the instruction set's registers begin with it */
    struct bus *bus;       /* what it sees, from system_cpu_start() on */
    void (*map_changed)(struct jit_cpu *state); /* forgets every translated address */
    struct jit *jit;       /* the machine's; every processor of a machine shares one */
    bool owns_jit;         /* this one made it and destroys it */
    bool saved_idle;       /* cpu.idle, while saving and loading */
    FILE *log;             /* of that JIT; closed with it; NULL for none */
    struct memory_listener listener;
};

/* A device of class `cls`, whose struct begins with a struct system_cpu; `state` and `map_changed` are the caller's to
 * set. `jit` NULL: makes one from the machine's options (accel, log). NULL with a sentence when that cannot be. */
struct system_cpu *system_cpu_new(struct machine *machine, const struct device_class *cls, const char *id,
                                  const struct cpu_driver *driver, const struct jit_guest *guest, struct jit *jit,
                                  GError **error);
/* For the class's init: `bus` is what the board has set, NULL is refused with a sentence. */
bool system_cpu_start(struct system_cpu *sys, struct bus *bus, GError **error);
/* For the class's finish, after the instruction set's own; `sys` may never have been started. */
void system_cpu_finish(struct system_cpu *sys);

/* Stops until system_cpu_wake(); ends the running slice. */
void system_cpu_sleep(struct system_cpu *sys);
void system_cpu_wake(struct system_cpu *sys);
enum jit_stop system_cpu_run(struct system_cpu *sys, uint64_t budget);

/* Hooks that need nothing of the instruction set. */
uint64_t system_cpu_icount(const struct cpu *cpu);
void system_cpu_kick(struct cpu *cpu);
void system_cpu_describe(struct device *dev, GString *text);

/* Saved fields of the member `base` of an instruction set's device. */
#define SYSTEM_CPU_FIELDS(type_)                                                                             \
    STATE_FIELD_NAMED(type_, base.saved_idle, "saved_idle"),                                                 \
        STATE_FIELD_NAMED(type_, base.cpu.stopped, "cpu.stopped")
