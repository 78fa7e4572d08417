/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last minutes of a running machine: taking moments, thinning them out, and going to one. */
#include "app/rewind.h"

#include "app/i18n.h"
#include "app/rewind_store.h"
#include "app/session_private.h"

#include <string.h>

#define INTERVAL_MS     2000
#define DEFAULT_MIB     512
#define THUMBNAIL_WIDTH 320

/* How far apart moments of an age stay. */
static const struct spacing {
    gint64 age_s, apart_s;
} spacings[] = {{30, 2}, {120, 5}, {600, 15}, {G_MAXINT64, 60}};

/* ---- moments ---- */

struct _VitrineRewindMoment {
    GObject parent;
    gint64 virtual_ns, time_us;
    GdkPixbuf *thumbnail;
    GBytes *state;
    struct rewind_pages *pages;
    struct rewind_journal *journal; /* of the interval that ends here; NULL for the first */
};

G_DEFINE_FINAL_TYPE(VitrineRewindMoment, vitrine_rewind_moment, G_TYPE_OBJECT)

static void vitrine_rewind_moment_finalize(GObject *object)
{
    VitrineRewindMoment *self = VITRINE_REWIND_MOMENT(object);

    g_clear_object(&self->thumbnail);
    g_clear_pointer(&self->state, g_bytes_unref);
    rewind_pages_free(self->pages);
    rewind_journal_free(self->journal);
    G_OBJECT_CLASS(vitrine_rewind_moment_parent_class)->finalize(object);
}

static void vitrine_rewind_moment_class_init(VitrineRewindMomentClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = vitrine_rewind_moment_finalize;
}

static void vitrine_rewind_moment_init(VitrineRewindMoment *self)
{
}

gint64 vitrine_rewind_moment_get_virtual_ns(VitrineRewindMoment *self)
{
    return self->virtual_ns;
}

gint64 vitrine_rewind_moment_get_time(VitrineRewindMoment *self)
{
    return self->time_us / G_USEC_PER_SEC;
}

GdkPixbuf *vitrine_rewind_moment_get_thumbnail(VitrineRewindMoment *self)
{
    return self->thumbnail;
}

guint64 vitrine_rewind_moment_get_bytes(VitrineRewindMoment *self)
{
    return rewind_pages_bytes(self->pages) + g_bytes_get_size(self->state) +
           (self->journal ? rewind_journal_bytes(self->journal) : 0) +
           (self->thumbnail ? gdk_pixbuf_get_byte_length(self->thumbnail) : 0);
}

/* ---- the list ---- */

struct watch { /* what a disk's writer sees */
    VitrineRewind *rewind;
    unsigned disk;
};

struct _VitrineRewind {
    GObject parent;
    VitrineSession *session; /* owns this */
    gboolean enabled;
    guint64 bound;
    guint timer;
    GPtrArray *moments;
    VitrineRewindMoment *position; /* one of them, or NULL: the machine runs on from the last */
    guint64 since;                 /* the engine's number of the moment that memory is relative to */
    GCancellable *capture;         /* under way */
    GTask *go;                     /* under way */
    GTask *waiting;                /* to go when what is under way is done */
    GPtrArray *watches; /* struct watch *; a disk of an engine that ends may call until it has ended */

