/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ARM instructions by bits 27..25, and the 1111 space (0406C A5; 0100I A3).  The first row that matches counts.
 */
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"

#define END {0, 0, NULL, 0, NULL, 0, 0}
#define A   ROW_REGS_ARM
#define M   (ROW_REGS_MUL | ROW_SAFE)
#define AS  (ROW_REGS_ARM | ROW_SAFE)
#define LD  MEM_LOAD

/* 000: registers, and what hides between them: multiplies, extra loads and stores, miscellaneous */
static const struct arm_row rows_000[] = {
    /* multiplies and swaps: bits 7..4 = 1001 */
    {0x0fe000f0, 0x00000090, "mul", 0, emit_mul, 0, M},
    {0x0fe000f0, 0x00200090, "mla", 0, emit_mul, 1, M},
    {0x0ff000f0, 0x00400090, "umaal", ARM_V6, emit_long, LONG_ADD_TWICE, M},
    {0x0ff000f0, 0x00600090, "mls", ARM_V6T2, emit_mls, 0, M},
    {0x0fe000f0, 0x00800090, "umull", 0, emit_long, 0, M},
    {0x0fe000f0, 0x00a00090, "umlal", 0, emit_long, LONG_ADD, M},
    {0x0fe000f0, 0x00c00090, "smull", 0, emit_long, LONG_SIGNED, M},
    {0x0fe000f0, 0x00e00090, "smlal", 0, emit_long, LONG_SIGNED | LONG_ADD, M},
    {0x0ff00ff0, 0x01000090, "swp", 0, emit_swp, 2, A},
    {0x0ff00ff0, 0x01400090, "swpb", 0, emit_swp, 0, A},
    {0x0ff00fff, 0x01900f9f, "ldrex", ARM_V6, emit_ldrex, 2, A},
    {0x0ff00ff0, 0x01800f90, "strex", ARM_V6, emit_strex, 2, A},
    {0x0ff00fff, 0x01d00f9f, "ldrexb", ARM_V6K, emit_ldrex, 0, A},
    {0x0ff00ff0, 0x01c00f90, "strexb", ARM_V6K, emit_strex, 0, A},
    {0x0ff00fff, 0x01f00f9f, "ldrexh", ARM_V6K, emit_ldrex, 1, A},
    {0x0ff00ff0, 0x01e00f90, "strexh", ARM_V6K, emit_strex, 1, A},
    {0x0ff00fff, 0x01b00f9f, "ldrexd", ARM_V6K, emit_ldrex, 3, A},
    {0x0ff00ff0, 0x01a00f90, "strexd", ARM_V6K, emit_strex, 3, A},
    {0x0e0000f0, 0x00000090, "udf", 0, emit_udf, 0, 0},
    /* extra loads and stores: 1xx1 */
    {0x0e1000f0, 0x000000b0, "strh", 0, emit_a_extra, 1, A},
    {0x0e1000f0, 0x001000b0, "ldrh", 0, emit_a_extra, 1 | LD, A},
    {0x0e1000f0, 0x001000d0, "ldrsb", 0, emit_a_extra, 0 | LD | MEM_SIGNED, A},
    {0x0e1000f0, 0x001000f0, "ldrsh", 0, emit_a_extra, 1 | LD | MEM_SIGNED, A},
    {0x0e1000f0, 0x000000d0, "ldrd", ARM_V5E, emit_a_dual, LD, A},
    {0x0e1000f0, 0x000000f0, "strd", ARM_V5E, emit_a_dual, 0, A},
    {0x0e000090, 0x00000090, "udf", 0, emit_udf, 0, 0},
    /* miscellaneous: TST, TEQ, CMP, CMN without S */
    {0x0fbf0fff, 0x010f0000, "mrs", 0, emit_mrs, 0, A},
    {0x0fb0fff0, 0x0120f000, "msr", 0, emit_msr, 0, A},
    {0x0ffffff0, 0x012fff10, "bx", 0, emit_bx, 0, A},
    {0x0ffffff0, 0x012fff20, "bxj", ARM_JAZELLE, emit_bx, 0, A},
    {0x0ffffff0, 0x012fff30, "blx", ARM_V5, emit_bx, BRANCH_LINK, A},
    {0x0fff0ff0, 0x016f0f10, "clz", ARM_V5, emit_clz, 0, AS},
    {0x0ff00ff0, 0x01000050, "qadd", ARM_V5E, emit_saturating, 0, AS},
    {0x0ff00ff0, 0x01200050, "qsub", ARM_V5E, emit_saturating, SATURATE_SUB, AS},
    {0x0ff00ff0, 0x01400050, "qdadd", ARM_V5E, emit_saturating, SATURATE_DOUBLE, AS},
    {0x0ff00ff0, 0x01600050, "qdsub", ARM_V5E, emit_saturating, SATURATE_DOUBLE | SATURATE_SUB, AS},
    {0x0ff000f0, 0x01200070, "bkpt", ARM_V5, emit_bkpt, 0, ROW_COND},
    {0x0ff000f0, 0x01600070, "smc", ARM_SECURITY, emit_smc, 0, ROW_PRIV},
    {0x0ff00090, 0x01000080, "smla", ARM_V5E, emit_half_mul, 1, M},
    {0x0ff000b0, 0x01200080, "smlaw", ARM_V5E, emit_word_half, 1, M},
    {0x0ff000b0, 0x012000a0, "smulw", ARM_V5E, emit_word_half, 0, M},
    {0x0ff00090, 0x01400080, "smlal", ARM_V5E, emit_half_long, 0, M},
    {0x0ff00090, 0x01600080, "smul", ARM_V5E, emit_half_mul, 0, M},
    {0x0f900000, 0x01000000, "udf", 0, emit_udf, 0, 0},
    /* data processing */
    {0x0fe00010, 0x00000000, "and", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x00200000, "eor", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x00400000, "sub", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x00600000, "rsb", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x00800000, "add", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x00a00000, "adc", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x00c00000, "sbc", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x00e00000, "rsc", 0, emit_dp_reg, 0, AS},
    {0x0ff00010, 0x01100000, "tst", 0, emit_dp_reg, 0, AS},
    {0x0ff00010, 0x01300000, "teq", 0, emit_dp_reg, 0, AS},
    {0x0ff00010, 0x01500000, "cmp", 0, emit_dp_reg, 0, AS},
    {0x0ff00010, 0x01700000, "cmn", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x01800000, "orr", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x01a00000, "mov", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x01c00000, "bic", 0, emit_dp_reg, 0, AS},
    {0x0fe00010, 0x01e00000, "mvn", 0, emit_dp_reg, 0, AS},
    {0x0e000090, 0x00000010, "dp", 0, emit_dp_rsr, 0, AS}, /* the sixteen, shifted by a register */
    END,
};

