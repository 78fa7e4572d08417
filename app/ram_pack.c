/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packs of memory pages: the file's format, reading, writing on several threads, and tightening. */
#include "app/ram_pack.h"

#include "app/bundle.h"
#include "app/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <lzma.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

/*
 * A pack: frames, then per frame {u64 offset, u32 length, u32 pages and flags}, then per page its hash (two u64),
 * then the tail. All numbers little-endian. A frame is one zstd frame, or with FRAME_XZ one .xz stream.
 * Version 1 knew zstd only and frames of up to 1024 pages.
 */
#define PACK_MAGIC    G_GUINT64_CONSTANT(0x004b434150545256) /* "VRTPACK" and the version's digit, little-endian */
#define PACK_VERSION  2
#define NEW_PREFIX    ".new-" /* of files that are being written; a lock shows that somebody does */
#define FRAME_PAGES   256 /* of a new frame */
#define FRAME_BYTES   (FRAME_PAGES * RAM_PAGE_SIZE)
#define FRAME_XZ      (1u << 24)
#define FRAME_TIGHT   (1u << 25) /* not worth another try */
#define FRAME_COUNT   0xffffffu
#define MAX_FRAME_BYTES (2u * RAM_PACK_MAX_BYTES) /* in the file: more than any page takes that cannot be compressed */
#define XZ_SLICE      (64u << 10) /* of input, between looks at the cancellable */
#define XZ_MEMORY     (64u << 20) /* that reading a frame may take */
#define QUICK_SECONDS 1.6         /* after this long frames are written with zstd only */
#define MAX_THREADS   8
#define LOWEST_PRIORITY 19

struct ram_frame {
    guint64 offset;
    guint32 length, pages;
};
struct tail {
    guint64 index_offset, frames, pages, index_hash, magic;
};

gboolean ram_damaged(GError **error, const char *path)
{
    g_autofree char *shown = g_filename_display_name(path);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                _("The memory of a snapshot is damaged (%s). That snapshot cannot be gone back to with its memory; "
                  "others may be whole."),
                shown);
    return FALSE;
}

struct ram_hash ram_hash_page(const guint8 *data)
{
    XXH128_hash_t h = XXH3_128bits(data, RAM_PAGE_SIZE);

    return (struct ram_hash){h.low64, h.high64};
}

char *ram_pack_path(const char *folder, const char *name)
{
    return g_strdup_printf("%s/%s.pack", folder, name);
}

GPtrArray *ram_pack_names(const char *folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        if (g_str_has_suffix(name, ".pack") && name[0] != '.')
            g_ptr_array_add(names, g_strndup(name, strlen(name) - strlen(".pack")));
    return names;
}

void ram_pack_clear_away(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        if (!g_str_has_prefix(name, NEW_PREFIX))
            continue;
        g_autofree char *path = g_build_filename(folder, name, NULL);
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            g_unlink(path);
        close(fd);
    }
}

/* ---- reading ---- */

void ram_pack_free(RamPack *pack)
{
    if (!pack)
        return;
    if (pack->fd >= 0)
        close(pack->fd);
    g_free(pack->index);
    g_free(pack->name);
    g_free(pack->first_page);
    g_free(pack);
}

static guint32 frame_pages(const struct ram_frame *frame)
{
    return frame->pages & FRAME_COUNT;
}

