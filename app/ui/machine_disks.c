/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drives of a machine. What takes time is a job; what changes the description is saved at once. */
#include "app/ui/machine_disks.h"

#include "app/disks.h"
#include "app/i18n.h"
#include "app/share.h"
#include "app/size.h"
#include "app/ui/application.h"
#include "app/ui/dialogs.h"
#include "app/ui/drive_words.h"
#include "app/ui/facts.h"
#include "app/ui/form.h"
#include "app/ui/jobs.h"
#include "app/ui/names.h"
#include "emulator/engine.h"

#include <glib/gstdio.h>
#include <string.h>

#define SHARE_ROOM (G_GUINT64_CONSTANT(64) << 20) /* free on a disk made from a folder */

struct _VitrineMachineDisks {
    GtkWidget parent;
    VitrineBundle *bundle;
    GListStore *known; /* VitrineDisk trees, as last looked at */
    GCancellable *looking;

    GtkWidget *scroller, *add_button;
    AdwPreferencesGroup *disks_group, *media_group, *share_group;
};

G_DEFINE_FINAL_TYPE(VitrineMachineDisks, vitrine_machine_disks, GTK_TYPE_WIDGET)

/* ---- what is there ---- */

static gboolean idle(VitrineMachineDisks *self)
{
    enum bundle_state state = vitrine_bundle_get_state(self->bundle);

    return state == BUNDLE_OFF || state == BUNDLE_SAVED;
}

/* Saves a changed copy of the description. */
static void save(VitrineMachineDisks *self, const MachineIni *machine)
{
    g_autoptr(GError) error = NULL;

    if (!vitrine_bundle_save(self->bundle, machine, &error))
        dialogs_toast(GTK_WIDGET(self), error->message);
}

/* ---- taking out ---- */

struct undo {
    VitrineBundle *bundle;
    MachineIni *machine;
};

static void undo_free(gpointer data)
{
    struct undo *undo = data;

    g_object_unref(undo->bundle);
    machine_ini_free(undo->machine);
    g_free(undo);
}

static void undo_removal(gpointer data)
{
    struct undo *undo = data;

    vitrine_bundle_save(undo->bundle, undo->machine, NULL);
}

static void on_remove(GtkButton *button, VitrineMachineDisks *self)
{
    guint number = GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(button), "number"));
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));

    if (!machine || number >= machine->disk_count)
        return;
    struct undo *undo = g_new0(struct undo, 1);
    undo->bundle = g_object_ref(self->bundle);
    undo->machine = machine_ini_copy(machine);
    struct machine_drive out = machine->disks[number];
    machine->disk_count--;
    memmove(&machine->disks[number], &machine->disks[number + 1],
            (machine->disk_count - number) * sizeof(machine->disks[0]));
    machine->disks[machine->disk_count] = out;
    machine_ini_set_drive(&machine->disks[machine->disk_count], NULL, NULL, -1, FALSE);
    save(self, machine);
    dialogs_toast_button(GTK_WIDGET(self), _("Disk taken out; its image is kept"), _("_Undo"), undo_removal, undo,
                         undo_free);
}

/* ---- removable media ---- */

static struct machine_drive *medium_of(MachineIni *machine, const char *drive)
{
    return strcmp(drive, "cdrom") == 0 ? &machine->cdrom : &machine->floppy;
}

static void set_medium(VitrineMachineDisks *self, const char *drive, const char *path)
{
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));

    if (!machine)
        return;
    machine_ini_set_drive(medium_of(machine, drive), path, NULL, -1, strcmp(drive, "cdrom") == 0);
    save(self, machine);
}

static void on_medium_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    set_medium(VITRINE_MACHINE_DISKS(owner), data, path);
}

static void on_insert(GtkButton *button, VitrineMachineDisks *self)
{
    const char *drive = g_object_get_data(G_OBJECT(button), "drive");

    dialogs_choose_medium(GTK_WIDGET(self), _("Insert a Medium"), _("_Insert"), on_medium_chosen, (gpointer)drive,
                          NULL);
}

static void on_eject(GtkButton *button, VitrineMachineDisks *self)
{
    set_medium(self, g_object_get_data(G_OBJECT(button), "drive"), NULL);
}

/* ---- rows ---- */

