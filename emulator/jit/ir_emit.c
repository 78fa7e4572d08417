/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The IR builder's operations with effects: exits and branches, accesses of memory, calls.
 */
#include "emulator/jit/ir_internal.h"

/* ----------------------------------------------------------------------------------------------- exits */

static uint32_t new_exit(struct ir_builder *b, enum ir_exit_kind kind)
{
    uint32_t n = b->n_exits, block = ib_here(b);

    IB_GROW(b->exit, n, b->cap_exits);
    IB_GROW(b->exit_info, n, b->cap_exit_info);
    b->exit[n] = (struct ir_exit){.kind = (uint8_t)kind,
                                  .pc = b->here_pc,
                                  .npc = b->here_npc,
                                  .npc_ref = b->here_npc_ref,
                                  .block = block};
    b->exit_info[n] = (struct ib_exit_info){.executed = b->block[b->counted].done, .counted = b->counted};
    b->n_exits++;
    ib_event(b, block, IB_EXIT, 0, n);
    return n;
}

/* Guards of one instruction with nothing put between share their exit. */
static uint32_t memory_exit(struct ir_builder *b)
{
    uint32_t block = ib_here(b), n = b->memory_exit;

    if (n != ~0u && b->block[block].event_tail == b->memory_exit_event && b->exit[n].pc == b->here_pc &&
        b->exit[n].npc == b->here_npc && b->exit[n].npc_ref == b->here_npc_ref &&
        b->exit_info[n].executed == b->block[b->counted].done && b->exit[n].block == block)
        return n;
    b->memory_exit = new_exit(b, IR_EXIT_MEMORY);
    b->memory_exit_event = b->block[block].event_tail;
    return b->memory_exit;
}

static void end_block(struct ir_builder *b, const struct ir_insn *i)
{
    ib_emit(b, i);
    b->block[b->current].terminated = true;
}

void ir_set_pc(struct ir_builder *b, uint64_t pc, uint64_t npc)
{
    b->here_pc = pc;
    b->here_npc = npc;
    b->here_npc_ref = IR_NONE;
    b->serial++;
}

void ir_set_pc_ref(struct ir_builder *b, uint64_t pc, ir_ref npc_ref)
{
    b->here_pc = pc;
    b->here_npc = 0;
    b->here_npc_ref = ib_resolve(b, npc_ref);
    b->serial++;
}

void ir_charge(struct ir_builder *b, uint32_t insns)
{
    uint32_t block = ib_here(b), e = new_exit(b, IR_EXIT_BUDGET);

    g_assert(!b->block[block].charge);
    b->exit[e].pc = b->block[block].pc;
    b->exit[e].npc = b->block[block].npc;
    b->exit[e].npc_ref = IR_NONE;
    b->exit_info[e].budget = true;
    b->block[block].charge = ib_emit(b, &(struct ir_insn){.op = IR_CHARGE, .b = e, .c = insns});
    b->block[block].charged = insns;
}

void ir_insns_done(struct ir_builder *b, uint32_t n)
{
    b->block[b->counted].done += n;
}

uint32_t ir_exit_raise(struct ir_builder *b, uint32_t reason, ir_ref info)
{
    uint32_t e = new_exit(b, IR_EXIT_RAISE);

    b->exit[e].reason = reason;
    b->exit[e].info = info ? ib_resolve(b, info) : IR_NONE;
    return e;
}

void ir_raise_if(struct ir_builder *b, ir_ref cond, uint32_t reason, ir_ref info)
{
    uint64_t k;

    cond = ib_resolve(b, cond);
    if (ib_const(b, cond, &k) && (uint32_t)k == 0)
        return;
    uint32_t e = ir_exit_raise(b, reason, info);
    ib_emit(b, &(struct ir_insn){.op = IR_EXITIF, .a = cond, .b = e});
}

void ir_raise(struct ir_builder *b, uint32_t reason, ir_ref info)
{
    uint32_t e = ir_exit_raise(b, reason, info);
    end_block(b, &(struct ir_insn){.op = IR_EXIT, .b = e});
}

void ir_exit_if(struct ir_builder *b, ir_ref cond, enum ir_exit_kind kind, uint64_t pc, uint64_t npc)
{
    uint64_t k;

    cond = ib_resolve(b, cond);
    if (ib_const(b, cond, &k) && (uint32_t)k == 0)
        return;
    uint32_t e = new_exit(b, kind);
    b->exit[e].pc = pc;
    b->exit[e].npc = npc;
    b->exit[e].npc_ref = IR_NONE;
    ib_emit(b, &(struct ir_insn){.op = IR_EXITIF, .a = cond, .b = e});
}

