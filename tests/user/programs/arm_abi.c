/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What ARM Linux promises to programs beyond the generic calls: kernel helpers, the private calls, signal
 * frames with their floating-point part, code that is written while running, vfork and posix_spawn. Prints
 * "ok".
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "check_libc.h"

/* ------------------------------------------------------------------------------------- kernel helpers */

#define HELPER_VERSION (*(const int32_t *)0xffff0ffc)
typedef int cmpxchg64_helper(const int64_t *old, const int64_t *new, volatile int64_t *at);
typedef void barrier_helper(void);
typedef int cmpxchg_helper(int old, int new, volatile int *at);
typedef void *tls_helper(void);

static volatile int counter;
static volatile int64_t wide_counter;

static void *count(void *opaque)
{
    cmpxchg_helper *cmpxchg = (cmpxchg_helper *)0xffff0fc0;
    cmpxchg64_helper *cmpxchg64 = (cmpxchg64_helper *)0xffff0f60;

    for (int i = 0; i < 20000; i++) {
        int64_t old, new;

        while (cmpxchg(counter, counter + 1, &counter) != 0 && 0)
            ;
        do {
            old = wide_counter;
            new = old + 0x100000001;
        } while (cmpxchg64(&old, &new, &wide_counter) != 0);
    }
    return opaque;
}

static void test_helpers(void)
{
    cmpxchg_helper *cmpxchg = (cmpxchg_helper *)0xffff0fc0;
    pthread_t threads[3];
    int word = 5;

    CHECK(HELPER_VERSION >= 5);
    ((barrier_helper *)0xffff0fa0)();
    CHECK(((tls_helper *)0xffff0fe0)() == __builtin_thread_pointer());
    CHECK(cmpxchg(5, 6, &word) == 0 && word == 6);
    CHECK(cmpxchg(5, 7, &word) != 0 && word == 6);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, count, NULL) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(wide_counter == 60000 * (int64_t)0x100000001);
}

/* ---------------------------------------------------------------------------------------- written code */

static void test_written_code(void)
{
    /* mov r0, #N; bx lr in ARM; movs r0, #N; bx lr in Thumb */
    uint32_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(code != MAP_FAILED);
    for (uint32_t n = 0; n < 50; n++) {
        code[0] = 0xe3a00000 | n;
        code[1] = 0xe12fff1e;
        code[2] = 0x47702000 | (n + 100);
        __builtin___clear_cache((char *)code, (char *)(code + 3));
        for (int i = 0; i < 200; i++) {
            CHECK(((uint32_t(*)(void))(uintptr_t)code)() == n);
            CHECK(((uint32_t(*)(void))((uintptr_t)(code + 2) | 1))() == n + 100);
        }
    }
    CHECK(syscall(0xf0002, code + 1, code, 0) == -1 && errno == EINVAL);
    CHECK(munmap(code, 4096) == 0);
}

/* ----------------------------------------------------------------------------------------- signals */

#ifdef __thumb__
#define UNDEFINED  ".inst.n 0xdeff"
#define BREAKPOINT ".inst.n 0xde01"
#else
#define UNDEFINED  ".inst 0xe7f00ff0"
#define BREAKPOINT ".inst 0xe7f001f0"
#endif

static volatile sig_atomic_t got, on_alternate;
static char alternate[65536] __attribute__((aligned(16)));
static sigjmp_buf back;

struct vfp_frame {
    uint32_t magic, size;
    uint64_t d[32];
    uint32_t fpscr;
};

static void with_context(int signal, siginfo_t *info, void *opaque)
{
    ucontext_t *context = opaque;
    const struct vfp_frame *vfp = (const struct vfp_frame *)context->uc_regspace;
    volatile double mess = 1e300;
    char here;

    got = signal;
    on_alternate = &here >= alternate && &here < alternate + sizeof(alternate);
    CHECK(info->si_signo == signal);
    if (getauxval(AT_HWCAP) & HWCAP_ARM_VFP)
        CHECK(vfp->magic == 0x56465001 && vfp->size == 288);
    CHECK(context->uc_mcontext.arm_pc >= 0x10000);
    /* The handler's own numbers must not be seen by the program that it interrupted. */
    mess = mess * mess / 3;
    for (int i = 0; i < 16; i++)
        mess += i;
}

