/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random VFP and Advanced SIMD instructions give the same registers, FPSCR, condition flags and memory in our
 * interpreter, tier 1, tier 2 and in an independent emulator (qemu-arm; skipped where it is missing), in ARM and in
 * Thumb encodings.  Words come from the instruction tables themselves; what our decoder calls undefined is not used,
 * and each row must have been used in the end.
 *
 *     arm_fp_random [--long] [--seed N] [--streams N]
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/cpu/arm/fp.h"
#include "emulator/cpu/arm/internal.h"
#include "tests/cpu/arm_guest.h"
#include "tests/cpu/arm_program.h"
#include "tests/cpu/random.h"

#define BATCH       64
#define BODY_MAX    96
#define DATA_BYTES  1024 /* the window that loads and stores reach, in front of the block's states */
#define IN          DATA_BYTES
#define OUT         (IN + STATE)
#define STATE       320 /* d0..d31, r1..r11, FPSCR, APSR */
#define STATE_R     256
#define STATE_FPSCR 300
#define STATE_APSR  304
#define BLOCK       (OUT + STATE)
#define NOP         0xe1a00000u

struct stream {
    uint32_t body[BODY_MAX];
    unsigned n, loops;
    bool thumb;
    uint8_t block[BLOCK];
};

enum set { SET_VFP, SET_NEON, SET_SHORT, N_SETS };
static const struct {
    const char *name, *model, *oracle_cpu;
    bool d32;
} sets[N_SETS] = {
    [SET_VFP] = {"vfp", "max", "cortex-a15", true},
    [SET_NEON] = {"neon", "max", "cortex-a15", true},
    [SET_SHORT] = {"short-vectors", "arm1136jf-s", "arm1136", false},
};

static guint32 seed = 1;
static unsigned n_streams = 256;
static char *oracle_path;
static enum set set;
static struct guest *decoder; /* interpreter: tells what is undefined */
static GHashTable *used;      /* rows */

/* ------------------------------------------------------------------------------------------- generator */

static uint64_t interesting(GRand *r)
{
    static const uint32_t singles[] = {
        0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001, 0xffc12345,
        0x00000001, 0x807fffff, 0x00800000, 0x80800000, 0x00800001, 0x7f7fffff, 0x4effffff, 0x4f000000, 0xcf000000,
        0x4f7fffff, 0x3f000000, 0x40490fdb, 0x4b000001, 0xffbfffff, 0x00400000, 0x7e800000, 0x3effffff, 0x477fe000,
        0x477ff000, 0x38800000, 0x33800000, 0x387fffff, 0x7c007bff, 0x7e01fc00, 0x03ff8001, 0xffffffff, 0x7fffffff,
    };
    static const uint64_t doubles[] = {
        0, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000,
        0x7ff8000000000001, 0x7ff0000000000001, 0xfff8123456789abc, 1, 0x800fffffffffffff, 0x0010000000000000,
        0x8010000000000000, 0x0010000000000001, 0x7fefffffffffffff, 0x41dfffffffc00000, 0x41dfffffffe00000,
        0xc1e0000000000000, 0xc1e0000000100000, 0x41efffffffe00000, 0x41effffffff00000, 0x41f0000000000000,
        0xbfefffffffffffff, 0x3fe0000000000000, 0x400921fb54442d18, 0x47efffffe0000000, 0x47effffff0000000,
        0x3810000000000000, 0x380fffffffffffff, 0x36a0000000000000, 0x3690000000000001, 0x7ff4000020000000,
    };
    switch (rnd(r, 8)) {
    case 0: return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
    case 1: return doubles[rnd(r, G_N_ELEMENTS(doubles))];
    case 2: return (uint64_t)(0x3e000000 + rnd(r, 0x04000000)) << 32 | g_rand_int(r);
    case 3: /* two moderate singles */
        return (uint64_t)(0x3a000000 + rnd(r, 0x0c000000)) << 32 | (0x3a000000 + rnd(r, 0x0c000000));
    case 4: return (uint64_t)(0xba000000 + rnd(r, 0x0c000000)) << 32 | (0x3a000000 + rnd(r, 0x0c000000));
    case 5: { /* bytes and halfwords at their ends */
        static const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x81, 0x40};
        uint64_t v = 0;
        for (unsigned k = 0; k < 8; k++)
            v = v << 8 | bytes[rnd(r, sizeof bytes)];
        return v;
    }
    default: return (uint64_t)singles[rnd(r, G_N_ELEMENTS(singles))] << 32 | singles[rnd(r, G_N_ELEMENTS(singles))];
    }
}

