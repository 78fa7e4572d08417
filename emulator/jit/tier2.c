/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The translator's own thread.  Hot regions (tier 2) are formed, optimised and compiled there from copies of the
 * guest's code, and published between regions if the code in memory is still what was compiled.  Before that come
 * warm ones (tier 1), whose IR is at hand and is interpreted meanwhile.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "emulator/jit/runtime.h"

struct job {
    struct region_source source;
    struct jit_region *result; /* NULL: nothing gained */
    GArray *spans;             /* struct code_span */
    GByteArray *bytes;         /* copy of the spans' bytes, one after the other */
    GArray *mappings;          /* struct code_mapping: pages that it spread over */
    struct code_mapping *known;
    GArray *inner;             /* uint64_t: where its blocks begin */
    uint64_t ns;
};

struct tier2 {
    struct jit *jit;
    GThread *thread; /* NULL: not needed yet */
    pid_t pid;       /* whose it is: a child of vfork shares this memory and must not make it */
    GMutex lock;
    GCond work;      /* queue grew, or quit */
    gint idle;       /* the thread waits for it; read without the lock */
    GCond done;      /* busy dropped */
    unsigned awaited; /* how many wait for that */
    GQueue queue;    /* of struct job, wanted */
    GQueue finished; /* of struct job */
    gint n_finished; /* read without the lock */
    bool busy, quit;
    bool held;       /* no new job is begun: the process is being copied */
    struct ir_builder *builder;
    GQueue warm;     /* of struct jit_region, wanted in tier 1 */
    GQueue compiled; /* of struct jit_region */
    gint n_compiled; /* worth looking at; read without the lock */
    bool compiling;  /* some of them */
    bool alone;      /* there is no second processor: those are not for this thread */
    uint64_t warm_ns; /* spent on what is in `compiled` */
};

/* Warm regions come in crowds: the thread is woken for so many, or when one of them goes on being wanted. */
#define WARM_CROWD 16

static void job_free(struct jit *jit, struct job *job)
{
    if (job->result)
        translation_free(jit, job->result);
    g_array_free(job->spans, TRUE);
    g_byte_array_free(job->bytes, TRUE);
    g_array_free(job->mappings, TRUE);
    g_array_free(job->inner, TRUE);
    g_free(job->known);
    g_free(job->source.valid_epoch);
    g_free(job);
}

/* To signal nobody costs a system call, too. With the lock held. */
static void wake(struct tier2 *t)
{
    if (t->idle) {
        g_atomic_int_set(&t->idle, 0);
        g_cond_signal(&t->work);
    }
}

static void say_done(struct tier2 *t)
{
    if (t->awaited)
        g_cond_broadcast(&t->done);
}

