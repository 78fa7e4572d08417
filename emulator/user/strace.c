/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --strace: names instead of numbers. See strace.h.
 *
 * How an argument is shown follows from its letter in the system call table; calls that need more have a row
 * here, with letters of their own.
 */
#include "emulator/user/strace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "emulator/user/ioctls.h"
#include "emulator/user/process.h"
#include "emulator/user/socket.h"
#include "emulator/user/structs.h"

#define MEM(t)       (&(t)->process->mem)
#define ABI(t)       ((t)->process->abi)
#define STRING_SHOWN 32
#define WORDS_SHOWN  16

struct name {
    uint32_t value;
    const char *text;
};

#define NAME(constant)                                                                                       \
    {                                                                                                        \
        (uint32_t)(constant), #constant                                                                      \
    }
#define END                                                                                                  \
    {                                                                                                        \
        0, NULL                                                                                              \
    }

static const struct name open_names[] = {
    NAME(O_CREAT),
    NAME(O_EXCL),
    NAME(O_NOCTTY),
    NAME(O_TRUNC),
    NAME(O_APPEND),
    NAME(O_NONBLOCK),
    NAME(O_SYNC),
    NAME(O_DSYNC),
    NAME(O_ASYNC),
    NAME(O_DIRECT),
    NAME(O_TMPFILE),
    NAME(O_DIRECTORY),
    NAME(O_NOFOLLOW),
    NAME(O_NOATIME),
    NAME(O_CLOEXEC),
    NAME(O_PATH),
    END,
};
static const struct name prot_names[] = {NAME(PROT_READ), NAME(PROT_WRITE), NAME(PROT_EXEC), END};
static const struct name map_names[] = {
    NAME(MAP_SHARED),
    NAME(MAP_PRIVATE),
    NAME(MAP_FIXED),
    NAME(MAP_ANONYMOUS),
    NAME(MAP_NORESERVE),
    NAME(MAP_POPULATE),
    NAME(MAP_NONBLOCK),
    NAME(MAP_FIXED_NOREPLACE),
    NAME(MAP_STACK),
    NAME(MAP_GROWSDOWN),
    NAME(MAP_LOCKED),
    NAME(MAP_DENYWRITE),
    END,
};
static const struct name clone_names[] = {
    NAME(CLONE_VM),
    NAME(CLONE_FS),
    NAME(CLONE_FILES),
    NAME(CLONE_SIGHAND),
    NAME(CLONE_PTRACE),
    NAME(CLONE_VFORK),
    NAME(CLONE_PARENT),
    NAME(CLONE_THREAD),
    NAME(CLONE_NEWNS),
    NAME(CLONE_SYSVSEM),
    NAME(CLONE_SETTLS),
    NAME(CLONE_PARENT_SETTID),
    NAME(CLONE_CHILD_CLEARTID),
    NAME(CLONE_DETACHED),
    NAME(CLONE_CHILD_SETTID),
    NAME(CLONE_NEWUTS),
    NAME(CLONE_NEWIPC),
    NAME(CLONE_NEWUSER),
    NAME(CLONE_NEWPID),
    NAME(CLONE_NEWNET),
    END,
};
static const struct name access_names[] = {NAME(R_OK), NAME(W_OK), NAME(X_OK), END};
static const struct name at_names[] = {
    NAME(AT_SYMLINK_NOFOLLOW), NAME(AT_REMOVEDIR),  NAME(AT_SYMLINK_FOLLOW),
    NAME(AT_NO_AUTOMOUNT),     NAME(AT_EMPTY_PATH), END,
};
static const struct name msg_names[] = {
    NAME(MSG_OOB),
    NAME(MSG_PEEK),
    NAME(MSG_DONTROUTE),
    NAME(MSG_TRUNC),
    NAME(MSG_DONTWAIT),
    NAME(MSG_WAITALL),
    NAME(MSG_CONFIRM),
    NAME(MSG_ERRQUEUE),
    NAME(MSG_NOSIGNAL),
    NAME(MSG_MORE),
    NAME(MSG_FASTOPEN),
    NAME(MSG_CMSG_CLOEXEC),
    END,
};
static const struct name wait_names[] = {
    NAME(WNOHANG), NAME(WUNTRACED), NAME(WCONTINUED), NAME(WEXITED), NAME(WNOWAIT), END,
};
static const struct name socket_flags[] = {NAME(SOCK_NONBLOCK), NAME(SOCK_CLOEXEC), END};

