/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An interpreter: one stack machine, run by a big switch and by computed goto, on two little programs (a
 * prime count by trial division, Collatz lengths). The indirect branch of the dispatch is what is measured.
 */
#include "bench.h"

enum op {
    PUSH,
    LOAD,
    STORE,
    ADD,
    SUB,
    MUL,
    MOD,
    SHR,
    AND,
    XOR,
    LESS,
    EQUAL,
    NOT,
    JUMP,
    JUMP_IF,
    DUP,
    DROP,
    SWAP,
    INC,
    MIX,
    HALT
};

#define VARIABLES 8

struct program {
    int32_t code[256];
    int count;
};

static void emit(struct program *p, enum op op)
{
    p->code[p->count++] = (int32_t)op;
}

/* Returns the place of the operand, for patch(). */
static int emit1(struct program *p, enum op op, int32_t operand)
{
    emit(p, op);
    p->code[p->count] = operand;
    return p->count++;
}

static void patch(struct program *p, int at)
{
    p->code[at] = p->count;
}

enum variable { N, LIMIT, D, COUNT };

static void make_primes(struct program *p)
{
    int outer, inner, done, prime, composite, next;

    emit1(p, PUSH, 2);
    emit1(p, STORE, N);
    outer = p->count;
    emit1(p, LOAD, N);
    emit1(p, LOAD, LIMIT);
    emit(p, LESS);
    emit(p, NOT);
    done = emit1(p, JUMP_IF, 0);
    emit1(p, PUSH, 2);
    emit1(p, STORE, D);
    inner = p->count;
    emit1(p, LOAD, N);
    emit1(p, LOAD, D);
    emit(p, DUP);
    emit(p, MUL);
    emit(p, LESS);
    prime = emit1(p, JUMP_IF, 0);
    emit1(p, LOAD, N);
    emit1(p, LOAD, D);
    emit(p, MOD);
    emit1(p, PUSH, 0);
    emit(p, EQUAL);
    composite = emit1(p, JUMP_IF, 0);
    emit1(p, INC, D);
    emit1(p, JUMP, inner);
    patch(p, prime);
    emit1(p, INC, COUNT);
    emit1(p, LOAD, N);
    emit(p, MIX);
    next = emit1(p, JUMP, 0);
    patch(p, composite);
    emit1(p, LOAD, D);
    emit1(p, LOAD, N);
    emit(p, SWAP);
    emit(p, SUB);
    emit(p, DROP);
    patch(p, next);
    emit1(p, INC, N);
    emit1(p, JUMP, outer);
    patch(p, done);
    emit1(p, LOAD, COUNT);
    emit(p, MIX);
    emit(p, HALT);
}

static void make_collatz(struct program *p)
{
    int outer, inner, done, one, odd, join;

    emit1(p, PUSH, 1);
    emit1(p, STORE, N);
    outer = p->count;
    emit1(p, LOAD, N);
    emit1(p, LOAD, LIMIT);
    emit(p, LESS);
    emit(p, NOT);
    done = emit1(p, JUMP_IF, 0);
    emit1(p, PUSH, 0);
    emit1(p, STORE, COUNT);
    emit1(p, LOAD, N);
    inner = p->count;
    emit(p, DUP);
    emit1(p, PUSH, 1);
    emit(p, EQUAL);
    one = emit1(p, JUMP_IF, 0);
    emit1(p, INC, COUNT);
    emit(p, DUP);
    emit1(p, PUSH, 1);
    emit(p, AND);
    odd = emit1(p, JUMP_IF, 0);
    emit1(p, PUSH, 1);
    emit(p, SHR);
    join = emit1(p, JUMP, inner);
    patch(p, odd);
    emit1(p, PUSH, 3);
    emit(p, MUL);
    emit1(p, PUSH, 1);
    emit(p, ADD);
    emit1(p, JUMP, inner);
    patch(p, one);
    emit(p, DROP);
    emit1(p, LOAD, COUNT);
    emit1(p, LOAD, N);
    emit(p, XOR);
    emit(p, MIX);
    emit1(p, INC, N);
    emit1(p, JUMP, outer);
    patch(p, done);
    emit(p, HALT);
    (void)join;
}

