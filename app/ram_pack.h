/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packs: files of memory pages, for ram_store.c. A pack is written once, in frames of pages that are compressed
 * together, and appears whole (new file, fsync, rename). Its pages have numbers that never change, and a 128-bit
 * hash (XXH3) each.
 *
 * While a guest waits for its moment there is little time: frames are written by several threads with a quick level
 * of xz, and when that would take too long, with zstd's quickest. ram_pack_tighten() does it thoroughly later; the
 * pages keep their numbers, so nothing else has to change.
 *
 * Functions block. A pack that is open may be read by several threads.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define RAM_PAGE_SIZE       4096
#define RAM_PACK_MAX_FRAME  1024 /* pages of a frame of any version of the format */
#define RAM_PACK_MAX_BYTES  (RAM_PACK_MAX_FRAME * RAM_PAGE_SIZE)

struct ram_hash {
    guint64 low, high;
};
struct ram_hash ram_hash_page(const guint8 *data);

typedef struct ram_pack {
    char *name;
    guint64 size; /* bytes of the file */
    guint64 frame_count, page_count;
    const struct ram_hash *hashes; /* of each page */
    guint32 *first_page;           /* of each frame, and the number of pages */
    int fd;
    guint8 *index; /* what `frames` and `hashes` point into */
    const struct ram_frame *frames;
} RamPack;

/* The sentence for a file that is not what it should be. Returns FALSE. */
gboolean ram_damaged(GError **error, const char *path);
char *ram_pack_path(const char *folder, const char *name);
GPtrArray *ram_pack_names(const char *folder); /* char *, owned */

/* Removes what writers left behind that were killed. */
void ram_pack_clear_away(const char *folder);

RamPack *ram_pack_open(const char *folder, const char *name, GError **error);
void ram_pack_free(RamPack *pack);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RamPack, ram_pack_free)
/* Decompresses a frame into `to` (RAM_PACK_MAX_BYTES) and checks its pages. */
gboolean ram_pack_read_frame(const RamPack *pack, const char *folder, guint64 index, guint8 *to, GError **error);
/* Its frames can be smaller than they are. */
gboolean ram_pack_is_loose(const RamPack *pack);

/* Writes the frames that were written quickly anew, with all effort and the lowest priority. Stopped
 * by the cancellable (no error), it keeps what it did so far. `done` (may be NULL) is called with 0…1. */
gboolean ram_pack_tighten(const char *folder, const char *name, GCancellable *cancellable,
                          void (*progress)(double fraction, gpointer data), gpointer data, GError **error);

struct ram_pack_writer;
struct ram_pack_writer *ram_pack_writer_new(const char *folder, GError **error);
const char *ram_pack_writer_name(const struct ram_pack_writer *writer);
/* Numbers are given in order, from 0. */
gboolean ram_pack_writer_page(struct ram_pack_writer *writer, const guint8 *data, struct ram_hash hash,
                              guint32 *number, GError **error);
/* The pack is on the disk afterwards; without any page there is no file. */
gboolean ram_pack_writer_finish(struct ram_pack_writer *writer, GError **error);
void ram_pack_writer_free(struct ram_pack_writer *writer); /* unfinished: nothing is left behind */

G_END_DECLS
