/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inner loops as IR against the same in C: how good is generated code?  Prints one line each; checks results.
 */
#include <glib.h>
#include <string.h>
#include <time.h>
#include "emulator/jit/backend.h"

enum { R0, R1, R2, R3, R4, R5, F0, F1, N };
static const struct ir_slot slots[N] = {
    {"r0", IR_I32, false, 512}, {"r1", IR_I32, false, 516}, {"r2", IR_I32, false, 520}, {"r3", IR_I32, false, 524},
    {"r4", IR_I32, false, 528}, {"r5", IR_I32, false, 532}, {"f0", IR_F64, false, 536}, {"f1", IR_F64, false, 544},
};
static uint64_t fp_fix(struct jit_cpu *cpu, const struct ir_insn *i, uint64_t a, uint64_t b, uint64_t c)
{
    return 0x7ff8000000000000u;
}
static const struct jit_guest guest = {.name = "bench", .n_slots = N, .slot = slots, .state_size = 1024, .insn_shift = 2,
    .fp_fix = fp_fix};

struct state {
    union {
        struct jit_cpu cpu;
        uint8_t bytes[1024];
    };
};
static uint32_t *reg(struct state *s, unsigned r)
{
    return (uint32_t *)(void *)(s->bytes + slots[r].offset);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct backend *be;
static uint8_t *window;

static double run(struct ir_region *r, struct state *s, const char *name, int tier)
{
    struct compiled c;
    double t0 = now();
    g_assert_true(backend_compile(be, r, tier, NULL, NULL, &c));
    double t1 = now();
    if (g_getenv("LIST")) {
        ir_print(r, stdout);
        backend_log(be, &c, stdout);
    }
    s->cpu.budget = INT64_C(1) << 60;
    s->cpu.mxcsr = 0x1f80;
    s->cpu.window = window;
    s->cpu.guest = &guest;
    struct exit_site *x = backend_enter(be, &s->cpu, c.code);
    double t2 = now();
    g_test_message("%s: compile %.1f us for %u ops, %u bytes; left at %lx", name, (t1 - t0) * 1e6, r->n_insns, c.size, (long)x->pc);
    return t2 - t1;
}

static uint32_t begin(struct ir_builder *b)
{
    ir_begin(b, &guest, 0x1000, 0, 0, true);
    uint32_t b0 = ir_block_new(b, 0x1000, 0);
    ir_block_start(b, b0);
    ir_set_pc(b, 0x1000, 0);
    ir_charge(b, 1);
    return b0;
}

static struct ir_region *end(struct ir_builder *b)
{
    ir_exit(b, IR_EXIT_DIRECT, IR_HINT_NONE, 0x2000, 0, IR_NONE, IR_NONE);
    struct ir_region *r = ir_finish(b, true);
    const char *wrong = ir_verify(r);
    if (wrong)
        ir_print(r, stderr);
    g_assert_cmpstr(wrong, ==, NULL);
    return r;
}

/* crc32, bit by bit: r0 = crc, r1 = pointer, r2 = count */
static void crc(void)
{
    struct ir_builder *b = ir_builder_create();
    struct state s = {0};
    begin(b);
    uint32_t loop = ir_block_new(b, 0x1004, 0), inner = ir_block_new(b, 0x1010, 0), next = ir_block_new(b, 0x1020, 0), out = ir_block_new(b, 0x1030, 0);
    ir_br(b, loop);
    ir_block_start(b, loop);
    ir_set_pc(b, 0x1004, 0);
    ir_charge(b, 4);
    ir_put(b, R0, ir_bin(b, IR_XOR, ir_get(b, R0), ir_load(b, IR_I32, 0, ir_get(b, R1))));
    ir_put(b, R1, ir_bin(b, IR_ADD, ir_get(b, R1), ir_const(b, IR_I32, 1)));
    ir_put(b, R3, ir_const(b, IR_I32, 8));
    ir_insns_done(b, 4);
    ir_br(b, inner);
    ir_block_start(b, inner);
    ir_set_pc(b, 0x1010, 0);
    ir_charge(b, 5);
    ir_ref x = ir_get(b, R0), lsb = ir_bin(b, IR_AND, x, ir_const(b, IR_I32, 1));
    ir_ref sh = ir_bin(b, IR_SHR, x, ir_const(b, IR_I32, 1));
    ir_put(b, R0, ir_select(b, ir_icmp(b, IR_NE, lsb, ir_const(b, IR_I32, 0)), ir_bin(b, IR_XOR, sh, ir_const(b, IR_I32, 0xedb88320)), sh));
    ir_put(b, R3, ir_bin(b, IR_SUB, ir_get(b, R3), ir_const(b, IR_I32, 1)));
    ir_insns_done(b, 5);
    ir_br_if(b, ir_icmp(b, IR_NE, ir_get(b, R3), ir_const(b, IR_I32, 0)), inner, next, 0);
    ir_block_seal(b, inner);
    ir_block_seal(b, next);
    ir_block_start(b, next);
    ir_put(b, R2, ir_bin(b, IR_SUB, ir_get(b, R2), ir_const(b, IR_I32, 1)));
    ir_br_if(b, ir_icmp(b, IR_NE, ir_get(b, R2), ir_const(b, IR_I32, 0)), loop, out, 0);
    ir_block_seal(b, loop);
    ir_block_seal(b, out);
    ir_block_start(b, out);
    struct ir_region *r = end(b);

    const uint32_t n = 1000000;
    for (uint32_t k = 0; k < n; k++)
        window[k] = (uint8_t)(k * 7 + (k >> 5));
    for (int tier = 1; tier <= 2; tier++) {
        *reg(&s, R0) = ~0u;
        *reg(&s, R1) = 0;
        *reg(&s, R2) = n;
        double t = run(r, &s, "crc", tier);
        double t0 = now();
        uint32_t c = ~0u;
        for (uint32_t k = 0; k < n; k++) {
            c ^= window[k];
            for (int j = 0; j < 8; j++) {
                c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
                __asm__ volatile("" : "+r"(c));
            }
        }
        double tn = now() - t0;
        g_assert_cmphex(*reg(&s, R0), ==, c);
        g_test_message("crc tier %d: %.2f ms, C %.2f ms: %.2f", tier, t * 1e3, tn * 1e3, t / tn);
    }
    ir_builder_destroy(b);
}

/* sieve: r0 = base, r1 = limit, r2 = i, r3 = j, r4 = count */
static void sieve(void)
{
    struct ir_builder *b = ir_builder_create();
    struct state s = {0};
    begin(b);
    uint32_t loop = ir_block_new(b, 0x1004, 0), prime = ir_block_new(b, 0x1010, 0), mark = ir_block_new(b, 0x1020, 0),
             next = ir_block_new(b, 0x1030, 0), out = ir_block_new(b, 0x1040, 0), again = ir_block_new(b, 0x1024, 0);
    ir_put(b, R2, ir_const(b, IR_I32, 2));
    ir_put(b, R4, ir_const(b, IR_I32, 0));
    ir_br(b, loop);
    ir_block_start(b, loop);
    ir_set_pc(b, 0x1004, 0);
    ir_charge(b, 2);
    ir_ref v = ir_load(b, IR_I32, 0, ir_bin(b, IR_ADD, ir_get(b, R0), ir_get(b, R2)));
    ir_insns_done(b, 2);
    ir_br_if(b, ir_icmp(b, IR_NE, v, ir_const(b, IR_I32, 0)), next, prime, 0);
    ir_block_seal(b, prime);
    ir_block_start(b, prime);
    ir_put(b, R4, ir_bin(b, IR_ADD, ir_get(b, R4), ir_const(b, IR_I32, 1)));
    ir_put(b, R3, ir_bin(b, IR_ADD, ir_get(b, R2), ir_get(b, R2)));
    ir_br(b, mark);
    ir_block_start(b, mark);
    ir_set_pc(b, 0x1020, 0);
    ir_charge(b, 3);
    ir_insns_done(b, 1);
    ir_br_if(b, ir_icmp(b, IR_GEU, ir_get(b, R3), ir_get(b, R1)), next, again, 0);
    ir_block_seal(b, again);
    ir_block_start(b, again);
    ir_set_pc(b, 0x1024, 0);
    ir_store(b, 0, ir_bin(b, IR_ADD, ir_get(b, R0), ir_get(b, R3)), ir_const(b, IR_I32, 1));
    ir_put(b, R3, ir_bin(b, IR_ADD, ir_get(b, R3), ir_get(b, R2)));
    ir_br(b, mark);
    ir_block_seal(b, mark);
    ir_block_seal(b, next);
    ir_block_start(b, next);
    ir_put(b, R2, ir_bin(b, IR_ADD, ir_get(b, R2), ir_const(b, IR_I32, 1)));
    ir_br_if(b, ir_icmp(b, IR_LTU, ir_get(b, R2), ir_get(b, R1)), loop, out, 0);
    ir_block_seal(b, loop);
    ir_block_seal(b, out);
    ir_block_start(b, out);
    struct ir_region *r = end(b);
    const uint32_t n = 2000000;
    for (int tier = 1; tier <= 2; tier++) {
        memset(window, 0, n);
        *reg(&s, R0) = 0;
        *reg(&s, R1) = n;
        double t = run(r, &s, "sieve", tier);
        uint32_t count = 0;
        memset(window, 0, n);
        double t0 = now();
        for (uint32_t i = 2; i < n; i++)
            if (!window[i]) {
                count++;
                for (uint32_t j = i + i; j < n; j += i)
                    window[j] = 1;
            }
        double tn = now() - t0;
        g_assert_cmpuint(*reg(&s, R4), ==, count);
        g_test_message("sieve tier %d: %.2f ms, C %.2f ms: %.2f", tier, t * 1e3, tn * 1e3, t / tn);
    }
    ir_builder_destroy(b);
}

/* dot product of doubles, big-endian in memory: r0, r1 = pointers, r2 = count, f0 = sum */
static void dot(void)
{
    struct ir_builder *b = ir_builder_create();
    struct state s = {0};
    begin(b);
    uint32_t loop = ir_block_new(b, 0x1004, 0), out = ir_block_new(b, 0x1040, 0);
    ir_br(b, loop);
    ir_block_start(b, loop);
    ir_set_pc(b, 0x1004, 0);
    ir_charge(b, 6);
    ir_ref x = ir_load(b, IR_F64, 3 | IR_MEM_BIG, ir_get(b, R0));
    ir_ref y = ir_load(b, IR_F64, 3 | IR_MEM_BIG, ir_bin(b, IR_ADD, ir_get(b, R1), ir_const(b, IR_I32, 8)));
    ir_put(b, F1, ir_op2(b, IR_FMUL, IR_F64, 0, x, y));
    ir_put(b, F0, ir_op2(b, IR_FADD, IR_F64, 0, ir_get(b, F0), ir_get(b, F1)));
    ir_put(b, R0, ir_bin(b, IR_ADD, ir_get(b, R0), ir_const(b, IR_I32, 8)));
    ir_put(b, R1, ir_bin(b, IR_ADD, ir_get(b, R1), ir_const(b, IR_I32, 8)));
    ir_put(b, R2, ir_bin(b, IR_SUB, ir_get(b, R2), ir_const(b, IR_I32, 1)));
    ir_insns_done(b, 6);
    ir_br_if(b, ir_icmp(b, IR_NE, ir_get(b, R2), ir_const(b, IR_I32, 0)), loop, out, 0);
    ir_block_seal(b, loop);
    ir_block_seal(b, out);
    ir_block_start(b, out);
    struct ir_region *r = end(b);
    const uint32_t n = 1000000;
    uint64_t *w = (uint64_t *)(void *)window;
    for (uint32_t k = 0; k < 2 * n + 1; k++) {
        double d = 1.0 + k * 0.5;
        memcpy(&w[k], &d, 8);
        w[k] = __builtin_bswap64(w[k]);
    }
    for (int tier = 1; tier <= 2; tier++) {
        *reg(&s, R0) = 0;
        *reg(&s, R1) = 8 * n;
        *reg(&s, R2) = n;
        double zero = 0, got;
        memcpy(s.bytes + slots[F0].offset, &zero, 8);
        double t = run(r, &s, "dot", tier);
        double t0 = now(), sum = 0;
        for (uint32_t k = 0; k < n; k++) {
            uint64_t p = __builtin_bswap64(w[k]), q = __builtin_bswap64(w[n + k + 1]);
            double u, v;
            memcpy(&u, &p, 8);
            memcpy(&v, &q, 8);
            sum += u * v;
        }
        double tn = now() - t0;
        memcpy(&got, s.bytes + slots[F0].offset, 8);
        g_assert_cmpfloat(got, ==, sum);
        g_test_message("dot tier %d: %.2f ms, C %.2f ms: %.2f", tier, t * 1e3, tn * 1e3, t / tn);
    }
    ir_builder_destroy(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    be = backend_create(&guest, 0, true, NULL);
    window = g_malloc0(64 << 20);
    g_test_add_func("/x64/bench/crc", crc);
    g_test_add_func("/x64/bench/sieve", sieve);
    g_test_add_func("/x64/bench/dot", dot);
    int rc = g_test_run();
    backend_destroy(be);
    g_free(window);
    return rc;
}
