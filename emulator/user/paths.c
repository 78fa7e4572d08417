/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names below the sysroot. The kernel itself follows the links, by openat2(RESOLVE_IN_ROOT). See paths.h. */
#include "emulator/user/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emulator/user/proc.h"
#include "emulator/user/process.h"

/* First folders that are the host's. */
static const char *const kernel_folders[] = {"dev", "proc", "sys", NULL};
static const char *const users_folders[] = {"home", "media", "mnt", "root", "run", "tmp", "var/tmp", NULL};

static bool begins_with(const char *path, const char *const *folders)
{
    path += strspn(path, "/");
    for (; *folders; folders++) {
        size_t n = strlen(*folders);

        if (strncmp(path, *folders, n) == 0 && (path[n] == 0 || path[n] == '/'))
            return true;
    }
    return false;
}

static bool is_hosts(const struct user_process *process, const char *path)
{
    return begins_with(path, kernel_folders) || (!process->options.root && begins_with(path, users_folders));
}

static char *link_target(const char *path)
{
    return g_file_read_link(path, NULL);
}

/* The host's name of what an open descriptor is. */
static char *name_of(int directory)
{
    g_autofree char *link =
        directory == AT_FDCWD ? g_strdup("/proc/self/cwd") : g_strdup_printf("/proc/self/fd/%d", directory);

    return link_target(link);
}

/* The part of a host name below the sysroot (with its slash), or NULL. */
static const char *below(const struct user_process *process, const char *host)
{
    size_t n = strlen(process->options.sysroot);

    if (strncmp(host, process->options.sysroot, n) != 0 || (host[n] && host[n] != '/'))
        return NULL;
    return host[n] ? host + n : "/";
}

char *user_path_inside(const struct user_process *process, const char *host)
{
    const char *inside = process->options.sysroot ? below(process, host) : NULL;

    return g_strdup(inside ? inside : host);
}

/* The host's name of what stands below the sysroot; NULL with errno: nothing. */
static char *find_inside(const struct user_process *process, const char *path, bool follow)
{
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW),
                                 .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int root = open(process->options.sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, number;
    char *found;

    if (root < 0)
        return NULL;
    path += strspn(path, "/");
    fd = (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
    number = errno;
    close(root);
    if (fd < 0) {
        errno = number;
        return NULL;
    }
    found = name_of(fd);
    close(fd);
    errno = ENOENT;
    return found;
}

/* Where a name that is not there would be made below the sysroot; NULL: nowhere. */
static char *find_folder_inside(const struct user_process *process, const char *path)
{
    g_autofree char *copy = g_strdup(path), *folder = NULL;
    char *name;
    size_t n = strlen(copy);

    while (n > 1 && copy[n - 1] == '/')
        copy[--n] = 0;
    name = strrchr(copy, '/');
    if (!name || !name[1] || g_str_equal(name + 1, ".") || g_str_equal(name + 1, ".."))
        return NULL;
    *name++ = 0;
    folder = find_inside(process, copy, true);
    if (!folder || (below(process, folder) && is_hosts(process, below(process, folder))))
        return NULL;
    return g_build_filename(folder, name, NULL);
}

static char *look_up(const struct user_process *process, const char *path, unsigned kind)
{
    char *found;
    struct stat status;

    if (is_hosts(process, path))
        return g_strdup(path);
    found = find_inside(process, path, !(kind & USER_NAME_LINK));
    if (found) {
        const char *inside = below(process, found);

        /* A link may lead to a folder that is the host's. */
        if (!inside || !is_hosts(process, inside))
            return found;
        g_free(found);
        return g_strdup(path);
    }
    if (errno != ENOENT)
        return g_strconcat(process->options.sysroot, path, NULL);
    if (kind & USER_NAME_NEW && (process->options.root || lstat(path, &status) != 0)) {
        found = find_folder_inside(process, path);
        if (found)
            return found;
    }
    return process->options.root ? g_strconcat(process->options.sysroot, path, NULL) : g_strdup(path);
}

char *user_path_at(const struct user_process *process, int directory, const char *path, unsigned kind)
{
    g_autofree char *folder = NULL, *whole = NULL;
    const char *inside;
    pid_t tid;
    bool may_be = !(kind & USER_NAME_LINK) && g_str_has_suffix(path, "exe");
    g_autofree char *own = may_be ? user_proc_own(process, directory, path, &tid) : NULL;

    if (own && g_str_equal(own, "exe") && process->exe)
        return g_strdup(process->exe);
    if (!process->options.sysroot || !*path)
        return g_strdup(path);
    if (*path == '/')
        return look_up(process, path, kind);
    folder = name_of(directory);
    inside = folder ? below(process, folder) : NULL;
    if (!inside)
        return g_strdup(path);
    whole = g_strconcat(inside, "/", path, NULL);
    return look_up(process, whole, kind);
}

char *user_path(const struct user_process *process, const char *path)
{
    return user_path_at(process, AT_FDCWD, path, USER_NAME_TARGET);
}

int64_t user_call_path_at(struct user_thread *thread, int directory, uint64_t address, unsigned kind,
                          char **path)
{
    bool too_long;
    g_autofree char *text = user_mem_string(&thread->process->mem, address, 4096, &too_long);

    *path = NULL;
    if (!text)
        return too_long ? -ENAMETOOLONG : -EFAULT;
    *path = user_path_at(thread->process, directory, text, kind);
    return 0;
}

int64_t user_call_path(struct user_thread *thread, uint64_t address, char **path)
{
    return user_call_path_at(thread, AT_FDCWD, address, USER_NAME_TARGET, path);
}
