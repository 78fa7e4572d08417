/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of sockets: their headers, vectors and control data, one or several at once. */
#include <errno.h>

#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"
#include "emulator/user/socket.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

#define CONTROL_MOST  65536
#define MESSAGES_MOST 1024

/* Control data by level and kind: records of this form fill it; what is left over, and all of other kinds, is
 * bytes. The newer time stamps have 64 bits everywhere. */
static const struct {
    int level, type;
    const char *format;
} control_kinds[] = {
    {SOL_SOCKET, SCM_RIGHTS, "i"},
    {SOL_SOCKET, SCM_CREDENTIALS, "3i"},
    {SOL_SOCKET, SO_TIMESTAMP_OLD, "2l"},
    {SOL_SOCKET, SO_TIMESTAMPNS_OLD, "2l"},
    {SOL_SOCKET, SO_TIMESTAMPING_OLD, "6l"},
    {SOL_SOCKET, SO_TIMESTAMP_NEW, "2q"},
    {SOL_SOCKET, SO_TIMESTAMPNS_NEW, "2q"},
    {SOL_SOCKET, SO_TIMESTAMPING_NEW, "6q"},
    {SOL_SOCKET, SO_TXTIME, "q"},
    {SOL_SOCKET, SO_RXQ_OVFL, "i"},
    {SOL_SOCKET, SO_MARK, "i"},
    {SOL_IP, IP_PKTINFO, "i8c"},
    {SOL_IP, IP_TTL, "i"},
    {SOL_IP, IP_TOS, "i"},
    {SOL_IP, IP_CHECKSUM, "i"},
    {SOL_IP, IP_ORIGDSTADDR, "h14c"},
    {SOL_IP, IP_RECVERR, "i4c2ih14c"},
    {SOL_IPV6, IPV6_PKTINFO, "16ci"},
    {SOL_IPV6, IPV6_HOPLIMIT, "i"},
    {SOL_IPV6, IPV6_TCLASS, "i"},
    {SOL_IPV6, IPV6_RECVERR, "i4c2ih22ci"},
    {SOL_IPV6, IPV6_ORIGDSTADDR, "h22ci"},
    {SOL_UDP, UDP_SEGMENT, "h"},
    {SOL_NETLINK, NETLINK_PKTINFO, "i"},
    {SOL_ALG, ALG_SET_OP, "i"},
    {SOL_ALG, ALG_SET_IV, "i"},
    {SOL_ALG, ALG_SET_AEAD_ASSOCLEN, "i"},
};

static const char *control_format(int level, int type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(control_kinds); i++) {
        if (control_kinds[i].level == level && control_kinds[i].type == type)
            return control_kinds[i].format;
    }
    return NULL;
}

/* Converts `size` bytes of one control message; returns the bytes written at `to`, which has room for twice
 * as many. */
static unsigned convert_control(const struct user_abi *abi, const char *format, const uint8_t *from,
                                unsigned size, uint8_t *to, bool to_host)
{
    unsigned in = format ? (unsigned)user_record_size(to_host ? abi : NULL, format) : 0, done = 0, made = 0;
    unsigned out = format ? (unsigned)user_record_size(to_host ? NULL : abi, format) : 0;

    while (format && size - done >= in) {
        if (to_host)
            user_record_to_host(abi, format, to + made, from + done);
        else
            user_record_to_guest(abi, format, to + made, from + done);
        done += in;
        made += out;
    }
    memcpy(to + made, from + done, size - done);
    return made + size - done;
}

