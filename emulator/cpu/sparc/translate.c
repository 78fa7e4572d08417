/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From one guest instruction (with its delay slot) to IR: what all emitters share, and the JIT's rows for the
 * two kinds of model.
 *
 * A control transfer takes its delay slot along when the slot is at pc + 4, on the same page and no control
 * transfer.  The slot of a conditional branch comes along only if it can never leave the region; otherwise the
 * two ways of the branch go to the slot with their own npc, so that the way not taken is straight code.
 */
#include "emulator/cpu/sparc/internal.h"

static uint32_t fetch(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ------------------------------------------------------------------------------------------- operands */

ir_ref x_const(struct xlat *x, int64_t value)
{
    return ir_const(x->b, x->T, x->T == IR_I64 ? (uint64_t)value : (uint32_t)value);
}

ir_ref x_reg(struct xlat *x, unsigned r)
{
    return r ? ir_get(x->b, SLOT_R(r)) : x_const(x, 0);
}

void x_put(struct xlat *x, unsigned r, ir_ref value)
{
    if (r)
        ir_put(x->b, SLOT_R(r), value);
}

ir_ref x_operand2(struct xlat *x)
{
    return field_i(x->word) ? x_const(x, field_simm13(x->word)) : x_reg(x, field_rs2(x->word));
}

ir_ref x_low32(struct xlat *x, ir_ref v)
{
    return x->T == IR_I64 ? ir_op1(x->b, IR_TRUNC, IR_I32, 0, v) : v;
}

ir_ref x_from32u(struct xlat *x, ir_ref v)
{
    return x->T == IR_I64 ? ir_op1(x->b, IR_ZEXT, IR_I64, 32, v) : v;
}

ir_ref x_from32s(struct xlat *x, ir_ref v)
{
    return x->T == IR_I64 ? ir_op1(x->b, IR_SEXT, IR_I64, 32, v) : v;
}

ir_ref x_address(struct xlat *x)
{
    ir_ref base = x_low32(x, x_reg(x, field_rs1(x->word)));
    if (field_i(x->word)) {
        int32_t offset = field_simm13(x->word);
        return offset ? ir_bin(x->b, IR_ADD, base, x_i32(x, (uint32_t)offset)) : base;
    }
    if (!field_rs2(x->word))
        return base;
    ir_ref index = x_low32(x, x_reg(x, field_rs2(x->word)));
    return field_rs1(x->word) ? ir_bin(x->b, IR_ADD, base, index) : index;
}

/* ------------------------------------------------------------------------------------------- leaving */

void x_raise(struct xlat *x, uint32_t trap)
{
    ir_raise(x->b, trap, IR_NONE);
    x->ended = true;
    x->i->flow = JIT_END;
}

static void done(struct xlat *x)
{
    ir_insn_done(x->b);
    x->i->n_done++;
}

void x_end_dispatch(struct xlat *x)
{
    done(x);
    if (x->npc_ref)
        ir_exit(x->b, IR_EXIT_DISPATCH, IR_HINT_NONE, 0, 0, x->npc_ref,
                ir_bin(x->b, IR_ADD, x->npc_ref, x_i32(x, 4)));
    else
        ir_exit(x->b, IR_EXIT_DISPATCH, IR_HINT_NONE, x->npc, (uint32_t)(x->npc + 4), IR_NONE, IR_NONE);
    x->ended = true;
    x->i->flow = JIT_END;
}

void x_dispatch_if(struct xlat *x, ir_ref cond)
{
    if (x->npc_ref) { /* rare: such an instruction in the slot of a computed jump */
        x_end_dispatch(x);
        return;
    }
    done(x);
    ir_exit_if(x->b, cond, IR_EXIT_DISPATCH, x->npc, (uint32_t)(x->npc + 4));
}

void x_trap_if_result(struct xlat *x, ir_ref trap)
{
    ir_raise_if(x->b, ir_icmp(x->b, IR_NE, trap, x_i32(x, 0)), SPARC_RAISE_INFO,
                ir_op1(x->b, IR_ZEXT, IR_I64, 32, trap));
}

/* ---------------------------------------------------------------------------------------- instruction */

void x_emit_row(struct xlat *x, const struct sparc_row *row)
{
    uint32_t mode = x->i->mode;
    x->row = row;
    if ((row->flags & ROW_PRIV) && !(mode & SPARC_MODE_SUPERVISOR)) {
        x_raise(x, SPARC_TT_PRIVILEGED);
        return;
    }
    if (row->flags & ROW_FP) {
        if (!(mode & SPARC_MODE_FPU)) {
            x_raise(x, SPARC_TT_FP_DISABLED);
            return;
        }
        if (mode & SPARC_MODE_FP_TRAPS) {
            bool store = row->emit == emit_stf || row->emit == emit_stdf || row->emit == emit_stfsr;
            ir_ref arg[] = {x_i32(x, store)};
            x_trap_if_result(x, ir_call(x->b, &sparc_helper_fp_pending, arg));
        }
        bool by_helper = (row->flags & ROW_FPOP) &&
                         ((mode & SPARC_MODE_FP_TRAPS) || ((row->flags & ROW_QUAD) && !(x->features & SPARC_QUAD)));
        if (by_helper) {
            emit_fquad(x);
            return;
        }
    }
    if ((row->flags & ROW_EVEN_RD) && (field_rd(x->word) & 1)) {
        x_raise(x, SPARC_TT_ILLEGAL);
        return;
    }
    row->emit(x);
}

static const struct sparc_row *decode(struct xlat *x)
{
    bool fpop;
    const struct sparc_row *row = sparc_decode(x->word, x->features, &fpop);
    static const struct sparc_row illegal = {"illegal", emit_unimp, FMT_UNIMP, 0, 0, 0};
    static const struct sparc_row unknown_fpop = {"fpop", emit_fquad, FMT_UNIMP, ROW_FP, 0, 0};
    if (!row)
        return fpop ? &unknown_fpop : &illegal;
    return row;
}

/* Goes on after a control transfer to a constant target that takes the slot along (or not). */
static void slot_then_jump(struct xlat *x, uint32_t target)
{
    struct jit_insn *i = x->i;
    struct xlat slot = *x;
    const struct sparc_row *row = NULL;
    if (x->npc == (uint32_t)(x->pc + 4) && i->avail >= 8) {
        slot.word = fetch(i->code + 4);
        row = decode(&slot);
    }
    i->flow = JIT_JUMP;
    if (!row || (row->flags & ROW_CTI)) {
        i->next_pc = x->npc;
        i->next_npc = target;
        i->hint = IR_HINT_NONE;
        return;
    }
    i->next_pc = target;
    i->next_npc = (uint32_t)(target + 4);
    i->n_insns = 2;
    i->size = 8;
    done(x);
    slot.pc = x->pc + 4;
    slot.npc = target;
    slot.in_slot = true;
    ir_set_pc(x->b, slot.pc, target);
    x_emit_row(&slot, row);
}

void x_jump(struct xlat *x, uint32_t target)
{
    slot_then_jump(x, target);
}

void x_jump_indirect(struct xlat *x, ir_ref target, enum ir_exit_hint hint, uint32_t return_pc)
{
    struct jit_insn *i = x->i;
    struct xlat slot = *x;
    const struct sparc_row *row = NULL;
    if (x->npc == (uint32_t)(x->pc + 4) && i->avail >= 8) {
        slot.word = fetch(i->code + 4);
        row = decode(&slot);
    }
    bool rett = row && row->emit == emit_rett; /* the one couple that every system uses */
    if (!row || ((row->flags & ROW_CTI) && !rett)) {
        done(x);
        ir_exit(x->b, IR_EXIT_DISPATCH, IR_HINT_NONE, x->npc, 0, IR_NONE, target);
        i->flow = JIT_END;
        return;
    }
    i->flow = JIT_INDIRECT;
    i->target = target;
    i->hint = hint;
    i->return_pc = return_pc;
    i->n_insns = 2;
    i->size = 8;
    done(x);
    slot.pc = x->pc + 4;
    slot.npc = 0;
    slot.npc_ref = target;
    slot.in_slot = true;
    ir_set_pc_ref(x->b, slot.pc, target);
    x_emit_row(&slot, row);
}

/* A conditional branch; `test` makes the condition from what `state` captured before the slot. */
void x_branch(struct xlat *x, uint32_t target, bool annul, ir_ref (*test)(struct xlat *x, const void *state),
              const void *state)
{
    struct jit_insn *i = x->i;
    uint32_t npc = (uint32_t)x->npc;
    i->flow = JIT_BRANCH;
    if (!annul && npc == x->pc + 4 && i->avail >= 8) {
        struct xlat slot = *x;
        slot.word = fetch(i->code + 4);
        const struct sparc_row *row = decode(&slot);
        bool safe = row->flags & ROW_SAFE;
        if (row->flags & ROW_FP)
            safe = safe && (i->mode & SPARC_MODE_FPU) && !(i->mode & SPARC_MODE_FP_TRAPS);
        if (safe) {
            done(x);
            slot.pc = x->pc + 4;
            slot.npc = npc + 4;
            slot.in_slot = true;
            ir_set_pc(x->b, slot.pc, slot.npc);
            x_emit_row(&slot, row);
            i->n_insns = 2;
            i->size = 8;
            i->flow = JIT_BRANCH;
            i->cond = test(x, state);
            i->taken_pc = target;
            i->taken_npc = target + 4;
            i->next_pc = npc + 4;
            i->next_npc = npc + 8;
            return;
        }
    }
    i->cond = test(x, state);
    i->taken_pc = npc;
    i->taken_npc = target;
    i->next_pc = annul ? npc + 4 : npc;
    i->next_npc = annul ? npc + 8 : npc + 4;
}

void x_translate(struct ir_builder *b, struct jit_insn *i, bool v9)
{
    uint32_t features = i->mode >> SPARC_MODE_FEATURES;
    struct xlat x = {
        .b = b,
        .i = i,
        .word = fetch(i->code),
        .pc = (uint32_t)i->pc,
        .npc = (uint32_t)i->npc,
        .v9 = v9,
        .T = v9 ? IR_I64 : IR_I32,
        .features = features,
        .windows = features & SPARC_WINDOWS_32 ? 32 : 8,
    };
    i->n_insns = 1;
    i->n_done = 0;
    i->size = 4;
    i->hint = IR_HINT_NONE;
    i->flow = i->npc == (uint32_t)(i->pc + 4) ? JIT_NEXT : JIT_JUMP;
    i->next_pc = x.npc;
    i->next_npc = (uint32_t)(x.npc + 4);
    x_emit_row(&x, decode(&x));
}

static void translate_v8(struct ir_builder *b, struct jit_insn *i)
{
    x_translate(b, i, false);
}

static void translate_v9(struct ir_builder *b, struct jit_insn *i)
{
    x_translate(b, i, true);
}

/* ------------------------------------------------------------------------------------- the JIT's rows */

#define GLOBAL(n, t)  {"g" #n, t, false, offsetof(struct sparc_cpu, g[n])}
#define BANKED(letter, n, t, base, size) {letter #n, t, true, ((base) + (n)) * (size)}
#define EIGHT(letter, t, base, size)                                                                         \
    BANKED(letter, 0, t, base, size), BANKED(letter, 1, t, base, size), BANKED(letter, 2, t, base, size),    \
        BANKED(letter, 3, t, base, size), BANKED(letter, 4, t, base, size), BANKED(letter, 5, t, base, size), \
        BANKED(letter, 6, t, base, size), BANKED(letter, 7, t, base, size)
#define STATE(n, t)   {#n, t, false, offsetof(struct sparc_cpu, n)}
#define DOUBLE(n)     {"f" #n, IR_F64, false, offsetof(struct sparc_cpu, f[n])}
#define SLOTS(t, size)                                                                                       \
    GLOBAL(1, t), GLOBAL(2, t), GLOBAL(3, t), GLOBAL(4, t), GLOBAL(5, t), GLOBAL(6, t), GLOBAL(7, t),        \
        EIGHT("o", t, 0, size), EIGHT("l", t, 8, size), EIGHT("i", t, 16, size), STATE(y, IR_I32),           \
        STATE(cc_kind, IR_I32), STATE(cc_a, t), STATE(cc_b, t), STATE(cc_c, IR_I32), STATE(cwp, IR_I32),     \
        STATE(wim, IR_I32), STATE(fcc_a, IR_F64), STATE(fcc_b, IR_F64), STATE(fpop_kind, IR_I32),            \
        STATE(fpop_a, IR_F64), STATE(fpop_b, IR_F64), STATE(fcmp_kind, IR_I32), DOUBLE(0), DOUBLE(1), DOUBLE(2), DOUBLE(3), DOUBLE(4), \
        DOUBLE(5), DOUBLE(6), DOUBLE(7), DOUBLE(8), DOUBLE(9), DOUBLE(10), DOUBLE(11), DOUBLE(12),           \
        DOUBLE(13), DOUBLE(14), DOUBLE(15)

static const struct ir_slot v8_slots[SPARC_V8_SLOTS] = {SLOTS(IR_I32, 4)};
static const struct ir_slot v9_slots[SPARC_V9_SLOTS] = {
    SLOTS(IR_I64, 8), DOUBLE(16), DOUBLE(17), DOUBLE(18), DOUBLE(19), DOUBLE(20), DOUBLE(21),
    DOUBLE(22),       DOUBLE(23), DOUBLE(24), DOUBLE(25), DOUBLE(26), DOUBLE(27), DOUBLE(28),
    DOUBLE(29),       DOUBLE(30), DOUBLE(31),
};

#define GUEST(name_, slots_, n_, translate_)                                                                 \
    {                                                                                                        \
        .name = name_, .big_endian = true, .uses_npc = true, .address64 = false, .insn_shift = 2,            \
        .n_slots = n_, .has_kind_slot = true, .kind_slot = SLOT_CC_KIND, .fp_flags_count = true,             \
        .slot = slots_, .state_size = sizeof(struct sparc_cpu), .translate = translate_,                     \
        .lookup = sparc_lookup, .io_read = sparc_io_read, .io_write = sparc_io_write,                        \
        .misaligned = sparc_misaligned, .raise = sparc_raise, .interrupt = sparc_interrupt,                  \
        .fp_fix = sparc_fp_fix, .disassemble = sparc_guest_disassemble,                                      \
    }

static const struct jit_guest guest_v8 = GUEST("sparcv8", v8_slots, SPARC_V8_SLOTS, translate_v8);
static const struct jit_guest guest_v9 = GUEST("sparcv8plus", v9_slots, SPARC_V9_SLOTS, translate_v9);

const struct jit_guest *sparc_model_guest(const struct sparc_model *model)
{
    return model->features & SPARC_V9_SUBSET ? &guest_v9 : &guest_v8;
}
