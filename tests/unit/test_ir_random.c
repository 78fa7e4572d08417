/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random regions: verified, and the interpreter gives the same state for a region as it was made, without
 * folding, and as folding and passes left it, decoded beforehand or on the spot.
 */
#include <stdlib.h>
#include <string.h>
#include "emulator/jit/ir_internal.h"
#include "tests/unit/ir_random.h"

static char *run(struct ir_random_machine *m, const struct ir_region *r, uint32_t seed,
                 struct ir_scratch **scratch)
{
    ir_random_machine_reset(m, seed);
    uint32_t exit = ir_interp(r, &m->cpu.head, scratch);
    m->cpu.head.mxcsr &= ~0x3fu; /* operations whose results nobody wants may be dropped, flags and all */
    char *text = ir_random_machine_text(m);
    char *all = g_strdup_printf("%skind=%u\n", text, r->exit[exit].kind);
    g_free(text);
    return all;
}

static void check(const struct ir_region *r, uint32_t seed)
{
    const char *wrong = ir_verify(r);

    if (wrong) {
        ir_print(r, stderr);
        g_error("seed %u: %s", seed, wrong);
    }
}

static unsigned kinds[8], runs, early;

/* Folded at all stages against not folded at all. */
static void compare(uint32_t seed, unsigned options, struct ir_random_machine *m, struct ir_builder *b,
                    struct ir_scratch **scratch)
{
    struct ir_region *plain, *better;

    b->no_fold = true;
    plain = ir_region_copy(ir_random_region(b, seed, options, false));
    b->no_fold = false;
    check(plain, seed);
    better = ir_random_region(b, seed, options, true);
    check(better, seed);
    for (uint32_t k = 0; k < 3; k++) {
        g_autofree char *expected = run(m, plain, seed + k, scratch);
        int64_t budget = m->cpu.head.budget;
        g_autofree char *got = run(m, better, seed + k, scratch);
        g_assert_cmpint(m->cpu.head.budget, <=, 1000000);
        kinds[expected[strlen(expected) - 2] - '0']++;
        runs++;
        /* Joined guards, and guards before loops, may fail earlier: the instruction there is then run by
         * itself. */
        if (!(options & IR_RANDOM_USER) && g_str_has_suffix(got, "kind=4\n") &&
            m->cpu.head.budget >= budget) {
            early += !g_str_equal(expected, got);
            continue;
        }
        if (!g_str_equal(expected, got)) {
            ir_print(plain, stderr);
            ir_print(better, stderr);
            g_printerr("seed %u state %u\nexpected %s\ngot %s", seed, seed + k, expected, got);
            g_test_fail();
            break;
        }
    }
    g_free(plain);
}

static void same_after_passes(const void *data)
{
    unsigned options = GPOINTER_TO_UINT(data);
    const char *count = g_getenv("IR_SEEDS"), *only = g_getenv("IR_SEED");
    uint32_t seeds = count ? (uint32_t)atoi(count) : 700, first = only ? (uint32_t)atoi(only) : 0;
    struct ir_random_machine *m = ir_random_machine_create(options);
    struct ir_builder *b = ir_builder_create();
    struct ir_scratch *scratch = NULL;

    memset(kinds, 0, sizeof kinds);
    runs = early = 0;
    for (uint32_t seed = first; seed < (only ? first + 1 : seeds) && !g_test_failed(); seed++)
        compare(seed, options, m, b, &scratch);
    g_test_message("%u of %u runs left early by a guard", early, runs);
    g_assert_cmpuint(early * 10, <=, runs);
    /* the regions do leave in every way that they can */
    if (!only) {
        g_assert_cmpuint(kinds[IR_EXIT_DIRECT], >, 10);
        g_assert_cmpuint(kinds[IR_EXIT_INDIRECT], >, 10);
        g_assert_cmpuint(kinds[IR_EXIT_RAISE], >, 10);
        if (options & IR_RANDOM_MEMORY)
            g_assert_cmpuint(kinds[IR_EXIT_MEMORY], >, 10);
        g_assert_cmpuint(kinds[IR_EXIT_BUDGET], ==, 0);
    }
    ir_interp_scratch_free(scratch);
    ir_builder_destroy(b);
    ir_random_machine_destroy(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/ir/random/integers", GUINT_TO_POINTER(0), same_after_passes);
    g_test_add_data_func("/ir/random/memory-user", GUINT_TO_POINTER(IR_RANDOM_USER | IR_RANDOM_MEMORY),
                         same_after_passes);
    g_test_add_data_func("/ir/random/memory-system", GUINT_TO_POINTER(IR_RANDOM_MEMORY), same_after_passes);
    g_test_add_data_func("/ir/random/calls", GUINT_TO_POINTER(IR_RANDOM_MEMORY | IR_RANDOM_CALLS),
                         same_after_passes);
    g_test_add_data_func("/ir/random/all-user", GUINT_TO_POINTER(IR_RANDOM_ALL), same_after_passes);
    g_test_add_data_func("/ir/random/all-system", GUINT_TO_POINTER(IR_RANDOM_ALL & ~IR_RANDOM_USER),
                         same_after_passes);
    return g_test_run();
}
