/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on signals. Sets are converted to host signals as they come in. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* The kernel refuses sets of another size. */
#define SIGSET_SIZE 8
/* The oldest calls know 31 signals, in one word. */
#define OLD_SET(set) ((set)&0xffffffffu)

static int64_t exchange_action(struct user_thread *t, int signal, const struct user_action *new,
                               struct user_action *old)
{
    struct user_process *process = t->process;
    int64_t result = 0;

    if (!signal)
        return -EINVAL;
    g_mutex_lock(&process->lock);
    *old = t->actions[signal];
    if (new)
        result = user_signal_set_action(t, signal, new);
    g_mutex_unlock(&process->lock);
    return result;
}

/* The old structure: handler, mask, flags, restorer, each a word. */
int64_t user_sys_sigaction(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    /* SPARC's C libraries gave negative numbers to ask for the present behaviour. */
    int64_t number = (int32_t)a[0];
    int signal = user_signal_to_host(abi, (uint64_t)(number < 0 ? -number : number));
    struct user_action new = {0}, old;
    unsigned word = abi->word;
    int64_t result;

    if (a[1]) {
        uint64_t mask, flags;

        if (!user_mem_get(MEM(t), a[1], word, &new.handler) ||
            !user_mem_get(MEM(t), a[1] + word, word, &mask) ||
            !user_mem_get(MEM(t), a[1] + 2 * word, word, &flags) ||
            !user_mem_get(MEM(t), a[1] + 3 * word, word, &new.restorer))
            return -EFAULT;
        new.mask = user_sigset_to_host(abi, OLD_SET(mask));
        new.flags = user_bits_to_host(abi->action_flags, (uint32_t)flags);
    }
    result = exchange_action(t, signal, a[1] ? &new : NULL, &old);
    if (result < 0 || !a[2])
        return result;
    if (!user_mem_put(MEM(t), a[2], word, old.handler) ||
        !user_mem_put(MEM(t), a[2] + word, word, OLD_SET(user_sigset_to_guest(abi, old.mask))) ||
        !user_mem_put(MEM(t), a[2] + 2 * word, word,
                      user_bits_to_guest(abi->action_flags, (uint32_t)old.flags)) ||
        !user_mem_put(MEM(t), a[2] + 3 * word, word, old.restorer))
        return -EFAULT;
    return 0;
}

static int64_t change_action(struct user_thread *t, const uint64_t *a, uint64_t given_restorer,
                             uint64_t set_size)
{
    const struct user_abi *abi = ABI(t);
    struct user_action new = {0}, old;
    unsigned word = abi->word;
    int64_t result;

    if (set_size != SIGSET_SIZE)
        return -EINVAL;
    if (a[1]) {
        uint64_t flags, restorer;

        if (!user_mem_get(MEM(t), a[1], word, &new.handler) ||
            !user_mem_get(MEM(t), a[1] + word, word, &flags) ||
            !user_mem_get(MEM(t), a[1] + 2 * word, word, &restorer) ||
            !user_read_sigset(t, a[1] + 3 * word, &new.mask))
            return -EFAULT;
        new.flags = user_bits_to_host(abi->action_flags, (uint32_t)flags);
        new.restorer = given_restorer ? given_restorer : restorer;
    }
    result = exchange_action(t, user_signal_to_host(abi, a[0]), a[1] ? &new : NULL, &old);
    if (result < 0 || !a[2])
        return result;
    if (!user_mem_put(MEM(t), a[2], word, old.handler) ||
        !user_mem_put(MEM(t), a[2] + word, word,
                      user_bits_to_guest(abi->action_flags, (uint32_t)old.flags)) ||
        !user_mem_put(MEM(t), a[2] + 2 * word, word, old.restorer) ||
        !user_write_sigset(t, a[2] + 3 * word, old.mask))
        return -EFAULT;
    return 0;
}

/* signal, action, old action, size of a set */
int64_t user_sys_rt_sigaction(struct user_thread *t, const uint64_t *a)
{
    return change_action(t, a, 0, a[3]);
}

/* SPARC's has the restorer before the size. */
int64_t user_sys_rt_sigaction_restorer(struct user_thread *t, const uint64_t *a)
{
    return change_action(t, a, a[3], a[4]);
}

int64_t user_sys_signal(struct user_thread *t, const uint64_t *a)
{
    struct user_action new = {.handler = a[1], .flags = SA_RESETHAND | SA_NODEFER}, old;
    int64_t result = exchange_action(t, user_signal_to_host(ABI(t), a[0]), &new, &old);

    return result < 0 ? result : (int64_t)old.handler;
}

