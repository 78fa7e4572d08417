/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of /proc as the guest program should see them. See proc.h. */
#include "emulator/user/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "emulator/user/process.h"

/* --------------------------------------------------------------------------------------------- which file */

/* Is a thread of that number the program's? */
static bool has_thread(struct user_process *process, pid_t tid)
{
    const struct user_thread *self = user_thread_current();
    bool found = self && self->tid == tid;

    g_mutex_lock(&process->lock);
    for (guint i = 0; i < process->threads->len && !found; i++)
        found = ((const struct user_thread *)g_ptr_array_index(process->threads, i))->tid == tid;
    g_mutex_unlock(&process->lock);
    return found;
}

/* Takes "NAME/" from the front; the rest. NULL: it begins otherwise. */
static const char *after(const char *path, const char *name)
{
    size_t n = strlen(name);

    return strncmp(path, name, n) == 0 && (path[n] == 0 || path[n] == '/') ? path + n + (path[n] != 0) : NULL;
}

/* The same of a number; 0: it begins with none. */
static pid_t number_of(const char *path, const char **rest)
{
    char *end;
    long number = g_ascii_isdigit(*path) ? strtol(path, &end, 10) : 0;

    if (number <= 0 || number > INT_MAX || (*end && *end != '/'))
        return 0;
    *rest = end + (*end != 0);
    return (pid_t)number;
}

