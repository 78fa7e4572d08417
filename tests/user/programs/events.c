/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptors made of events, and System V IPC by its one call: what they give is in this processor's byte
 * order. */
#include "check.h"

enum {
    NR_ipc = 215,
    NR_inotify_init1 = 322,
    NR_inotify_add_watch = 152,
    NR_timerfd_create = 312,
    NR_timerfd_settime = 315,
    NR_eventfd2 = 318
};
enum {
    SEMOP = 1,
    SEMGET = 2,
    SEMCTL = 3,
    MSGSND = 11,
    MSGRCV = 12,
    MSGGET = 13,
    MSGCTL = 14,
    SHMAT = 21,
    SHMDT = 22,
    SHMGET = 23,
    SHMCTL = 24
};
enum { IPC_CREAT_ = 01000, IPC_64_ = 0x100, STAT_ = 2, SETVAL_ = 16, GETVAL_ = 12 };

static long ipc(long call, long first, long second, long third, const void *pointer)
{
    return CALL6(NR_ipc, call, first, second, third, pointer, 0);
}

static void counters(void)
{
    int fd = (int)MUST(CALL2(NR_eventfd2, 3, O_NONBLOCK_));
    uint32_t value[2] = {1, 2}, spec[4] = {0, 0, 0, 1000000};
    int timer = (int)MUST(CALL2(NR_timerfd_create, 1, 0));

    EXPECT(CALL3(NR_write, fd, value, 8), 8);
    EXPECT(CALL3(NR_read, fd, value, 8), 8);
    EXPECT(value[0], 1);
    EXPECT(value[1], 5);
    EXPECT(CALL3(NR_read, fd, value, 8), -E_AGAIN);
    EXPECT(CALL4(NR_timerfd_settime, timer, 0, spec, 0), 0);
    EXPECT(CALL3(NR_read, timer, value, 8), 8);
    EXPECT(value[0], 0);
    EXPECT(value[1], 1);
    CALL1(NR_close, fd);
    CALL1(NR_close, timer);
}

static void watches(void)
{
    int fd = (int)MUST(CALL1(NR_inotify_init1, O_NONBLOCK_)), file;
    int watch = (int)MUST(CALL3(NR_inotify_add_watch, fd, ".", 0x100)); /* IN_CREATE */
    uint32_t event[64];

    file = (int)MUST(CALL3(NR_open, "made", O_CREAT_ | O_RDWR_, 0600));
    CHECK(CALL3(NR_read, fd, event, sizeof(event)) >= 24);
    EXPECT(event[0], watch);
    EXPECT(event[1], 0x100);
    CHECK(event[3] >= 5 && event[3] < 64);
    EXPECT(event[4], 0x6d616465); /* "made" */
    CALL1(NR_close, file);
    CALL1(NR_close, fd);
    EXPECT(CALL1(NR_unlink, "made"), 0);
}

static void queues(void)
{
    long set = MUST(ipc(SEMGET, 0, 2, IPC_CREAT_ | 0600, 0)), value = 5, queue, segment, id_argument;
    uint16_t operation[3] = {1, 0xfffe, 0};
    uint32_t status[32] = {0}, message[3] = {7, 0x61626300, 0}, address = 0;
    struct {
        void *message;
        long type;
    } with = {message, 0};

    EXPECT(ipc(SEMCTL, set, 1, SETVAL_, &value), 0);
    EXPECT(ipc(SEMOP, set, 1, 0, operation), 0);
    EXPECT(ipc(SEMCTL, set, 1, GETVAL_, &value), 3);
    id_argument = (long)status;
    EXPECT(ipc(SEMCTL, set, 0, STAT_ | IPC_64_, &id_argument), 0);
    EXPECT(status[5] & 0777, 0600); /* mode in the lower half of the sixth word */
    EXPECT(status[16], 2);          /* semaphores */
    EXPECT(ipc(SEMCTL, set, 0, 0, &value), 0);

    queue = MUST(ipc(MSGGET, 0, IPC_CREAT_ | 0600, 0, 0));
    EXPECT(ipc(MSGSND, queue, 4, 0, message), 0);
    message[0] = message[1] = 0;
    EXPECT(ipc(MSGRCV, queue, 4, 0, &with), 4);
    EXPECT(message[0], 7);
    EXPECT(message[1], 0x61626300);
    EXPECT(ipc(MSGCTL, queue, 0, 0, 0), 0);

    segment = MUST(ipc(SHMGET, 0, 8192, IPC_CREAT_ | 0600, 0));
    EXPECT(ipc(SHMAT, segment, 0, (long)&address, 0), 0);
    CHECK(address != 0 && (address & 4095) == 0);
    *(volatile uint32_t *)(address + 4096) = 0x12345678;
    EXPECT(ipc(SHMCTL, segment, STAT_ | IPC_64_, 0, status), 0);
    EXPECT(status[18], 8192); /* size */
    EXPECT(status[21], 1);    /* attached */
    EXPECT(ipc(SHMDT, 0, 0, 0, (void *)address), 0);
    EXPECT(ipc(SHMDT, 0, 0, 0, (void *)address), -E_INVAL);
    EXPECT(ipc(SHMCTL, segment, 0, 0, 0), 0);
}

int main(int argc, char **argv)
{
    counters();
    watches();
    queues();
    return done();
}
