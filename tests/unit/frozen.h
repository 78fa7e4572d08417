/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A compiled region for tests of what outlives a process: it calls a helper, loads, and counts its runs. */
#pragma once

#include "emulator/jit/backend.h"

static const struct ir_slot frozen_slots[] = {{"a", IR_I32, false, 512}};
static const struct jit_guest frozen_guest = {
    .name = "test", .n_slots = 1, .slot = frozen_slots, .state_size = 1024, .insn_shift = 2};

static uint64_t frozen_helper(struct jit_cpu *cpu, uint64_t value)
{
    return value * 3 + (cpu != NULL);
}

/* a = helper(a) + mem[a]; the heat counter counts down. */
static inline bool frozen_compile(struct backend *be, int32_t *heat, struct compiled *out)
{
    static const struct ir_helper helper = {"triple", (void *)(uintptr_t)frozen_helper, IR_HELPER_PURE, 1, IR_I32, {IR_I32}};
    struct ir_builder *b = ir_builder_create();
    bool good;

    ir_begin(b, &frozen_guest, 0x1000, 0, 0, true);
    ir_block_start(b, ir_block_new(b, 0x1000, 0));
    ir_set_pc(b, 0x1000, 0);
    ir_charge(b, 0);
    ir_ref a = ir_get(b, 0), three = ir_call(b, &helper, &a);
    ir_put(b, 0, ir_bin(b, IR_ADD, three, ir_load(b, IR_I32, 2, a)));
    ir_insns_done(b, 1);
    ir_exit(b, IR_EXIT_DIRECT, IR_HINT_NONE, 0x2000, 0, IR_NONE, IR_NONE);
    good = backend_compile(be, ir_finish(b, false), 1, heat, NULL, out);
    ir_builder_destroy(b);
    return good;
}