static uint32_t run_switch(const struct program *p, int32_t limit)
{
    int32_t stack[16], variables[VARIABLES] = {0}, *sp = stack;
    const int32_t *pc = p->code;
    uint32_t hash = 1, t;

    variables[LIMIT] = limit;
    for (;;) {
        switch ((enum op) * pc++) {
        case PUSH: *sp++ = *pc++; break;
        case LOAD: *sp++ = variables[*pc++]; break;
        case STORE: variables[*pc++] = *--sp; break;
        case ADD:
            sp--;
            sp[-1] = (int32_t)((uint32_t)sp[-1] + (uint32_t)sp[0]);
            break;
        case SUB:
            sp--;
            sp[-1] = (int32_t)((uint32_t)sp[-1] - (uint32_t)sp[0]);
            break;
        case MUL:
            sp--;
            sp[-1] = (int32_t)((uint32_t)sp[-1] * (uint32_t)sp[0]);
            break;
        case MOD:
            sp--;
            sp[-1] = (int32_t)((uint32_t)sp[-1] % (uint32_t)sp[0]);
            break;
        case SHR:
            sp--;
            sp[-1] = (int32_t)((uint32_t)sp[-1] >> sp[0]);
            break;
        case AND:
            sp--;
            sp[-1] &= sp[0];
            break;
        case XOR:
            sp--;
            sp[-1] ^= sp[0];
            break;
        case LESS:
            sp--;
            sp[-1] = (uint32_t)sp[-1] < (uint32_t)sp[0];
            break;
        case EQUAL:
            sp--;
            sp[-1] = sp[-1] == sp[0];
            break;
        case NOT: sp[-1] = !sp[-1]; break;
        case JUMP: pc = p->code + *pc; break;
        case JUMP_IF: pc = *--sp ? p->code + *pc : pc + 1; break;
        case DUP:
            sp[0] = sp[-1];
            sp++;
            break;
        case DROP: sp--; break;
        case SWAP:
            t = (uint32_t)sp[-1];
            sp[-1] = sp[-2];
            sp[-2] = (int32_t)t;
            break;
        case INC: variables[*pc++]++; break;
        case MIX: hash = bench_mix(hash, (uint32_t) * --sp); break;
        case HALT: return bench_mix(hash, (uint32_t)(sp - stack));
        }
    }
}

static uint32_t run_goto(const struct program *p, int32_t limit)
{
    static const void *const labels[] = {&&push,    &&load, &&store, &&add,  &&sub,   &&mul, &&mod,
                                         &&shr,     &&and,  &&xor,   &&less, &&equal, &&not, &&jump,
                                         &&jump_if, &&dup,  &&drop,  &&swap, &&inc,   &&mix, &&halt};
    int32_t stack[16], variables[VARIABLES] = {0}, *sp = stack;
    const int32_t *pc = p->code;
    uint32_t hash = 1, t;

    variables[LIMIT] = limit;
#define NEXT goto *labels[*pc++]
    NEXT;
push:
    *sp++ = *pc++;
    NEXT;
load:
    *sp++ = variables[*pc++];
    NEXT;
store:
    variables[*pc++] = *--sp;
    NEXT;
add:
    sp--;
    sp[-1] = (int32_t)((uint32_t)sp[-1] + (uint32_t)sp[0]);
    NEXT;
sub:
    sp--;
    sp[-1] = (int32_t)((uint32_t)sp[-1] - (uint32_t)sp[0]);
    NEXT;
mul:
    sp--;
    sp[-1] = (int32_t)((uint32_t)sp[-1] * (uint32_t)sp[0]);
    NEXT;
mod:
    sp--;
    sp[-1] = (int32_t)((uint32_t)sp[-1] % (uint32_t)sp[0]);
    NEXT;
shr:
    sp--;
    sp[-1] = (int32_t)((uint32_t)sp[-1] >> sp[0]);
    NEXT;
    and : sp--;
    sp[-1] &= sp[0];
    NEXT;
    xor : sp--;
    sp[-1] ^= sp[0];
    NEXT;
less:
    sp--;
    sp[-1] = (uint32_t)sp[-1] < (uint32_t)sp[0];
    NEXT;
equal:
    sp--;
    sp[-1] = sp[-1] == sp[0];
    NEXT;
    not : sp[-1] = !sp[-1];
    NEXT;
jump:
    pc = p->code + *pc;
    NEXT;
jump_if:
    pc = *--sp ? p->code + *pc : pc + 1;
    NEXT;
dup:
    sp[0] = sp[-1];
    sp++;
    NEXT;
drop:
    sp--;
    NEXT;
swap:
    t = (uint32_t)sp[-1];
    sp[-1] = sp[-2];
    sp[-2] = (int32_t)t;
    NEXT;
inc:
    variables[*pc++]++;
    NEXT;
mix:
    hash = bench_mix(hash, (uint32_t) * --sp);
    NEXT;
halt:
    return bench_mix(hash, (uint32_t)(sp - stack));
#undef NEXT
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 24), hash = 1;
    struct program *first = rt_alloc(sizeof(*first)), *second = rt_alloc(sizeof(*second));

    make_primes(first);
    make_collatz(second);
    for (uint32_t i = 0; i < repeat; i++) {
        uint32_t a = run_switch(first, 5000 + (int32_t)i), b = run_switch(second, 1500 + (int32_t)i);

        if (run_goto(first, 5000 + (int32_t)i) != a || run_goto(second, 1500 + (int32_t)i) != b)
            rt_fail("the two interpreters differ");
        hash = bench_mix(bench_mix(hash, a), b);
    }
    return bench_finish("interp", hash);
}
