/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How guest code becomes regions: units for the interpreter, superblocks (one entry, straight on, side exits) for
 * tier 1, and for tier 2 hot regions of many blocks with loops and in-lined calls.
 */
#include <setjmp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "emulator/jit/runtime.h"

/* ----------------------------------------------------------------------------------------- common parts */

static uint64_t address_of(const struct region_source *s, uint64_t pc)
{
    return pc & ~s->jit->guest->pc_state;
}

static bool same_page(const struct region_source *s, uint64_t a, uint64_t b)
{
    return (address_of(s, a ^ b) & JIT_PAGE_MASK) == 0;
}

/* Where the code at pc stands if it is on the source's page (of a program: anywhere). */
static const uint8_t *host_near(const struct region_source *s, uint64_t pc)
{
    return s->host + (int64_t)(address_of(s, pc) - address_of(s, s->pc));
}

/* Leaving for a constant address, in the cheapest way that is right: linked where the mapping of the target cannot
 * differ from the source's, else by the jump cache, which holds ordinary successions only. */
static enum ir_exit_kind exit_kind(const struct region_source *s, uint64_t pc, uint64_t npc)
{
    const struct jit_guest *g = s->jit->guest;
    uint64_t follow = pc + (UINT64_C(1) << g->insn_shift);
    if (s->jit->options.user_mode || same_page(s, s->pc, pc))
        return IR_EXIT_DIRECT;
    if (!g->uses_npc || npc == (g->address64 ? follow : (uint32_t)follow))
        return IR_EXIT_INDIRECT;
    return IR_EXIT_DISPATCH;
}

static void leave_to(struct ir_builder *b, const struct region_source *s, uint64_t pc, uint64_t npc)
{
    ir_exit(b, exit_kind(s, pc, npc), IR_HINT_NONE, pc, npc, IR_NONE, IR_NONE);
}

/* Straight on after unit i, or where it jumps to. */
static void leave_on(struct ir_builder *b, const struct region_source *s, const struct jit_insn *i)
{
    ir_exit(b, exit_kind(s, i->next_pc, i->next_npc), i->hint, i->next_pc, i->next_npc, IR_NONE, IR_NONE);
    if (i->hint == IR_HINT_CALL)
        ir_exit_returns(b, i->return_pc);
}

static void leave_if(struct ir_builder *b, const struct region_source *s, ir_ref cond, uint64_t pc, uint64_t npc)
{
    ir_exit_if(b, cond, exit_kind(s, pc, npc), pc, npc);
}

#define BEYOND 8 /* bytes behind a page that an instruction may need */

static void unit_at(const struct region_source *s, struct jit_insn *i, uint64_t pc, uint64_t npc,
                    const uint8_t *host, bool next_page)
{
    memset(i, 0, sizeof(*i));
    i->pc = pc;
    i->npc = npc;
    i->mode = s->mode;
    i->code = host;
    i->avail = JIT_PAGE_SIZE - (uint32_t)(address_of(s, pc) & (JIT_PAGE_SIZE - 1)) + (next_page ? BEYOND : 0);
    i->n_insns = 1;
}

/* Ends a block after unit i, leaving the region on every way. */
static void leave_after(struct ir_builder *b, const struct region_source *s, const struct jit_insn *i)
{
    switch (i->flow) {
    case JIT_NEXT:
    case JIT_JUMP: leave_on(b, s, i); break;
    case JIT_BRANCH:
        leave_if(b, s, i->cond, i->taken_pc, i->taken_npc);
        leave_to(b, s, i->next_pc, i->next_npc);
        break;
    case JIT_INDIRECT: ir_exit(b, IR_EXIT_INDIRECT, i->hint, i->return_pc, 0, i->target, IR_NONE); break;
    case JIT_END: break;
    }
}

static void one_block(struct ir_builder *b, const struct region_source *s)
{
    ir_begin(b, s->jit->guest, s->pc, s->npc, s->mode, s->jit->options.user_mode);
    uint32_t block = ir_block_new(b, s->pc, s->npc);
    ir_block_start(b, block);
    ir_block_seal(b, block);
}

