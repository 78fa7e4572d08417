/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list store, and a menu button that is bound to it. */
#include "app/ui/jobs.h"

#include "app/i18n.h"
#include "app/ui/application.h"
#include "app/ui/dialogs.h"

/* Who asked for nothing need not be told of what is over sooner. */
#define QUIET_MS  500
#define QUIET_KEY "vitrine-quiet"

/* ---- the list ---- */

static GListStore *store(void)
{
    static GListStore *jobs;

    if (!jobs)
        jobs = g_list_store_new(VITRINE_TYPE_JOB);
    return jobs;
}

GListModel *jobs_list(void)
{
    return G_LIST_MODEL(store());
}

static void tell(const char *text)
{
    GtkApplication *application = GTK_APPLICATION(vitrine_application_get());
    GtkWindow *window = gtk_application_get_active_window(application);

    if (window)
        dialogs_toast(GTK_WIDGET(window), text);
    if (!window || !gtk_window_is_active(window)) {
        g_autoptr(GNotification) notification = g_notification_new("Vitrine");
        g_notification_set_body(notification, text);
        g_application_send_notification(G_APPLICATION(application), "job", notification);
    }
}

static void leave(VitrineJob *job)
{
    guint position;

    if (g_list_store_find(store(), job, &position))
        g_list_store_remove(store(), position);
}

static void on_finished(VitrineJob *job)
{
    switch (vitrine_job_get_state(job)) {
    case JOB_FAILED: tell(vitrine_job_get_message(job)); break;
    case JOB_DONE:
        if (vitrine_job_get_result(job)) {
            if (*vitrine_job_get_result(job))
                tell(vitrine_job_get_result(job));
        } else {
            g_autofree char *text = g_strdup_printf(_("%s: done"), vitrine_job_get_title(job));
            tell(text);
        }
        break;
    case JOB_CANCELLED: {
        g_autofree char *text = g_strdup_printf(_("%s: cancelled"), vitrine_job_get_title(job));
        tell(text);
        break;
    }
    case JOB_RUNNING: break;
    }
    leave(job);
}

void jobs_add(VitrineJob *job)
{
    g_list_store_append(store(), job);
    g_signal_connect(job, "finished", G_CALLBACK(on_finished), NULL);
}

static gboolean takes_its_time(gpointer data)
{
    VitrineJob *job = data;

    if (vitrine_job_get_state(job) == JOB_RUNNING) {
        g_object_set_data(G_OBJECT(job), QUIET_KEY, job);
        g_list_store_append(store(), job);
        g_signal_connect(job, "finished", G_CALLBACK(leave), NULL);
    }
    return G_SOURCE_REMOVE;
}

void jobs_add_quietly(VitrineJob *job)
{
    g_timeout_add_full(G_PRIORITY_DEFAULT, QUIET_MS, takes_its_time, g_object_ref(job), g_object_unref);
}

VitrineJob *jobs_run(const char *title, VitrineJobFunc function, gpointer data, GDestroyNotify destroy)
{
    VitrineJob *job = vitrine_job_new(title, function, data, destroy);

    jobs_add(job);
    return job;
}

/* ---- the button ---- */

struct _VitrineJobsButton {
    GtkWidget parent;
    GtkWidget *button, *popover, *still;
    GtkStack *stack;
    GtkSpinner *spinner;
    GtkListBox *list;
};

G_DEFINE_FINAL_TYPE(VitrineJobsButton, vitrine_jobs_button, GTK_TYPE_WIDGET)

static void on_fraction(VitrineJob *job, GParamSpec *spec, GtkProgressBar *bar)
{
    double fraction = vitrine_job_get_fraction(job);

    if (fraction < 0)
        gtk_progress_bar_pulse(bar);
    else
        gtk_progress_bar_set_fraction(bar, fraction);
}

static void on_cancel(GtkButton *button, VitrineJob *job)
{
    vitrine_job_cancel(job);
    gtk_widget_set_sensitive(GTK_WIDGET(button), FALSE);
}

