/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Control transfer and register windows (appendix B.20 to B.27).
 */
#include "emulator/cpu/sparc/internal.h"

/* ------------------------------------------------------------------------------------------- branches */

struct icc_branch {
    struct cc_state cc;
    unsigned cond;
};

static ir_ref icc_branch_test(struct xlat *x, const void *state)
{
    const struct icc_branch *branch = state;
    return cc_test(x, &branch->cc, branch->cond);
}

/* Branch always and never, whose annul bit works whatever the condition (B.21). */
static bool unconditional(struct xlat *x, unsigned cond, uint32_t target)
{
    struct jit_insn *i = x->i;
    uint32_t npc = (uint32_t)x->npc;
    if (cond & 7)
        return false;
    if (cond == 8 && !field_a(x->word)) {
        x_jump(x, target);
        return true;
    }
    uint32_t next = cond == 8 ? target : field_a(x->word) ? npc + 4 : npc;
    i->flow = next == x->pc + 4 ? JIT_NEXT : JIT_JUMP;
    i->next_pc = next;
    i->next_npc = (uint32_t)(next + 4);
    return true;
}

static void branch_icc(struct xlat *x, uint32_t target, bool xcc)
{
    struct icc_branch state = {.cond = field_cond(x->word)};
    if (unconditional(x, state.cond, target))
        return;
    state.cc = cc_capture(x, xcc);
    x_branch(x, target, field_a(x->word), icc_branch_test, &state);
}

void emit_bicc(struct xlat *x)
{
    branch_icc(x, x->pc + (uint32_t)field_disp22(x->word), false);
}

void emit_bpcc(struct xlat *x)
{
    if (x->word >> 20 & 1) { /* cc0 set: reserved */
        x_raise(x, SPARC_TT_ILLEGAL);
        return;
    }
    branch_icc(x, x->pc + (uint32_t)field_disp19(x->word), x->word >> 21 & 1);
}

struct fcc_branch {
    ir_ref a, b, more;
    bool signalling;
    unsigned fcc, cond;
};

unsigned fcc_mask(unsigned cond)
{
    /* table 5-14: conditions as sets of the relations U, G, L, E */
    enum { E = IR_FEQ, L = IR_FLT, G = IR_FGT, U = IR_FUN };
    static const uint8_t mask[16] = {
        0,             U | L | G,     L | G,     U | L,     L,         U | G,     G,         U, /* n ne lg ul l ug g u */
        E | L | G | U, E,             U | E,     G | E,     U | G | E, L | E,     U | L | E, L | G | E,
    };
    return mask[cond];
}

static ir_ref fcc_branch_test(struct xlat *x, const void *state)
{
    const struct fcc_branch *s = state;
    struct ir_builder *b = x->b;
    unsigned mask = fcc_mask(s->cond);
    if (!s->fcc)
        return ir_fcmp(b, mask | (s->signalling ? IR_FSIGNAL : 0), s->a, s->b);
    /* two bits: 0 E, 1 L, 2 G, 3 U, as the mask's order */
    ir_ref value = ir_op1(b, IR_EXTRACT, IR_I32, (uint16_t)((s->fcc - 1) * 2 | 2 << 8), s->more);
    return ir_bin(b, IR_AND, ir_bin(b, IR_SHR, x_i32(x, mask), value), x_i32(x, 1));
}

static void fcc_capture(struct xlat *x, struct fcc_branch *state)
{
    if (state->fcc) {
        state->more = ir_ldstate(x->b, IR_I32, 2, offsetof(struct sparc_cpu, fcc_more));
    } else {
        state->a = ir_get(x->b, SLOT_FCC_A);
        state->b = ir_get(x->b, SLOT_FCC_B);
        uint64_t kind;
        if (ir_slot_const(x->b, SLOT_FCMP_KIND, &kind) && kind) {
            state->signalling = kind == FCMP_SIGNALLING;
            ir_put(x->b, SLOT_FCMP_KIND, x_i32(x, FCMP_EVALUATED));
        }
    }
}

