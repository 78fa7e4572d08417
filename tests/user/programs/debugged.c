/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What test_gdb debugs: calls, memory to watch, a signal, and threads where there is a C library. */
#ifdef __arm__
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#else
#include "signals.h"
#endif
#define NOINLINE __attribute__((noinline))

static void nap(void)
{
#ifdef __arm__
    sleep(3);
#else
    const uint32_t a_while[2] = {3, 0};

    CALL2(NR_nanosleep, a_while, 0);
#endif
}

volatile int counter;
volatile int near_counter[4];
volatile double fraction = 1.5;
volatile int got_signal;

volatile int forever; /* the debugger sets it: 1 counts, 2 sleeps */
volatile unsigned rounds;

NOINLINE int add(int a, int b)
{
    int sum = a + b;

    return sum;
}

NOINLINE void count(void)
{
    for (int i = 1; i <= 5; i++) {
        near_counter[1] = i;
        counter = add(counter, i);
    }
}

NOINLINE void wait_for_debugger(void)
{
    while (forever) {
        rounds++;
        if (forever == 2)
            nap();
    }
}

NOINLINE void on_signal(int number)
{
    got_signal = number;
}

#ifdef __arm__
static volatile int go_on;

NOINLINE void *work(void *unused)
{
    while (!go_on)
        usleep(1000);
    return NULL;
}

NOINLINE void threads_wait(void)
{
    go_on = 1;
}

static volatile int again; /* the debugger sets it */

static void extra(void)
{
    pthread_t threads[2];

    if (again)
        execl("/proc/self/exe", "debugged", NULL);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    usleep(20000);
    threads_wait();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}
#else
static void extra(void)
{
    install(S_USR1, (handler *)on_signal, 0);
    CALL2(NR_kill, CALL0(NR_getpid), S_USR1);
}
#endif

int main(int argc, char **argv)
{
    wait_for_debugger();
    count();
    extra();
    return counter + (got_signal != 0); /* 16 */
}
