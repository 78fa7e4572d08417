/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structures of the guest's kernel interface that are the same on all of its processors but for word size and
 * byte order. See structs.h. */
#include "emulator/user/structs.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>

#include "emulator/user/process.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

static int64_t extend(uint64_t value, unsigned size)
{
    return size == 4 ? (int32_t)value : (int64_t)value;
}

bool user_read_timespec(struct user_thread *t, uint64_t from, bool wide, struct timespec *time)
{
    unsigned size = wide ? 8 : ABI(t)->word;
    uint64_t seconds, rest;

    if (!user_mem_get(MEM(t), from, size, &seconds) || !user_mem_get(MEM(t), from + size, size, &rest))
        return false;
    time->tv_sec = (time_t)extend(seconds, size);
    /* The upper half of a 64-bit nanosecond field is padding on 32-bit machines. */
    time->tv_nsec = (long)extend(rest, ABI(t)->word == 4 ? 4 : 8);
    return true;
}

bool user_write_timespec(struct user_thread *t, uint64_t to, bool wide, const struct timespec *time)
{
    unsigned size = wide ? 8 : ABI(t)->word;

    return user_mem_put(MEM(t), to, size, (uint64_t)time->tv_sec) &&
           user_mem_put(MEM(t), to + size, size, (uint64_t)time->tv_nsec);
}

bool user_read_timeval(struct user_thread *t, uint64_t from, struct timespec *time)
{
    if (!user_read_timespec(t, from, false, time))
        return false;
    /* Out-of-range values stay out of range. */
    time->tv_nsec = time->tv_nsec < 0 || time->tv_nsec > 999999 ? -1 : time->tv_nsec * 1000;
    return true;
}

bool user_write_timeval(struct user_thread *t, uint64_t to, const struct timespec *time)
{
    struct timespec value = {time->tv_sec, time->tv_nsec / 1000};

    return user_write_timespec(t, to, false, &value);
}

bool user_write_rusage(struct user_thread *t, uint64_t to, const struct rusage *u)
{
    const long counts[] = {u->ru_maxrss, u->ru_ixrss,    u->ru_idrss,   u->ru_isrss,   u->ru_minflt,
                           u->ru_majflt, u->ru_nswap,    u->ru_inblock, u->ru_oublock, u->ru_msgsnd,
                           u->ru_msgrcv, u->ru_nsignals, u->ru_nvcsw,   u->ru_nivcsw};
    struct timespec user = {u->ru_utime.tv_sec, u->ru_utime.tv_usec * 1000};
    struct timespec system = {u->ru_stime.tv_sec, u->ru_stime.tv_usec * 1000};
    unsigned word = ABI(t)->word;

    if (!user_write_timeval(t, to, &user) || !user_write_timeval(t, to + 2 * word, &system))
        return false;
    for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++) {
        if (!user_mem_put(MEM(t), to + (4 + i) * word, word, (uint64_t)counts[i]))
            return false;
    }
    return true;
}

int64_t user_read_iovec(struct user_thread *t, uint64_t from, uint64_t count, struct iovec **vector)
{
    unsigned word = ABI(t)->word;
    uint64_t total = 0;

    *vector = NULL;
    if (count > IOV_MAX)
        return -EINVAL;
    *vector = g_new0(struct iovec, count + 1);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t base, length;

        if (!user_mem_get(MEM(t), from + 2 * i * word, word, &base) ||
            !user_mem_get(MEM(t), from + (2 * i + 1) * word, word, &length))
            return -EFAULT;
        total += length;
        if (length > INT32_MAX || total > INT32_MAX)
            return -EINVAL;
        (*vector)[i].iov_len = length;
        (*vector)[i].iov_base = length ? user_mem_host(MEM(t), base, length) : NULL;
        if (length && !(*vector)[i].iov_base)
            return -EFAULT;
    }
    return 0;
}

bool user_read_sigset(struct user_thread *t, uint64_t from, uint64_t *set)
{
    unsigned word = ABI(t)->word;
    uint64_t guest = 0;

    for (unsigned i = 0; i < 8 / word; i++) {
        uint64_t part;

        if (!user_mem_get(MEM(t), from + i * word, word, &part))
            return false;
        guest |= part << (i * 32);
    }
    *set = user_sigset_to_host(ABI(t), guest);
    return true;
}

bool user_write_sigset(struct user_thread *t, uint64_t to, uint64_t set)
{
    unsigned word = ABI(t)->word;
    uint64_t guest = user_sigset_to_guest(ABI(t), set);

    for (unsigned i = 0; i < 8 / word; i++) {
        if (!user_mem_put(MEM(t), to + i * word, word, guest >> (i * 32)))
            return false;
    }
    return true;
}

