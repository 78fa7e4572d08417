/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packed form of a region, which interpreter and back ends read: numbered values, arrays in one allocation.
 */
#include "emulator/jit/ir_internal.h"
#include "emulator/jit/ir_interp.h"

static size_t lay_out(struct ir_region *r, uint8_t *memory)
{
    size_t at = 0;

#define PLACE(field, n)                                                                                      \
    do {                                                                                                     \
        r->field = (void *)(memory + at);                                                                    \
        at += ((size_t)(n) * sizeof *r->field + 15) & ~(size_t)15;                                           \
    } while (0)
    PLACE(insn, r->n_insns);
    PLACE(block, r->n_blocks);
    PLACE(edge, r->n_edges);
    PLACE(arg, r->n_args);
    PLACE(exit, r->n_exits);
    PLACE(snap, r->n_snaps);
    PLACE(call, r->n_calls);
#undef PLACE
    return at;
}

struct ir_region *ir_region_copy(const struct ir_region *r)
{
    struct ir_region shape = *r, *copy;
    size_t size = lay_out(&shape, NULL), head = (sizeof *r + 15) & ~(size_t)15;

    copy = g_malloc(head + size + ir_interp_decoded_size(r));
    *copy = *r;
    lay_out(copy, (uint8_t *)copy + head);
    memcpy(copy->insn, r->insn, r->n_insns * sizeof *r->insn);
    memcpy(copy->block, r->block, r->n_blocks * sizeof *r->block);
    memcpy(copy->edge, r->edge, r->n_edges * sizeof *r->edge);
    memcpy(copy->arg, r->arg, r->n_args * sizeof *r->arg);
    memcpy(copy->exit, r->exit, r->n_exits * sizeof *r->exit);
    memcpy(copy->snap, r->snap, r->n_snaps * sizeof *r->snap);
    memcpy(copy->call, r->call, r->n_calls * sizeof *r->call);
    copy->decoded = ir_interp_decode(copy, (uint8_t *)copy + head + size);
    return copy;
}

struct packer {
    struct ir_region *r;
    ir_ref *map;  /* builder's value -> packed */
    ir_ref *list; /* packed order: builder's values */
    uint32_t n_list;
    uint32_t *exit_map;
    uint32_t first_block; /* builder's order index of packed block 0 */
    bool merged;          /* the builder's own block is the head of the entry block */
    uint8_t *pending;     /* LDSLOT of the entry not placed yet */
    uint32_t snaps_of, snaps_at; /* the last exit packed, and where its snapshot went */
};

static void put_value(struct packer *p, ir_ref v)
{
    p->map[v] = p->n_list;
    p->list[p->n_list++] = v;
}

static void place_operand(struct ir_builder *b, ir_ref *operand, void *data)
{
    struct packer *p = data;

    if (p->pending[*operand]) {
        p->pending[*operand] = 0;
        put_value(p, *operand);
    }
}

static void place_pending(struct ir_builder *b, struct packer *p, int slot)
{
    for (ir_ref v = b->block[0].head; v; v = b->link[v].next)
        if (p->pending[v] && (slot < 0 || b->insn[v].aux == slot))
            place_operand(b, &v, p);
}

