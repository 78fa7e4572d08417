/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on processes, threads, credentials and limits. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

static int64_t wait_for(struct user_thread *t, int pid, uint64_t status_address, int options,
                        uint64_t usage_address)
{
    int status = 0;
    struct rusage usage;
    int64_t result = USER_HOST(t, SYS_wait4, pid, &status, options, &usage, 0, 0);

    if (result <= 0)
        return result;
    if (status_address && !user_mem_put(MEM(t), status_address, 4, user_wait_status(t, status)))
        return -EFAULT;
    if (usage_address && !user_write_rusage(t, usage_address, &usage))
        return -EFAULT;
    return result;
}

int64_t user_sys_wait4(struct user_thread *t, const uint64_t *a)
{
    return wait_for(t, (int)a[0], a[1], (int)a[2], a[3]);
}

int64_t user_sys_waitpid(struct user_thread *t, const uint64_t *a)
{
    return wait_for(t, (int)a[0], a[1], (int)a[2], 0);
}

int64_t user_sys_waitid(struct user_thread *t, const uint64_t *a)
{
    siginfo_t info = {0};
    struct rusage usage;
    uint8_t packed[128];
    int64_t result = USER_HOST(t, SYS_waitid, a[0], a[1], &info, a[3], &usage, 0);

    if (result < 0)
        return result;
    if (a[2]) {
        if (info.si_signo)
            user_pack_siginfo(t, packed, &info);
        else
            memset(packed, 0, sizeof(packed));
        if (!user_mem_write(MEM(t), a[2], packed, sizeof(packed)))
            return -EFAULT;
    }
    return a[4] && !user_write_rusage(t, a[4], &usage) ? -EFAULT : 0;
}

/* ------------------------------------------------------------------------------------------- identity */

int64_t user_sys_getpid(struct user_thread *t, const uint64_t *a)
{
    return getpid();
}

int64_t user_sys_getpgrp(struct user_thread *t, const uint64_t *a)
{
    return getpgrp();
}

int64_t user_sys_getpagesize(struct user_thread *t, const uint64_t *a)
{
    return (int64_t)USER_PAGE_SIZE;
}

int64_t user_sys_nice(struct user_thread *t, const uint64_t *a)
{
    errno = 0;
    return nice((int)a[0]) == -1 && errno ? -errno : 0;
}

/* struct new_utsname: six strings of 65 bytes. */
int64_t user_sys_uname(struct user_thread *t, const uint64_t *a)
{
    struct utsname name;
    char packed[6][65] = {{0}};

    if (uname(&name) != 0)
        return -errno;
    g_strlcpy(packed[0], name.sysname, 65);
    g_strlcpy(packed[1], name.nodename, 65);
    g_strlcpy(packed[2], name.release, 65);
    g_strlcpy(packed[3], name.version, 65);
    g_strlcpy(packed[4], t->process->arch->machine(t->process), 65);
    g_strlcpy(packed[5], name.domainname, 65);
    return user_mem_write(MEM(t), a[0], packed, sizeof(packed)) ? 0 : -EFAULT;
}

static int64_t low16(int64_t id)
{
    return id > 0xffff ? 65534 : id;
}

static uint32_t id16(uint64_t id)
{
    return (uint16_t)id == 0xffff ? 0xffffffffu : (uint16_t)id;
}

int64_t user_sys_getuid16(struct user_thread *t, const uint64_t *a)
{
    return low16(getuid());
}

int64_t user_sys_getgid16(struct user_thread *t, const uint64_t *a)
{
    return low16(getgid());
}

int64_t user_sys_geteuid16(struct user_thread *t, const uint64_t *a)
{
    return low16(geteuid());
}

int64_t user_sys_getegid16(struct user_thread *t, const uint64_t *a)
{
    return low16(getegid());
}

int64_t user_sys_setuid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setuid, id16(a[0]), 0, 0, 0, 0, 0);
}

