/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The back end's promises to the runtime: exits are linked and unlinked, the hotness counter ends at 0, returns
 * are expected, a host fault continues at the guard's exit with the snapshot of its place, regions
 * are found by host address until they are released.
 */
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "emulator/jit/backend.h"

enum { A, B, C, N_SLOTS };
static const struct ir_slot slots[N_SLOTS] = {
    {"a", IR_I32, false, 512}, {"b", IR_I32, false, 516}, {"c", IR_I32, false, 520}};
static const struct jit_guest guest = {
    .name = "test", .n_slots = N_SLOTS, .slot = slots, .state_size = 1024, .insn_shift = 2};

struct state {
    union {
        struct jit_cpu cpu;
        uint8_t bytes[1024];
    };
    struct jit_jump_cache jc;
};

struct rig {
    struct backend *be;
    struct ir_builder *b;
    struct state s;
    uint8_t *window;
};

static uint32_t *slot(struct rig *r, unsigned n)
{
    return (uint32_t *)(void *)(r->s.bytes + slots[n].offset);
}

static void set_up(struct rig *r, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    r->be = backend_create(&guest, 4 << 20, true, &error);
    g_assert_no_error(error);
    r->b = ir_builder_create();
    r->window = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(r->window != MAP_FAILED);
    g_assert_cmpint(mprotect(r->window + 65536, 65536, PROT_READ | PROT_WRITE), ==, 0);
    memset(&r->s, 0, sizeof(r->s));
    memset(&r->s.jc, 0xff, sizeof(r->s.jc));
    r->s.jc.newest = 0;
    r->s.cpu.guest = &guest;
    r->s.cpu.mxcsr = 0x1f80;
    r->s.cpu.window = r->window + 65536; /* guest address 0 */
    r->s.cpu.jc = &r->s.jc;
    r->s.cpu.budget = 1000;
}

static void tear_down(struct rig *r, gconstpointer unused)
{
    munmap(r->window, 1 << 20);
    ir_builder_destroy(r->b);
    backend_destroy(r->be);
}

/* a += n, then on at `to`. */
static void adder(struct rig *r, uint64_t pc, uint32_t n, uint64_t to, int32_t *hotness, struct compiled *out)
{
    ir_begin(r->b, &guest, pc, 0, 0, true);
    ir_block_start(r->b, ir_block_new(r->b, pc, 0));
    ir_set_pc(r->b, pc, 0);
    ir_charge(r->b, 0);
    ir_put(r->b, A, ir_bin(r->b, IR_ADD, ir_get(r->b, A), ir_const(r->b, IR_I32, n)));
    ir_insns_done(r->b, 1);
    ir_exit(r->b, IR_EXIT_DIRECT, IR_HINT_NONE, to, 0, IR_NONE, IR_NONE);
    g_assert_true(backend_compile(r->be, ir_finish(r->b, false), 1, hotness, NULL, out));
}

static struct exit_site *direct(struct compiled *c, uint64_t pc)
{
    for (uint32_t k = 0; k < c->n_sites; k++) {
        if (c->site[k].kind == IR_EXIT_DIRECT && c->site[k].pc == pc) {
            return &c->site[k];
        }
    }
    g_assert_not_reached();
}

static void exits_are_linked(struct rig *r, gconstpointer unused)
{
    struct compiled x, y;
    adder(r, 0x1000, 1, 0x2000, NULL, &x);
    adder(r, 0x2000, 10, 0x3000, NULL, &y);

    g_assert_true(backend_enter(r->be, &r->s.cpu, x.code) == direct(&x, 0x2000));
    g_assert_cmpuint(*slot(r, A), ==, 1);
    g_assert_cmphex(r->s.cpu.pc, ==, 0x2000);
    g_assert_cmpint(r->s.cpu.budget, ==, 999);
    backend_link(r->be, direct(&x, 0x2000), y.code);
    g_assert_true(backend_enter(r->be, &r->s.cpu, x.code) == direct(&y, 0x3000));
    g_assert_cmpuint(*slot(r, A), ==, 12);
    g_assert_cmpint(r->s.cpu.budget, ==, 997);
    backend_link(r->be, direct(&x, 0x2000), NULL);
    g_assert_true(backend_enter(r->be, &r->s.cpu, x.code) == direct(&x, 0x2000));
    g_assert_cmpuint(*slot(r, A), ==, 13);

    /* the first is linked to itself until the budget is gone; nothing is executed in excess */
    backend_link(r->be, direct(&x, 0x2000), x.code);
    int64_t left = r->s.cpu.budget;
    struct exit_site *site = backend_enter(r->be, &r->s.cpu, x.code);
    g_assert_cmpuint(site->kind, ==, IR_EXIT_BUDGET);
    g_assert_cmpint(r->s.cpu.budget, ==, 0);
    g_assert_cmpint(*slot(r, A), ==, 13 + left);
    g_assert_cmphex(r->s.cpu.pc, ==, 0x1000);
    backend_release(r->be, &x);
    backend_release(r->be, &y);
}

