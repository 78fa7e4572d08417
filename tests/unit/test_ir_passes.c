/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the region passes make of hot code, one thought a test; that they keep the meaning is
 * test_ir_random's.
 */
#include "tests/unit/ir_random.h"

enum { R0, R1, R2, R3, R4 };

static const struct ir_helper helper = {.name = "helper", .flags = IR_HELPER_WRITES, .result = IR_VOID};
static const struct ir_helper pure = {.name = "pure", .flags = IR_HELPER_PURE, .result = IR_VOID};

static struct ir_builder *begin(bool user)
{
    struct ir_builder *b = ir_builder_create();
    ir_begin(b, &ir_random_guest, 0x1000, 0x1004, 0, user);
    return b;
}

static struct ir_region *finish(struct ir_builder *b)
{
    struct ir_region *r = ir_finish(b, true);
    const char *wrong = ir_verify(r);
    if (wrong || g_getenv("IR_PRINT"))
        ir_print(r, stderr);
    g_assert_cmpstr(wrong, ==, NULL);
    return r;
}

static unsigned count_op(const struct ir_region *r, enum ir_op op, uint32_t block)
{
    unsigned n = 0;
    for (uint32_t k = 0; k < r->n_blocks; k++)
        for (uint32_t v = r->block[k].first; v < r->block[k].last; v++)
            n += r->insn[v].op == op && (block == ~0u || k == block);
    return n;
}

static const struct ir_insn *find_op(const struct ir_region *r, enum ir_op op, unsigned nth)
{
    for (uint32_t v = 1; v < r->n_insns; v++)
        if (r->insn[v].op == op && nth-- == 0)
            return &r->insn[v];
    g_assert_not_reached();
}

static void leave(struct ir_builder *b)
{
    ir_exit(b, IR_EXIT_DIRECT, IR_HINT_NONE, 0x2000, 0x2004, IR_NONE, IR_NONE);
}

static ir_ref at(struct ir_builder *b, ir_ref base, int offset)
{
    return ir_bin(b, IR_ADD, base, ir_const(b, IR_I32, (uint32_t)offset));
}

/* A frame of words and a double word: one check of its whole range; in user mode each access its own. */
static void frames_are_guarded_once(void)
{
    for (int user = 0; user < 2; user++) {
        struct ir_builder *b = begin(user);
        ir_block_start(b, ir_block_new(b, 0x1000, 0));
        ir_ref sp = ir_get(b, R0), x = ir_get(b, R1);
        for (unsigned n = 0; n < 4; n++) {
            ir_set_pc(b, 0x1000 + 4 * n, 0);
            ir_store(b, 2 | IR_MEM_ALIGN(2), at(b, sp, 8 + 4 * (int)n), x);
        }
        ir_set_pc(b, 0x1010, 0);
        ir_store(b, 3 | IR_MEM_ALIGN(3), at(b, sp, -8), ir_get(b, 8));
        ir_set_pc(b, 0x1014, 0);
        ir_store(b, 2 | IR_MEM_ALIGN(2), at(b, sp, 1024), x); /* far away */
        leave(b);
        struct ir_region *r = finish(b);
        g_assert_cmpuint(count_op(r, IR_STORE, ~0u), ==, 6);
        g_assert_cmpuint(count_op(r, IR_GUARD, ~0u), ==, user ? 6 : 2);
        for (unsigned n = 1; n < 6 && user;
             n++) /* 4-byte alignment is known after the first, 8-byte is new */
            g_assert_cmpuint(IR_MEM_ALIGN_OF(find_op(r, IR_GUARD, n)->aux), ==, n == 4 ? 3 : 0);
        if (!user) {
            const struct ir_insn *g = find_op(r, IR_GUARD, 0);
            g_assert_cmpint((int16_t)g->c, ==, -16);
            g_assert_cmpint((int16_t)(g->c >> 16), ==, 16);
            g_assert_cmpuint(IR_MEM_ALIGN_OF(g->aux), ==, 3);
            g_assert_cmpint((int32_t)find_op(r, IR_STORE, 3)->c, ==, 12);
            g_assert_cmpint((int32_t)find_op(r, IR_STORE, 4)->c, ==, -16);
        }
        ir_builder_destroy(b);
    }
}

