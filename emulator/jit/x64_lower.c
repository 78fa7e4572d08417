/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk over a region, and code for integer operations.
 */
#include "emulator/jit/x64.h"

static const uint8_t cc_of[] = {
    [IR_EQ] = CC_E,   [IR_NE] = CC_NE,  [IR_LTS] = CC_L,  [IR_GES] = CC_GE, [IR_LES] = CC_LE,
    [IR_GTS] = CC_G,  [IR_LTU] = CC_B,  [IR_GEU] = CC_AE, [IR_LEU] = CC_BE, [IR_GTU] = CC_A,
};
static const uint8_t cc_swapped[] = {
    [IR_EQ] = CC_E,  [IR_NE] = CC_NE, [IR_LTS] = CC_G,  [IR_GES] = CC_LE, [IR_LES] = CC_GE,
    [IR_GTS] = CC_L, [IR_LTU] = CC_A, [IR_GEU] = CC_BE, [IR_LEU] = CC_AE, [IR_GTU] = CC_B,
};

static inline bool fits32(bool w, uint64_t k)
{
    return !w || (int64_t)k == (int32_t)k;
}

static inline bool in_reg(const struct x64_ctx *c, uint32_t v)
{
    return c->val[x64_canon(c, v)].reg >= 0;
}

/* A register with v for reading only; constants go to rax unless they have a register. */
static int read_reg(struct x64_ctx *c, uint32_t v)
{
    uint64_t k;

    if (x64_const(c, v, &k) && !in_reg(c, v)) {
        x64_imm(&c->a, RAX, k, true);
        return RAX;
    }
    return x64_in(c, v);
}

/* The flags now tell about the value of p: zero and sign. */
static void flags_of(struct x64_ctx *c, uint32_t p)
{
    c->flags_val = p;
    c->flags_at = x64_here(&c->a);
}

/* -------------------------------------------------------------------------------------------- conditions */

static enum x64_cc test_flags(struct x64_ctx *c, const struct ir_insn *and, enum x64_cc cc)
{
    bool w = and->type == IR_I64;
    ir_ref x = and->a, y = and->b;
    uint64_t k;

    if (x64_const(c, x, &k)) {
        x = and->b;
        y = and->a;
    }
    if (x64_const(c, y, &k)) {
        bool mem = x64_in_mem(c, x, w);
        if (k <= 0xff && (mem || (in_reg(c, x) && c->val[x64_canon(c, x)].reg < 4))) {
            if (mem) {
                x64_rm(&c->a, 0xf6, 0, x64_val_mem(c, x));
            } else {
                x64_rr(&c->a, 0xf6 | X_B8, 0, x64_in(c, x));
            }
            x64_1(&c->a, (unsigned)k);
            return cc;
        }
        if (k <= UINT32_MAX || fits32(w, k)) {
            bool wide = k > UINT32_MAX;
            if (mem) {
                x64_rm(&c->a, 0xf7 | x64_w(wide), 0, x64_val_mem(c, x));
            } else {
                x64_rr(&c->a, 0xf7 | x64_w(wide), 0, x64_in(c, x));
            }
            x64_4(&c->a, (uint32_t)k);
            return cc;
        }
        if (!(k & (k - 1))) { /* one bit above the immediates' reach: bt */
            x64_rr(&c->a, X_0F | 0xba | X_W, 4, x64_in(c, x));
            x64_1(&c->a, (unsigned)__builtin_ctzll(k));
            return cc == CC_E ? CC_AE : CC_B;
        }
    }
    int rx = x64_in(c, x), ry = read_reg(c, y);
    x64_rr(&c->a, 0x85 | x64_w(w), ry, rx);
    return cc;
}

static enum x64_cc compare(struct x64_ctx *c, ir_ref a, ir_ref b, bool w, enum ir_cond cond)
{
    enum x64_cc cc = (enum x64_cc)cc_of[cond];
    uint64_t k;

    if (x64_const(c, a, &k) && !x64_const(c, b, &k)) {
        ir_ref t = a;
        a = b;
        b = t;
        cc = (enum x64_cc)cc_swapped[cond];
    }
    if (x64_const(c, b, &k)) {
        if (k == 0 && !x64_in_mem(c, a, w)) {
            if (c->flags_val == x64_canon(c, a) && c->flags_at == x64_here(&c->a) &&
                (c->val[x64_canon(c, a)].type == IR_I64) == w &&
                (cc == CC_E || cc == CC_NE || cc == CC_L || cc == CC_GE)) {
                return cc == CC_L ? CC_S : cc == CC_GE ? CC_NS : cc;
            }
            int r = read_reg(c, a);
            x64_rr(&c->a, 0x85 | x64_w(w), r, r);
            return cc == CC_L ? CC_S : cc == CC_GE ? CC_NS : cc;
        }
        if (fits32(w, k)) {
            if (x64_in_mem(c, a, w)) {
                x64_alu_mi(&c->a, ALU_CMP, w, x64_val_mem(c, a), (int32_t)k);
            } else {
                x64_alu_ri(&c->a, ALU_CMP, w, read_reg(c, a), (int32_t)k);
            }
            return cc;
        }
        int ra = x64_in(c, a); /* not rax: the constant goes there */
        x64_imm(&c->a, RAX, k, true);
        x64_alu_rr(&c->a, ALU_CMP, w, ra, RAX);
        return cc;
    }
    if (x64_in_mem(c, b, w)) {
        int ra = x64_in(c, a);
        x64_alu_rm(&c->a, ALU_CMP, w, ra, x64_val_mem(c, b));
    } else if (x64_in_mem(c, a, w)) {
        int rb = x64_in(c, b);
        x64_rm(&c->a, 0x39 | x64_w(w), rb, x64_val_mem(c, a));
    } else {
        int ra = x64_in(c, a), rb = x64_in(c, b);
        x64_alu_rr(&c->a, ALU_CMP, w, ra, rb);
    }
    return cc;
}

static enum x64_cc insn_flags(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];

    if (i->op == IR_FCMP) {
        return x64_fcmp_flags(c, p);
    }
    if (i->op == IR_BORROW) {
        return compare(c, i->a, i->b, i->aux == IR_I64, IR_LTU);
    }
    uint32_t a = x64_canon(c, i->a);
    if (i->op == IR_XOR) {
        return x64_not(x64_condition(c, a));
    }
    if (c->r->insn[a].op == IR_AND && (c->val[a].flags & XV_LAZY)) {
        return test_flags(c, &c->r->insn[a], (i->aux & 0xff) == IR_EQ ? CC_E : CC_NE);
    }
    return compare(c, i->a, i->b, i->aux >> 8 == IR_I64, (enum ir_cond)(i->aux & 0xff));
}

