/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file is that somebody gives to a machine: looked into, and asked libosinfo about. */
#pragma once

#include "app/profiles.h"

#include <gio/gio.h>

typedef struct Medium {
    char *path;
    gboolean disc;              /* an ISO 9660 image, or named like one */
    gboolean kernel;            /* an ELF file, which is started directly; neither: a disk image or something plain */
    const char *format;         /* of a disk image (see images/images.h) */
    char *volume;               /* name of a disc; NULL */
    char *system;               /* "Debian 6 (Squeeze)", as libosinfo calls it; NULL = it does not know */
    char *system_id;            /* its short name: "debian6" */
    char *architecture;         /* "sparc", "x86_64"; NULL */
    const struct profile *profile; /* that it belongs to; NULL */
} Medium;

void medium_free(Medium *medium);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Medium, medium_free)

/* Any thread; takes a second where libosinfo's database must be read first. NULL with a sentence when it is no file that
 * can be used. */
Medium *medium_recognise(const struct profiles *profiles, const char *path, GCancellable *cancellable, GError **error);

/* The same on a worker thread; `profiles` must live on. */
void medium_recognise_async(const struct profiles *profiles, const char *path, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
Medium *medium_recognise_finish(GAsyncResult *result, GError **error);
