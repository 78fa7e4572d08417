/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random ARM and Thumb code gives the same registers, flags and memory in our interpreter, tier 1, tier 2 and in an
 * independent emulator (qemu-arm of the distribution; without it the interpreter is what the others are held to), on
 * processors from ARM926 to Cortex-A8 and with big-endian data (BE8, qemu-armeb).
 *
 * Words are made from the rows of the instruction tables. Streams are put together to one static program: each loads
 * its registers from a block, runs, and dumps them there; at the end the program writes all blocks to its standard
 * output. A difference is reduced to the fewest instructions that still differ, and printed.
 *
 *     arm_random [--long] [--seed N] [--streams N]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"
#include "tests/cpu/arm_guest.h"
#include "tests/cpu/random.h"

#define BATCH      64
#define BODY_MAX   120
#define BLOCK      2048 /* bytes of one stream's data */
#define DATA_BYTES 1024 /* the window that loads and stores reach */
#define IN         1024 /* initial state: r0..r14, CPSR */
#define OUT        1536 /* final state: the same */
#define BASE       1    /* register: points to the block */
#define COUNT      11   /* register: turns of the loop */
#define WORDS      15   /* registers that are dumped */

struct item {
    uint32_t word;
    uint8_t size; /* 2 or 4; Thumb words: first halfword << 16 | second */
};

struct stream {
    struct item body[BODY_MAX];
    unsigned n, loops;
    bool thumb;
    uint8_t block[BLOCK];
};

/* Processors; the oracle's name for each. */
static const struct core {
    const char *name, *model, *cpu;
    bool big; /* BE8 */
    unsigned share; /* of the streams that the first one runs: 1 in so many */
} cores[] = {
    {"", "max", "max", false, 1},
    {"cortex-a8/", "cortex-a8", "cortex-a8", false, 6},
    {"arm1176/", "arm1176jzf-s", "arm1176", false, 6},
    {"arm1136/", "arm1136jf-s", "arm1136", false, 6},
    {"arm926/", "arm926ej-s", "arm926", false, 6},
    {"be8/", "max", "max", true, 6},
};

static guint32 seed = 1;
static unsigned n_streams = 768;
static const char *oracle[2]; /* by byte order */
/* what the running test is about */
static bool thumb;
static const struct core *core;
static uint32_t features;

/* ------------------------------------------------------------------------------------------ generator */

static void put32(uint8_t *p, uint32_t v)
{
    v = GUINT32_TO_LE(v);
    memcpy(p, &v, 4);
}

static void put16(uint8_t *p, uint16_t v)
{
    v = GUINT16_TO_LE(v);
    memcpy(p, &v, 2);
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return GUINT32_FROM_LE(v);
}

static uint32_t interesting(GRand *r)
{
    static const uint32_t values[] = {
        0,    1,      2,      3,      0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x7f, 0x80,
        0xff, 0x7fff, 0x8000, 0xffff, 31,         32,         33,         0x00800080, 0x7fff8000, 0x80007fff,
        0x80808080, 0x7f7f7f7f, 0x01000001, 0x80000001,
    };
    return rnd(r, 3) ? g_rand_int(r) : values[rnd(r, G_N_ELEMENTS(values))];
}

static unsigned source(GRand *r)
{
    for (;;) {
        unsigned k = rnd(r, 15);
        if (k != 13)
            return k;
    }
}

static unsigned destination(GRand *r)
{
    for (;;) {
        unsigned k = rnd(r, 13);
        if (k != BASE && k != COUNT)
            return k;
    }
}

static uint32_t with(uint32_t word, unsigned at, unsigned value)
{
    return (word & ~(15u << at)) | value << at;
}


static bool is_data(const struct arm_row *row)
{
    return row->flags & ROW_SAFE && !(row->flags & ROW_PRIV);
}

