/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The IR builder: what front ends and the region driver call while a region is made.  SSA form is made on the
 * fly (Braun et al., "Simple and Efficient Construction of Static Single Assignment Form", 2013): each block
 * knows the value of a slot at its entry and at its end as far as anybody asked; parameters of blocks that
 * are not sealed get their arguments when the block is.
 */
#include "emulator/jit/ir_internal.h"

const struct ir_op_info ir_op_info[IR_N_OPS] = {
#define X(name, args, flags) [IR_##name] = {#name, args, flags},
    IR_OPS(X)
#undef X
};

/* --------------------------------------------------------------------------------------------- storage */

struct ir_builder *ir_builder_create(void)
{
    struct ir_builder *b = g_new0(struct ir_builder, 1);
    return b;
}

void ir_builder_destroy(struct ir_builder *b)
{
    if (!b)
        return;
    g_free(b->insn);
    g_free(b->link);
    g_free(b->fwd);
    g_free(b->chain);
    g_free(b->stamp);
    for (uint32_t n = 0; n < b->cap_blocks; n++)
        g_free(b->block[n].pred);
    g_free(b->block);
    g_free(b->in);
    g_free(b->out);
    g_free(b->edge);
    g_free(b->arg);
    g_free(b->exit);
    g_free(b->exit_info);
    g_free(b->snap);
    g_free(b->call);
    g_free(b->event);
    g_free(b->flush);
    g_free(b->bank);
    g_free(b->order);
    g_free(b->store);
    g_free(b->scratch);
    g_free(b);
}

void *ib_scratch(struct ir_builder *b, size_t size)
{
    if (size > b->cap_scratch) {
        b->cap_scratch = size * 2;
        g_free(b->scratch);
        b->scratch = g_malloc(b->cap_scratch);
    }
    return memset(b->scratch, 0, size);
}

ir_ref ib_new(struct ir_builder *b, const struct ir_insn *i, uint32_t block)
{
    if (b->n_insns >= b->cap_insns) {
        b->cap_insns = MAX(256u, b->cap_insns * 2);
        b->insn = g_renew(struct ir_insn, b->insn, b->cap_insns);
        b->link = g_renew(struct ib_link, b->link, b->cap_insns);
        b->fwd = g_renew(uint32_t, b->fwd, b->cap_insns);
        b->chain = g_renew(uint32_t, b->chain, b->cap_insns);
        b->stamp = g_renew(uint32_t, b->stamp, b->cap_insns);
    }
    ir_ref v = b->n_insns++;
    b->insn[v] = *i;
    b->link[v] = (struct ib_link){.block = block};
    b->fwd[v] = v;
    b->chain[v] = 0;
    b->stamp[v] = 0;
    return v;
}

void ib_append(struct ir_builder *b, ir_ref v, uint32_t block)
{
    struct ib_block *k = &b->block[block];

    b->link[v] = (struct ib_link){.prev = k->tail, .next = 0, .block = block};
    if (k->tail)
        b->link[k->tail].next = v;
    else
        k->head = v;
    k->tail = v;
}

void ib_insert_before(struct ir_builder *b, ir_ref v, ir_ref before)
{
    uint32_t block = b->link[before].block, prev = b->link[before].prev;

    b->link[v] = (struct ib_link){.prev = prev, .next = before, .block = block};
    b->link[before].prev = v;
    if (prev)
        b->link[prev].next = v;
    else
        b->block[block].head = v;
}

void ib_insert_last(struct ir_builder *b, ir_ref v, uint32_t block)
{
    ir_ref tail = b->block[block].tail;

    if (tail && (ir_op_info[b->insn[tail].op].flags & IR_T))
        ib_insert_before(b, v, tail);
    else
        ib_append(b, v, block);
}

void ib_unlink(struct ir_builder *b, ir_ref v)
{
    struct ib_link *l = &b->link[v];
    struct ib_block *k = &b->block[l->block];
    bool phi = b->insn[v].op == IR_PARAM;

    if (l->prev)
        b->link[l->prev].next = l->next;
    else if (phi)
        k->phi_head = l->next;
    else
        k->head = l->next;
    if (l->next)
        b->link[l->next].prev = l->prev;
    else if (phi)
        k->phi_tail = l->prev;
    else
        k->tail = l->prev;
    l->prev = l->next = 0;
}

ir_ref ib_emit(struct ir_builder *b, const struct ir_insn *i);

