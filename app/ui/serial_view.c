/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plain terminal: text, carriage return, backspace, tab, and erase to the end of the line; other control
 * sequences (ECMA-48) are passed over. The last lines are kept.
 */
#include "app/ui/serial_view.h"

#include "app/i18n.h"

#include <string.h>

#define MAX_LINES 5000

enum escape { PLAIN, ESCAPE, SEQUENCE, OPERATING_SYSTEM_COMMAND };

struct _VitrineSerialView {
    GtkWidget parent;
    VitrineSession *session;
    GtkWidget *scroller, *text;
    GtkTextBuffer *buffer;
    GtkTextMark *cursor; /* where the guest writes next */
    enum escape escape;
    GString *line; /* text not yet inserted */
};

G_DEFINE_FINAL_TYPE(VitrineSerialView, vitrine_serial_view, GTK_TYPE_WIDGET)

/* Puts the collected text at the cursor, over what stands there on the line. */
static void flush(VitrineSerialView *self)
{
    GtkTextIter start, end, line_end;

    if (self->line->len == 0)
        return;
    g_autofree char *valid = g_utf8_make_valid(self->line->str, (gssize)self->line->len);
    gtk_text_buffer_get_iter_at_mark(self->buffer, &start, self->cursor);
    end = line_end = start;
    if (!gtk_text_iter_ends_line(&line_end))
        gtk_text_iter_forward_to_line_end(&line_end);
    gtk_text_iter_forward_chars(&end, (int)g_utf8_strlen(valid, -1));
    if (gtk_text_iter_compare(&end, &line_end) > 0)
        end = line_end;
    gtk_text_buffer_delete(self->buffer, &start, &end);
    gtk_text_buffer_insert(self->buffer, &start, valid, -1);
    gtk_text_buffer_move_mark(self->buffer, self->cursor, &start);
    g_string_truncate(self->line, 0);
}

static void move_in_line(VitrineSerialView *self, gboolean to_start)
{
    GtkTextIter iter;

    flush(self);
    gtk_text_buffer_get_iter_at_mark(self->buffer, &iter, self->cursor);
    if (to_start)
        gtk_text_iter_set_line_offset(&iter, 0);
    else if (!gtk_text_iter_starts_line(&iter))
        gtk_text_iter_backward_char(&iter);
    gtk_text_buffer_move_mark(self->buffer, self->cursor, &iter);
}

static void new_line(VitrineSerialView *self)
{
    GtkTextIter end, start;

    flush(self);
    gtk_text_buffer_get_end_iter(self->buffer, &end);
    gtk_text_buffer_insert(self->buffer, &end, "\n", 1);
    gtk_text_buffer_move_mark(self->buffer, self->cursor, &end);
    int extra = gtk_text_buffer_get_line_count(self->buffer) - MAX_LINES;
    if (extra > 0) {
        gtk_text_buffer_get_start_iter(self->buffer, &start);
        gtk_text_buffer_get_iter_at_line(self->buffer, &end, extra);
        gtk_text_buffer_delete(self->buffer, &start, &end);
    }
}

static void erase_to_line_end(VitrineSerialView *self)
{
    GtkTextIter start, end;

    flush(self);
    gtk_text_buffer_get_iter_at_mark(self->buffer, &start, self->cursor);
    end = start;
    if (!gtk_text_iter_ends_line(&end))
        gtk_text_iter_forward_to_line_end(&end);
    gtk_text_buffer_delete(self->buffer, &start, &end);
}

static void receive(VitrineSerialView *self, guint8 byte)
{
    enum { BEL = 7, BS = 8, TAB = 9, LF = 10, CR = 13, ESC = 27, DEL = 127 };

    switch (self->escape) {
    case ESCAPE:
        self->escape = byte == '[' ? SEQUENCE : byte == ']' ? OPERATING_SYSTEM_COMMAND : PLAIN;
        return;
    case SEQUENCE:
        if (byte >= 0x40 && byte <= 0x7e) { /* final byte, ECMA-48 5.4 */
            self->escape = PLAIN;
            if (byte == 'K')
                erase_to_line_end(self);
        }
        return;
    case OPERATING_SYSTEM_COMMAND:
        if (byte == BEL || byte == ESC)
            self->escape = byte == ESC ? ESCAPE : PLAIN;
        return;
    case PLAIN: break;
    }
    if (byte == ESC)
        self->escape = ESCAPE;
    else if (byte == LF)
        new_line(self);
    else if (byte == CR)
        move_in_line(self, TRUE);
    else if (byte == BS)
        move_in_line(self, FALSE);
    else if ((byte >= ' ' && byte != DEL) || byte == TAB)
        g_string_append_c(self->line, (char)byte);
}

