/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * System V semaphores, messages and shared memory, and POSIX message queues. Older kernel interfaces have one
 * call, ipc(), for all of the former.
 */
#include <errno.h>
#include <mqueue.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* A bit of older interfaces' commands: the structures are those of today. They are in either case. */
#define IPC_64_BIT 0x100

#define MOST_OPERATIONS 1024
#define MOST_SEMAPHORES 65536
#define MOST_MESSAGE    (1 << 20)

/* asm-generic/ipcbuf.h, sembuf.h, shmbuf.h and msgbuf.h on 32-bit machines. Times are 64 bits: the halves
 * stand in the order that the byte order gives them. */
static const struct user_ipc_layout generic32 = {
    .key = {0, 4},
    .uid = {4, 4},
    .gid = {8, 4},
    .cuid = {12, 4},
    .cgid = {16, 4},
    .mode = {20, 4},
    .seq = {24, 2},
    .sem_size = 64,
    .sem_otime = {36, 8},
    .sem_ctime = {44, 8},
    .sem_nsems = {52, 4},
    .shm_size = 84,
    .shm_segsz = {36, 4},
    .shm_atime = {40, 8},
    .shm_dtime = {48, 8},
    .shm_ctime = {56, 8},
    .shm_cpid = {64, 4},
    .shm_lpid = {68, 4},
    .shm_nattch = {72, 4},
    .msg_size = 88,
    .msg_stime = {36, 8},
    .msg_rtime = {44, 8},
    .msg_ctime = {52, 8},
    .msg_cbytes = {60, 4},
    .msg_qnum = {64, 4},
    .msg_qbytes = {68, 4},
    .msg_lspid = {72, 4},
    .msg_lrpid = {76, 4},
};

static const struct user_ipc_layout *layout_of(struct user_thread *t)
{
    return ABI(t)->ipc ? ABI(t)->ipc : &generic32;
}

static void pack_perm(struct user_thread *t, uint8_t *to, const struct ipc_perm *perm)
{
    const struct user_ipc_layout *l = layout_of(t);

    user_put_field(ABI(t), to, l->key, (uint32_t)perm->__key);
    user_put_field(ABI(t), to, l->uid, perm->uid);
    user_put_field(ABI(t), to, l->gid, perm->gid);
    user_put_field(ABI(t), to, l->cuid, perm->cuid);
    user_put_field(ABI(t), to, l->cgid, perm->cgid);
    user_put_field(ABI(t), to, l->mode, perm->mode);
    user_put_field(ABI(t), to, l->seq, perm->__seq);
}

/* Only owner and mode can be set. */
static void unpack_perm(struct user_thread *t, struct ipc_perm *perm, const uint8_t *from)
{
    const struct user_ipc_layout *l = layout_of(t);

    perm->uid = (uid_t)user_get_field(ABI(t), from, l->uid);
    perm->gid = (gid_t)user_get_field(ABI(t), from, l->gid);
    perm->mode = (mode_t)user_get_field(ABI(t), from, l->mode);
}

/* ------------------------------------------------------------------------------------------ semaphores */

static int64_t operate(struct user_thread *t, int id, uint64_t list, uint64_t count, uint64_t limit_address,
                       bool wide)
{
    struct sembuf operations[MOST_OPERATIONS];
    struct timespec limit;

    if (count > MOST_OPERATIONS)
        return -E2BIG;
    for (uint64_t i = 0; i < count; i++) {
        if (!user_record_read(t, list + i * sizeof(operations[0]), "3h", &operations[i]))
            return -EFAULT;
    }
    if (!limit_address)
        return USER_HOST(t, SYS_semop, id, operations, count, 0, 0, 0);
    if (!user_read_timespec(t, limit_address, wide, &limit))
        return -EFAULT;
    return USER_HOST(t, SYS_semtimedop, id, operations, count, &limit, 0, 0);
}

int64_t user_sys_semop(struct user_thread *t, const uint64_t *a)
{
    return operate(t, (int)a[0], a[1], a[2], 0, false);
}

