/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The instruction table: appendix F of the V8 manual (opcode tables F-1 to F-7), and on top of it the rows of
 * V9 that 32-bit "v8plus" programs use (V9 manual, appendix E), which a model needs SPARC_V9_SUBSET for.
 */
#include "emulator/cpu/sparc/internal.h"

#define V9 SPARC_V9_SUBSET

/* Emitters' aux. */
#define CC    1u  /* sets icc */
#define CARRY 2u  /* with the carry */
#define TRAP  4u  /* tagged: traps on overflow */
#define MINUS 8u  /* tagged: subtract */
#define LOGIC(op, invert, cc) ((op) | (invert) << 8 | (cc) << 16)
#define MEM(size, sign)       ((size) | (sign) << 3)

#define S ROW_SAFE

static const struct sparc_row by_op2[8] = {
    [0] = {"unimp", emit_unimp, FMT_UNIMP, 0, 0, 0},
    [1] = {"b", emit_bpcc, FMT_BRANCH_P, ROW_CTI, V9, 0},
    [2] = {"b", emit_bicc, FMT_BRANCH, ROW_CTI, 0, 0},
    [3] = {"br", emit_bpr, FMT_BRANCH_R, ROW_CTI, V9, 0},
    [4] = {"sethi", emit_sethi, FMT_SETHI, S, 0, 0},
    [5] = {"fb", emit_fbpfcc, FMT_BRANCH_P, ROW_CTI | ROW_FP, V9, 0},
    [6] = {"fb", emit_fbfcc, FMT_BRANCH, ROW_CTI | ROW_FP, 0, 0},
    [7] = {"cb", emit_cbccc, FMT_BRANCH, ROW_CTI, 0, 0},
};
static const struct sparc_row row_call = {"call", emit_call, FMT_CALL, ROW_CTI, 0, 0};

static const struct sparc_row by_arith[64] = {
    [0x00] = {"add", emit_add, FMT_ARITH, S, 0, 0},
    [0x01] = {"and", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_AND, 0, 0)},
    [0x02] = {"or", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_OR, 0, 0)},
    [0x03] = {"xor", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_XOR, 0, 0)},
    [0x04] = {"sub", emit_sub, FMT_ARITH, S, 0, 0},
    [0x05] = {"andn", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_AND, 1, 0)},
    [0x06] = {"orn", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_OR, 1, 0)},
    [0x07] = {"xnor", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_XOR, 1, 0)},
    [0x08] = {"addx", emit_add, FMT_ARITH, S, 0, CARRY},
    [0x09] = {"mulx", emit_mulx, FMT_ARITH, S, V9, 0},
    [0x0a] = {"umul", emit_umul, FMT_ARITH, S, SPARC_MULDIV, 0},
    [0x0b] = {"smul", emit_smul, FMT_ARITH, S, SPARC_MULDIV, 0},
    [0x0c] = {"subx", emit_sub, FMT_ARITH, S, 0, CARRY},
    [0x0d] = {"udivx", emit_divx, FMT_ARITH, 0, V9, 0},
    [0x0e] = {"udiv", emit_udiv, FMT_ARITH, 0, SPARC_MULDIV, 0},
    [0x0f] = {"sdiv", emit_sdiv, FMT_ARITH, 0, SPARC_MULDIV, 0},
    [0x10] = {"addcc", emit_add, FMT_ARITH, S, 0, CC},
    [0x11] = {"andcc", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_AND, 0, 1)},
    [0x12] = {"orcc", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_OR, 0, 1)},
    [0x13] = {"xorcc", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_XOR, 0, 1)},
    [0x14] = {"subcc", emit_sub, FMT_ARITH, S, 0, CC},
    [0x15] = {"andncc", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_AND, 1, 1)},
    [0x16] = {"orncc", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_OR, 1, 1)},
    [0x17] = {"xnorcc", emit_logic, FMT_ARITH, S, 0, LOGIC(IR_XOR, 1, 1)},
    [0x18] = {"addxcc", emit_add, FMT_ARITH, S, 0, CARRY | CC},
    [0x1a] = {"umulcc", emit_umul, FMT_ARITH, S, SPARC_MULDIV, CC},
    [0x1b] = {"smulcc", emit_smul, FMT_ARITH, S, SPARC_MULDIV, CC},
    [0x1c] = {"subxcc", emit_sub, FMT_ARITH, S, 0, CARRY | CC},
    [0x1e] = {"udivcc", emit_udiv, FMT_ARITH, 0, SPARC_MULDIV, CC},
    [0x1f] = {"sdivcc", emit_sdiv, FMT_ARITH, 0, SPARC_MULDIV, CC},
    [0x20] = {"taddcc", emit_tagged, FMT_ARITH, S, 0, 0},
    [0x21] = {"tsubcc", emit_tagged, FMT_ARITH, S, 0, MINUS},
    [0x22] = {"taddcctv", emit_tagged, FMT_ARITH, 0, 0, TRAP},
    [0x23] = {"tsubcctv", emit_tagged, FMT_ARITH, 0, 0, TRAP | MINUS},
    [0x24] = {"mulscc", emit_mulscc, FMT_ARITH, S, 0, 0},
    [0x25] = {"sll", emit_shift, FMT_SHIFT, S, 0, IR_SHL},
    [0x26] = {"srl", emit_shift, FMT_SHIFT, S, 0, IR_SHR},
    [0x27] = {"sra", emit_shift, FMT_SHIFT, S, 0, IR_SAR},
    [0x28] = {"rd", emit_rdy, FMT_RD, 0, 0, 0},
    [0x29] = {"rd", emit_rdpsr, FMT_RD, ROW_PRIV, 0, 1},
    [0x2a] = {"rd", emit_rdwim, FMT_RD, ROW_PRIV, 0, 2},
    [0x2b] = {"rd", emit_rdtbr, FMT_RD, ROW_PRIV, 0, 3},
    [0x30] = {"wr", emit_wry, FMT_WR, 0, 0, 0},
    [0x31] = {"wr", emit_wrpsr, FMT_WR, ROW_PRIV, 0, 1},
    [0x32] = {"wr", emit_wrwim, FMT_WR, ROW_PRIV, 0, 2},
    [0x33] = {"wr", emit_wrtbr, FMT_WR, ROW_PRIV, 0, 3},
    [0x36] = {"cpop1", emit_cpop, FMT_CPOP, 0, 0, 0},
    [0x37] = {"cpop2", emit_cpop, FMT_CPOP, 0, 0, 0},
    [0x38] = {"jmpl", emit_jmpl, FMT_JMPL, ROW_CTI, 0, 0},
    [0x39] = {"rett", emit_rett, FMT_ADDRESS, ROW_CTI | ROW_PRIV, 0, 0},
    [0x3a] = {"t", emit_ticc, FMT_TRAP, 0, 0, 0},
    [0x3b] = {"flush", emit_flush, FMT_ADDRESS, 0, 0, 0},
    [0x3c] = {"save", emit_save, FMT_ARITH, 0, 0, 0},
    [0x3d] = {"restore", emit_restore, FMT_ARITH, 0, 0, 0},
};

