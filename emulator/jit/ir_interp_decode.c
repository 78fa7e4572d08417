/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Decoding a region for the interpreter: operations specialised by type, edges as moves and jumps, values as
 * places.
 */
#include "emulator/jit/ir_internal.h"
#include "emulator/jit/ir_interp.h"

static unsigned words_of(const struct ir_insn *i)
{
    return i->type == IR_VOID ? 0 : i->type == IR_V128 || i->type == IR_F80 || i->op == IR_GUARD ? 2 : 1;
}

/* How many operations and constants there are at most. */
static void count(const struct ir_region *r, uint32_t *n_ops, uint32_t *n_consts)
{
    *n_consts = 0;
    *n_ops = r->n_insns + 2 * r->n_args + 4 * r->n_edges;
    for (uint32_t v = 1; v < r->n_insns; v++) {
        unsigned op = r->insn[v].op;
        *n_consts += op == IR_CONST;
        *n_ops += op == IR_LDSTATE || op == IR_STSTATE; /* two where they touch the floating point control */
    }
    *n_ops -= *n_consts;
}

size_t ir_interp_decoded_size(const struct ir_region *r)
{
    uint32_t n_ops, n_consts;

    count(r, &n_ops, &n_consts);
    return sizeof(struct interp_code) + n_ops * sizeof(struct interp_op) + r->n_snaps * sizeof(struct interp_snap) +
           n_consts * sizeof(uint64_t) + (r->n_insns + r->n_blocks) * sizeof(uint32_t);
}

static unsigned wide(unsigned type)
{
    return type == IR_I64 || type == IR_F64;
}

static enum code load_code(const struct ir_insn *i)
{
    bool s = i->aux & IR_MEM_SIGNED, d = i->type == IR_I64;
    bool swap = ((i->aux & IR_MEM_BIG) != 0) == (G_BYTE_ORDER == G_LITTLE_ENDIAN);

    switch (IR_MEM_SIZE(i->aux)) {
    case 0: return !s ? DO_LD1U : d ? DO_LD1S_D : DO_LD1S_W;
    case 1:
        if (swap)
            return !s ? DO_LD2UX : d ? DO_LD2SX_D : DO_LD2SX_W;
        return !s ? DO_LD2U : d ? DO_LD2S_D : DO_LD2S_W;
    case 2:
        if (swap)
            return s && d ? DO_LD4SX_D : DO_LD4UX;
        return s && d ? DO_LD4S_D : DO_LD4U;
    case 3: return swap ? DO_LD8X : DO_LD8;
    default: return swap ? DO_LD16X : DO_LD16;
    }
}

static enum code store_code(const struct ir_insn *i)
{
    bool swap = ((i->aux & IR_MEM_BIG) != 0) == (G_BYTE_ORDER == G_LITTLE_ENDIAN);

    switch (IR_MEM_SIZE(i->aux)) {
    case 0: return DO_ST1;
    case 1: return swap ? DO_ST2X : DO_ST2;
    case 2: return swap ? DO_ST4X : DO_ST4;
    case 3: return swap ? DO_ST8X : DO_ST8;
    default: return swap ? DO_ST16X : DO_ST16;
    }
}

static unsigned slot_size(unsigned type)
{
    return type == IR_I32 || type == IR_F32   ? 4
           : type == IR_I64 || type == IR_F64 ? 8
           : type == IR_F80                   ? 10
                                              : 16;
}

