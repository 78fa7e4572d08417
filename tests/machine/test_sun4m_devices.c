/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small chips of the sun4m board at register level: interrupts, counters, NVRAM, configuration channel. */
#include "emulator/core/machine_private.h"
#include "tests/machine/sun4m_chips.h"

static void test_interrupt_controller(void)
{
    struct board *b = board_new();
    g_assert_cmphex(rd(b, SYS_IC + 4, 4), ==, 0x7fffffff); /* every source masked after reset */
    irq_raise(&b->intc->inputs[SLAVIO_IRQ_ETHERNET]);
    g_assert_cmpuint(b->level, ==, 0);
    g_assert_cmphex(rd(b, SYS_IC, 4), ==, 0x00010000);
    wr(b, SYS_IC + 8, 4, 0x80010000);
    g_assert_cmpuint(b->level, ==, 6);
    g_assert_cmphex(rd(b, CPU_IC, 4), ==, 1 << 6);
    wr(b, CPU_IC + 8, 4, 1u << (16 + 9)); /* software interrupt 9 */
    g_assert_cmpuint(b->level, ==, 9);
    wr(b, CPU_IC + 4, 4, 1u << (16 + 9));
    g_assert_cmpuint(b->level, ==, 6);
    wr(b, SYS_IC + 0x10, 4, 1); /* to the other processor */
    g_assert_cmpuint(b->level, ==, 0);
    g_assert_cmphex(rd(b, CPU_IC + 0x1000, 4), ==, 1 << 6);
    wr(b, SYS_IC + 0x10, 4, 0);
    wr(b, SYS_IC + 0xc, 4, 0x00010000);
    g_assert_cmpuint(b->level, ==, 0);
    irq_raise(&b->intc->inputs[SLAVIO_IRQ_SBUS1 + 6]);
    wr(b, SYS_IC + 8, 4, 1 << 13);
    g_assert_cmpuint(b->level, ==, 13);
    static const uint8_t levels[] = {2, 3, 5, 7, 9, 11, 13};
    irq_lower(&b->intc->inputs[SLAVIO_IRQ_SBUS1 + 6]);
    for (unsigned i = 0; i < 7; i++) {
        wr(b, SYS_IC + 8, 4, 1u << (7 + i));
        irq_raise(&b->intc->inputs[SLAVIO_IRQ_SBUS1 + i]);
        g_assert_cmpuint(b->level, ==, levels[i]);
        irq_lower(&b->intc->inputs[SLAVIO_IRQ_SBUS1 + i]);
    }
    /* NCR89C105, "Interrupt Controller": the sources on the board */
    static const uint8_t onboard[][2] = {
        {SLAVIO_IRQ_SCSI, 4},   {SLAVIO_IRQ_ETHERNET, 6}, {SLAVIO_IRQ_VIDEO, 8},   {SLAVIO_IRQ_MODULE, 9}, {SLAVIO_IRQ_TIMER, 10},
        {SLAVIO_IRQ_FLOPPY, 11}, {SLAVIO_IRQ_KBDMS, 12},  {SLAVIO_IRQ_SERIAL, 12}, {SLAVIO_IRQ_AUDIO, 13}};
    for (unsigned i = 0; i < G_N_ELEMENTS(onboard); i++) {
        wr(b, SYS_IC + 8, 4, 1u << onboard[i][0]);
        irq_raise(&b->intc->inputs[onboard[i][0]]);
        g_assert_cmpuint(b->level, ==, onboard[i][1]);
        irq_lower(&b->intc->inputs[onboard[i][0]]);
        g_assert_cmpuint(b->level, ==, 0);
    }
    board_free(b);
}