ir_ref fcc_test(struct xlat *x, unsigned fcc, unsigned cond)
{
    struct fcc_branch state = {.fcc = fcc, .cond = cond};
    if (!(cond & 7))
        return x_i32(x, cond == 8);
    fcc_capture(x, &state);
    return fcc_branch_test(x, &state);
}

static void branch_fcc(struct xlat *x, uint32_t target, unsigned fcc)
{
    struct fcc_branch state = {.fcc = fcc, .cond = field_cond(x->word)};
    if (unconditional(x, state.cond, target))
        return;
    fcc_capture(x, &state);
    x_branch(x, target, field_a(x->word), fcc_branch_test, &state);
}

void emit_fbfcc(struct xlat *x)
{
    branch_fcc(x, x->pc + (uint32_t)field_disp22(x->word), 0);
}

void emit_fbpfcc(struct xlat *x)
{
    branch_fcc(x, x->pc + (uint32_t)field_disp19(x->word), x->word >> 20 & 3);
}

void emit_cbccc(struct xlat *x)
{
    x_raise(x, SPARC_TT_CP_DISABLED);
}

/* ---------------------------------------------------------------------------------------------- jumps */

void emit_call(struct xlat *x)
{
    uint32_t target = x->pc + (x->word << 2);
    uint32_t return_pc = x->pc + 8;
    ir_put(x->b, SLOT_R(15), ir_const(x->b, x->T, x->pc));
    x_jump(x, target);
    if (x->i->n_insns == 2 && x->i->flow == JIT_JUMP) {
        x->i->hint = IR_HINT_CALL;
        x->i->return_pc = return_pc;
    }
}

void emit_jmpl(struct xlat *x)
{
    unsigned rd = field_rd(x->word), rs1 = field_rs1(x->word);
    ir_ref target = x_address(x);
    uint64_t k;
    if (ir_is_const(x->b, target, &k) && !(k & 3)) {
        x_put(x, rd, ir_const(x->b, x->T, x->pc));
        x_jump(x, (uint32_t)k);
        if (rd == 15 && x->i->n_insns == 2 && x->i->flow == JIT_JUMP) {
            x->i->hint = IR_HINT_CALL;
            x->i->return_pc = x->pc + 8;
        }
        return;
    }
    ir_raise_if(x->b, ir_bin(x->b, IR_AND, target, x_i32(x, 3)), SPARC_TT_MISALIGNED, IR_NONE);
    x_put(x, rd, ir_const(x->b, x->T, x->pc));
    enum ir_exit_hint hint = IR_HINT_NONE;
    if (rd == 15)
        hint = IR_HINT_CALL;
    else if (rd == 0 && (rs1 == 15 || rs1 == 31) && field_i(x->word))
        hint = IR_HINT_RETURN; /* ret, retl, and the forms that skip an UNIMP behind the call */
    x_jump_indirect(x, target, hint, x->pc + 8);
}

/* RETT (B.26): 0, or the trap type. */
static uint64_t helper_rett(struct jit_cpu *jit, uint32_t target)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    if (cpu->psr & SPARC_PSR_ET)
        return cpu->psr & SPARC_PSR_S ? SPARC_TT_ILLEGAL : SPARC_TT_PRIVILEGED;
    /* from here on ET = 0: any trap is error mode, with this type in TBR */
    if (!(cpu->psr & SPARC_PSR_S))
        return SPARC_TT_PRIVILEGED;
    uint32_t cwp = (cpu->cwp + 1) & (sparc_nwin(cpu) - 1);
    if (cpu->wim >> cwp & 1)
        return SPARC_TT_WINDOW_UNDERFLOW;
    if (target & 3)
        return SPARC_TT_MISALIGNED;
    sparc_set_cwp(cpu, cwp);
    cpu->psr |= SPARC_PSR_ET;
    if (!(cpu->psr & SPARC_PSR_PS))
        cpu->psr &= ~SPARC_PSR_S;
    sparc_update_mode(cpu);
    return 0;
}
const struct ir_helper sparc_helper_rett = {
    "sparc_rett", helper_rett, IR_HELPER_READS | IR_HELPER_WRITES | IR_HELPER_BANK, 1, IR_I32, {IR_I32},
};

