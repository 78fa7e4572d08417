/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A group remembers its rows: AdwPreferencesGroup has no list of them. */
#include "app/ui/facts.h"

#include "app/ui/names.h"

#define ROWS_KEY "vitrine-rows"

void facts_add_row(AdwPreferencesGroup *group, GtkWidget *row)
{
    GPtrArray *rows = g_object_get_data(G_OBJECT(group), ROWS_KEY);

    if (!rows) {
        rows = g_ptr_array_new();
        g_object_set_data_full(G_OBJECT(group), ROWS_KEY, rows, (GDestroyNotify)g_ptr_array_unref);
    }
    g_ptr_array_add(rows, row);
    adw_preferences_group_add(group, row);
}

void facts_clear(AdwPreferencesGroup *group)
{
    GPtrArray *rows = g_object_get_data(G_OBJECT(group), ROWS_KEY);

    for (guint i = 0; rows && i < rows->len; i++)
        adw_preferences_group_remove(group, rows->pdata[i]);
    if (rows)
        g_ptr_array_set_size(rows, 0);
}

static AdwActionRow *add(AdwPreferencesGroup *group, const char *title)
{
    GtkWidget *row = adw_action_row_new();

    adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title);
    facts_add_row(group, row);
    return ADW_ACTION_ROW(row);
}

AdwActionRow *facts_add(AdwPreferencesGroup *group, const char *title, const char *value)
{
    if (!value)
        return NULL;
    AdwActionRow *row = add(group, title);
    GtkWidget *label = gtk_label_new(value);
    g_autofree char *both = g_strdup_printf("%s: %s", title, value);

    gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_MIDDLE);
    gtk_label_set_xalign(GTK_LABEL(label), 1);
    gtk_label_set_max_width_chars(GTK_LABEL(label), 44);
    gtk_label_set_selectable(GTK_LABEL(label), FALSE);
    gtk_widget_set_tooltip_text(label, value);
    gtk_widget_add_css_class(label, "dim-label");
    adw_action_row_add_suffix(row, label);
    names_say(GTK_WIDGET(row), both);
    return row;
}

AdwActionRow *facts_add_long(AdwPreferencesGroup *group, const char *title, const char *value)
{
    g_autofree char *both = g_strdup_printf("%s: %s", title, value);
    AdwActionRow *row = facts_add_sentence(group, NULL, title, value);

    names_say(GTK_WIDGET(row), both);
    return row;
}

AdwActionRow *facts_add_size(AdwPreferencesGroup *group, const char *title, guint64 bytes)
{
    g_autofree char *text = g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);

    return facts_add(group, title, text);
}

AdwActionRow *facts_add_sentence(AdwPreferencesGroup *group, const char *icon, const char *title,
                                 const char *sentence)
{
    AdwActionRow *row = add(group, title);

    if (icon)
        adw_action_row_add_prefix(row, gtk_image_new_from_icon_name(icon));
    if (sentence)
        adw_action_row_set_subtitle(row, sentence);
    adw_action_row_set_subtitle_lines(row, 0);
    return row;
}

GtkWidget *facts_add_button(AdwActionRow *row, const char *label)
{
    GtkWidget *button = gtk_button_new_with_mnemonic(label);

    gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
    adw_action_row_add_suffix(row, button);
    return button;
}
