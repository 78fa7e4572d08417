/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * User-mode network. Two threads meet in `struct exchange`: frames to the net and frames to the guest, each a
 * bounded queue under one lock that nobody holds for longer than it takes to move a pointer.
 */
#include "emulator/hw/net/net_slirp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libslirp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"

/* What does not fit is lost, as on a congested net; protocols send it again. */
#define QUEUE_FRAMES 512

#define GUEST_ADDRESS "10.0.2.15"

struct timer {
    SlirpTimerCb fire;
    void *opaque;
    int64_t deadline_ms; /* -1 = not set */
};

struct net_slirp {
    struct net_backend base;
    GThread *thread;
    int wake_fd; /* eventfd: something changed for the thread */

    GMutex lock;             /* of the members up to `closing` */
    GQueue to_net, to_guest; /* GBytes */
    bool delivery_posted;
    bool closing;

    /* The thread's own (before it runs: the creator's). */
    Slirp *slirp;
    GPtrArray *timers;
    GArray *fds; /* struct pollfd */
};

GQuark net_slirp_error_quark(void)
{
    return g_quark_from_static_string("vitrine-net-slirp-error");
}

static void wake(struct net_slirp *net)
{
    uint64_t one = 1;
    ssize_t ignored = write(net->wake_fd, &one, sizeof(one));
    (void)ignored;
}

/* ---- machine thread ---- */

static void give_frames(struct net_slirp *net)
{
    const struct net_device *device = &net->base.device;
    for (;;) {
        if (!device->receive || (device->can_receive && !device->can_receive(device->opaque)))
            return;
        g_mutex_lock(&net->lock);
        GBytes *frame = g_queue_pop_head(&net->to_guest);
        g_mutex_unlock(&net->lock);
        if (!frame)
            return;
        gsize size;
        const uint8_t *data = g_bytes_get_data(frame, &size);
        net->base.frames_received++;
        machine_note_network(net->base.machine);
        device->receive(device->opaque, data, size);
        g_bytes_unref(frame);
    }
}

static void slirp_send(struct net_backend *backend, const uint8_t *frame, size_t size)
{
    struct net_slirp *net = (struct net_slirp *)backend;
    g_mutex_lock(&net->lock);
    bool room = net->to_net.length < QUEUE_FRAMES;
    if (room)
        g_queue_push_tail(&net->to_net, g_bytes_new(frame, size));
    g_mutex_unlock(&net->lock);
    wake(net);
}

static void slirp_accept_input(struct net_backend *backend)
{
    give_frames((struct net_slirp *)backend);
}

static void free_frames(GQueue *queue)
{
    for (GBytes *frame; (frame = g_queue_pop_head(queue));)
        g_bytes_unref(frame);
}

static void slirp_finish(struct net_backend *backend)
{
    struct net_slirp *net = (struct net_slirp *)backend;
    if (net->thread) {
        g_mutex_lock(&net->lock);
        net->closing = true;
        g_mutex_unlock(&net->lock);
        wake(net);
        g_thread_join(net->thread);
    }
    if (net->slirp)
        slirp_cleanup(net->slirp);
    free_frames(&net->to_net);
    free_frames(&net->to_guest);
    if (net->wake_fd >= 0)
        close(net->wake_fd);
    g_ptr_array_unref(net->timers);
    g_array_unref(net->fds);
    g_mutex_clear(&net->lock);
    g_free(net);
}

static const struct net_ops slirp_ops = {
    .send = slirp_send,
    .accept_input = slirp_accept_input,
    .finish = slirp_finish,
};

/* Posted by the thread. It finds the back ends through the machine, so that a post may outlive one. */
static void deliver(struct machine *machine, void *data)
{
    for (unsigned i = 0; i < machine->net_backends->len; i++) {
        struct net_slirp *net = machine->net_backends->pdata[i];
        if (net->base.ops != &slirp_ops)
            continue;
        g_mutex_lock(&net->lock);
        net->delivery_posted = false;
        g_mutex_unlock(&net->lock);
        give_frames(net);
    }
}

/* ---- the net's thread: what libslirp calls ---- */

