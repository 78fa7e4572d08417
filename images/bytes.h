/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers in the headers and tables of image files, at any alignment. */
#ifndef VITRINE_IMAGES_BYTES_H
#define VITRINE_IMAGES_BYTES_H

#include <glib.h>

#define IMAGE_BYTES(bits, order, ORDER)                                                                      \
    static inline guint##bits image_get_##order##bits(const guint8 *at)                                      \
    {                                                                                                        \
        guint##bits value;                                                                                   \
        __builtin_memcpy(&value, at, sizeof value);                                                          \
        return GUINT##bits##_FROM_##ORDER(value);                                                            \
    }                                                                                                        \
    static inline void image_put_##order##bits(guint8 *at, guint##bits value)                                \
    {                                                                                                        \
        value = GUINT##bits##_TO_##ORDER(value);                                                             \
        __builtin_memcpy(at, &value, sizeof value);                                                          \
    }

IMAGE_BYTES(16, be, BE)
IMAGE_BYTES(32, be, BE)
IMAGE_BYTES(64, be, BE)
IMAGE_BYTES(16, le, LE)
IMAGE_BYTES(32, le, LE)
IMAGE_BYTES(64, le, LE)

#undef IMAGE_BYTES

#endif
