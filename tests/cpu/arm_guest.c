/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/cpu/arm_guest.h"

#define WINDOW_SIZE  (UINT64_C(1) << 32)
#define WINDOW_GUARD (UINT64_C(1) << 16)

static struct guest *current;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    if (current && jit_handle_fault(&current->cpu->jit, signal, info, context))
        return;
    struct sigaction fatal = {.sa_handler = SIG_DFL};
    sigaction(signal, &fatal, NULL);
}

struct guest *guest_new(const char *model_id, unsigned tier, bool eager, size_t size)
{
    const struct arm_model *model = arm_find_model(model_id);
    struct jit_options options = {
        .accel = tier ? JIT_ACCEL_JIT : JIT_ACCEL_INTERP,
        .user_mode = true,
        .deterministic = true,
        .max_tier = tier,
        .eager = eager,
        .log = g_getenv("VITRINE_TEST_LOG") ? stderr : NULL,
    };
    struct guest *g = g_new0(struct guest, 1);
    g_autoptr(GError) error = NULL;
    g->jit = jit_create(arm_model_guest(model), &options, &error);
    g_assert_no_error(error);
    uint8_t *reserved = mmap(NULL, WINDOW_SIZE + 2 * WINDOW_GUARD, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    g_assert_true(reserved != MAP_FAILED);
    g->window = reserved + WINDOW_GUARD;
    g->size = size;
    g_assert_cmpint(mprotect(g->window + GUEST_BASE, size, PROT_READ | PROT_WRITE), ==, 0);
    g->cpu = g_new0(struct arm_cpu, 1);
    arm_cpu_init(g->cpu, g->jit, model, true);
    g->cpu->jit.window = g->window;
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    return g;
}

void guest_free(struct guest *g)
{
    arm_cpu_finish(g->cpu);
    g_free(g->cpu);
    jit_destroy(g->jit);
    munmap(g->window - WINDOW_GUARD, WINDOW_SIZE + 2 * WINDOW_GUARD);
    current = NULL;
    g_free(g);
}

void guest_store32(struct guest *g, uint32_t at, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    memcpy(g->window + at, &value, 4);
}

uint32_t guest_load32(const struct guest *g, uint32_t at)
{
    uint32_t value;
    memcpy(&value, g->window + at, 4);
    return GUINT32_FROM_LE(value);
}

void guest_arm(struct guest *g, uint32_t at, const uint32_t *words, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        guest_store32(g, at + 4 * k, words[k]);
    jit_invalidate_range(g->jit, at, 4 * n);
}

void guest_thumb(struct guest *g, uint32_t at, const uint16_t *halves, unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        uint16_t half = GUINT16_TO_LE(halves[k]);
        memcpy(g->window + at + 2 * k, &half, 2);
    }
    jit_invalidate_range(g->jit, at, 2 * n);
}

int guest_continue(struct guest *g, int64_t insns)
{
    current = g;
    enum jit_stop stop = jit_run(&g->cpu->jit, insns);
    return stop == JIT_STOP_RAISED ? (int)g->cpu->jit.exit_reason : -1;
}

int guest_run(struct guest *g, uint32_t pc, int64_t insns)
{
    arm_jump(g->cpu, pc);
    return guest_continue(g, insns);
}

const uint32_t guest_write_all[6] = {
    0xef000000, 0xe3500000, 0xc0811000, 0xc0522000, /* svc 0; cmp r0, #0; addgt r1, r1, r0; subsgt r2, r2, r0 */
    0xc3a00001, 0xcafffff9,                         /* movgt r0, #1; bgt */
};
