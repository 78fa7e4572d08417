/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The code cache's memory: see arena.h. */
#include "emulator/jit/arena.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA_ALIGN 64u

/* Addresses to try for the executable view: upwards and downwards from the program text, so that a rel32
 * displacement reaches the engine's functions from everywhere inside. */
static uint8_t *map_near(int fd, size_t size)
{
    const uintptr_t text = (uintptr_t)&map_near & ~(uintptr_t)0xfffff;
    const uintptr_t step = (uintptr_t)16 << 20, reach = ((uintptr_t)2 << 30) - size - ((uintptr_t)64 << 20);

    for (uintptr_t d = step; d < reach; d += step) {
        for (int down = 0; down < 2; down++) {
            uintptr_t at = down ? text - d - size : text + d;

            if (down && text < d + size + 0x10000) {
                continue;
            }
            void *p = mmap((void *)(at & ~(uintptr_t)0xfff), size, PROT_READ | PROT_EXEC,
                           MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
            if (p != MAP_FAILED) {
                if ((uintptr_t)p == (at & ~(uintptr_t)0xfff)) {
                    return p;
                }
                munmap(p, size); /* a kernel before 4.17 takes the address for a hint */
            }
        }
    }
    void *p = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool arena_init(struct arena *a, size_t size, GError **error)
{
    *a = (struct arena){0};
    size = (size + 0xffff) & ~(size_t)0xffff;

    int fd = memfd_create("vitrine-code", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
                    _("No memory for translated code (%zu MiB): %s"), size >> 20, g_strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    void *rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint8_t *rx = rw == MAP_FAILED ? NULL : map_near(fd, size);
    int err = errno;
    close(fd);
    if (!rx) {
        if (rw != MAP_FAILED) {
            munmap(rw, size);
        }
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(err),
                    _("The system does not let this program make memory executable: %s"), g_strerror(err));
        return false;
    }
    a->rx = rx;
    a->rw = rw;
    a->size = size;
    return true;
}

void arena_finish(struct arena *a)
{
    if (a->rx) {
        munmap(a->rx, a->size);
        munmap(a->rw, a->size);
    }
    *a = (struct arena){0};
}

int arena_copy(const struct arena *a)
{
    int fd = memfd_create("vitrine-code", MFD_CLOEXEC);

    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)a->size) == 0) {
        size_t done = 0;

        while (done < a->used) {
            ssize_t n = pwrite(fd, a->rw + done, a->used - done, (off_t)done);

            if (n <= 0)
                break;
            done += (size_t)n;
        }
        if (done == a->used)
            return fd;
    }
    close(fd);
    return -1;
}

bool arena_use_copy(struct arena *a, int fd)
{
    bool good = mmap(a->rw, a->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED &&
                mmap(a->rx, a->size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;

    close(fd);
    return good;
}

bool arena_write_apart(struct arena *a)
{
    a->used = MIN((a->used + 0xfff) & ~(size_t)0xfff, a->size);
    return a->used == a->size || mmap(a->rw + a->used, a->size - a->used, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

uint8_t *arena_alloc(struct arena *a, size_t size)
{
    size_t at = (a->used + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);

    if (at > a->size || size > a->size - at) {
        return NULL;
    }
    a->used = at + size;
    return a->rx + at;
}

void arena_keep(struct arena *a)
{
    a->kept = a->used;
}

void arena_reset(struct arena *a)
{
    a->used = a->kept;
}
