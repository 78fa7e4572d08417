/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The running window. */
#include "app/ui/machine_window.h"

#include "app/i18n.h"
#include "app/ui/screen.h"
#include "app/ui/serial_view.h"
#include "app/ui/settings.h"
#include "app/ui/status_strip.h"

#include <string.h>

/* In full screen the header comes when the pointer touches the upper edge, and goes below this height. */
#define HEADER_EDGE 2
#define HEADER_ZONE 80

struct _VitrineMachineWindow {
    AdwApplicationWindow parent;
    VitrineSession *session;
    gboolean close_at_end, closing, force_close;
    int scaling;
    char *view;

    AdwFlap *flap;
    GtkWidget *header, *start_button, *pause_button, *full_screen_button, *off_fresh_button,
        *off_start_button, *off_start_label;
    GtkMenuButton *menu_button;
    AdwWindowTitle *title;
    AdwToastOverlay *toasts;
    GtkStack *stack;
    AdwStatusPage *off_page, *working_page;
    GtkRevealer *curtain, *status_revealer;
    VitrineScreen *screen;
    VitrineSerialView *serial;
    VitrineStatusStrip *status;
    GMenu *keys_section;
    GtkSpinner *spinner;
};

G_DEFINE_FINAL_TYPE(VitrineMachineWindow, vitrine_machine_window, ADW_TYPE_APPLICATION_WINDOW)

enum { PROP_0, PROP_SCALING, PROP_VIEW, N_PROPS };
static GParamSpec *props[N_PROPS];
static const char *const scaling_names[] = {
    [SCALING_FIT] = "fit", [SCALING_INTEGER] = "integer", [SCALING_SHARP] = "sharp"};

static void toast(VitrineMachineWindow *self, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    adw_toast_overlay_add_toast(self->toasts, adw_toast_new(escaped));
}

