/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ARM's control registers, core by core, and the MMUs of v5, v6 and v7, in the interpreter and in both tiers.
 */
#include "tests/cpu/arm_rig.h"

/* ------------------------------------------------------------------------------------------- control registers */

static void test_identification(void)
{
    static const struct {
        const char *id;
        uint32_t midr;
    } cores[] = {
        {"arm925t", 0x54029252},
        {"arm926ej-s", 0x41069265},
        {"arm1136jf-s", 0x4107b362},
        {"cortex-a8", 0x413fc082},
    };
    for (unsigned k = 0; k < G_N_ELEMENTS(cores); k++) {
        struct rig *r = rig_new(cores[k].id);
        /* main ID, control, fault address; and a register that is none */
        PUT(CODE, 0xee100f10, 0xee112f10, 0xee163ff0);
        run(r, CODE, 3);
        g_assert_cmphex(reg(r, 0), ==, cores[k].midr);
        g_assert_cmphex(reg(r, 2), ==, arm_find_model(cores[k].id)->sctlr_reset);
        g_assert_cmphex(current_mode(r), ==, ARM_MODE_UND);
        rig_free(r);
    }
    struct rig *r = rig_new("arm926ej-s");
    /* test, clean and invalidate until Z: mrc p15, 0, pc, c7, c14, 3; moveq r1, #1 */
    PUT(CODE, 0xee17ff7e, 0x03a01001);
    run(r, CODE, 2);
    g_assert_cmphex(reg(r, 1), ==, 1);
    rig_free(r);
}

/* mrc or mcr with r0, in the current mode; false: undefined. */
static bool control(struct rig *r, bool read, unsigned name, uint32_t *value)
{
    uint32_t cpsr = arm_get_cpsr(r->arm);
    PUT(CODE + 0x80, (read ? 0xee100f10 : 0xee000f10) | (name >> 12 & 7) << 21 | (name >> 8 & 15) << 16 | (name & 7) << 5 |
                         (name >> 4 & 15), 0xe3a03001);
    set(r, 0, read ? 0 : *value);
    set(r, 3, 0);
    run(r, CODE + 0x80, 2);
    bool done = reg(r, 3) == 1;
    if (done && read)
        *value = reg(r, 0);
    if (!done)
        expect_exception(r, 0x04, ARM_MODE_UND, CODE + 0x84);
    mode(r, cpsr);
    return done;
}

#define ABSENT  UINT32_C(0xdeadbeef) /* reset value: undefined */
#define MAIN_ID UINT32_C(0xdeadbee0) /* reset value: as the first register */