static void on_output(VitrineSession *session, guint port, GBytes *bytes, VitrineSerialView *self)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment(GTK_SCROLLED_WINDOW(self->scroller));
    gboolean at_end = gtk_adjustment_get_value(adjustment) + gtk_adjustment_get_page_size(adjustment) >=
                      gtk_adjustment_get_upper(adjustment) - 40;

    if (port != 0)
        return;
    for (gsize i = 0; i < size; i++)
        receive(self, data[i]);
    flush(self);
    if (at_end)
        gtk_text_view_scroll_mark_onscreen(GTK_TEXT_VIEW(self->text), self->cursor);
}

static gboolean on_key(GtkEventControllerKey *controller, guint keyval, guint keycode, GdkModifierType state,
                       VitrineSerialView *self)
{
    static const struct {
        guint keyval;
        const char *bytes; /* as a VT100 sends it */
    } keys[] = {{GDK_KEY_Return, "\r"},   {GDK_KEY_KP_Enter, "\r"},  {GDK_KEY_BackSpace, "\177"},
                {GDK_KEY_Tab, "\t"},      {GDK_KEY_Escape, "\033"},  {GDK_KEY_Up, "\033[A"},
                {GDK_KEY_Down, "\033[B"}, {GDK_KEY_Right, "\033[C"}, {GDK_KEY_Left, "\033[D"},
                {GDK_KEY_Home, "\033[H"}, {GDK_KEY_End, "\033[F"},   {GDK_KEY_Delete, "\033[3~"}};
    struct engine *engine = self->session && vitrine_session_is_live(self->session)
                                ? vitrine_session_get_engine(self->session)
                                : NULL;
    char text[8] = "";
    gsize size = 0;

    /* Ctrl+Shift is the window's (copy), Alt the desktop's. */
    if (!engine || (state & GDK_ALT_MASK) || ((state & GDK_CONTROL_MASK) && (state & GDK_SHIFT_MASK)))
        return FALSE;
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (keys[i].keyval == keyval) {
            size = g_strlcpy(text, keys[i].bytes, sizeof(text));
            break;
        }
    }
    gunichar character = gdk_keyval_to_unicode(keyval);
    if (!size && (state & GDK_CONTROL_MASK)) {
        if (character < '@' || character > '~')
            return FALSE;
        text[0] = (char)(character & 0x1f);
        size = 1;
    } else if (!size && character) {
        size = (gsize)g_unichar_to_utf8(character, text);
    }
    if (!size)
        return FALSE;
    engine_serial_input(engine, 0, (const uint8_t *)text, size);
    return TRUE;
}

void vitrine_serial_view_set_session(VitrineSerialView *self, VitrineSession *session)
{
    if (self->session)
        g_signal_handlers_disconnect_by_data(self->session, self);
    g_set_object(&self->session, session);
    if (session)
        g_signal_connect(session, "serial-output", G_CALLBACK(on_output), self);
}

static gboolean vitrine_serial_view_grab_focus(GtkWidget *widget)
{
    return gtk_widget_grab_focus(VITRINE_SERIAL_VIEW(widget)->text);
}

static void vitrine_serial_view_dispose(GObject *object)
{
    VitrineSerialView *self = VITRINE_SERIAL_VIEW(object);

    vitrine_serial_view_set_session(self, NULL);
    g_clear_pointer(&self->scroller, gtk_widget_unparent);
    if (self->line)
        g_string_free(self->line, TRUE);
    self->line = NULL;
    G_OBJECT_CLASS(vitrine_serial_view_parent_class)->dispose(object);
}

static void vitrine_serial_view_class_init(VitrineSerialViewClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_serial_view_dispose;
    widget->grab_focus = vitrine_serial_view_grab_focus;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/serial_view.ui");
    gtk_widget_class_bind_template_child(widget, VitrineSerialView, scroller);
    gtk_widget_class_bind_template_child(widget, VitrineSerialView, text);
}

static void vitrine_serial_view_init(VitrineSerialView *self)
{
    GtkEventController *keys = gtk_event_controller_key_new();
    GtkTextIter end;

    gtk_widget_init_template(GTK_WIDGET(self));
    self->line = g_string_new(NULL);
    self->buffer = gtk_text_view_get_buffer(GTK_TEXT_VIEW(self->text));
    gtk_text_buffer_get_end_iter(self->buffer, &end);
    self->cursor = gtk_text_buffer_create_mark(self->buffer, NULL, &end, FALSE);
    gtk_event_controller_set_propagation_phase(keys, GTK_PHASE_CAPTURE);
    g_signal_connect(keys, "key-pressed", G_CALLBACK(on_key), self);
    gtk_widget_add_controller(self->text, keys);
}