void ir_exit(struct ir_builder *b, enum ir_exit_kind kind, enum ir_exit_hint hint, uint64_t pc, uint64_t npc,
             ir_ref pc_ref, ir_ref npc_ref)
{
    uint32_t e = new_exit(b, kind);

    b->exit[e].hint = (uint8_t)hint;
    b->exit[e].pc = pc;
    b->exit[e].npc = npc;
    b->exit[e].pc_ref = pc_ref ? ib_resolve(b, pc_ref) : IR_NONE;
    b->exit[e].npc_ref = npc_ref ? ib_resolve(b, npc_ref) : IR_NONE;
    if (pc_ref && hint == IR_HINT_CALL)
        ir_exit_returns(b, pc);
    b->exit_info[e].final = b->counted == b->exit[e].block;
    end_block(b, &(struct ir_insn){.op = IR_EXIT, .b = e});
}

void ir_exit_returns(struct ir_builder *b, uint64_t return_pc)
{
    struct ir_exit *e = &b->exit[b->n_exits - 1];

    e->call_return_valid = 1;
    e->return_pc = return_pc;
}

void ir_br(struct ir_builder *b, uint32_t to)
{
    uint32_t from = ib_here(b);

    if (b->closed)
        return;
    uint32_t e = ib_new_edge(b, from, to + 1);
    end_block(b, &(struct ir_insn){.op = IR_BR, .b = e});
}

void ir_br_if(struct ir_builder *b, ir_ref cond, uint32_t yes, uint32_t no, unsigned likely)
{
    uint32_t from = ib_here(b);
    uint64_t k;

    cond = ib_resolve(b, cond);
    if (b->closed)
        return;
    if (yes == no) {
        ir_br(b, yes);
        return;
    }
    if (ib_const(b, cond, &k)) {
        ir_br(b, (uint32_t)k ? yes : no);
        return;
    }
    uint32_t e = ib_new_edge(b, from, yes + 1), f = ib_new_edge(b, from, no + 1);
    end_block(b, &(struct ir_insn){.op = IR_BRIF, .aux = (uint16_t)likely, .a = cond, .b = e, .c = f});
}

/* Goes on in a block that the CHARGE of an earlier one covers. */
static void continue_in(struct ir_builder *b, uint32_t block, uint32_t counted)
{
    uint64_t pc = b->here_pc, npc = b->here_npc;
    ir_ref npc_ref = b->here_npc_ref;

    ir_block_seal(b, block);
    ir_block_start(b, block);
    b->here_pc = pc;
    b->here_npc = npc;
    b->here_npc_ref = npc_ref;
    b->counted = counted;
}

void ir_if(struct ir_builder *b, ir_ref cond)
{
    uint32_t head = ib_here(b), yes = ir_block_new(b, b->here_pc, b->here_npc), counted = b->counted;

    g_assert(!b->join);
    b->join = ir_block_new(b, b->here_pc, b->here_npc);
    b->join_done = b->block[counted].done;
    b->other_way = 0;
    b->on_other_way = b->lost_slots = false;
    ir_br_if(b, cond, yes, b->join, 0);
    b->no_edge = b->block[head].n_succs == 2 ? b->block[head].succ[1] : ~0u;
    continue_in(b, yes, counted);
}

/* Both ways go on in the block where they meet. */
void ib_meet(struct ir_builder *b)
{
    uint32_t counted = b->counted, other = b->other_way;

    b->held = 0;
    ir_br(b, b->join);
    if (other) {
        b->current = other;
        ir_br(b, b->join);
    }
    continue_in(b, b->join, counted);
    b->join = 0;
}

void ir_endif(struct ir_builder *b)
{
    uint32_t counted = b->counted;

    b->block[counted].done = b->join_done;
    if (ir_block_open(b)) {
        ib_meet(b);
        return;
    }
    if (b->other_way) {
        b->current = b->other_way;
        b->closed = false;
        ir_br(b, b->join);
    }
    continue_in(b, b->join, counted);
    b->join = 0;
}

void ir_endif_hold(struct ir_builder *b, unsigned tag)
{
    if (!ir_block_open(b) || b->lost_slots || b->no_edge == ~0u) {
        ir_endif(b);
        return;
    }
    b->block[b->counted].done = b->join_done;
    b->held = tag;
}

unsigned ir_if_held(const struct ir_builder *b)
{
    return b->held;
}

