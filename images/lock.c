/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Locks on image files that other programs of the field understand, so that two programs never write one
 * image.
 *
 * The scheme, as seen in the system calls of the field's tools: byte ranges of the file are locked with Linux
 * open-file-description locks, always shared ones, so that many can hold them. Byte 100 + p says "I use
 * permission p", byte 200 + p says "I don't let others use permission p". Permissions: 0 consistent read,
 * 1 write, 3 resize. After placing its own locks a program probes the opposite bytes of what it uses and of
 * what it forbids with an exclusive request that is never placed (F_OFD_GETLK). Two programs that come at the
 * same time may both see a conflict; they never both see none.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "images/internal.h"

enum {
    LOCK_USES = 100,
    LOCK_FORBIDS = 200,
};

enum {
    PERMISSION_READ = 0,
    PERMISSION_WRITE = 1,
    PERMISSION_RESIZE = 3,
    PERMISSION_COUNT = 4,
};

typedef struct LockRow {
    guint uses;
    guint forbids;
} LockRow;

#define BIT(n) (1u << (n))

static const LockRow lock_rows[] = {
    [IMAGE_LOCK_NONE] = {0, 0},
    [IMAGE_LOCK_READ] = {BIT(PERMISSION_READ), BIT(PERMISSION_WRITE) | BIT(PERMISSION_RESIZE)},
    [IMAGE_LOCK_WRITE] = {BIT(PERMISSION_READ) | BIT(PERMISSION_WRITE) | BIT(PERMISSION_RESIZE),
                          BIT(PERMISSION_WRITE) | BIT(PERMISSION_RESIZE)},
};

static int lock_byte(int fd, int command, short type, off_t byte, short *answer)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int rc;
    do {
        rc = fcntl(fd, command, &lock);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return -errno;
    if (answer)
        *answer = lock.l_type;
    return 0;
}

static gboolean lock_busy(ImageFile *file, ImageLock wanted, guint permission, gboolean forbidden,
                          GError **error)
{
    if (wanted == IMAGE_LOCK_WRITE && forbidden && permission != PERMISSION_READ) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_LOCKED,
                    _("“%s” cannot be written: it is open in another program, or an open image stands on it. "
                      "Close that first, or work on a new overlay of it."),
                    file->path);
    } else {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_LOCKED,
                    _("“%s” cannot be opened: another program, or another machine, is writing to it. Close "
                      "that first."),
                    file->path);
    }
    return FALSE;
}

/* Drops what @file holds and takes @lock. */
gboolean image_file_lock(ImageFile *file, ImageLock lock, GError **error)
{
    const LockRow *row = &lock_rows[lock];

    for (guint p = 0; p < PERMISSION_COUNT; p++) {
        int uses =
            lock_byte(file->fd, F_OFD_SETLK, row->uses & BIT(p) ? F_RDLCK : F_UNLCK, LOCK_USES + p, NULL);
        int forbids = lock_byte(file->fd, F_OFD_SETLK, row->forbids & BIT(p) ? F_RDLCK : F_UNLCK,
                                LOCK_FORBIDS + p, NULL);
        int rc = uses ? uses : forbids;
        if (rc == -EAGAIN || rc == -EACCES)
            return lock_busy(file, lock, p, uses == 0, error);
        if (rc) {
            if (lock == IMAGE_LOCK_READ || lock == IMAGE_LOCK_NONE)
                return TRUE; /* a file system without locks: reading does no harm */
            image_set_errno(
                error, -rc,
                _("“%s” cannot be locked against other programs, and writing without a lock could "
                  "destroy it. Copy it to a file system that has locks"),
                file->path);
            return FALSE;
        }
    }
    for (guint p = 0; p < PERMISSION_COUNT; p++) {
        short type = F_UNLCK;
        if (row->uses & BIT(p)) {
            if (lock_byte(file->fd, F_OFD_GETLK, F_WRLCK, LOCK_FORBIDS + p, &type) == 0 && type != F_UNLCK)
                return lock_busy(file, lock, p, TRUE, error);
        }
        if (row->forbids & BIT(p)) {
            if (lock_byte(file->fd, F_OFD_GETLK, F_WRLCK, LOCK_USES + p, &type) == 0 && type != F_UNLCK)
                return lock_busy(file, lock, p, FALSE, error);
        }
    }
    return TRUE;
}