/* A button with an icon only. */
static void name_button(GtkWidget *button, const char *name)
{
    gtk_widget_set_tooltip_text(button, name);
    gtk_accessible_update_property(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

static enum session_state state_of(VitrineMachineWindow *self)
{
    return vitrine_session_get_state(self->session);
}

/* ---- what is shown ---- */

static void update_hint(VitrineMachineWindow *self)
{
    const struct engine_model *model = vitrine_session_get_model(self->session);
    const char *hint = NULL;

    if (state_of(self) != SESSION_RUNNING || strcmp(self->view, "screen") != 0)
        hint = NULL;
    else if (vitrine_screen_is_captured(self->screen))
        hint = _("Right Ctrl + Esc lets the mouse go");
    else if (model && model->has_pointer && !model->pointer_is_absolute)
        hint = _("Click the picture to give it the mouse");
    vitrine_status_strip_set_hint(self->status, hint);
}

static void show_off_page(VitrineMachineWindow *self, enum session_state state)
{
    VitrineBundle *bundle = vitrine_session_get_bundle(self->session);
    gboolean saved = bundle && vitrine_bundle_get_state(bundle) == BUNDLE_SAVED;
    gboolean failed = state == SESSION_ERROR;

    adw_status_page_set_icon_name(self->off_page,
                                  failed ? "dialog-warning-symbolic" : "system-shutdown-symbolic");
    adw_status_page_set_title(self->off_page, failed  ? _("It Could Not Run")
                                              : saved ? _("Saved")
                                                      : _("Powered Off"));
    g_autofree char *escaped =
        failed ? g_markup_escape_text(vitrine_session_get_message(self->session), -1) : NULL;
    adw_status_page_set_description(self->off_page, failed  ? escaped
                                                    : saved ? _("It goes on right there.")
                                                            : NULL);
    gtk_label_set_label(GTK_LABEL(self->off_start_label), failed  ? _("_Try Again")
                                                          : saved ? _("_Resume")
                                                                  : _("_Start"));
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->off_start_button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   failed  ? _("Try Again")
                                   : saved ? _("Resume")
                                           : _("Start"),
                                   -1);
    gtk_widget_set_visible(self->off_start_button, bundle != NULL);
    gtk_widget_set_visible(self->off_fresh_button, saved);
}

static void update(VitrineMachineWindow *self)
{
    enum session_state state = state_of(self);
    gboolean live = vitrine_session_is_live(self->session), paused = state == SESSION_PAUSED;
    GtkWidget *widget = GTK_WIDGET(self);
    const struct engine_model *model = vitrine_session_get_model(self->session);
    static const char *const titles[] = {[SESSION_NEW] = "",
                                         [SESSION_STARTING] = N_("Starting"),
                                         [SESSION_RUNNING] = "",
                                         [SESSION_PAUSED] = N_("Paused"),
                                         [SESSION_SAVING] = N_("Saving"),
                                         [SESSION_OFF] = N_("Off"),
                                         [SESSION_ERROR] = N_("Off")};
    const char *subtitle = titles[state][0] ? _(titles[state]) : model ? _(model->title) : "";

    adw_window_title_set_title(self->title, vitrine_session_get_title(self->session));
    adw_window_title_set_subtitle(
        self->title, g_strcmp0(subtitle, vitrine_session_get_title(self->session)) == 0 ? "" : subtitle);
    gtk_window_set_title(GTK_WINDOW(self), vitrine_session_get_title(self->session));

    if (live) {
        gtk_stack_set_visible_child_name(self->stack, state == SESSION_SAVING ? "working" : self->view);
        adw_status_page_set_title(self->working_page, _("Saving…"));
    } else if (state == SESSION_OFF || state == SESSION_ERROR) {
        show_off_page(self, state);
        gtk_stack_set_visible_child_name(self->stack, "off");
    } else {
        adw_status_page_set_title(self->working_page, _("Starting…"));
        gtk_stack_set_visible_child_name(self->stack, "working");
    }
    /* A spinner that nobody sees keeps the frame clock running all the same. */
    gtk_spinner_set_spinning(self->spinner,
                             strcmp(gtk_stack_get_visible_child_name(self->stack), "working") == 0);
    gtk_revealer_set_reveal_child(self->curtain, paused);
    gtk_widget_set_can_target(GTK_WIDGET(self->curtain), paused);
    gtk_widget_set_visible(self->start_button, !live);
    gtk_widget_set_visible(self->pause_button, live);
    gtk_button_set_icon_name(GTK_BUTTON(self->pause_button),
                             paused ? "media-playback-start-symbolic" : "media-playback-pause-symbolic");
    name_button(self->pause_button, paused ? _("Resume") : _("Pause"));

    gboolean over = state == SESSION_OFF || state == SESSION_ERROR;
    gboolean free_to_start =
        over && vitrine_session_get_bundle(self->session) && !vitrine_session_get_engine(self->session);
    gboolean steady = state == SESSION_RUNNING || paused;
    gtk_widget_action_set_enabled(widget, "machine.start", free_to_start);
    gtk_widget_action_set_enabled(widget, "machine.start-fresh", free_to_start);
    gtk_widget_action_set_enabled(widget, "machine.pause", steady);
    gtk_widget_action_set_enabled(widget, "machine.reset", steady);
    gtk_widget_action_set_enabled(widget, "machine.power-off", steady);
    gtk_widget_action_set_enabled(widget, "machine.save-state",
                                  steady && vitrine_session_get_bundle(self->session));
    gtk_widget_action_set_enabled(widget, "machine.screenshot", steady);
    gtk_widget_action_set_enabled(widget, "machine.type-clipboard", steady);
    gtk_widget_action_set_enabled(widget, "machine.send-keys", steady);
    gtk_widget_action_set_enabled(widget, "machine.insert-medium", steady);
    gtk_widget_action_set_enabled(widget, "machine.eject-medium", steady);
    gtk_widget_action_set_enabled(widget, "machine.capture",
                                  steady && model && model->has_pointer && !model->pointer_is_absolute);
    update_hint(self);
}

static void on_state_changed(VitrineSession *session, VitrineMachineWindow *self)
{
    update(self);
    if (state_of(self) == SESSION_RUNNING && strcmp(self->view, "screen") == 0)
        gtk_widget_grab_focus(GTK_WIDGET(self->screen));
}

static void on_finished(VitrineSession *session, VitrineMachineWindow *self)
{
    if (self->closing || (self->close_at_end && state_of(self) == SESSION_OFF)) {
        self->force_close = TRUE;
        gtk_window_close(GTK_WINDOW(self));
        return;
    }
    update(self);
    if (gtk_window_is_fullscreen(GTK_WINDOW(self)))
        adw_flap_set_reveal_flap(self->flap, TRUE);
}

static void on_capture_changed(VitrineScreen *screen, VitrineMachineWindow *self)
{
    update_hint(self);
    if (vitrine_screen_is_captured(screen) && !gtk_revealer_get_reveal_child(self->status_revealer))
        toast(self, _("Right Ctrl + Esc lets the mouse go"));
}

/* ---- start ---- */

static void on_started(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineWindow) self = user_data;
    g_autoptr(GError) error = NULL;

    /* The off page shows the session's message. */
    vitrine_session_start_finish(VITRINE_SESSION(source), result, &error);
    if (self->session)
        update(self);
}

