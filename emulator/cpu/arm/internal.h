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
    SLOT_FLAG_CARRY,
    SLOT_Q,
    SLOT_GE,
    SLOT_FP_NZCV,
    SLOT_D0, /* F64 each; D(n) is slot SLOT_D0 + n */
    SLOT_QC = SLOT_D0 + 32, /* V128 */
    ARM_N_SLOTS,
};

/* ---- the program counter's state bits (head of arm.h) ---- */
#define PC_T        UINT64_C(1)
#define PC_IT_SHIFT 32
#define PC_IT       (UINT64_C(0xff) << PC_IT_SHIFT)
/* A Thumb instruction that lies across two pages: its second halfword, once it was fetched. */
#define PC_SECOND_SHIFT 40
#define PC_SECOND   (UINT64_C(1) << 56)

/* Exception numbers behind enum arm_exception, resolved before anybody sees them. */
enum {
    ARM_RAISE_SECOND_HALF = 0x100,
    ARM_RAISE_RETURN,    /* exit_info: where to; CPSR from the SPSR */
    ARM_RAISE_RETURN_TO, /* exit_info: where to, and CPSR in the upper half */
    ARM_RAISE_SMC,
    ARM_RAISE_FAULTED,   /* a helper met a data abort; fault registers are set */
};

/* ---- translation of one instruction ---- */
struct arm_row;
struct xlat {
    struct ir_builder *b;
    struct jit_insn *i;
    uint32_t word;      /* ARM word, or Thumb: the 16-bit one, or first halfword << 16 | second; coprocessor, VFP and
                           NEON instructions of Thumb arrive in ARM form (condition AL) */
    uint32_t pc;        /* address, no state bits */
    bool thumb;
    bool inside;        /* between ir_if() and ir_endif() */
    bool new_flags;     /* N, Z, C or V may have changed */
    bool ended;         /* the block has been ended (flow JIT_END) */
    uint8_t size;       /* 2 or 4 bytes */
    uint8_t cond;       /* 0..14 */
    uint8_t it;         /* ITSTATE of this instruction; 0 outside of an IT block */
    uint8_t rd, rn, rm, ra; /* as the row's layout says */
    ir_ref pass;        /* I32 0/1: a condition that is applied to each result by ax_put(); IR_NONE: none */
    uint32_t mode;      /* enum arm_key */
    uint32_t features;  /* enum arm_feature */
    const struct arm_row *row;
};

enum arm_row_flags {
    ROW_SAFE = 1,   /* neither leaves the region nor has effects but ax_put() and the flag setters: conditional
                       execution computes it and selects; others are branched around */
    ROW_PRIV = 2,   /* undefined in user mode */
    ROW_FP = 4,     /* undefined while VFP is off (ARM_KEY_VFP) */
    ROW_COND = 8,   /* deals with x->cond itself */
    /* where registers stand: */
    ROW_REGS_ARM = 1 << 8,   /* rn 19..16, rd 15..12, ra 11..8, rm 3..0 */
    ROW_REGS_MUL = 2 << 8,   /* rd 19..16, ra 15..12, rm 11..8, rn 3..0 (multiplies of ARM) */
    ROW_REGS_THUMB = 3 << 8, /* rn 19..16, ra 15..12, rd 11..8, rm 3..0 */
    ROW_REGS = 3 << 8,
};

/* One row of an instruction table: the first whose (word & mask) == value and whose features the model has. */
struct arm_row {
    uint32_t mask, value;
    const char *name;
    uint32_t needs; /* enum arm_feature, all of them */
    void (*emit)(struct xlat *x);
    uint32_t aux;   /* the emitter's */
    uint16_t flags; /* enum arm_row_flags */
};

/* Tables end with a row of mask 0 and emit NULL.  arm_vfp_rows: conditional coprocessor 10 and 11 instructions (ARM
 * words; bits 31..28 are not part of masks). arm_neon_rows: ARM words with bits 31..28 = 1111 (Advanced SIMD data
 * processing, element and structure loads and stores); Thumb forms are brought into that form before (0406C A7.4,
 * A7.7). */
extern const struct arm_row arm_vfp_rows[];
extern const struct arm_row arm_neon_rows[];

/* The other tables: ARM words by bits 27..25, the 1111 space, Thumb halfwords by bits 15..13, Thumb words by bits
 * 28..27, and halves of BL that stand alone. */
extern const struct arm_row *const arm_arm_rows[8];
extern const struct arm_row arm_unconditional_rows[];
extern const struct arm_row *const arm_thumb_rows[8];
extern const struct arm_row *const arm_thumb_word_rows[4];
extern const struct arm_row arm_thumb_halves[];
/* The row of a word; NULL: undefined. `thumb_size`: 0 ARM, else bytes of the Thumb instruction.  *word may be brought
 * into ARM form. */
const struct arm_row *arm_decode(uint32_t *word, unsigned thumb_size, uint32_t features);

