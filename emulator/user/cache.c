/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The translation cache on disk: see cache.h. */
#include "emulator/user/cache.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gio/gio.h>

#include "emulator/core/i18n.h"
#include "emulator/jit/store.h"
#include "emulator/user/process.h"

#define SUFFIX      ".code"
#define NEW_SUFFIX  ".new"  /* while it is written */
/* Worth a new file: so many regions, and such a part of those that the file has. */
#define FRESH_LEAST 32
#define FRESH_PART  32
/* Of one file; beyond it only what this process used is kept. */
#define FILE_BYTES  ((uint64_t)96 << 20)
/* A file that was used is marked so at most once in that time (seconds): the oldest marks are removed first. */
#define USED_GRAIN  3600

struct user_cache {
    char *folder;
    char name[2 * 16 + sizeof(SUFFIX)];
    uint8_t key[CODE_STORE_KEY_BYTES];
    uint32_t known; /* records of the file that was found */
};

/* ------------------------------------------------------------------------------------------------- the key */

static int build_note(struct dl_phdr_info *info, size_t size, void *opaque)
{
    GChecksum *sum = opaque;

    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];

        if (p->p_type == PT_NOTE)
            g_checksum_update(sum, (const guchar *)(info->dlpi_addr + p->p_vaddr), (gssize)p->p_memsz);
    }
    return 1; /* the program itself comes first; nothing else counts */
}

static void add_file(GChecksum *sum, const char *file)
{
    struct stat st = {0};
    g_autofree char *text = NULL;

    if (stat(file, &st) != 0)
        memset(&st, 0, sizeof(st));
    text = g_strdup_printf("%ju %ju %jd %jd.%09ld %jd.%09ld\n", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
                           (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                           (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    g_checksum_update(sum, (const guchar *)text, -1);
}

static void make_key(struct user_cache *cache, const struct user_process *process)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autoptr(GString) text = g_string_new(NULL);
    gsize size = sizeof(cache->key);

    /* This build: its build ID among the notes of its file, and the file. */
    dl_iterate_phdr(build_note, sum);
    add_file(sum, "/proc/self/exe");
    jit_fingerprint(process->jit, text);
    g_string_append_printf(text, "%s %s\n", process->arch->name, process->options.cpu ? process->options.cpu : "-");
    g_checksum_update(sum, (const guchar *)text->str, (gssize)text->len);
    add_file(sum, process->exe);
    g_checksum_get_digest(sum, cache->key, &size);
    for (unsigned i = 0; i < 16; i++)
        g_snprintf(cache->name + 2 * i, 3, "%02x", cache->key[i]);
    strcpy(cache->name + 32, SUFFIX);
}

/* ------------------------------------------------------------------------------------------- the folder */

char *user_cache_folder(void)
{
    const char *cache = g_getenv("XDG_CACHE_HOME"), *home = g_getenv("HOME");

    if (cache && g_path_is_absolute(cache))
        return g_build_filename(cache, "vitrine", "translations", NULL);
    if (home && g_path_is_absolute(home))
        return g_build_filename(home, ".cache", "vitrine", "translations", NULL);
    return NULL;
}

/* Nobody else may have written it. */
static bool is_ours(int fd, mode_t type)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_uid == geteuid() && !(st.st_mode & 022);
}

static int open_folder(const char *folder, bool make)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT && make && g_mkdir_with_parents(folder, 0700) == 0)
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && !is_ours(fd, S_IFDIR)) {
        close(fd);
        return -1;
    }
    return fd;
}

static struct code_store *open_store(const struct user_cache *cache, int folder)
{
    int fd = openat(folder, cache->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct code_store *store = NULL;
    struct stat st;

    if (fd < 0)
        return NULL;
    if (is_ours(fd, S_IFREG))
        store = code_store_open(fd, cache->key, NULL);
    if (store && fstat(fd, &st) == 0 && time(NULL) - st.st_mtim.tv_sec > USED_GRAIN)
        futimens(fd, NULL);
    close(fd);
    return store;
}

struct user_cache *user_cache_open(struct user_process *process)
{
    const struct user_options *options = &process->options;
    struct user_cache *cache;
    struct code_store *store = NULL;
    int folder;