void vitrine_machine_window_start(VitrineMachineWindow *self)
{
    vitrine_session_start_async(self->session, NULL, on_started, g_object_ref(self));
}

static void set_session(VitrineMachineWindow *self, VitrineSession *session)
{
    if (self->session)
        g_signal_handlers_disconnect_by_data(self->session, self);
    g_set_object(&self->session, session);
    vitrine_screen_set_session(self->screen, session);
    vitrine_serial_view_set_session(self->serial, session);
    vitrine_status_strip_set_session(self->status, session);
    if (!session)
        return;
    g_signal_connect(session, "state-changed", G_CALLBACK(on_state_changed), self);
    g_signal_connect(session, "finished", G_CALLBACK(on_finished), self);
    update(self);
}

static void start_again(VitrineMachineWindow *self, enum session_flags flags)
{
    VitrineBundle *bundle = vitrine_session_get_bundle(self->session);

    if (!bundle || vitrine_session_get_engine(self->session))
        return;
    g_autoptr(VitrineSession) session = vitrine_session_new(bundle);
    vitrine_session_set_flags(session, flags);
    set_session(self, session);
    vitrine_machine_window_start(self);
}

/* ---- actions ---- */

static void start(GtkWidget *widget, const char *name, GVariant *parameter)
{
    start_again(VITRINE_MACHINE_WINDOW(widget), strcmp(name, "machine.start-fresh") == 0 ? SESSION_FRESH : 0);
}

static void pause_or_resume(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);

    if (state_of(self) == SESSION_PAUSED)
        vitrine_session_resume(self->session);
    else
        vitrine_session_pause(self->session);
}

typedef void (*session_request)(VitrineSession *session);

static void on_confirmed(AdwMessageDialog *dialog, const char *response, VitrineMachineWindow *self)
{
    session_request request = (session_request)g_object_get_data(G_OBJECT(dialog), "request");

    if (strcmp(response, "do") == 0)
        request(self->session);
}

/* What the guest has not written yet is lost: that cannot be undone, so it is asked. */
static void confirm(VitrineMachineWindow *self, const char *heading, const char *body, const char *label,
                    session_request request)
{
    GtkWidget *dialog = adw_message_dialog_new(GTK_WINDOW(self), heading, body);

    adw_message_dialog_add_responses(ADW_MESSAGE_DIALOG(dialog), "cancel", _("_Cancel"), "do", label, NULL);
    adw_message_dialog_set_response_appearance(ADW_MESSAGE_DIALOG(dialog), "do", ADW_RESPONSE_DESTRUCTIVE);
    adw_message_dialog_set_close_response(ADW_MESSAGE_DIALOG(dialog), "cancel");
    g_object_set_data(G_OBJECT(dialog), "request", (gpointer)request);
    g_signal_connect_object(dialog, "response", G_CALLBACK(on_confirmed), self, 0);
    gtk_window_present(GTK_WINDOW(dialog));
}

