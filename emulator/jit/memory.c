/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guest memory as the runtime sees it: contexts with their software TLBs and jump caches, the slow path of
 * guards, and the full-check accesses of the interpreter.
 */
#include <setjmp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "emulator/jit/runtime.h"

/* ------------------------------------------------------------------------------------------- contexts */

static void tlb_clear(struct jit_context *c)
{
    memset(c->tlb, 0xff, sizeof(c->tlb)); /* every tag JIT_TLB_NONE */
}

static void forget_returns(struct jit_context *c)
{
    for (unsigned i = 0; i < JIT_BACK_ENTRIES; i++)
        c->jc.back[i].pc = JIT_TLB_NONE;
    c->jc.newest = 0;
}

static void jc_clear(struct jit_context *c)
{
    for (unsigned i = 0; i < JIT_JC_ENTRIES; i++)
        c->jc.entry[i].pc = JIT_TLB_NONE;
    forget_returns(c);
    memset(c->recent, 0, sizeof(c->recent));
}

static void context_clear(struct jit_context *c)
{
    tlb_clear(c);
    jc_clear(c);
}

/* Mappings of c changed: regions of several pages have to look again. */
static void new_epoch(struct jit_cpu *cpu, struct jit_context *c)
{
    c->epoch = ++jit_cpu_extra(cpu)->epochs;
    if (c == cpu->context)
        cpu->code_epoch = c->epoch;
}

void jit_set_context(struct jit_cpu *cpu, uint64_t id)
{
    struct cpu_extra *x = jit_cpu_extra(cpu);
    struct jit_context *victim = NULL;
    if (cpu->context && cpu->context->live && cpu->context->id == id)
        return;
    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        struct jit_context *c = x->contexts[i];
        if (!c) {
            if (!victim || victim->live) {
                c = x->contexts[i] = g_malloc(sizeof(*c));
                c->live = false;
                c->used = 0;
                victim = c;
            }
            break;
        }
        if (c->live && c->id == id) {
            victim = c;
            goto found;
        }
        if (!victim || (victim->live && (!c->live || c->used < victim->used)))
            victim = c;
    }
    context_clear(victim);
    new_epoch(cpu, victim);
    victim->id = id;
    victim->live = true;
found:
    victim->used = ++x->use_counter;
    cpu->context = victim;
    cpu->code_epoch = victim->epoch;
    cpu->tlb = victim->tlb;
    cpu->jc = &victim->jc;
}

static unsigned tlb_index(uint64_t address)
{
    return (address >> JIT_PAGE_BITS) & (JIT_TLB_ENTRIES - 1);
}

/* An entry that holds none stays so. */
static uint64_t code_address(const struct jit_cpu *cpu, uint64_t pc)
{
    pc &= ~cpu->guest->pc_state;
    return cpu->guest->address64 ? pc : (uint32_t)pc;
}

static unsigned jc_index(const struct jit_cpu *cpu, uint64_t pc)
{
    return (pc >> cpu->guest->insn_shift) & (JIT_JC_ENTRIES - 1);
}

void jit_flush_page(struct jit_cpu *cpu, uint64_t address)
{
    struct cpu_extra *x = jit_cpu_extra(cpu);
    uint64_t page = address & JIT_PAGE_MASK;
    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        struct jit_context *c = x->contexts[i];
        if (!c || !c->live)
            continue;
        new_epoch(cpu, c);
        struct jit_tlb_entry *e = &c->tlb[tlb_index(address)];
        if (e->read == page || e->write == page || e->exec == page)
            memset(e, 0xff, sizeof(*e));
        /* Code of this page stands in one run of the jump cache. */
        unsigned first = jc_index(cpu, page), n = JIT_PAGE_SIZE >> cpu->guest->insn_shift;
        for (unsigned k = 0; k < n && k < JIT_JC_ENTRIES; k++) {
            struct jit_jc_entry *j = &c->jc.entry[(first + k) & (JIT_JC_ENTRIES - 1)];
            if ((code_address(cpu, j->pc) & JIT_PAGE_MASK) == page)
                j->pc = JIT_TLB_NONE;
        }
        forget_returns(c);
        for (unsigned k = 0; k < JIT_RECENT; k++)
            if (c->recent[k] && (code_address(cpu, c->recent[k]->pc) & JIT_PAGE_MASK) == page)
                c->recent[k] = NULL;
    }
}

