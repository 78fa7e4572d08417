/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All commands but `exec`: language, then the command line; GTK only when a window is wanted. See main.c. */
#include "app/answer.h"
#include "app/cli.h"
#include "app/language.h"
#include "app/ui/application.h"

const struct cli_windows cli_windows = {
    .library = vitrine_ui_library,
    .session = vitrine_ui_session,
};

int main(int argc, char **argv)
{
    language_begin();
    answer_begin();
    return cli_main(argc, argv);
}
