/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Condition flags: how deferred ones are made, tested and packed (0406C A8.3).
 */
#include "emulator/cpu/arm/internal.h"

unsigned arm_flags_of(uint32_t kind, uint32_t a, uint32_t b, uint32_t c, uint32_t nz, uint32_t carry)
{
    unsigned flags;
    uint64_t wide;
    uint32_t result;
    switch (kind & ARM_FLAGS_BASE) {
    case ARM_FLAGS_PACKED: flags = a & 15; break;
    case ARM_FLAGS_V: flags = a >> 31; break;
    default:
        if ((kind & ARM_FLAGS_BASE) == ARM_FLAGS_SUB) {
            b = ~b;
            c = 1;
        } else if ((kind & ARM_FLAGS_BASE) == ARM_FLAGS_SBC) {
            b = ~b;
            c ^= 1;
        } else if ((kind & ARM_FLAGS_BASE) == ARM_FLAGS_ADD) {
            c = 0;
        }
        wide = (uint64_t)a + b + c;
        result = (uint32_t)wide;
        flags = (result >> 31) << 3 | (unsigned)(result == 0) << 2 | (unsigned)(wide >> 32) << 1 |
                ((a ^ result) & (b ^ result)) >> 31;
        break;
    }
    if (kind & ARM_FLAGS_NZ)
        flags = (flags & 3) | (nz >> 31) << 3 | (unsigned)(nz == 0) << 2;
    if (kind & ARM_FLAGS_C)
        flags = (flags & ~2u) | (carry & 1) << 1;
    return flags;
}

static uint64_t helper_flags(struct jit_cpu *cpu, uint32_t kind, uint32_t a, uint32_t b, uint32_t c,
                             uint32_t nz, uint32_t carry)
{
    return arm_flags_of(kind, a, b, c, nz, carry);
}
static const struct ir_helper flags_helper = {
    "arm_flags", helper_flags, IR_HELPER_PURE, 6, IR_I32, {IR_I32, IR_I32, IR_I32, IR_I32, IR_I32, IR_I32},
};

/* The flags as they are deferred now; operands that the kind does not use are IR_NONE. */
struct flags {
    bool known;
    uint32_t base; /* when known: enum arm_flags without the bits */
    uint32_t bits; /* ARM_FLAGS_NZ and ARM_FLAGS_C as far as the kind is known to have them */
    ir_ref kind, a, b, c;
    ir_ref nz, carry; /* where N and Z, or C, come from them */
};

static struct flags capture(struct xlat *x)
{
    struct ir_builder *b = x->b;
    struct flags f = {0};
    uint64_t kind = 0;
    f.known = ir_slot_const(b, SLOT_FLAG_KIND, &kind);
    f.base = (uint32_t)kind & ARM_FLAGS_BASE;
    if (!f.known && !ir_slot_bits(b, SLOT_FLAG_KIND, &kind))
        kind = 0;
    f.bits = (uint32_t)kind & ~ARM_FLAGS_BASE;
    f.kind = ir_get(b, SLOT_FLAG_KIND);
    f.a = ir_get(b, SLOT_FLAG_A);
    if (!f.known || f.base >= ARM_FLAGS_ADD)
        f.b = ir_get(b, SLOT_FLAG_B);
    if (!f.known || f.base >= ARM_FLAGS_ADC)
        f.c = ir_get(b, SLOT_FLAG_C);
    if (!f.known || kind & ARM_FLAGS_NZ)
        f.nz = ir_get(b, SLOT_FLAG_NZ);
    if (!f.known || kind & ARM_FLAGS_C)
        f.carry = ir_get(b, SLOT_FLAG_CARRY);
    return f;
}

static ir_ref zero(struct xlat *x)
{
    return ax_i32(x, 0);
}

static ir_ref pack(struct xlat *x, const struct flags *f)
{
    if (f->known && f->base == ARM_FLAGS_PACKED && !f->nz && !f->carry)
        return f->a;
    ir_ref arg[] = {
        f->kind,
        f->a,
        f->b ? f->b : zero(x),
        f->c ? f->c : zero(x),
        f->nz ? f->nz : zero(x),
        f->carry ? f->carry : zero(x),
    };
    return ir_call(x->b, &flags_helper, arg);
}

ir_ref flags_pack(struct xlat *x)
{
    struct flags f = capture(x);
    return pack(x, &f);
}

