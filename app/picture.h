/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine shows, as a PNG file. */
#pragma once

#include "emulator/engine.h"

#include <gio/gio.h>

/* `task` (taken over) returns TRUE when the file is written, else an error. At most `max_width` pixels wide, 0 = as it
 * is. */
void picture_take(struct engine *engine, const char *path, int max_width, GTask *task);
