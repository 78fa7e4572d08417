/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overview of a machine. */
#include "app/ui/machine_overview.h"

#include "app/disks.h"
#include "app/history.h"
#include "app/i18n.h"
#include "app/machine_check.h"
#include "app/ui/application.h"
#include "app/ui/dialogs.h"
#include "app/ui/drive_words.h"
#include "app/ui/facts.h"
#include "app/ui/machine_actions.h"
#include "app/ui/thumbnail.h"
#include "emulator/engine.h"

#include <string.h>

#define NOTES_SAVE_SECONDS 2

struct _VitrineMachineOverview {
    GtkWidget parent;
    VitrineBundle *bundle;
    VitrineHistory *history; /* NULL of a damaged machine */
    GListStore *known;       /* VitrineDisk trees, as last looked at */
    GCancellable *looking;
    guint notes_source;
    gboolean updating;

    GtkWidget *scroller, *picture, *state_label, *hero_start, *name_label, *kind_label;
    AdwPreferencesGroup *health_group, *hardware_group;
    GtkTextBuffer *notes;
    GtkWidget *notes_view;
};

G_DEFINE_FINAL_TYPE(VitrineMachineOverview, vitrine_machine_overview, GTK_TYPE_WIDGET)

/* ---- notes ---- */

static gboolean save_notes(gpointer data)
{
    VitrineMachineOverview *self = data;
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));
    g_autoptr(GError) error = NULL;
    GtkTextIter start, end;

    self->notes_source = 0;
    if (!machine)
        return G_SOURCE_REMOVE;
    gtk_text_buffer_get_bounds(self->notes, &start, &end);
    g_free(machine->notes);
    machine->notes = gtk_text_buffer_get_text(self->notes, &start, &end, FALSE);
    if (!vitrine_bundle_save(self->bundle, machine, &error))
        dialogs_toast(GTK_WIDGET(self), error->message);
    return G_SOURCE_REMOVE;
}

static void on_notes_changed(GtkTextBuffer *buffer, VitrineMachineOverview *self)
{
    if (self->updating)
        return;
    if (self->notes_source)
        g_source_remove(self->notes_source);
    self->notes_source = g_timeout_add_seconds(NOTES_SAVE_SECONDS, save_notes, self);
}

static void flush_notes(VitrineMachineOverview *self)
{
    if (!self->notes_source)
        return;
    g_source_remove(self->notes_source);
    save_notes(self);
}

/* Not while somebody writes there. */
static void show_notes(VitrineMachineOverview *self, const MachineIni *machine)
{
    if (self->notes_source)
        return;
    GtkTextIter start, end;
    const char *wanted = machine && machine->notes ? machine->notes : "";
    gtk_text_buffer_get_bounds(self->notes, &start, &end);
    g_autofree char *shown = gtk_text_buffer_get_text(self->notes, &start, &end, FALSE);
    if (strcmp(shown, wanted) == 0)
        return;
    self->updating = TRUE;
    gtk_text_buffer_set_text(self->notes, wanted, -1);
    self->updating = FALSE;
}

/* ---- hardware in plain words ---- */

static void add_drive(VitrineMachineOverview *self, const char *title, const struct machine_drive *drive,
                      const char *nothing)
{
    g_autofree char *name = drive->file ? g_filename_display_basename(drive->file) : g_strdup(nothing);

    facts_add(self->hardware_group, title, name);
}

