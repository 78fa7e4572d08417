/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The x86-64 back end as backend.h wants it: trampolines, compiling into the arena, linking, fault table,
 * listing.
 */
#include "emulator/jit/x64.h"

#include <cpuid.h>
#include "emulator/jit/listing.h"

#define CPU(field) x64_at(R_CPU, (int32_t)offsetof(struct jit_cpu, field))
#define ARENA_DEFAULT ((size_t)128 << 20)

void x64_features_detect(struct x64_features *f)
{
    unsigned a, b, c, d;

    *f = (struct x64_features){0};
    if (!__get_cpuid(1, &a, &b, &c, &d)) {
        return;
    }
    bool os_avx = false;
    if (c & bit_OSXSAVE) {
        unsigned lo, hi;
        __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
        os_avx = (lo & 6) == 6;
    }
    f->avx = (c & bit_AVX) && os_avx;
    f->fma = (c & bit_FMA) && f->avx;
    f->movbe = c & bit_MOVBE;
    f->popcnt = c & bit_POPCNT;
    f->ssse3 = c & bit_SSSE3;
    f->sse41 = c & bit_SSE4_1;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        f->bmi1 = (b & bit_BMI) && f->avx; /* the VEX-coded ones want the operating system's support too */
        f->bmi2 = (b & bit_BMI2) && f->avx;
        f->avx2 = (b & bit_AVX2) && f->avx;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        f->lzcnt = c & bit_LZCNT;
    }
}

/* --------------------------------------------------------------------------------------------------- contexts */

static struct x64_ctx *ctx_new(struct backend *be)
{
    struct x64_ctx *c = g_new0(struct x64_ctx, 1);

    c->be = be;
    c->f = &be->f;
    c->guest = be->guest;
    c->user = be->user;
    for (unsigned s = 0; s < XS_COUNT; s++) {
        c->a.sec[s].base = c->a.sec[s].p = g_malloc(65536);
        c->a.sec[s].end = c->a.sec[s].base + 65536;
    }
    c->a.p = c->a.sec[0].p;
    for (unsigned s = 0; s < be->guest->n_slots; s++) {
        c->uses_bank |= be->guest->slot[s].banked;
    }
    c->allocatable[XC_GPR] = 1u << RCX | 1u << RDX | 1u << RBX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9 |
                             1u << R10 | 1u << R11 | 1u << R12 | (c->uses_bank ? 0 : 1u << R13);
    c->allocatable[XC_XMM] = 0x7fff0000u;
    return c;
}

static void ctx_free(struct x64_ctx *c)
{
    if (!c) {
        return;
    }
    for (unsigned s = 0; s < XS_COUNT; s++) {
        g_free(c->a.sec[s].base);
    }
    g_free(c->a.label);
    g_free(c->a.reloc);
    g_free(c->a.pool);
    g_free(c->val);
    g_free(c->ufirst);
    g_free(c->use);
    g_free(c->blk);
    g_free(c->ent);
    g_free(c->gval);
    g_free(c->bits);
    g_free(c->pair);
    g_free(c->move);
    g_free(c->fault);
    g_free(c->fault_at);
    g_free(c->free8);
    g_free(c->free16);
    g_free(c->local_spill);
    g_free(c->ldslot);
    g_free(c);
}

static struct x64_ctx *ctx_take(struct backend *be)
{
    struct x64_ctx *c = NULL;

    g_mutex_lock(&be->lock);
    for (unsigned k = 0; k < G_N_ELEMENTS(be->idle) && !c; k++) {
        c = be->idle[k];
        be->idle[k] = NULL;
    }
    g_mutex_unlock(&be->lock);
    if (!c) {
        c = ctx_new(be);
    }
    for (unsigned s = 0; s < XS_COUNT; s++) {
        c->a.sec[s].p = c->a.sec[s].base;
    }
    c->a.cur = XS_HOT;
    c->a.p = c->a.sec[XS_HOT].p;
    c->a.n_labels = c->a.n_relocs = c->a.n_pool = 0;
    c->failed = false;
    c->flags_val = c->carry_val = 0;
    c->direct_guard = 0;
    c->locked = 0;
    memset(c->reg_val, 0, sizeof(c->reg_val));
    return c;
}

