/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random SPARC code gives the same registers, condition codes, FSR and memory in our interpreter, tier 1, tier 2 and
 * in an independent emulator (qemu-sparc of the distribution; skipped where it is missing).
 *
 * Streams are put together to one static program: each loads its registers from a block, runs, and dumps them there;
 * at the end the program writes all blocks to its standard output. A difference is reduced to the fewest
 * instructions that still differ, and printed.
 *
 *     sparc_random [--long] [--seed N] [--streams N] [--model v8|v8plus]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cpu/sparc_asm.h"
#include "tests/cpu/sparc_guest.h"
#include "tests/cpu/random.h"

#define CCBIT       0x10 /* in op3: sets icc */
#define BATCH       64
#define BODY_MAX    160
#define BLOCK       2560 /* bytes of one stream's data */
#define DATA_BYTES  1024 /* the window that loads and stores reach */
#define IN          1024 /* initial state: r0..r31, f0..f31, y, fsr */
#define OUT         1536 /* final state: the same, and icc */
#define STACK_BYTES 0x10000

struct stream {
    uint32_t body[BODY_MAX];
    unsigned n;
    uint8_t block[BLOCK]; /* initial contents, big-endian */
    unsigned loops;
};

static guint32 seed = 1;
static unsigned n_streams = 512;
static const char *oracle_path, *oracles[2]; /* of the running test; V8, v8plus */
static bool old_oracle; /* before QEMU 9.2: chooses between two NaNs in its own way, so that it is none for floats,
                           * and hangs on some visual instructions */
static bool floats;     /* the streams of the running test use floating point */
static bool v9;         /* ... run on the v8plus model and use V9's instructions */
static bool visuals;    /* ... and UltraSPARC's visual ones */

/* ------------------------------------------------------------------------------------------ generator */

static void put32(uint8_t *p, uint32_t v)
{
    v = GUINT32_TO_BE(v);
    memcpy(p, &v, 4);
}

static uint32_t interesting(GRand *r)
{
    static const uint32_t values[] = {
        0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x7f, 0x80, 0x7fff, 0x8000, 0xffff, 31, 32, 33,
    };
    return rnd(r, 3) ? g_rand_int(r) : values[rnd(r, G_N_ELEMENTS(values))];
}

static uint32_t interesting_float(GRand *r, bool upper_of_double)
{
    static const uint32_t singles[] = {
        0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001, 0xffc12345, 0x00000001,
        0x807fffff, 0x00800000, 0x7f7fffff, 0x4effffff, 0x4f000000, 0xcf000000, 0x3f000000, 0x40490fdb, 0x4b000001,
    };
    static const uint32_t doubles[] = {
        0, 0x80000000, 0x3ff00000, 0xbff00000, 0x7ff00000, 0xfff00000, 0x7ff80001, 0x7ff00001, 0x00000001, 0x800fffff,
        0x00100000, 0x7fefffff, 0x41dfffff, 0xc1e00000, 0x3fe00000, 0x400921fb, 0x47efffff, 0x36a00000, 0x380fffff,
    };
    switch (rnd(r, 4)) {
    case 0: return g_rand_int(r);
    case 1: /* moderate exponents */
        return upper_of_double ? 0x3e000000 + rnd(r, 0x04000000) : 0x3a000000 + rnd(r, 0x0c000000);
    default:
        return upper_of_double ? doubles[rnd(r, G_N_ELEMENTS(doubles))] : singles[rnd(r, G_N_ELEMENTS(singles))];
    }
}

/* %g1 is the data pointer, %g7 the loop counter; %sp and %fp stay. */
static unsigned source(GRand *r)
{
    return rnd(r, 32);
}
static unsigned destination(GRand *r)
{
    for (;;) {
        unsigned d = rnd(r, 32);
        if (d != G1 && d != G7 && d != SP && d != FP)
            return d;
    }
}

static int simm(GRand *r)
{
    return rnd(r, 2) ? (int)rnd(r, 8192) - 4096 : (int)rnd(r, 40) - 20;
}