static GtkWidget *create_row(gpointer item, gpointer user_data)
{
    VitrineJob *job = item;
    GtkWidget *row = gtk_list_box_row_new(), *grid = gtk_grid_new(),
              *title = gtk_label_new(vitrine_job_get_title(job)), *bar = gtk_progress_bar_new(),
              *cancel = gtk_button_new_from_icon_name("process-stop-symbolic");
    g_autofree char *name = g_strdup_printf(_("Cancel: %s"), vitrine_job_get_title(job));

    gtk_label_set_xalign(GTK_LABEL(title), 0);
    gtk_label_set_ellipsize(GTK_LABEL(title), PANGO_ELLIPSIZE_MIDDLE);
    gtk_widget_set_hexpand(title, TRUE);
    gtk_widget_set_valign(bar, GTK_ALIGN_CENTER);
    gtk_widget_set_valign(cancel, GTK_ALIGN_CENTER);
    gtk_widget_add_css_class(cancel, "flat");
    gtk_widget_add_css_class(cancel, "circular");
    dialogs_name_widget(cancel, name);
    gtk_accessible_update_property(GTK_ACCESSIBLE(bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   vitrine_job_get_title(job), -1);
    gtk_accessible_update_property(GTK_ACCESSIBLE(row), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   vitrine_job_get_title(job), -1);
    gtk_grid_set_column_spacing(GTK_GRID(grid), 12);
    gtk_grid_set_row_spacing(GTK_GRID(grid), 6);
    gtk_grid_attach(GTK_GRID(grid), title, 0, 0, 1, 1);
    gtk_grid_attach(GTK_GRID(grid), bar, 0, 1, 1, 1);
    gtk_grid_attach(GTK_GRID(grid), cancel, 1, 0, 1, 2);
    gtk_widget_add_css_class(row, "job-row");
    gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), FALSE);
    gtk_list_box_row_set_child(GTK_LIST_BOX_ROW(row), grid);
    g_signal_connect_object(job, "notify::fraction", G_CALLBACK(on_fraction), bar, 0);
    g_signal_connect_object(cancel, "clicked", G_CALLBACK(on_cancel), job, 0);
    on_fraction(job, NULL, GTK_PROGRESS_BAR(bar));
    return row;
}

static void on_jobs_changed(VitrineJobsButton *self)
{
    guint count = g_list_model_get_n_items(jobs_list());
    g_autofree char *text =
        g_strdup_printf(g_dngettext(GETTEXT_PACKAGE, "%u job is running", "%u jobs are running", count), count);

    gtk_widget_set_visible(GTK_WIDGET(self), count > 0);
    /* Only what somebody waits for moves. */
    gboolean awaited = FALSE;
    for (guint i = 0; i < count; i++) {
        g_autoptr(VitrineJob) job = g_list_model_get_item(jobs_list(), i);
        awaited = awaited || !g_object_get_data(G_OBJECT(job), QUIET_KEY);
    }
    gtk_stack_set_visible_child(self->stack, awaited ? GTK_WIDGET(self->spinner) : self->still);
    gtk_spinner_set_spinning(self->spinner, awaited);
    if (count == 0)
        gtk_popover_popdown(GTK_POPOVER(self->popover));
    dialogs_name_widget(self->button, text);
}

static void vitrine_jobs_button_dispose(GObject *object)
{
    VitrineJobsButton *self = VITRINE_JOBS_BUTTON(object);

    g_signal_handlers_disconnect_by_data(jobs_list(), self);
    g_clear_pointer(&self->button, gtk_widget_unparent);
    G_OBJECT_CLASS(vitrine_jobs_button_parent_class)->dispose(object);
}

static void vitrine_jobs_button_class_init(VitrineJobsButtonClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_jobs_button_dispose;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/jobs.ui");
    gtk_widget_class_bind_template_child(widget, VitrineJobsButton, button);
    gtk_widget_class_bind_template_child(widget, VitrineJobsButton, popover);
    gtk_widget_class_bind_template_child(widget, VitrineJobsButton, stack);
    gtk_widget_class_bind_template_child(widget, VitrineJobsButton, spinner);
    gtk_widget_class_bind_template_child(widget, VitrineJobsButton, still);
    gtk_widget_class_bind_template_child(widget, VitrineJobsButton, list);
}

static void vitrine_jobs_button_init(VitrineJobsButton *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
    gtk_list_box_bind_model(self->list, jobs_list(), create_row, NULL, NULL);
    g_signal_connect_swapped(jobs_list(), "items-changed", G_CALLBACK(on_jobs_changed), self);
    on_jobs_changed(self);
}
