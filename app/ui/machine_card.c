/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A card of the library. Its actions are named card.*; the library window carries them out. */
#include "app/ui/machine_card.h"

#include "app/i18n.h"
#include "app/ui/application.h"
#include "app/ui/library_window.h"
#include "emulator/engine.h"

struct _VitrineMachineCard {
    GtkWidget parent;
    VitrineBundle *bundle;
    gulong changed;
    GCancellable *loading;

    GtkWidget *box, *picture_stack, *picture, *state_label, *name_label, *detail_label, *start_button,
        *menu_button;
};

G_DEFINE_FINAL_TYPE(VitrineMachineCard, vitrine_machine_card, GTK_TYPE_WIDGET)

/* ---- the picture ---- */

static void load_texture(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    GError *error = NULL;
    GdkTexture *texture = gdk_texture_new_from_filename(task_data, &error);

    if (texture)
        g_task_return_pointer(task, texture, g_object_unref);
    else
        g_task_return_error(task, error);
}

static void texture_loaded(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineMachineCard *self = VITRINE_MACHINE_CARD(source);
    g_autoptr(GError) error = NULL;
    g_autoptr(GdkTexture) texture = g_task_propagate_pointer(G_TASK(result), &error);

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || !self->bundle)
        return;
    gtk_picture_set_paintable(GTK_PICTURE(self->picture), GDK_PAINTABLE(texture));
    gtk_stack_set_visible_child_name(GTK_STACK(self->picture_stack), texture ? "picture" : "icon");
}

static void load_picture(VitrineMachineCard *self)
{
    g_cancellable_cancel(self->loading);
    g_clear_object(&self->loading);
    self->loading = g_cancellable_new();
    g_autoptr(GTask) task = g_task_new(self, self->loading, texture_loaded, NULL);
    g_task_set_task_data(task, vitrine_bundle_thumbnail(self->bundle), g_free);
    g_task_run_in_thread(task, load_texture);
}

/* ---- the words ---- */

static char *describe_use(gint64 seconds)
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

static void set_badge(VitrineMachineCard *self, enum bundle_state state)
{
    static const char *const titles[] = {[BUNDLE_OFF] = NULL,
                                         [BUNDLE_SAVED] = N_("Saved"),
                                         [BUNDLE_RUNNING] = N_("Running"),
                                         [BUNDLE_BROKEN] = N_("Damaged")};
    static const char *const classes[] = {[BUNDLE_OFF] = "",
                                          [BUNDLE_SAVED] = "saved",
                                          [BUNDLE_RUNNING] = "running",
                                          [BUNDLE_BROKEN] = "broken"};

    gtk_widget_set_visible(self->state_label, titles[state] != NULL);
    gtk_label_set_text(GTK_LABEL(self->state_label), titles[state] ? _(titles[state]) : "");
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
        if (classes[i][0])
            gtk_widget_remove_css_class(self->state_label, classes[i]);
    }
    if (classes[state][0])
        gtk_widget_add_css_class(self->state_label, classes[state]);
}

