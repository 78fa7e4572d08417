/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wizard for a new machine. */
#include "app/ui/wizard.h"

#include "app/i18n.h"
#include "app/medium.h"
#include "app/settings.h"
#include "app/ui/dialogs.h"
#include "app/ui/facts.h"
#include "app/ui/form.h"
#include "app/ui/library_window.h"
#include "emulator/engine.h"
#include "images/images.h"

#include <string.h>

static const char *const pages[] = {"system", "model", "storage", "devices", "summary"};
enum { PAGE_SYSTEM, PAGE_MODEL, PAGE_STORAGE, PAGE_DEVICES, PAGE_SUMMARY, N_PAGES };

enum { DISK_NONE, DISK_NEW, DISK_IMAGE };

#define GIB (G_GUINT64_CONSTANT(1) << 30)
static const guint64 disk_sizes[] = {GIB / 2, GIB, 2 * GIB, 4 * GIB, 8 * GIB, 16 * GIB};

struct _VitrineWizard {
    AdwWindow parent;
    VitrineApplication *application;
    const struct profiles *profiles;
    const struct profile *profile;
    const struct engine_model *model;
    GPtrArray *system_checks, *model_checks; /* GtkCheckButton, unowned */
    char *cdrom, *image, *kernel, *initrd;
    gboolean name_is_own, updating, closed_while_working;
    gboolean kernel_is_medium; /* it was given on the first page */
    int page;
    GCancellable *cancellable, *looking;

    AdwWindowTitle *title;
    AdwToastOverlay *toasts;
    GtkStack *stack;
    GtkWidget *action_bar;
    GtkDropTarget *drop_target;
    AdwActionRow *medium_row, *image_row, *kernel_row, *initrd_row;
    GtkWidget *medium_clear, *copy_row, *network_row, *audio_row, *kernel_group;
    AdwPreferencesGroup *system_group, *model_group, *name_group, *summary_group;
    AdwComboRow *display_row, *ram_row, *disk_row, *size_row;
    GtkStringList *display_list, *ram_list, *size_list;
    GtkSwitch *copy_switch, *network_switch, *audio_switch, *start_switch;
    GtkEditable *append_row, *name_row;
    GtkSpinner *spinner, *medium_spinner;
};

G_DEFINE_FINAL_TYPE(VitrineWizard, vitrine_wizard, ADW_TYPE_WINDOW)

/* ---- page and title ---- */

static void update_summary(VitrineWizard *self);

/* The keyboard goes on in the page, rather than at Cancel. */
static void focus_page(VitrineWizard *self)
{
    GtkWidget *child = gtk_stack_get_visible_child(self->stack), *focus = gtk_window_get_focus(GTK_WINDOW(self));

    if (!focus || !gtk_widget_is_ancestor(focus, child))
        gtk_widget_child_focus(child, GTK_DIR_TAB_FORWARD);
}

static void show_page(VitrineWizard *self, int page)
{
    self->page = page;
    if (page == PAGE_SUMMARY)
        update_summary(self);
    gtk_stack_set_visible_child_name(self->stack, pages[page]);
    GtkStackPage *stack_page = gtk_stack_get_page(self->stack, gtk_stack_get_visible_child(self->stack));
    adw_window_title_set_title(self->title, gtk_stack_page_get_title(stack_page));
    g_autofree char *step = g_strdup_printf(_("New machine, step %d of %d"), page + 1, N_PAGES);
    adw_window_title_set_subtitle(self->title, step);
    gtk_widget_action_set_enabled(GTK_WIDGET(self), "wizard.back", page > 0);
    gtk_widget_action_set_enabled(GTK_WIDGET(self), "wizard.next", page + 1 < N_PAGES);
    focus_page(self);
}

static void go_back(GtkWidget *widget, const char *name, GVariant *parameter)
{
    show_page(VITRINE_WIZARD(widget), VITRINE_WIZARD(widget)->page - 1);
}

