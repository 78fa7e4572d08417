/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wayland: the pointer is locked where it is (pointer-constraints-unstable-v1) and its movements arrive as
 * differences (relative-pointer-unstable-v1). The lock holds as soon as the pointer is over the widget. A
 * wl_pointer of our own on the toolkit's connection tells of buttons and the wheel; the toolkit's is not for us.
 */
#include "app/ui/pointer_grab.h"

#include "pointer-constraints-unstable-v1-client.h"
#include "relative-pointer-unstable-v1-client.h"

#include <gdk/wayland/gdkwayland.h>
#include <math.h>

#define STEPS_PER_CLICK 10.0 /* what compositors say of one click of a wheel, in axis events */

struct wayland_grab {
    struct pointer_grab base;
    struct pointer_grab_events events;
    struct wl_pointer *pointer;
    struct zwp_pointer_constraints_v1 *constraints;
    struct zwp_relative_pointer_manager_v1 *manager;
    struct zwp_relative_pointer_v1 *relative;
    struct zwp_locked_pointer_v1 *lock;
    gboolean locked;
    double scrolled[2]; /* by wl_pointer.axis: down, right */
    gboolean discrete;  /* this frame told of clicks, too */
};

/* ---- the lock ---- */

static void on_locked(void *data, struct zwp_locked_pointer_v1 *lock)
{
    ((struct wayland_grab *)data)->locked = TRUE;
}

static void on_unlocked(void *data, struct zwp_locked_pointer_v1 *lock)
{
    ((struct wayland_grab *)data)->locked = FALSE;
}

static const struct zwp_locked_pointer_v1_listener lock_listener = {on_locked, on_unlocked};

static void on_relative_motion(void *data, struct zwp_relative_pointer_v1 *relative, uint32_t time_high,
                               uint32_t time_low, wl_fixed_t dx, wl_fixed_t dy, wl_fixed_t dx_unaccelerated,
                               wl_fixed_t dy_unaccelerated)
{
    struct wayland_grab *grab = data;

    if (grab->locked)
        grab->events.motion(grab->events.opaque, wl_fixed_to_double(dx), wl_fixed_to_double(dy));
}

static const struct zwp_relative_pointer_v1_listener relative_listener = {on_relative_motion};

/* ---- buttons and the wheel ---- */

static void on_enter(void *data, struct wl_pointer *pointer, uint32_t serial, struct wl_surface *surface,
                     wl_fixed_t x, wl_fixed_t y)
{
}

static void on_leave(void *data, struct wl_pointer *pointer, uint32_t serial, struct wl_surface *surface)
{
}

static void on_motion(void *data, struct wl_pointer *pointer, uint32_t time, wl_fixed_t x, wl_fixed_t y)
{
}

static void on_button(void *data, struct wl_pointer *pointer, uint32_t serial, uint32_t time, uint32_t button,
                      uint32_t state)
{
    struct wayland_grab *grab = data;

    if (grab->locked)
        grab->events.button(grab->events.opaque, button, state == WL_POINTER_BUTTON_STATE_PRESSED);
}

static void scroll(struct wayland_grab *grab, uint32_t axis, int clicks)
{
    gboolean across = axis == WL_POINTER_AXIS_HORIZONTAL_SCROLL;

    if (grab->locked && clicks)
        grab->events.wheel(grab->events.opaque, across ? clicks : 0, across ? 0 : clicks);
}

static void on_axis(void *data, struct wl_pointer *pointer, uint32_t time, uint32_t axis, wl_fixed_t value)
{
    struct wayland_grab *grab = data;

    if (axis >= G_N_ELEMENTS(grab->scrolled) || grab->discrete)
        return;
    double *scrolled = &grab->scrolled[axis];
    *scrolled += wl_fixed_to_double(value) / STEPS_PER_CLICK;
    int clicks = (int)trunc(*scrolled);
    *scrolled -= clicks;
    scroll(grab, axis, clicks);
}

static void on_frame(void *data, struct wl_pointer *pointer)
{
    ((struct wayland_grab *)data)->discrete = FALSE;
}

static void on_axis_source(void *data, struct wl_pointer *pointer, uint32_t source)
{
}

static void on_axis_stop(void *data, struct wl_pointer *pointer, uint32_t time, uint32_t axis)
{
    struct wayland_grab *grab = data;

    if (axis < G_N_ELEMENTS(grab->scrolled))
        grab->scrolled[axis] = 0;
}

/* Comes before the axis event of the same frame. */
static void on_axis_discrete(void *data, struct wl_pointer *pointer, uint32_t axis, int32_t clicks)
{
    ((struct wayland_grab *)data)->discrete = TRUE;
    scroll(data, axis, clicks);
}

static const struct wl_pointer_listener pointer_listener = {
    .enter = on_enter,
    .leave = on_leave,
    .motion = on_motion,
    .button = on_button,
    .axis = on_axis,
    .frame = on_frame,
    .axis_source = on_axis_source,
    .axis_stop = on_axis_stop,
    .axis_discrete = on_axis_discrete,
};

/* ---- what the compositor can do ---- */