static void show_hardware(VitrineMachineOverview *self, const MachineIni *machine)
{
    const struct engine_model *model = engine_find_model(machine->model);

    facts_clear(self->hardware_group);
    if (!model) {
        facts_add(self->hardware_group, _("Computer"), machine->model);
        return;
    }
    g_autofree char *computer = g_strdup_printf(_("%s (%u)"), _(model->title), model->year);
    g_autofree char *memory = g_strdup_printf(_("%u MiB"), machine->ram_mib ? machine->ram_mib : model->ram_default_mib);
    const char *display = NULL;
    for (const struct engine_choice *choice = model->displays; choice && choice->id && !display; choice++) {
        if (!machine->display || strcmp(choice->id, machine->display) == 0)
            display = _(choice->title);
    }
    facts_add(self->hardware_group, _("Computer"), computer);
    facts_add(self->hardware_group, _("Processor"), model->cpu);
    facts_add(self->hardware_group, _("Memory"), memory);
    facts_add(self->hardware_group, _("Graphics Card"), display);
    if (machine->disk_count == 0)
        facts_add(self->hardware_group, _("Hard Disk"), _("None"));
    for (unsigned i = 0; i < machine->disk_count; i++) {
        g_autofree char *title = machine_disk_title(i, machine->disk_count);
        g_autofree char *words =
            drive_words_describe(G_LIST_MODEL(self->known), self->bundle, &machine->disks[i], FALSE);
        facts_add(self->hardware_group, title, words);
    }
    if (model->has_cdrom)
        add_drive(self, _("CD-ROM"), &machine->cdrom, _("Empty"));
    if (model->has_floppy)
        add_drive(self, _("Floppy"), &machine->floppy, _("Empty"));
    if (model->has_network)
        facts_add(self->hardware_group, _("Network"),
                  machine->network ? _("Shared with this computer") : _("Not connected"));
    if (model->has_audio)
        facts_add(self->hardware_group, _("Sound"), machine->audio ? _("On") : _("Off"));
    if (machine->kernel) {
        g_autofree char *kernel = g_filename_display_basename(machine->kernel);
        facts_add(self->hardware_group, _("Kernel"), kernel);
    }
}

static void on_looked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineOverview) self = user_data;
    g_autoptr(GListStore) known = disk_search_run_finish(result, NULL);
    const MachineIni *machine = known && self->bundle ? vitrine_bundle_get_machine(self->bundle) : NULL;

    if (!machine)
        return;
    g_set_object(&self->known, known);
    show_hardware(self, machine);
}

/* What the disks are is in their files. */
static void look_at_disks(VitrineMachineOverview *self)
{
    VitrineLibrary *library = vitrine_application_get_library(vitrine_application_get());

    g_cancellable_cancel(self->looking);
    g_clear_object(&self->looking);
    if (!self->bundle || !gtk_widget_get_mapped(GTK_WIDGET(self)))
        return;
    self->looking = g_cancellable_new();
    disk_search_run_async(disk_search_new(library, NULL), self->looking, on_looked, g_object_ref(self));
}

/* ---- health ---- */

/* A button to the page where something can be done about it. */
static void add_way(AdwActionRow *row, const char *label, const char *tab)
{
    GtkWidget *button = facts_add_button(row, label);

    gtk_actionable_set_action_target(GTK_ACTIONABLE(button), "s", tab);
    gtk_actionable_set_action_name(GTK_ACTIONABLE(button), "win.tab");
}

/* Originals that are not what they were; the history page repairs them. */
static guint show_problems(VitrineMachineOverview *self)
{
    const GPtrArray *problems = self->history ? vitrine_history_get_problems(self->history) : NULL;

    for (guint i = 0; problems && i < problems->len; i++) {
        const VitrineHistoryProblem *problem = problems->pdata[i];
        AdwActionRow *row = facts_add_sentence(self->health_group, "dialog-error-symbolic",
                                               problem->kind == HISTORY_PROBLEM_CHANGED ? _("An original has changed")
                                                                                        : _("An original is missing"),
                                               problem->message);
        add_way(row, _("Re_pair…"), "history");
    }
    return problems ? problems->len : 0;
}

static void show_health(VitrineMachineOverview *self, const MachineIni *machine)
{
    facts_clear(self->health_group);
    if (!machine) {
        facts_add_sentence(self->health_group, "dialog-warning-symbolic", _("The machine is damaged"),
                           vitrine_bundle_get_problem(self->bundle));
        return;
    }
    enum bundle_state state = vitrine_bundle_get_state(self->bundle);
    if (machine_start_refusal(state))
        facts_add_sentence(self->health_group, "content-loading-symbolic", machine_state_title(state),
                           machine_start_refusal(state));
    guint problems = show_problems(self);
    g_autoptr(GPtrArray) findings = machine_check(vitrine_bundle_get_folder(self->bundle), machine);
    for (guint i = 0; i < findings->len; i++) {
        const struct machine_finding *finding = findings->pdata[i];
        gboolean drive = g_strv_contains((const char *const[]){"disks", "cdrom", "floppy", NULL}, finding->setting);
        AdwActionRow *row = facts_add_sentence(
            self->health_group,
            finding->level == FINDING_ERROR ? "dialog-error-symbolic" : "dialog-information-symbolic",
            finding->level == FINDING_ERROR ? _("It cannot start like this") : _("Worth a look"), finding->text);
        add_way(row, _("_Change…"), drive ? "disks" : "settings");
    }
    if (findings->len == 0 && problems == 0)
        facts_add_sentence(self->health_group, "emblem-ok-symbolic", _("All is well"),
                           _("The description makes sense, and all files are where they should be."));
}

