/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls on sockets and their addresses. Messages and options have files of their own. */
#include <errno.h>
#include <string.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"
#include "emulator/user/socket.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* Addresses by family, from the family's number on; those of others are the number and bytes. Ports and IP
 * addresses are bytes in the network's order. */
static const struct {
    sa_family_t family;
    const char *format;
} families[] = {
    {AF_INET6, "h22ci"}, {AF_NETLINK, "2h2i"},  {AF_PACKET, "h2cih10c"},
    {AF_VSOCK, "2h2i"},  {AF_ALG, "h14c2i64c"}, {AF_CAN, "h3i"},
};

static const char *address_format(sa_family_t family, size_t size)
{
    for (gsize i = 0; i < G_N_ELEMENTS(families); i++) {
        if (families[i].family == family && size >= user_record_size(NULL, families[i].format))
            return families[i].format;
    }
    return "h";
}

int64_t user_read_address(struct user_thread *t, uint64_t from, uint64_t size, struct sockaddr_storage *to)
{
    uint8_t packed[sizeof(*to)];

    memset(to, 0, sizeof(*to));
    if (size > sizeof(*to))
        return -EINVAL;
    if (!user_mem_read(MEM(t), from, packed, size))
        return -EFAULT;
    memcpy(to, packed, size);
    if (size >= sizeof(sa_family_t))
        user_record_to_host(
            ABI(t), address_format((sa_family_t)user_load(packed, 2, ABI(t)->big_endian), size), to, packed);
    return 0;
}

#define NAME_AT offsetof(struct sockaddr_un, sun_path)

/* The file that a local address names, or NULL: it has no name, or one that is no file's. */
static char *socket_file(const struct sockaddr_storage *address, socklen_t size)
{
    const char *name = ((const struct sockaddr_un *)address)->sun_path;

    if (address->ss_family != AF_UNIX || size <= NAME_AT || size > sizeof(struct sockaddr_un) || !*name)
        return NULL;
    return g_strndup(name, size - NAME_AT);
}

/* The address of a file; false: it is too long. */
static bool set_socket_file(struct sockaddr_storage *address, socklen_t *size, const char *file)
{
    struct sockaddr_un *local = (struct sockaddr_un *)address;
    size_t length = strlen(file);

    if (length >= sizeof(local->sun_path))
        return false;
    memcpy(local->sun_path, file, length + 1);
    *size = (socklen_t)(NAME_AT + length + 1);
    return true;
}

int64_t user_find_socket(struct user_thread *t, struct sockaddr_storage *address, socklen_t *size, bool new,
                         int *folder)
{
    g_autofree char *name = socket_file(address, *size), *host = NULL, *path = NULL, *base = NULL,
                    *door = NULL;

    *folder = -1;
    if (!name || !t->process->options.sysroot)
        return 0;
    host = user_path_at(t->process, AT_FDCWD, name, new ? USER_NAME_LINK | USER_NAME_NEW : USER_NAME_TARGET);
    if (g_str_equal(host, name) || set_socket_file(address, size, host))
        return 0;
    path = g_path_get_dirname(host);
    base = g_path_get_basename(host);
    *folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0)
        return -errno;
    door = g_strdup_printf("/proc/self/fd/%d/%s", *folder, base);
    if (set_socket_file(address, size, door))
        return 0;
    close(*folder);
    *folder = -1;
    return -ENAMETOOLONG;
}

bool user_write_address(struct user_thread *t, uint64_t to, uint64_t size_at,
                        const struct sockaddr_storage *from, socklen_t size)
{
    uint8_t packed[sizeof(*from)];
    g_autofree char *file = socket_file(from, size), *inside = NULL;
    struct sockaddr_storage renamed;
    socklen_t there;
    uint64_t room;

    if (!to || !size_at)
        return true;
    inside = file ? user_path_inside(t->process, file) : NULL;
    if (inside && !g_str_equal(inside, file)) {
        renamed = *from;
        if (set_socket_file(&renamed, &size, inside))
            from = &renamed;
    }
    there = MIN(size, sizeof(packed));
    if (!user_mem_get(MEM(t), size_at, 4, &room) || (int32_t)room < 0)
        return false;
    memcpy(packed, from, there);
    if (there >= sizeof(sa_family_t)) {
        const char *format = address_format(from->ss_family, there);

        user_record_to_guest(ABI(t), format, packed, from);
    }
    return user_mem_write(MEM(t), to, packed, MIN(there, room)) && user_mem_put(MEM(t), size_at, 4, size);
}

