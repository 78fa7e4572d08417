/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on capabilities, keys, scheduling, other processes' memory, file systems and the machine. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/quota.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

#define ASK_PERSONALITY 0xffffffffu

/* Calls that Linux may have been built without, and that no library needs: io_uring, bpf and their kin. They
 * are known, so nobody is told. */
int64_t user_sys_unavailable(struct user_thread *t, const uint64_t *a)
{
    return -ENOSYS;
}

/* What a program may not do to the machine that it is a guest on: reboot, modules, kexec. */
int64_t user_sys_forbidden(struct user_thread *t, const uint64_t *a)
{
    return -EPERM;
}

/* Layouts of address spaces and the like: programs that this one starts inherit it, as they must. */
int64_t user_sys_personality(struct user_thread *t, const uint64_t *a)
{
    uint32_t wanted = (uint32_t)a[0];

    if (wanted != ASK_PERSONALITY)
        t->process->mem.read_is_execute = wanted & READ_IMPLIES_EXEC;
    return USER_HOST(t, SYS_personality, wanted, 0, 0, 0, 0, 0);
}

/* ---------------------------------------------------------------------------------------- capabilities */

/* A header of version and process, then as many sets of three words as the version has. */
static unsigned capability_words(uint32_t version)
{
    return version == _LINUX_CAPABILITY_VERSION_1 ? _LINUX_CAPABILITY_U32S_1 : _LINUX_CAPABILITY_U32S_3;
}

#define CAPABILITY_WORDS 3 /* effective, permitted, inheritable */

int64_t user_sys_capget(struct user_thread *t, const uint64_t *a)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    int64_t result;

    if (!user_record_read(t, a[0], "2i", &header))
        return -EFAULT;
    result = USER_HOST(t, SYS_capget, &header, a[1] ? data : NULL, 0, 0, 0, 0);
    /* The kernel tells its version when it does not know the program's. */
    if (!user_record_write(t, a[0], "2i", &header))
        return -EFAULT;
    for (unsigned i = 0; result == 0 && a[1] && i < capability_words(header.version); i++) {
        if (!user_record_write(t, a[1] + i * CAPABILITY_WORDS * 4, "3i", &data[i]))
            return -EFAULT;
    }
    return result;
}

int64_t user_sys_capset(struct user_thread *t, const uint64_t *a)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    int64_t result;

    if (!user_record_read(t, a[0], "2i", &header))
        return -EFAULT;
    for (unsigned i = 0; i < capability_words(header.version); i++) {
        if (!user_record_read(t, a[1] + i * CAPABILITY_WORDS * 4, "3i", &data[i]))
            return -EFAULT;
    }
    result = USER_HOST(t, SYS_capset, &header, data, 0, 0, 0, 0);
    return user_record_write(t, a[0], "2i", &header) ? result : -EFAULT;
}

int64_t user_sys_kcmp(struct user_thread *t, const uint64_t *a)
{
    struct kcmp_epoll_slot slot;

    if ((int)a[2] != KCMP_EPOLL_TFD)
        return USER_HOST(t, SYS_kcmp, (int)a[0], (int)a[1], (int)a[2], a[3], a[4], 0);
    if (!user_record_read(t, a[4], "3i", &slot))
        return -EFAULT;
    return USER_HOST(t, SYS_kcmp, (int)a[0], (int)a[1], (int)a[2], a[3], &slot, 0);
}

/* ------------------------------------------------------------------------------------------------ keys */

/* The arguments after the operation. */
static const struct {
    int operation;
    const char *args;
} key_operations[] = {
    {KEYCTL_GET_KEYRING_ID, "dd"},
    {KEYCTL_JOIN_SESSION_KEYRING, "S"},
    {KEYCTL_UPDATE, "dbu"},
    {KEYCTL_REVOKE, "d"},
    {KEYCTL_CHOWN, "duu"},
    {KEYCTL_SETPERM, "dx"},
    {KEYCTL_CLEAR, "d"},
    {KEYCTL_LINK, "dd"},
    {KEYCTL_UNLINK, "dd"},
    {KEYCTL_SEARCH, "dSSd"},
    {KEYCTL_INSTANTIATE, "dbud"},
    {KEYCTL_NEGATE, "dud"},
    {KEYCTL_SET_REQKEY_KEYRING, "d"},
    {KEYCTL_SET_TIMEOUT, "du"},
    {KEYCTL_ASSUME_AUTHORITY, "d"},
    {KEYCTL_SESSION_TO_PARENT, ""},
    {KEYCTL_REJECT, "duud"},
    {KEYCTL_INVALIDATE, "d"},
    {KEYCTL_GET_PERSISTENT, "ud"},
};

