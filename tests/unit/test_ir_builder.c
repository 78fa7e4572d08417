/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The IR builder: SSA form at joins and loops, exactness of snapshots, bank moves, charges, folding.
 */
#include <glib.h>
#include "emulator/jit/ir.h"
#include "emulator/jit/jit.h"

enum { A, B, C, D, W, F, R0, R1, R2, R3, N_SLOTS };
static const struct ir_slot slots[N_SLOTS] = {
    [A] = {"a", IR_I32, false, 512}, [B] = {"b", IR_I32, false, 516}, [C] = {"c", IR_I32, false, 520},
    [D] = {"d", IR_I32, false, 524}, [W] = {"w", IR_I64, false, 528}, [F] = {"f", IR_F64, false, 536},
    [R0] = {"r0", IR_I32, true, 0},  [R1] = {"r1", IR_I32, true, 4},  [R2] = {"r2", IR_I32, true, 8},
    [R3] = {"r3", IR_I32, true, 12},
};
static const struct jit_guest guest = {.name = "test", .n_slots = N_SLOTS, .slot = slots, .state_size = 1024};

static struct ir_region *finish(struct ir_builder *b)
{
    struct ir_region *r = ir_finish(b, false);
    const char *wrong = ir_verify(r);
    if (wrong || g_getenv("IR_PRINT"))
        ir_print(r, stderr);
    g_assert_cmpstr(wrong, ==, NULL);
    return r;
}

static struct ir_builder *begin(void)
{
    struct ir_builder *b = ir_builder_create();
    ir_begin(b, &guest, 0x1000, 0x1004, 0, false);
    return b;
}

static unsigned count_op(const struct ir_region *r, enum ir_op op)
{
    unsigned n = 0;
    for (uint32_t v = 1; v < r->n_insns; v++)
        n += r->insn[v].op == op;
    return n;
}

static const struct ir_insn *find_op(const struct ir_region *r, enum ir_op op, unsigned nth)
{
    for (uint32_t v = 1; v < r->n_insns; v++)
        if (r->insn[v].op == op && nth-- == 0)
            return &r->insn[v];
    return NULL;
}

static const struct ir_snap *snap_of(const struct ir_region *r, uint32_t exit, uint32_t slot)
{
    for (uint32_t k = 0; k < r->exit[exit].count; k++)
        if (r->snap[r->exit[exit].first + k].slot == slot)
            return &r->snap[r->exit[exit].first + k];
    return NULL;
}

static void leave(struct ir_builder *b, uint64_t pc)
{
    ir_exit(b, IR_EXIT_DIRECT, IR_HINT_NONE, pc, pc + 4, IR_NONE, IR_NONE);
}

/* An exit before a slot is written does not list it, one after does, and only changed slots are listed. */
static void snapshots_are_exact(void)
{
    struct ir_builder *b = begin();
    ir_block_start(b, ir_block_new(b, 0x1000, 0x1004));
    ir_charge(b, 0);
    ir_set_pc(b, 0x1000, 0x1004);
    ir_ref a = ir_get(b, A), t = ir_load(b, IR_I32, 2, a);
    ir_put(b, B, t);
    ir_put(b, C, ir_get(b, C)); /* no change */
    ir_insns_done(b, 1);
    ir_set_pc(b, 0x1004, 0x1008);
    ir_raise_if(b, t, 7, a);
    ir_put(b, A, t);
    ir_put(b, A, a); /* as it was */
    ir_insns_done(b, 1);
    leave(b, 0x1008);
    struct ir_region *r = finish(b);

    g_assert_cmpuint(r->n_guest_insns, ==, 2);
    g_assert_cmpuint(r->max_charge, ==, 2);
    uint32_t guard = find_op(r, IR_GUARD, 0)->b, raise = find_op(r, IR_EXITIF, 0)->b,
             end = find_op(r, IR_EXIT, 0)->b;
    uint32_t charge = find_op(r, IR_CHARGE, 0)->b;
    g_assert_cmpuint(r->exit[charge].count, ==, 0);
    g_assert_cmpuint(r->exit[charge].refund, ==, 2);
    g_assert_cmphex(r->exit[charge].pc, ==, 0x1000);
    g_assert_cmpuint(r->exit[guard].count, ==, 0);
    g_assert_cmpuint(r->exit[guard].refund, ==, 2);
    g_assert_cmpuint(r->exit[guard].kind, ==, IR_EXIT_MEMORY);
    g_assert_cmpuint(r->exit[raise].count, ==, 1);
    g_assert_nonnull(snap_of(r, raise, B));
    g_assert_cmpuint(r->exit[raise].refund, ==, 1);
    g_assert_cmphex(r->exit[raise].pc, ==, 0x1004);
    g_assert_cmpuint(r->exit[end].count, ==, 1);
    g_assert_cmpuint(r->exit[end].refund, ==, 0);
    ir_builder_destroy(b);
}

