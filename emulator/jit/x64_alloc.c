/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where values are: registers taken and given up during the forward walk, and the agreement between blocks.
 */
#include "emulator/jit/x64.h"

/* Order of preference: short encodings first; callee-saved ones apart for values that outlive a call. */
static const uint8_t order_any[] = {RCX, RDX, RSI, RDI, RBX, R8, R9, R10, R11, R12, R13};
static const uint8_t order_call[] = {RBX, R12, R13, RCX, RDX, RSI, RDI, R8, R9, R10, R11};

/* --------------------------------------------------------------------------------------- moving single values */

struct x64_mem x64_slot_mem(struct x64_ctx *c, uint32_t slot)
{
    const struct ir_slot *s = &c->guest->slot[slot];

    return x64_at(s->banked ? R_BANK : R_CPU, s->offset);
}

int32_t x64_spill_place(struct x64_ctx *c, uint32_t v)
{
    struct x64_val *x = &c->val[v];

    if (x->spill < 0) {
        if (x64_wide(x->type)) {
            if (c->n_free16) {
                x->spill = c->free16[--c->n_free16];
            } else {
                x->spill = (c->spill_top + 15) & ~15;
                c->spill_top = x->spill + 16;
            }
        } else if (c->n_free8) {
            x->spill = c->free8[--c->n_free8];
        } else {
            x->spill = c->spill_top;
            c->spill_top += 8;
        }
        if (c->spill_top > X64_SPILL_BYTES) {
            c->failed = true;
            c->spill_top = 0;
            x->spill = 0;
        }
        c->place_head[x->spill / 8] = v;
        x->sharer = 0;
        if (!(x->flags & XV_GLOBAL) && c->r->insn[v].op != IR_PARAM) {
            if (c->n_local_spill == c->max_local_spill) {
                c->max_local_spill = c->max_local_spill * 2 + 64;
                c->local_spill = g_renew(uint32_t, c->local_spill, c->max_local_spill);
            }
            c->local_spill[c->n_local_spill++] = v;
        }
    }
    return x->spill;
}

static inline bool live_into(const struct x64_ctx *c, uint32_t v, uint32_t block)
{
    uint32_t g = c->val[v].gidx;

    return g != X64_NEVER && (c->bits[(size_t)block * c->words + g / 64] >> (g & 63) & 1);
}

static void share(struct x64_ctx *c, uint32_t v, uint32_t owner)
{
    struct x64_val *x = &c->val[v], *o = &c->val[owner];

    x->spill = o->spill;
    x->sharer = c->place_head[x->spill / 8];
    c->place_head[x->spill / 8] = v;
    x->flags |= XV_SHARED;
    o->flags |= XV_SHARED;
}

/* Two SSA values may lie in one place unless one is live where the other is made.  A result that becomes a
 * parameter which lies in memory gets the parameter's place when nobody who has it is alive: then the edge has
 * nothing to move. */
static void share_at_definition(struct x64_ctx *c, uint32_t v)
{
    struct x64_val *x = &c->val[v];
    uint32_t h = x->hint, n = 0;

    if (!h || x->spill >= 0 || c->val[h].spill < 0 || x->type != c->val[h].type || live_into(c, v, c->val[h].block)) {
        return;
    }
    for (uint32_t u = c->place_head[c->val[h].spill / 8]; u; u = c->val[u].sharer) {
        if (++n > 16 || (c->val[u].stamp == c->block && c->val[u].last > c->pos)) {
            return;
        }
    }
    share(c, v, h);
}

/* The same for a parameter of block `to` and the argument that it gets on its first edge. */
static void share_at_edge(struct x64_ctx *c, uint32_t p, uint32_t v, uint32_t to)
{
    struct x64_val *x = &c->val[v];
    const struct ir_block *b = &c->r->block[to];
    uint32_t n = 0;

    if (c->val[p].spill >= 0 || x->spill < 0 || x->mem != XW_SPILL || x->type != c->val[p].type) {
        return;
    }
    for (uint32_t u = c->place_head[x->spill / 8]; u; u = c->val[u].sharer) {
        if (++n > 16 || live_into(c, u, to) || (u >= b->first && u < b->first + b->n_params)) {
            return;
        }
    }
    share(c, p, v);
}

