/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ARM processors in system mode: exceptions, banked registers, status registers, exclusive accesses, in the interpreter
 * and in both tiers.
 */
#include <string.h>

#include "tests/cpu/arm_rig.h"

/* ------------------------------------------------------------------------------------------- exceptions */

static void test_svc(void)
{
    struct rig *r = rig_new("arm926ej-s");
    PUT(CODE, 0xe3a00005, 0xef000123, 0xe3a01007); /* mov r0, #5; svc 0x123; mov r1, #7 */
    mode(r, ARM_MODE_USR | ARM_CPSR_C | ARM_CPSR_Q);
    run(r, CODE, 2);
    expect_exception(r, 0x08, ARM_MODE_SVC, CODE + 8);
    g_assert_cmphex(*arm_spsr(r->arm), ==, ARM_MODE_USR | ARM_CPSR_C | ARM_CPSR_Q);
    g_assert_false(arm_get_cpsr(r->arm) & ARM_CPSR_F);
    put(r, 8, 0xe1b0f00e); /* movs pc, lr */
    run(r, 8, 2);
    g_assert_cmphex(arm_get_pc(r->arm), ==, CODE + 12);
    g_assert_cmphex(arm_get_cpsr(r->arm), ==, ARM_MODE_USR | ARM_CPSR_C | ARM_CPSR_Q);
    g_assert_cmphex(reg(r, 1), ==, 7);
    rig_free(r);
}

/* The data's byte order in a handler is SCTLR.EE's, whatever the program's was (0406C B1.8.3). */
static void test_byte_order_of_handlers(void)
{
    struct rig *r = rig_new("arm1136jf-s");
    PUT(CODE, 0xef000000);
    for (unsigned ee = 0; ee < 2; ee++) {
        r->arm->sctlr = ee ? r->arm->sctlr | ARM_SCTLR_EE : r->arm->sctlr & ~ARM_SCTLR_EE;
        mode(r, ARM_MODE_USR | (ee ? 0 : ARM_CPSR_E));
        run(r, CODE, 1);
        expect_exception(r, 0x08, ARM_MODE_SVC, CODE + 4);
        g_assert_cmphex(arm_get_cpsr(r->arm) & ARM_CPSR_E, ==, ee ? ARM_CPSR_E : 0);
        g_assert_cmphex(*arm_spsr(r->arm) & ARM_CPSR_E, ==, ee ? 0 : ARM_CPSR_E);
    }
    rig_free(r);
}

static void test_thumb(void)
{
    struct rig *r = rig_new("cortex-a8");
    PUT(CODE, 0xdf122005, 0xbf002107); /* movs r0, #5; svc 0x12; movs r1, #7; nop */
    mode(r, ARM_MODE_USR);
    run(r, CODE | 1, 2);
    expect_exception(r, 0x08, ARM_MODE_SVC, CODE + 4);
    g_assert_true(*arm_spsr(r->arm) & ARM_CPSR_T);
    PUT(CODE, 0xde012005); /* movs r0, #5; udf #1 */
    mode(r, ARM_MODE_USR);
    run(r, CODE | 1, 2);
    expect_exception(r, 0x04, ARM_MODE_UND, CODE + 4);
    /* a fault within an IT block comes back into it: cmp r0, r0; ite eq; ldreq r1, [r2]; movne r3, #3; movs
     * r4, #4 */
    PUT(CODE, 0xbf0c4280, 0x23036811, 0xbf002404);
    mode(r, ARM_MODE_USR);
    set(r, 2, 0x80000000);
    run(r, CODE | 1, 3);
    expect_exception(r, 0x10, ARM_MODE_ABT, CODE + 4 + 8);
    put(r, 0x10, 0xe25ef008); /* subs pc, lr, #8 */
    set(r, 2, DATA);
    set(r, 3, 1);
    put(r, DATA, 0x1234);
    jit_run(&r->arm->jit, 4);
    g_assert_cmphex(reg(r, 1), ==, 0x1234);
    g_assert_cmphex(reg(r, 3), ==, 1);
    g_assert_cmphex(reg(r, 4), ==, 4);
    g_assert_cmphex(current_mode(r), ==, ARM_MODE_USR);
    rig_free(r);
}

