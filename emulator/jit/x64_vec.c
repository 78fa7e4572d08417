/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Vectors of 128 bits. */
#include "emulator/jit/x64.h"

bool x64_vec(struct x64_ctx *c, uint32_t p)
{
    return false;
}
