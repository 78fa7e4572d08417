/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guest memory.
 *
 * System mode: a guard is an inline look-up in the TLB (jit.h) that gives a host address.
 * User mode:   a guard is nothing but its alignment test; accesses are [window + address + displacement], and
 *              each host instruction that may fault has a stub in the fault table that leaves by the guard's
 *              exit.  Additions of small constants are part of the displacement: the window has guard zones of
 *              64 KiB at both ends, where an address faults that should have wrapped around.
 */
#include "emulator/jit/x64.h"

#define CPU(field) x64_at(R_CPU, (int32_t)offsetof(struct jit_cpu, field))

/* ---------------------------------------------------------------------------------------------------- guards */

uint32_t x64_guard_base(struct x64_ctx *c, uint32_t guard, int64_t *disp)
{
    uint32_t v = x64_canon(c, c->r->insn[guard].a);
    const struct ir_insn *i = &c->r->insn[v];
    uint64_t k;

    *disp = 0;
    if (i->op == IR_ADD && (c->val[v].flags & XV_LAZY) && x64_const(c, i->b, &k)) {
        *disp = i->type == IR_I32 ? (int32_t)k : (int64_t)k;
        v = x64_canon(c, i->a);
    }
    return v;
}

/* rax = guest address of an access, for the fault's stub */
static void guest_address(struct x64_ctx *c, uint32_t base, int64_t disp, bool w)
{
    uint64_t k;

    if (x64_const(c, base, &k)) {
        k += (uint64_t)disp;
        x64_imm(&c->a, RAX, w ? k : (uint32_t)k, true);
    } else if (c->val[base].reg >= 0) {
        x64_lea(&c->a, w, RAX, x64_at(c->val[base].reg, (int32_t)disp));
    } else {
        x64_load(&c->a, c->val[base].type == IR_I64, RAX, x64_val_mem(c, base));
        if (disp) {
            x64_alu_ri(&c->a, ALU_ADD, w, RAX, (int32_t)disp);
        }
    }
}

static void guard_user(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    unsigned align = IR_MEM_ALIGN_OF(i->aux);
    int64_t disp;
    uint64_t k = 0;

    if (!align) {
        return;
    }
    uint32_t base = x64_guard_base(c, p, &disp);
    int32_t mask = (1 << align) - 1;
    bool w = c->r->insn[i->a].type == IR_I64;
    struct x64_asm *a = &c->a;

    if (x64_const(c, base, &k)) {
        if (!((k + (uint64_t)disp) & (uint64_t)mask)) {
            return;
        }
    }
    if (x64_const(c, base, &k) || (disp & mask)) {
        int r = x64_const(c, base, &k) ? -1 : x64_in(c, base);
        if (r < 0) {
            x64_imm(a, RAX, k + (uint64_t)disp, true);
        } else {
            x64_lea(a, w, RAX, x64_at(r, (int32_t)disp));
        }
        x64_1(a, 0xa8); /* test al, imm8 */
        x64_1(a, (unsigned)mask);
    } else {
        int r = x64_in(c, base);
        if (r < 4) {
            x64_rr(a, 0xf6 | X_B8, 0, r);
            x64_1(a, (unsigned)mask);
        } else {
            x64_rr(a, 0xf7, 0, r);
            x64_4(a, (uint32_t)mask);
        }
    }
    uint32_t stub = x64_label(a), cur = a->cur;
    x64_jcc(a, CC_NE, stub);
    x64_section(a, XS_STUB);
    x64_bind(a, stub);
    guest_address(c, base, disp, w);
    x64_exit_code(c, i->b, RAX);
    x64_section(a, cur);
}

/* Is a guard in this block run often enough to pay for what the memo costs each time the region is entered? */
static bool wants_memo(const struct x64_ctx *c, uint32_t block)
{
    return c->r->block[block].loop_depth > 0 && c->r->block[block].loop_depth == c->deepest;
}

/* Frame offset of 16 bytes for a guard's memo, or -1. */
static int32_t x64_take_memo(struct x64_ctx *c)
{
    if (c->memo == c->memo_end || !wants_memo(c, c->block)) {
        return -1;
    }
    c->memo += 16;
    return c->memo - 16;
}

