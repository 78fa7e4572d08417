/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The intermediate representation between guest instruction sets and host code.
 *
 * A region is a set of basic blocks with one entry.  Values are SSA; joins use block parameters whose
 * arguments stand on the edges.  Everything is a flat array addressed by 32-bit indices, so a region is
 * cheap to build, to copy to another thread and to throw away.
 *
 * Guest state is a declared table of slots (registers, deferred flags, ...).  A slot is read where the
 * region first needs it and written only where the region is left: every operation that may leave names
 * an exit, and an exit lists {slot -> value} for each slot that differs from memory (a snapshot).
 *
 * Integer values are I32 or I64; 8- and 16-bit quantities live in I32 (upper bits defined by the op that
 * made them).  Host addresses are I64.
 */
#ifndef VITRINE_JIT_IR_H
#define VITRINE_JIT_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct jit_cpu;
struct jit_guest;

typedef uint32_t ir_ref; /* index of an instruction = its value */
#define IR_NONE 0u       /* instruction 0 is IR_NOP, so 0 never names a value */

enum ir_type { IR_VOID, IR_I32, IR_I64, IR_F32, IR_F64, IR_F80, IR_V128 };

/* Comparison codes (aux of ICMP). */
enum ir_cond {
    IR_EQ, IR_NE, IR_LTS, IR_GES, IR_LES, IR_GTS, IR_LTU, IR_GEU, IR_LEU, IR_GTU,
};

/* Relation masks (aux of FCMP): the result is 1 when the relation of a and b is in the mask. */
enum ir_fcond { IR_FEQ = 1, IR_FLT = 2, IR_FGT = 4, IR_FUN = 8, IR_FSIGNAL = 16 /* quiet NaN raises invalid */ };

/* Lane sizes (low bits of aux of vector ops). */
enum ir_lane { IR_L8, IR_L16, IR_L32, IR_L64, IR_LF32, IR_LF64 };

/* Memory access descriptor (aux of GUARD, LOAD, STORE, CAS, XCHG, AADD). */
#define IR_MEM_SIZE(aux)  ((aux)&7u)         /* log2 of bytes: 0..4 */
#define IR_MEM_SIGNED     0x08u              /* LOAD: sign-extend to the result type (else zero-extend) */
#define IR_MEM_BIG        0x10u              /* guest value is big-endian in memory */
#define IR_MEM_READ       0x20u              /* GUARD: read access wanted */
#define IR_MEM_WRITE      0x40u              /* GUARD: write access wanted; what may be written may be read */
#define IR_MEM_ALIGN(n)   ((unsigned)(n) << 8) /* GUARD: address must be a multiple of 1 << n, else leave */
/* Most bytes that one GUARD may cover. */
#define IR_GUARD_RANGE 128u
#define IR_MEM_ALIGN_OF(aux) (((aux) >> 8) & 7u)

/*
 * X(name, args, flags)  args: number of ir_ref operands in a, b, c.
 *   P pure (may be shared, moved, dropped)   S has a side effect   T ends a block   L may leave the region
 */
