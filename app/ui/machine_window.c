/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The running window. */
#include "app/ui/machine_window_private.h"

#include "app/i18n.h"
#include "app/machine_check.h"
#include "app/machine_log.h"
#include "app/ui/dialogs.h"
#include "app/ui/host_key.h"
#include "app/ui/jobs.h"
#include "app/ui/machine_actions.h"
#include "app/ui/names.h"

#include <string.h>

/* In full screen the header comes when the pointer touches the upper edge, and goes below this height. */
#define HEADER_EDGE 2
#define HEADER_ZONE 80

G_DEFINE_FINAL_TYPE(VitrineMachineWindow, vitrine_machine_window, ADW_TYPE_APPLICATION_WINDOW)

enum { PROP_0, PROP_VIEW, N_PROPS };
static GParamSpec *props[N_PROPS];
static enum session_state state_of(VitrineMachineWindow *self)
{
    return vitrine_session_get_state(self->session);
}

/* It has ended, or never began, and its engine has gone. */
static gboolean is_over(VitrineMachineWindow *self)
{
    return (state_of(self) == SESSION_OFF || state_of(self) == SESSION_ERROR) &&
           !vitrine_session_get_engine(self->session);
}

/* ---- what is shown ---- */

static void update_hint(VitrineMachineWindow *self)
{
    const struct engine_model *model = vitrine_session_get_model(self->session);
    const char *hint = NULL;

    if (state_of(self) != SESSION_RUNNING || strcmp(self->view, "screen") != 0)
        hint = NULL;
    else if (vitrine_screen_is_captured(self->screen))
        hint = machine_window_release_hint();
    else if (model && model->has_pointer && !model->pointer_is_absolute)
        hint = _("Click the picture to give it the mouse");
    vitrine_status_strip_set_hint(self->status, hint);
}

/* Something in the description or the files that it cannot start with. */
static gboolean has_fault(VitrineBundle *bundle, VitrineHistory *history)
{
    const MachineIni *machine = vitrine_bundle_get_machine(bundle);

    if (!machine || !history || vitrine_history_get_problems(history)->len > 0)
        return TRUE;
    g_autoptr(GPtrArray) findings = machine_check(vitrine_bundle_get_folder(bundle), machine);
    return findings->len > 0 && ((struct machine_finding *)findings->pdata[0])->level == FINDING_ERROR;
}

/* What it could not run for may be mended meanwhile: then there is nothing to tell of it any more. */
static void look_at_fault(VitrineMachineWindow *self)
{
    VitrineBundle *bundle = vitrine_session_get_bundle(self->session);

    if (!bundle || !is_over(self))
        return;
    if (state_of(self) == SESSION_ERROR) {
        gboolean fault = has_fault(bundle, self->history);
        self->fault_seen |= fault;
        self->fault_gone = self->fault_seen && !fault;
    }
    machine_window_update(self);
}

static void on_active_changed(VitrineMachineWindow *self)
{
    if (self->session && gtk_window_is_active(GTK_WINDOW(self)) && state_of(self) == SESSION_ERROR && self->history)
        vitrine_history_refresh(self->history); /* a file may be back where it was */
}