enum x64_cc x64_condition(struct x64_ctx *c, uint32_t v)
{
    uint64_t k;

    v = x64_canon(c, v);
    if (x64_const(c, v, &k)) {
        return k ? CC_ALWAYS : CC_NEVER;
    }
    if (c->carry_val == v && c->carry_at == x64_here(&c->a)) {
        return CC_B;
    }
    if (c->val[v].flags & XV_LAZY) {
        return insn_flags(c, v);
    }
    if (x64_in_mem(c, v, false)) {
        x64_alu_mi(&c->a, ALU_CMP, false, x64_val_mem(c, v), 0);
    } else if (!(c->flags_val == v && c->flags_at == x64_here(&c->a))) {
        int r = x64_in(c, v);
        x64_rr(&c->a, 0x85, r, r);
    }
    return CC_NE;
}

void x64_jump_if(struct x64_ctx *c, enum x64_cc cc, uint32_t label)
{
    switch (cc) {
    case CC_FEQ: {
        uint32_t over = x64_jcc8(&c->a, CC_P);
        x64_jcc(&c->a, CC_E, label);
        x64_patch8(&c->a, over);
        break;
    }
    case CC_FNE:
        x64_jcc(&c->a, CC_NE, label);
        x64_jcc(&c->a, CC_P, label);
        break;
    case CC_ALWAYS:
        x64_jmp(&c->a, label);
        break;
    case CC_NEVER:
        break;
    default:
        x64_jcc(&c->a, cc, label);
        break;
    }
}

/* 0 or 1 from the flags. */
static void set_from_flags(struct x64_ctx *c, uint32_t p, enum x64_cc cc)
{
    c->locked = 0;
    int dst = x64_new(c, p);
    if (cc == CC_FEQ || cc == CC_FNE) {
        x64_setcc(&c->a, cc == CC_FEQ ? CC_E : CC_NE, dst);
        x64_setcc(&c->a, cc == CC_FEQ ? CC_NP : CC_P, RAX);
        x64_rr(&c->a, (cc == CC_FEQ ? 0x22u : 0x0au) | X_R8 | X_B8, dst, RAX);
        x64_movzx8(&c->a, dst, dst);
    } else if (cc == CC_ALWAYS || cc == CC_NEVER) {
        x64_imm(&c->a, dst, cc == CC_ALWAYS, true);
    } else {
        x64_setcc(&c->a, cc, dst);
        x64_movzx8(&c->a, dst, dst);
        if (cc == CC_B) {
            c->carry_val = p;
            c->carry_at = x64_here(&c->a);
        }
    }
}

static void select_op(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    ir_ref yes = i->b, no = i->c;
    enum x64_cc cc = x64_condition(c, i->a);
    bool w = i->type == IR_I64;

    if (cc == CC_ALWAYS || cc == CC_NEVER) {
        ir_ref v = cc == CC_ALWAYS ? yes : no;
        if (c->val[p].cls == XC_MEM) {
            struct x64_loc src = x64_where(c, v),
                           dst = {.kind = XL_SPILL, .type = i->type, .off = x64_spill_place(c, p)};
            x64_copy(c, &dst, &src, 0);
            c->val[p].mem = XW_SPILL;
        } else {
            x64_new_from(c, p, v);
        }
        return;
    }
    if (cc == CC_FEQ || (cc != CC_FNE && x64_dies(c, yes) && in_reg(c, yes) && !(x64_dies(c, no) && in_reg(c, no)))) {
        yes = i->c;
        no = i->b;
        cc = x64_not(cc);
    }
    if (c->val[p].cls == XC_GPR) {
        bool mem = x64_in_mem(c, yes, w);
        int ry = mem ? -1 : x64_in(c, yes), dst = x64_new_from(c, p, no);
        for (unsigned k = 0; k < (cc == CC_FNE ? 2u : 1u); k++) {
            uint32_t op = X_0F | (0x40u + (cc == CC_FNE ? (k ? CC_P : CC_NE) : (unsigned)cc)) | x64_w(w);
            if (mem) {
                x64_rm(&c->a, op, dst, x64_val_mem(c, yes));
            } else {
                x64_rr(&c->a, op, dst, ry);
            }
        }
        return;
    }
    struct x64_loc from, to;
    if (c->val[p].cls == XC_XMM) {
        int ry = x64_in(c, yes), dst = x64_new_from(c, p, no);
        from = (struct x64_loc){.kind = XL_REG, .type = i->type, .reg = (int8_t)ry};
        to = (struct x64_loc){.kind = XL_REG, .type = i->type, .reg = (int8_t)dst};
    } else {
        to = (struct x64_loc){.kind = XL_SPILL, .type = i->type, .off = x64_spill_place(c, p)};
        from = x64_where(c, no);
        x64_copy(c, &to, &from, 0);
        from = x64_where(c, yes);
        c->val[p].mem = XW_SPILL;
    }
    if (cc == CC_FNE) {
        uint32_t in = x64_jcc8(&c->a, CC_NE), over = x64_jcc8(&c->a, CC_NP);
        x64_patch8(&c->a, in);
        x64_copy(c, &to, &from, 0);
        x64_patch8(&c->a, over);
    } else {
        uint32_t over = x64_jcc8(&c->a, x64_not(cc));
        x64_copy(c, &to, &from, 0);
        x64_patch8(&c->a, over);
    }
}

/* ---------------------------------------------------------------------------------------------- arithmetic */

