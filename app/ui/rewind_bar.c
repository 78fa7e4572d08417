/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of thumbnails over VitrineRewind. */
#include "app/ui/rewind_bar.h"

#include "app/i18n.h"
#include "app/rewind.h"
#include "app/settings.h"
#include "app/ui/dialogs.h"

#define THUMBNAIL_WIDTH 112

struct _VitrineRewindBar {
    GtkWidget parent;
    VitrineSession *session;
    VitrineRewind *rewind; /* of the session; NULL while it has none */
    gboolean filling, was_running;
    guint going;           /* how many moments are on their way */
    gboolean resume_there; /* once one is there */

    GtkRevealer *revealer;
    GtkStack *stack;
    GtkFlowBox *list;
    GtkLabel *title, *nothing;
    GtkWidget *now_button, *go_button;
};

G_DEFINE_FINAL_TYPE(VitrineRewindBar, vitrine_rewind_bar, GTK_TYPE_WIDGET)

static guint moment_count(VitrineRewindBar *self)
{
    return self->rewind ? g_list_model_get_n_items(G_LIST_MODEL(self->rewind)) : 0;
}

/* "12 s ago" by the machine's own clock. */
static char *age(VitrineRewindBar *self, VitrineRewindMoment *moment)
{
    g_autoptr(VitrineRewindMoment) last =
        g_list_model_get_item(G_LIST_MODEL(self->rewind), moment_count(self) - 1);
    gint64 seconds = (vitrine_rewind_moment_get_virtual_ns(last) - vitrine_rewind_moment_get_virtual_ns(moment)) /
                     G_GINT64_CONSTANT(1000000000);

    if (seconds <= 0)
        return g_strdup(_("now"));
    if (seconds < 60)
        return g_strdup_printf(_("%d s ago"), (int)seconds);
    return g_strdup_printf(_("%d:%02d ago"), (int)(seconds / 60), (int)(seconds % 60));
}

static GtkWidget *create_moment(VitrineRewindBar *self, VitrineRewindMoment *moment)
{
    GtkWidget *child = gtk_flow_box_child_new(), *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 3);
    GdkPixbuf *pixbuf = vitrine_rewind_moment_get_thumbnail(moment);
    GtkWidget *picture = gtk_picture_new();
    g_autofree char *text = age(self, moment);
    GtkWidget *label = gtk_label_new(text);

    if (pixbuf) {
        g_autoptr(GdkTexture) texture = gdk_texture_new_for_pixbuf(pixbuf);
        gtk_picture_set_paintable(GTK_PICTURE(picture), GDK_PAINTABLE(texture));
    }
    gtk_picture_set_can_shrink(GTK_PICTURE(picture), TRUE);
    gtk_widget_set_size_request(picture, THUMBNAIL_WIDTH, THUMBNAIL_WIDTH * 3 / 4);
    gtk_widget_add_css_class(label, "caption");
    gtk_widget_add_css_class(label, "numeric");
    gtk_box_append(GTK_BOX(box), picture);
    gtk_box_append(GTK_BOX(box), label);
    gtk_flow_box_child_set_child(GTK_FLOW_BOX_CHILD(child), box);
    gtk_accessible_update_property(GTK_ACCESSIBLE(child), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
    g_object_set_data_full(G_OBJECT(child), "moment", g_object_ref(moment), g_object_unref);
    g_object_set_data_full(G_OBJECT(child), "age", g_steal_pointer(&text), g_free);
    return child;
}

static void fill(VitrineRewindBar *self)
{
    GtkWidget *child;
    guint count = moment_count(self);

    self->filling = TRUE;
    while ((child = gtk_widget_get_first_child(GTK_WIDGET(self->list))))
        gtk_flow_box_remove(self->list, child);
    for (guint i = 0; i < count; i++) {
        g_autoptr(VitrineRewindMoment) moment = g_list_model_get_item(G_LIST_MODEL(self->rewind), i);
        child = create_moment(self, moment);
        gtk_flow_box_append(self->list, child);
        if (i == count - 1)
            gtk_flow_box_select_child(self->list, GTK_FLOW_BOX_CHILD(child));
    }
    self->filling = FALSE;
    gtk_stack_set_visible_child_name(self->stack, count > 0 ? "strip" : "nothing");
    gtk_label_set_text(self->nothing, g_settings_get_uint(vitrine_settings_get(), "rewind-memory") == 0
                                          ? _("Rewind has no memory to keep moments in. The preferences can give it some.")
                                          : _("No moment has been kept yet. Let the machine run for a few seconds."));
    gtk_widget_set_sensitive(self->now_button, count > 0);
    gtk_label_set_text(self->title, _("Rewind"));
}

static void on_gone(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineRewindBar) self = user_data;
    g_autoptr(GError) error = NULL;

    if (!vitrine_rewind_go_finish(VITRINE_REWIND(source), result, &error) && self->session &&
        !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        dialogs_toast(GTK_WIDGET(self), error->message);
    if (--self->going > 0 || !self->resume_there)
        return;
    self->resume_there = FALSE;
    if (self->session)
        vitrine_session_resume(self->session);
}

static void on_selected(GtkFlowBox *list, VitrineRewindBar *self)
{
    GList *selected = gtk_flow_box_get_selected_children(list);
    VitrineRewindMoment *moment = selected ? g_object_get_data(G_OBJECT(selected->data), "moment") : NULL;
    const char *when = selected ? g_object_get_data(G_OBJECT(selected->data), "age") : NULL;

    g_list_free(selected);
    if (!moment || self->filling || !self->rewind)
        return;
    g_autofree char *text = g_strdup_printf(_("Rewind: %s"), when);
    gtk_label_set_text(self->title, text);
    self->going++;
    vitrine_rewind_go_async(self->rewind, moment, NULL, on_gone, g_object_ref(self));
}

