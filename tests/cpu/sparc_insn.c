/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each SPARC instruction does, against values worked out from the V8 manual, in the interpreter and in both
 * tiers of generated code.
 */
#include <string.h>
#include <sys/mman.h>

#include "tests/cpu/sparc_asm.h"
#include "tests/cpu/sparc_guest.h"
#include "tests/cpu/tiers.h"

#define CODE  (GUEST_BASE + 0x100)
#define DATA  (GUEST_BASE + 0x4000)
#define STACK (GUEST_BASE + 0x9000)
#define SIZE  0x10000

static struct guest *g;

static struct guest *start(const char *model)
{
    g = guest_new(model, tier, SIZE);
    sparc_set_reg(g->cpu, SP, STACK);
    return g;
}

/* Runs the words, then `ta 1`; answers the trap. */
static int run(const uint32_t *words, unsigned n)
{
    guest_code(g, CODE, words, n);
    uint32_t stop = ticc(BA, 1);
    guest_code(g, CODE + 4 * n, &stop, 1);
    return guest_run(g, CODE, 100000);
}
#define RUN(...)                                                                                             \
    ({                                                                                                       \
        const uint32_t w_[] = {__VA_ARGS__};                                                                 \
        run(w_, G_N_ELEMENTS(w_));                                                                           \
    })
#define STOPPED (SPARC_TT_SOFTWARE + 1)
#define REG(r)  ((uint32_t)sparc_get_reg(g->cpu, r))
#define SET(r, v) sparc_set_reg(g->cpu, r, v)

/* ------------------------------------------------------------------------------------- arithmetic and logic */

enum { N = 8, Z = 4, V = 2, C = 1, KEEP = 16 };

static const struct {
    uint8_t op3;
    uint32_t a, b, y;
    uint8_t icc_in;
    uint32_t result, y_out;
    uint8_t icc; /* KEEP: unchanged */
} alu[] = {
    {ADD, 5, 7, 0, 0, 12, 0, KEEP},
    {ADD, 0xffffffff, 1, 0, N, 0, 0, KEEP},
    {ADDCC, 0xffffffff, 1, 0, 0, 0, 0, Z | C},
    {ADDCC, 0x7fffffff, 1, 0, 0, 0x80000000, 0, N | V},
    {ADDCC, 0x80000000, 0x80000000, 0, 0, 0, 0, Z | V | C},
    {ADDX, 5, 7, 0, C, 13, 0, KEEP},
    {ADDX, 5, 7, 0, 0, 12, 0, KEEP},
    {ADDXCC, 0xffffffff, 0, 0, C, 0, 0, Z | C},
    {ADDXCC, 0x7fffffff, 0, 0, C, 0x80000000, 0, N | V},
    {ADDXCC, 0xffffffff, 0xffffffff, 0, C, 0xffffffff, 0, N | C},
    {SUB, 5, 7, 0, 0, 0xfffffffe, 0, KEEP},
    {SUBCC, 5, 7, 0, 0, 0xfffffffe, 0, N | C},
    {SUBCC, 7, 7, 0, 0, 0, 0, Z},
    {SUBCC, 0x80000000, 1, 0, 0, 0x7fffffff, 0, V},
    {SUBCC, 0x7fffffff, 0xffffffff, 0, 0, 0x80000000, 0, N | V | C},
    {SUBX, 9, 3, 0, C, 5, 0, KEEP},
    {SUBXCC, 0, 0, 0, C, 0xffffffff, 0, N | C},
    {SUBXCC, 0, 0xffffffff, 0, C, 0, 0, Z | C},
    {SUBXCC, 0x80000000, 0, 0, C, 0x7fffffff, 0, V},
    {AND, 0xff00ff00, 0x0ff00ff0, 0, V, 0x0f000f00, 0, KEEP},
    {ANDCC, 0xff00ff00, 0x00ff00ff, 0, N | V | C, 0, 0, Z},
    {OR, 0xf0, 0x0f, 0, 0, 0xff, 0, KEEP},
    {ORCC, 0x80000000, 1, 0, V | C, 0x80000001, 0, N},
    {XOR, 0xff, 0x0f, 0, 0, 0xf0, 0, KEEP},
    {XORCC, 5, 5, 0, 0, 0, 0, Z},
    {ANDN, 0xff, 0x0f, 0, 0, 0xf0, 0, KEEP},
    {ANDNCC, 0xffffffff, 0x7fffffff, 0, 0, 0x80000000, 0, N},
    {ORN, 0, 0xfffffff0, 0, 0, 0xf, 0, KEEP},
    {ORNCC, 0, 0xffffffff, 0, 0, 0, 0, Z},
    {XNOR, 0xff, 0x0f, 0, 0, 0xffffff0f, 0, KEEP},
    {XNORCC, 0, 0, 0, 0, 0xffffffff, 0, N},
    {SLL, 1, 31, 0, 0, 0x80000000, 0, KEEP},
    {SLL, 3, 33, 0, 0, 6, 0, KEEP}, /* counts are modulo 32 */
    {SRL, 0x80000000, 31, 0, 0, 1, 0, KEEP},
    {SRA, 0x80000000, 31, 0, 0, 0xffffffff, 0, KEEP},
    {SRA, 0x80000000, 32, 0, 0, 0x80000000, 0, KEEP},
    {UMUL, 0xffffffff, 0xffffffff, 7, 0, 1, 0xfffffffe, KEEP},
    {SMUL, 0xffffffff, 0xffffffff, 7, 0, 1, 0, KEEP},
    {SMUL, 0x80000000, 2, 7, 0, 0, 0xffffffff, KEEP},
    {UMULCC, 0x10000, 0x10000, 7, V | C, 0, 1, Z},
    {SMULCC, 0xffffffff, 3, 7, V | C, 0xfffffffd, 0xffffffff, N},
    {UDIV, 100, 7, 0, 0, 14, 0, KEEP},
    {UDIV, 0, 2, 1, 0, 0x80000000, 1, KEEP},
    {UDIV, 0, 1, 1, 0, 0xffffffff, 1, KEEP}, /* does not fit */
    {UDIVCC, 0, 1, 1, C, 0xffffffff, 1, N | V},
    {UDIVCC, 3, 4, 0, C | V, 0, 0, Z},
    {SDIV, 0xffffff9c, 7, 0xffffffff, 0, 0xfffffff2, 0xffffffff, KEEP},
    {SDIV, 0x80000000, 0xffffffff, 0xffffffff, 0, 0x7fffffff, 0xffffffff, KEEP},
    {SDIVCC, 0, 1, 0x40000000, 0, 0x7fffffff, 0x40000000, V},
    {SDIVCC, 0, 0xffffffff, 0x40000000, 0, 0x80000000, 0x40000000, N | V},
    {SDIVCC, 0x80000000, 1, 0xffffffff, C, 0x80000000, 0xffffffff, N},
    {TADDCC, 4, 8, 0, C, 12, 0, 0},
    {TADDCC, 5, 8, 0, 0, 13, 0, V},
    {TADDCC, 0x7ffffffc, 4, 0, 0, 0x80000000, 0, N | V},
    {TSUBCC, 8, 4, 0, 0, 4, 0, 0},
    {TSUBCC, 8, 6, 0, 0, 2, 0, V},
    {TADDCCTV, 4, 8, 0, C, 12, 0, 0},
    {TSUBCCTV, 4, 8, 0, 0, 0xfffffffc, 0, N | C},
    {MULSCC, 6, 5, 1, 0, 8, 0, 0},                         /* (6 >> 1) + 5, Y >> 1 */
    {MULSCC, 7, 5, 2, 0, 3, 0x80000001, 0},                /* Y even: nothing added */
    {MULSCC, 6, 0, 0, N, 0x80000003, 0, N},                /* N xor V shifted in */
    {MULSCC, 6, 0, 0, N | V, 3, 0, 0},
};

