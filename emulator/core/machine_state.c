/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Saving and loading a whole machine: chunks of devices, clock and RAM, all checked before anything changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "emulator/core/machine_private.h"
#include "emulator/core/i18n.h"
#include "images/images.h"

#define MAGIC          "VITRINE"
#define FORMAT_VERSION 2 /* 1: all memory in the file; still read */
#define ZSTD_LEVEL     1
/* RAM is cut into frames of this size; a frame of zeros takes no room. */
#define RAM_FRAME (UINT64_C(4) << 20)

enum frame_kind {
    FRAME_ZERO,
    FRAME_RAW,
    FRAME_ZSTD,
    FRAME_ELSEWHERE, /* of the whole block: its contents are not in this file */
};
/* What a saved state does with memory. */
enum memory_mode { MEMORY_RAW, MEMORY_PACKED, MEMORY_ELSEWHERE };

/* ---- saving ---- */

static guint begin_chunk(GByteArray *out, const char *tag, uint32_t version)
{
    state_put_string(out, tag);
    state_put_u32(out, version);
    state_put_u64(out, 0);
    return out->len;
}

static void end_chunk(GByteArray *out, guint start)
{
    uint64_t size = GUINT64_TO_LE((uint64_t)(out->len - start));
    memcpy(out->data + start - 8, &size, 8);
}

static bool is_zero(const uint8_t *data, uint64_t size)
{
    return !data[0] && !memcmp(data, data + 1, size - 1);
}

static void save_block(const struct ram_block *block, enum memory_mode mode, GByteArray *out)
{
    state_put_u64(out, block->size);
    if (mode == MEMORY_ELSEWHERE) {
        state_put_u32(out, FRAME_ELSEWHERE);
        return;
    }
    for (uint64_t at = 0; at < block->size; at += RAM_FRAME) {
        uint64_t size = MIN(RAM_FRAME, block->size - at);
        if (is_zero(block->host + at, size)) {
            state_put_u32(out, FRAME_ZERO);
        } else if (mode == MEMORY_RAW) {
            state_put_u32(out, FRAME_RAW);
            g_byte_array_append(out, block->host + at, (guint)size);
        } else {
            size_t bound = ZSTD_compressBound(size);
            g_autofree uint8_t *packed = g_malloc(bound);
            size_t length = ZSTD_compress(packed, bound, block->host + at, size, ZSTD_LEVEL);
            if (ZSTD_isError(length)) {
                state_put_u32(out, FRAME_RAW);
                g_byte_array_append(out, block->host + at, (guint)size);
                continue;
            }
            state_put_u32(out, FRAME_ZSTD);
            state_put_u64(out, length);
            g_byte_array_append(out, packed, (guint)length);
        }
    }
}

static GByteArray *save_parts(struct machine *machine, enum memory_mode mode, GError **error)
{
    machine_drain_blocks(machine);
    if (machine->priv->parked) {
        g_set_error(
            error, STATE_ERROR, STATE_ERROR_IO,
            _("The machine waits for room on the host’s disk; make room and resume it before it is saved."));
        return NULL;
    }
    uint64_t total = 0;
    const GPtrArray *blocks = memory_blocks(machine->memory);
    for (unsigned i = 0; i < blocks->len; i++)
        total += ((struct ram_block *)blocks->pdata[i])->size;
    if (mode != MEMORY_ELSEWHERE && total > UINT64_C(3) << 30) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_IO, _("The machine has too much memory to be saved."));
        return NULL;
    }
    GByteArray *out = g_byte_array_new();
    g_byte_array_append(out, (const uint8_t *)MAGIC, 8);
    state_put_u32(out, FORMAT_VERSION);
    state_put_u32(out, 3 + machine->devices->len + blocks->len);

    guint at = begin_chunk(out, "machine", 1);
    state_put_string(out, machine->id);
    state_put_u64(out, machine_icount(machine));
    state_put_u64(out, (uint64_t)machine->options.rtc_base);
    state_put_u32(out, machine->current_cpu);
    end_chunk(out, at);

    at = begin_chunk(out, "clock", 1);
    clock_save(machine->clock, out);
    end_chunk(out, at);

    for (unsigned i = 0; i < machine->devices->len; i++) {
        struct device *dev = machine->devices->pdata[i];
        if (dev->cls->prepare_save)
            dev->cls->prepare_save(dev);
        g_autofree char *tag = g_strdup_printf("device %s %s", dev->cls->name, dev->id);
        at = begin_chunk(out, tag, dev->cls->version);
        state_save_fields(dev->cls->fields, dev->state, out);
        end_chunk(out, at);
    }
    for (unsigned i = 0; i < blocks->len; i++) {
        const struct ram_block *block = blocks->pdata[i];
        g_autofree char *tag = g_strdup_printf("memory %s", block->id);
        at = begin_chunk(out, tag, 1);
        save_block(block, mode, out);
        end_chunk(out, at);
    }
    at = begin_chunk(out, "end", 1);
    state_put_u32(out, 0);
    end_chunk(out, at);
    uint32_t crc = GUINT32_TO_LE((uint32_t)crc32_z(0, out->data, at));
    memcpy(out->data + at, &crc, sizeof crc);
    return out;
}

