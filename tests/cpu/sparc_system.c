/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A SPARC processor in system mode on a bus of its own: traps, interrupts, windows, the Reference MMU, alternate
 * spaces and the floating-point queue, in the interpreter and in both tiers.
 */
#include <string.h>

#include "emulator/cpu/sparc/sparc.h"
#include "tests/cpu/rig.h"
#include "tests/cpu/sparc_asm.h"

#define PROM     0x70000000u
#define CODE     0x4000u
#define TABLE    0x8000u   /* trap table */
#define DATA     0x20000u
#define CONTEXTS 0x100000u /* context table, then page tables */

static struct rig *rig_new(const char *model_id)
{
    const struct sparc_model *model = sparc_find_model(model_id);
    struct rig *r = rig_create(BUS_BIG_ENDIAN, sparc_model_guest(model), false);
    g_autoptr(GError) error = NULL;
    struct ram_block *prom = ram_block_new(r->memory, "prom", 0x10000, true, &error);
    g_assert_no_error(error);
    bus_map(r->bus, &(struct bus_region){
                        .name = "prom", .start = PROM, .size = 0x10000, .kind = BUS_ROM, .block = prom});
    r->sparc = g_new0(struct sparc_cpu, 1);
    r->sparc->bus = r->bus;
    r->sparc->prom_base = PROM;
    sparc_cpu_init(r->sparc, r->jit, model, false);
    r->sparc->mmu_control &= ~model->boot_mode;
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_PS | SPARC_PSR_ET | SPARC_PSR_EF | 4);
    r->sparc->tbr = TABLE;
    /* every trap stops in a branch to itself */
    for (unsigned tt = 0; tt < 256; tt++)
        PUT(TABLE + 16 * tt, bicc(BA, 0, 0), nop());
    return r;
}

static void rig_free(struct rig *r)
{
    sparc_cpu_finish(r->sparc);
    g_free(r->sparc);
    rig_destroy(r);
}

static enum jit_stop run(struct rig *r, uint32_t pc, int64_t n)
{
    r->sparc->jit.pc = pc;
    r->sparc->jit.npc = pc + 4;
    return jit_run(&r->sparc->jit, n);
}

#define REG(n)    ((uint32_t)sparc_get_reg(r->sparc, n))
#define SET(n, v) sparc_set_reg(r->sparc, n, v)
/* The trap whose handler the processor is in, or -1. */
static int trap_of(const struct rig *r)
{
    uint32_t pc = (uint32_t)r->sparc->jit.pc - TABLE;
    return pc < 0x1000 ? (int)(pc >> 4) : -1;
}

static void traps_and_returns(void)
{
    struct rig *r = rig_new("mb86904");
    PUT(CODE, op_ri(ADD, O0, 1, O0), ticc(BA, 3), op_ri(ADD, O0, 2, O0), bicc(BA, 0, 0), nop());
    sparc_set_icc(r->sparc, 5);
    run(r, CODE, 100);
    g_assert_cmphex(trap_of(r), ==, 0x83);
    g_assert_cmphex(REG(17), ==, CODE + 4); /* %l1, %l2: pc and npc */
    g_assert_cmphex(REG(18), ==, CODE + 8);
    g_assert_cmphex(sparc_get_psr(r->sparc), ==,
                    0x04000000 | SPARC_PSR_S | SPARC_PSR_PS | SPARC_PSR_EF | 5u << 20 | 3);
    g_assert_cmphex(r->sparc->tbr, ==, TABLE | 0x83 << 4);

    /* a handler that skips the trap: jmpl %l2; rett %l2 + 4 */
    PUT(TABLE + 16 * 0x83, op_ri(JMPL, L2, 0, G0), op_ri(RETT, L2, 4, 0));
    sparc_set_psr(r->sparc, SPARC_PSR_ET | SPARC_PSR_EF | SPARC_PSR_S | SPARC_PSR_PS | 4);
    SET(O0, 0);
    run(r, CODE, 100);
    g_assert_cmphex(REG(O0), ==, 3);
    g_assert_cmphex(r->sparc->jit.pc & ~4u, ==, (CODE + 12) & ~4u);
    g_assert_cmphex(sparc_get_psr(r->sparc) & 0xff, ==, SPARC_PSR_ET | SPARC_PSR_S | SPARC_PSR_PS | 4);

    /* from user mode and back to it; privileged instructions trap there */
    PUT(CODE, op_ri(WRPSR, G0, SPARC_PSR_ET | SPARC_PSR_EF | 4, 0), nop(), nop(), nop(), op_rr(RDPSR, 0, 0, O1));
    sparc_set_psr(r->sparc, SPARC_PSR_ET | SPARC_PSR_S | 4);
    run(r, CODE, 100);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_PRIVILEGED);
    g_assert_cmphex(r->sparc->psr & (SPARC_PSR_S | SPARC_PSR_PS), ==, SPARC_PSR_S);

    /* with traps off: error mode */
    PUT(CODE, ticc(BA, 1));
    sparc_set_psr(r->sparc, SPARC_PSR_S | 4);
    g_assert_cmpint(run(r, CODE, 100), ==, JIT_STOP_HALTED);
    g_assert_true(r->sparc->error_mode);
    rig_free(r);
}