static uint32_t arithmetic(GRand *r)
{
    static const uint8_t ops[] = {
        ADD, AND, OR, XOR, SUB, ANDN, ORN, XNOR, ADDX, UMUL, SMUL, SUBX, ADDCC, ANDCC, ORCC, XORCC, SUBCC, SUBCC, ANDNCC,
        ORNCC, XNORCC, ADDXCC, UMULCC, SMULCC, SUBXCC, TADDCC, TSUBCC, MULSCC, SLL, SRL, SRA, SUBCC, ADDCC,
    };
    unsigned op = ops[rnd(r, G_N_ELEMENTS(ops))], rs1 = source(r), rd = destination(r);
    if (old_oracle && (op == ADDXCC || op == SUBXCC))
        op -= CCBIT; /* QEMU 7.2 loses the carry of ADDXcc behind a logical operation */
    if (v9 && op == MULSCC) /* the upper half of its result is not defined */
        op = ADD;
    if (v9 && op == SLL) /* shifts all 64 bits (V9 A.49); qemu-sparc32plus clears the upper half */
        op = SRL;
    if (op >= SLL && op <= SRA)
        return rnd(r, 2) ? op_ri(op, rs1, (int)rnd(r, 32), rd) : op_rr(op, rs1, source(r), rd);
    return rnd(r, 2) ? op_ri(op, rs1, simm(r), rd) : op_rr(op, rs1, source(r), rd);
}

static uint32_t memory(GRand *r, bool fp)
{
    static const uint8_t ops[] = {LD, LDUB, LDUH, LDD, ST, STB, STH, STD, LDSB, LDSH, LDSTUB, SWAP};
    static const uint8_t sizes[] = {4, 1, 2, 8, 4, 1, 2, 8, 1, 2, 1, 4};
    if (fp) {
        static const uint8_t fops[] = {LDF, LDDF, STF, STDF};
        unsigned k = rnd(r, 4);
        unsigned size = k & 1 ? 8 : 4;
        return mem_ri(fops[k], G1, (int)(rnd(r, DATA_BYTES / size) * size), rnd(r, 32) & (k & 1 ? 30 : 31));
    }
    unsigned k = rnd(r, G_N_ELEMENTS(ops)), rd = destination(r);
    if (sizes[k] == 8) {
        static const uint8_t even[] = {G2, G4, O0, O2, O4, L0, L2, L4, L6, I0, I2, I4, G0};
        rd = even[rnd(r, ops[k] == LDD ? G_N_ELEMENTS(even) - 1 : G_N_ELEMENTS(even))];
    }
    return mem_ri(ops[k], G1, (int)(rnd(r, DATA_BYTES / sizes[k]) * sizes[k]), rd);
}

static uint32_t floating(GRand *r)
{
    unsigned d1 = rnd(r, 16) * 2, d2 = rnd(r, 16) * 2, d3 = rnd(r, 16) * 2;
    unsigned s1 = rnd(r, 32), s2 = rnd(r, 32), s3 = rnd(r, 32);
    unsigned kind = rnd(r, 20);
    switch (kind) {
    case 0: return fpop1(0x41, s1, s2, s3);
    case 1: return fpop1(0x42, d1, d2, d3);
    case 2: return fpop1(0x45, s1, s2, s3);
    case 3: return fpop1(0x46, d1, d2, d3);
    case 4: return fpop1(0x49, s1, s2, s3);
    case 5: return fpop1(0x4a, d1, d2, d3);
    case 6: return fpop1(0x4d, s1, s2, s3);
    case 7: return fpop1(0x4e, d1, d2, d3);
    case 8: return fpop1(0x29, 0, s2, s3);
    case 9: return fpop1(0x2a, 0, d2, d3);
    case 10: return fpop1(0x69, s1, s2, d3);
    case 11: return fpop1(0xc4, 0, s2, s3);
    case 12: return fpop1(0xc8, 0, s2, d3);
    case 13: return fpop1(0xc6, 0, d2, s3);
    case 14: return fpop1(0xc9, 0, s2, d3);
    case 15: return fpop2(rnd(r, 2) ? 0x51 : 0x55, s1, s2);
    case 16: return fpop2(rnd(r, 2) ? 0x52 : 0x56, d1, d2);
    case 17: return fpop1(1, 0, s2, s3);
    case 18: return fpop1(5, 0, s2, s3);
    default: return fpop1(9, 0, s2, s3);
    }
}

