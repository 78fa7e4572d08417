/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preferences. */
#include "app/ui/preferences.h"

#include "app/ui/settings.h"

struct _VitrinePreferences {
    AdwPreferencesWindow parent;
    GtkWidget *scaling, *status, *capture, *inhibit, *save;
};

G_DEFINE_FINAL_TYPE(VitrinePreferences, vitrine_preferences, ADW_TYPE_PREFERENCES_WINDOW)

static void vitrine_preferences_class_init(VitrinePreferencesClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/preferences.ui");
    gtk_widget_class_bind_template_child(widget, VitrinePreferences, scaling);
    gtk_widget_class_bind_template_child(widget, VitrinePreferences, status);
    gtk_widget_class_bind_template_child(widget, VitrinePreferences, capture);
    gtk_widget_class_bind_template_child(widget, VitrinePreferences, inhibit);
    gtk_widget_class_bind_template_child(widget, VitrinePreferences, save);
}

static void vitrine_preferences_init(VitrinePreferences *self)
{
    const GBindingFlags flags = G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE;
    VitrineSettings *settings = vitrine_settings_get();

    gtk_widget_init_template(GTK_WIDGET(self));
    g_object_bind_property(settings, "scaling", self->scaling, "selected", flags);
    g_object_bind_property(settings, "show-status", self->status, "active", flags);
    g_object_bind_property(settings, "capture-on-click", self->capture, "active", flags);
    g_object_bind_property(settings, "inhibit-shortcuts", self->inhibit, "active", flags);
    g_object_bind_property(settings, "save-on-close", self->save, "active", flags);
}

void vitrine_preferences_present(GtkWindow *parent)
{
    gtk_window_present(g_object_new(VITRINE_TYPE_PREFERENCES, "transient-for", parent, NULL));
}
