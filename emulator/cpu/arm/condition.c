/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Condition flags: how deferred ones are made, tested and packed (0406C A8.3).
 */
#include "emulator/cpu/arm/internal.h"

unsigned arm_flags_of(uint32_t kind, uint32_t a, uint32_t b, uint32_t c, uint32_t nz)
{
    unsigned flags = 0;
    uint64_t wide;
    uint32_t result;
    switch (kind & ~(uint32_t)ARM_FLAGS_NZ) {
    case ARM_FLAGS_PACKED: flags = a & 15; break;
    case ARM_FLAGS_CV: flags = (c & 1) << 1 | a >> 31; break;
    default:
        if ((kind & 7) == ARM_FLAGS_SUB) {
            b = ~b;
            c = 1;
        } else if ((kind & 7) == ARM_FLAGS_ADD) {
            c = 0;
        }
        wide = (uint64_t)a + b + c;
        result = (uint32_t)wide;
        flags = (result >> 31) << 3 | (result == 0) << 2 | (unsigned)(wide >> 32) << 1 |
                ((a ^ result) & (b ^ result)) >> 31;
        break;
    }
    if (kind & ARM_FLAGS_NZ)
        flags = (flags & 3) | (nz >> 31) << 3 | (nz == 0) << 2;
    return flags;
}