static unsigned align_to(unsigned value, unsigned unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

/* Kinds of SOL_SOCKET from SO_* options are numbered as those. */
#define FIRST_OPTION_KIND 4

static int64_t control_to_host(struct user_thread *t, uint64_t from, uint64_t size, struct msghdr *to)
{
    const struct user_abi *abi = ABI(t);
    unsigned word = abi->word, head = word + 8;
    g_autofree uint8_t *guest = g_malloc(size + 1);
    uint8_t *host = to->msg_control;
    size_t used = 0;
    uint64_t at = 0;

    if (!user_mem_read(MEM(t), from, guest, size))
        return -EFAULT;
    while (at + head <= size) {
        uint64_t length = user_load(guest + at, word, abi->big_endian);
        int level = (int32_t)user_load(guest + at + word, 4, abi->big_endian);
        int type = (int32_t)user_load(guest + at + word + 4, 4, abi->big_endian);
        struct cmsghdr *out = (struct cmsghdr *)(host + used);
        unsigned bytes;

        if (length < head || length > size - at)
            return -EINVAL;
        if (level == abi->sol_socket) {
            level = SOL_SOCKET;
            if (type >= FIRST_OPTION_KIND)
                type = user_pair_to_host(abi->socket_options, type, type);
        }
        bytes = convert_control(abi, control_format(level, type), guest + at + head, (unsigned)length - head,
                                CMSG_DATA(out), true);
        out->cmsg_len = CMSG_LEN(bytes);
        out->cmsg_level = level;
        out->cmsg_type = type;
        used += CMSG_SPACE(bytes);
        at += align_to((unsigned)length, word);
    }
    to->msg_controllen = used;
    return 0;
}

/* Descriptors that find no room are closed again, as the kernel does. */
static void drop_descriptors(const struct cmsghdr *c, unsigned from)
{
    unsigned count = (unsigned)(c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    for (unsigned i = from; i < count; i++) {
        int fd;

        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
        close(fd);
    }
}

/* Returns the bytes written; *truncated when the guest's room was too small. */
static int64_t control_to_guest(struct user_thread *t, struct msghdr *from, uint64_t to, uint64_t room,
                                bool *truncated)
{
    const struct user_abi *abi = ABI(t);
    unsigned word = abi->word, head = word + 8;
    uint64_t at = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(from); c; c = CMSG_NXTHDR(from, c)) {
        bool descriptors = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS;
        unsigned bytes = (unsigned)(c->cmsg_len - CMSG_LEN(0)), length;
        g_autofree uint8_t *packed = g_malloc0(head + 2 * (size_t)bytes + 8);
        int level = c->cmsg_level, type = c->cmsg_type;

        if (*truncated || at + head > room) {
            *truncated = true;
            if (descriptors)
                drop_descriptors(c, 0);
            continue;
        }
        length = head +
                 convert_control(abi, control_format(level, type), CMSG_DATA(c), bytes, packed + head, false);
        if (at + length > room) {
            *truncated = true;
            length = (unsigned)(room - at);
            if (descriptors) {
                length = head + (length - head) / 4 * 4;
                drop_descriptors(c, (length - head) / 4);
            }
        }
        if (level == SOL_SOCKET) {
            level = abi->sol_socket;
            if (type >= FIRST_OPTION_KIND)
                type = user_pair_to_guest(abi->socket_options, type, type);
        }
        user_store(packed, word, length, abi->big_endian);
        user_store(packed + word, 4, (uint32_t)level, abi->big_endian);
        user_store(packed + word + 4, 4, (uint32_t)type, abi->big_endian);
        if (!user_mem_write(MEM(t), to + at, packed, length))
            return -EFAULT;
        at += MIN(align_to(length, word), room - at);
    }
    return (int64_t)at;
}

/* -------------------------------------------------------------------------------------------- one message */

/* struct msghdr: name, its length, vector, its count, control, its length, flags: words, but for two ints. */
enum { NAME, NAME_SIZE, VECTOR, VECTOR_COUNT, CONTROL, CONTROL_SIZE, FLAGS, FIELDS };

struct message {
    uint64_t guest; /* address of its header */
    uint64_t field[FIELDS];
    struct msghdr host;
    struct iovec *vector;
    uint8_t *control;
    struct sockaddr_storage address;
    int folder; /* of user_find_socket() */
};

static void free_message(struct message *m)
{
    g_free(m->vector);
    g_free(m->control);
    if (m->folder >= 0)
        close(m->folder);
}

/* Prepares a message to send or to receive; to be freed in either case. 0 or -errno. */
static int64_t prepare(struct user_thread *t, struct message *m, uint64_t guest, bool send)
{
    unsigned word = ABI(t)->word;
    int64_t result;

    memset(m, 0, sizeof(*m));
    m->guest = guest;
    m->folder = -1;
    for (unsigned i = 0; i < FIELDS; i++) {
        if (!user_mem_get(MEM(t), guest + i * word, i == NAME_SIZE || i == FLAGS ? 4 : word, &m->field[i]))
            return -EFAULT;
    }
    if (m->field[NAME] && (!send || m->field[NAME_SIZE])) {
        m->host.msg_name = &m->address;
        m->host.msg_namelen = sizeof(m->address);
        if (send) {
            result = user_read_address(t, m->field[NAME], m->field[NAME_SIZE], &m->address);
            m->host.msg_namelen = (socklen_t)m->field[NAME_SIZE];
            if (result == 0)
                result = user_find_socket(t, &m->address, &m->host.msg_namelen, false, &m->folder);
            if (result < 0)
                return result;
        }
    }
    result = user_read_iovec(t, m->field[VECTOR], m->field[VECTOR_COUNT], &m->vector);
    if (result < 0)
        return result;
    m->host.msg_iov = m->vector;
    m->host.msg_iovlen = m->field[VECTOR_COUNT];
    if (m->field[CONTROL] && m->field[CONTROL_SIZE]) {
        if (send && m->field[CONTROL_SIZE] > CONTROL_MOST)
            return -ENOBUFS;
        m->field[CONTROL_SIZE] = MIN(m->field[CONTROL_SIZE], CONTROL_MOST);
        /* Headers and longs are at most twice as long here. */
        m->host.msg_controllen = m->field[CONTROL_SIZE] * 2 + CMSG_SPACE(0);
        m->control = g_malloc0(m->host.msg_controllen);
        m->host.msg_control = m->control;
        if (send)
            return control_to_host(t, m->field[CONTROL], m->field[CONTROL_SIZE], &m->host);
    }
    return 0;
}

/* After the message has come. */
static int64_t take_over(struct user_thread *t, struct message *m)
{
    unsigned word = ABI(t)->word;
    int64_t written = 0;
    bool truncated = false;

    if (m->field[NAME] &&
        !user_write_address(t, m->field[NAME], m->guest + word, &m->address, m->host.msg_namelen))
        return -EFAULT;
    if (m->control)
        written = control_to_guest(t, &m->host, m->field[CONTROL], m->field[CONTROL_SIZE], &truncated);
    if (written < 0)
        return written;
    if (!user_mem_put(MEM(t), m->guest + CONTROL_SIZE * word, word, (uint64_t)written) ||
        !user_mem_put(MEM(t), m->guest + FLAGS * word, 4,
                      (uint32_t)m->host.msg_flags | (truncated ? MSG_CTRUNC : 0)))
        return -EFAULT;
    return 0;
}

int64_t user_sys_sendmsg(struct user_thread *t, const uint64_t *a)
{
    struct message m;
    int64_t result = prepare(t, &m, a[1], true);

    if (result == 0)
        result = USER_HOST(t, SYS_sendmsg, (int)a[0], &m.host, (int)a[2], 0, 0, 0);
    free_message(&m);
    return result;
}

int64_t user_sys_recvmsg(struct user_thread *t, const uint64_t *a)
{
    struct message m;
    int64_t result = prepare(t, &m, a[1], false), bad;

    if (result == 0)
        result = USER_HOST(t, SYS_recvmsg, (int)a[0], &m.host, (int)a[2], 0, 0, 0);
    if (result >= 0 && (bad = take_over(t, &m)) < 0)
        result = bad;
    free_message(&m);
    return result;
}

/* ------------------------------------------------------------------------------------------------ several */

/* struct mmsghdr: a header and the bytes that went, padded to words. */
static int64_t several(struct user_thread *t, const uint64_t *a, bool send, struct timespec *limit)
{
    unsigned word = ABI(t)->word, stride = align_to(FIELDS * word + 4, word);
    unsigned count = (unsigned)MIN(a[2], MESSAGES_MOST), ready = 0;
    g_autofree struct message *messages = g_new0(struct message, count + 1);
    g_autofree struct mmsghdr *host = g_new0(struct mmsghdr, count + 1);
    int64_t result = 0, bad = 0;

    while (ready < count && bad == 0) {
        bad = prepare(t, &messages[ready], a[1] + (uint64_t)ready * stride, send);
        host[ready].msg_hdr = messages[ready].host;
        ready++;
    }
    /* A bad message ends the row: those before it go. */
    if (bad < 0)
        result = ready == 1 ? bad : 0;
    if (result == 0)
        result = USER_HOST(t, send ? SYS_sendmmsg : SYS_recvmmsg, (int)a[0], host,
                           bad < 0 ? ready - 1 : ready, (int)a[3], limit, 0);
    for (int64_t i = 0; i < result; i++) {
        messages[i].host = host[i].msg_hdr;
        if (!send && (bad = take_over(t, &messages[i])) < 0) {
            result = bad;
            break;
        }
        if (!user_mem_put(MEM(t), messages[i].guest + FIELDS * word, 4, host[i].msg_len)) {
            result = -EFAULT;
            break;
        }
    }
    for (unsigned i = 0; i < ready; i++)
        free_message(&messages[i]);
    return result;
}

int64_t user_sys_sendmmsg(struct user_thread *t, const uint64_t *a)
{
    return several(t, a, true, NULL);
}

static int64_t receive_several(struct user_thread *t, const uint64_t *a, bool wide)
{
    struct timespec limit;
    int64_t result;

    if (a[4] && !user_read_timespec(t, a[4], wide, &limit))
        return -EFAULT;
    result = several(t, a, false, a[4] ? &limit : NULL);
    return result >= 0 && a[4] && !user_write_timespec(t, a[4], wide, &limit) ? -EFAULT : result;
}

int64_t user_sys_recvmmsg(struct user_thread *t, const uint64_t *a)
{
    return receive_several(t, a, ABI(t)->word == 8);
}

int64_t user_sys_recvmmsg_time64(struct user_thread *t, const uint64_t *a)
{
    return receive_several(t, a, true);
}
