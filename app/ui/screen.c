/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen widget: a GtkGLArea where OpenGL works; GTK's own textures where it does not, or where the processor would
 * have to play the graphics card for a picture that needs none. */
#include "app/ui/screen.h"

#include "app/i18n.h"
#include "app/ui/picture_tiles.h"
#include "app/ui/pointer_grab.h"
#include "app/ui/renderer.h"
#include "app/ui/screen_gl.h"

#include <linux/input-event-codes.h>
#include <math.h>

#define EVDEV_OFFSET 8 /* X11 and Wayland key codes are evdev's plus 8 */

struct _VitrineScreen {
    GtkWidget parent;
    VitrineSession *session;
    enum scaling scaling;
    enum effect effect;

    GtkWidget *area; /* GtkGLArea, or NULL: no OpenGL */
    struct screen_gl gl;
    struct picture_tiles tiles; /* without real OpenGL */

    int width, height; /* of the guest's picture, 0 = none yet */
    double pixel_aspect;

    struct pointer_grab *grab;
    gboolean captured; /* also true where no grab is possible: plain motion then */
    gboolean has_position;
    double pointer_x, pointer_y, rest_x, rest_y;
    gboolean shortcuts_inhibited;

    gboolean host_down;
    guint8 down[KEY_CNT / 8 + 1], swallowed[KEY_CNT / 8 + 1];
};

G_DEFINE_FINAL_TYPE(VitrineScreen, vitrine_screen, GTK_TYPE_WIDGET)

enum { HOST_CHORD, CAPTURE_CHANGED, PICTURE_RESIZED, N_SIGNALS };
static guint signals[N_SIGNALS];

static struct engine *live_engine(VitrineScreen *self)
{
    return self->session && vitrine_session_is_live(self->session) ? vitrine_session_get_engine(self->session)
                                                                   : NULL;
}

/* ---- where the picture stands ---- */

/* In device pixels of an area of this size. */
static void picture_rectangle(VitrineScreen *self, double width, double height, double *x, double *y,
                              double *w, double *h)
{
    double natural_width = self->width * self->pixel_aspect;
    double factor = MIN(width / MAX(natural_width, 1.0), height / MAX(self->height, 1));

    if (self->scaling == SCALING_INTEGER && factor >= 1)
        factor = floor(factor);
    *w = self->scaling == SCALING_INTEGER ? round(natural_width * factor) : natural_width * factor;
    *h = self->height * factor;
    *x = floor((width - *w) / 2);
    *y = floor((height - *h) / 2);
}

static gboolean announce_size(gpointer data)
{
    gtk_widget_queue_resize(data);
    g_signal_emit(data, signals[PICTURE_RESIZED], 0);
    return G_SOURCE_REMOVE;
}

/* Called while drawing: sizes change after it. */
static void note_size(VitrineScreen *self, const struct engine_frame *frame)
{
    double aspect = frame->pixel_aspect > 0 ? frame->pixel_aspect : 1;

    if (self->width == frame->width && self->height == frame->height && self->pixel_aspect == aspect)
        return;
    self->width = frame->width;
    self->height = frame->height;
    self->pixel_aspect = aspect;
    g_idle_add_full(G_PRIORITY_HIGH, announce_size, g_object_ref(self), g_object_unref);
}

static GdkToplevel *toplevel(VitrineScreen *self)
{
    GtkNative *native = gtk_widget_get_native(GTK_WIDGET(self));
    GdkSurface *surface = native ? gtk_native_get_surface(native) : NULL;

    return GDK_IS_TOPLEVEL(surface) ? GDK_TOPLEVEL(surface) : NULL;
}

/* How many pixels of the display wide a guest's pixel is in a window of natural size: as many as a pixel of the desktop,
 * or fewer where the monitor has no room for that. */
