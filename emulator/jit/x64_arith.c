/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Code for operations on integers.
 */
#include "emulator/jit/x64.h"

static void alu(struct x64_ctx *c, uint32_t p, enum x64_alu o, bool commutes)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->type == IR_I64;
    ir_ref a = i->a, b = i->b;
    uint64_t k, unused;

    if (commutes && !x64_const(c, b, &unused)) {
        bool a_good = x64_in_reg(c, a) && x64_dies(c, a), b_good = x64_in_reg(c, b) && x64_dies(c, b);
        if (x64_const(c, a, &unused) || (!a_good && (b_good || (!x64_in_reg(c, a) && x64_in_reg(c, b) && x64_in_mem(c, a, w))))) {
            a = i->b;
            b = i->a;
        }
    }
    if (x64_const(c, b, &k) && x64_fits32(w, k)) {
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
        x64_flags_of(c, p);
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
        if (o == ALU_ADD && x64_in_reg(c, a) && !x64_dies(c, a)) {
            int ra = x64_in(c, a);
            c->locked = 0;
            int dst = x64_new(c, p);
            x64_lea(&c->a, w, dst, x64_at_index(ra, rb, 0, 0));
            return;
        }
        int dst = x64_new_from(c, p, a);
        x64_alu_rr(&c->a, o, w, dst, rb);
    }
    x64_flags_of(c, p);
}

static void shift(struct x64_ctx *c, uint32_t p, enum x64_shift o)
{
    const struct ir_insn *i = &c->r->insn[p];
    bool w = i->type == IR_I64;
    uint64_t k;

    if (x64_const(c, i->b, &k)) {
        unsigned n = (unsigned)k & (w ? 63 : 31);
        if (o == SH_SHL && n >= 1 && n <= 3 && x64_in_reg(c, i->a) && !x64_dies(c, i->a)) {
            int ra = x64_in(c, i->a), dst = x64_new(c, p);
            if (n == 1) {
                x64_lea(&c->a, w, dst, x64_at_index(ra, ra, 0, 0));
            } else {
                x64_lea(&c->a, w, dst, x64_at_index(-1, ra, n, 0));
            }
            return;
        }
        if ((o == SH_ROL || o == SH_ROR) && c->f->bmi2 && n && !x64_dies(c, i->a) && x64_in_reg(c, i->a)) {
            int ra = x64_in(c, i->a), dst = x64_new(c, p);
            x64_vrr(&c->a, X_F2 | X_0F3A | 0xf0 | x64_w(w), dst, 0, ra); /* rorx */
            x64_1(&c->a, o == SH_ROR ? n : (w ? 64 : 32) - n);
            return;
        }
        int dst = x64_new_from(c, p, i->a);
        if (n) {
            x64_shift_ri(&c->a, o, w, dst, n);
            if (o >= SH_SHL) {
                x64_flags_of(c, p);
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
    if (x64_const(c, b, &k) && x64_fits32(w, k)) {
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
    if (!(x64_in_reg(c, a) && x64_dies(c, a)) && x64_in_reg(c, b) && x64_dies(c, b)) {
        ir_ref t = a;
        a = b;
        b = t;
    }
    if (x64_in_mem(c, b, w)) {
        int dst = x64_new_from(c, p, a);
        x64_rm(&c->a, X_0F | 0xaf | x64_w(w), dst, x64_val_mem(c, b));
    } else {
        int rb = x64_read(c, b), dst = x64_new_from(c, p, a);
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
        } else if (x64_fits32(w, k - 1)) {
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
    bool imm = x64_const(c, i->b, &kb) && x64_fits32(w, kb);
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
    if (lo && !x64_dies(c, i->a) && c->f->bmi2 && x64_in_reg(c, i->a) && n <= 31) {
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
        x64_flags_of(c, p);
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
            if (x64_fits32(w, ~mask)) {
                x64_alu_ri(&c->a, ALU_AND, w, dst, (int32_t)~mask);
            } else {
                x64_imm(&c->a, RAX, ~mask, true);
                x64_alu_rr(&c->a, ALU_AND, w, dst, RAX);
            }
        }
        if (set) {
            if (x64_fits32(w, set)) {
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
    if (x64_fits32(w, ~mask)) {
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

bool x64_arith(struct x64_ctx *c, uint32_t p)
{
    const struct ir_region *r = c->r;
    const struct ir_insn *i = &r->insn[p];
    bool w = i->type == IR_I64;
    struct x64_asm *a = &c->a;

    switch ((enum ir_op)i->op) {
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
            int rb = x64_in(c, i->b), ra = x64_read(c, i->a);
            c->locked = 0;
            int dst = x64_new(c, p);
            x64_vrr(a, X_0F38 | 0xf2 | x64_w(w), dst, rb, ra);
        } else {
            int rb = x64_read(c, i->b);
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
            x64_set_from_flags(c, p, x64_insn_flags(c, p));
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
    default:
        return false;
    }
    return true;
}