/* Registers of a word, as its row places them. */
static bool place_arm(GRand *r, const struct arm_row *row, uint32_t *word)
{
    uint32_t w = *word;
    bool mul = (row->flags & ROW_REGS) == ROW_REGS_MUL, test;
    unsigned d = destination(r), d2 = destination(r);
    for (unsigned at = 0; at <= 16; at += at == 0 ? 8 : 4)
        if ((at != 8 || mul || row->emit == emit_dp_rsr) && (w >> at & 15 & ~(row->mask >> at & 15)) == (w >> at & 15))
            w = with(w, at, source(r)); /* a free field */
    if (mul) {
        if ((row->mask >> 16 & 15) == 0)
            w = with(w, 16, d);
        if (row->emit == emit_long || row->emit == emit_half_long || row->emit == emit_dual_long) {
            if (d == d2)
                return false;
            w = with(w, 12, d2);
        } else if ((row->emit == emit_mul || row->emit == emit_half_mul || row->emit == emit_word_half) && !row->aux) {
            w = with(w, 12, 0);
        }
    } else {
        test = (row->emit == emit_dp_imm || row->emit == emit_dp_reg || row->emit == emit_dp_rsr) &&
               (w >> 21 & 15) >= DP_TST && (w >> 21 & 15) <= DP_CMN;
        if (test && !(w >> 20 & 1))
            return false;
        w = with(w, 12, test ? 0 : d);
        if ((row->emit == emit_dp_imm || row->emit == emit_dp_reg || row->emit == emit_dp_rsr) &&
            ((w >> 21 & 15) == DP_MOV || (w >> 21 & 15) == DP_MVN))
            w = with(w, 16, 0);
    }
    if (row->emit == emit_bfi && (w >> 16 & 31) < (w >> 7 & 31))
        return false;
    if (row->emit == emit_bfx && (w >> 16 & 31) + (w >> 7 & 31) > 31)
        return false;
    *word = w;
    return true;
}

static bool arm_word(GRand *r, const struct arm_row *row, uint32_t *word)
{
    uint32_t w = ((g_rand_int(r) & ~row->mask) | row->value) & 0x0fffffff;
    if (!place_arm(r, row, &w))
        return false;
    w |= (rnd(r, 3) ? 14u : rnd(r, 15)) << 28;
    *word = w;
    return arm_decode(&w, 0, features) == row;
}

static bool free_field(const struct arm_row *row, unsigned at)
{
    return !(row->mask >> at & 15);
}

static bool thumb_word(GRand *r, const struct arm_row *row, uint32_t *word)
{
    uint32_t w = (g_rand_int(r) & ~row->mask) | row->value;
    unsigned d = destination(r), d2 = destination(r);
    bool lengthy = row->emit == emit_long || row->emit == emit_half_long || row->emit == emit_dual_long;
    bool test = (row->emit == emit_w_dp_reg || row->emit == emit_w_dp_imm) && row->aux >= DP_TST && row->aux <= DP_CMN;
    bool immediate = row->value >> 27 == 0x1e;
    if (free_field(row, 16) && row->emit != emit_movw && row->emit != emit_movt)
        w = with(w, 16, source(r));
    if (!test)
        w = with(w, 8, d);
    if (!immediate && row->emit != emit_w_mem)
        w = with(w, 0, source(r));
    if (row->value >> 23 == 0x1f6 || row->value >> 23 == 0x1f7) { /* multiplies */
        if (free_field(row, 12))
            w = with(w, 12, lengthy ? d2 : source(r));
        if (lengthy && d == d2)
            return false;
    }
    if (row->emit == emit_clz || row->emit == emit_rev)
        w = with(w, 16, w & 15); /* both must be the same */
    unsigned lsb = (w >> 12 & 7) << 2 | (w >> 6 & 3);
    if ((row->emit == emit_bfi && (w & 31) < lsb) || (row->emit == emit_bfx && (w & 31) + lsb > 31))
        return false;
    if (row->emit == emit_w_dp_imm && (w & 255) == 0 && (w >> 26 & 1) == 0 && (w >> 12 & 7) >= 1 && (w >> 12 & 7) <= 3)
        return false;
    if ((row->emit == emit_bfi || row->emit == emit_bfx || row->emit == emit_sat || row->emit == emit_sat16) && w >> 26 & 1)
        return false;
    if (row->emit == emit_sat && (w & 32 || (w >> 21 & 1 && !lsb))) /* the second is SSAT16 or unpredictable */
        return false;
    if (row->emit == emit_sat16 && w & 0x30)
        return false;
    if ((row->emit == emit_w_dp_reg || row->emit == emit_pkh) && w >> 15 & 1)
        return false;
    *word = w;
    return arm_decode(&w, 4, features) == row;
}

