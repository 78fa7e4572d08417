/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A foreign program as a whole: making it, its threads' loop, its end. */
#include "emulator/user/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sys/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gio/gio.h>

#include "emulator/core/i18n.h"
#include "emulator/user/arm/arm.h"
#include "emulator/user/proc.h"
#include "emulator/user/sparc/sparc.h"

const struct user_arch *const user_archs[] = {&user_arm, &user_armeb, &user_sparc, NULL};

/* Signal handlers must find the thread that they interrupted. */
static __thread struct user_thread *current_thread;

struct user_thread *user_thread_current(void)
{
    return current_thread;
}

void user_thread_set_current(struct user_thread *thread)
{
    current_thread = thread;
}

const struct user_arch *user_find_arch(const struct elf_image *image)
{
    for (const struct user_arch *const *arch = user_archs; *arch; arch++) {
        if ((*arch)->is64 != image->is64 || (*arch)->abi->big_endian != image->big_endian)
            continue;
        for (const uint16_t *machine = (*arch)->machines; *machine; machine++) {
            if (*machine == image->machine)
                return *arch;
        }
    }
    return NULL;
}

static void invalidate(void *opaque, uint64_t address, uint64_t size)
{
    struct user_process *process = opaque;

    if (process->jit)
        jit_invalidate_range(process->jit, address, size);
}

static bool make_jit(struct user_process *process, GError **error)
{
    struct jit_options options = {
        .accel = process->options.accel,
        .user_mode = true,
        .max_tier = process->options.max_tier,
        .log = process->options.jit_log,
        .keep = process->options.cache != NULL,
    };

    process->jit = jit_create(process->arch->guest(process->model), &options, error);
    return process->jit != NULL;
}

static struct jit_cpu *make_cpu(struct user_process *process, const struct jit_cpu *like)
{
    const struct user_arch *arch = process->arch;
    struct jit_cpu *cpu = g_aligned_alloc0(1, arch->cpu_size, 64);

    cpu->window = process->mem.window;
    cpu->user_pages = process->mem.page;
    arch->cpu_init(cpu, process);
    if (like)
        arch->cpu_copy(cpu, like);
    return cpu;
}

struct user_thread *user_thread_new(struct user_process *process, const struct jit_cpu *like)
{
    struct user_thread *thread = g_new0(struct user_thread, 1);

    thread->process = process;
    thread->cpu = make_cpu(process, like);
    thread->actions = process->action;
    thread->limits = &process->limits;
    thread->slice = USER_SLICE;
    return thread;
}

void user_thread_free(struct user_thread *thread)
{
    user_gdb_thread_free(thread);
    thread->process->arch->cpu_finish(thread->cpu);
    g_aligned_free(thread->cpu);
    g_free(thread);
}

/* Out of the way of the numbers that programs count on. */
static bool open_log(struct user_process *process, GError **error)
{
    const char *name = process->options.strace_file;
    int file = name ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : dup(STDERR_FILENO), fd;

    if (file < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), _("The log %s cannot be written: %s."),
                    name ? name : "on standard error", g_strerror(errno));
        return false;
    }
    fd = fcntl(file, F_DUPFD_CLOEXEC, 500);
    if (fd >= 0)
        close(file);
    process->strace = fdopen(fd >= 0 ? fd : file, "w");
    setvbuf(process->strace, NULL, _IOLBF, 0);
    return true;
}

