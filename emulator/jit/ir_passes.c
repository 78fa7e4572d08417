/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Optimisation of whole regions, for code that was seen to be hot: folding and value numbering along the
 * dominator tree, guards joined and taken out of loops, loads forwarded from what the block stored or loaded,
 * loop-invariant values moved up, branches on constants folded and chains of blocks merged.
 *
 * Floating point keeps its place and number of executions (sticky flags), apart from equal operations.
 */
#include "emulator/jit/ir_internal.h"

#define RANGE_MAX ((int)IR_GUARD_RANGE) /* bytes that a joined guard may cover: it fails where they cross a page */
#define CHARGE_MAX 200 /* guest instructions of merged blocks */
#define KNOWN_MAX  24  /* memory contents remembered at a time */

struct passes {
    bool kills;      /* some call may change mappings */
    bool fp_calls;   /* some call may change MXCSR */
    bool changed;    /* control flow */
    uint8_t *atomic; /* guards that atomic operations name: these take no offset */
};

/* base + offset; base IR_NONE: a constant address. */
static ir_ref split_address(const struct ir_builder *b, ir_ref address, int64_t *offset)
{
    const struct ir_insn *i = &b->insn[address];
    uint64_t k;

    if (ib_const(b, address, &k)) {
        *offset = (int64_t)k;
        return IR_NONE;
    }
    if (i->op == IR_ADD && ib_const(b, ib_resolve(b, i->b), &k)) {
        *offset = i->type == IR_I32 ? (int32_t)k : (int64_t)k;
        return ib_resolve(b, i->a);
    }
    *offset = 0;
    return address;
}

static void resolve_one(struct ir_builder *b, ir_ref *operand, void *data)
{
    *operand = ib_resolve(b, *operand);
}

/* -------------------------------------------------------------------------------- value numbering, guards */

static uint32_t guard_hash(ir_ref base, unsigned aux)
{
    return (base * 0x9e3779b9u ^ (aux & IR_MEM_WRITE)) >> (32 - IB_HASH_BITS);
}

/* A guard before this one that covers its bytes, or can be made to. */
static bool join_guard(struct ir_builder *b, struct passes *p, ir_ref v)
{
    struct ir_insn *i = &b->insn[v];
    int64_t offset;
    ir_ref base = split_address(b, i->a, &offset);
    uint32_t block = b->link[v].block, h = guard_hash(base, i->aux),
             other = guard_hash(base, i->aux | IR_MEM_WRITE);
    int lo = (int16_t)i->c, hi = (int16_t)(i->c >> 16);
    bool atomic = p->atomic[v];

    for (unsigned way = 0; way < (h == other ? 1u : 2u); way++)
        for (ir_ref g = b->hash[way ? other : h]; g; g = b->chain[g]) {
            struct ir_insn *o = &b->insn[g];
            int64_t their, by;
            unsigned align = IR_MEM_ALIGN_OF(i->aux);
            if (o->op != IR_GUARD || b->insn[o->a].type != b->insn[i->a].type ||
                split_address(b, o->a, &their) != base || b->fwd[g] != g)
                continue;
            if (!ib_dominates(b, b->link[g].block, block) ||
                (p->kills && (b->link[g].block != block || b->stamp[g] != b->stamp[v])))
                continue;
            if ((i->aux & IR_MEM_WRITE) > (o->aux & IR_MEM_WRITE))
                continue;
            by = offset - their;
            if (by < -RANGE_MAX || by > RANGE_MAX || (by && atomic))
                continue;
            if (by & ((1 << align) - 1)) /* the other's alignment says nothing of this one */
                continue;
            int new_lo = MIN((int16_t)o->c, lo + (int)by), new_hi = MAX((int16_t)(o->c >> 16), hi + (int)by);
            bool wider =
                new_lo != (int16_t)o->c || new_hi != (int16_t)(o->c >> 16) || align > IR_MEM_ALIGN_OF(o->aux);
            /* widening: only where this one would nearly always be reached, too */
            if (wider && (new_hi - new_lo > RANGE_MAX ||
                          b->block[b->link[g].block].loop_depth > b->block[block].loop_depth ||
                          (b->link[g].block != block && b->block[block].cold)))
                continue;
            if (wider && p->atomic[g])
                continue;
            if (align > IR_MEM_ALIGN_OF(o->aux))
                o->aux = (uint16_t)((o->aux & ~IR_MEM_ALIGN(7)) | IR_MEM_ALIGN(align));
            o->c = (uint32_t)(uint16_t)new_lo | (uint32_t)new_hi << 16;
            if (by == 0) {
                b->fwd[v] = g;
                p->atomic[g] |= atomic;
            } else {
                i->op = IR_NOP; /* its users add the distance and name g */
                i->aux = 0;
                i->a = g;
                i->c = (uint32_t)by;
            }
            ib_unlink(b, v);
            return true;
        }
    b->chain[v] = b->hash[h];
    b->hash[h] = v;
    return false;
}

