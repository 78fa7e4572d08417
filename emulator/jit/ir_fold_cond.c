/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folding of conditions: comparisons, what is chosen by them, and relations looked up in tables.
 */
#include "emulator/jit/ir_internal.h"

/* aux of ICMP with the operands' roles swapped, and with the result inverted. */
static const uint8_t swapped[] = {IR_EQ,  IR_NE,  IR_GTS, IR_LES, IR_GES,
                                  IR_LTS, IR_GTU, IR_LEU, IR_GEU, IR_LTU};
static const uint8_t inverted[] = {IR_NE,  IR_EQ,  IR_GES, IR_LTS, IR_GTS,
                                   IR_LES, IR_GEU, IR_LTU, IR_GTU, IR_LEU};

ir_ref ib_invert(struct ir_builder *b, ir_ref v)
{
    const struct ir_insn i = b->insn[v];
    if (i.op == IR_ICMP)
        return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(inverted[i.aux & 0xff] | (i.aux & 0xff00)), i.a, i.b);
    if (i.op == IR_FCMP)
        return ir_op2(b, IR_FCMP, IR_I32, i.aux ^ 15, i.a, i.b);
    return ir_op2(b, IR_ICMP, IR_I32, IR_EQ | IR_I32 << 8, v, ir_const(b, IR_I32, 0));
}

static bool is_boolean(const struct ir_builder *b, ir_ref v)
{
    return b->insn[v].type == IR_I32 && (ib_possible_bits(b, v, 3) & ~(uint64_t)1) == 0;
}

/* v for each relation that one FREL may give; false: it depends on something else. */
static bool by_relation(const struct ir_builder *b, ir_ref v, ir_ref *frel, uint32_t out[4], unsigned depth)
{
    const struct ir_insn *i = &b->insn[v];
    uint32_t x[4], y[4];
    uint64_t k;

    if (ib_const(b, v, &k)) {
        for (unsigned r = 0; r < 4; r++)
            out[r] = (uint32_t)k;
        return true;
    }
    if (i->op == IR_FREL && (!*frel || *frel == v)) {
        for (unsigned r = 0; r < 4; r++)
            out[r] = r;
        *frel = v;
        return true;
    }
    if (!depth || i->type != IR_I32 || (i->op != IR_AND && i->op != IR_SHL && i->op != IR_SHR) ||
        !by_relation(b, ib_resolve(b, i->a), frel, x, depth - 1) ||
        !by_relation(b, ib_resolve(b, i->b), frel, y, depth - 1))
        return false;
    for (unsigned r = 0; r < 4; r++)
        out[r] = i->op == IR_AND ? x[r] & y[r] : i->op == IR_SHL ? x[r] << (y[r] & 31) : x[r] >> (y[r] & 31);
    return true;
}

/* A bit looked up in tables by the relation of two numbers is a compare of them. */
ir_ref ib_fold_relation(struct ir_builder *b, const struct ir_insn *i)
{
    ir_ref frel = IR_NONE;
    uint32_t bit[4];
    uint64_t k;
    unsigned mask = 0;

    if (!ib_const(b, i->b, &k) || k != 1 || !ib_is(b, i->a, IR_SHR) || i->type != IR_I32 ||
        !by_relation(b, i->a, &frel, bit, 4) || !frel)
        return IR_NONE;
    for (unsigned r = 0; r < 4; r++)
        mask |= (bit[r] & 1) << r; /* IR_FEQ, IR_FLT, IR_FGT, IR_FUN */
    const struct ir_insn compare = b->insn[frel];
    return ir_op2(b, IR_FCMP, IR_I32, (uint16_t)((compare.aux & ~15u) | mask), compare.a, compare.b);
}

