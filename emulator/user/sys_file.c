/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on open files, their status, and directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/proc.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* --------------------------------------------------------------------------------------- descriptors */

static int64_t make_pipe(struct user_thread *t, int fds[2], uint32_t flags)
{
    /* pipe2(2); O_EXCL is O_NOTIFICATION_PIPE. */
    if (flags & ~user_bits_to_guest(ABI(t)->open_flags, O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL))
        return -EINVAL;
    return USER_HOST(t, SYS_pipe2, fds, user_bits_to_host(ABI(t)->open_flags, flags), 0, 0, 0, 0);
}

/* SPARC's pipe has two results; where the generic call takes an array, the table names pipe2. */
int64_t user_sys_pipe(struct user_thread *t, const uint64_t *a)
{
    int fds[2];
    int64_t result = make_pipe(t, fds, 0);

    if (result < 0)
        return result;
    t->has_second = true;
    t->second = (uint64_t)fds[1];
    return fds[0];
}

int64_t user_sys_pipe2(struct user_thread *t, const uint64_t *a)
{
    int fds[2];
    int64_t result = make_pipe(t, fds, (uint32_t)a[1]);

    if (result < 0)
        return result;
    if (!user_mem_put(MEM(t), a[0], 4, (uint32_t)fds[0]) ||
        !user_mem_put(MEM(t), a[0] + 4, 4, (uint32_t)fds[1])) {
        close(fds[0]);
        close(fds[1]);
        return -EFAULT;
    }
    return 0;
}

/* The descriptor that this program keeps for itself does not exist for the guest. */
static bool is_ours(struct user_thread *t, uint64_t fd)
{
    return t->process->strace && (int)fd == fileno(t->process->strace);
}

int64_t user_sys_close(struct user_thread *t, const uint64_t *a)
{
    return is_ours(t, a[0]) ? -EBADF : USER_HOST(t, SYS_close, a[0], 0, 0, 0, 0, 0);
}

int64_t user_sys_close_range(struct user_thread *t, const uint64_t *a)
{
    uint32_t ours = t->process->strace ? (uint32_t)fileno(t->process->strace) : UINT32_MAX;
    uint32_t first = (uint32_t)a[0], last = (uint32_t)a[1];
    int64_t result;

    if (first > ours || last < ours || first > last)
        return USER_HOST(t, SYS_close_range, first, last, a[2], 0, 0, 0);
    result = first < ours ? USER_HOST(t, SYS_close_range, first, ours - 1, a[2], 0, 0, 0) : 0;
    if (result == 0 && ours < last)
        result = USER_HOST(t, SYS_close_range, ours + 1, last, a[2], 0, 0, 0);
    return result;
}

int64_t user_sys_dup2(struct user_thread *t, const uint64_t *a)
{
    if (is_ours(t, a[1]))
        return -EBADF;
    if (a[0] == a[1])
        return fcntl((int)a[0], F_GETFD) < 0 ? -EBADF : (int64_t)a[0];
    return USER_HOST(t, SYS_dup3, a[0], a[1], 0, 0, 0, 0);
}

int64_t user_sys_dup3(struct user_thread *t, const uint64_t *a)
{
    if (is_ours(t, a[1]))
        return -EBADF;
    return USER_HOST(t, SYS_dup3, a[0], a[1], user_bits_to_host(ABI(t)->open_flags, (uint32_t)a[2]), 0, 0, 0);
}

/* ext2 to ext4 number the places in a folder by 64-bit hashes for 64-bit programs, and by the upper halves of the
 * same hashes for 32-bit ones (Linux, fs/ext4/dir.c, hash2pos): C libraries refuse longer numbers. */
#define EXT4_MAGIC 0xef53
#define PLACE_HALF 32

static bool is_hashed_folder(int fd)
{
    struct stat status;
    struct statfs system;

    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) && fstatfs(fd, &system) == 0 &&
           system.f_type == EXT4_MAGIC;
}

static int64_t place_to_guest(const struct user_abi *abi, int64_t place)
{
    return abi->word == 4 && place > INT32_MAX ? place >> PLACE_HALF : place;
}

