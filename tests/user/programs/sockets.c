/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets: a pair, descriptors in messages, TCP over the loopback device, options, epoll. */
#include "check.h"

int main(int argc, char **argv)
{
    uint32_t pair[2], size, value;
    long a, b, listener, second, spare;
    char text[32];
    struct {
        uint16_t family, port;
        uint32_t address;
        uint8_t zero[8];
    } here = {2, 0, 0x7f000001, {0}}, got;

    EXPECT(CALL4(NR_socketpair, 1, 1 | O_CLOEXEC_, 0, pair), 0);
    EXPECT(CALL3(NR_fcntl64, pair[0], 1, 0), 1);
    EXPECT(CALL3(NR_write, pair[0], "through", 7), 7);
    EXPECT(CALL3(NR_read, pair[1], text, 32), 7);

    /* SCM_RIGHTS: length, SOL_SOCKET (0xffff here), 1, descriptor */
    spare = MUST(CALL3(NR_open, "/dev/null", O_WRONLY_, 0));
    {
        uint32_t control[4] = {16, 0xffff, 1, (uint32_t)spare}, back[8] = {0};
        uint32_t vector[2] = {(uint32_t) "!", 1}, into[2] = {(uint32_t)text, 8};
        uint32_t message[7] = {0, 0, (uint32_t)vector, 1, (uint32_t)control, 16, 0};
        uint32_t arrival[7] = {0, 0, (uint32_t)into, 1, (uint32_t)back, sizeof(back), 0};

        EXPECT(CALL3(NR_sendmsg, pair[0], message, 0), 1);
        EXPECT(CALL3(NR_recvmsg, pair[1], arrival, 0), 1);
        EXPECT(text[0], '!');
        EXPECT(back[0], 16);
        EXPECT(back[1], 0xffff);
        EXPECT(back[2], 1);
        CHECK((long)back[3] != spare);
        EXPECT(CALL3(NR_write, back[3], "nowhere", 7), 7);
        EXPECT(arrival[5], 16);
    }

    listener = MUST(CALL3(NR_socket, 2, 1, 0));
    value = 1;
    EXPECT(CALL5(NR_setsockopt, listener, 0xffff, 4, &value, 4), 0); /* SO_REUSEADDR */
    value = 0;
    size = 4;
    EXPECT(CALL5(NR_getsockopt, listener, 0xffff, 4, &value, &size), 0);
    EXPECT(value, 1);
    EXPECT(CALL5(NR_getsockopt, listener, 0xffff, 0x1008, &value, &size), 0); /* SO_TYPE */
    EXPECT(value, 1);
    EXPECT(CALL3(NR_bind, listener, &here, 16), 0);
    size = sizeof(got);
    EXPECT(CALL3(NR_getsockname, listener, &got, &size), 0);
    EXPECT(got.family, 2);
    EXPECT(got.address, 0x7f000001);
    CHECK(got.port != 0);
    EXPECT(CALL2(NR_listen, listener, 1), 0);
    a = MUST(CALL3(NR_socket, 2, 1 | O_NONBLOCK_, 0));
    second = CALL3(NR_connect, a, &got, 16);
    CHECK(second == 0 || second == -36); /* EINPROGRESS */
    size = sizeof(here);
    b = MUST(CALL3(NR_accept, listener, &here, &size));
    EXPECT(size, 16);
    EXPECT(here.family, 2);
    EXPECT(CALL3(NR_read, a, text, 1), -E_AGAIN);
    EXPECT(CALL3(NR_write, b, "over tcp", 8), 8);
    {
        struct {
            uint32_t events, padding;
            uint64_t data;
        } event = {1, 0, 0x1122334455667788ull}, ready[4];
        long epoll = MUST(CALL1(NR_epoll_create1, O_CLOEXEC_));

        EXPECT(CALL4(NR_epoll_ctl, epoll, 1, a, &event), 0);
        EXPECT(CALL4(NR_epoll_wait, epoll, ready, 4, 2000), 1);
        EXPECT(ready[0].events, 1);
        CHECK(ready[0].data == event.data);
    }
    EXPECT(CALL3(NR_read, a, text, 32), 8);
    EXPECT(memcmp(text, "over tcp", 8), 0);
    EXPECT(CALL1(NR_close, listener), 0);
    EXPECT(CALL1(NR_close, b), 0);
    b = MUST(CALL3(NR_socket, 2, 1, 0));
    EXPECT(CALL3(NR_connect, b, &got, 16), -E_CONNREFUSED);
    EXPECT(CALL2(NR_listen, 0, 1), -E_NOTSOCK);
    return done();
}
