/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JIT as instruction sets and boards see it: what a guest processor declares (struct jit_guest), the
 * common head of its state (struct jit_cpu), and how it is run.
 *
 * One struct jit holds the code cache and the translations of one address space owner: one machine in system
 * mode, one process in user mode (then shared by several host threads, one struct jit_cpu each).
 */
#ifndef VITRINE_JIT_JIT_H
#define VITRINE_JIT_JIT_H

#include <glib.h>
#include "emulator/jit/ir.h"

struct jit;

/* ---------------------------------------------------------------------------------------- software TLB
 *
 * Direct mapped; one table per (context, privilege) so that a context switch only swaps a pointer.  An entry
 * matches when (address & (JIT_PAGE_MASK | alignment bits)) equals the tag of the access; host address =
 * address + addend.  A tag that can never match is JIT_TLB_NONE.  Pages that hold translated code, and pages
 * whose writes are tracked, have no write tag: the first store takes the slow path. */
#define JIT_PAGE_BITS   12
#define JIT_PAGE_SIZE   (1u << JIT_PAGE_BITS)
#define JIT_PAGE_MASK   (~(uint64_t)(JIT_PAGE_SIZE - 1))
#define JIT_TLB_BITS    9
#define JIT_TLB_ENTRIES (1u << JIT_TLB_BITS)
#define JIT_TLB_NONE    (~(uint64_t)0)

struct jit_tlb_entry { /* 32 bytes: index shifts stay cheap */
    uint64_t read, write; /* page address or JIT_TLB_NONE */
    uint64_t addend;
    uint64_t exec; /* page address or JIT_TLB_NONE: instruction fetch */
};

/* Jump cache: direct mapped by (pc >> guest->insn_shift); one table per context as the TLB. */
#define JIT_JC_BITS    11
#define JIT_JC_ENTRIES (1u << JIT_JC_BITS)
struct jit_jc_entry {
    uint64_t pc;  /* JIT_TLB_NONE when empty */
    void *code;
};

/* Ways back of the calls under way, in a ring: what a return expects. */
#define JIT_BACK_ENTRIES 32
struct jit_jump_cache {
    struct jit_jc_entry entry[JIT_JC_ENTRIES];
    struct jit_jc_entry back[JIT_BACK_ENTRIES];
    uint32_t newest; /* of back, in bytes */
};

/* Head of every guest CPU's state. The first fields are used by generated code. */
struct jit_cpu {
    int64_t budget;              /* guest instructions left in this slice; below 0: leave */
    void *bank;                  /* base of banked slots */
    struct jit_tlb_entry *tlb;   /* JIT_TLB_ENTRIES, of the current context */
    struct jit_jump_cache *jc;   /* of the current context */
    uint8_t *window;             /* user mode: host address of guest address 0 */
    const uint8_t *user_pages;   /* user mode: a byte of enum jit_user_page bits for each page of the window, which may
                                    change at any time; NULL: every page counts as accessible */
    uint32_t mxcsr;              /* guest's rounding mode and sticky flags while outside generated code */
    uint32_t host_mxcsr;
    uint16_t x87_control;        /* jit_guest.x87: rounding and precision control of F80 operations; all exceptions masked */
    uint16_t x87_status;         /* their sticky flags (bits 0 to 5), while outside generated code */
    uint16_t host_x87_control;
    uint64_t pc, npc;
    uint64_t exit_info;          /* RAISE: info; MEMORY: guest address */
    uint32_t exit_reason;        /* RAISE: reason */
    uint32_t mode;               /* current key flags of guest (privilege, FP enabled, ...) */
    volatile int32_t stop;       /* another thread asks to leave jit_run() soon */
    bool halted;                 /* waits for an interrupt */
    uint64_t icount;             /* guest instructions executed up to the start of this slice */
    int64_t slice;               /* budget at the start of this slice: executed = slice - budget */
    struct jit *jit;
    const struct jit_guest *guest;
    uint64_t code_epoch;         /* changes with every change of mappings; regions of several pages compare */
    struct jit_context *context;
    struct cpu_extra *extra;     /* runtime's own */
};

/* ------------------------------------------------------------------------------------------- guest CPU */

/* How a translated guest instruction continues. */
enum jit_flow {
    JIT_NEXT,   /* at next.pc/npc: straight on */
    JIT_JUMP,   /* direct: at next.pc/npc */
    JIT_BRANCH, /* cond != 0: at taken_pc/npc, else next_pc/npc */
    JIT_INDIRECT, /* at the computed address `target` (npc follows it); hint CALL or RETURN; the driver leaves the
                     region or finds the target inside it */
    JIT_END,    /* the front end ended the block itself (ir_exit, ir_raise) */
};

