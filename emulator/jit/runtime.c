/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running guest code: the dispatcher between interpreter and generated code, tiers, links.
 *
 * A CPU runs in slices of guest instructions.  Between regions the dispatcher takes interrupts, finds or makes the
 * region at pc, and runs it; generated code goes from region to region without coming back as long as links and jump
 * cache lead on.  What generated code cannot do (devices, page faults, stores into code) it leaves to one unit in the
 * interpreter, which has the full checks.
 */
#include <string.h>
#include <unistd.h>
#include <time.h>
#include "emulator/jit/runtime.h"
#include "emulator/jit/store.h"

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ------------------------------------------------------------------------------------------- life */

static void page_free(void *p)
{
    struct code_page *page = p;
    g_ptr_array_free(page->regions, TRUE);
    g_free(page);
}

struct jit *jit_create(const struct jit_guest *guest, const struct jit_options *options, GError **error)
{
    struct jit *jit = g_new0(struct jit, 1);
    jit->guest = guest;
    jit->options = *options;
    g_rec_mutex_init(&jit->lock);
    g_mutex_init(&jit->idle_lock);
    g_cond_init(&jit->idle);
    jit->pages = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, page_free);
    jit->cpus = g_ptr_array_new();
    jit->old_ir = g_ptr_array_new_with_free_func(g_free);
    if (options->accel == JIT_ACCEL_JIT && options->max_tier > 0) {
        jit->backend = backend_create(guest, options->cache_size, options->user_mode, error);
        if (!jit->backend) {
            jit_destroy(jit);
            return NULL;
        }
        if (options->keep)
            backend_keep_fixups(jit->backend);
        if (options->max_tier > 1)
            jit->tier2 = tier2_start(jit);
    }
    return jit;
}

void jit_destroy(struct jit *jit)
{
    if (!jit)
        return;
    if (jit->tier2)
        tier2_stop(jit->tier2);
    translation_drop_all(jit);
    translation_reap(jit);
    backend_destroy(jit->backend);
    g_hash_table_destroy(jit->pages);
    g_ptr_array_free(jit->cpus, TRUE);
    g_ptr_array_free(jit->old_ir, TRUE);
    code_store_close(jit->store);
    if (jit->recalled)
        g_byte_array_free(jit->recalled, TRUE);
    g_rec_mutex_clear(&jit->lock);
    g_mutex_clear(&jit->idle_lock);
    g_cond_clear(&jit->idle);
    g_free(jit);
}

struct cpu_extra *jit_cpu_extra(struct jit_cpu *cpu)
{
    return cpu->extra;
}

void jit_cpu_init(struct jit *jit, struct jit_cpu *cpu)
{
    cpu->jit = jit;
    cpu->guest = jit->guest;
    cpu->mxcsr = 0x1f80;
    cpu->x87_control = 0x037f; /* as FNINIT leaves it */
    cpu->extra = g_new0(struct cpu_extra, 1);
    cpu->extra->builder = ir_builder_create();
    jit_set_context(cpu, 0);
    g_rec_mutex_lock(&jit->lock);
    g_ptr_array_add(jit->cpus, cpu);
    g_rec_mutex_unlock(&jit->lock);
}

bool jit_fork_begin(struct jit *jit)
{
    g_rec_mutex_lock(&jit->lock);
    jit->fork_copy = -1;
    if (!jit->backend)
        return true;
    if (jit->tier2)
        tier2_hold(jit->tier2);
    jit->fork_copy = backend_copy_code(jit->backend);
    if (jit->fork_copy >= 0)
        return true;
    jit_fork_parent(jit);
    return false;
}

void jit_fork_parent(struct jit *jit)
{
    if (jit->fork_copy >= 0)
        close(jit->fork_copy);
    if (jit->tier2)
        tier2_release(jit->tier2);
    g_rec_mutex_unlock(&jit->lock);
}

bool jit_fork_child(struct jit *jit, struct jit_cpu *cpu)
{
    /* Whoever held the locks stayed behind. */
    g_rec_mutex_init(&jit->lock);
    g_mutex_init(&jit->idle_lock);
    g_cond_init(&jit->idle);
    jit->running = 0;
    g_ptr_array_set_size(jit->cpus, 0);
    g_ptr_array_add(jit->cpus, cpu);
    if (jit->tier2)
        tier2_forked(jit->tier2);
    return !jit->backend || backend_use_copy(jit->backend, jit->fork_copy);
}

