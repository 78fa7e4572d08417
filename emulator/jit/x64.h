/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of the x86-64 back end.
 *
 * A region is compiled in one forward walk over its blocks that allocates registers and emits code together;
 * before it, linear passes find uses, next uses, liveness over blocks and operations that need no code of their
 * own ("lazy": a compare read only by branches, an address folded into accesses).  A value is at any moment in a
 * register, in memory (private spill place, or the slot it was loaded from), both, or is a constant.  When
 * registers run out the value whose next use is farthest loses its register (Belady), and blocks begin with the
 * register assignment that the first edge to them had; other edges move values into place.
 *
 * Registers:  rbp  struct jit_cpu          r14  budget
 *             r15  TLB (system) or window (user)
 *             r13  bank, in guests with banked slots     rax, xmm15  scratch
 *             the other eleven (ten) and xmm0-14 are allocated.
 * Stack:      rsp + 0 spill places | save area for cold calls | temporaries for parallel moves
 */
#ifndef VITRINE_JIT_X64_H
#define VITRINE_JIT_X64_H

#include "emulator/jit/arena.h"
#include "emulator/jit/backend.h"
#include "emulator/jit/x64_asm.h"

#define R_CPU    RBP
#define R_BUDGET R14
#define R_MEM    R15
#define R_BANK   R13
#define X_TMP    XMM15 /* scratch */

#define X64_SPILL_BYTES 61440
#define X64_SAVE        X64_SPILL_BYTES   /* 16 GPRs, then 16 XMM registers */
#define X64_SAVE_XMM    (X64_SAVE + 128)
#define X64_MAX_MEMOS   32
#define X64_AHEAD_MAX   40 /* guest instructions that a look at the budget covers, unless one block has more */
#define X64_TEMP        (X64_SAVE_XMM + 256)
#define X64_TEMP_BYTES  (16 * (IR_MAX_SLOTS + 4))
#define X64_VECTORS     (X64_TEMP + X64_TEMP_BYTES) /* vectors that helpers take and give: six, and the result */
#define X64_VECTOR_OUT  (X64_VECTORS + 96)
#define X64_FRAME       (X64_VECTORS + 112 + 8) /* == 8 modulo 16: after six pushes rsp is aligned */

#define X64_CALLER_SAVED                                                                                     \
    (1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9 | 1u << R10 | 1u << R11 | 0x7fff0000u)

struct x64_features {
    bool avx, avx2, fma, bmi1, bmi2, lzcnt, popcnt, movbe, ssse3, sse41;
};

enum x64_class { XC_NONE, XC_GPR, XC_XMM, XC_MEM };
enum x64_where { XW_NONE, XW_SPILL, XW_HOME };
enum {
    XV_CONST = 1,
    XV_LAZY = 2,   /* no code of its own: its operands are read where it is used */
    XV_GLOBAL = 4, /* used outside its block */
    XV_DONE = 8,   /* already made by the operation before (ADD + CARRY) */
    XV_SHARED = 16, /* its spill place has other users, too */
    XV_UNCHECKED = 32, /* that it is a NaN shows in its only user's result: that repairs both */
};
#define X64_NEVER 0xffffffffu

struct x64_val {
    uint32_t canon;      /* value whose register it shares (zero-extensions) */
    uint32_t next, last; /* next register use; last use in this block (X64_NEVER: live out) */
    uint32_t known_next; /* first use as found in the first round */
    uint32_t n_use, n_special, n_guard; /* all uses; only zero or not; as a guard's address */
    uint32_t block, gidx, stamp, mark;
    uint32_t hint;       /* parameter that it becomes on an edge, if possible a back edge */
    uint32_t sharer;     /* next value with the same spill place */
    uint32_t loop_until; /* used again in a loop that ends here */
    int32_t spill;       /* offset from rsp, -1 none */
    int8_t reg;          /* -1 none */
    uint8_t mem;         /* enum x64_where */
    uint8_t cls, type, flags;
    uint16_t home;
};

struct x64_use {
    uint32_t v, next;
};
struct x64_ent { /* where a value is when a block begins */
    uint32_t v;
    int8_t reg;
    uint8_t mem;
};
struct x64_blk {
    uint32_t label;
    uint32_t n_preds;
    uint32_t first_ent, n_ents;
    uint32_t loop_end; /* position behind the last block of the (innermost) loop that it heads, else 0 */
    uint32_t loop_last; /* last block that jumps back to it */
    int32_t depth;      /* bytes that the bank has moved since the entry */
    uint8_t need[4];   /* registers for what the block makes itself, by class */
    bool fixed;
    bool checks;       /* its CHARGE asks whether the budget lasts up to the next ones that ask */
    int32_t ahead;     /* most that is charged from here (checks: with it) up to there */
    int32_t owed;      /* at its beginning: charged, but not yet taken from the budget's register */
};

