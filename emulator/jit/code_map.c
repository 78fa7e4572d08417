/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which translations exist, by guest address and by the host page that their code came from.
 *
 * A page record notes at 64-byte grain where code was translated, so that stores beside code (data in the same
 * page) leave the translations alone.
 */
#include <setjmp.h>
#include <string.h>
#include "emulator/jit/runtime.h"

static uint32_t bucket(uint64_t pc, uint32_t mode, const uint8_t *host)
{
    /* The low bits of pc and host are the same ones: only the host's page adds something. */
    uint64_t page = (uint64_t)(uintptr_t)host >> JIT_PAGE_BITS;
    return jit_pc_hash(pc + (page << 20) + ((uint64_t)mode << 52), REGION_HASH_BITS);
}

struct jit_region *translation_find(struct jit *jit, uint64_t pc, uint64_t npc, uint32_t mode, const uint8_t *host,
                                    enum translation_kind kind)
{
    for (struct jit_region *r = jit->hash[bucket(pc, mode, host)]; r; r = r->next_hash)
        if (r->pc == pc && r->host == host && r->mode == mode && r->npc == npc && r->kind == kind)
            return r;
    return NULL;
}

static const uint8_t *page_of(const uint8_t *host)
{
    return (const uint8_t *)((uintptr_t)host & (uintptr_t)JIT_PAGE_MASK);
}

static uint64_t granules_of(const uint8_t *page, const uint8_t *host, size_t size)
{
    const uint8_t *end = host + size;
    if (host < page)
        host = page;
    if (end > page + JIT_PAGE_SIZE)
        end = page + JIT_PAGE_SIZE;
    if (end <= host)
        return 0;
    unsigned first = (unsigned)(host - page) >> 6, last = (unsigned)(end - 1 - page) >> 6;
    uint64_t upto = last == 63 ? ~UINT64_C(0) : (UINT64_C(1) << (last + 1)) - 1;
    return upto & ~((UINT64_C(1) << first) - 1);
}

void translation_insert(struct jit *jit, struct jit_region *r, uint8_t *page_flags)
{
    uint32_t h = bucket(r->pc, r->mode, r->host);
    r->next_hash = jit->hash[h];
    jit->hash[h] = r;
    r->valid = true;
    for (uint32_t s = 0; s < r->n_spans; s++) {
        const struct code_span *span = &r->span[s];
        for (const uint8_t *page = page_of(span->host); page < span->host + span->size; page += JIT_PAGE_SIZE) {
            struct code_page *p = g_hash_table_lookup(jit->pages, page);
            if (!p) {
                p = g_new0(struct code_page, 1);
                p->host = page;
                p->regions = g_ptr_array_new();
                g_hash_table_insert(jit->pages, (void *)page, p);
            }
            if (page_flags && page == page_of(r->host))
                p->flags = page_flags;
            p->granules |= granules_of(page, span->host, span->size);
            if (p->regions->len == 0 || p->regions->pdata[p->regions->len - 1] != r)
                g_ptr_array_add(p->regions, r);
            if (p->flags && !(*p->flags & JIT_PAGE_CODE)) {
                *p->flags |= JIT_PAGE_CODE;
                jit_drop_write_entries(jit, page, JIT_PAGE_SIZE);
            }
        }
    }
}

/* Unlinks, unhashes, and puts it among the dead; page records are the caller's. */
static void retire(struct jit *jit, struct jit_region *r)
{
    struct jit_region **at = &jit->hash[bucket(r->pc, r->mode, r->host)];
    while (*at && *at != r)
        at = &(*at)->next_hash;
    if (*at)
        *at = r->next_hash;
    r->valid = false;
    for (struct exit_site *s = r->links_in, *next; s; s = next) {
        next = s->next_in;
        backend_link(jit->backend, s, NULL);
        s->linked = NULL;
        s->next_in = NULL;
    }
    r->links_in = NULL;
    for (uint32_t i = 0; r->tier && i < r->code.n_sites; i++) { /* links from here out */
        struct exit_site *s = &r->code.site[i];
        if (!s->linked || s->kind != IR_EXIT_DIRECT)
            continue;
        struct jit_region *target = s->linked;
        struct exit_site **in = &target->links_in;
        while (*in && *in != s)
            in = &(*in)->next_in;
        if (*in)
            *in = s->next_in;
        backend_link(jit->backend, s, NULL);
        s->linked = NULL;
    }
    jit_context_drop_code(jit, r);
    r->next_dead = jit->dead;
    jit->dead = r;
}