struct x64_mem x64_val_mem(struct x64_ctx *c, uint32_t v)
{
    struct x64_val *x = &c->val[x64_canon(c, v)];

    return x->mem == XW_HOME ? x64_slot_mem(c, x->home) : x64_at(RSP, x->spill);
}

struct x64_loc x64_where(struct x64_ctx *c, uint32_t v)
{
    uint64_t k;

    v = x64_canon(c, v);
    struct x64_val *x = &c->val[v];
    if (x64_const(c, v, &k)) {
        return (struct x64_loc){.kind = XL_IMM, .type = x->type, .imm = k};
    }
    if (x->reg >= 0) {
        return (struct x64_loc){.kind = XL_REG, .type = x->type, .reg = x->reg};
    }
    if (x->mem == XW_HOME) {
        return (struct x64_loc){.kind = XL_HOME, .type = x->type, .off = x->home};
    }
    g_assert(x->mem == XW_SPILL);
    return (struct x64_loc){.kind = XL_SPILL, .type = x->type, .off = x->spill};
}

/* ------------------------------------------------------------------------------------------- register file */

/* Operands that die in this instruction give their register to its result, but not to another operand. */
static inline bool reg_is_free(const struct x64_ctx *c, int r, bool for_result)
{
    uint32_t v = c->reg_val[r];

    return v == 0 || c->val[v].last < c->pos + for_result;
}

static inline void unbind(struct x64_ctx *c, int r)
{
    uint32_t v = c->reg_val[r];

    if (v) {
        c->val[v].reg = -1;
        c->reg_val[r] = 0;
    }
}

static inline void bind(struct x64_ctx *c, int r, uint32_t v)
{
    unbind(c, r);
    c->reg_val[r] = v;
    c->val[v].reg = (int8_t)r;
}

static void store_spill(struct x64_ctx *c, uint32_t v)
{
    struct x64_val *x = &c->val[v];

    if (x->mem == XW_NONE && !(x->flags & XV_CONST)) {
        x64_store_type(c, (enum ir_type)x->type, x64_at(RSP, x64_spill_place(c, v)), x->reg);
        x->mem = XW_SPILL;
    }
}

static void evict(struct x64_ctx *c, int r)
{
    store_spill(c, c->reg_val[r]);
    unbind(c, r);
}

static inline uint32_t distance(const struct x64_ctx *c, uint32_t v)
{
    const struct x64_val *x = &c->val[v];
    uint32_t n = x->next;

    if (x->loop_until > c->pos && n > x->loop_until) {
        n = x->loop_until;
    }
    return n;
}

static int take(struct x64_ctx *c, enum x64_class cls, int pref, bool outlives_call, bool for_result)
{
    uint32_t mask = c->allocatable[cls] & ~c->locked;

    if (pref >= 0 && (mask >> pref & 1) && reg_is_free(c, pref, for_result)) {
        unbind(c, pref);
        return pref;
    }
    int best = -1;
    uint64_t far = 0;
    if (cls == XC_GPR) {
        const uint8_t *order = outlives_call ? order_call : order_any;
        for (unsigned k = 0; k < G_N_ELEMENTS(order_any); k++) {
            int r = order[k];
            if (!(mask >> r & 1)) {
                continue;
            }
            if (reg_is_free(c, r, for_result)) {
                unbind(c, r);
                return r;
            }
            uint32_t v = c->reg_val[r];
            uint64_t d = (uint64_t)distance(c, v) * 2 + (c->val[v].mem != XW_NONE || (c->val[v].flags & XV_CONST));
            if (d > far) {
                far = d;
                best = r;
            }
        }
    } else {
        for (int r = XMM0; r < XMM15; r++) {
            if (!(mask >> r & 1)) {
                continue;
            }
            if (reg_is_free(c, r, for_result)) {
                unbind(c, r);
                return r;
            }
            uint32_t v = c->reg_val[r];
            uint64_t d = (uint64_t)distance(c, v) * 2 + (c->val[v].mem != XW_NONE || (c->val[v].flags & XV_CONST));
            if (d > far) {
                far = d;
                best = r;
            }
        }
    }
    g_assert(best >= 0);
    evict(c, best);
    return best;
}