static void on_global(void *data, struct wl_registry *registry, uint32_t name, const char *interface,
                      uint32_t version)
{
    struct wayland_grab *grab = data;

    if (!grab->constraints && strcmp(interface, zwp_pointer_constraints_v1_interface.name) == 0)
        grab->constraints = wl_registry_bind(registry, name, &zwp_pointer_constraints_v1_interface, 1);
    else if (!grab->manager && strcmp(interface, zwp_relative_pointer_manager_v1_interface.name) == 0)
        grab->manager = wl_registry_bind(registry, name, &zwp_relative_pointer_manager_v1_interface, 1);
}

static void on_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
}

static const struct wl_registry_listener registry_listener = {on_global, on_global_remove};

/* On a queue of its own: nothing of the toolkit's is dispatched in between. */
static void find_globals(struct wayland_grab *grab, struct wl_display *display)
{
    struct wl_event_queue *queue = wl_display_create_queue(display);
    struct wl_display *wrapper = wl_proxy_create_wrapper(display);

    wl_proxy_set_queue((struct wl_proxy *)wrapper, queue);
    struct wl_registry *registry = wl_display_get_registry(wrapper);
    wl_registry_add_listener(registry, &registry_listener, grab);
    wl_display_roundtrip_queue(display, queue);
    wl_registry_destroy(registry);
    wl_proxy_wrapper_destroy(wrapper);
    /* What comes of these two is for the toolkit's main loop. */
    if (grab->constraints)
        wl_proxy_set_queue((struct wl_proxy *)grab->constraints, NULL);
    if (grab->manager)
        wl_proxy_set_queue((struct wl_proxy *)grab->manager, NULL);
    wl_event_queue_destroy(queue);
}

/* ---- grab ---- */

static void wayland_release(struct pointer_grab *base)
{
    struct wayland_grab *grab = (struct wayland_grab *)base;

    g_clear_pointer(&grab->relative, zwp_relative_pointer_v1_destroy);
    g_clear_pointer(&grab->lock, zwp_locked_pointer_v1_destroy);
    g_clear_pointer(&grab->manager, zwp_relative_pointer_manager_v1_destroy);
    g_clear_pointer(&grab->constraints, zwp_pointer_constraints_v1_destroy);
    if (grab->pointer && wl_pointer_get_version(grab->pointer) >= WL_POINTER_RELEASE_SINCE_VERSION)
        wl_pointer_release(grab->pointer);
    else if (grab->pointer)
        wl_pointer_destroy(grab->pointer);
    g_free(grab);
}

/* The widget's place on its surface, shadows of the window included. */
static struct wl_region *region_of(GtkWidget *widget, GtkNative *native, GdkDisplay *display)
{
    graphene_rect_t bounds;
    double x, y;

    if (!gtk_widget_compute_bounds(widget, GTK_WIDGET(native), &bounds))
        return NULL;
    gtk_native_get_surface_transform(native, &x, &y);
    struct wl_region *region =
        wl_compositor_create_region(gdk_wayland_display_get_wl_compositor(GDK_WAYLAND_DISPLAY(display)));
    wl_region_add(region, (int)(bounds.origin.x + x), (int)(bounds.origin.y + y), (int)bounds.size.width,
                  (int)bounds.size.height);
    return region;
}

static struct pointer_grab *wayland_grab(GtkWidget *widget, const struct pointer_grab_events *events)
{
    GdkDisplay *display = gtk_widget_get_display(widget);
    GtkNative *native = gtk_widget_get_native(widget);

    if (!GDK_IS_WAYLAND_DISPLAY(display) || !native)
        return NULL;
    GdkSeat *seat = gdk_display_get_default_seat(display);
    if (!seat || !(gdk_seat_get_capabilities(seat) & GDK_SEAT_CAPABILITY_POINTER))
        return NULL;
    struct wl_surface *surface =
        gdk_wayland_surface_get_wl_surface(GDK_WAYLAND_SURFACE(gtk_native_get_surface(native)));

    struct wayland_grab *grab = g_new0(struct wayland_grab, 1);
    grab->events = *events;
    find_globals(grab, gdk_wayland_display_get_wl_display(GDK_WAYLAND_DISPLAY(display)));
    if (!grab->constraints || !grab->manager) {
        wayland_release(&grab->base);
        return NULL;
    }
    grab->pointer = wl_seat_get_pointer(gdk_wayland_seat_get_wl_seat(GDK_WAYLAND_SEAT(seat)));
    wl_pointer_add_listener(grab->pointer, &pointer_listener, grab);
    grab->relative = zwp_relative_pointer_manager_v1_get_relative_pointer(grab->manager, grab->pointer);
    zwp_relative_pointer_v1_add_listener(grab->relative, &relative_listener, grab);
    struct wl_region *region = region_of(widget, native, display);
    grab->lock =
        zwp_pointer_constraints_v1_lock_pointer(grab->constraints, surface, grab->pointer, region,
                                                ZWP_POINTER_CONSTRAINTS_V1_LIFETIME_PERSISTENT);
    zwp_locked_pointer_v1_add_listener(grab->lock, &lock_listener, grab);
    g_clear_pointer(&region, wl_region_destroy);
    return &grab->base;
}

const struct pointer_grab_class pointer_grab_wayland = {wayland_grab, wayland_release};