/* V9: 64-bit arithmetic, conditional moves, more registers and compares. */
static uint32_t newer(GRand *r, bool fp)
{
    unsigned rs1 = source(r), rs2 = source(r), rd = destination(r), cc = rnd(r, 2) << 12;
    unsigned d1 = rnd(r, 32), d2 = rnd(r, 32), d3 = rnd(r, 32); /* encodings of doubles, odd ones are f32 and up */
    if (fp)
        switch (rnd(r, 9)) {
        case 0: return fpop1((rnd(r, 3) << 2) | 2, 0, d2, d3); /* fmovd, fnegd, fabsd */
        case 1: return fpop1(0x42 + 4 * rnd(r, 4), d1, d2, d3);
        case 2: return fpop1(0x88, 0, d2, d3);              /* fxtod */
        case 3: return fpop1(0x84, 0, d2, rnd(r, 32));      /* fxtos */
        case 4: return fpop2(0x52, d1, d2) | rnd(r, 4) << 25; /* fcmpd to any fcc */
        case 5: return fpop2(0x51, rnd(r, 32), rnd(r, 32)) | rnd(r, 4) << 25;
        case 6: return fpop2(rnd(r, 4) << 6 | 2, 0, d2) | rnd(r, 16) << 14 | d3 << 25; /* fmovd on fcc */
        case 7: return fpop2(0x100 | rnd(r, 2) << 7 | 1, 0, d2) | rnd(r, 16) << 14 | d3 << 25; /* fmovs on icc, xcc */
        default: return fpop2((1 + rnd(r, 3) + 4 * rnd(r, 2)) << 5 | 6, rs1, d2) | d3 << 25; /* fmovrd */
        }
    switch (rnd(r, 13)) {
    case 0: return op_rr(MULX, rs1, rs2, rd);
    case 1: return op_ri(SLL + rnd(r, 3), rs1, (int)(0x1000 | rnd(r, 64)), rd);
    case 2: return op_rr(SLL + rnd(r, 3), rs1, rs2, rd) | 0x1000;
    case 3: return op_rr(0x2c, 0, rs2, rd) | 1u << 18 | cc | rnd(r, 16) << 14;
    case 4: return op_rr(0x2c, 0, 0, rd) | 1u << 18 | 1u << 13 | cc | rnd(r, 16) << 14 | (g_rand_int(r) & 0x7ff);
    case 5: return op_rr(0x2f, rs1, rs2, rd) | (1 + rnd(r, 3) + 4 * rnd(r, 2)) << 10;
    case 6: return op_rr(0x2e, 0, rs2, rd);                     /* popc */
    case 7: return mem_ri(LDX, G1, (int)rnd(r, DATA_BYTES / 8) * 8, rd);
    case 8: return mem_ri(STX, G1, (int)rnd(r, DATA_BYTES / 8) * 8, rd);
    case 9: return mem_ri(8, G1, (int)rnd(r, DATA_BYTES / 4) * 4, rd); /* ldsw */
    case 10: return mem_asi(rnd(r, 2) ? 0x3c : 0x3e, G1, rs2, 0x80, rd); /* cas, casx */
    case 11: return rnd(r, 2) ? op_rr(RDY, 2, 0, rd) : op_rr(WRY, rs1, rs2, 2); /* %ccr */
    default: return op_rr(0x2c, 0, rs2, rd) | rnd(r, 4) << 11 | rnd(r, 16) << 14; /* on fcc */
    }
}