    GMutex lock;
    struct rewind_journal *live; /* since the last moment; under the lock */
};

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void list_model_init(GListModelInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE(VitrineRewind, vitrine_rewind, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(G_TYPE_LIST_MODEL, list_model_init))

static GType get_item_type(GListModel *list)
{
    return VITRINE_TYPE_REWIND_MOMENT;
}

static guint get_n_items(GListModel *list)
{
    return VITRINE_REWIND(list)->moments->len;
}

static gpointer get_item(GListModel *list, guint position)
{
    GPtrArray *moments = VITRINE_REWIND(list)->moments;

    return position < moments->len ? g_object_ref(moments->pdata[position]) : NULL;
}

static void list_model_init(GListModelInterface *iface)
{
    iface->get_item_type = get_item_type;
    iface->get_n_items = get_n_items;
    iface->get_item = get_item;
}

static void vitrine_rewind_finalize(GObject *object)
{
    VitrineRewind *self = VITRINE_REWIND(object);

    if (self->timer)
        g_source_remove(self->timer);
    g_ptr_array_unref(self->moments);
    rewind_journal_free(self->live);
    g_ptr_array_unref(self->watches);
    g_mutex_clear(&self->lock);
    G_OBJECT_CLASS(vitrine_rewind_parent_class)->finalize(object);
}

static void vitrine_rewind_class_init(VitrineRewindClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = vitrine_rewind_finalize;
    signals[CHANGED] = g_signal_new("changed", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 0);
}

static void vitrine_rewind_init(VitrineRewind *self)
{
    self->moments = g_ptr_array_new_with_free_func(g_object_unref);
    self->watches = g_ptr_array_new_with_free_func(g_free);
    g_mutex_init(&self->lock);
}

static guint index_of(VitrineRewind *self, VitrineRewindMoment *moment)
{
    guint index = 0;

    return g_ptr_array_find(self->moments, moment, &index) ? index : G_MAXUINT;
}

/* From `from` on. */
static void drop_moments(VitrineRewind *self, guint from)
{
    guint count = self->moments->len;

    if (from >= count)
        return;
    if (self->position && index_of(self, self->position) >= from)
        self->position = NULL;
    g_ptr_array_remove_range(self->moments, from, count - from);
    g_list_model_items_changed(G_LIST_MODEL(self), from, count - from, 0);
}

/* One moment out of the middle (or the first): the next one takes over what it needs. */
static void thin_out(VitrineRewind *self, guint index)
{
    VitrineRewindMoment *gone = self->moments->pdata[index], *next = self->moments->pdata[index + 1];

    rewind_pages_merge(next->pages, g_steal_pointer(&gone->pages));
    if (gone->journal && next->journal) {
        rewind_journal_join(gone->journal, g_steal_pointer(&next->journal));
        next->journal = g_steal_pointer(&gone->journal);
    } else if (!gone->journal) { /* nobody can go back to before the first */
        g_clear_pointer(&next->journal, rewind_journal_free);
    }
    gone->pages = rewind_pages_new();
    g_ptr_array_remove_index(self->moments, index);
    g_list_model_items_changed(G_LIST_MODEL(self), index, 1, 0);
}

static void keep_within_bounds(VitrineRewind *self)
{
    gint64 now = g_get_real_time();

    for (guint i = 1; i + 1 < self->moments->len;) {
        VitrineRewindMoment *before = self->moments->pdata[i - 1], *moment = self->moments->pdata[i],
                            *after = self->moments->pdata[i + 1];
        gint64 age = (now - moment->time_us) / G_USEC_PER_SEC, apart = 0;
        for (guint k = 0; k < G_N_ELEMENTS(spacings) && !apart; k++)
            if (age <= spacings[k].age_s)
                apart = spacings[k].apart_s;
        /* A tenth less, as the timer is not exact. */
        if (after->time_us - before->time_us < apart * G_USEC_PER_SEC * 9 / 10)
            thin_out(self, i);
        else
            i++;
    }
    while (self->moments->len > 1 && vitrine_rewind_get_bytes(self) > self->bound)
        thin_out(self, 0);
    if (vitrine_rewind_get_bytes(self) > self->bound)
        drop_moments(self, 0);
}

guint64 vitrine_rewind_get_bytes(VitrineRewind *self)
{
    guint64 bytes = 0;

    for (guint i = 0; i < self->moments->len; i++)
        bytes += vitrine_rewind_moment_get_bytes(self->moments->pdata[i]);
    g_mutex_lock(&self->lock);
    bytes += self->live ? rewind_journal_bytes(self->live) : 0;
    g_mutex_unlock(&self->lock);
    return bytes;
}

/* ---- disks ---- */

static void before_write(void *opaque, Image *image, uint64_t offset, uint64_t size)
{
    const struct watch *watch = opaque;

    /* A journal is exchanged at a safe point only, when nobody writes. */
    if (watch->rewind->live)
        rewind_journal_note(watch->rewind->live, watch->disk, image, offset, size);
}

/* Safe point: the interval ends, another begins. */
static struct rewind_journal *new_interval(VitrineRewind *self)
{
    g_mutex_lock(&self->lock);
    struct rewind_journal *old = self->live;
    self->live = rewind_journal_new();
    g_mutex_unlock(&self->lock);
    return old;
}

static void watch_disk(VitrineRewind *self, struct engine *engine, unsigned disk)
{
    struct watch *watch = g_new(struct watch, 1);

    *watch = (struct watch){self, disk};
    g_ptr_array_add(self->watches, watch);
    engine_watch_disk(engine, disk, before_write, watch);
}

/* Safe point, before the first interval. */
static void watch_disks(VitrineRewind *self, struct engine *engine)
{
    for (unsigned i = 0; i < engine_disk_count(engine); i++)
        watch_disk(self, engine, i);
    watch_disk(self, engine, ENGINE_FLOPPY);
}

struct unwatch {
    VitrineRewind *rewind; /* a reference */
    struct engine *engine; /* held */
};

static gboolean unwatched(gpointer data)
{
    g_object_unref(data);
    return G_SOURCE_REMOVE;
}

static void unwatch_disks(void *opaque)
{
    struct unwatch *u = opaque;
    VitrineRewind *self = u->rewind;

    for (unsigned i = 0; i < engine_disk_count(u->engine); i++)
        engine_watch_disk(u->engine, i, NULL, NULL);
    engine_watch_disk(u->engine, ENGINE_FLOPPY, NULL, NULL);
    g_mutex_lock(&self->lock);
    g_clear_pointer(&self->live, rewind_journal_free);
    g_mutex_unlock(&self->lock);
    engine_release(u->engine);
    g_idle_add(unwatched, self);
    g_free(u);
}

/* ---- taking ---- */

struct capture {
    VitrineRewind *rewind; /* a reference */
    struct engine *engine; /* held */
    gboolean first;
    guint64 since;
    struct rewind_journal *journal;
    VitrineRewindMoment *result;
    guint64 number;
    GTask *then; /* go on with this */

    GMutex lock;
    GCond answered;
    gboolean has_answer;
    struct engine_moment *moment;
};

static void capture_free(gpointer data)
{
    struct capture *c = data;

    g_clear_object(&c->result);
    rewind_journal_free(c->journal);
    g_object_unref(c->rewind);
    g_mutex_clear(&c->lock);
    g_cond_clear(&c->answered);
    g_free(c);
}

static bool end_interval(void *opaque, GError **error)
{
    struct capture *c = opaque;

    if (c->first)
        watch_disks(c->rewind, c->engine);
    c->journal = new_interval(c->rewind);
    return true;
}

static void on_moment(void *opaque, struct engine_moment *moment, const GError *error)
{
    struct capture *c = opaque;

    g_mutex_lock(&c->lock);
    c->moment = moment;
    c->has_answer = TRUE;
    g_cond_signal(&c->answered);
    g_mutex_unlock(&c->lock);
}

static GdkPixbuf *make_thumbnail(struct engine_moment *moment)
{
    int width, height;
    double aspect;
    const guint32 *pixels = engine_moment_picture(moment, &width, &height, &aspect);

    if (!pixels || width <= 0 || height <= 0)
        return NULL;
    g_autoptr(GdkPixbuf) whole = gdk_pixbuf_new(GDK_COLORSPACE_RGB, FALSE, 8, width, height);
    guint8 *rows = gdk_pixbuf_get_pixels(whole);
    int stride = gdk_pixbuf_get_rowstride(whole);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            guint32 pixel = pixels[(gsize)y * (gsize)width + (gsize)x];
            guint8 *to = rows + (gsize)y * (gsize)stride + (gsize)x * 3;
            to[0] = (guint8)(pixel >> 16);
            to[1] = (guint8)(pixel >> 8);
            to[2] = (guint8)pixel;
        }
    }
    double scale = MIN(1.0, THUMBNAIL_WIDTH / (width * aspect));
    return gdk_pixbuf_scale_simple(whole, MAX(1, (int)(width * aspect * scale)), MAX(1, (int)(height * scale)),
                                   GDK_INTERP_BILINEAR);
}