static bool thumb_half(GRand *r, const struct arm_row *row, uint32_t *word)
{
    static const uint8_t low[] = {0, 2, 3, 4, 5, 6, 7};
    uint32_t w = (g_rand_int(r) & 0xffff & ~row->mask) | row->value;
    unsigned d = low[rnd(r, 7)];
    if (row->emit == emit_t_imm8 || row->emit == emit_t_adr || row->emit == emit_t_add_sp)
        w = (w & ~0x700u) | d << 8;
    else if (row->emit == emit_t_adjust_sp || row->emit == emit_t_adr || row->emit == emit_t_add_sp)
        return false;
    else
        w = (w & ~7u) | d;
    if (row->emit == emit_t_adr || row->emit == emit_t_add_sp)
        return false; /* addresses are not the same everywhere */
    if (row->emit == emit_t_high) {
        unsigned rm = w >> 3 & 15, rd = (w & 7) | (w >> 4 & 8);
        if (rm == 13 || rm == 15 || rd == 13 || rd >= 14 || rd == BASE || rd == COUNT)
            return false;
        if (row->aux == DP_CMP && rd < 8 && rm < 8)
            return false;
    }
    *word = w;
    return arm_decode(&w, 2, features) == row;
}

/* All rows that compute only. */
static GPtrArray *data_rows(bool words, bool of_thumb)
{
    GPtrArray *rows = g_ptr_array_new();
    for (unsigned k = 0; k < 8; k++) {
        const struct arm_row *table = !of_thumb ? arm_arm_rows[k] : !words ? arm_thumb_rows[k] : k < 4 ? arm_thumb_word_rows[k] : NULL;
        for (; table && table->emit; table++)
            if (is_data(table) && (features & table->needs) == table->needs)
                g_ptr_array_add(rows, (gpointer)table);
    }
    return rows;
}

static GPtrArray *arm_rows, *half_rows, *word_rows;

static void add(struct stream *s, uint32_t word, unsigned size)
{
    s->body[s->n++] = (struct item){word, (uint8_t)size};
}

static void data_item(GRand *r, struct stream *s)
{
    uint32_t w;
    for (;;) {
        if (!s->thumb) {
            if (arm_word(r, arm_rows->pdata[rnd(r, arm_rows->len)], &w)) {
                add(s, w, 4);
                return;
            }
        } else if (!word_rows->len || rnd(r, 2)) {
            if (thumb_half(r, half_rows->pdata[rnd(r, half_rows->len)], &w)) {
                add(s, w, 2);
                return;
            }
        } else if (thumb_word(r, word_rows->pdata[rnd(r, word_rows->len)], &w)) {
            add(s, w, 4);
            return;
        }
    }
}

static uint32_t condition(GRand *r)
{
    return (rnd(r, 2) ? 14u : rnd(r, 15)) << 28;
}

