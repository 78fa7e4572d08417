/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the library for one machine: a table of names, functions and conditions. */
#include "app/ui/machine_actions.h"

#include "app/history.h"
#include "app/i18n.h"
#include "app/ui/application.h"
#include "app/ui/dialogs.h"
#include "app/ui/form.h"
#include "app/ui/history_actions.h"
#include "app/ui/library_window.h"
#include "app/ui/transfer.h"
#include "emulator/engine.h"

#include <string.h>

/* ---- words ---- */

char *machine_describe_time(gint64 seconds)
{
    if (!seconds)
        return g_strdup(_("Never started"));
    g_autoptr(GDateTime) then = g_date_time_new_from_unix_local(seconds), now = g_date_time_new_now_local();
    if (!then)
        return g_strdup("");
    gint64 days = g_date_time_difference(now, then) / G_TIME_SPAN_DAY;
    if (g_date_time_get_day_of_year(now) == g_date_time_get_day_of_year(then) && days == 0)
        return g_date_time_format(then, _("Today, %R"));
    if (days < 7)
        return g_date_time_format(then, _("%A, %R"));
    return g_date_time_format(then, _("%e %B %Y"));
}

const char *machine_state_title(enum bundle_state state)
{
    static const char *const titles[] = {[BUNDLE_OFF] = NULL,
                                         [BUNDLE_SAVED] = N_("Saved"),
                                         [BUNDLE_RUNNING] = N_("Running"),
                                         [BUNDLE_EXPORTING] = N_("Exporting…"),
                                         [BUNDLE_CHANGING] = N_("Busy"),
                                         [BUNDLE_BROKEN] = N_("Damaged")};

    return titles[state] ? _(titles[state]) : NULL;
}

const char *machine_state_class(enum bundle_state state)
{
    static const char *const classes[] = {[BUNDLE_OFF] = "off",
                                          [BUNDLE_SAVED] = "saved",
                                          [BUNDLE_RUNNING] = "running",
                                          [BUNDLE_EXPORTING] = "busy",
                                          [BUNDLE_CHANGING] = "busy",
                                          [BUNDLE_BROKEN] = "broken"};

    return classes[state];
}

void machine_set_badge(GtkWidget *label, enum bundle_state state)
{
    const char *title = machine_state_title(state);

    gtk_widget_set_visible(label, title != NULL);
    gtk_label_set_text(GTK_LABEL(label), title ? title : "");
    for (enum bundle_state other = BUNDLE_OFF; other <= BUNDLE_BROKEN; other++)
        gtk_widget_remove_css_class(label, machine_state_class(other));
    gtk_widget_add_css_class(label, machine_state_class(state));
}

const char *machine_start_title(enum bundle_state state)
{
    return state == BUNDLE_RUNNING ? _("Show") : state == BUNDLE_SAVED ? _("Resume") : _("Start");
}

const char *machine_start_refusal(enum bundle_state state)
{
    static const char *const refusals[] = {
        [BUNDLE_OFF] = NULL,
        [BUNDLE_EXPORTING] = N_("The machine is being exported. It can be started when that is done."),
        [BUNDLE_CHANGING] = N_("Another program changes the machine's history. It can be started when that is done."),
        [BUNDLE_BROKEN] = N_("The machine is damaged.")};

    return refusals[state] ? _(refusals[state]) : NULL;
}

void machine_name_start(GtkWidget *button, VitrineBundle *bundle)
{
    enum bundle_state state = vitrine_bundle_get_state(bundle);
    const char *refusal = machine_start_refusal(state);
    g_autofree char *label = g_strdup_printf(state == BUNDLE_RUNNING ? _("Show “%s”")
                                             : state == BUNDLE_SAVED ? _("Resume “%s”")
                                                                     : _("Start “%s”"),
                                             vitrine_bundle_get_name(bundle));

    gtk_button_set_icon_name(GTK_BUTTON(button), machine_start_icon(state));
    dialogs_name_widget(button, label);
    if (refusal)
        gtk_widget_set_tooltip_text(button, refusal);
    gtk_widget_set_visible(button, state != BUNDLE_BROKEN);
}

const char *machine_start_icon(enum bundle_state state)
{
    return state == BUNDLE_RUNNING  ? "view-fullscreen-symbolic"
           : state == BUNDLE_BROKEN ? "dialog-warning-symbolic"
                                    : "media-playback-start-symbolic";
}

/* ---- commands ---- */

