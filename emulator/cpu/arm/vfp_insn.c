/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VFP instructions: rows and IR (0406C A7.5 to A7.9, A8.8).
 */
#include "emulator/cpu/arm/vfp.h"

static bool is_wide(const struct xlat *x)
{
    return x->word >> 8 & 1;
}

static unsigned reg_d(struct xlat *x)
{
    return is_wide(x) ? vfp_double(x->word, VFP_VD) : vfp_single(x->word, VFP_VD);
}
static unsigned reg_n(struct xlat *x)
{
    return is_wide(x) ? vfp_double(x->word, VFP_VN) : vfp_single(x->word, VFP_VN);
}
static unsigned reg_m(struct xlat *x)
{
    return is_wide(x) ? vfp_double(x->word, VFP_VM) : vfp_single(x->word, VFP_VM);
}

/* Are these D registers there? */
static bool exists(struct xlat *x, unsigned d)
{
    return d < (x->features & ARM_D32 ? 32 : 16);
}

static bool absent(struct xlat *x, bool wide, unsigned r)
{
    if (!wide || exists(x, r))
        return false;
    ax_undefined(x);
    return true;
}

uint64_t vfp_expand(bool wide, unsigned imm8)
{
    uint64_t sign = imm8 >> 7 & 1, b = imm8 >> 6 & 1, rest = imm8 & 63;
    if (wide)
        return sign << 63 | (b ? UINT64_C(0x3fc0000000000000) : UINT64_C(0x4000000000000000)) | rest << 48;
    return sign << 31 | (b ? 0x3e000000u : 0x40000000u) | rest << 19;
}

/* ------------------------------------------------------------------------------------------------ arithmetic */

static ir_ref neg(struct xlat *x, ir_ref v)
{
    return ir_op1(x->b, IR_FNEG, ir_type_of(x->b, v), 0, v);
}

static ir_ref inline_arith(struct xlat *x, enum arm_fp_op op, enum ir_type t, ir_ref d, ir_ref n, ir_ref m)
{
    struct ir_builder *b = x->b;
    switch (op) {
    case FP_ADD: return ir_op2(b, IR_FADD, t, 0, n, m);
    case FP_SUB: return ir_op2(b, IR_FSUB, t, 0, n, m);
    case FP_MUL: return ir_op2(b, IR_FMUL, t, 0, n, m);
    case FP_DIV: return ir_op2(b, IR_FDIV, t, 0, n, m);
    case FP_NMUL: return neg(x, ir_op2(b, IR_FMUL, t, 0, n, m));
    case FP_MLA: return ir_op2(b, IR_FADD, t, 0, d, ir_op2(b, IR_FMUL, t, 0, n, m));
    case FP_MLS: return ir_op2(b, IR_FADD, t, 0, d, neg(x, ir_op2(b, IR_FMUL, t, 0, n, m)));
    case FP_NMLA: return ir_op2(b, IR_FADD, t, 0, neg(x, d), neg(x, ir_op2(b, IR_FMUL, t, 0, n, m)));
    case FP_NMLS: return ir_op2(b, IR_FADD, t, 0, neg(x, d), ir_op2(b, IR_FMUL, t, 0, n, m));
    case FP_FMA: return ir_op3(b, IR_FMADD, t, 0, n, m, d);
    case FP_FMS: return ir_op3(b, IR_FMADD, t, 0, neg(x, n), m, d);
    case FP_FNMA: return ir_op3(b, IR_FMADD, t, 0, neg(x, n), m, neg(x, d));
    case FP_FNMS: return ir_op3(b, IR_FMADD, t, 0, n, m, neg(x, d));
    case FP_SQRT: return ir_op1(b, IR_FSQRT, t, 0, m);
    case FP_ABS: return ir_op1(b, IR_FABS, t, 0, m);
    case FP_NEG: return neg(x, m);
    default: return m;
    }
}

