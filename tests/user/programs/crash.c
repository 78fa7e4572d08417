/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dies in known functions while other threads compute and wait: "fault" or "abort"; with "threads" behind it, so. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int global = 42;
static pthread_barrier_t barrier;
static volatile int computes;

static void *compute(void *unused)
{
    volatile double value = 1.5;

    (void)unused;
    pthread_barrier_wait(&barrier);
    for (;;) {
        value *= 1.0000001;
        computes = 1;
    }
    return NULL;
}

static void *wait_for_ever(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
    return NULL;
}

static void __attribute__((noinline)) inner(int number, const char *how)
{
    volatile int here = number;

    if (strcmp(how, "abort") == 0)
        abort();
    *(volatile int *)0x10 = here + global;
}

static int __attribute__((noinline)) outer(int number, const char *how)
{
    inner(number + 1, how);
    return number + global;
}

int main(int argc, char **argv)
{
    pthread_t thread;

    if (argc > 2) {
        pthread_barrier_init(&barrier, NULL, 3);
        pthread_create(&thread, NULL, compute, NULL);
        pthread_create(&thread, NULL, wait_for_ever, NULL);
        pthread_barrier_wait(&barrier);
        while (!computes)
            usleep(1000);
    }
    return outer(7, argv[1]);
}
