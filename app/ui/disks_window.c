/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Disks window. It looks anew when a job ends, when a machine changes, and when it gets the keyboard. */
#include "app/ui/disks_window.h"

#include "app/disks.h"
#include "app/i18n.h"
#include "app/settings.h"
#include "app/ui/dialogs.h"
#include "app/ui/disks_actions.h"
#include "app/ui/facts.h"
#include "app/ui/jobs.h"

#include <string.h>

struct _VitrineDisksWindow {
    AdwApplicationWindow parent;
    VitrineLibrary *library;
    GCancellable *looking;
    GtkTreeListModel *tree;
    GtkSingleSelection *selection;
    char *wanted; /* path to select when the list is there */

    AdwLeaflet *leaflet;
    AdwToastOverlay *toasts;
    GtkWidget *list_box, *details_box;
    GtkListView *list;
    GtkStack *list_stack, *details_stack;
    AdwWindowTitle *details_title;
    AdwPreferencesGroup *problem_group, *facts_group, *actions_group;
    GtkDropTarget *drop_target;
};

G_DEFINE_FINAL_TYPE(VitrineDisksWindow, vitrine_disks_window, ADW_TYPE_APPLICATION_WINDOW)

/* ---- details ---- */

static VitrineDisk *selected_disk(VitrineDisksWindow *self)
{
    GtkTreeListRow *row = gtk_single_selection_get_selected_item(self->selection);

    return row ? gtk_tree_list_row_get_item(row) : NULL; /* a reference */
}

static void on_action(AdwActionRow *row, VitrineDisksWindow *self)
{
    const struct disk_action *action = g_object_get_data(G_OBJECT(row), "action");
    g_autoptr(VitrineDisk) disk = selected_disk(self);

    if (disk)
        action->run(GTK_WIDGET(self), disk);
}

/* The action whose row has the keyboard. */
static const struct disk_action *focused_action(VitrineDisksWindow *self)
{
    GtkWidget *focus = gtk_window_get_focus(GTK_WINDOW(self));

    return focus ? g_object_get_data(G_OBJECT(focus), "action") : NULL;
}

static void show_actions(VitrineDisksWindow *self, VitrineDisk *disk)
{
    const struct disk_action *focused = focused_action(self);

    facts_clear(self->actions_group);
    for (const struct disk_action *action = disk_actions; action->id; action++) {
        const char *refusal = action->refuse(disk);
        AdwActionRow *row = facts_add_sentence(self->actions_group, action->icon, _(action->title),
                                               refusal ? refusal : _(action->summary));
        gtk_widget_set_sensitive(GTK_WIDGET(row), refusal == NULL);
        gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), refusal == NULL);
        adw_action_row_add_suffix(row, gtk_image_new_from_icon_name("go-next-symbolic"));
        g_object_set_data(G_OBJECT(row), "action", (gpointer)action);
        g_signal_connect(row, "activated", G_CALLBACK(on_action), self);
        if (action == focused) /* before all was looked at anew */
            gtk_widget_grab_focus(GTK_WIDGET(row));
    }
}

/* Layers have names that say nothing: a moment of the machine that they lie with says more. */
static const char *title_of(VitrineDisk *disk)
{
    const char *const *moments = vitrine_disk_get_moments(disk), *const *users = vitrine_disk_get_users(disk);

    if (!vitrine_disk_get_base(disk) || !vitrine_disk_get_home(disk))
        return vitrine_disk_get_name(disk);
    if (*moments)
        return *moments;
    return g_strv_contains(users, vitrine_disk_get_home(disk)) ? _("The Present") : vitrine_disk_get_name(disk);
}

static void show_facts(VitrineDisksWindow *self, VitrineDisk *disk)
{
    VitrineDisk *base = vitrine_disk_get_base(disk);
    g_autofree char *path = g_filename_display_name(vitrine_disk_get_path(disk));
    g_autofree char *users = g_strjoinv(", ", (char **)vitrine_disk_get_users(disk));
    guint overlays = g_list_model_get_n_items(vitrine_disk_get_overlays(disk));

    facts_clear(self->facts_group);
    facts_add_long(self->facts_group, _("File"), path);
    facts_add(self->facts_group, _("Kind"), vitrine_disk_get_format(disk) ? vitrine_disk_get_format(disk) : _("Unknown"));
    if (vitrine_disk_get_format(disk)) {
        facts_add_size(self->facts_group, _("Size of the Disk"), vitrine_disk_get_size(disk));
        facts_add_size(self->facts_group, _("Room It Takes Here"), vitrine_disk_get_usage(disk));
    }
    facts_add(self->facts_group, _("Stands On"), base ? title_of(base) : _("Nothing: it is an original"));
    if (overlays) {
        g_autofree char *text = g_strdup_printf(
            g_dngettext(GETTEXT_PACKAGE, "%u image: it is never written", "%u images: it is never written", overlays),
            overlays);
        facts_add(self->facts_group, _("Carries"), text);
    }
    facts_add(self->facts_group, _("In the Folder Of"), vitrine_disk_get_home(disk));
    facts_add(self->facts_group, _("Used By"), *users ? users : _("No machine"));
    if (*vitrine_disk_get_moments(disk)) {
        g_autofree char *moments = g_strjoinv(", ", (char **)vitrine_disk_get_moments(disk));
        facts_add_long(self->facts_group, _("Holds"), moments);
    }

    facts_clear(self->problem_group);
    gtk_widget_set_visible(GTK_WIDGET(self->problem_group), vitrine_disk_get_problem(disk) != NULL);
    if (vitrine_disk_get_problem(disk))
        facts_add_sentence(self->problem_group, "dialog-warning-symbolic", _("This Image Has a Problem"),
                           vitrine_disk_get_problem(disk));
}

