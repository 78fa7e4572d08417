/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disks over images/. In host-clock mode one worker thread per drive does the blocking calls; in
 * deterministic mode the machine thread does them at once, and the delivery waits for a fixed latency of
 * virtual time. Either way the device hears of the end through the request's clock event.
 */
#include "emulator/core/backends.h"

#include <errno.h>
#include <string.h>

#include "emulator/core/machine_private.h"
#include "images/images.h"

/* Virtual time of a request in deterministic mode: a disk of the time's seek would be milliseconds; this is a
 * fast one, and the same on every run. */
#define FIXED_LATENCY_NS       (100 * NS_PER_US)
#define FIXED_NS_PER_64K_BYTES (200 * NS_PER_US)

struct image_backend {
    struct block_backend base;
    Image *image;
    GThread *worker;
    GAsyncQueue *queue; /* of struct block_request; the backend itself = stop */
    GMutex lock;
    GCond idle;
    unsigned under_way;
};

static int errno_of(const GError *error)
{
    if (error->domain == IMAGE_ERROR) {
        switch (error->code) {
        case IMAGE_ERROR_NO_SPACE: return ENOSPC;
        case IMAGE_ERROR_READ_ONLY: return EROFS;
        default: break;
        }
    }
    return EIO;
}

static int do_request(const struct image_backend *backend, const struct block_request *request)
{
    Image *image = backend->image;
    g_autoptr(GError) error = NULL;
    gboolean ok = FALSE;
    if (!image)
        return ENOMEDIUM;
    if (backend->base.before_write && request->op != BLOCK_READ && request->op != BLOCK_FLUSH)
        backend->base.before_write(backend->base.before_write_opaque, image, request->offset, request->size);
    switch (request->op) {
    case BLOCK_READ: ok = image_pread(image, request->offset, request->buffer, request->size, &error); break;
    case BLOCK_WRITE:
        ok = image_pwrite(image, request->offset, request->buffer, request->size, &error);
        break;
    case BLOCK_FLUSH: ok = image_flush(image, &error); break;
    case BLOCK_DISCARD: ok = image_discard(image, request->offset, request->size, &error); break;
    case BLOCK_WRITE_ZEROES: ok = image_write_zeroes(image, request->offset, request->size, &error); break;
    }
    if (ok)
        return 0;
    g_warning("%s", error->message);
    return errno_of(error);
}

static gpointer worker_main(gpointer data)
{
    struct image_backend *backend = data;
    for (;;) {
        void *item = g_async_queue_pop(backend->queue);
        if (item == backend)
            return NULL;
        struct block_request *request = item;
        request->result = do_request(backend, request);
        g_mutex_lock(&backend->lock);
        machine_block_completed(backend->base.machine, request);
        if (!--backend->under_way)
            g_cond_broadcast(&backend->idle);
        g_mutex_unlock(&backend->lock);
    }
}

static void image_submit(struct block_backend *base, struct block_request *request)
{
    struct image_backend *backend = (struct image_backend *)base;
    if (base->machine->options.deterministic) {
        request->result = do_request(backend, request);
        int64_t latency = FIXED_LATENCY_NS + (int64_t)(request->size >> 16) * FIXED_NS_PER_64K_BYTES;
        clock_event_set(&request->delivery, clock_now(base->machine->clock) + latency);
        return;
    }
    if (!backend->worker)
        backend->worker = g_thread_new("block", worker_main, backend);
    g_mutex_lock(&backend->lock);
    backend->under_way++;
    atomic_fetch_add(&base->machine->priv->requests_in_flight, 1);
    g_mutex_unlock(&backend->lock);
    g_async_queue_push(backend->queue, request);
}

static void image_drain(struct block_backend *base)
{
    struct image_backend *backend = (struct image_backend *)base;
    g_mutex_lock(&backend->lock);
    while (backend->under_way)
        g_cond_wait(&backend->idle, &backend->lock);
    g_mutex_unlock(&backend->lock);
    machine_collect_completions(base->machine);
}

static void close_image(struct image_backend *backend)
{
    g_autoptr(GError) error = NULL;
    if (backend->image && !image_close(backend->image, &error))
        g_warning("%s", error->message);
    backend->image = NULL;
}

