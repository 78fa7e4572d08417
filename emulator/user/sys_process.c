/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on processes, threads, credentials and limits. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* ------------------------------------------------------------------------------------------- the end */

int64_t user_sys_exit_group(struct user_thread *t, const uint64_t *a)
{
    if (t->process->strace)
        fputc('\n', t->process->strace);
    user_process_exit(t->process, (int)a[0] & 0xff);
}

int64_t user_sys_exit(struct user_thread *t, const uint64_t *a)
{
    struct user_process *process = t->process;
    bool last;

    g_mutex_lock(&process->lock);
    last = process->threads->len == 1;
    if (!last)
        g_ptr_array_remove(process->threads, t);
    g_mutex_unlock(&process->lock);
    if (last)
        return user_sys_exit_group(t, a);
    user_signal_block_all();
    user_futex_leave(t);
    user_thread_set_current(NULL);
    user_thread_free(t);
    pthread_exit(NULL);
}

/* -------------------------------------------------------------------------------------- new processes */

static int64_t fork_process(struct user_thread *t, uint64_t sp, uint64_t flags, uint64_t tls,
                            uint64_t parent_tid, uint64_t child_tid)
{
    struct user_process *process = t->process;
    const struct user_arch *arch = process->arch;
    int parent = getpid(), number;
    uint64_t mask = t->mask;
    pid_t child;

    /* A signal between the fork and the child's first look would find the parent's processor. */
    user_signal_block_all();
    if (t->pending)
        return USER_AGAIN;
    if (arch->settle && !arch->settle(t->cpu)) {
        user_signal_set_mask(t, mask);
        return -EFAULT;
    }
    if (process->strace)
        fflush(process->strace);
    /* Other threads stay behind: what they hold would never be let go in the child. */
    g_mutex_lock(&process->lock);
    g_mutex_lock(&process->mem.lock);
    child = fork();
    number = errno;
    g_mutex_unlock(&process->mem.lock);
    g_mutex_unlock(&process->lock);
    if (child < 0) {
        user_signal_set_mask(t, mask);
        return -number;
    }
    if (child > 0) {
        if (flags & CLONE_PARENT_SETTID)
            user_mem_put(MEM(t), parent_tid, 4, (uint32_t)child);
        user_signal_set_mask(t, mask);
        t->has_second = true;
        t->second = 0;
        return child;
    }
    if (!user_process_forked(t))
        _exit(127);
    t->clear_tid = flags & CLONE_CHILD_CLEARTID ? child_tid : 0;
    if (flags & CLONE_CHILD_SETTID)
        user_mem_put(MEM(t), child_tid, 4, (uint32_t)t->tid);
    if (flags & CLONE_SETTLS)
        arch->set_tls(t->cpu, tls);
    if (!arch->child(t, t->cpu, sp, parent))
        user_signal_die(process, SIGSEGV);
    user_signal_set_mask(t, mask);
    return USER_KEEP;
}

int64_t user_sys_fork(struct user_thread *t, const uint64_t *a)
{
    return fork_process(t, 0, 0, 0, 0, 0);
}

struct birth {
    struct user_thread *thread;
    uint64_t mask, child_tid;
    bool set_child_tid;
    pthread_mutex_t lock;
    pthread_cond_t born;
    pid_t tid;
};

static void *begin_thread(void *opaque)
{
    struct birth *birth = opaque;
    struct user_thread *t = birth->thread;
    uint64_t mask = birth->mask;

    t->tid = gettid();
    user_thread_set_current(t);
    if (birth->set_child_tid)
        user_mem_put(MEM(t), birth->child_tid, 4, (uint32_t)t->tid);
    pthread_mutex_lock(&birth->lock);
    birth->tid = t->tid;
    pthread_cond_signal(&birth->born);
    pthread_mutex_unlock(&birth->lock);
    user_signal_set_mask(t, mask);
    user_thread_loop(t);
}

