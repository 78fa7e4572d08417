/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SPARC V8 processors (and the V9 subset that 32-bit "v8plus" programs use): state, models, and what boards and
 * user mode call.  Manual section numbers are those of "The SPARC Architecture Manual, Version 8".
 *
 * Registers.  The globals are fixed words.  The windows are one buffer in which window w begins at index
 * w * 16: outs, locals, ins; its ins are the outs of window w + 1.  The last eight entries stand for the ins of
 * the highest window, which are the outs of window 0: they are the valid copy exactly while CWP names the
 * highest window.  jit_cpu.bank points at the current window.
 *
 * Condition codes are deferred: cc_kind says how cc_a, cc_b, cc_c make icc.  The FP condition is deferred too:
 * its value is the relation of the doubles fcc_a and fcc_b.  cexc of the FSR is made from the last FPop's
 * operands when somebody looks.  Use the functions below, not the fields.
 */
#ifndef VITRINE_CPU_SPARC_SPARC_H
#define VITRINE_CPU_SPARC_SPARC_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "emulator/jit/jit.h"

struct bus;

/* Trap types (table 7-1; fast MMU misses of V9 do not exist here). */
enum sparc_trap {
    SPARC_TT_RESET = 0x00,
    SPARC_TT_INSTRUCTION_ACCESS = 0x01,
    SPARC_TT_ILLEGAL = 0x02,
    SPARC_TT_PRIVILEGED = 0x03,
    SPARC_TT_FP_DISABLED = 0x04,
    SPARC_TT_WINDOW_OVERFLOW = 0x05,
    SPARC_TT_WINDOW_UNDERFLOW = 0x06,
    SPARC_TT_MISALIGNED = 0x07,
    SPARC_TT_FP_EXCEPTION = 0x08,
    SPARC_TT_DATA_ACCESS = 0x09,
    SPARC_TT_TAG_OVERFLOW = 0x0a,
    SPARC_TT_WATCHPOINT = 0x0b,
    SPARC_TT_INTERRUPT = 0x10, /* + level */
    SPARC_TT_CP_DISABLED = 0x24,
    SPARC_TT_UNIMPLEMENTED_FLUSH = 0x25,
    SPARC_TT_DATA_ACCESS_ERROR = 0x29,
    SPARC_TT_DIVISION_BY_ZERO = 0x2a,
    SPARC_TT_DATA_STORE_ERROR = 0x2b,
    SPARC_TT_SOFTWARE = 0x80, /* + software trap number, 0..127 */
};

/* PSR (4.2) */
#define SPARC_PSR_CWP  0x0000001fu
#define SPARC_PSR_ET   0x00000020u
#define SPARC_PSR_PS   0x00000040u
#define SPARC_PSR_S    0x00000080u
#define SPARC_PSR_PIL  0x00000f00u
#define SPARC_PSR_EF   0x00001000u
#define SPARC_PSR_EC   0x00002000u
#define SPARC_PSR_C    0x00100000u
#define SPARC_PSR_V    0x00200000u
#define SPARC_PSR_Z    0x00400000u
#define SPARC_PSR_N    0x00800000u
#define SPARC_PSR_ICC  0x00f00000u
#define SPARC_PSR_VER  0x0f000000u
#define SPARC_PSR_IMPL 0xf0000000u

/* FSR (4.4) */
#define SPARC_FSR_CEXC 0x0000001fu /* NV OF UF DZ NX = bits 4..0 */
#define SPARC_FSR_AEXC 0x000003e0u
#define SPARC_FSR_FCC  0x00000c00u
#define SPARC_FSR_QNE  0x00002000u
#define SPARC_FSR_FTT  0x0001c000u
#define SPARC_FSR_VER  0x000e0000u
#define SPARC_FSR_NS   0x00400000u
#define SPARC_FSR_TEM  0x0f800000u
#define SPARC_FSR_RD   0xc0000000u

enum sparc_ftt { /* FSR.ftt (table 4-4) */
    SPARC_FTT_NONE,
    SPARC_FTT_IEEE_754,
    SPARC_FTT_UNFINISHED,
    SPARC_FTT_UNIMPLEMENTED,
    SPARC_FTT_SEQUENCE_ERROR,
    SPARC_FTT_HARDWARE_ERROR,
    SPARC_FTT_INVALID_REGISTER,
};