/* Loads and stores within the window; `moving`: r12 is the base and is set before. */
static void arm_memory(GRand *r, struct stream *s)
{
    uint32_t c = condition(r), rd = destination(r), u = rnd(r, 2) << 23;
    unsigned kind = rnd(r, 9), base = 12, at = 256 + rnd(r, 512);
    uint32_t p = rnd(r, 2) << 24, w = p ? rnd(r, 2) << 21 : 0, l = rnd(r, 2) << 20;
    if (!(features & ARM_V6)) /* where words must be aligned */
        kind = rnd(r, 2) ? 5 : 8;
    else if (kind == 7 && !(features & ARM_V6K))
        kind = 6;
    if (kind >= 4)
        at &= ~7u;
    add(s, 0xe2800000 | BASE << 16 | 12 << 12 | (at >> 2 & 255) | 0xf00, 4); /* add r12, r1, #at */
    if (kind < 4)
        add(s, 0xe2800000 | 12 << 16 | 12 << 12 | (at & 3), 4);
    if (rd == 12)
        rd = 3;
    switch (kind) {
    case 0: add(s, c | 0x04000000 | p | u | rnd(r, 2) << 22 | w | l | base << 16 | rd << 12 | rnd(r, 256), 4); break;
    case 1: /* register offset */
        add(s, 0xe3a00000 | 5 << 12 | rnd(r, 16), 4);
        add(s, c | 0x06000000 | p | u | rnd(r, 2) << 22 | w | l | base << 16 | (rd == 5 ? 4 : rd) << 12 | rnd(r, 4) << 7 | 5, 4);
        break;
    case 2: {
        static const uint32_t ops[] = {0x000000b0, 0x001000b0, 0x001000d0, 0x001000f0};
        add(s, c | ops[rnd(r, 4)] | p | u | 1u << 22 | w | base << 16 | rd << 12 | rnd(r, 8) << 8 | rnd(r, 16), 4);
        break;
    }
    case 3: { /* LDRH and the like, by a register */
        static const uint32_t ops[] = {0x000000b0, 0x001000b0, 0x001000d0, 0x001000f0};
        add(s, 0xe3a00000 | 5 << 12 | rnd(r, 128), 4);
        add(s, c | ops[rnd(r, 4)] | p | u | w | base << 16 | (rd == 5 ? 4 : rd) << 12 | 5, 4);
        break;
    }
    case 4: /* pairs */
        rd = (uint32_t[]){2, 4, 6, 8}[rnd(r, 4)];
        add(s, c | (rnd(r, 2) ? 0x000000d0 : 0x000000f0) | p | u | 1u << 22 | w | base << 16 | rd << 12 | rnd(r, 8) << 8 | rnd(r, 4) << 2, 4);
        break;
    case 5: { /* several */
        uint32_t list = (g_rand_int(r) & 0x07fd) | 1u << rnd(r, 1);
        add(s, c | 0x08000000 | rnd(r, 2) << 24 | u | rnd(r, 2) << 21 | l | base << 16 | list, 4);
        break;
    }
    case 6: /* exclusive; the store nearly always succeeds */
        add(s, 0xe1900f9f | base << 16 | 3 << 12, 4);
        data_item(r, s);
        s->body[s->n - 1].word = 0xe2833001;
        add(s, 0xe1800f90 | base << 16 | 4 << 12 | 3, 4);
        break;
    case 7: { /* of other sizes */
        static const uint32_t op[] = {0x1d00f9f, 0x1c00f90, 0x1f00f9f, 0x1e00f90, 0x1b00f9f, 0x1a00f90};
        unsigned k = rnd(r, 3) * 2;
        add(s, 0xe0000000 | op[k] | base << 16 | 4 << 12, 4);
        if (!rnd(r, 4))
            add(s, 0xf57ff01f, 4); /* clrex */
        add(s, 0xe0000000 | op[k + 1] | base << 16 | 3 << 12 | 6, 4);
        break;
    }
    default: add(s, 0xe1000090 | rnd(r, 2) << 22 | base << 16 | rd << 12 | (rd == 2 ? 3 : 2), 4); break; /* swp */
    }
}

