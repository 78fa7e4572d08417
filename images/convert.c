/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copying the contents of one image into a new one of any format, and comparing two. */
#include <string.h>

#include "images/internal.h"

#define CHUNK           (2u << 20)
#define PACK_CHUNK      (16u << 20) /* enough clusters for all processors */
#define WRITEBACK_EVERY (32u << 20)
#define SMALLEST_PIECE  4096u

/* ---- Compressing on all processors -----------------------------------------------------------------------
 */

typedef struct PackItem {
    const guint8 *data;
    guint8 *out;
    gsize length; /* 0: stays as it is */
} PackItem;

typedef struct Packer {
    Image *target;
    GThreadPool *pool; /* NULL: the caller's thread does it all */
    guint helpers;
    GMutex lock;
    GCond done;
    guint open; /* helpers at work */
    PackItem *items;
    guint8 *out;
    gint count; /* items of the batch */
    gint next;  /* the first that nobody took */
} Packer;

static void pack_items(Packer *packer)
{
    for (;;) {
        gint i = g_atomic_int_add(&packer->next, 1);
        if (i >= packer->count)
            return;
        PackItem *item = &packer->items[i];
        item->length = packer->target->format->compress(packer->target, item->data, item->out);
    }
}

static void pack_helper(gpointer data, gpointer user_data)
{
    Packer *packer = user_data;
    pack_items(packer);
    g_mutex_lock(&packer->lock);
    if (--packer->open == 0)
        g_cond_signal(&packer->done);
    g_mutex_unlock(&packer->lock);
}

static void packer_init(Packer *packer, Image *target)
{
    packer->target = target;
    packer->helpers = MAX(g_get_num_processors(), 4) - 1;
    packer->pool = g_thread_pool_new(pack_helper, packer, (int)packer->helpers, FALSE, NULL);
    g_mutex_init(&packer->lock);
    g_cond_init(&packer->done);
    packer->items = g_new0(PackItem, PACK_CHUNK / target->cluster_size);
    packer->out = g_malloc(PACK_CHUNK);
}

static void packer_clear(Packer *packer)
{
    if (!packer->target)
        return;
    if (packer->pool)
        g_thread_pool_free(packer->pool, FALSE, TRUE);
    g_mutex_clear(&packer->lock);
    g_cond_clear(&packer->done);
    g_free(packer->items);
    g_free(packer->out);
}

static gboolean write_packed(Image *target, guint64 offset, const PackItem *item, GError **error)
{
    if (item->length == 0) {
        gsize n = MIN(target->cluster_size, target->size - offset);
        return image_pwrite(target, offset, item->data, n, error);
    }
    g_mutex_lock(&target->lock);
    gboolean ok = target->format->write_compressed(target, offset, item->out, item->length, error);
    g_mutex_unlock(&target->lock);
    return ok;
}

/* @data: whole clusters, zeros behind the end of the disk */
static gboolean pack_run(Packer *packer, guint64 offset, const guint8 *data, gsize length, GError **error)
{
    gsize cluster = packer->target->cluster_size;
    guint n = (guint)((length + cluster - 1) / cluster);
    for (guint i = 0; i < n; i++)
        packer->items[i] = (PackItem){data + i * cluster, packer->out + i * cluster, 0};
    packer->count = (gint)n;
    packer->next = 0;
    packer->open = packer->pool ? MIN(packer->helpers, n - 1) : 0;
    for (guint i = packer->open; i > 0; i--)
        g_thread_pool_push(packer->pool, packer, NULL);
    pack_items(packer);
    g_mutex_lock(&packer->lock);
    while (packer->open)
        g_cond_wait(&packer->done, &packer->lock);
    g_mutex_unlock(&packer->lock);
    for (guint i = 0; i < n; i++) {
        if (!write_packed(packer->target, offset + i * cluster, &packer->items[i], error))
            return FALSE;
    }
    return TRUE;
}

/* ---- Copying ---------------------------------------------------------------------------------------------
 */