static void add_disk_row(VitrineMachineDisks *self, const MachineIni *machine, guint i)
{
    const struct machine_drive *drive = &machine->disks[i];
    g_autofree char *name = g_filename_display_basename(drive->file);
    g_autofree char *title = machine_disk_title(i, machine->disk_count);
    g_autofree char *words = drive_words_describe(G_LIST_MODEL(self->known), self->bundle, drive, TRUE);
    g_autofree char *detail = g_strdup_printf("%s\n%s", words, name);
    g_autofree char *remove = g_strdup_printf(_("Take Out “%s”"), title);
    AdwActionRow *row = facts_add_sentence(self->disks_group, "drive-harddisk-symbolic", title, detail);
    GtkWidget *button = gtk_button_new_from_icon_name("list-remove-symbolic");

    gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
    gtk_widget_add_css_class(button, "flat");
    dialogs_name_widget(button, remove);
    gtk_widget_set_sensitive(button, idle(self));
    g_object_set_data(G_OBJECT(button), "number", GUINT_TO_POINTER(i));
    g_signal_connect(button, "clicked", G_CALLBACK(on_remove), self);
    adw_action_row_add_suffix(row, button);
}

static void add_medium_row(VitrineMachineDisks *self, const char *id, const char *title, const char *icon,
                           const struct machine_drive *drive)
{
    g_autofree char *name = drive->file ? g_filename_display_name(drive->file) : g_strdup(_("Empty"));
    AdwActionRow *row = facts_add_sentence(self->media_group, icon, title, name);
    GtkWidget *button = facts_add_button(row, drive->file ? _("_Eject") : _("_Insert…"));
    g_autofree char *full = g_strdup_printf("%s: %s", title, drive->file ? _("Eject") : _("Insert…"));

    names_say(button, full);
    gtk_widget_set_sensitive(button, idle(self));
    g_object_set_data(G_OBJECT(button), "drive", (gpointer)id);
    g_signal_connect(button, "clicked", G_CALLBACK(drive->file ? on_eject : on_insert), self);
}

static void on_share_cd(GtkButton *button, VitrineMachineDisks *self)
{
    gtk_widget_activate_action(GTK_WIDGET(self), "disks.folder-cd", NULL);
}

static void on_share_disk(GtkButton *button, VitrineMachineDisks *self)
{
    gtk_widget_activate_action(GTK_WIDGET(self), "disks.add-folder", NULL);
}

static void on_bring_back(GtkButton *button, VitrineMachineDisks *self);

static void add_share_rows(VitrineMachineDisks *self, const MachineIni *machine, const struct engine_model *model)
{
    GtkWidget *button;

    if (model && model->has_cdrom) {
        button = facts_add_button(facts_add_sentence(self->share_group, "media-optical-symbolic",
                                                     _("A Folder as a CD"), _("The machine can only read it.")),
                                  _("_Choose…"));
        gtk_widget_set_sensitive(button, idle(self));
        g_signal_connect(button, "clicked", G_CALLBACK(on_share_cd), self);
        dialogs_name_widget(button, _("Choose a Folder to Be a CD"));
    }
    button = facts_add_button(
        facts_add_sentence(self->share_group, "folder-symbolic", _("A Folder as a Disk"),
                           _("A copy with a FAT file system; what the machine changes can be brought back.")),
        _("C_hoose…"));
    gtk_widget_set_sensitive(button, idle(self));
    g_signal_connect(button, "clicked", G_CALLBACK(on_share_disk), self);
    dialogs_name_widget(button, _("Choose a Folder to Be a Disk"));
    for (guint i = 0; i < machine->disk_count; i++) {
        g_autofree char *folder = machine_ini_get_shared_folder(machine, machine->disks[i].file);
        if (!folder)
            continue;
        g_autofree char *shown = g_filename_display_name(folder);
        g_autofree char *disk = machine_disk_title(i, machine->disk_count);
        g_autofree char *title = g_strdup_printf(_("%s Is a Copy of a Folder"), disk);
        button = facts_add_button(facts_add_sentence(self->share_group, "folder-symbolic", title, shown),
                                  _("_Bring Back…"));
        gtk_widget_set_sensitive(button, idle(self));
        g_object_set_data(G_OBJECT(button), "number", GUINT_TO_POINTER(i));
        g_signal_connect(button, "clicked", G_CALLBACK(on_bring_back), self);
    }
}

