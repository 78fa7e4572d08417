/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Constant folding, strength reduction and peepholes: given an operation whose operands are already simple,
 * finds an equal value that costs less.  Used while the IR is built and again by the passes.  Floating point
 * arithmetic is never folded: its result and sticky flags depend on the guest's MXCSR.
 */
#include "emulator/jit/ir_internal.h"

static bool power_of_2(uint64_t v, unsigned *log2)
{
    if (!v || (v & (v - 1)))
        return false;
    *log2 = (unsigned)__builtin_ctzll(v);
    return true;
}

/* The value a of a constant x with op(x, const) standing at v, when v is `op`. */
static bool const_right(const struct ir_builder *b, ir_ref v, enum ir_op op, ir_ref *x, uint64_t *k)
{
    const struct ir_insn *i = &b->insn[v];
    if (i->op != op || !ib_const(b, ib_resolve(b, i->b), k))
        return false;
    *x = ib_resolve(b, i->a);
    return true;
}

static ir_ref fold_add(struct ir_builder *b, struct ir_insn *i, uint64_t m)
{
    uint64_t k, k2;
    ir_ref x;

    if (ib_const(b, i->b, &k)) {
        if (k == 0)
            return i->a;
        if (const_right(b, i->a, IR_ADD, &x, &k2))
            return ir_op2(b, IR_ADD, i->type, 0, x, ir_const(b, i->type, (k + k2) & m));
        if (ib_is(b, i->a, IR_SUB) && ib_const(b, ib_resolve(b, b->insn[i->a].a), &k2)) {
            x = ib_resolve(b, b->insn[i->a].b); /* (k2 - x) + k */
            return ir_op2(b, IR_SUB, i->type, 0, ir_const(b, i->type, (k + k2) & m), x);
        }
        return IR_NONE;
    }
    if (ib_is(b, i->b, IR_NEG))
        return ir_op2(b, IR_SUB, i->type, 0, i->a, b->insn[i->b].a);
    if (ib_is(b, i->a, IR_NEG))
        return ir_op2(b, IR_SUB, i->type, 0, i->b, b->insn[i->a].a);
    if (ib_is(b, i->a, IR_SUB) && ib_resolve(b, b->insn[i->a].b) == i->b)
        return ib_resolve(b, b->insn[i->a].a); /* (x - y) + y */
    if (ib_is(b, i->b, IR_SUB) && ib_resolve(b, b->insn[i->b].b) == i->a)
        return ib_resolve(b, b->insn[i->b].a);
    /* (x + k) + y -> (x + y) + k: constants move outward so that guards meet their base */
    if (const_right(b, i->a, IR_ADD, &x, &k)) {
        ir_ref s = ir_op2(b, IR_ADD, i->type, 0, x, i->b);
        return ir_op2(b, IR_ADD, i->type, 0, s, ir_const(b, i->type, k));
    }
    if (const_right(b, i->b, IR_ADD, &x, &k)) {
        ir_ref s = ir_op2(b, IR_ADD, i->type, 0, i->a, x);
        return ir_op2(b, IR_ADD, i->type, 0, s, ir_const(b, i->type, k));
    }
    return IR_NONE;
}

static ir_ref fold_sub(struct ir_builder *b, struct ir_insn *i, uint64_t m)
{
    uint64_t k;
    ir_ref x;

    if (i->a == i->b)
        return ir_const(b, i->type, 0);
    if (ib_const(b, i->b, &k))
        return ir_op2(b, IR_ADD, i->type, 0, i->a, ir_const(b, i->type, (0 - k) & m));
    if (ib_const(b, i->a, &k) && k == 0)
        return ir_op1(b, IR_NEG, i->type, 0, i->b);
    if (ib_is(b, i->b, IR_NEG))
        return ir_op2(b, IR_ADD, i->type, 0, i->a, b->insn[i->b].a);
    if (ib_is(b, i->a, IR_ADD)) {
        if (ib_resolve(b, b->insn[i->a].b) == i->b)
            return ib_resolve(b, b->insn[i->a].a);
        if (ib_resolve(b, b->insn[i->a].a) == i->b)
            return ib_resolve(b, b->insn[i->a].b);
        if (const_right(b, i->a, IR_ADD, &x, &k)) {
            ir_ref s = ir_op2(b, IR_SUB, i->type, 0, x, i->b);
            return ir_op2(b, IR_ADD, i->type, 0, s, ir_const(b, i->type, k));
        }
    }
    if (const_right(b, i->b, IR_ADD, &x, &k)) {
        ir_ref s = ir_op2(b, IR_SUB, i->type, 0, i->a, x);
        return ir_op2(b, IR_ADD, i->type, 0, s, ir_const(b, i->type, (0 - k) & m));
    }
    return IR_NONE;
}

