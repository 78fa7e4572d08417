/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls that wait for descriptors. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/structs.h"

#define MEM(t)  (&(t)->process->mem)
#define ABI(t)  ((t)->process->abi)
#define WIDE(t) (ABI(t)->word == 8)

/* The mask of pselect and its kin: in force while the call waits, and until a handler has returned. */
static void begin_mask(struct user_thread *t, uint64_t mask)
{
    t->saved_mask = t->mask;
    t->mask_saved = true;
    t->mask = mask;
}

static void end_mask(struct user_thread *t, int64_t result)
{
    if (!t->mask_saved || (result == -EINTR && t->pending))
        return;
    t->mask_saved = false;
    user_signal_set_mask(t, t->saved_mask);
}

static bool move_fd_set(struct user_thread *t, uint64_t address, int n, fd_set *set, bool to_guest)
{
    unsigned word = ABI(t)->word, bits = word * 8;

    if (!to_guest)
        FD_ZERO(set);
    for (int at = 0; at < n; at += (int)bits) {
        uint64_t value = 0, place = address + (uint64_t)at / 8;

        if (to_guest) {
            for (int i = 0; i < (int)bits && at + i < n; i++)
                value |= (uint64_t)(FD_ISSET(at + i, set) != 0) << i;
            if (!user_mem_put(MEM(t), place, word, value))
                return false;
        } else {
            if (!user_mem_get(MEM(t), place, word, &value))
                return false;
            for (int i = 0; i < (int)bits && at + i < n; i++) {
                if (value >> i & 1)
                    FD_SET(at + i, set);
            }
        }
    }
    return true;
}

static int64_t wait_select(struct user_thread *t, const uint64_t *a, struct timespec *limit,
                           const uint64_t *mask)
{
    int n = (int)a[0];
    fd_set sets[3];
    struct {
        const uint64_t *mask;
        size_t size;
    } with = {mask, 8};
    int64_t result;

    if (n < 0 || n > FD_SETSIZE)
        return -EINVAL;
    for (unsigned i = 0; i < 3; i++) {
        if (a[1 + i] && !move_fd_set(t, a[1 + i], n, &sets[i], false))
            return -EFAULT;
    }
    if (mask)
        begin_mask(t, *mask);
    result = USER_HOST(t, SYS_pselect6, n, a[1] ? &sets[0] : NULL, a[2] ? &sets[1] : NULL,
                       a[3] ? &sets[2] : NULL, limit, &with);
    if (mask)
        end_mask(t, result);
    for (unsigned i = 0; result >= 0 && i < 3; i++) {
        if (a[1 + i] && !move_fd_set(t, a[1 + i], n, &sets[i], true))
            return -EFAULT;
    }
    return result;
}

int64_t user_sys_select(struct user_thread *t, const uint64_t *a)
{
    struct timespec limit;
    int64_t result;

    if (a[4]) {
        if (!user_read_timeval(t, a[4], &limit))
            return -EFAULT;
        if (limit.tv_nsec < 0)
            return -EINVAL;
    }
    result = wait_select(t, a, a[4] ? &limit : NULL, NULL);
    /* Linux tells the time that is left. */
    if (result >= 0 && a[4] && !user_write_timeval(t, a[4], &limit))
        return -EFAULT;
    return result;
}

static int64_t pselect_call(struct user_thread *t, const uint64_t *a, bool wide)
{
    unsigned word = ABI(t)->word;
    uint64_t set_address = 0, set_size, mask = 0;
    struct timespec limit;
    int64_t result;

    if (a[4] && !user_read_timespec(t, a[4], wide, &limit))
        return -EFAULT;
    if (a[5]) {
        if (!user_mem_get(MEM(t), a[5], word, &set_address) ||
            !user_mem_get(MEM(t), a[5] + word, word, &set_size))
            return -EFAULT;
        if (set_address && set_size != 8)
            return -EINVAL;
        if (set_address && !user_read_sigset(t, set_address, &mask))
            return -EFAULT;
    }
    result = wait_select(t, a, a[4] ? &limit : NULL, set_address ? &mask : NULL);
    if (result >= 0 && a[4] && !user_write_timespec(t, a[4], wide, &limit))
        return -EFAULT;
    return result;
}

int64_t user_sys_pselect6(struct user_thread *t, const uint64_t *a)
{
    return pselect_call(t, a, WIDE(t));
}

int64_t user_sys_pselect6_time64(struct user_thread *t, const uint64_t *a)
{
    return pselect_call(t, a, true);
}

/* struct pollfd: int, short, short. */
static int64_t wait_poll(struct user_thread *t, uint64_t list, uint64_t count, const struct timespec *limit,
                         const uint64_t *mask)
{
    const struct user_abi *abi = ABI(t);
    g_autofree struct pollfd *fds = NULL;
    struct timespec left;
    int64_t result;

    if (count > 65536)
        return -EINVAL;
    fds = g_new0(struct pollfd, count + 1);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t packed[8];

        if (!user_mem_read(MEM(t), list + 8 * i, packed, 8))
            return -EFAULT;
        fds[i].fd = (int32_t)user_load(packed, 4, abi->big_endian);
        fds[i].events =
            (short)user_bits_to_host(abi->poll_events, (uint32_t)user_load(packed + 4, 2, abi->big_endian));
    }
    if (limit)
        left = *limit;
    if (mask)
        begin_mask(t, *mask);
    result = USER_HOST(t, SYS_ppoll, fds, count, limit ? &left : NULL, mask, mask ? 8 : 0, 0);
    if (mask)
        end_mask(t, result);
    for (uint64_t i = 0; result >= 0 && i < count; i++) {
        if (!user_mem_put(MEM(t), list + 8 * i + 6, 2,
                          user_bits_to_guest(abi->poll_events, (uint16_t)fds[i].revents)))
            return -EFAULT;
    }
    return result;
}