/* aux: enum arm_fp_op */
static void emit_arith(struct xlat *x)
{
    enum arm_fp_op op = x->row->aux;
    bool wide = is_wide(x), one = op >= FP_SQRT;
    unsigned d = reg_d(x), n = reg_n(x), m = reg_m(x);
    if (absent(x, wide, d | m | (one ? 0 : n)))
        return;
    if (x->mode & ARM_KEY_VFP_VECTOR) {
        ir_ref arg[] = {ax_i32(x, x->word), ax_i32(x, op | (uint32_t)wide << 8)};
        ir_call(x->b, &arm_helper_vfp_short, arg);
        return;
    }
    enum ir_type t = wide ? IR_F64 : IR_F32;
    bool uses_d = op >= FP_MLA && op <= FP_FNMS;
    ir_ref vm = vfp_get(x, wide, m), vn = one ? vm : vfp_get(x, wide, n), vd = uses_d ? vfp_get(x, wide, d) : vm, r;
    if ((x->mode & ARM_KEY_VFP_EXACT) && op <= FP_SQRT) {
        ir_ref arg[] = {ax_i32(x, op), vd, vn, vm};
        r = ir_call(x->b, wide ? &arm_helper_fp64 : &arm_helper_fp32, arg);
    } else {
        r = inline_arith(x, op, t, vd, vn, vm);
    }
    vfp_put(x, wide, d, r);
}

static void emit_mov_imm(struct xlat *x)
{
    bool wide = is_wide(x);
    unsigned d = reg_d(x), imm = (x->word >> 12 & 0xf0) | (x->word & 15);
    if (absent(x, wide, d))
        return;
    if (x->mode & ARM_KEY_VFP_VECTOR) {
        ir_ref arg[] = {ax_i32(x, x->word), ax_i32(x, FP_MOV | (uint32_t)wide << 8 | 1u << 9)};
        ir_call(x->b, &arm_helper_vfp_short, arg);
        return;
    }
    vfp_put(x, wide, d, ir_const(x->b, wide ? IR_F64 : IR_F32, vfp_expand(wide, imm)));
}

/* aux 1: with zero */
static void emit_cmp(struct xlat *x)
{
    bool wide = is_wide(x), signal = x->word >> 7 & 1;
    enum ir_type t = wide ? IR_F64 : IR_F32;
    unsigned d = reg_d(x), m = reg_m(x);
    if (absent(x, wide, d | (x->row->aux ? 0 : m)))
        return;
    ir_ref a = vfp_get(x, wide, d), o = x->row->aux ? ir_const(x->b, t, 0) : vfp_get(x, wide, m), relation;
    if (x->mode & ARM_KEY_VFP_EXACT) {
        ir_ref arg[] = {a, o, ax_i32(x, signal)};
        relation = ir_call(x->b, wide ? &arm_helper_fp_compare64 : &arm_helper_fp_compare32, arg);
    } else {
        relation = ir_op2(x->b, IR_FREL, IR_I32, (uint16_t)(t << 8 | (signal ? IR_FSIGNAL : 0)), a, o);
    }
    ax_put_slot(x, SLOT_FP_NZCV, relation);
}

/* ------------------------------------------------------------------------------------------------ conversions */

/* Between single and double; the size bit is the source's. */
static void emit_cvt(struct xlat *x)
{
    bool from_double = is_wide(x);
    unsigned d = from_double ? vfp_single(x->word, VFP_VD) : vfp_double(x->word, VFP_VD), m = reg_m(x);
    if (absent(x, from_double, m) || absent(x, !from_double, d))
        return;
    ir_ref v = vfp_get(x, from_double, m), r;
    if (x->mode & ARM_KEY_VFP_EXACT)
        r = ir_call(x->b, from_double ? &arm_helper_fp_narrow : &arm_helper_fp_widen, &v);
    else
        r = ir_op1(x->b, IR_FCVT, from_double ? IR_F32 : IR_F64, from_double ? IR_F64 : IR_F32, v);
    vfp_put(x, !from_double, d, r);
}

