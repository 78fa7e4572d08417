/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tab with a machine's drives: what is in them, what that stands on, and how to put something else there. */
#pragma once

#include "app/bundle.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_MACHINE_DISKS (vitrine_machine_disks_get_type())
G_DECLARE_FINAL_TYPE(VitrineMachineDisks, vitrine_machine_disks, VITRINE, MACHINE_DISKS, GtkWidget)

void vitrine_machine_disks_set_bundle(VitrineMachineDisks *self, VitrineBundle *bundle);

G_END_DECLS