typedef enum PieceKind {
    PIECE_SKIP, /* the target shows it already */
    PIECE_ZERO,
    PIECE_DATA,
} PieceKind;

static PieceKind piece_kind(const guint8 *data, const guint8 *below, gsize length)
{
    if (below && memcmp(data, below, length) == 0)
        return PIECE_SKIP;
    if (image_buffer_is_zero(data, length))
        return below ? PIECE_ZERO : PIECE_SKIP;
    return PIECE_DATA;
}

/* Zeros are left out in pieces of this size. A new block of the formats of mapped.c reads as zeros, so that only
 * what is data needs writing; elsewhere a cluster is written as a whole. */
static gsize piece_unit(const Image *target, const guint8 *below)
{
    gboolean blocks_are_zeros = target->format->allocate && !below;
    return target->cluster_size && !blocks_are_zeros ? target->cluster_size : SMALLEST_PIECE;
}

/* Writes a chunk in runs of pieces of one kind. @below: what the target's backing file shows, NULL = zeros.
 */
static gboolean write_chunk(Image *target, Packer *packer, guint64 offset, const guint8 *data,
                            const guint8 *below, gsize length, GError **error)
{
    gsize unit = piece_unit(target, below);
    for (gsize at = 0; at < length;) {
        gsize run = MIN(unit, length - at);
        PieceKind kind = piece_kind(data + at, below ? below + at : NULL, run);
        while (at + run < length) {
            gsize step = MIN(unit, length - at - run);
            if (piece_kind(data + at + run, below ? below + at + run : NULL, step) != kind)
                break;
            run += step;
        }
        gboolean ok = TRUE;
        if (kind == PIECE_ZERO)
            ok = image_write_zeroes(target, offset + at, run, error);
        else if (kind == PIECE_DATA && packer)
            ok = pack_run(packer, offset + at, data + at, run, error);
        else if (kind == PIECE_DATA)
            ok = image_pwrite(target, offset + at, data + at, run, error);
        if (!ok)
            return FALSE;
        at += run;
    }
    return TRUE;
}

typedef struct Copy {
    Image *source, *target;
    guint64 total, size; /* of the progress; what both disks have */
    gsize unit, chunk;
    Packer *packer;
    GMutex lock; /* of what follows */
    guint64 at;
    guint64 written; /* since the last time that the host was told to write */
    gboolean stop;
    GError *error;
} Copy;

/* The next range of data to copy; ranges of zeros are done on the way. FALSE: the end, or an error. */
static gboolean next_piece(Copy *c, guint64 *offset, gsize *length, GError **error)
{
    while (c->at < c->target->size) {
        guint64 at = c->at, end = c->target->size;
        ImageBlockStatus status = {.block = IMAGE_BLOCK_UNALLOCATED, .length = end - at};
        if (at < c->size && !image_block_status(c->source, at, c->size - at, &status, error))
            return FALSE;
        guint64 run_end = at + status.length;
        if (status.block == IMAGE_BLOCK_DATA) {
            /* whole units, so that the next piece starts at one */
            run_end = MIN(image_align_up(run_end, c->unit), end);
        } else if (run_end < end) {
            run_end = image_align_down(run_end, c->unit);
        }
        if (status.block != IMAGE_BLOCK_DATA && run_end > at) {
            if (c->target->backing && !image_backing_is_zero(c->target, at, run_end - at) &&
                !image_write_zeroes(c->target, at, run_end - at, error))
                return FALSE;
            c->at = run_end;
            continue;
        }
        *offset = at;
        *length = MIN(MAX(run_end, MIN(at + c->unit, end)) - at, c->chunk - (at & (c->chunk - 1)));
        c->at = at + *length;
        return TRUE;
    }
    return FALSE;
}

