/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The GTK application. */
#include "app/ui/application.h"

#include "app/ending.h"
#include "app/i18n.h"
#include "app/settings.h"
#include "app/ui/dialogs.h"
#include "app/ui/disks_window.h"
#include "app/ui/host_key.h"
#include "app/ui/library_window.h"
#include "app/ui/machine_window.h"
#include "app/ui/names.h"
#include "app/ui/preferences.h"
#include "app/ui/renderer.h"
#include "app/ui/ui-resource.h"
#include "app/ui/wizard.h"

struct _VitrineApplication {
    AdwApplication parent;
    VitrineLibrary *library;
    struct profiles *profiles;
    VitrineSession *session; /* of `vitrine boot` and `vitrine run`: the only window then */
    gboolean full_screen;
    int exit_status;
    guint inhibited, looks; /* while the desktop's session waits for machines to be off */
};

#define ENDING_LOOK_MS 200

G_DEFINE_FINAL_TYPE(VitrineApplication, vitrine_application, ADW_TYPE_APPLICATION)

VitrineApplication *vitrine_application_get(void)
{
    return VITRINE_APPLICATION(g_application_get_default());
}

VitrineLibrary *vitrine_application_get_library(VitrineApplication *self)
{
    if (!self->library)
        self->library = vitrine_library_new(NULL, TRUE);
    return self->library;
}

const struct profiles *vitrine_application_get_profiles(VitrineApplication *self)
{
    if (!self->profiles)
        self->profiles = profiles_load();
    return self->profiles;
}

static VitrineLibraryWindow *library_window(VitrineApplication *self)
{
    for (GList *l = gtk_application_get_windows(GTK_APPLICATION(self)); l; l = l->next) {
        if (VITRINE_IS_LIBRARY_WINDOW(l->data))
            return l->data;
    }
    return vitrine_library_window_new(self);
}

VitrineSession *vitrine_application_new_session(VitrineBundle *bundle, enum session_flags flags)
{
    VitrineSession *session = vitrine_session_new(bundle);

    if (!g_settings_get_boolean(vitrine_settings_get(), "sound"))
        flags |= SESSION_SILENT;
    vitrine_session_set_flags(session, flags);
    return session;
}

void vitrine_application_open_machine(VitrineApplication *self, VitrineBundle *bundle,
                                      enum session_flags flags)
{
    for (GList *l = gtk_application_get_windows(GTK_APPLICATION(self)); l; l = l->next) {
        if (VITRINE_IS_MACHINE_WINDOW(l->data) &&
            vitrine_machine_window_shows(VITRINE_MACHINE_WINDOW(l->data),
                                         vitrine_bundle_get_folder(bundle))) {
            gtk_window_present(l->data);
            vitrine_machine_window_start_again(l->data, flags);
            return;
        }
    }
    g_autoptr(VitrineSession) session = vitrine_application_new_session(bundle, flags);
    VitrineMachineWindow *window = vitrine_machine_window_new(self, session);
    gtk_window_present(GTK_WINDOW(window));
    vitrine_machine_window_start(window);
}

void vitrine_application_show_machine(VitrineApplication *self, VitrineBundle *bundle, const char *tab)
{
    VitrineLibraryWindow *window = library_window(self);

    vitrine_library_window_show_machine(window, bundle, tab);
    gtk_window_present(GTK_WINDOW(window));
}

/* ---- the end of the program, or of the desktop's session ---- */

static gboolean asked_to_end(gpointer data)
{
    g_application_quit(G_APPLICATION(data));
    return G_SOURCE_REMOVE;
}

/* TRUE while machines are not off yet. */
static gboolean end_machines(VitrineApplication *self, gboolean must)
{
    g_autoptr(GList) windows = g_list_copy(gtk_application_get_windows(GTK_APPLICATION(self)));
    gboolean any = FALSE;

    for (GList *l = windows; l; l = l->next)
        any |= VITRINE_IS_MACHINE_WINDOW(l->data) && vitrine_machine_window_end(l->data, must);
    return any;
}

static gboolean until_they_are_off(gpointer data)
{
    VitrineApplication *self = data;

    if (end_machines(self, FALSE))
        return G_SOURCE_CONTINUE;
    gtk_application_uninhibit(GTK_APPLICATION(self), self->inhibited);
    self->inhibited = self->looks = 0;
    return G_SOURCE_REMOVE;
}

/* Somebody logs out or switches the computer off: that waits until what runs is saved. */
static void on_query_end(VitrineApplication *self)
{
    if (self->looks || !end_machines(self, FALSE))
        return;
    self->inhibited = gtk_application_inhibit(GTK_APPLICATION(self), NULL, GTK_APPLICATION_INHIBIT_LOGOUT,
                                              _("Machines are running"));
    self->looks = g_timeout_add(ENDING_LOOK_MS, until_they_are_off, self);
}

