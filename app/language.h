/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first thing that each program does: speak the user's language. */
#pragma once

#include "app/i18n.h"

#include <locale.h>

/* VITRINE_LOCALEDIR in the environment names another folder of translations (tests). */
static inline void language_begin(void)
{
    const char *folder = g_getenv("VITRINE_LOCALEDIR");

    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, folder ? folder : VITRINE_LOCALEDIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
}