static int natural_enlargement(VitrineScreen *self, double width, double height)
{
    enum { HEADER_AND_STRIP = 96 };
    GdkToplevel *surface = toplevel(self);
    GdkMonitor *monitor = surface ? gdk_display_get_monitor_at_surface(gtk_widget_get_display(GTK_WIDGET(self)),
                                                                       GDK_SURFACE(surface))
                                  : NULL;
    double scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));
    int times = (int)scale;
    GdkRectangle room;

    if (!monitor)
        return 1;
    gdk_monitor_get_geometry(monitor, &room);
    while (times > 1 &&
           (width * times > room.width * scale || height * times > (room.height - HEADER_AND_STRIP) * scale))
        times--;
    return times;
}

static void vitrine_screen_measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                                   int *natural, int *minimum_baseline, int *natural_baseline)
{
    VitrineScreen *self = VITRINE_SCREEN(widget);
    gboolean horizontal = orientation == GTK_ORIENTATION_HORIZONTAL;
    double width = self->width ? self->width * self->pixel_aspect : 1024,
           height = self->height ? self->height : 768;
    double factor = (double)natural_enlargement(self, width, height) / gtk_widget_get_scale_factor(widget);

    *minimum = horizontal ? 160 : 120;
    *natural = MAX(*minimum, (int)ceil((horizontal ? width : height) * factor));
}

static void vitrine_screen_size_allocate(GtkWidget *widget, int width, int height, int baseline)
{
    VitrineScreen *self = VITRINE_SCREEN(widget);

    if (self->area) {
        gtk_widget_allocate(self->area, width, height, baseline, NULL);
        gtk_gl_area_queue_render(GTK_GL_AREA(self->area)); /* it may not have been drawn until now */
    }
}

/* How many times the picture is enlarged pixel by pixel before the smooth rest of the way. */
static int enlargement(VitrineScreen *self, double height)
{
    return self->scaling == SCALING_FIT || !self->height ? 1 : CLAMP((int)floor(height / self->height), 1, 8);
}

static void picture_place(VitrineScreen *self, double *x, double *y, double *w, double *h)
{
    int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));

    picture_rectangle(self, gtk_widget_get_width(GTK_WIDGET(self)) * scale,
                      gtk_widget_get_height(GTK_WIDGET(self)) * scale, x, y, w, h);
}

/* Drawn with textures of GTK rather than with OpenGL. */
static gboolean is_plain(VitrineScreen *self)
{
    double x, y, w, h;

    if (!self->area)
        return TRUE;
    if (self->effect != EFFECT_NONE) /* a shader's work */
        return FALSE;
    if (!renderer_is_software(gtk_widget_get_display(GTK_WIDGET(self))))
        return FALSE;
    picture_place(self, &x, &y, &w, &h);
    int k = enlargement(self, h);
    return w == self->width * k && h == self->height * k;
}

/* ---- with OpenGL ---- */

static gboolean on_render(GtkGLArea *area, GdkGLContext *context, VitrineScreen *self)
{
    int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));
    int width = gtk_widget_get_width(GTK_WIDGET(area)) * scale,
        height = gtk_widget_get_height(GTK_WIDGET(area)) * scale;
    gboolean software = renderer_is_software(gtk_widget_get_display(GTK_WIDGET(self)));
    struct engine *engine = self->session ? vitrine_session_get_engine(self->session) : NULL;
    struct engine_frame frame;
    double x, y, w, h;

    if (engine && engine_acquire_frame(engine, &frame)) {
        if (software)
            picture_tiles_update(&self->tiles, &frame);
        else
            screen_gl_upload(&self->gl, &frame);
        note_size(self, &frame);
    }
    if (software && self->tiles.width) { /* what snapshot() acquired has not come here */
        frame = (struct engine_frame){.pixels = self->tiles.pixels,
                                      .width = self->tiles.width,
                                      .height = self->tiles.height,
                                      .stride = self->tiles.width,
                                      .damage_width = self->tiles.width,
                                      .damage_height = self->tiles.height};
        screen_gl_upload(&self->gl, &frame);
    }
    picture_rectangle(self, width, height, &x, &y, &w, &h);
    screen_gl_draw(&self->gl, width, height, x, y, w, h, self->scaling, self->effect);
    return TRUE;
}