static ssize_t on_packet(const void *data, size_t size, void *opaque)
{
    struct net_slirp *net = opaque;
    g_mutex_lock(&net->lock);
    bool post = false;
    if (net->to_guest.length < QUEUE_FRAMES) {
        g_queue_push_tail(&net->to_guest, g_bytes_new(data, size));
        post = !net->delivery_posted;
        net->delivery_posted = true;
    }
    g_mutex_unlock(&net->lock);
    if (post)
        machine_post(net->base.machine, deliver, NULL);
    return (ssize_t)size;
}

static void on_guest_error(const char *message, void *opaque)
{
    g_debug("guest: network: %s", message);
}

static int64_t on_clock(void *opaque)
{
    return g_get_monotonic_time() * 1000;
}

static void *on_timer_new(SlirpTimerCb fire, void *timer_opaque, void *opaque)
{
    struct net_slirp *net = opaque;
    struct timer *timer = g_new(struct timer, 1);
    *timer = (struct timer){.fire = fire, .opaque = timer_opaque, .deadline_ms = -1};
    g_ptr_array_add(net->timers, timer);
    return timer;
}

static void on_timer_free(void *timer, void *opaque)
{
    g_ptr_array_remove(((struct net_slirp *)opaque)->timers, timer);
}

static void on_timer_mod(void *timer, int64_t expire_time_ms, void *opaque)
{
    ((struct timer *)timer)->deadline_ms = expire_time_ms;
}

static void on_poll_fd(int fd, void *opaque)
{
    /* The set is built anew for each wait. */
}

static void on_notify(void *opaque)
{
    wake(opaque);
}

static const SlirpCb callbacks = {
    .send_packet = on_packet,
    .guest_error = on_guest_error,
    .clock_get_ns = on_clock,
    .timer_new = on_timer_new,
    .timer_free = on_timer_free,
    .timer_mod = on_timer_mod,
    .register_poll_fd = on_poll_fd,
    .unregister_poll_fd = on_poll_fd,
    .notify = on_notify,
};

static const struct {
    int slirp;
    short host;
} poll_events[] = {
    {SLIRP_POLL_IN, POLLIN},   {SLIRP_POLL_OUT, POLLOUT}, {SLIRP_POLL_PRI, POLLPRI},
    {SLIRP_POLL_ERR, POLLERR}, {SLIRP_POLL_HUP, POLLHUP},
};

static int add_poll(int fd, int events, void *opaque)
{
    struct net_slirp *net = opaque;
    struct pollfd entry = {.fd = fd};
    for (unsigned i = 0; i < G_N_ELEMENTS(poll_events); i++)
        if (events & poll_events[i].slirp)
            entry.events |= poll_events[i].host;
    g_array_append_val(net->fds, entry);
    return (int)net->fds->len - 1;
}

static int get_revents(int index, void *opaque)
{
    struct net_slirp *net = opaque;
    short revents = g_array_index(net->fds, struct pollfd, index).revents;
    int events = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(poll_events); i++)
        if (revents & poll_events[i].host)
            events |= poll_events[i].slirp;
    return events;
}

static void run_timers(struct net_slirp *net, uint32_t *timeout_ms)
{
    int64_t now = on_clock(net) / NS_PER_MS;
    for (unsigned i = 0; i < net->timers->len; i++) {
        struct timer *timer = net->timers->pdata[i];
        if (timer->deadline_ms >= 0 && timer->deadline_ms <= now) {
            timer->deadline_ms = -1;
            timer->fire(timer->opaque);
        }
        if (timer->deadline_ms >= 0)
            *timeout_ms = MIN(*timeout_ms, (uint32_t)CLAMP(timer->deadline_ms - now, 1, 60000));
    }
}

/* Sends what the guest sent; false = time to go. */
static bool take_frames(struct net_slirp *net)
{
    for (;;) {
        g_mutex_lock(&net->lock);
        bool closing = net->closing;
        GBytes *frame = closing ? NULL : g_queue_pop_head(&net->to_net);
        g_mutex_unlock(&net->lock);
        if (!frame)
            return !closing;
        gsize size;
        const uint8_t *data = g_bytes_get_data(frame, &size);
        slirp_input(net->slirp, data, (int)size);
        g_bytes_unref(frame);
    }
}

