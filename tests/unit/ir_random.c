/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random IR regions and the machine they run on.
 */
#include <string.h>
#include <sys/mman.h>
#include "tests/unit/ir_random.h"

enum { R0, W0 = 8, S0 = 12, F0 = 14, V0 = 17, COUNT = 19, B0 = 20, N_SLOTS = 28 };

#define AT(field) (uint16_t) offsetof(struct ir_random_cpu, field)
static const struct ir_slot slots[N_SLOTS] = {
    {"r0", IR_I32, false, AT(r[0])},  {"r1", IR_I32, false, AT(r[1])},
    {"r2", IR_I32, false, AT(r[2])},  {"r3", IR_I32, false, AT(r[3])},
    {"r4", IR_I32, false, AT(r[4])},  {"r5", IR_I32, false, AT(r[5])},
    {"r6", IR_I32, false, AT(r[6])},  {"r7", IR_I32, false, AT(r[7])},
    {"w0", IR_I64, false, AT(w[0])},  {"w1", IR_I64, false, AT(w[1])},
    {"w2", IR_I64, false, AT(w[2])},  {"w3", IR_I64, false, AT(w[3])},
    {"s0", IR_F32, false, AT(s[0])},  {"s1", IR_F32, false, AT(s[1])},
    {"f0", IR_F64, false, AT(f[0])},  {"f1", IR_F64, false, AT(f[1])},
    {"f2", IR_F64, false, AT(f[2])},  {"v0", IR_V128, false, AT(v[0])},
    {"v1", IR_V128, false, AT(v[1])}, {"count", IR_I32, false, AT(count)},
    {"b0", IR_I32, true, 0},          {"b1", IR_I32, true, 4},
    {"b2", IR_I32, true, 8},          {"b3", IR_I32, true, 12},
    {"b4", IR_I32, true, 16},         {"b5", IR_I32, true, 20},
    {"b6", IR_I32, true, 24},         {"b7", IR_I32, true, 28},
};

/* ------------------------------------------------------------------------------------------- machine */

static bool look_up(struct jit_cpu *cpu, uint64_t address, enum jit_access access, bool commit,
                    struct jit_translation *out)
{
    struct ir_random_machine *m = (struct ir_random_machine *)cpu;

    if (address >= IR_RANDOM_RAM) {
        cpu->exit_reason = 77;
        cpu->exit_info = address;
        return false;
    }
    *out = (struct jit_translation){.physical = address,
                                    .host = m->ram + address,
                                    .readable = true,
                                    .writable = true,
                                    .executable = true};
    return true;
}

static bool io_read(struct jit_cpu *cpu, uint64_t physical, unsigned size, uint64_t *value)
{
    *value = 0;
    return true;
}

static bool io_write(struct jit_cpu *cpu, uint64_t physical, unsigned size, uint64_t value)
{
    return true;
}

static void misaligned(struct jit_cpu *cpu, uint64_t address, enum jit_access access)
{
    cpu->exit_reason = 78;
    cpu->exit_info = address;
}

static bool raise_stop(struct jit_cpu *cpu)
{
    return false;
}

static bool no_interrupt(struct jit_cpu *cpu)
{
    return false;
}

/* A NaN, or an integer, that tells its operands apart. */
static uint64_t fp_fix(struct jit_cpu *cpu, const struct ir_insn *i, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t mix = (a * 3 ^ b * 5 ^ c * 7 ^ i->op) * UINT64_C(0x9e3779b97f4a7c15);

    switch (i->type) {
    case IR_F32: return 0x7fc00000u | (mix >> 48);
    case IR_F64: return UINT64_C(0x7ff8000000000000) | mix >> 16;
    default: return mix >> 32;
    }
}

static void no_translation(struct ir_builder *b, struct jit_insn *i)
{
    i->flow = JIT_END;
    ir_raise(b, 1, IR_NONE);
}

static unsigned no_disassembly(uint64_t pc, const uint8_t *code, uint32_t avail, char *text, size_t size)
{
    g_strlcpy(text, "-", size);
    return 4;
}

const struct jit_guest ir_random_guest = {
    .name = "random",
    .uses_npc = true,
    .address64 = true,
    .insn_shift = 2,
    .n_slots = N_SLOTS,
    .slot = slots,
    .state_size = sizeof(struct ir_random_cpu),
    .translate = no_translation,
    .lookup = look_up,
    .io_read = io_read,
    .io_write = io_write,
    .misaligned = misaligned,
    .raise = raise_stop,
    .interrupt = no_interrupt,
    .fp_fix = fp_fix,
    .disassemble = no_disassembly,
};