struct x64_loc { /* source or destination of a move */
    uint8_t kind;
    uint8_t type;
    int8_t reg;
    int32_t off; /* spill offset, slot */
    uint64_t imm;
};
enum { X64_BUSY_RAX = 1, X64_BUSY_XMM = 2 };
enum { XL_REG, XL_SPILL, XL_HOME, XL_IMM, XL_TEMP };

struct x64_move {
    struct x64_loc dst, src;
};

struct x64_ctx {
    struct x64_asm a;
    struct backend *be;
    const struct ir_region *r;
    const struct x64_features *f;
    const struct jit_guest *guest;
    int tier;
    bool failed; /* frame too small */
    uint32_t deepest; /* loop depth */
    int32_t memo, memo_end; /* frame offsets of the guards' memos not yet taken */
    bool uses_bank;
    bool user;
    struct exit_site *site;
    uint32_t n_sites, next_return; /* next_return: site for the next call's way back */
    struct jit_region *owner;

    struct x64_val *val;   size_t max_val;
    uint32_t *ufirst;
    struct x64_use *use;   uint32_t n_use, max_use;
    struct x64_blk *blk;   size_t max_blk;
    struct x64_ent *ent;   uint32_t n_ent, max_ent;
    uint32_t *gval;        uint32_t n_glob, max_glob;
    uint64_t *bits;        size_t max_bits; /* live-in, live-out, defined: per block */
    uint32_t words;
    uint32_t *pair;        uint32_t n_pair, max_pair;
    struct x64_move *move; uint32_t n_move, max_move;
    struct host_fault *fault; uint32_t n_fault, max_fault; /* section offsets until the end */
    uint64_t *fault_at;    uint32_t max_fault_at;
    int32_t *free8;        uint32_t n_free8, max_free8; /* free spill places */
    int32_t *free16;       uint32_t n_free16, max_free16;
    uint32_t *local_spill; uint32_t n_local_spill, max_local_spill; /* values of this block with a place */
    uint32_t *ldslot;      uint32_t n_ldslot, max_ldslot;
    uint8_t clobbered[IR_MAX_SLOTS]; /* slot written inside the region */
    uint8_t home[IR_MAX_SLOTS];      /* its parameters may stand in the slot */
    int32_t spill_top;
    uint32_t place_head[X64_SPILL_BYTES / 8]; /* values that use a spill place */

    uint32_t reg_val[32];
    uint32_t allocatable[4]; /* by class */
    uint32_t locked;
    uint32_t pos, block;
    int32_t owed; /* charged here, but not yet taken from the budget's register; below 0: taken in advance */
    bool charged; /* the block has looked at the budget */
    uint32_t flags_val; uint64_t flags_at; /* value that the host flags tell about, if no code came since */
    uint32_t carry_val; uint64_t carry_at; /* value that the host's carry is, if no code came since */
    uint32_t direct_guard; /* guard that holds the addend only: its access adds direct_reg */
    int direct_reg;
    uint32_t next_call; /* position of the next call in this block */
};

struct x64_code { /* addresses of the common pieces in the arena */
    uint8_t *enter, *leave, *leave_pc, *guard, *guard_xmm, *save, *restore;
};

struct backend {
    struct arena arena;
    GMutex lock;
    struct x64_ctx *idle[4]; /* contexts not in use */
    const struct jit_guest *guest;
    struct x64_features f;
    struct x64_code code;
    uint64_t *starts; /* one bit per 64 bytes of the arena: a region's header */
    size_t n_starts;
    /* Where the code around generated code holds the C caller's registers, not the guest's. */
    const uint8_t *enter_begin, *enter_saved, *leave_restores, *leave_end;
    bool user;
    bool keeps_fixups;
};

#define X64_HEADER_BYTES 64 /* before each region, one unit of the arena: struct compiled * */

/* Of x64_reloc_kind in struct compiled's fixup: kind << 28 | place in the code. */
enum { X64_FIX_REL, X64_FIX_SITE, X64_FIX_HEAT, X64_FIX_FUNCTION };
#define X64_FIX_SHIFT 28
#define X64_FIX_PLACE ((1u << X64_FIX_SHIFT) - 1)

/* ------------------------------------------------------------------------------------- x64_alloc.c */
void x64_prepare(struct x64_ctx *c);
void x64_block_begin(struct x64_ctx *c, uint32_t b);
void x64_block_end(struct x64_ctx *c);
void x64_insn_end(struct x64_ctx *c, uint32_t p); /* advances next uses, unlocks */