static void go_next(GtkWidget *widget, const char *name, GVariant *parameter)
{
    show_page(VITRINE_WIZARD(widget), VITRINE_WIZARD(widget)->page + 1);
}

/* ---- values ---- */

static unsigned chosen_ram(VitrineWizard *self)
{
    guint selected = adw_combo_row_get_selected(self->ram_row), i = 0;

    for (const unsigned *choice = self->model->ram_choices_mib; choice && *choice; choice++, i++) {
        if (i == selected)
            return *choice;
    }
    return self->model->ram_default_mib;
}

static const struct engine_choice *chosen_display(VitrineWizard *self)
{
    guint selected = adw_combo_row_get_selected(self->display_row), i = 0;

    for (const struct engine_choice *choice = self->model->displays; choice && choice->id; choice++, i++) {
        if (i == selected)
            return choice;
    }
    return NULL;
}

static guint chosen_disk_kind(VitrineWizard *self)
{
    guint kind = adw_combo_row_get_selected(self->disk_row);

    /* "From an image" without an image is no disk: every state of the pages makes a machine. */
    return kind == DISK_IMAGE && !self->image ? DISK_NONE : kind;
}

static guint64 chosen_size(VitrineWizard *self)
{
    return disk_sizes[MIN(adw_combo_row_get_selected(self->size_row), G_N_ELEMENTS(disk_sizes) - 1)];
}

static void suggest_name(VitrineWizard *self)
{
    if (self->name_is_own)
        return;
    const char *base =
        self->profile && self->profile->machine ? self->profile->machine : _(self->model->title);
    g_autofree char *name =
        vitrine_library_free_name(vitrine_application_get_library(self->application), base);
    self->updating = TRUE;
    gtk_editable_set_text(self->name_row, name);
    self->updating = FALSE;
}

static void show_file(AdwActionRow *row, const char *path, const char *nothing)
{
    g_autofree char *shown = path ? g_filename_display_basename(path) : g_strdup(nothing);
    g_autofree char *escaped = g_markup_escape_text(shown, -1);

    adw_action_row_set_subtitle(row, escaped);
    gtk_widget_set_tooltip_text(GTK_WIDGET(row), path);
}

static void update_disk_rows(VitrineWizard *self)
{
    guint kind = adw_combo_row_get_selected(self->disk_row);

    gtk_widget_set_visible(GTK_WIDGET(self->size_row), kind == DISK_NEW);
    gtk_widget_set_visible(GTK_WIDGET(self->image_row), kind == DISK_IMAGE);
    gtk_widget_set_visible(self->copy_row, kind == DISK_IMAGE);
    show_file(self->image_row, self->image, _("None chosen"));
}

static void update_medium_row(VitrineWizard *self)
{
    const char *medium = self->cdrom ? self->cdrom : self->image ? self->image : self->kernel;

    show_file(self->medium_row, medium, _("None"));
    gtk_widget_set_visible(self->medium_clear, medium != NULL);
}

/* Fills the rows that depend on the model. */
static void choose_model(VitrineWizard *self, const struct engine_model *model)
{
    const struct profile *profile = self->profile;
    unsigned wanted = profile && profile->memory_mib ? profile->memory_mib : model->ram_default_mib;
    guint position = 0, selected = 0;

    self->model = model;
    while (g_list_model_get_n_items(G_LIST_MODEL(self->ram_list)) > 0)
        gtk_string_list_remove(self->ram_list, 0);
    for (const unsigned *choice = model->ram_choices_mib; choice && *choice; choice++, position++) {
        g_autofree char *text = g_strdup_printf(_("%u MiB"), *choice);
        gtk_string_list_append(self->ram_list, text);
        if (*choice <= wanted)
            selected = position;
    }
    adw_combo_row_set_selected(self->ram_row, selected);

    while (g_list_model_get_n_items(G_LIST_MODEL(self->display_list)) > 0)
        gtk_string_list_remove(self->display_list, 0);
    position = selected = 0;
    for (const struct engine_choice *choice = model->displays; choice && choice->id; choice++, position++) {
        gtk_string_list_append(self->display_list, _(choice->title));
        if (profile && g_strcmp0(profile->display, choice->id) == 0)
            selected = position;
    }
    adw_combo_row_set_selected(self->display_row, selected);
    gtk_widget_set_visible(GTK_WIDGET(self->display_row), position > 0);
    gtk_widget_set_visible(self->network_row, model->has_network);
    gtk_widget_set_visible(self->audio_row, model->has_audio);
    suggest_name(self);
}