static void show_off_page(VitrineMachineWindow *self, enum session_state state)
{
    VitrineBundle *bundle = vitrine_session_get_bundle(self->session);
    gboolean saved = bundle && vitrine_bundle_is_saved(bundle);
    gboolean failed = state == SESSION_ERROR && !self->fault_gone;
    const char *refusal = bundle && !failed ? machine_start_refusal(vitrine_bundle_get_state(bundle)) : NULL;

    adw_status_page_set_icon_name(self->off_page,
                                  failed ? "dialog-warning-symbolic" : "system-shutdown-symbolic");
    adw_status_page_set_title(self->off_page, failed  ? _("It Could Not Run")
                                              : saved ? _("Saved")
                                                      : _("Powered Off"));
    g_autofree char *escaped =
        failed ? g_markup_escape_text(vitrine_session_get_message(self->session), -1) : NULL;
    adw_status_page_set_description(self->off_page, failed    ? escaped
                                                    : refusal ? refusal
                                                    : saved   ? _("It goes on right there.")
                                                              : NULL);
    gtk_label_set_label(GTK_LABEL(self->off_start_label), failed  ? _("_Try Again")
                                                          : saved ? _("_Resume")
                                                                  : _("_Start"));
    names_say(self->off_start_button, failed  ? _("Try Again")
                                      : saved ? _("Resume")
                                              : _("Start"));
    gtk_widget_set_visible(self->off_start_button, bundle != NULL);
    gtk_widget_set_visible(self->off_fresh_button, saved);
    gtk_widget_set_visible(self->off_repair_button, failed && bundle);
    if (!failed || !bundle)
        return;
    g_autoptr(VitrineHistory) history = vitrine_history_get(bundle);
    gboolean original = vitrine_history_get_problems(history)->len > 0;
    gtk_button_set_label(GTK_BUTTON(self->off_repair_button), original ? _("Re_pair…") : _("_Details"));
    names_say(self->off_repair_button, original ? _("Repair…") : _("Details"));
    gtk_actionable_set_action_target(GTK_ACTIONABLE(self->off_repair_button), "s",
                                     original ? "history" : "overview");
}

/* Nothing to tell of a machine that is off; the whole screen is for the picture. */
static void update_status(VitrineMachineWindow *self)
{
    gboolean over = self->session && (state_of(self) == SESSION_OFF || state_of(self) == SESSION_ERROR);

    gtk_revealer_set_reveal_child(self->status_revealer,
                                  g_settings_get_boolean(vitrine_settings_get(), "show-status") && !over &&
                                      !gtk_window_is_fullscreen(GTK_WINDOW(self)));
}

void machine_window_update(VitrineMachineWindow *self)
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
    /* Not over a picture of the past that one looks at. */
    gboolean curtain = paused && !vitrine_rewind_bar_is_open(self->rewind);
    gtk_revealer_set_reveal_child(self->curtain, curtain);
    gtk_widget_set_can_target(GTK_WIDGET(self->curtain), curtain);
    gtk_widget_set_visible(self->start_button, !live);
    gtk_widget_set_visible(self->pause_button, live);
    gtk_button_set_icon_name(GTK_BUTTON(self->pause_button),
                             paused ? "media-playback-start-symbolic" : "media-playback-pause-symbolic");
    dialogs_name_widget(self->pause_button, paused ? _("Resume") : _("Pause"));

    VitrineBundle *bundle = vitrine_session_get_bundle(self->session);
    gboolean free_to_start = is_over(self) && bundle && !machine_start_refusal(vitrine_bundle_get_state(bundle));
    gboolean steady = state == SESSION_RUNNING || paused;
    gtk_widget_action_set_enabled(widget, "machine.start", free_to_start);
    gtk_widget_action_set_enabled(widget, "machine.start-fresh", free_to_start);
    gtk_widget_action_set_enabled(widget, "machine.pause", steady);
    gtk_widget_action_set_enabled(widget, "machine.reset", steady);
    gtk_widget_action_set_enabled(widget, "machine.power-off", steady);
    gtk_widget_action_set_enabled(widget, "machine.save-state",
                                  steady && vitrine_session_keeps(self->session));
    gtk_widget_action_set_enabled(widget, "machine.snapshot", steady && vitrine_session_keeps(self->session));
    gtk_widget_action_set_enabled(widget, "machine.rewind", steady);
    gtk_widget_action_set_enabled(widget, "machine.undo-restore",
                                  steady && vitrine_session_keeps(self->session));
    gtk_widget_action_set_enabled(widget, "machine.screenshot", steady);
    gtk_widget_action_set_enabled(widget, "machine.type-clipboard", steady);
    gtk_widget_action_set_enabled(widget, "machine.send-keys", steady);
    gtk_widget_action_set_enabled(widget, "machine.insert-medium", steady);
    gtk_widget_action_set_enabled(widget, "machine.eject-medium", steady);
    gtk_widget_action_set_enabled(widget, "machine.insert-folder", steady);
    gtk_widget_action_set_enabled(widget, "machine.capture",
                                  steady && model && model->has_pointer && !model->pointer_is_absolute);
    update_hint(self);
    update_status(self);
}

