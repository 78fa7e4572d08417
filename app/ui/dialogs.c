/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each closure keeps a weak reference to its owner. */
#include "app/ui/dialogs.h"

#include "app/i18n.h"
#include "app/settings.h"
#include "app/ui/names.h"

#define TOASTS_KEY "vitrine-toasts"
#define LONG_KEY   "vitrine-long-toasts" /* of an overlay: how many it has that stand for long */
#define FITTED_KEY "vitrine-fitted" /* of a toast's title: the width of the overlay that it fits */
#define UNDO_SECONDS 8
#define LONG_SECONDS 15 /* to read a sentence of several lines */
#define LINE_CHARS   72
#define LEAST_CHARS  8

void dialogs_name_widget(GtkWidget *widget, const char *name)
{
    gtk_widget_set_tooltip_text(widget, name);
    names_say(widget, name);
}

/* ---- toasts ---- */

void dialogs_set_toasts(GtkWindow *window, AdwToastOverlay *overlay)
{
    g_object_set_data(G_OBJECT(window), TOASTS_KEY, overlay);
}

/* Of the owner's window, or of the one that it belongs to. */
static AdwToastOverlay *toasts_of(GtkWidget *owner)
{
    GtkRoot *root = gtk_widget_get_root(owner);

    for (GtkWindow *window = GTK_IS_WINDOW(root) ? GTK_WINDOW(root) : NULL; window;
         window = gtk_window_get_transient_for(window)) {
        AdwToastOverlay *overlay = g_object_get_data(G_OBJECT(window), TOASTS_KEY);
        if (overlay)
            return overlay;
    }
    return NULL;
}

static guint count_long(AdwToastOverlay *overlay, int more)
{
    guint count = GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(overlay), LONG_KEY)) + (guint)more;

    g_object_set_data(G_OBJECT(overlay), LONG_KEY, GUINT_TO_POINTER(count));
    return count;
}

static void on_long_dismissed(AdwToast *toast, AdwToastOverlay *overlay)
{
    count_long(overlay, -1);
}

/* What comes next does not wait for its end: it stands before it, and the long one comes back. `seconds` 0: it stays. */
static void stand_long(AdwToast *toast, AdwToastOverlay *overlay, guint seconds)
{
    adw_toast_set_timeout(toast, seconds);
    count_long(overlay, 1);
    g_signal_connect_object(toast, "dismissed", G_CALLBACK(on_long_dismissed), overlay, 0);
}

/* A toast gets the height of its natural width, however narrow its window is: that width is what there is room for. */
static void fit_title(GtkWidget *title)
{
    GtkWidget *overlay = gtk_widget_get_ancestor(title, ADW_TYPE_TOAST_OVERLAY), *toast = title;
    int width = overlay ? gtk_widget_get_width(overlay) : 0, whole, own;

    if (width == GPOINTER_TO_INT(g_object_get_data(G_OBJECT(title), FITTED_KEY)))
        return;
    g_object_set_data(G_OBJECT(title), FITTED_KEY, GINT_TO_POINTER(width));
    while (gtk_widget_get_parent(toast) != overlay)
        toast = gtk_widget_get_parent(toast);
    PangoFontMetrics *metrics = pango_context_get_metrics(gtk_widget_get_pango_context(title), NULL, NULL);
    int of_char = MAX(pango_font_metrics_get_approximate_char_width(metrics),
                      pango_font_metrics_get_approximate_digit_width(metrics));
    pango_font_metrics_unref(metrics);
    gtk_widget_measure(toast, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &whole, NULL, NULL);
    gtk_widget_measure(title, GTK_ORIENTATION_HORIZONTAL, -1, NULL, &own, NULL, NULL);
    int room = width - (whole - own), chars = room * PANGO_SCALE / MAX(of_char, 1);
    gtk_label_set_max_width_chars(GTK_LABEL(title), CLAMP(chars, LEAST_CHARS, LINE_CHARS));
}

static gboolean fit_title_later(gpointer title)
{
    fit_title(title);
    return G_SOURCE_REMOVE;
}

/* The window gets another size; its widgets have theirs a little later. */
static void on_layout(GtkWidget *title)
{
    g_idle_add_full(G_PRIORITY_DEFAULT, fit_title_later, g_object_ref(title), g_object_unref);
}

static void on_title_mapped(GtkWidget *title)
{
    GdkSurface *surface = gtk_native_get_surface(gtk_widget_get_native(title));

    fit_title(title);
    g_signal_connect_object(surface, "layout", G_CALLBACK(on_layout), title, G_CONNECT_SWAPPED);
}

