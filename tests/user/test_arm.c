/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs for ARM Linux that check what they find and print "ok", under each engine.
 *
 * Arguments: the program that runs them, then the guest programs. One that is called arm_names... gets a
 * sysroot.
 */
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

static const char *runner;

struct run {
    const char *program;
    const char *const *options;
};

static void check_ok(GPtrArray *argv)
{
    g_autofree char *output = NULL, *messages = NULL;
    g_autoptr(GError) error = NULL;
    int status;

    g_ptr_array_add(argv, NULL);
    g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_STDIN_FROM_DEV_NULL, NULL, NULL, &output,
                 &messages, &status, &error);
    g_assert_no_error(error);
    if (status != 0 || strcmp(output, "ok\n") != 0)
        g_test_message("status %x\n%s\n%s", status, output, messages);
    g_assert_cmpstr(output, ==, "ok\n");
    g_assert_cmpint(status, ==, 0);
}

static GPtrArray *command(const char *const *options)
{
    GPtrArray *argv = g_ptr_array_new();

    g_ptr_array_add(argv, (char *)runner);
    for (; *options; options++)
        g_ptr_array_add(argv, (char *)*options);
    return argv;
}

static void test_program(gconstpointer data)
{
    const struct run *run = data;
    g_autoptr(GPtrArray) argv = command(run->options);

    g_ptr_array_add(argv, (char *)run->program);
    check_ok(argv);
}

static char *make_file(const char *folder, const char *name, const char *text, gssize size, int mode)
{
    char *file = g_build_filename(folder, name, NULL);

    g_assert_true(g_file_set_contents_full(file, text, size, G_FILE_SET_CONTENTS_NONE, mode, NULL));
    return file;
}

/* The sysroot that programs/arm_names.c describes. */
static void test_names(gconstpointer data)
{
    static const char *const folders[] = {"bin", "etc", "opt"},
                             *const links[][2] = {{"/etc/here", "etc/link"},
                                                  {"../../../etc/here", "etc/up"},
                                                  {"/no/such/file", "etc/nowhere"}},
                             *const files[] = {"bin/names", "bin/script", "etc/here"},
                             *const ways[] = {"--sysroot", "--root", NULL};
    const struct run *run = data;
    g_autofree char *root = g_dir_make_tmp("vitrine-root-XXXXXX", NULL), *program = NULL;
    g_autofree char *elsewhere = g_dir_make_tmp("vitrine-outside-XXXXXX", NULL);
    g_autofree char *outside = make_file(elsewhere, "file", "outside", -1, 0644);
    gsize size;

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_build_filename(root, folders[i], NULL);

        g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(links); i++) {
        g_autofree char *link = g_build_filename(root, links[i][1], NULL);

        g_assert_cmpint(symlink(links[i][0], link), ==, 0);
    }
    g_assert_true(g_file_get_contents(run->program, &program, &size, NULL));
    g_free(make_file(root, files[0], program, (gssize)size, 0755));
    g_free(make_file(root, files[1], "#!/bin/names option\n", -1, 0755));
    g_free(make_file(root, files[2], "inside", -1, 0644));
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autoptr(GPtrArray) argv = command(run->options);

        if (ways[i]) {
            g_ptr_array_add(argv, (char *)ways[i]);
            g_ptr_array_add(argv, root);
        } else {
            g_setenv("VITRINE_SYSROOT", root, TRUE);
        }
        g_ptr_array_add(argv, (char *)"/bin/names");
        g_ptr_array_add(argv, (char *)(g_strcmp0(ways[i], "--root") == 0 ? "root" : "sysroot"));
        g_ptr_array_add(argv, outside);
        check_ok(argv);
        g_unsetenv("VITRINE_SYSROOT");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(files) + G_N_ELEMENTS(links) + G_N_ELEMENTS(folders); i++) {
        const char *name = i < 3 ? files[i] : i < 6 ? links[i - 3][1] : folders[i - 6];
        g_autofree char *file = g_build_filename(root, name, NULL);

        g_assert_cmpint(g_remove(file), ==, 0);
    }
    g_assert_cmpint(g_rmdir(root), ==, 0);
    g_unlink(outside);
    g_rmdir(elsewhere);
}

int main(int argc, char **argv)
{
    static const char *const translated[] = {"--accel", "jit", NULL},
                             *const first_tier[] = {"--tier", "1", NULL},
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
            g_test_add_data_func_full(
                path, run, g_str_has_prefix(base, "arm_names") ? test_names : test_program, g_free);
        }
    }
    return g_test_run();
}