static const uint16_t int_code[IR_N_OPS] = {
    [IR_ADD] = DO_ADD_W,         [IR_SUB] = DO_SUB_W,       [IR_MUL] = DO_MUL_W,    [IR_AND] = DO_AND_W,
    [IR_OR] = DO_OR_W,           [IR_XOR] = DO_XOR_W,       [IR_ANDN] = DO_ANDN_W,  [IR_NOT] = DO_NOT_W,
    [IR_NEG] = DO_NEG_W,         [IR_SHL] = DO_SHL_W,       [IR_SHR] = DO_SHR_W,    [IR_SAR] = DO_SAR_W,
    [IR_ROL] = DO_ROL_W,         [IR_ROR] = DO_ROR_W,       [IR_ADC] = DO_ADC_W,    [IR_SBB] = DO_SBB_W,
    [IR_EXTRACT] = DO_EXTRACT_W, [IR_INSERT] = DO_INSERT_W, [IR_MULHU] = DO_EVAL_W, [IR_MULHS] = DO_EVAL_W,
    [IR_DIVU] = DO_EVAL_W,       [IR_DIVS] = DO_EVAL_W,     [IR_REMU] = DO_EVAL_W,  [IR_REMS] = DO_EVAL_W,
    [IR_BSWAP] = DO_EVAL_W,      [IR_CLZ] = DO_EVAL_W,      [IR_CTZ] = DO_EVAL_W,   [IR_POPCNT] = DO_EVAL_W,
};

struct decoder {
    const struct ir_region *r;
    struct interp_code *c;
    uint32_t spare;     /* words for parallel moves */
};

static struct interp_op *emit(struct decoder *d, enum code code, uint32_t insn)
{
    struct interp_op *o = &d->c->op[d->c->n_ops++];

    *o = (struct interp_op){.code = (uint16_t)code, .insn = insn};
    return o;
}

static void emit_move(struct decoder *d, uint32_t dst, uint32_t src, unsigned words, uint32_t insn)
{
    struct interp_op *o = emit(d, words == 2 ? DO_MOV2 : DO_MOV, insn);
    o->dst = dst;
    o->a = src;
}

/* The arguments of an edge into its block's parameters, then the jump.  An argument that is itself a
 * parameter written earlier in the list goes through a spare place. */
static void emit_edge(struct decoder *d, uint32_t edge, uint32_t insn)
{
    const struct ir_region *r = d->r;
    const struct ir_edge *e = &r->edge[edge];
    uint32_t first = r->block[e->to].first, spare = d->spare;
    bool conflict = false;

    for (uint32_t k = 0; k < e->n_args && !conflict; k++) {
        ir_ref v = r->arg[e->first_arg + k];
        conflict = v >= first && v < first + k;
    }
    for (uint32_t k = 0; k < e->n_args; k++) {
        ir_ref v = r->arg[e->first_arg + k];
        if (v == first + k)
            continue;
        emit_move(d, conflict ? spare : d->c->word[first + k], d->c->word[v], words_of(&r->insn[v]), insn);
        spare += words_of(&r->insn[v]);
    }
    spare = d->spare;
    for (uint32_t k = 0; k < e->n_args && conflict; k++) {
        ir_ref v = r->arg[e->first_arg + k];
        if (v == first + k)
            continue;
        emit_move(d, d->c->word[first + k], spare, words_of(&r->insn[v]), insn);
        spare += words_of(&r->insn[v]);
    }
    d->c->n_words = MAX(d->c->n_words, spare);
    emit(d, DO_JUMP, insn)->a = e->to;
}

static void decode_memory(struct decoder *d, struct interp_op *o, const struct ir_insn *i)
{
    if (i->op == IR_GUARD) {
        int lo = (int16_t)i->c, hi = (int16_t)(i->c >> 16);
        unsigned rw = i->aux & (IR_MEM_READ | IR_MEM_WRITE);
        bool plain = lo == 0 && hi == 1 << IR_MEM_SIZE(i->aux);
        o->code = d->r->user_mode                                ? DO_GUARD_USER
                  : !plain || rw == (IR_MEM_READ | IR_MEM_WRITE) ? DO_GUARD_SLOW
                  : rw & IR_MEM_WRITE                            ? DO_GUARD_W
                                                                 : DO_GUARD_R;
        o->b = i->b;
        o->c = i->c;
        /* bits of the address that must be those of the tag, beside the page: alignment */
        o->aux = (uint16_t)((1u << IR_MEM_ALIGN_OF(i->aux)) - 1);
        return;
    }
    o->aux = i->aux;
    if (i->op == IR_LOAD) {
        o->code = (uint16_t)load_code(i);
        o->c = i->c;
    } else if (i->op == IR_STORE) {
        o->code = (uint16_t)store_code(i);
        o->c = i->c;
    } else {
        o->code = DO_ATOMIC;
    }
}