static void alu(struct x64_ctx *c, uint32_t p, enum x64_alu o, bool commutes)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->type == IR_I64;
    ir_ref a = i->a, b = i->b;
    uint64_t k, unused;

    if (commutes && !x64_const(c, b, &unused)) {
        bool a_good = in_reg(c, a) && x64_dies(c, a), b_good = in_reg(c, b) && x64_dies(c, b);
        if (x64_const(c, a, &unused) || (!a_good && (b_good || (!in_reg(c, a) && in_reg(c, b) && x64_in_mem(c, a, w))))) {
            a = i->b;
            b = i->a;
        }
    }
    if (x64_const(c, b, &k) && fits32(w, k)) {
        int32_t imm = (int32_t)k;
        if ((o == ALU_ADD || (o == ALU_SUB && imm != INT32_MIN)) && !x64_const(c, a, &unused) && !x64_dies(c, a)) {
            int ra = x64_in(c, a), dst = x64_new(c, p);
            x64_lea(&c->a, w, dst, x64_at(ra, o == ALU_ADD ? imm : -imm));
            return;
        }
        int dst = x64_new_from(c, p, a);
        if (o == ALU_AND && k == 0xff) {
            x64_movzx8(&c->a, dst, dst);
            return;
        }
        if (o == ALU_XOR && imm == -1) {
            x64_rr(&c->a, 0xf7 | x64_w(w), 2, dst);
            return;
        }
        x64_alu_ri(&c->a, o, w && !(o == ALU_AND && imm >= 0), dst, imm);
        flags_of(c, p);
        return;
    }
    if (x64_const(c, b, &k)) {
        if (o == ALU_AND && k == UINT32_MAX) {
            int ra = x64_in(c, a);
            c->locked = 0;
            int dst = x64_new(c, p);
            x64_mov(&c->a, false, dst, ra);
            return;
        }
        int dst = x64_new_from(c, p, a);
        if (o == ALU_AND && k <= UINT32_MAX) {
            x64_rr(&c->a, 0x81, ALU_AND, dst);
            x64_4(&c->a, (uint32_t)k);
            return;
        }
        x64_imm(&c->a, RAX, k, true);
        x64_alu_rr(&c->a, o, w, dst, RAX);
    } else if (x64_in_mem(c, b, w)) {
        int dst = x64_new_from(c, p, a);
        x64_alu_rm(&c->a, o, w, dst, x64_val_mem(c, b));
    } else {
        int rb = x64_in(c, b);
        if (o == ALU_ADD && in_reg(c, a) && !x64_dies(c, a)) {
            int ra = x64_in(c, a);
            c->locked = 0;
            int dst = x64_new(c, p);
            x64_lea(&c->a, w, dst, x64_at_index(ra, rb, 0, 0));
            return;
        }
        int dst = x64_new_from(c, p, a);
        x64_alu_rr(&c->a, o, w, dst, rb);
    }
    flags_of(c, p);
}

static void shift(struct x64_ctx *c, uint32_t p, enum x64_shift o)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->type == IR_I64;
    uint64_t k;

    if (x64_const(c, i->b, &k)) {
        unsigned n = (unsigned)k & (w ? 63 : 31);
        if (o == SH_SHL && n >= 1 && n <= 3 && in_reg(c, i->a) && !x64_dies(c, i->a)) {
            int ra = x64_in(c, i->a), dst = x64_new(c, p);
            if (n == 1) {
                x64_lea(&c->a, w, dst, x64_at_index(ra, ra, 0, 0));
            } else {
                x64_lea(&c->a, w, dst, x64_at_index(-1, ra, n, 0));
            }
            return;
        }
        if ((o == SH_ROL || o == SH_ROR) && c->f->bmi2 && n && !x64_dies(c, i->a) && in_reg(c, i->a)) {
            int ra = x64_in(c, i->a), dst = x64_new(c, p);
            x64_vrr(&c->a, X_F2 | X_0F3A | 0xf0 | x64_w(w), dst, 0, ra); /* rorx */
            x64_1(&c->a, o == SH_ROR ? n : (w ? 64 : 32) - n);
            return;
        }
        int dst = x64_new_from(c, p, i->a);
        if (n) {
            x64_shift_ri(&c->a, o, w, dst, n);
            if (o >= SH_SHL) {
                flags_of(c, p);
            }
        }
        return;
    }
    if (c->f->bmi2 && o >= SH_SHL) {
        uint32_t op = X_0F38 | 0xf7 | x64_w(w) | (o == SH_SHL ? X_66 : o == SH_SHR ? X_F2 : X_F3);
        bool mem = x64_in_mem(c, i->a, w);
        int ra = mem ? -1 : x64_in(c, i->a), rn = x64_in(c, i->b);
        c->locked = 0;
        int dst = x64_new(c, p);
        if (mem) {
            struct x64_mem m = x64_val_mem(c, i->a);
            x64_vrm(&c->a, op, dst, rn, m);
        } else {
            x64_vrr(&c->a, op, dst, rn, ra);
        }
        return;
    }
    int rn = x64_in(c, i->b), dst = x64_new_from(c, p, i->a);
    x64_mov(&c->a, true, RAX, RCX);
    if (dst == RCX) {
        /* rax holds the value to shift; the count may be the same register */
        if (rn != RCX) {
            x64_mov(&c->a, false, RCX, rn);
        }
        x64_rr(&c->a, 0xd3 | x64_w(w), (int)o, RAX);
        x64_mov(&c->a, w, RCX, RAX);
    } else {
        if (rn != RCX) {
            x64_mov(&c->a, false, RCX, rn);
        }
        x64_rr(&c->a, 0xd3 | x64_w(w), (int)o, dst);
        if (rn != RCX) {
            x64_mov(&c->a, true, RCX, RAX);
        }
    }
}

static void mul(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->type == IR_I64;
    ir_ref a = i->a, b = i->b;
    uint64_t k;

    if (x64_const(c, a, &k)) {
        a = i->b;
        b = i->a;
    }
    if (x64_const(c, b, &k) && fits32(w, k)) {
        if (k == 3 || k == 5 || k == 9) {
            int ra = x64_in(c, a);
            c->locked = 0;
            int dst = x64_new(c, p);
            x64_lea(&c->a, w, dst, x64_at_index(ra, ra, k == 3 ? 1 : k == 5 ? 2 : 3, 0));
            return;
        }
        bool small = (int32_t)k == (int8_t)k, mem = x64_in_mem(c, a, w);
        uint32_t op = (small ? 0x6bu : 0x69u) | x64_w(w);
        int ra = mem ? -1 : x64_in(c, a);
        c->locked = 0;
        int dst = x64_new(c, p);
        if (mem) {
            x64_rm(&c->a, op, dst, x64_val_mem(c, a));
        } else {
            x64_rr(&c->a, op, dst, ra);
        }
        if (small) {
            x64_1(&c->a, (uint8_t)k);
        } else {
            x64_4(&c->a, (uint32_t)k);
        }
        return;
    }
    if (!(in_reg(c, a) && x64_dies(c, a)) && in_reg(c, b) && x64_dies(c, b)) {
        ir_ref t = a;
        a = b;
        b = t;
    }
    if (x64_in_mem(c, b, w)) {
        int dst = x64_new_from(c, p, a);
        x64_rm(&c->a, X_0F | 0xaf | x64_w(w), dst, x64_val_mem(c, b));
    } else {
        int rb = read_reg(c, b), dst = x64_new_from(c, p, a);
        x64_rr(&c->a, X_0F | 0xaf | x64_w(w), dst, rb);
    }
}

