/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qcow2: internal snapshots ("Snapshots"), which other programs make: their table, read with suspicion,
 * because their clusters must not be touched, and a look at the disk as one of them has it.
 */
#include <string.h>

#include "images/qcow2/qcow2.h"

/* The fixed part of an entry, and its extra data */
enum {
    SNAPSHOT_L1_OFFSET = 0,
    SNAPSHOT_L1_SIZE = 8,
    SNAPSHOT_ID_LENGTH = 12,
    SNAPSHOT_NAME_LENGTH = 14,
    SNAPSHOT_SECONDS = 16,
    SNAPSHOT_NANOSECONDS = 20,
    SNAPSHOT_CLOCK = 24,
    SNAPSHOT_STATE_SIZE = 32,
    SNAPSHOT_EXTRA_LENGTH = 36,
    SNAPSHOT_BYTES = 40,
    EXTRA_STATE_SIZE = 0,
    EXTRA_DISK_SIZE = 8,
    EXTRA_MAX = 1024,
};

static void snapshot_clear(gpointer data)
{
    Qcow2Snapshot *snapshot = data;
    g_free(snapshot->id);
    g_free(snapshot->name);
}

static gboolean bad(Qcow2 *q, GError **error, const char *what)
{
    g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_CORRUPT,
                _("The header of “%s” is damaged: %s. Take the file from a backup."), q->file->path, what);
    return FALSE;
}

static char *read_text(Qcow2 *q, guint64 at, guint length, GError **error)
{
    g_autofree char *text = g_malloc0(length + 1u);
    return image_file_read(q->file, at, text, length, error) ? g_steal_pointer(&text) : NULL;
}

static gboolean read_entry(Qcow2 *q, guint64 *at, guint64 file_size, GError **error)
{
    guint8 fixed[SNAPSHOT_BYTES], extra[16] = {0};
    if (*at + sizeof fixed > file_size)
        return bad(q, error, _("the table of internal snapshots ends too early"));
    if (!image_file_read(q->file, *at, fixed, sizeof fixed, error))
        return FALSE;
    guint id_length = image_get_be16(fixed + SNAPSHOT_ID_LENGTH);
    guint name_length = image_get_be16(fixed + SNAPSHOT_NAME_LENGTH);
    guint64 extra_length = image_get_be32(fixed + SNAPSHOT_EXTRA_LENGTH);
    Qcow2Snapshot s = {
        .l1_offset = image_get_be64(fixed + SNAPSHOT_L1_OFFSET),
        .l1_size = image_get_be32(fixed + SNAPSHOT_L1_SIZE),
        .date_ns = (gint64)image_get_be32(fixed + SNAPSHOT_SECONDS) * G_GINT64_CONSTANT(1000000000) +
                   image_get_be32(fixed + SNAPSHOT_NANOSECONDS) % 1000000000u,
        .clock_ns = image_get_be64(fixed + SNAPSHOT_CLOCK),
        .state_size = image_get_be32(fixed + SNAPSHOT_STATE_SIZE),
        .size = q->header.size,
    };
    if (extra_length > EXTRA_MAX || s.l1_size > QCOW2_MAX_L1_BYTES / 8 || s.l1_offset % q->cluster_size ||
        s.l1_offset >= QCOW2_MAX_OFFSET)
        return bad(q, error, _("an internal snapshot has impossible tables"));
    *at += sizeof fixed;
    if (!image_file_read(q->file, *at, extra, MIN(extra_length, sizeof extra), error))
        return FALSE;
    if (extra_length >= EXTRA_STATE_SIZE + 8)
        s.state_size = image_get_be64(extra + EXTRA_STATE_SIZE);
    if (extra_length >= EXTRA_DISK_SIZE + 8)
        s.size = image_get_be64(extra + EXTRA_DISK_SIZE);
    *at += extra_length;
    s.id = read_text(q, *at, id_length, error);
    s.name = s.id ? read_text(q, *at + id_length, name_length, error) : NULL;
    if (!s.name) {
        g_free(s.id);
        return FALSE;
    }
    g_array_append_val(q->snapshots, s);
    *at = image_align_up(*at + id_length + name_length, 8);
    return TRUE;
}

gboolean qcow2_snapshots_read(Qcow2 *q, GError **error)
{
    const Qcow2Header *h = &q->header;
    guint64 file_size, at = h->snapshots_offset;
    g_clear_pointer(&q->snapshots, g_array_unref);
    q->snapshots = g_array_new(FALSE, TRUE, sizeof(Qcow2Snapshot));
    g_array_set_clear_func(q->snapshots, snapshot_clear);
    if (h->snapshot_count == 0)
        return TRUE;
    if (h->snapshot_count > QCOW2_MAX_SNAPSHOTS || at % q->cluster_size || at == 0 || at >= QCOW2_MAX_OFFSET)
        return bad(q, error, _("the table of internal snapshots cannot be where it says"));
    if (!image_file_size(q->file, &file_size, error))
        return FALSE;
    for (guint32 i = 0; i < h->snapshot_count; i++) {
        if (!read_entry(q, &at, file_size, error))
            return FALSE;
    }
    q->snapshots_bytes = at - h->snapshots_offset;
    return TRUE;
}

GPtrArray *qcow2_list_snapshots(Image *image)
{
    const Qcow2 *q = image->state;
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)image_snapshot_free);
    for (guint i = 0; i < q->snapshots->len; i++) {
        const Qcow2Snapshot *s = &g_array_index(q->snapshots, Qcow2Snapshot, i);
        ImageSnapshot *out = g_new0(ImageSnapshot, 1);
        out->id = g_utf8_make_valid(s->id, -1);
        out->name = g_utf8_make_valid(s->name, -1);
        out->date_ns = s->date_ns;
        out->clock_ns = s->clock_ns;
        out->state_size = s->state_size;
        out->size = s->size;
        g_ptr_array_add(list, out);
    }
    return list;
}

static const Qcow2Snapshot *find(const Qcow2 *q, const char *which)
{
    for (guint pass = 0; pass < 2; pass++) { /* an identifier before a name */
        for (guint i = 0; i < q->snapshots->len; i++) {
            const Qcow2Snapshot *s = &g_array_index(q->snapshots, Qcow2Snapshot, i);
            if (g_str_equal(pass == 0 ? s->id : s->name, which))
                return s;
        }
    }
    return NULL;
}

gboolean qcow2_show_snapshot(Image *image, const char *which, GError **error)
{
    Qcow2 *q = image->state;
    const Qcow2Snapshot *s = find(q, which);
    guint64 file_size, bytes = s ? (guint64)s->l1_size * 8 : 0;
    if (!s) {
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_INVALID,
                    _("“%s” has no internal snapshot “%s”. “vitrine image snapshots” lists them."),
                    image->path, which);
        return FALSE;
    }
    if (!image_file_size(q->file, &file_size, error))
        return FALSE;
    if (s->size > IMAGE_MAX_SIZE ||
        (bytes && (s->l1_offset == 0 || s->l1_offset > file_size || bytes > file_size - s->l1_offset)))
        return bad(q, error, _("an internal snapshot has impossible tables"));
    g_autofree guint64 *l1 = g_malloc(MAX(bytes, 8));
    if (!image_file_read(q->file, s->l1_offset, l1, bytes, error))
        return FALSE;
    for (guint32 i = 0; i < s->l1_size; i++)
        l1[i] = GUINT64_FROM_BE(l1[i]);
    g_free(q->l1);
    q->l1 = g_steal_pointer(&l1);
    q->l1_size = s->l1_size;
    image->size = image_align_up(s->size, IMAGE_SECTOR);
    return TRUE;
}
