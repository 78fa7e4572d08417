/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of Advanced SIMD share.  A Q register is a pair of D slots that becomes one vector for an operation;
 * a D register is a vector whose upper half is 0.
 */
#ifndef VITRINE_CPU_ARM_NEON_H
#define VITRINE_CPU_ARM_NEON_H

#include "emulator/cpu/arm/vfp.h"

/* ---- operands (0406C A7.3) ---- */
static inline bool neon_q(const struct xlat *x)
{
    return x->word >> 6 & 1;
}
static inline unsigned neon_d(const struct xlat *x)
{
    return vfp_double(x->word, VFP_VD);
}
static inline unsigned neon_n(const struct xlat *x)
{
    return vfp_double(x->word, VFP_VN);
}
static inline unsigned neon_m(const struct xlat *x)
{
    return vfp_double(x->word, VFP_VM);
}
/* A Q register has an even number; true: it is undefined otherwise, and has been raised. */
static inline bool neon_odd(struct xlat *x, bool q, unsigned regs)
{
    if (!q || !(regs & 1))
        return false;
    ax_undefined(x);
    return true;
}

static inline ir_ref v_const(struct xlat *x, uint64_t low, uint64_t high)
{
    return ir_op2(x->b, IR_VPAIR, IR_V128, 0, ir_const(x->b, IR_F64, low), ir_const(x->b, IR_F64, high));
}
static inline uint64_t neon_replicate(unsigned lane, uint64_t v)
{
    switch (lane) {
    case IR_L8: return (v & 0xff) * UINT64_C(0x0101010101010101);
    case IR_L16: return (v & 0xffff) * UINT64_C(0x0001000100010001);
    case IR_L32: return (v & 0xffffffff) * UINT64_C(0x0000000100000001);
    default: return v;
    }
}
static inline ir_ref v_all(struct xlat *x, unsigned lane, uint64_t v) /* v in each lane */
{
    v = neon_replicate(lane, v);
    return v_const(x, v, v);
}
static inline ir_ref v_one(struct xlat *x, enum ir_op op, unsigned lane, ir_ref a)
{
    return ir_op1(x->b, op, IR_V128, (uint16_t)lane, a);
}
static inline ir_ref v_two(struct xlat *x, enum ir_op op, unsigned lane, ir_ref a, ir_ref b)
{
    return ir_op2(x->b, op, IR_V128, (uint16_t)lane, a, b);
}
static inline ir_ref v_imm(struct xlat *x, enum ir_op op, unsigned lane, ir_ref a, unsigned n) /* shifts, VREV */
{
    return ir_op3(x->b, op, IR_V128, (uint16_t)lane, a, IR_NONE, n);
}
static inline ir_ref v_ext(struct xlat *x, ir_ref a, ir_ref b, unsigned bytes)
{
    return ir_op3(x->b, IR_VEXT, IR_V128, 0, a, b, bytes);
}
static inline ir_ref v_not(struct xlat *x, ir_ref a)
{
    return v_two(x, IR_VXOR, 0, a, v_all(x, IR_L64, UINT64_MAX));
}
static inline ir_ref v_half(struct xlat *x, ir_ref v, unsigned half) /* F64 */
{
    return ir_op3(x->b, IR_VLANE, IR_F64, IR_LF64, v, IR_NONE, half);
}
static inline ir_ref v_select(struct xlat *x, ir_ref mask, ir_ref yes, ir_ref no)
{
    return v_two(x, IR_VOR, 0, v_two(x, IR_VAND, 0, yes, mask), v_two(x, IR_VANDN, 0, no, mask));
}
static inline ir_ref v_get(struct xlat *x, bool q, unsigned r)
{
    ir_ref high = q ? vfp_get_d(x, r + 1) : ir_const(x->b, IR_F64, 0);
    return ir_op2(x->b, IR_VPAIR, IR_V128, 0, vfp_get_d(x, r), high);
}
static inline void v_put(struct xlat *x, bool q, unsigned r, ir_ref v)
{
    vfp_put_d(x, r, v_half(x, v, 0));
    if (q)
        vfp_put_d(x, r + 1, v_half(x, v, 1));
}
/* FPSCR.QC becomes 1 where the vector is not 0. */
static inline void v_saturated(struct xlat *x, ir_ref difference)
{
    ax_put_slot(x, SLOT_QC, v_two(x, IR_VOR, 0, ir_get(x->b, SLOT_QC), difference));
}
/* `result` if the exact value were `exact`: notes the difference. */
static inline ir_ref v_checked(struct xlat *x, ir_ref result, ir_ref exact)
{
    v_saturated(x, v_two(x, IR_VXOR, 0, result, exact));
    return result;
}
/* Lanes of the low half, widened. */
static inline ir_ref v_widen(struct xlat *x, bool is_unsigned, unsigned lane, ir_ref v)
{
    return v_one(x, is_unsigned ? IR_VWIDENU : IR_VWIDENS, lane, v);
}
/* Even (0) or odd (1) lanes of a in the low half, of b in the high half. */
static inline ir_ref v_unzip(struct xlat *x, unsigned lane, ir_ref a, ir_ref b, bool odd)
{
    if (odd) {
        a = v_imm(x, IR_VSHR, lane + 1, a, 8u << lane);
        b = v_imm(x, IR_VSHR, lane + 1, b, 8u << lane);
    }
    return v_two(x, IR_VNARROW, lane + 1, a, b);
}
/* Shifted right by n (1 to the lane's width), rounded if wanted. */
ir_ref v_shift_right(struct xlat *x, unsigned lane, bool is_unsigned, bool rounded, ir_ref v, unsigned n);
/* |a - b| */
ir_ref v_difference(struct xlat *x, unsigned lane, bool is_unsigned, ir_ref a, ir_ref b);

