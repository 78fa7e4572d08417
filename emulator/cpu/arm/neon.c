/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Advanced SIMD: the rows (0406C A7.4, A7.7).
 */
#include "emulator/cpu/arm/neon.h"

/* Three registers of the same length: U, A (bits 11..8), B (bit 4). */
#define SAME(name, u, a, b, op)  {0xff800f10, 0xf2000000u | (u) << 24 | (a) << 8 | (b) << 4, name, ARM_NEON, emit_neon_same, op, ROW_FP}
#define SAME2(name, a, b, op)    {0xfe800f10, 0xf2000000u | (a) << 8 | (b) << 4, name, ARM_NEON, emit_neon_same, op, ROW_FP}
#define LOGIC(name, u, size, op) {0xffb00f10, 0xf2000110u | (u) << 24 | (size) << 20, name, ARM_NEON, emit_neon_same, op, ROW_FP}
/* ... of floats: U, bit 21, A, B */
#define FLOAT(name, needs, u, o, a, b, op) \
    {0xffb00f10, 0xf2000000u | (u) << 24 | (o) << 21 | (a) << 8 | (b) << 4, name, ARM_NEON | (needs), emit_neon_float, op, ROW_FP}
/* Three of different lengths; two and a scalar: A */
#define LONG(name, a, op)        {0xfe800f50, 0xf2800000u | (a) << 8, name, ARM_NEON, emit_neon_different, op, ROW_FP}
#define LONGU(name, u, a, op)    {0xff800f50, 0xf2800000u | (u) << 24 | (a) << 8, name, ARM_NEON, emit_neon_different, op, ROW_FP}
#define SCALAR(name, a, op)      {0xfe800f50, 0xf2800040u | (a) << 8, name, ARM_NEON, emit_neon_scalar, op, ROW_FP}
#define SCALAR0(name, a, op)     {0xff800f50, 0xf2800040u | (a) << 8, name, ARM_NEON, emit_neon_scalar, op, ROW_FP}
/* Two registers and a shift: U, A */
#define SHIFT(name, a, op)       {0xfe800f10, 0xf2800010u | (a) << 8, name, ARM_NEON, emit_neon_shift, op, ROW_FP}
#define SHIFTU(name, u, a, op)   {0xff800f10, 0xf2800010u | (u) << 24 | (a) << 8, name, ARM_NEON, emit_neon_shift, op, ROW_FP}
#define SHRN(name, u, a, b, op)  {0xff800fd0, 0xf2800010u | (u) << 24 | (a) << 8 | (b) << 6, name, ARM_NEON, emit_neon_shift_narrow, op, ROW_FP}
/* Two registers: A (17..16), B (10..7) */
#define MISC(name, a, b, op)     {0xffb30f90, 0xf3b00000u | (a) << 16 | (b) << 7, name, ARM_NEON, emit_neon_misc, op, ROW_FP}
#define MISCQ(name, a, b, q, fn, op) {0xffb30fd0, 0xf3b00000u | (a) << 16 | (b) << 7 | (q) << 6, name, ARM_NEON, fn, op, ROW_FP}

