/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What test_gdb debugs: calls, memory to watch, a signal, and threads where there is a C library. */
#ifdef __arm__
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#define NOINLINE __attribute__((noinline))
#else
#include "signals.h"
#define NOINLINE __attribute__((noinline))
#endif

volatile int counter;
volatile int near_counter[4];
volatile double fraction = 1.5;
volatile int got_signal;

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
    count();
    extra();
    return counter + (got_signal != 0); /* 16 */
}
