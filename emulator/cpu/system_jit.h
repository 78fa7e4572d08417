/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JIT of a machine as its options want it, for the processors' devices.
 */
#ifndef VITRINE_CPU_SYSTEM_JIT_H
#define VITRINE_CPU_SYSTEM_JIT_H

#include <stdio.h>

#include "emulator/core/machine.h"
#include "emulator/jit/jit.h"

/* `log`: where it writes, NULL for nowhere; to be closed after it with system_jit_close_log(). NULL with a sentence. */
struct jit *system_jit_new(struct machine *machine, const struct jit_guest *guest, FILE **log, GError **error);
void system_jit_close_log(FILE *log); /* takes NULL */

#endif
