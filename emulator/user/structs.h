/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structures that several groups of system calls read and write: times, vectors, signal sets and
 * informations. */
#ifndef VITRINE_USER_STRUCTS_H
#define VITRINE_USER_STRUCTS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>

struct user_thread;

/* struct timespec: two words, or two 64-bit numbers when wide. */
bool user_read_timespec(struct user_thread *t, uint64_t from, bool wide, struct timespec *time);
bool user_write_timespec(struct user_thread *t, uint64_t to, bool wide, const struct timespec *time);
/* struct timeval, microseconds in the guest, nanoseconds here. */
bool user_read_timeval(struct user_thread *t, uint64_t from, struct timespec *time);
bool user_write_timeval(struct user_thread *t, uint64_t to, const struct timespec *time);

bool user_write_rusage(struct user_thread *t, uint64_t to, const struct rusage *usage);

/* Host addresses of a guest vector; 0 or -errno. *vector is to be freed in either case. */
int64_t user_read_iovec(struct user_thread *t, uint64_t from, uint64_t count, struct iovec **vector);

/* sigset_t of 64 signals (words of the guest, the lowest first), converted to host signals. */
bool user_read_sigset(struct user_thread *t, uint64_t from, uint64_t *set);
bool user_write_sigset(struct user_thread *t, uint64_t to, uint64_t set);
/* siginfo_t as the guest sees it, 128 bytes. */
void user_pack_siginfo(struct user_thread *t, uint8_t *to, const siginfo_t *info);
/* And back, for signals that a program sends with a value. */
bool user_read_siginfo(struct user_thread *t, uint64_t from, siginfo_t *info);
/* struct sigevent: 0 or -errno. sigev_value is the guest's, as a number. */
int64_t user_read_sigevent(struct user_thread *t, uint64_t from, struct sigevent *event);
/* A status of wait(): the signal numbers in it are the guest's. */
uint32_t user_wait_status(struct user_thread *t, int status);

#endif
