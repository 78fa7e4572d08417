/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls on ranges of memory: mremap with all its flags, advice, locks, msync, mincore, remap_file_pages, and the memory
 * of a process named by its number.
 *
 * Prints "ok", or the line of what failed. Passes natively too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_libc.h"

#define PAGE           4096
#define KEEP           4 /* MREMAP_DONTUNMAP */
#define FAILS(call, e) CHECK((long)(call) == -1 && errno == (e))

static char *map(size_t pages, int flags)
{
    char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED);
    for (size_t i = 0; i < pages; i++)
        at[i * PAGE] = (char)(i + 1);
    return at;
}

static char *hole(size_t pages)
{
    char *at = map(pages, MAP_PRIVATE);

    CHECK(munmap(at, pages * PAGE) == 0);
    return at;
}

static void *remap(void *old, size_t old_size, size_t new_size, int flags, void *to)
{
    return (void *)syscall(SYS_mremap, old, old_size, new_size, flags, to);
}

static void remaps(void)
{
    char *a = map(8, MAP_PRIVATE), *to = hole(16), *b;

    FAILS(remap(a + 1, PAGE, PAGE, MREMAP_MAYMOVE, 0), EINVAL);
    FAILS(remap(a, PAGE, 0, MREMAP_MAYMOVE, 0), EINVAL);
    FAILS(remap(a, PAGE, PAGE, 8, 0), EINVAL);
    FAILS(remap(a, PAGE, PAGE, MREMAP_FIXED, to), EINVAL);
    FAILS(remap(a, PAGE, PAGE, KEEP, to), EINVAL);
    FAILS(remap(a, PAGE, 2 * PAGE, MREMAP_MAYMOVE | KEEP, 0), EINVAL);
    FAILS(remap(a, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, a + PAGE), EINVAL);
    FAILS(remap(a, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + 1), EINVAL);
    FAILS(remap(to, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0), EFAULT);
    FAILS(remap(a, 0, PAGE, MREMAP_MAYMOVE, 0), EINVAL);

    CHECK(remap(a, 8 * PAGE, 6 * PAGE, 0, 0) == a && a[5 * PAGE] == 6);
    /* In place, where there is room. */
    CHECK(remap(a, 6 * PAGE, 8 * PAGE, 0, 0) == a && a[5 * PAGE] == 6 && a[7 * PAGE] == 0);
    a[7 * PAGE] = 8;
    a[6 * PAGE] = 7;
    CHECK(mmap(a + 6 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    FAILS(remap(a, 6 * PAGE, 9 * PAGE, 0, 0), EFAULT == errno ? EFAULT : ENOMEM);
    a[6 * PAGE] = 7;

    b = remap(a, 6 * PAGE, 10 * PAGE, MREMAP_MAYMOVE, 0);
    CHECK(b != MAP_FAILED && b[5 * PAGE] == 6 && b[9 * PAGE] == 0);
    /* Moved and made smaller. */
    to = hole(16);
    CHECK(remap(b, 10 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to && to[PAGE] == 2);
    FAILS(msync(b, PAGE, MS_SYNC), ENOMEM);
    FAILS(msync(b + 9 * PAGE, PAGE, MS_SYNC), ENOMEM);

    /* The old place stays, empty. */
    b = remap(to, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | KEEP, 0);
    CHECK(b != MAP_FAILED && b[0] == 1 && b[PAGE] == 2 && to[0] == 0 && to[PAGE] == 0);
    to[0] = 9;
    CHECK(b[0] == 1);
    CHECK(remap(b, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | KEEP | MREMAP_FIXED, to) == to && to[0] == 1 && b[0] == 0);

    /* Shared memory a second time. */
    a = map(2, MAP_SHARED);
    b = remap(a, 0, 2 * PAGE, MREMAP_MAYMOVE, 0);
    CHECK(b != MAP_FAILED && b != a && b[PAGE] == 2);
    b[0] = 77;
    CHECK(a[0] == 77);
    /* What lies between two mappings of one range does not matter when it only gets shorter. */
    a = map(8, MAP_PRIVATE);
    CHECK(munmap(a + 5 * PAGE, PAGE) == 0 && remap(a, 8 * PAGE, 4 * PAGE, 0, 0) == a);
    FAILS(msync(a + 7 * PAGE, PAGE, MS_SYNC), ENOMEM);
}

static void advice(void)
{
    char *a = map(8, MAP_PRIVATE), *shared = map(4, MAP_SHARED);
    int status;

    FAILS(madvise(a + 1, PAGE, MADV_DONTNEED), EINVAL);
    FAILS(madvise(a, (size_t)-1, MADV_DONTNEED), EINVAL);
    FAILS(madvise(a, PAGE, 12345), EINVAL);
    CHECK(madvise(a, 0, MADV_DONTNEED) == 0 && a[0] == 1);
    CHECK(madvise(a, 1, MADV_DONTNEED) == 0 && a[0] == 0 && a[PAGE] == 2);
    /* Across a hole: what is there is advised. */
    CHECK(munmap(a + 2 * PAGE, PAGE) == 0);
    FAILS(madvise(a, 4 * PAGE, MADV_DONTNEED), ENOMEM);
    CHECK(a[PAGE] == 0 && a[3 * PAGE] == 0);
    CHECK(madvise(shared, 2 * PAGE, MADV_REMOVE) == 0 && shared[0] == 0 && shared[PAGE] == 0 && shared[2 * PAGE] == 3);
    FAILS(madvise(a, PAGE, MADV_REMOVE), EINVAL);
    CHECK(madvise(a + 4 * PAGE, PAGE, MADV_FREE) == 0);
    FAILS(madvise(shared, PAGE, MADV_FREE), EINVAL);
    CHECK(madvise(a + 6 * PAGE, PAGE, MADV_WIPEONFORK) == 0 && a[6 * PAGE] == 7);
    FAILS(madvise(shared, PAGE, MADV_WIPEONFORK), EINVAL);
    /* What a child leaves out may be code: compilers inside a program keep theirs so. */
    CHECK(mprotect(a + 7 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
    CHECK(madvise(a + 7 * PAGE, PAGE, MADV_DONTFORK) == 0);
    if (fork() == 0) {
        CHECK(a[5 * PAGE] == 6 && a[6 * PAGE] == 0);
        FAILS(msync(a + 7 * PAGE, PAGE, MS_SYNC), ENOMEM);
        /* The hole is this program's to fill. */
        for (int i = 0; i < 64; i++)
            CHECK(malloc(100000) != NULL);
        CHECK(mmap(a + 7 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS, -1,
                   0) == a + 7 * PAGE &&
              a[7 * PAGE] == 0);
        _exit(0);
    }
    CHECK(wait(&status) > 0 && status == 0 && a[6 * PAGE] == 7 && a[7 * PAGE] == 8);
}

static void locks(void)
{
    char *a = map(4, MAP_PRIVATE);
    unsigned char there[4] = {0};

    CHECK(mlock(a + 100, PAGE) == 0 && munlock(a + 100, PAGE) == 0);
    CHECK(mlock2(a, 2 * PAGE, MLOCK_ONFAULT) == 0 && munlock(a, 4 * PAGE) == 0);
    FAILS(mlock2(a, PAGE, 2), EINVAL);
    CHECK(mincore(a, 4 * PAGE, there) == 0 && there[0] & 1 && there[3] & 1);
    FAILS(mincore(a + 1, PAGE, there), EINVAL);
    FAILS(mincore(a, 4 * PAGE, (void *)16), EFAULT);
    CHECK(munmap(a + PAGE, PAGE) == 0);
    FAILS(mlock(a, 3 * PAGE), ENOMEM);
    FAILS(mincore(a, 4 * PAGE, there), ENOMEM);
    FAILS(msync(a + 1, PAGE, MS_SYNC), EINVAL);
    FAILS(msync(a, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    FAILS(msync(a, PAGE, 64), EINVAL);
    FAILS(msync(a, 3 * PAGE, MS_ASYNC), ENOMEM);
    CHECK(msync(a, PAGE, MS_ASYNC) == 0);
}

static void files(void)
{
    int fd = memfd_create("pages", 0);
    volatile char *a;

    CHECK(ftruncate(fd, 4 * PAGE) == 0);
    a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(a != MAP_FAILED);
    for (int i = 0; i < 4; i++)
        a[i * PAGE] = (char)(i + 1);
    CHECK(remap_file_pages((char *)a, PAGE, 0, 3, 0) == 0 && a[0] == 4 && a[3 * PAGE] == 4);
    a[0] = 5;
    CHECK(a[3 * PAGE] == 5);
    FAILS(remap_file_pages((char *)a, PAGE, PROT_READ, 0, 0), EINVAL);
    FAILS(remap_file_pages(map(1, MAP_PRIVATE), PAGE, 0, 0, 0), EINVAL);
    close(fd);
}

static void own_memory(void)
{
    char *a = map(4, MAP_PRIVATE), to[8] = {0};
    struct iovec local = {to, 4}, remote[2] = {{a + PAGE, 2}, {a + 2 * PAGE, 2}};

    CHECK(process_vm_readv(getpid(), &local, 1, remote, 2, 0) == 4 && to[0] == 2 && to[2] == 3);
    to[0] = 55;
    CHECK(process_vm_writev(getpid(), &local, 1, remote, 2, 0) == 4 && a[PAGE] == 55);
    FAILS(process_vm_readv(getpid(), &local, 1, remote, 2, 1), EINVAL);
    CHECK(munmap(a + 2 * PAGE, PAGE) == 0);
    CHECK(process_vm_readv(getpid(), &local, 1, remote, 2, 0) == 2);
    FAILS(process_vm_readv(getpid(), &local, 1, remote + 1, 1, 0), EFAULT);
    FAILS(process_vm_readv(0x3fffffff, &local, 1, remote, 1, 0), ESRCH);
}

int main(void)
{
    remaps();
    advice();
    locks();
    files();
    own_memory();
    puts("ok");
    return 0;
}