static void emit_cvt_half(struct xlat *x)
{
    unsigned d = vfp_single(x->word, VFP_VD), m = vfp_single(x->word, VFP_VM), top = x->word >> 7 & 1;
    uint16_t field = (uint16_t)(16 * top | 16 << 8);
    if (x->word >> 16 & 1) {
        ir_ref v = vfp_get_s(x, m);
        ir_ref half = ir_call(x->b, &arm_helper_fp_to_half, &v);
        ir_ref old = vfp_bits(x, vfp_get_s(x, d));
        vfp_put_s(x, d, vfp_float(x, ir_op2(x->b, IR_INSERT, IR_I32, field, old, half)));
    } else {
        ir_ref half = ir_op1(x->b, IR_EXTRACT, IR_I32, field, vfp_bits(x, vfp_get_s(x, m)));
        vfp_put_s(x, d, ir_call(x->b, &arm_helper_fp_from_half, &half));
    }
}

static void emit_from_int(struct xlat *x)
{
    bool wide = is_wide(x), is_signed = x->word >> 7 & 1;
    unsigned d = reg_d(x);
    if (absent(x, wide, d))
        return;
    ir_ref v = vfp_bits(x, vfp_get_s(x, vfp_single(x->word, VFP_VM)));
    if (!is_signed)
        v = ir_op1(x->b, IR_ZEXT, IR_I64, 32, v);
    vfp_put(x, wide, d,
            ir_op1(x->b, IR_ITOF, wide ? IR_F64 : IR_F32, is_signed ? IR_I32 : IR_I64, v));
}

/* To an unsigned integer, by way of 64 bits: what is out of range is not converted, for that raises invalid only. */
static ir_ref to_unsigned(struct xlat *x, ir_ref v, enum ir_type t, bool toward_zero)
{
    struct ir_builder *b = x->b;
    bool wide = t == IR_F64;
    enum ir_op op = toward_zero ? IR_FTOI : IR_FTOIR;
    ir_ref low, high, zero = ir_const(b, t, 0);
    if (!toward_zero) { /* rounding decides: the exact way */
        ir_ref arg[] = {v, ax_i32(x, VFP_FIXED_32 | VFP_FIXED_UNSIGNED)};
        return ir_call(b, wide ? &arm_helper_fp_to_fixed64 : &arm_helper_fp_to_fixed32, arg);
    }
    low = ir_const(b, t, wide ? UINT64_C(0xbff0000000000000) : 0xbf800000);  /* -1 */
    high = ir_const(b, t, wide ? UINT64_C(0x41f0000000000000) : 0x4f800000); /* 2^32 */
    ir_ref above = ir_fcmp(b, IR_FGT, v, low), below = ir_fcmp(b, IR_FLT, v, high);
    ir_ref fits = ir_bin(b, IR_AND, above, below);
    ir_call_if(b, ir_icmp(b, IR_EQ, fits, ax_i32(x, 0)), &arm_helper_fp_invalid, NULL);
    ir_ref n = ir_op1(b, op, IR_I64, t, ir_select(b, fits, v, zero));
    n = ir_op1(b, IR_TRUNC, IR_I32, 0, n);
    /* 0 for NaN and what is too low, all ones for what is too high */
    ir_ref limit = ir_op1(b, IR_NEG, IR_I32, 0, above);
    return ir_select(b, fits, n, limit);
}

