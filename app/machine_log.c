/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text file that is added to. */
#include "app/machine_log.h"

#include "app/bundle.h"

#include <string.h>
#include <stdio.h>

static char *log_path(const char *folder)
{
    return g_build_filename(folder, "log", NULL);
}

char *machine_log_read(const char *folder)
{
    g_autofree char *path = log_path(folder);
    char *text = NULL;
    gsize size;

    if (!g_file_get_contents(path, &text, &size, NULL))
        return g_strdup("");
    char *valid = g_utf8_make_valid(text, (gssize)size);
    g_free(text);
    return valid;
}

/* Keeps the younger half, from the beginning of a line. */
static void shorten(const char *folder, const char *path)
{
    g_autofree char *text = machine_log_read(folder);
    gsize size = strlen(text);

    if (size <= MACHINE_LOG_MAX)
        return;
    const char *from = strchr(text + size - MACHINE_LOG_MAX / 2, '\n');
    if (from)
        vitrine_write_file(path, from + 1, strlen(from + 1), NULL);
}

void machine_log(const char *folder, const char *format, ...)
{
    g_autofree char *path = log_path(folder);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_strdelimit(text, "\n", ' ');
    FILE *file = fopen(path, "ae");
    if (!file)
        return;
    fprintf(file, "%s  %s\n", time, text);
    long size = ftell(file);
    fclose(file);
    if (size > MACHINE_LOG_MAX)
        shorten(folder, path);
}