static void reset(GtkWidget *widget, const char *name, GVariant *parameter)
{
    confirm(VITRINE_MACHINE_WINDOW(widget), _("Reset the Machine?"),
            _("It starts from the beginning, as with its reset button. What its system has not written to "
              "disk is lost."),
            _("_Reset"), vitrine_session_reset);
}

static void power_off(GtkWidget *widget, const char *name, GVariant *parameter)
{
    confirm(VITRINE_MACHINE_WINDOW(widget), _("Power Off the Machine?"),
            _("This pulls the plug. What its system has not written to disk is lost; shut the system down "
              "first, or save "
              "the machine instead."),
            _("_Power Off"), vitrine_session_power_off);
}

static void on_state_saved(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineWindow) self = user_data;
    g_autoptr(GError) error = NULL;

    if (!vitrine_session_save_state_finish(VITRINE_SESSION(source), result, &error)) {
        self->closing = FALSE;
        toast(self, error->message);
    }
}

static void save_and_close(VitrineMachineWindow *self)
{
    self->closing = TRUE;
    vitrine_session_save_state_async(self->session, NULL, TRUE, on_state_saved, g_object_ref(self));
}

static void save_state(GtkWidget *widget, const char *name, GVariant *parameter)
{
    save_and_close(VITRINE_MACHINE_WINDOW(widget));
}

static void open_picture(AdwToast *toast_widget, const char *uri)
{
    gtk_show_uri(NULL, uri, GDK_CURRENT_TIME);
}

static void free_uri(gpointer data, GClosure *closure)
{
    g_free(data);
}

struct shot {
    VitrineMachineWindow *window;
    char *path;
};

static void on_shot(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct shot *shot = user_data;
    g_autoptr(GError) error = NULL;

    if (vitrine_session_screenshot_finish(VITRINE_SESSION(source), result, &error)) {
        AdwToast *done = adw_toast_new(_("Screenshot saved among your pictures"));
        adw_toast_set_button_label(done, _("_Open"));
        g_signal_connect_data(done, "button-clicked", G_CALLBACK(open_picture),
                              g_filename_to_uri(shot->path, NULL, NULL), free_uri, 0);
        adw_toast_overlay_add_toast(shot->window->toasts, done);
    } else {
        toast(shot->window, error->message);
    }
    g_object_unref(shot->window);
    g_free(shot->path);
    g_free(shot);
}

static void screenshot(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);
    const char *pictures = g_get_user_special_dir(G_USER_DIRECTORY_PICTURES);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%d %H-%M-%S");
    g_autofree char *file = g_strdup_printf("%s %s.png", vitrine_session_get_title(self->session), time);
    struct shot *shot = g_new0(struct shot, 1);

    g_strdelimit(file, "/", '-');
    shot->window = g_object_ref(self);
    shot->path = g_build_filename(pictures ? pictures : g_get_home_dir(), file, NULL);
    if (pictures)
        g_mkdir_with_parents(pictures, 0755);
    vitrine_session_screenshot_async(self->session, shot->path, on_shot, shot);
}

static void on_clipboard_text(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineWindow) self = user_data;
    g_autofree char *text = gdk_clipboard_read_text_finish(GDK_CLIPBOARD(source), result, NULL);

    if (!text || !*text)
        toast(self, _("There is no text in the clipboard."));
    else
        vitrine_session_type(self->session, text);
}

static void type_clipboard(GtkWidget *widget, const char *name, GVariant *parameter)
{
    gdk_clipboard_read_text_async(gtk_widget_get_clipboard(widget), NULL, on_clipboard_text,
                                  g_object_ref(widget));
}

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

static void show_keys_menu(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);
    GtkWidget *popover = gtk_popover_menu_new_from_model(G_MENU_MODEL(self->keys_section));

    gtk_widget_set_parent(popover, GTK_WIDGET(self->menu_button));
    g_signal_connect(popover, "closed", G_CALLBACK(gtk_widget_unparent), NULL);
    gtk_popover_popup(GTK_POPOVER(popover));
}