static void state_registers(void)
{
    struct rig *r = rig_new("mb86904");
    PUT(CODE, op_ri(WRWIM, G0, -1, 0), nop(), nop(), nop(), op_rr(RDWIM, 0, 0, O0), op_ri(WRTBR, O1, 0, 0), nop(),
        nop(), nop(), op_rr(RDTBR, 0, 0, O2), op_rr(WRPSR, O3, G0, 0), nop(), nop(), nop(),
        op_rr(RDPSR, 0, 0, G3), bicc(BA, 0, 0), nop());
    SET(O1, TABLE | 0xfff);
    SET(O3, SPARC_PSR_ICC | SPARC_PSR_S | SPARC_PSR_PIL | 4);
    r->sparc->tbr = TABLE | 0x7f0;
    run(r, CODE, 100);
    g_assert_cmphex(REG(O0), ==, 0xff); /* eight windows */
    g_assert_cmphex(REG(O2), ==, TABLE | 0x7f0);
    g_assert_cmphex(REG(G3), ==, 0x04000000 | SPARC_PSR_ICC | SPARC_PSR_S | SPARC_PSR_PIL | 4);
    PUT(CODE, op_ri(WRPSR, G0, 0xa8, 0)); /* no window 8 */
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | 4);
    run(r, CODE, 20);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_ILLEGAL);
    rig_free(r);
}

static void interrupts(void)
{
    struct rig *r = rig_new("mb86904");
    PUT(CODE, op_ri(ADD, O0, 1, O0), bicc(BA, 0, -1), nop());
    for (unsigned level = 1; level < 16; level++)
        for (unsigned pil = 0; pil < 16; pil++) {
            sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | pil << 8 | 4);
            r->sparc->irl = level;
            run(r, CODE, 50);
            g_assert_cmphex(trap_of(r), ==, level == 15 || level > pil ? (int)(0x10 + level) : -1);
        }
    /* lowering PIL lets it in at once; with ET off it waits */
    PUT(CODE, op_ri(WRPSR, G0, SPARC_PSR_S | 4, 0), op_ri(ADD, O0, 1, O0), op_ri(WRPSR, G0, SPARC_PSR_S | SPARC_PSR_ET | 4, 0),
        op_ri(ADD, O0, 2, O0), op_ri(ADD, O0, 4, O0));
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | SPARC_PSR_PIL | 4);
    SET(O0, 0);
    r->sparc->irl = 9;
    run(r, CODE, 50);
    g_assert_cmphex(trap_of(r), ==, 0x19);
    g_assert_cmphex(REG(24), ==, 1); /* %i0: %o0 of the interrupted window */
    r->sparc->irl = 0;
    rig_free(r);
}