static void ctx_give(struct backend *be, struct x64_ctx *c)
{
    g_mutex_lock(&be->lock);
    for (unsigned k = 0; k < G_N_ELEMENTS(be->idle) && c; k++) {
        if (!be->idle[k]) {
            be->idle[k] = c;
            c = NULL;
        }
    }
    g_mutex_unlock(&be->lock);
    ctx_free(c);
}

/* ---------------------------------------------------------------------------------------------- trampolines */

static const uint8_t callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

static void save_regs(struct x64_asm *a, bool avx, bool restore, bool xmm, int adjust)
{
    for (int r = 0; r < 31; r++) {
        if (!(X64_CALLER_SAVED >> r & 1) || (r >= 16 && !xmm)) {
            continue;
        }
        struct x64_mem m = x64_save_slot(r);
        m.disp += adjust;
        if (r < 16) {
            x64_rm(a, (restore ? 0x8bu : 0x89u) | X_W, r, m);
        } else if (avx) {
            x64_vrm(a, X_0F | (restore ? 0x10u : 0x11u), r, 0, m);
        } else {
            x64_rm(a, X_0F | (restore ? 0x10u : 0x11u), r, m);
        }
    }
}

static void emit_guard_thunk(struct x64_asm *a, struct backend *be, bool xmm)
{
    /* in: rax = address, [temp] = aux; out: rax. The stack is one return address deeper. */
    save_regs(a, be->f.avx, false, xmm, 8);
    x64_mov(a, true, RSI, RAX);
    x64_load(a, false, RDX, x64_at(RSP, X64_TEMP + 8));
    x64_mov(a, true, RDI, R_CPU);
    x64_store(a, true, CPU(budget), R_BUDGET);
    x64_alu_ri(a, ALU_SUB, true, RSP, 8);
    x64_imm(a, RAX, (uint64_t)(uintptr_t)jit_guard_slow, true);
    x64_rr(a, 0xff, 2, RAX);
    x64_alu_ri(a, ALU_ADD, true, RSP, 8);
    x64_load(a, true, R_BUDGET, CPU(budget));
    x64_load(a, true, R_MEM, CPU(tlb));
    save_regs(a, be->f.avx, true, xmm, 8);
    x64_1(a, 0xc3);
}

