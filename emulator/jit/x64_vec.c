/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Vectors of 128 bits: one host instruction where there is one (the table), short sequences for some, and the
 * interpreter's function for what is rare.
 */
#include "emulator/jit/ir_interp.h"
#include "emulator/jit/x64.h"

/* dst = a op b by one instruction, per lane: opcode word, 0 where the host has none.  The feature it needs comes
 * from the map: 0F is SSE2, 0F38 SSE4.1 or SSSE3. */
static const uint32_t simple[IR_N_OPS][6] = {
    /*             8 bits                  16                      32                      64              F32     F64 */
    [IR_VADD] = {X_66 | X_0F | 0xfc, X_66 | X_0F | 0xfd, X_66 | X_0F | 0xfe, X_66 | X_0F | 0xd4, X_0F | 0x58, X_66 | X_0F | 0x58},
    [IR_VSUB] = {X_66 | X_0F | 0xf8, X_66 | X_0F | 0xf9, X_66 | X_0F | 0xfa, X_66 | X_0F | 0xfb, X_0F | 0x5c, X_66 | X_0F | 0x5c},
    [IR_VMUL] = {0, X_66 | X_0F | 0xd5, X_66 | X_0F38 | 0x40, 0, X_0F | 0x59, X_66 | X_0F | 0x59},
    [IR_VDIVF] = {0, 0, 0, 0, X_0F | 0x5e, X_66 | X_0F | 0x5e},
    [IR_VADDS] = {X_66 | X_0F | 0xec, X_66 | X_0F | 0xed},
    [IR_VADDU] = {X_66 | X_0F | 0xdc, X_66 | X_0F | 0xdd},
    [IR_VSUBS] = {X_66 | X_0F | 0xe8, X_66 | X_0F | 0xe9},
    [IR_VSUBU] = {X_66 | X_0F | 0xd8, X_66 | X_0F | 0xd9},
    [IR_VMINS] = {X_66 | X_0F38 | 0x38, X_66 | X_0F | 0xea, X_66 | X_0F38 | 0x39},
    [IR_VMAXS] = {X_66 | X_0F38 | 0x3c, X_66 | X_0F | 0xee, X_66 | X_0F38 | 0x3d},
    [IR_VMINU] = {X_66 | X_0F | 0xda, X_66 | X_0F38 | 0x3a, X_66 | X_0F38 | 0x3b},
    [IR_VMAXU] = {X_66 | X_0F | 0xde, X_66 | X_0F38 | 0x3e, X_66 | X_0F38 | 0x3f},
    [IR_VAVGU] = {X_66 | X_0F | 0xe0, X_66 | X_0F | 0xe3},
    [IR_VCMPEQ] = {X_66 | X_0F | 0x74, X_66 | X_0F | 0x75, X_66 | X_0F | 0x76, X_66 | X_0F38 | 0x29},
    [IR_VCMPGTS] = {X_66 | X_0F | 0x64, X_66 | X_0F | 0x65, X_66 | X_0F | 0x66},
    [IR_VZIPL] = {X_66 | X_0F | 0x60, X_66 | X_0F | 0x61, X_66 | X_0F | 0x62, X_66 | X_0F | 0x6c, X_0F | 0x14, X_66 | X_0F | 0x14},
    [IR_VZIPH] = {X_66 | X_0F | 0x68, X_66 | X_0F | 0x69, X_66 | X_0F | 0x6a, X_66 | X_0F | 0x6d, X_0F | 0x15, X_66 | X_0F | 0x15},
    [IR_VNARROWSS] = {0, X_66 | X_0F | 0x63, X_66 | X_0F | 0x6b},
    [IR_VNARROWSU] = {0, X_66 | X_0F | 0x67, X_66 | X_0F38 | 0x2b},
};

/* dst = op a */
static const uint32_t single[IR_N_OPS][4] = {
    [IR_VWIDENS] = {X_66 | X_0F38 | 0x20, X_66 | X_0F38 | 0x23, X_66 | X_0F38 | 0x25},
    [IR_VWIDENU] = {X_66 | X_0F38 | 0x30, X_66 | X_0F38 | 0x33, X_66 | X_0F38 | 0x35},
    [IR_VABS] = {X_66 | X_0F38 | 0x1c, X_66 | X_0F38 | 0x1d, X_66 | X_0F38 | 0x1e},
};

