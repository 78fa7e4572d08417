/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The IR interpreter: the meaning of every operation in plain C, the oracle for back ends and the engine of
 * hosts that have none.  A region is decoded once into operations specialised by type, whose operands are
 * places in one array of words; ir_region_copy() keeps that form with the region.
 */
#include <string.h>
#include "emulator/jit/ir_internal.h"
#include "emulator/jit/ir_interp.h"

struct ir_scratch {
    uint64_t *word;
    size_t cap_words;
    void *decoded; /* of a region that carries none */
    size_t cap_decoded;
    uint32_t host_csr;
    bool csr_is_guests;
    /* what runs, for a host fault: user mode leaves by the last guard's exit then */
    const struct ir_region *region;
    const struct interp_code *code;
    uint32_t guard_exit;
};

/* ------------------------------------------------------------------------------------- slow ways */

static inline void csr_in(struct ir_scratch *s, struct jit_cpu *cpu)
{
    if (s->csr_is_guests)
        return;
    s->host_csr = ir_interp_get_csr();
    ir_interp_set_csr(cpu->mxcsr);
    s->csr_is_guests = true;
}

static inline void csr_out(struct ir_scratch *s, struct jit_cpu *cpu)
{
    if (!s->csr_is_guests)
        return;
    cpu->mxcsr = ir_interp_get_csr();
    ir_interp_set_csr(s->host_csr);
    s->csr_is_guests = false;
}

/* Guards that the loop does not decide: false: leave. */
static bool guard_slow(struct ir_scratch *s, struct jit_cpu *cpu, const struct ir_insn *i, uint64_t address,
                       uint64_t *out)
{
    int lo = (int16_t)i->c, hi = (int16_t)(i->c >> 16);
    unsigned align = IR_MEM_ALIGN_OF(i->aux), size = (unsigned)(hi - lo);
    uint8_t *host = NULL;
    bool device = false;

    /* a joined range is for RAM within one page only; its alignment is the base's */
    bool plain = lo == 0 && hi == 1 << IR_MEM_SIZE(i->aux);
    if (!plain) {
        uint64_t low = address + (uint64_t)(int64_t)lo;
        if ((address & ((UINT64_C(1) << align) - 1)) || ((low ^ (low + size - 1)) & JIT_PAGE_MASK))
            return false;
        address = cpu->guest->address64 ? low : (uint32_t)low;
        align = 0;
    }
    csr_out(s, cpu);
    if (i->aux & IR_MEM_READ) {
        host = jit_mem_host(cpu, address, size, align, JIT_READ, &device);
        if (!host && !device)
            return false;
    }
    if (i->aux & IR_MEM_WRITE) {
        bool was = device;
        host = jit_mem_host(cpu, address, size, align, JIT_WRITE, &device);
        if (!host && !device)
            return false;
        device = device || was;
    }
    if (device && !plain)
        return false;
    out[0] = device ? 0 : (uint64_t)(uintptr_t)host - (plain ? 0 : (uint64_t)(int64_t)lo);
    out[1] = address;
    return true;
}

static uint64_t swap_if(uint64_t v, unsigned size, bool swap)
{
    if (!swap)
        return v;
    return size == 8   ? GUINT64_SWAP_LE_BE(v)
           : size == 4 ? GUINT32_SWAP_LE_BE((uint32_t)v)
           : size == 2 ? GUINT16_SWAP_LE_BE((uint16_t)v)
                       : v;
}

