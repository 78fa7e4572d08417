/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scalar floating point: SSE or AVX under the guest's MXCSR for F32 and F64, x87 on memory under the guest's
 * control word for F80.
 *
 * A NaN result and an invalid conversion leave to a cold call of jit_guest.fp_fix(); for that the operands are
 * still in place, so results never take over an operand's register.
 */
#include "emulator/jit/x64.h"

#include <math.h>

#define PP(type) ((type) == IR_F32 ? X_F3 : X_F2)

void x64_v3(struct x64_ctx *c, uint32_t op, int dst, int a, int b)
{
    if (c->f->avx) {
        x64_vrr(&c->a, op, dst, a, b);
    } else {
        if (dst != a) {
            x64_rr(&c->a, X_0F | 0x28, dst, a);
        }
        x64_rr(&c->a, op, dst, b);
    }
}

void x64_v3m(struct x64_ctx *c, uint32_t op, int dst, int a, struct x64_mem m)
{
    if (c->f->avx) {
        x64_vrm(&c->a, op, dst, a, m);
        return;
    }
    if (dst != a) {
        x64_rr(&c->a, X_0F | 0x28, dst, a);
    }
    bool scalar = op & 0x800; /* F3, F2: no alignment wanted */
    if (scalar || m.kind == XM_RIP_CONST) {
        x64_rm(&c->a, op, dst, m);
    } else {
        g_assert(dst != X_TMP);
        x64_rm(&c->a, X_0F | 0x10, X_TMP, m);
        x64_rr(&c->a, op, dst, X_TMP);
    }
}

/* ----------------------------------------------------------------------------------------------- NaN results */

/* The least integer is what an invalid conversion gives; from a number that is it, it is right: a jump then. */
static uint32_t least_integer(struct x64_ctx *c, const struct ir_insn *i, int src)
{
    struct x64_asm *a = &c->a;

    if (i->type == IR_I32) { /* 64 bits are enough to tell */
        x64_v2(c, PP(i->aux) | X_0F | (i->op == IR_FTOI ? 0x2cu : 0x2du) | X_W, RAX, src);
        x64_alu_ri(a, ALU_CMP, true, RAX, INT32_MIN);
    } else { /* no fraction has so large a number */
        x64_move_reg(c, (enum ir_type)i->aux, RAX, src);
        x64_alu_rm(a, ALU_CMP, i->aux == IR_F64, RAX,
                   x64_const_mem(a, i->aux == IR_F64 ? 0xc3e0000000000000u : 0xdf000000u, 0));
    }
    return x64_jcc8(a, CC_E);
}

/* In a cold path: operands that nobody has checked become what the guest has for them. */
static void repair_operands(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;

    for (unsigned k = 0; k < 2 && x64_passes_nan(i); k++) {
        uint32_t v = k ? i->b : i->a;
        const struct ir_insn *made = &c->r->insn[v];
        if (!(c->val[v].flags & XV_UNCHECKED)) {
            continue;
        }
        const struct x64_loc arg[3] = {
            x64_where(c, made->a), x64_where(c, made->b), {.kind = XL_IMM, .type = IR_I64}};
        uint32_t number = x64_label(a);
        int r = c->val[v].reg;
        x64_v2(c, (made->type == IR_F64 ? X_66 : 0) | X_0F | 0x2e, r, r); /* ucomis */
        x64_jcc(a, CC_NP, number);
        x64_cold_call(c, (const void *)(uintptr_t)c->guest->fp_fix, made, arg, 3, r, (enum ir_type)made->type);
        x64_bind(a, number);
    }
}

/* Jumps out when the flags say so; the cold call puts the guest's result in `result`. */
static void fix_if(struct x64_ctx *c, uint32_t p, enum x64_cc cc, const struct x64_loc *arg, unsigned n, int result)
{
    struct x64_asm *a = &c->a;
    uint32_t stub = x64_label(a), back = x64_label(a), cur = a->cur;
    struct x64_loc full[3];

    for (unsigned k = 0; k < 3; k++) {
        full[k] = k < n ? arg[k] : (struct x64_loc){.kind = XL_IMM, .type = IR_I64};
    }
    x64_jcc(a, cc, stub);
    x64_section(a, XS_STUB);
    x64_bind(a, stub);
    struct x64_mem csr = x64_at(RSP, X64_TEMP + 32);
    x64_rm(a, X_0F | 0xae, 3, csr); /* what fp_fix computes leaves no flags */
    repair_operands(c, p);
    uint32_t fine = cc == CC_O ? least_integer(c, &c->r->insn[p], arg->reg) : 0;
    x64_cold_call(c, (const void *)(uintptr_t)c->guest->fp_fix, &c->r->insn[p], full, 3, result,
                  (enum ir_type)c->r->insn[p].type);
    if (fine) {
        x64_patch8(a, fine);
    }
    x64_rm(a, X_0F | 0xae, 2, csr);
    x64_jmp(a, back);
    x64_section(a, cur);
    x64_bind(a, back);
}