int64_t user_sys_poll(struct user_thread *t, const uint64_t *a)
{
    int milliseconds = (int)a[2];
    struct timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};

    return wait_poll(t, a[0], a[1], milliseconds < 0 ? NULL : &limit, NULL);
}

static int64_t ppoll_call(struct user_thread *t, const uint64_t *a, bool wide)
{
    struct timespec limit;
    uint64_t mask = 0;

    if (a[2] && !user_read_timespec(t, a[2], wide, &limit))
        return -EFAULT;
    if (a[3] && a[4] != 8)
        return -EINVAL;
    if (a[3] && !user_read_sigset(t, a[3], &mask))
        return -EFAULT;
    return wait_poll(t, a[0], a[1], a[2] ? &limit : NULL, a[3] ? &mask : NULL);
}

int64_t user_sys_ppoll(struct user_thread *t, const uint64_t *a)
{
    return ppoll_call(t, a, WIDE(t));
}

int64_t user_sys_ppoll_time64(struct user_thread *t, const uint64_t *a)
{
    return ppoll_call(t, a, true);
}

/* --------------------------------------------------------------------------------------------- epoll */

int64_t user_sys_epoll_create(struct user_thread *t, const uint64_t *a)
{
    return (int32_t)a[0] > 0 ? USER_HOST(t, SYS_epoll_create1, 0, 0, 0, 0, 0, 0) : -EINVAL;
}

int64_t user_sys_epoll_create1(struct user_thread *t, const uint64_t *a)
{
    /* EPOLL_CLOEXEC is the machine's O_CLOEXEC. */
    return USER_HOST(t, SYS_epoll_create1, user_bits_to_host(ABI(t)->open_flags, (uint32_t)a[0]), 0, 0, 0, 0,
                     0);
}

/* struct epoll_event: 32 bits of events, 64 bits of data at its natural alignment (packed on x86-64 only).
 * The data are the program's own: they keep their bytes. */
int64_t user_sys_epoll_ctl(struct user_thread *t, const uint64_t *a)
{
    struct epoll_event event = {0};
    uint64_t events;

    if (a[3]) {
        if (!user_mem_get(MEM(t), a[3], 4, &events) || !user_mem_read(MEM(t), a[3] + 8, &event.data, 8))
            return -EFAULT;
        event.events = (uint32_t)events;
    }
    return USER_HOST(t, SYS_epoll_ctl, (int)a[0], (int)a[1], (int)a[2], a[3] ? &event : NULL, 0, 0);
}

static int64_t wait_epoll(struct user_thread *t, const uint64_t *a, const struct timespec *limit,
                          const uint64_t *mask)
{
    int most = (int)a[2];
    g_autofree struct epoll_event *events = NULL;
    int64_t result;

    if (most <= 0 || most > INT_MAX / 16)
        return -EINVAL;
    /* The kernel writes as many as there are; the rest of the room costs nothing. */
    events = g_try_new0(struct epoll_event, most);
    if (!events)
        return -ENOMEM;
    if (mask)
        begin_mask(t, *mask);
    if (limit)
        result = USER_HOST(t, SYS_epoll_pwait2, (int)a[0], events, most, limit, mask, 8);
    else
        result = USER_HOST(t, SYS_epoll_pwait, (int)a[0], events, most, (int)a[3], mask, 8);
    if (mask)
        end_mask(t, result);
    for (int64_t i = 0; i < result; i++) {
        if (!user_mem_put(MEM(t), a[1] + (uint64_t)i * 16, 4, events[i].events) ||
            !user_mem_write(MEM(t), a[1] + (uint64_t)i * 16 + 8, &events[i].data, 8))
            return -EFAULT;
    }
    return result;
}

int64_t user_sys_epoll_wait(struct user_thread *t, const uint64_t *a)
{
    return wait_epoll(t, a, NULL, NULL);
}

int64_t user_sys_epoll_pwait(struct user_thread *t, const uint64_t *a)
{
    uint64_t mask;

    if (!a[4])
        return wait_epoll(t, a, NULL, NULL);
    if (a[5] != 8)
        return -EINVAL;
    return user_read_sigset(t, a[4], &mask) ? wait_epoll(t, a, NULL, &mask) : -EFAULT;
}

int64_t user_sys_epoll_pwait2(struct user_thread *t, const uint64_t *a)
{
    /* Without a limit it is epoll_pwait() that waits for ever. */
    const uint64_t endless[4] = {a[0], a[1], a[2], (uint64_t)-1};
    struct timespec limit;
    uint64_t mask;

    if (a[3] && !user_read_timespec(t, a[3], true, &limit))
        return -EFAULT;
    if (a[4] && a[5] != 8)
        return -EINVAL;
    if (a[4] && !user_read_sigset(t, a[4], &mask))
        return -EFAULT;
    return wait_epoll(t, a[3] ? a : endless, a[3] ? &limit : NULL, a[4] ? &mask : NULL);
}
