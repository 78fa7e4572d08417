/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Thumb instructions of 32 bits by bits 28..27 of the first halfword << 16 | the second (0406C A6.3).  The first row
 * that matches counts.  BL and BLX are there before Thumb-2, too.
 */
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"

#define END {0, 0, NULL, 0, NULL, 0, 0}
#define T   ROW_REGS_THUMB
#define TS  (ROW_REGS_THUMB | ROW_SAFE)
#define LD  MEM_LOAD
#define T2  ARM_V6T2

#define ALU_REG(op, name, dp) {0xffe00000, 0xea000000 | (op) << 21, name, T2, emit_w_dp_reg, dp, TS}
#define ALU_IMM(op, name, dp) {0xfbe08000, 0xf0000000 | (op) << 21, name, T2, emit_w_dp_imm, dp, TS}

/* 11101: several registers, pairs, exclusives, table branches; data processing of registers */
static const struct arm_row rows_11101[] = {
    {0xfff0ffe0, 0xe8d0f000, "tbb", T2, emit_w_table_branch, 0, T},
    {0xfff00f00, 0xe8500f00, "ldrex", T2, emit_ldrex, 2, T},
    {0xfff00000, 0xe8400000, "strex", T2, emit_strex, 2, T},
    {0xfff00fff, 0xe8d00f4f, "ldrexb", T2 | ARM_V6K, emit_ldrex, 0, T},
    {0xfff00fff, 0xe8d00f5f, "ldrexh", T2 | ARM_V6K, emit_ldrex, 1, T},
    {0xfff000ff, 0xe8d0007f, "ldrexd", T2 | ARM_V6K, emit_ldrex, 3, T},
    {0xfff00ff0, 0xe8c00f40, "strexb", T2 | ARM_V6K, emit_strex, 0, T},
    {0xfff00ff0, 0xe8c00f50, "strexh", T2 | ARM_V6K, emit_strex, 1, T},
    {0xfff000f0, 0xe8c00070, "strexd", T2 | ARM_V6K, emit_strex, 3, T},
    {0xff600000, 0xe8400000, "udf", T2, emit_udf, 0, 0},
    {0xfe400000, 0xe8400000, "ldrd/strd", T2, emit_w_dual, 0, T},
    {0xffd0ffff, 0xe810c000, "rfe", T2, emit_rfe, 0, T | ROW_PRIV},
    {0xffd0ffff, 0xe990c000, "rfe", T2, emit_rfe, 0, T | ROW_PRIV},
    {0xffdfffe0, 0xe80dc000, "srs", T2, emit_srs, 0, T | ROW_PRIV},
    {0xffdfffe0, 0xe98dc000, "srs", T2, emit_srs, 0, T | ROW_PRIV},
    {0xffd02000, 0xe8800000, "stmia", T2, emit_w_multiple, 0, T},
    {0xffd02000, 0xe8900000, "ldmia", T2, emit_w_multiple, 0, T},
    {0xffd02000, 0xe9000000, "stmdb", T2, emit_w_multiple, 0, T},
    {0xffd02000, 0xe9100000, "ldmdb", T2, emit_w_multiple, 0, T},
    {0xfff00f00, 0xea100f00, "tst", T2, emit_w_dp_reg, DP_TST, TS},
    {0xffef0000, 0xea4f0000, "mov", T2, emit_w_dp_reg, DP_MOV, TS},
    {0xffef0000, 0xea6f0000, "mvn", T2, emit_w_dp_reg, DP_MVN, TS},
    {0xfff00f00, 0xea900f00, "teq", T2, emit_w_dp_reg, DP_TEQ, TS},
    {0xfff00f00, 0xeb100f00, "cmn", T2, emit_w_dp_reg, DP_CMN, TS},
    {0xfff00f00, 0xebb00f00, "cmp", T2, emit_w_dp_reg, DP_CMP, TS},
    {0xfff00010, 0xeac00000, "pkh", T2, emit_pkh, 0, TS},
    ALU_REG(0, "and", DP_AND),
    ALU_REG(1, "bic", DP_BIC),
    ALU_REG(2, "orr", DP_ORR),
    ALU_REG(3, "orn", DP_ORN),
    ALU_REG(4, "eor", DP_EOR),
    ALU_REG(8, "add", DP_ADD),
    ALU_REG(10, "adc", DP_ADC),
    ALU_REG(11, "sbc", DP_SBC),
    ALU_REG(13, "sub", DP_SUB),
    ALU_REG(14, "rsb", DP_RSB),
    END,
};