static void mul_high(struct x64_ctx *c, uint32_t p, bool is_signed)
{
    const struct ir_insn *i = &c->r->insn[p];

    if (i->type == IR_I32) {
        int rb = x64_in(c, i->b), ra = x64_in(c, i->a);
        int dst = x64_new(c, p);
        if (is_signed) {
            x64_rr(&c->a, 0x63 | X_W, RAX, ra); /* movsxd */
            x64_rr(&c->a, 0x63 | X_W, dst, rb);
        } else {
            x64_mov(&c->a, false, RAX, ra);
            x64_mov(&c->a, false, dst, rb);
        }
        x64_rr(&c->a, X_0F | 0xaf | X_W, dst, RAX);
        x64_shift_ri(&c->a, SH_SHR, true, dst, 32);
        return;
    }
    x64_free_reg(c, RDX);
    int rb = x64_in(c, i->b);
    struct x64_loc src = x64_where(c, i->a), rax = {.kind = XL_REG, .type = IR_I64, .reg = RAX};
    x64_copy(c, &rax, &src, 0);
    x64_rr(&c->a, 0xf7 | X_W, is_signed ? 5 : 4, rb);
    c->locked = 1u << RDX;
    int dst = x64_new(c, p);
    x64_mov(&c->a, true, dst, RDX);
}

static void divide(struct x64_ctx *c, uint32_t p, bool is_signed, bool rem)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->type == IR_I64;
    uint64_t k = 0;
    bool known = x64_const(c, i->b, &k);
    int64_t sk = w ? (int64_t)k : (int32_t)k;

    if (known && k && !(k & (k - 1)) && !is_signed) {
        int dst = x64_new_from(c, p, i->a);
        unsigned n = (unsigned)__builtin_ctzll(k);
        if (!rem) {
            if (n) {
                x64_shift_ri(&c->a, SH_SHR, w, dst, n);
            }
        } else if (fits32(w, k - 1)) {
            x64_alu_ri(&c->a, ALU_AND, w, dst, (int32_t)(k - 1));
        } else {
            x64_imm(&c->a, RAX, k - 1, true);
            x64_alu_rr(&c->a, ALU_AND, w, dst, RAX);
        }
        return;
    }
    x64_free_reg(c, RDX);
    int rb = x64_in(c, i->b);
    struct x64_loc src = x64_where(c, i->a), rax = {.kind = XL_REG, .type = i->type, .reg = RAX};
    x64_copy(c, &rax, &src, 0);
    uint32_t zero = 0, minus = 0, done = 0, done2 = 0;
    bool check_zero = !known || k == 0, check_minus = is_signed && (!known || sk == -1);

    if (check_zero) {
        x64_rr(&c->a, 0x85 | x64_w(w), rb, rb);
        zero = x64_jcc8(&c->a, CC_E);
    }
    if (check_minus) {
        x64_alu_ri(&c->a, ALU_CMP, w, rb, -1);
        minus = x64_jcc8(&c->a, CC_E);
    }
    if (is_signed) {
        x64_1(&c->a, w ? 0x48 : 0x90); /* cqo, cdq */
        x64_1(&c->a, 0x99);
    } else {
        x64_rr(&c->a, 0x33, RDX, RDX);
    }
    x64_rr(&c->a, 0xf7 | x64_w(w), is_signed ? 7 : 6, rb);
    if (check_minus) {
        done = x64_jmp8(&c->a);
        x64_patch8(&c->a, minus);
        x64_rr(&c->a, 0xf7 | x64_w(w), 3, RAX); /* neg */
        x64_rr(&c->a, 0x33, RDX, RDX);
    }
    if (check_zero) {
        done2 = x64_jmp8(&c->a);
        x64_patch8(&c->a, zero);
        x64_rr(&c->a, 0x33, RAX, RAX);
        x64_rr(&c->a, 0x33, RDX, RDX);
        x64_patch8(&c->a, done2);
    }
    if (check_minus) {
        x64_patch8(&c->a, done);
    }
    c->locked = 1u << RDX;
    int dst = x64_new(c, p);
    x64_mov(&c->a, w, dst, rem ? RDX : RAX);
}

/* The operation beside p that makes the carry of p's sum, or the sum of p's carry; 0: none. */
static uint32_t carry_partner(const struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p], *n = i + 1;
    bool sub = i->op == IR_SBB || i->op == IR_BORROW || i->op == IR_SUB, plain = i->op == IR_ADD || i->op == IR_SUB;
    bool flag = i->op == IR_CARRY || i->op == IR_BORROW;
    bool w = (flag ? i->aux : i->type) == IR_I64, pair;
    uint64_t k;

    if (p + 1 >= c->r->block[c->block].last || n->a != i->a || n->b != i->b || !c->val[p + 1].n_use ||
        (c->val[p + 1].flags & XV_LAZY)) {
        return 0;
    }
    if (flag) {
        pair = (n->op == (sub ? IR_SBB : IR_ADC) && n->c == i->c) ||
               (n->op == (sub ? IR_SUB : IR_ADD) && x64_const(c, i->c, &k) && k == 0);
        pair = pair && (n->type == IR_I64) == w;
    } else {
        pair = n->op == (sub ? IR_BORROW : IR_CARRY) && (n->aux == IR_I64) == w &&
               (plain ? x64_const(c, n->c, &k) && k == 0 : n->c == i->c);
    }
    return pair ? p + 1 : 0;
}

/* Does only the operation n ask for the carry `v`, and from the host's flags? */
static bool carry_for_next(const struct x64_ctx *c, uint32_t v, uint32_t n)
{
    const struct ir_insn *i = &c->r->insn[n];
    uint32_t uses = 1, end = c->r->block[c->block].last;

    if (n + 1 < end && i->op == IR_XOR && (c->val[n].flags & XV_LAZY) && i->a == v && c->val[v].n_use == 1) {
        v = n++;
        i++;
    }
    if (n >= end || c->val[n].canon != n || (c->val[n].flags & (XV_LAZY | XV_DONE)) ||
        x64_dead(c, n)) {
        return false;
    }
    switch (i->op) {
    case IR_ADC:
    case IR_SBB:
    case IR_CARRY:
    case IR_BORROW:
        if (x64_canon(c, i->c) != v) {
            return false;
        }
        uses += carry_partner(c, n) != 0;
        break;
    case IR_BRIF:
    case IR_EXITIF:
        if (x64_canon(c, i->a) != v) {
            return false;
        }
        break;
    default:
        return false;
    }
    return c->val[v].n_use == uses;
}

