/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signals of the program.
 *
 * The host's kernel does the work: it keeps the program's mask and what is pending, and it carries out
 * default actions. Only for a signal with a handler in the program does a host handler stand in. It records
 * the signal, blocks every further one and asks the processor to stop; the loop then pushes the guest's
 * frame, and the mask that the program's action asks for becomes the host's. So at most one signal is on its
 * way inside this process, the rest wait in the kernel in their proper order.
 *
 * SEGV, BUS, FPE, ILL and TRAP are never blocked on the host: translated code raises some of them, and the
 * program's own come from its processor.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emulator/user/process.h"
#include "emulator/user/strace.h"

#define BIT(signal)     ((uint64_t)1 << ((signal)-1))
#define SYNCHRONOUS     (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGTRAP))
#define FAULTS          (BIT(SIGSEGV) | BIT(SIGBUS)) /* the translator needs them: never blocked on the host */
#define NEVER_BLOCKED   (BIT(SIGKILL) | BIT(SIGSTOP))
#define HANDLER_DEFAULT 0
#define HANDLER_IGNORE  1

/* No signal interrupts a handler: one that is recorded must find the context in which the program goes on. */
static int host_sigaction(int signal, void (*handler)(int, siginfo_t *, void *), unsigned long flags)
{
    return user_host_sigaction(signal, (void *)handler, flags | SA_SIGINFO, ~(uint64_t)0);
}

/* SIG_DFL or SIG_IGN */
static int host_plain_action(int signal, void (*plain)(int), unsigned long flags)
{
    return user_host_sigaction(signal, (void *)plain, flags, 0);
}

void user_signal_block_all(void)
{
    const uint64_t all = ~FAULTS;

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
}

void user_signal_set_mask(struct user_thread *thread, uint64_t mask)
{
    uint64_t host;

    thread->mask = mask & ~NEVER_BLOCKED;
    host = thread->mask & ~FAULTS;
    /* While a signal waits for delivery the host blocks all; delivery sets the mask. One that comes between a
     * look and the call would let a second one in, and that would be lost: so both are one. */
    USER_HOST(thread, SYS_rt_sigprocmask, SIG_SETMASK, &host, NULL, sizeof(host), 0, 0);
}

/* A program's signal (not a fault) has come. */
static void record(struct user_thread *thread, int signal, const siginfo_t *info, ucontext_t *context)
{
    uint64_t all;

    if (thread->pending) {
        /* Only a synchronous number can come now; the first one counts. */
        return;
    }
    thread->pending_info = *info;
    thread->pending = signal;
    jit_request_stop(thread->cpu, context);
    all = ~FAULTS;
    memcpy(&context->uc_sigmask, &all, sizeof(all));
    user_host_call_interrupt(context);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    struct user_thread *thread = user_thread_current();
    int saved = errno;

    if (BIT(signal) & SYNCHRONOUS && info->si_code > 0) {
        /* A fault of this program itself: let it happen again without us. */
        host_plain_action(signal, SIG_DFL, 0);
    } else if (!thread) {
        /* One of this program's own threads (the JIT's): hand it to one that runs guest code. */
        syscall(SYS_tgkill, getpid(), getpid(), signal);
    } else {
        record(thread, signal, info, context);
    }
    errno = saved;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    struct user_thread *thread = user_thread_current();
    ucontext_t *uc = context;
    int saved = errno;

    if (info->si_code > 0 && info->si_code != SI_KERNEL) {
        if (thread)
            thread->bus_error = signal == SIGBUS;
        user_mem_copy_fault(&uc->uc_sigmask);
        if (thread && jit_handle_fault(thread->cpu, signal, info, context)) {
            errno = saved;
            return;
        }
    } else if (thread && info->si_code <= 0) {
        /* Sent by kill(): the program's when it has a handler, deadly else. */
        if (thread->actions[signal].handler > HANDLER_IGNORE) {
            record(thread, signal, info, uc);
            errno = saved;
            return;
        }
    }
    /* Not the program's doing: let the same instruction fault again, or the signal arrive, without us. */
    host_plain_action(signal, SIG_DFL, 0);
    if (info->si_code <= 0)
        syscall(SYS_tgkill, getpid(), gettid(), signal);
}

void user_signal_init(struct user_process *process)
{
    static const int faults[] = {SIGSEGV, SIGBUS};
    uint64_t mask = 0;

    for (int n = 1; n <= 64; n++) {
        struct sigaction old;

        if (n == SIGKILL || n == SIGSTOP || sigaction(n, NULL, &old) != 0)
            continue;
        if (!(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_IGN)
            process->action[n].handler = HANDLER_IGNORE;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(faults); i++)
        host_sigaction(faults[i], on_fault, SA_ONSTACK);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask));
    user_signal_set_mask(user_thread_current(), mask);
}

/* What the kernel does on a signal whose action is the default: does it end the process? */
static bool default_is_deadly(int signal)
{
    switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU: return false;
    default: return true;
    }
}

void user_signal_watch(struct user_process *process)
{
    if (process->watches_signals)
        return;
    process->watches_signals = true;
    for (int signal = 1; signal <= 64; signal++) {
        if (signal != SIGKILL && signal != SIGSEGV && signal != SIGBUS &&
            process->action[signal].handler == HANDLER_DEFAULT && default_is_deadly(signal))
            host_sigaction(signal, on_signal, 0);
    }
}

