/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * New files that appear whole: written without a name, synced, then named, then the folder is synced. Whoever
 * dies in between leaves nothing behind, or, where the host has no nameless files, a hidden temporary one.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "images/internal.h"

gboolean image_check_space(const char *path, guint64 bytes, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    struct statvfs vfs;
    if (statvfs(folder, &vfs) < 0)
        return TRUE; /* the write itself will tell */
    guint64 free_bytes = (guint64)vfs.f_bavail * vfs.f_frsize;
    if (bytes <= free_bytes)
        return TRUE;
    g_autofree char *needed = g_format_size(bytes);
    g_autofree char *there = g_format_size(free_bytes);
    g_set_error(
        error, IMAGE_ERROR, IMAGE_ERROR_NO_SPACE,
        _("“%s” needs up to %s, but only %s are free in its folder. Free some space or choose another "
          "place."),
        path, needed, there);
    return FALSE;
}

static char *fd_path(int fd)
{
    return g_strdup_printf("/proc/self/fd/%d", fd);
}

static char *temporary_name(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    return g_strdup_printf("%s/.%.200s.XXXXXX", folder, name);
}

static int open_nameless(const char *path, int mode)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (fd < 0)
        return -1;
    g_autofree char *link_path = fd_path(fd);
    if (access(link_path, F_OK) == 0)
        return fd;
    close(fd); /* it could not be named later */
    return -1;
}

/* Who may be replaced, locked as long as this takes. */
static gboolean look_at_old(ImageNewFile *new_file, const char *path, gboolean overwrite, struct stat *st,
                            GError **error)
{
    if (stat(path, st) < 0)
        return TRUE;
    if (!overwrite) {
        image_set_errno(error, EEXIST, _("“%s” cannot be created"), path);
        return FALSE;
    }
    if (!S_ISREG(st->st_mode)) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("“%s” is not a regular file and is not replaced. Choose another name."), path);
        return FALSE;
    }
    new_file->old = image_file_open(path, FALSE, IMAGE_LOCK_WRITE, error);
    new_file->replace = new_file->old != NULL;
    return new_file->replace;
}

gboolean image_new_file_begin(ImageNewFile *new_file, const char *path, gboolean overwrite,
                              const ImageFile *own, GError **error)
{
    *new_file = (ImageNewFile){.fd = -1};
    g_autofree char *real = realpath(path, NULL); /* replace what a link points to, not the link */
    struct stat st = {0};
    if (own) {
        new_file->replace = TRUE;
        fstat(own->fd, &st);
    } else if (!look_at_old(new_file, path, overwrite, &st, error)) {
        return FALSE;
    }
    new_file->path = g_strdup(real ? real : path);
    int fd = open_nameless(new_file->path, 0666);
    if (fd < 0) {
        new_file->temporary = temporary_name(new_file->path);
        fd = g_mkstemp_full(new_file->temporary, O_RDWR | O_CLOEXEC, 0666);
        if (fd < 0)
            g_clear_pointer(&new_file->temporary, g_free);
    }
    new_file->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (new_file->fd < 0) {
        image_set_errno(error, errno, _("“%s” cannot be created"), path);
        if (fd >= 0)
            close(fd);
        image_new_file_abort(new_file);
        return FALSE;
    }
    if (new_file->replace && fchmod(fd, st.st_mode & 07777) < 0)
        g_debug("the mode of “%s” could not be kept", path);
    new_file->file = image_file_wrap(fd, new_file->path, TRUE, error);
    if (!new_file->file || !image_file_lock(new_file->file, IMAGE_LOCK_WRITE, error)) {
        image_new_file_abort(new_file);
        return FALSE;
    }
    return TRUE;
}

static gboolean sync_folder(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return TRUE; /* a folder that can be searched but not read; the name itself stands */
    int rc = fsync(fd) < 0 && errno != EINVAL && errno != EROFS ? errno : 0;
    close(fd);
    if (rc) {
        image_set_errno(error, rc, _("The folder of “%s” could not be written to the disk"), path);
        return FALSE;
    }
    return TRUE;
}

static int link_fd(int fd, const char *path)
{
    g_autofree char *from = fd_path(fd);
    return linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* A name that nobody has for the nameless file, as a step before it replaces another. */
static int name_temporarily(ImageNewFile *new_file)
{
    for (guint tries = 0; tries < 100; tries++) {
        g_autofree char *name = g_strdup_printf("%s.%08x", new_file->path, g_random_int());
        g_autofree char *folder = g_path_get_dirname(name);
        g_autofree char *base = g_path_get_basename(name);
        g_autofree char *hidden = g_strdup_printf("%s/.%s", folder, base);
        if (link_fd(new_file->fd, hidden) == 0) {
            new_file->temporary = g_steal_pointer(&hidden);
            return 0;
        }
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

/* rename without replacing, also where the kernel's flag is missing */
static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (link(from, to) < 0)
        return -1;
    return unlink(from);
}

static int give_name(ImageNewFile *new_file)
{
    if (!new_file->temporary && !new_file->replace)
        return link_fd(new_file->fd, new_file->path);
    if (!new_file->temporary && name_temporarily(new_file) < 0)
        return -1;
    int rc = new_file->replace ? rename(new_file->temporary, new_file->path)
                               : rename_new(new_file->temporary, new_file->path);
    if (rc == 0)
        g_clear_pointer(&new_file->temporary, g_free);
    return rc;
}

gboolean image_new_file_finish(ImageNewFile *new_file, GError **error)
{
    gboolean ok = TRUE;
    if (fsync(new_file->fd) < 0) {
        image_set_errno(error, errno, _("“%s” could not be written to the disk"), new_file->path);
        ok = FALSE;
    } else if (give_name(new_file) < 0) {
        image_set_errno(error, errno, _("The new image could not get its name “%s”"), new_file->path);
        ok = FALSE;
    } else {
        ok = sync_folder(new_file->path, error);
    }
    image_new_file_abort(new_file);
    return ok;
}

void image_new_file_abort(ImageNewFile *new_file)
{
    if (new_file->temporary)
        unlink(new_file->temporary);
    g_clear_pointer(&new_file->file, image_file_close);
    g_clear_pointer(&new_file->old, image_file_close);
    g_clear_pointer(&new_file->temporary, g_free);
    g_clear_pointer(&new_file->path, g_free);
    if (new_file->fd >= 0)
        close(new_file->fd);
    new_file->fd = -1;
}