static int64_t clone_thread(struct user_thread *t, uint64_t flags, uint64_t sp, uint64_t tls,
                            uint64_t parent_tid, uint64_t child_tid)
{
    struct user_process *process = t->process;
    struct birth birth = {
        .mask = t->mask, .child_tid = child_tid, .set_child_tid = flags & CLONE_CHILD_SETTID};
    pthread_attr_t attributes;
    int result;

    if (process->arch->settle && !process->arch->settle(t->cpu))
        return -EFAULT;
    birth.thread = user_thread_new(process, t->cpu);
    birth.thread->mask = t->mask;
    if (flags & CLONE_CHILD_CLEARTID)
        birth.thread->clear_tid = child_tid;
    if (flags & CLONE_SETTLS)
        process->arch->set_tls(birth.thread->cpu, tls);
    if (!process->arch->child(birth.thread, birth.thread->cpu, sp, getpid())) {
        user_thread_free(birth.thread);
        return -EFAULT;
    }
    pthread_mutex_init(&birth.lock, NULL);
    pthread_cond_init(&birth.born, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 512 << 10);

    user_signal_block_all();
    g_mutex_lock(&process->lock);
    g_ptr_array_add(process->threads, birth.thread);
    g_mutex_unlock(&process->lock);
    pthread_mutex_lock(&birth.lock);
    result = pthread_create(&birth.thread->host, &attributes, begin_thread, &birth);
    while (result == 0 && birth.tid == 0)
        pthread_cond_wait(&birth.born, &birth.lock);
    pthread_mutex_unlock(&birth.lock);
    pthread_attr_destroy(&attributes);
    pthread_cond_destroy(&birth.born);
    pthread_mutex_destroy(&birth.lock);
    if (result != 0) {
        g_mutex_lock(&process->lock);
        g_ptr_array_remove(process->threads, birth.thread);
        g_mutex_unlock(&process->lock);
        user_thread_free(birth.thread);
        user_signal_set_mask(t, t->mask);
        return -result;
    }
    if (flags & CLONE_PARENT_SETTID)
        user_mem_put(MEM(t), parent_tid, 4, (uint32_t)birth.tid);
    user_signal_set_mask(t, t->mask);
    t->has_second = true;
    t->second = 0;
    return birth.tid;
}

#define CLONE_THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

/* flags, stack, parent's tid, tls, child's tid (the order of SPARC and most others, CONFIG_CLONE_BACKWARDS)
 */
int64_t user_sys_clone(struct user_thread *t, const uint64_t *a)
{
    uint64_t flags = a[0] & ~(uint64_t)CSIGNAL;

    if ((flags & CLONE_THREAD_FLAGS) == CLONE_THREAD_FLAGS)
        return clone_thread(t, flags, a[1], a[3], a[2], a[4]);
    /* A process of its own. vfork (CLONE_VM | CLONE_VFORK) is a fork: the child must not touch what it shares
     * but by exec or exit. Memory, files or handlers shared in other ways are not offered. */
    if (flags & (CLONE_THREAD | CLONE_FS | CLONE_FILES | CLONE_SIGHAND) ||
        (flags & CLONE_VM && !(flags & CLONE_VFORK)))
        return -EINVAL;
    return fork_process(t, a[1], flags, a[3], a[2], a[4]);
}

static int64_t read_strings(struct user_thread *t, uint64_t from, GPtrArray *list)
{
    unsigned word = ABI(t)->word;

    for (; from; from += word) {
        uint64_t at;
        bool too_long;
        char *text;

        if (!user_mem_get(MEM(t), from, word, &at))
            return -EFAULT;
        if (!at)
            break;
        text = user_mem_string(MEM(t), at, 131072, &too_long);
        if (!text)
            return too_long ? -E2BIG : -EFAULT;
        g_ptr_array_add(list, text);
    }
    return 0;
}

