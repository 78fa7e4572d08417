/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linear passes before code is made: classes and aliases, which operations get no code of their own, the uses of
 * each value in order of position (for next-use distances) and liveness over blocks.
 */
#include "emulator/jit/x64.h"

static const uint8_t class_of[] = {
    [IR_VOID] = XC_NONE, [IR_I32] = XC_GPR, [IR_I64] = XC_GPR, [IR_F32] = XC_XMM,
    [IR_F64] = XC_XMM,   [IR_F80] = XC_MEM, [IR_V128] = XC_XMM,
};

/* The exit that an instruction names, or ~0. In user mode accesses leave by their guard's exit. */
uint32_t x64_exit_of(const struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];

    switch (i->op) {
    case IR_GUARD:
    case IR_CHARGE:
    case IR_EXITIF:
    case IR_EXIT:
        return i->b;
    case IR_LOAD:
    case IR_STORE:
    case IR_CAS:
    case IR_XCHG:
    case IR_AADD:
        return c->user && c->r->insn[i->a].op == IR_GUARD ? c->r->insn[i->a].b : ~0u;
    default:
        return ~0u;
    }
}

static inline unsigned args_of(const struct ir_insn *i, ir_ref out[3])
{
    unsigned n = ir_op_info[i->op].args;

    out[0] = i->a;
    out[1] = i->b;
    out[2] = i->c;
    return n;
}

/* Does operand 0 of op only ask whether it is zero? */
static inline bool takes_condition(unsigned op)
{
    return op == IR_BRIF || op == IR_EXITIF || op == IR_SELECT || op == IR_CALLIF;
}

/* Is operand k a carry that may be left in the host's flags? */
static inline bool takes_carry(const struct ir_region *r, const struct ir_insn *i, unsigned k)
{
    if (k != 2 || i->op < IR_ADC || i->op > IR_BORROW) {
        return false;
    }
    unsigned made = r->insn[i->c].op;
    return made == IR_ICMP || made == IR_BORROW;
}

/* ----------------------------------------------------------------------------------------- pass 1: count */

static void count_uses(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;

    for (uint32_t b = 0; b < r->n_blocks; b++) {
        for (uint32_t p = r->block[b].first; p < r->block[b].last; p++) {
            const struct ir_insn *i = &r->insn[p];
            struct x64_val *v = &c->val[p];

            *v = (struct x64_val){.canon = p, .next = X64_NEVER, .block = b, .gidx = X64_NEVER, .stamp = X64_NEVER,
                                  .spill = -1, .reg = -1, .cls = class_of[i->type], .type = i->type};
            switch (i->op) {
            case IR_CONST:
                v->flags = XV_CONST;
                continue;
            case IR_ZEXT:
                if (i->aux == 32 && r->insn[i->a].type == IR_I32) {
                    v->canon = c->val[i->a].canon;
                }
                break;
            case IR_TRUNC:
                if (r->insn[c->val[i->a].canon].type == IR_I32) {
                    v->canon = c->val[i->a].canon;
                }
                break;
            case IR_LDSLOT:
                v->home = i->aux;
                break;
            default:
                break;
            }
        }
    }
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        for (uint32_t p = r->block[b].first; p < r->block[b].last; p++) {
            const struct ir_insn *i = &r->insn[p];
            ir_ref arg[3];

            if (c->val[p].canon != p) {
                continue;
            }
            unsigned n = args_of(i, arg);
            for (unsigned k = 0; k < n; k++) {
                struct x64_val *v = &c->val[c->val[arg[k]].canon];
                v->n_use++;
                if (v->block == b && (k == 0 ? takes_condition(i->op) : takes_carry(r, i, k))) {
                    v->n_special++;
                } else if (k == 0 && i->op == IR_GUARD && c->user) {
                    v->n_guard++;
                }
            }
            if (i->op == IR_CALL || i->op == IR_CALLIF) {
                const struct ir_call *call = &r->call[i->op == IR_CALL ? i->a : i->b];
                for (unsigned k = 0; k < call->helper->n_args; k++) {
                    c->val[c->val[call->arg[k]].canon].n_use++;
                }
                if (call->helper->flags & IR_HELPER_WRITES) {
                    memset(c->clobbered, 1, sizeof(c->clobbered));
                }
            } else if (i->op == IR_STSLOT) {
                c->clobbered[i->aux] = 1;
            } else if (i->op == IR_BANKMOVE) {
                for (unsigned s = 0; s < c->guest->n_slots; s++) {
                    c->clobbered[s] |= c->guest->slot[s].banked;
                }
            }
        }
    }
    for (uint32_t k = 0; k < r->n_args; k++) {
        c->val[c->val[r->arg[k]].canon].n_use++;
    }
    for (uint32_t k = 0; k < r->n_snaps; k++) {
        c->val[c->val[r->snap[k].value].canon].n_use++;
    }
    for (uint32_t k = 0; k < r->n_exits; k++) {
        const struct ir_exit *e = &r->exit[k];
        c->val[c->val[e->info].canon].n_use++; /* 0 is the NOP, which nobody asks */
        c->val[c->val[e->pc_ref].canon].n_use++;
        c->val[c->val[e->npc_ref].canon].n_use++;
    }
}

