/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finishing a region: which slots are dirty at each exit, redundant parameters, dead code, block order and
 * loops.
 */
#include "emulator/jit/ir_internal.h"

/* ------------------------------------------------------------------------------------------- operands */

static void resolve_operand(struct ir_builder *b, ir_ref *operand, void *data)
{
    *operand = ib_resolve(b, *operand);
}

void ib_resolve_all(struct ir_builder *b)
{
    for (uint32_t o = 0; o < b->n_order; o++) {
        struct ib_block *k = &b->block[b->order[o]];
        for (ir_ref v = k->phi_head; v; v = b->link[v].next)
            ib_each_operand(b, v, resolve_operand, NULL);
        for (ir_ref v = k->head; v; v = b->link[v].next)
            ib_each_operand(b, v, resolve_operand, NULL);
    }
    for (uint32_t n = 0; n < b->n_flushes; n++)
        for (uint32_t k = 0; k < b->flush[n].count; k++)
            b->snap[b->flush[n].first + k].value = ib_resolve(b, b->snap[b->flush[n].first + k].value);
}

/* ------------------------------------------------------------------------------------ order and loops */

static void visit(struct ir_builder *b, uint32_t *post, uint32_t *n_post, bool by_loop)
{
    /* depth first without recursion: (block, next successor) */
    uint32_t depth = 0;
    g_autofree uint32_t *stack = g_new(uint32_t, b->n_blocks);
    g_autofree uint8_t *next = g_new0(uint8_t, b->n_blocks);
    g_autofree uint8_t *seen = g_new0(uint8_t, b->n_blocks);

    stack[depth++] = 0;
    seen[0] = 1;
    while (depth) {
        uint32_t n = stack[depth - 1];
        struct ib_block *k = &b->block[n];
        if (next[n] >= k->n_succs) {
            post[(*n_post)++] = n;
            depth--;
            continue;
        }
        /* The successor visited last comes right after n.  That is the likely one, the one that stays in the
         * loop, the "else" one. */
        uint32_t at = next[n]++;
        if (k->n_succs == 2) {
            struct ib_block *s = &b->block[b->edge[k->succ[0]].to], *t = &b->block[b->edge[k->succ[1]].to];
            unsigned hint = b->insn[k->tail].aux;
            bool first_last = hint == 1;
            if (by_loop) {
                if (s->cold != t->cold)
                    first_last = t->cold;
                else if (hint == 0 && s->way_back != t->way_back)
                    first_last = s->way_back;
                else if (hint == 0 && s->loop_depth != t->loop_depth)
                    first_last = s->loop_depth > t->loop_depth;
            }
            if (first_last)
                at = 1 - at;
        }
        uint32_t to = b->edge[k->succ[at]].to;
        if (!seen[to]) {
            seen[to] = 1;
            stack[depth++] = to;
        }
    }
}

static void set_order(struct ir_builder *b, bool by_loop)
{
    uint32_t n = 0;
    g_autofree uint32_t *post = g_new(uint32_t, b->n_blocks);

    if (b->cap_order < b->n_blocks) {
        b->cap_order = b->cap_blocks;
        b->order = g_renew(uint32_t, b->order, b->cap_order);
    }
    visit(b, post, &n, by_loop);
    for (uint32_t k = 0; k < b->n_blocks; k++)
        b->block[k].rpo = ~0u;
    b->n_order = n;
    for (uint32_t k = 0; k < n; k++) {
        b->order[k] = post[n - 1 - k];
        b->block[b->order[k]].rpo = k;
    }
}

void ib_remove_pred(struct ir_builder *b, uint32_t block, uint32_t index)
{
    struct ib_block *k = &b->block[block];

    for (ir_ref p = k->phi_head; p; p = b->link[p].next)
        memmove(&b->arg[b->insn[p].a + index], &b->arg[b->insn[p].a + index + 1],
                (k->n_preds - index - 1) * sizeof *b->arg);
    memmove(&k->pred[index], &k->pred[index + 1], (k->n_preds - index - 1) * sizeof *k->pred);
    k->n_preds--;
    for (uint32_t n = index; n < k->n_preds; n++)
        b->edge[k->pred[n]].index = n;
}

