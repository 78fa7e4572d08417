/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A SPARC V8 processor as a device of a machine: what a board makes, one per CPU.
 *
 *     struct sparc_system *cpu = sparc_system_new(machine, "cpu0", sparc_find_model("mb86904"), jit);
 *     cpu->state.prom_base = 0x70000000;  cpu->state.bus = machine->bus;
 *     device_start(&cpu->cpu.dev, error);  machine_add_cpu(machine, &cpu->cpu);
 *
 * Interrupts: set_irq line 0, value = level 0..15 on the IRL pins.
 */
#ifndef VITRINE_CPU_SPARC_SYSTEM_H
#define VITRINE_CPU_SPARC_SYSTEM_H

#include <stdio.h>

#include "emulator/core/bus.h"
#include "emulator/core/machine.h"
#include "emulator/cpu/sparc/sparc.h"

struct sparc_system {
    struct cpu cpu;          /* first */
    struct sparc_cpu state;
    struct jit *jit;         /* the machine's; every CPU of a machine shares one */
    bool saved_idle;         /* cpu.idle, while saving and loading */
    bool owns_jit;           /* this CPU made it and destroys it */
    FILE *log;               /* of that JIT; closed with it */
    struct memory_listener listener;
};

extern const struct device_class sparc_system_class;

/* `jit` NULL: makes one from the machine's options (accel), which further CPUs of the machine are given as
 * first->jit. NULL with a sentence when the JIT cannot be made. Registers nothing; see the head of this file. */
struct sparc_system *sparc_system_new(struct machine *machine, const char *id, const struct sparc_model *model,
                                      struct jit *jit, GError **error);

#endif
