/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preferences. */
#include "app/ui/preferences.h"

#include "app/bundle.h"
#include "app/i18n.h"
#include "app/settings.h"
#include "app/ui/dialogs.h"
#include "app/ui/host_key.h"

struct _VitrinePreferences {
    AdwPreferencesWindow parent;
    GtkWidget *scaling, *effect, *status, *host_key, *capture, *inhibit, *sound, *save, *autosave, *keep, *rewind;
    AdwActionRow *screenshots, *machines;
};

G_DEFINE_FINAL_TYPE(VitrinePreferences, vitrine_preferences, ADW_TYPE_PREFERENCES_WINDOW)

/* ---- choices ---- the rows' items stand in the order of these */

static const char *const scalings[] = {"fit", "integer", "sharp"};
static const char *const effects[] = {"none", "crt", "lcd"};

struct choice {
    const char *const *ids;
    guint count;
};
static const struct choice scaling_choice = {scalings, G_N_ELEMENTS(scalings)},
                           effect_choice = {effects, G_N_ELEMENTS(effects)},
                           host_key_choice = {host_key_ids, HOST_KEYS};

static gboolean id_to_position(GValue *value, GVariant *variant, gpointer user_data)
{
    const struct choice *choice = user_data;

    for (guint i = 0; i < choice->count; i++) {
        if (g_str_equal(choice->ids[i], g_variant_get_string(variant, NULL)))
            g_value_set_uint(value, i);
    }
    return TRUE;
}

static GVariant *position_to_id(const GValue *value, const GVariantType *type, gpointer user_data)
{
    const struct choice *choice = user_data;
    guint position = g_value_get_uint(value);

    return position < choice->count ? g_variant_new_string(choice->ids[position]) : NULL;
}

static void bind_choice(const char *key, GtkWidget *row, const struct choice *choice)
{
    g_settings_bind_with_mapping(vitrine_settings_get(), key, row, "selected", G_SETTINGS_BIND_DEFAULT,
                                 id_to_position, position_to_id, (gpointer)choice, NULL);
}

/* ---- folders ---- */

static void show_folders(VitrinePreferences *self)
{
    g_autofree char *screenshots = vitrine_settings_screenshots_folder();
    g_autofree char *machines = vitrine_machines_folder();
    g_autofree char *shown = g_filename_display_name(screenshots);
    g_autofree char *shown_machines = g_filename_display_name(machines);

    g_autofree char *escaped = g_markup_escape_text(shown, -1);
    g_autofree char *escaped_machines = g_markup_escape_text(shown_machines, -1);

    adw_action_row_set_subtitle(self->screenshots, escaped);
    adw_action_row_set_subtitle(self->machines, escaped_machines);
}

static void on_folder_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    g_settings_set_string(vitrine_settings_get(), "screenshots-folder", path);
    show_folders(VITRINE_PREFERENCES(owner));
}

static void on_screenshots_clicked(GtkButton *button, VitrinePreferences *self)
{
    dialogs_choose_file(GTK_WIDGET(self), GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _("Folder for Screenshots"),
                        _("_Choose"), NULL, on_folder_chosen, NULL, NULL);
}

static void on_machines_clicked(GtkButton *button, VitrinePreferences *self)
{
    g_autofree char *folder = vitrine_machines_folder();
    g_autofree char *uri = g_filename_to_uri(folder, NULL, NULL);

    gtk_show_uri(GTK_WINDOW(self), uri, GDK_CURRENT_TIME);
}

/* ---- object ---- */

static void vitrine_preferences_class_init(VitrinePreferencesClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/preferences.ui");
#define BIND(name) gtk_widget_class_bind_template_child(widget, VitrinePreferences, name)
    BIND(scaling);
    BIND(effect);
    BIND(status);
    BIND(host_key);
    BIND(capture);
    BIND(inhibit);
    BIND(sound);
    BIND(save);
    BIND(autosave);
    BIND(keep);
    BIND(rewind);
    BIND(screenshots);
    BIND(machines);
#undef BIND
    gtk_widget_class_bind_template_callback(widget, on_screenshots_clicked);
    gtk_widget_class_bind_template_callback(widget, on_machines_clicked);
}

static void vitrine_preferences_init(VitrinePreferences *self)
{
    GSettings *settings = vitrine_settings_get();

    gtk_widget_init_template(GTK_WIDGET(self));
    bind_choice("scaling", self->scaling, &scaling_choice);
    bind_choice("effect", self->effect, &effect_choice);
    bind_choice("host-key", self->host_key, &host_key_choice);
    g_settings_bind(settings, "show-status", self->status, "active", G_SETTINGS_BIND_DEFAULT);
    g_settings_bind(settings, "capture-on-click", self->capture, "active", G_SETTINGS_BIND_DEFAULT);
    g_settings_bind(settings, "inhibit-shortcuts", self->inhibit, "active", G_SETTINGS_BIND_DEFAULT);
    g_settings_bind(settings, "sound", self->sound, "active", G_SETTINGS_BIND_DEFAULT);
    g_settings_bind(settings, "save-on-close", self->save, "active", G_SETTINGS_BIND_DEFAULT);
    g_settings_bind(settings, "autosave-minutes", self->autosave, "value", G_SETTINGS_BIND_DEFAULT);
    g_settings_bind(settings, "autosave-keep", self->keep, "value", G_SETTINGS_BIND_DEFAULT);
    g_settings_bind(settings, "rewind-memory", self->rewind, "value", G_SETTINGS_BIND_DEFAULT);
    show_folders(self);
}

void vitrine_preferences_present(GtkWindow *parent)
{
    gtk_window_present(g_object_new(VITRINE_TYPE_PREFERENCES, "transient-for", parent, NULL));
}