static void set_loops(struct ir_builder *b)
{
    uint32_t n = b->n_order, total = 0, at = 0;
    g_autofree uint32_t *first = NULL, *pred = NULL, *idom = g_new(uint32_t, n),
                        *stack = g_new(uint32_t, n + 1);
    g_autofree uint32_t *mark = g_new0(uint32_t, n);

    for (uint32_t k = 0; k < n; k++)
        total += b->block[b->order[k]].n_preds;
    first = g_new(uint32_t, n + 1);
    pred = g_new(uint32_t, total + 1);
    for (uint32_t k = 0; k < n; k++) {
        struct ib_block *x = &b->block[b->order[k]];
        first[k] = at;
        for (uint32_t p = 0; p < x->n_preds; p++)
            pred[at++] = b->block[b->edge[x->pred[p]].from].rpo;
    }
    first[n] = at;
    ir_cfg_dominators(n, first, pred, idom);
    for (uint32_t k = 0; k < n; k++) {
        struct ib_block *x = &b->block[b->order[k]];
        x->dom = b->order[idom[k]];
        x->depth = k ? b->block[x->dom].depth + 1 : 0;
        x->loop_depth = 0;
        x->loop = ~0u;
    }
    /* natural loops, outer headers first: the innermost one is noted last */
    for (uint32_t h = 0; h < n; h++) {
        uint32_t depth = 0;
        bool found = false;
        for (uint32_t p = first[h]; p < first[h + 1]; p++) {
            uint32_t u = pred[p], d = u;
            while (d > h)
                d = idom[d];
            if (d != h || u < h)
                continue;
            found = true;
            if (u != h && mark[u] != h + 1) {
                mark[u] = h + 1;
                stack[depth++] = u;
            }
        }
        if (!found)
            continue;
        mark[h] = h + 1;
        b->block[b->order[h]].loop_depth++;
        b->block[b->order[h]].loop = b->order[h];
        while (depth) {
            uint32_t u = stack[--depth];
            b->block[b->order[u]].loop_depth++;
            b->block[b->order[u]].loop = b->order[h];
            for (uint32_t p = first[u]; p < first[u + 1]; p++)
                if (mark[pred[p]] != h + 1) {
                    mark[pred[p]] = h + 1;
                    stack[depth++] = pred[p];
                }
        }
    }
}

static void set_cold(struct ir_builder *b)
{
    for (uint32_t o = b->n_order; o-- > 0;) {
        struct ib_block *k = &b->block[b->order[o]];
        const struct ir_insn *t = &b->insn[k->tail];
        bool cold = false;

        if (t->op == IR_EXIT) {
            uint8_t kind = b->exit[t->b].kind;
            cold = kind == IR_EXIT_RAISE || kind == IR_EXIT_MEMORY;
        } else {
            cold = k->n_succs > 0;
            for (uint32_t s = 0; s < k->n_succs; s++) {
                struct ib_block *to = &b->block[b->edge[k->succ[s]].to];
                cold = cold && to->cold && to->rpo > o;
            }
        }
        if (!cold && k->n_preds) { /* every way in is unlikely */
            cold = true;
            for (uint32_t p = 0; p < k->n_preds && cold; p++) {
                const struct ir_insn *i = &b->insn[b->block[b->edge[k->pred[p]].from].tail];
                cold = i->op == IR_BRIF &&
                       ((i->aux == 1 && i->c == k->pred[p]) || (i->aux == 2 && i->b == k->pred[p]));
            }
        }
        k->cold = cold && b->order[o] > 1;
    }
}

void ib_order(struct ir_builder *b)
{
    set_order(b, false);
    for (uint32_t o = 0; o < b->n_order; o++) {
        struct ib_block *k = &b->block[b->order[o]];
        for (uint32_t p = k->n_preds; p-- > 0;)
            if (b->block[b->edge[k->pred[p]].from].rpo == ~0u)
                ib_remove_pred(b, b->order[o], p);
    }
    set_loops(b);
    set_cold(b);
    set_order(b, true);
    set_loops(b);
}

/* --------------------------------------------------------------------------------------- dirty slots */

#define DIRTY (-1)
#define CLEAN (-2)
#define ENTRY 0x80000000u /* local value: the one slot (low bits) has at the block's entry */

static bool masked(const uint64_t mask[3], uint32_t s)
{
    return mask[s >> 6] >> (s & 63) & 1;
}