static void update(VitrineMachineCard *self)
{
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
    const struct engine_model *model = machine ? engine_find_model(machine->model) : NULL;
    enum bundle_state state = vitrine_bundle_get_state(self->bundle);
    const char *name = vitrine_bundle_get_name(self->bundle);

    gtk_label_set_text(GTK_LABEL(self->name_label), name);
    g_autofree char *use =
        machine ? describe_use(machine->last_used) : g_strdup(vitrine_bundle_get_problem(self->bundle));
    g_autofree char *detail =
        machine ? g_strdup_printf("%s · %s", model ? _(model->title) : machine->model, use) : g_strdup(use);
    gtk_label_set_text(GTK_LABEL(self->detail_label), detail);
    gtk_widget_set_tooltip_text(self->detail_label, detail);
    set_badge(self, state);

    const char *icon = state == BUNDLE_RUNNING  ? "view-fullscreen-symbolic"
                       : state == BUNDLE_BROKEN ? "dialog-warning-symbolic"
                                                : "media-playback-start-symbolic";
    g_autofree char *label = g_strdup_printf(state == BUNDLE_RUNNING ? _("Show “%s”")
                                             : state == BUNDLE_SAVED ? _("Resume “%s”")
                                                                     : _("Start “%s”"),
                                             name);
    g_autofree char *menu = g_strdup_printf(_("Actions for “%s”"), name);
    g_autofree char *picture = g_strdup_printf(_("Last picture of “%s”"), name);
    gtk_button_set_icon_name(GTK_BUTTON(self->start_button), icon);
    gtk_widget_set_tooltip_text(self->start_button, label);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->start_button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                   -1);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->menu_button), GTK_ACCESSIBLE_PROPERTY_LABEL, menu,
                                   -1);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->picture), GTK_ACCESSIBLE_PROPERTY_LABEL, picture, -1);
    gtk_widget_set_visible(self->start_button, state != BUNDLE_BROKEN);

    GtkWidget *widget = GTK_WIDGET(self);
    gboolean idle = state == BUNDLE_OFF || state == BUNDLE_SAVED;
    gtk_widget_action_set_enabled(widget, "card.activate", state != BUNDLE_BROKEN);
    gtk_widget_action_set_enabled(widget, "card.start", idle);
    gtk_widget_action_set_enabled(widget, "card.show", state == BUNDLE_RUNNING);
    gtk_widget_action_set_enabled(widget, "card.start-fresh", state == BUNDLE_SAVED);
    gtk_widget_action_set_enabled(widget, "card.start-without-saving", idle);
    gtk_widget_action_set_enabled(widget, "card.rename", idle);
    gtk_widget_action_set_enabled(widget, "card.insert-cd", idle && model && model->has_cdrom);
    gtk_widget_action_set_enabled(widget, "card.eject-cd", idle && machine->cdrom.file);
    gtk_widget_action_set_enabled(widget, "card.delete", state != BUNDLE_RUNNING);
    load_picture(self);
}

/* ---- actions ---- */

static void on_secondary_click(GtkGestureClick *gesture, int presses, double x, double y,
                               VitrineMachineCard *self)
{
    gtk_menu_button_popup(GTK_MENU_BUTTON(self->menu_button));
}

static void on_action(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineCard *self = VITRINE_MACHINE_CARD(widget);
    GtkWidget *window = gtk_widget_get_ancestor(widget, VITRINE_TYPE_LIBRARY_WINDOW);

    if (window)
        vitrine_library_window_machine_action(VITRINE_LIBRARY_WINDOW(window), self->bundle,
                                              name + strlen("card."));
}

/* ---- object ---- */

static void vitrine_machine_card_dispose(GObject *object)
{
    VitrineMachineCard *self = VITRINE_MACHINE_CARD(object);

    g_cancellable_cancel(self->loading);
    g_clear_object(&self->loading);
    if (self->bundle)
        g_clear_signal_handler(&self->changed, self->bundle);
    g_clear_object(&self->bundle);
    g_clear_pointer(&self->box, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_machine_card_parent_class)->dispose(object);
}

static void vitrine_machine_card_class_init(VitrineMachineCardClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);
    static const char *const names[] = {
        "card.activate", "card.start",     "card.show",     "card.start-fresh", "card.start-without-saving",
        "card.rename",   "card.insert-cd", "card.eject-cd", "card.open-folder", "card.delete"};

    G_OBJECT_CLASS(klass)->dispose = vitrine_machine_card_dispose;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/machine_card.ui");
    gtk_widget_class_bind_template_child(widget, VitrineMachineCard, box);
    gtk_widget_class_bind_template_child(widget, VitrineMachineCard, picture_stack);
    gtk_widget_class_bind_template_child(widget, VitrineMachineCard, picture);
    gtk_widget_class_bind_template_child(widget, VitrineMachineCard, state_label);
    gtk_widget_class_bind_template_child(widget, VitrineMachineCard, name_label);
    gtk_widget_class_bind_template_child(widget, VitrineMachineCard, detail_label);
    gtk_widget_class_bind_template_child(widget, VitrineMachineCard, start_button);
    gtk_widget_class_bind_template_child(widget, VitrineMachineCard, menu_button);
    gtk_widget_class_bind_template_callback(widget, on_secondary_click);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        gtk_widget_class_install_action(widget, names[i], NULL, on_action);
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void vitrine_machine_card_init(VitrineMachineCard *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}

GtkWidget *vitrine_machine_card_new(VitrineBundle *bundle)
{
    VitrineMachineCard *self = g_object_new(VITRINE_TYPE_MACHINE_CARD, NULL);

    self->bundle = g_object_ref(bundle);
    self->changed = g_signal_connect_swapped(bundle, "changed", G_CALLBACK(update), self);
    update(self);
    return GTK_WIDGET(self);
}

VitrineBundle *vitrine_machine_card_get_bundle(VitrineMachineCard *self)
{
    return self->bundle;
}
