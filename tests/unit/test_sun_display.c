/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TCX, S24 and cgthree: palette, engines, cursor, damage; pixels compared with what they must be. */
#include "emulator/hw/display/cg3.h"
#include "emulator/hw/display/tcx.h"
#include "tests/unit/devs_common.h"

#define BASE   0x50000000u
#define DAC    (BASE + 0x200000)
#define THC    (BASE + 0x300000)
#define DFB8   (BASE + 0x800000)
#define DFB24  (BASE + 0x2000000)
#define STIP   (BASE + 0x4000000)
#define BLIT   (BASE + 0x6000000)
#define RDFB32 (BASE + 0xa000000)
#define RSTIP  (BASE + 0xc000000)
#define RBLIT  (BASE + 0xe000000)

struct bench {
    struct machine *machine;
    struct irq_line irq;
    unsigned interrupts;
};

static struct tcx *set_tcx(struct bench *bench, unsigned depth, unsigned width, unsigned height)
{
    *bench = (struct bench){.machine = bench_new()};
    irq_init(&bench->irq, bench_pin_changed, &bench->interrupts, 0);
    struct tcx *tcx = (struct tcx *)device_new(bench->machine, &tcx_class, "tcx");
    tcx->irq = &bench->irq;
    g_assert_true(device_set_uint(&tcx->dev, "depth", depth, NULL));
    g_assert_true(device_set_uint(&tcx->dev, "width", width, NULL));
    g_assert_true(device_set_uint(&tcx->dev, "height", height, NULL));
    bench_start(&tcx->dev);
    tcx_map(tcx, bench->machine->bus, BASE);
    machine_reset(bench->machine, RESET_POWER_ON);
    return tcx;
}

static void set_colour(struct machine *machine, unsigned index, uint32_t rgb)
{
    poke(machine, DAC + 0, 4, index << 24);
    poke(machine, DAC + 4, 4, rgb >> 16 << 24);
    poke(machine, DAC + 4, 4, rgb >> 8 << 24);
    poke(machine, DAC + 4, 4, rgb << 24);
}

static uint32_t shown(struct machine *machine, unsigned x, unsigned y)
{
    machine->display_source.render(machine->display_source.opaque, &machine->surface, false);
    return machine->surface.pixels[y * (unsigned)machine->surface.stride + x];
}

static void test_palette_and_damage(void)
{
    struct bench bench;
    set_tcx(&bench, 8, 1024, 768);
    struct machine *machine = bench.machine;
    set_colour(machine, 5, 0x123456);
    poke(machine, DFB8 + 1024 * 10 + 3, 1, 5);
    g_assert_cmphex(shown(machine, 3, 10), ==, 0x123456);
    g_assert_cmphex(shown(machine, 4, 10), ==, 0);
    g_assert_cmpint(machine->surface.width, ==, 1024);

    machine->surface.damage = (struct display_rect){0};
    shown(machine, 0, 0);
    g_assert_cmpint(machine->surface.damage.width, ==, 0); /* nothing was written */
    poke(machine, DFB8 + 1024 * 100, 4, 0x05050505);
    g_assert_cmphex(shown(machine, 3, 100), ==, 0x123456);
    g_assert_cmpint(machine->surface.damage.y, ==, 100);
    g_assert_cmpint(machine->surface.damage.height, ==, 4); /* the page's lines */
    machine->surface.damage = (struct display_rect){0};
    set_colour(machine, 5, 0x123456); /* the same again changes nothing */
    shown(machine, 0, 0);
    g_assert_cmpint(machine->surface.damage.width, ==, 0);
    set_colour(machine, 5, 0xffffff);
    g_assert_cmphex(shown(machine, 3, 10), ==, 0xffffff);

    /* Reading back; a byte access sees the top lane. */
    poke(machine, DAC, 1, 5);
    g_assert_cmphex(peek(machine, DAC + 4, 4), ==, 0xff000000);
    g_assert_cmphex(peek(machine, DAC + 4, 1), ==, 0xff);
    /* The read mask. */
    poke(machine, DAC, 4, 4u << 24);
    poke(machine, DAC + 8, 4, 0x0fu << 24);
    poke(machine, DFB8, 1, 0xf5);
    g_assert_cmphex(shown(machine, 0, 0), ==, 0xffffff);
    machine_free(machine);
}