static void thumb_memory(GRand *r, struct stream *s)
{
    unsigned kind = rnd(r, 9), rd = (unsigned[]){0, 2, 3, 4, 5, 7}[rnd(r, 6)], at = 256 + rnd(r, 512);
    if (kind == 3 || kind == 4 || kind >= 6)
        at &= ~7u;
    add(s, 0xf2000000 | BASE << 16 | 6 << 8 | (at >> 8 & 7) << 12 | (at & 255), 4); /* addw r6, r1, #at */
    switch (kind) {
    case 0: { /* immediate, 16 bits */
        static const uint16_t ops[] = {0x6000, 0x6800, 0x7000, 0x7800, 0x8000, 0x8800};
        add(s, ops[rnd(r, 6)] | rnd(r, 32) << 6 | 6 << 3 | rd, 2);
        break;
    }
    case 1: /* register, 16 bits */
        add(s, 0x2500 | rnd(r, 256), 2);
        add(s, 0x5000 | rnd(r, 8) << 9 | 5 << 6 | 6 << 3 | (rd == 5 ? 4 : rd), 2);
        break;
    case 2: { /* 32 bits: all addressing modes */
        static const uint32_t ops[] = {0xf8000000, 0xf8100000, 0xf8200000, 0xf8300000, 0xf8400000, 0xf8500000, 0xf9100000, 0xf9300000};
        uint32_t op = ops[rnd(r, 8)] | 6 << 16 | (rd == 5 ? 4 : rd) << 12;
        switch (rnd(r, 3)) {
        case 0: add(s, op | 1u << 23 | rnd(r, 256), 4); break;
        case 1: add(s, op | 0x800 | (uint32_t[]){0x400, 0x500, 0x700, 0x100, 0x300}[rnd(r, 5)] | rnd(r, 256), 4); break;
        default:
            add(s, 0x2500 | rnd(r, 16), 2);
            add(s, op | rnd(r, 4) << 4 | 5, 4);
            break;
        }
        break;
    }
    case 3: /* pairs */
        add(s, 0xe8400000 | (uint32_t[]){0x1000000, 0x1200000, 0x200000}[rnd(r, 3)] | rnd(r, 2) << 23 | rnd(r, 2) << 20 | 6 << 16 |
                   (rd == 2 ? 3 : rd) << 12 | 2 << 8 | rnd(r, 32), 4);
        break;
    case 4: { /* several */
        uint32_t list = (g_rand_int(r) & 0x07bd) | 5;
        add(s, (rnd(r, 2) ? 0xe8800000 : 0xe9000000) | rnd(r, 2) << 21 | rnd(r, 2) << 20 | 6 << 16 | list, 4);
        break;
    }
    case 5: /* 16 bits, several; by words */
        s->body[s->n - 1].word &= ~3u;
        add(s, 0xc000 | rnd(r, 2) << 11 | 6 << 8 | (1 + rnd(r, 31)), 2);
        s->body[s->n - 1].word &= ~2u;
        s->body[s->n - 1].word |= 1;
        break;
    case 6:
        add(s, 0xe8500f00 | 6 << 16 | 3 << 12 | rnd(r, 8), 4);
        add(s, 0xe8400000 | 6 << 16 | 3 << 12 | 4 << 8 | rnd(r, 8), 4);
        break;
    case 7: {
        static const uint32_t op[] = {0xe8d00f4f, 0xe8c00f40, 0xe8d00f5f, 0xe8c00f50, 0xe8d0007f, 0xe8c00070};
        unsigned k = rnd(r, 3) * 2;
        add(s, op[k] | 6 << 16 | 4 << 12 | (k == 4 ? 5 << 8 : 0), 4);
        add(s, op[k + 1] | 6 << 16 | 2 << 12 | (k == 4 ? 3 << 8 : 0) | 7, 4);
        break;
    }
    default: /* push and pop at a stack of their own */
        add(s, 0x46b0, 2);                     /* mov r8, r6 */
        add(s, 0x46e9, 2);                     /* mov r9, sp */
        add(s, 0x46b5, 2);                     /* mov sp, r6 */
        add(s, 0xb400 | (0xbd & g_rand_int(r)) | 1, 2);
        add(s, 0x9000 | rd << 8 | rnd(r, 4), 2);
        add(s, 0xb082, 2);                     /* sub sp, #8 */
        add(s, 0x9800 | rd << 8 | rnd(r, 4), 2);
        add(s, 0xbc00 | 4 | rd, 2);
        s->body[s->n - 1].word = 0xbc00 | (0xbd & g_rand_int(r)) | 4;
        add(s, 0x46cd, 2);                     /* mov sp, r9 */
        add(s, 0x2600, 2);                     /* addresses are not the same everywhere */
        add(s, 0x46b0, 2);
        add(s, 0x46b1, 2);
        break;
    }
    if (kind < 8)
        add(s, 0x2600 | rnd(r, 256), 2);
}

static unsigned bytes_from(const struct stream *s, unsigned first)
{
    unsigned n = 0;
    for (unsigned k = first; k < s->n; k++)
        n += s->body[k].size;
    return n;
}