/* The instruction is complete and control goes to npc, then to the computed `target`. */
static void end_at(struct xlat *x, ir_ref target)
{
    ir_insn_done(x->b);
    x->i->n_done++;
    ir_exit(x->b, IR_EXIT_DISPATCH, IR_HINT_NONE, x->npc_ref ? 0 : x->npc, 0, x->npc_ref, target);
    x->ended = true;
    x->i->flow = JIT_END;
}

void emit_rett(struct xlat *x)
{
    ir_ref arg[] = {x_address(x)};
    x_trap_if_result(x, ir_call(x->b, &sparc_helper_rett, arg));
    end_at(x, arg[0]);
}

/* V9 RETURN: RESTORE and JMPL in one, for user code. */
void emit_return(struct xlat *x)
{
    ir_ref target = x_address(x);
    ir_raise_if(x->b, ir_bin(x->b, IR_AND, target, x_i32(x, 3)), SPARC_TT_MISALIGNED, IR_NONE);
    x->word = 0x81e80000; /* restore %g0, %g0, %g0 */
    emit_restore(x);
    x_jump_indirect(x, target, IR_HINT_RETURN, 0);
}

void emit_ticc(struct xlat *x)
{
    struct ir_builder *b = x->b;
    unsigned cond = field_cond(x->word);
    if (!cond) /* tn */
        return;
    bool xcc = false;
    if (x->v9 && field_i(x->word) == 0 && (x->word >> 11 & 3) == 2)
        xcc = true;
    if (x->v9 && field_i(x->word) && (x->word >> 11 & 3) == 2)
        xcc = true;
    ir_ref operand = field_i(x->word) ? x_i32(x, x->word & 127) : x_low32(x, x_reg(x, field_rs2(x->word)));
    ir_ref number = ir_bin(b, IR_ADD, x_low32(x, x_reg(x, field_rs1(x->word))), operand);
    number = ir_bin(b, IR_AND, number, x_i32(x, 127));
    uint64_t k;
    bool constant = ir_is_const(b, number, &k);
    uint32_t reason = constant ? SPARC_TT_SOFTWARE + (uint32_t)k : SPARC_RAISE_TICC;
    ir_ref info = constant ? IR_NONE : ir_op1(b, IR_ZEXT, IR_I64, 32, number);
    if (cond == 8) {
        ir_raise(b, reason, info);
        x->ended = true;
        x->i->flow = JIT_END;
        return;
    }
    struct cc_state cc = cc_capture(x, xcc);
    ir_raise_if(b, cc_test(x, &cc, cond), reason, info);
}

/* -------------------------------------------------------------------------------------------- windows */

/* The eight registers that the first and the last window share stand at the top of the buffer exactly while the
 * last window is the current one. They are carried along when it is entered or left; and a bank pointer that has
 * passed an end of the buffer continues at the other one. Called after the pointer moved. */
/* Register by register: the words were stored one by one just now, and a wide load would have to wait for them. */
#define CARRY(type, to, from)                                                                                \
    do {                                                                                                     \
        const volatile type *source = (const volatile void *)(from);                                         \
        volatile type *target = (volatile void *)(to);                                                       \
        type r0 = source[0], r1 = source[1], r2 = source[2], r3 = source[3], r4 = source[4], r5 = source[5], \
             r6 = source[6], r7 = source[7];                                                                 \
        target[0] = r0, target[1] = r1, target[2] = r2, target[3] = r3;                                      \
        target[4] = r4, target[5] = r5, target[6] = r6, target[7] = r7;                                      \
    } while (0)

