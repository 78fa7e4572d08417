/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VFP and Advanced SIMD against values that the manuals give or that follow from their pseudocode (0406C A2.7, A8.8;
 * 0100I C5): NaN rules, flags, flushing to zero, conversions, estimates, short vectors, in the interpreter and both
 * tiers.
 */
#include <string.h>

#include "emulator/cpu/arm/fp.h"
#include "tests/cpu/arm_guest.h"

#define RN 0x00000000u
#define RP 0x00400000u
#define RM 0x00800000u
#define RZ 0x00c00000u

struct row {
    const char *what, *model;
    uint32_t word; /* works on d0 (or s0) from d1 (s2) and d2 (s4) */
    uint32_t fpscr;
    uint64_t d0, d1, d2;
    uint64_t want;
    uint32_t flags; /* that FPSCR has then, of all but the control bits */
};

#define VADD_D 0xee310b02u /* vadd.f64 d0, d1, d2 */
#define VSUB_D 0xee310b42u
#define VMUL_D 0xee210b02u
#define VDIV_D 0xee810b02u
#define VMLA_D 0xee010b02u
#define VNMLS_D 0xee110b02u
#define VFMA_D 0xeea10b02u
#define VSQRT_D 0xeeb10bc2u /* d0, d2 */
#define VCMP_D 0xeeb40b41u /* d0, d1 */
#define VCMPE_D 0xeeb40bc1u
#define VADD_S 0xee310a02u /* vadd.f32 s0, s2, s4 */
#define VMUL_S 0xee210a02u
#define CVT_SD 0xeeb70bc2u /* vcvt.f32.f64 s0, d2 */
#define CVT_DS 0xeeb70ac2u /* vcvt.f64.f32 d0, s4 */
#define CVT_S32 0xeebd0bc2u /* vcvt.s32.f64 s0, d2 */
#define CVT_U32 0xeebc0bc2u
#define CVTR_S32 0xeebd0b42u
#define FIX_S16 0xeebe0b44u /* vcvt.s16.f64 d0, d0, #8 */
#define FROM_FIX 0xeeba0b44u

#define ONE   0x3ff0000000000000
#define TWO   0x4000000000000000
#define INF   0x7ff0000000000000
#define QNAN1 0x7ff8000000000011
#define QNAN2 0xfff8000000000022
#define SNAN1 0x7ff0000000000033
#define SNAN2 0xfff0000000000044
#define DNAN  0x7ff8000000000000
#define TINY  0x0010000000000000 /* smallest normal number */
#define MAXD  0x7fefffffffffffff

