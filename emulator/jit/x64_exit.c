/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ways out of generated code: snapshots and exits, helper calls, calls of C from cold code.
 */
#include "emulator/jit/x64.h"

#define CPU(field) x64_at(R_CPU, (int32_t)offsetof(struct jit_cpu, field))

/* ------------------------------------------------------------------------------------------------ snapshots */

/* Writes the exit's values to their slots. Locations never change here, so several stubs may do this in turn.
 */
static void write_snapshot(struct x64_ctx *c, const struct ir_exit *e)
{
    const struct ir_region *r = c->r;
    bool written[IR_MAX_SLOTS] = {false};
    uint32_t aside[IR_MAX_SLOTS];
    uint32_t n_aside = 0;

    for (uint32_t k = 0; k < e->count; k++) {
        written[r->snap[e->first + k].slot] = true;
    }
    /* a slot that is still the only place of another slot's new value is read before it is written */
    for (uint32_t k = 0; k < e->count; k++) {
        const struct ir_snap *s = &r->snap[e->first + k];
        struct x64_loc src = x64_where(c, s->value);
        if (src.kind == XL_HOME && (uint32_t)src.off != s->slot && written[src.off]) {
            struct x64_loc tmp = {.kind = XL_TEMP, .type = src.type, .off = (int32_t)(16 * n_aside)};
            x64_copy(c, &tmp, &src, 0);
            aside[n_aside++] = k;
        }
    }
    uint64_t rax = 0; /* constant in rax */
    bool rax_known = false;
    for (uint32_t k = 0, j = 0; k < e->count; k++) {
        const struct ir_snap *s = &r->snap[e->first + k];
        struct x64_loc src = x64_where(c, s->value);
        struct x64_loc dst = {.kind = XL_HOME, .type = c->guest->slot[s->slot].type, .off = (int32_t)s->slot};
        if (j < n_aside && aside[j] == k) {
            j++;
            continue;
        }
        const struct x64_val *v = &c->val[x64_canon(c, s->value)];
        if (src.kind != XL_IMM && v->mem == XW_HOME && v->home == s->slot) {
            continue;
        }
        if (src.kind == XL_IMM && (dst.type == IR_I64 || dst.type == IR_F64) &&
            (int64_t)src.imm != (int32_t)src.imm) {
            if (!rax_known || rax != src.imm) {
                x64_imm(&c->a, RAX, src.imm, true);
                rax = src.imm;
                rax_known = true;
            }
            x64_store(&c->a, true, x64_slot_mem(c, s->slot), RAX);
            continue;
        }
        if (src.kind != XL_REG && src.kind != XL_IMM) {
            rax_known = false;
        }
        x64_copy(c, &dst, &src, 0);
    }
    for (uint32_t j = 0; j < n_aside; j++) {
        const struct ir_snap *s = &r->snap[e->first + aside[j]];
        struct x64_loc tmp = {
            .kind = XL_TEMP, .type = c->val[x64_canon(c, s->value)].type, .off = (int32_t)(16 * j)};
        struct x64_loc dst = {.kind = XL_HOME, .type = c->guest->slot[s->slot].type, .off = (int32_t)s->slot};
        x64_copy(c, &dst, &tmp, 0);
    }
}

static void store_ref(struct x64_ctx *c, ir_ref v, struct x64_mem m, bool wide)
{
    struct x64_loc src = x64_where(c, v);
    struct x64_loc rax = {.kind = XL_REG, .type = IR_I64, .reg = RAX};

    if (!wide && src.type == IR_I64) { /* an address of a guest with 32 bits */
        x64_copy(c, &rax, &src, 0);
        x64_mov(&c->a, false, RAX, RAX);
        x64_store(&c->a, true, m, RAX);
        return;
    }
    if (src.kind == XL_REG && src.reg < XMM0) {
        x64_store(&c->a, true, m, src.reg);
        return;
    }
    if (src.kind == XL_IMM && (int64_t)src.imm == (int32_t)src.imm) {
        x64_store_imm(&c->a, true, m, (int32_t)src.imm);
        return;
    }
    x64_copy(c, &rax, &src, 0);
    x64_store(&c->a, true, m, RAX);
}

/* ---------------------------------------------------------------------------------------------------- exits */

static void leave(struct x64_ctx *c, uint32_t exit, const void *how)
{
    x64_imm_pointer(&c->a, RAX, XR_SITE, exit);
    x64_jmp_abs(&c->a, how);
}

