/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fork, wait, pipes, exec of itself, exit statuses and deaths by signals. */
#include "signals.h"

static long fork_(void)
{
    long is_child, pid = MUST(rt_syscall2(NR_fork, &is_child, 0, 0, 0, 0));

    return is_child ? 0 : pid;
}

static uint32_t wait_for(long pid)
{
    uint32_t status = 0xdddd;

    EXPECT(CALL4(NR_wait4, pid, &status, 0, 0), pid);
    return status;
}

static volatile uint32_t children;

static void on_child(int signal, uint32_t *info, uint32_t *regs)
{
    children++;
    EXPECT(info[0], S_CHLD);
    EXPECT(info[2], 1); /* CLD_EXITED */
    EXPECT(info[5], 9); /* its status */
}

static volatile uint32_t shared = 1;

int main(int argc, char **argv)
{
    long pid, second, ends[2];
    char buffer[64];
    uint32_t usage[18];

    if (argc > 1) {
        /* What the second life must find: its arguments and environment, and an open pipe. */
        EXPECT(argc, 4);
        EXPECT(strcmp(argv[0], "a new name"), 0);
        EXPECT(strcmp(argv[1], "again"), 0);
        EXPECT(strcmp(argv[3], ""), 0);
        EXPECT(strcmp(rt_environ[0], "ONLY=this"), 0);
        CHECK(rt_environ[1] == NULL);
        EXPECT(CALL3(NR_write, rt_atoi(argv[2]), "from the new image", 18), 18);
        return 23;
    }

    /* Two results */
    ends[0] = MUST(rt_syscall2(NR_pipe, &second, 0, 0, 0, 0));
    ends[1] = second;
    pid = fork_();
    if (pid == 0) {
        shared = 2;
        EXPECT(CALL3(NR_write, ends[1], "child", 5), 5);
        rt_exit(5);
    }
    EXPECT(CALL3(NR_read, ends[0], buffer, sizeof(buffer)), 5);
    EXPECT(wait_for(pid), 5 << 8);
    EXPECT(shared, 1);
    EXPECT(CALL4(NR_wait4, -1, 0, 0, 0), -E_CHILD);

    /* Deaths: the status has SPARC's signal number. */
    pid = fork_();
    if (pid == 0)
        for (;;)
            CALL0(NR_pause);
    EXPECT(CALL2(NR_kill, pid, S_USR1), 0);
    EXPECT(wait_for(pid) & 0x7f, S_USR1);
    pid = fork_();
    if (pid == 0) {
        uint32_t address = 8;

        __asm__("" : "+r"(address));
        *(volatile uint32_t *)address = 1;
    }
    EXPECT(wait_for(pid) & 0x7f, S_SEGV);

    /* exec of this very program */
    pid = fork_();
    if (pid == 0) {
        char number[2] = {(char)('0' + ends[1]), 0};
        const char *arguments[] = {"a new name", "again", number, "", NULL},
                   *environment[] = {"ONLY=this", NULL};

        CALL3(NR_execve, "/proc/self/exe", arguments, environment);
        rt_exit(99);
    }
    EXPECT(CALL3(NR_read, ends[0], buffer, sizeof(buffer)), 18);
    EXPECT(memcmp(buffer, "from the new image", 18), 0);
    EXPECT(wait_for(pid), 23 << 8);
    {
        const char *arguments[] = {"x", NULL};

        EXPECT(CALL3(NR_execve, "/nowhere/at/all", arguments, rt_environ), -E_NOENT);
    }

    /* SIGCHLD with its information */
    install(S_CHLD, on_child, SIGINFO | RESTART);
    pid = fork_();
    if (pid == 0)
        rt_exit(9);
    EXPECT(wait_for(pid), 9 << 8);
    while (children == 0)
        CALL0(NR_sched_yield);
    EXPECT(children, 1);

    EXPECT(CALL2(NR_getrusage, 0, usage), 0);
    CHECK(usage[4] > 0); /* ru_maxrss */
    {
        char names[6][65];

        EXPECT(CALL1(NR_uname, names), 0);
        EXPECT(strcmp(names[0], "Linux"), 0);
        EXPECT(memcmp(names[4], "sparc", 5), 0);
    }
    {
        uint32_t limit[2], information[16];

        EXPECT(CALL2(NR_getrlimit, 6, limit), 0); /* RLIMIT_NOFILE is 6 on SPARC */
        CHECK(limit[0] >= 64 && limit[0] <= limit[1]);
        EXPECT(CALL1(NR_sysinfo, information), 0);
        CHECK(information[0] > 0 && information[4] > 0 && information[13] > 0);
    }
    return done();
}
