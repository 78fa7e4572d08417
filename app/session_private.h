/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineSession share. */
#pragma once

#include "app/session.h"

#include "app/history_store.h"

/* An engine_done that has come over to the main context; gone when the function returns. */
struct session_answer {
    GTask *task;   /* of the session, to be returned by the function */
    GError *error; /* may be stolen */
};

/* Carries an engine_done answer for `task` over to the main context: `function` gets a struct session_answer.
 * Any thread. */
void session_post_answer(GTask *task, const GError *error, GSourceFunc function);

/* Runs `function` when the context is iterated next, after what was attached before. Any thread.
 * (g_main_context_invoke() would run it on the caller's thread while nobody iterates.) */
void session_attach(GMainContext *context, GSourceFunc function, gpointer data, GDestroyNotify destroy);

/* Fails `task` at once and gives it back when the machine is not running. */
gboolean session_refuse_if_off(VitrineSession *self, GTask *task);

/* The bundle, unless this session leaves no trace in it; may be NULL. */
VitrineBundle *session_kept_bundle(VitrineSession *self);

/* ---- history ---- */

/* The node whose memory the machine's is compared with when the next moment is taken, and the engine's number of
 * that moment; FALSE: there is none. */
gboolean session_get_base(VitrineSession *self, const char **node, guint64 *since);
void session_set_base(VitrineSession *self, const char *node, guint64 since);

/* Changes machine.ini: `change` runs on a copy of the description in the main context, which is then saved. Any
 * thread; waits. */
gboolean session_change_machine(VitrineSession *self, void (*change)(MachineIni *machine, gpointer data), gpointer data,
                                GError **error);

/* Runs `fn` in the session's main context and waits for it. Any thread. */
void session_call(VitrineSession *self, void (*fn)(gpointer data), gpointer data);

/* Stops the engine, goes back to the node on disk (Undo: `undo`, may be NULL), and starts from there. `task` (taken
 * over; of any object) returns a boolean. Main thread. */
void session_go_back(VitrineSession *self, const char *node, const char *undo, GTask *task);

/* Asks whoever shows it to come to the front; FALSE: nobody does. */
gboolean session_present(VitrineSession *self);

/* The present of a machine that runs as a new node (app/history_live.c). Not the main thread; `engine` is held by the
 * caller. Returns the node's id. */
char *history_take_live(VitrineSession *self, struct engine *engine, const char *name, const char *note,
                        enum history_kind kind, const ImageJob *job, GError **error);

/* The session that has this history's machine open in this process; NULL when it ends. Main thread. */
void history_set_session(VitrineHistory *history, VitrineSession *session);
/* After the session has ended: until nobody writes to the history's folder any more. Any thread. */
void history_wait_tightening(VitrineHistory *history);

/* ---- rewind (app/rewind.c) ---- */
VitrineRewind *rewind_new(VitrineSession *session); /* not a reference to the session, which owns it */
/* The engine is about to go, or to get another medium: forget all moments. */
void rewind_begin_anew(VitrineRewind *self);
