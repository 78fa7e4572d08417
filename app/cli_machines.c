/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine models, create, list, info, delete: machines on disk. */
#include "app/bundle.h"
#include "app/cli.h"
#include "app/i18n.h"
#include "app/library.h"
#include "app/machine_check.h"
#include "app/size.h"
#include "emulator/engine.h"
#include "images/images.h"

#include <json-glib/json-glib.h>
#include <string.h>

static void print_json(JsonBuilder *builder)
{
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *text = json_to_string(root, TRUE);

    g_print("%s\n", text);
}

static void json_text(JsonBuilder *builder, const char *name, const char *value)
{
    json_builder_set_member_name(builder, name);
    if (value)
        json_builder_add_string_value(builder, value);
    else
        json_builder_add_null_value(builder);
}

static void json_number(JsonBuilder *builder, const char *name, gint64 value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, value);
}

static void json_flag(JsonBuilder *builder, const char *name, gboolean value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_boolean_value(builder, value);
}

/* ---- models ---- */

static void model_to_json(JsonBuilder *builder, const struct engine_model *model)
{
    json_builder_begin_object(builder);
    json_text(builder, "id", model->id);
    json_text(builder, "title", _(model->title));
    json_text(builder, "family", model->family);
    json_text(builder, "description", _(model->description));
    json_text(builder, "cpu", model->cpu);
    json_number(builder, "year", model->year);
    json_number(builder, "ram-min-mib", model->ram_min_mib);
    json_number(builder, "ram-max-mib", model->ram_max_mib);
    json_number(builder, "ram-default-mib", model->ram_default_mib);
    json_builder_set_member_name(builder, "displays");
    json_builder_begin_array(builder);
    for (const struct engine_choice *choice = model->displays; choice && choice->id; choice++)
        json_builder_add_string_value(builder, choice->id);
    json_builder_end_array(builder);
    json_number(builder, "disks", model->disk_units);
    json_flag(builder, "cdrom", model->has_cdrom);
    json_flag(builder, "floppy", model->has_floppy);
    json_flag(builder, "network", model->has_network);
    json_flag(builder, "audio", model->has_audio);
    json_number(builder, "serial-ports", model->serial_ports);
    json_builder_set_member_name(builder, "firmware");
    json_builder_begin_array(builder);
    for (const struct engine_firmware *firmware = model->firmware; firmware && firmware->file; firmware++) {
        g_autofree char *path = engine_find_firmware(firmware, NULL);
        json_builder_begin_object(builder);
        json_text(builder, "file", firmware->file);
        json_text(builder, "package", firmware->package);
        json_text(builder, "path", path);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

int cli_models(int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL},
        {NULL},
    };

    if (!cli_parse(&argc, &argv, options, NULL, _("Lists the computers that Vitrine can build."), false))
        return CLI_USAGE;
    const struct engine_model *const *models = engine_models();
    if (json) {
        g_autoptr(JsonBuilder) builder = json_builder_new();
        json_builder_begin_array(builder);
        for (; *models; models++)
            model_to_json(builder, *models);
        json_builder_end_array(builder);
        print_json(builder);
        return CLI_OK;
    }
    for (; *models; models++) {
        const struct engine_model *model = *models;
        g_print("%-12s %s (%u), %s, %u–%u MiB\n", model->id, _(model->title), model->year, model->cpu,
                model->ram_min_mib, model->ram_max_mib);
        g_print("%-12s %s:", "", _("displays"));
        for (const struct engine_choice *choice = model->displays; choice && choice->id; choice++)
            g_print(" %s", choice->id);
        g_print("\n");
    }
    return CLI_OK;
}

/* ---- create ---- */

