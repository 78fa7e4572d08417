/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PulseAudio (or PipeWire's stand-in for it) on a threaded main loop. Rings lie between the machine's thread
 * and the sound server's: the machine never waits for the server; what does not fit is dropped, what is
 * missing is silence.
 */
#pragma once

#include "emulator/core/backends.h"

/* `name` is what the volume control shows. Fails with a sentence if no sound server answers. */
struct audio_backend *audio_pulse_new(struct machine *machine, const char *name, GError **error);