/* a + b + c or a - b - c, its carry, or both where they stand side by side. */
static void carry_op(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool sub = i->op == IR_SBB || i->op == IR_BORROW || i->op == IR_SUB, plain = i->op == IR_ADD || i->op == IR_SUB;
    bool flag = i->op == IR_CARRY || i->op == IR_BORROW;
    bool w = (flag ? i->aux : i->type) == IR_I64;
    uint64_t kc = 0, kb;
    bool const_carry = plain || x64_const(c, i->c, &kc), no_carry = const_carry && kc == 0;
    uint32_t q = carry_partner(c, p);
    uint32_t sum = flag ? q : p, out = flag ? p : q;
    int rc = -1, dst;

    if (q) {
        c->pos = q; /* operands may end at the second of the two */
    }
    if (!const_carry) {
        uint32_t v = x64_canon(c, i->c);
        if (c->carry_val == v && c->carry_at == x64_here(&c->a)) {
            /* there it is */
        } else if (c->val[v].flags & XV_LAZY) {
            enum x64_cc cc = x64_condition(c, v);
            if (cc == CC_AE) {
                x64_1(&c->a, 0xf5); /* cmc */
            } else if (cc != CC_B) {
                x64_setcc(&c->a, cc, RAX);
                x64_1(&c->a, 0x04); /* add al, 0xff */
                x64_1(&c->a, 0xff);
            }
        } else {
            rc = x64_in(c, i->c);
        }
    }
    bool imm = x64_const(c, i->b, &kb) && fits32(w, kb);
    int rb = imm ? -1 : x64_in(c, i->b);
    if (sum) {
        dst = x64_new_from(c, sum, i->a);
    } else {
        dst = x64_temp(c, XC_GPR);
        struct x64_loc src = x64_where(c, i->a), to = {.kind = XL_REG, .type = w ? IR_I64 : IR_I32, .reg = (int8_t)dst};
        x64_copy(c, &to, &src, 0);
    }
    enum x64_alu o = no_carry ? (sub ? ALU_SUB : ALU_ADD) : (sub ? ALU_SBB : ALU_ADC);
    if (rc >= 0) { /* the value 0 or 1 becomes the host's carry */
        x64_mov(&c->a, false, RAX, rc);
        x64_1(&c->a, 0x04); /* add al, 0xff */
        x64_1(&c->a, 0xff);
    } else if (const_carry && kc) {
        x64_1(&c->a, 0xf9); /* stc */
    }
    if (imm) {
        x64_alu_ri(&c->a, o, w, dst, (int32_t)kb);
    } else {
        x64_alu_rr(&c->a, o, w, dst, rb);
    }
    if (out) {
        if (!carry_for_next(c, out, (q ? q : p) + 1)) {
            int r = x64_new(c, out);
            x64_setcc(&c->a, CC_B, r);
            x64_movzx8(&c->a, r, r);
        }
        c->carry_val = out;
        c->carry_at = x64_here(&c->a);
    }
    if (q) {
        c->val[q].flags |= XV_DONE;
    }
}

static void extract(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    unsigned lo = i->aux & 63, n = i->aux >> 8;
    bool w = c->r->insn[i->a].type == IR_I64; /* perhaps an I32 extended in place */
    unsigned width = w ? 64 : 32;

    if (lo == 0 && (n == 8 || n == 16 || n == 32)) {
        int ra = x64_in(c, i->a);
        c->locked = 0;
        int dst = x64_new(c, p);
        if (n == 32) {
            x64_mov(&c->a, false, dst, ra);
        } else {
            x64_rr(&c->a, X_0F | (n == 8 ? 0xb6u | X_B8 : 0xb7u), dst, ra);
        }
        return;
    }
    if (lo + n > width) {
        n = width - lo;
    }
    int dst;
    if (lo && !x64_dies(c, i->a) && c->f->bmi2 && in_reg(c, i->a) && n <= 31) {
        int ra = x64_in(c, i->a);
        dst = x64_new(c, p);
        x64_vrr(&c->a, X_F2 | X_0F3A | 0xf0 | x64_w(w), dst, 0, ra); /* rorx */
        x64_1(&c->a, lo);
    } else {
        dst = x64_new_from(c, p, i->a);
        if (lo + n == width || n > 31) {
            if (lo + n < width) {
                x64_shift_ri(&c->a, SH_SHL, w, dst, width - lo - n);
            }
            if (n < width) {
                x64_shift_ri(&c->a, SH_SHR, w, dst, width - n);
            }
            return;
        }
        if (lo) {
            x64_shift_ri(&c->a, SH_SHR, w, dst, lo);
        }
    }
    if (n == 8) {
        x64_movzx8(&c->a, dst, dst);
    } else if (n == 16) {
        x64_rr(&c->a, X_0F | 0xb7, dst, dst);
    } else {
        x64_alu_ri(&c->a, ALU_AND, false, dst, (int32_t)((1u << n) - 1));
        flags_of(c, p);
    }
}