static bool is_memory(uint32_t w)
{
    return w >> 28 == 15 ? (w & 0x0f000000) == 0x04000000 : (w & 0x0e000000) == 0x0c000000 && (w & 0x0fe00000) != 0x0c400000;
}

static uint32_t add_base(GRand *r) /* add r11, r0, #(a multiple of 32 inside of the window) */
{
    return 0xe280be00 | (2 * (rnd(r, (DATA_BYTES - 640) / 32) + 8)); /* imm8 << 4 */
}

/* Undefined instructions are no test of arithmetic. */
static bool is_undefined(uint32_t word)
{
    guest_store32(decoder, GUEST_BASE, word);
    jit_invalidate_range(decoder->jit, GUEST_BASE, 4);
    decoder->cpu->r[11] = GUEST_BASE + 0x800;
    decoder->cpu->r[10] = 0;
    return guest_run(decoder, GUEST_BASE, 1) == ARM_EXC_UNDEFINED;
}

static bool usable(const struct arm_row *row, uint32_t features)
{
    return (row->needs & features) == row->needs && strcmp(row->name, "vmsr");
}

static unsigned rows_of(const struct arm_row *rows)
{
    unsigned n = 0;
    while (rows[n].emit)
        n++;
    return n;
}

static uint32_t a_word(GRand *r)
{
    const struct arm_row *rows = set == SET_NEON ? arm_neon_rows : arm_vfp_rows;
    uint32_t features = arm_find_model(sets[set].model)->features;
    for (;;) {
        const struct arm_row *row = &rows[rnd(r, rows_of(rows))];
        if (!usable(row, features))
            continue;
        uint32_t w = row->value | (g_rand_int(r) & ~row->mask), decoded;
        if (set != SET_NEON)
            w = (w & 0x0fffffff) | 0xe0000000;
        else if ((w & 0xfe800090) == 0xf2800010 && rnd(r, 2)) /* shifts by little */
            w |= 8u << 16;
        if (is_memory(w)) {
            w = (w & 0xfff0ffff) | 11u << 16;
            if (set == SET_NEON) {
                static const uint8_t m[] = {15, 13, 10};
                w = (w & ~15u) | m[rnd(r, 3)];
            } else if ((w & 0x0f000000) == 0x0d000000 && !(w & 0x00200000)) {
                w &= ~0xc0u; /* VLDR: near */
            } else { /* VLDM: few */
                w &= ~0xf0u;
            }
        } else if (set != SET_NEON && (w & 0x0f000010) == 0x0e000010) { /* between registers */
            bool vmrs = (w & 0x0fff0000) == 0x0ef10000;
            if (!strcmp(row->name, "vmrs"))
                w = 0xeef10a10 | (w & 0xf000), vmrs = true;
            if (!(vmrs && rnd(r, 2)))
                w = (w & ~0xf000u) | (1 + rnd(r, 10)) << 12;
            else
                w |= 0xf000;
        } else if ((w & 0x0fe00000) == 0x0c400000) {
            unsigned t = 1 + rnd(r, 10), t2 = t % 10 + 1;
            w = (w & 0xfff00fff) | t << 12 | t2 << 16;
        }
        decoded = w;
        const struct arm_row *found = arm_decode(&decoded, 0, features);
        if (found != row)
            continue;
        /* two results in one register: unpredictable */
        bool same = (w >> 12 & 15) == (w & 15) && (w >> 22 & 1) == (w >> 5 & 1);
        if (set == SET_NEON && same && (!strcmp(row->name, "vtrn") || !strcmp(row->name, "vuzp") || !strcmp(row->name, "vzip")))
            continue;
        /* of two vectors of doubles, qemu-arm writes the second one */
        if (set == SET_SHORT && (w & 0x0fbc0f40) == 0x0eb00b40)
            continue;
        if (is_undefined(w))
            continue;
        g_hash_table_add(used, (void *)row);
        return w;
    }
}