/* What a block makes of each slot's state: DIRTY, CLEAN or that of a slot at its entry. */
static void transfer(const struct ir_builder *b, const struct ib_block *k, int16_t *tf)
{
    uint32_t n = b->n_slots;

    for (uint32_t s = 0; s < n; s++)
        tf[s] = (int16_t)s;
    for (uint32_t e = k->event_head; e; e = b->event[e].next) {
        const struct ib_event *v = &b->event[e];
        switch (v->kind) {
        case IB_PUT: tf[v->slot] = DIRTY; break;
        case IB_DISCARD: tf[v->slot] = CLEAN; break;
        case IB_FLUSHED:
            for (uint32_t s = 0; s < n; s++)
                if (masked(b->flush[v->value].mask, s))
                    tf[s] = CLEAN;
            break;
        case IB_FORGET:
            for (uint32_t s = 0; s < n; s++)
                tf[s] = CLEAN;
            break;
        case IB_BANK: {
            int16_t old[IR_MAX_SLOTS];
            memcpy(old, tf, n * sizeof *tf);
            for (uint32_t s = 0; s < n; s++) {
                int16_t f = b->bank[v->value + s];
                tf[s] = f < 0 ? CLEAN : old[f];
            }
            break;
        }
        default: break;
        }
    }
}

static void set_snapshot(struct ir_builder *b, uint32_t block, const uint8_t *dirty, const uint32_t *value,
                         const uint64_t *mask, uint32_t *first, uint32_t *count)
{
    uint32_t start, n = 0;
    struct ir_snap list[IR_MAX_SLOTS];

    for (uint32_t s = 0; s < b->n_slots; s++) {
        if (!dirty[s] || (mask && !masked(mask, s)))
            continue;
        ir_ref v = value[s] & ENTRY ? ib_read_entry(b, block, value[s] & ~ENTRY) : value[s];
        list[n++] = (struct ir_snap){.slot = s, .value = v};
    }
    start = b->n_snaps;
    while (b->cap_snaps < start + n) {
        b->cap_snaps = MAX(256u, b->cap_snaps * 2);
        b->snap = g_renew(struct ir_snap, b->snap, b->cap_snaps);
    }
    if (n)
        memcpy(b->snap + start, list, n * sizeof *list);
    b->n_snaps += n;
    *first = start;
    *count = n;
}

static void make_snapshots(struct ir_builder *b)
{
    uint32_t n = b->n_slots, nb = b->n_order;
    g_autofree int16_t *tf = g_new(int16_t, (size_t)nb * n + 1);
    g_autofree uint8_t *in = g_new0(uint8_t, (size_t)nb * n + 1);
    bool changed = true;

    for (uint32_t o = 0; o < nb; o++)
        transfer(b, &b->block[b->order[o]], tf + (size_t)o * n);
    while (changed) {
        changed = false;
        for (uint32_t o = 0; o < nb; o++) {
            const int16_t *t = tf + (size_t)o * n;
            const uint8_t *from = in + (size_t)o * n;
            const struct ib_block *k = &b->block[b->order[o]];
            for (uint32_t e = 0; e < k->n_succs; e++) {
                uint8_t *to = in + (size_t)b->block[b->edge[k->succ[e]].to].rpo * n;
                for (uint32_t s = 0; s < n; s++)
                    if (!to[s] && (t[s] == DIRTY || (t[s] >= 0 && from[t[s]]))) {
                        to[s] = 1;
                        changed = true;
                    }
            }
        }
    }
    for (uint32_t o = 0; o < nb; o++) {
        uint32_t block = b->order[o];
        uint8_t *dirty = in + (size_t)o * n;
        uint32_t value[IR_MAX_SLOTS];

        for (uint32_t s = 0; s < n; s++)
            value[s] = ENTRY | s;
        /* reading slots may append events (loads at the ends of earlier blocks), never remove */
        for (uint32_t e = b->block[block].event_head; e; e = b->event[e].next) {
            struct ib_event v = b->event[e];
            switch (v.kind) {
            case IB_PUT:
                dirty[v.slot] = 1;
                value[v.slot] = v.value;
                break;
            case IB_DISCARD: dirty[v.slot] = 0; break;
            case IB_LOADED: value[v.slot] = v.value; break;
            case IB_EXIT: {
                uint32_t first, count;
                set_snapshot(b, block, dirty, value, NULL, &first, &count);
                b->exit[v.value].first = first;
                b->exit[v.value].count = count;
                break;
            }
            case IB_FLUSHED: {
                uint32_t first, count;
                set_snapshot(b, block, dirty, value, b->flush[v.value].mask, &first, &count);
                b->flush[v.value].first = first;
                b->flush[v.value].count = count;
                for (uint32_t s = 0; s < n; s++)
                    if (masked(b->flush[v.value].mask, s))
                        dirty[s] = 0;
                break;
            }
            case IB_FORGET: memset(dirty, 0, n); break;
            case IB_BANK: {
                uint8_t was[IR_MAX_SLOTS];
                uint32_t old[IR_MAX_SLOTS];
                memcpy(was, dirty, n);
                memcpy(old, value, n * sizeof *value);
                for (uint32_t s = 0; s < n; s++) {
                    int16_t f = b->bank[v.value + s];
                    dirty[s] = f < 0 ? 0 : was[f];
                    if (f >= 0)
                        value[s] = old[f];
                }
                break;
            }
            default: break;
            }
        }
    }
}

