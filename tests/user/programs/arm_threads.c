/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads through a C library: how they wait and end, and processes that begin and end among them. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_libc.h"

#define THREADS 4
#define TURNS   300

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static atomic_int sum;
static _Atomic(uint64_t) wide;
static int turn, under_lock;

static void *work(void *argument)
{
    int me = (int)(intptr_t)argument;

    for (int i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&lock);
        while (turn % THREADS != me)
            pthread_cond_wait(&changed, &lock);
        turn++;
        under_lock++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        sum++;
        wide += 0x100000001;
    }
    pthread_barrier_wait(&barrier);
    return argument;
}

static void test_waiting(void)
{
    pthread_t thread[THREADS];

    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, work, (void *)i) == 0);
    for (intptr_t i = 0; i < THREADS; i++) {
        void *result;

        CHECK(pthread_join(thread[i], &result) == 0 && result == (void *)i);
    }
    CHECK(turn == THREADS * TURNS && under_lock == turn && sum == turn);
    CHECK(wide == 0x100000001 * (uint64_t)turn);
}

/* ------------------------------------------------------------------------------------------------- ends */

static sem_t ready;
static atomic_int cleaned;

static void clean(void *unused)
{
    (void)unused;
    cleaned++;
}

static void *endless(void *how)
{
    pthread_cleanup_push(clean, NULL);
    sem_post(&ready);
    if (how) {
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
        for (;;)
            sum++;
    }
    for (;;)
        pause();
    pthread_cleanup_pop(1);
    return NULL;
}

static void test_cancel(void)
{
    sem_init(&ready, 0, 0);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        void *result;

        CHECK(pthread_create(&thread, NULL, endless, i & 1 ? &sum : NULL) == 0 && sem_wait(&ready) == 0);
        CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0);
        CHECK(result == PTHREAD_CANCELED && cleaned == i + 1);
    }
}

static pthread_mutex_t *shared_lock(int protocol)
{
    pthread_mutex_t *mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;

    CHECK(mutex != MAP_FAILED);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    CHECK(pthread_mutex_init(mutex, &attributes) == 0);
    return mutex;
}

static void *take_and_die(void *mutex)
{
    CHECK(pthread_mutex_lock(mutex) == 0);
    sem_post(&ready);
    usleep(2000);
    return NULL;
}

static void test_robust(void)
{
    const int protocols[] = {PTHREAD_PRIO_NONE, PTHREAD_PRIO_INHERIT};

    for (int i = 0; i < 20; i++) {
        pthread_mutex_t *mutex = shared_lock(protocols[i & 1]);
        pthread_t thread;

        if (i & 2) {
            CHECK(pthread_create(&thread, NULL, take_and_die, mutex) == 0 && sem_wait(&ready) == 0);
            CHECK(pthread_mutex_lock(mutex) == EOWNERDEAD);
            CHECK(pthread_join(thread, NULL) == 0);
        } else {
            volatile int *locked = (int *)((char *)mutex + 2048);
            pid_t child = fork();

            /* It ends, is ended by itself, and by another. */
            if (child == 0) {
                pthread_mutex_lock(mutex);
                if (i % 3 == 0)
                    _exit(5);
                if (i % 3 == 1)
                    raise(SIGINT);
                *locked = 1;
                pause();
            }
            while (i % 3 == 2 && !*locked)
                sched_yield();
            if (i % 3 == 2)
                kill(child, SIGTERM);
            CHECK(waitpid(child, NULL, 0) == child && pthread_mutex_lock(mutex) == EOWNERDEAD);
        }
        CHECK(pthread_mutex_consistent(mutex) == 0 && pthread_mutex_unlock(mutex) == 0);
        CHECK(pthread_mutex_lock(mutex) == 0 && pthread_mutex_unlock(mutex) == 0);
        munmap(mutex, 4096);
    }
}

/* --------------------------------------------------------------------------------------------- processes */

static int status_of(pid_t child)
{
    int status = -1;

    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

static void *fork_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();

        if (child == 0) {
            free(malloc(1000));
            _exit(i);
        }
        CHECK(WEXITSTATUS(status_of(child)) == i);
    }
    return NULL;
}

static atomic_int stop;

static void *count(void *unused)
{
    (void)unused;
    while (!stop) {
        free(malloc(100));
        sum++;
    }
    return NULL;
}

static void test_forks(void)
{
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, i < 2 ? fork_often : count, NULL) == 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(thread[i], NULL) == 0);
        stop = i >= 1; /* those that fork have ended */
    }
}

static const char *program;

static void *execute(void *unused)
{
    (void)unused;
    execl(program, program, "six", NULL);
    return NULL;
}

static void *leave(void *unused)
{
    (void)unused;
    exit(9);
}

/* Any thread may end the process or become another program while others compute. */
static void test_ends(void)
{
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();

        if (child == 0) {
            pthread_t thread[3];

            stop = 0;
            pthread_create(&thread[0], NULL, count, NULL);
            pthread_create(&thread[1], NULL, count, NULL);
            pthread_create(&thread[2], NULL, i & 1 ? execute : leave, NULL);
            if (i & 2)
                pthread_exit(NULL);
            count(NULL);
        }
        CHECK(status_of(child) == (i & 1 ? 6 << 8 : 9 << 8));
    }
}

static atomic_int whose;
static int passed, descriptor;

static void wait_for(int who)
{
    while (whose != who)
        syscall(SYS_futex, &whose, FUTEX_WAIT, !who, NULL, NULL, 0);
}

static void pass_to(int who)
{
    whose = who;
    syscall(SYS_futex, &whose, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int share(void *parent)
{
    for (int i = 0; i < TURNS; i++) {
        wait_for(1);
        passed++;
        pass_to(0);
    }
    descriptor = dup(1);
    signal(SIGUSR1, SIG_IGN);
    return getpid() != *(pid_t *)parent && getppid() == *(pid_t *)parent ? 7 : 8;
}

/* Processes in one memory, none of which waits; they share files and actions when asked to. */
static void test_shared_memory(void)
{
    char *stack = malloc(65536);
    pid_t self = getpid();

    for (int i = 0; i < 6; i++) {
        int more = i & 1 ? CLONE_FILES | CLONE_FS | CLONE_SIGHAND : 0;
        struct sigaction action;
        pid_t child;

        passed = 0;
        child = clone(share, stack + 65536, CLONE_VM | SIGCHLD | more, &self);
        CHECK(child > 0);
        for (int n = 0; n < TURNS; n++) {
            pass_to(1);
            wait_for(0);
        }
        CHECK(status_of(child) == 7 << 8 && passed == TURNS);
        CHECK((close(descriptor) == 0) == (more != 0));
        CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && (action.sa_handler == SIG_IGN) == (more != 0));
        signal(SIGUSR1, SIG_DFL);
    }
    free(stack);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "six") == 0)
        return 6;
    program = argv[0];
    test_waiting();
    test_cancel();
    test_robust();
    test_forks();
    test_ends();
    test_shared_memory();
    puts("ok");
    return 0;
}
