/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of /proc as the guest program should see them. See proc.h. */
#include "emulator/user/proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulator/user/process.h"

const char *user_proc_own(const char *path)
{
    static const char proc[] = "/proc/", *const names[] = {"self/", "thread-self/"};
    char *end;

    if (strncmp(path, proc, strlen(proc)) != 0)
        return NULL;
    path += strlen(proc);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strncmp(path, names[i], strlen(names[i])) == 0)
            return path + strlen(names[i]);
    }
    if (!g_ascii_isdigit(*path) || strtol(path, &end, 10) != getpid() || *end != '/')
        return NULL;
    return end + 1;
}

/* ------------------------------------------------------------------------------------------------ maps */

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

/* The host knows the files; the page table knows what the program may do. */
static void write_maps(const struct user_thread *thread, GString *text)
{
    const struct user_process *process = thread->process;
    const struct user_mem *mem = &process->mem;
    uint64_t window = (uint64_t)(uintptr_t)mem->window;
    const uint64_t borders[] = {mem->brk_start, (mem->brk + USER_PAGE_SIZE - 1) & USER_PAGE_MASK,
                                process->stack_low, process->stack_high};
    g_autofree char *all = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents("/proc/self/maps", &all, NULL, NULL))
        return;
    lines = g_strsplit(all, "\n", -1);
    for (char **line = lines; *line; line++) {
        struct host_mapping m;

        if (!parse_mapping(*line, &m) || m.end <= window || m.start >= window + mem->size)
            continue;
        for (uint64_t at = MAX(m.start, window) - window; at < MIN(m.end - window, mem->size);) {
            uint8_t bits = mem->page[at >> USER_PAGE_BITS];
            uint64_t end = at + USER_PAGE_SIZE, last = MIN(m.end - window, mem->size);

            while (end < last && mem->page[end >> USER_PAGE_BITS] == bits)
                end += USER_PAGE_SIZE;
            for (unsigned i = 0; i < G_N_ELEMENTS(borders); i++) {
                if (at < borders[i] && borders[i] < end)
                    end = borders[i];
            }
            if (bits)
                write_mapping(process, text, &m, at, end);
            at = end;
        }
    }
}

/* ------------------------------------------------------------------------------------------------ others */

/* What the program has made of its arguments. When their last byte is no zero any more, it has written a title
 * there, which may go on where its environment was (Linux, get_mm_cmdline). */
static void write_cmdline(const struct user_thread *thread, GString *text)
{
    const struct user_process *process = thread->process;
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

static void write_auxv(const struct user_thread *thread, GString *text)
{
    const GByteArray *auxv = thread->process->auxv;

    g_string_append_len(text, (const char *)auxv->data, auxv->len);
}

static void write_cpuinfo(const struct user_thread *thread, GString *text)
{
    g_autofree char *info = thread->process->arch->cpuinfo(thread->process);

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

static void write_stat(const struct user_thread *thread, GString *text)
{
    struct user_process *process = thread->process;
    uint64_t code = UINT64_MAX, code_end = 0, data = UINT64_MAX, data_end = 0;
    g_autofree char *all = NULL;
    g_auto(GStrv) fields = NULL;
    char *name_end;

    if (!g_file_get_contents("/proc/self/stat", &all, NULL, NULL) || !(name_end = strrchr(all, ')')))
        return;
    for (unsigned i = 0; i < process->image.n_segments; i++) {
        const struct elf_segment *s = &process->image.segments[i];
        uint64_t start = s->address + process->load_bias;

        if (s->flags & ELF_PF_X) {
            code = MIN(code, start);
            code_end = MAX(code_end, start + s->file_size);
        } else if (s->flags & ELF_PF_W) {
            data = MIN(data, start);
            data_end = MAX(data_end, start + s->file_size);
        }
    }
    const uint64_t own[] = {
        [STAT_THREADS] = count_threads(process),
        [STAT_VSIZE] = process->mem.mapped,
        [STAT_START_CODE] = code_end ? code : 0,
        [STAT_END_CODE] = code_end,
        [STAT_START_STACK] = process->stack_start,
        [STAT_START_DATA] = data_end ? data : 0,
        [STAT_END_DATA] = data_end,
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

/* A line of /proc/PID/status. */
static char *status_line(const struct user_thread *thread, const char *line)
{
    const struct user_abi *abi = thread->process->abi;
    uint64_t set;

    if (g_str_has_prefix(line, "Threads:"))
        return g_strdup_printf("Threads:\t%u", count_threads(thread->process));
    if (g_str_has_prefix(line, "VmPeak:") || g_str_has_prefix(line, "VmSize:"))
        return g_strdup_printf("%.7s\t%8" G_GUINT64_FORMAT " kB", line,
                               thread->process->mem.mapped / 1024);
    if (g_str_has_prefix(line, "SigBlk:"))
        set = thread->mask;
    else if (g_str_has_prefix(line, "SigIgn:"))
        set = signals_with(thread, true);
    else if (g_str_has_prefix(line, "SigCgt:"))
        set = signals_with(thread, false);
    else
        return g_strdup(line);
    return g_strdup_printf("%.7s\t%016" G_GINT64_MODIFIER "x", line, user_sigset_to_guest(abi, set));
}

static void write_status(const struct user_thread *thread, GString *text)
{
    g_autofree char *all = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents("/proc/self/status", &all, NULL, NULL))
        return;
    lines = g_strsplit(g_strchomp(all), "\n", -1);
    for (char **line = lines; *line; line++) {
        g_autofree char *own = status_line(thread, *line);

        g_string_append_printf(text, "%s\n", own);
    }
}

static const struct {
    const char *name;
    void (*write)(const struct user_thread *thread, GString *text);
} files[] = {
    {"maps", write_maps}, {"cmdline", write_cmdline}, {"auxv", write_auxv},
    {"stat", write_stat}, {"status", write_status},
};

static int64_t copy_of(const struct user_thread *thread,
                       void (*write_it)(const struct user_thread *thread, GString *text))
{
    g_autoptr(GString) text = g_string_new(NULL);
    int fd = memfd_create("proc", MFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    write_it(thread, text);
    if (write(fd, text->str, text->len) != (ssize_t)text->len || lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -EIO;
    }
    return fd;
}

bool user_proc_open(struct user_thread *t, const char *path, int64_t *fd)
{
    const char *own = user_proc_own(path);

    if (t->process->arch->cpuinfo && g_str_equal(path, "/proc/cpuinfo")) {
        *fd = copy_of(t, write_cpuinfo);
        return true;
    }
    for (unsigned i = 0; own && i < G_N_ELEMENTS(files); i++) {
        if (g_str_equal(own, files[i].name)) {
            *fd = copy_of(t, files[i].write);
            return true;
        }
    }
    return false;
}

char *user_proc_link(const struct user_process *process, const char *path)
{
    const char *own = user_proc_own(path);
    g_autofree char *target = NULL;

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
    target = g_file_read_link(path, NULL);
    return target && *target == '/' ? user_path_inside(process, target) : NULL;
}
