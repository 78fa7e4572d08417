/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random ARM and Thumb code gives the same registers, flags and memory in our interpreter, tier 1, tier 2 and in an
 * independent emulator (qemu-arm of the distribution; without it the interpreter is what the others are held to), on
 * processors from ARM926 to Cortex-A8 and as big-endian programs (BE8 and BE32, qemu-armeb).
 *
 * Words are made from the rows of the instruction tables. Streams are put together to one static program: each loads
 * its registers from a block, runs, and dumps them there; at the end the program writes all blocks to its standard
 * output. A difference is reduced to the fewest instructions that still differ, and printed.
 *
 *     arm_random [--long] [--seed N] [--streams N]
 */
#include <stdlib.h>
#include <string.h>

#include "emulator/cpu/arm/internal.h"
#include "tests/cpu/arm_guest.h"
#include "tests/cpu/arm_program.h"
#include "tests/cpu/arm_stream.h"
#include "tests/cpu/random.h"

#define BATCH 64
#define WORDS 15 /* registers that are dumped */

/* Processors; the oracle's name for each. */
static const struct core {
    const char *name, *model, *cpu;
    enum program_order order;
    unsigned share; /* of the streams that the first one runs: 1 in so many */
} cores[] = {
    {"", "max", "max", ORDER_LITTLE, 1},
    {"cortex-a8/", "cortex-a8", "cortex-a8", ORDER_LITTLE, 6},
    {"arm1176/", "arm1176jzf-s", "arm1176", ORDER_LITTLE, 6},
    {"arm1136/", "arm1136jf-s", "arm1136", ORDER_LITTLE, 6},
    {"arm926/", "arm926ej-s", "arm926", ORDER_LITTLE, 6},
    {"be8/", "max", "max", ORDER_BE8, 6},
    {"be32/", "arm926ej-s", "arm926", ORDER_BE32, 6},
};

static guint32 seed = 1;
static unsigned n_streams = 768;
static const char *oracles[3]; /* by byte order */
/* what the running test is about */
static bool thumb;
static const struct core *core;
static uint32_t features;

/* -------------------------------------------------------------------------------------------- program */

static void emit_item(GByteArray *code, const struct item *i, bool of_thumb)
{
    uint32_t w = i->word;
    if (of_thumb && i->size == 4)
        w = w >> 16 | w << 16;
    uint8_t b[4] = {(uint8_t)w, (uint8_t)(w >> 8), (uint8_t)(w >> 16), (uint8_t)(w >> 24)};
    g_byte_array_append(code, b, i->size);
}

/* A word of data as the processor reads it. */
static uint32_t ordered(uint32_t v)
{
    return core->order ? GUINT32_SWAP_LE_BE(v) : v;
}

/* The body is called: ARM around it, which leaves flags alone on the way in and out. */
static void emit_stream(GByteArray *code, gconstpointer streams, unsigned number, uint32_t block)
{
    const struct stream *s = (const struct stream *)streams + number;
    unsigned begin = code->len;
    program_set(code, BASE, block);
    program_emit(code, 0xe5910000 | (IN + 60)); /* ldr r0, [r1, #...]; msr cpsr_fs, r0 */
    program_emit(code, 0xe12cf000);
    for (unsigned k = 0; k < WORDS - 1; k++)
        if (k != BASE && k != COUNT && k != 13)
            program_emit(code, 0xe5910000 | k << 12 | (IN + 4 * k));
    program_emit(code, 0xe3a00000 | COUNT << 12 | s->loops);
    program_emit(code, 0xe5910000 | IN);
    unsigned call = code->len, at;
    program_emit(code, 0);
    for (unsigned k = 0; k < WORDS - 1; k++)
        if (k != 13)
            program_emit(code, 0xe5810000 | k << 12 | (OUT + 4 * k));
    program_emit(code, 0xe10fe000); /* mrs lr, cpsr */
    program_emit(code, 0xe5810000 | 14 << 12 | (OUT + 60));
    program_emit(code, 0xe2500000 | COUNT << 16 | COUNT << 12 | 1);
    program_emit(code, 0x1a000000 | (((call - code->len - 8) >> 2) & 0xffffff));
    at = code->len;
    program_emit(code, 0xea000000);
    unsigned body = code->len;
    for (unsigned k = 0; k < s->n; k++)
        emit_item(code, &s->body[k], s->thumb);
    if (s->thumb) {
        static const struct item bx = {0x4770, 2}, nop = {0xbf00, 2};
        emit_item(code, &bx, true);
        if (code->len & 2)
            emit_item(code, &nop, true);
    } else {
        program_emit(code, 0xe12fff1e);
    }
    put32(code->data + call, (s->thumb ? 0xfa000000 : 0xeb000000) | (((body - call - 8) >> 2) & 0xffffff));
    put32(code->data + at, 0xea000000 | (((code->len - at - 8) >> 2) & 0xffffff));
    if (core->order != ORDER_BE32)
        return;
    program_swap_code(code, begin, body, false);
    program_swap_code(code, body, code->len, s->thumb);
}

