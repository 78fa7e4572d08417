/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tab with a machine's history: the tree, drawn, newest last, with "You are here"; beside it the chosen moment and
 * what can be done with it. */
#pragma once

#include "app/bundle.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_HISTORY_PAGE (vitrine_history_page_get_type())
G_DECLARE_FINAL_TYPE(VitrineHistoryPage, vitrine_history_page, VITRINE, HISTORY_PAGE, GtkWidget)

void vitrine_history_page_set_bundle(VitrineHistoryPage *self, VitrineBundle *bundle);

G_END_DECLS
