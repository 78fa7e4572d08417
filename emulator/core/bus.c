/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory blocks, buses and their flat views, and the one place where widths and byte orders are converted. */
#include "emulator/core/bus.h"
#include "emulator/core/i18n.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

/* Aliases of aliases end somewhere; a loop of them reads as unassigned. */
#define MAX_ALIAS_DEPTH 8

struct memory {
    GPtrArray *blocks;
    GPtrArray *listeners;
    uint32_t generation;
    uint64_t device_writes;
};

struct bus {
    struct memory *memory;
    char *name;
    enum bus_endian endian;
    enum bus_unassigned unassigned;
    GPtrArray *regions; /* struct bus_region *, owned, in order of mapping */
    GArray *view;       /* struct bus_range, sorted */
    unsigned last;      /* index of the last hit */
    unsigned change_depth;
    bool changed;
    bool error;     /* a device signalled during the access under way */
    unsigned depth; /* of aliases being followed */
};

/* ---- memory ---- */

/* Behind each block: who runs over its end faults there and then, instead of writing into a neighbour. */
#define GUARD_SIZE RAM_PAGE_SIZE

struct memory *memory_new(void)
{
    struct memory *memory = g_new0(struct memory, 1);
    memory->blocks = g_ptr_array_new();
    memory->listeners = g_ptr_array_new();
    return memory;
}

void memory_free(struct memory *memory)
{
    if (!memory)
        return;
    for (unsigned i = 0; i < memory->blocks->len; i++) {
        struct ram_block *block = memory->blocks->pdata[i];
        munmap(block->host, block->size + GUARD_SIZE);
        g_free(block->page_flags);
        g_free(block->written_at);
        g_free(block->id);
        g_free(block);
    }
    g_ptr_array_unref(memory->blocks);
    g_ptr_array_unref(memory->listeners);
    g_free(memory);
}

void memory_add_listener(struct memory *memory, struct memory_listener *listener)
{
    g_ptr_array_add(memory->listeners, listener);
}

void memory_remove_listener(struct memory *memory, struct memory_listener *listener)
{
    g_ptr_array_remove(memory->listeners, listener);
}

struct ram_block *ram_block_new(struct memory *memory, const char *id, uint64_t size, bool rom,
                                GError **error)
{
    size = (size + RAM_PAGE_SIZE - 1) & ~(RAM_PAGE_SIZE - 1);
    char *host = mmap(NULL, size + GUARD_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED || mprotect(host + size, GUARD_SIZE, PROT_NONE) < 0) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_HOST,
                    _("There is not enough memory for %" PRIu64 " MiB of the machine’s “%s”: %s."),
                    size >> 20, id, g_strerror(errno));
        if (host != MAP_FAILED)
            munmap(host, size + GUARD_SIZE);
        return NULL;
    }
    struct ram_block *block = g_new0(struct ram_block, 1);
    block->memory = memory;
    block->id = g_strdup(id);
    block->host = (uint8_t *)host;
    block->size = size;
    block->page_flags = g_malloc0(size >> RAM_PAGE_BITS);
    block->rom = rom;
    g_ptr_array_add(memory->blocks, block);
    return block;
}

const GPtrArray *memory_blocks(const struct memory *memory)
{
    return memory->blocks;
}

uint64_t memory_device_writes(const struct memory *memory)
{
    return memory->device_writes;
}

uint32_t memory_map_generation(const struct memory *memory)
{
    return memory->generation;
}

void ram_note_write_slow(struct ram_block *block, uint64_t offset, uint64_t size)
{
    if (!size || offset >= block->size)
        return;
    uint64_t first = offset >> RAM_PAGE_BITS, last = (MIN(offset + size, block->size) - 1) >> RAM_PAGE_BITS;
    bool code = false;
    for (uint64_t page = first; page <= last; page++) {
        code |= block->page_flags[page] & RAM_PAGE_CODE;
        block->page_flags[page] &= (uint8_t)~RAM_PAGE_CLEAN_MASK;
    }
    if (!code)
        return;
    for (unsigned i = 0; i < block->memory->listeners->len; i++) {
        struct memory_listener *listener = block->memory->listeners->pdata[i];
        if (listener->code_written)
            listener->code_written(listener->opaque, block, offset, size);
    }
}