static inline int lock(struct x64_ctx *c, int r)
{
    c->locked |= 1u << r;
    return r;
}

/* The register that v had at the head of the loop, or that the parameter which it becomes has. */
static int hint_reg(const struct x64_ctx *c, uint32_t v)
{
    uint32_t h = c->val[v].hint;

    if (h) {
        const struct x64_blk *b = &c->blk[c->val[h].block];
        if (b->fixed) {
            for (uint32_t k = b->first_ent + b->n_ents; k-- > b->first_ent;) {
                if (c->ent[k].v == h) {
                    return c->ent[k].reg;
                }
            }
        }
    }
    return -1;
}

int x64_in(struct x64_ctx *c, uint32_t v)
{
    v = x64_canon(c, v);
    struct x64_val *x = &c->val[v];

    if (x->reg < 0) {
        struct x64_loc src = x64_where(c, v);
        int r = take(c, (enum x64_class)x->cls, hint_reg(c, v), x->last > c->next_call, false);
        struct x64_loc dst = {.kind = XL_REG, .type = x->type, .reg = (int8_t)r};
        x64_copy(c, &dst, &src, 0);
        bind(c, r, v);
    }
    return lock(c, x->reg);
}

int x64_new(struct x64_ctx *c, uint32_t p)
{
    struct x64_val *x = &c->val[p];
    int r = take(c, (enum x64_class)x->cls, hint_reg(c, p), x->last > c->next_call, true);

    share_at_definition(c, p);
    bind(c, r, p);
    return lock(c, r);
}

int x64_new_from(struct x64_ctx *c, uint32_t p, uint32_t v)
{
    v = x64_canon(c, v);
    struct x64_val *x = &c->val[v];
    enum ir_type t = (enum ir_type)x->type;

    if (x->reg >= 0 && x->last <= c->pos && x->cls == c->val[p].cls) {
        int r = x->reg;
        int h = hint_reg(c, p);
        if (h >= 0 && h != r && (c->allocatable[c->val[p].cls] & ~c->locked) >> h & 1 && reg_is_free(c, h, true)) {
            x64_move_reg(c, t, h, r);
            r = h;
        }
        share_at_definition(c, p);
        bind(c, r, p);
        return lock(c, r);
    }
    struct x64_loc src = x64_where(c, v);
    if (src.kind == XL_REG) {
        lock(c, src.reg);
    }
    int r = x64_new(c, p);
    struct x64_loc dst = {.kind = XL_REG, .type = x->type, .reg = (int8_t)r};
    x64_copy(c, &dst, &src, 0);
    return r;
}

int x64_temp(struct x64_ctx *c, enum x64_class cls)
{
    return lock(c, take(c, cls, -1, false, false));
}

void x64_free_reg(struct x64_ctx *c, int r)
{
    uint32_t v = c->reg_val[r];

    lock(c, r);
    if (v == 0 || c->val[v].last < c->pos) {
        unbind(c, r);
        return;
    }
    /* Still wanted, perhaps by this very instruction: to another register. */
    struct x64_val *x = &c->val[v];
    int to = take(c, (enum x64_class)x->cls, -1, x->last > c->next_call, false);
    x64_move_reg(c, (enum ir_type)x->type, to, r);
    bind(c, to, v);
    c->reg_val[r] = 0;
    lock(c, to);
}

bool x64_in_mem(struct x64_ctx *c, uint32_t v, bool w)
{
    v = x64_canon(c, v);
    struct x64_val *x = &c->val[v];

    if (x->reg >= 0 || (x->flags & XV_CONST) || (w && x->type == IR_I32)) {
        return false;
    }
    if (x->last <= c->pos) {
        return true;
    }
    /* used again soon: a register saves the second access */
    uint32_t n = x->next;
    for (uint32_t k = c->ufirst[c->pos]; k < c->ufirst[c->pos + 1]; k++) {
        if (c->use[k].v == v) {
            n = c->use[k].next;
        }
    }
    return n == X64_NEVER && x->loop_until <= c->pos;
}

