/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Export and import. */
#include "app/ui/transfer.h"

#include "app/bundle_file.h"
#include "app/i18n.h"
#include "app/ui/application.h"
#include "app/ui/dialogs.h"
#include "app/ui/jobs.h"

#include <string.h>

struct transfer {
    VitrineBundle *bundle; /* that leaves; locked */
    char *folder;          /* its own, or that of all machines */
    char *path, *name;
};

static void transfer_free(gpointer data)
{
    struct transfer *transfer = data;

    if (transfer->bundle)
        vitrine_bundle_unlock(transfer->bundle);
    g_clear_object(&transfer->bundle);
    g_free(transfer->folder);
    g_free(transfer->path);
    g_free(transfer->name);
    g_free(transfer);
}

static gboolean export_work(VitrineJob *job, gpointer data, GError **error)
{
    struct transfer *transfer = data;
    ImageJob image_work = {vitrine_job_get_cancellable(job), vitrine_job_report, job};
    g_autofree char *file = g_filename_display_basename(transfer->path);
    g_autofree char *text = g_strdup_printf(_("Exported as “%s”"), file);

    vitrine_job_set_result(job, text);
    return bundle_file_export(transfer->folder, transfer->path, &image_work, error);
}

static void on_target_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    VitrineBundle *bundle = data;
    g_autoptr(GError) error = NULL;

    if (!vitrine_bundle_lock_for_export(bundle, &error)) {
        dialogs_toast(owner, error->message);
        return;
    }
    struct transfer *transfer = g_new0(struct transfer, 1);
    transfer->bundle = g_object_ref(bundle);
    transfer->folder = g_strdup(vitrine_bundle_get_folder(bundle));
    transfer->path = g_str_has_suffix(path, TRANSFER_SUFFIX) ? g_strdup(path)
                                                             : g_strconcat(path, TRANSFER_SUFFIX, NULL);
    g_autofree char *title = g_strdup_printf(_("Exporting “%s”"), vitrine_bundle_get_name(bundle));
    g_object_unref(jobs_run(title, export_work, transfer, transfer_free));
}

void transfer_export(GtkWidget *owner, VitrineBundle *bundle)
{
    g_autofree char *name = g_strconcat(vitrine_bundle_get_name(bundle), TRANSFER_SUFFIX, NULL);

    dialogs_choose_file(owner, GTK_FILE_CHOOSER_ACTION_SAVE, _("Export Machine"), _("_Export"), name,
                        on_target_chosen, g_object_ref(bundle), g_object_unref);
}

static gboolean import_work(VitrineJob *job, gpointer data, GError **error)
{
    struct transfer *transfer = data;
    ImageJob image_work = {vitrine_job_get_cancellable(job), vitrine_job_report, job};
    g_autofree char *folder =
        bundle_file_import(transfer->path, transfer->folder, transfer->name, &image_work, error);

    if (!folder)
        return FALSE;
    g_autofree char *name = g_filename_display_basename(folder);
    g_autofree char *text = g_strdup_printf(_("“%s” is in the library"), name);
    vitrine_job_set_result(job, text);
    return TRUE;
}

static void on_imported(VitrineJob *job, gpointer user_data)
{
    vitrine_library_refresh(vitrine_application_get_library(vitrine_application_get()));
}

void transfer_import(GtkWidget *owner, const char *path)
{
    VitrineLibrary *library = vitrine_application_get_library(vitrine_application_get());
    struct transfer *transfer = g_new0(struct transfer, 1);
    g_autofree char *file = g_filename_display_basename(path);
    g_autofree char *stem = g_strdup(file);

    if (g_str_has_suffix(stem, TRANSFER_SUFFIX))
        stem[strlen(stem) - strlen(TRANSFER_SUFFIX)] = '\0';
    transfer->path = g_strdup(path);
    transfer->folder = g_strdup(vitrine_library_get_folder(library));
    transfer->name = vitrine_library_free_name(library, stem);
    g_autofree char *title = g_strdup_printf(_("Importing “%s”"), file);
    g_autoptr(VitrineJob) job = jobs_run(title, import_work, transfer, transfer_free);
    g_signal_connect(job, "finished", G_CALLBACK(on_imported), NULL);
}
