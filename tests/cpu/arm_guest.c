/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include "tests/cpu/arm_guest.h"

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
    g->window = window_new(size);
    g->size = size;
    g->cpu = g_new0(struct arm_cpu, 1);
    arm_cpu_init(g->cpu, g->jit, model, true);
    g->cpu->jit.window = g->window;
    return g;
}

void guest_free(struct guest *g)
{
    arm_cpu_finish(g->cpu);
    g_free(g->cpu);
    jit_destroy(g->jit);
    window_free(g->window);
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
    return window_run(&g->cpu->jit, insns);
}

int guest_run(struct guest *g, uint32_t pc, int64_t insns)
{
    arm_jump(g->cpu, pc);
    return guest_continue(g, insns);
}