void x64_insn_end(struct x64_ctx *c, uint32_t p)
{
    uint32_t end = c->ufirst[p + 1];

    for (uint32_t k = c->ufirst[p]; k < end; k++) {
        c->val[c->use[k].v].next = c->use[k].next;
    }
    c->locked = 0;
}

void x64_spill_caller_saved(struct x64_ctx *c)
{
    for (int r = 0; r < 32; r++) {
        uint32_t v = c->reg_val[r];
        if (!v || !(X64_CALLER_SAVED >> r & 1)) {
            continue;
        }
        struct x64_val *x = &c->val[v];
        if (x->last <= c->pos) {
            continue; /* an argument that dies here stays where it is until it has been moved */
        }
        if (r < 16 && x->next != X64_NEVER && !(x->flags & XV_CONST)) {
            uint32_t keep = c->allocatable[XC_GPR] & ~X64_CALLER_SAVED & ~c->locked;
            int to = -1;
            for (int s = 0; s < 16; s++) {
                if ((keep >> s & 1) && reg_is_free(c, s, false)) {
                    to = s;
                    break;
                }
            }
            if (to >= 0) {
                x64_move_reg(c, (enum ir_type)x->type, to, r);
                bind(c, to, v);
                c->reg_val[r] = 0;
                continue;
            }
        }
        store_spill(c, v);
    }
}

void x64_note_home(struct x64_ctx *c, uint32_t v)
{
    if (c->n_ldslot == c->max_ldslot) {
        c->max_ldslot = c->max_ldslot * 2 + 64;
        c->ldslot = g_renew(uint32_t, c->ldslot, c->max_ldslot);
    }
    c->ldslot[c->n_ldslot++] = v;
    c->val[v].mem = XW_HOME;
}

void x64_home_lost(struct x64_ctx *c, int slot)
{
    for (uint32_t k = 0; k < c->n_ldslot; k++) {
        uint32_t v = c->ldslot[k];
        struct x64_val *x = &c->val[v];
        if (x->mem != XW_HOME || (slot >= 0 && x->home != slot) ||
            (slot == -2 && !c->guest->slot[x->home].banked)) {
            continue;
        }
        /* `last` is exact for values of this block and for live ones; others have no place any more */
        bool live = x->last >= c->pos && (x->block == c->block || x->stamp == c->block);
        if (x->reg >= 0) {
            x->mem = XW_NONE;
        } else if (live) {
            struct x64_loc src = x64_where(c, v);
            struct x64_loc dst = {.kind = XL_SPILL, .type = x->type, .off = x64_spill_place(c, v)};
            x64_copy(c, &dst, &src, 0);
            x->mem = XW_SPILL;
        } else {
            x->mem = XW_NONE;
        }
    }
}
/* -------------------------------------------------------------------------------------------- block borders */

static void add_ent(struct x64_ctx *c, uint32_t v, int reg, unsigned mem)
{
    if (c->n_ent == c->max_ent) {
        c->max_ent = c->max_ent * 2 + 256;
        c->ent = g_renew(struct x64_ent, c->ent, c->max_ent);
    }
    c->ent[c->n_ent++] = (struct x64_ent){v, (int8_t)reg, (uint8_t)mem};
}

static int pick(uint32_t *avail)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(order_any); k++) {
        if (*avail >> order_any[k] & 1) {
            *avail &= ~(1u << order_any[k]);
            return order_any[k];
        }
    }
    if (*avail) {
        int r = __builtin_ctz(*avail);
        *avail &= ~(1u << r);
        return r;
    }
    return -1;
}

