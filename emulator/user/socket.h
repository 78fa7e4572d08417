/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Socket addresses, for the calls on sockets and on their messages. */
#ifndef VITRINE_USER_SOCKET_H
#define VITRINE_USER_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct user_thread;

/* A guest's address of `size` bytes: 0 or -errno. */
int64_t user_read_address(struct user_thread *t, uint64_t from, uint64_t size, struct sockaddr_storage *to);
/* Writes at most the room that stands at size_at, and the full length there. A NULL address is left alone. */
bool user_write_address(struct user_thread *t, uint64_t to, uint64_t size_at,
                        const struct sockaddr_storage *from, socklen_t size);

#endif