/* Where V9 means something else. */
static const struct sparc_row by_arith_v9[64] = {
    [0x2b] = {"flushw", emit_flushw, FMT_NONE, 0, V9, 0},
    [0x2c] = {"mov", emit_movcc, FMT_MOVCC, S, V9, 0},
    [0x2d] = {"sdivx", emit_divx, FMT_ARITH, 0, V9, 1},
    [0x2e] = {"popc", emit_popc, FMT_ARITH, S, V9, 0},
    [0x2f] = {"movr", emit_movr, FMT_MOVR, S, V9, 0},
    [0x39] = {"return", emit_return, FMT_ADDRESS, ROW_CTI, V9, 0},
};

static const struct sparc_row by_mem[64] = {
    [0x00] = {"ld", emit_load, FMT_LOAD, 0, 0, MEM(2, 0)},
    [0x01] = {"ldub", emit_load, FMT_LOAD, 0, 0, MEM(0, 0)},
    [0x02] = {"lduh", emit_load, FMT_LOAD, 0, 0, MEM(1, 0)},
    [0x03] = {"ldd", emit_ldd, FMT_LOAD, ROW_EVEN_RD, 0, 0},
    [0x04] = {"st", emit_store, FMT_STORE, 0, 0, MEM(2, 0)},
    [0x05] = {"stb", emit_store, FMT_STORE, 0, 0, MEM(0, 0)},
    [0x06] = {"sth", emit_store, FMT_STORE, 0, 0, MEM(1, 0)},
    [0x07] = {"std", emit_std, FMT_STORE, ROW_EVEN_RD, 0, 0},
    [0x08] = {"ldsw", emit_load, FMT_LOAD, 0, V9, MEM(2, 1)},
    [0x09] = {"ldsb", emit_load, FMT_LOAD, 0, 0, MEM(0, 1)},
    [0x0a] = {"ldsh", emit_load, FMT_LOAD, 0, 0, MEM(1, 1)},
    [0x0b] = {"ldx", emit_load, FMT_LOAD, 0, V9, MEM(3, 0)},
    [0x0d] = {"ldstub", emit_ldstub, FMT_LOAD, 0, 0, 0},
    [0x0e] = {"stx", emit_store, FMT_STORE, 0, V9, MEM(3, 0)},
    [0x0f] = {"swap", emit_swap, FMT_LOAD, 0, 0, 0},
    [0x10] = {"lda", emit_load_alt, FMT_LOAD_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(2, 0)},
    [0x11] = {"lduba", emit_load_alt, FMT_LOAD_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(0, 0)},
    [0x12] = {"lduha", emit_load_alt, FMT_LOAD_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(1, 0)},
    [0x13] = {"ldda", emit_load_alt, FMT_LOAD_A, ROW_PRIV | ROW_REG_ONLY | ROW_EVEN_RD, 0, MEM(3, 0)},
    [0x14] = {"sta", emit_store_alt, FMT_STORE_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(2, 0)},
    [0x15] = {"stba", emit_store_alt, FMT_STORE_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(0, 0)},
    [0x16] = {"stha", emit_store_alt, FMT_STORE_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(1, 0)},
    [0x17] = {"stda", emit_store_alt, FMT_STORE_A, ROW_PRIV | ROW_REG_ONLY | ROW_EVEN_RD, 0, MEM(3, 0)},
    [0x19] = {"ldsba", emit_load_alt, FMT_LOAD_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(0, 1)},
    [0x1a] = {"ldsha", emit_load_alt, FMT_LOAD_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(1, 1)},
    [0x1d] = {"ldstuba", emit_load_alt, FMT_LOAD_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(0, 0) | 1 << 4},
    [0x1f] = {"swapa", emit_load_alt, FMT_LOAD_A, ROW_PRIV | ROW_REG_ONLY, 0, MEM(2, 0) | 1 << 4},
    [0x20] = {"ld", emit_ldf, FMT_LOAD_F, ROW_FP, 0, 0},
    [0x21] = {"ld", emit_ldfsr, FMT_LOAD_FSR, ROW_FP, 0, 0},
    [0x22] = {"ldq", emit_ldq, FMT_LOAD_D, ROW_FP, V9, 0},
    [0x23] = {"ldd", emit_lddf, FMT_LOAD_D, ROW_FP, 0, 0},
    [0x24] = {"st", emit_stf, FMT_STORE_F, ROW_FP, 0, 0},
    [0x25] = {"st", emit_stfsr, FMT_STORE_FSR, ROW_FP, 0, 0},
    [0x26] = {"std", emit_stdfq, FMT_STORE_FQ, ROW_PRIV, 0, 0},
    [0x27] = {"std", emit_stdf, FMT_STORE_D, ROW_FP, 0, 0},
    [0x30] = {"ld", emit_cpmem, FMT_LOAD_C, 0, 0, 0},
    [0x31] = {"ld", emit_cpmem, FMT_LOAD_CSR, 0, 0, 0},
    [0x33] = {"ldd", emit_cpmem, FMT_LOAD_C, 0, 0, 0},
    [0x34] = {"st", emit_cpmem, FMT_STORE_C, 0, 0, 0},
    [0x35] = {"st", emit_cpmem, FMT_STORE_CSR, 0, 0, 0},
    [0x36] = {"std", emit_cpmem, FMT_STORE_CQ, ROW_PRIV, 0, 0},
    [0x37] = {"std", emit_cpmem, FMT_STORE_C, 0, 0, 0},
    [0x3c] = {"casa", emit_casa, FMT_CASA, 0, SPARC_CASA, 2},
};