GByteArray *machine_save_bytes(struct machine *machine, bool compress, GError **error)
{
    return save_parts(machine, compress ? MEMORY_PACKED : MEMORY_RAW, error);
}

GByteArray *machine_save_devices(struct machine *machine, GError **error)
{
    return save_parts(machine, MEMORY_ELSEWHERE, error);
}

/* What the guest has written stands in the images: a state that is on the disk before that is one of another disk when
 * the host dies in between. */
static bool flush_blocks(struct machine *machine, GError **error)
{
    for (unsigned i = 0; i < machine->block_backends->len; i++) {
        struct Image *image = block_backend_image(machine->block_backends->pdata[i]);
        if (image && image_is_writable(image) && !image_flush(image, error))
            return false;
    }
    return true;
}

bool machine_save(struct machine *machine, const char *path, GError **error)
{
    g_autoptr(GByteArray) bytes = machine_save_bytes(machine, true, error);
    if (!bytes || !flush_blocks(machine, error))
        return false;
    g_autofree char *temporary = g_strdup_printf("%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0;
    for (guint at = 0; ok && at < bytes->len;) {
        ssize_t n = write(fd, bytes->data + at, bytes->len - at);
        if (n > 0)
            at += (guint)n;
        else if (errno != EINTR)
            ok = false;
    }
    ok = ok && !fsync(fd);
    int failure = errno;
    if (fd >= 0 && close(fd) && ok) {
        ok = false;
        failure = errno;
    }
    if (ok && rename(temporary, path)) {
        ok = false;
        failure = errno;
    }
    if (!ok) {
        if (fd >= 0)
            unlink(temporary);
        g_set_error(error, STATE_ERROR, STATE_ERROR_IO,
                    _("The machine’s state could not be written to “%s”: %s."), path, g_strerror(failure));
        return false;
    }
    g_autofree char *folder = g_path_get_dirname(path);
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd >= 0) {
        fsync(folder_fd);
        close(folder_fd);
    }
    return true;
}

/* ---- loading ---- */

struct chunk {
    char *tag;
    uint32_t version;
    const uint8_t *data;
    size_t size;
};

static void chunk_clear(gpointer data)
{
    g_free(((struct chunk *)data)->tag);
}

static bool damaged(GError **error, const char *what)
{
    g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The saved state is damaged (%s)."), what);
    return false;
}

static bool parse_chunks(const uint8_t *data, size_t size, GArray *chunks, GError **error)
{
    struct state_reader reader = {.data = data, .size = size, .ok = true};
    const uint8_t *magic = state_get_bytes(&reader, 8);
    if (!magic || memcmp(magic, MAGIC, 8)) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT,
                    _("This is not a saved state of a Vitrine machine."));
        return false;
    }
    uint32_t version = state_get_u32(&reader), count = state_get_u32(&reader);
    if (reader.ok && (!version || version > FORMAT_VERSION)) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                    _("The saved state has format %u; this Vitrine reads formats 1 to %u."), version, FORMAT_VERSION);
        return false;
    }
    for (uint32_t i = 0; reader.ok && i < count; i++) {
        struct chunk chunk = {.tag = state_get_string(&reader)};
        chunk.version = state_get_u32(&reader);
        uint64_t length = state_get_u64(&reader);
        chunk.data = length <= SIZE_MAX ? state_get_bytes(&reader, (size_t)length) : NULL;
        chunk.size = (size_t)length;
        g_array_append_val(chunks, chunk);
    }
    if (!reader.ok || reader.at != size || !chunks->len)
        return damaged(error, "it ends early");
    const struct chunk *end = &g_array_index(chunks, struct chunk, chunks->len - 1);
    if (strcmp(end->tag, "end") || end->size != 4)
        return damaged(error, "it has no end");
    struct state_reader crc = {.data = end->data, .size = 4, .ok = true};
    if (state_get_u32(&crc) != (uint32_t)crc32_z(0, data, (z_size_t)(end->data - data)))
        return damaged(error, "its checksum is wrong");
    return true;
}