bool ram_take_dirty(struct ram_block *block, enum ram_page_flag clean_flag, uint64_t offset, uint64_t size,
                    uint8_t *dirty)
{
    if (!size || offset >= block->size)
        return false;
    uint64_t first = offset >> RAM_PAGE_BITS, last = (MIN(offset + size, block->size) - 1) >> RAM_PAGE_BITS;
    bool any = false;
    for (uint64_t page = first; page <= last; page++) {
        bool is_dirty = !(block->page_flags[page] & clean_flag);
        any |= is_dirty;
        if (dirty)
            dirty[page - first] = is_dirty;
        block->page_flags[page] |= (uint8_t)clean_flag;
    }
    if (!any)
        return false;
    for (unsigned i = 0; i < block->memory->listeners->len; i++) {
        struct memory_listener *listener = block->memory->listeners->pdata[i];
        if (listener->tracking_armed)
            listener->tracking_armed(listener->opaque, block, first << RAM_PAGE_BITS,
                                     (last - first + 1) << RAM_PAGE_BITS);
    }
    return true;
}

void ram_set_dirty(struct ram_block *block, enum ram_page_flag clean_flag)
{
    for (uint64_t page = 0; page < block->size >> RAM_PAGE_BITS; page++)
        block->page_flags[page] &= (uint8_t)~clean_flag;
}

/* ---- the view ---- */

struct bus *bus_new(struct memory *memory, const char *name, enum bus_endian endian,
                    enum bus_unassigned unassigned)
{
    struct bus *bus = g_new0(struct bus, 1);
    bus->memory = memory;
    bus->name = g_strdup(name);
    bus->endian = endian;
    bus->unassigned = unassigned;
    bus->regions = g_ptr_array_new_with_free_func(g_free);
    bus->view = g_array_new(FALSE, FALSE, sizeof(struct bus_range));
    return bus;
}

void bus_free(struct bus *bus)
{
    if (!bus)
        return;
    g_ptr_array_unref(bus->regions);
    g_array_unref(bus->view);
    g_free(bus->name);
    g_free(bus);
}

const char *bus_name(const struct bus *bus)
{
    return bus->name;
}

enum bus_endian bus_endian(const struct bus *bus)
{
    return bus->endian;
}

struct memory *bus_memory(const struct bus *bus)
{
    return bus->memory;
}

static int by_priority(const void *a, const void *b)
{
    const struct bus_region *ra = *(struct bus_region *const *)a, *rb = *(struct bus_region *const *)b;
    return rb->priority - ra->priority;
}

static int by_start(const void *a, const void *b)
{
    const struct bus_range *ra = a, *rb = b;
    return ra->start < rb->start ? -1 : ra->start > rb->start;
}

/* Adds the parts of the region that the view does not cover yet; the view is sorted. */
static void add_uncovered(GArray *view, struct bus_region *region)
{
    uint64_t at = region->start,
             end = region->size > UINT64_MAX - region->start ? UINT64_MAX : at + region->size;
    unsigned covered = view->len;
    for (unsigned i = 0; i < covered && at < end; i++) {
        struct bus_range range = g_array_index(view, struct bus_range, i);
        if (range.end <= at)
            continue;
        if (range.start >= end)
            break;
        if (range.start > at) {
            struct bus_range piece = {at, range.start, region};
            g_array_append_val(view, piece);
        }
        at = range.end;
    }
    if (at < end) {
        struct bus_range piece = {at, end, region};
        g_array_append_val(view, piece);
    }
    g_array_sort(view, by_start);
}

