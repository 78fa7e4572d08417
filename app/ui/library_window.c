/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library window: sidebar, search, cards, drop target, and what the cards' menus do. */
#include "app/ui/library_window.h"

#include "app/history.h"
#include "app/i18n.h"
#include "app/settings.h"
#include "app/ui/dialogs.h"
#include "app/ui/jobs.h"
#include "app/ui/machine_card.h"
#include "app/ui/machine_page.h"
#include "app/ui/transfer.h"
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
    GtkListBox *list;
    GtkWidget *view_button;
    GtkRevealer *drop_hint;
    GtkDropTarget *drop_target;
    AdwLeaflet *pages;
    VitrineMachinePage *machine_page; /* NULL while the library is seen */
};

G_DEFINE_FINAL_TYPE(VitrineLibraryWindow, vitrine_library_window, ADW_TYPE_APPLICATION_WINDOW)

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
    if (strcmp(page, "grid") == 0 && g_settings_get_enum(vitrine_settings_get(), "library-view") == LIBRARY_VIEW_LIST)
        page = "list";
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

static GtkWidget *create_row(gpointer item, gpointer user_data)
{
    GtkWidget *row = gtk_list_box_row_new();

    gtk_list_box_row_set_child(GTK_LIST_BOX_ROW(row), vitrine_machine_row_new(item));
    gtk_accessible_update_property(GTK_ACCESSIBLE(row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   vitrine_bundle_get_name(item), -1);
    return row;
}

static void on_card_activated(GtkFlowBox *box, GtkFlowBoxChild *child, VitrineLibraryWindow *self)
{
    gtk_widget_activate_action(gtk_flow_box_child_get_child(child), "card.page", NULL);
}

static void on_row_activated(GtkListBox *box, GtkListBoxRow *row, VitrineLibraryWindow *self)
{
    gtk_widget_activate_action(gtk_list_box_row_get_child(row), "card.page", NULL);
}

/* The machine under the keyboard, for the keys of the grid and the list. */
static GtkWidget *focused_card(VitrineLibraryWindow *self)
{
    GtkWidget *focus = gtk_root_get_focus(GTK_ROOT(self));
    GtkWidget *child = focus ? gtk_widget_get_ancestor(focus, GTK_TYPE_FLOW_BOX_CHILD) : NULL;

    if (child)
        return gtk_flow_box_child_get_child(GTK_FLOW_BOX_CHILD(child));
    child = focus ? gtk_widget_get_ancestor(focus, GTK_TYPE_LIST_BOX_ROW) : NULL;
    child = child ? gtk_list_box_row_get_child(GTK_LIST_BOX_ROW(child)) : NULL;
    return VITRINE_IS_MACHINE_CARD(child) ? child : NULL;
}

static void on_card_key(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineLibraryWindow *self = VITRINE_LIBRARY_WINDOW(widget);
    GtkWidget *card = focused_card(self);

    if (!card && self->machine_page)
        card = GTK_WIDGET(self->machine_page);
    if (card)
        gtk_widget_activate_action(card, g_variant_get_string(parameter, NULL), NULL);
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
    VitrineLibraryWindow *self = VITRINE_LIBRARY_WINDOW(widget);
    GtkSearchBar *bar = self->search_bar;

    if (self->machine_page)
        vitrine_machine_page_search(self->machine_page);
    else
        gtk_search_bar_set_search_mode(bar, !gtk_search_bar_get_search_mode(bar));
}

/* ---- files from outside ---- */

void vitrine_library_window_open_file(VitrineLibraryWindow *self, GFile *file)
{
    g_autofree char *path = g_file_get_path(file);

    if (!path) {
        dialogs_toast(GTK_WIDGET(self), _("Only files of this computer can be used."));
        return;
    }
    g_autofree char *folder =
        g_str_has_suffix(path, "/machine.ini") ? g_path_get_dirname(path) : g_strdup(path);
    g_autofree char *ini = g_build_filename(folder, "machine.ini", NULL);
    if (g_file_test(ini, G_FILE_TEST_IS_REGULAR)) {
        g_autoptr(VitrineBundle) bundle = vitrine_bundle_new(folder);
        vitrine_library_window_show_machine(self, bundle, NULL);
        return;
    }
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        dialogs_toast(
            GTK_WIDGET(self), _("This folder is not a machine. Drop a machine's folder, a disc or a disk image."));
        return;
    }
    if (g_str_has_suffix(path, TRANSFER_SUFFIX))
        transfer_import(GTK_WIDGET(self), path);
    else
        vitrine_wizard_present(vitrine_application_get(), GTK_WINDOW(self), path);
}

static GdkDragAction on_drag_enter(GtkDropTarget *target, double x, double y, VitrineLibraryWindow *self)
{
    gtk_revealer_set_reveal_child(self->drop_hint, TRUE);
    return GDK_ACTION_COPY;
}