/* A program for one of our processors begins again under this program; any other is the host's to run. */
static int64_t execute(struct user_thread *t, char *file, GPtrArray *argv, GPtrArray *envp)
{
    const struct user_options *options = &t->process->options;
    g_autoptr(GPtrArray) command = g_ptr_array_new();
    g_autoptr(GMappedFile) map = NULL;
    struct elf_image image;
    bool ours = false;
    char head[2];
    int fd;
    int64_t result;

    if (access(file, X_OK) != 0)
        return -errno;
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ours = read(fd, head, 2) == 2 && head[0] == '#' && head[1] == '!' && options->sysroot;
        close(fd);
    }
    if (!ours && user_load_headers(file, &image, &map, NULL)) {
        ours = user_find_arch(&image) != NULL;
        elf_image_finish(&image);
    }
    if (!ours) {
        user_signal_block_all();
        if (t->pending)
            return USER_AGAIN;
        /* What the program blocks stays blocked; what we block beyond it must not. */
        user_signal_set_mask(t, t->mask);
        return USER_HOST(t, SYS_execve, file, argv->pdata, envp->pdata, 0, 0, 0);
    }
    g_ptr_array_add(command, (char *)"vitrine");
    g_ptr_array_add(command, (char *)"exec");
    if (options->sysroot) {
        g_ptr_array_add(command, (char *)"--sysroot");
        g_ptr_array_add(command, (char *)options->sysroot);
    }
    if (options->cpu) {
        g_ptr_array_add(command, (char *)"--cpu");
        g_ptr_array_add(command, (char *)options->cpu);
    }
    if (options->strace)
        g_ptr_array_add(command, (char *)"--strace");
    if (options->accel == JIT_ACCEL_INTERP)
        g_ptr_array_add(command, (char *)"--accel=interp");
    if (argv->len > 1) {
        g_ptr_array_add(command, (char *)"--argv0");
        g_ptr_array_add(command, argv->pdata[0]);
    }
    g_ptr_array_add(command, (char *)"--");
    g_ptr_array_add(command, file);
    for (guint i = 1; i + 1 < argv->len; i++)
        g_ptr_array_add(command, argv->pdata[i]);
    g_ptr_array_add(command, NULL);
    result = USER_HOST(t, SYS_execve, options->self, command->pdata, envp->pdata, 0, 0, 0);
    return result;
}

/* A file by name, or the descriptor itself when the name is empty and AT_EMPTY_PATH says so. */
static int64_t execute_at(struct user_thread *t, int directory, uint64_t name, const uint64_t *lists,
                          int flags)
{
    g_autofree char *file = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) envp = g_ptr_array_new_with_free_func(g_free);
    int64_t result = user_call_path(t, name, &file);

    if (result == 0 && flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    if (result == 0 && g_str_equal(file, "/proc/self/exe")) {
        g_free(file);
        file = g_strdup(t->process->exe);
    } else if (result == 0 && directory != AT_FDCWD && file[0] != '/') {
        g_autofree char *relative = g_steal_pointer(&file);
        struct stat status;

        if (!relative[0] && !(flags & AT_EMPTY_PATH))
            return -ENOENT;
        file = g_strdup_printf("/proc/self/fd/%d%s%s", directory, relative[0] ? "/" : "", relative);
        if (flags & AT_SYMLINK_NOFOLLOW && relative[0] && lstat(file, &status) == 0 &&
            S_ISLNK(status.st_mode))
            return -ELOOP;
    }
    if (result == 0)
        result = read_strings(t, lists[0], argv);
    if (result == 0)
        result = read_strings(t, lists[1], envp);
    if (result < 0)
        return result;
    g_ptr_array_add(argv, NULL);
    g_ptr_array_add(envp, NULL);
    return execute(t, file, argv, envp);
}

int64_t user_sys_execve(struct user_thread *t, const uint64_t *a)
{
    return execute_at(t, AT_FDCWD, a[0], a + 1, 0);
}

int64_t user_sys_execveat(struct user_thread *t, const uint64_t *a)
{
    return execute_at(t, (int)a[0], a[1], a + 2, (int)a[4]);
}

static int64_t wait_for(struct user_thread *t, int pid, uint64_t status_address, int options,
                        uint64_t usage_address)
{
    int status = 0;
    struct rusage usage;
    int64_t result = USER_HOST(t, SYS_wait4, pid, &status, options, &usage, 0, 0);

    if (result <= 0)
        return result;
    if (status_address && !user_mem_put(MEM(t), status_address, 4, user_wait_status(t, status)))
        return -EFAULT;
    if (usage_address && !user_write_rusage(t, usage_address, &usage))
        return -EFAULT;
    return result;
}

int64_t user_sys_wait4(struct user_thread *t, const uint64_t *a)
{
    return wait_for(t, (int)a[0], a[1], (int)a[2], a[3]);
}

int64_t user_sys_waitpid(struct user_thread *t, const uint64_t *a)
{
    return wait_for(t, (int)a[0], a[1], (int)a[2], 0);
}

int64_t user_sys_waitid(struct user_thread *t, const uint64_t *a)
{
    siginfo_t info = {0};
    struct rusage usage;
    uint8_t packed[128];
    int64_t result = USER_HOST(t, SYS_waitid, a[0], a[1], &info, a[3], &usage, 0);

    if (result < 0)
        return result;
    if (a[2]) {
        if (info.si_signo)
            user_pack_siginfo(t, packed, &info);
        else
            memset(packed, 0, sizeof(packed));
        if (!user_mem_write(MEM(t), a[2], packed, sizeof(packed)))
            return -EFAULT;
    }
    return a[4] && !user_write_rusage(t, a[4], &usage) ? -EFAULT : 0;
}

