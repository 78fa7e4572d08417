/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A region as text, for logs and for people.
 */
#include <inttypes.h>
#include "emulator/jit/ir_internal.h"

static const char *const type_name[] = {"void", "i32", "i64", "f32", "f64", "f80", "v128"};
static const char *const cond_name[] = {"eq", "ne", "lts", "ges", "les", "gts", "ltu", "geu", "leu", "gtu"};
static const char *const lane_name[] = {"b", "h", "w", "d", "s", "d"};
static const char *const kind_name[] = {"direct", "indirect", "dispatch", "raise", "memory", "budget"};

static void print_edge(const struct ir_region *r, uint32_t e, FILE *out)
{
    const struct ir_edge *x = &r->edge[e];

    fprintf(out, " B%u", x->to);
    if (!x->n_args)
        return;
    for (uint32_t k = 0; k < x->n_args; k++)
        fprintf(out, "%s%%%u", k ? ", " : "(", r->arg[x->first_arg + k]);
    fputc(')', out);
}

static void print_exit(const struct ir_region *r, uint32_t e, FILE *out)
{
    const struct ir_exit *x = &r->exit[e];

    fprintf(out, "  -> X%u %s", e, x->kind <= IR_EXIT_BUDGET ? kind_name[x->kind] : "?");
    if (x->kind == IR_EXIT_RAISE) {
        fprintf(out, " %u", x->reason);
        if (x->info)
            fprintf(out, " info=%%%u", x->info);
    }
    if (x->pc_ref)
        fprintf(out, " pc=%%%u", x->pc_ref);
    else
        fprintf(out, " pc=%" PRIx64, x->pc);
    if (x->npc_ref)
        fprintf(out, " npc=%%%u", x->npc_ref);
    else if (r->guest->uses_npc)
        fprintf(out, " npc=%" PRIx64, x->npc);
    if (x->hint)
        fputs(x->hint == IR_HINT_CALL ? " call" : " return", out);
    if (x->call_return_valid)
        fprintf(out, " back=%" PRIx64, x->return_pc);
    if (x->refund)
        fprintf(out, " refund=%u", x->refund);
    if (x->count) {
        fputs(" {", out);
        for (uint32_t k = 0; k < x->count; k++) {
            const struct ir_snap *s = &r->snap[x->first + k];
            fprintf(out, "%s%s=%%%u", k ? " " : "", r->guest->slot[s->slot].name, s->value);
        }
        fputc('}', out);
    }
}

static void print_memory(unsigned aux, FILE *out)
{
    fprintf(out, ".%u", 1u << IR_MEM_SIZE(aux));
    if (aux & IR_MEM_SIGNED)
        fputc('s', out);
    if (aux & IR_MEM_BIG)
        fputs("be", out);
}

static void print_call(const struct ir_region *r, uint32_t c, FILE *out)
{
    const struct ir_call *x = &r->call[c];

    fprintf(out, " %s(", x->helper->name);
    for (unsigned k = 0; k < x->helper->n_args; k++)
        fprintf(out, "%s%%%u", k ? ", " : "", x->arg[k]);
    fputc(')', out);
}

