/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk over a region: blocks, branches, and which file has an operation's code.
 */
#include "emulator/jit/x64.h"

/* ------------------------------------------------------------------------------------------------- control */

static void edge_code(struct x64_ctx *c, uint32_t edge, uint32_t next)
{
    uint32_t to = c->r->edge[edge].to;
    int32_t settle = c->owed - c->blk[to].owed;

    if (settle) {
        x64_alu_ri(&c->a, ALU_SUB, true, R_BUDGET, settle);
    }
    x64_edge_moves(c, edge);
    x64_moves(c);
    if (to != next) {
        x64_jmp(&c->a, c->blk[to].label);
    }
}

static void branch_if(struct x64_ctx *c, uint32_t p, uint32_t next)
{
    const struct ir_region *r = c->r;
    const struct ir_insn *i = &r->insn[p];
    uint32_t yes = i->b, no = i->c;
    enum x64_cc cc = x64_condition(c, i->a);

    x64_edge_fix(c, i->aux == 2 ? no : yes);
    x64_edge_fix(c, i->aux == 2 ? yes : no);
    if (cc == CC_ALWAYS || cc == CC_NEVER) {
        edge_code(c, cc == CC_ALWAYS ? yes : no, next);
        return;
    }
    uint32_t ty = r->edge[yes].to, tn = r->edge[no].to;
    uint32_t ny = x64_edge_moves(c, yes) + (c->owed != c->blk[ty].owed);
    uint32_t nn = x64_edge_moves(c, no) + (c->owed != c->blk[tn].owed);
    bool rare_y = i->aux == 2 || (r->block[ty].cold && !r->block[c->block].cold);
    bool rare_n = i->aux == 1 || (r->block[tn].cold && !r->block[c->block].cold);
    bool stay_yes; /* which edge is laid out in line */

    if (rare_y != rare_n && (rare_y ? ny : nn)) {
        stay_yes = rare_n;
    } else if (!ny != !nn) {
        stay_yes = ny != 0;
    } else if (ty == next || tn == next) {
        stay_yes = ty == next;
    } else {
        stay_yes = rare_n;
    }
    uint32_t stay = stay_yes ? yes : no, go = stay_yes ? no : yes;
    if (stay_yes) {
        cc = x64_not(cc);
    }
    if (stay_yes ? nn : ny) {
        uint32_t stub = x64_label(&c->a), cur = c->a.cur;
        x64_jump_if(c, cc, stub);
        x64_section(&c->a, XS_STUB);
        x64_bind(&c->a, stub);
        edge_code(c, go, X64_NEVER);
        x64_section(&c->a, cur);
    } else {
        x64_jump_if(c, cc, c->blk[r->edge[go].to].label);
    }
    edge_code(c, stay, next);
}

static void charge(struct x64_ctx *c, const struct ir_insn *i)
{
    const struct x64_blk *blk = &c->blk[c->block];

    if (!blk->checks || c->charged) {
        c->owed += (int32_t)i->c;
        return;
    }
    x64_alu_ri(&c->a, ALU_SUB, true, R_BUDGET, blk->ahead + c->owed);
    c->charged = true;
    c->owed = (int32_t)i->c - blk->ahead;
    x64_jcc(&c->a, CC_S, x64_exit_stub(c, i->b));
}

