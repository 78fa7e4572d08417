/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signal handlers without a C library. */
#ifndef VITRINE_TESTS_USER_SIGNALS_H
#define VITRINE_TESTS_USER_SIGNALS_H

#include "check.h"

enum { ONSTACK = 1, RESTART = 2, RESETHAND = 4, NODEFER = 0x20, SIGINFO = 0x200 };

typedef void handler(int signal, uint32_t *info, uint32_t *regs);

/* The kernel returns into this; it is told the address less 8, as it would be in %o7. */
void restore_rt(void);
__asm__("	.text\n	.align 4\n	.globl restore_rt\n"
        "restore_rt:\n	mov 101, %g1\n	ta 0x10\n");

static inline void install_masked(int signal, handler *run, uint32_t flags, uint32_t low_mask)
{
    /* handler, flags, restorer, mask of 64 signals */
    uint32_t action[5] = {(uint32_t)run, flags, 0, low_mask, 0};

    EXPECT(CALL5(NR_rt_sigaction, signal, action, 0, flags & SIGINFO ? (uint32_t)restore_rt - 8 : 0, 8), 0);
}

static inline void install(int signal, handler *run, uint32_t flags)
{
    install_masked(signal, run, flags, 0);
}

static inline uint32_t bit(int signal)
{
    return 1u << (signal - 1);
}

/* how: 1 block, 2 unblock, 4 set */
static inline uint32_t mask(int how, uint32_t low)
{
    uint32_t set[2] = {low, 0}, old[2] = {0, 0};

    EXPECT(CALL4(NR_rt_sigprocmask, how, set, old, 8), 0);
    return old[0];
}

#endif
