/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of --strace: one line a system call, as strace(1) writes it. All with process->strace set. */
#ifndef VITRINE_USER_STRACE_H
#define VITRINE_USER_STRACE_H

#include <glib.h>
#include <signal.h>
#include <stdint.h>

struct user_process;
struct user_syscall;
struct user_thread;

/* Before a call: all that is known then, so that one that blocks or never returns shows. */
void user_strace_call(struct user_thread *thread, const struct user_syscall *call, const uint64_t *args);
/* After it: what the kernel has filled in, and the result. */
void user_strace_result(struct user_thread *thread, const struct user_syscall *call, const uint64_t *args,
                        int64_t result);
/* Before a call that will not come back when it succeeds. */
void user_strace_leave(struct user_thread *thread);
/* A line of its own. */
void user_strace_note(struct user_process *process, const char *format, ...) G_GNUC_PRINTF(2, 3);
void user_strace_signal(struct user_process *process, int signal, const siginfo_t *info);
/* "SIGINT"; for numbers without a name "SIGRT_n". */
const char *user_strace_signal_name(int signal, char text[16]);

#endif
