/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Host files under images: whole transfers over short ones, zeros beyond the end, holes, durable new files,
 * and the sentences for the host's errors. Everything goes through the file's table of operations, so that a
 * test can make any single one of them fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/internal.h"

#define ZERO_CHUNK (1u << 20)

G_DEFINE_QUARK(vitrine - image - error, image_error)

void image_set_errno(GError **error, int number, const char *format, ...)
{
    ImageError code = IMAGE_ERROR_IO;
    const char *advice = _("Look at the host's disk and its log.");
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        code = IMAGE_ERROR_NO_SPACE;
        advice = _("Free some space there and try again.");
        break;
    case EFBIG:
        code = IMAGE_ERROR_NO_SPACE;
        advice = _("The file system there does not hold files that large; choose another place.");
        break;
    case ENOENT:
    case ENOTDIR:
        code = IMAGE_ERROR_NOT_FOUND;
        advice = _("Check the name, or say where the file was moved to.");
        break;
    case EEXIST:
        code = IMAGE_ERROR_EXISTS;
        advice = _("Choose another name, or say that it may be replaced.");
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        code = IMAGE_ERROR_READ_ONLY;
        advice = _("Check the permissions of the file and its folder.");
        break;
    default: break;
    }
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, IMAGE_ERROR, code, "%s: %s. %s", text, g_strerror(number), advice);
}

/* ---- The host's own operations ---------------------------------------------------------------------------
 */

static gssize posix_preadv(ImageFile *file, const struct iovec *iov, int count, guint64 offset)
{
    gssize n = preadv(file->fd, iov, count, (off_t)offset);
    return n < 0 ? -errno : n;
}

static gssize posix_pwritev(ImageFile *file, const struct iovec *iov, int count, guint64 offset)
{
    gssize n = pwritev(file->fd, iov, count, (off_t)offset);
    return n < 0 ? -errno : n;
}

static int posix_sync(ImageFile *file)
{
    return fdatasync(file->fd) < 0 ? -errno : 0;
}

static int posix_punch(ImageFile *file, guint64 offset, guint64 length)
{
    int rc = fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length);
    return rc < 0 ? -errno : 0;
}

static int posix_zero(ImageFile *file, guint64 offset, guint64 length)
{
    int rc = fallocate(file->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length);
    return rc < 0 ? -errno : 0;
}

static int posix_allocate(ImageFile *file, guint64 offset, guint64 length)
{
    return -posix_fallocate(file->fd, (off_t)offset, (off_t)length);
}

static int posix_truncate(ImageFile *file, guint64 size)
{
    return ftruncate(file->fd, (off_t)size) < 0 ? -errno : 0;
}

static int posix_size(ImageFile *file, guint64 *size)
{
    off_t end = lseek(file->fd, 0, SEEK_END);
    if (end < 0)
        return -errno;
    *size = (guint64)end;
    return 0;
}

static int posix_extent(ImageFile *file, guint64 offset, gboolean *data, guint64 *end)
{
    off_t start = lseek(file->fd, (off_t)offset, SEEK_DATA);
    if (start < 0) {
        if (errno == ENXIO) { /* a hole up to the end */
            *data = FALSE;
            *end = G_MAXINT64;
            return 0;
        }
        return -errno;
    }
    if ((guint64)start > offset) {
        *data = FALSE;
        *end = (guint64)start;
        return 0;
    }
    off_t hole = lseek(file->fd, (off_t)offset, SEEK_HOLE);
    if (hole < 0)
        return -errno;
    *data = TRUE;
    *end = (guint64)hole > offset ? (guint64)hole : offset + 1;
    return 0;
}

const ImageFileOps image_file_posix = {
    .preadv = posix_preadv,
    .pwritev = posix_pwritev,
    .sync = posix_sync,
    .punch = posix_punch,
    .zero = posix_zero,
    .allocate = posix_allocate,
    .truncate = posix_truncate,
    .size = posix_size,
    .extent = posix_extent,
};

/* ---- Open and close --------------------------------------------------------------------------------------
 */

ImageFile *image_file_wrap(int fd, const char *path, gboolean writable, GError **error)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        image_set_errno(error, errno, _("“%s” cannot be examined"), path);
        close(fd);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                    _("“%s” is not a file that can hold a disk. Choose an image file or a block device."),
                    path);
        close(fd);
        return NULL;
    }
    ImageFile *file = g_new0(ImageFile, 1);
    file->ops = &image_file_posix;
    file->path = g_strdup(path);
    file->fd = fd;
    file->writable = writable;
    file->regular = S_ISREG(st.st_mode);
    file->device = st.st_dev;
    file->inode = st.st_ino;
    return file;
}

ImageFile *image_file_open(const char *path, gboolean writable, ImageLock lock, GError **error)
{
    /* O_NONBLOCK: a FIFO in the place of a file must not hang us before it is refused. */
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        int number = errno;
        if (writable)
            image_set_errno(error, number, _("“%s” cannot be opened for writing"), path);
        else
            image_set_errno(error, number, _("“%s” cannot be opened"), path);
        return NULL;
    }
    ImageFile *file = image_file_wrap(fd, path, writable, error);
    if (file && lock != IMAGE_LOCK_NONE && !image_file_lock(file, lock, error))
        g_clear_pointer(&file, image_file_close);
    return file;
}

void image_file_close(ImageFile *file)
{
    if (!file)
        return;
    close(file->fd); /* gives its locks back */
    g_free(file->path);
    g_free(file);
}

/* ---- Transfers -------------------------------------------------------------------------------------------
 */

