/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on names of files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/proc.h"
#include "emulator/user/process.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* ---------------------------------------------------------------------------------------------- opening */

static int64_t open_file(struct user_thread *t, int directory, uint64_t address, uint32_t flags,
                         uint32_t mode)
{
    int host = (int)user_bits_to_host(ABI(t)->open_flags, flags);
    bool creates = host & O_CREAT || (host & O_TMPFILE) == O_TMPFILE;
    USER_PATH_AT(path, directory, address,
                 (host & O_NOFOLLOW ? USER_NAME_LINK : 0u) | (creates ? USER_NAME_NEW : 0u));
    int64_t fd;

    if (user_proc_open(t, directory, path, host, &fd))
        return fd;
    return USER_HOST(t, SYS_openat, directory, path, host, mode, 0, 0);
}

int64_t user_sys_open(struct user_thread *t, const uint64_t *a)
{
    return open_file(t, AT_FDCWD, a[0], (uint32_t)a[1], (uint32_t)a[2]);
}

int64_t user_sys_creat(struct user_thread *t, const uint64_t *a)
{
    USER_PATH_AT(path, AT_FDCWD, a[0], USER_NAME_NEW);
    return USER_HOST(t, SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, a[1], 0, 0);
}

int64_t user_sys_openat(struct user_thread *t, const uint64_t *a)
{
    return open_file(t, (int)a[0], a[1], (uint32_t)a[2], (uint32_t)a[3]);
}

/* --------------------------------------------------------------------------------------- making, removing */

int64_t user_sys_link(struct user_thread *t, const uint64_t *a)
{
    USER_PATH_AT(from, AT_FDCWD, a[0], USER_NAME_LINK);
    USER_PATH_AT(to, AT_FDCWD, a[1], USER_NAME_LINK | USER_NAME_NEW);
    return USER_HOST(t, SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0, 0);
}

int64_t user_sys_linkat(struct user_thread *t, const uint64_t *a)
{
    USER_PATH_AT(from, (int)a[0], a[1], a[4] & AT_SYMLINK_FOLLOW ? USER_NAME_TARGET : USER_NAME_LINK);
    USER_PATH_AT(to, (int)a[2], a[3], USER_NAME_LINK | USER_NAME_NEW);
    return USER_HOST(t, SYS_linkat, a[0], from, a[2], to, a[4], 0);
}

int64_t user_sys_unlink(struct user_thread *t, const uint64_t *a)
{
    USER_PATH_AT(path, AT_FDCWD, a[0], USER_NAME_LINK);
    return USER_HOST(t, SYS_unlinkat, AT_FDCWD, path, 0, 0, 0, 0);
}

int64_t user_sys_rmdir(struct user_thread *t, const uint64_t *a)
{
    USER_PATH_AT(path, AT_FDCWD, a[0], USER_NAME_LINK);
    return USER_HOST(t, SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR, 0, 0, 0);
}

int64_t user_sys_mkdir(struct user_thread *t, const uint64_t *a)
{
    USER_PATH_AT(path, AT_FDCWD, a[0], USER_NAME_LINK | USER_NAME_NEW);
    return USER_HOST(t, SYS_mkdirat, AT_FDCWD, path, a[1], 0, 0, 0);
}

int64_t user_sys_mknod(struct user_thread *t, const uint64_t *a)
{
    USER_PATH_AT(path, AT_FDCWD, a[0], USER_NAME_LINK | USER_NAME_NEW);
    return USER_HOST(t, SYS_mknodat, AT_FDCWD, path, a[1], a[2], 0, 0);
}

int64_t user_sys_chmod(struct user_thread *t, const uint64_t *a)
{
    USER_PATH(path, a[0]);
    return USER_HOST(t, SYS_fchmodat, AT_FDCWD, path, a[1], 0, 0, 0);
}

int64_t user_sys_access(struct user_thread *t, const uint64_t *a)
{
    USER_PATH(path, a[0]);
    return USER_HOST(t, SYS_faccessat, AT_FDCWD, path, a[1], 0, 0, 0);
}

int64_t user_sys_rename(struct user_thread *t, const uint64_t *a)
{
    USER_PATH_AT(from, AT_FDCWD, a[0], USER_NAME_LINK);
    USER_PATH_AT(to, AT_FDCWD, a[1], USER_NAME_LINK | USER_NAME_NEW);
    return USER_HOST(t, SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0, 0);
}

int64_t user_sys_symlink(struct user_thread *t, const uint64_t *a)
{
    bool too_long;
    g_autofree char *target = user_mem_string(MEM(t), a[0], 4096, &too_long);
    USER_PATH_AT(path, AT_FDCWD, a[1], USER_NAME_LINK | USER_NAME_NEW);

    if (!target)
        return too_long ? -ENAMETOOLONG : -EFAULT;
    return USER_HOST(t, SYS_symlinkat, target, AT_FDCWD, path, 0, 0, 0);
}