/* Values, not flags. */
static const struct name families[] = {
    NAME(AF_UNSPEC), NAME(AF_UNIX), NAME(AF_INET), NAME(AF_INET6), NAME(AF_NETLINK), NAME(AF_PACKET), END,
};
static const struct name socket_types[] = {
    NAME(SOCK_STREAM), NAME(SOCK_DGRAM), NAME(SOCK_RAW), NAME(SOCK_SEQPACKET), END,
};
static const struct name seek_names[] = {
    NAME(SEEK_SET), NAME(SEEK_CUR), NAME(SEEK_END), NAME(SEEK_DATA), NAME(SEEK_HOLE), END,
};
static const struct name clock_names[] = {
    NAME(CLOCK_REALTIME),          NAME(CLOCK_MONOTONIC),     NAME(CLOCK_PROCESS_CPUTIME_ID),
    NAME(CLOCK_THREAD_CPUTIME_ID), NAME(CLOCK_MONOTONIC_RAW), NAME(CLOCK_REALTIME_COARSE),
    NAME(CLOCK_MONOTONIC_COARSE),  NAME(CLOCK_BOOTTIME),      END,
};
static const struct name epoll_names[] = {NAME(EPOLL_CTL_ADD), NAME(EPOLL_CTL_DEL), NAME(EPOLL_CTL_MOD), END};
static const struct name futex_names[] = {
    NAME(FUTEX_WAIT),        NAME(FUTEX_WAKE),        NAME(FUTEX_REQUEUE),   NAME(FUTEX_CMP_REQUEUE),
    NAME(FUTEX_WAKE_OP),     NAME(FUTEX_LOCK_PI),     NAME(FUTEX_UNLOCK_PI), NAME(FUTEX_TRYLOCK_PI),
    NAME(FUTEX_WAIT_BITSET), NAME(FUTEX_WAKE_BITSET), NAME(FUTEX_LOCK_PI2),  END,
};
static const struct name fcntl_names[] = {
    NAME(F_DUPFD),         NAME(F_GETFD),      NAME(F_SETFD),      NAME(F_GETFL),      NAME(F_SETFL),
    NAME(F_GETLK),         NAME(F_SETLK),      NAME(F_SETLKW),     NAME(F_SETOWN),     NAME(F_GETOWN),
    NAME(F_SETSIG),        NAME(F_GETSIG),     NAME(F_SETLEASE),   NAME(F_GETLEASE),   NAME(F_NOTIFY),
    NAME(F_DUPFD_CLOEXEC), NAME(F_SETPIPE_SZ), NAME(F_GETPIPE_SZ), NAME(F_ADD_SEALS),  NAME(F_GET_SEALS),
    NAME(F_OFD_SETLK),     {12, "F_GETLK64"},  {13, "F_SETLK64"},  {14, "F_SETLKW64"}, END,
};
static const struct name signal_codes[] = {
    NAME(SI_USER),  NAME(SI_KERNEL),  NAME(SI_QUEUE), NAME(SI_TIMER),
    NAME(SI_MESGQ), NAME(SI_ASYNCIO), NAME(SI_TKILL), END,
};
static const struct name child_codes[] = {
    NAME(CLD_EXITED),
    NAME(CLD_KILLED),
    NAME(CLD_DUMPED),
    NAME(CLD_TRAPPED),
    NAME(CLD_STOPPED),
    NAME(CLD_CONTINUED),
    END,
};
static const struct name segv_codes[] = {NAME(SEGV_MAPERR), NAME(SEGV_ACCERR), END};
static const struct name bus_codes[] = {NAME(BUS_ADRALN), NAME(BUS_ADRERR), END};

/*
 * Letters beside those of struct user_syscall:
 *   D directory's descriptor   F open flags       B access mode    P protection       M mapping's flags
 *   K clone flags              A AT_ flags        k clock          W whence           y address family
 *   Y socket's type            m message flags    w wait options   N list of strings  V fcntl's command
 *   I ioctl                    E epoll's command  U futex's        h sigprocmask's    n signal
 *   t timespec (words)         T timespec (64 bits)                a address (its length follows)
 *   G signal set
 * and of what the kernel fills in, shown after the call:
 *   r bytes read (result)      Z struct stat      X struct stat64  2 two descriptors  e exit status
 *   c timespec (words)         C timespec (64 bits)
 */