static void update_details(VitrineDisksWindow *self)
{
    g_autoptr(VitrineDisk) disk = selected_disk(self);

    gtk_stack_set_visible_child_name(self->details_stack, disk ? "disk" : "nothing");
    adw_window_title_set_title(self->details_title, disk ? title_of(disk) : "");
    if (!disk)
        return;
    show_facts(self, disk);
    show_actions(self, disk);
}

static void on_selected(GtkSingleSelection *selection, GParamSpec *spec, VitrineDisksWindow *self)
{
    update_details(self);
}

static void on_activated(GtkListView *list, guint position, VitrineDisksWindow *self)
{
    adw_leaflet_set_visible_child(self->leaflet, self->details_box);
}

static void on_back(GtkButton *button, VitrineDisksWindow *self)
{
    adw_leaflet_set_visible_child(self->leaflet, self->list_box);
}

/* In a narrow window the half that has the keyboard is the one that is seen. */
static void on_folded(AdwLeaflet *leaflet, GParamSpec *spec, VitrineDisksWindow *self)
{
    GtkWidget *focus = gtk_window_get_focus(GTK_WINDOW(self));

    if (adw_leaflet_get_folded(leaflet) && focus && gtk_widget_is_ancestor(focus, self->details_box))
        adw_leaflet_set_visible_child(leaflet, self->details_box);
}

/* ---- the list ---- */

static void setup_row(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
    GtkWidget *expander = gtk_tree_expander_new(), *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 9),
              *icon = gtk_image_new(), *words = gtk_box_new(GTK_ORIENTATION_VERTICAL, 2),
              *name = gtk_label_new(NULL), *detail = gtk_label_new(NULL);

    gtk_label_set_xalign(GTK_LABEL(name), 0);
    gtk_label_set_xalign(GTK_LABEL(detail), 0);
    gtk_label_set_ellipsize(GTK_LABEL(name), PANGO_ELLIPSIZE_MIDDLE);
    gtk_label_set_ellipsize(GTK_LABEL(detail), PANGO_ELLIPSIZE_END);
    gtk_widget_add_css_class(detail, "caption");
    gtk_widget_add_css_class(detail, "dim-label");
    gtk_widget_set_hexpand(words, TRUE);
    gtk_box_append(GTK_BOX(words), name);
    gtk_box_append(GTK_BOX(words), detail);
    gtk_box_append(GTK_BOX(box), icon);
    gtk_box_append(GTK_BOX(box), words);
    gtk_tree_expander_set_child(GTK_TREE_EXPANDER(expander), box);
    gtk_widget_add_css_class(expander, "disk-row");
    gtk_list_item_set_child(item, expander);
}

