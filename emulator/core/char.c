/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Serial lines of the host: a pair of file descriptors (standard input and output, a file, a pseudo-terminal)
 * and a callback with an input queue. */
#include "emulator/core/backends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"

/* Input of a callback line that the guest does not read is dropped from here on. */
#define QUEUE_LIMIT (1 << 20)

static void give_to_device(struct char_backend *backend, const uint8_t *data, size_t *size)
{
    size_t done = 0;
    while (done < *size && backend->device.can_receive) {
        size_t room = backend->device.can_receive(backend->device.opaque);
        size_t chunk = MIN(room, *size - done);
        if (!chunk)
            break;
        backend->device.receive(backend->device.opaque, data + done, chunk);
        done += chunk;
    }
    *size = done;
}

/* ---- file descriptors ---- */

struct fd_backend {
    struct char_backend base;
    struct machine_poller poller;
    int in_fd, out_fd;
    int held_fd; /* the other end of a pseudo-terminal, kept open; -1 = none */
    bool close_fds, hang_up_is_temporary;
    bool in_ended;
};

static size_t fd_write(struct char_backend *backend, const uint8_t *data, size_t size)
{
    struct fd_backend *fd = (struct fd_backend *)backend;
    size_t done = 0;
    while (fd->out_fd >= 0 && done < size) {
        ssize_t n = write(fd->out_fd, data + done, size - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else {
            break; /* a reader that does not read loses bytes; the guest is not held up */
        }
    }
    return size;
}

static void fd_prepare(void *opaque, GArray *fds, int *timeout_ms)
{
    struct fd_backend *fd = opaque;
    if (fd->in_fd < 0 || fd->in_ended || !fd->base.device.can_receive ||
        !fd->base.device.can_receive(fd->base.device.opaque))
        return;
    struct pollfd entry = {.fd = fd->in_fd, .events = POLLIN};
    g_array_append_val(fds, entry);
}

static void fd_dispatch(void *opaque, const GArray *fds, unsigned first)
{
    struct fd_backend *fd = opaque;
    if (first >= fds->len)
        return;
    const struct pollfd *entry = &g_array_index(fds, struct pollfd, first);
    if (entry->fd != fd->in_fd || !(entry->revents & (POLLIN | POLLHUP | POLLERR)))
        return;
    uint8_t data[256];
    size_t room = fd->base.device.can_receive(fd->base.device.opaque);
    if (!room)
        return;
    ssize_t n = read(fd->in_fd, data, MIN(room, sizeof data));
    if (n > 0) {
        size_t given = (size_t)n;
        give_to_device(&fd->base, data, &given);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        fd->in_ended = !fd->hang_up_is_temporary;
    }
}

static void fd_finish(struct char_backend *backend)
{
    struct fd_backend *fd = (struct fd_backend *)backend;
    machine_remove_poller(backend->machine, &fd->poller);
    if (fd->close_fds) {
        if (fd->in_fd >= 0)
            close(fd->in_fd);
        if (fd->out_fd >= 0 && fd->out_fd != fd->in_fd)
            close(fd->out_fd);
    }
    if (fd->held_fd >= 0)
        close(fd->held_fd);
    g_free(fd);
}

static const struct char_ops fd_ops = {.write = fd_write, .finish = fd_finish};

struct char_backend *char_backend_fd(struct machine *machine, int in_fd, int out_fd, bool close_fds)
{
    struct fd_backend *fd = g_new0(struct fd_backend, 1);
    fd->base.ops = &fd_ops;
    fd->base.machine = machine;
    fd->in_fd = in_fd;
    fd->out_fd = out_fd;
    fd->held_fd = -1;
    fd->close_fds = close_fds;
    fd->poller = (struct machine_poller){.prepare = fd_prepare, .dispatch = fd_dispatch, .opaque = fd};
    machine_add_poller(machine, &fd->poller);
    return &fd->base;
}

struct char_backend *char_backend_pty(struct machine *machine, char **name, GError **error)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    char path[128];
    if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, path, sizeof path)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_HOST,
                    _("No pseudo-terminal can be opened for the serial port: %s."), g_strerror(errno));
        if (master >= 0)
            close(master);
        return NULL;
    }
    struct termios raw;
    if (!tcgetattr(master, &raw)) {
        cfmakeraw(&raw);
        tcsetattr(master, TCSANOW, &raw);
    }
    *name = g_strdup(path);
    struct char_backend *backend = char_backend_fd(machine, master, master, true);
    /* Nobody has the other end open yet: reading fails with EIO until somebody does. Keeping one open
     * ourselves avoids a busy loop on POLLHUP. */
    struct fd_backend *fd = (struct fd_backend *)backend;
    fd->held_fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    fd->hang_up_is_temporary = fd->held_fd >= 0;
    return backend;
}

/* ---- callback ---- */

struct callback_backend {
    struct char_backend base;
    void (*output)(void *opaque, const uint8_t *data, size_t size);
    void *opaque;
    GByteArray *queue;
};

static size_t callback_write(struct char_backend *backend, const uint8_t *data, size_t size)
{
    struct callback_backend *callback = (struct callback_backend *)backend;
    if (callback->output)
        callback->output(callback->opaque, data, size);
    return size;
}

static void callback_accept(struct char_backend *backend)
{
    struct callback_backend *callback = (struct callback_backend *)backend;
    size_t given = callback->queue->len;
    give_to_device(backend, callback->queue->data, &given);
    if (given)
        g_byte_array_remove_range(callback->queue, 0, (guint)given);
}

static void callback_finish(struct char_backend *backend)
{
    struct callback_backend *callback = (struct callback_backend *)backend;
    g_byte_array_unref(callback->queue);
    g_free(callback);
}

static const struct char_ops callback_ops = {
    .write = callback_write,
    .accept_input = callback_accept,
    .finish = callback_finish,
};

struct char_backend *char_backend_callback(struct machine *machine,
                                           void (*output)(void *opaque, const uint8_t *data, size_t size),
                                           void *opaque)
{
    struct callback_backend *callback = g_new0(struct callback_backend, 1);
    callback->base.ops = &callback_ops;
    callback->base.machine = machine;
    callback->output = output;
    callback->opaque = opaque;
    callback->queue = g_byte_array_new();
    return &callback->base;
}

void char_backend_callback_input(struct char_backend *backend, const uint8_t *data, size_t size)
{
    g_return_if_fail(backend->ops == &callback_ops);
    struct callback_backend *callback = (struct callback_backend *)backend;
    if (callback->queue->len + size <= QUEUE_LIMIT)
        g_byte_array_append(callback->queue, data, (guint)size);
    callback_accept(backend);
}
