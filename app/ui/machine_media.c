/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Media of a running machine: chosen, dropped, made from a folder. */
#include "app/ui/machine_window_private.h"

#include "app/i18n.h"
#include "app/profiles.h"
#include "app/share.h"
#include "app/ui/dialogs.h"
#include "app/ui/jobs.h"

#include <string.h>

static void on_medium_changed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineWindow) self = user_data;
    g_autoptr(GError) error = NULL;

    if (!vitrine_session_change_medium_finish(VITRINE_SESSION(source), result, &error))
        dialogs_toast(GTK_WIDGET(self), error->message);
}

static void insert(VitrineMachineWindow *self, const char *drive, const char *path)
{
    vitrine_session_change_medium_async(self->session, drive, path, FALSE, on_medium_changed, g_object_ref(self));
}

static void on_medium_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    insert(VITRINE_MACHINE_WINDOW(owner), data, path);
}

static void insert_medium(GtkWidget *widget, const char *name, GVariant *parameter)
{
    dialogs_choose_medium(widget, _("Insert a Medium"), _("_Insert"), on_medium_chosen,
                          g_variant_dup_string(parameter, NULL), g_free);
}

static void eject_medium(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);

    vitrine_session_change_medium_async(self->session, g_variant_get_string(parameter, NULL), NULL, FALSE,
                                        on_medium_changed, g_object_ref(self));
}

/* ---- a folder as a CD ---- */

struct folder_cd {
    VitrineMachineWindow *window;
    char *drive, *folder, *iso;
};

static void folder_cd_free(gpointer data)
{
    struct folder_cd *cd = data;

    g_object_unref(cd->window);
    g_free(cd->drive);
    g_free(cd->folder);
    g_free(cd->iso);
    g_free(cd);
}

static gboolean make_cd(VitrineJob *job, gpointer data, GError **error)
{
    struct folder_cd *cd = data;
    g_autofree char *result = g_strdup_printf(_("The folder is in the drive"));

    vitrine_job_set_result(job, result);
    return share_make_cd(cd->folder, cd->iso, vitrine_job_get_cancellable(job), vitrine_job_report, job, error);
}

static void on_cd_made(VitrineJob *job, struct folder_cd *cd)
{
    if (vitrine_job_get_state(job) == JOB_DONE && cd->window->session)
        insert(cd->window, cd->drive, cd->iso);
}

static void insert_folder_path(VitrineMachineWindow *self, const char *drive, const char *folder)
{
    VitrineBundle *bundle = vitrine_session_get_bundle(self->session);
    g_autofree char *name = g_path_get_basename(folder);
    g_autofree char *file = g_strconcat(name, ".iso", NULL);
    g_autofree char *title = g_strdup_printf(_("Putting “%s” on a CD"), name);
    struct folder_cd *cd = g_new0(struct folder_cd, 1);

    cd->window = g_object_ref(self);
    cd->drive = g_strdup(drive);
    cd->folder = g_strdup(folder);
    cd->iso = bundle ? g_build_filename(vitrine_bundle_get_folder(bundle), "disks", file, NULL)
                     : g_build_filename(g_get_user_cache_dir(), "vitrine", file, NULL);
    g_autofree char *parent = g_path_get_dirname(cd->iso);
    g_mkdir_with_parents(parent, 0755);
    /* on_cd_made() needs what the work is done. */
    VitrineJob *job = vitrine_job_new(title, make_cd, cd, NULL);
    g_object_set_data_full(G_OBJECT(job), "cd", cd, folder_cd_free);
    g_signal_connect(job, "finished", G_CALLBACK(on_cd_made), cd);
    jobs_add(job);
    g_object_unref(job);
}

static void on_folder_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    insert_folder_path(VITRINE_MACHINE_WINDOW(owner), data, path);
}

static void insert_folder(GtkWidget *widget, const char *name, GVariant *parameter)
{
    dialogs_choose_file(widget, GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _("Folder as a CD"), _("_Insert"), NULL,
                        on_folder_chosen, g_variant_dup_string(parameter, NULL), g_free);
}

/* ---- dropped ---- */

/* A floppy's image is at most 2.88 MB, formatted. */
#define FLOPPY_MAX (2880 * 1024)

/* The drive that takes such a file; NULL: none. */
static const char *drive_for(VitrineMachineWindow *self, GFile *file)
{
    const struct engine_model *model = vitrine_session_get_model(self->session);
    g_autoptr(GFileInfo) info =
        g_file_query_info(file, G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE,
                          G_FILE_QUERY_INFO_NONE, NULL, NULL);
    g_autofree char *path = g_file_get_path(file);
    g_autofree char *volume = path ? profiles_read_volume_name(path) : NULL;
    gboolean disc = volume || (path && g_str_has_suffix(path, ".iso"));
    gboolean small = info && !disc && g_file_info_get_file_type(info) == G_FILE_TYPE_REGULAR &&
                     g_file_info_get_size(info) <= FLOPPY_MAX;

    if (model && model->has_floppy && small)
        return "floppy";
    return model && model->has_cdrom ? "cdrom" : NULL;
}

gboolean machine_media_drop(VitrineMachineWindow *self, const char *drive, GSList *files)
{
    g_autofree char *path = files ? g_file_get_path(files->data) : NULL;

    if (!path || !vitrine_session_is_live(self->session))
        return FALSE;
    drive = drive ? drive : drive_for(self, files->data);
    if (!drive)
        dialogs_toast(GTK_WIDGET(self), _("This machine has no drive for that."));
    else if (g_file_test(path, G_FILE_TEST_IS_DIR))
        insert_folder_path(self, drive, path);
    else
        insert(self, drive, path);
    return drive != NULL;
}

void machine_media_install(GtkWidgetClass *widget)
{
    gtk_widget_class_install_action(widget, "machine.insert-medium", "s", insert_medium);
    gtk_widget_class_install_action(widget, "machine.eject-medium", "s", eject_medium);
    gtk_widget_class_install_action(widget, "machine.insert-folder", "s", insert_folder);
}
