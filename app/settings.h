/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user prefers: the GSettings schema org.vitrine.Vitrine (data/org.vitrine.Vitrine.gschema.xml, where each
 * key is explained). */
#pragma once

#include <gio/gio.h>

/* The enumerations of the schema. */
enum scaling { SCALING_FIT, SCALING_INTEGER, SCALING_SHARP };
enum effect { EFFECT_NONE, EFFECT_CRT, EFFECT_LCD };
enum library_view { LIBRARY_VIEW_GRID, LIBRARY_VIEW_LIST };

/* The one object of the program, not a reference; NULL when the schema is not installed. Main thread only. */
GSettings *vitrine_settings_get(void);

/* A folder of the user's choice, or what the desktop says when the key is empty: "screenshots-folder". g_free(). */
char *vitrine_settings_screenshots_folder(void);