static void choose_profile(VitrineWizard *self, const struct profile *profile)
{
    const struct engine_model *model = profile && profile->model ? engine_find_model(profile->model) : NULL;

    self->profile = profile;
    if (!model)
        model = self->model ? self->model : engine_models()[0];
    for (guint i = 0; i < self->model_checks->len; i++) {
        GtkCheckButton *check = self->model_checks->pdata[i];
        if (g_object_get_data(G_OBJECT(check), "model") == model)
            gtk_check_button_set_active(check, TRUE);
    }
    choose_model(self, model);
    if (!self->image) {
        guint size = 0;
        for (guint i = 0; profile && i < G_N_ELEMENTS(disk_sizes); i++) {
            if (disk_sizes[i] <= profile->disk_size)
                size = i;
        }
        adw_combo_row_set_selected(self->disk_row, profile && profile->disk_size ? DISK_NEW : DISK_NONE);
        adw_combo_row_set_selected(self->size_row, size);
    }
    gtk_editable_set_text(self->append_row, profile && profile->append ? profile->append : "");
    update_disk_rows(self);
}

static void on_system_toggled(GtkCheckButton *check, VitrineWizard *self)
{
    if (gtk_check_button_get_active(check))
        choose_profile(self, g_object_get_data(G_OBJECT(check), "profile"));
}

static void on_model_toggled(GtkCheckButton *check, VitrineWizard *self)
{
    if (gtk_check_button_get_active(check) && self->model != g_object_get_data(G_OBJECT(check), "model"))
        choose_model(self, g_object_get_data(G_OBJECT(check), "model"));
}

static void on_disk_kind_changed(AdwComboRow *row, GParamSpec *spec, VitrineWizard *self)
{
    update_disk_rows(self);
}

static void on_name_changed(GtkEditable *editable, VitrineWizard *self)
{
    VitrineLibrary *library = vitrine_application_get_library(self->application);

    if (!self->updating)
        self->name_is_own = TRUE;
    gtk_widget_action_set_enabled(
        GTK_WIDGET(self), "wizard.create",
        form_check_machine_name(editable, self->name_group, vitrine_library_get_folder(library), NULL));
}

/* ---- rows of a choice ---- */

static GtkCheckButton *add_choice(AdwPreferencesGroup *group, GPtrArray *checks, const char *title,
                                  const char *subtitle)
{
    GtkWidget *row = adw_action_row_new(), *check = gtk_check_button_new();
    g_autofree char *escaped = g_markup_escape_text(title, -1);
    g_autofree char *escaped_subtitle = g_markup_escape_text(subtitle ? subtitle : "", -1);

    gtk_widget_set_valign(check, GTK_ALIGN_CENTER);
    if (checks->len > 0)
        gtk_check_button_set_group(GTK_CHECK_BUTTON(check), checks->pdata[0]);
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), escaped);
    adw_action_row_set_subtitle(ADW_ACTION_ROW(row), escaped_subtitle);
    adw_action_row_set_subtitle_lines(ADW_ACTION_ROW(row), 0);
    adw_action_row_add_prefix(ADW_ACTION_ROW(row), check);
    adw_action_row_set_activatable_widget(ADW_ACTION_ROW(row), check);
    adw_preferences_group_add(group, row);
    g_ptr_array_add(checks, check);
    return GTK_CHECK_BUTTON(check);
}

