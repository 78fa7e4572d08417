/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory and buses. A bus is a set of declared regions from which a flat, sorted, non-overlapping view is
 * built (higher priority wins, later added wins among equals). Addresses are 64 bits wide, whatever the guest
 * decodes.
 *
 * Values. bus_read() and bus_write() speak in numbers in the byte order of the *bus* (big-endian on sun4m); a
 * region of the other order is swapped here, once. A device's callbacks see register values: offset from the
 * region's start, size 1, 2, 4 or 8, only widths that the region declares. Wider accesses are split (most
 * significant part first on a big-endian bus); narrower reads take their lanes out of the containing
 * register, narrower writes repeat the value on all lanes, as SBus and the 68000-family buses do; a region
 * with `strict` answers other widths with a bus error.
 *
 * RAM pages carry one flag byte per 4 KiB. A CPU may store directly to a page whose byte is 0. On any other
 * byte it calls ram_prepare_write() before and ram_note_write() after (or lets bus_write() do it): a moment
 * under way keeps the old contents, translated code is dropped and dirty tracking notes the page.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "emulator/core/device.h"

#define RAM_PAGE_BITS 12
#define RAM_PAGE_SIZE (UINT64_C(1) << RAM_PAGE_BITS)

/* Bits of a page's flag byte. */
enum ram_page_flag {
    RAM_PAGE_CODE = 1 << 0,           /* translated code of this page exists */
    RAM_PAGE_CLEAN_DISPLAY = 1 << 1,  /* not written since the display looked; cleared by a write */
    RAM_PAGE_CLEAN_SNAPSHOT = 1 << 2, /* not written since the last snapshot; cleared by a write */
};
#define RAM_PAGE_CLEAN_MASK (RAM_PAGE_CLEAN_DISPLAY | RAM_PAGE_CLEAN_SNAPSHOT)

struct memory;
struct bus;
struct machine_moment;

/* One piece of host memory that the guest sees as RAM or ROM. */
struct ram_block {
    struct memory *memory;
    char *id;            /* unique in the machine; part of saved state */
    uint8_t *host;       /* page aligned */
    uint64_t size;       /* bytes, whole pages */
    uint8_t *page_flags; /* size >> RAM_PAGE_BITS bytes */
    bool rom;            /* guest writes are ignored */
    struct machine_moment *moment; /* under way: wants a page's contents before they change; else NULL */
    uint32_t *written_at; /* per page: the first moment that saw its last write; NULL before the first moment */
};

/* Who wants to know about memory. All members may be NULL. Called on the machine thread. */
struct memory_listener {
    void *opaque;
    /* Bytes of pages with RAM_PAGE_CODE were written by someone else than the CPU's translated code. The
     * listener drops its code and may clear the flag. */
    void (*code_written)(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size);
    /* A CLEAN flag was set on these pages: cached direct write mappings of them must go. */
    void (*tracking_armed)(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size);
    /* The view of a bus changed. */
    void (*map_changed)(void *opaque, struct bus *bus);
};

struct memory *memory_new(void);
void memory_free(struct memory *memory); /* frees the blocks too */
/* The listener struct stays the caller's and must outlive the registration. */
void memory_add_listener(struct memory *memory, struct memory_listener *listener);
void memory_remove_listener(struct memory *memory, struct memory_listener *listener);

/* Zeroed, page aligned (a multiple of 2 MiB where it pays), `size` rounded up to whole pages. */
struct ram_block *ram_block_new(struct memory *memory, const char *id, uint64_t size, bool rom,
                                GError **error);
/* All blocks in the order in which they were made. */
const GPtrArray *memory_blocks(const struct memory *memory);

/* How often a register of a device was written, in all. */
uint64_t memory_device_writes(const struct memory *memory);

/* To be called before any write to host memory that does not go through bus_write()/dma_write(), also by a
 * CPU before it takes a page as one that it may store to: a moment under way (moment.h) copies the pages. */
void ram_prepare_write_slow(struct ram_block *block, uint64_t offset, uint64_t size);
static inline void ram_prepare_write(struct ram_block *block, uint64_t offset, uint64_t size)
{
    if (G_UNLIKELY(block->moment))
        ram_prepare_write_slow(block, offset, size);
}
/* To be called after it. */
void ram_note_write_slow(struct ram_block *block, uint64_t offset, uint64_t size);
static inline void ram_note_write(struct ram_block *block, uint64_t offset, uint64_t size)
{
    uint64_t first = offset >> RAM_PAGE_BITS, last = (offset + size - 1) >> RAM_PAGE_BITS;
    if (first != last || block->page_flags[first])
        ram_note_write_slow(block, offset, size);
}

/* For a dirty-tracking client (`clean_flag` one of the CLEAN bits): was any page of the range written since
 * the last take? Sets `dirty[i]` to 1 for each such page (dirty may be NULL), marks all clean again and tells
 * the listeners. */
bool ram_take_dirty(struct ram_block *block, enum ram_page_flag clean_flag, uint64_t offset, uint64_t size,
                    uint8_t *dirty);
/* Everything of the block counts as dirty again for this client. */
void ram_set_dirty(struct ram_block *block, enum ram_page_flag clean_flag);

enum bus_kind {
    BUS_RAM,
    BUS_ROM,   /* RAM that ignores writes */
    BUS_MMIO,  /* callbacks */
    BUS_ALIAS, /* a window on another bus (or elsewhere on this one) */
    BUS_IOMMU, /* a window on another bus through a translation per page */
    BUS_EMPTY, /* decoded, nothing there: reads zero, writes vanish */
};

