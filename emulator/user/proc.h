/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of /proc that would show this program where the guest program expects itself. */
#ifndef VITRINE_USER_PROC_H
#define VITRINE_USER_PROC_H

#include <stdbool.h>
#include <stdint.h>

struct user_process;
struct user_thread;

/* "REST" of /proc/self/REST, /proc/thread-self/REST or /proc/OWN-PID/REST; else NULL. */
const char *user_proc_own(const char *path);
/* Opens a copy of the file as the program should see it. false: the host's file is right. */
bool user_proc_open(struct user_thread *t, const char *path, int64_t *fd);
/* What the program reads from a link of /proc; NULL: what the host says. Free with g_free(). */
char *user_proc_link(const struct user_process *process, const char *path);

#endif