static const struct chunk *find_chunk(const GArray *chunks, const char *tag, GError **error)
{
    for (unsigned i = 0; i < chunks->len; i++) {
        const struct chunk *chunk = &g_array_index(chunks, struct chunk, i);
        if (!strcmp(chunk->tag, tag))
            return chunk;
    }
    g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                _("The saved state is of another machine: it lacks “%s” of this one."), tag);
    return NULL;
}

/* Are the block's contents not in the file? */
static bool is_elsewhere(const struct chunk *chunk)
{
    struct state_reader reader = {.data = chunk->data, .size = chunk->size, .ok = true};
    state_get_u64(&reader);
    return state_get_u32(&reader) == FRAME_ELSEWHERE && reader.ok && reader.at == reader.size;
}

/* Such a block's contents in memory of their own, whole before anything changes; NULL with a sentence. */
static uint8_t *fetch_block(const struct ram_block *block, const struct chunk *chunk,
                            const struct state_memory *memory, GError **error)
{
    struct state_reader reader = {.data = chunk->data, .size = chunk->size, .ok = true};
    if (state_get_u64(&reader) != block->size) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                    _("The saved state was made with another size of the memory “%s”."), block->id);
        return NULL;
    }
    if (!memory) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                    _("The saved state belongs to a history and cannot be loaded without it."));
        return NULL;
    }
    void *host = mmap(NULL, block->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_IO, _("There is not enough memory to load the state: %s."),
                    g_strerror(errno));
        return NULL;
    }
    if (memory->load(memory->opaque, block->id, host, block->size, error))
        return host;
    munmap(host, block->size);
    return NULL;
}

/* Pages that are the same stay untouched: not written, and not in use on the host if they were not before. */
static void take_block(struct ram_block *block, const uint8_t *from)
{
    for (uint64_t at = 0; at < block->size; at += RAM_PAGE_SIZE) {
        if (!memcmp(block->host + at, from + at, RAM_PAGE_SIZE))
            continue;
        ram_prepare_write(block, at, RAM_PAGE_SIZE);
        memcpy(block->host + at, from + at, RAM_PAGE_SIZE);
        ram_note_write(block, at, RAM_PAGE_SIZE);
    }
}

/* Reads a block's frames; `to` NULL only checks. */
static bool load_block(const struct ram_block *block, const struct chunk *chunk, uint8_t *to, GError **error)
{
    struct state_reader reader = {.data = chunk->data, .size = chunk->size, .ok = true};
    if (state_get_u64(&reader) != block->size) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                    _("The saved state was made with another size of the memory “%s”."), block->id);
        return false;
    }
    g_autofree uint8_t *scratch = to ? NULL : g_malloc(MIN(RAM_FRAME, block->size));
    for (uint64_t at = 0; at < block->size; at += RAM_FRAME) {
        uint64_t size = MIN(RAM_FRAME, block->size - at);
        uint8_t *target = to ? to + at : scratch;
        switch (state_get_u32(&reader)) {
        case FRAME_ZERO:
            if (to && !is_zero(target, size))
                memset(target, 0, size);
            break;
        case FRAME_RAW: {
            const uint8_t *bytes = state_get_bytes(&reader, size);
            if (bytes && to)
                memcpy(target, bytes, size);
            break;
        }
        case FRAME_ZSTD: {
            uint64_t length = state_get_u64(&reader);
            const uint8_t *bytes = state_get_bytes(&reader, length);
            if (!bytes || ZSTD_decompress(target, size, bytes, length) != size)
                return damaged(error, block->id);
            break;
        }
        default: return damaged(error, block->id);
        }
        if (!reader.ok)
            return damaged(error, block->id);
    }
    return reader.at == reader.size || damaged(error, block->id);
}

bool machine_load_bytes(struct machine *machine, const uint8_t *data, size_t size, GError **error)
{
    return machine_load_parts(machine, data, size, NULL, error);
}

