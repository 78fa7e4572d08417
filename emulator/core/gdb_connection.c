/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GDB's remote protocol: how a debugger comes, and how the program that a process runs next gets it. See
 * gdb_server.h. */
#include "emulator/core/gdb_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "emulator/core/gdb_files.h"
#include "emulator/core/gdb_private.h"
#include "emulator/core/i18n.h"

#define TAKEN_OVER "taken-over:"

static int listen_at(const char *where, GError **error)
{
    union {
        struct sockaddr any;
        struct sockaddr_un unix_;
        struct sockaddr_in in;
    } address = {0};
    socklen_t size;
    int fd, one = 1;
    char *end;

    if (g_str_has_prefix(where, "unix:")) {
        const char *path = where + strlen("unix:");

        if (!*path || strlen(path) >= sizeof(address.unix_.sun_path)) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                        _("The name of a debugger's socket has 1 to %zu bytes."),
                        sizeof(address.unix_.sun_path) - 1);
            return -1;
        }
        address.unix_.sun_family = AF_UNIX;
        g_strlcpy(address.unix_.sun_path, path, sizeof(address.unix_.sun_path));
        size = sizeof(address.unix_);
    } else {
        unsigned long port = strtoul(where, &end, 10);

        if (!g_ascii_isdigit(where[0]) || *end || port > 65535) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                        _("A debugger is awaited at a port from 0 to 65535 or at unix:PATH, not at %s."), where);
            return -1;
        }
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons((uint16_t)port);
        address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        size = sizeof(address.in);
    }
    fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, &address.any, size) != 0 || listen(fd, 1) != 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), _("No debugger can be awaited at %s: %s."),
                    where, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* A connection that another program of this process had: "DESCRIPTOR,ACKNOWLEDGE,BREAK_REASONS,EXEC_EVENTS". */
static bool take_over(struct gdb_server *s, const char *state)
{
    int acknowledge, break_reasons, exec_events, fd, type;
    socklen_t size = sizeof(type);

    if (sscanf(state, "%d,%d,%d,%d", &fd, &acknowledge, &break_reasons, &exec_events) != 4 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return false;
    s->connection = fd;
    s->acknowledge = acknowledge;
    s->break_reasons = break_reasons;
    s->exec_events = exec_events;
    s->stop.reason = GDB_REASON_EXEC;
    return true;
}

char *gdb_server_hand_over(struct gdb_server *s)
{
    char *state = NULL;

    g_mutex_lock(&s->lock);
    if (s->connection >= 0 && fcntl(s->connection, F_SETFD, 0) == 0)
        state = g_strdup_printf(TAKEN_OVER "%d,%d,%d,%d", s->connection, s->acknowledge, s->break_reasons,
                                s->exec_events);
    g_mutex_unlock(&s->lock);
    return state;
}

void gdb_server_keep(struct gdb_server *s)
{
    g_mutex_lock(&s->lock);
    if (s->connection >= 0)
        fcntl(s->connection, F_SETFD, FD_CLOEXEC);
    g_mutex_unlock(&s->lock);
}

struct gdb_server *gdb_server_new(const char *where, const struct gdb_target *target, void *opaque,
                                  GError **error)
{
    bool taken = g_str_has_prefix(where, TAKEN_OVER);
    int fd = taken ? -1 : listen_at(where, error);
    struct gdb_server *s;

    if (!taken && fd < 0)
        return NULL;
    s = g_new0(struct gdb_server, 1);
    s->target = target;
    s->opaque = opaque;
    s->listener = fd;
    s->connection = -1;
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->unix_path = g_str_has_prefix(where, "unix:") ? g_strdup(where + strlen("unix:")) : NULL;
    s->acknowledge = true;
    s->in = g_byte_array_new();
    s->stop = (struct gdb_stop){.signal = GDB_SIGNAL_TRAP};
    g_mutex_init(&s->lock);
    if (taken && !take_over(s, where + strlen(TAKEN_OVER))) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                    _("There is no debugger to take over by %s: that is for programs that run others."), where);
        gdb_server_free(s);
        return NULL;
    }
    if (!taken && !s->unix_path) {
        struct sockaddr_in address;
        socklen_t size = sizeof(address);

        if (g_str_equal(where, "0") && getsockname(fd, (struct sockaddr *)&address, &size) == 0)
            fprintf(stderr, "vitrine: the debugger's port is %u\n", ntohs(address.sin_port));
    }
    return s;
}

void gdb_server_free(struct gdb_server *s)
{
    if (!s)
        return;
    if (s->connection >= 0)
        close(s->connection);
    if (s->listener >= 0)
        close(s->listener);
    if (s->unix_path)
        unlink(s->unix_path);
    close(s->wake);
    gdb_files_close(s);
    g_byte_array_unref(s->in);
    g_free(s->unix_path);
    g_mutex_clear(&s->lock);
    g_free(s);
}

bool gdb_server_accept(struct gdb_server *s, GError **error)
{
    int one = 1;

    if (s->connection >= 0)
        return true;
    do
        s->connection = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    while (s->connection < 0 && errno == EINTR);
    if (s->connection < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), _("No debugger came: %s."),
                    g_strerror(errno));
        return false;
    }
    setsockopt(s->connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    close(s->listener);
    s->listener = -1;
    /* Nobody else is served. */
    if (s->unix_path)
        unlink(s->unix_path);
    g_clear_pointer(&s->unix_path, g_free);
    return true;
}