static void leave_running(struct jit_cpu *cpu)
{
    struct jit *jit = cpu->jit;
    g_mutex_lock(&jit->idle_lock);
    cpu->extra->running = false;
    if (--jit->running == 0 && jit->reset_wanted) /* nobody waits for anything else */
        g_cond_broadcast(&jit->idle);
    g_mutex_unlock(&jit->idle_lock);
}

void jit_cpu_finish(struct jit_cpu *cpu)
{
    struct cpu_extra *x = cpu->extra;
    if (!x)
        return;
    if (x->running) /* of a process that shared this memory and was killed */
        leave_running(cpu);
    g_rec_mutex_lock(&cpu->jit->lock);
    g_ptr_array_remove_fast(cpu->jit->cpus, cpu);
    if (!cpu->jit->cpus->len) /* the guest's memory and its page flags may go before the JIT does */
        translation_drop_all(cpu->jit);
    g_rec_mutex_unlock(&cpu->jit->lock);
    for (unsigned i = 0; i < JIT_CONTEXTS; i++)
        g_free(x->contexts[i]);
    ir_interp_scratch_free(x->scratch);
    ir_builder_destroy(x->builder);
    g_free(x);
    cpu->extra = NULL;
}

void jit_get_stats(const struct jit *jit, struct jit_stats *stats)
{
    *stats = jit->stats;
}

void jit_describe_stats(const struct jit *jit, GString *text)
{
    const struct jit_stats *s = &jit->stats;
    g_string_append(text, "  tier      regions       guest insns    code bytes   compile ms\n");
    for (int tier = 0; tier < 3; tier++)
        g_string_append_printf(text,
                               "  %4d %12" G_GUINT64_FORMAT " %17" G_GUINT64_FORMAT " %13" G_GUINT64_FORMAT " %12.1f\n",
                               tier, s->regions[tier], s->guest_insns[tier], s->code_bytes[tier],
                               (double)s->compile_ns[tier] / 1e6);
    g_string_append_printf(text,
                           "  regions interpreted %" G_GUINT64_FORMAT ", units interpreted %" G_GUINT64_FORMAT
                           ", device accesses %" G_GUINT64_FORMAT ", TLB misses %" G_GUINT64_FORMAT "\n"
                           "  jump cache misses %" G_GUINT64_FORMAT ", links %" G_GUINT64_FORMAT
                           ", invalidations %" G_GUINT64_FORMAT ", cache drops %" G_GUINT64_FORMAT
                           ", budget exits %" G_GUINT64_FORMAT "\n",
                           s->interpreted, s->units, s->device_exits, s->tlb_misses, s->jc_misses, s->links,
                           s->invalidations, s->cache_drops, s->budget_exits);
    if (jit->options.keep)
        g_string_append_printf(text,
                               "  from the translation cache %" G_GUINT64_FORMAT ", not there %" G_GUINT64_FORMAT
                               ", refused %" G_GUINT64_FORMAT ", new %u\n",
                               s->recalled, s->recall_misses, s->recall_refused, jit->fresh);
}

uint64_t jit_icount(const struct jit_cpu *cpu)
{
    return cpu->icount + (uint64_t)(cpu->slice - cpu->budget);
}

void jit_end_slice(struct jit_cpu *cpu)
{
    cpu->stop = 1;
}

/* ------------------------------------------------------------------------------------------- translations */

