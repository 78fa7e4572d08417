/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The signals by which a program is asked to end: Ctrl+C, the end of the session, of the terminal or of the computer. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Calls `ask` in the main context for each of SIGINT, SIGTERM and SIGHUP that is not ignored (nohup). When `ask` returns
 * G_SOURCE_REMOVE, the same signal ends the program at once the next time. */
void vitrine_watch_end(GSourceFunc ask, gpointer data);

G_END_DECLS
