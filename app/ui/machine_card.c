/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine in the library, as a card of the grid or a row of the list. */
#include "app/ui/machine_card.h"

#include "app/i18n.h"
#include "app/ui/dialogs.h"
#include "app/ui/machine_actions.h"
#include "app/ui/thumbnail.h"
#include "emulator/engine.h"

struct _VitrineMachineCard {
    GtkWidget parent;
    VitrineBundle *bundle;
    gulong changed;

    GtkWidget *box, *picture, *state_label, *name_label, *detail_label, *start_button, *menu_button, *use_label;
};

G_DEFINE_FINAL_TYPE(VitrineMachineCard, vitrine_machine_card, GTK_TYPE_WIDGET)

enum { PROP_0, PROP_BUNDLE, N_PROPS };
static GParamSpec *props[N_PROPS];

static void name(GtkWidget *widget, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void name(GtkWidget *widget, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
}

static void update(VitrineMachineCard *self)
{
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
    const struct engine_model *model = machine ? engine_find_model(machine->model) : NULL;
    enum bundle_state state = vitrine_bundle_get_state(self->bundle);
    const char *title = vitrine_bundle_get_name(self->bundle);
    const char *kind = model ? _(model->title) : machine ? machine->model : vitrine_bundle_get_problem(self->bundle);
    g_autofree char *use = machine ? machine_describe_time(machine->last_used) : g_strdup("");
    g_autofree char *detail = machine && !self->use_label ? g_strdup_printf("%s · %s", kind, use) : g_strdup(kind);

    gtk_label_set_text(GTK_LABEL(self->name_label), title);
    gtk_widget_set_tooltip_text(self->name_label, title);
    gtk_label_set_text(GTK_LABEL(self->detail_label), detail);
    gtk_widget_set_tooltip_text(self->detail_label, detail);
    if (self->use_label)
        gtk_label_set_text(GTK_LABEL(self->use_label), use);
    machine_set_badge(self->state_label, state);

    machine_name_start(self->start_button, self->bundle);
    name(self->menu_button, _("Actions for “%s”"), title);
    name(self->picture, _("Last picture of “%s”"), title);
    machine_actions_update(GTK_WIDGET(self), self->bundle);

    g_autofree char *path = vitrine_bundle_thumbnail(self->bundle);
    vitrine_thumbnail_set_file(VITRINE_THUMBNAIL(self->picture), path);
}

static void on_secondary_click(GtkGestureClick *gesture, int presses, double x, double y,
                               VitrineMachineCard *self)
{
    gtk_menu_button_popup(GTK_MENU_BUTTON(self->menu_button));
}

/* ---- object ---- */

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    g_value_set_object(value, VITRINE_MACHINE_CARD(object)->bundle);
}

static void vitrine_machine_card_dispose(GObject *object)
{
    VitrineMachineCard *self = VITRINE_MACHINE_CARD(object);

    if (self->bundle)
        g_clear_signal_handler(&self->changed, self->bundle);
    g_clear_object(&self->bundle);
    g_clear_pointer(&self->box, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_machine_card_parent_class)->dispose(object);
}

static void vitrine_machine_card_class_init(VitrineMachineCardClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_machine_card_dispose;
    G_OBJECT_CLASS(klass)->get_property = get_property;
    props[PROP_BUNDLE] = g_param_spec_object("bundle", NULL, NULL, VITRINE_TYPE_BUNDLE,
                                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);
    machine_actions_install(widget);
    gtk_widget_class_set_layout_manager_type(widget, GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void vitrine_machine_card_init(VitrineMachineCard *self)
{
}

/* The two shapes are two files with the same names in them. */
static GtkWidget *create(VitrineBundle *bundle, const char *resource)
{
    VitrineMachineCard *self = g_object_new(VITRINE_TYPE_MACHINE_CARD, NULL);
    g_autoptr(GtkBuilder) builder = gtk_builder_new();
    g_autoptr(GMenuModel) menu = machine_actions_menu("menu");
    g_autoptr(GError) error = NULL;

    g_type_ensure(VITRINE_TYPE_THUMBNAIL);
    gtk_builder_set_translation_domain(builder, GETTEXT_PACKAGE);
    if (!gtk_builder_add_from_resource(builder, resource, &error))
        g_error("%s", error->message);
    self->box = GTK_WIDGET(gtk_builder_get_object(builder, "box"));
    self->picture = GTK_WIDGET(gtk_builder_get_object(builder, "picture"));
    self->state_label = GTK_WIDGET(gtk_builder_get_object(builder, "state_label"));
    self->name_label = GTK_WIDGET(gtk_builder_get_object(builder, "name_label"));
    self->detail_label = GTK_WIDGET(gtk_builder_get_object(builder, "detail_label"));
    self->use_label = GTK_WIDGET(gtk_builder_get_object(builder, "use_label")); /* rows only */
    self->start_button = GTK_WIDGET(gtk_builder_get_object(builder, "start_button"));
    self->menu_button = GTK_WIDGET(gtk_builder_get_object(builder, "menu_button"));
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
    gtk_menu_button_set_menu_model(GTK_MENU_BUTTON(self->menu_button), menu);

    GtkGesture *click = gtk_gesture_click_new();
    gtk_gesture_single_set_button(GTK_GESTURE_SINGLE(click), GDK_BUTTON_SECONDARY);
    g_signal_connect(click, "pressed", G_CALLBACK(on_secondary_click), self);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(click));

    self->bundle = g_object_ref(bundle);
    self->changed = g_signal_connect_swapped(bundle, "changed", G_CALLBACK(update), self);
    update(self);
    return GTK_WIDGET(self);
}

GtkWidget *vitrine_machine_card_new(VitrineBundle *bundle)
{
    GtkWidget *card = create(bundle, "/org/vitrine/Vitrine/machine_card.ui");

    gtk_widget_add_css_class(card, "card");
    gtk_widget_add_css_class(card, "machine-card");
    return card;
}

GtkWidget *vitrine_machine_row_new(VitrineBundle *bundle)
{
    GtkWidget *row = create(bundle, "/org/vitrine/Vitrine/machine_row.ui");

    gtk_widget_add_css_class(row, "machine-row");
    return row;
}

VitrineBundle *vitrine_machine_card_get_bundle(VitrineMachineCard *self)
{
    return self->bundle;
}
