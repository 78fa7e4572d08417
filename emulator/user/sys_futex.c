/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Futexes, and what a thread leaves behind in them. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* Futex words are compared by the host's kernel: values are given in the order in which memory holds them. */
static bool foreign(const struct user_thread *t)
{
    return ABI(t)->big_endian != (G_BYTE_ORDER == G_BIG_ENDIAN);
}

static uint32_t in_memory(struct user_thread *t, uint64_t value)
{
    uint32_t word = (uint32_t)value;

    return foreign(t) ? GUINT32_SWAP_LE_BE(word) : word;
}

static void wake_one(struct user_thread *t, uint64_t word)
{
    syscall(SYS_futex, user_mem_host(MEM(t), word, 4), FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* A lock whose owner dies. The owner of one that inherits priorities is known to the host's kernel, which
 * passes it on. `pending`: the thread was about to take it or had just let it go, and the wake-up may not
 * have come. */
static void let_go(struct user_thread *t, uint64_t word, bool inherits, bool pending)
{
    uint32_t old, value = 0;
    bool changed = false;

    if (!user_mem_read(MEM(t), word, &old, sizeof(old)))
        return;
    while (!changed) {
        value = in_memory(t, old);
        if (pending && !inherits && value == 0)
            wake_one(t, word);
        if ((value & FUTEX_TID_MASK) != (uint32_t)t->tid)
            return;
        if (!user_mem_exchange(MEM(t), word, &old, in_memory(t, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED),
                               &changed))
            return;
    }
    if (!inherits && value & FUTEX_WAITERS)
        wake_one(t, word);
}

#define ROBUST_INHERITS ((uint64_t)1) /* in the address of an entry: its lock inherits priorities */
#define ROBUST_MOST     2048          /* ROBUST_LIST_LIMIT */

/* CLONE_CHILD_CLEARTID, and the futexes that a dying thread holds (Linux, robust-futex-ABI). */
void user_futex_leave(struct user_thread *t)
{
    unsigned word = ABI(t)->word;
    uint64_t head = t->robust_list, entry, offset, pending, next;

    if (head && user_mem_get(MEM(t), head, word, &entry) &&
        user_mem_get(MEM(t), head + word, word, &offset) &&
        user_mem_get(MEM(t), head + 2 * word, word, &pending)) {
        uint64_t most = word == 4 ? 0xffffffffu : UINT64_MAX;

        for (int n = 0; n < ROBUST_MOST && (entry & ~ROBUST_INHERITS) != head; n++, entry = next) {
            /* The lock may be another's as soon as it is let go. */
            bool more = user_mem_get(MEM(t), entry & ~ROBUST_INHERITS, word, &next);

            if (entry != pending)
                let_go(t, ((entry & ~ROBUST_INHERITS) + offset) & most, entry & ROBUST_INHERITS, false);
            if (!more)
                break;
        }
        if (pending)
            let_go(t, ((pending & ~ROBUST_INHERITS) + offset) & most, pending & ROBUST_INHERITS, true);
    }
    if (t->clear_tid && user_mem_put(MEM(t), t->clear_tid, 4, 0))
        wake_one(t, t->clear_tid);
}

void user_futex_leave_all(struct user_process *process)
{
    struct user_thread *self = user_thread_current();

    if (self && self->vfork_child) {
        user_futex_leave(self);
        return;
    }
    /* At a sudden end the lock may be in the hands of whom the end struck. */
    if (!g_mutex_trylock(&process->lock))
        return;
    for (guint i = 0; i < process->threads->len; i++)
        user_futex_leave(g_ptr_array_index(process->threads, i));
    g_mutex_unlock(&process->lock);
}

int64_t user_sys_set_tid_address(struct user_thread *t, const uint64_t *a)
{
    t->clear_tid = a[0];
    return t->tid;
}

int64_t user_sys_set_robust_list(struct user_thread *t, const uint64_t *a)
{
    if (a[1] != 3u * ABI(t)->word)
        return -EINVAL;
    t->robust_list = a[0];
    t->robust_size = a[1];
    return 0;
}

int64_t user_sys_get_robust_list(struct user_thread *t, const uint64_t *a)
{
    unsigned word = ABI(t)->word;

    if (a[0] != 0 && (pid_t)a[0] != t->tid)
        return -EPERM;
    return user_mem_put(MEM(t), a[1], word, t->robust_list) &&
                   user_mem_put(MEM(t), a[2], word, t->robust_size)
               ? 0
               : -EFAULT;
}

int64_t user_sys_rseq(struct user_thread *t, const uint64_t *a)
{
    /* Restartable sequences need the kernel to know the guest's code. */
    return -ENOSYS;
}

/* FUTEX_WAKE_OP: the kernel would do the arithmetic in the host's byte order. Compare-and-wake in two steps
 * is allowed to wake too many. */
static int64_t wake_op(struct user_thread *t, const uint64_t *a, uint32_t *word, uint32_t *second)
{
    uint32_t op = (uint32_t)a[5], argument = op >> 12 & 0xfff, against = op & 0xfff, old;
    int private = (int)a[1] & FUTEX_PRIVATE_FLAG;
    int64_t woken, more = 0;
    bool holds = false, changed = false;

    if (op >> 31)
        argument = 1u << (argument & 31);
    if (!user_mem_read(MEM(t), a[4], &old, sizeof(old)))
        return -EFAULT;
    while (!changed) {
        uint32_t value = in_memory(t, old);

        switch (op >> 28 & 7) {
        case FUTEX_OP_SET: value = argument; break;
        case FUTEX_OP_ADD: value += argument; break;
        case FUTEX_OP_OR: value |= argument; break;
        case FUTEX_OP_ANDN: value &= ~argument; break;
        case FUTEX_OP_XOR: value ^= argument; break;
        default: return -ENOSYS;
        }
        if (!user_mem_exchange(MEM(t), a[4], &old, in_memory(t, value), &changed))
            return -EFAULT;
    }
    old = in_memory(t, old);
    switch (op >> 24 & 15) {
    case FUTEX_OP_CMP_EQ: holds = old == against; break;
    case FUTEX_OP_CMP_NE: holds = old != against; break;
    case FUTEX_OP_CMP_LT: holds = (int32_t)old < (int32_t)against; break;
    case FUTEX_OP_CMP_LE: holds = (int32_t)old <= (int32_t)against; break;
    case FUTEX_OP_CMP_GT: holds = (int32_t)old > (int32_t)against; break;
    case FUTEX_OP_CMP_GE: holds = (int32_t)old >= (int32_t)against; break;
    default: return -ENOSYS;
    }
    /* The word has changed: from here on the call must not begin again. Waking never waits. */
    woken = syscall(SYS_futex, word, FUTEX_WAKE | private, a[2], NULL, NULL, 0);
    if (woken < 0)
        return -errno;
    if (holds)
        more = syscall(SYS_futex, second, FUTEX_WAKE | private, a[3], NULL, NULL, 0);
    return woken + MAX(more, 0);
}

static int64_t futex(struct user_thread *t, const uint64_t *a, bool wide)
{
    uint32_t *word = user_mem_host(MEM(t), a[0], 4), *second = user_mem_host(MEM(t), a[4], 4);
    int command = (int)a[1] & FUTEX_CMD_MASK;
    struct timespec limit, *until = NULL;

    if (!word || a[0] & 3)
        return word ? -EINVAL : -EFAULT;
    switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        if (a[3]) {
            if (!user_read_timespec(t, a[3], wide, &limit))
                return -EFAULT;
            until = &limit;
        }
        return USER_HOST(t, SYS_futex, word, (int)a[1], in_memory(t, a[2]), until, NULL, a[5]);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET: return USER_HOST(t, SYS_futex, word, (int)a[1], a[2], NULL, NULL, a[5]);
    case FUTEX_REQUEUE:
        return second ? USER_HOST(t, SYS_futex, word, (int)a[1], a[2], a[3], second, 0) : -EFAULT;
    case FUTEX_CMP_REQUEUE:
        return second ? USER_HOST(t, SYS_futex, word, (int)a[1], a[2], a[3], second, in_memory(t, a[5]))
                      : -EFAULT;
    case FUTEX_WAKE_OP:
        if (!second)
            return -EFAULT;
        if (foreign(t))
            return wake_op(t, a, word, second);
        return USER_HOST(t, SYS_futex, word, (int)a[1], a[2], a[3], second, a[5]);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_TRYLOCK_PI:
    case FUTEX_UNLOCK_PI:
    case FUTEX_WAIT_REQUEUE_PI:
        /* The kernel writes the owner's number into the word, in the host's byte order. */
        if (foreign(t))
            return -ENOSYS;
        if (a[3] &&
            (command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2 || command == FUTEX_WAIT_REQUEUE_PI)) {
            if (!user_read_timespec(t, a[3], wide, &limit))
                return -EFAULT;
            until = &limit;
        }
        if (command == FUTEX_WAIT_REQUEUE_PI && !second)
            return -EFAULT;
        return USER_HOST(t, SYS_futex, word, (int)a[1], a[2], until, second, 0);
    case FUTEX_CMP_REQUEUE_PI:
        if (foreign(t))
            return -ENOSYS;
        return second ? USER_HOST(t, SYS_futex, word, (int)a[1], a[2], a[3], second, a[5]) : -EFAULT;
    default: return -ENOSYS;
    }
}

int64_t user_sys_futex(struct user_thread *t, const uint64_t *a)
{
    return futex(t, a, ABI(t)->word == 8);
}

int64_t user_sys_futex_time64(struct user_thread *t, const uint64_t *a)
{
    return futex(t, a, true);
}

#define FUTEX_WAITV_MOST 128
#define FUTEX2_SIZE_MASK 3u
#define FUTEX2_SIZE_U32  2u

/* struct futex_waitv: expected value and address in 64 bits each, flags, a reserved word. */
int64_t user_sys_futex_waitv(struct user_thread *t, const uint64_t *a)
{
    struct futex_waitv list[FUTEX_WAITV_MOST];
    struct timespec limit;

    if (a[1] == 0 || a[1] > FUTEX_WAITV_MOST)
        return -EINVAL;
    if (a[3] && !user_read_timespec(t, a[3], true, &limit))
        return -EFAULT;
    for (uint64_t i = 0; i < a[1]; i++) {
        uint64_t address;

        if (!user_record_read(t, a[0] + i * sizeof(list[0]), "2q2i", &list[i]))
            return -EFAULT;
        if ((list[i].flags & FUTEX2_SIZE_MASK) != FUTEX2_SIZE_U32)
            return -EINVAL;
        address = list[i].uaddr;
        list[i].uaddr = (uint64_t)(uintptr_t)user_mem_host(MEM(t), address, 4);
        if (!list[i].uaddr)
            return -EFAULT;
        list[i].val = in_memory(t, list[i].val);
    }
    return USER_HOST(t, SYS_futex_waitv, list, a[1], a[2], a[3] ? &limit : NULL, a[4], 0);
}
