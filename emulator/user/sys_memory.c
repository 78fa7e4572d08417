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

/* Calls that only name a range, which begins at a page: it must lie in the window. *size is rounded. A hole in it is
 * ENOMEM at the end (*hole), but what is mapped is dealt with. */
static int64_t on_range(struct user_thread *t, long number, uint64_t start, uint64_t size, uint64_t third)
{
    uint64_t end = start + ((size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK), piece;
    bool hole = end > MEM(t)->limit;

    if (start & ~USER_PAGE_MASK)
        return -EINVAL;
    /* The rounded size of a 32-bit program may have no bits left, or the range no end. */
    if (size && (end == start || end > MEM(t)->size))
        return -ENOMEM;
    for (uint64_t at = start; at < MIN(end, MEM(t)->limit); at += piece) {
        int64_t result;

        piece = user_mem_mapped(MEM(t), at, MIN(end, MEM(t)->limit) - at);
        if (!piece) {
            hole = true;
            piece = USER_PAGE_SIZE;
            continue;
        }
        result = USER_HOST(t, number, MEM(t)->window + at, piece, third, 0, 0, 0);
        if (result < 0)
            return result;
    }
    return hole ? -ENOMEM : 0;
}

int64_t user_sys_msync(struct user_thread *t, const uint64_t *a)
{
    if (a[2] & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || (a[2] & MS_ASYNC && a[2] & MS_SYNC))
        return -EINVAL;
    return on_range(t, SYS_msync, a[0], a[1], a[2]);
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
    case MADV_POPULATE_WRITE: return user_mem_advise(MEM(t), a[0], a[1], (int)a[2]);
    case MADV_HWPOISON: return -EPERM;
    default: return -EINVAL;
    }
}

int64_t user_sys_mincore(struct user_thread *t, const uint64_t *a)
{
    uint64_t size = (a[1] + USER_PAGE_SIZE - 1) & USER_PAGE_MASK, pages = size >> USER_PAGE_BITS;
    void *to = user_mem_host(MEM(t), a[2], pages), *from = user_mem_host(MEM(t), a[0], size);

    if (a[0] & ~USER_PAGE_MASK)
        return -EINVAL;
    if (!from || user_mem_mapped(MEM(t), a[0], size) < size)
        return -ENOMEM;
    return to ? USER_HOST(t, SYS_mincore, from, size, to, 0, 0, 0) : -EFAULT;
}

/* A lock begins anywhere in its first page. */
static int64_t lock(struct user_thread *t, long number, const uint64_t *a, uint64_t flags)
{
    uint64_t before = a[0] & ~USER_PAGE_MASK;

    return on_range(t, number, a[0] - before, a[1] ? a[1] + before : 0, flags);
}

int64_t user_sys_mlock(struct user_thread *t, const uint64_t *a)
{
    return lock(t, SYS_mlock, a, 0);
}

int64_t user_sys_munlock(struct user_thread *t, const uint64_t *a)
{
    return lock(t, SYS_munlock, a, 0);
}

int64_t user_sys_mlock2(struct user_thread *t, const uint64_t *a)
{
    return a[2] & ~(uint64_t)MLOCK_ONFAULT ? -EINVAL : lock(t, SYS_mlock2, a, a[2]);
}

/* The kernel maps the range of a shared file's mapping anew; the protection must be 0 and stays what it is. */
int64_t user_sys_remap_file_pages(struct user_thread *t, const uint64_t *a)
{
    uint64_t start = a[0] & USER_PAGE_MASK, size = a[1] & USER_PAGE_MASK;
    void *host = user_mem_host(MEM(t), start, size);
    int64_t result;

    if (a[2] || !size || !host || user_mem_mapped(MEM(t), start, size) < size)
        return -EINVAL;
    result = USER_HOST(t, SYS_remap_file_pages, host, size, 0, a[3], user_bits_to_host(ABI(t)->mmap_flags, (uint32_t)a[4]),
                       0);
    user_mem_changed(MEM(t), start, size);
    return result;
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
