/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A node of a machine that runs. The overlays that the disks go on in are made before; machine.ini names them
 * before the guest can write to them; the guest stands still while its devices are copied and the images are
 * exchanged; everything else is written while it runs on.
 */
#include "app/session_private.h"

#include "app/i18n.h"
#include "app/png.h"

#include <glib/gstdio.h>
#include <string.h>
#include <zstd.h>

#define THUMBNAIL_WIDTH 480
#define STATE_LEVEL     3
#define READ_PAGES      256 /* pages that are read and stored at a time */

struct take {
    VitrineSession *session;
    struct engine *engine;
    const char *bundle;
    HistoryRecord *record;
    MachineIni *old, *new; /* disks before and after */

    GMutex lock;
    GCond answered;
    gboolean has_answer;
    struct engine_moment *moment;
    GError *error;
};

static void set_text(char **field, const char *value)
{
    char *copy = g_strdup(value);

    g_free(*field);
    *field = copy;
}

/* ---- machine.ini ---- */

static void use_disks_of(MachineIni *machine, const MachineIni *from)
{
    for (unsigned i = 0; i < machine->disk_count && i < from->disk_count; i++) {
        set_text(&machine->disks[i].file, from->disks[i].file);
        set_text(&machine->disks[i].format, from->disks[i].format);
        set_text(&machine->disks[i].base, from->disks[i].base);
        set_text(&machine->disks[i].fingerprint, from->disks[i].fingerprint);
    }
}

static void begin_node(MachineIni *machine, gpointer data)
{
    struct take *take = data;

    use_disks_of(machine, take->new);
    set_text(&machine->here, take->record->id);
    set_text(&machine->before, take->record->parent);
    g_clear_pointer(&machine->undo, g_free);
}

static void take_back(MachineIni *machine, gpointer data)
{
    struct take *take = data;

    use_disks_of(machine, take->old);
    set_text(&machine->here, take->record->parent);
    g_clear_pointer(&machine->before, g_free);
}

/* The layers are in use, but there is no node. */
static void no_node(MachineIni *machine, gpointer data)
{
    struct take *take = data;

    set_text(&machine->here, take->record->parent);
    g_clear_pointer(&machine->before, g_free);
}

static void copy_machine(gpointer data)
{
    struct take *take = data;
    const MachineIni *machine = vitrine_bundle_get_machine(vitrine_session_get_bundle(take->session));

    take->old = machine ? machine_ini_copy(machine) : NULL;
}

/* ---- at the safe point ---- */

static gboolean exchange(struct take *take, unsigned disk, const MachineIni *to, GError **error)
{
    g_autofree char *path = vitrine_bundle_path(take->bundle, to->disks[disk].file);
    Image *image = engine_take_disk(take->engine, disk);
    gboolean ok = !image || image_close(image, error);
    Image *next = image_open(path, to->disks[disk].format, IMAGE_OPEN_WRITABLE, ok ? error : NULL);

    if (next)
        engine_give_disk(take->engine, disk, next);
    return ok && next;
}

static bool exchange_disks(void *opaque, GError **error)
{
    struct take *take = opaque;

    for (unsigned i = 0; i < take->new->disk_count; i++) {
        if (take->new->disks[i].read_only || !engine_disk_image(take->engine, i) || exchange(take, i, take->new, error))
            continue;
        /* All of them go on as before. */
        for (unsigned k = 0; k <= i; k++)
            if (!take->new->disks[k].read_only && !exchange(take, k, take->old, NULL))
                g_warning("The disk %u could not be opened again.", k);
        return false;
    }
    return true;
}

static void on_moment(void *opaque, struct engine_moment *moment, const GError *error)
{
    struct take *take = opaque;

    g_mutex_lock(&take->lock);
    take->moment = moment;
    take->error = error ? g_error_copy(error) : NULL;
    take->has_answer = TRUE;
    g_cond_signal(&take->answered);
    g_mutex_unlock(&take->lock);
}

static gboolean stop_for_a_moment(struct take *take, guint64 since, GError **error)
{
    /* So that little is left to be written while the guest stands still. */
    for (unsigned i = 0; i < engine_disk_count(take->engine); i++) {
        Image *image = engine_disk_image(take->engine, i);
        if (image && image_is_writable(image) && !image_flush(image, error))
            return FALSE;
    }
    engine_take_moment(take->engine, since, exchange_disks, take, on_moment, take);
    g_mutex_lock(&take->lock);
    while (!take->has_answer)
        g_cond_wait(&take->answered, &take->lock);
    g_mutex_unlock(&take->lock);
    if (take->error)
        g_propagate_error(error, g_steal_pointer(&take->error));
    return take->moment != NULL;
}

/* ---- while the guest runs on ---- */

static gboolean step(const ImageJob *job, guint64 done, guint64 total, GError **error)
{
    if (!job)
        return TRUE;
    if (job->progress)
        job->progress(done, total, job->user_data);
    return !g_cancellable_set_error_if_cancelled(job->cancellable, error);
}