/* The displacement lies within one aligned 8-byte word with its opcode: patched by one store. */
static void linked_jump(struct x64_ctx *c, struct exit_site *site)
{
    struct x64_asm *a = &c->a;
    unsigned at = x64_offset(a) & 7;

    if (at > 3) {
        x64_nops(a, 8 - at);
    }
    site->patch = (uint8_t *)(uintptr_t)(x64_here(a) + 1); /* a place in a section until the end */
    x64_1(a, 0xe9);
    x64_4(a, 0);
}

/* Like a direct exit, the way back stays in the region's page, whose mapping it shares. */
static bool returns_here(const struct x64_ctx *c, const struct ir_exit *e)
{
    return e->call_return_valid &&
           (c->user || !(((e->return_pc ^ c->r->pc) & ~c->guest->pc_state) & JIT_PAGE_MASK));
}

#define JC(field)   ((int32_t)offsetof(struct jit_jump_cache, field))
#define BACK(field) x64_at_index(RCX, RDX, 0, JC(back) + (int32_t)offsetof(struct jit_jc_entry, field))

/* rcx = the jump cache, rdx = byte offset of its newest expected return. */
static void newest_return(struct x64_ctx *c)
{
    x64_load(&c->a, true, RCX, CPU(jc));
    x64_load(&c->a, false, RDX, x64_at(RCX, JC(newest)));
}

static void step_newest(struct x64_ctx *c, int step)
{
    struct x64_asm *a = &c->a;

    x64_alu_ri(a, ALU_ADD, false, RDX, step * (int)sizeof(struct jit_jc_entry));
    x64_alu_ri(a, ALU_AND, false, RDX, (JIT_BACK_ENTRIES - 1) * (int)sizeof(struct jit_jc_entry));
    x64_store(a, false, x64_at(RCX, JC(newest)), RDX);
}

/*
 * The way back of a call that leaves here: code that goes on at the return address.  It is put among the
 * expected returns, and the host expects it as what its next unmatched RET goes to.  All slots are in memory;
 * rax is kept.
 */
static void expect_return(struct x64_ctx *c, const struct ir_exit *e)
{
    struct x64_asm *a = &c->a;
    struct exit_site *site = &c->site[c->next_return++];
    uint64_t pc = e->return_pc, follow = pc + (1u << c->guest->insn_shift);
    uint32_t back = x64_label(a), on = x64_label(a);

    *site = (struct exit_site){.region = c->owner,
                               .kind = IR_EXIT_DIRECT,
                               .pc = pc,
                               .npc = c->guest->address64 ? follow : (uint32_t)follow};
    newest_return(c);
    step_newest(c, 1);
    x64_lea_label(a, RSI, back);
    x64_store(a, true, BACK(code), RSI);
    if ((int64_t)pc == (int32_t)pc) {
        x64_store_imm(a, true, BACK(pc), (int32_t)pc);
    } else {
        x64_imm(a, RSI, pc, true);
        x64_store(a, true, BACK(pc), RSI);
    }
    x64_nops(a, (3 - x64_offset(a)) & 7); /* what follows the CALL is a jump that can be patched */
    x64_1(a, 0xe8);
    x64_reloc(a, XR_LABEL, on);
    x64_4(a, 0);
    x64_bind(a, back);
    linked_jump(c, site);
    x64_imm_pointer(a, RAX, XR_SITE, c->next_return - 1);
    x64_jmp_abs(a, c->be->code.leave_pc);
    x64_bind(a, on);
    x64_alu_ri(a, ALU_ADD, true, RSP, 8);
}

/* To the newest expected return if that is where rax points. */
static void take_return(struct x64_ctx *c)
{
    struct x64_asm *a = &c->a;
    uint32_t other = x64_label(a);

    newest_return(c);
    x64_rm(a, 0x39 | X_W, RAX, BACK(pc));
    x64_jcc(a, CC_NE, other);
    x64_rm(a, 0xff, 6, BACK(code)); /* push */
    step_newest(c, -1);
    x64_1(a, 0xc3);
    x64_bind(a, other);
}

