/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A host that dies, forgets and fails, for tests of what is kept on disks. It stands between a process and its
 * kernel: a seccomp filter hands every system call that changes a file system (writes of every kind, open with
 * O_CREAT or O_TRUNC, rename, link, unlink, mkdir, truncate, fallocate, fsync, chmod, copy_file_range, FICLONE, ...)
 * to this file, whichever library it comes from and however that got there; nothing has to be wrapped, and nothing can
 * be missed. A call of a kind that is not known here ends the test.
 *
 * The process that is watched is a child of the test's: the filter cannot be taken off again. What it writes to files
 * that have no name in a folder (pipes, sockets) and to its first three descriptors does not count.
 */
#pragma once

#include <glib.h>

typedef enum HostFault {
    HOST_FINE,
    HOST_KILL,   /* SIGKILL in the place of the call; the host keeps all that was written */
    HOST_FORGET, /* SIGKILL, and what was not synced is lost: names in a folder since its last fsync; sectors of files
                    since theirs, all or any of them */
    HOST_EIO,    /* the call fails, once */
    HOST_EIO_STAYS, /* and every later one */
    HOST_ENOSPC, /* it and every later call that may need room fail, but for what frees some */
    HOST_SHORT,  /* it writes the first half of what it was given, and says so */
    HOST_READ,   /* EIO from a call that reads (contents, names in a folder, what a file is), and from every later one;
                    only those count */
    HOST_READ_ONCE, /* from one of them */
} HostFault;

extern const char *const host_fault_names[];

/* The fault is of the process's own death. */
gboolean host_fault_kills(HostFault fault);

/* From here on this process is watched; `calls` (in memory that outlives it) counts. The fault comes at call number `at`
 * (the first is 1; 0: never). `stash`: a folder on the file system under test, for HOST_FORGET; made, and removed by
 * host_clear_stash(). */
void host_watch(HostFault fault, guint64 at, guint64 *calls, const char *stash);
void host_clear_stash(const char *stash);

/* Memory of zeros that a forked process shares with this one; munmap() gives it back. */
void *host_shared(gsize size);
/* Waits for the watched process: it ended with 0, or by its fault's own death. Everything else ends the test, with the
 * seed that made it. */
void host_wait(pid_t child, HostFault fault, guint64 at, guint32 seed);
/* Tests that write as often as these do it in memory, unless TMPDIR says otherwise. */
void host_use_memory_disk(void);

/* Until host_go_on(), calls are not counted and nothing fails (the watched process's own bookkeeping). */
void host_pause(void);
void host_go_on(void);