static void emit_common(struct backend *be)
{
    struct x64_ctx *c = ctx_new(be);
    struct x64_asm *a = &c->a;
    uint32_t at[7];

    x64_need(a, 8192);
    /* enter(cpu, code): calls generated code as a C function that returns the exit site */
    at[0] = x64_offset(a);
    for (unsigned k = 0; k < G_N_ELEMENTS(callee_saved); k++) {
        x64_prefix(a, 0x50u | (callee_saved[k] & 7u), 0, 0, callee_saved[k]);
    }
    uint32_t saved = x64_offset(a);
    x64_alu_ri(a, ALU_SUB, true, RSP, X64_FRAME);
    x64_mov(a, true, R_CPU, RDI);
    x64_rm(a, X_0F | 0xae, 3, CPU(host_mxcsr)); /* stmxcsr */
    x64_rm(a, X_0F | 0xae, 2, CPU(mxcsr));      /* ldmxcsr */
    if (c->guest->x87) {
        x64_rm(a, 0xd9, 7, CPU(host_x87_control)); /* fnstcw */
        x64_rm(a, 0xd9, 5, CPU(x87_control));      /* fldcw */
    }
    x64_load(a, true, R_BUDGET, CPU(budget));
    if (be->user) {
        x64_load(a, true, R_MEM, CPU(window));
    } else {
        x64_load(a, true, R_MEM, CPU(tlb));
    }
    if (c->uses_bank) {
        x64_load(a, true, R_BANK, CPU(bank));
    }
    x64_rr(a, 0xff, 4, RSI); /* jmp rsi */

    x64_nops(a, -x64_offset(a) & 15);
    at[1] = x64_offset(a); /* leave_pc: pc, npc are those of the site in rax */
    x64_load(a, true, RCX, x64_at(RAX, offsetof(struct exit_site, pc)));
    x64_load(a, true, RDX, x64_at(RAX, offsetof(struct exit_site, npc)));
    x64_store(a, true, CPU(pc), RCX);
    x64_store(a, true, CPU(npc), RDX);
    at[2] = x64_offset(a); /* leave */
    x64_store(a, true, CPU(budget), R_BUDGET);
    uint32_t restores = x64_offset(a);
    x64_rm(a, X_0F | 0xae, 3, CPU(mxcsr));
    x64_rm(a, X_0F | 0xae, 2, CPU(host_mxcsr));
    if (c->guest->x87) { /* the flags of this stay join those of before; rax is the exit site */
        x64_rm(a, 0xdd, 7, x64_at(RSP, X64_TEMP)); /* fnstsw */
        x64_rm(a, X_0F | 0xb7, RCX, x64_at(RSP, X64_TEMP));
        x64_alu_ri(a, ALU_AND, false, RCX, 0x3f);
        x64_rm(a, X_66 | 0x09, RCX, CPU(x87_status)); /* or */
        x64_1(a, 0xdb);                               /* fnclex */
        x64_1(a, 0xe2);
        x64_rm(a, 0xd9, 5, CPU(host_x87_control));
    }
    x64_alu_ri(a, ALU_ADD, true, RSP, X64_FRAME);
    for (unsigned k = G_N_ELEMENTS(callee_saved); k-- > 0;) {
        x64_prefix(a, 0x58u | (callee_saved[k] & 7u), 0, 0, callee_saved[k]);
    }
    x64_1(a, 0xc3);

    x64_nops(a, -x64_offset(a) & 15);
    at[3] = x64_offset(a);
    emit_guard_thunk(a, be, false);
    x64_nops(a, -x64_offset(a) & 15);
    at[4] = x64_offset(a);
    emit_guard_thunk(a, be, true);
    x64_nops(a, -x64_offset(a) & 15);
    at[5] = x64_offset(a);
    save_regs(a, be->f.avx, false, true, 8);
    x64_1(a, 0xc3);
    x64_nops(a, -x64_offset(a) & 15);
    at[6] = x64_offset(a); /* restore; budget and bases come from memory */
    x64_load(a, true, R_BUDGET, CPU(budget));
    save_regs(a, be->f.avx, true, true, 8);
    x64_1(a, 0xc3);

    uint32_t size = x64_offset(a);
    uint8_t *rx = arena_alloc(&be->arena, size);
    g_assert(rx);
    memcpy(arena_writable(&be->arena, rx), a->sec[XS_HOT].base, size);
    arena_keep(&be->arena);
    be->code = (struct x64_code){rx + at[0], rx + at[2], rx + at[1], rx + at[3], rx + at[4], rx + at[5], rx + at[6]};
    be->enter_begin = rx + at[0];
    be->enter_saved = rx + saved;
    be->leave_restores = rx + restores;
    be->leave_end = rx + at[3];
    ctx_free(c);
}

struct backend *backend_create(const struct jit_guest *guest, size_t arena_size, bool user_mode, GError **error)
{
    struct backend *be = g_new0(struct backend, 1);

    if (!arena_init(&be->arena, arena_size ? arena_size : ARENA_DEFAULT, error)) {
        g_free(be);
        return NULL;
    }
    g_mutex_init(&be->lock);
    be->guest = guest;
    be->user = user_mode;
    be->n_starts = be->arena.size / X64_HEADER_BYTES / 64;
    be->starts = g_new0(uint64_t, be->n_starts);
    x64_features_detect(&be->f);
    emit_common(be);
    return be;
}

