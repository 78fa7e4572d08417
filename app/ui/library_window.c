/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library window: sidebar, search, cards, drop target, and what the cards' menus do. */
#include "app/ui/library_window.h"

#include "app/i18n.h"
#include "app/ui/machine_card.h"
#include "app/ui/wizard.h"
#include "emulator/engine.h"

#include <string.h>

/* Machines used within this many seconds are recent. */
#define RECENT_SECONDS (30 * 24 * 3600)

struct _VitrineLibraryWindow {
    AdwApplicationWindow parent;
    VitrineLibrary *library;
    GtkFilterListModel *shown;
    GtkCustomFilter *filter;
    char *search; /* case-folded */
    char *view;   /* "all", "running", "recent", or a family's id */

    AdwLeaflet *leaflet;
    GtkWidget *content_box, *sidebar_box;
    GtkListBox *sidebar;
    AdwWindowTitle *content_title;
    GtkSearchBar *search_bar;
    GtkSearchEntry *search_entry;
    AdwToastOverlay *toasts;
    GtkStack *stack;
    AdwStatusPage *nothing_page;
    GtkFlowBox *grid;
    GtkDropTarget *drop_target;
};

G_DEFINE_FINAL_TYPE(VitrineLibraryWindow, vitrine_library_window, ADW_TYPE_APPLICATION_WINDOW)

void vitrine_library_window_toast(VitrineLibraryWindow *self, const char *text)
{
    AdwToast *toast = adw_toast_new("");

    g_autofree char *escaped = g_markup_escape_text(text, -1);
    adw_toast_set_title(toast, escaped);
    adw_toast_overlay_add_toast(self->toasts, toast);
}

/* ---- what is shown ---- */

static gboolean belongs_to_view(VitrineLibraryWindow *self, VitrineBundle *bundle)
{
    const MachineIni *machine = vitrine_bundle_get_machine(bundle);

    if (strcmp(self->view, "all") == 0)
        return TRUE;
    if (strcmp(self->view, "running") == 0)
        return vitrine_bundle_get_state(bundle) == BUNDLE_RUNNING;
    if (strcmp(self->view, "recent") == 0)
        return machine && machine->last_used > g_get_real_time() / G_USEC_PER_SEC - RECENT_SECONDS;
    const struct engine_model *model = machine ? engine_find_model(machine->model) : NULL;
    return model && strcmp(model->family, self->view) == 0;
}

static gboolean matches_search(VitrineLibraryWindow *self, VitrineBundle *bundle)
{
    const MachineIni *machine = vitrine_bundle_get_machine(bundle);
    const struct engine_model *model = machine ? engine_find_model(machine->model) : NULL;

    if (!self->search || !*self->search)
        return TRUE;
    g_autofree char *text = g_strjoin(" ", vitrine_bundle_get_name(bundle), model ? _(model->title) : "",
                                      machine && machine->notes ? machine->notes : "", NULL);
    g_autofree char *folded = g_utf8_casefold(text, -1);
    return strstr(folded, self->search) != NULL;
}

static gboolean filter_bundle(gpointer item, gpointer user_data)
{
    return belongs_to_view(user_data, item) && matches_search(user_data, item);
}

static void show_right_page(VitrineLibraryWindow *self)
{
    const char *page = "grid";

    if (g_list_model_get_n_items(G_LIST_MODEL(self->library)) == 0) {
        page = "empty";
    } else if (g_list_model_get_n_items(G_LIST_MODEL(self->shown)) == 0) {
        gboolean searching = self->search && *self->search;
        page = "nothing";
        adw_status_page_set_icon_name(self->nothing_page,
                                      searching ? "edit-find-symbolic" : "org.vitrine.Vitrine-symbolic");
        adw_status_page_set_title(self->nothing_page, searching ? _("No Machine Found")
                                                      : strcmp(self->view, "running") == 0
                                                          ? _("No Machine Is Running")
                                                          : _("No Machine Here Yet"));
        adw_status_page_set_description(self->nothing_page, searching ? _("Try another word.") : NULL);
    }
    gtk_stack_set_visible_child_name(self->stack, page);
}

static void refilter(VitrineLibraryWindow *self)
{
    gtk_filter_changed(GTK_FILTER(self->filter), GTK_FILTER_CHANGE_DIFFERENT);
    show_right_page(self);
}

