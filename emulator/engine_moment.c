/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moments of a running machine across the engine's public face. */
#include "emulator/core/moment.h"

#include "emulator/engine_private.h"

struct engine_moment {
    struct engine *engine;
    struct machine_moment *moment;
    GBytes *state, *nvram;
    int64_t pause_ns;
};

struct moment_request {
    struct engine *engine;
    uint64_t since;
    engine_safe_point fn;
    void *fn_opaque;
    engine_moment_done done;
    void *opaque;
};

/* ---- disks at a safe point ---- */

static bool run_safe_point(struct engine *engine, engine_safe_point fn, void *opaque, GError **error)
{
    if (!fn)
        return true;
    engine->at_safe_point = true;
    bool ok = fn(opaque, error);
    engine->at_safe_point = false;
    return ok;
}

unsigned engine_disk_count(struct engine *engine)
{
    return engine->disk_count;
}

static struct block_backend *drive_of(struct engine *engine, unsigned disk)
{
    if (disk == ENGINE_FLOPPY)
        return engine->floppy;
    return disk < engine->disk_count ? engine->disks[disk] : NULL;
}

struct Image *engine_disk_image(struct engine *engine, unsigned disk)
{
    struct block_backend *drive = drive_of(engine, disk);
    return drive ? block_backend_image(drive) : NULL;
}

struct Image *engine_take_disk(struct engine *engine, unsigned disk)
{
    g_return_val_if_fail(engine->at_safe_point && disk < engine->disk_count, NULL);
    return block_backend_take_image(engine->disks[disk]);
}

void engine_give_disk(struct engine *engine, unsigned disk, struct Image *image)
{
    g_return_if_fail(engine->at_safe_point && disk < engine->disk_count);
    block_backend_give_image(engine->disks[disk], image);
}

void engine_watch_disk(struct engine *engine, unsigned disk,
                       void (*before_write)(void *opaque, struct Image *image, uint64_t offset, uint64_t size),
                       void *opaque)
{
    struct block_backend *drive = drive_of(engine, disk);
    if (drive)
        block_backend_watch(drive, before_write, opaque);
}

/* ---- taking ---- */

void engine_hold(struct engine *engine)
{
    g_mutex_lock(&engine->lock);
    engine->moments++;
    g_mutex_unlock(&engine->lock);
}

void engine_release(struct engine *engine)
{
    g_mutex_lock(&engine->lock);
    engine->moments--;
    g_cond_broadcast(&engine->changed);
    g_mutex_unlock(&engine->lock);
}

static void begin_moment(struct machine *machine, struct moment_request *request)
{
    struct engine *engine = request->engine;
    g_autoptr(GError) error = NULL;
    int64_t start = g_get_monotonic_time();
    struct machine_moment *inner = machine_moment_begin(machine, request->since, &error);
    if (inner && !run_safe_point(engine, request->fn, request->fn_opaque, &error)) {
        machine_moment_end(inner);
        g_clear_pointer(&inner, machine_moment_free);
    }
    struct engine_moment *moment = NULL;
    if (inner) {
        moment = g_new0(struct engine_moment, 1);
        moment->engine = engine;
        moment->moment = inner;
        moment->state = g_byte_array_free_to_bytes(g_steal_pointer(&inner->state));
        if (engine->nvram)
            moment->nvram = g_bytes_new(engine->nvram, engine->nvram_size);
        moment->pause_ns = (g_get_monotonic_time() - start) * 1000;
        engine->moment = moment;
    }
    request->done(request->opaque, moment, error);
    g_free(request);
    if (!moment)
        engine_release(engine);
}

static void post_take(struct machine *machine, void *data)
{
    struct moment_request *request = data;
    if (request->engine->moment)
        g_queue_push_tail(&request->engine->waiting_moments, request);
    else
        begin_moment(machine, request);
}

