/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CD images of whole sectors (.bin, 2352 bytes each), alone or with their cue sheet, read only: the first
 * data track, as the sectors of 2048 bytes that a drive would deliver. Sources: ECMA-130, section 14
 * (sectors, sync pattern, header, modes); the cue sheet as in the manual of CDRWIN. An ordinary ISO image is
 * a raw disk.
 */
#include <stdio.h>
#include <string.h>

#include "images/internal.h"

#define SHEET_BYTES 65536u
#define RAW_SECTOR  2352u
#define USER_BYTES  2048u
#define BATCH       32u

typedef struct Cd {
    ImageFile *data; /* the .bin */
    gboolean own;    /* it is not the image's own file */
    guint64 start;   /* of the track in it */
    guint32 sector;  /* its length there */
    guint32 lead;    /* bytes before the user's */
} Cd;

static const guint8 sync_pattern[12] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};

static gboolean bin_probe(const ImageEnds *ends)
{
    return memcmp(ends->head, sync_pattern, sizeof sync_pattern) == 0 && ends->head[15] - 1u < 2;
}

static gboolean cue_probe(const ImageEnds *ends)
{
    g_autofree char *text = g_strndup((const char *)ends->head, sizeof ends->head);
    for (gsize i = strlen(text); i < sizeof ends->head; i++) {
        if (ends->head[i])
            return FALSE; /* no text */
    }
    const char *file = strstr(text, "FILE \"");
    return file && (file == text || file[-1] == '\n') && strstr(file, "BINARY") && strstr(file, "TRACK ");
}

static gboolean cd_close(Image *image, GError **error)
{
    Cd *cd = image->state;
    if (cd->own)
        image_file_close(cd->data);
    g_clear_pointer(&image->state, g_free);
    return TRUE;
}

/* The mode of raw sectors stands in their header. */
static gboolean look_at_sector(Image *image, Cd *cd, GError **error)
{
    guint8 head[16];
    if (cd->sector == USER_BYTES)
        return TRUE;
    if (!image_file_read(cd->data, cd->start, head, sizeof head, error))
        return FALSE;
    if (memcmp(head, sync_pattern, sizeof sync_pattern) || head[15] - 1u >= 2) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
                    _("“%s” holds no data sectors where the track should begin. Audio CDs are no disks."),
                    cd->data->path);
        return FALSE;
    }
    cd->lead = head[15] == 1 ? 16 : 24; /* mode 2: with the subheader of form 1 */
    return TRUE;
}

static gboolean take_size(Image *image, Cd *cd, guint64 end, GError **error)
{
    guint64 size;
    if (!image_file_size(cd->data, &size, error))
        return FALSE;
    size = MIN(size, end);
    image->size = size > cd->start ? (size - cd->start) / cd->sector * USER_BYTES : 0;
    return look_at_sector(image, cd, error);
}

static gboolean bin_open(Image *image, GError **error)
{
    Cd *cd = g_new0(Cd, 1);
    image->state = cd;
    *cd = (Cd){.data = image->file, .sector = RAW_SECTOR, .lead = 16};
    return take_size(image, cd, G_MAXUINT64, error);
}

/* ---- The sheet -------------------------------------------------------------------------------------------
 */

typedef struct Sheet {
    char *file; /* of the track */
    gboolean binary;
    guint32 sector; /* of the first data track, 0: none yet */
    guint32 other;  /* of the track that was named last */
    guint64 at;     /* where the file's sectors that were passed end, bytes */
    guint64 frame;  /* where they end, in frames */
    guint64 start, end;
    gboolean indexed; /* the data track has its start */
} Sheet;

static const struct {
    const char *name;
    guint32 sector;
    gboolean data;
} modes[] = {
    {"MODE1/2352", 2352, TRUE}, {"MODE2/2352", 2352, TRUE}, {"MODE1/2048", 2048, TRUE},
    {"CDI/2352", 2352, TRUE},   {"AUDIO", 2352, FALSE},     {"MODE2/2336", 2336, FALSE},
};

/* INDEX 01 mm:ss:ff; offsets in the file count from its start, in sectors of the tracks before */
static void take_index(Sheet *s, guint number, guint64 frame)
{
    if (number != 1 || frame < s->frame)
        return;
    s->at += (frame - s->frame) * s->other;
    s->frame = frame;
}

