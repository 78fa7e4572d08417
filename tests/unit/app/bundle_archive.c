/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/app/bundle_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

static void member_free(gpointer data)
{
    struct archive_member *m = data;

    g_free(m->path);
    g_free(m->data);
    g_free(m->link);
    g_free(m);
}

struct archive_member *members_add(GPtrArray *members, const char *path, const char *data, gsize size, mode_t type)
{
    struct archive_member *m = g_new0(struct archive_member, 1);

    *m = (struct archive_member){g_strdup(path), data ? g_memdup2(data, MAX(size, 1)) : g_malloc0(size + 1),
                                 size, type, NULL};
    g_ptr_array_add(members, m);
    return m;
}

GPtrArray *members_read(const char *path)
{
    GPtrArray *members = g_ptr_array_new_with_free_func(member_free);
    struct archive *a = archive_read_new();
    struct archive_entry *entry;

    archive_read_support_filter_zstd(a);
    archive_read_support_format_tar(a);
    g_assert_cmpint(archive_read_open_filename(a, path, 65536), ==, ARCHIVE_OK);
    while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
        gsize size = (gsize)archive_entry_size(entry);
        g_autofree char *data = g_malloc(size + 1);
        g_assert_cmpint(archive_read_data(a, data, size), ==, (la_ssize_t)size);
        if (strcmp(archive_entry_pathname(entry), "manifest.json") != 0)
            members_add(members, archive_entry_pathname(entry), data, size, AE_IFREG);
    }
    archive_read_free(a);
    return members;
}

GPtrArray *members_copy(const GPtrArray *members)
{
    GPtrArray *copy = g_ptr_array_new_with_free_func(member_free);

    for (guint i = 0; i < members->len; i++) {
        const struct archive_member *m = members->pdata[i];
        members_add(copy, m->path, m->data, m->size, m->type)->link = g_strdup(m->link);
    }
    return copy;
}

char *members_manifest(const GPtrArray *members, const char *more, gint64 size)
{
    GString *json = g_string_new("{\"vitrine-bundle\": 1, \"name\": \"Gift\", \"files\": [");

    for (guint i = 0; i < members->len; i++) {
        const struct archive_member *m = members->pdata[i];
        g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guint8 *)m->data, m->size);
        g_string_append_printf(json, "%s{\"path\": \"%s\", \"size\": %" G_GINT64_FORMAT ", \"sha256\": \"%s\"}",
                               i ? ", " : "", m->path, size >= 0 ? size : (gint64)m->size, sum);
    }
    g_string_append_printf(json, "]%s}", more);
    return g_string_free(json, FALSE);
}

static void put(struct archive *a, const struct archive_member *m)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, m->path);
    archive_entry_set_filetype(entry, m->type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, m->type == AE_IFREG && !m->link ? (la_int64_t)m->size : 0);
    if (m->link && m->type == AE_IFLNK)
        archive_entry_set_symlink(entry, m->link);
    else if (m->link)
        archive_entry_set_hardlink(entry, m->link);
    g_assert_cmpint(archive_write_header(a, entry), ==, ARCHIVE_OK);
    if (m->type == AE_IFREG && !m->link)
        archive_write_data(a, m->data, m->size);
    archive_entry_free(entry);
}

void members_write(const char *path, const GPtrArray *members, const char *manifest, gboolean packed)
{
    struct archive *a = archive_write_new();
    struct archive_member first = {(char *)"manifest.json", (char *)manifest, manifest ? strlen(manifest) : 0,
                                   AE_IFREG, NULL};

    archive_write_set_format_pax_restricted(a);
    if (packed)
        archive_write_add_filter_zstd(a);
    g_assert_cmpint(archive_write_open_filename(a, path), ==, ARCHIVE_OK);
    if (manifest)
        put(a, &first);
    for (guint i = 0; i < members->len; i++)
        put(a, members->pdata[i]);
    g_assert_cmpint(archive_write_close(a), ==, ARCHIVE_OK);
    archive_write_free(a);
}
