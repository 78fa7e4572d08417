/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From one guest instruction to IR: what all emitters share, and the JIT's row.
 */
#include "emulator/cpu/arm/internal.h"

/* ------------------------------------------------------------------------------------------- operands */

ir_ref ax_reg(struct xlat *x, unsigned r)
{
    return r < 15 ? ir_get(x->b, r) : ax_i32(x, x->pc + (x->thumb ? 4 : 8));
}

uint32_t ax_pc_aligned(struct xlat *x)
{
    return (x->pc + (x->thumb ? 4 : 8)) & ~3u;
}

void ax_put_slot(struct xlat *x, unsigned slot, ir_ref value)
{
    if (x->pass)
        value = ir_select(x->b, x->pass, value, ir_get(x->b, slot));
    ir_put(x->b, slot, value);
}

void ax_put(struct xlat *x, unsigned r, ir_ref value)
{
    if (r < 15)
        ax_put_slot(x, r, value);
}

ir_ref ax_pair(struct xlat *x, ir_ref low, ir_ref high)
{
    ir_ref upper = ir_bin(x->b, IR_SHL, ax_wide(x, high, false), ir_const(x->b, IR_I64, 32));
    return ir_bin(x->b, IR_OR, upper, ax_wide(x, low, false));
}

unsigned ax_mem(const struct xlat *x, unsigned size)
{
    return size | (x->mode & (ARM_KEY_BIG_DATA | ARM_KEY_BE32) ? IR_MEM_BIG : 0);
}

/* ------------------------------------------------------------------------------------------- leaving */

void ax_raise(struct xlat *x, uint32_t reason, ir_ref info)
{
    ir_raise(x->b, reason, info ? ax_wide(x, info, false) : IR_NONE);
    if (!x->inside)
        x->i->flow = JIT_END;
    x->ended = true;
}

void ax_undefined(struct xlat *x)
{
    ax_raise(x, ARM_EXC_UNDEFINED, IR_NONE);
}

static void done(struct xlat *x)
{
    ir_insn_done(x->b);
    if (!x->inside)
        x->i->n_done++;
}

void ax_end_dispatch(struct xlat *x)
{
    done(x);
    ir_exit(x->b, IR_EXIT_DISPATCH, IR_HINT_NONE, x->i->next_pc, 0, IR_NONE, IR_NONE);
    if (!x->inside)
        x->i->flow = JIT_END;
    x->ended = true;
}

static bool near(const struct xlat *x, uint64_t target)
{
    return (x->mode & ARM_KEY_USER) || (((uint32_t)target ^ x->pc) & JIT_PAGE_MASK) == 0;
}

void ax_jump(struct xlat *x, uint64_t target, enum ir_exit_hint hint)
{
    x->ended = true;
    if (x->inside) {
        done(x);
        ir_exit(x->b, near(x, target) ? IR_EXIT_DIRECT : IR_EXIT_INDIRECT, hint, target, 0, IR_NONE, IR_NONE);
        if (hint == IR_HINT_CALL)
            ir_exit_returns(x->b, ax_return_address(x));
        return;
    }
    x->i->flow = JIT_JUMP;
    x->i->hint = hint;
    x->i->next_pc = target;
    x->i->return_pc = ax_return_address(x);
}

void ax_jump_to(struct xlat *x, ir_ref target, bool stay, enum ir_exit_hint hint)
{
    x->ended = true;
    if (x->pass) /* comes again, inside */
        return;
    if (stay)
        target = x->thumb ? ir_bin(x->b, IR_OR, target, ax_i32(x, 1)) : ax_and(x, target, ~3u);
    if (x->inside) {
        done(x);
        ir_exit(x->b, IR_EXIT_INDIRECT, hint, hint == IR_HINT_CALL ? ax_return_address(x) : 0, 0, target,
                IR_NONE);
        return;
    }
    x->i->flow = JIT_INDIRECT;
    x->i->target = target;
    x->i->hint = hint;
    x->i->return_pc = ax_return_address(x);
}

