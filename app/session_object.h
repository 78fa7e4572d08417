/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of VitrineSession, for session*.c alone. Main thread, where nothing else is said. */
#pragma once

#include "app/session_private.h"
#include "app/typist.h"

struct _VitrineSession {
    GObject parent;
    GMainContext *context;
    VitrineBundle *bundle;
    struct engine_config *config; /* of a session without bundle, until it starts */
    const struct engine_model *model;
    char *title;
    enum session_flags flags;
    struct engine_serial serial;
    gboolean serial_set;
    char *load_state;
    char *from; /* a node of the history to start from */
    char *final_screenshot;

    VitrineRewind *rewind;
    VitrineHistory *history;
    char *base; /* node whose memory is known to the engine as moment `since` */
    guint64 since;

    struct engine *engine;
    enum session_state state;
    gboolean locked, finishing, stop_after_save;
    char *message;
    int exit_status;
    int frame_pending; /* atomic: a "frame-ready" is on its way */

    struct typist *typist; /* of a machine that runs */
    guint thumbnail_source;
    guint64 thumbnail_frames;
};

/* session.c */
void session_set_state(VitrineSession *self, enum session_state state);
void session_emit_restored(VitrineSession *self);
void session_emit_finished(VitrineSession *self);
/* What the engine is to tell; it tells the session from its thread. Any thread. */
struct engine_events session_events(VitrineSession *self);
void session_take_engine(VitrineSession *self, struct engine *engine);
/* Changes machine.ini as session_change_machine() does; a failure is only reported. */
void session_note_use(VitrineSession *self, void (*change)(MachineIni *machine, gpointer data));

/* session_save.c */
void session_save_thumbnail(VitrineSession *self);
void session_watch_thumbnail(VitrineSession *self); /* from now on, every few seconds */
void session_finish(VitrineSession *self);          /* the machine is off: the engine goes, then "finished" */
