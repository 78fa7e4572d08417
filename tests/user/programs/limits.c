/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Limits of memory: what mmap, brk, mremap, mprotect and the stack may have is bound, children and programs inherit it.
 * Called with arguments it is its own child: what it should find.
 *
 * Prints "ok", or the line of what failed. Passes natively too.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_libc.h"

#define MIB ((size_t)1 << 20)

static void *map(size_t size, int prot)
{
    return mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static int is_full(void *result)
{
    return result == MAP_FAILED && errno == ENOMEM;
}

static struct rlimit get(int which)
{
    struct rlimit limit, again;

    CHECK(getrlimit(which, &limit) == 0);
    CHECK(prlimit(getpid(), which, NULL, &again) == 0 && again.rlim_cur == limit.rlim_cur &&
          again.rlim_max == limit.rlim_max);
    return limit;
}

static void set_soft(int which, rlim_t soft)
{
    struct rlimit limit = get(which);

    limit.rlim_cur = soft;
    CHECK(setrlimit(which, &limit) == 0);
    CHECK(get(which).rlim_cur == soft);
}

/* In a child of its own: limits of address space. */
static void address_space(void)
{
    char *old = map(4 * MIB, PROT_READ | PROT_WRITE), *more, *end = sbrk(0);

    CHECK(old != MAP_FAILED);
    set_soft(RLIMIT_AS, 64 * MIB);
    CHECK(is_full(map(64 * MIB, PROT_READ)));
    more = map(20 * MIB, PROT_NONE);
    CHECK(more != MAP_FAILED && munmap(more, 20 * MIB) == 0);
    CHECK(is_full(mremap(old, 4 * MIB, 66 * MIB, MREMAP_MAYMOVE)));
    more = mremap(old, 4 * MIB, 40 * MIB, MREMAP_MAYMOVE);
    CHECK(more != MAP_FAILED && is_full(map(30 * MIB, PROT_READ)));
    /* In the place of what is there, nothing more is needed. */
    CHECK(mmap(more, 40 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == more);
    CHECK(is_full((void *)syscall(SYS_mremap, more, 40 * MIB, 40 * MIB, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */, 0)));
    CHECK(munmap(more, 40 * MIB) == 0);
    CHECK(brk(end + 66 * MIB) == -1 && errno == ENOMEM && sbrk(0) == end);
    CHECK(brk(end + 8 * MIB) == 0 && brk(end) == 0);
    /* Below what it has, a program gets nothing more, and lives. */
    set_soft(RLIMIT_AS, 4096);
    CHECK(is_full(map(4096, PROT_READ)));
    set_soft(RLIMIT_AS, RLIM_INFINITY);
    CHECK((more = map(100 * MIB, PROT_READ)) != MAP_FAILED && munmap(more, 100 * MIB) == 0);
}

static void data(void)
{
    char *end = sbrk(0), *shared, *fixed;

    set_soft(RLIMIT_DATA, 32 * MIB);
    CHECK(is_full(map(33 * MIB, PROT_READ | PROT_WRITE)));
    fixed = map(33 * MIB, PROT_READ);
    CHECK(fixed != MAP_FAILED);
    CHECK(mprotect(fixed, 33 * MIB, PROT_READ | PROT_WRITE) == -1 && errno == ENOMEM);
    CHECK(mprotect(fixed, 8 * MIB, PROT_READ | PROT_WRITE) == 0 && mprotect(fixed, 8 * MIB, PROT_READ) == 0);
    shared = mmap(NULL, 40 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    CHECK(brk(end + 33 * MIB) == -1 && errno == ENOMEM);
    CHECK(brk(end + 8 * MIB) == 0 && brk(end) == 0);
}

static volatile char *deepest;

static int __attribute__((noinline)) deep(unsigned kib)
{
    volatile char room[1024];

    room[0] = (char)kib;
    deepest = room;
    return kib ? deep(kib - 1) + room[0] : 0;
}

static void stack(void)
{
    int status;

    set_soft(RLIMIT_STACK, MIB);
    if (fork() == 0) {
        deep(700);
        _exit(0);
    }
    CHECK(wait(&status) > 0 && WIFEXITED(status));
    if (fork() == 0) {
        deep(1500);
        _exit(0);
    }
    CHECK(wait(&status) > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    set_soft(RLIMIT_STACK, 2 * MIB);
    deep(1500);
}

static void hard_limits(void)
{
    struct rlimit limit = {30 * MIB, 20 * MIB}, infinite = {RLIM_INFINITY, RLIM_INFINITY};

    CHECK(setrlimit(RLIMIT_AS, &limit) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_setrlimit, RLIMIT_AS, 16) == -1 && errno == EFAULT);
    if (geteuid() == 0)
        CHECK(setresuid(65534, 65534, 65534) == 0);
    limit = (struct rlimit){200 * MIB, 300 * MIB};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_max = 301 * MIB;
    CHECK(setrlimit(RLIMIT_AS, &limit) == -1 && errno == EPERM);
    CHECK(setrlimit(RLIMIT_AS, &infinite) == -1 && errno == EPERM);
    CHECK(get(RLIMIT_AS).rlim_cur == 200 * MIB && get(RLIMIT_AS).rlim_max == 300 * MIB);
}

static void in_child(void (*run)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        run();
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A program that this one starts, of its own kind and of the computer's. */
static void programs(void)
{
    struct rlimit limit = {80 * MIB, 90 * MIB};
    char *const own[] = {"limits", "child", NULL};
    char *const shell[] = {"sh", "-c", "test $(ulimit -v) = 81920 && test $(ulimit -Hv) = 92160 && test $(ulimit -s) = 4096",
                           NULL};
    int status;
    pid_t child;

    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    set_soft(RLIMIT_STACK, 4 * MIB);
    for (int i = 0; i < 4; i++) {
        child = i & 1 ? vfork() : fork();
        if (child == 0) {
            if (i & 2)
                execv("/bin/sh", shell);
            else
                execv("/proc/self/exe", own);
            _exit(99);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    /* A limit that a borrowed memory's child sets is its own. */
    child = vfork();
    if (child == 0) {
        limit.rlim_cur = 40 * MIB;
        setrlimit(RLIMIT_AS, &limit);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && get(RLIMIT_AS).rlim_cur == 80 * MIB);
    child = vfork();
    if (child == 0) {
        limit.rlim_cur = 40 * MIB;
        setrlimit(RLIMIT_AS, &limit);
        execv("/no/such/program", own);
        execv("/proc/self/exe", own);
        _exit(99);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static int as_child(void)
{
    if (get(RLIMIT_AS).rlim_cur != 80 * MIB)
        return 3;
    CHECK(get(RLIMIT_AS).rlim_max == 90 * MIB && get(RLIMIT_STACK).rlim_cur == 4 * MIB);
    CHECK(is_full(map(80 * MIB, PROT_READ)));
    CHECK(map(30 * MIB, PROT_READ) != MAP_FAILED);
    deep(3000);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return as_child();
    in_child(address_space);
    in_child(data);
    in_child(stack);
    in_child(hard_limits);
    in_child(programs);
    puts("ok");
    return 0;
}
