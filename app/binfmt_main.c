/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vitrine-binfmt, what Linux starts for programs of other processors (binfmt_misc): `vitrine exec` alone, linked
 * statically. Linux opens it when it is registered (flag F) and so finds it in a root of another processor, too; the
 * libraries of this computer, which any other program would ask for there, it would not find.
 */
#include <string.h>

#include "app/cli_exec.h"
#include "app/language.h"
#include "emulator/user/binfmt.h"

int main(int argc, char **argv)
{
    g_autofree char *name = argc > 0 ? g_path_get_basename(argv[0]) : NULL;

    language_begin();
    if (!name || strcmp(name, USER_BINFMT_INTERPRETER) == 0)
        return cli_exec_binfmt(argc, argv);
    /* A foreign program starts the next one: called as `vitrine exec`. */
    return cli_exec(argc - 1, argv + 1);
}