/* A machine that starts or stops moves in and out of "Running". */
static void on_library_items_changed(GListModel *list, guint position, guint removed, guint added,
                                     VitrineLibraryWindow *self)
{
    for (guint i = position; i < position + added; i++) {
        g_autoptr(VitrineBundle) bundle = g_list_model_get_item(list, i);
        g_signal_connect_object(bundle, "changed", G_CALLBACK(refilter), self, G_CONNECT_SWAPPED);
    }
    show_right_page(self);
}

static GtkWidget *create_card(gpointer item, gpointer user_data)
{
    GtkWidget *child = gtk_flow_box_child_new();

    gtk_flow_box_child_set_child(GTK_FLOW_BOX_CHILD(child), vitrine_machine_card_new(item));
    gtk_accessible_update_property(GTK_ACCESSIBLE(child), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   vitrine_bundle_get_name(item), -1);
    gtk_widget_add_css_class(child, "machine-child");
    return child;
}

static void on_card_activated(GtkFlowBox *box, GtkFlowBoxChild *child, VitrineLibraryWindow *self)
{
    VitrineMachineCard *card = VITRINE_MACHINE_CARD(gtk_flow_box_child_get_child(child));

    vitrine_library_window_machine_action(self, vitrine_machine_card_get_bundle(card), "activate");
}

/* ---- sidebar ---- */

static void add_view(VitrineLibraryWindow *self, const char *view, const char *title, const char *icon)
{
    GtkWidget *row = gtk_list_box_row_new(), *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *label = gtk_label_new(title);

    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_END);
    gtk_box_append(GTK_BOX(box), gtk_image_new_from_icon_name(icon));
    gtk_box_append(GTK_BOX(box), label);
    gtk_list_box_row_set_child(GTK_LIST_BOX_ROW(row), box);
    gtk_accessible_update_property(GTK_ACCESSIBLE(row), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
    g_object_set_data_full(G_OBJECT(row), "view", g_strdup(view), g_free);
    g_object_set_data_full(G_OBJECT(row), "title", g_strdup(title), g_free);
    gtk_list_box_append(self->sidebar, row);
}

static void fill_sidebar(VitrineLibraryWindow *self)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    add_view(self, "all", _("All Machines"), "view-grid-symbolic");
    add_view(self, "running", _("Running"), "media-playback-start-symbolic");
    add_view(self, "recent", _("Recent"), "document-open-recent-symbolic");
    for (const struct engine_model *const *model = engine_models(); *model; model++) {
        if (g_hash_table_add(seen, (gpointer)(*model)->family))
            add_view(self, (*model)->family, _((*model)->family_title), "computer-symbolic");
    }
}

/* A line between the fixed views and the families. */
static void add_separator(GtkListBoxRow *row, GtkListBoxRow *before, gpointer user_data)
{
    const char *previous = before ? g_object_get_data(G_OBJECT(before), "view") : NULL;

    gtk_list_box_row_set_header(
        row, g_strcmp0(previous, "recent") == 0 ? gtk_separator_new(GTK_ORIENTATION_HORIZONTAL) : NULL);
}

static void on_sidebar_selected(GtkListBox *box, GtkListBoxRow *row, VitrineLibraryWindow *self)
{
    if (!row)
        return;
    g_free(self->view);
    self->view = g_strdup(g_object_get_data(G_OBJECT(row), "view"));
    adw_window_title_set_title(self->content_title, g_object_get_data(G_OBJECT(row), "title"));
    refilter(self);
}

static void on_sidebar_activated(GtkListBox *box, GtkListBoxRow *row, VitrineLibraryWindow *self)
{
    adw_leaflet_set_visible_child(self->leaflet, self->content_box);
}

static void on_back(GtkButton *button, VitrineLibraryWindow *self)
{
    adw_leaflet_set_visible_child(self->leaflet, self->sidebar_box);
}

/* ---- search ---- */

static void on_search_changed(GtkSearchEntry *entry, VitrineLibraryWindow *self)
{
    g_free(self->search);
    self->search = g_utf8_casefold(gtk_editable_get_text(GTK_EDITABLE(entry)), -1);
    refilter(self);
}

