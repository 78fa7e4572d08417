/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vitrine exec`: runs one foreign Linux program. */
#ifndef VITRINE_APP_CLI_EXEC_H
#define VITRINE_APP_CLI_EXEC_H

/* argv[0] is "exec". Does not return once the program runs: this process ends as the program does. Otherwise
 * a sentence was printed and the status is 2 (wrong usage), 126 (cannot be run) or 127 (not found). */
int cli_exec(int argc, char **argv);

/* The same as Linux's binfmt_misc calls it: argv is this program, the foreign program's file, its argv[0] when Linux
 * says so (AT_FLAGS), and its arguments. */
int cli_exec_binfmt(int argc, char **argv);

#endif