void x64_edge_fix(struct x64_ctx *c, uint32_t edge)
{
    const struct ir_region *r = c->r;
    uint32_t to = r->edge[edge].to;
    struct x64_blk *b = &c->blk[to];

    if (b->fixed) {
        return;
    }
    b->fixed = true;
    b->first_ent = c->n_ent;
    const uint64_t *in = c->bits + (size_t)to * c->words;
    bool loop = b->loop_end != 0, shared = b->n_preds > 1;
    uint32_t avail[4];
    unsigned wanted[4] = {0};
    memcpy(avail, c->allocatable, sizeof(avail));

    uint32_t n_params = r->block[to].n_params, first = r->block[to].first;
    if (loop) { /* how many registers would the loop like? */
        for (uint32_t w = 0; w < c->words; w++) {
            for (uint64_t x = in[w]; x; x &= x - 1) {
                struct x64_val *v = &c->val[c->gval[w * 64 + (uint32_t)__builtin_ctzll(x)]];
                if (v->next < b->loop_end) {
                    wanted[v->cls]++;
                    if (v->loop_until < b->loop_end) {
                        v->loop_until = b->loop_end;
                    }
                }
            }
        }
        for (uint32_t k = 0; k < n_params; k++) {
            wanted[c->val[first + k].cls] += c->val[first + k].next < b->loop_end;
        }
    }
    unsigned room[4] = {0}; /* registers that the loop leaves to values which only pass through */
    unsigned spare[4] = {0}; /* registers for parameters that only exits read */
    bool crowded[4] = {false};
    if (loop) {
        unsigned need[4] = {0};
        for (uint32_t k = to; k < r->n_blocks && r->block[k].first < b->loop_end; k++) {
            for (unsigned j = XC_GPR; j <= XC_XMM; j++) {
                need[j] = MAX(need[j], c->blk[k].need[j]);
            }
        }
        for (unsigned j = XC_GPR; j <= XC_XMM; j++) {
            unsigned all = (unsigned)__builtin_popcount(c->allocatable[j]), take_up = wanted[j] + need[j];
            room[j] = take_up < all ? all - take_up : 0;
            crowded[j] = take_up > all;
        }
        for (uint32_t k = 0; k < n_params; k++) { /* parameters that only exits read come before those */
            struct x64_val *p = &c->val[first + k];
            if (p->n_use && p->next >= b->loop_end && room[p->cls]) {
                room[p->cls]--;
                spare[p->cls]++;
            }
        }
    }
    for (uint32_t w = 0; w < c->words; w++) {
        for (uint64_t x = in[w]; x; x &= x - 1) {
            uint32_t vi = c->gval[w * 64 + (uint32_t)__builtin_ctzll(x)];
            struct x64_val *v = &c->val[vi];
            int reg = v->reg;
            unsigned mem = v->mem;

            if ((shared || n_params) && mem == XW_HOME && c->clobbered[v->home] && !x64_home_holds(c, vi, to)) {
                mem = reg >= 0 ? XW_NONE : XW_SPILL;
            }
            if (loop && v->next >= b->loop_end) {
                if (reg >= 0 && !room[v->cls]) {
                    reg = -1;
                } else if (reg >= 0) {
                    room[v->cls]--;
                }
            }
            if (loop && crowded[v->cls] && mem == XW_NONE) {
                mem = XW_SPILL;
            }
            if (reg < 0 && mem == XW_NONE) {
                mem = XW_SPILL;
            }
            if (reg >= 0) {
                avail[v->cls] &= ~(1u << reg);
            }
            add_ent(c, vi, reg, mem);
        }
    }
    uint32_t n_in = c->n_ent;
    for (uint32_t k = 0; k < n_params; k++) { /* arguments that are in a register of their own pass it on */
        uint32_t p = first + k, v = c->val[r->arg[r->edge[edge].first_arg + k]].canon;
        int reg = -1;
        if (c->val[p].n_use && c->val[v].reg >= 0 && c->val[v].cls == c->val[p].cls &&
            (avail[c->val[p].cls] >> c->val[v].reg & 1) && (!loop || c->val[p].next < b->loop_end)) {
            reg = c->val[v].reg;
            avail[c->val[p].cls] &= ~(1u << reg);
        }
        add_ent(c, p, reg, XW_NONE);
    }
    /* Parameters, and in a loop all that it uses, come in registers, what is used first before the others. */
    for (uint32_t k = loop ? b->first_ent : n_in; k < c->n_ent; k++) {
        struct x64_val *p = &c->val[c->ent[k].v];
        bool param = k >= n_in;
        if (c->ent[k].reg >= 0 || !p->n_use || p->cls == XC_MEM || (!param && p->next >= b->loop_end)) {
            continue;
        }
        if (loop && p->next >= b->loop_end) {
            if (!spare[p->cls]) {
                continue;
            }
            spare[p->cls]--;
        } else if (p->next == X64_NEVER) {
            continue;
        }
        int reg = pick(&avail[p->cls]);
        if (reg < 0 && loop && p->next < b->loop_end) {
            uint32_t far = p->next, best = 0;
            for (uint32_t j = b->first_ent; j < c->n_ent; j++) {
                struct x64_val *v = &c->val[c->ent[j].v];
                if (c->ent[j].reg >= 0 && v->cls == p->cls && v->next > far) {
                    far = v->next;
                    best = j + 1;
                }
            }
            if (best) {
                reg = c->ent[best - 1].reg;
                c->ent[best - 1].reg = -1;
            }
        }
        c->ent[k].reg = (int8_t)reg;
    }
    for (uint32_t k = b->first_ent; k < c->n_ent; k++) {
        if (c->ent[k].reg < 0 && c->ent[k].mem == XW_NONE && c->val[c->ent[k].v].n_use) {
            uint32_t p = c->ent[k].v;
            if (k >= n_in && x64_home_for(c, p)) {
                c->ent[k].mem = XW_HOME;
                c->val[p].home = r->insn[p].aux;
                continue;
            }
            c->ent[k].mem = XW_SPILL;
            if (k >= n_in) {
                share_at_edge(c, p, c->val[r->arg[r->edge[edge].first_arg + (p - first)]].canon, to);
            }
        }
    }
    b->n_ents = c->n_ent - b->first_ent;
    for (uint32_t k = b->first_ent; k < c->n_ent; k++) {
        if (c->ent[k].mem == XW_SPILL) {
            x64_spill_place(c, c->ent[k].v);
        }
    }
}

