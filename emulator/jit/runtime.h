/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shared by the files of the JIT's runtime: translations, the maps that find them, contexts of the software TLB.
 *
 * A unit is what one call of jit_guest.translate() covers: an instruction, or a branch with its delay slot.  Slices
 * end between units, so where a slice ends does not depend on how units are grouped into regions.
 *
 * Locking: `lock` guards the maps, links and page records.  Translations and IR are only freed by
 * translation_reap() at a point where the calling CPU runs none of them; code memory is only reused by a full reset, while no
 * CPU is inside jit_run().
 */
#ifndef VITRINE_JIT_RUNTIME_H
#define VITRINE_JIT_RUNTIME_H

#include <setjmp.h>
#include <string.h>
#include "emulator/jit/backend.h"

#define JIT_PAGE_CODE 0x01u /* flag byte of a guest page: translated code exists (as RAM_PAGE_CODE) */

/* Number of runs of a region in the IR interpreter before it is worth compiling. */
#define COLD_RUNS 8
/* That many runs and the other thread has not come to compile it: it is too busy. */
#define WARM_RUNS (COLD_RUNS * 3)
/* Runs of a tier-1 region before it is the seed of a tier-2 region. */
#define HOT_RUNS 3000
#define HEAT_NEVER 0 /* and for a moment what was just counted down */

#define SUPERBLOCK_MAX_UNITS 32
#define REGION_MAX_BLOCKS    64
#define REGION_MAX_UNITS     600
#define TREE_MAX_BLOCKS      10
#define REGION_MAX_PAGES     6

enum translation_kind {
    TRANSLATION_BLOCK, /* superblock, or a tier-2 region */
    TRANSLATION_UNIT,  /* one unit for the interpreter, devices allowed */
};

struct jit_region {
    uint64_t pc, npc;
    uint32_t mode;
    uint8_t kind;          /* enum translation_kind */
    uint8_t tier;          /* 0 IR only, 1, 2 */
    bool valid;
    bool promoting;        /* a tier-2 job is under way */
    bool compiling;        /* for tier 1, by the other thread: `code` is its, and the region stays */
    bool next_page;        /* made with the page behind at hand */
    uint64_t seen;         /* digest of the guest's bytes, if it shall be kept */
    const uint8_t *host;   /* host address of the code at pc */
    uint32_t runs;
    uint32_t n_guest_insns;
    struct ir_region *ir;  /* interpreted form, or NULL */
    struct compiled code;
    struct exit_site *links_in; /* sites of other regions that jump here */
    struct jit_region *next_hash;
    struct jit_region *next_dead;
    struct code_mapping *mapping; /* several pages: what they must map to; entry code compares epochs */
    uint64_t *valid_epoch;   /* value of jit_cpu.code_epoch for which that was checked, or NULL */
    uint32_t n_mappings;
    uint32_t n_spans;
    struct code_span {     /* guest code bytes it was made from */
        const uint8_t *host;
        uint32_t size;
    } *span;
    struct code_span first_span;
};

/* A virtual page of code and the host page that it mapped to. */
struct code_mapping {
    uint64_t page;
    const uint8_t *host;
};

/* A host page of guest code. */
struct code_page {
    const uint8_t *host;    /* page start */
    uint8_t *flags;         /* guest page's flag byte, or NULL */
    uint64_t granules;      /* 64-byte pieces that hold translated code */
    GPtrArray *regions;     /* of struct jit_region */
};

#define JIT_CONTEXTS 16
#define JIT_RECENT   1024
struct jit_context {
    uint64_t id;
    uint64_t used;  /* for replacement */
    uint64_t epoch; /* jit_cpu.code_epoch while current */
    bool live;
    struct jit_tlb_entry tlb[JIT_TLB_ENTRIES];
    struct jit_jump_cache jc;
    struct jit_region *recent[JIT_RECENT]; /* what the dispatcher found last, by pc */
};

#define REGION_HASH_BITS 15
#define HEAT_BITS        16