static int64_t seek(struct user_thread *t, int fd, int64_t offset, int whence)
{
    int64_t result;

    if (user_proc_kind(t->process, fd) == USER_PROC_MEMORY)
        return user_proc_seek(t, fd, offset, whence);
    if (ABI(t)->word == 4 && whence == SEEK_SET && offset > 0 && offset <= INT32_MAX && is_hashed_folder(fd))
        offset <<= PLACE_HALF;
    result = USER_HOST(t, SYS_lseek, fd, offset, whence, 0, 0, 0);
    return result > INT32_MAX && is_hashed_folder(fd) ? place_to_guest(ABI(t), result) : result;
}

int64_t user_sys_lseek(struct user_thread *t, const uint64_t *a)
{
    int64_t result = seek(t, (int)a[0], (int64_t)a[1], (int)a[2]);

    return ABI(t)->word == 4 && result > INT32_MAX ? -EOVERFLOW : result;
}

int64_t user_sys_llseek(struct user_thread *t, const uint64_t *a)
{
    int64_t offset = (int64_t)((a[1] & 0xffffffffu) << 32 | (a[2] & 0xffffffffu));
    int64_t result = seek(t, (int)a[0], offset, (int)a[4]);

    if (result < 0)
        return result;
    return user_mem_put(MEM(t), a[3], 8, (uint64_t)result) ? 0 : -EFAULT;
}

/* pread and pwrite: the host's, but for the program's own memory. */
static int64_t positioned_io(struct user_thread *t, long number, const uint64_t *a)
{
    struct iovec vector = {user_mem_host(MEM(t), a[1], a[2]), a[2]};

    if (!vector.iov_base)
        return -EFAULT;
    if (user_proc_kind(t->process, (int)a[0]) == USER_PROC_MEMORY)
        return user_proc_memory_io(t, (int)a[0], &vector, 1, (int64_t)a[3], false, number == SYS_pwrite64);
    return USER_HOST(t, number, (int)a[0], vector.iov_base, a[2], a[3], 0, 0);
}

int64_t user_sys_pread64(struct user_thread *t, const uint64_t *a)
{
    return positioned_io(t, SYS_pread64, a);
}

int64_t user_sys_pwrite64(struct user_thread *t, const uint64_t *a)
{
    return positioned_io(t, SYS_pwrite64, a);
}

static int64_t vector_io(struct user_thread *t, long number, const uint64_t *a, uint64_t position,
                         uint64_t flags)
{
    bool writes = number == SYS_writev || number == SYS_pwritev || number == SYS_pwritev2;
    bool own_position = number == SYS_readv || number == SYS_writev ||
                        ((number == SYS_preadv2 || number == SYS_pwritev2) && position == UINT64_MAX);
    struct iovec *vector;
    int64_t result = user_read_iovec(t, a[1], a[2], &vector);

    if (result >= 0 && number != SYS_vmsplice && user_proc_kind(t->process, (int)a[0]) == USER_PROC_MEMORY)
        result = user_proc_memory_io(t, (int)a[0], vector, (unsigned)a[2], (int64_t)position, own_position, writes);
    else if (result >= 0)
        result = USER_HOST(t, number, (int)a[0], vector, a[2], position, 0, flags);
    g_free(vector);
    return result;
}

int64_t user_sys_readv(struct user_thread *t, const uint64_t *a)
{
    return vector_io(t, SYS_readv, a, 0, 0);
}

int64_t user_sys_writev(struct user_thread *t, const uint64_t *a)
{
    return vector_io(t, SYS_writev, a, 0, 0);
}

/* The position is two words, lower first whatever the byte order; the host takes all of it in the first. */
int64_t user_sys_preadv(struct user_thread *t, const uint64_t *a)
{
    return vector_io(t, SYS_preadv, a, (a[3] & 0xffffffffu) | a[4] << 32, 0);
}

int64_t user_sys_pwritev(struct user_thread *t, const uint64_t *a)
{
    return vector_io(t, SYS_pwritev, a, (a[3] & 0xffffffffu) | a[4] << 32, 0);
}

