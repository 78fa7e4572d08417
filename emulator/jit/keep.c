/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Translations that outlive their process: between struct jit_region and the records of a store (store.h).
 *
 * A program's code stands at the same guest addresses each time it is started, so a translation is used again where
 * pc, npc and mode are the same, and the guest's bytes that it was made from: these stand in the record and are
 * compared. What else it depends on (build, processor, options) is the key of the file. That a library was changed,
 * or lies elsewhere today, needs no special care then.
 */
#include <setjmp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "emulator/jit/runtime.h"
#include "emulator/jit/store.h"

struct kept {
    uint64_t pc, npc;
    uint32_t mode, n_guest_insns;
    uint8_t tier, next_page;
    uint16_t n_spans;
    uint32_t n_bytes;
    /* struct kept_span[], the guest's bytes, padding to 8, what backend_freeze() made */
};
struct kept_span {
    uint64_t address;
    uint32_t size, zero;
};
_Static_assert(sizeof(struct kept) == 32 && sizeof(struct kept_span) == 16, "written as they are");

#define SPANS_MOST 1024
#define BYTES_MOST 65536

static uint64_t find_hash(uint64_t pc, uint64_t npc, uint32_t mode)
{
    const uint64_t words[3] = {pc, npc, mode};

    return code_digest(words, sizeof(words), 0).word[0];
}

/* ------------------------------------------------------------------------------------------ what was seen */

static bool copy_guest(void *to, const uint8_t *from, size_t size)
{
    struct iovec here = {to, size}, there = {(void *)from, size};

    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;
}

void jit_note_fresh(struct jit *jit, struct jit_region *r)
{
    if (!jit->options.keep)
        return;
    jit->fresh++;
    r->seen = 0;
    for (uint32_t k = 0; k < r->n_spans; k++)
        r->seen = code_digest(r->span[k].host, r->span[k].size, r->seen).word[0];
}

uint32_t jit_fresh_regions(const struct jit *jit)
{
    return jit->fresh;
}

void jit_fingerprint(const struct jit *jit, GString *text)
{
    if (jit->backend)
        backend_fingerprint(jit->backend, text);
    g_string_append_printf(text, "tier %u\n", jit->tier2 ? 2 : 1);
}

/* ---------------------------------------------------------------------------------------------- recalling */

void jit_use_store(struct jit *jit, struct code_store *store)
{
    code_store_close(jit->store);
    jit->store = store;
    if (!jit->recalled)
        jit->recalled = g_byte_array_new();
}

static bool pages_certain(const struct jit_cpu *cpu, uint64_t address, uint32_t size)
{
    for (uint64_t page = address & JIT_PAGE_MASK; page < address + size; page += JIT_PAGE_SIZE)
        if (!jit_may_fetch(cpu, page))
            return false;
    return true;
}

/* Does the guest's code read as it did? */
static bool same_code(const struct jit_cpu *cpu, const struct kept_span *span, const uint8_t *bytes)
{
    if (span->size == 0 || span->size > BYTES_MOST || span->address + span->size > UINT64_C(1) << 32)
        return false;
    if (pages_certain(cpu, span->address, span->size))
        return memcmp(cpu->window + span->address, bytes, span->size) == 0;
    g_autofree uint8_t *now = g_malloc(span->size);
    return copy_guest(now, cpu->window + span->address, span->size) && memcmp(now, bytes, span->size) == 0;
}

static struct jit_region *revive(struct jit_cpu *cpu, const uint8_t *host, const struct code_store_record *record)
{
    struct jit *jit = cpu->jit;
    const uint8_t *at = record->payload, *end = at + record->size;
    struct kept_span span[SPANS_MOST];
    struct kept k;

    if (record->size < sizeof(k))
        return NULL;
    memcpy(&k, at, sizeof(k));
    at += sizeof(k);
    uint64_t follow = sizeof(span[0]) * k.n_spans + ((k.n_bytes + UINT64_C(7)) & ~UINT64_C(7));
    if (k.pc != cpu->pc || k.npc != (cpu->guest->uses_npc ? cpu->npc : 0) || k.mode != cpu->mode || k.n_spans == 0 ||
        k.n_spans > SPANS_MOST || k.n_bytes > BYTES_MOST || k.tier < 1 || k.tier > (jit->tier2 ? 2 : 1) ||
        follow > (uint64_t)(end - at))
        return NULL;
    uint64_t address = cpu->pc & ~cpu->guest->pc_state;
    if (k.tier == 1 &&
        (k.next_page != 0) != jit_may_fetch(cpu, (address & JIT_PAGE_MASK) + JIT_PAGE_SIZE))
        return NULL;
    memcpy(span, at, sizeof(span[0]) * k.n_spans);
    const uint8_t *bytes = at + sizeof(span[0]) * k.n_spans, *last = bytes + k.n_bytes;
    bool covers = false; /* the code at pc must be among it */
    for (uint32_t n = 0; n < k.n_spans; n++) {
        if (span[n].size > (size_t)(last - bytes) || !same_code(cpu, &span[n], bytes))
            return NULL;
        covers |= address - span[n].address < span[n].size;
        bytes += span[n].size;
    }
    if (!covers)
        return NULL;

