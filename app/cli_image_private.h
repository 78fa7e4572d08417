/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of "vitrine image" share: options, complaints and JSON. */
#ifndef VITRINE_APP_CLI_IMAGE_PRIVATE_H
#define VITRINE_APP_CLI_IMAGE_PRIVATE_H

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "app/progress_line.h"

enum {
    STATUS_OK = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    STATUS_DAMAGED = 2,
    STATUS_LEAKS = 3,
};

void image_cli_complain(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Tells the error; the exit status for it. */
int image_cli_failed(const GError *error);
/* Words that are left must number @min to @max (argv[0] not counted). */
gboolean image_cli_parse(int *argc, char ***argv, const GOptionEntry *entries, const char *words, int min,
                         int max, const char *summary);
/* Takes the percentage away; prints what @path is now when @json and the job went well. Returns the status.
 */
int image_cli_end(ProgressLine *progress, gboolean ok, const GError *error, const char *path);

void image_cli_text(JsonBuilder *b, const char *name, const char *value);
void image_cli_number(JsonBuilder *b, const char *name, guint64 value);
void image_cli_flag(JsonBuilder *b, const char *name, gboolean value);
void image_cli_print(JsonBuilder *b);

/* ---- cli_image_chain.c */
int image_cli_commit(int argc, char **argv);
int image_cli_rebase(int argc, char **argv);
int image_cli_compact(int argc, char **argv);
int image_cli_snapshots(int argc, char **argv);

#endif