#define IR_P 1u
#define IR_S 2u
#define IR_T 4u
#define IR_L 8u
#define IR_OPS(X)                                                                                            \
    X(NOP, 0, 0)                                                                                             \
    X(CONST, 0, IR_P)      /* 64 bits in b (low), c (high); also F32/F64 bit patterns */                     \
    X(PARAM, 0, 0)         /* block parameter; aux = slot it carries or 0xffff; b = block */                 \
    X(LDSLOT, 0, 0)        /* aux = slot: read guest state memory here */                                    \
    X(STSLOT, 1, IR_S)     /* aux = slot: write a to guest state memory here */                              \
    X(LDSTATE, 0, IR_S)    /* read guest state at byte offset c that is no slot; aux = log2 size (0..3),     \
                              zero-extended; ordered with calls */                                           \
    X(STSTATE, 1, IR_S)    /* write a to guest state at byte offset c; aux = log2 size */                    \
    X(BANKMOVE, 0, IR_S)   /* jit_cpu.bank += (int32_t)c; banked slots live relative to jit_cpu.bank */      \
    X(ADD, 2, IR_P) X(SUB, 2, IR_P) X(MUL, 2, IR_P)                                                          \
    X(MULHU, 2, IR_P) X(MULHS, 2, IR_P)        /* upper half of the product */                               \
    X(DIVU, 2, IR_P) X(DIVS, 2, IR_P) X(REMU, 2, IR_P) X(REMS, 2, IR_P) /* b != 0 and no signed overflow:    \
                              the front end tests before; division by 0 gives 0 so that they stay pure,      \
                              INT_MIN / -1 gives INT_MIN, remainder 0 */                                     \
    X(AND, 2, IR_P) X(OR, 2, IR_P) X(XOR, 2, IR_P) X(ANDN, 2, IR_P) /* a & ~b */ X(NOT, 1, IR_P) X(NEG, 1, IR_P) \
    X(SHL, 2, IR_P) X(SHR, 2, IR_P) X(SAR, 2, IR_P) X(ROL, 2, IR_P) X(ROR, 2, IR_P) /* count modulo width */ \
    X(ADC, 3, IR_P)        /* a + b + c, c is 0 or 1 */                                                      \
    X(SBB, 3, IR_P)        /* a - b - c, c is 0 or 1 */                                                      \
    X(CARRY, 3, IR_P)      /* I32 0/1: carry out of a + b + c; aux = operand type */                         \
    X(BORROW, 3, IR_P)     /* I32 0/1: borrow out of a - b - c; aux = operand type */                        \
    X(BSWAP, 1, IR_P) X(CLZ, 1, IR_P) X(CTZ, 1, IR_P) /* of 0: width */ X(POPCNT, 1, IR_P)                    \
    X(SEXT, 1, IR_P)       /* from the low aux bits (8, 16, 32) to the result type */                        \
    X(ZEXT, 1, IR_P)       /* from the low aux bits (8, 16, 32) to the result type */                        \
    X(TRUNC, 1, IR_P)      /* I64 -> I32 */                                                                  \
    X(EXTRACT, 1, IR_P)    /* (a >> (aux & 63)) & mask of (aux >> 8) bits */                                 \
    X(INSERT, 2, IR_P)     /* a with bits [aux & 63, + aux >> 8) replaced by the low bits of b */            \
    X(ICMP, 2, IR_P)       /* aux = enum ir_cond | operand type << 8; I32 0/1 */                             \
    X(SELECT, 3, IR_P)     /* a (I32) != 0 ? b : c; any type */                                              \
    X(BITCAST, 1, IR_P)    /* I32<->F32, I64<->F64, same bits */                                             \
    /* guest memory */                                                                                       \
    X(GUARD, 1, IR_L)      /* a = guest address; result I64 host address of a; b = exit; aux = IR_MEM_*;     \
                              c = int16 lo | int16 hi << 16: bytes [a+lo, a+hi) are covered */               \
    X(LOAD, 1, 0)          /* a = guard's value, or a CONST I64 host address; c = int32 offset, aux; result I32 I64 F32 F64 V128 */       \
    X(STORE, 2, IR_S)      /* a = guard's value, b = value, c = int32 offset, aux */                         \
    X(CAS, 3, IR_S)        /* atomic: a = guard's value, b = expected, c = new; result = old; aux */         \
    X(XCHG, 2, IR_S)       /* atomic: a = guard's value, b = new; result = old; aux */                       \
    X(AADD, 2, IR_S)       /* atomic: fetch and add; result = old; aux */                                    \
    X(FENCE, 0, IR_S)                                                                                        \
    /* floating point (F32 F64 F80) under the guest's rounding mode in MXCSR; sticky flags accumulate        \
       there; a NaN result, or an invalid conversion, is replaced by jit_guest.fp_fix(). Where F80 is operand \
       or result, it is the x87: rounding and precision are jit_cpu.x87_control's, flags go to x87_status,   \
       NaNs and indefinite integers are its own; precision control acts on FADD FSUB FMUL FDIV FSQRT */      \
    X(FADD, 2, IR_P) X(FSUB, 2, IR_P) X(FMUL, 2, IR_P) X(FDIV, 2, IR_P) X(FSQRT, 1, IR_P)                     \
    X(FMADD, 3, IR_P)      /* a * b + c, one rounding; not F80: no processor of that format has it */        \
    X(FNEG, 1, IR_P) X(FABS, 1, IR_P) /* sign bit only */                                                    \
    X(FCMP, 2, IR_P)       /* aux = enum ir_fcond mask | operand type << 8; I32 0/1 */                       \
    X(FREL, 2, IR_P)       /* aux as FCMP (mask unused); I32: 0 equal, 1 less, 2 greater, 3 unordered */     \
    X(FCVT, 1, IR_P)       /* F32 F64 F80 among each other; aux = operand type */                            \
    X(ITOF, 1, IR_P)       /* signed I32/I64 -> float; aux = operand type */                                 \
    X(FTOI, 1, IR_P)       /* float -> signed I32/I64, toward zero; aux = operand type */                    \
    X(FTOIR, 1, IR_P)      /* float -> signed I32/I64, current rounding; aux = operand type */               \
    X(FLANE, 1, IR_P)      /* F32 half of an F64 pair: aux 0 = low 32 bits, 1 = high */                      \
    X(FSETLANE, 2, IR_P)   /* F64 pair a with half aux replaced by F32 b */                                  \
    /* vectors: aux = enum ir_lane */                                                                        \
    X(VADD, 2, IR_P) X(VSUB, 2, IR_P) X(VMUL, 2, IR_P) X(VAND, 2, IR_P) X(VOR, 2, IR_P) X(VXOR, 2, IR_P)      \
    X(VANDN, 2, IR_P) /* a & ~b */ X(VADDS, 2, IR_P) X(VADDU, 2, IR_P) X(VSUBS, 2, IR_P) X(VSUBU, 2, IR_P)    \
    X(VMINS, 2, IR_P) X(VMAXS, 2, IR_P) X(VMINU, 2, IR_P) X(VMAXU, 2, IR_P) X(VAVGU, 2, IR_P)                 \
    X(VCMPEQ, 2, IR_P) X(VCMPGTS, 2, IR_P) X(VCMPGTU, 2, IR_P) /* lanes all ones or zero */                   \
    X(VSHL, 1, IR_P) X(VSHR, 1, IR_P) X(VSAR, 1, IR_P) /* by c bits */                                        \
    X(VSHLV, 2, IR_P) X(VSHRV, 2, IR_P) X(VSARV, 2, IR_P) /* by lane of b modulo width */                     \
    X(VSPLAT, 1, IR_P)     /* I32/I64/F32/F64 to all lanes */                                                \
    X(VLANE, 1, IR_P)      /* lane c to I32 (zero-extended), I64, F32 or F64 */                              \
    X(VSETLANE, 2, IR_P)   /* a with lane c replaced by b */                                                 \
    X(VPERM, 3, IR_P)      /* byte i = (a:b)[c.byte[i] & 31], a bytes 0..15, b bytes 16..31 (lane 0 = low) */ \
    X(VPAIR, 2, IR_P)      /* F64 a in the low half, F64 b in the high half */                               \
    X(VZIPL, 2, IR_P) X(VZIPH, 2, IR_P) /* a0 b0 a1 b1 ... of the low, of the high halves */                 \
    X(VEXT, 2, IR_P)       /* bytes c to c + 15 of a:b, a first; c below 16 */                               \
    X(VREV, 1, IR_P)       /* order of the lanes turned round within groups of c bytes (2, 4, 8) */          \
    X(VNARROW, 2, IR_P)    /* lanes (aux) cut to half their width: of a low, of b high */                    \
    X(VNARROWSS, 2, IR_P) X(VNARROWSU, 2, IR_P) X(VNARROWUU, 2, IR_P) /* saturated, signed or unsigned to ... */\
    X(VWIDENS, 1, IR_P) X(VWIDENU, 1, IR_P) /* lanes (aux) of the low half to twice their width */           \
    X(VMULWS, 2, IR_P) X(VMULWU, 2, IR_P) /* lanes of the low halves multiplied to twice their width */      \
    X(VABS, 1, IR_P) X(VCLZ, 1, IR_P) X(VCNT, 1, IR_P) /* signed, wraps; leading zeros; ones in each byte */ \
    X(VSHLSV, 2, IR_P) X(VSHLUV, 2, IR_P) /* left by the signed low byte of the lane of b, right if negative */\
    X(VFMADD, 3, IR_P)     /* LF32/LF64 lanes a * b + c */                                                   \
    X(VCMPEQF, 2, IR_P) X(VCMPGEF, 2, IR_P) X(VCMPGTF, 2, IR_P)                                               \
    X(VDIVF, 2, IR_P) X(VITOF, 1, IR_P) X(VFTOI, 1, IR_P) /* LF32 <-> L32 signed, saturating */               \
    /* calls and control */                                                                                  \
    X(CALL, 0, IR_S)       /* a = index in calls[] */                                                        \
    X(CALLIF, 1, IR_S)     /* a = I32 condition, b = index in calls[]: rare, out of line, no result */       \
    X(CHARGE, 0, IR_L | IR_S) /* budget -= c; leave by exit b (refund c) when it falls below 0 */            \
    X(EXITIF, 1, IR_L | IR_S) /* a != 0: leave by exit b */                                                  \
    X(EXIT, 0, IR_L | IR_S | IR_T) /* leave by exit b */                                                     \
    X(BR, 0, IR_S | IR_T)  /* b = edge */                                                                    \
    X(BRIF, 1, IR_S | IR_T) /* a != 0: edge b, else edge c; aux: 1 likely, 2 unlikely */