/* UltraSPARC's visual instructions. */
static uint32_t visual(GRand *r)
{
    static const uint8_t to_integer[] = {0x20, 0x22, 0x24, 0x26, 0x28, 0x2a, 0x2c, 0x2e};
    static const uint8_t integer[] = {0x00, 0x02, 0x04, 0x06, 0x08, 0x0a, 0x10, 0x12, 0x14, 0x18, 0x1a};
    static const uint8_t floats_only[] = {0x31, 0x33, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3d, 0x3e, 0x48, 0x48,
                                          0x4b, 0x4d, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57};
    unsigned f1 = rnd(r, 32) << 14, f2 = rnd(r, 32), f3 = rnd(r, 32) << 25;
    uint32_t base = 2u << 30 | 0x36u << 19;
    switch (rnd(r, 7)) {
    case 0: return base | destination(r) << 25 | f1 | (uint32_t)to_integer[rnd(r, sizeof to_integer)] << 5 | f2;
    case 1:
    case 2: return op_rr(0x36, source(r), source(r), destination(r)) | (uint32_t)integer[rnd(r, sizeof integer)] << 5;
    case 3: return op_rr(WRY, source(r), source(r), 19); /* %gsr */
    case 4: { /* fields that an operation does not use are 0 */
        unsigned opf = rnd(r, 32);
        bool none = opf < 2 || opf >= 30, no_rs1 = none || opf / 2 == 3 || opf / 2 == 12,
             no_rs2 = none || opf / 2 == 5 || opf / 2 == 10;
        return base | f3 | (no_rs1 ? 0 : f1) | (0x60 + opf) << 5 | (no_rs2 ? 0 : f2);
    }
    default: {
        uint32_t opf = floats_only[rnd(r, sizeof floats_only)];
        bool unary = opf == 0x3b || opf == 0x3d || opf == 0x4d;
        return base | f3 | (unary ? 0 : f1) | opf << 5 | f2;
    }
    }
}

static uint32_t simple(GRand *r, unsigned flavour)
{
    if (visuals && rnd(r, 2))
        return visual(r);
    if (v9 && rnd(r, 3) == 0)
        return newer(r, flavour == 1 && rnd(r, 3));
    unsigned k = rnd(r, 16);
    if (flavour == 1 && k < 9)
        return rnd(r, 5) ? floating(r) : memory(r, true);
    if (k < 10)
        return arithmetic(r);
    if (k < 13)
        return memory(r, false);
    switch (k) {
    case 13: return sethi(g_rand_int(r), destination(r));
    case 14: return rnd(r, 2) ? op_rr(RDY, 0, 0, destination(r)) : op_rr(WRY, source(r), source(r), 0);
    default: return flavour == 1 ? floating(r) : arithmetic(r);
    }
}

static void add(struct stream *s, uint32_t word)
{
    g_assert_cmpuint(s->n, <, BODY_MAX);
    s->body[s->n++] = word;
}