static uint64_t by_interpreter(struct jit_cpu *cpu, const struct ir_insn *i, uint64_t *t, uint64_t from)
{
    unsigned n = ir_op_info[i->op].args;

    (void)cpu;
    t[6] = t[7] = 0;
    ir_interp_vector(i, (unsigned)from, t + 6, t, n > 1 ? t + 2 : NULL, n > 2 ? t + 4 : NULL);
    return 0;
}

static void call_interpreter(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    const ir_ref arg[3] = {i->a, i->b, i->c};
    unsigned n = ir_op_info[i->op].args;
    enum ir_type from = (enum ir_type)c->r->insn[i->a].type;

    for (unsigned k = 0; k < n; k++) {
        struct x64_loc src = x64_where(c, arg[k]);
        struct x64_loc dst = {.kind = XL_TEMP, .type = src.type, .off = (int32_t)(16 * k)};
        if (src.type == IR_I32 || src.type == IR_F32) { /* the function reads 64 bits */
            x64_store_imm(&c->a, true, x64_at(RSP, X64_TEMP + 16 * (int32_t)k), 0);
        }
        x64_copy(c, &dst, &src, 0);
    }
    x64_lea(&c->a, true, RAX, x64_at(RSP, X64_TEMP));
    struct x64_loc pass[2] = {{.kind = XL_REG, .type = IR_I64, .reg = RAX}, {.kind = XL_IMM, .type = IR_I32, .imm = from}};
    x64_cold_call(c, (const void *)(uintptr_t)by_interpreter, i, pass, 2, -1, IR_VOID);
    c->locked = 0;
    x64_load_type(c, (enum ir_type)i->type, x64_new(c, p), x64_at(RSP, X64_TEMP + 48));
}

static void three(struct x64_ctx *c, uint32_t p, uint32_t op, ir_ref x, ir_ref y)
{
    int ra = x64_in(c, x);

    if (x64_in_mem(c, y, false)) {
        int dst = x64_new(c, p);
        x64_v3m(c, op, dst, ra, x64_val_mem(c, y));
    } else {
        int rb = x64_in(c, y), dst = x64_new(c, p);
        x64_v3(c, op, dst, ra, rb);
    }
}

static bool usable(const struct x64_ctx *c, uint32_t op)
{
    return op && ((op & 0x300) != X_0F38 || c->f->sse41);
}

/* Shifts of lanes by a constant: opcode and digit of the group; what it lacks is made of others. */
static bool shift(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    static const uint8_t group[4] = {0, 0x71, 0x72, 0x73};
    unsigned digit = i->op == IR_VSHL ? 6 : i->op == IR_VSHR ? 2 : 4, n = i->c, bits = 8u << i->aux;

    if (i->aux > IR_L64 || n > 255) {
        return false;
    }
    if (n >= bits && i->op == IR_VSAR) {
        n = bits - 1;
    }
    /* bytes as words, of which what came from a neighbour is cleared; signs as (x ^ s) - s with the sign's bit s */
    bool bytes = i->aux == IR_L8, signs = i->op == IR_VSAR && (bytes || i->aux == IR_L64);
    unsigned lane = bytes ? IR_L16 : i->aux;
    int dst;
    if (signs) {
        digit = 2;
    }
    if (c->f->avx) {
        int ra = x64_in(c, i->a);
        dst = x64_new(c, p);
        x64_vrr(&c->a, X_66 | X_0F | group[lane], (int)digit, dst, ra); /* the digit stands in reg, dst in vvvv */
    } else {
        dst = x64_new_from(c, p, i->a);
        x64_rr(&c->a, X_66 | X_0F | group[lane], (int)digit, dst);
    }
    x64_1(&c->a, n);
    if (bytes) {
        uint64_t kept = n > 7 ? 0 : i->op == IR_VSHL ? (0xffu << n & 0xff) : 0xffu >> n;
        kept *= 0x0101010101010101u;
        x64_v3m(c, X_66 | X_0F | 0xdb, dst, dst, x64_const_mem(&c->a, kept, kept)); /* pand */
    }
    if (signs) {
        uint64_t sign = bytes ? (0x80u >> n) * 0x0101010101010101u : (uint64_t)1 << (63 - n);
        struct x64_mem m = x64_const_mem(&c->a, sign, sign);
        x64_v3m(c, X_66 | X_0F | 0xef, dst, dst, m); /* pxor */
        x64_v3m(c, simple[IR_VSUB][i->aux], dst, dst, m);
    }
    return true;
}