/* a += n, then a call of 0x2000 from `pc`, or a return to the address in b. */
static void caller(struct rig *r, uint64_t pc, uint32_t n, struct compiled *out)
{
    ir_begin(r->b, &guest, pc, 0, 0, true);
    ir_block_start(r->b, ir_block_new(r->b, pc, 0));
    ir_set_pc(r->b, pc, 0);
    ir_charge(r->b, 0);
    ir_put(r->b, A, ir_bin(r->b, IR_ADD, ir_get(r->b, A), ir_const(r->b, IR_I32, n)));
    ir_insns_done(r->b, 1);
    ir_exit(r->b, IR_EXIT_DIRECT, IR_HINT_CALL, 0x2000, 0, IR_NONE, IR_NONE);
    ir_exit_returns(r->b, pc + 4);
    g_assert_true(backend_compile(r->be, ir_finish(r->b, false), 1, NULL, NULL, out));
}

static void returner(struct rig *r, uint64_t pc, struct compiled *out)
{
    ir_begin(r->b, &guest, pc, 0, 0, true);
    ir_block_start(r->b, ir_block_new(r->b, pc, 0));
    ir_set_pc(r->b, pc, 0);
    ir_charge(r->b, 0);
    ir_insns_done(r->b, 1);
    ir_exit(r->b, IR_EXIT_INDIRECT, IR_HINT_RETURN, 0, 0, ir_get(r->b, B), IR_NONE);
    g_assert_true(backend_compile(r->be, ir_finish(r->b, false), 1, NULL, NULL, out));
}

static void returns_are_expected(struct rig *r, gconstpointer unused)
{
    struct compiled call, back, after;
    caller(r, 0x1000, 1, &call);
    returner(r, 0x2000, &back);
    adder(r, 0x1004, 100, 0x3000, NULL, &after);
    backend_link(r->be, direct(&call, 0x2000), back.code);

    /* the way back leads to the runtime, which may link it */
    *slot(r, B) = 0x1004;
    struct exit_site *way = backend_enter(r->be, &r->s.cpu, call.code);
    g_assert_true(way == direct(&call, 0x1004));
    g_assert_cmphex(r->s.cpu.pc, ==, 0x1004);
    g_assert_cmpuint(*slot(r, A), ==, 1);
    backend_link(r->be, way, after.code);
    g_assert_true(backend_enter(r->be, &r->s.cpu, call.code) == direct(&after, 0x3000));
    g_assert_cmpuint(*slot(r, A), ==, 102);

    /* whoever returns elsewhere goes there, and what is expected stays */
    *slot(r, B) = 0x5000;
    struct exit_site *site = backend_enter(r->be, &r->s.cpu, call.code);
    g_assert_cmpuint(site->kind, ==, IR_EXIT_INDIRECT);
    g_assert_cmphex(r->s.cpu.pc, ==, 0x5000);
    *slot(r, B) = 0x1004;
    g_assert_true(backend_enter(r->be, &r->s.cpu, back.code) == direct(&after, 0x3000));

    /* a call that calls itself, deeper than the ring: the newest are expected, the oldest forgotten */
    uint32_t depth = JIT_BACK_ENTRIES + 8;
    r->s.jc.newest = 0;
    memset(r->s.jc.back, 0xff, sizeof(r->s.jc.back));
    backend_link(r->be, way, back.code);
    backend_link(r->be, direct(&call, 0x2000), call.code);
    r->s.cpu.budget = depth;
    site = backend_enter(r->be, &r->s.cpu, call.code);
    g_assert_cmpuint(site->kind, ==, IR_EXIT_BUDGET);
    r->s.cpu.budget = 1000;
    site = backend_enter(r->be, &r->s.cpu, back.code);
    g_assert_cmpuint(site->kind, ==, IR_EXIT_BUDGET); /* round and round: every entry is the same one */
    r->s.jc.back[3].pc = 0x7000;
    r->s.cpu.budget = 1000;
    site = backend_enter(r->be, &r->s.cpu, back.code);
    g_assert_cmpuint(site->kind, ==, IR_EXIT_INDIRECT);
    g_assert_cmphex(r->s.cpu.pc, ==, 0x1004);
    g_assert_cmpuint(r->s.jc.newest, ==, 3 * sizeof(struct jit_jc_entry));
    backend_release(r->be, &call);
    backend_release(r->be, &back);
    backend_release(r->be, &after);
}

