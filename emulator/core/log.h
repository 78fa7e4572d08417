/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a machine writes down for who looks into it: topics, each on standard error or in a file of its own. A list of
 * them is "TOPIC[=FILE],…", as the machine's options and the command line have it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

/* Whether each topic in the list is one of `known` (NULL-terminated) and names a file where it has a "=". NULL list: good. */
bool log_check(const char *list, const char *const *known, GError **error);
/* Opens what the list says of `topic`: *log is a file that log_close() closes, standard error, or NULL without that topic. */
bool log_open(const char *list, const char *topic, FILE **log, GError **error);
void log_close(FILE *log);