static void fill_keys_section(VitrineMachineWindow *self)
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

static void release(VitrineMachineWindow *self)
{
    vitrine_screen_release(self->screen);
    vitrine_screen_release_keys(self->screen);
    if (gtk_window_is_fullscreen(GTK_WINDOW(self)))
        adw_flap_set_reveal_flap(self->flap, TRUE);
    gtk_widget_grab_focus(GTK_WIDGET(self->menu_button));
}

/* ---- media ---- */

static void on_medium_changed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineWindow) self = user_data;
    g_autoptr(GError) error = NULL;

    if (!vitrine_session_change_medium_finish(VITRINE_SESSION(source), result, &error))
        toast(self, error->message);
}

static void on_medium_chosen(GtkNativeDialog *dialog, int response, VitrineMachineWindow *self)
{
    if (response == GTK_RESPONSE_ACCEPT) {
        g_autoptr(GFile) file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));
        g_autofree char *path = file ? g_file_get_path(file) : NULL;
        if (path)
            vitrine_session_change_medium_async(self->session, g_object_get_data(G_OBJECT(dialog), "drive"),
                                                path, FALSE, on_medium_changed, g_object_ref(self));
    }
    g_object_unref(dialog);
}

static void insert_medium(GtkWidget *widget, const char *name, GVariant *parameter)
{
    GtkFileChooserNative *chooser = gtk_file_chooser_native_new(
        _("Insert a Medium"), GTK_WINDOW(widget), GTK_FILE_CHOOSER_ACTION_OPEN, _("_Insert"), _("_Cancel"));

    gtk_native_dialog_set_modal(GTK_NATIVE_DIALOG(chooser), TRUE);
    g_object_set_data_full(G_OBJECT(chooser), "drive", g_variant_dup_string(parameter, NULL), g_free);
    g_signal_connect_object(chooser, "response", G_CALLBACK(on_medium_chosen), widget, 0);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(chooser));
}

static void eject_medium(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(widget);

    vitrine_session_change_medium_async(self->session, g_variant_get_string(parameter, NULL), NULL, FALSE,
                                        on_medium_changed, g_object_ref(self));
}

/* ---- keys and pointer ---- */

static gboolean on_key_pressed(GtkEventControllerKey *controller, guint keyval, guint keycode,
                               GdkModifierType modifiers, VitrineMachineWindow *self)
{
    /* Paused, the keys are the window's (but for the host key's chords, which the screen knows). */
    return gtk_root_get_focus(GTK_ROOT(self)) == GTK_WIDGET(self->screen) &&
           vitrine_session_is_live(self->session) && vitrine_screen_key(self->screen, keyval, keycode, TRUE);
}

static void on_key_released(GtkEventControllerKey *controller, guint keyval, guint keycode,
                            GdkModifierType modifiers, VitrineMachineWindow *self)
{
    if (vitrine_session_is_live(self->session))
        vitrine_screen_key(self->screen, keyval, keycode, FALSE);
}

static void on_host_chord(VitrineScreen *screen, guint keyval, VitrineMachineWindow *self)
{
    static const struct {
        guint keyval;
        const char *action;
    } chords[] = {
        {GDK_KEY_f, "machine.fullscreen"},     {GDK_KEY_p, "machine.pause"},
        {GDK_KEY_s, "machine.save-state"},     {GDK_KEY_c, "machine.screenshot"},
        {GDK_KEY_v, "machine.type-clipboard"}, {GDK_KEY_k, "machine.keys-menu"},
    };

    if (keyval == GDK_KEY_Escape) {
        release(self);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(chords); i++) {
        if (chords[i].keyval == keyval)
            gtk_widget_activate_action(GTK_WIDGET(self), chords[i].action, NULL);
    }
}