struct x64_mem x64_val_mem(struct x64_ctx *c, uint32_t v);
struct x64_mem x64_slot_mem(struct x64_ctx *c, uint32_t slot);
struct x64_loc x64_where(struct x64_ctx *c, uint32_t v);
int x64_in(struct x64_ctx *c, uint32_t v);                 /* in a register, locked */
int x64_new(struct x64_ctx *c, uint32_t p);                /* register for a result, locked */
int x64_new_from(struct x64_ctx *c, uint32_t p, uint32_t v); /* ... that holds v now (takes over v's if v dies) */
int x64_temp(struct x64_ctx *c, enum x64_class cls);       /* a register until x64_insn_end() */
void x64_free_reg(struct x64_ctx *c, int reg);             /* moves its value away; locks it */
void x64_spill_caller_saved(struct x64_ctx *c);            /* around a helper call */
void x64_note_home(struct x64_ctx *c, uint32_t v);          /* v was just read from its slot */
void x64_home_lost(struct x64_ctx *c, int slot);           /* slot memory changes; -1 all, -2 banked */
int32_t x64_spill_place(struct x64_ctx *c, uint32_t v);
bool x64_in_mem(struct x64_ctx *c, uint32_t v, bool w);    /* better (or only) read from memory, at x64_val_mem */

static inline bool x64_wide(enum ir_type t)
{
    return t == IR_V128 || t == IR_F80;
}
void x64_move_reg(struct x64_ctx *c, enum ir_type t, int dst, int src);
void x64_load_type(struct x64_ctx *c, enum ir_type t, int dst, struct x64_mem m);
void x64_store_type(struct x64_ctx *c, enum ir_type t, struct x64_mem m, int src);
void x64_copy(struct x64_ctx *c, const struct x64_loc *dst, const struct x64_loc *src, unsigned busy);
void x64_add_move(struct x64_ctx *c, struct x64_loc dst, struct x64_loc src); /* to c->move */
void x64_moves(struct x64_ctx *c); /* parallel moves of c->move, emptied */

void x64_edge_fix(struct x64_ctx *c, uint32_t edge);     /* decides the target's entry state if this is its first edge */
uint32_t x64_edge_moves(struct x64_ctx *c, uint32_t edge); /* collects into c->move; how many */

static inline uint32_t x64_canon(const struct x64_ctx *c, uint32_t v)
{
    return c->val[v].canon;
}
static inline bool x64_const(const struct x64_ctx *c, uint32_t v, uint64_t *k)
{
    if (!(c->val[c->val[v].canon].flags & XV_CONST)) {
        return false;
    }
    const struct ir_insn *i = &c->r->insn[c->val[v].canon];
    *k = ir_const_value(i);
    if (i->type == IR_I32 || i->type == IR_F32) {
        *k = (uint32_t)*k;
    }
    return true;
}
static inline bool x64_dies(const struct x64_ctx *c, uint32_t v)
{
    return c->val[c->val[v].canon].last <= c->pos;
}
/* Nobody needs p and it does nothing else. */
static inline bool x64_dead(const struct x64_ctx *c, uint32_t p)
{
    unsigned op = c->r->insn[p].op;
    return c->val[p].n_use == 0 && ((ir_op_info[op].flags & IR_P) || op == IR_LDSLOT) &&
           !(c->guest->fp_flags_count && ir_raises_flags(op));
}
static inline bool x64_is64(const struct x64_ctx *c, uint32_t v)
{
    return c->r->insn[v].type == IR_I64;
}
static inline struct x64_mem x64_save_slot(int reg)
{
    return x64_at(RSP, reg < 16 ? X64_SAVE + 8 * reg : X64_SAVE_XMM + 16 * (reg - 16));
}

/* The exit that an instruction names, or ~0. */
uint32_t x64_exit_of(const struct x64_ctx *c, uint32_t p);
unsigned x64_edges_of(const struct x64_ctx *c, uint32_t b, uint32_t out[2]); /* that leave block b; how many */

/* ------------------------------------------------------------------------------------- x64_home.c */
void x64_find_homes(struct x64_ctx *c);
bool x64_home_for(const struct x64_ctx *c, uint32_t v);
bool x64_home_has(const struct x64_ctx *c, uint32_t v);
bool x64_home_holds(const struct x64_ctx *c, uint32_t v, uint32_t to);

/* ------------------------------------------------------------------------------------- x64_lower.c */
void x64_region(struct x64_ctx *c, int32_t *hotness);

static inline bool x64_fits32(bool w, uint64_t k)
{
    return !w || (int64_t)k == (int32_t)k;
}

static inline bool x64_in_reg(const struct x64_ctx *c, uint32_t v)
{
    return c->val[x64_canon(c, v)].reg >= 0;
}

