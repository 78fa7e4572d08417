/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Advanced SIMD: one and two registers: shifts by constants, immediates, the miscellaneous ones, permutations
 * (0406C A7.4.4 to A7.4.6).
 */
#include "emulator/cpu/arm/neon.h"

ir_ref v_shift_right(struct xlat *x, unsigned lane, bool is_unsigned, bool rounded, ir_ref v, unsigned n)
{
    ir_ref r = v_imm(x, is_unsigned ? IR_VSHR : IR_VSAR, lane, v, n);
    if (!rounded || !n)
        return r;
    ir_ref last = v_two(x, IR_VAND, 0, v_imm(x, IR_VSHR, lane, v, n - 1), v_all(x, lane, 1));
    return v_two(x, IR_VADD, lane, r, last);
}

/* Lane size and distance from L:imm6; right shifts count down from twice the size (A8.8.398). */
static unsigned lane_of(const struct xlat *x)
{
    unsigned field = (x->word >> 7 & 1) << 6 | (x->word >> 16 & 63);
    return field & 64 ? IR_L64 : field & 32 ? IR_L32 : field & 16 ? IR_L16 : IR_L8;
}

static unsigned distance(const struct xlat *x, unsigned lane, bool left)
{
    unsigned bits = 8u << lane, imm = x->word >> 16 & 63;
    return lane == IR_L64 ? (left ? imm : 64 - imm) : left ? imm - bits : 2 * bits - imm;
}

void emit_neon_shift(struct xlat *x)
{
    unsigned op = x->row->aux, lane = lane_of(x), d = neon_d(x), m = neon_m(x), bits = 8u << lane;
    bool q = neon_q(x), u = x->word >> 24 & 1, left = op >= N_SHLI;
    unsigned n = distance(x, lane, left);
    if (neon_odd(x, q, d | m))
        return;
    ir_ref v = v_get(x, q, m), old = v_get(x, q, d), r;
    uint64_t all = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    uint32_t code = NEON_LANE(lane) | (u ? NEON_UNSIGNED : 0);
    switch (op) {
    case N_SHR:
    case N_RSHR: r = v_shift_right(x, lane, u, op == N_RSHR, v, n); break;
    case N_SRA:
    case N_RSRA: r = v_two(x, IR_VADD, lane, old, v_shift_right(x, lane, u, op == N_RSRA, v, n)); break;
    case N_SRI:
        r = n == bits ? old : v_select(x, v_all(x, lane, all >> n), v_imm(x, IR_VSHR, lane, v, n), old);
        break;
    case N_SHLI: r = v_imm(x, IR_VSHL, lane, v, n); break;
    case N_SLI: r = v_select(x, v_all(x, lane, all << n), v_imm(x, IR_VSHL, lane, v, n), old); break;
    case N_QSHLUI: r = v_help(x, NEON_QSHLU | NEON_LANE(lane), v, v_all(x, lane, n), IR_NONE); break;
    default: r = v_help(x, NEON_QSHL | code, v, v_all(x, lane, n), IR_NONE); break;
    }
    v_put(x, q, d, r);
}

/* Saturated to half the width: the source's lanes are `lane` + 1. */
static ir_ref narrowed(struct xlat *x, unsigned kind, unsigned lane, ir_ref v)
{
    enum ir_op op = kind & SHRN_SS ? IR_VNARROWSS : kind & SHRN_SU ? IR_VNARROWSU : kind & SHRN_UU ? IR_VNARROWUU : IR_VNARROW;
    ir_ref r = v_two(x, op, lane + 1, v, v);
    if (op != IR_VNARROW)
        v_checked(x, v_widen(x, op != IR_VNARROWSS, lane, r), v);
    return r;
}

/* aux: SHRN_* */
void emit_neon_shift_narrow(struct xlat *x)
{
    unsigned kind = x->row->aux, lane = lane_of(x), d = neon_d(x), m = neon_m(x);
    if (lane == IR_L64 || neon_odd(x, true, m)) {
        if (lane == IR_L64)
            ax_undefined(x);
        return;
    }
    unsigned n = distance(x, lane, false); /* 1 to the narrow width */
    ir_ref v = v_shift_right(x, lane + 1, kind & SHRN_UU, kind & SHRN_ROUNDED, v_get(x, true, m), n);
    v_put(x, false, d, narrowed(x, kind, lane, v));
}

/* VSHLL, VMOVL */
void emit_neon_shift_long(struct xlat *x)
{
    unsigned lane = lane_of(x), d = neon_d(x), m = neon_m(x);
    if (lane == IR_L64 || neon_odd(x, true, d)) {
        if (lane == IR_L64)
            ax_undefined(x);
        return;
    }
    ir_ref v = v_widen(x, x->word >> 24 & 1, lane, v_get(x, false, m));
    v_put(x, true, d, v_imm(x, IR_VSHL, lane + 1, v, distance(x, lane, true)));
}