/* A diamond that writes one slot on one side: one parameter, the other slot none. */
static void join_makes_one_parameter(void)
{
    struct ir_builder *b = begin();
    uint32_t top = ir_block_new(b, 0x1000, 0), left = ir_block_new(b, 0x1010, 0),
             right = ir_block_new(b, 0x1020, 0), end = ir_block_new(b, 0x1030, 0);
    ir_block_start(b, top);
    ir_ref a = ir_get(b, A);
    ir_get(b, C);
    ir_br_if(b, a, left, right, 0);
    ir_block_seal(b, left);
    ir_block_seal(b, right);
    ir_block_start(b, left);
    ir_put(b, B, ir_const(b, IR_I32, 5));
    ir_br(b, end);
    ir_block_start(b, right);
    ir_br(b, end);
    ir_block_seal(b, end);
    ir_block_start(b, end);
    ir_put(b, D, ir_bin(b, IR_ADD, ir_get(b, B), ir_get(b, C)));
    leave(b, 0x1040);
    struct ir_region *r = finish(b);

    g_assert_cmpuint(r->n_blocks, ==, 4);
    g_assert_cmpuint(count_op(r, IR_PARAM), ==, 1);
    uint32_t x = find_op(r, IR_EXIT, 0)->b;
    g_assert_cmpuint(r->exit[x].count, ==, 2); /* b and d, not c */
    g_assert_nonnull(snap_of(r, x, B));
    g_assert_nonnull(snap_of(r, x, D));
    g_assert_cmpuint(r->insn[snap_of(r, x, B)->value].op, ==, IR_PARAM);
    ir_builder_destroy(b);
}

/* A loop that counts one slot and only reads two others: one parameter; the reads stand before the loop. */
static void loop_keeps_invariants_outside(void)
{
    struct ir_builder *b = begin();
    uint32_t top = ir_block_new(b, 0x1000, 0), body = ir_block_new(b, 0x1010, 0),
             end = ir_block_new(b, 0x1020, 0);
    ir_block_start(b, top);
    ir_br(b, body);
    ir_block_start(b, body); /* not sealed: the edge back is still to come */
    ir_charge(b, 0);
    ir_set_pc(b, 0x1010, 0);
    ir_ref n = ir_bin(b, IR_SUB, ir_get(b, A), ir_get(b, B));
    ir_put(b, C, ir_get(b, C));
    ir_ref g = ir_get(b, C);
    ir_put(b, D, g);
    ir_put(b, C, ir_get(b, D)); /* c and d: mutually trivial, d becomes c */
    ir_put(b, A, n);
    ir_insns_done(b, 3);
    ir_br_if(b, n, body, end, 1);
    ir_block_seal(b, body);
    ir_block_seal(b, end);
    ir_block_seal(b, top);
    ir_block_start(b, end);
    leave(b, 0x1020);
    struct ir_region *r = finish(b);

    g_assert_cmpuint(r->n_blocks, ==, 3);
    g_assert_cmpuint(r->block[1].loop_depth, ==, 1);
    g_assert_cmpuint(r->block[0].loop_depth, ==, 0);
    for (uint32_t v = r->block[1].first; v < r->block[2].last; v++)
        g_assert_cmpuint(r->insn[v].op, !=, IR_LDSLOT);
    uint32_t x = find_op(r, IR_EXIT, 0)->b, charge = find_op(r, IR_CHARGE, 0)->b;
    g_assert_cmpuint(r->exit[x].count, ==, 2); /* a; d = c's old value; not c */
    g_assert_null(snap_of(r, x, C));
    g_assert_nonnull(snap_of(r, charge, A));
    g_assert_cmpuint(r->exit[charge].refund, ==, 3);
    /* d's value at the loop head is d or c: two parameters in all */
    g_assert_cmpuint(count_op(r, IR_PARAM), ==, 2);
    ir_builder_destroy(b);
}