int64_t user_sys_semtimedop(struct user_thread *t, const uint64_t *a)
{
    return operate(t, (int)a[0], a[1], a[2], a[3], ABI(t)->word == 8);
}

int64_t user_sys_semtimedop_time64(struct user_thread *t, const uint64_t *a)
{
    return operate(t, (int)a[0], a[1], a[2], a[3], true);
}

static int64_t sem_stat(struct user_thread *t, int id, int command, uint64_t to)
{
    const struct user_ipc_layout *l = layout_of(t);
    struct semid_ds status;
    uint8_t packed[256] = {0};
    int64_t result = USER_HOST(t, SYS_semctl, id, 0, command, &status, 0, 0);

    if (result < 0)
        return result;
    pack_perm(t, packed, &status.sem_perm);
    user_put_field(ABI(t), packed, l->sem_otime, (uint64_t)status.sem_otime);
    user_put_field(ABI(t), packed, l->sem_ctime, (uint64_t)status.sem_ctime);
    user_put_field(ABI(t), packed, l->sem_nsems, status.sem_nsems);
    return user_mem_write(MEM(t), to, packed, l->sem_size) ? result : -EFAULT;
}

/* GETALL and SETALL: an array of 16-bit values, as many as the set has. */
static int64_t sem_all(struct user_thread *t, int id, int command, uint64_t address)
{
    struct semid_ds status;
    g_autofree uint16_t *values = NULL;
    int64_t result = USER_HOST(t, SYS_semctl, id, 0, IPC_STAT, &status, 0, 0);

    if (result < 0)
        return result;
    if (status.sem_nsems > MOST_SEMAPHORES)
        return -EINVAL;
    values = g_new0(uint16_t, status.sem_nsems + 1);
    for (unsigned long i = 0; command == SETALL && i < status.sem_nsems; i++) {
        uint64_t value;

        if (!user_mem_get(MEM(t), address + 2 * i, 2, &value))
            return -EFAULT;
        values[i] = (uint16_t)value;
    }
    result = USER_HOST(t, SYS_semctl, id, 0, command, values, 0, 0);
    for (unsigned long i = 0; result >= 0 && command == GETALL && i < status.sem_nsems; i++) {
        if (!user_mem_put(MEM(t), address + 2 * i, 2, values[i]))
            return -EFAULT;
    }
    return result;
}

/* The fourth argument is a number or an address, by the command. */
int64_t user_sys_semctl(struct user_thread *t, const uint64_t *a)
{
    int id = (int)a[0], command = (int)a[2] & ~IPC_64_BIT;
    const struct user_ipc_layout *l = layout_of(t);
    uint8_t packed[256];
    int64_t result;

    switch (command) {
    case IPC_RMID:
    case GETPID:
    case GETVAL:
    case GETNCNT:
    case GETZCNT: return USER_HOST(t, SYS_semctl, id, (int)a[1], command, 0, 0, 0);
    case SETVAL: return USER_HOST(t, SYS_semctl, id, (int)a[1], command, (int)a[3], 0, 0);
    case GETALL:
    case SETALL: return sem_all(t, id, command, a[3]);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: return sem_stat(t, id, command, a[3]);
    case IPC_SET: {
        struct semid_ds status = {0};

        if (!user_mem_read(MEM(t), a[3], packed, l->sem_size))
            return -EFAULT;
        unpack_perm(t, &status.sem_perm, packed);
        return USER_HOST(t, SYS_semctl, id, 0, command, &status, 0, 0);
    }
    case IPC_INFO:
    case SEM_INFO: {
        struct seminfo info;

        result = USER_HOST(t, SYS_semctl, id, 0, command, &info, 0, 0);
        return result >= 0 && !user_record_write(t, a[3], "10i", &info) ? -EFAULT : result;
    }
    default: return -EINVAL;
    }
}

/* -------------------------------------------------------------------------------------------- messages */

