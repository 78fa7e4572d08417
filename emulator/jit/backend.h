/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the runtime (runtime.c) asks of a host back end: compile a region into the code cache, enter it, link
 * and unlink its exits, and find the side exit of a faulting host instruction.  x86-64 is the first one.
 *
 * Convention of generated code: a region is entered with the CPU pointer and (as the back end likes) budget,
 * bank, TLB or window base in fixed registers; all guest slots in memory.  It is left
 *   - to another region's entry (linked direct exit, or jump cache hit), all slots in memory, or
 *   - to the runtime: backend_enter() returns the exit site taken, pc/npc/exit_* stored in jit_cpu.
 * Returns are predicted: an exit that calls notes a piece of code of its own, its way back, in the ring of expected
 * returns (struct jit_jump_cache) and goes on by a host CALL whose return address that piece is; an exit that returns to
 * the newest expected place goes on by a host RET to its piece. The host's stack is level between the two.
 */
#ifndef VITRINE_JIT_BACKEND_H
#define VITRINE_JIT_BACKEND_H

#include "emulator/jit/jit.h"

struct backend; /* code arena, trampolines */
struct jit_region; /* runtime's record of a translation */

/* One place where generated code may return to the runtime. */
struct exit_site {
    struct jit_region *region;
    uint8_t kind;         /* enum ir_exit_kind */
    uint8_t hint;
    uint64_t pc, npc;     /* constants of a direct exit */
    uint8_t *patch;       /* DIRECT: where the link is written (back end's business) */
    void *linked;         /* code it jumps to now, or NULL */
    struct exit_site *next_in; /* runtime: other sites linked to the same region */
};

struct host_fault { /* host instruction that may fault -> its cold stub, ascending by code */
    uint32_t code_offset, stub_offset;
};

struct compiled { /* result of backend_compile */
    uint8_t *code;       /* RX address of the entry */
    uint32_t size;       /* bytes including cold stubs */
    struct exit_site *site; /* g_malloc'ed array: one per exit of the IR region, one per call's way back, hotness's */
    uint32_t n_sites;
    struct host_fault *fault; /* g_malloc'ed, user mode */
    uint32_t n_faults;
    uint32_t *fixup;     /* g_malloc'ed, after backend_keep_fixups(): the back end's notes for backend_freeze() */
    uint32_t n_fixups;
};

struct backend *backend_create(const struct jit_guest *guest, size_t arena_size, bool user_mode, GError **error);
void backend_destroy(struct backend *be);

/* Compiles; false when the arena is full (the runtime then drops everything with backend_reset()).  `tier` 1:
 * fast allocation; 2: best code.  hotness: if not NULL, the entry counts *hotness down (int32) and leaves by
 * the last site, of kind IR_EXIT_DISPATCH, when it reaches 0.
 * Thread-safe against running code, and against other compiles by an internal lock. */
bool backend_compile(struct backend *be, const struct ir_region *r, int tier, int32_t *hotness,
                     struct jit_region *owner, struct compiled *out);
/* A region is freed: forget `c` (backend_find) and free its arrays. Its code stays until the next reset. */
void backend_release(struct backend *be, struct compiled *c);
void backend_reset(struct backend *be); /* no generated code may be running */

/* Compiled code that outlives its process. Frozen, it holds no address of this process; thawed, it is as if it had been
 * compiled here, for the same guest, mode and features of the processor (backend_fingerprint()). Fixups are only noted
 * from backend_keep_fixups() on, before the first compile.
 * backend_freeze() appends to `out` (a multiple of 8 bytes); false, and nothing appended: it refers to something that
 * has no name. backend_thaw() checks everything but the instructions themselves; `hotness` as for backend_compile(). */
enum backend_thawed { BACKEND_THAWED, BACKEND_THAW_BAD, BACKEND_THAW_FULL };
void backend_keep_fixups(struct backend *be);
bool backend_freeze(struct backend *be, const struct compiled *c, GByteArray *out);
enum backend_thawed backend_thaw(struct backend *be, const uint8_t *data, size_t size, int32_t *hotness,
                                 struct jit_region *owner, struct compiled *out);
/* Text that differs where code of one process would not do in another. */
void backend_fingerprint(const struct backend *be, GString *text);
/* In a child of fork() that runs no generated code: what it compiles from now on is not seen by the parent. */
bool backend_compile_apart(struct backend *be);

/* fork(), as arena.h says; no compile may be under way between the two. */
int backend_copy_code(struct backend *be);
bool backend_use_copy(struct backend *be, int fd);

struct exit_site *backend_enter(struct backend *be, struct jit_cpu *cpu, const void *code);

/* Links a direct exit to target code (atomically patched), or back to the runtime (target NULL). */
void backend_link(struct backend *be, struct exit_site *site, const void *target);
/* The compiled region whose code holds this host address, or NULL; safe in a signal handler of a thread that runs
 * generated code. */
const struct compiled *backend_find(struct backend *be, const void *host_pc);

/* In a signal handler of the thread that runs `cpu`: when it was interrupted in generated code, that code runs out of
 * budget at its next check. */
void backend_stop(struct backend *be, struct jit_cpu *cpu, void *ucontext);

/* Slow path of a guard, called from generated code: fills the TLB and returns the host address of `address`, or 0
 * when the interpreter must do the instruction (device, fault, misaligned, store into code). `aux`: the GUARD's. */
uint64_t jit_guard_slow(struct jit_cpu *cpu, uint64_t address, uint32_t aux);

/* Listing of host code by capstone for the log. */
void backend_log(struct backend *be, const struct compiled *c, FILE *out);

#endif
