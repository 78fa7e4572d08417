/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vitrine cache`: what `vitrine exec` keeps for the next start of a program. */
#include <getopt.h>
#include <stdio.h>

#include <glib.h>
#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "app/cli.h"
#include "emulator/user/cache.h"

enum { OPTION_FOLDER = 256, OPTION_JSON };

static const struct option options[] = {
    {"folder", required_argument, NULL, OPTION_FOLDER},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL},
};

static void print_usage(void)
{
    fputs(_("Usage: vitrine cache ACTION [OPTION…]\n"
            "Translations of programs that vitrine exec keeps, so that their next start is quick.\n"
            "\n"
            "Actions:\n"
            "  info            how much there is\n"
            "  clear           remove all of it\n"
            "\n"
            "  --folder DIR    where it is ($XDG_CACHE_HOME/vitrine/translations)\n"
            "  --json          the answer as JSON\n"
            "  --help          this text\n"),
          stdout);
}

static void print_json(const char *folder, unsigned files, uint64_t bytes)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *text = NULL;

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "folder");
    json_builder_add_string_value(builder, folder);
    json_builder_set_member_name(builder, "files");
    json_builder_add_int_value(builder, files);
    json_builder_set_member_name(builder, "bytes");
    json_builder_add_int_value(builder, (gint64)bytes);
    json_builder_set_member_name(builder, "limit");
    json_builder_add_int_value(builder, (gint64)USER_CACHE_BYTES);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    text = json_to_string(root, TRUE);
    g_print("%s\n", text);
}

int cli_cache(int argc, char **argv)
{
    g_autofree char *folder = user_cache_folder(), *size = NULL;
    g_autoptr(GError) error = NULL;
    gboolean json = FALSE, clear, good;
    unsigned files;
    uint64_t bytes;
    int option;

    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case OPTION_FOLDER:
            g_free(folder);
            folder = g_canonicalize_filename(optarg, NULL);
            break;
        case OPTION_JSON: json = TRUE; break;
        case 'h': print_usage(); return CLI_OK;
        default: return cli_bad_option("cache", argv[optind - 1]);
        }
    }
    clear = optind < argc && g_str_equal(argv[optind], "clear");
    if (optind + 1 != argc || (!clear && !g_str_equal(argv[optind], "info"))) {
        cli_error("cache", _("Say what to do: info or clear. “vitrine cache --help” tells more."));
        return CLI_USAGE;
    }
    if (!folder) {
        cli_error("cache", _("neither $XDG_CACHE_HOME nor $HOME says where it is; name it with --folder."));
        return CLI_FAILED;
    }
    good = clear ? user_cache_clear(folder, &files, &bytes, &error)
                 : user_cache_measure(folder, &files, &bytes, &error);
    if (!good) {
        cli_error("cache", "%s", error->message);
        return CLI_FAILED;
    }
    if (json) {
        print_json(folder, files, bytes);
        return CLI_OK;
    }
    size = g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);
    if (clear)
        g_print(ngettext("%u program forgotten, %s.\n", "%u programs forgotten, %s.\n", files), files, size);
    else
        g_print(ngettext("%s: %u program, %s.\n", "%s: %u programs, %s.\n", files), folder, files, size);
    return CLI_OK;
}
