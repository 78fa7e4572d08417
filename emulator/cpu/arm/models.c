/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Processors as rows.  Identification registers: technical reference manuals DDI 0136 (ARM925T; TI's SWPU006 for the
 * TI925T), DDI 0198 (ARM926EJ-S, 2.3), DDI 0211 (ARM1136JF-S, 3.2), DDI 0301 (ARM1176JZF-S, 3.2), DDI 0344 (Cortex-A8,
 * 3.2), DDI 0438 (Cortex-A15, 4.2, which "max" looks like).
 */
#include <string.h>
#include "emulator/cpu/arm/internal.h"

#define FEATURES_V5TE (ARM_V5 | ARM_V5E)
#define FEATURES_V6   (FEATURES_V5TE | ARM_JAZELLE | ARM_V6)
#define FEATURES_V7   (FEATURES_V6 | ARM_V6K | ARM_V6T2 | ARM_V7)

const struct arm_model arm_models[] = {
    {
        .id = "arm925t",
        .name = "TI925T (ARMv4T)",
        .platform = "v4l",
        .features = ARM_OMAP_CP15,
        .mmu = ARM_MMU_V5,
        .midr = 0x54029252,
        .ctr = 0x05109149,
        .sctlr_reset = 0x00000070,
        .sctlr_writable = 0x0000338f,
    },
    {
        .id = "arm926ej-s",
        .name = "ARM926EJ-S (ARMv5TEJ)",
        .platform = "v5l",
        .features = FEATURES_V5TE | ARM_JAZELLE | ARM_VFP2 | ARM_SHORT_VECTORS,
        .mmu = ARM_MMU_V5,
        .midr = 0x41069265,
        .ctr = 0x1d152152,
        .sctlr_reset = 0x00050078,
        .sctlr_writable = 0x0000f387,
        .fpsid = 0x41011090,
    },
    {
        .id = "arm1136jf-s",
        .name = "ARM1136JF-S (ARMv6)",
        .platform = "v6l",
        .features = FEATURES_V6 | ARM_VFP2 | ARM_SHORT_VECTORS,
        .mmu = ARM_MMU_V6,
        .midr = 0x4107b362,
        .ctr = 0x1d152152,
        .tcmtr = 0x00010001,
        .tlbtr = 0x00000800,
        .pfr = {0x00000111, 0x00000001},
        .dfr0 = 0x00000002,
        .afr0 = 0x00000003,
        .mmfr = {0x01130003, 0x10030302, 0x01222110, 0},
        .isar = {0x00140011, 0x12002111, 0x11231111, 0x01102131, 0x00000141, 0},
        .sctlr_reset = 0x00050078,
        .sctlr_writable = 0x02e0fb87,
        .actlr_reset = 0x00000007,
        .fpsid = 0x410120b4,
        .mvfr = {0x11111111, 0x00000000},
    },
    {
        .id = "arm1176jzf-s",
        .name = "ARM1176JZF-S (ARMv6K)",
        .platform = "v6l",
        .features = FEATURES_V6 | ARM_V6K | ARM_SECURITY | ARM_VFP2 | ARM_SHORT_VECTORS,
        .mmu = ARM_MMU_V6,
        .midr = 0x410fb767,
        .ctr = 0x1d152152,
        .tcmtr = 0x00020003,
        .tlbtr = 0x00000800,
        .pfr = {0x00000111, 0x00000011},
        .dfr0 = 0x00000033,
        .mmfr = {0x01130003, 0x10030302, 0x01222100, 0},
        .isar = {0x00140011, 0x12002111, 0x11231121, 0x01102131, 0x00001141, 0},
        .sctlr_reset = 0x00050078,
        .sctlr_writable = 0x32e0fb87,
        .actlr_reset = 0x00000007,
        .fpsid = 0x410120b5,
        .mvfr = {0x11111111, 0x00000000},
    },
    {
        .id = "cortex-a8",
        .name = "Cortex-A8 (ARMv7-A, NEON)",
        .platform = "v7l",
        .features = FEATURES_V7 | ARM_SECURITY | ARM_VFP2 | ARM_VFP3 | ARM_D32 | ARM_NEON | ARM_SHORT_VECTORS,
        .mmu = ARM_MMU_V7,
        .midr = 0x413fc082,
        .ctr = 0x82048004,
        .tlbtr = 0x00202001,
        .pfr = {0x00001031, 0x00000011},
        .dfr0 = 0x00000400,
        .mmfr = {0x31100003, 0x20000000, 0x01202000, 0x00000011},
        .isar = {0x00101111, 0x12112111, 0x21232031, 0x11112131, 0x00111142, 0},
        .clidr = 0x0a000023,
        .ccsidr = {0xe007e01a, 0x2007e01a, 0xf0000000},
        .sctlr_reset = 0x00c50078,
        .sctlr_writable = 0x7000b807 | 0x02000000,
        .actlr_reset = 0x00000002, /* level 2 cache on */
        .fpsid = 0x410330c0,
        .mvfr = {0x11110222, 0x00011111},
    },
    {
        .id = "max",
        .name = "ARMv7-A with all of its extensions",
        .platform = "v7l",
        .features = FEATURES_V7 | ARM_IDIV | ARM_MP | ARM_SECURITY | ARM_VFP2 | ARM_VFP3 | ARM_D32 | ARM_HALF |
                    ARM_VFP4 | ARM_NEON,
        .mmu = ARM_MMU_V7,
        .midr = 0x412fc0f1,
        .ctr = 0x8444c004,
        .tlbtr = 0,
        .mpidr = 0x80000000,
        .pfr = {0x00001131, 0x00011011},
        .dfr0 = 0x02010555,
        .mmfr = {0x10201105, 0x20000000, 0x01240000, 0x02102211},
        .isar = {0x02101110, 0x13112111, 0x21232041, 0x11112131, 0x10011142, 0},
        .clidr = 0x0a200023,
        .ccsidr = {0x701fe00a, 0x201fe00a, 0x711fe07a},
        .sctlr_reset = 0x00c50078,
        .sctlr_writable = 0x7000b807 | 0x02000000,
        .fpsid = 0x410430f0,
        .mvfr = {0x10110222, 0x11111111},
    },
    {.id = NULL},
};

const struct arm_model *arm_find_model(const char *id)
{
    for (const struct arm_model *m = arm_models; m->id; m++)
        if (!strcmp(m->id, id))
            return m;
    return NULL;
}