/* Reads, as a mapping does not: a disk that fails shall give a sentence. A file that ends too early is damaged. */
static gboolean read_at(const RamPack *pack, const char *path, guint64 offset, void *to, gsize size, GError **error)
{
    guint8 *at = to;

    while (size > 0) {
        ssize_t n = pread(pack->fd, at, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return vitrine_set_errno(error, errno, _("The file could not be read"), path);
        if (n == 0)
            return ram_damaged(error, path);
        at += n;
        offset += (gsize)n;
        size -= (gsize)n;
    }
    return TRUE;
}

/* The frame as it stands in the file; g_free(). */
static guint8 *read_raw(const RamPack *pack, const char *folder, guint64 index, GError **error)
{
    const struct ram_frame *frame = &pack->frames[index];
    g_autofree char *path = ram_pack_path(folder, pack->name);
    g_autofree guint8 *raw = g_malloc(frame->length + 1);

    return read_at(pack, path, frame->offset, raw, frame->length, error) ? g_steal_pointer(&raw) : NULL;
}

/* The digit of a pack's version; 0: it is no pack. */
static unsigned version_of(guint64 magic)
{
    unsigned digit = (unsigned)(magic >> 56);

    return (magic & ~(G_GUINT64_CONSTANT(0xff) << 56)) == PACK_MAGIC && digit > '0' && digit <= '9' ? digit - '0' : 0;
}

RamPack *ram_pack_open(const char *folder, const char *name, GError **error)
{
    g_autofree char *path = ram_pack_path(folder, name);
    g_autoptr(RamPack) pack = g_new0(RamPack, 1);
    struct tail tail;
    struct stat info;

    pack->name = g_strdup(name);
    pack->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (pack->fd < 0 || fstat(pack->fd, &info) != 0) {
        vitrine_set_errno(error, errno, _("The file could not be read"), path);
        return NULL;
    }
    guint64 size = pack->size = (guint64)info.st_size;
    if (!S_ISREG(info.st_mode) || size < sizeof tail)
        return ram_damaged(error, path), NULL;
    if (!read_at(pack, path, size - sizeof tail, &tail, sizeof tail, error))
        return NULL;
    if (version_of(tail.magic) > PACK_VERSION) {
        g_autofree char *shown = g_filename_display_name(path);
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    _("The memory of a snapshot was written by a newer Vitrine (%s). Use that one to go back to it."),
                    shown);
        return NULL;
    }
    guint64 room = size - sizeof tail;
    if (!version_of(tail.magic) || tail.index_offset > room || tail.index_offset % 8 ||
        tail.frames > room / sizeof(struct ram_frame) || tail.pages > room / sizeof(struct ram_hash) ||
        tail.frames * sizeof(struct ram_frame) + tail.pages * sizeof(struct ram_hash) != room - tail.index_offset)
        return ram_damaged(error, path), NULL;
    guint64 index_size = room - tail.index_offset;
    pack->index = g_try_malloc(index_size + 1);
    if (!pack->index)
        return ram_damaged(error, path), NULL;
    if (!read_at(pack, path, tail.index_offset, pack->index, index_size, error))
        return NULL;
    if (XXH3_64bits(pack->index, index_size) != tail.index_hash)
        return ram_damaged(error, path), NULL;
    pack->frames = (const struct ram_frame *)(const void *)pack->index;
    pack->hashes = (const struct ram_hash *)(const void *)(pack->frames + tail.frames);
    pack->frame_count = tail.frames;
    pack->page_count = tail.pages;
    pack->first_page = g_new(guint32, tail.frames + 1);
    guint64 pages = 0;
    for (guint64 i = 0; i < tail.frames; i++) {
        const struct ram_frame *frame = &pack->frames[i];
        pack->first_page[i] = (guint32)pages;
        pages += frame_pages(frame);
        if (frame_pages(frame) > RAM_PACK_MAX_FRAME || frame->pages & ~(FRAME_COUNT | FRAME_XZ | FRAME_TIGHT) ||
            frame->offset > tail.index_offset || frame->length > tail.index_offset - frame->offset ||
            frame->length > MAX_FRAME_BYTES ||
            pages > tail.pages)
            return ram_damaged(error, path), NULL;
    }
    if (pages != tail.pages)
        return ram_damaged(error, path), NULL;
    pack->first_page[tail.frames] = (guint32)pages;
    return g_steal_pointer(&pack);
}