void machine_window_return_keyboard(VitrineMachineWindow *self)
{
    if (self->session && state_of(self) == SESSION_RUNNING)
        gtk_widget_grab_focus(strcmp(self->view, "screen") == 0 ? GTK_WIDGET(self->screen) : GTK_WIDGET(self->serial));
}

static void show_settings(gpointer window)
{
    gtk_widget_activate_action(window, "machine.page", "s", "settings");
}

/* Once, not again each time one goes back: what the machine must do without. */
static void tell_complaint(VitrineMachineWindow *self)
{
    struct engine *engine = vitrine_session_get_engine(self->session);
    const char *complaint = engine ? engine_complaint(engine) : NULL;

    if (!complaint || g_strcmp0(self->complained, complaint) == 0)
        return;
    g_free(self->complained);
    self->complained = g_strdup(complaint);
    /* A toast has one line: the first sentence; the log has the rest. */
    const char *end = strstr(complaint, ". ");
    g_autofree char *text = end ? g_strndup(complaint, (gsize)(end - complaint) + 1) : g_strdup(complaint);
    VitrineBundle *bundle = vitrine_session_get_bundle(self->session);
    if (bundle)
        machine_log(vitrine_bundle_get_folder(bundle), "%s", complaint);
    dialogs_toast_button(GTK_WIDGET(self), text, _("_Settings"), show_settings, g_object_ref(self),
                         g_object_unref);
}

static void on_state_changed(VitrineSession *session, VitrineMachineWindow *self)
{
    machine_window_update(self);
    if (state_of(self) == SESSION_RUNNING)
        tell_complaint(self);
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
    machine_window_update(self);
    if (gtk_window_is_fullscreen(GTK_WINDOW(self)))
        adw_flap_set_reveal_flap(self->flap, TRUE);
}

/* Somebody asked for this machine where it was not seen. */
static void on_present(VitrineSession *session, VitrineMachineWindow *self)
{
    gtk_window_present(GTK_WINDOW(self));
}

static void on_capture_changed(VitrineScreen *screen, VitrineMachineWindow *self)
{
    update_hint(self);
    if (!vitrine_screen_is_captured(screen))
        return;
    if (!vitrine_screen_holds_pointer(screen))
        dialogs_toast(GTK_WIDGET(self),
                      _("This desktop cannot hold the mouse: the machine gets its movements over the picture only"));
    else if (!gtk_revealer_get_reveal_child(self->status_revealer))
        dialogs_toast(GTK_WIDGET(self), machine_window_release_hint());
}

/* ---- start ---- */

static void on_started(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineWindow) self = user_data;
    g_autoptr(GError) error = NULL;

    /* The off page shows the session's message. */
    VitrineBundle *bundle = vitrine_session_get_bundle(VITRINE_SESSION(source));
    if (!vitrine_session_start_finish(VITRINE_SESSION(source), result, &error) && bundle) {
        g_autoptr(VitrineHistory) history = vitrine_history_get(bundle);
        vitrine_history_refresh(history); /* an original may have changed */
    }
    if (self->session)
        look_at_fault(self);
}

void vitrine_machine_window_start(VitrineMachineWindow *self)
{
    vitrine_session_start_async(self->session, NULL, on_started, g_object_ref(self));
}

static void on_background(VitrineHistory *history, VitrineJob *job, VitrineMachineWindow *self)
{
    jobs_add_quietly(job);
}