/* A toast's own title has one line, and dots for the rest of a sentence. */
static void show_whole(AdwToast *toast, const char *text)
{
    GtkWidget *title = g_object_new(GTK_TYPE_LABEL, "label", text, "wrap", TRUE, "wrap-mode", PANGO_WRAP_WORD_CHAR,
                                    "natural-wrap-mode", GTK_NATURAL_WRAP_NONE, "xalign", 0.0, "hexpand", TRUE,
                                    "max-width-chars", LINE_CHARS, NULL);

    gtk_widget_add_css_class(title, "heading");
    g_signal_connect(title, "map", G_CALLBACK(on_title_mapped), NULL);
    adw_toast_set_custom_title(toast, title);
}

static AdwToast *make_toast(GtkWidget *owner, const char *text, const char *button)
{
    AdwToastOverlay *overlay = toasts_of(owner);

    if (!overlay) {
        g_message("%s", text);
        return NULL;
    }
    AdwToast *toast = adw_toast_new("");
    show_whole(toast, text);
    if (button) {
        adw_toast_set_button_label(toast, button);
        adw_toast_set_timeout(toast, UNDO_SECONDS);
    }
    if (count_long(overlay, 0))
        adw_toast_set_priority(toast, ADW_TOAST_PRIORITY_HIGH);
    if (g_utf8_strlen(text, -1) > LINE_CHARS)
        stand_long(toast, overlay, LONG_SECONDS);
    return toast;
}

void dialogs_toast(GtkWidget *owner, const char *text)
{
    AdwToast *toast = make_toast(owner, text, NULL);

    if (toast)
        adw_toast_overlay_add_toast(toasts_of(owner), toast);
}

struct toast_button {
    ToastPressed pressed;
    gpointer data;
    GDestroyNotify destroy;
};

static void toast_button_free(gpointer data)
{
    struct toast_button *button = data;

    if (button->destroy)
        button->destroy(button->data);
    g_free(button);
}

static void on_toast_pressed(AdwToast *toast, struct toast_button *button)
{
    button->pressed(button->data);
}

/* NULL: there is no window to show it. It is to be added to its overlay. */
static AdwToast *make_button_toast(GtkWidget *owner, const char *text, const char *label, ToastPressed pressed, gpointer data,
                                   GDestroyNotify destroy)
{
    struct toast_button *button = g_new0(struct toast_button, 1);
    AdwToast *toast = make_toast(owner, text, label);

    *button = (struct toast_button){pressed, data, destroy};
    if (!toast) {
        toast_button_free(button);
        return NULL;
    }
    g_object_set_data_full(G_OBJECT(toast), "button", button, toast_button_free);
    g_signal_connect(toast, "button-clicked", G_CALLBACK(on_toast_pressed), button);
    return toast;
}

AdwToast *dialogs_toast_button(GtkWidget *owner, const char *text, const char *label, ToastPressed pressed,
                               gpointer data, GDestroyNotify destroy)
{
    AdwToast *toast = make_button_toast(owner, text, label, pressed, data, destroy);

    if (toast)
        adw_toast_overlay_add_toast(toasts_of(owner), toast);
    return toast;
}

void dialogs_toast_offer(GtkWidget *owner, const char *text, const char *label, ToastPressed pressed, gpointer data,
                         GDestroyNotify destroy)
{
    AdwToast *toast = make_button_toast(owner, text, label, pressed, data, destroy);

    if (!toast)
        return;
    stand_long(toast, toasts_of(owner), 0);
    adw_toast_overlay_add_toast(toasts_of(owner), toast);
}

/* ---- questions ---- */

struct answer {
    GWeakRef owner;
    QuestionAccepted accepted;
    FileChosen chosen;
    gpointer data;
    GDestroyNotify destroy;
};

static struct answer *answer_new(GtkWidget *owner, gpointer data, GDestroyNotify destroy)
{
    struct answer *answer = g_new0(struct answer, 1);

    g_weak_ref_init(&answer->owner, owner);
    answer->data = data;
    answer->destroy = destroy;
    return answer;
}

static void answer_free(gpointer data)
{
    struct answer *answer = data;

    g_weak_ref_clear(&answer->owner);
    if (answer->destroy)
        answer->destroy(answer->data);
    g_free(answer);
}

static GtkWindow *window_of(GtkWidget *owner)
{
    GtkRoot *root = gtk_widget_get_root(owner);

    return GTK_IS_WINDOW(root) ? GTK_WINDOW(root) : NULL;
}

static void on_response(AdwMessageDialog *dialog, const char *response, struct answer *answer)
{
    g_autoptr(GtkWidget) owner = g_weak_ref_get(&answer->owner);

    if (owner && g_str_equal(response, "do"))
        answer->accepted(owner, answer->data);
}

