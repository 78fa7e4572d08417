/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The IR while it is being made: instructions in linked lists per block, parameters with their arguments in a
 * pool, and a log of what happened to the slots in each block.  Shared by builder, folding, finish and
 * passes; nobody else includes it.
 *
 * Block 0 here is a block of the builder's own before the region's entry: constants and slot reads that reach
 * the entry stand in it.  The driver's block n is block n + 1.  A value that was replaced by an equal one
 * forwards to it (ib_resolve); ib_resolve_all() leaves no forwarded operand behind.
 */
#ifndef VITRINE_JIT_IR_INTERNAL_H
#define VITRINE_JIT_IR_INTERNAL_H

#include <glib.h>
#include <string.h>
#include "emulator/jit/ir.h"
#include "emulator/jit/jit.h"

#define IB_HASH_BITS 11
#define IB_MEMORY    0xffffffffu /* out[]: the slot's value stands in memory only */
#define IB_NO_EDGE   0xffffffffu
#define IB_FLUSH     0xffffu /* aux of an IR_NOP that becomes STSLOTs; a = index in flush[] */

struct ib_link {
    uint32_t prev, next; /* in the block's list; 0 ends */
    uint32_t block;
};

enum ib_event_kind {
    IB_PUT,     /* slot := value */
    IB_DISCARD, /* slot's value is nobody's business any more */
    IB_LOADED,  /* slot's value was read from memory */
    IB_EXIT,    /* exit `value` was made here */
    IB_FLUSHED, /* flush `value`: dirty slots of its mask are written */
    IB_FORGET,  /* a call may have written any slot */
    IB_BANK,    /* the bank moved; value = index in bank[] of n_slots sources */
};

struct ib_event {
    uint16_t kind, slot;
    uint32_t value;
    uint32_t next;
};

struct ib_edge {
    uint32_t from, to;
    uint32_t index; /* position among the predecessors of `to` = position of its arguments */
};

struct ib_block {
    uint64_t pc, npc;
    uint32_t head, tail;         /* instructions */
    uint32_t phi_head, phi_tail; /* PARAMs: aux = slot, a = first argument in arg[] */
    uint32_t event_head, event_tail;
    uint32_t *pred; /* edges */
    uint32_t n_preds, cap_preds;
    uint32_t succ[2], n_succs; /* edges, as the terminator names them */
    uint32_t done;             /* guest instructions completed */
    uint32_t charge;           /* its CHARGE instruction or 0 */
    uint32_t charged;          /* fixed count, or 0: `done` */
    uint32_t dom, depth;       /* a dominating block known so far */
    uint32_t rpo;              /* position in order[], or ~0 when not reachable */
    uint32_t loop_depth, loop; /* loop = header's block or ~0 */
    bool started, terminated, sealed, cold;
    bool late_charge; /* passes: its charge does not stand first */
    bool on_edge;     /* passes: nothing but the charge for the loop that it leads to */
    bool way_back;    /* passes: such a block on the way back to the beginning of its loop */
};

struct ib_exit_info {
    uint32_t executed; /* guest instructions of the block completed when it is taken */
    uint32_t counted;  /* block whose CHARGE covers it */
    bool final;        /* ends the block with nothing left to do: refunds 0 */
    bool budget;       /* the block's CHARGE */
    bool marked;       /* passes */
};

struct ib_flush {
    uint64_t mask[3];
    uint32_t first, count; /* in snap[] */
    uint32_t at;           /* the IR_NOP */
};

struct ir_builder {
    const struct jit_guest *guest;
    uint64_t pc, npc;
    uint32_t mode;
    bool user_mode, unit;
    uint32_t n_slots;

    struct ir_insn *insn;
    struct ib_link *link;
    uint32_t *fwd;   /* fwd[v] == v, or what it was replaced by */
    uint32_t *chain; /* hash chains */
    uint32_t *stamp; /* GUARD: epoch (system) or instruction serial (user) it was made in */
    uint32_t n_insns, cap_insns;
    uint32_t hash[1u << IB_HASH_BITS];
    uint32_t n_params; /* ever made: where there are none, nothing was forwarded while building */

    struct ib_block *block;
    ir_ref *in, *out; /* [block * n_slots + slot] */
    uint32_t n_blocks, cap_blocks, cap_inout;
    uint32_t current;           /* block being filled */
    uint64_t here_pc, here_npc; /* position: ir_set_pc */
    ir_ref here_npc_ref;
    uint32_t counted;  /* block that ir_insns_done counts in */
    uint32_t join, join_done; /* between ir_if() and ir_endif(): where they meet, and what was done before */
    uint32_t other_way;       /* ... the end of the way that is not `current`; 0: straight from the branch to `join` */
    uint32_t no_edge;         /* of the branch, when the condition does not hold */
    unsigned held;            /* ir_endif_hold()'s tag */
    bool on_other_way;        /* `current` is where the condition does not hold */
    bool lost_slots;          /* ... a helper has written slots */
    ir_ref insert;     /* passes: new values go before this one, not to the end of `current` */
    bool fp_here_only; /* passes: floating point is shared within a block only */
    bool closed;       /* current is a block that nothing reaches */