static void fill_choices(VitrineWizard *self)
{
    for (guint i = 0; i < self->profiles->profiles->len; i++) {
        const struct profile *profile = self->profiles->profiles->pdata[i];
        if (profile->model && !engine_find_model(profile->model))
            continue;
        GtkCheckButton *check =
            add_choice(self->system_group, self->system_checks, profile->title, profile->summary);
        g_object_set_data(G_OBJECT(check), "profile", (gpointer)profile);
        g_signal_connect(check, "toggled", G_CALLBACK(on_system_toggled), self);
    }
    for (const struct engine_model *const *model = engine_models(); *model; model++) {
        g_autofree char *title = g_strdup_printf(_("%s (%u)"), _((*model)->title), (*model)->year);
        g_autofree char *subtitle = g_strdup_printf("%s\n%s", _((*model)->description), (*model)->cpu);
        GtkCheckButton *check = add_choice(self->model_group, self->model_checks, title, subtitle);
        g_object_set_data(G_OBJECT(check), "model", (gpointer)*model);
        g_signal_connect(check, "toggled", G_CALLBACK(on_model_toggled), self);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(disk_sizes); i++) {
        g_autofree char *text = g_format_size_full(disk_sizes[i], G_FORMAT_SIZE_IEC_UNITS);
        gtk_string_list_append(self->size_list, text);
    }
}

/* ---- media ---- */

/* What is known of a disc, for people: "Debian 6 (sparc)". */
static char *describe_system(const Medium *medium)
{
    const char *system = medium->system ? medium->system : medium->profile ? medium->profile->title : NULL;

    if (!system)
        return NULL;
    return medium->architecture ? g_strdup_printf(_("%s (%s)"), system, medium->architecture) : g_strdup(system);
}

static void choose_system(VitrineWizard *self, const struct profile *profile)
{
    for (guint i = 0; profile && i < self->system_checks->len; i++) {
        if (g_object_get_data(self->system_checks->pdata[i], "profile") == profile)
            gtk_check_button_set_active(self->system_checks->pdata[i], TRUE);
    }
}

static void use_disc(VitrineWizard *self, const Medium *medium)
{
    g_autofree char *system = describe_system(medium);
    g_autofree char *text = NULL;

    self->cdrom = g_strdup(medium->path);
    choose_system(self, medium->profile);
    if (system && medium->profile)
        text = g_strdup_printf(_("This is a disc of %s."), system);
    else if (system)
        text = g_strdup_printf(_("This is a disc of %s: none of the computers here is made for it."), system);
    else
        text = g_strdup(_("A disc of a system that Vitrine does not know. Choose what it is below."));
    dialogs_toast(GTK_WIDGET(self), text);
}

static void use_kernel(VitrineWizard *self, const char *path)
{
    g_free(self->kernel);
    self->kernel = g_strdup(path);
    show_file(self->kernel_row, path, _("None"));
    update_medium_row(self);
}

/* A kernel given as the medium: the first system that is started from one. */
static void use_kernel_as_medium(VitrineWizard *self, const char *path)
{
    const struct profile *found = NULL;

    for (guint i = 0; !found && i < self->profiles->profiles->len; i++) {
        const struct profile *profile = self->profiles->profiles->pdata[i];
        if (profile->medium == PROFILE_MEDIUM_KERNEL)
            found = profile;
    }
    choose_system(self, found);
    use_kernel(self, path);
    self->kernel_is_medium = TRUE;
    dialogs_toast(GTK_WIDGET(self), _("This is a kernel: it is started directly, without a disc."));
}

/* What was chosen before as the medium. */
static void forget_medium(VitrineWizard *self)
{
    if (self->kernel_is_medium)
        use_kernel(self, NULL);
    self->kernel_is_medium = FALSE;
    g_clear_pointer(&self->cdrom, g_free);
    g_clear_pointer(&self->image, g_free);
}