static void on_stop_search(GtkSearchEntry *entry, VitrineLibraryWindow *self)
{
    gtk_search_bar_set_search_mode(self->search_bar, FALSE);
}

static void toggle_search(GtkWidget *widget, const char *name, GVariant *parameter)
{
    GtkSearchBar *bar = VITRINE_LIBRARY_WINDOW(widget)->search_bar;

    gtk_search_bar_set_search_mode(bar, !gtk_search_bar_get_search_mode(bar));
}

/* ---- files from outside ---- */

void vitrine_library_window_open_file(VitrineLibraryWindow *self, GFile *file)
{
    g_autofree char *path = g_file_get_path(file);

    if (!path) {
        vitrine_library_window_toast(self, _("Only files of this computer can be used."));
        return;
    }
    g_autofree char *folder =
        g_str_has_suffix(path, "/machine.ini") ? g_path_get_dirname(path) : g_strdup(path);
    g_autofree char *ini = g_build_filename(folder, "machine.ini", NULL);
    if (g_file_test(ini, G_FILE_TEST_IS_REGULAR)) {
        g_autoptr(VitrineBundle) bundle = vitrine_bundle_new(folder);
        vitrine_library_window_machine_action(self, bundle, "activate");
        return;
    }
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        vitrine_library_window_toast(
            self, _("This folder is not a machine. Drop a machine's folder, a disc or a disk image."));
        return;
    }
    vitrine_wizard_present(vitrine_application_get(), GTK_WINDOW(self), path);
}

static gboolean on_drop(GtkDropTarget *target, const GValue *value, double x, double y,
                        VitrineLibraryWindow *self)
{
    GSList *files = g_value_get_boxed(value);

    for (GSList *l = files; l; l = l->next)
        vitrine_library_window_open_file(self, l->data);
    return files != NULL;
}

/* ---- the cards' menus ---- */

struct deletion {
    VitrineLibraryWindow *window;
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

static void on_deletion_dismissed(AdwToast *toast, struct deletion *deletion)
{
    if (!deletion->undone) {
        g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);
        g_task_set_task_data(task, g_object_ref(deletion->bundle), g_object_unref);
        g_task_run_in_thread(task, delete_for_good);
    }
    g_object_unref(deletion->bundle);
    g_object_unref(deletion->window);
    g_free(deletion);
}

static void on_deletion_undone(AdwToast *toast, struct deletion *deletion)
{
    g_autoptr(GError) error = NULL;

    deletion->undone = TRUE;
    if (!vitrine_bundle_unhide(deletion->bundle, &error))
        vitrine_library_window_toast(deletion->window, error->message);
    vitrine_library_refresh(deletion->window->library);
}

static void delete_machine(VitrineLibraryWindow *self, VitrineBundle *bundle)
{
    g_autoptr(GError) error = NULL;

    if (!vitrine_bundle_hide(bundle, &error)) {
        vitrine_library_window_toast(self, error->message);
        return;
    }
    struct deletion *deletion = g_new0(struct deletion, 1);
    deletion->window = g_object_ref(self);
    deletion->bundle = g_object_ref(bundle);
    g_autofree char *name = g_markup_escape_text(vitrine_bundle_get_name(bundle), -1);
    g_autofree char *title = g_strdup_printf(_("“%s” deleted"), name);
    AdwToast *toast = adw_toast_new(title);
    adw_toast_set_button_label(toast, _("_Undo"));
    adw_toast_set_timeout(toast, 8);
    g_signal_connect(toast, "button-clicked", G_CALLBACK(on_deletion_undone), deletion);
    g_signal_connect(toast, "dismissed", G_CALLBACK(on_deletion_dismissed), deletion);
    adw_toast_overlay_add_toast(self->toasts, toast);
    vitrine_library_refresh(self->library);
}

struct rename {
    VitrineLibraryWindow *window;
    VitrineBundle *bundle;
    GtkEditable *entry;
};

static void on_rename_response(AdwMessageDialog *dialog, const char *response, struct rename *rename)
{
    if (strcmp(response, "rename") == 0) {
        const char *name = gtk_editable_get_text(rename->entry);
        g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(rename->bundle));
        g_autoptr(GError) error = NULL;
        if (machine && machine_ini_name_is_valid(name, &error)) {
            g_free(machine->name);
            machine->name = g_strdup(name);
            vitrine_bundle_save(rename->bundle, machine, &error);
        }
        if (error)
            vitrine_library_window_toast(rename->window, error->message);
    }
    g_object_unref(rename->bundle);
    g_free(rename);
}

