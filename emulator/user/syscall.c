/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a trap to a system call's handler and back. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "emulator/user/process.h"
#include "emulator/user/strace.h"

#define MOST_ARGUMENTS 8

/* Numbers from here on are an architecture's private ones (ARM: __ARM_NR_BASE). */
#define PRIVATE_BASE 0xf0000
#define PRIVATE_MOST 8

/* Where the call of that number stands in the process's table; USER_CALL_PLACES: nowhere. */
static uint32_t call_place(uint32_t number)
{
    if (number < USER_CALL_PLACES - PRIVATE_MOST)
        return number;
    if (number - PRIVATE_BASE < PRIVATE_MOST)
        return USER_CALL_PLACES - PRIVATE_MOST + (number - PRIVATE_BASE);
    return USER_CALL_PLACES;
}

void user_calls_init(struct user_process *process)
{
    for (const struct user_syscall *call = user_calls; call->name; call++) {
        uint32_t number = call->number[process->abi->numbering];

        if (number != USER_NO_CALL) {
            g_assert(call_place(number) < USER_CALL_PLACES && !process->calls[call_place(number)]);
            process->calls[call_place(number)] = call;
        }
    }
}

static const struct user_syscall *find(const struct user_process *process, uint32_t number)
{
    uint32_t place = call_place(number);

    return place < USER_CALL_PLACES ? process->calls[place] : NULL;
}

/* Turns registers into arguments by the row's letters. */
static void gather(const struct user_abi *abi, const char *kinds, const uint64_t *raw, uint64_t *args)
{
    unsigned r = 0;

    for (unsigned i = 0; kinds[i] && i < MOST_ARGUMENTS; i++) {
        if (kinds[i] == 'l' && abi->word == 4) {
            if (abi->pairs_aligned)
                r = (r + 1) & ~1u;
            args[i] = abi->big_endian ? raw[r] << 32 | raw[r + 1] : raw[r + 1] << 32 | raw[r];
            r += 2;
        } else {
            args[i] = kinds[i] == 'd' || kinds[i] == 'D' ? (uint64_t)(int64_t)(int32_t)raw[r] : raw[r];
            r++;
        }
    }
}

static void unknown(struct user_process *process, uint32_t number)
{
    bool first;

    g_mutex_lock(&process->lock);
    first = g_hash_table_add(process->unknown, GUINT_TO_POINTER(number));
    g_mutex_unlock(&process->lock);
    if (first)
        g_message("%s: the program asked for system call %u, which is not there.", process->exe, number);
}

/* One argument of a call that the host makes; what must be written back afterwards stands in `cell`. */
static int64_t argument_to_host(struct user_thread *thread, const char *kinds, unsigned i, const uint64_t *all,
                                long *host, uint64_t *cell, char **string)
{
    const struct user_abi *abi = thread->process->abi;
    struct user_mem *mem = &thread->process->mem;
    const uint64_t *args = all + i;
    char kind = kinds[i];
    int64_t bad;
    bool too_long;

    *host = (long)*args;
    switch (kind) {
    case 's':
    case 'n':
    case 'c':
        if (!*args)
            return 0;
        bad = user_call_path_at(thread, i && kinds[i - 1] == 'D' ? (int)all[i - 1] : AT_FDCWD, *args,
                                kind == 's'   ? USER_NAME_TARGET
                                : kind == 'n' ? USER_NAME_LINK
                                              : USER_NAME_LINK | USER_NAME_NEW,
                                string);
        *host = (long)*string;
        return bad;
    case 'S':
        if (!*args)
            return 0;
        if (!(*string = user_mem_string(mem, *args, 65536, &too_long)))
            return too_long ? -ENAMETOOLONG : -EFAULT;
        *host = (long)*string;
        return 0;
    case 'b':
        if (*args && !(*host = (long)user_mem_host(mem, args[0], args[1])))
            return -EFAULT;
        return 0;
    case 'i':
    case 'q':
        if (!*args)
            return 0;
        if (!user_mem_get(mem, *args, kind == 'i' ? 4 : 8, cell))
            return -EFAULT;
        *host = (long)cell;
        return 0;
    case 'f': *host = (long)user_bits_to_host(abi->open_flags, (uint32_t)*args); return 0;
    case 'g': *host = user_signal_to_host(abi, *args); return *args && !*host ? -EINVAL : 0;
    default: return 0;
    }
}

int64_t user_call_host(struct user_thread *thread, long number, const char *kinds, const uint64_t *args)
{
    char *strings[MOST_ARGUMENTS] = {NULL};
    long host[MOST_ARGUMENTS] = {0};
    uint64_t cells[MOST_ARGUMENTS];
    int64_t result = 0;

    for (unsigned i = 0; kinds[i] && i < 6 && result == 0; i++)
        result = argument_to_host(thread, kinds, i, args, &host[i], &cells[i], &strings[i]);
    if (result == 0)
        result = user_host_call(thread, number, host[0], host[1], host[2], host[3], host[4], host[5]);
    for (unsigned i = 0; result >= 0 && kinds[i] && i < 6; i++) {
        if ((kinds[i] == 'i' || kinds[i] == 'q') && args[i] &&
            !user_mem_put(&thread->process->mem, args[i], kinds[i] == 'i' ? 4 : 8, cells[i]))
            result = -EFAULT;
    }
    for (unsigned i = 0; i < MOST_ARGUMENTS; i++)
        g_free(strings[i]);
    return result;
}

void user_call(struct user_thread *thread)
{
    struct user_process *process = thread->process;
    const struct user_abi *abi = process->abi;
    uint64_t raw[MOST_ARGUMENTS] = {0}, args[MOST_ARGUMENTS] = {0};
    uint32_t number = process->arch->call_number(thread->cpu, raw);
    const struct user_syscall *call = find(process, number);
    const char *kinds;
    int64_t result;

    if (!call) {
        unknown(process, number);
        if (process->strace)
            user_strace_note(process, "syscall_%u() = -1 ENOSYS (Function not implemented)", number);
        process->arch->call_done(thread->cpu, true, (uint64_t)user_errno_to_guest(abi, ENOSYS));
        return;
    }
    kinds = call->args + (call->args[0] == '!');
    gather(abi, kinds, raw, args);
    if (process->strace)
        user_strace_call(thread, call, args);
    thread->has_second = false;
    thread->restart = false;
    result = call->run ? call->run(thread, args) : user_call_host(thread, call->host, kinds, args);
    if (process->strace)
        user_strace_result(thread, call, args, result);

    /* Only a debugger and the end interrupt without a signal for the program. */
    if (result == -EINTR && !thread->pending && (process->gdb || g_atomic_int_get(&process->dumping)))
        result = USER_AGAIN;
    if (result == USER_AGAIN || result == USER_KEEP)
        return;
    if (result == -EINTR && thread->pending) {
        /* Whether it is begun again depends on the handler: signal delivery decides, the registers stay. */
        thread->restart = true;
        thread->restart_allowed = call->args[0] == '!';
        if (!thread->restart_allowed) {
            thread->restart = false;
            process->arch->call_done(thread->cpu, true, (uint64_t)user_errno_to_guest(abi, EINTR));
        }
        return;
    }
    if (result < 0 && result > -4096) {
        process->arch->call_done(thread->cpu, true, (uint64_t)user_errno_to_guest(abi, (int)-result));
    } else {
        if (thread->has_second && process->arch->set_second)
            process->arch->set_second(thread->cpu, thread->second);
        process->arch->call_done(thread->cpu, false, (uint64_t)result);
    }
}
