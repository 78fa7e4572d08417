/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time as fuzzers count it: the processor's, not the wall's. On a busy computer a run is as long as elsewhere, and
 * what only waits for its turn is no hang. (What waits for ever is found by who started the fuzzer.)
 */
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define FUZZ_HANG_SECONDS 300

/* What all threads of this process have used so far. */
static inline double fuzz_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Call it before each try: SIGPROF ends the process when the try is not over after FUZZ_HANG_SECONDS. */
static inline void fuzz_begin_try(void)
{
    const struct itimerval limit = {.it_value.tv_sec = FUZZ_HANG_SECONDS};

    if (setitimer(ITIMER_PROF, &limit, NULL) != 0)
        abort();
}
