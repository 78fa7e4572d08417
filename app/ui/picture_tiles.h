/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's picture drawn with cairo, for displays without (real) OpenGL. */
#pragma once

#include "emulator/engine.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

struct picture_tiles {
    uint32_t *pixels;  /* the whole picture, XRGB8888 in host order */
    int width, height; /* in pixels; 0: none yet */
    int enlarged;      /* each pixel as so many times so many in the tiles */
    gboolean whole;    /* one tile, because those that are scaled would show their edges */
    graphene_rect_t place; /* of the picture, in units of the snapshot */
    int columns, rows;
    GPtrArray *nodes; /* GskRenderNode or NULL (to be made), row by row */
};

void picture_tiles_clear(struct picture_tiles *tiles);
/* Takes over what has changed in a frame. */
void picture_tiles_update(struct picture_tiles *tiles, const struct engine_frame *frame);
/* Draws the picture into a rectangle (device pixels, `scale` to a unit of the snapshot). enlarged: how many times each
 * pixel is repeated before the rest of the way is interpolated, 1 or more. */
void picture_tiles_snapshot(struct picture_tiles *tiles, GtkSnapshot *snapshot, int scale, double x, double y,
                            double width, double height, int enlarged);

G_END_DECLS