static ir_ref fold_mul(struct ir_builder *b, struct ir_insn *i, uint64_t m)
{
    uint64_t k, k2;
    unsigned n;
    ir_ref x;

    if (!ib_const(b, i->b, &k))
        return IR_NONE;
    if (k == 0)
        return i->b;
    if (k == 1)
        return i->a;
    if (k == m)
        return ir_op1(b, IR_NEG, i->type, 0, i->a);
    if (power_of_2(k, &n))
        return ir_op2(b, IR_SHL, i->type, 0, i->a, ir_const(b, i->type, n));
    if (const_right(b, i->a, IR_MUL, &x, &k2))
        return ir_op2(b, IR_MUL, i->type, 0, x, ir_const(b, i->type, (k * k2) & m));
    return IR_NONE;
}

static ir_ref fold_div(struct ir_builder *b, struct ir_insn *i, uint64_t m)
{
    uint64_t k;
    unsigned n;

    if (!ib_const(b, i->b, &k))
        return IR_NONE;
    if (k == 0)
        return ir_const(b, i->type, 0);
    if (k == 1)
        return i->op == IR_DIVU || i->op == IR_DIVS ? i->a : ir_const(b, i->type, 0);
    if (k == m && i->op == IR_DIVS)
        return ir_op1(b, IR_NEG, i->type, 0, i->a);
    if (k == m && i->op == IR_REMS)
        return ir_const(b, i->type, 0);
    if (power_of_2(k, &n)) {
        if (i->op == IR_DIVU)
            return ir_op2(b, IR_SHR, i->type, 0, i->a, ir_const(b, i->type, n));
        if (i->op == IR_REMU)
            return ir_op2(b, IR_AND, i->type, 0, i->a, ir_const(b, i->type, k - 1));
    }
    return IR_NONE;
}

static ir_ref fold_and(struct ir_builder *b, struct ir_insn *i, uint64_t m)
{
    uint64_t k, k2, p;
    ir_ref x;

    if (i->a == i->b)
        return i->a;
    if (ib_is(b, i->b, IR_NOT))
        return ir_op2(b, IR_ANDN, i->type, 0, i->a, b->insn[i->b].a);
    if (ib_is(b, i->a, IR_NOT) && !ib_is(b, i->b, IR_CONST))
        return ir_op2(b, IR_ANDN, i->type, 0, i->b, b->insn[i->a].a);
    if (!ib_const(b, i->b, &k))
        return (ib_possible_bits(b, i->a, 3) & ib_possible_bits(b, i->b, 3)) == 0 ? ir_const(b, i->type, 0)
                                                                                  : IR_NONE;
    p = ib_possible_bits(b, i->a, 4) & m;
    if ((p & k) == 0)
        return ir_const(b, i->type, 0);
    if ((p & ~k) == 0)
        return i->a;
    if (const_right(b, i->a, IR_AND, &x, &k2))
        return ir_op2(b, IR_AND, i->type, 0, x, ir_const(b, i->type, k & k2));
    if (const_right(b, i->a, IR_OR, &x, &k2) && (k & k2) == 0)
        return ir_op2(b, IR_AND, i->type, 0, x, i->b);
    if (const_right(b, i->a, IR_OR, &x, &k2) && (k & k2) == k)
        return i->b;
    if (k == 0xff || k == 0xffff || (k == 0xffffffffu && i->type == IR_I64))
        return ir_op1(b, IR_ZEXT, i->type, k == 0xff ? 8 : k == 0xffff ? 16 : 32, i->a);
    /* the bits that the mask drops need not be computed */
    if ((ib_is(b, i->a, IR_SEXT) || ib_is(b, i->a, IR_ZEXT)) && (k & ~ib_mask(b->insn[i->a].aux)) == 0) {
        x = ib_resolve(b, b->insn[i->a].a);
        if (b->insn[x].type == i->type)
            return ir_op2(b, IR_AND, i->type, 0, x, i->b);
    }
    if (ib_is(b, i->a, IR_INSERT)) {
        const struct ir_insn n_ = b->insn[i->a], *n = &n_;
        if ((k & ib_mask(n->aux >> 8) << (n->aux & 63)) == 0)
            return ir_op2(b, IR_AND, i->type, 0, n->a, i->b);
    }
    return IR_NONE;
}