void jit_log_region(struct jit *jit, const struct jit_region *r, const struct ir_region *ir, const char *what)
{
    FILE *log = jit->options.log;
    flockfile(log); /* the tier-2 thread writes too */
    fprintf(log, "---- %s at %" G_GINT64_MODIFIER "x, mode %x, %u guest instructions\n", what, r->pc, r->mode,
            r->n_guest_insns);
    for (uint32_t s = 0; s < r->n_spans && jit->guest->disassemble; s++) {
        const struct code_span *span = &r->span[s];
        uint64_t pc = r->pc + (uint64_t)(span->host - r->host);
        for (uint32_t at = 0; at < span->size;) {
            char text[128] = "";
            unsigned n = jit->guest->disassemble(pc + at, span->host + at, span->size - at, text, sizeof(text));
            fprintf(log, "  %8" G_GINT64_MODIFIER "x  %s\n", pc + at, text);
            at += n ? n : span->size;
        }
    }
    ir_print(ir, log);
    if (r->tier)
        backend_log(jit->backend, &r->code, log);
    fflush(log);
    funlockfile(log);
}

static void source_of(struct jit_cpu *cpu, const uint8_t *host, struct region_source *s)
{
    *s = (struct region_source){
        .jit = cpu->jit, .pc = cpu->pc, .npc = cpu->npc, .mode = cpu->mode, .host = host, .kind = jit_kind_now(cpu)};
    if (cpu->jit->options.user_mode)
        s->next_page = jit_may_fetch(cpu, (cpu->pc & ~cpu->guest->pc_state & JIT_PAGE_MASK) + JIT_PAGE_SIZE);
}

/* Everything that was translated goes; needs all CPUs out of generated code. */
static void reset_code(struct jit *jit)
{
    if (jit->tier2) {
        tier2_quiesce(jit->tier2);
        tier2_forget_warm(jit->tier2);
    }
    translation_drop_all(jit);
    if (jit->backend)
        backend_reset(jit->backend);
    jit->stats.cache_drops++;
}

static struct jit_region *region_new(struct jit_cpu *cpu, const uint8_t *host, enum translation_kind kind)
{
    struct jit_region *r = g_new0(struct jit_region, 1);
    r->pc = cpu->pc;
    r->npc = cpu->guest->uses_npc ? cpu->npc : 0;
    r->mode = cpu->mode;
    r->kind = (uint8_t)kind;
    r->host = host;
    r->n_spans = 1;
    r->span = &r->first_span;
    return r;
}

/* Interpreted form. */
static struct jit_region *make_ir(struct jit_cpu *cpu, const uint8_t *host, uint8_t *flags,
                                  enum translation_kind kind)
{
    struct jit *jit = cpu->jit;
    struct region_source s;
    struct jit_region *r = region_new(cpu, host, kind);
    uint64_t start = now_ns();
    source_of(cpu, host, &s);
    struct ir_region *ir = kind == TRANSLATION_UNIT
                               ? region_form_unit(cpu->extra->builder, &s, &r->first_span)
                               : region_form_superblock(cpu->extra->builder, &s, &r->first_span);
    r->ir = ir_region_copy(ir);
    r->n_guest_insns = ir->n_guest_insns;
    jit->stats.regions[0]++;
    jit->stats.guest_insns[0] += ir->n_guest_insns;
    jit->stats.compile_ns[0] += now_ns() - start;
    r->next_page = s.next_page;
    if (kind == TRANSLATION_BLOCK)
        jit_note_fresh(jit, r);
    translation_insert(jit, r, flags);
    if (jit->options.log && !jit->backend)
        jit_log_region(jit, r, ir, kind == TRANSLATION_UNIT ? "unit" : "superblock (interpreted)");
    return r;
}

void jit_enter_tier1(struct jit *jit, struct jit_region *r)
{
    if (!r->code.code) {
        jit->reset_wanted = true;
        return;
    }
    r->tier = 1;
    jit->stats.regions[1]++;
    jit->stats.guest_insns[1] += r->n_guest_insns;
    jit->stats.code_bytes[1] += r->code.size;
    if (jit->options.log)
        jit_log_region(jit, r, r->ir, "tier 1");
    /* Another thread of the program may be interpreting it. */
    if (jit->running > 1)
        g_ptr_array_add(jit->old_ir, g_steal_pointer(&r->ir));
    else
        g_clear_pointer(&r->ir, g_free);
}