static void fix_nan(struct x64_ctx *c, uint32_t p, const struct x64_loc *arg, unsigned n, int dst)
{
    if (!c->guest->fp_fix || (c->val[p].flags & XV_UNCHECKED)) {
        return;
    }
    x64_v2(c, (c->r->insn[p].type == IR_F64 ? X_66 : 0) | X_0F | 0x2e, dst, dst); /* ucomis */
    fix_if(c, p, CC_P, arg, n, dst);
}

/* ------------------------------------------------------------------------------------------------ arithmetic */

/* An unchecked operand stands in a register, and what it was made from stays where it is. */
static void hold_unchecked(struct x64_ctx *c, uint32_t v)
{
    if (c->val[v].flags & XV_UNCHECKED) {
        const uint32_t from[2] = {c->r->insn[v].a, c->r->insn[v].b};
        x64_in(c, v);
        for (unsigned k = 0; k < 2; k++) {
            if (c->val[from[k]].reg >= 0) {
                c->locked |= 1u << c->val[from[k]].reg;
            }
        }
    }
}

static void binary(struct x64_ctx *c, uint32_t p, uint32_t op)
{
    const struct ir_insn *i = &c->r->insn[p];
    ir_ref x = i->a, y = i->b;
    uint32_t o = PP(i->type) | X_0F | op;
    int dst;
    struct x64_loc arg[2];

    hold_unchecked(c, x);
    hold_unchecked(c, y);
    int ra = x64_in(c, x);
    if (x64_in_mem(c, y, i->type == IR_F64)) {
        dst = x64_new(c, p);
        arg[0] = x64_where(c, x);
        arg[1] = x64_where(c, y);
        x64_v3m(c, o, dst, ra, x64_val_mem(c, y));
    } else {
        int rb = x64_in(c, y);
        dst = x64_new(c, p);
        arg[0] = x64_where(c, x);
        arg[1] = x64_where(c, y);
        x64_v3(c, o, dst, ra, rb);
    }
    fix_nan(c, p, arg, 2, dst);
}

/* Libraries' fma rounds once by the current mode and raises the right flags. */
static uint64_t fma64(struct jit_cpu *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    double x, y, z, r;
    uint64_t out;

    (void)cpu;
    memcpy(&x, &a, 8);
    memcpy(&y, &b, 8);
    memcpy(&z, &c, 8);
    r = fma(x, y, z);
    memcpy(&out, &r, 8);
    return out;
}

static uint64_t fma32(struct jit_cpu *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    const uint32_t n[3] = {(uint32_t)a, (uint32_t)b, (uint32_t)c};
    float f[3], r;
    uint32_t out;

    (void)cpu;
    memcpy(f, n, 12);
    r = fmaf(f[0], f[1], f[2]);
    memcpy(&out, &r, 4);
    return out;
}

static void fmadd(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    int ra = x64_in(c, i->a), rb = x64_in(c, i->b), rc = x64_in(c, i->c), dst = x64_new(c, p);
    struct x64_loc arg[3] = {x64_where(c, i->a), x64_where(c, i->b), x64_where(c, i->c)};

    if (c->f->fma) {
        x64_move_reg(c, (enum ir_type)i->type, dst, rc);
        x64_vrr(&c->a, X_66 | X_0F38 | 0xb9 | x64_w(i->type == IR_F64), dst, ra, rb); /* vfmadd231s */
    } else {
        uint32_t stub = x64_label(&c->a), back = x64_label(&c->a), cur = c->a.cur;
        x64_jmp(&c->a, stub);
        x64_section(&c->a, XS_STUB);
        x64_bind(&c->a, stub);
        x64_cold_call(c, i->type == IR_F64 ? (const void *)(uintptr_t)fma64 : (const void *)(uintptr_t)fma32, NULL, arg,
                      3, dst, (enum ir_type)i->type);
        x64_jmp(&c->a, back);
        x64_section(&c->a, cur);
        x64_bind(&c->a, back);
    }
    fix_nan(c, p, arg, 3, dst);
}

