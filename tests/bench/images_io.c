/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests to an image, one after the other, and how long they took:
 *
 *     images_io FILE COUNT BYTES STEP [write [FLUSH-EVERY]]
 *
 * The offset grows by STEP and wraps at the disk's end, as in the peer's own benchmark, so that both do the
 * same requests. The time goes from the first request to the last one's end, with a flush when it writes.
 */
#include <stdio.h>

#include "images/images.h"

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    if (argc < 5) {
        g_printerr("usage: images_io FILE COUNT BYTES STEP [write [FLUSH-EVERY]]\n");
        return 2;
    }
    guint64 count = g_ascii_strtoull(argv[2], NULL, 10), step = g_ascii_strtoull(argv[4], NULL, 10);
    gsize bytes = g_ascii_strtoull(argv[3], NULL, 10);
    gboolean writes = argc > 5;
    guint64 flush_every = argc > 6 ? g_ascii_strtoull(argv[6], NULL, 10) : 0;
    g_autoptr(Image) image =
        image_open(argv[1], NULL, writes ? IMAGE_OPEN_WRITABLE : IMAGE_OPEN_READ_ONLY, &error);
    if (!image) {
        g_printerr("images_io: %s\n", error->message);
        return 1;
    }
    g_autofree guint8 *buffer = g_malloc0(bytes);
    buffer[0] = 0x42;
    gint64 start = g_get_monotonic_time();
    guint64 at = 0, limit = image_size(image) - bytes + 1;
    gboolean ok = TRUE;
    for (guint64 i = 0; ok && i < count; i++) {
        ok = writes ? image_pwrite(image, at, buffer, bytes, &error)
                    : image_pread(image, at, buffer, bytes, &error);
        at = (at + step) % image_size(image);
        at = at < limit ? at : 0;
        if (ok && writes && flush_every && (i + 1) % flush_every == 0)
            ok = image_flush(image, &error);
    }
    ok = ok && (!writes || image_flush(image, &error));
    if (!ok) {
        g_printerr("images_io: %s\n", error->message);
        return 1;
    }
    printf("%.6f\n", (double)(g_get_monotonic_time() - start) / 1e6);
    return 0;
}
