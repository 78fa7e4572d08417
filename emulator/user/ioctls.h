/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ioctls that programs may use: one row each, whatever the guest's processor. */
#ifndef VITRINE_USER_IOCTLS_H
#define VITRINE_USER_IOCTLS_H

#include <stdint.h>

struct user_ioctl;
struct user_process;
struct user_thread;

/* How the argument is converted: a number (or nothing), or the address of a structure. */
enum user_ioctl_kind {
    USER_IOCTL_PLAIN,
    USER_IOCTL_READ,  /* the kernel fills it */
    USER_IOCTL_WRITE, /* the kernel reads it */
    USER_IOCTL_BOTH,
};

/* How the guest's number comes from the host's. */
enum user_ioctl_coding {
    USER_IOCTL_RAW,   /* it is the same everywhere */
    USER_IOCTL_CODED, /* direction and size stand in it (asm/ioctl.h) */
};

typedef int64_t user_ioctl_handler(struct user_thread *t, const struct user_ioctl *row, int fd,
                                   uint64_t argument);

struct user_ioctl {
    uint32_t host;
    const char *name;
    uint8_t kind, coding;
    const char *format; /* of the structure, as in record.h */
    const char *sized;  /* of what the number was made from, when that is something else; NULL: format */
    user_ioctl_handler *run;
};

/* Ends with a NULL name. */
extern const struct user_ioctl user_ioctls[];

/* The row of a guest's number, or NULL. */
const struct user_ioctl *user_ioctl_find(struct user_process *process, uint32_t guest);

/* Handlers in sys_ioctl.c that rows of the table name. */
user_ioctl_handler user_ioctl_termios, user_ioctl_termios2, user_ioctl_termio, user_ioctl_ifconf, user_ioctl_fiemap,
    user_ioctl_open_flags;

#endif
