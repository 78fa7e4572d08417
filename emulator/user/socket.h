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
/* The name of a local socket is a file's: makes it the host's, for a call on `address`. *folder is a descriptor to
 * close after the call, or -1: it stands in for folders whose names are too long for an address. 0 or -errno. */
int64_t user_find_socket(struct user_thread *t, struct sockaddr_storage *address, socklen_t *size, bool new,
                         int *folder);
/* Writes the program's name for an address, at most the room that stands at size_at, and the full length there. A NULL
 * address is left alone. */
bool user_write_address(struct user_thread *t, uint64_t to, uint64_t size_at,
                        const struct sockaddr_storage *from, socklen_t size);

#endif
