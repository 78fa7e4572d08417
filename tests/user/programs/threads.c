/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads by clone: shared memory, atomic instructions, futexes, thread-local pointer, the end that wakes a
 * joiner. */
#include "signals.h"

#define THREADS 4
#define ROUNDS  20000

/* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID */
#define FLAGS 0x003d0f00

long start_thread(uint32_t flags, void *stack, volatile uint32_t *parent_tid, void *tls,
                  volatile uint32_t *child_tid, void (*run)(uint32_t));
/* The child begins with the parent's window on a new stack: it takes the function from %i5 and never returns.
 */
__asm__("	.text\n	.align 4\n	.globl start_thread\n"
        "start_thread:\n"
        "	save	%sp, -96, %sp\n"
        "	mov	%i5, %g2\n"
        "	mov	%i0, %o0\n"
        "	mov	%i1, %o1\n"
        "	mov	%i2, %o2\n"
        "	mov	%i3, %o3\n"
        "	mov	%i4, %o4\n"
        "	mov	217, %g1\n"
        "	ta	0x10\n"
        "	bcs	1f\n"
        "	 nop\n"
        "	tst	%o1\n"
        "	bne	2f\n"
        "	 nop\n"
        "	ret\n"
        "	 restore	%o0, 0, %o0\n"
        "1:	neg	%o0\n"
        "	ret\n"
        "	 restore	%o0, 0, %o0\n"
        "2:	clr	%fp\n"
        "	clr	%i7\n"
        "	call	%g2\n"
        "	 mov	%g7, %o0\n"
        "	mov	1, %g1\n"
        "	mov	0, %o0\n"
        "	ta	0x10\n");

static volatile uint32_t total, lock, done_word;
static volatile uint32_t parent_tids[THREADS], tids[THREADS];

static void acquire(void)
{
    for (;;) {
        uint32_t old = 1;

        __asm__ volatile("swap [%1], %0" : "+r"(old) : "r"(&lock) : "memory");
        if (!old)
            return;
        CALL0(NR_sched_yield);
    }
}

static void release(void)
{
    __asm__ volatile("stbar\n\tst %%g0, [%0]" : : "r"(&lock) : "memory");
}

static __attribute__((noinline)) uint32_t deep(uint32_t n)
{
    return n ? deep(n - 1) + 1 : 0;
}

static void work(uint32_t number)
{
    if (number >= THREADS)
        rt_exit(40);
    for (int i = 0; i < ROUNDS; i++) {
        acquire();
        total += deep(i & 7) - (i & 7u) + number + 1;
        release();
    }
    if (CALL0(NR_gettid) == CALL0(NR_getpid))
        rt_exit(41);
}

static void waiter(uint32_t number)
{
    while (done_word == 0)
        CALL4(NR_futex, &done_word, 0, 0, 0);
    acquire();
    total = number + 1000;
    release();
}

static void join(int i)
{
    uint32_t tid;

    while ((tid = tids[i]) != 0)
        CALL4(NR_futex, &tids[i], 0, tid, 0);
}

static void begin(int i, void (*run)(uint32_t))
{
    uint8_t *stack = rt_alloc(65536);
    long tid;

    tids[i] = 1;
    tid = MUST(start_thread(FLAGS, stack + 65536, &parent_tids[i], (void *)i, &tids[i], run));
    CHECK(tid != CALL0(NR_getpid));
    EXPECT(parent_tids[i], tid);
}

int main(int argc, char **argv)
{
    uint32_t wanted = 0;

    for (int i = 0; i < THREADS; i++) {
        begin(i, work);
        wanted += ROUNDS * (uint32_t)(i + 1);
    }
    for (int i = 0; i < THREADS; i++)
        join(i);
    EXPECT(total, wanted);

    begin(2, waiter);
    CALL2(NR_nanosleep, ((uint32_t[]){0, 20000000}), 0);
    done_word = 1;
    CALL3(NR_futex, &done_word, 1, 1);
    join(2);
    EXPECT(total, 1002);
    return done();
}