void ir_if_again(struct ir_builder *b, bool otherwise)
{
    uint32_t counted = b->counted;

    b->held = 0;
    b->join_done = b->block[counted].done;
    if (otherwise == b->on_other_way)
        return;
    uint32_t from = b->current, to = b->other_way;
    b->other_way = from;
    b->on_other_way = otherwise;
    if (to) {
        b->current = to;
        return;
    }
    /* the branch goes to a block of its own now */
    uint32_t block = ir_block_new(b, b->here_pc, b->here_npc);
    ib_move_edge(b, b->no_edge, block + 1);
    continue_in(b, block, counted);
}

/* ---------------------------------------------------------------------------------------------- memory */

ir_ref ir_guard(struct ir_builder *b, unsigned aux, ir_ref address)
{
    uint32_t block = ib_here(b), size, h;
    struct ir_insn i = {.op = IR_GUARD, .type = IR_I64, .a = ib_resolve(b, address)};

    aux &= 7u | IR_MEM_READ | IR_MEM_WRITE | IR_MEM_ALIGN(7);
    size = 1u << IR_MEM_SIZE(aux);
    if (IR_MEM_ALIGN_OF(aux) && !b->no_fold &&
        !(ib_possible_bits(b, i.a, 4) & ((1u << IR_MEM_ALIGN_OF(aux)) - 1)))
        aux &= ~IR_MEM_ALIGN(7); /* cannot be otherwise */
    h = ib_hash(&i);
    for (ir_ref v = b->hash[h]; v; v = b->chain[v]) {
        const struct ir_insn *o = &b->insn[v];
        if (o->op != IR_GUARD || o->a != i.a || !ib_dominates(b, b->link[v].block, block))
            continue;
        if (b->user_mode ? b->stamp[v] != b->serial || b->link[v].block != block
                         : b->stamp[v] != b->guard_epoch) {
            /* its check of the address still holds */
            if (IR_MEM_ALIGN_OF(o->aux) >= IR_MEM_ALIGN_OF(aux))
                aux &= ~IR_MEM_ALIGN(7);
            continue;
        }
        unsigned may = o->aux & IR_MEM_WRITE ? o->aux | IR_MEM_READ : o->aux;
        if ((aux & ~may & (IR_MEM_READ | IR_MEM_WRITE)) == 0 && IR_MEM_SIZE(aux) <= IR_MEM_SIZE(o->aux) &&
            IR_MEM_ALIGN_OF(aux) <= IR_MEM_ALIGN_OF(o->aux))
            return v;
    }
    struct ir_insn n = i;
    n.aux = (uint16_t)aux;
    n.b = memory_exit(b);
    n.c = size << 16;
    ir_ref v = ib_emit(b, &n);
    b->stamp[v] = b->user_mode ? b->serial : b->guard_epoch;
    b->chain[v] = b->hash[h];
    b->hash[h] = v;
    return v;
}

ir_ref ir_guard_range(struct ir_builder *b, unsigned aux, ir_ref address, unsigned bytes)
{
    g_assert(!b->unit && bytes <= IR_GUARD_RANGE);
    aux &= 7u | IR_MEM_READ | IR_MEM_WRITE | IR_MEM_ALIGN(7);
    struct ir_insn i = {.op = IR_GUARD,
                        .type = IR_I64,
                        .aux = (uint16_t)aux,
                        .a = ib_resolve(b, address),
                        .b = memory_exit(b),
                        .c = bytes << 16};
    ir_ref v = ib_emit(b, &i); /* not shared: others look at the size in aux */
    b->stamp[v] = b->user_mode ? b->serial : b->guard_epoch;
    return v;
}

bool ir_is_unit(const struct ir_builder *b)
{
    return b->unit;
}

ir_ref ir_load_at(struct ir_builder *b, enum ir_type type, unsigned aux, ir_ref guard, int32_t offset)
{
    aux &= 7u | IR_MEM_SIGNED | IR_MEM_BIG;
    return ib_emit(
        b,
        &(struct ir_insn){
            .op = IR_LOAD, .type = (uint8_t)type, .aux = (uint16_t)aux, .a = guard, .c = (uint32_t)offset});
}

