/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each row of the integer instruction tables, in the interpreter and in both tiers, against expectations made from the
 * manual; which models have which instructions; what raises; loads of old cores that are not aligned.
 */
#include <string.h>
#include <sys/mman.h>

#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"
#include "tests/cpu/arm_guest.h"

#define CODE GUEST_BASE
#define DATA 0x20000u
#define SIZE 0x20000u

struct expected {
    unsigned reg;
    uint32_t value;
};

/* Everything that is not named stays as it was. */
struct insn_case {
    const char *text;
    bool thumb;
    unsigned n;
    uint32_t code[8];
    struct expected regs[4];
    unsigned n_regs;
    bool has_flags, has_ge, has_mem, q;
    unsigned flags, ge;
    uint32_t mem[2]; /* offset and word */
};

static const struct insn_case cases[] = {
#include "tests/cpu/arm_insn_rows.h"
};

static const uint32_t initial[15] = {
    0x11223344, 0x89abcdef, 0x12345678, 5,          32, DATA,          0x7fffffff, 0x80000000,
    0x55,       0,          0xffffffff, DATA + 8, 12,   0x2f000, 0,
};
static const uint32_t memory[] = {0x84038201, 0x0b8a0948, 0x7f80ff01, 0x00112233};
#define FLAGS 2u /* C */
#define GE    5u

static void prepare(struct guest *g)
{
    for (unsigned k = 0; k < 15; k++)
        arm_set_reg(g->cpu, k, initial[k]);
    for (unsigned k = 0; k < G_N_ELEMENTS(memory); k++)
        guest_store32(g, DATA + 4 * k, memory[k]);
    arm_set_cpsr(g->cpu, ARM_MODE_USR | FLAGS << 28 | GE << 16);
    arm_clear_exclusive(g->cpu);
    g->cpu->tpidruro = 0x12340000;
}

static uint32_t wanted(const struct insn_case *c, unsigned r)
{
    for (unsigned k = 0; k < c->n_regs; k++)
        if (c->regs[k].reg == r)
            return c->regs[k].value;
    return initial[r];
}

static bool scratch(const struct insn_case *c, unsigned r) /* addresses, links and temporaries of several instructions */
{
    return c->n > 1 && (r == 3 || r == 12 || r == 14) && wanted(c, r) == initial[r];
}

static void check(struct guest *g, const struct insn_case *c, unsigned tier)
{
    g_autoptr(GString) wrong = g_string_new(NULL);
    for (unsigned r = 0; r < 15; r++)
        if (arm_get_reg(g->cpu, r) != wanted(c, r) && !scratch(c, r))
            g_string_append_printf(wrong, " r%u %08x not %08x", r, arm_get_reg(g->cpu, r), wanted(c, r));
    uint32_t cpsr = arm_get_cpsr(g->cpu);
    if (cpsr >> 28 != (c->has_flags ? c->flags : FLAGS))
        g_string_append_printf(wrong, " flags %x not %x", cpsr >> 28, c->has_flags ? c->flags : FLAGS);
    if ((cpsr >> 27 & 1) != c->q)
        g_string_append(wrong, " Q");
    if ((cpsr >> 16 & 15) != (c->has_ge ? c->ge : GE))
        g_string_append_printf(wrong, " GE %x", cpsr >> 16 & 15);
    if (c->has_mem && guest_load32(g, DATA + c->mem[0]) != c->mem[1])
        g_string_append_printf(wrong, " [%x] %08x not %08x", c->mem[0], guest_load32(g, DATA + c->mem[0]), c->mem[1]);
    if (wrong->len)
        g_error("%s (%s, tier %u):%s", c->text, c->thumb ? "Thumb" : "ARM", tier, wrong->str);
}