void emit_neon_fixed(struct xlat *x)
{
    unsigned d = neon_d(x), m = neon_m(x), imm = x->word >> 16 & 63;
    bool q = neon_q(x), to_fixed = x->word >> 8 & 1, u = x->word >> 24 & 1;
    if (!(imm & 32)) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, q, d | m))
        return;
    uint32_t code = (to_fixed ? NEON_FTOX : NEON_XTOF) | (u ? NEON_UNSIGNED : 0) | (q ? NEON_QUAD : 0) |
                    NEON_FRACTION(64 - imm);
    v_put(x, q, d, v_help(x, code, v_get(x, q, m), IR_NONE, IR_NONE));
}

/* AdvSIMDExpandImm() (A7.4.6) */
static uint64_t expand(unsigned op, unsigned cmode, unsigned imm)
{
    uint64_t v = imm;
    switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3: return neon_replicate(IR_L32, v << (cmode >> 1) * 8);
    case 4: return neon_replicate(IR_L16, v);
    case 5: return neon_replicate(IR_L16, v << 8);
    case 6: return neon_replicate(IR_L32, cmode & 1 ? v << 16 | 0xffff : v << 8 | 0xff);
    default: break;
    }
    if (cmode & 1)
        return neon_replicate(IR_L32, vfp_expand(false, imm));
    if (!op)
        return neon_replicate(IR_L8, v);
    v = 0;
    for (unsigned k = 0; k < 8; k++)
        if (imm >> k & 1)
            v |= UINT64_C(0xff) << 8 * k;
    return v;
}

void emit_neon_imm(struct xlat *x)
{
    unsigned d = neon_d(x), cmode = x->word >> 8 & 15, op = x->word >> 5 & 1;
    unsigned imm = (x->word >> 24 & 1) << 7 | (x->word >> 16 & 7) << 4 | (x->word & 15);
    bool q = neon_q(x), with_old = (cmode & 1) && cmode < 12;
    if (cmode == 15 && op) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, q, d))
        return;
    uint64_t v = expand(op, cmode, imm);
    if (!with_old) {
        v = op && cmode != 14 ? ~v : v;
        for (unsigned k = 0; k <= q; k++)
            vfp_put_d(x, d + k, ir_const(x->b, IR_F64, v));
        return;
    }
    ir_ref old = v_get(x, q, d);
    v_put(x, q, d, v_two(x, op ? IR_VANDN : IR_VOR, 0, old, v_const(x, v, v)));
}

/* ---------------------------------------------------------------------------------------------- two registers */

/* Sums of neighbouring lanes, twice as wide. */
static ir_ref pair_sums(struct xlat *x, unsigned lane, bool u, ir_ref v)
{
    unsigned bits = 8u << lane;
    enum ir_op shift = u ? IR_VSHR : IR_VSAR;
    ir_ref even = v_imm(x, shift, lane + 1, v_imm(x, IR_VSHL, lane + 1, v, bits), bits);
    return v_two(x, IR_VADD, lane + 1, even, v_imm(x, shift, lane + 1, v, bits));
}

static ir_ref compare_zero(struct xlat *x, unsigned op, unsigned lane, bool real, bool q, ir_ref v)
{
    ir_ref zero = v_all(x, IR_L64, 0);
    if (real) {
        uint32_t code = (op == N_CEQ0 ? NEON_FCEQ : op == N_CGE0 || op == N_CLE0 ? NEON_FCGE : NEON_FCGT) | (q ? NEON_QUAD : 0);
        return op == N_CLE0 || op == N_CLT0 ? v_help(x, code, zero, v, IR_NONE) : v_help(x, code, v, zero, IR_NONE);
    }
    switch (op) {
    case N_CEQ0: return v_two(x, IR_VCMPEQ, lane, v, zero);
    case N_CGT0: return v_two(x, IR_VCMPGTS, lane, v, zero);
    case N_CLT0: return v_two(x, IR_VCMPGTS, lane, zero, v);
    case N_CGE0: return v_not(x, v_two(x, IR_VCMPGTS, lane, zero, v));
    default: return v_not(x, v_two(x, IR_VCMPGTS, lane, v, zero));
    }
}

