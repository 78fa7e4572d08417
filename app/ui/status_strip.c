/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lights and figures. They are looked at ten times a second, and only while the machine runs and the strip is
 * seen. */
#include "app/ui/status_strip.h"

#include "app/i18n.h"
#include "app/ui/machine_window_private.h"

#include <string.h>

#define MAX_DRIVES  16
#define INTERVAL_MS 100
#define SPEED_TICKS 10 /* the speed is read anew once a second */

struct lamp {
    char id[16];
    guint64 operations;
    gboolean present;
    GtkWidget *button, *light;
    GMenu *menu; /* of the button; NULL: not removable */
};

struct _VitrineStatusStrip {
    GtkWidget parent;
    VitrineSession *session;
    guint source;
    unsigned ticks;
    struct lamp lamps[MAX_DRIVES];
    unsigned lamp_count;
    guint64 packets, samples;

    GtkWidget *box, *drives, *network, *network_lamp, *sound, *sound_lamp, *hint, *speed;
};

G_DEFINE_FINAL_TYPE(VitrineStatusStrip, vitrine_status_strip, GTK_TYPE_WIDGET)

static void set_light(GtkWidget *light, gboolean on)
{
    if (on != gtk_widget_has_css_class(light, "active")) {
        if (on)
            gtk_widget_add_css_class(light, "active");
        else
            gtk_widget_remove_css_class(light, "active");
    }
}

static char *drive_title(const char *id, unsigned disk_count)
{
    if (strcmp(id, "cdrom") == 0)
        return g_strdup(_("CD-ROM"));
    if (strcmp(id, "floppy") == 0)
        return g_strdup(_("Floppy"));
    if (g_str_has_prefix(id, "disk"))
        return machine_disk_title((unsigned)g_ascii_strtoull(id + strlen("disk"), NULL, 10), disk_count);
    return g_strdup(id);
}

static const char *drive_icon(const char *id)
{
    if (strcmp(id, "cdrom") == 0)
        return "media-optical-symbolic";
    return strcmp(id, "floppy") == 0 ? "media-floppy-symbolic" : "drive-harddisk-symbolic";
}

static void add_item(GMenu *menu, const char *label, const char *action, const char *drive)
{
    g_autofree char *detailed = g_strdup_printf("%s::%s", action, drive);

    g_menu_append(menu, label, detailed);
}

