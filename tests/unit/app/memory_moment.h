/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moments with memory without a machine that runs: what they hold is made of a number. */
#pragma once

#include "app/history_store.h"

/* Bytes (a multiple of 8) that two numbers make; `b` stands in the second four. */
void memory_fill(guint8 *to, gsize size, guint32 a, guint32 b);
/* The present of a machine that is off as a moment with a few pages of memory, which `memory` (not 0) makes, in the steps
 * of a running machine's: layers, machine.ini, then the node's files. Its id, g_free(); NULL when something failed. */
char *memory_moment_take(const char *bundle, const char *name, guint32 memory);
/* Is the moment's memory what `memory` makes (0: whatever it is)? One that cannot be read ends the test. */
gboolean memory_moment_is(const char *bundle, const char *id, guint32 memory);
