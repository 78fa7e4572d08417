/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine: a machine on a thread of its own, and everything that crosses between it and the application.
 */
#include "emulator/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <string.h>
#include <unistd.h>

#include "emulator/core/machine.h"
#include "emulator/engine_private.h"
#include "emulator/hw/audio/audio_null.h"
#include "emulator/hw/audio/audio_pulse.h"
#include "emulator/hw/net/net_slirp.h"
#include "emulator/machines/board.h"
#include "images/images.h"

/* ---- events of the machine, on its thread ---- */

/* engine_free() takes the events away while the thread still runs. */
#define TELL(engine, event, ...)                                                                             \
    do {                                                                                                     \
        g_rec_mutex_lock(&(engine)->events_lock);                                                            \
        if ((engine)->events.event)                                                                          \
            (engine)->events.event((engine)->events.opaque, ##__VA_ARGS__);                                  \
        g_rec_mutex_unlock(&(engine)->events_lock);                                                          \
    } while (0)

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
    TELL(engine, state_changed, state, machine->exit_status);
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
        TELL(engine, frame_ready);
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

static void serial_output(void *opaque, const uint8_t *data, size_t size)
{
    struct serial_context *context = opaque;
    TELL(context->engine, serial_output, context->port, data, size);
}

/* ---- building ---- */

static bool check_config(const struct engine_model *model, const struct engine_config *config, GError **error)
{
    if (config->ram_mib && (config->ram_mib < model->ram_min_mib || config->ram_mib > model->ram_max_mib)) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                    "The %s takes %u to %u MiB of memory, not %u MiB.", model->title, model->ram_min_mib,
                    model->ram_max_mib, config->ram_mib);
        return false;
    }
    if (config->cpus > 1) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, "The %s has one processor.",
                    model->title);
        return false;
    }
    if (config->accel == ENGINE_ACCEL_KVM) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                    "The %s can’t run on the host’s processor (KVM): it has another instruction set.",
                    model->title);
        return false;
    }
    static const char *const devices[] = {"disk", "cdrom", "floppy", "network", NULL};
    if (config->boot && !g_strv_contains(devices, config->boot)) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                    "“%s” is no boot device: there are disk, cdrom, floppy and network.", config->boot);
        return false;
    }
    if (!model->has_floppy && (config->floppy.path || config->floppy.image)) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, "The %s has no floppy drive.",
                    model->title);
        return false;
    }
    if (!model->has_cdrom && (config->cdrom.path || config->cdrom.image)) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, "The %s has no CD-ROM drive.",
                    model->title);
        return false;
    }
    return true;
}

static const char *choose_display(const struct engine_model *model, const char *wanted, GError **error)
{
    if (!wanted)
        return model->displays[0].id;
    for (const struct engine_choice *choice = model->displays; choice->id; choice++)
        if (!strcmp(choice->id, wanted))
            return choice->id;
    g_autoptr(GString) known = g_string_new(NULL);
    for (const struct engine_choice *choice = model->displays; choice->id; choice++)
        g_string_append_printf(known, "%s%s", known->len ? ", " : "", choice->id);
    g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, "The %s has no display “%s”. It has: %s.",
                model->title, wanted, known->str);
    return NULL;
}

static Image *open_image(const char *path, bool read_only, GError **error)
{
    return image_open(path, NULL, read_only ? IMAGE_OPEN_READ_ONLY : IMAGE_OPEN_WRITABLE, error);
}

/* Opens the drive's image if it has a path; takes over an image that is open already. */
static bool open_drive(struct machine *machine, const char *id, struct engine_drive *drive, bool read_only,
                       struct block_backend **block, GError **error)
{
    Image *image = g_steal_pointer(&drive->image);
    if (!image && drive->path && !(image = open_image(drive->path, read_only, error)))
        return false;
    *block = block_backend_new(machine, id, image, read_only);
    return true;
}