static VitrineLibrary *library(void)
{
    return vitrine_application_get_library(vitrine_application_get());
}

static void show_page(GtkWidget *widget, VitrineBundle *bundle)
{
    GtkRoot *root = gtk_widget_get_root(widget);

    if (VITRINE_IS_LIBRARY_WINDOW(root))
        vitrine_library_window_show_machine(VITRINE_LIBRARY_WINDOW(root), bundle, NULL);
}

static void start(GtkWidget *widget, VitrineBundle *bundle)
{
    vitrine_application_open_machine(vitrine_application_get(), bundle, 0);
}

static void start_fresh(GtkWidget *widget, VitrineBundle *bundle)
{
    vitrine_application_open_machine(vitrine_application_get(), bundle, SESSION_FRESH);
}

static void start_without_saving(GtkWidget *widget, VitrineBundle *bundle)
{
    vitrine_application_open_machine(vitrine_application_get(), bundle, SESSION_DISCARD_WRITES);
}

static void start_from(GtkWidget *widget, VitrineBundle *bundle)
{
    GtkRoot *root = gtk_widget_get_root(widget);

    if (VITRINE_IS_LIBRARY_WINDOW(root))
        vitrine_library_window_show_machine(VITRINE_LIBRARY_WINDOW(root), bundle, "history");
}

static void on_renamed(Form *form, GtkWidget *owner, gpointer data)
{
    g_autofree char *name = form_get_name(form, "name");
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(data));
    g_autoptr(GError) error = NULL;

    if (machine) {
        g_free(machine->name);
        machine->name = g_steal_pointer(&name);
        vitrine_bundle_save(data, machine, &error);
    }
    if (error)
        dialogs_toast(owner, error->message);
}

static void rename_machine(GtkWidget *widget, VitrineBundle *bundle)
{
    Form *form = form_new(widget, _("Rename Machine"), NULL, _("_Rename"));

    const char *folder = vitrine_bundle_get_folder(bundle);
    g_autofree char *machines_folder = g_path_get_dirname(folder);

    form_add_machine_name(form, "name", vitrine_bundle_get_name(bundle), machines_folder, folder);
    form_run(form, on_renamed, g_object_ref(bundle), g_object_unref);
}

static void duplicate(GtkWidget *widget, VitrineBundle *bundle)
{
    g_autoptr(VitrineHistory) history = vitrine_history_get(bundle);

    history_action_branch(widget, history, vitrine_history_get_here(history));
}

static void export_machine(GtkWidget *widget, VitrineBundle *bundle)
{
    transfer_export(widget, bundle);
}

static void set_cd(GtkWidget *widget, VitrineBundle *bundle, const char *path)
{
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(bundle));
    g_autoptr(GError) error = NULL;

    if (!machine)
        return;
    machine_ini_set_drive(&machine->cdrom, path, NULL, -1, TRUE);
    if (!vitrine_bundle_save(bundle, machine, &error))
        dialogs_toast(widget, error->message);
}

static void on_cd_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    set_cd(owner, data, path);
}

static void insert_cd(GtkWidget *widget, VitrineBundle *bundle)
{
    dialogs_choose_medium(widget, _("Insert CD"), _("_Insert"), on_cd_chosen, g_object_ref(bundle),
                          g_object_unref);
}

static void eject_cd(GtkWidget *widget, VitrineBundle *bundle)
{
    set_cd(widget, bundle, NULL);
}

static void open_folder(GtkWidget *widget, VitrineBundle *bundle)
{
    g_autofree char *uri = g_filename_to_uri(vitrine_bundle_get_folder(bundle), NULL, NULL);

    gtk_show_uri(GTK_WINDOW(gtk_widget_get_root(widget)), uri, GDK_CURRENT_TIME);
}

/* ---- deleting ---- */

struct deletion {
    GtkWidget *window;
    VitrineBundle *bundle;
    gboolean undone;
};

static void delete_for_good(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    g_autoptr(GFile) file = g_file_new_for_path(vitrine_bundle_get_folder(task_data));

    /* Into the desktop's trash where there is one; else away. */
    if (!g_file_trash(file, NULL, NULL))
        vitrine_bundle_delete(task_data, NULL);
    g_task_return_boolean(task, TRUE);
}

/* The toast has gone. */
static void deletion_free(gpointer data)
{
    struct deletion *deletion = data;

    if (!deletion->undone) {
        g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);
        g_task_set_task_data(task, g_object_ref(deletion->bundle), g_object_unref);
        g_task_run_in_thread(task, delete_for_good);
    }
    g_object_unref(deletion->bundle);
    g_object_unref(deletion->window);
    g_free(deletion);
}