static void decode_insn(struct decoder *d, uint32_t v)
{
    const struct ir_region *r = d->r;
    const struct ir_insn *i = &r->insn[v];
    const uint32_t *word = d->c->word;
    unsigned args = ir_op_info[i->op].args;
    struct interp_op *o;

    switch (i->op) {
    case IR_CONST:
    case IR_PARAM: return;
    case IR_BR: emit_edge(d, i->b, v); return;
    case IR_BRIF: {
        uint32_t at = d->c->n_ops;
        emit(d, DO_BRIF, v)->a = word[i->a];
        emit_edge(d, i->c, v);
        d->c->op[at].b = d->c->n_ops;
        emit_edge(d, i->b, v);
        return;
    }
    case IR_LDSTATE:
    case IR_STSTATE:
        if (i->c + 8 > offsetof(struct jit_cpu, mxcsr) && i->c < offsetof(struct jit_cpu, mxcsr) + 4)
            emit(d, DO_CSR_OUT, v);
        break;
    default: break;
    }
    o = emit(d, DO_MOV, v);
    o->dst = word[v];
    if (args > 0)
        o->a = word[i->a];
    if (args > 1)
        o->b = word[i->b];
    if (args > 2)
        o->c = word[i->c];
    switch (i->op) {
    case IR_LDSLOT:
    case IR_STSLOT: {
        const struct ir_slot *s = &r->guest->slot[i->aux];
        unsigned size = slot_size(s->type), kind = size == 4 ? 0 : size == 8 ? 1 : size == 10 ? 2 : 3;
        o->code = (uint16_t)((i->op == IR_LDSLOT ? s->banked ? DO_LDB_W : DO_LDS_W
                              : s->banked        ? DO_STB_W
                                                 : DO_STS_W) +
                             kind);
        o->c = s->offset;
        break;
    }
    case IR_LDSTATE:
        o->code = (uint16_t)(DO_LDSTATE_1 + i->aux);
        o->c = i->c;
        break;
    case IR_STSTATE:
        o->code = (uint16_t)(DO_STSTATE_1 + i->aux);
        o->c = i->c;
        break;
    case IR_BANKMOVE:
        o->code = DO_BANKMOVE;
        o->c = i->c;
        break;
    case IR_CARRY: o->code = (uint16_t)(DO_CARRY_W + wide(i->aux)); break;
    case IR_BORROW: o->code = (uint16_t)(DO_BORROW_W + wide(i->aux)); break;
    case IR_SEXT:
        o->code = i->type == IR_I64 ? (i->aux == 8    ? DO_SEXT8_D
                                       : i->aux == 16 ? DO_SEXT16_D
                                                      : DO_SEXT32_D)
                                    : (i->aux == 8    ? DO_SEXT8_W
                                       : i->aux == 16 ? DO_SEXT16_W
                                                      : DO_MOV);
        break;
    case IR_ZEXT: o->code = i->aux == 8 ? DO_ZEXT8 : i->aux == 16 ? DO_ZEXT16 : DO_ZEXT32; break;
    case IR_TRUNC: o->code = DO_ZEXT32; break;
    case IR_ICMP: o->code = (uint16_t)(DO_EQ_W + 2 * (i->aux & 0xff) + wide(i->aux >> 8)); break;
    case IR_SELECT: o->code = words_of(i) == 2 ? DO_SELECT2 : DO_SELECT; break;
    case IR_BITCAST: o->code = DO_MOV; break;
    case IR_GUARD:
    case IR_LOAD:
    case IR_STORE:
    case IR_CAS:
    case IR_XCHG:
    case IR_AADD: decode_memory(d, o, i); break;
    case IR_FENCE: o->code = DO_FENCE; break;
    case IR_FADD: o->code = i->type == IR_F32 ? DO_FADD_W : i->type == IR_F64 ? DO_FADD_D : DO_FLOAT; break;
    case IR_FSUB: o->code = i->type == IR_F32 ? DO_FSUB_W : i->type == IR_F64 ? DO_FSUB_D : DO_FLOAT; break;
    case IR_FMUL: o->code = i->type == IR_F32 ? DO_FMUL_W : i->type == IR_F64 ? DO_FMUL_D : DO_FLOAT; break;
    case IR_FDIV: o->code = i->type == IR_F32 ? DO_FDIV_W : i->type == IR_F64 ? DO_FDIV_D : DO_FLOAT; break;
    case IR_FNEG: o->code = i->type == IR_F32 ? DO_FNEG_W : i->type == IR_F64 ? DO_FNEG_D : DO_FLOAT; break;
    case IR_FABS: o->code = i->type == IR_F32 ? DO_FABS_W : i->type == IR_F64 ? DO_FABS_D : DO_FLOAT; break;
    case IR_FSQRT:
    case IR_FMADD:
    case IR_FCMP:
    case IR_FREL:
    case IR_FCVT:
    case IR_ITOF:
    case IR_FTOI:
    case IR_FTOIR: o->code = DO_FLOAT; break;
    case IR_FLANE: o->code = i->aux ? DO_FLANE1 : DO_FLANE0; break;
    case IR_FSETLANE: o->code = i->aux ? DO_FSETLANE1 : DO_FSETLANE0; break;
    case IR_CALL:
        o->code = DO_CALL;
        o->a = i->a;
        break;
    case IR_CALLIF:
        o->code = DO_CALLIF;
        o->b = i->b;
        break;
    case IR_CHARGE:
        o->code = DO_CHARGE;
        o->b = i->b;
        o->c = i->c;
        break;
    case IR_EXITIF:
        o->code = DO_EXITIF;
        o->b = i->b;
        break;
    case IR_EXIT:
        o->code = DO_EXIT;
        o->b = i->b;
        break;
    default:
        if (i->op >= IR_VADD && i->op < IR_CALL) {
            o->code = DO_VECTOR;
            break;
        }
        o->code = (uint16_t)(int_code[i->op] + wide(i->type));
        o->aux = i->aux;
        break;
    }
}

