/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of VFP and Advanced SIMD share: register slots, and helpers that generated code calls.
 */
#ifndef VITRINE_CPU_ARM_VFP_H
#define VITRINE_CPU_ARM_VFP_H

#include "emulator/cpu/arm/fp.h"
#include "emulator/cpu/arm/internal.h"

/* fp_nzcv: 0 to 3 the relation that the last compare found (equal, less, greater, unordered), 4 + N Z C V otherwise. */
#define FP_NZCV_OTHER 4u
/* N Z C V of the relations, four bits each. */
#define FP_NZCV_OF_RELATIONS 0x3286u

/* Register numbers: a bit that extends another four (0406C A7.3). */
static inline unsigned vfp_double(uint32_t w, unsigned low, unsigned bit)
{
    return (w >> low & 15) | (w >> bit & 1) << 4;
}
static inline unsigned vfp_single(uint32_t w, unsigned low, unsigned bit)
{
    return (w >> low & 15) << 1 | (w >> bit & 1);
}
#define VFP_VD 12, 22
#define VFP_VN 16, 7
#define VFP_VM 0, 5

static inline ir_ref vfp_get_d(struct xlat *x, unsigned d)
{
    return ir_get(x->b, SLOT_D0 + d);
}
static inline void vfp_put_d(struct xlat *x, unsigned d, ir_ref v)
{
    ax_put_slot(x, SLOT_D0 + d, v);
}
static inline ir_ref vfp_get_s(struct xlat *x, unsigned s)
{
    return ir_op1(x->b, IR_FLANE, IR_F32, s & 1, vfp_get_d(x, s / 2));
}
static inline void vfp_put_s(struct xlat *x, unsigned s, ir_ref v)
{
    vfp_put_d(x, s / 2, ir_op2(x->b, IR_FSETLANE, IR_F64, s & 1, vfp_get_d(x, s / 2), v));
}
static inline ir_ref vfp_get(struct xlat *x, bool wide, unsigned r)
{
    return wide ? vfp_get_d(x, r) : vfp_get_s(x, r);
}
static inline void vfp_put(struct xlat *x, bool wide, unsigned r, ir_ref v)
{
    if (wide)
        vfp_put_d(x, r, v);
    else
        vfp_put_s(x, r, v);
}
static inline ir_ref vfp_bits(struct xlat *x, ir_ref v) /* F32 -> I32, F64 -> I64 */
{
    return ir_op1(x->b, IR_BITCAST, ir_type_of(x->b, v) == IR_F64 ? IR_I64 : IR_I32, 0, v);
}
static inline ir_ref vfp_float(struct xlat *x, ir_ref v)
{
    return ir_op1(x->b, IR_BITCAST, ir_type_of(x->b, v) == IR_I64 ? IR_F64 : IR_F32, 0, v);
}
/* Numbers of VMRS and VMSR. */
enum { VFP_FPSID, VFP_FPSCR, VFP_MVFR1 = 6, VFP_MVFR0, VFP_FPEXC, VFP_FPINST, VFP_FPINST2 };
/* VFPExpandImm() */
uint64_t vfp_expand(bool wide, unsigned imm8);

/* ---- vfp.c: helpers.  `code` of the arithmetic ones: enum arm_fp_op. ---- */
extern const struct ir_helper arm_helper_fp32; /* (code, d, n, m) by FPSCR */
extern const struct ir_helper arm_helper_fp64;
extern const struct ir_helper arm_helper_fp_compare32; /* (a, b, signal): the relation */
extern const struct ir_helper arm_helper_fp_compare64;
extern const struct ir_helper arm_helper_fp_widen, arm_helper_fp_narrow;
extern const struct ir_helper arm_helper_fp_from_half, arm_helper_fp_to_half;
/* (value, how): bits 5..0 fraction bits, then VFP_FIXED_* */
enum { VFP_FIXED_32 = 64, VFP_FIXED_UNSIGNED = 128, VFP_FIXED_ZERO = 256, VFP_FIXED_NEAREST = 512 };
extern const struct ir_helper arm_helper_fp_to_fixed32, arm_helper_fp_to_fixed64;
extern const struct ir_helper arm_helper_fp_from_fixed32, arm_helper_fp_from_fixed64;
extern const struct ir_helper arm_helper_fp_invalid;   /* (): raises the invalid flag */
extern const struct ir_helper arm_helper_vfp_short;    /* (word, code | wide << 8): an instruction on short vectors */
extern const struct ir_helper arm_helper_vmrs_fpscr;   /* (): FPSCR */
extern const struct ir_helper arm_helper_vmsr_fpscr;   /* (value) */
extern const struct ir_helper arm_helper_vmsr_fpexc;
extern const struct ir_helper arm_helper_vfp_id;       /* (register): FPSID, MVFR0, MVFR1 */

#endif