    if (!options->cache || options->accel != JIT_ACCEL_JIT)
        return NULL;
    cache = g_new0(struct user_cache, 1);
    cache->folder = g_strdup(options->cache);
    make_key(cache, process);
    folder = open_folder(cache->folder, false);
    if (folder >= 0) {
        store = open_store(cache, folder);
        close(folder);
    }
    if (store) {
        cache->known = code_store_count(store);
        jit_use_store(process->jit, store);
    }
    return cache;
}

void user_cache_free(struct user_cache *cache)
{
    if (!cache)
        return;
    g_free(cache->folder);
    g_free(cache);
}

/* ------------------------------------------------------------------------------------------- keeping */

struct found {
    char *name;
    uint64_t size;
    struct timespec used;
};

static void found_free(void *p)
{
    struct found *f = p;

    g_free(f->name);
    g_free(f);
}

static int older_first(const void *a, const void *b)
{
    const struct timespec *x = &(*(struct found *const *)a)->used, *y = &(*(struct found *const *)b)->used;

    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* The cache's files in a folder; takes the descriptor. */
static GPtrArray *list_files(int folder)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(found_free);
    DIR *dir = fdopendir(folder);
    struct dirent *entry;

    if (!dir) {
        close(folder);
        return list;
    }
    while ((entry = readdir(dir))) {
        struct found *f;
        struct stat st;

        if ((!g_str_has_suffix(entry->d_name, SUFFIX) && !g_str_has_suffix(entry->d_name, NEW_SUFFIX)) ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        f = g_new(struct found, 1);
        *f = (struct found){g_strdup(entry->d_name), (uint64_t)st.st_size, st.st_mtim};
        g_ptr_array_add(list, f);
    }
    closedir(dir);
    return list;
}

static void remove_oldest(int folder, const char *except)
{
    g_autoptr(GPtrArray) list = list_files(dup(folder));
    uint64_t bytes = 0;

    for (guint i = 0; i < list->len; i++)
        bytes += ((struct found *)list->pdata[i])->size;
    g_ptr_array_sort(list, older_first);
    for (guint i = 0; i < list->len && bytes > USER_CACHE_BYTES; i++) {
        const struct found *f = list->pdata[i];

        if (strcmp(f->name, except) != 0 && unlinkat(folder, f->name, 0) == 0)
            bytes -= f->size;
    }
}

/* The descriptor of the new file, which nobody else writes meanwhile; -1: somebody does. */
static int open_new(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    struct stat mine, there;

    if (fd < 0)
        return -1;
    /* Whoever had it before may have given it its final name in between. */
    if (is_ours(fd, S_IFREG) && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &mine) == 0 &&
        fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && mine.st_ino == there.st_ino &&
        mine.st_dev == there.st_dev && ftruncate(fd, 0) == 0)
        return fd;
    close(fd);
    return -1;
}

static void add_old(struct code_store_writer *writer, const struct code_store *old)
{
    g_autoptr(GByteArray) buffer = g_byte_array_new();
    struct code_store_record record;
    uint64_t at = 0;

    while (code_store_next(old, &at, buffer, &record))
        code_store_add(writer, &record);
}

static void write_file(const struct user_cache *cache, struct user_thread *thread)
{
    struct code_store_writer *writer;
    struct code_store *old;
    char name[sizeof(cache->name) + sizeof(NEW_SUFFIX)];
    int folder = open_folder(cache->folder, true), fd;

    if (folder < 0)
        return;
    g_snprintf(name, sizeof(name), "%s" NEW_SUFFIX, cache->name);
    fd = open_new(folder, name);
    if (fd < 0)
        return;
    writer = code_store_writer_new(cache->key);
    jit_keep(thread->process->jit, thread->cpu, writer);
    /* What it is now: another process may have written it since this one looked. */
    old = open_store(cache, folder);
    if (old && code_store_size(old) < FILE_BYTES)
        add_old(writer, old);
    if (code_store_writer_count(writer) && code_store_write(writer, fd) &&
        renameat(folder, name, folder, cache->name) == 0)
        remove_oldest(folder, cache->name);
    else
        unlinkat(folder, name, 0);
}

/* A process of its own, which holds nothing that anybody could wait for. */
static _Noreturn void keeper(struct user_thread *thread)
{
    sigset_t none;

    setsid();
    setpriority(PRIO_PROCESS, 0, 19);
    prctl(PR_SET_NAME, "vitrine-cache");
    if (chdir("/") != 0)
        _exit(1);
    for (int signal = 1; signal < 32; signal++) {
        if (signal != SIGKILL && signal != SIGSTOP)
            user_host_sigaction(signal, SIG_DFL, 0, 0);
    }
    user_host_sigaction(SIGXFSZ, SIG_IGN, 0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(077);
    write_file(thread->process->cache, thread);
    _exit(0);
}

#define STACK_BYTES ((size_t)256 << 10)

/* In this process's memory, while it waits, but with descriptors of its own: only its child has a copy of all. */
static int part(void *thread)
{
    close_range(0, ~0u, 0);
    if (fork() == 0)
        keeper(thread);
    _exit(0);
}

void user_cache_keep(struct user_thread *thread)
{
    struct user_process *process = thread->process;
    const struct user_cache *cache = process->cache;
    sigset_t all, old;
    uint8_t *stack;
    uint32_t fresh = cache ? jit_fresh_regions(process->jit) : 0;

    /* Not for copies of a process that will do it itself. */
    if (!cache || thread->vfork_child || getpid() != process->pid || fresh < FRESH_LEAST ||
        fresh < cache->known / FRESH_PART)
        return;
    stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    jit_keep_begin(process->jit);
    /* No signal tells of its end, and its child is nobody's: the program does not see either. */
    pid_t child = clone(part, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK, thread);
    jit_keep_end(process->jit);
    if (child > 0)
        waitpid(child, NULL, __WALL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    munmap(stack, STACK_BYTES);
}

/* ------------------------------------------------------------------------------------------- its owner's */

static int open_to_list(const char *folder, GError **error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno != ENOENT)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), _("The translation cache %s cannot be read: %s."),
                    folder, g_strerror(errno));
    return fd;
}

static bool visit(const char *folder, bool clear, unsigned *files, uint64_t *bytes, GError **error)
{
    GError *problem = NULL;
    int fd = open_to_list(folder, &problem);

    *files = 0;
    *bytes = 0;
    if (problem) {
        g_propagate_error(error, problem);
        return false;
    }
    if (fd < 0)
        return true;
    g_autoptr(GPtrArray) list = list_files(dup(fd));
    for (guint i = 0; i < list->len && !problem; i++) {
        const struct found *f = list->pdata[i];

        if (clear && unlinkat(fd, f->name, 0) != 0 && errno != ENOENT) {
            problem = g_error_new(G_IO_ERROR, g_io_error_from_errno(errno), "%s/%s cannot be removed: %s.", folder,
                                  f->name, g_strerror(errno));
            break;
        }
        ++*files;
        *bytes += f->size;
    }
    close(fd);
    if (problem)
        g_propagate_error(error, problem);
    return !problem;
}

bool user_cache_measure(const char *folder, unsigned *files, uint64_t *bytes, GError **error)
{
    return visit(folder, false, files, bytes, error);
}

bool user_cache_clear(const char *folder, unsigned *files, uint64_t *bytes, GError **error)
{
    return visit(folder, true, files, bytes, error);
}