ir_ref ib_fold_icmp(struct ir_builder *b, struct ir_insn *i)
{
    unsigned cond = i->aux & 0xff, type = i->aux >> 8, w = ib_width(type);
    uint64_t k, k2, m = ib_mask(w), p;
    struct ir_insn left, *o = &left; /* a copy: making values moves them */
    ir_ref x;

    if (i->a == i->b)
        return ir_const(b, IR_I32, ib_compare(cond, type, 0, 0));
    if (ib_const(b, i->a, &k) || (!ib_const(b, i->b, &k) && i->a > i->b)) {
        ib_swap_ab(i);
        cond = swapped[cond];
        i->aux = (uint16_t)(cond | type << 8);
    }
    left = b->insn[i->a];
    x = ib_first_operand(b, o);
    if (!ib_const(b, i->b, &k)) {
        const struct ir_insn right = b->insn[i->b], *r = &right;
        /* comparing two widened values: compare what was widened */
        if ((o->op == IR_ZEXT || o->op == IR_SEXT) && r->op == o->op && o->aux == 32 && r->aux == 32 &&
            b->insn[x].type == IR_I32 && b->insn[ib_resolve(b, r->a)].type == IR_I32 &&
            (o->op == IR_ZEXT ? cond <= IR_NE || cond >= IR_LTU : true))
            return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(cond | IR_I32 << 8), x, r->a);
        return IR_NONE;
    }
    p = ib_possible_bits(b, i->a, 4) & m;
    switch (cond) {
    case IR_LTU:
        if (k == 0)
            return ir_const(b, IR_I32, 0);
        if (p < k)
            return ir_const(b, IR_I32, 1);
        if (k == 1)
            return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(IR_EQ | type << 8), i->a, ir_const(b, type, 0));
        break;
    case IR_GEU:
        if (k == 0)
            return ir_const(b, IR_I32, 1);
        if (p < k)
            return ir_const(b, IR_I32, 0);
        if (k == 1)
            return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(IR_NE | type << 8), i->a, ir_const(b, type, 0));
        break;
    case IR_LEU:
        if (p <= k)
            return ir_const(b, IR_I32, 1);
        return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(IR_LTU | type << 8), i->a, ir_const(b, type, k + 1));
    case IR_GTU:
        if (p <= k)
            return ir_const(b, IR_I32, 0);
        return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(IR_GEU | type << 8), i->a, ir_const(b, type, k + 1));
    case IR_LES:
        if (k == m >> 1)
            return ir_const(b, IR_I32, 1);
        return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(IR_LTS | type << 8), i->a,
                      ir_const(b, type, (k + 1) & m));
    case IR_GTS:
        if (k == m >> 1)
            return ir_const(b, IR_I32, 0);
        return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(IR_GES | type << 8), i->a,
                      ir_const(b, type, (k + 1) & m));
    case IR_LTS:
    case IR_GES:
        if ((p & (m ^ m >> 1)) == 0 && (k & (m ^ m >> 1)) != 0) /* never negative against negative */
            return ir_const(b, IR_I32, cond == IR_GES);
        if ((p & (m ^ m >> 1)) == 0 && k == 0)
            return ir_const(b, IR_I32, cond == IR_GES);
        if (k == (m ^ m >> 1))
            return ir_const(b, IR_I32, cond == IR_GES);
        break;
    case IR_EQ:
    case IR_NE:
        if (k & ~p)
            return ir_const(b, IR_I32, cond == IR_NE);
        if (o->op == IR_SUB && k == 0)
            return ir_op2(b, IR_ICMP, IR_I32, i->aux, x, o->b);
        if (o->op == IR_XOR && k == 0)
            return ir_op2(b, IR_ICMP, IR_I32, i->aux, x, o->b);
        if (o->op == IR_XOR && ib_const(b, ib_resolve(b, o->b), &k2))
            return ir_op2(b, IR_ICMP, IR_I32, i->aux, x, ir_const(b, type, k ^ k2));
        if (o->op == IR_ADD && ib_const(b, ib_resolve(b, o->b), &k2))
            return ir_op2(b, IR_ICMP, IR_I32, i->aux, x, ir_const(b, type, (k - k2) & m));
        if (o->op == IR_SUB && ib_const(b, x, &k2))
            return ir_op2(b, IR_ICMP, IR_I32, i->aux, o->b, ir_const(b, type, (k2 - k) & m));
        if (o->op == IR_NEG || o->op == IR_NOT)
            return ir_op2(b, IR_ICMP, IR_I32, i->aux, x,
                          ir_const(b, type, (o->op == IR_NEG ? 0 - k : ~k) & m));
        if (type == IR_I32 && p == 1) { /* a boolean against 0 or 1 */
            if ((k == 1) == (cond == IR_EQ))
                return i->a;
            if (o->op == IR_ICMP || o->op == IR_FCMP)
                return ib_invert(b, i->a);
            if (k == 1) /* one form */
                return ir_op2(b, IR_ICMP, IR_I32, IR_EQ | IR_I32 << 8, i->a, ir_const(b, IR_I32, 0));
        }
        if (o->op == IR_SELECT && ib_const(b, ib_resolve(b, o->b), &k2)) {
            uint64_t k3;
            if (ib_const(b, ib_resolve(b, o->c), &k3)) {
                bool yes = (k == k2) == (cond == IR_EQ), no = (k == k3) == (cond == IR_EQ);
                if (yes == no)
                    return ir_const(b, IR_I32, yes);
                return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)((yes ? IR_NE : IR_EQ) | IR_I32 << 8), x,
                              ir_const(b, IR_I32, 0));
            }
        }
        break;
    default: break;
    }
    /* against a constant, a widened 32-bit value compares as 32 bits */
    if (type == IR_I64 && (o->op == IR_ZEXT || o->op == IR_SEXT) && o->aux == 32 &&
        b->insn[x].type == IR_I32) {
        if (o->op == IR_ZEXT && k <= 0xffffffffu && (cond <= IR_NE || cond == IR_LTU || cond == IR_GEU))
            return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(cond | IR_I32 << 8), x, ir_const(b, IR_I32, k));
        if (o->op == IR_SEXT && ib_sext(k, 32) == k)
            return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(cond | IR_I32 << 8), x,
                          ir_const(b, IR_I32, k & 0xffffffffu));
    }
    return IR_NONE;
}