static void capture_thread(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    struct capture *c = task_data;
    gboolean ok = FALSE;

    engine_take_moment(c->engine, c->since, end_interval, c, on_moment, c);
    g_mutex_lock(&c->lock);
    while (!c->has_answer)
        g_cond_wait(&c->answered, &c->lock);
    g_mutex_unlock(&c->lock);
    if (c->moment) {
        g_debug("the guest stood still for %.1f ms", (double)engine_moment_pause_ns(c->moment) / 1e6);
        VitrineRewindMoment *moment = c->result = g_object_new(VITRINE_TYPE_REWIND_MOMENT, NULL);
        gint64 start = g_get_monotonic_time();
        moment->virtual_ns = engine_moment_virtual_ns(c->moment);
        moment->time_us = g_get_real_time();
        moment->state = engine_moment_state(c->moment);
        moment->pages = rewind_pages_new();
        c->number = engine_moment_number(c->moment);
        ok = rewind_pages_read(moment->pages, c->moment, cancellable);
        if (ok)
            moment->thumbnail = make_thumbnail(c->moment);
        g_debug("it was read in %.1f ms more: %" G_GUINT64_FORMAT " KiB", (double)(g_get_monotonic_time() - start) / 1e3,
                rewind_pages_bytes(moment->pages) >> 10);
        engine_moment_free(c->moment);
    }
    engine_release(c->engine);
    g_task_return_boolean(task, ok);
}

