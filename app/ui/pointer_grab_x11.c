/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * X11: a grab that confines the pointer to the window, and raw motion by the X Input extension 2 (XI2
 * protocol, "Raw events"), which goes on where the pointer cannot. A connection of our own: the toolkit's
 * knows nothing of it.
 */
#include "app/ui/pointer_grab.h"

#include <X11/Xlib.h>
#include <X11/extensions/XInput2.h>
#include <gdk/x11/gdkx.h>
#include <glib-unix.h>
#include <linux/input-event-codes.h>

struct device {
    int id;
    gboolean absolute;
    gboolean has_last;
    double last[2];
};

struct x11_grab {
    struct pointer_grab base;
    struct pointer_grab_events events;
    Display *display;
    Cursor cursor;
    int opcode;
    guint source;
    GArray *devices; /* struct device */
};

static void x11_release(struct pointer_grab *base)
{
    struct x11_grab *grab = (struct x11_grab *)base;

    if (grab->source)
        g_source_remove(grab->source);
    XUngrabPointer(grab->display, CurrentTime);
    XCloseDisplay(grab->display);
    g_array_unref(grab->devices);
    g_free(grab);
}

static struct device *find_device(struct x11_grab *grab, int id)
{
    for (guint i = 0; i < grab->devices->len; i++) {
        struct device *known = &g_array_index(grab->devices, struct device, i);
        if (known->id == id)
            return known;
    }
    struct device device = {.id = id};
    int count;
    XIDeviceInfo *info = XIQueryDevice(grab->display, id, &count);
    for (int i = 0; info && i < info->num_classes; i++) {
        const XIValuatorClassInfo *valuator = (const XIValuatorClassInfo *)info->classes[i];
        if (valuator->type == XIValuatorClass && valuator->number == 0)
            device.absolute = valuator->mode == XIModeAbsolute && valuator->max > valuator->min;
    }
    if (info)
        XIFreeDeviceInfo(info);
    g_array_append_val(grab->devices, device);
    return &g_array_index(grab->devices, struct device, grab->devices->len - 1);
}

static void raw_motion(struct x11_grab *grab, const XIRawEvent *event)
{
    struct device *device = find_device(grab, event->sourceid);
    const double *value = event->valuators.values;
    double moved[2] = {0, 0};

    for (int axis = 0; axis < event->valuators.mask_len * 8; axis++) {
        if (!XIMaskIsSet(event->valuators.mask, axis))
            continue;
        double number = *value++;
        if (axis > 1)
            continue;
        if (device->absolute) {
            moved[axis] = device->has_last ? number - device->last[axis] : 0;
            device->last[axis] = number;
        } else {
            moved[axis] = number;
        }
    }
    device->has_last = TRUE;
    if (moved[0] != 0 || moved[1] != 0)
        grab->events.motion(grab->events.opaque, moved[0], moved[1]);
}

static void raw_button(struct x11_grab *grab, int button, gboolean down)
{
    static const unsigned codes[] = {
        [1] = BTN_LEFT, [2] = BTN_MIDDLE, [3] = BTN_RIGHT, [8] = BTN_SIDE, [9] = BTN_EXTRA};
    enum { WHEEL_UP = 4, WHEEL_DOWN, WHEEL_LEFT, WHEEL_RIGHT };

    if (button >= WHEEL_UP && button <= WHEEL_RIGHT) {
        if (down)
            grab->events.wheel(grab->events.opaque, (button == WHEEL_RIGHT) - (button == WHEEL_LEFT),
                               (button == WHEEL_DOWN) - (button == WHEEL_UP));
    } else if (button > 0 && (gsize)button < G_N_ELEMENTS(codes) && codes[button]) {
        grab->events.button(grab->events.opaque, codes[button], down);
    }
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer user_data)
{
    struct x11_grab *grab = user_data;

    while (XPending(grab->display) > 0) {
        XEvent event;
        XNextEvent(grab->display, &event);
        if (event.type != GenericEvent || event.xcookie.extension != grab->opcode ||
            !XGetEventData(grab->display, &event.xcookie))
            continue;
        const XIRawEvent *raw = event.xcookie.data;
        /* A callback may end the grab. */
        GSource *current = g_main_current_source();
        switch (event.xcookie.evtype) {
        case XI_RawMotion: raw_motion(grab, raw); break;
        case XI_RawButtonPress: raw_button(grab, raw->detail, TRUE); break;
        case XI_RawButtonRelease: raw_button(grab, raw->detail, FALSE); break;
        default: break;
        }
        if (g_source_is_destroyed(current))
            return G_SOURCE_REMOVE;
        XFreeEventData(grab->display, &event.xcookie);
    }
    return G_SOURCE_CONTINUE;
}

static struct pointer_grab *x11_grab(GtkWidget *widget, const struct pointer_grab_events *events)
{
    GdkDisplay *gdk_display = gtk_widget_get_display(widget);
    GtkNative *native = gtk_widget_get_native(widget);

    if (!GDK_IS_X11_DISPLAY(gdk_display) || !native)
        return NULL;
    Display *display = XOpenDisplay(gdk_display_get_name(gdk_display));
    if (!display)
        return NULL;

    Window window = gdk_x11_surface_get_xid(gtk_native_get_surface(native));
    int opcode, first_event, first_error, major = 2, minor = 2;
    if (!XQueryExtension(display, "XInputExtension", &opcode, &first_event, &first_error) ||
        XIQueryVersion(display, &major, &minor) != Success) {
        XCloseDisplay(display);
        return NULL;
    }
    char empty = 0;
    XColor black = {0};
    Pixmap pixmap = XCreateBitmapFromData(display, window, &empty, 1, 1);
    Cursor cursor = XCreatePixmapCursor(display, pixmap, pixmap, &black, &black, 0, 0);
    XFreePixmap(display, pixmap);
    if (XGrabPointer(display, window, False, 0, GrabModeAsync, GrabModeAsync, window, cursor, CurrentTime) !=
        GrabSuccess) {
        XCloseDisplay(display);
        return NULL;
    }

    unsigned char bits[XIMaskLen(XI_LASTEVENT)] = {0};
    XIEventMask mask = {XIAllMasterDevices, sizeof(bits), bits};
    XISetMask(bits, XI_RawMotion);
    XISetMask(bits, XI_RawButtonPress);
    XISetMask(bits, XI_RawButtonRelease);
    XISelectEvents(display, DefaultRootWindow(display), &mask, 1);
    XFlush(display);

    struct x11_grab *grab = g_new0(struct x11_grab, 1);
    grab->events = *events;
    grab->display = display;
    grab->cursor = cursor;
    grab->opcode = opcode;
    grab->devices = g_array_new(FALSE, FALSE, sizeof(struct device));
    grab->source = g_unix_fd_add(ConnectionNumber(display), G_IO_IN, on_readable, grab);
    return &grab->base;
}

const struct pointer_grab_class pointer_grab_x11 = {x11_grab, x11_release};