static void set_session(VitrineMachineWindow *self, VitrineSession *session)
{
    VitrineBundle *bundle = self->session ? vitrine_session_get_bundle(self->session) : NULL;

    if (bundle)
        g_signal_handlers_disconnect_by_data(bundle, self);
    if (self->session)
        g_signal_handlers_disconnect_by_data(self->session, self);
    g_set_object(&self->session, session);
    self->fault_seen = self->fault_gone = FALSE;
    g_clear_pointer(&self->complained, g_free);
    vitrine_screen_set_session(self->screen, session);
    vitrine_serial_view_set_session(self->serial, session);
    vitrine_status_strip_set_session(self->status, session);
    vitrine_rewind_bar_set_session(self->rewind, session);
    bundle = session ? vitrine_session_get_bundle(session) : NULL;
    vitrine_history_look_at(&self->history, bundle, self);
    if (self->history) {
        g_signal_connect(self->history, "background", G_CALLBACK(on_background), self);
        g_signal_connect_swapped(self->history, "changed", G_CALLBACK(look_at_fault), self);
    }
    if (!session)
        return;
    if (bundle)
        g_signal_connect_swapped(bundle, "changed", G_CALLBACK(look_at_fault), self);
    g_signal_connect(session, "state-changed", G_CALLBACK(on_state_changed), self);
    g_signal_connect(session, "finished", G_CALLBACK(on_finished), self);
    g_signal_connect(session, "present", G_CALLBACK(on_present), self);
    machine_window_update(self);
}

void vitrine_machine_window_start_again(VitrineMachineWindow *self, enum session_flags flags)
{
    VitrineBundle *bundle = vitrine_session_get_bundle(self->session);

    if (!bundle || !is_over(self))
        return;
    g_autoptr(VitrineSession) session = vitrine_application_new_session(bundle, flags);
    set_session(self, session);
    vitrine_machine_window_start(self);
}

/* ---- keys and pointer ---- */

static gboolean on_key_pressed(GtkEventControllerKey *controller, guint keyval, guint keycode,
                               GdkModifierType modifiers, VitrineMachineWindow *self)
{
    gboolean on_screen = gtk_root_get_focus(GTK_ROOT(self)) == GTK_WIDGET(self->screen);

    /* Paused, the keys are the window's (but for the host key's chords, which the screen knows). */
    return (on_screen || vitrine_screen_is_host_key(self->screen, keycode)) &&
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
        {GDK_KEY_s, "machine.snapshot"},       {GDK_KEY_z, "machine.undo-restore"},
        {GDK_KEY_d, "machine.disks"},          {GDK_KEY_c, "machine.screenshot"},
        {GDK_KEY_v, "machine.type-clipboard"}, {GDK_KEY_k, "machine.keys-menu"},
        {GDK_KEY_r, "machine.rewind"},         {GDK_KEY_q, "machine.save-state"},
    };

    if (keyval == GDK_KEY_Escape) {
        machine_window_release(self);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(chords); i++) {
        if (chords[i].keyval == keyval)
            gtk_widget_activate_action(GTK_WIDGET(self), chords[i].action, NULL);
    }
}

static gboolean on_drop(GtkDropTarget *target, const GValue *value, double x, double y, VitrineMachineWindow *self)
{
    return machine_media_drop(self, NULL, g_value_get_boxed(value));
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

    adw_flap_set_fold_policy(self->flap, full ? ADW_FLAP_FOLD_POLICY_ALWAYS : ADW_FLAP_FOLD_POLICY_NEVER);
    adw_flap_set_reveal_flap(self->flap, !full);
    update_status(self);
    gtk_button_set_icon_name(GTK_BUTTON(self->full_screen_button),
                             full ? "view-restore-symbolic" : "view-fullscreen-symbolic");
    dialogs_name_widget(self->full_screen_button, full ? _("Leave Full Screen") : _("Full Screen"));
    if (full && vitrine_session_is_live(self->session))
        gtk_widget_grab_focus(GTK_WIDGET(self->screen));
}