bool machine_load_parts(struct machine *machine, const uint8_t *data, size_t size,
                        const struct state_memory *memory, GError **error)
{
    g_autoptr(GArray) chunks = g_array_new(FALSE, FALSE, sizeof(struct chunk));
    g_array_set_clear_func(chunks, chunk_clear);
    if (!parse_chunks(data, size, chunks, error))
        return false;

    const struct chunk *chunk = find_chunk(chunks, "machine", error);
    if (!chunk)
        return false;
    struct state_reader reader = {.data = chunk->data, .size = chunk->size, .ok = true};
    g_autofree char *id = state_get_string(&reader);
    uint64_t icount = state_get_u64(&reader);
    int64_t rtc_base = (int64_t)state_get_u64(&reader);
    uint32_t current_cpu = state_get_u32(&reader);
    if (!reader.ok)
        return damaged(error, "machine");
    if (strcmp(id, machine->id)) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                    _("The saved state is of a machine “%s”, this is “%s”."), id, machine->id);
        return false;
    }
    if (machine->cpu_count && current_cpu >= machine->cpu_count)
        return damaged(error, "machine");

    const struct chunk *clock_chunk = find_chunk(chunks, "clock", error);
    if (!clock_chunk || !clock_load(machine->clock, clock_chunk->data, clock_chunk->size, false, error))
        return false;

    const GPtrArray *blocks = memory_blocks(machine->memory);
    unsigned device_count = machine->devices->len;
    unsigned expected = 3 + device_count + blocks->len;
    if (chunks->len != expected) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                    _("The saved state is of a machine with other devices (%u parts, this one has %u)."),
                    chunks->len, expected);
        return false;
    }
    bool ok = true;
    g_autofree void **scratch = g_new0(void *, device_count + 1);
    for (unsigned i = 0; ok && i < device_count; i++) {
        struct device *dev = machine->devices->pdata[i];
        g_autofree char *tag = g_strdup_printf("device %s %s", dev->cls->name, dev->id);
        chunk = find_chunk(chunks, tag, error);
        if (!chunk) {
            ok = false;
            break;
        }
        if (chunk->version > dev->cls->version) {
            g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                        _("The saved state was made by a newer Vitrine (its “%s” has version %u)."), dev->id,
                        chunk->version);
            ok = false;
            break;
        }
        scratch[i] = state_scratch_new(dev->cls->fields, dev->state, dev->state_size);
        ok = state_load_fields(dev->cls->fields, scratch[i], dev->id, chunk->version, chunk->data,
                               chunk->size, error) &&
             (!dev->cls->check || dev->cls->check(scratch[i], error));
    }
    g_autofree const struct chunk **block_chunks = g_new0(const struct chunk *, blocks->len + 1);
    g_autofree uint8_t **fetched = g_new0(uint8_t *, blocks->len + 1);
    for (unsigned i = 0; ok && i < blocks->len; i++) {
        const struct ram_block *block = blocks->pdata[i];
        g_autofree char *tag = g_strdup_printf("memory %s", block->id);
        block_chunks[i] = find_chunk(chunks, tag, error);
        if (!block_chunks[i])
            ok = false;
        else if (is_elsewhere(block_chunks[i]))
            ok = (fetched[i] = fetch_block(block, block_chunks[i], memory, error)) != NULL;
        else
            ok = load_block(block, block_chunks[i], NULL, error);
    }

    if (ok)
        machine_drain_blocks(machine);
    if (ok && memory && memory->ready)
        ok = memory->ready(memory->opaque, error);
    if (ok) { /* nothing below can fail */
        if (machine->priv->parked) { /* requests that wait for room belong to what is left behind */
            g_clear_pointer(&machine->priv->parked, g_slist_free);
            g_clear_pointer(&machine->message, g_free);
        }
        for (unsigned i = 0; i < blocks->len; i++) {
            struct ram_block *block = blocks->pdata[i];
            if (fetched[i]) {
                take_block(block, fetched[i]);
            } else {
                ram_prepare_write(block, 0, block->size);
                load_block(block, block_chunks[i], block->host, NULL);
                ram_note_write_slow(block, 0, block->size);
            }
        }
        for (unsigned i = 0; i < device_count; i++) {
            struct device *dev = machine->devices->pdata[i];
            state_copy_fields(dev->cls->fields, dev->state, scratch[i]);
        }
        clock_load(machine->clock, clock_chunk->data, clock_chunk->size, true, NULL);
        machine->priv->base_icount = icount;
        machine->options.rtc_base = rtc_base;
        machine->current_cpu = current_cpu;
        machine->priv->reset_pending = machine->priv->off_pending = false;
        for (unsigned i = 0; i < device_count; i++) {
            struct device *dev = machine->devices->pdata[i];
            if (dev->cls->loaded)
                dev->cls->loaded(dev);
        }
        if (machine->priv->watched)
            machine_render(machine, true);
    }
    for (unsigned i = 0; i < blocks->len; i++)
        if (fetched[i])
            munmap(fetched[i], ((struct ram_block *)blocks->pdata[i])->size);
    for (unsigned i = 0; i < device_count; i++)
        state_scratch_free(((struct device *)machine->devices->pdata[i])->cls->fields, scratch[i]);
    return ok;
}

bool machine_load(struct machine *machine, const char *path, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &failure);
    if (!file) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_IO, _("The saved state “%s” could not be read: %s."), path,
                    failure->message);
        return false;
    }
    return machine_load_bytes(machine, (const uint8_t *)g_mapped_file_get_contents(file),
                              g_mapped_file_get_length(file), error);
}
