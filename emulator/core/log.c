/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Topics of the log and where they are written. */
#include "emulator/core/log.h"

#include <errno.h>
#include <string.h>

#include "emulator/core/device.h"
#include "emulator/core/i18n.h"

/* What stands behind `topic` in an entry "topic" (an empty string) or "topic=FILE"; NULL when it is another's. */
static const char *file_of(const char *entry, const char *topic)
{
    size_t length = strlen(topic);

    if (strncmp(entry, topic, length) != 0 || (entry[length] && entry[length] != '='))
        return NULL;
    return entry[length] ? entry + length + 1 : "";
}

bool log_check(const char *list, const char *const *known, GError **error)
{
    g_auto(GStrv) entries = g_strsplit(list ? list : "", ",", -1);

    for (char **entry = entries; *entry; entry++) {
        bool good = false;
        for (const char *const *topic = known; *topic; topic++) {
            const char *file = file_of(*entry, *topic);
            good |= file && (*file || !strchr(*entry, '='));
        }
        if (!good) {
            g_autofree char *names = g_strjoinv(", ", (char **)(uintptr_t)known);
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_PROPERTY,
                        _("“%s” cannot be logged: there are %s, each alone or with “=” and a file."), *entry, names);
            return false;
        }
    }
    return true;
}

bool log_open(const char *list, const char *topic, FILE **log, GError **error)
{
    g_auto(GStrv) entries = g_strsplit(list ? list : "", ",", -1);

    *log = NULL;
    for (char **entry = entries; *entry; entry++) {
        const char *file = file_of(*entry, topic);
        if (!file)
            continue;
        *log = *file ? fopen(file, "we") : stderr;
        if (!*log)
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_HOST, _("The log “%s” cannot be written: %s."), file,
                        g_strerror(errno));
        return *log != NULL;
    }
    return true;
}

void log_close(FILE *log)
{
    if (log && log != stderr)
        fclose(log);
}
