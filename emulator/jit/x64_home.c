/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parameters that live in the guest's state.  What a parameter carries is the value of its slot, and the slot's own
 * memory is a good place for it when registers run out: ways into the block from where it stands there already have
 * nothing to move, and exits nothing to write.
 *
 * Memory must be right wherever somebody else reads it.  A slot whose memory was overwritten in this manner is
 * "ahead" until an IR_STSLOT writes it.  A slot qualifies when, wherever it may be ahead, each exit has it in its
 * snapshot and nobody reads the memory: no helper that reads state, no IR_LDSLOT.  A parameter that the exit at the
 * very beginning of its block does not write is in memory already, whichever way the block is reached: its slot is not
 * ahead.  Banked slots are followed while the bank pointer is elsewhere; only parameters of blocks where it stands as
 * at the entry are given such a place.
 */
#include "emulator/jit/x64.h"

#define WORDS ((IR_MAX_SLOTS + 63) / 64)

struct slot_set {
    uint64_t w[WORDS];
};

static inline bool has(const struct slot_set *s, unsigned n)
{
    return s->w[n / 64] >> (n & 63) & 1;
}

static inline void add(struct slot_set *s, unsigned n)
{
    s->w[n / 64] |= 1ull << (n & 63);
}

static inline void drop(struct slot_set *s, unsigned n)
{
    s->w[n / 64] &= ~(1ull << (n & 63));
}

/* Drops from `keep` what is in `ahead` and not in `fine` (NULL: nothing is). */
static void refuse(struct slot_set *keep, const struct slot_set *ahead, const struct slot_set *fine)
{
    for (unsigned k = 0; k < WORDS; k++) {
        keep->w[k] &= ~(ahead->w[k] & ~(fine ? fine->w[k] : 0));
    }
}

/* The slot whose memory at the entry's bank is that of slot `s` when the bank has moved by `depth`; -1: none. */
static int slot_at(const struct x64_ctx *c, unsigned s, int32_t depth)
{
    const struct ir_slot *slot = c->guest->slot;

    if (!slot[s].banked || !depth) {
        return (int)s;
    }
    for (unsigned k = 0; k < c->guest->n_slots; k++) {
        if (slot[k].banked && slot[k].offset == slot[s].offset + depth) {
            return (int)k;
        }
    }
    return -1;
}

/* Is a block's first instruction a CHARGE whose exit has nothing to write to slot `s`? */
static bool charged_without(const struct x64_ctx *c, uint32_t b, unsigned s)
{
    const struct ir_region *r = c->r;
    uint32_t p = r->block[b].first + r->block[b].n_params;

    if (p >= r->block[b].last || r->insn[p].op != IR_CHARGE) {
        return false;
    }
    const struct ir_exit *e = &r->exit[r->insn[p].b];
    for (uint32_t k = 0; k < e->count; k++) {
        if (r->snap[e->first + k].slot == s) {
            return false;
        }
    }
    return true;
}

/* Is the value of the block's parameter for slot `s` in the slot's memory before anything is done for it?  The block
 * may be charged for on the ways to it, by blocks for that alone: of another block that is but a charge and a branch,
 * slots may have changed behind the charge. */
static bool already_there(const struct x64_ctx *c, uint32_t b, unsigned s)
{
    const struct ir_region *r = c->r;
    uint32_t n = 0;

    if (charged_without(c, b, s)) {
        return true;
    }
    for (uint32_t k = 0; k < r->n_edges; k++) {
        uint32_t from = r->edge[k].from;
        if (r->edge[k].to == b) {
            if (!r->block[from].on_edge || !charged_without(c, from, s)) {
                return false;
            }
            n++;
        }
    }
    return n > 0;
}

struct walk {
    struct slot_set ahead;
    int32_t depth;
};

/* Passes through a block; keep: the slots that qualify, or NULL to follow only. */
static void walk_block(const struct x64_ctx *c, uint32_t b, struct walk *w, const struct slot_set *parameters,
                       struct slot_set *keep)
{
    const struct ir_region *r = c->r;

