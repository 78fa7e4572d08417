/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * No signal is lost: a second thread queues real-time signals, each of which must be seen once, while the
 * first one faults on purpose, changes its mask, waits with other masks and computes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SIGNALS 4000

static volatile sig_atomic_t seen[2], faults, sent;
static volatile char *page;
static pthread_t target;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    seen[signal == SIGRTMIN + 1]++;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    if ((char *)info->si_addr != page)
        _exit(3);
    faults++;
    mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);
}

static void *sender(void *unused)
{
    (void)unused;
    for (int i = 0; i < SIGNALS; i++) {
        while (pthread_sigqueue(target, SIGRTMIN + (i & 1), (union sigval){i}) == EAGAIN)
            usleep(100);
        sent++;
        if (i % 16 == 0)
            usleep(50);
    }
    return NULL;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    const struct timespec moment = {0, 20000};
    sigset_t one, none, old;
    unsigned rounds = 0, sum = 0;
    pthread_t thread;

    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, NULL);
    sigemptyset(&none);
    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN + 1);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    target = pthread_self();
    if (page == MAP_FAILED || pthread_create(&thread, NULL, sender, NULL) != 0)
        return 2;
    while (sent < SIGNALS || rounds < 200) {
        *page = (char)rounds;
        mprotect((void *)page, 4096, PROT_NONE);
        pthread_sigmask(SIG_BLOCK, &one, &old);
        for (unsigned i = 0; i < 200; i++)
            sum = sum * 31 + i / (rounds | 1);
        if (rounds % 8 == 0)
            ppoll(NULL, 0, &moment, &none);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        rounds++;
    }
    pthread_join(thread, NULL);
    if (seen[0] != SIGNALS / 2 || seen[1] != SIGNALS / 2 || faults < 200) {
        printf("seen %d and %d of %d signals, %d faults, %u rounds, %u\n", (int)seen[0], (int)seen[1],
               SIGNALS, (int)faults, rounds, sum);
        return 1;
    }
    puts("ok");
    return 0;
}