static void test_abort(void)
{
    struct rig *r = rig_new("arm926ej-s");
    PUT(CODE, 0xe5b02004, 0xe3a03001); /* ldr r2, [r0, #4]! */
    set(r, 0, 0x80000000);             /* nothing answers there */
    set(r, 2, 99);
    run(r, CODE, 1);
    run(r, CODE, 2);
    expect_exception(r, 0x10, ARM_MODE_ABT, CODE + 8);
    g_assert_cmphex(reg(r, 0), ==, 0x80000000);
    g_assert_cmphex(reg(r, 2), ==, 99);
    g_assert_cmphex(r->arm->dfsr & 15, ==, 8);
    g_assert_cmphex(r->arm->dfar, ==, 0x80000004);
    /* ldmia r0!, {r1, r2, r3, r4}, the last two of which are not there: nothing has changed */
    PUT(CODE, 0xe8b0001e);
    mode(r, SVC_MODE);
    set(r, 0, RAM_SIZE - 8);
    set(r, 1, 11);
    run(r, CODE, 2);
    expect_exception(r, 0x10, ARM_MODE_ABT, CODE + 8);
    g_assert_cmphex(reg(r, 0), ==, RAM_SIZE - 8);
    g_assert_cmphex(reg(r, 1), ==, 11);
    g_assert_cmphex(r->arm->dfar, ==, RAM_SIZE);
    /* bx r0 to nowhere */
    PUT(CODE, 0xe12fff10);
    mode(r, SVC_MODE);
    set(r, 0, 0x80000000);
    run(r, CODE, 2);
    expect_exception(r, 0x0c, ARM_MODE_ABT, 0x80000004);
    rig_free(r);
}

static void test_interrupts(void)
{
    struct rig *r = rig_new("arm1136jf-s");
    PUT(CODE, 0xe2800001, 0xeafffffd); /* add r0, r0, #1; b .-4 */
    mode(r, SVC_MODE);
    r->arm->irq_line = true;
    run(r, CODE, 10);
    g_assert_cmphex(current_mode(r), ==, ARM_MODE_SVC);
    mode(r, ARM_MODE_SVC | ARM_CPSR_F);
    run(r, CODE, 1);
    expect_exception(r, 0x18, ARM_MODE_IRQ, CODE + 4);
    g_assert_true(arm_get_cpsr(r->arm) & ARM_CPSR_A);
    put(r, 0x18, 0xe25ef004); /* subs pc, lr, #4 */
    r->arm->irq_line = false;
    run(r, 0x18, 1);
    g_assert_cmphex(arm_get_pc(r->arm), ==, CODE);
    g_assert_cmphex(arm_get_cpsr(r->arm) & 0xff, ==, ARM_MODE_SVC | ARM_CPSR_F);
    /* the fast one comes first, and has registers of its own */
    mode(r, ARM_MODE_SVC);
    set(r, 8, 8);
    set(r, 13, 13);
    r->arm->irq_line = r->arm->fiq_line = true;
    run(r, CODE, 1);
    expect_exception(r, 0x1c, ARM_MODE_FIQ, CODE + 4);
    g_assert_true(arm_get_cpsr(r->arm) & ARM_CPSR_F);
    g_assert_cmphex(reg(r, 8), !=, 8);
    g_assert_cmphex(reg(r, 13), !=, 13);
    mode(r, SVC_MODE);
    g_assert_cmphex(reg(r, 8), ==, 8);
    g_assert_cmphex(reg(r, 13), ==, 13);
    /* unmasked by an instruction, it is taken behind it: cpsie i; mov r0, #1 */
    r->arm->fiq_line = false;
    PUT(CODE, 0xf1080080, 0xe3a00001);
    set(r, 0, 0);
    run(r, CODE, 2);
    expect_exception(r, 0x18, ARM_MODE_IRQ, CODE + 8);
    g_assert_cmphex(reg(r, 0), ==, 0);
    rig_free(r);
}

static void test_wait(void)
{
    struct rig *r = rig_new("arm926ej-s");
    PUT(CODE, 0xee070f90, 0xe3a00001); /* mcr p15, 0, r0, c7, c0, 4; mov r0, #1 */
    set(r, 0, 0);
    arm_jump(r->arm, CODE);
    g_assert_cmpint(jit_run(&r->arm->jit, 100), ==, JIT_STOP_HALTED);
    g_assert_cmphex(arm_get_pc(r->arm), ==, CODE + 4);
    r->arm->irq_line = true;
    r->arm->jit.halted = false;
    mode(r, ARM_MODE_SVC);
    jit_run(&r->arm->jit, 1);
    expect_exception(r, 0x18, ARM_MODE_IRQ, CODE + 8);
    rig_free(r);
    r = rig_new("cortex-a8");
    PUT(CODE, 0xe320f003, 0xe3a00001); /* wfi */
    arm_jump(r->arm, CODE);
    g_assert_cmpint(jit_run(&r->arm->jit, 100), ==, JIT_STOP_HALTED);
    rig_free(r);
}