static void on_now(GtkButton *button, VitrineRewindBar *self)
{
    GtkWidget *last = gtk_widget_get_last_child(GTK_WIDGET(self->list));

    if (last)
        gtk_flow_box_select_child(self->list, GTK_FLOW_BOX_CHILD(last));
}

static void on_go(GtkButton *button, VitrineRewindBar *self)
{
    self->was_running = TRUE;
    vitrine_rewind_bar_close(self);
}

/* Enter, or a double click. */
static void on_activated(GtkFlowBox *list, GtkFlowBoxChild *child, VitrineRewindBar *self)
{
    on_go(NULL, self);
}

static gboolean on_escape(GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
    VitrineRewindBar *self = VITRINE_REWIND_BAR(widget);

    on_now(NULL, self);
    vitrine_rewind_bar_close(self);
    return GDK_EVENT_STOP;
}

/* ---- the session ---- */

static void on_state_changed(VitrineSession *session, VitrineRewindBar *self)
{
    guint memory = g_settings_get_uint(vitrine_settings_get(), "rewind-memory");

    if (!vitrine_session_is_live(session)) {
        self->was_running = FALSE;
        vitrine_rewind_bar_close(self);
    } else if (vitrine_session_get_state(session) == SESSION_RUNNING && !self->rewind && memory > 0) {
        g_set_object(&self->rewind, vitrine_session_get_rewind(session));
        if (self->rewind)
            vitrine_rewind_set_enabled(self->rewind, TRUE, memory);
    }
}

void vitrine_rewind_bar_set_session(VitrineRewindBar *self, VitrineSession *session)
{
    if (self->session)
        g_signal_handlers_disconnect_by_data(self->session, self);
    g_set_object(&self->session, session);
    g_clear_object(&self->rewind);
    if (!session)
        return;
    g_signal_connect(session, "state-changed", G_CALLBACK(on_state_changed), self);
    on_state_changed(session, self);
}

gboolean vitrine_rewind_bar_is_open(VitrineRewindBar *self)
{
    return gtk_revealer_get_reveal_child(self->revealer);
}

static gboolean scroll_to_end(gpointer data)
{
    GtkAdjustment *adjustment = data;

    gtk_adjustment_set_value(adjustment, gtk_adjustment_get_upper(adjustment));
    return G_SOURCE_REMOVE;
}

/* Now is in sight when the bar has found its size, and until another moment is chosen. Called while sizes are dealt out:
 * what is set then is not drawn. */
static void on_strip_resized(GtkAdjustment *adjustment, VitrineRewindBar *self)
{
    GtkWidget *last = gtk_widget_get_last_child(GTK_WIDGET(self->list));

    if (last && gtk_flow_box_child_is_selected(GTK_FLOW_BOX_CHILD(last)))
        g_idle_add_full(G_PRIORITY_DEFAULT, scroll_to_end, g_object_ref(adjustment), g_object_unref);
}

void vitrine_rewind_bar_open(VitrineRewindBar *self)
{
    if (!self->session || vitrine_rewind_bar_is_open(self))
        return;
    self->was_running = vitrine_session_get_state(self->session) == SESSION_RUNNING;
    gtk_revealer_set_reveal_child(self->revealer, TRUE);
    vitrine_session_pause(self->session);
    fill(self);
    GtkWidget *now = gtk_widget_get_last_child(GTK_WIDGET(self->list));
    if (now) /* it has the keyboard and, unlike after gtk_widget_grab_focus(), is where the arrow keys begin */
        gtk_widget_child_focus(now, GTK_DIR_TAB_FORWARD);
}

void vitrine_rewind_bar_close(VitrineRewindBar *self)
{
    if (!vitrine_rewind_bar_is_open(self))
        return;
    gtk_revealer_set_reveal_child(self->revealer, FALSE);
    self->resume_there = self->was_running && self->going > 0;
    if (self->was_running && self->session && !self->resume_there)
        vitrine_session_resume(self->session);
}

/* ---- object ---- */

static void vitrine_rewind_bar_dispose(GObject *object)
{
    VitrineRewindBar *self = VITRINE_REWIND_BAR(object);

    vitrine_rewind_bar_set_session(self, NULL);
    g_clear_pointer((GtkWidget **)&self->revealer, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_rewind_bar_parent_class)->dispose(object);
}

static void vitrine_rewind_bar_class_init(VitrineRewindBarClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_rewind_bar_dispose;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/rewind_bar.ui");
    gtk_widget_class_bind_template_child(widget, VitrineRewindBar, revealer);
    gtk_widget_class_bind_template_child(widget, VitrineRewindBar, stack);
    gtk_widget_class_bind_template_child(widget, VitrineRewindBar, list);
    gtk_widget_class_bind_template_child(widget, VitrineRewindBar, title);
    gtk_widget_class_bind_template_child(widget, VitrineRewindBar, nothing);
    gtk_widget_class_bind_template_child(widget, VitrineRewindBar, now_button);
    gtk_widget_class_bind_template_child(widget, VitrineRewindBar, go_button);
    gtk_widget_class_bind_template_callback(widget, on_selected);
    gtk_widget_class_bind_template_callback(widget, on_now);
    gtk_widget_class_bind_template_callback(widget, on_go);
    gtk_widget_class_bind_template_callback(widget, on_activated);
    gtk_widget_class_bind_template_callback(widget, on_strip_resized);
    gtk_widget_class_add_binding(widget, GDK_KEY_Escape, 0, on_escape, NULL);
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void vitrine_rewind_bar_init(VitrineRewindBar *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}
