/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drawing guest pictures with OpenGL 3.2 or OpenGL ES 3.0. All calls with the context current. */
#pragma once

#include "app/settings.h"
#include "emulator/engine.h"

#include <glib.h>

struct screen_gl {
    unsigned program, vertex_array, texture;
    int texture_width, texture_height;
    int rectangle_location, size_location, scale_location, mode_location, effect_location;
};

gboolean screen_gl_init(struct screen_gl *gl, gboolean es, GError **error);
void screen_gl_finish(struct screen_gl *gl);
/* Brings the damaged part of the frame (all of it after a change of size) into the texture. */
void screen_gl_upload(struct screen_gl *gl, const struct engine_frame *frame);
/* Draws the picture into the rectangle (device pixels from the top left) of a viewport of the given size;
 * black around. */
void screen_gl_draw(struct screen_gl *gl, int viewport_width, int viewport_height, double x, double y,
                    double width, double height, enum scaling scaling, enum effect effect);
