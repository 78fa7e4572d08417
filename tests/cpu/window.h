/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The address space of a program in user mode: a reserved window of host memory whose faults go to the JIT. */
#pragma once

#include "emulator/jit/jit.h"

#define GUEST_BASE 0x10000u

/* Host address of guest address 0; [GUEST_BASE, GUEST_BASE + size) can be used. */
uint8_t *window_new(size_t size);
void window_free(uint8_t *window);
/* Runs until something is raised (its exit_reason) or `insns` were executed (-1). */
int window_run(struct jit_cpu *cpu, int64_t insns);