gboolean ram_pack_read_frame(const RamPack *pack, const char *folder, guint64 index, guint8 *to, GError **error)
{
    const struct ram_frame *frame = &pack->frames[index];
    g_autofree guint8 *from = read_raw(pack, folder, index, error);
    gsize wanted = (gsize)frame_pages(frame) * RAM_PAGE_SIZE, in = 0, out = 0;
    guint64 memory = XZ_MEMORY;
    gboolean ok;

    if (!from)
        return FALSE;
    if (frame->pages & FRAME_XZ)
        ok = lzma_stream_buffer_decode(&memory, 0, NULL, from, &in, frame->length, to, &out, wanted) == LZMA_OK &&
             in == frame->length && out == wanted;
    else
        ok = ZSTD_decompress(to, RAM_PACK_MAX_BYTES, from, frame->length) == wanted;
    for (guint32 i = 0; ok && i < frame_pages(frame); i++) {
        struct ram_hash hash = ram_hash_page(to + (gsize)i * RAM_PAGE_SIZE);
        ok = memcmp(&hash, &pack->hashes[pack->first_page[index] + i], sizeof hash) == 0;
    }
    if (ok)
        return TRUE;
    g_autofree char *path = ram_pack_path(folder, pack->name);
    return ram_damaged(error, path);
}

gboolean ram_pack_is_loose(const RamPack *pack)
{
    for (guint64 i = 0; i < pack->frame_count; i++)
        if (!(pack->frames[i].pages & FRAME_TIGHT))
            return TRUE;
    return FALSE;
}

/* ---- compressing ---- */

/* The instruction sets whose branches .xz can make alike; memory holds code of one of them. */
static const lzma_vli code_filters[] = {LZMA_VLI_UNKNOWN, LZMA_FILTER_X86,   LZMA_FILTER_ARM,
                                        LZMA_FILTER_SPARC, LZMA_FILTER_POWERPC};

/* Bytes written to `to` (`room`), or 0 when they are not fewer than `limit`, or it was cancelled. Words of four bytes
 * are what memory is made of: lp and pb say so. */