/* -------------------------------------------------------------------------------------- pass 2: laziness */

static void find_lazy(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;

    for (uint32_t b = 0; b < r->n_blocks; b++) {
        for (uint32_t p = r->block[b].first; p < r->block[b].last; p++) {
            const struct ir_insn *i = &r->insn[p];
            struct x64_val *v = &c->val[p];

            switch (i->op) {
            case IR_ICMP:
            case IR_FCMP:
            case IR_BORROW: {
                uint64_t k;
                bool simple = i->op != IR_BORROW || (x64_const(c, i->c, &k) && k == 0);

                if (i->op == IR_FCMP && i->aux >> 8 == IR_F80) {
                    simple = false;
                }
                if (simple && v->n_use && v->n_use == v->n_special && v->n_use <= 3) {
                    v->flags |= XV_LAZY;
                }
                if (i->op == IR_ICMP && ((i->aux & 0xff) == IR_EQ || (i->aux & 0xff) == IR_NE)) {
                    uint32_t x = c->val[i->a].canon;
                    if (r->insn[x].op == IR_AND && c->val[x].n_use == 1 && c->val[x].block == b &&
                        x64_const(c, i->b, &k) && k == 0) {
                        c->val[x].flags |= XV_LAZY;
                    }
                }
                break;
            }
            case IR_XOR: { /* the other way round */
                unsigned made = r->insn[i->a].op;
                uint64_t k;
                if ((made == IR_BORROW || made == IR_CARRY) && r->block[b].first <= i->a && x64_const(c, i->b, &k) &&
                    k == 1 && v->n_use == 1 && v->n_special == 1) {
                    v->flags |= XV_LAZY;
                }
                break;
            }
            case IR_GUARD:
                if (c->user) {
                    v->flags |= XV_LAZY;
                }
                break;
            case IR_ADD:
                if (c->user && v->n_use && v->n_use == v->n_guard) {
                    uint64_t k;
                    if (x64_const(c, i->b, &k)) {
                        int64_t d = i->type == IR_I32 ? (int32_t)k : (int64_t)k;
                        if (d >= -16384 && d < 16384) {
                            v->flags |= XV_LAZY;
                        }
                    }
                }
                break;
            default:
                break;
            }
        }
    }
}

/* Of two operations in a row where nobody else sees the first one's result only the second one asks for a NaN. */
static void find_unchecked(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;

    if (!c->guest->fp_fix || c->tier < 2) {
        return;
    }
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        for (uint32_t p = r->block[b].first; p < r->block[b].last; p++) {
            const struct ir_insn *i = &r->insn[p];
            for (unsigned k = 0; k < 2 && x64_passes_nan(i); k++) {
                uint32_t v = k ? i->b : i->a;
                const struct ir_insn *made = &r->insn[v];
                if (x64_passes_nan(made) && c->val[v].n_use == 1 && c->val[v].block == b &&
                    !((c->val[made->a].flags | c->val[made->b].flags) & XV_UNCHECKED)) {
                    c->val[v].flags |= XV_UNCHECKED;
                }
            }
        }
    }
}

/* ------------------------------------------------------------------------------------------ pass 3: uses */