void ax_alu_write_pc(struct xlat *x, ir_ref value)
{
    ax_jump_to(x, value, x->thumb || !(x->features & ARM_V7), IR_HINT_NONE);
}

void ax_load_write_pc(struct xlat *x, ir_ref value, enum ir_exit_hint hint)
{
    ax_jump_to(x, value, !(x->features & ARM_V5), hint);
}

/* ------------------------------------------------------------------------------------------- decoding */

static const struct arm_row *search(const struct arm_row *rows, uint32_t word, uint32_t features)
{
    for (const struct arm_row *r = rows; r && r->emit; r++)
        if ((word & r->mask) == r->value && (features & r->needs) == r->needs)
            return r;
    return NULL;
}

static const struct arm_row *decode_arm(uint32_t word, uint32_t features)
{
    if (word >> 28 == 15) {
        const struct arm_row *r = search(arm_neon_rows, word, features);
        return r ? r : search(arm_unconditional_rows, word, features);
    }
    if ((word & 0x0c000e00) == 0x0c000a00 && (word & 0x0f000000) != 0x0f000000)
        return search(arm_vfp_rows, word & 0x0fffffff, features);
    return search(arm_arm_rows[word >> 25 & 7], word, features);
}

const struct arm_row *arm_decode(uint32_t *word, unsigned thumb_size, uint32_t features)
{
    uint32_t w = *word;
    if (!thumb_size)
        return decode_arm(w, features);
    if (thumb_size == 2) {
        const struct arm_row *r = search(arm_thumb_rows[w >> 13], w, features);
        return r ? r : search(arm_thumb_halves, w, features);
    }
    if ((w & 0xef000000) == 0xef000000) { /* Advanced SIMD data processing (A7.4) */
        *word = 0xf2000000 | (w >> 28 & 1) << 24 | (w & 0x00ffffff);
        return search(arm_neon_rows, *word, features);
    }
    if ((w & 0xff100000) == 0xf9000000) { /* element and structure loads and stores (A7.7) */
        *word = 0xf4000000 | (w & 0x00ffffff);
        return search(arm_neon_rows, *word, features);
    }
    if ((w & 0xec000000) == 0xec000000) { /* coprocessors */
        *word = w >> 28 == 15 ? w : 0xe0000000 | (w & 0x0fffffff);
        return decode_arm(*word, features);
    }
    return search(arm_thumb_word_rows[w >> 27 & 3], w, features);
}

/* ---------------------------------------------------------------------------------------- instruction */

static void set_registers(struct xlat *x)
{
    unsigned w = x->word, top = w >> 16 & 15, mid = w >> 12 & 15, low = w >> 8 & 15, bottom = w & 15;
    switch (x->row->flags & ROW_REGS) {
    case ROW_REGS_ARM:
        x->rn = (uint8_t)top, x->rd = (uint8_t)mid, x->ra = (uint8_t)low, x->rm = (uint8_t)bottom;
        break;
    case ROW_REGS_MUL:
        x->rd = (uint8_t)top, x->ra = (uint8_t)mid, x->rm = (uint8_t)low, x->rn = (uint8_t)bottom;
        break;
    case ROW_REGS_THUMB:
        x->rn = (uint8_t)top, x->ra = (uint8_t)mid, x->rd = (uint8_t)low, x->rm = (uint8_t)bottom;
        break;
    default: break;
    }
}

static void emit(struct xlat *x)
{
    const struct arm_row *row = x->row;
    if (!row || ((row->flags & ROW_PRIV) && !(x->mode & ARM_KEY_PRIVILEGED))) {
        ax_undefined(x);
        return;
    }
    if ((row->flags & ROW_FP) && !(x->mode & ARM_KEY_VFP)) {
        ax_raise(x, ARM_EXC_UNDEFINED, ax_i32(x, 1));
        return;
    }
    set_registers(x);
    row->emit(x);
}