static void insn(struct x64_ctx *c, uint32_t p, uint32_t next)
{
    const struct ir_region *r = c->r;
    const struct ir_insn *i = &r->insn[p];
    struct x64_asm *a = &c->a;

    switch ((enum ir_op)i->op) {
    case IR_NOP:
    case IR_CONST:
    case IR_PARAM:
        break;
    case IR_LDSLOT:
        x64_note_home(c, p); /* read where it is used */
        break;
    case IR_STSLOT: {
        struct x64_loc src = x64_where(c, i->a), dst = {.kind = XL_HOME, .type = c->guest->slot[i->aux].type, .off = i->aux};
        if (!(src.kind == XL_HOME && src.off == i->aux)) {
            x64_home_lost(c, i->aux);
            src = x64_where(c, i->a);
            x64_copy(c, &dst, &src, 0);
        }
        break;
    }
    case IR_LDSTATE: {
        int dst = x64_new(c, p);
        static const uint32_t op[4] = {X_0F | 0xb6, X_0F | 0xb7, 0x8b, 0x8b | X_W};
        if (dst >= XMM0) {
            x64_load_type(c, (enum ir_type)i->type, dst, x64_at(R_CPU, (int32_t)i->c));
        } else {
            x64_rm(a, op[i->aux & 3], dst, x64_at(R_CPU, (int32_t)i->c));
        }
        break;
    }
    case IR_STSTATE: {
        struct x64_mem m = x64_at(R_CPU, (int32_t)i->c);
        int src = c->val[x64_canon(c, i->a)].cls == XC_XMM ? x64_in(c, i->a) : x64_read(c, i->a);
        if (src >= XMM0) {
            x64_store_type(c, (enum ir_type)c->val[x64_canon(c, i->a)].type, m, src);
        } else if ((i->aux & 3) == 0) {
            x64_rm(a, 0x88 | X_R8, src, m);
        } else if ((i->aux & 3) == 1) {
            x64_rm(a, 0x89 | X_66, src, m);
        } else {
            x64_store(a, (i->aux & 3) == 3, m, src);
        }
        break;
    }
    case IR_BANKMOVE:
        x64_home_lost(c, -2);
        x64_alu_ri(a, ALU_ADD, true, R_BANK, (int32_t)i->c);
        x64_store(a, true, x64_at(R_CPU, offsetof(struct jit_cpu, bank)), R_BANK);
        break;
    case IR_ICMP:
        x64_set_from_flags(c, p, x64_insn_flags(c, p));
        break;
    case IR_FCMP:
        if (i->aux >> 8 == IR_F80) {
            x64_fp(c, p);
        } else if (c->val[p].n_use == 0) {
            x64_fcmp_flags(c, p);
        } else {
            x64_set_from_flags(c, p, x64_fcmp_flags(c, p));
        }
        break;
    case IR_SELECT:
        x64_select_op(c, p);
        break;
    case IR_BITCAST: {
        struct x64_loc src = x64_where(c, i->a);
        if (src.kind == XL_REG) {
            c->locked |= 1u << src.reg;
        }
        struct x64_loc to = {.kind = XL_REG, .type = i->type, .reg = (int8_t)x64_new(c, p)};
        x64_copy(c, &to, &src, 0);
        break;
    }
    case IR_GUARD:
        x64_guard(c, p);
        break;
    case IR_LOAD:
        x64_load_op(c, p);
        break;
    case IR_STORE:
        x64_store_op(c, p);
        break;
    case IR_CAS:
    case IR_XCHG:
    case IR_AADD:
        x64_atomic_op(c, p);
        break;
    case IR_FENCE: /* lock or dword [rsp + temp], 0: cheaper than mfence, the same for ordinary memory */
        x64_rm(a, 0x83 | X_LOCK, ALU_OR, x64_at(RSP, X64_TEMP));
        x64_1(a, 0);
        break;
    case IR_CALL:
        x64_call(c, p);
        break;
    case IR_CALLIF:
        x64_call_if(c, p);
        break;
    case IR_CHARGE:
        charge(c, i);
        break;
    case IR_EXITIF: {
        enum x64_cc cc = x64_condition(c, i->a);
        if (cc != CC_NEVER) {
            x64_jump_if(c, cc, x64_exit_stub(c, i->b));
        }
        break;
    }
    case IR_EXIT:
        x64_exit_code(c, i->b, -1);
        break;
    case IR_BR:
        x64_edge_fix(c, i->b);
        edge_code(c, i->b, next);
        break;
    case IR_BRIF:
        branch_if(c, p, next);
        break;
    default:
        if (!x64_arith(c, p) && !x64_fp(c, p) && !x64_vec(c, p)) {
            g_error("x86-64: IR operation %s is unknown", ir_op_info[i->op].name);
        }
        break;
    }
}

/* ------------------------------------------------------------------------------------------------- regions */

void x64_region(struct x64_ctx *c, int32_t *hotness)
{
    const struct ir_region *r = c->r;
    struct x64_asm *a = &c->a;

    c->blk[0].fixed = true;
    x64_need(a, 4096);
    if (hotness) {
        uint32_t hot = x64_label(a), cur = a->cur;
        x64_imm_pointer(a, RAX, XR_HEAT, (uint64_t)(uintptr_t)hotness);
        x64_alu_mi(a, ALU_SUB, false, x64_at(RAX, 0), 1);
        x64_jcc(a, CC_E, hot);
        x64_section(a, XS_STUB);
        x64_bind(a, hot);
        x64_imm_pointer(a, RAX, XR_SITE, c->n_sites - 1);
        x64_jmp_abs(a, c->be->code.leave_pc);
        x64_section(a, cur);
    }
    x64_memos(c);
    for (uint32_t b = 0; b < r->n_blocks; b++) {
        const struct ir_block *blk = &r->block[b];

        if (!c->blk[b].fixed) {
            continue; /* nobody goes there */
        }
        uint32_t next = b + 1;
        while (next < r->n_blocks && r->block[next].cold != (blk->cold && b)) {
            next++;
        }
        x64_section(a, blk->cold && b ? XS_COLD : XS_HOT);
        x64_need(a, 256);
        if (c->tier > 1 && c->blk[b].loop_end && b && r->block[b - 1].loop_depth < blk->loop_depth) {
            x64_nops(a, -x64_offset(a) & 15);
        }
        x64_bind(a, c->blk[b].label);
        x64_block_begin(c, b);
        c->owed = c->blk[b].owed;
        c->charged = false;
        c->flags_val = c->carry_val = 0; /* there are other ways here than the one that made the flags */
        for (uint32_t p = blk->first; p < blk->last; p++) {
            const struct x64_val *v = &c->val[p];
            c->pos = p;
            c->locked = 0;
            if (p > c->next_call) {
                c->next_call = X64_NEVER;
                for (uint32_t q = p; q < blk->last; q++) {
                    if (r->insn[q].op == IR_CALL) {
                        c->next_call = q;
                        break;
                    }
                }
            }
            if ((v->flags & XV_CONST) || v->canon != p || (v->flags & XV_DONE) ||
                ((v->flags & XV_LAZY) && r->insn[p].op != IR_GUARD) ||
                x64_dead(c, p)) {
                if (v->flags & XV_DONE) {
                    x64_insn_end(c, p);
                }
                continue;
            }
            x64_need(a, 1024);
            insn(c, p, next);
            x64_insn_end(c, p);
        }
        x64_block_end(c);
    }
}
