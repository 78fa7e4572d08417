/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ARM processor as a device of a machine: what a board makes, one per CPU.
 *
 *     struct arm_system *cpu = arm_system_new(machine, "cpu0", arm_find_model("arm1136jf-s"), NULL, error);
 *     cpu->state.bus = machine->bus;
 *     device_start(&cpu->base.cpu.dev, error);  machine_add_cpu(machine, &cpu->base.cpu);
 *
 * It starts at address 0, or at the high vectors when the board sets ARM_SCTLR_V in `reset_sctlr`; a board that enters
 * a kernel by itself sets registers and pc after the reset.  Interrupts: set_irq line 0 is IRQ, line 1 FIQ.
 */
#pragma once

#include "emulator/cpu/arm/arm.h"
#include "emulator/cpu/system_cpu.h"

enum { ARM_LINE_IRQ, ARM_LINE_FIQ };

struct arm_system {
    struct system_cpu base; /* first */
    struct arm_cpu state;
    uint32_t reset_sctlr; /* bits that the board's pins set in SCTLR: ARM_SCTLR_V, ARM_SCTLR_B */
};

extern const struct device_class arm_system_class;

/* `jit` NULL: makes one from the machine's options (accel), which further CPUs of the machine are given as
 * first->base.jit. NULL with a sentence when the JIT cannot be made. Registers nothing; see the head of this file. */
struct arm_system *arm_system_new(struct machine *machine, const char *id, const struct arm_model *model,
                                  struct jit *jit, GError **error);
