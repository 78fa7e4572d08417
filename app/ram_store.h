/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory of a machine's moments, each page stored once: a folder of packs (NAME.pack, see ram_pack.h) and, per
 * moment, a table (a file anywhere) that says for each page of each block of memory where it stands, or that it is
 * zero.
 *
 * A pack appears whole (new file, fsync, rename); a table is written after the pack that it names. Pages are
 * found again by their 128-bit hash (XXH3), which also shows damage when they are read. Functions block; any
 * thread, one at a time per store folder.
 */
#pragma once

#include "app/ram_pack.h"
#include "images/images.h"

G_BEGIN_DECLS

#define RAM_STORE_PAGE RAM_PAGE_SIZE

/* ---- tables ---- */

struct ram_page_ref {
    guint32 pack; /* 0 = a page of zeros, else 1 + index into the table's packs */
    guint32 page; /* in the pack */
};
struct ram_table_block {
    char *id;
    guint64 pages;
    struct ram_page_ref *refs;
};
typedef struct ram_table {
    GPtrArray *packs;  /* char *: names */
    GPtrArray *blocks; /* struct ram_table_block * */
} RamTable;
struct ram_table *ram_table_read(const char *path, GError **error);
gboolean ram_table_write(const struct ram_table *table, const char *path, GError **error);
void ram_table_free(struct ram_table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RamTable, ram_table_free)
const struct ram_table_block *ram_table_find(const struct ram_table *table, const char *id);

/* ---- writing ---- */

struct ram_writer;
/* `folder` holds the packs (made when missing). `base` (may be NULL, must outlive the writer) is the table whose
 * pages a caller means by "same". */
struct ram_writer *ram_writer_new(const char *folder, const struct ram_table *base, GError **error);
/* Blocks one after the other; then their pages in order: where same[i] is not 0, the base's page. */
gboolean ram_writer_block(struct ram_writer *writer, const char *id, guint64 pages, GError **error);
gboolean ram_writer_pages(struct ram_writer *writer, guint64 count, const guint8 *same, const guint8 *data,
                          GError **error);
/* The pack is on the disk afterwards, and the table at `table_path`. */
gboolean ram_writer_finish(struct ram_writer *writer, const char *table_path, GError **error);
void ram_writer_free(struct ram_writer *writer); /* unfinished: nothing is left behind */

/* ---- reading ---- */

/* Fills `to` (zeroed; the block's whole size) and checks every page's hash. */
gboolean ram_table_load(const struct ram_table *table, const char *folder, const char *block, guint8 *to,
                        guint64 size, GError **error);
/* All packs are there and whole enough to be opened; `deep`: all pages are read and checked. */
gboolean ram_table_check(const struct ram_table *table, const char *folder, gboolean deep,
                         GCancellable *cancellable, GError **error);
/* Pages in which the two differ, of the pages of the larger one. */
void ram_table_compare(const struct ram_table *a, const struct ram_table *b, guint64 *differing, guint64 *pages);

/* ---- keeping order ---- */

/* What each of `tables` (struct ram_table *, NULL entries allowed) has for itself and shares, in bytes of the
 * packs. */
void ram_store_usage(const char *folder, const GPtrArray *tables, guint64 *own, guint64 *shared);
/* Removes packs that no table of `table_paths` (char *) names, and rewrites those of which less than half is still
 * named, together with the tables. Does nothing but fail when one of the tables cannot be read. */
gboolean ram_store_collect(const char *folder, const GPtrArray *table_paths, GCancellable *cancellable,
                           GError **error);
/* Makes packs smaller that were written while a guest waited. Others may use the store meanwhile; a job that is
 * cancelled goes on later where it was. */
gboolean ram_store_tighten(const char *folder, const ImageJob *job, GError **error);

G_END_DECLS
