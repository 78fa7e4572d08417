/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page: a header with the tabs, and what each tab shows. */
#include "app/ui/machine_page.h"

#include "app/i18n.h"
#include "app/ui/dialogs.h"
#include "app/ui/history_page.h"
#include "app/ui/jobs.h"
#include "app/ui/machine_actions.h"
#include "app/ui/machine_disks.h"
#include "app/ui/machine_log_page.h"
#include "app/ui/machine_overview.h"
#include "app/ui/machine_settings.h"

struct _VitrineMachinePage {
    GtkWidget parent;
    VitrineBundle *bundle;

    GtkWidget *box;
    AdwViewSwitcherTitle *title;
    AdwViewStack *stack;
    GtkMenuButton *menu_button;
    AdwSplitButton *start_button;
    VitrineMachineOverview *overview;
    VitrineHistoryPage *history;
    VitrineMachineDisks *disks;
    VitrineMachineSettings *settings;
    VitrineMachineLogPage *log;
};

G_DEFINE_FINAL_TYPE(VitrineMachinePage, vitrine_machine_page, GTK_TYPE_WIDGET)

enum { PROP_0, PROP_BUNDLE, N_PROPS };
static GParamSpec *props[N_PROPS];

static void update(VitrineMachinePage *self)
{
    enum bundle_state state = vitrine_bundle_get_state(self->bundle);

    adw_view_switcher_title_set_title(self->title, vitrine_bundle_get_name(self->bundle));
    adw_split_button_set_label(self->start_button, machine_start_title(state));
    gtk_widget_set_tooltip_text(GTK_WIDGET(self->start_button), machine_start_refusal(state));
    machine_actions_update(GTK_WIDGET(self), self->bundle);
}

void vitrine_machine_page_set_bundle(VitrineMachinePage *self, VitrineBundle *bundle)
{
    if (self->bundle)
        g_signal_handlers_disconnect_by_data(self->bundle, self);
    g_set_object(&self->bundle, bundle);
    vitrine_machine_overview_set_bundle(self->overview, bundle);
    vitrine_history_page_set_bundle(self->history, bundle);
    vitrine_machine_disks_set_bundle(self->disks, bundle);
    vitrine_machine_settings_set_bundle(self->settings, bundle);
    vitrine_machine_log_page_set_bundle(self->log, bundle);
    if (bundle) {
        g_signal_connect_swapped(bundle, "changed", G_CALLBACK(update), self);
        update(self);
    }
}

VitrineBundle *vitrine_machine_page_get_bundle(VitrineMachinePage *self)
{
    return self->bundle;
}

void vitrine_machine_page_show_tab(VitrineMachinePage *self, const char *tab)
{
    adw_view_stack_set_visible_child_name(self->stack, tab);
}

void vitrine_machine_page_search(VitrineMachinePage *self)
{
    vitrine_machine_page_show_tab(self, "settings");
    vitrine_machine_settings_search(self->settings);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    g_value_set_object(value, VITRINE_MACHINE_PAGE(object)->bundle);
}

static void vitrine_machine_page_dispose(GObject *object)
{
    VitrineMachinePage *self = VITRINE_MACHINE_PAGE(object);

    if (self->box)
        vitrine_machine_page_set_bundle(self, NULL);
    g_clear_pointer(&self->box, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_machine_page_parent_class)->dispose(object);
}

static void vitrine_machine_page_class_init(VitrineMachinePageClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_machine_page_dispose;
    G_OBJECT_CLASS(klass)->get_property = get_property;
    props[PROP_BUNDLE] = g_param_spec_object("bundle", NULL, NULL, VITRINE_TYPE_BUNDLE,
                                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);
    g_type_ensure(VITRINE_TYPE_HISTORY_PAGE);
    g_type_ensure(VITRINE_TYPE_JOBS_BUTTON);
    g_type_ensure(VITRINE_TYPE_MACHINE_DISKS);
    g_type_ensure(VITRINE_TYPE_MACHINE_LOG_PAGE);
    g_type_ensure(VITRINE_TYPE_MACHINE_OVERVIEW);
    g_type_ensure(VITRINE_TYPE_MACHINE_SETTINGS);
    machine_actions_install(widget);
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/machine_page.ui");
#define BIND(name) gtk_widget_class_bind_template_child(widget, VitrineMachinePage, name)
    BIND(box);
    BIND(title);
    BIND(stack);
    BIND(menu_button);
    BIND(start_button);
    BIND(overview);
    BIND(history);
    BIND(disks);
    BIND(settings);
    BIND(log);
#undef BIND
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void vitrine_machine_page_init(VitrineMachinePage *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
    g_autoptr(GMenuModel) menu = machine_actions_menu("menu");
    g_autoptr(GMenuModel) start_menu = machine_actions_menu("start_menu");
    gtk_menu_button_set_menu_model(self->menu_button, menu);
    adw_split_button_set_menu_model(self->start_button, start_menu);
    /* Its arrow has a tooltip, which is no name for a screen reader. */
    dialogs_name_widget(gtk_widget_get_last_child(GTK_WIDGET(self->start_button)), _("Other Ways to Start"));
}