static void bind_row(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer user_data)
{
    GtkTreeListRow *row = gtk_list_item_get_item(item);
    g_autoptr(VitrineDisk) disk = gtk_tree_list_row_get_item(row);
    GtkWidget *expander = gtk_list_item_get_child(item);
    GtkWidget *icon = gtk_widget_get_first_child(gtk_tree_expander_get_child(GTK_TREE_EXPANDER(expander)));
    GtkWidget *name = gtk_widget_get_first_child(gtk_widget_get_next_sibling(icon));
    const char *const *users = vitrine_disk_get_users(disk);
    g_autofree char *size = g_format_size_full(vitrine_disk_get_usage(disk), G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *used = g_strjoinv(", ", (char **)users);
    g_autofree char *detail = vitrine_disk_get_problem(disk) ? g_strdup(vitrine_disk_get_problem(disk))
                              : *users                       ? g_strdup_printf("%s · %s", used, size)
                              : vitrine_disk_get_home(disk)
                                  ? g_strdup_printf("%s · %s", vitrine_disk_get_home(disk), size)
                                  : g_strdup(size);

    gtk_tree_expander_set_list_row(GTK_TREE_EXPANDER(expander), row);
    gtk_image_set_from_icon_name(GTK_IMAGE(icon), vitrine_disk_get_problem(disk) ? "dialog-warning-symbolic"
                                                                                 : "drive-harddisk-symbolic");
    gtk_label_set_text(GTK_LABEL(name), title_of(disk));
    gtk_label_set_text(GTK_LABEL(gtk_widget_get_next_sibling(name)), detail);
    gtk_widget_set_tooltip_text(expander, vitrine_disk_get_path(disk));
    g_autofree char *spoken = g_strdup_printf("%s, %s", title_of(disk), detail);
    gtk_accessible_update_property(GTK_ACCESSIBLE(expander), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
}

static GListModel *overlays_of(gpointer item, gpointer user_data)
{
    GListModel *overlays = vitrine_disk_get_overlays(item);

    return g_list_model_get_n_items(overlays) > 0 ? g_object_ref(overlays) : NULL;
}

/* A machine with many snapshots has a long chain: the deeper the list goes, the less room a step takes. */
static void fit_indentation(VitrineDisksWindow *self)
{
    static const struct {
        guint depth;
        const char *class;
    } fits[] = {{8, "deep"}, {24, "deepest"}};
    guint deepest = 0;

    for (guint i = 0; i < g_list_model_get_n_items(G_LIST_MODEL(self->tree)); i++) {
        g_autoptr(GtkTreeListRow) row = g_list_model_get_item(G_LIST_MODEL(self->tree), i);
        deepest = MAX(deepest, gtk_tree_list_row_get_depth(row));
    }
    for (guint i = 0; i < G_N_ELEMENTS(fits); i++) {
        if (deepest > fits[i].depth)
            gtk_widget_add_css_class(GTK_WIDGET(self->list), fits[i].class);
        else
            gtk_widget_remove_css_class(GTK_WIDGET(self->list), fits[i].class);
    }
}

static void select_path(VitrineDisksWindow *self, const char *path)
{
    for (guint i = 0; path && i < g_list_model_get_n_items(G_LIST_MODEL(self->tree)); i++) {
        g_autoptr(GtkTreeListRow) row = g_list_model_get_item(G_LIST_MODEL(self->tree), i);
        g_autoptr(VitrineDisk) disk = gtk_tree_list_row_get_item(row);
        if (strcmp(vitrine_disk_get_path(disk), path) == 0) {
            gtk_single_selection_set_selected(self->selection, i);
            return;
        }
    }
}

static void on_looked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineDisksWindow) self = user_data;
    GListStore *found = disk_search_run_finish(result, NULL);

    if (!found)
        return; /* a younger look is under way */
    if (!self->selection) {
        g_object_unref(found);
        return;
    }
    g_autoptr(VitrineDisk) before = selected_disk(self);
    g_autofree char *path =
        self->wanted ? g_steal_pointer(&self->wanted) : g_strdup(before ? vitrine_disk_get_path(before) : NULL);
    g_clear_object(&self->tree);
    self->tree = gtk_tree_list_model_new(G_LIST_MODEL(found), FALSE, TRUE, overlays_of, NULL, NULL);
    fit_indentation(self);
    gtk_single_selection_set_model(self->selection, G_LIST_MODEL(self->tree));
    select_path(self, path);
    gtk_stack_set_visible_child_name(self->list_stack,
                                     g_list_model_get_n_items(G_LIST_MODEL(self->tree)) > 0 ? "list" : "nothing");
    update_details(self);
}

static void look(VitrineDisksWindow *self)
{
    g_auto(GStrv) known = g_settings_get_strv(vitrine_settings_get(), "known-images");

    g_cancellable_cancel(self->looking);
    g_clear_object(&self->looking);
    self->looking = g_cancellable_new();
    disk_search_run_async(disk_search_new(self->library, (const char *const *)known), self->looking, on_looked,
                          g_object_ref(self));
}

static void on_jobs_changed(GListModel *jobs, guint position, guint removed, guint added, VitrineDisksWindow *self)
{
    if (removed)
        look(self);
}

static void on_active(VitrineDisksWindow *self)
{
    if (gtk_window_is_active(GTK_WINDOW(self)))
        look(self);
}

/* ---- commands ---- */

static void add_path(VitrineDisksWindow *self, const char *path)
{
    g_free(self->wanted);
    self->wanted = g_canonicalize_filename(path, NULL);
    disks_remember(self->wanted);
    look(self);
}

static void on_image_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    add_path(VITRINE_DISKS_WINDOW(owner), path);
}

