/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of commands, and what all commands share. */
#include "app/cli.h"

#include "app/i18n.h"

#include <stdlib.h>
#include <string.h>

const struct cli_command cli_commands[] = {
    {"models", cli_models, N_("List the computers that can be built")},
    {"create", cli_create, N_("Make a new machine")},
    {"list", cli_list, N_("List your machines")},
    {"info", cli_info, N_("Show what a machine is made of")},
    {"delete", cli_delete, N_("Delete a machine with its disks and its history")},
    {"snapshot", cli_snapshot, N_("Take snapshots of a machine and go back to them")},
    {"export", cli_export, N_("Write a machine to one file")},
    {"import", cli_import, N_("Make a machine of such a file")},
    {"run", cli_run, N_("Start one of your machines")},
    {"boot", cli_boot, N_("Start a machine from options, without keeping it")},
    {"image", cli_image, N_("Create, inspect, check and convert disk images")},
    {"exec", cli_exec, N_("Run one program of another Linux")},
    {"cache", cli_cache, N_("Show or clear what speeds up the start of such programs")},
    {"binfmt", cli_binfmt, N_("Let Linux start programs for other processors by their names")},
    {NULL, NULL, NULL},
};

void cli_error(const char *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_printerr("vitrine%s%s: %s\n", command ? " " : "", command ? command : "", message);
}

int cli_bad_option(const char *command, const char *word)
{
    cli_error(command, _("“%s” is no option, or lacks its value. “vitrine %s --help” lists the options."), word, command);
    return CLI_USAGE;
}

bool cli_parse(int *argc, char ***argv, const GOptionEntry *entries, const char *synopsis,
               const char *summary, bool stop_at_word)
{
    g_autoptr(GOptionContext) context = g_option_context_new(synopsis);
    g_autoptr(GError) error = NULL;
    g_autofree char *command = g_strdup((*argv)[0]);
    g_autofree char *program = g_strdup_printf("vitrine %s", command);

    /* GOption prints the program's name in the usage line. */
    g_set_prgname(program);
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
    g_option_context_set_translation_domain(context, GETTEXT_PACKAGE);
    g_option_context_set_summary(context, summary);
    g_option_context_set_strict_posix(context, stop_at_word);
    bool ok = g_option_context_parse(context, argc, argv, &error);
    g_set_prgname("vitrine");
    if (!ok) {
        cli_error(command, "%s", error->message);
        g_printerr(_("“vitrine %s --help” lists the options.\n"), command);
    } else if (*argc > 1 && strcmp((*argv)[1], "--") == 0) {
        memmove(*argv + 1, *argv + 2, (size_t)(*argc - 1) * sizeof(char *));
        (*argc)--;
    }
    if (ok && !synopsis && *argc > 1) {
        cli_bad_option(command, (*argv)[1]);
        return false;
    }
    return ok;
}

static void print_help(void)
{
    g_print("%s\n  vitrine\n  vitrine %s\n\n%s\n\n%s\n", _("Usage:"), _("COMMAND [OPTION…]"),
            _("Whole computers of the past in a window. Without a command the library opens."),
            _("Commands:"));
    for (const struct cli_command *command = cli_commands; command->name; command++)
        g_print("  %-10s %s\n", command->name, _(command->summary));
    g_print("\n%s\n", _("“vitrine COMMAND --help” shows what a command takes."));
}

int cli_main(int argc, char **argv)
{
    if (argc < 2)
        return cli_windows.library(argc, argv);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help();
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        g_print("Vitrine %s\n", VITRINE_VERSION);
        return CLI_OK;
    }
    for (const struct cli_command *command = cli_commands; command->name; command++) {
        if (strcmp(argv[1], command->name) == 0)
            return command->run(argc - 1, argv + 1);
    }
    /* A desktop starts the program with files, or with --gapplication-service. */
    if (g_str_has_prefix(argv[1], "--gapplication") || g_file_test(argv[1], G_FILE_TEST_EXISTS))
        return cli_windows.library(argc, argv);
    cli_error(NULL, _("There is no command “%s”. “vitrine --help” lists the commands."), argv[1]);
    return CLI_USAGE;
}
