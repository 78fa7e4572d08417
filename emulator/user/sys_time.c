/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on clocks and timers. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"
#include "emulator/user/structs.h"

#define MEM(t)  (&(t)->process->mem)
#define ABI(t)  ((t)->process->abi)
#define WIDE(t) (ABI(t)->word == 8)

int64_t user_sys_time(struct user_thread *t, const uint64_t *a)
{
    time_t now = time(NULL);

    if (a[0] && !user_mem_put(MEM(t), a[0], ABI(t)->word, (uint64_t)now))
        return -EFAULT;
    return (int32_t)now;
}

int64_t user_sys_stime(struct user_thread *t, const uint64_t *a)
{
    struct timespec time = {0};
    uint64_t seconds;

    if (!user_mem_get(MEM(t), a[0], ABI(t)->word, &seconds))
        return -EFAULT;
    time.tv_sec = (time_t)seconds;
    return USER_HOST(t, SYS_clock_settime, CLOCK_REALTIME, &time, 0, 0, 0, 0);
}

int64_t user_sys_times(struct user_thread *t, const uint64_t *a)
{
    struct tms used;
    clock_t now = times(&used);
    unsigned word = ABI(t)->word;

    if (a[0] && (!user_mem_put(MEM(t), a[0], word, (uint64_t)used.tms_utime) ||
                 !user_mem_put(MEM(t), a[0] + word, word, (uint64_t)used.tms_stime) ||
                 !user_mem_put(MEM(t), a[0] + 2 * word, word, (uint64_t)used.tms_cutime) ||
                 !user_mem_put(MEM(t), a[0] + 3 * word, word, (uint64_t)used.tms_cstime)))
        return -EFAULT;
    /* Kept positive: a 32-bit guest would take the last 4095 values for errors. */
    return now & 0x7fffffff;
}

int64_t user_sys_gettimeofday(struct user_thread *t, const uint64_t *a)
{
    struct timespec now;
    struct timezone zone;
    struct timeval unused;

    if (a[0]) {
        clock_gettime(CLOCK_REALTIME, &now);
        if (!user_write_timeval(t, a[0], &now))
            return -EFAULT;
    }
    if (a[1]) {
        if (gettimeofday(&unused, &zone) != 0)
            return -errno;
        if (!user_mem_put(MEM(t), a[1], 4, (uint32_t)zone.tz_minuteswest) ||
            !user_mem_put(MEM(t), a[1] + 4, 4, (uint32_t)zone.tz_dsttime))
            return -EFAULT;
    }
    return 0;
}

int64_t user_sys_settimeofday(struct user_thread *t, const uint64_t *a)
{
    struct timespec time;

    if (!a[0] || !user_read_timeval(t, a[0], &time))
        return -EFAULT;
    return USER_HOST(t, SYS_clock_settime, CLOCK_REALTIME, &time, 0, 0, 0, 0);
}

static int64_t get_clock(struct user_thread *t, long number, const uint64_t *a, bool wide)
{
    struct timespec time;
    int64_t result = USER_HOST(t, number, (int)a[0], &time, 0, 0, 0, 0);

    if (result < 0 || (!a[1] && number == SYS_clock_getres))
        return result;
    return user_write_timespec(t, a[1], wide, &time) ? 0 : -EFAULT;
}

int64_t user_sys_clock_gettime(struct user_thread *t, const uint64_t *a)
{
    return get_clock(t, SYS_clock_gettime, a, WIDE(t));
}

int64_t user_sys_clock_gettime64(struct user_thread *t, const uint64_t *a)
{
    return get_clock(t, SYS_clock_gettime, a, true);
}

int64_t user_sys_clock_getres(struct user_thread *t, const uint64_t *a)
{
    return get_clock(t, SYS_clock_getres, a, WIDE(t));
}

int64_t user_sys_clock_getres_time64(struct user_thread *t, const uint64_t *a)
{
    return get_clock(t, SYS_clock_getres, a, true);
}

static int64_t set_clock(struct user_thread *t, const uint64_t *a, bool wide)
{
    struct timespec time;

    if (!user_read_timespec(t, a[1], wide, &time))
        return -EFAULT;
    return USER_HOST(t, SYS_clock_settime, (int)a[0], &time, 0, 0, 0, 0);
}

