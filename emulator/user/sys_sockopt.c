/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Socket options: most are ints; the table has those that are not. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

#define VALUE_MOST   4096
#define FILTER_MOST  4096
#define FILTER_INSN  "h2ci"
#define TCP_INFO_ALL "8c24i4q6i4q2i2q4i"
#define GROUP        "i0Lh126c"

/* Values by level and option; NULL: bytes. A value shorter than its description is bytes too. */
static const struct {
    int level, name;
    const char *format;
} kinds[] = {
    {SOL_SOCKET, SO_BINDTODEVICE, NULL},
    {SOL_SOCKET, SO_PEERSEC, NULL},
    {SOL_SOCKET, SO_PEERNAME, "h"},
    {SOL_SOCKET, SO_RCVTIMEO_OLD, "2l"},
    {SOL_SOCKET, SO_SNDTIMEO_OLD, "2l"},
    {SOL_SOCKET, SO_RCVTIMEO_NEW, "2q"},
    {SOL_SOCKET, SO_SNDTIMEO_NEW, "2q"},
    {SOL_SOCKET, SO_MAX_PACING_RATE, "L"},
    {SOL_SOCKET, SO_COOKIE, "q"},
    {SOL_SOCKET, SO_NETNS_COOKIE, "q"},
    {IPPROTO_IP, IP_ADD_MEMBERSHIP, "8ci"},
    {IPPROTO_IP, IP_DROP_MEMBERSHIP, "8ci"},
    {IPPROTO_IP, IP_MULTICAST_IF, "8ci"},
    {IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, NULL},
    {IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, NULL},
    {IPPROTO_IP, IP_BLOCK_SOURCE, NULL},
    {IPPROTO_IP, IP_UNBLOCK_SOURCE, NULL},
    {IPPROTO_IP, IP_OPTIONS, NULL},
    {IPPROTO_IP, MCAST_JOIN_GROUP, GROUP},
    {IPPROTO_IP, MCAST_LEAVE_GROUP, GROUP},
    {IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, GROUP "h126c"},
    {IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, GROUP "h126c"},
    {IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, "16ci"},
    {IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, "16ci"},
    {IPPROTO_IPV6, IPV6_JOIN_ANYCAST, "16ci"},
    {IPPROTO_IPV6, IPV6_LEAVE_ANYCAST, "16ci"},
    {IPPROTO_IPV6, IPV6_PKTINFO, "16ci"},
    {IPPROTO_IPV6, IPV6_NEXTHOP, "h22ci"},
    {IPPROTO_IPV6, IPV6_HOPOPTS, NULL},
    {IPPROTO_IPV6, IPV6_DSTOPTS, NULL},
    {IPPROTO_IPV6, IPV6_RTHDR, NULL},
    {IPPROTO_IPV6, MCAST_JOIN_GROUP, GROUP},
    {IPPROTO_IPV6, MCAST_LEAVE_GROUP, GROUP},
    {IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, GROUP "h126c"},
    {IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, GROUP "h126c"},
    {IPPROTO_TCP, TCP_INFO, TCP_INFO_ALL},
    {IPPROTO_TCP, TCP_CONGESTION, NULL},
    {IPPROTO_TCP, TCP_ULP, NULL},
    {IPPROTO_TCP, TCP_FASTOPEN_KEY, NULL},
    {SOL_PACKET, PACKET_ADD_MEMBERSHIP, "i2h8c"},
    {SOL_PACKET, PACKET_DROP_MEMBERSHIP, "i2h8c"},
    {SOL_ALG, 1 /* ALG_SET_KEY */, NULL},
};

/* The form of a value of `size` bytes in the guest; NULL: bytes. Ints are described by "i", and repeat. */
static const char *format_of(const struct user_abi *abi, int level, int name, uint64_t size)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i].level == level && kinds[i].name == name)
            return kinds[i].format && size >= user_record_size(abi, kinds[i].format) ? kinds[i].format : NULL;
    }
    return "i";
}

static int64_t option_numbers(struct user_thread *t, const uint64_t *a, int *level, int *name)
{
    *level = (int)a[1];
    *name = (int)a[2];
    if (*level == ABI(t)->sol_socket) {
        *level = SOL_SOCKET;
        *name = user_pair_to_host(ABI(t)->socket_options, *name, -1);
        if (*name < 0)
            return -ENOPROTOOPT;
    }
    return 0;
}

