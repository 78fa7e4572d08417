/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Core files: a program that dies of a signal leaves one that GDB understands, when RLIMIT_CORE allows it.
 *
 * Arguments: the program that runs guests, GDB, and the guest program.
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

static const char *runner, *gdb, *program;
static rlim_t most;

static void set_limit(gpointer unused)
{
    const struct rlimit limit = {most, most};

    setrlimit(RLIMIT_CORE, &limit);
}

/* Files that are not called "core..." in the current folder cannot be looked for here. */
static gboolean is_elsewhere(void)
{
    g_autofree char *pattern = NULL;

    return !g_file_get_contents("/proc/sys/kernel/core_pattern", &pattern, NULL, NULL) ||
           (*pattern != '|' && strchr(pattern, '/'));
}

static gboolean is_piped(void)
{
    g_autofree char *pattern = NULL;

    return g_file_get_contents("/proc/sys/kernel/core_pattern", &pattern, NULL, NULL) && *pattern == '|';
}

/* Runs the program to its death; the file that it left, or NULL. */
static char *die(const char *folder, const char *how, gboolean threads, rlim_t bytes, int *status)
{
    const char *argv[] = {runner, program, how, threads ? "threads" : NULL, NULL};
    g_autoptr(GDir) list = NULL;
    g_autoptr(GError) error = NULL;
    const char *name;

    most = bytes;
    g_spawn_sync(folder, (char **)argv, NULL, G_SPAWN_STDIN_FROM_DEV_NULL, set_limit, NULL, NULL, NULL, status, &error);
    g_assert_no_error(error);
    list = g_dir_open(folder, 0, &error);
    g_assert_no_error(error);
    name = g_dir_read_name(list);
    return name ? g_build_filename(folder, name, NULL) : NULL;
}

static char *look(const char *core)
{
    const char *argv[] = {gdb, "-q", "-batch", "-nx", "-ex", "print global", "-ex", "thread apply all backtrace",
                          "-ex", "info registers pc", "-ex", "info auxv", program, core, NULL};
    g_autoptr(GError) error = NULL;
    char *output = NULL;

    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDIN_FROM_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output,
                 NULL, NULL, &error);
    g_assert_no_error(error);
    return output;
}

static void holds(const char *text, const char *const *parts)
{
    for (; *parts; parts++) {
        if (!strstr(text, *parts))
            g_test_message("no \"%s\" in:\n%s", *parts, text);
        g_assert_nonnull(strstr(text, *parts));
    }
}

static void check(const char *how, int signal, const char *said, gboolean threads)
{
    static const char *const one[] = {"$1 = 42", "inner (number=8, how=", "outer (number=7, how=", "main (argc=", "AT_ENTRY",
                                      NULL};
    static const char *const all[] = {"compute (", "wait_for_ever (", "Thread 3 (", NULL};
    g_autofree char *folder = g_dir_make_tmp("vitrine-core-test-XXXXXX", NULL), *core = NULL, *output = NULL;
    struct stat info;
    int status;

    if (is_elsewhere()) {
        g_test_skip("core files are kept elsewhere on this computer");
        g_rmdir(folder);
        return;
    }
    core = die(folder, how, threads, RLIM_INFINITY, &status);
    g_assert_nonnull(core);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signal);
    if (!is_piped())
        g_assert_true(WCOREDUMP(status));
    g_assert_true(stat(core, &info) == 0 && (info.st_mode & 07777) == 0600);
    output = look(core);
    holds(output, one);
    holds(output, (const char *const[]){said, NULL});
    if (threads)
        holds(output, all);
    g_unlink(core);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void test_fault(void)
{
    check("fault", SIGSEGV, "signal SIGSEGV", FALSE);
}

static void test_abort(void)
{
    check("abort", SIGABRT, "signal SIGABRT", FALSE);
}

static void test_threads(void)
{
    check("fault", SIGSEGV, "signal SIGSEGV", TRUE);
    check("abort", SIGABRT, "signal SIGABRT", TRUE);
}

static void test_limits(void)
{
    g_autofree char *folder = g_dir_make_tmp("vitrine-core-test-XXXXXX", NULL), *core = NULL;
    struct stat info;
    int status;

    g_assert_null(die(folder, "fault", FALSE, 0, &status));
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && (is_piped() || !WCOREDUMP(status)));
    if (!is_elsewhere()) {
        core = die(folder, "abort", TRUE, 8192, &status);
        g_assert_nonnull(core);
        g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        g_assert_true(stat(core, &info) == 0 && info.st_size <= 8192);
        g_unlink(core);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 4);
    runner = argv[1];
    gdb = argv[2];
    program = g_canonicalize_filename(argv[3], NULL);
    g_test_add_func("/core/fault", test_fault);
    g_test_add_func("/core/abort", test_abort);
    g_test_add_func("/core/threads", test_threads);
    g_test_add_func("/core/limits", test_limits);
    return g_test_run();
}
