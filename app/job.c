/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A GTask whose progress is a property. */
#include "app/job.h"

/* Progress reaches the main thread at most this often. */
#define REPORT_INTERVAL (G_USEC_PER_SEC / 20)

struct _VitrineJob {
    GObject parent;
    char *title, *message, *result;
    enum job_state state;
    double fraction;
    GCancellable *cancellable;
    VitrineJobFunc function;
    gpointer data;
    GDestroyNotify destroy;

    GMutex lock; /* over the two below */
    double reported;
    gint64 reported_at;
};

G_DEFINE_FINAL_TYPE(VitrineJob, vitrine_job, G_TYPE_OBJECT)

enum { PROP_0, PROP_TITLE, PROP_FRACTION, PROP_STATE, PROP_MESSAGE, N_PROPS };
static GParamSpec *props[N_PROPS];
enum { FINISHED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void vitrine_job_finalize(GObject *object)
{
    VitrineJob *self = VITRINE_JOB(object);

    g_clear_object(&self->cancellable);
    g_free(self->title);
    g_free(self->message);
    g_free(self->result);
    g_mutex_clear(&self->lock);
    G_OBJECT_CLASS(vitrine_job_parent_class)->finalize(object);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    VitrineJob *self = VITRINE_JOB(object);

    switch (id) {
    case PROP_TITLE: g_value_set_string(value, self->title); break;
    case PROP_FRACTION: g_value_set_double(value, self->fraction); break;
    case PROP_STATE: g_value_set_int(value, (int)self->state); break;
    case PROP_MESSAGE: g_value_set_string(value, self->message); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void vitrine_job_class_init(VitrineJobClass *klass)
{
    GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

    G_OBJECT_CLASS(klass)->finalize = vitrine_job_finalize;
    G_OBJECT_CLASS(klass)->get_property = get_property;
    props[PROP_TITLE] = g_param_spec_string("title", NULL, NULL, NULL, flags);
    props[PROP_FRACTION] = g_param_spec_double("fraction", NULL, NULL, -1, 1, -1, flags);
    props[PROP_STATE] = g_param_spec_int("state", NULL, NULL, JOB_RUNNING, JOB_CANCELLED, JOB_RUNNING, flags);
    props[PROP_MESSAGE] = g_param_spec_string("message", NULL, NULL, NULL, flags);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);
    signals[FINISHED] = g_signal_new("finished", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                     NULL, G_TYPE_NONE, 0);
}

static void vitrine_job_init(VitrineJob *self)
{
    g_mutex_init(&self->lock);
    self->cancellable = g_cancellable_new();
    self->fraction = self->reported = -1;
}

static void work(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    VitrineJob *self = source;
    GError *error = NULL;

    if (self->function(self, self->data, &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

void vitrine_job_finish(VitrineJob *self, const GError *error)
{
    if (!error) {
        self->state = JOB_DONE;
        self->fraction = 1;
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        self->state = JOB_CANCELLED;
    } else {
        self->state = JOB_FAILED;
        self->message = g_strdup(error->message);
    }
    g_object_freeze_notify(G_OBJECT(self));
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_FRACTION]);
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_MESSAGE]);
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_STATE]);
    g_object_thaw_notify(G_OBJECT(self));
    g_signal_emit(self, signals[FINISHED], 0);
}

static void worked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineJob *self = VITRINE_JOB(source);
    g_autoptr(GError) error = NULL;

    g_task_propagate_boolean(G_TASK(result), &error);
    if (self->destroy)
        self->destroy(self->data);
    self->data = NULL;
    vitrine_job_finish(self, error);
}

VitrineJob *vitrine_job_new_elsewhere(const char *title)
{
    VitrineJob *self = g_object_new(VITRINE_TYPE_JOB, NULL);

    self->title = g_strdup(title);
    return self;
}

VitrineJob *vitrine_job_new(const char *title, VitrineJobFunc function, gpointer data, GDestroyNotify destroy)
{
    VitrineJob *self = vitrine_job_new_elsewhere(title);

    self->function = function;
    self->data = data;
    self->destroy = destroy;
    /* The work may be done in full though it was cancelled late: then it is done. */
    g_autoptr(GTask) task = g_task_new(self, self->cancellable, worked, NULL);
    g_task_set_check_cancellable(task, FALSE);
    g_task_run_in_thread(task, work);
    return self;
}

const char *vitrine_job_get_title(VitrineJob *self)
{
    return self->title;
}

enum job_state vitrine_job_get_state(VitrineJob *self)
{
    return self->state;
}

double vitrine_job_get_fraction(VitrineJob *self)
{
    return self->fraction;
}

const char *vitrine_job_get_message(VitrineJob *self)
{
    return self->message;
}

void vitrine_job_set_result(VitrineJob *self, const char *result)
{
    g_free(self->result);
    self->result = g_strdup(result);
}

const char *vitrine_job_get_result(VitrineJob *self)
{
    return self->state == JOB_DONE ? self->result : NULL;
}

GCancellable *vitrine_job_get_cancellable(VitrineJob *self)
{
    return self->cancellable;
}

void vitrine_job_cancel(VitrineJob *self)
{
    g_cancellable_cancel(self->cancellable);
}

static gboolean take_report(gpointer data)
{
    VitrineJob *self = data;

    if (self->state != JOB_RUNNING)
        return G_SOURCE_REMOVE;
    g_mutex_lock(&self->lock);
    self->fraction = self->reported;
    g_mutex_unlock(&self->lock);
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_FRACTION]);
    return G_SOURCE_REMOVE;
}

void vitrine_job_report(guint64 done, guint64 total, gpointer job)
{
    VitrineJob *self = job;
    gint64 now = g_get_monotonic_time();

    g_mutex_lock(&self->lock);
    gboolean due = now - self->reported_at >= REPORT_INTERVAL;
    if (due) {
        self->reported = total > 0 ? MIN((double)done / (double)total, 1.0) : -1;
        self->reported_at = now;
    }
    g_mutex_unlock(&self->lock);
    if (due)
        g_idle_add_full(G_PRIORITY_DEFAULT, take_report, g_object_ref(self), g_object_unref);
}
