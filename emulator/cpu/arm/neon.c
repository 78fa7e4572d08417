/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Advanced SIMD (0406C A7.4, A7.7).
 */
#include "emulator/cpu/arm/internal.h"

const struct arm_row arm_neon_rows[] = {
    {0, 0, NULL, 0, NULL, 0, 0},
};
