/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands of the running window: power, pictures, keys, moments. */
#include "app/ui/machine_window_private.h"

#include "app/history.h"
#include "app/i18n.h"
#include "app/ui/dialogs.h"
#include "app/ui/disks_window.h"
#include "app/ui/history_actions.h"
#include "app/ui/library_window.h"

#include <string.h>

static enum session_state state_of(VitrineMachineWindow *self)
{
    return vitrine_session_get_state(self->session);
}

/* ---- power ---- */

static void start(GtkWidget *widget, const char *name, GVariant *parameter)
{
    vitrine_machine_window_start_again(VITRINE_MACHINE_WINDOW(widget),
                                       strcmp(name, "machine.start-fresh") == 0 ? SESSION_FRESH : 0);
}

static void pause_or_resume(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);

    gboolean paused = state_of(self) == SESSION_PAUSED;

    /* Pictures of the past are looked at while the machine is paused: it goes on from the present. */
    vitrine_rewind_bar_close(self->rewind);
    if (paused)
        vitrine_session_resume(self->session);
    else
        vitrine_session_pause(self->session);
}

/* What the guest has not written yet is lost: that cannot be undone, so it is asked. */
static void do_reset(GtkWidget *owner, gpointer data)
{
    vitrine_session_reset(VITRINE_MACHINE_WINDOW(owner)->session);
}

static void do_power_off(GtkWidget *owner, gpointer data)
{
    vitrine_session_power_off(VITRINE_MACHINE_WINDOW(owner)->session);
}

static void reset(GtkWidget *widget, const char *name, GVariant *parameter)
{
    dialogs_confirm(widget, _("Reset the Machine?"),
            _("It starts from the beginning, as with its reset button. What its system has not written to "
              "disk is lost."),
            _("_Reset"), do_reset, NULL, NULL);
}

static void power_off(GtkWidget *widget, const char *name, GVariant *parameter)
{
    dialogs_confirm(widget, _("Power Off the Machine?"),
            _("This pulls the plug. What its system has not written to disk is lost; shut the system down "
              "first, or save "
              "the machine instead."),
            _("_Power Off"), do_power_off, NULL, NULL);
}

static void on_state_saved(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineWindow) self = user_data;
    g_autoptr(GError) error = NULL;

    if (!vitrine_session_save_state_finish(VITRINE_SESSION(source), result, &error)) {
        self->closing = FALSE;
        dialogs_toast(GTK_WIDGET(self), error->message);
    }
}

void machine_window_save_and_close(VitrineMachineWindow *self)
{
    self->closing = TRUE;
    vitrine_session_save_state_async(self->session, NULL, TRUE, on_state_saved, g_object_ref(self));
}

static void save_state(GtkWidget *widget, const char *name, GVariant *parameter)
{
    machine_window_save_and_close(VITRINE_MACHINE_WINDOW(widget));
}

struct shot {
    VitrineMachineWindow *window;
    char *path;
};

static void open_picture(gpointer uri)
{
    gtk_show_uri(NULL, uri, GDK_CURRENT_TIME);
}

static void on_shot(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct shot *shot = user_data;
    g_autoptr(GError) error = NULL;

    if (vitrine_session_screenshot_finish(VITRINE_SESSION(source), result, &error))
        dialogs_toast_button(GTK_WIDGET(shot->window), _("Screenshot saved among your pictures"), _("_Open"),
                             open_picture, g_filename_to_uri(shot->path, NULL, NULL), g_free);
    else
        dialogs_toast(GTK_WIDGET(shot->window), error->message);
    g_object_unref(shot->window);
    g_free(shot->path);
    g_free(shot);
}

static void screenshot(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);
    g_autofree char *folder = vitrine_settings_screenshots_folder();
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%d %H-%M-%S");
    g_autofree char *file = g_strdup_printf("%s %s.png", vitrine_session_get_title(self->session), time);
    struct shot *shot = g_new0(struct shot, 1);

    g_strdelimit(file, "/", '-');
    shot->window = g_object_ref(self);
    shot->path = g_build_filename(folder, file, NULL);
    g_mkdir_with_parents(folder, 0755);
    vitrine_session_screenshot_async(self->session, shot->path, on_shot, shot);
}

static void on_clipboard_text(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineWindow) self = user_data;
    g_autofree char *text = gdk_clipboard_read_text_finish(GDK_CLIPBOARD(source), result, NULL);

    if (!text || !*text) {
        dialogs_toast(GTK_WIDGET(self), _("There is no text in the clipboard."));
        return;
    }
    g_autofree char *left_out = vitrine_session_type(self->session, text);
    if (left_out)
        dialogs_toast(GTK_WIDGET(self), left_out);
}

static void type_clipboard(GtkWidget *widget, const char *name, GVariant *parameter)
{
    gdk_clipboard_read_text_async(gtk_widget_get_clipboard(widget), NULL, on_clipboard_text,
                                  g_object_ref(widget));
}

/* ---- keys ---- */

static const struct family *family_of(VitrineMachineWindow *self)
{
    const struct engine_model *model = vitrine_session_get_model(self->session);

    return model ? profiles_find_family(vitrine_application_get_profiles(vitrine_application_get()),
                                        model->family)
                 : NULL;
}

