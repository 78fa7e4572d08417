/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disassembler for the log.
 */
#include "emulator/cpu/arm/internal.h"

#include "emulator/jit/listing.h"

unsigned arm_disassemble(uint64_t pc, const uint8_t *code, uint32_t avail, char *text, size_t size)
{
    enum jit_listing kind = pc & PC_T ? JIT_LISTING_THUMB : JIT_LISTING_ARM;
    unsigned least = pc & PC_T ? 2 : 4, n;

    g_strlcpy(text, "?", size);
    if (avail < least)
        return avail ? avail : 1;
    n = jit_listing_line(kind, (uint32_t)pc & ~1u, code, avail, text, size);
    if (n)
        return n;
    for (unsigned k = 0; k < least; k++)
        g_snprintf(text + 2 * k, size - 2 * k, "%02x", code[k]);
    return least;
}
