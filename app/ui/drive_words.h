/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's hard disks in people's words: people know disks and snapshots, not the files of layers. */
#pragma once

#include "app/bundle.h"

G_BEGIN_DECLS

/*
 * "2.0 GiB, on the snapshot “System Installed”"; a sentence where the image has a problem; "" where it is not known.
 * `known`: of disk_search_run(), may be NULL. `usage`: tell the room that it takes here, too. g_free().
 */
char *drive_words_describe(GListModel *known, VitrineBundle *bundle, const struct machine_drive *drive,
                           gboolean usage);

G_END_DECLS