static void add_image(GtkWidget *widget, const char *name, GVariant *parameter)
{
    dialogs_choose_medium(widget, _("Show a Disk Image"), _("_Open"), on_image_chosen, NULL, NULL);
}

static void new_image(GtkWidget *widget, const char *name, GVariant *parameter)
{
    disks_create_image(widget);
}

static gboolean on_drop(GtkDropTarget *target, const GValue *value, double x, double y, VitrineDisksWindow *self)
{
    GSList *files = g_value_get_boxed(value);

    for (GSList *l = files; l; l = l->next) {
        g_autofree char *path = g_file_get_path(l->data);
        if (path)
            add_path(self, path);
    }
    return files != NULL;
}

static void close_window(GtkWidget *widget, const char *name, GVariant *parameter)
{
    gtk_window_close(GTK_WINDOW(widget));
}

/* ---- object ---- */

static void vitrine_disks_window_dispose(GObject *object)
{
    VitrineDisksWindow *self = VITRINE_DISKS_WINDOW(object);

    g_cancellable_cancel(self->looking);
    g_clear_object(&self->looking);
    g_clear_object(&self->tree);
    g_clear_object(&self->selection);
    g_clear_object(&self->library);
    g_clear_pointer(&self->wanted, g_free);
    G_OBJECT_CLASS(vitrine_disks_window_parent_class)->dispose(object);
}

static void vitrine_disks_window_class_init(VitrineDisksWindowClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_disks_window_dispose;
    g_type_ensure(VITRINE_TYPE_JOBS_BUTTON);
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/disks_window.ui");
#define BIND(name) gtk_widget_class_bind_template_child(widget, VitrineDisksWindow, name)
    BIND(leaflet);
    BIND(toasts);
    BIND(list_box);
    BIND(details_box);
    BIND(list);
    BIND(list_stack);
    BIND(details_stack);
    BIND(details_title);
    BIND(problem_group);
    BIND(facts_group);
    BIND(actions_group);
    BIND(drop_target);
#undef BIND
    gtk_widget_class_bind_template_callback(widget, on_activated);
    gtk_widget_class_bind_template_callback(widget, on_back);
    gtk_widget_class_bind_template_callback(widget, on_folded);
    gtk_widget_class_bind_template_callback(widget, on_drop);
    gtk_widget_class_install_action(widget, "disks.new", NULL, new_image);
    gtk_widget_class_install_action(widget, "disks.add", NULL, add_image);
    gtk_widget_class_install_action(widget, "win.close-window", NULL, close_window);
    gtk_widget_class_add_binding_action(widget, GDK_KEY_Escape, 0, "win.close-window", NULL);
}

static void vitrine_disks_window_init(VitrineDisksWindow *self)
{
    GType types[] = {GDK_TYPE_FILE_LIST};
    g_autoptr(GtkListItemFactory) factory = gtk_signal_list_item_factory_new();

    gtk_widget_init_template(GTK_WIDGET(self));
    dialogs_set_toasts(GTK_WINDOW(self), self->toasts);
    gtk_drop_target_set_gtypes(self->drop_target, types, G_N_ELEMENTS(types));
    g_signal_connect(factory, "setup", G_CALLBACK(setup_row), NULL);
    g_signal_connect(factory, "bind", G_CALLBACK(bind_row), NULL);
    self->selection = gtk_single_selection_new(NULL);
    g_signal_connect(self->selection, "notify::selected-item", G_CALLBACK(on_selected), self);
    gtk_list_view_set_factory(self->list, factory);
    gtk_list_view_set_model(self->list, GTK_SELECTION_MODEL(self->selection));
    g_signal_connect(self, "notify::is-active", G_CALLBACK(on_active), NULL);
    g_signal_connect_object(jobs_list(), "items-changed", G_CALLBACK(on_jobs_changed), self, 0);
    g_signal_connect_object(vitrine_settings_get(), "changed::known-images", G_CALLBACK(look), self,
                            G_CONNECT_SWAPPED);
}

void vitrine_disks_window_present(VitrineApplication *application, const char *path)
{
    VitrineDisksWindow *self = NULL;

    for (GList *l = gtk_application_get_windows(GTK_APPLICATION(application)); l && !self; l = l->next) {
        if (VITRINE_IS_DISKS_WINDOW(l->data))
            self = l->data;
    }
    if (!self) {
        self = g_object_new(VITRINE_TYPE_DISKS_WINDOW, "application", application, NULL);
        self->library = g_object_ref(vitrine_application_get_library(application));
        g_signal_connect_object(self->library, "items-changed", G_CALLBACK(look), self, G_CONNECT_SWAPPED);
    }
    if (path)
        add_path(self, path);
    else
        look(self);
    gtk_window_present(GTK_WINDOW(self));
}