/* A value in a register may stand in the slot besides. */
static bool at_home(const struct x64_ctx *c, uint32_t v, uint32_t slot)
{
    return !(c->val[v].flags & XV_CONST) && c->val[v].mem == XW_HOME && c->val[v].home == slot;
}

uint32_t x64_edge_moves(struct x64_ctx *c, uint32_t edge)
{
    const struct ir_region *r = c->r;
    uint32_t to = r->edge[edge].to, first = r->block[to].first, n_params = r->block[to].n_params;
    const struct x64_blk *b = &c->blk[to];

    c->n_move = 0;
    for (uint32_t k = b->first_ent; k < b->first_ent + b->n_ents; k++) {
        const struct x64_ent *e = &c->ent[k];
        struct x64_val *x = &c->val[e->v];
        bool param = e->v >= first && e->v < first + n_params;
        uint32_t v = param ? c->val[r->arg[r->edge[edge].first_arg + (e->v - first)]].canon : e->v;

        if (e->reg < 0 && e->mem == XW_NONE) {
            continue; /* a parameter nobody reads */
        }
        if (!param && (e->reg < 0 || x->reg == e->reg) && (e->mem != XW_SPILL || x->mem == XW_SPILL)) {
            continue;
        }
        struct x64_loc src = x64_where(c, v);
        if (e->reg >= 0) {
            x64_add_move(c, (struct x64_loc){.kind = XL_REG, .type = x->type, .reg = e->reg}, src);
        }
        if (e->mem == XW_SPILL && (param || x->mem != XW_SPILL)) {
            x64_add_move(c, (struct x64_loc){.kind = XL_SPILL, .type = x->type, .off = x->spill}, src);
        } else if (e->mem == XW_HOME && param && !at_home(c, v, x->home) && !x64_home_has(c, e->v)) {
            x64_add_move(c, (struct x64_loc){.kind = XL_HOME, .type = x->type, .off = x->home}, src);
        }
    }
    return c->n_move;
}