/* struct msgbuf: a long, then the text. */
int64_t user_sys_msgsnd(struct user_thread *t, const uint64_t *a)
{
    unsigned word = ABI(t)->word;
    g_autofree uint8_t *message = NULL;
    uint64_t type, size = a[2];
    long host;

    if (size > MOST_MESSAGE)
        return -EINVAL;
    message = g_malloc(sizeof(long) + size);
    if (!user_mem_get(MEM(t), a[1], word, &type) ||
        !user_mem_read(MEM(t), a[1] + word, message + sizeof(long), size))
        return -EFAULT;
    host = word == 4 ? (int32_t)type : (long)type;
    memcpy(message, &host, sizeof(host));
    return USER_HOST(t, SYS_msgsnd, (int)a[0], message, size, (int)a[3], 0, 0);
}

int64_t user_sys_msgrcv(struct user_thread *t, const uint64_t *a)
{
    unsigned word = ABI(t)->word;
    g_autofree uint8_t *message = NULL;
    uint64_t size = a[2];
    long type = word == 4 ? (int32_t)a[3] : (long)a[3];
    int64_t result;

    if ((int64_t)size < 0 || (word == 4 && (int32_t)size < 0))
        return -EINVAL;
    size = MIN(size, MOST_MESSAGE);
    message = g_malloc(sizeof(long) + size);
    result = USER_HOST(t, SYS_msgrcv, (int)a[0], message, size, type, (int)a[4], 0);
    if (result < 0)
        return result;
    memcpy(&type, message, sizeof(type));
    return user_mem_put(MEM(t), a[1], word, (uint64_t)type) &&
                   user_mem_write(MEM(t), a[1] + word, message + sizeof(long), (size_t)result)
               ? result
               : -EFAULT;
}

int64_t user_sys_msgctl(struct user_thread *t, const uint64_t *a)
{
    const struct user_ipc_layout *l = layout_of(t);
    int id = (int)a[0], command = (int)a[1] & ~IPC_64_BIT;
    struct msqid_ds status = {0};
    struct msginfo info;
    uint8_t packed[256] = {0};
    int64_t result;

    switch (command) {
    case IPC_RMID: return USER_HOST(t, SYS_msgctl, id, command, 0, 0, 0, 0);
    case IPC_SET:
        if (!user_mem_read(MEM(t), a[2], packed, l->msg_size))
            return -EFAULT;
        unpack_perm(t, &status.msg_perm, packed);
        status.msg_qbytes = user_get_field(ABI(t), packed, l->msg_qbytes);
        return USER_HOST(t, SYS_msgctl, id, command, &status, 0, 0, 0);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        result = USER_HOST(t, SYS_msgctl, id, command, &status, 0, 0, 0);
        if (result < 0)
            return result;
        pack_perm(t, packed, &status.msg_perm);
        user_put_field(ABI(t), packed, l->msg_stime, (uint64_t)status.msg_stime);
        user_put_field(ABI(t), packed, l->msg_rtime, (uint64_t)status.msg_rtime);
        user_put_field(ABI(t), packed, l->msg_ctime, (uint64_t)status.msg_ctime);
        user_put_field(ABI(t), packed, l->msg_cbytes, status.__msg_cbytes);
        user_put_field(ABI(t), packed, l->msg_qnum, status.msg_qnum);
        user_put_field(ABI(t), packed, l->msg_qbytes, status.msg_qbytes);
        user_put_field(ABI(t), packed, l->msg_lspid, (uint32_t)status.msg_lspid);
        user_put_field(ABI(t), packed, l->msg_lrpid, (uint32_t)status.msg_lrpid);
        return user_mem_write(MEM(t), a[2], packed, l->msg_size) ? result : -EFAULT;
    case IPC_INFO:
    case MSG_INFO:
        result = USER_HOST(t, SYS_msgctl, id, command, &info, 0, 0, 0);
        return result >= 0 && !user_record_write(t, a[2], "7ih", &info) ? -EFAULT : result;
    default: return -EINVAL;
    }
}

/* --------------------------------------------------------------------------------------- shared memory */

