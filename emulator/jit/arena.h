/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The code cache: one range of memory seen through two mappings of one memfd, one writable and one executable,
 * so that no page is ever both.  It lies within a rel32 reach of the program text where the kernel lets it, so
 * that generated code calls C functions directly.
 *
 * Space is handed out upwards and given back all at once.
 */
#ifndef VITRINE_JIT_ARENA_H
#define VITRINE_JIT_ARENA_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *rx, *rw; /* the two views, `size` bytes each */
    size_t size, used;
    size_t kept; /* the first bytes that arena_reset() leaves alone (trampolines, constants) */
};

bool arena_init(struct arena *a, size_t size, GError **error);
void arena_finish(struct arena *a);

/* Takes `size` bytes aligned to 64; returns the RX address, or NULL when there is no room. */
uint8_t *arena_alloc(struct arena *a, size_t size);
void arena_keep(struct arena *a); /* what is used now survives resets */
void arena_reset(struct arena *a);

/* fork(): both processes would see the same memory. A copy is made before, as a file descriptor or -1 with errno;
 * the child puts it in place of what it inherited (and closes it) before anybody runs or writes code. */
int arena_copy(const struct arena *a);
bool arena_use_copy(struct arena *a, int fd);

/* In a child of fork(): what is written behind the used part stays in this process. Not to be executed any more. */
bool arena_write_apart(struct arena *a);

static inline uint8_t *arena_writable(const struct arena *a, const void *rx)
{
    return a->rw + ((const uint8_t *)rx - a->rx);
}

#endif
