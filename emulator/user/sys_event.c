/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Descriptors made of events: counters, signals, timers, watched files. What is read from them are numbers
 * and structures in the host's byte order, so programs of the other byte order have them converted on the
 * way.
 *
 * Which kind a descriptor is, its link in /proc tells: it may have come by dup(), fork(), exec or a socket.
 */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/proc.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

static bool foreign(const struct user_thread *t)
{
    return ABI(t)->big_endian != (G_BYTE_ORDER == G_BIG_ENDIAN);
}

/* EFD_*, SFD_*, TFD_* and IN_* flags are the O_* values of the machine. */
static uint32_t host_flags(struct user_thread *t, uint64_t flags)
{
    return user_bits_to_host(ABI(t)->open_flags, (uint32_t)flags);
}

/* EFD_SEMAPHORE is 1 everywhere: as an open flag that is O_WRONLY. */
int64_t user_sys_eventfd2(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_eventfd2, (uint32_t)a[0], (a[1] & 1) | host_flags(t, a[1] & ~(uint64_t)1), 0, 0,
                     0, 0);
}

int64_t user_sys_eventfd(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_eventfd2, (uint32_t)a[0], 0, 0, 0, 0, 0);
}

static int64_t with_signals(struct user_thread *t, const uint64_t *a, uint32_t flags)
{
    uint64_t set;

    if (a[2] != 8)
        return -EINVAL;
    if (!user_read_sigset(t, a[1], &set))
        return -EFAULT;
    return USER_HOST(t, SYS_signalfd4, (int)a[0], &set, 8, flags, 0, 0);
}

int64_t user_sys_signalfd(struct user_thread *t, const uint64_t *a)
{
    return with_signals(t, a, 0);
}

int64_t user_sys_signalfd4(struct user_thread *t, const uint64_t *a)
{
    return with_signals(t, a, host_flags(t, a[3]));
}

int64_t user_sys_timerfd_create(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_timerfd_create, (int)a[0], host_flags(t, a[1]), 0, 0, 0, 0);
}

int64_t user_sys_inotify_init1(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_inotify_init1, host_flags(t, a[0]), 0, 0, 0, 0, 0);
}

/* ---------------------------------------------------------------------------------------- read and write */

enum kind { KIND_OTHER, KIND_COUNT, KIND_SIGNALS, KIND_WATCHES };

static enum kind kind_of(int fd)
{
    static const struct {
        const char *name;
        enum kind kind;
    } names[] = {{"anon_inode:[eventfd]", KIND_COUNT},
                 {"anon_inode:[timerfd]", KIND_COUNT},
                 {"anon_inode:[signalfd]", KIND_SIGNALS},
                 {"anon_inode:inotify", KIND_WATCHES}};
    struct stat status;
    char path[40], link[64];
    ssize_t n;

    /* Only anonymous inodes have no type. */
    if (fstat(fd, &status) != 0 || status.st_mode & S_IFMT)
        return KIND_OTHER;
    g_snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, link, sizeof(link) - 1);
    if (n < 0)
        return KIND_OTHER;
    link[n] = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(link, names[i].name))
            return names[i].kind;
    }
    return KIND_OTHER;
}

static void swap_field(uint8_t *at, unsigned size)
{
    user_store(at, size, user_load(at, size, false), true);
}

/* struct signalfd_siginfo */
#define SIGNALFD_FORMAT "12i4q2hiqi28c"

static void convert_signals(struct user_thread *t, uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + sizeof(struct signalfd_siginfo) <= size; at += sizeof(struct signalfd_siginfo)) {
        struct signalfd_siginfo info;

        memcpy(&info, bytes + at, sizeof(info));
        if (info.ssi_signo == SIGCHLD && info.ssi_code != CLD_EXITED)
            info.ssi_status = user_signal_to_guest(ABI(t), info.ssi_status);
        info.ssi_signo = (uint32_t)user_signal_to_guest(ABI(t), (int)info.ssi_signo);
        user_record_to_guest(ABI(t), SIGNALFD_FORMAT, bytes + at, &info);
    }
}

/* Bytes that were read from a descriptor, into the guest's order. */
static void convert(struct user_thread *t, int fd, uint8_t *bytes, size_t size)
{
    switch (kind_of(fd)) {
    case KIND_OTHER: break;
    case KIND_COUNT: swap_field(bytes, 8); break;
    case KIND_SIGNALS: convert_signals(t, bytes, size); break;
    case KIND_WATCHES:
        for (size_t at = 0; at + sizeof(struct inotify_event) <= size;) {
            struct inotify_event event;

            memcpy(&event, bytes + at, sizeof(event));
            for (unsigned i = 0; i < 4; i++)
                swap_field(bytes + at + 4 * i, 4);
            at += sizeof(event) + event.len;
        }
        break;
    }
}

int64_t user_sys_read(struct user_thread *t, const uint64_t *a)
{
    void *to = user_mem_host(MEM(t), a[1], a[2]);
    int64_t result;

    if (!to)
        return -EFAULT;
    if (user_proc_kind(t->process, (int)a[0]) == USER_PROC_MEMORY)
        return user_proc_memory_io(t, (int)a[0], &(struct iovec){to, a[2]}, 1, 0, true, false);
    result = USER_HOST(t, SYS_read, (int)a[0], to, a[2], 0, 0, 0);
    /* Nothing that these descriptors give is shorter. */
    if (result >= 8 && foreign(t) && kind_of((int)a[0]) != KIND_OTHER) {
        g_autofree uint8_t *bytes = g_malloc((gsize)result);

        if (!user_mem_read(MEM(t), a[1], bytes, (size_t)result))
            return -EFAULT;
        convert(t, (int)a[0], bytes, (size_t)result);
        if (!user_mem_write(MEM(t), a[1], bytes, (size_t)result))
            return -EFAULT;
    }
    return result;
}

int64_t user_sys_write(struct user_thread *t, const uint64_t *a)
{
    void *from = user_mem_host(MEM(t), a[1], a[2]);
    uint8_t count[8];

    if (!from)
        return -EFAULT;
    if (user_proc_kind(t->process, (int)a[0]) == USER_PROC_MEMORY)
        return user_proc_memory_io(t, (int)a[0], &(struct iovec){from, a[2]}, 1, 0, true, true);
    if (a[2] == sizeof(count) && foreign(t) && kind_of((int)a[0]) == KIND_COUNT) {
        if (!user_mem_read(MEM(t), a[1], count, sizeof(count)))
            return -EFAULT;
        swap_field(count, sizeof(count));
        from = count;
    }
    return USER_HOST(t, SYS_write, (int)a[0], from, a[2], 0, 0, 0);
}