static bool open_disks(struct engine *engine, const struct engine_config *config, struct board_setup *setup,
                       GError **error)
{
    struct machine *machine = engine->machine;
    const struct engine_model *model = &setup->board->model;
    if (config->disks->len > MIN(model->disk_units, BOARD_MAX_DISKS)) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, "The %s takes at most %u hard disks.",
                    model->title, model->disk_units);
        return false;
    }
    uint32_t used = 0;
    for (unsigned i = 0; i < config->disks->len; i++) {
        const struct engine_drive *drive = &g_array_index(config->disks, struct engine_drive, i);
        if (drive->unit < 0)
            continue;
        bool known = false;
        for (unsigned n = 0; n < model->disk_units; n++)
            known |= model->disk_unit_numbers[n] == (unsigned)drive->unit;
        if (!known || used & 1u << drive->unit) {
            g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                        known ? "Two hard disks of the %s have the unit number %d."
                              : "The %s takes no hard disk with the unit number %d.",
                        model->title, drive->unit);
            return false;
        }
        used |= 1u << drive->unit;
    }
    for (unsigned i = 0; i < config->disks->len; i++) {
        struct engine_drive *drive = &g_array_index(config->disks, struct engine_drive, i);
        unsigned unit = (unsigned)drive->unit;
        for (unsigned n = 0; drive->unit < 0 && n < model->disk_units; n++) {
            unit = model->disk_unit_numbers[n];
            if (!(used & 1u << unit))
                break;
        }
        used |= 1u << unit;
        g_autofree char *id = g_strdup_printf("disk%u", unit);
        setup->disk[i].unit = unit;
        if (!open_drive(machine, id, drive, drive->read_only, &setup->disk[i].block, error))
            return false;
        engine->disks[engine->disk_count++] = setup->disk[i].block;
        setup->disk_count++;
    }
    return true;
}

static bool open_serial(struct engine *engine, unsigned port, const struct engine_serial *serial,
                        GError **error)
{
    struct machine *machine = engine->machine;
    struct char_backend *backend = NULL;
    switch (serial->kind) {
    case ENGINE_SERIAL_NONE: return true;
    case ENGINE_SERIAL_STDIO: backend = char_backend_fd(machine, STDIN_FILENO, STDOUT_FILENO, false); break;
    case ENGINE_SERIAL_FILE: {
        int fd = open(serial->path ? serial->path : "", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (fd < 0) {
            g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FILE,
                        "The serial port’s file “%s” can’t be written: %s.", serial->path ? serial->path : "",
                        g_strerror(errno));
            return false;
        }
        backend = char_backend_fd(machine, -1, fd, true);
        break;
    }
    case ENGINE_SERIAL_PTY:
        backend = char_backend_pty(machine, &engine->pty[port], error);
        if (!backend)
            return false;
        break;
    case ENGINE_SERIAL_CALLBACK:
        engine->serial_context[port] = (struct serial_context){engine, port};
        backend = char_backend_callback(machine, serial_output, &engine->serial_context[port]);
        break;
    }
    engine->serial[port] = backend;
    g_ptr_array_add(machine->char_backends, backend);
    return true;
}

static bool open_backends(struct engine *engine, struct engine_config *config, struct board_setup *setup,
                          GError **error)
{
    struct machine *machine = engine->machine;
    const struct engine_model *model = &engine->board->model;
    if (!open_disks(engine, config, setup, error))
        return false;
    if (model->has_cdrom && !open_drive(machine, "cdrom", &config->cdrom, true, &setup->cdrom, error))
        return false;
    if (model->has_floppy &&
        !open_drive(machine, "floppy", &config->floppy, config->floppy.read_only, &setup->floppy, error))
        return false;
    engine->cdrom = setup->cdrom;
    engine->floppy = setup->floppy;
    for (unsigned i = 0; i < ENGINE_MAX_SERIAL; i++) {
        if (i < model->serial_ports && !open_serial(engine, i, &config->serial[i], error))
            return false;
        setup->serial[i] = engine->serial[i];
    }
    /* What comes from a network would make two runs differ: a deterministic machine's cable is unplugged. */
    if (config->network && model->has_network && !config->deterministic) {
        setup->net = net_slirp_new(machine, NULL, error);
        if (!setup->net)
            return false;
        g_ptr_array_add(machine->net_backends, setup->net);
    }
    if (model->has_audio) {
        if (config->audio == ENGINE_AUDIO_PULSE && !config->deterministic) {
            g_autoptr(GError) failure = NULL;
            machine->audio = audio_pulse_new(machine, model->title, &failure);
            if (!machine->audio) {
                g_warning("The machine runs without sound: %s", failure->message);
                engine->complaint = g_strdup(failure->message);
            }
        }
        if (!machine->audio)
            machine->audio = audio_null_new(machine);
        setup->audio = machine->audio;
    }
    return true;
}