/* A register with v for reading only; constants go to rax unless they have a register. */
static inline int x64_read(struct x64_ctx *c, uint32_t v)
{
    uint64_t k;

    if (x64_const(c, v, &k) && !x64_in_reg(c, v)) {
        x64_imm(&c->a, RAX, k, true);
        return RAX;
    }
    return x64_in(c, v);
}

/* The flags now tell about the value of p: zero and sign. */
static inline void x64_flags_of(struct x64_ctx *c, uint32_t p)
{
    c->flags_val = p;
    c->flags_at = x64_here(&c->a);
}

/* ------------------------------------------------------------------------------------- x64_cond.c */
/* Emits the compare of a lazy or computed condition; the condition under which it is true. */
enum x64_cc x64_condition(struct x64_ctx *c, uint32_t v);
void x64_jump_if(struct x64_ctx *c, enum x64_cc cc, uint32_t label);
enum x64_cc x64_insn_flags(struct x64_ctx *c, uint32_t p);                /* emits what sets the flags for ICMP, BORROW, ... */
void x64_set_from_flags(struct x64_ctx *c, uint32_t p, enum x64_cc cc); /* p = cc */
void x64_select_op(struct x64_ctx *c, uint32_t p);
static inline enum x64_cc x64_not(enum x64_cc cc)
{
    return (enum x64_cc)(cc ^ 1);
}

/* ------------------------------------------------------------------------------------- x64_arith.c */
bool x64_arith(struct x64_ctx *c, uint32_t p); /* false: not an operation of this file */

/* ------------------------------------------------------------------------------------- x64_mem.c */
void x64_guard(struct x64_ctx *c, uint32_t p);
void x64_load_op(struct x64_ctx *c, uint32_t p);
void x64_store_op(struct x64_ctx *c, uint32_t p);
void x64_atomic_op(struct x64_ctx *c, uint32_t p);
/* User mode: the base value and displacement of a guard's accesses. */
uint32_t x64_guard_base(struct x64_ctx *c, uint32_t guard, int64_t *disp);

/* ------------------------------------------------------------------------------------- x64_exit.c */
/* Writes snapshot, pc, refund and leaves; at the current place. info_reg: GPR with exit_info, or -1. */
void x64_exit_code(struct x64_ctx *c, uint32_t exit, int info_reg);
uint32_t x64_exit_stub(struct x64_ctx *c, uint32_t exit); /* the same out of line; its label */
void x64_call(struct x64_ctx *c, uint32_t p);
void x64_call_if(struct x64_ctx *c, uint32_t p);
void x64_call_c(struct x64_ctx *c, const void *function); /* call instruction */
/* Out of line: result register (or -1) = function(cpu, [insn,] values...); jumps back to `back`. */
void x64_memos(struct x64_ctx *c);
void x64_cold_call(struct x64_ctx *c, const void *function, const struct ir_insn *insn, const struct x64_loc *arg,
                   unsigned n_args, int result, enum ir_type result_type);

/* ------------------------------------------------------------------------------------- x64_fp.c, x64_vec.c */
bool x64_fp(struct x64_ctx *c, uint32_t p);  /* false: not an operation of this file */
/* Operations whose result is a NaN if an operand is one. */
static inline bool x64_passes_nan(const struct ir_insn *i)
{
    return i->op >= IR_FADD && i->op <= IR_FDIV && (i->type == IR_F32 || i->type == IR_F64);
}
bool x64_vec(struct x64_ctx *c, uint32_t p);
enum x64_cc x64_fcmp_flags(struct x64_ctx *c, uint32_t p);
/* Three-operand SSE/AVX: dst = a op rm.  dst may be a, and b only with AVX. */
void x64_v3(struct x64_ctx *c, uint32_t op, int dst, int a, int b);
void x64_v3m(struct x64_ctx *c, uint32_t op, int dst, int a, struct x64_mem m);
void x64_v2(struct x64_ctx *c, uint32_t op, int dst, int src);
void x64_v2m(struct x64_ctx *c, uint32_t op, int reg, struct x64_mem m);

/* ------------------------------------------------------------------------------------- x64_backend.c */
void x64_features_detect(struct x64_features *f);
/* Room for a region of `size` bytes, with its header; NULL: the arena is full. The result is where it will run. */
uint8_t *x64_place(struct backend *be, uint32_t size, struct compiled *owner);
/* Its code is there: backend_find() finds it. */
void x64_placed(struct backend *be, const uint8_t *rx);
/* A rel32 field; false: out of reach. */
static inline bool x64_put32(uint8_t *at, int64_t v)
{
    int32_t d = (int32_t)v;

    memcpy(at, &d, 4);
    return v == d;
}

#endif