    struct ib_edge *edge;
    uint32_t n_edges, cap_edges;
    ir_ref *arg;
    uint32_t n_args, cap_args;
    struct ir_exit *exit;
    struct ib_exit_info *exit_info;
    uint32_t n_exits, cap_exits, cap_exit_info;
    struct ir_snap *snap;
    uint32_t n_snaps, cap_snaps;
    struct ir_call *call;
    uint32_t n_calls, cap_calls;
    struct ib_event *event;
    uint32_t n_events, cap_events;
    struct ib_flush *flush;
    uint32_t n_flushes, cap_flushes;
    int16_t *bank;
    uint32_t n_bank, cap_bank;

    uint32_t guard_epoch; /* counts what may change mappings */
    uint32_t fp_epoch;    /* counts what may read or change MXCSR */
    uint32_t serial;      /* counts guest instructions begun */
    uint32_t memory_exit,
        memory_exit_event; /* last MEMORY exit and the event it is: shared when still true */

    uint32_t *order; /* reachable blocks in reverse post order */
    uint32_t n_order, cap_order;
    uint32_t n_guest_insns;
    bool no_fold; /* tests: values stay as they were made */

    uint8_t *store; /* of the finished region */
    size_t cap_store;
    uint8_t *scratch; /* ib_scratch() */
    size_t cap_scratch;
    struct ir_region region;
};

#define IB_GROW(array, n, cap)                                                                               \
    do {                                                                                                     \
        if ((n) >= (cap)) {                                                                                  \
            (cap) = MAX(64u, (n) + (n) / 2 + 1);                                                             \
            (array) = g_realloc_n((array), (cap), sizeof *(array));                                          \
        }                                                                                                    \
    } while (0)

static inline ir_ref ib_resolve(const struct ir_builder *b, ir_ref v)
{
    while (b->fwd[v] != v)
        v = b->fwd[v] = b->fwd[b->fwd[v]];
    return v;
}

static inline bool ib_is(const struct ir_builder *b, ir_ref v, enum ir_op op)
{
    return b->insn[v].op == op;
}

static inline bool ib_const(const struct ir_builder *b, ir_ref v, uint64_t *value)
{
    const struct ir_insn *i = &b->insn[v];
    if (i->op != IR_CONST)
        return false;
    *value = ir_const_value(i);
    return true;
}

/* Does the helper leave memory mappings alone? */
static inline bool ib_keeps_mappings(const struct ir_helper *h)
{
    return (h->flags & IR_HELPER_PURE) != 0;
}

/* ir_builder.c */
ir_ref ib_new(struct ir_builder *b, const struct ir_insn *i, uint32_t block); /* not in any list */
void ib_append(struct ir_builder *b, ir_ref v, uint32_t block);
void ib_insert_before(struct ir_builder *b, ir_ref v, ir_ref before); /* `before` is in a list */
void ib_insert_last(struct ir_builder *b, ir_ref v, uint32_t block);  /* before the terminator, if any */
void ib_unlink(struct ir_builder *b, ir_ref v);
ir_ref ib_read_entry(struct ir_builder *b, uint32_t block, uint32_t slot);
ir_ref ib_find(struct ir_builder *b, const struct ir_insn *i,
               uint32_t block);                /* equal value that dominates */
void ib_enter(struct ir_builder *b, ir_ref v); /* into the table of values */
uint32_t ib_dominates(const struct ir_builder *b, uint32_t a, uint32_t z);

static inline unsigned ib_width(unsigned type)
{
    return type == IR_I64 ? 64 : 32;
}

static inline uint64_t ib_mask(unsigned bits)
{
    return bits >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << bits) - 1;
}

