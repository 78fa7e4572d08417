/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands in a folder, for tests that nothing was left there. */
#pragma once

#include <glib.h>

static inline guint count_entries(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint count = 0;

    while (dir && g_dir_read_name(dir))
        count++;
    return count;
}
