/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Advanced SIMD: three registers, of the same and of different lengths, and by a scalar (0406C A7.4.1 to A7.4.3).
 */
#include "emulator/cpu/arm/neon.h"

static unsigned size_of(const struct xlat *x)
{
    return x->word >> 20 & 3;
}

static bool is_unsigned(const struct xlat *x)
{
    return x->word >> 24 & 1;
}

ir_ref v_difference(struct xlat *x, unsigned lane, bool u, ir_ref a, ir_ref b)
{
    ir_ref high = v_two(x, u ? IR_VMAXU : IR_VMAXS, lane, a, b), low = v_two(x, u ? IR_VMINU : IR_VMINS, lane, a, b);
    return v_two(x, IR_VSUB, lane, high, low);
}

/* (a + b) >> 1 by what both have and half of what one has; likewise the others. */
static ir_ref halving(struct xlat *x, unsigned op, unsigned lane, bool u, ir_ref a, ir_ref b)
{
    enum ir_op shift = u ? IR_VSHR : IR_VSAR;
    ir_ref differ = v_two(x, IR_VXOR, 0, a, b), half = v_imm(x, shift, lane, differ, 1);
    switch (op) {
    case N_HADD: return v_two(x, IR_VADD, lane, v_two(x, IR_VAND, 0, a, b), half);
    case N_RHADD:
        if (u && lane <= IR_L16)
            return v_two(x, IR_VAVGU, lane, a, b);
        return v_two(x, IR_VSUB, lane, v_two(x, IR_VOR, 0, a, b), half);
    default: /* a - b = (a ^ b) - 2 * (~a & b) */
        return v_two(x, IR_VSUB, lane, half, v_two(x, IR_VANDN, 0, b, a));
    }
}

/* Lanes of two D registers in pairs. */
static ir_ref pairwise(struct xlat *x, enum ir_op op, unsigned lane, ir_ref n, ir_ref m)
{
    ir_ref both = ir_op2(x->b, IR_VPAIR, IR_V128, 0, v_half(x, n, 0), v_half(x, m, 0));
    return v_two(x, op, lane, v_unzip(x, lane, both, both, false), v_unzip(x, lane, both, both, true));
}

static ir_ref same(struct xlat *x, unsigned op, unsigned lane, bool u, ir_ref d, ir_ref n, ir_ref m)
{
    uint32_t code = NEON_LANE(lane) | (u ? NEON_UNSIGNED : 0);
    switch (op) {
    case N_HADD:
    case N_RHADD:
    case N_HSUB: return halving(x, op, lane, u, n, m);
    case N_QADD: return v_checked(x, v_two(x, u ? IR_VADDU : IR_VADDS, lane, n, m), v_two(x, IR_VADD, lane, n, m));
    case N_QSUB: return v_checked(x, v_two(x, u ? IR_VSUBU : IR_VSUBS, lane, n, m), v_two(x, IR_VSUB, lane, n, m));
    case N_AND: return v_two(x, IR_VAND, 0, n, m);
    case N_BIC: return v_two(x, IR_VANDN, 0, n, m);
    case N_ORR: return v_two(x, IR_VOR, 0, n, m);
    case N_ORN: return v_two(x, IR_VOR, 0, n, v_not(x, m));
    case N_EOR: return v_two(x, IR_VXOR, 0, n, m);
    case N_BSL: return v_select(x, d, n, m);
    case N_BIT: return v_select(x, m, n, d);
    case N_BIF: return v_select(x, m, d, n);
    case N_CGT: return v_two(x, u ? IR_VCMPGTU : IR_VCMPGTS, lane, n, m);
    case N_CGE: return v_not(x, v_two(x, u ? IR_VCMPGTU : IR_VCMPGTS, lane, m, n));
    case N_SHL: return v_two(x, u ? IR_VSHLUV : IR_VSHLSV, lane, m, n);
    case N_QSHL: return v_help(x, NEON_QSHL | code, m, n, IR_NONE);
    case N_RSHL: return v_help(x, NEON_RSHL | code, m, n, IR_NONE);
    case N_QRSHL: return v_help(x, NEON_QRSHL | code, m, n, IR_NONE);
    case N_MAX: return v_two(x, u ? IR_VMAXU : IR_VMAXS, lane, n, m);
    case N_MIN: return v_two(x, u ? IR_VMINU : IR_VMINS, lane, n, m);
    case N_ABD: return v_difference(x, lane, u, n, m);
    case N_ABA: return v_two(x, IR_VADD, lane, d, v_difference(x, lane, u, n, m));
    case N_ADD: return v_two(x, IR_VADD, lane, n, m);
    case N_SUB: return v_two(x, IR_VSUB, lane, n, m);
    case N_TST: return v_not(x, v_two(x, IR_VCMPEQ, lane, v_two(x, IR_VAND, 0, n, m), v_all(x, IR_L64, 0)));
    case N_CEQ: return v_two(x, IR_VCMPEQ, lane, n, m);
    case N_MLA: return v_two(x, IR_VADD, lane, d, v_two(x, IR_VMUL, lane, n, m));
    case N_MLS: return v_two(x, IR_VSUB, lane, d, v_two(x, IR_VMUL, lane, n, m));
    case N_MUL: return v_two(x, IR_VMUL, lane, n, m);
    case N_PMUL: return v_help(x, NEON_PMUL, n, m, IR_NONE);
    case N_PMAX: return pairwise(x, u ? IR_VMAXU : IR_VMAXS, lane, n, m);
    case N_PMIN: return pairwise(x, u ? IR_VMINU : IR_VMINS, lane, n, m);
    case N_PADD: return pairwise(x, IR_VADD, lane, n, m);
    case N_QDMULH: return v_help(x, NEON_QDMULH | code, n, m, IR_NONE);
    default: return v_help(x, NEON_QRDMULH | code, n, m, IR_NONE);
    }
}