static const struct {
    const char *name, *args;
} rows[] = {
    {"read", "dru"},
    {"write", "dbu"},
    {"pread64", "drul"},
    {"pwrite64", "dbul"},
    {"open", "sFo"},
    {"openat", "DsFo"},
    {"creat", "so"},
    {"access", "sB"},
    {"faccessat", "DsB"},
    {"faccessat2", "DsBA"},
    {"readlink", "sru"},
    {"readlinkat", "Dsru"},
    {"mkdirat", "Dso"},
    {"unlinkat", "DsA"},
    {"renameat", "DsDs"},
    {"renameat2", "DsDsx"},
    {"linkat", "DsDsA"},
    {"symlinkat", "SDs"},
    {"fchmodat", "Dso"},
    {"fchownat", "DsddA"},
    {"fstatat64", "DsXA"},
    {"statx", "DsAxp"},
    {"stat64", "sX"},
    {"lstat64", "sX"},
    {"fstat64", "dX"},
    {"stat", "sZ"},
    {"lstat", "sZ"},
    {"fstat", "dZ"},
    {"mmap", "puPMdu"},
    {"mmap2", "puPMdu"},
    {"mprotect", "puP"},
    {"clone", "Kpppp"},
    {"execve", "sNp"},
    {"execveat", "DsNpA"},
    {"pipe2", "2F"},
    {"lseek", "ddW"},
    {"_llseek", "dxxpW"},
    {"fcntl", "dVx"},
    {"fcntl64", "dVx"},
    {"ioctl", "dIx"},
    {"wait4", "dewp"},
    {"waitpid", "dew"},
    {"kill", "dn"},
    {"tkill", "dn"},
    {"tgkill", "ddn"},
    {"rt_sigaction", "nppu"},
    {"sigaction", "npp"},
    {"rt_sigprocmask", "hGpu"},
    {"rt_sigsuspend", "Gu"},
    {"futex", "pUutpu"},
    {"futex_time64", "pUuTpu"},
    {"nanosleep", "tp"},
    {"clock_gettime", "kc"},
    {"clock_getres", "kc"},
    {"clock_nanosleep", "kdtp"},
    {"clock_gettime64", "kC"},
    {"clock_getres_time64", "kC"},
    {"clock_nanosleep_time64", "kdTp"},
    {"ppoll", "putpu"},
    {"ppoll_time64", "puTpu"},
    {"epoll_create1", "F"},
    {"epoll_ctl", "dEdp"},
    {"eventfd2", "uF"},
    {"dup3", "ddF"},
    {"socket", "yYd"},
    {"socketpair", "yYd2"},
    {"bind", "dau"},
    {"connect", "dau"},
    {"accept4", "dppF"},
    {"sendto", "dbumau"},
    {"recvfrom", "drumpp"},
    {"send", "dbum"},
    {"recv", "drum"},
    {"sendmsg", "dpm"},
    {"recvmsg", "dpm"},
    {"getdents64", "dpu"},
    {"getcwd", "ru"},
    {"getrandom", "pux"},
    {"utimensat", "DspA"},
};

/* ------------------------------------------------------------------------------------------------ values */

static const char *value_name(const struct name *names, uint32_t value)
{
    for (; names->text; names++) {
        if (names->value == value)
            return names->text;
    }
    return NULL;
}

static void put_value(GString *to, const struct name *names, uint64_t value)
{
    const char *text = value_name(names, (uint32_t)value);

    if (text)
        g_string_append(to, text);
    else
        g_string_append_printf(to, "%d", (int)value);
}

/* `first` is what stands before the flags, or NULL; `none` what no flag at all is called. */
static void put_flags(GString *to, const struct name *names, uint32_t value, const char *first,
                      const char *none)
{
    bool any = first != NULL;

    if (first)
        g_string_append(to, first);
    for (; names->text; names++) {
        if ((value & names->value) != names->value)
            continue;
        g_string_append_printf(to, "%s%s", any ? "|" : "", names->text);
        value &= ~names->value;
        any = true;
    }
    if (value)
        g_string_append_printf(to, "%s%#x", any ? "|" : "", value);
    else if (!any)
        g_string_append(to, none);
}

