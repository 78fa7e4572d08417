/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of a guest as PNG files. No display is needed. Any thread. */
#pragma once

#include <glib.h>
#include <stdint.h>

/* XRGB8888 in host order, `stride` in pixels. At most `max_width` pixels wide (0 = as it is), with square
 * pixels then: `pixel_aspect` is the width of a pixel by its height. NULL with a sentence. */
GBytes *png_encode(const uint32_t *pixels, int width, int height, int stride, double pixel_aspect,
                   int max_width, GError **error);