static bool prepare(struct user_process *process, const char *program, char **argv, char **envp,
                    GError **error)
{
    const struct user_options *options = &process->options;
    g_autoptr(GMappedFile) map = NULL;
    g_autofree char *file = NULL, *name = NULL, *base = NULL;
    struct user_thread *thread;
    char *real;

    process->arguments = g_strdupv(argv);
    if (options->argv0 && process->arguments[0]) {
        g_free(process->arguments[0]);
        process->arguments[0] = g_strdup(options->argv0);
    }
    name = user_find_program(process, program, error);
    if (!name)
        return false;
    file = user_path(process, name);
    if (!user_resolve_script(process, &file, &name, &process->arguments, error) ||
        !user_load_headers(file, &process->image, &map, error))
        return false;
    process->arch = user_find_arch(&process->image);
    if (!process->arch) {
        bool own = process->image.machine == ELF_X86_64 || process->image.machine == ELF_386;

        g_set_error(error, ELF_ERROR, ELF_ERROR_UNSUITABLE,
                    own ? _("%s is a program for PCs; programs for 32-bit ARM and SPARC run here (ELF machine %u, %d bits). "
                            "If another system's is meant, name the folder of that system with --sysroot, and look whether "
                            "the program is in there.")
                        : _("%s is for a processor that cannot run here (ELF machine %u, %d bits); programs for 32-bit ARM "
                            "and SPARC can."),
                    file, process->image.machine, process->image.is64 ? 64 : 32);
        return false;
    }
    process->abi = process->arch->abi;
    user_calls_init(process);
    process->model = process->arch->find_model(options->cpu, &process->image);
    if (!process->model) {
        g_set_error(error, ELF_ERROR, ELF_ERROR_UNSUITABLE, _("There is no %s processor called %s."),
                    process->arch->name, options->cpu);
        return false;
    }
    real = realpath(file, NULL);
    process->exe = g_strdup(real ? real : file);
    free(real);
    /* What ps shows as the name. */
    base = g_path_get_basename(name);
    prctl(PR_SET_NAME, base);
    if (options->strace && !open_log(process, error))
        return false;

    if (!user_mem_init(&process->mem, process->arch->window_size, process->abi->big_endian, error))
        return false;
    process->mem.limit = process->arch->task_size;
    process->mem.mmap_base = process->arch->mmap_base;
    process->mem.invalidate = invalidate;
    process->mem.opaque = process;
    if (!user_limits_init(process, options->limits)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("“%s” are no limits of memory."), options->limits);
        return false;
    }
    if (!make_jit(process, error))
        return false;
    process->cache = user_cache_open(process);

    thread = user_thread_new(process, NULL);
    thread->host = pthread_self();
    thread->tid = gettid();
    g_ptr_array_add(process->threads, thread);
    user_thread_set_current(thread);
    user_signal_init(process);
    if (user_core_wanted())
        user_signal_watch(process);
    return user_load_program(process, thread, map, name, envp, error);
}

/* Of a process that could not be made; one that runs ends with this program. */
static void discard(struct user_process *process)
{
    for (guint i = 0; i < process->threads->len; i++)
        user_thread_free(g_ptr_array_index(process->threads, i));
    user_thread_set_current(NULL);
    g_ptr_array_unref(process->threads);
    if (process->jit)
        jit_destroy(process->jit);
    user_cache_free(process->cache);
    user_mem_finish(&process->mem);
    if (process->strace)
        fclose(process->strace);
    g_hash_table_unref(process->unknown);
    g_hash_table_unref(process->attached);
    g_clear_pointer(&process->specials, g_array_unref);
    g_clear_pointer(&process->ioctls, g_hash_table_unref);
    elf_image_finish(&process->image);
    g_mutex_clear(&process->lock);
    g_free(process->exe);
    free(process->own_sysroot);
    g_strfreev(process->arguments);
    g_byte_array_unref(process->auxv);
    g_free(process);
}