static void await_done(struct tier2 *t)
{
    t->awaited++;
    g_cond_wait(&t->done, &t->lock);
    t->awaited--;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void run_job(struct tier2 *t, struct job *job)
{
    struct jit *jit = t->jit;
    uint64_t begin = now_ns();
    job->source.valid_epoch = g_new0(uint64_t, 1);
    uint8_t *covered = &jit->covered[jit_pc_hash(job->source.pc, HEAT_BITS)];
    if (*covered) { /* a region made meanwhile has it inside; look again if it goes on being entered by itself */
        *covered = 0;
        *jit_heat(jit, job->source.pc) = HOT_RUNS * 8;
        return;
    }
    struct ir_region *ir =
        region_form_hot(t->builder, &job->source, job->spans, job->bytes, job->mappings, job->inner);
    if (ir) {
        struct jit_region *r = g_new0(struct jit_region, 1);
        r->pc = job->source.pc;
        r->npc = jit->guest->uses_npc ? job->source.npc : 0;
        r->mode = job->source.mode;
        r->kind = TRANSLATION_BLOCK;
        r->host = job->source.host;
        r->tier = 2;
        r->n_guest_insns = ir->n_guest_insns;
        r->n_spans = job->spans->len;
        r->span = g_memdup2(job->spans->data, job->spans->len * sizeof(struct code_span));
        if (job->mappings->len) {
            r->n_mappings = job->mappings->len;
            r->mapping = g_memdup2(job->mappings->data, job->mappings->len * sizeof(struct code_mapping));
            r->valid_epoch = g_steal_pointer(&job->source.valid_epoch);
        }
        if (backend_compile(jit->backend, ir, 2, NULL, r, &r->code)) {
            job->result = r;
            for (unsigned k = 0; k < job->inner->len; k++) {
                uint64_t pc = g_array_index(job->inner, uint64_t, k);
                if (pc != job->source.pc)
                    jit->covered[jit_pc_hash(pc, HEAT_BITS)] = 1;
            }
            if (jit->options.log)
                jit_log_region(jit, r, ir, "tier 2");
        } else {
            translation_free(jit, r);
        }
    }
    job->ns = now_ns() - begin;
}

/* Compiles the next warm regions, several for once that the lock is asked for; with the lock held. */
static void compile_warm(struct tier2 *t)
{
    struct jit *jit = t->jit;
    struct jit_region *crowd[WARM_CROWD];
    unsigned n = 0;
    while (n < WARM_CROWD && (crowd[n] = g_queue_pop_head(&t->warm)))
        n++;
    t->compiling = true;
    g_mutex_unlock(&t->lock);
    uint64_t start = now_ns();
    for (unsigned k = 0; k < n; k++)
        backend_compile(jit->backend, crowd[k]->ir, 1, jit_heat(jit, crowd[k]->pc), crowd[k], &crowd[k]->code);
    start = now_ns() - start;
    g_mutex_lock(&t->lock);
    t->compiling = false;
    t->warm_ns += start;
    for (unsigned k = 0; k < n; k++)
        g_queue_push_tail(&t->compiled, crowd[k]);
    if (t->compiled.length >= WARM_CROWD || g_queue_is_empty(&t->warm))
        g_atomic_int_set(&t->n_compiled, (gint)t->compiled.length);
    say_done(t);
}

static void wait_for_work(struct tier2 *t)
{
    g_atomic_int_set(&t->idle, 1);
    g_cond_wait(&t->work, &t->lock);
    g_atomic_int_set(&t->idle, 0);
}

static gpointer worker(gpointer data)
{
    struct tier2 *t = data;
    g_mutex_lock(&t->lock);
    for (;;) {
        while (!t->quit && (t->held || (g_queue_is_empty(&t->queue) && g_queue_is_empty(&t->warm))))
            wait_for_work(t);
        if (t->quit)
            break;
        if (!g_queue_is_empty(&t->warm)) {
            compile_warm(t);
            continue;
        }
        struct job *job = g_queue_pop_head(&t->queue);
        t->busy = true;
        g_mutex_unlock(&t->lock);
        run_job(t, job);
        g_mutex_lock(&t->lock);
        t->busy = false;
        g_queue_push_tail(&t->finished, job);
        g_atomic_int_inc(&t->n_finished);
        say_done(t);
    }
    g_mutex_unlock(&t->lock);
    return NULL;
}

struct tier2 *tier2_start(struct jit *jit)
{
    struct tier2 *t = g_new0(struct tier2, 1);
    t->jit = jit;
    g_mutex_init(&t->lock);
    g_cond_init(&t->work);
    g_cond_init(&t->done);
    g_queue_init(&t->queue);
    g_queue_init(&t->finished);
    g_queue_init(&t->warm);
    g_queue_init(&t->compiled);
    t->alone = g_get_num_processors() < 2;
    t->builder = ir_builder_create();
    t->pid = getpid();
    return t;
}

/* Not before there is work: many processes end or run another program soon. With the lock held. */
static bool need_worker(struct tier2 *t)
{
    sigset_t all, old;

    if (t->thread)
        return true;
    if (getpid() != t->pid)
        return false;
    /* Signals are for the threads of the guest. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    /* Linux refuses threads while another thread of the process is about to execute a program. */
    t->thread = g_thread_try_new("vitrine-tier2", worker, t, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return t->thread != NULL;
}

void tier2_hold(struct tier2 *t)
{
    g_mutex_lock(&t->lock);
    t->held = true;
    while (t->busy || t->compiling)
        await_done(t);
}

void tier2_release(struct tier2 *t)
{
    t->held = false;
    wake(t);
    g_mutex_unlock(&t->lock);
}

void tier2_forked(struct tier2 *t)
{
    t->held = false;
    t->idle = 0;
    t->awaited = 0;
    t->pid = getpid();
    g_mutex_init(&t->lock);
    g_cond_init(&t->work);
    g_cond_init(&t->done);
    t->thread = NULL;
}

static void drop_jobs(struct jit *jit, GQueue *queue)
{
    struct job *job;
    while ((job = g_queue_pop_head(queue)))
        job_free(jit, job);
}

/* Nothing refers to a warm region any more; with the lock held, or the thread gone. */
static void give_up_warm(struct tier2 *t)
{
    struct jit_region *r;
    while ((r = g_queue_pop_head(&t->warm)))
        r->compiling = false;
    while (t->compiling)
        await_done(t);
    while ((r = g_queue_pop_head(&t->compiled)))
        r->compiling = false;
    g_atomic_int_set(&t->n_compiled, 0);
}

void tier2_stop(struct tier2 *t)
{
    g_mutex_lock(&t->lock);
    t->quit = true;
    wake(t);
    g_mutex_unlock(&t->lock);
    if (t->thread)
        g_thread_join(t->thread);
    drop_jobs(t->jit, &t->queue);
    drop_jobs(t->jit, &t->finished);
    give_up_warm(t);
    ir_builder_destroy(t->builder);
    g_mutex_clear(&t->lock);
    g_cond_clear(&t->work);
    g_cond_clear(&t->done);
    g_free(t);
}

void tier2_quiesce(struct tier2 *t)
{
    g_mutex_lock(&t->lock);
    drop_jobs(t->jit, &t->queue);
    while (t->busy)
        await_done(t);
    drop_jobs(t->jit, &t->finished);
    g_atomic_int_set(&t->n_finished, 0);
    g_mutex_unlock(&t->lock);
}

void tier2_forget_warm(struct tier2 *t)
{
    g_mutex_lock(&t->lock);
    give_up_warm(t);
    g_mutex_unlock(&t->lock);
}

bool tier2_compile(struct tier2 *t, struct jit_region *r)
{
    if (t->alone)
        return false;
    g_mutex_lock(&t->lock);
    bool ready = need_worker(t);
    if (ready) {
        r->compiling = true;
        g_queue_push_tail(&t->warm, r);
        if (t->warm.length >= WARM_CROWD)
            wake(t);
    }
    g_mutex_unlock(&t->lock);
    return ready;
}

void tier2_hurry(struct tier2 *t)
{
    if (!g_atomic_int_get(&t->idle))
        return;
    g_mutex_lock(&t->lock);
    wake(t);
    g_mutex_unlock(&t->lock);
}

bool tier2_take_back(struct tier2 *t, struct jit_region *r)
{
    g_mutex_lock(&t->lock);
    if (g_queue_remove(&t->warm, r))
        r->compiling = false;
    g_mutex_unlock(&t->lock);
    return !r->compiling;
}

void tier2_wait(struct tier2 *t)
{
    g_mutex_lock(&t->lock);
    while (t->busy || !g_queue_is_empty(&t->queue))
        await_done(t);
    g_mutex_unlock(&t->lock);
}

void tier2_submit(struct tier2 *t, struct jit_cpu *cpu, struct jit_region *seed)
{
    if (getpid() != t->pid)
        return;
    g_mutex_lock(&t->lock);
    bool ready = need_worker(t);
    g_mutex_unlock(&t->lock);
    if (!ready) /* the region stays hot: it is submitted again */
        return;
    struct job *job = g_new0(struct job, 1);
    job->source = (struct region_source){.jit = t->jit,
                                         .pc = seed->pc,
                                         .npc = cpu->guest->uses_npc ? seed->npc : 0,
                                         .mode = seed->mode,
                                         .host = seed->host,
                                         .kind = jit_kind_now(cpu)};
    job->spans = g_array_new(FALSE, FALSE, sizeof(struct code_span));
    job->bytes = g_byte_array_new();
    job->inner = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    job->mappings = g_array_new(FALSE, FALSE, sizeof(struct code_mapping));
    if (!t->jit->options.user_mode) { /* what is mapped for fetching now */
        job->known = g_new(struct code_mapping, JIT_TLB_ENTRIES);
        for (unsigned i = 0; i < JIT_TLB_ENTRIES; i++) {
            const struct jit_tlb_entry *e = &cpu->tlb[i];
            if (e->exec != JIT_TLB_NONE)
                job->known[job->source.n_mappings++] =
                    (struct code_mapping){e->exec, (const uint8_t *)(uintptr_t)(e->exec + e->addend)};
        }
        job->source.mapping = job->known;
    }
    seed->promoting = true;
    g_mutex_lock(&t->lock);
    g_queue_push_tail(&t->queue, job);
    wake(t);
    g_mutex_unlock(&t->lock);
}

/* The code in memory is still what the worker copied. */
static bool unchanged(const struct job *job)
{
    size_t at = 0;
    for (unsigned s = 0; s < job->spans->len; s++) {
        const struct code_span *span = &g_array_index(job->spans, struct code_span, s);
        if (memcmp(span->host, job->bytes->data + at, span->size) != 0)
            return false;
        at += span->size;
    }
    return true;
}

static void publish(struct jit *jit, struct jit_cpu *cpu, struct job *job)
{
    struct jit_region *r = job->result;
    struct jit_region *old = translation_find(jit, job->source.pc, job->source.npc, job->source.mode,
                                              job->source.host, TRANSLATION_BLOCK);
    jit->stats.compile_ns[2] += job->ns;
    if (!r) {
        if (old)
            old->promoting = false;
        return;
    }
    if (!old || old->tier != 1 || !unchanged(job))
        return;
    /* Everybody who jumps to the old code jumps to the new. */
    struct exit_site *sites = old->links_in;
    old->links_in = NULL;
    translation_remove(jit, old);
    job->result = NULL;
    jit_note_fresh(jit, r);
    translation_insert(jit, r, NULL);
    while (sites) {
        struct exit_site *s = sites;
        sites = s->next_in;
        if (!s->region->valid) {
            s->linked = NULL;
            continue;
        }
        s->linked = r;
        s->next_in = r->links_in;
        r->links_in = s;
        backend_link(jit->backend, s, r->code.code);
    }
    jit->stats.regions[2]++;
    jit->stats.guest_insns[2] += r->n_guest_insns;
    jit->stats.code_bytes[2] += r->code.size;
}

/* What was compiled stands in the regions that wanted it; some may have been dropped since. */
static void publish_warm(struct tier2 *t)
{
    struct jit *jit = t->jit;
    struct jit_region *r;
    g_rec_mutex_lock(&jit->lock);
    g_mutex_lock(&t->lock);
    jit->stats.compile_ns[1] += t->warm_ns;
    t->warm_ns = 0;
    while ((r = g_queue_pop_head(&t->compiled))) {
        r->compiling = false;
        if (r->valid)
            jit_enter_tier1(jit, r);
    }
    g_atomic_int_set(&t->n_compiled, 0);
    g_mutex_unlock(&t->lock);
    g_rec_mutex_unlock(&jit->lock);
}

void tier2_publish(struct tier2 *t, struct jit_cpu *cpu)
{
    if (g_atomic_int_get(&t->n_compiled))
        publish_warm(t);
    if (!g_atomic_int_get(&t->n_finished))
        return;
    for (;;) {
        g_mutex_lock(&t->lock);
        struct job *job = g_queue_pop_head(&t->finished);
        if (job)
            g_atomic_int_add(&t->n_finished, -1);
        g_mutex_unlock(&t->lock);
        if (!job)
            return;
        g_rec_mutex_lock(&t->jit->lock);
        publish(t->jit, cpu, job);
        g_rec_mutex_unlock(&t->jit->lock);
        job_free(t->jit, job);
    }
}