/* Vectors that raise the next exception, where nothing is or what is there is undefined: time goes by all the same. */
static void test_double_faults(void)
{
    struct rig *r = rig_new("cortex-a8");
    PUT(CODE, 0xef000000);
    r->arm->vbar = 0x80000000;
    for (unsigned k = 0; k < 2; k++) {
        mode(r, SVC_MODE);
        arm_jump(r->arm, CODE);
        g_assert_cmpint(jit_run(&r->arm->jit, 1000), ==, JIT_STOP_BUDGET);
        expect_exception(r, 0x8000000c, ARM_MODE_ABT, 0x80000010);
    }
    rig_free(r);
    r = rig_new("cortex-a8");
    put(r, 4, 0xe7f000f0);
    put(r, CODE, 0xe7f000f0);
    arm_jump(r->arm, CODE);
    g_assert_cmpint(jit_run(&r->arm->jit, 1000), ==, JIT_STOP_BUDGET);
    expect_exception(r, 4, ARM_MODE_UND, 8);
    rig_free(r);
}

static void test_vectors(void)
{
    struct rig *r = rig_new("cortex-a8");
    PUT(CODE, 0xef000000);
    r->arm->vbar = 0x8000;
    put(r, 0x8008, 0xeafffffe);
    run(r, CODE, 2);
    expect_exception(r, 0x8008, ARM_MODE_SVC, CODE + 4);
    put(r, 0x8000, 0xe1600070); /* smc */
    r->arm->mvbar = 0x9000;
    put(r, 0x9008, 0xeafffffe);
    run(r, 0x8000, 2);
    expect_exception(r, 0x9008, ARM_MODE_MON, 0x8004);
    rig_free(r);
}

/* ------------------------------------------------------------------------------------------- modes */

static void test_banks(void)
{
    struct rig *r = rig_new("arm925t");
    /* msr cpsr_c, #mode; mov sp, #n, in three modes, and back to the first */
    PUT(CODE, 0xe321f0d2, 0xe3a0d012, 0xe321f0d3, 0xe3a0d013, 0xe321f0df, 0xe3a0d01f, 0xe321f0d2, 0xe1a0000d);
    run(r, CODE, 8);
    g_assert_cmphex(reg(r, 0), ==, 0x12);
    g_assert_cmphex(current_mode(r), ==, ARM_MODE_IRQ);
    mode(r, SVC_MODE);
    g_assert_cmphex(reg(r, 13), ==, 0x13);
    /* stmia r0, {r1, r13, r14}^; ldmia r2, {r13, r14}^ */
    PUT(CODE, 0xe8c06002, 0xe8d26000, 0xe1a00000);
    put(r, DATA + 16, 0x77);
    put(r, DATA + 20, 0x88);
    set(r, 0, DATA);
    set(r, 1, 5);
    set(r, 2, DATA + 16);
    run(r, CODE, 3);
    g_assert_cmphex(get(r, DATA), ==, 5);
    g_assert_cmphex(get(r, DATA + 4), ==, 0x1f);
    g_assert_cmphex(reg(r, 13), ==, 0x13);
    mode(r, ARM_MODE_SYS);
    g_assert_cmphex(reg(r, 13), ==, 0x77);
    g_assert_cmphex(reg(r, 14), ==, 0x88);
    /* ldmia r0, {r1, pc}^ goes where the SPSR says */
    mode(r, SVC_MODE);
    *arm_spsr(r->arm) = ARM_MODE_USR | ARM_CPSR_T | ARM_CPSR_Z;
    PUT(CODE, 0xe8d08002);
    PUT(DATA, 1, CODE + 0x100);
    PUT(CODE + 0x100, 0x22072207); /* movs r2, #7 twice */
    run(r, CODE, 2);
    g_assert_cmphex(arm_get_cpsr(r->arm), ==, ARM_MODE_USR | ARM_CPSR_T);
    g_assert_cmphex(reg(r, 1), ==, 1);
    g_assert_cmphex(reg(r, 2), ==, 7);
    rig_free(r);
}