/* What each register is after reset, and which of its bits hold what is written. Names: op1, CRn, CRm, op2. */
static void test_registers(void)
{
    static const struct {
        const char *model;
        uint16_t name;
        uint32_t reset, writable;
    } rows[] = {
        {"arm925t", 0x0001, 0x05109149, 0}, /* all but this one are the main ID (OMAP5910 manual, table 2-4) */
        {"arm925t", 0x0002, MAIN_ID, 0},
        {"arm925t", 0x0003, MAIN_ID, 0},
        {"arm925t", 0x0015, MAIN_ID, 0},
        {"arm925t", 0x0100, 0x00000070, 0x0000338f},
        {"arm925t", 0x0200, 0, ~0u},
        {"arm925t", 0x0201, ABSENT, 0},
        {"arm925t", 0x0a00, 0, ~0u}, /* lockdown of both TLBs */
        {"arm925t", 0x0a01, 0, ~0u},
        {"arm925t", 0x0f10, 0, ~0u},
        {"arm926ej-s", 0x0002, 0, 0},
        {"arm926ej-s", 0x0003, MAIN_ID, 0},
        {"arm926ej-s", 0x0100, 0x00050078, 0x0000f387},
        {"arm926ej-s", 0x0102, ABSENT, 0},
        {"arm926ej-s", 0x0602, ABSENT, 0},
        {"arm926ej-s", 0x0900, 0, ~0u},
        {"arm926ej-s", 0x0911, 0, ~0u},
        {"arm926ej-s", 0x0d02, ABSENT, 0},
        {"arm1136jf-s", 0x0010, 0x00000111, 0},
        {"arm1136jf-s", 0x0020, 0x00140011, 0},
        {"arm1136jf-s", 0x0003, 0x00000800, 0},
        {"arm1136jf-s", 0x0005, MAIN_ID, 0},
        {"arm1136jf-s", 0x0100, 0x00050078, 0x02e0fb87},
        {"arm1136jf-s", 0x0101, 0x00000007, ~0u},
        {"arm1136jf-s", 0x0201, 0, ~0u},
        {"arm1136jf-s", 0x0601, 0, ~0u},
        {"arm1136jf-s", 0x0602, 0, ~0u},
        {"arm1136jf-s", 0x0740, ABSENT, 0},
        {"arm1136jf-s", 0x0a20, 0x00098aa4, ~0u},
        {"arm1136jf-s", 0x0a21, 0x44e048e0, ~0u},
        {"arm1136jf-s", 0x0b50, 0, ~0u},
        {"arm1136jf-s", 0x0d01, 0, ~0u},
        {"arm1136jf-s", 0x0d02, ABSENT, 0},
        {"arm1136jf-s", 0x0c00, ABSENT, 0},
        {"arm1176jzf-s", 0x0101, 0x00000007, ~0u},
        {"arm1176jzf-s", 0x0740, 0, ~0u},
        {"arm1176jzf-s", 0x0c00, 0, ~31u},
        {"arm1176jzf-s", 0x0d02, 0, ~0u},
        {"arm1176jzf-s", 0x0d04, 0, ~0u},
        {"cortex-a8", 0x0005, 0, 0},
        {"cortex-a8", 0x0100, 0x00c50078, 0x7200b807},
        {"cortex-a8", 0x0101, 0x00000002, ~0u},
        {"cortex-a8", 0x0a01, 0, ~0u},
        {"cortex-a8", 0x1000, 0xe007e01a, 0},
        {"cortex-a8", 0x1001, 0x0a000023, 0},
        {"cortex-a8", 0x2000, 0, 15},
        {"cortex-a8", 0x0510, 0, ~0u},
        {"cortex-a8", 0x0640, ABSENT, 0},
    };
    for (unsigned k = 0; k < G_N_ELEMENTS(rows); k++) {
        struct rig *r = rig_new(rows[k].model);
        uint32_t value, reset = rows[k].reset == MAIN_ID ? r->arm->model->midr : rows[k].reset;
        g_test_message("%s %04x", rows[k].model, rows[k].name);
        g_assert_cmpint(control(r, true, rows[k].name, &value), ==, reset != ABSENT);
        if (reset != ABSENT) {
            g_assert_cmphex(value, ==, reset);
            value = ~reset & ~(rows[k].name == 0x0100 ? ARM_SCTLR_M | ARM_SCTLR_B | ARM_SCTLR_TE | ARM_SCTLR_V : 0);
            uint32_t wanted = (reset & ~rows[k].writable) | (value & rows[k].writable);
            if (rows[k].writable) {
                g_assert_true(control(r, false, rows[k].name, &value));
                g_assert_true(control(r, true, rows[k].name, &value));
                g_assert_cmphex(value, ==, wanted);
                r->arm->vbar = 0; /* where the next exception goes */
            }
        }
        mode(r, ARM_MODE_USR); /* nothing of it is a program's */
        g_assert_true(!control(r, true, rows[k].name, &value) || rows[k].name == 0x0d02);
        rig_free(r);
    }
}

static void test_ti925t(void)
{
    struct rig *r = rig_new("arm925t");
    uint32_t value = 0x20; /* the configuration's O bit chooses between two identities */
    g_assert_true(control(r, false, 0x0f10, &value));
    g_assert_true(control(r, true, 0x0000, &value));
    g_assert_cmphex(value, ==, 0x54029152);
    PUT(CODE, 0xee0f0f18, 0xe3a00001); /* mcr p15, 0, r0, c15, c8, 0 waits */
    arm_jump(r->arm, CODE);
    g_assert_cmpint(jit_run(&r->arm->jit, 100), ==, JIT_STOP_HALTED);
    g_assert_cmphex(arm_get_pc(r->arm), ==, CODE + 4);
    rig_free(r);
}

/* PMUSERENR lets programs count cycles, but not ask for interrupts (0406C C12.8). */
static void test_performance(void)
{
    struct rig *r = rig_new("cortex-a8");
    uint32_t value = 0x80000000, first, second;
    g_assert_true(control(r, false, 0x09c1, &value));
    g_assert_true(control(r, true, 0x09c2, &value));
    g_assert_cmphex(value, ==, 0x80000000);
    mode(r, ARM_MODE_USR);
    g_assert_false(control(r, true, 0x09d0, &value));
    g_assert_true(control(r, true, 0x09e0, &value));
    g_assert_cmphex(value, ==, 0);
    mode(r, SVC_MODE);
    value = 1;
    g_assert_true(control(r, false, 0x09e0, &value));
    mode(r, ARM_MODE_USR);
    g_assert_true(control(r, true, 0x09d0, &first));
    g_assert_true(control(r, true, 0x09d0, &second));
    g_assert_cmpuint(second - first, ==, 2); /* instructions */
    g_assert_false(control(r, false, 0x09e0, &value));
    g_assert_false(control(r, true, 0x09e1, &value));
    g_assert_false(control(r, true, 0x0100, &value));
    rig_free(r);
}