enum ir_op {
#define X(name, args, flags) IR_##name,
    IR_OPS(X)
#undef X
    IR_N_OPS
};

struct ir_op_info {
    const char *name;
    uint8_t args;
    uint8_t flags;
};
extern const struct ir_op_info ir_op_info[IR_N_OPS];

struct ir_insn {
    uint8_t op;   /* enum ir_op */
    uint8_t type; /* enum ir_type of the result */
    uint16_t aux;
    uint32_t a, b, c;
};

/* One slot of guest state.  offset: bytes from the start of the CPU state (struct jit_cpu is its first
 * member), or from *jit_cpu.bank when banked.  At most IR_MAX_SLOTS of them. */
#define IR_MAX_SLOTS 192
struct ir_slot {
    const char *name;
    uint8_t type; /* enum ir_type */
    bool banked;
    uint16_t offset;
};

/* How a region is left. */
enum ir_exit_kind {
    IR_EXIT_DIRECT,   /* go on at constant pc: may be linked to the target's code */
    IR_EXIT_INDIRECT, /* go on at pc_ref, or the constant pc if that is IR_NONE (npc = pc + guest's insn size where
                         used): inline jump cache */
    IR_EXIT_DISPATCH, /* go on at pc, but through the dispatcher: interrupts, mode or mappings may have changed */
    IR_EXIT_RAISE,    /* guest exception `reason` at pc, `info` in jit_cpu.exit_info; runtime calls guest->raise */
    IR_EXIT_MEMORY,   /* a guard failed: the instruction at pc is run by the interpreter with full checks */
    IR_EXIT_BUDGET,   /* budget used up at pc */
};
enum ir_exit_hint { IR_HINT_NONE, IR_HINT_CALL, IR_HINT_RETURN };