/* Loads, stores and computations one after the other, under a condition or its opposite. */
static void conditional_group(GRand *r, struct stream *s)
{
    unsigned cond = rnd(r, 14), turns = s->thumb ? 1 + rnd(r, 2) : 1;
    for (unsigned turn = 0; turn < turns; turn++) {
        unsigned n = s->thumb ? 1 + rnd(r, 4) : 2 + rnd(r, 6);
        if (s->thumb) {
            unsigned mask = 1u << (4 - n);
            unsigned first = cond ^ (turn && rnd(r, 2));
            for (unsigned k = 1; k < n; k++)
                mask |= (rnd(r, 2) ? first & 1 : !(first & 1)) << (4 - k);
            add(s, 0xbf00 | first << 4 | mask, 2);
        }
        for (unsigned k = 0; k < n; k++) {
            unsigned rd = (unsigned[]){0, 2, 3, 4, 5, 7}[rnd(r, 6)], memory = rnd(r, 3);
            if (!memory) {
                data_item(r, s);
                if (!s->thumb)
                    s->body[s->n - 1].word = with(s->body[s->n - 1].word, 28, cond ^ rnd(r, 2));
            } else if (s->thumb) {
                add(s, (memory == 1 ? 0x6000 : 0x6800) | rnd(r, 32) << 6 | BASE << 3 | rd, 2);
            } else {
                add(s, (cond ^ rnd(r, 2)) << 28 | (memory == 1 ? 0x05800000 : 0x05900000) | BASE << 16 | rd << 12 |
                           (rnd(r, DATA_BYTES - 4) & (features & ARM_V6 ? ~0u : ~3u)), 4);
            }
        }
    }
}

static void generate(GRand *r, struct stream *s)
{
    s->n = 0;
    s->thumb = thumb;
    s->loops = rnd(r, 3) ? 1 + rnd(r, 3) : 20;
    for (unsigned k = 0; k < BLOCK; k += 4)
        put32(s->block + k, interesting(r));
    unsigned wanted = 8 + rnd(r, 60);
    while (s->n < wanted && s->n < BODY_MAX - 40) {
        unsigned kind = rnd(r, 13);
        bool old = thumb && !(features & ARM_V6T2);
        if (old && kind != 2) {
            data_item(r, s);
        } else if (kind == 12) {
            conditional_group(r, s);
        } else if (kind < 2) {
            if (thumb) {
                thumb_memory(r, s);
            } else {
                arm_memory(r, s);
                add(s, 0xe3a0c000 | rnd(r, 256), 4); /* addresses are not the same everywhere */
            }
        } else if (kind == 2) { /* over a few */
            unsigned at = s->n, n = rnd(r, 4);
            add(s, 0, 4);
            if (thumb && (old || rnd(r, 2)))
                s->body[at].size = 2;
            for (unsigned k = 0; k <= n; k++)
                data_item(r, s);
            unsigned skip = bytes_from(s, at + 1);
            if (!thumb) {
                s->body[at].word = rnd(r, 15) << 28 | 0x0a000000 | ((skip / 4 - 1) & 0xffffff);
            } else if (s->body[at].size == 4) { /* offset from pc + 4 */
                s->body[at].word = 0xf0008000 | rnd(r, 14) << 22 | skip / 2;
            } else if (old || (skip >= 2 && rnd(r, 2))) {
                s->body[at].word = 0xd000 | rnd(r, 14) << 8 | ((skip - 2) / 2);
            } else {
                unsigned off = skip - 2;
                s->body[at].word = 0xb100 | rnd(r, 2) << 11 | (off >> 6 & 1) << 9 | (off >> 1 & 31) << 3 | rnd(r, 8);
            }
        } else if (thumb && kind < 6) { /* an IT block */
            unsigned n = 1 + rnd(r, 4), cond = rnd(r, 14), mask = 1u << (4 - n);
            for (unsigned k = 1; k < n; k++)
                mask |= (rnd(r, 2) ? cond & 1 : !(cond & 1)) << (4 - k);
            add(s, 0xbf00 | cond << 4 | mask, 2);
            for (unsigned k = 0; k < n; k++)
                data_item(r, s);
        } else {
            data_item(r, s);
        }
    }
}