static gboolean drop_area(gpointer data)
{
    VitrineScreen *self = data;

    g_clear_pointer(&self->area, gtk_widget_unparent);
    gtk_widget_queue_draw(GTK_WIDGET(self));
    return G_SOURCE_REMOVE;
}

static void on_area_realize(GtkGLArea *area, VitrineScreen *self)
{
    g_autoptr(GError) error = NULL;

    gtk_gl_area_make_current(area);
    const GError *failed = gtk_gl_area_get_error(area);
    if (!failed &&
        screen_gl_init(&self->gl, gdk_gl_context_get_use_es(gtk_gl_area_get_context(area)), &error))
        return;
    g_info("Drawing without OpenGL: %s", failed ? failed->message : error->message);
    g_idle_add_full(G_PRIORITY_HIGH, drop_area, g_object_ref(self), g_object_unref);
}

static void on_area_unrealize(GtkGLArea *area, VitrineScreen *self)
{
    gtk_gl_area_make_current(area);
    if (!gtk_gl_area_get_error(area))
        screen_gl_finish(&self->gl);
}

/* ---- without ---- */

static void vitrine_screen_snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    VitrineScreen *self = VITRINE_SCREEN(widget);
    struct engine *engine = self->session ? vitrine_session_get_engine(self->session) : NULL;
    int width = gtk_widget_get_width(widget), height = gtk_widget_get_height(widget);
    struct engine_frame frame;
    double x, y, w, h;

    if (!is_plain(self)) {
        gtk_widget_snapshot_child(widget, self->area, snapshot);
        return;
    }
    if (engine && engine_acquire_frame(engine, &frame)) {
        picture_tiles_update(&self->tiles, &frame);
        note_size(self, &frame);
    }
    gtk_snapshot_append_color(snapshot, &(GdkRGBA){0, 0, 0, 1},
                              &GRAPHENE_RECT_INIT(0, 0, (float)width, (float)height));
    picture_place(self, &x, &y, &w, &h);
    picture_tiles_snapshot(&self->tiles, snapshot, gtk_widget_get_scale_factor(widget), x, y, w, h,
                           enlargement(self, h));
}