static void test_stipple_and_blit(void)
{
    struct bench bench;
    set_tcx(&bench, 8, 1024, 768);
    struct machine *machine = bench.machine;
    for (unsigned i = 0; i < 256; i++)
        set_colour(machine, i, i * 0x010101);
    /* Copy: 10101… in colour 77, as one double word. */
    poke(machine, STIP + 8 * 64, 8, 0x3000007700000000 | 0xaaaaaaaa);
    g_assert_cmphex(shown(machine, 64, 0), ==, 0x777777);
    g_assert_cmphex(shown(machine, 65, 0), ==, 0);
    g_assert_cmphex(shown(machine, 94, 0), ==, 0x777777);
    /* In two words; XOR. */
    poke(machine, RSTIP + 8 * 64, 4, 0x6000000f);
    poke(machine, RSTIP + 8 * 64 + 4, 4, 0xffff0000);
    g_assert_cmphex(shown(machine, 64, 0), ==, 0x787878);
    g_assert_cmphex(shown(machine, 65, 0), ==, 0x0f0f0f);
    g_assert_cmphex(shown(machine, 80, 0), ==, 0x777777);
    /* Fill 5 pixels, copy 3 of them and what follows over themselves. */
    poke(machine, BLIT + 8 * 2000, 8, 0x3000004204ffffff);
    for (unsigned i = 0; i < 6; i++)
        g_assert_cmphex(peek(machine, DFB8 + 2000 + i, 1), ==, i < 5 ? 0x42 : 0);
    poke(machine, BLIT + 8 * 2002, 8, 0x3000000007000000 | 1998);
    for (unsigned i = 0; i < 12; i++)
        g_assert_cmphex(peek(machine, DFB8 + 1998 + i, 1), ==,
                        i == 2 || i == 3 || (i >= 6 && i < 11) ? 0x42 : 0);
    /* At the very end of the memory. */
    poke(machine, RBLIT + 8 * 0xffff0, 8, 0x300000331fffffff);
    g_assert_cmphex(peek(machine, DFB8 + 0xfffff, 1), ==, 0x33);
    bench_check_state(machine);
    machine_free(machine);
}

static void test_s24_planes(void)
{
    struct bench bench;
    set_tcx(&bench, 24, 1152, 900);
    struct machine *machine = bench.machine;
    set_colour(machine, 0x11, 0xa0b0c0);
    set_colour(machine, 0x22, 0x010203);
    set_colour(machine, 0x33, 0x040506);
    /* The word is blue, green, red from the top; the 8-bit aperture is its low byte. */
    poke(machine, RDFB32 + 4 * 1152, 4, 0x03332211);
    g_assert_cmphex(shown(machine, 0, 1), ==, 0x112233);
    g_assert_cmphex(peek(machine, DFB8 + 1152, 1), ==, 0x11);
    g_assert_cmphex(peek(machine, DFB24 + 4 * 1152, 4), ==, 0x00332211);
    g_assert_cmphex(peek(machine, DFB24 + 4 * 1152 + 1, 1), ==, 0x33);
    /* Control 1: each component through the palette. */
    poke(machine, RDFB32 + 4 * 1152, 4, 0x01332211);
    g_assert_cmphex(shown(machine, 0, 1), ==, 0xa00206);
    /* Control 0: 8 bits; the 24-bit aperture does not change the control bits. */
    poke(machine, RDFB32 + 4 * 1152, 1, 0x00);
    g_assert_cmphex(shown(machine, 0, 1), ==, 0xa0b0c0);
    poke(machine, DFB24 + 4 * 1152, 4, 0xff332222);
    g_assert_cmphex(peek(machine, RDFB32 + 4 * 1152, 4), ==, 0x00332222);
    poke(machine, DFB8 + 1152, 1, 0x33);
    g_assert_cmphex(shown(machine, 0, 1), ==, 0x040506);
    /* The engines: raw ones write the control bits. */
    poke(machine, RSTIP + 8 * 32, 8, 0x3356789a80000000);
    g_assert_cmphex(shown(machine, 32, 0), ==, 0x9a7856);
    poke(machine, STIP + 8 * 32, 8, 0x30ffffff80000000);
    g_assert_cmphex(peek(machine, RDFB32 + 4 * 32, 4), ==, 0x03ffffff);
    poke(machine, RBLIT + 8 * 96, 8, 0x3000000000000000 | 32);
    g_assert_cmphex(peek(machine, RDFB32 + 4 * 96, 4), ==, 0x03ffffff);
    bench_check_state(machine);
    machine_free(machine);
}

