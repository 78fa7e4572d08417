/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File names of the program and of the host.
 *
 * With a sysroot, a name is looked up below it as if it were the root folder (absolute links inside lead to
 * names inside), and names that are not there are the host's. A new file goes where its folder is. Folders
 * that belong to the running system and to the user (/dev, /proc, /sys, /run, /tmp, /home ...) are the host's
 * always.
 *
 * With a root, which `chroot` makes of a folder too, nothing but the kernel's folders is the host's.
 */
#ifndef VITRINE_USER_PATHS_H
#define VITRINE_USER_PATHS_H

#include <stdbool.h>
#include <stdint.h>

struct user_process;
struct user_thread;

enum user_name {                       /* bits */
                 USER_NAME_TARGET = 0, /* what a link leads to */
                 USER_NAME_LINK = 1,   /* the link itself */
                 USER_NAME_NEW = 2,    /* it may not be there yet */
};

/* The host's name for one that the program uses. Relative names begin at a folder's descriptor or AT_FDCWD,
 * and so may the result. Free with g_free(). */
char *user_path_at(const struct user_process *process, int directory, const char *path, unsigned kind);
/* Absolute names and names from the current folder. */
char *user_path(const struct user_process *process, const char *path);
/* What the program calls a file of the host: below the sysroot, its name without it. Free with g_free(). */
char *user_path_inside(const struct user_process *process, const char *host);

/* The name at a guest address as user_path_at() has it; 0 or -errno. Free with g_free(). */
int64_t user_call_path_at(struct user_thread *thread, int directory, uint64_t address, unsigned kind,
                          char **path);
int64_t user_call_path(struct user_thread *thread, uint64_t address, char **path);

/* In a handler: declares the host's name of a file of `thread` t, which lives until the block ends, or
 * returns. */
#define USER_PATH_AT(name, directory, address, kind)                                                         \
    g_autofree char *name = NULL;                                                                            \
    {                                                                                                        \
        int64_t bad_path_ = user_call_path_at(t, (directory), (address), (kind), &name);                     \
                                                                                                             \
        if (bad_path_ < 0)                                                                                   \
            return bad_path_;                                                                                \
    }
#define USER_PATH(name, address) USER_PATH_AT(name, AT_FDCWD, address, USER_NAME_TARGET)

#endif
