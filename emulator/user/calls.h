/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The system calls that need more than passing on, by Linux's names. Their arguments are those of the guest,
 * gathered by the letters of struct user_syscall; the result is a value or -errno of the host.
 *
 * Names with 16 take 16-bit user and group numbers; time64 names take 64-bit seconds on 32-bit guests.
 */
#ifndef VITRINE_USER_CALLS_H
#define VITRINE_USER_CALLS_H

#include "emulator/user/abi.h"

/* sys_event.c */
user_handler user_sys_eventfd2, user_sys_eventfd, user_sys_signalfd, user_sys_signalfd4,
    user_sys_timerfd_create, user_sys_inotify_init1, user_sys_read, user_sys_write;

/* sys_exec.c */
user_handler user_sys_exit_group, user_sys_exit, user_sys_fork, user_sys_vfork, user_sys_clone, user_sys_clone3,
    user_sys_execve,
    user_sys_execveat;

/* sys_name.c */
user_handler user_sys_open, user_sys_creat, user_sys_openat, user_sys_link, user_sys_linkat, user_sys_unlink,
    user_sys_rmdir, user_sys_mkdir, user_sys_mknod, user_sys_chmod, user_sys_access, user_sys_rename,
    user_sys_symlink, user_sys_readlink, user_sys_readlinkat, user_sys_fchownat, user_sys_chown,
    user_sys_chown16, user_sys_lchown, user_sys_lchown16, user_sys_fchown16, user_sys_getcwd, user_sys_chroot, user_sys_chdir,
    user_sys_fchdir;

/* sys_file.c */
user_handler             user_sys_pipe, user_sys_pipe2, user_sys_close, user_sys_close_range, user_sys_dup2,
    user_sys_dup3, user_sys_lseek, user_sys_llseek, user_sys_readv, user_sys_writev, user_sys_pread64,
    user_sys_pwrite64, user_sys_preadv, user_sys_pwritev,
    user_sys_preadv2, user_sys_pwritev2, user_sys_vmsplice, user_sys_sendfile, user_sys_sendfile64,
    user_sys_copy_file_range, user_sys_fadvise64, user_sys_fadvise64_arm, user_sys_sync_file_range2,
    user_sys_openat2, user_sys_name_to_handle_at, user_sys_open_by_handle_at, user_sys_ustat, user_sys_stat,
    user_sys_lstat, user_sys_fstat, user_sys_stat64, user_sys_lstat64, user_sys_fstat64, user_sys_fstatat64,
    user_sys_statx, user_sys_statfs, user_sys_fstatfs, user_sys_statfs64, user_sys_fstatfs64,
    user_sys_getdents, user_sys_getdents64, user_sys_fcntl64, user_sys_fcntl, user_sys_utime, user_sys_utimes,
    user_sys_futimesat, user_sys_utimensat, user_sys_utimensat_time64;

/* sys_futex.c */
user_handler user_sys_set_tid_address, user_sys_set_robust_list, user_sys_get_robust_list, user_sys_rseq,
    user_sys_futex, user_sys_futex_time64, user_sys_futex_waitv;

/* sys_ioctl.c */
user_handler user_sys_ioctl;

/* sys_ipc.c */
user_handler user_sys_semop, user_sys_semtimedop, user_sys_semtimedop_time64, user_sys_semctl,
    user_sys_msgsnd, user_sys_msgrcv, user_sys_msgctl, user_sys_shmat, user_sys_shmdt, user_sys_shmctl,
    user_sys_ipc, user_sys_mq_open, user_sys_mq_timedsend, user_sys_mq_timedsend_time64,
    user_sys_mq_timedreceive, user_sys_mq_timedreceive_time64, user_sys_mq_notify, user_sys_mq_getsetattr;

/* sys_memory.c */
user_handler user_sys_brk, user_sys_mmap, user_sys_mmap2, user_sys_munmap, user_sys_mprotect, user_sys_mremap,
    user_sys_msync, user_sys_madvise, user_sys_mincore, user_sys_mlock, user_sys_munlock, user_sys_mlock2,
    user_sys_mlockall, user_sys_remap_file_pages;

/* sys_message.c */
user_handler user_sys_sendmsg, user_sys_recvmsg, user_sys_sendmmsg, user_sys_recvmmsg,
    user_sys_recvmmsg_time64;