/* V9: alternate-space accesses with %asi or an unprivileged ASI, coprocessor codes used anew. */
static const struct sparc_row by_mem_v9[64] = {
    [0x10] = {"lda", emit_load_alt, FMT_LOAD_A, 0, V9, MEM(2, 0)},
    [0x11] = {"lduba", emit_load_alt, FMT_LOAD_A, 0, V9, MEM(0, 0)},
    [0x12] = {"lduha", emit_load_alt, FMT_LOAD_A, 0, V9, MEM(1, 0)},
    [0x13] = {"ldda", emit_load_alt, FMT_LOAD_A, ROW_EVEN_RD, V9, MEM(3, 0)},
    [0x14] = {"sta", emit_store_alt, FMT_STORE_A, 0, V9, MEM(2, 0)},
    [0x15] = {"stba", emit_store_alt, FMT_STORE_A, 0, V9, MEM(0, 0)},
    [0x16] = {"stha", emit_store_alt, FMT_STORE_A, 0, V9, MEM(1, 0)},
    [0x17] = {"stda", emit_store_alt, FMT_STORE_A, ROW_EVEN_RD, V9, MEM(3, 0)},
    [0x18] = {"ldswa", emit_load_alt, FMT_LOAD_A, 0, V9, MEM(2, 1)},
    [0x19] = {"ldsba", emit_load_alt, FMT_LOAD_A, 0, V9, MEM(0, 1)},
    [0x1a] = {"ldsha", emit_load_alt, FMT_LOAD_A, 0, V9, MEM(1, 1)},
    [0x1b] = {"ldxa", emit_load_alt, FMT_LOAD_A, 0, V9, MEM(3, 0) | 1 << 5},
    [0x1d] = {"ldstuba", emit_load_alt, FMT_LOAD_A, 0, V9, MEM(0, 0) | 1 << 4},
    [0x1e] = {"stxa", emit_store_alt, FMT_STORE_A, 0, V9, MEM(3, 0) | 1 << 5},
    [0x1f] = {"swapa", emit_load_alt, FMT_LOAD_A, 0, V9, MEM(2, 0) | 1 << 4},
    [0x26] = {"stq", emit_stq, FMT_STORE_D, ROW_FP, V9, 0},
    [0x2d] = {"prefetch", emit_prefetch, FMT_PREFETCH, 0, V9, 0},
    [0x30] = {"lda", emit_ldf_alt, FMT_LOAD_F, ROW_FP, V9, 2},
    [0x33] = {"ldda", emit_ldf_alt, FMT_LOAD_D, ROW_FP, V9, 3},
    [0x34] = {"sta", emit_stf_alt, FMT_STORE_F, ROW_FP, V9, 2},
    [0x37] = {"stda", emit_stf_alt, FMT_STORE_D, ROW_FP, V9, 3},
    [0x3c] = {"casa", emit_casa, FMT_CASA, 0, V9, 2},
    [0x3d] = {"prefetcha", emit_prefetch, FMT_PREFETCH, 0, V9, 0},
    [0x3e] = {"casxa", emit_casa, FMT_CASA, 0, V9, 3},
    /* V9 has no coprocessor: the others are illegal (V9 appendix E, table 33) */
    [0x31] = {"illegal", emit_unimp, FMT_UNIMP, 0, V9, 0},
    [0x35] = {"illegal", emit_unimp, FMT_UNIMP, 0, V9, 0},
    [0x36] = {"illegal", emit_unimp, FMT_UNIMP, 0, V9, 0},
};