/* ---------------------------------------------------------------------------------- redundant parameters
 *
 * Optimistic: every parameter is taken to equal the one value that reaches it, cycles included, until two
 * different values do. */
void ib_copy_params(struct ir_builder *b)
{
    uint32_t n_params = 0;
    g_autofree ir_ref *equal = NULL;
    bool changed = true;

    for (uint32_t o = 0; o < b->n_order; o++)
        for (ir_ref p = b->block[b->order[o]].phi_head; p; p = b->link[p].next)
            n_params++;
    if (!n_params)
        return;
    equal = g_new0(ir_ref, b->n_insns); /* of a parameter: 0 none yet */
    while (changed) {
        changed = false;
        for (uint32_t o = 0; o < b->n_order; o++) {
            const struct ib_block *k = &b->block[b->order[o]];
            for (ir_ref p = k->phi_head; p; p = b->link[p].next) {
                ir_ref same = IR_NONE;
                if (equal[p] == p)
                    continue;
                for (uint32_t a = 0; a < k->n_preds && same != p; a++) {
                    ir_ref v = ib_resolve(b, b->arg[b->insn[p].a + a]);
                    if (b->insn[v].op == IR_PARAM)
                        v = equal[v];
                    if (v == IR_NONE || v == same)
                        continue;
                    same = same == IR_NONE ? v : p;
                }
                if (same != equal[p]) {
                    /* once a value was seen, another one means a value of its own */
                    equal[p] = equal[p] == IR_NONE ? same : p;
                    changed = true;
                }
            }
        }
    }
    for (uint32_t o = 0; o < b->n_order; o++)
        for (ir_ref p = b->block[b->order[o]].phi_head, next; p; p = next) {
            next = b->link[p].next;
            if (equal[p] != p && equal[p] != IR_NONE) {
                b->fwd[p] = equal[p];
                ib_unlink(b, p);
            }
        }
}

/* ------------------------------------------------------------------------ slots that equal their memory */

struct slot_state {
    ir_ref memory; /* value known to be in memory; IR_NONE unknown; UNSEEN */
    bool dirty;
};
#define UNSEEN 0xffffffffu

static void step_slots(struct ir_builder *b, uint32_t block, struct slot_state *st, bool prune)
{
    uint32_t n = b->n_slots;

    for (uint32_t e = b->block[block].event_head; e; e = b->event[e].next) {
        const struct ib_event *v = &b->event[e];
        uint32_t *first, *count, kept = 0;
        switch (v->kind) {
        case IB_PUT: {
            ir_ref x = ib_resolve(b, v->value);
            st[v->slot].dirty = st[v->slot].memory != x;
            break;
        }
        case IB_LOADED:
            if (!st[v->slot].dirty)
                st[v->slot].memory = ib_resolve(b, v->value);
            break;
        case IB_FORGET:
            for (uint32_t s = 0; s < n; s++)
                st[s] = (struct slot_state){IR_NONE, false};
            break;
        case IB_BANK: {
            struct slot_state old[IR_MAX_SLOTS];
            memcpy(old, st, n * sizeof *st);
            for (uint32_t s = 0; s < n; s++) {
                int16_t f = b->bank[v->value + s];
                st[s] = f < 0 ? (struct slot_state){IR_NONE, false} : old[f];
            }
            break;
        }
        case IB_EXIT:
        case IB_FLUSHED:
            if (v->kind == IB_EXIT) {
                first = &b->exit[v->value].first;
                count = &b->exit[v->value].count;
            } else {
                first = &b->flush[v->value].first;
                count = &b->flush[v->value].count;
            }
            if (prune) {
                for (uint32_t k = 0; k < *count; k++)
                    if (st[b->snap[*first + k].slot].dirty)
                        b->snap[*first + kept++] = b->snap[*first + k];
                *count = kept;
            }
            if (v->kind == IB_FLUSHED)
                for (uint32_t k = 0; k < *count; k++) {
                    const struct ir_snap *x = &b->snap[*first + k];
                    if (st[x->slot].dirty)
                        st[x->slot] = (struct slot_state){x->value, false};
                }
            break;
        default: break;
        }
    }
}

