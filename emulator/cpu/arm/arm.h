/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ARM processors from v4T to v7-A: state, models, and what boards and user mode call.  Sources: "ARM Architecture
 * Reference Manual" DDI 0100I (v4 to v6; "0100I" below) and DDI 0406C (v7-A; "0406C").
 *
 * The program counter of jit_cpu carries state besides the address: bit 0 is the T bit, bits 32 to 39 are ITSTATE.
 * So a change of instruction set is an ordinary jump, and a block may begin inside an IT block.  Use arm_get_pc()
 * and arm_jump().
 *
 * Condition flags are deferred: flag_kind says how the others make N, Z, C and V.  FPSCR's
 * parts are as vfp.c says.  Use the functions below, not the fields.
 */
#ifndef VITRINE_CPU_ARM_ARM_H
#define VITRINE_CPU_ARM_ARM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "emulator/jit/jit.h"

struct bus;

/* CPSR (0406C B1.3.3) */
#define ARM_CPSR_MODE 0x0000001fu
#define ARM_CPSR_T    0x00000020u
#define ARM_CPSR_F    0x00000040u
#define ARM_CPSR_I    0x00000080u
#define ARM_CPSR_A    0x00000100u
#define ARM_CPSR_E    0x00000200u
#define ARM_CPSR_IT   0x0600fc00u
#define ARM_CPSR_GE   0x000f0000u
#define ARM_CPSR_J    0x01000000u
#define ARM_CPSR_Q    0x08000000u
#define ARM_CPSR_V    0x10000000u
#define ARM_CPSR_C    0x20000000u
#define ARM_CPSR_Z    0x40000000u
#define ARM_CPSR_N    0x80000000u
#define ARM_CPSR_NZCV 0xf0000000u

/* SCTLR (0406C B4.1.130; B and U: 0100I B3.4) */
#define ARM_SCTLR_M 0x00000001u
#define ARM_SCTLR_A 0x00000002u
#define ARM_SCTLR_B 0x00000080u
#define ARM_SCTLR_S 0x00000100u
#define ARM_SCTLR_R 0x00000200u
#define ARM_SCTLR_V 0x00002000u
#define ARM_SCTLR_U 0x00400000u
#define ARM_SCTLR_XP 0x00800000u
#define ARM_SCTLR_VE 0x01000000u
#define ARM_SCTLR_EE 0x02000000u
#define ARM_SCTLR_TRE 0x10000000u
#define ARM_SCTLR_AFE 0x20000000u
#define ARM_SCTLR_TE 0x40000000u

enum arm_processor_mode { /* CPSR.M */
    ARM_MODE_USR = 0x10,
    ARM_MODE_FIQ = 0x11,
    ARM_MODE_IRQ = 0x12,
    ARM_MODE_SVC = 0x13,
    ARM_MODE_MON = 0x16,
    ARM_MODE_ABT = 0x17,
    ARM_MODE_UND = 0x1b,
    ARM_MODE_SYS = 0x1f,
};

/* Why jit_run() came back with JIT_STOP_RAISED in user mode: exit_reason.  The pc is that of the instruction. */
enum arm_exception {
    ARM_EXC_RESET,
    ARM_EXC_UNDEFINED,      /* exit_info: 0, or 1 when it is a floating-point instruction while VFP is off */
    ARM_EXC_SVC,            /* exit_info: the immediate */
    ARM_EXC_PREFETCH_ABORT, /* exit_info: address */
    ARM_EXC_DATA_ABORT,     /* exit_info: address; cpu->dfsr as the processor would have it */
    ARM_EXC_IRQ,
    ARM_EXC_FIQ,
    ARM_EXC_BREAKPOINT,     /* BKPT; exit_info: the immediate */
    ARM_EXC_ALIGNMENT,      /* a data abort for a misaligned access; exit_info: address */
};

/* What a translation may assume (jit_cpu.mode). */
enum arm_key {
    ARM_KEY_PRIVILEGED = 1 << 0,
    ARM_KEY_USER = 1 << 1,        /* user-mode emulation: one Linux program */
    ARM_KEY_BIG_DATA = 1 << 2,    /* CPSR.E: BE8 data */
    ARM_KEY_BE32 = 1 << 3,        /* SCTLR.B: big-endian data and instructions */
    ARM_KEY_VFP = 1 << 4,         /* VFP and NEON are on: CPACR and FPEXC.EN allow them */
    ARM_KEY_VFP_VECTOR = 1 << 5,  /* FPSCR.LEN != 0 (or STRIDE): read them from the state */
    ARM_KEY_VFP_EXACT = 1 << 6,   /* FPSCR asks for what host arithmetic does not do (FZ, DN, traps): see vfp.c */
    ARM_KEY_UNALIGNED = 1 << 7,   /* unaligned words and halfwords are what they seem (SCTLR.U, v7) */
    ARM_KEY_ALIGN_CHECK = 1 << 8, /* SCTLR.A */
    ARM_KEY_VFP_ACCESS = 1 << 9,  /* CPACR allows to ask for VFP's own registers, on or not */
    ARM_KEY_FEATURES = 12,       /* shift of the model's features */
};