static void test_s24_cursor(void)
{
    struct bench bench;
    set_tcx(&bench, 24, 1152, 900);
    struct machine *machine = bench.machine;
    for (unsigned i = 2; i < 4; i++) {
        poke(machine, DAC, 4, i << 24);
        for (unsigned c = 0; c < 3; c++)
            poke(machine, DAC + 12, 4, (i == 2 ? 0x11u : 0xeeu) << 24);
    }
    poke(machine, THC + 0x900, 4, 0xc0000000);
    poke(machine, THC + 0x980, 4, 0x40000000);
    poke(machine, THC + 0x8fc, 4, 100 << 16 | 200);
    g_assert_cmphex(shown(machine, 100, 200), ==, 0x111111);
    g_assert_cmphex(shown(machine, 101, 200), ==, 0xeeeeee);
    g_assert_cmphex(shown(machine, 102, 200), ==, 0);
    poke(machine, THC + 0x8fc, 4, 0xffffffff); /* one up and left of the corner: out of sight */
    g_assert_cmphex(shown(machine, 100, 200), ==, 0);
    poke(machine, THC + 0x904, 4, 0x40000000);
    g_assert_cmphex(shown(machine, 0, 0), ==, 0x111111);
    machine_free(machine);
}

/* A plane that blinks: 16 frames as it is, 48 without it (Bt458, "Command Register", CR5/CR4 = 0). */
static void test_blinking(void)
{
    struct bench bench;
    set_tcx(&bench, 8, 1024, 768);
    struct machine *machine = bench.machine;
    set_colour(machine, 0, 0x101010);
    set_colour(machine, 1, 0xffffff);
    poke(machine, DFB8, 1, 1);
    poke(machine, DAC, 4, 5u << 24); /* blink mask */
    poke(machine, DAC + 8, 4, 1u << 24);
    static const unsigned frames[] = {2, 14, 18, 62, 66, 78};
    for (unsigned i = 0, now = 0; i < G_N_ELEMENTS(frames); now = frames[i++]) {
        bench_advance(machine, (frames[i] - now) * (NS_PER_SECOND / 60));
        g_assert_cmphex(shown(machine, 0, 0), ==, frames[i] % 64 < 16 ? 0xffffff : 0x101010);
    }
    machine_free(machine);
}

static void test_blanking_and_retrace(void)
{
    struct bench bench;
    set_tcx(&bench, 8, 1024, 768);
    struct machine *machine = bench.machine;
    set_colour(machine, 1, 0xffffff);
    poke(machine, DFB8, 1, 1);
    g_assert_cmphex(shown(machine, 0, 0), ==, 0xffffff);
    uint32_t misc = (uint32_t)peek(machine, THC + 0x818, 4);
    poke(machine, THC + 0x818, 4, misc & ~0x400u);
    g_assert_cmphex(shown(machine, 0, 0), ==, 0);
    poke(machine, THC + 0x1818, 4, misc | 0x420); /* the 8-bit TCX's own address */
    g_assert_cmphex(shown(machine, 0, 0), ==, 0xffffff);
    bench_advance(machine, 17 * NS_PER_MS);
    g_assert_true(bench.irq.level);
    poke(machine, THC + 0x818, 4, misc | 0x430);
    g_assert_false(bench.irq.level);
    bench_advance(machine, NS_PER_SECOND);
    g_assert_cmpuint(bench.interrupts, ==, 2); /* it stays up until acknowledged */
    poke(machine, THC + 0x818, 4, misc | 0x10);
    bench_check_state(machine);
    machine_free(machine);
}

