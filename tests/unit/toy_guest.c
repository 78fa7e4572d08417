/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The toy processor's front end, see toy_guest.h. */
#include <stddef.h>
#include <string.h>
#include "tests/unit/toy_guest.h"

#define R(n) {"r" #n, IR_I32, false, offsetof(struct toy_cpu, r[n])}
static const struct ir_slot slots[] = {R(0), R(1), R(2),  R(3),  R(4),  R(5),  R(6),  R(7),
                                       R(8), R(9), R(10), R(11), R(12), R(13), R(14), R(15)};

static ir_ref get(struct ir_builder *b, unsigned n)
{
    return n ? ir_get(b, n) : ir_const(b, IR_I32, 0);
}

static void put(struct ir_builder *b, unsigned n, ir_ref v)
{
    if (n)
        ir_put(b, n, v);
}

static void translate(struct ir_builder *b, struct jit_insn *i)
{
    uint32_t insn, pc = (uint32_t)i->pc;
    i->n_insns = 1;
    i->size = 4;
    i->next_pc = pc + 4;
    i->flow = JIT_NEXT;
    memcpy(&insn, i->code, 4);
    unsigned a = insn >> 20 & 15, rb = insn >> 16 & 15;
    int32_t imm = (int16_t)insn;
    ir_ref vimm = ir_const(b, IR_I32, (uint32_t)imm);
    switch (insn >> 24) {
    case TOY_ADDI: put(b, a, ir_bin(b, IR_ADD, get(b, rb), vimm)); break;
    case TOY_ADD: put(b, a, ir_bin(b, IR_ADD, get(b, rb), get(b, imm & 15))); break;
    case TOY_XOR: put(b, a, ir_bin(b, IR_XOR, get(b, rb), get(b, imm & 15))); break;
    case TOY_MUL: put(b, a, ir_bin(b, IR_MUL, get(b, rb), get(b, imm & 15))); break;
    case TOY_LOAD:
        put(b, a, ir_load(b, IR_I32, 2 | IR_MEM_ALIGN(2), ir_bin(b, IR_ADD, get(b, rb), vimm)));
        break;
    case TOY_STORE: ir_store(b, 2 | IR_MEM_ALIGN(2), ir_bin(b, IR_ADD, get(b, rb), vimm), get(b, a)); break;
    case TOY_BNE:
    case TOY_BLT:
        i->flow = JIT_BRANCH;
        i->cond = ir_icmp(b, insn >> 24 == TOY_BNE ? IR_NE : IR_LTS, get(b, a), get(b, rb));
        i->taken_pc = (uint32_t)(pc + (uint32_t)imm);
        break;
    case TOY_CALL:
        i->hint = IR_HINT_CALL;
        i->return_pc = pc + 4;
        put(b, 15, ir_const(b, IR_I32, pc + 4)); /* fall through */
    case TOY_JMP:
        i->flow = JIT_JUMP;
        i->next_pc = (uint32_t)(pc + (uint32_t)imm);
        break;
    case TOY_RET:
        i->flow = JIT_INDIRECT;
        i->hint = IR_HINT_RETURN;
        i->target = get(b, 15);
        break;
    case TOY_JR:
        i->flow = JIT_INDIRECT;
        i->target = get(b, rb);
        break;
    case TOY_EI:
        ir_ststate(b, 2, offsetof(struct toy_cpu, irq_enabled), ir_const(b, IR_I32, 1));
        ir_insn_done(b);
        i->n_done = 1;
        ir_exit(b, IR_EXIT_DISPATCH, IR_HINT_NONE, pc + 4, 0, IR_NONE, IR_NONE);
        i->flow = JIT_END;
        break;
    default:
        ir_raise(b, (uint32_t)imm, IR_NONE);
        i->flow = JIT_END;
        break;
    }
}

static bool lookup(struct jit_cpu *head, uint64_t address, enum jit_access access, bool commit,
                   struct jit_translation *out)
{
    struct toy_cpu *cpu = (struct toy_cpu *)head;
    memset(out, 0, sizeof(*out));
    if (address >> 12 == 0x80000 && access != JIT_FETCH) {
        out->physical = address;
        out->readable = out->writable = true;
        return true;
    }
    uint32_t page = (uint32_t)(address >> 12);
    if (page >= TOY_PAGES || cpu->map[page] == UINT32_MAX) {
        if (commit) {
            head->exit_reason = 1000 + access;
            head->exit_info = address;
        }
        return false;
    }
    out->physical = (uint64_t)cpu->map[page] << 12 | (address & 0xfff);
    out->host = cpu->ram + out->physical;
    out->page_flags = &cpu->flags[cpu->map[page]];
    out->readable = out->writable = out->executable = true;
    return true;
}

static bool io_read(struct jit_cpu *head, uint64_t physical, unsigned size, uint64_t *value)
{
    struct toy_cpu *cpu = (struct toy_cpu *)head;
    cpu->device_icount = jit_icount(head);
    *value = cpu->device[physical >> 2 & 15]++;
    return true;
}

static bool io_write(struct jit_cpu *head, uint64_t physical, unsigned size, uint64_t value)
{
    struct toy_cpu *cpu = (struct toy_cpu *)head;
    cpu->device_icount = jit_icount(head);
    cpu->device[physical >> 2 & 15] = (uint32_t)value;
    if ((physical & 0x3c) == 0x3c)
        cpu->irq_pending = 1;
    return true;
}

static void misaligned(struct jit_cpu *head, uint64_t address, enum jit_access access)
{
    head->exit_reason = 2000;
    head->exit_info = address;
}

static bool take_trap(struct jit_cpu *head)
{
    struct toy_cpu *cpu = (struct toy_cpu *)head;
    cpu->traps++;
    cpu->last_trap = head->exit_reason;
    if (cpu->stop_on_trap)
        return false;
    head->pc += 4;
    return true;
}

static bool interrupt(struct jit_cpu *head)
{
    struct toy_cpu *cpu = (struct toy_cpu *)head;
    if (!cpu->irq_enabled || !cpu->irq_pending)
        return false;
    cpu->irq_pending = 0;
    cpu->irqs_taken++;
    return true;
}

static uint64_t fp_fix(struct jit_cpu *cpu, const struct ir_insn *insn, uint64_t a, uint64_t b, uint64_t c)
{
    return 0;
}

const struct jit_guest toy_guest = {
    .name = "toy",
    .insn_shift = 2,
    .n_slots = G_N_ELEMENTS(slots),
    .slot = slots,
    .state_size = sizeof(struct toy_cpu),
    .translate = translate,
    .lookup = lookup,
    .io_read = io_read,
    .io_write = io_write,
    .misaligned = misaligned,
    .raise = take_trap,
    .interrupt = interrupt,
    .fp_fix = fp_fix,
};

struct toy_cpu *toy_new(struct jit *jit)
{
    struct toy_cpu *cpu = g_new0(struct toy_cpu, 1);
    cpu->ram = g_aligned_alloc0(1, TOY_RAM, 4096);
    for (unsigned i = 0; i < TOY_PAGES; i++)
        cpu->map[i] = i;
    jit_cpu_init(jit, &cpu->head);
    return cpu;
}

void toy_free(struct toy_cpu *cpu)
{
    jit_cpu_finish(&cpu->head);
    g_aligned_free(cpu->ram);
    g_free(cpu);
}
