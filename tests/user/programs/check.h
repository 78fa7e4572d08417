/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the SPARC test programs share: a check that says where it failed, and system calls by SPARC Linux's
 * numbers. Structures are written down as words: these programs test the layout, so they must not take it
 * from a header.
 */
#ifndef VITRINE_TESTS_USER_CHECK_H
#define VITRINE_TESTS_USER_CHECK_H

#include "tests/bench/rt/rt.h"
#include "tests/bench/rt/syscall.h"

#define CALL0(nr)                rt_syscall(nr, 0, 0, 0, 0, 0, 0)
#define CALL1(nr, a)             rt_syscall(nr, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(nr, a, b)          rt_syscall(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(nr, a, b, c)       rt_syscall(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(nr, a, b, c, d)    rt_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL5(nr, a, b, c, d, e) rt_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CALL6(nr, a, b, c, d, e, f)                                                                          \
    rt_syscall(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static inline void check_failed(int line, const char *what, long got)
{
    rt_put("line ");
    rt_put_u32((uint32_t)line);
    rt_put(": ");
    rt_put(what);
    rt_put(" (");
    rt_put_i32((int32_t)got);
    rt_put(")\n");
    rt_exit(1);
}

/* The value of an expression that must be true. */
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            check_failed(__LINE__, #condition, 0);                                                           \
    } while (0)

/* An expression and the value that it must have. */
#define EXPECT(expression, value)                                                                            \
    do {                                                                                                     \
        long got_ = (long)(expression);                                                                      \
                                                                                                             \
        if (got_ != (long)(value))                                                                           \
            check_failed(__LINE__, #expression " == " #value, got_);                                         \
    } while (0)

/* A call that must not fail; its result. */
static inline long must_(int line, const char *what, long got)
{
    if (got < 0 && got > -4096)
        check_failed(line, what, got);
    return got;
}
#define MUST(expression) must_(__LINE__, #expression, (long)(expression))

enum {
    NR_exit = 1,
    NR_fork = 2,
    NR_read = 3,
    NR_write = 4,
    NR_open = 5,
    NR_close = 6,
    NR_wait4 = 7,
    NR_link = 9,
    NR_unlink = 10,
    NR_chdir = 12,
    NR_chmod = 15,
    NR_brk = 17,
    NR_lseek = 19,
    NR_getpid = 20,
    NR_alarm = 27,
    NR_sigaltstack = 28,
    NR_pause = 29,
    NR_access = 33,
    NR_kill = 37,
    NR_stat = 38,
    NR_dup = 41,
    NR_pipe = 42,
    NR_times = 43,
    NR_ioctl = 54,
    NR_mmap2 = 56,
    NR_symlink = 57,
    NR_readlink = 58,
    NR_execve = 59,
    NR_umask = 60,
    NR_fstat64 = 63,
    NR_vfork = 66,
    NR_pread64 = 67,
    NR_pwrite64 = 68,
    NR_mmap = 71,
    NR_munmap = 73,
    NR_mprotect = 74,
    NR_setitimer = 83,
    NR_ftruncate64 = 84,
    NR_dup2 = 90,
    NR_fcntl = 92,
    NR_select = 93,
    NR_socket = 97,
    NR_connect = 98,
    NR_accept = 99,
    NR_rt_sigaction = 102,
    NR_rt_sigprocmask = 103,
    NR_rt_sigpending = 104,
    NR_rt_sigsuspend = 107,
    NR_recvmsg = 113,
    NR_sendmsg = 114,
    NR_gettimeofday = 116,
    NR_getrusage = 117,
    NR_getsockopt = 118,
    NR_getcwd = 119,
    NR_readv = 120,
    NR_writev = 121,
    NR_rename = 128,
    NR_truncate = 129,
    NR_lstat64 = 132,
    NR_socketpair = 135,
    NR_mkdir = 136,
    NR_rmdir = 137,
    NR_stat64 = 139,
    NR_futex = 142,
    NR_gettid = 143,
    NR_getrlimit = 144,
    NR_getsockname = 150,
    NR_poll = 153,
    NR_getdents64 = 154,
    NR_fcntl64 = 155,
    NR_getdents = 174,
    NR_uname = 189,
    NR_epoll_ctl = 194,
    NR_epoll_wait = 195,
    NR_getppid = 197,
    NR_sigaction = 198,
    NR_sysinfo = 214,
    NR_clone = 217,
    NR_llseek = 236,
    NR_mlockall = 239,
    NR_munlockall = 240,
    NR_sched_yield = 245,
    NR_nanosleep = 249,
    NR_mremap = 250,
    NR_clock_gettime = 257,
    NR_openat = 284,
    NR_epoll_create1 = 319,
    NR_pipe2 = 321,
    NR_prlimit64 = 331,
    NR_getrandom = 347,
    NR_bind = 353,
    NR_listen = 354,
    NR_setsockopt = 355,
};

/* Error numbers, as SPARC has them */
enum {
    E_PERM = 1,
    E_NOENT = 2,
    E_INTR = 4,
    E_BADF = 9,
    E_CHILD = 10,
    E_AGAIN = 11,
    E_NOMEM = 12,
    E_FAULT = 14,
    E_EXIST = 17,
    E_NOTDIR = 20,
    E_INVAL = 22,
    E_NOTSOCK = 38,
    E_CONNREFUSED = 61,
    E_LOOP = 62,
    E_NOTEMPTY = 66,
    E_NOSYS = 90,
};

/* Signals, as SPARC has them */
enum {
    S_ILL = 4,
    S_TRAP = 5,
    S_ABRT = 6,
    S_FPE = 8,
    S_KILL = 9,
    S_BUS = 10,
    S_SEGV = 11,
    S_ALRM = 14,
    S_TERM = 15,
    S_CHLD = 20,
    S_USR1 = 30,
    S_USR2 = 31,
    S_RT = 40,
};

enum {
    O_RDONLY_ = 0,
    O_WRONLY_ = 1,
    O_RDWR_ = 2,
    O_APPEND_ = 8,
    O_CREAT_ = 0x200,
    O_TRUNC_ = 0x400,
    O_EXCL_ = 0x800,
    O_NONBLOCK_ = 0x4000,
    O_DIRECTORY_ = 0x10000,
    O_CLOEXEC_ = 0x400000
};

static inline int done(void)
{
    rt_put("ok\n");
    return 0;
}

#endif