void backend_destroy(struct backend *be)
{
    if (!be) {
        return;
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(be->idle); k++) {
        ctx_free(be->idle[k]);
    }
    g_mutex_clear(&be->lock);
    arena_finish(&be->arena);
    g_free(be->starts);
    g_free(be);
}

int backend_copy_code(struct backend *be)
{
    return arena_copy(&be->arena);
}

bool backend_use_copy(struct backend *be, int fd)
{
    g_mutex_init(&be->lock);
    return arena_use_copy(&be->arena, fd);
}

void backend_reset(struct backend *be)
{
    g_mutex_lock(&be->lock);
    arena_reset(&be->arena);
    memset(be->starts, 0, be->n_starts * sizeof(*be->starts));
    g_mutex_unlock(&be->lock);
}

/* --------------------------------------------------------------------------------------------------- compiling */

static void put32(uint8_t *at, int64_t v)
{
    bool near = x64_put32(at, v);

    g_assert(near);
}

static void put64(uint8_t *at, uint64_t v)
{
    memcpy(at, &v, sizeof(v));
}

uint8_t *x64_place(struct backend *be, uint32_t size, struct compiled *owner)
{
    g_mutex_lock(&be->lock);
    uint8_t *rx = arena_alloc(&be->arena, size + X64_HEADER_BYTES);
    g_mutex_unlock(&be->lock);
    if (!rx) {
        return NULL;
    }
    uint8_t *head = arena_writable(&be->arena, rx);
    memset(head, 0xcc, X64_HEADER_BYTES);
    memcpy(head, &owner, sizeof(owner));
    return rx + X64_HEADER_BYTES;
}

void x64_placed(struct backend *be, const uint8_t *rx)
{
    size_t granule = (size_t)(rx - be->arena.rx) / X64_HEADER_BYTES - 1;
    __atomic_or_fetch(&be->starts[granule / 64], 1ull << (granule & 63), __ATOMIC_RELEASE);
}

static void note_fixup(struct compiled *out, unsigned kind, uint32_t place)
{
    if (out->fixup)
        out->fixup[out->n_fixups++] = kind << X64_FIX_SHIFT | place;
}

/* Copies the sections to their place and resolves what refers to what. */
static bool finish(struct x64_ctx *c, struct compiled *out)
{
    struct backend *be = c->be;
    struct x64_asm *a = &c->a;
    uint32_t at[XS_COUNT], size = 0;

    a->sec[a->cur].p = a->p;
    for (unsigned s = 0; s < XS_COUNT; s++) {
        size = (size + 15) & ~15u;
        at[s] = size;
        size += (uint32_t)(a->sec[s].p - a->sec[s].base);
    }
    uint32_t pool = size = (size + 15) & ~15u;
    size += 16 * a->n_pool;

    uint8_t *rx = x64_place(be, size, out);
    if (!rx) {
        return false;
    }
    uint8_t *rw = arena_writable(&be->arena, rx);
    for (unsigned s = 0; s < XS_COUNT; s++) {
        memcpy(rw + at[s], a->sec[s].base, (size_t)(a->sec[s].p - a->sec[s].base));
    }
    if (a->n_pool) {
        memcpy(rw + pool, a->pool, (size_t)16 * a->n_pool);
    }
    if (be->keeps_fixups) {
        out->fixup = g_new(uint32_t, a->n_relocs + 1);
    }
    for (uint32_t k = 0; k < a->n_relocs; k++) {
        const struct x64_reloc *l = &a->reloc[k];
        uint32_t from = at[l->section] + l->at;
        int64_t target;
        switch (l->kind) {
        case XR_LABEL: {
            uint64_t to = a->label[l->target];
            g_assert(to != X64_UNBOUND);
            target = (int64_t)at[to >> 32] + (uint32_t)to;
            break;
        }
        case XR_CONST:
            target = (int64_t)pool + (uint32_t)l->target;
            break;
        case XR_SITE:
            note_fixup(out, X64_FIX_SITE, from);
            put64(rw + from, (uint64_t)(uintptr_t)&out->site[l->target]);
            continue;
        case XR_HEAT:
        case XR_FUNCTION:
            note_fixup(out, l->kind == XR_HEAT ? X64_FIX_HEAT : X64_FIX_FUNCTION, from);
            put64(rw + from, l->target);
            continue;
        default:
            note_fixup(out, X64_FIX_REL, from);
            target = (int64_t)(l->target - (uint64_t)(uintptr_t)rx);
            break;
        }
        put32(rw + from, target - (from + 4));
    }
    for (uint32_t k = 0; k < out->n_sites; k++) {
        uint64_t w = (uint64_t)(uintptr_t)out->site[k].patch;
        if (w) {
            w--;
            out->site[k].patch = rx + at[w >> 32] + (uint32_t)w;
        }
    }
    out->n_faults = c->n_fault;
    out->fault = c->n_fault ? g_new(struct host_fault, c->n_fault) : NULL;
    uint32_t n = 0;
    for (unsigned s = 0; s < XS_COUNT; s++) { /* ascending within each section */
        for (uint32_t k = 0; k < c->n_fault; k++) {
            if (c->fault_at[k] >> 32 == s) {
                out->fault[n].code_offset = at[s] + (uint32_t)c->fault_at[k];
                out->fault[n++].stub_offset = at[XS_STUB] + c->fault[k].stub_offset;
            }
        }
    }
    out->code = rx;
    out->size = size;
    x64_placed(be, rx);
    return true;
}

