/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a screen reader says for a widget. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* This and nothing else: neither the label on it nor the row around it is said, too. */
void names_say(GtkWidget *widget, const char *name);

/* Once, before the first window: what stands on a button is said without the underscore of its mnemonic, and once. */
void names_install(void);

G_END_DECLS
