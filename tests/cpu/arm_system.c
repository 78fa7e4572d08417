/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ARM processors in system mode on a bus of their own: exceptions, banked registers, CP15 and the MMUs of v5,
 * v6 and v7, in the interpreter and in both tiers.
 */
#include <string.h>

#include "emulator/cpu/arm/internal.h"
#include "tests/cpu/rig.h"

#define CODE     0x4000u
#define DATA     0x20000u
#define TABLE    0x100000u /* first level */
#define COARSE   0x110000u
#define FINE     0x120000u
#define SVC_MODE (ARM_MODE_SVC | ARM_CPSR_I | ARM_CPSR_F | ARM_CPSR_A)

static struct rig *rig_new(const char *model_id)
{
    const struct arm_model *model = arm_find_model(model_id);
    struct rig *r = rig_create(BUS_LITTLE_ENDIAN, arm_model_guest(model), true);
    r->arm = g_new0(struct arm_cpu, 1);
    r->arm->bus = r->bus;
    arm_cpu_init(r->arm, r->jit, model, false);
    /* every vector is a branch to itself */
    for (unsigned v = 0; v < 32; v += 4)
        put(r, v, 0xeafffffe);
    return r;
}

static void rig_free(struct rig *r)
{
    arm_cpu_finish(r->arm);
    g_free(r->arm);
    rig_destroy(r);
}

static void mode(struct rig *r, uint32_t cpsr)
{
    arm_set_cpsr(r->arm, cpsr);
}

static uint32_t reg(struct rig *r, unsigned n)
{
    return arm_get_reg(r->arm, n);
}

static void set(struct rig *r, unsigned n, uint32_t value)
{
    arm_set_reg(r->arm, n, value);
}

static void run(struct rig *r, uint32_t pc, unsigned insns)
{
    arm_jump(r->arm, pc);
    jit_run(&r->arm->jit, insns);
}

static uint32_t current_mode(struct rig *r)
{
    return arm_get_cpsr(r->arm) & ARM_CPSR_MODE;
}

static void expect_exception(struct rig *r, uint32_t vector, uint32_t in_mode, uint32_t link)
{
    g_assert_cmphex(arm_get_pc(r->arm), ==, vector);
    g_assert_cmphex(current_mode(r), ==, in_mode);
    g_assert_cmphex(reg(r, 14), ==, link);
    g_assert_true(arm_get_cpsr(r->arm) & ARM_CPSR_I);
}

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

/* ------------------------------------------------------------------------------------------- MMU */

/* All of RAM where it is, domain 0, privileged only; domains: 0 client, 1 none, 2 manager. */
static void mmu_on(struct rig *r, uint32_t sctlr)
{
    bool modern =
        r->arm->model->mmu != ARM_MMU_V5 && (sctlr & ARM_SCTLR_XP || r->arm->model->mmu == ARM_MMU_V7);
    for (unsigned k = 0; k < 4096; k++)
        put(r, TABLE + 4 * k, 0);
    for (unsigned k = 0; k < RAM_SIZE >> 20; k++)
        put(r, TABLE + 4 * k, k << 20 | 1u << 10 | (modern ? 0 : 0x10) | 2);
    put(r, TABLE + 4 * 0x100, COARSE | 0x11); /* 0x10000000: pages, domain 0 */
    put(r, TABLE + 4 * 0x101, 0x00200000 | 3u << 10 | 1u << 5 | (modern ? 0 : 0x10) | 2); /* no access */
    put(r, TABLE + 4 * 0x102, 0x00200000 | 0u << 10 | 2u << 5 | (modern ? 0 : 0x10) | 2); /* manager */
    r->arm->sctlr |= sctlr;
    arm_update_mode(r->arm);
    /* TTBR, DACR, SCTLR.M */
    PUT(CODE, 0xee020f10, 0xee031f10, 0xee112f10, 0xe3822001, 0xee012f10, 0xe1a00000);
    set(r, 0, TABLE);
    set(r, 1, 1u | 3u << 4);
    run(r, CODE, 6);
    g_assert_true(r->arm->sctlr & ARM_SCTLR_M);
    g_assert_cmphex(arm_get_pc(r->arm), ==, CODE + 24);
}

/* A load or store at `address`; true when it was done, else it faulted as a data abort. */
static bool touch(struct rig *r, uint32_t word, uint32_t address, uint32_t value)
{
    PUT(CODE + 0x40, word, 0xe3a03001);
    mode(r, SVC_MODE);
    set(r, 0, address);
    set(r, 2, value);
    set(r, 3, 0);
    run(r, CODE + 0x40, 2);
    if (reg(r, 3) == 1)
        return true;
    expect_exception(r, 0x10, ARM_MODE_ABT, CODE + 0x48);
    g_assert_cmphex(r->arm->dfar, ==, address);
    return false;
}

enum { LOAD = 0xe5902000, STORE = 0xe5802000, LOAD_USER = 0xe4b02000, STORE_USER = 0xe4a02000 };

static unsigned status(struct rig *r)
{
    return r->arm->dfsr & 0x40f;
}

static void test_mmu_v5(void)
{
    struct rig *r = rig_new("arm926ej-s");
    put(r, COARSE + 0, 0x00210000 | 0x0ff0 | 2);  /* small, everybody */
    put(r, COARSE + 4, 0x00211000 | 0x0aa0 | 2);  /* small, user reads */
    put(r, COARSE + 8, 0x00212000 | 0x0550 | 2);  /* small, privileged */
    put(r, COARSE + 12, 0x00213000 | 0x0d50 | 2); /* quarters: privileged, the last everybody */
    for (unsigned k = 16; k < 32; k++)
        put(r, COARSE + 4 * k, 0x00220000 | 0x0ff0 | 1); /* large */
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
        g_assert_true(touch(r, STORE, 0x10300004, 0x55));
        g_assert_cmphex(get(r, 0x00230404), ==, 0x55);
        g_assert_false(touch(r, LOAD, 0x10300404, 0));
        g_assert_cmphex(status(r), ==, 7);
        g_assert_false(touch(r, LOAD, 0x10004000, 0)); /* no page */
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
    {"vectors", test_vectors},
    {"banks", test_banks},
    {"v6-control", test_v6_control},
    {"identification", test_identification},
    {"mmu-v5", test_mmu_v5},
    {"mmu-v6", test_mmu_v6},
    {"asid", test_asid},
    {"across-pages", test_across_pages},
    {"exclusive", test_exclusive},
    {"self-modifying", test_self_modifying},
};

int main(int argc, char **argv)
{
    return run_in_tiers(argc, argv, "/arm/system", tests, G_N_ELEMENTS(tests));
}