/* A load or store through a guard of a device page. */
static bool device_load(struct ir_scratch *s, struct jit_cpu *cpu, const struct ir_insn *i, uint64_t address,
                        uint64_t *dst)
{
    unsigned size = 1u << IR_MEM_SIZE(i->aux);
    bool swap = ((i->aux & IR_MEM_BIG) != 0) != cpu->guest->big_endian;
    uint64_t v;

    address += (uint64_t)(int64_t)(int32_t)i->c;
    csr_out(s, cpu);
    if (size == 16) {
        uint64_t first, second;
        if (!jit_mem_read(cpu, address, 8, &first) || !jit_mem_read(cpu, address + 8, 8, &second))
            return false;
        bool big = i->aux & IR_MEM_BIG;
        dst[0] = swap_if(big ? second : first, 8, swap);
        dst[1] = swap_if(big ? first : second, 8, swap);
        return true;
    }
    if (!jit_mem_read(cpu, address, size, &v))
        return false;
    v = swap_if(v, size, swap);
    if (size < 8) {
        v &= (UINT64_C(1) << (8 * size)) - 1;
        if (i->aux & IR_MEM_SIGNED)
            v = (uint64_t)((int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size));
        if (i->type == IR_I32)
            v = (uint32_t)v;
    }
    *dst = v;
    return true;
}

static bool device_store(struct ir_scratch *s, struct jit_cpu *cpu, const struct ir_insn *i, uint64_t address,
                         const uint64_t *v)
{
    unsigned size = 1u << IR_MEM_SIZE(i->aux);
    bool swap = ((i->aux & IR_MEM_BIG) != 0) != cpu->guest->big_endian;
    uint64_t x = v[0];

    address += (uint64_t)(int64_t)(int32_t)i->c;
    csr_out(s, cpu);
    if (size == 16) {
        bool big = i->aux & IR_MEM_BIG;
        return jit_mem_write(cpu, address, 8, swap_if(v[big ? 1 : 0], 8, swap)) &&
               jit_mem_write(cpu, address + 8, 8, swap_if(v[big ? 0 : 1], 8, swap));
    }
    if (size < 8)
        x &= (UINT64_C(1) << (8 * size)) - 1;
    return jit_mem_write(cpu, address, size, swap_if(x, size, swap));
}

#define ATOMIC_ON(T)                                                                                         \
    do {                                                                                                     \
        T *p = (T *)(uintptr_t)guard[0], seen, want;                                                         \
        if (i->op == IR_CAS) {                                                                               \
            seen = (T)swap_if(b, size, swap);                                                                \
            want = (T)swap_if(c, size, swap);                                                                \
            __atomic_compare_exchange_n(p, &seen, want, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);          \
        } else if (i->op == IR_XCHG) {                                                                       \
            seen = __atomic_exchange_n(p, (T)swap_if(b, size, swap), __ATOMIC_SEQ_CST);                      \
        } else {                                                                                             \
            seen = __atomic_load_n(p, __ATOMIC_RELAXED);                                                     \
            do                                                                                               \
                want = (T)swap_if((T)(swap_if(seen, size, swap) + b), size, swap);                           \
            while (!__atomic_compare_exchange_n(p, &seen, want, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)); \
        }                                                                                                    \
        *dst = (T)swap_if(seen, size, swap);                                                                 \
    } while (0)

static bool atomic(struct ir_scratch *s, struct jit_cpu *cpu, const struct ir_insn *i, uint64_t *dst,
                   const uint64_t *guard, uint64_t b, uint64_t c)
{
    unsigned size = 1u << IR_MEM_SIZE(i->aux);
    uint64_t mask = size == 8 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * size)) - 1, old;

    if (guard[0]) {
        bool swap = ((i->aux & IR_MEM_BIG) != 0) == (G_BYTE_ORDER == G_LITTLE_ENDIAN);
        switch (size) {
        case 1: ATOMIC_ON(uint8_t); break;
        case 2: ATOMIC_ON(uint16_t); break;
        case 4: ATOMIC_ON(uint32_t); break;
        default: ATOMIC_ON(uint64_t); break;
        }
        return true;
    }
    bool swap = ((i->aux & IR_MEM_BIG) != 0) != cpu->guest->big_endian;
    csr_out(s, cpu);
    if (!jit_mem_read(cpu, guard[1], size, &old))
        return false;
    old = swap_if(old, size, swap) & mask;
    *dst = old;
    if (i->op == IR_CAS && old != (b & mask))
        return true;
    uint64_t now = i->op == IR_CAS ? c : i->op == IR_XCHG ? b : old + b;
    return jit_mem_write(cpu, guard[1], size, swap_if(now & mask, size, swap));
}