/* a + b + c or its base's equivalent: the result that N and Z tell of. */
static ir_ref result_of(struct xlat *x, const struct flags *f)
{
    switch (f->base) {
    case ARM_FLAGS_ADD: return ir_bin(x->b, IR_ADD, f->a, f->b);
    case ARM_FLAGS_SUB: return ir_bin(x->b, IR_SUB, f->a, f->b);
    case ARM_FLAGS_SBC: return ir_op3(x->b, IR_SBB, IR_I32, 0, f->a, f->b, f->c);
    default: return ir_op3(x->b, IR_ADC, IR_I32, 0, f->a, f->b, f->c);
    }
}

/* A word whose sign is N and which is 0 when Z; IR_NONE where there may be no such word. */
static ir_ref nz_of(struct xlat *x, const struct flags *f)
{
    if (f->bits & ARM_FLAGS_NZ)
        return f->nz;
    if (!f->known || (f->base == ARM_FLAGS_PACKED && !f->nz))
        return IR_NONE;
    return f->nz ? f->nz : result_of(x, f);
}

static ir_ref invert_if(struct xlat *x, bool invert, ir_ref bit)
{
    return invert ? ir_bin(x->b, IR_XOR, bit, ax_i32(x, 1)) : bit;
}

static ir_ref carry_of(struct xlat *x, const struct flags *f)
{
    struct ir_builder *b = x->b;
    if (f->bits & ARM_FLAGS_C)
        return f->carry;
    if (!f->known) {
        ir_ref packed = ax_extract(x, pack(x, f), 1, 1);
        return ir_select(b, ir_icmp(b, IR_NE, ax_and(x, f->kind, ARM_FLAGS_C), zero(x)), f->carry, packed);
    }
    if (f->carry)
        return f->carry;
    switch (f->base) {
    case ARM_FLAGS_PACKED: return ax_extract(x, f->a, 1, 1);
    case ARM_FLAGS_ADD: return ir_op3(b, IR_CARRY, IR_I32, IR_I32, f->a, f->b, zero(x));
    case ARM_FLAGS_SUB: return ir_icmp(b, IR_GEU, f->a, f->b);
    case ARM_FLAGS_SBC: return invert_if(x, true, ir_op3(b, IR_BORROW, IR_I32, IR_I32, f->a, f->b, f->c));
    default: return ir_op3(b, IR_CARRY, IR_I32, IR_I32, f->a, f->b, f->c);
    }
}

/* The sign of the result is V. */
static ir_ref overflow_of(struct xlat *x, const struct flags *f)
{
    struct ir_builder *b = x->b;
    if (!f->known)
        return ir_bin(b, IR_SHL, pack(x, f), ax_i32(x, 31));
    switch (f->base) {
    case ARM_FLAGS_PACKED: return ir_bin(b, IR_SHL, f->a, ax_i32(x, 31));
    case ARM_FLAGS_V: return f->a;
    default: break;
    }
    ir_ref r = result_of(x, f);
    ir_ref ar = ir_bin(b, IR_XOR, f->a, r);
    return ir_bin(b, IR_AND, ar,
                  f->base == ARM_FLAGS_SUB || f->base == ARM_FLAGS_SBC ? ir_bin(b, IR_XOR, f->a, f->b)
                                                                       : ir_bin(b, IR_XOR, f->b, r));
}

ir_ref flags_carry(struct xlat *x)
{
    struct flags f = capture(x);
    return carry_of(x, &f);
}

ir_ref flags_borrow(struct xlat *x)
{
    return invert_if(x, true, flags_carry(x));
}

/* ------------------------------------------------------------------------------------------- tests */

enum { C_EQ, C_CS, C_MI, C_VS, C_HI, C_GE, C_GT }; /* cond >> 1; the lowest bit inverts */

/* Bit nzcv: the condition holds. */
static const uint16_t truth[7] = {
    [C_EQ] = 0xf0f0, [C_CS] = 0xcccc, [C_MI] = 0xff00, [C_VS] = 0xaaaa,
    [C_HI] = 0x0c0c, [C_GE] = 0xaa55, [C_GT] = 0x0a05,
};

/* EQ/NE, LTS/GES, LES/GTS, LTU/GEU, LEU/GTU are neighbours */
static ir_ref compare(struct xlat *x, enum ir_cond cond, bool invert, ir_ref a, ir_ref b)
{
    return ir_icmp(x->b, invert ? (enum ir_cond)(cond ^ 1) : cond, a, b);
}

static ir_ref test_packed(struct xlat *x, unsigned which, bool invert, ir_ref codes)
{
    ir_ref table = ax_i32(x, invert ? (uint16_t)~truth[which] : truth[which]);
    return ax_and(x, ir_bin(x->b, IR_SHR, table, codes), 1);
}

