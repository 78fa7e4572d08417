/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tab with what happened to a machine; it follows while it is seen. */
#pragma once

#include "app/bundle.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_MACHINE_LOG_PAGE (vitrine_machine_log_page_get_type())
G_DECLARE_FINAL_TYPE(VitrineMachineLogPage, vitrine_machine_log_page, VITRINE, MACHINE_LOG_PAGE, GtkWidget)

void vitrine_machine_log_page_set_bundle(VitrineMachineLogPage *self, VitrineBundle *bundle);

G_END_DECLS
