/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guest's picture, and the way of keys and pointer into it.
 *
 * Signals:
 *   "host-chord" (guint keyval)   the host key (see the settings) and this key, in lower case
 *   "capture-changed"             the pointer was captured or let go
 *   "picture-resized"             the guest's picture has another size (or has one at last)
 */
#pragma once

#include "app/session.h"
#include "app/settings.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_SCREEN (vitrine_screen_get_type())
G_DECLARE_FINAL_TYPE(VitrineScreen, vitrine_screen, VITRINE, SCREEN, GtkWidget)

void vitrine_screen_set_session(VitrineScreen *self, VitrineSession *session);

gboolean vitrine_screen_is_captured(VitrineScreen *self);
/* FALSE while captured: the desktop has no way to hold it, and it goes on where the picture ends. */
gboolean vitrine_screen_holds_pointer(VitrineScreen *self);
void vitrine_screen_capture(VitrineScreen *self);
void vitrine_screen_release(VitrineScreen *self);

/* A key that the window caught before anybody else; TRUE: it is the guest's (or the host key's). `keycode` as
 * GDK tells it: a code of linux/input-event-codes.h plus 8. */
gboolean vitrine_screen_key(VitrineScreen *self, guint keyval, guint keycode, gboolean down);
/* The host key, or any while it is held: those are Vitrine's wherever in the window the keyboard is. */
gboolean vitrine_screen_is_host_key(VitrineScreen *self, guint keycode);
/* Nothing is held down any more. */
void vitrine_screen_release_keys(VitrineScreen *self);

G_END_DECLS