/* User registers from FIQ mode, and what a program may write of the CPSR. */
static void test_user_state(void)
{
    struct rig *r = rig_new("arm1136jf-s");
    for (unsigned k = 8; k < 13; k++)
        set(r, k, k);
    mode(r, ARM_MODE_FIQ | ARM_CPSR_I | ARM_CPSR_F);
    for (unsigned k = 8; k < 13; k++)
        set(r, k, 0x100 + k);
    PUT(CODE, 0xe8c01f00, 0xe8d11f00, 0xe1a00000); /* stmia r0, {r8-r12}^; ldmia r1, {r8-r12}^ */
    set(r, 0, DATA);
    set(r, 1, DATA + 32);
    PUT(DATA + 32, 28, 29, 30, 31, 32);
    run(r, CODE, 3);
    for (unsigned k = 8; k < 13; k++) {
        g_assert_cmphex(get(r, DATA + 4 * (k - 8)), ==, k);
        g_assert_cmphex(reg(r, k), ==, 0x100 + k);
    }
    mode(r, SVC_MODE);
    for (unsigned k = 8; k < 13; k++)
        g_assert_cmphex(reg(r, k), ==, 20 + k);
    PUT(CODE, 0xe12ff000, 0xe1a00000); /* msr cpsr_fsxc, r0: flags, GE and E in user mode */
    mode(r, ARM_MODE_USR | ARM_CPSR_Z);
    set(r, 0, ~(uint32_t)(ARM_CPSR_MODE | ARM_CPSR_Z));
    run(r, CODE, 2);
    g_assert_cmphex(arm_get_cpsr(r->arm), ==,
                    (ARM_CPSR_NZCV & ~ARM_CPSR_Z) | ARM_CPSR_Q | ARM_CPSR_GE | ARM_CPSR_E | ARM_MODE_USR);
    rig_free(r);
    r = rig_new("arm926ej-s"); /* v5 has neither E nor GE nor A */
    PUT(CODE, 0xe12ff000, 0xe1a00000);
    set(r, 0, ~(uint32_t)ARM_CPSR_MODE | ARM_MODE_SYS);
    run(r, CODE, 2);
    g_assert_cmphex(arm_get_cpsr(r->arm), ==, ARM_CPSR_NZCV | ARM_CPSR_Q | ARM_CPSR_I | ARM_CPSR_F | ARM_MODE_SYS);
    rig_free(r);
}

/* SRS and RFE in each of their forms. */
static void test_return_state(void)
{
    static const struct {
        bool thumb;
        uint32_t srs, rfe; /* both with write back; of Thumb the halfwords as memory has them */
        int32_t offset, moved;
    } forms[] = {
        {false, 0xf8ed0513, 0xf8b40a00, 0, 8},   /* increment after, */
        {false, 0xf9ed0513, 0xf9b40a00, 4, 8},   /* before, */
        {false, 0xf86d0513, 0xf8340a00, -4, -8}, /* decrement after, */
        {false, 0xf96d0513, 0xf9340a00, -8, -8}, /* before */
        {true, 0xc013e9ad, 0xc000e9b4, 0, 8},
        {true, 0xc013e82d, 0xc000e834, -8, -8},
    };
    for (unsigned k = 0; k < G_N_ELEMENTS(forms); k++) {
        struct rig *r = rig_new("cortex-a8");
        uint32_t base = DATA + 64, t = forms[k].thumb ? ARM_CPSR_T : 0;
        PUT(CODE, forms[k].srs, forms[k].rfe);
        PUT(CODE + 0x200, 0xe1a00000);
        mode(r, SVC_MODE | t);
        set(r, 4, base);
        set(r, 13, base);
        set(r, 14, CODE + 0x200);
        *arm_spsr(r->arm) = ARM_MODE_SYS | ARM_CPSR_V;
        run(r, CODE | forms[k].thumb, 1);
        g_assert_cmphex(get(r, base + (uint32_t)forms[k].offset), ==, CODE + 0x200);
        g_assert_cmphex(get(r, base + (uint32_t)forms[k].offset + 4), ==, ARM_MODE_SYS | ARM_CPSR_V);
        g_assert_cmphex(reg(r, 13), ==, base + (uint32_t)forms[k].moved);
        jit_run(&r->arm->jit, 1);
        g_assert_cmphex(arm_get_pc(r->arm), ==, CODE + 0x200);
        g_assert_cmphex(arm_get_cpsr(r->arm), ==, ARM_MODE_SYS | ARM_CPSR_V);
        g_assert_cmphex(reg(r, 4), ==, base + (uint32_t)forms[k].moved);
        rig_free(r);
    }
}