struct ir_region *region_form_unit(struct ir_builder *b, const struct region_source *s, struct code_span *span)
{
    struct jit_insn i;
    one_block(b, s);
    ir_charge(b, 0);
    ir_set_unit(b);
    unit_at(s, &i, s->pc, s->npc, s->host, s->next_page);
    ir_set_pc(b, s->pc, s->npc);
    s->jit->guest->translate(b, &i);
    ir_insns_done(b, i.n_insns - i.n_done);
    leave_after(b, s, &i);
    span->host = s->host;
    span->size = MAX(i.size, 1);
    return ir_finish(b, false);
}

/* Units from pc straight on, into the current block; what they were made from widens [*low, *high). */
static void emit_superblock(struct ir_builder *b, const struct region_source *s, uint64_t *low, uint64_t *high)
{
    const struct jit_guest *g = s->jit->guest;
    uint64_t pc = s->pc, npc = s->npc;
    ir_charge(b, 0);
    for (unsigned n = 1;; n++) {
        struct jit_insn i;
        unit_at(s, &i, pc, npc, host_near(s, pc), s->next_page);
        ir_set_pc(b, pc, npc);
        g->translate(b, &i);
        ir_insns_done(b, i.n_insns - i.n_done);
        uint64_t at = address_of(s, pc);
        *low = MIN(*low, at);
        *high = MAX(*high, at + MAX(i.size, 1));
        bool full = n >= SUPERBLOCK_MAX_UNITS;
        if (i.flow == JIT_END)
            break;
        if (!full && i.flow == JIT_NEXT && same_page(s, i.next_pc, s->pc)) {
            pc = i.next_pc;
            npc = i.next_npc;
            continue;
        }
        /* Straight on over a forward branch, which is a side exit; a backward one is a loop: stop there. */
        if (!full && i.flow == JIT_BRANCH && same_page(s, i.next_pc, s->pc) && address_of(s, i.taken_pc) > at) {
            leave_if(b, s, i.cond, i.taken_pc, i.taken_npc);
            pc = i.next_pc;
            npc = i.next_npc;
            continue;
        }
        leave_after(b, s, &i);
        break;
    }
}

/* Goes on in a block where the kind slot has the constant value `kind`; returns the one for all other values. */
static uint32_t split_by_kind(struct ir_builder *b, const struct region_source *s, uint64_t kind)
{
    const struct jit_guest *g = s->jit->guest;
    ir_ref known = ir_const(b, g->slot[g->kind_slot].type, kind);
    uint32_t same = ir_block_new(b, s->pc, s->npc), other = ir_block_new(b, s->pc, s->npc);
    ir_set_pc(b, s->pc, s->npc);
    ir_br_if(b, ir_icmp(b, IR_EQ, ir_get(b, g->kind_slot), known), same, other, 1);
    ir_block_seal(b, same);
    ir_block_seal(b, other);
    ir_block_start(b, same);
    ir_put(b, g->kind_slot, known);
    return other;
}

struct ir_region *region_form_superblock(struct ir_builder *b, const struct region_source *s,
                                         struct code_span *span)
{
    const struct jit_guest *g = s->jit->guest;
    uint64_t start = address_of(s, s->pc), low = start, high = start;
    one_block(b, s);
    emit_superblock(b, s, &low, &high);
    if (g->has_kind_slot && ir_slot_examined(b, g->kind_slot)) { /* most often it will be what it is now */
        one_block(b, s);
        uint32_t other = split_by_kind(b, s, s->kind);
        emit_superblock(b, s, &low, &high);
        ir_block_start(b, other);
        emit_superblock(b, s, &low, &high);
    }
    span->host = s->host + (int64_t)(low - start);
    span->size = (uint32_t)(high - low);
    return ir_finish(b, false);
}

/* ------------------------------------------------------------------------------------------- hot regions */

