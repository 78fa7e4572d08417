/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits of the program's memory. See limits.h. */
#include "emulator/user/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emulator/user/process.h"

#define STACK_LEAST ((uint64_t)128 << 10) /* Linux gives a new program that much at once */
#define STACK_MOST  ((uint64_t)512 << 20) /* also of one without limit: it lies in one piece from the start */

static const int numbers[USER_N_LIMITS] = {
    [USER_LIMIT_AS] = RLIMIT_AS, [USER_LIMIT_DATA] = RLIMIT_DATA, [USER_LIMIT_STACK] = RLIMIT_STACK};

static uint64_t bytes_of(rlim_t limit)
{
    return limit == RLIM_INFINITY ? UINT64_MAX : (uint64_t)limit;
}

static void bind_memory(struct user_process *process)
{
    process->mem.most = bytes_of(process->limits.limit[USER_LIMIT_AS].rlim_cur);
    process->mem.most_data = bytes_of(process->limits.limit[USER_LIMIT_DATA].rlim_cur);
}

bool user_limits_init(struct user_process *process, const char *text)
{
    struct user_limits *limits = &process->limits;
    g_auto(GStrv) words = text ? g_strsplit(text, ",", -1) : NULL;

    for (unsigned i = 0; i < USER_N_LIMITS; i++) {
        struct rlimit *limit = &limits->limit[i], own;

        getrlimit(numbers[i], limit);
        own = *limit;
        own.rlim_cur = own.rlim_max;
        /* This program needs more room than its guest; stacks of its threads are told their size. */
        if (i != USER_LIMIT_STACK)
            setrlimit(numbers[i], &own);
    }
    if (words && g_strv_length(words) != USER_N_LIMITS)
        return false;
    for (unsigned i = 0; words && i < USER_N_LIMITS; i++) {
        unsigned long long soft, hard;

        if (sscanf(words[i], "%llu:%llu", &soft, &hard) != 2)
            return false;
        limits->limit[i] = (struct rlimit){soft, hard};
    }
    bind_memory(process);
    return true;
}

char *user_limits_text(const struct user_thread *thread)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < USER_N_LIMITS; i++)
        g_string_append_printf(text, "%s%llu:%llu", i ? "," : "",
                               (unsigned long long)thread->limits->limit[i].rlim_cur,
                               (unsigned long long)thread->limits->limit[i].rlim_max);
    return g_string_free(text, FALSE);
}

uint64_t user_limits_stack(const struct user_process *process)
{
    return CLAMP(bytes_of(process->limits.limit[USER_LIMIT_STACK].rlim_cur) & USER_PAGE_MASK, STACK_LEAST, STACK_MOST);
}

static bool may_raise_limits(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    return syscall(SYS_capget, &header, data) == 0 && data[0].effective >> CAP_SYS_RESOURCE & 1;
}

/* The lowest page of a range of the program's memory that it has touched; the range's end: none. A bit of a page's 64 in
 * /proc/PID/pagemap tells: 63 it is there, 62 it has been swapped out (Linux, admin-guide/mm/pagemap). */
static uint64_t lowest_touched(const struct user_mem *mem, uint64_t start, uint64_t end)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t at = start, word;

    for (; fd >= 0 && at < end; at += USER_PAGE_SIZE) {
        uint64_t page = (uint64_t)(uintptr_t)(mem->window + at) >> USER_PAGE_BITS;

        if (pread(fd, &word, sizeof(word), (off_t)(page * sizeof(word))) != sizeof(word) || word >> 62)
            break;
    }
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? at : start;
}

/* Linux lets a stack grow up to the limit of the moment; here its room is changed. What has been touched stays. */
static void bound_stack(struct user_process *process)
{
    struct user_mem *mem = &process->mem;
    uint64_t low = process->stack_high - user_limits_stack(process), now = process->stack_low;
    unsigned bits = user_mem_page(mem, now);

    if (!process->stack_high || !(bits & USER_PAGE_GROWS))
        return;
    if (low > now) {
        low = lowest_touched(mem, now, low);
        if (low > now && user_mem_unmap(mem, now, low - now) == 0)
            process->stack_low = low;
    } else if (low < now &&
               user_mem_map(mem, low, now - low,
                            (bits & USER_PAGE_READ ? PROT_READ : 0) | (bits & USER_PAGE_WRITE ? PROT_WRITE : 0) |
                                (process->image.stack_executable ? PROT_EXEC : 0),
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1,
                            0) >= 0) {
        process->stack_low = low;
    }
}

bool user_limits_exchange(struct user_thread *thread, int which, const struct rlimit *new, struct rlimit *old,
                          int64_t *result)
{
    struct user_process *process = thread->process;
    struct rlimit *limit = NULL;

    for (unsigned i = 0; i < USER_N_LIMITS; i++) {
        if (numbers[i] == which)
            limit = &thread->limits->limit[i];
    }
    if (!limit)
        return false;
    *result = 0;
    g_mutex_lock(&process->lock);
    if (old)
        *old = *limit;
    if (new && new->rlim_cur > new->rlim_max)
        *result = -EINVAL;
    else if (new && new->rlim_max > limit->rlim_max && !may_raise_limits())
        *result = -EPERM;
    else if (new)
        *limit = *new;
    g_mutex_unlock(&process->lock);
    /* A child that borrows the memory has limits of its own, for what it will start. */
    if (*result == 0 && new && thread->limits == &process->limits) {
        bind_memory(process);
        if (which == RLIMIT_STACK)
            bound_stack(process);
    }
    return true;
}

void user_limits_give(const struct user_thread *thread, struct user_limits *before)
{
    for (unsigned i = 0; i < USER_N_LIMITS; i++) {
        getrlimit(numbers[i], &before->limit[i]);
        setrlimit(numbers[i], &thread->limits->limit[i]);
    }
}

void user_limits_take_back(const struct user_limits *before)
{
    for (unsigned i = 0; i < USER_N_LIMITS; i++)
        setrlimit(numbers[i], &before->limit[i]);
}