enum bus_endian { BUS_BIG_ENDIAN, BUS_LITTLE_ENDIAN };

/* What a bus does where nothing is mapped. */
enum bus_unassigned { BUS_UNASSIGNED_ERROR, BUS_UNASSIGNED_ZEROS, BUS_UNASSIGNED_ONES };

enum bus_result {
    BUS_OK,
    BUS_ERROR, /* no device answered, or it refused: a synchronous fault for a CPU */
};

/* Widths, a mask of byte counts. */
#define BUS_WIDTH_8   1
#define BUS_WIDTH_16  2
#define BUS_WIDTH_32  4
#define BUS_WIDTH_64  8
#define BUS_WIDTH_ANY 15

typedef uint64_t (*bus_read_fn)(struct device *dev, uint64_t offset, unsigned size);
typedef void (*bus_write_fn)(struct device *dev, uint64_t offset, uint64_t value, unsigned size);

/* Translation of a BUS_IOMMU region: the target address of `address` (offset in the region), and how many
 * bytes from there on are contiguous under the same entry. False = no valid (or no writable) entry: a bus
 * error. */
typedef bool (*bus_translate_fn)(struct device *dev, uint64_t address, bool write, uint64_t *target,
                                 uint64_t *length);

/* A region as declared; the owner may keep it in its own struct or let bus_map() copy it. */
struct bus_region {
    const char *name;
    uint64_t start, size;
    enum bus_kind kind;
    int priority;
    bool disabled;

    /* BUS_MMIO */
    struct device *dev;
    bus_read_fn read;         /* NULL: reads zero */
    bus_write_fn write;       /* NULL: writes vanish */
    uint8_t widths;           /* BUS_WIDTH_*; 0 = any */
    uint64_t register_offset; /* added to the offsets that the callbacks see: several windows on one register
                                 file */
    bool strict;              /* other widths are bus errors */
    enum bus_endian endian;

    /* BUS_RAM, BUS_ROM */
    struct ram_block *block;
    /* BUS_RAM, BUS_ROM: offset in the block; BUS_ALIAS: address on `target` */
    uint64_t offset;
    bool write_error; /* BUS_ROM: a write is a bus error */

    /* BUS_ALIAS, BUS_IOMMU */
    struct bus *target;
    bus_translate_fn translate;

    struct bus *bus; /* set by bus_map() */
};

/* One piece of the flat view. */
struct bus_range {
    uint64_t start,
        end; /* end is exclusive; the top of the address space is UINT64_MAX, whose last byte is lost */
    struct bus_region *region;
};

struct bus *bus_new(struct memory *memory, const char *name, enum bus_endian endian,
                    enum bus_unassigned unassigned);
void bus_free(struct bus *bus);
const char *bus_name(const struct bus *bus);
enum bus_endian bus_endian(const struct bus *bus);
struct memory *bus_memory(const struct bus *bus);

/* Copies the region; the returned one belongs to the bus, stays valid until bus_unmap() and may be passed to
 * bus_move()/bus_enable(). Each change bumps the generation and tells the listeners. */
struct bus_region *bus_map(struct bus *bus, const struct bus_region *region);
void bus_unmap(struct bus_region *region);
void bus_move(struct bus_region *region, uint64_t start);
void bus_enable(struct bus_region *region, bool enabled);
/* Several changes, one new view. Nests. */
void bus_begin_change(struct bus *bus);
void bus_end_change(struct bus *bus);

/* Grows by one with each change of any view of this memory. */
uint32_t memory_map_generation(const struct memory *memory);

/* The piece of the flat view that holds `address`, or NULL. */
const struct bus_range *bus_find(struct bus *bus, uint64_t address);
/* The whole flat view, sorted; valid until the next change. */
const struct bus_range *bus_view(struct bus *bus, unsigned *count);
/* Offset of an address inside the region of a piece. */
static inline uint64_t bus_offset(const struct bus_range *range, uint64_t address)
{
    return address - range->region->start;
}

/* Follows aliases (not IOMMUs). For RAM and ROM: host pointer of `address`, the block, the offset in it and
 * the number of contiguous bytes from there on; NULL for everything else. */
uint8_t *bus_host_pointer(struct bus *bus, uint64_t address, struct ram_block **block, uint64_t *offset,
                          uint64_t *length);

/* One access of 1, 2, 4 or 8 bytes in the bus's byte order; a failed read gives *value = 0. */
enum bus_result bus_read(struct bus *bus, uint64_t address, unsigned size, uint64_t *value);
enum bus_result bus_write(struct bus *bus, uint64_t address, unsigned size, uint64_t value);

/* Byte strings, for DMA and loaders: any length, any alignment; RAM by memcpy, MMIO byte by byte. On
 * BUS_ERROR the bytes before the failing one were transferred. dma_write() honours page flags; rom_write()
 * also fills ROM. */
enum bus_result dma_read(struct bus *bus, uint64_t address, void *data, uint64_t size);
enum bus_result dma_write(struct bus *bus, uint64_t address, const void *data, uint64_t size);
enum bus_result rom_write(struct bus *bus, uint64_t address, const void *data, uint64_t size);

/* Called by a device inside its read or write callback: this access ends in a bus error. */
void bus_signal_error(struct bus *bus);

/* One line per piece of the flat view, for `vitrine info` and tests; free with g_free(). */
char *bus_describe(struct bus *bus);