static void generate(GRand *r, struct stream *s)
{
    unsigned length = 4 + rnd(r, 36);
    s->n = 0;
    s->loops = rnd(r, 6) ? 1 + rnd(r, 3) : 200;
    s->thumb = set != SET_SHORT && rnd(r, 3) == 0;
    for (unsigned k = 0; k < DATA_BYTES; k += 8) {
        uint64_t v = GUINT64_TO_LE(interesting(r));
        memcpy(s->block + k, &v, 8);
    }
    memset(s->block + IN, 0, 2 * STATE);
    for (unsigned k = 0; k < 32; k++) {
        uint64_t v = GUINT64_TO_LE(interesting(r));
        memcpy(s->block + IN + 8 * k, &v, 8);
    }
    for (unsigned k = 1; k < 12; k++)
        put32(s->block + IN + STATE_R + 4 * (k - 1), (uint32_t)interesting(r));
    put32(s->block + IN + STATE_R + 4 * 9, rnd(r, 40)); /* r10: an index register, too */
    uint32_t fpscr = rnd(r, 2) ? 0 : rnd(r, 4) << 22 | rnd(r, 4) << 24;
    if (set == SET_SHORT)
        fpscr |= rnd(r, 4) << 16; /* up to four: doubles' banks hold no more; qemu-arm takes a stride of 2 for 4 */
    else if (rnd(r, 4) == 0)
        fpscr |= FPSCR_AHP;
    put32(s->block + IN + STATE_FPSCR, fpscr | (g_rand_int(r) & 0xf0000000));
    while (s->n < length) {
        uint32_t w = a_word(r);
        if (is_memory(w)) {
            s->body[s->n++] = add_base(r);
            s->body[s->n++] = w;
        } else {
            if (set != SET_NEON && !s->thumb && rnd(r, 6) == 0) /* under a condition */
                w = (w & 0x0fffffff) | rnd(r, 15) << 28;
            unsigned t = w >> 12 & 15;
            bool vmrs = (w & 0x0fff0fff) == 0x0ef10a10 && t != 15;
            if (vmrs && s->thumb)
                w |= 0xf000;
            s->body[s->n++] = w;
            if (vmrs && !s->thumb)
                s->body[s->n++] = 0xe3c00008 | t << 16 | t << 12; /* bic: without underflow, see equal() */
        }
    }
}

/* -------------------------------------------------------------------------------------------- program */

static void emit_thumb(GByteArray *code, uint32_t word)
{
    if (word == NOP)
        word = 0xbf00bf00;
    else if ((word & 0xfffff000) == 0xe280b000) { /* add r11, r0, #imm8 << 4 */
        uint32_t imm = (word & 255) << 4;
        word = 0xf2000b00 | (imm >> 11 & 1) << 26 | (imm >> 8 & 7) << 12 | (imm & 255);
    } else if ((word & 0xfe000000) == 0xf2000000) {
        word = 0xef000000 | (word >> 24 & 1) << 28 | (word & 0x00ffffff);
    } else if ((word & 0xff000000) == 0xf4000000) {
        word = 0xf9000000 | (word & 0x00ffffff);
    }
    program_emit(code, word << 16 | word >> 16);
}

static void emit_stream(GByteArray *code, gconstpointer streams, unsigned number, uint32_t block)
{
    const struct stream *s = (const struct stream *)streams + number;
    program_set(code, 12, s->loops);
    guint head = code->len;
    program_set(code, 0, block);
    program_set(code, 1, block + IN);
    program_emit(code, 0xecb10b20); /* vldmia r1!, {d0-d15} */
    if (sets[set].d32)
        program_emit(code, 0xecf10b20); /* vldmia r1!, {d16-d31} */
    program_set(code, 1, block + IN);
    program_emit(code, 0xe5912000 | STATE_FPSCR); /* ldr r2, [r1, #] */
    program_emit(code, 0xeee12a10); /* vmsr fpscr, r2 */
    program_emit(code, 0xe128f000 | 1); /* msr cpsr_f, r1 */
    program_set(code, 11, block + IN + STATE_R);
    program_emit(code, 0xe89b0ffe); /* ldmia r11, {r1-r11} */
    if (s->thumb) {
        program_emit(code, 0xe28fe001); /* add lr, pc, #1 */
        program_emit(code, 0xe12fff1e); /* bx lr */
        for (unsigned k = 0; k < s->n; k++)
            emit_thumb(code, s->body[k]);
        program_emit(code, 0xbf004778); /* bx pc; nop */
    } else {
        for (unsigned k = 0; k < s->n; k++)
            program_emit(code, s->body[k]);
    }
    program_set(code, 14, block + OUT + STATE_R);
    program_emit(code, 0xe88e0ffe); /* stmia lr, {r1-r11} */
    program_emit(code, 0xe10f1000); /* mrs r1, cpsr */
    program_emit(code, 0xe201120f); /* and r1, r1, #0xf0000000 */
    program_emit(code, 0xe58e1000 | (STATE_APSR - STATE_R));
    program_emit(code, 0xeef11a10); /* vmrs r1, fpscr */
    program_emit(code, 0xe58e1000 | (STATE_FPSCR - STATE_R));
    program_set(code, 1, block + OUT);
    program_emit(code, 0xe3a02000); /* mov r2, #0 */
    program_emit(code, 0xeee12a10); /* vmsr fpscr, r2 */
    program_emit(code, 0xeca10b20); /* vstmia r1!, {d0-d15} */
    if (sets[set].d32)
        program_emit(code, 0xece10b20);
    program_emit(code, 0xe25cc001); /* subs r12, r12, #1 */
    program_emit(code, 0x1a000000 | (((uint32_t)((int)head - (int)code->len - 8) >> 2) & 0xffffff)); /* bne */
}