static void hotness(struct rig *r, gconstpointer unused)
{
    struct compiled x;
    int32_t hot = 3;
    adder(r, 0x1000, 1, 0x2000, &hot, &x);
    g_assert_true(backend_enter(r->be, &r->s.cpu, x.code) == direct(&x, 0x2000));
    g_assert_true(backend_enter(r->be, &r->s.cpu, x.code) == direct(&x, 0x2000));
    struct exit_site *site = backend_enter(r->be, &r->s.cpu, x.code);
    g_assert_true(site == &x.site[x.n_sites - 1]);
    g_assert_cmpuint(site->kind, ==, IR_EXIT_DISPATCH);
    g_assert_cmphex(r->s.cpu.pc, ==, 0x1000);
    g_assert_cmpuint(*slot(r, A), ==, 2);
    g_assert_true(backend_enter(r->be, &r->s.cpu, x.code) == direct(&x, 0x2000)); /* once only */

    g_assert_true(backend_find(r->be, x.code) == &x);
    g_assert_true(backend_find(r->be, x.code + x.size - 1) == &x);
    g_assert_null(backend_find(r->be, x.code - 1));
    g_assert_null(backend_find(r->be, r));
    const uint8_t *code = x.code;
    backend_release(r->be, &x);
    g_assert_null(backend_find(r->be, code));
}

static struct rig *current;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    const uint8_t *pc = (const uint8_t *)(uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
    const struct compiled *c = backend_find(current->be, pc);
    for (uint32_t k = 0; c && k < c->n_faults; k++) {
        if (c->code + c->fault[k].code_offset == pc) {
            uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)(c->code + c->fault[k].stub_offset);
            return;
        }
    }
    abort();
}