/* User mode, where alignment is all that a guard checks: not again what an earlier one says of the same base.
 */
static void drop_alignment(struct ir_builder *b, ir_ref v)
{
    struct ir_insn *i = &b->insn[v];
    unsigned align = IR_MEM_ALIGN_OF(i->aux);
    int64_t offset, their;
    ir_ref base = split_address(b, i->a, &offset);
    uint32_t h = guard_hash(base, 0);

    if (!align)
        return;
    for (ir_ref g = b->hash[h]; g; g = b->chain[g]) {
        const struct ir_insn *o = &b->insn[g];
        if (o->op == IR_GUARD && IR_MEM_ALIGN_OF(o->aux) >= align &&
            b->insn[o->a].type == b->insn[i->a].type && split_address(b, o->a, &their) == base &&
            ((offset - their) & ((1 << align) - 1)) == 0 &&
            ib_dominates(b, b->link[g].block, b->link[v].block)) {
            i->aux &= (uint16_t)~IR_MEM_ALIGN(7);
            return;
        }
    }
    b->chain[v] = b->hash[h];
    b->hash[h] = v;
}

/* Accesses through a guard that joined another. */
static void follow_guard(struct ir_builder *b, struct ir_insn *i)
{
    if (i->op != IR_LOAD && i->op != IR_STORE)
        return;
    while (b->insn[i->a].op == IR_NOP) {
        i->c = (uint32_t)((int32_t)i->c + (int32_t)b->insn[i->a].c);
        i->a = ib_resolve(b, b->insn[i->a].a);
    }
}

static void number_block(struct ir_builder *b, struct passes *p, uint32_t block)
{
    for (ir_ref v = b->block[block].head, next; v; v = next) {
        next = b->link[v].next;
        ib_each_operand(b, v, resolve_one, NULL);
        follow_guard(b, &b->insn[v]);
        if (b->insn[v].op == IR_GUARD) {
            if (b->user_mode)
                drop_alignment(b, v);
            else
                join_guard(b, p, v);
            continue;
        }
        if (!(ir_op_info[b->insn[v].op].flags & IR_P) || b->insn[v].op == IR_CONST)
            continue;
        struct ir_insn i = b->insn[v];
        b->insert = v;
        b->current = block;
        b->fp_epoch = b->stamp[v];
        b->fp_here_only = p->fp_calls;
        ir_ref same = ib_fold(b, &i);
        if (!same)
            same = ib_find(b, &i, block);
        b->insert = 0;
        if (same) {
            b->fwd[v] = ib_resolve(b, same);
            ib_unlink(b, v);
            continue;
        }
        b->insn[v] = i;
        ib_enter(b, v);
    }
}

/* The table of values holds none but the constants, which stand before everything else. */
static void forget_values(struct ir_builder *b)
{
    memset(b->hash, 0, sizeof b->hash);
    memset(b->chain, 0, b->n_insns * sizeof *b->chain);
    for (ir_ref v = b->block[0].head; v; v = b->link[v].next)
        if (b->insn[v].op == IR_CONST)
            ib_enter(b, v);
}

