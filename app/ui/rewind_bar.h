/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last minutes of a running machine as a strip of pictures: a click puts the machine there, to look or to go on. */
#pragma once

#include "app/session.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_REWIND_BAR (vitrine_rewind_bar_get_type())
G_DECLARE_FINAL_TYPE(VitrineRewindBar, vitrine_rewind_bar, VITRINE, REWIND_BAR, GtkWidget)

/* Begins to keep moments when the session runs, as the settings say. NULL: none. */
void vitrine_rewind_bar_set_session(VitrineRewindBar *self, VitrineSession *session);
gboolean vitrine_rewind_bar_is_open(VitrineRewindBar *self);
/* Opening pauses the machine. */
void vitrine_rewind_bar_open(VitrineRewindBar *self);
void vitrine_rewind_bar_close(VitrineRewindBar *self);

G_END_DECLS
