/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks every invariant of a finished region.
 */
#include "emulator/jit/ir_internal.h"

struct checker {
    const struct ir_region *r;
    uint32_t *block_of; /* instruction -> block */
    uint32_t *idom;
};

static const char *const op_type_wrong = "operand or result type does not fit the operation";

static bool is_int(unsigned t)
{
    return t == IR_I32 || t == IR_I64;
}

static bool is_float(unsigned t)
{
    return t == IR_F32 || t == IR_F64 || t == IR_F80;
}

static unsigned bits_of(unsigned t)
{
    return t == IR_I64 ? 64 : 32;
}

/* Is value v available to instruction `at` (in block `block`)? */
static bool available(const struct checker *c, ir_ref v, uint32_t at, uint32_t block)
{
    const struct ir_region *r = c->r;
    uint32_t home;

    if (v == IR_NONE || v >= r->n_insns || r->insn[v].type == IR_VOID)
        return false;
    home = c->block_of[v];
    if (home == block)
        return v < at;
    while (block > home)
        block = c->idom[block];
    return block == home;
}

static const char *check_types(const struct ir_region *r, const struct ir_insn *i)
{
    unsigned args = ir_op_info[i->op].args, t = i->type;
    unsigned ta = args > 0 ? r->insn[i->a].type : 0, tb = args > 1 ? r->insn[i->b].type : 0;
    unsigned tc = args > 2 ? r->insn[i->c].type : 0;
    bool ok = true;

    switch (i->op) {
    case IR_NOP: return "a NOP inside a block";
    case IR_CONST:
        ok = t != IR_VOID && t != IR_F80 && t != IR_V128 && ((t != IR_I32 && t != IR_F32) || i->c == 0);
        break;
    case IR_PARAM: ok = t != IR_VOID; break;
    case IR_LDSLOT: ok = i->aux < r->guest->n_slots && r->guest->slot[i->aux].type == t; break;
    case IR_STSLOT: ok = i->aux < r->guest->n_slots && r->guest->slot[i->aux].type == ta; break;
    case IR_LDSTATE: ok = is_int(t) && i->aux <= (t == IR_I64 ? 3 : 2); break;
    case IR_STSTATE: ok = is_int(ta) && i->aux <= (ta == IR_I64 ? 3 : 2); break;
    case IR_ADD:
    case IR_SUB:
    case IR_MUL:
    case IR_MULHU:
    case IR_MULHS:
    case IR_DIVU:
    case IR_DIVS:
    case IR_REMU:
    case IR_REMS:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_ANDN: ok = is_int(t) && ta == t && tb == t; break;
    case IR_NOT:
    case IR_NEG:
    case IR_BSWAP:
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT: ok = is_int(t) && ta == t; break;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR: ok = is_int(t) && ta == t && is_int(tb); break;
    case IR_ADC:
    case IR_SBB: ok = is_int(t) && ta == t && tb == t && tc == IR_I32; break;
    case IR_CARRY:
    case IR_BORROW: ok = t == IR_I32 && is_int(i->aux) && ta == i->aux && tb == i->aux && tc == IR_I32; break;
    case IR_SEXT:
    case IR_ZEXT:
        ok = (i->aux == 8 || i->aux == 16 || i->aux == 32) && is_int(ta) &&
             (t == IR_I64 || (t == IR_I32 && ta == IR_I32));
        break;
    case IR_TRUNC: ok = t == IR_I32 && ta == IR_I64; break;
    case IR_EXTRACT:
        ok = is_int(t) && ta == t && (i->aux >> 8) && (i->aux & 63u) + (i->aux >> 8) <= bits_of(t);
        break;
    case IR_INSERT:
        ok = is_int(t) && ta == t && tb == t && (i->aux >> 8) && (i->aux & 63u) + (i->aux >> 8) <= bits_of(t);
        break;
    case IR_ICMP:
        ok = t == IR_I32 && (i->aux & 0xff) <= IR_GTU && is_int(i->aux >> 8) && ta == i->aux >> 8 && tb == ta;
        break;
    case IR_SELECT: ok = ta == IR_I32 && tb == t && tc == t && t != IR_VOID; break;
    case IR_BITCAST:
        ok = (t == IR_I32 && ta == IR_F32) || (t == IR_F32 && ta == IR_I32) ||
             (t == IR_I64 && ta == IR_F64) || (t == IR_F64 && ta == IR_I64);
        break;
    case IR_GUARD: {
        int lo = (int16_t)i->c, hi = (int16_t)(i->c >> 16);
        ok = t == IR_I64 && is_int(ta) && lo < hi && hi - lo <= 4096 &&
             (i->aux & (IR_MEM_READ | IR_MEM_WRITE)) && IR_MEM_SIZE(i->aux) <= 4;
        break;
    }
    case IR_LOAD:
    case IR_STORE:
    case IR_CAS:
    case IR_XCHG:
    case IR_AADD: {
        const struct ir_insn *g = &r->insn[i->a];
        unsigned size = 1u << IR_MEM_SIZE(i->aux), value = i->op == IR_LOAD ? t : tb;
        int32_t at = i->op == IR_LOAD || i->op == IR_STORE ? (int32_t)i->c : 0;
        if (g->op != IR_GUARD && !(i->op == IR_LOAD && g->op == IR_CONST && g->type == IR_I64))
            return "memory access without a guard";
        if (g->op == IR_GUARD && (at < (int16_t)g->c || at + (int32_t)size > (int16_t)(g->c >> 16)))
            return "memory access outside its guard's range";
        if (g->op == IR_GUARD && !(g->aux & (i->op == IR_LOAD ? IR_MEM_READ | IR_MEM_WRITE : IR_MEM_WRITE)))
            return "memory access that its guard did not ask for";
        if (i->op == IR_LOAD || i->op == IR_STORE)
            ok = (value == IR_I32 && size <= 4) || (value == IR_I64 && size <= 8) ||
                 (value == IR_F32 && size == 4) || (value == IR_F64 && size == 8) ||
                 (value == IR_V128 && size == 16);
        else
            ok = is_int(t) && tb == t && (i->op != IR_CAS || tc == t) && size <= (t == IR_I64 ? 8 : 4);
        break;
    }
    case IR_FADD:
    case IR_FSUB:
    case IR_FMUL:
    case IR_FDIV: ok = is_float(t) && ta == t && tb == t; break;
    case IR_FSQRT:
    case IR_FNEG:
    case IR_FABS: ok = is_float(t) && ta == t; break;
    case IR_FMADD: ok = is_float(t) && t != IR_F80 && ta == t && tb == t && tc == t; break;
    case IR_FCMP:
    case IR_FREL: ok = t == IR_I32 && is_float(i->aux >> 8) && ta == i->aux >> 8 && tb == ta; break;
    case IR_FCVT: ok = is_float(t) && is_float(ta) && ta == i->aux && ta != t; break;
    case IR_ITOF: ok = is_float(t) && is_int(ta) && ta == i->aux; break;
    case IR_FTOI:
    case IR_FTOIR: ok = is_int(t) && is_float(ta) && ta == i->aux; break;
    case IR_FLANE: ok = t == IR_F32 && ta == IR_F64 && i->aux <= 1; break;
    case IR_FSETLANE: ok = t == IR_F64 && ta == IR_F64 && tb == IR_F32 && i->aux <= 1; break;
    case IR_VSPLAT:
    case IR_VLANE:
    case IR_VSETLANE: {
        unsigned scalar = i->op == IR_VSPLAT ? ta : i->op == IR_VLANE ? t : tb;
        static const uint8_t lanes[] = {16, 8, 4, 2, 4, 2};
        if (i->aux > IR_LF64)
            return "no such lane size";
        ok = i->aux <= IR_L32   ? scalar == IR_I32 || (scalar == IR_F32 && i->aux == IR_L32)
             : i->aux == IR_L64 ? scalar == IR_I64 || scalar == IR_F64
                                : scalar == (i->aux == IR_LF32 ? IR_F32 : IR_F64);
        if (i->op == IR_VSPLAT)
            ok = ok && t == IR_V128;
        else
            ok = ok && ta == IR_V128 && i->c < lanes[i->aux] && (i->op == IR_VLANE || t == IR_V128);
        break;
    }
    case IR_VPAIR: ok = t == IR_V128 && ta == IR_F64 && tb == IR_F64; break;
    case IR_VNARROW:
    case IR_VNARROWSS:
    case IR_VNARROWSU:
    case IR_VNARROWUU:
        ok = t == IR_V128 && ta == IR_V128 && tb == IR_V128 && i->aux >= IR_L16 && i->aux <= IR_L64;
        break;
    case IR_VWIDENS:
    case IR_VWIDENU: ok = t == IR_V128 && ta == IR_V128 && i->aux <= IR_L32; break;
    case IR_VMULWS:
    case IR_VMULWU: ok = t == IR_V128 && ta == IR_V128 && tb == IR_V128 && i->aux <= IR_L32; break;
    case IR_VEXT: ok = t == IR_V128 && ta == IR_V128 && tb == IR_V128 && i->c < 16; break;
    case IR_VREV:
        ok = t == IR_V128 && ta == IR_V128 && (i->c == 2 || i->c == 4 || i->c == 8) && i->aux <= IR_L32 &&
             1u << i->aux < i->c;
        break;
    case IR_CALL: ok = t == r->call[i->a].helper->result; break;
    case IR_CALLIF: ok = ta == IR_I32 && t == IR_VOID; break;
    case IR_EXITIF:
    case IR_BRIF: ok = ta == IR_I32; break;
    case IR_CHARGE: ok = i->c > 0 && i->c <= r->max_charge; break;
    case IR_BANKMOVE:
    case IR_FENCE:
    case IR_EXIT:
    case IR_BR: ok = t == IR_VOID; break;
    default: /* vectors */
        ok = t == IR_V128 && ta == IR_V128 && (args < 2 || tb == IR_V128) && (args < 3 || tc == IR_V128) &&
             i->aux <= IR_LF64;
        break;
    }
    if (ok && i->op >= IR_STSLOT && i->op <= IR_STSTATE && i->op != IR_LDSTATE)
        ok = t == IR_VOID;
    return ok ? NULL : op_type_wrong;
}