/* Memos hold as long as no mapping changes, and none does while the region runs: but in helpers that write state. */
void x64_memos(struct x64_ctx *c)
{
    const struct ir_region *r = c->r;
    int32_t n = 0;

    c->memo = c->memo_end = 0;
    if (c->user || c->tier < 2) {
        return;
    }
    for (uint32_t k = 0; k < r->n_calls; k++) {
        if (r->call[k].helper->flags & IR_HELPER_WRITES) {
            return;
        }
    }
    c->deepest = 0;
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        c->deepest = MAX(c->deepest, r->block[b].loop_depth);
    }
    for (uint32_t b = 0; b < r->n_blocks && n < X64_MAX_MEMOS; b++) {
        for (uint32_t p = r->block[b].first; p < r->block[b].last && n < X64_MAX_MEMOS; p++) {
            n += wants_memo(c, b) && r->insn[p].op == IR_GUARD;
        }
    }
    c->memo = (c->spill_top + 15) & ~15;
    c->memo_end = c->memo + n * 16;
    c->spill_top = c->memo_end;
    for (int32_t m = c->memo; m < c->memo_end; m += 16) {
        x64_store_imm(&c->a, true, x64_at(RSP, m), -1);
    }
}

static void guard_system(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    bool w = c->r->insn[i->a].type == IR_I64, write = i->aux & IR_MEM_WRITE;
    int32_t lo = (int16_t)(i->c & 0xffff), hi = (int16_t)(i->c >> 16);
    int32_t align = 1 << IR_MEM_ALIGN_OF(i->aux);
    uint64_t k;

    _Static_assert(sizeof(struct jit_tlb_entry) == 32, "TLB entry");
    int addr = x64_in(c, i->a), dst = x64_new(c, p);
    bool fixed = x64_const(c, i->a, &k);
    int64_t index = 0;
    /* The last aligned unit of the range must lie in the page of the first byte; bits below the alignment
     * stay in the comparison so that a misaligned address misses. */
    int32_t last = hi > lo ? ((hi - 1) & ~(align - 1)) : 0;
    int32_t tag = write ? (int32_t)offsetof(struct jit_tlb_entry, write) : (int32_t)offsetof(struct jit_tlb_entry, read);
    struct x64_mem entry;
    /* In a loop: the page that this guard met last and its addend stand in the frame. When it is the same page
     * again, the access does not wait for the look-up. */
    int32_t memo = fixed || lo || last ? -1 : x64_take_memo(c);
    uint32_t miss = x64_label(a), back = x64_label(a), same = 0, cur = a->cur;

    if (memo >= 0) {
        uint32_t other = x64_label(a);
        same = x64_label(a);
        x64_mov(a, w, dst, addr);
        x64_alu_ri(a, ALU_AND, w, dst, (int32_t)JIT_PAGE_MASK | (align - 1));
        x64_alu_rm(a, ALU_CMP, true, dst, x64_at(RSP, memo));
        x64_jcc(a, CC_NE, other);
        x64_load(a, true, dst, x64_at(RSP, memo + 8));
        x64_section(a, XS_STUB);
        x64_bind(a, other);
    }
    if (fixed) {
        uint64_t first = k + (uint64_t)(int64_t)lo;
        index = (int64_t)(first >> JIT_PAGE_BITS & (JIT_TLB_ENTRIES - 1)) * 32;
        entry = x64_at(R_MEM, (int32_t)index);
    } else {
        if (lo) {
            x64_lea(a, w, RAX, x64_at(addr, lo));
        } else {
            x64_mov(a, w, RAX, addr);
        }
        x64_shift_ri(a, SH_SHR, false, RAX, JIT_PAGE_BITS - 5);
        x64_alu_ri(a, ALU_AND, false, RAX, (JIT_TLB_ENTRIES - 1) << 5);
        entry = x64_at_index(R_MEM, RAX, 0, 0);
    }
    if (memo < 0) {
        if (last) {
            x64_lea(a, w, dst, x64_at(addr, last));
        } else {
            x64_mov(a, w, dst, addr);
        }
        x64_alu_ri(a, ALU_AND, w, dst, (int32_t)JIT_PAGE_MASK | (align - 1));
    }
    entry.disp += tag;
    x64_alu_rm(a, ALU_CMP, true, dst, entry);
    entry.disp += (int32_t)offsetof(struct jit_tlb_entry, addend) - tag;
    x64_jcc(a, CC_NE, miss);
    if (memo >= 0) {
        x64_store(a, true, x64_at(RSP, memo), dst);
    }
    x64_load(a, true, dst, entry);
    if (memo >= 0) {
        x64_store(a, true, x64_at(RSP, memo + 8), dst);
        x64_jmp(a, same);
        x64_section(a, cur);
        x64_bind(a, same);
    }
    /* The only access follows at once: it adds the address itself. */
    const struct ir_insn *n = i + 1;
    bool direct = c->val[p].n_use == 1 && p + 1 < c->r->block[c->block].last &&
                  (n->op == IR_LOAD || n->op == IR_STORE) && n->a == p && !(n->op == IR_STORE && n->b == p);
    if (direct) {
        c->direct_guard = p;
        c->direct_reg = addr;
    } else {
        x64_alu_rr(a, ALU_ADD, true, dst, addr);
    }
    x64_bind(a, back);

    x64_section(a, XS_STUB);
    x64_bind(a, miss);
    uint32_t cross = 0;
    if (last || lo) { /* first and last byte in one page? */
        x64_lea(a, w, RAX, x64_at(addr, lo));
        x64_alu_rr(a, ALU_XOR, true, RAX, dst);
        x64_rr(a, 0xf7 | X_W, 0, RAX); /* test rax, page mask */
        x64_4(a, (uint32_t)JIT_PAGE_MASK);
        cross = x64_jcc8(a, CC_NE);
    }
    x64_store_imm(a, false, x64_at(RSP, X64_TEMP), i->aux);
    if (lo) {
        x64_lea(a, w, RAX, x64_at(addr, lo));
    } else {
        x64_mov(a, w, RAX, addr);
    }
    bool xmm = false;
    for (int r = XMM0; r < XMM15; r++) {
        xmm |= c->reg_val[r] != 0;
    }
    x64_call_abs(a, xmm ? c->be->code.guard_xmm : c->be->code.guard);
    x64_rr(a, 0x85 | X_W, RAX, RAX);
    uint32_t fail = x64_jcc8(a, CC_E);
    if (lo) {
        x64_lea(a, true, dst, x64_at(RAX, -lo));
    } else {
        x64_mov(a, true, dst, RAX);
    }
    if (direct) {
        x64_alu_rr(a, ALU_SUB, true, dst, addr);
    }
    x64_jmp(a, back);
    x64_patch8(a, fail);
    if (cross) {
        x64_patch8(a, cross);
    }
    x64_exit_code(c, i->b, addr);
    x64_section(a, cur);
}

