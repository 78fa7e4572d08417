/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The floating-point state (0406C A2.6), and what generated code calls.
 *
 * Scalar arithmetic runs in line on host floating point while FPSCR.FZ is 0: the rounding mode and the sticky flags
 * stand in MXCSR, NaN results and invalid conversions come to arm_fp_fix().  One flag may differ then: a product,
 * quotient or narrowed number that rounding lifts to the smallest normal number raises underflow on ARM, which looks
 * before rounding, and not on the host.  With FZ every operation is a call (ARM_KEY_VFP_EXACT), with short vectors
 * every instruction (ARM_KEY_VFP_VECTOR; DDI 0100I C5).
 */
#ifdef __SSE2__
#include <immintrin.h>
#endif
#include "emulator/cpu/arm/vfp.h"

#define MXCSR_FLAGS 0x3fu
#define FPEXC_EN    (1u << 30)

/* ------------------------------------------------------------------------------------------------ MXCSR */

static uint32_t flags_of_mxcsr(uint32_t c)
{
    return (c & 0x01 ? FPSCR_IOC : 0) | (c & 0x04 ? FPSCR_DZC : 0) | (c & 0x08 ? FPSCR_OFC : 0) |
           (c & 0x10 ? FPSCR_UFC : 0) | (c & 0x20 ? FPSCR_IXC : 0);
}

static uint32_t mxcsr_of_fpscr(uint32_t fpscr)
{
    static const uint16_t rc[4] = {0x0000, 0x4000, 0x2000, 0x6000}; /* nearest, up, down, zero */
    return 0x1f80u | rc[fpscr >> 22 & 3];
}

/* Helpers of generated code run with the guest's MXCSR in the register. */
static void mxcsr_from_host(struct arm_cpu *cpu)
{
#ifdef __SSE2__
    cpu->jit.mxcsr = _mm_getcsr();
#endif
}

static void mxcsr_to_host(const struct arm_cpu *cpu)
{
#ifdef __SSE2__
    _mm_setcsr(cpu->jit.mxcsr);
#endif
}

/* ------------------------------------------------------------------------------------------------ state */

void arm_fp_reset(struct arm_cpu *cpu, bool user_mode)
{
    cpu->fpscr = 0;
    cpu->fp_nzcv = FP_NZCV_OTHER;
    cpu->fpexc = user_mode && (cpu->model->features & ARM_VFP2) ? FPEXC_EN : 0;
    cpu->jit.mxcsr = mxcsr_of_fpscr(0);
}

/* CPACR for coprocessors 10 and 11 (0406C B4.1.40). */
static bool access_allowed(const struct arm_cpu *cpu)
{
    unsigned cp10 = cpu->cpacr >> 20 & 3;
    bool privileged = (cpu->cpsr & ARM_CPSR_MODE) != ARM_MODE_USR;
    return !(cpu->model->features & ARM_V6) || cp10 == 3 || (cp10 == 1 && privileged);
}

uint32_t arm_fp_mode(const struct arm_cpu *cpu)
{
    uint32_t key = 0;
    if (!(cpu->model->features & ARM_VFP2))
        return 0;
    if ((cpu->jit.mode & ARM_KEY_USER) || access_allowed(cpu))
        key |= ARM_KEY_VFP_ACCESS | (cpu->fpexc & FPEXC_EN ? ARM_KEY_VFP : 0);
    if ((cpu->model->features & ARM_SHORT_VECTORS) && (cpu->fpscr & FPSCR_LEN))
        key |= ARM_KEY_VFP_VECTOR;
    if (cpu->fpscr & FPSCR_FZ)
        key |= ARM_KEY_VFP_EXACT;
    return key;
}

uint32_t arm_get_fpscr(struct arm_cpu *cpu)
{
    unsigned nzcv = cpu->fp_nzcv < FP_NZCV_OTHER ? FP_NZCV_OF_RELATIONS >> (4 * cpu->fp_nzcv) & 15
                                                 : cpu->fp_nzcv - FP_NZCV_OTHER;
    if (cpu->qc[0] | cpu->qc[1])
        cpu->fpscr |= FPSCR_QC;
    cpu->fpscr |= flags_of_mxcsr(cpu->jit.mxcsr);
    return cpu->fpscr | nzcv << 28;
}