static ir_ref test(struct xlat *x, const struct flags *f, unsigned which, bool invert);

/* In a loop the kind may prove constant when the region is finished: then only one of these stays. */
static ir_ref test_unknown(struct xlat *x, const struct flags *f, unsigned which, bool invert)
{
    struct ir_builder *b = x->b;
    if (which == C_CS)
        return invert_if(x, invert, carry_of(x, f));
    if ((which == C_EQ || which == C_MI) && (f->bits & ARM_FLAGS_NZ))
        return compare(x, which == C_EQ ? IR_EQ : IR_LTS, invert, f->nz, zero(x));
    ir_ref result = test_packed(x, which, invert, pack(x, f));
    struct flags one = *f;
    one.known = true;
    one.bits = 0;
    one.nz = one.carry = IR_NONE;
    one.base = ARM_FLAGS_SUB;
    result = ir_select(b, ir_icmp(b, IR_EQ, f->kind, ax_i32(x, ARM_FLAGS_SUB)), test(x, &one, which, invert),
                       result);
    if (which != C_EQ && which != C_MI)
        return result;
    one.nz = f->nz;
    return ir_select(b, ir_icmp(b, IR_NE, ax_and(x, f->kind, ARM_FLAGS_NZ), zero(x)),
                     test(x, &one, which, invert), result);
}

static ir_ref test(struct xlat *x, const struct flags *f, unsigned which, bool invert)
{
    struct ir_builder *b = x->b;
    ir_ref none = zero(x);
    if (!f->known)
        return test_unknown(x, f, which, invert);
    if (f->base == ARM_FLAGS_PACKED && ((!f->nz && !f->carry) || which == C_VS))
        return test_packed(x, which, invert, f->a);
    if (f->base == ARM_FLAGS_PACKED && !f->nz && which != C_CS)
        return test_packed(x, which, invert, pack(x, f));
    bool whole = !f->nz && !f->carry;
    if (f->base == ARM_FLAGS_SUB && whole) {
        switch (which) {
        case C_EQ: return compare(x, IR_EQ, invert, f->a, f->b);
        case C_CS: return compare(x, IR_GEU, invert, f->a, f->b);
        case C_HI: return compare(x, IR_GTU, invert, f->a, f->b);
        case C_GE: return compare(x, IR_GES, invert, f->a, f->b);
        case C_GT: return compare(x, IR_GTS, invert, f->a, f->b);
        default: break;
        }
    }
    uint64_t k;
    if (f->base == ARM_FLAGS_ADD && whole && ir_is_const(b, f->b, &k) && (uint32_t)k != 0x80000000 &&
        (uint32_t)k) {
        ir_ref minus = ax_i32(x, -(uint32_t)k); /* a + k against 0 is a against -k */
        switch (which) {
        case C_EQ: return compare(x, IR_EQ, invert, f->a, minus);
        case C_CS: return compare(x, IR_GEU, invert, f->a, minus);
        case C_HI: return compare(x, IR_GTU, invert, f->a, minus);
        case C_GE: return compare(x, IR_GES, invert, f->a, minus);
        case C_GT: return compare(x, IR_GTS, invert, f->a, minus);
        default: break;
        }
    }
    switch (which) {
    case C_EQ: return compare(x, IR_EQ, invert, nz_of(x, f), none);
    case C_MI: return compare(x, IR_LTS, invert, nz_of(x, f), none);
    case C_CS: return invert_if(x, invert, carry_of(x, f));
    case C_VS: return compare(x, IR_LTS, invert, overflow_of(x, f), none);
    case C_HI:
        return invert_if(x, invert, ir_bin(b, IR_AND, carry_of(x, f), ir_icmp(b, IR_NE, nz_of(x, f), none)));
    default: break;
    }
    ir_ref nz = nz_of(x, f), sign = ir_bin(b, IR_XOR, nz, overflow_of(x, f));
    if (which == C_GE)
        return compare(x, IR_GES, invert, sign, none);
    ir_ref gt = ir_bin(b, IR_AND, ir_icmp(b, IR_GES, sign, none), ir_icmp(b, IR_NE, nz, none));
    return invert_if(x, invert, gt);
}

ir_ref flags_test(struct xlat *x, unsigned cond)
{
    struct flags f = capture(x);
    return test(x, &f, cond >> 1, cond & 1);
}

/* ------------------------------------------------------------------------------------------- setting */

