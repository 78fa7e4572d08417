/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Foreign programs from start to end: the SPARC programs of this folder check what they find themselves and
 * print "ok"; here stand what only the outside can see, and that benchmarks compute the host's own results.
 *
 * Arguments: the program that runs them, a folder of guest programs, one of host programs.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

static const char *runner, *guests, *natives;

struct outcome {
    char *output, *messages;
    int status; /* as wait() tells */
};

static void run_in(const char *folder, char **argv, char **envp, struct outcome *outcome)
{
    GError *error = NULL;

    g_spawn_sync(folder, argv, envp, G_SPAWN_STDIN_FROM_DEV_NULL, NULL, NULL, &outcome->output,
                 &outcome->messages, &outcome->status, &error);
    g_assert_no_error(error);
}

static void finish(struct outcome *outcome)
{
    g_free(outcome->output);
    g_free(outcome->messages);
}

static GPtrArray *command(const char *program, const char *const *options)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(list, g_strdup(runner));
    for (; options && *options; options++)
        g_ptr_array_add(list, g_strdup(*options));
    g_ptr_array_add(list, g_build_filename(guests, program, NULL));
    return list;
}

/* A self-checking program in an empty folder of its own. */
static void check_program(const char *name, const char *const *options, const char *const *arguments)
{
    g_autoptr(GPtrArray) argv = command(name, options);
    g_auto(GStrv) envp = g_environ_setenv(g_get_environ(), "VITRINE_TEST", "is here", TRUE);
    g_autofree char *folder = g_dir_make_tmp("vitrine-user-XXXXXX", NULL);
    struct outcome outcome;

    for (; arguments && *arguments; arguments++)
        g_ptr_array_add(argv, g_strdup(*arguments));
    g_ptr_array_add(argv, NULL);
    run_in(folder, (char **)argv->pdata, envp, &outcome);
    if (outcome.status != 0 || strcmp(outcome.output, "ok\n") != 0)
        g_test_message("%s: status %x\n%s\n%s", name, outcome.status, outcome.output, outcome.messages);
    g_assert_cmpstr(outcome.output, ==, "ok\n");
    g_assert_cmpint(outcome.status, ==, 0);
    finish(&outcome);
    /* The programs leave nothing behind. */
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static const char *const interpreted[] = {"--accel", "interp", NULL};
static const char *const translated[] = {"--accel", "jit", NULL};
static const char *const first_tier[] = {"--tier", "1", NULL};

static void test_program(gconstpointer name)
{
    const char *const arguments[] = {"one", "two words", NULL};
    const char *const *with = strcmp(name, "start") == 0 ? arguments : NULL;

    check_program(name, translated, with);
    check_program(name, first_tier, with);
    check_program(name, interpreted, with);
}

static void run_simple(const char *program, const char *const *options, const char *const *arguments,
                       struct outcome *outcome)
{
    g_autoptr(GPtrArray) argv = command(program, options);

    for (; arguments && *arguments; arguments++)
        g_ptr_array_add(argv, g_strdup(*arguments));
    g_ptr_array_add(argv, NULL);
    run_in(NULL, (char **)argv->pdata, NULL, outcome);
}

static void test_exit_status(void)
{
    struct outcome outcome;
    const char *const seven[] = {"exit", "7", NULL}, *const big[] = {"exit", "263", NULL};

    run_simple("ends", NULL, seven, &outcome);
    g_assert_true(WIFEXITED(outcome.status));
    g_assert_cmpint(WEXITSTATUS(outcome.status), ==, 7);
    finish(&outcome);
    run_simple("ends", NULL, big, &outcome);
    g_assert_cmpint(WEXITSTATUS(outcome.status), ==, 7);
    finish(&outcome);
}

static void test_death(gconstpointer data)
{
    const struct {
        const char *how;
        int signal;
    } deaths[] = {{"abort", SIGABRT},  {"null", SIGSEGV},  {"misaligned", SIGBUS},
                  {"illegal", SIGILL}, {"divide", SIGFPE}, {"user", SIGUSR1}};

    for (gsize i = 0; i < G_N_ELEMENTS(deaths); i++) {
        const char *const arguments[] = {deaths[i].how, NULL};
        struct outcome outcome;

        run_simple("ends", data, arguments, &outcome);
        if (!WIFSIGNALED(outcome.status))
            g_test_message("%s: status %x, %s", deaths[i].how, outcome.status, outcome.messages);
        g_assert_true(WIFSIGNALED(outcome.status));
        g_assert_cmpint(WTERMSIG(outcome.status), ==, deaths[i].signal);
        g_assert_false(WCOREDUMP(outcome.status));
        finish(&outcome);
    }
}

static void test_strace(void)
{
    const char *const options[] = {"--strace", NULL}, *const arguments[] = {"exit", "3", NULL};
    struct outcome outcome;

    run_simple("ends", options, arguments, &outcome);
    g_assert_nonnull(strstr(outcome.messages, "access(\"/no\\twhere\", F_OK) = -1 ENOENT"));
    g_assert_nonnull(strstr(outcome.messages, "exit(3) = ?\n"));
    g_assert_nonnull(strstr(outcome.messages, "+++ exited with 3 +++"));
    finish(&outcome);
}

static void test_not_programs(void)
{
    const struct {
        const char *contents;
        gssize size;
        const char *sentence;
    } files[] = {
        {"", 0, "not an ELF program"},
        {"just text", -1, "not an ELF program"},
        {"\177ELF\1\2\1\0\0\0\0\0\0\0\0\0\0\2\0\2", 20, "damaged"},
        {"#!\n", -1, "Cannot load"},
        {"#!/no/such/interpreter\n", -1, "No such file"},
    };
    g_autofree char *folder = g_dir_make_tmp("vitrine-user-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(folder, "file", NULL);
    struct outcome outcome;

    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        char *argv[] = {(char *)runner, file, NULL};

        g_assert_true(g_file_set_contents(file, files[i].contents, files[i].size, NULL));
        run_in(NULL, argv, NULL, &outcome);
        g_assert_true(WIFEXITED(outcome.status));
        g_assert_cmpint(WEXITSTATUS(outcome.status), ==, 126);
        if (!strstr(outcome.messages, files[i].sentence))
            g_test_message("%s", outcome.messages);
        g_assert_nonnull(strstr(outcome.messages, files[i].sentence));
        finish(&outcome);
    }
    {
        /* This test itself is for the host's processor. */
        char *argv[] = {(char *)runner, (char *)"/proc/self/exe", NULL},
             *missing[] = {(char *)runner, (char *)"/no/program", NULL};

        run_in(NULL, argv, NULL, &outcome);
        g_assert_cmpint(WEXITSTATUS(outcome.status), ==, 126);
        finish(&outcome);
        run_in(NULL, missing, NULL, &outcome);
        g_assert_cmpint(WEXITSTATUS(outcome.status), ==, 127);
        finish(&outcome);
    }
    g_unlink(file);
    g_rmdir(folder);
}

/* The sysroot comes first for absolute names, and "#!" lines are followed below it. */
static void test_sysroot(void)
{
    g_autofree char *root = g_dir_make_tmp("vitrine-user-XXXXXX", NULL);
    g_autofree char *bin = g_build_filename(root, "bin", NULL),
                    *program = g_build_filename(bin, "ends", NULL);
    g_autofree char *script = g_build_filename(bin, "script", NULL),
                    *original = g_build_filename(guests, "ends", NULL);
    g_autofree char *contents = NULL;
    gsize size;
    const char *argv[] = {runner, "--sysroot", root, "/bin/script", "5", NULL};
    struct outcome outcome;

    g_assert_cmpint(g_mkdir(bin, 0700), ==, 0);
    g_assert_true(g_file_get_contents(original, &contents, &size, NULL));
    g_assert_true(
        g_file_set_contents_full(program, contents, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
    g_assert_true(
        g_file_set_contents_full(script, "#!/bin/ends script\n", -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
    run_in(NULL, (char **)argv, NULL, &outcome);
    if (!WIFEXITED(outcome.status) || WEXITSTATUS(outcome.status) != 55)
        g_test_message("status %x, %s", outcome.status, outcome.messages);
    g_assert_cmpint(WEXITSTATUS(outcome.status), ==, 55);
    finish(&outcome);

    /* A program below the sysroot comes before one of the host that stands earlier in PATH. */
    g_autofree char *other = g_dir_make_tmp("vitrine-user-XXXXXX", NULL), *hosts = g_build_filename(other, "ends", NULL);
    g_autofree char *path = g_strdup_printf("%s:/bin:/usr/bin", other);
    g_auto(GStrv) envp = g_environ_setenv(g_get_environ(), "PATH", path, TRUE);
    const char *by_name[] = {runner, "--sysroot", root, "ends", "exit", "7", NULL},
               *hosts_own[] = {runner, "--sysroot", root, "own", NULL};
    g_autofree char *own = g_build_filename(other, "own", NULL);

    g_assert_cmpint(symlink("/proc/self/exe", hosts), ==, 0);
    run_in(NULL, (char **)by_name, envp, &outcome);
    g_assert_cmpint(WEXITSTATUS(outcome.status), ==, 7);
    finish(&outcome);
    g_assert_cmpint(symlink("/proc/self/exe", own), ==, 0);
    run_in(NULL, (char **)hosts_own, envp, &outcome);
    g_assert_cmpint(WEXITSTATUS(outcome.status), ==, 126);
    g_assert_nonnull(strstr(outcome.messages, "--sysroot"));
    finish(&outcome);
    g_unlink(own);
    g_unlink(hosts);
    g_rmdir(other);

    g_unlink(script);
    g_unlink(program);
    g_rmdir(bin);
    g_rmdir(root);
}

/* A hundredth of the usual work, under each of the engines. */
static void test_benchmark(gconstpointer name)
{
    g_autofree char *native = g_strdup_printf("%s/%s-native", natives, (const char *)name);
    char *host[] = {native, (char *)"2", NULL};
    const char *const arguments[] = {"2", NULL};
    const char *const *engines[] = {translated, first_tier};
    struct outcome expected, outcome;

    run_in(NULL, host, NULL, &expected);
    g_assert_cmpint(expected.status, ==, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(engines); i++) {
        run_simple(name, engines[i], arguments, &outcome);
        g_assert_cmpint(outcome.status, ==, 0);
        g_assert_cmpstr(outcome.output, ==, expected.output);
        finish(&outcome);
    }
    finish(&expected);
}

int main(int argc, char **argv)
{
    static const char *const programs[] = {"start",  "files",   "memory",  "signals", "processes",
                                           "clocks", "sockets", "threads", "windows", "mappings", "events"};
    static const char *const benchmarks[] = {"sort",     "hash",   "interp",   "recurse", "chase", "text",
                                             "compress", "sieve",  "imatrix",  "bignum",  "nbody", "matmul",
                                             "fft",      "mandel", "spectral", "transc",  "rays",  "stencil"};

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 4);
    runner = argv[1];
    guests = argv[2];
    natives = argv[3];
    for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
        g_autofree char *path = g_strconcat("/user/", programs[i], NULL);

        g_test_add_data_func(path, programs[i], test_program);
    }
    g_test_add_func("/user/exit-status", test_exit_status);
    g_test_add_data_func("/user/death", NULL, test_death);
    g_test_add_data_func("/user/death-interpreted", interpreted, test_death);
    g_test_add_func("/user/strace", test_strace);
    g_test_add_func("/user/not-programs", test_not_programs);
    g_test_add_func("/user/sysroot", test_sysroot);
    for (gsize i = 0; i < G_N_ELEMENTS(benchmarks); i++) {
        g_autofree char *path = g_strconcat("/bench/", benchmarks[i], NULL);

        g_test_add_data_func(path, benchmarks[i], test_benchmark);
    }
    return g_test_run();
}