static void test_v6_control(void)
{
    struct rig *r = rig_new("arm1136jf-s");
    /* cpsid if, #0x1f; mov r0, #1; cpsie i, #0x13; cpsid a */
    PUT(CODE, 0xf10e00df, 0xe3a00001, 0xf10a0093, 0xf10c0100);
    mode(r, ARM_MODE_SVC);
    run(r, CODE, 2);
    g_assert_cmphex(arm_get_cpsr(r->arm) & 0x1ff, ==, ARM_MODE_SYS | ARM_CPSR_I | ARM_CPSR_F);
    jit_run(&r->arm->jit, 2);
    g_assert_cmphex(arm_get_cpsr(r->arm) & 0x1ff, ==, ARM_MODE_SVC | ARM_CPSR_F | ARM_CPSR_A);
    /* srsdb sp!, #0x13; rfeia sp! */
    PUT(CODE, 0xf96d0513, 0xf8bd0a00);
    PUT(CODE + 0x200, 0x22072207);
    set(r, 13, DATA + 64);
    set(r, 14, CODE + 0x200);
    *arm_spsr(r->arm) = ARM_MODE_SYS | ARM_CPSR_T | ARM_CPSR_C;
    run(r, CODE, 1);
    g_assert_cmphex(reg(r, 13), ==, DATA + 56);
    g_assert_cmphex(get(r, DATA + 56), ==, CODE + 0x200);
    g_assert_cmphex(get(r, DATA + 60), ==, ARM_MODE_SYS | ARM_CPSR_T | ARM_CPSR_C);
    jit_run(&r->arm->jit, 2);
    g_assert_cmphex(arm_get_cpsr(r->arm), ==, ARM_MODE_SYS | ARM_CPSR_T | ARM_CPSR_C);
    g_assert_cmphex(arm_get_pc(r->arm), ==, CODE + 0x202);
    mode(r, SVC_MODE);
    g_assert_cmphex(reg(r, 13), ==, DATA + 64);
    /* in user mode: CPS does nothing, MSR sets flags only, the rest is undefined */
    PUT(CODE, 0xf10e00df, 0xe329f0d3); /* cpsid; msr cpsr_cf, #0xd3 */
    mode(r, ARM_MODE_USR | ARM_CPSR_N);
    run(r, CODE, 2);
    g_assert_cmphex(arm_get_cpsr(r->arm), ==, ARM_MODE_USR);
    PUT(CODE, 0xee112f10); /* mrc p15, 0, r2, c1, c0, 0 */
    run(r, CODE, 2);
    expect_exception(r, 0x04, ARM_MODE_UND, CODE + 4);
    rig_free(r);
}