static const struct row rows[] = {
    {"sum", "max", VADD_D, 0, 0, ONE, ONE, TWO, 0},
    {"overflow to nearest", "max", VADD_D, RN, 0, MAXD, MAXD, INF, FPSCR_OFC | FPSCR_IXC},
    {"overflow toward zero", "max", VADD_D, RZ, 0, MAXD, MAXD, MAXD, FPSCR_OFC | FPSCR_IXC},
    {"first quiet NaN", "max", VADD_D, 0, 0, QNAN1, QNAN2, QNAN1, 0},
    {"second quiet NaN", "max", VADD_D, 0, 0, ONE, QNAN2, QNAN2, 0},
    {"signalling before quiet", "max", VADD_D, 0, 0, QNAN1, SNAN2, SNAN2 | 0x8000000000000, FPSCR_IOC},
    {"first signalling", "max", VMUL_D, 0, 0, SNAN1, SNAN2, SNAN1 | 0x8000000000000, FPSCR_IOC},
    {"default NaN mode", "max", VADD_D, FPSCR_DN, 0, QNAN2, ONE, DNAN, 0},
    {"infinity minus infinity", "max", VSUB_D, 0, 0, INF, INF, DNAN, FPSCR_IOC},
    {"zero over zero", "max", VDIV_D, 0, 0, 0, 0, DNAN, FPSCR_IOC},
    {"one over zero", "max", VDIV_D, 0, 0, ONE, 0x8000000000000000, INF | 0x8000000000000000, FPSCR_DZC},
    {"root of minus one", "max", VSQRT_D, 0, 0, 0, 0xbff0000000000000, DNAN, FPSCR_IOC},
    {"accumulator's NaN first", "max", VMLA_D, 0, QNAN1, QNAN2, ONE, QNAN1, 0},
    {"vnmls negates the accumulator's NaN", "max", VNMLS_D, 0, QNAN1, ONE, ONE, QNAN1 | 0x8000000000000000, 0},
    {"fused: no product, quiet addend", "max", VFMA_D, 0, QNAN1, INF, 0, DNAN, FPSCR_IOC},
    {"fused: one rounding", "max", VFMA_D, 0, 0xbff0000000000000, 0x3ff0000000000001, 0x3ff0000000000001,
     0x3cc0000000000000, FPSCR_IXC},
    {"subnormal result", "max", VMUL_D, 0, 0, TINY, 0x3fe0000000000000, TINY / 2, 0},
    {"flushed result", "max", VMUL_D, FPSCR_FZ, 0, TINY | 0x8000000000000000, 0x3fe0000000000000, 0x8000000000000000,
     FPSCR_UFC},
    {"flushed operand", "max", VADD_D, FPSCR_FZ, 0, ONE, 1, ONE, FPSCR_IDC},
    {"flushed before rounding", "max", VMUL_S, FPSCR_FZ, 0, 0x00ffffff, 0x3f000000, 0, FPSCR_UFC},
    {"underflow", "max", VMUL_D, 0, 0, TINY + 1, 0x3fe0000000000000, TINY / 2, FPSCR_UFC | FPSCR_IXC},
    {"equal", "max", VCMP_D, 0, ONE, ONE, 0, ONE, 0x60000000},
    {"less", "max", VCMP_D, 0, ONE, TWO, 0, ONE, 0x80000000},
    {"greater", "max", VCMP_D, 0, TWO, ONE, 0, TWO, 0x20000000},
    {"unordered quietly", "max", VCMP_D, 0, QNAN1, ONE, 0, QNAN1, 0x30000000},
    {"unordered signalling", "max", VCMPE_D, 0, QNAN1, ONE, 0, QNAN1, 0x30000000 | FPSCR_IOC},
    {"subnormals are equal when flushed", "max", VCMP_D, FPSCR_FZ, 1, 2, 0, 1, 0x60000000 | FPSCR_IDC},
    {"narrowed NaN", "max", CVT_SD, 0, 0, 0, 0x7ff8123440000000, 0x7fc091a2, 0},
    {"narrowed signalling NaN", "max", CVT_SD, 0, 0, 0, 0x7ff0000020000000, 0x7fc00001, FPSCR_IOC},
    {"widened NaN", "max", CVT_DS, 0, 0, 0, 0x7f800001, 0x7ff8000020000000, FPSCR_IOC},
    {"to integer toward zero", "max", CVT_S32, RP, 0, 0, 0xbffc000000000000, 0xffffffff, FPSCR_IXC},
    {"to integer saturated", "max", CVT_S32, 0, 0, 0, 0x41e0000000000000, 0x7fffffff, FPSCR_IOC},
    {"NaN to integer", "max", CVT_S32, 0, 0, 0, QNAN2, 0, FPSCR_IOC},
    {"to unsigned", "max", CVT_U32, 0, 0, 0, 0x41efffffffe00000, 0xffffffff, 0},
    {"to unsigned from -0.5", "max", CVT_U32, 0, 0, 0, 0xbfe0000000000000, 0, FPSCR_IXC},
    {"to unsigned from -1", "max", CVT_U32, 0, 0, 0, 0xbff0000000000000, 0, FPSCR_IOC},
    {"to unsigned too high", "max", CVT_U32, 0, 0, 0, 0x41f0000000000000, 0xffffffff, FPSCR_IOC},
    {"to integer by the mode", "max", CVTR_S32, RM, 0, 0, 0xbff8000000000000, 0xfffffffe, FPSCR_IXC},
    {"1.5 to fixed point", "max", FIX_S16, 0, 0x3ff8000000000000, 0, 0, 0x180, 0},
    {"-200 to fixed point", "max", FIX_S16, 0, 0xc069000000000000, 0, 0, 0xffffffffffff8000, FPSCR_IOC},
    {"from fixed point", "max", FROM_FIX, 0, 0xff80, 0, 0, 0xbfe0000000000000, 0},
    {"immediate", "max", 0xeeb70b00, 0, 0, 0, 0, ONE, 0}, /* vmov.f64 d0, #1.0 */
    {"half to single", "max", 0xeeb20a42, 0, 0, 0, 0x3555, 0x3eaaa000, 0}, /* vcvtb.f32.f16 s0, s4 */
    {"half NaN", "max", 0xeeb20a42, 0, 0, 0, 0x7d01, 0x7fe02000, FPSCR_IOC},
    {"alternative half", "max", 0xeeb20a42, FPSCR_AHP, 0, 0, 0x7c00, 0x47800000, 0},
    {"single to half", "max", 0xeeb30a42, 0, 0xffff0000, 0, 0x477ff000, 0xffff7c00, FPSCR_OFC | FPSCR_IXC},
    /* Advanced SIMD: d0, d1, d2 */
    {"vadd.f32 flushes", "max", 0xf2010d02, 0, 0, 0x3f80000000000001, 0x3f80000000000001, 0x4000000000000000, FPSCR_IDC},
    {"vadd.f32 default NaN", "max", 0xf2010d02, 0, 0, 0xffc1234500000000, 0, 0x7fc0000000000000, 0},
    {"vmax.f32 of zeros", "max", 0xf2010f02, 0, 0, 0x8000000000000000, 0x0000000080000000, 0, 0},
    {"vmin.f32 of zeros", "max", 0xf2210f02, 0, 0, 0x8000000000000000, 0x0000000080000000, 0x8000000080000000, 0},
    {"vrecpe.f32 of 1 and 0", "max", 0xf3bb0502, 0, 0, 0, 0x3f80000000000000, 0x3f7f80007f800000, FPSCR_DZC},
    {"vrecpe.f32 of large and infinite", "max", 0xf3bb0502, 0, 0, 0, 0x7e8000007f800000, 0, FPSCR_UFC},
    {"vrecpe.u32", "max", 0xf3bb0402, 0, 0, 0, 0x800000007fffffff, 0xff800000ffffffff, 0},
    {"vrsqrte.f32 of 4 and -1", "max", 0xf3bb0582, 0, 0, 0, 0x40800000bf800000, 0x3eff80007fc00000, FPSCR_IOC},
    {"vrsqrte.u32", "max", 0xf3bb0482, 0, 0, 0, 0x400000003fffffff, 0xff800000ffffffff, 0},
    {"vrecps.f32 of zero and infinity", "max", 0xf2010f12, 0, 0, 0x7f80000000000000, 0x000000007f800000,
     0x4000000040000000, 0},
    {"vrsqrts.f32 of zero and infinity", "max", 0xf2210f12, 0, 0, 0x7f80000000000000, 0x000000007f800000,
     0x3fc000003fc00000, 0},
    {"vqadd.s8", "max", 0xf2010012, 0, 0, 0x7f80000000000000, 0x01ff000000000000, 0x7f80000000000000, FPSCR_QC},
    {"vqadd.u16 without saturation", "max", 0xf3110012, 0, 0, 0xff00000100000000, 0x00ff000200000000,
     0xffff000300000000, 0},
    {"vqdmulh.s16", "max", 0xf2110b02, 0, 0, 0x8000400000000000, 0x8000400000000000, 0x7fff200000000000, FPSCR_QC},
    {"vmul.p8", "max", 0xf3010912, 0, 0, 0x0303030303030303, 0x0707070707070707, 0x0909090909090909, 0},
    {"vcls.s16", "max", 0xf3b40402, 0, 0, 0, 0xffff800000017fff, 0x000f0000000e0000, 0},
    {"vtbl beyond the table", "max", 0xf3b10802, 0, 0, 0x0706050403020100, 0x0800010207ff0306, 0x0000010207000306, 0},
    {"vrshl.s32 right", "max", 0xf2220501, 0, 0, 0x0000000700000006, 0x000000fe000000ff, 0x0000000200000003, 0},
    {"scalar in bank 0 despite LEN", "arm1136jf-s", VADD_D, 0x00010000, 0, ONE, ONE, TWO, 0},
};

