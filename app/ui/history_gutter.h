/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drawn part of one row of a history: the lines of the branches that pass, and the dot of its node. */
#pragma once

#include "app/history.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_HISTORY_GUTTER (vitrine_history_gutter_get_type())
G_DECLARE_FINAL_TYPE(VitrineHistoryGutter, vitrine_history_gutter, VITRINE, HISTORY_GUTTER, GtkWidget)

#define HISTORY_MAX_LANES 24 /* further branches share the last lane */

/* What is drawn in one row; lanes from the left, as bits. */
struct history_row {
    VitrineHistoryNode *node; /* not a reference */
    guint lane;               /* of the dot */
    guint32 above, below;     /* lanes that come in from above and go out below */
    guint32 born;             /* of `below`: those that leave this node's dot */
};

/* Rows for `nodes` (VitrineHistoryNode, parents before children). With `fold`, autosaves that nothing but other autosaves
 * and one's own past hangs on are left out. The lane that leads to the present is straight. Array of struct history_row. */
GArray *history_rows(GListModel *nodes, gboolean fold);

GtkWidget *vitrine_history_gutter_new(const struct history_row *row, guint lanes);

G_END_DECLS