/* A call that may change mappings stands between: two checks; a pure one does not matter. */
static void calls_part_guards(void)
{
    for (int kill = 0; kill < 2; kill++) {
        struct ir_builder *b = begin(false);
        ir_block_start(b, ir_block_new(b, 0x1000, 0));
        ir_ref sp = ir_get(b, R0), x = ir_get(b, R1);
        ir_store(b, 2, at(b, sp, 4), x);
        ir_call(b, kill ? &helper : &pure, NULL);
        ir_store(b, 2, at(b, sp, 8), x);
        leave(b);
        g_assert_cmpuint(count_op(finish(b), IR_GUARD, ~0u), ==, kill ? 2 : 1);
        ir_builder_destroy(b);
    }
}

/* Stored, then loaded: forwarded through narrowing and sign, not past a store that may overlap. */
static void loads_are_forwarded(void)
{
    struct ir_builder *b = begin(false);
    ir_block_start(b, ir_block_new(b, 0x1000, 0));
    ir_ref p = ir_get(b, R0), q = ir_get(b, R1), x = ir_get(b, R2);
    ir_store(b, 1 | IR_MEM_BIG, p, x);
    ir_store(b, 2, at(b, p, 4), q);                                       /* disjoint */
    ir_put(b, R3, ir_load(b, IR_I32, 1 | IR_MEM_BIG | IR_MEM_SIGNED, p)); /* sext16 x */
    ir_put(b, R4, ir_load(b, IR_I32, 1, at(b, p, 4)));                    /* other size: loads */
    ir_store(b, 2, q, x);                                                 /* may be anywhere */
    ir_put(b, R2, ir_load(b, IR_I32, 1 | IR_MEM_BIG, p));                 /* loads */
    ir_put(b, R1, ir_load(b, IR_I32, 1 | IR_MEM_BIG, p));                 /* as before */
    leave(b);
    struct ir_region *r = finish(b);
    g_assert_cmpuint(count_op(r, IR_LOAD, ~0u), ==, 2);
    g_assert_cmpuint(count_op(r, IR_SEXT, ~0u), ==, 1);
    ir_builder_destroy(b);
}

/* A loop over an invariant address: its guard and the product stand before it, the load stays. */
static void loops_lose_invariants(void)
{
    struct ir_builder *b = begin(false);
    uint32_t top = ir_block_new(b, 0x1000, 0), body = ir_block_new(b, 0x1010, 0),
             end = ir_block_new(b, 0x1020, 0);
    ir_block_start(b, top);
    ir_charge(b, 0);
    ir_put(b, R3, ir_const(b, IR_I32, 3));
    ir_insns_done(b, 1);
    ir_br(b, body);
    ir_block_start(b, body);
    ir_charge(b, 0);
    ir_set_pc(b, 0x1010, 0);
    ir_ref v = ir_load(b, IR_I32, 2, at(b, ir_get(b, R0), 64));
    ir_ref n = ir_bin(b, IR_SUB, ir_get(b, R1), ir_bin(b, IR_MUL, ir_get(b, R2), ir_get(b, R4)));
    ir_put(b, R1, ir_bin(b, IR_ADD, n, v));
    ir_insns_done(b, 4);
    ir_br_if(b, n, body, end, 1);
    struct ir_region *r = finish(b);
    g_assert_cmpuint(r->block[2].loop_depth, ==, 1);
    g_assert_cmpuint(count_op(r, IR_GUARD, 0), ==, 1);
    g_assert_cmpuint(count_op(r, IR_GUARD, 2), ==, 0);
    g_assert_cmpuint(count_op(r, IR_LOAD, 2), ==, 1);
    g_assert_cmpuint(count_op(r, IR_MUL, 0), ==, 1);
    /* the lifted guard leaves at the loop's start with what the block above had done */
    const struct ir_exit *x = &r->exit[find_op(r, IR_GUARD, 0)->b];
    g_assert_cmphex(x->pc, ==, 0x1010);
    g_assert_cmpuint(x->refund, ==, 0);
    bool r3 = false;
    for (uint32_t k = 0; k < x->count; k++) {
        const struct ir_snap *s = &r->snap[x->first + k];
        g_assert_cmpuint(s->slot == R3 ? (unsigned)IR_CONST : (unsigned)IR_LDSLOT, ==, r->insn[s->value].op);
        r3 = r3 || s->slot == R3;
    }
    g_assert_true(r3);
    ir_builder_destroy(b);
}