static void page_forget(struct jit *jit, struct jit_region *r, const struct code_page *except)
{
    for (uint32_t s = 0; s < r->n_spans; s++)
        for (const uint8_t *page = page_of(r->span[s].host); page < r->span[s].host + r->span[s].size;
             page += JIT_PAGE_SIZE) {
            struct code_page *p = g_hash_table_lookup(jit->pages, page);
            if (p && p != except)
                g_ptr_array_remove_fast(p->regions, r);
        }
}

void translation_remove(struct jit *jit, struct jit_region *r)
{
    page_forget(jit, r, NULL);
    retire(jit, r);
    jit_forget_returns(jit);
}

static bool spans_overlap(const struct jit_region *r, const uint8_t *host, size_t size)
{
    for (uint32_t s = 0; s < r->n_spans; s++)
        if (host < r->span[s].host + r->span[s].size && r->span[s].host < host + size)
            return true;
    return false;
}

bool translation_overlaps_code(struct jit *jit, const uint8_t *host, size_t size)
{
    for (const uint8_t *page = page_of(host); page < host + size; page += JIT_PAGE_SIZE) {
        struct code_page *p = g_hash_table_lookup(jit->pages, page);
        if (p && (p->granules & granules_of(page, host, size)))
            return true;
    }
    return false;
}

static unsigned drop_in_page(struct jit *jit, struct code_page *p, const uint8_t *host, size_t size)
{
    unsigned dropped = 0;
    uint64_t granules = 0;
    for (unsigned i = 0; i < p->regions->len;) {
        struct jit_region *r = p->regions->pdata[i];
        if (spans_overlap(r, host, size)) {
            page_forget(jit, r, p);
            g_ptr_array_remove_index_fast(p->regions, i);
            retire(jit, r);
            dropped++;
            continue;
        }
        for (uint32_t s = 0; s < r->n_spans; s++)
            granules |= granules_of(p->host, r->span[s].host, r->span[s].size);
        i++;
    }
    p->granules = granules;
    if (!p->regions->len) {
        if (p->flags)
            *p->flags &= (uint8_t)~JIT_PAGE_CODE;
        g_hash_table_remove(jit->pages, p->host);
    }
    return dropped;
}

unsigned translation_drop_range(struct jit *jit, const uint8_t *host, size_t size)
{
    unsigned dropped = 0;
    if (!size)
        return 0;
    if (size >> JIT_PAGE_BITS > g_hash_table_size(jit->pages)) { /* huge range: walk what exists */
        g_autoptr(GList) all = g_hash_table_get_values(jit->pages);
        for (GList *l = all; l; l = l->next) {
            struct code_page *p = l->data;
            if (p->host < host + size && host < p->host + JIT_PAGE_SIZE)
                dropped += drop_in_page(jit, p, host, size);
        }
    } else {
        for (const uint8_t *page = page_of(host); page < host + size; page += JIT_PAGE_SIZE) {
            struct code_page *p = g_hash_table_lookup(jit->pages, page);
            if (p && (p->granules & granules_of(page, host, size)))
                dropped += drop_in_page(jit, p, host, size);
        }
    }
    if (dropped) {
        jit->stats.invalidations += dropped;
        jit_forget_returns(jit);
    }
    return dropped;
}

void translation_drop_all(struct jit *jit)
{
    g_autoptr(GList) all = g_hash_table_get_values(jit->pages);
    for (GList *l = all; l; l = l->next) {
        struct code_page *p = l->data;
        drop_in_page(jit, p, p->host, JIT_PAGE_SIZE);
    }
    jit_forget_returns(jit);
}

void translation_free(struct jit *jit, struct jit_region *r)
{
    g_free(r->ir);
    if (r->code.code)
        backend_release(jit->backend, &r->code);
    if (r->span != &r->first_span)
        g_free(r->span);
    g_free(r->mapping);
    g_free(r->valid_epoch);
    g_free(r);
}

void translation_reap(struct jit *jit)
{
    if (jit->dead)
        jit_forget_returns(jit); /* another thread may have noted a way back since they were retired */
    for (struct jit_region **at = &jit->dead, *r; (r = *at);) {
        if (r->compiling) {
            at = &r->next_dead;
            continue;
        }
        *at = r->next_dead;
        translation_free(jit, r);
    }
    g_ptr_array_set_size(jit->old_ir, 0);
}