/* RWF_* are the same everywhere; a position of -1 is the file's own. */
int64_t user_sys_preadv2(struct user_thread *t, const uint64_t *a)
{
    return vector_io(t, SYS_preadv2, a, (a[3] & 0xffffffffu) | a[4] << 32, a[5]);
}

int64_t user_sys_pwritev2(struct user_thread *t, const uint64_t *a)
{
    return vector_io(t, SYS_pwritev2, a, (a[3] & 0xffffffffu) | a[4] << 32, a[5]);
}

int64_t user_sys_vmsplice(struct user_thread *t, const uint64_t *a)
{
    return vector_io(t, SYS_vmsplice, a, a[3], 0);
}

static int64_t send_file(struct user_thread *t, const uint64_t *a, unsigned size)
{
    uint64_t value = 0;
    off_t offset;
    int64_t result;

    if (a[2] && !user_mem_get(MEM(t), a[2], size, &value))
        return -EFAULT;
    offset = size == 4 ? (off_t)(int32_t)value : (off_t)value;
    result = USER_HOST(t, SYS_sendfile, a[0], a[1], a[2] ? &offset : NULL, a[3], 0, 0);
    if (result >= 0 && a[2] && !user_mem_put(MEM(t), a[2], size, (uint64_t)offset))
        return -EFAULT;
    return result;
}

int64_t user_sys_sendfile(struct user_thread *t, const uint64_t *a)
{
    return send_file(t, a, ABI(t)->word);
}

int64_t user_sys_sendfile64(struct user_thread *t, const uint64_t *a)
{
    return send_file(t, a, 8);
}

int64_t user_sys_copy_file_range(struct user_thread *t, const uint64_t *a)
{
    uint64_t in = 0, out = 0;
    int64_t result;

    if ((a[1] && !user_mem_get(MEM(t), a[1], 8, &in)) || (a[3] && !user_mem_get(MEM(t), a[3], 8, &out)))
        return -EFAULT;
    result = USER_HOST(t, SYS_copy_file_range, a[0], a[1] ? &in : NULL, a[2], a[3] ? &out : NULL, a[4], a[5]);
    if (result >= 0 &&
        ((a[1] && !user_mem_put(MEM(t), a[1], 8, in)) || (a[3] && !user_mem_put(MEM(t), a[3], 8, out))))
        return -EFAULT;
    return result;
}

int64_t user_sys_fadvise64(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_fadvise64, a[0], a[1], a[2], a[3], 0, 0);
}

/* ARM has the advice second, so that the pairs of registers are even. */
int64_t user_sys_fadvise64_arm(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_fadvise64, (int)a[0], a[2], a[3], (int)a[1], 0, 0);
}

int64_t user_sys_sync_file_range2(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_sync_file_range, (int)a[0], a[2], a[3], (uint32_t)a[1], 0, 0);
}