/* The window takes the guest's size, as far as the monitor allows. */
static void on_picture_resized(VitrineScreen *screen, VitrineMachineWindow *self)
{
    GtkWindow *window = GTK_WINDOW(self);

    if (!gtk_window_is_maximized(window) && !gtk_window_is_fullscreen(window))
        gtk_window_set_default_size(window, -1, -1); /* its natural size: the picture pixel by pixel */
}

static void on_pointer_motion(GtkEventControllerMotion *controller, double x, double y,
                              VitrineMachineWindow *self)
{
    if (!gtk_window_is_fullscreen(GTK_WINDOW(self)))
        return;
    if (y <= HEADER_EDGE && !vitrine_screen_is_captured(self->screen))
        adw_flap_set_reveal_flap(self->flap, TRUE);
    else if (y > HEADER_ZONE && vitrine_session_is_live(self->session) && state_of(self) == SESSION_RUNNING)
        adw_flap_set_reveal_flap(self->flap, FALSE);
}

static void on_full_screen_changed(VitrineMachineWindow *self)
{
    gboolean full = gtk_window_is_fullscreen(GTK_WINDOW(self));
    gboolean show_status;

    adw_flap_set_fold_policy(self->flap, full ? ADW_FLAP_FOLD_POLICY_ALWAYS : ADW_FLAP_FOLD_POLICY_NEVER);
    adw_flap_set_reveal_flap(self->flap, !full);
    g_object_get(vitrine_settings_get(), "show-status", &show_status, NULL);
    gtk_revealer_set_reveal_child(self->status_revealer, show_status && !full);
    gtk_button_set_icon_name(GTK_BUTTON(self->full_screen_button),
                             full ? "view-restore-symbolic" : "view-fullscreen-symbolic");
    name_button(self->full_screen_button, full ? _("Leave Full Screen") : _("Full Screen"));
    if (full && vitrine_session_is_live(self->session))
        gtk_widget_grab_focus(GTK_WIDGET(self->screen));
}

/* ---- closing ---- */

static void on_close_response(AdwMessageDialog *dialog, const char *response, VitrineMachineWindow *self)
{
    if (strcmp(response, "save") == 0) {
        save_and_close(self);
    } else if (strcmp(response, "off") == 0) {
        self->closing = TRUE;
        vitrine_session_power_off(self->session);
    }
}

static void ask_before_closing(VitrineMachineWindow *self)
{
    gboolean can_save = vitrine_session_get_bundle(self->session) != NULL;
    GtkWidget *dialog =
        adw_message_dialog_new(GTK_WINDOW(self), _("Close a Running Machine?"),
                               can_save ? _("Saved, it goes on right there at its next start. Powered off, "
                                            "what its system has not written to disk "
                                            "is lost.")
                                        : _("What its system has not written to disk is lost."));

    adw_message_dialog_add_responses(ADW_MESSAGE_DIALOG(dialog), "cancel", _("_Cancel"), "off",
                                     _("_Power Off"), NULL);
    adw_message_dialog_set_response_appearance(ADW_MESSAGE_DIALOG(dialog), "off", ADW_RESPONSE_DESTRUCTIVE);
    if (can_save) {
        adw_message_dialog_add_response(ADW_MESSAGE_DIALOG(dialog), "save", _("_Save"));
        adw_message_dialog_set_response_appearance(ADW_MESSAGE_DIALOG(dialog), "save",
                                                   ADW_RESPONSE_SUGGESTED);
        adw_message_dialog_set_default_response(ADW_MESSAGE_DIALOG(dialog), "save");
    }
    adw_message_dialog_set_close_response(ADW_MESSAGE_DIALOG(dialog), "cancel");
    g_signal_connect_object(dialog, "response", G_CALLBACK(on_close_response), self, 0);
    gtk_window_present(GTK_WINDOW(dialog));
}

static gboolean vitrine_machine_window_close_request(GtkWindow *window)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(window);
    gboolean save;

    /* The engine is on its way out: the window goes when it is gone. */
    if (!self->force_close && self->session && vitrine_session_get_engine(self->session)) {
        if (!vitrine_session_is_live(self->session)) {
            self->closing = TRUE;
            return TRUE;
        }
        g_object_get(vitrine_settings_get(), "save-on-close", &save, NULL);
        vitrine_screen_release(self->screen);
        if (self->closing)
            return TRUE;
        if (save && vitrine_session_get_bundle(self->session))
            save_and_close(self);
        else
            ask_before_closing(self);
        return TRUE;
    }
    return GTK_WINDOW_CLASS(vitrine_machine_window_parent_class)->close_request(window);
}