/* Without "//" and "/./"; what ".." leads to is seldom asked for here, and is the host's to find. NULL: there is one. */
static char *tidy(const char *path)
{
    g_auto(GStrv) words = g_strsplit(path, "/", -1);
    g_autoptr(GString) text = g_string_new(NULL);

    for (char **word = words; *word; word++) {
        if (g_str_equal(*word, ".."))
            return NULL;
        if (**word && !g_str_equal(*word, "."))
            g_string_append_printf(text, "/%s", *word);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The absolute name of what may be a file of /proc; NULL: it is none. Most names are none, and that costs nothing. */
static char *whole_name(const struct user_process *process, int directory, const char *path)
{
    g_autofree char *folder = NULL, *link = NULL, *joined = NULL;

    if (*path == '/')
        return after(path + strspn(path, "/"), "proc") ? tidy(path) : NULL;
    if (!*path || (directory == AT_FDCWD && !process->in_proc))
        return NULL;
    link = directory == AT_FDCWD ? g_strdup("/proc/self/cwd") : g_strdup_printf("/proc/self/fd/%d", directory);
    folder = g_file_read_link(link, NULL);
    if (!folder || !after(folder, "/proc"))
        return NULL;
    joined = g_strconcat(folder, "/", path, NULL);
    return tidy(joined);
}

char *user_proc_own(const struct user_process *process, int directory, const char *path, pid_t *tid)
{
    g_autofree char *whole = whole_name(process, directory, path);
    const char *at = whole ? after(whole, "/proc") : NULL, *rest, *inner;
    pid_t number;

    *tid = 0;
    if (!at)
        return NULL;
    if ((rest = after(at, "self"))) {
    } else if ((rest = after(at, "thread-self"))) {
        *tid = gettid();
    } else if ((number = number_of(at, &rest)) && number != getpid()) {
        if (!has_thread((struct user_process *)process, number))
            return NULL;
    } else if (!number) {
        return NULL;
    }
    if ((inner = after(rest, "task")) && *inner && (number = number_of(inner, &inner))) {
        *tid = number;
        rest = inner;
    }
    return g_strdup(rest);
}

void user_proc_moved(struct user_process *process)
{
    g_autofree char *folder = g_file_read_link("/proc/self/cwd", NULL);

    process->in_proc = folder && after(folder, "/proc");
}

/* ------------------------------------------------------------------------------------------------ maps */

/* Who asks, and of which thread; tid 0: of the process. */
struct view {
    const struct user_thread *thread;
    pid_t tid;
};

struct host_mapping {
    uint64_t start, end, offset, inode;
    unsigned major, minor;
    const char *name;
};

static bool parse_mapping(char *line, struct host_mapping *m)
{
    int name = 0;

    if (sscanf(line,
               "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x %*4s %" G_GINT64_MODIFIER
               "x %x:%x %" G_GINT64_MODIFIER "u%n",
               &m->start, &m->end, &m->offset, &m->major, &m->minor, &m->inode, &name) < 6)
        return false;
    m->name = line + name + strspn(line + name, " ");
    return true;
}

static void write_mapping(const struct user_process *process, GString *text, const struct host_mapping *m,
                          uint64_t start, uint64_t end)
{
    const struct user_mem *mem = &process->mem;
    uint8_t bits = mem->page[start >> USER_PAGE_BITS];
    uint64_t window = (uint64_t)(uintptr_t)mem->window;
    g_autofree char *name = user_path_inside(process, m->name), *line = NULL;
    uint64_t offset = m->inode ? m->offset + (window + start - m->start) : 0;

    line = g_strdup_printf("%08" G_GINT64_MODIFIER "x-%08" G_GINT64_MODIFIER
                           "x %c%c%c%c %08" G_GINT64_MODIFIER "x %02x:%02x %" G_GINT64_MODIFIER "u",
                           start, end, bits & USER_PAGE_READ ? 'r' : '-', bits & USER_PAGE_WRITE ? 'w' : '-',
                           bits & USER_PAGE_EXEC ? 'x' : '-', bits & USER_PAGE_SHARED ? 's' : 'p', offset,
                           m->major, m->minor, m->inode);
    if (m->inode)
        g_string_append_printf(text, "%-48s %s\n", line, name);
    else if (start >= mem->brk_start && end <= ((mem->brk + USER_PAGE_SIZE - 1) & USER_PAGE_MASK))
        g_string_append_printf(text, "%-48s [heap]\n", line);
    else if (start >= process->stack_low && end <= process->stack_high)
        g_string_append_printf(text, "%-48s [stack]\n", line);
    else if (start >= mem->limit)
        g_string_append_printf(text, "%-48s [vectors]\n", line);
    else
        g_string_append_printf(text, "%s\n", line);
}

/* The pieces of one of the host's mappings, with what smaps tells of it: numbers are shared out by size. */
static void write_pieces(const struct user_process *process, GString *text, const struct host_mapping *m, char **details,
                         unsigned n_details)
{
    const struct user_mem *mem = &process->mem;
    uint64_t window = (uint64_t)(uintptr_t)mem->window, whole = m->end - m->start;
    const uint64_t borders[] = {mem->brk_start, (mem->brk + USER_PAGE_SIZE - 1) & USER_PAGE_MASK,
                                process->stack_low, process->stack_high};
    uint64_t end, last = MIN(m->end - window, mem->size);

    for (uint64_t at = MAX(m->start, window) - window; at < last; at = end) {
        uint8_t bits = mem->page[at >> USER_PAGE_BITS];

        for (end = at + USER_PAGE_SIZE; end < last && mem->page[end >> USER_PAGE_BITS] == bits;)
            end += USER_PAGE_SIZE;
        for (unsigned i = 0; i < G_N_ELEMENTS(borders); i++) {
            if (at < borders[i] && borders[i] < end)
                end = borders[i];
        }
        if (!bits)
            continue;
        write_mapping(process, text, m, at, end);
        for (unsigned i = 0; i < n_details; i++) {
            unsigned long long kib;
            char name[32];

            if (g_str_has_suffix(details[i], "PageSize:           4 kB") ||
                sscanf(details[i], "%31[^:]: %llu kB", name, &kib) != 2 || !g_str_has_suffix(details[i], " kB"))
                g_string_append_printf(text, "%s\n", details[i]);
            else
                g_string_append_printf(text, "%s:%*llu kB\n", name, 23 - (int)strlen(name), kib * (end - at) / whole);
        }
    }
}

/* The host knows the files; the page table knows what the program may do. */
static void write_mappings(const struct user_process *process, const char *file, GString *text)
{
    uint64_t window = (uint64_t)(uintptr_t)process->mem.window;
    g_autofree char *all = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned n;

    if (!g_file_get_contents(file, &all, NULL, NULL))
        return;
    lines = g_strsplit(g_strchomp(all), "\n", -1);
    for (char **line = lines; *line; line += 1 + n) {
        struct host_mapping m, next;
        bool known = parse_mapping(*line, &m);

        for (n = 0; line[1 + n] && !parse_mapping(line[1 + n], &next);)
            n++;
        if (known && m.end > window && m.start < window + process->mem.size)
            write_pieces(process, text, &m, line + 1, n);
    }
}

char *user_proc_maps(const struct user_process *process)
{
    GString *text = g_string_new(NULL);

    write_mappings(process, "/proc/self/maps", text);
    return g_string_free(text, FALSE);
}

static void write_maps(const struct view *view, GString *text)
{
    write_mappings(view->thread->process, "/proc/self/maps", text);
}

static void write_smaps(const struct view *view, GString *text)
{
    write_mappings(view->thread->process, "/proc/self/smaps", text);
}

/* ------------------------------------------------------------------------------------------------ others */

/* What the program has made of its arguments. When their last byte is no zero any more, it has written a title
 * there, which may go on where its environment was (Linux, get_mm_cmdline). */
static void write_cmdline(const struct view *view, GString *text)
{
    const struct user_process *process = view->thread->process;
    uint64_t size = process->arguments_end - process->arguments_at;

    g_string_set_size(text, size);
    if (!size || !user_mem_read(&process->mem, process->arguments_at, text->str, size)) {
        g_string_truncate(text, 0);
        return;
    }
    if (text->str[size - 1]) {
        size = MIN(process->environment_end - process->arguments_at, USER_PAGE_SIZE);
        g_string_set_size(text, size);
        if (!user_mem_read(&process->mem, process->arguments_at, text->str, size))
            size = 0;
        g_string_truncate(text, MIN(strnlen(text->str, size) + 1, size));
    }
}

static void write_auxv(const struct view *view, GString *text)
{
    const GByteArray *auxv = view->thread->process->auxv;

    g_string_append_len(text, (const char *)auxv->data, auxv->len);
}

static void write_cpuinfo(const struct view *view, GString *text)
{
    g_autofree char *info = view->thread->process->arch->cpuinfo(view->thread->process);

    g_string_append(text, info);
}

static unsigned count_threads(struct user_process *process)
{
    unsigned n;

    g_mutex_lock(&process->lock);
    n = process->threads->len;
    g_mutex_unlock(&process->lock);
    return n;
}

/* Fields of /proc/PID/stat by their number there (proc(5)). */
enum {
    STAT_STATE = 3,
    STAT_THREADS = 20,
    STAT_VSIZE = 23,
    STAT_START_CODE = 26,
    STAT_END_CODE = 27,
    STAT_START_STACK = 28,
    STAT_START_DATA = 45,
    STAT_END_DATA = 46,
    STAT_START_BRK = 47,
    STAT_ARG_START = 48,
    STAT_ARG_END = 49,
    STAT_ENV_START = 50,
    STAT_ENV_END = 51
};

struct range {
    uint64_t start, end;
};

/* Where the program's code and data lie. */
static void find_segments(const struct user_process *process, struct range *code, struct range *data)
{
    *code = *data = (struct range){0, 0};
    for (unsigned i = 0; i < process->image.n_segments; i++) {
        const struct elf_segment *s = &process->image.segments[i];
        uint64_t start = s->address + process->load_bias;
        struct range *r = s->flags & ELF_PF_X ? code : s->flags & ELF_PF_W ? data : NULL;

        if (r) {
            r->start = r->end ? MIN(r->start, start) : start;
            r->end = MAX(r->end, start + s->file_size);
        }
    }
}

/* The host's own file of the process or thread. NULL: there is none. */
static char *host_text(const struct view *view, const char *name)
{
    g_autofree char *path =
        view->tid ? g_strdup_printf("/proc/self/task/%d/%s", (int)view->tid, name) : g_strconcat("/proc/self/", name, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static void write_stat(const struct view *view, GString *text)
{
    struct user_process *process = view->thread->process;
    struct range code, data;
    g_autofree char *all = host_text(view, "stat");
    g_auto(GStrv) fields = NULL;
    char *name_end;

    if (!all || !(name_end = strrchr(all, ')')))
        return;
    find_segments(process, &code, &data);
    const uint64_t own[] = {
        [STAT_THREADS] = count_threads(process),
        [STAT_VSIZE] = process->mem.mapped,
        [STAT_START_CODE] = code.start,
        [STAT_END_CODE] = code.end,
        [STAT_START_STACK] = process->stack_start,
        [STAT_START_DATA] = data.start,
        [STAT_END_DATA] = data.end,
        [STAT_START_BRK] = process->mem.brk_start,
        [STAT_ARG_START] = process->arguments_at,
        [STAT_ARG_END] = process->arguments_end,
        [STAT_ENV_START] = process->arguments_end,
        [STAT_ENV_END] = process->environment_end,
    };
    g_string_append_len(text, all, name_end + 1 - all);
    fields = g_strsplit(g_strstrip(name_end + 1), " ", -1);
    for (unsigned i = 0; fields[i]; i++) {
        unsigned number = i + STAT_STATE;

        if (number < G_N_ELEMENTS(own) && own[number])
            g_string_append_printf(text, " %" G_GUINT64_FORMAT, own[number]);
        else
            g_string_append_printf(text, " %s", fields[i]);
    }
    g_string_append_c(text, '\n');
}

/* proc(5): size, resident, shared, text, 0, data and stack, 0; in pages. */
static void write_statm(const struct view *view, GString *text)
{
    const struct user_process *process = view->thread->process;
    uint64_t size = process->mem.mapped >> USER_PAGE_BITS;
    g_autofree char *all = host_text(view, "statm");
    unsigned long long resident = 0, shared = 0;
    struct range code, data;

    find_segments(process, &code, &data);
    if (all)
        sscanf(all, "%*u %llu %llu", &resident, &shared);
    g_string_append_printf(text, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)size,
                           (unsigned long long)MIN(resident, size), (unsigned long long)MIN(shared, size),
                           (unsigned long long)((code.end - code.start + USER_PAGE_SIZE - 1) >> USER_PAGE_BITS),
                           (unsigned long long)(process->mem.data >> USER_PAGE_BITS));
}

static void write_environ(const struct view *view, GString *text)
{
    const struct user_process *process = view->thread->process;
    uint64_t size = process->environment_end - process->arguments_end;

    g_string_set_size(text, size);
    if (!size || !user_mem_read(&process->mem, process->arguments_end, text->str, size))
        g_string_truncate(text, 0);
}

static void write_limit(GString *text, rlim_t limit)
{
    if (limit == RLIM_INFINITY)
        g_string_append_printf(text, "%-20s ", "unlimited");
    else
        g_string_append_printf(text, "%-20llu ", (unsigned long long)limit);
}

static void write_limits(const struct view *view, GString *text)
{
    static const struct {
        const char *name;
        int number;
    } own[] = {{"Max data size", RLIMIT_DATA}, {"Max stack size", RLIMIT_STACK}, {"Max address space", RLIMIT_AS}};
    struct user_thread *thread = user_thread_current();
    g_autofree char *all = host_text(view, "limits");
    g_auto(GStrv) lines = all ? g_strsplit(g_strchomp(all), "\n", -1) : NULL;

    for (char **line = lines; line && *line; line++) {
        const char *rest = *line;

        for (unsigned i = 0; i < G_N_ELEMENTS(own); i++) {
            struct rlimit limit;
            int64_t result;

            if (g_str_has_prefix(*line, own[i].name) &&
                user_limits_exchange(thread, own[i].number, NULL, &limit, &result)) {
                g_string_append_printf(text, "%-25s ", own[i].name);
                write_limit(text, limit.rlim_cur);
                write_limit(text, limit.rlim_max);
                rest = "bytes     ";
            }
        }
        g_string_append_printf(text, "%s\n", rest);
    }
}

static uint64_t signals_with(const struct user_thread *thread, bool ignored)
{
    uint64_t set = 0;

    for (unsigned n = 1; n < USER_N_ACTIONS; n++) {
        uint64_t handler = thread->actions[n].handler;

        if (ignored ? handler == (uintptr_t)SIG_IGN : handler > (uintptr_t)SIG_IGN)
            set |= UINT64_C(1) << (n - 1);
    }
    return set;
}

/* The signals that a thread blocks; tid 0: the first one. */
static uint64_t mask_of(const struct view *view)
{
    struct user_process *process = view->thread->process;
    pid_t tid = view->tid ? view->tid : getpid();
    uint64_t mask = view->thread->mask;

    g_mutex_lock(&process->lock);
    for (guint i = 0; i < process->threads->len; i++) {
        const struct user_thread *other = g_ptr_array_index(process->threads, i);

        if (other->tid == tid)
            mask = other->mask;
    }
    g_mutex_unlock(&process->lock);
    return mask;
}

/* A line of /proc/PID/status. */
static char *status_line(const struct view *view, const char *line)
{
    const struct user_thread *thread = view->thread;
    const struct user_mem *mem = &thread->process->mem;
    const struct {
        const char *name;
        uint64_t bytes;
    } sizes[] = {
        {"VmPeak:", mem->mapped},
        {"VmSize:", mem->mapped},
        {"VmData:", mem->data},
        {"VmStk:", thread->process->stack_high - thread->process->stack_low},
    };
    uint64_t set;

    if (g_str_has_prefix(line, "Threads:"))
        return g_strdup_printf("Threads:\t%u", count_threads(thread->process));
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        if (g_str_has_prefix(line, sizes[i].name))
            return g_strdup_printf("%s\t%8" G_GUINT64_FORMAT " kB", sizes[i].name, sizes[i].bytes / 1024);
    }
    if (g_str_has_prefix(line, "SigBlk:"))
        set = mask_of(view);
    else if (g_str_has_prefix(line, "SigIgn:"))
        set = signals_with(thread, true);
    else if (g_str_has_prefix(line, "SigCgt:"))
        set = signals_with(thread, false);
    else
        return g_strdup(line);
    return g_strdup_printf("%.7s\t%016" G_GINT64_MODIFIER "x", line, user_sigset_to_guest(thread->process->abi, set));
}

static void write_status(const struct view *view, GString *text)
{
    g_autofree char *all = host_text(view, "status");
    g_auto(GStrv) lines = all ? g_strsplit(g_strchomp(all), "\n", -1) : NULL;

    for (char **line = lines; line && *line; line++) {
        g_autofree char *own = status_line(view, *line);

        g_string_append_printf(text, "%s\n", own);
    }
}

static const struct {
    const char *name;
    void (*write)(const struct view *view, GString *text);
} files[] = {
    {"maps", write_maps},       {"smaps", write_smaps}, {"cmdline", write_cmdline}, {"auxv", write_auxv},
    {"stat", write_stat},       {"statm", write_statm}, {"status", write_status},   {"limits", write_limits},
    {"environ", write_environ},
};

static int64_t copy_of(const struct view *view, void (*write_it)(const struct view *view, GString *text), int flags)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int fd;

    if ((flags & O_ACCMODE) != O_RDONLY && geteuid() != 0)
        return -EACCES;
    if (flags & O_DIRECTORY)
        return -ENOTDIR;
    fd = memfd_create("proc", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    if (fd < 0)
        return -errno;
    write_it(view, text);
    if (write(fd, text->str, text->len) != (ssize_t)text->len || lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -EIO;
    }
    return fd;
}

/* -------------------------------------------------------------------------- what is not a file with a copy */

/* An open file whose calls are dealt with here. */
struct special {
    dev_t device;
    ino_t inode;
    enum user_proc_kind kind;
};

static void remember(struct user_process *process, int fd, enum user_proc_kind kind)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || user_proc_kind(process, fd) == kind)
        return;
    g_mutex_lock(&process->lock);
    if (!process->specials)
        process->specials = g_array_new(FALSE, FALSE, sizeof(struct special));
    g_array_append_val(process->specials, ((struct special){status.st_dev, status.st_ino, kind}));
    g_atomic_int_set(&process->n_specials, (int)process->specials->len);
    g_mutex_unlock(&process->lock);
}