static void on_frame_ready(VitrineSession *session, VitrineScreen *self)
{
    if (!is_plain(self))
        gtk_gl_area_queue_render(GTK_GL_AREA(self->area));
    /* An area that was not drawn yet does not pass on that it wants to be. */
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

/* ---- pointer ---- */

static void send_relative(VitrineScreen *self, double dx, double dy)
{
    struct engine *engine = live_engine(self);

    /* What is less than a pixel is kept for the next movement. */
    self->rest_x += dx;
    self->rest_y += dy;
    int x = (int)self->rest_x, y = (int)self->rest_y;
    self->rest_x -= x;
    self->rest_y -= y;
    if (engine && (x || y))
        engine_pointer_relative(engine, x, y);
}

static void grabbed_motion(void *opaque, double dx, double dy)
{
    send_relative(opaque, dx, dy);
}

static void grabbed_button(void *opaque, unsigned code, gboolean down)
{
    struct engine *engine = live_engine(opaque);

    if (engine)
        engine_button(engine, code, down);
}

static void grabbed_wheel(void *opaque, int dx, int dy)
{
    struct engine *engine = live_engine(opaque);

    if (engine)
        engine_wheel(engine, dx, dy);
}

void vitrine_screen_capture(VitrineScreen *self)
{
    const struct engine_model *model = self->session ? vitrine_session_get_model(self->session) : NULL;

    gtk_widget_grab_focus(GTK_WIDGET(self));
    if (self->captured || !live_engine(self) || !model || !model->has_pointer || model->pointer_is_absolute)
        return;
    const struct pointer_grab_events events = {grabbed_motion, grabbed_button, grabbed_wheel, self};
    self->grab = pointer_grab_new(GTK_WIDGET(self), &events);
    self->captured = TRUE;
    self->has_position = FALSE;
    gtk_widget_set_cursor_from_name(GTK_WIDGET(self), "none");
    if (g_settings_get_boolean(vitrine_settings_get(), "inhibit-shortcuts") && toplevel(self)) {
        gdk_toplevel_inhibit_system_shortcuts(toplevel(self), NULL);
        self->shortcuts_inhibited = TRUE;
    }
    g_signal_emit(self, signals[CAPTURE_CHANGED], 0);
}

void vitrine_screen_release(VitrineScreen *self)
{
    if (!self->captured)
        return;
    g_clear_pointer(&self->grab, pointer_grab_free);
    self->captured = FALSE;
    if (self->shortcuts_inhibited && toplevel(self))
        gdk_toplevel_restore_system_shortcuts(toplevel(self));
    self->shortcuts_inhibited = FALSE;
    gtk_widget_set_cursor(GTK_WIDGET(self), NULL);
    g_signal_emit(self, signals[CAPTURE_CHANGED], 0);
}

gboolean vitrine_screen_is_captured(VitrineScreen *self)
{
    return self->captured;
}

gboolean vitrine_screen_holds_pointer(VitrineScreen *self)
{
    return self->grab != NULL;
}

static gboolean pointer_is_absolute(VitrineScreen *self)
{
    const struct engine_model *model = self->session ? vitrine_session_get_model(self->session) : NULL;

    return model && model->has_pointer && model->pointer_is_absolute;
}

static void on_motion(GtkEventControllerMotion *controller, double x, double y, VitrineScreen *self)
{
    struct engine *engine = live_engine(self);

    if (engine && pointer_is_absolute(self)) {
        int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));
        double px, py, pw, ph;
        picture_rectangle(self, gtk_widget_get_width(GTK_WIDGET(self)) * scale,
                          gtk_widget_get_height(GTK_WIDGET(self)) * scale, &px, &py, &pw, &ph);
        double across = CLAMP((x * scale - px) / MAX(pw, 1.0), 0.0, 1.0);
        double down = CLAMP((y * scale - py) / MAX(ph, 1.0), 0.0, 1.0);
        engine_pointer_absolute(engine, (unsigned)(across * 65535 + 0.5), (unsigned)(down * 65535 + 0.5));
    } else if (self->captured && !self->grab) {
        if (self->has_position)
            send_relative(self, x - self->pointer_x, y - self->pointer_y);
        self->has_position = TRUE;
    }
    self->pointer_x = x;
    self->pointer_y = y;
}

static unsigned button_code(guint button)
{
    switch (button) {
    case GDK_BUTTON_PRIMARY: return BTN_LEFT;
    case GDK_BUTTON_MIDDLE: return BTN_MIDDLE;
    case GDK_BUTTON_SECONDARY: return BTN_RIGHT;
    default: return 0;
    }
}

static void send_button(VitrineScreen *self, GtkGestureClick *gesture, gboolean down)
{
    unsigned code = button_code(gtk_gesture_single_get_current_button(GTK_GESTURE_SINGLE(gesture)));
    struct engine *engine = live_engine(self);

    if (engine && code && (pointer_is_absolute(self) || (self->captured && !self->grab)))
        engine_button(engine, code, down);
}

static void on_pressed(GtkGestureClick *gesture, int presses, double x, double y, VitrineScreen *self)
{
    gtk_widget_grab_focus(GTK_WIDGET(self));
    send_button(self, gesture, TRUE);
}

static void on_released(GtkGestureClick *gesture, int presses, double x, double y, VitrineScreen *self)
{
    if (pointer_is_absolute(self) || self->captured) {
        send_button(self, gesture, FALSE);
        return;
    }
    /* Not while the button is down: the toolkit holds the pointer then. */
    if (g_settings_get_boolean(vitrine_settings_get(), "capture-on-click"))
        vitrine_screen_capture(self);
}

static gboolean on_scroll(GtkEventControllerScroll *controller, double dx, double dy, VitrineScreen *self)
{
    struct engine *engine = live_engine(self);

    if (!engine || !pointer_is_absolute(self))
        return FALSE;
    engine_wheel(engine, (int)round(dx), (int)round(dy));
    return TRUE;
}

