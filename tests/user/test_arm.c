/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs for ARM Linux that check what they find and print "ok", under each engine.
 *
 * Arguments: the program that runs them, then the guest programs.
 */
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

static const char *runner;

struct run {
    const char *program;
    const char *const *options;
};

static void test_program(gconstpointer data)
{
    const struct run *run = data;
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree char *output = NULL, *messages = NULL;
    g_autoptr(GError) error = NULL;
    int status;

    g_ptr_array_add(argv, (char *)runner);
    for (const char *const *option = run->options; *option; option++)
        g_ptr_array_add(argv, (char *)*option);
    g_ptr_array_add(argv, (char *)run->program);
    g_ptr_array_add(argv, NULL);
    g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_STDIN_FROM_DEV_NULL, NULL, NULL, &output, &messages,
                 &status, &error);
    g_assert_no_error(error);
    if (status != 0 || strcmp(output, "ok\n") != 0)
        g_test_message("status %x\n%s\n%s", status, output, messages);
    g_assert_cmpstr(output, ==, "ok\n");
    g_assert_cmpint(status, ==, 0);
}

int main(int argc, char **argv)
{
    static const char *const translated[] = {"--accel", "jit", NULL}, *const first_tier[] = {"--tier", "1", NULL},
                             *const interpreted[] = {"--accel", "interp", NULL};
    static const struct {
        const char *name;
        const char *const *options;
    } engines[] = {{"jit", translated}, {"first-tier", first_tier}, {"interpreter", interpreted}};

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, >=, 3);
    runner = argv[1];
    for (int i = 2; i < argc; i++) {
        for (gsize e = 0; e < G_N_ELEMENTS(engines); e++) {
            g_autofree char *base = g_path_get_basename(argv[i]);
            g_autofree char *path = g_strdup_printf("/arm/%s/%s", base, engines[e].name);
            struct run *run = g_new(struct run, 1);

            *run = (struct run){argv[i], engines[e].options};
            g_test_add_data_func_full(path, run, test_program, g_free);
        }
    }
    return g_test_run();
}