void jit_flush_context(struct jit_cpu *cpu, uint64_t id)
{
    struct cpu_extra *x = jit_cpu_extra(cpu);
    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        struct jit_context *c = x->contexts[i];
        if (!c || !c->live || c->id != id)
            continue;
        if (c == cpu->context) {
            context_clear(c);
            new_epoch(cpu, c);
        } else {
            c->live = false;
        }
    }
}

void jit_flush_all(struct jit_cpu *cpu)
{
    struct cpu_extra *x = jit_cpu_extra(cpu);
    for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
        struct jit_context *c = x->contexts[i];
        if (!c)
            continue;
        if (c == cpu->context) {
            context_clear(c);
            new_epoch(cpu, c);
        } else {
            c->live = false;
        }
    }
}

void jit_context_drop_code(struct jit *jit, const struct jit_region *r)
{
    for (unsigned k = 0; k < jit->cpus->len; k++) {
        struct jit_cpu *cpu = jit->cpus->pdata[k];
        struct cpu_extra *x = jit_cpu_extra(cpu);
        for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
            struct jit_context *c = x->contexts[i];
            if (!c || !c->live)
                continue;
            struct jit_region **recent = &c->recent[(r->pc >> cpu->guest->insn_shift) & (JIT_RECENT - 1)];
            if (*recent == r)
                *recent = NULL;
            struct jit_jc_entry *j = &c->jc.entry[jc_index(cpu, r->pc)];
            if (j->pc == r->pc && j->code == r->code.code)
                j->pc = JIT_TLB_NONE;
        }
    }
}

void jit_forget_returns(struct jit *jit)
{
    for (unsigned k = 0; k < jit->cpus->len; k++) {
        struct cpu_extra *x = jit_cpu_extra(jit->cpus->pdata[k]);
        for (unsigned i = 0; i < JIT_CONTEXTS; i++)
            if (x->contexts[i] && x->contexts[i]->live)
                forget_returns(x->contexts[i]);
    }
}

void jit_drop_write_entries(struct jit *jit, const uint8_t *host, size_t size)
{
    if (jit->options.user_mode)
        return;
    for (unsigned k = 0; k < jit->cpus->len; k++) {
        struct cpu_extra *x = jit_cpu_extra(jit->cpus->pdata[k]);
        for (unsigned i = 0; i < JIT_CONTEXTS; i++) {
            struct jit_context *c = x->contexts[i];
            if (!c || !c->live)
                continue;
            for (struct jit_tlb_entry *e = c->tlb; e < c->tlb + JIT_TLB_ENTRIES; e++)
                if (e->write != JIT_TLB_NONE) {
                    const uint8_t *at = (const uint8_t *)(uintptr_t)(e->write + e->addend);
                    if (at < host + size && host < at + JIT_PAGE_SIZE)
                        e->write = JIT_TLB_NONE;
                }
        }
    }
}

void jit_track_writes(struct jit *jit, const uint8_t *host, size_t size)
{
    jit_drop_write_entries(jit, host, size);
}

/* ------------------------------------------------------------------------------------------ TLB filling */

static uint64_t address_of(const struct jit_cpu *cpu, uint64_t address)
{
    return cpu->guest->address64 ? address : (uint32_t)address;
}

/* Enters a RAM/ROM page; t->host is the host address of `address`. */
static struct jit_tlb_entry *tlb_fill(struct jit_cpu *cpu, uint64_t address, enum jit_access access,
                                      const struct jit_translation *t)
{
    uint64_t page = address & JIT_PAGE_MASK;
    struct jit_tlb_entry *e = &cpu->tlb[tlb_index(address)];
    uint64_t addend = (uint64_t)(uintptr_t)t->host - address;
    bool same = e->addend == addend && (e->read == page || e->write == page || e->exec == page);
    if (!same) {
        memset(e, 0xff, sizeof(*e));
        e->addend = addend;
    }
    if (access == JIT_FETCH) {
        e->exec = page;
        return e;
    }
    if (t->readable)
        e->read = page;
    if (t->writable && access == JIT_WRITE && (!t->page_flags || !*t->page_flags))
        e->write = page;
    return e;
}

/* A store to a page whose flag byte is not 0: translations of these bytes go, write tracking notes it.
 * Returns true when the page takes direct stores from now on. */
static bool note_store(struct jit_cpu *cpu, const struct jit_translation *t, size_t size)
{
    struct jit *jit = cpu->jit;
    if (!t->page_flags)
        return true;
    if (*t->page_flags & JIT_PAGE_CODE) {
        g_rec_mutex_lock(&jit->lock);
        translation_drop_range(jit, t->host, size);
        g_rec_mutex_unlock(&jit->lock);
    }
    *t->page_flags &= JIT_PAGE_CODE;
    return !*t->page_flags;
}

