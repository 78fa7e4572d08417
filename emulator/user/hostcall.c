/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * System calls of the host that a signal of the program must be able to interrupt.
 *
 * A signal may arrive after the loop has looked for one and before the call blocks. So the look and the call
 * stand in one short piece of code with known ends: a handler that finds the processor between them moves it
 * to the exit, and the call is never made: it is begun again after the signal has been delivered.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "emulator/user/process.h"

#if defined(__x86_64__)

/* long user_host_call_asm(volatile sig_atomic_t *pending, long number, const long args[6]) */
long user_host_call_asm(volatile sig_atomic_t *pending, long number, const long *args);
extern const char user_host_call_begin[], user_host_call_end[], user_host_call_abort[];

__asm__("	.text\n"
        "	.globl	user_host_call_asm, user_host_call_begin, user_host_call_end, user_host_call_abort\n"
        "	.type	user_host_call_asm, @function\n"
        "user_host_call_asm:\n"
        "	.cfi_startproc\n"
        "	mov	%rdi, %rcx\n"
        "	mov	%rsi, %rax\n"
        "	mov	%rdx, %r11\n"
        "	mov	(%r11), %rdi\n"
        "	mov	8(%r11), %rsi\n"
        "	mov	16(%r11), %rdx\n"
        "	mov	24(%r11), %r10\n"
        "	mov	32(%r11), %r8\n"
        "	mov	40(%r11), %r9\n"
        "user_host_call_begin:\n"
        "	cmpl	$0, (%rcx)\n"
        "	jne	user_host_call_abort\n"
        "	syscall\n"
        "user_host_call_end:\n"
        "	ret\n"
        "user_host_call_abort:\n"
        "	mov	$-0x10000, %rax\n" /* USER_AGAIN */
        "	ret\n"
        "	.cfi_endproc\n"
        "	.size	user_host_call_asm, . - user_host_call_asm\n");

_Static_assert(USER_AGAIN == -0x10000 && sizeof(sig_atomic_t) == 4, "the code above knows both");

int64_t user_host_call(struct user_thread *thread, long number, long a, long b, long c, long d, long e,
                       long f)
{
    const long args[6] = {a, b, c, d, e, f};

    return user_host_call_asm(&thread->pending, number, args);
}

void user_host_call_interrupt(void *ucontext)
{
    ucontext_t *context = ucontext;
    greg_t *rip = &context->uc_mcontext.gregs[REG_RIP];

    /* At user_host_call_end the call has been made, and its result is in the registers. */
    if (*rip >= (greg_t)user_host_call_begin && *rip < (greg_t)user_host_call_end)
        *rip = (greg_t)user_host_call_abort;
}

/* The C library keeps signals 32 and 33 to itself; a program's own library has them too. So the kernel is
 * asked without it, and the code that a handler returns to is ours. */
void user_host_restore(void);

__asm__("	.text\n"
        "	.type	user_host_restore, @function\n"
        "user_host_restore:\n"
        "	mov	$15, %eax\n" /* rt_sigreturn */
        "	syscall\n"
        "	.size	user_host_restore, . - user_host_restore\n");

struct kernel_action {
    void *handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

#define KERNEL_SA_RESTORER 0x04000000

int user_host_sigaction(int signal, void *handler, unsigned long flags, uint64_t mask)
{
    const struct kernel_action action = {handler, flags | KERNEL_SA_RESTORER, user_host_restore, mask};

    return syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof(mask)) == 0 ? 0 : -errno;
}

#else

int user_host_sigaction(int signal, void *handler, unsigned long flags, uint64_t mask)
{
    struct sigaction action = {.sa_flags = (int)flags};

    for (int n = 1; n <= 64; n++) {
        if (mask >> (n - 1) & 1)
            sigaddset(&action.sa_mask, n);
    }
    action.sa_handler = handler;
    return sigaction(signal, &action, NULL) == 0 ? 0 : -errno;
}

/* Other hosts: a signal in the few instructions between look and call is delivered when the call ends. */
int64_t user_host_call(struct user_thread *thread, long number, long a, long b, long c, long d, long e,
                       long f)
{
    long result;

    if (thread->pending)
        return USER_AGAIN;
    result = syscall(number, a, b, c, d, e, f);
    return result == -1 ? -errno : result;
}

void user_host_call_interrupt(void *ucontext)
{
    (void)ucontext;
}

#endif
