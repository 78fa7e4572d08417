/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vitrine exec` alone, without windows: what the tests of user mode start. */
#include <glib.h>
#include <string.h>

#include "app/cli_exec.h"

int main(int argc, char **argv)
{
    /* Children of programs with threads must find no lock of GLib's held (emulator/user/process.c). */
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    g_assert_cmpint(g_slice_get_config(G_SLICE_CONFIG_ALWAYS_MALLOC), ==, TRUE);
    G_GNUC_END_IGNORE_DEPRECATIONS
    /* execve of foreign programs calls this program as it would call vitrine. */
    if (argc > 1 && strcmp(argv[1], "exec") == 0) {
        argc--;
        argv++;
    }
    return cli_exec(argc, argv);
}
