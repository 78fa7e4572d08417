/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/cpu/tiers.h"

#include <glib.h>

unsigned tier;
static const struct tier_test *running;

static void run_one(gconstpointer data)
{
    tier = GPOINTER_TO_UINT(data) & 3;
    running[GPOINTER_TO_UINT(data) >> 2].run();
}

int run_in_tiers(int argc, char **argv, const char *prefix, const struct tier_test *tests, unsigned n)
{
    static const char *const names[3] = {"interpreter", "tier-1", "tier-2"};
    g_test_init(&argc, &argv, NULL);
    running = tests;
    for (unsigned t = 0; t < G_N_ELEMENTS(names); t++)
        for (unsigned k = 0; k < n; k++) {
            g_autofree char *path = g_strdup_printf("%s/%s/%s", prefix, names[t], tests[k].name);
            g_test_add_data_func(path, GUINT_TO_POINTER(k << 2 | t), run_one);
        }
    return g_test_run();
}