/* ------------------------------------------------------------------------------------------- MMU */

static void test_mmu_v5(void)
{
    struct rig *r = rig_new("arm926ej-s");
    put(r, COARSE + 0, 0x00210000 | 0x0ff0 | 2);  /* small, everybody */
    put(r, COARSE + 4, 0x00211000 | 0x0aa0 | 2);  /* small, user reads */
    put(r, COARSE + 8, 0x00212000 | 0x0550 | 2);  /* small, privileged */
    put(r, COARSE + 20, 0x00214000 | 0x30 | 3);
    put(r, COARSE + 12, 0x00213000 | 0x0d50 | 2); /* quarters: privileged, the last everybody */
    for (unsigned k = 16; k < 32; k++)
        put(r, COARSE + 4 * k, 0x00220000 | 0x0ff0 | 1); /* large */
    for (unsigned k = 32; k < 48; k++)
        put(r, COARSE + 4 * k, 0x00220000 | 0x0770 | 1); /* large: every other quarter privileged */
    mmu_on(r, 0);
    put(r, TABLE + 4 * 0x103, FINE | 0x13);
    put(r, FINE + 0, 0x00230400 | 0x30 | 3); /* tiny */
    for (unsigned k = 0; k < 2; k++) {
        g_assert_true(touch(r, STORE, 0x10000010, 0x11111111));
        g_assert_cmphex(get(r, 0x00210010), ==, 0x11111111);
        g_assert_true(touch(r, STORE_USER, 0x10000010, 0x22222222));
        g_assert_cmphex(get(r, 0x00210010), ==, 0x22222222);
        g_assert_true(touch(r, LOAD_USER, 0x10001010, 0));
        g_assert_false(touch(r, STORE_USER, 0x10001010, 0));
        g_assert_cmphex(r->arm->dfsr, ==, 0x0f);
        g_assert_true(touch(r, STORE, 0x10002010, 1));
        g_assert_false(touch(r, LOAD_USER, 0x10002010, 1));
        g_assert_false(touch(r, LOAD_USER, 0x10003000, 1));
        g_assert_true(touch(r, LOAD_USER, 0x10003c00, 1));
        g_assert_true(touch(r, STORE, 0x10003c00, 0x33));
        g_assert_cmphex(get(r, 0x00213c00), ==, 0x33);
        g_assert_true(touch(r, STORE, 0x1001fff0, 0x44));
        g_assert_cmphex(get(r, 0x0022fff0), ==, 0x44);
        for (unsigned page = 0; page < 16; page++)
            g_assert_cmpint(touch(r, LOAD_USER, 0x10020000 + page * 0x1000, 0), ==, !(page >> 2 & 1));
        g_assert_true(touch(r, STORE, 0x10300004, 0x55));
        g_assert_cmphex(get(r, 0x00230404), ==, 0x55);
        g_assert_false(touch(r, LOAD, 0x10300404, 0));
        g_assert_cmphex(status(r), ==, 7);
        g_assert_false(touch(r, LOAD, 0x10004000, 0)); /* no page */
        g_assert_cmphex(status(r), ==, 7);
        g_assert_false(touch(r, LOAD, 0x10005000, 0)); /* tiny ones stand in fine tables only */
        g_assert_cmphex(status(r), ==, 7);
        g_assert_false(touch(r, LOAD, 0x20000000, 0)); /* no section */
        g_assert_cmphex(status(r), ==, 5);
        g_assert_false(touch(r, LOAD, 0x10100000, 0)); /* no access to the domain */
        g_assert_cmphex(r->arm->dfsr, ==, 0x19);
        g_assert_true(touch(r, STORE, 0x10200000, 0x66)); /* manager: rights do not count */
        g_assert_cmphex(get(r, 0x00200000), ==, 0x66);
    }
    /* FCSE: addresses below 32 MiB are the process's */
    put(r, TABLE + 4 * (0x04000000 >> 20), 0x00000000 | 1u << 10 | 0x12);
    put(r, TABLE + 4 * (0x04000000 >> 20) + 4, 0x00300000 | 3u << 10 | 0x12);
    PUT(CODE, 0xee0d0f10, 0xe5902000 | 1 << 16, 0xe1a00000); /* mcr p15, 0, r0, c13, c0, 0; ldr r2, [r1] */
    put(r, 0x00300008, 0x77);
    mode(r, SVC_MODE);
    set(r, 0, 0x04000000);
    set(r, 1, 0x00100008);
    run(r, CODE, 2);
    g_assert_cmphex(reg(r, 2), ==, 0x77);
    /* and are dropped by their modified ones */
    put(r, TABLE + 4 * (0x04000000 >> 20) + 4, 0x00200000 | 3u << 10 | 0x12);
    put(r, 0x00200008, 0x99);
    PUT(CODE, 0xee080f37, 0xe5912000); /* TLB entry by address; ldr r2, [r1] */
    set(r, 0, 0x04100000);
    run(r, CODE, 2);
    g_assert_cmphex(reg(r, 2), ==, 0x99);
    rig_free(r);
}