struct interp_code *ir_interp_decode(const struct ir_region *r, void *memory)
{
    struct interp_code *c = memory;
    struct decoder d = {.r = r, .c = c};
    uint8_t *at = (uint8_t *)(c + 1);
    uint32_t n_ops, n_consts, *block_op;

    count(r, &n_ops, &n_consts);
    *c = (struct interp_code){0};
    c->constant = (void *)at;
    at += n_consts * sizeof(uint64_t);
    c->op = (void *)at;
    at += n_ops * sizeof *c->op;
    c->word = (void *)at;
    at += r->n_insns * sizeof(uint32_t);
    block_op = (void *)at;
    at += r->n_blocks * sizeof(uint32_t);
    c->snap = (void *)at;
    c->word[0] = 0;
    for (uint32_t v = 1; v < r->n_insns; v++) {
        c->word[v] = c->n_words;
        if (r->insn[v].op == IR_CONST)
            c->constant[c->n_consts++] = ir_const_value(&r->insn[v]);
        c->n_words += words_of(&r->insn[v]);
    }
    d.spare = c->n_words;
    for (uint32_t n = 0; n < r->n_blocks; n++) {
        block_op[n] = c->n_ops;
        for (uint32_t v = r->block[n].first; v < r->block[n].last; v++)
            decode_insn(&d, v);
    }
    for (uint32_t k = 0; k < c->n_ops; k++)
        if (c->op[k].code == DO_JUMP)
            c->op[k].a = block_op[c->op[k].a];
    for (uint32_t k = 0; k < r->n_snaps; k++) {
        const struct ir_slot *s = &r->guest->slot[r->snap[k].slot];
        c->snap[k] = (struct interp_snap){.value = c->word[r->snap[k].value],
                                          .offset = s->offset,
                                          .size = (uint8_t)slot_size(s->type),
                                          .banked = s->banked};
    }
    return c;
}
