/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of threads and processes, new ones, and execve.
 *
 * fork is the host's: memory, files and signal actions are copied by the kernel. The child of vfork shares
 * this process's memory, as the child of posix_spawn must, and so it runs in the same translations while the
 * kernel lets its parent wait; what it may change without the parent's knowledge (registers, signal actions)
 * is its own. Where the parent is not to wait, a host thread made for it waits in its place: the child needs
 * thread-local variables of the C library's that nobody else uses meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <sanitizer/asan_interface.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gio/gio.h>

#include "emulator/user/calls.h"
#include "emulator/user/proc.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"
#include "emulator/user/strace.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* ------------------------------------------------------------------------------------------- the end */

int64_t user_sys_exit_group(struct user_thread *t, const uint64_t *a)
{
    if (t->process->strace)
        user_strace_note(t->process, "+++ exited with %d +++", (int)a[0] & 0xff);
    user_futex_leave_all(t->process);
    user_process_exit(t->process, (int)a[0] & 0xff);
}

int64_t user_sys_exit(struct user_thread *t, const uint64_t *a)
{
    struct user_process *process = t->process;
    bool last;

    g_mutex_lock(&process->lock);
    last = process->threads->len == 1 || t->vfork_child;
    if (!last)
        g_ptr_array_remove(process->threads, t);
    g_mutex_unlock(&process->lock);
    if (last)
        return user_sys_exit_group(t, a);
    if (process->strace)
        user_strace_note(process, "+++ exited with %d +++", (int)a[0] & 0xff);
    user_signal_block_all();
    user_futex_leave(t);
    user_thread_set_current(NULL);
    user_thread_free(t);
    pthread_exit(NULL);
}

/* -------------------------------------------------------------------------------------- new processes */

struct clone_request {
    uint64_t flags, sp, tls, parent_tid, child_tid, pidfd;
};

static int exit_signal(struct user_thread *t, const struct clone_request *r)
{
    return r->flags & CSIGNAL ? user_signal_to_host(ABI(t), r->flags & CSIGNAL) : 0;
}

/* In the child: its registers, its mask. */
static void begin_process(struct user_thread *t, const struct clone_request *r, int parent, uint64_t mask)
{
    t->clear_tid = r->flags & CLONE_CHILD_CLEARTID ? r->child_tid : 0;
    if (r->flags & CLONE_CHILD_SETTID)
        user_mem_put(MEM(t), r->child_tid, 4, (uint32_t)t->tid);
    if (r->flags & CLONE_SETTLS)
        t->process->arch->set_tls(t->cpu, r->tls);
    if (!t->process->arch->child(t, t->cpu, r->sp, parent))
        user_signal_die(t->process, SIGSEGV);
    user_signal_set_mask(t, mask);
}

static int64_t end_parent(struct user_thread *t, const struct clone_request *r, uint64_t mask, pid_t child,
                          int number)
{
    if (child > 0 && r->flags & CLONE_PARENT_SETTID)
        user_mem_put(MEM(t), r->parent_tid, 4, (uint32_t)child);
    if (child > 0 && r->flags & CLONE_PIDFD)
        user_mem_put(MEM(t), r->pidfd, 4, (uint32_t)syscall(SYS_pidfd_open, child, 0));
    user_signal_set_mask(t, mask);
    t->has_second = true;
    t->second = 0;
    return child < 0 ? -number : child;
}

static int64_t fork_process(struct user_thread *t, const struct clone_request *r)
{
    struct user_process *process = t->process;
    int parent = getpid(), number;
    uint64_t mask = t->mask;
    pid_t child;
    bool ready;

    if (process->strace)
        fflush(process->strace);
    /* Other threads stay behind: what they hold would never be let go in the child. */
    g_mutex_lock(&process->lock);
    g_mutex_lock(&process->mem.lock);
    ready = jit_fork_begin(process->jit);
    child = ready ? fork() : -1;
    number = ready ? errno : ENOMEM;
    g_mutex_unlock(&process->mem.lock);
    g_mutex_unlock(&process->lock);
    if (ready && child != 0)
        jit_fork_parent(process->jit);
    if (child != 0)
        return end_parent(t, r, mask, child, number);
    if (!user_process_forked(t))
        _exit(127);
    begin_process(t, r, parent, mask);
    return USER_KEEP;
}

