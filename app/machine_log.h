/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happened to a machine, line by line with the time, in the file "log" of its folder. The older half goes when it
 * has grown long. */
#pragma once

#include <glib.h>

#define MACHINE_LOG_MAX (256 * 1024) /* bytes */

/* Adds a line. What cannot be written is not worth a word: the machine matters more than its diary. */
void machine_log(const char *folder, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* All of it; "" when there is none. g_free(). */
char *machine_log_read(const char *folder);