static void put_address(GString *to, uint64_t address)
{
    if (address)
        g_string_append_printf(to, "%#" G_GINT64_MODIFIER "x", address);
    else
        g_string_append(to, "NULL");
}

static void put_text(GString *to, const char *text, size_t size)
{
    size_t shown = MIN(size, STRING_SHOWN);

    g_string_append_c(to, '"');
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text[i];
        static const char special[] = "\n\t\r\f\v\"\\", letters[] = "ntrfv\"\\";
        const char *at = c ? strchr(special, c) : NULL;

        if (at)
            g_string_append_printf(to, "\\%c", letters[at - special]);
        else if (c < ' ' || c > '~')
            g_string_append_printf(to, i + 1 < shown && g_ascii_isdigit(text[i + 1]) ? "\\%03o" : "\\%o", c);
        else
            g_string_append_c(to, (char)c);
    }
    g_string_append(to, size > shown ? "\"..." : "\"");
}

static void put_string(struct user_thread *t, GString *to, uint64_t address, bool whole)
{
    bool too_long;
    g_autofree char *text = address ? user_mem_string(MEM(t), address, 4096, &too_long) : NULL;

    if (!text)
        put_address(to, address);
    else if (whole && strlen(text) > STRING_SHOWN)
        g_string_append_printf(to, "\"%s\"", text);
    else
        put_text(to, text, strlen(text));
}

static void put_bytes(struct user_thread *t, GString *to, uint64_t address, uint64_t size)
{
    char bytes[STRING_SHOWN];

    if (user_mem_read(MEM(t), address, bytes, MIN(size, sizeof(bytes))))
        put_text(to, bytes, size);
    else
        put_address(to, address);
}

static void put_strings(struct user_thread *t, GString *to, uint64_t address)
{
    unsigned word = ABI(t)->word, n = 0;
    uint64_t at;

    if (!address) {
        g_string_append(to, "NULL");
        return;
    }
    g_string_append_c(to, '[');
    for (; n < WORDS_SHOWN && user_mem_get(MEM(t), address + n * word, word, &at) && at; n++) {
        g_string_append(to, n ? ", " : "");
        put_string(t, to, at, false);
    }
    g_string_append(to, n == WORDS_SHOWN ? ", ...]" : "]");
}

static void put_time(struct user_thread *t, GString *to, uint64_t address, bool wide)
{
    struct timespec time;

    if (address && user_read_timespec(t, address, wide, &time))
        g_string_append_printf(to, "{tv_sec=%lld, tv_nsec=%ld}", (long long)time.tv_sec, time.tv_nsec);
    else
        put_address(to, address);
}

static void put_set(struct user_thread *t, GString *to, uint64_t address)
{
    uint64_t set;
    char text[16];
    bool any = false;

    if (!address || !user_read_sigset(t, address, &set)) {
        put_address(to, address);
        return;
    }
    g_string_append(to, set == UINT64_MAX ? "~[" : "[");
    for (int n = 1; set != UINT64_MAX && n <= 64; n++) {
        if (set >> (n - 1) & 1) {
            g_string_append_printf(to, "%s%s", any ? " " : "", user_strace_signal_name(n, text) + 3);
            any = true;
        }
    }
    g_string_append_c(to, ']');
}

static void put_socket_address(struct user_thread *t, GString *to, uint64_t from, uint64_t size)
{
    struct sockaddr_storage address;
    char text[INET6_ADDRSTRLEN];

    if (!from || user_read_address(t, from, size, &address) < 0) {
        put_address(to, from);
        return;
    }
    g_string_append(to, "{sa_family=");
    put_value(to, families, address.ss_family);
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address;

        g_string_append_printf(to, ", sin_port=htons(%u), sin_addr=inet_addr(\"%s\")", ntohs(in->sin_port),
                               inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)));
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;

        g_string_append_printf(to, ", sin6_port=htons(%u), sin6_addr=\"%s\"", ntohs(in6->sin6_port),
                               inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text)));
    } else if (address.ss_family == AF_UNIX && size > sizeof(sa_family_t)) {
        const char *path = ((const struct sockaddr_un *)&address)->sun_path;
        size_t most = size - sizeof(sa_family_t);

        /* Abstract names begin with a zero. */
        g_string_append(to, path[0] ? ", sun_path=" : ", sun_path=@");
        put_text(to, path[0] ? path : path + 1, path[0] ? strnlen(path, most) : most - 1);
    }
    g_string_append_c(to, '}');
}