static ir_ref fold_or(struct ir_builder *b, struct ir_insn *i, uint64_t m)
{
    uint64_t k, k2;
    ir_ref x;

    if (i->a == i->b)
        return i->a;
    if (!ib_const(b, i->b, &k))
        return IR_NONE;
    if (k == 0)
        return i->a;
    if (k == m || (ib_possible_bits(b, i->a, 3) & ~k) == 0)
        return i->b;
    if (const_right(b, i->a, IR_OR, &x, &k2))
        return ir_op2(b, IR_OR, i->type, 0, x, ir_const(b, i->type, k | k2));
    return IR_NONE;
}

static ir_ref fold_xor(struct ir_builder *b, struct ir_insn *i, uint64_t m)
{
    uint64_t k, k2;
    ir_ref x;

    if (i->a == i->b)
        return ir_const(b, i->type, 0);
    if (ib_is(b, i->a, IR_XOR)) {
        if (ib_resolve(b, b->insn[i->a].b) == i->b)
            return ib_resolve(b, b->insn[i->a].a);
        if (ib_resolve(b, b->insn[i->a].a) == i->b)
            return ib_resolve(b, b->insn[i->a].b);
    }
    if (!ib_const(b, i->b, &k))
        return IR_NONE;
    if (k == 0)
        return i->a;
    if (k == m)
        return ir_op1(b, IR_NOT, i->type, 0, i->a);
    if (const_right(b, i->a, IR_XOR, &x, &k2))
        return ir_op2(b, IR_XOR, i->type, 0, x, ir_const(b, i->type, k ^ k2));
    if (ib_is(b, i->a, IR_NOT))
        return ir_op2(b, IR_XOR, i->type, 0, b->insn[i->a].a, ir_const(b, i->type, ~k & m));
    if (k == 1 && (ib_is(b, i->a, IR_ICMP) || ib_is(b, i->a, IR_FCMP)))
        return ib_invert(b, i->a);
    return IR_NONE;
}

static ir_ref fold_shift(struct ir_builder *b, struct ir_insn *i, uint64_t m)
{
    unsigned w = ib_width(i->type), n, n2;
    uint64_t k, k2;
    ir_ref x;

    /* the count is taken modulo the width: a mask that keeps its low bits says nothing */
    while (const_right(b, i->b, IR_AND, &x, &k) && (k & (w - 1)) == w - 1)
        i->b = x;
    while (ib_is(b, i->b, IR_ZEXT) || ib_is(b, i->b, IR_SEXT) || ib_is(b, i->b, IR_TRUNC))
        i->b = ib_resolve(b, b->insn[i->b].a);
    if (ib_const(b, i->a, &k) && k == 0)
        return i->a;
    if (!ib_const(b, i->b, &k))
        return IR_NONE;
    n = (unsigned)(k & (w - 1));
    if (n == 0)
        return i->a;
    if (i->op == IR_ROR)
        return ir_op2(b, IR_ROL, i->type, 0, i->a, ir_const(b, i->type, w - n));
    if (k != n)
        return ir_op2(b, i->op, i->type, 0, i->a, ir_const(b, i->type, n));
    if (i->op == IR_ROL) {
        if (const_right(b, i->a, IR_ROL, &x, &k2))
            return ir_op2(b, IR_ROL, i->type, 0, x, ir_const(b, i->type, (n + k2) & (w - 1)));
        return IR_NONE;
    }
    if (const_right(b, i->a, i->op, &x, &k2)) {
        n2 = n + (unsigned)(k2 & (w - 1));
        if (n2 < w)
            return ir_op2(b, i->op, i->type, 0, x, ir_const(b, i->type, n2));
        if (i->op == IR_SAR)
            return ir_op2(b, IR_SAR, i->type, 0, x, ir_const(b, i->type, w - 1));
        return ir_const(b, i->type, 0);
    }
    if (i->op == IR_SHL && const_right(b, i->a, IR_SHR, &x, &k2) && (k2 & (w - 1)) == n)
        return ir_op2(b, IR_AND, i->type, 0, x, ir_const(b, i->type, m << n & m));
    if (const_right(b, i->a, IR_SHL, &x, &k2) && (k2 & (w - 1)) == n) {
        unsigned keep = w - n;
        if (i->op == IR_SHR)
            return ir_op2(b, IR_AND, i->type, 0, x, ir_const(b, i->type, ib_mask(keep)));
        if (keep == 8 || keep == 16 || keep == 32)
            return ir_op1(b, IR_SEXT, i->type, (uint16_t)keep, x);
    }
    if (i->op != IR_SHL && (ib_possible_bits(b, i->a, 4) & (m << n & m)) == 0 &&
        (i->op == IR_SHR || (ib_possible_bits(b, i->a, 4) & (m ^ m >> 1)) == 0))
        return ir_const(b, i->type, 0);
    if (i->op == IR_SAR && (ib_possible_bits(b, i->a, 4) & (m ^ m >> 1)) == 0)
        return ir_op2(b, IR_SHR, i->type, 0, i->a, i->b);
    /* a field moved down: SHR of ZEXT/AND stays; SHR(TRUNC) stays */
    return IR_NONE;
}