struct ir_snap { /* one entry of a snapshot */
    uint32_t slot;
    ir_ref value;
};

struct ir_exit {
    uint8_t kind, hint;
    uint8_t call_return_valid; /* HINT_CALL: return_pc is where the callee will come back to */
    uint32_t reason;           /* RAISE: the guest's exception number */
    ir_ref info;               /* RAISE: value for jit_cpu.exit_info, or IR_NONE */
    uint64_t pc, npc;          /* where the guest goes on (or faulted) */
    ir_ref pc_ref, npc_ref;    /* if not IR_NONE: computed instead of constant */
    uint64_t return_pc;
    uint32_t refund;           /* instructions charged but not executed when leaving here */
    uint32_t first, count;     /* snapshot: snaps[first .. first+count) */
    uint32_t block;            /* block it stands in */
};

/* A C function callable from a region: uint64_t f(struct jit_cpu *, args...).  I32 arguments arrive as
 * uint32_t, I64 as uint64_t, F32/F64 as their bits; results likewise.  V128 arguments arrive as const uint64_t *
 * (two words, low lanes first); a V128 result is written through a uint64_t * that stands between cpu and the
 * arguments, of which there are five at most then.  A helper never does host floating
 * point unless IR_HELPER_FP (it runs under the guest's MXCSR), never leaves by longjmp, and reports a guest
 * exception by its result, which the front end tests with EXITIF. */
enum {
    IR_HELPER_PURE = 1,
    IR_HELPER_READS = 2, /* state slots */
    IR_HELPER_WRITES = 4,
    IR_HELPER_FP = 8,    /* also: may read and change MXCSR itself */
    IR_HELPER_BANK = 16, /* changes jit_cpu.bank; slots keep their values (it moved their memory) */
};
struct ir_helper {
    const char *name;
    void *function;
    uint8_t flags, n_args;
    uint8_t result;      /* enum ir_type */
    uint8_t arg_type[6]; /* enum ir_type */
};
struct ir_call {
    const struct ir_helper *helper;
    ir_ref arg[6];
};

