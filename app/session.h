/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine that runs: an engine, what it was built from (a bundle, or a configuration of the command line),
 * and the state that windows and commands look at. The engine's callbacks arrive here from its thread and
 * leave as signals on the main context that the session was made in. No GTK. Main thread only.
 *
 * Signals:
 *   "state-changed"                     vitrine_session_get_state() changed
 *   "frame-ready"                       engine_acquire_frame() has something new
 *   "serial-output" (guint port, GBytes*)
 *   "typed"                             all of vitrine_session_type() has been typed
 *   "restored"                          it has gone back in its history and has another engine
 *   "present"                           somebody wants to see its window (vitrine run of a machine that is open)
 *   "finished"                          the machine is off or failed, its last picture is saved, the bundle
 * is free
 */
#pragma once

#include "app/bundle.h"
#include "app/rewind.h"
#include "emulator/engine.h"

G_BEGIN_DECLS

#define VITRINE_TYPE_SESSION (vitrine_session_get_type())
G_DECLARE_FINAL_TYPE(VitrineSession, vitrine_session, VITRINE, SESSION, GObject)

enum session_state {
    SESSION_NEW,
    SESSION_STARTING,
    SESSION_RUNNING,
    SESSION_PAUSED,
    SESSION_SAVING, /* state is being written; SESSION_OFF or back to SESSION_PAUSED follows */
    SESSION_OFF,
    SESSION_ERROR, /* vitrine_session_get_message() */
};

/* For a bundle; its lock is taken by starting and given back at the end. */
VitrineSession *vitrine_session_new(VitrineBundle *bundle);
/* For a configuration without a bundle, which is taken over. */
VitrineSession *vitrine_session_new_for_config(struct engine_config *config, const char *title);

/* ---- before the start ---- */
enum session_flags {
    SESSION_DISCARD_WRITES =
        1 << 0,             /* disks behind throw-away overlays; a bundle's resume state is left alone */
    SESSION_FRESH = 1 << 1, /* do not resume from the saved state (which is dropped) */
    SESSION_START_PAUSED = 1 << 2,
    SESSION_SILENT = 1 << 3, /* no sound, whatever machine.ini says */
};
void vitrine_session_set_flags(VitrineSession *self, enum session_flags flags);
/* Replaces what machine.ini says about the first serial port. */
void vitrine_session_set_serial(VitrineSession *self, enum engine_serial_kind kind, const char *path);
/* A state file to start from instead of the bundle's own. */
void vitrine_session_set_load_state(VitrineSession *self, const char *path);

/* With SESSION_DISCARD_WRITES: starts from this moment of the bundle's history instead of the present. */
void vitrine_session_set_from(VitrineSession *self, const char *node_id);

/* PNG of the last picture, written when the machine is off. */
void vitrine_session_set_final_screenshot(VitrineSession *self, const char *path);

/* Builds the engine on a worker thread and starts it. The finish function returns FALSE with the sentence
 * that says why it could not; the state is SESSION_ERROR then. */
void vitrine_session_start_async(VitrineSession *self, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
gboolean vitrine_session_start_finish(VitrineSession *self, GAsyncResult *result, GError **error);

/* ---- looking ---- */
enum session_state vitrine_session_get_state(VitrineSession *self);
const char *vitrine_session_get_title(VitrineSession *self);
VitrineBundle *vitrine_session_get_bundle(VitrineSession *self); /* NULL without one */
const struct engine_model *vitrine_session_get_model(VitrineSession *self);
struct engine *vitrine_session_get_engine(VitrineSession *self); /* NULL unless it was started */
const char *vitrine_session_get_message(VitrineSession *self);   /* why SESSION_ERROR */
int vitrine_session_get_exit_status(VitrineSession *self);
gboolean vitrine_session_is_live(VitrineSession *self); /* running, paused or saving */
/* It is off, failed or was never started, and everything that it used is closed. */
gboolean vitrine_session_is_over(VitrineSession *self);
/* What it does stays in its bundle: it can be saved, and have moments. */
gboolean vitrine_session_keeps(VitrineSession *self);

/* The last minutes of the machine; never NULL, off until it is enabled. Owned by the session. */
VitrineRewind *vitrine_session_get_rewind(VitrineSession *self);

/* ---- doing ---- */
void vitrine_session_pause(VitrineSession *self);
void vitrine_session_resume(VitrineSession *self);
void vitrine_session_reset(VitrineSession *self);
void vitrine_session_power_off(VitrineSession *self);

/* Pauses, writes the whole machine to `path` (NULL: the bundle's resume state), and powers off if `stop`. */
void vitrine_session_save_state_async(VitrineSession *self, const char *path, gboolean stop,
                                      GAsyncReadyCallback callback, gpointer user_data);
gboolean vitrine_session_save_state_finish(VitrineSession *self, GAsyncResult *result, GError **error);

/* PNG of what the machine shows, made on a worker thread. */
void vitrine_session_screenshot_async(VitrineSession *self, const char *path, GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean vitrine_session_screenshot_finish(VitrineSession *self, GAsyncResult *result, GError **error);

/* `path` NULL: take it out. What machine.ini says follows. */
void vitrine_session_change_medium_async(VitrineSession *self, const char *drive, const char *path,
                                         gboolean force, GAsyncReadyCallback callback, gpointer user_data);
gboolean vitrine_session_change_medium_finish(VitrineSession *self, GAsyncResult *result, GError **error);

/* Types text on the guest's keyboard (US layout), key by key. What no key types is left out: a sentence that says so, or
 * NULL. */
char *vitrine_session_type(VitrineSession *self, const char *text);
/* Presses the keys together, in order, and lets them go in the other order. `codes` ends with 0. */
void vitrine_session_send_chord(VitrineSession *self, const unsigned *codes);

G_END_DECLS
