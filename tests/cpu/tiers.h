/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests that run in the interpreter and in both tiers. */
#pragma once

struct tier_test {
    const char *name;
    void (*run)(void);
};

extern unsigned tier; /* that the running test is for: 0 interpreter, 1, 2 */

/* What main() does: each test for each tier, as PREFIX/TIER/NAME. */
int run_in_tiers(int argc, char **argv, const char *prefix, const struct tier_test *tests, unsigned n);