static void number_values(struct ir_builder *b, struct passes *p)
{
    p->atomic = g_new0(uint8_t, b->n_insns);
    for (uint32_t o = 0; o < b->n_order; o++)
        for (ir_ref v = b->block[b->order[o]].head; v; v = b->link[v].next)
            if (b->insn[v].op == IR_CAS || b->insn[v].op == IR_XCHG || b->insn[v].op == IR_AADD)
                p->atomic[ib_resolve(b, b->insn[v].a)] = 1;
    forget_values(b);
    for (uint32_t o = 0; o < b->n_order; o++)
        number_block(b, p, b->order[o]);
    ib_resolve_all(b);
    for (uint32_t o = 0; o < b->n_order; o++)
        for (ir_ref v = b->block[b->order[o]].head; v; v = b->link[v].next)
            follow_guard(b, &b->insn[v]);
    g_clear_pointer(&p->atomic, g_free);
}

/* ------------------------------------------------------------------------------------- control flow */

static void fold_branches(struct ir_builder *b, struct passes *p)
{
    for (uint32_t o = 0; o < b->n_order; o++) {
        uint32_t block = b->order[o];
        struct ib_block *k = &b->block[block];
        struct ir_insn *t;
        uint64_t cond;
        unsigned had = k->n_succs;
        ib_fold_exits(b, block);
        p->changed = p->changed || k->n_succs != had;
        t = &b->insn[k->tail];
        if (t->op != IR_BRIF || !ib_const(b, ib_resolve(b, t->a), &cond))
            continue;
        uint32_t stay = (uint32_t)cond ? t->b : t->c, go = (uint32_t)cond ? t->c : t->b;
        ib_remove_pred(b, b->edge[go].to, b->edge[go].index);
        *t = (struct ir_insn){.op = IR_BR, .b = stay};
        k->succ[0] = stay;
        k->n_succs = 1;
        p->changed = true;
    }
}

/* Every exit that leaves out of this block gives back n more. */
static void refund_more(struct ir_builder *b, uint32_t block, uint32_t n)
{
    uint32_t last = ~0u;

    for (ir_ref v = b->block[block].head; v; v = b->link[v].next) {
        uint32_t e = ib_exit_of(&b->insn[v]);
        if (e == ~0u || e == last)
            continue;
        last = e; /* guards that share an exit follow one another */
        if (!b->exit_info[e].marked) {
            b->exit[e].refund += n;
            b->exit_info[e].marked = true;
        }
    }
    for (ir_ref v = b->block[block].head; v; v = b->link[v].next) {
        uint32_t e = ib_exit_of(&b->insn[v]);
        if (e != ~0u)
            b->exit_info[e].marked = false;
    }
}

static bool merge_into(struct ir_builder *b, uint32_t first, uint32_t second)
{
    struct ib_block *x = &b->block[first], *y = &b->block[second];
    ir_ref tail = x->tail;

    if (y->phi_head)
        return false;
    if (x->charge && y->charge) {
        uint32_t more = b->insn[y->charge].c;
        if (b->insn[x->charge].c + more > CHARGE_MAX)
            return false;
        refund_more(b, first, more);
        b->insn[x->charge].c += more;
        ib_unlink(b, y->charge);
        y->charge = 0;
    } else if (y->charge) {
        x->charge = y->charge; /* not the block's first any more: merged no further */
        x->late_charge = true;
    }
    ib_unlink(b, tail);
    for (ir_ref v = y->head; v; v = b->link[v].next) {
        uint32_t e = ib_exit_of(&b->insn[v]);
        b->link[v].block = first;
        if (e != ~0u)
            b->exit[e].block = first;
    }
    if (y->head) {
        b->link[y->head].prev = x->tail;
        if (x->tail)
            b->link[x->tail].next = y->head;
        else
            x->head = y->head;
        x->tail = y->tail;
    }
    x->n_succs = y->n_succs;
    for (unsigned s = 0; s < y->n_succs; s++) {
        x->succ[s] = y->succ[s];
        b->edge[y->succ[s]].from = first;
    }
    y->head = y->tail = 0;
    y->n_succs = y->n_preds = 0;
    return true;
}