static uint32_t controls(uint32_t fpscr)
{
    return fpscr & (FPSCR_RMODE | FPSCR_FZ | FPSCR_DN | FPSCR_AHP | FPSCR_LEN | FPSCR_STRIDE);
}

static void test_rows(gconstpointer data)
{
    unsigned tier = GPOINTER_TO_UINT(data);
    for (unsigned k = 0; k < G_N_ELEMENTS(rows); k++) {
        const struct row *t = &rows[k];
        struct guest *g = guest_new(t->model, tier, true, 0x10000);
        const uint32_t code[] = {t->word, 0xef000000};
        guest_arm(g, GUEST_BASE, code, 2);
        for (unsigned round = 0; round < 4; round++) { /* from the second on compiled */
            g->cpu->d[0] = t->d0;
            g->cpu->d[1] = t->d1;
            g->cpu->d[2] = t->d2;
            arm_set_fpscr(g->cpu, t->fpscr);
            int raised = guest_run(g, GUEST_BASE, 100);
            uint32_t fpscr = arm_get_fpscr(g->cpu);
            if (raised != ARM_EXC_SVC || g->cpu->d[0] != t->want || fpscr != (controls(t->fpscr) | t->flags)) {
                g_test_message("%s, tier %u: raised %d, d0 %016" G_GINT64_MODIFIER "x instead of %016" G_GINT64_MODIFIER
                               "x, FPSCR %08x instead of %08x",
                               t->what, tier, raised, g->cpu->d[0], t->want, fpscr, controls(t->fpscr) | t->flags);
                g_test_fail();
                break;
            }
        }
        guest_free(g);
    }
}