static void emit_to_int(struct xlat *x)
{
    bool wide = is_wide(x), is_signed = x->word >> 16 & 1, toward_zero = x->word >> 7 & 1;
    enum ir_type t = wide ? IR_F64 : IR_F32;
    unsigned m = reg_m(x);
    if (absent(x, wide, m))
        return;
    ir_ref v = vfp_get(x, wide, m), r;
    if (x->mode & ARM_KEY_VFP_EXACT) {
        ir_ref arg[] = {v, ax_i32(x, VFP_FIXED_32 | (is_signed ? 0 : VFP_FIXED_UNSIGNED) |
                                        (toward_zero ? VFP_FIXED_ZERO : 0))};
        r = ir_call(x->b, wide ? &arm_helper_fp_to_fixed64 : &arm_helper_fp_to_fixed32, arg);
    } else if (is_signed) {
        r = ir_op1(x->b, toward_zero ? IR_FTOI : IR_FTOIR, IR_I32, t, v);
    } else {
        r = to_unsigned(x, v, t, toward_zero);
    }
    vfp_put_s(x, vfp_single(x->word, VFP_VD), vfp_float(x, r));
}

/* Fixed point, in place; aux 1: to fixed point. */
static void emit_fixed(struct xlat *x)
{
    bool wide = is_wide(x), is_unsigned = x->word >> 16 & 1, word = x->word >> 7 & 1;
    unsigned d = reg_d(x), size = word ? 32 : 16, imm = (x->word & 15) << 1 | (x->word >> 5 & 1);
    if (absent(x, wide, d))
        return;
    if (imm > size) {
        ax_undefined(x);
        return;
    }
    uint32_t how = (size - imm) | (word ? VFP_FIXED_32 : 0) | (is_unsigned ? VFP_FIXED_UNSIGNED : 0);
    ir_ref v = vfp_get(x, wide, d);
    if (x->row->aux) {
        ir_ref arg[] = {v, ax_i32(x, how | VFP_FIXED_ZERO)};
        ir_ref r = ir_call(x->b, wide ? &arm_helper_fp_to_fixed64 : &arm_helper_fp_to_fixed32, arg);
        if (wide)
            r = ir_op1(x->b, is_unsigned ? IR_ZEXT : IR_SEXT, IR_I64, 32, r);
        vfp_put(x, wide, d, vfp_float(x, r));
    } else {
        ir_ref bits = vfp_bits(x, v);
        if (wide)
            bits = ir_op1(x->b, IR_TRUNC, IR_I32, 0, bits);
        ir_ref arg[] = {bits, ax_i32(x, how | VFP_FIXED_NEAREST)};
        vfp_put(x, wide, d, ir_call(x->b, wide ? &arm_helper_fp_from_fixed64 : &arm_helper_fp_from_fixed32, arg));
    }
}

/* ------------------------------------------------------------------------------------------------- transfers */

static void emit_mov_core_s(struct xlat *x)
{
    unsigned t = x->word >> 12 & 15, s = vfp_single(x->word, VFP_VN);
    if (x->word >> 20 & 1) {
        if (t != 15)
            ax_put(x, t, vfp_bits(x, vfp_get_s(x, s)));
    } else {
        vfp_put_s(x, s, vfp_float(x, ax_reg(x, t)));
    }
}

/* Two core registers and a double, or two singles. */
static void emit_mov_pair(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned t = x->word >> 12 & 15, t2 = x->word >> 16 & 15;
    bool wide = is_wide(x), to_core = x->word >> 20 & 1;
    unsigned m = reg_m(x);
    if (absent(x, wide, m))
        return;
    if (t == 15 || t2 == 15 || (!wide && m == 31)) {
        ax_undefined(x);
        return;
    }
    if (!wide) {
        if (to_core) {
            ir_ref low = vfp_bits(x, vfp_get_s(x, m)), high = vfp_bits(x, vfp_get_s(x, m + 1));
            ax_put(x, t, low);
            ax_put(x, t2, high);
        } else {
            vfp_put_s(x, m, vfp_float(x, ax_reg(x, t)));
            vfp_put_s(x, m + 1, vfp_float(x, ax_reg(x, t2)));
        }
        return;
    }
    if (to_core) {
        ir_ref v = vfp_get_d(x, m);
        ax_put(x, t, vfp_bits(x, ir_op1(b, IR_FLANE, IR_F32, 0, v)));
        ax_put(x, t2, vfp_bits(x, ir_op1(b, IR_FLANE, IR_F32, 1, v)));
    } else {
        ir_ref low = ir_op1(b, IR_ZEXT, IR_I64, 32, ax_reg(x, t)), high = ir_op1(b, IR_ZEXT, IR_I64, 32, ax_reg(x, t2));
        high = ir_op2(b, IR_SHL, IR_I64, 0, high, ir_const(b, IR_I64, 32));
        vfp_put_d(x, m, vfp_float(x, ir_op2(b, IR_OR, IR_I64, 0, low, high)));
    }
}

