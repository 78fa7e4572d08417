/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on sockets: addresses, messages and options are converted field by field. */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

#define CONTROL_MOST 8192

/* A socket address begins with its family in the machine's byte order; so do a few fields of some families.
 */
static bool read_address(struct user_thread *t, uint64_t from, uint64_t size, struct sockaddr_storage *to)
{
    uint8_t *bytes = (uint8_t *)to;
    bool big = ABI(t)->big_endian;

    memset(to, 0, sizeof(*to));
    if (size > sizeof(*to) || size < 2 || !user_mem_read(MEM(t), from, to, size))
        return false;
    to->ss_family = (sa_family_t)user_load(bytes, 2, big);
    if (to->ss_family == AF_INET6 && size >= 28) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

        in6->sin6_scope_id = (uint32_t)user_load(bytes + 24, 4, big);
    } else if (to->ss_family == AF_NETLINK && size >= 12) {
        uint32_t pid = (uint32_t)user_load(bytes + 4, 4, big),
                 groups = (uint32_t)user_load(bytes + 8, 4, big);

        memcpy(bytes + 4, &pid, 4);
        memcpy(bytes + 8, &groups, 4);
    }
    return true;
}

/* Writes at most the room that the guest gave, and the full length. */
static bool write_address(struct user_thread *t, uint64_t to, uint64_t size_at, struct sockaddr_storage *from,
                          socklen_t size)
{
    uint8_t packed[sizeof(*from)];
    bool big = ABI(t)->big_endian;
    uint64_t room;

    if (!to || !size_at)
        return true;
    if (!user_mem_get(MEM(t), size_at, 4, &room) || (int32_t)room < 0)
        return false;
    size = MIN(size, sizeof(packed));
    memcpy(packed, from, size);
    if (size >= 2)
        user_store(packed, 2, from->ss_family, big);
    if (from->ss_family == AF_INET6 && size >= 28) {
        user_store(packed + 24, 4, ((struct sockaddr_in6 *)from)->sin6_scope_id, big);
    } else if (from->ss_family == AF_NETLINK && size >= 12) {
        uint32_t pid, groups;

        memcpy(&pid, packed + 4, 4);
        memcpy(&groups, packed + 8, 4);
        user_store(packed + 4, 4, pid, big);
        user_store(packed + 8, 4, groups, big);
    }
    return user_mem_write(MEM(t), to, packed, MIN(size, room)) && user_mem_put(MEM(t), size_at, 4, size);
}

static int host_type(struct user_thread *t, uint64_t type)
{
    return (int)(type & 15) | (int)user_bits_to_host(ABI(t)->open_flags, (uint32_t)type & ~15u);
}

int64_t user_sys_socket(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_socket, (int)a[0], host_type(t, a[1]), (int)a[2], 0, 0, 0);
}

int64_t user_sys_socketpair(struct user_thread *t, const uint64_t *a)
{
    int fds[2];
    int64_t result = USER_HOST(t, SYS_socketpair, (int)a[0], host_type(t, a[1]), (int)a[2], fds, 0, 0);

    if (result < 0)
        return result;
    if (!user_mem_put(MEM(t), a[3], 4, (uint32_t)fds[0]) ||
        !user_mem_put(MEM(t), a[3] + 4, 4, (uint32_t)fds[1])) {
        close(fds[0]);
        close(fds[1]);
        return -EFAULT;
    }
    return 0;
}

static int64_t with_address(struct user_thread *t, long number, const uint64_t *a)
{
    struct sockaddr_storage address;

    if (a[2] > sizeof(address))
        return -EINVAL;
    if (!read_address(t, a[1], a[2], &address))
        return a[2] < 2 ? -EINVAL : -EFAULT;
    return USER_HOST(t, number, (int)a[0], &address, a[2], 0, 0, 0);
}

int64_t user_sys_bind(struct user_thread *t, const uint64_t *a)
{
    return with_address(t, SYS_bind, a);
}