/* A loop to the entry gets a block of its own before it. */
static void loop_to_entry(void)
{
    struct ir_builder *b = begin();
    uint32_t top = ir_block_new(b, 0x1000, 0), end = ir_block_new(b, 0x1010, 0);
    ir_block_start(b, top);
    ir_put(b, A, ir_bin(b, IR_ADD, ir_get(b, A), ir_get(b, B)));
    ir_br_if(b, ir_get(b, A), top, end, 0);
    ir_block_seal(b, top);
    struct ir_region *r = finish(b); /* `end` was never started: a direct exit */

    g_assert_cmpuint(r->n_blocks, ==, 3);
    g_assert_cmpuint(r->block[1].loop_depth, ==, 1);
    g_assert_cmpuint(count_op(r, IR_LDSLOT), ==, 2);
    const struct ir_insn *i = find_op(r, IR_EXIT, 0);
    g_assert_cmphex(r->exit[i->b].pc, ==, 0x1010);
    g_assert_cmpuint(r->exit[i->b].count, ==, 1);
    ir_builder_destroy(b);
}

static const struct ir_helper reader = {.name = "reader", .flags = IR_HELPER_READS, .result = IR_I32};
static const struct ir_helper writer = {
    .name = "writer", .flags = IR_HELPER_WRITES | IR_HELPER_READS, .result = IR_VOID};

/* A call that reads state gets dirty slots written before it; one that writes makes later reads load again.
 */
static void calls_flush_and_forget(void)
{
    struct ir_builder *b = begin();
    ir_block_start(b, ir_block_new(b, 0x1000, 0));
    ir_put(b, A, ir_const(b, IR_I32, 1));
    ir_put(b, B, ir_get(b, B));
    ir_ref x = ir_call(b, &reader, NULL);
    ir_raise_if(b, x, 1, IR_NONE); /* a is in memory already */
    ir_put(b, C, x);
    ir_call(b, &writer, NULL);
    ir_ref a = ir_get(b, A);
    ir_raise_if(b, a, 2, IR_NONE); /* nothing dirty */
    ir_put(b, A, a);               /* what memory holds */
    ir_put(b, D, ir_bin(b, IR_ADD, a, ir_const(b, IR_I32, 1)));
    leave(b, 0x1004);
    struct ir_region *r = finish(b);

    g_assert_cmpuint(count_op(r, IR_STSLOT), ==, 2); /* a before reader, c before writer */
    g_assert_cmpuint(find_op(r, IR_STSLOT, 0)->aux, ==, A);
    g_assert_cmpuint(find_op(r, IR_STSLOT, 1)->aux, ==, C);
    g_assert_cmpuint(r->exit[find_op(r, IR_EXITIF, 0)->b].count, ==, 0);
    g_assert_cmpuint(r->exit[find_op(r, IR_EXITIF, 1)->b].count, ==, 0);
    uint32_t end = find_op(r, IR_EXIT, 0)->b;
    g_assert_cmpuint(r->exit[end].count, ==, 1);
    g_assert_nonnull(snap_of(r, end, D));
    const struct ir_insn *ld = find_op(r, IR_LDSLOT, 0);
    g_assert_true(ld > find_op(r, IR_CALL, 1));
    ir_builder_destroy(b);
}