static void windows(void)
{
    struct rig *r = rig_new("mb86904");
    /* through all windows and round again, with a mark in each */
    for (unsigned w = 0; w < 8; w++) {
        PUT(CODE, op_ri(SAVE, O0, 1, O0), op_ri(OR, G0, (int)w, L0), op_ri(OR, G0, (int)w + 100, I7), ticc(BA, 9));
        for (unsigned round = 0; round < 2; round++) {
            sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | ((w + 1) & 7));
            r->sparc->wim = 0;
            SET(O0, 41);
            run(r, CODE, 20);
            g_assert_cmphex(trap_of(r), ==, 0x89);
            sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | w);
            g_assert_cmphex(REG(L0), ==, w);
            g_assert_cmphex(REG(O0), ==, 42);
            g_assert_cmphex(REG(24), ==, 41);
            sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | ((w + 1) & 7));
            g_assert_cmphex(REG(O7), ==, w + 100); /* shared with the window above */
        }
    }
    for (unsigned w = 0; w < 8; w++) {
        PUT(CODE, op_ri(SAVE, SP, -96, SP), nop());
        sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | w);
        r->sparc->wim = 1u << ((w - 1) & 7);
        run(r, CODE, 20);
        g_assert_cmphex(trap_of(r), ==, SPARC_TT_WINDOW_OVERFLOW);
        PUT(CODE, op_rr(RESTORE, G0, G0, G0), nop());
        sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | w);
        r->sparc->wim = 1u << ((w + 1) & 7);
        run(r, CODE, 20);
        g_assert_cmphex(trap_of(r), ==, SPARC_TT_WINDOW_UNDERFLOW);
    }
    rig_free(r);
}

/* --------------------------------------------------------------------------------------------------- MMU */

#define PTD(table)        ((table) >> 4 | 1)
#define PTE(physical, acc) ((physical) >> 4 | (acc) << 2 | 2)

enum { L1_TABLE = CONTEXTS + 0x1000, L2_TABLE = CONTEXTS + 0x2000, L3_TABLE = CONTEXTS + 0x3000 };

/* Context 1: the first MiB 1:1 through level 3 and level 2 entries, 0x10000000: a 16 MiB page. */
static void map(struct rig *r)
{
    put(r, CONTEXTS + 4, PTD(L1_TABLE));
    put(r, L1_TABLE, PTD(L2_TABLE));
    put(r, L1_TABLE + 0x10 * 4, PTE(0, 7));
    put(r, L2_TABLE, PTD(L3_TABLE));
    put(r, L2_TABLE + 4 * 4, PTE(0x100000, 3)); /* 0x100000: the tables, 256 KiB */
    for (unsigned k = 0; k < 64; k++)
        put(r, L3_TABLE + 4 * k, PTE(k << 12, 3));
    r->sparc->mmu_context_table = CONTEXTS >> 4;
    r->sparc->mmu_context = 1;
    r->sparc->mmu_control |= 1;
    /* takes effect as a write of the control register does */
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | 4);
}

static int access_at(struct rig *r, uint32_t address, bool write, bool user)
{
    PUT(CODE, write ? mem_ri(ST, O0, 0, O1) : mem_ri(LD, O0, 0, O1), ticc(BA, 7));
    SET(O0, address);
    jit_flush_all(&r->sparc->jit);
    sparc_set_psr(r->sparc, (user ? 0 : SPARC_PSR_S) | SPARC_PSR_ET | 4);
    SET(O0, address);
    run(r, CODE, 10);
    return trap_of(r);
}

static void mmu_permissions(void)
{
    struct rig *r = rig_new("mb86904");
    static const char *const user[8] = {"r", "rw", "r", "rw", "", "r", "", ""};
    static const char *const super[8] = {"r", "rw", "r", "rw", "", "rw", "r", "rw"};
    map(r);
    for (unsigned acc = 0; acc < 8; acc++)
        for (unsigned u = 0; u < 2; u++)
            for (unsigned w = 0; w < 2; w++) {
                put(r, L3_TABLE + 4 * 0x20, PTE(DATA, acc));
                bool allowed = strchr((u ? user : super)[acc], w ? 'w' : 'r') != NULL;
                r->sparc->mmu_fault_status = 0;
                int trap = access_at(r, DATA + 8, w, u);
                g_assert_cmphex(trap, ==, allowed ? 0x87 : SPARC_TT_DATA_ACCESS);
                uint32_t pte = get(r, L3_TABLE + 4 * 0x20);
                g_assert_cmphex(pte & 0x60, ==, allowed ? (w ? 0x60 : 0x20) : 0); /* referenced, modified */
                if (!allowed) {
                    unsigned at = (w ? 4 : 0) | (u ? 0 : 1), ft = u && acc >= 6 ? 3 : 2;
                    g_assert_cmphex(r->sparc->mmu_fault_status, ==, 3u << 8 | at << 5 | ft << 2 | 2);
                    g_assert_cmphex(r->sparc->mmu_fault_address, ==, DATA + 8);
                }
            }
    rig_free(r);
}