void dialogs_confirm(GtkWidget *owner, const char *heading, const char *body, const char *label,
                     QuestionAccepted accepted, gpointer data, GDestroyNotify destroy)
{
    AdwMessageDialog *dialog = ADW_MESSAGE_DIALOG(adw_message_dialog_new(window_of(owner), heading, body));
    struct answer *answer = answer_new(owner, data, destroy);

    answer->accepted = accepted;
    adw_message_dialog_add_responses(dialog, "cancel", _("_Cancel"), "do", label, NULL);
    adw_message_dialog_set_response_appearance(dialog, "do", ADW_RESPONSE_DESTRUCTIVE);
    adw_message_dialog_set_close_response(dialog, "cancel");
    g_object_set_data_full(G_OBJECT(dialog), "answer", answer, answer_free);
    g_signal_connect(dialog, "response", G_CALLBACK(on_response), answer);
    gtk_window_present(GTK_WINDOW(dialog));
}

/* ---- files ---- */

static void begin_in_last_folder(GtkFileChooser *chooser)
{
    g_autofree char *last = g_settings_get_string(vitrine_settings_get(), "files-folder");
    g_autoptr(GFile) folder = g_file_new_for_path(g_file_test(last, G_FILE_TEST_IS_DIR) ? last : g_get_home_dir());

    gtk_file_chooser_set_current_folder(chooser, folder, NULL);
}

static void remember_folder(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);

    g_settings_set_string(vitrine_settings_get(), "files-folder", folder);
}

static void on_file_response(GtkNativeDialog *dialog, int response, struct answer *answer)
{
    g_autoptr(GtkWidget) owner = g_weak_ref_get(&answer->owner);

    if (owner && response == GTK_RESPONSE_ACCEPT) {
        g_autoptr(GFile) file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));
        g_autofree char *path = file ? g_file_get_path(file) : NULL;
        if (path) {
            remember_folder(path);
            answer->chosen(owner, path, answer->data);
        } else {
            dialogs_toast(owner, _("Only files of this computer can be used."));
        }
    }
    g_object_unref(dialog);
}

static GtkFileChooserNative *chooser_new(GtkWidget *owner, GtkFileChooserAction action, const char *title,
                                         const char *accept, FileChosen chosen, gpointer data, GDestroyNotify destroy)
{
    GtkFileChooserNative *chooser =
        gtk_file_chooser_native_new(title, window_of(owner), action, accept, _("_Cancel"));
    struct answer *answer = answer_new(owner, data, destroy);

    answer->chosen = chosen;
    gtk_native_dialog_set_modal(GTK_NATIVE_DIALOG(chooser), TRUE);
    begin_in_last_folder(GTK_FILE_CHOOSER(chooser));
    g_object_set_data_full(G_OBJECT(chooser), "answer", answer, answer_free);
    g_signal_connect(chooser, "response", G_CALLBACK(on_file_response), answer);
    return chooser;
}

void dialogs_choose_file(GtkWidget *owner, GtkFileChooserAction action, const char *title, const char *accept,
                         const char *name, FileChosen chosen, gpointer data, GDestroyNotify destroy)
{
    GtkFileChooserNative *chooser = chooser_new(owner, action, title, accept, chosen, data, destroy);

    if (name)
        gtk_file_chooser_set_current_name(GTK_FILE_CHOOSER(chooser), name);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(chooser));
}

static void add_filter(GtkFileChooserNative *chooser, const char *title, const char *const *suffixes)
{
    g_autoptr(GtkFileFilter) filter = gtk_file_filter_new();

    gtk_file_filter_set_name(filter, title);
    for (; suffixes && *suffixes; suffixes++)
        gtk_file_filter_add_suffix(filter, *suffixes);
    if (!suffixes)
        gtk_file_filter_add_pattern(filter, "*");
    gtk_file_chooser_add_filter(GTK_FILE_CHOOSER(chooser), filter);
}

void dialogs_choose_medium(GtkWidget *owner, const char *title, const char *accept, FileChosen chosen, gpointer data,
                           GDestroyNotify destroy)
{
    static const char *const media[] = {"iso",  "cdr", "toast", "dmg", "img", "ima", "dsk", "flp", "vfd",
                                        "raw",  "qcow2", "qcow", "vmdk", "vdi", "vhd", "vhdx", "bin", NULL};
    GtkFileChooserNative *chooser =
        chooser_new(owner, GTK_FILE_CHOOSER_ACTION_OPEN, title, accept, chosen, data, destroy);

    add_filter(chooser, _("Discs and Disk Images"), media);
    add_filter(chooser, _("All Files"), NULL);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(chooser));
}
