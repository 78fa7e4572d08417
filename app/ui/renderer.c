/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drawing a blinking cursor costs a frame: on a processor that plays a graphics card that is most of an idle machine. */
#include "app/ui/renderer.h"

#include <epoxy/gl.h>
#include <string.h>

#define SOFTWARE "vitrine-software-gl"

/* What Mesa's and other rasterisers call themselves in GL_RENDERER. */
static const char *const rasterisers[] = {"llvmpipe", "softpipe", "swr", "Software Rasterizer", "SwiftShader"};

static gboolean ask(GdkDisplay *display)
{
    g_autoptr(GdkGLContext) context = gdk_display_create_gl_context(display, NULL);

    if (!context || !gdk_gl_context_realize(context, NULL))
        return FALSE;
    gdk_gl_context_make_current(context);
    const char *renderer = (const char *)glGetString(GL_RENDERER);
    gboolean software = FALSE;
    for (guint i = 0; renderer && i < G_N_ELEMENTS(rasterisers); i++)
        software = software || strstr(renderer, rasterisers[i]);
    gdk_gl_context_clear_current();
    return software;
}

void renderer_choose(GdkDisplay *display)
{
    if (!ask(display))
        return;
    g_object_set_data(G_OBJECT(display), SOFTWARE, GINT_TO_POINTER(TRUE));
    g_setenv("GSK_RENDERER", "cairo", FALSE);
}

gboolean renderer_is_software(GdkDisplay *display)
{
    return GPOINTER_TO_INT(g_object_get_data(G_OBJECT(display), SOFTWARE));
}