/* 0100I C5.1: registers wrap round within their bank, the second operand in bank 0 is a scalar, stride 2. */
static void test_short_vectors(gconstpointer data)
{
    struct guest *g = guest_new("arm1136jf-s", GPOINTER_TO_UINT(data), true, 0x10000);
    static const uint32_t code[] = {
        0xee3f3a81, /* fadds s6, s31, s2: bank 0, so one register */
        0xee7f7a81, /* fadds s15, s31, s2: s15, s9 and s11 from s31, s25 and s27 */
        0xef000000,
    };
    guest_arm(g, GUEST_BASE, code, 3);
    float s[32];
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned k = 0; k < 32; k++)
            s[k] = (float)k;
        memcpy(g->cpu->d, s, sizeof s);
        arm_set_fpscr(g->cpu, 2u << 16 | 3u << 20);
        g_assert_cmpint(guest_run(g, GUEST_BASE, 100), ==, ARM_EXC_SVC);
        memcpy(s, g->cpu->d, sizeof s);
        g_assert_cmpfloat(s[6], ==, 33);
        g_assert_cmpfloat(s[7], ==, 7);
        g_assert_cmpfloat(s[15], ==, 33);
        g_assert_cmpfloat(s[9], ==, 27);
        g_assert_cmpfloat(s[11], ==, 29);
        g_assert_cmpfloat(s[13], ==, 13);
        g_assert_cmpfloat(s[8], ==, 8);
    }
    guest_free(g);
}