/* 11110: immediates, branches, control */
static const struct arm_row rows_11110[] = {
    {0xfbf08f00, 0xf0100f00, "tst", T2, emit_w_dp_imm, DP_TST, TS},
    {0xfbef8000, 0xf04f0000, "mov", T2, emit_w_dp_imm, DP_MOV, TS},
    {0xfbef8000, 0xf06f0000, "mvn", T2, emit_w_dp_imm, DP_MVN, TS},
    {0xfbf08f00, 0xf0900f00, "teq", T2, emit_w_dp_imm, DP_TEQ, TS},
    {0xfbf08f00, 0xf1100f00, "cmn", T2, emit_w_dp_imm, DP_CMN, TS},
    {0xfbf08f00, 0xf1b00f00, "cmp", T2, emit_w_dp_imm, DP_CMP, TS},
    ALU_IMM(0, "and", DP_AND),
    ALU_IMM(1, "bic", DP_BIC),
    ALU_IMM(2, "orr", DP_ORR),
    ALU_IMM(3, "orn", DP_ORN),
    ALU_IMM(4, "eor", DP_EOR),
    ALU_IMM(8, "add", DP_ADD),
    ALU_IMM(10, "adc", DP_ADC),
    ALU_IMM(11, "sbc", DP_SBC),
    ALU_IMM(13, "sub", DP_SUB),
    ALU_IMM(14, "rsb", DP_RSB),
    {0xfbf08000, 0xf2000000, "addw", T2, emit_w_add_imm12, 0, TS},
    {0xfbf08000, 0xf2400000, "movw", T2, emit_movw, 0, TS},
    {0xfbf08000, 0xf2a00000, "subw", T2, emit_w_add_imm12, 0, TS},
    {0xfbf08000, 0xf2c00000, "movt", T2, emit_movt, 0, TS},
    {0xfff0f0f0, 0xf3200000, "ssat16", T2, emit_sat16, 1, TS},
    {0xffd08020, 0xf3000000, "ssat", T2, emit_sat, 1, TS},
    {0xfff08020, 0xf3400000, "sbfx", T2, emit_bfx, 1, TS},
    {0xffff8020, 0xf36f0000, "bfc", T2, emit_bfi, 0, TS},
    {0xfff08020, 0xf3600000, "bfi", T2, emit_bfi, 0, TS},
    {0xfff0f0f0, 0xf3a00000, "usat16", T2, emit_sat16, 0, TS},
    {0xffd08020, 0xf3800000, "usat", T2, emit_sat, 0, TS},
    {0xfff08020, 0xf3c00000, "ubfx", T2, emit_bfx, 0, TS},
    /* branches and miscellaneous control: bit 15 */
    {0xf800d000, 0xf000d000, "bl", 0, emit_w_bl, 0, 0},
    {0xf800d001, 0xf000c000, "blx", ARM_V5, emit_w_bl, BRANCH_EXCHANGE, 0},
    {0xf800d000, 0xf0009000, "b", T2, emit_w_branch, 0, ROW_COND},
    {0xffe0d0ff, 0xf3808000, "msr", T2, emit_msr, 0, T},
    {0xffffff00, 0xf3af8000, "hint", T2, emit_hint, 0, 0},
    {0xfffff800, 0xf3af8000, "cps", T2, emit_cps, 0, 0},
    {0xffffffff, 0xf3bf8f2f, "clrex", T2, emit_clrex, 0, 0},
    {0xfffffff0, 0xf3bf8f40, "dsb", T2, emit_barrier, 0, 0},
    {0xfffffff0, 0xf3bf8f50, "dmb", T2, emit_barrier, 0, 0},
    {0xfffffff0, 0xf3bf8f60, "isb", T2, emit_barrier, 0, 0},
    {0xfff0ffff, 0xf3c08f00, "bxj", T2, emit_bx, 0, T},
    {0xffffff00, 0xf3de8f00, "subs pc, lr", T2, emit_w_exception_return, 0, T},
    {0xffeff0ff, 0xf3ef8000, "mrs", T2, emit_mrs, 0, T},
    {0xfff0f000, 0xf7f08000, "smc", T2 | ARM_SECURITY, emit_smc, 0, ROW_PRIV},
    {0xff80d000, 0xf3808000, "udf", T2, emit_udf, 0, 0},
    {0xff80d000, 0xf7808000, "udf", T2, emit_udf, 0, 0},
    {0xf800d000, 0xf0008000, "b", T2, emit_w_branch_cond, 0, ROW_COND},
    END,
};