/* A unit met while exploring. Calls are in-lined: a unit is told apart by the chain of calls that led to it. */
struct call_chain {
    const struct call_chain *up;
    uint64_t return_pc;
    unsigned depth;
};

struct explored {
    uint64_t pc, npc;
    const struct call_chain *chain;
    const uint8_t *host;
    struct jit_insn i;
    const struct call_chain *next_chain; /* of the successors next_pc/taken_pc */
    bool leader;
    bool returns_inside; /* JIT_INDIRECT return whose target is known */
    uint32_t block;      /* when leader */
    bool queued;
    bool kept;           /* leader: part of the region */
    bool sets_kind;      /* the guest's kind slot is the constant `kind` after it, */
    bool adds_kind;      /* or what it was with the bits `kind`; else nobody knows */
    bool reads_kind;     /* it decides something */
    uint8_t asked;       /* loop_reads_kind() was here */
    uint64_t kind;
};

struct explorer {
    const struct region_source *s;
    GHashTable *units;  /* struct explored, by (pc, npc, chain) */
    GPtrArray *leaders; /* order of discovery */
    GPtrArray *chains;
    GArray *spans;
    unsigned n_units, n_leaders;
    struct ir_builder *scratch;
    GHashTable *pages;  /* host page -> copy */
    GArray *mappings;   /* struct code_mapping: other pages that were used */
};

static guint explored_hash(gconstpointer p)
{
    const struct explored *e = p;
    return (guint)(jit_pc_hash(e->pc ^ (e->npc << 17), 31) ^ (guint)((uintptr_t)e->chain >> 4));
}

static gboolean explored_equal(gconstpointer p, gconstpointer q)
{
    const struct explored *a = p, *b = q;
    return a->pc == b->pc && a->npc == b->npc && a->chain == b->chain;
}

/* A code page, and where a program goes on behind it. */
struct page_copy {
    uint8_t bytes[JIT_PAGE_SIZE + BEYOND];
    bool next_page;
};

