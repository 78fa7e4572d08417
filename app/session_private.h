/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineSession share. */
#pragma once

#include "app/session.h"

/* An engine_done that has come over to the main context; gone when the function returns. */
struct session_answer {
    GTask *task;   /* of the session, to be returned by the function */
    GError *error; /* may be stolen */
};

/* Carries an engine_done answer for `task` over to the main context: `function` gets a struct session_answer.
 * Any thread. */
void session_post_answer(GTask *task, const GError *error, GSourceFunc function);

/* Fails `task` at once and gives it back when the machine is not running. */
gboolean session_refuse_if_off(VitrineSession *self, GTask *task);

/* The bundle, unless this session leaves no trace in it; may be NULL. */
VitrineBundle *session_kept_bundle(VitrineSession *self);
