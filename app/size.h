/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes as people write them. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* "128", "64M", "2G", "1.5GiB" in bytes, K = 1024 (a bare number counts `unit` bytes); false if it is no
 * size. */
bool parse_size(const char *text, guint64 unit, guint64 *size);