#define F  (ROW_FP | ROW_FPOP | ROW_SAFE)
#define FQ (ROW_FP | ROW_FPOP | ROW_QUAD)

static const struct sparc_row by_fpop1[0x100] = {
    [0x01] = {"fmovs", emit_fmov, FMT_FP_S_S, F, 0, 0},
    [0x02] = {"fmovd", emit_fmov, FMT_FP_D_D, F, V9, 4},
    [0x03] = {"fmovq", emit_fquad, FMT_FP_Q_Q, FQ, V9, 0},
    [0x05] = {"fnegs", emit_fmov, FMT_FP_S_S, F, 0, 1},
    [0x06] = {"fnegd", emit_fmov, FMT_FP_D_D, F, V9, 5},
    [0x07] = {"fnegq", emit_fquad, FMT_FP_Q_Q, FQ, V9, 0},
    [0x09] = {"fabss", emit_fmov, FMT_FP_S_S, F, 0, 2},
    [0x0a] = {"fabsd", emit_fmov, FMT_FP_D_D, F, V9, 6},
    [0x0b] = {"fabsq", emit_fquad, FMT_FP_Q_Q, FQ, V9, 0},
    [0x29] = {"fsqrts", emit_fsqrt, FMT_FP_S_S, F, 0, 0},
    [0x2a] = {"fsqrtd", emit_fsqrt, FMT_FP_D_D, F, 0, 1},
    [0x2b] = {"fsqrtq", emit_fquad, FMT_FP_Q_Q, FQ, 0, 0},
    [0x41] = {"fadds", emit_farith, FMT_FP_SS_S, F, 0, IR_FADD},
    [0x42] = {"faddd", emit_farith, FMT_FP_DD_D, F, 0, IR_FADD | 0x100},
    [0x43] = {"faddq", emit_fquad, FMT_FP_QQ_Q, FQ, 0, 0},
    [0x45] = {"fsubs", emit_farith, FMT_FP_SS_S, F, 0, IR_FSUB},
    [0x46] = {"fsubd", emit_farith, FMT_FP_DD_D, F, 0, IR_FSUB | 0x100},
    [0x47] = {"fsubq", emit_fquad, FMT_FP_QQ_Q, FQ, 0, 0},
    [0x49] = {"fmuls", emit_farith, FMT_FP_SS_S, F, 0, IR_FMUL},
    [0x4a] = {"fmuld", emit_farith, FMT_FP_DD_D, F, 0, IR_FMUL | 0x100},
    [0x4b] = {"fmulq", emit_fquad, FMT_FP_QQ_Q, FQ, 0, 0},
    [0x4d] = {"fdivs", emit_farith, FMT_FP_SS_S, F, 0, IR_FDIV},
    [0x4e] = {"fdivd", emit_farith, FMT_FP_DD_D, F, 0, IR_FDIV | 0x100},
    [0x4f] = {"fdivq", emit_fquad, FMT_FP_QQ_Q, FQ, 0, 0},
    [0x69] = {"fsmuld", emit_fsmuld, FMT_FP_SS_D, F, SPARC_FSMULD, 0},
    [0x6e] = {"fdmulq", emit_fquad, FMT_FP_DD_Q, FQ, 0, 0},
    [0x81] = {"fstox", emit_fconv, FMT_FP_S_D, F, V9, 0},
    [0x82] = {"fdtox", emit_fconv, FMT_FP_D_D, F, V9, 0},
    [0x83] = {"fqtox", emit_fquad, FMT_FP_Q_D, FQ, V9, 0},
    [0x84] = {"fxtos", emit_fconv, FMT_FP_D_S, F, V9, 0},
    [0x88] = {"fxtod", emit_fconv, FMT_FP_D_D, F, V9, 0},
    [0x8c] = {"fxtoq", emit_fquad, FMT_FP_D_Q, FQ, V9, 0},
    [0xc4] = {"fitos", emit_fconv, FMT_FP_S_S, F, 0, 0},
    [0xc6] = {"fdtos", emit_fconv, FMT_FP_D_S, F, 0, 0},
    [0xc7] = {"fqtos", emit_fquad, FMT_FP_Q_S, FQ, 0, 0},
    [0xc8] = {"fitod", emit_fconv, FMT_FP_S_D, F, 0, 0},
    [0xc9] = {"fstod", emit_fconv, FMT_FP_S_D, F, 0, 0},
    [0xcb] = {"fqtod", emit_fquad, FMT_FP_Q_D, FQ, 0, 0},
    [0xcc] = {"fitoq", emit_fquad, FMT_FP_S_Q, FQ, 0, 0},
    [0xcd] = {"fstoq", emit_fquad, FMT_FP_S_Q, FQ, 0, 0},
    [0xce] = {"fdtoq", emit_fquad, FMT_FP_D_Q, FQ, 0, 0},
    [0xd1] = {"fstoi", emit_fconv, FMT_FP_S_S, F, 0, 0},
    [0xd2] = {"fdtoi", emit_fconv, FMT_FP_D_S, F, 0, 0},
    [0xd3] = {"fqtoi", emit_fquad, FMT_FP_Q_S, FQ, 0, 0},
};