static const char *check_exit(const struct checker *c, uint32_t e, uint32_t at, uint32_t block)
{
    const struct ir_region *r = c->r;
    const struct ir_exit *x;
    uint64_t seen[(IR_MAX_SLOTS + 63) / 64] = {0};

    if (e >= r->n_exits)
        return "exit index out of range";
    x = &r->exit[e];
    if (x->kind > IR_EXIT_BUDGET || x->hint > IR_HINT_RETURN)
        return "no such kind of exit";
    if (x->block != block)
        return "exit used in a block that is not its own";
    if ((x->info && !available(c, x->info, at, block)) ||
        (x->pc_ref && !available(c, x->pc_ref, at, block)) ||
        (x->npc_ref && !available(c, x->npc_ref, at, block)))
        return "exit names a value that is not available there";
    if ((x->pc_ref && !is_int(r->insn[x->pc_ref].type)) ||
        (x->npc_ref && !is_int(r->insn[x->npc_ref].type)) || (x->info && !is_int(r->insn[x->info].type)))
        return "exit's pc, npc or info is no integer";
    if (x->refund > r->max_charge)
        return "exit refunds more than anybody charged";
    if (x->first > r->n_snaps || x->count > r->n_snaps - x->first)
        return "snapshot out of range";
    for (uint32_t k = 0; k < x->count; k++) {
        const struct ir_snap *s = &r->snap[x->first + k];
        if (s->slot >= r->guest->n_slots)
            return "snapshot of no slot";
        if (seen[s->slot >> 6] >> (s->slot & 63) & 1)
            return "snapshot lists a slot twice";
        seen[s->slot >> 6] |= (uint64_t)1 << (s->slot & 63);
        if (!available(c, s->value, at, block))
            return "snapshot names a value that is not available there";
        if (r->insn[s->value].type != r->guest->slot[s->slot].type)
            return "snapshot value has another type than its slot";
    }
    return NULL;
}

