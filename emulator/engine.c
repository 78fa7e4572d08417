/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine: a machine on a thread of its own, and everything that crosses between it and the application. */
#include "emulator/engine_private.h"

#include <string.h>

#include "emulator/core/i18n.h"
#include "images/images.h"

/* ---- events of the machine, on its thread ---- */

static void save_nvram(struct engine *engine)
{
    if (!engine->nvram_path || !engine->nvram)
        return;
    g_autoptr(GError) error = NULL;
    if (!g_file_set_contents(engine->nvram_path, (const char *)engine->nvram, (gssize)engine->nvram_size,
                             &error))
        g_warning("The battery-backed memory was not saved: %s", error->message);
}

static void run_state_changed(void *opaque, enum machine_run_state run_state)
{
    struct engine *engine = opaque;
    struct machine *machine = engine->machine;
    enum engine_state state = ENGINE_RUNNING;
    switch (run_state) {
    case MACHINE_PAUSED: state = ENGINE_PAUSED; break;
    case MACHINE_RUNNING: state = ENGINE_RUNNING; break;
    case MACHINE_OFF: state = ENGINE_OFF; break;
    case MACHINE_ERROR: state = ENGINE_ERROR; break;
    }
    if (state == ENGINE_OFF || state == ENGINE_ERROR) {
        save_nvram(engine);
        machine_render(machine, false);
    }
    g_mutex_lock(&engine->lock);
    engine->state = state;
    engine->exit_status = machine->exit_status;
    g_free(engine->message);
    engine->message = g_strdup(machine->message);
    g_cond_broadcast(&engine->changed);
    g_mutex_unlock(&engine->lock);
    ENGINE_TELL(engine, state_changed, state, machine->exit_status);
}

static struct display_rect unite(struct display_rect a, struct display_rect b)
{
    if (!a.width || !a.height)
        return b;
    if (!b.width || !b.height)
        return a;
    int right = MAX(a.x + a.width, b.x + b.width), bottom = MAX(a.y + a.height, b.y + b.height);
    struct display_rect r = {MIN(a.x, b.x), MIN(a.y, b.y), 0, 0};
    r.width = right - r.x;
    r.height = bottom - r.y;
    return r;
}

/* The surface has new contents: into the slot that nobody looks at, then swapped for the one that is ready.
 */
static void publish_frame(void *opaque, struct display_surface *surface)
{
    struct engine *engine = opaque;
    for (unsigned i = 0; i < 3; i++)
        engine->slot[i].stale = unite(engine->slot[i].stale, surface->damage);
    struct frame_slot *slot = &engine->slot[engine->writing];
    if (!slot->pixels || slot->width != surface->width || slot->height != surface->height) {
        g_free(slot->pixels);
        slot->pixels = g_new(uint32_t, (size_t)surface->width * (size_t)surface->height);
        slot->width = surface->width;
        slot->height = surface->height;
        slot->stale = (struct display_rect){0, 0, surface->width, surface->height};
    }
    slot->pixel_aspect = surface->pixel_aspect;
    struct display_rect r = slot->stale;
    r.width = MIN(r.width, surface->width - r.x);
    r.height = MIN(r.height, surface->height - r.y);
    for (int y = r.y; y < r.y + r.height && r.width > 0; y++)
        memcpy(slot->pixels + (size_t)y * (size_t)slot->width + r.x,
               surface->pixels + (size_t)y * (size_t)surface->stride + r.x,
               (size_t)r.width * sizeof(uint32_t));
    slot->stale = (struct display_rect){0};

    g_mutex_lock(&engine->lock);
    slot->serial = ++engine->serial_number;
    unsigned old = engine->ready;
    engine->ready = engine->writing;
    engine->writing = old;
    engine->fresh = true;
    engine->damage = unite(engine->damage, surface->damage);
    bool notify = !engine->notified;
    engine->notified = true;
    g_mutex_unlock(&engine->lock);
    if (notify)
        ENGINE_TELL(engine, frame_ready);
}

