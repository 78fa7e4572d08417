/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that tell something: "Memory … 64 MiB". A group of them is emptied and filled again. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Adds a row; `value` is plain text. Nothing where it is NULL. */
AdwActionRow *facts_add(AdwPreferencesGroup *group, const char *title, const char *value);
/* With a sentence below its title instead, and a symbol (NULL = none). */
AdwActionRow *facts_add_sentence(AdwPreferencesGroup *group, const char *icon, const char *title,
                                 const char *sentence);
/* With a value that may be long, below its title. */
AdwActionRow *facts_add_long(AdwPreferencesGroup *group, const char *title, const char *value);
/* "4.3 GiB" behind the title. */
AdwActionRow *facts_add_size(AdwPreferencesGroup *group, const char *title, guint64 bytes);
/* Any row, to be removed by facts_clear(). */
void facts_add_row(AdwPreferencesGroup *group, GtkWidget *row);
/* Removes all rows that were added here. */
void facts_clear(AdwPreferencesGroup *group);
/* A flat button behind a row; connect to its "clicked". */
GtkWidget *facts_add_button(AdwActionRow *row, const char *label);

G_END_DECLS