/* A child that shares this process's memory. */
struct sharing_child {
    struct clone_request request;
    struct user_thread *thread;
    struct user_action *actions; /* its own; NULL: the process's */
    struct user_limits limits;   /* its own */
    uint8_t *stack;
    int parent, flags;
    uint64_t mask;
    /* When the parent does not wait: the child's number, or the error that kept it from being born. */
    GMutex lock;
    GCond born;
    pid_t tid;
    int error;
};

#define CHILD_STACK ((size_t)512 << 10)
/* What the host's kernel may share as well while the memory is shared. */
#define CLONE_SHARED (CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_IO | CLONE_PARENT)

static void sharing_child_clear(void *opaque)
{
    struct sharing_child *c = opaque;

    if (c->thread)
        user_thread_free(c->thread);
    if (c->stack)
        munmap(c->stack, CHILD_STACK);
    g_free(c->actions);
    g_mutex_clear(&c->lock);
    g_cond_clear(&c->born);
}

static void sharing_child_release(struct sharing_child *c)
{
    g_atomic_rc_box_release_full(c, sharing_child_clear);
}

/* NULL with errno: no memory. */
static struct sharing_child *sharing_child_new(struct user_thread *t, const struct clone_request *r)
{
    void *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    struct sharing_child *c;

    if (stack == MAP_FAILED)
        return NULL;
    /* An earlier child left its stack without returning, so the sanitizer still guards variables there. */
    ASAN_UNPOISON_MEMORY_REGION(stack, CHILD_STACK);
    c = g_atomic_rc_box_new0(struct sharing_child);
    g_mutex_init(&c->lock);
    g_cond_init(&c->born);
    c->request = *r;
    c->stack = stack;
    c->parent = getpid();
    c->flags = CLONE_VM | CLONE_VFORK | (int)(r->flags & CLONE_SHARED) | exit_signal(t, r);
    c->mask = t->mask;
    c->thread = user_thread_new(t->process, t->cpu);
    c->thread->mask = t->mask;
    c->thread->alt_stack = t->alt_stack;
    c->thread->alt_size = t->alt_size;
    c->thread->vfork_child = true;
    if (!(r->flags & CLONE_SIGHAND))
        c->actions = g_memdup2(t->actions, USER_N_ACTIONS * sizeof(*t->actions));
    c->thread->actions = c->actions ? c->actions : t->actions;
    c->limits = *t->limits;
    c->thread->limits = &c->limits;
    return c;
}

static void tell_born(struct sharing_child *c, pid_t tid, int error)
{
    g_mutex_lock(&c->lock);
    c->tid = tid;
    c->error = error;
    g_cond_signal(&c->born);
    g_mutex_unlock(&c->lock);
}

static int run_sharing_child(void *opaque)
{
    struct sharing_child *c = opaque;
    struct user_thread *t = c->thread;

    t->tid = gettid();
    t->host = pthread_self();
    user_thread_set_current(t);
    if (!(c->request.flags & CLONE_VFORK))
        tell_born(c, t->tid, 0);
    begin_process(t, &c->request, c->parent, c->mask);
    user_thread_loop(t);
}

static int64_t vfork_process(struct user_thread *t, const struct clone_request *r)
{
    struct sharing_child *c = sharing_child_new(t, r);
    uint64_t mask = t->mask;
    pid_t child = -1;
    int number = errno;

    if (c) {
        child = clone(run_sharing_child, c->stack + CHILD_STACK, c->flags, c);
        number = errno;
        /* The child had this thread's variables too. */
        user_thread_set_current(t);
        sharing_child_release(c);
    }
    return end_parent(t, r, mask, child, number);
}

