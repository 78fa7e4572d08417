/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words of the data processing rows with registers that are free, and loads and stores of every kind in between. */
#include "tests/cpu/arm_stream.h"

#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/tables.h"
#include "tests/cpu/arm_program.h"
#include "tests/cpu/random.h"

static uint32_t features;
static bool thumb;
static GPtrArray *arm_rows, *half_rows, *word_rows; /* struct arm_row, that compute only */

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

void stream_begin(uint32_t of_features, bool of_thumb)
{
    features = of_features;
    thumb = of_thumb;
    arm_rows = data_rows(true, false);
    half_rows = data_rows(false, true);
    word_rows = data_rows(true, true);
}

void stream_end(void)
{
    g_ptr_array_free(arm_rows, TRUE);
    g_ptr_array_free(half_rows, TRUE);
    g_ptr_array_free(word_rows, TRUE);
}

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

void stream_generate(GRand *r, struct stream *s)
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
