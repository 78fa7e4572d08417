/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host key: with another key it speaks to Vitrine while a machine has the keyboard. One of a few, by preference. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define HOST_KEYS 6

/* The choices, by the names that the preference has for them. */
extern const char *const host_key_ids[HOST_KEYS];

/* What stands on the chosen key: "Right Ctrl", translated. Not to be freed. */
const char *host_key_title(void);
/* Makes a window of keyboard shortcuts tell the chosen key whenever it comes up. There it is written Control_R. */
void host_key_follow(GtkWidget *shortcuts);

G_END_DECLS