/* A segment takes the place of an ordinary shared mapping; so unmapping it in any way detaches it. */
int64_t user_sys_shmat(struct user_thread *t, const uint64_t *a)
{
    struct user_process *process = t->process;
    int id = (int)a[0], flags = (int)a[2], result;
    uint64_t address = a[1], size;
    struct shmid_ds status;
    int64_t place;
    bool fixed = address != 0;

    if (address & ~USER_PAGE_MASK) {
        if (!(flags & SHM_RND))
            return -EINVAL;
        address &= USER_PAGE_MASK;
    }
    if (shmctl(id, IPC_STAT, &status) != 0)
        return -errno;
    user_signal_watch(process);
    size = (status.shm_segsz + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    place =
        user_mem_map(&process->mem, address, size,
                     PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0),
                     MAP_SHARED | MAP_ANONYMOUS |
                         (!fixed              ? 0
                          : flags & SHM_REMAP ? MAP_FIXED
                                              : MAP_FIXED_NOREPLACE),
                     -1, 0);
    if (place < 0)
        return place == -EEXIST ? -EINVAL : place;
    result = shmat(id, user_mem_host(&process->mem, (uint64_t)place, size),
                   SHM_REMAP | (flags & SHM_RDONLY)) == (void *)-1
                 ? -errno
                 : 0;
    if (result < 0) {
        user_mem_unmap(&process->mem, (uint64_t)place, size);
        return result;
    }
    g_mutex_lock(&process->lock);
    g_hash_table_insert(process->attached, GSIZE_TO_POINTER((gsize)place), GSIZE_TO_POINTER((gsize)size));
    g_mutex_unlock(&process->lock);
    return place;
}

int64_t user_sys_shmdt(struct user_thread *t, const uint64_t *a)
{
    struct user_process *process = t->process;
    gpointer size;
    bool known;

    g_mutex_lock(&process->lock);
    known = g_hash_table_steal_extended(process->attached, GSIZE_TO_POINTER((gsize)a[0]), NULL, &size);
    g_mutex_unlock(&process->lock);
    return known ? user_mem_unmap(&process->mem, a[0], GPOINTER_TO_SIZE(size)) : -EINVAL;
}

int64_t user_sys_shmctl(struct user_thread *t, const uint64_t *a)
{
    const struct user_ipc_layout *l = layout_of(t);
    int id = (int)a[0], command = (int)a[1] & ~IPC_64_BIT;
    struct shmid_ds status = {0};
    union {
        struct shminfo limits;
        struct shm_info used;
    } info;
    uint8_t packed[256] = {0};
    int64_t result;

    switch (command) {
    case IPC_RMID:
    case SHM_LOCK:
    case SHM_UNLOCK: return USER_HOST(t, SYS_shmctl, id, command, 0, 0, 0, 0);
    case IPC_SET:
        if (!user_mem_read(MEM(t), a[2], packed, l->shm_size))
            return -EFAULT;
        unpack_perm(t, &status.shm_perm, packed);
        return USER_HOST(t, SYS_shmctl, id, command, &status, 0, 0, 0);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        result = USER_HOST(t, SYS_shmctl, id, command, &status, 0, 0, 0);
        if (result < 0)
            return result;
        pack_perm(t, packed, &status.shm_perm);
        user_put_field(ABI(t), packed, l->shm_segsz, status.shm_segsz);
        user_put_field(ABI(t), packed, l->shm_atime, (uint64_t)status.shm_atime);
        user_put_field(ABI(t), packed, l->shm_dtime, (uint64_t)status.shm_dtime);
        user_put_field(ABI(t), packed, l->shm_ctime, (uint64_t)status.shm_ctime);
        user_put_field(ABI(t), packed, l->shm_cpid, (uint32_t)status.shm_cpid);
        user_put_field(ABI(t), packed, l->shm_lpid, (uint32_t)status.shm_lpid);
        user_put_field(ABI(t), packed, l->shm_nattch, status.shm_nattch);
        return user_mem_write(MEM(t), a[2], packed, l->shm_size) ? result : -EFAULT;
    case IPC_INFO:
    case SHM_INFO:
        result = USER_HOST(t, SYS_shmctl, id, command, &info, 0, 0, 0);
        if (result < 0)
            return result;
        if (command == IPC_INFO && ABI(t)->word == 4) {
            info.limits.shmmax = MIN(info.limits.shmmax, INT32_MAX);
            info.limits.shmall = MIN(info.limits.shmall, INT32_MAX);
        }
        return user_record_write(t, a[2], command == IPC_INFO ? "9L" : "i5L", &info) ? result : -EFAULT;
    default: return -EINVAL;
    }
}