static ir_ref fold_extend(struct ir_builder *b, struct ir_insn *i)
{
    unsigned w = ib_width(i->type), from = ib_width(b->insn[i->a].type);
    uint64_t p = ib_possible_bits(b, i->a, 4);
    struct ir_insn left, *o = &left; /* a copy: making values moves them */
    ir_ref x;

    if (i->aux >= w && from == w)
        return i->a;
    if (i->op == IR_SEXT && (p >> (i->aux - 1) & 1) == 0)
        return ir_op1(b, IR_ZEXT, i->type, i->aux, i->a);
    if (i->op == IR_ZEXT && (p & ~ib_mask(i->aux)) == 0) {
        if (from == w)
            return i->a;
        if (from == 32 && i->aux != 32) /* one form for widening */
            return ir_op1(b, IR_ZEXT, i->type, 32, i->a);
    }
    left = b->insn[i->a];
    x = ib_first_operand(b, o);
    if (o->op == IR_TRUNC && i->type == IR_I64 && b->insn[x].type == IR_I64)
        return ir_op1(b, i->op, IR_I64, i->aux, x); /* aux <= 32: the same bits */
    if ((o->op == IR_ZEXT || o->op == IR_SEXT) && o->aux >= i->aux &&
        (b->insn[x].type == i->type || i->type == IR_I64))
        return ir_op1(b, i->op, i->type, i->aux, x);
    if (o->op == IR_SEXT && i->op == IR_SEXT && o->aux <= i->aux)
        return ir_op1(b, IR_SEXT, i->type, o->aux, x);
    if (o->op == IR_AND) {
        uint64_t k;
        if (ib_const(b, ib_resolve(b, o->b), &k) && (k & ib_mask(i->aux)) == ib_mask(i->aux) &&
            b->insn[x].type == o->type)
            return ir_op1(b, i->op, i->type, i->aux, x);
    }
    return IR_NONE;
}

static ir_ref fold_trunc(struct ir_builder *b, struct ir_insn *i)
{
    const struct ir_insn left = b->insn[i->a], *o = &left; /* a copy: making values moves them */
    ir_ref x = ib_first_operand(b, o), y;

    switch (o->op) {
    case IR_ZEXT:
    case IR_SEXT:
        if (o->aux == 32)
            return b->insn[x].type == IR_I32 ? x : ir_op1(b, IR_TRUNC, IR_I32, 0, x);
        if (b->insn[x].type == IR_I32)
            return ir_op1(b, o->op, IR_I32, o->aux, x);
        return IR_NONE;
    case IR_ADD:
    case IR_SUB:
    case IR_AND:
    case IR_OR:
    case IR_XOR: {
        /* narrow the operation when both operands were widened */
        uint64_t k;
        enum ir_op op = o->op;
        y = ib_resolve(b, o->b);
        bool nx = (ib_is(b, x, IR_ZEXT) || ib_is(b, x, IR_SEXT)) && b->insn[x].aux == 32;
        bool ny = (ib_is(b, y, IR_ZEXT) || ib_is(b, y, IR_SEXT)) && b->insn[y].aux == 32;
        if ((nx || ib_const(b, x, &k)) && (ny || ib_const(b, y, &k))) {
            ir_ref tx = ir_op1(b, IR_TRUNC, IR_I32, 0, x), ty = ir_op1(b, IR_TRUNC, IR_I32, 0, y);
            return ir_op2(b, op, IR_I32, 0, tx, ty);
        }
        return IR_NONE;
    }
    default: return IR_NONE;
    }
}