static void generate(GRand *r, struct stream *s)
{
    unsigned flavour = floats, depth = 0;
    unsigned length = 4 + rnd(r, 40);
    s->n = 0;
    s->loops = rnd(r, 8) ? 1 + rnd(r, 3) : 300;
    for (unsigned k = 0; k < DATA_BYTES; k += 4)
        put32(s->block + k, rnd(r, 4) ? interesting(r) : interesting_float(r, k & 4 ? false : true));
    for (unsigned k = 0; k < 32; k++) {
        put32(s->block + IN + 4 * k, interesting(r));
        put32(s->block + IN + 128 + 4 * k, interesting_float(r, !(k & 1) && rnd(r, 2)));
    }
    put32(s->block + IN + 256, interesting(r));
    put32(s->block + IN + 260, rnd(r, 2) ? 0 : rnd(r, 4) << 30); /* FSR: rounding */

    for (unsigned k = 0; k < length; k++) {
        unsigned kind = rnd(r, 24);
        if (kind < 5) { /* forward branch over up to four instructions */
            unsigned skip = 1 + rnd(r, 4);
            bool fp = flavour == 1 && rnd(r, 2);
            if (rnd(r, 2))
                add(s, fp ? fpop2(rnd(r, 2) ? 0x51 : 0x52, rnd(r, 16) * 2, rnd(r, 16) * 2)
                          : op_rr(rnd(r, 3) ? SUBCC : ORCC, source(r), source(r), G0));
            if (fp && rnd(r, 2))
                add(s, nop());
            if (v9 && rnd(r, 2)) {
                uint32_t annul = rnd(r, 2) << 29;
                switch (rnd(r, 3)) {
                case 0: /* on %icc or %xcc, with a prediction */
                    add(s, annul | rnd(r, 16) << 25 | 1u << 22 | rnd(r, 2) << 21 | rnd(r, 2) << 19 | (skip + 1));
                    break;
                case 1: /* on a register */
                    add(s, annul | (1 + rnd(r, 3) + 4 * rnd(r, 2)) << 25 | 3u << 22 | source(r) << 14 | (skip + 1));
                    break;
                default: add(s, annul | rnd(r, 16) << 25 | 5u << 22 | rnd(r, 4) << 20 | (skip + 1)); break;
                }
            } else {
                add(s, fp ? fbfcc(rnd(r, 16), (int)rnd(r, 2), (int)skip + 1)
                          : bicc(rnd(r, 16), (int)rnd(r, 2), (int)skip + 1));
            }
            for (unsigned j = 0; j <= skip; j++) /* the slot, and what is skipped */
                add(s, simple(r, flavour));
            add(s, simple(r, flavour));
        } else if (kind == 5) { /* division, by no zero */
            static const uint8_t ops[] = {UDIV, SDIV, UDIVCC, SDIVCC};
            if (rnd(r, 2))
                add(s, rnd(r, 2) ? op_rr(WRY, G0, G0, 0) : op_ri(SRA, L1, 31, L2));
            if (rnd(r, 2))
                add(s, op_rr(WRY, L2, G0, 0));
            add(s, op_ri(OR, source(r), 1 + (int)rnd(r, 2), L0));
            add(s, nop());
            add(s, nop());
            add(s, op_rr(ops[rnd(r, 4)], rnd(r, 2) ? L1 : source(r), L0, destination(r)));
        } else if (kind == 6 && depth < (v9 ? 3 : 12)) { /* new windows, whose registers are set before they are read */
            unsigned saves = 1 + rnd(r, 3);
            if (s->n + saves * 20 + 60 > BODY_MAX)
                continue;
            for (unsigned j = 0; j < saves; j++) {
                add(s, op_ri(SAVE, SP, -96, SP));
                for (unsigned l = 0; l < 8; l++)
                    add(s, op_ri(XOR, I0 + (l & 5), simm(r), L0 + l));
                for (unsigned o = 0; o < 8; o++)
                    if (o != 6)
                        add(s, op_ri(ADD, L0 + o, simm(r), O0 + o));
                depth++;
            }
        } else if (kind == 7 && depth) {
            add(s, op_rr(RESTORE, source(r), source(r), rnd(r, 2) ? (unsigned)O0 : (unsigned)G0));
            depth--;
        } else if (kind == 9 && flavour == 1) {
            /* To integer; positive, as qemu-sparc makes a negative NaN the largest integer, the V9 manual (B.5) the
             * smallest. */
            unsigned from = rnd(r, 16) * 2, to = rnd(r, 32);
            add(s, fpop1(9, 0, from, from));
            add(s, fpop1(rnd(r, 2) ? 0xd1 : 0xd2, 0, from, to));
        } else if (kind == 8 && s->n + 12 < BODY_MAX) { /* a call and its return */
            add(s, call(4));
            add(s, op_ri(ADD, source(r), simm(r), L5)); /* must leave %o7 alone */
            add(s, bicc(BA, 0, 5)); /* comes back here */
            add(s, simple(r, flavour));
            add(s, op_ri(ADD, O7, 0, L3)); /* the callee */
            add(s, op_ri(JMPL, L3, 8, rnd(r, 2) ? (unsigned)G0 : (unsigned)L4));
            add(s, simple(r, 0));
            s->body[s->n - 1] = nop();
            add(s, nop());
        } else {
            add(s, simple(r, flavour));
        }
        if (s->n + depth + 20 > BODY_MAX)
            break;
    }
    while (depth--)
        add(s, op_rr(RESTORE, G0, G0, G0));
}

/* -------------------------------------------------------------------------------------------- program */

struct program {
    GByteArray *file;
    uint32_t code, data, stack, end;
    unsigned n;
};

static void emit(GByteArray *code, uint32_t word)
{
    uint8_t b[4];
    put32(b, word);
    g_byte_array_append(code, b, 4);
}

static void set32(GByteArray *code, uint32_t value, unsigned rd)
{
    emit(code, sethi(value, rd));
    emit(code, op_ri(OR, rd, (int)(value & 0x3ff), rd));
}