/* Size (log2 of bytes) and index of a scalar from opc1 and opc2; false: no such. */
static bool scalar(uint32_t w, unsigned *size, unsigned *index)
{
    unsigned opc = (w >> 21 & 3) << 2 | (w >> 5 & 3);
    if (opc & 8) {
        *size = 0;
        *index = opc & 7;
    } else if (opc & 1) {
        *size = 1;
        *index = opc >> 1 & 3;
    } else {
        *size = 2;
        *index = opc >> 2 & 1;
        return !(opc & 2);
    }
    return true;
}

static void emit_mov_core_scalar(struct xlat *x)
{
    unsigned d = vfp_double(x->word, VFP_VN), t = x->word >> 12 & 15, size, index;
    if (!scalar(x->word, &size, &index) || !exists(x, d) || (size < 2 && !(x->features & ARM_NEON)) || t == 15) {
        ax_undefined(x);
        return;
    }
    ir_ref v = vfp_get_d(x, d), r = ax_reg(x, t);
    if (size == 2) {
        vfp_put_d(x, d, ir_op2(x->b, IR_FSETLANE, IR_F64, (uint16_t)index, v, vfp_float(x, r)));
    } else {
        uint16_t field = (uint16_t)(index * (8u << size) | (8u << size) << 8);
        r = ir_op1(x->b, IR_ZEXT, IR_I64, 32, r);
        vfp_put_d(x, d, vfp_float(x, ir_op2(x->b, IR_INSERT, IR_I64, field, vfp_bits(x, v), r)));
    }
}

static void emit_mov_scalar_core(struct xlat *x)
{
    unsigned d = vfp_double(x->word, VFP_VN), t = x->word >> 12 & 15, size, index;
    bool is_unsigned = x->word >> 23 & 1;
    if (!scalar(x->word, &size, &index) || !exists(x, d) || (size < 2 && !(x->features & ARM_NEON)) ||
        (size == 2 && is_unsigned) || t == 15) {
        ax_undefined(x);
        return;
    }
    ir_ref v = vfp_get_d(x, d);
    if (size == 2) {
        ax_put(x, t, vfp_bits(x, ir_op1(x->b, IR_FLANE, IR_F32, (uint16_t)index, v)));
        return;
    }
    unsigned bits = 8u << size;
    ir_ref r = ir_op1(x->b, IR_EXTRACT, IR_I64, (uint16_t)(index * bits | bits << 8), vfp_bits(x, v));
    r = ir_op1(x->b, IR_TRUNC, IR_I32, 0, r);
    ax_put(x, t, is_unsigned ? r : ir_op1(x->b, IR_SEXT, IR_I32, (uint16_t)bits, r));
}

static void emit_dup_core(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned d = vfp_double(x->word, VFP_VN), t = x->word >> 12 & 15;
    unsigned be = (x->word >> 22 & 1) << 1 | (x->word >> 5 & 1);
    bool q = x->word >> 21 & 1;
    if (be == 3 || (q && (d & 1)) || t == 15) {
        ax_undefined(x);
        return;
    }
    ir_ref v = ir_op1(b, IR_VSPLAT, IR_V128, (uint16_t)(be == 2 ? IR_L8 : be == 1 ? IR_L16 : IR_L32), ax_reg(x, t));
    vfp_put_d(x, d, ir_op3(b, IR_VLANE, IR_F64, IR_LF64, v, IR_NONE, 0));
    if (q)
        vfp_put_d(x, d + 1, ir_op3(b, IR_VLANE, IR_F64, IR_LF64, v, IR_NONE, 1));
}

