/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything about one machine, in tabs: overview, history, disks, settings, log. Lives in the library's window. */
#pragma once

#include "app/bundle.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_MACHINE_PAGE (vitrine_machine_page_get_type())
G_DECLARE_FINAL_TYPE(VitrineMachinePage, vitrine_machine_page, VITRINE, MACHINE_PAGE, GtkWidget)

/* NULL when the page is left. */
void vitrine_machine_page_set_bundle(VitrineMachinePage *self, VitrineBundle *bundle);
VitrineBundle *vitrine_machine_page_get_bundle(VitrineMachinePage *self);
/* "overview", "history", "disks", "settings", "log". */
void vitrine_machine_page_show_tab(VitrineMachinePage *self, const char *tab);
/* The settings, with the keyboard in their search entry. */
void vitrine_machine_page_search(VitrineMachinePage *self);

G_END_DECLS
