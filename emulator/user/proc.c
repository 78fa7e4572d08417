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
    else
        g_string_append_printf(text, "%s\n", line);
}

/* The host knows the files; the page table knows what the program may do. */
static void write_maps(struct user_process *process, GString *text)
{
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
static void write_cmdline(struct user_process *process, GString *text)
{
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

static void write_auxv(struct user_process *process, GString *text)
{
    g_string_append_len(text, (const char *)process->auxv->data, process->auxv->len);
}

static void write_cpuinfo(struct user_process *process, GString *text)
{
    g_autofree char *info = process->arch->cpuinfo(process);

    g_string_append(text, info);
}

static const struct {
    const char *name;
    void (*write)(struct user_process *process, GString *text);
} files[] = {{"maps", write_maps}, {"cmdline", write_cmdline}, {"auxv", write_auxv}};

static int64_t copy_of(struct user_process *process, void (*write_it)(struct user_process *, GString *))
{
    g_autoptr(GString) text = g_string_new(NULL);
    int fd = memfd_create("proc", MFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    write_it(process, text);
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
        *fd = copy_of(t->process, write_cpuinfo);
        return true;
    }
    for (unsigned i = 0; own && i < G_N_ELEMENTS(files); i++) {
        if (g_str_equal(own, files[i].name)) {
            *fd = copy_of(t->process, files[i].write);
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
