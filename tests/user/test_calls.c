/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs with a C library that check Linux's calls themselves and print "ok", under each engine.
 *
 * Arguments: the program that runs guests, and the guest programs.
 */
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

static const char *runner;

static void check(const char *program, const char *accel)
{
    g_autofree char *folder = g_dir_make_tmp("vitrine-calls-XXXXXX", NULL);
    const char *argv[] = {runner, "--accel", accel, program, NULL};
    g_autofree char *output = NULL, *messages = NULL;
    GError *error = NULL;
    int status;

    g_spawn_sync(folder, (char **)argv, NULL, G_SPAWN_STDIN_FROM_DEV_NULL, NULL, NULL, &output, &messages,
                 &status, &error);
    g_assert_no_error(error);
    if (strcmp(output, "ok\n") != 0)
        g_test_message("%s: status %x\n%s%s", program, status, output, messages);
    g_assert_cmpstr(output, ==, "ok\n");
    g_assert_cmpint(status, ==, 0);
    /* What Linux lacks is told once; the terminal is asked for something that no terminal knows. */
    g_assert_null(strstr(messages, "asked for system call"));
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void test_calls(gconstpointer program)
{
    check(program, "jit");
    check(program, "interp");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, >=, 2);
    runner = argv[1];
    for (int i = 2; i < argc; i++) {
        g_autofree char *base = g_path_get_basename(argv[i]), *path = g_strconcat("/calls/", base, NULL);

        g_test_add_data_func_full(path, g_canonicalize_filename(argv[i], NULL), test_calls, g_free);
    }
    return g_test_run();
}
