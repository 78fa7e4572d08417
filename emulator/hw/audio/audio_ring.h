/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A ring of stereo frames between two threads, one of which only writes and the other only reads. No locks:
 * each side owns one of the two counters, which run freely and wrap.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define AUDIO_RING_FRAMES 16384u /* a power of two; 340 ms at 48 kHz */

struct audio_ring {
    _Atomic uint32_t written, read; /* frames ever */
    int16_t frames[AUDIO_RING_FRAMES][2];
};

static inline size_t audio_ring_used(const struct audio_ring *ring)
{
    return atomic_load_explicit(&ring->written, memory_order_acquire) -
           atomic_load_explicit(&ring->read, memory_order_acquire);
}

/* Writer: at most `limit` frames will lie in the ring afterwards. Returns the frames taken. */
static inline size_t audio_ring_write(struct audio_ring *ring, const int16_t *samples, size_t frames,
                                      size_t limit)
{
    size_t used = audio_ring_used(ring);
    size_t room = limit > used ? limit - used : 0;
    uint32_t at = atomic_load_explicit(&ring->written, memory_order_relaxed);
    if (frames > room)
        frames = room;
    for (size_t i = 0; i < frames; i++)
        memcpy(ring->frames[(at + i) % AUDIO_RING_FRAMES], samples + 2 * i, 4);
    atomic_store_explicit(&ring->written, at + (uint32_t)frames, memory_order_release);
    return frames;
}

/* Reader. Returns the frames given. */
static inline size_t audio_ring_read(struct audio_ring *ring, int16_t *samples, size_t frames)
{
    size_t used = audio_ring_used(ring);
    uint32_t at = atomic_load_explicit(&ring->read, memory_order_relaxed);
    if (frames > used)
        frames = used;
    for (size_t i = 0; i < frames; i++)
        memcpy(samples + 2 * i, ring->frames[(at + i) % AUDIO_RING_FRAMES], 4);
    atomic_store_explicit(&ring->read, at + (uint32_t)frames, memory_order_release);
    return frames;
}

/* Reader: drops what is there. */
static inline void audio_ring_drop(struct audio_ring *ring)
{
    atomic_store_explicit(&ring->read, atomic_load_explicit(&ring->written, memory_order_acquire),
                          memory_order_release);
}
