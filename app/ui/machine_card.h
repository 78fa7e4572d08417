/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine in the library: its last picture, its name, what it is and how it stands. */
#pragma once

#include "app/bundle.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_MACHINE_CARD (vitrine_machine_card_get_type())
G_DECLARE_FINAL_TYPE(VitrineMachineCard, vitrine_machine_card, VITRINE, MACHINE_CARD, GtkWidget)

GtkWidget *vitrine_machine_card_new(VitrineBundle *bundle); /* for the grid */
GtkWidget *vitrine_machine_row_new(VitrineBundle *bundle);  /* for the list */
VitrineBundle *vitrine_machine_card_get_bundle(VitrineMachineCard *self);

G_END_DECLS