static bool copy_bytes(void *to, const void *from, size_t size)
{
    struct iovec here = {to, size}, there = {(void *)from, size};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* Copy of the code page that holds this host address; NULL when it cannot be read any more. */
static struct page_copy *page_copy_of(struct explorer *x, const uint8_t *host)
{
    const uint8_t *page = host - ((uintptr_t)host & (JIT_PAGE_SIZE - 1));
    struct page_copy *copy = g_hash_table_lookup(x->pages, page);
    if (!copy) {
        copy = g_new(struct page_copy, 1);
        if (!copy_bytes(copy->bytes, page, JIT_PAGE_SIZE)) {
            g_free(copy);
            return NULL;
        }
        copy->next_page = x->s->jit->options.user_mode &&
                          copy_bytes(copy->bytes + JIT_PAGE_SIZE, page + JIT_PAGE_SIZE, BEYOND);
        g_hash_table_insert(x->pages, (void *)page, copy);
    }
    return copy;
}

static const uint8_t *copy_of(struct explorer *x, const uint8_t *host)
{
    struct page_copy *copy = page_copy_of(x, host);
    return copy ? copy->bytes + ((uintptr_t)host & (JIT_PAGE_SIZE - 1)) : NULL;
}

/* Where the code of pc stands; NULL when it is out of the region's reach. */
static const uint8_t *host_of(struct explorer *x, uint64_t pc)
{
    const struct region_source *s = x->s;
    const uint8_t *host = host_near(s, pc);
    pc = address_of(s, pc);
    if (!same_page(s, pc, s->pc) && !s->jit->options.user_mode) {
        const struct code_mapping *m = NULL;
        for (unsigned k = 0; k < x->mappings->len && !m; k++)
            if (g_array_index(x->mappings, struct code_mapping, k).page == (pc & JIT_PAGE_MASK))
                m = &g_array_index(x->mappings, struct code_mapping, k);
        for (unsigned k = 0; k < s->n_mappings && !m; k++)
            if (s->mapping[k].page == (pc & JIT_PAGE_MASK)) {
                if (x->mappings->len >= REGION_MAX_PAGES)
                    return NULL;
                g_array_append_val(x->mappings, s->mapping[k]);
                m = &s->mapping[k];
            }
        if (!m)
            return NULL;
        host = m->host + (pc & ~JIT_PAGE_MASK);
    }
    return copy_of(x, host) ? host : NULL;
}

static void unit_of(struct explorer *x, struct jit_insn *i, const struct explored *u)
{
    unit_at(x->s, i, u->pc, u->npc, copy_of(x, u->host), page_copy_of(x, u->host)->next_page);
}

static struct explored *find_unit(struct explorer *x, uint64_t pc, uint64_t npc, const struct call_chain *chain)
{
    struct explored key = {.pc = pc, .npc = npc, .chain = chain};
    return g_hash_table_lookup(x->units, &key);
}

static struct explored *want_leader(struct explorer *x, uint64_t pc, uint64_t npc, const struct call_chain *chain)
{
    struct explored *e = find_unit(x, pc, npc, chain);
    if (e) {
        if (!e->leader) {
            if (x->n_leaders >= REGION_MAX_BLOCKS)
                return NULL;
            e->leader = true;
            x->n_leaders++;
            g_ptr_array_add(x->leaders, e);
        }
        return e;
    }
    const uint8_t *host = host_of(x, pc);
    if (!host || x->n_leaders >= REGION_MAX_BLOCKS || x->n_units >= REGION_MAX_UNITS)
        return NULL;
    e = g_new0(struct explored, 1);
    e->pc = pc;
    e->npc = npc;
    e->chain = chain;
    e->host = host;
    e->leader = true;
    x->n_leaders++;
    g_hash_table_add(x->units, e);
    g_ptr_array_add(x->leaders, e);
    return e;
}

static const struct call_chain *chain_push(struct explorer *x, const struct call_chain *up, uint64_t return_pc)
{
    for (unsigned k = 0; k < x->chains->len; k++) {
        struct call_chain *c = x->chains->pdata[k];
        if (c->up == up && c->return_pc == return_pc)
            return c;
    }
    struct call_chain *c = g_new(struct call_chain, 1);
    c->up = up;
    c->return_pc = return_pc;
    c->depth = up ? up->depth + 1 : 1;
    g_ptr_array_add(x->chains, c);
    return c;
}

#define MAX_CALL_DEPTH 3

/* Decodes units from a leader on until control leaves straight line; notes successors as leaders. */
static void explore_from(struct explorer *x, struct explored *e)
{
    const struct region_source *s = x->s;
    const struct jit_guest *g = s->jit->guest;
    for (;;) {
        if (e->i.n_insns) /* decoded already: the rest is known too */
            return;
        unit_of(x, &e->i, e);
        ir_begin(x->scratch, g, e->pc, e->npc, s->mode, s->jit->options.user_mode);
        uint32_t block = ir_block_new(x->scratch, e->pc, e->npc);
        ir_block_start(x->scratch, block);
        ir_block_seal(x->scratch, block);
        ir_charge(x->scratch, 0);
        ir_set_pc(x->scratch, e->pc, e->npc);
        g->translate(x->scratch, &e->i);
        e->next_chain = e->chain;
        x->n_units++;
        if (g->has_kind_slot && e->i.flow != JIT_END) {
            e->sets_kind = ir_slot_const(x->scratch, g->kind_slot, &e->kind);
            e->adds_kind = !e->sets_kind && ir_slot_bits(x->scratch, g->kind_slot, &e->kind);
            e->reads_kind = ir_slot_examined(x->scratch, g->kind_slot);
        }
        switch (e->i.flow) {
        case JIT_BRANCH:
            if (jit_is_warm(s->jit, e->i.taken_pc))
                want_leader(x, e->i.taken_pc, e->i.taken_npc, e->chain);
            want_leader(x, e->i.next_pc, e->i.next_npc, e->chain);
            return;
        case JIT_JUMP:
            if (e->i.hint == IR_HINT_CALL) {
                unsigned depth = e->chain ? e->chain->depth : 0;
                if (depth >= MAX_CALL_DEPTH || !jit_is_warm(s->jit, e->i.next_pc) ||
                    x->n_leaders > REGION_MAX_BLOCKS / 2)
                    return;
                for (const struct call_chain *c = e->chain; c; c = c->up)
                    if (c->return_pc == e->i.return_pc)
                        return; /* recursion */
                e->next_chain = chain_push(x, e->chain, e->i.return_pc);
            }
            want_leader(x, e->i.next_pc, e->i.next_npc, e->next_chain);
            return;
        case JIT_INDIRECT:
            if (e->i.hint == IR_HINT_RETURN && e->chain) {
                uint64_t to = e->chain->return_pc, follow = to + (UINT64_C(1) << g->insn_shift);
                e->next_chain = e->chain->up;
                e->i.next_pc = to;
                e->i.next_npc = g->address64 ? follow : (uint32_t)follow;
                if (want_leader(x, e->i.next_pc, e->i.next_npc, e->next_chain))
                    e->returns_inside = true;
            }
            return;
        case JIT_END: return;
        case JIT_NEXT: break;
        }
        struct explored *next = find_unit(x, e->i.next_pc, e->i.next_npc, e->chain);
        if (next) {
            want_leader(x, e->i.next_pc, e->i.next_npc, e->chain);
            return;
        }
        const uint8_t *host = host_of(x, e->i.next_pc);
        if (!host || x->n_units >= REGION_MAX_UNITS)
            return;
        next = g_new0(struct explored, 1);
        next->pc = e->i.next_pc;
        next->npc = e->i.next_npc;
        next->chain = e->chain;
        next->host = host;
        g_hash_table_add(x->units, next);
        e = next;
    }
}

static void note_span(GArray *spans, const struct explored *u)
{
    struct code_span span = {u->host, MAX(u->i.size, 1)};
    if (spans->len) {
        struct code_span *last = &g_array_index(spans, struct code_span, spans->len - 1);
        if (last->host + last->size == span.host) {
            last->size += span.size;
            return;
        }
    }
    g_array_append_val(spans, span);
}

/* The last unit of a leader's block. */
static struct explored *block_end(struct explorer *x, struct explored *u)
{
    while (u->i.n_insns && u->i.flow == JIT_NEXT) {
        struct explored *next = find_unit(x, u->i.next_pc, u->i.next_npc, u->chain);
        if (!next || next->leader)
            break;
        u = next;
    }
    return u;
}

static unsigned successors(struct explorer *x, struct explored *leader, struct explored *out[2])
{
    const struct explored *u = block_end(x, leader);
    unsigned n = 0;
    struct explored *e;
    if (!u->i.n_insns || u->i.flow == JIT_END || (u->i.flow == JIT_INDIRECT && !u->returns_inside))
        return 0;
    if (u->i.flow == JIT_JUMP && u->i.hint == IR_HINT_CALL && u->next_chain == u->chain)
        return 0;
    if ((e = find_unit(x, u->i.next_pc, u->i.next_npc, u->next_chain)) && e->leader)
        out[n++] = e;
    if (u->i.flow == JIT_BRANCH && (e = find_unit(x, u->i.taken_pc, u->i.taken_npc, u->next_chain)) && e->leader)
        out[n++] = e;
    return n;
}

/* A loop through the seed is kept, with all that leads back to it; where there is none, what comes first. Returns
 * whether there is one. */
static bool keep_loop(struct explorer *x)
{
    struct explored *seed = x->leaders->pdata[0], *next[2];
    bool loop = false;
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned k = 0; k < x->leaders->len; k++) {
            struct explored *e = x->leaders->pdata[k];
            unsigned n = e->kept ? 0 : successors(x, e, next);
            for (unsigned j = 0; j < n; j++)
                if ((next[j] == seed || next[j]->kept) && !e->kept) {
                    e->kept = changed = true;
                    loop = loop || e == seed || next[j] == seed;
                }
        }
    }
    if (!seed->kept) {
        for (unsigned k = 0; k < x->leaders->len; k++)
            ((struct explored *)x->leaders->pdata[k])->kept = k < TREE_MAX_BLOCKS;
        return false;
    }
    return loop;
}