static void put_stat(struct user_thread *t, GString *to, const struct user_stat_layout *layout,
                     uint64_t address)
{
    static const struct name types[] = {NAME(S_IFREG), NAME(S_IFDIR), NAME(S_IFLNK),  NAME(S_IFCHR),
                                        NAME(S_IFBLK), NAME(S_IFIFO), NAME(S_IFSOCK), END};
    uint8_t packed[256];
    uint32_t mode;

    if (!user_mem_read(MEM(t), address, packed, layout->size)) {
        put_address(to, address);
        return;
    }
    mode = (uint32_t)user_get_field(ABI(t), packed, layout->mode);
    g_string_append(to, "{st_mode=");
    put_value(to, types, mode & S_IFMT);
    g_string_append_printf(to, "|0%o, st_size=%" G_GINT64_MODIFIER "u, ...}", mode & ~(uint32_t)S_IFMT,
                           user_get_field(ABI(t), packed, layout->file_size));
}

static void put_status(struct user_thread *t, GString *to, uint64_t address)
{
    uint64_t value;
    int status;
    char text[16];

    if (!address || !user_mem_get(MEM(t), address, 4, &value)) {
        put_address(to, address);
        return;
    }
    status = (int)value;
    if (WIFEXITED(status))
        g_string_append_printf(to, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        g_string_append_printf(
            to, "[{WIFSIGNALED(s) && WTERMSIG(s) == %s}]",
            user_strace_signal_name(user_signal_to_host(ABI(t), (uint64_t)WTERMSIG(status)), text));
    else
        g_string_append_printf(to, "[%#x]", (unsigned)status);
}

const char *user_strace_signal_name(int signal, char text[16])
{
    const char *name = signal > 0 && signal < 32 ? sigabbrev_np(signal) : NULL;

    if (name)
        g_snprintf(text, 16, "SIG%s", name);
    else
        g_snprintf(text, 16, "SIGRT_%d", signal - 32);
    return text;
}

/* --------------------------------------------------------------------------------------------- arguments */

static const char *letters_of(const struct user_syscall *call)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (g_str_equal(rows[i].name, call->name))
            return rows[i].args;
    }
    return call->args + (call->args[0] == '!');
}

/* Filled in by the kernel: shown after the call. */
static bool comes_after(char letter)
{
    return strchr("rZX2ecC", letter) != NULL;
}

static void put_open_flags(GString *to, uint32_t host)
{
    static const char *const modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

    put_flags(to, open_names, host & ~(uint32_t)O_ACCMODE, modes[host & O_ACCMODE], "");
}