int64_t user_sys_connect(struct user_thread *t, const uint64_t *a)
{
    return with_address(t, SYS_connect, a);
}

static int64_t accept_call(struct user_thread *t, const uint64_t *a, uint32_t flags)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    int64_t result = USER_HOST(t, SYS_accept4, (int)a[0], &address, &size, flags, 0, 0);

    if (result >= 0 && !write_address(t, a[1], a[2], &address, size)) {
        close((int)result);
        return -EFAULT;
    }
    return result;
}

int64_t user_sys_accept(struct user_thread *t, const uint64_t *a)
{
    return accept_call(t, a, 0);
}

int64_t user_sys_accept4(struct user_thread *t, const uint64_t *a)
{
    return accept_call(t, a, user_bits_to_host(ABI(t)->open_flags, (uint32_t)a[3]));
}

static int64_t name_call(struct user_thread *t, long number, const uint64_t *a)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    int64_t result = USER_HOST(t, number, (int)a[0], &address, &size, 0, 0, 0);

    return result == 0 && !write_address(t, a[1], a[2], &address, size) ? -EFAULT : result;
}

int64_t user_sys_getsockname(struct user_thread *t, const uint64_t *a)
{
    return name_call(t, SYS_getsockname, a);
}

int64_t user_sys_getpeername(struct user_thread *t, const uint64_t *a)
{
    return name_call(t, SYS_getpeername, a);
}

int64_t user_sys_sendto(struct user_thread *t, const uint64_t *a)
{
    struct sockaddr_storage address;
    void *data = user_mem_host(MEM(t), a[1], a[2]);

    if (!data)
        return -EFAULT;
    if (!a[4])
        return USER_HOST(t, SYS_sendto, (int)a[0], data, a[2], (int)a[3], NULL, 0);
    if (a[5] > sizeof(address))
        return -EINVAL;
    if (!read_address(t, a[4], a[5], &address))
        return a[5] < 2 ? -EINVAL : -EFAULT;
    return USER_HOST(t, SYS_sendto, (int)a[0], data, a[2], (int)a[3], &address, a[5]);
}

int64_t user_sys_recvfrom(struct user_thread *t, const uint64_t *a)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    void *data = user_mem_host(MEM(t), a[1], a[2]);
    int64_t result;

    if (!data)
        return -EFAULT;
    result = USER_HOST(t, SYS_recvfrom, (int)a[0], data, a[2], (int)a[3], a[4] ? &address : NULL,
                       a[4] ? &size : NULL);
    return result >= 0 && !write_address(t, a[4], a[5], &address, size) ? -EFAULT : result;
}

/* ------------------------------------------------------------------------------------------- messages */

/* struct msghdr: name, its length, vector, its count, control, its length, flags: words each (padded ints).
 */
struct guest_message {
    uint64_t at[7];
};

static bool read_message(struct user_thread *t, uint64_t from, struct guest_message *m)
{
    unsigned word = ABI(t)->word;

    for (unsigned i = 0; i < 7; i++) {
        /* The name's length and the flags are ints. */
        if (!user_mem_get(MEM(t), from + i * word, i == 1 || i == 6 ? 4 : word, &m->at[i]))
            return false;
    }
    return true;
}