static void on_recognised(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineWizard) self = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(Medium) medium = medium_recognise_finish(result, &error);

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || !self->stack)
        return;
    gtk_spinner_stop(self->medium_spinner);
    if (!medium) {
        dialogs_toast(GTK_WIDGET(self), error->message);
        update_medium_row(self); /* what was chosen before */
        return;
    }
    forget_medium(self);
    if (medium->disc) {
        use_disc(self, medium);
    } else if (medium->kernel) {
        use_kernel_as_medium(self, medium->path);
    } else {
        self->image = g_strdup(medium->path);
        adw_combo_row_set_selected(self->disk_row, DISK_IMAGE);
    }
    update_medium_row(self);
    update_disk_rows(self);
}

/* Looks into the file: a disc (with a known system, perhaps) or a disk image. */
static void use_medium(VitrineWizard *self, const char *path)
{
    g_cancellable_cancel(self->looking);
    g_clear_object(&self->looking);
    self->looking = g_cancellable_new();
    gtk_spinner_start(self->medium_spinner);
    show_file(self->medium_row, path, NULL);
    medium_recognise_async(self->profiles, path, self->looking, on_recognised, g_object_ref(self));
}

static void on_medium_clear(GtkButton *button, VitrineWizard *self)
{
    self->kernel_is_medium |= !self->cdrom && !self->image; /* it is what the row shows */
    forget_medium(self);
    update_medium_row(self);
    choose_profile(self, self->profile);
}

static gboolean on_drop(GtkDropTarget *target, const GValue *value, double x, double y, VitrineWizard *self)
{
    GSList *files = g_value_get_boxed(value);
    g_autofree char *path = files ? g_file_get_path(files->data) : NULL;

    if (path)
        use_medium(self, path);
    return path != NULL;
}

typedef void (*use_file)(VitrineWizard *self, const char *path);

static void on_file_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    const use_file *use = data;

    (*use)(VITRINE_WIZARD(owner), path);
}

static void choose_file(VitrineWizard *self, const char *title, use_file use)
{
    dialogs_choose_file(GTK_WIDGET(self), GTK_FILE_CHOOSER_ACTION_OPEN, title, _("_Open"), NULL, on_file_chosen,
                        g_memdup2(&use, sizeof(use)), g_free);
}

static void choose_medium(VitrineWizard *self, const char *title, use_file use)
{
    dialogs_choose_medium(GTK_WIDGET(self), title, _("_Open"), on_file_chosen, g_memdup2(&use, sizeof(use)), g_free);
}

static void on_medium_clicked(GtkButton *button, VitrineWizard *self)
{
    choose_medium(self, _("Install CD or Disk Image"), use_medium);
}

static void use_image(VitrineWizard *self, const char *path)
{
    g_autoptr(GError) error = NULL;

    if (!image_probe(path, &error)) {
        dialogs_toast(GTK_WIDGET(self), error->message);
        return;
    }
    g_free(self->image);
    self->image = g_strdup(path);
    update_disk_rows(self);
}

static void on_image_clicked(GtkButton *button, VitrineWizard *self)
{
    choose_medium(self, _("Disk Image"), use_image);
}

static void use_chosen_kernel(VitrineWizard *self, const char *path)
{
    self->kernel_is_medium = FALSE;
    use_kernel(self, path);
}

static void on_kernel_clicked(GtkButton *button, VitrineWizard *self)
{
    choose_file(self, _("Kernel"), use_chosen_kernel);
}

static void use_initrd(VitrineWizard *self, const char *path)
{
    g_free(self->initrd);
    self->initrd = g_strdup(path);
    show_file(self->initrd_row, path, _("None"));
}

static void on_initrd_clicked(GtkButton *button, VitrineWizard *self)
{
    choose_file(self, _("Initial RAM Disk"), use_initrd);
}

/* ---- summary ---- */