    for (uint32_t p = r->block[b].first; p < r->block[b].last; p++) {
        const struct ir_insn *i = &r->insn[p];
        uint32_t exit = x64_exit_of(c, p);
        int at;

        switch (i->op) {
        case IR_PARAM:
            if (!w->depth && i->aux < c->guest->n_slots && has(parameters, i->aux) && !already_there(c, b, i->aux)) {
                add(&w->ahead, i->aux);
            }
            break;
        case IR_LDSLOT:
            if (keep && (at = slot_at(c, i->aux, w->depth)) >= 0 && has(&w->ahead, (unsigned)at)) {
                drop(keep, (unsigned)at);
            }
            break;
        case IR_STSLOT:
            if ((at = slot_at(c, i->aux, w->depth)) >= 0) {
                drop(&w->ahead, (unsigned)at);
            }
            break;
        case IR_BANKMOVE:
            w->depth += (int32_t)i->c;
            break;
        case IR_CALL:
        case IR_CALLIF:
            if (keep && (r->call[i->op == IR_CALL ? i->a : i->b].helper->flags & (IR_HELPER_READS | IR_HELPER_WRITES))) {
                refuse(keep, &w->ahead, NULL);
            }
            break;
        default:
            break;
        }
        if (exit != ~0u && keep) {
            const struct ir_exit *e = &r->exit[exit];
            struct slot_set listed = {{0}};
            for (uint32_t k = 0; k < e->count; k++) {
                if ((at = slot_at(c, r->snap[e->first + k].slot, w->depth)) >= 0) {
                    add(&listed, (unsigned)at);
                }
            }
            refuse(keep, &w->ahead, &listed);
        }
    }
}

void x64_find_homes(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;
    struct slot_set parameters = {{0}}, keep;
    g_autofree struct walk *in = g_new0(struct walk, r->n_blocks);
    g_autofree uint8_t *seen = g_new0(uint8_t, r->n_blocks);
    uint32_t e[2];
    bool any = false;

    memset(c->home, 0, sizeof(c->home));
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        for (uint32_t k = 0; k < r->block[b].n_params; k++) {
            const struct ir_insn *i = &r->insn[r->block[b].first + k];
            if (i->aux < c->guest->n_slots && i->type == c->guest->slot[i->aux].type) {
                add(&parameters, i->aux);
                any = true;
            }
        }
    }
    if (!any) {
        return;
    }
    seen[0] = 1;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t b = 0; b < r->n_blocks; b++) {
            if (!seen[b]) {
                continue;
            }
            struct walk w = in[b];
            c->blk[b].depth = w.depth;
            walk_block(c, b, &w, &parameters, NULL);
            for (unsigned n = x64_edges_of(c, b, e); n-- > 0;) {
                uint32_t to = r->edge[e[n]].to;
                if (!seen[to]) {
                    seen[to] = 1;
                    in[to] = w;
                    changed = true;
                    continue;
                }
                if (in[to].depth != w.depth) {
                    return; /* the bank is not where it was: nothing is known */
                }
                for (unsigned k = 0; k < WORDS; k++) {
                    changed |= (w.ahead.w[k] & ~in[to].ahead.w[k]) != 0;
                    in[to].ahead.w[k] |= w.ahead.w[k];
                }
            }
        }
    }
    keep = parameters;
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        if (seen[b]) {
            struct walk w = in[b];
            walk_block(c, b, &w, &parameters, &keep);
        }
    }
    for (unsigned s = 0; s < c->guest->n_slots; s++) {
        c->home[s] = has(&keep, s);
        c->clobbered[s] |= has(&keep, s);
    }
}

/* May parameter v be given its slot's memory at the beginning of its block? */
bool x64_home_for(const struct x64_ctx *c, uint32_t v)
{
    const struct ir_insn *i = &c->r->insn[v];

    return i->op == IR_PARAM && i->aux < c->guest->n_slots && c->home[i->aux] && !c->blk[i->b].depth &&
           i->type == c->guest->slot[i->aux].type;
}

/* Is a parameter that stands in its slot's memory certainly still there at block `to`, whichever way it is reached? */
bool x64_home_holds(const struct x64_ctx *c, uint32_t v, uint32_t to)
{
    const struct ir_region *r = c->r;
    const struct ir_insn *i = &r->insn[v];
    uint32_t end = MAX(c->blk[to].loop_last, to), slot = i->aux;

    if (!x64_home_for(c, v)) {
        return false;
    }
    for (uint32_t b = i->b; b <= end; b++) {
        if (c->blk[b].depth) {
            return false;
        }
        for (uint32_t k = 0; k < r->block[b].n_params; k++) {
            uint32_t p = r->block[b].first + k;
            if (p != v && r->insn[p].aux == slot) {
                return false;
            }
        }
        for (uint32_t p = r->block[b].first; p < r->block[b].last; p++) {
            if (r->insn[p].op == IR_STSLOT && r->insn[p].aux == slot) {
                return false;
            }
        }
    }
    return true;
}

/* Such a parameter that edges need not write. */
bool x64_home_has(const struct x64_ctx *c, uint32_t v)
{
    return x64_home_for(c, v) && already_there(c, c->r->insn[v].b, c->r->insn[v].aux);
}
