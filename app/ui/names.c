/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GTK 4.8 names a button "_Undo Undo": by its text with the mnemonic's underscore, and by the label that shows it. */
#include "app/ui/names.h"

#define SAID_KEY "vitrine-said"

void names_say(GtkWidget *widget, const char *name)
{
    gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
    gtk_accessible_reset_relation(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
    g_object_set_data(G_OBJECT(widget), SAID_KEY, GINT_TO_POINTER(TRUE));
}

/* "_Save __ and Close" becomes "Save _ and Close". */
static char *without_mnemonic(const char *label)
{
    GString *text = g_string_new(NULL);

    for (; *label; label++) {
        if (*label == '_' && *++label == '\0')
            break;
        g_string_append_c(text, *label);
    }
    return g_string_free(text, FALSE);
}

static void say_label(GtkButton *button)
{
    const char *label = gtk_button_get_label(button);

    if (!label || !gtk_button_get_use_underline(button) || g_object_get_data(G_OBJECT(button), SAID_KEY))
        return;
    g_autofree char *plain = without_mnemonic(label);
    gtk_accessible_update_property(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_PROPERTY_LABEL, plain, -1);
    gtk_accessible_reset_relation(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
}

static gboolean on_map(GSignalInvocationHint *hint, guint count, const GValue *parameters, gpointer data)
{
    GtkWidget *widget = g_value_get_object(&parameters[0]);

    if (!GTK_IS_BUTTON(widget))
        return TRUE;
    say_label(GTK_BUTTON(widget));
    g_signal_handlers_disconnect_by_func(widget, say_label, NULL);
    g_signal_connect(widget, "notify::label", G_CALLBACK(say_label), NULL);
    return TRUE;
}

void names_install(void)
{
    g_type_class_unref(g_type_class_ref(GTK_TYPE_WIDGET)); /* the signal is there */
    g_signal_add_emission_hook(g_signal_lookup("map", GTK_TYPE_WIDGET), 0, on_map, NULL, NULL);
}