static void rename_machine(VitrineLibraryWindow *self, VitrineBundle *bundle)
{
    GtkWidget *dialog = adw_message_dialog_new(GTK_WINDOW(self), _("Rename Machine"), NULL);
    GtkWidget *group = adw_preferences_group_new(), *row = adw_entry_row_new();
    struct rename *rename = g_new0(struct rename, 1);

    rename->window = self;
    rename->bundle = g_object_ref(bundle);
    rename->entry = GTK_EDITABLE(row);
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), _("Name"));
    gtk_editable_set_text(GTK_EDITABLE(row), vitrine_bundle_get_name(bundle));
    adw_entry_row_set_activates_default(ADW_ENTRY_ROW(row), TRUE);
    adw_preferences_group_add(ADW_PREFERENCES_GROUP(group), row);
    adw_message_dialog_set_extra_child(ADW_MESSAGE_DIALOG(dialog), group);
    adw_message_dialog_add_responses(ADW_MESSAGE_DIALOG(dialog), "cancel", _("_Cancel"), "rename",
                                     _("_Rename"), NULL);
    adw_message_dialog_set_response_appearance(ADW_MESSAGE_DIALOG(dialog), "rename", ADW_RESPONSE_SUGGESTED);
    adw_message_dialog_set_default_response(ADW_MESSAGE_DIALOG(dialog), "rename");
    adw_message_dialog_set_close_response(ADW_MESSAGE_DIALOG(dialog), "cancel");
    g_signal_connect(dialog, "response", G_CALLBACK(on_rename_response), rename);
    gtk_window_present(GTK_WINDOW(dialog));
    gtk_widget_grab_focus(row);
}

static void set_cd(VitrineLibraryWindow *self, VitrineBundle *bundle, const char *path)
{
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(bundle));
    g_autoptr(GError) error = NULL;

    if (!machine)
        return;
    machine_ini_set_drive(&machine->cdrom, path, NULL, -1, TRUE);
    if (!vitrine_bundle_save(bundle, machine, &error))
        vitrine_library_window_toast(self, error->message);
}

static void on_cd_chosen(GtkNativeDialog *dialog, int response, VitrineLibraryWindow *self)
{
    if (response == GTK_RESPONSE_ACCEPT) {
        g_autoptr(GFile) file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));
        g_autofree char *path = file ? g_file_get_path(file) : NULL;
        if (path)
            set_cd(self, g_object_get_data(G_OBJECT(dialog), "bundle"), path);
    }
    g_object_unref(dialog);
}

static void insert_cd(VitrineLibraryWindow *self, VitrineBundle *bundle)
{
    GtkFileChooserNative *chooser = gtk_file_chooser_native_new(
        _("Insert CD"), GTK_WINDOW(self), GTK_FILE_CHOOSER_ACTION_OPEN, _("_Insert"), _("_Cancel"));

    gtk_native_dialog_set_modal(GTK_NATIVE_DIALOG(chooser), TRUE);
    g_object_set_data_full(G_OBJECT(chooser), "bundle", g_object_ref(bundle), g_object_unref);
    g_signal_connect(chooser, "response", G_CALLBACK(on_cd_chosen), self);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(chooser));
}

void vitrine_library_window_machine_action(VitrineLibraryWindow *self, VitrineBundle *bundle,
                                           const char *action)
{
    VitrineApplication *application = VITRINE_APPLICATION(gtk_window_get_application(GTK_WINDOW(self)));

    if (vitrine_bundle_get_state(bundle) == BUNDLE_BROKEN && strcmp(action, "activate") == 0)
        vitrine_library_window_toast(self, vitrine_bundle_get_problem(bundle));
    else if (strcmp(action, "activate") == 0 || strcmp(action, "start") == 0 || strcmp(action, "show") == 0)
        vitrine_application_open_machine(application, bundle, 0);
    else if (strcmp(action, "start-fresh") == 0)
        vitrine_application_open_machine(application, bundle, SESSION_FRESH);
    else if (strcmp(action, "start-without-saving") == 0)
        vitrine_application_open_machine(application, bundle, SESSION_DISCARD_WRITES);
    else if (strcmp(action, "rename") == 0)
        rename_machine(self, bundle);
    else if (strcmp(action, "insert-cd") == 0)
        insert_cd(self, bundle);
    else if (strcmp(action, "eject-cd") == 0)
        set_cd(self, bundle, NULL);
    else if (strcmp(action, "delete") == 0)
        delete_machine(self, bundle);
    else if (strcmp(action, "open-folder") == 0) {
        g_autofree char *uri = g_filename_to_uri(vitrine_bundle_get_folder(bundle), NULL, NULL);
        gtk_show_uri(GTK_WINDOW(self), uri, GDK_CURRENT_TIME);
    }
}