/* ---- properties (actions of the same name) ---- */

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(object);

    g_value_set_string(value, id == PROP_SCALING ? scaling_names[self->scaling] : self->view);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(object);
    const char *text = g_value_get_string(value);

    if (id == PROP_SCALING) {
        for (guint i = 0; i < G_N_ELEMENTS(scaling_names); i++) {
            if (g_strcmp0(scaling_names[i], text) == 0)
                g_object_set(vitrine_settings_get(), "scaling", (int)i, NULL);
        }
    } else if (g_strcmp0(text, "screen") == 0 || g_strcmp0(text, "serial") == 0) {
        g_free(self->view);
        self->view = g_strdup(text);
        if (self->session) {
            update(self);
            if (vitrine_session_is_live(self->session))
                gtk_widget_grab_focus(strcmp(text, "screen") == 0 ? GTK_WIDGET(self->screen)
                                                                  : GTK_WIDGET(self->serial));
        }
    }
}

static void on_scaling_setting(VitrineMachineWindow *self)
{
    g_object_get(vitrine_settings_get(), "scaling", &self->scaling, NULL);
    vitrine_screen_set_scaling(self->screen, (enum scaling)self->scaling);
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_SCALING]);
}

/* ---- object ---- */

static void vitrine_machine_window_dispose(GObject *object)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(object);

    if (self->session)
        set_session(self, NULL);
    g_clear_pointer(&self->view, g_free);
    G_OBJECT_CLASS(vitrine_machine_window_parent_class)->dispose(object);
}

static void close_window(GtkWidget *widget, const char *name, GVariant *parameter)
{
    gtk_window_close(GTK_WINDOW(widget));
}

static void vitrine_machine_window_class_init(VitrineMachineWindowClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);
    GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

    G_OBJECT_CLASS(klass)->dispose = vitrine_machine_window_dispose;
    G_OBJECT_CLASS(klass)->get_property = get_property;
    G_OBJECT_CLASS(klass)->set_property = set_property;
    GTK_WINDOW_CLASS(klass)->close_request = vitrine_machine_window_close_request;
    props[PROP_SCALING] = g_param_spec_string("scaling", NULL, NULL, "sharp", flags);
    props[PROP_VIEW] = g_param_spec_string("view", NULL, NULL, "screen", flags);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);

    g_type_ensure(VITRINE_TYPE_SCREEN);
    g_type_ensure(VITRINE_TYPE_SERIAL_VIEW);
    g_type_ensure(VITRINE_TYPE_STATUS_STRIP);
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/machine_window.ui");
#define BIND(name) gtk_widget_class_bind_template_child(widget, VitrineMachineWindow, name)
    BIND(flap);
    BIND(header);
    BIND(start_button);
    BIND(pause_button);
    BIND(full_screen_button);
    BIND(off_fresh_button);
    BIND(off_start_button);
    BIND(off_start_label);
    BIND(menu_button);
    BIND(title);
    BIND(toasts);
    BIND(stack);
    BIND(off_page);
    BIND(working_page);
    BIND(curtain);
    BIND(status_revealer);
    BIND(screen);
    BIND(serial);
    BIND(status);
    BIND(keys_section);
    BIND(spinner);