/* 001: immediates, MOVW, MOVT, MSR, hints */
static const struct arm_row rows_001[] = {
    {0x0ff00000, 0x03000000, "movw", ARM_V6T2, emit_movw, 0, AS},
    {0x0ff00000, 0x03400000, "movt", ARM_V6T2, emit_movt, 0, AS},
    {0x0fffff00, 0x0320f000, "hint", 0, emit_hint, 0, 0},
    {0x0fb0f000, 0x0320f000, "msr", 0, emit_msr_imm, 0, A},
    {0x0f900000, 0x03000000, "udf", 0, emit_udf, 0, 0},
    {0x0e000000, 0x02000000, "dp", 0, emit_dp_imm, 0, AS}, /* the sixteen */
    END,
};

static const struct arm_row rows_010[] = {
    {0x0e500000, 0x04000000, "str", 0, emit_a_mem_imm, 0, A},
    {0x0e500000, 0x04400000, "strb", 0, emit_a_mem_imm, 0, A},
    {0x0e500000, 0x04100000, "ldr", 0, emit_a_mem_imm, 0, A},
    {0x0e500000, 0x04500000, "ldrb", 0, emit_a_mem_imm, 0, A},
    END,
};

#define PARALLEL(op, name, kind, v)                                                                          \
    {0x0ff00ff0, (op) | 0x0f10, name "add16", v, emit_parallel, PAR_ADD16 | (kind), AS},                     \
        {0x0ff00ff0, (op) | 0x0f30, name "asx", v, emit_parallel, PAR_ASX | (kind), AS},                     \
        {0x0ff00ff0, (op) | 0x0f50, name "sax", v, emit_parallel, PAR_SAX | (kind), AS},                     \
        {0x0ff00ff0, (op) | 0x0f70, name "sub16", v, emit_parallel, PAR_SUB16 | (kind), AS},                 \
        {0x0ff00ff0, (op) | 0x0f90, name "add8", v, emit_parallel, PAR_ADD8 | (kind), AS},                   \
        {0x0ff00ff0, (op) | 0x0ff0, name "sub8", v, emit_parallel, PAR_SUB8 | (kind), AS}