/* ------------------------------------------------------------------------------------- one call for all */

/* linux/ipc.h; the call's upper half is the version of the library's interface. */
enum {
    CALL_SEMOP = 1,
    CALL_SEMGET = 2,
    CALL_SEMCTL = 3,
    CALL_SEMTIMEDOP = 4,
    CALL_MSGSND = 11,
    CALL_MSGRCV = 12,
    CALL_MSGGET = 13,
    CALL_MSGCTL = 14,
    CALL_SHMAT = 21,
    CALL_SHMDT = 22,
    CALL_SHMGET = 23,
    CALL_SHMCTL = 24,
};

/* call, first, second, third, pointer, fifth */
int64_t user_sys_ipc(struct user_thread *t, const uint64_t *a)
{
    unsigned version = (unsigned)a[0] >> 16, word = ABI(t)->word;
    uint64_t first = a[1], second = a[2], third = a[3], pointer = a[4], fifth = a[5];
    int64_t result;

    switch (a[0] & 0xffff) {
    case CALL_SEMOP: return operate(t, (int)first, pointer, second, 0, false);
    case CALL_SEMTIMEDOP: return operate(t, (int)first, pointer, second, fifth, word == 8);
    case CALL_SEMGET: return USER_HOST(t, SYS_semget, (int)first, (int)second, (int)third, 0, 0, 0);
    case CALL_SEMCTL: {
        uint64_t with[4] = {first, second, third, 0};

        if (!pointer)
            return -EINVAL;
        if (!user_mem_get(MEM(t), pointer, word, &with[3]))
            return -EFAULT;
        return user_sys_semctl(t, with);
    }
    case CALL_MSGSND: return user_sys_msgsnd(t, (const uint64_t[]){first, pointer, second, third});
    case CALL_MSGRCV:
        if (version == 0) {
            /* The message's address and type stand in memory. */
            uint64_t at, type;

            if (!user_mem_get(MEM(t), pointer, word, &at) ||
                !user_mem_get(MEM(t), pointer + word, word, &type))
                return -EFAULT;
            return user_sys_msgrcv(t, (const uint64_t[]){first, at, second, type, third});
        }
        return user_sys_msgrcv(t, (const uint64_t[]){first, pointer, second, fifth, third});
    case CALL_MSGGET: return USER_HOST(t, SYS_msgget, (int)first, (int)second, 0, 0, 0, 0);
    case CALL_MSGCTL: return user_sys_msgctl(t, (const uint64_t[]){first, second, pointer});
    case CALL_SHMAT:
        if (version == 1)
            return -EINVAL;
        result = user_sys_shmat(t, (const uint64_t[]){first, pointer, second});
        if (result < 0)
            return result;
        return user_mem_put(MEM(t), third, word, (uint64_t)result) ? 0 : -EFAULT;
    case CALL_SHMDT: return user_sys_shmdt(t, (const uint64_t[]){pointer});
    case CALL_SHMGET: return USER_HOST(t, SYS_shmget, (int)first, second, (int)third, 0, 0, 0);
    case CALL_SHMCTL: return user_sys_shmctl(t, (const uint64_t[]){first, second, pointer});
    default: return -ENOSYS;
    }
}

/* --------------------------------------------------------------------------------- POSIX message queues */

/* struct mq_attr: flags, most messages, most bytes, messages there, four reserved: longs. */
#define ATTRIBUTES "8l"