static gboolean copy_piece(Copy *c, guint64 at, gsize length, guint8 *data, guint8 *below, GError **error)
{
    gsize have = at < c->size ? MIN(length, c->size - at) : 0;
    gsize padded = c->packer ? image_align_up(length, c->unit) : length;
    if (!image_pread(c->source, at, data, have, error))
        return FALSE;
    memset(data + have, 0, padded - have);
    return (!below || image_read_backing(c->target, at, below, length, error)) &&
           write_chunk(c->target, c->packer, at, data, below, length, error);
}

static void copy_loop(Copy *c, const ImageJob *job)
{
    g_autofree guint8 *data = g_malloc(c->chunk);
    g_autofree guint8 *below = c->target->backing ? g_malloc(c->chunk) : NULL;
    for (;;) {
        g_autoptr(GError) error = NULL;
        guint64 offset = 0, done;
        gsize length = 0;
        gboolean write_back = FALSE;
        g_mutex_lock(&c->lock);
        done = c->at;
        gboolean more = !c->stop && next_piece(c, &offset, &length, &error);
        if (more && (c->written += length) >= WRITEBACK_EVERY) {
            c->written = 0;
            write_back = TRUE;
        }
        g_mutex_unlock(&c->lock);
        gboolean ok = more && image_job_step(job, done, c->total, &error) &&
                      copy_piece(c, offset, length, data, below, &error);
        if (!ok) {
            g_mutex_lock(&c->lock);
            c->stop = TRUE;
            if (error && !c->error)
                c->error = g_steal_pointer(&error);
            g_mutex_unlock(&c->lock);
            return;
        }
        if (write_back)
            image_file_start_writeback(c->target->file);
    }
}

static gpointer copy_helper(gpointer data)
{
    copy_loop(data, NULL);
    return NULL;
}

/* One thread reads while another writes. The caller's is one of them, and the only one that tells progress.
 */
static gboolean copy_contents(Image *source, Image *target, gboolean compress, const ImageJob *job,
                              guint64 total, GError **error)
{
    GThread *helpers[3] = {NULL};
    guint count = compress ? 0 : MIN(g_get_num_processors(), G_N_ELEMENTS(helpers));
    Packer packer = {0};
    Copy copy = {
        .source = source,
        .target = target,
        .total = total,
        .size = MIN(source->size, target->size),
        .unit = MAX(target->cluster_size, 65536),
        .packer = compress ? &packer : NULL,
    };
    copy.chunk = MAX(copy.unit, compress ? PACK_CHUNK : CHUNK);
    if (compress)
        packer_init(&packer, target);
    g_mutex_init(&copy.lock);
    for (guint i = 0; i < count; i++)
        helpers[i] = g_thread_try_new("convert", copy_helper, &copy, NULL);
    copy_loop(&copy, job);
    for (guint i = 0; i < count; i++) {
        if (helpers[i])
            g_thread_join(helpers[i]);
    }
    g_mutex_clear(&copy.lock);
    packer_clear(&packer);
    if (copy.error)
        g_propagate_error(error, copy.error);
    return copy.error == NULL;
}

/* An upper bound on what the copy takes. */
static gboolean data_bytes(Image *source, guint64 *bytes, GError **error)
{
    *bytes = 0;
    for (guint64 at = 0; at < source->size;) {
        ImageBlockStatus status;
        if (!image_block_status(source, at, source->size - at, &status, error))
            return FALSE;
        if (status.block == IMAGE_BLOCK_DATA)
            *bytes += status.length;
        at += status.length;
    }
    return TRUE;
}