int cli_create(int argc, char **argv)
{
    g_autofree char *model_id = NULL, *display = NULL, *network = NULL, *serial = NULL, *notes = NULL,
                    *cdrom = NULL;
    g_autofree char *kernel = NULL, *initrd = NULL, *append = NULL, *firmware = NULL, *boot = NULL;
    g_auto(GStrv) disks = NULL;
    int ram = 0;
    gboolean copy = FALSE;
    const GOptionEntry options[] = {
        {"model", 0, 0, G_OPTION_ARG_STRING, &model_id, N_("Which computer (see “vitrine models”)"),
         N_("ID")},
        {"ram", 0, 0, G_OPTION_ARG_INT, &ram, N_("Memory"), N_("MiB")},
        {"disk", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &disks,
         N_("An image, which stays as it is (changes go to an overlay), or the size of a new disk (2G); may "
            "be repeated"),
         N_("FILE|SIZE")},
        {"copy", 0, 0, G_OPTION_ARG_NONE, &copy, N_("Copy the disks instead of laying overlays over them"),
         NULL},
        {"cdrom", 0, 0, G_OPTION_ARG_FILENAME, &cdrom, N_("CD in the drive"), N_("FILE")},
        {"display", 0, 0, G_OPTION_ARG_STRING, &display, N_("Graphics card"), N_("ID")},
        {"network", 0, 0, G_OPTION_ARG_STRING, &network, N_("Network"), "user|none"},
        {"serial", 0, 0, G_OPTION_ARG_STRING, &serial, N_("Where the first serial port goes"),
         "window|none|pty|FILE"},
        {"kernel", 0, 0, G_OPTION_ARG_FILENAME, &kernel, N_("Kernel to start directly"), N_("FILE")},
        {"initrd", 0, 0, G_OPTION_ARG_FILENAME, &initrd, N_("Initial RAM disk for the kernel"), N_("FILE")},
        {"append", 0, 0, G_OPTION_ARG_STRING, &append, N_("Command line for the kernel"), N_("TEXT")},
        {"firmware", 0, 0, G_OPTION_ARG_FILENAME, &firmware, N_("Firmware instead of the usual one"),
         N_("FILE")},
        {"boot", 0, 0, G_OPTION_ARG_STRING, &boot, N_("What the firmware starts from"),
         "disk|cdrom|floppy|network"},
        {"notes", 0, 0, G_OPTION_ARG_STRING, &notes, N_("A note to keep with the machine"), N_("TEXT")},
        {NULL},
    };

    if (!cli_parse(&argc, &argv, options, "NAME", _("Makes a new machine in your library."), false))
        return CLI_USAGE;
    if (argc != 2) {
        cli_error("create", "%s", _("Give the machine one name."));
        return CLI_USAGE;
    }
    if (!model_id) {
        cli_error("create", "%s", _("Say which computer it is with --model; “vitrine models” lists them."));
        return CLI_USAGE;
    }

    g_autoptr(GError) error = NULL;
    const struct engine_model *model = engine_find_model(model_id);
    if (!model) {
        cli_error("create", _("There is no model “%s”. “vitrine models” lists them."), model_id);
        return CLI_USAGE;
    }
    if (ram < 0) {
        cli_error("create", "%s", _("Memory is counted from 1 MiB."));
        return CLI_USAGE;
    }
    if (network && strcmp(network, "user") != 0 && strcmp(network, "none") != 0) {
        cli_error("create", _("The network is “user” or “none”, not “%s”."), network);
        return CLI_USAGE;
    }
    guint disk_count = disks ? g_strv_length(disks) : 0;
    if (disk_count > model->disk_units) {
        cli_error("create",
                  ngettext("The %s takes at most %u disk.", "The %s takes at most %u disks.", model->disk_units),
                  _(model->title), model->disk_units);
        return CLI_USAGE;
    }
    g_autofree struct bundle_disk *wanted = g_new0(struct bundle_disk, disk_count + 1);
    for (guint i = 0; i < disk_count; i++) {
        wanted[i].unit = (int)model->disk_unit_numbers[i];
        wanted[i].copy = copy;
        if (g_file_test(disks[i], G_FILE_TEST_EXISTS)) {
            wanted[i].file = disks[i];
        } else if (!parse_size(disks[i], 1, &wanted[i].size)) {
            cli_error("create", _("“%s” is neither a file nor a size (such as 2G)."), disks[i]);
            return CLI_USAGE;
        }
    }

    g_autoptr(MachineIni) machine = machine_ini_new(argv[1], model->id);
    machine->ram_mib = ram ? (unsigned)ram : model->ram_default_mib;
    machine->display = g_steal_pointer(&display);
    machine->network = model->has_network && g_strcmp0(network, "none") != 0;
    machine->audio = model->has_audio;
    machine->serial = g_steal_pointer(&serial);
    machine->notes = g_steal_pointer(&notes);
    machine->boot = g_steal_pointer(&boot);
    machine->append = g_steal_pointer(&append);
    machine->kernel = kernel ? g_canonicalize_filename(kernel, NULL) : NULL;
    machine->initrd = initrd ? g_canonicalize_filename(initrd, NULL) : NULL;
    machine->firmware = firmware ? g_canonicalize_filename(firmware, NULL) : NULL;
    if (cdrom) {
        g_autofree char *path = g_canonicalize_filename(cdrom, NULL);
        machine_ini_set_drive(&machine->cdrom, path, NULL, -1, TRUE);
    }
    /* What is not installed may come later; what was asked for here must be possible. */
    g_autoptr(GPtrArray) findings = machine_check(".", machine);
    for (guint i = 0; i < findings->len; i++) {
        const struct machine_finding *finding = findings->pdata[i];
        if (finding->level == FINDING_ERROR && (machine->firmware || strcmp(finding->setting, "firmware") != 0)) {
            cli_error("create", "%s", finding->text);
            return CLI_USAGE;
        }
    }
    g_autofree char *folder = vitrine_machines_folder();
    g_autoptr(VitrineBundle) bundle =
        vitrine_bundle_create(folder, machine, wanted, disk_count, NULL, &error);
    if (!bundle) {
        cli_error("create", "%s", error->message);
        return g_error_matches(error, MACHINE_ERROR, MACHINE_ERROR_INVALID) ? CLI_USAGE : CLI_FAILED;
    }
    return CLI_OK;
}