bool engine_acquire_frame(struct engine *engine, struct engine_frame *frame)
{
    g_mutex_lock(&engine->lock);
    engine->notified = false;
    bool fresh = engine->fresh;
    if (fresh) {
        unsigned old = engine->reading;
        engine->reading = engine->ready;
        engine->ready = old;
        engine->fresh = false;
        const struct frame_slot *slot = &engine->slot[engine->reading];
        *frame = (struct engine_frame){
            .pixels = slot->pixels,
            .width = slot->width,
            .height = slot->height,
            .stride = slot->width,
            .pixel_aspect = slot->pixel_aspect,
            .damage_x = engine->damage.x,
            .damage_y = engine->damage.y,
            .damage_width = MIN(engine->damage.width, slot->width - engine->damage.x),
            .damage_height = MIN(engine->damage.height, slot->height - engine->damage.y),
            .serial = slot->serial,
        };
        engine->damage = (struct display_rect){0};
    }
    g_mutex_unlock(&engine->lock);
    return fresh;
}

struct engine *engine_new(const struct engine_config *const_config, const struct engine_events *events,
                          GError **error)
{
    /* The images in it change hands; nothing else is written. */
    struct engine_config *config = (struct engine_config *)(uintptr_t)const_config;
    struct engine *engine = g_new0(struct engine, 1);
    g_mutex_init(&engine->lock);
    g_rec_mutex_init(&engine->events_lock);
    g_cond_init(&engine->changed);
    if (events)
        engine->events = *events;
    engine->writing = 0;
    engine->ready = 1;
    engine->reading = 2;
    if (!engine_build(engine, config, error)) {
        engine_free(engine);
        return NULL;
    }
    engine->machine->events = (struct machine_events){
        .run_state = run_state_changed,
        .frame = publish_frame,
        .opaque = engine,
    };
    machine_reset(engine->machine, RESET_POWER_ON);
    return engine;
}

/* ---- the thread ---- */

static gpointer engine_main(gpointer data)
{
    struct engine *engine = data;
    machine_run(engine->machine, -1);
    return NULL;
}

static void post_quit(struct machine *machine, void *data)
{
    machine_quit(machine);
}

static void post_running(struct machine *machine, void *data)
{
    machine_set_running(machine, data != NULL);
}

static void launch(struct engine *engine, bool running)
{
    g_return_if_fail(!engine->thread);
    g_mutex_lock(&engine->lock);
    engine->state = running ? ENGINE_RUNNING : ENGINE_PAUSED;
    g_mutex_unlock(&engine->lock);
    if (running)
        machine_post(engine->machine, post_running, engine);
    engine->thread = g_thread_new("machine", engine_main, engine);
}

void engine_start(struct engine *engine)
{
    launch(engine, true);
}

void engine_start_paused(struct engine *engine)
{
    launch(engine, false);
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    g_rec_mutex_lock(&engine->events_lock);
    engine->events = (struct engine_events){0};
    g_rec_mutex_unlock(&engine->events_lock);
    if (engine->thread) {
        g_mutex_lock(&engine->lock); /* whoever reads the memory of a moment still has it */
        while (engine->moments)
            g_cond_wait(&engine->changed, &engine->lock);
        g_mutex_unlock(&engine->lock);
        machine_post(engine->machine, post_quit, NULL);
        g_thread_join(engine->thread);
        save_nvram(engine);
    }
    machine_free(engine->machine);
    for (unsigned i = 0; i < 3; i++)
        g_free(engine->slot[i].pixels);
    for (unsigned i = 0; i < ENGINE_MAX_SERIAL; i++)
        g_free(engine->pty[i]);
    g_free(engine->message);
    g_free(engine->complaint);
    g_free(engine->nvram_path);
    g_mutex_clear(&engine->lock);
    g_rec_mutex_clear(&engine->events_lock);
    g_cond_clear(&engine->changed);
    g_free(engine);
}

void engine_pause(struct engine *engine)
{
    machine_post(engine->machine, post_running, NULL);
}

void engine_resume(struct engine *engine)
{
    machine_post(engine->machine, post_running, engine);
}

static void post_reset(struct machine *machine, void *data)
{
    machine_reset(machine, RESET_HARD);
}

void engine_reset(struct engine *engine)
{
    machine_post(engine->machine, post_reset, NULL);
}

static void post_power_off(struct machine *machine, void *data)
{
    machine_request_power_off(machine, 0);
}

void engine_power_off(struct engine *engine)
{
    machine_post(engine->machine, post_power_off, NULL);
}

/* ---- requests with an answer ---- */