static void test_rows(gconstpointer data)
{
    unsigned tier = GPOINTER_TO_UINT(data);
    struct guest *g = guest_new("max", tier, true, SIZE);
    for (unsigned k = 0; k < G_N_ELEMENTS(cases); k++) {
        const struct insn_case *c = &cases[k];
        uint32_t code[G_N_ELEMENTS(c->code) + 1];
        for (unsigned w = 0; w < c->n; w++)
            code[w] = c->code[w];
        code[c->n] = c->thumb ? 0xdf00df00 : 0xef000000; /* svc */
        guest_arm(g, CODE, code, c->n + 1);
        for (unsigned turn = 0; turn < 4; turn++) {
            prepare(g);
            int raised = guest_run(g, CODE | c->thumb, 1000);
            if (raised != ARM_EXC_SVC)
                g_error("%s (%s, tier %u): exception %d", c->text, c->thumb ? "Thumb" : "ARM", tier, raised);
            check(g, c, tier);
        }
    }
    guest_free(g);
}

/* ------------------------------------------------------------------------------------------- coverage */

static bool elsewhere(const struct arm_row *row) /* tested below or in arm_system.c */
{
    return row->flags & ROW_PRIV || row->emit == emit_udf || row->emit == emit_svc || row->emit == emit_bkpt ||
           row->emit == emit_cps || row->emit == emit_coproc_pair || row->emit == emit_coproc_other ||
           row->emit == emit_w_exception_return || row->emit == emit_preload;
}

static void note(GHashTable *met, uint32_t word, unsigned thumb_size)
{
    const struct arm_row *row = arm_decode(&word, thumb_size, ~0u >> ARM_KEY_FEATURES);
    if (row)
        g_hash_table_add(met, (gpointer)row);
}

static unsigned missing(GHashTable *met, const struct arm_row *table)
{
    unsigned n = 0;
    for (; table && table->emit; table++)
        if (!elsewhere(table) && !g_hash_table_contains(met, table)) {
            g_test_message("no case for %s (%08x)", table->name, table->value);
            n++;
        }
    return n;
}

static void test_coverage(void)
{
    g_autoptr(GHashTable) met = g_hash_table_new(NULL, NULL);
    for (unsigned k = 0; k < G_N_ELEMENTS(cases); k++) {
        const struct insn_case *c = &cases[k];
        for (unsigned h = 0; h < 2 * c->n;) {
            uint32_t first = c->code[h / 2] >> 16 * (h & 1) & 0xffff;
            uint32_t next = h + 1 < 2 * c->n ? c->code[(h + 1) / 2] >> 16 * ((h + 1) & 1) & 0xffff : 0;
            if (!c->thumb) {
                note(met, c->code[h / 2], 0);
                h += 2;
            } else if (first >> 11 >= 0x1d) {
                note(met, first << 16 | next, 4);
                h += 2;
            } else {
                note(met, first, 2);
                h++;
            }
        }
    }
    unsigned n = missing(met, arm_unconditional_rows);
    for (unsigned k = 0; k < 8; k++)
        n += missing(met, arm_arm_rows[k]) + missing(met, arm_thumb_rows[k]) +
             (k < 4 ? missing(met, arm_thumb_word_rows[k]) : 0);
    g_assert_cmpuint(n, ==, 0);
}

/* ------------------------------------------------------------------------------------------- versions */