static ir_ref misc(struct xlat *x, unsigned op, unsigned lane, bool q, ir_ref v, ir_ref old)
{
    bool op_bit = x->word >> 7 & 1, real = x->word >> 10 & 1;
    unsigned bits = 8u << lane;
    uint32_t quad = q ? NEON_QUAD : 0;
    ir_ref zero = v_all(x, IR_L64, 0), least = v_all(x, lane, UINT64_C(1) << (bits - 1)), mask;
    switch (op) {
    case N_REV64: return v_imm(x, IR_VREV, lane, v, 8);
    case N_REV32: return v_imm(x, IR_VREV, lane, v, 4);
    case N_REV16: return v_imm(x, IR_VREV, lane, v, 2);
    case N_PADDL: return pair_sums(x, lane, op_bit, v);
    case N_PADAL: return v_two(x, IR_VADD, lane + 1, old, pair_sums(x, lane, op_bit, v));
    case N_CLS:
        v = v_two(x, IR_VXOR, 0, v, v_imm(x, IR_VSAR, lane, v, bits - 1));
        return v_two(x, IR_VSUB, lane, v_one(x, IR_VCLZ, lane, v), v_all(x, lane, 1));
    case N_CLZ: return v_one(x, IR_VCLZ, lane, v);
    case N_CNT: return v_one(x, IR_VCNT, lane, v);
    case N_MVN: return v_not(x, v);
    case N_QABS: /* the least number has no counterpart: one less than its complement */
        mask = v_two(x, IR_VCMPEQ, lane, v, least);
        v_saturated(x, mask);
        return v_two(x, IR_VADD, lane, v_one(x, IR_VABS, lane, v), mask);
    case N_QNEG:
        mask = v_two(x, IR_VCMPEQ, lane, v, least);
        v_saturated(x, mask);
        return v_two(x, IR_VADD, lane, v_two(x, IR_VSUB, lane, zero, v), mask);
    case N_CGT0:
    case N_CGE0:
    case N_CEQ0:
    case N_CLE0:
    case N_CLT0: return compare_zero(x, op, lane, real, q, v);
    case N_ABS: return real ? v_two(x, IR_VANDN, 0, v, least) : v_one(x, IR_VABS, lane, v);
    case N_NEG: return real ? v_two(x, IR_VXOR, 0, v, least) : v_two(x, IR_VSUB, lane, zero, v);
    case N_RECPE: return v_help(x, (x->word >> 8 & 1 ? NEON_FRECPE : NEON_RECPE) | quad, v, IR_NONE, IR_NONE);
    case N_RSQRTE: return v_help(x, (x->word >> 8 & 1 ? NEON_FRSQRTE : NEON_RSQRTE) | quad, v, IR_NONE, IR_NONE);
    default: /* VCVT */
        return v_help(x, (x->word >> 8 & 1 ? NEON_FTOX : NEON_XTOF) | (op_bit ? NEON_UNSIGNED : 0) | quad, v, IR_NONE,
                      IR_NONE);
    }
}

static bool misc_allowed(const struct xlat *x, unsigned op, unsigned lane)
{
    bool real = x->word >> 10 & 1;
    switch (op) {
    case N_REV64: return lane < 3;
    case N_REV32: return lane < 2;
    case N_REV16:
    case N_CNT:
    case N_MVN: return lane == 0;
    case N_CGT0:
    case N_CGE0:
    case N_CEQ0:
    case N_CLE0:
    case N_CLT0:
    case N_ABS:
    case N_NEG: return real ? lane == 2 : lane < 3;
    case N_RECPE:
    case N_RSQRTE:
    case N_CVT: return lane == 2;
    default: return lane < 3;
    }
}

void emit_neon_misc(struct xlat *x)
{
    unsigned op = x->row->aux, lane = x->word >> 18 & 3, d = neon_d(x), m = neon_m(x);
    bool q = neon_q(x);
    if (!misc_allowed(x, op, lane)) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, q, d | m))
        return;
    v_put(x, q, d, misc(x, op, lane, q, v_get(x, q, m), v_get(x, q, d)));
}

void emit_neon_narrow(struct xlat *x)
{
    unsigned op = x->row->aux, lane = x->word >> 18 & 3, d = neon_d(x), m = neon_m(x);
    bool longer = op == N_SHLL;
    if (lane == 3) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, true, longer ? d : m))
        return;
    if (longer) {
        ir_ref v = v_widen(x, true, lane, v_get(x, false, m));
        v_put(x, true, d, v_imm(x, IR_VSHL, lane + 1, v, 8u << lane));
        return;
    }
    unsigned kind = op == N_MOVN ? 0 : op == N_QMOVUN ? SHRN_SU : neon_q(x) ? SHRN_UU : SHRN_SS;
    v_put(x, false, d, narrowed(x, kind, lane, v_get(x, true, m)));
}