/* 011: register offsets and, with bit 4, media instructions (A5.4) */
static const struct arm_row rows_011[] = {
    {0x0e500010, 0x06000000, "str", 0, emit_a_mem_reg, 0, A},
    {0x0e500010, 0x06400000, "strb", 0, emit_a_mem_reg, 0, A},
    {0x0e500010, 0x06100000, "ldr", 0, emit_a_mem_reg, 0, A},
    {0x0e500010, 0x06500000, "ldrb", 0, emit_a_mem_reg, 0, A},
    PARALLEL(0x06100000, "s", PAR_SIGNED, ARM_V6),
    PARALLEL(0x06200000, "q", PAR_SAT_SIGNED, ARM_V6),
    PARALLEL(0x06300000, "sh", PAR_HALVING_SIGNED, ARM_V6),
    PARALLEL(0x06500000, "u", PAR_UNSIGNED, ARM_V6),
    PARALLEL(0x06600000, "uq", PAR_SAT_UNSIGNED, ARM_V6),
    PARALLEL(0x06700000, "uh", PAR_HALVING_UNSIGNED, ARM_V6),
    {0x0ff00030, 0x06800010, "pkh", ARM_V6, emit_pkh, 0, AS},
    {0x0ff003f0, 0x06800070, "sxtab16", ARM_V6, emit_extend, EXT_PAIR | EXT_SIGNED, AS},
    {0x0ff00ff0, 0x06800fb0, "sel", ARM_V6, emit_sel, 0, AS},
    {0x0fe00030, 0x06a00010, "ssat", ARM_V6, emit_sat, 1, AS},
    {0x0ff00ff0, 0x06a00f30, "ssat16", ARM_V6, emit_sat16, 1, AS},
    {0x0ff003f0, 0x06a00070, "sxtab", ARM_V6, emit_extend, EXT_BYTE | EXT_SIGNED, AS},
    {0x0fff0ff0, 0x06bf0f30, "rev", ARM_V6, emit_rev, REV_WORD, AS},
    {0x0ff003f0, 0x06b00070, "sxtah", ARM_V6, emit_extend, EXT_HALF | EXT_SIGNED, AS},
    {0x0fff0ff0, 0x06bf0fb0, "rev16", ARM_V6, emit_rev, REV_16, AS},
    {0x0ff003f0, 0x06c00070, "uxtab16", ARM_V6, emit_extend, EXT_PAIR, AS},
    {0x0fe00030, 0x06e00010, "usat", ARM_V6, emit_sat, 0, AS},
    {0x0ff00ff0, 0x06e00f30, "usat16", ARM_V6, emit_sat16, 0, AS},
    {0x0ff003f0, 0x06e00070, "uxtab", ARM_V6, emit_extend, EXT_BYTE, AS},
    {0x0fff0ff0, 0x06ff0f30, "rbit", ARM_V6T2, emit_rev, REV_BITS, AS},
    {0x0ff003f0, 0x06f00070, "uxtah", ARM_V6, emit_extend, EXT_HALF, AS},
    {0x0fff0ff0, 0x06ff0fb0, "revsh", ARM_V6, emit_rev, REV_SH, AS},
    {0x0ff000d0, 0x07000010, "smlad", ARM_V6, emit_dual_mul, 0, M},
    {0x0ff000d0, 0x07000050, "smlsd", ARM_V6, emit_dual_mul, 1, M},
    {0x0ff0f0f0, 0x0710f010, "sdiv", ARM_IDIV, emit_divide, 1, M},
    {0x0ff0f0f0, 0x0730f010, "udiv", ARM_IDIV, emit_divide, 0, M},
    {0x0ff000d0, 0x07400010, "smlald", ARM_V6, emit_dual_long, 0, M},
    {0x0ff000d0, 0x07400050, "smlsld", ARM_V6, emit_dual_long, 1, M},
    {0x0ff000d0, 0x07500010, "smmla", ARM_V6, emit_most_mul, 0, M},
    {0x0ff000d0, 0x075000d0, "smmls", ARM_V6, emit_most_mul, 1, M},
    {0x0ff000f0, 0x07800010, "usada8", ARM_V6, emit_usad8, 0, M},
    {0x0fe00070, 0x07a00050, "sbfx", ARM_V6T2, emit_bfx, 1, AS},
    {0x0fe00070, 0x07c00010, "bfi", ARM_V6T2, emit_bfi, 0, AS},
    {0x0fe00070, 0x07e00050, "ubfx", ARM_V6T2, emit_bfx, 0, AS},
    {0x0ff000f0, 0x07f000f0, "udf", 0, emit_udf, 0, 0},
    END,
};

