/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Constants and structure layouts of 32-bit SPARC Linux that differ from the generic ones: its first ABI was
 * SunOS's. Source: Linux's user headers for SPARC (asm/errno.h, fcntl.h, mman.h, signal.h, socket.h, stat.h,
 * termbits.h, ioctls.h, poll.h, resource.h).
 */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>


#include "emulator/user/sparc/sparc.h"

/* 1 to 34 are the same everywhere. */
static const int16_t errnos[] = {
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
    22,
    23,
    24,
    25,
    26,
    27,
    28,
    29,
    30,
    31,
    32,
    33,
    34,
    [EDEADLK] = 78,
    [ENAMETOOLONG] = 63,
    [ENOLCK] = 79,
    [ENOSYS] = 90,
    [ENOTEMPTY] = 66,
    [ELOOP] = 62,
    [ENOMSG] = 75,
    [EIDRM] = 77,
    [ECHRNG] = 94,
    [EL2NSYNC] = 95,
    [EL3HLT] = 96,
    [EL3RST] = 97,
    [ELNRNG] = 98,
    [EUNATCH] = 99,
    [ENOCSI] = 100,
    [EL2HLT] = 101,
    [EBADE] = 102,
    [EBADR] = 103,
    [EXFULL] = 104,
    [ENOANO] = 105,
    [EBADRQC] = 106,
    [EBADSLT] = 107,
    [EBFONT] = 109,
    [ENOSTR] = 72,
    [ENODATA] = 111,
    [ETIME] = 73,
    [ENOSR] = 74,
    [ENONET] = 80,
    [ENOPKG] = 113,
    [EREMOTE] = 71,
    [ENOLINK] = 82,
    [EADV] = 83,
    [ESRMNT] = 84,
    [ECOMM] = 85,
    [EPROTO] = 86,
    [EMULTIHOP] = 87,
    [EDOTDOT] = 88,
    [EBADMSG] = 76,
    [EOVERFLOW] = 92,
    [ENOTUNIQ] = 115,
    [EBADFD] = 93,
    [EREMCHG] = 89,
    [ELIBACC] = 114,
    [ELIBBAD] = 112,
    [ELIBSCN] = 124,
    [ELIBMAX] = 123,
    [ELIBEXEC] = 110,
    [EILSEQ] = 122,
    [ERESTART] = 116,
    [ESTRPIPE] = 91,
    [EUSERS] = 68,
    [ENOTSOCK] = 38,
    [EDESTADDRREQ] = 39,
    [EMSGSIZE] = 40,
    [EPROTOTYPE] = 41,
    [ENOPROTOOPT] = 42,
    [EPROTONOSUPPORT] = 43,
    [ESOCKTNOSUPPORT] = 44,
    [EOPNOTSUPP] = 45,
    [EPFNOSUPPORT] = 46,
    [EAFNOSUPPORT] = 47,
    [EADDRINUSE] = 48,
    [EADDRNOTAVAIL] = 49,
    [ENETDOWN] = 50,
    [ENETUNREACH] = 51,
    [ENETRESET] = 52,
    [ECONNABORTED] = 53,
    [ECONNRESET] = 54,
    [ENOBUFS] = 55,
    [EISCONN] = 56,
    [ENOTCONN] = 57,
    [ESHUTDOWN] = 58,
    [ETOOMANYREFS] = 59,
    [ETIMEDOUT] = 60,
    [ECONNREFUSED] = 61,
    [EHOSTDOWN] = 64,
    [EHOSTUNREACH] = 65,
    [EALREADY] = 37,
    [EINPROGRESS] = 36,
    [ESTALE] = 70,
    [EUCLEAN] = 117,
    [ENOTNAM] = 118,
    [ENAVAIL] = 119,
    [EISNAM] = 120,
    [EREMOTEIO] = 121,
    [EDQUOT] = 69,
    [ENOMEDIUM] = 125,
    [EMEDIUMTYPE] = 126,
    [ECANCELED] = 127,
    [ENOKEY] = 128,
    [EKEYEXPIRED] = 129,
    [EKEYREVOKED] = 130,
    [EKEYREJECTED] = 131,
    [EOWNERDEAD] = 132,
    [ENOTRECOVERABLE] = 133,
    [ERFKILL] = 134,
};

/* Guest's number to host's. The host's C library keeps 32 and 33 to itself: the program's come as 64 and 63,
 * which it cannot use then. */