/* Which accesses may be unaligned, and what the others do: 0100I table A2-10, 0406C table A3-1. */
static void test_alignment(void)
{
    enum { WORD = 0xe5902000, HALF = 0xe1d020b0, DOUBLE = 0xe1c020d0, SEVERAL = 0xe890000c, SWAP = 0xe1002091,
           SIGNED = 0xe1d020f0 };
    enum { FAULT = 1, ROTATED, IGNORED, EXACT };
    static const struct {
        const char *model;
        uint32_t set, clear; /* of SCTLR */
        uint32_t word, offset;
        unsigned result;
    } rows[] = {
        {"arm925t", 0, ARM_SCTLR_A, WORD, 1, ROTATED},
        {"arm925t", 0, ARM_SCTLR_A, SEVERAL, 2, IGNORED},
        {"arm925t", ARM_SCTLR_A, 0, WORD, 1, FAULT},
        {"arm925t", ARM_SCTLR_A, 0, HALF, 1, FAULT},
        {"arm926ej-s", ARM_SCTLR_A, 0, DOUBLE, 4, FAULT},
        {"arm926ej-s", ARM_SCTLR_A, 0, SEVERAL, 2, FAULT},
        {"arm926ej-s", 0, ARM_SCTLR_A, SWAP, 3, ROTATED},
        {"arm1136jf-s", 0, ARM_SCTLR_U, WORD, 3, ROTATED},
        {"arm1136jf-s", 0, ARM_SCTLR_U, SEVERAL, 3, IGNORED},
        {"arm1136jf-s", ARM_SCTLR_U, 0, WORD, 3, EXACT},
        {"arm1136jf-s", ARM_SCTLR_U, 0, HALF, 1, EXACT},
        {"arm1136jf-s", ARM_SCTLR_U, 0, SIGNED, 3, EXACT},
        {"arm1136jf-s", ARM_SCTLR_U, 0, SEVERAL, 2, FAULT},
        {"arm1136jf-s", ARM_SCTLR_U, 0, DOUBLE, 4, EXACT},
        {"arm1136jf-s", ARM_SCTLR_U, 0, DOUBLE, 2, FAULT},
        {"arm1136jf-s", ARM_SCTLR_U, 0, SWAP, 2, FAULT},
        {"arm1136jf-s", ARM_SCTLR_U | ARM_SCTLR_A, 0, WORD, 2, FAULT},
        {"arm1136jf-s", ARM_SCTLR_U | ARM_SCTLR_A, 0, HALF, 1, FAULT},
        {"arm1136jf-s", ARM_SCTLR_U | ARM_SCTLR_A, 0, DOUBLE, 4, FAULT},
        {"cortex-a8", 0, ARM_SCTLR_A, WORD, 1, EXACT},
        {"cortex-a8", 0, ARM_SCTLR_A, DOUBLE, 4, EXACT},
        {"cortex-a8", 0, ARM_SCTLR_A, SEVERAL, 1, FAULT},
        {"cortex-a8", ARM_SCTLR_A, 0, DOUBLE, 4, EXACT},
        {"cortex-a8", ARM_SCTLR_A, 0, WORD, 1, FAULT},
    };
    static const uint8_t bytes[16] = {0x10, 0x91, 0x12, 0x93, 0x14, 0x95, 0x16, 0x97, 0x18, 0x99, 0x1a, 0x9b, 0x1c, 0x9d};
    for (unsigned k = 0; k < G_N_ELEMENTS(rows); k++) {
        struct rig *r = rig_new(rows[k].model);
        uint32_t offset = rows[k].offset, half = rows[k].word == HALF || rows[k].word == SIGNED, words[4];
        r->arm->sctlr = (r->arm->sctlr | rows[k].set) & ~rows[k].clear;
        arm_update_mode(r->arm);
        dma_write(r->bus, DATA, bytes, 16);
        memcpy(words, bytes, 16);
        PUT(CODE, rows[k].word, 0xe1a00000);
        set(r, 0, DATA + offset);
        set(r, 2, 77);
        run(r, CODE, 2);
        g_test_message("%s %08x + %u", rows[k].model, rows[k].word, offset);
        if (rows[k].result == FAULT) {
            expect_exception(r, 0x10, ARM_MODE_ABT, CODE + 8);
            g_assert_cmphex(r->arm->dfsr & 0xf, ==, 1);
            g_assert_cmphex(r->arm->dfar, ==, DATA + offset);
            g_assert_cmphex(reg(r, 2), ==, 77);
            rig_free(r);
            continue;
        }
        uint32_t wanted, at = rows[k].result == EXACT ? offset : 0;
        memcpy(&wanted, bytes + at, 4);
        if (half)
            wanted = rows[k].word == SIGNED ? (uint32_t)(int16_t)wanted : wanted & 0xffff;
        if (rows[k].result == ROTATED)
            wanted = words[0] >> 8 * offset | words[0] << (32 - 8 * offset);
        g_assert_cmphex(reg(r, 2), ==, wanted);
        if (rows[k].word == SEVERAL || rows[k].word == DOUBLE) {
            memcpy(&wanted, bytes + at + 4, 4);
            g_assert_cmphex(reg(r, 3), ==, wanted);
        }
        rig_free(r);
    }
    struct rig *r = rig_new("arm1136jf-s"); /* what is done as if in user mode is checked, too: ldrt */
    r->arm->sctlr |= ARM_SCTLR_A | ARM_SCTLR_U;
    arm_update_mode(r->arm);
    PUT(CODE, 0xe4b02000, 0xe1a00000);
    set(r, 0, DATA + 2);
    run(r, CODE, 2);
    expect_exception(r, 0x10, ARM_MODE_ABT, CODE + 8);
    g_assert_cmphex(status(r), ==, 1);
    rig_free(r);
    /* ldmia r0, {r13, r14}^ ignores the low bits, too */
    r = rig_new("arm926ej-s");
    PUT(DATA, 0x11, 0x22);
    PUT(CODE, 0xe8d06000, 0xe1a00000);
    set(r, 0, DATA + 3);
    run(r, CODE, 2);
    mode(r, ARM_MODE_SYS);
    g_assert_cmphex(reg(r, 13), ==, 0x11);
    g_assert_cmphex(reg(r, 14), ==, 0x22);
    rig_free(r);
}

