/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A SPARC V8 processor as a device of a machine: what a board makes, one per CPU.
 *
 *     struct sparc_system *cpu = sparc_system_new(machine, "cpu0", sparc_find_model("mb86904"), NULL, error);
 *     cpu->state.prom_base = 0x70000000;  cpu->state.bus = machine->bus;
 *     device_start(&cpu->base.cpu.dev, error);  machine_add_cpu(machine, &cpu->base.cpu);
 *
 * Interrupts: set_irq line 0, value = level 0..15 on the IRL pins.
 */
#pragma once

#include "emulator/cpu/sparc/sparc.h"
#include "emulator/cpu/system_cpu.h"

struct sparc_system {
    struct system_cpu base; /* first */
    struct sparc_cpu state;
};

extern const struct device_class sparc_system_class;

/* `jit` NULL: makes one from the machine's options (accel), which further CPUs of the machine are given as
 * first->base.jit. NULL with a sentence when the JIT cannot be made. Registers nothing; see the head of this file. */
struct sparc_system *sparc_system_new(struct machine *machine, const char *id, const struct sparc_model *model,
                                      struct jit *jit, GError **error);
