/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The main window: all machines as cards, by family, searchable; a place to drop media and bundles on. */
#pragma once

#include "app/ui/application.h"

G_BEGIN_DECLS

#define VITRINE_TYPE_LIBRARY_WINDOW (vitrine_library_window_get_type())
G_DECLARE_FINAL_TYPE(VitrineLibraryWindow, vitrine_library_window, VITRINE, LIBRARY_WINDOW,
                     AdwApplicationWindow)

VitrineLibraryWindow *vitrine_library_window_new(VitrineApplication *application);
/* A dropped or given file: a bundle is shown, anything else begins the wizard with it. */
void vitrine_library_window_open_file(VitrineLibraryWindow *self, GFile *file);
/* The page of a machine; `tab` NULL: its overview (see vitrine_machine_page_show_tab()). */
void vitrine_library_window_show_machine(VitrineLibraryWindow *self, VitrineBundle *bundle, const char *tab);
void vitrine_library_window_show_library(VitrineLibraryWindow *self);

G_END_DECLS