static void add_summary_file(VitrineWizard *self, const char *title, const char *path)
{
    if (!path)
        return;
    g_autofree char *shown = g_filename_display_basename(path);
    facts_add(self->summary_group, title, shown);
}

/* The system that was chosen comes from `kind`; a machine may be made without, but not unknowingly. */
static void add_summary_medium(VitrineWizard *self, const char *title, const char *path, enum profile_medium kind)
{
    gboolean disk = chosen_disk_kind(self) == DISK_IMAGE;

    if (!path && !disk && self->profile && self->profile->medium == kind && !self->kernel)
        facts_add(self->summary_group, title, _("None yet: only the firmware starts"));
    else
        add_summary_file(self, title, path);
}

static void update_summary(VitrineWizard *self)
{
    facts_clear(self->summary_group);

    const struct engine_choice *display = chosen_display(self);
    g_autofree char *ram = g_strdup_printf(_("%u MiB"), chosen_ram(self));
    facts_add(self->summary_group, _("Computer"), _(self->model->title));
    facts_add(self->summary_group, _("Processor"), self->model->cpu);
    facts_add(self->summary_group, _("Memory"), ram);
    if (display)
        facts_add(self->summary_group, _("Graphics Card"), _(display->title));
    if (chosen_disk_kind(self) == DISK_NEW) {
        g_autofree char *size = g_format_size_full(chosen_size(self), G_FORMAT_SIZE_IEC_UNITS);
        g_autofree char *text = g_strdup_printf(_("New, %s"), size);
        facts_add(self->summary_group, _("Hard Disk"), text);
    } else if (chosen_disk_kind(self) == DISK_IMAGE) {
        add_summary_file(self, _("Hard Disk"), self->image);
    } else {
        facts_add(self->summary_group, _("Hard Disk"), _("None"));
    }
    add_summary_medium(self, _("CD-ROM"), self->cdrom, PROFILE_MEDIUM_CDROM);
    add_summary_medium(self, _("Kernel"), self->kernel, PROFILE_MEDIUM_KERNEL);
    add_summary_file(self, _("Initial RAM Disk"), self->initrd);
    if (self->model->has_network)
        facts_add(self->summary_group, _("Network"),
                    gtk_switch_get_active(self->network_switch) ? _("Shared") : _("None"));
}

/* ---- create ---- */

struct creation {
    char *folder;
    MachineIni *machine;
    struct bundle_disk disk;
    char *disk_file;
    guint disk_count;
};

static void creation_free(gpointer data)
{
    struct creation *creation = data;

    g_free(creation->folder);
    machine_ini_free(creation->machine);
    g_free(creation->disk_file);
    g_free(creation);
}

static void create_in_thread(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    struct creation *creation = task_data;
    GError *error = NULL;
    VitrineBundle *bundle = vitrine_bundle_create(creation->folder, creation->machine, &creation->disk,
                                                  creation->disk_count, cancellable, &error);

    if (bundle)
        g_task_return_pointer(task, bundle, g_object_unref);
    else
        g_task_return_error(task, error);
}

static void on_created(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineWizard *self = VITRINE_WIZARD(source);
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) bundle = g_task_propagate_pointer(G_TASK(result), &error);

    if (!bundle) {
        if (!gtk_widget_get_visible(GTK_WIDGET(self)))
            return;
        gtk_spinner_stop(self->spinner);
        gtk_widget_set_visible(self->action_bar, TRUE);
        gtk_widget_action_set_enabled(GTK_WIDGET(self), "wizard.create", TRUE);
        show_page(self, PAGE_SUMMARY);
        dialogs_toast(GTK_WIDGET(self), error->message);
        return;
    }
    VitrineLibrary *library = vitrine_application_get_library(self->application);
    vitrine_library_refresh(library);
    g_autoptr(VitrineBundle) listed = vitrine_library_find(library, vitrine_bundle_get_name(bundle), NULL);
    if (listed && gtk_switch_get_active(self->start_switch))
        vitrine_application_open_machine(self->application, listed, 0);
    gtk_window_close(GTK_WINDOW(self));
}

