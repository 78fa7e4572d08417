/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Advanced SIMD by call: saturating and rounding shifts by registers, high halves of doubled products, polynomials,
 * and floats, which are always computed under the standard FPSCR value (0406C A2.7.8) and so not in line.
 */
#include <string.h>
#include "emulator/cpu/arm/neon.h"

union lanes {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t w[4];
    uint64_t d[2];
};

static uint64_t lane_get(const union lanes *v, unsigned lane, unsigned k)
{
    return lane == IR_L8 ? v->b[k] : lane == IR_L16 ? v->h[k] : lane == IR_L32 ? v->w[k] : v->d[k];
}

static void lane_set(union lanes *v, unsigned lane, unsigned k, uint64_t n)
{
    switch (lane) {
    case IR_L8: v->b[k] = (uint8_t)n; break;
    case IR_L16: v->h[k] = (uint16_t)n; break;
    case IR_L32: v->w[k] = (uint32_t)n; break;
    default: v->d[k] = n; break;
    }
}

static int64_t sign_extend(uint64_t v, unsigned bits)
{
    return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

/* ------------------------------------------------------------------------------------------------- integers */

/* One lane shifted left by `by`, right if negative (A8.8.380, A8.8.394, A8.8.375, A8.8.396). */
static uint64_t shift(unsigned op, uint64_t v, unsigned bits, int by, bool is_unsigned, bool *saturated)
{
    __int128 x = is_unsigned ? (__int128)v : (__int128)sign_extend(v, bits), top, least = 0;
    if (by >= 0) {
        x = by >= 64 ? (x > 0 ? (__int128)1 << 100 : x < 0 ? -((__int128)1 << 100) : 0) : x * ((__int128)1 << by);
        if (op == NEON_RSHL)
            return by >= 64 ? 0 : v << by;
    } else {
        int right = by < -100 ? 100 : -by;
        if (op == NEON_RSHL || op == NEON_QRSHL)
            x += (__int128)1 << (right - 1);
        x >>= right;
    }
    if (op == NEON_RSHL)
        return (uint64_t)x;
    top = ((__int128)1 << (is_unsigned || op == NEON_QSHLU ? bits : bits - 1)) - 1;
    if (!is_unsigned && op != NEON_QSHLU)
        least = -top - 1;
    if (x > top || x < least) {
        *saturated = true;
        x = x > top ? top : least;
    }
    return (uint64_t)x;
}

static uint64_t high_of_double(uint64_t a, uint64_t b, unsigned bits, bool rounded, bool *saturated)
{
    int64_t x = sign_extend(a, bits), y = sign_extend(b, bits);
    if (x == y && x == -((int64_t)1 << (bits - 1))) {
        *saturated = true;
        return ((uint64_t)1 << (bits - 1)) - 1;
    }
    return (uint64_t)((2 * x * y + (rounded ? (int64_t)1 << (bits - 1) : 0)) >> bits);
}

static uint16_t polynomial(uint8_t a, uint8_t b)
{
    unsigned r = 0;
    for (unsigned k = 0; k < 8; k++)
        if (b >> k & 1)
            r ^= (unsigned)a << k;
    return (uint16_t)r;
}

static bool integer(uint32_t code, union lanes *r, const union lanes *a, const union lanes *b)
{
    unsigned op = code & 255, lane = code >> 8 & 3, bits = 8u << lane;
    bool saturated = false;
    switch (op) {
    case NEON_QSHL:
    case NEON_RSHL:
    case NEON_QRSHL:
    case NEON_QSHLU:
        for (unsigned k = 0; k < 16u >> lane; k++)
            lane_set(r, lane, k,
                     shift(op, lane_get(a, lane, k), bits, (int8_t)lane_get(b, lane, k), code & NEON_UNSIGNED,
                           &saturated));
        break;
    case NEON_QDMULH:
    case NEON_QRDMULH:
        for (unsigned k = 0; k < 16u >> lane; k++)
            lane_set(r, lane, k,
                     high_of_double(lane_get(a, lane, k), lane_get(b, lane, k), bits, op == NEON_QRDMULH, &saturated));
        break;
    case NEON_PMUL:
        for (unsigned k = 0; k < 16; k++)
            r->b[k] = (uint8_t)polynomial(a->b[k], b->b[k]);
        break;
    case NEON_PMULL:
        for (unsigned k = 0; k < 8; k++)
            r->h[k] = polynomial(a->b[k], b->b[k]);
        break;
    case NEON_RECPE:
        for (unsigned k = 0; k < 4; k++)
            r->w[k] = arm_recpe(a->w[k]);
        break;
    default:
        for (unsigned k = 0; k < 4; k++)
            r->w[k] = arm_rsqrte(a->w[k]);
        break;
    }
    return saturated;
}

/* ---------------------------------------------------------------------------------------------------- floats */

static uint32_t compare(struct arm_fp *e, unsigned op, uint32_t a, uint32_t b)
{
    unsigned relation;
    if (op == NEON_FACGE || op == NEON_FACGT) {
        a &= 0x7fffffff;
        b &= 0x7fffffff;
    }
    relation = arm_fp_compare32(e, a, b, op != NEON_FCEQ);
    switch (op) {
    case NEON_FCEQ: return relation == 0 ? UINT32_MAX : 0;
    case NEON_FCGE:
    case NEON_FACGE: return relation == 0 || relation == 2 ? UINT32_MAX : 0;
    default: return relation == 2 ? UINT32_MAX : 0;
    }
}

static void real(struct arm_fp *e, uint32_t code, union lanes *r, const union lanes *a, const union lanes *b,
                 const union lanes *c)
{
    unsigned op = code & 255, n = code & NEON_QUAD ? 4 : 2, fraction = code >> 16;
    bool is_unsigned = code & NEON_UNSIGNED;
    if (op >= NEON_ARITH && arm_fp_quick(e, (enum arm_fp_op)(op - NEON_ARITH), n, r->w, c->w, a->w, b->w))
        return;
    for (unsigned k = 0; k < n; k++)
        switch (op) {
        case NEON_FCEQ:
        case NEON_FCGE:
        case NEON_FCGT:
        case NEON_FACGE:
        case NEON_FACGT: r->w[k] = compare(e, op, a->w[k], b->w[k]); break;
        case NEON_FRECPE: r->w[k] = arm_fp_recpe(e, a->w[k]); break;
        case NEON_FRSQRTE: r->w[k] = arm_fp_rsqrte(e, a->w[k]); break;
        case NEON_FTOX: r->w[k] = arm_fp_to_fixed(e, false, a->w[k], 32, fraction, is_unsigned, true); break;
        case NEON_XTOF: r->w[k] = (uint32_t)arm_fp_from_fixed(e, false, a->w[k], 32, fraction, is_unsigned, true); break;
        case NEON_FTOH: r->h[k] = arm_fp_to_half(e, a->w[k]); break;
        case NEON_HTOF: r->w[k] = arm_fp_from_half(e, a->h[k]); break;
        default: r->w[k] = arm_fp32(e, (enum arm_fp_op)(op - NEON_ARITH), c->w[k], a->w[k], b->w[k]); break;
        }
}

static uint64_t neon(struct jit_cpu *head, uint64_t *out, uint64_t code, const uint64_t *a, const uint64_t *b,
                     const uint64_t *c)
{
    struct arm_cpu *cpu = (struct arm_cpu *)head;
    union lanes r = {.d = {0, 0}}, x, y, z;
    memcpy(&x, a, 16);
    memcpy(&y, b, 16);
    memcpy(&z, c, 16);
    if ((code & 255) < NEON_FCEQ) {
        if (integer((uint32_t)code, &r, &x, &y))
            cpu->fpscr |= FPSCR_QC;
    } else {
        struct arm_fp e = {.fpscr = FPSCR_STANDARD(cpu->fpscr)};
        uint32_t kept = arm_fp_begin();
        real(&e, (uint32_t)code, &r, &x, &y, &z);
        arm_fp_end(kept);
        cpu->fpscr |= e.flags;
    }
    memcpy(out, &r, 16);
    return 0;
}

const struct ir_helper arm_helper_neon = {
    "neon", (void *)neon, IR_HELPER_FP, 4, IR_V128, {IR_I32, IR_V128, IR_V128, IR_V128}};
