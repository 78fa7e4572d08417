/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the visual instructions compute and move ("UltraSPARC I & II User's Manual", sections 13.5.1 to 13.5.9). */
#include "emulator/cpu/sparc/internal.h"

/* ---- arithmetic ---- */

static int16_t half(uint64_t v, unsigned lane) /* lane 0: the least significant */
{
    return (int16_t)(v >> 16 * lane);
}

static int32_t word(uint64_t v, unsigned lane)
{
    return (int32_t)(v >> 32 * lane);
}

static uint8_t byte(uint64_t v, unsigned lane)
{
    return (uint8_t)(v >> 8 * lane);
}

/* Four products of 16 bits each, rounded and shifted right by 8. */
static uint64_t products8(const int32_t p[4])
{
    uint64_t r = 0;
    for (unsigned k = 0; k < 4; k++)
        r |= (uint64_t)(uint16_t)((p[k] + 0x80) >> 8) << 16 * k;
    return r;
}

static uint64_t multiply(uint32_t opf, uint64_t a, uint64_t b)
{
    int32_t p[4];
    uint64_t r = 0;
    switch (opf) {
    case 0x31: /* fmul8x16 */
        for (unsigned k = 0; k < 4; k++)
            p[k] = byte(a, k) * half(b, k);
        return products8(p);
    case 0x33: /* fmul8x16au: the upper half of rs2 */
    case 0x35: /* fmul8x16al: the lower */
        for (unsigned k = 0; k < 4; k++)
            p[k] = byte(a, k) * half(b, opf == 0x33);
        return products8(p);
    case 0x36: /* fmul8sux16 */
        for (unsigned k = 0; k < 4; k++)
            p[k] = (half(a, k) >> 8) * half(b, k);
        return products8(p);
    case 0x37: /* fmul8ulx16 */
        for (unsigned k = 0; k < 4; k++)
            r |= (uint64_t)(uint16_t)(((half(a, k) & 0xff) * half(b, k) + 0x8000) >> 16) << 16 * k;
        return r;
    case 0x38: /* fmuld8sux16 */
        for (unsigned k = 0; k < 2; k++)
            r |= (uint64_t)((uint32_t)((half(a, k) >> 8) * half(b, k)) << 8) << 32 * k;
        return r;
    default: /* fmuld8ulx16 */
        for (unsigned k = 0; k < 2; k++)
            r |= (uint64_t)(uint32_t)((half(a, k) & 0xff) * half(b, k)) << 32 * k;
        return r;
    }
}

static uint64_t pack(uint32_t opf, uint64_t a, uint64_t b, uint32_t gsr)
{
    unsigned scale = gsr >> 3 & 31;
    uint64_t r = 0;
    switch (opf) {
    case 0x3b: /* fpack16: the scale has four bits here */
        for (unsigned k = 0; k < 4; k++)
            r |= (uint64_t)CLAMP((half(b, k) * (1 << (scale & 15))) >> 7, 0, 255) << 8 * k;
        return r;
    case 0x3a: /* fpack32 */
        for (unsigned k = 0; k < 2; k++) {
            int64_t v = ((int64_t)word(b, k) * (INT64_C(1) << scale)) >> 23;
            r |= (uint64_t)((uint32_t)word(a, k) << 8 | (uint32_t)CLAMP(v, 0, 255)) << 32 * k;
        }
        return r;
    default: /* fpackfix */
        for (unsigned k = 0; k < 2; k++) {
            int64_t v = ((int64_t)word(b, k) * (INT64_C(1) << scale)) >> 16;
            r |= (uint64_t)(uint16_t)CLAMP(v, INT16_MIN, INT16_MAX) << 16 * k;
        }
        return r;
    }
}

/* Bit k of the result speaks of lane k. */
static uint64_t compare(uint32_t opf, uint64_t a, uint64_t b)
{
    bool words = opf & 4;
    uint64_t r = 0;
    for (unsigned k = 0; k < (words ? 2 : 4); k++) {
        int32_t x = words ? word(a, k) : half(a, k), y = words ? word(b, k) : half(b, k);
        bool holds;
        switch (opf & ~4u) {
        case 0x20: holds = x <= y; break;
        case 0x22: holds = x != y; break;
        case 0x28: holds = x > y; break;
        default: holds = x == y; break; /* 0x2a */
        }
        r |= (uint64_t)holds << k;
    }
    return r;
}