static void create(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineWizard *self = VITRINE_WIZARD(widget);
    const struct engine_choice *display = chosen_display(self);
    const char *append = gtk_editable_get_text(self->append_row);
    struct creation *creation = g_new0(struct creation, 1);
    g_autofree char *called = g_strstrip(g_strdup(gtk_editable_get_text(self->name_row)));
    MachineIni *machine = machine_ini_new(called, self->model->id);

    machine->ram_mib = chosen_ram(self);
    machine->display = display ? g_strdup(display->id) : NULL;
    machine->network = self->model->has_network && gtk_switch_get_active(self->network_switch);
    machine->audio = self->model->has_audio && gtk_switch_get_active(self->audio_switch);
    machine->kernel = g_strdup(self->kernel);
    machine->initrd = g_strdup(self->initrd);
    machine->append = self->kernel && *append ? g_strdup(append) : NULL;
    if (self->cdrom && self->model->has_cdrom) {
        machine_ini_set_drive(&machine->cdrom, self->cdrom, NULL, -1, TRUE);
        machine->boot = self->profile ? g_strdup(self->profile->boot) : NULL;
    }
    machine->autosave_minutes = g_settings_get_uint(vitrine_settings_get(), "autosave-minutes");
    machine->autosave_keep = g_settings_get_uint(vitrine_settings_get(), "autosave-keep");
    creation->machine = machine;
    creation->folder =
        g_strdup(vitrine_library_get_folder(vitrine_application_get_library(self->application)));
    creation->disk.unit = self->model->disk_units > 0 ? (int)self->model->disk_unit_numbers[0] : -1;
    if (chosen_disk_kind(self) == DISK_NEW) {
        creation->disk.size = chosen_size(self);
        creation->disk_count = 1;
    } else if (chosen_disk_kind(self) == DISK_IMAGE) {
        creation->disk_file = g_strdup(self->image);
        creation->disk.file = creation->disk_file;
        creation->disk.copy = gtk_switch_get_active(self->copy_switch);
        creation->disk_count = 1;
    }

    gtk_stack_set_visible_child_name(self->stack, "working");
    gtk_spinner_start(self->spinner);
    adw_window_title_set_subtitle(self->title, NULL);
    gtk_widget_set_visible(self->action_bar, FALSE);
    gtk_widget_action_set_enabled(widget, "wizard.create", FALSE);
    self->cancellable = g_cancellable_new();
    g_autoptr(GTask) task = g_task_new(self, self->cancellable, on_created, NULL);
    g_task_set_task_data(task, creation, creation_free);
    g_task_run_in_thread(task, create_in_thread);
}

/* ---- object ---- */

static void vitrine_wizard_dispose(GObject *object)
{
    VitrineWizard *self = VITRINE_WIZARD(object);

    g_cancellable_cancel(self->cancellable);
    g_clear_object(&self->cancellable);
    g_cancellable_cancel(self->looking);
    g_clear_object(&self->looking);
    self->stack = NULL;
    G_OBJECT_CLASS(vitrine_wizard_parent_class)->dispose(object);
}

static void vitrine_wizard_finalize(GObject *object)
{
    VitrineWizard *self = VITRINE_WIZARD(object);

    g_ptr_array_unref(self->system_checks);
    g_ptr_array_unref(self->model_checks);
    g_free(self->cdrom);
    g_free(self->image);
    g_free(self->kernel);
    g_free(self->initrd);
    G_OBJECT_CLASS(vitrine_wizard_parent_class)->finalize(object);
}

static gboolean vitrine_wizard_close_request(GtkWindow *window)
{
    g_cancellable_cancel(VITRINE_WIZARD(window)->cancellable);
    return GTK_WINDOW_CLASS(vitrine_wizard_parent_class)->close_request(window);
}