uint64_t jit_guard_slow(struct jit_cpu *cpu, uint64_t address, uint32_t aux)
{
    struct jit_translation t;
    unsigned align = IR_MEM_ALIGN_OF(aux), size = 1u << IR_MEM_SIZE(aux);
    enum jit_access access = aux & IR_MEM_WRITE ? JIT_WRITE : JIT_READ;
    address = address_of(cpu, address);
    cpu->jit->stats.tlb_misses++;
    if (address & ((1u << align) - 1))
        return 0;
    if (((address ^ (address + size - 1)) & JIT_PAGE_MASK) != 0)
        return 0;
    uint32_t reason = cpu->exit_reason;
    uint64_t info = cpu->exit_info;
    bool ok = cpu->guest->lookup(cpu, address, access, false, &t);
    cpu->exit_reason = reason;
    cpu->exit_info = info;
    if (!ok || !t.host)
        return 0;
    if ((aux & (IR_MEM_READ | IR_MEM_WRITE)) == (IR_MEM_READ | IR_MEM_WRITE) && !t.readable)
        return 0;
    if (access == JIT_WRITE && t.page_flags && *t.page_flags) {
        if (*t.page_flags & JIT_PAGE_CODE) {
            /* A joined guard lets stores through up to IR_GUARD_RANGE further on. */
            if (translation_overlaps_code(cpu->jit, t.host, MAX(size, IR_GUARD_RANGE)))
                return 0; /* the interpreter does it between regions */
        }
        *t.page_flags &= JIT_PAGE_CODE;
    }
    tlb_fill(cpu, address, access, &t);
    return (uint64_t)(uintptr_t)t.host;
}

const uint8_t *jit_fetched_before(struct jit_cpu *cpu, uint64_t pc)
{
    pc = code_address(cpu, pc);
    if (cpu->jit->options.user_mode)
        return cpu->window + pc;
    const struct jit_tlb_entry *e = &cpu->tlb[tlb_index(pc)];
    return e->exec == (pc & JIT_PAGE_MASK) ? (const uint8_t *)(uintptr_t)(pc + e->addend) : NULL;
}

/* Without a table every page may be code, if it is there. */
static unsigned user_page(const struct jit_cpu *cpu, uint64_t address)
{
    const uint8_t *pages = cpu->user_pages;
    return pages ? pages[address_of(cpu, address) >> JIT_PAGE_BITS] : JIT_USER_EXEC | JIT_USER_UNSURE;
}

bool jit_may_fetch(const struct jit_cpu *cpu, uint64_t address)
{
    return (user_page(cpu, address) & (JIT_USER_EXEC | JIT_USER_UNSURE)) == JIT_USER_EXEC;
}

const uint8_t *jit_fetch(struct jit_cpu *cpu, uint64_t pc, uint8_t **flags)
{
    struct jit_translation t;
    *flags = NULL;
    pc = code_address(cpu, pc);
    if (cpu->jit->options.user_mode) {
        const uint8_t *host = cpu->window + pc;
        uint64_t probe;
        if (jit_may_fetch(cpu, pc))
            return host;
        struct iovec to = {&probe, 1}, from = {(void *)host, 1};
        if (user_page(cpu, pc) & JIT_USER_EXEC && process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1)
            return host;
        cpu->guest->lookup(cpu, pc, JIT_FETCH, true, &t);
        return NULL;
    }
    struct jit_tlb_entry *e = &cpu->tlb[tlb_index(pc)];
    if (e->exec != (pc & JIT_PAGE_MASK)) {
        if (!cpu->guest->lookup(cpu, pc, JIT_FETCH, true, &t) || !t.host)
            return NULL;
        tlb_fill(cpu, pc, JIT_FETCH, &t);
        *flags = t.page_flags;
        return t.host;
    }
    const uint8_t *host = (const uint8_t *)(uintptr_t)(pc + e->addend);
    struct code_page *p =
        g_hash_table_lookup(cpu->jit->pages, (void *)((uintptr_t)host & (uintptr_t)JIT_PAGE_MASK));
    if (p)
        *flags = p->flags;
    else if (cpu->guest->lookup(cpu, pc, JIT_FETCH, false, &t))
        *flags = t.page_flags;
    return host;
}

/* ------------------------------------------------------------------------- the interpreter's accesses */