void x64_guard(struct x64_ctx *c, uint32_t p)
{
    if (c->user) {
        guard_user(c, p);
    } else {
        guard_system(c, p);
    }
}

/* ---------------------------------------------------------------------------------------------------- accesses */

/* The host operand of an access with base `i->a` and offset `off`. */
static struct x64_mem access_mem(struct x64_ctx *c, const struct ir_insn *i, int32_t off)
{
    uint64_t k;
    int64_t disp;

    if (!c->user || c->r->insn[i->a].op != IR_GUARD) {
        if (c->direct_guard && c->direct_guard == i->a) {
            c->locked |= 1u << c->direct_reg; /* still there: nothing came in between */
            return x64_at_index(x64_in(c, i->a), c->direct_reg, 0, off);
        }
        return x64_at(x64_in(c, i->a), off);
    }
    uint32_t base = x64_guard_base(c, i->a, &disp);
    disp += off;
    if (x64_const(c, base, &k) && c->val[base].reg < 0) {
        uint64_t at = k + (uint64_t)disp;
        if (at < 0x7fffffffu) {
            return x64_at(R_MEM, (int32_t)at);
        }
    }
    return x64_at_index(R_MEM, x64_in(c, base), 0, (int32_t)disp);
}

/* The next instruction may fault: its stub. Call right before emitting it, when all operands are in place. */
static bool may_fault(struct x64_ctx *c, const struct ir_insn *i, int32_t off)
{
    struct x64_asm *a = &c->a;
    int64_t disp;

    if (!c->user || c->r->insn[i->a].op != IR_GUARD) {
        return false;
    }
    const struct ir_insn *g = &c->r->insn[i->a];
    if (c->n_fault == c->max_fault) {
        c->max_fault = c->max_fault * 2 + 64;
        c->fault = g_renew(struct host_fault, c->fault, c->max_fault);
        c->fault_at = g_renew(uint64_t, c->fault_at, c->max_fault);
    }
    uint32_t cur = a->cur;
    c->fault_at[c->n_fault] = x64_here(a);
    x64_section(a, XS_STUB);
    c->fault[c->n_fault++].stub_offset = x64_offset(a);
    uint32_t base = x64_guard_base(c, i->a, &disp);
    guest_address(c, base, disp + off, c->r->insn[g->a].type == IR_I64);
    x64_exit_code(c, g->b, RAX);
    x64_section(a, cur);
    return true;
}