static inline void note_block_use(struct x64_ctx *c, uint32_t v, uint32_t b)
{
    struct x64_val *x = &c->val[v];

    if (x->block == b || x->stamp == b || (x->flags & XV_CONST) || x->cls == XC_NONE) {
        return;
    }
    x->stamp = b;
    if (x->gidx == X64_NEVER) {
        if (c->n_glob == c->max_glob) {
            c->max_glob = c->max_glob * 2 + 64;
            c->gval = g_renew(uint32_t, c->gval, c->max_glob);
        }
        x->gidx = c->n_glob;
        x->flags |= XV_GLOBAL;
        c->gval[c->n_glob++] = v;
    }
    if (c->n_pair + 2 > c->max_pair) {
        c->max_pair = c->max_pair * 2 + 256;
        c->pair = g_renew(uint32_t, c->pair, c->max_pair);
    }
    c->pair[c->n_pair++] = b;
    c->pair[c->n_pair++] = x->gidx;
}

static void add_use(struct x64_ctx *c, uint32_t v, uint32_t b)
{
    v = c->val[v].canon;
    struct x64_val *x = &c->val[v];

    if (x->flags & XV_LAZY) {
        const struct ir_insn *i = &c->r->insn[v];
        ir_ref arg[3];
        unsigned n = args_of(i, arg);
        for (unsigned k = 0; k < n; k++) {
            add_use(c, arg[k], b);
        }
        return;
    }
    if (c->n_use == c->max_use) {
        c->max_use = c->max_use * 2 + 1024;
        c->use = g_renew(struct x64_use, c->use, c->max_use);
    }
    c->use[c->n_use++] = (struct x64_use){v, X64_NEVER};
    note_block_use(c, v, b);
}

static void add_edge_uses(struct x64_ctx *c, uint32_t e, uint32_t b)
{
    for (uint32_t k = 0; k < c->r->edge[e].n_args; k++) {
        add_use(c, c->r->arg[c->r->edge[e].first_arg + k], b);
    }
}

/* An argument of an edge wants its register as soon as the parameter is used; when nobody but exits reads the
 * parameter, never.  On a back edge that is what the last round found (`known`), seen from the end of the loop. */
static uint32_t edge_use_next(const struct x64_ctx *c, uint32_t e, uint32_t k, uint32_t p, uint32_t b, bool known)
{
    const struct ir_region *r = c->r;
    uint32_t to = r->edge[e].to, first = r->block[to].first, n;

    if (to > b) {
        return c->val[first + k].next;
    }
    n = c->val[first + k].known_next;
    return !known || n == X64_NEVER ? X64_NEVER : p + 1 + (n - first);
}

static void find_next_uses(struct x64_ctx *c, bool known)
{
    const struct ir_region *r = c->r;

    for (uint32_t b = r->n_blocks; b-- > 0;) {
        for (uint32_t p = r->block[b].last; p-- > r->block[b].first;) {
            const struct ir_insn *i = &r->insn[p];
            uint32_t k = c->ufirst[p + 1];

            if (i->op == IR_BR || i->op == IR_BRIF) {
                for (int side = i->op == IR_BRIF; side >= 0; side--) {
                    uint32_t e = side ? i->c : i->b;
                    for (uint32_t j = r->edge[e].n_args; j-- > 0;) {
                        if (c->val[c->val[r->arg[r->edge[e].first_arg + j]].canon].flags & XV_LAZY) {
                            g_assert_not_reached(); /* never an argument */
                        }
                        struct x64_val *v = &c->val[c->use[--k].v];
                        uint32_t n = edge_use_next(c, e, j, p, b, known);
                        c->use[k].next = v->next;
                        if (n < v->next) {
                            v->next = n;
                        }
                    }
                }
            }
            while (k-- > c->ufirst[p]) {
                struct x64_val *v = &c->val[c->use[k].v];
                c->use[k].next = v->next;
                v->next = p;
            }
        }
    }
}