static void jump_out(int signal, siginfo_t *info, void *opaque)
{
    ucontext_t *context = opaque;

    got = signal;
    CHECK(context->uc_mcontext.fault_address == (uintptr_t)info->si_addr || signal != SIGSEGV);
    siglongjmp(back, info->si_code ? info->si_code : 77);
}

static void install(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | flags};

    action.sa_sigaction = handler;
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static volatile int plain_signal;

static void plain(int signal)
{
    plain_signal = signal;
}

/* The kernel's own return code: an action without a restorer, ARM and Thumb handlers. */
static void __attribute__((target("arm"))) plain_arm(int signal)
{
    plain_signal = signal + 100;
}

static void __attribute__((target("thumb"))) plain_thumb(int signal)
{
    plain_signal = signal + 200;
}

static void without_restorer(void (*handler)(int), uint32_t flags, int expected)
{
    const uint32_t action[5] = {(uint32_t)(uintptr_t)handler, flags, 0, 0, 0};

    CHECK(syscall(SYS_rt_sigaction, SIGUSR2, action, NULL, 8) == 0);
    CHECK(raise(SIGUSR2) == 0);
    CHECK(plain_signal == expected);
}

static void test_signals(void)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    double values[16], sum = 0;
    sigset_t set;
    siginfo_t info;
    union sigval value = {.sival_int = 4711};
    volatile uintptr_t nowhere = 16;
    int how;

    for (int i = 0; i < 16; i++)
        values[i] = 1.0 / (i + 3);
    CHECK(sigaltstack(&stack, NULL) == 0);
    install(SIGUSR1, with_context, SA_ONSTACK);
    for (int i = 0; i < 16; i++) {
        sum += values[i];
        CHECK(raise(SIGUSR1) == 0);
    }
    CHECK(got == SIGUSR1 && on_alternate);
    for (int i = 15; i >= 0; i--)
        sum -= values[i];
    CHECK(sum < 1e-12 && sum > -1e-12);
    install(SIGUSR1, with_context, 0);
    CHECK(raise(SIGUSR1) == 0 && !on_alternate);

    without_restorer(plain_arm, 0, SIGUSR2 + 100);
    without_restorer(plain_thumb, 0, SIGUSR2 + 200);
    without_restorer(plain_arm, SA_SIGINFO, SIGUSR2 + 100);
    without_restorer(plain_thumb, SA_SIGINFO, SIGUSR2 + 200);
    CHECK(signal(SIGUSR2, plain) != SIG_ERR && raise(SIGUSR2) == 0 && plain_signal == SIGUSR2);

    /* Faults and what they say of themselves */
    install(SIGSEGV, jump_out, SA_NODEFER);
    install(SIGILL, jump_out, SA_NODEFER);
    install(SIGTRAP, jump_out, SA_NODEFER);
    install(SIGBUS, jump_out, SA_NODEFER);
    if ((how = sigsetjmp(back, 1)) == 0)
        *(volatile int *)nowhere = 1;
    CHECK(got == SIGSEGV && how == SEGV_MAPERR);
    if ((how = sigsetjmp(back, 1)) == 0)
        *(volatile int *)(uintptr_t)test_signals = 1;
    CHECK(got == SIGSEGV && how == SEGV_ACCERR);
    if ((how = sigsetjmp(back, 1)) == 0)
        ((void (*)(void))0x3000)();
    CHECK(got == SIGSEGV && how == SEGV_MAPERR);
    if ((how = sigsetjmp(back, 1)) == 0)
        __asm__ volatile(UNDEFINED ::: "memory");
    CHECK(got == SIGILL && how == ILL_ILLOPC);
    if ((how = sigsetjmp(back, 1)) == 0)
        __asm__ volatile(BREAKPOINT ::: "memory");
    CHECK(got == SIGTRAP && how == TRAP_BRKPT);
    {
        char name[] = "/tmp/vitrine-arm-XXXXXX";
        int fd = mkstemp(name);
        volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

        CHECK(map != MAP_FAILED && unlink(name) == 0);
        if ((how = sigsetjmp(back, 1)) == 0)
            how = map[5];
        CHECK(got == SIGBUS && how == BUS_ADRERR);
        close(fd);
    }

    /* A real-time signal with a value, waited for; and the C library's own numbers */
    sigemptyset(&set);
    sigaddset(&set, SIGRTMAX);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && sigqueue(getpid(), SIGRTMAX, value) == 0);
    CHECK(sigwaitinfo(&set, &info) == SIGRTMAX && info.si_value.sival_int == 4711 &&
          info.si_code == SI_QUEUE);
}

