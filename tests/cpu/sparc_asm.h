/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Encoders of SPARC instructions for tests, after appendix F of the V8 manual, written apart from the emulator's
 * table.
 */
#ifndef VITRINE_TESTS_SPARC_ASM_H
#define VITRINE_TESTS_SPARC_ASM_H

#include <stdint.h>

enum { G0, G1, G2, G3, G4, G5, G6, G7, O0, O1, O2, O3, O4, O5, SP, O7, L0, L1, L2, L3, L4, L5, L6, L7, I0, I1, I2,
       I3, I4, I5, FP, I7 };

/* op = 2 */
enum { ADD = 0, AND, OR, XOR, SUB, ANDN, ORN, XNOR, ADDX, MULX, UMUL, SMUL, SUBX, UDIVX, UDIV, SDIV, ADDCC, ANDCC,
       ORCC, XORCC, SUBCC, ANDNCC, ORNCC, XNORCC, ADDXCC, UMULCC = 0x1a, SMULCC, SUBXCC, UDIVCC = 0x1e, SDIVCC,
       TADDCC = 0x20, TSUBCC, TADDCCTV, TSUBCCTV, MULSCC, SLL, SRL, SRA, RDY, RDPSR, RDWIM, RDTBR, WRY = 0x30, WRPSR,
       WRWIM, WRTBR, FPOP1, FPOP2, CPOP1, CPOP2, JMPL, RETT, TICC, FLUSH, SAVE, RESTORE };
/* op = 3 */
enum { LD = 0, LDUB, LDUH, LDD, ST, STB, STH, STD, LDSB = 9, LDSH, LDX, LDSTUB = 13, STX, SWAP, LDA, LDUBA, LDUHA,
       LDDA, STA, STBA, STHA, STDA, LDF = 0x20, LDFSR, LDDF = 0x23, STF, STFSR, STDFQ, STDF };
/* Bicc conditions */
enum { BN, BE, BLE, BL, BLEU, BCS, BNEG, BVS, BA, BNE, BG, BGE, BGU, BCC, BPOS, BVC };

static inline uint32_t op_rr(unsigned op3, unsigned rs1, unsigned rs2, unsigned rd)
{
    return 2u << 30 | rd << 25 | op3 << 19 | rs1 << 14 | rs2;
}
static inline uint32_t op_ri(unsigned op3, unsigned rs1, int imm, unsigned rd)
{
    return 2u << 30 | rd << 25 | op3 << 19 | rs1 << 14 | 1u << 13 | ((uint32_t)imm & 0x1fff);
}
static inline uint32_t mem_rr(unsigned op3, unsigned rs1, unsigned rs2, unsigned rd)
{
    return 3u << 30 | rd << 25 | op3 << 19 | rs1 << 14 | rs2;
}
static inline uint32_t mem_ri(unsigned op3, unsigned rs1, int imm, unsigned rd)
{
    return 3u << 30 | rd << 25 | op3 << 19 | rs1 << 14 | 1u << 13 | ((uint32_t)imm & 0x1fff);
}
static inline uint32_t mem_asi(unsigned op3, unsigned rs1, unsigned rs2, unsigned asi, unsigned rd)
{
    return 3u << 30 | rd << 25 | op3 << 19 | rs1 << 14 | asi << 5 | rs2;
}
static inline uint32_t sethi(uint32_t value, unsigned rd)
{
    return rd << 25 | 4u << 22 | value >> 10;
}
static inline uint32_t nop(void)
{
    return sethi(0, 0);
}
static inline uint32_t bicc(unsigned cond, int annul, int words)
{
    return (uint32_t)annul << 29 | cond << 25 | 2u << 22 | ((uint32_t)words & 0x3fffff);
}
static inline uint32_t fbfcc(unsigned cond, int annul, int words)
{
    return (uint32_t)annul << 29 | cond << 25 | 6u << 22 | ((uint32_t)words & 0x3fffff);
}
static inline uint32_t call(int words)
{
    return 1u << 30 | ((uint32_t)words & 0x3fffffff);
}
static inline uint32_t ticc(unsigned cond, int number)
{
    return op_ri(TICC, G0, number, cond);
}
static inline uint32_t fpop1(unsigned opf, unsigned rs1, unsigned rs2, unsigned rd)
{
    return 2u << 30 | rd << 25 | 0x34u << 19 | rs1 << 14 | opf << 5 | rs2;
}
static inline uint32_t fpop2(unsigned opf, unsigned rs1, unsigned rs2)
{
    return 2u << 30 | 0x35u << 19 | rs1 << 14 | opf << 5 | rs2;
}

#endif
