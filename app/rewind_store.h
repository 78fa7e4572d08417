/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What rewind keeps in memory: per moment the pages that were written since the moment before (all of them for the
 * first), and per interval what the disks held before they were written in it. Everything compressed. Any thread,
 * one at a time per object; the journal may be written to by several.
 */
#pragma once

#include "emulator/engine.h"
#include "images/images.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* ---- memory ---- */

struct rewind_pages; /* page → contents; pages of zeros are kept too, as nothing */
struct rewind_pages *rewind_pages_new(void);
void rewind_pages_free(struct rewind_pages *pages);
guint64 rewind_pages_bytes(const struct rewind_pages *pages);
/* All that the moment gives out; a page that is the same as before is left out. */
gboolean rewind_pages_read(struct rewind_pages *pages, struct engine_moment *moment, GCancellable *cancellable);
/* `later` gets what `earlier` has and it has not; `earlier` is freed. */
void rewind_pages_merge(struct rewind_pages *later, struct rewind_pages *earlier);
/* Fills in a block (zeroed) as it was at the last of the `count` moments, which are in order of time. */
gboolean rewind_pages_load(struct rewind_pages *const *pages, guint count, const char *block, guint8 *to, guint64 size,
                           GError **error);

/* ---- disks ---- */

struct rewind_journal; /* of one interval */
struct rewind_journal *rewind_journal_new(void);
void rewind_journal_free(struct rewind_journal *journal);
guint64 rewind_journal_bytes(struct rewind_journal *journal);
/* Before the range is written; keeps what it holds unless it is kept already. A read error is remembered: the
 * journal cannot be gone back over then. */
void rewind_journal_note(struct rewind_journal *journal, unsigned disk, Image *image, guint64 offset, guint64 size);
/* Exchanges what is kept with what the disks hold: back over the interval, and, the next time, forth again. */
gboolean rewind_journal_swap(struct rewind_journal *journal, struct engine *engine, GError **error);
/* Two intervals that follow each other as one: `earlier` gets what `later` has beside it; `later` is freed. */
void rewind_journal_join(struct rewind_journal *earlier, struct rewind_journal *later);

G_END_DECLS