static ir_ref fold_extract(struct ir_builder *b, struct ir_insn *i, uint64_t m)
{
    unsigned w = ib_width(i->type), pos = i->aux & 63, len = i->aux >> 8;
    const struct ir_insn left = b->insn[i->a], *o = &left; /* a copy: making values moves them */
    ir_ref x = ib_first_operand(b, o);

    if (len == 0 || pos >= w)
        return ir_const(b, i->type, 0);
    if (len > w - pos)
        len = w - pos;
    if (pos == 0)
        return ir_op2(b, IR_AND, i->type, 0, i->a, ir_const(b, i->type, ib_mask(len)));
    if (pos + len == w)
        return ir_op2(b, IR_SHR, i->type, 0, i->a, ir_const(b, i->type, pos));
    i->aux = (uint16_t)(len << 8 | pos);
    if ((ib_possible_bits(b, i->a, 3) >> pos & ib_mask(len) & m) == 0)
        return ir_const(b, i->type, 0);
    if (o->op == IR_INSERT) {
        unsigned ipos = o->aux & 63, ilen = o->aux >> 8;
        if (pos >= ipos && pos + len <= ipos + ilen)
            return ir_op1(b, IR_EXTRACT, i->type, (uint16_t)(len << 8 | (pos - ipos)), ib_resolve(b, o->b));
        if (pos + len <= ipos || pos >= ipos + ilen)
            return ir_op1(b, IR_EXTRACT, i->type, i->aux, x);
    }
    if (o->op == IR_EXTRACT) {
        unsigned opos = o->aux & 63, olen = o->aux >> 8;
        if (pos >= olen)
            return ir_const(b, i->type, 0);
        return ir_op1(b, IR_EXTRACT, i->type, (uint16_t)(MIN(len, olen - pos) << 8 | (opos + pos)), x);
    }
    return IR_NONE;
}

static ir_ref fold_insert(struct ir_builder *b, struct ir_insn *i)
{
    unsigned w = ib_width(i->type), pos = i->aux & 63, len = i->aux >> 8;
    const struct ir_insn left = b->insn[i->a], right = b->insn[i->b], *o = &left, *n = &right;
    uint64_t k;

    if (len == 0 || pos >= w)
        return i->a;
    if (len > w - pos)
        len = w - pos;
    i->aux = (uint16_t)(len << 8 | pos);
    if (len == w)
        return i->b;
    if (o->op == IR_INSERT) {
        unsigned ipos = o->aux & 63, ilen = o->aux >> 8;
        if (ipos >= pos && ipos + ilen <= pos + len)
            return ir_op2(b, IR_INSERT, i->type, i->aux, o->a, i->b);
    }
    /* bits of the field only are used */
    if ((n->op == IR_ZEXT || n->op == IR_SEXT) && n->aux >= len &&
        b->insn[ib_resolve(b, n->a)].type == i->type)
        return ir_op2(b, IR_INSERT, i->type, i->aux, i->a, n->a);
    if (n->op == IR_AND && ib_const(b, ib_resolve(b, n->b), &k) && (k & ib_mask(len)) == ib_mask(len))
        return ir_op2(b, IR_INSERT, i->type, i->aux, i->a, n->a);
    if (n->op == IR_EXTRACT && n->aux == i->aux && ib_resolve(b, n->a) == i->a)
        return i->a;
    if (pos == 0 && n == o)
        return i->a;
    if (ib_const(b, i->b, &k)) {
        uint64_t f = ib_mask(len) << pos;
        k = k << pos & f;
        if (k == 0)
            return ir_op2(b, IR_AND, i->type, 0, i->a, ir_const(b, i->type, ~f & ib_mask(w)));
        if (k == f)
            return ir_op2(b, IR_OR, i->type, 0, i->a, ir_const(b, i->type, f));
    }
    if (ib_const(b, i->a, &k) && k == 0 && pos == 0)
        return ir_op2(b, IR_AND, i->type, 0, i->b, ir_const(b, i->type, ib_mask(len)));
    return IR_NONE;
}