/* ------------------------------------------------------------------------------------------- identity */

int64_t user_sys_getpid(struct user_thread *t, const uint64_t *a)
{
    return getpid();
}

int64_t user_sys_getpgrp(struct user_thread *t, const uint64_t *a)
{
    return getpgrp();
}

int64_t user_sys_getpagesize(struct user_thread *t, const uint64_t *a)
{
    return (int64_t)USER_PAGE_SIZE;
}

int64_t user_sys_nice(struct user_thread *t, const uint64_t *a)
{
    errno = 0;
    return nice((int)a[0]) == -1 && errno ? -errno : 0;
}

/* struct new_utsname: six strings of 65 bytes. */
int64_t user_sys_uname(struct user_thread *t, const uint64_t *a)
{
    struct utsname name;
    char packed[6][65] = {{0}};

    if (uname(&name) != 0)
        return -errno;
    g_strlcpy(packed[0], name.sysname, 65);
    g_strlcpy(packed[1], name.nodename, 65);
    g_strlcpy(packed[2], name.release, 65);
    g_strlcpy(packed[3], name.version, 65);
    g_strlcpy(packed[4], t->process->arch->machine(t->process), 65);
    g_strlcpy(packed[5], name.domainname, 65);
    return user_mem_write(MEM(t), a[0], packed, sizeof(packed)) ? 0 : -EFAULT;
}

static int64_t low16(int64_t id)
{
    return id > 0xffff ? 65534 : id;
}

static uint32_t id16(uint64_t id)
{
    return (uint16_t)id == 0xffff ? 0xffffffffu : (uint16_t)id;
}

int64_t user_sys_getuid16(struct user_thread *t, const uint64_t *a)
{
    return low16(getuid());
}

int64_t user_sys_getgid16(struct user_thread *t, const uint64_t *a)
{
    return low16(getgid());
}

int64_t user_sys_geteuid16(struct user_thread *t, const uint64_t *a)
{
    return low16(geteuid());
}

int64_t user_sys_getegid16(struct user_thread *t, const uint64_t *a)
{
    return low16(getegid());
}

int64_t user_sys_setuid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setuid, id16(a[0]), 0, 0, 0, 0, 0);
}

int64_t user_sys_setgid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setgid, id16(a[0]), 0, 0, 0, 0, 0);
}

int64_t user_sys_setreuid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setreuid, id16(a[0]), id16(a[1]), 0, 0, 0, 0);
}

int64_t user_sys_setregid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setregid, id16(a[0]), id16(a[1]), 0, 0, 0, 0);
}

#define MOST_GROUPS 65536

static int64_t get_groups(struct user_thread *t, const uint64_t *a, unsigned size)
{
    int count = (int)a[0];
    g_autofree gid_t *list = NULL;
    int64_t result;

    if (count < 0 || count > MOST_GROUPS)
        return -EINVAL;
    list = g_new0(gid_t, (gsize)count + 1);
    result = USER_HOST(t, SYS_getgroups, count, list, 0, 0, 0, 0);
    for (int64_t i = 0; count && i < result; i++) {
        if (!user_mem_put(MEM(t), a[1] + (uint64_t)i * size, size,
                          size == 2 ? (uint64_t)low16(list[i]) : list[i]))
            return -EFAULT;
    }
    return result;
}

static int64_t set_groups(struct user_thread *t, const uint64_t *a, unsigned size)
{
    int count = (int)a[0];
    g_autofree gid_t *list = NULL;

    if (count < 0 || count > MOST_GROUPS)
        return -EINVAL;
    list = g_new0(gid_t, (gsize)count + 1);
    for (int i = 0; i < count; i++) {
        uint64_t value;

        if (!user_mem_get(MEM(t), a[1] + (uint64_t)i * size, size, &value))
            return -EFAULT;
        list[i] = (gid_t)value;
    }
    return USER_HOST(t, SYS_setgroups, count, list, 0, 0, 0, 0);
}

int64_t user_sys_getgroups(struct user_thread *t, const uint64_t *a)
{
    return get_groups(t, a, 4);
}

int64_t user_sys_setgroups(struct user_thread *t, const uint64_t *a)
{
    return set_groups(t, a, 4);
}

