/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ARM processor with some memory and nothing else, for tests: one program in user mode.
 */
#ifndef VITRINE_TESTS_ARM_GUEST_H
#define VITRINE_TESTS_ARM_GUEST_H

#include "emulator/cpu/arm/arm.h"
#include "tests/cpu/window.h"

struct guest {
    struct jit *jit;
    struct arm_cpu *cpu;
    uint8_t *window; /* host address of guest address 0; [GUEST_BASE, GUEST_BASE + size) is mapped */
    size_t size;
};

/* tier: 0 interpreter, 1, 2; eager: regions are compiled at once. */
struct guest *guest_new(const char *model, unsigned tier, bool eager, size_t size);
void guest_free(struct guest *g);
void guest_arm(struct guest *g, uint32_t at, const uint32_t *words, unsigned n);
void guest_thumb(struct guest *g, uint32_t at, const uint16_t *halves, unsigned n);
void guest_store32(struct guest *g, uint32_t at, uint32_t value);
uint32_t guest_load32(const struct guest *g, uint32_t at);
/* Runs from pc (bit 0: Thumb) until something is raised (enum arm_exception), or `insns` were executed (-1). */
int guest_run(struct guest *g, uint32_t pc, int64_t insns);
int guest_continue(struct guest *g, int64_t insns);

#endif