static void find_uses(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;

    for (uint32_t b = 0; b < r->n_blocks; b++) {
        for (uint32_t p = r->block[b].first; p < r->block[b].last; p++) {
            const struct ir_insn *i = &r->insn[p];
            ir_ref arg[3];

            c->ufirst[p] = c->n_use;
            if ((c->val[p].flags & (XV_LAZY | XV_CONST)) || c->val[p].canon != p) {
                if (i->op != IR_GUARD) {
                    continue;
                }
            }
            if (x64_dead(c, p)) {
                continue;
            }
            unsigned n = args_of(i, arg);
            if (i->op == IR_GUARD && c->user && !IR_MEM_ALIGN_OF(i->aux)) {
                n = 0;
            }
            for (unsigned k = 0; k < n; k++) {
                add_use(c, arg[k], b);
                if (c->val[arg[k]].flags & XV_UNCHECKED) {
                    add_use(c, r->insn[arg[k]].a, b);
                    add_use(c, r->insn[arg[k]].b, b);
                }
            }
            if (i->op == IR_CALL || i->op == IR_CALLIF) {
                const struct ir_call *call = &r->call[i->op == IR_CALL ? i->a : i->b];
                for (unsigned k = 0; k < call->helper->n_args; k++) {
                    add_use(c, call->arg[k], b);
                }
            } else if (i->op == IR_BR) {
                add_edge_uses(c, i->b, b);
            } else if (i->op == IR_BRIF) {
                add_edge_uses(c, i->b, b);
                add_edge_uses(c, i->c, b);
            }
            uint32_t x = x64_exit_of(c, p);
            if (x != ~0u) {
                const struct ir_exit *e = &r->exit[x];
                for (uint32_t k = 0; k < e->count; k++) {
                    note_block_use(c, c->val[r->snap[e->first + k].value].canon, b);
                }
                note_block_use(c, c->val[e->info].canon, b);
                note_block_use(c, c->val[e->pc_ref].canon, b);
                note_block_use(c, c->val[e->npc_ref].canon, b);
            }
        }
        c->ufirst[r->block[b].last] = c->n_use;
    }
    bool loops = false;
    for (uint32_t k = 0; k < r->n_edges; k++) {
        loops |= r->edge[k].to <= r->edge[k].from;
    }
    find_next_uses(c, false);
    if (loops) { /* parameters' first uses are known now */
        for (uint32_t p = 1; p < r->n_insns; p++) {
            c->val[p].known_next = c->val[p].next;
            c->val[p].next = X64_NEVER;
        }
        find_next_uses(c, true);
    }
}

/* -------------------------------------------------------------------------------------- pass 4: liveness */

unsigned x64_edges_of(const struct x64_ctx *c, uint32_t b, uint32_t out[2])
{
    const struct ir_insn *i = &c->r->insn[c->r->block[b].last - 1];

    if (i->op == IR_BR) {
        out[0] = i->b;
        return 1;
    }
    if (i->op == IR_BRIF) {
        out[0] = i->b;
        out[1] = i->c;
        return 2;
    }
    return 0;
}

static bool find_liveness(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;
    uint32_t words = c->words = (c->n_glob + 63) / 64, n = r->n_blocks;
    bool loops = false, changed;

    if ((size_t)3 * n * words > c->max_bits) {
        c->max_bits = (size_t)3 * n * words * 2;
        g_free(c->bits);
        c->bits = g_new(uint64_t, c->max_bits);
    }
    if (words) {
        memset(c->bits, 0, (size_t)3 * n * words * 8);
    }
    uint64_t *in = c->bits, *out = in + (size_t)n * words, *def = out + (size_t)n * words;

    for (uint32_t k = 0; k < c->n_pair; k += 2) {
        in[(size_t)c->pair[k] * words + c->pair[k + 1] / 64] |= 1ull << (c->pair[k + 1] & 63);
    }
    for (uint32_t g = 0; g < c->n_glob; g++) {
        def[(size_t)c->val[c->gval[g]].block * words + g / 64] |= 1ull << (g & 63);
    }
    for (uint32_t b = 0; b < n; b++) {
        uint32_t e[2];
        unsigned ne = x64_edges_of(c, b, e);
        for (unsigned k = 0; k < ne; k++) {
            uint32_t to = r->edge[e[k]].to;
            c->blk[to].n_preds++;
            if (to <= b) {
                loops = true;
                c->blk[to].loop_last = b;
                if (!c->blk[to].loop_end) { /* the innermost of the loops that it heads */
                    c->blk[to].loop_end = r->block[b].last;
                }
            }
            /* Results like to be where the parameter is that they become. */
            uint32_t first = r->block[to].first;
            for (uint32_t j = 0; j < r->edge[e[k]].n_args; j++) {
                uint32_t v = c->val[r->arg[r->edge[e[k]].first_arg + j]].canon;
                if (c->val[v].cls == c->val[first + j].cls && v != first + j && (to <= b || !c->val[v].hint)) {
                    c->val[v].hint = first + j;
                }
            }
        }
    }
    do {
        changed = false;
        for (uint32_t b = n; b-- > 0;) {
            uint32_t e[2];
            unsigned ne = x64_edges_of(c, b, e);
            for (uint32_t w = 0; w < words; w++) {
                uint64_t o = 0;
                for (unsigned k = 0; k < ne; k++) {
                    o |= in[(size_t)r->edge[e[k]].to * words + w];
                }
                out[(size_t)b * words + w] = o;
                uint64_t live = in[(size_t)b * words + w] | (o & ~def[(size_t)b * words + w]);
                if (live != in[(size_t)b * words + w]) {
                    in[(size_t)b * words + w] = live;
                    changed = true;
                }
            }
        }
    } while (changed && loops);
    return loops;
}