static uint32_t new_block(struct ir_builder *b, uint64_t pc, uint64_t npc)
{
    uint32_t n = b->n_blocks, old = b->cap_blocks;

    if (n >= b->cap_blocks) {
        b->cap_blocks = MAX(32u, old * 2);
        b->block = g_renew(struct ib_block, b->block, b->cap_blocks);
        memset(b->block + old, 0, (b->cap_blocks - old) * sizeof *b->block);
    }
    if ((n + 1) * b->n_slots > b->cap_inout) {
        b->cap_inout = MAX((n + 1) * b->n_slots, b->cap_inout * 2);
        b->in = g_renew(ir_ref, b->in, b->cap_inout);
        b->out = g_renew(ir_ref, b->out, b->cap_inout);
    }
    memset(b->in + n * b->n_slots, 0, b->n_slots * sizeof *b->in);
    memset(b->out + n * b->n_slots, 0, b->n_slots * sizeof *b->out);
    struct ib_block *k = &b->block[n];
    uint32_t *pred = k->pred, cap = k->cap_preds;
    *k = (struct ib_block){.pc = pc, .npc = npc, .pred = pred, .cap_preds = cap, .rpo = ~0u, .loop = ~0u};
    b->n_blocks++;
    return n;
}

uint32_t ib_new_edge(struct ir_builder *b, uint32_t from, uint32_t to)
{
    struct ib_block *k = &b->block[to];

    g_assert(!k->sealed);
    IB_GROW(b->edge, b->n_edges, b->cap_edges);
    IB_GROW(k->pred, k->n_preds, k->cap_preds);
    b->edge[b->n_edges] = (struct ib_edge){.from = from, .to = to, .index = k->n_preds};
    k->pred[k->n_preds++] = b->n_edges;
    b->block[from].succ[b->block[from].n_succs++] = b->n_edges;
    return b->n_edges++;
}

/* The edge becomes the first one of `to`; it was its old target's only one. */
void ib_move_edge(struct ir_builder *b, uint32_t e, uint32_t to)
{
    struct ib_block *from = &b->block[b->edge[e].to], *k = &b->block[to];

    g_assert(from->n_preds == 1 && !from->sealed && !k->n_preds);
    from->n_preds = 0;
    IB_GROW(k->pred, k->n_preds, k->cap_preds);
    k->pred[k->n_preds++] = e;
    b->edge[e].to = to;
    b->edge[e].index = 0;
}

void ir_begin(struct ir_builder *b, const struct jit_guest *guest, uint64_t pc, uint64_t npc, uint32_t mode,
              bool user_mode)
{
    b->guest = guest;
    b->pc = pc;
    b->npc = npc;
    b->mode = mode;
    b->user_mode = user_mode;
    b->unit = false;
    b->n_slots = guest->n_slots;
    b->n_insns = b->n_blocks = b->n_edges = b->n_args = b->n_exits = b->n_snaps = b->n_calls = 0;
    b->n_events = b->n_flushes = b->n_bank = b->n_order = b->n_params = 0;
    b->guard_epoch = b->fp_epoch = b->serial = 0;
    b->memory_exit = ~0u;
    b->here_pc = pc;
    b->here_npc = npc;
    b->here_npc_ref = IR_NONE;
    b->join = b->held = 0;
    b->closed = b->fp_here_only = false;
    b->insert = 0;
    memset(b->hash, 0, sizeof b->hash);
    ib_new(b, &(struct ir_insn){.op = IR_NOP}, 0);
    IB_GROW(b->event, b->n_events, b->cap_events);
    b->event[b->n_events++] = (struct ib_event){0}; /* event 0: none */
    new_block(b, pc, npc);
    b->block[0].started = b->block[0].sealed = true;
    b->current = b->counted = 0;
}

void ir_set_unit(struct ir_builder *b)
{
    b->unit = true;
}

uint32_t ir_block_new(struct ir_builder *b, uint64_t pc, uint64_t npc)
{
    uint32_t n = new_block(b, pc, npc);

    if (n == 1) {
        uint32_t e = ib_new_edge(b, 0, 1);
        ir_ref v = ib_new(b, &(struct ir_insn){.op = IR_BR, .b = e}, 0);
        ib_append(b, v, 0);
        b->block[0].terminated = true;
    }
    return n - 1;
}