struct ir_edge {
    uint32_t from, to;             /* blocks */
    uint32_t first_arg, n_args;    /* args[]: one per PARAM of `to`, in order */
};

struct ir_block {
    uint64_t pc, npc;         /* guest address it begins at (for logs) */
    uint32_t first, last;     /* instructions [first, last); PARAMs come first; the last one has IR_T */
    uint32_t n_params;
    uint32_t loop_depth;      /* 0 = not in a loop */
    bool cold;                /* unlikely to run: placed last */
    bool on_edge;             /* nothing but a CHARGE in the middle of an edge: slots are what they are behind it */
};

/* A finished region, as interpreter, passes and back ends see it.  Instructions of one block are
 * consecutive; blocks are in reverse post order, block 0 is the entry and has no predecessors.  Constants stand
 * in the entry block, before everything else; a back end makes them again where it wants them. */
struct ir_region {
    const struct jit_guest *guest;
    uint64_t pc, npc;     /* entry */
    uint32_t mode;        /* what the region assumes (guest's key flags) */
    bool unit;            /* ir_set_unit() */
    bool user_mode;       /* guest memory is jit_cpu.window + address; GUARD fails by host fault or alignment */
    uint32_t n_guest_insns;
    uint32_t max_charge;
    struct ir_insn *insn;  uint32_t n_insns;
    struct ir_block *block; uint32_t n_blocks;
    struct ir_edge *edge;  uint32_t n_edges;
    ir_ref *arg;           uint32_t n_args;
    struct ir_exit *exit;  uint32_t n_exits;
    struct ir_snap *snap;  uint32_t n_snaps;
    struct ir_call *call;  uint32_t n_calls;
    const struct interp_code *decoded; /* the interpreter's form, in copies only */
};

/* Operations with sticky floating-point flags. */
static inline bool ir_raises_flags(unsigned op)
{
    return (op >= IR_FADD && op <= IR_FMADD) || (op >= IR_FCMP && op <= IR_FTOIR);
}

static inline uint64_t ir_const_value(const struct ir_insn *i)
{
    return (uint64_t)i->c << 32 | i->b;
}

/* ------------------------------------------------------------------------------------------------ builder
 *
 * One builder makes one region at a time and can be used again.  Guest front ends call the functions from
 * ir_get() on; the region driver (jit/region.c) calls the block and finish functions.
 *
 * SSA is made on the fly: ir_get() of a slot that this block has not defined asks the predecessors,
 * through parameters where there is more than one or the block is not sealed yet.  Constants are folded,
 * and equal pure values (and guards of equal address) within a block or in a dominating block are shared.
 */
struct ir_builder;

struct ir_builder *ir_builder_create(void);
void ir_builder_destroy(struct ir_builder *b); /* takes NULL */

/* Begins a region; any earlier one of this builder is gone. */
void ir_begin(struct ir_builder *b, const struct jit_guest *guest, uint64_t pc, uint64_t npc, uint32_t mode,
              bool user_mode);
uint32_t ir_block_new(struct ir_builder *b, uint64_t pc, uint64_t npc); /* block 0 first: the entry */
void ir_block_start(struct ir_builder *b, uint32_t block);              /* following ops go there */
void ir_block_seal(struct ir_builder *b, uint32_t block);               /* all edges to it now exist */
bool ir_block_open(const struct ir_builder *b);                         /* current block has no terminator yet */

/* The region is one instruction (with its delay slot) for the interpreter: it does device accesses itself, and
 * every load happens though its result may not be wanted.  Call after ir_begin(). */
void ir_set_unit(struct ir_builder *b);

/* Finishes: a block that was made but never started becomes a direct exit to its pc; completes snapshots by
 * data flow over dirty slots, removes trivial parameters and dead code, numbers loops, orders blocks, (optimise)
 * runs the region passes.  The result is owned by the builder and valid until the next ir_begin().
 * ir_region_copy() makes an independent one (free with g_free: one allocation). */
struct ir_region *ir_finish(struct ir_builder *b, bool optimise);
struct ir_region *ir_region_copy(const struct ir_region *r);
/* Checks every invariant of this header; NULL when it holds, else a sentence (static or b-owned). */
const char *ir_verify(const struct ir_region *r);
void ir_print(const struct ir_region *r, FILE *out);