static void merge_blocks(struct ir_builder *b, struct passes *p)
{
    for (uint32_t o = 1; o < b->n_order; o++) {
        uint32_t block = b->order[o];
        struct ib_block *k = &b->block[block];
        while (k->tail && b->insn[k->tail].op == IR_BR) {
            uint32_t to = b->edge[b->insn[k->tail].b].to;
            if (to == block || b->block[to].n_preds != 1 || (k->late_charge && b->block[to].charge) ||
                b->block[to].late_charge || !merge_into(b, block, to))
                break;
            p->changed = true;
        }
    }
}

/* -------------------------------------------------------------------------------------- memory contents */

struct known {
    ir_ref base, value;
    int64_t offset;
    uint16_t aux; /* size, byte order; of a load its sign */
    uint8_t type;
    bool stored; /* value's upper bits are not the memory's */
};

/* Can n bytes at p and m bytes at q, from one base, be the same memory?  Two pages may be one frame. */
static bool overlap(int64_t p, unsigned n, int64_t q, unsigned m)
{
    uint64_t d = (uint64_t)(q - p) & (JIT_PAGE_SIZE - 1);
    return d < n || d + m > JIT_PAGE_SIZE;
}

/* What a load gives that reads bytes known to hold k. */
static ir_ref forwarded(struct ir_builder *b, const struct known *k, const struct ir_insn *load)
{
    unsigned size = IR_MEM_SIZE(load->aux), bits = 8u << size;
    unsigned t = load->type;

    if (!k->stored)
        return k->type == t && k->aux == load->aux ? k->value : IR_NONE;
    if (k->type == t && (bits >= (t == IR_I32 ? 32u : 64u) || (t != IR_I32 && t != IR_I64)))
        return k->value;
    if ((t == IR_I32 || t == IR_I64) && (k->type == IR_I32 || (k->type == IR_I64 && t == IR_I64)))
        return ir_op1(b, load->aux & IR_MEM_SIGNED ? IR_SEXT : IR_ZEXT, t, (uint16_t)bits, k->value);
    if (t == IR_I32 && k->type == IR_I64) {
        ir_ref low = ir_op1(b, IR_TRUNC, IR_I32, 0, k->value);
        return bits == 32
                   ? low
                   : ir_op1(b, load->aux & IR_MEM_SIGNED ? IR_SEXT : IR_ZEXT, IR_I32, (uint16_t)bits, low);
    }
    if ((t == IR_F32 && k->type == IR_I32) || (t == IR_F64 && k->type == IR_I64))
        return ir_op1(b, IR_BITCAST, t, 0, k->value);
    if ((t == IR_I32 && k->type == IR_F32) || (t == IR_I64 && k->type == IR_F64))
        return ir_op1(b, IR_BITCAST, t, 0, k->value);
    return IR_NONE;
}

static void forward_block(struct ir_builder *b, uint32_t block)
{
    struct known known[KNOWN_MAX];
    unsigned n = 0, oldest = 0;

    for (ir_ref v = b->block[block].head, next; v; v = next) {
        struct ir_insn i;
        next = b->link[v].next;
        ib_each_operand(b, v, resolve_one, NULL);
        i = b->insn[v];
        switch (i.op) {
        case IR_LOAD:
        case IR_STORE: {
            unsigned size = 1u << IR_MEM_SIZE(i.aux);
            int64_t offset;
            ir_ref base, value = IR_NONE;
            if (b->insn[i.a].op != IR_GUARD)
                break;
            base = split_address(b, b->insn[i.a].a, &offset);
            offset += (int32_t)i.c;
            if (i.op == IR_LOAD) {
                for (unsigned k = 0; k < n && !value; k++) {
                    const struct known *x = &known[k];
                    if (x->base != base || x->offset != offset || ((x->aux ^ i.aux) & (7u | IR_MEM_BIG)))
                        continue;
                    b->insert = v;
                    b->current = block;
                    value = forwarded(b, x, &i);
                    b->insert = 0;
                }
                if (value) {
                    b->fwd[v] = ib_resolve(b, value);
                    ib_unlink(b, v);
                    break;
                }
            } else {
                unsigned kept = 0;
                for (unsigned k = 0; k < n; k++)
                    if (known[k].base == base &&
                        !overlap(offset, size, known[k].offset, 1u << IR_MEM_SIZE(known[k].aux)))
                        known[kept++] = known[k];
                n = kept;
            }
            unsigned at = n < KNOWN_MAX ? n++ : oldest++ % KNOWN_MAX;
            known[at] = (struct known){.base = base,
                                       .offset = offset,
                                       .aux = i.aux,
                                       .stored = i.op == IR_STORE,
                                       .value = i.op == IR_STORE ? i.b : v,
                                       .type = i.op == IR_STORE ? b->insn[i.b].type : i.type};
            break;
        }
        case IR_CALL:
        case IR_CALLIF:
            if (!(b->call[i.op == IR_CALL ? i.a : i.b].helper->flags & IR_HELPER_PURE))
                n = 0;
            break;
        case IR_CAS:
        case IR_XCHG:
        case IR_AADD:
        case IR_FENCE: n = 0; break;
        default: break;
        }
    }
}