static const uint8_t signal_to_host[65] = {
    [1] = SIGHUP,     [2] = SIGINT,   [3] = SIGQUIT,   [4] = SIGILL,   [5] = SIGTRAP,  [6] = SIGABRT,
    [8] = SIGFPE,     [9] = SIGKILL,  [10] = SIGBUS,   [11] = SIGSEGV, [12] = SIGSYS,  [13] = SIGPIPE,
    [14] = SIGALRM,   [15] = SIGTERM, [16] = SIGURG,   [17] = SIGSTOP, [18] = SIGTSTP, [19] = SIGCONT,
    [20] = SIGCHLD,   [21] = SIGTTIN, [22] = SIGTTOU,  [23] = SIGIO,   [24] = SIGXCPU, [25] = SIGXFSZ,
    [26] = SIGVTALRM, [27] = SIGPROF, [28] = SIGWINCH, [29] = SIGPWR,  [30] = SIGUSR1, [31] = SIGUSR2,
    [32] = 64,        [33] = 63,      [34] = 34,       [35] = 35,      [36] = 36,      [37] = 37,
    [38] = 38,        [39] = 39,      [40] = 40,       [41] = 41,      [42] = 42,      [43] = 43,
    [44] = 44,        [45] = 45,      [46] = 46,       [47] = 47,      [48] = 48,      [49] = 49,
    [50] = 50,        [51] = 51,      [52] = 52,       [53] = 53,      [54] = 54,      [55] = 55,
    [56] = 56,        [57] = 57,      [58] = 58,       [59] = 59,      [60] = 60,      [61] = 61,
    [62] = 62};

static const uint8_t signal_to_guest[65] = {
    [SIGHUP] = 1,     [SIGINT] = 2,   [SIGQUIT] = 3,   [SIGILL] = 4,   [SIGTRAP] = 5,  [SIGABRT] = 6,
    [SIGFPE] = 8,     [SIGKILL] = 9,  [SIGBUS] = 10,   [SIGSEGV] = 11, [SIGSYS] = 12,  [SIGPIPE] = 13,
    [SIGALRM] = 14,   [SIGTERM] = 15, [SIGURG] = 16,   [SIGSTOP] = 17, [SIGTSTP] = 18, [SIGCONT] = 19,
    [SIGCHLD] = 20,   [SIGTTIN] = 21, [SIGTTOU] = 22,  [SIGIO] = 23,   [SIGXCPU] = 24, [SIGXFSZ] = 25,
    [SIGVTALRM] = 26, [SIGPROF] = 27, [SIGWINCH] = 28, [SIGPWR] = 29,  [SIGUSR1] = 30, [SIGUSR2] = 31,
    [64] = 32,        [63] = 33,      [34] = 34,       [35] = 35,      [36] = 36,      [37] = 37,
    [38] = 38,        [39] = 39,      [40] = 40,       [41] = 41,      [42] = 42,      [43] = 43,
    [44] = 44,        [45] = 45,      [46] = 46,       [47] = 47,      [48] = 48,      [49] = 49,
    [50] = 50,        [51] = 51,      [52] = 52,       [53] = 53,      [54] = 54,      [55] = 55,
    [56] = 56,        [57] = 57,      [58] = 58,       [59] = 59,      [60] = 60,      [61] = 61,
    [62] = 62};

#define SAME(value)                                                                                          \
    {                                                                                                        \
        (value), (value), (value), (value)                                                                   \
    }
#define FLAG(guest, host)                                                                                    \
    {                                                                                                        \
        (guest), (guest), (host), (host)                                                                     \
    }

/* O_SYNC and O_TMPFILE are two bits, of which one is a flag of its own. */
#define HOST_O_SYNC    04000000
#define HOST_O_TMPFILE 020000000

static const struct user_bits open_flags[] = {
    {O_ACCMODE, O_WRONLY, O_ACCMODE, O_WRONLY},
    {O_ACCMODE, O_RDWR, O_ACCMODE, O_RDWR},
    {O_ACCMODE, O_ACCMODE, O_ACCMODE, O_ACCMODE},
    FLAG(0x0008, O_APPEND),
    FLAG(0x0040, O_ASYNC),
    FLAG(0x0200, O_CREAT),
    FLAG(0x0400, O_TRUNC),
    FLAG(0x0800, O_EXCL),
    FLAG(0x2000, O_DSYNC),
    FLAG(0x4000, O_NONBLOCK),
    FLAG(0x8000, O_NOCTTY),
    FLAG(0x10000, O_DIRECTORY),
    FLAG(0x20000, O_NOFOLLOW),
    FLAG(0x100000, O_DIRECT),
    FLAG(0x200000, O_NOATIME),
    FLAG(0x400000, O_CLOEXEC),
    FLAG(0x800000, HOST_O_SYNC),
    FLAG(0x1000000, O_PATH),
    FLAG(0x2000000, HOST_O_TMPFILE),
    {0},
};