/* SETEND changes E alone, at once, and what is done as if in user mode and for exceptions follows it. */
static void test_setend(void)
{
    struct rig *r = rig_new("arm1136jf-s");
    r->arm->sctlr |= ARM_SCTLR_U;
    arm_update_mode(r->arm);
    /* setend be; ldr r2, [r0]; ldrt r3, [r0], #0; ldrh r4, [r0, #1]; setend le; ldr r5, [r0] */
    PUT(CODE, 0xf1010200, 0xe5902000, 0xe4b03000, 0xe1d040b1, 0xf1010000, 0xe5905000);
    put(r, DATA, 0x44332211);
    set(r, 0, DATA);
    mode(r, SVC_MODE | ARM_CPSR_Q | ARM_CPSR_C);
    run(r, CODE, 4);
    g_assert_cmphex(arm_get_cpsr(r->arm), ==, SVC_MODE | ARM_CPSR_Q | ARM_CPSR_C | ARM_CPSR_E);
    jit_run(&r->arm->jit, 2);
    g_assert_cmphex(arm_get_cpsr(r->arm), ==, SVC_MODE | ARM_CPSR_Q | ARM_CPSR_C);
    g_assert_cmphex(reg(r, 2), ==, 0x11223344);
    g_assert_cmphex(reg(r, 3), ==, 0x11223344);
    g_assert_cmphex(reg(r, 4), ==, 0x2233);
    g_assert_cmphex(reg(r, 5), ==, 0x44332211);
    /* srsdb sp!, #0x13; rfeia sp! with big-endian data */
    PUT(CODE, 0xf96d0513, 0xf8bd0a00);
    set(r, 13, DATA + 64);
    set(r, 14, CODE + 0x200);
    *arm_spsr(r->arm) = ARM_MODE_SYS | ARM_CPSR_N;
    mode(r, SVC_MODE | ARM_CPSR_E);
    put(r, CODE + 0x200, 0xe1a00000);
    run(r, CODE, 1);
    g_assert_cmphex(get(r, DATA + 56), ==, GUINT32_SWAP_LE_BE(CODE + 0x200));
    g_assert_cmphex(get(r, DATA + 60), ==, GUINT32_SWAP_LE_BE(ARM_MODE_SYS | ARM_CPSR_N));
    jit_run(&r->arm->jit, 2);
    g_assert_cmphex(arm_get_cpsr(r->arm), ==, ARM_MODE_SYS | ARM_CPSR_N);
    g_assert_cmphex(arm_get_pc(r->arm), ==, CODE + 0x204);
    rig_free(r);
    /* what is WFI since v6K is an MSR without fields before */
    r = rig_new("arm1136jf-s");
    PUT(CODE, 0xe320f003, 0xe3a00001);
    run(r, CODE, 2);
    g_assert_cmphex(reg(r, 0), ==, 1);
    rig_free(r);
}

/* VFP is there when CPACR allows it, its arithmetic when FPEXC.EN is set, too (0406C B1.11.3). */
static void test_vfp_access(void)
{
    static const char *const models[] = {"arm926ej-s", "arm1136jf-s", "cortex-a8"};
    enum { FPSID = 0xeef00a10, FPEXC = 0xeef80a10, SET_FPEXC = 0xeee82a10, FPSCR = 0xeef10a10, ADD = 0xee300a00 };
    for (unsigned m = 0; m < G_N_ELEMENTS(models); m++)
        for (unsigned access = 0; access < 4; access++)
            for (unsigned user = 0; user < 2; user++) {
                struct rig *r = rig_new(models[m]);
                bool old = !(r->arm->model->features & ARM_V6);
                bool allowed = old || access == 3 || (access == 1 && !user);
                uint32_t value = access * 5u << 20;
                if (access == 2 || (old && access)) { /* reserved; there is none */
                    rig_free(r);
                    continue;
                }
                PUT(CODE, 0xee012f50, 0xe1a00000, SET_FPEXC, 0xe1a00000); /* CPACR = r2; FPEXC = r2 */
                set(r, 2, value);
                if (!old)
                    run(r, CODE, 1);
                if (old || access) {
                    set(r, 2, 0x40000000);
                    run(r, CODE + 8, 1);
                }
                static const uint32_t words[] = {FPSID, FPEXC, FPSCR, ADD, SET_FPEXC};
                for (unsigned k = 0; k < G_N_ELEMENTS(words); k++) {
                    bool system = k < 2 || k == 4;
                    PUT(CODE, words[k], 0xe3a03001);
                    mode(r, user ? ARM_MODE_USR : SVC_MODE);
                    set(r, 2, 0x40000000);
                    set(r, 3, 0);
                    run(r, CODE, 2);
                    g_test_message("%s access %u user %u %08x", models[m], access, user, words[k]);
                    if (allowed && !(system && user))
                        g_assert_cmphex(reg(r, 3), ==, 1);
                    else
                        expect_exception(r, 0x04, ARM_MODE_UND, CODE + 4);
                    if (k == 0 && reg(r, 3))
                        g_assert_cmphex(reg(r, 0), ==, r->arm->model->fpsid);
                    if (k == 1 && reg(r, 3))
                        g_assert_cmphex(reg(r, 0), ==, 0x40000000);
                }
                if (allowed && !user) { /* off */
                    PUT(CODE, SET_FPEXC, ADD);
                    mode(r, SVC_MODE);
                    set(r, 2, 0);
                    run(r, CODE, 2);
                    expect_exception(r, 0x04, ARM_MODE_UND, CODE + 8);
                }
                rig_free(r);
            }
}

