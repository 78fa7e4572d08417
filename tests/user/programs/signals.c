/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals: handlers of both kinds, masks, pending ones, waiting, interrupted calls, and what handlers must
 * not change. */
#include "signals.h"

static volatile uint32_t count, last, order, code, sender;

static void on_signal(int signal, uint32_t *info, uint32_t *regs)
{
    count++;
    last = (uint32_t)signal;
    order = order * 10 + (uint32_t)signal % 10;
}

static void on_info(int signal, uint32_t *info, uint32_t *regs)
{
    count++;
    last = info[0];
    code = info[2];
    sender = info[3];
    (void)signal;
}

static long self;

static void send(int signal)
{
    EXPECT(CALL2(NR_kill, self, signal), 0);
}

static void delivery(void)
{
    install(S_USR1, on_signal, 0);
    send(S_USR1);
    EXPECT(count, 1);
    EXPECT(last, S_USR1);

    install(S_USR2, on_info, SIGINFO);
    send(S_USR2);
    EXPECT(count, 2);
    EXPECT(last, S_USR2);
    EXPECT((int32_t)code, 0); /* SI_USER */
    EXPECT(sender, self);

    install(S_USR1, on_signal, RESETHAND);
    send(S_USR1);
    {
        uint32_t action[5];

        EXPECT(CALL5(NR_rt_sigaction, S_USR1, 0, action, 0, 8), 0);
        EXPECT(action[0], 0);
    }
    {
        uint32_t ignore[5] = {1, 0, 0, 0, 0};

        EXPECT(CALL5(NR_rt_sigaction, S_KILL, ignore, 0, 0, 8), -E_INVAL);
    }
    EXPECT(CALL5(NR_rt_sigaction, 65, 0, 0, 0, 8), -E_INVAL);
    install(S_RT, on_info, SIGINFO);
    send(S_RT);
    EXPECT(last, S_RT);
}

static void masks(void)
{
    uint32_t pending[2] = {0, 0};

    count = order = 0;
    install(S_USR1, on_signal, 0);
    install(S_USR2, on_signal, 0);
    EXPECT(mask(1, bit(S_USR1) | bit(S_USR2)), 0);
    send(S_USR2);
    send(S_USR1);
    send(S_USR1);
    EXPECT(count, 0);
    EXPECT(CALL2(NR_rt_sigpending, pending, 8), 0);
    EXPECT(pending[0], bit(S_USR1) | bit(S_USR2));
    EXPECT(mask(2, bit(S_USR1)), bit(S_USR1) | bit(S_USR2));
    EXPECT(count, 1);
    EXPECT(mask(4, 0), bit(S_USR2));
    EXPECT(count, 2);
    EXPECT(order, 1); /* USR1 (30), then USR2 (31): 0, 1 */

    /* The handler of USR1 keeps USR2 away until it has returned. */
    EXPECT(mask(1, bit(S_USR1)), 0);
    send(S_USR1);
    {
        uint32_t none[2] = {0, 0};

        EXPECT(CALL2(NR_rt_sigsuspend, none, 8), -E_INTR);
    }
    EXPECT(count, 3);
    EXPECT(mask(4, 0), bit(S_USR1));
}

static void nested(int signal, uint32_t *info, uint32_t *regs)
{
    order = order * 10 + 1;
    if (signal == S_USR1)
        send(S_USR2);
    order = order * 10 + 2;
}

static void nesting(void)
{
    order = 0;
    install_masked(S_USR1, nested, 0, bit(S_USR2));
    install(S_USR2, nested, 0);
    send(S_USR1);
    EXPECT(order, 1212);
    order = 0;
    install(S_USR1, nested, 0);
    send(S_USR1);
    EXPECT(order, 1122);
}

static uint32_t handler_stack[4096];
static volatile uint32_t handler_sp;

static void on_stack(int signal, uint32_t *info, uint32_t *regs)
{
    handler_sp = (uint32_t)__builtin_frame_address(0);
}

static void alternate(void)
{
    uint32_t stack[3] = {(uint32_t)handler_stack, 0, sizeof(handler_stack)}, old[3];

    EXPECT(CALL2(NR_sigaltstack, stack, old), 0);
    EXPECT(old[1], 2); /* SS_DISABLE */
    install(S_USR1, on_stack, ONSTACK | SIGINFO);
    send(S_USR1);
    CHECK(handler_sp >= (uint32_t)handler_stack &&
          handler_sp < (uint32_t)handler_stack + sizeof(handler_stack));
    install(S_USR1, on_stack, 0);
    send(S_USR1);
    CHECK(handler_sp > (uint32_t)handler_stack + sizeof(handler_stack));
}

