/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host key. See host_key.h. */
#include "app/ui/host_key.h"

#include "app/i18n.h"
#include "app/settings.h"

#include <string.h>

#define WRITTEN "Control_R+"

const char *const host_key_ids[HOST_KEYS] = {"right-ctrl", "right-alt", "right-super", "menu", "scroll-lock", "pause"};
static const char *const titles[HOST_KEYS] = {N_("Right Ctrl"), N_("Right Alt"),   N_("Right Super"),
                                     N_("Menu"),       N_("Scroll Lock"), N_("Pause")};
/* As gdk_keyval_from_name() knows them. */
static const char *const names[HOST_KEYS] = {"Control_R", "Alt_R", "Super_R", "Menu", "Scroll_Lock", "Pause"};

static size_t chosen(void)
{
    g_autofree char *id = g_settings_get_string(vitrine_settings_get(), "host-key");

    for (size_t i = 0; i < HOST_KEYS; i++) {
        if (strcmp(host_key_ids[i], id) == 0)
            return i;
    }
    return 0;
}

const char *host_key_title(void)
{
    return _(titles[chosen()]);
}

/* What the window's description has is kept with the shortcut: the key may change again. */
static void tell(GtkWidget *widget, const char *name)
{
    if (GTK_IS_SHORTCUTS_SHORTCUT(widget)) {
        const char *written = g_object_get_data(G_OBJECT(widget), "written");

        if (!written) {
            char *accelerator;

            g_object_get(widget, "accelerator", &accelerator, NULL);
            g_object_set_data_full(G_OBJECT(widget), "written", accelerator, g_free);
            written = accelerator;
        }
        if (written && g_str_has_prefix(written, WRITTEN)) {
            g_autofree char *keys = g_strdup_printf("%s+%s", name, written + strlen(WRITTEN));
            g_object_set(widget, "accelerator", keys, NULL);
        }
        return;
    }
    for (GtkWidget *child = gtk_widget_get_first_child(widget); child; child = gtk_widget_get_next_sibling(child))
        tell(child, name);
}

static void on_show(GtkWidget *shortcuts, gpointer data)
{
    tell(shortcuts, names[chosen()]);
}

void host_key_follow(GtkWidget *shortcuts)
{
    g_signal_connect(shortcuts, "show", G_CALLBACK(on_show), NULL);
}