/* Operations that fill a buffer, and only when it is large enough: its length may be anything beyond that, also what
 * reaches over the end of memory. */
static int64_t read_key(struct user_thread *t, int operation, int key, uint64_t to, uint64_t length)
{
    enum { MOST = 1 << 20 };
    size_t room = to ? MIN(length, MOST) : 0;
    g_autofree uint8_t *text = g_malloc(room + 1);
    int64_t result = USER_HOST(t, SYS_keyctl, operation, key, text, room, 0, 0);

    if (result > 0 && (size_t)result <= room && !user_mem_write(MEM(t), to, text, (size_t)result))
        return -EFAULT;
    return result;
}

int64_t user_sys_keyctl(struct user_thread *t, const uint64_t *a)
{
    if ((int)a[0] == KEYCTL_DESCRIBE || (int)a[0] == KEYCTL_READ || (int)a[0] == KEYCTL_GET_SECURITY)
        return read_key(t, (int)a[0], (int)a[1], a[2], (uint32_t)a[3]);
    for (gsize i = 0; i < G_N_ELEMENTS(key_operations); i++) {
        if (key_operations[i].operation == (int)a[0]) {
            g_autofree char *kinds = g_strconcat("d", key_operations[i].args, NULL);

            return user_call_host(t, SYS_keyctl, kinds, a);
        }
    }
    return -EOPNOTSUPP;
}

/* ------------------------------------------------------------------------------------------ scheduling */

/* struct sched_attr; its first word is the size that the program knows. */
#define SCHED_ATTR      "2iqii3q2i"
#define SCHED_ATTR_SIZE 56
#define SCHED_ATTR_OLD  48

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

int64_t user_sys_sched_setattr(struct user_thread *t, const uint64_t *a)
{
    struct attributes attributes;
    uint8_t packed[SCHED_ATTR_SIZE] = {0};
    uint64_t size;

    if (!user_mem_get(MEM(t), a[1], 4, &size))
        return -EFAULT;
    if (size == 0)
        size = SCHED_ATTR_OLD;
    if (size < SCHED_ATTR_OLD || size > SCHED_ATTR_SIZE) {
        user_mem_put(MEM(t), a[1], 4, SCHED_ATTR_SIZE);
        return -E2BIG;
    }
    if (!user_mem_read(MEM(t), a[1], packed, size))
        return -EFAULT;
    user_record_to_host(ABI(t), SCHED_ATTR, &attributes, packed);
    return USER_HOST(t, SYS_sched_setattr, (int)a[0], &attributes, a[2], 0, 0, 0);
}

int64_t user_sys_sched_getattr(struct user_thread *t, const uint64_t *a)
{
    struct attributes attributes = {0};
    uint8_t packed[SCHED_ATTR_SIZE];
    uint64_t size = MIN(a[2], SCHED_ATTR_SIZE);
    int64_t result = USER_HOST(t, SYS_sched_getattr, (int)a[0], &attributes, size, a[3], 0, 0);

    if (result < 0)
        return result;
    user_record_to_guest(ABI(t), SCHED_ATTR, packed, &attributes);
    return user_mem_write(MEM(t), a[1], packed, size) ? result : -EFAULT;
}

int64_t user_sys_getcpu(struct user_thread *t, const uint64_t *a)
{
    unsigned cpu, node;

    if (getcpu(&cpu, &node) != 0)
        return -errno;
    return (a[0] && !user_mem_put(MEM(t), a[0], 4, cpu)) || (a[1] && !user_mem_put(MEM(t), a[1], 4, node))
               ? -EFAULT
               : 0;
}

