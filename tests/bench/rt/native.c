/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same interface on the host's own C library: the native column of the benchmark table. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rt.h"
#include "rt_os.h"

void rt_os_write(const char *data, size_t n)
{
    if (fwrite(data, 1, n, stdout) != n)
        exit(99);
}

void rt_os_exit(int status)
{
    exit(fflush(stdout) ? 99 : status);
}

void *rt_alloc(size_t bytes)
{
    void *block = calloc(1, bytes ? bytes : 1);

    if (!block)
        rt_fail("out of memory");
    return block;
}

uint64_t rt_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* print.c leaves the last lines in its own buffer: a host program ends by returning from main(). */
static void __attribute__((destructor)) flush_at_exit(void)
{
    rt_flush();
    fflush(stdout);
}