/* Whoever ends the program, and however: what runs is kept. */
static void vitrine_application_shutdown(GApplication *application)
{
    VitrineApplication *self = VITRINE_APPLICATION(application);

    g_clear_handle_id(&self->looks, g_source_remove);
    while (end_machines(self, TRUE))
        g_main_context_iteration(NULL, TRUE);
    G_APPLICATION_CLASS(vitrine_application_parent_class)->shutdown(application);
}

/* ---- actions ---- */

static void show_disks(GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
    vitrine_disks_window_present(VITRINE_APPLICATION(user_data), NULL);
}

static void on_file_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    g_autoptr(GFile) file = g_file_new_for_path(path);

    vitrine_library_window_open_file(VITRINE_LIBRARY_WINDOW(owner), file);
}

static void open_file(GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
    VitrineLibraryWindow *window = library_window(VITRINE_APPLICATION(user_data));

    gtk_window_present(GTK_WINDOW(window));
    dialogs_choose_file(GTK_WIDGET(window), GTK_FILE_CHOOSER_ACTION_OPEN, _("Open a Medium or an Exported Machine"),
                        _("_Open"), NULL, on_file_chosen, NULL, NULL);
}

static void show_new_machine(GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
    VitrineLibraryWindow *window = library_window(user_data);

    gtk_window_present(GTK_WINDOW(window));
    vitrine_wizard_present(VITRINE_APPLICATION(user_data), GTK_WINDOW(window), NULL);
}

static void show_library(GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
    gtk_window_present(GTK_WINDOW(library_window(user_data)));
}

static void show_preferences(GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
    vitrine_preferences_present(gtk_application_get_active_window(GTK_APPLICATION(user_data)));
}

static void show_about(GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
    adw_show_about_window(gtk_application_get_active_window(GTK_APPLICATION(user_data)), "application-name",
                          "Vitrine", "application-icon", VITRINE_APP_ID, "version", VITRINE_VERSION,
                          "developer-name", _("The Vitrine contributors"), "license-type",
                          GTK_LICENSE_GPL_3_0, "comments", _("Whole computers of the past on your desk."),
                          "copyright", "Copyright © 2026 The Vitrine contributors", NULL);
}

static void quit(GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
    /* Each window asks for itself what becomes of a running machine. */
    g_autoptr(GList) windows = g_list_copy(gtk_application_get_windows(GTK_APPLICATION(user_data)));

    for (GList *l = windows; l; l = l->next)
        gtk_window_close(l->data);
}

static const GActionEntry actions[] = {
    {.name = "new-machine", .activate = show_new_machine},
    {.name = "open", .activate = open_file},
    {.name = "disks", .activate = show_disks},
    {.name = "library", .activate = show_library},
    {.name = "preferences", .activate = show_preferences},
    {.name = "about", .activate = show_about},
    {.name = "quit", .activate = quit},
};

static const struct {
    const char *action;
    const char *keys[3];
} accelerators[] = {
    {"app.new-machine", {"<Control>n"}},
    {"app.open", {"<Control>o"}},
    {"app.disks", {"<Control><Shift>d"}},
    {"app.preferences", {"<Control>comma"}},
    {"app.quit", {"<Control>q"}},
    {"win.show-help-overlay", {"<Control>question", "F1"}},
    {"win.search", {"<Control>f"}},
    {"win.close-window", {"<Control>w"}},
    {"win.library-view::grid", {"<Control>1"}},
    {"win.library-view::list", {"<Control>2"}},
    {"win.tab::overview", {"<Alt>1"}},
    {"win.tab::history", {"<Alt>2"}},
    {"win.tab::disks", {"<Alt>3"}},
    {"win.tab::settings", {"<Alt>4"}},
    {"win.tab::log", {"<Alt>5"}},
};

/* ---- life ---- */

static void add_icons(void)
{
    gtk_icon_theme_add_resource_path(gtk_icon_theme_get_for_display(gdk_display_get_default()),
                                     "/org/vitrine/Vitrine/icons");
}

static void vitrine_application_startup(GApplication *application)
{
    G_APPLICATION_CLASS(vitrine_application_parent_class)->startup(application);
    g_action_map_add_action_entries(G_ACTION_MAP(application), actions, G_N_ELEMENTS(actions), application);
    for (size_t i = 0; i < G_N_ELEMENTS(accelerators); i++)
        gtk_application_set_accels_for_action(GTK_APPLICATION(application), accelerators[i].action,
                                              accelerators[i].keys);
    vitrine_watch_end(asked_to_end, application);
    g_signal_connect(application, "query-end", G_CALLBACK(on_query_end), NULL);
    gtk_window_set_default_icon_name(VITRINE_APP_ID);
    renderer_choose(gdk_display_get_default());
    names_install();
    add_icons();
}