static const char *check_edge(const struct checker *c, uint32_t e, uint32_t at, uint32_t block,
                              uint8_t *edge_used)
{
    const struct ir_region *r = c->r;
    const struct ir_edge *x;

    if (e >= r->n_edges)
        return "edge index out of range";
    x = &r->edge[e];
    if (edge_used[e]++)
        return "edge used twice";
    if (x->from != block)
        return "edge leaves from another block";
    if (x->to >= r->n_blocks || x->to == 0)
        return "edge to no block, or to the entry";
    if (x->n_args != r->block[x->to].n_params || x->first_arg > r->n_args ||
        x->n_args > r->n_args - x->first_arg)
        return "edge's arguments do not fit the parameters";
    for (uint32_t k = 0; k < x->n_args; k++) {
        ir_ref v = r->arg[x->first_arg + k];
        if (!available(c, v, at, block))
            return "edge argument is not available there";
        if (r->insn[v].type != r->insn[r->block[x->to].first + k].type)
            return "edge argument has another type than the parameter";
    }
    return NULL;
}

static const char *check_insn(const struct checker *c, uint32_t v, uint32_t block, uint8_t *edge_used)
{
    const struct ir_region *r = c->r;
    const struct ir_insn *i = &r->insn[v];
    unsigned args;
    const char *wrong;

    if (i->op >= IR_N_OPS)
        return "no such operation";
    if (i->type > IR_V128)
        return "no such type";
    args = ir_op_info[i->op].args;
    if ((args > 0 && !available(c, i->a, v, block)) || (args > 1 && !available(c, i->b, v, block)) ||
        (args > 2 && !available(c, i->c, v, block)))
        return "operand is not available there";
    if (i->op == IR_CALL || i->op == IR_CALLIF) {
        uint32_t n = i->op == IR_CALL ? i->a : i->b;
        if (n >= r->n_calls || !r->call[n].helper || r->call[n].helper->n_args > 6)
            return "call index out of range";
        if (r->call[n].helper->result == IR_V128 && (r->call[n].helper->n_args > 5 || i->op == IR_CALLIF))
            return "helper cannot give a vector there";
        for (unsigned k = 0; k < r->call[n].helper->n_args; k++) {
            if (i->op == IR_CALLIF && r->call[n].helper->arg_type[k] == IR_V128)
                return "conditional call with a vector";
            if (!available(c, r->call[n].arg[k], v, block))
                return "call argument is not available there";
            if (r->insn[r->call[n].arg[k]].type != r->call[n].helper->arg_type[k])
                return "call argument has another type than the helper's";
        }
    }
    wrong = check_types(r, i);
    if (!wrong && ib_exit_of(i) != ~0u)
        wrong = check_exit(c, i->b, v, block);
    if (!wrong && (i->op == IR_BR || i->op == IR_BRIF))
        wrong = check_edge(c, i->b, v, block, edge_used);
    if (!wrong && i->op == IR_BRIF)
        wrong = check_edge(c, i->c, v, block, edge_used);
    if (!wrong && i->op == IR_GUARD && r->exit[i->b].kind != IR_EXIT_MEMORY)
        wrong = "a guard leaves by an exit that is not for memory";
    if (!wrong && i->op == IR_CHARGE &&
        (r->exit[i->b].kind != IR_EXIT_BUDGET || r->exit[i->b].refund != i->c))
        wrong = "a charge leaves by an exit that does not give it back";
    return wrong;
}