static void test_counters(void)
{
    struct board *b = board_new();
    wr(b, SYS_IC + 8, 4, 0x80080000);
    wr(b, SYS_CT, 4, 20000 << 9); /* 10 ms */
    run_ns(b, 5 * NS_PER_MS);
    g_assert_cmphex(rd(b, SYS_CT + 4, 4), ==, (10000 + 1) << 9);
    g_assert_cmpuint(b->level, ==, 0);
    run_ns(b, 5 * NS_PER_MS);
    g_assert_cmpuint(b->level, ==, 10);
    g_assert_cmphex(rd(b, SYS_CT + 4, 4) & 0x80000000, ==, 0x80000000);
    g_assert_cmphex(rd(b, SYS_CT, 4), ==, 0x80000000 | 20000 << 9); /* reading acknowledges */
    g_assert_cmpuint(b->level, ==, 0);
    g_assert_cmphex(rd(b, SYS_CT, 4), ==, 20000 << 9);
    for (unsigned i = 0; i < 7; i++) {
        run_ns(b, 10 * NS_PER_MS);
        g_assert_cmpuint(b->level, ==, 10);
        rd(b, SYS_CT, 4);
    }
    /* Another limit without starting anew: 8 ms from the last start, 5 of which have passed. */
    wr(b, SYS_CT, 4, 20000 << 9);
    run_ns(b, 5 * NS_PER_MS);
    wr(b, SYS_CT + 8, 4, 16000 << 9);
    g_assert_cmphex(rd(b, SYS_CT + 4, 4), ==, (10000 + 1) << 9);
    run_ns(b, 3 * NS_PER_MS - 1000);
    g_assert_cmpuint(b->level, ==, 0);
    run_ns(b, 1000);
    g_assert_cmpuint(b->level, ==, 10);
    wr(b, SYS_CT, 4, 0); /* runs through without interrupts */
    wr(b, CPU_CT, 4, 200 << 9);
    run_ns(b, 100 * NS_PER_US);
    g_assert_cmpuint(b->level, ==, 14);
    g_assert_cmphex(rd(b, CPU_IC, 4) & 1 << 14, ==, 1 << 14);
    rd(b, CPU_CT, 4);
    g_assert_cmpuint(b->level, ==, 0);
    /* As user timer: no interrupts, start and stop */
    wr(b, SYS_CT + 0x10, 4, 1);
    wr(b, CPU_CT, 4, 0);
    wr(b, CPU_CT + 4, 4, 0);
    run_ns(b, NS_PER_MS);
    g_assert_cmphex(rd(b, CPU_CT + 4, 4), ==, 2000 << 9);
    wr(b, CPU_CT + 0xc, 4, 0);
    run_ns(b, NS_PER_MS);
    g_assert_cmphex(rd(b, CPU_CT + 4, 4), ==, 2000 << 9);
    wr(b, CPU_CT + 0xc, 4, 1);
    run_ns(b, NS_PER_MS);
    g_assert_cmphex(rd(b, CPU_CT + 4, 4), ==, 4000 << 9);
    board_free(b);
}

/* What a guest takes for the time: the ticks that it acknowledged, and the counter. */
static uint64_t guest_time(struct board *b, uint64_t ticks)
{
    uint32_t counter = rd(b, SYS_CT + 4, 4);
    return (ticks + (counter >> 31)) * 20000 + ((counter & 0x7fffffff) >> 9) - 1;
}

/* A busy host looks at its events late, and at several at once: the guest's time stands, and never goes back. */
static void test_late_ticks(void)
{
    struct board *b = board_new();
    g_autoptr(GRand) random = g_rand_new_with_seed(3);
    uint64_t ticks = 0, last = 0;
    wr(b, SYS_CT, 4, 20000 << 9); /* 10 ms */
    for (unsigned i = 0; i < 20000; i++) {
        int64_t step = g_rand_int_range(random, 0, 4) ? g_rand_int_range(random, 0, 3000000) : 35 * NS_PER_MS;
        clock_skip_to(b->machine->clock, clock_now(b->machine->clock) + step);
        for (unsigned look = 0; look < 3; look++) {
            uint64_t now = guest_time(b, ticks);
            g_assert_cmpuint(now, >=, last);
            last = now;
            if (look == 0)
                clock_run_due(b->machine->clock);
            else if (look == 1 && rd(b, SYS_CT, 4) >> 31) /* acknowledges */
                ticks++;
        }
    }
    g_assert_cmpuint(ticks, >, 1000);
    board_free(b);
}