/* The bank moves by two slots: r2 and r3 are the old r0 and r1; what falls out is written first. */
static void bank_move_renames(void)
{
    static const int16_t from[N_SLOTS] = {[R0] = -1, [R1] = -1, [R2] = R0, [R3] = R1};
    struct ir_builder *b = begin();
    ir_block_start(b, ir_block_new(b, 0x1000, 0));
    ir_ref one = ir_const(b, IR_I32, 1), two = ir_const(b, IR_I32, 2);
    ir_put(b, R0, one);
    ir_put(b, R3, two);
    ir_put(b, A, two);
    ir_bank_move(b, -8, from);
    g_assert_cmpuint(ir_get(b, R2), ==, one);
    ir_put(b, B, ir_get(b, R0)); /* read after the move */
    leave(b, 0x1004);
    struct ir_region *r = finish(b);

    g_assert_cmpuint(count_op(r, IR_STSLOT), ==, 1);
    g_assert_cmpuint(find_op(r, IR_STSLOT, 0)->aux, ==, R3);
    g_assert_true(find_op(r, IR_STSLOT, 0) < find_op(r, IR_BANKMOVE, 0));
    g_assert_cmpint((int32_t)find_op(r, IR_BANKMOVE, 0)->c, ==, -8);
    const struct ir_insn *ld = find_op(r, IR_LDSLOT, 0);
    g_assert_cmpuint(ld->aux, ==, R0);
    g_assert_true(ld > find_op(r, IR_BANKMOVE, 0));
    uint32_t end = find_op(r, IR_EXIT, 0)->b;
    g_assert_cmpuint(r->exit[end].count, ==, 3);
    g_assert_nonnull(snap_of(r, end, A));
    g_assert_nonnull(snap_of(r, end, B));
    g_assert_nonnull(snap_of(r, end, R2));
    ir_builder_destroy(b);
}

/* A slot is dirty in a block because of a predecessor's write, though the block itself never names it. */
static void dirt_flows_along_edges(void)
{
    struct ir_builder *b = begin();
    uint32_t top = ir_block_new(b, 0x1000, 0), next = ir_block_new(b, 0x1010, 0);
    ir_block_start(b, top);
    ir_put(b, W, ir_const(b, IR_I64, 0x123456789abcdefu));
    ir_br(b, next);
    ir_block_seal(b, next);
    ir_block_start(b, next);
    ir_raise_if(b, ir_get(b, A), 3, IR_NONE);
    leave(b, 0x1010);
    struct ir_region *r = finish(b);
    const struct ir_snap *s = snap_of(r, find_op(r, IR_EXITIF, 0)->b, W);

    g_assert_nonnull(s);
    g_assert_cmphex(ir_const_value(&r->insn[s->value]), ==, 0x123456789abcdefu);
    ir_builder_destroy(b);
}

/* Equal guards are shared in system mode across instructions, in user mode within one instruction only. */
static void guards_are_shared(void)
{
    for (int user = 0; user < 2; user++) {
        struct ir_builder *b = ir_builder_create();
        ir_begin(b, &guest, 0x1000, 0x1004, 0, user);
        ir_block_start(b, ir_block_new(b, 0x1000, 0));
        ir_ref a = ir_get(b, A);
        ir_set_pc(b, 0x1000, 0);
        ir_ref g = ir_guard(b, 2 | IR_MEM_READ | IR_MEM_WRITE | IR_MEM_ALIGN(2), a);
        ir_store_at(b, 2, g, 0, a);
        g_assert_cmpuint(ir_guard(b, 1 | IR_MEM_READ, a), ==, g);
        ir_set_pc(b, 0x1004, 0);
        ir_ref h = ir_guard(b, 2 | IR_MEM_READ | IR_MEM_ALIGN(2), a);
        g_assert_cmpint(g == h, ==, !user);
        g_assert_cmpuint(ir_guard(b, 3 | IR_MEM_READ, a), !=, g); /* wider */
        ir_call(b, &writer, NULL);
        g_assert_cmpuint(ir_guard(b, 2 | IR_MEM_READ, a), !=, g); /* the call may have changed mappings */
        leave(b, 0x1008);
        finish(b);
        ir_builder_destroy(b);
    }
}