/* Slots.  ir_get gives the current value; ir_put defines it. ir_slot_const: is the current value a known
 * constant? (deferred flag kinds). */
ir_ref ir_get(struct ir_builder *b, unsigned slot);
void ir_put(struct ir_builder *b, unsigned slot, ir_ref value);
bool ir_slot_const(struct ir_builder *b, unsigned slot, uint64_t *value);
/* Nobody looks at the slot before it is put again (flags whose kind does without it): it need not be written. */
void ir_discard(struct ir_builder *b, unsigned slot);
/* The current value is the one at the region's entry with these bits set (0: as it was). */
bool ir_slot_bits(struct ir_builder *b, unsigned slot, uint64_t *bits);
/* The value that the slot had at the region's entry decides something, other than by an OR. */
bool ir_slot_examined(const struct ir_builder *b, unsigned slot);
bool ir_is_const(const struct ir_builder *b, ir_ref v, uint64_t *value);
enum ir_type ir_type_of(const struct ir_builder *b, ir_ref v);
enum ir_op ir_op_of(const struct ir_builder *b, ir_ref v); /* what makes the value */
/* Moves the bank pointer by delta bytes: for each banked slot s the new current value is the old one of
 * from[s] (same memory after the move) or unknown (-1); dirty slots that no slot inherits are written
 * first. from has one entry per slot of the guest; non-banked entries are ignored. */
void ir_bank_move(struct ir_builder *b, int32_t delta, const int16_t *from);

/* Values, made of pure operations.  Operands that are no values (bits of VSHL, lane of VLANE and VSETLANE, c of
 * VEXT and VREV) go into c of ir_op3().  Counts of shifts may be I32 or I64, the c of ADC/SBB/CARRY/BORROW is
 * I32; SEXT and ZEXT to I32 take an I32, to I64 either. */
ir_ref ir_const(struct ir_builder *b, enum ir_type type, uint64_t value);
ir_ref ir_op1(struct ir_builder *b, enum ir_op op, enum ir_type type, uint16_t aux, ir_ref a);
ir_ref ir_op2(struct ir_builder *b, enum ir_op op, enum ir_type type, uint16_t aux, ir_ref a, ir_ref bb);
ir_ref ir_op3(struct ir_builder *b, enum ir_op op, enum ir_type type, uint16_t aux, ir_ref a, ir_ref bb, ir_ref c);
ir_ref ir_icmp(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref bb);
ir_ref ir_fcmp(struct ir_builder *b, unsigned mask, ir_ref a, ir_ref bb);
ir_ref ir_select(struct ir_builder *b, ir_ref cond, ir_ref yes, ir_ref no);
static inline ir_ref ir_bin(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y)
{
    return ir_op2(b, op, ir_type_of(b, x), 0, x, y);
}

/* Guest memory.  `aux`: size, sign, byte order, alignment (IR_MEM_*); the address is I32 or I64.  Each makes
 * a GUARD (shared where the same address was guarded already) and the access. */
ir_ref ir_load(struct ir_builder *b, enum ir_type type, unsigned aux, ir_ref address);
void ir_store(struct ir_builder *b, unsigned aux, ir_ref address, ir_ref value);
ir_ref ir_guard(struct ir_builder *b, unsigned aux, ir_ref address); /* with IR_MEM_READ/WRITE */
/* One guard for `bytes` bytes (IR_GUARD_RANGE at most) from address on.  Not in a unit: there is a guard for each access, so
 * that devices and pages' ends come out right. */
ir_ref ir_guard_range(struct ir_builder *b, unsigned aux, ir_ref address, unsigned bytes);
bool ir_is_unit(const struct ir_builder *b);
ir_ref ir_load_at(struct ir_builder *b, enum ir_type type, unsigned aux, ir_ref guard, int32_t offset);
void ir_store_at(struct ir_builder *b, unsigned aux, ir_ref guard, int32_t offset, ir_ref value);
ir_ref ir_atomic(struct ir_builder *b, enum ir_op op, enum ir_type type, unsigned aux, ir_ref guard, ir_ref x,
                 ir_ref y);
void ir_fence(struct ir_builder *b);

ir_ref ir_ldstate(struct ir_builder *b, enum ir_type type, unsigned log2size, uint32_t offset);
void ir_ststate(struct ir_builder *b, unsigned log2size, uint32_t offset, ir_ref value);
/* Calls flush dirty slots first when the helper READS or WRITES state, and forget all values when it WRITES. */
ir_ref ir_call(struct ir_builder *b, const struct ir_helper *helper, const ir_ref *args);
void ir_call_if(struct ir_builder *b, ir_ref cond, const struct ir_helper *helper, const ir_ref *args);