/* ---- keys ---- */

static gboolean bit_get(const guint8 *bits, guint code)
{
    return (bits[code / 8] >> (code % 8)) & 1;
}

static void bit_set(guint8 *bits, guint code, gboolean on)
{
    if (on)
        bits[code / 8] |= (guint8)(1u << (code % 8));
    else
        bits[code / 8] &= (guint8) ~(1u << (code % 8));
}

gboolean vitrine_screen_is_host_key(VitrineScreen *self, guint keycode)
{
    return self->host_down ||
           keycode == (guint)g_settings_get_enum(vitrine_settings_get(), "host-key") + EVDEV_OFFSET;
}

gboolean vitrine_screen_key(VitrineScreen *self, guint keyval, guint keycode, gboolean down)
{
    struct engine *engine = live_engine(self);
    guint code = keycode - EVDEV_OFFSET;

    if (!engine || keycode < EVDEV_OFFSET || code >= KEY_CNT)
        return FALSE;
    if (code == (guint)g_settings_get_enum(vitrine_settings_get(), "host-key")) {
        self->host_down = down;
        return TRUE;
    }
    if (down && self->host_down) {
        if (!bit_get(self->swallowed, code)) {
            bit_set(self->swallowed, code, TRUE);
            g_signal_emit(self, signals[HOST_CHORD], 0, gdk_keyval_to_lower(keyval));
        }
        return TRUE;
    }
    if (bit_get(self->swallowed, code)) {
        if (!down)
            bit_set(self->swallowed, code, FALSE);
        return TRUE;
    }
    if (down && vitrine_session_get_state(self->session) != SESSION_RUNNING)
        return FALSE;
    if (down != bit_get(self->down, code)) { /* the guest's keyboard repeats by itself */
        bit_set(self->down, code, down);
        engine_key(engine, code, down);
    }
    return TRUE;
}

void vitrine_screen_release_keys(VitrineScreen *self)
{
    struct engine *engine = live_engine(self);

    self->host_down = FALSE;
    memset(self->down, 0, sizeof(self->down));
    memset(self->swallowed, 0, sizeof(self->swallowed));
    if (engine)
        engine_release_all_keys(engine);
}

static void on_focus_leave(GtkEventControllerFocus *controller, VitrineScreen *self)
{
    vitrine_screen_release_keys(self);
    vitrine_screen_release(self);
}

/* ---- object ---- */

static void update_watched(VitrineScreen *self)
{
    struct engine *engine = self->session ? vitrine_session_get_engine(self->session) : NULL;

    if (engine)
        engine_set_watched(engine, gtk_widget_get_mapped(GTK_WIDGET(self)));
}

static void on_session_state(VitrineSession *session, VitrineScreen *self)
{
    update_watched(self);
    on_frame_ready(session, self);
    if (!vitrine_session_is_live(session))
        vitrine_screen_release(self);
}

void vitrine_screen_set_session(VitrineScreen *self, VitrineSession *session)
{
    if (self->session)
        g_signal_handlers_disconnect_by_data(self->session, self);
    g_set_object(&self->session, session);
    if (session) {
        g_signal_connect(session, "frame-ready", G_CALLBACK(on_frame_ready), self);
        g_signal_connect(session, "state-changed", G_CALLBACK(on_session_state), self);
        g_signal_connect(session, "restored", G_CALLBACK(on_session_state), self);
        update_watched(self);
    }
}

static void on_setting(VitrineScreen *self)
{
    self->scaling = (enum scaling)g_settings_get_enum(vitrine_settings_get(), "scaling");
    self->effect = (enum effect)g_settings_get_enum(vitrine_settings_get(), "effect");
    on_frame_ready(NULL, self);
}

static void vitrine_screen_map(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(vitrine_screen_parent_class)->map(widget);
    update_watched(VITRINE_SCREEN(widget));
    on_frame_ready(NULL, VITRINE_SCREEN(widget));
}