/* clang-format off */
const struct arm_row arm_neon_rows[] = {
    SAME2("vhadd", 0, 0, N_HADD), SAME2("vqadd", 0, 1, N_QADD), SAME2("vrhadd", 1, 0, N_RHADD),
    LOGIC("vand", 0, 0, N_AND), LOGIC("vbic", 0, 1, N_BIC), LOGIC("vorr", 0, 2, N_ORR), LOGIC("vorn", 0, 3, N_ORN),
    LOGIC("veor", 1, 0, N_EOR), LOGIC("vbsl", 1, 1, N_BSL), LOGIC("vbit", 1, 2, N_BIT), LOGIC("vbif", 1, 3, N_BIF),
    SAME2("vhsub", 2, 0, N_HSUB), SAME2("vqsub", 2, 1, N_QSUB), SAME2("vcgt", 3, 0, N_CGT), SAME2("vcge", 3, 1, N_CGE),
    SAME2("vshl", 4, 0, N_SHL), SAME2("vqshl", 4, 1, N_QSHL), SAME2("vrshl", 5, 0, N_RSHL),
    SAME2("vqrshl", 5, 1, N_QRSHL), SAME2("vmax", 6, 0, N_MAX), SAME2("vmin", 6, 1, N_MIN),
    SAME2("vabd", 7, 0, N_ABD), SAME2("vaba", 7, 1, N_ABA), SAME("vadd", 0u, 8, 0, N_ADD), SAME("vsub", 1u, 8, 0, N_SUB),
    SAME("vtst", 0u, 8, 1, N_TST), SAME("vceq", 1u, 8, 1, N_CEQ), SAME("vmla", 0u, 9, 0, N_MLA),
    SAME("vmls", 1u, 9, 0, N_MLS), SAME("vmul", 0u, 9, 1, N_MUL), SAME("vmul", 1u, 9, 1, N_PMUL),
    SAME2("vpmax", 10, 0, N_PMAX), SAME2("vpmin", 10, 1, N_PMIN), SAME("vqdmulh", 0u, 11, 0, N_QDMULH),
    SAME("vqrdmulh", 1u, 11, 0, N_QRDMULH), SAME("vpadd", 0u, 11, 1, N_PADD),

    FLOAT("vfma", ARM_VFP4, 0u, 0, 12, 1, NEON_ARITH + FP_FMA), FLOAT("vfms", ARM_VFP4, 0u, 1, 12, 1, NEON_ARITH + FP_FMS),
    FLOAT("vadd", 0, 0u, 0, 13, 0, NEON_ARITH + FP_ADD), FLOAT("vsub", 0, 0u, 1, 13, 0, NEON_ARITH + FP_SUB),
    FLOAT("vpadd", 0, 1u, 0, 13, 0, (NEON_ARITH + FP_ADD) | 0x100), FLOAT("vabd", 0, 1u, 1, 13, 0, NEON_ARITH + FP_ABD),
    FLOAT("vmla", 0, 0u, 0, 13, 1, NEON_ARITH + FP_MLA), FLOAT("vmls", 0, 0u, 1, 13, 1, NEON_ARITH + FP_MLS),
    FLOAT("vmul", 0, 1u, 0, 13, 1, NEON_ARITH + FP_MUL), FLOAT("vceq", 0, 0u, 0, 14, 0, NEON_FCEQ),
    FLOAT("vcge", 0, 1u, 0, 14, 0, NEON_FCGE), FLOAT("vcgt", 0, 1u, 1, 14, 0, NEON_FCGT),
    FLOAT("vacge", 0, 1u, 0, 14, 1, NEON_FACGE), FLOAT("vacgt", 0, 1u, 1, 14, 1, NEON_FACGT),
    FLOAT("vmax", 0, 0u, 0, 15, 0, NEON_ARITH + FP_MAX), FLOAT("vmin", 0, 0u, 1, 15, 0, NEON_ARITH + FP_MIN),
    FLOAT("vpmax", 0, 1u, 0, 15, 0, (NEON_ARITH + FP_MAX) | 0x100),
    FLOAT("vpmin", 0, 1u, 1, 15, 0, (NEON_ARITH + FP_MIN) | 0x100),
    FLOAT("vrecps", 0, 0u, 0, 15, 1, NEON_ARITH + FP_RECPS), FLOAT("vrsqrts", 0, 0u, 1, 15, 1, NEON_ARITH + FP_RSQRTS),

    /* what has size 11 in the place of three registers of different lengths */
    {0xffb00010, 0xf2b00000, "vext", ARM_NEON, emit_neon_ext, 0, ROW_FP},
    {0xffb00c10, 0xf3b00800, "vtbl", ARM_NEON, emit_neon_tbl, 0, ROW_FP},
    {0xffb00f90, 0xf3b00c00, "vdup", ARM_NEON, emit_neon_dup, 0, ROW_FP},
    MISC("vrev64", 0, 0, N_REV64), MISC("vrev32", 0, 1, N_REV32), MISC("vrev16", 0, 2, N_REV16),
    MISC("vpaddl", 0, 4, N_PADDL), MISC("vpaddl", 0, 5, N_PADDL), MISC("vcls", 0, 8, N_CLS), MISC("vclz", 0, 9, N_CLZ),
    MISC("vcnt", 0, 10, N_CNT), MISC("vmvn", 0, 11, N_MVN), MISC("vpadal", 0, 12, N_PADAL),
    MISC("vpadal", 0, 13, N_PADAL), MISC("vqabs", 0, 14, N_QABS), MISC("vqneg", 0, 15, N_QNEG),
    MISC("vcgt", 1, 0, N_CGT0), MISC("vcge", 1, 1, N_CGE0), MISC("vceq", 1, 2, N_CEQ0), MISC("vcle", 1, 3, N_CLE0),
    MISC("vclt", 1, 4, N_CLT0), MISC("vabs", 1, 6, N_ABS), MISC("vneg", 1, 7, N_NEG), MISC("vcgt", 1, 8, N_CGT0),
    MISC("vcge", 1, 9, N_CGE0), MISC("vceq", 1, 10, N_CEQ0), MISC("vcle", 1, 11, N_CLE0), MISC("vclt", 1, 12, N_CLT0),
    MISC("vabs", 1, 14, N_ABS), MISC("vneg", 1, 15, N_NEG),
    {0xffb30f90, 0xf3b20000, "vswp", ARM_NEON, emit_neon_permute, N_SWP, ROW_FP},
    {0xffb30f90, 0xf3b20080, "vtrn", ARM_NEON, emit_neon_permute, N_TRN, ROW_FP},
    {0xffb30f90, 0xf3b20100, "vuzp", ARM_NEON, emit_neon_permute, N_UZP, ROW_FP},
    {0xffb30f90, 0xf3b20180, "vzip", ARM_NEON, emit_neon_permute, N_ZIP, ROW_FP},
    MISCQ("vmovn", 2, 4, 0, emit_neon_narrow, N_MOVN), MISCQ("vqmovun", 2, 4, 1, emit_neon_narrow, N_QMOVUN),
    MISCQ("vqmovn", 2, 5, 0, emit_neon_narrow, N_QMOVN), MISCQ("vqmovn", 2, 5, 1, emit_neon_narrow, N_QMOVN),
    MISCQ("vshll", 2, 6, 0, emit_neon_narrow, N_SHLL),
    {0xffbf0ed0, 0xf3b60600, "vcvt", ARM_NEON | ARM_HALF, emit_neon_half, 0, ROW_FP},
    MISC("vrecpe", 3, 8, N_RECPE), MISC("vrsqrte", 3, 9, N_RSQRTE), MISC("vrecpe", 3, 10, N_RECPE),
    MISC("vrsqrte", 3, 11, N_RSQRTE), MISC("vcvt", 3, 12, N_CVT), MISC("vcvt", 3, 13, N_CVT),
    MISC("vcvt", 3, 14, N_CVT), MISC("vcvt", 3, 15, N_CVT),

    LONG("vaddl", 0, N_ADDL), LONG("vaddw", 1, N_ADDW), LONG("vsubl", 2, N_SUBL), LONG("vsubw", 3, N_SUBW),
    LONGU("vaddhn", 0u, 4, N_ADDHN), LONGU("vraddhn", 1u, 4, N_RADDHN), LONG("vabal", 5, N_ABAL),
    LONGU("vsubhn", 0u, 6, N_SUBHN), LONGU("vrsubhn", 1u, 6, N_RSUBHN), LONG("vabdl", 7, N_ABDL), LONG("vmlal", 8, N_MLAL),
    LONGU("vqdmlal", 0u, 9, N_QDMLAL), LONG("vmlsl", 10, N_MLSL), LONGU("vqdmlsl", 0u, 11, N_QDMLSL),
    LONG("vmull", 12, N_MULL), LONGU("vqdmull", 0u, 13, N_QDMULL), LONGU("vmull", 0u, 14, N_PMULL),

    SCALAR("vmla", 0, N_MLA), SCALAR("vmla", 1, N_FMLA), SCALAR("vmlal", 2, N_MLAL), SCALAR0("vqdmlal", 3, N_QDMLAL),
    SCALAR("vmls", 4, N_MLS), SCALAR("vmls", 5, N_FMLS), SCALAR("vmlsl", 6, N_MLSL), SCALAR0("vqdmlsl", 7, N_QDMLSL),
    SCALAR("vmul", 8, N_MUL), SCALAR("vmul", 9, N_FMUL), SCALAR("vmull", 10, N_MULL), SCALAR0("vqdmull", 11, N_QDMULL),
    SCALAR("vqdmulh", 12, N_QDMULH), SCALAR("vqrdmulh", 13, N_QRDMULH),

    /* imm3H and L all 0: no shift, an immediate */
    {0xfeb80090, 0xf2800010, "vmov", ARM_NEON, emit_neon_imm, 0, ROW_FP},
    SHIFT("vshr", 0, N_SHR), SHIFT("vsra", 1, N_SRA), SHIFT("vrshr", 2, N_RSHR), SHIFT("vrsra", 3, N_RSRA),
    SHIFTU("vsri", 1u, 4, N_SRI), SHIFTU("vshl", 0u, 5, N_SHLI), SHIFTU("vsli", 1u, 5, N_SLI),
    SHIFTU("vqshlu", 1u, 6, N_QSHLUI), SHIFT("vqshl", 7, N_QSHLI),
    SHRN("vshrn", 0u, 8, 0, 0), SHRN("vrshrn", 0u, 8, 1, SHRN_ROUNDED), SHRN("vqshrun", 1u, 8, 0, SHRN_SU),
    SHRN("vqrshrun", 1u, 8, 1, SHRN_SU | SHRN_ROUNDED), SHRN("vqshrn", 0u, 9, 0, SHRN_SS), SHRN("vqshrn", 1u, 9, 0, SHRN_UU),
    SHRN("vqrshrn", 0u, 9, 1, SHRN_SS | SHRN_ROUNDED), SHRN("vqrshrn", 1u, 9, 1, SHRN_UU | SHRN_ROUNDED),
    {0xfe800fd0, 0xf2800a10, "vshll", ARM_NEON, emit_neon_shift_long, 0, ROW_FP},
    {0xfe800e90, 0xf2800e10, "vcvt", ARM_NEON, emit_neon_fixed, 0, ROW_FP},

    {0xff900000, 0xf4000000, "vld/vst", ARM_NEON, emit_neon_ldst_multiple, 0, ROW_FP},
    {0xff900c00, 0xf4800c00, "vld (all lanes)", ARM_NEON, emit_neon_ld_all, 0, ROW_FP},
    {0xff900000, 0xf4800000, "vld/vst (lane)", ARM_NEON, emit_neon_ldst_lane, 0, ROW_FP},
    {0, 0, NULL, 0, NULL, 0, 0},
};
/* clang-format on */