/* Position: the driver sets it before each guest instruction; exits made during the instruction snapshot
 * {pc, npc} and the slots as they were when the exit is made, so a front end puts its results after the last
 * operation that may leave. */
void ir_set_pc(struct ir_builder *b, uint64_t pc, uint64_t npc);
/* In the delay slot of a computed jump: npc is a value. */
void ir_set_pc_ref(struct ir_builder *b, uint64_t pc, ir_ref npc_ref);
/* Budget check, once at the start of a block.  insns 0: as many as the block completes in the end.  Its own exit
 * refunds everything and goes on at the block's pc; a later exit refunds what was charged and not yet reported
 * by ir_insns_done() when the exit was made; ir_exit() refunds nothing. */
void ir_charge(struct ir_builder *b, uint32_t insns);
/* That many guest instructions completed; also after the block's end, for the one that ended it. */
void ir_insns_done(struct ir_builder *b, uint32_t n);
static inline void ir_insn_done(struct ir_builder *b)
{
    ir_insns_done(b, 1);
}

/* Exits: make one at the current position, then use it. */
uint32_t ir_exit_raise(struct ir_builder *b, uint32_t reason, ir_ref info);
void ir_raise_if(struct ir_builder *b, ir_ref cond, uint32_t reason, ir_ref info);
void ir_raise(struct ir_builder *b, uint32_t reason, ir_ref info); /* ends the block */
void ir_exit_if(struct ir_builder *b, ir_ref cond, enum ir_exit_kind kind, uint64_t pc, uint64_t npc);
/* Ends the block; all that the block charges counts as executed.  pc_ref/npc_ref IR_NONE: the constants (with
 * pc_ref and HINT_CALL, pc is where the callee comes back to).  What a front end makes after a block's end is dropped. */
void ir_exit(struct ir_builder *b, enum ir_exit_kind kind, enum ir_exit_hint hint, uint64_t pc, uint64_t npc,
             ir_ref pc_ref, ir_ref npc_ref);
void ir_exit_returns(struct ir_builder *b, uint64_t return_pc); /* return_pc of the exit made last (HINT_CALL) */
/* What is made between the two happens only where cond (I32) is not 0; both ways meet behind ir_endif() unless the
 * block was ended in between.  For conditional instructions: one block charges for all, and what was reported by
 * ir_insns_done() in between counts for exits in between only.  No nesting. */
void ir_if(struct ir_builder *b, ir_ref cond);
void ir_endif(struct ir_builder *b);
/* The same as ir_endif(), but what follows may belong there, too: until something else is made, ir_if_again() goes on
 * behind it, or on the other way (`otherwise`), so that conditional instructions that stand together branch once.
 * ir_if_held(): the tag (not 0) that ir_endif_hold() was given, 0 when there is nothing to go on with. */
void ir_endif_hold(struct ir_builder *b, unsigned tag);
unsigned ir_if_held(const struct ir_builder *b);
void ir_if_again(struct ir_builder *b, bool otherwise);
void ir_br(struct ir_builder *b, uint32_t to);
void ir_br_if(struct ir_builder *b, ir_ref cond, uint32_t yes, uint32_t no, unsigned likely);

/* -------------------------------------------------------------------------------------------- interpreter
 *
 * Runs a region from its entry until it leaves; returns the index of the exit taken, the snapshot written to
 * the CPU state and {pc, npc} set.  Guards ask jit_mem_host() of jit.h: what that calls a device goes through
 * jit_mem_read/write, where it gives neither the guard's exit (kind MEMORY) is taken with exit_reason and exit_info
 * as jit_mem_host(), or jit_mem_read/write, left them.  `scratch` is kept by the caller between calls (NULL at
 * first, ir_interp_scratch_free at the end).  A run left by longjmp from a fault handler must be followed by
 * ir_interp_abandon(), which leaves by the exit of the last guard and puts the host's floating point control back. */
struct ir_scratch;
uint32_t ir_interp(const struct ir_region *r, struct jit_cpu *cpu, struct ir_scratch **scratch);
void ir_interp_abandon(struct ir_scratch *s, struct jit_cpu *cpu);
void ir_interp_scratch_free(struct ir_scratch *s);

#endif