/* A store to ROM is the bus's: no fault, nothing changes. */
static void test_rom(void)
{
    struct rig *r = rig_new("arm926ej-s");
    g_autoptr(GError) error = NULL;
    struct ram_block *rom = ram_block_new(r->memory, "rom", 0x1000, true, &error);
    g_assert_no_error(error);
    bus_map(r->bus, &(struct bus_region){
                        .name = "rom", .start = 0x50000000, .size = 0x1000, .kind = BUS_ROM, .block = rom});
    static const uint8_t bytes[4] = {0x11, 0x22, 0x33, 0x44};
    rom_write(r->bus, 0x50000010, bytes, 4);
    for (unsigned k = 0; k < 4; k++) {
        g_assert_true(touch(r, k & 1 ? LOAD : STORE, 0x50000010, 0x99));
        g_assert_cmphex(get(r, 0x50000010), ==, 0x44332211);
    }
    rig_free(r);
}

static void test_mmu_v6(void)
{
    static const char *const models[] = {"arm1136jf-s", "cortex-a8"};
    for (unsigned m = 0; m < 2; m++) {
        struct rig *r = rig_new(models[m]);
        put(r, COARSE + 0, 0x00210000 | 0x30 | 2);  /* everybody */
        put(r, COARSE + 4, 0x00211000 | 0x20 | 2);  /* user reads */
        put(r, COARSE + 8, 0x00212000 | 0x210 | 2); /* privileged, read only */
        put(r, COARSE + 12, 0x00213000 | 0x30 | 3); /* never executed */
        mmu_on(r, ARM_SCTLR_XP);
        for (unsigned k = 0; k < 16; k++) /* 16 MiB at 0x30000000 */
            put(r, TABLE + 4 * (0x300 + k), 1u << 18 | 3u << 10 | 2);
        for (unsigned k = 0; k < 2; k++) {
            g_assert_true(touch(r, STORE_USER, 0x10000010, 0x22));
            g_assert_cmphex(get(r, 0x00210010), ==, 0x22);
            g_assert_false(touch(r, STORE_USER, 0x10001010, 0));
            g_assert_cmphex(status(r), ==, 0xf);
            g_assert_true(r->arm->dfsr & 1 << 11);
            g_assert_true(touch(r, LOAD, 0x10002010, 0));
            g_assert_false(touch(r, STORE, 0x10002010, 0));
            g_assert_false(touch(r, LOAD_USER, 0x10002010, 0));
            g_assert_false(r->arm->dfsr & 1 << 11);
            g_assert_true(touch(r, LOAD, 0x30210010, 0));
            g_assert_cmphex(reg(r, 2), ==, 0x22);
            g_assert_false(touch(r, LOAD, 0x10100000, 0));
            g_assert_cmphex(r->arm->dfsr & 0xff, ==, 0x19);
        }
        /* bx r0 to a page that is never executed */
        PUT(CODE, 0xe12fff10);
        put(r, 0x00213000, 0xe1a00000);
        mode(r, SVC_MODE);
        set(r, 0, 0x10003000);
        run(r, CODE, 2);
        expect_exception(r, 0x0c, ARM_MODE_ABT, 0x10003004);
        g_assert_cmphex(r->arm->ifsr, ==, 0xf);
        g_assert_cmphex(r->arm->ifar, ==, 0x10003000);
        /* an entry that changed counts once its address was invalidated: ldr r2; str r4, [r3]; ldr r5; mcr;
         * ldr r6 */
        PUT(CODE, 0xe5902000, 0xe5834000, 0xe5905000, 0xee080f37, 0xe5906000, 0xe1a00000);
        put(r, 0x00210000, 0xaa);
        put(r, 0x00211000, 0xbb);
        mode(r, SVC_MODE);
        set(r, 0, 0x10000000);
        set(r, 3, COARSE);
        set(r, 4, 0x00211000 | 0x30 | 2);
        run(r, CODE, 5);
        g_assert_cmphex(reg(r, 2), ==, 0xaa);
        g_assert_cmphex(reg(r, 6), ==, 0xbb);
        /* a table for the lower addresses of each process: TTBCR.N = 1 */
        put(r, 0x140000 + 4 * 0x100, 0x00300000 | 3u << 10 | 1u << 17 | 2);
        for (unsigned k = 0; k < RAM_SIZE >> 20; k++)
            put(r, 0x140000 + 4 * k, k << 20 | 1u << 10 | 2);
        put(r, 0x00300004, 0xcc);
        r->arm->ttbr[0] = 0x140000;
        r->arm->ttbr[1] = TABLE;
        r->arm->ttbcr = 1;
        arm_tlb_flush_all(r->arm);
        g_assert_true(touch(r, LOAD, 0x10000004, 0));
        g_assert_cmphex(reg(r, 2), ==, 0xcc);
        put(r, TABLE + 4 * 0x900, 0x00200000 | 3u << 10 | 2);
        put(r, 0x00200004, 0xdd);
        g_assert_true(touch(r, LOAD, 0x90000004, 0));
        g_assert_cmphex(reg(r, 2), ==, 0xdd);
        /* code of a page is dropped with what it was translated from */
        PUT(0x00210000, 0xe3a00001, 0xe12fff1e);
        rig_free(r);
    }
}