static int64_t read_link(struct user_thread *t, int directory, uint64_t address, uint64_t to, uint64_t size)
{
    USER_PATH_AT(path, directory, address, USER_NAME_LINK);
    g_autofree char *own = user_proc_link(t->process, directory, path);
    void *buffer = user_mem_host(MEM(t), to, size);

    if ((int32_t)size <= 0)
        return -EINVAL;
    if (own) {
        size_t n = MIN(strlen(own), size);

        return user_mem_write(MEM(t), to, own, n) ? (int64_t)n : -EFAULT;
    }
    return buffer ? USER_HOST(t, SYS_readlinkat, directory, path, buffer, size, 0, 0) : -EFAULT;
}

int64_t user_sys_readlink(struct user_thread *t, const uint64_t *a)
{
    return read_link(t, AT_FDCWD, a[0], a[1], a[2]);
}

int64_t user_sys_readlinkat(struct user_thread *t, const uint64_t *a)
{
    return read_link(t, (int)a[0], a[1], a[2], a[3]);
}

/* ------------------------------------------------------------------------------------------------ owners */

static int64_t change_owner(struct user_thread *t, int directory, uint64_t address, uint32_t user,
                            uint32_t group, int flags)
{
    USER_PATH_AT(path, directory, address, flags & AT_SYMLINK_NOFOLLOW ? USER_NAME_LINK : USER_NAME_TARGET);
    return USER_HOST(t, SYS_fchownat, directory, path, user, group, flags, 0);
}

/* 16-bit -1 means "leave it" too. */
static uint32_t id16(uint64_t id)
{
    return (uint16_t)id == 0xffff ? 0xffffffffu : (uint16_t)id;
}

int64_t user_sys_fchownat(struct user_thread *t, const uint64_t *a)
{
    return change_owner(t, (int)a[0], a[1], (uint32_t)a[2], (uint32_t)a[3], (int)a[4]);
}

int64_t user_sys_chown(struct user_thread *t, const uint64_t *a)
{
    return change_owner(t, AT_FDCWD, a[0], (uint32_t)a[1], (uint32_t)a[2], 0);
}

int64_t user_sys_chown16(struct user_thread *t, const uint64_t *a)
{
    return change_owner(t, AT_FDCWD, a[0], id16(a[1]), id16(a[2]), 0);
}

int64_t user_sys_lchown(struct user_thread *t, const uint64_t *a)
{
    return change_owner(t, AT_FDCWD, a[0], (uint32_t)a[1], (uint32_t)a[2], AT_SYMLINK_NOFOLLOW);
}

int64_t user_sys_lchown16(struct user_thread *t, const uint64_t *a)
{
    return change_owner(t, AT_FDCWD, a[0], id16(a[1]), id16(a[2]), AT_SYMLINK_NOFOLLOW);
}

int64_t user_sys_fchown16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_fchown, a[0], id16(a[1]), id16(a[2]), 0, 0, 0);
}

/* ----------------------------------------------------------------------------------------- where one is */

int64_t user_sys_getcwd(struct user_thread *t, const uint64_t *a)
{
    char host[4096];
    g_autofree char *inside = NULL;
    int64_t result = USER_HOST(t, SYS_getcwd, host, sizeof(host), 0, 0, 0, 0);
    size_t size;

    if (result < 0)
        return result;
    inside = user_path_inside(t->process, host);
    size = strlen(inside) + 1;
    if (size > a[1])
        return -ERANGE;
    return user_mem_write(MEM(t), a[0], inside, size) ? (int64_t)size : -EFAULT;
}

int64_t user_sys_chdir(struct user_thread *t, const uint64_t *a)
{
    USER_PATH(path, a[0]);
    int64_t result = USER_HOST(t, SYS_chdir, path, 0, 0, 0, 0, 0);

    if (result == 0)
        user_proc_moved(t->process);
    return result;
}

int64_t user_sys_fchdir(struct user_thread *t, const uint64_t *a)
{
    int64_t result = USER_HOST(t, SYS_fchdir, (int)a[0], 0, 0, 0, 0, 0);

    if (result == 0)
        user_proc_moved(t->process);
    return result;
}

/* The host's own call would take this program's files away from it: from here on, names are looked up there.
 */
int64_t user_sys_chroot(struct user_thread *t, const uint64_t *a)
{
    struct user_options *options = &t->process->options;
    USER_PATH(path, a[0]);
    g_autofree char *real = NULL;
    char *found;

    if (geteuid() != 0)
        return -EPERM;
    found = realpath(path, NULL);
    if (!found)
        return -errno;
    real = g_strdup(found);
    free(found);
    if (!g_file_test(real, G_FILE_TEST_IS_DIR))
        return -ENOTDIR;
    /* Other threads may be reading the old name: it is not freed. */
    options->root = !g_str_equal(real, "/");
    options->sysroot = options->root ? g_steal_pointer(&real) : NULL;
    return 0;
}