/* The kind slot behind a leader's block: true when it is a constant, whatever it was before. */
static bool kind_behind(struct explorer *x, const struct explored *leader, const struct explored *end, uint64_t *kind)
{
    bool known = false;
    *kind = 0;
    for (const struct explored *u = leader;; u = find_unit(x, u->i.next_pc, u->i.next_npc, u->chain)) {
        if (u->sets_kind) {
            known = true;
            *kind = u->kind;
        } else if (u->adds_kind) {
            *kind |= u->kind;
        } else {
            known = false;
        }
        if (u == end)
            return known;
    }
}

/* Does something look at the kind slot's value on the way into this block? */
static bool reads_entry_kind(struct explorer *x, struct explored *leader)
{
    struct explored *end = block_end(x, leader), *next[2];
    if (leader->asked)
        return false;
    leader->asked = 1;
    for (const struct explored *u = leader;; u = find_unit(x, u->i.next_pc, u->i.next_npc, u->chain)) {
        if (u->reads_kind)
            return true;
        if (u->sets_kind)
            return false;
        if (u == end)
            break;
    }
    for (unsigned n = successors(x, leader, next); n-- > 0;)
        if (next[n]->kept && reads_entry_kind(x, next[n]))
            return true;
    return false;
}

/* On every way round the loop the kind slot has the same constant value when it comes back to the seed. */
static bool kind_on_return(struct explorer *x, uint64_t *kind)
{
    struct explored *seed = x->leaders->pdata[0], *next[2];
    bool found = false;
    for (unsigned k = 0; k < x->leaders->len; k++) {
        struct explored *e = x->leaders->pdata[k];
        bool returns = false;
        unsigned n = e->kept ? successors(x, e, next) : 0;
        for (unsigned j = 0; j < n; j++)
            returns = returns || next[j] == seed;
        if (!returns)
            continue;
        uint64_t at_end;
        if (!kind_behind(x, e, block_end(x, e), &at_end) || (found && at_end != *kind))
            return false;
        *kind = at_end;
        found = true;
    }
    return found;
}