static void emit_stream(GByteArray *code, const struct stream *s, uint32_t block, uint32_t stack)
{
    set32(code, block, G1);
    emit(code, mem_ri(LDFSR, G1, IN + 260, 0));
    for (unsigned k = 0; k < 32; k += 2)
        emit(code, mem_ri(LDDF, G1, (int)(IN + 128 + 4 * k), k));
    emit(code, mem_ri(LD, G1, IN + 256, G2));
    emit(code, op_rr(WRY, G2, G0, 0));
    emit(code, nop());
    emit(code, nop());
    emit(code, nop());
    set32(code, stack, SP);
    for (unsigned k = 2; k < 32; k++)
        if (k != SP && k != FP && k != G7)
            emit(code, mem_ri(LD, G1, (int)(IN + 4 * k), k));
    set32(code, stack + 96, FP);
    emit(code, op_ri(OR, G0, (int)s->loops, G7));
    unsigned head = code->len;
    emit(code, op_rr(SUBCC, O0, O1, G0));
    for (unsigned k = 0; k < s->n; k++)
        emit(code, s->body[k]);
    for (unsigned k = 2; k < 32; k++)
        emit(code, mem_ri(ST, G1, (int)(OUT + 4 * k), k));
    static const uint8_t flags[4] = {BNEG, BE, BVS, BCS};
    emit(code, op_ri(OR, G0, 0, O0));
    for (unsigned k = 0; k < 4; k++) {
        emit(code, bicc(flags[k], 1, 2));
        emit(code, op_ri(OR, O0, 8 >> k, O0));
    }
    emit(code, mem_ri(ST, G1, OUT + 264, O0));
    emit(code, op_rr(RDY, 0, 0, O0));
    emit(code, mem_ri(ST, G1, OUT + 256, O0));
    emit(code, mem_ri(STFSR, G1, OUT + 260, 0));
    for (unsigned k = 0; k < 32; k += 2)
        emit(code, mem_ri(STDF, G1, (int)(OUT + 128 + 4 * k), k));
    if (v9) { /* whole registers where the initial ones stood */
        emit(code, mem_ri(LD, G1, OUT + 4 * O0, O0));
        for (unsigned k = 2; k < 32; k++)
            if (k != O0)
                emit(code, mem_ri(STX, G1, (int)(IN + 8 * k), k));
        emit(code, mem_ri(STFSR, G1, OUT + 272, 1));
        for (unsigned k = 1; k < 32; k += 2) /* f32 .. f62 */
            emit(code, mem_ri(STDF, G1, (int)(OUT + 280 + 4 * (k - 1)), k));
    }
    emit(code, mem_ri(LD, G1, OUT + 4 * O0, O0));
    emit(code, op_ri(SUBCC, G7, 1, G7));
    emit(code, bicc(BNE, 0, (int)((int)head - (int)code->len) / 4));
    emit(code, nop());
}

static struct program build(const struct stream *s, unsigned n)
{
    struct program p = {.n = n};
    g_autoptr(GByteArray) code = g_byte_array_new();
    for (int pass = 0; pass < 2; pass++) { /* addresses depend on the size of the code */
        g_byte_array_set_size(code, 0);
        /* one window down: qemu-sparc takes the first window for invalid once it was left */
        set32(code, p.stack + 0x800, SP);
        emit(code, op_ri(SAVE, SP, -96, SP));
        for (unsigned k = 0; k < n; k++)
            emit_stream(code, &s[k], p.data + k * BLOCK, p.stack);
        set32(code, p.data, O1);
        set32(code, n * BLOCK, O2);
        emit(code, op_ri(OR, G0, 1, O0));
        emit(code, op_ri(OR, G0, 4, G1)); /* write(1, data, size) */
        emit(code, ticc(BA, 0x10));
        /* what was not written yet: a process that is stopped meanwhile writes a part */
        emit(code, op_rr(ADD, O1, O0, O1));
        emit(code, op_rr(SUBCC, O2, O0, O2));
        emit(code, 0x14bffffb); /* bg: back to the first of these */
        emit(code, 0x01000000); /* nop */
        emit(code, op_ri(OR, G0, 0, O0));
        emit(code, op_ri(OR, G0, 1, G1)); /* exit(0) */
        emit(code, ticc(BA, 0x10));
        p.code = GUEST_BASE + 0x80;
        p.data = (p.code + code->len + 0xfff) & ~0xfffu;
        p.stack = (p.data + n * BLOCK + STACK_BYTES - 0x1000) & ~0xfu;
        p.end = p.stack + 0x1000;
    }
    GByteArray *file = g_byte_array_new();
    g_byte_array_set_size(file, p.data - GUEST_BASE + n * BLOCK);
    memset(file->data, 0, file->len);
    uint8_t *h = file->data;
    memcpy(h, "\x7f" "ELF\x01\x02\x01", 7); /* 32 bits, big-endian */
    put32(h + 16, 2u << 16 | (v9 ? 18 : 2)); /* executable; SPARC32PLUS, SPARC */
    put32(h + 20, 1);
    put32(h + 24, p.code);
    put32(h + 28, 52);
    put32(h + 36, v9 ? 0x100 : 0); /* EF_SPARC_32PLUS */
    put32(h + 40, 52u << 16 | 32);
    put32(h + 44, 1u << 16);
    uint32_t segment[8] = {1, 0, GUEST_BASE, GUEST_BASE, file->len, p.end - GUEST_BASE, 7, 0x1000};
    for (unsigned k = 0; k < 8; k++)
        put32(h + 52 + 4 * k, segment[k]);
    memcpy(file->data + 0x80, code->data, code->len);
    for (unsigned k = 0; k < n; k++)
        memcpy(file->data + (p.data - GUEST_BASE) + k * BLOCK, s[k].block, BLOCK);
    p.file = file;
    return p;
}