static void mmu_faults_and_sizes(void)
{
    struct rig *r = rig_new("mb86904");
    map(r);
    put(r, DATA, 0x12345678);
    g_assert_cmphex(access_at(r, 0x10000000 + DATA, false, false), ==, 0x87); /* 16 MiB page */
    g_assert_cmphex(REG(25), ==, 0x12345678);
    g_assert_cmphex(access_at(r, CONTEXTS + 4, false, false), ==, 0x87); /* 256 KiB page */
    g_assert_cmphex(REG(25), ==, PTD(L1_TABLE));
    static const struct {
        uint32_t address, status;
    } faults[] = {
        {0x50000000, 1u << 8 | 1u << 5 | 1u << 2 | 2}, /* invalid at level 1, load by the supervisor */
        {0x00200000, 2u << 8 | 1u << 5 | 1u << 2 | 2}, /* at level 2 */
    };
    for (unsigned k = 0; k < G_N_ELEMENTS(faults); k++) {
        r->sparc->mmu_fault_status = 0;
        g_assert_cmphex(access_at(r, faults[k].address, false, false), ==, SPARC_TT_DATA_ACCESS);
        g_assert_cmphex(r->sparc->mmu_fault_status, ==, faults[k].status);
        g_assert_cmphex(r->sparc->mmu_fault_address, ==, faults[k].address);
    }
    /* a second fault before anybody read the first: overwritten, and said so */
    g_assert_cmphex(access_at(r, 0x50000000, true, false), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(r->sparc->mmu_fault_status, ==, 1u << 8 | 5u << 5 | 1u << 2 | 3);
    /* a table that points nowhere: translation error */
    r->sparc->mmu_fault_status = 0;
    put(r, L1_TABLE + 0x60 * 4, PTD(0x800000));
    g_assert_cmphex(access_at(r, 0x60000000, false, false), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(r->sparc->mmu_fault_status >> 2 & 7, ==, 4);
    /* a page of nothing: access bus error */
    r->sparc->mmu_fault_status = 0;
    put(r, L1_TABLE + 0x61 * 4, PTE(0x20000000, 7));
    g_assert_cmphex(access_at(r, 0x61000000, false, false), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(r->sparc->mmu_fault_status >> 2 & 7, ==, 5);
    /* instruction fetch */
    r->sparc->mmu_fault_status = 0;
    put(r, L3_TABLE + 4 * 0x20, PTE(DATA, 1)); /* not executable */
    jit_flush_all(&r->sparc->jit);
    sparc_set_psr(r->sparc, SPARC_PSR_ET | 4);
    run(r, DATA, 10);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_INSTRUCTION_ACCESS);
    g_assert_cmphex(r->sparc->mmu_fault_status, ==, 3u << 8 | 2u << 5 | 2u << 2 | 2);
    /* a data fault that nobody has read goes before one of an instruction (H.5.4) */
    r->sparc->mmu_fault_status = 0;
    g_assert_cmphex(access_at(r, 0x50000000, false, false), ==, SPARC_TT_DATA_ACCESS);
    const uint32_t data_fault = r->sparc->mmu_fault_status;
    sparc_set_psr(r->sparc, SPARC_PSR_ET | 4);
    run(r, DATA, 10);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_INSTRUCTION_ACCESS);
    g_assert_cmphex(r->sparc->mmu_fault_status, ==, data_fault);
    g_assert_cmphex(r->sparc->mmu_fault_address, ==, 0x50000000);
    /* no-fault: data accesses go on, and leave a record */
    r->sparc->mmu_control |= 2;
    r->sparc->mmu_fault_status = 0;
    g_assert_cmphex(access_at(r, 0x50000000, false, false), ==, 0x87);
    g_assert_cmphex(r->sparc->mmu_fault_status >> 2 & 7, ==, 1);
    rig_free(r);
}

static void mmu_by_alternate_space(void)
{
    struct rig *r = rig_new("mb86904");
    map(r);
    /* probe: page, segment, region, context, entire */
    PUT(CODE, mem_asi(LDA, O0, G0, 3, L0), mem_asi(LDA, O1, G0, 3, L3), mem_asi(LDA, O2, G0, 3, L4),
        mem_asi(LDA, O3, G0, 3, L5), mem_asi(LDA, O4, G0, 3, L6), mem_asi(LDA, O5, G0, 3, L7), bicc(BA, 0, 0), nop());
    SET(O0, DATA);
    SET(O1, DATA | 0x100);
    SET(O2, DATA | 0x200);
    SET(O3, DATA | 0x300);
    SET(O4, DATA | 0x400);
    SET(O5, 0x10000400);
    run(r, CODE, 20);
    g_assert_cmphex(REG(L0), ==, PTE(DATA, 3));
    g_assert_cmphex(REG(L3), ==, PTD(L3_TABLE));
    g_assert_cmphex(REG(L4), ==, PTD(L2_TABLE));
    g_assert_cmphex(REG(L5), ==, PTD(L1_TABLE));
    g_assert_cmphex(REG(L6), ==, PTE(DATA, 3));
    g_assert_cmphex(REG(L7), ==, PTE(0, 7));

    /* registers: status clears when read, context switch by store */
    put(r, CONTEXTS + 8, PTD(L1_TABLE + 0x400));
    for (unsigned k = 0; k < 256; k++)
        put(r, L1_TABLE + 0x400 + 4 * k, get(r, L1_TABLE + 4 * k));
    put(r, L1_TABLE + 0x400 + 0x10 * 4, PTE(0x300000 & 0xff000000, 7));
    put(r, L1_TABLE + 0x400 + 0x10 * 4, 0);
    put(r, 0x28000, 0xabcd);
    PUT(CODE, mem_ri(LD, O0, 0, L0), mem_asi(STA, O1, G0, 4, O2), mem_ri(LD, O0, 0, L3), nop(), bicc(BA, 0, 0), nop());
    SET(O0, 0x10028000);
    SET(O1, 0x200);
    SET(O2, 2);
    r->sparc->mmu_fault_status = 0;
    run(r, CODE, 20);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_DATA_ACCESS); /* the second load: not mapped in context 2 */
    g_assert_cmphex(REG(17), ==, CODE + 8);
    g_assert_cmphex(r->sparc->mmu_context, ==, 2);
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | 4);
    g_assert_cmphex(REG(L0), ==, 0xabcd);
    PUT(CODE, mem_asi(LDA, O0, G0, 4, L0), mem_asi(LDA, O0, G0, 4, L3), mem_asi(LDA, O1, G0, 4, L4), bicc(BA, 0, 0),
        nop());
    SET(O0, 0x300);
    SET(O1, 0x400);
    run(r, CODE, 20);
    g_assert_cmphex(REG(L0), ==, 1u << 8 | 1u << 5 | 1u << 2 | 2);
    g_assert_cmphex(REG(L3), ==, 0);
    g_assert_cmphex(REG(L4), ==, 0x10028000);

    /* bypass, and user data as the user sees it */
    put(r, L3_TABLE + 4 * 0x20, PTE(DATA, 7)); /* supervisor only */
    put(r, DATA, 0x11111111);
    PUT(CODE, mem_asi(LDA, O0, G0, 0x20, L0), mem_asi(STA, O0, G0, 0x20, O1), mem_asi(LDA, O0, G0, 0x0b, L3),
        mem_asi(LDA, O0, G0, 0x0a, L4), nop());
    SET(O0, DATA);
    SET(O1, 0x22222222);
    r->sparc->mmu_fault_status = 0;
    jit_flush_all(&r->sparc->jit);
    run(r, CODE, 20);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_DATA_ACCESS);
    g_assert_cmphex(REG(17), ==, CODE + 12);
    g_assert_cmphex(r->sparc->mmu_fault_status >> 2 & 7, ==, 3);
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | 4);
    g_assert_cmphex(REG(L0), ==, 0x11111111);
    g_assert_cmphex(REG(L3), ==, 0x22222222);

    /* a mapping that changes is seen after the flush of its page */
    PUT(CODE, mem_ri(LD, O0, 0, L0), mem_ri(ST, O1, 0, O2), mem_asi(STA, O0, G0, 3, G0), mem_ri(LD, O0, 0, L3),
        bicc(BA, 0, 0), nop());
    put(r, DATA + 0x1000, 0x33333333);
    SET(O0, DATA);
    SET(O1, L3_TABLE + 4 * 0x20);
    SET(O2, PTE(DATA + 0x1000, 7));
    run(r, CODE, 20);
    g_assert_cmphex(REG(L0), ==, 0x22222222);
    g_assert_cmphex(REG(L3), ==, 0x33333333);
    rig_free(r);
}