/* Half precision: op (bit 8) 1: from. */
void emit_neon_half(struct xlat *x)
{
    unsigned d = neon_d(x), m = neon_m(x);
    bool from = x->word >> 8 & 1;
    if (neon_odd(x, true, from ? d : m))
        return;
    v_put(x, from, d, v_help(x, (from ? NEON_HTOF : NEON_FTOH) | NEON_QUAD, v_get(x, !from, m), IR_NONE, IR_NONE));
}

/* ------------------------------------------------------------------------------------------------ permutations */

void emit_neon_permute(struct xlat *x)
{
    unsigned op = x->row->aux, lane = x->word >> 18 & 3, d = neon_d(x), m = neon_m(x), bits = 8u << lane;
    bool q = neon_q(x);
    if ((op == N_SWP && lane != 0) || lane == 3 || (op >= N_UZP && !q && lane == 2)) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, q, d | m))
        return;
    ir_ref vd = v_get(x, q, d), vm = v_get(x, q, m), rd, rm;
    switch (op) {
    case N_TRN: { /* lanes of twice the size: halves change places */
        ir_ref low = v_all(x, lane + 1, (UINT64_C(1) << bits) - 1);
        rd = v_select(x, low, vd, v_imm(x, IR_VSHL, lane + 1, vm, bits));
        rm = v_select(x, low, v_imm(x, IR_VSHR, lane + 1, vd, bits), vm);
        break;
    }
    case N_UZP:
        if (q) {
            rd = v_unzip(x, lane, vd, vm, false);
            rm = v_unzip(x, lane, vd, vm, true);
        } else {
            ir_ref both = ir_op2(x->b, IR_VPAIR, IR_V128, 0, v_half(x, vd, 0), v_half(x, vm, 0));
            rd = v_unzip(x, lane, both, both, false);
            rm = v_unzip(x, lane, both, both, true);
        }
        break;
    case N_ZIP:
        rd = v_two(x, IR_VZIPL, lane, vd, vm);
        rm = q ? v_two(x, IR_VZIPH, lane, vd, vm) : v_ext(x, rd, rd, 8);
        break;
    default:
        rd = vm;
        rm = vd;
        break;
    }
    if (d == m) /* unpredictable; both are written */
        rm = rd;
    v_put(x, q, d, rd);
    v_put(x, q, m, rm);
}

void emit_neon_ext(struct xlat *x)
{
    unsigned d = neon_d(x), n = neon_n(x), m = neon_m(x), from = x->word >> 8 & 15;
    bool q = neon_q(x);
    if (!q && from >= 8) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, q, d | n | m))
        return;
    if (q) {
        v_put(x, true, d, v_ext(x, v_get(x, true, n), v_get(x, true, m), from));
    } else {
        ir_ref both = ir_op2(x->b, IR_VPAIR, IR_V128, 0, vfp_get_d(x, n), vfp_get_d(x, m));
        v_put(x, false, d, v_ext(x, both, both, from));
    }
}

void emit_neon_tbl(struct xlat *x)
{
    unsigned d = neon_d(x), n = neon_n(x), m = neon_m(x), length = (x->word >> 8 & 3) + 1;
    bool keep = x->word >> 6 & 1;
    if (n + length > 32) {
        ax_undefined(x);
        return;
    }
    ir_ref zero = v_all(x, IR_L64, 0), index = v_get(x, false, m);
    ir_ref low = v_get(x, length >= 2, n), high = length > 2 ? v_get(x, length == 4, n + 2) : zero;
    ir_ref outside = v_two(x, IR_VCMPGTU, IR_L8, index, v_all(x, IR_L8, 8 * length - 1));
    ir_ref r = ir_op3(x->b, IR_VPERM, IR_V128, 0, low, high, index);
    v_put(x, false, d,
          keep ? v_select(x, outside, v_get(x, false, d), r) : v_two(x, IR_VANDN, 0, r, outside));
}

void emit_neon_dup(struct xlat *x)
{
    unsigned d = neon_d(x), m = neon_m(x), imm = x->word >> 16 & 15, lane, index;
    bool q = neon_q(x);
    if (!(imm & 7)) {
        ax_undefined(x);
        return;
    }
    if (neon_odd(x, q, d))
        return;
    lane = (unsigned)__builtin_ctz(imm);
    index = imm >> (lane + 1);
    ir_ref s = ir_op3(x->b, IR_VLANE, IR_I32, (uint16_t)lane, v_get(x, false, m), IR_NONE, index);
    v_put(x, q, d, ir_op1(x->b, IR_VSPLAT, IR_V128, (uint16_t)lane, s));
}