/* struct open_how: three 64-bit numbers; what follows in a later kernel's must be zero. */
int64_t user_sys_openat2(struct user_thread *t, const uint64_t *a)
{
    struct open_how how;
    uint64_t rest;

    if (a[3] < sizeof(how))
        return -EINVAL;
    if (a[3] > USER_PAGE_SIZE)
        return -E2BIG;
    if (!user_record_read(t, a[2], "3q", &how))
        return -EFAULT;
    for (uint64_t at = sizeof(how); at < a[3]; at++) {
        if (!user_mem_get(MEM(t), a[2] + at, 1, &rest))
            return -EFAULT;
        if (rest)
            return -E2BIG;
    }
    if (how.flags >> 32)
        return -EINVAL;
    how.flags = user_bits_to_host(ABI(t)->open_flags, (uint32_t)how.flags);
    /* A name that must stay below the folder is not to be turned into an absolute one. */
    if (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
        return user_call_host(t, SYS_openat2, "dSpu", (uint64_t[]){a[0], a[1], (uint64_t)(uintptr_t)&how, sizeof(how)});
    USER_PATH_AT(path, (int)a[0], a[1],
                 (how.flags & O_NOFOLLOW ? USER_NAME_LINK : 0u) | (how.flags & O_CREAT ? USER_NAME_NEW : 0u));
    return USER_HOST(t, SYS_openat2, (int)a[0], path, &how, sizeof(how), 0, 0);
}

/* struct file_handle: bytes, type, then that many bytes that only the file system understands. */
#define HANDLE_HEAD 8

int64_t user_sys_name_to_handle_at(struct user_thread *t, const uint64_t *a)
{
    USER_PATH_AT(path, (int)a[0], a[1], a[4] & AT_SYMLINK_FOLLOW ? USER_NAME_TARGET : USER_NAME_LINK);
    uint64_t room;
    g_autofree struct file_handle *handle = NULL;
    int mount;
    int64_t result;

    if (!user_mem_get(MEM(t), a[2], 4, &room))
        return -EFAULT;
    if (room > MAX_HANDLE_SZ)
        return -EINVAL;
    handle = g_malloc0(sizeof(*handle) + MAX_HANDLE_SZ);
    handle->handle_bytes = (unsigned)room;
    result = USER_HOST(t, SYS_name_to_handle_at, (int)a[0], path, handle, &mount, a[4], 0);
    if (result < 0 && result != -EOVERFLOW)
        return result;
    /* The size that is needed and the mount are told even when the room does not suffice. */
    if (!user_mem_put(MEM(t), a[2], 4, handle->handle_bytes) ||
        !user_mem_put(MEM(t), a[3], 4, (uint32_t)mount) ||
        (result == 0 &&
         (!user_mem_put(MEM(t), a[2] + 4, 4, (uint32_t)handle->handle_type) ||
          !user_mem_write(MEM(t), a[2] + HANDLE_HEAD, handle->f_handle, handle->handle_bytes))))
        return -EFAULT;
    return result;
}

int64_t user_sys_open_by_handle_at(struct user_thread *t, const uint64_t *a)
{
    uint64_t size, type;
    g_autofree struct file_handle *handle = NULL;

    if (!user_mem_get(MEM(t), a[1], 4, &size) || !user_mem_get(MEM(t), a[1] + 4, 4, &type))
        return -EFAULT;
    if (size == 0 || size > MAX_HANDLE_SZ)
        return -EINVAL;
    handle = g_malloc0(sizeof(*handle) + MAX_HANDLE_SZ);
    handle->handle_bytes = (unsigned)size;
    handle->handle_type = (int)type;
    if (!user_mem_read(MEM(t), a[1] + HANDLE_HEAD, handle->f_handle, size))
        return -EFAULT;
    return USER_HOST(t, SYS_open_by_handle_at, (int)a[0], handle,
                     user_bits_to_host(ABI(t)->open_flags, (uint32_t)a[2]), 0, 0, 0);
}

/* struct ustat: free blocks, free inodes, two names of six bytes. */
int64_t user_sys_ustat(struct user_thread *t, const uint64_t *a)
{
    struct {
        int32_t blocks;
        uint64_t inodes;
        char names[12];
    } status;
    int64_t result = USER_HOST(t, SYS_ustat, (uint32_t)a[0], &status, 0, 0, 0, 0);

    return result >= 0 && !user_record_write(t, a[1], "iL12c", &status) ? -EFAULT : result;
}

/* ---------------------------------------------------------------------------------------------- status */

static int64_t put_stat(struct user_thread *t, const struct user_stat_layout *layout, uint64_t to,
                        int directory, const char *path, int flags)
{
    struct stat status;
    uint8_t packed[256];
    int64_t result = USER_HOST(t, SYS_newfstatat, directory, path, &status, flags, 0, 0);

    if (result < 0)
        return result;
    g_assert(layout->size <= sizeof(packed));
    if (layout->file_size.size == 4 && status.st_size > INT32_MAX)
        return -EOVERFLOW;
    user_pack_stat(ABI(t), layout, packed, &status);
    return user_mem_write(MEM(t), to, packed, layout->size) ? 0 : -EFAULT;
}

static int64_t stat_path(struct user_thread *t, const struct user_stat_layout *layout, int directory,
                         uint64_t address, uint64_t to, int flags)
{
    USER_PATH_AT(path, directory, address, flags & AT_SYMLINK_NOFOLLOW ? USER_NAME_LINK : USER_NAME_TARGET);

    return put_stat(t, layout, to, directory, path, flags);
}

int64_t user_sys_stat(struct user_thread *t, const uint64_t *a)
{
    return stat_path(t, ABI(t)->stat, AT_FDCWD, a[0], a[1], 0);
}

int64_t user_sys_lstat(struct user_thread *t, const uint64_t *a)
{
    return stat_path(t, ABI(t)->stat, AT_FDCWD, a[0], a[1], AT_SYMLINK_NOFOLLOW);
}

int64_t user_sys_fstat(struct user_thread *t, const uint64_t *a)
{
    return put_stat(t, ABI(t)->stat, a[1], (int)a[0], "", AT_EMPTY_PATH);
}

int64_t user_sys_stat64(struct user_thread *t, const uint64_t *a)
{
    return stat_path(t, ABI(t)->stat64, AT_FDCWD, a[0], a[1], 0);
}

int64_t user_sys_lstat64(struct user_thread *t, const uint64_t *a)
{
    return stat_path(t, ABI(t)->stat64, AT_FDCWD, a[0], a[1], AT_SYMLINK_NOFOLLOW);
}

int64_t user_sys_fstat64(struct user_thread *t, const uint64_t *a)
{
    return put_stat(t, ABI(t)->stat64, a[1], (int)a[0], "", AT_EMPTY_PATH);
}

int64_t user_sys_fstatat64(struct user_thread *t, const uint64_t *a)
{
    return stat_path(t, ABI(t)->stat64, (int)a[0], a[1], a[2], (int)a[3]);
}

/* struct statx is the same everywhere but for the byte order. */
int64_t user_sys_statx(struct user_thread *t, const uint64_t *a)
{
    static const uint8_t sizes[] = {4, 4, 8, 4, 4, 4, 2, 2, 8, 8, 8, 8,
                                    /* four times: seconds, nanoseconds, padding */
                                    8, 4, 4, 8, 4, 4, 8, 4, 4, 8, 4, 4, 4, 4, 4, 4, 8, 4, 4};
    USER_PATH_AT(path, (int)a[0], a[1], a[2] & AT_SYMLINK_NOFOLLOW ? USER_NAME_LINK : USER_NAME_TARGET);
    uint8_t status[256] = {0}, packed[256] = {0};
    int64_t result = USER_HOST(t, SYS_statx, a[0], path, a[2], a[3], status, 0);
    unsigned at = 0;

    if (result < 0)
        return result;
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); at += sizes[i++]) {
        uint64_t value = 0;

        memcpy(&value, status + at, sizes[i]);
        user_store(packed + at, sizes[i], value, ABI(t)->big_endian);
    }
    return user_mem_write(MEM(t), a[4], packed, sizeof(packed)) ? 0 : -EFAULT;
}

