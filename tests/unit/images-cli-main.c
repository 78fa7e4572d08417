/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vitrine image` alone, for tests that need no other part of the program. */
#include <locale.h>

#include "app/cli_image.h"

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    return cli_image(argc, argv);
}