const char *machine_window_release_hint(void)
{
    static char *hint;

    g_free(hint);
    return hint = g_strdup_printf(_("%s + Esc lets the mouse go"), host_key_title());
}

/* ---- closing ---- */

static void on_close_response(AdwMessageDialog *dialog, const char *response, VitrineMachineWindow *self)
{
    if (strcmp(response, "save") == 0) {
        machine_window_save_and_close(self);
    } else if (strcmp(response, "off") == 0) {
        self->closing = TRUE;
        vitrine_session_power_off(self->session);
    }
}

static void ask_before_closing(VitrineMachineWindow *self)
{
    gboolean can_save = vitrine_session_keeps(self->session);
    gboolean discards = !can_save && vitrine_session_get_bundle(self->session);
    GtkWidget *dialog =
        adw_message_dialog_new(GTK_WINDOW(self), _("Close a Running Machine?"),
                               can_save ? _("Saved, it goes on right there at its next start. Powered off, "
                                            "what its system has not written to disk "
                                            "is lost.")
                               : discards ? _("It runs without saving: everything that it has done is lost.")
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

    /* The engine is on its way out: the window goes when it is gone. */
    if (!self->force_close && self->session && vitrine_session_get_engine(self->session)) {
        if (!vitrine_session_is_live(self->session)) {
            self->closing = TRUE;
            return TRUE;
        }
        vitrine_screen_release(self->screen);
        if (self->closing)
            return TRUE;
        if (g_settings_get_boolean(vitrine_settings_get(), "save-on-close") && vitrine_session_keeps(self->session))
            machine_window_save_and_close(self);
        else
            ask_before_closing(self);
        return TRUE;
    }
    return GTK_WINDOW_CLASS(vitrine_machine_window_parent_class)->close_request(window);
}

static void on_saved_at_end(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(VitrineMachineWindow) self = user_data;
    VitrineSession *session = VITRINE_SESSION(source);
    g_autoptr(GError) error = NULL;

    if (vitrine_session_save_state_finish(session, result, &error))
        return;
    self->ending = FALSE;
    if (!self->must_end) {
        self->closing = FALSE;
        dialogs_toast(GTK_WIDGET(self), error->message);
        return;
    }
    machine_log(vitrine_bundle_get_folder(vitrine_session_get_bundle(session)),
                _("It could not be saved when Vitrine was ended, and was powered off: %s"), error->message);
    vitrine_session_power_off(session);
}

gboolean vitrine_machine_window_end(VitrineMachineWindow *self, gboolean must)
{
    gboolean again = must && !self->must_end;

    if (vitrine_session_is_over(self->session))
        return FALSE;
    self->must_end |= must;
    if (self->ending || !vitrine_session_is_live(self->session) || state_of(self) == SESSION_SAVING)
        return TRUE;
    if (vitrine_session_keeps(self->session) && (again || !self->tried_to_end)) {
        self->ending = self->closing = self->tried_to_end = TRUE;
        vitrine_session_save_state_async(self->session, NULL, TRUE, on_saved_at_end, g_object_ref(self));
    } else if (must) {
        self->ending = self->closing = TRUE;
        vitrine_session_power_off(self->session);
    }
    return TRUE;
}

/* ---- properties (actions of the same name) ---- */

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(object);

    g_value_set_string(value, self->view);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(object);
    const char *text = g_value_get_string(value);

    if (g_strcmp0(text, "screen") == 0 || g_strcmp0(text, "serial") == 0) {
        g_free(self->view);
        self->view = g_strdup(text);
        if (self->session) {
            machine_window_update(self);
            if (vitrine_session_is_live(self->session))
                gtk_widget_grab_focus(strcmp(text, "screen") == 0 ? GTK_WIDGET(self->screen)
                                                                  : GTK_WIDGET(self->serial));
        }
    }
}

