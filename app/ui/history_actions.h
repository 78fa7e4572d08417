/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be done with a history: each command asks where it must, runs as a job, and tells how it went. `owner` is any
 * widget of the window. */
#pragma once

#include "app/history.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* With `ask`, for a name and a note first. */
void history_action_take(GtkWidget *owner, VitrineHistory *history, gboolean ask);
void history_action_restore(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node);
/* The same, and the machine is started. */
void history_action_go_on(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node);
/* Of the last restore. */
void history_action_undo(GtkWidget *owner, VitrineHistory *history);
/* A new machine that begins there; it is linked unless a full copy is asked for. */
void history_action_branch(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node);
/* With the present. */
void history_action_compare(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node);
void history_action_rename(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node);
void history_action_delete(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node);
void history_action_verify(GtkWidget *owner, VitrineHistory *history);
void history_action_repair(GtkWidget *owner, VitrineHistory *history, const VitrineHistoryProblem *problem,
                    enum history_repair repair);
/* A missing original that was found (problem->found) is taken from there. */
void history_action_relocate(GtkWidget *owner, VitrineHistory *history, const VitrineHistoryProblem *problem);

G_END_DECLS