/* GTK has given a window of the program its shortcuts. */
static void vitrine_application_window_added(GtkApplication *application, GtkWindow *window)
{
    GTK_APPLICATION_CLASS(vitrine_application_parent_class)->window_added(application, window);
    if (GTK_IS_APPLICATION_WINDOW(window)) {
        GtkShortcutsWindow *shortcuts = gtk_application_window_get_help_overlay(GTK_APPLICATION_WINDOW(window));
        if (shortcuts)
            host_key_follow(GTK_WIDGET(shortcuts));
    }
}

static void session_over(VitrineSession *session, VitrineApplication *self)
{
    self->exit_status = vitrine_session_get_state(session) == SESSION_ERROR
                            ? MAX(vitrine_session_get_exit_status(session), 1)
                            : vitrine_session_get_exit_status(session);
}

static void vitrine_application_activate(GApplication *application)
{
    VitrineApplication *self = VITRINE_APPLICATION(application);

    if (self->session) {
        VitrineMachineWindow *window = vitrine_machine_window_new(self, self->session);
        g_signal_connect(self->session, "state-changed", G_CALLBACK(session_over), self);
        vitrine_machine_window_set_close_at_end(window, TRUE);
        if (self->full_screen)
            gtk_window_fullscreen(GTK_WINDOW(window));
        gtk_window_present(GTK_WINDOW(window));
        vitrine_machine_window_start(window);
        return;
    }
    gtk_window_present(GTK_WINDOW(library_window(self)));
}

static void vitrine_application_open(GApplication *application, GFile **files, int count, const char *hint)
{
    VitrineLibraryWindow *window = library_window(VITRINE_APPLICATION(application));

    gtk_window_present(GTK_WINDOW(window));
    for (int i = 0; i < count; i++)
        vitrine_library_window_open_file(window, files[i]);
}

static void vitrine_application_finalize(GObject *object)
{
    VitrineApplication *self = VITRINE_APPLICATION(object);

    g_clear_object(&self->library);
    g_clear_object(&self->session);
    profiles_free(self->profiles);
    G_OBJECT_CLASS(vitrine_application_parent_class)->finalize(object);
}

static void vitrine_application_class_init(VitrineApplicationClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = vitrine_application_finalize;
    G_APPLICATION_CLASS(klass)->startup = vitrine_application_startup;
    G_APPLICATION_CLASS(klass)->shutdown = vitrine_application_shutdown;
    G_APPLICATION_CLASS(klass)->activate = vitrine_application_activate;
    G_APPLICATION_CLASS(klass)->open = vitrine_application_open;
    GTK_APPLICATION_CLASS(klass)->window_added = vitrine_application_window_added;
}

static void vitrine_application_init(VitrineApplication *self)
{
}

static VitrineApplication *application_new(GApplicationFlags flags)
{
    g_set_prgname(VITRINE_APP_ID);
    g_set_application_name("Vitrine");
    g_resources_register(vitrine_ui_get_resource());
    return g_object_new(VITRINE_TYPE_APPLICATION, "application-id", VITRINE_APP_ID, "flags", flags,
                        "resource-base-path", "/org/vitrine/Vitrine", "register-session", TRUE, NULL);
}

static gboolean display_is_there(void)
{
    if (!vitrine_settings_get()) {
        g_printerr("%s\n", _("Vitrine is not installed as it should be: its settings schema org.vitrine.Vitrine is "
                             "missing. Install it again, or run glib-compile-schemas where it was installed."));
        return FALSE;
    }
    gtk_disable_setlocale(); /* language_begin() has chosen */
    if (gtk_init_check())
        return TRUE;
    g_printerr(
        "%s\n",
        _("Vitrine cannot open a window: there is no display. “vitrine --help” lists the commands that need "
          "none; run and boot have --headless."));
    return FALSE;
}

int vitrine_ui_library(int argc, char **argv)
{
    if (!display_is_there())
        return 1;
    g_autoptr(VitrineApplication) application = application_new(G_APPLICATION_HANDLES_OPEN);
    return g_application_run(G_APPLICATION(application), argc, argv);
}

int vitrine_ui_session(VitrineSession *session, gboolean full_screen)
{
    if (!display_is_there())
        return 1;
    g_autoptr(VitrineApplication) application = application_new(G_APPLICATION_NON_UNIQUE);
    application->session = g_object_ref(session);
    application->full_screen = full_screen;
    int status = g_application_run(G_APPLICATION(application), 0, NULL);
    return status ? status : application->exit_status;
}
