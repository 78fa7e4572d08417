/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The jobs of the program, and the button for a header that shows them: it is there while there are any, its popover
 * has one row for each with progress and cancel. How one ended is told by a toast, or by a notification of the desktop
 * when no window of the program has the keyboard.
 */
#pragma once

#include "app/job.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Takes a reference until it is over. */
void jobs_add(VitrineJob *job);
/* One that nobody asked for: it is shown when it takes its time, and not spoken of when it is over. */
void jobs_add_quietly(VitrineJob *job);
/* vitrine_job_new() and jobs_add(); gives a reference. */
VitrineJob *jobs_run(const char *title, VitrineJobFunc function, gpointer data, GDestroyNotify destroy);
/* VitrineJob, running ones. */
GListModel *jobs_list(void);

#define VITRINE_TYPE_JOBS_BUTTON (vitrine_jobs_button_get_type())
G_DECLARE_FINAL_TYPE(VitrineJobsButton, vitrine_jobs_button, VITRINE, JOBS_BUTTON, GtkWidget)

G_END_DECLS