int64_t user_sys_setgid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setgid, id16(a[0]), 0, 0, 0, 0, 0);
}

int64_t user_sys_setreuid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setreuid, id16(a[0]), id16(a[1]), 0, 0, 0, 0);
}

int64_t user_sys_setregid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setregid, id16(a[0]), id16(a[1]), 0, 0, 0, 0);
}

#define MOST_GROUPS 65536

static int64_t get_groups(struct user_thread *t, const uint64_t *a, unsigned size)
{
    int count = (int)a[0];
    g_autofree gid_t *list = NULL;
    int64_t result;

    if (count < 0 || count > MOST_GROUPS)
        return -EINVAL;
    list = g_new0(gid_t, (gsize)count + 1);
    result = USER_HOST(t, SYS_getgroups, count, list, 0, 0, 0, 0);
    for (int64_t i = 0; count && i < result; i++) {
        if (!user_mem_put(MEM(t), a[1] + (uint64_t)i * size, size,
                          size == 2 ? (uint64_t)low16(list[i]) : list[i]))
            return -EFAULT;
    }
    return result;
}

static int64_t set_groups(struct user_thread *t, const uint64_t *a, unsigned size)
{
    int count = (int)a[0];
    g_autofree gid_t *list = NULL;

    if (count < 0 || count > MOST_GROUPS)
        return -EINVAL;
    list = g_new0(gid_t, (gsize)count + 1);
    for (int i = 0; i < count; i++) {
        uint64_t value;

        if (!user_mem_get(MEM(t), a[1] + (uint64_t)i * size, size, &value))
            return -EFAULT;
        list[i] = (gid_t)value;
    }
    return USER_HOST(t, SYS_setgroups, count, list, 0, 0, 0, 0);
}

int64_t user_sys_getgroups(struct user_thread *t, const uint64_t *a)
{
    return get_groups(t, a, 4);
}

int64_t user_sys_setgroups(struct user_thread *t, const uint64_t *a)
{
    return set_groups(t, a, 4);
}

int64_t user_sys_getgroups16(struct user_thread *t, const uint64_t *a)
{
    return get_groups(t, a, 2);
}

int64_t user_sys_setgroups16(struct user_thread *t, const uint64_t *a)
{
    return set_groups(t, a, 2);
}

int64_t user_sys_setresuid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setresuid, id16(a[0]), id16(a[1]), id16(a[2]), 0, 0, 0);
}

int64_t user_sys_setresgid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setresgid, id16(a[0]), id16(a[1]), id16(a[2]), 0, 0, 0);
}

static int64_t get_three(struct user_thread *t, long number, const uint64_t *a, unsigned size)
{
    uint32_t id[3];
    int64_t result = USER_HOST(t, number, &id[0], &id[1], &id[2], 0, 0, 0);

    for (unsigned i = 0; result == 0 && i < 3; i++) {
        if (!user_mem_put(MEM(t), a[i], size, size == 2 ? (uint64_t)low16(id[i]) : id[i]))
            return -EFAULT;
    }
    return result;
}

int64_t user_sys_getresuid(struct user_thread *t, const uint64_t *a)
{
    return get_three(t, SYS_getresuid, a, 4);
}

int64_t user_sys_getresgid(struct user_thread *t, const uint64_t *a)
{
    return get_three(t, SYS_getresgid, a, 4);
}

int64_t user_sys_getresuid16(struct user_thread *t, const uint64_t *a)
{
    return get_three(t, SYS_getresuid, a, 2);
}

int64_t user_sys_getresgid16(struct user_thread *t, const uint64_t *a)
{
    return get_three(t, SYS_getresgid, a, 2);
}

int64_t user_sys_kill_(struct user_thread *t, const uint64_t *a)
{
    int signal = a[1] ? user_signal_to_host(ABI(t), a[1]) : 0;

    return a[1] && !signal ? -EINVAL : USER_HOST(t, SYS_kill, (int)a[0], signal, 0, 0, 0, 0);
}