static const struct sparc_row by_fpop2[] = { /* 0x51..0x57 */
    [0] = {"fcmps", emit_fcmp, FMT_FCMP_S, F, 0, 0},
    [1] = {"fcmpd", emit_fcmp, FMT_FCMP_D, F, 0, 1},
    [2] = {"fcmpq", emit_fquad, FMT_FCMP_Q, FQ, 0, 0},
    [4] = {"fcmpes", emit_fcmp, FMT_FCMP_S, F, 0, 2},
    [5] = {"fcmped", emit_fcmp, FMT_FCMP_D, F, 0, 3},
    [6] = {"fcmpeq", emit_fquad, FMT_FCMP_Q, FQ, 0, 0},
};

/* V9: by opf, low 6 bits 1..3 = fmovs/d/q on a condition (bits 8..6 name fcc0..3, icc, xcc), 5..7 on a register. */
#define FM (ROW_FP | ROW_SAFE)
static const struct sparc_row row_fmovcc[3] = {
    {"fmovs", emit_fmovcc, FMT_FP_S_S, FM, V9, 0},
    {"fmovd", emit_fmovcc, FMT_FP_D_D, FM, V9, 1},
    {"fmovq", emit_fmovcc, FMT_FP_Q_Q, FM, V9, 2},
};
static const struct sparc_row row_fmovr[3] = {
    {"fmovrs", emit_fmovr, FMT_FP_S_S, FM, V9, 0},
    {"fmovrd", emit_fmovr, FMT_FP_D_D, FM, V9, 1},
    {"fmovrq", emit_fmovr, FMT_FP_Q_Q, FM, V9, 2},
};