/* Which parts of the eight bytes around a have addresses from a on, up to b where both are in the same eight. */
static uint64_t edge(uint32_t opf, uint32_t a, uint32_t b)
{
    unsigned shift = opf >> 2 & 3, n = 8u >> shift; /* edge8: 0, edge16: 1, edge32: 2 */
    unsigned first = a >> shift & (n - 1), last = b >> shift & (n - 1), all = (1u << n) - 1;
    unsigned left, right;
    if (opf & 2) { /* little-endian: bit 0 is the first byte */
        left = all << first;
        right = all >> (n - 1 - last);
    } else {
        left = all >> first;
        right = all << (n - 1 - last);
    }
    return ((a ^ b) & ~7u ? left : left & right) & all;
}

/* Three fixed-point coordinates (x in bits 21..11, y in 43..33, z in 63..55) to the place of an element in blocks of
 * 64 bytes within larger ones; size: log2 of the extent in x and y, in blocks (figure 13-21). */
static uint64_t array(uint32_t opf, uint64_t v, uint64_t size)
{
    unsigned n = (unsigned)MIN(size & 7, 5);
    uint64_t x = v >> 11 & 0x7ff, y = v >> 33 & 0x7ff, z = v >> 55 & 0x1ff, upper = (UINT64_C(1) << n) - 1;
    uint64_t lower = (x & 3) | (y & 3) << 2 | (z & 1) << 4;
    uint64_t middle = (x >> 2 & 15) | (y >> 2 & 15) << 4 | (z >> 1 & 15) << 8;
    uint64_t high = (x >> 6 & upper) | (y >> 6 & upper) << n | (z >> 5 & 15) << 2 * n;
    return (lower | middle << 5 | high << 17) << (opf >> 1 & 3);
}

static uint64_t helper_vis(struct jit_cpu *cpu, uint32_t opf, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t r = 0;
    switch (opf) {
    case 0x00: case 0x02: case 0x04: case 0x06: case 0x08: case 0x0a: return edge(opf, (uint32_t)a, (uint32_t)b);
    case 0x10: case 0x12: case 0x14: return array(opf & 7, a, b);
    case 0x20: case 0x22: case 0x24: case 0x26: case 0x28: case 0x2a: case 0x2c: case 0x2e: return compare(opf, a, b);
    case 0x3a: case 0x3b: case 0x3d: return pack(opf, a, b, (uint32_t)c);
    case 0x3e: /* pdist */
        for (unsigned k = 0; k < 8; k++)
            c += (uint64_t)ABS(byte(a, k) - byte(b, k));
        return c;
    case 0x4b: /* fpmerge */
        for (unsigned k = 0; k < 4; k++)
            r |= (uint64_t)byte(a, k) << (16 * k + 8) | (uint64_t)byte(b, k) << 16 * k;
        return r;
    case 0x4d: /* fexpand */
        for (unsigned k = 0; k < 4; k++)
            r |= (uint64_t)byte(b, k) << (16 * k + 4);
        return r;
    default: return multiply(opf, a, b);
    }
}
const struct ir_helper sparc_helper_vis = {
    "sparc_vis", helper_vis, IR_HELPER_PURE, 4, IR_I64, {IR_I32, IR_I64, IR_I64, IR_I64},
};

/* ---- memory ---- */

/* Address spaces (section 8.3 of the manual): primary and secondary, which a program has but one of. */
static bool is_block(uint32_t asi)
{
    return asi == 0x70 || asi == 0x71 || asi == 0x78 || asi == 0x79 || (asi & 0xf6) == 0xf0 || asi == 0xe0 ||
           asi == 0xe1;
}

static bool move(struct sparc_cpu *cpu, uint32_t address, void *bytes, unsigned size, bool store)
{
    cpu->fault_address = address;
    return jit_user_copy(&cpu->jit, address, bytes, size, store);
}