void ir_block_start(struct ir_builder *b, uint32_t block)
{
    uint32_t n = block + 1;
    struct ib_block *k = &b->block[n];

    g_assert(n < b->n_blocks && !k->started);
    k->started = true;
    b->current = b->counted = n;
    b->closed = false;
    b->memory_exit = ~0u;
    b->here_pc = k->pc;
    b->here_npc = k->npc;
    b->here_npc_ref = IR_NONE;
    b->serial++;
    k->dom = 0;
    if (k->sealed && k->n_preds) {
        /* the nearest block that is known to dominate all predecessors */
        uint32_t d = b->edge[k->pred[0]].from;
        for (uint32_t p = 1; p < k->n_preds; p++) {
            uint32_t e = b->edge[k->pred[p]].from;
            while (d != e) {
                if (b->block[d].depth >= b->block[e].depth)
                    d = b->block[d].dom;
                else
                    e = b->block[e].dom;
            }
        }
        k->dom = d;
    }
    k->depth = b->block[k->dom].depth + 1;
}


/* After a terminator the front end may go on making values: they land in a block that nothing reaches. */
uint32_t ib_here(struct ir_builder *b)
{
    if (b->held)
        ib_meet(b);
    if (b->block[b->current].terminated && !b->insert) {
        b->current = new_block(b, b->here_pc, b->here_npc);
        b->block[b->current].started = b->block[b->current].sealed = true;
        b->block[b->current].depth = 1;
        b->closed = true;
        b->memory_exit = ~0u;
    }
    return b->current;
}

bool ir_block_open(const struct ir_builder *b)
{
    return !b->closed && !b->block[b->current].terminated;
}

ir_ref ib_emit(struct ir_builder *b, const struct ir_insn *i)
{
    uint32_t block = ib_here(b);
    ir_ref v = ib_new(b, i, block);

    ib_append(b, v, block);
    return v;
}

void ib_event(struct ir_builder *b, uint32_t block, enum ib_event_kind kind, unsigned slot,
                  uint32_t value)
{
    struct ib_block *k = &b->block[block];
    uint32_t n = b->n_events;

    IB_GROW(b->event, n, b->cap_events);
    b->event[n] = (struct ib_event){.kind = (uint16_t)kind, .slot = (uint16_t)slot, .value = value};
    b->n_events++;
    if (k->event_tail)
        b->event[k->event_tail].next = n;
    else
        k->event_head = n;
    k->event_tail = n;
}

/* ------------------------------------------------------------------------------------------------- SSA */

static ir_ref read_out(struct ir_builder *b, uint32_t block, uint32_t slot);

static ir_ref load_slot(struct ir_builder *b, uint32_t slot, uint32_t block)
{
    struct ir_insn i = {.op = IR_LDSLOT, .type = b->guest->slot[slot].type, .aux = (uint16_t)slot};
    return ib_new(b, &i, block);
}

static void fill_param(struct ir_builder *b, ir_ref p)
{
    uint32_t block = b->insn[p].b, slot = b->insn[p].aux, n = b->block[block].n_preds, first = b->n_args;
    ir_ref same = IR_NONE;
    bool trivial = true;

    while (b->cap_args < first + n) {
        b->cap_args = MAX(64u, (first + n) * 2);
        b->arg = g_renew(ir_ref, b->arg, b->cap_args);
    }
    b->n_args += n;
    b->insn[p].a = first;
    for (uint32_t k = 0; k < n; k++)
        b->arg[first + k] = IR_NONE;
    for (uint32_t k = 0; k < n; k++) {
        ir_ref v = read_out(b, b->edge[b->block[block].pred[k]].from, slot);
        b->arg[first + k] = v;
        if (v == p || v == same)
            continue;
        if (same != IR_NONE)
            trivial = false;
        same = v;
    }
    if (trivial && same != IR_NONE && ib_resolve(b, p) == p && ib_resolve(b, same) != p) {
        b->fwd[p] = ib_resolve(b, same);
        ib_unlink(b, p);
    }
}

static ir_ref new_param(struct ir_builder *b, uint32_t block, uint32_t slot)
{
    struct ib_block *k = &b->block[block];
    struct ir_insn i = {.op = IR_PARAM, .type = b->guest->slot[slot].type, .aux = (uint16_t)slot, .b = block};
    ir_ref v = ib_new(b, &i, block);

    b->n_params++;
    b->link[v].prev = k->phi_tail;
    if (k->phi_tail)
        b->link[k->phi_tail].next = v;
    else
        k->phi_head = v;
    k->phi_tail = v;
    return v;
}