/* ---- translate.c: common pieces ---- */
static inline ir_ref ax_i32(struct xlat *x, uint32_t value)
{
    return ir_const(x->b, IR_I32, value);
}
static inline unsigned ax_bits(const struct xlat *x, unsigned low, unsigned n) /* of the word */
{
    return x->word >> low & ((1u << n) - 1);
}
static inline bool ax_bit(const struct xlat *x, unsigned bit)
{
    return x->word >> bit & 1;
}
static inline ir_ref ax_and(struct xlat *x, ir_ref a, uint32_t mask)
{
    return ir_bin(x->b, IR_AND, a, ax_i32(x, mask));
}
static inline ir_ref ax_add(struct xlat *x, ir_ref a, uint32_t k)
{
    return k ? ir_bin(x->b, IR_ADD, a, ax_i32(x, k)) : a;
}
static inline ir_ref ax_extract(struct xlat *x, ir_ref v, unsigned low, unsigned bits) /* zero-extended */
{
    return ir_op1(x->b, IR_EXTRACT, IR_I32, (uint16_t)(low | bits << 8), v);
}
static inline ir_ref ax_sext(struct xlat *x, ir_ref v, unsigned bits)
{
    return ir_op1(x->b, IR_SEXT, IR_I32, (uint16_t)bits, v);
}
static inline ir_ref ax_wide(struct xlat *x, ir_ref v, bool is_signed) /* I32 -> I64 */
{
    return ir_op1(x->b, is_signed ? IR_SEXT : IR_ZEXT, IR_I64, 32, v);
}
static inline ir_ref ax_low(struct xlat *x, ir_ref v) /* I64 -> I32 */
{
    return ir_op1(x->b, IR_TRUNC, IR_I32, 0, v);
}
static inline ir_ref ax_high(struct xlat *x, ir_ref v)
{
    return ax_low(x, ir_bin(x->b, IR_SHR, v, ir_const(x->b, IR_I64, 32)));
}
ir_ref ax_pair(struct xlat *x, ir_ref low, ir_ref high); /* I64 */
/* Register r as an operand; 15: pc + 8 or + 4. */
ir_ref ax_reg(struct xlat *x, unsigned r);
/* Word-aligned pc operand of literal loads. */
uint32_t ax_pc_aligned(struct xlat *x);
/* Writes r0..r14 (never 15), or any slot; honours x->pass. */
void ax_put(struct xlat *x, unsigned r, ir_ref value);
void ax_put_slot(struct xlat *x, unsigned slot, ir_ref value);
void ax_undefined(struct xlat *x);                   /* ends the block */
void ax_raise(struct xlat *x, uint32_t reason, ir_ref info); /* ends the block */
/* The instruction is complete; go on behind it through the dispatcher (mode or mappings changed). */
void ax_end_dispatch(struct xlat *x);
/* Jumps: to an address (with state bits); to a computed one.  A computed one exchanges instruction sets by its bit 0
 * (BX), or `stay`s in the current one. */
void ax_jump(struct xlat *x, uint64_t target, enum ir_exit_hint hint);
void ax_jump_to(struct xlat *x, ir_ref target, bool stay, enum ir_exit_hint hint);
/* r15 := value as data processing does it (ALUWritePC), and as loads do (LoadWritePC). */
void ax_alu_write_pc(struct xlat *x, ir_ref value);
void ax_load_write_pc(struct xlat *x, ir_ref value, enum ir_exit_hint hint);
/* Words at unaligned addresses rotate, other sizes ignore the low bits (0100I A2.8). */
static inline bool ax_legacy(const struct xlat *x)
{
    return !(x->mode & (ARM_KEY_UNALIGNED | ARM_KEY_ALIGN_CHECK));
}
/* Where the next instruction stands, as a return address. */
static inline uint32_t ax_return_address(const struct xlat *x)
{
    return (x->pc + x->size) | x->thumb;
}
/* Size (log2) and byte order for ir_load_at() and its kin. */
unsigned ax_mem(const struct xlat *x, unsigned size);

/* ---- condition.c ---- */
ir_ref flags_test(struct xlat *x, unsigned cond); /* I32 0/1; cond 0..13 */
ir_ref flags_carry(struct xlat *x);               /* I32 0/1 */
ir_ref flags_borrow(struct xlat *x);              /* its opposite */
ir_ref flags_pack(struct xlat *x);                /* N Z C V in bits 3..0 */
/* They honour x->pass. */
void flags_set_nz(struct xlat *x, ir_ref result);
void flags_set_nzc(struct xlat *x, ir_ref result, ir_ref carry); /* carry I32 0/1; IR_NONE: as it is */
void flags_set_add(struct xlat *x, ir_ref a, ir_ref b);
void flags_set_sub(struct xlat *x, ir_ref a, ir_ref b);
void flags_set_adc(struct xlat *x, ir_ref a, ir_ref b, ir_ref c); /* a + b + c */
void flags_set_sbc(struct xlat *x, ir_ref a, ir_ref b, ir_ref borrow); /* a - b - borrow */
void flags_set_nzcv(struct xlat *x, ir_ref nzcv); /* from bits 3..0, for VMRS and MSR */

/* ---- kuser.c ---- */
bool arm_emit_kuser(struct xlat *x); /* a kernel user helper stands at x->pc */

