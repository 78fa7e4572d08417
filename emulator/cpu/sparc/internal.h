/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of this folder share: slots, the translation context, the instruction table's row, helpers.
 */
#ifndef VITRINE_CPU_SPARC_INTERNAL_H
#define VITRINE_CPU_SPARC_INTERNAL_H

#include "emulator/cpu/sparc/sparc.h"

/* ---- slots ---- register r (1..31) is slot r - 1; 8..31 are banked */
enum sparc_slot {
    SLOT_Y = 31,
    SLOT_CC_KIND,
    SLOT_CC_A,
    SLOT_CC_B,
    SLOT_CC_C,
    SLOT_CWP,
    SLOT_WIM,
    SLOT_FCC_A,
    SLOT_FCC_B,
    SLOT_FPOP_KIND,
    SLOT_FPOP_A,
    SLOT_FPOP_B,
    SLOT_FCMP_KIND,
    SLOT_F0,
    SPARC_V8_SLOTS = SLOT_F0 + 16,
    SPARC_V9_SLOTS = SLOT_F0 + 32,
};
#define SLOT_R(r) ((r)-1u)

/* fcmp_kind: whether a compare of fcc_a and fcc_b may still have to raise invalid. */
enum { FCMP_EVALUATED, FCMP_QUIET, FCMP_SIGNALLING };

/* fpop_kind: opf of the last FPop in bits 8..0, and where its operands stand in fpop_a and fpop_b. */
enum {
    SPARC_FPOP_OPF = 0x1ff,
    SPARC_FPOP_HIGH1 = 1 << 9, /* a single first operand is the upper half of fpop_a */
    SPARC_FPOP_HIGH2 = 1 << 10,
    SPARC_FPOP_COMPARE = 1 << 11,
    SPARC_FPOP_VALID = 1 << 12,
};

/* Exception numbers above the trap types, resolved by sparc_raise(). */
enum {
    SPARC_RAISE_TICC = 0x100, /* exit_info: software trap number */
    SPARC_RAISE_INFO,         /* exit_info: trap type, found by a helper */
};

/* ---- instruction words (figure 5-1) ---- */
static inline unsigned field_op(uint32_t w)
{
    return w >> 30;
}
static inline unsigned field_rd(uint32_t w)
{
    return w >> 25 & 31;
}
static inline unsigned field_op2(uint32_t w)
{
    return w >> 22 & 7;
}
static inline unsigned field_op3(uint32_t w)
{
    return w >> 19 & 63;
}
static inline unsigned field_rs1(uint32_t w)
{
    return w >> 14 & 31;
}
static inline unsigned field_rs2(uint32_t w)
{
    return w & 31;
}
static inline unsigned field_opf(uint32_t w)
{
    return w >> 5 & 511;
}
static inline unsigned field_asi(uint32_t w)
{
    return w >> 5 & 255;
}
static inline unsigned field_cond(uint32_t w)
{
    return w >> 25 & 15;
}
static inline bool field_i(uint32_t w)
{
    return w >> 13 & 1;
}
static inline bool field_a(uint32_t w)
{
    return w >> 29 & 1;
}
static inline int32_t field_simm13(uint32_t w)
{
    return (int32_t)(w << 19) >> 19;
}
static inline int32_t field_disp22(uint32_t w)
{
    return (int32_t)(w << 10) >> 8; /* in bytes */
}
static inline int32_t field_disp19(uint32_t w)
{
    return (int32_t)(w << 13) >> 11;
}
static inline int32_t field_disp16(uint32_t w)
{
    return (int32_t)((w >> 6 & 0xc000) | (w & 0x3fff)) << 16 >> 14;
}

/* ---- translation of one instruction ---- */
struct xlat {
    struct ir_builder *b;
    struct jit_insn *i;
    uint32_t word;
    uint32_t pc;       /* of `word`, which may stand in the delay slot of i->pc */
    uint64_t npc;      /* where control goes after it, unless npc_ref */
    ir_ref npc_ref;    /* delay slot of a computed jump */
    bool in_slot;
    bool ended;        /* the block has been ended (flow JIT_END) */
    bool v9;
    enum ir_type T;    /* of integer registers */
    const struct sparc_row *row;
    uint32_t features;
    unsigned windows;
};

