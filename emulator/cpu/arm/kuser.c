/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The page of kernel user helpers that Linux gives to ARM programs at 0xffff0000
 * (Documentation/arch/arm/kernel_user_helpers.rst).
 */
#include <string.h>
#include "emulator/cpu/arm/internal.h"

#define KUSER_VERSION 5 /* with cmpxchg64 */

void arm_kuser_page(uint8_t page[4096])
{
    static const uint8_t undefined[4] = {0xf0, 0x01, 0xf0, 0xe7}; /* udf #16 */
    for (unsigned at = 0; at < 4096; at += 4)
        memcpy(page + at, undefined, 4);
    memset(page + 0xffc, 0, 4);
    page[0xffc] = KUSER_VERSION;
}