/* Blocks, and where each instruction stands. */
static const char *check_shape(const struct ir_region *r, uint32_t *block_of, uint32_t *n_preds)
{
    uint32_t at = 1;

    if (r->n_blocks == 0 || r->n_insns < 2 || r->insn[0].op != IR_NOP)
        return "empty region";
    for (uint32_t n = 0; n < r->n_blocks; n++) {
        const struct ir_block *k = &r->block[n];
        bool consts = n == 0;
        if (k->first != at || k->last <= k->first || k->last > r->n_insns)
            return "blocks do not follow one another";
        if (k->n_params >= k->last - k->first)
            return "block has more parameters than instructions";
        at = k->last;
        for (uint32_t v = k->first; v < k->last; v++) {
            const struct ir_insn *i = &r->insn[v];
            if (i->op >= IR_N_OPS)
                return "no such operation";
            if ((i->op == IR_PARAM) != (v < k->first + k->n_params))
                return "parameters are not first in their block";
            if (i->op == IR_PARAM && i->b != n)
                return "parameter of another block";
            if (((ir_op_info[i->op].flags & IR_T) != 0) != (v == k->last - 1))
                return "block does not end in its only terminator";
            if (i->op == IR_CONST && !consts)
                return "constant that does not stand first in the entry block";
            consts = consts && i->op == IR_CONST;
            block_of[v] = n;
        }
        const struct ir_insn *t = &r->insn[k->last - 1];
        if (t->op == IR_BR || t->op == IR_BRIF) {
            if (t->b >= r->n_edges || (t->op == IR_BRIF && t->c >= r->n_edges))
                return "edge index out of range";
            if (r->edge[t->b].to >= r->n_blocks || (t->op == IR_BRIF && r->edge[t->c].to >= r->n_blocks))
                return "edge to no block";
            n_preds[r->edge[t->b].to]++;
            if (t->op == IR_BRIF)
                n_preds[r->edge[t->c].to]++;
        }
    }
    if (at != r->n_insns)
        return "instructions that belong to no block";
    for (uint32_t n = 0; n < r->n_blocks; n++)
        if ((n_preds[n] == 0) != (n == 0))
            return n ? "block without a predecessor" : "entry block with a predecessor";
    return r->block[0].n_params ? "entry block with parameters" : NULL;
}

