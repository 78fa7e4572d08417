/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include "tests/cpu/sparc_guest.h"

struct guest *guest_new(const char *model_id, unsigned tier, size_t size)
{
    const struct sparc_model *model = sparc_find_model(model_id);
    struct jit_options options = {
        .accel = tier ? JIT_ACCEL_JIT : JIT_ACCEL_INTERP,
        .user_mode = true,
        .deterministic = true,
        .max_tier = tier,
    };
    struct guest *g = g_new0(struct guest, 1);
    g_autoptr(GError) error = NULL;
    g->jit = jit_create(sparc_model_guest(model), &options, &error);
    g_assert_no_error(error);
    g->window = window_new(size);
    g->size = size;
    g->cpu = g_new0(struct sparc_cpu, 1);
    sparc_cpu_init(g->cpu, g->jit, model, true);
    g->cpu->jit.window = g->window;
    return g;
}

void guest_free(struct guest *g)
{
    sparc_cpu_finish(g->cpu);
    g_free(g->cpu);
    jit_destroy(g->jit);
    window_free(g->window);
    g_free(g);
}

void guest_store32(struct guest *g, uint32_t at, uint32_t value)
{
    value = GUINT32_TO_BE(value);
    memcpy(g->window + at, &value, 4);
}

uint32_t guest_load32(const struct guest *g, uint32_t at)
{
    uint32_t value;
    memcpy(&value, g->window + at, 4);
    return GUINT32_FROM_BE(value);
}

void guest_code(struct guest *g, uint32_t at, const uint32_t *words, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        guest_store32(g, at + 4 * k, words[k]);
    jit_invalidate_range(g->jit, at, 4 * n);
}

int guest_continue(struct guest *g, int64_t insns)
{
    return window_run(&g->cpu->jit, insns);
}

int guest_run(struct guest *g, uint32_t pc, int64_t insns)
{
    g->cpu->jit.pc = pc;
    g->cpu->jit.npc = pc + 4;
    return guest_continue(g, insns);
}
