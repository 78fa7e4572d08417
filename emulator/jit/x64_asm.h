/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * x86-64 instruction encoder.
 *
 * Code is written into three private sections (hot code, cold blocks, stubs) that are laid one behind the
 * other when the region is finished; references between them, to labels, to absolute addresses and to pooled
 * constants are relocations resolved then.  Encodings: Intel SDM volume 2, chapters 2 (prefixes, ModRM, VEX)
 * and 3-6 (opcodes).
 */
#ifndef VITRINE_JIT_X64_ASM_H
#define VITRINE_JIT_X64_ASM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum x64_reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    XMM0 = 16, XMM15 = 31,
};
enum x64_cc { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G,
    CC_FEQ, CC_FNE, /* after ucomis: equal and ordered; unequal or unordered */
    CC_ALWAYS, CC_NEVER };

/* Opcode words: byte | map << 8 | mandatory prefix << 10 | flags. */
#define X_0F   0x100u
#define X_0F38 0x200u
#define X_0F3A 0x300u
#define X_66   0x400u
#define X_F3   0x800u
#define X_F2   0xc00u
#define X_W    0x1000u  /* 64-bit operand */
#define X_R8   0x2000u  /* the reg field names a byte register */
#define X_B8   0x4000u  /* the r/m field names a byte register */
#define X_LOCK 0x8000u
#define X_L256 0x10000u /* VEX.L */

enum x64_mem_kind { XM_BASE, XM_RIP_CONST, XM_RIP_ABS };
struct x64_mem {
    int8_t base, index; /* -1: none */
    uint8_t scale;      /* log2 */
    uint8_t kind;
    int32_t disp;       /* XM_RIP_CONST: offset in the constant pool */
    uint64_t abs;       /* XM_RIP_ABS */
};

enum x64_reloc_kind {
    XR_LABEL, XR_ABS, XR_CONST,     /* rel32 fields */
    XR_SITE, XR_HEAT, XR_FUNCTION,  /* 64-bit immediates, by x64_imm_pointer() */
};
struct x64_reloc {
    uint32_t section, at; /* the field */
    uint32_t kind;
    uint64_t target; /* label; address; pool offset; index of an exit; pointer */
};

enum { XS_HOT, XS_COLD, XS_STUB, XS_COUNT };
struct x64_asm {
    uint8_t *p; /* where the next byte goes, in section `cur` */
    unsigned cur;
    struct {
        uint8_t *base, *p, *end;
    } sec[XS_COUNT];
    uint64_t *label; /* section << 32 | offset, or X64_UNBOUND */
    uint32_t n_labels, max_labels;
    struct x64_reloc *reloc;
    uint32_t n_relocs, max_relocs;
    uint8_t *pool; /* 16-byte constants */
    uint32_t n_pool, max_pool;
};
#define X64_UNBOUND (~(uint64_t)0)

/* ---------------------------------------------------------------------------------------- sections, labels */

static inline uint32_t x64_offset(const struct x64_asm *a)
{
    return (uint32_t)(a->p - a->sec[a->cur].base);
}

static inline void x64_section(struct x64_asm *a, unsigned s)
{
    a->sec[a->cur].p = a->p;
    a->cur = s;
    a->p = a->sec[s].p;
}

/* Makes sure that n bytes fit in every section. */
static inline void x64_need(struct x64_asm *a, size_t n)
{
    a->sec[a->cur].p = a->p;
    for (unsigned s = 0; s < XS_COUNT; s++) {
        if (G_UNLIKELY((size_t)(a->sec[s].end - a->sec[s].p) < n)) {
            size_t used = (size_t)(a->sec[s].p - a->sec[s].base);
            size_t size = (size_t)(a->sec[s].end - a->sec[s].base) * 2 + n;
            a->sec[s].base = g_realloc(a->sec[s].base, size);
            a->sec[s].p = a->sec[s].base + used;
            a->sec[s].end = a->sec[s].base + size;
        }
    }
    a->p = a->sec[a->cur].p;
}