static gboolean take_line(Sheet *s, char *line)
{
    char mode[16];
    guint number, m, sec, f;
    g_strstrip(line);
    if (g_str_has_prefix(line, "FILE ")) {
        if (s->indexed)
            return FALSE; /* the data track ends with its file */
        char *open = strchr(line, '"'), *close = open ? strchr(open + 1, '"') : NULL;
        if (!close)
            return TRUE;
        g_free(s->file);
        s->file = g_strndup(open + 1, (gsize)(close - open - 1));
        s->binary = strstr(close, "BINARY") != NULL;
        s->at = s->frame = 0;
        s->other = 0;
    } else if (sscanf(line, "TRACK %u %15s", &number, mode) == 2) {
        guint32 before = s->other;
        s->other = 0;
        for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
            if (g_str_equal(modes[i].name, mode)) {
                s->other = modes[i].sector;
                if (modes[i].data && !s->sector)
                    s->sector = modes[i].sector;
            }
        }
        if (s->indexed && before)
            s->other = before; /* the next INDEX ends the data track, counted in its sectors */
    } else if (sscanf(line, "INDEX %u %u:%u:%u", &number, &m, &sec, &f) == 4 && m < 1000 && sec < 60 &&
               f < 75) {
        guint64 frame = (m * 60u + sec) * 75u + f;
        if (s->indexed) {
            s->end = s->start + (frame - MIN(frame, s->frame)) * s->sector;
            return FALSE;
        }
        take_index(s, number, frame);
        if (number == 1 && s->sector) {
            s->start = s->at;
            s->indexed = TRUE;
        }
    }
    return TRUE;
}

static gboolean cue_open(Image *image, GError **error)
{
    Sheet s = {.end = G_MAXUINT64};
    Cd *cd = g_new0(Cd, 1);
    image->state = cd;
    g_autofree char *text = g_malloc0(SHEET_BYTES + 1);
    guint64 length;
    if (!image_file_size(image->file, &length, error) ||
        !image_file_read(image->file, 0, text, MIN(length, SHEET_BYTES), error))
        return FALSE;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] && take_line(&s, lines[i]); i++)
        ;
    g_autofree char *name = s.file;
    if (!s.indexed || !name || !s.binary) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” describes no data track in a binary file. Audio CDs are no disks."), image->path);
        return FALSE;
    }
    if (!*name || strchr(name, '/') || strchr(name, '\\') || g_str_equal(name, "..")) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
            _("“%s” names a file in another folder; only files in its own folder are opened. Put the file "
              "there and write its bare name into the sheet."),
            image->path);
        return FALSE;
    }
    g_autofree char *folder = g_path_get_dirname(image->path);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    cd->data = image_file_open(path, FALSE,
                               image->flags & IMAGE_OPEN_SHARE ? IMAGE_LOCK_NONE : IMAGE_LOCK_READ, error);
    if (!cd->data) {
        g_prefix_error(error, _("A part of “%s” is missing or unreadable. "), image->path);
        return FALSE;
    }
    cd->own = TRUE;
    cd->start = s.start;
    cd->sector = s.sector;
    return take_size(image, cd, s.end, error);
}

/* ---- Reading ---------------------------------------------------------------------------------------------
 */

static gboolean cd_pread(Image *image, guint64 offset, void *buffer, gsize length, GError **error)
{
    const Cd *cd = image->state;
    guint8 *at = buffer;
    if (cd->sector == USER_BYTES)
        return image_file_read(cd->data, cd->start + offset, buffer, length, error);
    g_autofree guint8 *raw = g_malloc((gsize)BATCH * cd->sector);
    while (length > 0) {
        guint64 sector = offset / USER_BYTES;
        gsize inside = offset % USER_BYTES;
        gsize count = MIN(BATCH, (inside + length + USER_BYTES - 1) / USER_BYTES);
        if (!image_file_read(cd->data, cd->start + sector * cd->sector, raw, count * cd->sector, error))
            return FALSE;
        for (gsize i = 0; i < count; i++) {
            gsize n = MIN(USER_BYTES - inside, length);
            memcpy(at, raw + i * cd->sector + cd->lead + inside, n);
            at += n;
            offset += n;
            length -= n;
            inside = 0;
        }
    }
    return TRUE;
}

static gboolean cd_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                          GError **error)
{
    status->block = IMAGE_BLOCK_DATA;
    status->length = length;
    return TRUE;
}

const ImageFormat image_format_cue = {
    .name = "cue",
    .probe = cue_probe,
    .open = cue_open,
    .close = cd_close,
    .pread = cd_pread,
    .status = cd_status,
};

const ImageFormat image_format_bin = {
    .name = "bin",
    .probe = bin_probe,
    .open = bin_open,
    .close = cd_close,
    .pread = cd_pread,
    .status = cd_status,
};
