/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Core files of the program. See core.h. */
#include "emulator/user/core.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "emulator/user/proc.h"
#include "emulator/user/process.h"

#define KICK_SIGNAL  32   /* as in gdb.c: one that the host's C library keeps to itself */
#define KICK_ROUNDS  200  /* ... of the following, for threads that hear nothing */
#define KICK_PAUSE   2000 /* microseconds */
#define PHDR_SIZE    32
#define EHDR_SIZE    52
#define MOST_HEADERS 0xfffe /* PN_XNUM is a number of another kind */

bool user_core_signal(int signal)
{
    switch (signal) {
    case SIGQUIT:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV:
    case SIGSYS:
    case SIGXCPU:
    case SIGXFSZ: return true;
    default: return false;
    }
}

static rlim_t most_bytes(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_CORE, &limit) == 0 ? limit.rlim_cur : 0;
}

bool user_core_wanted(void)
{
    return most_bytes() > 0;
}

/* ------------------------------------------------------------------------------------ the other threads */

static void on_kick(int signal, siginfo_t *info, void *context)
{
    struct user_thread *thread = user_thread_current();

    if (thread) {
        jit_request_stop(thread->cpu, context);
        user_host_call_interrupt(context);
    }
}

void user_core_park(struct user_thread *thread)
{
    if (thread->process->arch->settle)
        thread->process->arch->settle(thread->cpu);
    g_atomic_int_inc(&thread->process->parked);
    for (;;)
        pause();
}

/* Until all stand still, or for a while: one that waits in the kernel for a child does not answer, and its registers are
 * right all the same. */
static void stop_others(struct user_thread *self)
{
    struct user_process *process = self->process;

    user_host_sigaction(KICK_SIGNAL, (void *)on_kick, SA_SIGINFO, ~(uint64_t)0);
    for (int round = 0; round < KICK_ROUNDS; round++) {
        bool all;

        if (!g_mutex_trylock(&process->lock)) {
            g_usleep(KICK_PAUSE);
            continue;
        }
        all = g_atomic_int_get(&process->parked) + 1 >= (int)process->threads->len;
        for (guint i = 0; i < process->threads->len && !all; i++) {
            const struct user_thread *other = g_ptr_array_index(process->threads, i);

            if (other != self && other->tid)
                syscall(SYS_tgkill, getpid(), other->tid, KICK_SIGNAL);
        }
        g_mutex_unlock(&process->lock);
        if (all)
            return;
        g_usleep(KICK_PAUSE);
    }
}

/* ----------------------------------------------------------------------------------------------- notes */

struct core {
    struct user_thread *thread;
    const struct user_process *process;
    bool big;
    int signal;
    GByteArray *notes;
};

static void put(const struct core *c, uint8_t *to, unsigned size, uint64_t value)
{
    user_store(to, size, value, c->big);
}

static void append(const struct core *c, GByteArray *bytes, unsigned size, uint64_t value)
{
    uint8_t packed[8];

    put(c, packed, size, value);
    g_byte_array_append(bytes, packed, size);
}

static void append_padded(GByteArray *bytes, const void *data, size_t size)
{
    static const uint8_t zeros[4];

    g_byte_array_append(bytes, data, (guint)size);
    g_byte_array_append(bytes, zeros, (guint)(-size & 3));
}

static void add_note(struct core *c, const char *owner, uint32_t type, const void *data, size_t size)
{
    append(c, c->notes, 4, strlen(owner) + 1);
    append(c, c->notes, 4, size);
    append(c, c->notes, 4, type);
    append_padded(c->notes, owner, strlen(owner) + 1);
    append_padded(c->notes, data, size);
}

static void add_registers(struct user_thread *thread, const struct user_core_run *run, uint8_t *to)
{
    for (; run->count; run++) {
        for (unsigned i = 0; i < run->count; i++)
            thread->process->arch->gdb->get(thread, run->first + i, to + run->offset + i * run->bytes);
    }
}

/* struct elf_prstatus of 32-bit machines. The signal is told of every thread; the one that met it comes first. */
static void add_thread(struct core *c, struct user_thread *thread)
{
    enum { SIGNAL = 0, CODE = 4, CURSIG = 12, SIGHOLD = 20, PID = 24, PPID = 28, PGRP = 32, SID = 36, TIMES = 40, REGS = 72 };
    const struct user_core_arch *arch = c->process->arch->core;
    g_autofree uint8_t *status = g_malloc0(REGS + arch->general_size + 4u), *floats = g_malloc0(arch->float_size);
    int number = user_signal_to_guest(c->process->abi, c->signal);

    put(c, status + SIGNAL, 4, (uint32_t)number);
    put(c, status + CURSIG, 2, (uint32_t)number);
    put(c, status + SIGHOLD, 4, (uint32_t)user_sigset_to_guest(c->process->abi, thread->mask));
    put(c, status + PID, 4, (uint32_t)thread->tid);
    put(c, status + PPID, 4, (uint32_t)getppid());
    put(c, status + PGRP, 4, (uint32_t)getpgrp());
    put(c, status + SID, 4, (uint32_t)getsid(0));
    add_registers(thread, arch->general, status + REGS);
    put(c, status + REGS + arch->general_size, 4, 1); /* pr_fpvalid */
    add_registers(thread, arch->floats, floats);
    add_note(c, "CORE", NT_PRSTATUS, status, REGS + arch->general_size + 4u);
    add_note(c, arch->float_owner, arch->float_type, floats, arch->float_size);
}