static bool shift_variable(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;

    if (!c->f->avx2 || (i->aux != IR_L32 && i->aux != IR_L64) || (i->aux == IR_L64 && i->op == IR_VSARV)) {
        return false;
    }
    bool q = i->aux == IR_L64;
    uint64_t mask = q ? 63 : 0x0000001f0000001fu;
    int ra = x64_in(c, i->a), rb = x64_in(c, i->b), dst = x64_new(c, p);
    uint32_t op = X_66 | X_0F38 | (i->op == IR_VSHLV ? 0x47u : i->op == IR_VSHRV ? 0x45u : 0x46u) | x64_w(q);
    x64_vrm(a, X_66 | X_0F | 0xdb, X_TMP, rb, x64_const_mem(a, mask, mask)); /* pand */
    x64_vrr(a, op, dst, ra, X_TMP);
    return true;
}

static bool compare_unsigned(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    static const uint64_t sign[3] = {0x8080808080808080u, 0x8000800080008000u, 0x8000000080000000u};

    if (i->aux > IR_L32) {
        return false;
    }
    int ra = x64_in(c, i->a), rb = x64_in(c, i->b), dst = x64_new(c, p);
    struct x64_mem m = x64_const_mem(&c->a, sign[i->aux], sign[i->aux]);
    x64_v3m(c, X_66 | X_0F | 0xef, dst, ra, m);
    x64_v2(c, X_0F | 0x28, X_TMP, rb);
    x64_v3m(c, X_66 | X_0F | 0xef, X_TMP, X_TMP, m);
    x64_v3(c, simple[IR_VCMPGTS][i->aux], dst, dst, X_TMP);
    return true;
}

static void splat_sse(struct x64_ctx *c, unsigned lane, int dst, int src)
{
    bool q = lane == IR_L64 || lane == IR_LF64;

    if (src < XMM0) {
        x64_v2(c, X_66 | X_0F | 0x6e | x64_w(q), dst, src); /* movd, movq */
        src = dst;
    }
    if (lane == IR_L8) {
        x64_v3(c, X_66 | X_0F | 0x60, dst, src, src); /* punpcklbw */
        src = dst;
    }
    if (lane <= IR_L16) {
        x64_v2(c, X_F2 | X_0F | 0x70, dst, src); /* pshuflw */
        x64_1(&c->a, 0);
        src = dst;
    }
    x64_v2(c, X_66 | X_0F | 0x70, dst, src); /* pshufd */
    x64_1(&c->a, q ? 0x44 : 0);
}

static bool splat(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    static const uint8_t op[6] = {0x78, 0x79, 0x58, 0x59, 0x58, 0x59}; /* vpbroadcast */

    int ra = x64_in(c, i->a), dst = x64_new(c, p), src = ra;
    if (!c->f->avx2) {
        splat_sse(c, i->aux, dst, ra);
        return true;
    }
    if (ra < XMM0) {
        x64_move_reg(c, i->aux == IR_L64 ? IR_I64 : IR_I32, dst, ra);
        src = dst;
    }
    x64_vrr(a, X_66 | X_0F38 | op[i->aux], dst, 0, src);
    return true;
}

