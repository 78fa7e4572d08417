/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JIT's runtime on a toy processor: all tiers end in the same state after the same number of instructions, slices
 * end exactly, devices and faults are precise, changed code and changed mappings are noticed.
 */
#include <string.h>
#include "tests/unit/toy_guest.h"

static struct jit *new_jit(unsigned tier)
{
    struct jit_options options = {
        .accel = tier ? JIT_ACCEL_JIT : JIT_ACCEL_INTERP, .max_tier = tier, .deterministic = true, .eager = true};
    g_autoptr(GError) error = NULL;
    struct jit *jit = jit_create(&toy_guest, &options, &error);
    g_assert_no_error(error);
    return jit;
}

static void load(struct toy_cpu *cpu, uint32_t at, const uint32_t *code, unsigned n)
{
    memcpy(cpu->ram + at, code, n * 4);
    jit_code_written(cpu->head.jit, cpu->ram + at, n * 4);
}

/* Nested loops with a called function, loads and stores: enough turns to reach tier 2. */
static unsigned make_loops(uint32_t *c, int outer)
{
    unsigned n = 0;
    c[n++] = toy(TOY_ADDI, 1, 0, outer);  /* r1 = outer */
    c[n++] = toy(TOY_ADDI, 2, 0, 0x4000); /* r2 = array */
    /* outer: */
    c[n++] = toy(TOY_ADDI, 3, 0, 16); /* r3 = 16 */
    c[n++] = toy(TOY_ADDI, 4, 2, 0);
    /* inner: */
    c[n++] = toy(TOY_LOAD, 5, 4, 0);
    c[n++] = toy(TOY_CALL, 0, 0, 10 * 4); /* function at index 15 */
    c[n++] = toy(TOY_STORE, 5, 4, 0);
    c[n++] = toy(TOY_ADDI, 4, 4, 4);
    c[n++] = toy(TOY_ADDI, 3, 3, -1);
    c[n++] = toy(TOY_BNE, 3, 0, -5 * 4); /* inner */
    c[n++] = toy(TOY_ADDI, 1, 1, -1);
    c[n++] = toy(TOY_BNE, 1, 0, -9 * 4); /* outer */
    c[n++] = toy(TOY_TRAP, 0, 0, 7);
    c[n++] = toy(TOY_JMP, 0, 0, 0);
    c[n++] = 0;
    /* 15: r5 = r5 * 3 + r3 ^ r1 */
    c[n++] = toy(TOY_ADD, 6, 5, 5);
    c[n++] = toy(TOY_ADD, 5, 5, 6);
    c[n++] = toy(TOY_ADD, 5, 5, 3);
    c[n++] = toy(TOY_XOR, 5, 5, 1);
    c[n++] = toy(TOY_RET, 0, 0, 0);
    return n;
}

static void test_tiers_agree(void)
{
    uint32_t code[64];
    unsigned n = make_loops(code, 20000);
    struct toy_cpu *done[3];
    struct jit *jits[3];
    for (unsigned tier = 0; tier < 3; tier++) {
        jits[tier] = new_jit(tier);
        struct toy_cpu *cpu = done[tier] = toy_new(jits[tier]);
        cpu->stop_on_trap = true;
        load(cpu, 0x1000, code, n);
        cpu->head.pc = 0x1000;
        enum jit_stop stop;
        do
            stop = jit_run(&cpu->head, 100000);
        while (stop == JIT_STOP_BUDGET);
        g_assert_cmpint(stop, ==, JIT_STOP_RAISED);
        g_assert_cmpuint(cpu->last_trap, ==, 7);
        struct jit_stats stats;
        jit_get_stats(jits[tier], &stats);
        if (tier == 2)
            g_assert_cmpuint(stats.regions[2], >, 0);
    }
    for (unsigned tier = 1; tier < 3; tier++) {
        g_assert_cmpmem(done[0]->r, sizeof(done[0]->r), done[tier]->r, sizeof(done[tier]->r));
        g_assert_cmpmem(done[0]->ram, TOY_RAM, done[tier]->ram, TOY_RAM);
        g_assert_cmpuint(done[0]->head.icount, ==, done[tier]->head.icount);
    }
    g_assert_cmpuint(done[0]->head.icount, ==, 2 + 20000 * (2 + 16 * 11 + 2));
    for (unsigned tier = 0; tier < 3; tier++) {
        toy_free(done[tier]);
        jit_destroy(jits[tier]);
    }
}