struct jit {
    const struct jit_guest *guest;
    struct jit_options options;
    struct backend *backend; /* NULL when only interpreting */
    GRecMutex lock;
    GCond idle;              /* running dropped to 0 */
    GMutex idle_lock;
    int running;             /* CPUs inside jit_run(), under idle_lock */
    bool reset_wanted;       /* the arena is full */
    struct jit_region *hash[1u << REGION_HASH_BITS];
    GHashTable *pages;       /* host page -> struct code_page */
    GPtrArray *cpus;
    struct jit_region *dead;
    GPtrArray *old_ir;       /* of regions that were compiled while other CPUs may have been interpreting them */
    /* By hashed guest address: counted down by the tier-1 code that begins there. What was never counted never ran
     * as the start of a region. Read by the tier-2 thread without a lock: a profile, nothing more. */
    int32_t heat[1u << HEAT_BITS];
    uint8_t covered[1u << HEAT_BITS]; /* stands inside a tier-2 region that began elsewhere */
    struct jit_stats stats;
    struct tier2 *tier2;
    struct code_store *store; /* translations of earlier processes, or NULL */
    GByteArray *recalled;    /* a record of it */
    uint32_t fresh;          /* regions made here */
    int fork_copy;           /* between jit_fork_begin() and its end: the child's code, or -1 */
};

/* Per-CPU things that need not stand in the guest state. */
struct cpu_extra {
    struct jit_context *contexts[JIT_CONTEXTS];
    uint64_t use_counter, epochs;
    struct ir_scratch *scratch;
    struct ir_builder *builder;
    bool in_unit;             /* the interpreter runs a unit: devices and exceptions are real */
    bool raised;              /* jit_mem_host() set exit_reason */
    bool running;             /* counted in jit.running */
    uint64_t raised_at;       /* jit_icount() at the last exception that the guest took */
    sigjmp_buf *recover;      /* user mode: where host faults of the interpreter go */
    uint64_t fault_address;   /* guest address of such a fault */
    bool fault_write;
};
struct cpu_extra *jit_cpu_extra(struct jit_cpu *cpu);

/* A machine's maps belong to its one thread; a process's are shared. */
static inline void jit_lock(struct jit *jit)
{
    if (jit->options.user_mode)
        g_rec_mutex_lock(&jit->lock);
}
static inline void jit_unlock(struct jit *jit)
{
    if (jit->options.user_mode)
        g_rec_mutex_unlock(&jit->lock);
}

/* code_map.c: finding and dropping translations; all under jit->lock */
struct jit_region *translation_find(struct jit *jit, uint64_t pc, uint64_t npc, uint32_t mode, const uint8_t *host,
                                    enum translation_kind kind);
void translation_insert(struct jit *jit, struct jit_region *r, uint8_t *page_flags);
void translation_remove(struct jit *jit, struct jit_region *r);
/* Drops translations made from these bytes; returns how many. */
unsigned translation_drop_range(struct jit *jit, const uint8_t *host, size_t size);
void translation_drop_all(struct jit *jit);
void translation_reap(struct jit *jit);
void translation_free(struct jit *jit, struct jit_region *r);
bool translation_overlaps_code(struct jit *jit, const uint8_t *host, size_t size);
static inline uint32_t jit_pc_hash(uint64_t pc, unsigned bits)
{
    return (uint32_t)((pc * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - bits));
}
static inline int32_t *jit_heat(struct jit *jit, uint64_t pc)
{
    return &jit->heat[jit_pc_hash(pc, HEAT_BITS)];
}
/* Did code from here on run a fair part of the time that makes a region hot? */
static inline bool jit_is_warm(const struct jit *jit, uint64_t pc)
{
    int32_t heat = jit->heat[jit_pc_hash(pc, HEAT_BITS)];
    return heat != HEAT_NEVER && (heat > HOT_RUNS || heat < HOT_RUNS - HOT_RUNS / 64 || jit->options.eager);
}