static void go_on(VitrineRewind *self, GTask *task);
static void go_next(VitrineRewind *self);

static void captured(GObject *source, GAsyncResult *result, gpointer user_data)
{
    VitrineRewind *self = VITRINE_REWIND(source);
    struct capture *c = g_task_get_task_data(G_TASK(result));
    gboolean valid = self->capture == g_task_get_cancellable(G_TASK(result));

    if (valid)
        g_clear_object(&self->capture);
    if (valid && g_task_propagate_boolean(G_TASK(result), NULL)) {
        c->result->journal = self->moments->len ? g_steal_pointer(&c->journal) : NULL;
        self->since = c->number;
        g_ptr_array_add(self->moments, g_steal_pointer(&c->result));
        g_list_model_items_changed(G_LIST_MODEL(self), self->moments->len - 1, 0, 1);
        if (!c->then)
            keep_within_bounds(self);
    } else if (valid) {
        drop_moments(self, 0); /* an interval is missing: begin anew */
        self->since = 0;
    }
    if (c->then)
        go_on(self, c->then);
    else
        go_next(self);
    g_signal_emit(self, signals[CHANGED], 0);
}

static void take(VitrineRewind *self, GTask *then)
{
    struct capture *c = g_new0(struct capture, 1);

    c->rewind = g_object_ref(self);
    c->engine = vitrine_session_get_engine(self->session);
    c->first = self->moments->len == 0;
    c->since = c->first ? 0 : self->since;
    c->then = then;
    g_mutex_init(&c->lock);
    g_cond_init(&c->answered);
    engine_hold(c->engine);
    self->capture = g_cancellable_new();
    g_autoptr(GTask) task = g_task_new(self, self->capture, captured, NULL);
    g_task_set_check_cancellable(task, FALSE);
    g_task_set_task_data(task, c, capture_free);
    g_task_run_in_thread(task, capture_thread);
}