/* An interpreted superblock is warm: it gets host code, here and now or by the translator's thread. */
static void compile_tier1(struct jit *jit, struct jit_region *r)
{
    int32_t *heat = jit_heat(jit, r->pc);
    if (*heat == HEAT_NEVER)
        *heat = jit->options.eager ? 2 : HOT_RUNS;
    if (jit->tier2 && !jit->options.eager && r->runs < WARM_RUNS && tier2_compile(jit->tier2, r))
        return;
    uint64_t start = now_ns();
    backend_compile(jit->backend, r->ir, 1, jit->tier2 ? heat : NULL, r, &r->code);
    jit->stats.compile_ns[1] += now_ns() - start;
    jit_enter_tier1(jit, r);
}

static void remember_in_jump_cache(struct jit_cpu *cpu, struct jit_region *r)
{
    const struct jit_guest *g = cpu->guest;
    uint64_t follow = r->pc + (UINT64_C(1) << g->insn_shift);
    if (g->uses_npc && r->npc != (g->address64 ? follow : (uint32_t)follow))
        return;
    struct jit_jc_entry *j = &cpu->jc->entry[(r->pc >> g->insn_shift) & (JIT_JC_ENTRIES - 1)];
    j->pc = r->pc;
    j->code = r->code.code;
}

static void link_site(struct jit *jit, struct exit_site *site, struct jit_region *to)
{
    if (!to->tier || !to->valid || site->linked || !site->region->valid)
        return;
    site->linked = to;
    site->next_in = to->links_in;
    to->links_in = site;
    backend_link(jit->backend, site, to->code.code);
    jit->stats.links++;
}

/* ------------------------------------------------------------------------------------------- running */

static bool raise_exception(struct jit_cpu *cpu)
{
    struct cpu_extra *x = cpu->extra;
    if (!cpu->guest->raise(cpu))
        return false;
    /* A handler whose first instruction raises the next one would go on for ever in no time: it counts as one. */
    if (jit_icount(cpu) == x->raised_at)
        cpu->budget--;
    x->raised_at = jit_icount(cpu);
    return true;
}

/* The translation at pc; NULL with an exception set where nothing can be fetched. */
static struct jit_region *find_or_make(struct jit_cpu *cpu, enum translation_kind kind)
{
    struct jit *jit = cpu->jit;
    uint64_t npc = cpu->guest->uses_npc ? cpu->npc : 0;
    struct jit_region **recent = &cpu->context->recent[(cpu->pc >> cpu->guest->insn_shift) & (JIT_RECENT - 1)];
    struct jit_region *known = *recent;
    if (known && known->pc == cpu->pc && known->npc == npc && known->mode == cpu->mode && known->kind == kind)
        return known;
    const uint8_t *host = jit_fetched_before(cpu, cpu->pc);
    if (host) {
        struct jit_region *r = translation_find(jit, cpu->pc, npc, cpu->mode, host, kind);
        if (r)
            return *recent = r;
    }
    uint8_t *flags;
    const uint8_t *sought = host;
    host = jit_fetch(cpu, cpu->pc, &flags);
    if (!host)
        return NULL;
    struct jit_region *r = host == sought ? NULL : translation_find(jit, cpu->pc, npc, cpu->mode, host, kind);
    if (!r && jit->store && kind == TRANSLATION_BLOCK)
        r = jit_recall(cpu, host);
    return *recent = r ? r : make_ir(cpu, host, flags, kind);
}

enum step { STEP_ON, STEP_RAISED };

/* One unit with full checks. */
static enum step run_unit(struct jit_cpu *cpu)
{
    struct jit *jit = cpu->jit;
    struct cpu_extra *x = cpu->extra;
    jit_lock(jit);
    struct jit_region *r = find_or_make(cpu, TRANSLATION_UNIT);
    jit_unlock(jit);
    if (!r)
        return raise_exception(cpu) ? STEP_ON : STEP_RAISED;

