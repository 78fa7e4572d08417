/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program as a debugger's target. See gdb.h.
 *
 * The debugger's server has a thread of its own. A thread of the program that meets an event says so and
 * stands still; the server then interrupts the others, by a signal that the host's C library keeps for
 * itself, until all stand. Breakpoints are instructions in the program's memory, hidden from the debugger's
 * reads. Watched pages lose their access rights on the host; an access faults, and is carried out alone with
 * the rights given back. During a system call they are given back too: what the kernel writes is noticed
 * after it.
 */
#include "emulator/user/gdb.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gio/gio.h>

#include "emulator/core/i18n.h"
#include "emulator/user/gdb_private.h"
#include "emulator/user/structs.h"

/* SIGCANCEL of the host's C library, which this program never uses for cancelling. */
#define KICK_SIGNAL   32
#define KICK_INTERVAL 20000 /* microseconds */

static struct user_gdb_thread *part(struct user_thread *thread)
{
    if (!thread->gdb)
        thread->gdb = g_new0(struct user_gdb_thread, 1);
    return thread->gdb;
}

void user_gdb_thread_free(struct user_thread *thread)
{
    g_clear_pointer(&thread->gdb, g_free);
}

/* --------------------------------------------------------------------------------------- signal numbers */

/* include/gdb/signals.def */
static const uint8_t gdb_signals[65] = {
    [SIGHUP] = 1,      [SIGINT] = 2,   [SIGQUIT] = 3,   [SIGILL] = 4,   [SIGTRAP] = 5,  [SIGABRT] = 6,
    [SIGFPE] = 8,      [SIGKILL] = 9,  [SIGBUS] = 10,   [SIGSEGV] = 11, [SIGSYS] = 12,  [SIGPIPE] = 13,
    [SIGALRM] = 14,    [SIGTERM] = 15, [SIGURG] = 16,   [SIGSTOP] = 17, [SIGTSTP] = 18, [SIGCONT] = 19,
    [SIGCHLD] = 20,    [SIGTTIN] = 21, [SIGTTOU] = 22,  [SIGIO] = 23,   [SIGXCPU] = 24, [SIGXFSZ] = 25,
    [SIGVTALRM] = 26,  [SIGPROF] = 27, [SIGWINCH] = 28, [SIGUSR1] = 30, [SIGUSR2] = 31, [SIGPWR] = 32,
    [SIGSTKFLT] = 143,
};

#define FIRST_REALTIME     33
#define GDB_REALTIME_33    45
#define GDB_REALTIME_64    78
#define GDB_SIGNAL_UNKNOWN 143

static int signal_to_gdb(int host)
{
    if (host == 64)
        return GDB_REALTIME_64;
    if (host >= FIRST_REALTIME)
        return GDB_REALTIME_33 + host - FIRST_REALTIME;
    return host > 0 && gdb_signals[host] ? gdb_signals[host] : GDB_SIGNAL_UNKNOWN;
}