static ir_ref fold_float(struct ir_builder *b, struct ir_insn *i)
{
    const struct ir_insn left = b->insn[i->a], *o = &left; /* a copy: making values moves them */
    ir_ref x = ib_first_operand(b, o);

    switch (i->op) {
    case IR_BITCAST:
        if (o->op == IR_BITCAST && b->insn[x].type == i->type)
            return x;
        return IR_NONE;
    case IR_FLANE:
        if (o->op == IR_FSETLANE)
            return o->aux == i->aux ? ib_resolve(b, o->b) : ir_op1(b, IR_FLANE, IR_F32, i->aux, x);
        return IR_NONE;
    case IR_FSETLANE: {
        const struct ir_insn right = b->insn[i->b], *n = &right;
        if (n->op == IR_FLANE && n->aux == i->aux && ib_resolve(b, n->a) == i->a)
            return i->a;
        if (o->op == IR_FSETLANE && o->aux == i->aux)
            return ir_op2(b, IR_FSETLANE, IR_F64, i->aux, x, i->b);
        /* both halves set: one order */
        if (o->op == IR_FSETLANE && i->aux == 0 && o->aux == 1) {
            ir_ref low = ir_op2(b, IR_FSETLANE, IR_F64, 0, x, i->b);
            return ir_op2(b, IR_FSETLANE, IR_F64, 1, low, o->b);
        }
        /* both halves set: what was there before does not matter */
        if (o->op == IR_FSETLANE && i->aux == 1 && o->aux == 0 && !ib_is(b, x, IR_CONST)) {
            ir_ref low = ir_op2(b, IR_FSETLANE, IR_F64, 0, ir_const(b, IR_F64, 0), o->b);
            return ir_op2(b, IR_FSETLANE, IR_F64, 1, low, i->b);
        }
        return IR_NONE;
    }
    case IR_FNEG: return o->op == IR_FNEG ? x : IR_NONE;
    case IR_FABS:
        if (o->op == IR_FABS)
            return i->a;
        return o->op == IR_FNEG ? ir_op1(b, IR_FABS, i->type, 0, x) : IR_NONE;
    default: return IR_NONE;
    }
}

static bool commutes(unsigned op)
{
    switch (op) {
    case IR_ADD:
    case IR_MUL:
    case IR_MULHU:
    case IR_MULHS:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_ADC:
    case IR_CARRY:
    case IR_VADD:
    case IR_VMUL:
    case IR_VAND:
    case IR_VOR:
    case IR_VXOR:
    case IR_VADDS:
    case IR_VADDU:
    case IR_VMINS:
    case IR_VMAXS:
    case IR_VMINU:
    case IR_VMAXU:
    case IR_VAVGU:
    case IR_VCMPEQ: return true;
    default: return false;
    }
}

static bool is_lane_float(const struct ir_insn *i)
{
    return i->type == IR_V128 && (i->aux == IR_LF32 || i->aux == IR_LF64);
}