void engine_take_moment(struct engine *engine, uint64_t since, engine_safe_point fn, void *fn_opaque,
                        engine_moment_done done, void *opaque)
{
    struct moment_request *request = g_new(struct moment_request, 1);
    *request = (struct moment_request){engine, since, fn, fn_opaque, done, opaque};
    engine_hold(engine);
    machine_post(engine->machine, post_take, request);
}

static void post_free(struct machine *machine, void *data)
{
    struct engine_moment *moment = data;
    struct engine *engine = moment->engine;
    machine_moment_end(moment->moment);
    machine_moment_free(moment->moment);
    g_bytes_unref(moment->state);
    g_clear_pointer(&moment->nvram, g_bytes_unref);
    g_free(moment);
    engine->moment = NULL;
    struct moment_request *next = NULL;
    while (!engine->moment && (next = g_queue_pop_head(&engine->waiting_moments)))
        begin_moment(machine, next);
    engine_release(engine);
}

void engine_moment_free(struct engine_moment *moment)
{
    if (moment)
        machine_post(moment->engine->machine, post_free, moment);
}

uint64_t engine_moment_number(const struct engine_moment *moment)
{
    return moment->moment->number;
}

int64_t engine_moment_virtual_ns(const struct engine_moment *moment)
{
    return moment->moment->virtual_ns;
}

int64_t engine_moment_pause_ns(const struct engine_moment *moment)
{
    return moment->pause_ns;
}

GBytes *engine_moment_state(const struct engine_moment *moment)
{
    return g_bytes_ref(moment->state);
}

GBytes *engine_moment_nvram(const struct engine_moment *moment)
{
    return moment->nvram ? g_bytes_ref(moment->nvram) : NULL;
}

const uint32_t *engine_moment_picture(const struct engine_moment *moment, int *width, int *height,
                                      double *pixel_aspect)
{
    *width = moment->moment->width;
    *height = moment->moment->height;
    *pixel_aspect = moment->moment->pixel_aspect;
    return moment->moment->picture;
}

unsigned engine_moment_blocks(const struct engine_moment *moment)
{
    return moment->moment->block_count;
}

const char *engine_moment_block_id(const struct engine_moment *moment, unsigned block)
{
    return moment->moment->blocks[block].block->id;
}

uint64_t engine_moment_block_pages(const struct engine_moment *moment, unsigned block)
{
    return moment->moment->blocks[block].block->size >> RAM_PAGE_BITS;
}

void engine_moment_read(struct engine_moment *moment, unsigned block, uint64_t first, uint64_t count,
                        uint8_t *same, uint8_t *data)
{
    machine_moment_read(moment->moment, block, first, count, same, data);
}

/* ---- loading ---- */

struct load_request {
    struct engine *engine;
    struct engine_moment_source source;
    engine_moment_loaded done;
    void *opaque;
};

static bool load_block(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error)
{
    struct load_request *request = opaque;
    return request->source.load(request->source.opaque, block, to, size, error);
}

static bool load_ready(void *opaque, GError **error)
{
    struct load_request *request = opaque;
    return run_safe_point(request->engine, request->source.fn, request->source.opaque, error);
}

static void post_load(struct machine *machine, void *data)
{
    struct load_request *request = data;
    struct state_memory memory = {load_block, load_ready, request};
    g_autoptr(GError) error = NULL;
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(request->source.state, &size);
    uint64_t number = 0;
    if (machine_load_parts(machine, bytes, size, &memory, &error)) {
        machine_input_release(machine); /* whoever held a key then does not hold it now */
        number = machine_moment_mark(machine);
    }
    request->done(request->opaque, number, error);
    g_bytes_unref(request->source.state);
    g_free(request);
}

void engine_load_moment(struct engine *engine, const struct engine_moment_source *source,
                        engine_moment_loaded done, void *opaque)
{
    struct load_request *request = g_new(struct load_request, 1);
    *request = (struct load_request){engine, *source, done, opaque};
    g_bytes_ref(source->state);
    machine_post(engine->machine, post_load, request);
}
