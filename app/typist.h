/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types text and chords on a machine's keyboard, as fast as its keyboard can say so. Main thread only. */
#pragma once

#include "emulator/engine.h"

struct typist;

/* `engine` must outlive the typist. `done` is called whenever all is typed. */
struct typist *typist_new(struct engine *engine, void (*done)(void *opaque), void *opaque);
void typist_free(struct typist *typist); /* NULL is allowed */

/* Text (UTF-8) key by key (US layout). What no key types is left out and returned, each character once (the first
 * ones of many); NULL when all is typed. Waits while the machine is paused. */
char *typist_type(struct typist *typist, const char *text);
/* Presses the keys together, in order, and lets them go in the other order. `codes` ends with 0. */
void typist_chord(struct typist *typist, const unsigned *codes);