struct request {
    struct engine *engine;
    char *text, *drive;
    bool read_only, force;
    engine_done done;
    engine_screenshot_done screenshot_done;
    void (*fn)(void *opaque);
    void *opaque;
};

static struct request *request_new(struct engine *engine, const char *text, engine_done done, void *opaque)
{
    struct request *request = g_new0(struct request, 1);
    request->engine = engine;
    request->text = g_strdup(text);
    request->done = done;
    request->opaque = opaque;
    return request;
}

static void request_finish(struct request *request, const GError *error)
{
    if (request->done)
        request->done(request->opaque, error);
    g_free(request->text);
    g_free(request->drive);
    g_free(request);
}

static void post_save(struct machine *machine, void *data)
{
    struct request *request = data;
    g_autoptr(GError) error = NULL;
    machine_save(machine, request->text, &error);
    request_finish(request, error);
}

void engine_save_state(struct engine *engine, const char *path, engine_done done, void *opaque)
{
    machine_post(engine->machine, post_save, request_new(engine, path, done, opaque));
}

static void post_load(struct machine *machine, void *data)
{
    struct request *request = data;
    g_autoptr(GError) error = NULL;
    if (machine_load(machine, request->text, &error))
        machine_input_release(machine); /* whoever held a key then does not hold it now */
    request_finish(request, error);
}

void engine_load_state(struct engine *engine, const char *path, engine_done done, void *opaque)
{
    machine_post(engine->machine, post_load, request_new(engine, path, done, opaque));
}

static void post_medium(struct machine *machine, void *data)
{
    struct request *request = data;
    struct engine *engine = request->engine;
    g_autoptr(GError) error = NULL;
    struct block_backend *block = !g_strcmp0(request->drive, "cdrom")    ? engine->cdrom
                                  : !g_strcmp0(request->drive, "floppy") ? engine->floppy
                                                                         : NULL;
    if (!block) {
        g_set_error(&error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                    _("This computer has no drive “%s” for removable media."), request->drive);
    } else if (block->locked && !request->force) {
        if (block->eject_requested)
            block->eject_requested(block->device_opaque);
        g_set_error(
            &error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
            _("The system in the computer holds the medium. Let it eject the medium, or take it out by force."));
        ENGINE_TELL(engine, media_eject_requested, request->drive);
    } else {
        bool read_only = request->read_only || block == engine->cdrom;
        Image *image = request->text ? engine_open_image(request->text, read_only, &error) : NULL;
        if (image || !request->text)
            block_backend_change(block, image, read_only);
    }
    request_finish(request, error);
}

void engine_change_medium(struct engine *engine, const char *drive, const char *path, bool read_only,
                          bool force, engine_done done, void *opaque)
{
    struct request *request = request_new(engine, path, done, opaque);
    request->drive = g_strdup(drive);
    request->read_only = read_only;
    request->force = force;
    machine_post(engine->machine, post_medium, request);
}

static void post_screenshot(struct machine *machine, void *data)
{
    struct request *request = data;
    machine_render(machine, false);
    const struct display_surface *surface = &machine->surface;
    uint32_t *pixels = NULL;
    if (surface->pixels) {
        pixels = g_new(uint32_t, (size_t)surface->width * (size_t)surface->height);
        for (int y = 0; y < surface->height; y++)
            memcpy(pixels + (size_t)y * (size_t)surface->width,
                   surface->pixels + (size_t)y * (size_t)surface->stride,
                   (size_t)surface->width * sizeof *pixels);
    }
    request->screenshot_done(request->opaque, pixels, surface->width, surface->height, surface->pixel_aspect);
    request_finish(request, NULL);
}

void engine_screenshot(struct engine *engine, engine_screenshot_done done, void *opaque)
{
    struct request *request = request_new(engine, NULL, NULL, opaque);
    request->screenshot_done = done;
    machine_post(engine->machine, post_screenshot, request);
}

static void post_function(struct machine *machine, void *data)
{
    struct request *request = data;
    request->fn(request->opaque);
    request_finish(request, NULL);
}

void engine_at_safe_point(struct engine *engine, void (*fn)(void *opaque), void *opaque)
{
    struct request *request = request_new(engine, NULL, NULL, opaque);
    request->fn = fn;
    machine_post(engine->machine, post_function, request);
}