static inline uint32_t x64_label(struct x64_asm *a)
{
    if (G_UNLIKELY(a->n_labels == a->max_labels)) {
        a->max_labels = a->max_labels * 2 + 64;
        a->label = g_renew(uint64_t, a->label, a->max_labels);
    }
    a->label[a->n_labels] = X64_UNBOUND;
    return a->n_labels++;
}

static inline uint64_t x64_here(const struct x64_asm *a)
{
    return (uint64_t)a->cur << 32 | x64_offset(a);
}

static inline void x64_bind(struct x64_asm *a, uint32_t label)
{
    a->label[label] = x64_here(a);
}

static inline void x64_reloc(struct x64_asm *a, enum x64_reloc_kind kind, uint64_t target)
{
    if (G_UNLIKELY(a->n_relocs == a->max_relocs)) {
        a->max_relocs = a->max_relocs * 2 + 256;
        a->reloc = g_renew(struct x64_reloc, a->reloc, a->max_relocs);
    }
    a->reloc[a->n_relocs++] = (struct x64_reloc){a->cur, x64_offset(a), kind, target};
}

/* A 16-byte constant; returns its pool offset. */
static inline uint32_t x64_pool(struct x64_asm *a, uint64_t lo, uint64_t hi)
{
    const uint64_t v[2] = {lo, hi};

    for (uint32_t i = a->n_pool > 16 ? a->n_pool - 16 : 0; i < a->n_pool; i++) {
        if (!memcmp(a->pool + (size_t)16 * i, v, 16)) {
            return 16 * i;
        }
    }
    if (a->n_pool == a->max_pool) {
        a->max_pool = a->max_pool * 2 + 16;
        a->pool = g_realloc(a->pool, (size_t)16 * a->max_pool);
    }
    memcpy(a->pool + (size_t)16 * a->n_pool, v, 16);
    return 16 * a->n_pool++;
}

/* ------------------------------------------------------------------------------------------------ bytes */

static inline void x64_1(struct x64_asm *a, unsigned v)
{
    *a->p++ = (uint8_t)v;
}
static inline void x64_4(struct x64_asm *a, uint32_t v)
{
    memcpy(a->p, &v, 4);
    a->p += 4;
}
static inline void x64_8(struct x64_asm *a, uint64_t v)
{
    memcpy(a->p, &v, 8);
    a->p += 8;
}

static inline struct x64_mem x64_at(int base, int32_t disp)
{
    return (struct x64_mem){(int8_t)base, -1, 0, XM_BASE, disp, 0};
}
static inline struct x64_mem x64_at_index(int base, int index, unsigned scale, int32_t disp)
{
    return (struct x64_mem){(int8_t)base, (int8_t)index, (uint8_t)scale, XM_BASE, disp, 0};
}
static inline struct x64_mem x64_const_mem(struct x64_asm *a, uint64_t lo, uint64_t hi)
{
    return (struct x64_mem){-1, -1, 0, XM_RIP_CONST, (int32_t)x64_pool(a, lo, hi), 0};
}

static inline void x64_modrm_mem(struct x64_asm *a, int reg, struct x64_mem m)
{
    unsigned r = ((unsigned)reg & 7) << 3;

    if (m.kind != XM_BASE) {
        x64_1(a, r | 5);
        x64_reloc(a, m.kind == XM_RIP_CONST ? XR_CONST : XR_ABS,
                  m.kind == XM_RIP_CONST ? (uint64_t)(uint32_t)m.disp : m.abs);
        x64_4(a, 0);
        return;
    }
    unsigned base = (unsigned)m.base & 7, mod;
    bool sib = m.index >= 0 || base == 4;

    if (m.base < 0) { /* [index*scale + disp32] or [disp32] */
        x64_1(a, r | 4);
        x64_1(a, (unsigned)m.scale << 6 | (m.index < 0 ? 4u : ((unsigned)m.index & 7)) << 3 | 5);
        x64_4(a, (uint32_t)m.disp);
        return;
    }
    mod = m.disp == 0 && base != 5 ? 0 : m.disp == (int8_t)m.disp ? 0x40 : 0x80;
    if (sib) {
        x64_1(a, mod | r | 4);
        x64_1(a, (unsigned)m.scale << 6 | (m.index < 0 ? 4u : ((unsigned)m.index & 7)) << 3 | base);
    } else {
        x64_1(a, mod | r | base);
    }
    if (mod == 0x40) {
        x64_1(a, (uint8_t)m.disp);
    } else if (mod == 0x80) {
        x64_4(a, (uint32_t)m.disp);
    }
}