/* sys_poll.c */
user_handler user_sys_select, user_sys_pselect6, user_sys_pselect6_time64, user_sys_poll, user_sys_ppoll,
    user_sys_ppoll_time64, user_sys_epoll_create, user_sys_epoll_create1, user_sys_epoll_ctl, user_sys_epoll_wait,
    user_sys_epoll_pwait, user_sys_epoll_pwait2;

/* sys_process.c */
user_handler
    user_sys_wait4, user_sys_waitpid, user_sys_waitid, user_sys_getpid, user_sys_getpgrp,
    user_sys_getpagesize, user_sys_nice, user_sys_uname, user_sys_getuid16, user_sys_getgid16,
    user_sys_geteuid16, user_sys_getegid16, user_sys_setuid16, user_sys_setgid16, user_sys_setreuid16,
    user_sys_setregid16, user_sys_getgroups, user_sys_setgroups, user_sys_getgroups16, user_sys_setgroups16,
    user_sys_setresuid16, user_sys_setresgid16, user_sys_getresuid, user_sys_getresgid, user_sys_getresuid16,
    user_sys_getresgid16, user_sys_kill_, user_sys_tkill, user_sys_tgkill, user_sys_getrusage,
    user_sys_getrlimit, user_sys_setrlimit, user_sys_prlimit64, user_sys_sysinfo, user_sys_prctl,
    user_sys_sched_getaffinity, user_sys_sched_setaffinity, user_sys_sched_getparam, user_sys_sched_setparam,
    user_sys_sched_setscheduler;

/* sys_signal.c */
user_handler user_sys_sigaction, user_sys_rt_sigaction, user_sys_rt_sigaction_restorer, user_sys_signal,
    user_sys_sigprocmask, user_sys_rt_sigprocmask, user_sys_sigpending, user_sys_rt_sigpending,
    user_sys_sigsuspend, user_sys_sigsuspend3, user_sys_rt_sigsuspend, user_sys_pause, user_sys_sigaltstack,
    user_sys_restart_syscall, user_sys_sigreturn, user_sys_rt_sigreturn, user_sys_rt_sigtimedwait,
    user_sys_rt_sigtimedwait_time64, user_sys_rt_sigqueueinfo, user_sys_rt_tgsigqueueinfo,
    user_sys_pidfd_send_signal;

/* sys_socket.c */
user_handler user_sys_socket, user_sys_socketpair, user_sys_bind, user_sys_connect, user_sys_accept,
    user_sys_accept4, user_sys_getsockname, user_sys_getpeername, user_sys_sendto, user_sys_recvfrom,
    user_sys_send, user_sys_recv, user_sys_socketcall;

/* sys_sockopt.c */
user_handler user_sys_setsockopt, user_sys_getsockopt;

/* sys_system.c */
user_handler user_sys_unavailable, user_sys_forbidden, user_sys_personality, user_sys_capget, user_sys_capset,
    user_sys_kcmp, user_sys_keyctl, user_sys_sched_setattr, user_sys_sched_getattr, user_sys_getcpu,
    user_sys_process_vm_readv, user_sys_process_vm_writev, user_sys_quotactl, user_sys_mount_setattr,
    user_sys_getdomainname;

/* sys_time.c */
user_handler user_sys_time, user_sys_stime, user_sys_times, user_sys_gettimeofday, user_sys_settimeofday,
    user_sys_clock_gettime, user_sys_clock_gettime64, user_sys_clock_getres, user_sys_clock_getres_time64,
    user_sys_clock_settime, user_sys_clock_settime64, user_sys_nanosleep, user_sys_clock_nanosleep,
    user_sys_clock_nanosleep_time64, user_sys_setitimer, user_sys_getitimer, user_sys_alarm,
    user_sys_timer_create, user_sys_timer_settime, user_sys_timer_settime64, user_sys_timer_gettime,
    user_sys_timer_gettime64, user_sys_timerfd_settime, user_sys_timerfd_settime64, user_sys_timerfd_gettime,
    user_sys_timerfd_gettime64, user_sys_sched_rr_get_interval, user_sys_sched_rr_get_interval_time64,
    user_sys_adjtimex, user_sys_clock_adjtime, user_sys_clock_adjtime64;

#endif