/* How many registers of each class a block wants for what it makes itself. */
static void find_pressure(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;
    const uint64_t *out = c->bits + (size_t)r->n_blocks * c->words;

    for (uint32_t b = 0; b < r->n_blocks; b++) {
        unsigned live[4] = {0}, most[4] = {0};
        for (uint32_t w = 0; w < c->words; w++) {
            for (uint64_t x = out[(size_t)b * c->words + w]; x; x &= x - 1) {
                struct x64_val *v = &c->val[c->gval[w * 64 + (uint32_t)__builtin_ctzll(x)]];
                if (v->block == b && r->insn[v->canon].op != IR_LDSLOT) {
                    v->mark = b + 1;
                    most[v->cls] = ++live[v->cls];
                }
            }
        }
        for (uint32_t p = r->block[b].last; p-- > r->block[b].first;) {
            if (c->val[p].mark == b + 1) {
                live[c->val[p].cls]--;
            }
            for (uint32_t k = c->ufirst[p]; k < c->ufirst[p + 1]; k++) {
                struct x64_val *v = &c->val[c->use[k].v];
                if (v->block == b && v->mark != b + 1 && !(v->flags & XV_CONST) &&
                    !(c->blk[b].loop_end && r->insn[c->use[k].v].op == IR_PARAM)) {
                    v->mark = b + 1;
                    if (++live[v->cls] > most[v->cls]) {
                        most[v->cls] = live[v->cls];
                    }
                }
            }
        }
        for (unsigned k = 0; k < 4; k++) {
            c->blk[b].need[k] = (uint8_t)MIN(most[k], 255);
        }
    }
}

/* -------------------------------------------------------------------------------------- pass 5: charges
 *
 * Only some blocks look at the budget: those where loops begin, and enough others.  Such a block takes from it what
 * can be charged at most before the next one looks, so that the blocks between need no code for it; exits and edges
 * settle the difference (`owed`), which is a constant at each place. */


static int32_t charge_of(const struct x64_ctx *c, uint32_t b)
{
    int32_t n = 0;

    for (uint32_t p = c->r->block[b].first; p < c->r->block[b].last; p++) {
        if (c->r->insn[p].op == IR_CHARGE) {
            n += (int32_t)c->r->insn[p].c;
        }
    }
    return n;
}

static int32_t most_ahead(const struct x64_ctx *c, uint32_t b, const int32_t *charge)
{
    uint32_t e[2];
    int32_t most = 0;

    for (unsigned n = x64_edges_of(c, b, e); n-- > 0;) {
        const struct x64_blk *to = &c->blk[c->r->edge[e[n]].to];
        if (!to->checks) {
            most = MAX(most, to->ahead);
        }
    }
    return charge[b] + most;
}

/* The next blocks that charge something look at the budget; false when they did already. */
static bool check_behind(struct x64_ctx *c, uint32_t b, const int32_t *charge, unsigned depth)
{
    uint32_t e[2];
    bool any = false;

    for (unsigned n = x64_edges_of(c, b, e); n-- > 0;) {
        uint32_t to = c->r->edge[e[n]].to;
        if (charge[to]) {
            any |= !c->blk[to].checks;
            c->blk[to].checks = true;
        } else if (depth && !c->blk[to].checks) {
            any |= check_behind(c, to, charge, depth - 1);
        }
    }
    return any;
}