/* Where the runtime is linked the machine has a real one; else these serve the interpreter's guards. */
struct jit *jit_create(const struct jit_guest *guest, const struct jit_options *options, GError **error)
    __attribute__((weak));
void jit_destroy(struct jit *jit) __attribute__((weak));
void jit_cpu_init(struct jit *jit, struct jit_cpu *cpu) __attribute__((weak));
void jit_cpu_finish(struct jit_cpu *cpu) __attribute__((weak));

__attribute__((weak)) uint8_t *jit_mem_host(struct jit_cpu *cpu, uint64_t address, unsigned size,
                                            unsigned align_log2, enum jit_access access, bool *device)
{
    struct ir_random_machine *m = (struct ir_random_machine *)cpu;

    *device = false;
    if (address & ((1u << align_log2) - 1) || address >= IR_RANDOM_RAM ||
        ((address ^ (address + size - 1)) & JIT_PAGE_MASK))
        return NULL;
    return m->ram + address;
}

__attribute__((weak)) bool jit_mem_read(struct jit_cpu *cpu, uint64_t address, unsigned size, uint64_t *value)
{
    g_assert_not_reached(); /* no devices here */
}

__attribute__((weak)) bool jit_mem_write(struct jit_cpu *cpu, uint64_t address, unsigned size, uint64_t value)
{
    g_assert_not_reached();
}

struct ir_random_machine *ir_random_machine_create(unsigned options)
{
    struct ir_random_machine *m = g_aligned_alloc0(1, sizeof *m, 64);
    struct jit_options o = {
        .accel = JIT_ACCEL_INTERP, .user_mode = (options & IR_RANDOM_USER) != 0, .deterministic = true};
    GError *error = NULL;

