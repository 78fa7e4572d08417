/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a handler learns of a fault (Linux, arch/arm/mm/fault.c), and that only pages which may be executed are:
 * data pages are not, unless the program asks that everything readable is code, too.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <ucontext.h>
#include <unistd.h>

#include "check_libc.h"

#define PAGE ((size_t)4096)

enum { TRAP_ALIGNMENT = 0, TRAP_UNDEFINED = 6, TRAP_MEMORY = 14 };
enum { STATUS_ALIGNMENT = 1, STATUS_TRANSLATION = 7, STATUS_PERMISSION = 15, STATUS = 15, WRITE = 0x800 };
#define PREFETCH 0x80000000u

static sigjmp_buf back;
static siginfo_t seen;
static ucontext_t seen_context;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    seen = *info;
    seen_context = *(ucontext_t *)context;
    siglongjmp(back, 1);
}

#define FAULTS(action, number, si, at, trap, error)                                                          \
    do {                                                                                                     \
        memset(&seen, 0, sizeof(seen));                                                                      \
        if (sigsetjmp(back, 1) == 0)                                                                         \
            action;                                                                                          \
        CHECK(seen.si_signo == (number) && seen.si_code == (si));                                            \
        CHECK(seen.si_addr == (void *)(at));                                                                 \
        CHECK(seen_context.uc_mcontext.trap_no == (trap));                                                   \
        CHECK((seen_context.uc_mcontext.error_code & (STATUS | WRITE | PREFETCH)) == (error));               \
    } while (0)

typedef int routine(void);

static void test_data(volatile char *page)
{
    volatile char *hole = page + 2 * PAGE;

    FAULTS((void)*hole, SIGSEGV, SEGV_MAPERR, hole, TRAP_MEMORY, STATUS_TRANSLATION);
    FAULTS(*(hole + 5) = 1, SIGSEGV, SEGV_MAPERR, hole + 5, TRAP_MEMORY, STATUS_TRANSLATION | WRITE);
    CHECK(mprotect((void *)page, PAGE, PROT_READ) == 0);
    FAULTS(page[7] = 1, SIGSEGV, SEGV_ACCERR, page + 7, TRAP_MEMORY, STATUS_PERMISSION | WRITE);
    CHECK(mprotect((void *)page, PAGE, PROT_NONE) == 0);
    FAULTS((void)page[9], SIGSEGV, SEGV_ACCERR, page + 9, TRAP_MEMORY, STATUS_PERMISSION);
    CHECK(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) == 0);
    FAULTS(__asm__ volatile("ldrex r4, [%0]" : : "r"(page + 1) : "r4", "memory"), SIGBUS, BUS_ADRALN, page + 1,
           TRAP_ALIGNMENT, STATUS_ALIGNMENT);
}

/* The page becomes code and ceases to be it, again and again. */
static void test_execution(uint32_t *page)
{
    routine *code = (routine *)page;

    page[1] = 0xe12fff1e; /* bx lr */
    for (volatile int i = 0; i < 300; i++) {
        CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
        page[0] = 0xe3a00000u | (unsigned)(i & 0xff); /* mov r0, #i */
        __builtin___clear_cache((char *)page, (char *)(page + 2));
        FAULTS(code(), SIGSEGV, SEGV_ACCERR, page, TRAP_MEMORY, STATUS_PERMISSION | PREFETCH);
        CHECK(seen_context.uc_mcontext.arm_pc == (uintptr_t)page);
        CHECK(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);
        CHECK(code() == (i & 0xff));
    }
}

/* Code goes over the end of a page only where the next one is code, too. */
static void test_page_end(uint32_t *page)
{
    uint32_t *last = page + PAGE / 4 - 1;
    routine *code = (routine *)last;

    CHECK(mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
    last[0] = 0xe3a00007; /* mov r0, #7 */
    last[1] = 0xe12fff1e;
    __builtin___clear_cache((char *)last, (char *)(last + 2));
    for (volatile int i = 0; i < 300; i++) {
        CHECK(mprotect(page, 2 * PAGE, PROT_READ | PROT_EXEC) == 0);
        CHECK(code() == 7);
        CHECK(mprotect(last + 1, PAGE, PROT_READ) == 0);
        FAULTS(code(), SIGSEGV, SEGV_ACCERR, last + 1, TRAP_MEMORY, STATUS_PERMISSION | PREFETCH);
    }
}

static void test_everything_is_code(void)
{
    int now = personality(0xffffffff);
    uint32_t *page;

    CHECK(personality((unsigned)now | READ_IMPLIES_EXEC) == now);
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    page[1] = 0xe12fff1e;
    for (uint32_t i = 0; i < 200; i++) {
        page[0] = 0xe3a00000u | i;
        __builtin___clear_cache((char *)page, (char *)(page + 2));
        CHECK((uint32_t)((routine *)page)() == i);
    }
    personality((unsigned)now);
    CHECK(mprotect(page, PAGE, PROT_READ) == 0);
    FAULTS(((routine *)page)(), SIGSEGV, SEGV_ACCERR, page, TRAP_MEMORY, STATUS_PERMISSION | PREFETCH);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    char *page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(page != MAP_FAILED && munmap(page + 2 * PAGE, PAGE) == 0);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    test_data(page);
    FAULTS(__asm__ volatile("udf #0"), SIGILL, ILL_ILLOPC, seen_context.uc_mcontext.arm_pc, TRAP_UNDEFINED, 0u);
    FAULTS(((routine *)0)(), SIGSEGV, SEGV_MAPERR, 0, TRAP_MEMORY, STATUS_TRANSLATION | PREFETCH);
    test_execution((uint32_t *)page);
    test_page_end((uint32_t *)page);
    test_everything_is_code();
    puts("ok");
    return 0;
}