ir_ref ib_read_entry(struct ir_builder *b, uint32_t block, uint32_t slot)
{
    ir_ref *memo = &b->in[block * b->n_slots + slot], v;
    struct ib_block *k = &b->block[block];

    if (*memo)
        return *memo = ib_resolve(b, *memo);
    if (block == 0) {
        v = load_slot(b, slot, 0);
        ib_insert_last(b, v, 0);
    } else if (!k->sealed) {
        v = new_param(b, block, slot);
    } else if (k->n_preds == 0) { /* not reachable */
        v = ib_read_entry(b, 0, slot);
    } else if (k->n_preds == 1) {
        /* up the chain of only predecessors, to where the value is known or is a join's */
        uint32_t at = b->edge[k->pred[0]].from, steps = 0;
        while (at && !b->out[at * b->n_slots + slot] && !b->in[at * b->n_slots + slot] &&
               b->block[at].sealed && b->block[at].n_preds == 1 && ++steps < b->n_blocks)
            at = b->edge[b->block[at].pred[0]].from;
        if (steps >= b->n_blocks) /* a cycle that nothing reaches */
            at = 0;
        v = read_out(b, at, slot);
    } else {
        v = new_param(b, block, slot);
        b->in[block * b->n_slots + slot] = v; /* ends cycles */
        fill_param(b, v);
        v = ib_resolve(b, v);
    }
    b->in[block * b->n_slots + slot] = v;
    return v;
}

static ir_ref read_out(struct ir_builder *b, uint32_t block, uint32_t slot)
{
    ir_ref v = b->out[block * b->n_slots + slot];

    if (v == IR_NONE)
        return ib_read_entry(b, block, slot);
    if (v == IB_MEMORY) {
        v = load_slot(b, slot, block);
        ib_insert_last(b, v, block);
        b->out[block * b->n_slots + slot] = v;
        ib_event(b, block, IB_LOADED, slot, v);
        return v;
    }
    return b->out[block * b->n_slots + slot] = ib_resolve(b, v);
}

void ir_block_seal(struct ir_builder *b, uint32_t block)
{
    struct ib_block *k = &b->block[block + 1];

    if (k->sealed)
        return;
    k->sealed = true;
    ir_ref p = k->phi_head, end = k->phi_tail; /* parameters made meanwhile come complete */
    while (p) {
        ir_ref next = b->link[p].next;
        fill_param(b, p);
        if (p == end)
            break;
        p = next;
    }
}

ir_ref ir_get(struct ir_builder *b, unsigned slot)
{
    g_assert(slot < b->n_slots);
    return read_out(b, ib_here(b), slot);
}

void ir_put(struct ir_builder *b, unsigned slot, ir_ref value)
{
    uint32_t block = ib_here(b);
    ir_ref *out;

    g_assert(slot < b->n_slots);
    value = ib_resolve(b, value);
    g_assert(b->insn[value].type == b->guest->slot[slot].type);
    out = &b->out[block * b->n_slots + slot];
    if (*out != IR_NONE && *out != IB_MEMORY && ib_resolve(b, *out) == value)
        return;
    *out = value;
    ib_event(b, block, IB_PUT, slot, value);
}

bool ir_is_const(const struct ir_builder *b, ir_ref v, uint64_t *value)
{
    uint64_t k;

    if (!ib_const(b, ib_resolve(b, v), &k))
        return false;
    if (value)
        *value = k;
    return true;
}

bool ir_slot_const(struct ir_builder *b, unsigned slot, uint64_t *value)
{
    uint32_t block = ib_here(b);
    ir_ref v = b->out[block * b->n_slots + slot];

    /* without making anything where the answer is plainly no */
    while (v == IR_NONE && b->block[block].sealed && b->block[block].n_preds == 1) {
        block = b->edge[b->block[block].pred[0]].from;
        v = b->out[block * b->n_slots + slot];
    }
    if (v == IB_MEMORY || block == 0)
        return false;
    if (v == IR_NONE && !b->block[block].sealed)
        return false;
    return ir_is_const(b, ir_get(b, slot), value);
}

enum ir_op ir_op_of(const struct ir_builder *b, ir_ref v)
{
    return (enum ir_op)b->insn[ib_resolve(b, v)].op;
}

void ir_discard(struct ir_builder *b, unsigned slot)
{
    uint32_t block = ib_here(b);

    b->out[block * b->n_slots + slot] = IR_NONE; /* so that a put of the same value counts */
    ib_event(b, block, IB_DISCARD, slot, 0);
}