/* Lends a child its variables until it ends or runs another program. */
static void *lend_thread(void *opaque)
{
    struct sharing_child *c = opaque;

    if (clone(run_sharing_child, c->stack + CHILD_STACK, c->flags, c) < 0)
        tell_born(c, -1, errno);
    user_thread_set_current(NULL);
    sharing_child_release(c);
    return NULL;
}

static int64_t share_memory(struct user_thread *t, const struct clone_request *r)
{
    struct sharing_child *c = sharing_child_new(t, r);
    uint64_t mask = t->mask;
    pthread_attr_t attributes;
    pthread_t lender;
    pid_t child = -1;
    int number = errno;

    if (!c)
        return end_parent(t, r, mask, child, number);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 128 << 10);
    number = pthread_create(&lender, &attributes, lend_thread, g_atomic_rc_box_acquire(c));
    pthread_attr_destroy(&attributes);
    if (number == 0) {
        g_mutex_lock(&c->lock);
        while (c->tid == 0)
            g_cond_wait(&c->born, &c->lock);
        child = c->tid;
        number = c->error;
        g_mutex_unlock(&c->lock);
    } else {
        sharing_child_release(c);
    }
    sharing_child_release(c);
    return end_parent(t, r, mask, child, number);
}

static int64_t new_process(struct user_thread *t, const struct clone_request *r)
{
    /* A signal between the fork and the child's first look would find the parent's processor. */
    user_signal_block_all();
    if (t->pending)
        return USER_AGAIN;
    if (t->process->arch->settle && !t->process->arch->settle(t->cpu)) {
        user_signal_set_mask(t, t->mask);
        return -EFAULT;
    }
    /* With memory of its own the child needs no parent that stands still: CLONE_VFORK alone is a fork. */
    if (!(r->flags & CLONE_VM))
        return fork_process(t, r);
    return r->flags & CLONE_VFORK ? vfork_process(t, r) : share_memory(t, r);
}

int64_t user_sys_fork(struct user_thread *t, const uint64_t *a)
{
    const struct clone_request request = {.flags = (uint64_t)user_signal_to_guest(ABI(t), SIGCHLD)};

    return new_process(t, &request);
}

int64_t user_sys_vfork(struct user_thread *t, const uint64_t *a)
{
    const struct clone_request request = {.flags = (uint64_t)user_signal_to_guest(ABI(t), SIGCHLD) |
                                                   CLONE_VM | CLONE_VFORK};

    return new_process(t, &request);
}

/* ---------------------------------------------------------------------------------------- new threads */

struct birth {
    struct user_thread *thread;
    uint64_t flags, mask, parent_tid, child_tid;
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
    /* The parent's word too is written before the thread runs: its end may clear the same one. */
    if (birth->flags & CLONE_PARENT_SETTID)
        user_mem_put(MEM(t), birth->parent_tid, 4, (uint32_t)t->tid);
    if (birth->flags & CLONE_CHILD_SETTID)
        user_mem_put(MEM(t), birth->child_tid, 4, (uint32_t)t->tid);
    pthread_mutex_lock(&birth->lock);
    birth->tid = t->tid;
    pthread_cond_signal(&birth->born);
    pthread_mutex_unlock(&birth->lock);
    user_signal_set_mask(t, mask);
    user_thread_loop(t);
}