static void order_words(uint8_t *data, gsize size)
{
    for (gsize k = 0; core->order && k < size; k += 4)
        put32(data + k, ordered(get32(data + k)));
}

static struct program build(const struct stream *s, unsigned n)
{
    struct program p = program_build(emit_stream, s, n, BLOCK, core->order, 0x05000000); /* EABI 5 */
    for (unsigned k = 0; k < n; k++) {
        memcpy(program_block(&p, k, BLOCK), s[k].block, BLOCK);
        order_words(program_block(&p, k, BLOCK), BLOCK);
    }
    return p;
}

/* --------------------------------------------------------------------------------------------- running */

/* All blocks after the run; NULL when it failed. */
static uint8_t *run_oracle(const struct program *p)
{
    const char *const command[] = {oracles[core->order], "-cpu", core->cpu, NULL};
    uint8_t *blocks = oracle_run(command, p->file, p->n * BLOCK);
    if (blocks)
        order_words(blocks, p->n * BLOCK);
    return blocks;
}

static uint8_t *run_ours(const struct program *p, unsigned tier)
{
    struct guest *g = guest_new(core->model, tier, true, (p->end - GUEST_BASE + 0xffff) & ~0xffffu);
    arm_set_big_endian(g->cpu, core->order == ORDER_BE8, core->order == ORDER_BE32);
    memcpy(g->window + GUEST_BASE, p->file->data, p->file->len);
    int raised = guest_run(g, p->code, INT64_C(100000000));
    uint8_t *result = NULL;
    if (raised == ARM_EXC_SVC) {
        result = g_memdup2(g->window + p->data, p->n * BLOCK);
        order_words(result, p->n * BLOCK);
    } else
        g_test_message("tier %u: exception %d at %08x, info %08x", tier, raised, arm_get_pc(g->cpu),
                       (unsigned)g->cpu->jit.exit_info);
    guest_free(g);
    return result;
}

static bool equal(uint8_t *want, uint8_t *got)
{
    /* r14 is the return address, CPSR's execution state and mode read as the oracle likes */
    for (unsigned k = 0; k < 2; k++) {
        uint8_t *cpsr = (k ? got : want) + OUT + 60;
        put32(cpsr, get32(cpsr) & (features & ARM_V6 ? 0xf80f0000 : 0xf8000000));
    }
    return memcmp(want, got, BLOCK) == 0;
}

static bool differs(const struct stream *s, unsigned tier, uint8_t *a, uint8_t *b, bool *finished)
{
    struct program p = build(s, 1);
    g_autofree uint8_t *x = oracles[core->order] ? run_oracle(&p) : run_ours(&p, 0);
    g_autofree uint8_t *y = run_ours(&p, tier);
    g_byte_array_unref(p.file);
    if (!x)
        return false;
    *finished = y != NULL;
    bool same = y && equal(x, y);
    memcpy(a, x, BLOCK);
    if (y)
        memcpy(b, y, BLOCK);
    return !same;
}

static struct item nop_of(const struct stream *s, const struct item *i)
{
    return (struct item){!s->thumb ? 0xe320f000 : i->size == 2 ? 0xbf00 : 0xf3af8000, i->size};
}