static void on_drag_leave(GtkDropTarget *target, VitrineLibraryWindow *self)
{
    gtk_revealer_set_reveal_child(self->drop_hint, FALSE);
}

static gboolean on_drop(GtkDropTarget *target, const GValue *value, double x, double y,
                        VitrineLibraryWindow *self)
{
    GSList *files = g_value_get_boxed(value);

    gtk_revealer_set_reveal_child(self->drop_hint, FALSE);
    for (GSList *l = files; l; l = l->next)
        vitrine_library_window_open_file(self, l->data);
    return files != NULL;
}

/* ---- pages ---- */

void vitrine_library_window_show_machine(VitrineLibraryWindow *self, VitrineBundle *bundle, const char *tab)
{
    if (!self->machine_page) {
        self->machine_page = g_object_new(VITRINE_TYPE_MACHINE_PAGE, NULL);
        adw_leaflet_append(self->pages, GTK_WIDGET(self->machine_page));
    }
    vitrine_machine_page_set_bundle(self->machine_page, bundle);
    vitrine_machine_page_show_tab(self->machine_page, tab ? tab : "overview");
    adw_leaflet_set_visible_child(self->pages, GTK_WIDGET(self->machine_page));
}

void vitrine_library_window_show_library(VitrineLibraryWindow *self)
{
    adw_leaflet_set_visible_child(self->pages, GTK_WIDGET(self->leaflet));
}

static void show_library(GtkWidget *widget, const char *name, GVariant *parameter)
{
    vitrine_library_window_show_library(VITRINE_LIBRARY_WINDOW(widget));
}

static void show_tab(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineLibraryWindow *self = VITRINE_LIBRARY_WINDOW(widget);

    if (self->machine_page)
        vitrine_machine_page_show_tab(self->machine_page, g_variant_get_string(parameter, NULL));
}

/* The page goes when it is out of sight. */
static void on_transition(AdwLeaflet *pages, GParamSpec *spec, VitrineLibraryWindow *self)
{
    if (adw_leaflet_get_child_transition_running(pages) || !self->machine_page ||
        adw_leaflet_get_visible_child(pages) != GTK_WIDGET(self->leaflet))
        return;
    adw_leaflet_remove(pages, GTK_WIDGET(self->machine_page));
    self->machine_page = NULL;
    gtk_widget_child_focus(gtk_stack_get_visible_child(self->stack), GTK_DIR_TAB_FORWARD);
}

/* ---- after a crash ---- */

struct survivor {
    VitrineLibraryWindow *window;
    VitrineBundle *bundle;
};

static void survivor_free(gpointer data)
{
    struct survivor *survivor = data;

    g_object_unref(survivor->window);
    g_object_unref(survivor->bundle);
    g_free(survivor);
}

static void show_survivor(gpointer data)
{
    struct survivor *survivor = data;

    vitrine_library_window_show_machine(survivor->window, survivor->bundle, "history");
}