enum arm_feature {
    ARM_V5 = 1 << 0,    /* v5T: BLX, CLZ, BKPT */
    ARM_V5E = 1 << 1,   /* v5TE: DSP multiplies, saturation, LDRD, PLD */
    ARM_JAZELLE = 1 << 2, /* BXJ exists (as BX) */
    ARM_V6 = 1 << 3,    /* SIMD, LDREX, unaligned, SETEND */
    ARM_V6K = 1 << 4,   /* LDREXB/H/D, CLREX, TLS registers, hints */
    ARM_V6T2 = 1 << 5,  /* Thumb-2, MOVW, bitfields */
    ARM_V7 = 1 << 6,    /* v7-A: barriers */
    ARM_IDIV = 1 << 7,  /* SDIV and UDIV in both instruction sets */
    ARM_MP = 1 << 8,    /* multiprocessing extensions: PLDW */
    ARM_SECURITY = 1 << 9, /* SMC */
    ARM_VFP2 = 1 << 10, /* VFPv2, 16 double registers */
    ARM_VFP3 = 1 << 11, /* VFPv3 */
    ARM_D32 = 1 << 12,  /* 32 double registers */
    ARM_HALF = 1 << 13, /* half precision conversions */
    ARM_VFP4 = 1 << 14, /* fused multiply and add (VFP and NEON) */
    ARM_NEON = 1 << 15,
    ARM_SHORT_VECTORS = 1 << 16, /* FPSCR.LEN does something */
    ARM_OMAP_CP15 = 1 << 17, /* TI925T's additional CP15 registers */
};

enum arm_mmu_kind { ARM_MMU_NONE, ARM_MMU_V5, ARM_MMU_V6, ARM_MMU_V7 };

struct arm_model {
    const char *id;       /* "arm926ej-s" */
    const char *name;     /* "ARM926EJ-S (ARMv5TEJ)" */
    const char *platform; /* AT_PLATFORM: "v5l" */
    uint32_t features;    /* enum arm_feature */
    enum arm_mmu_kind mmu;
    uint32_t midr, ctr, tcmtr, tlbtr, mpidr;   /* CP15 c0 (0406C B3.17) */
    uint32_t pfr[2], dfr0, afr0, mmfr[4], isar[6];
    uint32_t clidr, ccsidr[3];                 /* level 1 data, instruction, level 2 */
    uint32_t sctlr_reset, sctlr_writable, actlr_reset;
    uint32_t fpsid, mvfr[2];
};

/* All models; ends with a NULL id. "arm925t", "arm926ej-s", "arm1136jf-s", "arm1176jzf-s", "cortex-a8", and for
 * programs "max": v7-A with everything that Linux programs ask for. */
extern const struct arm_model arm_models[];
const struct arm_model *arm_find_model(const char *id);
/* The JIT's row. */
const struct jit_guest *arm_model_guest(const struct arm_model *model);

/* How the flags are made: flag_kind is one of the first six, and bits that say what is made otherwise. Fields that
 * a kind does without hold anything. */
enum arm_flags {
    ARM_FLAGS_PACKED, /* flag_a: bits 3..0 = N Z C V */
    ARM_FLAGS_V,      /* only with both bits: V = sign of flag_a */
    ARM_FLAGS_ADD,    /* flag_a + flag_b */
    ARM_FLAGS_SUB,    /* flag_a - flag_b */
    ARM_FLAGS_ADC,    /* flag_a + flag_b + flag_c */
    ARM_FLAGS_SBC,    /* flag_a - flag_b - flag_c: what is borrowed, C's opposite */
    ARM_FLAGS_BASE = 7,
    ARM_FLAGS_NZ = 8, /* N = sign of flag_nz, Z = flag_nz is 0 */
    ARM_FLAGS_C = 16, /* C = flag_carry */
};

struct arm_cpu {
    struct jit_cpu jit; /* first */

    /* Slots (internal.h) */
    uint32_t r[15];
    uint32_t flag_kind, flag_a, flag_b, flag_c, flag_nz, flag_carry;
    uint32_t q;       /* 0 or not: CPSR.Q */
    uint32_t ge;      /* CPSR.GE, each bit as a byte of 0 or 0xff */
    uint32_t fp_nzcv; /* FPSCR's flags as vfp.h says */

    /* D registers, which the Q registers are pairs of; Sn is a half of D(n/2): the lower one for even n. */
    _Alignas(16) uint64_t d[32];
    uint64_t qc[2];   /* not 0: FPSCR.QC is 1 */
    uint32_t fpscr;   /* all but NZCV; sticky flags may still stand in MXCSR: arm_get_fpscr() */
    uint32_t fpexc, fpinst, fpinst2;