static gsize pack_xz(guint32 preset, lzma_vli code, const guint8 *from, gsize size, guint8 *to, gsize room,
                     gsize limit, GCancellable *cancellable)
{
    lzma_options_lzma options;
    lzma_stream stream = LZMA_STREAM_INIT;

    lzma_lzma_preset(&options, preset);
    options.dict_size = FRAME_BYTES;
    options.lc = 1;
    options.lp = options.pb = 2;
    lzma_filter filters[3] = {{code, NULL}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    lzma_filter *first = code == LZMA_VLI_UNKNOWN ? filters + 1 : filters;
    lzma_ret result = lzma_stream_encoder(&stream, first, LZMA_CHECK_NONE);
    stream.next_in = from;
    stream.next_out = to;
    stream.avail_out = MIN(room, limit);
    for (gsize given = 0; result == LZMA_OK && !g_cancellable_is_cancelled(cancellable) && stream.avail_out;) {
        gsize slice = MIN(size - given, XZ_SLICE);
        stream.avail_in += slice;
        given += slice;
        result = lzma_code(&stream, given == size ? LZMA_FINISH : LZMA_RUN);
    }
    gsize out = (gsize)stream.total_out;
    lzma_end(&stream);
    return result == LZMA_STREAM_END && out < limit ? out : 0;
}

static gsize packed_room(gsize size)
{
    return MAX(ZSTD_compressBound(size), lzma_stream_buffer_bound(size));
}

struct packed {
    guint8 *data; /* own */
    gsize length;
    guint32 flags;
};

/* Noise is left to zstd, which stores it as it is. */
static struct packed pack_quick(const guint8 *from, gsize size, gboolean hurry)
{
    gsize room = packed_room(size);
    struct packed packed = {.data = g_malloc(room)};

    packed.length = ZSTD_compress(packed.data, room, from, size, 1);
    g_assert(!ZSTD_isError(packed.length)); /* there is room, so only memory can be short */
    if (packed.length > size - size / 16) {
        packed.flags = FRAME_TIGHT;
    } else if (!hurry) {
        guint8 *xz = g_malloc(room);
        gsize length = pack_xz(1, LZMA_VLI_UNKNOWN, from, size, xz, room, packed.length, NULL);
        if (length) {
            g_free(packed.data);
            packed = (struct packed){xz, length, FRAME_XZ};
        } else {
            g_free(xz);
        }
    }
    return packed;
}

static struct packed pack_tight(const guint8 *from, gsize size, GCancellable *cancellable)
{
    gsize room = packed_room(size), best = room;
    struct packed packed = {.data = g_malloc(room)};
    lzma_vli code = LZMA_VLI_UNKNOWN;

    for (guint i = 0; i < G_N_ELEMENTS(code_filters); i++) {
        gsize length = pack_xz(0, code_filters[i], from, size, packed.data, room, best, cancellable);
        if (length) {
            best = length;
            code = code_filters[i];
        }
    }
    packed.length = pack_xz(6, code, from, size, packed.data, room, room, cancellable);
    packed.flags = FRAME_XZ | FRAME_TIGHT;
    return packed;
}

/* ---- writing ---- */

/* A frame on its way through the threads. */
struct work {
    guint8 *pages;
    guint32 count;
    gboolean hurry, done;
    struct packed packed;
};

struct ram_pack_writer {
    char *folder, *name, *temporary;
    int fd;
    guint64 offset;
    guint32 pages;
    GArray *frames, *hashes;
    gboolean finished;

    gint64 hurry_at; /* monotonic time */
    struct work *filling;
    GThreadPool *threads;
    GQueue waiting; /* struct work *, in the order of the file */
    GMutex lock;    /* over work->done */
    GCond packed;
};

static void work_free(struct work *work)
{
    if (!work)
        return;
    g_free(work->pages);
    g_free(work->packed.data);
    g_free(work);
}

static void pack_frame(gpointer data, gpointer user_data)
{
    struct work *work = data;
    struct ram_pack_writer *w = user_data;

    work->packed = pack_quick(work->pages, (gsize)work->count * RAM_PAGE_SIZE, work->hurry);
    g_mutex_lock(&w->lock);
    work->done = TRUE;
    g_cond_signal(&w->packed);
    g_mutex_unlock(&w->lock);
}

struct ram_pack_writer *ram_pack_writer_new(const char *folder, GError **error)
{
    struct ram_pack_writer *w = g_new0(struct ram_pack_writer, 1);
    g_autofree char *uuid = g_uuid_string_random();

    w->fd = -1;
    w->folder = g_strdup(folder);
    w->name = g_strndup(uuid, 13);
    w->temporary = g_strdup_printf("%s/" NEW_PREFIX "%s", folder, w->name);
    w->frames = g_array_new(FALSE, FALSE, sizeof(struct ram_frame));
    w->hashes = g_array_new(FALSE, FALSE, sizeof(struct ram_hash));
    w->hurry_at = g_get_monotonic_time() + (gint64)(QUICK_SECONDS * G_USEC_PER_SEC);
    g_mutex_init(&w->lock);
    g_cond_init(&w->packed);
    w->threads = g_thread_pool_new(pack_frame, w, (gint)CLAMP(g_get_num_processors(), 1, MAX_THREADS), FALSE, NULL);
    if (g_mkdir_with_parents(folder, 0755) != 0 ||
        (w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) < 0 ||
        flock(w->fd, LOCK_EX | LOCK_NB) != 0) {
        vitrine_set_errno(error, errno, _("The memory cannot be saved"), folder);
        ram_pack_writer_free(w);
        return NULL;
    }
    return w;
}

const char *ram_pack_writer_name(const struct ram_pack_writer *w)
{
    return w->name;
}

static gboolean write_all(struct ram_pack_writer *w, const void *data, gsize size, GError **error)
{
    const char *p = data;

    w->offset += size;
    while (size > 0) {
        gssize n = write(w->fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return vitrine_set_errno(error, n ? errno : ENOSPC, _("The memory cannot be saved"), w->folder);
        p += n;
        size -= (gsize)n;
    }
    return TRUE;
}

static gboolean write_frame(struct ram_pack_writer *w, const void *data, gsize length, guint32 pages, GError **error)
{
    struct ram_frame frame = {w->offset, (guint32)length, pages};

    g_array_append_val(w->frames, frame);
    return write_all(w, data, length, error);
}

/* Writes what is packed, until at most `left` frames wait. */
static gboolean write_packed(struct ram_pack_writer *w, guint left, GError **error)
{
    gboolean ok = TRUE;

    while (ok && w->waiting.length > left) {
        struct work *work = g_queue_peek_head(&w->waiting);
        g_mutex_lock(&w->lock);
        while (!work->done)
            g_cond_wait(&w->packed, &w->lock);
        g_mutex_unlock(&w->lock);
        g_queue_pop_head(&w->waiting);
        ok = write_frame(w, work->packed.data, work->packed.length, work->count | work->packed.flags, error);
        work_free(work);
    }
    return ok;
}

static gboolean give_frame(struct ram_pack_writer *w, GError **error)
{
    struct work *work = g_steal_pointer(&w->filling);

    if (!work)
        return TRUE;
    work->hurry = g_get_monotonic_time() > w->hurry_at;
    g_queue_push_tail(&w->waiting, work);
    g_thread_pool_push(w->threads, work, NULL);
    return write_packed(w, 2 * (guint)g_thread_pool_get_max_threads(w->threads), error);
}

gboolean ram_pack_writer_page(struct ram_pack_writer *w, const guint8 *data, struct ram_hash hash, guint32 *number,
                              GError **error)
{
    if (!w->filling) {
        w->filling = g_new0(struct work, 1);
        w->filling->pages = g_malloc(FRAME_BYTES);
    }
    memcpy(w->filling->pages + (gsize)w->filling->count++ * RAM_PAGE_SIZE, data, RAM_PAGE_SIZE);
    g_array_append_val(w->hashes, hash);
    *number = w->pages++;
    return w->filling->count < FRAME_PAGES || give_frame(w, error);
}

/* The index, then the file's name. */
static gboolean finish_file(struct ram_pack_writer *w, GError **error)
{
    static const guint8 zeros[8] = {0};
    g_autofree char *path = ram_pack_path(w->folder, w->name);

    g_assert(G_BYTE_ORDER == G_LITTLE_ENDIAN); /* the host that this runs on; packs are read by mapping them */
    if (!write_all(w, zeros, (8 - w->offset % 8) % 8, error))
        return FALSE;
    g_autoptr(GByteArray) index = g_byte_array_new();
    g_byte_array_append(index, (const guint8 *)w->frames->data, w->frames->len * (guint)sizeof(struct ram_frame));
    g_byte_array_append(index, (const guint8 *)w->hashes->data, w->hashes->len * (guint)sizeof(struct ram_hash));
    struct tail tail = {w->offset, w->frames->len, w->hashes->len, XXH3_64bits(index->data, index->len),
                        PACK_MAGIC | (guint64)('0' + PACK_VERSION) << 56};
    if (!write_all(w, index->data, index->len, error) || !write_all(w, &tail, sizeof tail, error))
        return FALSE;
    if (fsync(w->fd) != 0 || g_rename(w->temporary, path) != 0)
        return vitrine_set_errno(error, errno, _("The memory cannot be saved"), w->folder);
    w->finished = TRUE;
    return vitrine_sync_folder(w->folder, error);
}

gboolean ram_pack_writer_finish(struct ram_pack_writer *w, GError **error)
{
    return !w->pages || (give_frame(w, error) && write_packed(w, 0, error) && finish_file(w, error));
}

void ram_pack_writer_free(struct ram_pack_writer *w)
{
    if (!w)
        return;
    g_thread_pool_free(w->threads, FALSE, TRUE);
    g_queue_clear_full(&w->waiting, (GDestroyNotify)work_free);
    work_free(w->filling);
    if (w->fd >= 0) {
        close(w->fd);
        if (!w->finished)
            g_unlink(w->temporary);
    }
    g_mutex_clear(&w->lock);
    g_cond_clear(&w->packed);
    g_array_unref(w->frames);
    g_array_unref(w->hashes);
    g_free(w->folder);
    g_free(w->name);
    g_free(w->temporary);
    g_free(w);
}

/* ---- tightening ---- */

struct tighten {
    const char *folder;
    const RamPack *pack;
    GCancellable *cancellable;
    void (*progress)(double fraction, gpointer data);
    gpointer data;
    GError **error;
};

/* What is tight, or no longer asked for, goes over as it is. */
static gboolean copy_frames(const struct tighten *t, struct ram_pack_writer *w)
{
    g_autofree guint8 *pages = g_malloc(RAM_PACK_MAX_BYTES);
    gboolean ok = TRUE;

    for (guint64 i = 0; ok && i < t->pack->frame_count; i++) {
        const struct ram_frame *frame = &t->pack->frames[i];
        g_autofree guint8 *old = read_raw(t->pack, t->folder, i, t->error);
        if (!old)
            return FALSE;
        if (frame->pages & FRAME_TIGHT || !frame_pages(frame) || g_cancellable_is_cancelled(t->cancellable)) {
            ok = write_frame(w, old, frame->length, frame->pages, t->error);
            continue;
        }
        if (!ram_pack_read_frame(t->pack, t->folder, i, pages, t->error))
            return FALSE;
        struct packed packed = pack_tight(pages, (gsize)frame_pages(frame) * RAM_PAGE_SIZE, t->cancellable);
        if (packed.length && packed.length < frame->length)
            ok = write_frame(w, packed.data, packed.length, frame_pages(frame) | packed.flags, t->error);
        else if (g_cancellable_is_cancelled(t->cancellable))
            ok = write_frame(w, old, frame->length, frame->pages, t->error);
        else
            ok = write_frame(w, old, frame->length, frame->pages | FRAME_TIGHT, t->error);
        g_free(packed.data);
        if (t->progress)
            t->progress((double)(i + 1) / (double)t->pack->frame_count, t->data);
    }
    return ok;
}

static gpointer tighten_thread(gpointer data)
{
    const struct tighten *t = data;

    setpriority(PRIO_PROCESS, 0, LOWEST_PRIORITY); /* of this thread only */
    struct ram_pack_writer *w = ram_pack_writer_new(t->folder, t->error);
    if (!w)
        return NULL;
    g_free(w->name);
    w->name = g_strdup(t->pack->name);
    g_array_append_vals(w->hashes, t->pack->hashes, (guint)t->pack->page_count);
    gboolean ok = copy_frames(t, w) && finish_file(w, t->error);
    ram_pack_writer_free(w);
    return GINT_TO_POINTER(ok);
}

gboolean ram_pack_tighten(const char *folder, const char *name, GCancellable *cancellable,
                          void (*progress)(double fraction, gpointer data), gpointer data, GError **error)
{
    g_autoptr(RamPack) pack = ram_pack_open(folder, name, error);

    if (!pack)
        return FALSE;
    if (!ram_pack_is_loose(pack))
        return TRUE;
    struct tighten t = {folder, pack, cancellable, progress, data, error};
    GThread *thread = g_thread_new("memory", tighten_thread, &t);
    return GPOINTER_TO_INT(g_thread_join(thread));
}