static void show_rows(VitrineMachineDisks *self)
{
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
    const struct engine_model *model = machine ? engine_find_model(machine->model) : NULL;

    facts_clear(self->disks_group);
    facts_clear(self->media_group);
    facts_clear(self->share_group);
    gtk_widget_set_sensitive(self->add_button,
                             model && idle(self) && machine->disk_count < MIN(model->disk_units, MACHINE_MAX_DISKS));
    if (!machine)
        return;
    if (machine->disk_count == 0)
        facts_add_sentence(self->disks_group, "drive-harddisk-symbolic", _("No Hard Disk"),
                           _("Add one with the button above."));
    for (guint i = 0; i < machine->disk_count; i++)
        add_disk_row(self, machine, i);
    gboolean media = model && (model->has_cdrom || model->has_floppy);
    gtk_widget_set_visible(GTK_WIDGET(self->media_group), media);
    if (model && model->has_cdrom)
        add_medium_row(self, "cdrom", _("CD-ROM"), "media-optical-symbolic", &machine->cdrom);
    if (model && model->has_floppy)
        add_medium_row(self, "floppy", _("Floppy"), "media-floppy-symbolic", &machine->floppy);
    add_share_rows(self, machine, model);
}

static void on_looked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineDisks) self = user_data;
    g_autoptr(GListStore) known = disk_search_run_finish(result, NULL);

    if (!known || !self->bundle)
        return;
    g_set_object(&self->known, known);
    show_rows(self);
}

static void update(VitrineMachineDisks *self)
{
    VitrineLibrary *library = vitrine_application_get_library(vitrine_application_get());

    show_rows(self);
    g_cancellable_cancel(self->looking);
    g_clear_object(&self->looking);
    if (!gtk_widget_get_mapped(GTK_WIDGET(self)))
        return;
    self->looking = g_cancellable_new();
    disk_search_run_async(disk_search_new(library, NULL), self->looking, on_looked, g_object_ref(self));
}

/* ---- adding, as jobs ---- */

struct addition {
    VitrineBundle *bundle;
    char *folder_of_bundle;
    MachineIni *machine;
    struct bundle_disk disk;
    char *file;   /* an image, or */
    char *folder; /* one of this computer that becomes a disk or a CD */
    gboolean cd;
};

static struct addition *addition_new(VitrineMachineDisks *self)
{
    struct addition *addition = g_new0(struct addition, 1);

    addition->bundle = g_object_ref(self->bundle);
    addition->folder_of_bundle = g_strdup(vitrine_bundle_get_folder(self->bundle));
    addition->machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));
    addition->disk.unit = -1;
    return addition;
}

static void addition_free(gpointer data)
{
    struct addition *addition = data;

    g_object_unref(addition->bundle);
    g_free(addition->folder_of_bundle);
    machine_ini_free(addition->machine);
    g_free(addition->file);
    g_free(addition->folder);
    g_free(addition);
}

/* "disks/NAME.img" that is not taken. */
static char *free_file(const char *bundle_folder, const char *folder, const char *suffix)
{
    g_autofree char *base = g_path_get_basename(folder);

    for (guint i = 1;; i++) {
        char *name = i == 1 ? g_strdup_printf("disks/%s%s", base, suffix)
                            : g_strdup_printf("disks/%s-%u%s", base, i, suffix);
        g_autofree char *path = g_build_filename(bundle_folder, name, NULL);
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            return name;
        g_free(name);
    }
}

