/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An answer on standard output that did not arrive whole (full disk, closed file) is a failure of the command. */
#pragma once

#include "app/i18n.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void answer_end(void)
{
    gboolean failed = ferror(stdout) != 0;

    errno = 0;
    if (fflush(stdout) != 0 || failed) {
        const int why = errno;

        if (why)
            g_printerr(_("vitrine: the answer could not be written: %s.\n"), g_strerror(why));
        else
            g_printerr(_("vitrine: the answer could not be written.\n"));
        _exit(EXIT_FAILURE);
    }
}

/* The second thing that a program with commands does: however it ends, its status tells of a lost answer. */
static inline void answer_begin(void)
{
    /* A file that may not grow (ulimit -f) is an error with a sentence, as a full disk is, not the end. */
    signal(SIGXFSZ, SIG_IGN);
    if (atexit(answer_end) != 0)
        abort();
}