/* asm-generic/siginfo.h: three ints, then a union that begins at a word's alignment. */
void user_pack_siginfo(struct user_thread *t, uint8_t *to, const siginfo_t *info)
{
    const struct user_abi *abi = ABI(t);
    unsigned word = abi->word, at = word == 8 ? 16 : 12;
    bool big = abi->big_endian;

    memset(to, 0, 128);
    user_store(to, 4, (uint32_t)user_signal_to_guest(abi, info->si_signo), big);
    user_store(to + 4, 4, (uint32_t)info->si_errno, big);
    user_store(to + 8, 4, (uint32_t)info->si_code, big);
    if (info->si_code == SI_USER || info->si_code == SI_TKILL) {
        user_store(to + at, 4, (uint32_t)info->si_pid, big);
        user_store(to + at + 4, 4, info->si_uid, big);
        return;
    }
    if (info->si_code == SI_TIMER) {
        user_store(to + at, 4, (uint32_t)info->si_timerid, big);
        user_store(to + at + 4, 4, (uint32_t)info->si_overrun, big);
        user_store(to + at + 8, word, (uint64_t)(uintptr_t)info->si_value.sival_ptr, big);
        return;
    }
    if (info->si_code < 0) {
        user_store(to + at, 4, (uint32_t)info->si_pid, big);
        user_store(to + at + 4, 4, info->si_uid, big);
        user_store(to + at + 8, word, (uint64_t)(uintptr_t)info->si_value.sival_ptr, big);
        return;
    }
    /* What fcntl's F_SETSIG chose says of a file what SIGPOLL says (the kernel's siginfo_layout). */
    switch (info->si_signo > SIGSYS && info->si_code <= POLL_HUP ? SIGPOLL : info->si_signo) {
    case SIGCHLD:
        user_store(to + at, 4, (uint32_t)info->si_pid, big);
        user_store(to + at + 4, 4, info->si_uid, big);
        user_store(to + at + 8, 4,
                   (uint32_t)(info->si_code == CLD_EXITED ? info->si_status
                                                          : user_signal_to_guest(abi, info->si_status)),
                   big);
        user_store(to + at + 8 + word, word, (uint64_t)info->si_utime, big);
        user_store(to + at + 8 + 2 * word, word, (uint64_t)info->si_stime, big);
        break;
    case SIGPOLL:
        user_store(to + at, word, (uint64_t)info->si_band, big);
        user_store(to + at + word, 4, (uint32_t)info->si_fd, big);
        break;
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP: user_store(to + at, word, (uint64_t)(uintptr_t)info->si_addr, big); break;
    default:
        user_store(to + at, 4, (uint32_t)info->si_pid, big);
        user_store(to + at + 4, 4, info->si_uid, big);
        break;
    }
}

bool user_read_siginfo(struct user_thread *t, uint64_t from, siginfo_t *info)
{
    unsigned word = ABI(t)->word, at = word == 8 ? 16 : 12;
    uint64_t number, code, pid, uid, value;

    memset(info, 0, sizeof(*info));
    if (!user_mem_get(MEM(t), from, 4, &number) || !user_mem_get(MEM(t), from + 8, 4, &code) ||
        !user_mem_get(MEM(t), from + at, 4, &pid) || !user_mem_get(MEM(t), from + at + 4, 4, &uid) ||
        !user_mem_get(MEM(t), from + at + 8, word, &value))
        return false;
    info->si_signo = user_signal_to_host(ABI(t), number);
    info->si_code = (int32_t)code;
    info->si_pid = (pid_t)pid;
    info->si_uid = (uid_t)uid;
    info->si_value.sival_ptr = (void *)(uintptr_t)value;
    return true;
}

int64_t user_read_sigevent(struct user_thread *t, uint64_t from, struct sigevent *event)
{
    unsigned word = ABI(t)->word;
    uint64_t value, signal, notify, thread;

    memset(event, 0, sizeof(*event));
    if (!user_mem_get(MEM(t), from, word, &value) || !user_mem_get(MEM(t), from + word, 4, &signal) ||
        !user_mem_get(MEM(t), from + word + 4, 4, &notify) ||
        !user_mem_get(MEM(t), from + word + 8, 4, &thread))
        return -EFAULT;
    event->sigev_value.sival_ptr = (void *)(uintptr_t)value;
    event->sigev_notify = (int)notify;
    event->sigev_signo = user_signal_to_host(ABI(t), signal);
    if (event->sigev_notify == SIGEV_THREAD_ID)
        event->_sigev_un._tid = (pid_t)thread;
    return 0;
}

uint32_t user_wait_status(struct user_thread *t, int status)
{
    if (WIFSIGNALED(status))
        return (uint32_t)(user_signal_to_guest(ABI(t), WTERMSIG(status)) | (status & ~0x7f));
    if (WIFSTOPPED(status))
        return (uint32_t)(user_signal_to_guest(ABI(t), WSTOPSIG(status)) << 8 | (status & ~0xff00));
    return (uint32_t)status;
}
