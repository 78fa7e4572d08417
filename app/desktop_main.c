/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All commands but `exec`: language, then the command line; GTK only when a window is wanted. See main.c. */
#include "app/cli.h"
#include "app/i18n.h"
#include "app/ui/application.h"

#include <locale.h>

const struct cli_windows cli_windows = {
    .library = vitrine_ui_library,
    .session = vitrine_ui_session,
};

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, VITRINE_LOCALEDIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
    return cli_main(argc, argv);
}