static void rebuild(struct bus *bus)
{
    if (bus->change_depth) {
        bus->changed = true;
        return;
    }
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    for (unsigned i = bus->regions->len; i-- > 0;) { /* the latest first; the sort is stable */
        struct bus_region *region = bus->regions->pdata[i];
        if (!region->disabled && region->size)
            g_ptr_array_add(order, region);
    }
    g_ptr_array_sort(order, by_priority);
    g_array_set_size(bus->view, 0);
    for (unsigned i = 0; i < order->len; i++)
        add_uncovered(bus->view, order->pdata[i]);
    bus->last = 0;
    bus->changed = false;
    bus->memory->generation++;
    for (unsigned i = 0; i < bus->memory->listeners->len; i++) {
        struct memory_listener *listener = bus->memory->listeners->pdata[i];
        if (listener->map_changed)
            listener->map_changed(listener->opaque, bus);
    }
}

struct bus_region *bus_map(struct bus *bus, const struct bus_region *region)
{
    struct bus_region *copy = g_memdup2(region, sizeof *region);
    copy->bus = bus;
    if (!copy->widths)
        copy->widths = BUS_WIDTH_ANY;
    g_ptr_array_add(bus->regions, copy);
    rebuild(bus);
    return copy;
}

void bus_unmap(struct bus_region *region)
{
    if (!region)
        return;
    struct bus *bus = region->bus;
    g_ptr_array_remove(bus->regions, region);
    rebuild(bus);
}

void bus_move(struct bus_region *region, uint64_t start)
{
    if (region->start != start) {
        region->start = start;
        rebuild(region->bus);
    }
}

void bus_enable(struct bus_region *region, bool enabled)
{
    if (region->disabled == enabled) {
        region->disabled = !enabled;
        rebuild(region->bus);
    }
}

void bus_begin_change(struct bus *bus)
{
    bus->change_depth++;
}

void bus_end_change(struct bus *bus)
{
    g_assert(bus->change_depth);
    if (!--bus->change_depth && bus->changed)
        rebuild(bus);
}

const struct bus_range *bus_find(struct bus *bus, uint64_t address)
{
    const struct bus_range *view = (const struct bus_range *)bus->view->data;
    unsigned count = bus->view->len;
    if (bus->last < count && address >= view[bus->last].start && address < view[bus->last].end)
        return &view[bus->last];
    unsigned low = 0, high = count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (address < view[middle].start)
            high = middle;
        else if (address >= view[middle].end)
            low = middle + 1;
        else {
            bus->last = middle;
            return &view[middle];
        }
    }
    return NULL;
}

const struct bus_range *bus_view(struct bus *bus, unsigned *count)
{
    *count = bus->view->len;
    return (const struct bus_range *)bus->view->data;
}

uint8_t *bus_host_pointer(struct bus *bus, uint64_t address, struct ram_block **block, uint64_t *offset,
                          uint64_t *length)
{
    uint64_t limit = UINT64_MAX;
    for (int depth = 0; depth < MAX_ALIAS_DEPTH; depth++) {
        const struct bus_range *range = bus_find(bus, address);
        if (!range)
            return NULL;
        const struct bus_region *region = range->region;
        limit = MIN(limit, range->end - address);
        uint64_t in_region = bus_offset(range, address);
        if (region->kind == BUS_RAM || region->kind == BUS_ROM) {
            uint64_t at = region->offset + in_region;
            if (at >= region->block->size)
                return NULL;
            *block = region->block;
            *offset = at;
            *length = MIN(limit, region->block->size - at);
            return region->block->host + at;
        }
        if (region->kind != BUS_ALIAS)
            return NULL;
        bus = region->target;
        address = region->offset + in_region;
    }
    return NULL;
}

/* ---- accesses ---- */

static uint64_t swap(uint64_t value, unsigned size)
{
    switch (size) {
    case 2: return GUINT16_SWAP_LE_BE((uint16_t)value);
    case 4: return GUINT32_SWAP_LE_BE((uint32_t)value);
    case 8: return GUINT64_SWAP_LE_BE(value);
    default: return value;
    }
}