static void test_exclusive(void)
{
    struct rig *r = rig_new("cortex-a8");
    PUT(CODE, 0xe1902f9f, 0xe2822001, 0xe1803f92, 0xf57ff01f,
        0xe1804f92); /* ldrex, add, strex, clrex, strex */
    put(r, DATA, 41);
    set(r, 0, DATA);
    run(r, CODE, 5);
    g_assert_cmphex(get(r, DATA), ==, 42);
    g_assert_cmphex(reg(r, 3), ==, 0);
    g_assert_cmphex(reg(r, 4), ==, 1);
    set(r, 0, DATA + 1);
    run(r, CODE, 2);
    expect_exception(r, 0x10, ARM_MODE_ABT, CODE + 8);
    g_assert_cmphex(status(r), ==, 1);
    /* it is lost by an exception, and it is of one size: ldrex r2, [r0]; svc 0; strex r3, r2, [r0]; ldrex; strexb r4 */
    put(r, 8, 0xe1b0f00e);
    PUT(CODE, 0xe1902f9f, 0xef000000, 0xe1803f92, 0xe1902f9f, 0xe1c04f92);
    mode(r, ARM_MODE_SYS);
    set(r, 0, DATA);
    run(r, CODE, 6);
    g_assert_cmphex(reg(r, 3), ==, 1);
    g_assert_cmphex(reg(r, 4), ==, 1);
    g_assert_cmphex(get(r, DATA), ==, 42);
    rig_free(r);
}

/* What saturates in vectors stays noted until FPSCR is written. */
static void test_saturation_flag(void)
{
    struct rig *r = rig_new("cortex-a8");
    r->arm->cpacr = 0x00f00000;
    r->arm->fpexc = 0x40000000;
    arm_update_mode(r->arm);
    /* vmov d1, r0, r0; vqadd.s8 d0, d1, d1; vmrs r1, fpscr; vmsr fpscr, r2; vmrs r3, fpscr */
    PUT(CODE, 0xec400b11, 0xf2010011, 0xeef11a10, 0xeee12a10, 0xeef13a10);
    set(r, 0, 0x7f7f7f7f);
    set(r, 2, 0);
    run(r, CODE, 5);
    g_assert_cmphex(reg(r, 1), ==, 1u << 27);
    g_assert_cmphex(reg(r, 3), ==, 0);
    rig_free(r);
}

static void test_self_modifying(void)
{
    struct rig *r = rig_new("arm1136jf-s");
    /* mov r0, #1 is overwritten by mov r0, #2 on each second turn: str r2, [r1]; nop; (mov r0, #1); bx lr */
    PUT(CODE, 0xe5812000, 0xe1a00000, 0xe3a00001, 0xeafffffe);
    set(r, 1, CODE + 8);
    for (unsigned k = 0; k < 6; k++) {
        set(r, 2, 0xe3a00000 | k);
        run(r, CODE, 4);
        g_assert_cmphex(reg(r, 0), ==, k);
    }
    rig_free(r);
}

static const struct tier_test tests[] = {
    {"svc", test_svc},
    {"byte-order-of-handlers", test_byte_order_of_handlers},
    {"thumb", test_thumb},
    {"abort", test_abort},
    {"interrupts", test_interrupts},
    {"wait", test_wait},
    {"double-faults", test_double_faults},
    {"vectors", test_vectors},
    {"banks", test_banks},
    {"user-state", test_user_state},
    {"return-state", test_return_state},
    {"v6-control", test_v6_control},
    {"alignment", test_alignment},
    {"setend", test_setend},
    {"vfp-access", test_vfp_access},
    {"exclusive", test_exclusive},
    {"saturation-flag", test_saturation_flag},
    {"self-modifying", test_self_modifying},
};

int main(int argc, char **argv)
{
    return run_in_tiers(argc, argv, "/arm/system", tests, G_N_ELEMENTS(tests));
}
