/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The limits of memory that the kernel would hold the program to: RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK.
 *
 * On the host they would bind this program with its caches, so they are kept and carried out here. Programs that
 * this one starts inherit them: those of the host by the host's limits, foreign ones by an option. All other limits
 * are the host's own.
 */
#ifndef VITRINE_USER_LIMITS_H
#define VITRINE_USER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

struct user_process;
struct user_thread;

enum user_limit { USER_LIMIT_AS, USER_LIMIT_DATA, USER_LIMIT_STACK, USER_N_LIMITS };

struct user_limits {
    struct rlimit limit[USER_N_LIMITS];
};

/* The start: the host's, or those of user_limits_text(); NULL: none. false: the text is none. */
bool user_limits_init(struct user_process *process, const char *text);
/* "SOFT:HARD" of each, with commas. Free with g_free(). */
char *user_limits_text(const struct user_thread *thread);
/* prlimit of the thread's own process; `new` and `old` may be NULL. false: the limit is the host's. *result is 0 or
 * -errno. */
bool user_limits_exchange(struct user_thread *thread, int which, const struct rlimit *new, struct rlimit *old,
                          int64_t *result);
/* Before a program of the host's begins in this process: it gets them. `before` is for the way back. */
void user_limits_give(const struct user_thread *thread, struct user_limits *before);
void user_limits_take_back(const struct user_limits *before);
/* Bytes that the first stack may have. */
uint64_t user_limits_stack(const struct user_process *process);

#endif
