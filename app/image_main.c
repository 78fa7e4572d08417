/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vitrine-image: what `vitrine` leaves to a program with libraries, but without those of windows, because scripts work
 * on one image after the other: `vitrine image`, and `vitrine exec --log`, whose listing asks for a disassembler.
 */
#include <string.h>

#include "app/answer.h"
#include "app/cli_exec.h"
#include "app/cli_image.h"
#include "app/language.h"

int main(int argc, char **argv)
{
    language_begin();
    if (argc > 1 && strcmp(argv[1], "exec") == 0)
        return cli_exec(argc - 1, argv + 1);
    answer_begin();
    return argc > 1 ? cli_image(argc - 1, argv + 1) : cli_image(argc, argv);
}
