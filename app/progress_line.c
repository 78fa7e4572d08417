/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/progress_line.h"

#include <signal.h>
#include <unistd.h>

#define INTERVAL 100000 /* microseconds between two lines */

void progress_line_show(guint64 done, guint64 total, gpointer data)
{
    ProgressLine *line = data;
    gint64 now = g_get_monotonic_time();

    if (!(line->tty || line->json) || total == 0 || (now - line->last < INTERVAL && done < total))
        return;
    line->last = now;
    line->shown = TRUE;
    double percent = 100.0 * (double)done / (double)total;
    if (line->json)
        g_printerr("{\"progress\": %.1f}\n", percent);
    else
        g_printerr("\r%5.1f %%", percent);
}

void progress_line_init(ProgressLine *line, gboolean json)
{
    *line = (ProgressLine){.job = {NULL, progress_line_show, line}, .tty = isatty(STDERR_FILENO), .json = json};
}

static void fill_interrupts(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

static gpointer wait_for_interrupt(gpointer data)
{
    g_autoptr(GCancellable) cancellable = data;
    sigset_t set;
    int number;

    fill_interrupts(&set);
    if (sigwait(&set, &number) == 0)
        g_cancellable_cancel(cancellable);
    return NULL;
}

void progress_line_begin(ProgressLine *line, gboolean json)
{
    sigset_t set;

    progress_line_init(line, json);
    line->job.cancellable = g_cancellable_new();
    fill_interrupts(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    g_thread_unref(g_thread_new("signals", wait_for_interrupt, g_object_ref(line->job.cancellable)));
}

void progress_line_end(ProgressLine *line)
{
    if (line->shown && !line->json)
        g_printerr("\r        \r");
    line->shown = FALSE;
    g_clear_object(&line->job.cancellable);
}