static void put_or_discard(struct xlat *x, unsigned slot, ir_ref value)
{
    if (value)
        ir_put(x->b, slot, value);
    else
        ir_discard(x->b, slot);
}

static void put(struct xlat *x, const struct flags *f)
{
    uint32_t kind = f->base | (f->nz ? ARM_FLAGS_NZ : 0) | (f->carry ? ARM_FLAGS_C : 0);
    x->new_flags = true;
    ir_put(x->b, SLOT_FLAG_KIND, ax_i32(x, kind));
    put_or_discard(x, SLOT_FLAG_A, f->a);
    put_or_discard(x, SLOT_FLAG_B, f->b);
    put_or_discard(x, SLOT_FLAG_C, f->c);
    put_or_discard(x, SLOT_FLAG_NZ, f->nz);
    put_or_discard(x, SLOT_FLAG_CARRY, f->carry);
}

/* `f` becomes the state, or under a condition: either that or the old one, both in a form that they share. */
static void set(struct xlat *x, struct flags f)
{
    struct ir_builder *b = x->b;
    if (!x->pass) {
        put(x, &f);
        return;
    }
    struct flags old = capture(x), both = {0};
    ir_ref nz_old = nz_of(x, &old);
    f.known = true;
    f.kind = ax_i32(x, f.base | (f.nz ? ARM_FLAGS_NZ : 0) | (f.carry ? ARM_FLAGS_C : 0));
    if (!nz_old || !nz_of(x, &f)) {
        both.a = ir_select(b, x->pass, pack(x, &f), pack(x, &old));
        put(x, &both);
        return;
    }
    both.base = ARM_FLAGS_V;
    both.nz = ir_select(b, x->pass, nz_of(x, &f), nz_old);
    both.carry = ir_select(b, x->pass, carry_of(x, &f), carry_of(x, &old));
    both.a = ir_select(b, x->pass, overflow_of(x, &f), overflow_of(x, &old));
    put(x, &both);
}

void flags_set_nzc(struct xlat *x, ir_ref result, ir_ref carry)
{
    struct ir_builder *b = x->b;
    uint32_t bits = ARM_FLAGS_NZ | (carry ? ARM_FLAGS_C : 0);
    x->new_flags = true;
    if (x->pass) {
        struct flags f = capture(x);
        if (!f.known && (f.bits & ARM_FLAGS_NZ)) { /* whatever makes the others goes on making them */
            if (carry)
                ir_put(b, SLOT_FLAG_CARRY, ir_select(b, x->pass, carry, carry_of(x, &f)));
            ir_put(b, SLOT_FLAG_KIND, ir_bin(b, IR_OR, f.kind, ax_i32(x, bits)));
            ir_put(b, SLOT_FLAG_NZ, ir_select(b, x->pass, result, f.nz));
            return;
        }
        if (!f.known)
            f = (struct flags){.base = ARM_FLAGS_PACKED, .a = pack(x, &f)};
        f.nz = result;
        if (carry)
            f.carry = carry;
        set(x, f);
        return;
    }
    ir_put(b, SLOT_FLAG_KIND, ir_bin(b, IR_OR, ir_get(b, SLOT_FLAG_KIND), ax_i32(x, bits)));
    ir_put(b, SLOT_FLAG_NZ, result);
    if (carry)
        ir_put(b, SLOT_FLAG_CARRY, carry);
}

void flags_set_nz(struct xlat *x, ir_ref result)
{
    flags_set_nzc(x, result, IR_NONE);
}

void flags_set_add(struct xlat *x, ir_ref a, ir_ref b)
{
    set(x, (struct flags){.base = ARM_FLAGS_ADD, .a = a, .b = b});
}

void flags_set_sub(struct xlat *x, ir_ref a, ir_ref b)
{
    set(x, (struct flags){.base = ARM_FLAGS_SUB, .a = a, .b = b});
}

void flags_set_adc(struct xlat *x, ir_ref a, ir_ref b, ir_ref c)
{
    set(x, (struct flags){.base = ARM_FLAGS_ADC, .a = a, .b = b, .c = c});
}

void flags_set_sbc(struct xlat *x, ir_ref a, ir_ref b, ir_ref borrow)
{
    set(x, (struct flags){.base = ARM_FLAGS_SBC, .a = a, .b = b, .c = borrow});
}

void flags_set_nzcv(struct xlat *x, ir_ref nzcv)
{
    set(x, (struct flags){.base = ARM_FLAGS_PACKED, .a = nzcv});
}