    /* A unit is never split: lend it the budget that it may lack. */
    const int64_t loan = 16;
    struct ir_region *ir = r->ir;
    cpu->budget += loan;
    cpu->slice += loan;
    x->in_unit = true;
    x->raised = false;
    enum ir_exit_kind kind = IR_EXIT_MEMORY;
    sigjmp_buf recover;
    if (jit->options.user_mode && sigsetjmp(recover, 0)) {
        /* A host fault in the interpreter: fault_address is the guest's. */
        struct jit_translation t;
        ir_interp_abandon(x->scratch, cpu);
        cpu->guest->lookup(cpu, x->fault_address, x->fault_write ? JIT_WRITE : JIT_READ, true, &t);
        x->raised = true;
    } else {
        x->recover = &recover;
        kind = ir->exit[ir_interp(ir, cpu, &x->scratch)].kind;
    }
    x->recover = NULL;
    x->in_unit = false;
    cpu->budget -= loan;
    cpu->slice -= loan;
    jit->stats.units++;
    if (x->raised || kind == IR_EXIT_MEMORY || kind == IR_EXIT_RAISE)
        return raise_exception(cpu) ? STEP_ON : STEP_RAISED;
    return STEP_ON;
}

/* A region that is not compiled (yet). A host fault leaves as a failing guard does. */
static enum ir_exit_kind run_interpreted(struct jit_cpu *cpu, const struct ir_region *ir)
{
    struct cpu_extra *x = cpu->extra;
    sigjmp_buf recover;
    enum ir_exit_kind kind = IR_EXIT_MEMORY;
    if (!cpu->jit->options.user_mode)
        return ir->exit[ir_interp(ir, cpu, &x->scratch)].kind;
    if (sigsetjmp(recover, 0)) {
        ir_interp_abandon(x->scratch, cpu);
    } else {
        x->recover = &recover;
        kind = ir->exit[ir_interp(ir, cpu, &x->scratch)].kind;
    }
    x->recover = NULL;
    return kind;
}

/* A region of several pages: do they still map to what it was made from? */
static bool revalidate(struct jit_cpu *cpu, struct jit_region *r)
{
    if (!r->valid_epoch || *r->valid_epoch == cpu->code_epoch)
        return true;
    for (unsigned k = 0; k < r->n_mappings; k++) {
        struct jit_translation t;
        uint32_t reason = cpu->exit_reason;
        uint64_t info = cpu->exit_info;
        bool ok = cpu->guest->lookup(cpu, r->mapping[k].page, JIT_FETCH, false, &t) &&
                  t.host == r->mapping[k].host;
        cpu->exit_reason = reason;
        cpu->exit_info = info;
        if (!ok)
            return false;
    }
    *r->valid_epoch = cpu->code_epoch;
    return true;
}

/* Called between regions; the region at pc or NULL with an exception set. */
static struct jit_region *region_at_pc(struct jit_cpu *cpu)
{
    struct jit *jit = cpu->jit;
    struct jit_region *r = find_or_make(cpu, TRANSLATION_BLOCK);
    if (r && !revalidate(cpu, r)) {
        translation_remove(jit, r);
        r = find_or_make(cpu, TRANSLATION_BLOCK);
    }
    if (!r)
        return NULL;
    if (!r->tier && jit->backend) {
        ++r->runs;
        if (!r->compiling && r->runs > (jit->options.eager ? 0 : COLD_RUNS))
            compile_tier1(jit, r);
        else if (r->compiling && r->runs == WARM_RUNS && tier2_take_back(jit->tier2, r))
            compile_tier1(jit, r);
        else if (r->compiling && r->runs % COLD_RUNS == 0)
            tier2_hurry(jit->tier2);
    }
    if (r->tier)
        remember_in_jump_cache(cpu, r);
    return r;
}

static void enter_running(struct jit_cpu *cpu)
{
    struct jit *jit = cpu->jit;
    g_mutex_lock(&jit->idle_lock);
    while (jit->reset_wanted && jit->running > 0)
        g_cond_wait(&jit->idle, &jit->idle_lock);
    if (jit->reset_wanted) {
        g_rec_mutex_lock(&jit->lock);
        reset_code(jit);
        g_rec_mutex_unlock(&jit->lock);
        jit->reset_wanted = false;
    }
    jit->running++;
    cpu->extra->running = true;
    g_mutex_unlock(&jit->idle_lock);
}

enum jit_stop jit_run(struct jit_cpu *cpu, int64_t insns)
{
    struct jit *jit = cpu->jit;
    const struct jit_guest *guest = cpu->guest;
    enum jit_stop result;
    struct exit_site *link_from = NULL; /* wants to be linked to the region at pc */
    bool want_unit = false, check = true;

