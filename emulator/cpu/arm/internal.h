/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of this folder share: slots, the translation context, the instruction table's row, helpers.
 */
#ifndef VITRINE_CPU_ARM_INTERNAL_H
#define VITRINE_CPU_ARM_INTERNAL_H

#include "emulator/cpu/arm/arm.h"

/* ---- slots ---- register r (0..14) is slot r */
enum arm_slot {
    SLOT_SP = 13,
    SLOT_LR = 14,
    SLOT_FLAG_KIND,
    SLOT_FLAG_A,
    SLOT_FLAG_B,
    SLOT_FLAG_C,
    SLOT_FLAG_NZ,
    SLOT_Q,
    SLOT_GE,
    SLOT_FP_NZCV,
    SLOT_D0, /* F64 each; D(n) is slot SLOT_D0 + n */
    ARM_N_SLOTS = SLOT_D0 + 32,
};

/* ---- the program counter's state bits (head of arm.h) ---- */
#define PC_T        UINT64_C(1)
#define PC_IT_SHIFT 32
#define PC_IT       (UINT64_C(0xff) << PC_IT_SHIFT)

/* ---- translation of one instruction ---- */
struct arm_row;
struct xlat {
    struct ir_builder *b;
    struct jit_insn *i;
    uint32_t word;      /* ARM word, or Thumb: the 16-bit one, or first halfword << 16 | second; coprocessor, VFP and
                           NEON instructions of Thumb arrive in ARM form (condition AL) */
    uint32_t pc;        /* address, no state bits */
    bool thumb;
    uint8_t size;       /* 2 or 4 bytes */
    uint8_t cond;       /* 0..14; the emitter is called where it holds, or makes values that x_put() selects from */
    uint8_t it;         /* ITSTATE of this instruction; 0 outside */
    bool in_it;         /* Thumb: data processing of 16 bits does not set flags */
    bool ended;         /* the block has been ended (flow JIT_END) */
    ir_ref pass;        /* I32 0/1: a condition that is applied to each result by x_put(); IR_NONE: none */
    uint32_t mode;      /* enum arm_key */
    uint32_t features;  /* enum arm_feature */
    const struct arm_row *row;
};

enum arm_row_flags {
    ROW_SAFE = 1,   /* neither leaves the region nor has effects but x_put() and the flag setters: conditional execution
                       may compute it and select */
    ROW_PRIV = 2,   /* undefined in user mode */
    ROW_FP = 4,     /* undefined while VFP is off (ARM_KEY_VFP) */
    ROW_UNCOND = 8, /* does not look at the condition (ARM: the 1111 space) */
};

/* One row of an instruction table: the first whose (word & mask) == value and whose features the model has. */
struct arm_row {
    uint32_t mask, value;
    const char *name;
    uint32_t needs; /* enum arm_feature, all of them */
    void (*emit)(struct xlat *x);
    uint32_t aux;   /* the emitter's */
    uint8_t flags;  /* enum arm_row_flags */
};

/* Tables end with a row of mask 0 and emit NULL.  arm_vfp_rows: conditional coprocessor 10 and 11 instructions (ARM
 * words; bits 31..28 are not part of masks). arm_neon_rows: ARM words with bits 31..28 = 1111 (Advanced SIMD data
 * processing, element and structure loads and stores); Thumb forms are brought into that form before (0406C A7.4,
 * A7.7). */
extern const struct arm_row arm_vfp_rows[];
extern const struct arm_row arm_neon_rows[];

/* ---- translate.c: common pieces ---- */
static inline ir_ref x_i32(struct xlat *x, uint32_t value)
{
    return ir_const(x->b, IR_I32, value);
}
static inline unsigned x_bits(const struct xlat *x, unsigned low, unsigned n) /* of the word */
{
    return x->word >> low & ((1u << n) - 1);
}
/* Register r as an operand; 15: pc + 8 or + 4. */
ir_ref x_reg(struct xlat *x, unsigned r);
/* Word-aligned pc operand of literal loads. */
ir_ref x_pc_aligned(struct xlat *x);
/* Writes r0..r14 (never 15), or any slot; honours x->pass. */
void x_put(struct xlat *x, unsigned r, ir_ref value);
void x_put_slot(struct xlat *x, unsigned slot, ir_ref value);
void x_undefined(struct xlat *x);                   /* ends the block */
void x_raise(struct xlat *x, uint32_t reason, ir_ref info); /* ends the block */
/* The instruction is complete; go on behind it through the dispatcher (mode or mappings changed). */
void x_end_dispatch(struct xlat *x);
/* Size (log2) and byte order for ir_load_at() and its kin. */
unsigned x_mem(const struct xlat *x, unsigned size);
/* N Z C V from four bits (I32, 3..0), for VMRS and MSR. */
void x_set_nzcv(struct xlat *x, ir_ref nzcv);

/* ---- condition.c ---- */
unsigned arm_flags_of(uint32_t kind, uint32_t a, uint32_t b, uint32_t c, uint32_t nz); /* N Z C V in bits 3..0 */

/* ---- state (cpu.c) ---- */
/* ITSTATE of the next instruction (0406C A2.5.2). */
static inline unsigned arm_it_advance(unsigned it)
{
    return it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
}
void arm_set_processor_mode(struct arm_cpu *cpu, uint32_t mode); /* switches banks, nothing else */
uint32_t *arm_spsr(struct arm_cpu *cpu);                         /* NULL in user and system mode */
void arm_update_mode(struct arm_cpu *cpu); /* jit.mode and context after changes of CPSR, SCTLR, CPACR, FPEXC, FPSCR */

/* ---- vfp.c ---- */
uint64_t arm_fp_fix(struct jit_cpu *cpu, const struct ir_insn *insn, uint64_t a, uint64_t b, uint64_t c);
void arm_fp_reset(struct arm_cpu *cpu, bool user_mode);
/* The bits of enum arm_key that FPEXC, FPSCR and CPACR ask for. */
uint32_t arm_fp_mode(const struct arm_cpu *cpu);

#endif