static int64_t put_statfs(struct user_thread *t, uint64_t to, const struct statfs *s, bool wide)
{
    /* asm-generic/statfs.h: words, but for five 64-bit counts in statfs64. */
    uint64_t values[16] = {(uint64_t)s->f_type, (uint64_t)s->f_bsize, s->f_blocks, s->f_bfree,
                           s->f_bavail,         s->f_files,           s->f_ffree};
    unsigned word = ABI(t)->word, count = wide ? 8 : word, at = 0;
    uint8_t packed[128] = {0};

    for (unsigned i = 0; i < 7; i++) {
        unsigned size = i < 2 ? word : count;

        user_store(packed + at, size, values[i], ABI(t)->big_endian);
        at += size;
    }
    for (unsigned i = 0; i < 2; i++, at += 4)
        user_store(packed + at, 4, (uint32_t)s->f_fsid.__val[i], ABI(t)->big_endian);
    user_store(packed + at, word, (uint64_t)s->f_namelen, ABI(t)->big_endian);
    user_store(packed + at + word, word, (uint64_t)s->f_frsize, ABI(t)->big_endian);
    user_store(packed + at + 2 * word, word, (uint64_t)s->f_flags, ABI(t)->big_endian);
    at += 7 * word;
    at = (at + count - 1) & ~(count - 1);
    return user_mem_write(MEM(t), to, packed, at) ? 0 : -EFAULT;
}