/* Slices of odd lengths end exactly there, in every tier. */
static void test_slices_are_exact(void)
{
    uint32_t code[64];
    unsigned n = make_loops(code, 3000);
    for (unsigned tier = 0; tier < 3; tier++) {
        struct jit *jit = new_jit(tier);
        struct toy_cpu *cpu = toy_new(jit);
        cpu->stop_on_trap = true;
        load(cpu, 0x1000, code, n);
        cpu->head.pc = 0x1000;
        uint64_t expected = 0;
        for (unsigned slice = 1; slice < 5000; slice = slice * 3 / 2 + 1) {
            for (unsigned k = 0; k < 8; k++) {
                g_assert_cmpint(jit_run(&cpu->head, slice), ==, JIT_STOP_BUDGET);
                expected += slice;
                g_assert_cmpuint(cpu->head.icount, ==, expected);
            }
        }
        toy_free(cpu);
        jit_destroy(jit);
    }
}

static void test_device_access_is_precise(void)
{
    const uint32_t code[] = {
        toy(TOY_ADDI, 1, 0, 0),      toy(TOY_ADDI, 2, 0, -0x8000), /* r2 = 0xffff8000 */
        toy(TOY_MUL, 2, 2, 3),       /* r3 = 0xffff0000 preset: r2 = 0x80000000 */
        toy(TOY_ADDI, 1, 1, 1),      toy(TOY_LOAD, 4, 2, 4),
        toy(TOY_ADD, 5, 5, 4),       toy(TOY_STORE, 5, 2, 0x3c),
        toy(TOY_BLT, 1, 6, -4 * 4),  toy(TOY_TRAP, 0, 0, 9),
    };
    uint64_t icount = 0;
    for (unsigned tier = 0; tier < 3; tier++) {
        struct jit *jit = new_jit(tier);
        struct toy_cpu *cpu = toy_new(jit);
        cpu->stop_on_trap = true;
        cpu->irq_enabled = 1;
        cpu->r[3] = 0xffff0000;
        cpu->r[6] = 5000;
        load(cpu, 0x2000, code, G_N_ELEMENTS(code));
        cpu->head.pc = 0x2000;
        enum jit_stop stop;
        while ((stop = jit_run(&cpu->head, 1 << 20)) == JIT_STOP_BUDGET)
            ;
        g_assert_cmpint(stop, ==, JIT_STOP_RAISED);
        g_assert_cmpuint(cpu->r[1], ==, 5000);
        g_assert_cmpuint(cpu->device[1], ==, 5000);
        g_assert_cmpuint(cpu->r[5], ==, 5000 * 4999 / 2);
        g_assert_cmpuint(cpu->device[15], ==, 5000 * 4999 / 2);
        g_assert_cmpuint(cpu->irqs_taken, ==, 5000);
        if (tier)
            g_assert_cmpuint(cpu->device_icount, ==, icount);
        icount = cpu->device_icount;
        toy_free(cpu);
        jit_destroy(jit);
    }
}

static void test_fault_leaves_at_the_instruction(void)
{
    const uint32_t code[] = {
        toy(TOY_ADDI, 1, 1, 1), toy(TOY_LOAD, 2, 3, 0), /* absent page: trap, pc += 4 */
        toy(TOY_ADDI, 4, 4, 1), toy(TOY_LOAD, 2, 5, 0), /* misaligned */
        toy(TOY_BLT, 1, 6, -4 * 4), toy(TOY_TRAP, 0, 0, 3),
        toy(TOY_JMP, 0, 0, 0),
    };
    for (unsigned tier = 0; tier < 3; tier++) {
        struct jit *jit = new_jit(tier);
        struct toy_cpu *cpu = toy_new(jit);
        cpu->r[3] = 0x200000;
        cpu->r[5] = 0x3001;
        cpu->r[6] = 4000;
        cpu->r[2] = 0x5a5a;
        load(cpu, 0x2000, code, G_N_ELEMENTS(code));
        cpu->head.pc = 0x2000;
        while (cpu->head.pc != 0x2018)
            jit_run(&cpu->head, 10000);
        g_assert_cmpuint(cpu->traps, ==, 8001);
        g_assert_cmpuint(cpu->r[1], ==, 4000);
        g_assert_cmpuint(cpu->r[4], ==, 4000);
        g_assert_cmpuint(cpu->r[2], ==, 0x5a5a);
        toy_free(cpu);
        jit_destroy(jit);
    }
}