static void send_keys(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);
    const struct family *family = family_of(self);
    const char *title = g_variant_get_string(parameter, NULL);

    for (guint i = 0; family && i < family->chords->len; i++) {
        const struct family_chord *chord = family->chords->pdata[i];
        if (strcmp(chord->title, title) == 0)
            vitrine_session_send_chord(self->session, chord->codes);
    }
}

static gboolean unparent(gpointer popover)
{
    gtk_widget_unparent(popover);
    return G_SOURCE_REMOVE;
}

/* An item that was chosen acts after its menu has closed. */
static void on_keys_menu_closed(GtkPopover *popover, VitrineMachineWindow *self)
{
    g_idle_add_full(G_PRIORITY_DEFAULT_IDLE, unparent, g_object_ref(popover), g_object_unref);
    machine_window_return_keyboard(self);
}

static void show_keys_menu(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);
    GtkWidget *popover = gtk_popover_menu_new_from_model(G_MENU_MODEL(self->keys_section));

    gtk_widget_set_parent(popover, GTK_WIDGET(self->menu_button));
    g_signal_connect(popover, "closed", G_CALLBACK(on_keys_menu_closed), widget);
    gtk_popover_popup(GTK_POPOVER(popover));
}

void machine_commands_fill_keys(VitrineMachineWindow *self)
{
    const struct family *family = family_of(self);

    for (guint i = 0; family && i < family->chords->len; i++) {
        const struct family_chord *chord = family->chords->pdata[i];
        g_autoptr(GMenuItem) item = g_menu_item_new(chord->title, NULL);
        g_menu_item_set_action_and_target(item, "machine.send-keys", "s", chord->title);
        g_menu_append_item(self->keys_section, item);
    }
}

static void toggle_full_screen(GtkWidget *widget, const char *name, GVariant *parameter)
{
    if (gtk_window_is_fullscreen(GTK_WINDOW(widget)))
        gtk_window_unfullscreen(GTK_WINDOW(widget));
    else
        gtk_window_fullscreen(GTK_WINDOW(widget));
}

static void capture(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);

    if (strcmp(self->view, "screen") == 0)
        vitrine_screen_capture(self->screen);
}

void machine_window_release(VitrineMachineWindow *self)
{
    vitrine_screen_release(self->screen);
    vitrine_screen_release_keys(self->screen);
    if (gtk_window_is_fullscreen(GTK_WINDOW(self)))
        adw_flap_set_reveal_flap(self->flap, TRUE);
    gtk_widget_grab_focus(GTK_WIDGET(self->menu_button));
}

/* ---- moments ---- */

static void snapshot(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineBundle *bundle = vitrine_session_get_bundle(VITRINE_MACHINE_WINDOW(widget)->session);

    if (!bundle)
        return;
    g_autoptr(VitrineHistory) history = vitrine_history_get(bundle);
    history_action_take(widget, history, FALSE);
}

static void undo_restore(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineBundle *bundle = vitrine_session_get_bundle(VITRINE_MACHINE_WINDOW(widget)->session);

    if (!bundle)
        return;
    g_autoptr(VitrineHistory) history = vitrine_history_get(bundle);
    history_action_undo(widget, history);
}

static void rewind_or_go_on(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);

    if (vitrine_rewind_bar_is_open(self->rewind))
        vitrine_rewind_bar_close(self->rewind);
    else
        vitrine_rewind_bar_open(self->rewind);
    machine_window_update(self);
}

static void show_disks(GtkWidget *widget, const char *name, GVariant *parameter)
{
    vitrine_disks_window_present(vitrine_application_get(), NULL);
}

/* Its page in the library. */
static void show_page(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineBundle *bundle = vitrine_session_get_bundle(VITRINE_MACHINE_WINDOW(widget)->session);

    if (bundle)
        vitrine_application_show_machine(vitrine_application_get(), bundle, g_variant_get_string(parameter, NULL));
}

void machine_commands_install(GtkWidgetClass *widget)
{
    static const struct {
        const char *name, *parameter;
        GtkWidgetActionActivateFunc run;
    } commands[] = {
        {"machine.start", NULL, start},
        {"machine.start-fresh", NULL, start},
        {"machine.pause", NULL, pause_or_resume},
        {"machine.reset", NULL, reset},
        {"machine.power-off", NULL, power_off},
        {"machine.save-state", NULL, save_state},
        {"machine.screenshot", NULL, screenshot},
        {"machine.type-clipboard", NULL, type_clipboard},
        {"machine.send-keys", "s", send_keys},
        {"machine.keys-menu", NULL, show_keys_menu},
        {"machine.fullscreen", NULL, toggle_full_screen},
        {"machine.capture", NULL, capture},
        {"machine.snapshot", NULL, snapshot},
        {"machine.undo-restore", NULL, undo_restore},
        {"machine.rewind", NULL, rewind_or_go_on},
        {"machine.disks", NULL, show_disks},
        {"machine.page", "s", show_page},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        gtk_widget_class_install_action(widget, commands[i].name, commands[i].parameter, commands[i].run);
}
