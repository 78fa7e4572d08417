/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole machine as one file: a tar archive, compressed with zstd, of its folder with everything that it stands on.
 *
 *   manifest.json   first: {"vitrine-bundle": 1, "name", "files": [{"path", "size", "sha256"}],
 *                   "bases": [{"path", "file", "format"}], "moved": [{"path", "file"}]}
 *   machine.ini nvram thumbnail.png disks/… history/… files/…
 *
 * "bases" are originals from outside, which stand in disks/ in the archive; "moved" are a kernel, an initial RAM disk,
 * a firmware, the CD and the diskette in the drives, of the present and of each moment; the latter have a "format". A
 * medium that is not there is left out: the machine starts without it. The functions block; any thread.
 */
#pragma once

#include "images/images.h"

G_BEGIN_DECLS

/* The machine must be off and the caller hold its lock. `path` is replaced when the new file is whole. */
gboolean bundle_file_export(const char *bundle, const char *path, const ImageJob *job, GError **error);

/* Makes a machine of the file in `machines_folder`; `name` NULL: the name it had. The folder's path, or NULL with a
 * sentence and nothing left behind. Every file's hash is checked; nothing is written outside the new folder. The machine
 * and its moments read and write nothing else of this computer: disks, a kernel or an image's base elsewhere are refused;
 * a medium that is not in the file is out of its drive, a serial port that went to a file goes to the window, and folders
 * are shared anew by hand. */
char *bundle_file_import(const char *path, const char *machines_folder, const char *name, const ImageJob *job,
                         GError **error);

G_END_DECLS
