/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All disk images that are known, as the trees they form: who stands on what, who uses what, what can be done. */
#pragma once

#include "app/ui/application.h"

G_BEGIN_DECLS

#define VITRINE_TYPE_DISKS_WINDOW (vitrine_disks_window_get_type())
G_DECLARE_FINAL_TYPE(VitrineDisksWindow, vitrine_disks_window, VITRINE, DISKS_WINDOW, AdwApplicationWindow)

/* The one window; `path` (may be NULL) is selected, and noted among the known images when it is no machine's. */
void vitrine_disks_window_present(VitrineApplication *application, const char *path);

G_END_DECLS
