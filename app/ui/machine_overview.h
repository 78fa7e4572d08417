/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first tab of a machine's page: its picture and start button, what it is in plain words, notes, health. */
#pragma once

#include "app/bundle.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_MACHINE_OVERVIEW (vitrine_machine_overview_get_type())
G_DECLARE_FINAL_TYPE(VitrineMachineOverview, vitrine_machine_overview, VITRINE, MACHINE_OVERVIEW, GtkWidget)

/* NULL: shows nothing. Unsaved notes of the machine before are saved. */
void vitrine_machine_overview_set_bundle(VitrineMachineOverview *self, VitrineBundle *bundle);

G_END_DECLS
