/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The system calls that need more than passing on, by Linux's names. Their arguments are those of the guest,
 * gathered by the letters of struct user_syscall; the result is a value or -errno of the host.
 *
 * Names with 16 take 16-bit user and group numbers; time64 names take 64-bit seconds on 32-bit guests.
 */
#ifndef VITRINE_USER_CALLS_H
#define VITRINE_USER_CALLS_H

#include <stdint.h>

struct user_thread;

#define USER_CALLS(X)                                                                                        \
    /* sys_file.c */                                                                                         \
    X(open)                                                                                                  \
    X(creat) X(openat) X(link) X(unlink) X(mknod) X(chmod) X(access) X(mkdir) X(rmdir) X(rename) X(symlink)  \
        X(readlink) X(readlinkat) X(chown) X(chown16) X(lchown) X(lchown16) X(fchown16) X(pipe) X(pipe2)     \
            X(dup2) X(dup3) X(stat) X(lstat) X(fstat) X(stat64) X(lstat64) X(fstat64) X(fstatat64) X(statx)  \
                X(statfs) X(fstatfs) X(statfs64) X(fstatfs64) X(getdents) X(getdents64) X(fcntl) X(fcntl64)  \
                    X(llseek) X(readv) X(writev) X(preadv) X(pwritev) X(sendfile) X(sendfile64) X(utime)     \
                        X(utimes) X(futimesat) X(utimensat) X(utimensat_time64) X(getcwd) X(ioctl)           \
                            X(fadvise64) X(fadvise64_arm) X(sync_file_range2) X(copy_file_range) /* sys_memory.c */                               \
        X(brk) X(mmap) X(mmap2) X(munmap) X(mprotect) X(mremap) X(msync) X(madvise) X(mincore) X(mlock)      \
            X(munlock) /* sys_process.c */                                                                   \
        X(exit) X(exit_group) X(fork) X(clone) X(execve) X(wait4) X(waitpid) X(waitid) X(getpid) X(uname)    \
            X(getrusage) X(getrlimit) X(setrlimit) X(prlimit64) X(sysinfo) X(set_tid_address)                \
                X(set_robust_list) X(get_robust_list) X(futex) X(futex_time64) X(getuid16) X(getgid16)       \
                    X(geteuid16) X(getegid16) X(setuid16) X(setgid16) X(setreuid16) X(setregid16)            \
                        X(getgroups) X(setgroups) X(getgroups16) X(setgroups16) X(getresuid) X(getresgid)    \
                            X(prctl) X(personality) X(sched_getaffinity) X(sched_setaffinity)                \
                                X(sched_getparam) X(sched_setparam) X(sched_setscheduler) X(kill_) X(tkill)  \
                                    X(tgkill) X(getpgrp) X(rseq) X(nice) X(getpagesize) /* sys_signal.c */   \
        X(sigaction) X(rt_sigaction) X(rt_sigaction_restorer) X(signal) X(sigprocmask) X(rt_sigprocmask) X(sigpending)                \
            X(rt_sigpending) X(sigsuspend) X(sigsuspend3) X(restart_syscall) X(rt_sigsuspend) X(sigaltstack) X(sigreturn) X(rt_sigreturn)      \
                X(rt_sigtimedwait) X(rt_sigqueueinfo) X(pause) X(rt_sigtimedwait_time64) /* sys_time.c */    \
        X(time) X(stime) X(times) X(gettimeofday) X(settimeofday) X(clock_gettime) X(clock_settime)          \
            X(clock_getres) X(clock_nanosleep) X(nanosleep) X(clock_gettime64) X(clock_settime64)            \
                X(clock_getres_time64) X(clock_nanosleep_time64) X(setitimer) X(getitimer) X(alarm)          \
                    X(timer_create) X(timer_settime) X(timer_gettime) X(timer_settime64) X(timer_gettime64)  \
                        X(timerfd_settime) X(timerfd_gettime) X(timerfd_settime64) X(timerfd_gettime64)      \
                            X(sched_rr_get_interval) /* sys_poll.c */                                        \
        X(select) X(pselect6) X(pselect6_time64) X(poll) X(ppoll) X(ppoll_time64) X(epoll_create1)           \
            X(epoll_ctl) X(epoll_wait) X(epoll_pwait) X(eventfd2) X(signalfd) X(signalfd4) X(timerfd_create) \
                X(inotify_init1) /* sys_socket.c */                                                          \
        X(socket) X(socketpair) X(bind) X(connect) X(accept) X(accept4) X(getsockname) X(getpeername)        \
            X(sendto) X(recvfrom) X(sendmsg) X(recvmsg) X(setsockopt) X(getsockopt) X(socketcall)

#define USER_CALL_DECLARE(name) int64_t user_sys_##name(struct user_thread *t, const uint64_t *a);
USER_CALLS(USER_CALL_DECLARE)
#undef USER_CALL_DECLARE

#endif