static void test_versions(void)
{
    static const struct {
        uint32_t word;
        bool thumb;
        const char *before, *from; /* the last model without and the first with it */
    } versions[] = {
        {0xe16f0f11, false, "arm925t", "arm926ej-s"},     /* clz r0, r1 */
        {0xe1010052, false, "arm925t", "arm926ej-s"},     /* qadd r0, r2, r1 */
        {0xe6bf0f31, false, "arm926ej-s", "arm1136jf-s"}, /* rev r0, r1 */
        {0xe6110f12, false, "arm926ej-s", "arm1136jf-s"}, /* sadd16 r0, r1, r2 */
        {0xe1d50f9f, false, "arm1136jf-s", "arm1176jzf-s"}, /* ldrexb r0, [r5] */
        {0xe3000001, false, "arm1176jzf-s", "cortex-a8"}, /* movw r0, #1 */
        {0xe7e000d1 & ~0x80u, false, "arm1176jzf-s", "cortex-a8"}, /* ubfx r0, r1, #0, #1 */
        {0xf57ff05f, false, "arm1176jzf-s", "cortex-a8"}, /* dmb sy */
        {0xe710f211, false, "cortex-a8", "max"},          /* sdiv r0, r1, r2 */
        {0xba08, true, "arm926ej-s", "arm1136jf-s"},      /* rev r0, r1 */
        {0xb100, true, "arm1176jzf-s", "cortex-a8"},      /* cbz r0 */
        {0x4788, true, "arm925t", "arm926ej-s"},          /* blx r1 */
    };
    for (unsigned k = 0; k < G_N_ELEMENTS(versions); k++)
        for (unsigned has = 0; has < 2; has++) {
            struct guest *g = guest_new(has ? versions[k].from : versions[k].before, 0, true, SIZE);
            uint32_t code[] = {versions[k].thumb ? versions[k].word | 0xdf000000 : versions[k].word,
                               versions[k].thumb ? 0xdf00df00 : 0xef000000, 0xdf00df00};
            guest_arm(g, CODE, code, 3);
            prepare(g);
            arm_set_reg(g->cpu, 1, (CODE + 4) | 1); /* where BLX goes */
            g_assert_cmpint(guest_run(g, CODE | versions[k].thumb, 10), ==, has ? ARM_EXC_SVC : ARM_EXC_UNDEFINED);
            guest_free(g);
        }
}

static void test_raises(gconstpointer data)
{
    static const struct {
        uint32_t word;
        bool thumb;
        int reason;
        uint32_t info;
    } raises[] = {
        {0xef123456, false, ARM_EXC_SVC, 0x123456},
        {0xe1212374, false, ARM_EXC_BREAKPOINT, 0x1234},
        {0xe7f000f0, false, ARM_EXC_UNDEFINED, 0},
        {0xe8980001, false, ARM_EXC_DATA_ABORT, 0x55}, /* ldmia r8, {r0} */
        {0xe1900f9f | 8 << 16, false, ARM_EXC_ALIGNMENT, 0x55}, /* ldrex r0, [r8] */
        {0xe12fff16, false, ARM_EXC_PREFETCH_ABORT, 0x7ffffffe}, /* bx r6 */
        {0xee110f10, false, ARM_EXC_UNDEFINED, 0}, /* mrc p15, 0, r0, c1, c0, 0 */
        {0xdf7b, true, ARM_EXC_SVC, 0x7b},
        {0xbe7b, true, ARM_EXC_BREAKPOINT, 0x7b},
        {0xde01, true, ARM_EXC_UNDEFINED, 0},
        {0xa000f7f0, true, ARM_EXC_UNDEFINED, 0}, /* udf.w */
    };
    struct guest *g = guest_new("max", GPOINTER_TO_UINT(data), true, SIZE);
    for (unsigned k = 0; k < G_N_ELEMENTS(raises); k++) {
        uint32_t code[] = {raises[k].thumb ? 0xbf00bf00 : 0xe320f000, raises[k].word};
        guest_arm(g, CODE, code, 2);
        for (unsigned turn = 0; turn < 4; turn++) {
            prepare(g);
            g_assert_cmpint(guest_run(g, CODE | raises[k].thumb, 10), ==, raises[k].reason);
            g_assert_cmphex(g->cpu->jit.exit_info, ==, raises[k].info);
            if (raises[k].reason != ARM_EXC_PREFETCH_ABORT)
                g_assert_cmphex(arm_get_pc(g->cpu), ==, CODE + 4);
        }
    }
    guest_free(g);
}

