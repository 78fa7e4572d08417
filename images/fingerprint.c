/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fingerprints of files that others stand on. An overlay says only what differs from its base: a base that
 * was altered behind its back makes garbage of both. Whoever made an overlay keeps the base's fingerprint and
 * compares before every use; most comparisons need a stat() and nothing more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "images/internal.h"

#define BLOCK       65536u
#define WHOLE_BYTES (64u << 20) /* files that take less are hashed whole without being asked */
#define HEAD_BLOCKS 16u         /* headers and first tables of every format */
#define SAMPLES     64u

typedef struct Print {
    guint64 size;
    guint64 written_ns; /* contents */
    guint64 changed_ns; /* contents or inode */
    guint64 inode;
    gboolean whole;
    char hash[65];
} Print;

static guint64 in_ns(struct timespec t)
{
    return (guint64)t.tv_sec * 1000000000u + (guint64)t.tv_nsec;
}

/* ---- Hash ------------------------------------------------------------------------------------------------
 */

/* Blocks of zeros count by being left out, so that a copy whose holes were filled is the same. */
static gboolean hash_block(GChecksum *sum, ImageFile *file, guint64 offset, guint64 size, guint8 *buffer,
                           GError **error)
{
    gsize n = MIN(BLOCK, size - offset);
    if (!image_file_read(file, offset, buffer, n, error))
        return FALSE;
    if (image_buffer_is_zero(buffer, n))
        return TRUE;
    guint64 number = GUINT64_TO_LE(offset / BLOCK);
    g_checksum_update(sum, (const guchar *)&number, sizeof number);
    g_checksum_update(sum, buffer, (gssize)n);
    return TRUE;
}