void x64_exit_code(struct x64_ctx *c, uint32_t exit, int info_reg)
{
    const struct ir_region *r = c->r;
    const struct ir_exit *e = &r->exit[exit];
    struct x64_asm *a = &c->a;
    const struct x64_code *code = &c->be->code;
    bool indirect = e->kind == IR_EXIT_INDIRECT, wide = c->guest->address64;

    x64_need(a, 768 + (size_t)e->count * 48);
    if (info_reg >= 0) {
        x64_store(a, true, CPU(exit_info), info_reg);
    }
    if (e->kind == IR_EXIT_RAISE) {
        if (e->info) {
            store_ref(c, e->info, CPU(exit_info), true);
        } else {
            x64_store_imm(a, true, CPU(exit_info), 0);
        }
        x64_store_imm(a, false, CPU(exit_reason), (int32_t)e->reason);
    }
    struct x64_loc pc = {.kind = XL_IMM, .imm = e->pc};
    if (e->pc_ref) {
        pc = x64_where(c, e->pc_ref);
        if (!indirect || (pc.kind != XL_REG && pc.kind != XL_IMM)) {
            store_ref(c, e->pc_ref, CPU(pc), wide); /* before the snapshot: its place may be a slot */
        }
    }
    if (e->npc_ref && !indirect) {
        store_ref(c, e->npc_ref, CPU(npc), wide);
    }
    write_snapshot(c, e);
    int32_t back = (int32_t)e->refund - c->owed;
    if (back) {
        x64_alu_ri(a, ALU_ADD, true, R_BUDGET, back);
    }
    if (indirect) {
        unsigned s = c->guest->insn_shift;
        if (pc.kind == XL_REG) {
            x64_mov(a, wide, RAX, pc.reg);
        } else if (pc.kind == XL_IMM) {
            x64_imm(a, RAX, wide || !e->pc_ref ? pc.imm : (uint32_t)pc.imm, true);
        } else {
            x64_load(a, true, RAX, CPU(pc));
        }
        if (returns_here(c, e)) {
            expect_return(c, e);
        } else if (e->hint == IR_HINT_RETURN) {
            take_return(c);
        }
        /* entry = jc + ((pc >> shift) & mask) * 16 */
        _Static_assert(sizeof(struct jit_jc_entry) == 16, "jump cache entry");
        x64_mov(a, false, RCX, RAX);
        if (s < 4) {
            x64_shift_ri(a, SH_SHL, false, RCX, 4 - s);
        } else if (s > 4) {
            x64_shift_ri(a, SH_SHR, false, RCX, s - 4);
        }
        x64_alu_ri(a, ALU_AND, false, RCX, (JIT_JC_ENTRIES - 1) << 4);
        x64_alu_rm(a, ALU_ADD, true, RCX, CPU(jc));
        x64_rm(a, 0x39 | X_W, RAX, x64_at(RCX, offsetof(struct jit_jc_entry, pc)));
        uint32_t miss = x64_label(a), cur = a->cur;
        x64_jcc(a, CC_NE, miss);
        x64_rm(a, 0xff, 4, x64_at(RCX, offsetof(struct jit_jc_entry, code)));
        if (cur != XS_STUB) {
            x64_section(a, XS_STUB);
        }
        x64_bind(a, miss);
        x64_store(a, true, CPU(pc), RAX);
        x64_alu_ri(a, ALU_ADD, c->guest->address64, RAX, 1 << s);
        x64_store(a, true, CPU(npc), RAX);
        leave(c, exit, code->leave);
        if (cur != XS_STUB) {
            x64_section(a, cur);
        }
        return;
    }
    if (e->kind == IR_EXIT_DIRECT && !e->pc_ref && !c->site[exit].patch) {
        if (returns_here(c, e)) {
            expect_return(c, e);
        }
        linked_jump(c, &c->site[exit]);
    }
    if (e->pc_ref) {
        if (!e->npc_ref) { /* what follows pc */
            x64_load(a, true, RAX, CPU(pc));
            x64_alu_ri(a, ALU_ADD, c->guest->address64, RAX, 1 << c->guest->insn_shift);
            x64_store(a, true, CPU(npc), RAX);
        }
        leave(c, exit, code->leave);
    } else if (e->npc_ref) {
        x64_imm(a, RAX, e->pc, true);
        x64_store(a, true, CPU(pc), RAX);
        leave(c, exit, code->leave);
    } else {
        leave(c, exit, code->leave_pc);
    }
}

uint32_t x64_exit_stub(struct x64_ctx *c, uint32_t exit)
{
    struct x64_asm *a = &c->a;
    uint32_t label = x64_label(a), cur = a->cur;

    x64_section(a, XS_STUB);
    x64_bind(a, label);
    x64_exit_code(c, exit, -1);
    x64_section(a, cur);
    return label;
}

/* ---------------------------------------------------------------------------------------------------- calls */