static void test_nvram_clock(void)
{
    struct board *b = board_new();
    wr(b, NVRAM + 5, 1, 0xa5);
    g_assert_cmphex(rd(b, NVRAM + 5, 1), ==, 0xa5);
    /* 1000000000 = 2001-09-09 01:46:40 UTC, a Sunday; years count from 1968 */
    wr(b, NVRAM + 0x1ff8, 1, 0x40);
    g_assert_cmphex(rd(b, NVRAM + 0x1ff9, 1), ==, 0x40);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffa, 1), ==, 0x46);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffb, 1), ==, 0x01);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffc, 1) & 7, ==, 1);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffd, 1), ==, 0x09);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffe, 1), ==, 0x09);
    g_assert_cmphex(rd(b, NVRAM + 0x1fff, 1), ==, 0x33);
    run_ns(b, 30 * NS_PER_SECOND);
    g_assert_cmphex(rd(b, NVRAM + 0x1ff9, 1), ==, 0x40); /* held */
    wr(b, NVRAM + 0x1ff8, 1, 0);
    g_assert_cmphex(rd(b, NVRAM + 0x1ff9, 1), ==, 0x10);
    /* Set to 1999-12-31 23:59:58, and over the end of the year */
    static const uint8_t values[] = {0x58, 0x59, 0x23, 0x06, 0x31, 0x12, 0x31};
    wr(b, NVRAM + 0x1ff8, 1, 0x80);
    for (unsigned i = 0; i < 7; i++)
        wr(b, NVRAM + 0x1ff9 + i, 1, values[i]);
    wr(b, NVRAM + 0x1ff8, 1, 0);
    run_ns(b, 3 * NS_PER_SECOND);
    static const uint8_t after[] = {0x01, 0x00, 0x00, 0x07, 0x01, 0x01, 0x32};
    for (unsigned i = 0; i < 7; i++)
        g_assert_cmphex(rd(b, NVRAM + 0x1ff9 + i, 1), ==, after[i]);
    /* Stopped, and going on from there */
    wr(b, NVRAM + 0x1ff8, 1, 0x80);
    wr(b, NVRAM + 0x1ff9, 1, 0x80 | 0x05);
    wr(b, NVRAM + 0x1ff8, 1, 0);
    run_ns(b, 40 * NS_PER_SECOND);
    g_assert_cmphex(rd(b, NVRAM + 0x1ff9, 1), ==, 0x85);
    wr(b, NVRAM + 0x1ff8, 1, 0x80);
    wr(b, NVRAM + 0x1ff9, 1, 0x05);
    wr(b, NVRAM + 0x1ff8, 1, 0);
    run_ns(b, 2 * NS_PER_SECOND);
    g_assert_cmphex(rd(b, NVRAM + 0x1ff9, 1), ==, 0x07);
    board_free(b);
}

static void test_power_and_reset(void)
{
    struct board *b = board_new();
    struct machine_private *priv = b->machine->priv;
    g_assert_cmphex(rd(b, SYSCTL, 4), ==, 0);
    wr(b, SYSCTL, 4, 0);
    g_assert_false(priv->reset_pending);
    wr(b, SYSCTL, 4, 1);
    g_assert_true(priv->reset_pending);
    machine_reset(b->machine, RESET_HARD);
    g_assert_cmphex(rd(b, SYSCTL, 4), ==, 2); /* software did it */
    machine_reset(b->machine, RESET_POWER_ON);
    g_assert_cmphex(rd(b, SYSCTL, 4), ==, 0);
    wr(b, AUX2, 1, 2);
    g_assert_false(priv->off_pending);
    wr(b, AUX2, 1, 1);
    g_assert_true(priv->off_pending);
    board_free(b);
}

static void test_fw_cfg(void)
{
    struct board *b = board_new();
    fw_cfg_add_u32(b->cfg, FW_CFG_KERNEL_ADDR, 0x12345678);
    fw_cfg_add_file(b->cfg, "etc/hello", "hi", 2);
    wr(b, FWCFG, 2, FW_CFG_SIGNATURE);
    char signature[5] = {0};
    for (unsigned i = 0; i < 4; i++)
        signature[i] = (char)rd(b, FWCFG + 2, 1);
    g_assert_cmpstr(signature, ==, "QEMU");
    g_assert_cmphex(rd(b, FWCFG + 2, 1), ==, 0); /* past the end */
    wr(b, FWCFG, 2, FW_CFG_KERNEL_ADDR);
    g_assert_cmphex(rd(b, FWCFG + 2, 1), ==, 0x78);
    wr(b, FWCFG, 2, FW_CFG_FILE_DIR);
    uint8_t entry[4 + 64];
    for (unsigned i = 0; i < sizeof entry; i++)
        entry[i] = (uint8_t)rd(b, FWCFG + 2, 1);
    g_assert_cmpuint(entry[3], ==, 1);
    g_assert_cmpuint(entry[7], ==, 2);
    g_assert_cmpstr((char *)entry + 12, ==, "etc/hello");
    wr(b, FWCFG, 2, (uint32_t)(entry[8] << 8 | entry[9]));
    g_assert_cmpint((int)rd(b, FWCFG + 2, 1), ==, 'h');
    wr(b, FWCFG, 2, 0x7777);
    g_assert_cmphex(rd(b, FWCFG + 2, 1), ==, 0);
    board_free(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sun4m/interrupt-controller", test_interrupt_controller);
    g_test_add_func("/sun4m/counters", test_counters);
    g_test_add_func("/sun4m/late-ticks", test_late_ticks);
    g_test_add_func("/sun4m/nvram-clock", test_nvram_clock);
    g_test_add_func("/sun4m/power-and-reset", test_power_and_reset);
    g_test_add_func("/sun4m/fw-cfg", test_fw_cfg);
    return g_test_run();
}