static void set_alarm(uint32_t microseconds, uint32_t again)
{
    uint32_t timer[4] = {0, again, 0, microseconds};

    EXPECT(CALL3(NR_setitimer, 0, timer, 0), 0);
}

static int pipe_ends[2];

static void feed(int signal, uint32_t *info, uint32_t *regs)
{
    count++;
    if (count == 3)
        CALL3(NR_write, pipe_ends[1], "x", 1);
}

static void interrupted(void)
{
    long second;
    char byte = 0;

    pipe_ends[0] = (int)MUST(rt_syscall2(NR_pipe, &second, 0, 0, 0, 0));
    pipe_ends[1] = (int)second;
    count = 0;
    install(S_ALRM, on_signal, 0);
    /* The alarm repeats: on a busy computer the first may come before the call has begun. */
    set_alarm(20000, 20000);
    EXPECT(CALL3(NR_read, pipe_ends[0], &byte, 1), -E_INTR);
    set_alarm(0, 0);
    CHECK(count >= 1);
    /* Begun again until the third signal has written. */
    count = 0;
    install(S_ALRM, feed, RESTART);
    set_alarm(10000, 10000);
    EXPECT(CALL3(NR_read, pipe_ends[0], &byte, 1), 1);
    set_alarm(0, 0);
    EXPECT(byte, 'x');
    CHECK(count >= 3);
    install(S_ALRM, on_signal, RESTART);
    count = 0;
    set_alarm(10000, 10000);
    EXPECT(CALL0(NR_pause), -E_INTR);
    set_alarm(0, 0);
    CHECK(count >= 1);
}

static volatile uint32_t ticks;

static __attribute__((noinline)) uint32_t deep(uint32_t n)
{
    return n ? deep(n - 1) + n : 0;
}

static void spoil(int signal, uint32_t *info, uint32_t *regs)
{
    ticks++;
    /* Every kind of state that a handler shares with what it interrupts. */
    __asm__ volatile("wr %%g0, -1, %%y\n\tclr %%g2\n\tclr %%g3\n\tclr %%g4\n\tsubcc %%g0, 1, %%g0\n\tfdivs "
                     "%%f0, %%f1, %%f2\n\tfmovs %%f2, %%f3\n\t"
                     "fmovs %%f2, %%f8\n\tfmovs %%f2, %%f9"
                     :
                     :
                     : "g2", "g3", "g4", "f2", "f3", "f8", "f9", "cc", "memory");
    deep(40);
}

/* Timer signals fall between any two instructions; sums and quotients must come out the same. */
static void undisturbed(void)
{
    uint32_t first = 0;
    double first_value = 0;
    int runs = 0;

    install(S_ALRM, spoil, RESTART | SIGINFO);
    set_alarm(1000, 1000);
    while (ticks < 40) {
        uint32_t hash = 1;
        double value = 1;

        for (uint32_t i = 1; i < 3000; i++) {
            uint64_t product = (uint64_t)hash * (i | 1);

            hash = (uint32_t)(product >> 32) + (uint32_t)product / i + deep(i & 31);
            value = value * 1.0001 + 1.0 / i;
        }
        if (runs++ == 0) {
            first = hash;
            first_value = value;
        }
        EXPECT(hash, first);
        CHECK(value == first_value);
    }
    set_alarm(0, 0);
}

static volatile uint32_t faults;

static void on_trap(int signal, uint32_t *info, uint32_t *regs)
{
    faults = faults * 100 + (uint32_t)signal;
    code = info[2];
    regs[1] = regs[2];
    regs[2] += 4;
}

static void traps(void)
{
    uint32_t one = 1, none = 0, result;

    install(S_FPE, on_trap, SIGINFO);
    install(S_ILL, on_trap, SIGINFO);
    install(S_TRAP, on_trap, SIGINFO);
    __asm__ volatile("wr %%g0, 0, %%y\n\tnop\n\tnop\n\tnop\n\tudiv %1, %2, %0"
                     : "=r"(result)
                     : "r"(one), "r"(none));
    EXPECT(faults, S_FPE);
    EXPECT(code, 1); /* FPE_INTDIV */
    __asm__ volatile("unimp 0");
    EXPECT(faults, S_FPE * 100 + S_ILL);
    __asm__ volatile("ta 1");
    EXPECT(faults, (S_FPE * 100 + S_ILL) * 100 + S_TRAP);
}

int main(int argc, char **argv)
{
    self = CALL0(NR_getpid);
    delivery();
    masks();
    nesting();
    alternate();
    interrupted();
    undisturbed();
    traps();
    return done();
}
