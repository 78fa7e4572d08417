/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading sizes. */
#include "app/size.h"

#include <string.h>

bool parse_size(const char *text, guint64 unit, guint64 *size)
{
    static const char units[] = "KMGTP";
    char *end;
    double number = g_ascii_strtod(text, &end);

    if (end == text || !(number > 0))
        return false;
    double scale = (double)unit;
    if (*end) {
        const char *found = strchr(units, g_ascii_toupper(*end));
        if (!found)
            return false;
        end++;
        if (strcmp(end, "") != 0 && g_ascii_strcasecmp(end, "iB") != 0 && g_ascii_strcasecmp(end, "B") != 0)
            return false;
        scale = 1024.0;
        for (const char *p = units; p < found; p++)
            scale *= 1024.0;
    }
    if (number * scale >= 9.0e18 || number * scale < 1.0)
        return false;
    *size = (guint64)(number * scale);
    return true;
}