/* ---- list and info ---- */

static char *format_time(gint64 seconds)
{
    if (!seconds)
        return NULL;
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    return time ? g_date_time_format_iso8601(time) : NULL;
}

static void findings_to_json(JsonBuilder *builder, VitrineBundle *bundle)
{
    g_autoptr(GPtrArray) findings =
        machine_check(vitrine_bundle_get_folder(bundle), vitrine_bundle_get_machine(bundle));

    json_builder_set_member_name(builder, "findings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < findings->len; i++) {
        const struct machine_finding *finding = findings->pdata[i];
        json_builder_begin_object(builder);
        json_text(builder, "level", finding->level == FINDING_ERROR ? "error" : "note");
        json_text(builder, "setting", finding->setting);
        json_text(builder, "text", finding->text);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void bundle_to_json(JsonBuilder *builder, VitrineBundle *bundle, gboolean all)
{
    const MachineIni *machine = vitrine_bundle_get_machine(bundle);

    json_builder_begin_object(builder);
    json_text(builder, "name", vitrine_bundle_get_name(bundle));
    json_text(builder, "model", machine ? machine->model : NULL);
    json_text(builder, "state", vitrine_bundle_state_id(vitrine_bundle_get_state(bundle)));
    json_text(builder, "folder", vitrine_bundle_get_folder(bundle));
    if (!machine) {
        json_text(builder, "problem", vitrine_bundle_get_problem(bundle));
        json_builder_end_object(builder);
        return;
    }
    g_autofree char *created = format_time(machine->created), *last_used = format_time(machine->last_used);
    json_number(builder, "ram-mib", machine->ram_mib);
    json_text(builder, "created", created);
    json_text(builder, "last-used", last_used);
    if (all) {
        json_text(builder, "display", machine->display);
        json_flag(builder, "network", machine->network);
        json_flag(builder, "audio", machine->audio);
        json_text(builder, "serial", machine->serial);
        json_builder_set_member_name(builder, "disks");
        json_builder_begin_array(builder);
        for (unsigned i = 0; i < machine->disk_count; i++) {
            const struct machine_drive *drive = &machine->disks[i];
            g_autofree char *path = vitrine_bundle_path(vitrine_bundle_get_folder(bundle), drive->file);
            g_autoptr(ImageInfo) image = image_read_info(path, drive->format, NULL);
            json_builder_begin_object(builder);
            json_text(builder, "file", path);
            json_text(builder, "format", drive->format);
            json_number(builder, "unit", drive->unit);
            json_flag(builder, "read-only", drive->read_only);
            if (image) {
                json_number(builder, "size", (gint64)image->size);
                json_number(builder, "disk-usage", (gint64)image->disk_usage);
                json_text(builder, "backing-file", image->backing_path);
            }
            json_builder_end_object(builder);
        }
        json_builder_end_array(builder);
        json_text(builder, "cdrom", machine->cdrom.file);
        json_text(builder, "floppy", machine->floppy.file);
        json_text(builder, "kernel", machine->kernel);
        json_text(builder, "initrd", machine->initrd);
        json_text(builder, "append", machine->append);
        json_text(builder, "boot", machine->boot);
        json_text(builder, "notes", machine->notes);
        findings_to_json(builder, bundle);
    }
    json_builder_end_object(builder);
}

int cli_list(int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL},
        {NULL},
    };

    if (!cli_parse(&argc, &argv, options, NULL, _("Lists your machines."), false))
        return CLI_USAGE;
    g_autoptr(VitrineLibrary) library = vitrine_library_new(NULL, FALSE);
    GListModel *list = G_LIST_MODEL(library);
    guint count = g_list_model_get_n_items(list);
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_array(builder);
    for (guint i = 0; i < count; i++) {
        g_autoptr(VitrineBundle) bundle = g_list_model_get_item(list, i);
        const MachineIni *machine = vitrine_bundle_get_machine(bundle);
        if (json)
            bundle_to_json(builder, bundle, FALSE);
        else
            g_print("%-30s %-12s %-8s\n", vitrine_bundle_get_name(bundle), machine ? machine->model : "?",
                    vitrine_bundle_state_id(vitrine_bundle_get_state(bundle)));
    }
    json_builder_end_array(builder);
    if (json)
        print_json(builder);
    return CLI_OK;
}