int64_t user_sys_statfs(struct user_thread *t, const uint64_t *a)
{
    USER_PATH(path, a[0]);
    struct statfs status;
    int64_t result = USER_HOST(t, SYS_statfs, path, &status, 0, 0, 0, 0);

    return result < 0 ? result : put_statfs(t, a[1], &status, false);
}

int64_t user_sys_fstatfs(struct user_thread *t, const uint64_t *a)
{
    struct statfs status;
    int64_t result = USER_HOST(t, SYS_fstatfs, a[0], &status, 0, 0, 0, 0);

    return result < 0 ? result : put_statfs(t, a[1], &status, false);
}

int64_t user_sys_statfs64(struct user_thread *t, const uint64_t *a)
{
    USER_PATH(path, a[0]);
    struct statfs status;
    int64_t result = USER_HOST(t, SYS_statfs, path, &status, 0, 0, 0, 0);

    return result < 0 ? result : put_statfs(t, a[2], &status, true);
}

int64_t user_sys_fstatfs64(struct user_thread *t, const uint64_t *a)
{
    struct statfs status;
    int64_t result = USER_HOST(t, SYS_fstatfs, a[0], &status, 0, 0, 0, 0);

    return result < 0 ? result : put_statfs(t, a[2], &status, true);
}

/* ----------------------------------------------------------------------------------------- directories */

struct host_dirent64 {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
};

#define DIRENT_HEAD offsetof(struct host_dirent64, name)

static int64_t read_directory(struct user_thread *t, const uint64_t *a, bool old)
{
    unsigned word = ABI(t)->word, head = 2 * word + 2;
    uint64_t size = MIN(a[2], 65536);
    g_autofree uint8_t *from = g_malloc(size), *to = g_malloc0(size);
    bool tasks = user_proc_kind(t->process, (int)a[0]) == USER_PROC_TASKS;
    uint64_t filled = 0;
    off_t place = lseek((int)a[0], 0, SEEK_CUR);
    int64_t got = USER_HOST(t, SYS_getdents64, a[0], from, size, 0, 0, 0);

    if (got <= 0)
        return got;
    for (int64_t at = 0; at < got;) {
        const struct host_dirent64 *entry = (const struct host_dirent64 *)(from + at);
        uint8_t *out = to + filled;
        size_t name = strlen(entry->name) + 1, need;

        if (tasks && !user_proc_shows(t, entry->name)) {
            at += entry->reclen;
            continue;
        }
        if (!old) {
            need = entry->reclen;
            user_store(out, 8, entry->ino, ABI(t)->big_endian);
            user_store(out + 8, 8, (uint64_t)place_to_guest(ABI(t), entry->off), ABI(t)->big_endian);
            user_store(out + 16, 2, need, ABI(t)->big_endian);
            out[18] = entry->type;
            memcpy(out + DIRENT_HEAD, entry->name, name);
        } else {
            /* inode, offset, length, name, and the type in the last byte: never longer than the new form. */
            need = (head + name + 1 + word - 1) & ~(size_t)(word - 1);
            if (filled + need > size)
                break;
            user_store(out, word, entry->ino, ABI(t)->big_endian);
            user_store(out + word, word, (uint64_t)place_to_guest(ABI(t), entry->off), ABI(t)->big_endian);
            user_store(out + 2 * word, 2, need, ABI(t)->big_endian);
            memcpy(out + head, entry->name, name);
            out[need - 1] = entry->type;
        }
        filled += need;
        at += entry->reclen;
    }
    if (!user_mem_write(MEM(t), a[1], to, filled)) {
        lseek((int)a[0], place, SEEK_SET);
        return -EFAULT;
    }
    return (int64_t)filled;
}