static void *net_thread(void *opaque)
{
    struct net_slirp *net = opaque;
    while (take_frames(net)) {
        uint32_t timeout_ms = 60000;
        g_array_set_size(net->fds, 0);
        run_timers(net, &timeout_ms);
        add_poll(net->wake_fd, SLIRP_POLL_IN, net);
        slirp_pollfds_fill(net->slirp, &timeout_ms, add_poll, net);
        int ready = poll((struct pollfd *)net->fds->data, net->fds->len, (int)timeout_ms);
        uint64_t value;
        ssize_t ignored = read(net->wake_fd, &value, sizeof(value));
        (void)ignored;
        slirp_pollfds_poll(net->slirp, ready < 0, get_revents, net);
    }
    return NULL;
}

/* ---- making it ---- */

static bool parse_address(const char *text, const char *fallback, struct in_addr *address, GError **error)
{
    if (inet_pton(AF_INET, text ? text : fallback, address) == 1)
        return true;
    g_set_error(error, NET_SLIRP_ERROR, NET_SLIRP_ERROR_FORWARD, _("“%s” is no IPv4 address."), text);
    return false;
}

static bool add_forward(struct net_slirp *net, const struct net_forward *forward, GError **error)
{
    struct in_addr host, guest;
    if (!parse_address(forward->host_address, "127.0.0.1", &host, error) ||
        !parse_address(forward->guest_address, GUEST_ADDRESS, &guest, error))
        return false;
    if (!forward->guest_port || forward->guest_port > 65535 || forward->host_port > 65535) {
        g_set_error_literal(error, NET_SLIRP_ERROR, NET_SLIRP_ERROR_FORWARD,
                            _("Port numbers go from 1 to 65535."));
        return false;
    }
    if (slirp_add_hostfwd(net->slirp, forward->udp, host, (int)forward->host_port, guest,
                          (int)forward->guest_port) < 0) {
        g_set_error(error, NET_SLIRP_ERROR, NET_SLIRP_ERROR_FORWARD,
                    _("Port %u of this computer can’t be forwarded to the guest: %s."), forward->host_port,
                    g_strerror(errno));
        return false;
    }
    return true;
}

struct net_backend *net_slirp_new(struct machine *machine, const struct net_slirp_config *config,
                                  GError **error)
{
    static const struct net_slirp_config defaults = {0};
    if (!config)
        config = &defaults;
    if (machine->options.deterministic) {
        g_set_error_literal(
            error, NET_SLIRP_ERROR, NET_SLIRP_ERROR_DETERMINISTIC,
            _("A deterministic machine can’t have a network: what comes from outside would make each run "
            "different. Switch off one of the two."));
        return NULL;
    }
    struct net_slirp *net = g_new0(struct net_slirp, 1);
    net->base = (struct net_backend){.ops = &slirp_ops, .machine = machine};
    g_mutex_init(&net->lock);
    g_queue_init(&net->to_net);
    g_queue_init(&net->to_guest);
    net->timers = g_ptr_array_new_with_free_func(g_free);
    net->fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    net->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    SlirpConfig slirp_config = {
        .version = 1,
        .restricted = config->restricted,
        .in_enabled = true,
        .vhostname = config->hostname,
    };
    inet_pton(AF_INET, "10.0.2.0", &slirp_config.vnetwork);
    inet_pton(AF_INET, "255.255.255.0", &slirp_config.vnetmask);
    inet_pton(AF_INET, "10.0.2.2", &slirp_config.vhost);
    inet_pton(AF_INET, "10.0.2.3", &slirp_config.vnameserver);
    inet_pton(AF_INET, GUEST_ADDRESS, &slirp_config.vdhcp_start);
    if (net->wake_fd >= 0)
        net->slirp = slirp_new(&slirp_config, &callbacks, net);
    if (!net->slirp) {
        g_set_error_literal(error, NET_SLIRP_ERROR, NET_SLIRP_ERROR_HOST,
                            _("The user-mode network could not be started."));
        slirp_finish(&net->base);
        return NULL;
    }
    for (unsigned i = 0; i < config->forward_count; i++)
        if (!add_forward(net, &config->forwards[i], error)) {
            slirp_finish(&net->base);
            return NULL;
        }
    net->thread = g_thread_new("network", net_thread, net);
    return &net->base;
}