struct rendezvous {
    struct engine *engine;
    bool done;
    char *text;
};

static void post_sync(struct machine *machine, void *data)
{
    struct rendezvous *meeting = data;
    g_mutex_lock(&meeting->engine->lock);
    meeting->done = true;
    g_cond_broadcast(&meeting->engine->changed);
    g_mutex_unlock(&meeting->engine->lock);
}

static void post_describe(struct machine *machine, void *data)
{
    struct rendezvous *meeting = data;
    meeting->text = machine_describe(machine);
    post_sync(machine, data);
}

static void meet(struct engine *engine, struct rendezvous *meeting, void (*fn)(struct machine *, void *))
{
    if (!engine->thread) { /* nobody else has the machine */
        if (fn == post_describe)
            meeting->text = machine_describe(engine->machine);
        return;
    }
    machine_post(engine->machine, fn, meeting);
    g_mutex_lock(&engine->lock);
    while (!meeting->done)
        g_cond_wait(&engine->changed, &engine->lock);
    g_mutex_unlock(&engine->lock);
}

void engine_sync(struct engine *engine)
{
    struct rendezvous meeting = {.engine = engine};
    meet(engine, &meeting, post_sync);
}

char *engine_describe(struct engine *engine)
{
    struct rendezvous meeting = {.engine = engine};
    meet(engine, &meeting, post_describe);
    return meeting.text;
}

/* ---- state ---- */

enum engine_state engine_get_state(struct engine *engine)
{
    g_mutex_lock(&engine->lock);
    enum engine_state state = engine->state;
    g_mutex_unlock(&engine->lock);
    return state;
}

int engine_exit_status(struct engine *engine)
{
    g_mutex_lock(&engine->lock);
    int status = engine->exit_status;
    g_mutex_unlock(&engine->lock);
    return status;
}

char *engine_message(struct engine *engine)
{
    g_mutex_lock(&engine->lock);
    char *message = g_strdup(engine->message);
    g_mutex_unlock(&engine->lock);
    return message;
}

const char *engine_complaint(struct engine *engine)
{
    return engine->complaint;
}

bool engine_wait(struct engine *engine, int timeout_ms)
{
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    bool over = true;
    g_mutex_lock(&engine->lock);
    while (over && engine->state != ENGINE_OFF && engine->state != ENGINE_ERROR) {
        if (timeout_ms < 0)
            g_cond_wait(&engine->changed, &engine->lock);
        else
            over = g_cond_wait_until(&engine->changed, &engine->lock, end);
    }
    over = engine->state == ENGINE_OFF || engine->state == ENGINE_ERROR;
    g_mutex_unlock(&engine->lock);
    return over;
}

/* ---- input ---- */

struct input {
    enum { INPUT_KEY, INPUT_RELATIVE, INPUT_ABSOLUTE, INPUT_BUTTON, INPUT_WHEEL, INPUT_SERIAL } kind;
    int a, b;
    struct char_backend *serial;
    size_t size;
    uint8_t data[];
};

static void post_input(struct machine *machine, void *data)
{
    struct input *input = data;
    switch (input->kind) {
    case INPUT_KEY: machine_input_key(machine, (unsigned)input->a, input->b); break;
    case INPUT_RELATIVE: machine_input_pointer_relative(machine, input->a, input->b); break;
    case INPUT_ABSOLUTE:
        machine_input_pointer_absolute(machine, (unsigned)input->a, (unsigned)input->b);
        break;
    case INPUT_BUTTON: machine_input_button(machine, (unsigned)input->a, input->b); break;
    case INPUT_WHEEL: machine_input_wheel(machine, input->a, input->b); break;
    case INPUT_SERIAL: char_backend_callback_input(input->serial, input->data, input->size); break;
    }
    g_free(input);
}

static void send_input(struct engine *engine, int kind, int a, int b)
{
    struct input *input = g_malloc0(sizeof *input);
    input->kind = kind;
    input->a = a;
    input->b = b;
    machine_post(engine->machine, post_input, input);
}

