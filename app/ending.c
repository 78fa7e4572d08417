/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GLib's sources of signals, but for those that whoever started the program wants ignored. */
#include "app/ending.h"

#include <glib-unix.h>
#include <signal.h>

void vitrine_watch_end(GSourceFunc ask, gpointer data)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
        struct sigaction action;
        if (sigaction(signals[i], NULL, &action) != 0 || action.sa_handler != SIG_IGN)
            g_unix_signal_add(signals[i], ask, data);
    }
}