/* The entry block: constants, then the driver's entry with each slot read where it is first wanted. */
static void place_entry(struct ir_builder *b, struct packer *p)
{
    for (ir_ref v = b->block[0].head; v; v = b->link[v].next) {
        if (b->insn[v].op == IR_CONST)
            put_value(p, v);
        else if (!(ir_op_info[b->insn[v].op].flags & IR_T) && b->insn[v].op == IR_LDSLOT)
            p->pending[v] = 1;
    }
    /* pure values that a pass moved up follow what they read */
    for (ir_ref v = b->block[0].head; v; v = b->link[v].next) {
        const struct ir_insn *i = &b->insn[v];
        if (i->op == IR_CONST || i->op == IR_LDSLOT || (ir_op_info[i->op].flags & IR_T))
            continue;
        ib_each_operand(b, v, place_operand, p);
        put_value(p, v);
    }
    for (ir_ref v = b->block[1].head; v; v = b->link[v].next) {
        const struct ir_insn *i = &b->insn[v];
        if (i->op == IR_CALL || i->op == IR_CALLIF) {
            const struct ir_helper *h = b->call[i->op == IR_CALL ? i->a : i->b].helper;
            if (!(h->flags & IR_HELPER_PURE))
                place_pending(b, p, -1);
        } else if (i->op == IR_STSLOT) {
            place_pending(b, p, i->aux);
        } else if (i->op == IR_BANKMOVE || (ir_op_info[i->op].flags & IR_T)) {
            place_pending(b, p, -1);
        }
        ib_each_operand(b, v, place_operand, p);
        put_value(p, v);
    }
}

static uint32_t pack_exit(struct ir_builder *b, struct packer *p, uint32_t e, uint32_t block)
{
    struct ir_region *r = p->r;
    struct ir_exit *x;

    if (p->exit_map[e] != ~0u)
        return p->exit_map[e];
    p->exit_map[e] = r->n_exits;
    x = &r->exit[r->n_exits++];
    *x = b->exit[e];
    x->block = block;
    x->info = p->map[x->info];
    x->pc_ref = p->map[x->pc_ref];
    x->npc_ref = p->map[x->npc_ref];
    x->first = r->n_snaps;
    if (!x->count)
        return p->exit_map[e];
    if (b->exit[e].first == p->snaps_of) { /* nothing was put between the two */
        x->first = p->snaps_at;
        return p->exit_map[e];
    }
    p->snaps_of = b->exit[e].first;
    p->snaps_at = x->first;
    for (uint32_t k = 0; k < x->count; k++) {
        struct ir_snap s = b->snap[p->snaps_of + k];
        s.value = p->map[s.value];
        r->snap[r->n_snaps++] = s;
    }
    return p->exit_map[e];
}

static uint32_t pack_edge(struct ir_builder *b, struct packer *p, uint32_t e)
{
    struct ir_region *r = p->r;
    const struct ib_edge *from = &b->edge[e];
    struct ir_edge *x = &r->edge[r->n_edges];

    *x = (struct ir_edge){.from = b->block[from->from].rpo - p->first_block,
                          .to = b->block[from->to].rpo - p->first_block,
                          .first_arg = r->n_args};
    for (ir_ref v = b->block[from->to].phi_head; v; v = b->link[v].next)
        r->arg[r->n_args++] = p->map[b->arg[b->insn[v].a + from->index]];
    x->n_args = r->n_args - x->first_arg;
    return r->n_edges++;
}

static uint32_t pack_call(struct ir_builder *b, struct packer *p, uint32_t c)
{
    struct ir_call *x = &p->r->call[p->r->n_calls];

    *x = b->call[c];
    for (unsigned k = 0; k < x->helper->n_args; k++)
        x->arg[k] = p->map[x->arg[k]];
    return p->r->n_calls++;
}

static void pack_insn(struct ir_builder *b, struct packer *p, ir_ref v, uint32_t block)
{
    struct ir_insn i = b->insn[v];
    unsigned args = ir_op_info[i.op].args;

    if (args > 0)
        i.a = p->map[i.a];
    if (args > 1)
        i.b = p->map[i.b];
    if (args > 2)
        i.c = p->map[i.c];
    switch (i.op) {
    case IR_PARAM:
        i.a = 0;
        i.b = block;
        break;
    case IR_CALL: i.a = pack_call(b, p, i.a); break;
    case IR_CALLIF: i.b = pack_call(b, p, i.b); break;
    case IR_BR: i.b = pack_edge(b, p, i.b); break;
    case IR_BRIF:
        i.b = pack_edge(b, p, i.b);
        i.c = pack_edge(b, p, i.c);
        break;
    case IR_GUARD:
    case IR_CHARGE:
    case IR_EXITIF:
    case IR_EXIT: i.b = pack_exit(b, p, i.b, block); break;
    default: break;
    }
    p->r->insn[p->map[v]] = i;
}