static void insert(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    unsigned lo = i->aux & 63, n = i->aux >> 8;
    bool w = i->type == IR_I64;
    unsigned width = w ? 64 : 32;

    if (n >= width) {
        x64_new_from(c, p, i->b);
        return;
    }
    uint64_t k, mask = ((1ull << n) - 1) << lo;
    if (x64_const(c, i->b, &k)) {
        uint64_t set = (k << lo) & mask;
        int dst = x64_new_from(c, p, i->a);
        if (lo == 0 && n == 8) {
            x64_prefix(&c->a, (0xb0u | ((unsigned)dst & 7)) | X_B8, 0, 0, dst);
            x64_1(&c->a, (uint8_t)k);
            return;
        }
        if (set != mask) {
            if (fits32(w, ~mask)) {
                x64_alu_ri(&c->a, ALU_AND, w, dst, (int32_t)~mask);
            } else {
                x64_imm(&c->a, RAX, ~mask, true);
                x64_alu_rr(&c->a, ALU_AND, w, dst, RAX);
            }
        }
        if (set) {
            if (fits32(w, set)) {
                x64_alu_ri(&c->a, ALU_OR, w, dst, (int32_t)set);
            } else {
                x64_imm(&c->a, RAX, set, true);
                x64_alu_rr(&c->a, ALU_OR, w, dst, RAX);
            }
        }
        return;
    }
    int rb = x64_in(c, i->b), dst = x64_new_from(c, p, i->a);
    if (lo == 0 && n == 8) {
        x64_rr(&c->a, 0x8a | X_R8 | X_B8, dst, rb);
        return;
    }
    if (lo == 0 && n == 16) {
        x64_rr(&c->a, 0x8b | X_66, dst, rb);
        return;
    }
    if (n == 8) {
        x64_movzx8(&c->a, RAX, rb);
    } else if (n == 16) {
        x64_rr(&c->a, X_0F | 0xb7, RAX, rb);
    } else if (n <= 31) {
        x64_mov(&c->a, false, RAX, rb);
        x64_alu_ri(&c->a, ALU_AND, false, RAX, (int32_t)((1u << n) - 1));
    } else if (n == 32) {
        x64_mov(&c->a, false, RAX, rb);
    } else {
        x64_mov(&c->a, true, RAX, rb);
        x64_shift_ri(&c->a, SH_SHL, true, RAX, 64 - n);
        x64_shift_ri(&c->a, SH_SHR, true, RAX, 64 - n);
    }
    if (fits32(w, ~mask)) {
        if (lo) {
            x64_shift_ri(&c->a, SH_SHL, w, RAX, lo);
        }
        x64_alu_ri(&c->a, ALU_AND, w, dst, (int32_t)~mask);
        x64_alu_rr(&c->a, ALU_OR, w, dst, RAX);
    } else {
        if (lo) {
            x64_shift_ri(&c->a, SH_ROR, w, dst, lo);
        }
        x64_shift_ri(&c->a, SH_SHR, w, dst, n);
        x64_shift_ri(&c->a, SH_SHL, w, dst, n);
        x64_alu_rr(&c->a, ALU_OR, w, dst, RAX);
        if (lo) {
            x64_shift_ri(&c->a, SH_ROL, w, dst, lo);
        }
    }
}

/* op reg, r/m of one operand, result apart from it */
static void unary(struct x64_ctx *c, uint32_t p, uint32_t op, bool from64)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool mem = x64_in_mem(c, i->a, from64);
    int ra = mem ? -1 : x64_in(c, i->a);

    c->locked = 0;
    int dst = x64_new(c, p);
    if (mem) {
        x64_rm(&c->a, op, dst, x64_val_mem(c, i->a));
    } else {
        x64_rr(&c->a, op, dst, ra);
    }
}

static void extend(struct x64_ctx *c, uint32_t p, bool is_signed)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->type == IR_I64;

    switch (i->aux) {
    case 8:
        unary(c, p, X_0F | (is_signed ? 0xbeu : 0xb6u) | X_B8 | x64_w(w && is_signed), false);
        break;
    case 16:
        unary(c, p, X_0F | (is_signed ? 0xbfu : 0xb7u) | x64_w(w && is_signed), false);
        break;
    default:
        unary(c, p, is_signed && w ? 0x63 | X_W : 0x8bu, false);
        break;
    }
}

static void count_bits(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->type == IR_I64;

    if (i->op == IR_POPCNT && c->f->popcnt) {
        unary(c, p, X_F3 | X_0F | 0xb8 | x64_w(w), w);
        return;
    }
    if (i->op != IR_POPCNT && c->f->lzcnt && c->f->bmi1) {
        unary(c, p, X_F3 | X_0F | (i->op == IR_CLZ ? 0xbdu : 0xbcu) | x64_w(w), w);
        return;
    }
    int ra = x64_in(c, i->a), dst = x64_new(c, p);
    if (i->op != IR_POPCNT) { /* bsr, bsf leave the destination alone for 0 (and set ZF) */
        bool clz = i->op == IR_CLZ;
        x64_rr(&c->a, X_0F | (clz ? 0xbdu : 0xbcu) | x64_w(w), dst, ra);
        uint32_t some = x64_jcc8(&c->a, CC_NE);
        x64_imm(&c->a, dst, clz ? (w ? 127 : 63) : (w ? 64 : 32), true);
        x64_patch8(&c->a, some);
        if (clz) {
            x64_alu_ri(&c->a, ALU_XOR, false, dst, w ? 63 : 31);
        }
        return;
    }
    static const uint64_t m[3] = {0x5555555555555555u, 0x3333333333333333u, 0x0f0f0f0f0f0f0f0fu};
    int t = x64_temp(c, XC_GPR);
    x64_mov(&c->a, w, dst, ra);
    for (unsigned k = 0; k < 3; k++) {
        uint64_t mask = w ? m[k] : (uint32_t)m[k];
        x64_imm(&c->a, t, mask, true);
        x64_mov(&c->a, w, RAX, dst);
        x64_shift_ri(&c->a, SH_SHR, w, RAX, 1u << k);
        x64_alu_rr(&c->a, ALU_AND, w, RAX, t);
        x64_alu_rr(&c->a, ALU_AND, w, dst, t);
        x64_alu_rr(&c->a, ALU_ADD, w, dst, RAX);
    }
    x64_imm(&c->a, t, w ? 0x0101010101010101u : 0x01010101u, true);
    x64_rr(&c->a, X_0F | 0xaf | x64_w(w), dst, t);
    x64_shift_ri(&c->a, SH_SHR, w, dst, w ? 56 : 24);
}

/* ------------------------------------------------------------------------------------------------- control */

static void edge_code(struct x64_ctx *c, uint32_t edge, uint32_t next)
{
    uint32_t to = c->r->edge[edge].to;
    int32_t settle = c->owed - c->blk[to].owed;

    if (settle) {
        x64_alu_ri(&c->a, ALU_SUB, true, R_BUDGET, settle);
    }
    x64_edge_moves(c, edge);
    x64_moves(c);
    if (to != next) {
        x64_jmp(&c->a, c->blk[to].label);
    }
}

