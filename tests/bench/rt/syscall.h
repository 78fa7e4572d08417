/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Raw system calls for the guest programs, and the numbers of 32-bit SPARC Linux that the run time itself
 * needs. */
#ifndef VITRINE_TESTS_RT_SYSCALL_H
#define VITRINE_TESTS_RT_SYSCALL_H

/* The result, or -errno (with the guest's error numbers). */
long rt_syscall(long number, long a, long b, long c, long d, long e, long f);
/* For calls with two results: pipe, fork, clone, getpid, getuid ... *second is the second result. */
long rt_syscall2(long number, long *second, long a, long b, long c, long d);

/* What the kernel passed: filled before main() runs. */
extern char **rt_environ;
extern const unsigned long *rt_auxv;

#if defined(__sparc__)
#define RT_SYS_exit         1
#define RT_SYS_write        4
#define RT_SYS_brk          17
#define RT_SYS_mmap         71
#define RT_SYS_gettimeofday 116
#endif

#endif
