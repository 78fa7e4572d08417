/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A kernel given to the emulator, started by the firmware of a sun4m board: put into memory with its ramdisk and command
 * line now and after each reset, and named in fw_cfg. Sources: Linux arch/sparc/kernel/head_32.S ("HdrS"); for the keys,
 * OpenBIOS's documentation and observed behaviour.
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/hw/misc/fw_cfg.h"
#include "emulator/machines/board.h"

/* Without a kernel in the configuration the keys say so. False with a sentence when it cannot be read or does not fit. */
bool sun4m_load_kernel(struct bus *bus, struct ram_block *ram, const struct engine_config *config,
                       struct machine *machine, struct fw_cfg *cfg, GError **error);
