/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moments of a running machine are written in a hurry. While it runs on, a job with the lowest priority packs their
 * memory thoroughly; it stops when the machine does and goes on when it is started next.
 */
#include "app/history_private.h"

#include "app/i18n.h"
#include "app/ram_store.h"

static gboolean work(VitrineJob *job, gpointer data, GError **error)
{
    VitrineHistory *self = data;
    const ImageJob images = {vitrine_job_get_cancellable(job), vitrine_job_report, job};
    g_autofree char *packs = history_ram_folder(vitrine_bundle_get_folder(self->bundle));

    g_mutex_lock(&self->tighten_lock);
    gboolean ok = ram_store_tighten(packs, &images, error);
    g_mutex_unlock(&self->tighten_lock);
    return ok;
}

static void on_finished(VitrineJob *job, gpointer data)
{
    VitrineHistory *self = data;

    if (vitrine_job_get_state(job) == JOB_FAILED)
        g_message("%s", vitrine_job_get_message(job));
    self->tightening = NULL;
    if (self->tighten_again && self->session)
        history_tighten(self);
    else if (vitrine_job_get_state(job) == JOB_DONE)
        history_measure(self);
    g_object_unref(job);
    g_object_unref(self);
}

void history_tighten(VitrineHistory *self)
{
    self->tighten_again = self->tightening != NULL;
    if (self->tightening)
        return;
    self->tightening = vitrine_job_new(_("Packing the memory of snapshots"), work, g_object_ref(self),
                                       g_object_unref);
    g_signal_connect(self->tightening, "finished", G_CALLBACK(on_finished), g_object_ref(self));
    history_emit_background(self, self->tightening);
}

void history_stop_tightening(VitrineHistory *self)
{
    if (self->tightening)
        vitrine_job_cancel(self->tightening);
}

void history_wait_tightening(VitrineHistory *self)
{
    g_mutex_lock(&self->tighten_lock);
    g_mutex_unlock(&self->tighten_lock);
}