static void branch_if(struct x64_ctx *c, uint32_t p, uint32_t next)
{
    const struct ir_region *r = c->r;
    const struct ir_insn *i = &r->insn[p];
    uint32_t yes = i->b, no = i->c;
    enum x64_cc cc = x64_condition(c, i->a);

    x64_edge_fix(c, i->aux == 2 ? no : yes);
    x64_edge_fix(c, i->aux == 2 ? yes : no);
    if (cc == CC_ALWAYS || cc == CC_NEVER) {
        edge_code(c, cc == CC_ALWAYS ? yes : no, next);
        return;
    }
    uint32_t ty = r->edge[yes].to, tn = r->edge[no].to;
    uint32_t ny = x64_edge_moves(c, yes) + (c->owed != c->blk[ty].owed);
    uint32_t nn = x64_edge_moves(c, no) + (c->owed != c->blk[tn].owed);
    bool rare_y = i->aux == 2 || (r->block[ty].cold && !r->block[c->block].cold);
    bool rare_n = i->aux == 1 || (r->block[tn].cold && !r->block[c->block].cold);
    bool stay_yes; /* which edge is laid out in line */

    if (rare_y != rare_n && (rare_y ? ny : nn)) {
        stay_yes = rare_n;
    } else if (!ny != !nn) {
        stay_yes = ny != 0;
    } else if (ty == next || tn == next) {
        stay_yes = ty == next;
    } else {
        stay_yes = rare_n;
    }
    uint32_t stay = stay_yes ? yes : no, go = stay_yes ? no : yes;
    if (stay_yes) {
        cc = x64_not(cc);
    }
    if (stay_yes ? nn : ny) {
        uint32_t stub = x64_label(&c->a), cur = c->a.cur;
        x64_jump_if(c, cc, stub);
        x64_section(&c->a, XS_STUB);
        x64_bind(&c->a, stub);
        edge_code(c, go, X64_NEVER);
        x64_section(&c->a, cur);
    } else {
        x64_jump_if(c, cc, c->blk[r->edge[go].to].label);
    }
    edge_code(c, stay, next);
}

static void charge(struct x64_ctx *c, const struct ir_insn *i)
{
    const struct x64_blk *blk = &c->blk[c->block];

    if (!blk->checks || c->charged) {
        c->owed += (int32_t)i->c;
        return;
    }
    x64_alu_ri(&c->a, ALU_SUB, true, R_BUDGET, blk->ahead + c->owed);
    c->charged = true;
    c->owed = (int32_t)i->c - blk->ahead;
    x64_jcc(&c->a, CC_S, x64_exit_stub(c, i->b));
}

static void insn(struct x64_ctx *c, uint32_t p, uint32_t next)
{
    const struct ir_region *r = c->r;
    const struct ir_insn *i = &r->insn[p];
    bool w = i->type == IR_I64;
    struct x64_asm *a = &c->a;

    switch ((enum ir_op)i->op) {
    case IR_NOP:
    case IR_CONST:
    case IR_PARAM:
        break;
    case IR_LDSLOT:
        x64_note_home(c, p); /* read where it is used */
        break;
    case IR_STSLOT: {
        struct x64_loc src = x64_where(c, i->a), dst = {.kind = XL_HOME, .type = c->guest->slot[i->aux].type, .off = i->aux};
        if (!(src.kind == XL_HOME && src.off == i->aux)) {
            x64_home_lost(c, i->aux);
            src = x64_where(c, i->a);
            x64_copy(c, &dst, &src, 0);
        }
        break;
    }
    case IR_LDSTATE: {
        int dst = x64_new(c, p);
        static const uint32_t op[4] = {X_0F | 0xb6, X_0F | 0xb7, 0x8b, 0x8b | X_W};
        if (dst >= XMM0) {
            x64_load_type(c, (enum ir_type)i->type, dst, x64_at(R_CPU, (int32_t)i->c));
        } else {
            x64_rm(a, op[i->aux & 3], dst, x64_at(R_CPU, (int32_t)i->c));
        }
        break;
    }
    case IR_STSTATE: {
        struct x64_mem m = x64_at(R_CPU, (int32_t)i->c);
        int src = c->val[x64_canon(c, i->a)].cls == XC_XMM ? x64_in(c, i->a) : read_reg(c, i->a);
        if (src >= XMM0) {
            x64_store_type(c, (enum ir_type)c->val[x64_canon(c, i->a)].type, m, src);
        } else if ((i->aux & 3) == 0) {
            x64_rm(a, 0x88 | X_R8, src, m);
        } else if ((i->aux & 3) == 1) {
            x64_rm(a, 0x89 | X_66, src, m);
        } else {
            x64_store(a, (i->aux & 3) == 3, m, src);
        }
        break;
    }
    case IR_BANKMOVE:
        x64_home_lost(c, -2);
        x64_alu_ri(a, ALU_ADD, true, R_BANK, (int32_t)i->c);
        x64_store(a, true, x64_at(R_CPU, offsetof(struct jit_cpu, bank)), R_BANK);
        break;
    case IR_ADD:
    case IR_SUB: {
        const struct ir_insn *n = i + 1;
        if (p + 1 < r->block[c->block].last && (n->op == IR_CARRY || n->op == IR_BORROW) && n->a == i->a &&
            n->b == i->b && (n->op == IR_CARRY) == (i->op == IR_ADD)) {
            carry_op(c, p);
        } else {
            alu(c, p, i->op == IR_ADD ? ALU_ADD : ALU_SUB, i->op == IR_ADD);
        }
        break;
    }
    case IR_MUL:
        mul(c, p);
        break;
    case IR_MULHU:
    case IR_MULHS:
        mul_high(c, p, i->op == IR_MULHS);
        break;
    case IR_DIVU:
    case IR_DIVS:
    case IR_REMU:
    case IR_REMS:
        divide(c, p, i->op == IR_DIVS || i->op == IR_REMS, i->op == IR_REMU || i->op == IR_REMS);
        break;
    case IR_AND:
        alu(c, p, ALU_AND, true);
        break;
    case IR_OR:
        alu(c, p, ALU_OR, true);
        break;
    case IR_XOR:
        alu(c, p, ALU_XOR, true);
        break;
    case IR_ANDN:
        if (c->f->bmi1) {
            int rb = x64_in(c, i->b), ra = read_reg(c, i->a);
            c->locked = 0;
            int dst = x64_new(c, p);
            x64_vrr(a, X_0F38 | 0xf2 | x64_w(w), dst, rb, ra);
        } else {
            int rb = read_reg(c, i->b);
            x64_mov(a, w, RAX, rb);
            int dst = x64_new_from(c, p, i->a);
            x64_rr(a, 0xf7 | x64_w(w), 2, RAX);
            x64_alu_rr(a, ALU_AND, w, dst, RAX);
        }
        break;
    case IR_NOT:
    case IR_NEG: {
        int dst = x64_new_from(c, p, i->a);
        x64_rr(a, 0xf7 | x64_w(w), i->op == IR_NOT ? 2 : 3, dst);
        break;
    }
    case IR_SHL:
        shift(c, p, SH_SHL);
        break;
    case IR_SHR:
        shift(c, p, SH_SHR);
        break;
    case IR_SAR:
        shift(c, p, SH_SAR);
        break;
    case IR_ROL:
        shift(c, p, SH_ROL);
        break;
    case IR_ROR:
        shift(c, p, SH_ROR);
        break;
    case IR_ADC:
    case IR_SBB:
    case IR_CARRY:
        carry_op(c, p);
        break;
    case IR_BORROW: {
        uint64_t k;
        const struct ir_insn *n = i + 1;
        bool pair = p + 1 < r->block[c->block].last && (n->op == IR_SUB || n->op == IR_SBB) && n->a == i->a && n->b == i->b;
        if (!pair && x64_const(c, i->c, &k) && k == 0) {
            set_from_flags(c, p, insn_flags(c, p));
        } else {
            carry_op(c, p);
        }
        break;
    }
    case IR_BSWAP: {
        int dst = x64_new_from(c, p, i->a);
        x64_prefix(a, X_0F | (0xc8u | ((unsigned)dst & 7)) | x64_w(w), 0, 0, dst);
        break;
    }
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT:
        count_bits(c, p);
        break;
    case IR_SEXT:
        extend(c, p, true);
        break;
    case IR_ZEXT:
        extend(c, p, false);
        break;
    case IR_TRUNC:
        unary(c, p, 0x8b, false);
        break;
    case IR_EXTRACT:
        extract(c, p);
        break;
    case IR_INSERT:
        insert(c, p);
        break;
    case IR_ICMP:
        set_from_flags(c, p, insn_flags(c, p));
        break;
    case IR_FCMP:
        if (i->aux >> 8 == IR_F80) {
            x64_fp(c, p);
        } else if (c->val[p].n_use == 0) {
            x64_fcmp_flags(c, p);
        } else {
            set_from_flags(c, p, x64_fcmp_flags(c, p));
        }
        break;
    case IR_SELECT:
        select_op(c, p);
        break;
    case IR_BITCAST: {
        struct x64_loc src = x64_where(c, i->a);
        if (src.kind == XL_REG) {
            c->locked |= 1u << src.reg;
        }
        struct x64_loc to = {.kind = XL_REG, .type = i->type, .reg = (int8_t)x64_new(c, p)};
        x64_copy(c, &to, &src, 0);
        break;
    }
    case IR_GUARD:
        x64_guard(c, p);
        break;
    case IR_LOAD:
        x64_load_op(c, p);
        break;
    case IR_STORE:
        x64_store_op(c, p);
        break;
    case IR_CAS:
    case IR_XCHG:
    case IR_AADD:
        x64_atomic_op(c, p);
        break;
    case IR_FENCE: /* lock or dword [rsp + temp], 0: cheaper than mfence, the same for ordinary memory */
        x64_rm(a, 0x83 | X_LOCK, ALU_OR, x64_at(RSP, X64_TEMP));
        x64_1(a, 0);
        break;
    case IR_CALL:
        x64_call(c, p);
        break;
    case IR_CALLIF:
        x64_call_if(c, p);
        break;
    case IR_CHARGE:
        charge(c, i);
        break;
    case IR_EXITIF: {
        enum x64_cc cc = x64_condition(c, i->a);
        if (cc != CC_NEVER) {
            x64_jump_if(c, cc, x64_exit_stub(c, i->b));
        }
        break;
    }
    case IR_EXIT:
        x64_exit_code(c, i->b, -1);
        break;
    case IR_BR:
        x64_edge_fix(c, i->b);
        edge_code(c, i->b, next);
        break;
    case IR_BRIF:
        branch_if(c, p, next);
        break;
    default:
        if (!x64_fp(c, p) && !x64_vec(c, p)) {
            g_error("x86-64: IR operation %s is unknown", ir_op_info[i->op].name);
        }
        break;
    }
}