static gboolean hash_whole(GChecksum *sum, ImageFile *file, guint64 size, const ImageJob *job, GError **error)
{
    g_autofree guint8 *buffer = g_malloc(BLOCK);
    for (guint64 at = 0; at < size;) {
        gboolean data;
        guint64 end;
        if (!image_job_step(job, at, size, error) || !image_file_extent(file, at, &data, &end, error))
            return FALSE;
        if (!data) {
            at = MAX(image_align_down(MIN(end, size), BLOCK), at);
            if (end >= size)
                break;
        }
        end = MIN(size, MAX(end, at + BLOCK));
        for (; at < end; at += BLOCK) {
            if (!image_job_step(job, at, size, error) || !hash_block(sum, file, at, size, buffer, error))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean hash_samples(GChecksum *sum, ImageFile *file, guint64 size, GError **error)
{
    g_autofree guint8 *buffer = g_malloc(BLOCK);
    guint64 blocks = (size + BLOCK - 1) / BLOCK;
    for (guint64 i = 0; i < MIN(HEAD_BLOCKS, blocks); i++) {
        if (!hash_block(sum, file, i * BLOCK, size, buffer, error))
            return FALSE;
    }
    for (guint64 i = 1; i <= SAMPLES && blocks > HEAD_BLOCKS; i++) {
        guint64 number = HEAD_BLOCKS + (blocks - 1 - HEAD_BLOCKS) / SAMPLES * i;
        if (!hash_block(sum, file, (i == SAMPLES ? blocks - 1 : number) * BLOCK, size, buffer, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean hash_file(ImageFile *file, Print *print, const ImageJob *job, GError **error)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gboolean ok = print->whole ? hash_whole(sum, file, print->size, job, error)
                               : hash_samples(sum, file, print->size, error);
    if (ok)
        g_strlcpy(print->hash, g_checksum_get_string(sum), sizeof print->hash);
    return ok;
}

/* ---- Taking ----------------------------------------------------------------------------------------------
 */

static gboolean look(ImageFile *file, Print *print, guint64 *usage, GError **error)
{
    struct stat st;
    if (fstat(file->fd, &st) < 0) {
        image_set_errno(error, errno, _("“%s” cannot be examined"), file->path);
        return FALSE;
    }
    *print = (Print){.written_ns = in_ns(st.st_mtim), .changed_ns = in_ns(st.st_ctim), .inode = st.st_ino};
    *usage = (guint64)st.st_blocks * 512;
    return image_file_size(file, &print->size, error);
}

char *image_fingerprint(const char *path, gboolean whole, const ImageJob *job, GError **error)
{
    ImageFile *file = image_file_open(path, FALSE, IMAGE_LOCK_NONE, error);
    Print print;
    guint64 usage;
    char *text = NULL;
    if (!file)
        return NULL;
    if (look(file, &print, &usage, error)) {
        print.whole = whole || usage <= WHOLE_BYTES;
        if (hash_file(file, &print, job, error))
            text = g_strdup_printf("1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %c %s", print.size,
                                   print.written_ns, print.changed_ns, print.inode, print.whole ? 'w' : 's',
                                   print.hash);
    }
    image_file_close(file);
    return text;
}

static gboolean parse(const char *text, Print *print)
{
    char kind = 0;
    int end = 0;
    *print = (Print){0};
    if (sscanf(text, "1 %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %c %64[0-9a-f]%n", &print->size,
               &print->written_ns, &print->changed_ns, &print->inode, &kind, print->hash, &end) != 6)
        return FALSE;
    print->whole = kind == 'w';
    return (kind == 'w' || kind == 's') && strlen(print->hash) == 64 && text[end] == 0;
}

/* ---- Comparing -------------------------------------------------------------------------------------------
 */

typedef enum Match {
    MATCH_SAME,
    MATCH_SIZE,     /* another length */
    MATCH_WRITTEN,  /* written since, and there is no hash of the whole to show that it is the same again */
    MATCH_CONTENTS, /* other contents */
    MATCH_UNREADABLE,
} Match;

/* @elsewhere: a file of another name, which may be a copy with times of its own. */
static Match match(const char *path, const Print *old, gboolean elsewhere, const ImageJob *job,
                   GError **error)
{
    ImageFile *file = image_file_open(path, FALSE, IMAGE_LOCK_NONE, error);
    Print now;
    guint64 usage;
    Match result = MATCH_UNREADABLE;
    if (!file)
        return result;
    if (!look(file, &now, &usage, error)) {
        /* stays unreadable */
    } else if (now.size != old->size) {
        result = MATCH_SIZE;
    } else if (now.written_ns == old->written_ns && now.changed_ns == old->changed_ns &&
               now.inode == old->inode) {
        result = MATCH_SAME;
    } else if (now.written_ns != old->written_ns && !old->whole && !elsewhere) {
        result = MATCH_WRITTEN;
    } else {
        now.whole = old->whole;
        if (hash_file(file, &now, job, error))
            result = g_str_equal(now.hash, old->hash) ? MATCH_SAME : MATCH_CONTENTS;
    }
    image_file_close(file);
    return result;
}

static char *find_moved(const char *path, const Print *old, const char *const *folders, const ImageJob *job)
{
    g_autofree char *own = g_path_get_dirname(path);
    const char *const own_folder[] = {own, NULL};
    for (guint pass = 0; pass < 2; pass++) {
        const char *const *list = pass == 0 ? own_folder : folders;
        for (guint i = 0; list && list[i]; i++) {
            g_autoptr(GDir) dir = g_dir_open(list[i], 0, NULL);
            const char *name;
            while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *candidate = g_build_filename(list[i], name, NULL);
                struct stat st;
                if (stat(candidate, &st) == 0 && S_ISREG(st.st_mode) && (guint64)st.st_size == old->size &&
                    match(candidate, old, TRUE, job, NULL) == MATCH_SAME)
                    return g_steal_pointer(&candidate);
            }
        }
    }
    return NULL;
}

ImageBaseState image_fingerprint_check(const char *path, const char *fingerprint, const char *const *folders,
                                       char **found, char **sentence, const ImageJob *job)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    ImageBaseState state = IMAGE_BASE_CHANGED;
    Print old;
    if (found)
        *found = NULL;
    if (sentence)
        *sentence = NULL;
    if (!parse(fingerprint, &old)) {
        text =
            g_strdup_printf(_("The fingerprint that was kept of “%s” is damaged, so nobody can tell whether "
                              "the file is still the same. Compare it with a backup."),
                            path);
    } else {
        switch (match(path, &old, FALSE, job, &error)) {
        case MATCH_SAME: return IMAGE_BASE_SAME;
        case MATCH_SIZE:
            text =
                g_strdup_printf(_("“%s” was altered: its length is no longer %" PRIu64 " bytes. What stands "
                                  "on it would show garbage. Bring the old file back from a backup."),
                                path, old.size);
            break;
        case MATCH_WRITTEN:
            text =
                g_strdup_printf(_("“%s” was written to after something was put on it. What stands on it may show "
                                  "garbage. Bring the old file back from a backup, or go on if you know "
                                  "that nothing in it changed."),
                                path);
            break;
        case MATCH_CONTENTS:
            text =
                g_strdup_printf(_("“%s” was altered: its contents are not what they were. What stands on it "
                                  "would show garbage. Bring the old file back from a backup."),
                                path);
            break;
        case MATCH_UNREADABLE: {
            state = IMAGE_BASE_MISSING;
            g_autofree char *place = find_moved(path, &old, folders, job);
            if (place) {
                state = IMAGE_BASE_MOVED;
                text = g_strdup_printf(_("“%s” is not there any more, but the same file stands at “%s”. Say "
                                         "that it was moved there."),
                                       path, place);
                if (found)
                    *found = g_steal_pointer(&place);
            } else {
                text = g_strdup(error->message);
            }
            break;
        }
        }
    }
    if (sentence)
        *sentence = g_steal_pointer(&text);
    return state;
}