void arm_set_fpscr(struct arm_cpu *cpu, uint32_t fpscr)
{
    uint32_t features = cpu->model->features, kept = FPSCR_CUMULATIVE | FPSCR_RMODE | FPSCR_FZ | FPSCR_DN;
    if (features & ARM_SHORT_VECTORS)
        kept |= FPSCR_LEN | FPSCR_STRIDE;
    if (features & ARM_HALF)
        kept |= FPSCR_AHP;
    if (features & ARM_NEON)
        kept |= FPSCR_QC;
    cpu->fp_nzcv = FP_NZCV_OTHER + (fpscr >> 28);
    cpu->fpscr = fpscr & kept;
    cpu->qc[0] = cpu->qc[1] = 0;
    cpu->jit.mxcsr = mxcsr_of_fpscr(fpscr);
    arm_update_mode(cpu);
}

static uint64_t vmrs_fpscr(struct jit_cpu *head)
{
    struct arm_cpu *cpu = (struct arm_cpu *)head;
    mxcsr_from_host(cpu);
    return arm_get_fpscr(cpu);
}

static uint64_t vmsr_fpscr(struct jit_cpu *head, uint64_t value)
{
    struct arm_cpu *cpu = (struct arm_cpu *)head;
    arm_set_fpscr(cpu, (uint32_t)value);
    mxcsr_to_host(cpu);
    return 0;
}

static uint64_t vmsr_fpexc(struct jit_cpu *head, uint64_t value)
{
    struct arm_cpu *cpu = (struct arm_cpu *)head;
    cpu->fpexc = (uint32_t)value & FPEXC_EN;
    arm_update_mode(cpu);
    return 0;
}

static uint64_t vfp_id(struct jit_cpu *head, uint64_t reg)
{
    const struct arm_model *m = ((struct arm_cpu *)head)->model;
    return reg == VFP_FPSID ? m->fpsid : reg == VFP_MVFR0 ? m->mvfr[0] : m->mvfr[1];
}

const struct ir_helper arm_helper_vfp_id = {"vfp id", (void *)vfp_id, IR_HELPER_PURE, 1, IR_I32, {IR_I32}};
const struct ir_helper arm_helper_vmrs_fpscr = {
    "vmrs fpscr", (void *)vmrs_fpscr, IR_HELPER_READS | IR_HELPER_FP, 0, IR_I32, {0}};
const struct ir_helper arm_helper_vmsr_fpscr = {
    "vmsr fpscr", (void *)vmsr_fpscr, IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FP, 1, IR_VOID, {IR_I32}};
const struct ir_helper arm_helper_vmsr_fpexc = {
    "vmsr fpexc", (void *)vmsr_fpexc, IR_HELPER_READS | IR_HELPER_WRITES, 1, IR_VOID, {IR_I32}};

/* --------------------------------------------------------------------------- results that the host has not */

/* FPToFixed() of what does not fit. */
static uint64_t limit_of(uint64_t v, bool from_double, bool wide)
{
    bool negative = from_double ? v >> 63 : v >> 31 & 1;
    bool nan = from_double ? (v & INT64_MAX) > UINT64_C(0x7ff0000000000000) : (v & 0x7fffffff) > 0x7f800000;
    if (nan)
        return 0;
    if (wide)
        return negative ? UINT64_C(1) << 63 : INT64_MAX;
    return negative ? 0x80000000u : 0x7fffffffu;
}

/* FPMulAdd(): no product and a quiet addend give the default NaN. */
static uint64_t fused_nan(struct arm_cpu *cpu, bool wide, uint64_t n, uint64_t m, uint64_t addend)
{
    struct arm_fp e = {.fpscr = cpu->fpscr & ~FPSCR_FZ};
    uint64_t r = wide ? arm_fp64(&e, FP_FMA, addend, n, m)
                      : arm_fp32(&e, FP_FMA, (uint32_t)addend, (uint32_t)n, (uint32_t)m);
    cpu->fpscr |= e.flags & FPSCR_IOC;
    return r;
}

uint64_t arm_fp_fix(struct jit_cpu *head, const struct ir_insn *insn, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *cpu = (struct arm_cpu *)head;
    bool dn = cpu->fpscr & FPSCR_DN, wide = insn->type == IR_F64;
    switch (insn->op) {
    case IR_FTOI:
    case IR_FTOIR: return limit_of(a, (insn->aux & 0xff) == IR_F64, insn->type == IR_I64);
    case IR_FCVT: return wide ? arm_fp_widen_nan((uint32_t)a, dn) : arm_fp_narrow_nan(a, dn);
    case IR_FMADD: return fused_nan(cpu, wide, a, b, c);
    default: {
        unsigned n = insn->op == IR_FSQRT ? 1 : 2;
        return wide ? arm_fp_nan64((uint64_t[]){a, b}, n, dn)
                    : arm_fp_nan32((uint32_t[]){(uint32_t)a, (uint32_t)b}, n, dn);
    }
    }
}