static int64_t clone_thread(struct user_thread *t, const struct clone_request *r)
{
    struct user_process *process = t->process;
    struct birth birth = {.flags = r->flags, .mask = t->mask, .parent_tid = r->parent_tid, .child_tid = r->child_tid};
    pthread_attr_t attributes;
    int result;

    if (process->arch->settle && !process->arch->settle(t->cpu))
        return -EFAULT;
    birth.thread = user_thread_new(process, t->cpu);
    birth.thread->mask = t->mask;
    birth.thread->actions = t->actions;
    birth.thread->limits = t->limits;
    if (r->flags & CLONE_CHILD_CLEARTID)
        birth.thread->clear_tid = r->child_tid;
    if (r->flags & CLONE_SETTLS)
        process->arch->set_tls(birth.thread->cpu, r->tls);
    if (!process->arch->child(birth.thread, birth.thread->cpu, r->sp, getpid())) {
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
    user_signal_set_mask(t, t->mask);
    t->has_second = true;
    t->second = 0;
    return birth.tid;
}

#define CLONE_THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

static int64_t clone_by(struct user_thread *t, const struct clone_request *r)
{
    uint64_t flags = r->flags;

    if (flags & CLONE_PIDFD && flags & (CLONE_THREAD | CLONE_DETACHED))
        return -EINVAL;
    if ((flags & CLONE_THREAD_FLAGS) == CLONE_THREAD_FLAGS)
        return clone_thread(t, r);
    /* A process of its own. Name spaces are not offered, and nothing but the memory's keepers is shared:
     * without the memory the program and this one would disagree on what is open. The actions of a child are
     * its own, or last as long as the process. */
    if (flags & ~(uint64_t)(CSIGNAL | CLONE_VM | CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT_SETTID |
                            CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_UNTRACED | CLONE_DETACHED |
                            CLONE_PIDFD | CLONE_SHARED) ||
        (flags & CLONE_SHARED && !(flags & CLONE_VM)) || (flags & CLONE_SIGHAND && t->vfork_child) ||
        (flags & CSIGNAL && !user_signal_to_host(ABI(t), flags & CSIGNAL)))
        return -EINVAL;
    return new_process(t, r);
}

/* flags, stack, parent's tid (or its descriptor of the child), tls, child's tid (the order of SPARC, ARM and most
 * others, CONFIG_CLONE_BACKWARDS) */
int64_t user_sys_clone(struct user_thread *t, const uint64_t *a)
{
    const struct clone_request request = {
        .flags = a[0], .sp = a[1], .parent_tid = a[2], .pidfd = a[2], .tls = a[3], .child_tid = a[4]};

    return a[0] & CLONE_PIDFD && a[0] & CLONE_PARENT_SETTID ? -EINVAL : clone_by(t, &request);
}

/* struct clone_args (linux/sched.h): flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, and
 * since later set_tid, set_tid_size, cgroup. */
#define CLONE_ARGS      "11q"
#define CLONE_ARGS_SIZE 88
#define CLONE_ARGS_OLD  64

int64_t user_sys_clone3(struct user_thread *t, const uint64_t *a)
{
    uint8_t packed[CLONE_ARGS_SIZE] = {0};
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, n_set_tid, cgroup;
    } args;
    struct clone_request request;

    if (a[1] < CLONE_ARGS_OLD)
        return -EINVAL;
    if (a[1] > CLONE_ARGS_SIZE)
        return -E2BIG;
    if (!user_mem_read(MEM(t), a[0], packed, a[1]))
        return -EFAULT;
    user_record_to_host(ABI(t), CLONE_ARGS, &args, packed);
    if (args.flags & (CSIGNAL | CLONE_DETACHED) || args.flags >> 32 || args.exit_signal & ~(uint64_t)CSIGNAL ||
        !args.stack != !args.stack_size || (args.exit_signal && args.flags & (CLONE_THREAD | CLONE_PARENT)))
        return -EINVAL;
    if (args.n_set_tid)
        return -EPERM;
    request = (struct clone_request){.flags = args.flags | args.exit_signal,
                                     .sp = args.stack + args.stack_size,
                                     .tls = args.tls,
                                     .parent_tid = args.parent_tid,
                                     .child_tid = args.child_tid,
                                     .pidfd = args.pidfd};
    return clone_by(t, &request);
}

/* ---------------------------------------------------------------------------------------------- execve */

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