int64_t user_sys_getgroups16(struct user_thread *t, const uint64_t *a)
{
    return get_groups(t, a, 2);
}

int64_t user_sys_setgroups16(struct user_thread *t, const uint64_t *a)
{
    return set_groups(t, a, 2);
}

int64_t user_sys_setresuid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setresuid, id16(a[0]), id16(a[1]), id16(a[2]), 0, 0, 0);
}

int64_t user_sys_setresgid16(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_setresgid, id16(a[0]), id16(a[1]), id16(a[2]), 0, 0, 0);
}

static int64_t get_three(struct user_thread *t, long number, const uint64_t *a, unsigned size)
{
    uint32_t id[3];
    int64_t result = USER_HOST(t, number, &id[0], &id[1], &id[2], 0, 0, 0);

    for (unsigned i = 0; result == 0 && i < 3; i++) {
        if (!user_mem_put(MEM(t), a[i], size, size == 2 ? (uint64_t)low16(id[i]) : id[i]))
            return -EFAULT;
    }
    return result;
}

int64_t user_sys_getresuid(struct user_thread *t, const uint64_t *a)
{
    return get_three(t, SYS_getresuid, a, 4);
}

int64_t user_sys_getresgid(struct user_thread *t, const uint64_t *a)
{
    return get_three(t, SYS_getresgid, a, 4);
}

int64_t user_sys_getresuid16(struct user_thread *t, const uint64_t *a)
{
    return get_three(t, SYS_getresuid, a, 2);
}

int64_t user_sys_getresgid16(struct user_thread *t, const uint64_t *a)
{
    return get_three(t, SYS_getresgid, a, 2);
}

int64_t user_sys_kill_(struct user_thread *t, const uint64_t *a)
{
    int signal = a[1] ? user_signal_to_host(ABI(t), a[1]) : 0;

    return a[1] && !signal ? -EINVAL : USER_HOST(t, SYS_kill, (int)a[0], signal, 0, 0, 0, 0);
}

int64_t user_sys_tkill(struct user_thread *t, const uint64_t *a)
{
    int signal = a[1] ? user_signal_to_host(ABI(t), a[1]) : 0;

    return a[1] && !signal ? -EINVAL : USER_HOST(t, SYS_tkill, (int)a[0], signal, 0, 0, 0, 0);
}

int64_t user_sys_tgkill(struct user_thread *t, const uint64_t *a)
{
    int signal = a[2] ? user_signal_to_host(ABI(t), a[2]) : 0;

    return a[2] && !signal ? -EINVAL : USER_HOST(t, SYS_tgkill, (int)a[0], (int)a[1], signal, 0, 0, 0);
}

/* ------------------------------------------------------------------------------------ limits and usage */

int64_t user_sys_getrusage(struct user_thread *t, const uint64_t *a)
{
    struct rusage usage;
    int64_t result = USER_HOST(t, SYS_getrusage, (int)a[0], &usage, 0, 0, 0, 0);

    return result < 0 ? result : user_write_rusage(t, a[1], &usage) ? 0 : -EFAULT;
}

static uint64_t limit_to_guest(const struct user_abi *abi, uint64_t value)
{
    return value >= abi->rlimit_infinity ? abi->rlimit_infinity : value;
}

int64_t user_sys_getrlimit(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    uint64_t limit[2];
    int which = user_pair_to_host(abi->rlimits, (int)a[0], (int)a[0]);
    int64_t result = USER_HOST(t, SYS_prlimit64, 0, which, NULL, limit, 0, 0);

    if (result < 0)
        return result;
    return user_mem_put(MEM(t), a[1], abi->word, limit_to_guest(abi, limit[0])) &&
                   user_mem_put(MEM(t), a[1] + abi->word, abi->word, limit_to_guest(abi, limit[1]))
               ? 0
               : -EFAULT;
}

/* Limits of memory would bind this program and its caches, not the guest: they are accepted and not passed
 * on. */
static bool is_memory_limit(int which)
{
    return which == RLIMIT_AS || which == RLIMIT_DATA || which == RLIMIT_STACK;
}

int64_t user_sys_setrlimit(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    uint64_t limit[2];
    int which = user_pair_to_host(abi->rlimits, (int)a[0], (int)a[0]);

    for (unsigned i = 0; i < 2; i++) {
        if (!user_mem_get(MEM(t), a[1] + i * abi->word, abi->word, &limit[i]))
            return -EFAULT;
        if (limit[i] >= abi->rlimit_infinity)
            limit[i] = RLIM_INFINITY;
    }
    return is_memory_limit(which) ? 0 : USER_HOST(t, SYS_prlimit64, 0, which, limit, NULL, 0, 0);
}

