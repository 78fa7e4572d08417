/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A SPARC processor with some memory and nothing else, for tests: one program in user mode.
 */
#ifndef VITRINE_TESTS_SPARC_GUEST_H
#define VITRINE_TESTS_SPARC_GUEST_H

#include "emulator/cpu/sparc/sparc.h"
#include "tests/cpu/window.h"

struct guest {
    struct jit *jit;
    struct sparc_cpu *cpu;
    uint8_t *window; /* host address of guest address 0; [GUEST_BASE, GUEST_BASE + size) is mapped */
    size_t size;
};

/* tier: 0 interpreter, 1, 2. */
struct guest *guest_new(const char *model, unsigned tier, size_t size);
void guest_free(struct guest *g);
void guest_code(struct guest *g, uint32_t at, const uint32_t *words, unsigned n);
void guest_store32(struct guest *g, uint32_t at, uint32_t value);
uint32_t guest_load32(const struct guest *g, uint32_t at);
/* Runs from pc until something is raised (its trap type), or `insns` were executed (-1). */
int guest_run(struct guest *g, uint32_t pc, int64_t insns);
int guest_continue(struct guest *g, int64_t insns);

#endif