static unsigned align_to(unsigned value, unsigned unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

/* SCM_RIGHTS and SCM_CREDENTIALS are arrays of ints; other kinds are refused. */
static bool ints_only(int level, int type)
{
    return level == SOL_SOCKET && (type == SCM_RIGHTS || type == SCM_CREDENTIALS);
}

static int64_t control_to_host(struct user_thread *t, uint64_t from, uint64_t size, uint8_t *to, size_t *used)
{
    const struct user_abi *abi = ABI(t);
    unsigned word = abi->word, head = word + 8;
    g_autofree uint8_t *guest = NULL;
    uint64_t at = 0;

    *used = 0;
    if (size > CONTROL_MOST / 2)
        return -ENOBUFS;
    guest = g_malloc(size + 1);
    if (!user_mem_read(MEM(t), from, guest, size))
        return -EFAULT;
    while (at + head <= size) {
        uint64_t length = user_load(guest + at, word, abi->big_endian);
        int level = (int32_t)user_load(guest + at + word, 4, abi->big_endian);
        int type = (int32_t)user_load(guest + at + word + 4, 4, abi->big_endian);
        struct cmsghdr *out = (struct cmsghdr *)(to + *used);
        unsigned bytes;

        if (length < head || length > size - at)
            return -EINVAL;
        if (level == abi->sol_socket)
            level = SOL_SOCKET;
        if (!ints_only(level, type))
            return -EINVAL;
        bytes = (unsigned)length - head;
        out->cmsg_len = CMSG_LEN(bytes);
        out->cmsg_level = level;
        out->cmsg_type = type;
        for (unsigned i = 0; i + 4 <= bytes; i += 4) {
            uint32_t value = (uint32_t)user_load(guest + at + head + i, 4, abi->big_endian);

            memcpy(CMSG_DATA(out) + i, &value, 4);
        }
        *used += CMSG_SPACE(bytes);
        at += align_to((unsigned)length, word);
    }
    return 0;
}

/* Returns the bytes written; *truncated when the guest's room was too small. */
static int64_t control_to_guest(struct user_thread *t, struct msghdr *from, uint64_t to, uint64_t room,
                                bool *truncated)
{
    const struct user_abi *abi = ABI(t);
    unsigned word = abi->word, head = word + 8;
    uint64_t at = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(from); c; c = CMSG_NXTHDR(from, c)) {
        unsigned bytes = (unsigned)(c->cmsg_len - CMSG_LEN(0)), length = head + bytes;
        g_autofree uint8_t *packed = g_malloc0(align_to(length, word));

        if (!ints_only(c->cmsg_level, c->cmsg_type))
            continue;
        if (at + length > room) {
            *truncated = true;
            break;
        }
        user_store(packed, word, length, abi->big_endian);
        user_store(packed + word, 4, (uint32_t)abi->sol_socket, abi->big_endian);
        user_store(packed + word + 4, 4, (uint32_t)c->cmsg_type, abi->big_endian);
        for (unsigned i = 0; i + 4 <= bytes; i += 4) {
            uint32_t value;

            memcpy(&value, CMSG_DATA(c) + i, 4);
            user_store(packed + head + i, 4, value, abi->big_endian);
        }
        if (!user_mem_write(MEM(t), to + at, packed, MIN(align_to(length, word), room - at)))
            return -EFAULT;
        at += MIN(align_to(length, word), room - at);
    }
    return (int64_t)at;
}

int64_t user_sys_sendmsg(struct user_thread *t, const uint64_t *a)
{
    struct guest_message m;
    struct sockaddr_storage address;
    struct msghdr host = {0};
    struct iovec *vector;
    g_autofree uint8_t *control = NULL;
    int64_t result;

    if (!read_message(t, a[1], &m))
        return -EFAULT;
    if (m.at[0]) {
        if (m.at[1] > sizeof(address) || m.at[1] < 2)
            return -EINVAL;
        if (!read_address(t, m.at[0], m.at[1], &address))
            return -EFAULT;
        host.msg_name = &address;
        host.msg_namelen = (socklen_t)m.at[1];
    }
    result = user_read_iovec(t, m.at[2], m.at[3], &vector);
    if (result == 0 && m.at[4] && m.at[5]) {
        control = g_malloc0(CONTROL_MOST);
        result = control_to_host(t, m.at[4], m.at[5], control, &host.msg_controllen);
        host.msg_control = control;
    }
    if (result == 0) {
        host.msg_iov = vector;
        host.msg_iovlen = m.at[3];
        result = USER_HOST(t, SYS_sendmsg, (int)a[0], &host, (int)a[2], 0, 0, 0);
    }
    g_free(vector);
    return result;
}