static void test_asid(void)
{
    struct rig *r = rig_new("cortex-a8");
    put(r, COARSE + 0, 0x00210000 | 0x830 | 2); /* not global */
    mmu_on(r, 0);
    /* contextidr = r1; ldr r2, [r0]; contextidr = r3; ldr r4, [r0] */
    PUT(CODE, 0xee0d1f30, 0xe5902000, 0xe58c7000, 0xee0d3f30, 0xe5904000, 0xee0d1f30, 0xe5905000);
    put(r, 0x00210000, 0xaa);
    put(r, 0x00211000, 0xbb);
    mode(r, SVC_MODE);
    set(r, 0, 0x10000000);
    set(r, 1, 1);
    set(r, 3, 2);
    set(r, 12, COARSE);
    set(r, 7, 0x00211000 | 0x830 | 2); /* what the second process sees */
    run(r, CODE, 7);
    g_assert_cmphex(reg(r, 2), ==, 0xaa);
    g_assert_cmphex(reg(r, 4), ==, 0xbb);
    /* VA to PA: mcr c7, c8, 0 and mrc c7, c4, 0, of a page that is there and one that is not */
    PUT(CODE, 0xee070f18, 0xee171f14, 0xee072f38, 0xee173f14);
    set(r, 2, 0x10004000);
    run(r, CODE, 4);
    g_assert_cmphex(reg(r, 1), ==, 0x00211000);
    g_assert_cmphex(reg(r, 3), ==, 7 << 1 | 1);
    /* for privileged and for user reads and writes */
    static const struct {
        uint32_t rights;
        uint8_t done; /* bits: op2 */
    } rights[] = {{0x10, 0x3}, {0x210, 0x1}, {0x20, 0x7}, {0x30, 0xf}, {0x230, 0x5}};
    for (unsigned k = 0; k < 4 * G_N_ELEMENTS(rights); k++) {
        uint32_t value = 0x10008000;
        put(r, COARSE + 4 * 8, 0x00212000 | rights[k / 4].rights | 2);
        arm_tlb_flush_all(r->arm);
        g_assert_true(control(r, false, 0x0780 | k % 4, &value));
        g_assert_true(control(r, true, 0x0740, &value));
        g_assert_cmphex(value, ==, rights[k / 4].done >> k % 4 & 1 ? 0x00212000 : 0xf << 1 | 1);
    }
    rig_free(r);
}

/* An instruction of two halfwords on two pages: the second one counts where it stands now, or is not there.
 */
