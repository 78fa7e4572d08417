/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ARM's floating-point arithmetic, bit for bit (0406C A2.7): NaN rules, flushing to zero, default NaN, exception
 * flags with underflow found before rounding.  What generated code does not do in line is done here: flush-to-zero
 * mode, short vectors, Advanced SIMD.  Values are bits; a float is in the low half.
 */
#ifndef VITRINE_CPU_ARM_FP_H
#define VITRINE_CPU_ARM_FP_H

#include <stdbool.h>
#include <stdint.h>

/* FPSCR (0406C B4.1.58) */
#define FPSCR_IOC   0x00000001u
#define FPSCR_DZC   0x00000002u
#define FPSCR_OFC   0x00000004u
#define FPSCR_UFC   0x00000008u
#define FPSCR_IXC   0x00000010u
#define FPSCR_IDC   0x00000080u
#define FPSCR_CUMULATIVE 0x0000009fu
#define FPSCR_LEN   0x00070000u
#define FPSCR_STRIDE 0x00300000u
#define FPSCR_RMODE 0x00c00000u
#define FPSCR_FZ    0x01000000u
#define FPSCR_DN    0x02000000u
#define FPSCR_AHP   0x04000000u
#define FPSCR_QC    0x08000000u
/* Advanced SIMD's "standard FPSCR value" (A2.7.8): nearest, flush to zero, default NaN; AHP as it is. */
#define FPSCR_STANDARD(fpscr) (((fpscr) & FPSCR_AHP) | FPSCR_FZ | FPSCR_DN)

struct arm_fp {
    uint32_t fpscr; /* what controls the arithmetic */
    uint32_t flags; /* raised, at FPSCR's places; added to */
};

enum arm_fp_op { /* d: what the destination held */
    FP_ADD,  /* n + m */
    FP_SUB,
    FP_MUL,
    FP_DIV,
    FP_NMUL, /* -(n * m) */
    FP_MLA,  /* d + n * m, two roundings */
    FP_MLS,
    FP_NMLA, /* -d - n * m */
    FP_NMLS, /* -d + n * m */
    FP_FMA,  /* d + n * m, one rounding */
    FP_FMS,
    FP_FNMA, /* -d - n * m */
    FP_FNMS, /* -d + n * m */
    FP_SQRT, /* of m, as the following */
    FP_MOV,
    FP_ABS,
    FP_NEG,
    FP_MAX, /* n, m: FPMax() */
    FP_MIN,
    FP_RECPS,  /* 2 - n * m */
    FP_RSQRTS, /* (3 - n * m) / 2 */
    FP_ABD,    /* |n - m| */
};

/* Between begin and end the host's arithmetic is at the disposal of the functions; begin keeps the guest's control
 * register, which end restores. */
uint32_t arm_fp_begin(void);
void arm_fp_end(uint32_t kept);

uint32_t arm_fp32(struct arm_fp *e, enum arm_fp_op op, uint32_t d, uint32_t n, uint32_t m);
uint64_t arm_fp64(struct arm_fp *e, enum arm_fp_op op, uint64_t d, uint64_t n, uint64_t m);
/* The same for operands and results that no mode treats in its own way, under the control register as it is now, where
 * the flags go; false, and nothing done: the long way is wanted. */
bool arm_fp_plain32(enum arm_fp_op op, uint32_t d, uint32_t n, uint32_t m, uint32_t *r);
bool arm_fp_plain64(enum arm_fp_op op, uint64_t d, uint64_t n, uint64_t m, uint64_t *r);
/* n (2 or 4) lanes at once under FPSCR_STANDARD(); false, and nothing done: some operand or result wants the long way. */
bool arm_fp_quick(struct arm_fp *e, enum arm_fp_op op, unsigned n, uint32_t *r, const uint32_t *vd, const uint32_t *vn,
                  const uint32_t *vm);
/* 0 equal, 1 less, 2 greater, 3 unordered; `signal`: quiet NaNs are invalid, too. */
unsigned arm_fp_compare32(struct arm_fp *e, uint32_t a, uint32_t b, bool signal);
unsigned arm_fp_compare64(struct arm_fp *e, uint64_t a, uint64_t b, bool signal);

uint64_t arm_fp_widen(struct arm_fp *e, uint32_t v);
uint32_t arm_fp_narrow(struct arm_fp *e, uint64_t v);
uint32_t arm_fp_from_half(struct arm_fp *e, uint16_t v);
uint16_t arm_fp_to_half(struct arm_fp *e, uint32_t v);
/* FPToFixed(), FixedToFP(): `bits` (16 or 32) of result or operand with `fraction` bits behind the point. */
uint32_t arm_fp_to_fixed(struct arm_fp *e, bool wide, uint64_t v, unsigned bits, unsigned fraction, bool is_unsigned,
                         bool toward_zero);
uint64_t arm_fp_from_fixed(struct arm_fp *e, bool wide, uint32_t v, unsigned bits, unsigned fraction, bool is_unsigned,
                           bool nearest);

/* Estimates (A2.7.5, A2.7.6): of a float under the standard FPSCR value, and of fixed-point numbers. */
uint32_t arm_fp_recpe(struct arm_fp *e, uint32_t v);
uint32_t arm_fp_rsqrte(struct arm_fp *e, uint32_t v);
uint32_t arm_recpe(uint32_t v);
uint32_t arm_rsqrte(uint32_t v);

/* NaN rules, for results that host code found to be NaN: of operands in the order of the manual. */
uint32_t arm_fp_nan32(const uint32_t *operand, unsigned n, bool default_nan);
uint64_t arm_fp_nan64(const uint64_t *operand, unsigned n, bool default_nan);
uint64_t arm_fp_widen_nan(uint32_t v, bool default_nan);
uint32_t arm_fp_narrow_nan(uint64_t v, bool default_nan);

#endif