struct ir_region *ib_pack(struct ir_builder *b)
{
    struct ir_region *r = &b->region;
    struct packer p = {.r = r};
    uint32_t n_args = 0, n_snaps = 0;
    size_t size;

    p.merged = b->block[1].n_preds == 1;
    p.first_block = p.merged ? 1 : 0;
    p.map = ib_scratch(b, b->n_insns * (2 * sizeof *p.map + 1) + (b->n_exits + 1) * sizeof *p.exit_map);
    p.list = p.map + b->n_insns;
    p.exit_map = p.list + b->n_insns;
    p.pending = (uint8_t *)(p.exit_map + b->n_exits + 1);
    p.snaps_of = ~0u;
    memset(p.exit_map, 0xff, (b->n_exits + 1) * sizeof *p.exit_map);
    for (uint32_t o = 0; o < b->n_order; o++)
        for (ir_ref v = b->block[b->order[o]].phi_head; v; v = b->link[v].next)
            n_args += b->block[b->order[o]].n_preds;
    for (uint32_t e = 0; e < b->n_exits; e++)
        n_snaps += b->exit[e].count;
    *r = (struct ir_region){.guest = b->guest,
                            .pc = b->pc,
                            .npc = b->npc,
                            .mode = b->mode,
                            .user_mode = b->user_mode,
                            .unit = b->unit,
                            .n_guest_insns = b->n_guest_insns,
                            .n_insns = b->n_insns,
                            .n_blocks = b->n_order,
                            .n_edges = b->n_edges,
                            .n_args = n_args,
                            .n_exits = b->n_exits,
                            .n_snaps = n_snaps,
                            .n_calls = b->n_calls};
    size = lay_out(r, NULL);
    if (size > b->cap_store) {
        b->cap_store = size + size / 2;
        g_free(b->store);
        b->store = g_malloc(b->cap_store);
    }
    lay_out(r, b->store);
    r->n_edges = r->n_args = r->n_exits = r->n_snaps = r->n_calls = 0;

    /* number */
    p.n_list = 1;
    r->insn[0] = (struct ir_insn){.op = IR_NOP};
    r->n_blocks = b->n_order - p.first_block;
    for (uint32_t o = p.first_block; o < b->n_order; o++) {
        const struct ib_block *k = &b->block[b->order[o]];
        struct ir_block *x = &r->block[o - p.first_block];
        *x = (struct ir_block){
            .pc = k->pc, .npc = k->npc, .first = p.n_list, .loop_depth = k->loop_depth, .cold = k->cold,
            .on_edge = k->on_edge};
        for (ir_ref v = k->phi_head; v; v = b->link[v].next) {
            put_value(&p, v);
            x->n_params++;
        }
        if (p.merged && o == 1) {
            place_entry(b, &p);
        } else {
            if (o == 0)
                for (ir_ref v = k->head; v; v = b->link[v].next)
                    if (b->insn[v].op == IR_CONST)
                        put_value(&p, v);
            for (ir_ref v = k->head; v; v = b->link[v].next)
                if (b->insn[v].op != IR_CONST)
                    put_value(&p, v);
        }
        x->last = p.n_list;
    }
    /* write */
    for (uint32_t n = 0; n < r->n_blocks; n++)
        for (uint32_t v = r->block[n].first; v < r->block[n].last; v++) {
            pack_insn(b, &p, p.list[v], n);
            if (r->insn[v].op == IR_CHARGE)
                r->max_charge = MAX(r->max_charge, r->insn[v].c);
        }
    r->n_insns = p.n_list;
    return r;
}