static int host_type(struct user_thread *t, uint64_t type)
{
    return (int)(type & 15) | (int)user_bits_to_host(ABI(t)->open_flags, (uint32_t)type & ~15u);
}

int64_t user_sys_socket(struct user_thread *t, const uint64_t *a)
{
    /* Netlink's messages are in the host's byte order: a library without them finds other ways. */
    if ((int)a[0] == AF_NETLINK && ABI(t)->big_endian != (G_BYTE_ORDER == G_BIG_ENDIAN))
        return -EAFNOSUPPORT;
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

/* A call on the address at `at`: its arguments before the address stand in `first`. */
static int64_t with_address(struct user_thread *t, long number, const long *first, unsigned n, uint64_t at,
                            uint64_t given)
{
    struct sockaddr_storage address;
    socklen_t size = (socklen_t)MIN(given, sizeof(address));
    long all[6] = {0};
    int folder = -1;
    int64_t result = user_read_address(t, at, given, &address);

    if (result == 0)
        result = user_find_socket(t, &address, &size, number == SYS_bind, &folder);
    if (result < 0)
        return result;
    memcpy(all, first, n * sizeof(*first));
    all[n] = (long)&address;
    all[n + 1] = size;
    result = user_host_call(t, number, all[0], all[1], all[2], all[3], all[4], all[5]);
    if (folder >= 0)
        close(folder);
    return result;
}

int64_t user_sys_bind(struct user_thread *t, const uint64_t *a)
{
    return with_address(t, SYS_bind, (long[]){(int)a[0]}, 1, a[1], a[2]);
}

int64_t user_sys_connect(struct user_thread *t, const uint64_t *a)
{
    return with_address(t, SYS_connect, (long[]){(int)a[0]}, 1, a[1], a[2]);
}

static int64_t accept_call(struct user_thread *t, const uint64_t *a, uint32_t flags)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    int64_t result = USER_HOST(t, SYS_accept4, (int)a[0], &address, &size, flags, 0, 0);

    if (result >= 0 && !user_write_address(t, a[1], a[2], &address, size)) {
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

    return result == 0 && !user_write_address(t, a[1], a[2], &address, size) ? -EFAULT : result;
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
    void *data = user_mem_host(MEM(t), a[1], a[2]);

    if (!data)
        return -EFAULT;
    if (!a[4])
        return USER_HOST(t, SYS_sendto, (int)a[0], data, a[2], (int)a[3], NULL, 0);
    return with_address(t, SYS_sendto, (long[]){(int)a[0], (long)data, (long)a[2], (int)a[3]}, 4, a[4], a[5]);
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
    return result >= 0 && !user_write_address(t, a[4], a[5], &address, size) ? -EFAULT : result;
}

int64_t user_sys_send(struct user_thread *t, const uint64_t *a)
{
    return user_sys_sendto(t, (const uint64_t[]){a[0], a[1], a[2], a[3], 0, 0});
}

int64_t user_sys_recv(struct user_thread *t, const uint64_t *a)
{
    return user_sys_recvfrom(t, (const uint64_t[]){a[0], a[1], a[2], a[3], 0, 0});
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

int64_t user_sys_socketcall(struct user_thread *t, const uint64_t *a)
{
    static const struct {
        user_handler *run;
        uint8_t arguments;
    } calls[] = {
        [1] = {user_sys_socket, 3},      [2] = {user_sys_bind, 3},        [3] = {user_sys_connect, 3},
        [4] = {listen_call, 2},          [5] = {user_sys_accept, 3},      [6] = {user_sys_getsockname, 3},
        [7] = {user_sys_getpeername, 3}, [8] = {user_sys_socketpair, 4},  [9] = {user_sys_send, 4},
        [10] = {user_sys_recv, 4},       [11] = {user_sys_sendto, 6},     [12] = {user_sys_recvfrom, 6},
        [13] = {shutdown_call, 2},       [14] = {user_sys_setsockopt, 5}, [15] = {user_sys_getsockopt, 5},
        [16] = {user_sys_sendmsg, 3},    [17] = {user_sys_recvmsg, 3},    [18] = {user_sys_accept4, 4},
        [19] = {user_sys_recvmmsg, 5},   [20] = {user_sys_sendmmsg, 4},
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