static void vitrine_wizard_class_init(VitrineWizardClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_wizard_dispose;
    G_OBJECT_CLASS(klass)->finalize = vitrine_wizard_finalize;
    GTK_WINDOW_CLASS(klass)->close_request = vitrine_wizard_close_request;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/wizard.ui");
#define BIND(name) gtk_widget_class_bind_template_child(widget, VitrineWizard, name)
    BIND(title);
    BIND(toasts);
    BIND(stack);
    BIND(action_bar);
    BIND(drop_target);
    BIND(medium_row);
    BIND(medium_clear);
    BIND(image_row);
    BIND(kernel_row);
    BIND(initrd_row);
    BIND(copy_row);
    BIND(network_row);
    BIND(audio_row);
    BIND(kernel_group);
    BIND(system_group);
    BIND(model_group);
    BIND(summary_group);
    BIND(display_row);
    BIND(ram_row);
    BIND(disk_row);
    BIND(size_row);
    BIND(display_list);
    BIND(ram_list);
    BIND(size_list);
    BIND(copy_switch);
    BIND(network_switch);
    BIND(audio_switch);
    BIND(start_switch);
    BIND(append_row);
    BIND(name_group);
    BIND(name_row);
    BIND(spinner);
    BIND(medium_spinner);
#undef BIND
    gtk_widget_class_bind_template_callback(widget, on_drop);
    gtk_widget_class_bind_template_callback(widget, on_medium_clear);
    gtk_widget_class_bind_template_callback(widget, on_medium_clicked);
    gtk_widget_class_bind_template_callback(widget, on_image_clicked);
    gtk_widget_class_bind_template_callback(widget, on_kernel_clicked);
    gtk_widget_class_bind_template_callback(widget, on_initrd_clicked);
    gtk_widget_class_bind_template_callback(widget, on_disk_kind_changed);
    gtk_widget_class_bind_template_callback(widget, on_name_changed);
    gtk_widget_class_install_action(widget, "wizard.back", NULL, go_back);
    gtk_widget_class_install_action(widget, "wizard.next", NULL, go_next);
    gtk_widget_class_install_action(widget, "wizard.create", NULL, create);
    gtk_widget_class_add_binding_action(widget, GDK_KEY_Escape, 0, "window.close", NULL);
    gtk_widget_class_add_binding_action(widget, GDK_KEY_Right, GDK_ALT_MASK, "wizard.next", NULL);
    gtk_widget_class_add_binding_action(widget, GDK_KEY_Left, GDK_ALT_MASK, "wizard.back", NULL);
    gtk_widget_class_add_binding_action(widget, GDK_KEY_Return, GDK_CONTROL_MASK, "wizard.create", NULL);
}

static void vitrine_wizard_init(VitrineWizard *self)
{
    GType types[] = {GDK_TYPE_FILE_LIST};

    self->system_checks = g_ptr_array_new();
    self->model_checks = g_ptr_array_new();
    gtk_widget_init_template(GTK_WIDGET(self));
    dialogs_set_toasts(GTK_WINDOW(self), self->toasts);
    gtk_drop_target_set_gtypes(self->drop_target, types, G_N_ELEMENTS(types));
}

void vitrine_wizard_present(VitrineApplication *application, GtkWindow *parent, const char *medium)
{
    VitrineWizard *self =
        g_object_new(VITRINE_TYPE_WIZARD, "transient-for", parent, "application", application, NULL);

    self->application = application;
    self->profiles = vitrine_application_get_profiles(application);
    fill_choices(self);
    if (self->system_checks->len > 0)
        gtk_check_button_set_active(self->system_checks->pdata[0], TRUE);
    else
        choose_profile(self, NULL);
    update_medium_row(self);
    show_page(self, PAGE_SYSTEM);
    if (medium)
        use_medium(self, medium);
    gtk_window_present(GTK_WINDOW(self));
    focus_page(self);
}