static void sort_leaders(struct explorer *x, struct explored *e, GPtrArray *out);
static void visit(struct explorer *x, uint64_t pc, uint64_t npc, const struct call_chain *chain, GPtrArray *out)
{
    struct explored *e = find_unit(x, pc, npc, chain);
    if (e && e->leader && e->kept && !e->queued)
        sort_leaders(x, e, out);
}

/* Depth first, successors before the block itself: reversed this is a reverse post order. */
static void sort_leaders(struct explorer *x, struct explored *e, GPtrArray *out)
{
    e->queued = true;
    struct explored *u = block_end(x, e);
    switch (u->i.n_insns ? u->i.flow : JIT_END) {
    case JIT_BRANCH:
        visit(x, u->i.next_pc, u->i.next_npc, u->next_chain, out);
        visit(x, u->i.taken_pc, u->i.taken_npc, u->next_chain, out);
        break;
    case JIT_NEXT:
    case JIT_JUMP: visit(x, u->i.next_pc, u->i.next_npc, u->next_chain, out); break;
    case JIT_INDIRECT:
        if (u->returns_inside)
            visit(x, u->i.next_pc, u->i.next_npc, u->next_chain, out);
        break;
    case JIT_END: break;
    }
    g_ptr_array_add(out, e);
}

static struct explored *inside(struct explorer *x, uint64_t pc, uint64_t npc, const struct call_chain *chain)
{
    struct explored *e = find_unit(x, pc, npc, chain);
    return e && e->leader && e->block != UINT32_MAX ? e : NULL;
}

/* A block of its own that only leaves: for the side of a two-way branch that is not in the region. */
struct stub_block {
    uint32_t block;
    uint64_t pc, npc;
};

