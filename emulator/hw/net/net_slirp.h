/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * User-mode network: a `struct net_backend` on libslirp. The guest sees the net 10.0.2.0/24 with a DHCP
 * server and gateway at 10.0.2.2 (which is also the host) and a name server at 10.0.2.3; DHCP
 * gives 10.0.2.15.
 *
 * libslirp and its sockets live on a thread of their own; frames cross in queues, so that neither the machine
 * nor the network ever waits for the other.
 */
#pragma once

#include "emulator/core/backends.h"

/* One port of the host that leads into the guest. */
struct net_forward {
    bool udp;
    const char *host_address; /* dotted; NULL = 127.0.0.1 */
    unsigned host_port;
    const char *guest_address; /* dotted; NULL = 10.0.2.15 */
    unsigned guest_port;
};

struct net_slirp_config {
    const struct net_forward *forwards; /* copied */
    unsigned forward_count;
    bool restricted;      /* the guest is cut off from the host and the world, forwards excepted */
    const char *hostname; /* DHCP's host name; NULL = none */
};

/* `config` may be NULL. Fails with a sentence: a deterministic machine has no network (what comes from
 * outside would make two runs differ), a host port that is taken. The caller puts it into
 * machine->net_backends, which owns it from then on; frames reach the guest only from there. */
struct net_backend *net_slirp_new(struct machine *machine, const struct net_slirp_config *config,
                                  GError **error);

#define NET_SLIRP_ERROR (net_slirp_error_quark())
GQuark net_slirp_error_quark(void);
enum net_slirp_error { NET_SLIRP_ERROR_DETERMINISTIC, NET_SLIRP_ERROR_FORWARD, NET_SLIRP_ERROR_HOST };