/* Code came in between (a spill): the faulting instruction begins here. */
static inline void here(struct x64_ctx *c, bool faults)
{
    if (faults) {
        c->fault_at[c->n_fault - 1] = x64_here(&c->a);
    }
}

static const uint64_t reverse_lo = 0x08090a0b0c0d0e0full, reverse_hi = 0x0001020304050607ull;

/* The 16 bytes of xmm in reverse order. */
static void reverse16(struct x64_ctx *c, int dst, int src)
{
    struct x64_asm *a = &c->a;

    if (c->f->ssse3) {
        x64_v3m(c, X_66 | X_0F38 | 0x00, dst, src, x64_const_mem(a, reverse_lo, reverse_hi)); /* pshufb */
        return;
    }
    struct x64_mem tmp = x64_at(RSP, X64_TEMP), high = x64_at(RSP, X64_TEMP + 8);
    x64_v2m(c, X_0F | 0x29, src, tmp); /* movaps */
    x64_load(a, true, RAX, tmp);
    x64_prefix(a, X_0F | 0xc8 | X_W, 0, 0, 0); /* bswap rax */
    x64_rm(a, 0x87 | X_W, RAX, high);          /* xchg */
    x64_prefix(a, X_0F | 0xc8 | X_W, 0, 0, 0);
    x64_store(a, true, tmp, RAX);
    x64_v2m(c, X_0F | 0x28, dst, tmp);
}

void x64_load_op(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    unsigned size = IR_MEM_SIZE(i->aux);
    bool big = (i->aux & IR_MEM_BIG) && size, sgn = i->aux & IR_MEM_SIGNED, w = i->type == IR_I64;
    int32_t off = (int32_t)i->c;
    struct x64_mem m = access_mem(c, i, off);

    bool faults = may_fault(c, i, off);
    c->locked = 0; /* the base may die into the result: a load reads before it writes */
    if (c->val[p].cls == XC_XMM) {
        int dst;
        if (!big) {
            dst = c->val[p].n_use ? x64_new(c, p) : X_TMP;
            here(c, faults);
            x64_load_type(c, size == 4 ? IR_V128 : size == 3 ? IR_F64 : IR_F32, dst, m);
        } else if (size == 4) {
            dst = x64_new(c, p);
            here(c, faults);
            x64_load_type(c, IR_V128, dst, m);
            reverse16(c, dst, dst);
        } else {
            bool q = size == 3;
            dst = x64_new(c, p);
            here(c, faults);
            if (c->f->movbe) {
                x64_rm(a, X_0F38 | 0xf0 | x64_w(q), RAX, m);
            } else {
                x64_load(a, q, RAX, m);
                x64_prefix(a, X_0F | 0xc8 | x64_w(q), 0, 0, 0);
            }
            x64_move_reg(c, q ? IR_F64 : IR_F32, dst, RAX);
        }
        return;
    }
    int dst = c->val[p].n_use ? x64_new(c, p) : RAX;
    here(c, faults);
    if (!big) {
        switch (size) {
        case 0:
            x64_rm(a, X_0F | (sgn ? 0xbeu : 0xb6u) | x64_w(sgn && w), dst, m);
            break;
        case 1:
            x64_rm(a, X_0F | (sgn ? 0xbfu : 0xb7u) | x64_w(sgn && w), dst, m);
            break;
        case 2:
            x64_rm(a, sgn && w ? 0x63 | X_W : 0x8bu, dst, m);
            break;
        default:
            x64_rm(a, 0x8b | x64_w(w), dst, m);
            break;
        }
        return;
    }
    switch (size) {
    case 1:
        x64_rm(a, X_0F | 0xb7, dst, m);
        x64_rr(a, X_66 | 0xc1, SH_ROL, dst); /* rol r16, 8 */
        x64_1(a, 8);
        if (sgn) {
            x64_rr(a, X_0F | 0xbf | x64_w(w), dst, dst);
        }
        break;
    default: {
        bool q = size == 3;
        if (c->f->movbe) {
            x64_rm(a, X_0F38 | 0xf0 | x64_w(q), dst, m);
        } else {
            x64_load(a, q, dst, m);
            x64_prefix(a, X_0F | (0xc8u | ((unsigned)dst & 7)) | x64_w(q), 0, 0, dst);
        }
        if (!q && sgn && w) {
            x64_rr(a, 0x63 | X_W, dst, dst);
        } else if (q && !w) {
            x64_mov(a, false, dst, dst);
        }
        break;
    }
    }
}