static inline void x64_prefix(struct x64_asm *a, uint32_t op, int reg, int index, int base)
{
    static const uint8_t pp[4] = {0, 0x66, 0xf3, 0xf2};
    unsigned rex = (op & X_W ? 8u : 0) | ((unsigned)reg & 8) >> 1 | ((unsigned)index & 8) >> 2 | ((unsigned)base & 8) >> 3;

    if (op & X_LOCK) {
        x64_1(a, 0xf0);
    }
    if (op & 0xc00) {
        x64_1(a, pp[op >> 10 & 3]);
    }
    if (rex || ((op & X_R8) && (reg & 15) >= 4) || ((op & X_B8) && (base & 15) >= 4)) {
        x64_1(a, 0x40 | rex);
    }
    if (op & 0x300) {
        x64_1(a, 0x0f);
        if ((op & 0x300) == X_0F38) {
            x64_1(a, 0x38);
        } else if ((op & 0x300) == X_0F3A) {
            x64_1(a, 0x3a);
        }
    }
    x64_1(a, op);
}

/* op reg, rm (register form) */
static inline void x64_rr(struct x64_asm *a, uint32_t op, int reg, int rm)
{
    x64_prefix(a, op, reg & 15, 0, rm & 15);
    x64_1(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* op reg, [mem] */
static inline void x64_rm(struct x64_asm *a, uint32_t op, int reg, struct x64_mem m)
{
    x64_prefix(a, op & ~X_B8, reg & 15, m.index < 0 ? 0 : m.index, m.kind != XM_BASE || m.base < 0 ? 0 : m.base);
    x64_modrm_mem(a, reg, m);
}

static inline void x64_vex(struct x64_asm *a, uint32_t op, int reg, int v, int index, int base)
{
    unsigned map = op >> 8 & 3, pp = op >> 10 & 3, w = op & X_W ? 1 : 0, l = op & X_L256 ? 4 : 0;

    if (map == 1 && !w && !(index & 8) && !(base & 8)) {
        x64_1(a, 0xc5);
        x64_1(a, (reg & 8 ? 0 : 0x80u) | (~(unsigned)v & 15) << 3 | l | pp);
    } else {
        x64_1(a, 0xc4);
        x64_1(a, (reg & 8 ? 0 : 0x80u) | (index & 8 ? 0 : 0x40u) | (base & 8 ? 0 : 0x20u) | map);
        x64_1(a, w << 7 | (~(unsigned)v & 15) << 3 | l | pp);
    }
    x64_1(a, op);
}

/* VEX op reg, v, rm; v = 0 where the instruction has no such operand */
static inline void x64_vrr(struct x64_asm *a, uint32_t op, int reg, int v, int rm)
{
    x64_vex(a, op, reg & 15, v & 15, 0, rm & 15);
    x64_1(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}
static inline void x64_vrm(struct x64_asm *a, uint32_t op, int reg, int v, struct x64_mem m)
{
    x64_vex(a, op, reg & 15, v & 15, m.index < 0 ? 0 : m.index, m.kind != XM_BASE || m.base < 0 ? 0 : m.base);
    x64_modrm_mem(a, reg, m);
}

/* ---------------------------------------------------------------------------------------- integer helpers */

enum x64_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum x64_shift { SH_ROL, SH_ROR, SH_SHL = 4, SH_SHR, SH_SAR = 7 };

static inline uint32_t x64_w(bool w)
{
    return w ? X_W : 0;
}

static inline void x64_mov(struct x64_asm *a, bool w, int dst, int src)
{
    x64_rr(a, 0x8b | x64_w(w), dst, src);
}
static inline void x64_load(struct x64_asm *a, bool w, int dst, struct x64_mem m)
{
    x64_rm(a, 0x8b | x64_w(w), dst, m);
}
static inline void x64_store(struct x64_asm *a, bool w, struct x64_mem m, int src)
{
    x64_rm(a, 0x89 | x64_w(w), src, m);
}
static inline void x64_alu_rr(struct x64_asm *a, enum x64_alu o, bool w, int dst, int src)
{
    x64_rr(a, (uint32_t)(o << 3 | 3) | x64_w(w), dst, src);
}
static inline void x64_alu_rm(struct x64_asm *a, enum x64_alu o, bool w, int dst, struct x64_mem m)
{
    x64_rm(a, (uint32_t)(o << 3 | 3) | x64_w(w), dst, m);
}
static inline void x64_alu_ri(struct x64_asm *a, enum x64_alu o, bool w, int dst, int32_t imm)
{
    if (imm == (int8_t)imm) {
        x64_rr(a, 0x83 | x64_w(w), (int)o, dst);
        x64_1(a, (uint8_t)imm);
    } else if (dst == RAX) {
        x64_prefix(a, (uint32_t)(o << 3 | 5) | x64_w(w), 0, 0, 0);
        x64_4(a, (uint32_t)imm);
    } else {
        x64_rr(a, 0x81 | x64_w(w), (int)o, dst);
        x64_4(a, (uint32_t)imm);
    }
}
static inline void x64_alu_mi(struct x64_asm *a, enum x64_alu o, bool w, struct x64_mem m, int32_t imm)
{
    x64_rm(a, (imm == (int8_t)imm ? 0x83u : 0x81u) | x64_w(w), (int)o, m);
    if (imm == (int8_t)imm) {
        x64_1(a, (uint8_t)imm);
    } else {
        x64_4(a, (uint32_t)imm);
    }
}
static inline void x64_shift_ri(struct x64_asm *a, enum x64_shift o, bool w, int dst, unsigned n)
{
    if (n == 1) {
        x64_rr(a, 0xd1 | x64_w(w), (int)o, dst);
    } else {
        x64_rr(a, 0xc1 | x64_w(w), (int)o, dst);
        x64_1(a, n);
    }
}
/* Any constant in a register; the flags are untouched when keep_flags. */
static inline void x64_imm(struct x64_asm *a, int dst, uint64_t v, bool keep_flags)
{
    if (v == 0 && !keep_flags) {
        x64_rr(a, 0x33, dst, dst);
    } else if (v <= UINT32_MAX) {
        x64_prefix(a, 0xb8u | ((unsigned)dst & 7), 0, 0, dst);
        x64_4(a, (uint32_t)v);
    } else if ((int64_t)v == (int32_t)v) {
        x64_rr(a, 0xc7 | X_W, 0, dst);
        x64_4(a, (uint32_t)v);
    } else {
        x64_prefix(a, 0xb8u | ((unsigned)dst & 7) | X_W, 0, 0, dst);
        x64_8(a, v);
    }
}
/* A pointer to something outside the region: its place stays known, so that the code can be used elsewhere. */
static inline void x64_imm_pointer(struct x64_asm *a, int dst, enum x64_reloc_kind kind, uint64_t target)
{
    x64_prefix(a, 0xb8u | ((unsigned)dst & 7) | X_W, 0, 0, dst);
    x64_reloc(a, kind, target);
    x64_8(a, 0);
}
static inline void x64_store_imm(struct x64_asm *a, bool w, struct x64_mem m, int32_t v)
{
    x64_rm(a, 0xc7 | x64_w(w), 0, m);
    x64_4(a, (uint32_t)v);
}
static inline void x64_lea(struct x64_asm *a, bool w, int dst, struct x64_mem m)
{
    x64_rm(a, 0x8d | x64_w(w), dst, m);
}
static inline void x64_lea_label(struct x64_asm *a, int dst, uint32_t label)
{
    x64_prefix(a, 0x8d | X_W, dst, 0, 0);
    x64_1(a, ((unsigned)dst & 7) << 3 | 5);
    x64_reloc(a, XR_LABEL, label);
    x64_4(a, 0);
}
static inline void x64_setcc(struct x64_asm *a, enum x64_cc cc, int dst)
{
    x64_rr(a, X_0F | (0x90u + (unsigned)cc) | X_B8, 0, dst);
}
static inline void x64_movzx8(struct x64_asm *a, int dst, int src)
{
    x64_rr(a, X_0F | 0xb6 | X_B8, dst, src);
}

/* ------------------------------------------------------------------------------------------------- jumps */

static inline void x64_jcc(struct x64_asm *a, enum x64_cc cc, uint32_t label)
{
    uint64_t at = a->label[label];

    if (at != X64_UNBOUND && at >> 32 == a->cur) {
        int64_t d = (int64_t)(uint32_t)at - (int64_t)(x64_offset(a) + 2);
        if (d >= -128) {
            x64_1(a, 0x70u + (unsigned)cc);
            x64_1(a, (uint8_t)d);
            return;
        }
    }
    x64_1(a, 0x0f);
    x64_1(a, 0x80u + (unsigned)cc);
    x64_reloc(a, XR_LABEL, label);
    x64_4(a, 0);
}
static inline void x64_jmp(struct x64_asm *a, uint32_t label)
{
    uint64_t at = a->label[label];

    if (at != X64_UNBOUND && at >> 32 == a->cur) {
        int64_t d = (int64_t)(uint32_t)at - (int64_t)(x64_offset(a) + 2);
        if (d >= -128) {
            x64_1(a, 0xeb);
            x64_1(a, (uint8_t)d);
            return;
        }
    }
    x64_1(a, 0xe9);
    x64_reloc(a, XR_LABEL, label);
    x64_4(a, 0);
}
static inline void x64_jmp_abs(struct x64_asm *a, const void *target)
{
    x64_1(a, 0xe9);
    x64_reloc(a, XR_ABS, (uint64_t)(uintptr_t)target);
    x64_4(a, 0);
}
static inline void x64_call_abs(struct x64_asm *a, const void *target)
{
    x64_1(a, 0xe8);
    x64_reloc(a, XR_ABS, (uint64_t)(uintptr_t)target);
    x64_4(a, 0);
}
/* Short forward jump over a few instructions: the result goes to x64_patch8(). */
static inline uint32_t x64_jcc8(struct x64_asm *a, enum x64_cc cc)
{
    x64_1(a, 0x70u + (unsigned)cc);
    x64_1(a, 0);
    return x64_offset(a);
}
static inline uint32_t x64_jmp8(struct x64_asm *a)
{
    x64_1(a, 0xeb);
    x64_1(a, 0);
    return x64_offset(a);
}
static inline void x64_patch8(struct x64_asm *a, uint32_t from)
{
    g_assert(x64_offset(a) - from < 128);
    a->sec[a->cur].base[from - 1] = (uint8_t)(x64_offset(a) - from);
}

/* n bytes of no-operation (Intel SDM volume 2B, NOP: recommended multi-byte sequences). */
static inline void x64_nops(struct x64_asm *a, unsigned n)
{
    static const uint8_t nop[9][9] = {
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };

    while (n) {
        unsigned k = n > 9 ? 9 : n;
        memcpy(a->p, nop[k - 1], k);
        a->p += k;
        n -= k;
    }
}

#endif