/* What a compare found decides branches by every condition (A8.3). */
static void test_conditions(gconstpointer data)
{
    /* vcmp.f64 d0, d1; vmrs APSR_nzcv, fpscr; mov r0, #0; mov<cond> r0, #1 */
    static const uint64_t second[4] = {ONE, TWO, 0, QNAN1}; /* against 1: equal, less, greater, unordered */
    static const uint8_t nzcv[4] = {6, 8, 2, 3};
    struct guest *g = guest_new("max", GPOINTER_TO_UINT(data), true, 0x10000);
    for (unsigned cond = 0; cond < 14; cond++) {
        const uint32_t code[] = {VCMP_D, 0xeef1fa10, 0xe3a00000, cond << 28 | 0x03a00001, 0xef000000};
        guest_arm(g, GUEST_BASE, code, 5);
        for (unsigned k = 0; k < 16; k++) {
            unsigned f = nzcv[k & 3], n = f >> 3, z = f >> 2 & 1, c = f >> 1 & 1, v = f & 1;
            const unsigned base[7] = {z, c, n, v, c && !z, n == v, !z && n == v};
            g->cpu->d[0] = ONE;
            g->cpu->d[1] = second[k & 3];
            arm_set_fpscr(g->cpu, 0);
            g_assert_cmpint(guest_run(g, GUEST_BASE, 100), ==, ARM_EXC_SVC);
            g_assert_cmpuint(arm_get_reg(g->cpu, 0), ==, base[cond >> 1] ^ (cond & 1));
            g_assert_cmpuint(arm_get_cpsr(g->cpu) >> 28, ==, f);
        }
    }
    guest_free(g);
}

/* Doubles above d15, and Advanced SIMD, are undefined where there are none; so are odd Q registers. */
static void test_undefined(gconstpointer data)
{
    static const struct {
        const char *model;
        uint32_t word;
    } bad[] = {
        {"arm1136jf-s", 0xee710b02}, /* d16 */
        {"arm1136jf-s", 0xf2010d02}, /* Advanced SIMD */
        {"arm1136jf-s", 0xeeb70b00}, /* VFPv3's immediate */
        {"arm1136jf-s", VFMA_D},
        {"arm925t", VADD_D},
        {"max", 0xf2021844}, /* vadd.i8 with an odd register as a Q */
        {"max", 0xf2b00002 | 0x900}, /* vext of D registers from byte 9 */
        {"max", 0xeef80a10}, /* VMRS r0, FPEXC from user mode */
    };
    for (unsigned k = 0; k < G_N_ELEMENTS(bad); k++) {
        struct guest *g = guest_new(bad[k].model, GPOINTER_TO_UINT(data), true, 0x10000);
        const uint32_t code[] = {bad[k].word, 0xef000000};
        guest_arm(g, GUEST_BASE, code, 2);
        int raised = guest_run(g, GUEST_BASE, 10);
        if (raised != ARM_EXC_UNDEFINED) {
            g_test_message("%08x on %s: %d", bad[k].word, bad[k].model, raised);
            g_test_fail();
        }
        guest_free(g);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned tier = 0; tier < 3; tier++) {
        static const struct {
            const char *name;
            GTestDataFunc run;
        } tests[] = {{"values", test_rows},
                     {"short-vectors", test_short_vectors},
                     {"conditions", test_conditions},
                     {"undefined", test_undefined}};
        for (unsigned k = 0; k < G_N_ELEMENTS(tests); k++) {
            g_autofree char *path = g_strdup_printf("/arm/fp/%s/tier-%u", tests[k].name, tier);
            g_test_add_data_func(path, GUINT_TO_POINTER(tier), tests[k].run);
        }
    }
    return g_test_run();
}
