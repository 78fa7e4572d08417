/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random IR regions, the same for the same seed, and a processor state to run them on: what the builder, the
 * passes, the interpreter and back ends are compared with one another by.
 *
 *     struct ir_random_machine *m = ir_random_machine_create(IR_RANDOM_USER);
 *     struct ir_region *r = ir_random_region(b, seed, options, optimise);   // owned by b
 *     ir_random_machine_reset(m, seed);
 *     ... run r on &m->cpu.head ...
 *     g_autofree char *text = ir_random_machine_text(m);   // compare
 *
 * Loops end by a counter slot, whatever the budget; with a large budget no BUDGET exit is taken.
 */
#ifndef VITRINE_TEST_IR_RANDOM_H
#define VITRINE_TEST_IR_RANDOM_H

#include "emulator/jit/ir.h"
#include "emulator/jit/jit.h"

enum {
    IR_RANDOM_USER = 1,  /* user mode: window + address; else TLB and page look-up */
    IR_RANDOM_FLOAT = 2, /* F32 and F64 arithmetic */
    IR_RANDOM_VECTOR = 4,
    IR_RANDOM_MEMORY = 8,
    IR_RANDOM_CALLS = 16, /* helpers, bank moves */
    IR_RANDOM_ALL = 31,
};

#define IR_RANDOM_RAM 65536u /* bytes of guest memory from address 0 */

struct ir_random_cpu {
    struct jit_cpu head;
    uint32_t r[8];
    uint64_t w[4];
    float s[2];
    double f[3];
    uint8_t v[2][16] __attribute__((aligned(16)));
    uint32_t count;        /* loops */
    uint32_t scratch[4];   /* LDSTATE, STSTATE */
    uint32_t banked[8192]; /* the bank starts in the middle */
};

struct ir_random_machine {
    struct ir_random_cpu cpu;
    struct jit *jit; /* if the runtime is linked */
    struct jit_tlb_entry *own_tlb;
    uint8_t *ram; /* IR_RANDOM_RAM and a page that nobody may touch after it (user mode) */
};

struct ir_random_machine *ir_random_machine_create(unsigned options);
void ir_random_machine_destroy(struct ir_random_machine *m);
void ir_random_machine_reset(struct ir_random_machine *m, uint32_t seed);
char *ir_random_machine_text(
    const struct ir_random_machine *m); /* slots, pc, budget, sticky flags, memory's digest */

struct ir_region *ir_random_region(struct ir_builder *b, uint32_t seed, unsigned options, bool optimise);
extern const struct jit_guest ir_random_guest;

#endif