/* --------------------------------------------------------------------------------------------- running */

/* All blocks after the run; NULL when it failed. */
static uint8_t *run_oracle(const struct program *p)
{
    return oracle_run((const char *const[]){oracle_path, NULL}, p->file, p->n * BLOCK);
}

static uint8_t *run_ours(const struct program *p, unsigned tier)
{
    struct guest *g = guest_new(v9 ? "v8plus" : "v8", tier, (p->end - GUEST_BASE + 0xffff) & ~0xffffu);
    memcpy(g->window + GUEST_BASE, p->file->data, p->file->len);
    int trap = guest_run(g, p->code, INT64_C(100000000));
    uint8_t *result = NULL;
    if (trap == SPARC_TT_SOFTWARE + 0x10)
        result = g_memdup2(g->window + p->data, p->n * BLOCK);
    else
        g_test_message("tier %u: trap 0x%x at %08x, info %08x", tier, (unsigned)trap, (unsigned)g->cpu->jit.pc,
                       (unsigned)g->cpu->jit.exit_info);
    guest_free(g);
    return result;
}

/* FSR.ver and ftt differ between processors. Newer oracles accrue invalid (nva) in quiet compares of quiet NaNs,
 * without setting nvc: nva is left out there. */
static void normalise(uint8_t *block)
{
    uint32_t fsr;
    memcpy(&fsr, block + OUT + 260, 4);
    fsr = GUINT32_FROM_BE(fsr) & ~(SPARC_FSR_VER | SPARC_FSR_FTT | (old_oracle ? 0 : 0x200u));
    put32(block + OUT + 260, fsr);
    if (v9) {
        memcpy(&fsr, block + OUT + 276, 4);
        fsr = GUINT32_FROM_BE(fsr) & ~(SPARC_FSR_VER | SPARC_FSR_FTT | SPARC_FSR_AEXC);
        put32(block + OUT + 276, fsr);
    }
}

static bool has_oracle(void)
{
    return oracle_path && !((floats || visuals) && old_oracle);
}

static bool equal(uint8_t *want, uint8_t *got)
{
    normalise(want);
    normalise(got);
    return memcmp(want, got, BLOCK) == 0;
}

static bool differs(const struct stream *s, unsigned tier, uint8_t *a, uint8_t *b, bool *finished)
{
    struct program p = build(s, 1);
    g_autofree uint8_t *x = has_oracle() ? run_oracle(&p) : run_ours(&p, 0);
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
            uint32_t word = s->body[k];
            if (word == nop() || (word >> 30 == 2 && (word >> 19 & 0x3e) == SAVE)) /* windows stay balanced */
                continue;
            s->body[k] = nop();
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
        if (s->body[k] != nop()) {
            char text[80];
            sparc_disassemble(4 * k, s->body[k], v9 ? UINT32_MAX : UINT32_MAX & ~(SPARC_V9_SUBSET | SPARC_VIS), text, sizeof text);
            g_test_message("  %3x: %08x  %s", 4 * k, s->body[k], text);
        }
    g_test_message("  loops %u", s->loops);
    for (unsigned k = 0; k < BLOCK; k += 4)
        if (memcmp(a + k, b + k, 4)) {
            uint32_t x, y;
            memcpy(&x, a + k, 4);
            memcpy(&y, b + k, 4);
            unsigned at = k - OUT;
            g_autofree char *what = k < OUT   ? g_strdup_printf("memory %x", k)
                                    : at < 128 ? g_strdup_printf("r%u", at / 4)
                                    : at < 256 ? g_strdup_printf("f%u", (at - 128) / 4)
                                               : g_strdup(at == 256 ? "y" : at == 260 ? "fsr" : "icc");
            g_test_message("  %s: expected %08x, tier %u has %08x", what, GUINT32_FROM_BE(x), tier, GUINT32_FROM_BE(y));
        }
    for (unsigned k = 0; k < 64; k++) {
        uint32_t v;
        memcpy(&v, s->block + IN + 4 * k, 4);
        g_test_message("  initial %c%u %08x", k < 32 ? 'r' : 'f', k % 32, GUINT32_FROM_BE(v));
    }
}