static uint64_t mask_of(unsigned size)
{
    return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (size * 8)) - 1;
}

static uint64_t load_host(const uint8_t *host, unsigned size, enum bus_endian endian)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)host[i] << 8 * (endian == BUS_BIG_ENDIAN ? size - 1 - i : i);
    return value;
}

static void store_host(uint8_t *host, unsigned size, uint64_t value, enum bus_endian endian)
{
    for (unsigned i = 0; i < size; i++)
        host[i] = (uint8_t)(value >> 8 * (endian == BUS_BIG_ENDIAN ? size - 1 - i : i));
}

/* One access of a width that the region declares; the value is in the region's byte order. */
static enum bus_result callback(struct bus *bus, const struct bus_region *region, uint64_t offset,
                                unsigned size, bool write, uint64_t *value)
{
    bool saved = bus->error;
    bus->error = false;
    offset += region->register_offset;
    if (write) {
        bus->memory->device_writes++;
        if (region->write)
            region->write(region->dev, offset, *value & mask_of(size), size);
    } else {
        *value = region->read ? region->read(region->dev, offset, size) & mask_of(size) : 0;
    }
    enum bus_result result = bus->error ? BUS_ERROR : BUS_OK;
    bus->error = saved;
    return result;
}

static enum bus_result mmio(struct bus *bus, const struct bus_region *region, uint64_t offset, unsigned size,
                            bool write, uint64_t *value)
{
    const bool swapped = region->endian != bus->endian;
    if ((region->widths & size) && !(offset & (size - 1))) {
        uint64_t v = swapped ? swap(*value, size) : *value;
        enum bus_result result = callback(bus, region, offset, size, write, &v);
        *value = swapped ? swap(v, size) : v;
        return result;
    }
    if (region->strict)
        return BUS_ERROR;
    /* The widest declared part that fits and is aligned. */
    unsigned part = size;
    while (part && (!(region->widths & part) || (offset & (part - 1))))
        part >>= 1;
    if (part) {
        uint64_t whole = 0;
        for (unsigned i = 0; i < size; i += part) {
            unsigned shift = 8 * (bus->endian == BUS_BIG_ENDIAN ? size - part - i : i);
            uint64_t v = write ? (*value >> shift) & mask_of(part) : 0;
            enum bus_result result = mmio(bus, region, offset + i, part, write, &v);
            if (result != BUS_OK)
                return result;
            whole |= v << shift;
        }
        if (!write)
            *value = whole;
        return BUS_OK;
    }
    /* Narrower than the register: its lanes. */
    unsigned width = size;
    while (width < 8 && !(region->widths & width))
        width <<= 1;
    unsigned in = (unsigned)(offset & (width - 1));
    if (in + size > width) { /* unaligned across two registers: byte by byte */
        uint64_t whole = 0;
        for (unsigned i = 0; i < size; i++) {
            unsigned shift = 8 * (bus->endian == BUS_BIG_ENDIAN ? size - 1 - i : i);
            uint64_t v = (*value >> shift) & 0xff;
            enum bus_result result = mmio(bus, region, offset + i, 1, write, &v);
            if (result != BUS_OK)
                return result;
            whole |= v << shift;
        }
        if (!write)
            *value = whole;
        return BUS_OK;
    }
    if (write) {
        uint64_t v = swapped ? swap(*value, size) : *value, all = 0;
        for (unsigned i = 0; i < width; i += size)
            all |= (v & mask_of(size)) << (8 * i);
        return callback(bus, region, offset - in, width, true, &all);
    }
    uint64_t reg = 0;
    enum bus_result result = callback(bus, region, offset - in, width, false, &reg);
    reg = (reg >> 8 * (region->endian == BUS_BIG_ENDIAN ? width - size - in : in)) & mask_of(size);
    *value = swapped ? swap(reg, size) : reg;
    return result;
}