/* struct elf_prpsinfo of 32-bit machines; user and group have 16 bits. */
static void add_process(struct core *c)
{
    enum { NICE = 3, UID = 8, GID = 10, PID = 12, PPID = 16, PGRP = 20, SID = 24, NAME = 28, ARGUMENTS = 44, SIZE = 124 };
    const struct user_process *process = c->process;
    uint8_t info[SIZE] = {0};
    uint64_t size = MIN(process->arguments_end - process->arguments_at, (uint64_t)(SIZE - ARGUMENTS - 1));

    info[1] = 'R';
    info[NICE] = (uint8_t)getpriority(PRIO_PROCESS, 0);
    put(c, info + UID, 2, getuid());
    put(c, info + GID, 2, getgid());
    put(c, info + PID, 4, (uint32_t)getpid());
    put(c, info + PPID, 4, (uint32_t)getppid());
    put(c, info + PGRP, 4, (uint32_t)getpgrp());
    put(c, info + SID, 4, (uint32_t)getsid(0));
    prctl(PR_GET_NAME, info + NAME);
    user_mem_read(&process->mem, process->arguments_at, info + ARGUMENTS, size);
    for (uint64_t i = 0; i + 1 < size; i++) {
        if (!info[ARGUMENTS + i])
            info[ARGUMENTS + i] = ' ';
    }
    add_note(c, "CORE", NT_PRPSINFO, info, sizeof(info));
    add_note(c, "CORE", NT_AUXV, process->auxv->data, process->auxv->len);
}

/* ----------------------------------------------------------------------------------------------- memory */

struct piece {
    uint64_t start, end, offset;
    unsigned flags; /* PF_* */
    bool file;
    const char *name;
};

/* From the text of /proc/self/maps as the program would read it, whose strings stay in use. */
static GArray *find_pieces(char **lines)
{
    GArray *pieces = g_array_new(FALSE, TRUE, sizeof(struct piece));

    for (char **line = lines; *line && pieces->len < MOST_HEADERS; line++) {
        unsigned long long start, end, offset, inode;
        char rights[8];
        int name = 0;

        if (sscanf(*line, "%llx-%llx %7s %llx %*x:%*x %llu %n", &start, &end, rights, &offset, &inode, &name) < 5)
            continue;
        g_array_append_val(pieces, ((struct piece){start, end, offset,
                                                   (rights[0] == 'r' ? PF_R : 0u) | (rights[1] == 'w' ? PF_W : 0u) |
                                                       (rights[2] == 'x' ? PF_X : 0u),
                                                   inode != 0, *line + name}));
    }
    return pieces;
}

/* NT_FILE: number, page size; start, end and page of the file of each; names. Linux, fs/binfmt_elf.c */
static void add_files(struct core *c, const GArray *pieces)
{
    g_autoptr(GByteArray) note = g_byte_array_new(), names = g_byte_array_new();
    unsigned n = 0;

    for (guint i = 0; i < pieces->len; i++)
        n += g_array_index(pieces, struct piece, i).file;
    append(c, note, 4, n);
    append(c, note, 4, USER_PAGE_SIZE);
    for (guint i = 0; i < pieces->len; i++) {
        const struct piece *p = &g_array_index(pieces, struct piece, i);

        if (!p->file)
            continue;
        append(c, note, 4, p->start);
        append(c, note, 4, p->end);
        append(c, note, 4, p->offset / USER_PAGE_SIZE);
        g_byte_array_append(names, (const uint8_t *)p->name, (guint)strlen(p->name) + 1);
    }
    g_byte_array_append(note, names->data, names->len);
    add_note(c, "CORE", NT_FILE, note->data, note->len);
}

/* -------------------------------------------------------------------------------------------- the file */

static bool write_whole(int fd, const void *bytes, size_t size, uint64_t at, rlim_t most)
{
    return (most == RLIM_INFINITY || at + size <= most) && pwrite(fd, bytes, size, (off_t)at) == (ssize_t)size;
}