static gboolean add_in_thread(VitrineJob *job, gpointer data, GError **error)
{
    struct addition *addition = data;
    GCancellable *cancellable = vitrine_job_get_cancellable(job);
    g_autofree char *file =
        addition->folder ? free_file(addition->folder_of_bundle, addition->folder, addition->cd ? ".iso" : ".img")
                         : NULL;
    g_autofree char *path = file ? g_build_filename(addition->folder_of_bundle, file, NULL) : NULL;

    if (addition->cd) {
        if (!share_make_cd(addition->folder, path, cancellable, vitrine_job_report, job, error))
            return FALSE;
        machine_ini_set_drive(&addition->machine->cdrom, file, NULL, -1, TRUE);
        machine_ini_set_shared_folder(addition->machine, file, addition->folder);
        return TRUE;
    }
    if (path && !share_make_disk(addition->folder, path, SHARE_ROOM, cancellable, error))
        return FALSE;
    addition->disk.file = path ? path : addition->file;
    gboolean ok = vitrine_bundle_add_disk(addition->folder_of_bundle, addition->machine, &addition->disk,
                                          cancellable, error);
    addition->disk.file = NULL;
    if (ok && addition->folder)
        machine_ini_set_shared_folder(addition->machine,
                                      addition->machine->disks[addition->machine->disk_count - 1].file,
                                      addition->folder);
    return ok;
}

static void on_added(VitrineJob *job, struct addition *addition)
{
    if (vitrine_job_get_state(job) != JOB_DONE)
        return;
    g_autoptr(GError) error = NULL;
    /* What else changed meanwhile stays: only the drives and their folders are taken over. */
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(addition->bundle));
    const MachineIni *made = addition->machine;
    if (!machine)
        return;
    if (addition->cd) {
        machine_ini_set_drive(&machine->cdrom, made->cdrom.file, NULL, -1, TRUE);
        machine_ini_set_shared_folder(machine, made->cdrom.file, addition->folder);
    } else {
        const struct machine_drive *drive = &made->disks[made->disk_count - 1];
        machine_ini_add_disk(machine, drive->file, drive->format, drive->unit, drive->read_only, &error);
        if (addition->folder)
            machine_ini_set_shared_folder(machine, drive->file, addition->folder);
    }
    if (!error)
        vitrine_bundle_save(addition->bundle, machine, &error);
    if (error)
        g_message("%s", error->message);
}

static void run_addition(struct addition *addition, const char *title)
{
    /* The job's data must outlive its work: on_added() looks at it. */
    VitrineJob *job = vitrine_job_new(title, add_in_thread, addition, NULL);

    g_object_set_data_full(G_OBJECT(job), "addition", addition, addition_free);
    g_signal_connect(job, "finished", G_CALLBACK(on_added), addition);
    jobs_add(job);
    g_object_unref(job);
}

static void on_new_disk(Form *form, GtkWidget *owner, gpointer data)
{
    struct addition *addition = addition_new(VITRINE_MACHINE_DISKS(owner));

    if (!parse_size(form_get_text(form, "size"), 1, &addition->disk.size) || addition->disk.size == 0) {
        dialogs_toast(owner, _("That is no size. Write it like 512 MiB or 4 GiB."));
        addition_free(addition);
        return;
    }
    run_addition(addition, _("Adding a disk"));
}

static void add_new(GtkWidget *widget, const char *name, GVariant *parameter)
{
    Form *form = form_new(widget, _("New Disk"), _("An empty disk. It takes only the room that is written to."),
                          _("_Add"));

    form_add_entry(form, "size", _("Size"), "2 GiB");
    form_run(form, on_new_disk, NULL, NULL);
}

static void on_image_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    struct addition *addition = addition_new(VITRINE_MACHINE_DISKS(owner));

    addition->file = g_strdup(path);
    run_addition(addition, _("Adding a disk"));
}

static void add_image(GtkWidget *widget, const char *name, GVariant *parameter)
{
    dialogs_choose_medium(widget, _("Disk Image"), _("_Open"), on_image_chosen, NULL, NULL);
}

static void on_folder_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    struct addition *addition = addition_new(VITRINE_MACHINE_DISKS(owner));
    g_autofree char *name = g_filename_display_basename(path);
    g_autofree char *title = g_strdup_printf(_("Copying “%s” for the machine"), name);

    addition->folder = g_strdup(path);
    addition->cd = GPOINTER_TO_INT(data);
    run_addition(addition, title);
}

static void add_folder(GtkWidget *widget, const char *name, GVariant *parameter)
{
    dialogs_choose_file(widget, GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _("Folder as a Disk"), _("_Choose"), NULL,
                        on_folder_chosen, GINT_TO_POINTER(FALSE), NULL);
}

static void folder_cd(GtkWidget *widget, const char *name, GVariant *parameter)
{
    dialogs_choose_file(widget, GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _("Folder as a CD"), _("_Choose"), NULL,
                        on_folder_chosen, GINT_TO_POINTER(TRUE), NULL);
}