/* ---- object ---- */

static void vitrine_machine_window_dispose(GObject *object)
{
    VitrineMachineWindow *self = VITRINE_MACHINE_WINDOW(object);

    if (self->session)
        set_session(self, NULL);
    g_clear_pointer(&self->view, g_free);
    g_clear_pointer(&self->complained, g_free);
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
    props[PROP_VIEW] = g_param_spec_string("view", NULL, NULL, "screen", flags);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);

    g_type_ensure(VITRINE_TYPE_JOBS_BUTTON);
    g_type_ensure(VITRINE_TYPE_REWIND_BAR);
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
    BIND(off_repair_button);
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
    BIND(rewind);
    BIND(keys_section);
    BIND(spinner);
    BIND(drop_target);
#undef BIND
    gtk_widget_class_bind_template_callback(widget, on_key_pressed);
    gtk_widget_class_bind_template_callback(widget, on_key_released);
    gtk_widget_class_bind_template_callback(widget, on_pointer_motion);
    gtk_widget_class_bind_template_callback(widget, on_host_chord);
    gtk_widget_class_bind_template_callback(widget, on_capture_changed);
    gtk_widget_class_bind_template_callback(widget, on_picture_resized);
    gtk_widget_class_bind_template_callback(widget, on_drop);

    machine_commands_install(widget);
    machine_media_install(widget);
    gtk_widget_class_install_action(widget, "win.close-window", NULL, close_window);
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
        {GDK_KEY_s, GDK_CONTROL_MASK, "machine.snapshot"},
        {GDK_KEY_z, GDK_CONTROL_MASK, "machine.undo-restore"},
        {GDK_KEY_d, GDK_CONTROL_MASK, "machine.disks"},
        {GDK_KEY_b, GDK_CONTROL_MASK, "machine.rewind"},
        {GDK_KEY_s, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "machine.save-state"},
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
    GSettings *settings = vitrine_settings_get();
    GType types[] = {GDK_TYPE_FILE_LIST};

    self->view = g_strdup("screen");
    gtk_widget_init_template(GTK_WIDGET(self));
    g_signal_connect(self, "notify::fullscreened", G_CALLBACK(on_full_screen_changed), NULL);
    g_signal_connect(self, "notify::is-active", G_CALLBACK(on_active_changed), NULL);
    dialogs_set_toasts(GTK_WINDOW(self), self->toasts);
    gtk_drop_target_set_gtypes(self->drop_target, types, G_N_ELEMENTS(types));
    g_autoptr(GSimpleActionGroup) group = g_simple_action_group_new();
    for (const char *const *key = (const char *const[]){"scaling", "effect", "show-status", NULL}; *key; key++) {
        g_autoptr(GAction) action = g_settings_create_action(settings, *key);
        g_action_map_add_action(G_ACTION_MAP(group), action);
    }
    gtk_widget_insert_action_group(GTK_WIDGET(self), "settings", G_ACTION_GROUP(group));
    g_signal_connect_swapped(gtk_menu_button_get_popover(self->menu_button), "closed",
                             G_CALLBACK(machine_window_return_keyboard), self);
    g_signal_connect_object(settings, "changed::show-status", G_CALLBACK(update_status), self, G_CONNECT_SWAPPED);
    update_status(self);
}

VitrineMachineWindow *vitrine_machine_window_new(VitrineApplication *application, VitrineSession *session)
{
    /* GTK 4.8 would call it a mere widget: it is asked for a name before it is told what it is. */
    VitrineMachineWindow *self = g_object_new(VITRINE_TYPE_MACHINE_WINDOW, "application", application,
                                              "accessible-role", GTK_ACCESSIBLE_ROLE_WINDOW, NULL);

    set_session(self, session);
    machine_commands_fill_keys(self);
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
