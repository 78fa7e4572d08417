/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vitrine exec` alone, without windows: what the tests of user mode start. */
#include <string.h>

#include "app/cli_exec.h"

int main(int argc, char **argv)
{
    /* execve of foreign programs calls this program as it would call vitrine. */
    if (argc > 1 && strcmp(argv[1], "exec") == 0) {
        argc--;
        argv++;
    }
    return cli_exec(argc, argv);
}