static void each_integer_operation(void)
{
    start("v8");
    for (unsigned form = 0; form < 3; form++)
        for (unsigned k = 0; k < G_N_ELEMENTS(alu); k++) {
            SET(O0, alu[k].a);
            SET(O1, alu[k].b);
            SET(O2, 0x55555555);
            g->cpu->y = alu[k].y;
            sparc_set_icc(g->cpu, alu[k].icc_in);
            int trap;
            if (form == 0)
                trap = RUN(op_rr(alu[k].op3, O0, O1, O2));
            else if (form == 1 && (int32_t)alu[k].b >= -4096 && (int32_t)alu[k].b < 4096)
                trap = RUN(op_ri(alu[k].op3, O0, (int)alu[k].b, O2));
            else if (form == 2) { /* into %g0: nothing but the codes */
                trap = RUN(op_rr(alu[k].op3, O0, O1, G0));
                SET(O2, alu[k].result);
            } else
                continue;
            g_test_message("row %u form %u", k, form);
            g_assert_cmphex(trap, ==, STOPPED);
            g_assert_cmphex(REG(O2), ==, alu[k].result);
            g_assert_cmphex(g->cpu->y, ==, alu[k].y_out);
            g_assert_cmphex(sparc_get_icc(g->cpu), ==, alu[k].icc == KEEP ? alu[k].icc_in : alu[k].icc);
            g_assert_cmphex(REG(G0), ==, 0);
        }
    SET(O0, 1);
    g_assert_cmphex(RUN(op_ri(UDIV, O0, 0, O2)), ==, SPARC_TT_DIVISION_BY_ZERO);
    g_assert_cmphex(g->cpu->jit.pc, ==, CODE);
    g_assert_cmphex(RUN(nop(), op_rr(SDIVCC, O0, G0, O2)), ==, SPARC_TT_DIVISION_BY_ZERO);
    g_assert_cmphex(g->cpu->jit.pc, ==, CODE + 4);
    sparc_set_icc(g->cpu, N);
    SET(O2, 77);
    g_assert_cmphex(RUN(op_ri(TADDCCTV, O0, 4, O2)), ==, SPARC_TT_TAG_OVERFLOW);
    g_assert_cmphex(REG(O2), ==, 77);
    g_assert_cmphex(sparc_get_icc(g->cpu), ==, N);
    g_assert_cmphex(RUN(sethi(0x12345400, O3), op_ri(OR, O3, 0x278, O3)), ==, STOPPED);
    g_assert_cmphex(REG(O3), ==, 0x12345678);
    SET(O0, 0xf0f0);
    g_assert_cmphex(RUN(op_ri(WRY, O0, 0xff, 0), op_rr(RDY, 0, 0, O1)), ==, STOPPED);
    g_assert_cmphex(REG(O1), ==, 0xf00f); /* WR xors */
    guest_free(g);
}

