/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The watched process: seccomp(2), SECCOMP_RET_TRAP: the call is not made, SIGSYS comes in its place with the number
 * and the registers; the handler makes the call itself, from the one instruction that the filter lets through, and puts
 * the result where the kernel would have (psABI x86-64, A.2.1). One lock makes calls of several threads take turns.
 */
#include "tests/unit/host_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define NAME_BYTES  512
#define MAX_ENTRIES 4096
#define SECTOR      512 /* is written whole or not at all */

const char *const host_fault_names[] = {[HOST_FINE] = "fine",     [HOST_KILL] = "kill",
                                        [HOST_FORGET] = "forget", [HOST_EIO] = "eio",
                                        [HOST_EIO_STAYS] = "eio-stays", [HOST_ENOSPC] = "enospc",
                                        [HOST_SHORT] = "short",   [HOST_READ] = "read",
                                        [HOST_READ_ONCE] = "read-once"};

gboolean host_fault_kills(HostFault fault)
{
    return fault == HOST_KILL || fault == HOST_FORGET;
}

static gboolean reads_fail(HostFault fault)
{
    return fault == HOST_READ || fault == HOST_READ_ONCE;
}

/* ---- what the kernel is asked ---- */

/* How a call counts. */
enum kind {
    CHANGES, /* names, modes: may need room */
    WRITES,  /* to args[0]; may need room */
    FREES,   /* needs none */
    SYNCS,
    READS,
    LOOKS, /* at names and what they are; counted with the reads */
    OPENS,  /* counts with O_CREAT, O_TRUNC, O_TMPFILE */
    CLONES, /* ioctl of two files */
    NEVER,  /* would get past us */
};

static const struct call {
    guint16 number;
    guint8 kind;
} calls[] = {
    {SYS_write, WRITES},        {SYS_pwrite64, WRITES},       {SYS_writev, WRITES},      {SYS_pwritev, WRITES},
    {SYS_pwritev2, WRITES},     {SYS_ftruncate, WRITES},      {SYS_fallocate, WRITES},   {SYS_copy_file_range, WRITES},
    {SYS_sendfile, WRITES},     {SYS_truncate, CHANGES},      {SYS_open, OPENS},         {SYS_openat, OPENS},
    {SYS_creat, CHANGES},       {SYS_mkdir, CHANGES},         {SYS_mkdirat, CHANGES},    {SYS_rename, CHANGES},
    {SYS_renameat, CHANGES},    {SYS_renameat2, CHANGES},     {SYS_link, CHANGES},       {SYS_linkat, CHANGES},
    {SYS_symlink, CHANGES},     {SYS_symlinkat, CHANGES},     {SYS_unlink, FREES},       {SYS_unlinkat, FREES},
    {SYS_rmdir, FREES},         {SYS_fsync, SYNCS},           {SYS_fdatasync, SYNCS},    {SYS_chmod, FREES},
    {SYS_fchmod, FREES},        {SYS_fchmodat, FREES},        {SYS_chown, FREES},        {SYS_fchown, FREES},
    {SYS_utimensat, FREES},     {SYS_setxattr, CHANGES},      {SYS_fsetxattr, CHANGES},  {SYS_ioctl, CLONES},
    {SYS_splice, NEVER},        {SYS_io_uring_setup, NEVER},  {SYS_io_submit, NEVER},    {SYS_openat2, NEVER},
    {SYS_msync, NEVER},         {SYS_sync_file_range, NEVER}, {SYS_mknod, NEVER},        {SYS_mknodat, NEVER},
    {SYS_fchownat, NEVER},      {SYS_lchown, NEVER},          {SYS_lsetxattr, NEVER},    {SYS_vmsplice, NEVER},
    {SYS_sync, NEVER},          {SYS_syncfs, NEVER},
    {SYS_read, READS},          {SYS_pread64, READS},         {SYS_readv, READS},        {SYS_preadv, READS},
    {SYS_preadv2, READS},       {SYS_getdents64, LOOKS},      {SYS_newfstatat, LOOKS},   {SYS_access, LOOKS},
    {SYS_readlink, LOOKS},      {SYS_readlinkat, LOOKS},
};

#define CREATES (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

/* A name that changed and was not synced: how to take that back. */
struct entry {
    enum { ADDED, MOVED, REMOVED, REMOVED_FOLDER } what;
    ino_t folder; /* whose fsync makes it last */
    char name[NAME_BYTES], from[NAME_BYTES];
    guint kept; /* what stood there before has this number in the stash; 0 = nothing */
};

/* A file's contents at its last sync. */
struct synced {
    ino_t inode;
    int fd; /* own */
    guint8 *bytes;
    gsize length;
};

