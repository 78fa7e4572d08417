/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shows the file as text. */
#include "app/ui/machine_log_page.h"

#include "app/i18n.h"
#include "app/machine_log.h"

struct _VitrineMachineLogPage {
    GtkWidget parent;
    VitrineBundle *bundle;
    GFileMonitor *monitor;
    GtkWidget *stack, *view;
    GtkTextBuffer *buffer;
};

G_DEFINE_FINAL_TYPE(VitrineMachineLogPage, vitrine_machine_log_page, GTK_TYPE_WIDGET)

static void update(VitrineMachineLogPage *self)
{
    if (!self->bundle || !gtk_widget_get_mapped(GTK_WIDGET(self)))
        return;
    g_autofree char *text = machine_log_read(vitrine_bundle_get_folder(self->bundle));
    GtkTextIter end;
    gtk_text_buffer_set_text(self->buffer, text, -1);
    gtk_stack_set_visible_child_name(GTK_STACK(self->stack), *text ? "log" : "nothing");
    gtk_text_buffer_get_end_iter(self->buffer, &end);
    gtk_text_buffer_place_cursor(self->buffer, &end);
    gtk_text_view_scroll_mark_onscreen(GTK_TEXT_VIEW(self->view), gtk_text_buffer_get_insert(self->buffer));
}

void vitrine_machine_log_page_set_bundle(VitrineMachineLogPage *self, VitrineBundle *bundle)
{
    if (self->bundle == bundle)
        return;
    if (self->monitor)
        g_signal_handlers_disconnect_by_data(self->monitor, self);
    g_clear_object(&self->monitor);
    g_set_object(&self->bundle, bundle);
    if (!bundle)
        return;
    g_autofree char *path = g_build_filename(vitrine_bundle_get_folder(bundle), "log", NULL);
    g_autoptr(GFile) file = g_file_new_for_path(path);
    self->monitor = g_file_monitor_file(file, G_FILE_MONITOR_NONE, NULL, NULL);
    if (self->monitor)
        g_signal_connect_swapped(self->monitor, "changed", G_CALLBACK(update), self);
    update(self);
}

static void on_copy(GtkButton *button, VitrineMachineLogPage *self)
{
    GtkTextIter start, end;

    gtk_text_buffer_get_bounds(self->buffer, &start, &end);
    g_autofree char *text = gtk_text_buffer_get_text(self->buffer, &start, &end, FALSE);
    gdk_clipboard_set_text(gtk_widget_get_clipboard(GTK_WIDGET(self)), text);
}

static void vitrine_machine_log_page_map(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(vitrine_machine_log_page_parent_class)->map(widget);
    update(VITRINE_MACHINE_LOG_PAGE(widget));
}

static void vitrine_machine_log_page_dispose(GObject *object)
{
    VitrineMachineLogPage *self = VITRINE_MACHINE_LOG_PAGE(object);

    vitrine_machine_log_page_set_bundle(self, NULL);
    g_clear_pointer(&self->stack, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_machine_log_page_parent_class)->dispose(object);
}

static void vitrine_machine_log_page_class_init(VitrineMachineLogPageClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_machine_log_page_dispose;
    widget->map = vitrine_machine_log_page_map;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/machine_log_page.ui");
    gtk_widget_class_bind_template_child(widget, VitrineMachineLogPage, stack);
    gtk_widget_class_bind_template_child(widget, VitrineMachineLogPage, view);
    gtk_widget_class_bind_template_child(widget, VitrineMachineLogPage, buffer);
    gtk_widget_class_bind_template_callback(widget, on_copy);
}

static void vitrine_machine_log_page_init(VitrineMachineLogPage *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}