static bool size_allowed(unsigned op, unsigned size, bool q)
{
    switch (op) {
    case N_QADD:
    case N_QSUB:
    case N_SHL:
    case N_QSHL:
    case N_RSHL:
    case N_QRSHL:
    case N_ADD:
    case N_SUB:
    case N_AND:
    case N_BIC:
    case N_ORR:
    case N_ORN:
    case N_EOR:
    case N_BSL:
    case N_BIT:
    case N_BIF: return true;
    case N_PMUL: return size == 0;
    case N_PMAX:
    case N_PMIN:
    case N_PADD: return size != 3 && !q;
    case N_QDMULH:
    case N_QRDMULH: return size == 1 || size == 2;
    default: return size != 3;
    }
}

void emit_neon_same(struct xlat *x)
{
    unsigned op = x->row->aux, d = neon_d(x), n = neon_n(x), m = neon_m(x), lane = size_of(x);
    bool q = neon_q(x);
    if (!size_allowed(op, lane, q)) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, q, d | n | m))
        return;
    v_put(x, q, d, same(x, op, lane, is_unsigned(x), v_get(x, q, d), v_get(x, q, n), v_get(x, q, m)));
}

/* aux: enum neon_help; bit 8: in pairs */
void emit_neon_float(struct xlat *x)
{
    unsigned op = x->row->aux & 0xff, d = neon_d(x), n = neon_n(x), m = neon_m(x);
    bool q = neon_q(x);
    ir_ref vn, vm;
    if (x->row->aux & 0x100 && q) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, q, d | n | m))
        return;
    vn = v_get(x, q, n);
    vm = v_get(x, q, m);
    if (x->row->aux & 0x100) {
        ir_ref both = ir_op2(x->b, IR_VPAIR, IR_V128, 0, v_half(x, vn, 0), v_half(x, vm, 0));
        vn = v_unzip(x, IR_L32, both, both, false);
        vm = v_unzip(x, IR_L32, both, both, true);
    }
    v_put(x, q, d, v_help(x, op | (q ? NEON_QUAD : 0), vn, vm, v_get(x, q, d)));
}

/* ------------------------------------------------------------------------------------------ different lengths */

/* 2 * product of the low halves' signed lanes, saturated. */
static ir_ref doubled_product(struct xlat *x, unsigned lane, ir_ref n, ir_ref m)
{
    ir_ref p = v_two(x, IR_VMULWS, lane, n, m);
    return v_checked(x, v_two(x, IR_VADDS, lane + 1, p, p), v_two(x, IR_VADD, lane + 1, p, p));
}

/* The upper halves of the lanes of v, rounded if wanted. */
static ir_ref upper_halves(struct xlat *x, unsigned lane, bool rounded, ir_ref v)
{
    unsigned bits = 8u << lane;
    if (rounded)
        v = v_two(x, IR_VADD, lane + 1, v, v_all(x, lane + 1, UINT64_C(1) << (bits - 1)));
    v = v_imm(x, IR_VSHR, lane + 1, v, bits);
    return v_two(x, IR_VNARROW, lane + 1, v, v);
}