uint8_t *jit_mem_host(struct jit_cpu *cpu, uint64_t address, unsigned size, unsigned align_log2,
                      enum jit_access access, bool *device)
{
    struct cpu_extra *x = jit_cpu_extra(cpu);
    struct jit_translation t;
    *device = false;
    address = address_of(cpu, address);
    if (address & ((UINT64_C(1) << align_log2) - 1)) {
        if (x->in_unit) {
            cpu->guest->misaligned(cpu, address, access);
            x->raised = true;
        }
        return NULL;
    }
    if (cpu->jit->options.user_mode)
        return cpu->window + address;
    struct jit_tlb_entry *e = &cpu->tlb[tlb_index(address)];
    uint64_t page = address & JIT_PAGE_MASK;
    bool crosses = ((address ^ (address + size - 1)) & JIT_PAGE_MASK) != 0;
    if (!crosses && page == (access == JIT_WRITE ? e->write : e->read))
        return (uint8_t *)(uintptr_t)(address + e->addend);
    if (!cpu->guest->lookup(cpu, address, access, x->in_unit, &t)) {
        x->raised = x->in_unit;
        return NULL;
    }
    if (crosses) { /* both pages must do; then byte by byte through jit_mem_* */
        struct jit_translation second;
        if (!cpu->guest->lookup(cpu, address_of(cpu, page + JIT_PAGE_SIZE), access, x->in_unit, &second)) {
            x->raised = x->in_unit;
            return NULL;
        }
        *device = x->in_unit;
        return NULL;
    }
    if (!t.host) {
        *device = x->in_unit;
        return NULL;
    }
    if (access == JIT_WRITE && t.page_flags && *t.page_flags) {
        if ((*t.page_flags & JIT_PAGE_CODE) && !x->in_unit &&
            translation_overlaps_code(cpu->jit, t.host, size))
            return NULL; /* leave the region first */
        note_store(cpu, &t, size);
    }
    tlb_fill(cpu, address, access, &t);
    return t.host;
}

static uint64_t load_guest(const struct jit_cpu *cpu, const uint8_t *host, unsigned size)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)host[i] << (8 * (cpu->guest->big_endian ? size - 1 - i : i));
    return v;
}

static void store_guest(const struct jit_cpu *cpu, uint8_t *host, unsigned size, uint64_t v)
{
    for (unsigned i = 0; i < size; i++)
        host[i] = (uint8_t)(v >> (8 * (cpu->guest->big_endian ? size - 1 - i : i)));
}

bool jit_mem_read(struct jit_cpu *cpu, uint64_t address, unsigned size, uint64_t *value)
{
    struct jit_translation t;
    address = address_of(cpu, address);
    *value = 0;
    if (cpu->jit->options.user_mode) {
        *value = load_guest(cpu, cpu->window + address, size);
        return true;
    }
    if (((address ^ (address + size - 1)) & JIT_PAGE_MASK) != 0) {
        for (unsigned i = 0; i < size; i++) {
            uint64_t byte;
            if (!jit_mem_read(cpu, address + i, 1, &byte))
                return false;
            *value |= byte << (8 * (cpu->guest->big_endian ? size - 1 - i : i));
        }
        return true;
    }
    if (!cpu->guest->lookup(cpu, address, JIT_READ, true, &t))
        return false;
    if (t.host) {
        *value = load_guest(cpu, t.host, size);
        return true;
    }
    cpu->jit->stats.device_exits++;
    cpu->exit_info = address;
    return cpu->guest->io_read(cpu, t.physical, size, value);
}

bool jit_mem_write(struct jit_cpu *cpu, uint64_t address, unsigned size, uint64_t value)
{
    struct jit_translation t;
    address = address_of(cpu, address);
    if (cpu->jit->options.user_mode) {
        store_guest(cpu, cpu->window + address, size, value);
        return true;
    }
    if (((address ^ (address + size - 1)) & JIT_PAGE_MASK) != 0) {
        for (unsigned i = 0; i < size; i++)
            if (!jit_mem_write(cpu, address + i, 1,
                               value >> (8 * (cpu->guest->big_endian ? size - 1 - i : i)) & 0xff))
                return false;
        return true;
    }
    if (!cpu->guest->lookup(cpu, address, JIT_WRITE, true, &t))
        return false;
    if (t.host) {
        note_store(cpu, &t, size);
        store_guest(cpu, t.host, size, value);
        return true;
    }
    cpu->jit->stats.device_exits++;
    cpu->exit_info = address;
    return cpu->guest->io_write(cpu, t.physical, size, value);
}