/* The units of a leader's block, in block `at`; `out`: what follows leaves the region. */
static void emit_block(struct explorer *x, struct ir_builder *b, struct explored *leader, uint32_t at, bool out,
                       GArray *stubs)
{
    const struct region_source *s = x->s;
    const struct jit_guest *g = s->jit->guest;
    struct explored *u = leader;
    ir_block_start(b, at);
    ir_charge(b, 0);
    for (;;) {
        struct jit_insn i;
        unit_of(x, &i, u);
        note_span(x->spans, u);
        ir_set_pc(b, u->pc, u->npc);
        g->translate(b, &i);
        ir_insns_done(b, i.n_insns - i.n_done);
        struct explored *next, *taken;
        switch (i.flow) {
        case JIT_END: return;
        case JIT_NEXT:
            next = find_unit(x, i.next_pc, i.next_npc, u->chain);
            if (next && next->i.n_insns && !next->leader) {
                u = next;
                continue;
            }
            if (!out && (next = inside(x, i.next_pc, i.next_npc, u->chain)))
                ir_br(b, next->block);
            else
                leave_on(b, s, &i);
            return;
        case JIT_JUMP:
            if (!out && (next = inside(x, i.next_pc, i.next_npc, u->next_chain)) &&
                (i.hint != IR_HINT_CALL || u->next_chain != u->chain))
                ir_br(b, next->block);
            else {
                leave_on(b, s, &i);
            }
            return;
        case JIT_BRANCH:
            next = out ? NULL : inside(x, i.next_pc, i.next_npc, u->chain);
            taken = out ? NULL : inside(x, i.taken_pc, i.taken_npc, u->chain);
            if (taken && next) {
                ir_br_if(b, i.cond, taken->block, next->block, 0);
            } else if (next) {
                leave_if(b, s, i.cond, i.taken_pc, i.taken_npc);
                ir_br(b, next->block);
            } else if (taken) {
                struct stub_block stub = {ir_block_new(b, i.next_pc, i.next_npc), i.next_pc, i.next_npc};
                g_array_append_val(stubs, stub);
                ir_br_if(b, i.cond, taken->block, stub.block, 1);
            } else
                leave_after(b, s, &i);
            return;
        case JIT_INDIRECT:
            if (!out && u->returns_inside && (next = inside(x, u->i.next_pc, u->i.next_npc, u->next_chain))) {
                uint64_t known;
                ir_ref want = ir_const(b, ir_type_of(b, i.target), u->i.next_pc);
                if (ir_is_const(b, i.target, &known) && known == u->i.next_pc) {
                    ir_br(b, next->block);
                } else {
                    struct stub_block stub = {ir_block_new(b, 0, 0), 0, 0};
                    ir_br_if(b, ir_icmp(b, IR_EQ, i.target, want), next->block, stub.block, 1);
                    ir_block_seal(b, stub.block);
                    ir_block_start(b, stub.block);
                    ir_exit(b, IR_EXIT_INDIRECT, i.hint, 0, 0, i.target, IR_NONE);
                }
                return;
            }
            leave_after(b, s, &i);
            return;
        }
    }
}

/* The seed is entered with the kind slot known.  With another kind its block is run in a copy, which comes back into
 * the region only where the kind is settled behind it. */
static void enter_by_kind(struct explorer *x, struct ir_builder *b, struct explored *seed, uint64_t kind, GArray *stubs)
{
    uint64_t behind;
    uint32_t same = ir_block_new(b, seed->pc, seed->npc), other = split_by_kind(b, x->s, kind);
    ir_br(b, same);
    ir_block_seal(b, same);
    emit_block(x, b, seed, other, !kind_behind(x, seed, block_end(x, seed), &behind), stubs);
    ir_block_start(b, same);
}

