/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/cpu/window.h"

#include <signal.h>
#include <sys/mman.h>

#define WINDOW_SIZE  (UINT64_C(1) << 32)
#define WINDOW_GUARD (UINT64_C(1) << 16) /* on either side */

static struct jit_cpu *current;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    if (current && jit_handle_fault(current, signal, info, context))
        return;
    struct sigaction fatal = {.sa_handler = SIG_DFL};
    sigaction(signal, &fatal, NULL);
}

uint8_t *window_new(size_t size)
{
    uint8_t *reserved = mmap(NULL, WINDOW_SIZE + 2 * WINDOW_GUARD, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    g_assert_true(reserved != MAP_FAILED);
    g_assert_cmpint(mprotect(reserved + WINDOW_GUARD + GUEST_BASE, size, PROT_READ | PROT_WRITE), ==, 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    return reserved + WINDOW_GUARD;
}

void window_free(uint8_t *window)
{
    current = NULL;
    munmap(window - WINDOW_GUARD, WINDOW_SIZE + 2 * WINDOW_GUARD);
}

int window_run(struct jit_cpu *cpu, int64_t insns)
{
    current = cpu;
    return jit_run(cpu, insns) == JIT_STOP_RAISED ? (int)cpu->exit_reason : -1;
}