ir_ref ib_fold(struct ir_builder *b, struct ir_insn *i)
{
    unsigned args = ir_op_info[i->op].args;
    uint64_t k[3] = {0, 0, 0}, v, m = ib_mask(ib_width(i->type));
    bool constant = args > 0;

    for (unsigned n = 0; n < args && constant; n++)
        constant = ib_const(b, n == 0 ? i->a : n == 1 ? i->b : i->c, &k[n]);
    if (constant && i->type != IR_V128 && ib_eval(i, k[0], k[1], k[2], &v))
        return ir_const(b, i->type, v);
    /* constants to the right, else the older value left; NaN rules make float lanes ordered */
    if (commutes(i->op) && !is_lane_float(i) && !ib_is(b, i->b, IR_CONST) &&
        (ib_is(b, i->a, IR_CONST) || i->a > i->b))
        ib_swap_ab(i);
    switch (i->op) {
    case IR_ADD: return fold_add(b, i, m);
    case IR_SUB: return fold_sub(b, i, m);
    case IR_MUL: return fold_mul(b, i, m);
    case IR_MULHU: return ib_const(b, i->b, &v) && v <= 1 ? ir_const(b, i->type, 0) : IR_NONE;
    case IR_DIVU:
    case IR_DIVS:
    case IR_REMU:
    case IR_REMS: return fold_div(b, i, m);
    case IR_AND: {
        ir_ref relation = ib_fold_relation(b, i);
        return relation ? relation : fold_and(b, i, m);
    }
    case IR_OR: return fold_or(b, i, m);
    case IR_XOR: return fold_xor(b, i, m);
    case IR_ANDN:
        if (i->a == i->b)
            return ir_const(b, i->type, 0);
        if (ib_const(b, i->b, &v))
            return ir_op2(b, IR_AND, i->type, 0, i->a, ir_const(b, i->type, ~v & m));
        if (ib_const(b, i->a, &v) && v == 0)
            return i->a;
        if (ib_const(b, i->a, &v) && v == m)
            return ir_op1(b, IR_NOT, i->type, 0, i->b);
        return IR_NONE;
    case IR_NOT:
    case IR_NEG:
    case IR_BSWAP: return ib_is(b, i->a, i->op) ? ib_resolve(b, b->insn[i->a].a) : IR_NONE;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR: return fold_shift(b, i, m);
    case IR_ADC:
        if (ib_const(b, i->c, &v)) {
            ir_ref s = ir_op2(b, IR_ADD, i->type, 0, i->a, i->b);
            return ir_op2(b, IR_ADD, i->type, 0, s, ir_const(b, i->type, v));
        }
        return IR_NONE;
    case IR_SBB:
        if (ib_const(b, i->c, &v)) {
            ir_ref s = ir_op2(b, IR_SUB, i->type, 0, i->a, i->b);
            return ir_op2(b, IR_SUB, i->type, 0, s, ir_const(b, i->type, v));
        }
        return IR_NONE;
    case IR_CARRY:
        if (ib_const(b, i->b, &v) && v == 0 && ib_const(b, i->c, &v) && v == 0)
            return ir_const(b, IR_I32, 0);
        return IR_NONE;
    case IR_BORROW:
        if (ib_const(b, i->c, &v) && v == 0)
            return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(IR_LTU | i->aux << 8), i->a, i->b);
        return IR_NONE;
    case IR_SEXT:
    case IR_ZEXT: return fold_extend(b, i);
    case IR_TRUNC: return fold_trunc(b, i);
    case IR_EXTRACT: return fold_extract(b, i, m);
    case IR_INSERT: return fold_insert(b, i);
    case IR_ICMP: return ib_fold_icmp(b, i);
    case IR_SELECT: return ib_fold_select(b, i);
    case IR_BITCAST:
    case IR_FLANE:
    case IR_FSETLANE:
    case IR_FNEG:
    case IR_FABS: return fold_float(b, i);
    case IR_VPAIR: /* halves of one vector */
        if (ib_is(b, i->a, IR_VLANE) && ib_is(b, i->b, IR_VLANE) && b->insn[i->a].c == 0 && b->insn[i->b].c == 1) {
            ir_ref x = ib_resolve(b, b->insn[i->a].a);
            return x == ib_resolve(b, b->insn[i->b].a) ? x : IR_NONE;
        }
        return IR_NONE;
    case IR_VEXT: return i->c == 0 ? i->a : IR_NONE;
    case IR_VAND:
    case IR_VOR: return i->a == i->b ? i->a : IR_NONE;
    case IR_VSHL:
    case IR_VSHR:
    case IR_VSAR: return i->c == 0 ? i->a : IR_NONE;
    case IR_VLANE:
        if (ib_is(b, i->a, IR_VSETLANE) && b->insn[i->a].aux == i->aux && b->insn[i->a].c == i->c) {
            ir_ref x = ib_resolve(b, b->insn[i->a].b);
            if (b->insn[x].type == i->type && (i->aux == IR_L32 || i->aux == IR_L64 || i->aux >= IR_LF32))
                return x;
        }
        if (i->type == IR_F64 && ib_is(b, i->a, IR_VPAIR))
            return ib_resolve(b, i->c ? b->insn[i->a].b : b->insn[i->a].a);
        return IR_NONE;
    default: return IR_NONE;
    }
}
