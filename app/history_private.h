/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineHistory share. */
#pragma once

#include "app/control.h"
#include "app/history.h"
#include "app/session_private.h"

struct _VitrineHistory {
    GObject parent;
    VitrineBundle *bundle;
    GPtrArray *nodes; /* VitrineHistoryNode *, as the list model shows them */
    GListStore *roots;
    VitrineHistoryNode *here;
    GPtrArray *problems;
    GFileMonitor *monitor;
    guint settle, autosave_source;
    char *last_look; /* what the bundle said when the nodes were read */
    VitrineSession *session; /* while it runs here; not a reference */
    struct control_server *control;

    gboolean busy;
    GQueue waiting; /* operations */
    gboolean measuring, measure_again;
    VitrineJob *tightening; /* NULL: nothing to do, or the machine is off */
    gboolean tighten_again;
    GMutex tighten_lock; /* held by the job's work */
};

HistoryRecord *history_node_record(VitrineHistoryNode *node);
void history_node_set_health(VitrineHistoryNode *node, enum history_health health, const char *message);
void history_node_set_sizes(VitrineHistoryNode *node, guint64 own, guint64 shared);

void history_emit_changed(VitrineHistory *self);
void history_emit_background(VitrineHistory *self, VitrineJob *job);
/* Files have changed: look at them soon. */
void history_something_changed(VitrineHistory *self);
/* Finds out the nodes' sizes on a worker thread. */
void history_measure(VitrineHistory *self);
/* Begins to make the memory of moments smaller, if there is something to do. */
void history_tighten(VitrineHistory *self);
void history_stop_tightening(VitrineHistory *self);
void history_arm_autosave(VitrineHistory *self);
void history_trim_autosaves(VitrineHistory *self);
/* Changes machine.ini of a machine that nobody else has open. */
gboolean history_change_machine(VitrineHistory *self, void (*change)(MachineIni *machine, gpointer data), gpointer data,
                                GError **error);