/* The machine runs on from where it was put: what came after that does not come any more. */
static void leave_position(VitrineRewind *self)
{
    if (!self->position)
        return;
    drop_moments(self, index_of(self, self->position) + 1);
    self->position = NULL;
    g_signal_emit(self, signals[CHANGED], 0);
}

static gboolean due(gpointer data)
{
    VitrineRewind *self = data;

    if (vitrine_session_get_state(self->session) != SESSION_RUNNING || self->go || self->waiting)
        return G_SOURCE_CONTINUE;
    leave_position(self);
    if (!self->capture)
        take(self, NULL);
    return G_SOURCE_CONTINUE;
}

static void state_changed(VitrineSession *session, VitrineRewind *self)
{
    if (vitrine_session_get_state(session) == SESSION_RUNNING && !self->go)
        leave_position(self);
}

VitrineRewind *rewind_new(VitrineSession *session)
{
    VitrineRewind *self = g_object_new(VITRINE_TYPE_REWIND, NULL);

    self->session = session;
    g_signal_connect_object(session, "state-changed", G_CALLBACK(state_changed), self, 0);
    return self;
}

void rewind_begin_anew(VitrineRewind *self)
{
    if (self->capture) {
        g_cancellable_cancel(self->capture);
        g_clear_object(&self->capture); /* its answer is for nobody */
    }
    drop_moments(self, 0);
    self->since = 0;
    g_signal_emit(self, signals[CHANGED], 0);
}

gboolean vitrine_rewind_get_enabled(VitrineRewind *self)
{
    return self->enabled;
}

void vitrine_rewind_set_enabled(VitrineRewind *self, gboolean enabled, guint max_mib)
{
    self->bound = (guint64)(max_mib ? max_mib : DEFAULT_MIB) << 20;
    if (self->enabled == enabled)
        return;
    self->enabled = enabled;
    if (enabled) {
        self->timer = g_timeout_add(INTERVAL_MS, due, self);
    } else {
        g_clear_handle_id(&self->timer, g_source_remove);
        if (self->capture) {
            g_cancellable_cancel(self->capture);
            g_clear_object(&self->capture);
        }
        drop_moments(self, 0);
        if (vitrine_session_is_live(self->session)) {
            struct unwatch *u = g_new(struct unwatch, 1);
            *u = (struct unwatch){g_object_ref(self), vitrine_session_get_engine(self->session)};
            engine_hold(u->engine);
            engine_at_safe_point(u->engine, unwatch_disks, u);
        }
    }
    g_signal_emit(self, signals[CHANGED], 0);
}

/* ---- going ---- */

struct go {
    VitrineRewind *rewind;
    VitrineRewindMoment *target;
    struct engine *engine;
    guint from, to; /* indices of moments */
    GPtrArray *moments; /* references: the list may change meanwhile */
    GPtrArray *pages;
    guint64 number;
    GError *error;
    GTask *task;
};

static void go_free(gpointer data)
{
    struct go *go = data;

    g_clear_object(&go->target);
    g_clear_pointer(&go->pages, g_ptr_array_unref);
    g_clear_pointer(&go->moments, g_ptr_array_unref);
    g_clear_error(&go->error);
    g_free(go);
}

static bool load_block(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error)
{
    const struct go *go = opaque;

    return rewind_pages_load((struct rewind_pages *const *)go->pages->pdata, go->pages->len, block, to, size, error);
}

/* The journals between two moments, in the order in which they lead there. */
static gboolean move_disks(struct go *go, guint from, guint to, guint *reached, GError **error)
{
    for (*reached = from; *reached != to;) {
        guint crossed = to < from ? *reached : *reached + 1;
        struct rewind_journal *journal = ((VitrineRewindMoment *)go->moments->pdata[crossed])->journal;
        if (journal && !rewind_journal_swap(journal, go->engine, error))
            return FALSE;
        *reached = to < from ? *reached - 1 : *reached + 1;
    }
    return TRUE;
}