/* Each exit gives back exactly what was charged and not executed. */
static void charges_are_exact(void)
{
    struct ir_builder *b = begin();
    ir_block_start(b, ir_block_new(b, 0x1000, 0));
    ir_charge(b, 0);
    ir_ref a = ir_get(b, A);
    for (unsigned n = 0; n < 4; n++) {
        ir_set_pc(b, 0x1000 + 4 * n, 0);
        ir_raise_if(b, ir_bin(b, IR_AND, a, ir_const(b, IR_I32, 1u << n)), n, IR_NONE);
        if (n == 3)
            ir_exit(b, IR_EXIT_DISPATCH, IR_HINT_NONE, 0x2000, 0, IR_NONE, IR_NONE);
        ir_insns_done(b,
                      n == 1 ? 2 : 1); /* one with a delay slot; the last is counted after the block's end */
    }
    struct ir_region *r = finish(b);

    g_assert_cmpuint(r->max_charge, ==, 5);
    static const uint32_t refund[] = {5, 4, 2, 1};
    for (unsigned n = 0; n < 4; n++)
        g_assert_cmpuint(r->exit[find_op(r, IR_EXITIF, n)->b].refund, ==, refund[n]);
    g_assert_cmpuint(r->exit[find_op(r, IR_EXIT, 0)->b].refund, ==, 0);
    ir_builder_destroy(b);
}

/* What a front end makes after it ended the block disappears. */
static void code_after_the_end_is_dropped(void)
{
    struct ir_builder *b = begin();
    ir_block_start(b, ir_block_new(b, 0x1000, 0));
    ir_ref a = ir_get(b, A);
    g_assert_true(ir_block_open(b));
    ir_raise(b, 9, a);
    g_assert_false(ir_block_open(b));
    ir_put(b, B, ir_load(b, IR_I32, 2, ir_get(b, C)));
    g_assert_false(ir_block_open(b));
    leave(b, 4);
    struct ir_region *r = finish(b);

    g_assert_cmpuint(r->n_exits, ==, 1);
    g_assert_cmpuint(r->n_blocks, ==, 1);
    g_assert_cmpuint(count_op(r, IR_LOAD), ==, 0);
    ir_builder_destroy(b);
}

/* The copy is independent of the builder. */
static void copy_is_independent(void)
{
    struct ir_builder *b = begin();
    ir_block_start(b, ir_block_new(b, 0x1000, 0));
    ir_put(b, A, ir_bin(b, IR_MUL, ir_get(b, B), ir_get(b, C)));
    leave(b, 4);
    struct ir_region *c = ir_region_copy(finish(b));
    ir_builder_destroy(b);
    g_assert_null(ir_verify(c));
    g_assert_cmpuint(count_op(c, IR_MUL), ==, 1);
    g_free(c);
}

