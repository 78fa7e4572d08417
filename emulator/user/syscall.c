/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a trap to a system call's handler and back, and the log of --strace. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "emulator/user/process.h"

#define MOST_ARGUMENTS 8
#define STRING_SHOWN   64

static const struct user_syscall *find(const struct user_process *process, uint32_t number)
{
    const struct user_abi *abi = process->abi;
    unsigned low = 0, high = process->n_calls;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (abi->calls[middle].number == number)
            return &abi->calls[middle];
        if (abi->calls[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
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

static void log_string(struct user_thread *thread, uint64_t address)
{
    bool too_long;
    g_autofree char *text = user_mem_string(&thread->process->mem, address, 4096, &too_long);
    g_autofree char *shown = NULL;
    FILE *to = thread->process->strace;

    if (!text) {
        fprintf(to, "%#" G_GINT64_MODIFIER "x", address);
        return;
    }
    shown = g_strescape(text, NULL);
    fprintf(to, "\"%.*s\"%s", STRING_SHOWN, shown, strlen(shown) > STRING_SHOWN ? "..." : "");
}

static void log_call(struct user_thread *thread, const struct user_syscall *call, const char *kinds,
                     const uint64_t *args)
{
    FILE *to = thread->process->strace;

    fprintf(to, "%d %s(", (int)thread->tid, call->name);
    for (unsigned i = 0; kinds[i]; i++) {
        if (i)
            fputs(", ", to);
        switch (kinds[i]) {
        case 'd':
        case 'D':
        case 'l': fprintf(to, "%" G_GINT64_MODIFIER "d", (gint64)args[i]); break;
        case 'u': fprintf(to, "%" G_GINT64_MODIFIER "u", args[i]); break;
        case 'o': fprintf(to, "0%" G_GINT64_MODIFIER "o", args[i]); break;
        case 'S':
        case 'c':
        case 'n':
        case 's': log_string(thread, args[i]); break;
        default: fprintf(to, "%#" G_GINT64_MODIFIER "x", args[i]); break;
        }
    }
    fputc(')', to);
}

static void log_result(struct user_thread *thread, int64_t result)
{
    FILE *to = thread->process->strace;

    if (result == USER_AGAIN)
        fputs(" = ? (again)\n", to);
    else if (result == USER_KEEP)
        fputs(" = ?\n", to);
    else if (result < 0 && result > -4096)
        fprintf(to, " = -1 %s (%s)\n", strerrorname_np((int)-result), strerror((int)-result));
    else if (result > 0xffff)
        fprintf(to, " = %#" G_GINT64_MODIFIER "x\n", (guint64)result);
    else
        fprintf(to, " = %" G_GINT64_MODIFIER "d\n", (gint64)result);
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
            fprintf(process->strace, "%d call %u = -1 ENOSYS\n", (int)thread->tid, number);
        process->arch->call_done(thread->cpu, true, (uint64_t)user_errno_to_guest(abi, ENOSYS));
        return;
    }
    kinds = call->args + (call->args[0] == '!');
    gather(abi, kinds, raw, args);
    if (process->strace) {
        log_call(thread, call, kinds, args);
        /* Calls that may block or never return show before they are made. */
        fflush(process->strace);
    }
    thread->has_second = false;
    thread->restart = false;
    result = call->run ? call->run(thread, args) : user_call_host(thread, call->host, kinds, args);
    if (process->strace)
        log_result(thread, result);

    /* Only a debugger interrupts without a signal for the program. */
    if (result == -EINTR && !thread->pending && process->gdb)
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
