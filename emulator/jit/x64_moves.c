/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moving values between registers, spill places and slots: one, or many at once.
 */
#include "emulator/jit/x64.h"

static struct x64_mem loc_mem(struct x64_ctx *c, const struct x64_loc *l)
{
    return l->kind == XL_HOME ? x64_slot_mem(c, (uint32_t)l->off)
           : l->kind == XL_TEMP ? x64_at(RSP, X64_TEMP + l->off)
                                : x64_at(RSP, l->off);
}

void x64_v2(struct x64_ctx *c, uint32_t op, int dst, int src)
{
    if (c->f->avx) {
        x64_vrr(&c->a, op, dst, 0, src);
    } else {
        x64_rr(&c->a, op, dst, src);
    }
}

void x64_v2m(struct x64_ctx *c, uint32_t op, int reg, struct x64_mem m)
{
    if (c->f->avx) {
        x64_vrm(&c->a, op, reg, 0, m);
    } else {
        x64_rm(&c->a, op, reg, m);
    }
}

void x64_move_reg(struct x64_ctx *c, enum ir_type t, int dst, int src)
{
    if (dst == src) {
        return;
    }
    if (dst >= XMM0 && src >= XMM0) {
        x64_v2(c, X_0F | 0x28, dst, src); /* movaps */
    } else if (dst < XMM0 && src < XMM0) {
        x64_mov(&c->a, t != IR_I32, dst, src);
    } else if (dst >= XMM0) {
        x64_v2(c, X_66 | X_0F | 0x6e | x64_w(t == IR_F64 || t == IR_I64), dst, src); /* movd/movq xmm, r */
    } else {
        x64_v2(c, X_66 | X_0F | 0x7e | x64_w(t == IR_F64 || t == IR_I64), src, dst); /* movd/movq r, xmm */
    }
}

void x64_load_type(struct x64_ctx *c, enum ir_type t, int dst, struct x64_mem m)
{
    if (dst < XMM0) {
        x64_load(&c->a, t == IR_I64 || t == IR_F64, dst, m);
    } else if (t == IR_F32 || t == IR_I32) {
        x64_v2m(c, X_F3 | X_0F | 0x10, dst, m); /* movss */
    } else if (t == IR_F64 || t == IR_I64) {
        x64_v2m(c, X_F3 | X_0F | 0x7e, dst, m); /* movq */
    } else {
        x64_v2m(c, X_0F | 0x10, dst, m); /* movups */
    }
}

void x64_store_type(struct x64_ctx *c, enum ir_type t, struct x64_mem m, int src)
{
    if (src < XMM0) {
        x64_store(&c->a, t == IR_I64 || t == IR_F64, m, src);
    } else if (t == IR_F32 || t == IR_I32) {
        x64_v2m(c, X_F3 | X_0F | 0x11, src, m);
    } else if (t == IR_F64 || t == IR_I64) {
        x64_v2m(c, X_66 | X_0F | 0xd6, src, m); /* movq */
    } else {
        x64_v2m(c, X_0F | 0x11, src, m);
    }
}

/* Any place to any place. Flags are kept. What is not busy of rax and xmm15 serves as scratch. */
void x64_copy(struct x64_ctx *c, const struct x64_loc *dst, const struct x64_loc *src, unsigned busy)
{
    enum ir_type t = (enum ir_type)dst->type;

    if (dst->kind == XL_REG) {
        if (src->kind == XL_REG) {
            x64_move_reg(c, t, dst->reg, src->reg);
        } else if (src->kind == XL_IMM) {
            if (dst->reg < XMM0) {
                x64_imm(&c->a, dst->reg, src->imm, true);
            } else if (src->imm == 0) {
                if (c->f->avx) {
                    x64_vrr(&c->a, X_0F | 0x57, dst->reg, dst->reg, dst->reg); /* xorps */
                } else {
                    x64_rr(&c->a, X_0F | 0x57, dst->reg, dst->reg);
                }
            } else {
                x64_load_type(c, t, dst->reg, x64_const_mem(&c->a, src->imm, 0));
            }
        } else {
            /* an I32 value read as I64 lies in memory as 32 bits */
            enum ir_type st = src->type == IR_I32 || src->type == IR_F32 ? (enum ir_type)src->type : t;
            x64_load_type(c, st, dst->reg, loc_mem(c, src));
        }
        return;
    }
    struct x64_mem m = loc_mem(c, dst);
    if (src->kind == XL_REG) {
        x64_store_type(c, t, m, src->reg);
        return;
    }
    if (src->kind == XL_IMM) {
        bool w = t == IR_I64 || t == IR_F64;
        if (x64_wide(t)) { /* zero */
            for (int k = 0; k < (t == IR_F80 ? 12 : 16); k += 4) {
                struct x64_mem h = m;
                h.disp += k;
                if (k == 8 && t == IR_F80) {
                    x64_rm(&c->a, X_66 | 0xc7, 0, h);
                    x64_1(&c->a, 0);
                    x64_1(&c->a, 0);
                } else {
                    x64_store_imm(&c->a, false, h, k ? 0 : (int32_t)src->imm);
                }
            }
        } else if (!w || (int64_t)src->imm == (int32_t)src->imm) {
            x64_store_imm(&c->a, w, m, (int32_t)src->imm);
        } else if (!(busy & X64_BUSY_RAX)) {
            x64_imm(&c->a, RAX, src->imm, true);
            x64_store(&c->a, true, m, RAX);
        } else {
            x64_load_type(c, IR_F64, X_TMP, x64_const_mem(&c->a, src->imm, 0));
            x64_store_type(c, IR_F64, m, X_TMP);
        }
        return;
    }
    struct x64_mem sm = loc_mem(c, src);
    if (t == IR_F80) { /* fld, fstp: the format goes through unchanged */
        x64_rm(&c->a, 0xdb, 5, sm);
        x64_rm(&c->a, 0xdb, 7, m);
    } else if (t == IR_V128 && (busy & X64_BUSY_XMM)) {
        for (int k = 0; k < 16; k += 8) {
            struct x64_mem sh = sm, dh = m;
            sh.disp += k;
            dh.disp += k;
            x64_load(&c->a, true, RAX, sh);
            x64_store(&c->a, true, dh, RAX);
        }
    } else {
        enum ir_type st = src->type == IR_I32 || src->type == IR_F32 ? (enum ir_type)src->type : t;
        int tmp = t == IR_V128 || (busy & X64_BUSY_RAX) ? X_TMP : RAX;
        x64_load_type(c, st, tmp, sm);
        x64_store_type(c, t, m, tmp);
    }
}