int64_t user_sys_tkill(struct user_thread *t, const uint64_t *a)
{
    int signal = a[1] ? user_signal_to_host(ABI(t), a[1]) : 0;

    return a[1] && !signal ? -EINVAL : USER_HOST(t, SYS_tkill, (int)a[0], signal, 0, 0, 0, 0);
}

int64_t user_sys_tgkill(struct user_thread *t, const uint64_t *a)
{
    int signal = a[2] ? user_signal_to_host(ABI(t), a[2]) : 0;

    return a[2] && !signal ? -EINVAL : USER_HOST(t, SYS_tgkill, (int)a[0], (int)a[1], signal, 0, 0, 0);
}

/* ------------------------------------------------------------------------------------ limits and usage */

int64_t user_sys_getrusage(struct user_thread *t, const uint64_t *a)
{
    struct rusage usage;
    int64_t result = USER_HOST(t, SYS_getrusage, (int)a[0], &usage, 0, 0, 0, 0);

    return result < 0 ? result : user_write_rusage(t, a[1], &usage) ? 0 : -EFAULT;
}

static uint64_t limit_to_guest(const struct user_abi *abi, uint64_t value)
{
    return value >= abi->rlimit_infinity ? abi->rlimit_infinity : value;
}

/* Of this process, or of one of the host's. */
static int64_t exchange_limits(struct user_thread *t, int pid, int which, const struct rlimit *new, struct rlimit *old)
{
    int64_t result;

    if ((pid == 0 || pid == getpid()) && user_limits_exchange(t, which, new, old, &result))
        return result;
    result = USER_HOST(t, SYS_prlimit64, pid, which, new, old, 0, 0);
    if (result == 0 && new && which == RLIMIT_CORE && user_core_wanted())
        user_signal_watch(t->process);
    return result;
}

static uint64_t limit_to_host(const struct user_abi *abi, uint64_t value)
{
    return value >= abi->rlimit_infinity ? RLIM_INFINITY : value;
}

int64_t user_sys_getrlimit(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    struct rlimit limit;
    int which = user_pair_to_host(abi->rlimits, (int)a[0], (int)a[0]);
    int64_t result = exchange_limits(t, 0, which, NULL, &limit);

    if (result < 0)
        return result;
    return user_mem_put(MEM(t), a[1], abi->word, limit_to_guest(abi, limit.rlim_cur)) &&
                   user_mem_put(MEM(t), a[1] + abi->word, abi->word, limit_to_guest(abi, limit.rlim_max))
               ? 0
               : -EFAULT;
}

int64_t user_sys_setrlimit(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    int which = user_pair_to_host(abi->rlimits, (int)a[0], (int)a[0]);
    uint64_t soft, hard;

    if (!user_mem_get(MEM(t), a[1], abi->word, &soft) || !user_mem_get(MEM(t), a[1] + abi->word, abi->word, &hard))
        return -EFAULT;
    return exchange_limits(t, 0, which, &(struct rlimit){limit_to_host(abi, soft), limit_to_host(abi, hard)}, NULL);
}

/* struct rlimit64 has 64-bit numbers and the host's infinity everywhere. */
int64_t user_sys_prlimit64(struct user_thread *t, const uint64_t *a)
{
    int which = user_pair_to_host(ABI(t)->rlimits, (int)a[1], (int)a[1]);
    struct rlimit new, old;
    uint64_t soft, hard;
    int64_t result;

    if (a[2]) {
        if (!user_mem_get(MEM(t), a[2], 8, &soft) || !user_mem_get(MEM(t), a[2] + 8, 8, &hard))
            return -EFAULT;
        new = (struct rlimit){soft, hard};
    }
    result = exchange_limits(t, (int)a[0], which, a[2] ? &new : NULL, a[3] ? &old : NULL);
    if (result == 0 && a[3] &&
        (!user_mem_put(MEM(t), a[3], 8, old.rlim_cur) || !user_mem_put(MEM(t), a[3] + 8, 8, old.rlim_max)))
        return -EFAULT;
    return result;
}

