/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How rows of a system call table are written; the letters of `args` are explained at struct user_syscall. */
#ifndef VITRINE_USER_CALL_TABLE_H
#define VITRINE_USER_CALL_TABLE_H

#include <sys/syscall.h>

#include "emulator/user/abi.h"
#include "emulator/user/calls.h"

/* A call with a handler of its own; one that the host does once its arguments are converted. */
#define CALL(number, name, args)                                                                             \
    {                                                                                                        \
        number, #name, user_sys_##name, 0, args                                                              \
    }
#define NAMED(number, name, run, args)                                                                       \
    {                                                                                                        \
        number, name, user_sys_##run, 0, args                                                                \
    }
#define HOST(number, name, args)                                                                             \
    {                                                                                                        \
        number, #name, NULL, SYS_##name, args                                                                \
    }
#define HOST_AS(number, name, host, args)                                                                    \
    {                                                                                                        \
        number, name, NULL, SYS_##host, args                                                                 \
    }

#endif
