/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The page of kernel user helpers that Linux gives to ARM programs at 0xffff0000
 * (Documentation/arch/arm/kernel_user_helpers.rst).  Entry points are translated as a whole.
 */
#include <string.h>
#include "emulator/cpu/arm/internal.h"

#define KUSER_VERSION 5 /* with cmpxchg64 */

enum {
    KUSER_CMPXCHG64 = 0xf60,
    KUSER_BARRIER = 0xfa0,
    KUSER_CMPXCHG = 0xfc0,
    KUSER_GET_TLS = 0xfe0,
};

void arm_kuser_page(uint8_t page[4096])
{
    static const uint8_t undefined[4] = {0xf0, 0x01, 0xf0, 0xe7}; /* udf #16 */
    for (unsigned at = 0; at < 4096; at += 4)
        memcpy(page + at, undefined, 4);
    memset(page + 0xffc, 0, 4);
    page[0xffc] = KUSER_VERSION;
}

/* r0 = 0 and C set when *r2 was r0 and is r1 now. */
static void compare_and_exchange(struct xlat *x)
{
    struct ir_builder *b = x->b;
    ir_ref guard = ir_guard(b, ax_mem(x, 2) | IR_MEM_READ | IR_MEM_WRITE, ax_reg(x, 2)), expected = ax_reg(x, 0);
    ir_ref old = ir_atomic(b, IR_CAS, IR_I32, ax_mem(x, 2), guard, expected, ax_reg(x, 1));
    flags_set_sub(x, ax_i32(x, 0), ir_icmp(b, IR_NE, old, expected));
    ax_put(x, 0, ir_bin(b, IR_SUB, old, expected));
}

/* The same with 64 bits at r0, r1 and r2. */
static void compare_and_exchange64(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned aux = ax_mem(x, 3);
    ir_ref expected = ir_load(b, IR_I64, aux, ax_reg(x, 0)), fresh = ir_load(b, IR_I64, aux, ax_reg(x, 1));
    ir_ref guard = ir_guard(b, aux | IR_MEM_READ | IR_MEM_WRITE, ax_reg(x, 2));
    ir_ref old = ir_atomic(b, IR_CAS, IR_I64, aux, guard, expected, fresh);
    ir_ref failed = ir_icmp(b, IR_NE, old, expected);
    flags_set_sub(x, ax_i32(x, 0), failed);
    ax_put(x, 0, failed);
}

bool arm_emit_kuser(struct xlat *x)
{
    if (x->thumb)
        return false;
    switch (x->pc & 0xfff) {
    case KUSER_CMPXCHG64: compare_and_exchange64(x); break;
    case KUSER_BARRIER: ir_fence(x->b); break;
    case KUSER_CMPXCHG: compare_and_exchange(x); break;
    case KUSER_GET_TLS:
        ax_put(x, 0, ir_ldstate(x->b, IR_I32, 2, offsetof(struct arm_cpu, tpidruro)));
        break;
    default: return false;
    }
    ax_jump_to(x, ax_reg(x, 14), false, IR_HINT_RETURN);
    return true;
}
