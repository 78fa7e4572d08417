/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of random instruction streams share: their arguments, chance, and the oracle that runs the same program. */
#pragma once

#include <glib.h>

/* --seed N, --streams N; --long sets *streams to `many`. */
void random_arguments(int argc, char **argv, guint32 *seed, unsigned *streams, unsigned many);

static inline guint32 rnd(GRand *r, guint32 n)
{
    return (guint32)g_rand_int_range(r, 0, (gint32)n);
}

/* The program named by the environment's `variable`, or `name` on the path; NULL when there is none. Free with g_free(). */
char *oracle_find(const char *variable, const char *name);
/* Runs `file` as a program under `command` (ends with NULL) and returns what it writes, `size` bytes to be freed with
 * g_free(); NULL when it writes another amount: it failed. */
guint8 *oracle_run(const char *const *command, const GByteArray *file, gsize size);
