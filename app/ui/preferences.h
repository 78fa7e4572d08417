/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The preferences' window; its rows are bound to VitrineSettings. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_PREFERENCES (vitrine_preferences_get_type())
G_DECLARE_FINAL_TYPE(VitrinePreferences, vitrine_preferences, VITRINE, PREFERENCES, AdwPreferencesWindow)

void vitrine_preferences_present(GtkWindow *parent);

G_END_DECLS
