/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A moment: the whole machine at one safe point, for reading while it runs on. Devices, clock and picture are
 * copied at once; of the memory only what has to be: a page is copied when the guest is about to write to it
 * (ram_prepare_write()) and nobody has read it yet.
 *
 * Moments are numbered from 1. Each page remembers the first moment that saw its last write, so that a moment
 * can be taken relative to an earlier one: pages unchanged since then are neither kept nor given out.
 *
 * One moment of a machine reads memory at a time.
 */
#pragma once

#include "emulator/core/machine.h"

struct machine_moment_block {
    struct ram_block *block;
    uint8_t *settled; /* per page: atomic; 1 = nobody wants its contents of then any more */
    uint8_t *same;    /* per page: unchanged since the earlier moment */
    uint8_t **copies; /* per page: contents of then, of pages that were written meanwhile */
};

struct machine_moment {
    struct machine *machine;
    uint64_t number;
    int64_t virtual_ns;
    GByteArray *state; /* as in a state file, its memory elsewhere */
    uint32_t *picture; /* XRGB8888, without gaps; NULL without a display */
    int width, height;
    double pixel_aspect;
    GMutex lock; /* copies */
    struct machine_moment_block *blocks;
    unsigned block_count;
};

/* Machine thread, at a safe point. `since`: number of an earlier moment, 0 = none. NULL with a sentence. */
struct machine_moment *machine_moment_begin(struct machine *machine, uint64_t since, GError **error);
/* Any one thread: pages [first, first + count) as they were. same[i] is 1 for a page unchanged since the earlier
 * moment, whose 4096 bytes in `data` are left alone. A page can be read once. */
void machine_moment_read(struct machine_moment *moment, unsigned block, uint64_t first, uint64_t count,
                         uint8_t *same, uint8_t *data);
/* Machine thread: the memory is not looked after any more. */
void machine_moment_end(struct machine_moment *moment);
/* Any thread, after the end. */
void machine_moment_free(struct machine_moment *moment);

/* Machine thread: what the memory holds now counts as seen by a new moment (its number), as if one had been
 * taken: after a state was loaded. */
uint64_t machine_moment_mark(struct machine *machine);
