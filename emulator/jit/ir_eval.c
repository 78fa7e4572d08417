/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of values: results of operations on constants, and bits that can be set.
 */
#include "emulator/jit/ir_internal.h"

bool ib_compare(unsigned cond, unsigned type, uint64_t x, uint64_t y)
{
    unsigned w = ib_width(type);
    int64_t sx = (int64_t)ib_sext(x, w), sy = (int64_t)ib_sext(y, w);
    uint64_t ux = x & ib_mask(w), uy = y & ib_mask(w);

    switch (cond) {
    case IR_EQ: return ux == uy;
    case IR_NE: return ux != uy;
    case IR_LTS: return sx < sy;
    case IR_GES: return sx >= sy;
    case IR_LES: return sx <= sy;
    case IR_GTS: return sx > sy;
    case IR_LTU: return ux < uy;
    case IR_GEU: return ux >= uy;
    case IR_LEU: return ux <= uy;
    default: return ux > uy;
    }
}

bool ib_eval(const struct ir_insn *i, uint64_t x, uint64_t y, uint64_t z, uint64_t *out)
{
    unsigned w = ib_width(i->type);
    uint64_t m = ib_mask(w), r;

    switch (i->op) {
    case IR_ADD: r = x + y; break;
    case IR_SUB: r = x - y; break;
    case IR_MUL: r = x * y; break;
    case IR_MULHU:
        r = w == 32 ? ((x & m) * (y & m)) >> 32 : (uint64_t)(((unsigned __int128)x * y) >> 64);
        break;
    case IR_MULHS:
        r = w == 32 ? (uint64_t)(((int64_t)ib_sext(x, 32) * (int64_t)ib_sext(y, 32)) >> 32)
                    : (uint64_t)(((__int128)(int64_t)x * (int64_t)y) >> 64);
        break;
    case IR_DIVU: r = (y & m) ? (x & m) / (y & m) : 0; break;
    case IR_REMU: r = (y & m) ? (x & m) % (y & m) : 0; break;
    case IR_DIVS:
    case IR_REMS: {
        int64_t sx = (int64_t)ib_sext(x, w), sy = (int64_t)ib_sext(y, w);
        if (sy == 0)
            r = 0;
        else if (sy == -1)
            r = i->op == IR_DIVS ? 0 - (uint64_t)sx : 0;
        else
            r = (uint64_t)(i->op == IR_DIVS ? sx / sy : sx % sy);
        break;
    }
    case IR_AND: r = x & y; break;
    case IR_OR: r = x | y; break;
    case IR_XOR: r = x ^ y; break;
    case IR_ANDN: r = x & ~y; break;
    case IR_NOT: r = ~x; break;
    case IR_NEG: r = 0 - x; break;
    case IR_SHL: r = x << (y & (w - 1)); break;
    case IR_SHR: r = (x & m) >> (y & (w - 1)); break;
    case IR_SAR: r = (uint64_t)((int64_t)ib_sext(x, w) >> (y & (w - 1))); break;
    case IR_ROL:
    case IR_ROR: {
        unsigned n = (unsigned)(y & (w - 1));
        if (i->op == IR_ROR)
            n = (w - n) & (w - 1);
        r = n ? x << n | (x & m) >> (w - n) : x;
        break;
    }
    case IR_ADC: r = x + y + z; break;
    case IR_SBB: r = x - y - z; break;
    case IR_CARRY: {
        uint64_t om = ib_mask(ib_width(i->aux));
        r = (uint64_t)(((unsigned __int128)(x & om) + (y & om) + z) >> ib_width(i->aux)) & 1;
        break;
    }
    case IR_BORROW: {
        uint64_t om = ib_mask(ib_width(i->aux));
        r = (unsigned __int128)(x & om) < (unsigned __int128)(y & om) + z;
        break;
    }
    case IR_BSWAP: r = w == 32 ? GUINT32_SWAP_LE_BE((uint32_t)x) : GUINT64_SWAP_LE_BE(x); break;
    case IR_CLZ: r = (x & m) ? (unsigned)__builtin_clzll(x & m) - (64 - w) : w; break;
    case IR_CTZ: r = (x & m) ? (unsigned)__builtin_ctzll(x & m) : w; break;
    case IR_POPCNT: r = (unsigned)__builtin_popcountll(x & m); break;
    case IR_SEXT: r = ib_sext(x, i->aux); break;
    case IR_ZEXT: r = x & ib_mask(i->aux); break;
    case IR_TRUNC: r = x; break;
    case IR_EXTRACT: r = (x & m) >> (i->aux & 63) & ib_mask(i->aux >> 8); break;
    case IR_INSERT: {
        uint64_t f = ib_mask(i->aux >> 8) << (i->aux & 63);
        r = (x & ~f) | (y << (i->aux & 63) & f);
        break;
    }
    case IR_ICMP: r = ib_compare(i->aux & 0xff, i->aux >> 8, x, y); break;
    case IR_BITCAST: r = x; break;
    case IR_FLANE:
        r = i->aux ? x >> 32 : x;
        m = 0xffffffffu;
        break;
    case IR_FSETLANE:
        r = i->aux ? (x & 0xffffffffu) | y << 32 : (x & ~(uint64_t)0xffffffffu) | (y & 0xffffffffu);
        m = ~(uint64_t)0;
        break;
    default: return false;
    }
    if (i->op == IR_BITCAST && (i->type == IR_F64))
        m = ~(uint64_t)0;
    *out = r & m;
    return true;
}

