/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moments: copy-on-write of guest memory by the page flags that every writer looks at anyway. */
#include "emulator/core/moment.h"

#include <string.h>

#include "emulator/core/machine_private.h"

/* Pages copied under one hold of the lock: what a writer may have to wait for, a few microseconds. */
#define PAGES_PER_HOLD 8

/* Brings written_at up to date and marks all pages as not written since. */
static void mark_block(struct ram_block *block, uint64_t number)
{
    uint64_t pages = block->size >> RAM_PAGE_BITS;
    if (!block->written_at)
        block->written_at = g_new0(uint32_t, pages);
    for (uint64_t page = 0; page < pages; page++)
        if (!(block->page_flags[page] & RAM_PAGE_CLEAN_SNAPSHOT))
            block->written_at[page] = (uint32_t)number;
    ram_take_dirty(block, RAM_PAGE_CLEAN_SNAPSHOT, 0, block->size, NULL);
}

uint64_t machine_moment_mark(struct machine *machine)
{
    const GPtrArray *blocks = memory_blocks(machine->memory);
    uint64_t number = ++machine->priv->moments;
    for (unsigned i = 0; i < blocks->len; i++)
        mark_block(blocks->pdata[i], number);
    return number;
}

struct machine_moment *machine_moment_begin(struct machine *machine, uint64_t since, GError **error)
{
    g_autoptr(GByteArray) state = machine_save_devices(machine, error);
    if (!state)
        return NULL;
    struct machine_moment *moment = g_new0(struct machine_moment, 1);
    const GPtrArray *blocks = memory_blocks(machine->memory);
    moment->machine = machine;
    moment->state = g_steal_pointer(&state);
    moment->virtual_ns = clock_now(machine->clock);
    moment->number = machine_moment_mark(machine);
    g_mutex_init(&moment->lock);
    moment->block_count = blocks->len;
    moment->blocks = g_new0(struct machine_moment_block, blocks->len);
    for (unsigned i = 0; i < blocks->len; i++) {
        struct ram_block *block = blocks->pdata[i];
        struct machine_moment_block *b = &moment->blocks[i];
        uint64_t pages = block->size >> RAM_PAGE_BITS;
        g_assert(!block->moment);
        b->block = block;
        b->settled = g_malloc0(pages);
        b->same = g_malloc0(pages);
        b->copies = g_new0(uint8_t *, pages);
        for (uint64_t page = 0; since && page < pages; page++)
            b->settled[page] = b->same[page] = block->written_at[page] <= since;
        block->moment = moment;
    }
    machine_render(machine, false);
    const struct display_surface *surface = &machine->surface;
    if (surface->pixels) {
        moment->width = surface->width;
        moment->height = surface->height;
        moment->pixel_aspect = surface->pixel_aspect;
        moment->picture = g_new(uint32_t, (size_t)surface->width * (size_t)surface->height);
        for (int y = 0; y < surface->height; y++)
            memcpy(moment->picture + (size_t)y * (size_t)surface->width,
                   surface->pixels + (size_t)y * (size_t)surface->stride,
                   (size_t)surface->width * sizeof(uint32_t));
    }
    return moment;
}

void ram_prepare_write_slow(struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct machine_moment *moment = block->moment;
    if (!size || offset >= block->size)
        return;
    uint64_t first = offset >> RAM_PAGE_BITS, last = (MIN(offset + size, block->size) - 1) >> RAM_PAGE_BITS;
    unsigned i = 0;
    while (moment->blocks[i].block != block)
        i++;
    struct machine_moment_block *b = &moment->blocks[i];
    for (uint64_t page = first; page <= last; page++) {
        if (__atomic_load_n(&b->settled[page], __ATOMIC_ACQUIRE))
            continue;
        g_mutex_lock(&moment->lock);
        if (!b->settled[page]) {
            b->copies[page] = g_memdup2(block->host + (page << RAM_PAGE_BITS), RAM_PAGE_SIZE);
            __atomic_store_n(&b->settled[page], 1, __ATOMIC_RELEASE);
        }
        g_mutex_unlock(&moment->lock);
    }
}

void machine_moment_read(struct machine_moment *moment, unsigned block, uint64_t first, uint64_t count,
                         uint8_t *same, uint8_t *data)
{
    struct machine_moment_block *b = &moment->blocks[block];
    for (uint64_t i = 0; i < count;) {
        uint64_t end = MIN(count, i + PAGES_PER_HOLD);
        g_mutex_lock(&moment->lock);
        for (; i < end; i++) {
            uint64_t page = first + i;
            same[i] = b->same[page];
            if (same[i])
                continue;
            if (b->copies[page]) {
                memcpy(data + (i << RAM_PAGE_BITS), b->copies[page], RAM_PAGE_SIZE);
                g_clear_pointer(&b->copies[page], g_free);
            } else {
                memcpy(data + (i << RAM_PAGE_BITS), b->block->host + (page << RAM_PAGE_BITS), RAM_PAGE_SIZE);
                __atomic_store_n(&b->settled[page], 1, __ATOMIC_RELEASE);
            }
        }
        g_mutex_unlock(&moment->lock);
    }
}

void machine_moment_end(struct machine_moment *moment)
{
    for (unsigned i = 0; i < moment->block_count; i++)
        moment->blocks[i].block->moment = NULL;
}

void machine_moment_free(struct machine_moment *moment)
{
    if (!moment)
        return;
    for (unsigned i = 0; i < moment->block_count; i++) {
        struct machine_moment_block *b = &moment->blocks[i];
        uint64_t pages = b->block->size >> RAM_PAGE_BITS;
        for (uint64_t page = 0; page < pages; page++)
            g_free(b->copies[page]);
        g_free(b->copies);
        g_free(b->settled);
        g_free(b->same);
    }
    g_free(moment->blocks);
    g_free(moment->picture);
    g_clear_pointer(&moment->state, g_byte_array_unref);
    g_mutex_clear(&moment->lock);
    g_free(moment);
}
