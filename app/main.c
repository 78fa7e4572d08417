/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where `vitrine` begins. `vitrine exec` is this small program itself, linked statically where it can be: programs of
 * other processors start others of their kind all the time and must not wait for libraries. `vitrine image` is
 * vitrine-image's, everything else vitrine-desktop's, which take this process over.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "app/cli_exec.h"
#include "app/language.h"
#include "emulator/user/binfmt.h"

/* Goes on as the program `name` of the same installation; returns an exit status when there is none. */
static int hand_over(const char *name, char **argv)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = self ? g_path_get_dirname(self) : g_strdup(".");
    /* Not installed: it stands beside this one. */
    g_autofree char *beside = g_build_filename(folder, name, NULL);
    /* Installed somewhere else than it was to be: an unpacked package, a staging folder. */
    g_autofree char *moved = g_build_filename(folder, "..", VITRINE_LIBEXEC, name, NULL);
    g_autofree char *installed = g_build_filename(VITRINE_LIBEXECDIR, name, NULL);

    if (access(beside, X_OK) == 0)
        execv(beside, argv);
    else if (access(moved, X_OK) == 0)
        execv(moved, argv);
    else
        execv(installed, argv);
    fprintf(stderr, _("vitrine: %s cannot be started: %s. Is Vitrine installed completely?\n"), name,
            g_strerror(errno));
    return 127;
}

/* The log of translations, whose disassembler is a library; a foreign program's own option of that name only costs time. */
static bool wants_log(int argc, char **argv)
{
    for (int k = 2; k < argc; k++)
        if (g_str_has_prefix(argv[k], "--log"))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    g_autofree char *name = NULL;

    language_begin();
    name = argc > 0 ? g_path_get_basename(argv[0]) : NULL;
    if (name && strcmp(name, USER_BINFMT_INTERPRETER) == 0)
        return cli_exec_binfmt(argc, argv);
    if (argc > 1 && strcmp(argv[1], "exec") == 0 && !wants_log(argc, argv))
        return cli_exec(argc - 1, argv + 1);
    if (argc > 1 && (strcmp(argv[1], "exec") == 0 || strcmp(argv[1], "image") == 0))
        return hand_over("vitrine-image", argv);
    return hand_over("vitrine-desktop", argv);
}