static bool get_lane(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    static const uint32_t op[4] = {X_66 | X_0F3A | 0x14, X_66 | X_0F3A | 0x15, X_66 | X_0F3A | 0x16, X_66 | X_0F3A | 0x16 | X_W};

    bool q = i->aux == IR_L64 || i->aux == IR_LF64, scalar = i->type == IR_F32 || i->type == IR_F64;
    if (!scalar && i->c == 0 && i->aux >= IR_L32) {
        int ra = x64_in(c, i->a), dst = x64_new(c, p);
        x64_v2(c, X_66 | X_0F | 0x7e | x64_w(q), ra, dst); /* movd, movq */
        return true;
    }
    if (!scalar && !c->f->sse41) {
        return false;
    }
    int ra = x64_in(c, i->a), dst = x64_new(c, p);
    if (!scalar) {
        x64_v2(c, op[i->aux & 3], ra, dst); /* pextr */
        x64_1(a, i->c);
    } else if (i->c == 0) { /* F32, F64: the lane comes to place 0 */
        x64_move_reg(c, IR_V128, dst, ra);
    } else {
        x64_v2(c, X_66 | X_0F | 0x70, dst, ra); /* pshufd */
        x64_1(a, q ? 0xee : (i->c & 3));
    }
    return true;
}

static bool set_lane(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    static const uint32_t op[4] = {X_66 | X_0F3A | 0x20, X_66 | X_0F | 0xc4, X_66 | X_0F3A | 0x22, X_66 | X_0F3A | 0x22 | X_W};

    bool scalar = c->val[x64_canon(c, i->b)].cls != XC_GPR, q = i->aux == IR_L64 || i->aux == IR_LF64;
    if (!c->f->sse41 && !(scalar && q) && i->aux != IR_L16) {
        return false;
    }
    int ra = x64_in(c, i->a), rb = x64_in(c, i->b), dst = x64_new(c, p);
    if (scalar && q) { /* movsd, unpcklpd */
        x64_v3(c, i->c ? X_66 | X_0F | 0x14 : X_F2 | X_0F | 0x10, dst, ra, rb);
    } else {
        x64_v3(c, scalar ? X_66 | X_0F3A | 0x21 : op[i->aux], dst, ra, rb); /* insertps, pinsr */
        x64_1(a, scalar ? i->c << 4 : i->c);
    }
    return true;
}

/* pshufb takes 0 where bit 7 of the index is set: once each half, and the halves are joined. */
static bool permute(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    const uint64_t k1f = 0x1f1f1f1f1f1f1f1fu, k70 = 0x7070707070707070u, k10 = 0x1010101010101010u;

    if (!c->f->avx) {
        return false;
    }
    int ra = x64_in(c, i->a), rb = x64_in(c, i->b), rc = x64_in(c, i->c), dst = x64_new(c, p), t = x64_temp(c, XC_XMM);
    x64_vrm(a, X_66 | X_0F | 0xdb, X_TMP, rc, x64_const_mem(a, k1f, k1f));   /* index & 31 */
    x64_vrm(a, X_66 | X_0F | 0xfc, t, X_TMP, x64_const_mem(a, k70, k70));    /* + 0x70: bit 7 where >= 16 */
    x64_vrr(a, X_66 | X_0F38 | 0x00, dst, ra, t);
    x64_vrm(a, X_66 | X_0F | 0xf8, X_TMP, X_TMP, x64_const_mem(a, k10, k10)); /* - 16: bit 7 where < 16 */
    x64_vrr(a, X_66 | X_0F38 | 0x00, t, rb, X_TMP);
    x64_vrr(a, X_66 | X_0F | 0xeb, dst, dst, t);
    return true;
}

/* Two F64 side by side. */
static bool pair(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    uint64_t lo, hi;

    if (x64_const(c, i->b, &hi)) {
        if (x64_const(c, i->a, &lo)) {
            x64_v2m(c, X_0F | 0x28, x64_new(c, p), x64_const_mem(&c->a, lo, hi)); /* movaps */
            return true;
        }
        if (hi == 0) {
            int ra = x64_in(c, i->a), dst = x64_new(c, p);
            x64_v2(c, X_F3 | X_0F | 0x7e, dst, ra); /* movq */
            return true;
        }
    }
    if (c->f->avx && x64_in_mem(c, i->b, true)) {
        int ra = x64_in(c, i->a), dst = x64_new(c, p);
        x64_vrm(&c->a, X_66 | X_0F | 0x16, dst, ra, x64_val_mem(c, i->b)); /* movhpd */
    } else {
        int ra = x64_in(c, i->a), rb = x64_in(c, i->b), dst = x64_new(c, p);
        x64_v3(c, X_66 | X_0F | 0x14, dst, ra, rb); /* unpcklpd */
    }
    return true;
}