static void test_tier(gconstpointer data)
{
    unsigned tier = GPOINTER_TO_UINT(data) & 3;
    floats = GPOINTER_TO_UINT(data) & 4;
    v9 = GPOINTER_TO_UINT(data) & 8;
    visuals = GPOINTER_TO_UINT(data) & 16;
    oracle_path = oracles[v9];
    g_autofree struct stream *s = g_new(struct stream, BATCH);
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    unsigned different = 0;
    for (unsigned done = 0; done < n_streams && !different; done += BATCH) {
        for (unsigned k = 0; k < BATCH; k++)
            generate(r, &s[k]);
        struct program p = build(s, BATCH);
        g_autofree uint8_t *want = has_oracle() ? run_oracle(&p) : run_ours(&p, 0);
        g_autofree uint8_t *got = run_ours(&p, tier);
        g_byte_array_unref(p.file);
        g_assert_nonnull(want);
        for (unsigned k = 0; k < BATCH && !different; k++) {
            if (!got || !equal(want + k * BLOCK, got + k * BLOCK)) {
                uint8_t a[BLOCK], b[BLOCK];
                bool finished;
                if (!got && !differs(&s[k], tier, a, b, &finished))
                    continue;
                g_test_message("stream %u of seed %u differs:", done + k, seed);
                report(&s[k], tier);
                different++;
            }
        }
        if (!got)
            different++;
    }
    g_assert_cmpuint(different, ==, 0);
}

static void check_version(void)
{
    g_autofree char *command = g_strdup_printf("%s --version", oracle_path);
    g_autofree char *text = NULL;
    unsigned major = 0, minor = 0;
    if (g_spawn_command_line_sync(command, &text, NULL, NULL, NULL) && text)
        sscanf(text, "qemu-sparc version %u.%u", &major, &minor);
    old_oracle = major * 100 + minor < 902;
    g_test_message("oracle: qemu-sparc %u.%u", major, minor);
}

int main(int argc, char **argv)
{
    random_arguments(argc, argv, &seed, &n_streams, 200000);
    int keep = 1;
    g_test_init(&keep, &argv, NULL);
    g_autofree char *qemu = oracle_find("QEMU_SPARC", "qemu-sparc"), *plus = oracle_find("QEMU_SPARC32PLUS", "qemu-sparc32plus");
    oracles[0] = oracle_path = qemu;
    oracles[1] = plus;
    if (qemu)
        check_version();
    static const struct {
        const char *name;
        unsigned flags; /* of test_tier(): 4 floating point, 8 v8plus, 16 visual instructions */
    } set[] = {{"integer", 0}, {"floating-point", 4}, {"v8plus-integer", 8}, {"v8plus-floating-point", 12},
               {"v8plus-visual", 24}};
    for (unsigned k = 0; k < G_N_ELEMENTS(set); k++)
        for (unsigned t = 0; t < 3; t++) {
            static const char *const tier[3] = {"interpreter", "tier-1", "tier-2"};
            if (t == 0 && (!oracles[set[k].flags >> 3 & 1] || ((set[k].flags & (4 | 16)) && old_oracle)))
                continue; /* the interpreter is the oracle then */
            g_autofree char *path = g_strdup_printf("/sparc/random/%s/%s", set[k].name, tier[t]);
            g_test_add_data_func(path, GUINT_TO_POINTER(set[k].flags | t), test_tier);
        }
    return g_test_run();
}