/* Every condition after every kind of flag setter, beside the flags of the manual's table. */
static void each_condition(void)
{
    static const uint8_t setters[] = {ADDCC, SUBCC, ANDCC, ADDXCC, SUBXCC, TADDCC, UMULCC, MULSCC};
    static const uint32_t values[] = {0, 1, 2, 5, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
    start("v8");
    for (unsigned s = 0; s < G_N_ELEMENTS(setters); s++)
        for (unsigned a = 0; a < G_N_ELEMENTS(values); a++)
            for (unsigned b = 0; b < G_N_ELEMENTS(values); b++) {
                uint32_t words[16 * 3 + 2];
                unsigned n = 0;
                bool immediate = (int32_t)values[b] >= -4096 && (int32_t)values[b] < 4096 && (a & 1);
                words[n++] = immediate ? op_ri(setters[s], O0, (int)values[b], O2) : op_rr(setters[s], O0, O1, O2);
                words[n++] = op_ri(OR, G0, 0, O3);
                for (unsigned c = 0; c < 16; c++) { /* annulled unless taken; for `ba,a` and `bn,a` always */
                    words[n++] = bicc(c, (c & 7) != 0, 2);
                    words[n++] = op_ri(ADD, G0, 0, G0);
                    words[n - 1] = (c & 7) ? op_ri(ADD, O3, 1, O3) : nop();
                    words[n++] = op_rr(ADD, O3, O3, O3);
                }
                SET(O0, values[a]);
                SET(O1, values[b]);
                sparc_set_icc(g->cpu, 0xd & (a | b));
                g_assert_cmphex(run(words, n), ==, STOPPED);
                unsigned icc = sparc_get_icc(g->cpu);
                bool fn = icc & N, fz = icc & Z, fv = icc & V, fc = icc & C;
                const bool truth[16] = {false, fz, fz || (fn != fv), fn != fv, fc || fz, fc, fn, fv,
                                        true, !fz, !(fz || (fn != fv)), fn == fv, !(fc || fz), !fc, !fn, !fv};
                /* taken: the slot adds one and lands on the doubling */
                uint32_t want = 0;
                for (unsigned c = 0; c < 16; c++) {
                    if (c & 7)
                        want += truth[c];
                    want += want;
                }
                g_assert_cmphex(REG(O3), ==, want);
            }
    guest_free(g);
}

/* ------------------------------------------------------------------------------------- memory */

static void loads_and_stores(void)
{
    start("v8");
    guest_store32(g, DATA, 0x81828384);
    guest_store32(g, DATA + 4, 0x05060708);
    SET(O0, DATA);
    SET(O1, 4);
    g_assert_cmphex(RUN(mem_ri(LD, O0, 0, L0), mem_rr(LD, O0, O1, L1), mem_ri(LDUB, O0, 1, L2), mem_ri(LDSB, O0, 1, L3),
                        mem_ri(LDUH, O0, 2, L4), mem_ri(LDSH, O0, 2, L5), mem_ri(LDD, O0, 0, L6)),
                    ==, STOPPED);
    g_assert_cmphex(REG(L0), ==, 0x81828384);
    g_assert_cmphex(REG(L1), ==, 0x05060708);
    g_assert_cmphex(REG(L2), ==, 0x82);
    g_assert_cmphex(REG(L3), ==, 0xffffff82);
    g_assert_cmphex(REG(L4), ==, 0x8384);
    g_assert_cmphex(REG(L5), ==, 0xffff8384);
    g_assert_cmphex(REG(L6), ==, 0x81828384);
    g_assert_cmphex(REG(L7), ==, 0x05060708);

    SET(L0, 0x11223344);
    SET(L1, 0x55667788);
    g_assert_cmphex(RUN(mem_ri(ST, O0, 8, L0), mem_ri(STH, O0, 12, L0), mem_ri(STB, O0, 14, L1),
                        mem_ri(STB, O0, 15, G0), mem_ri(STD, O0, 16, L0), mem_ri(STD, O0, 24, G0)),
                    ==, STOPPED);
    g_assert_cmphex(guest_load32(g, DATA + 8), ==, 0x11223344);
    g_assert_cmphex(guest_load32(g, DATA + 12), ==, 0x33448800);
    g_assert_cmphex(guest_load32(g, DATA + 16), ==, 0x11223344);
    g_assert_cmphex(guest_load32(g, DATA + 20), ==, 0x55667788);
    g_assert_cmphex(guest_load32(g, DATA + 24), ==, 0);

    SET(L2, 0xaabbccdd);
    g_assert_cmphex(RUN(mem_ri(LDSTUB, O0, 1, L3), mem_ri(SWAP, O0, 4, L2)), ==, STOPPED);
    g_assert_cmphex(REG(L3), ==, 0x82);
    g_assert_cmphex(REG(L2), ==, 0x05060708);
    g_assert_cmphex(guest_load32(g, DATA), ==, 0x81ff8384);
    g_assert_cmphex(guest_load32(g, DATA + 4), ==, 0xaabbccdd);

    SET(O0, DATA + 2);
    g_assert_cmphex(RUN(mem_ri(LD, O0, 0, L0)), ==, SPARC_TT_MISALIGNED);
    g_assert_cmphex(RUN(mem_ri(ST, O0, 0, L0)), ==, SPARC_TT_MISALIGNED);
    g_assert_cmphex(RUN(mem_ri(LDUH, O0, 1, L0)), ==, SPARC_TT_MISALIGNED);
    g_assert_cmphex(RUN(mem_ri(SWAP, O0, 0, L0)), ==, SPARC_TT_MISALIGNED);
    SET(O0, DATA + 4);
    g_assert_cmphex(RUN(mem_ri(LDD, O0, 0, L0)), ==, SPARC_TT_MISALIGNED);
    g_assert_cmphex(RUN(mem_ri(STDF, O0, 0, 2)), ==, SPARC_TT_MISALIGNED);
    g_assert_cmphex(RUN(mem_ri(LDD, O0, 4, L1)), ==, SPARC_TT_ILLEGAL); /* odd register */
    SET(O0, 0x8000);
    SET(L0, 0x1234);
    g_assert_cmphex(RUN(op_ri(ADD, L0, 1, L0), mem_ri(LD, O0, 0, L0)), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(g->cpu->jit.pc, ==, CODE + 4);
    g_assert_cmphex(g->cpu->jit.exit_info, ==, 0x8000);
    g_assert_cmphex(REG(L0), ==, 0x1235);
    g_assert_cmphex(RUN(mem_ri(ST, O0, 4, L0)), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(g->cpu->jit.exit_info, ==, 0x8004);
    g_assert_cmphex(guest_run(g, 0x4000, 10), ==, SPARC_TT_INSTRUCTION_ACCESS);
    g_assert_cmphex(RUN(mem_asi(LDA, O0, G0, 0x0a, L0)), ==, SPARC_TT_PRIVILEGED);
    guest_free(g);
}

/* ------------------------------------------------------------------------------------- control transfer */

static void delay_slots_and_annulment(void)
{
    start("v8");
    SET(O0, 0);
    /* taken, slot runs; untaken, slot runs; annulled forms */
    g_assert_cmphex(RUN(op_rr(SUBCC, G0, G0, G0), bicc(BE, 0, 3), op_ri(ADD, O0, 1, O0), op_ri(ADD, O0, 2, O0),
                        bicc(BNE, 0, 3), op_ri(ADD, O0, 4, O0), op_ri(ADD, O0, 8, O0), bicc(BNE, 1, 3),
                        op_ri(ADD, O0, 16, O0), bicc(BE, 1, 2), op_ri(ADD, O0, 32, O0), bicc(BA, 1, 2),
                        op_ri(ADD, O0, 64, O0), bicc(BN, 1, 9), op_ri(ADD, O0, 128, O0), bicc(BN, 0, 9),
                        op_ri(ADD, O0, 256, O0)),
                    ==, STOPPED);
    g_assert_cmphex(REG(O0), ==, 1 + 4 + 8 + 32 + 256);

    /* call and return; the slot sees %o7, and a fault in a slot names slot and target */
    SET(O0, 0);
    SET(O1, DATA);
    g_assert_cmphex(RUN(call(4), op_rr(ADD, O7, G0, O2), bicc(BA, 0, 4), nop(), op_ri(JMPL, O7, 8, G0),
                        op_ri(ADD, O0, 1, O0), nop()),
                    ==, STOPPED);
    g_assert_cmphex(REG(O0), ==, 1);
    g_assert_cmphex(REG(O2), ==, CODE);
    SET(O1, 0x8000);
    g_assert_cmphex(RUN(call(4), mem_ri(LD, O1, 0, O3)), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(g->cpu->jit.pc, ==, CODE + 4);
    g_assert_cmphex(g->cpu->jit.npc, ==, CODE + 16);
    SET(O4, CODE + 32);
    g_assert_cmphex(RUN(op_ri(JMPL, O4, 0, O5), mem_ri(LD, O1, 0, O3)), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(g->cpu->jit.pc, ==, CODE + 4);
    g_assert_cmphex(g->cpu->jit.npc, ==, CODE + 32);
    g_assert_cmphex(REG(O5), ==, CODE);
    SET(O4, CODE + 2);
    g_assert_cmphex(RUN(op_ri(JMPL, O4, 0, O5), nop()), ==, SPARC_TT_MISALIGNED);
    g_assert_cmphex(g->cpu->jit.pc, ==, CODE);
    sparc_set_icc(g->cpu, Z);
    g_assert_cmphex(RUN(bicc(BE, 0, 8), mem_ri(LD, O1, 0, O3)), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(g->cpu->jit.npc, ==, CODE + 32);
    g_assert_cmphex(RUN(bicc(BNE, 0, 8), mem_ri(LD, O1, 0, O3)), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(g->cpu->jit.npc, ==, CODE + 8);

    /* a couple: the second transfer stands in the slot of the first; one instruction of the first target runs */
    SET(O0, 0);
    g_assert_cmphex(RUN(bicc(BA, 0, 5), bicc(BA, 0, 6), op_ri(ADD, O0, 1, O0), op_ri(ADD, O0, 2, O0),
                        op_ri(ADD, O0, 4, O0), op_ri(ADD, O0, 8, O0), op_ri(ADD, O0, 16, O0),
                        op_ri(ADD, O0, 32, O0)),
                    ==, STOPPED);
    g_assert_cmphex(REG(O0), ==, 8 + 32);

    /* a branch in the last word of a page */
    uint32_t page = GUEST_BASE + 0x2000;
    const uint32_t words[] = {bicc(BA, 0, 3), op_ri(ADD, O0, 1, O0), nop(), ticc(BA, 2)};
    guest_code(g, page - 4, words, 4);
    SET(O0, 0);
    g_assert_cmphex(guest_run(g, page - 4, 100), ==, SPARC_TT_SOFTWARE + 2);
    g_assert_cmphex(REG(O0), ==, 1);

    /* conditional traps, computed numbers */
    SET(O0, 3);
    sparc_set_icc(g->cpu, Z);
    g_assert_cmphex(RUN(ticc(BNE, 5), op_rr(TICC, O0, O0, BE)), ==, SPARC_TT_SOFTWARE + 6);
    g_assert_cmphex(g->cpu->jit.pc, ==, CODE + 4);
    g_assert_cmphex(g->cpu->jit.npc, ==, CODE + 8);
    guest_free(g);
}

static void budget_is_exact(void)
{
    start("v8");
    const uint32_t loop[] = {op_ri(ADD, O0, 1, O0), bicc(BA, 0, -1), op_ri(ADD, O1, 1, O1)};
    guest_code(g, CODE, loop, 3);
    SET(O0, 0);
    SET(O1, 0);
    g->cpu->jit.pc = CODE;
    g->cpu->jit.npc = CODE + 4;
    uint64_t total = 0;
    for (unsigned k = 1; k < 200; k++) {
        g_assert_cmpint(guest_continue(g, k), ==, -1);
        total += k;
        g_assert_cmpuint(jit_icount(&g->cpu->jit), ==, total);
        /* the first round has no slot before it: 1 + (2 and the slot, the add) ... */
        uint32_t ran = REG(O0) + REG(O1);
        g_assert_cmpuint(ran, <=, total);
        g_assert_cmpuint(ran + 2, >=, total / 2);
    }
    guest_free(g);
}

/* ------------------------------------------------------------------------------------- windows */

static void windows_spill_and_fill(void)
{
    start("v8");
    /* f(n) = n ? n + f(n - 1) : 0, deeper than there are windows */
    const uint32_t f[] = {
        op_ri(SAVE, SP, -96, SP),   op_rr(ORCC, I0, G0, L0), bicc(BE, 0, 6),         op_ri(OR, G0, 0, O0),
        op_ri(SUB, I0, 1, O0),      call(-5),                nop(),                  op_rr(ADD, L0, O0, O0),
        op_ri(JMPL, I7, 8, G0),     op_rr(RESTORE, O0, G0, O0),
    };
    uint32_t at = CODE + 0x100;
    guest_code(g, at, f, G_N_ELEMENTS(f));
    SET(O0, 200);
    SET(SP, STACK + 0x4000);
    SET(L3, 0x1234567);
    g_assert_cmphex(RUN(call(0x40), nop()), ==, STOPPED);
    g_assert_cmphex(REG(O0), ==, 200 * 201 / 2);
    g_assert_cmphex(REG(SP), ==, STACK + 0x4000);
    g_assert_cmphex(REG(L3), ==, 0x1234567);

    /* flushing writes every frame but the current one to its stack */
    SET(SP, STACK);
    SET(L0, 0xaaaa);
    SET(I5, 0xbbbb);
    g_assert_cmphex(RUN(op_ri(SAVE, SP, -96, SP), op_ri(OR, G0, 7, L0), op_ri(SAVE, SP, -96, SP)), ==, STOPPED);
    g_assert_true(sparc_flush_windows(g->cpu));
    g_assert_cmphex(guest_load32(g, STACK), ==, 0xaaaa);
    g_assert_cmphex(guest_load32(g, STACK + 4 * 13), ==, 0xbbbb);
    g_assert_cmphex(guest_load32(g, STACK - 96), ==, 7);
    guest_store32(g, STACK, 0xcccc); /* and what is read back is what stands there */
    g_assert_cmphex(RUN(op_rr(RESTORE, G0, G0, G0), op_rr(RESTORE, G0, G0, G0)), ==, STOPPED);
    g_assert_cmphex(REG(L0), ==, 0xcccc);
    g_assert_cmphex(REG(SP), ==, STACK);

    /* the sum is of the old window, the destination in the new one */
    SET(O0, 5);
    SET(O1, 6);
    SET(L0, 1);
    g_assert_cmphex(RUN(op_rr(SAVE, O0, O1, L0)), ==, STOPPED);
    g_assert_cmphex(REG(L0), ==, 11);
    g_assert_cmphex(REG(I0), ==, 5);
    g_assert_cmphex(RUN(op_rr(RESTORE, L0, L0, L1)), ==, STOPPED);
    g_assert_cmphex(REG(L1), ==, 22);
    g_assert_cmphex(REG(L0), ==, 1);

    /* a stack that is not there */
    SET(SP, 0x100);
    uint32_t saves[40];
    for (unsigned k = 0; k < 40; k++)
        saves[k] = op_ri(SAVE, SP, 0, SP);
    g_assert_cmphex(run(saves, 40), ==, SPARC_TT_DATA_ACCESS);
    guest_free(g);
}

/* ------------------------------------------------------------------------------------- floating point */

static void set_double(unsigned f, uint64_t v)
{
    g->cpu->f[f / 2] = v;
}
static uint64_t get_double(unsigned f)
{
    return g->cpu->f[f / 2];
}

#define ONE   UINT64_C(0x3ff0000000000000)
#define TWO   UINT64_C(0x4000000000000000)
#define THREE UINT64_C(0x4008000000000000)
#define INF   UINT64_C(0x7ff0000000000000)
#define QNAN  UINT64_C(0x7fffffffffffffff)

static void floating_point(void)
{
    static const struct {
        unsigned opf;
        uint64_t a, b, result; /* doubles, or singles in the low word */
        bool single_in, single_out;
        unsigned cexc;
    } rows[] = {
        {0x42, ONE, TWO, THREE, false, false, 0},
        {0x46, THREE, TWO, ONE, false, false, 0},
        {0x4a, TWO, THREE, UINT64_C(0x4018000000000000), false, false, 0},
        {0x4e, ONE, THREE, UINT64_C(0x3fd5555555555555), false, false, 1},
        {0x4e, ONE, 0, INF, false, false, 2},
        {0x4e, 0, 0, QNAN, false, false, 16},
        {0x42, INF, INF | UINT64_C(1) << 63, QNAN, false, false, 16},
        {0x42, UINT64_C(0x7ff0000000000001), ONE, UINT64_C(0x7ff8000000000001), false, false, 16},
        {0x42, UINT64_C(0x7ff8000000000001), UINT64_C(0x7ff8000000000002), UINT64_C(0x7ff8000000000002), false, false, 0},
        {0x42, UINT64_C(0x7ff0000000000001), UINT64_C(0x7ff8000000000002), UINT64_C(0x7ff8000000000001), false, false, 16},
        {0x4a, UINT64_C(0x7fefffffffffffff), TWO, INF, false, false, 8 | 1},
        {0x4e, UINT64_C(0x0010000000000001), THREE, UINT64_C(0x0005555555555556), false, false, 4 | 1},
        {0x2a, 0, UINT64_C(0x4010000000000000), TWO, false, false, 0},
        {0x2a, 0, UINT64_C(0xbff0000000000000), QNAN, false, false, 16},
        {0x2a, 0, UINT64_C(0x8000000000000000), UINT64_C(0x8000000000000000), false, false, 0},
        {0x41, 0x3f800000, 0x40000000, 0x40400000, true, true, 0},
        {0x45, 0x3f800000, 0x3f800000, 0, true, true, 0},
        {0x49, 0x40400000, 0x40400000, 0x41100000, true, true, 0},
        {0x4d, 0x3f800000, 0x40400000, 0x3eaaaaab, true, true, 1},
        {0x29, 0, 0x41100000, 0x40400000, true, true, 0},
        {0x69, 0x40400000, 0x40000000, UINT64_C(0x4018000000000000), true, false, 0},
        {0xc4, 0, 0xffffffff, 0xbf800000, true, true, 0},
        {0xc4, 0, 0x01000001, 0x4b800000, true, true, 1},
        {0xc8, 0, 0x80000000, UINT64_C(0xc1e0000000000000), true, false, 0},
        {0xc9, 0, 0x3fc00000, UINT64_C(0x3ff8000000000000), true, false, 0},
        {0xc6, 0, UINT64_C(0x3fd5555555555555), 0x3eaaaaab, false, true, 1},
        {0xc6, 0, UINT64_C(0x7ff0000020000000), 0x7fc00001, false, true, 16},
        {0xd1, 0, 0x40200000, 2, true, true, 1},
        {0xd1, 0, 0xc0200000, 0xfffffffe, true, true, 1},
        {0xd1, 0, 0x4f000000, 0x7fffffff, true, true, 16},
        {0xd2, 0, UINT64_C(0xc1e0000000000000), 0x80000000, false, true, 0},
        {0xd2, 0, UINT64_C(0x41e0000000000000), 0x7fffffff, false, true, 16},
        {0xd2, 0, INF | UINT64_C(1) << 63, 0x80000000, false, true, 16},
        {1, 0, 0x7f800001, 0x7f800001, true, true, 0},
        {5, 0, 0x7f800001, 0xff800001, true, true, 0},
        {9, 0, 0xbf800000, 0x3f800000, true, true, 0},
    };
    start("v8");
    SET(O0, DATA);
    for (unsigned half = 0; half < 2; half++)
        for (unsigned k = 0; k < G_N_ELEMENTS(rows); k++) {
            unsigned fa = 2, fb = 4, fd = 6;
            sparc_set_fsr(g->cpu, 0);
            set_double(6, UINT64_C(0x1111111122222222));
            if (rows[k].single_in) {
                fa += half;
                fb += half;
                sparc_set_freg(g->cpu, fa, (uint32_t)rows[k].a);
                sparc_set_freg(g->cpu, fb, (uint32_t)rows[k].b);
            } else {
                set_double(fa, rows[k].a);
                set_double(fb, rows[k].b);
            }
            if (rows[k].single_out)
                fd += half;
            g_test_message("row %u", k);
            g_assert_cmphex(RUN(fpop1(rows[k].opf, fa, fb, fd), mem_ri(STFSR, O0, 0, 0)), ==, STOPPED);
            uint32_t fsr = guest_load32(g, DATA);
            if (rows[k].single_out) {
                g_assert_cmphex(sparc_get_freg(g->cpu, fd), ==, rows[k].result);
                g_assert_cmphex(sparc_get_freg(g->cpu, fd ^ 1), ==, half ? 0x11111111 : 0x22222222);
            } else {
                g_assert_cmphex(get_double(fd), ==, rows[k].result);
            }
            g_assert_cmphex(fsr & SPARC_FSR_CEXC, ==, rows[k].cexc);
            g_assert_cmphex((fsr & SPARC_FSR_AEXC) >> 5, ==, rows[k].cexc);
        }

    /* rounding modes of 1/3 and of -1/3 */
    static const uint32_t third[4] = {0x3eaaaaab, 0x3eaaaaaa, 0x3eaaaaab, 0x3eaaaaaa};
    static const uint32_t minus[4] = {0xbeaaaaab, 0xbeaaaaaa, 0xbeaaaaaa, 0xbeaaaaab};
    for (uint32_t mode = 0; mode < 4; mode++) {
        guest_store32(g, DATA, mode << 30);
        sparc_set_freg(g->cpu, 0, 0x3f800000);
        sparc_set_freg(g->cpu, 1, 0x40400000);
        sparc_set_freg(g->cpu, 2, 0xbf800000);
        g_assert_cmphex(RUN(mem_ri(LDFSR, O0, 0, 0), fpop1(0x4d, 0, 1, 4), fpop1(0x4d, 2, 1, 5),
                            mem_ri(STFSR, O0, 4, 0)),
                        ==, STOPPED);
        g_assert_cmphex(sparc_get_freg(g->cpu, 4), ==, third[mode]);
        g_assert_cmphex(sparc_get_freg(g->cpu, 5), ==, minus[mode]);
        g_assert_cmphex(guest_load32(g, DATA + 4), ==, mode << 30 | 0x21);
    }
    sparc_set_fsr(g->cpu, 0);

    /* loads and stores of registers */
    guest_store32(g, DATA + 8, 0x01020304);
    guest_store32(g, DATA + 12, 0x05060708);
    g_assert_cmphex(RUN(mem_ri(LDDF, O0, 8, 10), mem_ri(LDF, O0, 12, 12), mem_ri(LDF, O0, 8, 13),
                        mem_ri(STDF, O0, 16, 12), mem_ri(STF, O0, 24, 11)),
                    ==, STOPPED);
    g_assert_cmphex(get_double(10), ==, UINT64_C(0x0102030405060708));
    g_assert_cmphex(guest_load32(g, DATA + 16), ==, 0x05060708);
    g_assert_cmphex(guest_load32(g, DATA + 20), ==, 0x01020304);
    g_assert_cmphex(guest_load32(g, DATA + 24), ==, 0x05060708);

    /* every condition on every relation */
    static const uint64_t pairs[4][2] = {{ONE, ONE}, {ONE, TWO}, {TWO, ONE}, {QNAN, ONE}};
    static const char *const relations[16] = {"", "LGU", "LG", "LU", "L", "GU", "G", "U", "ELGU", "E", "EU", "EG", "EGU",
                                              "EL", "ELU", "ELG"};
    for (unsigned p = 0; p < 4; p++)
        for (unsigned c = 0; c < 16; c++) {
            set_double(0, pairs[p][0]);
            set_double(2, pairs[p][1]);
            SET(O1, 0);
            g_assert_cmphex(RUN(fpop2(0x52, 0, 2), nop(), fbfcc(c, 0, 3), op_ri(ADD, O1, 1, O1), op_ri(ADD, O1, 2, O1)),
                            ==, STOPPED);
            g_assert_cmpuint(REG(O1), ==, strchr(relations[c], "ELGU"[p]) ? 1 : 3);
            g_assert_cmpuint(sparc_get_fsr(g->cpu) >> 10 & 3, ==, p);
        }
    sparc_set_fsr(g->cpu, 0);
    g_assert_cmphex(RUN(fpop2(0x52, 0, 2), mem_ri(STFSR, O0, 0, 0)), ==, STOPPED);
    g_assert_cmphex(guest_load32(g, DATA) & 0x3ff, ==, 0); /* quiet compare of a quiet NaN */
    g_assert_cmphex(RUN(fpop2(0x56, 0, 2), mem_ri(STFSR, O0, 0, 0)), ==, STOPPED);
    g_assert_cmphex(guest_load32(g, DATA) & 0x3ff, ==, 0x210);
    guest_free(g);
}

static void floating_point_traps(void)
{
    start("v8");
    SET(O0, DATA);
    set_double(0, ONE);
    set_double(2, 0);
    set_double(4, THREE);
    guest_store32(g, DATA, 2u << 23); /* trap on division by zero */
    g_assert_cmphex(RUN(mem_ri(LDFSR, O0, 0, 0), fpop1(0x4e, 0, 4, 6), fpop1(0x4e, 0, 2, 4)), ==,
                    SPARC_TT_FP_EXCEPTION);
    g_assert_cmphex(g->cpu->jit.pc, ==, CODE + 8);
    uint32_t fsr = sparc_get_fsr(g->cpu);
    g_assert_cmphex(fsr & SPARC_FSR_CEXC, ==, 2);
    g_assert_cmphex((fsr & SPARC_FSR_AEXC) >> 5, ==, 1);
    g_assert_cmphex((fsr & SPARC_FSR_FTT) >> 14, ==, SPARC_FTT_IEEE_754);
    g_assert_cmphex(get_double(4), ==, THREE); /* as it was */
    g_assert_cmphex(get_double(6), ==, UINT64_C(0x3fd5555555555555));

    /* an exact subnormal result: underflow only while its trap is enabled */
    set_double(0, UINT64_C(0x0010000000000000));
    set_double(2, TWO);
    guest_store32(g, DATA, 4u << 23);
    g_assert_cmphex(RUN(mem_ri(LDFSR, O0, 0, 0), fpop1(0x4e, 0, 2, 4)), ==, SPARC_TT_FP_EXCEPTION);
    g_assert_cmphex(sparc_get_fsr(g->cpu) & SPARC_FSR_CEXC, ==, 4);
    guest_store32(g, DATA, 1u << 23);
    g_assert_cmphex(RUN(mem_ri(LDFSR, O0, 0, 0), fpop1(0x4e, 0, 2, 4)), ==, STOPPED);
    g_assert_cmphex(get_double(4), ==, UINT64_C(0x0008000000000000));
    guest_free(g);
}

static void quad_precision(void)
{
    start("v8");
    SET(O0, DATA);
    set_double(0, TWO);
    set_double(2, THREE);
    g_assert_cmphex(RUN(fpop1(0xce, 0, 0, 4), fpop1(0xce, 0, 2, 8), fpop1(0x43, 4, 8, 12), fpop1(0xcb, 0, 12, 0)), ==,
                    STOPPED);
    g_assert_cmphex(get_double(4), ==, UINT64_C(0x4000000000000000));
    g_assert_cmphex(get_double(6), ==, 0);
    g_assert_cmphex(get_double(0), ==, UINT64_C(0x4014000000000000));
    /* the square root of two: 1.6a09e667f3bcc908b2fb1366ea957d3e (rounded to 112 bits of fraction) */
    g_assert_cmphex(RUN(fpop1(0x2b, 0, 4, 16)), ==, STOPPED);
    g_assert_cmphex(get_double(16), ==, UINT64_C(0x3fff6a09e667f3bc));
    g_assert_cmphex(get_double(18), ==, UINT64_C(0xc908b2fb1366ea95));
    g_assert_cmphex(RUN(fpop1(0x4b, 16, 16, 20), fpop1(0xd3, 0, 8, 24), fpop2(0x53, 4, 8)), ==, STOPPED);
    g_assert_cmphex(get_double(20), ==, UINT64_C(0x3fffffffffffffff));
    g_assert_cmphex(sparc_get_freg(g->cpu, 24), ==, 3);
    g_assert_cmphex(sparc_get_fsr(g->cpu) >> 10 & 3, ==, 1);
    g_assert_cmphex(RUN(fpop1(0x47, 4, 4, 12), fpop1(0x4f, 4, 12, 12), mem_ri(STFSR, O0, 0, 0)), ==, STOPPED);
    g_assert_cmphex(get_double(12), ==, UINT64_C(0x7fff000000000000));
    g_assert_cmphex(guest_load32(g, DATA) & 0x1f, ==, 2);
    guest_free(g);
}

static void illegal_and_disabled(void)
{
    start("v8");
    g_assert_cmphex(RUN(0x00000000), ==, SPARC_TT_ILLEGAL);
    g_assert_cmphex(RUN(op_rr(MULX, O0, O0, O0)), ==, SPARC_TT_ILLEGAL); /* V9 */
    g_assert_cmphex(RUN(op_rr(CPOP1, O0, O0, O0)), ==, SPARC_TT_CP_DISABLED);
    g_assert_cmphex(RUN(op_rr(RDPSR, 0, 0, O0)), ==, SPARC_TT_PRIVILEGED);
    g_assert_cmphex(RUN(op_rr(WRWIM, 0, 0, 0)), ==, SPARC_TT_PRIVILEGED);
    g_assert_cmphex(RUN(fpop1(0x1ff, 0, 0, 0)), ==, SPARC_TT_FP_EXCEPTION);
    g_assert_cmphex((sparc_get_fsr(g->cpu) & SPARC_FSR_FTT) >> 14, ==, SPARC_FTT_UNIMPLEMENTED);
    g_assert_cmphex(RUN(op_ri(FLUSH, O0, 0, 0)), ==, STOPPED);
    guest_free(g);
}

/* UltraSPARC's visual instructions: arithmetic, alignment, blocks, short and partial accesses. */
static uint32_t vis(unsigned opf, unsigned rs1, unsigned rs2, unsigned rd)
{
    return op_rr(0x36, rs1, rs2, rd) | opf << 5;
}

static void visual(void)
{
    start("v8plus");
    SET(O0, DATA);
    set_double(0, UINT64_C(0x0102030405060708));
    set_double(2, UINT64_C(0xf0e0d0c0b0a09080));
    /* alignaddr, faligndata: bytes 3 to 10 of the two */
    SET(O1, 3);
    g_assert_cmphex(RUN(vis(0x18, O0, O1, O2), vis(0x48, 0, 2, 4)), ==, STOPPED);
    g_assert_cmphex(REG(O2), ==, DATA);
    g_assert_cmphex(get_double(4), ==, UINT64_C(0x0405060708f0e0d0));
    /* fzero, fone, fxor, fandnot2, fpadd16, fpsub32, fpmerge, fexpand */
    g_assert_cmphex(RUN(vis(0x60, 0, 0, 4), vis(0x7e, 0, 0, 6), vis(0x6c, 0, 2, 8), vis(0x64, 2, 0, 10),
                        vis(0x50, 0, 2, 12), vis(0x56, 0, 2, 14), vis(0x4b, 0, 2, 16), vis(0x4d, 0, 2, 18)),
                    ==, STOPPED);
    g_assert_cmphex(get_double(4), ==, 0);
    g_assert_cmphex(get_double(6), ==, UINT64_MAX);
    g_assert_cmphex(get_double(8), ==, UINT64_C(0xf1e2d3c4b5a69788));
    g_assert_cmphex(get_double(10), ==, UINT64_C(0xf0e0d0c0b0a09080));
    g_assert_cmphex(get_double(12), ==, UINT64_C(0xf1e2d3c4b5a69788));
    g_assert_cmphex(get_double(14), ==, UINT64_C(0x1021324454657688));
    g_assert_cmphex(get_double(16), ==, UINT64_C(0x01f002e003d004c0));
    g_assert_cmphex(get_double(18), ==, UINT64_C(0x0f000e000d000c00));
    /* fmul8x16 of the bytes 1, 2, 3, 4; fcmpgt16; pdist; fpack16 with scale 7: halves clipped to bytes */
    set_double(8, UINT64_C(0x0100020080000080));
    g_assert_cmphex(RUN(vis(0x31, 0, 8, 10), vis(0x28, 8, 2, O3), vis(0x60, 0, 0, 12), vis(0x3e, 0, 2, 12),
                        op_ri(WRY, G0, 7 << 3, 19), vis(0x3b, 0, 8, 14)),
                    ==, STOPPED);
    g_assert_cmphex(get_double(10), ==, UINT64_C(0x00010004fe800002));
    g_assert_cmphex(REG(O3), ==, 0xd); /* 0x8000 is the least */
    g_assert_cmphex(get_double(12), ==, 0xef + 0xde + 0xcd + 0xbc + 0xab + 0x9a + 0x89 + 0x78);
    g_assert_cmphex(get_double(14) >> 32, ==, 0xffff0080);
    /* edge8 from byte 2 to byte 5 of the same eight, which are equal above */
    SET(O1, DATA + 2);
    SET(O2, DATA + 5);
    g_assert_cmphex(RUN(vis(0x00, O1, O2, O3)), ==, STOPPED);
    g_assert_cmphex(REG(O3), ==, 0x3c);
    guest_free(g);
}

static void visual_memory(void)
{
    start("v8plus");
    SET(O0, DATA);
    for (unsigned k = 0; k < 64; k += 4)
        guest_store32(g, DATA + k, 0x01010101 * k + 0x00010203);
    /* a block in, and out again in the other order */
    SET(O1, DATA + 64);
    g_assert_cmphex(RUN(mem_asi(0x33, O0, G0, 0xf0, 0), mem_asi(0x37, O1, G0, 0xf8, 0)), ==, STOPPED);
    g_assert_cmphex(get_double(0), ==, UINT64_C(0x0001020304050607));
    g_assert_cmphex(get_double(14), ==, UINT64_C(0x38393a3b3c3d3e3f));
    g_assert_cmphex(guest_load32(g, DATA + 64), ==, 0x07060504);
    g_assert_cmphex(guest_load32(g, DATA + 124), ==, 0x3b3a3938);
    /* parts: bytes 0, 2 and 7; the second word */
    SET(O2, 0xa1);
    SET(O3, 1);
    SET(O4, DATA + 8);
    guest_store32(g, DATA, 0xffffffff);
    guest_store32(g, DATA + 4, 0xffffffff);
    g_assert_cmphex(RUN(mem_asi(0x37, O0, O2, 0xc0, 0), mem_asi(0x37, O4, O3, 0xc4, 0)), ==, STOPPED);
    g_assert_cmphex(guest_load32(g, DATA), ==, 0x00ff02ff);
    g_assert_cmphex(guest_load32(g, DATA + 4), ==, 0xffffff07);
    g_assert_cmphex(guest_load32(g, DATA + 8), ==, 0x08090a0b);
    g_assert_cmphex(guest_load32(g, DATA + 12), ==, 0x04050607);
    /* a byte, and a half-word in little-endian order */
    SET(O1, DATA + 2);
    g_assert_cmphex(RUN(mem_asi(0x33, O1, G0, 0xd0, 4), mem_asi(0x33, O1, G0, 0xda, 6), mem_asi(0x37, O4, G0, 0xd2, 6)),
                    ==, STOPPED);
    g_assert_cmphex(get_double(4), ==, 0x02);
    g_assert_cmphex(get_double(6), ==, 0xff02);
    g_assert_cmphex(guest_load32(g, DATA + 8), ==, 0xff020a0b);
    /* blocks stand on 64 bytes, in every eighth register */
    g_assert_cmphex(RUN(mem_asi(0x33, O4, G0, 0xf0, 0)), ==, SPARC_TT_MISALIGNED);
    g_assert_cmphex(RUN(mem_asi(0x33, O0, G0, 0xf0, 2)), ==, SPARC_TT_ILLEGAL);
    g_assert_cmphex(RUN(mem_asi(0x33, O0, G0, 0xc0, 0)), ==, SPARC_TT_ILLEGAL); /* partial accesses only store */
    guest_free(g);
}

/* Code that is written while it runs is run as written. */
static void self_modifying(void)
{
    start("v8");
    SET(O0, CODE);
    SET(O1, op_ri(OR, G0, 2, O2));
    const uint32_t words[] = {mem_ri(ST, O0, 20, O1), op_ri(FLUSH, O0, 20, 0), nop(), nop(), nop(),
                              op_ri(OR, G0, 1, O2)};
    for (unsigned k = 0; k < 3; k++) {
        g_assert_cmphex(run(words, 6), ==, STOPPED);
        g_assert_cmphex(REG(O2), ==, 2);
    }
    guest_free(g);
}

static const struct tier_test tests[] = {
    {"each-integer-operation", each_integer_operation},
    {"each-condition", each_condition},
    {"loads-and-stores", loads_and_stores},
    {"delay-slots-and-annulment", delay_slots_and_annulment},
    {"budget-is-exact", budget_is_exact},
    {"windows-spill-and-fill", windows_spill_and_fill},
    {"floating-point", floating_point},
    {"floating-point-traps", floating_point_traps},
    {"quad-precision", quad_precision},
    {"illegal-and-disabled", illegal_and_disabled},
    {"visual", visual},
    {"visual-memory", visual_memory},
    {"self-modifying", self_modifying},
};

int main(int argc, char **argv)
{
    return run_in_tiers(argc, argv, "/sparc/insn", tests, G_N_ELEMENTS(tests));
}