static void find_charges(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;
    g_autofree int32_t *charge = g_new(int32_t, r->n_blocks);
    g_autofree uint8_t *rank = g_new0(uint8_t, r->n_blocks); /* of the way in that decided what is owed */
    g_autofree bool *looped = g_new0(bool, r->n_blocks);
    uint32_t e[2];

    for (uint32_t b = 0; b < r->n_blocks; b++) {
        charge[b] = charge_of(c, b);
    }
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        for (unsigned n = x64_edges_of(c, b, e); n-- > 0;) {
            uint32_t to = r->edge[e[n]].to;
            c->blk[to].checks |= to <= b && (charge[to] || !charge[b]);
            looped[to] |= to <= b && !charge[to] && charge[b];
        }
    }
    for (uint32_t b = 0; b < r->n_blocks; b++) { /* a loop that is charged on the ways to it: there */
        for (unsigned n = x64_edges_of(c, b, e); n-- > 0;) {
            c->blk[b].checks |= looped[r->edge[e[n]].to] && charge[b];
        }
    }
    c->blk[0].checks = true;
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        if (c->blk[b].checks && !charge[b]) { /* cannot: those behind it do */
            c->blk[b].checks = false;
            for (unsigned n = x64_edges_of(c, b, e); n-- > 0;) {
                c->blk[r->edge[e[n]].to].checks = true;
            }
        }
    }
    for (bool changed = true; changed;) { /* what is charged behind a jump back is known the second time */
        changed = false;
        for (uint32_t b = r->n_blocks; b-- > 0;) {
            struct x64_blk *blk = &c->blk[b];
            int32_t was = blk->ahead;
            blk->ahead = most_ahead(c, b, charge);
            if (blk->ahead > X64_AHEAD_MAX && check_behind(c, b, charge, 4)) {
                blk->ahead = most_ahead(c, b, charge);
                changed = true;
            }
            changed |= blk->ahead != was;
        }
    }
    /* Where ways meet, one of them has nothing to settle: the one round a loop, or one whose jump would else lead to
     * code of its own. */
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        struct x64_blk *blk = &c->blk[b];
        int32_t left = blk->checks ? charge[b] - blk->ahead : blk->owed + charge[b];
        unsigned ways = x64_edges_of(c, b, e);
        for (unsigned n = ways; n-- > 0;) {
            uint32_t to = r->edge[e[n]].to;
            uint8_t how = to <= b ? 3 : (uint8_t)ways;
            if ((to > b || c->blk[to].checks) && how >= rank[to]) {
                c->blk[to].owed = left;
                rank[to] = how;
            }
        }
    }
}

void x64_prepare(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;

    if (r->n_insns + 1 > c->max_val) {
        c->max_val = r->n_insns * 2 + 64;
        g_free(c->val);
        g_free(c->ufirst);
        c->val = g_new(struct x64_val, c->max_val);
        c->ufirst = g_new(uint32_t, c->max_val + 1);
    }
    if (r->n_blocks > c->max_blk) {
        c->max_blk = r->n_blocks * 2;
        g_free(c->blk);
        c->blk = g_new(struct x64_blk, c->max_blk);
    }
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        c->blk[b] = (struct x64_blk){.label = x64_label(&c->a)};
    }
    memset(c->clobbered, 0, sizeof(c->clobbered));
    c->n_use = c->n_ent = c->n_glob = c->n_pair = c->n_move = c->n_fault = 0;
    c->n_free8 = c->n_free16 = c->n_local_spill = c->n_ldslot = 0;
    c->spill_top = 16; /* below: the seventh argument of calls */
    c->val[0] = (struct x64_val){.reg = -1, .spill = -1, .gidx = X64_NEVER, .stamp = X64_NEVER, .next = X64_NEVER};

    count_uses(c);
    find_lazy(c);
    find_unchecked(c);
    find_uses(c);
    if (find_liveness(c)) {
        find_pressure(c);
    }
    x64_find_homes(c);
    find_charges(c);
}