enum user_proc_kind user_proc_kind(struct user_process *process, int fd)
{
    enum user_proc_kind kind = USER_PROC_OTHER;
    struct stat status;

    if (!g_atomic_int_get(&process->n_specials) || fstat(fd, &status) != 0)
        return USER_PROC_OTHER;
    g_mutex_lock(&process->lock);
    for (guint i = 0; i < process->specials->len; i++) {
        const struct special *s = &g_array_index(process->specials, struct special, i);

        if (s->device == status.st_dev && s->inode == status.st_ino)
            kind = s->kind;
    }
    g_mutex_unlock(&process->lock);
    return kind;
}

/* The file's place is the host's address, so that reads and writes go on from one another. */
int64_t user_proc_seek(struct user_thread *t, int fd, int64_t offset, int whence)
{
    int64_t window = (int64_t)(uintptr_t)t->process->mem.window, result;

    if (whence != SEEK_SET && whence != SEEK_CUR)
        return -EINVAL;
    result = lseek(fd, whence == SEEK_SET ? offset + window : offset, whence);
    return result < 0 ? -errno : result - window;
}

int64_t user_proc_memory_io(struct user_thread *t, int fd, const struct iovec *vector, unsigned count, int64_t position,
                            bool own_position, bool writes)
{
    struct user_mem *mem = &t->process->mem;
    int64_t window = (int64_t)(uintptr_t)mem->window, at = position, done = 0, n = 0;
    size_t wanted = 0;

    if (own_position && (at = user_proc_seek(t, fd, 0, SEEK_CUR)) < 0)
        return at;
    for (unsigned i = 0; i < count; i++) {
        uint8_t *here = vector[i].iov_base;

        wanted += vector[i].iov_len;
        for (size_t left = vector[i].iov_len; left; left -= (size_t)n, here += n) {
            uint64_t page = (uint64_t)at & USER_PAGE_MASK, there;

            /* The host would show what it reserves for the program, too. */
            there = at >= 0 && page < mem->size ? user_mem_mapped(mem, page, mem->size - page) : 0;
            there -= there ? (uint64_t)at - page : 0;
            n = there == 0 ? 0
                : writes   ? pwrite(fd, here, MIN(left, there), window + at)
                           : pread(fd, here, MIN(left, there), window + at);
            if (n <= 0) {
                n = n < 0 ? -errno : -EIO;
                goto out;
            }
            if (writes)
                user_mem_changed(mem, (uint64_t)at, (uint64_t)n);
            at += n;
            done += n;
        }
    }
out:
    if (own_position && done)
        lseek(fd, window + at, SEEK_SET);
    return done || !wanted ? done : n;
}