/* Pages that were never touched are holes of the file. */
static bool write_piece(const struct core *c, int fd, int pagemap, const struct piece *p, uint64_t at, rlim_t most)
{
    const struct user_mem *mem = &c->process->mem;
    static const uint8_t zeros[USER_PAGE_SIZE];
    uint8_t bytes[USER_PAGE_SIZE];

    for (uint64_t page = p->start; page < p->end; page += USER_PAGE_SIZE, at += USER_PAGE_SIZE) {
        uint64_t word = UINT64_MAX, number = (uint64_t)(uintptr_t)(mem->window + page) >> USER_PAGE_BITS;

        if (!p->file && pagemap >= 0 && pread(pagemap, &word, sizeof(word), (off_t)(number * sizeof(word))) == sizeof(word) &&
            !(word >> 62))
            continue;
        if (user_mem_read(mem, page, bytes, sizeof(bytes)) && memcmp(bytes, zeros, sizeof(bytes)) != 0 &&
            !write_whole(fd, bytes, sizeof(bytes), at, most))
            return false;
    }
    return true;
}

static void put_segment(const struct core *c, uint8_t *to, uint32_t type, uint64_t offset, uint64_t address,
                        uint64_t file_size, uint64_t size, uint32_t flags, uint32_t alignment)
{
    const uint64_t fields[] = {type, offset, address, 0, file_size, size, flags, alignment};

    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++)
        put(c, to + 4 * i, 4, fields[i]);
}

/* Elf32_Ehdr */
static void put_header(const struct core *c, uint8_t *to, unsigned n)
{
    const uint16_t halves[] = {EHDR_SIZE, PHDR_SIZE, (uint16_t)n, 0, 0, 0};

    memcpy(to, ELFMAG, SELFMAG);
    to[EI_CLASS] = ELFCLASS32;
    to[EI_DATA] = c->big ? ELFDATA2MSB : ELFDATA2LSB;
    to[EI_VERSION] = EV_CURRENT;
    put(c, to + 16, 2, ET_CORE);
    put(c, to + 18, 2, c->process->image.machine);
    put(c, to + 20, 4, EV_CURRENT);
    put(c, to + 28, 4, EHDR_SIZE);
    put(c, to + 36, 4, c->process->image.flags);
    for (unsigned i = 0; i < G_N_ELEMENTS(halves); i++)
        put(c, to + 40 + 2 * i, 2, halves[i]);
}