/* ------------------------------------------------------------------------------------------ system registers */

static void emit_vmrs(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned reg = x->word >> 16 & 15, t = x->word >> 12 & 15;
    bool privileged = x->mode & ARM_KEY_PRIVILEGED && x->mode & ARM_KEY_VFP_ACCESS, on = x->mode & ARM_KEY_VFP;
    uint32_t offset;
    if (reg == VFP_FPSCR && on) {
        if (t != 15) {
            ir_ref v = ir_call(b, &arm_helper_vmrs_fpscr, NULL);
            ax_put(x, t, v);
            return;
        }
        ir_ref code = ir_get(b, SLOT_FP_NZCV);
        ir_ref nzcv = ir_bin(b, IR_SHR, ax_i32(x, FP_NZCV_OF_RELATIONS), ir_bin(b, IR_SHL, code, ax_i32(x, 2)));
        nzcv = ir_bin(b, IR_AND, nzcv, ax_i32(x, 15));
        if (ir_op_of(b, code) != IR_FREL)
            nzcv = ir_select(b, ir_icmp(b, IR_LTU, code, ax_i32(x, FP_NZCV_OTHER)), nzcv,
                             ir_bin(b, IR_SUB, code, ax_i32(x, FP_NZCV_OTHER)));
        flags_set_nzcv(x, nzcv);
        return;
    }
    switch (reg) {
    case VFP_FPEXC: offset = offsetof(struct arm_cpu, fpexc); break;
    case VFP_FPINST: offset = offsetof(struct arm_cpu, fpinst); break;
    case VFP_FPINST2: offset = offsetof(struct arm_cpu, fpinst2); break;
    default: offset = 0; break;
    }
    bool constant = reg == VFP_FPSID || ((reg == VFP_MVFR0 || reg == VFP_MVFR1) && (x->features & ARM_V6));
    if (!privileged || t == 15 || (!constant && !offset)) {
        ax_undefined(x);
        return;
    }
    if (constant) { /* of the model: read through the state */
        ir_ref which = ax_i32(x, reg);
        ax_put(x, t, ir_call(b, &arm_helper_vfp_id, &which));
    } else {
        ax_put(x, t, ir_ldstate(b, IR_I32, 2, offset));
    }
}

static void emit_vmsr(struct xlat *x)
{
    unsigned reg = x->word >> 16 & 15, t = x->word >> 12 & 15;
    bool privileged = x->mode & ARM_KEY_PRIVILEGED && x->mode & ARM_KEY_VFP_ACCESS, on = x->mode & ARM_KEY_VFP;
    ir_ref v;
    if (t == 15 || (reg == VFP_FPSCR ? !on : !privileged)) {
        ax_undefined(x);
        return;
    }
    v = ax_reg(x, t);
    switch (reg) {
    case VFP_FPSID: break; /* read only */
    case VFP_FPSCR:
        ir_call(x->b, &arm_helper_vmsr_fpscr, &v);
        ax_end_dispatch(x);
        break;
    case VFP_FPEXC:
        ir_call(x->b, &arm_helper_vmsr_fpexc, &v);
        ax_end_dispatch(x);
        break;
    case VFP_FPINST: ir_ststate(x->b, 2, offsetof(struct arm_cpu, fpinst), v); break;
    case VFP_FPINST2: ir_ststate(x->b, 2, offsetof(struct arm_cpu, fpinst2), v); break;
    default: ax_undefined(x); break;
    }
}

/* -------------------------------------------------------------------------------------------- loads and stores */