static struct x64_mem sign_mask(struct x64_ctx *c, enum ir_type t, bool invert)
{
    uint64_t m = t == IR_F64 ? 0x8000000000000000u : 0x8000000080000000u;

    if (invert) {
        m = ~m;
    }
    return x64_const_mem(&c->a, m, m);
}

/* ------------------------------------------------------------------------------------------------ comparisons */

enum x64_cc x64_fcmp_flags(struct x64_ctx *c, uint32_t p)
{
    /* after ucomis x, y: CF = less or unordered, ZF = equal or unordered, PF = unordered */
    static const struct {
        uint8_t cc, swap;
    } how[16] = {
        {CC_NEVER, 0}, {CC_FEQ, 0}, {CC_A, 1},  {CC_AE, 1}, {CC_A, 0},  {CC_AE, 0}, {CC_NE, 0},  {CC_NP, 0},
        {CC_P, 0},     {CC_E, 0},   {CC_B, 0},  {CC_BE, 0}, {CC_B, 1},  {CC_BE, 1}, {CC_FNE, 0}, {CC_ALWAYS, 0},
    };
    const struct ir_insn *i = &c->r->insn[p];
    unsigned mask = i->aux & 15;
    bool d = i->aux >> 8 == IR_F64, sig = i->aux & IR_FSIGNAL;
    ir_ref x = how[mask].swap ? i->b : i->a, y = how[mask].swap ? i->a : i->b;
    uint32_t op = (d ? X_66 : 0) | X_0F | (sig ? 0x2fu : 0x2eu);

    int rx = x64_in(c, x);
    if (x64_in_mem(c, y, d)) {
        x64_v2m(c, op, rx, x64_val_mem(c, y));
    } else {
        x64_v2(c, op, rx, x64_in(c, y));
    }
    return (enum x64_cc)how[mask].cc;
}

/* 0 equal, 1 less, 2 greater, 3 unordered: carry + 2 * (above or parity) */
static void relation(struct x64_ctx *c, uint32_t p)
{
    struct x64_asm *a = &c->a;

    c->locked = 0;
    int dst = x64_new(c, p);
    x64_setcc(a, CC_B, dst);
    x64_setcc(a, CC_A, RAX);
    x64_rr(a, X_0F | 0x9a, 0, 4); /* setp ah */
    x64_movzx8(a, dst, dst);
    x64_rr(a, 0x0a, 0, 4); /* or al, ah */
    x64_movzx8(a, RAX, RAX);
    x64_lea(a, false, dst, x64_at_index(dst, RAX, 1, 0));
}

/* ------------------------------------------------------------------------------------------------ conversions */

static void to_int(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->type == IR_I64;
    uint32_t op = PP(i->aux) | X_0F | (i->op == IR_FTOI ? 0x2cu : 0x2du) | x64_w(w);
    int ra = x64_in(c, i->a), dst = x64_new(c, p);
    struct x64_loc arg = x64_where(c, i->a);

    x64_v2(c, op, dst, ra);
    if (c->guest->fp_fix) { /* only the indefinite integer overflows when 1 is subtracted */
        x64_alu_ri(&c->a, ALU_CMP, w, dst, 1);
        fix_if(c, p, CC_O, &arg, 1, dst);
    }
}

static void from_int(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->aux == IR_I64;
    uint32_t op = PP(i->type) | X_0F | 0x2a | x64_w(w);

    if (x64_in_mem(c, i->a, w)) {
        int dst = x64_new(c, p);
        x64_v3(c, X_0F | 0x57, dst, dst, dst); /* no dependency on what was there */
        x64_v3m(c, op, dst, dst, x64_val_mem(c, i->a));
        return;
    }
    int ra = x64_in(c, i->a), dst = x64_new(c, p);
    x64_v3(c, X_0F | 0x57, dst, dst, dst);
    x64_v3(c, op, dst, dst, ra);
}

/* ------------------------------------------------------------------------------------------------------- F80 */

