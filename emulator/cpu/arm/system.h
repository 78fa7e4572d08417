/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ARM processor as a device of a machine: what a board makes, one per CPU.
 *
 *     struct arm_system *cpu = arm_system_new(machine, "cpu0", arm_find_model("arm1136jf-s"), NULL, error);
 *     cpu->state.bus = machine->bus;
 *     device_start(&cpu->cpu.dev, error);  machine_add_cpu(machine, &cpu->cpu);
 *
 * It starts at address 0, or at the high vectors when the board sets ARM_SCTLR_V in `reset_sctlr`; a board that enters
 * a kernel by itself sets registers and pc after the reset.  Interrupts: set_irq line 0 is IRQ, line 1 FIQ.
 */
#ifndef VITRINE_CPU_ARM_SYSTEM_H
#define VITRINE_CPU_ARM_SYSTEM_H

#include <stdio.h>

#include "emulator/core/bus.h"
#include "emulator/core/machine.h"
#include "emulator/cpu/arm/arm.h"

enum { ARM_LINE_IRQ, ARM_LINE_FIQ };

struct arm_system {
    struct cpu cpu;          /* first */
    struct arm_cpu state;
    uint32_t reset_sctlr;    /* bits that the board's pins set in SCTLR: ARM_SCTLR_V, ARM_SCTLR_B */
    struct jit *jit;         /* the machine's; every CPU of a machine shares one */
    bool saved_idle;         /* cpu.idle, and pc with its state bits, while saving and loading */
    bool owns_jit;           /* this CPU made it and destroys it */
    FILE *log;               /* of that JIT; closed with it */
    struct memory_listener listener;
};

extern const struct device_class arm_system_class;

/* `jit` NULL: makes one from the machine's options (accel), which further CPUs of the machine are given as
 * first->jit. NULL with a sentence when the JIT cannot be made. Registers nothing; see the head of this file. */
struct arm_system *arm_system_new(struct machine *machine, const char *id, const struct arm_model *model,
                                  struct jit *jit, GError **error);

#endif