/* ---- object ---- */

static void close_window(GtkWidget *widget, const char *name, GVariant *parameter)
{
    gtk_window_close(GTK_WINDOW(widget));
}

static void vitrine_library_window_dispose(GObject *object)
{
    VitrineLibraryWindow *self = VITRINE_LIBRARY_WINDOW(object);

    if (self->library)
        g_signal_handlers_disconnect_by_data(self->library, self);
    g_clear_object(&self->shown);
    g_clear_object(&self->library);
    G_OBJECT_CLASS(vitrine_library_window_parent_class)->dispose(object);
}

static void vitrine_library_window_finalize(GObject *object)
{
    VitrineLibraryWindow *self = VITRINE_LIBRARY_WINDOW(object);

    g_free(self->search);
    g_free(self->view);
    G_OBJECT_CLASS(vitrine_library_window_parent_class)->finalize(object);
}

static void vitrine_library_window_class_init(VitrineLibraryWindowClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_library_window_dispose;
    G_OBJECT_CLASS(klass)->finalize = vitrine_library_window_finalize;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/library_window.ui");
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, leaflet);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, content_box);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, sidebar_box);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, sidebar);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, content_title);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, search_bar);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, search_entry);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, toasts);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, stack);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, nothing_page);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, grid);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, drop_target);
    gtk_widget_class_bind_template_callback(widget, on_sidebar_activated);
    gtk_widget_class_bind_template_callback(widget, on_sidebar_selected);
    gtk_widget_class_bind_template_callback(widget, on_back);
    gtk_widget_class_bind_template_callback(widget, on_search_changed);
    gtk_widget_class_bind_template_callback(widget, on_stop_search);
    gtk_widget_class_bind_template_callback(widget, on_card_activated);
    gtk_widget_class_bind_template_callback(widget, on_drop);
    gtk_widget_class_install_action(widget, "win.search", NULL, toggle_search);
    gtk_widget_class_install_action(widget, "win.close-window", NULL, close_window);
}

static void vitrine_library_window_init(VitrineLibraryWindow *self)
{
    GType types[] = {GDK_TYPE_FILE_LIST};

    self->view = g_strdup("all");
    gtk_widget_init_template(GTK_WIDGET(self));
    gtk_drop_target_set_gtypes(self->drop_target, types, G_N_ELEMENTS(types));
    gtk_search_bar_connect_entry(self->search_bar, GTK_EDITABLE(self->search_entry));
    gtk_list_box_set_header_func(self->sidebar, add_separator, NULL, NULL);
}

VitrineLibraryWindow *vitrine_library_window_new(VitrineApplication *application)
{
    VitrineLibraryWindow *self = g_object_new(VITRINE_TYPE_LIBRARY_WINDOW, "application", application, NULL);

    self->library = g_object_ref(vitrine_application_get_library(application));
    self->filter = gtk_custom_filter_new(filter_bundle, self, NULL);
    self->shown =
        gtk_filter_list_model_new(g_object_ref(G_LIST_MODEL(self->library)), GTK_FILTER(self->filter));
    gtk_flow_box_bind_model(self->grid, G_LIST_MODEL(self->shown), create_card, self, NULL);
    fill_sidebar(self);
    gtk_list_box_select_row(self->sidebar, gtk_list_box_get_row_at_index(self->sidebar, 0));
    g_signal_connect(self->library, "items-changed", G_CALLBACK(on_library_items_changed), self);
    on_library_items_changed(G_LIST_MODEL(self->library), 0, 0,
                             g_list_model_get_n_items(G_LIST_MODEL(self->library)), self);
    return self;
}