int64_t user_sys_clock_settime(struct user_thread *t, const uint64_t *a)
{
    return set_clock(t, a, WIDE(t));
}

int64_t user_sys_clock_settime64(struct user_thread *t, const uint64_t *a)
{
    return set_clock(t, a, true);
}

static int64_t sleep_on(struct user_thread *t, int clock, int flags, uint64_t from, uint64_t rest, bool wide)
{
    struct timespec wanted, left = {0};
    int64_t result;

    if (!user_read_timespec(t, from, wide, &wanted))
        return -EFAULT;
    result = USER_HOST(t, SYS_clock_nanosleep, clock, flags, &wanted, &left, 0, 0);
    if (result == -EINTR && rest && !(flags & TIMER_ABSTIME) && !user_write_timespec(t, rest, wide, &left))
        return -EFAULT;
    return result;
}

int64_t user_sys_nanosleep(struct user_thread *t, const uint64_t *a)
{
    return sleep_on(t, CLOCK_MONOTONIC, 0, a[0], a[1], WIDE(t));
}

int64_t user_sys_clock_nanosleep(struct user_thread *t, const uint64_t *a)
{
    return sleep_on(t, (int)a[0], (int)a[1], a[2], a[3], WIDE(t));
}

int64_t user_sys_clock_nanosleep_time64(struct user_thread *t, const uint64_t *a)
{
    return sleep_on(t, (int)a[0], (int)a[1], a[2], a[3], true);
}

/* ------------------------------------------------------------------------------------------- timers */

static bool write_itimerval(struct user_thread *t, uint64_t to, const struct itimerval *value)
{
    struct timespec interval = {value->it_interval.tv_sec, value->it_interval.tv_usec * 1000};
    struct timespec next = {value->it_value.tv_sec, value->it_value.tv_usec * 1000};

    return user_write_timeval(t, to, &interval) && user_write_timeval(t, to + 2 * ABI(t)->word, &next);
}

int64_t user_sys_setitimer(struct user_thread *t, const uint64_t *a)
{
    struct timespec interval, next;
    struct itimerval wanted = {{0}}, old;
    int64_t result;

    if (a[1]) {
        if (!user_read_timeval(t, a[1], &interval) || !user_read_timeval(t, a[1] + 2 * ABI(t)->word, &next))
            return -EFAULT;
        if (interval.tv_nsec < 0 || next.tv_nsec < 0)
            return -EINVAL;
        wanted.it_interval = (struct timeval){interval.tv_sec, interval.tv_nsec / 1000};
        wanted.it_value = (struct timeval){next.tv_sec, next.tv_nsec / 1000};
    }
    result = USER_HOST(t, SYS_setitimer, a[0], &wanted, &old, 0, 0, 0);
    if (result == 0 && a[2] && !write_itimerval(t, a[2], &old))
        return -EFAULT;
    return result;
}

int64_t user_sys_getitimer(struct user_thread *t, const uint64_t *a)
{
    struct itimerval value;
    int64_t result = USER_HOST(t, SYS_getitimer, a[0], &value, 0, 0, 0, 0);

    if (result == 0 && !write_itimerval(t, a[1], &value))
        return -EFAULT;
    return result;
}

int64_t user_sys_alarm(struct user_thread *t, const uint64_t *a)
{
    return alarm((unsigned)a[0]);
}

int64_t user_sys_timer_create(struct user_thread *t, const uint64_t *a)
{
    struct sigevent event;
    int timer;
    int64_t result = a[1] ? user_read_sigevent(t, a[1], &event) : 0;

    if (result < 0)
        return result;
    if (a[1] && event.sigev_notify != SIGEV_NONE && !event.sigev_signo)
        return -EINVAL;
    result = USER_HOST(t, SYS_timer_create, (int)a[0], a[1] ? &event : NULL, &timer, 0, 0, 0);
    if (result == 0 && !user_mem_put(MEM(t), a[2], 4, (uint32_t)timer))
        return -EFAULT;
    return result;
}

static bool read_itimerspec(struct user_thread *t, uint64_t from, bool wide, struct itimerspec *value)
{
    return user_read_timespec(t, from, wide, &value->it_interval) &&
           user_read_timespec(t, from + (wide ? 16 : 2 * ABI(t)->word), wide, &value->it_value);
}