uint64_t ib_possible_bits(const struct ir_builder *b, ir_ref v, int depth)
{
    const struct ir_insn *i = &b->insn[v];
    uint64_t all = ib_mask(ib_width(i->type)), k;

    if (depth <= 0)
        return i->op == IR_CONST ? ir_const_value(i) : i->op == IR_ICMP ? 1 : all;
    switch (i->op) {
    case IR_CONST: return ir_const_value(i);
    case IR_ICMP:
    case IR_FCMP:
    case IR_CARRY:
    case IR_BORROW: return 1;
    case IR_FREL: return 3;
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT: return 0x7f;
    case IR_ZEXT: return ib_possible_bits(b, ib_resolve(b, i->a), depth - 1) & ib_mask(i->aux) & all;
    case IR_TRUNC: return ib_possible_bits(b, ib_resolve(b, i->a), depth - 1) & all;
    case IR_EXTRACT:
        return ib_possible_bits(b, ib_resolve(b, i->a), depth - 1) >> (i->aux & 63) & ib_mask(i->aux >> 8);
    case IR_AND:
        return ib_possible_bits(b, ib_resolve(b, i->a), depth - 1) &
               ib_possible_bits(b, ib_resolve(b, i->b), depth - 1);
    case IR_OR:
    case IR_XOR:
        return ib_possible_bits(b, ib_resolve(b, i->a), depth - 1) |
               ib_possible_bits(b, ib_resolve(b, i->b), depth - 1);
    case IR_ANDN: return ib_possible_bits(b, ib_resolve(b, i->a), depth - 1);
    case IR_ADD:
    case IR_SUB: { /* low bits that are 0 in both */
        uint64_t low = ib_possible_bits(b, ib_resolve(b, i->a), depth - 1) |
                       ib_possible_bits(b, ib_resolve(b, i->b), depth - 1);
        return low ? all & ~((low & (0 - low)) - 1) : 0;
    }
    case IR_SELECT:
        if (i->type != IR_I32 && i->type != IR_I64)
            return all;
        return ib_possible_bits(b, ib_resolve(b, i->b), depth - 1) |
               ib_possible_bits(b, ib_resolve(b, i->c), depth - 1);
    case IR_SHL:
        if (ib_const(b, ib_resolve(b, i->b), &k))
            return ib_possible_bits(b, ib_resolve(b, i->a), depth - 1) << (k & (ib_width(i->type) - 1)) & all;
        return all;
    case IR_SHR:
        if (ib_const(b, ib_resolve(b, i->b), &k))
            return ib_possible_bits(b, ib_resolve(b, i->a), depth - 1) >> (k & (ib_width(i->type) - 1));
        return all;
    case IR_LOAD:
        if (!(i->aux & IR_MEM_SIGNED))
            return ib_mask(8u << MIN(IR_MEM_SIZE(i->aux), 3u)) & all;
        return all;
    case IR_LDSTATE: return ib_mask(8u << (i->aux & 3)) & all;
    default: return all;
    }
}