/* ---- translate_data.c ---- */
enum arm_shift { SHIFT_LSL, SHIFT_LSR, SHIFT_ASR, SHIFT_ROR };
/* Rm shifted by an immediate as DecodeImmShift() reads it (0406C A8.4.3). */
ir_ref ax_shift_imm(struct xlat *x, ir_ref v, unsigned type, unsigned imm5, ir_ref *carry);

unsigned arm_flags_of(uint32_t kind, uint32_t a, uint32_t b, uint32_t c, uint32_t nz, uint32_t carry); /* N Z C V in bits 3..0 */

/* ---- translate_mem.c ---- */
/* n words from an address on: one guard for all, or one for each. */
struct ax_span {
    unsigned n;
    ir_ref guard[16];
};
struct ax_span ax_span(struct xlat *x, unsigned access, unsigned align, ir_ref address, unsigned n);
static inline ir_ref ax_span_guard(const struct ax_span *s, unsigned k)
{
    return s->guard[s->n == 1 ? 0 : k];
}
static inline int32_t ax_span_offset(const struct ax_span *s, unsigned k)
{
    return s->n == 1 ? (int32_t)(4 * k) : 0;
}

/* ---- translate_sys.c ---- */
/* LDRT and its kin in a privileged mode; arguments as transfer() of translate_mem.c has them. */
void ax_unprivileged(struct xlat *x, unsigned how, unsigned rt, ir_ref address, unsigned rn, ir_ref moved);
/* LDM and STM with the S bit: user registers, or exception return. */
void ax_multiple_privileged(struct xlat *x, bool load, uint32_t list, ir_ref address, ir_ref moved);
/* Goes on at `target` with CPSR from the SPSR, or from `cpsr` unless that is IR_NONE. */
void ax_exception_return(struct xlat *x, ir_ref target, ir_ref cpsr);

/* ---- state (cpu.c) ---- */
/* ITSTATE of the next instruction (0406C A2.5.2). */
static inline unsigned arm_it_advance(unsigned it)
{
    return it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
}
void arm_set_processor_mode(struct arm_cpu *cpu, uint32_t mode); /* switches banks, nothing else */
uint32_t arm_read_status(struct arm_cpu *cpu, bool spsr);
void arm_write_status(struct arm_cpu *cpu, uint32_t value, uint32_t bytes, bool spsr); /* bytes: MSR's field mask */
uint32_t *arm_banked_sp(struct arm_cpu *cpu, uint32_t mode);
uint32_t *arm_user_register(struct arm_cpu *cpu, unsigned r); /* r8 to r14 */
uint32_t *arm_spsr(struct arm_cpu *cpu);                         /* NULL in user and system mode */
void arm_update_mode(struct arm_cpu *cpu); /* jit.mode and context after changes of CPSR, SCTLR, CPACR, FPEXC, FPSCR */

/* ---- exception.c, mmu.c, cp15.c ---- */
bool arm_raise(struct jit_cpu *cpu);
bool arm_interrupt(struct jit_cpu *cpu);
struct arm_walk {
    uint64_t physical;
    uint32_t size; /* of the page or section */
    bool readable, writable, executable;
    bool mixed; /* rights differ within 4 KiB */
};
/* Translates for an access; 0, or the fault status with its domain. */
uint32_t arm_mmu_walk(struct arm_cpu *cpu, uint32_t address, enum jit_access access, bool privileged,
                      struct arm_walk *out);
void arm_mmu_fault(struct arm_cpu *cpu, uint32_t address, enum jit_access access, uint32_t status);
bool arm_lookup(struct jit_cpu *cpu, uint64_t address, enum jit_access access, bool commit,
                struct jit_translation *out);
bool arm_io_read(struct jit_cpu *cpu, uint64_t physical, unsigned size, uint64_t *value);
bool arm_io_write(struct jit_cpu *cpu, uint64_t physical, unsigned size, uint64_t value);
void arm_misaligned(struct jit_cpu *cpu, uint64_t address, enum jit_access access);
/* As user mode would do it; false: exit_reason. Sizes 1, 2, 4. */
bool arm_unprivileged(struct arm_cpu *cpu, uint32_t address, unsigned size, bool write, uint64_t *value);
void arm_tlb_flush_all(struct arm_cpu *cpu);
void arm_tlb_flush_page(struct arm_cpu *cpu, uint32_t address);
/* CP15 in a privileged mode; `name` is op1 << 12 | CRn << 8 | CRm << 4 | op2. false: undefined. */
bool arm_cp15_read(struct arm_cpu *cpu, uint32_t name, uint32_t *value);
bool arm_cp15_write(struct arm_cpu *cpu, uint32_t name, uint32_t value);
/* Control registers as after a reset. */
void arm_cp15_reset(struct arm_cpu *cpu);

/* ---- vfp.c ---- */
uint64_t arm_fp_fix(struct jit_cpu *cpu, const struct ir_insn *insn, uint64_t a, uint64_t b, uint64_t c);
void arm_fp_reset(struct arm_cpu *cpu, bool user_mode);
/* The bits of enum arm_key that FPEXC, FPSCR and CPACR ask for. */
uint32_t arm_fp_mode(const struct arm_cpu *cpu);

#endif