static void vitrine_screen_unmap(GtkWidget *widget)
{
    vitrine_screen_release(VITRINE_SCREEN(widget));
    GTK_WIDGET_CLASS(vitrine_screen_parent_class)->unmap(widget);
    update_watched(VITRINE_SCREEN(widget));
}

static void vitrine_screen_dispose(GObject *object)
{
    VitrineScreen *self = VITRINE_SCREEN(object);

    vitrine_screen_set_session(self, NULL);
    g_clear_pointer(&self->grab, pointer_grab_free);
    g_clear_pointer(&self->area, gtk_widget_unparent);
    picture_tiles_clear(&self->tiles);
    G_OBJECT_CLASS(vitrine_screen_parent_class)->dispose(object);
}

static void vitrine_screen_class_init(VitrineScreenClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_screen_dispose;
    widget->measure = vitrine_screen_measure;
    widget->size_allocate = vitrine_screen_size_allocate;
    widget->snapshot = vitrine_screen_snapshot;
    widget->map = vitrine_screen_map;
    widget->unmap = vitrine_screen_unmap;
    signals[HOST_CHORD] = g_signal_new("host-chord", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                       NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
    signals[CAPTURE_CHANGED] = g_signal_new("capture-changed", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0,
                                            NULL, NULL, NULL, G_TYPE_NONE, 0);
    signals[PICTURE_RESIZED] = g_signal_new("picture-resized", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0,
                                            NULL, NULL, NULL, G_TYPE_NONE, 0);
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_IMG);
    gtk_widget_class_set_css_name(widget, "screen");
}

static void vitrine_screen_init(VitrineScreen *self)
{
    GtkWidget *widget = GTK_WIDGET(self);
    GtkEventController *motion = gtk_event_controller_motion_new();
    GtkEventController *scroll = gtk_event_controller_scroll_new(GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES |
                                                                 GTK_EVENT_CONTROLLER_SCROLL_DISCRETE);
    GtkEventController *focus = gtk_event_controller_focus_new();
    GtkGesture *click = gtk_gesture_click_new();

    self->pixel_aspect = 1;
    gtk_widget_set_focusable(widget, TRUE);
    gtk_widget_set_hexpand(widget, TRUE);
    gtk_widget_set_vexpand(widget, TRUE);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   _("Screen of the machine"), -1);

    gtk_gesture_single_set_button(GTK_GESTURE_SINGLE(click), 0);
    g_signal_connect(motion, "motion", G_CALLBACK(on_motion), self);
    g_signal_connect(scroll, "scroll", G_CALLBACK(on_scroll), self);
    g_signal_connect(focus, "leave", G_CALLBACK(on_focus_leave), self);
    g_signal_connect(click, "pressed", G_CALLBACK(on_pressed), self);
    g_signal_connect(click, "released", G_CALLBACK(on_released), self);
    gtk_widget_add_controller(widget, motion);
    gtk_widget_add_controller(widget, scroll);
    gtk_widget_add_controller(widget, focus);
    gtk_widget_add_controller(widget, GTK_EVENT_CONTROLLER(click));

    if (!g_getenv("VITRINE_NO_OPENGL")) {
        self->area = gtk_gl_area_new();
        gtk_gl_area_set_auto_render(GTK_GL_AREA(self->area), FALSE);
        gtk_widget_set_can_target(self->area, FALSE);
        g_signal_connect(self->area, "realize", G_CALLBACK(on_area_realize), self);
        g_signal_connect(self->area, "unrealize", G_CALLBACK(on_area_unrealize), self);
        g_signal_connect(self->area, "render", G_CALLBACK(on_render), self);
        gtk_widget_set_parent(self->area, widget);
    }
    g_signal_connect_object(vitrine_settings_get(), "changed::scaling", G_CALLBACK(on_setting), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(vitrine_settings_get(), "changed::effect", G_CALLBACK(on_setting), self,
                            G_CONNECT_SWAPPED);
    on_setting(self);
}