void x64_store_op(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    unsigned size = IR_MEM_SIZE(i->aux);
    bool big = (i->aux & IR_MEM_BIG) && size;
    int32_t off = (int32_t)i->c;
    struct x64_mem m = access_mem(c, i, off);
    uint32_t v = x64_canon(c, i->b);
    uint64_t k;

    if (c->val[v].cls == XC_XMM) {
        int src = x64_in(c, v);
        if (!big) {
            may_fault(c, i, off);
            x64_store_type(c, size == 4 ? IR_V128 : size == 3 ? IR_F64 : IR_F32, m, src);
        } else if (size == 4) {
            reverse16(c, X_TMP, src);
            may_fault(c, i, off);
            x64_store_type(c, IR_V128, m, X_TMP);
        } else {
            bool q = size == 3;
            x64_move_reg(c, q ? IR_F64 : IR_F32, RAX, src);
            if (c->f->movbe) {
                may_fault(c, i, off);
                x64_rm(a, X_0F38 | 0xf1 | x64_w(q), RAX, m);
            } else {
                x64_prefix(a, X_0F | 0xc8 | x64_w(q), 0, 0, 0);
                may_fault(c, i, off);
                x64_store(a, q, m, RAX);
            }
        }
        return;
    }
    if (x64_const(c, v, &k) && c->val[v].reg < 0) {
        if (big) {
            k = size == 1 ? __builtin_bswap16((uint16_t)k)
                : size == 2 ? __builtin_bswap32((uint32_t)k)
                            : __builtin_bswap64(k);
        }
        if (size < 3 || (int64_t)k == (int32_t)k) {
            may_fault(c, i, off);
            if (size == 0) {
                x64_rm(a, 0xc6, 0, m);
                x64_1(a, (unsigned)k & 0xff);
            } else if (size == 1) {
                x64_rm(a, 0xc7 | X_66, 0, m);
                x64_1(a, (unsigned)k & 0xff);
                x64_1(a, (unsigned)k >> 8 & 0xff);
            } else {
                x64_store_imm(a, size == 3, m, (int32_t)k);
            }
            return;
        }
        x64_imm(a, RAX, k, true);
        may_fault(c, i, off);
        x64_store(a, true, m, RAX);
        return;
    }
    int src = x64_in(c, v);
    if (!big) {
        may_fault(c, i, off);
        if (size == 0) {
            x64_rm(a, 0x88 | X_R8, src, m);
        } else if (size == 1) {
            x64_rm(a, 0x89 | X_66, src, m);
        } else {
            x64_store(a, size == 3, m, src);
        }
        return;
    }
    if (c->f->movbe) {
        may_fault(c, i, off);
        x64_rm(a, X_0F38 | 0xf1 | (size == 1 ? X_66 : 0) | x64_w(size == 3), src, m);
        return;
    }
    x64_mov(a, size == 3, RAX, src);
    if (size == 1) {
        x64_rr(a, X_66 | 0xc1, SH_ROL, RAX);
        x64_1(a, 8);
    } else {
        x64_prefix(a, X_0F | 0xc8 | x64_w(size == 3), 0, 0, 0);
    }
    may_fault(c, i, off);
    if (size == 1) {
        x64_rm(a, 0x89 | X_66, RAX, m);
    } else {
        x64_store(a, size == 3, m, RAX);
    }
}