/* Operand layouts, for the disassembler. */
enum row_format {
    FMT_NONE,
    FMT_ARITH,     /* rs1, reg_or_imm, rd */
    FMT_SHIFT,     /* rs1, reg_or_shcnt, rd */
    FMT_SETHI,     /* %hi(imm22), rd */
    FMT_BRANCH,    /* target */
    FMT_BRANCH_P,  /* cc, target (V9) */
    FMT_BRANCH_R,  /* rs1, target (V9) */
    FMT_CALL,      /* target */
    FMT_JMPL,      /* address, rd */
    FMT_ADDRESS,   /* address */
    FMT_TRAP,      /* reg_or_imm */
    FMT_LOAD,      /* [address], rd */
    FMT_STORE,     /* rd, [address] */
    FMT_LOAD_A,    /* [address] asi, rd */
    FMT_STORE_A,   /* rd, [address] asi */
    FMT_LOAD_F,    /* [address], %f */
    FMT_STORE_F,
    FMT_LOAD_D,    /* [address], %f double */
    FMT_STORE_D,
    FMT_LOAD_FSR,
    FMT_STORE_FSR,
    FMT_STORE_FQ,
    FMT_LOAD_C,
    FMT_STORE_C,
    FMT_LOAD_CSR,
    FMT_STORE_CSR,
    FMT_STORE_CQ,
    FMT_RD,        /* special, rd */
    FMT_WR,        /* rs1, reg_or_imm, special */
    FMT_FP_S_S,    /* single rs2, single rd; and so on by size */
    FMT_FP_S_D,
    FMT_FP_S_Q,
    FMT_FP_D_S,
    FMT_FP_D_D,
    FMT_FP_D_Q,
    FMT_FP_Q_S,
    FMT_FP_Q_D,
    FMT_FP_Q_Q,
    FMT_FP_SS_S,
    FMT_FP_DD_D,
    FMT_FP_QQ_Q,
    FMT_FP_SS_D,
    FMT_FP_DD_Q,
    FMT_FCMP_S,
    FMT_FCMP_D,
    FMT_FCMP_Q,
    FMT_CPOP,
    FMT_UNIMP,
    FMT_MOVCC,     /* cc, reg_or_imm11, rd (V9) */
    FMT_MOVR,      /* rs1, reg_or_imm10, rd (V9) */
    FMT_CASA,
    FMT_PREFETCH,
    FMT_FP_SD_D,   /* VIS: single, double, double */
    FMT_FP_DD_R,   /* two doubles, integer rd */
    FMT_FP_1S_S,   /* single rs1, rd; and so on */
    FMT_FP_1D_D,
    FMT_FP_0_S,    /* rd alone */
    FMT_FP_0_D,
};

enum row_flags {
    ROW_CTI = 1,     /* changes npc: never translated inside another's delay slot */
    ROW_SAFE = 2,    /* never leaves the region: may move before a conditional branch */
    ROW_PRIV = 4,    /* privileged */
    ROW_FP = 8,      /* needs PSR.EF, and waits for a pending fp_exception */
    ROW_FPOP = 16,   /* a floating-point operate instruction: exact path under SPARC_MODE_FP_TRAPS */
    ROW_QUAD = 32,   /* needs SPARC_QUAD, always by helper */
    ROW_REG_ONLY = 64, /* V8: the i = 1 form does not exist */
    ROW_EVEN_RD = 128, /* integer rd must be even */
};

/* aux of VIS rows. */
enum {
    VIS_SINGLE = 1 << 16,     /* the result is a single */
    VIS_A = 1 << 17,          /* rs1 is used, as a double */
    VIS_A_SINGLE = 1 << 18,
    VIS_B_SINGLE = 1 << 19,   /* rs2 is a single */
    VIS_GSR = 1 << 20,        /* the GSR is the third operand */
    VIS_SUM = 1 << 21,        /* rd is the third operand */
    VIS_INTEGER = 1 << 22,    /* integer operands and result */
    VIS_TO_INTEGER = 1 << 23, /* integer result */
    VIS_CC = 1 << 24,         /* sets the condition codes as SUBcc */
};
/* Flags of sparc_helper_vis_memory, beside rd in bits 4..0. */
enum { VIS_STORE = 32, VIS_NO_MASK = 64 };

/* One row of the instruction table. */
struct sparc_row {
    const char *name;
    void (*emit)(struct xlat *x);
    uint8_t format;
    uint8_t flags;
    uint16_t needs; /* features, all of them */
    uint32_t aux;   /* the emitter's */
};

/* The row of a word for a model; NULL: illegal_instruction (or unimplemented_FPop where *fpop is set). */
const struct sparc_row *sparc_decode(uint32_t word, uint32_t features, bool *fpop);
/* The i-th row of the whole table with a word that matches it (for listing and tests); NULL at the end. */
const struct sparc_row *sparc_row_at(unsigned i, uint32_t *word);

