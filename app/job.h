/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Something that takes its time: it runs on a worker thread, tells how far it is, and can be cancelled. Made and
 * looked at on the main thread.
 *
 * Properties (notified on the main thread): "title", "fraction" (0…1, below 0 = not known), "state" (enum
 * job_state), "message" (the sentence of a failure).
 * Signal "finished": the state is final.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_JOB (vitrine_job_get_type())
G_DECLARE_FINAL_TYPE(VitrineJob, vitrine_job, VITRINE, JOB, GObject)

enum job_state { JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED };

/* Does the work; FALSE with a sentence. Worker thread. */
typedef gboolean (*VitrineJobFunc)(VitrineJob *job, gpointer data, GError **error);

/* Starts it. `data` is freed with `destroy` on the main thread when the job is over. */
VitrineJob *vitrine_job_new(const char *title, VitrineJobFunc function, gpointer data, GDestroyNotify destroy);

/* One whose work is done elsewhere, by an asynchronous operation that is told the cancellable and
 * vitrine_job_report(); vitrine_job_finish() with its error (copied; NULL = done) ends it. */
VitrineJob *vitrine_job_new_elsewhere(const char *title);
void vitrine_job_finish(VitrineJob *self, const GError *error);

const char *vitrine_job_get_title(VitrineJob *self);
enum job_state vitrine_job_get_state(VitrineJob *self);
double vitrine_job_get_fraction(VitrineJob *self);
const char *vitrine_job_get_message(VitrineJob *self); /* NULL unless it failed */

/* What the work found out, for people: told when it is done ("": nothing is told). From the work only. */
void vitrine_job_set_result(VitrineJob *self, const char *result);
const char *vitrine_job_get_result(VitrineJob *self); /* may be NULL */

GCancellable *vitrine_job_get_cancellable(VitrineJob *self); /* any thread */
void vitrine_job_cancel(VitrineJob *self);
/* How far it is; `job` is a VitrineJob (the shape of ImageProgress). Any thread. */
void vitrine_job_report(guint64 done, guint64 total, gpointer job);

G_END_DECLS
