/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An AdwMessageDialog with rows; the form lives as long as the dialog. */
#include "app/ui/form.h"

#include "app/bundle.h"
#include "app/i18n.h"
#include "app/ui/dialogs.h"

struct Form {
    GWeakRef owner;
    AdwMessageDialog *dialog;
    AdwPreferencesGroup *group;
    GHashTable *fields; /* key to GtkWidget */
    char *machines_folder, *own; /* where a machine's name must be free, but for the machine itself */
    FormAccepted accepted;
    gpointer data;
    GDestroyNotify destroy;
};

static void form_free(gpointer pointer)
{
    Form *form = pointer;

    g_weak_ref_clear(&form->owner);
    g_hash_table_unref(form->fields);
    g_free(form->machines_folder);
    g_free(form->own);
    if (form->destroy)
        form->destroy(form->data);
    g_free(form);
}

static void on_response(AdwMessageDialog *dialog, const char *response, Form *form)
{
    g_autoptr(GtkWidget) owner = g_weak_ref_get(&form->owner);

    if (owner && g_str_equal(response, "do"))
        form->accepted(form, owner, form->data);
}

Form *form_new(GtkWidget *owner, const char *heading, const char *body, const char *accept)
{
    Form *form = g_new0(Form, 1);
    GtkRoot *root = gtk_widget_get_root(owner);

    g_weak_ref_init(&form->owner, owner);
    form->fields = g_hash_table_new(g_str_hash, g_str_equal);
    form->dialog = ADW_MESSAGE_DIALOG(adw_message_dialog_new(GTK_WINDOW(root), heading, body));
    form->group = ADW_PREFERENCES_GROUP(adw_preferences_group_new());
    gtk_widget_set_size_request(GTK_WIDGET(form->group), 380, -1);
    adw_message_dialog_set_extra_child(form->dialog, GTK_WIDGET(form->group));
    adw_message_dialog_add_responses(form->dialog, "cancel", _("_Cancel"), "do", accept, NULL);
    adw_message_dialog_set_response_appearance(form->dialog, "do", ADW_RESPONSE_SUGGESTED);
    adw_message_dialog_set_default_response(form->dialog, "do");
    adw_message_dialog_set_close_response(form->dialog, "cancel");
    g_object_set_data_full(G_OBJECT(form->dialog), "form", form, form_free);
    g_signal_connect(form->dialog, "response", G_CALLBACK(on_response), form);
    return form;
}

void form_set_destructive(Form *form)
{
    adw_message_dialog_set_response_appearance(form->dialog, "do", ADW_RESPONSE_DESTRUCTIVE);
}

static void add_field(Form *form, const char *key, GtkWidget *row, GtkWidget *field, const char *title)
{
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title);
    adw_preferences_group_add(form->group, row);
    g_hash_table_insert(form->fields, (gpointer)g_intern_string(key), field);
}

void form_add_entry(Form *form, const char *key, const char *title, const char *value)
{
    GtkWidget *row = adw_entry_row_new();

    gtk_editable_set_text(GTK_EDITABLE(row), value ? value : "");
    adw_entry_row_set_activates_default(ADW_ENTRY_ROW(row), TRUE);
    add_field(form, key, row, row, title);
}

gboolean form_check_machine_name(GtkEditable *row, AdwPreferencesGroup *group, const char *machines_folder, const char *own)
{
    g_autofree char *name = g_strstrip(g_strdup(gtk_editable_get_text(row)));
    g_autoptr(GError) error = NULL;

    if (vitrine_bundle_name_is_free(machines_folder, name, own, &error))
        gtk_widget_remove_css_class(GTK_WIDGET(row), "error");
    else
        gtk_widget_add_css_class(GTK_WIDGET(row), "error");
    adw_preferences_group_set_description(group, error ? error->message : NULL);
    return !error;
}

static void on_name_changed(GtkEditable *row, Form *form)
{
    adw_message_dialog_set_response_enabled(form->dialog, "do",
                                            form_check_machine_name(row, form->group, form->machines_folder, form->own));
}

void form_add_machine_name(Form *form, const char *key, const char *value, const char *machines_folder, const char *own)
{
    form->machines_folder = g_strdup(machines_folder);
    form->own = g_strdup(own);
    form_add_entry(form, key, _("Name"), value);
    g_signal_connect(g_hash_table_lookup(form->fields, key), "changed", G_CALLBACK(on_name_changed), form);
}