/* ---------------------------------------------------------------------------------------------- loops */

/* Marks the blocks (by rpo) of the loop at header; false when it is none. */
static bool loop_body(const struct ir_builder *b, uint32_t header, uint8_t *in)
{
    g_autofree uint32_t *stack = g_new(uint32_t, b->n_order + 1);
    uint32_t depth = 0;
    bool found = false;

    memset(in, 0, b->n_order);
    in[b->block[header].rpo] = 1;
    for (uint32_t p = 0; p < b->block[header].n_preds; p++) {
        uint32_t from = b->edge[b->block[header].pred[p]].from;
        if (!ib_dominates(b, header, from))
            continue;
        found = true;
        if (!in[b->block[from].rpo]) {
            in[b->block[from].rpo] = 1;
            stack[depth++] = from;
        }
    }
    while (depth) {
        const struct ib_block *k = &b->block[stack[--depth]];
        for (uint32_t p = 0; p < k->n_preds; p++) {
            uint32_t from = b->edge[k->pred[p]].from;
            if (!in[b->block[from].rpo]) {
                in[b->block[from].rpo] = 1;
                stack[depth++] = from;
            }
        }
    }
    return found;
}

/* Worth a register across the loop: not what folds into its user or costs nothing. */
static bool worth_moving(const struct ir_builder *b, const struct ir_insn *i)
{
    switch (i->op) {
    case IR_MUL:
    case IR_MULHU:
    case IR_MULHS:
    case IR_DIVU:
    case IR_DIVS:
    case IR_REMU:
    case IR_REMS:
    case IR_BSWAP:
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT:
    case IR_INSERT: return true;
    case IR_ADD:
    case IR_SUB:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_ANDN:
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR: return !ib_is(b, i->b, IR_CONST);
    case IR_VSPLAT:
    case IR_VPERM:
    case IR_VPAIR:
    case IR_VZIPL:
    case IR_VZIPH:
    case IR_VEXT:
    case IR_VREV:
    case IR_VWIDENS:
    case IR_VWIDENU:
    case IR_VAND:
    case IR_VOR:
    case IR_VXOR:
    case IR_VANDN: return true;
    default: return false;
    }
}

struct inside {
    const uint8_t *in;
    bool all_outside;
};

static void see_operand(struct ir_builder *b, ir_ref *operand, void *data)
{
    struct inside *s = data;
    uint32_t rpo = b->block[b->link[*operand].block].rpo;

    if (rpo != ~0u && s->in[rpo])
        s->all_outside = false;
}

static void move_before_end(struct ir_builder *b, ir_ref v, uint32_t block)
{
    ib_unlink(b, v);
    ib_insert_last(b, v, block);
}

/* The only edge into the loop from outside, from a block that goes nowhere else; or ~0. */
static uint32_t way_in(const struct ir_builder *b, uint32_t header, const uint8_t *in)
{
    uint32_t edge = ~0u;

    for (uint32_t p = 0; p < b->block[header].n_preds; p++) {
        uint32_t e = b->block[header].pred[p];
        if (in[b->block[b->edge[e].from].rpo])
            continue;
        if (edge != ~0u)
            return ~0u;
        edge = e;
    }
    if (edge == ~0u || b->block[b->edge[edge].from].n_succs != 1)
        return ~0u;
    return edge;
}