/* Of the low halves of n and m (n and d: of Q registers where the operation has such); a vector. */
static ir_ref longer(struct xlat *x, unsigned op, unsigned lane, bool u, ir_ref d, ir_ref n, ir_ref m)
{
    unsigned wide = lane + 1;
    enum ir_op multiply = u ? IR_VMULWU : IR_VMULWS;
    switch (op) {
    case N_ADDL: return v_two(x, IR_VADD, wide, v_widen(x, u, lane, n), v_widen(x, u, lane, m));
    case N_ADDW: return v_two(x, IR_VADD, wide, n, v_widen(x, u, lane, m));
    case N_SUBL: return v_two(x, IR_VSUB, wide, v_widen(x, u, lane, n), v_widen(x, u, lane, m));
    case N_SUBW: return v_two(x, IR_VSUB, wide, n, v_widen(x, u, lane, m));
    case N_ADDHN:
    case N_RADDHN: return upper_halves(x, lane, op == N_RADDHN, v_two(x, IR_VADD, wide, n, m));
    case N_SUBHN:
    case N_RSUBHN: return upper_halves(x, lane, op == N_RSUBHN, v_two(x, IR_VSUB, wide, n, m));
    case N_ABDL: return v_widen(x, true, lane, v_difference(x, lane, u, n, m));
    case N_ABAL: return v_two(x, IR_VADD, wide, d, v_widen(x, true, lane, v_difference(x, lane, u, n, m)));
    case N_MULL: return v_two(x, multiply, lane, n, m);
    case N_MLAL: return v_two(x, IR_VADD, wide, d, v_two(x, multiply, lane, n, m));
    case N_MLSL: return v_two(x, IR_VSUB, wide, d, v_two(x, multiply, lane, n, m));
    case N_QDMULL: return doubled_product(x, lane, n, m);
    case N_QDMLAL:
    case N_QDMLSL: {
        bool add = op == N_QDMLAL;
        ir_ref p = doubled_product(x, lane, n, m);
        return v_checked(x, v_two(x, add ? IR_VADDS : IR_VSUBS, wide, d, p),
                         v_two(x, add ? IR_VADD : IR_VSUB, wide, d, p));
    }
    default: return v_help(x, NEON_PMULL, n, m, IR_NONE);
    }
}

void emit_neon_different(struct xlat *x)
{
    unsigned op = x->row->aux, d = neon_d(x), n = neon_n(x), m = neon_m(x), lane = size_of(x);
    bool narrow = op == N_ADDHN || op == N_RADDHN || op == N_SUBHN || op == N_RSUBHN;
    bool n_wide = narrow || op == N_ADDW || op == N_SUBW, doubling = op == N_QDMULL || op == N_QDMLAL || op == N_QDMLSL;
    if (lane == 3 || (doubling && lane == 0) || (op == N_PMULL && lane != 0)) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, true, (narrow ? m : d) | (n_wide ? n : 0)))
        return;
    ir_ref r = longer(x, op, lane, is_unsigned(x), narrow ? IR_NONE : v_get(x, true, d), v_get(x, n_wide, n),
                      v_get(x, narrow, m));
    v_put(x, !narrow, d, r);
}

/* ------------------------------------------------------------------------------------------------- by a scalar */

void emit_neon_scalar(struct xlat *x)
{
    unsigned op = x->row->aux, d = neon_d(x), n = neon_n(x), lane = size_of(x), reg, index;
    bool real = op == N_FMUL || op == N_FMLA || op == N_FMLS;
    bool wide = op == N_MLAL || op == N_MLSL || op == N_MULL || op == N_QDMLAL || op == N_QDMLSL || op == N_QDMULL;
    bool q = wide || (x->word >> 24 & 1);
    if (lane == 0 || lane == 3 || (real && lane == 1)) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, q, d | (wide ? 0 : n)))
        return;
    if (lane == 1) {
        reg = x->word & 7;
        index = (x->word >> 5 & 1) << 1 | (x->word >> 3 & 1);
    } else {
        reg = x->word & 15;
        index = x->word >> 5 & 1;
    }
    ir_ref s = ir_op3(x->b, IR_VLANE, IR_I32, (uint16_t)lane, v_get(x, false, reg), IR_NONE, index);
    ir_ref m = ir_op1(x->b, IR_VSPLAT, IR_V128, (uint16_t)lane, s);
    ir_ref vn = v_get(x, wide ? false : q, n), vd = v_get(x, q, d), r;
    if (!q) /* in D registers upper halves are 0, so that nothing there saturates */
        m = ir_op2(x->b, IR_VPAIR, IR_V128, 0, v_half(x, m, 0), ir_const(x->b, IR_F64, 0));
    if (wide)
        r = longer(x, op, lane, is_unsigned(x), vd, vn, m);
    else if (real)
        r = v_help(x, (NEON_ARITH + (op == N_FMUL ? FP_MUL : op == N_FMLA ? FP_MLA : FP_MLS)) | (q ? NEON_QUAD : 0), vn,
                   m, vd);
    else
        r = same(x, op, lane, false, vd, vn, m);
    v_put(x, q, d, r);
}