/* ---- neon_help.c: operations by call: (code, a, b, c) -> vector ---- */
enum neon_help {
    NEON_QSHL,   /* a by the signed low bytes of b's lanes, saturating */
    NEON_RSHL,   /* rounding */
    NEON_QRSHL,
    NEON_QSHLU,  /* signed to unsigned */
    NEON_QDMULH,
    NEON_QRDMULH,
    NEON_PMUL,   /* polynomials over {0, 1}: 8 bits of the products */
    NEON_PMULL,  /* 16 bits, of the low halves */
    NEON_RECPE,  /* of words */
    NEON_RSQRTE,
    /* floats, under the standard FPSCR value */
    NEON_FCEQ,
    NEON_FCGE,
    NEON_FCGT,
    NEON_FACGE,  /* of absolute values */
    NEON_FACGT,
    NEON_FRECPE,
    NEON_FRSQRTE,
    NEON_FTOX,   /* to fixed point, toward zero */
    NEON_XTOF,
    NEON_FTOH,   /* to half precision: four, in the low half */
    NEON_HTOF,
    NEON_ARITH,  /* + enum arm_fp_op: d in c, n in a, m in b */
};
#define NEON_LANE(lane)   ((uint32_t)(lane) << 8)
#define NEON_UNSIGNED     (1u << 10)
#define NEON_QUAD         (1u << 11) /* four floats, else two */
#define NEON_FRACTION(n)  ((uint32_t)(n) << 16)
extern const struct ir_helper arm_helper_neon;
static inline ir_ref v_help(struct xlat *x, uint32_t code, ir_ref a, ir_ref b, ir_ref c)
{
    ir_ref arg[] = {ax_i32(x, code), a, b ? b : a, c ? c : a};
    return ir_call(x->b, &arm_helper_neon, arg);
}

/* ---- emitters ---- aux: see the rows */
void emit_neon_same(struct xlat *x);      /* three registers of the same length */
void emit_neon_float(struct xlat *x);     /* ... of floats */
void emit_neon_different(struct xlat *x); /* of different lengths */
void emit_neon_scalar(struct xlat *x);    /* two registers and a scalar */
void emit_neon_shift(struct xlat *x);
void emit_neon_shift_narrow(struct xlat *x);
enum { SHRN_ROUNDED = 1, SHRN_SS = 2, SHRN_SU = 4, SHRN_UU = 8 };
void emit_neon_shift_long(struct xlat *x);
void emit_neon_fixed(struct xlat *x);
void emit_neon_imm(struct xlat *x);
void emit_neon_misc(struct xlat *x);
void emit_neon_narrow(struct xlat *x);
void emit_neon_permute(struct xlat *x);
void emit_neon_half(struct xlat *x);
void emit_neon_ext(struct xlat *x);
void emit_neon_tbl(struct xlat *x);
void emit_neon_dup(struct xlat *x);
void emit_neon_ldst_multiple(struct xlat *x);
void emit_neon_ldst_lane(struct xlat *x);
void emit_neon_ld_all(struct xlat *x);

enum neon_op {
    N_HADD, N_RHADD, N_HSUB, N_QADD, N_QSUB, N_AND, N_BIC, N_ORR, N_ORN, N_EOR, N_BSL, N_BIT, N_BIF, N_CGT, N_CGE,
    N_SHL, N_QSHL, N_RSHL, N_QRSHL, N_MAX, N_MIN, N_ABD, N_ABA, N_ADD, N_SUB, N_TST, N_CEQ, N_MLA, N_MLS, N_MUL,
    N_PMUL, N_PMAX, N_PMIN, N_PADD, N_QDMULH, N_QRDMULH,
    /* different lengths, scalar */
    N_ADDL, N_ADDW, N_SUBL, N_SUBW, N_ADDHN, N_RADDHN, N_SUBHN, N_RSUBHN, N_ABAL, N_ABDL, N_MLAL, N_MLSL, N_QDMLAL,
    N_QDMLSL, N_MULL, N_QDMULL, N_PMULL, N_FMUL, N_FMLA, N_FMLS,
    /* shifts */
    N_SHR, N_SRA, N_RSHR, N_RSRA, N_SRI, N_SHLI, N_SLI, N_QSHLI, N_QSHLUI,
    /* two registers */
    N_REV64, N_REV32, N_REV16, N_PADDL, N_PADAL, N_CLS, N_CLZ, N_CNT, N_MVN, N_QABS, N_QNEG, N_CGT0, N_CGE0, N_CEQ0,
    N_CLE0, N_CLT0, N_ABS, N_NEG, N_SWP, N_TRN, N_UZP, N_ZIP, N_MOVN, N_QMOVUN, N_QMOVN, N_SHLL, N_RECPE, N_RSQRTE,
    N_CVT,
};

#endif
