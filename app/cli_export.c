/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine export and import: a machine as one file. */
#include "app/bundle_file.h"
#include "app/cli.h"
#include "app/i18n.h"
#include "app/library.h"
#include "app/progress_line.h"

#include <json-glib/json-glib.h>

static void print_result(gboolean json, const char *key, const char *path)
{
    if (json) {
        g_autofree char *valid = g_utf8_make_valid(path, -1);
        g_autoptr(JsonBuilder) builder = json_builder_new();
        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, key);
        json_builder_add_string_value(builder, valid);
        json_builder_end_object(builder);
        g_autoptr(JsonNode) root = json_builder_get_root(builder);
        g_autofree char *text = json_to_string(root, TRUE);
        g_print("%s\n", text);
    } else {
        g_print("%s\n", path);
    }
}

int cli_export(int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL},
        {NULL},
    };
    g_autoptr(GError) error = NULL;
    ProgressLine progress;

    if (!cli_parse(&argc, &argv, options, "NAME FILE.vitrine",
                   _("Writes a machine with its disks, its history and the originals it stands on to one file. The "
                     "machine must be off."),
                   false))
        return CLI_USAGE;
    if (argc != 3) {
        cli_error("export", "%s", _("Name one machine and the file to write."));
        return CLI_USAGE;
    }
    g_autoptr(VitrineLibrary) library = vitrine_library_new(NULL, FALSE);
    g_autoptr(VitrineBundle) bundle = vitrine_library_find(library, argv[1], &error);
    g_autofree char *path = g_canonicalize_filename(argv[2], NULL);
    if (bundle && vitrine_bundle_lock_for_export(bundle, &error)) {
        progress_line_begin(&progress, FALSE);
        bundle_file_export(vitrine_bundle_get_folder(bundle), path, &progress.job, &error);
        progress_line_end(&progress);
        vitrine_bundle_unlock(bundle);
    }
    if (error) {
        cli_error("export", "%s", error->message);
        return CLI_FAILED;
    }
    print_result(json, "file", path);
    return CLI_OK;
}

int cli_import(int argc, char **argv)
{
    gboolean json = FALSE;
    g_autofree char *name = NULL;
    const GOptionEntry options[] = {
        {"name", 0, 0, G_OPTION_ARG_STRING, &name, N_("Another name for the machine"), N_("NAME")},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL},
        {NULL},
    };
    g_autoptr(GError) error = NULL;
    ProgressLine progress;

    if (!cli_parse(&argc, &argv, options, "FILE.vitrine",
                   _("Makes a machine of a file that “vitrine export” wrote. Every file in it is checked."), false))
        return CLI_USAGE;
    if (argc != 2) {
        cli_error("import", "%s", _("Name one file."));
        return CLI_USAGE;
    }
    g_autofree char *machines = vitrine_machines_folder();
    progress_line_begin(&progress, FALSE);
    g_autofree char *folder = bundle_file_import(argv[1], machines, name, &progress.job, &error);
    progress_line_end(&progress);
    if (!folder) {
        cli_error("import", "%s", error->message);
        return CLI_FAILED;
    }
    print_result(json, "folder", folder);
    return CLI_OK;
}