void form_add_choice(Form *form, const char *key, const char *title, const char *const *titles, guint selected)
{
    GtkWidget *row = adw_combo_row_new();
    g_autoptr(GtkStringList) list = gtk_string_list_new(titles);

    adw_combo_row_set_model(ADW_COMBO_ROW(row), G_LIST_MODEL(list));
    adw_combo_row_set_selected(ADW_COMBO_ROW(row), selected);
    add_field(form, key, row, row, title);
}

void form_add_switch(Form *form, const char *key, const char *title, const char *subtitle, gboolean active)
{
    GtkWidget *row = adw_action_row_new(), *control = gtk_switch_new();

    gtk_widget_set_valign(control, GTK_ALIGN_CENTER);
    gtk_switch_set_active(GTK_SWITCH(control), active);
    adw_action_row_add_suffix(ADW_ACTION_ROW(row), control);
    adw_action_row_set_activatable_widget(ADW_ACTION_ROW(row), control);
    if (subtitle)
        adw_action_row_set_subtitle(ADW_ACTION_ROW(row), subtitle);
    add_field(form, key, row, control, title);
}

static void set_file(GtkWidget *row, const char *path)
{
    g_autofree char *shown = path ? g_filename_display_name(path) : g_strdup(_("None chosen"));
    g_autofree char *escaped = g_markup_escape_text(shown, -1);

    adw_action_row_set_subtitle(ADW_ACTION_ROW(row), escaped);
    g_object_set_data_full(G_OBJECT(row), "path", g_strdup(path), g_free);
}

static void on_file_chosen(GtkWidget *row, const char *path, gpointer data)
{
    set_file(row, path);
}

static void on_choose(GtkButton *button, GtkWidget *row)
{
    const char *name = g_object_get_data(G_OBJECT(row), "save-name");

    dialogs_choose_file(row, name ? GTK_FILE_CHOOSER_ACTION_SAVE : GTK_FILE_CHOOSER_ACTION_OPEN,
                        adw_preferences_row_get_title(ADW_PREFERENCES_ROW(row)), name ? _("_Save") : _("_Open"),
                        name, on_file_chosen, NULL, NULL);
}

void form_add_file(Form *form, const char *key, const char *title, const char *path, const char *save_name)
{
    GtkWidget *row = adw_action_row_new(), *button = gtk_button_new_from_icon_name("document-open-symbolic");

    gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
    gtk_widget_add_css_class(button, "flat");
    dialogs_name_widget(button, _("Choose…")); /* the row's title is said with it */
    adw_action_row_add_suffix(ADW_ACTION_ROW(row), button);
    adw_action_row_set_activatable_widget(ADW_ACTION_ROW(row), button);
    adw_action_row_set_subtitle_lines(ADW_ACTION_ROW(row), 2);
    g_object_set_data_full(G_OBJECT(row), "save-name", g_strdup(save_name), g_free);
    g_signal_connect_object(button, "clicked", G_CALLBACK(on_choose), row, 0);
    set_file(row, path);
    add_field(form, key, row, row, title);
}

void form_run(Form *form, FormAccepted accepted, gpointer data, GDestroyNotify destroy)
{
    form->accepted = accepted;
    form->data = data;
    form->destroy = destroy;
    gtk_window_present(GTK_WINDOW(form->dialog));
}

static GtkWidget *field(Form *form, const char *key)
{
    return g_hash_table_lookup(form->fields, key);
}

const char *form_get_text(Form *form, const char *key)
{
    GtkWidget *row = field(form, key);

    return GTK_IS_EDITABLE(row) ? gtk_editable_get_text(GTK_EDITABLE(row))
                                : g_object_get_data(G_OBJECT(row), "path");
}

char *form_get_name(Form *form, const char *key)
{
    return g_strstrip(g_strdup(form_get_text(form, key)));
}

guint form_get_selected(Form *form, const char *key)
{
    return adw_combo_row_get_selected(ADW_COMBO_ROW(field(form, key)));
}

gboolean form_get_active(Form *form, const char *key)
{
    return gtk_switch_get_active(GTK_SWITCH(field(form, key)));
}