    /* Exclusive monitor (0406C A3.4): LDREX notes, STREX compares and swaps. */
    uint64_t exclusive_address; /* ~0: open */
    uint64_t exclusive_value;
    uint32_t exclusive_size;    /* log2 of bytes */

    uint32_t tpidrurw, tpidruro, tpidrprw; /* thread registers (c13); tpidruro is Linux's TLS pointer */

    /* System mode */
    uint32_t cpsr;      /* mode, F, I, A, E: the bits with no other home */
    uint32_t spsr[8];   /* by bank */
    uint32_t bank_r8[2][5]; /* r8..r12: 0 of all but FIQ, 1 of FIQ, while the other is current */
    uint32_t bank_sp[8], bank_lr[8]; /* of the banks that are not current */
    bool irq_line, fiq_line;

    uint32_t sctlr, actlr, cpacr;
    uint32_t ttbr[2], ttbcr, dacr;
    uint32_t dfsr, ifsr, dfar, ifar, wfar;
    uint32_t fcse, contextidr; /* c13 */
    uint32_t prrr, nmrr;       /* TEX remap */
    uint32_t vbar, mvbar, scr, sder, nsacr;
    uint32_t csselr, par;
    uint32_t adfsr, aifsr;
    uint32_t pmcr, pmcnten, pmuserenr, pminten, pmselr; /* performance monitor */
    uint64_t cycles_at;        /* instruction count where the cycle counter is 0 */
    /* c9, c10, c11, c15 by op1, CRm, op2: of what the core has for caches, TLBs, TCMs, DMA and tests */
    uint32_t implementation[4][8][16][8];
    uint32_t large_pages[128]; /* a bit for each MiB where a page of more than 4 KiB was met */

    const struct arm_model *model;
    struct bus *bus; /* NULL in user mode */
    void *opaque;    /* owner's */
};

/* ------------------------------------------------------------------------------------------- both modes */

/* Prepares a zeroed state for `model` with the JIT made from arm_model_guest(model).  User mode: VFP and NEON on,
 * unaligned accesses as Linux has them. */
void arm_cpu_init(struct arm_cpu *cpu, struct jit *jit, const struct arm_model *model, bool user_mode);
void arm_cpu_finish(struct arm_cpu *cpu);
/* Copies the architectural state (a new thread or forked CPU); both were initialised for the same model.  The
 * exclusive monitor of `to` is open. */
void arm_cpu_copy(struct arm_cpu *to, const struct arm_cpu *from);

/* r0..r15 of the current mode; 15 is the address of the instruction (no T bit, no +8), and setting it keeps T and
 * ITSTATE. */
uint32_t arm_get_reg(const struct arm_cpu *cpu, unsigned r);
void arm_set_reg(struct arm_cpu *cpu, unsigned r, uint32_t value);
static inline uint32_t arm_get_pc(const struct arm_cpu *cpu)
{
    return (uint32_t)cpu->jit.pc & ~1u;
}
/* BX: bit 0 of the target chooses Thumb; ITSTATE becomes 0. */
void arm_jump(struct arm_cpu *cpu, uint32_t target);
/* Whole, T and ITSTATE from the program counter. */
uint32_t arm_get_cpsr(const struct arm_cpu *cpu);
/* All that the current mode of the model may have; in user mode the mode bits stay. */
void arm_set_cpsr(struct arm_cpu *cpu, uint32_t cpsr);
uint32_t arm_get_fpscr(struct arm_cpu *cpu);
void arm_set_fpscr(struct arm_cpu *cpu, uint32_t fpscr);

/* ------------------------------------------------------------------------------------------- user mode
 *
 * jit_run() returns JIT_STOP_RAISED with exit_reason = enum arm_exception.  Caches: Linux's cacheflush call is the
 * caller's (jit_invalidate_range()); a program's IMB or CP15 cache operations do nothing by themselves.
 *
 * Kernel user helpers (Documentation/arm/kernel_user_helpers.rst): map a page at 0xffff0000, readable and
 * executable, filled by arm_kuser_page().  Its entry points are translated like instructions. */
#define ARM_KUSER_PAGE 0xffff0000u
void arm_kuser_page(uint8_t page[4096]);

/* Behind the instruction at pc: after a system call was done. */
void arm_skip(struct arm_cpu *cpu);
/* Before a signal handler runs, and after it. */
void arm_clear_exclusive(struct arm_cpu *cpu);
/* Data byte order: big-endian programs (BE8: e_flags has EF_ARM_BE8; code is little-endian then). */
void arm_set_big_endian(struct arm_cpu *cpu, bool be8, bool be32);

/* ----------------------------------------------------------------------------------------- disassembler */

/* Text of one instruction (capstone); pc as in jit_cpu. Returns its size in bytes. */
unsigned arm_disassemble(uint64_t pc, const uint8_t *code, uint32_t avail, char *text, size_t size);

#endif