int64_t user_sys_prlimit64(struct user_thread *t, const uint64_t *a)
{
    uint64_t new[2], old[2];
    int which = user_pair_to_host(ABI(t)->rlimits, (int)a[1], (int)a[1]);
    bool set = a[2] != 0;
    int64_t result;

    if (set && (!user_mem_get(MEM(t), a[2], 8, &new[0]) || !user_mem_get(MEM(t), a[2] + 8, 8, &new[1])))
        return -EFAULT;
    if (is_memory_limit(which))
        set = false;
    result = USER_HOST(t, SYS_prlimit64, (int)a[0], which, set ? new : NULL, a[3] ? old : NULL, 0, 0);
    if (result == 0 && a[3] &&
        (!user_mem_put(MEM(t), a[3], 8, old[0]) || !user_mem_put(MEM(t), a[3] + 8, 8, old[1])))
        return -EFAULT;
    return result;
}

/* struct sysinfo: words, two shorts among them; sizes are scaled so that they fit. */
int64_t user_sys_sysinfo(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    struct sysinfo info;
    unsigned word = abi->word, at = 0, shift = 0;
    uint8_t packed[128] = {0};

    if (sysinfo(&info) != 0)
        return -errno;
    if (word == 4) {
        while ((info.totalram * info.mem_unit) >> shift > 0xffffffffu ||
               (info.totalswap * info.mem_unit) >> shift > 0xffffffffu)
            shift++;
    }
    const uint64_t values[] = {(uint64_t)info.uptime,
                               info.loads[0],
                               info.loads[1],
                               info.loads[2],
                               (info.totalram * info.mem_unit) >> shift,
                               (info.freeram * info.mem_unit) >> shift,
                               (info.sharedram * info.mem_unit) >> shift,
                               (info.bufferram * info.mem_unit) >> shift,
                               (info.totalswap * info.mem_unit) >> shift,
                               (info.freeswap * info.mem_unit) >> shift};
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++, at += word)
        user_store(packed + at, word, values[i], abi->big_endian);
    user_store(packed + at, 2, info.procs, abi->big_endian);
    at += word;
    /* No high memory apart. */
    at += 2 * word;
    user_store(packed + at, 4, (uint64_t)1 << shift, abi->big_endian);
    /* The padding makes it 64 bytes on 32-bit machines, 112 on others. */
    return user_mem_write(MEM(t), a[0], packed, word == 4 ? 64 : 112) ? 0 : -EFAULT;
}

/* The arguments after the option, by the letters of system calls. What changes how the host treats this
 * program's own code or memory is not offered: Linux may be built without it. */
static const struct {
    int option;
    const char *args;
} prctl_options[] = {
    {PR_SET_NAME, "S"},
    {PR_SET_PDEATHSIG, "g"},
    {PR_GET_DUMPABLE, ""},
    {PR_SET_DUMPABLE, "x"},
    {PR_GET_KEEPCAPS, ""},
    {PR_SET_KEEPCAPS, "x"},
    {PR_GET_SECUREBITS, ""},
    {PR_SET_SECUREBITS, "x"},
    {PR_CAPBSET_READ, "x"},
    {PR_CAPBSET_DROP, "x"},
    {PR_CAP_AMBIENT, "xxxx"},
    {PR_GET_TIMERSLACK, ""},
    {PR_SET_TIMERSLACK, "x"},
    {PR_SET_NO_NEW_PRIVS, "xxxx"},
    {PR_GET_NO_NEW_PRIVS, "xxxx"},
    {PR_SET_CHILD_SUBREAPER, "x"},
    {PR_GET_CHILD_SUBREAPER, "i"},
    {PR_SET_PTRACER, "d"},
    {PR_GET_THP_DISABLE, "xxxx"},
    {PR_SET_THP_DISABLE, "xxxx"},
    {PR_MCE_KILL_GET, "xxxx"},
    {PR_GET_IO_FLUSHER, "xxxx"},
    {PR_SET_IO_FLUSHER, "xxxx"},
    {PR_GET_SPECULATION_CTRL, "xxxx"},
    {PR_SET_SPECULATION_CTRL, "xxxx"},
};

