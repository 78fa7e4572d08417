/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHDX: the replay of its log, used by its reader. */
#ifndef VITRINE_IMAGES_VHDX_H
#define VITRINE_IMAGES_VHDX_H

#include "images/internal.h"

guint32 vhdx_crc32c(guint32 crc, const void *bytes, gsize length);
/* With the field of the checksum itself taken as zero. */
guint32 vhdx_checksum(const guint8 *bytes, gsize length, gsize field);

/*
 * Finds the sequence of log entries that counts and lays it over what @file reads from now on; the file
 * itself is not changed. The result, NULL when there is nothing to replay, belongs to the caller and must
 * outlive reading.
 */
typedef struct VhdxReplay VhdxReplay;
gboolean vhdx_replay(ImageFile *file, guint64 log, guint32 length, const guint8 guid[16], VhdxReplay **replay,
                     GError **error);
void vhdx_replay_free(VhdxReplay *replay, ImageFile *file);

#endif