int user_signal_set_action(struct user_thread *thread, int signal, const struct user_action *action)
{
    int result = 0;

    if (signal == SIGKILL || signal == SIGSTOP)
        return -EINVAL;
    thread->actions[signal] = *action;
    if (signal == SIGSEGV || signal == SIGBUS)
        return 0;
    if (action->handler == HANDLER_IGNORE ||
        (action->handler == HANDLER_DEFAULT && !(thread->process->watches_signals && default_is_deadly(signal)))) {
        /* A fault of the program becomes a signal in the loop, whatever the host would do with it. */
        result = host_plain_action(signal, action->handler == HANDLER_DEFAULT ? SIG_DFL : SIG_IGN,
                                   action->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT));
    } else {
        result = host_sigaction(signal, on_signal, action->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT));
    }
    return result;
}

void user_signal_die(struct user_process *process, int signal)
{
    struct rlimit none = {0, 0};
    uint64_t all = 0;

    if (process->gdb && getpid() == process->pid)
        user_gdb_exited(process, true, signal);
    if (process->strace)
        user_strace_note(process, "+++ killed by %s +++", user_strace_signal_name(signal, (char[16]){0}));
    /* A core file of the host's would hold this program's memory. */
    if (!user_thread_current() || !user_core_write(user_thread_current(), signal))
        setrlimit(RLIMIT_CORE, &none);
    user_futex_leave_all(process);
    host_plain_action(signal, SIG_DFL, 0);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
    syscall(SYS_tgkill, getpid(), gettid(), signal);
    user_process_exit(process, 128 + signal);
}

bool user_signal_on_alt_stack(const struct user_thread *thread, uint64_t sp)
{
    return thread->alt_size && sp - thread->alt_stack < thread->alt_size;
}

uint64_t user_signal_stack(struct user_thread *thread, const struct user_action *action, uint64_t sp)
{
    if (action->flags & SA_ONSTACK && thread->alt_size && !user_signal_on_alt_stack(thread, sp))
        return thread->alt_stack + thread->alt_size;
    return sp;
}

static void enter_handler(struct user_thread *thread, int signal, const siginfo_t *info)
{
    struct user_process *process = thread->process;
    struct user_action action;
    uint64_t mask = thread->mask_saved ? thread->saved_mask : thread->mask;

    g_mutex_lock(&process->lock);
    action = thread->actions[signal];
    if (action.handler > HANDLER_IGNORE && action.flags & SA_RESETHAND)
        thread->actions[signal].handler = HANDLER_DEFAULT;
    g_mutex_unlock(&process->lock);

    if (process->strace)
        user_strace_signal(process, signal, info);
    if (action.handler == HANDLER_IGNORE || (action.handler == HANDLER_DEFAULT && !default_is_deadly(signal)))
        return;
    if (action.handler == HANDLER_DEFAULT)
        user_signal_die(process, signal);
    if (action.flags & SA_RESETHAND)
        host_plain_action(signal, SIG_DFL, 0);

    if (thread->restart) {
        thread->restart = false;
        if (!(action.flags & SA_RESTART) || !thread->restart_allowed) {
            process->arch->call_done(thread->cpu, true, (uint64_t)user_errno_to_guest(process->abi, EINTR));
        }
    }
    if (!process->arch->push_signal(thread, signal, &action, info, mask)) {
        /* No stack for the handler: the kernel forces SIGSEGV, which has nowhere to go either. */
        user_signal_die(process, SIGSEGV);
    }
    thread->mask_saved = false;
    thread->mask |= action.mask | (action.flags & SA_NODEFER ? 0 : BIT(signal));
}

void user_signal_deliver(struct user_thread *thread)
{
    int signal = thread->pending;
    siginfo_t info = thread->pending_info;

    if (thread->process->gdb && !thread->vfork_child)
        signal = user_gdb_signal(thread, signal, &info);
    if (signal)
        enter_handler(thread, signal, &info);
    if (thread->mask_saved) {
        /* sigsuspend met a signal without a handler: its mask goes back. */
        thread->mask_saved = false;
        thread->mask = thread->saved_mask;
    }
    thread->restart = false;
    thread->pending = 0;
    user_signal_set_mask(thread, thread->mask);
}

void user_trap_signal(struct user_trap *trap, int signal, int code, uint64_t address)
{
    trap->event = USER_EVENT_FAULT;
    trap->signal = signal;
    trap->code = code;
    trap->address = address;
}

/* Which signal it is on the host decides: SIGBUS for a page of a file that has become shorter. */
void user_trap_memory(const struct user_thread *thread, struct user_trap *trap, uint64_t address)
{
    unsigned page = user_mem_page(&thread->process->mem, address);

    if (!(page & USER_PAGE_MAPPED))
        user_trap_signal(trap, SIGSEGV, SEGV_MAPERR, address);
    else if (thread->bus_error)
        user_trap_signal(trap, SIGBUS, BUS_ADRERR, address);
    else
        user_trap_signal(trap, SIGSEGV, SEGV_ACCERR, address);
}

void user_signal_fault(struct user_thread *thread, const struct user_trap *trap)
{
    struct user_process *process = thread->process;
    siginfo_t info = {.si_signo = trap->signal, .si_code = trap->code};
    int signal = trap->signal;

    info.si_addr = (void *)(uintptr_t)trap->address;
    if (process->gdb && !thread->vfork_child && !(signal = user_gdb_signal(thread, signal, &info)))
        return;
    thread->fault_address = trap->address;
    thread->fault_trap = trap->number;
    thread->fault_error = trap->error;
    /* Blocked or ignored, a fault is deadly (the kernel's force_sig). */
    if (thread->mask & BIT(signal) || thread->actions[signal].handler <= HANDLER_IGNORE) {
        if (process->strace)
            user_strace_signal(process, signal, &info);
        user_signal_die(process, signal);
    }
    enter_handler(thread, signal, &info);
    user_signal_set_mask(thread, thread->mask);
}