static int64_t change_mask(struct user_thread *t, uint32_t how, const uint64_t *set, uint64_t *old)
{
    const struct user_abi *abi = ABI(t);
    uint64_t mask;

    /* A signal on its way counts as delivered before this call. */
    user_signal_block_all();
    if (t->pending)
        return USER_AGAIN;
    *old = mask = t->mask;
    if (set) {
        if (how == abi->sig_block) {
            mask |= *set;
        } else if (how == abi->sig_unblock) {
            mask &= ~*set;
        } else if (how == abi->sig_setmask) {
            mask = *set;
        } else {
            user_signal_set_mask(t, mask);
            return -EINVAL;
        }
    }
    user_signal_set_mask(t, mask);
    return 0;
}

int64_t user_sys_sigprocmask(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    uint64_t value, set = 0, old;
    int64_t result;

    if (a[1]) {
        if (!user_mem_get(MEM(t), a[1], abi->word, &value))
            return -EFAULT;
        set = user_sigset_to_host(abi, OLD_SET(value));
        /* Signals from 32 on are not touched by the old call. */
        if ((uint32_t)a[0] == abi->sig_setmask)
            set |= t->mask & ~user_sigset_to_host(abi, 0xffffffffu);
    }
    result = change_mask(t, (uint32_t)a[0], a[1] ? &set : NULL, &old);
    if (result < 0 || !a[2])
        return result;
    return user_mem_put(MEM(t), a[2], abi->word, OLD_SET(user_sigset_to_guest(abi, old))) ? 0 : -EFAULT;
}

int64_t user_sys_rt_sigprocmask(struct user_thread *t, const uint64_t *a)
{
    uint64_t set = 0, old;
    int64_t result;

    if (a[3] != SIGSET_SIZE)
        return -EINVAL;
    if (a[1] && !user_read_sigset(t, a[1], &set))
        return -EFAULT;
    result = change_mask(t, (uint32_t)a[0], a[1] ? &set : NULL, &old);
    if (result < 0 || !a[2])
        return result;
    return user_write_sigset(t, a[2], old) ? 0 : -EFAULT;
}

static int64_t get_pending(struct user_thread *t, uint64_t *set)
{
    return USER_HOST(t, SYS_rt_sigpending, set, sizeof(*set), 0, 0, 0, 0);
}

int64_t user_sys_sigpending(struct user_thread *t, const uint64_t *a)
{
    uint64_t set;
    int64_t result = get_pending(t, &set);

    if (result < 0)
        return result;
    return user_mem_put(MEM(t), a[0], ABI(t)->word, OLD_SET(user_sigset_to_guest(ABI(t), set))) ? 0 : -EFAULT;
}

int64_t user_sys_rt_sigpending(struct user_thread *t, const uint64_t *a)
{
    uint64_t set;
    int64_t result = get_pending(t, &set);

    if (result < 0)
        return result;
    return user_write_sigset(t, a[0], set) ? 0 : -EFAULT;
}

static int64_t suspend(struct user_thread *t, uint64_t mask)
{
    int64_t result;

    t->saved_mask = t->mask;
    t->mask_saved = true;
    t->mask = mask;
    result = USER_HOST(t, SYS_rt_sigsuspend, &mask, sizeof(mask), 0, 0, 0, 0);
    /* The handler of a signal that came before the wait runs under the old mask, and the wait begins anew. */
    if (!t->pending || result == USER_AGAIN) {
        t->mask_saved = false;
        user_signal_set_mask(t, t->saved_mask);
    }
    return result;
}

int64_t user_sys_sigsuspend(struct user_thread *t, const uint64_t *a)
{
    return suspend(t, user_sigset_to_host(ABI(t), OLD_SET(a[0])));
}

/* Where the mask is the third argument (CONFIG_OLD_SIGSUSPEND3). */
int64_t user_sys_sigsuspend3(struct user_thread *t, const uint64_t *a)
{
    return suspend(t, user_sigset_to_host(ABI(t), OLD_SET(a[2])));
}

int64_t user_sys_rt_sigsuspend(struct user_thread *t, const uint64_t *a)
{
    uint64_t mask;

    if (a[1] != SIGSET_SIZE)
        return -EINVAL;
    return user_read_sigset(t, a[0], &mask) ? suspend(t, mask) : -EFAULT;
}

int64_t user_sys_pause(struct user_thread *t, const uint64_t *a)
{
    uint64_t mask = t->mask;

    return USER_HOST(t, SYS_rt_sigsuspend, &mask, sizeof(mask), 0, 0, 0, 0);
}