static bool write_file(struct core *c, int fd, rlim_t most)
{
    g_autofree char *text = user_proc_maps(c->process);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GArray) pieces = find_pieces(lines);
    size_t head = EHDR_SIZE + (size_t)PHDR_SIZE * (1 + pieces->len);
    g_autofree uint8_t *headers = g_malloc0(head);
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    struct user_process *process = c->thread->process;
    uint64_t at;
    bool good;

    add_thread(c, c->thread);
    add_process(c);
    add_files(c, pieces);
    for (guint i = 0; i < process->threads->len && !c->thread->vfork_child; i++) {
        struct user_thread *other = g_ptr_array_index(process->threads, i);

        if (other != c->thread)
            add_thread(c, other);
    }
    put_header(c, headers, 1 + pieces->len);
    put_segment(c, headers + EHDR_SIZE, PT_NOTE, head, 0, c->notes->len, 0, 0, 4);
    at = (head + c->notes->len + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    for (guint i = 0; i < pieces->len; i++) {
        const struct piece *p = &g_array_index(pieces, struct piece, i);
        uint64_t size = p->flags & PF_R ? p->end - p->start : 0;

        put_segment(c, headers + EHDR_SIZE + PHDR_SIZE * (1 + i), PT_LOAD, at, p->start, size, p->end - p->start, p->flags,
                    USER_PAGE_SIZE);
        at += size;
    }
    good = at <= UINT32_MAX && write_whole(fd, headers, head, 0, most) &&
           write_whole(fd, c->notes->data, c->notes->len, head, most);
    at = (head + c->notes->len + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    for (guint i = 0; i < pieces->len && good; i++) {
        const struct piece *p = &g_array_index(pieces, struct piece, i);

        if (p->flags & PF_R) {
            good = write_piece(c, fd, pagemap, p, at, most);
            at += p->end - p->start;
        }
    }
    if (good && (most == RLIM_INFINITY || at <= most))
        good = ftruncate(fd, (off_t)at) == 0;
    if (pagemap >= 0)
        close(pagemap);
    return good;
}

/* core(5), "Naming of core dump files". */
static char *core_name(const struct core *c, bool *relative, bool *piped)
{
    g_autofree char *pattern = NULL, *uses_pid = NULL;
    GString *name = g_string_new(NULL);
    char called[16] = {0}, host[65] = {0};
    bool has_pid = false;

    g_file_get_contents("/proc/sys/kernel/core_pattern", &pattern, NULL, NULL);
    g_file_get_contents("/proc/sys/kernel/core_uses_pid", &uses_pid, NULL, NULL);
    g_strchomp(pattern ? pattern : (pattern = g_strdup("core")));
    *piped = *pattern == '|';
    prctl(PR_GET_NAME, called);
    for (const char *p = *piped || !*pattern ? "core" : pattern; *p; p++) {
        if (*p != '%') {
            g_string_append_c(name, *p);
            continue;
        }
        switch (*++p) {
        case '%': g_string_append_c(name, '%'); break;
        case 'p':
        case 'P':
            has_pid = true;
            g_string_append_printf(name, "%d", (int)getpid());
            break;
        case 'i':
        case 'I': g_string_append_printf(name, "%d", (int)c->thread->tid); break;
        case 'u': g_string_append_printf(name, "%u", (unsigned)getuid()); break;
        case 'g': g_string_append_printf(name, "%u", (unsigned)getgid()); break;
        case 'd': g_string_append_c(name, '1'); break;
        case 's': g_string_append_printf(name, "%d", user_signal_to_guest(c->process->abi, c->signal)); break;
        case 't': g_string_append_printf(name, "%lld", (long long)time(NULL)); break;
        case 'c': g_string_append_printf(name, "%llu", (unsigned long long)most_bytes()); break;
        case 'h': g_string_append(name, gethostname(host, sizeof(host) - 1) == 0 ? host : "unknown"); break;
        case 'e': g_string_append(name, g_strdelimit(called, "/", '!')); break;
        case 'f':
        case 'E': {
            g_autofree char *exe = *p == 'E' ? g_strdup(c->process->exe) : g_path_get_basename(c->process->exe);

            g_string_append(name, g_strdelimit(exe, "/", '!'));
            break;
        }
        case 0: p--; break;
        default: break;
        }
    }
    if (!has_pid && !*piped && uses_pid && *uses_pid != '0')
        g_string_append_printf(name, ".%d", (int)getpid());
    *relative = name->str[0] != '/';
    return g_string_free(name, FALSE);
}

/* A file of this user's with one name, as the kernel asks for. */
static int open_core(const char *name)
{
    int fd = open(name, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat status;

    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1 ||
                    status.st_uid != geteuid() || ftruncate(fd, 0) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Only the kernel can tell a parent of a core file, and only when it has written one: it shall write the few bytes of
 * one without memory, in a folder that a child of ours removes after this process. */
static bool let_kernel_tell(void)
{
    g_autofree char *folder = g_build_filename(g_get_tmp_dir(), "vitrine-core-XXXXXX", NULL);
    int filter = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC), at;
    pid_t parent = getpid(), child;
    bool none = filter >= 0 && write(filter, "0", 1) == 1;
    DIR *list;

    if (filter >= 0)
        close(filter);
    if (!none || !g_mkdtemp(folder))
        return false;
    at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    child = at >= 0 && fchdir(at) == 0 ? fork() : -1;
    if (child != 0) {
        if (child < 0)
            rmdir(folder);
        return child > 0;
    }
    setsid();
    /* Pipes that someone reads to their end must not wait for this. */
    if (dup2(at, 0) < 0 || close_range(1, ~0u, 0) != 0)
        _exit(1);
    while (getppid() == parent)
        usleep(KICK_PAUSE);
    list = fdopendir(0);
    for (const struct dirent *entry; list && (entry = readdir(list));)
        unlinkat(0, entry->d_name, 0);
    rmdir(folder);
    _exit(0);
}

bool user_core_write(struct user_thread *thread, int signal)
{
    struct user_process *process = thread->process;
    struct core core = {thread, process, process->abi->big_endian, signal, NULL};
    g_autofree char *name = NULL;
    bool relative, piped, good;
    rlim_t most = most_bytes();
    int fd;

    if (!most || !user_core_signal(signal) || prctl(PR_GET_DUMPABLE) != 1)
        return false;
    /* The first of several that die writes it. */
    if (!thread->vfork_child && !g_atomic_int_compare_and_exchange(&process->dumping, 0, 1))
        user_core_park(thread);
    if (!thread->vfork_child)
        stop_others(thread);
    if (process->arch->settle)
        process->arch->settle(thread->cpu);
    name = core_name(&core, &relative, &piped);
    fd = open_core(name);
    if (fd < 0)
        return false;
    core.notes = g_byte_array_new();
    good = write_file(&core, fd, most);
    g_byte_array_unref(core.notes);
    close(fd);
    return good && relative && !piped && !thread->vfork_child && let_kernel_tell();
}