void ir_store_at(struct ir_builder *b, unsigned aux, ir_ref guard, int32_t offset, ir_ref v)
{
    aux &= 7u | IR_MEM_BIG;
    v = ib_resolve(b, v);
    /* narrow stores take the low bits */
    while ((ib_is(b, v, IR_ZEXT) || ib_is(b, v, IR_SEXT)) && b->insn[v].aux >= 8u << IR_MEM_SIZE(aux) &&
           b->insn[ib_resolve(b, b->insn[v].a)].type == b->insn[v].type)
        v = ib_resolve(b, b->insn[v].a);
    ib_emit(b, &(struct ir_insn){
                  .op = IR_STORE, .aux = (uint16_t)aux, .a = guard, .b = v, .c = (uint32_t)offset});
}

ir_ref ir_load(struct ir_builder *b, enum ir_type type, unsigned aux, ir_ref address)
{
    ir_ref g = ir_guard(b, (aux & (7u | IR_MEM_ALIGN(7))) | IR_MEM_READ, address);
    return ir_load_at(b, type, aux, g, 0);
}

void ir_store(struct ir_builder *b, unsigned aux, ir_ref address, ir_ref v)
{
    ir_ref g = ir_guard(b, (aux & (7u | IR_MEM_ALIGN(7))) | IR_MEM_WRITE, address);
    ir_store_at(b, aux, g, 0, v);
}

ir_ref ir_atomic(struct ir_builder *b, enum ir_op op, enum ir_type type, unsigned aux, ir_ref guard, ir_ref x,
                 ir_ref y)
{
    g_assert(op == IR_CAS || op == IR_XCHG || op == IR_AADD);
    aux &= 7u | IR_MEM_BIG;
    return ib_emit(b, &(struct ir_insn){.op = (uint8_t)op,
                                       .type = (uint8_t)type,
                                       .aux = (uint16_t)aux,
                                       .a = guard,
                                       .b = ib_resolve(b, x),
                                       .c = op == IR_CAS ? ib_resolve(b, y) : 0});
}

void ir_fence(struct ir_builder *b)
{
    ib_emit(b, &(struct ir_insn){.op = IR_FENCE});
}

ir_ref ir_ldstate(struct ir_builder *b, enum ir_type type, unsigned log2size, uint32_t offset)
{
    return ib_emit(b, &(struct ir_insn){
                         .op = IR_LDSTATE, .type = (uint8_t)type, .aux = (uint16_t)log2size, .c = offset});
}

void ir_ststate(struct ir_builder *b, unsigned log2size, uint32_t offset, ir_ref v)
{
    ib_emit(b, &(struct ir_insn){
                  .op = IR_STSTATE, .aux = (uint16_t)log2size, .a = ib_resolve(b, v), .c = offset});
}

/* ----------------------------------------------------------------------------------------------- calls */

static uint32_t new_call(struct ir_builder *b, const struct ir_helper *helper, const ir_ref *args)
{
    uint32_t n = b->n_calls;

    IB_GROW(b->call, n, b->cap_calls);
    b->call[n] = (struct ir_call){.helper = helper};
    for (unsigned k = 0; k < helper->n_args; k++)
        b->call[n].arg[k] = ib_resolve(b, args[k]);
    b->n_calls++;
    if (helper->flags & (IR_HELPER_READS | IR_HELPER_WRITES))
        ib_flush(b, (const uint64_t[3]){~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0});
    return n;
}

static void after_call(struct ir_builder *b, const struct ir_helper *helper)
{
    if (!ib_keeps_mappings(helper))
        b->guard_epoch++;
    if (helper->flags & IR_HELPER_FP)
        b->fp_epoch++;
    if (helper->flags & IR_HELPER_WRITES) {
        b->lost_slots = true;
        for (uint32_t s = 0; s < b->n_slots; s++)
            b->out[b->current * b->n_slots + s] = IB_MEMORY;
        ib_event(b, b->current, IB_FORGET, 0, 0);
    }
}

ir_ref ir_call(struct ir_builder *b, const struct ir_helper *helper, const ir_ref *args)
{
    uint32_t n = new_call(b, helper, args);
    ir_ref v = ib_emit(b, &(struct ir_insn){.op = IR_CALL, .type = helper->result, .a = n});

    after_call(b, helper);
    return v;
}

void ir_call_if(struct ir_builder *b, ir_ref cond, const struct ir_helper *helper, const ir_ref *args)
{
    uint64_t k;

    cond = ib_resolve(b, cond);
    if (ib_const(b, cond, &k)) {
        if ((uint32_t)k)
            ir_call(b, helper, args);
        return;
    }
    uint32_t n = new_call(b, helper, args);
    ib_emit(b, &(struct ir_insn){.op = IR_CALLIF, .a = cond, .b = n});
    after_call(b, helper);
}
