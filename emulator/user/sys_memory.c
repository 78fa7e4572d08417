/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on the address space. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* PROT_READ, PROT_WRITE and PROT_EXEC are the same on every Linux; the growth flags are not kept. */
#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

int64_t user_sys_brk(struct user_thread *t, const uint64_t *a)
{
    return (int64_t)user_mem_brk(MEM(t), a[0]);
}

static int64_t map(struct user_thread *t, const uint64_t *a, uint64_t offset)
{
    int flags = (int)user_bits_to_host(ABI(t)->mmap_flags, (uint32_t)a[3]);

    if ((flags & MAP_TYPE) != MAP_PRIVATE && a[2] & PROT_WRITE)
        user_signal_watch(t->process);
    return user_mem_map(MEM(t), a[0], a[1], (int)a[2] & PROT_ALL, flags,
                        flags & MAP_ANONYMOUS ? -1 : (int)a[4], offset);
}

int64_t user_sys_mmap(struct user_thread *t, const uint64_t *a)
{
    return map(t, a, a[5]);
}

int64_t user_sys_mmap2(struct user_thread *t, const uint64_t *a)
{
    return map(t, a, a[5] << 12);
}

int64_t user_sys_munmap(struct user_thread *t, const uint64_t *a)
{
    return user_mem_unmap(MEM(t), a[0], a[1]);
}

int64_t user_sys_mprotect(struct user_thread *t, const uint64_t *a)
{
    return user_mem_protect(MEM(t), a[0], a[1], (int)a[2] & PROT_ALL);
}

int64_t user_sys_mremap(struct user_thread *t, const uint64_t *a)
{
    return user_mem_remap(MEM(t), a[0], a[1], a[2], (int)a[3], a[4]);
}

/* Calls that only name a range: it must lie in the window, and every page of it must be the program's. */
static int64_t on_range(struct user_thread *t, long number, const uint64_t *a, uint64_t third)
{
    uint64_t size = (a[1] + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    void *host = user_mem_host(MEM(t), a[0], size);

    if (a[0] & ~USER_PAGE_MASK)
        return -EINVAL;
    if (!host)
        return -ENOMEM;
    for (uint64_t at = a[0]; at < a[0] + size; at += USER_PAGE_SIZE) {
        if (!user_mem_page(MEM(t), at))
            return -ENOMEM;
    }
    return USER_HOST(t, number, host, size, third, 0, 0, 0);
}

int64_t user_sys_msync(struct user_thread *t, const uint64_t *a)
{
    return on_range(t, SYS_msync, a, a[2]);
}

/* Programs ask for advice that does not exist to learn whether a zero can be believed: what is not known is refused. */
int64_t user_sys_madvise(struct user_thread *t, const uint64_t *a)
{
    switch (a[2]) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE: return on_range(t, SYS_madvise, a, a[2]);
    case MADV_HWPOISON: return -EPERM;
    default: return -EINVAL;
    }
}

int64_t user_sys_mincore(struct user_thread *t, const uint64_t *a)
{
    uint64_t pages = (a[1] + USER_PAGE_SIZE - 1) >> USER_PAGE_BITS;
    void *to = user_mem_host(MEM(t), a[2], pages);

    return to ? on_range(t, SYS_mincore, a, (uint64_t)(uintptr_t)to) : -EFAULT;
}

int64_t user_sys_mlock(struct user_thread *t, const uint64_t *a)
{
    return on_range(t, SYS_mlock, a, 0);
}

int64_t user_sys_munlock(struct user_thread *t, const uint64_t *a)
{
    return on_range(t, SYS_munlock, a, 0);
}

int64_t user_sys_mlock2(struct user_thread *t, const uint64_t *a)
{
    return on_range(t, SYS_mlock2, a, a[2]);
}

/* This program's own memory counts as the guest's: without its translations, the guest would wait all the same. By the
 * C library, because the address sanitizer must not have its shadows locked. */
int64_t user_sys_mlockall(struct user_thread *t, const uint64_t *a)
{
    uint32_t flags = user_bits_to_host(ABI(t)->lock_flags, (uint32_t)a[0]);

    if (!flags || flags & ~(uint32_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
        return -EINVAL;
    return mlockall((int)flags) == 0 ? 0 : -errno;
}
