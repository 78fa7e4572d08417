/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How windows are drawn on this display. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Before the first window: where OpenGL is made by the processor, GTK draws its widgets with cairo, which redraws only
 * what has changed. Who sets GSK_RENDERER has chosen. */
void renderer_choose(GdkDisplay *display);

/* OpenGL is there, but made by the processor: pictures that need no shader are better drawn without it. */
gboolean renderer_is_software(GdkDisplay *display);

G_END_DECLS