/* struct sysinfo: words, two shorts among them; sizes are scaled so that they fit. */
int64_t user_sys_sysinfo(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    struct sysinfo info;
    unsigned word = abi->word, at = 0, shift = 0;
    uint8_t packed[128] = {0};

    if (sysinfo(&info) != 0)
        return -errno;
    if (word == 4) {
        while ((info.totalram * info.mem_unit) >> shift > 0xffffffffu ||
               (info.totalswap * info.mem_unit) >> shift > 0xffffffffu)
            shift++;
    }
    const uint64_t values[] = {(uint64_t)info.uptime,
                               info.loads[0],
                               info.loads[1],
                               info.loads[2],
                               (info.totalram * info.mem_unit) >> shift,
                               (info.freeram * info.mem_unit) >> shift,
                               (info.sharedram * info.mem_unit) >> shift,
                               (info.bufferram * info.mem_unit) >> shift,
                               (info.totalswap * info.mem_unit) >> shift,
                               (info.freeswap * info.mem_unit) >> shift};
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++, at += word)
        user_store(packed + at, word, values[i], abi->big_endian);
    user_store(packed + at, 2, info.procs, abi->big_endian);
    at += word;
    /* No high memory apart. */
    at += 2 * word;
    user_store(packed + at, 4, (uint64_t)1 << shift, abi->big_endian);
    /* The padding makes it 64 bytes on 32-bit machines, 112 on others. */
    return user_mem_write(MEM(t), a[0], packed, word == 4 ? 64 : 112) ? 0 : -EFAULT;
}

/* The arguments after the option, by the letters of system calls. What changes how the host treats this
 * program's own code or memory is not offered: Linux may be built without it. */
static const struct {
    int option;
    const char *args;
} prctl_options[] = {
    {PR_SET_NAME, "S"},
    {PR_SET_PDEATHSIG, "g"},
    {PR_GET_DUMPABLE, ""},
    {PR_SET_DUMPABLE, "x"},
    {PR_GET_KEEPCAPS, ""},
    {PR_SET_KEEPCAPS, "x"},
    {PR_GET_SECUREBITS, ""},
    {PR_SET_SECUREBITS, "x"},
    {PR_CAPBSET_READ, "x"},
    {PR_CAPBSET_DROP, "x"},
    {PR_CAP_AMBIENT, "xxxx"},
    {PR_GET_TIMERSLACK, ""},
    {PR_SET_TIMERSLACK, "x"},
    {PR_SET_NO_NEW_PRIVS, "xxxx"},
    {PR_GET_NO_NEW_PRIVS, "xxxx"},
    {PR_SET_CHILD_SUBREAPER, "x"},
    {PR_GET_CHILD_SUBREAPER, "i"},
    {PR_SET_PTRACER, "d"},
    {PR_GET_THP_DISABLE, "xxxx"},
    {PR_SET_THP_DISABLE, "xxxx"},
    {PR_MCE_KILL_GET, "xxxx"},
    {PR_GET_IO_FLUSHER, "xxxx"},
    {PR_SET_IO_FLUSHER, "xxxx"},
    {PR_GET_SPECULATION_CTRL, "xxxx"},
    {PR_SET_SPECULATION_CTRL, "xxxx"},
};