static enum bus_result access_bus(struct bus *bus, uint64_t address, unsigned size, bool write,
                                  uint64_t *value);

/* An access that crosses the end of a piece. */
static enum bus_result access_bytes(struct bus *bus, uint64_t address, unsigned size, bool write,
                                    uint64_t *value)
{
    uint64_t whole = 0;
    for (unsigned i = 0; i < size; i++) {
        unsigned shift = 8 * (bus->endian == BUS_BIG_ENDIAN ? size - 1 - i : i);
        uint64_t v = (*value >> shift) & 0xff;
        enum bus_result result = access_bus(bus, address + i, 1, write, &v);
        if (result != BUS_OK)
            return result;
        whole |= v << shift;
    }
    if (!write)
        *value = whole;
    return BUS_OK;
}

/* The value is in this bus's byte order. */
static enum bus_result access_bus(struct bus *bus, uint64_t address, unsigned size, bool write,
                                  uint64_t *value)
{
    const struct bus_range *range = bus_find(bus, address);
    if (!range) {
        if (bus->unassigned == BUS_UNASSIGNED_ERROR)
            return BUS_ERROR;
        if (!write)
            *value = bus->unassigned == BUS_UNASSIGNED_ONES ? mask_of(size) : 0;
        return BUS_OK;
    }
    if (range->end - address < size)
        return access_bytes(bus, address, size, write, value);
    struct bus_region *region = range->region;
    uint64_t offset = bus_offset(range, address);
    switch (region->kind) {
    case BUS_RAM:
    case BUS_ROM: {
        struct ram_block *block = region->block;
        uint64_t at = region->offset + offset;
        if (at > block->size || block->size - at < size)
            return BUS_ERROR;
        if (!write) {
            *value = load_host(block->host + at, size, bus->endian);
        } else if (region->kind == BUS_RAM && !block->rom) {
            ram_prepare_write(block, at, size);
            store_host(block->host + at, size, *value, bus->endian);
            ram_note_write(block, at, size);
        } else if (region->write_error) {
            return BUS_ERROR;
        }
        return BUS_OK;
    }
    case BUS_MMIO: return mmio(bus, region, offset, size, write, value);
    case BUS_ALIAS:
    case BUS_IOMMU: {
        struct bus *target = region->target;
        uint64_t to = region->offset + offset;
        if (region->kind == BUS_IOMMU) {
            uint64_t length = 0;
            if (!region->translate(region->dev, offset, write, &to, &length))
                return BUS_ERROR;
            if (length < size)
                return access_bytes(bus, address, size, write, value);
        }
        if (bus->depth >= MAX_ALIAS_DEPTH)
            return BUS_ERROR;
        bus->depth++;
        bool swapped = target->endian != bus->endian;
        uint64_t v = swapped ? swap(*value, size) : *value;
        enum bus_result result = access_bus(target, to, size, write, &v);
        *value = swapped ? swap(v, size) : v;
        bus->depth--;
        return result;
    }
    case BUS_EMPTY:
        if (!write)
            *value = 0;
        return BUS_OK;
    }
    return BUS_ERROR;
}

enum bus_result bus_read(struct bus *bus, uint64_t address, unsigned size, uint64_t *value)
{
    uint64_t v = 0;
    enum bus_result result = access_bus(bus, address, size, false, &v);
    *value = result == BUS_OK ? v : 0;
    return result;
}

enum bus_result bus_write(struct bus *bus, uint64_t address, unsigned size, uint64_t value)
{
    value &= mask_of(size);
    return access_bus(bus, address, size, true, &value);
}

void bus_signal_error(struct bus *bus)
{
    bus->error = true;
}

enum transfer { TRANSFER_READ, TRANSFER_WRITE, TRANSFER_FILL_ROM };