bool backend_compile(struct backend *be, const struct ir_region *r, int tier, int32_t *hotness,
                     struct jit_region *owner, struct compiled *out)
{
    struct x64_ctx *c = ctx_take(be);

    *out = (struct compiled){0};
    uint32_t n_returns = 0;
    for (uint32_t k = 0; k < r->n_exits; k++) {
        n_returns += r->exit[k].call_return_valid;
    }
    out->n_sites = r->n_exits + n_returns + (hotness ? 1 : 0);
    out->site = g_new0(struct exit_site, out->n_sites ? out->n_sites : 1);
    c->next_return = r->n_exits;
    for (uint32_t k = 0; k < r->n_exits; k++) {
        out->site[k].region = owner;
        out->site[k].kind = r->exit[k].kind;
        out->site[k].hint = r->exit[k].hint;
        out->site[k].pc = r->exit[k].pc;
        out->site[k].npc = r->exit[k].npc;
    }
    if (hotness) {
        out->site[out->n_sites - 1] =
            (struct exit_site){.region = owner, .kind = IR_EXIT_DISPATCH, .pc = r->pc, .npc = r->npc};
    }
    c->r = r;
    c->tier = tier;
    c->site = out->site;
    c->n_sites = out->n_sites;
    c->owner = owner;
    x64_prepare(c);
    x64_region(c, hotness);
    bool ok = !c->failed && finish(c, out);
    if (!ok) {
        g_free(out->site);
        *out = (struct compiled){0};
    }
    ctx_give(be, c);
    return ok;
}

void backend_release(struct backend *be, struct compiled *c)
{
    if (c->code) {
        const uint8_t *head = c->code - X64_HEADER_BYTES;
        size_t granule = (size_t)(head - be->arena.rx) / X64_HEADER_BYTES;
        void *none = NULL, *there;
        memcpy(&there, head, sizeof(there));
        if (there == c && (be->starts[granule / 64] >> (granule & 63) & 1)) {
            memcpy(arena_writable(&be->arena, head), &none, sizeof(none));
        }
    }
    g_free(c->site);
    g_free(c->fault);
    g_free(c->fixup);
    *c = (struct compiled){0};
}