static void test_across_pages(void)
{
    struct rig *r = rig_new("cortex-a8");
    put(r, COARSE + 0, 0x00210000 | 0x30 | 2);
    put(r, COARSE + 4, 0x00215000 | 0x30 | 2);
    mmu_on(r, 0);
    put(r, 0x00210ffc, 0xf240bf00); /* nop; movw r1, #... */
    put(r, 0x00215000, 0xbf000107); /* 7; nop */
    for (unsigned k = 0; k < 4; k++) {
        mode(r, SVC_MODE | ARM_CPSR_T);
        set(r, 1, 0);
        run(r, 0x10000ffd, 3);
        g_assert_cmphex(reg(r, 1), ==, 7);
        g_assert_cmphex(arm_get_pc(r->arm), ==, 0x10001004);
    }
    put(r, 0x00215000, 0xbf000108);
    run(r, 0x10000ffd, 3);
    g_assert_cmphex(reg(r, 1), ==, 8);
    put(r, COARSE + 4, 0);
    arm_tlb_flush_page(r->arm, 0x10001000);
    run(r, 0x10000ffd, 3);
    expect_exception(r, 0x0c, ARM_MODE_ABT, 0x10001002);
    g_assert_cmphex(r->arm->ifar, ==, 0x10001000);
    rig_free(r);
}

/* AP = 0 by the bits S and R (0100I table B4-1), in both formats; and that APX makes it no access again. */
static void test_system_and_rom(void)
{
    static const struct {
        const char *model;
        uint32_t format;
    } formats[] = {{"arm926ej-s", 0}, {"arm1136jf-s", 0}, {"arm1136jf-s", ARM_SCTLR_XP}};
    for (unsigned f = 0; f < G_N_ELEMENTS(formats); f++) {
        struct rig *r = rig_new(formats[f].model);
        put(r, COARSE + 0, 0x00210000 | 2);
        put(r, COARSE + 4, 0x00211000 | (formats[f].format ? 0x200 : 0) | 2);
        mmu_on(r, formats[f].format);
        for (unsigned turn = 0; turn < 3; turn++) {
            uint32_t sctlr = r->arm->sctlr & ~(ARM_SCTLR_S | ARM_SCTLR_R);
            mode(r, SVC_MODE);
            PUT(CODE, 0xee010f10, 0xe1a00000); /* SCTLR = r0 */
            set(r, 0, sctlr | (turn == 1 ? ARM_SCTLR_S : turn == 2 ? ARM_SCTLR_R : 0));
            run(r, CODE, 2);
            g_assert_cmpint(touch(r, LOAD, 0x10000010, 0), ==, turn > 0);
            g_assert_cmpint(touch(r, LOAD_USER, 0x10000010, 0), ==, turn == 2);
            g_assert_false(touch(r, STORE, 0x10000010, 0));
            g_assert_cmphex(status(r), ==, 0xf);
            if (formats[f].format)
                g_assert_false(touch(r, LOAD, 0x10001010, 0));
        }
        rig_free(r);
    }
}

/* 16 MiB in both formats of v6; an invalidation by any address of it drops all of it. */
static void test_supersections(void)
{
    static const struct {
        const char *model;
        uint32_t format;
    } formats[] = {{"arm1136jf-s", 0}, {"arm1136jf-s", ARM_SCTLR_XP}, {"cortex-a8", 0}};
    for (unsigned f = 0; f < G_N_ELEMENTS(formats); f++) {
        struct rig *r = rig_new(formats[f].model);
        mmu_on(r, formats[f].format);
        for (unsigned k = 0; k < 16; k++)
            put(r, TABLE + 4 * (0x300 + k), 1u << 18 | 1u << 5 | 3u << 10 | 2); /* the domain is ignored */
        put(r, 0x00210010, 0x77);
        g_assert_true(touch(r, LOAD, 0x30210010, 0));
        g_assert_cmphex(reg(r, 2), ==, 0x77);
        for (unsigned k = 0; k < 16; k++)
            put(r, TABLE + 4 * (0x300 + k), 0);
        PUT(CODE, 0xee080f37, 0xe1a00000); /* TLB entry by address, of another MiB */
        mode(r, SVC_MODE);
        set(r, 0, 0x30f00000);
        run(r, CODE, 2);
        g_assert_false(touch(r, LOAD, 0x30210010, 0));
        g_assert_cmphex(status(r), ==, 5);
        rig_free(r);
    }
    struct rig *r = rig_new("max");
    uint32_t value = 0x31234567;
    mmu_on(r, 0);
    for (unsigned k = 0; k < 16; k++) /* address bits 35..32 and 39..36 */
        put(r, TABLE + 4 * (0x310 + k), 0xab000000 | 5u << 20 | 1u << 18 | 3u << 10 | 6u << 5 | 2);
    g_assert_true(control(r, false, 0x0780, &value));
    g_assert_true(control(r, true, 0x0740, &value));
    g_assert_cmphex(value, ==, 0xab000000 | 0x65 << 16 | 2);
    rig_free(r);
}