struct jit_insn {              /* one guest instruction (with its delay slot, if translated together) */
    uint64_t pc, npc;          /* in: where */
    const uint8_t *code;       /* in: host bytes at pc */
    uint32_t avail;            /* in: bytes readable at code (to the end of the page, or a little more) */
    uint32_t mode;             /* in: region's mode */
    uint32_t n_insns;          /* out: guest instructions covered (1; 2 with a delay slot) */
    uint32_t n_done;           /* out: of these, those that the front end reported by ir_insn_done() itself (the
                                  jump before its delay slot, or all before an exit that follows the last one);
                                  the driver reports the others */
    uint32_t size;             /* out: bytes consumed from pc */
    enum jit_flow flow;        /* out */
    uint64_t next_pc, next_npc;
    uint64_t taken_pc, taken_npc;
    ir_ref cond;
    ir_ref target;             /* out: JIT_INDIRECT */
    enum ir_exit_hint hint;    /* out: JIT_JUMP that is a call; JIT_INDIRECT that is a call or a return */
    uint64_t return_pc;
};

enum jit_access { JIT_READ, JIT_WRITE, JIT_FETCH };

/* What the guest's MMU says of one page. */
struct jit_translation {
    uint64_t physical;  /* address of the accessed byte */
    uint8_t *host;      /* RAM or ROM: host address of the accessed byte; NULL: device */
    uint8_t *page_flags; /* RAM: the page's flag byte (see emulator/core/bus.h), else NULL */
    bool readable, writable, executable; /* for the current privilege, now (dirty bits already set) */
};

struct jit_guest {
    const char *name;
    bool big_endian, uses_npc, address64;
    uint8_t insn_shift;      /* log2 of the smallest instruction size */
    uint64_t pc_state;       /* bits of pc that are no part of the address but select a translation as mode does (an
                                instruction set's bit; from bit 32 on those that a computed target never has) */
    uint8_t n_slots;
    const struct ir_slot *slot;
    bool has_kind_slot;      /* kind_slot (I32, not banked) tells how deferred flags are to be read: worth assuming */
    uint8_t kind_slot;
    bool fp_flags_count;     /* floating-point arithmetic whose result nobody needs is done all the same, for its flags */
    bool x87;                /* the guest has F80 operations */
    size_t state_size;       /* of the CPU state that begins with struct jit_cpu */

    /* Emits the IR of the instruction at i->pc and fills the out fields. */
    void (*translate)(struct ir_builder *b, struct jit_insn *i);

    /* System mode: translate an address for the current privilege.  false: not mapped or not allowed; then
     * nothing has changed in the guest but MMU fault registers when `commit` is set, and
     * exit_reason/exit_info name the exception to raise. JIT_FETCH from a device is such a failure too (no host
     * memory to translate from). User mode: called only after a host fault, to name the exception; returns false. */
    bool (*lookup)(struct jit_cpu *cpu, uint64_t address, enum jit_access access, bool commit,
                   struct jit_translation *out);
    /* Devices: false: bus error, exit_reason set. Values are guest-order numbers; size 1, 2, 4, 8. */
    bool (*io_read)(struct jit_cpu *cpu, uint64_t physical, unsigned size, uint64_t *value);
    bool (*io_write)(struct jit_cpu *cpu, uint64_t physical, unsigned size, uint64_t value);
    /* An access whose address is not a multiple of what its guard demanded. */
    void (*misaligned)(struct jit_cpu *cpu, uint64_t address, enum jit_access access);
    /* Takes the exception exit_reason (info exit_info) at cpu->pc/npc: changes state, pc, npc and mode. Returns
     * false when jit_run() shall return to its caller instead (user mode: system calls, signals). */
    bool (*raise)(struct jit_cpu *cpu);
    /* Takes a pending interrupt if the state allows; called between regions at slice starts, after
     * IR_EXIT_DISPATCH and after each device access. true when state has changed. */
    bool (*interrupt)(struct jit_cpu *cpu);
    /* The guest's result for a floating-point operation whose host result is NaN or invalid. `insn` names op,
     * type, aux; operands and result as bits (F32 in the low half). That of arithmetic on F32 and F64 is a NaN. */
    uint64_t (*fp_fix)(struct jit_cpu *cpu, const struct ir_insn *insn, uint64_t a, uint64_t b, uint64_t c);
    /* Disassembles for the log (capstone or own); returns the size. */
    unsigned (*disassemble)(uint64_t pc, const uint8_t *code, uint32_t avail, char *text, size_t size);
};

/* ------------------------------------------------------------------------------------------ running */

enum jit_accel { JIT_ACCEL_INTERP, JIT_ACCEL_JIT };

struct jit_options {
    enum jit_accel accel;
    bool user_mode;
    bool deterministic;    /* tier 2 never depends on wall time for what the guest sees */
    unsigned max_tier;     /* 0: interpreter only for tests, 1, 2 */
    bool eager;            /* tests: tier 1 at the first run, tier 2 at the third, waited for */
    FILE *log;             /* --log jit, or NULL */
    size_t cache_size;     /* bytes of code arena; 0: default */
    bool keep;             /* user mode: jit_keep() will be asked */
};

/* Bits of jit_cpu.user_pages. */
enum jit_user_page {
    JIT_USER_READ = 1,
    JIT_USER_WRITE = 2,
    JIT_USER_EXEC = 4,
    JIT_USER_UNSURE = 32, /* an access may fault all the same (a file that became shorter) */
};