static struct program build(const struct stream *s, unsigned n)
{
    struct program p = program_build(emit_stream, s, n, BLOCK, ORDER_LITTLE, 0x05000400); /* EABI 5, hard float */
    for (unsigned k = 0; k < n; k++)
        memcpy(program_block(&p, k, BLOCK), s[k].block, BLOCK);
    return p;
}

/* --------------------------------------------------------------------------------------------- running */

static uint8_t *run_oracle(const struct program *p)
{
    const char *const command[] = {oracle_path, "-cpu", sets[set].oracle_cpu, NULL};
    return oracle_run(command, p->file, p->n * BLOCK);
}

static uint8_t *run_ours(const struct program *p, unsigned tier)
{
    struct guest *g = guest_new(sets[set].model, tier, true, (p->end - GUEST_BASE + 0xffff) & ~0xffffu);
    memcpy(g->window + GUEST_BASE, p->file->data, p->file->len);
    int trap = guest_run(g, p->code, INT64_C(100000000));
    uint8_t *result = NULL;
    if (trap == ARM_EXC_SVC)
        result = g_memdup2(g->window + p->data, p->n * BLOCK);
    else
        g_test_message("tier %u: raised %d at %08x, info %08x", tier, trap, (unsigned)g->cpu->jit.pc,
                       (unsigned)g->cpu->jit.exit_info);
    guest_free(g);
    return result;
}

/* What FPSCR may differ in: see vfp.c on underflow. */
static bool equal(const uint8_t *want, const uint8_t *got)
{
    uint8_t a[BLOCK], b[BLOCK];
    memcpy(a, want, BLOCK);
    memcpy(b, got, BLOCK);
    uint32_t x = get32(a + OUT + STATE_FPSCR), y = get32(b + OUT + STATE_FPSCR);
    uint32_t may_miss = FPSCR_UFC;
    if (!(y & ~x & may_miss))
        put32(b + OUT + STATE_FPSCR, y | (x & may_miss));
    return memcmp(a, b, BLOCK) == 0;
}

static bool differs(const struct stream *s, unsigned tier, uint8_t *a, uint8_t *b, bool *finished)
{
    struct program p = build(s, 1);
    g_autofree uint8_t *x = oracle_path ? run_oracle(&p) : run_ours(&p, 0);
    g_autofree uint8_t *y = run_ours(&p, tier);
    g_byte_array_unref(p.file);
    if (!x) {
        *finished = false;
        return y != NULL;
    }
    *finished = y != NULL;
    memcpy(a, x, BLOCK);
    if (y)
        memcpy(b, y, BLOCK);
    return !y || !equal(x, y);
}

