/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Code that outlives its process (backend.h, backend_freeze()).
 *
 * What a region refers to outside of itself is: common pieces at the start of the arena and functions of this program
 * (rel32), its exit sites, its heat counter and far functions (64-bit). Frozen, these fields hold the distance from the
 * arena's start or from the program's first byte, and the number of the site. Links to other regions are undone.
 */
#include "emulator/jit/x64.h"

/* The program's first byte and the end of its code, by the linker. */
extern const char __executable_start[], etext[];

/* Kinds of frozen fixups, in the upper four bits as in struct compiled. */
enum frozen_kind { FROZEN_COMMON, FROZEN_NEAR, FROZEN_SITE, FROZEN_HEAT, FROZEN_FUNCTION };

struct frozen {
    uint32_t code_size, n_sites, n_faults, n_fixups;
    /* struct frozen_site[], struct host_fault[], fixups, padding to 16 bytes from here, code */
};
struct frozen_site {
    uint64_t pc, npc;
    uint32_t patch; /* offset + 1, 0: none */
    uint8_t kind, hint;
    uint16_t zero;
};
_Static_assert(sizeof(struct frozen) == 16 && sizeof(struct frozen_site) == 24 && sizeof(struct host_fault) == 8,
               "written as they are");
#define CODE_MOST (1u << 24)

void backend_keep_fixups(struct backend *be)
{
    be->keeps_fixups = true;
}

void backend_fingerprint(const struct backend *be, GString *text)
{
    const uint8_t *f = (const uint8_t *)&be->f;

    g_string_append(text, "x86-64 ");
    for (size_t k = 0; k < sizeof(be->f); k++)
        g_string_append_c(text, f[k] ? '1' : '0');
    g_string_append_printf(text, " %zu %s%s\n", be->arena.kept, be->guest->name, be->user ? " user" : "");
}

bool backend_compile_apart(struct backend *be)
{
    g_mutex_init(&be->lock); /* its holder may have stayed with the parent */
    return arena_write_apart(&be->arena);
}

static size_t code_offset(const struct frozen *f)
{
    size_t n = sizeof(*f) + sizeof(struct frozen_site) * f->n_sites + sizeof(struct host_fault) * f->n_faults +
               sizeof(uint32_t) * f->n_fixups;

    return (n + 15) & ~(size_t)15;
}

/* One fixup of code that stands at `rx` and was copied to `code`: its frozen form, or false. */
static bool freeze_fixup(struct backend *be, const struct compiled *c, uint8_t *code, uint32_t fixup, uint32_t *frozen)
{
    const uint64_t start = (uintptr_t)__executable_start, end = (uintptr_t)etext;
    uint32_t place = fixup & X64_FIX_PLACE;
    unsigned kind = fixup >> X64_FIX_SHIFT;
    uint64_t value;
    int32_t rel;

    if (kind == X64_FIX_REL) {
        memcpy(&rel, code + place, 4);
        value = (uint64_t)(uintptr_t)c->code + place + 4 + (uint64_t)(int64_t)rel;
        uint64_t common = value - (uint64_t)(uintptr_t)be->arena.rx;
        if (common < be->arena.kept) {
            kind = FROZEN_COMMON;
            value = common;
        } else if (value >= start && value < end) {
            kind = FROZEN_NEAR;
            value -= start;
        } else {
            return false;
        }
        if (!x64_put32(code + place, (int64_t)value))
            return false;
    } else {
        memcpy(&value, code + place, 8);
        if (kind == X64_FIX_SITE) {
            kind = FROZEN_SITE;
            value = (value - (uintptr_t)c->site) / sizeof(*c->site);
        } else if (kind == X64_FIX_HEAT) {
            kind = FROZEN_HEAT;
            value = 0;
        } else if (value >= start && value < end) {
            kind = FROZEN_FUNCTION;
            value -= start;
        } else {
            return false;
        }
        memcpy(code + place, &value, 8);
    }
    *frozen = kind << X64_FIX_SHIFT | place;
    return true;
}

bool backend_freeze(struct backend *be, const struct compiled *c, GByteArray *out)
{
    struct frozen f = {c->size, c->n_sites, c->n_faults, c->n_fixups};
    size_t at = code_offset(&f), size = at + ((c->size + 7) & ~7u);
    bool good = c->fixup != NULL;

    if (!c->fixup || c->size > CODE_MOST)
        return false;
    guint begin = out->len;
    g_byte_array_set_size(out, begin + (guint)size);
    uint8_t *to = out->data + begin, *code = to + at;
    memset(to, 0, size);
    memcpy(to, &f, sizeof(f));
    memcpy(code, arena_writable(&be->arena, c->code), c->size);
    uint8_t *next = to + sizeof(f);
    for (uint32_t k = 0; k < c->n_sites; k++, next += sizeof(struct frozen_site)) {
        const struct exit_site *s = &c->site[k];
        struct frozen_site site = {s->pc, s->npc, 0, s->kind, s->hint, 0};
        if (s->patch) {
            site.patch = (uint32_t)(s->patch - c->code) + 1;
            code[site.patch - 1] = 0xe9; /* to what follows it: no link */
            memset(code + site.patch, 0, 4);
        }
        memcpy(next, &site, sizeof(site));
    }
    if (c->n_faults)
        memcpy(next, c->fault, sizeof(*c->fault) * c->n_faults);
    next += sizeof(*c->fault) * c->n_faults;
    for (uint32_t k = 0; k < c->n_fixups && good; k++, next += sizeof(uint32_t)) {
        uint32_t fixup = 0;
        good = freeze_fixup(be, c, code, c->fixup[k], &fixup);
        memcpy(next, &fixup, sizeof(fixup));
    }
    if (!good)
        g_byte_array_set_size(out, begin);
    return good;
}

