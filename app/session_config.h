/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a machine's description to what the engine is built from. These open images and may wait for the disk:
 * any thread. */
#pragma once

#include "app/machine_ini.h"
#include "emulator/engine.h"

/*
 * The machine in `folder`, its images open. `discard`: writable disks behind throw-away overlays, and no
 * battery-backed memory. `serial` (may be NULL) replaces what the description says of the first port. NULL
 * with a sentence; nothing stays open then.
 */
struct engine_config *session_config_from_bundle(const char *folder, const MachineIni *machine,
                                                 gboolean discard, const struct engine_serial *serial,
                                                 GError **error);

/* Disks that the command line gave as paths, behind throw-away overlays. */
gboolean session_config_discard_writes(struct engine_config *config, GError **error);
