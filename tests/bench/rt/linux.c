/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operating system's side of the run time, by Linux system calls, and the start of the program. */
#include "rt.h"
#include "rt_os.h"
#include "syscall.h"

char **rt_environ;
const unsigned long *rt_auxv;

_Noreturn void rt_start(int argc, char **argv);

void rt_start(int argc, char **argv)
{
    char **p = argv + argc + 1;

    rt_environ = p;
    while (*p)
        p++;
    rt_auxv = (const unsigned long *)(p + 1);
    rt_exit(main(argc, argv));
}

void rt_os_write(const char *data, size_t n)
{
    while (n) {
        long done = rt_syscall(RT_SYS_write, 1, (long)data, (long)n, 0, 0, 0);

        if (done <= 0)
            rt_os_exit(99);
        data += done;
        n -= (size_t)done;
    }
}

void rt_os_exit(int status)
{
    for (;;)
        rt_syscall(RT_SYS_exit, status, 0, 0, 0, 0, 0);
}

void *rt_alloc(size_t bytes)
{
    static uint8_t *at, *end;
    uint8_t *block;

    bytes = (bytes + 15) & ~(size_t)15;
    if ((size_t)(end - at) < bytes) {
        size_t chunk = (bytes + 0xffff) & ~(size_t)0xffff;
        /* PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS */
        long got = rt_syscall(RT_SYS_mmap, 0, (long)chunk, 3, 0x22, -1, 0);

        if (got < 0 && got > -4096)
            rt_fail("out of memory");
        at = (uint8_t *)got;
        end = at + chunk;
    }
    block = at;
    at += bytes;
    return block;
}

uint64_t rt_now_us(void)
{
    long tv[2] = {0, 0};

    rt_syscall(RT_SYS_gettimeofday, (long)tv, 0, 0, 0, 0, 0);
    return (uint64_t)(uint32_t)tv[0] * 1000000u + (uint32_t)tv[1];
}