    enter_running(cpu);
    cpu->slice = cpu->budget = insns;
    for (;;) {
        if (check && guest->interrupt) {
            guest->interrupt(cpu);
            link_from = NULL;
        }
        check = false;
        if (cpu->stop) {
            cpu->stop = 0;
            result = JIT_STOP_REQUEST;
            break;
        }
        if (cpu->halted) {
            result = JIT_STOP_HALTED;
            break;
        }
        if (cpu->budget <= 0) {
            result = JIT_STOP_BUDGET;
            break;
        }
        if (want_unit) {
            want_unit = false;
            link_from = NULL;
            if (run_unit(cpu) == STEP_RAISED) {
                result = JIT_STOP_RAISED;
                break;
            }
            check = true;
            continue;
        }
        if (jit->tier2)
            tier2_publish(jit->tier2, cpu);

        jit_lock(jit);
        if ((jit->dead || jit->old_ir->len) && !link_from && jit->running == 1)
            translation_reap(jit);
        struct jit_region *r = region_at_pc(cpu);
        if (r && link_from)
            link_site(jit, link_from, r);
        /* Another thread may compile it as soon as the lock is free. */
        const struct ir_region *ir = r && !r->tier ? r->ir : NULL;
        jit_unlock(jit);
        link_from = NULL;
        if (!r) {
            if (!raise_exception(cpu)) {
                result = JIT_STOP_RAISED;
                break;
            }
            continue;
        }
        if (jit->reset_wanted) { /* the arena is full */
            leave_running(cpu);
            enter_running(cpu);
            continue;
        }

        uint8_t kind;
        if (ir) {
            kind = run_interpreted(cpu, ir);
            jit->stats.interpreted++;
        } else {
            struct exit_site *site = backend_enter(jit->backend, cpu, r->code.code);
            kind = site->kind;
            if (kind == IR_EXIT_DIRECT) {
                link_from = site;
            } else if (kind == IR_EXIT_INDIRECT) {
                jit->stats.jc_misses++;
            } else if (kind == IR_EXIT_DISPATCH && site == &site->region->code.site[site->region->code.n_sites - 1] &&
                       site->region->tier == 1 && *jit_heat(jit, site->region->pc) <= 0) {
                g_rec_mutex_lock(&jit->lock);
                if (site->region->valid && !site->region->promoting)
                    tier2_submit(jit->tier2, cpu, site->region);
                if (jit->options.eager)
                    tier2_wait(jit->tier2);
                *jit_heat(jit, site->region->pc) = jit->options.eager ? INT32_MAX : HOT_RUNS * 64;
                g_rec_mutex_unlock(&jit->lock);
                continue;
            }
        }
        switch (kind) {
        case IR_EXIT_MEMORY: want_unit = true; break;
        case IR_EXIT_BUDGET:
            jit->stats.budget_exits++;
            want_unit = true;
            break;
        case IR_EXIT_RAISE:
            if (!raise_exception(cpu)) {
                result = JIT_STOP_RAISED;
                goto out;
            }
            break;
        case IR_EXIT_DISPATCH: check = true; break;
        default: break;
        }
    }
out:
    cpu->icount += (uint64_t)(cpu->slice - cpu->budget);
    cpu->slice = cpu->budget = 0;
    leave_running(cpu);
    return result;
}

/* ------------------------------------------------------------------------------------------- invalidation */

void jit_code_written(struct jit *jit, const uint8_t *host, size_t size)
{
    g_rec_mutex_lock(&jit->lock);
    translation_drop_range(jit, host, size);
    g_rec_mutex_unlock(&jit->lock);
}

void jit_invalidate_range(struct jit *jit, uint64_t address, uint64_t size)
{
    if (!jit->cpus->len)
        return;
    struct jit_cpu *cpu = jit->cpus->pdata[0];
    g_rec_mutex_lock(&jit->lock);
    if (jit->tier2)
        tier2_quiesce(jit->tier2);
    translation_drop_range(jit, cpu->window + address, size);
    g_rec_mutex_unlock(&jit->lock);
}