/* A loop rewrites an instruction of itself in each turn. */
static void test_code_that_changes_itself(void)
{
    const uint32_t code[] = {
        toy(TOY_ADDI, 1, 1, 1),
        toy(TOY_STORE, 7, 8, 0), /* r8 = address of the next one, r7 = its new bits */
        toy(TOY_ADDI, 2, 2, 0),  /* imm grows by one a turn */
        toy(TOY_ADDI, 7, 7, 1),
        toy(TOY_BLT, 1, 6, -4 * 4),
        toy(TOY_TRAP, 0, 0, 3),
    };
    for (unsigned tier = 0; tier < 3; tier++) {
        struct jit *jit = new_jit(tier);
        struct toy_cpu *cpu = toy_new(jit);
        cpu->stop_on_trap = true;
        cpu->r[8] = 0x2008;
        cpu->r[7] = toy(TOY_ADDI, 2, 2, 1);
        cpu->r[6] = 200;
        load(cpu, 0x2000, code, G_N_ELEMENTS(code));
        cpu->head.pc = 0x2000;
        while (jit_run(&cpu->head, 10000) == JIT_STOP_BUDGET)
            ;
        g_assert_cmpuint(cpu->r[2], ==, 200 * 201 / 2);
        toy_free(cpu);
        jit_destroy(jit);
    }
}

/* Data beside code in one page does not disturb it; a page mapped anew is noticed. */
static void test_mapping_changes(void)
{
    const uint32_t add1[] = {toy(TOY_ADDI, 1, 1, 1), toy(TOY_STORE, 1, 0, 0x3800), toy(TOY_JR, 0, 9, 0)};
    const uint32_t add2[] = {toy(TOY_ADDI, 1, 1, 2), toy(TOY_STORE, 1, 0, 0x3800), toy(TOY_JR, 0, 9, 0)};
    const uint32_t caller[] = {toy(TOY_ADDI, 9, 0, 0x2008), toy(TOY_JR, 0, 10, 0), toy(TOY_ADDI, 2, 2, 1),
                               toy(TOY_BLT, 2, 6, -2 * 4), toy(TOY_TRAP, 0, 0, 3)};
    for (unsigned tier = 0; tier < 3; tier++) {
        struct jit *jit = new_jit(tier);
        struct toy_cpu *cpu = toy_new(jit);
        cpu->stop_on_trap = true;
        load(cpu, 0x2000, caller, G_N_ELEMENTS(caller));
        load(cpu, 0x3000, add1, G_N_ELEMENTS(add1));
        load(cpu, 0x4000, add2, G_N_ELEMENTS(add2));
        cpu->r[10] = 0x3000;
        for (unsigned turn = 0; turn < 4; turn++) {
            cpu->map[3] = turn & 1 ? 4 : 3;
            jit_flush_page(&cpu->head, 0x3000);
            cpu->r[1] = cpu->r[2] = 0;
            cpu->r[6] = 10000;
            cpu->head.pc = 0x2000;
            while (jit_run(&cpu->head, 10000) == JIT_STOP_BUDGET)
                ;
            g_assert_cmpuint(cpu->r[1], ==, turn & 1 ? 20000 : 10000);
        }
        struct jit_stats stats;
        jit_get_stats(jit, &stats);
        g_assert_cmpuint(stats.invalidations, <, 10);
        toy_free(cpu);
        jit_destroy(jit);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/jit/runtime/tiers-agree", test_tiers_agree);
    g_test_add_func("/jit/runtime/slices-are-exact", test_slices_are_exact);
    g_test_add_func("/jit/runtime/device-access-is-precise", test_device_access_is_precise);
    g_test_add_func("/jit/runtime/fault-leaves-at-the-instruction", test_fault_leaves_at_the_instruction);
    g_test_add_func("/jit/runtime/code-that-changes-itself", test_code_that_changes_itself);
    g_test_add_func("/jit/runtime/mapping-changes", test_mapping_changes);
    return g_test_run();
}