/* What a translation may assume (jit_cpu.mode). */
enum sparc_mode {
    SPARC_MODE_SUPERVISOR = 1 << 0, /* PSR.S */
    SPARC_MODE_FPU = 1 << 1,        /* PSR.EF */
    SPARC_MODE_FP_TRAPS = 1 << 2,   /* FSR.TEM != 0, or the FP queue is not empty: the exact path */
    SPARC_MODE_USER = 1 << 3,       /* user-mode emulation: one Linux program */
    SPARC_MODE_FEATURES = 8,        /* shift of the model's features */
};

enum sparc_feature {
    SPARC_V9_SUBSET = 1 << 0, /* what v8plus programs use; integer registers are 64 bits wide */
    SPARC_CASA = 1 << 1,      /* CASA as on LEON */
    SPARC_FSMULD = 1 << 2,
    SPARC_QUAD = 1 << 3,      /* quad FPops are done (by the kernel that user mode plays) */
    SPARC_MULDIV = 1 << 4,    /* integer multiply and divide in hardware */
    SPARC_WINDOWS_32 = 1 << 5, /* 32 register windows instead of 8 */
    SPARC_VIS = 1 << 6,        /* UltraSPARC's visual instructions */
};

enum sparc_mmu_kind { SPARC_MMU_NONE, SPARC_MMU_SWIFT, SPARC_MMU_TSUNAMI, SPARC_MMU_VIKING };

struct sparc_model {
    const char *id;          /* "mb86904" */
    const char *name;        /* "Fujitsu MB86904 (microSPARC II)" */
    uint32_t features;       /* enum sparc_feature */
    uint8_t impl, ver;       /* PSR */
    uint8_t fpu_version;     /* FSR.ver */
    enum sparc_mmu_kind mmu;
    uint32_t mmu_control;    /* MMU control register: impl and ver, and what reset sets */
    uint32_t boot_mode;      /* the control register's BM bit */
    uint32_t control_writable;
    uint32_t context_table_mask, context_mask; /* writable bits */
    uint32_t fault_status_mask;
};

static inline unsigned sparc_windows(const struct sparc_model *model)
{
    return model->features & SPARC_WINDOWS_32 ? 32 : 8;
}

/* All models; ends with a NULL id. */
extern const struct sparc_model sparc_models[];
const struct sparc_model *sparc_find_model(const char *id);
/* The JIT's row for a model: V8 and v8plus have different slot tables. */
const struct jit_guest *sparc_model_guest(const struct sparc_model *model);

#define SPARC_MAX_WINDOWS 32
#define SPARC_FPQ_SIZE 1

/* How cc_a, cc_b, cc_c make the integer condition codes. */
enum sparc_cc {
    SPARC_CC_PACKED, /* cc_a: bits 3..0 = N Z V C of icc, 7..4 those of xcc (v8plus) */
    SPARC_CC_LOGIC,  /* cc_a is the result; V = C = 0 */
    SPARC_CC_ADD,    /* cc_a + cc_b */
    SPARC_CC_SUB,    /* cc_a - cc_b */
    SPARC_CC_ADDX,   /* cc_a + cc_b + cc_c */
    SPARC_CC_SUBX,   /* cc_a - cc_b - cc_c */
};

struct sparc_cpu {
    struct jit_cpu jit; /* first */

    uint64_t g[8];      /* V8 uses the low word of each */
    uint64_t window_pad[16]; /* the bank pointer passes over it while a SAVE wraps around */
    union { /* see the head of this file */
        uint32_t w32[SPARC_MAX_WINDOWS * 16 + 8];
        uint64_t w64[SPARC_MAX_WINDOWS * 16 + 8]; /* models with SPARC_V9_SUBSET */
    } window;
    uint64_t f[32];     /* f[i]: registers %f2i (upper half) and %f2i+1; 16.. are v8plus's %f32 .. %f62 */

    uint64_t y;
    uint64_t cc_a, cc_b;
    uint32_t cc_kind, cc_c;
    uint32_t cwp, wim;
    uint64_t fcc_a, fcc_b; /* doubles */
    uint64_t fpop_a, fpop_b; /* last FPop's operands; fpop_kind 0: cexc stands in fsr */
    uint32_t fpop_kind;
    uint32_t fcmp_kind; /* the compare of fcc_a and fcc_b has not been evaluated */
    uint32_t fcc_more; /* v8plus: fcc1..3, two bits each */

    uint32_t psr; /* impl, ver, EC, EF, PIL, S, PS, ET: never icc nor CWP */
    uint32_t tbr;
    uint32_t fsr; /* RD, TEM, NS, ver, ftt, stored aexc and cexc; never fcc */
    uint32_t asi, gsr; /* v8plus */
    uint32_t asr[32];

