/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tab where a machine's description is changed. Each change is saved at once and holds from the next start on;
 * what is impossible is explained beside its setting (app/machine_check.h).
 */
#pragma once

#include "app/bundle.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_MACHINE_SETTINGS (vitrine_machine_settings_get_type())
G_DECLARE_FINAL_TYPE(VitrineMachineSettings, vitrine_machine_settings, VITRINE, MACHINE_SETTINGS, GtkWidget)

void vitrine_machine_settings_set_bundle(VitrineMachineSettings *self, VitrineBundle *bundle);
/* The keyboard goes into the search entry. */
void vitrine_machine_settings_search(VitrineMachineSettings *self);

G_END_DECLS