/* ---- translate.c: common pieces ---- */
ir_ref x_reg(struct xlat *x, unsigned r);
void x_put(struct xlat *x, unsigned r, ir_ref value);
ir_ref x_const(struct xlat *x, int64_t value); /* of type T */
ir_ref x_operand2(struct xlat *x);             /* reg_or_imm */
ir_ref x_address(struct xlat *x);              /* rs1 + reg_or_imm, I32 */
ir_ref x_low32(struct xlat *x, ir_ref v);      /* T -> I32 */
ir_ref x_from32u(struct xlat *x, ir_ref v);    /* I32 -> T, zero-extended */
ir_ref x_from32s(struct xlat *x, ir_ref v);
static inline ir_ref x_i32(struct xlat *x, uint32_t value)
{
    return ir_const(x->b, IR_I32, value);
}
/* Floating-point registers as instructions encode them. */
unsigned x_double_slot(struct xlat *x, unsigned r);
ir_ref x_get_single(struct xlat *x, unsigned r); /* F32 */
void x_put_single(struct xlat *x, unsigned r, ir_ref value);
ir_ref x_get_double(struct xlat *x, unsigned r); /* F64 */
void x_put_double(struct xlat *x, unsigned r, ir_ref value);
void x_vis_memory(struct xlat *x, bool store); /* translate_vis.c */
void x_put_sub_cc(struct xlat *x, ir_ref a, ir_ref o); /* condition codes of a - o */
void x_raise(struct xlat *x, uint32_t trap);   /* ends the block */
void x_end_dispatch(struct xlat *x);           /* the instruction is complete; go on through the dispatcher */
/* The instruction is complete; leave through the dispatcher when cond != 0. */
void x_dispatch_if(struct xlat *x, ir_ref cond);
void x_trap_if_result(struct xlat *x, ir_ref trap); /* I32 trap type from a helper, 0 = none */
/* Control transfers: each emits the delay slot in line where that is right, and sets the flow. */
void x_jump(struct xlat *x, uint32_t target);
void x_jump_indirect(struct xlat *x, ir_ref target, enum ir_exit_hint hint, uint32_t return_pc);
void x_branch(struct xlat *x, uint32_t target, bool annul, ir_ref (*test)(struct xlat *x, const void *state),
              const void *state);
void x_translate(struct ir_builder *b, struct jit_insn *i, bool v9);
void x_emit_row(struct xlat *x, const struct sparc_row *row);

/* ---- condition codes: translate_int.c ---- */
struct cc_state { /* captured before a delay slot overwrites them */
    bool known;
    uint32_t kind;
    bool xcc;
    ir_ref kind_ref, a, b, c;
};
struct cc_state cc_capture(struct xlat *x, bool xcc);
ir_ref cc_test(struct xlat *x, const struct cc_state *cc, unsigned cond); /* I32 0/1; cond 0..15 of Bicc */
ir_ref cc_pack(struct xlat *x);                                            /* I32 N Z V C (xcc << 4 in v8plus) */
ir_ref cc_carry(struct xlat *x);                                           /* I32 0/1 */

/* The relation mask (IR_FEQ...) of an FBfcc condition. */
unsigned fcc_mask(unsigned cond);
ir_ref fcc_test(struct xlat *x, unsigned fcc, unsigned cond);

#define EMITTERS(X)                                                                                          \
    X(sethi) X(bicc) X(fbfcc) X(cbccc) X(bpcc) X(fbpfcc) X(bpr) X(call) X(jmpl) X(rett) X(ticc) X(save)      \
    X(restore) X(flush) X(unimp) X(add) X(sub) X(logic) X(shift) X(umul) X(smul) X(udiv) X(sdiv) X(mulscc)    \
    X(tagged) X(rdy) X(rdpsr) X(rdwim) X(rdtbr) X(wry) X(wrpsr) X(wrwim) X(wrtbr) X(cpop) X(movcc) X(movr)    \
    X(popc) X(mulx) X(divx) X(load) X(store) X(ldd) X(std) X(ldstub) X(swap) X(load_alt) X(store_alt)         \
    X(ldf) X(lddf) X(stf) X(stdf) X(ldfsr) X(stfsr) X(stdfq) X(ldq) X(stq) X(cpmem) X(casa) X(prefetch)       \
    X(ldf_alt) X(stf_alt) X(fmov) X(farith) X(fsqrt) X(fsmuld) X(fconv) X(fcmp) X(fquad) X(fmovcc) X(fmovr)   \
    X(flushw) X(return) X(vis) X(vis_logic) X(vis_add) X(vis_alignaddr) X(vis_faligndata)