/* Converts records as often as they fit; the rest is bytes. Returns the size on the other side. */
static size_t convert(const struct user_abi *abi, const char *format, uint8_t *to, const uint8_t *from,
                      size_t size, bool to_host)
{
    size_t in = format ? user_record_size(to_host ? abi : NULL, format) : 0, done = 0, made = 0;

    while (format && size - done >= in) {
        if (to_host)
            user_record_to_host(abi, format, to + made, from + done);
        else
            user_record_to_guest(abi, format, to + made, from + done);
        done += in;
        made += user_record_size(to_host ? NULL : abi, format);
    }
    memcpy(to + made, from + done, size - done);
    return made + size - done;
}

/* struct sock_fprog: the number of instructions and where they are. */
static int64_t attach_filter(struct user_thread *t, int fd, int name, uint64_t from, uint64_t size)
{
    unsigned word = ABI(t)->word;
    g_autofree struct sock_filter *filter = NULL;
    struct sock_fprog program;
    uint64_t count, at;

    if (size < 2 * word)
        return -EINVAL;
    if (!user_mem_get(MEM(t), from, 2, &count) || !user_mem_get(MEM(t), from + word, word, &at))
        return -EFAULT;
    if (count > FILTER_MOST)
        return -EINVAL;
    filter = g_new0(struct sock_filter, count + 1);
    for (uint64_t i = 0; i < count; i++) {
        if (!user_record_read(t, at + i * sizeof(*filter), FILTER_INSN, &filter[i]))
            return -EFAULT;
    }
    program = (struct sock_fprog){(unsigned short)count, filter};
    return USER_HOST(t, SYS_setsockopt, fd, SOL_SOCKET, name, &program, sizeof(program), 0);
}

int64_t user_sys_setsockopt(struct user_thread *t, const uint64_t *a)
{
    int level, name;
    int64_t result = option_numbers(t, a, &level, &name);
    g_autofree uint8_t *guest = NULL, *host = NULL;
    uint64_t size = a[4];

    if (result < 0)
        return result;
    if (level == SOL_SOCKET && (name == SO_ATTACH_FILTER || name == SO_ATTACH_REUSEPORT_CBPF))
        return attach_filter(t, (int)a[0], name, a[3], size);
    if (size > VALUE_MOST)
        return -EINVAL;
    guest = g_malloc(size + 1);
    host = g_malloc(2 * size + 8);
    if (size && !user_mem_read(MEM(t), a[3], guest, size))
        return -EFAULT;
    size = convert(ABI(t), format_of(ABI(t), level, name, size), host, guest, size, true);
    return USER_HOST(t, SYS_setsockopt, (int)a[0], level, name, host, size, 0);
}

int64_t user_sys_getsockopt(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    int level, name;
    int64_t result = option_numbers(t, a, &level, &name);
    g_autofree uint8_t *guest = NULL, *host = NULL;
    const char *format;
    uint64_t room;
    socklen_t size;

    if (result < 0)
        return result;
    if (!user_mem_get(MEM(t), a[4], 4, &room))
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    room = MIN(room, VALUE_MOST);
    format = format_of(abi, level, name, room);
    /* All of a structure is asked for, so that it can be converted; the guest gets what it has room for. */
    size =
        (socklen_t)(format && !g_str_equal(format, "i") ? MAX(room, user_record_size(NULL, format)) : room);
    host = g_malloc0(size + 8);
    guest = g_malloc0(2 * (size_t)size + 8);
    result = USER_HOST(t, SYS_getsockopt, (int)a[0], level, name, host, &size, 0);
    if (result < 0)
        return result;
    if (level == SOL_SOCKET && name == SO_ERROR && size == 4) {
        int number;

        memcpy(&number, host, 4);
        number = number ? user_errno_to_guest(abi, number) : 0;
        memcpy(host, &number, 4);
    }
    size = (socklen_t)MIN(convert(abi, format, guest, host, size, false), room);
    return user_mem_write(MEM(t), a[3], guest, size) && user_mem_put(MEM(t), a[4], 4, size) ? 0 : -EFAULT;
}