#define WRAP_HELPERS(name_, type)                                                                            \
    static uint64_t helper_save_##name_(struct jit_cpu *jit)                                                 \
    {                                                                                                        \
        struct sparc_cpu *cpu = (struct sparc_cpu *)jit;                                                     \
        type *first = (type *)&cpu->window, *last = first + (sparc_nwin(cpu) - 1) * 16;                      \
        if ((type *)jit->bank < first) { /* from the first to the last */                                    \
            CARRY(type, last + 16, first);                                                                   \
            jit->bank = last;                                                                                \
        } else { /* from the last to the one before */                                                       \
            CARRY(type, first, last + 16);                                                                   \
        }                                                                                                    \
        return 0;                                                                                            \
    }                                                                                                        \
    static uint64_t helper_restore_##name_(struct jit_cpu *jit)                                              \
    {                                                                                                        \
        struct sparc_cpu *cpu = (struct sparc_cpu *)jit;                                                     \
        type *first = (type *)&cpu->window, *last = first + (sparc_nwin(cpu) - 1) * 16;                      \
        if ((type *)jit->bank == last) {                                                                     \
            CARRY(type, last + 16, first);                                                                   \
        } else {                                                                                             \
            CARRY(type, first, last + 16);                                                                   \
            jit->bank = first;                                                                               \
        }                                                                                                    \
        return 0;                                                                                            \
    }                                                                                                        \
    static const struct ir_helper wrap_##name_[2] = {                                                        \
        {"sparc_restore_" #name_, helper_restore_##name_, IR_HELPER_BANK, 0, IR_VOID, {0}},                  \
        {"sparc_save_" #name_, helper_save_##name_, IR_HELPER_BANK, 0, IR_VOID, {0}},                        \
    };
WRAP_HELPERS(w32, uint32_t)
WRAP_HELPERS(w64, uint64_t)

static void move_window(struct xlat *x, bool save)
{
    struct ir_builder *b = x->b;
    int16_t from[SPARC_V9_SLOTS];
    for (unsigned s = 0; s < SPARC_V9_SLOTS; s++)
        from[s] = -1;
    for (unsigned k = 0; k < 8; k++) {
        if (save)
            from[SLOT_R(24 + k)] = SLOT_R(8 + k);
        else
            from[SLOT_R(8 + k)] = SLOT_R(24 + k);
    }
    ir_ref mask = x_i32(x, x->windows - 1);
    ir_ref old = ir_get(b, SLOT_CWP);
    ir_ref cwp = ir_bin(b, IR_AND, ir_bin(b, IR_ADD, old, x_i32(x, save ? UINT32_MAX : 1)), mask);
    ir_ref invalid = ir_bin(b, IR_AND, ir_bin(b, IR_SHR, ir_get(b, SLOT_WIM), cwp), x_i32(x, 1));
    ir_raise_if(b, invalid, save ? SPARC_TT_WINDOW_OVERFLOW : SPARC_TT_WINDOW_UNDERFLOW, IR_NONE);
    int32_t bytes = x->v9 ? 128 : 64;
    ir_bank_move(b, save ? -bytes : bytes, from);
    /* SAVE: 0 to last, last to last - 1; RESTORE: last - 1 to last, last to 0 */
    ir_call_if(b, ir_icmp(b, IR_GEU, save ? cwp : old, x_i32(x, x->windows - 2)),
               x->v9 ? &wrap_w64[save] : &wrap_w32[save], NULL);
    ir_put(b, SLOT_CWP, cwp);
}

/* The sum is made of the old window's registers and written to the new one's. */
static void window(struct xlat *x, bool save)
{
    ir_ref sum = ir_bin(x->b, IR_ADD, x_reg(x, field_rs1(x->word)), x_operand2(x));
    unsigned rd = field_rd(x->word);
    move_window(x, save);
    x_put(x, rd, sum);
}

void emit_save(struct xlat *x)
{
    window(x, true);
}

void emit_restore(struct xlat *x)
{
    window(x, false);
}

static uint64_t helper_flushw(struct jit_cpu *jit)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    if (sparc_flush_windows(cpu))
        return 0;
    return SPARC_TT_DATA_ACCESS;
}
const struct ir_helper sparc_helper_flushw = {
    "sparc_flushw", helper_flushw, IR_HELPER_READS | IR_HELPER_WRITES, 0, IR_I32, {0},
};

void emit_flushw(struct xlat *x)
{
    x_trap_if_result(x, ir_call(x->b, &sparc_helper_flushw, NULL));
}
