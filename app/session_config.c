/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.ini as a configuration of the engine, with the images open. */
#include "app/session_config.h"

#include "app/bundle.h"
#include "app/i18n.h"
#include "images/images.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* The image behind a throw-away overlay: its file has no name any more when this returns. */
static Image *open_discarding(const char *path, const char *format, GError **error)
{
    g_autofree char *base = g_canonicalize_filename(path, NULL);
    g_autofree char *overlay = g_build_filename(g_get_tmp_dir(), "vitrine-XXXXXX.qcow2", NULL);
    ImageCreateOptions options = {.backing_file = base, .backing_format = format, .overwrite = TRUE};
    int fd = g_mkstemp(overlay);

    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, _("No temporary file can be made in “%s”."),
                    g_get_tmp_dir());
        return NULL;
    }
    close(fd);
    Image *image = image_create(overlay, "qcow2", &options, error)
                       ? image_open(overlay, "qcow2", IMAGE_OPEN_WRITABLE, error)
                       : NULL;
    g_unlink(overlay);
    return image;
}

static gboolean drive_into_config(const char *folder, const struct machine_drive *from, gboolean discard,
                                  struct engine_drive *to, GError **error)
{
    if (!from->file)
        return TRUE;
    g_autofree char *path = vitrine_bundle_path(folder, from->file);
    to->unit = from->unit;
    to->read_only = from->read_only;
    if (discard && !from->read_only)
        to->image = open_discarding(path, from->format, error);
    else
        to->image = image_open(path, from->format,
                               from->read_only ? IMAGE_OPEN_READ_ONLY : IMAGE_OPEN_WRITABLE, error);
    return to->image != NULL;
}

static void close_images(struct engine_config *config)
{
    for (guint i = 0; i < config->disks->len; i++)
        g_clear_pointer(&g_array_index(config->disks, struct engine_drive, i).image, image_free);
    g_clear_pointer(&config->cdrom.image, image_free);
    g_clear_pointer(&config->floppy.image, image_free);
}

static void set_text(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

static void set_path(char **field, const char *folder, const char *file)
{
    g_free(*field);
    *field = file ? vitrine_bundle_path(folder, file) : NULL;
}

struct engine_config *session_config_from_bundle(const char *folder, const MachineIni *machine,
                                                 gboolean discard, const struct engine_serial *serial,
                                                 GError **error)
{
    const struct engine_model *model = engine_find_model(machine->model);
    struct engine_config *config = engine_config_new(machine->model, error);

    if (!config)
        return NULL;
    if (machine->ram_mib)
        config->ram_mib = machine->ram_mib;
    config->accel = g_strcmp0(machine->accel, "interp") == 0 ? ENGINE_ACCEL_INTERP
                    : g_strcmp0(machine->accel, "kvm") == 0  ? ENGINE_ACCEL_KVM
                                                             : ENGINE_ACCEL_JIT;
    set_text(&config->display, machine->display);
    set_text(&config->boot, machine->boot);
    set_text(&config->append, machine->append);
    set_path(&config->firmware, folder, machine->firmware);
    set_path(&config->kernel, folder, machine->kernel);
    set_path(&config->initrd, folder, machine->initrd);
    config->network = machine->network;
    memcpy(config->mac, machine->mac, sizeof(config->mac));
    config->audio = machine->audio && model && model->has_audio ? ENGINE_AUDIO_PULSE : ENGINE_AUDIO_NONE;
    if (!discard)
        set_path(&config->nvram, folder, "nvram");

    struct engine_serial *port = &config->serial[0];
    if (serial) {
        port->kind = serial->kind;
        set_text(&port->path, serial->path);
    } else if (!machine->serial || strcmp(machine->serial, "window") == 0) {
        port->kind = ENGINE_SERIAL_CALLBACK;
    } else if (strcmp(machine->serial, "none") == 0) {
        port->kind = ENGINE_SERIAL_NONE;
    } else if (strcmp(machine->serial, "pty") == 0) {
        port->kind = ENGINE_SERIAL_PTY;
    } else {
        port->kind = ENGINE_SERIAL_FILE;
        set_path(&port->path, folder, machine->serial);
    }

    gboolean ok = drive_into_config(folder, &machine->cdrom, FALSE, &config->cdrom, error) &&
                  drive_into_config(folder, &machine->floppy, discard, &config->floppy, error);
    for (unsigned i = 0; ok && i < machine->disk_count; i++) {
        struct engine_drive drive = {0};
        ok = drive_into_config(folder, &machine->disks[i], discard, &drive, error);
        if (ok)
            g_array_append_val(config->disks, drive);
    }
    if (!ok) {
        close_images(config);
        engine_config_free(config);
        return NULL;
    }
    return config;
}

/* Disks that the command line gave as paths, behind throw-away overlays. */
gboolean session_config_discard_writes(struct engine_config *config, GError **error)
{
    for (guint i = 0; i < config->disks->len; i++) {
        struct engine_drive *drive = &g_array_index(config->disks, struct engine_drive, i);
        if (drive->image || !drive->path || drive->read_only)
            continue;
        drive->image = open_discarding(drive->path, NULL, error);
        if (!drive->image) {
            close_images(config);
            return FALSE;
        }
        g_clear_pointer(&drive->path, g_free);
    }
    return TRUE;
}
