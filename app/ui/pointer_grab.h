/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A captured pointer: it stays in one place, and its movements arrive as differences. GTK 4 has no such
 * thing; each display system has its own way, and where none is known the caller works with ordinary motion.
 */
#pragma once

#include <gtk/gtk.h>

struct pointer_grab_events {
    void (*motion)(void *opaque, double dx, double dy);         /* pixels */
    void (*button)(void *opaque, unsigned code, gboolean down); /* BTN_LEFT … */
    void (*wheel)(void *opaque, int dx, int dy);                /* clicks; down and right are positive */
    void *opaque;
};

struct pointer_grab;

/* Captures the pointer in the widget's window; NULL if that cannot be done here (now). */
struct pointer_grab *pointer_grab_new(GtkWidget *widget, const struct pointer_grab_events *events);
/* Lets it go. NULL is allowed. */
void pointer_grab_free(struct pointer_grab *grab);

/* One row for each display system. */
struct pointer_grab_class {
    struct pointer_grab *(*grab)(GtkWidget *widget, const struct pointer_grab_events *events);
    void (*release)(struct pointer_grab *grab);
};
struct pointer_grab {
    const struct pointer_grab_class *class;
};
extern const struct pointer_grab_class pointer_grab_wayland, pointer_grab_x11;