/* The bytes from c on of b:a */
static bool extract(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];

    int ra = x64_in(c, i->a), rb = x64_in(c, i->b), dst = x64_new(c, p);
    if (c->f->sse41) {
        x64_v3(c, X_66 | X_0F3A | 0x0f, dst, rb, ra); /* palignr */
        x64_1(&c->a, i->c);
        return true;
    }
    x64_v2(c, X_0F | 0x28, dst, ra);
    x64_v2(c, X_0F | 0x28, X_TMP, rb);
    x64_rr(&c->a, X_66 | X_0F | 0x73, 3, dst); /* psrldq */
    x64_1(&c->a, i->c);
    x64_rr(&c->a, X_66 | X_0F | 0x73, 7, X_TMP); /* pslldq */
    x64_1(&c->a, 16 - i->c);
    x64_rr(&c->a, X_66 | X_0F | 0xeb, dst, X_TMP);
    return true;
}

static bool reverse(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    uint8_t index[16];
    uint64_t w[2];

    if (!c->f->sse41) {
        return false;
    }
    for (unsigned k = 0; k < 16; k++) {
        index[k] = (uint8_t)(k ^ (i->c - (1u << i->aux)));
    }
    memcpy(w, index, 16);
    int ra = x64_in(c, i->a), dst = x64_new(c, p);
    x64_v3m(c, X_66 | X_0F38 | 0x00, dst, ra, x64_const_mem(&c->a, w[0], w[1])); /* pshufb */
    return true;
}

/* Lanes cut: their upper halves cleared, and packed without loss. */
static bool narrow(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    const uint64_t low = i->aux == IR_L16 ? 0x00ff00ff00ff00ffu : 0x0000ffff0000ffffu;

    if (i->op != IR_VNARROW || (i->aux == IR_L32 && !c->f->sse41)) {
        return false;
    }
    int ra = x64_in(c, i->a), rb = x64_in(c, i->b), dst = x64_new(c, p);
    if (i->aux == IR_L64) {
        x64_v3(c, X_0F | 0xc6, dst, ra, rb); /* shufps */
        x64_1(&c->a, 0x88);
        return true;
    }
    struct x64_mem m = x64_const_mem(&c->a, low, low);
    x64_v3m(c, X_66 | X_0F | 0xdb, dst, ra, m);
    x64_v2(c, X_0F | 0x28, X_TMP, rb);
    x64_v3m(c, X_66 | X_0F | 0xdb, X_TMP, X_TMP, m);
    x64_v3(c, i->aux == IR_L16 ? X_66 | X_0F | 0x67 : X_66 | X_0F38 | 0x2b, dst, dst, X_TMP); /* packus */
    return true;
}

/* Lanes of the low halves times one another. */
static bool multiply_wide(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool is_signed = i->op == IR_VMULWS;

    if ((is_signed || i->aux == IR_L8) && !c->f->sse41) {
        return false;
    }
    int ra = x64_in(c, i->a), rb = x64_in(c, i->b), dst = x64_new(c, p);
    switch (i->aux) {
    case IR_L8:
        x64_v2(c, single[is_signed ? IR_VWIDENS : IR_VWIDENU][IR_L8], dst, ra);
        x64_v2(c, single[is_signed ? IR_VWIDENS : IR_VWIDENU][IR_L8], X_TMP, rb);
        x64_v3(c, X_66 | X_0F | 0xd5, dst, dst, X_TMP); /* pmullw */
        break;
    case IR_L16:
        x64_v2(c, X_0F | 0x28, X_TMP, ra);
        x64_v3(c, X_66 | X_0F | (is_signed ? 0xe5u : 0xe4u), X_TMP, X_TMP, rb); /* pmulh */
        x64_v3(c, X_66 | X_0F | 0xd5, dst, ra, rb);
        x64_v3(c, X_66 | X_0F | 0x61, dst, dst, X_TMP); /* punpcklwd */
        break;
    default:
        x64_v2(c, X_66 | X_0F | 0x70, dst, ra); /* pshufd: lanes 0 and 1 to 0 and 2 */
        x64_1(&c->a, 0x50);
        x64_v2(c, X_66 | X_0F | 0x70, X_TMP, rb);
        x64_1(&c->a, 0x50);
        x64_v3(c, is_signed ? X_66 | X_0F38 | 0x28 : X_66 | X_0F | 0xf4, dst, dst, X_TMP); /* pmuldq, pmuludq */
        break;
    }
    return true;
}

