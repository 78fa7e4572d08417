/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last minutes of a running machine, kept in memory: a GListModel of VitrineRewindMoments, oldest first.
 * A moment is taken every two seconds while the machine runs and something changed; only memory pages that
 * were written since the moment before are kept, compressed, and older moments are thinned out (every 2 s for
 * the last half minute, then 5 s, 15 s, 60 s) until all fit into the bound. Disks go along: what was written
 * after a moment is gone when one continues from it; so does the diskette. With another medium it begins anew.
 *
 * It belongs to one session (vitrine_session_get_rewind()). Off until it is enabled; then it costs a guest
 * that writes all over its memory a few per cent. Signals, beside GListModel's: "changed" (bytes, enabled,
 * position). Main thread only.
 */
#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <gio/gio.h>

G_BEGIN_DECLS

#define VITRINE_TYPE_REWIND_MOMENT (vitrine_rewind_moment_get_type())
G_DECLARE_FINAL_TYPE(VitrineRewindMoment, vitrine_rewind_moment, VITRINE, REWIND_MOMENT, GObject)
#define VITRINE_TYPE_REWIND (vitrine_rewind_get_type())
G_DECLARE_FINAL_TYPE(VitrineRewind, vitrine_rewind, VITRINE, REWIND, GObject)

/* Virtual time of the machine, ns: what one sees on its clock. */
gint64 vitrine_rewind_moment_get_virtual_ns(VitrineRewindMoment *self);
/* Host time, seconds since 1970. */
gint64 vitrine_rewind_moment_get_time(VitrineRewindMoment *self);
/* At most 320 wide; NULL when the machine shows nothing. Owned by the moment. */
GdkPixbuf *vitrine_rewind_moment_get_thumbnail(VitrineRewindMoment *self);
guint64 vitrine_rewind_moment_get_bytes(VitrineRewindMoment *self); /* that it takes in memory */

gboolean vitrine_rewind_get_enabled(VitrineRewind *self);
/* Bound in MiB for all moments (0: 512). Switching it off drops the moments. */
void vitrine_rewind_set_enabled(VitrineRewind *self, gboolean enabled, guint max_mib);
guint64 vitrine_rewind_get_bytes(VitrineRewind *self);

/* Puts the machine back to that moment; it is paused there, resume it to go on. The moments after it stay in
 * the list until it runs again, so that one can scrub to and fro. Asked for faster than it can go there, it goes to the
 * moment that was asked for last; those between fail with G_IO_ERROR_CANCELLED. */
void vitrine_rewind_go_async(VitrineRewind *self, VitrineRewindMoment *moment, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean vitrine_rewind_go_finish(VitrineRewind *self, GAsyncResult *result, GError **error);
/* The moment that the machine stands at after vitrine_rewind_go_async(), else NULL. Not a ref. */
VitrineRewindMoment *vitrine_rewind_get_position(VitrineRewind *self);

G_END_DECLS
