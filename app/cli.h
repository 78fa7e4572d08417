/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line: one table of commands, each a function that gets the words from its own name on.
 *
 *   vitrine image info disk.qcow2   ->   cli_image(3, {"image", "info", "disk.qcow2", NULL})
 *
 * A command writes its answer to standard output (UTF-8; JSON with --json), complaints to standard error with
 * cli_error(), and returns the program's exit status. `COMMAND --help` prints what the command takes.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum {
    CLI_OK = 0,
    CLI_FAILED = 1,   /* the command was understood and could not be done */
    CLI_USAGE = 2,    /* unknown command or option, or an impossible configuration */
    CLI_TIMEOUT = 124 /* boot, run: --timeout passed before the guest powered off */
};

struct cli_command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* translatable (N_), one line without a full stop */
};

/* Ends with a NULL name; in app/cli.c. */
extern const struct cli_command cli_commands[];

int cli_models(int argc, char **argv);
int cli_create(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_info(int argc, char **argv);
int cli_delete(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_boot(int argc, char **argv);
int cli_image(int argc, char **argv); /* app/cli_image.c */
int cli_snapshot(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_exec(int argc, char **argv);  /* app/cli_exec.c */
int cli_binfmt(int argc, char **argv); /* app/cli_binfmt.c */
int cli_cache(int argc, char **argv); /* app/cli_cache.c */

/* The whole program but for the windows: finds the command and runs it. */
int cli_main(int argc, char **argv);

/* Prints "vitrine COMMAND: MESSAGE" (a sentence) to standard error. */
void cli_error(const char *command, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The same for a word that getopt_long() (with opterr 0) could not take; gives CLI_USAGE. */
int cli_bad_option(const char *command, const char *word);

/*
 * Parses the options of one command; words that are no options stay in argv. `synopsis` is what follows the
 * options in the usage line ("NAME", "FILE…"; NULL: there must be nothing), `summary` the paragraph below it.
 * On --help prints and exits with status 0; false after an error was printed (return CLI_USAGE then).
 * `stop_at_word`: the first word that is no option ends the options (`exec PROGRAM -its -own`).
 */
bool cli_parse(int *argc, char ***argv, const GOptionEntry *entries, const char *synopsis,
               const char *summary, bool stop_at_word);

/* The windows, behind pointers so that the commands need no GTK; app/main.c has them. */
typedef struct _VitrineSession VitrineSession;
struct cli_windows {
    int (*library)(int argc, char **argv);
    int (*session)(VitrineSession *session, gboolean full_screen); /* runs until the window is closed */
};
extern const struct cli_windows cli_windows;