struct ir_region *region_form_hot(struct ir_builder *b, const struct region_source *s, GArray *spans,
                                  GByteArray *bytes, GArray *mappings, GArray *inner)
{
    struct explorer x = {
        .s = s,
        .units = g_hash_table_new_full(explored_hash, explored_equal, g_free, NULL),
        .leaders = g_ptr_array_new(),
        .chains = g_ptr_array_new_with_free_func(g_free),
        .spans = spans,
        .mappings = mappings,
        .scratch = b,
        .pages = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free),
    };
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    g_autoptr(GArray) stubs = g_array_new(FALSE, FALSE, sizeof(struct stub_block));
    struct ir_region *region = NULL;

    if (!want_leader(&x, s->pc, s->npc, NULL))
        goto out;
    for (unsigned k = 0; k < x.leaders->len; k++)
        explore_from(&x, x.leaders->pdata[k]);
    for (unsigned k = 0; k < x.leaders->len; k++)
        ((struct explored *)x.leaders->pdata[k])->block = UINT32_MAX;
    uint64_t kind = 0;
    bool loop = keep_loop(&x);
    bool assume = reads_entry_kind(&x, x.leaders->pdata[0]);
    if (assume && loop)
        assume = kind_on_return(&x, &kind);
    else
        kind = s->kind;
    sort_leaders(&x, x.leaders->pdata[0], order);

    ir_begin(b, s->jit->guest, s->pc, s->npc, s->mode, s->jit->options.user_mode);
    /* An entry of its own, so that the seed may be a loop header. */
    uint32_t entry = ir_block_new(b, s->pc, s->npc);
    for (unsigned k = order->len; k-- > 0;) {
        struct explored *e = order->pdata[k];
        e->block = e->i.n_insns ? ir_block_new(b, e->pc, e->npc) : UINT32_MAX;
    }
    ir_block_start(b, entry);
    ir_block_seal(b, entry);
    if (mappings->len) {
        ir_set_pc(b, s->pc, s->npc);
        ir_ref valid = ir_load_at(b, IR_I64, 3, ir_const(b, IR_I64, (uintptr_t)s->valid_epoch), 0);
        ir_ref now = ir_ldstate(b, IR_I64, 3, offsetof(struct jit_cpu, code_epoch));
        ir_exit_if(b, ir_icmp(b, IR_NE, valid, now), IR_EXIT_DISPATCH, s->pc, s->npc);
    }
    struct explored *seed = x.leaders->pdata[0];
    if (assume) /* else the first turn would make the slot unknown in all turns */
        enter_by_kind(&x, b, seed, kind, stubs);
    ir_br(b, seed->block);
    for (unsigned k = order->len; k-- > 0;) {
        struct explored *e = order->pdata[k];
        if (e->block != UINT32_MAX) {
            g_array_append_val(inner, e->pc);
            emit_block(&x, b, e, e->block, false, stubs);
        }
    }
    for (unsigned k = 0; k < stubs->len; k++) {
        struct stub_block *stub = &g_array_index(stubs, struct stub_block, k);
        ir_block_seal(b, stub->block);
        ir_block_start(b, stub->block);
        leave_to(b, s, stub->pc, stub->npc);
    }
    for (unsigned k = order->len; k-- > 0;) {
        struct explored *e = order->pdata[k];
        if (e->block != UINT32_MAX)
            ir_block_seal(b, e->block);
    }
    region = ir_finish(b, true);
    for (unsigned k = 0; k < spans->len; k++) {
        const struct code_span *span = &g_array_index(spans, struct code_span, k);
        for (uint32_t at = 0; at < span->size;) { /* pages were copied one by one */
            uint32_t n = JIT_PAGE_SIZE - (uint32_t)((uintptr_t)(span->host + at) & (JIT_PAGE_SIZE - 1));
            n = MIN(n, span->size - at);
            g_byte_array_append(bytes, copy_of(&x, span->host + at), n);
            at += n;
        }
    }
out:
    g_hash_table_destroy(x.pages);
    g_hash_table_destroy(x.units);
    g_ptr_array_free(x.leaders, TRUE);
    g_ptr_array_free(x.chains, TRUE);
    return region;
}