static bool thaw_fixup(struct backend *be, const struct compiled *out, uint8_t *rw, uint32_t fixup, int32_t *hotness)
{
    uint32_t place = fixup & X64_FIX_PLACE;
    unsigned kind = fixup >> X64_FIX_SHIFT, width = kind <= FROZEN_NEAR ? 4 : 8;
    uint64_t value = 0;

    if (kind > FROZEN_FUNCTION || place > out->size - width)
        return false;
    memcpy(&value, rw + place, width);
    switch ((enum frozen_kind)kind) {
    case FROZEN_COMMON:
    case FROZEN_NEAR:
        if (value >= (kind == FROZEN_COMMON ? be->arena.kept : (size_t)(etext - __executable_start)))
            return false;
        value += kind == FROZEN_COMMON ? (uintptr_t)be->arena.rx : (uintptr_t)__executable_start;
        return x64_put32(rw + place, (int64_t)(value - ((uint64_t)(uintptr_t)out->code + place + 4)));
    case FROZEN_SITE:
        if (value >= out->n_sites)
            return false;
        value = (uint64_t)(uintptr_t)&out->site[value];
        break;
    case FROZEN_HEAT:
        if (!hotness)
            return false;
        value = (uint64_t)(uintptr_t)hotness;
        break;
    case FROZEN_FUNCTION:
        if (value >= (size_t)(etext - __executable_start))
            return false;
        value += (uintptr_t)__executable_start;
        break;
    }
    memcpy(rw + place, &value, 8);
    return true;
}

static bool thaw_site(const struct frozen_site *from, struct exit_site *to, struct compiled *out,
                      struct jit_region *owner)
{
    *to = (struct exit_site){.region = owner, .kind = from->kind, .hint = from->hint, .pc = from->pc, .npc = from->npc};
    if (from->kind > IR_EXIT_BUDGET)
        return false;
    if (from->patch) { /* five bytes in one aligned word */
        uint32_t at = from->patch - 1;
        if (at > out->size - 5 || (at & 7) > 3)
            return false;
        to->patch = out->code + at;
    }
    return true;
}

enum backend_thawed backend_thaw(struct backend *be, const uint8_t *data, size_t size, int32_t *hotness,
                                 struct jit_region *owner, struct compiled *out)
{
    struct frozen f;
    bool good = true;

    *out = (struct compiled){0};
    if (size < sizeof(f))
        return BACKEND_THAW_BAD;
    memcpy(&f, data, sizeof(f));
    if (f.code_size > CODE_MOST || f.code_size < 8 || f.n_sites > CODE_MOST || f.n_sites == 0 ||
        f.n_faults > CODE_MOST || f.n_fixups > CODE_MOST)
        return BACKEND_THAW_BAD;
    size_t at = code_offset(&f);
    if (size != at + ((f.code_size + 7) & ~7u))
        return BACKEND_THAW_BAD;
    const uint8_t *sites = data + sizeof(f), *faults = sites + sizeof(struct frozen_site) * f.n_sites,
                  *fixups = faults + sizeof(struct host_fault) * f.n_faults;
    uint8_t *rx = x64_place(be, f.code_size, out);
    if (!rx)
        return BACKEND_THAW_FULL;
    uint8_t *rw = arena_writable(&be->arena, rx);
    memcpy(rw, data + at, f.code_size);
    out->code = rx;
    out->size = f.code_size;
    out->n_sites = f.n_sites;
    out->site = g_new(struct exit_site, f.n_sites);
    for (uint32_t k = 0; k < f.n_sites && good; k++) {
        struct frozen_site site;
        memcpy(&site, sites + sizeof(site) * k, sizeof(site));
        good = thaw_site(&site, &out->site[k], out, owner);
    }
    if (f.n_faults) {
        out->n_faults = f.n_faults;
        out->fault = g_memdup2(faults, sizeof(struct host_fault) * f.n_faults);
        for (uint32_t k = 0; k < f.n_faults && good; k++)
            good = out->fault[k].code_offset < f.code_size && out->fault[k].stub_offset < f.code_size;
    }
    for (uint32_t k = 0; k < f.n_fixups && good; k++) {
        uint32_t fixup;
        memcpy(&fixup, fixups + sizeof(fixup) * k, sizeof(fixup));
        good = thaw_fixup(be, out, rw, fixup, hotness);
    }
    if (!good) {
        backend_release(be, out);
        return BACKEND_THAW_BAD;
    }
    x64_placed(be, rx);
    return BACKEND_THAWED;
}