void engine_key(struct engine *engine, unsigned code, bool down)
{
    if (code >= KEY_CNT)
        return;
    g_mutex_lock(&engine->lock);
    uint8_t bit = (uint8_t)(1 << (code & 7)), *byte = &engine->keys_down[code / 8];
    bool was_down = *byte & bit;
    *byte = (uint8_t)(down ? *byte | bit : *byte & ~bit);
    g_mutex_unlock(&engine->lock);
    /* The guest repeats keys by itself. */
    if (was_down != down)
        send_input(engine, INPUT_KEY, (int)code, down);
}

void engine_release_all_keys(struct engine *engine)
{
    for (unsigned code = 0; code < KEY_CNT; code++)
        engine_key(engine, code, false);
}

void engine_pointer_relative(struct engine *engine, int dx, int dy)
{
    send_input(engine, INPUT_RELATIVE, dx, dy);
}

void engine_pointer_absolute(struct engine *engine, unsigned x, unsigned y)
{
    send_input(engine, INPUT_ABSOLUTE, (int)MIN(x, 65535), (int)MIN(y, 65535));
}

void engine_button(struct engine *engine, unsigned code, bool down)
{
    send_input(engine, INPUT_BUTTON, (int)code, down);
}

void engine_wheel(struct engine *engine, int dx, int dy)
{
    send_input(engine, INPUT_WHEEL, dx, dy);
}

void engine_serial_input(struct engine *engine, unsigned port, const uint8_t *data, size_t size)
{
    if (port >= ENGINE_MAX_SERIAL || !engine->serial_context[port].engine || !size)
        return;
    struct input *input = g_malloc0(sizeof *input + size);
    input->kind = INPUT_SERIAL;
    input->serial = engine->serial[port];
    input->size = size;
    memcpy(input->data, data, size);
    machine_post(engine->machine, post_input, input);
}

char *engine_serial_pty(struct engine *engine, unsigned port)
{
    return port < ENGINE_MAX_SERIAL ? g_strdup(engine->pty[port]) : NULL;
}

/* ---- figures ---- */

static void post_watched(struct machine *machine, void *data)
{
    machine_set_watched(machine, data != NULL);
}

void engine_set_watched(struct engine *engine, bool watched)
{
    machine_post(engine->machine, post_watched, watched ? engine : NULL);
}

void engine_get_stats(struct engine *engine, struct engine_stats *stats)
{
    struct machine_stats figures;
    machine_get_stats(engine->machine, &figures);
    *stats = (struct engine_stats){
        .icount = figures.icount,
        .virtual_ns = figures.virtual_ns,
        .speed_percent = figures.speed_percent,
        .mips = figures.mips,
        .host_cpu_percent = figures.host_cpu_percent,
    };
    /* Counters that only grow: a torn read would be off by one event of a light. */
    for (unsigned i = 0; i < engine->machine->net_backends->len; i++) {
        const struct net_backend *net = engine->machine->net_backends->pdata[i];
        stats->net_sent += __atomic_load_n(&net->frames_sent, __ATOMIC_RELAXED);
        stats->net_received += __atomic_load_n(&net->frames_received, __ATOMIC_RELAXED);
    }
    if (engine->machine->audio)
        stats->audio_played = __atomic_load_n(&engine->machine->audio->frames_played, __ATOMIC_RELAXED);
    g_mutex_lock(&engine->lock);
    stats->frames = engine->serial_number;
    g_mutex_unlock(&engine->lock);
}

unsigned engine_get_drives(struct engine *engine, struct engine_drive_info *drives, unsigned max)
{
    const GPtrArray *blocks = engine->machine->block_backends;
    for (unsigned i = 0; i < blocks->len && i < max; i++) {
        const struct block_backend *block = blocks->pdata[i];
        drives[i] = (struct engine_drive_info){
            .present = __atomic_load_n(&block->present, __ATOMIC_RELAXED),
            .read_only = __atomic_load_n(&block->read_only, __ATOMIC_RELAXED),
            .locked = __atomic_load_n(&block->locked, __ATOMIC_RELAXED),
            .removable = block == engine->cdrom || block == engine->floppy,
            .operations = __atomic_load_n(&block->operations, __ATOMIC_RELAXED),
            .bytes_read = __atomic_load_n(&block->bytes_read, __ATOMIC_RELAXED),
            .bytes_written = __atomic_load_n(&block->bytes_written, __ATOMIC_RELAXED),
        };
        g_strlcpy(drives[i].id, block->id, sizeof drives[i].id);
    }
    return blocks->len;
}
