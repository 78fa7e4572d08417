/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/cpu/random.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void random_arguments(int argc, char **argv, guint32 *seed, unsigned *streams, unsigned many)
{
    for (int k = 1; k < argc; k++) {
        if (!strcmp(argv[k], "--long"))
            *streams = many;
        else if (!strcmp(argv[k], "--seed") && k + 1 < argc)
            *seed = (guint32)strtoul(argv[++k], NULL, 0);
        else if (!strcmp(argv[k], "--streams") && k + 1 < argc)
            *streams = (unsigned)strtoul(argv[++k], NULL, 0);
    }
}

char *oracle_find(const char *variable, const char *name)
{
    const char *given = g_getenv(variable);
    return given ? g_strdup(given) : g_find_program_in_path(name);
}

guint8 *oracle_run(const char *const *command, const GByteArray *file, gsize size)
{
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    int fd = g_file_open_tmp("random-XXXXXX", &path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(write(fd, file->data, file->len), ==, (gssize)file->len);
    fchmod(fd, 0755);
    close(fd);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    for (; *command; command++)
        g_ptr_array_add(words, (char *)*command);
    g_ptr_array_add(words, path);
    g_ptr_array_add(words, NULL);
    g_autoptr(GSubprocess) process =
        g_subprocess_newv((const char *const *)words->pdata,
                          G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);
    g_assert_no_error(error);
    g_autoptr(GBytes) out = NULL;
    g_subprocess_communicate(process, NULL, NULL, &out, NULL, &error);
    g_assert_no_error(error);
    g_unlink(path);
    return g_bytes_get_size(out) == size ? g_memdup2(g_bytes_get_data(out, NULL), size) : NULL;
}