/* The command that runs a program of ours: this program again, with the same options. */
static GPtrArray *make_command(struct user_thread *t, const char *debugger, const char *file, char **argv)
{
    const struct user_options *options = &t->process->options;
    GPtrArray *command = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *text = user_limits_text(t), *limits = g_strconcat("--limits=", text, NULL);

    g_ptr_array_add(command, g_strdup("vitrine"));
    g_ptr_array_add(command, g_strdup("exec"));
    if (options->sysroot)
        g_ptr_array_add(command,
                        g_strdup_printf("--%s=%s", options->root ? "root" : "sysroot", options->sysroot));
    if (options->cpu)
        g_ptr_array_add(command, g_strdup_printf("--cpu=%s", options->cpu));
    if (options->strace)
        g_ptr_array_add(command, options->strace_file ? g_strconcat("--strace=", options->strace_file, NULL)
                                                      : g_strdup("--strace"));
    if (options->accel == JIT_ACCEL_INTERP)
        g_ptr_array_add(command, g_strdup("--accel=interp"));
    if (options->max_tier == 1)
        g_ptr_array_add(command, g_strdup("--tier=1"));
    if (options->stats)
        g_ptr_array_add(command, g_strdup("--stats"));
    g_ptr_array_add(command, g_strdup_printf("--cache=%s", options->cache ? options->cache : "off"));
    if (options->jit_log)
        g_ptr_array_add(command, g_strdup("--log=jit"));
    g_ptr_array_add(command, g_steal_pointer(&limits));
    if (debugger)
        g_ptr_array_add(command, g_strdup_printf("--gdb=%s", debugger));
    g_ptr_array_add(command, g_strdup_printf("--argv0=%s", *argv ? *argv : ""));
    g_ptr_array_add(command, g_strdup("--"));
    /* Not to be looked for along PATH. */
    g_ptr_array_add(command, strchr(file, '/') ? g_strdup(file) : g_strconcat("./", file, NULL));
    for (char **argument = argv + (*argv ? 1 : 0); *argument; argument++)
        g_ptr_array_add(command, g_strdup(*argument));
    g_ptr_array_add(command, NULL);
    return command;
}

/* Does a file name one of our programs, with all that it needs? 1, 0, or -errno. */
static int is_ours(struct user_thread *t, const char *file)
{
    g_autoptr(GMappedFile) map = NULL;
    g_autofree char *interpreter = NULL;
    struct elf_image image;
    int result = 0;

    if (!user_load_headers(file, &image, &map, NULL))
        return 0;
    if (user_find_arch(&image)) {
        interpreter = image.interpreter ? user_path(t->process, image.interpreter) : NULL;
        result = interpreter && access(interpreter, F_OK) != 0 ? -errno : 1;
    }
    elf_image_finish(&image);
    return result;
}

static int64_t start(struct user_thread *t, const char *file, void *argv, void *envp)
{
    if (t->process->strace)
        user_strace_leave(t);
    return USER_HOST(t, SYS_execve, file, argv, envp, 0, 0, 0);
}

/* A program of the host's. What the host will refuse is not given the limits: they could not be taken back. */
static int64_t start_native(struct user_thread *t, const char *file, void *argv, void *envp)
{
    struct user_limits before;
    char magic[4] = {0};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    bool runs = fd < 0 || (read(fd, magic, sizeof(magic)) > 2 &&
                           (memcmp(magic, "\177ELF", 4) == 0 || memcmp(magic, "#!", 2) == 0));
    int64_t result;

    if (fd >= 0)
        close(fd);
    if (!runs)
        return start(t, file, argv, envp);
    user_limits_give(t, &before);
    result = start(t, file, argv, envp);
    user_limits_take_back(&before);
    return result;
}

/* A program for one of our processors begins again under this program; any other is the host's to run. `name`
 * is what the program calls the file. */