/* -------------------------------------------------------------------------------------- processes */

static volatile int shared;

static void test_processes(char *self)
{
    char *good[] = {self, (char *)"child", NULL}, *bad[] = {(char *)"x", NULL};
    extern char **environ;
    posix_spawnattr_t attributes;
    sigset_t set;
    pid_t pid;
    int status;

    CHECK(posix_spawn(&pid, self, NULL, NULL, good, environ) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 9);
    /* The child's failure reaches its parent through shared memory. */
    CHECK(posix_spawn(&pid, "/no/such/program", NULL, NULL, bad, environ) == ENOENT);
    /* The child's signal actions and mask are its own. */
    CHECK(posix_spawnattr_init(&attributes) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setsigmask(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    CHECK(posix_spawn(&pid, self, NULL, &attributes, good, environ) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 9);
    got = 0;
    CHECK(raise(SIGUSR1) == 0 && got == SIGUSR1);

    shared = 1;
    pid = vfork();
    if (pid == 0) {
        shared = 2;
        _exit(3);
    }
    CHECK(pid > 0 && shared == 2 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
    pid = fork();
    if (pid == 0) {
        shared = 3;
        abort();
    }
    CHECK(shared == 2 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
          WTERMSIG(status) == SIGABRT);
    CHECK(system("exit 5") == 5 << 8);
}

static void *wait_and_fork(void *opaque)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return opaque;
}

static void test_fork_in_threads(void)
{
    pthread_t threads[4];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            CHECK(pthread_create(&threads[i], NULL, wait_and_fork, NULL) == 0);
        for (int i = 0; i < 4; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

/* ---------------------------------------------------------------------------------------- memory, names */

static void test_surroundings(void)
{
    struct utsname name;
    char text[4096], *maps;
    int fd;
    ssize_t n;

    CHECK(uname(&name) == 0 && strncmp(name.machine, "armv", 4) == 0);
    CHECK(getauxval(AT_HWCAP) & HWCAP_ARM_THUMB);
    CHECK(((const char *)getauxval(AT_PLATFORM))[0] == 'v');
    CHECK(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_ENTRY) != 0);
    CHECK((fd = open("/proc/self/auxv", O_RDONLY)) >= 0 && (n = read(fd, text, sizeof(text))) > 64 &&
          n % 8 == 0);
    close(fd);
    CHECK((fd = open("/proc/self/maps", O_RDONLY)) >= 0 && (n = read(fd, text, sizeof(text) - 1)) > 0);
    close(fd);
    text[n] = 0;
    maps = strstr(text, "[stack]");
    CHECK(maps && strstr(text, "[heap]"));
    CHECK((fd = open("/proc/cpuinfo", O_RDONLY)) >= 0 && (n = read(fd, text, sizeof(text) - 1)) > 0);
    text[n] = 0;
    CHECK(strstr(text, "Features\t: swp half thumb"));
    CHECK(personality(0xffffffff) != -1);
    CHECK(syscall(SYS_lseek, 0, 0, 77) == -1);
    CHECK(mmap((void *)0x30000000, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
               0) == (void *)0x30000000);
    CHECK(mmap((void *)0x30001000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
               0) == MAP_FAILED &&
          errno == EEXIST);
    CHECK(mmap((void *)0xffff0000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
          MAP_FAILED);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return 9;
    test_helpers();
    test_written_code();
    test_signals();
    test_processes(argv[0]);
    test_fork_in_threads();
    test_surroundings();
    puts("ok");
    return 0;
}