static void drop_images(struct engine_config *config)
{
    for (unsigned i = 0; i < config->disks->len; i++)
        g_clear_pointer(&g_array_index(config->disks, struct engine_drive, i).image, image_free);
    g_clear_pointer(&config->cdrom.image, image_free);
    g_clear_pointer(&config->floppy.image, image_free);
}

static bool load_nvram(struct engine *engine, const struct engine_config *config,
                       const struct board_setup *setup, GError **error)
{
    if (!config->nvram || !setup->nvram)
        return true;
    engine->nvram_path = g_strdup(config->nvram);
    engine->nvram = setup->nvram;
    engine->nvram_size = setup->nvram_size;
    if (!g_file_test(config->nvram, G_FILE_TEST_EXISTS))
        return true;
    g_autoptr(GBytes) bytes =
        board_load_file(config->nvram, setup->nvram_size, "battery-backed memory", error);
    if (!bytes)
        return false;
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    memcpy(setup->nvram, data, size);
    return true;
}

struct engine *engine_new(const struct engine_config *const_config, const struct engine_events *events,
                          GError **error)
{
    /* The images in it change hands; nothing else is written. */
    struct engine_config *config = (struct engine_config *)(uintptr_t)const_config;
    const struct board *board = NULL;
    for (unsigned i = 0; boards[i]; i++)
        if (!strcmp(boards[i]->model.id, config->model))
            board = boards[i];
    const char *display = NULL;
    if (!board)
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, "There is no computer model “%s”.",
                    config->model);
    if (!board || !check_config(&board->model, config, error) ||
        !(display = choose_display(&board->model, config->display, error))) {
        drop_images(config);
        return NULL;
    }

    struct engine *engine = g_new0(struct engine, 1);
    g_mutex_init(&engine->lock);
    g_rec_mutex_init(&engine->events_lock);
    g_cond_init(&engine->changed);
    engine->board = board;
    if (events)
        engine->events = *events;
    engine->writing = 0;
    engine->ready = 1;
    engine->reading = 2;

    struct machine_options options = {
        .accel = config->accel == ENGINE_ACCEL_INTERP ? ACCEL_INTERP : ACCEL_JIT,
        .deterministic = config->deterministic,
        .warp = config->warp,
        .ns_per_insn = board->ns_per_insn,
        .rtc_base = config->rtc_base,
        .log = config->log,
    };
    struct machine *machine = engine->machine = machine_new(board->model.id, &options);
    struct board_setup setup = {
        .board = board,
        .config = config,
        .ram_mib = config->ram_mib ? config->ram_mib : board->model.ram_default_mib,
        .cpus = config->cpus ? config->cpus : 1,
        .display = display,
    };
    memcpy(setup.mac, config->mac, sizeof setup.mac);
    bool ok = open_backends(engine, config, &setup, error) && board->build(machine, &setup, error) &&
              load_nvram(engine, config, &setup, error);
    drop_images(config);
    if (!ok) {
        engine_free(engine);
        return NULL;
    }
    machine->events = (struct machine_events){
        .run_state = run_state_changed,
        .frame = publish_frame,
        .opaque = engine,
    };
    machine_reset(machine, RESET_POWER_ON);
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
                    "This computer has no drive “%s” for removable media.", request->drive);
    } else if (block->locked && !request->force) {
        if (block->eject_requested)
            block->eject_requested(block->device_opaque);
        g_set_error(
            &error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
            "The system in the computer holds the medium. Let it eject the medium, or take it out by force.");
        TELL(engine, media_eject_requested, request->drive);
    } else {
        bool read_only = request->read_only || block == engine->cdrom;
        Image *image = request->text ? open_image(request->text, read_only, &error) : NULL;
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