#undef BIND
    gtk_widget_class_bind_template_callback(widget, on_key_pressed);
    gtk_widget_class_bind_template_callback(widget, on_key_released);
    gtk_widget_class_bind_template_callback(widget, on_pointer_motion);
    gtk_widget_class_bind_template_callback(widget, on_host_chord);
    gtk_widget_class_bind_template_callback(widget, on_capture_changed);
    gtk_widget_class_bind_template_callback(widget, on_picture_resized);

    gtk_widget_class_install_action(widget, "machine.start", NULL, start);
    gtk_widget_class_install_action(widget, "machine.start-fresh", NULL, start);
    gtk_widget_class_install_action(widget, "machine.pause", NULL, pause_or_resume);
    gtk_widget_class_install_action(widget, "machine.reset", NULL, reset);
    gtk_widget_class_install_action(widget, "machine.power-off", NULL, power_off);
    gtk_widget_class_install_action(widget, "machine.save-state", NULL, save_state);
    gtk_widget_class_install_action(widget, "machine.screenshot", NULL, screenshot);
    gtk_widget_class_install_action(widget, "machine.type-clipboard", NULL, type_clipboard);
    gtk_widget_class_install_action(widget, "machine.send-keys", "s", send_keys);
    gtk_widget_class_install_action(widget, "machine.keys-menu", NULL, show_keys_menu);
    gtk_widget_class_install_action(widget, "machine.fullscreen", NULL, toggle_full_screen);
    gtk_widget_class_install_action(widget, "machine.capture", NULL, capture);
    gtk_widget_class_install_action(widget, "machine.insert-medium", "s", insert_medium);
    gtk_widget_class_install_action(widget, "machine.eject-medium", "s", eject_medium);
    gtk_widget_class_install_action(widget, "win.close-window", NULL, close_window);
    gtk_widget_class_install_property_action(widget, "machine.scaling", "scaling");
    gtk_widget_class_install_property_action(widget, "machine.view", "view");

    /* For a keyboard that is in the window, not in the machine. */
    static const struct {
        guint keyval;
        GdkModifierType modifiers;
        const char *action;
    } keys[] = {
        {GDK_KEY_F11, 0, "machine.fullscreen"},
        {GDK_KEY_Return, GDK_CONTROL_MASK, "machine.start"},
        {GDK_KEY_p, GDK_CONTROL_MASK, "machine.pause"},
        {GDK_KEY_s, GDK_CONTROL_MASK, "machine.save-state"},
        {GDK_KEY_k, GDK_CONTROL_MASK, "machine.keys-menu"},
        {GDK_KEY_c, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "machine.screenshot"},
        {GDK_KEY_v, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "machine.type-clipboard"},
        {GDK_KEY_r, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "machine.reset"},
        {GDK_KEY_o, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "machine.power-off"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        gtk_widget_class_add_binding_action(widget, keys[i].keyval, keys[i].modifiers, keys[i].action, NULL);
}

static void vitrine_machine_window_init(VitrineMachineWindow *self)
{
    VitrineSettings *settings = vitrine_settings_get();

    self->view = g_strdup("screen");
    gtk_widget_init_template(GTK_WIDGET(self));
    g_signal_connect(self, "notify::fullscreened", G_CALLBACK(on_full_screen_changed), NULL);
    g_signal_connect_object(settings, "notify::scaling", G_CALLBACK(on_scaling_setting), self,
                            G_CONNECT_SWAPPED);
    g_object_bind_property(settings, "show-status", self->status_revealer, "reveal-child",
                           G_BINDING_SYNC_CREATE);
    on_scaling_setting(self);
}

VitrineMachineWindow *vitrine_machine_window_new(VitrineApplication *application, VitrineSession *session)
{
    VitrineMachineWindow *self = g_object_new(VITRINE_TYPE_MACHINE_WINDOW, "application", application, NULL);

    set_session(self, session);
    fill_keys_section(self);
    gtk_widget_grab_focus(GTK_WIDGET(self->screen));
    return self;
}

void vitrine_machine_window_set_close_at_end(VitrineMachineWindow *self, gboolean close_at_end)
{
    self->close_at_end = close_at_end;
}

gboolean vitrine_machine_window_shows(VitrineMachineWindow *self, const char *folder)
{
    VitrineBundle *bundle = self->session ? vitrine_session_get_bundle(self->session) : NULL;

    return bundle && strcmp(vitrine_bundle_get_folder(bundle), folder) == 0;
}