static void prune_snapshots(struct ir_builder *b)
{
    uint32_t n = b->n_slots, nb = b->n_order, rounds = 0;
    g_autofree struct slot_state *in = g_new(struct slot_state, (size_t)nb * n + 1);
    struct slot_state st[IR_MAX_SLOTS];
    bool changed = true;

    for (size_t k = 0; k < (size_t)nb * n; k++)
        in[k] = (struct slot_state){UNSEEN, false};
    for (uint32_t s = 0; s < n; s++)
        in[s] = (struct slot_state){b->in[s] ? ib_resolve(b, b->in[s]) : IR_NONE, false};
    while (changed) {
        if (++rounds > 3 * n + 8) /* cannot be: each state falls at most three times */
            return;
        changed = false;
        for (uint32_t o = 0; o < nb; o++) {
            const struct ib_block *k = &b->block[b->order[o]];
            if (o && n && in[(size_t)o * n].memory == UNSEEN)
                continue;
            memcpy(st, in + (size_t)o * n, n * sizeof *st);
            step_slots(b, b->order[o], st, false);
            for (uint32_t e = 0; e < k->n_succs; e++) {
                uint32_t to = b->edge[k->succ[e]].to;
                struct slot_state *t = in + (size_t)b->block[to].rpo * n;
                for (uint32_t s = 0; s < n; s++) {
                    struct slot_state was = t[s];
                    if (t[s].memory == UNSEEN) {
                        t[s] = st[s];
                        changed = true;
                        continue;
                    }
                    t[s].dirty |= st[s].dirty;
                    if (t[s].memory != st[s].memory) {
                        /* both equal to the slot: then what is in memory is the slot's value here, if anybody
                         * asked */
                        ir_ref own = b->in[to * n + s];
                        own = own && b->block[to].n_preds > 1 ? ib_resolve(b, own) : IR_NONE;
                        t[s].memory = t[s].dirty || b->insn[own].op != IR_PARAM || b->link[own].block != to
                                          ? IR_NONE
                                          : own;
                    }
                    if (t[s].dirty && t[s].memory && b->insn[t[s].memory].op == IR_PARAM &&
                        t[s].memory == ib_resolve(b, b->in[to * n + s]) && b->link[t[s].memory].block == to)
                        t[s].memory = IR_NONE;
                    if (was.memory == IR_NONE)
                        t[s].memory = IR_NONE;
                    if (t[s].dirty != was.dirty || t[s].memory != was.memory)
                        changed = true;
                }
            }
        }
    }
    for (uint32_t o = 0; o < nb; o++) {
        memcpy(st, in + (size_t)o * n, n * sizeof *st);
        step_slots(b, b->order[o], st, true);
    }
}

/* -------------------------------------------------------------------------------------- loose ends */

static void drop_edge(struct ir_builder *b, uint32_t e)
{
    ib_remove_pred(b, b->edge[e].to, b->edge[e].index);
}

/* A conditional exit that is always taken ends its block; one that is never taken goes. */
void ib_fold_exits(struct ir_builder *b, uint32_t block)
{
    for (ir_ref v = b->block[block].head, next; v; v = next) {
        struct ir_insn *i = &b->insn[v];
        uint64_t k;
        next = b->link[v].next;
        if (i->op != IR_EXITIF || !ib_const(b, ib_resolve(b, i->a), &k))
            continue;
        if ((uint32_t)k == 0) {
            ib_unlink(b, v);
            continue;
        }
        i->op = IR_EXIT;
        i->a = 0;
        struct ib_block *x = &b->block[block];
        for (uint32_t s = 0; s < x->n_succs; s++)
            drop_edge(b, x->succ[s]);
        x->n_succs = 0;
        x->tail = v;
        b->link[v].next = 0;
        return;
    }
}

static void complete_blocks(struct ir_builder *b)
{
    g_assert(b->n_blocks > 1);
    for (uint32_t n = 1; n < b->n_blocks; n++)
        if (!b->block[n].started) {
            ir_block_start(b, n - 1);
            ir_exit(b, IR_EXIT_DIRECT, IR_HINT_NONE, b->block[n].pc, b->block[n].npc, IR_NONE, IR_NONE);
        }
    for (uint32_t n = 1; n < b->n_blocks; n++)
        ir_block_seal(b, n - 1);
    for (uint32_t n = 1; n < b->n_blocks; n++)
        ib_fold_exits(b, n);
}