/* A value on the x87 stack, from wherever it is. */
static void push_x87(struct x64_ctx *c, ir_ref v)
{
    struct x64_asm *a = &c->a;
    enum ir_type t = (enum ir_type)c->r->insn[v].type;
    struct x64_mem tmp = x64_at(RSP, X64_TEMP);
    struct x64_loc src = x64_where(c, v);

    if (src.kind == XL_REG || src.kind == XL_IMM || src.type != t) {
        struct x64_loc to = {.kind = XL_TEMP, .type = (uint8_t)t, .off = 0};
        x64_copy(c, &to, &src, 0);
    } else {
        tmp = x64_val_mem(c, v);
    }
    switch (t) {
    case IR_F80:
        x64_rm(a, 0xdb, 5, tmp);
        break;
    case IR_F64:
        x64_rm(a, 0xdd, 0, tmp);
        break;
    case IR_F32:
        x64_rm(a, 0xd9, 0, tmp);
        break;
    case IR_I64:
        x64_rm(a, 0xdf, 5, tmp);
        break;
    default: /* I32 */
        x64_rm(a, 0xdb, 0, tmp);
        break;
    }
}

/* Pops the top of the x87 stack into the result of p. */
static void pop_x87(struct x64_ctx *c, uint32_t p)
{
    struct x64_asm *a = &c->a;
    enum ir_type t = (enum ir_type)c->val[p].type;
    struct x64_mem tmp = x64_at(RSP, X64_TEMP);

    if (t == IR_F80) {
        x64_rm(a, 0xdb, 7, x64_at(RSP, x64_spill_place(c, p)));
        c->val[p].mem = XW_SPILL;
        return;
    }
    switch (t) {
    case IR_F64:
        x64_rm(a, 0xdd, 3, tmp);
        break;
    case IR_F32:
        x64_rm(a, 0xd9, 3, tmp);
        break;
    case IR_I64:
        x64_rm(a, 0xdf, 7, tmp);
        break;
    default:
        x64_rm(a, 0xdb, 3, tmp);
        break;
    }
    int dst = x64_new(c, p);
    x64_load_type(c, t, dst, tmp);
}

static void x87_flags(struct x64_ctx *c, ir_ref x, ir_ref y, bool sig)
{
    push_x87(c, y);
    push_x87(c, x);
    x64_1(&c->a, 0xdf); /* fcomip, fucomip st, st(1) */
    x64_1(&c->a, sig ? 0xf1 : 0xe9);
    x64_1(&c->a, 0xdd); /* fstp st(0) */
    x64_1(&c->a, 0xd8);
}

static bool f80(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;

    switch (i->op) {
    case IR_FADD:
    case IR_FSUB:
    case IR_FMUL:
    case IR_FDIV: {
        static const uint8_t op[] = {0xc1, 0xe9, 0xc9, 0xf9}; /* faddp, fsubp, fmulp, fdivp st(1), st */
        push_x87(c, i->a);
        push_x87(c, i->b);
        x64_1(a, 0xde);
        x64_1(a, op[i->op - IR_FADD]);
        break;
    }
    case IR_FSQRT:
    case IR_FNEG:
    case IR_FABS:
        push_x87(c, i->a);
        x64_1(a, 0xd9);
        x64_1(a, i->op == IR_FSQRT ? 0xfa : i->op == IR_FNEG ? 0xe0 : 0xe1);
        break;
    case IR_FCMP: {
        uint32_t q = p;
        unsigned mask = i->aux & 15;
        x87_flags(c, i->a, i->b, i->aux & IR_FSIGNAL);
        /* relation 0 equal, 1 less, 2 greater, 3 unordered; then its bit of the mask */
        relation(c, q);
        int dst = c->val[p].reg;
        x64_imm(a, RAX, mask, true);
        x64_rr(a, X_0F | 0xa3, dst, RAX); /* bt eax, dst */
        x64_setcc(a, CC_B, dst);
        x64_movzx8(a, dst, dst);
        return true;
    }
    case IR_FREL:
        x87_flags(c, i->a, i->b, i->aux & IR_FSIGNAL);
        relation(c, p);
        return true;
    case IR_FCVT:
    case IR_ITOF:
        push_x87(c, i->a);
        break;
    case IR_FTOI: { /* fistp under a control word that truncates (bits 10 and 11) */
        struct x64_mem cw = x64_at(RSP, X64_TEMP + 16), old = x64_at(RSP, X64_TEMP + 20);
        push_x87(c, i->a);
        x64_rm(a, 0xd9, 7, old); /* fnstcw */
        x64_rm(a, X_0F | 0xb7, RAX, old);
        x64_alu_ri(a, ALU_OR, false, RAX, 0xc00);
        x64_store(a, false, cw, RAX);
        x64_rm(a, 0xd9, 5, cw); /* fldcw */
        pop_x87(c, p);
        x64_rm(a, 0xd9, 5, old);
        return true;
    }
    case IR_FTOIR:
        push_x87(c, i->a);
        break;
    default:
        return false;
    }
    pop_x87(c, p);
    return true;
}