/* Safe point; nothing of the machine has changed yet. */
static bool go_disks(void *opaque, GError **error)
{
    struct go *go = opaque;
    guint reached, back;

    if (!move_disks(go, go->from, go->to, &reached, error)) {
        move_disks(go, reached, go->from, &back, NULL);
        return false;
    }
    rewind_journal_free(new_interval(go->rewind));
    return true;
}

static gboolean went(gpointer data)
{
    struct go *go = data;
    VitrineRewind *self = go->rewind;
    g_autoptr(GTask) task = go->task;

    self->go = NULL;
    engine_release(go->engine);
    if (!go->error && index_of(self, go->target) != G_MAXUINT) {
        self->position = go->target;
        self->since = go->number;
    }
    g_signal_emit(self, signals[CHANGED], 0);
    if (go->error)
        g_task_return_error(task, g_steal_pointer(&go->error));
    else
        g_task_return_boolean(task, TRUE);
    go_next(self);
    return G_SOURCE_REMOVE;
}

static void on_loaded(void *opaque, uint64_t number, const GError *error)
{
    struct go *go = opaque;

    go->number = number;
    go->error = error ? g_error_copy(error) : NULL;
    session_attach(g_task_get_context(go->task), went, go, NULL);
}

static void go_on(VitrineRewind *self, GTask *task)
{
    struct go *go = g_task_get_task_data(task);

    go->to = index_of(self, go->target);
    if (!vitrine_session_is_live(self->session) || go->to == G_MAXUINT) {
        self->go = NULL;
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_CLOSED, _("That moment is not there any more."));
        g_object_unref(task);
        go_next(self);
        return;
    }
    go->from = self->position ? index_of(self, self->position) : self->moments->len - 1;
    go->engine = vitrine_session_get_engine(self->session);
    engine_hold(go->engine);
    go->moments = g_ptr_array_new_with_free_func(g_object_unref);
    for (guint i = 0; i < self->moments->len; i++)
        g_ptr_array_add(go->moments, g_object_ref(self->moments->pdata[i]));
    go->pages = g_ptr_array_new();
    for (guint i = 0; i <= go->to; i++)
        g_ptr_array_add(go->pages, ((VitrineRewindMoment *)self->moments->pdata[i])->pages);
    const struct engine_moment_source source = {go->target->state, load_block, go_disks, go};
    engine_load_moment(go->engine, &source, on_loaded, go);
}

static void go_next(VitrineRewind *self)
{
    GTask *task = self->go || self->capture ? NULL : g_steal_pointer(&self->waiting);

    if (!task || session_refuse_if_off(self->session, task))
        return;
    self->go = task;
    if (self->position)
        go_on(self, task);
    else /* the present becomes a moment too, so that one can come back */
        take(self, task);
}

void vitrine_rewind_go_async(VitrineRewind *self, VitrineRewindMoment *moment, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, cancellable, callback, user_data);
    struct go *go = g_new0(struct go, 1);

    go->rewind = self;
    go->task = task;
    go->target = g_object_ref(moment);
    g_task_set_task_data(task, go, go_free);
    if (session_refuse_if_off(self->session, task))
        return;
    vitrine_session_pause(self->session);
    g_autoptr(GTask) overtaken = g_steal_pointer(&self->waiting);
    if (overtaken)
        g_task_return_new_error(overtaken, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Another moment was chosen meanwhile."));
    self->waiting = task;
    go_next(self);
}

gboolean vitrine_rewind_go_finish(VitrineRewind *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

VitrineRewindMoment *vitrine_rewind_get_position(VitrineRewind *self)
{
    return self->position;
}