/* v7: access flag, never executed sections, tables that are switched off, walks that fail, entries in the other order. */
static void test_mmu_v7(void)
{
    struct rig *r = rig_new("cortex-a8");
    put(r, COARSE + 0, 0x00210000 | 0x30 | 2);
    put(r, COARSE + 4, 0x00211000 | 0x20 | 2);          /* access flag clear, everybody */
    put(r, COARSE + 8, 0x00212000 | 0x210 | 2);         /* privileged, read only */
    for (unsigned k = 16; k < 32; k++)
        put(r, COARSE + 4 * k, 0x00220000 | 0x8030 | 1); /* large, never executed */
    mmu_on(r, ARM_SCTLR_AFE);
    put(r, TABLE + 4 * 0x110, 0x00200000 | 3u << 10 | 0x10 | 2);            /* never executed */
    put(r, TABLE + 4 * 0x111, 0x00200000 | 3u << 10 | 0x10 | 2u << 5 | 2); /* the manager may */
    put(r, TABLE + 4 * 0x112, 0x00200000 | 2u << 10 | 2);                  /* access flag clear */
    put(r, TABLE + 4 * 0x113, 0x80000000 | 1);                             /* a table that is not there */
    g_assert_true(touch(r, STORE_USER, 0x10000010, 0x22));
    g_assert_false(touch(r, LOAD, 0x10001010, 0));
    g_assert_cmphex(r->arm->dfsr & 0x40f, ==, 6);
    g_assert_true(touch(r, LOAD, 0x10002010, 0));
    g_assert_false(touch(r, STORE, 0x10002010, 0));
    g_assert_true(touch(r, STORE, 0x1001fff0, 0x44));
    g_assert_cmphex(get(r, 0x0022fff0), ==, 0x44);
    g_assert_false(touch(r, LOAD, 0x11200000, 0));
    g_assert_cmphex(status(r), ==, 3);
    g_assert_false(touch(r, LOAD, 0x11300000, 0));
    g_assert_cmphex(status(r), ==, 0xe);
    static const struct {
        uint32_t at, fault;
    } fetches[] = {{0x11000000, 0xd}, {0x11100000, 0}, {0x10010000, 0xf}, {0x10100000, 9}, {0x18000000, 5}};
    put(r, 0x00200000, 0xe12fff1e); /* bx lr */
    for (unsigned k = 0; k < G_N_ELEMENTS(fetches); k++) {
        PUT(CODE, 0xe12fff30, 0xe3a03001); /* blx r0 */
        mode(r, SVC_MODE);
        set(r, 0, fetches[k].at);
        set(r, 3, 0);
        run(r, CODE, 3);
        if (!fetches[k].fault) {
            g_assert_cmphex(reg(r, 3), ==, 1);
            continue;
        }
        expect_exception(r, 0x0c, ARM_MODE_ABT, fetches[k].at + 4);
        g_assert_cmphex(r->arm->ifsr, ==, fetches[k].fault);
        g_assert_cmphex(r->arm->ifar, ==, fetches[k].at);
    }
    /* TTBCR.PD0 with N = 1: no walk below 0x80000000, but what the TLB has counts until it is dropped */
    uint32_t value = 0x11;
    put(r, TABLE + 4 * 0x900, 0x00200000 | 1u << 10 | 2);
    for (unsigned k = 0; k < RAM_SIZE >> 20; k++) /* the vectors and the code are reached through the other half */
        put(r, TABLE + 4 * (0xfff - k), 0);
    r->arm->ttbr[1] = TABLE;
    r->arm->sctlr |= ARM_SCTLR_V;
    put(r, TABLE + 4 * 0xfff, 0x00300000 | 1u << 10 | 2);
    for (unsigned v = 0; v < 32; v += 4)
        put(r, 0x003f0000 + v, 0xeafffffe);
    put(r, 0x00204000, 0xe5902000); /* ldr r2, [r0] at 0x90004000 */
    r->arm->ttbcr = value;
    arm_tlb_flush_all(r->arm);
    set(r, 0, 0x10000010);
    mode(r, SVC_MODE);
    run(r, 0x90004000, 1);
    expect_exception(r, 0xffff0010, ARM_MODE_ABT, 0x90004008);
    g_assert_cmphex(status(r), ==, 5);
    rig_free(r);

    r = rig_new("arm1136jf-s"); /* SCTLR.EE: tables, too, are big-endian */
    for (unsigned k = 0; k < RAM_SIZE >> 20; k++)
        put(r, TABLE + 4 * k, GUINT32_SWAP_LE_BE(k << 20 | 1u << 10 | 2));
    put(r, TABLE + 4 * 0x100, GUINT32_SWAP_LE_BE(0x00200000 | 1u << 10 | 2));
    put(r, 0x00200010, 0x44332211);
    r->arm->sctlr |= ARM_SCTLR_EE | ARM_SCTLR_XP | ARM_SCTLR_M;
    r->arm->ttbr[0] = TABLE;
    r->arm->dacr = 1;
    arm_tlb_flush_all(r->arm);
    arm_update_mode(r->arm);
    g_assert_true(touch(r, LOAD, 0x10000010, 0));
    g_assert_cmphex(reg(r, 2), ==, 0x44332211); /* the data's order is CPSR.E's */
    rig_free(r);
}