#define X(name) void emit_##name(struct xlat *x);
EMITTERS(X)
#undef X

/* ---- helpers called from regions ---- */
#define HELPERS(X)                                                                                           \
    X(icc) X(xcc) X(tagged_add) X(tagged_sub) X(wrpsr) X(rett) X(load_alt) X(store_alt)        \
    X(swap_alt) X(flush) X(fpop_exact) X(fp_pending) X(read_fsr) X(write_fsr) X(stdfq) X(casa_alt) X(flushw)  \
    X(rdasr) X(read_xfsr) X(write_xfsr) X(fcmp_settle) X(vis) X(vis_memory)
#define X(name) extern const struct ir_helper sparc_helper_##name;
HELPERS(X)
#undef X

uint32_t sparc_icc_of(uint32_t kind, uint32_t a, uint32_t b, uint32_t c);
uint32_t sparc_xcc_of(uint32_t kind, uint64_t a, uint64_t b, uint32_t c); /* xcc << 4 | icc */
extern const uint16_t sparc_cond_table[16]; /* bit nzvc: the condition holds */

/* ---- state ---- */
void sparc_set_cwp(struct sparc_cpu *cpu, uint32_t cwp); /* moves the bank pointer and the mirrored outs */
void sparc_update_bank(struct sparc_cpu *cpu);           /* bank pointer from CWP */
void sparc_update_mode(struct sparc_cpu *cpu);           /* jit.mode and context after PSR, FSR or MMU changes */
static inline unsigned sparc_nwin(const struct sparc_cpu *cpu)
{
    return sparc_windows(cpu->model);
}

/* ---- fpu.c ---- */
uint64_t sparc_fp_fix(struct jit_cpu *cpu, const struct ir_insn *insn, uint64_t a, uint64_t b, uint64_t c);
/* Folds the deferred cexc and the host's sticky flags into fsr. */
void sparc_fsr_settle(struct sparc_cpu *cpu);
unsigned sparc_fcc(const struct sparc_cpu *cpu);
void sparc_set_fcc(struct sparc_cpu *cpu, unsigned fcc);
/* Executes any FPop exactly; the trap type to raise, or 0. */
uint32_t sparc_fpop(struct sparc_cpu *cpu, uint32_t word, uint32_t pc);

/* ---- trap.c, mmu.c, asi.c ---- */
bool sparc_raise(struct jit_cpu *cpu);
bool sparc_interrupt(struct jit_cpu *cpu);
void sparc_misaligned(struct jit_cpu *cpu, uint64_t address, enum jit_access access);
bool sparc_lookup(struct jit_cpu *cpu, uint64_t address, enum jit_access access, bool commit,
                  struct jit_translation *out);
bool sparc_io_read(struct jit_cpu *cpu, uint64_t physical, unsigned size, uint64_t *value);
bool sparc_io_write(struct jit_cpu *cpu, uint64_t physical, unsigned size, uint64_t value);
unsigned sparc_guest_disassemble(uint64_t pc, const uint8_t *code, uint32_t avail, char *text, size_t size);
uint32_t sparc_mmu_probe(struct sparc_cpu *cpu, uint32_t address);
/* Physical address while the MMU is off: the same, but boot mode takes instructions from the PROM. */
uint64_t sparc_mmu_off_address(const struct sparc_cpu *cpu, uint32_t address, enum jit_access access);
void sparc_mmu_flush(struct sparc_cpu *cpu, uint32_t address);
uint32_t sparc_mmu_read(struct sparc_cpu *cpu, uint32_t address);
void sparc_mmu_write(struct sparc_cpu *cpu, uint32_t address, uint32_t value);
void sparc_mmu_reset(struct sparc_cpu *cpu);
/* Walks the tables for an access as if by `supervisor`; 0 or the fault type (FT) << 2 | level << 8. */
struct sparc_walk {
    uint64_t physical;
    uint32_t pte;
    uint8_t level;      /* 0..3: where the PTE was found */
    bool readable, writable, executable;
};
uint32_t sparc_mmu_walk(struct sparc_cpu *cpu, uint32_t address, enum jit_access access, bool supervisor,
                        bool commit, struct sparc_walk *out);
void sparc_mmu_fault(struct sparc_cpu *cpu, uint32_t address, enum jit_access access, bool supervisor,
                     uint32_t fault);
uint32_t sparc_alt_read(struct sparc_cpu *cpu, uint32_t address, uint32_t asi, unsigned size);
uint32_t sparc_alt_write(struct sparc_cpu *cpu, uint32_t address, uint32_t asi, unsigned size);

#endif