static void put_argument(struct user_thread *t, GString *to, char letter, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    const struct user_ioctl *row;
    const char *text;
    char signal[16];
    uint64_t pair[2];

    switch (letter) {
    case 'd':
    case 'l': g_string_append_printf(to, "%" G_GINT64_MODIFIER "d", (gint64)*a); break;
    case 'u': g_string_append_printf(to, "%" G_GINT64_MODIFIER "u", *a); break;
    case 'o': g_string_append_printf(to, "%s%" G_GINT64_MODIFIER "o", *a ? "0" : "", *a); break;
    case 's': put_string(t, to, *a, true); break;
    case 'S': put_string(t, to, *a, false); break;
    case 'b': put_bytes(t, to, a[0], a[1]); break;
    case 'D':
        if ((int)*a == AT_FDCWD)
            g_string_append(to, "AT_FDCWD");
        else
            g_string_append_printf(to, "%d", (int)*a);
        break;
    case 'f':
    case 'F': put_open_flags(to, user_bits_to_host(abi->open_flags, (uint32_t)*a)); break;
    case 'B': put_flags(to, access_names, (uint32_t)*a, NULL, "F_OK"); break;
    case 'P': put_flags(to, prot_names, (uint32_t)*a, NULL, "PROT_NONE"); break;
    case 'M': put_flags(to, map_names, user_bits_to_host(abi->mmap_flags, (uint32_t)*a), NULL, "0"); break;
    case 'K':
        put_flags(to, clone_names, (uint32_t)*a & ~0xffu, NULL, "0");
        if (*a & 0xff)
            g_string_append_printf(to, "|%s",
                                   user_strace_signal_name(user_signal_to_host(abi, *a & 0xff), signal));
        break;
    case 'A': put_flags(to, at_names, (uint32_t)*a, NULL, "0"); break;
    case 'k': put_value(to, clock_names, *a); break;
    case 'W': put_value(to, seek_names, *a); break;
    case 'y': put_value(to, families, *a); break;
    case 'Y':
        text = value_name(socket_types, (uint32_t)*a & 15);
        put_flags(to, socket_flags, user_bits_to_host(abi->open_flags, (uint32_t)*a & ~15u),
                  text ? text : "?", "");
        break;
    case 'm': put_flags(to, msg_names, (uint32_t)*a, NULL, "0"); break;
    case 'w': put_flags(to, wait_names, (uint32_t)*a, NULL, "0"); break;
    case 'N': put_strings(t, to, *a); break;
    case 'V':
        put_value(to, fcntl_names, (uint64_t)user_pair_to_host(abi->fcntl_commands, (int)*a, (int)*a));
        break;
    case 'I':
        row = user_ioctl_find(t->process, (uint32_t)*a);
        if (row)
            g_string_append(to, row->name);
        else
            g_string_append_printf(to, "%#x", (uint32_t)*a);
        break;
    case 'E': put_value(to, epoll_names, *a); break;
    case 'U':
        put_value(to, futex_names, *a & (uint64_t)FUTEX_CMD_MASK);
        g_string_append(to, *a & FUTEX_PRIVATE_FLAG ? "_PRIVATE" : "");
        g_string_append(to, *a & FUTEX_CLOCK_REALTIME ? "|FUTEX_CLOCK_REALTIME" : "");
        break;
    case 'h':
        g_string_append(to, *a == abi->sig_block     ? "SIG_BLOCK"
                            : *a == abi->sig_unblock ? "SIG_UNBLOCK"
                            : *a == abi->sig_setmask ? "SIG_SETMASK"
                                                     : "?");
        break;
    case 'g':
    case 'n':
        if (*a)
            g_string_append(to, user_strace_signal_name(user_signal_to_host(abi, *a), signal));
        else
            g_string_append(to, "0");
        break;
    case 't':
    case 'c': put_time(t, to, *a, abi->word == 8); break;
    case 'T':
    case 'C': put_time(t, to, *a, true); break;
    case 'G': put_set(t, to, *a); break;
    case 'a': put_socket_address(t, to, a[0], a[1]); break;
    case 'Z': put_stat(t, to, abi->stat, *a); break;
    case 'X': put_stat(t, to, abi->stat64, *a); break;
    case '2':
        if (user_mem_get(MEM(t), *a, 4, &pair[0]) && user_mem_get(MEM(t), *a + 4, 4, &pair[1]))
            g_string_append_printf(to, "[%d, %d]", (int)pair[0], (int)pair[1]);
        else
            put_address(to, *a);
        break;
    case 'e': put_status(t, to, *a); break;
    default: put_address(to, *a); break;
    }
}

/* The arguments from `at` on: to the first that comes after the call, or all. Returns where it stopped. */
static unsigned put_arguments(struct user_thread *t, GString *to, const char *letters, const uint64_t *args,
                              unsigned at, bool after, int64_t result)
{
    for (; letters[at] && (after || !comes_after(letters[at])); at++) {
        if (at)
            g_string_append(to, ", ");
        if (letters[at] == 'r' && result >= 0)
            put_bytes(t, to, args[at], (uint64_t)result);
        else if (comes_after(letters[at]) && result < 0)
            put_address(to, args[at]);
        else
            put_argument(t, to, letters[at], args + at);
    }
    return at;
}

/* ------------------------------------------------------------------------------------------------ lines */

/* Ends the line of a call that another thread is in. */
static void end_open_line(struct user_process *process, const struct user_thread *but)
{
    if (process->strace_open && process->strace_open != but)
        fputs(" <unfinished ...>\n", process->strace);
    if (process->strace_open != but)
        process->strace_open = NULL;
}