    uint32_t fpq_address[SPARC_FPQ_SIZE], fpq_insn[SPARC_FPQ_SIZE], fpq_count; /* FP queue (4.5) */
    bool fp_exception_pending; /* fp_exception state: the next FP instruction traps */

    /* System mode */
    uint32_t fault_address; /* of the memory fault that a helper reports */
    uint64_t alt_value[2]; /* operands and results of alternate-space accesses, between helper and translation */
    uint32_t irl;       /* level on the interrupt request lines, 0..15 */
    bool error_mode;    /* stopped until reset (7.1) */
    bool reset_pending;

    /* MMU (appendix H) */
    uint32_t mmu_control, mmu_context_table, mmu_context;
    uint32_t mmu_fault_status, mmu_fault_address;
    uint32_t mmu_afault_status, mmu_afault_address; /* asynchronous faults (microSPARC, SuperSPARC) */
    uint32_t mmu_registers[32]; /* model-specific: TLB replacement control, TRCR, ... by register number */
    uint64_t breakpoint[4];     /* SuperSPARC and microSPARC II breakpoint registers (ASI 38) */
    uint64_t mxcc_data[4], mxcc_registers[16]; /* MXCC: stream data and registers */

    const struct sparc_model *model;
    struct bus *bus;      /* physical addresses, 36 bits; NULL in user mode */
    uint64_t prom_base;   /* physical address of the boot PROM */
    void (*software_reset)(struct sparc_cpu *cpu, void *opaque); /* guest asked for a reset; may be NULL */
    void *opaque;         /* owner's */
};

/* ------------------------------------------------------------------------------------------- both modes */

/* Prepares a zeroed state for `model` with the JIT made from sparc_model_guest(model): head, bank pointer,
 * reset values.  User mode: supervisor off, FPU on, no trap left. */
void sparc_cpu_init(struct sparc_cpu *cpu, struct jit *jit, const struct sparc_model *model, bool user_mode);
void sparc_cpu_finish(struct sparc_cpu *cpu);
/* Copies the architectural state (a new thread or forked CPU); both were initialised for the same model. */
void sparc_cpu_copy(struct sparc_cpu *to, const struct sparc_cpu *from);

/* r0..r31 of the current window: 0-7 globals, 8-15 outs, 16-23 locals, 24-31 ins. */
uint64_t sparc_get_reg(const struct sparc_cpu *cpu, unsigned r);
void sparc_set_reg(struct sparc_cpu *cpu, unsigned r, uint64_t value);
uint32_t sparc_get_psr(const struct sparc_cpu *cpu);
void sparc_set_psr(struct sparc_cpu *cpu, uint32_t psr); /* CWP must be a window of the model */
/* icc as N Z V C in bits 3..0. */
unsigned sparc_get_icc(const struct sparc_cpu *cpu);
void sparc_set_icc(struct sparc_cpu *cpu, unsigned nzvc);
uint32_t sparc_get_fsr(struct sparc_cpu *cpu);
void sparc_set_fsr(struct sparc_cpu *cpu, uint32_t fsr);
uint32_t sparc_get_freg(const struct sparc_cpu *cpu, unsigned f); /* single registers 0..31 */
void sparc_set_freg(struct sparc_cpu *cpu, unsigned f, uint32_t value);

/* ------------------------------------------------------------------------------------------- user mode
 *
 * jit_run() returns JIT_STOP_RAISED with exit_reason = trap type, pc/npc at the trapping instruction.
 * SPARC_TT_SOFTWARE + n: `ta n` and its conditional forms (V8 trap numbers 0..127).  SPARC_TT_DATA_ACCESS and
 * SPARC_TT_INSTRUCTION_ACCESS: exit_info is the guest address.  Window spills and fills never show. `ta 3`
 * (flush windows) arrives as a software trap; answer it with sparc_flush_windows(). */

/* pc := npc, npc += 4: after a system call was done. */
void sparc_skip(struct sparc_cpu *cpu);
/* Writes all windows but the current one to their stack frames.  false: a frame could not be written
 * (exit_info has the address). */
bool sparc_flush_windows(struct sparc_cpu *cpu);
/* C flag: how Linux tells of errors. */
void sparc_set_carry(struct sparc_cpu *cpu, bool carry);

/* ----------------------------------------------------------------------------------------- disassembler */

/* Text of one instruction from the instruction table; never fails (unknown: ".word"). */
void sparc_disassemble(uint32_t pc, uint32_t word, uint32_t features, char *text, size_t size);

#endif