static const struct user_bits mmap_flags[] = {
    {0x0f, 1, 0x0f, MAP_SHARED},
    {0x0f, 2, 0x0f, MAP_PRIVATE},
    {0x0f, 3, 0x0f, MAP_SHARED_VALIDATE},
    FLAG(0x10, MAP_FIXED),
    FLAG(0x20, MAP_ANONYMOUS),
    FLAG(0x40, MAP_NORESERVE),
    FLAG(0x8000, MAP_POPULATE),
    FLAG(0x10000, MAP_NONBLOCK),
    FLAG(0x100000, MAP_FIXED_NOREPLACE),
    {0},
};

static const struct user_bits action_flags[] = {
    FLAG(0x001, SA_ONSTACK), FLAG(0x002, SA_RESTART),   FLAG(0x004, SA_RESETHAND), FLAG(0x008, SA_NOCLDSTOP),
    FLAG(0x020, SA_NODEFER), FLAG(0x100, SA_NOCLDWAIT), FLAG(0x200, SA_SIGINFO),   {0},
};

static const struct user_bits poll_events[] = {
    SAME(POLLIN),         SAME(POLLPRI),          SAME(POLLOUT),
    SAME(POLLERR),        SAME(POLLHUP),          SAME(POLLNVAL),
    SAME(POLLRDNORM),     SAME(POLLRDBAND),       FLAG(0x100, POLLWRBAND),
    FLAG(0x200, POLLMSG), FLAG(0x800, POLLRDHUP), {0},
};

#define END                                                                                                  \
    {                                                                                                        \
        -1, -1                                                                                               \
    }

static const struct user_pair socket_options[] = {
    {0x0001, SO_DEBUG},     {0x0002, SO_PASSCRED},  {0x0004, SO_REUSEADDR},    {0x0008, SO_KEEPALIVE},
    {0x0010, SO_DONTROUTE}, {0x0020, SO_BROADCAST}, {0x0040, SO_PEERCRED},     {0x0080, SO_LINGER},
    {0x0100, SO_OOBINLINE}, {0x0200, SO_REUSEPORT}, {0x0400, SO_BSDCOMPAT},    {0x0800, SO_RCVLOWAT},
    {0x1000, SO_SNDLOWAT},  {0x2000, SO_RCVTIMEO},  {0x4000, SO_SNDTIMEO},     {0x8000, SO_ACCEPTCONN},
    {0x1001, SO_SNDBUF},    {0x1002, SO_RCVBUF},    {0x100a, SO_SNDBUFFORCE},  {0x100b, SO_RCVBUFFORCE},
    {0x1007, SO_ERROR},     {0x1008, SO_TYPE},      {0x1028, SO_PROTOCOL},     {0x1029, SO_DOMAIN},
    {0x000b, SO_NO_CHECK},  {0x000c, SO_PRIORITY},  {0x000d, SO_BINDTODEVICE}, END,
};

static const struct user_pair fcntl_commands[] = {
    {F_DUPFD, F_DUPFD},
    {F_GETFD, F_GETFD},
    {F_SETFD, F_SETFD},
    {F_GETFL, F_GETFL},
    {F_SETFL, F_SETFL},
    {5, F_GETOWN},
    {6, F_SETOWN},
    {7, F_GETLK},
    {8, F_SETLK},
    {9, F_SETLKW},
    END,
};

static const struct user_pair lock_types[] = {{1, F_RDLCK}, {2, F_WRLCK}, {3, F_UNLCK}, END};

static const struct user_pair rlimits[] = {
    {RLIMIT_CPU, RLIMIT_CPU},
    {RLIMIT_FSIZE, RLIMIT_FSIZE},
    {RLIMIT_DATA, RLIMIT_DATA},
    {RLIMIT_STACK, RLIMIT_STACK},
    {RLIMIT_CORE, RLIMIT_CORE},
    {RLIMIT_RSS, RLIMIT_RSS},
    {6, RLIMIT_NOFILE},
    {7, RLIMIT_NPROC},
    END,
};

static const struct user_stat_layout stat_layout = {
    .size = 64,
    .dev = {0, 2},
    .ino = {4, 4},
    .mode = {8, 2},
    .nlink = {10, 2},
    .uid = {12, 2},
    .gid = {14, 2},
    .rdev = {16, 2},
    .file_size = {20, 4},
    .atime = {24, 4},
    .atime_nsec = {28, 4},
    .mtime = {32, 4},
    .mtime_nsec = {36, 4},
    .ctime = {40, 4},
    .ctime_nsec = {44, 4},
    .blksize = {48, 4},
    .blocks = {52, 4},
};