static enum bus_result transfer(struct bus *bus, uint64_t address, uint8_t *data, uint64_t size,
                                enum transfer how)
{
    if (bus->depth >= MAX_ALIAS_DEPTH)
        return BUS_ERROR;
    enum bus_result result = BUS_OK;
    bus->depth++;
    while (size && result == BUS_OK) {
        const struct bus_range *range = bus_find(bus, address);
        uint64_t chunk = 1, length;
        if (!range) {
            uint64_t v = *data;
            result = access_bus(bus, address, 1, how != TRANSFER_READ, &v);
            if (how == TRANSFER_READ)
                *data = (uint8_t)v;
        } else {
            struct bus_region *region = range->region;
            uint64_t offset = bus_offset(range, address);
            chunk = MIN(size, range->end - address);
            switch (region->kind) {
            case BUS_RAM:
            case BUS_ROM: {
                struct ram_block *block = region->block;
                uint64_t at = region->offset + offset;
                if (at >= block->size) {
                    result = BUS_ERROR;
                    break;
                }
                chunk = MIN(chunk, block->size - at);
                if (how == TRANSFER_READ) {
                    memcpy(data, block->host + at, chunk);
                } else if (how == TRANSFER_FILL_ROM || (region->kind == BUS_RAM && !block->rom)) {
                    ram_prepare_write(block, at, chunk);
                    memcpy(block->host + at, data, chunk);
                    ram_note_write(block, at, chunk);
                } else if (region->write_error) {
                    result = BUS_ERROR;
                }
                break;
            }
            case BUS_IOMMU: {
                uint64_t to;
                if (!region->translate(region->dev, offset, how != TRANSFER_READ, &to, &length) || !length) {
                    result = BUS_ERROR;
                    break;
                }
                chunk = MIN(chunk, length);
                result = transfer(region->target, to, data, chunk, how);
                break;
            }
            case BUS_ALIAS:
                result = transfer(region->target, region->offset + offset, data, chunk, how);
                break;
            case BUS_MMIO: {
                unsigned width = 4;
                while (width > 1 && (!(region->widths & width) || width > chunk || (address & (width - 1))))
                    width >>= 1;
                chunk = width;
                uint64_t v = how == TRANSFER_READ ? 0 : load_host(data, width, bus->endian);
                result = access_bus(bus, address, width, how != TRANSFER_READ, &v);
                if (how == TRANSFER_READ)
                    store_host(data, width, v, bus->endian);
                break;
            }
            case BUS_EMPTY:
                if (how == TRANSFER_READ)
                    memset(data, 0, chunk);
                break;
            }
        }
        address += chunk;
        data += chunk;
        size -= chunk;
    }
    bus->depth--;
    return result;
}

enum bus_result dma_read(struct bus *bus, uint64_t address, void *data, uint64_t size)
{
    return transfer(bus, address, data, size, TRANSFER_READ);
}

enum bus_result dma_write(struct bus *bus, uint64_t address, const void *data, uint64_t size)
{
    return transfer(bus, address, (uint8_t *)(uintptr_t)data, size, TRANSFER_WRITE);
}

enum bus_result rom_write(struct bus *bus, uint64_t address, const void *data, uint64_t size)
{
    return transfer(bus, address, (uint8_t *)(uintptr_t)data, size, TRANSFER_FILL_ROM);
}

char *bus_describe(struct bus *bus)
{
    static const char *const kinds[] = {"RAM", "ROM", "registers", "alias", "IOMMU", "empty"};
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < bus->view->len; i++) {
        const struct bus_range *range = &g_array_index(bus->view, struct bus_range, i);
        const struct bus_region *region = range->region;
        g_string_append_printf(text, "%09" G_GINT64_MODIFIER "x-%09" G_GINT64_MODIFIER "x %-9s %s%s%s\n",
                               range->start, range->end - 1, kinds[region->kind],
                               region->name ? region->name : "", region->dev ? " of " : "",
                               region->dev ? region->dev->id : "");
    }
    return g_string_free(text, FALSE);
}