static uint64_t in_order(uint64_t value, bool little) /* as memory has it, on any host */
{
    return little ? GUINT64_TO_LE(value) : GUINT64_TO_BE(value);
}

static uint32_t block(struct sparc_cpu *cpu, uint32_t address, unsigned rd, bool little, bool store)
{
    uint64_t *f = &cpu->f[rd / 2 + (rd & 1 ? 16 : 0)], bytes[8];
    if (rd & 0xe)
        return SPARC_TT_ILLEGAL; /* %f0, %f16, %f32 and %f48 only */
    if (address & 63)
        return SPARC_TT_MISALIGNED;
    for (unsigned k = 0; k < 8 && store; k++)
        bytes[k] = in_order(f[k], little);
    if (!move(cpu, address, bytes, sizeof bytes, store))
        return SPARC_TT_DATA_ACCESS;
    for (unsigned k = 0; k < 8 && !store; k++)
        f[k] = in_order(bytes[k], little);
    return 0;
}

/* Bytes, half-words or words that the mask names, the most significant bit the first. */
static uint32_t partial_store(struct sparc_cpu *cpu, uint32_t address, uint64_t *f, uint32_t asi, uint32_t mask)
{
    unsigned size = 1u << (asi >> 1 & 3), n = 8 / size;
    bool little = asi & 8;
    if (size > 4)
        return SPARC_TT_ILLEGAL;
    if (address & 7)
        return SPARC_TT_MISALIGNED;
    uint64_t bytes = in_order(*f, little);
    for (unsigned k = 0; k < n; k++) {
        bool wanted = mask >> (little ? k : n - 1 - k) & 1;
        if (wanted && !move(cpu, address + k * size, (uint8_t *)&bytes + k * size, size, true))
            return SPARC_TT_DATA_ACCESS;
    }
    return 0;
}

static uint32_t short_access(struct sparc_cpu *cpu, uint32_t address, uint64_t *f, uint32_t asi, bool store)
{
    unsigned size = asi & 2 ? 2 : 1;
    bool little = asi & 8;
    uint8_t bytes[2];
    if (address & (size - 1))
        return SPARC_TT_MISALIGNED;
    for (unsigned k = 0; k < size && store; k++)
        bytes[k] = byte(*f, little ? k : size - 1 - k);
    if (!move(cpu, address, bytes, size, store))
        return SPARC_TT_DATA_ACCESS;
    if (!store) {
        *f = 0;
        for (unsigned k = 0; k < size; k++)
            *f |= (uint64_t)bytes[k] << 8 * (little ? k : size - 1 - k);
    }
    return 0;
}

static uint64_t helper_vis_memory(struct jit_cpu *jit, uint32_t address, uint32_t base, uint32_t asi, uint32_t mask,
                                  uint32_t flags)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    unsigned rd = flags & 31;
    bool store = flags & VIS_STORE;
    uint64_t *f = &cpu->f[rd / 2 + (rd & 1 ? 16 : 0)];
    if (is_block(asi))
        return block(cpu, address, rd, (asi & 8) && (asi & 0xf0) != 0xe0, store);
    if ((asi & 0xf0) == 0xc0)
        return store && !(flags & VIS_NO_MASK) ? partial_store(cpu, base, f, asi, mask) : SPARC_TT_ILLEGAL;
    if ((asi & 0xf4) == 0xd0)
        return short_access(cpu, address, f, asi, store);
    if (store) {
        cpu->alt_value[0] = *f;
        return sparc_alt_write(cpu, address, asi, 8);
    }
    uint32_t trap = sparc_alt_read(cpu, address, asi, 8);
    if (!trap)
        *f = cpu->alt_value[0];
    return trap;
}
const struct ir_helper sparc_helper_vis_memory = {
    "sparc_vis_memory", helper_vis_memory, IR_HELPER_READS | IR_HELPER_WRITES, 5, IR_I32,
    {IR_I32, IR_I32, IR_I32, IR_I32, IR_I32},
};
