/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The application: its library of machines, the machines that run, and the commands that belong to no window.
 */
#pragma once

#include "app/library.h"
#include "app/profiles.h"
#include "app/session.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_APPLICATION (vitrine_application_get_type())
G_DECLARE_FINAL_TYPE(VitrineApplication, vitrine_application, VITRINE, APPLICATION, AdwApplication)

/* The two ways into the windows (see struct cli_windows). */
int vitrine_ui_library(int argc, char **argv);
int vitrine_ui_session(VitrineSession *session, gboolean full_screen);

VitrineApplication *vitrine_application_get(void);
VitrineLibrary *vitrine_application_get_library(VitrineApplication *self);
const struct profiles *vitrine_application_get_profiles(VitrineApplication *self);

/* A session of the bundle, as the preferences say; a new reference. */
VitrineSession *vitrine_application_new_session(VitrineBundle *bundle, enum session_flags flags);
/* The window of a machine, the open one or a new one; the machine is started there unless it runs. */
void vitrine_application_open_machine(VitrineApplication *self, VitrineBundle *bundle,
                                      enum session_flags flags);

/* Its page in the library's window; `tab` NULL: the overview. */
void vitrine_application_show_machine(VitrineApplication *self, VitrineBundle *bundle, const char *tab);

G_END_DECLS