gboolean image_file_read(ImageFile *file, guint64 offset, void *buffer, gsize length, GError **error)
{
    guint8 *at = buffer;
    while (length > 0) {
        struct iovec iov = {at, length};
        gssize n = file->ops->preadv(file, &iov, 1, offset);
        if (n == -EINTR)
            continue;
        if (n < 0) {
            image_set_errno(error, (int)-n, _("Reading “%s” at byte %" PRIu64 " failed"), file->path, offset);
            return FALSE;
        }
        if (n == 0) {
            memset(at, 0, length);
            return TRUE;
        }
        at += n;
        offset += (gsize)n;
        length -= (gsize)n;
    }
    return TRUE;
}

gboolean image_file_writev(ImageFile *file, guint64 offset, struct iovec *iov, int count, GError **error)
{
    if (!file->writable) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_READ_ONLY,
                    _("“%s” was opened for reading only and is not written."), file->path);
        return FALSE;
    }
    file->unsynced = TRUE;
    while (count > 0) {
        if (iov->iov_len == 0) {
            iov++;
            count--;
            continue;
        }
        gssize n = file->ops->pwritev(file, iov, MIN(count, IOV_MAX), offset);
        if (n == -EINTR)
            continue;
        if (n <= 0) {
            image_set_errno(error, n < 0 ? (int)-n : EIO, _("Writing “%s” at byte %" PRIu64 " failed"),
                            file->path, offset);
            return FALSE;
        }
        offset += (gsize)n;
        gsize left = (gsize)n;
        while (left > 0) {
            gsize step = MIN(left, iov->iov_len);
            iov->iov_base = (guint8 *)iov->iov_base + step;
            iov->iov_len -= step;
            left -= step;
            if (iov->iov_len == 0 && left > 0) {
                iov++;
                count--;
            }
        }
    }
    return TRUE;
}

gboolean image_file_write(ImageFile *file, guint64 offset, const void *buffer, gsize length, GError **error)
{
    struct iovec iov = {(void *)(guintptr)buffer, length};
    return image_file_writev(file, offset, &iov, 1, error);
}

gboolean image_file_sync(ImageFile *file, GError **error)
{
    if (!file->unsynced && !file->lost)
        return TRUE;
    int rc;
    do {
        rc = file->lost ? -EIO : file->ops->sync(file);
    } while (rc == -EINTR);
    if (rc < 0) {
        /* After a failure the kernel may forget what it could not write, and a second sync succeeds over the
         * gap: nothing is reported as durable any more. */
        file->lost |= rc == -EIO;
        image_set_errno(error, -rc,
                        _("“%s” could not be written to the disk, and recent changes may be lost"),
                        file->path);
        return FALSE;
    }
    file->unsynced = FALSE;
    return TRUE;
}

void image_file_start_writeback(ImageFile *file)
{
    sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a hint: failing changes nothing */
}

static gboolean file_write_zeros(ImageFile *file, guint64 offset, guint64 length, GError **error)
{
    g_autofree guint8 *zeros = g_malloc0(MIN(length, ZERO_CHUNK));
    while (length > 0) {
        gsize step = MIN(length, ZERO_CHUNK);
        if (!image_file_write(file, offset, zeros, step, error))
            return FALSE;
        offset += step;
        length -= step;
    }
    return TRUE;
}

gboolean image_file_zero(ImageFile *file, guint64 offset, guint64 length, gboolean punch, GError **error)
{
    if (length == 0)
        return TRUE;
    guint64 size;
    if (!image_file_size(file, &size, error))
        return FALSE;
    if (offset >= size)
        return TRUE;
    length = MIN(length, size - offset);

    file->unsynced = TRUE;
    int rc = punch ? file->ops->punch(file, offset, length) : file->ops->zero(file, offset, length);
    if (rc == 0)
        return TRUE;
    /* Writing is the way where the host has no such operation; a real error shows again there. */
    return file_write_zeros(file, offset, length, error);
}

gboolean image_file_allocate(ImageFile *file, guint64 offset, guint64 length, GError **error)
{
    file->unsynced = TRUE;
    int rc = file->ops->allocate(file, offset, length);
    if (rc < 0) {
        image_set_errno(error, -rc, _("Reserving %" PRIu64 " bytes for “%s” failed"), length, file->path);
        return FALSE;
    }
    return TRUE;
}

gboolean image_file_truncate(ImageFile *file, guint64 size, GError **error)
{
    file->unsynced = TRUE;
    int rc = file->ops->truncate(file, size);
    if (rc < 0) {
        image_set_errno(error, -rc, _("Setting the length of “%s” to %" PRIu64 " bytes failed"), file->path,
                        size);
        return FALSE;
    }
    return TRUE;
}

gboolean image_file_size(ImageFile *file, guint64 *size, GError **error)
{
    int rc = file->ops->size(file, size);
    if (rc < 0) {
        image_set_errno(error, -rc, _("The length of “%s” cannot be read"), file->path);
        return FALSE;
    }
    return TRUE;
}

gboolean image_file_usage(ImageFile *file, guint64 *bytes, GError **error)
{
    struct stat st;
    if (fstat(file->fd, &st) < 0) {
        image_set_errno(error, errno, _("“%s” cannot be examined"), file->path);
        return FALSE;
    }
    *bytes = (guint64)st.st_blocks * 512;
    return TRUE;
}

gboolean image_file_extent(ImageFile *file, guint64 offset, gboolean *data, guint64 *end, GError **error)
{
    int rc = file->ops->extent(file, offset, data, end);
    if (rc < 0) { /* no holes known here: all is data */
        *data = TRUE;
        *end = G_MAXINT64;
    }
    return TRUE;
}