/* Domains change at once; an invalidation reaches other address spaces' entries; IFAR and DFAR are modified addresses. */
static void test_contexts(void)
{
    struct rig *r = rig_new("arm1176jzf-s");
    put(r, COARSE + 0, 0x00210000 | 0x830 | 2);
    mmu_on(r, ARM_SCTLR_XP);
    uint32_t value = 0;
    g_assert_true(touch(r, LOAD, 0x10000010, 0));
    put(r, TABLE + 4 * 0x104, 0x00200000 | 3u << 10 | 3u << 5 | 2); /* domain 3 */
    g_assert_false(touch(r, LOAD, 0x10400010, 0));
    g_assert_cmphex(r->arm->dfsr & 0xff, ==, 0x39);
    value = 1u | 3u << 4 | 1u << 6;
    g_assert_true(control(r, false, 0x0300, &value));
    g_assert_true(touch(r, LOAD, 0x10400010, 0));
    value = 1u | 3u << 4;
    g_assert_true(control(r, false, 0x0300, &value));
    g_assert_false(touch(r, LOAD, 0x10400010, 0));
    put(r, 0x00210010, 0xaa);
    put(r, 0x00211010, 0xbb);
    for (unsigned op2 = 0; op2 < 3; op2++) { /* all, by address, by ASID: from ASID 2 for what ASID 1 has seen */
        put(r, COARSE + 0, 0x00210000 | 0x830 | 2);
        arm_tlb_flush_all(r->arm);
        value = 1;
        g_assert_true(control(r, false, 0x0d01, &value));
        g_assert_true(touch(r, LOAD, 0x10000010, 0));
        g_assert_cmphex(reg(r, 2), ==, 0xaa);
        put(r, COARSE + 0, 0x00211000 | 0x830 | 2);
        value = 2;
        g_assert_true(control(r, false, 0x0d01, &value));
        value = op2 == 1 ? 0x10000001 : op2 == 2 ? 1 : 0;
        g_assert_true(control(r, false, 0x0870 | op2, &value));
        value = 1;
        g_assert_true(control(r, false, 0x0d01, &value));
        g_assert_true(touch(r, LOAD, 0x10000010, 0));
        g_assert_cmphex(reg(r, 2), ==, 0xbb);
    }
    rig_free(r);

    r = rig_new("arm1136jf-s");
    mmu_on(r, 0);
    PUT(CODE, 0xee0d0f10, 0xe12fff11); /* FCSE = r0; bx r1 */
    for (unsigned k = 0; k < RAM_SIZE >> 20; k++) /* the process sees memory where it was */
        put(r, TABLE + 4 * (0x40 + k), k << 20 | 1u << 10 | 0x12);
    mode(r, SVC_MODE);
    set(r, 0, 0x04000000);
    set(r, 1, 0x01000000);
    run(r, CODE, 3);
    expect_exception(r, 0x0c, ARM_MODE_ABT, 0x01000004);
    g_assert_cmphex(r->arm->ifar, ==, 0x05000000);
    rig_free(r);
}

static const struct tier_test tests[] = {
    {"identification", test_identification},
    {"registers", test_registers},
    {"ti925t", test_ti925t},
    {"performance", test_performance},
    {"mmu-v5", test_mmu_v5},
    {"rom", test_rom},
    {"mmu-v6", test_mmu_v6},
    {"mmu-v7", test_mmu_v7},
    {"system-and-rom", test_system_and_rom},
    {"supersections", test_supersections},
    {"contexts", test_contexts},
    {"asid", test_asid},
    {"across-pages", test_across_pages},
};

int main(int argc, char **argv)
{
    return run_in_tiers(argc, argv, "/arm/mmu", tests, G_N_ELEMENTS(tests));
}