static void image_finish(struct block_backend *base)
{
    struct image_backend *backend = (struct image_backend *)base;
    image_drain(base);
    if (backend->worker) {
        g_async_queue_push(backend->queue, backend);
        g_thread_join(backend->worker);
    }
    close_image(backend);
    g_async_queue_unref(backend->queue);
    g_mutex_clear(&backend->lock);
    g_cond_clear(&backend->idle);
    g_free(base->id);
    g_free(backend);
}

static const struct block_ops image_ops = {
    .submit = image_submit,
    .drain = image_drain,
    .finish = image_finish,
};

static void take_image(struct image_backend *backend, Image *image, bool read_only)
{
    backend->image = image;
    backend->base.present = image != NULL;
    backend->base.size = image ? image_size(image) : 0;
    backend->base.read_only = image ? read_only || !image_is_writable(image) : false;
}

struct block_backend *block_backend_new(struct machine *machine, const char *id, struct Image *image,
                                        bool read_only)
{
    struct image_backend *backend = g_new0(struct image_backend, 1);
    backend->base.ops = &image_ops;
    backend->base.machine = machine;
    backend->base.id = g_strdup(id);
    backend->queue = g_async_queue_new();
    g_mutex_init(&backend->lock);
    g_cond_init(&backend->idle);
    take_image(backend, image, read_only);
    g_ptr_array_add(machine->block_backends, backend);
    return &backend->base;
}

void block_backend_change(struct block_backend *base, struct Image *image, bool read_only)
{
    g_assert(base->ops == &image_ops);
    struct image_backend *backend = (struct image_backend *)base;
    image_drain(base);
    close_image(backend);
    take_image(backend, image, read_only);
    base->locked = false;
    if (base->media_changed)
        base->media_changed(base->device_opaque);
}

struct Image *block_backend_image(struct block_backend *base)
{
    return base->ops == &image_ops ? ((struct image_backend *)base)->image : NULL;
}

struct Image *block_backend_take_image(struct block_backend *base)
{
    return base->ops == &image_ops ? g_steal_pointer(&((struct image_backend *)base)->image) : NULL;
}

void block_backend_give_image(struct block_backend *base, struct Image *image)
{
    g_assert(base->ops == &image_ops);
    ((struct image_backend *)base)->image = image;
}

void block_backend_watch(struct block_backend *base,
                         void (*before_write)(void *opaque, struct Image *image, uint64_t offset, uint64_t size),
                         void *opaque)
{
    base->ops->drain(base);
    base->before_write = before_write;
    base->before_write_opaque = opaque;
}

void block_backend_free(struct block_backend *backend)
{
    if (backend)
        backend->ops->finish(backend);
}

/* ---- requests ---- */

static void deliver(void *opaque)
{
    struct block_request *request = opaque;
    if (!request->active)
        return;
    request->active = false;
    request->done(request->opaque, request);
}

void block_request_init(struct block_request *request, struct machine *machine, const char *name,
                        void (*done)(void *opaque, struct block_request *request), void *opaque)
{
    *request = (struct block_request){.done = done, .opaque = opaque};
    clock_event_init(&request->delivery, machine->clock, name, deliver, request);
}

void block_request_finish(struct block_request *request)
{
    if (request->delivery.clock) {
        block_cancel(request);
        clock_event_finish(&request->delivery);
    }
}

void block_submit(struct block_backend *backend, struct block_request *request)
{
    g_assert(!request->active);
    request->backend = backend;
    request->active = true;
    backend->operations++;
    int error = 0;
    if (!backend->present)
        error = ENOMEDIUM;
    else if (request->op != BLOCK_FLUSH &&
             (request->offset > backend->size || request->size > backend->size - request->offset))
        error = EIO;
    else if (request->op != BLOCK_READ && request->op != BLOCK_FLUSH && backend->read_only)
        error = EROFS;
    if (error) {
        request->result = error;
        clock_event_set(&request->delivery, clock_now(request->delivery.clock));
        return;
    }
    if (request->op == BLOCK_READ)
        backend->bytes_read += request->size;
    else if (request->op == BLOCK_WRITE)
        backend->bytes_written += request->size;
    backend->ops->submit(backend, request);
}

void block_cancel(struct block_request *request)
{
    if (!request->active)
        return;
    struct machine *machine = request->backend->machine;
    request->backend->ops->drain(request->backend);
    machine->priv->parked = g_slist_remove(machine->priv->parked, request);
    clock_event_cancel(&request->delivery);
    request->active = false;
}
