/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Toasts, questions and file choosers in one line each. `owner` is any widget of the window concerned: when it goes
 * before the answer comes, the answer is dropped.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* The window's toasts are shown here. */
void dialogs_set_toasts(GtkWindow *window, AdwToastOverlay *overlay);
/* Plain text. */
void dialogs_toast(GtkWidget *owner, const char *text);
/* With a button (mnemonic allowed) that calls `pressed` with `data`; `destroy` frees it when the toast has gone. Gives
 * the toast, owned by its overlay. */
typedef void (*ToastPressed)(gpointer data);
AdwToast *dialogs_toast_button(GtkWidget *owner, const char *text, const char *button, ToastPressed pressed,
                               gpointer data, GDestroyNotify destroy);
/* The same, until somebody presses it or sends it away. */
void dialogs_toast_offer(GtkWidget *owner, const char *text, const char *label, ToastPressed pressed, gpointer data,
                         GDestroyNotify destroy);

/* Asked before what cannot be undone: `accepted` is called when the question is answered with `label`. */
typedef void (*QuestionAccepted)(GtkWidget *owner, gpointer data);
void dialogs_confirm(GtkWidget *owner, const char *heading, const char *body, const char *label,
                     QuestionAccepted accepted, gpointer data, GDestroyNotify destroy);

/* `chosen` gets a path of this computer. `name` is suggested for a file to be saved; NULL otherwise. */
typedef void (*FileChosen)(GtkWidget *owner, const char *path, gpointer data);
void dialogs_choose_file(GtkWidget *owner, GtkFileChooserAction action, const char *title, const char *accept,
                         const char *name, FileChosen chosen, gpointer data, GDestroyNotify destroy);
/* The same for a file that is there, of which discs and disk images are shown first. */
void dialogs_choose_medium(GtkWidget *owner, const char *title, const char *accept, FileChosen chosen, gpointer data,
                           GDestroyNotify destroy);

/* The name that a screen reader says for a button with an icon only, shown as a tooltip too. */
void dialogs_name_widget(GtkWidget *widget, const char *name);

G_END_DECLS