/* 0100I A2.8: words rotate, the others ignore low address bits. */
static void test_old_alignment(gconstpointer data)
{
    struct guest *g = guest_new("arm926ej-s", GPOINTER_TO_UINT(data), true, SIZE);
    /* ldr r0, [r5, #1]; str r1, [r5, #7]; ldrh r2, [r5, #3]; swp r3, r6, [r12] */
    static const uint32_t code[] = {0xe5950001, 0xe5851007, 0xe1d520b3, 0xe10c3096, 0xef000000};
    guest_arm(g, CODE, code, G_N_ELEMENTS(code));
    for (unsigned turn = 0; turn < 4; turn++) {
        prepare(g);
        arm_set_reg(g->cpu, 12, DATA + 10);
        g_assert_cmpint(guest_run(g, CODE, 100), ==, ARM_EXC_SVC);
        g_assert_cmphex(arm_get_reg(g->cpu, 0), ==, 0x01840382);
        g_assert_cmphex(guest_load32(g, DATA + 4), ==, initial[1]);
        g_assert_cmphex(arm_get_reg(g->cpu, 2), ==, 0x8403);
        g_assert_cmphex(arm_get_reg(g->cpu, 3), ==, 0xff017f80);
        g_assert_cmphex(guest_load32(g, DATA + 8), ==, initial[6]);
    }
    guest_free(g);
}

/* Linux's user helpers: compare and exchange, barrier, thread pointer. */
static void test_user_helpers(void)
{
    struct guest *g = guest_new("arm926ej-s", 2, true, SIZE);
    uint8_t page[4096];
    arm_kuser_page(page);
    g_assert_cmpuint(page[0xffc], >=, 5);
    /* mvn r3, #0xf000; sub pc, r3, #... with lr set: r0 old, r1 new, r2 address */
    static const uint32_t code[] = {0xe3e0ca0f, 0xe1a0e00f, 0xe24cf03f, 0xef000000};
    guest_arm(g, CODE, code, G_N_ELEMENTS(code));
    g_assert_cmpint(mprotect(g->window + ARM_KUSER_PAGE, 4096, PROT_READ | PROT_WRITE), ==, 0);
    memcpy(g->window + ARM_KUSER_PAGE, page, 4096);
    for (unsigned turn = 0; turn < 6; turn++) {
        prepare(g);
        bool same = turn & 1;
        arm_set_reg(g->cpu, 0, same ? memory[0] : 7);
        arm_set_reg(g->cpu, 1, 99);
        arm_set_reg(g->cpu, 2, DATA);
        g_assert_cmpint(guest_run(g, CODE, 100), ==, ARM_EXC_SVC);
        g_assert_cmpint(arm_get_reg(g->cpu, 0) == 0, ==, same);
        g_assert_cmpint(arm_get_cpsr(g->cpu) >> 29 & 1, ==, same);
        g_assert_cmphex(guest_load32(g, DATA), ==, same ? 99 : memory[0]);
    }
    arm_set_reg(g->cpu, 14, CODE + 12);
    g_assert_cmpint(guest_run(g, ARM_KUSER_PAGE + 0xfe0, 100), ==, ARM_EXC_SVC);
    g_assert_cmphex(arm_get_reg(g->cpu, 0), ==, 0x12340000);
    guest_free(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned t = 0; t < 3; t++) {
        static const struct {
            const char *name;
            void (*run)(gconstpointer);
        } tests[] = {{"rows", test_rows}, {"raises", test_raises}, {"old-alignment", test_old_alignment}};
        for (unsigned k = 0; k < G_N_ELEMENTS(tests); k++) {
            g_autofree char *path = g_strdup_printf("/arm/insn/tier-%u/%s", t, tests[k].name);
            g_test_add_data_func(path, GUINT_TO_POINTER(t), tests[k].run);
        }
    }
    g_test_add_func("/arm/insn/coverage", test_coverage);
    g_test_add_func("/arm/insn/versions", test_versions);
    g_test_add_func("/arm/insn/user-helpers", test_user_helpers);
    return g_test_run();
}
