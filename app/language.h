/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first thing that each program does: speak the user's language, or one at least. */
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
    /* What the libraries say (errors of the system, GTK's dialogs) speaks the same language, not the user's between
     * sentences that nobody has translated. A translation has a header, which is its text for "". */
    if (!*gettext(""))
        setlocale(LC_MESSAGES, "C");
}
