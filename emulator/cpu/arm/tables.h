/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What rows tell their emitters (arm_row.aux), and the emitters of the integer tables.
 */
#ifndef VITRINE_CPU_ARM_TABLES_H
#define VITRINE_CPU_ARM_TABLES_H

struct xlat;

/* Data processing, as ARM numbers it */
enum {
    DP_AND, DP_EOR, DP_SUB, DP_RSB, DP_ADD, DP_ADC, DP_SBC, DP_RSC, DP_TST, DP_TEQ, DP_CMP, DP_CMN, DP_ORR, DP_MOV,
    DP_BIC, DP_MVN, DP_ORN,
};

enum { REV_WORD, REV_16, REV_SH, REV_BITS };

enum { EXT_BYTE, EXT_HALF, EXT_PAIR, EXT_SIZE = 3, EXT_SIGNED = 4 };

/* Loads and stores: log2 of the size, and: */
enum {
    MEM_SIZE = 7,
    MEM_SIGNED = 8,
    MEM_LOAD = 16,
    MEM_USER = 32, /* as if unprivileged */
};

/* Halfword multiplies and SIMD32 */
enum {
    PAR_ADD16, PAR_ASX, PAR_SAX, PAR_SUB16, PAR_ADD8, PAR_SUB8,
    PAR_OP = 7,
    PAR_SIGNED = 1 << 3,
    PAR_UNSIGNED = 2 << 3,
    PAR_SAT_SIGNED = 3 << 3,
    PAR_SAT_UNSIGNED = 4 << 3,
    PAR_HALVING_SIGNED = 5 << 3,
    PAR_HALVING_UNSIGNED = 6 << 3,
    PAR_KIND = 7 << 3,
};

enum {
    LONG_SIGNED = 1,
    LONG_ADD = 2,
    LONG_ADD_TWICE = 4, /* UMAAL */
};

enum { SATURATE_DOUBLE = 1, SATURATE_SUB = 2 };

enum {
    SYNC_SIZE = 7,
    SYNC_LOAD = 8,
};

enum { BRANCH_LINK = 1, BRANCH_EXCHANGE = 2 };

#define ARM_EMITTERS(X)                                                                                      \
    X(dp_imm) X(dp_reg) X(dp_rsr) X(t_shift_imm) X(t_add_sub) X(t_imm8) X(t_alu) X(t_shift_reg) X(t_mul)      \
    X(t_high) X(t_adr) X(t_add_sp) X(t_adjust_sp) X(w_dp_reg) X(w_dp_imm) X(w_add_imm12) X(w_shift_reg)       \
    X(movw) X(movt) X(bfi) X(bfx) X(clz) X(rev) X(t_rev) X(extend) X(t_extend) X(pkh)                         \
    X(mul) X(mls) X(long) X(half_mul) X(half_long) X(word_half) X(dual_mul) X(dual_long) X(most_mul)          \
    X(saturating) X(sat) X(sat16) X(parallel) X(sel) X(usad8) X(divide)                                       \
    X(a_mem_imm) X(a_mem_reg) X(a_extra) X(a_dual) X(a_multiple) X(t_mem_reg) X(t_mem_imm) X(t_mem_sp)        \
    X(t_literal) X(t_push) X(t_pop) X(t_multiple) X(w_multiple) X(w_dual) X(w_mem) X(preload)                 \
    X(swp) X(ldrex) X(strex) X(clrex) X(barrier) X(hint)                                                      \
    X(a_branch) X(a_blx) X(bx) X(t_branch) X(t_branch_cond) X(t_bx) X(t_cbz) X(t_it) X(w_branch)              \
    X(w_branch_cond) X(w_bl) X(t_bl_prefix) X(t_bl_suffix) X(w_table_branch)                                  \
    X(svc) X(bkpt) X(udf) X(setend) X(cps) X(mrs) X(msr) X(msr_imm) X(coproc_move) X(coproc_pair)             \
    X(coproc_other) X(rfe) X(srs) X(smc) X(w_exception_return)
#define X(name) void emit_##name(struct xlat *x);
ARM_EMITTERS(X)
#undef X

#endif