static struct host {
    HostFault fault;
    guint64 at, *calls;
    const char *stash;
    gboolean paused, fired;
    int lock;
    GArray *files; /* struct synced */
    struct entry *entries;
    guint entry_count, kept;
    guint64 dice;
} host;

/* The instruction that the filter lets through. */
long host_raw_call(long number, long a, long b, long c, long d, long e, long f);
extern const char host_raw_call_returns[];
__asm__(".text\n.globl host_raw_call\n.type host_raw_call, @function\nhost_raw_call:\n"
        "movq %rdi, %rax\nmovq %rsi, %rdi\nmovq %rdx, %rsi\nmovq %rcx, %rdx\nmovq %r8, %r10\nmovq %r9, %r8\n"
        "movq 8(%rsp), %r9\nsyscall\n.globl host_raw_call_returns\nhost_raw_call_returns:\nret\n"
        ".size host_raw_call, .-host_raw_call\n");

#define RAW(number, ...)      RAW_(number, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define RAW_(n, a, b, c, d, e, f, ...) \
    host_raw_call((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* Our own looks at files are no calls of the process that is watched. */
static int look_at(int fd, struct stat *st)
{
    return RAW(SYS_fstat, fd, st) == 0 ? 0 : -1;
}

static int look_at_name(const char *name, struct stat *st, int flags)
{
    return RAW(SYS_newfstatat, AT_FDCWD, name, st, flags) == 0 ? 0 : -1;
}

static void give_up(const char *why, long number)
{
    char text[200];
    int length = snprintf(text, sizeof text, "host_faults: %s (system call %ld)\n", why, number);
    RAW(SYS_write, 2, text, length);
    _exit(99);
}

/* ---- what a power failure would leave ---- */

static void remember_contents(int fd)
{
    struct stat st;

    if (host.fault != HOST_FORGET || look_at(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    for (guint i = 0; i < host.files->len; i++)
        if (g_array_index(host.files, struct synced, i).inode == st.st_ino)
            return;
    /* Its own descriptor, writable whatever the other one is. */
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    struct synced s = {st.st_ino, (int)RAW(SYS_openat, AT_FDCWD, self, O_RDWR | O_CLOEXEC), NULL, (gsize)st.st_size};
    if (s.fd < 0)
        s.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    s.bytes = g_malloc(s.length + 1);
    if (pread(s.fd, s.bytes, s.length, 0) != (gssize)s.length && RAW(SYS_pread64, s.fd, s.bytes, s.length, 0) < 0)
        give_up("a file cannot be read", SYS_pread64);
    g_array_append_val(host.files, s);
}

static ino_t folder_of(const char *name)
{
    char folder[NAME_BYTES];
    struct stat st;
    g_strlcpy(folder, name, sizeof folder);
    char *slash = strrchr(folder, '/');
    if (!slash)
        give_up("a name without a folder", SYS_rename);
    *slash = 0;
    return look_at_name(folder, &st, 0) == 0 ? st.st_ino : 0;
}

static struct entry *new_entry(int what, const char *name)
{
    if (host.entry_count == MAX_ENTRIES)
        give_up("too many names that were never synced", SYS_rename);
    struct entry *e = &host.entries[host.entry_count++];
    memset(e, 0, offsetof(struct entry, name));
    e->what = what;
    e->kept = 0;
    e->folder = folder_of(name);
    g_strlcpy(e->name, name, sizeof e->name);
    return e;
}

static void stash_name(char *to, guint number)
{
    snprintf(to, NAME_BYTES, "%s/%u", host.stash, number);
}

/* Keeps what stands at `name` under another one. */
static guint keep(const char *name)
{
    char to[NAME_BYTES];
    stash_name(to, ++host.kept);
    return RAW(SYS_linkat, AT_FDCWD, name, AT_FDCWD, to, 0) == 0 ? host.kept : 0;
}

static gboolean is_there(const char *name)
{
    struct stat st;
    return look_at_name(name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void note_added(const char *name)
{
    if (host.fault == HOST_FORGET)
        new_entry(ADDED, name);
}

static void note_moved(const char *from, const char *to)
{
    if (host.fault != HOST_FORGET)
        return;
    guint kept = is_there(to) ? keep(to) : 0;
    struct entry *e = new_entry(MOVED, to);
    e->kept = kept;
    g_strlcpy(e->from, from, sizeof e->from);
}

static void note_removed(const char *name)
{
    struct stat st;
    if (host.fault != HOST_FORGET || look_at_name(name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    guint kept = S_ISDIR(st.st_mode) ? 0 : keep(name);
    new_entry(S_ISDIR(st.st_mode) ? REMOVED_FOLDER : REMOVED, name)->kept = kept;
}

static void synced(int fd)
{
    struct stat st;

    if (host.fault != HOST_FORGET || look_at(fd, &st) != 0)
        return;
    for (guint i = 0; i < host.files->len; i++) {
        struct synced *s = &g_array_index(host.files, struct synced, i);
        if (s->inode != st.st_ino)
            continue;
        close(s->fd);
        g_free(s->bytes);
        g_array_remove_index_fast(host.files, i);
        break;
    }
    guint left = 0;
    for (guint i = 0; i < host.entry_count; i++)
        if (host.entries[i].folder != st.st_ino)
            host.entries[left++] = host.entries[i];
    host.entry_count = left;
}

static guint32 dice(void)
{
    host.dice = host.dice * G_GUINT64_CONSTANT(6364136223846793005) + 1442695040888963407;
    return (guint32)(host.dice >> 33);
}

/* All that was written since the sync, or any of its sectors: a host writes them when it likes. */
static void forget_contents(const struct synced *s)
{
    struct stat st;
    guint8 none[SECTOR] = {0}, *now;
    gboolean all = dice() % 3 == 0;

    if (look_at(s->fd, &st) != 0)
        return;
    gsize size = (gsize)st.st_size, longer = MAX(size, s->length);
    if (!all && size != s->length && dice() % 2)
        longer = size; /* the new length is known already, or still the old one */
    now = g_malloc0(longer + 1);
    RAW(SYS_pread64, s->fd, now, MIN(size, longer), 0);
    for (gsize at = 0; at < longer; at += SECTOR) {
        gsize end = MIN(at + SECTOR, longer);
        if (!all && dice() % 2)
            continue;
        memcpy(now + at, none, end - at);
        if (at < s->length)
            memcpy(now + at, s->bytes + at, MIN(end, s->length) - at);
    }
    gsize length = all ? s->length : longer;
    if (RAW(SYS_ftruncate, s->fd, length) != 0 || RAW(SYS_pwrite64, s->fd, now, length, 0) != (long)length)
        give_up("a file cannot be put back", SYS_pwrite64);
    g_free(now);
}

static void forget(void)
{
    host.dice = host.at * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15) + (guint64)host.files->len;
    for (guint i = host.entry_count; i-- > 0;) {
        const struct entry *e = &host.entries[i];
        char kept[NAME_BYTES];
        stash_name(kept, e->kept);
        switch (e->what) {
        case ADDED:
            if (RAW(SYS_unlink, e->name) == -EISDIR)
                RAW(SYS_rmdir, e->name);
            break;
        case MOVED: RAW(SYS_rename, e->name, e->from); break;
        case REMOVED: break;
        case REMOVED_FOLDER: RAW(SYS_mkdir, e->name, 0755); break;
        }
        if (e->kept)
            RAW(SYS_rename, kept, e->name);
    }
    for (guint i = 0; i < host.files->len; i++)
        forget_contents(&g_array_index(host.files, struct synced, i));
}

/* ---- calls ---- */

/* The name of an argument, absolute. */
static const char *full_name(int folder, const char *name, char *buffer)
{
    if (name[0] == '/')
        return name;
    char self[64], path[NAME_BYTES];
    ssize_t n;
    if (folder == AT_FDCWD) {
        if (!getcwd(path, sizeof path))
            give_up("no folder", SYS_openat);
    } else {
        snprintf(self, sizeof self, "/proc/self/fd/%d", folder);
        n = RAW(SYS_readlink, self, path, sizeof path - 1);
        if (n < 0)
            give_up("no folder", SYS_openat);
        path[n] = 0;
    }
    if (snprintf(buffer, NAME_BYTES, "%s/%s", path, name) >= NAME_BYTES)
        give_up("a long name", SYS_openat);
    return buffer;
}

static long change(long number, const long *a)
{
    char x[NAME_BYTES], y[NAME_BYTES];
    const char *from, *to;
    long result;

    switch (number) {
    case SYS_open:
    case SYS_creat:
    case SYS_openat: {
        gboolean at = number == SYS_openat;
        int flags = number == SYS_creat ? O_CREAT | O_TRUNC | O_WRONLY : (int)a[at ? 2 : 1];
        to = full_name(at ? (int)a[0] : AT_FDCWD, (const char *)a[at], x);
        gboolean is_new = flags & O_CREAT && !is_there(to);
        if (host.fault == HOST_FORGET && flags & O_TRUNC && !is_new) {
            int fd = (int)RAW(SYS_openat, AT_FDCWD, to, O_RDWR | O_CLOEXEC);
            if (fd >= 0) {
                remember_contents(fd);
                close(fd);
            }
        }
        result = host_raw_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (result >= 0 && is_new)
            note_added(to);
        if (result >= 0 && (is_new || (flags & O_TMPFILE) == O_TMPFILE))
            remember_contents((int)result);
        return result;
    }
    case SYS_mkdir:
    case SYS_mkdirat:
        to = full_name(number == SYS_mkdir ? AT_FDCWD : (int)a[0], (const char *)a[number != SYS_mkdir], x);
        result = host_raw_call(number, a[0], a[1], a[2], 0, 0, 0);
        if (result == 0)
            note_added(to);
        return result;
    case SYS_link:
    case SYS_linkat:
    case SYS_symlink:
    case SYS_symlinkat:
        to = number == SYS_linkat      ? full_name((int)a[2], (const char *)a[3], x)
             : number == SYS_symlinkat ? full_name((int)a[1], (const char *)a[2], x)
                                       : full_name(AT_FDCWD, (const char *)a[1], x);
        result = host_raw_call(number, a[0], a[1], a[2], a[3], a[4], 0);
        if (result == 0)
            note_added(to);
        return result;
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
        from = full_name(number == SYS_rename ? AT_FDCWD : (int)a[0], (const char *)a[number != SYS_rename], x);
        to = number == SYS_rename ? full_name(AT_FDCWD, (const char *)a[1], y)
                                  : full_name((int)a[2], (const char *)a[3], y);
        if (number == SYS_renameat2 && a[4] & RENAME_EXCHANGE)
            give_up("an exchange of names", number);
        if (is_there(from) && !(number == SYS_renameat2 && a[4] & RENAME_NOREPLACE && is_there(to)))
            note_moved(from, to);
        result = host_raw_call(number, a[0], a[1], a[2], a[3], a[4], 0);
        if (result != 0 && host.fault == HOST_FORGET && host.entry_count)
            host.entry_count--;
        return result;
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_rmdir: {
        guint before = host.entry_count;
        note_removed(full_name(number == SYS_unlinkat ? (int)a[0] : AT_FDCWD, (const char *)a[number == SYS_unlinkat], x));
        result = host_raw_call(number, a[0], a[1], a[2], 0, 0, 0);
        if (result != 0)
            host.entry_count = before;
        return result;
    }
    default: return host_raw_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
}

static long write_half(long number, const long *a)
{
    switch (number) {
    case SYS_write:
    case SYS_pwrite64: return host_raw_call(number, a[0], a[1], (a[2] + 1) / 2, a[3], 0, 0);
    case SYS_copy_file_range: return host_raw_call(number, a[0], a[1], a[2], a[3], (a[4] + 1) / 2, a[5]);
    case SYS_writev:
    case SYS_pwritev: {
        const struct iovec *v = (const struct iovec *)a[1];
        struct iovec half = {v[0].iov_base, a[2] > 1 ? v[0].iov_len : (v[0].iov_len + 1) / 2};
        return host_raw_call(number, a[0], (long)&half, 1, a[3], a[4], a[5]);
    }
    default: return host_raw_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
}

static int target_of(long number, const long *a)
{
    return (int)a[number == SYS_copy_file_range ? 2 : 0];
}

static gboolean counts(long number, enum kind kind, const long *a)
{
    struct stat st;

    if (host.paused || (kind == READS || kind == LOOKS) != reads_fail(host.fault))
        return FALSE;
    if (kind == WRITES || kind == READS)
        return target_of(number, a) > 2 && look_at(target_of(number, a), &st) == 0 &&
               (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
    if (kind == OPENS)
        return (number == SYS_open ? a[1] : a[2]) & CREATES;
    if (kind == CLONES)
        return a[1] == (long)FICLONE || a[1] == (long)FICLONERANGE;
    return TRUE;
}

static long strike(long number, enum kind kind, const long *a)
{
    gboolean first = !host.fired;

    host.fired = TRUE;
    switch (host.fault) {
    case HOST_FORGET:
        forget();
        /* fall through */
    case HOST_KILL: RAW(SYS_kill, getpid(), SIGKILL); break;
    case HOST_ENOSPC:
        if (kind != FREES && kind != SYNCS)
            return -ENOSPC;
        return 1;
    case HOST_EIO:
    case HOST_READ_ONCE: return first ? -EIO : 1;
    case HOST_EIO_STAYS:
    case HOST_READ: return -EIO;
    case HOST_SHORT: return first && kind == WRITES ? write_half(number, a) : 1;
    default: break;
    }
    return 1;
}

static long do_call(long number, const long *a)
{
    enum kind kind = NEVER;
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++)
        if (calls[i].number == number)
            kind = calls[i].kind;
    if (kind == NEVER)
        give_up("a call that this host does not know", number);
    gboolean counted = counts(number, kind, a);
    if (counted) {
        guint64 n = __atomic_add_fetch(host.calls, 1, __ATOMIC_SEQ_CST);
        if (host.at && n >= host.at) {
            long result = strike(number, kind, a);
            if (result != 1 || (host.fault == HOST_SHORT && kind == WRITES && n == host.at))
                return result;
        }
    }
    if (host.paused || !counted)
        return host_raw_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    switch (kind) {
    case SYNCS: /* the real one would only cost time: the host of this test does not lose its power */
        synced((int)a[0]);
        return 0;
    case WRITES: remember_contents(target_of(number, a)); break;
    case CLONES: remember_contents((int)a[0]); break;
    case CHANGES:
    case FREES:
    case OPENS: return change(number, a);
    default: break;
    }
    return host_raw_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void on_trap(int signal_number, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const long a[] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
    int before = errno;

    while (__atomic_exchange_n(&host.lock, 1, __ATOMIC_ACQUIRE))
        sched_yield();
    r[REG_RAX] = do_call(info->si_syscall, a);
    __atomic_store_n(&host.lock, 0, __ATOMIC_RELEASE);
    errno = before;
    (void)signal_number;
}

/* ---- the filter ---- */

#define LOAD(field)        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ARGUMENT(i)        offsetof(struct seccomp_data, args) + (i) * 8
#define RETURN(value)      BPF_STMT(BPF_RET | BPF_K, value)
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (guint32)(value), yes, no)

static void install(gboolean reads)
{
    struct sock_filter f[4 * G_N_ELEMENTS(calls) + 40];
    guint n = 0;
    guint64 returns = (guint64)(gsize)host_raw_call_returns;

    f[n++] = (struct sock_filter)LOAD(arch);
    f[n++] = (struct sock_filter)IF(AUDIT_ARCH_X86_64, 1, 0);
    f[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
    f[n++] = (struct sock_filter)LOAD(instruction_pointer);
    f[n++] = (struct sock_filter)IF(returns, 0, 3);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4);
    f[n++] = (struct sock_filter)IF(returns >> 32, 0, 1);
    f[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    f[n++] = (struct sock_filter)LOAD(nr);
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
        if ((calls[i].kind == READS || calls[i].kind == LOOKS) && !reads)
            continue;
        if (calls[i].kind == OPENS) { /* most opens create nothing */
            f[n++] = (struct sock_filter)IF(calls[i].number, 0, 4);
            f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(calls[i].number == SYS_open ? 1 : 2));
            f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CREATES, 0, 1);
            f[n++] = (struct sock_filter)RETURN(SECCOMP_RET_TRAP);
            f[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
        } else {
            f[n++] = (struct sock_filter)IF(calls[i].number, 0, 1);
            f[n++] = (struct sock_filter)RETURN(SECCOMP_RET_TRAP);
        }
    }
    f[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {(unsigned short)n, f};
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        g_error("this host cannot watch a process: %s", g_strerror(errno));
}

void host_watch(HostFault fault, guint64 at, guint64 *counter, const char *stash)
{
    host = (struct host){.fault = fault, .at = at, .calls = counter, .stash = g_strdup(stash)};
    host.files = g_array_new(FALSE, FALSE, sizeof(struct synced));
    host.entries = g_new(struct entry, MAX_ENTRIES);
    *counter = 0;
    if (fault == HOST_FORGET)
        g_mkdir_with_parents(stash, 0755);
    install(reads_fail(fault));
}

void host_clear_stash(const char *stash)
{
    g_autoptr(GDir) dir = g_dir_open(stash, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(stash, name, NULL);
        g_unlink(path);
    }
    g_rmdir(stash);
}

void host_pause(void)
{
    host.paused = TRUE;
}

void host_go_on(void)
{
    host.paused = FALSE;
}

/* ---- for the tests ---- */

void *host_shared(gsize size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    g_assert_true(memory != MAP_FAILED);
    return memory;
}

void host_wait(pid_t child, HostFault fault, guint64 at, guint32 seed)
{
    int status;

    g_assert_cmpint(child, >=, 0);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    if (!host_fault_kills(fault) || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        g_error("%s at call %" G_GUINT64_FORMAT " of seed %u: status %x", host_fault_names[fault], at, seed,
                (guint)status);
}

void host_use_memory_disk(void)
{
    if (!g_getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        g_setenv("TMPDIR", "/dev/shm", TRUE);
}