static void print_line(const char *label, const char *value)
{
    if (value && *value)
        g_print("%-14s %s\n", label, value);
}

static void print_info(VitrineBundle *bundle)
{
    const MachineIni *machine = vitrine_bundle_get_machine(bundle);
    const struct engine_model *model = engine_find_model(machine->model);
    g_autofree char *ram = g_strdup_printf("%u MiB", machine->ram_mib);
    g_autofree char *created = format_time(machine->created), *last_used = format_time(machine->last_used);

    print_line(_("Name:"), machine->name);
    print_line(_("Model:"), model ? _(model->title) : machine->model);
    print_line(_("State:"), vitrine_bundle_state_id(vitrine_bundle_get_state(bundle)));
    print_line(_("Folder:"), vitrine_bundle_get_folder(bundle));
    print_line(_("Memory:"), ram);
    print_line(_("Display:"), machine->display);
    print_line(_("Network:"), machine->network ? "user" : "none");
    for (unsigned i = 0; i < machine->disk_count; i++) {
        const struct machine_drive *drive = &machine->disks[i];
        g_autofree char *path = vitrine_bundle_path(vitrine_bundle_get_folder(bundle), drive->file);
        g_autoptr(GError) error = NULL;
        g_autoptr(ImageInfo) image = image_read_info(path, drive->format, &error);
        if (!image) {
            print_line(_("Disk:"), error->message);
            continue;
        }
        g_autofree char *size = g_format_size_full(image->size, G_FORMAT_SIZE_IEC_UNITS);
        g_autofree char *used = g_format_size_full(image->disk_usage, G_FORMAT_SIZE_IEC_UNITS);
        g_autofree char *text = image->backing_path ? g_strdup_printf(_("%s, %s in use, over “%s”"), size,
                                                                      used, image->backing_path)
                                                    : g_strdup_printf(_("%s, %s in use"), size, used);
        print_line(_("Disk:"), text);
    }
    print_line(_("CD-ROM:"), machine->cdrom.file);
    print_line(_("Floppy:"), machine->floppy.file);
    print_line(_("Kernel:"), machine->kernel);
    print_line(_("Initrd:"), machine->initrd);
    print_line(_("Append:"), machine->append);
    print_line(_("Created:"), created);
    print_line(_("Last used:"), last_used);
    print_line(_("Notes:"), machine->notes);
    g_autoptr(GPtrArray) findings = machine_check(vitrine_bundle_get_folder(bundle), machine);
    for (guint i = 0; i < findings->len; i++) {
        const struct machine_finding *finding = findings->pdata[i];
        print_line(finding->level == FINDING_ERROR ? _("Problem:") : _("Attention:"), finding->text);
    }
}

/* The one machine that a command names; NULL after an error was printed. */
static VitrineBundle *named_machine(const char *command, int argc, char **argv, int *status)
{
    g_autoptr(GError) error = NULL;

    *status = CLI_USAGE;
    if (argc != 2) {
        cli_error(command, "%s", _("Name one machine; “vitrine list” shows them."));
        return NULL;
    }
    g_autoptr(VitrineLibrary) library = vitrine_library_new(NULL, FALSE);
    VitrineBundle *bundle = vitrine_library_find(library, argv[1], &error);
    if (!bundle) {
        cli_error(command, "%s", error->message);
        *status = CLI_FAILED;
    }
    return bundle;
}

int cli_info(int argc, char **argv)
{
    gboolean json = FALSE;
    int status;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL},
        {NULL},
    };

    if (!cli_parse(&argc, &argv, options, "NAME", _("Shows what a machine is made of."), false))
        return CLI_USAGE;
    g_autoptr(VitrineBundle) bundle = named_machine("info", argc, argv, &status);
    if (!bundle)
        return status;
    if (json) {
        g_autoptr(JsonBuilder) builder = json_builder_new();
        bundle_to_json(builder, bundle, TRUE);
        print_json(builder);
        return CLI_OK;
    }
    if (!vitrine_bundle_get_machine(bundle)) {
        cli_error("info", "%s", vitrine_bundle_get_problem(bundle));
        return CLI_FAILED;
    }
    print_info(bundle);
    return CLI_OK;
}

int cli_delete(int argc, char **argv)
{
    int status;
    const GOptionEntry options[] = {{NULL}};
    g_autoptr(GError) error = NULL;

    if (!cli_parse(&argc, &argv, options, "NAME",
                   _("Deletes a machine with its disks and its history. Originals under its overlays stay."),
                   false))
        return CLI_USAGE;
    g_autoptr(VitrineBundle) bundle = named_machine("delete", argc, argv, &status);
    if (!bundle)
        return status;
    if (!vitrine_bundle_delete(bundle, &error)) {
        cli_error("delete", "%s", error->message);
        return CLI_FAILED;
    }
    return CLI_OK;
}