static ir_ref base_of(struct xlat *x, unsigned n)
{
    return n == 15 ? ax_i32(x, (x->pc + (x->thumb ? 4 : 8)) & ~3u) : ax_reg(x, n);
}

static ir_ref plus(struct xlat *x, ir_ref base, uint32_t offset)
{
    return offset ? ir_bin(x->b, IR_ADD, base, ax_i32(x, offset)) : base;
}

static void emit_ldst(struct xlat *x)
{
    bool wide = is_wide(x), load = x->word >> 20 & 1;
    unsigned d = reg_d(x), n = x->word >> 16 & 15, mem = ax_mem(x, wide ? 3 : 2) | IR_MEM_ALIGN(2);
    uint32_t offset = (x->word & 255) * 4;
    if (absent(x, wide, d))
        return;
    ir_ref address = plus(x, base_of(x, n), x->word >> 23 & 1 ? offset : -offset);
    if (load)
        vfp_put(x, wide, d, ir_load(x->b, wide ? IR_F64 : IR_F32, mem, address));
    else
        ir_store(x->b, mem, address, vfp_get(x, wide, d));
}

/* aux 1: decrement before */
static void emit_ldm(struct xlat *x)
{
    struct ir_builder *b = x->b;
    bool wide = is_wide(x), load = x->word >> 20 & 1, writeback = x->word >> 21 & 1;
    unsigned d = reg_d(x), n = x->word >> 16 & 15, imm = x->word & 255, regs = wide ? imm / 2 : imm;
    unsigned size = wide ? 8 : 4, mem = ax_mem(x, wide ? 3 : 2) | IR_MEM_ALIGN(2);
    if (regs == 0 || regs > (wide ? 16 : 32) || d + regs > 32 || (wide && !exists(x, d + regs - 1)) ||
        (n == 15 && (writeback || x->thumb))) {
        ax_undefined(x);
        return;
    }
    ir_ref base = base_of(x, n), address = plus(x, base, x->row->aux ? -4 * imm : 0), value[32], guard[32];
    for (unsigned k = 0; k < regs; k++)
        guard[k] = ir_guard(b, mem | (load ? IR_MEM_READ : IR_MEM_WRITE), plus(x, address, k * size));
    for (unsigned k = 0; k < regs; k++)
        if (load)
            value[k] = ir_load_at(b, wide ? IR_F64 : IR_F32, mem, guard[k], 0);
        else
            ir_store_at(b, mem, guard[k], 0, vfp_get(x, wide, d + k));
    if (writeback)
        ax_put(x, n, plus(x, base, x->row->aux ? -4 * imm : 4 * imm));
    for (unsigned k = 0; load && k < regs; k++)
        vfp_put(x, wide, d + k, value[k]);
}

/* ------------------------------------------------------------------------------------------------------- rows */

#define ARITH 0x0fb00e50
#define OTHER 0x0fbf0ed0