static const struct arm_row rows_100[] = {
    {0x0e100000, 0x08000000, "stm", 0, emit_a_multiple, 0, A},
    {0x0e100000, 0x08100000, "ldm", 0, emit_a_multiple, 0, A},
    END,
};

static const struct arm_row rows_101[] = {
    {0x0f000000, 0x0a000000, "b", 0, emit_a_branch, 0, ROW_COND},
    {0x0f000000, 0x0b000000, "bl", 0, emit_a_branch, BRANCH_LINK, ROW_COND},
    END,
};

static const struct arm_row rows_110[] = {
    {0x0fe00000, 0x0c400000, "mcrr", ARM_V5E, emit_coproc_pair, 0, A},
    {0x0e000000, 0x0c000000, "ldc", 0, emit_coproc_other, 0, 0},
    END,
};

static const struct arm_row rows_111[] = {
    {0x0f000000, 0x0f000000, "svc", 0, emit_svc, 0, 0},
    {0x0f000010, 0x0e000010, "mcr", 0, emit_coproc_move, 0, A},
    {0x0f000010, 0x0e000000, "cdp", 0, emit_coproc_other, 0, 0},
    END,
};

const struct arm_row *const arm_arm_rows[8] = {
    rows_000, rows_001, rows_010, rows_011, rows_100, rows_101, rows_110, rows_111,
};

/* Bits 31..28 = 1111 (A5.7; Advanced SIMD stands in arm_neon_rows). */
const struct arm_row arm_unconditional_rows[] = {
    {0xfe000000, 0xfa000000, "blx", ARM_V5, emit_a_blx, 0, ROW_COND},
    {0xfd70f000, 0xf550f000, "pld", ARM_V5E, emit_preload, 0, 0},
    {0xff70f000, 0xf450f000, "pli", ARM_V7, emit_preload, 0, 0},
    {0xff70f010, 0xf650f000, "pli", ARM_V7, emit_preload, 0, 0},
    {0xfd70f000, 0xf510f000, "pldw", ARM_MP, emit_preload, 0, 0},
    {0xff700000, 0xf4100000, "hint", ARM_V7, emit_preload, 0, 0}, /* unallocated memory hints */
    {0xff700010, 0xf6100000, "hint", ARM_V7, emit_preload, 0, 0},
    {0xfffffdff, 0xf1010000, "setend", ARM_V6, emit_setend, 0, 0},
    {0xfff1fe20, 0xf1000000, "cps", ARM_V6, emit_cps, 0, 0},
    {0xffffffff, 0xf57ff01f, "clrex", ARM_V6K, emit_clrex, 0, 0},
    {0xfffffff0, 0xf57ff040, "dsb", ARM_V7, emit_barrier, 0, 0},
    {0xfffffff0, 0xf57ff050, "dmb", ARM_V7, emit_barrier, 0, 0},
    {0xfffffff0, 0xf57ff060, "isb", ARM_V7, emit_barrier, 0, 0},
    {0xfe50ffff, 0xf8100a00, "rfe", ARM_V6, emit_rfe, 0, A | ROW_PRIV},
    {0xfe5fffe0, 0xf84d0500, "srs", ARM_V6, emit_srs, 0, A | ROW_PRIV},
    {0xffe00000, 0xfc400000, "mcrr2", ARM_V6, emit_coproc_pair, 0, A},
    {0xfe000000, 0xfc000000, "ldc2", ARM_V5, emit_coproc_other, 0, 0},
    {0xff000000, 0xfe000000, "cdp2", ARM_V5, emit_coproc_other, 0, 0},
    END,
};