/* VIS 1, by opf of IMPDEP1 ("UltraSPARC I & II User's Manual", table 13-1 and appendix E). */
#define VI  (V9 | SPARC_VIS)
#define FV  (ROW_FP | ROW_SAFE)
/* Formats by the operands that count: both, rs1 alone, rs2 alone, none. */
#define FMT_FP_2_D FMT_FP_DD_D
#define FMT_FP_2_S FMT_FP_SS_S
#define FMT_FP_A_D FMT_FP_1D_D
#define FMT_FP_A_S FMT_FP_1S_S
#define FMT_FP_B_D FMT_FP_D_D
#define FMT_FP_B_S FMT_FP_S_S
#define VIS_LOGIC(op, name, formats, table)                                                                            \
    [op] = {name, emit_vis_logic, formats##D, FV, VI, table},                                                          \
    [(op) + 1] = {name "s", emit_vis_logic, formats##S, FV, VI, (table) | VIS_SINGLE}
static const struct sparc_row by_vis[0x80] = {
    [0x00] = {"edge8", emit_vis, FMT_ARITH, 0, VI, VIS_INTEGER | VIS_TO_INTEGER | VIS_CC},
    [0x02] = {"edge8l", emit_vis, FMT_ARITH, 0, VI, VIS_INTEGER | VIS_TO_INTEGER | VIS_CC},
    [0x04] = {"edge16", emit_vis, FMT_ARITH, 0, VI, VIS_INTEGER | VIS_TO_INTEGER | VIS_CC},
    [0x06] = {"edge16l", emit_vis, FMT_ARITH, 0, VI, VIS_INTEGER | VIS_TO_INTEGER | VIS_CC},
    [0x08] = {"edge32", emit_vis, FMT_ARITH, 0, VI, VIS_INTEGER | VIS_TO_INTEGER | VIS_CC},
    [0x0a] = {"edge32l", emit_vis, FMT_ARITH, 0, VI, VIS_INTEGER | VIS_TO_INTEGER | VIS_CC},
    [0x10] = {"array8", emit_vis, FMT_ARITH, 0, VI, VIS_INTEGER | VIS_TO_INTEGER},
    [0x12] = {"array16", emit_vis, FMT_ARITH, 0, VI, VIS_INTEGER | VIS_TO_INTEGER},
    [0x14] = {"array32", emit_vis, FMT_ARITH, 0, VI, VIS_INTEGER | VIS_TO_INTEGER},
    [0x18] = {"alignaddr", emit_vis_alignaddr, FMT_ARITH, ROW_FP, VI, 0},
    [0x1a] = {"alignaddrl", emit_vis_alignaddr, FMT_ARITH, ROW_FP, VI, 1},
    [0x20] = {"fcmple16", emit_vis, FMT_FP_DD_R, ROW_FP, VI, VIS_A | VIS_TO_INTEGER},
    [0x22] = {"fcmpne16", emit_vis, FMT_FP_DD_R, ROW_FP, VI, VIS_A | VIS_TO_INTEGER},
    [0x24] = {"fcmple32", emit_vis, FMT_FP_DD_R, ROW_FP, VI, VIS_A | VIS_TO_INTEGER},
    [0x26] = {"fcmpne32", emit_vis, FMT_FP_DD_R, ROW_FP, VI, VIS_A | VIS_TO_INTEGER},
    [0x28] = {"fcmpgt16", emit_vis, FMT_FP_DD_R, ROW_FP, VI, VIS_A | VIS_TO_INTEGER},
    [0x2a] = {"fcmpeq16", emit_vis, FMT_FP_DD_R, ROW_FP, VI, VIS_A | VIS_TO_INTEGER},
    [0x2c] = {"fcmpgt32", emit_vis, FMT_FP_DD_R, ROW_FP, VI, VIS_A | VIS_TO_INTEGER},
    [0x2e] = {"fcmpeq32", emit_vis, FMT_FP_DD_R, ROW_FP, VI, VIS_A | VIS_TO_INTEGER},
    [0x31] = {"fmul8x16", emit_vis, FMT_FP_SD_D, ROW_FP, VI, VIS_A_SINGLE},
    [0x33] = {"fmul8x16au", emit_vis, FMT_FP_SS_D, ROW_FP, VI, VIS_A_SINGLE | VIS_B_SINGLE},
    [0x35] = {"fmul8x16al", emit_vis, FMT_FP_SS_D, ROW_FP, VI, VIS_A_SINGLE | VIS_B_SINGLE},
    [0x36] = {"fmul8sux16", emit_vis, FMT_FP_DD_D, ROW_FP, VI, VIS_A},
    [0x37] = {"fmul8ulx16", emit_vis, FMT_FP_DD_D, ROW_FP, VI, VIS_A},
    [0x38] = {"fmuld8sux16", emit_vis, FMT_FP_SS_D, ROW_FP, VI, VIS_A_SINGLE | VIS_B_SINGLE},
    [0x39] = {"fmuld8ulx16", emit_vis, FMT_FP_SS_D, ROW_FP, VI, VIS_A_SINGLE | VIS_B_SINGLE},
    [0x3a] = {"fpack32", emit_vis, FMT_FP_DD_D, ROW_FP, VI, VIS_A | VIS_GSR},
    [0x3b] = {"fpack16", emit_vis, FMT_FP_D_S, ROW_FP, VI, VIS_GSR | VIS_SINGLE},
    [0x3d] = {"fpackfix", emit_vis, FMT_FP_D_S, ROW_FP, VI, VIS_GSR | VIS_SINGLE},
    [0x3e] = {"pdist", emit_vis, FMT_FP_DD_D, ROW_FP, VI, VIS_A | VIS_SUM},
    [0x48] = {"faligndata", emit_vis_faligndata, FMT_FP_DD_D, FV, VI, 0},
    [0x4b] = {"fpmerge", emit_vis, FMT_FP_SS_D, ROW_FP, VI, VIS_A_SINGLE | VIS_B_SINGLE},
    [0x4d] = {"fexpand", emit_vis, FMT_FP_S_D, ROW_FP, VI, VIS_B_SINGLE},
    [0x50] = {"fpadd16", emit_vis_add, FMT_FP_DD_D, FV, VI, IR_VADD | IR_L16 << 8},
    [0x51] = {"fpadd16s", emit_vis_add, FMT_FP_SS_S, FV, VI, IR_VADD | IR_L16 << 8 | VIS_SINGLE},
    [0x52] = {"fpadd32", emit_vis_add, FMT_FP_DD_D, FV, VI, IR_VADD | IR_L32 << 8},
    [0x53] = {"fpadd32s", emit_vis_add, FMT_FP_SS_S, FV, VI, IR_VADD | IR_L32 << 8 | VIS_SINGLE},
    [0x54] = {"fpsub16", emit_vis_add, FMT_FP_DD_D, FV, VI, IR_VSUB | IR_L16 << 8},
    [0x55] = {"fpsub16s", emit_vis_add, FMT_FP_SS_S, FV, VI, IR_VSUB | IR_L16 << 8 | VIS_SINGLE},
    [0x56] = {"fpsub32", emit_vis_add, FMT_FP_DD_D, FV, VI, IR_VSUB | IR_L32 << 8},
    [0x57] = {"fpsub32s", emit_vis_add, FMT_FP_SS_S, FV, VI, IR_VSUB | IR_L32 << 8 | VIS_SINGLE},
    VIS_LOGIC(0x60, "fzero", FMT_FP_0_, 0x0),
    VIS_LOGIC(0x62, "fnor", FMT_FP_2_, 0x1),
    VIS_LOGIC(0x64, "fandnot2", FMT_FP_2_, 0x4),
    VIS_LOGIC(0x66, "fnot2", FMT_FP_B_, 0x5),
    VIS_LOGIC(0x68, "fandnot1", FMT_FP_2_, 0x2),
    VIS_LOGIC(0x6a, "fnot1", FMT_FP_A_, 0x3),
    VIS_LOGIC(0x6c, "fxor", FMT_FP_2_, 0x6),
    VIS_LOGIC(0x6e, "fnand", FMT_FP_2_, 0x7),
    VIS_LOGIC(0x70, "fand", FMT_FP_2_, 0x8),
    VIS_LOGIC(0x72, "fxnor", FMT_FP_2_, 0x9),
    VIS_LOGIC(0x74, "fsrc1", FMT_FP_A_, 0xc),
    VIS_LOGIC(0x76, "fornot2", FMT_FP_2_, 0xd),
    VIS_LOGIC(0x78, "fsrc2", FMT_FP_B_, 0xa),
    VIS_LOGIC(0x7a, "fornot1", FMT_FP_2_, 0xb),
    VIS_LOGIC(0x7c, "for", FMT_FP_2_, 0xe),
    VIS_LOGIC(0x7e, "fone", FMT_FP_0_, 0xf),
};

static const struct sparc_row *decode_fpop2(uint32_t word, uint32_t features)
{
    unsigned opf = field_opf(word);
    if (opf >= 0x51 && opf < 0x51 + G_N_ELEMENTS(by_fpop2) && by_fpop2[opf - 0x51].name)
        return &by_fpop2[opf - 0x51];
    if (!(features & V9))
        return NULL;
    unsigned low = opf & 0x3f, set = opf >> 6;
    if (low >= 1 && low <= 3 && (set <= 4 || set == 6) && !(word >> 18 & 1))
        return &row_fmovcc[low - 1];
    unsigned rcond = opf >> 5 & 7; /* fmovr: bits 12..10 of the word */
    if ((opf & 0x1f) >= 5 && (opf & 0x1f) <= 7 && opf < 0x100 && (rcond & 3))
        return &row_fmovr[(opf & 0x1f) - 5];
    return NULL;
}

static const struct sparc_row *present(const struct sparc_row *row, uint32_t features)
{
    return row->name && (row->needs & ~features) == 0 ? row : NULL;
}

const struct sparc_row *sparc_decode(uint32_t word, uint32_t features, bool *fpop)
{
    unsigned op3 = field_op3(word);
    const struct sparc_row *row;
    *fpop = false;
    switch (field_op(word)) {
    case 0: return present(&by_op2[field_op2(word)], features);
    case 1: return &row_call;
    case 2:
        if (op3 == 0x34 || op3 == 0x35) {
            *fpop = true;
            if (op3 == 0x35) {
                row = decode_fpop2(word, features);
                return row ? present(row, features) : NULL;
            }
            return field_opf(word) < 0x100 ? present(&by_fpop1[field_opf(word)], features) : NULL;
        }
        if (op3 == 0x36 && (features & SPARC_VIS))
            return field_opf(word) < G_N_ELEMENTS(by_vis) ? present(&by_vis[field_opf(word)], features) : NULL;
        if ((features & V9) && by_arith_v9[op3].name)
            return present(&by_arith_v9[op3], features);
        if ((features & V9) && op3 >= 0x29 && op3 <= 0x37 && op3 != 0x30)
            return NULL; /* V9's privileged registers and IMPDEP codes */
        return present(&by_arith[op3], features);
    default:
        row = (features & V9) && by_mem_v9[op3].name ? &by_mem_v9[op3] : &by_mem[op3];
        row = present(row, features);
        if (row && (row->flags & ROW_REG_ONLY) && field_i(word))
            return NULL;
        return row;
    }
}

const struct sparc_row *sparc_row_at(unsigned i, uint32_t *word)
{
    const struct {
        const struct sparc_row *row;
        unsigned n, first;
        uint32_t base;
        unsigned shift;
    } part[] = {
        {by_op2, 8, 0, 0, 22},
        {&row_call, 1, 0, 1u << 30, 0},
        {by_arith, 64, 0, 2u << 30, 19},
        {by_arith_v9, 64, 0, 2u << 30, 19},
        {by_mem, 64, 0, 3u << 30, 19},
        {by_mem_v9, 64, 0, 3u << 30, 19},
        {by_fpop1, 0x100, 0, 2u << 30 | 0x34u << 19, 5},
        {by_fpop2, G_N_ELEMENTS(by_fpop2), 0x51, 2u << 30 | 0x35u << 19, 5},
        {by_vis, G_N_ELEMENTS(by_vis), 0, 2u << 30 | 0x36u << 19, 5},
        {row_fmovcc, 3, 1, 2u << 30 | 0x35u << 19, 5},
        {row_fmovr, 3, 0x25, 2u << 30 | 0x35u << 19, 5},
    };
    for (unsigned p = 0; p < G_N_ELEMENTS(part); p++)
        for (unsigned k = 0; k < part[p].n; k++)
            if (part[p].row[k].name && i-- == 0) {
                *word = part[p].base | (k + part[p].first) << part[p].shift;
                return &part[p].row[k];
            }
    return NULL;
}
