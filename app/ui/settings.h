/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user prefers, kept in $XDG_CONFIG_HOME/vitrine/settings.ini. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_SETTINGS (vitrine_settings_get_type())
G_DECLARE_FINAL_TYPE(VitrineSettings, vitrine_settings, VITRINE, SETTINGS, GObject)

enum scaling { SCALING_FIT, SCALING_INTEGER, SCALING_SHARP };

/*
 * The one object of the program. Properties, written to disk soon after they change:
 *   "scaling" (int, enum scaling)        how pictures fill their window
 *   "capture-on-click" (bool)            a click into the picture captures a relative pointer
 *   "inhibit-shortcuts" (bool)           the desktop's shortcuts go to the guest while the pointer is
 * captured "show-status" (bool)                 the strip of lights and figures below the picture
 *   "save-on-close" (bool)               closing a running machine's window saves its state without asking
 */
VitrineSettings *vitrine_settings_get(void);

G_END_DECLS
