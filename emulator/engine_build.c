/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a configuration to a machine: what is not possible is refused with a sentence, images, lines, network and sound
 * are opened, the board is built on them. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "emulator/core/i18n.h"
#include "emulator/core/log.h"
#include "emulator/engine_private.h"
#include "emulator/hw/audio/audio_null.h"
#include "emulator/hw/audio/audio_pulse.h"
#include "emulator/hw/net/net_slirp.h"
#include "images/images.h"

static bool check_config(const struct engine_model *model, const struct engine_config *config, GError **error)
{
    if (config->ram_mib && (config->ram_mib < model->ram_min_mib || config->ram_mib > model->ram_max_mib)) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                    _("The %s takes %u to %u MiB of memory, not %u MiB."), model->title, model->ram_min_mib,
                    model->ram_max_mib, config->ram_mib);
        return false;
    }
    if (config->cpus > 1) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, _("The %s has one processor."),
                    model->title);
        return false;
    }
    if (config->accel == ENGINE_ACCEL_KVM) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                    _("The %s can’t run on the host’s processor (KVM): it has another instruction set."),
                    model->title);
        return false;
    }
    static const char *const topics[] = {"jit", "guest", NULL};
    if (!log_check(config->log, topics, error))
        return false;
    static const char *const devices[] = {"disk", "cdrom", "floppy", "network", NULL};
    if (config->boot && !g_strv_contains(devices, config->boot)) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                    _("“%s” is no boot device: there are disk, cdrom, floppy and network."), config->boot);
        return false;
    }
    if (!model->has_floppy && (config->floppy.path || config->floppy.image)) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, _("The %s has no floppy drive."),
                    model->title);
        return false;
    }
    if (!model->has_cdrom && (config->cdrom.path || config->cdrom.image)) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, _("The %s has no CD-ROM drive."),
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
    g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, _("The %s has no display “%s”. It has: %s."),
                model->title, wanted, known->str);
    return NULL;
}

Image *engine_open_image(const char *path, bool read_only, GError **error)
{
    return image_open(path, NULL, read_only ? IMAGE_OPEN_READ_ONLY : IMAGE_OPEN_WRITABLE, error);
}

/* Opens the drive's image if it has a path; takes over an image that is open already. */
static bool open_drive(struct machine *machine, const char *id, struct engine_drive *drive, bool read_only,
                       struct block_backend **block, GError **error)
{
    Image *image = g_steal_pointer(&drive->image);
    if (!image && drive->path && !(image = engine_open_image(drive->path, read_only, error)))
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
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, _("The %s takes at most %u hard disks."),
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
                        known ? _("Two hard disks of the %s have the unit number %d.")
                              : _("The %s takes no hard disk with the unit number %d."),
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

static void serial_output(void *opaque, const uint8_t *data, size_t size)
{
    struct serial_context *context = opaque;
    ENGINE_TELL(context->engine, serial_output, context->port, data, size);
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
                        _("The serial port’s file “%s” can’t be written: %s."), serial->path ? serial->path : "",
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
    g_autofree char *folder = g_path_get_dirname(config->nvram);
    if (g_access(folder, W_OK | X_OK) != 0) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FILE,
                    _("The battery-backed memory can’t be kept in “%s”: %s. Name a file in another folder."), folder,
                    g_strerror(errno));
        return false;
    }
    if (g_file_test(config->nvram, G_FILE_TEST_EXISTS)) {
        g_autoptr(GBytes) bytes = board_load_file(config->nvram, SIZE_MAX, _("battery-backed memory"), error);
        if (!bytes)
            return false;
        gsize size;
        const void *data = g_bytes_get_data(bytes, &size);
        if (size != setup->nvram_size) { /* a file of something else, which would be written over */
            g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FILE,
                        _("“%s” is not the battery-backed memory of a %s, which has %zu bytes. Name another file, or "
                          "one that is not there yet."),
                        config->nvram, setup->board->model.title, setup->nvram_size);
            return false;
        }
        memcpy(setup->nvram, data, size);
    }
    engine->nvram_path = g_strdup(config->nvram);
    engine->nvram = setup->nvram;
    engine->nvram_size = setup->nvram_size;
    return true;
}

static const struct board *find_board(const char *model, GError **error)
{
    for (unsigned i = 0; boards[i]; i++)
        if (!strcmp(boards[i]->model.id, model))
            return boards[i];
    g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, _("There is no computer model “%s”."), model);
    return NULL;
}

static bool build_machine(struct engine *engine, struct engine_config *config, GError **error)
{
    const struct board *board = engine->board = find_board(config->model, error);
    if (!board || !check_config(&board->model, config, error))
        return false;
    const char *display = choose_display(&board->model, config->display, error);
    if (!display)
        return false;
    struct machine_options options = {
        .accel = config->accel == ENGINE_ACCEL_INTERP ? ACCEL_INTERP : ACCEL_JIT,
        .deterministic = config->deterministic,
        .warp = config->warp,
        .ns_per_insn = board->ns_per_insn,
        .rtc_base = config->rtc_base,
        .log = config->log,
    };
    engine->machine = machine_new(board->model.id, &options);
    if (!log_open(config->log, "guest", &engine->machine->guest_log, error))
        return false;
    struct board_setup setup = {
        .board = board,
        .config = config,
        .ram_mib = config->ram_mib ? config->ram_mib : board->model.ram_default_mib,
        .cpus = config->cpus ? config->cpus : 1,
        .display = display,
    };
    memcpy(setup.mac, config->mac, sizeof setup.mac);
    return open_backends(engine, config, &setup, error) && board->build(engine->machine, &setup, error) &&
           load_nvram(engine, config, &setup, error);
}

bool engine_build(struct engine *engine, struct engine_config *config, GError **error)
{
    bool ok = build_machine(engine, config, error);
    drop_images(config);
    return ok;
}
