/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A question with a few fields, as a dialog:
 *
 *   Form *form = form_new(widget, _("Resize"), _("Grows or shrinks the disk."), _("_Resize"));
 *   form_add_entry(form, "size", _("Size"), "4 GiB");
 *   form_run(form, on_resize, g_object_ref(disk), g_object_unref);
 *
 * Fields are asked for by their key in `accepted`; what they return is valid during that call.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

typedef struct Form Form;

Form *form_new(GtkWidget *owner, const char *heading, const char *body, const char *accept);
void form_set_destructive(Form *form);
void form_add_entry(Form *form, const char *key, const char *title, const char *value);
/* A name for the machine in the folder `own`, or (NULL) for a new one in `machines_folder`: as long as it cannot have the
 * name, the form says why and is not accepted. */
void form_add_machine_name(Form *form, const char *key, const char *value, const char *machines_folder, const char *own);
/* The same for a row that stands elsewhere: TRUE when a machine can be called so; else the row is marked and its group says
 * why. */
gboolean form_check_machine_name(GtkEditable *row, AdwPreferencesGroup *group, const char *machines_folder, const char *own);
/* `titles` ends with NULL. */
void form_add_choice(Form *form, const char *key, const char *title, const char *const *titles, guint selected);
void form_add_switch(Form *form, const char *key, const char *title, const char *subtitle, gboolean active);
/* A file to be opened, or (`save_name` not NULL) a new one. */
void form_add_file(Form *form, const char *key, const char *title, const char *path, const char *save_name);

typedef void (*FormAccepted)(Form *form, GtkWidget *owner, gpointer data);
void form_run(Form *form, FormAccepted accepted, gpointer data, GDestroyNotify destroy);

const char *form_get_text(Form *form, const char *key);  /* entry or file; NULL: no file */
char *form_get_name(Form *form, const char *key);        /* a machine's, without spaces around it; g_free() */
guint form_get_selected(Form *form, const char *key);    /* choice */
gboolean form_get_active(Form *form, const char *key);   /* switch */

G_END_DECLS
