/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linux's newer calls and seldom arguments, which the C library has no function for: children with descriptors,
 * advice on memory, locked memory, what two processes share, what a socket has not sent.
 *
 * Prints "ok", or the line of what failed. Passes natively too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_libc.h"

#define PAGE 4096

/* linux/sched.h's struct clone_args, version 2. */
struct arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, n_set_tid, cgroup;
};

static long clone3(struct arguments *arguments, size_t size)
{
    return syscall(SYS_clone3, arguments, size);
}

static void check_descriptor(int fd, pid_t child, int expected)
{
    struct pollfd wait = {fd, POLLIN, 0};
    siginfo_t info;

    CHECK(fd > 2 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(poll(&wait, 1, 20000) == 1 && wait.revents & POLLIN);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_pid == child && info.si_status == expected);
    close(fd);
}

static void children(void)
{
    struct arguments with = {.exit_signal = SIGCHLD};
    int fd = -1, tid = -1, status;
    pid_t child = (pid_t)clone3(&with, sizeof(with));

    if (child == 0)
        _exit(3);
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);

    with.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
    with.pidfd = (uintptr_t)&fd;
    with.parent_tid = (uintptr_t)&tid;
    child = (pid_t)clone3(&with, 64);
    if (child == 0)
        _exit(4);
    CHECK(child > 0 && tid == child);
    check_descriptor(fd, child, 4);

    /* clone returns the descriptor where the parent's number would stand. */
    child = (pid_t)syscall(SYS_clone, CLONE_PIDFD | CLONE_VFORK | SIGCHLD, 0, &fd, 0, 0);
    if (child == 0)
        _exit(5);
    CHECK(child > 0);
    check_descriptor(fd, child, 5);

    with = (struct arguments){.flags = SIGCHLD};
    CHECK(clone3(&with, sizeof(with)) == -1 && errno == EINVAL);
    with = (struct arguments){.exit_signal = SIGCHLD, .stack = 4096};
    CHECK(clone3(&with, sizeof(with)) == -1 && errno == EINVAL);
    with.stack = 0;
    CHECK(clone3(&with, 63) == -1 && errno == EINVAL);
    CHECK(clone3(NULL, sizeof(with)) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0) == -1 && errno == EINVAL);
}

static void advice(void)
{
    char *own = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = memfd_create("file", 0), status;
    char *file;
    pid_t child;

    /* A library that gets 0 for this takes no zero for a promise. */
    CHECK(madvise(own, PAGE, -1) == -1 && errno == EINVAL);
    CHECK(madvise(own + 1, PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
    own[0] = own[PAGE] = 'x';
    CHECK(madvise(own, PAGE, MADV_WIPEONFORK) == 0);
    child = fork();
    if (child == 0)
        _exit(own[0] == 0 && own[PAGE] == 'x' ? 6 : 1);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 6);
    CHECK(own[0] == 'x' && madvise(own, PAGE, MADV_KEEPONFORK) == 0);
    CHECK(madvise(own, PAGE, MADV_DONTNEED) == 0 && own[0] == 0 && own[PAGE] == 'x');

    CHECK(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0 && pwrite(fd, "yz", 2, PAGE - 1) == 2);
    file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(file != MAP_FAILED && file[PAGE - 1] == 'y');
    CHECK(madvise(file, PAGE, MADV_REMOVE) == 0 && file[PAGE - 1] == 0 && file[PAGE] == 'z');
    CHECK(madvise(file, 2 * PAGE, MADV_POPULATE_READ) == 0);
    CHECK(munmap(file, 2 * PAGE) == 0 && munmap(own, 2 * PAGE) == 0);
    CHECK(madvise(own, PAGE, MADV_WILLNEED) == -1 && errno == ENOMEM);
    close(fd);
}

static void locked(void)
{
    CHECK(mlockall(0) == -1 && errno == EINVAL);
    CHECK(mlockall(0x40000) == -1 && errno == EINVAL);
    CHECK(mlockall(MCL_CURRENT) == 0 || errno == ENOMEM || errno == EPERM);
    CHECK(munlockall() == 0);
}

static void shared(void)
{
    int fd = open("/dev/null", O_RDONLY), same = dup(fd), other = open("/dev/null", O_RDONLY);
    int pid = getpid();

    CHECK(syscall(SYS_kcmp, pid, pid, KCMP_FILE, fd, same) == 0 || errno == ENOSYS);
    CHECK(syscall(SYS_kcmp, pid, pid, KCMP_FILE, fd, other) > 0 || errno == ENOSYS);
    close(fd);
    close(same);
    close(other);
}

static void unsent(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), count = -1;

    CHECK(fd >= 0 && ioctl(fd, SIOCOUTQ, &count) == 0 && count == 0);
    count = -1;
    CHECK(ioctl(fd, SIOCOUTQNSD, &count) == 0 && count == 0);
    close(fd);
}

int main(void)
{
    children();
    advice();
    locked();
    shared();
    unsent();
    puts("ok");
    return 0;
}