/* ------------------------------------------------------------------------------------------------------- all */

static bool on_x87(const struct ir_insn *i)
{
    switch (i->op) {
    case IR_FCMP:
    case IR_FREL:
        return i->aux >> 8 == IR_F80;
    case IR_FCVT:
    case IR_FTOI:
    case IR_FTOIR:
        return i->type == IR_F80 || i->aux == IR_F80;
    default:
        return i->type == IR_F80;
    }
}

bool x64_fp(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];

    if (i->op >= IR_FADD && i->op <= IR_FTOIR && on_x87(i)) {
        return f80(c, p);
    }
    switch (i->op) {
    case IR_FADD:
        binary(c, p, 0x58);
        break;
    case IR_FSUB:
        binary(c, p, 0x5c);
        break;
    case IR_FMUL:
        binary(c, p, 0x59);
        break;
    case IR_FDIV:
        binary(c, p, 0x5e);
        break;
    case IR_FSQRT: {
        int ra = x64_in(c, i->a), dst = x64_new(c, p);
        struct x64_loc arg = x64_where(c, i->a);
        x64_v3(c, PP(i->type) | X_0F | 0x51, dst, ra, ra);
        fix_nan(c, p, &arg, 1, dst);
        break;
    }
    case IR_FMADD:
        fmadd(c, p);
        break;
    case IR_FNEG:
    case IR_FABS: {
        bool neg = i->op == IR_FNEG;
        int ra = x64_in(c, i->a);
        c->locked = 0;
        int dst = x64_new(c, p);
        x64_v3m(c, X_0F | (neg ? 0x57u : 0x54u), dst, ra, sign_mask(c, (enum ir_type)i->type, !neg));
        break;
    }
    case IR_FREL: {
        bool d = i->aux >> 8 == IR_F64;
        int ra = x64_in(c, i->a), rb = x64_in(c, i->b);
        x64_v2(c, (d ? X_66 : 0) | X_0F | (i->aux & IR_FSIGNAL ? 0x2fu : 0x2eu), ra, rb);
        if (c->val[p].n_use) {
            relation(c, p);
        }
        break;
    }
    case IR_FCVT: {
        int ra = x64_in(c, i->a), dst = x64_new(c, p);
        struct x64_loc arg = x64_where(c, i->a);
        x64_v3(c, PP(i->aux) | X_0F | 0x5a, dst, ra, ra); /* cvtss2sd, cvtsd2ss */
        fix_nan(c, p, &arg, 1, dst);
        break;
    }
    case IR_ITOF:
        from_int(c, p);
        break;
    case IR_FTOI:
    case IR_FTOIR:
        to_int(c, p);
        break;
    case IR_FLANE: {
        int ra = x64_in(c, i->a);
        c->locked = 0;
        int dst = x64_new(c, p);
        if (i->aux == 0) {
            x64_move_reg(c, IR_F64, dst, ra);
        } else if (c->f->avx) {
            x64_vrr(&c->a, X_F3 | X_0F | 0x16, dst, 0, ra); /* movshdup */
        } else {
            x64_move_reg(c, IR_F64, dst, ra);
            x64_rr(&c->a, X_66 | X_0F | 0x73, 2, dst); /* psrlq */
            x64_1(&c->a, 32);
        }
        break;
    }
    case IR_FSETLANE: {
        int rb = x64_in(c, i->b), dst = x64_new_from(c, p, i->a);
        if (i->aux == 0) {
            x64_v3(c, X_F3 | X_0F | 0x10, dst, dst, rb); /* movss */
        } else { /* lanes 0 of both, side by side */
            x64_v3(c, X_0F | 0x14, dst, dst, rb); /* unpcklps */
        }
        break;
    }
    default:
        return false;
    }
    return true;
}