const char *ir_verify(const struct ir_region *r)
{
    g_autofree uint32_t *block_of = g_new0(uint32_t, r->n_insns + 1),
                        *n_preds = g_new0(uint32_t, r->n_blocks + 2);
    g_autofree uint32_t *idom = g_new(uint32_t, r->n_blocks + 1), *pred = NULL, *fill = NULL;
    g_autofree uint8_t *edge_used = g_new0(uint8_t, r->n_edges + 1);
    struct checker c = {r, block_of, idom};
    const char *wrong = check_shape(r, block_of, n_preds);
    uint32_t at = 0;

    if (wrong)
        return wrong;
    for (uint32_t n = 0; n <= r->n_blocks; n++) {
        uint32_t k = n_preds[n];
        n_preds[n] = at;
        at += k;
    }
    pred = g_new(uint32_t, at + 1);
    fill = g_memdup2(n_preds, (r->n_blocks + 1) * sizeof *n_preds);
    for (uint32_t n = 0; n < r->n_blocks; n++) {
        const struct ir_insn *t = &r->insn[r->block[n].last - 1];
        if (t->op == IR_BR || t->op == IR_BRIF)
            pred[fill[r->edge[t->b].to]++] = n;
        if (t->op == IR_BRIF)
            pred[fill[r->edge[t->c].to]++] = n;
    }
    ir_cfg_dominators(r->n_blocks, n_preds, pred, idom);
    for (uint32_t n = 0; n < r->n_blocks; n++)
        if (idom[n] == ~0u || (n && idom[n] >= n))
            return "blocks are not in reverse post order";
    for (uint32_t n = 0; n < r->n_blocks; n++)
        for (uint32_t v = r->block[n].first; v < r->block[n].last; v++)
            if ((wrong = check_insn(&c, v, n, edge_used)))
                return wrong;
    return NULL;
}