void x64_block_begin(struct x64_ctx *c, uint32_t b)
{
    const struct ir_region *r = c->r;
    const struct x64_blk *blk = &c->blk[b];

    c->block = b;
    c->pos = r->block[b].first;
    for (int k = 0; k < 32; k++) {
        unbind(c, k);
    }
    for (uint32_t k = blk->first_ent; k < blk->first_ent + blk->n_ents; k++) {
        const struct x64_ent *e = &c->ent[k];
        c->val[e->v].mem = e->mem;
        if (e->reg >= 0) {
            bind(c, e->reg, e->v);
        }
    }
    c->n_ldslot = 0;
    for (uint32_t k = blk->first_ent; k < blk->first_ent + blk->n_ents; k++) {
        if (c->ent[k].mem == XW_HOME) {
            x64_note_home(c, c->ent[k].v);
        }
    }
    /* last uses in this block */
    c->next_call = X64_NEVER;
    for (uint32_t p = r->block[b].first; p < r->block[b].last; p++) {
        const struct ir_insn *i = &r->insn[p];
        uint32_t x = ~0u;

        c->val[p].last = p;
        c->val[p].stamp = b;
        uint32_t end = c->ufirst[p + 1];
        /* What edges and exits read must survive the instruction's own work: it dies one place later. */
        uint32_t dies = i->op == IR_BRIF ? p + 1 : p;
        for (uint32_t k = c->ufirst[p]; k < end; k++) {
            c->val[c->use[k].v].last = dies;
            c->val[c->use[k].v].stamp = b;
        }
        switch (i->op) {
        case IR_CALL:
            if (c->next_call == X64_NEVER) {
                c->next_call = p;
            }
            break;
        case IR_GUARD:
        case IR_CHARGE:
        case IR_EXITIF:
        case IR_EXIT:
            x = i->b;
            break;
        case IR_LOAD:
        case IR_STORE:
        case IR_CAS:
        case IR_XCHG:
        case IR_AADD:
            x = c->user && r->insn[i->a].op == IR_GUARD ? r->insn[i->a].b : ~0u;
            break;
        default:
            break;
        }
        if (x != ~0u) {
            const struct ir_exit *e = &r->exit[x];
            /* A load that faults has not written its result: that may stand where such a value did. */
            uint32_t until = i->op == IR_LOAD ? p : p + 1;
            for (uint32_t k = 0; k < e->count; k++) {
                struct x64_val *v = &c->val[c->val[r->snap[e->first + k].value].canon];
                v->last = until;
                v->stamp = b;
            }
            const ir_ref extra[3] = {e->info, e->pc_ref, e->npc_ref};
            for (unsigned k = 0; k < 3; k++) {
                struct x64_val *v = &c->val[c->val[extra[k]].canon];
                v->last = until;
                v->stamp = b;
            }
        }
    }
    const uint64_t *out = c->bits + ((size_t)r->n_blocks + b) * c->words;
    for (uint32_t w = 0; w < c->words; w++) {
        for (uint64_t x = out[w]; x; x &= x - 1) {
            struct x64_val *v = &c->val[c->gval[w * 64 + (uint32_t)__builtin_ctzll(x)]];
            v->last = X64_NEVER;
            v->stamp = b;
        }
    }
}

/* Spill places of values that nobody outside the block knows are free again. */
void x64_block_end(struct x64_ctx *c)
{
    for (uint32_t k = 0; k < c->n_local_spill; k++) {
        struct x64_val *x = &c->val[c->local_spill[k]];
        if (x->flags & XV_SHARED) {
            continue;
        }
        bool wide = x64_wide((enum ir_type)x->type);
        int32_t **list = wide ? &c->free16 : &c->free8;
        uint32_t *n = wide ? &c->n_free16 : &c->n_free8, *max = wide ? &c->max_free16 : &c->max_free8;
        if (*n == *max) {
            *max = *max * 2 + 64;
            *list = g_renew(int32_t, *list, *max);
        }
        (*list)[(*n)++] = x->spill;
    }
    c->n_local_spill = 0;
}