/* Machines that ran when Vitrine ended: their histories offer to go on from the last moment that was kept. */
static gboolean offer_survivors(gpointer data)
{
    VitrineLibraryWindow *self = data;

    for (guint i = 0; self->library && i < g_list_model_get_n_items(G_LIST_MODEL(self->library)); i++) {
        g_autoptr(VitrineBundle) bundle = g_list_model_get_item(G_LIST_MODEL(self->library), i);
        const MachineIni *machine = vitrine_bundle_get_machine(bundle);
        VitrineHistoryNode *last = NULL;
        if (!machine || !machine->running || vitrine_bundle_is_open(bundle))
            continue;
        g_autoptr(VitrineHistory) history = vitrine_history_get(bundle);
        if (!vitrine_history_was_running(history, &last) || !last)
            continue;
        struct survivor *survivor = g_new0(struct survivor, 1);
        survivor->window = g_object_ref(self);
        survivor->bundle = g_object_ref(bundle);
        g_autofree char *text =
            g_strdup_printf(_("“%s” was running when Vitrine ended"), vitrine_bundle_get_name(bundle));
        dialogs_toast_offer(GTK_WIDGET(self), text, _("_Go On…"), show_survivor, survivor, survivor_free);
    }
    return G_SOURCE_REMOVE;
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
    g_type_ensure(VITRINE_TYPE_JOBS_BUTTON);
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
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, list);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, view_button);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, drop_hint);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, drop_target);
    gtk_widget_class_bind_template_child(widget, VitrineLibraryWindow, pages);
    gtk_widget_class_bind_template_callback(widget, on_sidebar_activated);
    gtk_widget_class_bind_template_callback(widget, on_sidebar_selected);
    gtk_widget_class_bind_template_callback(widget, on_back);
    gtk_widget_class_bind_template_callback(widget, on_search_changed);
    gtk_widget_class_bind_template_callback(widget, on_stop_search);
    gtk_widget_class_bind_template_callback(widget, on_card_activated);
    gtk_widget_class_bind_template_callback(widget, on_row_activated);
    gtk_widget_class_bind_template_callback(widget, on_transition);
    gtk_widget_class_bind_template_callback(widget, on_drag_enter);
    gtk_widget_class_bind_template_callback(widget, on_drag_leave);
    gtk_widget_class_bind_template_callback(widget, on_drop);
    gtk_widget_class_install_action(widget, "win.search", NULL, toggle_search);
    gtk_widget_class_install_action(widget, "win.close-window", NULL, close_window);
    gtk_widget_class_install_action(widget, "win.show-library", NULL, show_library);
    gtk_widget_class_install_action(widget, "win.card", "s", on_card_key);
    gtk_widget_class_install_action(widget, "win.tab", "s", show_tab);
    static const struct {
        guint keyval;
        GdkModifierType modifiers;
        const char *action;
    } keys[] = {
        {GDK_KEY_Return, GDK_CONTROL_MASK, "card.activate"},
        {GDK_KEY_F2, 0, "card.rename"},
        {GDK_KEY_Delete, 0, "card.delete"},
        {GDK_KEY_d, GDK_CONTROL_MASK, "card.duplicate"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        gtk_widget_class_add_binding_action(widget, keys[i].keyval, keys[i].modifiers, "win.card", "s",
                                            keys[i].action);
    gtk_widget_class_add_binding_action(widget, GDK_KEY_Left, GDK_ALT_MASK, "win.show-library", NULL);
}

static void on_view_setting(VitrineLibraryWindow *self)
{
    gboolean list = g_settings_get_enum(vitrine_settings_get(), "library-view") == LIBRARY_VIEW_LIST;

    gtk_button_set_icon_name(GTK_BUTTON(self->view_button), list ? "view-grid-symbolic" : "view-list-symbolic");
    gtk_actionable_set_action_target(GTK_ACTIONABLE(self->view_button), "s", list ? "grid" : "list");
    gtk_actionable_set_action_name(GTK_ACTIONABLE(self->view_button), "win.library-view");
    dialogs_name_widget(self->view_button, list ? _("Show as Grid") : _("Show as List"));
    if (!self->shown)
        return;
    /* Only what is seen has widgets. */
    gtk_flow_box_bind_model(self->grid, list ? NULL : G_LIST_MODEL(self->shown), create_card, self, NULL);
    gtk_list_box_bind_model(self->list, list ? G_LIST_MODEL(self->shown) : NULL, create_row, self, NULL);
    show_right_page(self);
}

static void vitrine_library_window_init(VitrineLibraryWindow *self)
{
    GType types[] = {GDK_TYPE_FILE_LIST};

    GSettings *settings = vitrine_settings_get();

    self->view = g_strdup("all");
    gtk_widget_init_template(GTK_WIDGET(self));
    dialogs_set_toasts(GTK_WINDOW(self), self->toasts);
    g_settings_bind(settings, "window-width", self, "default-width", G_SETTINGS_BIND_DEFAULT);
    g_settings_bind(settings, "window-height", self, "default-height", G_SETTINGS_BIND_DEFAULT);
    g_settings_bind(settings, "window-maximized", self, "maximized", G_SETTINGS_BIND_DEFAULT);
    g_autoptr(GAction) view = g_settings_create_action(settings, "library-view");
    g_action_map_add_action(G_ACTION_MAP(self), view);
    g_signal_connect_object(settings, "changed::library-view", G_CALLBACK(on_view_setting), self, G_CONNECT_SWAPPED);
    on_view_setting(self);
    gtk_drop_target_set_gtypes(self->drop_target, types, G_N_ELEMENTS(types));
    gtk_search_bar_connect_entry(self->search_bar, GTK_EDITABLE(self->search_entry));
    gtk_list_box_set_header_func(self->sidebar, add_separator, NULL, NULL);
    adw_leaflet_set_visible_child(self->leaflet, self->content_box); /* where there is room for one only */
}

VitrineLibraryWindow *vitrine_library_window_new(VitrineApplication *application)
{
    VitrineLibraryWindow *self = g_object_new(VITRINE_TYPE_LIBRARY_WINDOW, "application", application, NULL);

    self->library = g_object_ref(vitrine_application_get_library(application));
    self->filter = gtk_custom_filter_new(filter_bundle, self, NULL);
    self->shown =
        gtk_filter_list_model_new(g_object_ref(G_LIST_MODEL(self->library)), GTK_FILTER(self->filter));
    on_view_setting(self);
    fill_sidebar(self);
    gtk_list_box_select_row(self->sidebar, gtk_list_box_get_row_at_index(self->sidebar, 0));
    g_signal_connect(self->library, "items-changed", G_CALLBACK(on_library_items_changed), self);
    on_library_items_changed(G_LIST_MODEL(self->library), 0, 0,
                             g_list_model_get_n_items(G_LIST_MODEL(self->library)), self);
    g_idle_add_full(G_PRIORITY_LOW, offer_survivors, g_object_ref(self), g_object_unref);
    return self;
}