static inline uint64_t ib_sext(uint64_t v, unsigned bits)
{
    return bits >= 64 ? v : (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
}

/* ir_builder.c and ir_emit.c for one another */
ir_ref ib_emit(struct ir_builder *b, const struct ir_insn *i);
uint32_t ib_here(struct ir_builder *b);
void ib_event(struct ir_builder *b, uint32_t block, enum ib_event_kind kind, unsigned slot, uint32_t value);
uint32_t ib_new_edge(struct ir_builder *b, uint32_t from, uint32_t to);
void ib_move_edge(struct ir_builder *b, uint32_t e, uint32_t to);
void ib_flush(struct ir_builder *b, const uint64_t mask[3]);
void ib_meet(struct ir_builder *b);
uint32_t ib_hash(const struct ir_insn *i);

/* ir_fold.c: a simpler equal value (old or new), or IR_NONE. *i may be rewritten to a canonical form. */
ir_ref ib_fold(struct ir_builder *b, struct ir_insn *i);
/* ir_fold_cond.c: its parts for conditions; the opposite of one. */
ir_ref ib_fold_relation(struct ir_builder *b, const struct ir_insn *i);
ir_ref ib_fold_icmp(struct ir_builder *b, struct ir_insn *i);
ir_ref ib_fold_select(struct ir_builder *b, struct ir_insn *i);
ir_ref ib_invert(struct ir_builder *b, ir_ref v);
/* ir_eval.c: bits of v that may be 1. */
uint64_t ib_possible_bits(const struct ir_builder *b, ir_ref v, int depth);
bool ib_compare(unsigned cond, unsigned type, uint64_t x, uint64_t y); /* of two constants of an integer type */
/* Integer operation on constants; false when op is none. */
bool ib_eval(const struct ir_insn *i, uint64_t x, uint64_t y, uint64_t z, uint64_t *out);

/* ir_finish.c */
void ib_order(struct ir_builder *b); /* order[], rpo, loops, depth */
void ib_remove_pred(struct ir_builder *b, uint32_t block, uint32_t index);
void ib_copy_params(struct ir_builder *b); /* replaces parameters that always equal one value */
void ib_resolve_all(struct ir_builder *b);
void ib_remove_dead(struct ir_builder *b);
void ib_fold_exits(struct ir_builder *b, uint32_t block);
bool ib_is_root(const struct ir_builder *b, const struct ir_insn *i); /* happens whether its value is wanted or not */
/* Memory of that size until the next call; zeroed. */
void *ib_scratch(struct ir_builder *b, size_t size);

static inline void ib_swap_ab(struct ir_insn *i)
{
    uint32_t t = i->a;
    i->a = i->b;
    i->b = t;
}

/* The first operand, where i has any: parameters and calls keep something else there. */
static inline ir_ref ib_first_operand(const struct ir_builder *b, const struct ir_insn *i)
{
    return ir_op_info[i->op].args ? ib_resolve(b, i->a) : IR_NONE;
}

/* Exit named by v, or ~0. */
static inline uint32_t ib_exit_of(const struct ir_insn *i)
{
    return i->op == IR_GUARD || i->op == IR_CHARGE || i->op == IR_EXITIF || i->op == IR_EXIT ? i->b : ~0u;
}

/* Calls f for the address of each operand of v (arguments of calls, exits and their snapshots too). */
typedef void (*ib_operand_fn)(struct ir_builder *b, ir_ref *operand, void *data);
static inline __attribute__((always_inline)) void ib_each_operand(struct ir_builder *b, ir_ref v, ib_operand_fn f,
                                                                  void *data)
{
    struct ir_insn *i = &b->insn[v];
    unsigned args = ir_op_info[i->op].args;
    uint32_t e = ib_exit_of(i);

    if (args > 0)
        f(b, &i->a, data);
    if (args > 1)
        f(b, &i->b, data);
    if (args > 2)
        f(b, &i->c, data);
    if (i->op == IR_CALL || i->op == IR_CALLIF) {
        struct ir_call *c = &b->call[i->op == IR_CALL ? i->a : i->b];
        for (unsigned k = 0; k < c->helper->n_args; k++)
            f(b, &c->arg[k], data);
    }
    if (i->op == IR_PARAM)
        for (uint32_t k = 0; k < b->block[i->b].n_preds; k++)
            f(b, &b->arg[i->a + k], data);
    if (e != ~0u) {
        struct ir_exit *x = &b->exit[e];
        if (x->info)
            f(b, &x->info, data);
        if (x->pc_ref)
            f(b, &x->pc_ref, data);
        if (x->npc_ref)
            f(b, &x->npc_ref, data);
        for (uint32_t k = 0; k < x->count; k++)
            f(b, &b->snap[x->first + k].value, data);
    }
}

/* ir_straight.c: a region of one block in which nothing joins; its order, dirty slots and live values */
bool ib_is_straight(const struct ir_builder *b);
void ib_order_straight(struct ir_builder *b);
void ib_snapshots_straight(struct ir_builder *b);
void ib_remove_dead_straight(struct ir_builder *b);

/* ir_pack.c: kept by the builder until the next one */
struct ir_region *ib_pack(struct ir_builder *b);

/* ir_passes.c */
void ib_optimise(struct ir_builder *b);

/* ir_cfg.c: immediate dominators of a graph whose nodes are numbered in reverse post order from 0; node n's
 * predecessors are pred[first[n] .. first[n + 1]). */
void ir_cfg_dominators(uint32_t n, const uint32_t *first, const uint32_t *pred, uint32_t *idom);

#endif