static void boot_mode(void)
{
    struct rig *r = rig_new("mb86904");
    const uint32_t words[] = {sethi(0x12345400, O0), bicc(BA, 0, 0), nop()};
    uint8_t bytes[12];
    for (unsigned k = 0; k < 12; k++)
        bytes[k] = (uint8_t)(words[k / 4] >> (24 - 8 * (k & 3)));
    g_assert_cmpint(rom_write(r->bus, PROM, bytes, 12), ==, BUS_OK);
    r->sparc->mmu_control |= 0x4000;
    sparc_set_psr(r->sparc, SPARC_PSR_S | 4);
    run(r, 0, 10);
    g_assert_cmphex(REG(O0), ==, 0x12345400);
    g_assert_cmphex(r->sparc->jit.pc, <, 0x1000);
    rig_free(r);
}

static void floating_point_queue(void)
{
    struct rig *r = rig_new("mb86904");
    /* off */
    PUT(CODE, fpop1(0x42, 0, 2, 4));
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | 4);
    run(r, CODE, 10);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_FP_DISABLED);
    /* a division by zero with its trap enabled traps at the next floating-point instruction */
    PUT(CODE, mem_ri(LDFSR, O0, 0, 0), fpop1(0x4e, 0, 2, 4), op_ri(ADD, G0, 5, L0), fpop1(1, 0, 0, 6), nop());
    put(r, DATA, 2u << 23);
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | SPARC_PSR_EF | 4);
    SET(O0, DATA);
    r->sparc->f[0] = UINT64_C(0x3ff0000000000000);
    r->sparc->f[1] = 0;
    r->sparc->f[2] = 77;
    run(r, CODE, 20);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_FP_EXCEPTION);
    g_assert_cmphex(REG(17), ==, CODE + 12);
    g_assert_cmphex(r->sparc->f[2], ==, 77);
    uint32_t fsr = sparc_get_fsr(r->sparc);
    g_assert_cmphex(fsr & SPARC_FSR_QNE, ==, SPARC_FSR_QNE);
    g_assert_cmphex((fsr & SPARC_FSR_FTT) >> 14, ==, SPARC_FTT_IEEE_754);
    g_assert_cmphex(fsr & SPARC_FSR_CEXC, ==, 2);
    /* the queue: address and instruction; then it is empty */
    PUT(CODE + 0x100, mem_ri(STDFQ, O0, 8, 0), mem_ri(STFSR, O0, 16, 0), bicc(BA, 0, 0), nop());
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_EF | 4);
    run(r, CODE + 0x100, 20);
    g_assert_cmphex(get(r, DATA + 8), ==, CODE + 4);
    g_assert_cmphex(get(r, DATA + 12), ==, fpop1(0x4e, 0, 2, 4));
    g_assert_cmphex(get(r, DATA + 16) & SPARC_FSR_QNE, ==, 0);
    /* nothing to store any more: sequence error */
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | SPARC_PSR_EF | 4);
    run(r, CODE + 0x100, 20);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_FP_EXCEPTION);
    g_assert_cmphex((sparc_get_fsr(r->sparc) & SPARC_FSR_FTT) >> 14, ==, SPARC_FTT_SEQUENCE_ERROR);
    /* quad precision is not done in hardware */
    sparc_set_fsr(r->sparc, 0);
    PUT(CODE, fpop1(0x43, 0, 4, 8), fpop1(1, 0, 0, 6), nop());
    sparc_set_psr(r->sparc, SPARC_PSR_S | SPARC_PSR_ET | SPARC_PSR_EF | 4);
    run(r, CODE, 20);
    g_assert_cmphex(trap_of(r), ==, SPARC_TT_FP_EXCEPTION);
    g_assert_cmphex((sparc_get_fsr(r->sparc) & SPARC_FSR_FTT) >> 14, ==, SPARC_FTT_UNIMPLEMENTED);
    rig_free(r);
}

static const struct tier_test tests[] = {
    {"traps-and-returns", traps_and_returns},
    {"state-registers", state_registers},
    {"interrupts", interrupts},
    {"windows", windows},
    {"mmu-permissions", mmu_permissions},
    {"mmu-faults-and-sizes", mmu_faults_and_sizes},
    {"mmu-by-alternate-space", mmu_by_alternate_space},
    {"boot-mode", boot_mode},
    {"floating-point-queue", floating_point_queue},
};

int main(int argc, char **argv)
{
    return run_in_tiers(argc, argv, "/sparc/system", tests, G_N_ELEMENTS(tests));
}
