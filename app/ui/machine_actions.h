/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can be done with a machine of the library, for every widget that shows one (a card, a row, its page). Such a
 * widget has a property "bundle" (VitrineBundle); its actions are named card.*, and its menu is machine_actions_menu().
 */
#pragma once

#include "app/bundle.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* In class_init. */
void machine_actions_install(GtkWidgetClass *klass);
/* Which of them are possible now; whenever the bundle changes. */
void machine_actions_update(GtkWidget *widget, VitrineBundle *bundle);
/* The model of a menu, owned by the caller: "menu" of all commands, "start_menu" of the other ways to start. */
GMenuModel *machine_actions_menu(const char *name);

/* "Today, 14:05". g_free(). */
char *machine_describe_time(gint64 seconds_since_1970);
/* "Saved"… in people's words and as a style class; the text is NULL when the machine is simply off. */
const char *machine_state_title(enum bundle_state state);
const char *machine_state_class(enum bundle_state state);
/* Word and class on a badge; hides it where there is no word. */
void machine_set_badge(GtkWidget *label, enum bundle_state state);
/* Word for what the start button does: "Start", "Resume", "Show". */
const char *machine_start_title(enum bundle_state state);
const char *machine_start_icon(enum bundle_state state);
/* Why it cannot be started or shown now, as a sentence; NULL = it can. */
const char *machine_start_refusal(enum bundle_state state);
/* A round start button: its symbol, its name, why it cannot be pressed; hidden for a damaged machine. */
void machine_name_start(GtkWidget *button, VitrineBundle *bundle);

G_END_DECLS