/* Its name, and what can be done with it now. */
static void update_drive(struct lamp *lamp, unsigned disk_count)
{
    g_autofree char *title = drive_title(lamp->id, disk_count);
    g_autofree char *text = lamp->present ? g_strdup(title) : g_strdup_printf(_("%s, empty"), title);

    gtk_widget_set_tooltip_text(lamp->button, text);
    gtk_accessible_update_property(GTK_ACCESSIBLE(lamp->button), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
    if (!lamp->menu)
        return;
    g_menu_remove_all(lamp->menu);
    add_item(lamp->menu, _("_Insert…"), "machine.insert-medium", lamp->id);
    if (strcmp(lamp->id, "cdrom") == 0)
        add_item(lamp->menu, _("Insert a _Folder as a CD…"), "machine.insert-folder", lamp->id);
    if (lamp->present)
        add_item(lamp->menu, _("_Eject"), "machine.eject-medium", lamp->id);
}

static gboolean on_drop(GtkDropTarget *target, const GValue *value, double x, double y, gpointer drive)
{
    GtkWidget *light = gtk_event_controller_get_widget(GTK_EVENT_CONTROLLER(target));

    return machine_media_drop(VITRINE_MACHINE_WINDOW(gtk_widget_get_root(light)), drive, g_value_get_boxed(value));
}

static void free_drive(gpointer drive, GClosure *closure)
{
    g_free(drive);
}

static void add_drop_target(struct lamp *lamp)
{
    GtkDropTarget *target = gtk_drop_target_new(GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

    g_signal_connect_data(target, "drop", G_CALLBACK(on_drop), g_strdup(lamp->id), free_drive, 0);
    gtk_widget_add_controller(lamp->button, GTK_EVENT_CONTROLLER(target));
}

static void on_menu_closed(GtkPopover *popover, GtkWidget *button)
{
    machine_window_return_keyboard(VITRINE_MACHINE_WINDOW(gtk_widget_get_root(button)));
}

static void add_drive(VitrineStatusStrip *self, const struct engine_drive_info *drive, unsigned disk_count)
{
    struct lamp *lamp = &self->lamps[self->lamp_count++];
    GtkWidget *content = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);

    g_strlcpy(lamp->id, drive->id, sizeof(lamp->id));
    lamp->menu = NULL;
    lamp->present = drive->present;
    lamp->operations = drive->operations;
    lamp->light = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 0);
    gtk_widget_set_valign(lamp->light, GTK_ALIGN_CENTER);
    gtk_widget_add_css_class(lamp->light, "lamp");
    gtk_box_append(GTK_BOX(content), gtk_image_new_from_icon_name(drive_icon(drive->id)));
    gtk_box_append(GTK_BOX(content), lamp->light);
    if (drive->removable) {
        g_autoptr(GMenu) menu = lamp->menu = g_menu_new();
        lamp->button = gtk_menu_button_new();
        gtk_menu_button_set_child(GTK_MENU_BUTTON(lamp->button), content);
        gtk_menu_button_set_menu_model(GTK_MENU_BUTTON(lamp->button), G_MENU_MODEL(menu));
        gtk_menu_button_set_direction(GTK_MENU_BUTTON(lamp->button), GTK_ARROW_UP);
        g_signal_connect(gtk_menu_button_get_popover(GTK_MENU_BUTTON(lamp->button)), "closed",
                         G_CALLBACK(on_menu_closed), lamp->button);
        gtk_widget_add_css_class(lamp->button, "flat");
        add_drop_target(lamp);
    } else {
        lamp->button = content;
        gtk_widget_set_margin_start(content, 8);
        gtk_widget_set_margin_end(content, 8);
    }
    gtk_widget_set_focus_on_click(lamp->button, FALSE);
    gtk_box_append(GTK_BOX(self->drives), lamp->button);
    update_drive(lamp, disk_count);
}

static void clear_drives(VitrineStatusStrip *self)
{
    for (unsigned i = 0; i < self->lamp_count; i++)
        gtk_box_remove(GTK_BOX(self->drives), self->lamps[i].button);
    self->lamp_count = 0;
}

static gboolean tick(gpointer data)
{
    VitrineStatusStrip *self = data;
    struct engine *engine = vitrine_session_get_engine(self->session);
    struct engine_drive_info drives[MAX_DRIVES];
    struct engine_stats stats;

    if (!engine || !vitrine_session_is_live(self->session))
        return G_SOURCE_CONTINUE;
    unsigned count = MIN(engine_get_drives(engine, drives, MAX_DRIVES), MAX_DRIVES);
    unsigned disk_count = 0;
    for (unsigned i = 0; i < count; i++)
        disk_count += g_str_has_prefix(drives[i].id, "disk");
    for (unsigned i = 0; i < count; i++) {
        if (i == self->lamp_count)
            add_drive(self, &drives[i], disk_count);
        struct lamp *lamp = &self->lamps[i];
        set_light(lamp->light, drives[i].operations != lamp->operations);
        lamp->operations = drives[i].operations;
        if (lamp->present != drives[i].present) {
            lamp->present = drives[i].present;
            update_drive(lamp, disk_count);
        }
    }
    engine_get_stats(engine, &stats);
    set_light(self->network_lamp, stats.net_sent + stats.net_received != self->packets);
    self->packets = stats.net_sent + stats.net_received;
    set_light(self->sound_lamp, stats.audio_played != self->samples);
    self->samples = stats.audio_played;
    if (self->ticks++ % SPEED_TICKS == 0) {
        gboolean running = vitrine_session_get_state(self->session) == SESSION_RUNNING;
        g_autofree char *text =
            running ? g_strdup_printf(_("%.0f %%"), stats.speed_percent) : g_strdup(_("Paused"));
        gtk_label_set_text(GTK_LABEL(self->speed), text);
    }
    return G_SOURCE_CONTINUE;
}

