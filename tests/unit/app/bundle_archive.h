/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Archives of machines (app/bundle_file.h) as lists of their members, for tests that send what an honest export would not:
 * read one, change what you like, write it again.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

struct archive_member {
    char *path;
    char *data;
    gsize size;
    mode_t type; /* AE_IFREG, ... */
    char *link;  /* target of a symbolic or hard link */
};

/* The members of an archive but for its manifest; of struct archive_member, owned by the array. */
GPtrArray *members_read(const char *path);
GPtrArray *members_copy(const GPtrArray *members);
/* A member with a copy of `data` (NULL: zeros); it belongs to the array. */
struct archive_member *members_add(GPtrArray *members, const char *path, const char *data, gsize size, mode_t type);
/* What a manifest says of these members, with right hashes. `more`: text behind the list of files; `size`: that every
 * member is said to have, -1 = its own. g_free(). */
char *members_manifest(const GPtrArray *members, const char *more, gint64 size);
/* Writes the archive; `manifest` NULL: without one. `packed`: with zstd, as an export is; else as a plain tar. */
void members_write(const char *path, const GPtrArray *members, const char *manifest, gboolean packed);