static void report(struct stream *s, unsigned tier)
{
    uint8_t a[BLOCK] = {0}, b[BLOCK] = {0};
    bool finished, now;
    if (!differs(s, tier, a, b, &finished)) {
        g_test_message("the stream alone does not differ");
        return;
    }
    for (bool shorter = true; shorter;) { /* leave out what does not matter */
        shorter = false;
        for (unsigned k = 0; k < s->n; k++) {
            struct item was = s->body[k], nop = nop_of(s, &was);
            if (was.word == nop.word)
                continue;
            s->body[k] = nop;
            if (differs(s, tier, a, b, &now) && now == finished)
                shorter = true;
            else
                s->body[k] = was;
        }
    }
    if (s->loops > 1) {
        unsigned loops = s->loops;
        s->loops = 1;
        if (!differs(s, tier, a, b, &now))
            s->loops = loops;
    }
    differs(s, tier, a, b, &now);
    unsigned at = 0;
    for (unsigned k = 0; k < s->n; at += s->body[k++].size)
        if (s->body[k].word != nop_of(s, &s->body[k]).word) {
            char text[80];
            g_autoptr(GByteArray) bytes = g_byte_array_new();
            emit_item(bytes, &s->body[k], s->thumb);
            arm_disassemble(s->thumb, bytes->data, bytes->len, text, sizeof text);
            g_test_message("  %3x: %08x  %s", at, s->body[k].word, text);
        }
    g_test_message("  loops %u", s->loops);
    for (unsigned k = 0; k < BLOCK; k += 4)
        if (memcmp(a + k, b + k, 4)) {
            g_autofree char *what = k < OUT ? g_strdup_printf("memory %x", k) : k == OUT + 60 ? g_strdup("cpsr") : g_strdup_printf("r%u", (k - OUT) / 4);
            g_test_message("  %s: expected %08x, tier %u has %08x", what, get32(a + k), tier, get32(b + k));
        }
    for (unsigned k = 0; k < 16; k++)
        g_test_message("  initial r%u %08x", k, get32(s->block + IN + 4 * k));
}

/* Which instruction of a stream the oracle does not run. */
static void refused(const struct stream *s, unsigned number)
{
    struct program all = build(s, 1);
    g_autofree uint8_t *ran = run_oracle(&all);
    g_byte_array_unref(all.file);
    for (unsigned k = 0; !ran && k < s->n; k++) {
        struct stream one = *s;
        one.n = 1;
        one.body[0] = s->body[k];
        struct program p = build(&one, 1);
        g_autofree uint8_t *x = run_oracle(&p);
        g_byte_array_unref(p.file);
        if (!x)
            g_test_message("the oracle refuses %08x of stream %u of seed %u", s->body[k].word, number, seed);
    }
}

static void test_tier(gconstpointer data)
{
    unsigned tier = GPOINTER_TO_UINT(data) & 3;
    thumb = GPOINTER_TO_UINT(data) & 4;
    core = &cores[GPOINTER_TO_UINT(data) >> 3];
    features = arm_find_model(core->model)->features & ~(uint32_t)(ARM_SHORT_VECTORS | ARM_OMAP_CP15);
    stream_begin(features, thumb);
    g_autofree struct stream *s = g_new(struct stream, BATCH);
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    unsigned different = 0;
    for (unsigned done = 0; done < MAX(n_streams / core->share, 1) && !different; done += BATCH) {
        for (unsigned k = 0; k < BATCH; k++)
            stream_generate(r, &s[k]);
        struct program p = build(s, BATCH);
        g_autofree uint8_t *want = oracles[core->order] ? run_oracle(&p) : run_ours(&p, 0);
        g_autofree uint8_t *got = run_ours(&p, tier);
        g_byte_array_unref(p.file);
        if (!want)
            different++;
        for (unsigned k = 0; k < BATCH && different < 2; k++) {
            if (!want || !got || !equal(want + k * BLOCK, got + k * BLOCK)) {
                uint8_t a[BLOCK], b[BLOCK];
                bool finished;
                if (!got && !differs(&s[k], tier, a, b, &finished))
                    continue;
                if (!want) {
                    refused(&s[k], done + k);
                    continue;
                }
                g_test_message("stream %u of seed %u differs:", done + k, seed);
                report(&s[k], tier);
                different++;
            }
        }
        if (!got)
            different++;
    }
    stream_end();
    g_assert_cmpuint(different, ==, 0);
}

int main(int argc, char **argv)
{
    random_arguments(argc, argv, &seed, &n_streams, 200000);
    int keep = 1;
    g_test_init(&keep, &argv, NULL);
    g_autofree char *little = oracle_find("QEMU_ARM", "qemu-arm"), *big = oracle_find("QEMU_ARMEB", "qemu-armeb");
    oracles[ORDER_LITTLE] = little;
    oracles[ORDER_BE8] = oracles[ORDER_BE32] = big;
    for (unsigned n = 0; n < G_N_ELEMENTS(cores); n++)
        for (unsigned set = 0; set < 2; set++)
            for (unsigned t = oracles[cores[n].order] ? 0 : 1; t < 3; t++) {
                static const char *const tier[3] = {"interpreter", "tier-1", "tier-2"};
                g_autofree char *path =
                    g_strdup_printf("/arm/random/%s%s/%s", cores[n].name, set ? "thumb" : "arm", tier[t]);
                g_test_add_data_func(path, GUINT_TO_POINTER(n << 3 | set << 2 | t), test_tier);
            }
    return g_test_run();
}