static int64_t execute(struct user_thread *t, const char *name, const char *host, GPtrArray *argv,
                       GPtrArray *envp)
{
    g_autofree char *file = g_strdup(host), *called = g_strdup(name), *debugger = NULL;
    g_auto(GStrv) arguments = g_strdupv((char **)argv->pdata);
    g_autoptr(GPtrArray) command = NULL;
    g_autoptr(GError) error = NULL;
    struct stat status;
    int64_t result;
    int ours;

    if (access(file, X_OK) != 0)
        return -errno;
    if (stat(file, &status) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EACCES;
    if (!user_resolve_script(t->process, &file, &called, &arguments, &error)) {
        /* Unreadable, or its interpreter is not there. */
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
            return -ENOENT;
        return start(t, host, argv->pdata, envp->pdata);
    }
    ours = is_ours(t, file);
    if (ours < 0)
        return ours;
    user_cache_keep(t);
    /* With a sysroot the interpreter's name has another meaning than it has for the host. */
    if (!ours && t->process->options.sysroot)
        return start_native(t, file, arguments, envp->pdata);
    if (!ours)
        return start_native(t, host, argv->pdata, envp->pdata);
    debugger = user_gdb_hand_over(t);
    command = make_command(t, debugger, called, arguments);
    result = start(t, t->process->options.self, command->pdata, envp->pdata);
    /* In another root without /proc this program has no name; whoever started it there knows it (binfmt_misc). */
    if (result == -ENOENT && !t->process->options.sysroot)
        result = start(t, host, argv->pdata, envp->pdata);
    if (debugger)
        user_gdb_keep(t->process);
    return result;
}

static int64_t execute_at(struct user_thread *t, const char *name, const char *host, uint64_t argv_address,
                          uint64_t envp_address)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) envp = g_ptr_array_new_with_free_func(g_free);
    int64_t result = read_strings(t, argv_address, argv);

    if (result == 0)
        result = read_strings(t, envp_address, envp);
    if (result < 0)
        return result;
    g_ptr_array_add(argv, NULL);
    g_ptr_array_add(envp, NULL);
    return execute(t, name, host, argv, envp);
}

int64_t user_sys_execve(struct user_thread *t, const uint64_t *a)
{
    bool too_long;
    g_autofree char *name = user_mem_string(MEM(t), a[0], 4096, &too_long), *host = NULL, *called = NULL;

    if (!name)
        return too_long ? -ENAMETOOLONG : -EFAULT;
    host = user_path(t->process, name);
    /* "/proc/self/exe" would be another file afterwards. */
    called = user_proc_link(t->process, AT_FDCWD, name);
    return execute_at(t, called ? called : name, host, a[1], a[2]);
}

/* folder, name, arguments, environment, flags */
int64_t user_sys_execveat(struct user_thread *t, const uint64_t *a)
{
    bool too_long;
    g_autofree char *name = user_mem_string(MEM(t), a[1], 4096, &too_long), *host = NULL, *called = NULL;
    int folder = (int)a[0];

    if (!name)
        return too_long ? -ENAMETOOLONG : -EFAULT;
    if (a[4] & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    if (!*name) {
        g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", folder);

        if (!(a[4] & AT_EMPTY_PATH))
            return -ENOENT;
        /* By its name when it has one: the descriptor may be closed on the way. */
        host = g_file_read_link(link, NULL);
        if (!host || access(host, F_OK) != 0) {
            g_free(host);
            host = g_strdup(link);
        }
    } else {
        host = user_path_at(t->process, folder, name,
                            a[4] & AT_SYMLINK_NOFOLLOW ? USER_NAME_LINK : USER_NAME_TARGET);
        if (*host != '/' && folder != AT_FDCWD) {
            g_autofree char *relative = g_steal_pointer(&host);

            host = g_strdup_printf("/proc/self/fd/%d/%s", folder, relative);
        }
    }
    called = user_path_inside(t->process, host);
    return execute_at(t, called, host, a[2], a[3]);
}
