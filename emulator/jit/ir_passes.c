/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Optimisation of whole regions, for code that was seen to be hot.
 */
#include "emulator/jit/ir_internal.h"

void ib_optimise(struct ir_builder *b)
{
}