/* A copy of an exit of the block that the edge leads to, as it is at the end of the edge's beginning: parameters are
 * what the edge gives them. */
static uint32_t exit_on_edge(struct ir_builder *b, uint32_t exit, uint32_t edge)
{
    uint32_t first = b->n_snaps, count = b->exit[exit].count, copy = b->n_exits, to = b->edge[edge].to;

    IB_GROW(b->exit, copy, b->cap_exits);
    IB_GROW(b->exit_info, copy, b->cap_exit_info);
    while (b->cap_snaps < first + count) {
        b->cap_snaps = MAX(256u, b->cap_snaps * 2);
        b->snap = g_renew(struct ir_snap, b->snap, b->cap_snaps);
    }
    b->exit[copy] = b->exit[exit];
    b->exit_info[copy] = (struct ib_exit_info){0};
    b->exit[copy].block = b->edge[edge].from;
    b->exit[copy].first = first;
    for (uint32_t n = 0; n < count; n++) {
        struct ir_snap x = b->snap[b->exit[exit].first + n];
        if (ib_is(b, x.value, IR_PARAM) && b->insn[x.value].b == to)
            x.value = ib_resolve(b, b->arg[b->insn[x.value].a + b->edge[edge].index]);
        b->snap[first + n] = x;
    }
    b->n_snaps += count;
    b->n_exits++;
    return copy;
}

/* A guard of the header's own, checked in each round, goes before the loop: its exit there is the header's
 * state on the way in. */
static void lift_guards(struct ir_builder *b, const struct passes *p, uint32_t header, const uint8_t *in)
{
    uint32_t edge = way_in(b, header, in), exit = ~0u, budget;
    struct ib_block *k = &b->block[header];

    if (edge == ~0u || p->kills || b->user_mode || !k->charge || k->late_charge || k->head != k->charge)
        return;
    budget = b->insn[k->charge].b;
    for (ir_ref v = k->head, next; v; v = next) {
        struct inside s = {in, true};
        struct ir_insn *i = &b->insn[v];
        next = b->link[v].next;
        if (i->op == IR_EXITIF) /* what follows may not be reached */
            break;
        if (i->op != IR_GUARD)
            continue;
        see_operand(b, &i->a, &s);
        int64_t offset;
        ir_ref base = split_address(b, i->a, &offset);
        if (!s.all_outside && base) {
            s.all_outside = true;
            see_operand(b, &base, &s);
            if (s.all_outside) { /* base + constant: goes along */
                move_before_end(b, i->a, b->edge[edge].from);
            }
        }
        if (!s.all_outside)
            continue;
        if (exit == ~0u) {
            exit = exit_on_edge(b, budget, edge);
            b->exit[exit].kind = IR_EXIT_MEMORY;
            b->exit[exit].refund = 0;
        }
        b->insn[v].b = exit;
        move_before_end(b, v, b->edge[edge].from);
    }
}

static void move_invariants(struct ir_builder *b, const struct passes *p)
{
    g_autofree uint8_t *in = g_new(uint8_t, b->n_order + 1);

    for (uint32_t o = b->n_order; o-- > 1;) { /* inner loops first */
        uint32_t header = b->order[o], above;
        if (b->block[header].loop != header || !loop_body(b, header, in))
            continue;
        above = b->block[header].dom;
        for (uint32_t k = o; k < b->n_order; k++) {
            if (!in[k] || b->block[b->order[k]].cold)
                continue;
            for (ir_ref v = b->block[b->order[k]].head, next; v; v = next) {
                struct inside s = {in, true};
                next = b->link[v].next;
                if (!worth_moving(b, &b->insn[v]))
                    continue;
                ib_each_operand(b, v, see_operand, &s);
                if (s.all_outside)
                    move_before_end(b, v, above);
            }
        }
        lift_guards(b, p, header, in);
    }
}

