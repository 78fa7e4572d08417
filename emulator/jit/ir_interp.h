/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the IR interpreter: the decoded form of a region, and the operations that are too rare or too large to
 * stand in its loop.
 *
 * Values live in 64-bit words: I32 and F32 in the low half of one (upper half 0), I64, F64 one, V128, F80 and
 * guards two (a guard: host address, or 0 for a device; guest address).
 */
#ifndef VITRINE_JIT_IR_INTERP_H
#define VITRINE_JIT_IR_INTERP_H

#include "emulator/jit/ir.h"
#include "emulator/jit/jit.h"

/* X(name): what the loop executes.  _W: 32 bits, _D: 64 bits. */
#define PAIR(X, name) X(name##_W) X(name##_D)
#define CODES(X)                                                                                             \
    X(MOV) X(MOV2) X(JUMP) X(BRIF) X(EXIT) X(EXITIF) X(CHARGE) X(CALL) X(CALLIF) X(FENCE) X(BANKMOVE) X(CSR_OUT) \
    X(LDS_W) X(LDS_D) X(LDS_T) X(LDS_Q) X(LDB_W) X(LDB_D) X(LDB_T) X(LDB_Q)                                   \
    X(STS_W) X(STS_D) X(STS_T) X(STS_Q) X(STB_W) X(STB_D) X(STB_T) X(STB_Q)                                   \
    X(LDSTATE_1) X(LDSTATE_2) X(LDSTATE_4) X(LDSTATE_8) X(STSTATE_1) X(STSTATE_2) X(STSTATE_4) X(STSTATE_8)    \
    PAIR(X, ADD) PAIR(X, SUB) PAIR(X, MUL) PAIR(X, AND) PAIR(X, OR) PAIR(X, XOR) PAIR(X, ANDN) PAIR(X, NOT)    \
    PAIR(X, NEG) PAIR(X, SHL) PAIR(X, SHR) PAIR(X, SAR) PAIR(X, ROL) PAIR(X, ROR) PAIR(X, ADC) PAIR(X, SBB)    \
    PAIR(X, CARRY) PAIR(X, BORROW) PAIR(X, EXTRACT) PAIR(X, INSERT) PAIR(X, EVAL)                             \
    X(SEXT8_W) X(SEXT16_W) X(SEXT8_D) X(SEXT16_D) X(SEXT32_D) X(ZEXT8) X(ZEXT16) X(ZEXT32)                     \
    PAIR(X, EQ) PAIR(X, NE) PAIR(X, LTS) PAIR(X, GES) PAIR(X, LES) PAIR(X, GTS) PAIR(X, LTU) PAIR(X, GEU)      \
    PAIR(X, LEU) PAIR(X, GTU) X(SELECT) X(SELECT2)                                                           \
    X(GUARD_R) X(GUARD_W) X(GUARD_SLOW) X(GUARD_USER)                                                        \
    X(LD1U) X(LD1S_W) X(LD1S_D) X(LD2U) X(LD2S_W) X(LD2S_D) X(LD4U) X(LD4S_D) X(LD8)                           \
    X(LD2UX) X(LD2SX_W) X(LD2SX_D) X(LD4UX) X(LD4SX_D) X(LD8X) X(LD16) X(LD16X)                                \
    X(ST1) X(ST2) X(ST4) X(ST8) X(ST2X) X(ST4X) X(ST8X) X(ST16) X(ST16X) X(ATOMIC)                             \
    X(FADD_W) X(FSUB_W) X(FMUL_W) X(FDIV_W) X(FADD_D) X(FSUB_D) X(FMUL_D) X(FDIV_D)                            \
    X(FNEG_W) X(FNEG_D) X(FABS_W) X(FABS_D) X(FLOAT) X(FLANE0) X(FLANE1) X(FSETLANE0) X(FSETLANE1) X(VECTOR)

enum code {
#define X(name) DO_##name,
    CODES(X)
#undef X
    N_CODES
};

struct interp_op {
    uint16_t code, aux;
    uint32_t dst, a, b, c; /* words, or what the operation says */
    uint32_t insn;         /* of the region it came from */
};

struct interp_snap {
    uint32_t value;
    uint16_t offset;
    uint8_t size; /* bytes */
    bool banked;
};

/* Decoded: one allocation together with the arrays. */
struct interp_code {
    uint32_t n_words;  /* values */
    uint32_t n_consts; /* words at the front that are copied in */
    uint32_t n_ops;
    struct interp_op *op;
    uint64_t *constant;
    struct interp_snap *snap; /* as the region's */
    uint32_t *word;           /* instruction -> first word of its value */
};

/* Bytes wanted for the decoded form of r at most, and decoding into them. */
size_t ir_interp_decoded_size(const struct ir_region *r);
struct interp_code *ir_interp_decode(const struct ir_region *r, void *memory);

/* Floating point other than the simplest, vectors: dst, a, b, c are values. */
void ir_interp_float(struct jit_cpu *cpu, const struct ir_insn *i, unsigned from, uint64_t *dst, const uint64_t *a,
                     const uint64_t *b, const uint64_t *c);
void ir_interp_vector(const struct ir_insn *i, unsigned from, uint64_t *dst, const uint64_t *a, const uint64_t *b,
                      const uint64_t *c);

/* The host's floating point control, and the guest's. */
uint32_t ir_interp_get_csr(void);
void ir_interp_set_csr(uint32_t csr);

#endif