static bool read_attributes(struct user_thread *t, uint64_t from, struct mq_attr *attributes)
{
    if (!user_record_read(t, from, ATTRIBUTES, attributes))
        return false;
    attributes->mq_flags = (long)user_bits_to_host(ABI(t)->open_flags, (uint32_t)attributes->mq_flags);
    return true;
}

int64_t user_sys_mq_open(struct user_thread *t, const uint64_t *a)
{
    bool too_long;
    g_autofree char *name = user_mem_string(MEM(t), a[0], 4096, &too_long);
    struct mq_attr attributes;

    if (!name)
        return too_long ? -ENAMETOOLONG : -EFAULT;
    if (a[3] && !read_attributes(t, a[3], &attributes))
        return -EFAULT;
    return USER_HOST(t, SYS_mq_open, name, user_bits_to_host(ABI(t)->open_flags, (uint32_t)a[1]), a[2],
                     a[3] ? &attributes : NULL, 0, 0);
}

static int64_t queue_io(struct user_thread *t, const uint64_t *a, bool receive, bool wide)
{
    void *text = user_mem_host(MEM(t), a[1], a[2]);
    struct timespec limit;
    unsigned priority;
    int64_t result;

    if (!text || (a[4] && !user_read_timespec(t, a[4], wide, &limit)))
        return -EFAULT;
    if (!receive)
        return USER_HOST(t, SYS_mq_timedsend, (int)a[0], text, a[2], a[3], a[4] ? &limit : NULL, 0);
    result = USER_HOST(t, SYS_mq_timedreceive, (int)a[0], text, a[2], &priority, a[4] ? &limit : NULL, 0);
    return result >= 0 && a[3] && !user_mem_put(MEM(t), a[3], 4, priority) ? -EFAULT : result;
}

int64_t user_sys_mq_timedsend(struct user_thread *t, const uint64_t *a)
{
    return queue_io(t, a, false, ABI(t)->word == 8);
}

int64_t user_sys_mq_timedsend_time64(struct user_thread *t, const uint64_t *a)
{
    return queue_io(t, a, false, true);
}

int64_t user_sys_mq_timedreceive(struct user_thread *t, const uint64_t *a)
{
    return queue_io(t, a, true, ABI(t)->word == 8);
}

int64_t user_sys_mq_timedreceive_time64(struct user_thread *t, const uint64_t *a)
{
    return queue_io(t, a, true, true);
}

int64_t user_sys_mq_notify(struct user_thread *t, const uint64_t *a)
{
    struct sigevent event;
    int64_t result;

    if (!a[1])
        return USER_HOST(t, SYS_mq_notify, (int)a[0], NULL, 0, 0, 0, 0);
    result = user_read_sigevent(t, a[1], &event);
    if (result < 0)
        return result;
    if (event.sigev_notify == SIGEV_THREAD) {
        uint64_t number;

        /* The C library's own way: `signal` is a netlink socket, and the kernel reads a cookie of 32 bytes.
         */
        if (!user_mem_get(MEM(t), a[1] + ABI(t)->word, 4, &number))
            return -EFAULT;
        event.sigev_signo = (int)number;
        event.sigev_value.sival_ptr = user_mem_host(MEM(t), (uintptr_t)event.sigev_value.sival_ptr, 32);
        if (!event.sigev_value.sival_ptr)
            return -EFAULT;
    }
    return USER_HOST(t, SYS_mq_notify, (int)a[0], &event, 0, 0, 0, 0);
}

int64_t user_sys_mq_getsetattr(struct user_thread *t, const uint64_t *a)
{
    struct mq_attr new, old = {0};
    int64_t result;

    if (a[1] && !read_attributes(t, a[1], &new))
        return -EFAULT;
    result = USER_HOST(t, SYS_mq_getsetattr, (int)a[0], a[1] ? &new : NULL, a[2] ? &old : NULL, 0, 0, 0);
    if (result < 0 || !a[2])
        return result;
    old.mq_flags = (long)user_bits_to_guest(ABI(t)->open_flags, (uint32_t)old.mq_flags);
    return user_record_write(t, a[2], ATTRIBUTES, &old) ? result : -EFAULT;
}
