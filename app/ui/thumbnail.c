/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws a texture that covers the whole widget, cut at its longer edges, with the corners of its style. */
#include "app/ui/thumbnail.h"

struct _VitrineThumbnail {
    GtkWidget parent;
    GtkWidget *picture, *icon;
    GCancellable *loading;
    double aspect; /* width by height; 0: whatever it is given */
};

G_DEFINE_FINAL_TYPE(VitrineThumbnail, vitrine_thumbnail, GTK_TYPE_WIDGET)

enum { PROP_0, PROP_SYMBOL_SIZE, PROP_ASPECT, N_PROPS };
static GParamSpec *props[N_PROPS];

static void load_texture(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    GError *error = NULL;
    GdkTexture *texture = gdk_texture_new_from_filename(task_data, &error);

    if (texture)
        g_task_return_pointer(task, texture, g_object_unref);
    else
        g_task_return_error(task, error);
}

static void show(VitrineThumbnail *self, GdkTexture *texture)
{
    gtk_picture_set_paintable(GTK_PICTURE(self->picture), GDK_PAINTABLE(texture));
    gtk_widget_set_visible(self->picture, texture != NULL);
    gtk_widget_set_visible(self->icon, texture == NULL);
}

static void texture_loaded(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineThumbnail *self = VITRINE_THUMBNAIL(source);
    g_autoptr(GError) error = NULL;
    g_autoptr(GdkTexture) texture = g_task_propagate_pointer(G_TASK(result), &error);

    if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) && self->picture)
        show(self, texture);
}

void vitrine_thumbnail_set_file(VitrineThumbnail *self, const char *path)
{
    g_cancellable_cancel(self->loading);
    g_clear_object(&self->loading);
    if (!path) {
        show(self, NULL);
        return;
    }
    self->loading = g_cancellable_new();
    g_autoptr(GTask) task = g_task_new(self, self->loading, texture_loaded, NULL);
    g_task_set_task_data(task, g_strdup(path), g_free);
    g_task_run_in_thread(task, load_texture);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    VitrineThumbnail *self = VITRINE_THUMBNAIL(object);

    if (id == PROP_ASPECT)
        g_value_set_double(value, self->aspect);
    else
        g_value_set_int(value, gtk_image_get_pixel_size(GTK_IMAGE(self->icon)));
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    VitrineThumbnail *self = VITRINE_THUMBNAIL(object);

    if (id == PROP_ASPECT) {
        self->aspect = g_value_get_double(value);
        gtk_widget_queue_resize(GTK_WIDGET(self));
    } else {
        gtk_image_set_pixel_size(GTK_IMAGE(self->icon), g_value_get_int(value));
    }
}

static GtkSizeRequestMode vitrine_thumbnail_get_request_mode(GtkWidget *widget)
{
    return VITRINE_THUMBNAIL(widget)->aspect > 0 ? GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH : GTK_SIZE_REQUEST_CONSTANT_SIZE;
}

static void vitrine_thumbnail_measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                                      int *natural, int *minimum_baseline, int *natural_baseline)
{
    VitrineThumbnail *self = VITRINE_THUMBNAIL(widget);
    int side = MAX(gtk_image_get_pixel_size(GTK_IMAGE(self->icon)), 0);

    if (self->aspect > 0 && orientation == GTK_ORIENTATION_VERTICAL && for_size > 0)
        side = MAX(side, (int)(for_size / self->aspect));
    *minimum = *natural = side;
}

static void vitrine_thumbnail_size_allocate(GtkWidget *widget, int width, int height, int baseline)
{
    VitrineThumbnail *self = VITRINE_THUMBNAIL(widget);

    gtk_widget_allocate(self->icon, width, height, -1, NULL);
    gtk_widget_allocate(self->picture, width, height, -1, NULL);
}

static void vitrine_thumbnail_dispose(GObject *object)
{
    VitrineThumbnail *self = VITRINE_THUMBNAIL(object);

    g_cancellable_cancel(self->loading);
    g_clear_object(&self->loading);
    g_clear_pointer(&self->picture, gtk_widget_unparent);
    g_clear_pointer(&self->icon, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_thumbnail_parent_class)->dispose(object);
}

static void vitrine_thumbnail_class_init(VitrineThumbnailClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_thumbnail_dispose;
    G_OBJECT_CLASS(klass)->get_property = get_property;
    G_OBJECT_CLASS(klass)->set_property = set_property;
    props[PROP_SYMBOL_SIZE] = g_param_spec_int("symbol-size", NULL, NULL, -1, 512, 64,
                                               G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
    props[PROP_ASPECT] = g_param_spec_double("aspect", NULL, NULL, 0, 10, 0, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);
    widget->get_request_mode = vitrine_thumbnail_get_request_mode;
    widget->measure = vitrine_thumbnail_measure;
    widget->size_allocate = vitrine_thumbnail_size_allocate;
    gtk_widget_class_set_css_name(widget, "thumbnail");
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_IMG);
}

static void vitrine_thumbnail_init(VitrineThumbnail *self)
{
    self->icon = g_object_new(GTK_TYPE_IMAGE, "icon-name", "computer-symbolic", "pixel-size", 64, "accessible-role",
                              GTK_ACCESSIBLE_ROLE_PRESENTATION, "hexpand", TRUE, "vexpand", TRUE, NULL);
    gtk_widget_add_css_class(self->icon, "dim-label");
    self->picture = g_object_new(GTK_TYPE_PICTURE, "can-shrink", TRUE, "content-fit", GTK_CONTENT_FIT_COVER,
                                 "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION, "visible", FALSE, NULL);
    gtk_widget_set_overflow(GTK_WIDGET(self), GTK_OVERFLOW_HIDDEN);
    gtk_widget_set_parent(self->icon, GTK_WIDGET(self));
    gtk_widget_set_parent(self->picture, GTK_WIDGET(self));
}