void user_strace_call(struct user_thread *t, const struct user_syscall *call, const uint64_t *args)
{
    struct user_process *process = t->process;
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "%d %s(", (int)t->tid, call->name);
    t->strace_at = put_arguments(t, text, letters_of(call), args, 0, false, 0);
    if (!letters_of(call)[t->strace_at])
        g_string_append_c(text, ')');
    flockfile(process->strace);
    end_open_line(process, NULL);
    fputs(text->str, process->strace);
    fflush(process->strace);
    process->strace_open = t;
    funlockfile(process->strace);
}

static void put_result(GString *to, const struct user_syscall *call, int64_t result)
{
    if (result == USER_AGAIN)
        g_string_append(to, " = ? ERESTARTSYS (To be restarted)\n");
    else if (result == USER_KEEP)
        g_string_append(to, " = ?\n");
    else if (result < 0 && result > -4096)
        g_string_append_printf(to, " = -1 %s (%s)\n", strerrorname_np((int)-result), strerror((int)-result));
    else if (g_str_has_prefix(call->name, "mmap") || g_str_equal(call->name, "brk") ||
             g_str_equal(call->name, "shmat") || g_str_equal(call->name, "mremap"))
        g_string_append_printf(to, " = %#" G_GINT64_MODIFIER "x\n", (guint64)result);
    else
        g_string_append_printf(to, " = %" G_GINT64_MODIFIER "d\n", (gint64)result);
}

void user_strace_result(struct user_thread *t, const struct user_syscall *call, const uint64_t *args,
                        int64_t result)
{
    struct user_process *process = t->process;
    const char *letters = letters_of(call);
    g_autoptr(GString) text = g_string_new(NULL);

    /* The child of a fork: the call was its parent's. */
    if (result == USER_KEEP && !process->strace_open)
        return;
    if (letters[t->strace_at]) {
        put_arguments(t, text, letters, args, t->strace_at, true, result);
        g_string_append_c(text, ')');
    }
    put_result(text, call, result);
    flockfile(process->strace);
    if (process->strace_open != t) {
        end_open_line(process, NULL);
        fprintf(process->strace, "%d <... %s resumed>", (int)t->tid, call->name);
    }
    fputs(text->str, process->strace);
    process->strace_open = NULL;
    funlockfile(process->strace);
}

void user_strace_leave(struct user_thread *t)
{
    struct user_process *process = t->process;

    flockfile(process->strace);
    if (process->strace_open == t) {
        fputs(" = 0\n", process->strace);
        process->strace_open = NULL;
    }
    fflush(process->strace);
    funlockfile(process->strace);
}

void user_strace_note(struct user_process *process, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    flockfile(process->strace);
    if (process->strace_open == user_thread_current() && process->strace_open) {
        /* A call that does not come back. */
        fputs(" = ?\n", process->strace);
        process->strace_open = NULL;
    }
    end_open_line(process, NULL);
    fprintf(process->strace, "%d ", gettid());
    vfprintf(process->strace, format, arguments);
    fputc('\n', process->strace);
    fflush(process->strace);
    funlockfile(process->strace);
    va_end(arguments);
}

void user_strace_signal(struct user_process *process, int signal, const siginfo_t *info)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char name[16];
    const struct name *codes = signal == SIGCHLD   ? child_codes
                               : signal == SIGSEGV ? segv_codes
                               : signal == SIGBUS  ? bus_codes
                                                   : signal_codes;
    const char *code = value_name(info->si_code > 0 && info->si_code < SI_KERNEL ? codes : signal_codes,
                                  (uint32_t)info->si_code);

    user_strace_signal_name(signal, name);
    g_string_append_printf(text, "--- %s {si_signo=%s, si_code=", name, name);
    if (code)
        g_string_append(text, code);
    else
        g_string_append_printf(text, "%d", info->si_code);
    if (signal == SIGCHLD && info->si_code > 0)
        g_string_append_printf(text, ", si_pid=%d, si_uid=%u, si_status=%d", info->si_pid, info->si_uid,
                               info->si_status);
    else if (info->si_code == SI_TIMER)
        g_string_append_printf(text, ", si_timerid=%d, si_overrun=%d", info->si_timerid, info->si_overrun);
    else if (info->si_code <= 0)
        g_string_append_printf(text, ", si_pid=%d, si_uid=%u", info->si_pid, info->si_uid);
    else
        g_string_append_printf(text, ", si_addr=%#" G_GINT64_MODIFIER "x", (guint64)(uintptr_t)info->si_addr);
    user_strace_note(process, "%s} ---", text->str);
}
