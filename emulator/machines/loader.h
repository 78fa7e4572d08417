/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Program images into guest memory. */
#pragma once

#include "emulator/core/bus.h"

struct loaded_image {
    uint64_t start, end; /* bus addresses of what was loaded, cleared space included */
    uint64_t entry;      /* as the file says */
};

/* Loads the segments of a 32- or 64-bit ELF file for `machine` (EM_*) at virtual address - `bias`. `limit`:
 * the first address that must not be touched. Everything in the file is checked; errors are sentences that
 * name `what`. */
bool loader_elf(struct bus *bus, GBytes *file, unsigned machine, uint64_t bias, uint64_t base, uint64_t limit,
                const char *what, struct loaded_image *loaded, GError **error);
bool loader_is_elf(GBytes *file);