/* Inside of ir_if() for the condition tag - 16; another instruction under it, or its opposite, may follow there. */
static void emit_inside(struct xlat *x, unsigned tag)
{
    x->inside = true;
    emit(x);
    if (x->new_flags)
        ir_endif(x->b);
    else
        ir_endif_hold(x->b, tag);
}

static void emit_conditional(struct xlat *x)
{
    const struct arm_row *row = x->row;
    unsigned held = ir_if_held(x->b);
    uint64_t known;
    if (x->cond == 14 || (row && (row->flags & ROW_COND))) {
        emit(x);
        return;
    }
    if ((held & ~1u) == (16u | (x->cond & ~1u))) {
        ir_if_again(x->b, held != 16u + x->cond);
        emit_inside(x, held);
        return;
    }
    ir_ref pass = flags_test(x, x->cond);
    if (ir_is_const(x->b, pass, &known)) {
        if ((uint32_t)known)
            emit(x);
        return;
    }
    if (row && (row->flags & ROW_SAFE) && (!(row->flags & ROW_FP) || (x->mode & ARM_KEY_VFP)) &&
        (!(row->flags & ROW_PRIV) || (x->mode & ARM_KEY_PRIVILEGED))) {
        struct jit_insn before = *x->i;
        x->pass = pass;
        emit(x);
        if (!x->ended)
            return;
        *x->i = before; /* it wrote the program counter */
        x->ended = false;
        x->pass = IR_NONE;
    }
    ir_if(x->b, pass);
    emit_inside(x, 16u + x->cond);
}

static uint32_t halfword(const struct xlat *x, const uint8_t *p)
{
    return x->mode & ARM_KEY_BE32 ? (uint32_t)(p[0] << 8 | p[1]) : (uint32_t)(p[1] << 8 | p[0]);
}

/* A Thumb instruction of two halfwords whose second one stands on the next page. */
static bool fetch_thumb(struct xlat *x, const uint8_t *code, uint32_t avail)
{
    struct jit_insn *i = x->i;
    x->word = halfword(x, code);
    x->size = 2;
    if (x->word >> 11 < 0x1d)
        return true;
    uint32_t second;
    if (avail >= 4) {
        second = halfword(x, code + 2);
    } else if (i->pc & PC_SECOND) {
        second = (uint32_t)(i->pc >> PC_SECOND_SHIFT) & 0xffff;
    } else if (!(x->features & ARM_V6T2)) {
        return true; /* each half is an instruction of its own */
    } else {
        ax_raise(x, ARM_RAISE_SECOND_HALF, ax_i32(x, x->word));
        return false;
    }
    /* before Thumb-2 only BL and BLX have two halves, which nearly always stand together */
    bool bl =
        x->word >> 11 == 0x1e && (second >> 11 == 0x1f || (second >> 11 == 0x1d && (x->features & ARM_V5)));
    if (!bl && !(x->features & ARM_V6T2))
        return true;
    x->word = x->word << 16 | second;
    x->size = 4;
    return true;
}

static void translate(struct ir_builder *b, struct jit_insn *i)
{
    const uint8_t *code = i->code;
    struct xlat x = {
        .b = b,
        .i = i,
        .pc = (uint32_t)i->pc & ~1u,
        .thumb = i->pc & PC_T,
        .cond = 14,
        .it = (uint8_t)(i->pc >> PC_IT_SHIFT),
        .mode = i->mode,
        .features = i->mode >> ARM_KEY_FEATURES,
        .size = 4,
    };
    uint32_t avail = i->avail;
    i->n_insns = 1;
    i->n_done = 0;
    i->hint = IR_HINT_NONE;
    i->flow = JIT_NEXT;
    i->size = 4;
    if (x.pc >= ARM_KUSER_PAGE && (x.mode & ARM_KEY_USER) && arm_emit_kuser(&x))
        return;
    if (x.thumb) {
        if (!fetch_thumb(&x, code, avail))
            return;
        if (x.it)
            x.cond = x.it >> 4;
        if (x.cond == 15)
            x.cond = 14;
    } else {
        code -= x.pc & 2;
        x.pc &= ~3u;
        x.word = x.mode & ARM_KEY_BE32 ? halfword(&x, code) << 16 | halfword(&x, code + 2)
                                       : halfword(&x, code + 2) << 16 | halfword(&x, code);
        x.cond = x.word >> 28 == 15 ? 14 : (uint8_t)(x.word >> 28);
    }
    i->size = x.size;
    i->next_pc =
        (uint64_t)(uint32_t)(x.pc + x.size) | x.thumb | (uint64_t)arm_it_advance(x.it) << PC_IT_SHIFT;
    x.row = arm_decode(&x.word, x.thumb ? x.size : 0, x.features);
    emit_conditional(&x);
}

