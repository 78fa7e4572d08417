/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/cpu/arm_rig.h"

struct rig *rig_new(const char *model_id)
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

void rig_free(struct rig *r)
{
    arm_cpu_finish(r->arm);
    g_free(r->arm);
    rig_destroy(r);
}

void mode(struct rig *r, uint32_t cpsr)
{
    arm_set_cpsr(r->arm, cpsr);
}

uint32_t reg(struct rig *r, unsigned n)
{
    return arm_get_reg(r->arm, n);
}

void set(struct rig *r, unsigned n, uint32_t value)
{
    arm_set_reg(r->arm, n, value);
}

void run(struct rig *r, uint32_t pc, unsigned insns)
{
    arm_jump(r->arm, pc);
    jit_run(&r->arm->jit, insns);
}

uint32_t current_mode(struct rig *r)
{
    return arm_get_cpsr(r->arm) & ARM_CPSR_MODE;
}

void expect_exception(struct rig *r, uint32_t vector, uint32_t in_mode, uint32_t link)
{
    g_assert_cmphex(arm_get_pc(r->arm), ==, vector);
    g_assert_cmphex(current_mode(r), ==, in_mode);
    g_assert_cmphex(reg(r, 14), ==, link);
    g_assert_true(arm_get_cpsr(r->arm) & ARM_CPSR_I);
}

void mmu_on(struct rig *r, uint32_t sctlr)
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

bool touch(struct rig *r, uint32_t word, uint32_t address, uint32_t value)
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

unsigned status(struct rig *r)
{
    return r->arm->dfsr & 0x40f;
}
