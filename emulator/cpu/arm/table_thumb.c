/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Thumb instructions of 16 bits by bits 15..13 (0406C A6.2).  The first row that matches counts.
 */
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"

#define END {0, 0, NULL, 0, NULL, 0, 0}
#define S   ROW_SAFE
#define LD  MEM_LOAD

static const struct arm_row rows_000[] = {
    {0xfc00, 0x1800, "add/sub", 0, emit_t_add_sub, 0, S},
    {0xfc00, 0x1c00, "add/sub", 0, emit_t_add_sub, 0, S},
    {0xf800, 0x0000, "lsl", 0, emit_t_shift_imm, 0, S},
    {0xf800, 0x0800, "lsr", 0, emit_t_shift_imm, 0, S},
    {0xf800, 0x1000, "asr", 0, emit_t_shift_imm, 0, S},
    END,
};

static const struct arm_row rows_001[] = {
    {0xf800, 0x2000, "mov", 0, emit_t_imm8, DP_MOV, S},
    {0xf800, 0x2800, "cmp", 0, emit_t_imm8, DP_CMP, S},
    {0xf800, 0x3000, "add", 0, emit_t_imm8, DP_ADD, S},
    {0xf800, 0x3800, "sub", 0, emit_t_imm8, DP_SUB, S},
    END,
};

static const struct arm_row rows_010[] = {
    {0xffc0, 0x4000, "and", 0, emit_t_alu, DP_AND, S},
    {0xffc0, 0x4040, "eor", 0, emit_t_alu, DP_EOR, S},
    {0xffc0, 0x4080, "lsl", 0, emit_t_shift_reg, SHIFT_LSL, S},
    {0xffc0, 0x40c0, "lsr", 0, emit_t_shift_reg, SHIFT_LSR, S},
    {0xffc0, 0x4100, "asr", 0, emit_t_shift_reg, SHIFT_ASR, S},
    {0xffc0, 0x4140, "adc", 0, emit_t_alu, DP_ADC, S},
    {0xffc0, 0x4180, "sbc", 0, emit_t_alu, DP_SBC, S},
    {0xffc0, 0x41c0, "ror", 0, emit_t_shift_reg, SHIFT_ROR, S},
    {0xffc0, 0x4200, "tst", 0, emit_t_alu, DP_TST, S},
    {0xffc0, 0x4240, "rsb", 0, emit_t_alu, DP_RSB, S},
    {0xffc0, 0x4280, "cmp", 0, emit_t_alu, DP_CMP, S},
    {0xffc0, 0x42c0, "cmn", 0, emit_t_alu, DP_CMN, S},
    {0xffc0, 0x4300, "orr", 0, emit_t_alu, DP_ORR, S},
    {0xffc0, 0x4340, "mul", 0, emit_t_mul, 0, S},
    {0xffc0, 0x4380, "bic", 0, emit_t_alu, DP_BIC, S},
    {0xffc0, 0x43c0, "mvn", 0, emit_t_alu, DP_MVN, S},
    {0xff00, 0x4400, "add", 0, emit_t_high, DP_ADD, S},
    {0xff00, 0x4500, "cmp", 0, emit_t_high, DP_CMP, S},
    {0xff00, 0x4600, "mov", 0, emit_t_high, DP_MOV, S},
    {0xff87, 0x4700, "bx", 0, emit_t_bx, 0, 0},
    {0xff87, 0x4780, "blx", ARM_V5, emit_t_bx, BRANCH_LINK, 0},
    {0xf800, 0x4800, "ldr", 0, emit_t_literal, 2 | LD, 0},
    {0xfe00, 0x5000, "str", 0, emit_t_mem_reg, 2, 0},
    {0xfe00, 0x5200, "strh", 0, emit_t_mem_reg, 1, 0},
    {0xfe00, 0x5400, "strb", 0, emit_t_mem_reg, 0, 0},
    {0xfe00, 0x5600, "ldrsb", 0, emit_t_mem_reg, 0 | LD | MEM_SIGNED, 0},
    {0xfe00, 0x5800, "ldr", 0, emit_t_mem_reg, 2 | LD, 0},
    {0xfe00, 0x5a00, "ldrh", 0, emit_t_mem_reg, 1 | LD, 0},
    {0xfe00, 0x5c00, "ldrb", 0, emit_t_mem_reg, 0 | LD, 0},
    {0xfe00, 0x5e00, "ldrsh", 0, emit_t_mem_reg, 1 | LD | MEM_SIGNED, 0},
    END,
};