/* ------------------------------------------------------------------------------------------------- regions */

void x64_region(struct x64_ctx *c, int32_t *hotness)
{
    const struct ir_region *r = c->r;
    struct x64_asm *a = &c->a;

    c->blk[0].fixed = true;
    x64_need(a, 4096);
    if (hotness) {
        uint32_t hot = x64_label(a), cur = a->cur;
        x64_imm_pointer(a, RAX, XR_HEAT, (uint64_t)(uintptr_t)hotness);
        x64_alu_mi(a, ALU_SUB, false, x64_at(RAX, 0), 1);
        x64_jcc(a, CC_E, hot);
        x64_section(a, XS_STUB);
        x64_bind(a, hot);
        x64_imm_pointer(a, RAX, XR_SITE, c->n_sites - 1);
        x64_jmp_abs(a, c->be->code.leave_pc);
        x64_section(a, cur);
    }
    x64_memos(c);
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        const struct ir_block *blk = &r->block[b];

        if (!c->blk[b].fixed) {
            continue; /* nobody goes there */
        }
        uint32_t next = b + 1;
        while (next < r->n_blocks && r->block[next].cold != (blk->cold && b)) {
            next++;
        }
        x64_section(a, blk->cold && b ? XS_COLD : XS_HOT);
        x64_need(a, 256);
        if (c->tier > 1 && c->blk[b].loop_end && b && r->block[b - 1].loop_depth < blk->loop_depth) {
            x64_nops(a, -x64_offset(a) & 15);
        }
        x64_bind(a, c->blk[b].label);
        x64_block_begin(c, b);
        c->owed = c->blk[b].owed;
        c->charged = false;
        c->flags_val = c->carry_val = 0; /* there are other ways here than the one that made the flags */
        for (uint32_t p = blk->first; p < blk->last; p++) {
            const struct x64_val *v = &c->val[p];
            c->pos = p;
            c->locked = 0;
            if (p > c->next_call) {
                c->next_call = X64_NEVER;
                for (uint32_t q = p; q < blk->last; q++) {
                    if (r->insn[q].op == IR_CALL) {
                        c->next_call = q;
                        break;
                    }
                }
            }
            if ((v->flags & XV_CONST) || v->canon != p || (v->flags & XV_DONE) ||
                ((v->flags & XV_LAZY) && r->insn[p].op != IR_GUARD) ||
                x64_dead(c, p)) {
                if (v->flags & XV_DONE) {
                    x64_insn_end(c, p);
                }
                continue;
            }
            x64_need(a, 1024);
            insn(c, p, next);
            x64_insn_end(c, p);
        }
        x64_block_end(c);
    }
}