    m->ram = mmap(NULL, IR_RANDOM_RAM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(m->ram != MAP_FAILED);
    mprotect(m->ram + IR_RANDOM_RAM, 4096, PROT_NONE);
    if (jit_create) {
        m->jit = jit_create(&ir_random_guest, &o, &error);
        g_assert_no_error(error);
        jit_cpu_init(m->jit, &m->cpu.head);
    } else {
        m->own_tlb = g_new(struct jit_tlb_entry, JIT_TLB_ENTRIES);
        memset(m->own_tlb, 0xff, JIT_TLB_ENTRIES * sizeof *m->own_tlb);
        for (unsigned k = 0; k < IR_RANDOM_RAM / JIT_PAGE_SIZE; k += 2) /* the others by the slow path */
            m->own_tlb[k] = (struct jit_tlb_entry){.read = k * JIT_PAGE_SIZE,
                                                   .write = k * JIT_PAGE_SIZE,
                                                   .exec = JIT_TLB_NONE,
                                                   .addend = (uint64_t)(uintptr_t)m->ram};
        m->cpu.head.tlb = m->own_tlb;
    }
    m->cpu.head.window = m->ram;
    m->cpu.head.guest = &ir_random_guest;
    return m;
}

void ir_random_machine_destroy(struct ir_random_machine *m)
{
    if (m->jit) {
        jit_cpu_finish(&m->cpu.head);
        jit_destroy(m->jit);
    }
    g_free(m->own_tlb);
    munmap(m->ram, IR_RANDOM_RAM + 4096);
    g_aligned_free(m);
}

static uint32_t next(uint32_t *state)
{
    uint64_t x = *state += 0x9e3779b9u;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = ((uint32_t)x ^ (uint32_t)x >> 13) * UINT64_C(0xc2b2ae35);
    return (uint32_t)x ^ (uint32_t)x >> 16;
}

static const uint64_t corners[] = {0,
                                   1,
                                   2,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x7fff,
                                   0x8000,
                                   0xffff,
                                   0x7fffffff,
                                   0x80000000u,
                                   0xffffffffu,
                                   UINT64_C(0x100000000),
                                   UINT64_C(0x7fffffffffffffff),
                                   UINT64_C(0x8000000000000000),
                                   UINT64_C(0xffffffffffffffff),
                                   31,
                                   32,
                                   63,
                                   64};

static uint64_t number(uint32_t *state)
{
    uint32_t n = next(state);
    uint64_t v = (uint64_t)next(state) << 32 | next(state);

    return n & 1 ? v : n & 2 ? corners[n % G_N_ELEMENTS(corners)] : v & 0xff;
}

void ir_random_machine_reset(struct ir_random_machine *m, uint32_t seed)
{
    struct ir_random_cpu *c = &m->cpu;
    uint32_t state = seed ^ 0x5eed;
    static const float floats[] = {0, -0.0f, 1, 1.5f, -2.25f, 3e38f, 1e-40f, 0x1p31f, 123456.7f};

    for (unsigned k = 0; k < 8; k++)
        c->r[k] = (uint32_t)number(&state);
    for (unsigned k = 0; k < 4; k++)
        c->w[k] = number(&state);
    for (unsigned k = 0; k < 2; k++)
        c->s[k] = floats[next(&state) % G_N_ELEMENTS(floats)];
    for (unsigned k = 0; k < 3; k++)
        c->f[k] = floats[next(&state) % G_N_ELEMENTS(floats)] * (next(&state) & 1 ? 1.0 : 1e-300);
    if ((next(&state) & 7) == 0)
        c->f[0] = __builtin_nan("");
    if ((next(&state) & 7) == 0)
        c->s[0] = __builtin_nanf("");
    for (unsigned k = 0; k < 32; k++)
        c->v[k / 16][k % 16] = (uint8_t)next(&state);
    for (unsigned k = 0; k < G_N_ELEMENTS(c->banked); k++)
        c->banked[k] = k < 4000 || k > 4200 ? 0 : next(&state);
    for (unsigned k = 0; k < 4; k++)
        c->scratch[k] = next(&state);
    c->count = next(&state) & 15;
    for (unsigned k = 0; k < IR_RANDOM_RAM / 4; k++)
        ((uint32_t *)m->ram)[k] = k * 0x01010101u ^ seed * 0x9e3779b9u;
    c->head.bank = &c->banked[4096];
    c->head.mxcsr = 0x1f80 | (next(&state) & 3) << 13;
    c->head.budget = 1000000;
    c->head.pc = c->head.npc = c->head.exit_info = 0;
    c->head.exit_reason = 0;
}

char *ir_random_machine_text(const struct ir_random_machine *m)
{
    const struct ir_random_cpu *c = &m->cpu;
    GString *t = g_string_new(NULL);
    uint64_t digest = 0;

    for (unsigned k = 0; k < IR_RANDOM_RAM / 8; k++)
        digest = (digest ^ ((const uint64_t *)m->ram)[k]) * UINT64_C(0x9e3779b97f4a7c15) + k;
    for (unsigned k = 0; k < N_SLOTS; k++) {
        const struct ir_slot *s = &slots[k];
        const uint8_t *at = (s->banked ? (const uint8_t *)c->head.bank : (const uint8_t *)c) + s->offset;
        unsigned size = s->type == IR_V128 ? 16 : s->type == IR_I64 || s->type == IR_F64 ? 8 : 4;
        g_string_append_printf(t, "%s=", s->name);
        for (unsigned n = size; n-- > 0;)
            g_string_append_printf(t, "%02x", at[n]);
        g_string_append_c(t, ' ');
    }
    g_string_append_printf(t, "\nbank=%ld banked=", (long)((const uint32_t *)c->head.bank - c->banked));
    for (unsigned k = 0; k < G_N_ELEMENTS(c->banked); k++)
        if (c->banked[k] && ABS((int)k - 4096) < 40)
            g_string_append_printf(t, "%d:%x ", (int)k - 4096, c->banked[k]);
        else
            digest = (digest ^ c->banked[k]) * UINT64_C(0x9e3779b97f4a7c15) + k;
    g_string_append_printf(t, "\nscratch=%x %x %x %x memory=%" G_GINT64_MODIFIER "x\n", c->scratch[0],
                           c->scratch[1], c->scratch[2], c->scratch[3], digest);
    g_string_append_printf(t,
                           "pc=%" G_GINT64_MODIFIER "x npc=%" G_GINT64_MODIFIER "x budget=%" G_GINT64_MODIFIER
                           "d reason=%u info=%" G_GINT64_MODIFIER "x mxcsr=%x\n",
                           c->head.pc, c->head.npc, c->head.budget, c->head.exit_reason, c->head.exit_info,
                           c->head.mxcsr);
    return g_string_free(t, FALSE);
}

/* ------------------------------------------------------------------------------------------- helpers */

static uint64_t mix(struct jit_cpu *cpu, uint64_t a, uint64_t b)
{
    return (a ^ b << 7) * UINT64_C(0x9e3779b97f4a7c15) >> 13;
}

static uint64_t sum(struct jit_cpu *cpu, uint64_t a)
{
    const struct ir_random_cpu *c = (const struct ir_random_cpu *)cpu;
    uint64_t v = a;

    for (unsigned k = 0; k < 8; k++)
        v = v * 31 + c->r[k] + ((const uint32_t *)cpu->bank)[k];
    for (unsigned k = 0; k < 4; k++)
        v = v * 31 + c->w[k];
    return v ^ c->v[0][3];
}

static uint64_t scramble(struct jit_cpu *cpu, uint64_t a, uint64_t b)
{
    struct ir_random_cpu *c = (struct ir_random_cpu *)cpu;
    uint32_t t = c->r[0];

    c->r[0] = c->r[1] + (uint32_t)a;
    c->r[1] = t;
    c->w[1] ^= b;
    ((uint32_t *)cpu->bank)[2] += (uint32_t)b;
    c->f[1] = 0.5;
    return c->r[3] + a;
}

static const struct ir_helper mixer = {"mix", (void *)mix, IR_HELPER_PURE, 2, IR_I64, {IR_I32, IR_I64}};
static const struct ir_helper summer = {"sum", (void *)sum, IR_HELPER_READS, 1, IR_I32, {IR_I32}};
static const struct ir_helper scrambler = {"scramble", (void *)scramble, IR_HELPER_READS | IR_HELPER_WRITES,
                                           2,          IR_I32,           {IR_I32, IR_I64}};
static const struct ir_helper quiet_scrambler = {
    "scramble", (void *)scramble, IR_HELPER_READS | IR_HELPER_WRITES, 2, IR_VOID, {IR_I32, IR_I64}};

/* ------------------------------------------------------------------------------------------- regions */

#define POOL 24
struct maker {
    struct ir_builder *b;
    uint32_t state;
    unsigned options;
    ir_ref pool[IR_V128 + 1][POOL]; /* values of this block by type */
    unsigned n_pool[IR_V128 + 1];
};

static uint32_t below(struct maker *m, uint32_t n)
{
    return next(&m->state) % n;
}

static unsigned slot_of(struct maker *m, enum ir_type t)
{
    switch (t) {
    case IR_I32: return below(m, 4) ? R0 + below(m, 8) : B0 + below(m, 8);
    case IR_I64: return W0 + below(m, 4);
    case IR_F32: return S0 + below(m, 2);
    case IR_F64: return F0 + below(m, 3);
    default: return V0 + below(m, 2);
    }
}

static ir_ref keep(struct maker *m, ir_ref v)
{
    enum ir_type t = ir_type_of(m->b, v);

    if (m->n_pool[t] < POOL)
        m->pool[t][m->n_pool[t]++] = v;
    else
        m->pool[t][below(m, POOL)] = v;
    return v;
}

static ir_ref any(struct maker *m, enum ir_type t)
{
    unsigned how = below(m, 8);

    if (how < 4 && m->n_pool[t])
        return m->pool[t][below(m, m->n_pool[t])];
    if (how == 4 && t != IR_V128 && t != IR_F32 && t != IR_F64)
        return ir_const(m->b, t, number(&m->state));
    return keep(m, ir_get(m->b, slot_of(m, t)));
}

static enum ir_type int_type(struct maker *m)
{
    return below(m, 3) ? IR_I32 : IR_I64;
}

static ir_ref condition(struct maker *m)
{
    enum ir_type t = int_type(m);
    return ir_op2(m->b, IR_ICMP, IR_I32, (uint16_t)(below(m, 10) | t << 8), any(m, t), any(m, t));
}

static ir_ref count_of(struct maker *m, enum ir_type t)
{
    return below(m, 2) ? ir_const(m->b, t, below(m, t == IR_I32 ? 40 : 70)) : any(m, t);
}

static ir_ref integer(struct maker *m)
{
    static const uint8_t plain[] = {IR_ADD,  IR_SUB,  IR_MUL,  IR_MULHU, IR_MULHS, IR_DIVU,
                                    IR_DIVS, IR_REMU, IR_REMS, IR_AND,   IR_OR,    IR_XOR,
                                    IR_ANDN, IR_ADD,  IR_SUB,  IR_AND,   IR_XOR};
    static const uint8_t one[] = {IR_NOT, IR_NEG, IR_BSWAP, IR_CLZ, IR_CTZ, IR_POPCNT};
    static const uint8_t shift[] = {IR_SHL, IR_SHR, IR_SAR, IR_ROL, IR_ROR};
    static const uint8_t bits[] = {8, 16, 32};
    struct ir_builder *b = m->b;
    enum ir_type t = int_type(m);
    unsigned w = t == IR_I32 ? 32 : 64;

    switch (below(m, 16)) {
    case 0: return ir_op1(b, one[below(m, 6)], t, 0, any(m, t));
    case 1:
    case 2: return ir_op2(b, shift[below(m, 5)], t, 0, any(m, t), count_of(m, t));
    case 3: return ir_op3(b, below(m, 2) ? IR_ADC : IR_SBB, t, 0, any(m, t), any(m, t), condition(m));
    case 4:
        return ir_op3(b, below(m, 2) ? IR_CARRY : IR_BORROW, IR_I32, t, any(m, t), any(m, t), condition(m));
    case 5: {
        enum ir_type from = t == IR_I32 ? IR_I32 : int_type(m);
        return ir_op1(b, below(m, 2) ? IR_SEXT : IR_ZEXT, t, bits[below(m, 3)], any(m, from));
    }
    case 6: return ir_op1(b, IR_TRUNC, IR_I32, 0, any(m, IR_I64));
    case 7: {
        unsigned pos = below(m, w), len = 1 + below(m, w - pos);
        return ir_op1(b, IR_EXTRACT, t, (uint16_t)(len << 8 | pos), any(m, t));
    }
    case 8: {
        unsigned pos = below(m, w), len = 1 + below(m, w - pos);
        return ir_op2(b, IR_INSERT, t, (uint16_t)(len << 8 | pos), any(m, t), any(m, t));
    }
    case 9: return condition(m);
    case 10: return ir_select(b, condition(m), any(m, t), any(m, t));
    default: return ir_op2(b, plain[below(m, sizeof plain)], t, 0, any(m, t), any(m, t));
    }
}

static ir_ref floating(struct maker *m)
{
    static const uint8_t two[] = {IR_FADD, IR_FSUB, IR_FMUL, IR_FDIV};
    static const uint8_t one[] = {IR_FSQRT, IR_FNEG, IR_FABS};
    struct ir_builder *b = m->b;
    enum ir_type t = below(m, 2) ? IR_F32 : IR_F64, other = t == IR_F32 ? IR_F64 : IR_F32;

    switch (below(m, 14)) {
    case 0: return ir_op1(b, one[below(m, 3)], t, 0, any(m, t));
    case 1: return ir_op3(b, IR_FMADD, t, 0, any(m, t), any(m, t), any(m, t));
    case 2: return ir_fcmp(b, 1 + below(m, 14) + (below(m, 2) ? IR_FSIGNAL : 0), any(m, t), any(m, t));
    case 3: return ir_op2(b, IR_FREL, IR_I32, (uint16_t)(t << 8), any(m, t), any(m, t));
    case 4: return ir_op1(b, IR_FCVT, other, t, any(m, t));
    case 5: {
        enum ir_type from = int_type(m);
        return ir_op1(b, IR_ITOF, t, from, any(m, from));
    }
    case 6: return ir_op1(b, below(m, 2) ? IR_FTOI : IR_FTOIR, int_type(m), t, any(m, t));
    case 7: return ir_op1(b, IR_BITCAST, t, 0, any(m, t == IR_F32 ? IR_I32 : IR_I64));
    case 8: return ir_op1(b, IR_BITCAST, t == IR_F32 ? IR_I32 : IR_I64, 0, any(m, t));
    case 9: return ir_op1(b, IR_FLANE, IR_F32, (uint16_t)below(m, 2), any(m, IR_F64));
    case 10: return ir_op2(b, IR_FSETLANE, IR_F64, (uint16_t)below(m, 2), any(m, IR_F64), any(m, IR_F32));
    case 11: return ir_select(b, condition(m), any(m, t), any(m, t));
    default: return ir_op2(b, two[below(m, 4)], t, 0, any(m, t), any(m, t));
    }
}

static ir_ref vector(struct maker *m)
{
    static const uint8_t two[] = {IR_VADD,    IR_VSUB,  IR_VMUL,  IR_VAND,  IR_VOR,    IR_VXOR,
                                  IR_VANDN,   IR_VADDS, IR_VADDU, IR_VSUBS, IR_VSUBU,  IR_VMINS,
                                  IR_VMAXS,   IR_VMINU, IR_VMAXU, IR_VAVGU, IR_VCMPEQ, IR_VCMPGTS,
                                  IR_VCMPGTU, IR_VSHLV, IR_VSHRV, IR_VSARV, IR_VZIPL, IR_VZIPH,
                                  IR_VSHLSV,  IR_VSHLUV};
    static const uint8_t narrow[] = {IR_VNARROW, IR_VNARROWSS, IR_VNARROWSU, IR_VNARROWUU};
    static const uint8_t wide[] = {IR_VMULWS, IR_VMULWU};
    static const uint8_t one[] = {IR_VABS, IR_VCLZ, IR_VCNT};
    static const uint8_t shift[] = {IR_VSHL, IR_VSHR, IR_VSAR};
    static const uint8_t lanes[] = {16, 8, 4, 2};
    struct ir_builder *b = m->b;
    unsigned lane = below(m, 4);
    enum ir_type scalar = lane == IR_L64 ? IR_I64 : IR_I32;

    switch (below(m, 14)) {
    case 8: return ir_op2(b, IR_VPAIR, IR_V128, 0, any(m, IR_F64), any(m, IR_F64));
    case 9: return ir_op3(b, IR_VEXT, IR_V128, 0, any(m, IR_V128), any(m, IR_V128), below(m, 16));
    case 10: {
        unsigned log = 1 + below(m, 3);
        return ir_op3(b, IR_VREV, IR_V128, (uint16_t)below(m, log), any(m, IR_V128), 0, 1u << log);
    }
    case 11:
        return ir_op2(b, narrow[below(m, 4)], IR_V128, (uint16_t)(1 + below(m, 3)), any(m, IR_V128),
                      any(m, IR_V128));
    case 12:
        return below(m, 2) ? ir_op1(b, below(m, 2) ? IR_VWIDENS : IR_VWIDENU, IR_V128, (uint16_t)below(m, 3),
                                    any(m, IR_V128))
                           : ir_op2(b, wide[below(m, 2)], IR_V128, (uint16_t)below(m, 3), any(m, IR_V128),
                                    any(m, IR_V128));
    case 13: return ir_op1(b, one[below(m, 3)], IR_V128, (uint16_t)lane, any(m, IR_V128));
    case 0:
        return ir_op3(b, shift[below(m, 3)], IR_V128, (uint16_t)lane, any(m, IR_V128), 0,
                      below(m, 8u << lane));
    case 1: return ir_op1(b, IR_VSPLAT, IR_V128, (uint16_t)lane, any(m, scalar));
    case 2: return ir_op3(b, IR_VLANE, scalar, (uint16_t)lane, any(m, IR_V128), 0, below(m, lanes[lane]));
    case 3:
        return ir_op3(b, IR_VSETLANE, IR_V128, (uint16_t)lane, any(m, IR_V128), any(m, scalar),
                      below(m, lanes[lane]));
    case 4: return ir_op3(b, IR_VPERM, IR_V128, 0, any(m, IR_V128), any(m, IR_V128), any(m, IR_V128));
    default:
        return ir_op2(b, two[below(m, sizeof two)], IR_V128, (uint16_t)lane, any(m, IR_V128),
                      any(m, IR_V128));
    }
}

static ir_ref address(struct maker *m, unsigned size)
{
    struct ir_builder *b = m->b;
    enum ir_type t = below(m, 4) ? IR_I32 : IR_I64;
    ir_ref base =
        below(m, 3) ? any(m, t) : ir_get(b, t == IR_I32 ? (unsigned)R0 : (unsigned)W0); /* often the same */
    bool aligned = below(m, m->options & IR_RANDOM_USER ? 12 : 30) != 0;

    /* inside RAM, in front of its end */
    base = ir_op2(b, IR_AND, t, 0, base, ir_const(b, t, aligned ? 0xff80 : 0xff8f));
    return ir_op2(b, IR_ADD, t, 0, base, ir_const(b, t, below(m, 6) * (aligned ? size : 1)));
}

static void memory(struct maker *m)
{
    struct ir_builder *b = m->b;
    unsigned log2 = below(m, m->options & IR_RANDOM_VECTOR ? 5 : 4), aux = log2;
    enum ir_type t = log2 == 4 ? IR_V128 : log2 == 3 ? IR_I64 : int_type(m);

    if (below(m, 2))
        aux |= IR_MEM_BIG;
    if (below(m, 2))
        aux |= IR_MEM_ALIGN(log2);
    if (m->options & IR_RANDOM_FLOAT && (log2 == 2 || log2 == 3) && below(m, 3) == 0)
        t = log2 == 2 ? IR_F32 : IR_F64;
    switch (below(m, 5)) {
    case 0:
    case 1:
        if ((t == IR_I32 && log2 < 2) || (t == IR_I64 && log2 < 3))
            aux |= below(m, 2) ? IR_MEM_SIGNED : 0;
        keep(m, ir_load(b, t, aux, address(m, 1u << log2)));
        break;
    case 2:
    case 3: {
        ir_ref v = any(m, t);
        ir_store(b, aux, address(m, 1u << log2), v);
        break;
    }
    default: {
        static const uint8_t ops[] = {IR_CAS, IR_XCHG, IR_AADD};
        if (log2 == 4)
            break;
        aux |= IR_MEM_ALIGN(log2);
        t = log2 == 3 ? IR_I64 : IR_I32;
        ir_ref x = any(m, t), y = any(m, t);
        ir_ref g = ir_guard(b, aux | IR_MEM_READ | IR_MEM_WRITE, address(m, 1u << log2));
        keep(m, ir_atomic(b, ops[below(m, 3)], t, aux, g, x, y));
        break;
    }
    }
}

static void calling(struct maker *m)
{
    struct ir_builder *b = m->b;
    ir_ref args[2] = {any(m, IR_I32), any(m, IR_I64)};
    static const int16_t down[N_SLOTS] = {[B0] = -1, -1, -1, -1, B0, B0 + 1, B0 + 2, B0 + 3};
    static const int16_t up[N_SLOTS] = {[B0] = B0 + 4, B0 + 5, B0 + 6, B0 + 7, -1, -1, -1, -1};

    switch (below(m, 8)) {
    case 0: keep(m, ir_call(b, &summer, args)); break;
    case 1: keep(m, ir_call(b, &scrambler, args)); break;
    case 2: ir_call_if(b, condition(m), &quiet_scrambler, args); break;
    case 3: ir_bank_move(b, -16, down); break;
    case 4: ir_bank_move(b, 16, up); break;
    case 5:
        ir_ststate(b, below(m, 3), (uint32_t)(offsetof(struct ir_random_cpu, scratch) + 4 * below(m, 4)),
                   args[0]);
        break;
    case 6:
        keep(m, ir_ldstate(b, IR_I32, below(m, 3),
                           (uint32_t)(offsetof(struct ir_random_cpu, scratch) + 4 * below(m, 4))));
        break;
    default: keep(m, ir_call(b, &mixer, args)); break;
    }
}

static void put_something(struct maker *m)
{
    static const uint8_t types[] = {IR_I32, IR_I32, IR_I32, IR_I64, IR_I64, IR_F32, IR_F64, IR_V128};
    enum ir_type t = types[below(m, sizeof types)];

    if (((t == IR_F32 || t == IR_F64) && !(m->options & IR_RANDOM_FLOAT)) ||
        (t == IR_V128 && !(m->options & IR_RANDOM_VECTOR)))
        t = IR_I32;
    ir_ref v = any(m, t);
    ir_put(m->b, slot_of(m, t), v);
}

static void instruction(struct maker *m, uint64_t pc)
{
    struct ir_builder *b = m->b;
    unsigned n = 1 + below(m, 4);

    ir_set_pc(b, pc, pc + 4);
    for (unsigned k = 0; k < n; k++) {
        unsigned what = below(m, 16);
        if (what < 3 && (m->options & IR_RANDOM_MEMORY))
            memory(m);
        else if (what < 5 && (m->options & IR_RANDOM_FLOAT))
            keep(m, floating(m));
        else if (what < 7 && (m->options & IR_RANDOM_VECTOR))
            keep(m, vector(m));
        else if (what == 7 && (m->options & IR_RANDOM_CALLS) && below(m, 3) == 0)
            calling(m);
        else if (what == 8 && below(m, 6) == 0)
            ir_raise_if(b, ir_op2(b, IR_AND, IR_I32, 0, condition(m), condition(m)), 5 + below(m, 3),
                        any(m, IR_I64));
        else if (what == 9 && below(m, 8) == 0)
            ir_exit_if(b, condition(m), IR_EXIT_DIRECT, pc + 64, pc + 68);
        else
            keep(m, integer(m));
    }
    for (unsigned k = 1 + below(m, 2); k > 0; k--)
        put_something(m);
    ir_insns_done(b, 1 + (below(m, 8) == 0));
}

struct ir_region *ir_random_region(struct ir_builder *b, uint32_t seed, unsigned options, bool optimise)
{
    struct maker m = {.b = b, .state = seed, .options = options};
    unsigned n = 1 + below(&m, 8), built = 0;
    uint32_t block[9], to[9][2];
    uint8_t kind[9]; /* 0 exit, 1 br, 2 brif */
    bool sealed[9] = {false};