int64_t user_sys_recvmsg(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    unsigned word = abi->word;
    struct guest_message m;
    struct sockaddr_storage address = {0};
    struct msghdr host = {0};
    struct iovec *vector;
    g_autofree uint8_t *control = NULL;
    bool truncated = false;
    int64_t result, written = 0;

    if (!read_message(t, a[1], &m))
        return -EFAULT;
    result = user_read_iovec(t, m.at[2], m.at[3], &vector);
    if (result == 0) {
        control = g_malloc0(CONTROL_MOST);
        host.msg_name = m.at[0] ? &address : NULL;
        host.msg_namelen = m.at[0] ? sizeof(address) : 0;
        host.msg_iov = vector;
        host.msg_iovlen = m.at[3];
        host.msg_control = m.at[4] ? control : NULL;
        host.msg_controllen = m.at[4] ? CONTROL_MOST : 0;
        result = USER_HOST(t, SYS_recvmsg, (int)a[0], &host, (int)a[2], 0, 0, 0);
    }
    g_free(vector);
    if (result < 0)
        return result;
    if (m.at[0] && !write_address(t, m.at[0], a[1] + word, &address, host.msg_namelen))
        return -EFAULT;
    if (m.at[4]) {
        written = control_to_guest(t, &host, m.at[4], m.at[5], &truncated);
        if (written < 0)
            return written;
    }
    if (!user_mem_put(MEM(t), a[1] + 5 * word, word, (uint64_t)written) ||
        !user_mem_put(MEM(t), a[1] + 6 * word, 4, (uint32_t)host.msg_flags | (truncated ? MSG_CTRUNC : 0)))
        return -EFAULT;
    return result;
}

/* -------------------------------------------------------------------------------------------- options */

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

static bool is_timeout(int level, int name)
{
    return level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO);
}

/* Options whose value is bytes, not ints. */
static bool is_bytes(int level, int name)
{
    return (level == SOL_SOCKET && name == SO_BINDTODEVICE) ||
           (level == IPPROTO_IP &&
            (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP || name == IP_MULTICAST_IF));
}

int64_t user_sys_setsockopt(struct user_thread *t, const uint64_t *a)
{
    int level, name;
    int64_t result = option_numbers(t, a, &level, &name);
    uint8_t host[64], guest[64];
    uint64_t size = a[4];

    if (result < 0)
        return result;
    if (is_timeout(level, name)) {
        struct timespec time;
        struct timeval value;

        if (size < 2u * ABI(t)->word)
            return -EINVAL;
        if (!user_read_timeval(t, a[3], &time))
            return -EFAULT;
        value = (struct timeval){time.tv_sec, time.tv_nsec / 1000};
        return USER_HOST(t, SYS_setsockopt, (int)a[0], level, name, &value, sizeof(value), 0);
    }
    if (size > sizeof(host))
        return -EINVAL;
    if (!user_mem_read(MEM(t), a[3], guest, size))
        return -EFAULT;
    memcpy(host, guest, size);
    if (!is_bytes(level, name)) {
        for (uint64_t i = 0; i + 4 <= size; i += 4)
            user_store(host + i, 4, user_load(guest + i, 4, ABI(t)->big_endian),
                       G_BYTE_ORDER == G_BIG_ENDIAN);
    }
    return USER_HOST(t, SYS_setsockopt, (int)a[0], level, name, host, size, 0);
}