static bool write_itimerspec(struct user_thread *t, uint64_t to, bool wide, const struct itimerspec *value)
{
    return user_write_timespec(t, to, wide, &value->it_interval) &&
           user_write_timespec(t, to + (wide ? 16 : 2 * ABI(t)->word), wide, &value->it_value);
}

static int64_t set_timer(struct user_thread *t, long number, const uint64_t *a, bool wide)
{
    struct itimerspec wanted, old;
    int64_t result;

    if (!read_itimerspec(t, a[2], wide, &wanted))
        return -EFAULT;
    result = USER_HOST(t, number, (int)a[0], (int)a[1], &wanted, &old, 0, 0);
    if (result == 0 && a[3] && !write_itimerspec(t, a[3], wide, &old))
        return -EFAULT;
    return result;
}

static int64_t get_timer(struct user_thread *t, long number, const uint64_t *a, bool wide)
{
    struct itimerspec value;
    int64_t result = USER_HOST(t, number, (int)a[0], &value, 0, 0, 0, 0);

    if (result == 0 && !write_itimerspec(t, a[1], wide, &value))
        return -EFAULT;
    return result;
}

int64_t user_sys_timer_settime(struct user_thread *t, const uint64_t *a)
{
    return set_timer(t, SYS_timer_settime, a, WIDE(t));
}

int64_t user_sys_timer_settime64(struct user_thread *t, const uint64_t *a)
{
    return set_timer(t, SYS_timer_settime, a, true);
}

int64_t user_sys_timer_gettime(struct user_thread *t, const uint64_t *a)
{
    return get_timer(t, SYS_timer_gettime, a, WIDE(t));
}

int64_t user_sys_timer_gettime64(struct user_thread *t, const uint64_t *a)
{
    return get_timer(t, SYS_timer_gettime, a, true);
}

int64_t user_sys_timerfd_settime(struct user_thread *t, const uint64_t *a)
{
    return set_timer(t, SYS_timerfd_settime, a, WIDE(t));
}

int64_t user_sys_timerfd_settime64(struct user_thread *t, const uint64_t *a)
{
    return set_timer(t, SYS_timerfd_settime, a, true);
}

int64_t user_sys_timerfd_gettime(struct user_thread *t, const uint64_t *a)
{
    return get_timer(t, SYS_timerfd_gettime, a, WIDE(t));
}

int64_t user_sys_timerfd_gettime64(struct user_thread *t, const uint64_t *a)
{
    return get_timer(t, SYS_timerfd_gettime, a, true);
}

static int64_t rr_interval(struct user_thread *t, const uint64_t *a, bool wide)
{
    struct timespec interval;
    int64_t result = USER_HOST(t, SYS_sched_rr_get_interval, (int)a[0], &interval, 0, 0, 0, 0);

    return result == 0 && !user_write_timespec(t, a[1], wide, &interval) ? -EFAULT : result;
}

int64_t user_sys_sched_rr_get_interval(struct user_thread *t, const uint64_t *a)
{
    return rr_interval(t, a, WIDE(t));
}

int64_t user_sys_sched_rr_get_interval_time64(struct user_thread *t, const uint64_t *a)
{
    return rr_interval(t, a, true);
}

/* struct timex, and struct __kernel_timex whose longs have 64 bits. */
#define TIMEX   "i4li3l2l3li5l12i"
#define TIMEX64 "i4qi3q2q3qi5q12i"

static int64_t adjust(struct user_thread *t, int clock, uint64_t address, const char *format)
{
    struct timex state;
    int64_t result;

    _Static_assert(sizeof(state) == 208, "the description is of all of it");
    if (!user_record_read(t, address, format, &state))
        return -EFAULT;
    result = USER_HOST(t, SYS_clock_adjtime, clock, &state, 0, 0, 0, 0);
    return result >= 0 && !user_record_write(t, address, format, &state) ? -EFAULT : result;
}

int64_t user_sys_adjtimex(struct user_thread *t, const uint64_t *a)
{
    return adjust(t, CLOCK_REALTIME, a[0], TIMEX);
}

int64_t user_sys_clock_adjtime(struct user_thread *t, const uint64_t *a)
{
    return adjust(t, (int)a[0], a[1], TIMEX);
}

int64_t user_sys_clock_adjtime64(struct user_thread *t, const uint64_t *a)
{
    return adjust(t, (int)a[0], a[1], TIMEX64);
}
