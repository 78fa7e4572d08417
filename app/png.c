/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing guest pictures as PNG through gdk-pixbuf. */
#include "app/png.h"

#include <gdk-pixbuf/gdk-pixbuf.h>

GBytes *png_encode(const uint32_t *pixels, int width, int height, int stride, double pixel_aspect,
                   int max_width, GError **error)
{
    g_autoptr(GdkPixbuf) pixbuf = gdk_pixbuf_new(GDK_COLORSPACE_RGB, FALSE, 8, width, height);
    char *data;
    gsize size;

    if (!pixbuf) {
        g_set_error(error, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_INSUFFICIENT_MEMORY,
                    "The picture is too large.");
        return NULL;
    }
    guchar *rows = gdk_pixbuf_get_pixels(pixbuf);
    int rowstride = gdk_pixbuf_get_rowstride(pixbuf);
    for (int y = 0; y < height; y++) {
        const uint32_t *from = pixels + (gsize)y * (gsize)stride;
        guchar *to = rows + (gsize)y * (gsize)rowstride;
        for (int x = 0; x < width; x++, to += 3) {
            to[0] = (guchar)(from[x] >> 16);
            to[1] = (guchar)(from[x] >> 8);
            to[2] = (guchar)from[x];
        }
    }
    double shown_width = width * pixel_aspect;
    if (max_width > 0 && shown_width > max_width) {
        int new_height = MAX(1, (int)(height * max_width / shown_width + 0.5));
        GdkPixbuf *scaled = gdk_pixbuf_scale_simple(pixbuf, max_width, new_height, GDK_INTERP_BILINEAR);
        g_object_unref(pixbuf);
        pixbuf = scaled;
    }
    if (!gdk_pixbuf_save_to_buffer(pixbuf, &data, &size, "png", error, NULL))
        return NULL;
    return g_bytes_new_take(data, size);
}
