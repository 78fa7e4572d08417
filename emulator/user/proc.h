/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of /proc that would show this program where the guest program expects itself. */
#ifndef VITRINE_USER_PROC_H
#define VITRINE_USER_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct user_process;
struct user_thread;

/* "REST" of /proc/self/REST, /proc/OWN-PID/REST, /proc/thread-self/REST or .../task/TID/REST, which sets *tid (else 0);
 * NULL: another file. A relative name begins at a folder's descriptor or AT_FDCWD. Free with g_free(). */
char *user_proc_own(const struct user_process *process, int directory, const char *path, pid_t *tid);
/* The program has another current folder. */
void user_proc_moved(struct user_process *process);
/* Opens the file as the program should see it, with the host's flags. false: the host's file is right. */
bool user_proc_open(struct user_thread *t, int directory, const char *path, int flags, int64_t *fd);
/* The text of /proc/self/maps. Free with g_free(). */
char *user_proc_maps(const struct user_process *process);
/* What the program reads from a link of /proc; NULL: what the host says. Free with g_free(). */
char *user_proc_link(const struct user_process *process, int directory, const char *path);

/* Open files whose calls are not the host's. */
enum user_proc_kind {
    USER_PROC_OTHER,
    USER_PROC_MEMORY, /* /proc/self/mem */
    USER_PROC_TASKS,  /* /proc/self/task */
};

enum user_proc_kind user_proc_kind(struct user_process *process, int fd);
/* Of USER_PROC_MEMORY: reads or writes the program's memory, at a position or at the file's own. Bytes or -errno. */
int64_t user_proc_memory_io(struct user_thread *t, int fd, const struct iovec *vector, unsigned count, int64_t position,
                            bool own_position, bool writes);
int64_t user_proc_seek(struct user_thread *t, int fd, int64_t offset, int whence);
/* Of USER_PROC_TASKS: whether the program should see an entry. */
bool user_proc_shows(struct user_thread *t, const char *name);

#endif