static uint64_t call(struct jit_cpu *cpu, const struct ir_call *k, const struct interp_code *c,
                     const uint64_t *w, uint64_t *out)
{
    const struct ir_helper *h = k->helper;
    uint64_t a[6] = {0};
    unsigned first = h->result == IR_V128;

    if (first)
        a[0] = (uint64_t)(uintptr_t)out;
    for (unsigned n = 0; n < h->n_args; n++) {
        const uint64_t *v = &w[c->word[k->arg[n]]];
        a[first + n] = h->arg_type[n] == IR_V128 ? (uint64_t)(uintptr_t)v : *v;
    }
    switch (first + h->n_args) {
    case 0: return ((uint64_t(*)(struct jit_cpu *))h->function)(cpu);
    case 1: return ((uint64_t(*)(struct jit_cpu *, uint64_t))h->function)(cpu, a[0]);
    case 2: return ((uint64_t(*)(struct jit_cpu *, uint64_t, uint64_t))h->function)(cpu, a[0], a[1]);
    case 3:
        return ((uint64_t(*)(struct jit_cpu *, uint64_t, uint64_t, uint64_t))h->function)(cpu, a[0], a[1],
                                                                                          a[2]);
    case 4:
        return ((uint64_t(*)(struct jit_cpu *, uint64_t, uint64_t, uint64_t, uint64_t))h->function)(
            cpu, a[0], a[1], a[2], a[3]);
    case 5:
        return ((uint64_t(*)(struct jit_cpu *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t))h->function)(
            cpu, a[0], a[1], a[2], a[3], a[4]);
    default:
        return ((uint64_t(*)(struct jit_cpu *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                             uint64_t))h->function)(cpu, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
}

static void leave(struct jit_cpu *cpu, const struct ir_region *r, const struct interp_code *c,
                  const uint64_t *w, uint32_t exit)
{
    const struct ir_exit *x = &r->exit[exit];
    const struct interp_snap *s = c->snap + x->first;
    const struct jit_guest *g = r->guest;

    for (uint32_t k = 0; k < x->count; k++, s++) {
        uint8_t *at = (s->banked ? (uint8_t *)cpu->bank : (uint8_t *)cpu) + s->offset;
        if (s->size == 4) {
            uint32_t v = (uint32_t)w[s->value];
            memcpy(at, &v, 4);
        } else if (s->size == 8) {
            memcpy(at, &w[s->value], 8);
        } else {
            memcpy(at, &w[s->value], s->size);
        }
    }
    cpu->budget += x->refund;
    cpu->pc = x->pc_ref ? w[c->word[x->pc_ref]] : x->pc;
    if (x->npc_ref)
        cpu->npc = w[c->word[x->npc_ref]];
    else if (x->pc_ref && g->uses_npc)
        cpu->npc = cpu->pc + (UINT64_C(1) << g->insn_shift);
    else
        cpu->npc = x->npc;
    if (!g->address64) {
        if (x->pc_ref)
            cpu->pc = (uint32_t)cpu->pc;
        cpu->npc = (uint32_t)cpu->npc;
    }
    if (x->kind == IR_EXIT_RAISE) {
        cpu->exit_reason = x->reason;
        cpu->exit_info = x->info ? w[c->word[x->info]] : 0;
    }
}

void ir_interp_abandon(struct ir_scratch *s, struct jit_cpu *cpu)
{
    csr_out(s, cpu);
    leave(cpu, s->region, s->code, s->word, s->guard_exit);
}

/* ------------------------------------------------------------------------------------- the loop */

static inline float get_f(uint64_t v)
{
    uint32_t u = (uint32_t)v;
    float f;
    memcpy(&f, &u, 4);
    return f;
}

static inline double get_d(uint64_t v)
{
    double f;
    memcpy(&f, &v, 8);
    return f;
}

static inline uint64_t put_f(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

static inline uint64_t put_d(double f)
{
    uint64_t u;
    memcpy(&u, &f, 8);
    return u;
}

static unsigned float_from(const struct ir_region *r, const struct ir_insn *i)
{
    return r->insn[i->a].type;
}

static uint32_t run(const struct ir_region *r, struct jit_cpu *cpu, struct ir_scratch *s,
                    const struct interp_code *c)
{
    static const void *const label[N_CODES] = {
#define X(name) [DO_##name] = &&do_##name,
        CODES(X)
#undef X
    };
    uint64_t *const w = s->word;
    const struct interp_op *o = c->op;
    uint32_t exit;

#define NEXT                                                                                                 \
    do {                                                                                                     \
        o++;                                                                                                 \
        goto *label[o->code];                                                                                \
    } while (0)
#define A w[o->a]
#define B w[o->b]
#define C w[o->c]
#define D w[o->dst]
#define OP(name, e)                                                                                          \
    do_##name : D = (e);                                                                                     \
    NEXT;
#define INT2(name, e)                                                                                        \
    do_##name##_W:                                                                                           \
    {                                                                                                        \
        uint32_t x = (uint32_t)A, y = (uint32_t)B;                                                           \
        enum { W = 32 };                                                                                     \
        typedef int32_t S;                                                                                   \
        (void)sizeof(S);                                                                                     \
        D = (uint32_t)(e);                                                                                   \
        NEXT;                                                                                                \
    }                                                                                                        \
    do_##name##_D:                                                                                           \
    {                                                                                                        \
        uint64_t x = A, y = B;                                                                               \
        enum { W = 64 };                                                                                     \
        typedef int64_t S;                                                                                   \
        (void)sizeof(S);                                                                                     \
        D = (uint64_t)(e);                                                                                   \
        NEXT;                                                                                                \
    }
#define INT1(name, e)                                                                                        \
    do_##name##_W:                                                                                           \
    {                                                                                                        \
        uint32_t x = (uint32_t)A;                                                                            \
        D = (uint32_t)(e);                                                                                   \
        NEXT;                                                                                                \
    }                                                                                                        \
    do_##name##_D:                                                                                           \
    {                                                                                                        \
        uint64_t x = A;                                                                                      \
        D = (uint64_t)(e);                                                                                   \
        NEXT;                                                                                                \
    }
#define LOAD_AT(name, T, e)                                                                                  \
    do_##name:                                                                                               \
    {                                                                                                        \
        T v;                                                                                                 \
        if (G_UNLIKELY(!A))                                                                                  \
            goto load_device;                                                                                \
        memcpy(&v, (const uint8_t *)(uintptr_t)A + (int32_t)o->c, sizeof v);                                 \
        D = (e);                                                                                             \
        NEXT;                                                                                                \
    }
#define STORE_AT(name, T, e)                                                                                 \
    do_##name:                                                                                               \
    {                                                                                                        \
        T v = (T)B;                                                                                          \
        if (G_UNLIKELY(!A))                                                                                  \
            goto store_device;                                                                               \
        v = (T)(e);                                                                                          \
        memcpy((uint8_t *)(uintptr_t)A + (int32_t)o->c, &v, sizeof v);                                       \
        NEXT;                                                                                                \
    }
#define SLOT_LOAD(name, base, size)                                                                          \
    do_##name : D = 0;                                                                                       \
    if ((size) > 8)                                                                                          \
        w[o->dst + 1] = 0;                                                                                   \
    memcpy(&D, (const uint8_t *)(base) + o->c, size);                                                        \
    NEXT;
#define SLOT_STORE(name, base, size)                                                                         \
    do_##name : memcpy((uint8_t *)(base) + o->c, &A, size);                                                  \
    NEXT;
#define FLOAT2(name, T, get, put, op)                                                                        \
    do_##name:                                                                                               \
    {                                                                                                        \
        csr_in(s, cpu);                                                                                      \
        volatile T v = get(A) op get(B);                                                                     \
        if (G_UNLIKELY(__builtin_isnan(v)))                                                                  \
            goto do_FLOAT;                                                                                   \
        D = put(v);                                                                                          \
        NEXT;                                                                                                \
    }

    goto *label[o->code];

    OP(MOV, A)
do_MOV2:
    w[o->dst] = w[o->a];
    w[o->dst + 1] = w[o->a + 1];
    NEXT;
do_JUMP:
    o = c->op + o->a;
    goto *label[o->code];
do_BRIF:
    if ((uint32_t)A) {
        o = c->op + o->b;
        goto *label[o->code];
    }
    NEXT;
do_CHARGE:
    cpu->budget -= o->c;
    if (cpu->budget >= 0)
        NEXT;
    exit = o->b;
    goto out;
do_EXITIF:
    if (!(uint32_t)A)
        NEXT;
do_EXIT:
    exit = o->b;
    goto out;
do_CALLIF:
    if (!(uint32_t)A)
        NEXT;
    {
        const struct ir_call *k = &r->call[o->b];
        if (k->helper->flags & IR_HELPER_FP)
            csr_in(s, cpu);
        call(cpu, k, c, w, NULL);
        NEXT;
    }
do_CALL : {
    const struct ir_call *k = &r->call[o->a];
    if (k->helper->flags & IR_HELPER_FP)
        csr_in(s, cpu);
    uint64_t out[2], v = call(cpu, k, c, w, out);
    if (k->helper->result == IR_I32 || k->helper->result == IR_F32)
        D = (uint32_t)v;
    else if (k->helper->result == IR_V128)
        memcpy(&D, out, 16);
    else if (k->helper->result != IR_VOID)
        D = v;
    NEXT;
}
do_FENCE:
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    NEXT;
do_BANKMOVE:
    cpu->bank = (uint8_t *)cpu->bank + (int32_t)o->c;
    NEXT;
do_CSR_OUT:
    csr_out(s, cpu);
    NEXT;

    SLOT_LOAD(LDS_W, cpu, 4)
    SLOT_LOAD(LDS_D, cpu, 8)
    SLOT_LOAD(LDS_T, cpu, 10)
    SLOT_LOAD(LDS_Q, cpu, 16)
    SLOT_LOAD(LDB_W, cpu->bank, 4)
    SLOT_LOAD(LDB_D, cpu->bank, 8)
    SLOT_LOAD(LDB_T, cpu->bank, 10)
    SLOT_LOAD(LDB_Q, cpu->bank, 16)
    SLOT_STORE(STS_W, cpu, 4)
    SLOT_STORE(STS_D, cpu, 8)
    SLOT_STORE(STS_T, cpu, 10)
    SLOT_STORE(STS_Q, cpu, 16)
    SLOT_STORE(STB_W, cpu->bank, 4)
    SLOT_STORE(STB_D, cpu->bank, 8)
    SLOT_STORE(STB_T, cpu->bank, 10)
    SLOT_STORE(STB_Q, cpu->bank, 16)
    OP(LDSTATE_1, *((const uint8_t *)cpu + o->c))
    OP(LDSTATE_2, *(const uint16_t *)((const uint8_t *)cpu + o->c))
    OP(LDSTATE_4, *(const uint32_t *)((const uint8_t *)cpu + o->c))
    OP(LDSTATE_8, *(const uint64_t *)((const uint8_t *)cpu + o->c))
do_STSTATE_1:
    *((uint8_t *)cpu + o->c) = (uint8_t)A;
    NEXT;
do_STSTATE_2:
    *(uint16_t *)((uint8_t *)cpu + o->c) = (uint16_t)A;
    NEXT;
do_STSTATE_4:
    *(uint32_t *)((uint8_t *)cpu + o->c) = (uint32_t)A;
    NEXT;
do_STSTATE_8:
    *(uint64_t *)((uint8_t *)cpu + o->c) = A;
    NEXT;

    INT2(ADD, x + y)
    INT2(SUB, x - y)
    INT2(MUL, x * y)
    INT2(AND, x & y)
    INT2(OR, x | y)
    INT2(XOR, x ^ y)
    INT2(ANDN, x & ~y)
    INT1(NOT, ~x)
    INT1(NEG, 0 - x)
    INT2(SHL, x << (y & (W - 1)))
    INT2(SHR, x >> (y & (W - 1)))
    INT2(SAR, (S)x >> (y & (W - 1)))
    INT2(ROL, x << (y & (W - 1)) | x >> ((0 - y) & (W - 1)))
    INT2(ROR, x >> (y & (W - 1)) | x << ((0 - y) & (W - 1)))
    INT2(ADC, x + y + (uint32_t)C)
    INT2(SBB, x - y - (uint32_t)C)
    OP(CARRY_W, (A + B + C) >> 32 & 1)
    OP(CARRY_D, (uint64_t)(((unsigned __int128)A + B + C) >> 64))
    OP(BORROW_W, A < B + C)
    OP(BORROW_D, A < B || (A == B && C != 0))
    OP(EXTRACT_W, A >> (o->aux & 31) & ((UINT64_C(1) << (o->aux >> 8)) - 1))
    OP(EXTRACT_D, A >> (o->aux & 63) & (~UINT64_C(0) >> (64 - (o->aux >> 8))))
do_INSERT_W:
do_INSERT_D : {
    uint64_t f = (~UINT64_C(0) >> (64 - (o->aux >> 8))) << (o->aux & 63);
    D = (A & ~f) | (B << (o->aux & 63) & f);
    NEXT;
}
do_EVAL_W:
do_EVAL_D : {
    const struct ir_insn *i = &r->insn[o->insn];
    ib_eval(i, A, B, 0, &D);
    NEXT;
}
    OP(SEXT8_W, (uint32_t)(int8_t)A)
    OP(SEXT16_W, (uint32_t)(int16_t)A)
    OP(SEXT8_D, (uint64_t)(int8_t)A)
    OP(SEXT16_D, (uint64_t)(int16_t)A)
    OP(SEXT32_D, (uint64_t)(int32_t)A)
    OP(ZEXT8, (uint8_t)A)
    OP(ZEXT16, (uint16_t)A)
    OP(ZEXT32, (uint32_t)A)
    INT2(EQ, x == y)
    INT2(NE, x != y)
    INT2(LTS, (S)x < (S)y)
    INT2(GES, (S)x >= (S)y)
    INT2(LES, (S)x <= (S)y)
    INT2(GTS, (S)x > (S)y)
    INT2(LTU, x < y)
    INT2(GEU, x >= y)
    INT2(LEU, x <= y)
    INT2(GTU, x > y)
    OP(SELECT, (uint32_t)A ? B : C)
do_SELECT2 : {
    uint32_t from = (uint32_t)A ? o->b : o->c;
    w[o->dst] = w[from];
    w[o->dst + 1] = w[from + 1];
    NEXT;
}

#define GUARD_FAST(tag, n_bytes)                                                                             \
    {                                                                                                        \
        uint64_t at = A, size = (o->c >> 16) - 1;                                                            \
        const struct jit_tlb_entry *e = &cpu->tlb[at >> JIT_PAGE_BITS & (JIT_TLB_ENTRIES - 1)];              \
        if (G_LIKELY((at & (JIT_PAGE_MASK | o->aux)) == e->tag &&                                            \
                     ((at ^ (at + size)) & JIT_PAGE_MASK) == 0)) {                                           \
            w[o->dst] = at + e->addend;                                                                      \
            NEXT;                                                                                            \
        }                                                                                                    \
        goto do_GUARD_SLOW;                                                                                  \
    }
do_GUARD_R:
    GUARD_FAST(read, 0)
do_GUARD_W:
    GUARD_FAST(write, 0)
do_GUARD_SLOW:
    if (guard_slow(s, cpu, &r->insn[o->insn], A, &w[o->dst]))
        NEXT;
    exit = o->b;
    goto out;
do_GUARD_USER:
    if (G_UNLIKELY(A & o->aux))
        goto do_GUARD_SLOW;
    s->guard_exit = o->b;
    w[o->dst] = (uint64_t)(uintptr_t)cpu->window + A;
    w[o->dst + 1] = A;
    NEXT;

    LOAD_AT(LD1U, uint8_t, v)
    LOAD_AT(LD1S_W, int8_t, (uint32_t)v)
    LOAD_AT(LD1S_D, int8_t, (uint64_t)v)
    LOAD_AT(LD2U, uint16_t, v)
    LOAD_AT(LD2S_W, int16_t, (uint32_t)v)
    LOAD_AT(LD2S_D, int16_t, (uint64_t)v)
    LOAD_AT(LD4U, uint32_t, v)
    LOAD_AT(LD4S_D, int32_t, (uint64_t)v)
    LOAD_AT(LD8, uint64_t, v)
    LOAD_AT(LD2UX, uint16_t, GUINT16_SWAP_LE_BE(v))
    LOAD_AT(LD2SX_W, uint16_t, (uint32_t)(int16_t)GUINT16_SWAP_LE_BE(v))
    LOAD_AT(LD2SX_D, uint16_t, (uint64_t)(int16_t)GUINT16_SWAP_LE_BE(v))
    LOAD_AT(LD4UX, uint32_t, GUINT32_SWAP_LE_BE(v))
    LOAD_AT(LD4SX_D, uint32_t, (uint64_t)(int32_t)GUINT32_SWAP_LE_BE(v))
    LOAD_AT(LD8X, uint64_t, GUINT64_SWAP_LE_BE(v))
do_LD16:
    if (!A)
        goto load_device;
    memcpy(&w[o->dst], (const uint8_t *)(uintptr_t)A + (int32_t)o->c, 16);
    NEXT;
do_LD16X : {
    uint64_t v[2];
    if (!A)
        goto load_device;
    memcpy(v, (const uint8_t *)(uintptr_t)A + (int32_t)o->c, 16);
    w[o->dst] = GUINT64_SWAP_LE_BE(v[1]);
    w[o->dst + 1] = GUINT64_SWAP_LE_BE(v[0]);
    NEXT;
}
    STORE_AT(ST1, uint8_t, v)
    STORE_AT(ST2, uint16_t, v)
    STORE_AT(ST4, uint32_t, v)
    STORE_AT(ST8, uint64_t, v)
    STORE_AT(ST2X, uint16_t, GUINT16_SWAP_LE_BE(v))
    STORE_AT(ST4X, uint32_t, GUINT32_SWAP_LE_BE(v))
    STORE_AT(ST8X, uint64_t, GUINT64_SWAP_LE_BE(v))
do_ST16:
    if (!A)
        goto store_device;
    memcpy((uint8_t *)(uintptr_t)A + (int32_t)o->c, &w[o->b], 16);
    NEXT;
do_ST16X : {
    uint64_t v[2] = {GUINT64_SWAP_LE_BE(w[o->b + 1]), GUINT64_SWAP_LE_BE(w[o->b])};
    if (!A)
        goto store_device;
    memcpy((uint8_t *)(uintptr_t)A + (int32_t)o->c, v, 16);
    NEXT;
}
load_device:
    if (device_load(s, cpu, &r->insn[o->insn], w[o->a + 1], &w[o->dst]))
        NEXT;
    goto access_failed;
store_device:
    if (device_store(s, cpu, &r->insn[o->insn], w[o->a + 1], &w[o->b]))
        NEXT;
access_failed:
    exit = r->insn[r->insn[o->insn].a].b; /* its guard's */
    goto out;
do_ATOMIC:
    if (atomic(s, cpu, &r->insn[o->insn], &w[o->dst], &w[o->a], B, C))
        NEXT;
    goto access_failed;

    FLOAT2(FADD_W, float, get_f, put_f, +)
    FLOAT2(FSUB_W, float, get_f, put_f, -)
    FLOAT2(FMUL_W, float, get_f, put_f, *)
    FLOAT2(FDIV_W, float, get_f, put_f, /)
    FLOAT2(FADD_D, double, get_d, put_d, +)
    FLOAT2(FSUB_D, double, get_d, put_d, -)
    FLOAT2(FMUL_D, double, get_d, put_d, *)
    FLOAT2(FDIV_D, double, get_d, put_d, /)
    OP(FNEG_W, A ^ 0x80000000u)
    OP(FNEG_D, A ^ UINT64_C(1) << 63)
    OP(FABS_W, A & 0x7fffffffu)
    OP(FABS_D, A & ~(UINT64_C(1) << 63))
do_FLOAT : {
    const struct ir_insn *i = &r->insn[o->insn];
    csr_in(s, cpu);
    unsigned args = ir_op_info[i->op].args;
    ir_interp_float(cpu, i, float_from(r, i), &w[o->dst], &w[o->a], args > 1 ? &w[o->b] : NULL,
                    args > 2 ? &w[o->c] : NULL);
    NEXT;
}
    OP(FLANE0, (uint32_t)A)
    OP(FLANE1, A >> 32)
    OP(FSETLANE0, (A & ~UINT64_C(0xffffffff)) | (uint32_t)B)
    OP(FSETLANE1, (A & UINT64_C(0xffffffff)) | B << 32)
do_VECTOR : {
    const struct ir_insn *i = &r->insn[o->insn];
    unsigned args = ir_op_info[i->op].args;
    if (i->aux >= IR_LF32 || i->op >= IR_VFMADD)
        csr_in(s, cpu);
    ir_interp_vector(i, float_from(r, i), &w[o->dst], &w[o->a], args > 1 ? &w[o->b] : NULL,
                     args > 2 ? &w[o->c] : NULL);
    NEXT;
}

out:
    csr_out(s, cpu);
    leave(cpu, r, c, w, exit);
    return exit;
}

uint32_t ir_interp(const struct ir_region *r, struct jit_cpu *cpu, struct ir_scratch **scratch)
{
    struct ir_scratch *s = *scratch;
    const struct interp_code *c = r->decoded;

    if (!s)
        s = *scratch = g_new0(struct ir_scratch, 1);
    if (!c) {
        size_t size = ir_interp_decoded_size(r);
        if (size > s->cap_decoded) {
            g_free(s->decoded);
            s->cap_decoded = size * 2;
            s->decoded = g_malloc(s->cap_decoded);
        }
        c = ir_interp_decode(r, s->decoded);
    }
    if (c->n_words + 2 > s->cap_words) {
        s->cap_words = c->n_words * 2 + 256;
        g_free(s->word);
        s->word = g_new0(uint64_t, s->cap_words);
    }
    memcpy(s->word, c->constant, c->n_consts * sizeof(uint64_t));
    s->region = r;
    s->code = c;
    return run(r, cpu, s, c);
}

void ir_interp_scratch_free(struct ir_scratch *s)
{
    if (!s)
        return;
    g_free(s->word);
    g_free(s->decoded);
    g_free(s);
}