/* ------------------------------------------------------------------------------------------- the JIT's row
 */

#define STATE(n, t) {#n, t, false, offsetof(struct arm_cpu, n)}
#define REG(n)      {"r" #n, IR_I32, false, offsetof(struct arm_cpu, r[n])}
#define DOUBLE(n)   {"d" #n, IR_F64, false, offsetof(struct arm_cpu, d[n])}

static const struct ir_slot slots[ARM_N_SLOTS] = {
    REG(0),     REG(1),     REG(2),     REG(3),     REG(4),     REG(5),     REG(6),     REG(7),
    REG(8),     REG(9),     REG(10),    REG(11),    REG(12),    REG(13),    REG(14),
    [SLOT_FLAG_KIND] = STATE(flag_kind, IR_I32),
    [SLOT_FLAG_A] = STATE(flag_a, IR_I32),
    [SLOT_FLAG_B] = STATE(flag_b, IR_I32),
    [SLOT_FLAG_C] = STATE(flag_c, IR_I32),
    [SLOT_FLAG_NZ] = STATE(flag_nz, IR_I32),
    [SLOT_FLAG_CARRY] = STATE(flag_carry, IR_I32),
    [SLOT_Q] = STATE(q, IR_I32),
    [SLOT_GE] = STATE(ge, IR_I32),
    [SLOT_FP_NZCV] = STATE(fp_nzcv, IR_I32),
    [SLOT_D0] = DOUBLE(0), DOUBLE(1),  DOUBLE(2),  DOUBLE(3),  DOUBLE(4),  DOUBLE(5),  DOUBLE(6),  DOUBLE(7),
    DOUBLE(8),  DOUBLE(9),  DOUBLE(10), DOUBLE(11), DOUBLE(12), DOUBLE(13), DOUBLE(14), DOUBLE(15),
    DOUBLE(16), DOUBLE(17), DOUBLE(18), DOUBLE(19), DOUBLE(20), DOUBLE(21), DOUBLE(22), DOUBLE(23),
    DOUBLE(24), DOUBLE(25), DOUBLE(26), DOUBLE(27), DOUBLE(28), DOUBLE(29), DOUBLE(30), DOUBLE(31),
    [SLOT_QC] = STATE(qc, IR_V128),
};

static const struct jit_guest guest = {
    .name = "arm",
    .big_endian = false,
    .insn_shift = 1,
    .pc_state = PC_T | PC_IT | PC_SECOND | UINT64_C(0xffff) << PC_SECOND_SHIFT,
    .n_slots = ARM_N_SLOTS,
    .has_kind_slot = true,
    .kind_slot = SLOT_FLAG_KIND,
    .fp_flags_count = true,
    .slot = slots,
    .state_size = sizeof(struct arm_cpu),
    .translate = translate,
    .lookup = arm_lookup,
    .io_read = arm_io_read,
    .io_write = arm_io_write,
    .misaligned = arm_misaligned,
    .raise = arm_raise,
    .interrupt = arm_interrupt,
    .fp_fix = arm_fp_fix,
    .disassemble = arm_disassemble,
};

const struct jit_guest *arm_model_guest(const struct arm_model *model)
{
    return &guest;
}
