/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The strip below a machine's picture: drives with their lights and media, network, hints, speed. */
#pragma once

#include "app/session.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_STATUS_STRIP (vitrine_status_strip_get_type())
G_DECLARE_FINAL_TYPE(VitrineStatusStrip, vitrine_status_strip, VITRINE, STATUS_STRIP, GtkWidget)

void vitrine_status_strip_set_session(VitrineStatusStrip *self, VitrineSession *session);
void vitrine_status_strip_set_hint(VitrineStatusStrip *self, const char *hint);

G_END_DECLS