static gboolean write_memory(struct take *take, struct ram_writer *writer, const ImageJob *job, GError **error)
{
    g_autofree guint8 *data = g_malloc(READ_PAGES * ENGINE_PAGE_SIZE);
    guint8 same[READ_PAGES];
    guint64 total = 0, done = 0;

    for (unsigned b = 0; b < engine_moment_blocks(take->moment); b++)
        total += engine_moment_block_pages(take->moment, b);
    for (unsigned b = 0; b < engine_moment_blocks(take->moment); b++) {
        guint64 pages = engine_moment_block_pages(take->moment, b);
        if (!ram_writer_block(writer, engine_moment_block_id(take->moment, b), pages, error))
            return FALSE;
        for (guint64 at = 0; at < pages; at += READ_PAGES) {
            guint64 count = MIN(READ_PAGES, pages - at);
            engine_moment_read(take->moment, b, at, count, same, data);
            done += count;
            if (!ram_writer_pages(writer, count, same, data, error) ||
                !step(job, done * ENGINE_PAGE_SIZE, total * ENGINE_PAGE_SIZE, error))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean write_bytes(const char *folder, const char *name, GBytes *bytes, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    return vitrine_write_file(path, data, size, error);
}

/* Devices compress well: most of it is ROM and empty buffers. */
static gboolean write_state(const char *folder, GBytes *state, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(state, &size);
    gsize bound = ZSTD_compressBound(size);
    guint8 *packed = g_malloc(bound);
    g_autoptr(GBytes) bytes = g_bytes_new_take(packed, ZSTD_compress(packed, bound, data, size, STATE_LEVEL));

    return write_bytes(folder, "state", bytes, error);
}

static gboolean write_node(struct take *take, const char *building, const RamTable *base, const ImageJob *job,
                           GError **error)
{
    g_autoptr(GBytes) state = engine_moment_state(take->moment);
    g_autoptr(GBytes) nvram = engine_moment_nvram(take->moment);
    g_autofree char *packs = history_ram_folder(take->bundle);
    g_autofree char *table = g_build_filename(building, "ram", NULL);
    int width, height;
    double aspect;
    const guint32 *picture = engine_moment_picture(take->moment, &width, &height, &aspect);
    g_autoptr(GBytes) png = picture ? png_encode(picture, width, height, width, aspect, THUMBNAIL_WIDTH, NULL) : NULL;
    struct ram_writer *writer = ram_writer_new(packs, base, error);
    gboolean ok = writer && write_state(building, state, error) &&
                  (!nvram || write_bytes(building, "nvram", nvram, error)) &&
                  (!png || write_bytes(building, "thumbnail.png", png, error)) &&
                  write_memory(take, writer, job, error) && ram_writer_finish(writer, table, error);

    ram_writer_free(writer);
    return ok && history_finish_node(take->bundle, building, take->record, error);
}

static char *default_name(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();

    return g_date_time_format(now, "%x %X");
}

static void take_clear(struct take *take)
{
    if (take->moment)
        engine_moment_free(take->moment);
    history_record_free(take->record);
    machine_ini_free(take->old);
    machine_ini_free(take->new);
    g_clear_error(&take->error);
    g_mutex_clear(&take->lock);
    g_cond_clear(&take->answered);
}

struct base {
    VitrineSession *session;
    char *node;
    guint64 since;
};

static void get_base(gpointer data)
{
    struct base *base = data;
    const char *node;

    if (session_get_base(base->session, &node, &base->since))
        base->node = g_strdup(node);
}

static void set_base(gpointer data)
{
    struct base *base = data;

    session_set_base(base->session, base->node, base->since);
}

char *history_take_live(VitrineSession *self, struct engine *engine, const char *name, const char *note,
                        enum history_kind kind, const ImageJob *job, GError **error)
{
    struct take take = {.session = self, .engine = engine};
    take.bundle = vitrine_bundle_get_folder(vitrine_session_get_bundle(self));
    g_mutex_init(&take.lock);
    g_cond_init(&take.answered);
    session_call(self, copy_machine, &take);
    take.record = g_new0(HistoryRecord, 1);
    take.record->id = history_new_id(take.bundle);
    g_autofree char *building = NULL;
    gboolean ok = take.old && history_check_space(take.bundle, HISTORY_NODE_BYTES, error) &&
                  (building = history_begin_node(take.bundle, take.record->id, error));
    if (!ok) {
        take_clear(&take);
        return NULL;
    }
    take.record->parent = history_here(take.bundle, take.old);
    take.record->name = name && *name ? g_strdup(name) : default_name();
    take.record->note = g_strdup(note);
    take.record->kind = kind;
    take.record->time = g_get_real_time();
    take.record->has_ram = TRUE;
    take.record->machine = machine_ini_copy(take.old);
    take.new = machine_ini_copy(take.old);

    /* The memory of the node that the engine knows; without it (it was deleted) all pages are read. */
    struct base base = {.session = self};
    session_call(self, get_base, &base);
    g_autofree char *base_path = base.node ? history_node_file(take.bundle, base.node, "ram") : NULL;
    g_autoptr(RamTable) table = base_path ? ram_table_read(base_path, NULL) : NULL;

    gboolean layers = history_new_layers(take.bundle, take.new, error), named = FALSE;
    if (layers)
        named = session_change_machine(self, begin_node, &take, error);
    ok = named && stop_for_a_moment(&take, table ? base.since : 0, error);
    if (!ok && (!named || session_change_machine(self, take_back, &take, NULL)) && layers)
        history_remove_layers(take.bundle, take.new);
    if (ok) {
        g_debug("the guest stood still for %.1f ms", (double)engine_moment_pause_ns(take.moment) / 1e6);
        history_freeze_layers(take.bundle, take.old);
        ok = step(job, 0, 0, error) && write_node(&take, building, table, job, error);
        if (!ok)
            session_change_machine(self, no_node, &take, NULL);
    }
    char *id = NULL;
    if (ok) {
        id = g_strdup(take.record->id);
        g_free(base.node);
        base.node = g_strdup(id);
        base.since = engine_moment_number(take.moment);
        session_call(self, set_base, &base);
    } else {
        history_drop_node(building);
    }
    g_free(base.node);
    take_clear(&take);
    return id;
}
