/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where `vitrine` begins. `vitrine exec` and `vitrine image` are this small program itself: programs of other
 * processors start others of their kind all the time, scripts one image after the other, and neither must wait
 * for the libraries of windows. Everything else is vitrine-desktop's, which takes this process over.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "app/cli_exec.h"
#include "app/cli_image.h"
#include "app/language.h"
#include "emulator/user/binfmt.h"

#define DESKTOP "vitrine-desktop"

int main(int argc, char **argv)
{
    g_autofree char *self = NULL, *folder = NULL, *beside = NULL, *moved = NULL, *name = NULL;

    language_begin();
    name = argc > 0 ? g_path_get_basename(argv[0]) : NULL;
    if (name && strcmp(name, USER_BINFMT_INTERPRETER) == 0)
        return cli_exec_binfmt(argc, argv);
    if (argc > 1 && strcmp(argv[1], "exec") == 0)
        return cli_exec(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "image") == 0)
        return cli_image(argc - 1, argv + 1);

    /* Not installed: it stands beside this one. */
    self = g_file_read_link("/proc/self/exe", NULL);
    folder = self ? g_path_get_dirname(self) : g_strdup(".");
    beside = g_build_filename(folder, DESKTOP, NULL);
    /* Installed somewhere else than it was to be: an unpacked package, a staging folder. */
    moved = g_build_filename(folder, "..", VITRINE_LIBEXEC, DESKTOP, NULL);
    if (access(beside, X_OK) == 0)
        execv(beside, argv);
    else if (access(moved, X_OK) == 0)
        execv(moved, argv);
    else
        execv(VITRINE_LIBEXECDIR "/" DESKTOP, argv);
    fprintf(stderr, _("vitrine: %s cannot be started: %s. Is Vitrine installed completely?\n"), DESKTOP,
            g_strerror(errno));
    return 127;
}