/* stack_t: pointer, flags, size, each a word (flags an int). */
int64_t user_sys_sigaltstack(struct user_thread *t, const uint64_t *a)
{
    unsigned word = ABI(t)->word;
    uint64_t sp, flags, size, at = t->alt_stack, old_size = t->alt_size;
    bool inside = user_signal_on_alt_stack(t, t->process->arch->get_sp(t->cpu));

    if (a[0]) {
        if (!user_mem_get(MEM(t), a[0], word, &sp) || !user_mem_get(MEM(t), a[0] + word, 4, &flags) ||
            !user_mem_get(MEM(t), a[0] + 2 * word, word, &size))
            return -EFAULT;
        if (inside)
            return -EPERM;
        if (flags & ~(uint64_t)(SS_DISABLE | SS_ONSTACK))
            return -EINVAL;
        if (!(flags & SS_DISABLE) && size < 2048)
            return -ENOMEM;
        t->alt_stack = flags & SS_DISABLE ? 0 : sp;
        t->alt_size = flags & SS_DISABLE ? 0 : size;
    }
    if (a[1] && (!user_mem_put(MEM(t), a[1], word, at) ||
                 !user_mem_put(MEM(t), a[1] + word, 4,
                               !old_size ? SS_DISABLE
                               : inside  ? SS_ONSTACK
                                         : 0) ||
                 !user_mem_put(MEM(t), a[1] + 2 * word, word, old_size)))
        return -EFAULT;
    return 0;
}

static int64_t return_from_handler(struct user_thread *t, bool rt)
{
    uint64_t mask;

    user_signal_block_all();
    if (t->pending)
        return USER_AGAIN;
    if (!t->process->arch->pop_signal(t, rt, &mask))
        user_signal_die(t->process, SIGSEGV);
    user_signal_set_mask(t, mask);
    return USER_KEEP;
}

/* What the kernel begins again by itself, this does by meeting the first call again: programs have no cause
 * to ask for it. */
int64_t user_sys_restart_syscall(struct user_thread *t, const uint64_t *a)
{
    return -EINTR;
}

int64_t user_sys_sigreturn(struct user_thread *t, const uint64_t *a)
{
    return return_from_handler(t, false);
}

int64_t user_sys_rt_sigreturn(struct user_thread *t, const uint64_t *a)
{
    return return_from_handler(t, true);
}

static int64_t timed_wait(struct user_thread *t, const uint64_t *a, bool wide)
{
    uint64_t set;
    struct timespec limit;
    siginfo_t info;
    uint8_t packed[128];
    int64_t result;

    if (a[3] != SIGSET_SIZE)
        return -EINVAL;
    if (!user_read_sigset(t, a[0], &set) || (a[2] && !user_read_timespec(t, a[2], wide, &limit)))
        return -EFAULT;
    result = USER_HOST(t, SYS_rt_sigtimedwait, &set, &info, a[2] ? &limit : NULL, sizeof(set), 0, 0);
    if (result <= 0)
        return result;
    if (a[1]) {
        user_pack_siginfo(t, packed, &info);
        if (!user_mem_write(MEM(t), a[1], packed, sizeof(packed)))
            return -EFAULT;
    }
    return user_signal_to_guest(ABI(t), (int)result);
}

int64_t user_sys_rt_sigtimedwait(struct user_thread *t, const uint64_t *a)
{
    return timed_wait(t, a, ABI(t)->word == 8);
}

int64_t user_sys_rt_sigtimedwait_time64(struct user_thread *t, const uint64_t *a)
{
    return timed_wait(t, a, true);
}

int64_t user_sys_rt_sigqueueinfo(struct user_thread *t, const uint64_t *a)
{
    int signal = user_signal_to_host(ABI(t), a[1]);
    siginfo_t info;

    if (!signal)
        return -EINVAL;
    if (!user_read_siginfo(t, a[2], &info))
        return -EFAULT;
    info.si_signo = signal;
    return USER_HOST(t, SYS_rt_sigqueueinfo, (int)a[0], signal, &info, 0, 0, 0);
}

int64_t user_sys_rt_tgsigqueueinfo(struct user_thread *t, const uint64_t *a)
{
    int signal = user_signal_to_host(ABI(t), a[2]);
    siginfo_t info;

    if (!signal)
        return -EINVAL;
    if (!user_read_siginfo(t, a[3], &info))
        return -EFAULT;
    info.si_signo = signal;
    return USER_HOST(t, SYS_rt_tgsigqueueinfo, (int)a[0], (int)a[1], signal, &info, 0, 0);
}

int64_t user_sys_pidfd_send_signal(struct user_thread *t, const uint64_t *a)
{
    int signal = a[1] ? user_signal_to_host(ABI(t), a[1]) : 0;
    siginfo_t info;

    if (a[1] && !signal)
        return -EINVAL;
    if (a[2] && !user_read_siginfo(t, a[2], &info))
        return -EFAULT;
    return USER_HOST(t, SYS_pidfd_send_signal, (int)a[0], signal, a[2] ? &info : NULL, a[3], 0, 0);
}