/* ------------------------------------------------------------------------------------------ arithmetic by call */

#define ENTER                                                                                                \
    struct arm_cpu *cpu = (struct arm_cpu *)head;                                                            \
    struct arm_fp e = {.fpscr = cpu->fpscr};                                                                 \
    uint32_t kept = arm_fp_begin()
#define LEAVE(result)                                                                                        \
    arm_fp_end(kept);                                                                                        \
    cpu->fpscr |= e.flags;                                                                                   \
    return result

static uint64_t fp32(struct jit_cpu *head, uint64_t op, uint64_t d, uint64_t n, uint64_t m)
{
    uint32_t plain;
    if (arm_fp_plain32((enum arm_fp_op)op, (uint32_t)d, (uint32_t)n, (uint32_t)m, &plain))
        return plain;
    ENTER;
    uint32_t r = arm_fp32(&e, (enum arm_fp_op)op, (uint32_t)d, (uint32_t)n, (uint32_t)m);
    LEAVE(r);
}

static uint64_t fp64(struct jit_cpu *head, uint64_t op, uint64_t d, uint64_t n, uint64_t m)
{
    uint64_t plain;
    if (arm_fp_plain64((enum arm_fp_op)op, d, n, m, &plain))
        return plain;
    ENTER;
    uint64_t r = arm_fp64(&e, (enum arm_fp_op)op, d, n, m);
    LEAVE(r);
}

static uint64_t compare32(struct jit_cpu *head, uint64_t a, uint64_t b, uint64_t signal)
{
    ENTER;
    unsigned r = arm_fp_compare32(&e, (uint32_t)a, (uint32_t)b, signal);
    LEAVE(r);
}

static uint64_t compare64(struct jit_cpu *head, uint64_t a, uint64_t b, uint64_t signal)
{
    ENTER;
    unsigned r = arm_fp_compare64(&e, a, b, signal);
    LEAVE(r);
}

static uint64_t widen(struct jit_cpu *head, uint64_t v)
{
    ENTER;
    uint64_t r = arm_fp_widen(&e, (uint32_t)v);
    LEAVE(r);
}

static uint64_t narrow(struct jit_cpu *head, uint64_t v)
{
    ENTER;
    uint32_t r = arm_fp_narrow(&e, v);
    LEAVE(r);
}

static uint64_t from_half(struct jit_cpu *head, uint64_t v)
{
    ENTER;
    uint32_t r = arm_fp_from_half(&e, (uint16_t)v);
    LEAVE(r);
}

static uint64_t to_half(struct jit_cpu *head, uint64_t v)
{
    ENTER;
    uint32_t r = arm_fp_to_half(&e, (uint32_t)v);
    LEAVE(r);
}

static uint64_t to_fixed(struct jit_cpu *head, bool wide, uint64_t v, uint64_t how)
{
    ENTER;
    uint32_t r = arm_fp_to_fixed(&e, wide, v, how & VFP_FIXED_32 ? 32 : 16, how & 63, how & VFP_FIXED_UNSIGNED,
                                 how & VFP_FIXED_ZERO);
    LEAVE(r);
}

static uint64_t to_fixed32(struct jit_cpu *head, uint64_t v, uint64_t how)
{
    return to_fixed(head, false, v, how);
}

static uint64_t to_fixed64(struct jit_cpu *head, uint64_t v, uint64_t how)
{
    return to_fixed(head, true, v, how);
}

static uint64_t from_fixed(struct jit_cpu *head, bool wide, uint64_t v, uint64_t how)
{
    ENTER;
    uint64_t r = arm_fp_from_fixed(&e, wide, (uint32_t)v, how & VFP_FIXED_32 ? 32 : 16, how & 63,
                                   how & VFP_FIXED_UNSIGNED, how & VFP_FIXED_NEAREST);
    LEAVE(r);
}

static uint64_t from_fixed32(struct jit_cpu *head, uint64_t v, uint64_t how)
{
    return from_fixed(head, false, v, how);
}

static uint64_t from_fixed64(struct jit_cpu *head, uint64_t v, uint64_t how)
{
    return from_fixed(head, true, v, how);
}

static uint64_t invalid(struct jit_cpu *head)
{
    ((struct arm_cpu *)head)->fpscr |= FPSCR_IOC;
    return 0;
}