/* ---- bringing back ---- */

struct homecoming {
    char *image, *to;
};

static void homecoming_free(gpointer data)
{
    struct homecoming *homecoming = data;

    g_free(homecoming->image);
    g_free(homecoming->to);
    g_free(homecoming);
}

static gboolean bring_back(VitrineJob *job, gpointer data, GError **error)
{
    struct homecoming *homecoming = data;
    g_autofree char *shown = g_filename_display_name(homecoming->to);
    g_autofree char *result = g_strdup_printf(_("The disk's files are in “%s”"), shown);

    vitrine_job_set_result(job, result);
    return share_bring_back(homecoming->image, homecoming->to, vitrine_job_get_cancellable(job), error);
}

static void on_target_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    struct homecoming *homecoming = g_new0(struct homecoming, 1);

    homecoming->image = g_strdup(data);
    homecoming->to = g_strdup(path);
    VitrineJob *job = jobs_run(_("Bringing files back"), bring_back, homecoming, homecoming_free);
    g_object_unref(job);
}

static void on_bring_back(GtkButton *button, VitrineMachineDisks *self)
{
    guint number = GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(button), "number"));
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
    const char *file = machine && number < machine->disk_count ? machine->disks[number].file : NULL;
    g_autofree char *folder = file ? machine_ini_get_shared_folder(machine, file) : NULL;

    if (!folder)
        return;
    g_autofree char *base = g_filename_display_basename(folder);
    g_autofree char *name = g_strdup_printf(_("%s from %s"), base, vitrine_bundle_get_name(self->bundle));
    dialogs_choose_file(GTK_WIDGET(self), GTK_FILE_CHOOSER_ACTION_SAVE, _("Bring the Files Back Into a New Folder"),
                        _("_Bring Back"), name, on_target_chosen,
                        vitrine_bundle_path(vitrine_bundle_get_folder(self->bundle), file), g_free);
}

/* ---- object ---- */

void vitrine_machine_disks_set_bundle(VitrineMachineDisks *self, VitrineBundle *bundle)
{
    if (self->bundle == bundle)
        return;
    if (self->bundle)
        g_signal_handlers_disconnect_by_data(self->bundle, self);
    g_set_object(&self->bundle, bundle);
    g_clear_object(&self->known);
    if (bundle) {
        g_signal_connect_swapped(bundle, "changed", G_CALLBACK(update), self);
        update(self);
    }
}

static void vitrine_machine_disks_map(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(vitrine_machine_disks_parent_class)->map(widget);
    if (VITRINE_MACHINE_DISKS(widget)->bundle)
        update(VITRINE_MACHINE_DISKS(widget));
}

static void vitrine_machine_disks_dispose(GObject *object)
{
    VitrineMachineDisks *self = VITRINE_MACHINE_DISKS(object);

    g_cancellable_cancel(self->looking);
    g_clear_object(&self->looking);
    vitrine_machine_disks_set_bundle(self, NULL);
    g_clear_pointer(&self->scroller, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_machine_disks_parent_class)->dispose(object);
}

static void vitrine_machine_disks_class_init(VitrineMachineDisksClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_machine_disks_dispose;
    widget->map = vitrine_machine_disks_map;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/machine_disks.ui");
    gtk_widget_class_bind_template_child(widget, VitrineMachineDisks, scroller);
    gtk_widget_class_bind_template_child(widget, VitrineMachineDisks, add_button);
    gtk_widget_class_bind_template_child(widget, VitrineMachineDisks, disks_group);
    gtk_widget_class_bind_template_child(widget, VitrineMachineDisks, media_group);
    gtk_widget_class_bind_template_child(widget, VitrineMachineDisks, share_group);
    gtk_widget_class_install_action(widget, "disks.add-new", NULL, add_new);
    gtk_widget_class_install_action(widget, "disks.add-image", NULL, add_image);
    gtk_widget_class_install_action(widget, "disks.add-folder", NULL, add_folder);
    gtk_widget_class_install_action(widget, "disks.folder-cd", NULL, folder_cd);
}

static void vitrine_machine_disks_init(VitrineMachineDisks *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}
