/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The main window: all machines as cards, by family, searchable; a place to drop media and bundles on. */
#pragma once

#include "app/ui/application.h"

G_BEGIN_DECLS

#define VITRINE_TYPE_LIBRARY_WINDOW (vitrine_library_window_get_type())
G_DECLARE_FINAL_TYPE(VitrineLibraryWindow, vitrine_library_window, VITRINE, LIBRARY_WINDOW,
                     AdwApplicationWindow)

VitrineLibraryWindow *vitrine_library_window_new(VitrineApplication *application);
/* A dropped or given file: a bundle is started, anything else begins the wizard with it. */
void vitrine_library_window_open_file(VitrineLibraryWindow *self, GFile *file);
/* Carries out what a card's menu says: the part of its action's name after "card.". */
void vitrine_library_window_machine_action(VitrineLibraryWindow *self, VitrineBundle *bundle,
                                           const char *action);
void vitrine_library_window_toast(VitrineLibraryWindow *self, const char *text);

G_END_DECLS