int64_t user_sys_getdents(struct user_thread *t, const uint64_t *a)
{
    return read_directory(t, a, true);
}

int64_t user_sys_getdents64(struct user_thread *t, const uint64_t *a)
{
    return read_directory(t, a, false);
}

/* --------------------------------------------------------------------------------------------- control */

static int64_t lock_file(struct user_thread *t, const uint64_t *a, int command,
                         const struct user_flock_layout *layout)
{
    const struct user_abi *abi = ABI(t);
    struct flock lock = {0};
    uint8_t packed[64];
    int64_t result;
    bool narrow = layout->start.size == 4;

    if (!user_mem_read(MEM(t), a[2], packed, layout->size))
        return -EFAULT;
    lock.l_type =
        (short)user_pair_to_host(abi->lock_types, (int16_t)user_get_field(abi, packed, layout->type), -2);
    lock.l_whence = (short)user_get_field(abi, packed, layout->whence);
    lock.l_start = (off_t)user_get_field(abi, packed, layout->start);
    lock.l_len = (off_t)user_get_field(abi, packed, layout->length);
    if (narrow) {
        lock.l_start = (int32_t)lock.l_start;
        lock.l_len = (int32_t)lock.l_len;
    }
    lock.l_pid = (int32_t)user_get_field(abi, packed, layout->pid);
    result = USER_HOST(t, SYS_fcntl, a[0], command, &lock, 0, 0, 0);
    if (result < 0 || (command != F_GETLK && command != F_OFD_GETLK))
        return result;
    if (narrow && (lock.l_start != (int32_t)lock.l_start || lock.l_len != (int32_t)lock.l_len))
        return -EOVERFLOW;
    user_put_field(abi, packed, layout->type, (uint64_t)user_pair_to_guest(abi->lock_types, lock.l_type, -1));
    user_put_field(abi, packed, layout->whence, (uint64_t)lock.l_whence);
    user_put_field(abi, packed, layout->start, (uint64_t)lock.l_start);
    user_put_field(abi, packed, layout->length, (uint64_t)lock.l_len);
    user_put_field(abi, packed, layout->pid, (uint64_t)lock.l_pid);
    return user_mem_write(MEM(t), a[2], packed, layout->size) ? 0 : -EFAULT;
}

/* Linux's numbers of the calls with 64-bit locks on 32-bit machines. */
enum { GUEST_F_GETLK64 = 12, GUEST_F_SETLK64 = 13, GUEST_F_SETLKW64 = 14 };

int64_t user_sys_fcntl64(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    int command = (int)a[1];
    struct f_owner_ex owner;
    int64_t result;

    if (abi->word == 4) {
        switch (command) {
        case GUEST_F_GETLK64: return lock_file(t, a, F_GETLK, abi->flock64);
        case GUEST_F_SETLK64: return lock_file(t, a, F_SETLK, abi->flock64);
        case GUEST_F_SETLKW64: return lock_file(t, a, F_SETLKW, abi->flock64);
        default: break;
        }
    }
    command = user_pair_to_host(abi->fcntl_commands, command, command);
    switch (command) {
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW: return lock_file(t, a, command, abi->flock);
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: return lock_file(t, a, command, abi->flock64);
    case F_GETFL:
        result = USER_HOST(t, SYS_fcntl, a[0], F_GETFL, 0, 0, 0, 0);
        return result < 0 ? result : (int64_t)user_bits_to_guest(abi->open_flags, (uint32_t)result);
    case F_SETFL:
        return USER_HOST(t, SYS_fcntl, a[0], F_SETFL, user_bits_to_host(abi->open_flags, (uint32_t)a[2]), 0,
                         0, 0);
    case F_SETSIG: return USER_HOST(t, SYS_fcntl, a[0], F_SETSIG, user_signal_to_host(abi, a[2]), 0, 0, 0);
    case F_GETSIG:
        result = USER_HOST(t, SYS_fcntl, a[0], F_GETSIG, 0, 0, 0, 0);
        return result <= 0 ? result : user_signal_to_guest(abi, (int)result);
    case F_SETOWN_EX:
        return user_record_read(t, a[2], "2i", &owner) ? USER_HOST(t, SYS_fcntl, a[0], F_SETOWN_EX, &owner, 0, 0, 0)
                                                       : -EFAULT;
    case F_GETOWN_EX: /* C libraries ask this for F_GETOWN */
        result = USER_HOST(t, SYS_fcntl, a[0], F_GETOWN_EX, &owner, 0, 0, 0);
        return result < 0 || user_record_write(t, a[2], "2i", &owner) ? result : -EFAULT;
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
    case F_GETFD:
    case F_SETFD:
    case F_GETOWN:
    case F_SETOWN:
    case F_GETLEASE:
    case F_SETLEASE:
    case F_NOTIFY:
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
    case F_ADD_SEALS:
    case F_GET_SEALS: return USER_HOST(t, SYS_fcntl, a[0], command, (int)a[2], 0, 0, 0);
    default: return -EINVAL;
    }
}