static const struct arm_row rows_011[] = {
    {0xf800, 0x6000, "str", 0, emit_t_mem_imm, 2, 0},
    {0xf800, 0x6800, "ldr", 0, emit_t_mem_imm, 2 | LD, 0},
    {0xf800, 0x7000, "strb", 0, emit_t_mem_imm, 0, 0},
    {0xf800, 0x7800, "ldrb", 0, emit_t_mem_imm, 0 | LD, 0},
    END,
};

static const struct arm_row rows_100[] = {
    {0xf800, 0x8000, "strh", 0, emit_t_mem_imm, 1, 0},
    {0xf800, 0x8800, "ldrh", 0, emit_t_mem_imm, 1 | LD, 0},
    {0xf800, 0x9000, "str", 0, emit_t_mem_sp, 2, 0},
    {0xf800, 0x9800, "ldr", 0, emit_t_mem_sp, 2 | LD, 0},
    END,
};

static const struct arm_row rows_101[] = {
    {0xf800, 0xa000, "adr", 0, emit_t_adr, 0, S},
    {0xf800, 0xa800, "add", 0, emit_t_add_sp, 0, S},
    {0xff00, 0xb000, "add/sub sp", 0, emit_t_adjust_sp, 0, S},
    {0xf500, 0xb100, "cbz", ARM_V6T2, emit_t_cbz, 0, ROW_COND},
    {0xffc0, 0xb200, "sxth", ARM_V6, emit_t_extend, EXT_HALF | EXT_SIGNED, S},
    {0xffc0, 0xb240, "sxtb", ARM_V6, emit_t_extend, EXT_BYTE | EXT_SIGNED, S},
    {0xffc0, 0xb280, "uxth", ARM_V6, emit_t_extend, EXT_HALF, S},
    {0xffc0, 0xb2c0, "uxtb", ARM_V6, emit_t_extend, EXT_BYTE, S},
    {0xfe00, 0xb400, "push", 0, emit_t_push, 0, 0},
    {0xfff7, 0xb650, "setend", ARM_V6, emit_setend, 0, 0},
    {0xffe8, 0xb660, "cps", ARM_V6, emit_cps, 0, 0},
    {0xffc0, 0xba00, "rev", ARM_V6, emit_t_rev, REV_WORD, S},
    {0xffc0, 0xba40, "rev16", ARM_V6, emit_t_rev, REV_16, S},
    {0xffc0, 0xbac0, "revsh", ARM_V6, emit_t_rev, REV_SH, S},
    {0xfe00, 0xbc00, "pop", 0, emit_t_pop, 0, 0},
    {0xff00, 0xbe00, "bkpt", ARM_V5, emit_bkpt, 0, ROW_COND},
    {0xff0f, 0xbf00, "hint", ARM_V6T2, emit_hint, 0, 0},
    {0xff00, 0xbf00, "it", ARM_V6T2, emit_t_it, 0, ROW_COND},
    END,
};

static const struct arm_row rows_110[] = {
    {0xf800, 0xc000, "stm", 0, emit_t_multiple, 0, 0},
    {0xf800, 0xc800, "ldm", 0, emit_t_multiple, 0, 0},
    {0xff00, 0xde00, "udf", 0, emit_udf, 0, 0},
    {0xff00, 0xdf00, "svc", 0, emit_svc, 0, 0},
    {0xf000, 0xd000, "b", 0, emit_t_branch_cond, 0, ROW_COND},
    END,
};

static const struct arm_row rows_111[] = {
    {0xf800, 0xe000, "b", 0, emit_t_branch, 0, ROW_COND},
    END,
};

const struct arm_row *const arm_thumb_rows[8] = {
    rows_000, rows_001, rows_010, rows_011, rows_100, rows_101, rows_110, rows_111,
};

/* Before Thumb-2 the halves of BL and BLX are instructions. */
const struct arm_row arm_thumb_halves[] = {
    {0xf800, 0xf000, "bl-prefix", 0, emit_t_bl_prefix, 0, 0},
    {0xf800, 0xf800, "bl-suffix", 0, emit_t_bl_suffix, 0, 0},
    {0xf801, 0xe800, "blx-suffix", ARM_V5, emit_t_bl_suffix, BRANCH_EXCHANGE, 0},
    END,
};