/* -------------------------------------------------------------------------------------------- program */

struct program {
    GByteArray *file;
    uint32_t code, data, end;
    unsigned n;
};

static void emit(GByteArray *code, uint32_t word)
{
    uint8_t b[4];
    put32(b, word);
    g_byte_array_append(code, b, 4);
}

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
    return core->big ? GUINT32_SWAP_LE_BE(v) : v;
}

static uint16_t ordered16(uint16_t v)
{
    return core->big ? GUINT16_SWAP_LE_BE(v) : v;
}

static void set32(GByteArray *code, unsigned rd, uint32_t v)
{
    emit(code, 0xe59f0000 | rd << 12); /* ldr rd, [pc]; b over it */
    emit(code, 0xea000000);
    emit(code, ordered(v));
}

/* The body is called: ARM around it, which leaves flags alone on the way in and out. */
static void emit_stream(GByteArray *code, const struct stream *s, uint32_t block)
{
    set32(code, BASE, block);
    emit(code, 0xe5910000 | (IN + 60)); /* ldr r0, [r1, #...]; msr cpsr_fs, r0 */
    emit(code, 0xe12cf000);
    for (unsigned k = 0; k < WORDS - 1; k++)
        if (k != BASE && k != COUNT && k != 13)
            emit(code, 0xe5910000 | k << 12 | (IN + 4 * k));
    emit(code, 0xe3a00000 | COUNT << 12 | s->loops);
    emit(code, 0xe5910000 | IN);
    unsigned call = code->len, at;
    emit(code, 0);
    for (unsigned k = 0; k < WORDS - 1; k++)
        if (k != 13)
            emit(code, 0xe5810000 | k << 12 | (OUT + 4 * k));
    emit(code, 0xe10fe000); /* mrs lr, cpsr */
    emit(code, 0xe5810000 | 14 << 12 | (OUT + 60));
    emit(code, 0xe2500000 | COUNT << 16 | COUNT << 12 | 1);
    emit(code, 0x1a000000 | (((call - code->len - 8) >> 2) & 0xffffff));
    at = code->len;
    emit(code, 0xea000000);
    unsigned body = code->len;
    for (unsigned k = 0; k < s->n; k++)
        emit_item(code, &s->body[k], s->thumb);
    if (s->thumb) {
        static const struct item bx = {0x4770, 2}, nop = {0xbf00, 2};
        emit_item(code, &bx, true);
        if (code->len & 2)
            emit_item(code, &nop, true);
    } else {
        emit(code, 0xe12fff1e);
    }
    put32(code->data + call, (s->thumb ? 0xfa000000 : 0xeb000000) | (((body - call - 8) >> 2) & 0xffffff));
    put32(code->data + at, 0xea000000 | (((code->len - at - 8) >> 2) & 0xffffff));
}

static void order_words(uint8_t *data, gsize size)
{
    for (gsize k = 0; core->big && k < size; k += 4)
        put32(data + k, ordered(get32(data + k)));
}