static bool same_place(const struct x64_loc *x, const struct x64_loc *y)
{
    if (x->kind != y->kind) {
        return false;
    }
    return x->kind == XL_REG ? x->reg == y->reg : x->kind != XL_IMM && x->off == y->off;
}

void x64_moves(struct x64_ctx *c)
{
    uint32_t n = c->n_move;
    struct x64_move *m = c->move;
    unsigned busy = 0;

    x64_need(&c->a, 64 + (size_t)n * 48);
    while (n) {
        bool progress = false;
        for (uint32_t k = 0; k < n;) {
            bool blocked = false;
            for (uint32_t j = 0; j < n && !blocked; j++) {
                blocked = j != k && same_place(&m[j].src, &m[k].dst);
            }
            if (blocked) {
                k++;
                continue;
            }
            x64_copy(c, &m[k].dst, &m[k].src, busy);
            m[k] = m[--n];
            progress = true;
            if (busy) {
                busy = 0;
                for (uint32_t j = 0; j < n; j++) {
                    if (m[j].src.kind == XL_REG && m[j].src.reg == RAX) {
                        busy |= X64_BUSY_RAX;
                    } else if (m[j].src.kind == XL_REG && m[j].src.reg == X_TMP) {
                        busy |= X64_BUSY_XMM;
                    }
                }
            }
        }
        if (n && !progress) { /* a cycle: what a destination holds goes aside, of a register if there is one */
            uint32_t k = 0;
            while (k < n && m[k].dst.kind != XL_REG) {
                k++;
            }
            k = k < n ? k : 0;
            struct x64_loc aside = {.kind = XL_REG}, from = m[k].dst, was = from;
            if (from.kind == XL_REG && from.reg < XMM0) {
                aside.reg = RAX;
                aside.type = IR_I64;
            } else if (from.kind == XL_REG) {
                aside.reg = (int8_t)X_TMP;
                aside.type = IR_V128;
            } else { /* as wide as what is there: of memory that was just written no more can be read at once */
                aside.kind = XL_TEMP;
                aside.off = 16 * IR_MAX_SLOTS;
                aside.type = IR_I32;
                for (uint32_t j = 0; j < n; j++) {
                    enum ir_type t = (enum ir_type)m[j].src.type;
                    if (same_place(&m[j].src, &was) && t != IR_I32 && t != IR_F32) {
                        aside.type = x64_wide(t) ? t : aside.type == IR_I32 ? IR_I64 : aside.type;
                    }
                }
                from.type = aside.type;
            }
            x64_copy(c, &aside, &from, busy);
            busy |= aside.kind != XL_REG ? 0 : aside.reg == RAX ? X64_BUSY_RAX : X64_BUSY_XMM;
            for (uint32_t j = 0; j < n; j++) {
                if (same_place(&m[j].src, &was)) {
                    aside.type = m[j].src.type;
                    m[j].src = aside;
                }
            }
        }
    }
    c->n_move = 0;
}

void x64_add_move(struct x64_ctx *c, struct x64_loc dst, struct x64_loc src)
{
    if (same_place(&dst, &src)) {
        return;
    }
    if (c->n_move == c->max_move) {
        c->max_move = c->max_move * 2 + 64;
        c->move = g_renew(struct x64_move, c->move, c->max_move);
    }
    c->move[c->n_move++] = (struct x64_move){dst, src};
}
