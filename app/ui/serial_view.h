/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first serial port as a page of text: what the guest sends, and keys to it. */
#pragma once

#include "app/session.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_SERIAL_VIEW (vitrine_serial_view_get_type())
G_DECLARE_FINAL_TYPE(VitrineSerialView, vitrine_serial_view, VITRINE, SERIAL_VIEW, GtkWidget)

void vitrine_serial_view_set_session(VitrineSerialView *self, VitrineSession *session);

G_END_DECLS