/* region.c: guest code -> IR */
struct region_source {
    struct jit *jit;
    uint64_t pc, npc;
    uint32_t mode;
    const uint8_t *host;         /* at pc */
    bool next_page;              /* of a program: the page behind may be fetched from, too */
    uint64_t kind;               /* what the guest's kind slot is now: a guess at what it will be there */
    const struct code_mapping *mapping; /* other pages that a hot region may use */
    uint32_t n_mappings;
    uint64_t *valid_epoch;       /* made a region of several pages: where its entry finds the epoch */
};
/* Between regions: the kind slot, 0 where there is none. */
static inline uint64_t jit_kind_now(const struct jit_cpu *cpu)
{
    const struct jit_guest *g = cpu->guest;
    uint32_t kind = 0;
    if (g->has_kind_slot)
        memcpy(&kind, (const uint8_t *)cpu + g->slot[g->kind_slot].offset, sizeof(kind));
    return kind;
}
struct ir_region *region_form_unit(struct ir_builder *b, const struct region_source *s, struct code_span *span);
struct ir_region *region_form_superblock(struct ir_builder *b, const struct region_source *s,
                                         struct code_span *span);
/* From copies of the guest's code pages, so that the guest may change them meanwhile. spans: of struct code_span,
 * what the region was made from; bytes: what stood there; mappings: of struct code_mapping, empty when one page was
 * enough; inner: uint64_t addresses of the blocks inside. NULL when nothing is gained. */
struct ir_region *region_form_hot(struct ir_builder *b, const struct region_source *s, GArray *spans,
                                  GByteArray *bytes, GArray *mappings, GArray *inner);

/* runtime.c */
/* The region's IR was compiled, or `code` is empty: there was no room. */
void jit_enter_tier1(struct jit *jit, struct jit_region *r);
void jit_log_region(struct jit *jit, const struct jit_region *r, const struct ir_region *ir, const char *what);

/* keep.c */
/* The region at the CPU's pc from the store, entered in the maps; NULL: there is none that fits. */
struct jit_region *jit_recall(struct jit_cpu *cpu, const uint8_t *host);
/* A region was made: notes what it was made from. */
void jit_note_fresh(struct jit *jit, struct jit_region *r);

/* tier2.c */
struct tier2 *tier2_start(struct jit *jit);
void tier2_stop(struct tier2 *t);
void tier2_submit(struct tier2 *t, struct jit_cpu *cpu, struct jit_region *seed);
/* Has the region's IR compiled for tier 1, soon; false: it must be done here. */
bool tier2_compile(struct tier2 *t, struct jit_region *r);
/* Such a region goes on being interpreted: no more waiting for others. */
void tier2_hurry(struct tier2 *t);
/* Not begun yet: it is done here after all. */
bool tier2_take_back(struct tier2 *t, struct jit_region *r);
/* Nothing of that is wanted any more. */
void tier2_forget_warm(struct tier2 *t);
/* Takes finished work in; called between regions. Cheap when there is none. */
void tier2_publish(struct tier2 *t, struct jit_cpu *cpu);
/* Waits until all that was submitted is finished. */
void tier2_wait(struct tier2 *t);
/* Around fork(): the worker ends its job and waits, and everybody else too. */
void tier2_hold(struct tier2 *t);
void tier2_release(struct tier2 *t);
/* In the child of fork(): the worker stayed behind; it is made again when there is work. */
void tier2_forked(struct tier2 *t);
/* Waits until the worker holds no reference to code (before reset and invalidation of user memory). */
void tier2_quiesce(struct tier2 *t);

/* memory.c */
void jit_context_drop_code(struct jit *jit, const struct jit_region *r); /* jump cache entries of a region */
void jit_forget_returns(struct jit *jit); /* some may lead into regions that went */
void jit_drop_write_entries(struct jit *jit, const uint8_t *host, size_t size);
/* Where the code at pc would stand if its page was fetched from before (user mode: always); not checked any further. */
const uint8_t *jit_fetched_before(struct jit_cpu *cpu, uint64_t pc);
/* A program's page: may code be fetched there, for certain? */
bool jit_may_fetch(const struct jit_cpu *cpu, uint64_t address);
/* Host address of code at pc, for fetching; NULL: exception set (exit_reason). *flags: page flag byte or NULL. */
const uint8_t *jit_fetch(struct jit_cpu *cpu, uint64_t pc, uint8_t **flags);

#endif