/* Reads only the map of starts and headers, which nobody moves: safe in a signal handler. */
const struct compiled *backend_find(struct backend *be, const void *host_pc)
{
    const uint8_t *pc = host_pc;

    if (pc < be->arena.rx || pc >= be->arena.rx + be->arena.size) {
        return NULL;
    }
    size_t granule = (size_t)(pc - be->arena.rx) / X64_HEADER_BYTES;
    size_t w = granule / 64;
    uint64_t bits = __atomic_load_n(&be->starts[w], __ATOMIC_ACQUIRE) & (~0ull >> (63 - (granule & 63)));
    while (!bits && w > 0) {
        bits = __atomic_load_n(&be->starts[--w], __ATOMIC_ACQUIRE);
    }
    if (!bits) {
        return NULL;
    }
    const uint8_t *head = be->arena.rx + (w * 64 + 63 - (size_t)__builtin_clzll(bits)) * X64_HEADER_BYTES;
    const struct compiled *c;
    memcpy(&c, head, sizeof(c));
    return c && pc >= c->code && pc < c->code + c->size ? c : NULL;
}

void backend_stop(struct backend *be, struct jit_cpu *cpu, void *ucontext)
{
    ucontext_t *uc = ucontext;
    greg_t *budget = &uc->uc_mcontext.gregs[REG_R14];
    const uint8_t *pc = (const uint8_t *)(uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
    _Static_assert(R_BUDGET == R14, "the register below");

    /* In helpers, in the run time and in the ends of the entry code the register is C's, and the budget in memory
     * counts; in generated code, and on the way to and from helpers, either may be the next to be looked at. */
    bool in_register = pc >= be->arena.rx && pc < be->arena.rx + be->arena.size &&
                       !(pc >= be->enter_begin && pc < be->enter_saved) &&
                       !(pc >= be->leave_restores && pc < be->leave_end);
    int64_t left = in_register ? *budget : cpu->budget;

    if (left >= 0) {
        /* What is taken away was never in the slice. */
        cpu->slice -= left + 1;
        cpu->budget = -1;
        if (in_register) {
            *budget = -1;
        }
    }
}

/* ------------------------------------------------------------------------------------------ running, linking */

struct exit_site *backend_enter(struct backend *be, struct jit_cpu *cpu, const void *code)
{
    struct exit_site *(*enter)(struct jit_cpu *, const void *);

    memcpy(&enter, &be->code.enter, sizeof(enter));
    return enter(cpu, code);
}

/* Replaces the five bytes at `at` (which lie in one aligned word) by a jump. */
static void patch_jump(struct backend *be, const uint8_t *at, const uint8_t *target)
{
    uint8_t *word = arena_writable(&be->arena, (const uint8_t *)((uintptr_t)at & ~(uintptr_t)7));
    unsigned shift = (unsigned)((uintptr_t)at & 7);
    uint64_t v = __atomic_load_n((uint64_t *)(void *)word, __ATOMIC_RELAXED);
    uint8_t b[8];

    memcpy(b, &v, 8);
    b[shift] = 0xe9;
    put32(b + shift + 1, target - (at + 5));
    memcpy(&v, b, 8);
    __atomic_store_n((uint64_t *)(void *)word, v, __ATOMIC_RELEASE);
}

void backend_link(struct backend *be, struct exit_site *site, const void *target)
{
    if (site->patch) {
        patch_jump(be, site->patch, target ? target : site->patch + 5);
    }
}

/* --------------------------------------------------------------------------------------------------- listing */

void backend_log(struct backend *be, const struct compiled *c, FILE *out)
{
    for (uint32_t at = 0, n; at < c->size; at += n) {
        uint64_t pc = (uint64_t)(uintptr_t)c->code + at;
        char text[160];

        n = jit_listing_line(JIT_LISTING_X86_64, pc, c->code + at, c->size - at, text, sizeof(text));
        if (!n) {
            n = 1;
            g_snprintf(text, sizeof(text), ".byte    0x%02x", c->code[at]);
        }
        fprintf(out, "  %" G_GINT64_MODIFIER "x  %s\n", pc, text);
    }
}