static const struct user_stat_layout stat64_layout = {
    .size = 104,
    .dev = {0, 8},
    .ino = {8, 8},
    .mode = {16, 4},
    .nlink = {20, 4},
    .uid = {24, 4},
    .gid = {28, 4},
    .rdev = {32, 8},
    .file_size = {48, 8},
    .blksize = {56, 4},
    .blocks = {68, 4},
    .atime = {72, 4},
    .atime_nsec = {76, 4},
    .mtime = {80, 4},
    .mtime_nsec = {84, 4},
    .ctime = {88, 4},
    .ctime_nsec = {92, 4},
};

static const struct user_flock_layout flock_layout = {20, {0, 2}, {2, 2}, {4, 4}, {8, 4}, {12, 4}};
static const struct user_flock_layout flock64_layout = {32, {0, 2}, {2, 2}, {8, 8}, {16, 8}, {24, 4}};

/* Rates up to 38400 and the rest of c_cflag are the host's; FLUSHO has its own bit. */
#define CBAUD_MASK 0x100f
static const struct user_bits cflag[] = {
    {CBAUD_MASK, 0x1001, CBAUD_MASK, B57600},
    {CBAUD_MASK, 0x1002, CBAUD_MASK, B115200},
    {CBAUD_MASK, 0x1003, CBAUD_MASK, B230400},
    {CBAUD_MASK, 0x1004, CBAUD_MASK, B460800},
    {CBAUD_MASK, 0x1009, CBAUD_MASK, B921600},
    {CBAUD_MASK, 0x100a, CBAUD_MASK, B500000},
    {CBAUD_MASK, 0x100b, CBAUD_MASK, B576000},
    {CBAUD_MASK, 0x100c, CBAUD_MASK, B1000000},
    {CBAUD_MASK, 0x100d, CBAUD_MASK, B1152000},
    {CBAUD_MASK, 0x100e, CBAUD_MASK, B1500000},
    {CBAUD_MASK, 0x100f, CBAUD_MASK, B2000000},
    {CBAUD_MASK, 1, CBAUD_MASK, 1},
    {CBAUD_MASK, 2, CBAUD_MASK, 2},
    {CBAUD_MASK, 3, CBAUD_MASK, 3},
    {CBAUD_MASK, 4, CBAUD_MASK, 4},
    {CBAUD_MASK, 5, CBAUD_MASK, 5},
    {CBAUD_MASK, 6, CBAUD_MASK, 6},
    {CBAUD_MASK, 7, CBAUD_MASK, 7},
    {CBAUD_MASK, 8, CBAUD_MASK, 8},
    {CBAUD_MASK, 9, CBAUD_MASK, 9},
    {CBAUD_MASK, 10, CBAUD_MASK, 10},
    {CBAUD_MASK, 11, CBAUD_MASK, 11},
    {CBAUD_MASK, 12, CBAUD_MASK, 12},
    {CBAUD_MASK, 13, CBAUD_MASK, 13},
    {CBAUD_MASK, 14, CBAUD_MASK, 14},
    {CBAUD_MASK, 15, CBAUD_MASK, 15},
    {0x30, 0x10, 0x30, CS6},
    {0x30, 0x20, 0x30, CS7},
    {0x30, 0x30, 0x30, CS8},
    SAME(CSTOPB),
    SAME(CREAD),
    SAME(PARENB),
    SAME(PARODD),
    SAME(HUPCL),
    SAME(CLOCAL),
    FLAG(0x40000000, 0x40000000), /* CMSPAR */
    FLAG(0x80000000, 0x80000000), /* CRTSCTS */
    {0},
};

static const struct user_bits lflag[] = {
    SAME(ISIG),           SAME(ICANON), SAME(XCASE),  SAME(ECHO),    SAME(ECHOE),   SAME(ECHOK),
    SAME(ECHONL),         SAME(NOFLSH), SAME(TOSTOP), SAME(ECHOCTL), SAME(ECHOPRT), SAME(ECHOKE),
    FLAG(0x2000, FLUSHO), SAME(PENDIN), SAME(IEXTEN), SAME(EXTPROC), {0},
};

/* Ours are INTR QUIT ERASE KILL EOF EOL EOL2 SWTC START STOP SUSP DSUSP REPRINT DISCARD WERASE LNEXT. */
static const int8_t control_characters[17] = {VINTR,    VQUIT,    VERASE,  VKILL,  VEOF,  VEOL,
                                              VEOL2,    VSWTC,    VSTART,  VSTOP,  VSUSP, -1,
                                              VREPRINT, VDISCARD, VWERASE, VLNEXT, -1};