/* Without SSE4.1: lanes beside themselves, or beside zero. */
static bool widen(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool is_signed = i->op == IR_VWIDENS;

    if (is_signed && i->aux == IR_L32) {
        return false;
    }
    int ra = x64_in(c, i->a), dst = x64_new(c, p);
    x64_v3(c, X_0F | 0x57, X_TMP, X_TMP, X_TMP);
    x64_v3(c, simple[IR_VZIPL][i->aux], dst, is_signed ? X_TMP : ra, is_signed ? ra : X_TMP);
    if (is_signed) {
        x64_rr(&c->a, X_66 | X_0F | (i->aux == IR_L8 ? 0x71 : 0x72), 4, dst); /* psraw, psrad */
        x64_1(&c->a, 8u << i->aux);
    }
    return true;
}

/* Ones in bytes: two look-ups of four bits. */
static bool count_ones(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    const uint64_t low = 0x0f0f0f0f0f0f0f0fu, t0 = 0x0302020102010100u, t1 = 0x0403030203020201u;

    if (!c->f->avx) {
        return false;
    }
    int ra = x64_in(c, i->a), dst = x64_new(c, p), t = x64_temp(c, XC_XMM);
    struct x64_mem m = x64_const_mem(a, low, low);
    x64_vrm(a, X_66 | X_0F | 0xdb, X_TMP, ra, m); /* pand */
    x64_vrr(a, X_66 | X_0F | 0x71, 2, t, ra);     /* psrlw 4 */
    x64_1(a, 4);
    x64_vrm(a, X_66 | X_0F | 0xdb, t, t, m);
    x64_v2m(c, X_0F | 0x28, dst, x64_const_mem(a, t0, t1));
    x64_vrr(a, X_66 | X_0F38 | 0x00, X_TMP, dst, X_TMP); /* pshufb */
    x64_vrr(a, X_66 | X_0F38 | 0x00, dst, dst, t);
    x64_vrr(a, X_66 | X_0F | 0xfc, dst, dst, X_TMP); /* paddb */
    return true;
}

/* Products of bytes: those in even and in odd places apart. */
static bool multiply_bytes(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    const uint64_t low = 0x00ff00ff00ff00ffu;

    if (!c->f->avx) {
        return false;
    }
    int ra = x64_in(c, i->a), rb = x64_in(c, i->b), dst = x64_new(c, p), t = x64_temp(c, XC_XMM);
    x64_vrr(a, X_66 | X_0F | 0x71, 2, t, ra); /* psrlw 8 */
    x64_1(a, 8);
    x64_vrr(a, X_66 | X_0F | 0x71, 2, X_TMP, rb);
    x64_1(a, 8);
    x64_vrr(a, X_66 | X_0F | 0xd5, t, t, X_TMP); /* pmullw */
    x64_vrr(a, X_66 | X_0F | 0x71, 6, t, t);     /* psllw 8 */
    x64_1(a, 8);
    x64_vrr(a, X_66 | X_0F | 0xd5, dst, ra, rb);
    x64_vrm(a, X_66 | X_0F | 0xdb, dst, dst, x64_const_mem(a, low, low));
    x64_vrr(a, X_66 | X_0F | 0xeb, dst, dst, t);
    return true;
}