static const uint8_t arg_reg[6] = {RDI, RSI, RDX, RCX, R8, R9};

void x64_call_c(struct x64_ctx *c, const void *function)
{
    uintptr_t lo = (uintptr_t)c->be->arena.rx, hi = lo + c->be->arena.size, f = (uintptr_t)function;
    uint64_t far = f > hi ? f - lo : hi - f;

    if (far < 0x7fff0000u) {
        x64_call_abs(&c->a, function);
    } else {
        x64_imm_pointer(&c->a, RAX, XR_FUNCTION, f);
        x64_rr(&c->a, 0xff, 2, RAX);
    }
}

/* Arguments `first`... of the C function to their registers; the seventh to the stack. */
static void move_args(struct x64_ctx *c, const struct x64_loc *arg, unsigned n, unsigned first)
{
    c->n_move = 0;
    for (unsigned k = 0; k < n; k++) {
        struct x64_loc dst = {.kind = XL_REG, .type = arg[k].type};
        if (first + k < 6) {
            dst.reg = (int8_t)arg_reg[first + k];
            if (arg[k].kind == XL_REG && arg[k].reg == dst.reg) {
                continue;
            }
        } else if (arg[k].type == IR_I32) { /* it may stand for its zero-extension: the upper half counts */
            dst.reg = RAX;
            x64_copy(c, &dst, &arg[k], 0);
            x64_store(&c->a, true, x64_at(RSP, 0), RAX);
            continue;
        } else {
            dst.kind = XL_SPILL;
            dst.off = 0;
        }
        x64_add_move(c, dst, arg[k]);
    }
    x64_moves(c);
}

/* A helper sees the budget as it is at this place. */
static void before_helper(struct x64_ctx *c)
{
    if (c->owed) {
        x64_alu_ri(&c->a, ALU_SUB, true, R_BUDGET, c->owed);
    }
    x64_store(&c->a, true, CPU(budget), R_BUDGET);
}

static void after_helper(struct x64_ctx *c, const struct ir_helper *h)
{
    x64_load(&c->a, true, R_BUDGET, CPU(budget));
    if (c->owed) {
        x64_alu_ri(&c->a, ALU_ADD, true, R_BUDGET, c->owed);
    }
    if (!c->user) {
        x64_load(&c->a, true, R_MEM, CPU(tlb));
    }
    if (c->uses_bank && (h->flags & (IR_HELPER_WRITES | IR_HELPER_BANK))) {
        x64_load(&c->a, true, R_BANK, CPU(bank));
    }
}

/* Registers of arguments stay what they are until the arguments have been moved. */
static void lock_args(struct x64_ctx *c, const struct ir_call *call)
{
    for (unsigned k = 0; k < call->helper->n_args; k++) {
        int r = c->val[x64_canon(c, call->arg[k])].reg;
        if (r >= 0) {
            c->locked |= 1u << r;
        }
    }
}

/* Vectors are passed by address: of where they are in memory, or of a place on the stack. */
static void vectors_to_memory(struct x64_ctx *c, const struct ir_call *call, struct x64_mem at[6])
{
    for (unsigned k = 0; k < call->helper->n_args; k++) {
        if (call->helper->arg_type[k] != IR_V128) {
            continue;
        }
        const struct x64_val *v = &c->val[x64_canon(c, call->arg[k])];
        if (v->mem != XW_NONE) {
            at[k] = x64_val_mem(c, call->arg[k]);
        } else {
            at[k] = x64_at(RSP, X64_VECTORS + 16 * (int32_t)k);
            x64_store_type(c, IR_V128, at[k], v->reg);
        }
    }
}