    struct jit_region *r = g_new0(struct jit_region, 1);
    r->pc = k.pc;
    r->npc = k.npc;
    r->mode = k.mode;
    r->kind = TRANSLATION_BLOCK;
    r->tier = k.tier;
    r->host = host;
    r->n_guest_insns = k.n_guest_insns;
    r->n_spans = k.n_spans;
    r->span = k.n_spans == 1 ? &r->first_span : g_new(struct code_span, k.n_spans);
    for (uint32_t n = 0; n < k.n_spans; n++)
        r->span[n] = (struct code_span){cpu->window + span[n].address, span[n].size};
    int32_t *heat = jit_heat(jit, r->pc);
    at += follow;
    switch (backend_thaw(jit->backend, at, (size_t)(end - at), jit->tier2 && k.tier == 1 ? heat : NULL, r, &r->code)) {
    case BACKEND_THAW_FULL: jit->reset_wanted = true; /* fall through */
    case BACKEND_THAW_BAD: translation_free(jit, r); return NULL;
    case BACKEND_THAWED: break;
    }
    if (k.tier == 1 && *heat == HEAT_NEVER)
        *heat = jit->options.eager ? 2 : HOT_RUNS;
    translation_insert(jit, r, NULL);
    if (jit->options.log)
        fprintf(jit->options.log,
                "---- tier %u from the translation cache at %" G_GINT64_MODIFIER "x, mode %x, %u guest instructions\n",
                r->tier, r->pc, r->mode, r->n_guest_insns);
    return r;
}

/* The file may have become shorter: then reading it is a fault, and it is not looked at again. */
static bool next_record(struct jit_cpu *cpu, uint64_t hash, uint32_t *at, struct code_store_record *record)
{
    struct cpu_extra *x = cpu->extra;
    struct jit *jit = cpu->jit;
    sigjmp_buf recover;
    bool found = false;

    if (sigsetjmp(recover, 0)) {
        jit->stats.recall_refused++;
        g_clear_pointer(&jit->store, code_store_close);
        x->recover = NULL;
        return false;
    }
    x->recover = &recover;
    found = code_store_find(jit->store, hash, at, jit->recalled, record);
    x->recover = NULL;
    return found;
}

struct jit_region *jit_recall(struct jit_cpu *cpu, const uint8_t *host)
{
    struct jit *jit = cpu->jit;
    uint64_t hash = find_hash(cpu->pc, cpu->guest->uses_npc ? cpu->npc : 0, cpu->mode);
    struct code_store_record record;
    uint32_t at = 0;

    while (jit->store && next_record(cpu, hash, &at, &record)) {
        struct jit_region *r = revive(cpu, host, &record);
        if (r) {
            jit->stats.recalled++;
            return r;
        }
        if (jit->reset_wanted)
            return NULL;
        jit->stats.recall_refused++;
    }
    jit->stats.recall_misses++;
    return NULL;
}

/* ------------------------------------------------------------------------------------------------ keeping */

void jit_keep_begin(struct jit *jit)
{
    g_rec_mutex_lock(&jit->lock);
}

void jit_keep_end(struct jit *jit)
{
    g_rec_mutex_unlock(&jit->lock);
}

/* Appends what describes the region and its bytes; false: they are not what was translated. */
static bool describe(const struct jit_cpu *cpu, const struct jit_region *r, GByteArray *to)
{
    struct kept k = {.pc = r->pc, .npc = r->npc, .mode = r->mode, .n_guest_insns = r->n_guest_insns, .tier = r->tier,
                     .next_page = r->next_page, .n_spans = (uint16_t)r->n_spans};
    uint64_t seen = 0;

    if (!r->tier)
        k.tier = 1;
    if (r->n_spans > SPANS_MOST)
        return false;
    g_byte_array_set_size(to, (guint)(sizeof(k) + sizeof(struct kept_span) * r->n_spans));
    for (uint32_t n = 0; n < r->n_spans; n++) {
        const struct code_span *span = &r->span[n];
        struct kept_span s = {(uint64_t)(span->host - cpu->window), span->size, 0};
        guint at = to->len;
        memcpy(to->data + sizeof(k) + sizeof(s) * n, &s, sizeof(s));
        if (span->size > BYTES_MOST - k.n_bytes || s.address >> 32)
            return false;
        g_byte_array_set_size(to, at + span->size);
        if (!copy_guest(to->data + at, span->host, span->size))
            return false;
        seen = code_digest(to->data + at, span->size, seen).word[0];
        k.n_bytes += span->size;
    }
    memcpy(to->data, &k, sizeof(k));
    return seen == r->seen;
}

/* false: no room for more. */
static bool keep_region(struct jit *jit, struct jit_cpu *cpu, struct jit_region *r, GByteArray *record,
                        struct code_store_writer *writer)
{
    struct compiled made = {0};
    struct code_store_record out = {.hash = find_hash(r->pc, r->npc, r->mode)};
    const struct compiled *code = &r->code;

    if (!r->valid || r->kind != TRANSLATION_BLOCK || r->n_mappings || !describe(cpu, r, record))
        return true;
    out.identity = code_digest(record->data, record->len, r->tier == 2).word[0];
    while (record->len & 7)
        g_byte_array_append(record, (const uint8_t *)"", 1);
    if (!r->tier) {
        if (!r->ir || !backend_compile(jit->backend, r->ir, 1, jit->tier2 ? jit_heat(jit, r->pc) : NULL, r, &made))
            return false;
        code = &made;
    }
    if (backend_freeze(jit->backend, code, record)) {
        out.payload = record->data;
        out.size = record->len;
        code_store_add(writer, &out);
    }
    if (made.code)
        backend_release(jit->backend, &made);
    return true;
}

void jit_keep(struct jit *jit, struct jit_cpu *cpu, struct code_store_writer *writer)
{
    g_autoptr(GByteArray) record = g_byte_array_new();
    bool room = jit->backend && backend_compile_apart(jit->backend);

    /* Better ones first: they are found first. */
    for (int tier = 2; tier >= 0 && room; tier--)
        for (size_t h = 0; h < G_N_ELEMENTS(jit->hash) && room; h++)
            for (struct jit_region *r = jit->hash[h]; r && room; r = r->next_hash)
                if (r->tier == tier)
                    room = keep_region(jit, cpu, r, record, writer);
}
