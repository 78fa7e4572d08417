/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Conditions: compares, branches on them, values made from the host's flags.
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
        if (k <= 0xff && (mem || (x64_in_reg(c, x) && c->val[x64_canon(c, x)].reg < 4))) {
            if (mem) {
                x64_rm(&c->a, 0xf6, 0, x64_val_mem(c, x));
            } else {
                x64_rr(&c->a, 0xf6 | X_B8, 0, x64_in(c, x));
            }
            x64_1(&c->a, (unsigned)k);
            return cc;
        }
        if (k <= UINT32_MAX || x64_fits32(w, k)) {
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
    int rx = x64_in(c, x), ry = x64_read(c, y);
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
            int r = x64_read(c, a);
            x64_rr(&c->a, 0x85 | x64_w(w), r, r);
            return cc == CC_L ? CC_S : cc == CC_GE ? CC_NS : cc;
        }
        if (x64_fits32(w, k)) {
            if (x64_in_mem(c, a, w)) {
                x64_alu_mi(&c->a, ALU_CMP, w, x64_val_mem(c, a), (int32_t)k);
            } else {
                x64_alu_ri(&c->a, ALU_CMP, w, x64_read(c, a), (int32_t)k);
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

enum x64_cc x64_insn_flags(struct x64_ctx *c, uint32_t p)
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
        return x64_insn_flags(c, v);
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
void x64_set_from_flags(struct x64_ctx *c, uint32_t p, enum x64_cc cc)
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

void x64_select_op(struct x64_ctx *c, uint32_t p)
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
    if (cc == CC_FEQ || (cc != CC_FNE && x64_dies(c, yes) && x64_in_reg(c, yes) && !(x64_dies(c, no) && x64_in_reg(c, no)))) {
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