/* ---------------------------------------------------------------------------------------------------- atomics */

/* reg = value of `bits` in guest order <-> host order; upper bits become zero */
static void swap_reg(struct x64_asm *a, int reg, unsigned size)
{
    if (size == 1) {
        x64_rr(a, X_66 | 0xc1, SH_ROL, reg);
        x64_1(a, 8);
        x64_rr(a, X_0F | 0xb7, reg, reg);
    } else if (size >= 2) {
        x64_prefix(a, X_0F | (0xc8u | ((unsigned)reg & 7)) | x64_w(size == 3), 0, 0, reg);
    }
}

static uint32_t sized(uint32_t op, unsigned size)
{
    switch (size) {
    case 0:
        return (op - 1) | X_R8; /* byte forms precede the others in the opcode map */
    case 1:
        return op | X_66;
    case 2:
        return op;
    default:
        return op | X_W;
    }
}

void x64_atomic_op(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    struct x64_asm *a = &c->a;
    unsigned size = IR_MEM_SIZE(i->aux);
    bool big = (i->aux & IR_MEM_BIG) && size, w = size == 3;
    struct x64_mem m = access_mem(c, i, i->op == IR_CAS ? 0 : (int32_t)i->c);
    int32_t off = i->op == IR_CAS ? 0 : (int32_t)i->c;
    int t = x64_temp(c, XC_GPR);

    if (i->op == IR_CAS) { /* lock cmpxchg: rax expected, then old */
        int rn = x64_in(c, i->c);
        struct x64_loc src = x64_where(c, i->b), rax = {.kind = XL_REG, .type = IR_I64, .reg = RAX};
        x64_mov(a, w, t, rn);
        if (big) {
            swap_reg(a, t, size);
        }
        x64_copy(c, &rax, &src, 0);
        if (big) {
            swap_reg(a, RAX, size);
        }
        may_fault(c, i, off);
        x64_rm(a, sized(X_0F | 0xb1, size) | X_LOCK, t, m);
    } else if (i->op == IR_XCHG) {
        int rn = x64_in(c, i->b);
        x64_mov(a, w, t, rn);
        if (big) {
            swap_reg(a, t, size);
        }
        may_fault(c, i, off);
        x64_rm(a, sized(0x87, size), t, m);
        x64_mov(a, w, RAX, t);
    } else if (!big) {
        int rn = x64_in(c, i->b);
        x64_mov(a, w, t, rn);
        may_fault(c, i, off);
        x64_rm(a, sized(X_0F | 0xc1, size) | X_LOCK, t, m); /* xadd */
        x64_mov(a, w, RAX, t);
    } else {
        int rn = x64_in(c, i->b);
        may_fault(c, i, off);
        x64_rm(a, size == 1 ? X_0F | 0xb7 : 0x8b | x64_w(w), RAX, m);
        uint32_t again = x64_label(a);
        x64_bind(a, again);
        x64_mov(a, w, t, RAX);
        swap_reg(a, t, size);
        x64_alu_rr(a, ALU_ADD, w, t, rn);
        swap_reg(a, t, size);
        may_fault(c, i, off);
        x64_rm(a, sized(X_0F | 0xb1, size) | X_LOCK, t, m);
        x64_jcc(a, CC_NE, again);
    }
    if (!c->val[p].n_use) {
        return;
    }
    if (big) {
        swap_reg(a, RAX, size);
    }
    c->locked = 0;
    int dst = x64_new(c, p);
    bool sgn = i->aux & IR_MEM_SIGNED, w64 = i->type == IR_I64;
    switch (size) {
    case 0:
        x64_rr(a, X_0F | (sgn ? 0xbeu : 0xb6u) | X_B8 | x64_w(sgn && w64), dst, RAX);
        break;
    case 1:
        x64_rr(a, X_0F | (sgn ? 0xbfu : 0xb7u) | x64_w(sgn && w64), dst, RAX);
        break;
    case 2:
        x64_rr(a, sgn && w64 ? 0x63 | X_W : 0x8bu, dst, RAX);
        break;
    default:
        x64_mov(a, w64, dst, RAX);
        break;
    }
}