int64_t user_sys_getsockopt(struct user_thread *t, const uint64_t *a)
{
    int level, name;
    int64_t result = option_numbers(t, a, &level, &name);
    uint8_t host[256] = {0}, guest[256];
    uint64_t room;
    socklen_t size;

    if (result < 0)
        return result;
    if (!user_mem_get(MEM(t), a[4], 4, &room))
        return -EFAULT;
    if (is_timeout(level, name)) {
        struct timeval value = {0};
        struct timespec time;

        size = sizeof(value);
        result = USER_HOST(t, SYS_getsockopt, (int)a[0], level, name, &value, &size, 0);
        if (result < 0)
            return result;
        time = (struct timespec){value.tv_sec, value.tv_usec * 1000};
        if (room < 2u * ABI(t)->word)
            return -EINVAL;
        return user_write_timeval(t, a[3], &time) && user_mem_put(MEM(t), a[4], 4, 2u * ABI(t)->word)
                   ? 0
                   : -EFAULT;
    }
    size = (socklen_t)MIN(room, sizeof(host));
    result = USER_HOST(t, SYS_getsockopt, (int)a[0], level, name, host, &size, 0);
    if (result < 0)
        return result;
    memcpy(guest, host, size);
    if (!is_bytes(level, name)) {
        for (socklen_t i = 0; i + 4 <= size; i += 4)
            user_store(guest + i, 4, user_load(host + i, 4, G_BYTE_ORDER == G_BIG_ENDIAN),
                       ABI(t)->big_endian);
    }
    if (level == SOL_SOCKET && name == SO_ERROR && size == 4) {
        int number;

        memcpy(&number, host, 4);
        user_store(guest, 4, number ? (uint64_t)user_errno_to_guest(ABI(t), number) : 0, ABI(t)->big_endian);
    }
    return user_mem_write(MEM(t), a[3], guest, size) && user_mem_put(MEM(t), a[4], 4, size) ? 0 : -EFAULT;
}

/* The old single entrance (linux/net.h): a number and the address of the arguments. */
static int64_t listen_call(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_listen, (int)a[0], (int)a[1], 0, 0, 0, 0);
}

static int64_t shutdown_call(struct user_thread *t, const uint64_t *a)
{
    return USER_HOST(t, SYS_shutdown, (int)a[0], (int)a[1], 0, 0, 0, 0);
}

static int64_t send_call(struct user_thread *t, const uint64_t *a)
{
    const uint64_t with[6] = {a[0], a[1], a[2], a[3], 0, 0};

    return user_sys_sendto(t, with);
}

static int64_t recv_call(struct user_thread *t, const uint64_t *a)
{
    const uint64_t with[6] = {a[0], a[1], a[2], a[3], 0, 0};

    return user_sys_recvfrom(t, with);
}

int64_t user_sys_socketcall(struct user_thread *t, const uint64_t *a)
{
    static const struct {
        user_handler *run;
        uint8_t arguments;
    } calls[] = {
        [1] = {user_sys_socket, 3},      [2] = {user_sys_bind, 3},        [3] = {user_sys_connect, 3},
        [4] = {listen_call, 2},          [5] = {user_sys_accept, 3},      [6] = {user_sys_getsockname, 3},
        [7] = {user_sys_getpeername, 3}, [8] = {user_sys_socketpair, 4},  [9] = {send_call, 4},
        [10] = {recv_call, 4},           [11] = {user_sys_sendto, 6},     [12] = {user_sys_recvfrom, 6},
        [13] = {shutdown_call, 2},       [14] = {user_sys_setsockopt, 5}, [15] = {user_sys_getsockopt, 5},
        [16] = {user_sys_sendmsg, 3},    [17] = {user_sys_recvmsg, 3},    [18] = {user_sys_accept4, 4},
    };
    uint64_t arguments[6] = {0};
    unsigned word = ABI(t)->word;

    if (a[0] >= G_N_ELEMENTS(calls) || !calls[a[0]].run)
        return -EINVAL;
    for (unsigned i = 0; i < calls[a[0]].arguments; i++) {
        if (!user_mem_get(MEM(t), a[1] + i * word, word, &arguments[i]))
            return -EFAULT;
    }
    return calls[a[0]].run(t, arguments);
}
