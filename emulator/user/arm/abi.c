/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Constants and structure layouts of ARM Linux, EABI: nearly all are the generic ones, which are this host's too.
 * Source: Linux's user headers for ARM (asm/fcntl.h, stat.h, signal.h) and asm-generic.
 */
#include <fcntl.h>

#include "emulator/user/arm/arm.h"

#define FLAG(guest, host)                                                                                    \
    {                                                                                                        \
        (guest), (guest), (host), (host)                                                                     \
    }
#define SAME(value) FLAG(value, value)

/* O_SYNC and O_TMPFILE are two bits, of which one is a flag of its own. */
#define HOST_O_SYNC    04000000
#define HOST_O_TMPFILE 020000000
/* The C library gives it the value 0 on 64-bit hosts. */
#define HOST_O_LARGEFILE 0100000

static const struct user_bits open_flags[] = {
    {O_ACCMODE, O_WRONLY, O_ACCMODE, O_WRONLY},
    {O_ACCMODE, O_RDWR, O_ACCMODE, O_RDWR},
    {O_ACCMODE, O_ACCMODE, O_ACCMODE, O_ACCMODE},
    SAME(O_CREAT),
    SAME(O_EXCL),
    SAME(O_NOCTTY),
    SAME(O_TRUNC),
    SAME(O_APPEND),
    SAME(O_NONBLOCK),
    SAME(O_DSYNC),
    SAME(O_ASYNC),
    FLAG(040000, O_DIRECTORY),
    FLAG(0100000, O_NOFOLLOW),
    FLAG(0200000, O_DIRECT),
    FLAG(0400000, HOST_O_LARGEFILE),
    SAME(O_NOATIME),
    SAME(O_CLOEXEC),
    SAME(HOST_O_SYNC),
    SAME(O_PATH),
    SAME(HOST_O_TMPFILE),
    {0},
};

static const struct user_stat_layout stat_layout = {
    .size = 64,
    .dev = {0, 4},
    .ino = {4, 4},
    .mode = {8, 2},
    .nlink = {10, 2},
    .uid = {12, 2},
    .gid = {14, 2},
    .rdev = {16, 4},
    .file_size = {20, 4},
    .blksize = {24, 4},
    .blocks = {28, 4},
    .atime = {32, 4},
    .atime_nsec = {36, 4},
    .mtime = {40, 4},
    .mtime_nsec = {44, 4},
    .ctime = {48, 4},
    .ctime_nsec = {52, 4},
};

static const struct user_stat_layout stat64_layout = {
    .size = 104,
    .dev = {0, 8},
    .short_ino = {12, 4},
    .mode = {16, 4},
    .nlink = {20, 4},
    .uid = {24, 4},
    .gid = {28, 4},
    .rdev = {32, 8},
    .file_size = {48, 8},
    .blksize = {56, 4},
    .blocks = {64, 8},
    .atime = {72, 4},
    .atime_nsec = {76, 4},
    .mtime = {80, 4},
    .mtime_nsec = {84, 4},
    .ctime = {88, 4},
    .ctime_nsec = {92, 4},
    .ino = {96, 8},
};

static const struct user_flock_layout flock_layout = {16, {0, 2}, {2, 2}, {4, 4}, {8, 4}, {12, 4}};
static const struct user_flock_layout flock64_layout = {32, {0, 2}, {2, 2}, {8, 8}, {16, 8}, {24, 4}};

#define ABI                                                                                                  \
    .word = 4, .call_args = 7, .pairs_aligned = true, .sig_block = 0, .sig_unblock = 1, .sig_setmask = 2,    \
    .open_flags = open_flags, .sol_socket = 1, .rlimit_infinity = 0xffffffff, .stat = &stat_layout,          \
    .stat64 = &stat64_layout, .flock = &flock_layout, .flock64 = &flock64_layout, .numbering = USER_ARM_NUMBERS

const struct user_abi user_arm_abi = {.big_endian = false, ABI};
const struct user_abi user_armeb_abi = {.big_endian = true, ABI};