bool user_proc_shows(struct user_thread *t, const char *name)
{
    const char *rest;
    pid_t tid = number_of(name, &rest);

    return !tid || has_thread(t->process, tid);
}

static int64_t open_special(struct user_thread *t, const char *path, int flags, enum user_proc_kind kind)
{
    int64_t fd = USER_HOST(t, SYS_openat, AT_FDCWD, path, flags, 0, 0, 0);

    if (fd < 0 || flags & O_PATH)
        return fd;
    remember(t->process, (int)fd, kind);
    if (kind == USER_PROC_MEMORY)
        lseek((int)fd, (off_t)(uintptr_t)t->process->mem.window, SEEK_SET);
    return fd;
}

bool user_proc_open(struct user_thread *t, int directory, const char *path, int flags, int64_t *fd)
{
    struct view view = {t, 0};
    g_autofree char *own = user_proc_own(t->process, directory, path, &view.tid);

    if (t->process->arch->cpuinfo && g_str_equal(path, "/proc/cpuinfo")) {
        *fd = copy_of(&view, write_cpuinfo, flags);
        return true;
    }
    if (!own)
        return false;
    if (view.tid && !has_thread(t->process, view.tid)) {
        *fd = -ENOENT;
        return true;
    }
    if (flags & O_PATH)
        return false;
    if (g_str_equal(own, "mem")) {
        *fd = open_special(t, "/proc/self/mem", flags, USER_PROC_MEMORY);
        return true;
    }
    if (g_str_equal(own, "task") && !view.tid) {
        *fd = open_special(t, "/proc/self/task", flags, USER_PROC_TASKS);
        return true;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        if (g_str_equal(own, files[i].name)) {
            *fd = copy_of(&view, files[i].write, flags);
            return true;
        }
    }
    return false;
}

char *user_proc_link(const struct user_process *process, int directory, const char *path)
{
    pid_t tid;
    g_autofree char *own = user_proc_own(process, directory, path, &tid), *link = NULL, *target = NULL;

    if (!own)
        return NULL;
    if (g_str_equal(own, "exe"))
        return user_path_inside(process, process->exe);
    if (!process->options.sysroot)
        return NULL;
    if (process->options.root && g_str_equal(own, "root"))
        return g_strdup("/");
    if (!g_str_equal(own, "cwd") && !g_str_has_prefix(own, "fd/"))
        return NULL;
    link = g_strconcat("/proc/self/", own, NULL);
    target = g_file_read_link(link, NULL);
    return target && *target == '/' ? user_path_inside(process, target) : NULL;
}