    ir_begin(b, &ir_random_guest, 0x1000, 0x1004, 0, (options & IR_RANDOM_USER) != 0);
    for (unsigned k = 0; k < n; k++) {
        block[k] = ir_block_new(b, 0x1000 + 0x100 * k, 0x1004 + 0x100 * k);
        kind[k] = k == n - 1 ? 0 : 1 + (below(&m, 3) != 0);
        for (unsigned e = 0; e < 2; e++) /* mostly forward, sometimes back; a back edge asks the counter */
            to[k][e] = below(&m, 4) ? k + 1 + below(&m, n - k - (k < n - 1)) : below(&m, n);
        for (unsigned e = 0; e < 2; e++)
            if (to[k][e] >= n)
                to[k][e] = n - 1;
        if (kind[k] == 1 && to[k][0] <= k)
            to[k][0] = k + 1;
        if (kind[k] == 2 && to[k][0] <= k && to[k][1] <= k)
            to[k][1] = k + 1;
    }
    for (unsigned k = 0; k < n; k++, built++) {
        bool ready = true;
        for (unsigned p = k; p < n; p++)
            for (unsigned e = 0; e < kind[p]; e++)
                ready = ready && to[p][e] != k;
        if (ready && below(&m, 4)) {
            ir_block_seal(b, block[k]);
            sealed[k] = true;
        }
        ir_block_start(b, block[k]);
        memset(m.n_pool, 0, sizeof m.n_pool);
        ir_charge(b, 0);
        for (unsigned i = 1 + below(&m, 6), at = 0; at < i; at++)
            instruction(&m, 0x1000 + 0x100 * k + 4 * at);
        if (kind[k] == 1) {
            ir_br(b, block[to[k][0]]);
        } else if (kind[k] == 2) {
            bool back0 = to[k][0] <= k, back1 = to[k][1] <= k;
            if (back0 || back1) {
                ir_ref count = ir_get(b, COUNT), zero = ir_const(b, IR_I32, 0);
                ir_ref go = ir_icmp(b, back0 ? IR_GTS : IR_LES, count, zero);
                ir_put(b, COUNT, ir_op2(b, IR_SUB, IR_I32, 0, count, ir_const(b, IR_I32, 1)));
                ir_br_if(b, go, block[to[k][0]], block[to[k][1]], below(&m, 3));
            } else {
                ir_br_if(b, condition(&m), block[to[k][0]], block[to[k][1]], below(&m, 3));
            }
        } else if (below(&m, 4) == 0) {
            ir_raise(b, 9, any(&m, IR_I32));
        } else if (below(&m, 2)) {
            ir_exit(b, IR_EXIT_INDIRECT, IR_HINT_NONE, 0, 0, any(&m, IR_I32), IR_NONE);
        } else {
            ir_exit(b, below(&m, 2) ? IR_EXIT_DIRECT : IR_EXIT_DISPATCH, IR_HINT_NONE, 0x9000, 0x9004,
                    IR_NONE, IR_NONE);
        }
    }
    for (unsigned k = 0; k < n; k++)
        if (!sealed[k])
            ir_block_seal(b, block[k]);
    return ir_finish(b, optimise);
}
