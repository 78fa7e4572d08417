/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far a long command has come, on standard error: a percentage on a terminal, with `json` a line
 * {"progress": percent} now and then. And its end in order by Ctrl+C or SIGTERM: the job is cancelled, nothing half-made
 * is left behind.
 */
#pragma once

#include "images/images.h"

typedef struct ProgressLine {
    ImageJob job; /* what the work is given: progress_line_show() with this line, and what cancels it */
    gint64 last;
    gboolean tty, json, shown;
} ProgressLine;

/* For one who does the cancelling himself. */
void progress_line_init(ProgressLine *line, gboolean json);

/* From here on an interruption cancels the line's job; it does not end the program any more. */
void progress_line_begin(ProgressLine *line, gboolean json);

/* An ImageProgress; `line` is a ProgressLine. */
void progress_line_show(guint64 done, guint64 total, gpointer line);

/* Takes the percentage away; the line's job must have ended. */
void progress_line_end(ProgressLine *line);
