/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's models, configurations and firmware search. */
#include "emulator/engine.h"

#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/machines/board.h"

#ifndef VITRINE_DATA_DIR
#define VITRINE_DATA_DIR "/usr/share/vitrine"
#endif

GQuark engine_error_quark(void)
{
    return g_quark_from_static_string("vitrine-engine-error");
}

#define MAX_MODELS 64

const struct engine_model *const *engine_models(void)
{
    static const struct engine_model *models[MAX_MODELS];
    static gsize once;
    if (g_once_init_enter(&once)) {
        for (unsigned i = 0; boards[i] && i + 1 < MAX_MODELS; i++)
            models[i] = &boards[i]->model;
        g_once_init_leave(&once, 1);
    }
    return models;
}

const struct engine_model *engine_find_model(const char *id)
{
    for (unsigned i = 0; boards[i]; i++)
        if (!g_strcmp0(boards[i]->model.id, id))
            return &boards[i]->model;
    return NULL;
}

/* ---- firmware ---- */

static char *try_folder(const char *folder, const char *file)
{
    char *path = g_build_filename(folder, file, NULL);
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return path;
    g_free(path);
    return NULL;
}

char *engine_find_firmware(const struct engine_firmware *firmware, GError **error)
{
    const char *list = g_getenv("VITRINE_FIRMWARE_PATH");
    g_auto(GStrv) folders = list ? g_strsplit(list, ":", -1) : NULL;
    char *found = NULL;
    for (unsigned i = 0; folders && folders[i] && !found; i++)
        if (*folders[i])
            found = try_folder(folders[i], firmware->file);
    if (!found) {
        g_autofree char *own = g_build_filename(g_get_user_data_dir(), "vitrine", "firmware", NULL);
        found = try_folder(own, firmware->file);
    }
    static const char *const shared[] = {VITRINE_DATA_DIR "/firmware", "/usr/share/openbios",
                                         "/usr/share/qemu", "/usr/share/seabios",
                                         "/usr/share/qemu-efi-aarch64"};
    for (unsigned i = 0; i < G_N_ELEMENTS(shared) && !found; i++)
        found = try_folder(shared[i], firmware->file);
    if (!found)
        g_set_error(
            error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FIRMWARE,
            _("The firmware “%s” was not found. Install the package %s, or put the file into the folder "
            "vitrine/firmware of your data folder."),
            firmware->file, firmware->package);
    return found;
}

GBytes *board_load_file(const char *path, size_t max, const char *what, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &failure);
    if (!file) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FILE, _("The %s “%s” can’t be read: %s"), what,
                    path, failure->message);
        return NULL;
    }
    if (!g_mapped_file_get_length(file) || g_mapped_file_get_length(file) > max) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FILE,
                    g_mapped_file_get_length(file) ? _("The %s “%s” is too large for this computer.")
                                                   : _("The %s “%s” is empty."),
                    what, path);
        return NULL;
    }
    return g_mapped_file_get_bytes(file);
}

GBytes *board_load_firmware(const struct board_setup *setup, GError **error)
{
    g_autofree char *path = setup->config->firmware
                                ? g_strdup(setup->config->firmware)
                                : engine_find_firmware(&setup->board->model.firmware[0], error);
    return path ? board_load_file(path, 64 << 20, _("firmware"), error) : NULL;
}

char *board_find_optional(const struct board_setup *setup, const char *file)
{
    for (const struct engine_firmware *f = setup->board->model.firmware; f->file; f++)
        if (!strcmp(f->file, file))
            return engine_find_firmware(f, NULL);
    return NULL;
}

/* ---- configuration ---- */

static void clear_drive(struct engine_drive *drive)
{
    g_clear_pointer(&drive->path, g_free);
}

static void clear_disk(gpointer data)
{
    clear_drive(data);
}

struct engine_config *engine_config_new(const char *model, GError **error)
{
    const struct engine_model *found = engine_find_model(model);
    if (!found) {
        g_autoptr(GString) known = g_string_new(NULL);
        for (unsigned i = 0; boards[i]; i++)
            g_string_append_printf(known, "%s%s", i ? ", " : "", boards[i]->model.id);
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                    _("There is no computer model “%s”. The models are: %s."), model ? model : "", known->str);
        return NULL;
    }
    struct engine_config *config = g_new0(struct engine_config, 1);
    config->model = g_strdup(model);
    config->ram_mib = found->ram_default_mib;
    config->cpus = 1;
    config->rtc_base = INT64_MIN;
    config->network = found->has_network;
    config->disks = g_array_new(FALSE, TRUE, sizeof(struct engine_drive));
    g_array_set_clear_func(config->disks, clear_disk);
    config->cdrom.unit = config->floppy.unit = -1;
    return config;
}

void engine_config_free(struct engine_config *config)
{
    if (!config)
        return;
    g_free(config->model);
    g_free(config->firmware);
    g_free(config->kernel);
    g_free(config->initrd);
    g_free(config->append);
    g_free(config->display);
    g_free(config->boot);
    g_array_unref(config->disks);
    clear_drive(&config->cdrom);
    clear_drive(&config->floppy);
    for (unsigned i = 0; i < ENGINE_MAX_SERIAL; i++)
        g_free(config->serial[i].path);
    g_free(config->nvram);
    g_free(config->log);
    g_free(config);
}

void engine_config_add_disk(struct engine_config *config, const char *path, int unit, bool read_only)
{
    struct engine_drive drive = {.path = g_strdup(path), .unit = unit, .read_only = read_only};
    g_array_append_val(config->disks, drive);
}