static void settle_charges(struct ir_builder *b)
{
    b->n_guest_insns = 0;
    for (uint32_t n = 1; n < b->n_blocks; n++) {
        struct ib_block *k = &b->block[n];
        if (k->rpo == ~0u)
            continue;
        b->n_guest_insns += k->done;
        if (!k->charge)
            continue;
        if (!k->charged)
            k->charged = k->done;
        b->insn[k->charge].c = k->charged;
        if (!k->charged) {
            ib_unlink(b, k->charge);
            k->charge = 0;
        }
    }
    for (uint32_t e = 0; e < b->n_exits; e++) {
        const struct ib_exit_info *x = &b->exit_info[e];
        uint32_t charged = b->block[x->counted].charged;
        b->exit[e].refund = x->final                ? 0
                            : x->budget             ? charged
                            : charged > x->executed ? charged - x->executed
                                                    : 0;
    }
}

static void expand_flushes(struct ir_builder *b)
{
    for (uint32_t o = 0; o < b->n_order; o++)
        for (ir_ref v = b->block[b->order[o]].head, next; v; v = next) {
            next = b->link[v].next;
            if (b->insn[v].op != IR_NOP || b->insn[v].aux != IB_FLUSH)
                continue;
            const struct ib_flush *f = &b->flush[b->insn[v].a];
            for (uint32_t k = 0; k < f->count; k++) {
                const struct ir_snap *s = &b->snap[f->first + k];
                struct ir_insn i = {.op = IR_STSLOT, .aux = (uint16_t)s->slot, .a = s->value};
                ib_insert_before(b, ib_new(b, &i, 0), v);
            }
            ib_unlink(b, v);
        }
}

/* ------------------------------------------------------------------------------------------- dead code */

struct marks {
    uint8_t *live;
    ir_ref *stack;
    uint32_t depth;
};

static void mark_operand(struct ir_builder *b, ir_ref *operand, void *data)
{
    struct marks *m = data;

    if (!m->live[*operand]) {
        m->live[*operand] = 1;
        m->stack[m->depth++] = *operand;
    }
}

bool ib_is_root(const struct ir_builder *b, const struct ir_insn *i)
{
    if (b->guest->fp_flags_count && ir_raises_flags(i->op))
        return true;
    if (i->op == IR_CALL)
        return !(b->call[i->a].helper->flags & IR_HELPER_PURE);
    if (i->op == IR_LOAD) /* it may fault in user mode, and a unit's may read a device */
        return b->user_mode || b->unit;
    return (ir_op_info[i->op].flags & (IR_S | IR_T | IR_L)) != 0;
}

void ib_remove_dead(struct ir_builder *b)
{
    struct marks m = {g_new0(uint8_t, b->n_insns), g_new(ir_ref, b->n_insns), 0};

    for (uint32_t o = 0; o < b->n_order; o++)
        for (ir_ref v = b->block[b->order[o]].head; v; v = b->link[v].next)
            if (ib_is_root(b, &b->insn[v]))
                mark_operand(b, &v, &m);
    while (m.depth)
        ib_each_operand(b, m.stack[--m.depth], mark_operand, &m);
    for (uint32_t o = 0; o < b->n_order; o++) {
        struct ib_block *k = &b->block[b->order[o]];
        for (ir_ref v = k->phi_head, next; v; v = next) {
            next = b->link[v].next;
            if (!m.live[v])
                ib_unlink(b, v);
        }
        for (ir_ref v = k->head, next; v; v = next) {
            next = b->link[v].next;
            if (!m.live[v])
                ib_unlink(b, v);
        }
    }
    g_free(m.live);
    g_free(m.stack);
}

struct ir_region *ir_finish(struct ir_builder *b, bool optimise)
{
    complete_blocks(b);
    if (!optimise && ib_is_straight(b)) {
        ib_order_straight(b);
        ib_snapshots_straight(b);
        expand_flushes(b);
        settle_charges(b);
        ib_remove_dead_straight(b);
        return ib_pack(b);
    }
    ib_order(b);
    make_snapshots(b);
    ib_copy_params(b);
    ib_resolve_all(b);
    prune_snapshots(b);
    expand_flushes(b);
    settle_charges(b);
    if (optimise)
        ib_optimise(b);
    ib_remove_dead(b);
    return ib_pack(b);
}