static void faults_leave_at_the_guard(struct rig *r, gconstpointer big)
{
    struct compiled x;
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER}, old;
    unsigned aux = 2 | (big ? IR_MEM_BIG : 0);
    ir_begin(r->b, &guest, 0x1000, 0, 0, true);
    ir_block_start(r->b, ir_block_new(r->b, 0x1000, 0));
    ir_set_pc(r->b, 0x1000, 0);
    ir_charge(r->b, 0);
    ir_put(r->b, B, ir_load(r->b, IR_I32, aux, ir_get(r->b, A)));
    ir_insns_done(r->b, 1);
    ir_set_pc(r->b, 0x1004, 0);
    ir_store(r->b, aux, ir_bin(r->b, IR_ADD, ir_get(r->b, B), ir_const(r->b, IR_I32, 8)), ir_get(r->b, C));
    ir_put(r->b, C, ir_const(r->b, IR_I32, 5));
    ir_insns_done(r->b, 1);
    ir_exit(r->b, IR_EXIT_DIRECT, IR_HINT_NONE, 0x1008, 0, IR_NONE, IR_NONE);
    g_assert_true(backend_compile(r->be, ir_finish(r->b, true), 2, NULL, NULL, &x));
    for (uint32_t k = 1; k < x.n_faults; k++) {
        g_assert_cmpuint(x.fault[k - 1].code_offset, <, x.fault[k].code_offset);
    }
    current = r;
    sigaction(SIGSEGV, &action, &old);

    *slot(r, A) = 0x20000; /* behind the mapped part */
    *slot(r, C) = 77;
    struct exit_site *site = backend_enter(r->be, &r->s.cpu, x.code);
    g_assert_cmpuint(site->kind, ==, IR_EXIT_MEMORY);
    g_assert_cmphex(r->s.cpu.pc, ==, 0x1000);
    g_assert_cmphex(r->s.cpu.exit_info, ==, 0x20000);
    g_assert_cmpint(r->s.cpu.budget, ==, 1000);

    uint32_t far = big ? GUINT32_TO_BE(0x30000) : GUINT32_TO_LE(0x30000);
    *slot(r, A) = 0x100;
    memcpy(r->s.cpu.window + 0x100, &far, 4);
    site = backend_enter(r->be, &r->s.cpu, x.code);
    g_assert_cmpuint(site->kind, ==, IR_EXIT_MEMORY);
    g_assert_cmphex(r->s.cpu.pc, ==, 0x1004);
    g_assert_cmphex(r->s.cpu.exit_info, ==, 0x30008);
    g_assert_cmphex(*slot(r, B), ==, 0x30000); /* the load had happened, the second instruction had not */
    g_assert_cmpuint(*slot(r, C), ==, 77);
    g_assert_cmpint(r->s.cpu.budget, ==, 999);

    far = big ? GUINT32_TO_BE(0x200) : GUINT32_TO_LE(0x200);
    memcpy(r->s.cpu.window + 0x100, &far, 4);
    site = backend_enter(r->be, &r->s.cpu, x.code);
    g_assert_cmpuint(site->kind, ==, IR_EXIT_DIRECT);
    g_assert_cmpuint(*slot(r, C), ==, 5);
    uint32_t got;
    memcpy(&got, r->s.cpu.window + 0x208, 4);
    g_assert_cmpuint(big ? GUINT32_FROM_BE(got) : GUINT32_FROM_LE(got), ==, 77);
    sigaction(SIGSEGV, &old, NULL);
    backend_release(r->be, &x);
}

static void full_arena_says_so(struct rig *r, gconstpointer unused)
{
    struct backend *small = backend_create(&guest, 65536, true, NULL), *be = r->be;
    unsigned n = 0;
    r->be = small;
    for (;; n++) {
        struct compiled x;
        ir_begin(r->b, &guest, 0x1000, 0, 0, true);
        ir_block_start(r->b, ir_block_new(r->b, 0x1000, 0));
        ir_exit(r->b, IR_EXIT_DIRECT, IR_HINT_NONE, 0x2000, 0, IR_NONE, IR_NONE);
        if (!backend_compile(small, ir_finish(r->b, false), 1, NULL, NULL, &x)) {
            break;
        }
        backend_release(small, &x);
        g_assert_cmpuint(n, <, 10000);
    }
    g_assert_cmpuint(n, >, 100);
    backend_reset(small);
    struct compiled x;
    adder(r, 0x1000, 3, 0x2000, NULL, &x);
    backend_enter(small, &r->s.cpu, x.code);
    g_assert_cmpuint(*slot(r, A), ==, 3);
    backend_release(small, &x);
    backend_destroy(small);
    r->be = be;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/x64/backend/exits-are-linked", struct rig, NULL, set_up, exits_are_linked, tear_down);
    g_test_add("/x64/backend/returns", struct rig, NULL, set_up, returns_are_expected, tear_down);
    g_test_add("/x64/backend/hotness", struct rig, NULL, set_up, hotness, tear_down);
    g_test_add("/x64/backend/faults-little", struct rig, NULL, set_up, faults_leave_at_the_guard, tear_down);
    g_test_add("/x64/backend/faults-big", struct rig, GINT_TO_POINTER(1), set_up, faults_leave_at_the_guard,
               tear_down);
    g_test_add("/x64/backend/full-arena", struct rig, NULL, set_up, full_arena_says_so, tear_down);
    return g_test_run();
}