struct user_process *user_process_new(const char *program, char **argv, char **envp,
                                      const struct user_options *options, GError **error)
{
    struct user_process *process = g_new0(struct user_process, 1);

    process->options = *options;
    if (options->sysroot) {
        /* Names of the kernel's begin with it: no links in it, no slash behind it. */
        process->own_sysroot = realpath(options->sysroot, NULL);
        process->options.sysroot =
            process->own_sysroot && !g_str_equal(process->own_sysroot, "/") ? process->own_sysroot : NULL;
        process->options.root = options->root && process->options.sysroot;
    }
    process->auxv = g_byte_array_new();
    user_proc_moved(process);
    process->pid = getpid();
    g_mutex_init(&process->lock);
    process->threads = g_ptr_array_new();
    process->unknown = g_hash_table_new(NULL, NULL);
    process->attached = g_hash_table_new(NULL, NULL);
    if (prepare(process, program, argv, envp, error))
        return process;
    discard(process);
    return NULL;
}

void user_process_run(struct user_process *process)
{
    user_thread_loop(g_ptr_array_index(process->threads, 0));
}

void user_thread_loop(struct user_thread *thread)
{
    const struct user_arch *arch = thread->process->arch;

    for (;;) {
        struct user_trap trap = {USER_EVENT_NONE};

        /* A signal that comes after this look sets `stop` again, and the processor returns at once. */
        thread->cpu->stop = 0;
        thread->bus_error = false;
        if (g_atomic_int_get(&thread->process->dumping) && !thread->vfork_child)
            user_core_park(thread);
        if (thread->pending)
            user_signal_deliver(thread);
        if (thread->process->gdb)
            user_gdb_poll(thread);
        arch->run(thread, &trap);
        if (thread->process->gdb && user_gdb_event(thread, &trap))
            continue;
        switch (trap.event) {
        case USER_EVENT_CALL:
            /* A signal that came first is delivered first: the call is met again on the way back. */
            if (!thread->pending)
                user_call(thread);
            break;
        case USER_EVENT_FAULT: user_signal_fault(thread, &trap); break;
        case USER_EVENT_NONE:
        case USER_EVENT_HANDLED: break;
        }
    }
}

static void print_stats(struct user_process *process)
{
    g_autoptr(GString) text = g_string_new(NULL);

    jit_describe_stats(process->jit, text);
    fputs(text->str, stderr);
}

void user_process_exit(struct user_process *process, int status)
{
    if (process->gdb && getpid() == process->pid)
        user_gdb_exited(process, false, status);
    if (process->options.stats && getpid() == process->pid)
        print_stats(process);
    if (process->options.jit_log)
        fflush(process->options.jit_log);
    if (process->strace)
        fflush(process->strace);
    if (current_thread)
        user_cache_keep(current_thread);
    _exit(status);
}

/*
 * GLib 2.74's slice allocator has locks that fork() does not know: a child whose parent's other threads held one would wait
 * for ever. malloc() has none such (glibc's handlers see to it), and newer GLibs use nothing else. The choice must be made
 * before anybody has a slice, and libraries' constructors have.
 */
__attribute__((no_sanitize("address", "undefined"))) static void use_malloc(void)
{
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    g_slice_set_config(G_SLICE_CONFIG_ALWAYS_MALLOC, TRUE);
    G_GNUC_END_IGNORE_DEPRECATIONS
}

__attribute__((section(".preinit_array"), used)) static void (*const before_constructors)(void) = use_malloc;

bool user_process_forked(struct user_thread *thread)
{
    struct user_process *process = thread->process;

    /* First the JIT's locks: what leaves memory below takes its translations with it. */
    if (!jit_fork_child(process->jit, thread->cpu))
        return false;
    user_mem_forked(&process->mem);
    /* The other threads stayed with the parent. */
    thread->tid = gettid();
    thread->host = pthread_self();
    thread->vfork_child = false;
    process->strace_open = NULL;
    process->dumping = process->parked = 0;
    if (thread->actions != process->action)
        memcpy(process->action, thread->actions, sizeof(process->action));
    thread->actions = process->action;
    if (thread->limits != &process->limits)
        process->limits = *thread->limits;
    thread->limits = &process->limits;
    g_ptr_array_set_size(process->threads, 0);
    g_ptr_array_add(process->threads, thread);
    if (process->gdb)
        user_gdb_forked(process);
    return true;
}
