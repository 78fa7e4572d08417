/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clocks, sleeping, and waiting for descriptors with a limit. */
#include "signals.h"

static uint64_t now(void)
{
    uint32_t time[2];

    EXPECT(CALL2(NR_clock_gettime, 1, time), 0);
    CHECK(time[1] < 1000000000);
    return (uint64_t)time[0] * 1000000u + time[1] / 1000;
}

static void on_alarm(int signal, uint32_t *info, uint32_t *regs)
{
}

int main(int argc, char **argv)
{
    uint32_t day[2], real[2], pause[2] = {0, 30000000}, wrong[2] = {0, 1000000000}, long_pause[2] = {5, 0},
                              timer[4] = {0, 0, 0, 20000}, left[2] = {9, 9}, ticks[4];
    uint64_t start = now(), end;
    long second, in = MUST(rt_syscall2(NR_pipe, &second, 0, 0, 0, 0)), out = second;
    char byte;

    EXPECT(CALL2(NR_gettimeofday, day, 0), 0);
    EXPECT(CALL2(NR_clock_gettime, 0, real), 0);
    CHECK(real[0] - day[0] <= 1 && day[1] < 1000000);

    EXPECT(CALL2(NR_nanosleep, pause, 0), 0);
    end = now();
    CHECK(end - start >= 30000);
    EXPECT(CALL2(NR_nanosleep, wrong, 0), -E_INVAL);

    /* A signal ends the sleep and what is left is told. */
    install(S_ALRM, on_alarm, RESTART);
    EXPECT(CALL3(NR_setitimer, 0, timer, 0), 0);
    EXPECT(CALL2(NR_nanosleep, long_pause, left), -E_INTR);
    CHECK(left[0] == 4 && left[1] < 1000000000);

    {
        struct {
            int32_t fd;
            uint16_t events, revents;
        } list[2] = {{(int32_t)in, 1, 0}, {(int32_t)out, 4, 0}};
        uint32_t sets[2][32] = {{0}, {0}}, limit[2] = {0, 10000};

        EXPECT(CALL3(NR_poll, list, 1, 10), 0);
        EXPECT(CALL3(NR_poll, list, 2, 1000), 1);
        EXPECT(list[0].revents, 0);
        EXPECT(list[1].revents, 4);
        sets[0][in / 32] |= 1u << (in & 31);
        EXPECT(CALL5(NR_select, in + 1, sets[0], 0, 0, limit), 0);
        EXPECT(sets[0][in / 32], 0);
        EXPECT(CALL3(NR_write, out, "x", 1), 1);
        sets[0][in / 32] |= 1u << (in & 31);
        sets[1][out / 32] |= 1u << (out & 31);
        EXPECT(CALL5(NR_select, (in > out ? in : out) + 1, sets[0], sets[1], 0, 0), 2);
        CHECK(sets[0][in / 32] & 1u << (in & 31));
        EXPECT(CALL3(NR_read, in, &byte, 1), 1);
    }
    CHECK(MUST(CALL1(NR_times, ticks)) >= 0);
    CHECK(now() >= end);
    return done();
}
