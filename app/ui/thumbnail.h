/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture from a file, loaded on a worker thread; a computer's symbol where there is none. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_THUMBNAIL (vitrine_thumbnail_get_type())
G_DECLARE_FINAL_TYPE(VitrineThumbnail, vitrine_thumbnail, VITRINE, THUMBNAIL, GtkWidget)

/* `path` NULL, or a file that is no picture: the symbol. Loads again though it is the same path. */
void vitrine_thumbnail_set_file(VitrineThumbnail *self, const char *path);

G_END_DECLS