#define PARALLEL(op, name, kind)                                                                             \
    {0xfff0f0f0, 0xfa90f000 | (op), name "add16", T2, emit_parallel, PAR_ADD16 | (kind), TS},                \
        {0xfff0f0f0, 0xfaa0f000 | (op), name "asx", T2, emit_parallel, PAR_ASX | (kind), TS},                \
        {0xfff0f0f0, 0xfae0f000 | (op), name "sax", T2, emit_parallel, PAR_SAX | (kind), TS},                \
        {0xfff0f0f0, 0xfad0f000 | (op), name "sub16", T2, emit_parallel, PAR_SUB16 | (kind), TS},            \
        {0xfff0f0f0, 0xfa80f000 | (op), name "add8", T2, emit_parallel, PAR_ADD8 | (kind), TS},              \
        {0xfff0f0f0, 0xfac0f000 | (op), name "sub8", T2, emit_parallel, PAR_SUB8 | (kind), TS}

#define EXTEND(op, name, kind) {0xfff0f0c0, 0xfa00f080 | (op) << 20, name, T2, emit_extend, kind, TS}

/* 11111: loads and stores, register shifts, media, multiplies */
static const struct arm_row rows_11111[] = {
    {0xff70f000, 0xf810f000, "pld", T2, emit_preload, 0, 0},
    {0xff70f000, 0xf830f000, "pldw", T2, emit_preload, 0, 0},
    {0xff70f000, 0xf910f000, "pli", T2, emit_preload, 0, 0},
    {0xff70f000, 0xf930f000, "hint", T2, emit_preload, 0, 0},
    {0xff700000, 0xf8000000, "strb", T2, emit_w_mem, 0, T},
    {0xff700000, 0xf8100000, "ldrb", T2, emit_w_mem, 0 | LD, T},
    {0xff700000, 0xf8200000, "strh", T2, emit_w_mem, 1, T},
    {0xff700000, 0xf8300000, "ldrh", T2, emit_w_mem, 1 | LD, T},
    {0xff700000, 0xf8400000, "str", T2, emit_w_mem, 2, T},
    {0xff700000, 0xf8500000, "ldr", T2, emit_w_mem, 2 | LD, T},
    {0xff700000, 0xf9100000, "ldrsb", T2, emit_w_mem, 0 | LD | MEM_SIGNED, T},
    {0xff700000, 0xf9300000, "ldrsh", T2, emit_w_mem, 1 | LD | MEM_SIGNED, T},
    {0xff80f0f0, 0xfa00f000, "shift", T2, emit_w_shift_reg, 0, TS}, /* LSL, LSR, ASR, ROR by a register */
    EXTEND(0, "sxtah", EXT_HALF | EXT_SIGNED),
    EXTEND(1, "uxtah", EXT_HALF),
    EXTEND(2, "sxtab16", EXT_PAIR | EXT_SIGNED),
    EXTEND(3, "uxtab16", EXT_PAIR),
    EXTEND(4, "sxtab", EXT_BYTE | EXT_SIGNED),
    EXTEND(5, "uxtab", EXT_BYTE),
    PARALLEL(0x00, "s", PAR_SIGNED),
    PARALLEL(0x10, "q", PAR_SAT_SIGNED),
    PARALLEL(0x20, "sh", PAR_HALVING_SIGNED),
    PARALLEL(0x40, "u", PAR_UNSIGNED),
    PARALLEL(0x50, "uq", PAR_SAT_UNSIGNED),
    PARALLEL(0x60, "uh", PAR_HALVING_UNSIGNED),
    {0xfff0f0f0, 0xfa80f080, "qadd", T2, emit_saturating, 0, TS},
    {0xfff0f0f0, 0xfa80f090, "qdadd", T2, emit_saturating, SATURATE_DOUBLE, TS},
    {0xfff0f0f0, 0xfa80f0a0, "qsub", T2, emit_saturating, SATURATE_SUB, TS},
    {0xfff0f0f0, 0xfa80f0b0, "qdsub", T2, emit_saturating, SATURATE_DOUBLE | SATURATE_SUB, TS},
    {0xfff0f0f0, 0xfa90f080, "rev", T2, emit_rev, REV_WORD, TS},
    {0xfff0f0f0, 0xfa90f090, "rev16", T2, emit_rev, REV_16, TS},
    {0xfff0f0f0, 0xfa90f0a0, "rbit", T2, emit_rev, REV_BITS, TS},
    {0xfff0f0f0, 0xfa90f0b0, "revsh", T2, emit_rev, REV_SH, TS},
    {0xfff0f0f0, 0xfaa0f080, "sel", T2, emit_sel, 0, TS},
    {0xfff0f0f0, 0xfab0f080, "clz", T2, emit_clz, 0, TS},
    {0xfff0f0f0, 0xfb00f000, "mul", T2, emit_mul, 0, TS},
    {0xfff000f0, 0xfb000000, "mla", T2, emit_mul, 1, TS},
    {0xfff000f0, 0xfb000010, "mls", T2, emit_mls, 0, TS},
    {0xfff0f0c0, 0xfb10f000, "smul", T2, emit_half_mul, 0, TS},
    {0xfff000c0, 0xfb100000, "smla", T2, emit_half_mul, 1, TS},
    {0xfff000e0, 0xfb200000, "smlad", T2, emit_dual_mul, 0, TS},
    {0xfff0f0e0, 0xfb30f000, "smulw", T2, emit_word_half, 0, TS},
    {0xfff000e0, 0xfb300000, "smlaw", T2, emit_word_half, 1, TS},
    {0xfff000e0, 0xfb400000, "smlsd", T2, emit_dual_mul, 1, TS},
    {0xfff000e0, 0xfb500000, "smmla", T2, emit_most_mul, 0, TS},
    {0xfff000e0, 0xfb600000, "smmls", T2, emit_most_mul, 1, TS},
    {0xfff000f0, 0xfb700000, "usada8", T2, emit_usad8, 0, TS},
    {0xfff000f0, 0xfb800000, "smull", T2, emit_long, LONG_SIGNED, TS},
    {0xfff0f0f0, 0xfb90f0f0, "sdiv", T2 | ARM_IDIV, emit_divide, 1, TS},
    {0xfff000f0, 0xfba00000, "umull", T2, emit_long, 0, TS},
    {0xfff0f0f0, 0xfbb0f0f0, "udiv", T2 | ARM_IDIV, emit_divide, 0, TS},
    {0xfff000f0, 0xfbc00000, "smlal", T2, emit_long, LONG_SIGNED | LONG_ADD, TS},
    {0xfff000c0, 0xfbc00080, "smlalxy", T2, emit_half_long, 0, TS},
    {0xfff000e0, 0xfbc000c0, "smlald", T2, emit_dual_long, 0, TS},
    {0xfff000e0, 0xfbd000c0, "smlsld", T2, emit_dual_long, 1, TS},
    {0xfff000f0, 0xfbe00000, "umlal", T2, emit_long, LONG_ADD, TS},
    {0xfff000f0, 0xfbe00060, "umaal", T2, emit_long, LONG_ADD_TWICE, TS},
    END,
};

const struct arm_row *const arm_thumb_word_rows[4] = {NULL, rows_11101, rows_11110, rows_11111};
