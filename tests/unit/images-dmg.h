/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes Apple disk images for tests: no tool of Debian writes them. */
#ifndef VITRINE_TESTS_IMAGES_DMG_H
#define VITRINE_TESTS_IMAGES_DMG_H

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>

#include "images/bytes.h"
#include "images/internal.h"

/* A coder for the test: literals, and far copies of what was repeated */
static inline gsize pack_adc(const guint8 *in, gsize length, guint8 *out)
{
    gsize from = 0, to = 0;
    while (from < length) {
        gsize same = 0;
        for (; from > 0 && from + same < length && same < 67 && in[from + same] == in[from - 1]; same++)
            ;
        if (same >= 4) {
            if (same <= 18) {
                out[to++] = (guint8)((same - 3) << 2);
                out[to++] = 0;
            } else {
                out[to++] = (guint8)(0x40 | (same - 4));
                out[to++] = 0;
                out[to++] = 0;
            }
            from += same;
        } else {
            gsize n = MIN(from == 0 ? 1 : 3, length - from);
            out[to++] = (guint8)(0x80 | (n - 1));
            memcpy(out + to, in + from, n);
            to += n;
            from += n;
        }
    }
    return to;
}

static inline gsize pack_run(guint32 type, const guint8 *in, gsize length, guint8 *out, gsize room)
{
    switch (type) {
    case 0x80000004: return pack_adc(in, length, out);
    case 0x80000005: {
        uLongf n = room;
        g_assert_cmpint(compress2(out, &n, in, length, 6), ==, Z_OK);
        return n;
    }
    case 0x80000006: {
        unsigned int n = (unsigned int)room;
        g_assert_cmpint(
            BZ2_bzBuffToBuffCompress((char *)out, &n, (char *)(guintptr)in, (unsigned int)length, 5, 0, 0),
            ==, BZ_OK);
        return n;
    }
    case 0x80000008: {
        size_t n = 0;
        g_assert_cmpint(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, in, length, out, &n, room), ==,
                        LZMA_OK);
        return n;
    }
    default: memcpy(out, in, length); return length;
    }
}

/* An image of two partitions, each with a table of runs of 256 KiB; a run of zeros has no data. */
static inline void make_dmg(const char *path, const guint8 *bytes, gsize size, guint32 type)
{
    const gsize chunk = 256 << 10;
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_autoptr(GString) xml = g_string_new(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST "
        "1.0//EN\" \"x\">\n<plist version=\"1.0\"><dict><key>resource-fork</key><dict><key>blkx</key>"
        "<array>");
    g_autofree guint8 *out = g_malloc(chunk * 2);
    for (guint part = 0; part < 2; part++) {
        gsize low = part ? size / 2 : 0, high = part ? size : size / 2;
        g_autoptr(GByteArray) mish = g_byte_array_new();
        guint8 head[204] = "mish", run[40];
        guint32 count = 0;
        g_byte_array_append(mish, head, sizeof head);
        for (gsize at = low; at < high; at += chunk) {
            gsize n = MIN(chunk, high - at);
            gboolean zero = image_buffer_is_zero(bytes + at, n);
            gsize packed = zero ? 0 : pack_run(type, bytes + at, n, out, chunk * 2);
            memset(run, 0, sizeof run);
            image_put_be32(run, zero ? 2 : type);
            image_put_be64(run + 8, (at - low) / 512);
            image_put_be64(run + 16, n / 512);
            image_put_be64(run + 24, file->len);
            image_put_be64(run + 32, packed);
            g_byte_array_append(mish, run, sizeof run);
            g_byte_array_append(file, out, (guint)packed);
            count++;
        }
        memset(run, 0, sizeof run);
        image_put_be32(run, 0xffffffff);
        g_byte_array_append(mish, run, sizeof run);
        image_put_be32(mish->data + 4, 1);
        image_put_be64(mish->data + 8, low / 512);
        image_put_be64(mish->data + 16, (high - low) / 512);
        image_put_be32(mish->data + 200, count + 1);
        g_autofree char *base64 = g_base64_encode(mish->data, mish->len);
        g_string_append_printf(xml,
                               "<dict><key>Attributes</key><string>0x0050</string><key>Data</key><data>\n");
        for (gsize i = 0; base64[i]; i++) {
            if (i % 60 == 0)
                g_string_append(xml, "\n\t");
            g_string_append_c(xml, base64[i]);
        }
        g_string_append_printf(xml, "\n</data><key>ID</key><string>%u</string></dict>", part);
    }
    g_string_append(xml, "</array></dict></dict></plist>\n");
    guint8 koly[512] = "koly";
    image_put_be32(koly + 4, 4);
    image_put_be32(koly + 8, 512);
    image_put_be64(koly + 32, file->len);
    image_put_be64(koly + 216, file->len);
    image_put_be64(koly + 224, xml->len);
    image_put_be64(koly + 492, size / 512);
    g_byte_array_append(file, (guint8 *)xml->str, (guint)xml->len);
    g_byte_array_append(file, koly, sizeof koly);
    g_assert_true(g_file_set_contents(path, (char *)file->data, file->len, NULL));
}

#endif