static void folding(void)
{
    struct ir_builder *b = begin();
    ir_block_start(b, ir_block_new(b, 0x1000, 0));
    ir_ref x = ir_get(b, A), y = ir_get(b, B), w = ir_get(b, W), f = ir_get(b, F);
    ir_ref k8 = ir_const(b, IR_I32, 8), k24 = ir_const(b, IR_I32, 24), zero = ir_const(b, IR_I32, 0);
    uint64_t k;
#define OP2(op, p, q) ir_bin(b, IR_##op, p, q)
#define C32(v)        ir_const(b, IR_I32, (uint32_t)(v))

    g_assert_cmpuint(OP2(ADD, x, zero), ==, x);
    g_assert_cmpuint(OP2(XOR, x, x), ==, zero);
    g_assert_cmpuint(OP2(SHL, x, zero), ==, x);
    g_assert_cmpuint(OP2(ADD, x, y), ==, OP2(ADD, y, x));
    g_assert_cmpuint(OP2(ADD, OP2(ADD, x, C32(4)), C32(-4)), ==, x);
    g_assert_cmpuint(OP2(SUB, OP2(ADD, x, y), y), ==, x);
    g_assert_cmpuint(OP2(SHR, OP2(SHL, x, k24), k24), ==, ir_op1(b, IR_ZEXT, IR_I32, 8, x));
    g_assert_cmpuint(OP2(SAR, OP2(SHL, x, k24), k24), ==, ir_op1(b, IR_SEXT, IR_I32, 8, x));
    g_assert_cmpuint(OP2(MUL, x, C32(256)), ==, OP2(SHL, x, k8));
    g_assert_cmpuint(OP2(AND, ir_op1(b, IR_ZEXT, IR_I32, 16, x), C32(0xff)), ==,
                     ir_op1(b, IR_ZEXT, IR_I32, 8, x));
    g_assert_cmpuint(ir_op1(b, IR_TRUNC, IR_I32, 0, ir_op1(b, IR_SEXT, IR_I64, 32, x)), ==, x);
    g_assert_cmpuint(ir_icmp(b, IR_EQ, OP2(SUB, x, y), zero), ==, ir_icmp(b, IR_EQ, x, y));
    g_assert_cmpuint(ir_icmp(b, IR_LTU, x, y), ==, ir_icmp(b, IR_GTU, y, x));
    ir_ref lt = ir_icmp(b, IR_LTS, x, y);
    g_assert_cmpuint(ir_icmp(b, IR_NE, lt, zero), ==, lt);
    g_assert_cmpuint(ir_icmp(b, IR_EQ, lt, zero), ==, ir_icmp(b, IR_GES, x, y));
    g_assert_cmpuint(ir_select(b, lt, C32(1), zero), ==, lt);
    g_assert_cmpuint(ir_select(b, lt, x, x), ==, x);
    ir_ref h = ir_op1(b, IR_FLANE, IR_F32, 1, f), s = ir_op2(b, IR_FSETLANE, IR_F64, 0, f, h);
    g_assert_cmpuint(ir_op1(b, IR_FLANE, IR_F32, 0, s), ==, h);
    g_assert_cmpuint(ir_op1(b, IR_FLANE, IR_F32, 1, s), ==, h);
    ir_ref ins = ir_op2(b, IR_INSERT, IR_I32, 8 << 8 | 4, x, y);
    g_assert_cmpuint(ir_op1(b, IR_EXTRACT, IR_I32, 8 << 8 | 4, ins), ==, ir_op1(b, IR_ZEXT, IR_I32, 8, y));
    g_assert_cmpuint(ir_op1(b, IR_EXTRACT, IR_I32, 4 << 8 | 16, ins), ==,
                     ir_op1(b, IR_EXTRACT, IR_I32, 4 << 8 | 16, x));
    g_assert_true(ir_is_const(b, OP2(DIVS, C32(0x80000000), C32(-1)), &k));
    g_assert_cmphex(k, ==, 0x80000000);
    g_assert_true(ir_is_const(b, OP2(DIVU, C32(7), zero), &k));
    g_assert_cmphex(k, ==, 0);
    g_assert_true(ir_is_const(b, OP2(SAR, C32(0x80000000), C32(31)), &k));
    g_assert_cmphex(k, ==, 0xffffffff);
    g_assert_true(ir_is_const(
        b, ir_op2(b, IR_MULHS, IR_I64, 0, ir_const(b, IR_I64, (uint64_t)-2), ir_const(b, IR_I64, 3)), &k));
    g_assert_cmphex(k, ==, ~(uint64_t)0);
    g_assert_true(ir_is_const(b, ir_op3(b, IR_CARRY, IR_I32, IR_I32, C32(-1), zero, C32(1)), &k));
    g_assert_cmphex(k, ==, 1);
    g_assert_cmpuint(ir_op1(b, IR_ZEXT, IR_I64, 32, ir_op1(b, IR_TRUNC, IR_I32, 0, w)), ==,
                     ir_op2(b, IR_AND, IR_I64, 0, w, ir_const(b, IR_I64, 0xffffffffu)));
    leave(b, 4);
    finish(b);
    ir_builder_destroy(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ir/builder/snapshots-are-exact", snapshots_are_exact);
    g_test_add_func("/ir/builder/join-makes-one-parameter", join_makes_one_parameter);
    g_test_add_func("/ir/builder/loop-keeps-invariants-outside", loop_keeps_invariants_outside);
    g_test_add_func("/ir/builder/loop-to-entry", loop_to_entry);
    g_test_add_func("/ir/builder/calls-flush-and-forget", calls_flush_and_forget);
    g_test_add_func("/ir/builder/bank-move-renames", bank_move_renames);
    g_test_add_func("/ir/builder/dirt-flows-along-edges", dirt_flows_along_edges);
    g_test_add_func("/ir/builder/guards-are-shared", guards_are_shared);
    g_test_add_func("/ir/builder/charges-are-exact", charges_are_exact);
    g_test_add_func("/ir/builder/code-after-the-end-is-dropped", code_after_the_end_is_dropped);
    g_test_add_func("/ir/builder/copy-is-independent", copy_is_independent);
    g_test_add_func("/ir/builder/folding", folding);
    return g_test_run();
}