int64_t user_sys_prctl(struct user_thread *t, const uint64_t *a)
{
    char name[16] = {0};
    int value;
    int64_t result;

    switch ((int)a[0]) {
    case PR_GET_NAME:
        result = USER_HOST(t, SYS_prctl, PR_GET_NAME, name, 0, 0, 0, 0);
        return result < 0 ? result : user_mem_write(MEM(t), a[1], name, sizeof(name)) ? 0 : -EFAULT;
    case PR_GET_PDEATHSIG:
        result = USER_HOST(t, SYS_prctl, PR_GET_PDEATHSIG, &value, 0, 0, 0, 0);
        return result < 0                                                                     ? result
               : user_mem_put(MEM(t), a[1], 4, (uint32_t)user_signal_to_guest(ABI(t), value)) ? 0
                                                                                              : -EFAULT;
    case PR_GET_TID_ADDRESS: return user_mem_put(MEM(t), a[1], ABI(t)->word, t->clear_tid) ? 0 : -EFAULT;
    /* Filters would see this program's calls, not the guest's: as a Linux without seccomp. */
    case PR_GET_SECCOMP:
    case PR_SET_SECCOMP: return -EINVAL;
    default: break;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(prctl_options); i++) {
        if (prctl_options[i].option == (int)a[0]) {
            g_autofree char *kinds = g_strconcat("d", prctl_options[i].args, NULL);

            return user_call_host(t, SYS_prctl, kinds, a);
        }
    }
    return -EINVAL;
}

static int64_t move_cpu_mask(struct user_thread *t, uint64_t address, uint8_t *host, uint64_t size,
                             bool to_guest)
{
    unsigned word = ABI(t)->word;

    for (uint64_t at = 0; at + word <= size; at += word) {
        uint64_t value = 0;

        if (to_guest) {
            for (unsigned i = 0; i < word; i++)
                value |= (uint64_t)host[at + i] << (8 * i);
            if (!user_mem_put(MEM(t), address + at, word, value))
                return -EFAULT;
        } else {
            if (!user_mem_get(MEM(t), address + at, word, &value))
                return -EFAULT;
            for (unsigned i = 0; i < word; i++)
                host[at + i] = (uint8_t)(value >> (8 * i));
        }
    }
    return 0;
}

int64_t user_sys_sched_getaffinity(struct user_thread *t, const uint64_t *a)
{
    uint8_t mask[1024] = {0};
    uint64_t size = MIN(a[1], sizeof(mask)) & ~(uint64_t)7;
    int64_t result = USER_HOST(t, SYS_sched_getaffinity, (int)a[0], size, mask, 0, 0, 0), moved;

    if (result < 0)
        return result;
    moved = move_cpu_mask(t, a[2], mask, (uint64_t)result, true);
    return moved < 0 ? moved : result;
}

int64_t user_sys_sched_setaffinity(struct user_thread *t, const uint64_t *a)
{
    uint8_t mask[1024] = {0};
    uint64_t size = MIN(a[1], sizeof(mask));
    int64_t moved = move_cpu_mask(t, a[2], mask, size, false);

    return moved < 0 ? moved : USER_HOST(t, SYS_sched_setaffinity, (int)a[0], sizeof(mask), mask, 0, 0, 0);
}

int64_t user_sys_sched_getparam(struct user_thread *t, const uint64_t *a)
{
    int priority;
    int64_t result = USER_HOST(t, SYS_sched_getparam, (int)a[0], &priority, 0, 0, 0, 0);

    return result < 0 ? result : user_mem_put(MEM(t), a[1], 4, (uint32_t)priority) ? 0 : -EFAULT;
}

int64_t user_sys_sched_setparam(struct user_thread *t, const uint64_t *a)
{
    uint64_t value;
    int priority;

    if (!user_mem_get(MEM(t), a[1], 4, &value))
        return -EFAULT;
    priority = (int32_t)value;
    return USER_HOST(t, SYS_sched_setparam, (int)a[0], &priority, 0, 0, 0, 0);
}

int64_t user_sys_sched_setscheduler(struct user_thread *t, const uint64_t *a)
{
    uint64_t value;
    int priority;

    if (!user_mem_get(MEM(t), a[2], 4, &value))
        return -EFAULT;
    priority = (int32_t)value;
    return USER_HOST(t, SYS_sched_setscheduler, (int)a[0], (int)a[1], &priority, 0, 0, 0);
}