bool ir_slot_bits(struct ir_builder *b, unsigned slot, uint64_t *bits)
{
    ir_ref v = ib_resolve(b, ir_get(b, slot));

    *bits = 0;
    if (ib_is(b, v, IR_OR) && ib_const(b, ib_resolve(b, b->insn[v].b), bits))
        v = ib_resolve(b, b->insn[v].a);
    return (b->insn[v].op == IR_LDSLOT || b->insn[v].op == IR_PARAM) && b->insn[v].aux == slot;
}

bool ir_slot_examined(const struct ir_builder *b, unsigned slot)
{
    if (!b->in[slot]) /* never read */
        return false;
    for (ir_ref v = 1; v < b->n_insns; v++) {
        const struct ir_insn *i = &b->insn[v];
        unsigned args = i->op == IR_OR ? 0 : ir_op_info[i->op].args;
        const ir_ref *arg = &i->a;
        if (i->op == IR_CALL || i->op == IR_CALLIF) {
            const struct ir_call *c = &b->call[i->op == IR_CALL ? i->a : i->b];
            arg = c->arg;
            args = c->helper->n_args;
        }
        for (unsigned k = 0; k < args; k++) {
            const struct ir_insn *o = &b->insn[ib_resolve(b, arg[k])];
            if (o->op == IR_OR)
                o = &b->insn[ib_resolve(b, o->a)];
            if (o->op == IR_LDSLOT && o->aux == slot)
                return true;
        }
    }
    return false;
}

enum ir_type ir_type_of(const struct ir_builder *b, ir_ref v)
{
    return b->insn[v].type;
}

void ib_flush(struct ir_builder *b, const uint64_t mask[3])
{
    uint32_t n = b->n_flushes;
    ir_ref at = ib_emit(b, &(struct ir_insn){.op = IR_NOP, .aux = IB_FLUSH, .a = n});

    IB_GROW(b->flush, n, b->cap_flushes);
    b->flush[n] = (struct ib_flush){.mask = {mask[0], mask[1], mask[2]}, .at = at};
    b->n_flushes++;
    ib_event(b, b->current, IB_FLUSHED, 0, n);
}

void ir_bank_move(struct ir_builder *b, int32_t delta, const int16_t *from)
{
    uint32_t block = ib_here(b), n = b->n_slots, first = b->n_bank;
    uint64_t lost[3] = {0};
    ir_ref *value = g_newa(ir_ref, n);

    for (uint32_t s = 0; s < n; s++)
        if (b->guest->slot[s].banked)
            lost[s >> 6] |= (uint64_t)1 << (s & 63);
    while (b->cap_bank < first + n) {
        b->cap_bank = MAX(256u, b->cap_bank * 2);
        b->bank = g_renew(int16_t, b->bank, b->cap_bank);
    }
    b->n_bank += n;
    for (uint32_t s = 0; s < n; s++) {
        int16_t f = b->guest->slot[s].banked ? from[s] : (int16_t)s;
        b->bank[first + s] = f;
        value[s] = IB_MEMORY;
        if (f < 0 || !b->guest->slot[s].banked)
            continue;
        lost[f >> 6] &= ~((uint64_t)1 << (f & 63));
        if (b->out[block * n + (uint32_t)f] != IB_MEMORY)
            value[s] = read_out(b, block, (uint32_t)f);
    }
    if (lost[0] | lost[1] | lost[2])
        ib_flush(b, lost);
    ib_emit(b, &(struct ir_insn){.op = IR_BANKMOVE, .c = (uint32_t)delta});
    for (uint32_t s = 0; s < n; s++)
        if (b->guest->slot[s].banked)
            b->out[block * n + s] = value[s];
    ib_event(b, block, IB_BANK, 0, first);
}

/* ---------------------------------------------------------------------------------------------- values */

uint32_t ib_dominates(const struct ir_builder *b, uint32_t a, uint32_t z)
{
    while (b->block[z].depth > b->block[a].depth)
        z = b->block[z].dom;
    return z == a;
}

uint32_t ib_hash(const struct ir_insn *i)
{
    uint64_t h = i->op | (uint64_t)i->type << 8 | (uint64_t)i->aux << 16 | (uint64_t)i->a << 32;

    h ^= ((uint64_t)i->b << 17) * 0x9e3779b97f4a7c15u;
    h ^= ((uint64_t)i->c + 0x7f4a7c15u) * 0xbf58476d1ce4e5b9u;
    h *= 0x94d049bb133111ebu;
    return (uint32_t)(h >> (64 - IB_HASH_BITS));
}