gboolean image_convert_into(Image *source, ImageNewFile *new_file, const ImageFormat *format,
                            const ImageConvertOptions *options, const ImageJob *job, GError **error)
{
    guint64 bytes;
    if (options->compress && !format->compress) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("The format %s cannot compress. Choose qcow2, or no compression."), format->name);
        return FALSE;
    }
    if (!data_bytes(source, &bytes, error))
        return FALSE;
    if (!options->compress &&
        !image_check_space(new_file->path, bytes + (format->overhead ? format->overhead(NULL, bytes) : 0),
                           error))
        return FALSE;
    if (!format->create(new_file->file, &options->create, error))
        return FALSE;

    Image *target = image_open_file(g_steal_pointer(&new_file->file), format, IMAGE_OPEN_WRITABLE, error);
    if (!target)
        return FALSE;
    guint64 total = options->verify ? target->size * 2 : target->size;
    gboolean ok = copy_contents(source, target, options->compress, job, MAX(total, 1), error) &&
                  image_flush(target, error);
    if (ok && options->verify)
        ok = image_compare(source, target, NULL, job ? &(ImageJob){.cancellable = job->cancellable} : NULL,
                           error);
    if (ok)
        ok = image_job_step(job, MAX(total, 1), MAX(total, 1), error);
    if (!image_close(target, ok ? error : NULL))
        ok = FALSE;
    return ok;
}

typedef struct Conversion {
    Image *source;
    const ImageConvertOptions *options;
    const ImageJob *job;
} Conversion;

static gboolean fill_converted(ImageNewFile *file, const ImageFormat *format, gpointer data, GError **error)
{
    const Conversion *c = data;
    return image_convert_into(c->source, file, format, c->options, c->job, error);
}

gboolean image_convert(Image *source, const char *path, const char *format_name,
                       const ImageConvertOptions *options, const ImageJob *job, GError **error)
{
    ImageConvertOptions o = options ? *options : (ImageConvertOptions){0};
    const ImageFormat *format = image_format_find(format_name, error);
    if (!format)
        return FALSE;
    if (o.create.size == 0)
        o.create.size = source->size;
    if (!image_create_options_check(format, path, &o.create, error))
        return FALSE;
    if (o.create.size < source->size) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("The new disk would be smaller than “%s”. Make the source smaller first (resize)."),
                    source->path);
        return FALSE;
    }
    Conversion conversion = {source, &o, job};
    return image_make(path, format, &o.create, fill_converted, &conversion, error);
}

/* ---- Comparing -------------------------------------------------------------------------------------------
 */

static gboolean read_padded(Image *image, guint64 offset, guint8 *buffer, gsize length, GError **error)
{
    gsize have = offset < image->size ? MIN(length, image->size - offset) : 0;
    memset(buffer + have, 0, length - have);
    return image_pread(image, MIN(offset, image->size), buffer, have, error);
}

static gboolean next_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                            GError **error)
{
    if (offset >= image->size) {
        *status = (ImageBlockStatus){.block = IMAGE_BLOCK_UNALLOCATED, .length = length};
        return TRUE;
    }
    return image_block_status(image, offset, MIN(length, image->size - offset), status, error);
}

gboolean image_compare(Image *a, Image *b, guint64 *first_difference, const ImageJob *job, GError **error)
{
    g_autofree guint8 *x = g_malloc(CHUNK), *y = g_malloc(CHUNK);
    guint64 size = MAX(a->size, b->size);
    for (guint64 at = 0; at < size;) {
        ImageBlockStatus sa, sb;
        if (!image_job_step(job, at, size, error) || !next_status(a, at, size - at, &sa, error) ||
            !next_status(b, at, size - at, &sb, error))
            return FALSE;
        guint64 length = MIN(sa.length, sb.length);
        if (sa.block != IMAGE_BLOCK_DATA && sb.block != IMAGE_BLOCK_DATA) {
            at += length;
            continue;
        }
        gsize n = MIN(length, CHUNK);
        if (!read_padded(a, at, x, n, error) || !read_padded(b, at, y, n, error))
            return FALSE;
        if (memcmp(x, y, n) != 0) {
            gsize i = 0;
            while (x[i] == y[i])
                i++;
            if (first_difference)
                *first_difference = at + i;
            g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_DIFFERS,
                        _("“%s” and “%s” differ from byte %" PRIu64 " on."), a->path, b->path, at + i);
            return FALSE;
        }
        at += n;
    }
    return TRUE;
}
