/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A toy processor for tests of the JIT's runtime: 16 registers of 32 bits, r0 = 0, little-endian, 4-byte
 * instructions  op:8 a:4 b:4 imm:16 (signed), 1 MiB of RAM mapped at 0 through a one-level MMU that tests can change,
 * a device page at 0x80000000.
 */
#pragma once

#include "emulator/jit/jit.h"

enum toy_op {
    TOY_ADDI, /* a = b + imm */
    TOY_ADD,  /* a = b + r[imm & 15] */
    TOY_XOR,
    TOY_MUL,
    TOY_LOAD,  /* a = mem[b + imm] */
    TOY_STORE, /* mem[b + imm] = a */
    TOY_BNE,   /* if a != b: pc += imm */
    TOY_BLT,   /* signed */
    TOY_JMP,   /* pc += imm */
    TOY_CALL,  /* r15 = pc + 4, pc += imm */
    TOY_RET,   /* pc = r15 */
    TOY_JR,    /* pc = b */
    TOY_TRAP,  /* raise imm */
    TOY_EI,    /* interrupts on, through the dispatcher */
};

static inline uint32_t toy(enum toy_op op, unsigned a, unsigned b, int imm)
{
    return (uint32_t)op << 24 | a << 20 | b << 16 | (uint16_t)imm;
}

#define TOY_RAM   (1u << 20)
#define TOY_PAGES (TOY_RAM >> 12)

struct toy_cpu {
    struct jit_cpu head;
    uint32_t r[16];
    uint32_t irq_enabled, irq_pending, irqs_taken;
    uint32_t traps, last_trap;
    uint32_t device[16];
    uint64_t device_icount; /* jit_icount() at the last device access */
    bool stop_on_trap;
    uint8_t *ram;
    uint8_t flags[TOY_PAGES];
    uint32_t map[TOY_PAGES]; /* page -> page; UINT32_MAX = absent */
};

extern const struct jit_guest toy_guest;
struct toy_cpu *toy_new(struct jit *jit);
void toy_free(struct toy_cpu *cpu);