bool x64_vec(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;

    if (i->op < IR_VADD || i->op >= IR_CALL) {
        return false;
    }
    if (i->aux < 6 && usable(c, simple[i->op][i->aux])) {
        three(c, p, simple[i->op][i->aux], i->a, i->b);
        return true;
    }
    if (i->aux < 4 && usable(c, single[i->op][i->aux])) {
        int ra = x64_in(c, i->a), dst = x64_new(c, p);
        x64_v2(c, single[i->op][i->aux], dst, ra);
        return true;
    }
    bool done = false;
    switch (i->op) {
    case IR_VPAIR:
        done = pair(c, p);
        break;
    case IR_VEXT:
        done = extract(c, p);
        break;
    case IR_VREV:
        done = reverse(c, p);
        break;
    case IR_VNARROW:
        done = narrow(c, p);
        break;
    case IR_VMULWS:
    case IR_VMULWU:
        done = multiply_wide(c, p);
        break;
    case IR_VWIDENS:
    case IR_VWIDENU:
        done = widen(c, p);
        break;
    case IR_VCNT:
        done = count_ones(c, p);
        break;
    case IR_VMUL:
        done = i->aux == IR_L8 && multiply_bytes(c, p);
        break;
    case IR_VCMPGTS:
        if (i->aux == IR_L64 && c->f->avx) {
            three(c, p, X_66 | X_0F38 | 0x37, i->a, i->b);
            done = true;
        }
        break;
    case IR_VAND:
        three(c, p, X_66 | X_0F | 0xdb, i->a, i->b);
        return true;
    case IR_VOR:
        three(c, p, X_66 | X_0F | 0xeb, i->a, i->b);
        return true;
    case IR_VXOR:
        three(c, p, X_66 | X_0F | 0xef, i->a, i->b);
        return true;
    case IR_VANDN:
        three(c, p, X_66 | X_0F | 0xdf, i->b, i->a); /* pandn: ~first & second */
        return true;
    case IR_VSHL:
    case IR_VSHR:
    case IR_VSAR:
        done = shift(c, p);
        break;
    case IR_VSHLV:
    case IR_VSHRV:
    case IR_VSARV:
        done = shift_variable(c, p);
        break;
    case IR_VCMPGTU:
        done = compare_unsigned(c, p);
        break;
    case IR_VSPLAT:
        done = splat(c, p);
        break;
    case IR_VLANE:
        done = get_lane(c, p);
        break;
    case IR_VSETLANE:
        done = set_lane(c, p);
        break;
    case IR_VPERM:
        done = permute(c, p);
        break;
    case IR_VFMADD:
        if (c->f->fma) {
            int ra = x64_in(c, i->a), rb = x64_in(c, i->b), rc = x64_in(c, i->c), dst = x64_new(c, p);
            x64_move_reg(c, IR_V128, dst, rc);
            x64_vrr(a, X_66 | X_0F38 | 0xb8 | x64_w(i->aux == IR_LF64), dst, ra, rb); /* vfmadd231p */
            done = true;
        }
        break;
    case IR_VCMPEQF:
    case IR_VCMPGEF:
    case IR_VCMPGTF: { /* cmpps, cmppd: 0 equal, quiet; the ordered quiet predicates 0x1d, 0x1e want AVX */
        static const uint8_t predicate[] = {0x00, 0x1d, 0x1e};
        if (c->f->avx) {
            int ra = x64_in(c, i->a), rb = x64_in(c, i->b), dst = x64_new(c, p);
            x64_vrr(a, X_0F | 0xc2 | (i->aux == IR_LF64 ? X_66 : 0), dst, ra, rb);
            x64_1(a, predicate[i->op - IR_VCMPEQF]);
            done = true;
        }
        break;
    }
    case IR_VITOF: {
        int ra = x64_in(c, i->a), dst = x64_new(c, p);
        x64_v2(c, X_0F | 0x5b, dst, ra); /* cvtdq2ps */
        done = true;
        break;
    }
    default:
        break;
    }
    if (!done) {
        c->locked = 0;
        call_interpreter(c, p);
    }
    return true;
}