static struct program build(const struct stream *s, unsigned n)
{
    struct program p = {.n = n};
    g_autoptr(GByteArray) code = g_byte_array_new();
    for (int pass = 0; pass < 2; pass++) { /* addresses depend on the size of the code */
        g_byte_array_set_size(code, 0);
        for (unsigned k = 0; k < n; k++)
            emit_stream(code, &s[k], p.data + k * BLOCK);
        set32(code, 0, 1);
        set32(code, 1, p.data);
        set32(code, 2, n * BLOCK);
        set32(code, 7, 4); /* write(1, data, size) */
        for (unsigned k = 0; k < G_N_ELEMENTS(guest_write_all); k++)
            emit(code, guest_write_all[k]);
        set32(code, 0, 0);
        set32(code, 7, 1); /* exit(0) */
        emit(code, 0xef000000);
        p.code = GUEST_BASE + 0x80;
        p.data = (p.code + code->len + 0xfff) & ~0xfffu;
        p.end = p.data + n * BLOCK;
    }
    GByteArray *file = g_byte_array_new();
    g_byte_array_set_size(file, p.end - GUEST_BASE);
    memset(file->data, 0, file->len);
    uint8_t *h = file->data;
    memcpy(h, "\x7f" "ELF\x01\x01\x01", 7); /* 32 bits, little-endian */
    h[5] = core->big ? 2 : 1;
    uint16_t half[10] = {2, 40, [4] = 52, 32, 1}; /* executable; ARM */
    for (unsigned k = 0; k < 2; k++)
        put16(h + 16 + 2 * k, ordered16(half[k]));
    for (unsigned k = 4; k < 7; k++)
        put16(h + 32 + 2 * k, ordered16(half[k]));
    put32(h + 20, ordered(1));
    put32(h + 24, ordered(p.code));
    put32(h + 28, ordered(52));
    put32(h + 36, ordered(0x05000000 | (core->big ? 0x00800000 : 0))); /* EABI 5, BE8 */
    uint32_t segment[8] = {1, 0, GUEST_BASE, GUEST_BASE, file->len, file->len, 7, 0x1000};
    for (unsigned k = 0; k < 8; k++)
        put32(h + 52 + 4 * k, ordered(segment[k]));
    memcpy(file->data + 0x80, code->data, code->len);
    for (unsigned k = 0; k < n; k++) {
        memcpy(file->data + (p.data - GUEST_BASE) + k * BLOCK, s[k].block, BLOCK);
        order_words(file->data + (p.data - GUEST_BASE) + k * BLOCK, BLOCK);
    }
    p.file = file;
    return p;
}

/* --------------------------------------------------------------------------------------------- running */

/* All blocks after the run; NULL when it failed. */
static uint8_t *run_oracle(const struct program *p)
{
    const char *const command[] = {oracle[core->big], "-cpu", core->cpu, NULL};
    uint8_t *blocks = oracle_run(command, p->file, p->n * BLOCK);
    if (blocks)
        order_words(blocks, p->n * BLOCK);
    return blocks;
}

static uint8_t *run_ours(const struct program *p, unsigned tier)
{
    struct guest *g = guest_new(core->model, tier, true, (p->end - GUEST_BASE + 0xffff) & ~0xffffu);
    if (core->big)
        arm_set_big_endian(g->cpu, true, false);
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
    g_autofree uint8_t *x = oracle[core->big] ? run_oracle(&p) : run_ours(&p, 0);
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
    arm_rows = data_rows(true, false);
    half_rows = data_rows(false, true);
    word_rows = data_rows(true, true);
    g_autofree struct stream *s = g_new(struct stream, BATCH);
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    unsigned different = 0;
    for (unsigned done = 0; done < MAX(n_streams / core->share, 1) && !different; done += BATCH) {
        for (unsigned k = 0; k < BATCH; k++)
            generate(r, &s[k]);
        struct program p = build(s, BATCH);
        g_autofree uint8_t *want = oracle[core->big] ? run_oracle(&p) : run_ours(&p, 0);
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
    g_ptr_array_free(arm_rows, TRUE);
    g_ptr_array_free(half_rows, TRUE);
    g_ptr_array_free(word_rows, TRUE);
    g_assert_cmpuint(different, ==, 0);
}

int main(int argc, char **argv)
{
    random_arguments(argc, argv, &seed, &n_streams, 200000);
    int keep = 1;
    g_test_init(&keep, &argv, NULL);
    g_autofree char *little = oracle_find("QEMU_ARM", "qemu-arm"), *big = oracle_find("QEMU_ARMEB", "qemu-armeb");
    oracle[0] = little;
    oracle[1] = big;
    for (unsigned n = 0; n < G_N_ELEMENTS(cores); n++)
        for (unsigned set = 0; set < 2; set++)
            for (unsigned t = oracle[cores[n].big] ? 0 : 1; t < 3; t++) {
                static const char *const tier[3] = {"interpreter", "tier-1", "tier-2"};
                g_autofree char *path =
                    g_strdup_printf("/arm/random/%s%s/%s", cores[n].name, set ? "thumb" : "arm", tier[t]);
                g_test_add_data_func(path, GUINT_TO_POINTER(n << 3 | set << 2 | t), test_tier);
            }
    return g_test_run();
}