static void test_cg3(void)
{
    struct bench bench = {.machine = bench_new()};
    struct machine *machine = bench.machine;
    irq_init(&bench.irq, bench_pin_changed, &bench.interrupts, 0);
    struct cg3 *cg3 = (struct cg3 *)device_new(machine, &cg3_class, "cg3");
    cg3->irq = &bench.irq;
    bench_start(&cg3->dev);
    cg3_map(cg3, machine->bus, BASE);
    machine_reset(machine, RESET_POWER_ON);
    const uint64_t regs = BASE + 0x400000;
    /* Entry 4 and 5 as words of four components each: 010203 040506 … */
    poke(machine, regs, 4, 4);
    poke(machine, regs + 4, 4, 0x01020304);
    poke(machine, regs + 4, 4, 0x05060708);
    poke(machine, BASE + 0x800000, 2, 0x0405);
    g_assert_cmphex(shown(machine, 0, 0), ==, 0x010203);
    g_assert_cmphex(shown(machine, 1, 0), ==, 0x040506);
    g_assert_cmphex(peek(machine, regs + 0x11, 1), ==, 0x11);
    uint8_t control = (uint8_t)peek(machine, regs + 0x10, 1);
    poke(machine, regs + 0x10, 1, control & ~0x40);
    g_assert_cmphex(shown(machine, 0, 0), ==, 0);
    poke(machine, regs + 0x10, 1, control | 0x80);
    bench_advance(machine, 17 * NS_PER_MS);
    g_assert_true(bench.irq.level);
    g_assert_cmphex(peek(machine, regs + 0x11, 1) & 0x80, ==, 0x80);
    poke(machine, regs + 0x11, 1, 0);
    g_assert_false(bench.irq.level);
    bench_check_state(machine);
    machine_free(machine);
}

static void test_bad_configuration_is_a_sentence(void)
{
    struct machine *machine = bench_new();
    GError *error = NULL;
    struct device *dev = device_new(machine, &tcx_class, "a");
    g_assert_true(device_set_uint(dev, "width", 1000, NULL));
    g_assert_false(device_start(dev, &error));
    g_assert_error(error, DEVICE_ERROR, DEVICE_ERROR_CONFIG);
    g_clear_error(&error);
    dev = device_new(machine, &tcx_class, "b");
    g_assert_true(device_set_uint(dev, "depth", 16, NULL));
    g_assert_false(device_start(dev, &error));
    g_assert_error(error, DEVICE_ERROR, DEVICE_ERROR_CONFIG);
    g_clear_error(&error);
    dev = device_new(machine, &cg3_class, "c");
    g_assert_true(device_set_string(dev, "rom", "/nowhere/rom.bin", NULL));
    g_assert_false(device_start(dev, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_clear_error(&error);
    machine_free(machine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tcx/palette-and-damage", test_palette_and_damage);
    g_test_add_func("/tcx/stipple-and-blit", test_stipple_and_blit);
    g_test_add_func("/tcx/s24-planes", test_s24_planes);
    g_test_add_func("/tcx/s24-cursor", test_s24_cursor);
    g_test_add_func("/tcx/blinking", test_blinking);
    g_test_add_func("/tcx/blanking-and-retrace", test_blanking_and_retrace);
    g_test_add_func("/cg3/palette-and-retrace", test_cg3);
    g_test_add_func("/sun-display/bad-configuration-is-a-sentence", test_bad_configuration_is_a_sentence);
    return g_test_run();
}