static bool is_float_op(unsigned op)
{
    return (op >= IR_FADD && op <= IR_FMADD) || (op >= IR_FCMP && op <= IR_FTOIR) ||
           (op >= IR_VADD && op <= IR_VMUL) || (op >= IR_VFMADD && op <= IR_VFTOI);
}

ir_ref ib_find(struct ir_builder *b, const struct ir_insn *i, uint32_t block)
{
    bool fp = is_float_op(i->op);

    for (ir_ref v = b->hash[ib_hash(i)]; v; v = b->chain[v]) {
        const struct ir_insn *o = &b->insn[v];
        if (o->op == i->op && o->type == i->type && o->aux == i->aux && o->a == i->a && o->b == i->b &&
            o->c == i->c && b->fwd[v] == v && ib_dominates(b, b->link[v].block, block) &&
            (!fp || (b->stamp[v] == b->fp_epoch && (!b->fp_here_only || b->link[v].block == block))))
            return v;
    }
    return IR_NONE;
}

void ib_enter(struct ir_builder *b, ir_ref v)
{
    uint32_t h = ib_hash(&b->insn[v]);

    b->chain[v] = b->hash[h];
    b->hash[h] = v;
}

static ir_ref share(struct ir_builder *b, const struct ir_insn *i, uint32_t block)
{
    ir_ref v = ib_find(b, i, block);

    if (v)
        return v;
    v = ib_new(b, i, block);
    if (block == 0)
        ib_insert_last(b, v, 0);
    else if (b->insert)
        ib_insert_before(b, v, b->insert);
    else
        ib_append(b, v, block);
    b->stamp[v] = b->fp_epoch;
    ib_enter(b, v);
    return v;
}

ir_ref ir_const(struct ir_builder *b, enum ir_type type, uint64_t value)
{
    if (type == IR_I32 || type == IR_F32)
        value = (uint32_t)value;
    struct ir_insn i = {
        .op = IR_CONST, .type = (uint8_t)type, .b = (uint32_t)value, .c = (uint32_t)(value >> 32)};
    return share(b, &i, 0);
}

static ir_ref value(struct ir_builder *b, struct ir_insn i)
{
    unsigned args = ir_op_info[i.op].args;
    ir_ref v;

    g_assert(ir_op_info[i.op].flags & IR_P);
    if (args > 0)
        i.a = ib_resolve(b, i.a);
    if (args > 1)
        i.b = ib_resolve(b, i.b);
    if (args > 2)
        i.c = ib_resolve(b, i.c);
    v = b->no_fold ? IR_NONE : ib_fold(b, &i);
    return v ? ib_resolve(b, v) : share(b, &i, ib_here(b));
}

ir_ref ir_op1(struct ir_builder *b, enum ir_op op, enum ir_type type, uint16_t aux, ir_ref a)
{
    return value(b, (struct ir_insn){.op = (uint8_t)op, .type = (uint8_t)type, .aux = aux, .a = a});
}

ir_ref ir_op2(struct ir_builder *b, enum ir_op op, enum ir_type type, uint16_t aux, ir_ref a, ir_ref bb)
{
    return value(b, (struct ir_insn){.op = (uint8_t)op, .type = (uint8_t)type, .aux = aux, .a = a, .b = bb});
}

ir_ref ir_op3(struct ir_builder *b, enum ir_op op, enum ir_type type, uint16_t aux, ir_ref a, ir_ref bb,
              ir_ref c)
{
    return value(
        b, (struct ir_insn){.op = (uint8_t)op, .type = (uint8_t)type, .aux = aux, .a = a, .b = bb, .c = c});
}

ir_ref ir_icmp(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref bb)
{
    return ir_op2(b, IR_ICMP, IR_I32, (uint16_t)(cond | ir_type_of(b, a) << 8), a, bb);
}

ir_ref ir_fcmp(struct ir_builder *b, unsigned mask, ir_ref a, ir_ref bb)
{
    return ir_op2(b, IR_FCMP, IR_I32, (uint16_t)(mask | ir_type_of(b, a) << 8), a, bb);
}

ir_ref ir_select(struct ir_builder *b, ir_ref cond, ir_ref yes, ir_ref no)
{
    return ir_op3(b, IR_SELECT, ir_type_of(b, yes), 0, cond, yes, no);
}