#define HELPER(name, result, n, ...)                                                                         \
    const struct ir_helper arm_helper_fp_##name = {"fp " #name, (void *)name, IR_HELPER_FP, n, result, {__VA_ARGS__}}
const struct ir_helper arm_helper_fp32 = {
    "fp32", (void *)fp32, IR_HELPER_FP, 4, IR_F32, {IR_I32, IR_F32, IR_F32, IR_F32}};
const struct ir_helper arm_helper_fp64 = {
    "fp64", (void *)fp64, IR_HELPER_FP, 4, IR_F64, {IR_I32, IR_F64, IR_F64, IR_F64}};
HELPER(compare32, IR_I32, 3, IR_F32, IR_F32, IR_I32);
HELPER(compare64, IR_I32, 3, IR_F64, IR_F64, IR_I32);
HELPER(widen, IR_F64, 1, IR_F32);
HELPER(narrow, IR_F32, 1, IR_F64);
HELPER(from_half, IR_F32, 1, IR_I32);
HELPER(to_half, IR_I32, 1, IR_F32);
HELPER(to_fixed32, IR_I32, 2, IR_F32, IR_I32);
HELPER(to_fixed64, IR_I32, 2, IR_F64, IR_I32);
HELPER(from_fixed32, IR_F32, 2, IR_I32, IR_I32);
HELPER(from_fixed64, IR_F64, 2, IR_I32, IR_I32);
const struct ir_helper arm_helper_fp_invalid = {"fp invalid", (void *)invalid, 0, 0, IR_VOID, {0}};

/* ------------------------------------------------------------------------------------------- short vectors */

/* Registers follow one another within their bank of four doubles or eight singles (0100I C5.1). */
static unsigned next_in_bank(unsigned r, unsigned stride, unsigned bank)
{
    return (r & ~(bank - 1)) | ((r + stride) & (bank - 1));
}

static uint64_t get(const struct arm_cpu *cpu, bool wide, unsigned r)
{
    return wide ? cpu->d[r] : (uint32_t)(cpu->d[r / 2] >> (r & 1 ? 32 : 0));
}

static void put(struct arm_cpu *cpu, bool wide, unsigned r, uint64_t v)
{
    if (wide)
        cpu->d[r] = v;
    else if (r & 1)
        cpu->d[r / 2] = (uint32_t)cpu->d[r / 2] | v << 32;
    else
        cpu->d[r / 2] = (cpu->d[r / 2] & ~UINT64_C(0xffffffff)) | (uint32_t)v;
}

static uint64_t vfp_short(struct jit_cpu *head, uint64_t word, uint64_t code)
{
    ENTER;
    uint32_t w = (uint32_t)word;
    bool wide = code >> 8 & 1, constant = code >> 9 & 1;
    unsigned bank = wide ? 4 : 8, stride = cpu->fpscr & FPSCR_STRIDE ? 2 : 1;
    unsigned d = wide ? vfp_double(w, VFP_VD) : vfp_single(w, VFP_VD);
    unsigned n = wide ? vfp_double(w, VFP_VN) : vfp_single(w, VFP_VN);
    unsigned m = wide ? vfp_double(w, VFP_VM) : vfp_single(w, VFP_VM);
    bool scalar = d < bank || (wide && (d & 16) && d < 20), scalar_m = m < bank || (wide && (m & 16) && m < 20);
    unsigned count = scalar ? 1 : (cpu->fpscr >> 16 & 7) + 1;
    for (unsigned k = 0; k < count; k++) {
        uint64_t dd = get(cpu, wide, d), nn = get(cpu, wide, n), r;
        uint64_t mm = constant ? vfp_expand(wide, (w >> 12 & 0xf0) | (w & 15)) : get(cpu, wide, m);
        if (wide)
            r = arm_fp64(&e, (enum arm_fp_op)(code & 255), dd, nn, mm);
        else
            r = arm_fp32(&e, (enum arm_fp_op)(code & 255), (uint32_t)dd, (uint32_t)nn, (uint32_t)mm);
        put(cpu, wide, d, r);
        d = next_in_bank(d, stride, bank);
        n = next_in_bank(n, stride, bank);
        if (!scalar_m)
            m = next_in_bank(m, stride, bank);
    }
    LEAVE(0);
}

const struct ir_helper arm_helper_vfp_short = {
    "vfp short", (void *)vfp_short, IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_FP, 2, IR_VOID, {IR_I32, IR_I32}};