static void update_source(VitrineStatusStrip *self)
{
    enum session_state state = self->session ? vitrine_session_get_state(self->session) : SESSION_OFF;
    gboolean wanted = gtk_widget_get_mapped(GTK_WIDGET(self)) && state == SESSION_RUNNING;

    if (wanted && !self->source) {
        self->ticks = 0;
        self->source = g_timeout_add(INTERVAL_MS, tick, self);
    } else if (!wanted && self->source) {
        g_source_remove(self->source);
        self->source = 0;
    }
    const struct engine_model *model = self->session ? vitrine_session_get_model(self->session) : NULL;
    gboolean live = self->session && vitrine_session_is_live(self->session);
    gtk_widget_set_visible(self->network, live && model && model->has_network);
    gtk_widget_set_visible(self->sound, live && model && model->has_audio);
    if (live) {
        self->ticks = 0;
        tick(self); /* once more: "Paused" */
    } else {
        clear_drives(self);
        gtk_label_set_text(GTK_LABEL(self->speed), "");
    }
}

void vitrine_status_strip_set_session(VitrineStatusStrip *self, VitrineSession *session)
{
    if (self->session)
        g_signal_handlers_disconnect_by_data(self->session, self);
    g_set_object(&self->session, session);
    clear_drives(self);
    if (session) {
        g_signal_connect_swapped(session, "state-changed", G_CALLBACK(update_source), self);
    }
    update_source(self);
}

void vitrine_status_strip_set_hint(VitrineStatusStrip *self, const char *hint)
{
    gtk_label_set_text(GTK_LABEL(self->hint), hint ? hint : "");
    gtk_widget_set_tooltip_text(self->hint, hint);
}

static void vitrine_status_strip_map(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(vitrine_status_strip_parent_class)->map(widget);
    update_source(VITRINE_STATUS_STRIP(widget));
}

static void vitrine_status_strip_unmap(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(vitrine_status_strip_parent_class)->unmap(widget);
    update_source(VITRINE_STATUS_STRIP(widget));
}

static void vitrine_status_strip_dispose(GObject *object)
{
    VitrineStatusStrip *self = VITRINE_STATUS_STRIP(object);

    if (self->session)
        g_signal_handlers_disconnect_by_data(self->session, self);
    g_clear_object(&self->session);
    if (self->source)
        g_source_remove(self->source);
    self->source = 0;
    g_clear_pointer(&self->box, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_status_strip_parent_class)->dispose(object);
}

static void vitrine_status_strip_class_init(VitrineStatusStripClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_status_strip_dispose;
    widget->map = vitrine_status_strip_map;
    widget->unmap = vitrine_status_strip_unmap;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/status_strip.ui");
    gtk_widget_class_bind_template_child(widget, VitrineStatusStrip, box);
    gtk_widget_class_bind_template_child(widget, VitrineStatusStrip, drives);
    gtk_widget_class_bind_template_child(widget, VitrineStatusStrip, network);
    gtk_widget_class_bind_template_child(widget, VitrineStatusStrip, network_lamp);
    gtk_widget_class_bind_template_child(widget, VitrineStatusStrip, sound);
    gtk_widget_class_bind_template_child(widget, VitrineStatusStrip, sound_lamp);
    gtk_widget_class_bind_template_child(widget, VitrineStatusStrip, hint);
    gtk_widget_class_bind_template_child(widget, VitrineStatusStrip, speed);
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void vitrine_status_strip_init(VitrineStatusStrip *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}