static void update(VitrineMachineOverview *self)
{
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
    const struct engine_model *model = machine ? engine_find_model(machine->model) : NULL;
    enum bundle_state state = vitrine_bundle_get_state(self->bundle);
    g_autofree char *use = machine ? machine_describe_time(machine->last_used) : g_strdup("");
    g_autofree char *kind = g_strdup_printf("%s · %s", model ? _(model->title) : _("Unknown computer"), use);
    g_autofree char *path = vitrine_bundle_thumbnail(self->bundle);

    gtk_label_set_text(GTK_LABEL(self->name_label), vitrine_bundle_get_name(self->bundle));
    gtk_label_set_text(GTK_LABEL(self->kind_label), kind);
    machine_set_badge(self->state_label, state);
    machine_name_start(self->hero_start, self->bundle);
    vitrine_thumbnail_set_file(VITRINE_THUMBNAIL(self->picture), path);
    gtk_widget_set_sensitive(self->notes_view, machine != NULL);
    gtk_widget_set_visible(GTK_WIDGET(self->hardware_group), machine != NULL);
    if (machine)
        show_hardware(self, machine);
    show_health(self, machine);
    show_notes(self, machine);
    look_at_disks(self);
}

void vitrine_machine_overview_set_bundle(VitrineMachineOverview *self, VitrineBundle *bundle)
{
    if (self->bundle == bundle)
        return;
    if (self->bundle) {
        flush_notes(self);
        g_signal_handlers_disconnect_by_data(self->bundle, self);
    }
    if (self->history)
        g_signal_handlers_disconnect_by_data(self->history, self);
    g_clear_object(&self->history);
    g_set_object(&self->bundle, bundle);
    if (bundle) {
        if (vitrine_bundle_get_state(bundle) != BUNDLE_BROKEN) {
            self->history = vitrine_history_get(bundle);
            g_signal_connect_swapped(self->history, "changed", G_CALLBACK(update), self);
        }
        g_signal_connect_swapped(bundle, "changed", G_CALLBACK(update), self);
        update(self);
    }
}

/* ---- object ---- */

static void vitrine_machine_overview_map(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(vitrine_machine_overview_parent_class)->map(widget);
    look_at_disks(VITRINE_MACHINE_OVERVIEW(widget));
}

static void vitrine_machine_overview_dispose(GObject *object)
{
    VitrineMachineOverview *self = VITRINE_MACHINE_OVERVIEW(object);

    g_cancellable_cancel(self->looking);
    g_clear_object(&self->looking);
    g_clear_object(&self->known);
    vitrine_machine_overview_set_bundle(self, NULL);
    g_clear_pointer(&self->scroller, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_machine_overview_parent_class)->dispose(object);
}

static void vitrine_machine_overview_class_init(VitrineMachineOverviewClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_machine_overview_dispose;
    widget->map = vitrine_machine_overview_map;
    g_type_ensure(VITRINE_TYPE_THUMBNAIL);
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/machine_overview.ui");
#define BIND(name) gtk_widget_class_bind_template_child(widget, VitrineMachineOverview, name)
    BIND(scroller);
    BIND(picture);
    BIND(state_label);
    BIND(hero_start);
    BIND(name_label);
    BIND(kind_label);
    BIND(health_group);
    BIND(hardware_group);
    BIND(notes);
    BIND(notes_view);
#undef BIND
    gtk_widget_class_bind_template_callback(widget, on_notes_changed);
}

static void vitrine_machine_overview_init(VitrineMachineOverview *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}