/* ---------------------------------------------------------------------------- memory of other processes */

/* Where another process keeps a guest's memory nobody here knows: only a program's own is offered. */
static int64_t move_memory(struct user_thread *t, const uint64_t *a, bool write)
{
    struct iovec *local = NULL, *remote = NULL;
    int64_t result;

    if ((pid_t)a[0] != getpid() && (pid_t)a[0] != t->tid)
        return kill((pid_t)a[0], 0) == 0 || errno == EPERM ? -EPERM : -ESRCH;
    result = user_read_iovec(t, a[1], a[2], &local);
    if (result == 0)
        result = user_read_iovec(t, a[3], a[4], &remote);
    if (result == 0)
        result = USER_HOST(t, write ? SYS_process_vm_writev : SYS_process_vm_readv, getpid(), local, a[2],
                           remote, a[4], a[5]);
    g_free(local);
    g_free(remote);
    return result;
}

int64_t user_sys_process_vm_readv(struct user_thread *t, const uint64_t *a)
{
    return move_memory(t, a, false);
}

int64_t user_sys_process_vm_writev(struct user_thread *t, const uint64_t *a)
{
    return move_memory(t, a, true);
}

/* ---------------------------------------------------------------------------------------- file systems */

/* quotactl's command: what to do above, user or group below. */
#define QUOTA_SHIFT 8

int64_t user_sys_quotactl(struct user_thread *t, const uint64_t *a)
{
    static const struct {
        uint32_t command;
        const char *format; /* of the structure; NULL: a file name or nothing */
        bool read, write;
    } commands[] = {
        {Q_SYNC, NULL, false, false},          {Q_QUOTAON, NULL, false, false},
        {Q_QUOTAOFF, NULL, false, false},      {Q_GETFMT, "i", true, false},
        {Q_GETINFO, "2q2i", true, false},      {Q_SETINFO, "2q2i", false, true},
        {Q_GETQUOTA, "8qi", true, false},      {Q_SETQUOTA, "8qi", false, true},
        {Q_GETNEXTQUOTA, "8q2i", true, false},
    };
    uint32_t command = (uint32_t)a[0] >> QUOTA_SHIFT;
    uint64_t host[16] = {0};
    int64_t result;

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *device = NULL;

        if (commands[i].command != command)
            continue;
        if (!commands[i].format)
            return user_call_host(t, SYS_quotactl, "xsds", a);
        if (a[1]) {
            result = user_call_path(t, a[1], &device);
            if (result < 0)
                return result;
        }
        if (commands[i].write && !user_record_read(t, a[3], commands[i].format, host))
            return -EFAULT;
        result = USER_HOST(t, SYS_quotactl, (int)a[0], device, (int)a[2], host, 0, 0);
        if (result >= 0 && commands[i].read && !user_record_write(t, a[3], commands[i].format, host))
            return -EFAULT;
        return result;
    }
    return -EINVAL;
}

/* struct mount_attr: four 64-bit numbers. */
int64_t user_sys_mount_setattr(struct user_thread *t, const uint64_t *a)
{
    g_autofree char *path = NULL;
    struct mount_attr attributes;
    int64_t result = user_call_path_at(t, (int)a[0], a[1], USER_NAME_TARGET, &path);

    if (result < 0)
        return result;
    if (a[4] != sizeof(attributes))
        return a[4] < sizeof(attributes) ? -EINVAL : -E2BIG;
    if (!user_record_read(t, a[3], "4q", &attributes))
        return -EFAULT;
    return USER_HOST(t, SYS_mount_setattr, (int)a[0], path, a[2], &attributes, sizeof(attributes), 0);
}

int64_t user_sys_getdomainname(struct user_thread *t, const uint64_t *a)
{
    struct utsname name;
    size_t size;

    if (uname(&name) != 0)
        return -errno;
    size = strlen(name.domainname) + 1;
    if ((int64_t)a[1] < 0 || size > a[1])
        return -EINVAL;
    return user_mem_write(MEM(t), a[0], name.domainname, size) ? 0 : -EFAULT;
}