int64_t user_sys_fcntl(struct user_thread *t, const uint64_t *a)
{
    return user_sys_fcntl64(t, a);
}

static int64_t set_times(struct user_thread *t, int directory, uint64_t path_address,
                         const struct timespec *times, int flags)
{
    g_autofree char *path = NULL;

    if (path_address) {
        int64_t bad = user_call_path_at(t, directory, path_address,
                                        flags & AT_SYMLINK_NOFOLLOW ? USER_NAME_LINK : USER_NAME_TARGET, &path);

        if (bad < 0)
            return bad;
    }
    return USER_HOST(t, SYS_utimensat, directory, path, times, flags, 0, 0);
}

int64_t user_sys_utime(struct user_thread *t, const uint64_t *a)
{
    struct timespec times[2] = {{0}};
    unsigned word = ABI(t)->word;
    uint64_t value;

    if (!a[1])
        return set_times(t, AT_FDCWD, a[0], NULL, 0);
    for (unsigned i = 0; i < 2; i++) {
        if (!user_mem_get(MEM(t), a[1] + i * word, word, &value))
            return -EFAULT;
        times[i].tv_sec = word == 4 ? (time_t)(int32_t)value : (time_t)value;
    }
    return set_times(t, AT_FDCWD, a[0], times, 0);
}

static int64_t timeval_times(struct user_thread *t, int directory, uint64_t path, uint64_t from)
{
    struct timespec times[2];

    if (!from)
        return set_times(t, directory, path, NULL, 0);
    for (unsigned i = 0; i < 2; i++) {
        if (!user_read_timeval(t, from + i * 2 * ABI(t)->word, &times[i]))
            return -EFAULT;
        if (times[i].tv_nsec < 0 || times[i].tv_nsec > 999999999)
            return -EINVAL;
    }
    return set_times(t, directory, path, times, 0);
}

int64_t user_sys_utimes(struct user_thread *t, const uint64_t *a)
{
    return timeval_times(t, AT_FDCWD, a[0], a[1]);
}

int64_t user_sys_futimesat(struct user_thread *t, const uint64_t *a)
{
    return timeval_times(t, (int)a[0], a[1], a[2]);
}

static int64_t timespec_times(struct user_thread *t, const uint64_t *a, bool wide)
{
    struct timespec times[2];
    unsigned step = wide ? 16 : 2u * ABI(t)->word;

    if (!a[2])
        return set_times(t, (int)a[0], a[1], NULL, (int)a[3]);
    for (unsigned i = 0; i < 2; i++) {
        if (!user_read_timespec(t, a[2] + i * step, wide, &times[i]))
            return -EFAULT;
    }
    return set_times(t, (int)a[0], a[1], times, (int)a[3]);
}

int64_t user_sys_utimensat(struct user_thread *t, const uint64_t *a)
{
    return timespec_times(t, a, ABI(t)->word == 8);
}

int64_t user_sys_utimensat_time64(struct user_thread *t, const uint64_t *a)
{
    return timespec_times(t, a, true);
}