/* ---------------------------------------------------------------------------------------------- charges
 *
 * What a loop's header charges is charged on the ways to it, its look at the budget with it: that exit then tells of
 * the values which the ways give to the header's parameters, and parameters that nobody else reads need not be. */

#define CHARGED_WAYS_MAX 4

/* A block in the middle of the edge, with a charge as the header's is there. */
static void charge_edge(struct ir_builder *b, uint32_t e, uint32_t exit, uint32_t charged)
{
    uint32_t to = b->edge[e].to, index = b->edge[e].index, f = b->n_edges;
    uint32_t copy = exit_on_edge(b, exit, e), n = ir_block_new(b, b->block[to].pc, b->block[to].npc) + 1;
    struct ib_block *k = &b->block[n];

    b->exit[copy].block = n;
    IB_GROW(b->edge, f, b->cap_edges);
    b->n_edges++;
    b->edge[f] = (struct ib_edge){.from = n, .to = to, .index = index};
    b->block[to].pred[index] = f;
    IB_GROW(k->pred, 0, k->cap_preds);
    k->pred[k->n_preds++] = e;
    k->succ[k->n_succs++] = f;
    b->edge[e].to = n;
    b->edge[e].index = 0;
    k->started = k->sealed = k->terminated = true;
    k->on_edge = true;
    k->way_back = b->block[b->edge[e].from].rpo >= b->block[to].rpo;
    k->charged = charged;
    k->charge = ib_new(b, &(struct ir_insn){.op = IR_CHARGE, .b = copy, .c = charged}, n);
    ib_append(b, k->charge, n);
    ib_append(b, ib_new(b, &(struct ir_insn){.op = IR_BR, .b = f}, n), n);
}

static void charge_loops(struct ir_builder *b)
{
    uint32_t n_blocks = b->n_order;
    bool changed = false;

    for (uint32_t o = 1; o < n_blocks; o++) {
        uint32_t header = b->order[o];
        const struct ib_block *k = &b->block[header];
        ir_ref v = k->charge;
        if (k->loop != header || !v || k->late_charge || k->head != v || !k->phi_head || k->n_preds > CHARGED_WAYS_MAX)
            continue;
        for (uint32_t p = 0; p < b->block[header].n_preds; p++)
            charge_edge(b, b->block[header].pred[p], b->insn[v].b, b->insn[v].c);
        ib_unlink(b, v);
        b->block[header].charge = 0;
        changed = true;
    }
    if (changed)
        ib_order(b);
}

/* ----------------------------------------------------------------------------------------------------- */

static void survey(const struct ir_builder *b, struct passes *p)
{
    for (uint32_t o = 0; o < b->n_order; o++)
        for (ir_ref v = b->block[b->order[o]].head; v; v = b->link[v].next) {
            const struct ir_insn *i = &b->insn[v];
            if (i->op != IR_CALL && i->op != IR_CALLIF)
                continue;
            const struct ir_helper *h = b->call[i->op == IR_CALL ? i->a : i->b].helper;
            p->kills = p->kills || !ib_keeps_mappings(h);
            p->fp_calls = p->fp_calls || (h->flags & IR_HELPER_FP);
        }
}

static void reorder(struct ir_builder *b)
{
    ib_order(b);
    ib_copy_params(b);
    ib_resolve_all(b);
}

void ib_optimise(struct ir_builder *b)
{
    struct passes p = {0};

    survey(b, &p);
    for (unsigned round = 0; round < 3; round++) {
        p.changed = false;
        number_values(b, &p);
        fold_branches(b, &p);
        if (p.changed)
            reorder(b);
        bool folded = p.changed;
        p.changed = false;
        merge_blocks(b, &p);
        if (p.changed)
            reorder(b);
        if (!folded && !p.changed)
            break;
    }
    forget_values(b); /* what stands further down is not there yet where a load is replaced */
    for (uint32_t o = 0; o < b->n_order; o++)
        forward_block(b, b->order[o]);
    ib_resolve_all(b);
    move_invariants(b, &p);
    number_values(b, &p);
    charge_loops(b);
}