struct jit *jit_create(const struct jit_guest *guest, const struct jit_options *options, GError **error);
void jit_destroy(struct jit *jit);
void jit_cpu_init(struct jit *jit, struct jit_cpu *cpu); /* fills the head */
void jit_cpu_finish(struct jit_cpu *cpu);

enum jit_stop { JIT_STOP_BUDGET, JIT_STOP_HALTED, JIT_STOP_REQUEST, JIT_STOP_RAISED };
/* Runs up to `insns` guest instructions: exactly that many unless halted, asked to stop, or raise() said so. */
enum jit_stop jit_run(struct jit_cpu *cpu, int64_t insns);
/* Ends the running slice as soon as possible (same thread: from a device access or raise). */
void jit_end_slice(struct jit_cpu *cpu);
/* Instructions executed so far, exact inside a device access too. */
uint64_t jit_icount(const struct jit_cpu *cpu);

/* The current context: which TLB and jump cache apply. `id` is what the guest's mappings depend on (context
 * number, privilege, byte order); equal ids share tables. Call after changing mode or context registers. */
void jit_set_context(struct jit_cpu *cpu, uint64_t id);
/* Mappings changed: of one page in one context (or all contexts), of a context, of everything. Predicate form
 * for MMUs with several contexts in one id. */
void jit_flush_page(struct jit_cpu *cpu, uint64_t address);
void jit_flush_context(struct jit_cpu *cpu, uint64_t id);
void jit_flush_all(struct jit_cpu *cpu);
/* Guest RAM was written by a device or loader: drop translations made from it. */
void jit_code_written(struct jit *jit, const uint8_t *host, size_t size);
/* Write tracking of a RAM range was armed again: drop write entries that reach it. */
void jit_track_writes(struct jit *jit, const uint8_t *host, size_t size);
/* User mode: translations from guest addresses are void (munmap, mprotect, flush). */
void jit_invalidate_range(struct jit *jit, uint64_t address, uint64_t size);
/* User mode: around fork(), by a thread that is outside of jit_run(). The child keeps the translations that its
 * parent had, and of the processors the one that forked. false: no memory for them, do not fork. In the child, false:
 * it cannot go on. */
bool jit_fork_begin(struct jit *jit);
void jit_fork_parent(struct jit *jit);
bool jit_fork_child(struct jit *jit, struct jit_cpu *cpu);
/* User mode: translations that outlive the process (keep.c). `keep` of the options must be set. What a file of them is
 * for, beside the program and this build: text that must be part of its key. */
struct code_store;
struct code_store_writer;
void jit_fingerprint(const struct jit *jit, GString *text);
/* From now on translations are looked for there; the JIT owns it. Each is checked, the guest's bytes among the rest. */
void jit_use_store(struct jit *jit, struct code_store *store);
/* How many regions were made here, that is, did not come from the store. */
uint32_t jit_fresh_regions(const struct jit *jit);
/* So that a child of fork() finds everything as it should be: around the fork, in the parent. */
void jit_keep_begin(struct jit *jit);
void jit_keep_end(struct jit *jit);
/* In that child, which runs no guest code any more: compiles what was only interpreted, and adds all that is new. */
void jit_keep(struct jit *jit, struct jit_cpu *cpu, struct code_store_writer *writer);

/* User mode: a handler of other signals asks the interrupted processor of its own thread to leave jit_run() soon. In
 * rare moments only the end of the slice is left to do it: slices shall not be endless. */
void jit_request_stop(struct jit_cpu *cpu, void *ucontext);
/* User mode: a SIGSEGV/SIGBUS handler calls this first; true: the context was redirected to the side exit. */
bool jit_handle_fault(struct jit_cpu *cpu, int signal, void *siginfo, void *ucontext);

/* User mode, from raise() or a helper: copies between `data` and guest memory; false when the guest's address does not
 * allow it (a part may have been copied). */
bool jit_user_copy(struct jit_cpu *cpu, uint64_t address, void *data, size_t size, bool to_guest);

/* Full-check memory access as the interpreter does it (TLB, MMU, devices). false: exception, exit_reason set. */
bool jit_mem_read(struct jit_cpu *cpu, uint64_t address, unsigned size, uint64_t *value);
bool jit_mem_write(struct jit_cpu *cpu, uint64_t address, unsigned size, uint64_t value);
/* For the interpreter's GUARD: host address when the bytes are RAM (code and tracking flags dealt with), NULL
 * with *device true when they must go through jit_mem_*, NULL with *device false on exception. */
uint8_t *jit_mem_host(struct jit_cpu *cpu, uint64_t address, unsigned size, unsigned align_log2,
                      enum jit_access access, bool *device);

struct jit_stats {
    uint64_t regions[3], guest_insns[3], code_bytes[3]; /* per tier; [0] interpreted regions */
    uint64_t interpreted, units, tlb_misses, jc_misses, links, invalidations, cache_drops, budget_exits, device_exits;
    uint64_t compile_ns[3];
    uint64_t recalled, recall_misses, recall_refused; /* translations from the store; not there; not fitting or damaged */
};
void jit_get_stats(const struct jit *jit, struct jit_stats *stats);
/* The same as lines of text. */
void jit_describe_stats(const struct jit *jit, GString *text);

#endif