/* Blocks in a row become one, with one charge; what an exit gives back grows by what is not reached. */
static void chains_merge_with_their_charges(void)
{
    struct ir_builder *b = begin(false);
    uint32_t first = ir_block_new(b, 0x1000, 0), second = ir_block_new(b, 0x1100, 0);
    ir_block_start(b, first);
    ir_charge(b, 0);
    ir_raise_if(b, ir_get(b, R0), 1, IR_NONE);
    ir_insns_done(b, 2);
    ir_br(b, second);
    ir_block_seal(b, second);
    ir_block_start(b, second);
    ir_charge(b, 0);
    ir_insns_done(b, 1);
    ir_raise_if(b, ir_get(b, R1), 2, IR_NONE);
    ir_insns_done(b, 2);
    leave(b);
    struct ir_region *r = finish(b);
    g_assert_cmpuint(r->n_blocks, ==, 1);
    g_assert_cmpuint(count_op(r, IR_CHARGE, ~0u), ==, 1);
    g_assert_cmpuint(r->max_charge, ==, 5);
    g_assert_cmpuint(r->exit[find_op(r, IR_CHARGE, 0)->b].refund, ==, 5);
    g_assert_cmpuint(r->exit[find_op(r, IR_EXITIF, 0)->b].refund, ==, 5);
    g_assert_cmpuint(r->exit[find_op(r, IR_EXITIF, 1)->b].refund, ==, 2);
    g_assert_cmpuint(r->exit[find_op(r, IR_EXIT, 0)->b].refund, ==, 0);
    ir_builder_destroy(b);
}

/* A flag that both ways into a join set alike is a constant there: the branch on it goes, and what it
 * guarded. */
static void branches_on_constants_fold(void)
{
    struct ir_builder *b = begin(false);
    uint32_t top = ir_block_new(b, 0x1000, 0), left = ir_block_new(b, 0x1010, 0),
             right = ir_block_new(b, 0x1020, 0), join = ir_block_new(b, 0x1030, 0),
             yes = ir_block_new(b, 0x1040, 0), no = ir_block_new(b, 0x1050, 0);
    ir_block_start(b, top);
    ir_br_if(b, ir_get(b, R0), left, right, 0);
    ir_block_start(b, left);
    ir_put(b, R1, ir_const(b, IR_I32, 7));
    ir_put(b, R2, ir_const(b, IR_I32, 1));
    ir_br(b, join);
    ir_block_start(b, right);
    ir_put(b, R1, ir_const(b, IR_I32, 7));
    ir_br(b, join);
    ir_block_start(b, join); /* not sealed: r1 is a parameter now */
    ir_br_if(b, ir_icmp(b, IR_EQ, ir_get(b, R1), ir_const(b, IR_I32, 7)), yes, no, 0);
    ir_block_start(b, yes);
    leave(b);
    ir_block_start(b, no);
    ir_raise(b, 5, IR_NONE);
    struct ir_region *r = finish(b);
    g_assert_cmpuint(r->n_exits, ==, 1);
    g_assert_cmpuint(r->exit[0].kind, ==, IR_EXIT_DIRECT);
    g_assert_cmpuint(r->n_blocks, ==, 4);
    ir_builder_destroy(b);
}

/* The side that raises is cold and stands last. */
static void raising_blocks_are_cold(void)
{
    struct ir_builder *b = begin(false);
    uint32_t top = ir_block_new(b, 0x1000, 0), bad = ir_block_new(b, 0x1010, 0),
             good = ir_block_new(b, 0x1020, 0);
    ir_block_start(b, top);
    ir_br_if(b, ir_get(b, R0), good, bad, 0);
    ir_block_start(b, bad);
    ir_raise(b, 5, IR_NONE);
    ir_block_start(b, good);
    leave(b);
    struct ir_region *r = finish(b);
    g_assert_cmpuint(r->n_blocks, ==, 3);
    g_assert_true(r->block[2].cold);
    g_assert_cmphex(r->block[2].pc, ==, 0x1010);
    g_assert_false(r->block[1].cold);
    ir_builder_destroy(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ir/passes/frames-are-guarded-once", frames_are_guarded_once);
    g_test_add_func("/ir/passes/calls-part-guards", calls_part_guards);
    g_test_add_func("/ir/passes/loads-are-forwarded", loads_are_forwarded);
    g_test_add_func("/ir/passes/loops-lose-invariants", loops_lose_invariants);
    g_test_add_func("/ir/passes/chains-merge-with-their-charges", chains_merge_with_their_charges);
    g_test_add_func("/ir/passes/branches-on-constants-fold", branches_on_constants_fold);
    g_test_add_func("/ir/passes/raising-blocks-are-cold", raising_blocks_are_cold);
    return g_test_run();
}