const struct arm_row arm_vfp_rows[] = {
    {ARITH, 0x0e000a00, "vmla", ARM_VFP2, emit_arith, FP_MLA, ROW_FP},
    {ARITH, 0x0e000a40, "vmls", ARM_VFP2, emit_arith, FP_MLS, ROW_FP},
    {ARITH, 0x0e100a00, "vnmls", ARM_VFP2, emit_arith, FP_NMLS, ROW_FP},
    {ARITH, 0x0e100a40, "vnmla", ARM_VFP2, emit_arith, FP_NMLA, ROW_FP},
    {ARITH, 0x0e200a00, "vmul", ARM_VFP2, emit_arith, FP_MUL, ROW_FP},
    {ARITH, 0x0e200a40, "vnmul", ARM_VFP2, emit_arith, FP_NMUL, ROW_FP},
    {ARITH, 0x0e300a00, "vadd", ARM_VFP2, emit_arith, FP_ADD, ROW_FP},
    {ARITH, 0x0e300a40, "vsub", ARM_VFP2, emit_arith, FP_SUB, ROW_FP},
    {ARITH, 0x0e800a00, "vdiv", ARM_VFP2, emit_arith, FP_DIV, ROW_FP},
    {ARITH, 0x0e900a00, "vfnms", ARM_VFP4, emit_arith, FP_FNMS, ROW_FP},
    {ARITH, 0x0e900a40, "vfnma", ARM_VFP4, emit_arith, FP_FNMA, ROW_FP},
    {ARITH, 0x0ea00a00, "vfma", ARM_VFP4, emit_arith, FP_FMA, ROW_FP},
    {ARITH, 0x0ea00a40, "vfms", ARM_VFP4, emit_arith, FP_FMS, ROW_FP},
    {0x0fb00ef0, 0x0eb00a00, "vmov", ARM_VFP3, emit_mov_imm, 0, ROW_FP},
    {OTHER, 0x0eb00a40, "vmov", ARM_VFP2, emit_arith, FP_MOV, ROW_FP},
    {OTHER, 0x0eb00ac0, "vabs", ARM_VFP2, emit_arith, FP_ABS, ROW_FP},
    {OTHER, 0x0eb10a40, "vneg", ARM_VFP2, emit_arith, FP_NEG, ROW_FP},
    {OTHER, 0x0eb10ac0, "vsqrt", ARM_VFP2, emit_arith, FP_SQRT, ROW_FP},
    {0x0fbe0f50, 0x0eb20a40, "vcvt", ARM_HALF, emit_cvt_half, 0, ROW_FP},
    {0x0fbf0e50, 0x0eb40a40, "vcmp", ARM_VFP2, emit_cmp, 0, ROW_FP},
    {0x0fbf0e7f, 0x0eb50a40, "vcmp", ARM_VFP2, emit_cmp, 1, ROW_FP},
    {OTHER, 0x0eb70ac0, "vcvt", ARM_VFP2, emit_cvt, 0, ROW_FP},
    {0x0fbf0e50, 0x0eb80a40, "vcvt", ARM_VFP2, emit_from_int, 0, ROW_FP},
    {0x0fbe0e50, 0x0ebc0a40, "vcvt", ARM_VFP2, emit_to_int, 0, ROW_FP},
    {0x0fbe0e50, 0x0eba0a40, "vcvt", ARM_VFP3, emit_fixed, 0, ROW_FP},
    {0x0fbe0e50, 0x0ebe0a40, "vcvt", ARM_VFP3, emit_fixed, 1, ROW_FP},

    {0x0fe00f7f, 0x0e000a10, "vmov", ARM_VFP2, emit_mov_core_s, 0, ROW_FP},
    {0x0fe00ed0, 0x0c400a10, "vmov", ARM_VFP2, emit_mov_pair, 0, ROW_FP},
    {0x0f900f1f, 0x0e000b10, "vmov", ARM_VFP2, emit_mov_core_scalar, 0, ROW_FP},
    {0x0f100f1f, 0x0e100b10, "vmov", ARM_VFP2, emit_mov_scalar_core, 0, ROW_FP},
    {0x0f900f5f, 0x0e800b10, "vdup", ARM_NEON, emit_dup_core, 0, ROW_FP},
    {0x0ff00fff, 0x0ee00a10, "vmsr", ARM_VFP2, emit_vmsr, 0, 0},
    {0x0ff00fff, 0x0ef00a10, "vmrs", ARM_VFP2, emit_vmrs, 0, 0},

    {0x0f200e00, 0x0d000a00, "vldr", ARM_VFP2, emit_ldst, 0, ROW_FP},
    {0x0f800e00, 0x0c800a00, "vldm", ARM_VFP2, emit_ldm, 0, ROW_FP},
    {0x0fa00e00, 0x0d200a00, "vldmdb", ARM_VFP2, emit_ldm, 1, ROW_FP},
    {0, 0, NULL, 0, NULL, 0, 0},
};