static void print_insn(const struct ir_region *r, uint32_t v, FILE *out)
{
    const struct ir_insn *i = &r->insn[v];
    const struct ir_op_info *info = &ir_op_info[i->op];

    fputs("    ", out);
    if (i->type != IR_VOID)
        fprintf(out, "%%%u:%s = ", v, type_name[i->type]);
    for (const char *c = info->name; *c; c++)
        fputc(g_ascii_tolower(*c), out);
    switch (i->op) {
    case IR_CONST: fprintf(out, " 0x%" PRIx64, ir_const_value(i)); break;
    case IR_PARAM:
    case IR_LDSLOT:
    case IR_STSLOT:
        if (i->aux < r->guest->n_slots)
            fprintf(out, " [%s]", r->guest->slot[i->aux].name);
        break;
    case IR_LDSTATE:
    case IR_STSTATE: fprintf(out, ".%u [+%u]", 1u << (i->aux & 7), i->c); break;
    case IR_BANKMOVE: fprintf(out, " %d", (int32_t)i->c); break;
    case IR_ICMP:
        fprintf(out, ".%s.%s", cond_name[(i->aux & 0xff) % 10], type_name[(i->aux >> 8) % 7]);
        break;
    case IR_FCMP:
        fprintf(out, ".%s%s%s%s%s.%s", i->aux & IR_FEQ ? "e" : "", i->aux & IR_FLT ? "l" : "",
                i->aux & IR_FGT ? "g" : "", i->aux & IR_FUN ? "u" : "", i->aux & IR_FSIGNAL ? "!" : "",
                type_name[(i->aux >> 8) % 7]);
        break;
    case IR_FREL: fprintf(out, ".%s", type_name[(i->aux >> 8) % 7]); break;
    case IR_CARRY:
    case IR_BORROW:
    case IR_FCVT:
    case IR_ITOF:
    case IR_FTOI:
    case IR_FTOIR: fprintf(out, ".%s", type_name[i->aux % 7]); break;
    case IR_SEXT:
    case IR_ZEXT:
    case IR_FLANE:
    case IR_FSETLANE: fprintf(out, ".%u", i->aux); break;
    case IR_EXTRACT:
    case IR_INSERT: fprintf(out, ".%u+%u", i->aux & 63, i->aux >> 8); break;
    case IR_GUARD:
        fprintf(out, ".%u%s%s", 1u << IR_MEM_SIZE(i->aux), i->aux & IR_MEM_READ ? "r" : "",
                i->aux & IR_MEM_WRITE ? "w" : "");
        if (IR_MEM_ALIGN_OF(i->aux))
            fprintf(out, " align %u", 1u << IR_MEM_ALIGN_OF(i->aux));
        break;
    case IR_LOAD:
    case IR_STORE:
    case IR_CAS:
    case IR_XCHG:
    case IR_AADD: print_memory(i->aux, out); break;
    default:
        if (i->op >= IR_VADD && i->op < IR_CALL)
            fprintf(out, ".%s", lane_name[i->aux % 6]);
        break;
    }
    if (i->op == IR_CALL)
        print_call(r, i->a, out);
    if (info->args > 0)
        fprintf(out, " %%%u", i->a);
    if (info->args > 1)
        fprintf(out, ", %%%u", i->b);
    if (info->args > 2)
        fprintf(out, ", %%%u", i->c);
    switch (i->op) {
    case IR_GUARD: fprintf(out, " [%d..%d)", (int16_t)i->c, (int16_t)(i->c >> 16)); break;
    case IR_LOAD:
    case IR_STORE:
        if (i->c)
            fprintf(out, " %+d", (int32_t)i->c);
        break;
    case IR_VSHL:
    case IR_VSHR:
    case IR_VSAR:
    case IR_VEXT:
    case IR_VREV:
    case IR_VLANE:
    case IR_VSETLANE: fprintf(out, " #%u", i->c); break;
    case IR_CALLIF: print_call(r, i->b, out); break;
    case IR_CHARGE: fprintf(out, " %u", i->c); break;
    case IR_BR: print_edge(r, i->b, out); break;
    case IR_BRIF:
        fputs(i->aux == 1 ? " likely" : i->aux == 2 ? " unlikely" : "", out);
        print_edge(r, i->b, out);
        fputs(" else", out);
        print_edge(r, i->c, out);
        break;
    default: break;
    }
    if (ib_exit_of(i) != ~0u)
        print_exit(r, i->b, out);
    fputc('\n', out);
}

void ir_print(const struct ir_region *r, FILE *out)
{
    fprintf(
        out,
        "region %" PRIx64 " npc %" PRIx64 " mode %x%s: %u guest instructions, %u blocks, largest charge %u\n",
        r->pc, r->npc, r->mode, r->user_mode ? " user" : "", r->n_guest_insns, r->n_blocks, r->max_charge);
    for (uint32_t n = 0; n < r->n_blocks; n++) {
        const struct ir_block *k = &r->block[n];
        fprintf(out, "  B%u: pc %" PRIx64 "%s", n, k->pc, k->cold ? " cold" : "");
        if (k->loop_depth)
            fprintf(out, " loop depth %u", k->loop_depth);
        fputc('\n', out);
        for (uint32_t v = k->first; v < k->last; v++)
            print_insn(r, v, out);
    }
}