int64_t user_sys_prctl(struct user_thread *t, const uint64_t *a)
{
    char name[16] = {0};
    int value;
    int64_t result;

    switch ((int)a[0]) {
    case PR_GET_NAME:
        result = USER_HOST(t, SYS_prctl, PR_GET_NAME, name, 0, 0, 0, 0);
        return result < 0 ? result : user_mem_write(MEM(t), a[1], name, sizeof(name)) ? 0 : -EFAULT;
    case PR_GET_PDEATHSIG:
        result = USER_HOST(t, SYS_prctl, PR_GET_PDEATHSIG, &value, 0, 0, 0, 0);
        return result < 0                                                                     ? result
               : user_mem_put(MEM(t), a[1], 4, (uint32_t)user_signal_to_guest(ABI(t), value)) ? 0
                                                                                              : -EFAULT;
    case PR_GET_TID_ADDRESS: return user_mem_put(MEM(t), a[1], ABI(t)->word, t->clear_tid) ? 0 : -EFAULT;
    /* Filters would see this program's calls, not the guest's: as a Linux without seccomp. */
    case PR_GET_SECCOMP:
    case PR_SET_SECCOMP: return -EINVAL;
    default: break;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(prctl_options); i++) {
        if (prctl_options[i].option == (int)a[0]) {
            g_autofree char *kinds = g_strconcat("d", prctl_options[i].args, NULL);

            return user_call_host(t, SYS_prctl, kinds, a);
        }
    }
    return -EINVAL;
}

static int64_t move_cpu_mask(struct user_thread *t, uint64_t address, uint8_t *host, uint64_t size,
                             bool to_guest)
{
    unsigned word = ABI(t)->word;

    for (uint64_t at = 0; at + word <= size; at += word) {
        uint64_t value = 0;

        if (to_guest) {
            for (unsigned i = 0; i < word; i++)
                value |= (uint64_t)host[at + i] << (8 * i);
            if (!user_mem_put(MEM(t), address + at, word, value))
                return -EFAULT;
        } else {
            if (!user_mem_get(MEM(t), address + at, word, &value))
                return -EFAULT;
            for (unsigned i = 0; i < word; i++)
                host[at + i] = (uint8_t)(value >> (8 * i));
        }
    }
    return 0;
}

int64_t user_sys_sched_getaffinity(struct user_thread *t, const uint64_t *a)
{
    uint8_t mask[1024] = {0};
    uint64_t size = MIN(a[1], sizeof(mask)) & ~(uint64_t)7;
    int64_t result = USER_HOST(t, SYS_sched_getaffinity, (int)a[0], size, mask, 0, 0, 0), moved;

    if (result < 0)
        return result;
    moved = move_cpu_mask(t, a[2], mask, (uint64_t)result, true);
    return moved < 0 ? moved : result;
}

int64_t user_sys_sched_setaffinity(struct user_thread *t, const uint64_t *a)
{
    uint8_t mask[1024] = {0};
    uint64_t size = MIN(a[1], sizeof(mask));
    int64_t moved = move_cpu_mask(t, a[2], mask, size, false);

    return moved < 0 ? moved : USER_HOST(t, SYS_sched_setaffinity, (int)a[0], sizeof(mask), mask, 0, 0, 0);
}

int64_t user_sys_sched_getparam(struct user_thread *t, const uint64_t *a)
{
    int priority;
    int64_t result = USER_HOST(t, SYS_sched_getparam, (int)a[0], &priority, 0, 0, 0, 0);

    return result < 0 ? result : user_mem_put(MEM(t), a[1], 4, (uint32_t)priority) ? 0 : -EFAULT;
}

int64_t user_sys_sched_setparam(struct user_thread *t, const uint64_t *a)
{
    uint64_t value;
    int priority;

    if (!user_mem_get(MEM(t), a[1], 4, &value))
        return -EFAULT;
    priority = (int32_t)value;
    return USER_HOST(t, SYS_sched_setparam, (int)a[0], &priority, 0, 0, 0, 0);
}

int64_t user_sys_sched_setscheduler(struct user_thread *t, const uint64_t *a)
{
    uint64_t value;
    int priority;

    if (!user_mem_get(MEM(t), a[2], 4, &value))
        return -EFAULT;
    priority = (int32_t)value;
    return USER_HOST(t, SYS_sched_setscheduler, (int)a[0], (int)a[1], &priority, 0, 0, 0);
}
