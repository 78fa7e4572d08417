/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the way to capture the pointer on the display that the widget is on. */
#include "app/ui/pointer_grab.h"

static const struct pointer_grab_class *const classes[] = {
#ifdef HAVE_WAYLAND_GRAB
    &pointer_grab_wayland,
#endif
#ifdef HAVE_X11_GRAB
    &pointer_grab_x11,
#endif
    NULL,
};

struct pointer_grab *pointer_grab_new(GtkWidget *widget, const struct pointer_grab_events *events)
{
    for (const struct pointer_grab_class *const *class = classes; *class; class ++) {
        struct pointer_grab *grab = (*class)->grab(widget, events);
        if (grab) {
            grab->class = *class;
            return grab;
        }
    }
    return NULL;
}

void pointer_grab_free(struct pointer_grab *grab)
{
    if (grab)
        grab->class->release(grab);
}