void x64_call(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    const struct ir_call *call = &c->r->call[i->a];
    const struct ir_helper *h = call->helper;
    struct x64_asm *a = &c->a;
    struct x64_loc arg[6];
    struct x64_mem vector[6];
    unsigned first = h->result == IR_V128 ? 2 : 1, n_args = MIN(h->n_args, G_N_ELEMENTS(arg));

    if (h->flags & IR_HELPER_WRITES) {
        x64_home_lost(c, -1);
    }
    x64_need(a, 1024);
    lock_args(c, call);
    x64_spill_caller_saved(c);
    vectors_to_memory(c, call, vector);
    for (unsigned k = 0; k < n_args; k++) {
        arg[k] = h->arg_type[k] == IR_V128 ? (struct x64_loc){.kind = XL_IMM, .type = IR_I32}
                                           : x64_where(c, call->arg[k]);
    }
    before_helper(c);
    move_args(c, arg, n_args, first);
    for (unsigned k = 0; k < n_args; k++) {
        if (h->arg_type[k] == IR_V128) {
            int reg = first + k < 6 ? arg_reg[first + k] : RAX;
            x64_lea(a, true, reg, vector[k]);
            if (reg == RAX) {
                x64_store(a, true, x64_at(RSP, 0), RAX);
            }
        }
    }
    if (h->result == IR_V128) {
        x64_lea(a, true, RSI, x64_at(RSP, X64_VECTOR_OUT));
    }
    x64_mov(a, true, RDI, R_CPU);
    x64_call_c(c, h->function);
    after_helper(c, h);
    for (int k = 0; k < 32; k++) {
        if ((X64_CALLER_SAVED >> k & 1) && c->reg_val[k]) {
            c->val[c->reg_val[k]].reg = -1;
            c->reg_val[k] = 0;
        }
    }
    if (i->type != IR_VOID && c->val[p].n_use) {
        int dst = x64_new(c, p);
        if (i->type == IR_V128) {
            x64_load_type(c, IR_V128, dst, x64_at(RSP, X64_VECTOR_OUT));
        } else {
            x64_move_reg(c, (enum ir_type)i->type, dst, RAX);
        }
    }
}

void x64_cold_call(struct x64_ctx *c, const void *function, const struct ir_insn *insn,
                   const struct x64_loc *arg, unsigned n_args, int result, enum ir_type result_type)
{
    struct x64_asm *a = &c->a;

    x64_need(a, 1024);
    x64_call_abs(a, c->be->code.save);
    move_args(c, arg, n_args, insn ? 2 : 1);
    if (insn) { /* a copy that lives as long as the code */
        uint64_t w[2];
        _Static_assert(sizeof(*insn) == sizeof(w), "struct ir_insn");
        memcpy(w, insn, sizeof(w));
        x64_rm(a, 0x8d | X_W, RSI, x64_const_mem(a, w[0], w[1]));
    }
    x64_store(a, true, CPU(budget), R_BUDGET);
    x64_mov(a, true, RDI, R_CPU);
    x64_call_c(c, function);
    if (result >= 0) {
        if (X64_CALLER_SAVED >> result & 1) {
            if (result_type == IR_I32) {
                x64_mov(a, false, RAX, RAX);
            }
            x64_store(a, true, x64_save_slot(result), RAX);
        } else {
            x64_move_reg(c, result_type, result, RAX);
        }
    }
    x64_call_abs(a, c->be->code.restore);
}

/* The registers that hold something which a C function may overwrite: to or from their places in the frame.
 */
static void keep_live(struct x64_ctx *c, bool back)
{
    for (int r = 0; r < 32; r++) {
        uint32_t v = c->reg_val[r];
        if (!(X64_CALLER_SAVED >> r & 1) || !v || c->val[v].last <= c->pos) {
            continue;
        }
        enum ir_type t = r < XMM0 ? IR_I64 : IR_V128;
        if (back) {
            x64_load_type(c, t, r, x64_save_slot(r));
        } else {
            x64_store_type(c, t, x64_save_slot(r), r);
        }
    }
}

void x64_call_if(struct x64_ctx *c, uint32_t p)
{
    const struct ir_insn *i = &c->r->insn[p];
    const struct ir_call *call = &c->r->call[i->b];
    const struct ir_helper *h = call->helper;
    struct x64_asm *a = &c->a;
    struct x64_loc arg[6];

    if (h->flags & IR_HELPER_WRITES) {
        x64_home_lost(c, -1);
    }
    lock_args(c, call);
    enum x64_cc cc = x64_condition(c, i->a);
    if (cc == CC_NEVER) {
        return;
    }
    for (unsigned k = 0; k < h->n_args; k++) {
        arg[k] = x64_where(c, call->arg[k]);
    }
    uint32_t stub = x64_label(a), back = x64_label(a), cur = a->cur;
    x64_jump_if(c, cc, stub);
    x64_section(a, XS_STUB);
    x64_bind(a, stub);
    x64_need(a, 2048);
    keep_live(c, false);
    before_helper(c);
    move_args(c, arg, h->n_args, 1);
    x64_mov(a, true, RDI, R_CPU);
    x64_call_c(c, h->function);
    after_helper(c, h);
    keep_live(c, true);
    x64_jmp(a, back);
    x64_section(a, cur);
    x64_bind(a, back);
}