ir_ref ib_fold_select(struct ir_builder *b, struct ir_insn *i)
{
    uint64_t k, k2;
    const struct ir_insn left = b->insn[i->a], *o = &left; /* a copy: making values moves them */

    if (i->b == i->c)
        return i->b;
    if (ib_const(b, i->a, &k))
        return (k & 0xffffffffu) ? i->b : i->c;
    if (o->op == IR_ICMP && (o->aux >> 8) == IR_I32 && ib_const(b, ib_resolve(b, o->b), &k) && k == 0) {
        if ((o->aux & 0xff) == IR_NE)
            return ir_op3(b, IR_SELECT, i->type, 0, o->a, i->b, i->c);
        if ((o->aux & 0xff) == IR_EQ)
            return ir_op3(b, IR_SELECT, i->type, 0, o->a, i->c, i->b);
    }
    if ((i->type == IR_I32 || i->type == IR_I64) && ib_const(b, i->b, &k) && ib_const(b, i->c, &k2)) {
        ir_ref flag = IR_NONE;
        if (k == 1 && k2 == 0)
            flag = is_boolean(b, i->a)
                       ? i->a
                       : ir_op2(b, IR_ICMP, IR_I32, IR_NE | IR_I32 << 8, i->a, ir_const(b, IR_I32, 0));
        else if (k == 0 && k2 == 1)
            flag = ib_invert(b, i->a);
        if (flag)
            return i->type == IR_I32 ? flag : ir_op1(b, IR_ZEXT, IR_I64, 32, flag);
    }
    return IR_NONE;
}