static const struct user_termios termios_layout = {17, cflag, lflag, control_characters, true};

/* The direction stands in the top three bits, the size in 13 (14) below (asm/ioctl.h). */
#define IO(type, nr)        (0x20000000u | (uint32_t)(type) << 8 | (nr))
#define IOR(type, nr, size) (0x40000000u | (uint32_t)(size) << 16 | (uint32_t)(type) << 8 | (nr))
#define IOW(type, nr, size) (0x80000000u | (uint32_t)(size) << 16 | (uint32_t)(type) << 8 | (nr))

static const struct user_ioctl_number ioctls[] = {
    {IOR('T', 8, 36), TCGETS},
    {IOW('T', 9, 36), TCSETS},
    {IOW('T', 10, 36), TCSETSW},
    {IOW('T', 11, 36), TCSETSF},
    {IO('T', 5), TCSBRK},
    {IO('T', 6), TCXONC},
    {IO('T', 7), TCFLSH},
    {IOR('t', 0, 4), TIOCGETD},
    {IOW('t', 1, 4), TIOCSETD},
    {IO('t', 13), TIOCEXCL},
    {IO('t', 14), TIOCNXCL},
    {IOW('t', 103, 8), TIOCSWINSZ},
    {IOR('t', 104, 8), TIOCGWINSZ},
    {IOR('t', 106, 4), TIOCMGET},
    {IOW('t', 107, 4), TIOCMBIC},
    {IOW('t', 108, 4), TIOCMBIS},
    {IOW('t', 109, 4), TIOCMSET},
    {IOW('t', 112, 4), TIOCPKT},
    {IO('t', 113), TIOCNOTTY},
    {IOW('t', 114, 1), TIOCSTI},
    {IOR('t', 115, 4), TIOCOUTQ},
    {IO('t', 122), TIOCCBRK},
    {IO('t', 123), TIOCSBRK},
    {IOW('t', 130, 4), TIOCSPGRP},
    {IOR('t', 131, 4), TIOCGPGRP},
    {IO('t', 132), TIOCSCTTY},
    {IOR('t', 133, 4), TIOCGSID},
    {IOR('t', 134, 4), TIOCGPTN},
    {IOW('t', 135, 4), TIOCSPTLCK},
    {IO('t', 137), TIOCGPTPEER},
    {IO('f', 1), FIOCLEX},
    {IO('f', 2), FIONCLEX},
    {IOW('f', 125, 4), FIOASYNC},
    {IOW('f', 126, 4), FIONBIO},
    {IOR('f', 127, 4), FIONREAD},
    {IOR('T', 12, 44), TCGETS2},
    {IOW('T', 13, 44), TCSETS2},
    {IOW('T', 14, 44), TCSETSW2},
    {IOW('T', 15, 44), TCSETSF2},
    {IOR('T', 0x41, 32), TIOCGRS485},
    {0xc0000000u | IOR('T', 0x42, 32), TIOCSRS485},
    {IO('t', 36), TIOCCONS},
    {IOR('t', 100, 4), TIOCGSOFTCAR},
    {IOW('t', 101, 4), TIOCSSOFTCAR},
    {IOR('f', 128, 8), FIOQSIZE},
};

const struct user_abi user_sparc_abi = {
    .big_endian = true,
    .word = 4,
    .call_args = 6,
    .pairs_aligned = false,
    .errnos = errnos,
    .n_errnos = G_N_ELEMENTS(errnos),
    .signal_to_host = signal_to_host,
    .signal_to_guest = signal_to_guest,
    .sig_block = 1,
    .sig_unblock = 2,
    .sig_setmask = 4,
    .open_flags = open_flags,
    .mmap_flags = mmap_flags,
    .action_flags = action_flags,
    .poll_events = poll_events,
    .socket_options = socket_options,
    .sol_socket = 0xffff,
    .fcntl_commands = fcntl_commands,
    .lock_types = lock_types,
    .rlimits = rlimits,
    .rlimit_infinity = 0x7fffffff,
    .stat = &stat_layout,
    .stat64 = &stat64_layout,
    .flock = &flock_layout,
    .flock64 = &flock64_layout,
    .ioctl_three_bits = true,
    .ioctls = ioctls,
    .n_ioctls = G_N_ELEMENTS(ioctls),
    .termios = &termios_layout,
    .calls = user_sparc_calls,
};