static void report(struct stream *s, unsigned tier)
{
    uint8_t a[BLOCK] = {0}, b[BLOCK] = {0};
    bool finished, now;
    if (!differs(s, tier, a, b, &finished)) {
        g_test_message("the stream alone does not differ");
        return;
    }
    for (bool shorter = true; shorter;) {
        shorter = false;
        for (unsigned k = 0; k < s->n; k++) {
            uint32_t word = s->body[k];
            if (word == NOP)
                continue;
            s->body[k] = NOP;
            if (differs(s, tier, a, b, &now) && now == finished)
                shorter = true;
            else
                s->body[k] = word;
        }
    }
    if (s->loops > 1) {
        unsigned loops = s->loops;
        s->loops = 1;
        if (!differs(s, tier, a, b, &now))
            s->loops = loops;
    }
    differs(s, tier, a, b, &now);
    for (unsigned k = 0; k < s->n; k++)
        if (s->body[k] != NOP) {
            char text[120];
            uint8_t code[4];
            put32(code, s->body[k]);
            arm_disassemble(4 * k, code, 4, text, sizeof text);
            g_test_message("  %3x: %08x  %s", 4 * k, s->body[k], text);
        }
    g_test_message("  loops %u%s; initial FPSCR %08x", s->loops, s->thumb ? ", Thumb" : "",
                   get32(s->block + IN + STATE_FPSCR));
    for (unsigned k = 0; k < BLOCK; k += 4)
        if (memcmp(a + k, b + k, 4)) {
            unsigned at = k - OUT;
            g_autofree char *what = k < OUT            ? g_strdup_printf("memory %x", k)
                                    : at < STATE_R     ? g_strdup_printf("s%u (d%u)", at / 4, at / 8)
                                    : at < STATE_FPSCR ? g_strdup_printf("r%u", (at - STATE_R) / 4 + 1)
                                                       : g_strdup(at == STATE_FPSCR ? "fpscr" : "apsr");
            g_test_message("  %s: expected %08x, tier %u has %08x", what, get32(a + k), tier, get32(b + k));
        }
    for (unsigned k = 0; k < 32; k++)
        g_test_message("  initial d%u %08x%08x", k, get32(s->block + IN + 8 * k + 4), get32(s->block + IN + 8 * k));
}

static void test_tier(gconstpointer data)
{
    unsigned tier = GPOINTER_TO_UINT(data) & 3, different = 0;
    set = (enum set)(GPOINTER_TO_UINT(data) >> 2);
    decoder = guest_new(sets[set].model, 0, false, 0x10000);
    used = g_hash_table_new(NULL, NULL);
    g_autofree struct stream *s = g_new(struct stream, BATCH);
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    for (unsigned done = 0; done < n_streams && !different; done += BATCH) {
        for (unsigned k = 0; k < BATCH; k++)
            generate(r, &s[k]);
        struct program p = build(s, BATCH);
        g_autofree uint8_t *want = oracle_path ? run_oracle(&p) : run_ours(&p, 0);
        g_autofree uint8_t *got = run_ours(&p, tier);
        g_byte_array_unref(p.file);
        for (unsigned k = 0; k < BATCH && !different; k++) {
            if (want && got && equal(want + k * BLOCK, got + k * BLOCK))
                continue;
            uint8_t a[BLOCK], b[BLOCK];
            bool finished;
            if ((!got || !want) && !differs(&s[k], tier, a, b, &finished))
                continue;
            g_test_message("stream %u of seed %u differs:", done + k, seed);
            report(&s[k], tier);
            different++;
        }
        if (!got || !want)
            different++;
    }
    const struct arm_row *rows = set == SET_NEON ? arm_neon_rows : arm_vfp_rows;
    uint32_t features = arm_find_model(sets[set].model)->features;
    for (const struct arm_row *row = rows; row->emit && !different; row++)
        if (usable(row, features) && !g_hash_table_contains(used, row)) {
            g_test_message("never used: %s %08x", row->name, row->value);
            g_test_fail();
        }
    g_hash_table_destroy(used);
    guest_free(decoder);
    g_assert_cmpuint(different, ==, 0);
}

int main(int argc, char **argv)
{
    random_arguments(argc, argv, &seed, &n_streams, 100000);
    int keep = 1;
    g_test_init(&keep, &argv, NULL);
    oracle_path = oracle_find("QEMU_ARM", "qemu-arm");
    for (unsigned k = 0; k < N_SETS; k++)
        for (unsigned t = 0; t < 3; t++) {
            static const char *const tier[3] = {"interpreter", "tier-1", "tier-2"};
            if (t == 0 && !oracle_path)
                continue; /* the interpreter is the oracle then */
            g_autofree char *path = g_strdup_printf("/arm/fp/random/%s/%s", sets[k].name, tier[t]);
            g_test_add_data_func(path, GUINT_TO_POINTER(k << 2 | t), test_tier);
        }
    return g_test_run();
}