static int signal_to_host(int number)
{
    for (int host = 1; number && host <= 64; host++) {
        if (signal_to_gdb(host) == number)
            return host;
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------ standing still
 */

/* With the lock held. */
static void park(struct user_gdb *gdb, struct user_thread *thread)
{
    struct user_gdb_thread *g = part(thread);

    /* The debugger looks for registers on the stack. */
    if (thread->process->arch->settle)
        thread->process->arch->settle(thread->cpu);
    g->parked = true;
    g_cond_broadcast(&gdb->changed);
    while (!gdb->gone && (gdb->halted || g->stay))
        g_cond_wait(&gdb->changed, &gdb->lock);
    g->parked = false;
}

/* With the lock held: something happened to this thread. */
static void report(struct user_gdb *gdb, struct user_thread *thread, int signal, enum gdb_reason reason,
                   uint64_t address)
{
    struct user_gdb_thread *g = part(thread);

    if (gdb->gone)
        return;
    g->event = (struct gdb_stop){(uint64_t)thread->tid, signal, reason, address};
    g->has_event = true;
    g->step = false;
    gdb->halted = true;
    gdb_server_notify(gdb->server);
    park(gdb, thread);
}

static enum gdb_reason reason_of(const struct point *p)
{
    switch (p->type) {
    case GDB_POINT_WRITE: return GDB_REASON_WRITE;
    case GDB_POINT_READ: return GDB_REASON_READ;
    case GDB_POINT_ACCESS: return GDB_REASON_ACCESS;
    default: return GDB_REASON_BREAK;
    }
}

void user_gdb_poll(struct user_thread *thread)
{
    struct user_gdb *gdb = thread->process->gdb;
    struct user_gdb_thread *g = part(thread);
    const struct point *p;

    if (thread->vfork_child)
        return;
    g_mutex_lock(&gdb->lock);
    if (g->lifts) {
        /* A system call has ended. */
        p = user_gdb_written(gdb);
        user_gdb_unlift(gdb, g);
        if (p)
            report(gdb, thread, GDB_SIGNAL_TRAP, reason_of(p), p->address);
        g->stepped &= !p;
    }
    if (g->stepped) {
        g->stepped = false;
        memset(&g->info, 0, sizeof(g->info));
        report(gdb, thread, GDB_SIGNAL_TRAP, GDB_REASON_SIGNAL, 0);
    } else if (!gdb->gone && (gdb->halted || g->stay)) {
        park(gdb, thread);
    }
    if (g->deliver) {
        /* The debugger's own idea: it comes as if somebody had sent it. */
        g->unreported = g->deliver;
        g->deliver = 0;
        syscall(SYS_tgkill, getpid(), thread->tid, g->unreported);
    }
    thread->slice = g->step && !gdb->gone ? 1 : USER_SLICE;
    g->icount = jit_icount(thread->cpu);
    g_mutex_unlock(&gdb->lock);
}

/* With the lock held: one access to a watched page. Does the instruction alone, and reports if it was one of
 * those that the debugger awaits. */
static bool watched_access(struct user_gdb *gdb, struct user_thread *thread, struct user_trap *trap)
{
    const struct user_gdb_arch *arch = thread->process->arch->gdb;
    struct user_gdb_thread *g = part(thread);
    const struct point *p = user_gdb_touched(gdb, trap->address), *changed;
    uint64_t address = trap->address;

    if (p && p->type != GDB_POINT_WRITE && arch->watches_before) {
        report(gdb, thread, GDB_SIGNAL_TRAP, reason_of(p), MAX(address, p->address));
        return true;
    }
    user_gdb_lift(gdb, g);
    thread->slice = 1;
    g_mutex_unlock(&gdb->lock);
    thread->process->arch->run(thread, trap);
    g_mutex_lock(&gdb->lock);
    changed = user_gdb_written(gdb);
    user_gdb_unlift(gdb, g);
    if (p && p->type == GDB_POINT_WRITE)
        p = changed;
    if (p)
        report(gdb, thread, GDB_SIGNAL_TRAP, reason_of(p), MAX(address, p->address));
    else if (g->step)
        g->stepped = true;
    g->step &= !g->stepped;
    return trap->event == USER_EVENT_NONE || trap->event == USER_EVENT_HANDLED;
}

/* With the lock held: the child of a vfork has met a breakpoint, which is for its parent only. */
static void step_over(struct user_gdb *gdb, struct user_thread *thread, struct point *p,
                      struct user_trap *trap)
{
    user_gdb_force_write(gdb, p->address, p->saved, p->size);
    thread->slice = 1;
    thread->process->arch->run(thread, trap);
    thread->slice = USER_SLICE;
    user_gdb_force_write(gdb, p->address, p->code, p->size);
}

bool user_gdb_event(struct user_thread *thread, struct user_trap *trap)
{
    struct user_gdb *gdb = thread->process->gdb;
    struct user_gdb_thread *g = part(thread);
    uint64_t pc = thread->process->arch->get_pc(thread->cpu);
    bool done = false;

    g_mutex_lock(&gdb->lock);
    if (trap->event == USER_EVENT_FAULT && (trap->signal == SIGSEGV || trap->signal == SIGBUS) &&
        user_gdb_in_watched_page(gdb, trap->address) &&
        user_gdb_page_prot(&gdb->process->mem, trap->address & USER_PAGE_MASK))
        done = watched_access(gdb, thread, trap);
    if (!done && trap->event == USER_EVENT_FAULT && trap->signal == SIGTRAP) {
        for (guint i = 0; i < gdb->points->len && !done; i++) {
            struct point *p = &g_array_index(gdb->points, struct point, i);

            if (user_gdb_watches(p) || p->address != pc)
                continue;
            if (thread->vfork_child)
                step_over(gdb, thread, p, trap);
            else
                report(gdb, thread, GDB_SIGNAL_TRAP, GDB_REASON_BREAK, pc);
            done = trap->event != USER_EVENT_CALL;
        }
    }
    if (!done && trap->event == USER_EVENT_CALL && user_gdb_any_watch(gdb))
        user_gdb_lift(gdb, g);
    if (!done && g->step && trap->event != USER_EVENT_FAULT &&
        (trap->event != USER_EVENT_NONE || jit_icount(thread->cpu) != g->icount)) {
        g->step = false;
        g->stepped = true;
    }
    g_mutex_unlock(&gdb->lock);
    return done;
}

int user_gdb_signal(struct user_thread *thread, int signal, const siginfo_t *info)
{
    struct user_gdb *gdb = thread->process->gdb;
    struct user_gdb_thread *g = part(thread);

    g_mutex_lock(&gdb->lock);
    if (gdb->gone || gdb->pass[signal] || g->unreported == signal) {
        g->unreported = 0;
        g->step = false;
    } else {
        g->info = *info;
        report(gdb, thread, signal_to_gdb(signal), GDB_REASON_SIGNAL, 0);
        if (!gdb->gone)
            signal = g->deliver;
        g->deliver = 0;
    }
    g_mutex_unlock(&gdb->lock);
    return signal;
}

void user_gdb_exited(struct user_process *process, bool killed, int code)
{
    if (!process->gdb->gone)
        gdb_server_exited(process->gdb->server, killed, killed ? signal_to_gdb(code) : code);
}

char *user_gdb_hand_over(struct user_thread *thread)
{
    struct user_gdb *gdb = thread->process->gdb;
    char *state = NULL;

    if (!gdb || thread->vfork_child || getpid() != thread->process->pid)
        return NULL;
    g_mutex_lock(&gdb->lock);
    if (!gdb->gone)
        state = gdb_server_hand_over(gdb->server);
    g_mutex_unlock(&gdb->lock);
    return state;
}

void user_gdb_keep(struct user_process *process)
{
    gdb_server_keep(process->gdb->server);
}

/* ------------------------------------------------------------------------------------------ for the server
 */

static struct user_thread *find_thread(struct user_process *process, uint64_t tid)
{
    struct user_thread *found = NULL;

    g_mutex_lock(&process->lock);
    for (guint i = 0; i < process->threads->len && !found; i++) {
        struct user_thread *thread = g_ptr_array_index(process->threads, i);

        if ((uint64_t)thread->tid == tid)
            found = thread;
    }
    g_mutex_unlock(&process->lock);
    return found;
}

static const char *description(void *opaque)
{
    struct user_gdb *gdb = opaque;

    return gdb->description;
}

static char *make_description(const struct user_gdb_arch *arch)
{
    GString *xml = g_string_new("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
                                "<target version=\"1.0\">\n");

    g_string_append_printf(xml, "<architecture>%s</architecture>\n<osabi>GNU/Linux</osabi>\n",
                           arch->architecture);
    for (const struct user_gdb_feature *f = arch->features; f->name; f++) {
        g_string_append_printf(xml, "<feature name=\"%s\">\n", f->name);
        for (const struct user_gdb_register *r = f->registers; r->name; r++)
            g_string_append_printf(xml, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>\n", r->name, r->bits,
                                   r->type);
        g_string_append(xml, "</feature>\n");
    }
    g_string_append(xml, "</target>\n");
    return g_string_free(xml, FALSE);
}

static unsigned list_threads(void *opaque, uint64_t *threads, unsigned most)
{
    struct user_process *process = ((struct user_gdb *)opaque)->process;
    unsigned n;

    g_mutex_lock(&process->lock);
    n = process->threads->len;
    for (unsigned i = 0; i < MIN(n, most); i++)
        threads[i] = (uint64_t)((struct user_thread *)g_ptr_array_index(process->threads, i))->tid;
    g_mutex_unlock(&process->lock);
    return n;
}

static unsigned register_size(void *opaque, unsigned number)
{
    const struct user_gdb_arch *arch = ((struct user_gdb *)opaque)->process->arch->gdb;

    for (const struct user_gdb_feature *f = arch->features; f->name; f++) {
        for (const struct user_gdb_register *r = f->registers; r->name; r++) {
            if (number-- == 0)
                return r->bits / 8;
        }
    }
    return 0;
}

static bool read_register(void *opaque, uint64_t tid, unsigned number, GByteArray *bytes)
{
    struct user_process *process = ((struct user_gdb *)opaque)->process;
    struct user_thread *thread = find_thread(process, tid);
    uint8_t value[USER_GDB_REGISTER_MOST] = {0};

    if (!thread || !process->arch->gdb->get(thread, number, value))
        return false;
    g_byte_array_append(bytes, value, register_size(opaque, number));
    return true;
}

static bool write_register(void *opaque, uint64_t tid, unsigned number, const uint8_t *bytes, size_t size)
{
    struct user_process *process = ((struct user_gdb *)opaque)->process;
    struct user_thread *thread = find_thread(process, tid);

    return thread && process->arch->gdb->set(thread, number, bytes);
}

static void resume(void *opaque, const struct gdb_action *actions, unsigned count)
{
    struct user_gdb *gdb = opaque;
    struct user_process *process = gdb->process;
    bool waiting = false;

    g_mutex_lock(&gdb->lock);
    g_mutex_lock(&process->lock);
    for (guint i = 0; i < process->threads->len; i++) {
        struct user_thread *thread = g_ptr_array_index(process->threads, i);
        struct user_gdb_thread *g = part(thread);
        const struct gdb_action *a = actions;

        while (a < actions + count && a->thread && a->thread != (uint64_t)thread->tid)
            a++;
        g->stay = a == actions + count || a->how == GDB_STAY;
        g->step = a < actions + count && a->how == GDB_STEP;
        g->deliver = a < actions + count ? signal_to_host(a->signal) : 0;
        waiting |= g->has_event;
    }
    g_mutex_unlock(&process->lock);
    /* One that stopped at the same time as the last is told of now. */
    if (waiting) {
        gdb_server_notify(gdb->server);
    } else {
        gdb->halted = false;
        g_cond_broadcast(&gdb->changed);
    }
    g_mutex_unlock(&gdb->lock);
}

static void interrupt(void *opaque)
{
    struct user_gdb *gdb = opaque;

    g_mutex_lock(&gdb->lock);
    gdb->interrupted = true;
    g_mutex_unlock(&gdb->lock);
    gdb_server_notify(gdb->server);
}

/* With both locks held: interrupts those that still run; true when all stand. */
static bool kick(struct user_process *process)
{
    bool all = true;

    for (guint i = 0; i < process->threads->len; i++) {
        struct user_thread *thread = g_ptr_array_index(process->threads, i);

        if (!part(thread)->parked) {
            all = false;
            if (thread->tid)
                syscall(SYS_tgkill, getpid(), thread->tid, KICK_SIGNAL);
        }
    }
    return all;
}

static bool stopped(void *opaque, struct gdb_stop *stop)
{
    struct user_gdb *gdb = opaque;
    struct user_process *process = gdb->process;
    bool found = false, all;

    g_mutex_lock(&gdb->lock);
    gdb->halted = true;
    do {
        g_mutex_lock(&process->lock);
        all = kick(process);
        g_mutex_unlock(&process->lock);
        if (!all)
            g_cond_wait_until(&gdb->changed, &gdb->lock, g_get_monotonic_time() + KICK_INTERVAL);
    } while (!all);
    g_mutex_lock(&process->lock);
    for (guint i = 0; i < process->threads->len && !found; i++) {
        struct user_gdb_thread *g = part(g_ptr_array_index(process->threads, i));

        if (g->has_event) {
            *stop = g->event;
            g->has_event = false;
            found = true;
        }
    }
    if (!found && gdb->interrupted && process->threads->len) {
        struct user_thread *first = g_ptr_array_index(process->threads, 0);

        *stop = (struct gdb_stop){.thread = (uint64_t)first->tid, .signal = GDB_SIGNAL_INT};
        found = true;
    }
    if (found)
        gdb->interrupted = false;
    g_mutex_unlock(&process->lock);
    if (!found) {
        gdb->halted = false;
        g_cond_broadcast(&gdb->changed);
    }
    g_mutex_unlock(&gdb->lock);
    return found;
}

static void detach(void *opaque)
{
    struct user_gdb *gdb = opaque;

    g_mutex_lock(&gdb->lock);
    while (gdb->points->len)
        user_gdb_remove_point(gdb, gdb->points->len - 1);
    gdb->gone = true;
    gdb->halted = false;
    g_cond_broadcast(&gdb->changed);
    g_mutex_unlock(&gdb->lock);
}

static void kill_program(void *opaque)
{
    kill(getpid(), SIGKILL);
}

static bool object(void *opaque, const char *name, uint64_t tid, GByteArray *bytes)
{
    struct user_gdb *gdb = opaque;
    struct user_process *process = gdb->process;
    struct user_thread *thread = find_thread(process, tid);

    if (g_str_equal(name, "auxv")) {
        g_byte_array_append(bytes, process->auxv->data, process->auxv->len);
    } else if (g_str_equal(name, "exec-file")) {
        const char *sysroot = process->options.sysroot, *exe = process->exe;

        /* As the program knows it. */
        if (sysroot && g_str_has_prefix(exe, sysroot))
            exe += strlen(sysroot);
        g_byte_array_append(bytes, (const uint8_t *)exe, (guint)strlen(exe));
    } else if (g_str_equal(name, "siginfo") && thread && part(thread)->info.si_signo) {
        uint8_t packed[128];

        user_pack_siginfo(thread, packed, &part(thread)->info);
        g_byte_array_append(bytes, packed, sizeof(packed));
    } else {
        return false;
    }
    return true;
}

static char *file_name(void *opaque, const char *name)
{
    return user_path(((struct user_gdb *)opaque)->process, name);
}

static void pass(void *opaque, const bool *signals)
{
    struct user_gdb *gdb = opaque;

    g_mutex_lock(&gdb->lock);
    for (int host = 1; host <= 64; host++)
        gdb->pass[host] = signals[signal_to_gdb(host)];
    g_mutex_unlock(&gdb->lock);
}

static const struct gdb_target target = {
    .description = description,
    .threads = list_threads,
    .read_register = read_register,
    .write_register = write_register,
    .register_size = register_size,
    .read_memory = user_gdb_read_memory,
    .write_memory = user_gdb_write_memory,
    .point = user_gdb_change_point,
    .resume = resume,
    .interrupt = interrupt,
    .stopped = stopped,
    .detach = detach,
    .kill = kill_program,
    .object = object,
    .file = file_name,
    .pass = pass,
};

/* -------------------------------------------------------------------------------------- beginning and end */

static void on_kick(int signal, siginfo_t *info, void *context)
{
    struct user_thread *thread = user_thread_current();

    if (thread) {
        jit_request_stop(thread->cpu, context);
        user_host_call_interrupt(context);
    }
}

static void *serve(void *opaque)
{
    struct user_gdb *gdb = opaque;

    gdb_server_run(gdb->server);
    return NULL;
}

bool user_gdb_start(struct user_process *process, const char *where, GError **error)
{
    struct user_gdb *gdb;
    struct gdb_server *server;
    sigset_t all, old;
    pthread_t thread;
    int result;

    if (!process->arch->gdb) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, _("Programs for %s cannot be debugged."),
                    process->arch->name);
        return false;
    }
    gdb = g_new0(struct user_gdb, 1);
    gdb->process = process;
    server = gdb->server = gdb_server_new(where, &target, gdb, error);
    if (!server || !gdb_server_accept(server, error)) {
        gdb_server_free(server);
        g_free(gdb);
        return false;
    }
    g_mutex_init(&gdb->lock);
    g_cond_init(&gdb->changed);
    gdb->halted = true;
    gdb->points = g_array_new(FALSE, FALSE, sizeof(struct point));
    gdb->description = make_description(process->arch->gdb);
    process->gdb = gdb;
    user_signal_watch(process);
    result = -user_host_sigaction(KICK_SIGNAL, (void *)on_kick, SA_SIGINFO, ~(uint64_t)0);
    if (result != 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, _("Threads cannot be stopped for a debugger: %s."),
                    g_strerror(result));
        return false;
    }
    /* Its reads of the program's memory may fault. */
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    result = pthread_create(&thread, NULL, serve, gdb);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (result != 0) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, _("The debugger's thread cannot be made: %s."),
                    g_strerror(result));
        return false;
    }
    return true;
}