static void undo_deletion(gpointer data)
{
    struct deletion *deletion = data;
    g_autoptr(GError) error = NULL;

    deletion->undone = TRUE;
    if (!vitrine_bundle_unhide(deletion->bundle, &error))
        dialogs_toast(deletion->window, error->message);
    vitrine_library_refresh(library());
}

static void delete_machine(GtkWidget *widget, VitrineBundle *bundle)
{
    g_autoptr(GError) error = NULL;
    GtkWidget *window = GTK_WIDGET(gtk_widget_get_root(widget));
    struct deletion *deletion = g_new0(struct deletion, 1);

    if (!vitrine_bundle_hide(bundle, &error)) {
        dialogs_toast(widget, error->message);
        g_free(deletion);
        return;
    }
    deletion->window = g_object_ref(window);
    deletion->bundle = g_object_ref(bundle);
    g_autofree char *text = g_strdup_printf(_("“%s” deleted"), vitrine_bundle_get_name(bundle));
    dialogs_toast_button(widget, text, _("_Undo"), undo_deletion, deletion, deletion_free);
    if (VITRINE_IS_LIBRARY_WINDOW(window))
        vitrine_library_window_show_library(VITRINE_LIBRARY_WINDOW(window));
    vitrine_library_refresh(library());
}

/* ---- the table ---- */

enum {
    IN_OFF = 1 << BUNDLE_OFF,
    IN_SAVED = 1 << BUNDLE_SAVED,
    IN_RUNNING = 1 << BUNDLE_RUNNING,
    IN_BROKEN = 1 << BUNDLE_BROKEN,
    BUSY = 1 << BUNDLE_EXPORTING | 1 << BUNDLE_CHANGING,
    IDLE = IN_OFF | IN_SAVED,
    WHOLE = IDLE | IN_RUNNING,
    ALWAYS = WHOLE | BUSY | IN_BROKEN,
};

static const struct command {
    const char *name;
    void (*run)(GtkWidget *widget, VitrineBundle *bundle);
    unsigned states;
} commands[] = {
    {"card.page", show_page, ALWAYS},
    {"card.activate", start, WHOLE},
    {"card.start", start, IN_OFF},
    {"card.resume", start, IN_SAVED},
    {"card.show", start, IN_RUNNING},
    {"card.start-fresh", start_fresh, IN_SAVED},
    {"card.start-without-saving", start_without_saving, IDLE},
    {"card.start-from", start_from, IDLE},
    {"card.rename", rename_machine, IDLE},
    {"card.duplicate", duplicate, IDLE},
    {"card.export", export_machine, IDLE},
    {"card.insert-cd", insert_cd, IDLE},
    {"card.eject-cd", eject_cd, IDLE},
    {"card.open-folder", open_folder, ALWAYS},
    {"card.delete", delete_machine, IDLE | IN_BROKEN},
};

static void on_action(GtkWidget *widget, const char *name, GVariant *parameter)
{
    g_autoptr(VitrineBundle) bundle = NULL;

    g_object_get(widget, "bundle", &bundle, NULL);
    for (size_t i = 0; bundle && i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            commands[i].run(widget, bundle);
    }
}

void machine_actions_install(GtkWidgetClass *klass)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        gtk_widget_class_install_action(klass, commands[i].name, NULL, on_action);
}

void machine_actions_update(GtkWidget *widget, VitrineBundle *bundle)
{
    const MachineIni *machine = vitrine_bundle_get_machine(bundle);
    const struct engine_model *model = machine ? engine_find_model(machine->model) : NULL;
    unsigned state = 1u << vitrine_bundle_get_state(bundle);

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        gboolean possible = (commands[i].states & state) != 0;
        if (commands[i].run == insert_cd)
            possible = possible && model && model->has_cdrom;
        else if (commands[i].run == eject_cd)
            possible = possible && machine->cdrom.file;
        gtk_widget_action_set_enabled(widget, commands[i].name, possible);
    }
}

GMenuModel *machine_actions_menu(const char *name)
{
    g_autoptr(GtkBuilder) builder = gtk_builder_new_from_resource("/org/vitrine/Vitrine/machine_actions.ui");

    return G_MENU_MODEL(g_object_ref(gtk_builder_get_object(builder, name)));
}
