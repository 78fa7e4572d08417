/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real GDB at `vitrine exec --gdb`: what it is told to do, and what it must then have seen.
 *
 * Arguments: the program that runs guests, GDB, and the guest programs. One called library-user needs shared
 * libraries, from the sysroot that $VITRINE_TEST_SYSROOT names.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "tests/machine/await.h"

static const char *runner, *debugger;

static const char *signals = "handle SIGUSR1 nostop noprint pass";
/* When the debugger has said this, it gets a Ctrl-C: the next command is one that lets the program go on. */
static const char *interrupt_after;

/* What the debugger says until it ends. */
static char *watch(GPtrArray *command, char **messages)
{
    GString *output = g_string_new(NULL);
    g_autofree char *name = g_strdup_printf("%s/vitrine-gdb-messages-%d", g_get_tmp_dir(), getpid());
    int from, to, status;
    GError *error = NULL;
    char some[4096];
    ssize_t got;
    GPid pid;

    to = g_open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    g_assert_cmpint(to, >=, 0);
    g_spawn_async_with_pipes_and_fds(NULL, (const char *const *)command->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                                     NULL, -1, -1, to, NULL, NULL, 0, &pid, NULL, &from, NULL, &error);
    g_assert_no_error(error);
    while ((got = read(from, some, sizeof(some))) > 0) {
        g_string_append_len(output, some, got);
        if (interrupt_after && strstr(output->str, interrupt_after)) {
            interrupt_after = NULL;
            g_usleep(1000000);
            kill(pid, SIGINT);
        }
    }
    waitpid(pid, &status, 0);
    close(from);
    close(to);
    g_assert_true(g_file_get_contents(name, messages, NULL, NULL));
    g_unlink(name);
    return g_string_free(output, FALSE);
}

/* Runs `program` under the debugger with the commands; *status is the program's. */
static char *session(const char *program, const char *const *commands, const char *const *options,
                     int *status)
{
    g_autofree char *folder = g_dir_make_tmp("vitrine-gdb-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "socket", NULL),
                    *where = g_strconcat("unix:", path, NULL);
    g_autoptr(GPtrArray) run = g_ptr_array_new(), look = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *messages = NULL;
    char *output = NULL;
    GError *error = NULL;
    GPid pid;

    g_ptr_array_add(run, (char *)runner);
    for (; options && *options; options++)
        g_ptr_array_add(run, (char *)*options);
    g_ptr_array_add(run, (char *)"--gdb");
    g_ptr_array_add(run, where);
    g_ptr_array_add(run, (char *)program);
    g_ptr_array_add(run, NULL);
    g_spawn_async(NULL, (char **)run->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                  NULL, NULL, &pid, &error);
    g_assert_no_error(error);
    for (struct await await = await_begin(AWAIT_SECONDS); access(path, F_OK) != 0 && await_more(&await);)
        g_usleep(10000);

    g_ptr_array_add(look, g_strdup(debugger));
    g_ptr_array_add(look, g_strdup("-nx"));
    g_ptr_array_add(look, g_strdup("-batch"));
    g_ptr_array_add(look, g_strdup("-iex"));
    g_ptr_array_add(look, g_strdup("set auto-load no"));
    g_ptr_array_add(look, g_strdup("-ex"));
    g_ptr_array_add(look, g_strdup("set pagination off"));
    g_ptr_array_add(look, g_strdup("-ex"));
    g_ptr_array_add(look, g_strdup("set remotetimeout 60"));
    g_ptr_array_add(look, g_strdup("-ex"));
    g_ptr_array_add(look, g_strdup(signals));
    g_ptr_array_add(look, g_strdup("-ex"));
    g_ptr_array_add(look, g_strconcat("target remote ", path, NULL));
    for (; *commands; commands++) {
        g_ptr_array_add(look, g_strdup("-ex"));
        g_ptr_array_add(look, g_strdup(*commands));
    }
    g_ptr_array_add(look, g_strdup(program));
    g_ptr_array_add(look, NULL);
    output = watch(look, &messages);
    g_test_message("%s%s", output, messages);

    struct await await = await_begin(AWAIT_SECONDS);
    pid_t ended;
    while ((ended = waitpid(pid, status, WNOHANG)) == 0 && await_more(&await))
        g_usleep(10000);
    if (!ended) {
        kill(pid, SIGKILL);
        waitpid(pid, status, 0);
    }
    g_unlink(path);
    g_rmdir(folder);
    return output;
}

/* The lines must occur, in this order. */
static void expect(const char *output, const char *const *patterns)
{
    for (; *patterns; patterns++) {
        g_autoptr(GRegex) regex = g_regex_new(*patterns, G_REGEX_MULTILINE, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;
        int end;

        g_assert_nonnull(regex);
        if (!g_regex_match(regex, output, 0, &match))
            g_test_message("missing: %s", *patterns);
        g_assert_true(g_match_info_matches(match));
        g_match_info_fetch_pos(match, 0, NULL, &end);
        output += end;
    }
}

static void test_breakpoints(gconstpointer program)
{
    const char *const commands[] = {"break add",
                                    "continue",
                                    "backtrace",
                                    "print a + 10 * b",
                                    "next",
                                    "print sum",
                                    "stepi",
                                    "finish",
                                    "tbreak main",
                                    "delete 1",
                                    "break add if b == 4",
                                    "continue",
                                    "print counter",
                                    "print $pc == &add || 1",
                                    "delete",
                                    "continue",
                                    NULL};
    const char *const patterns[] = {"Breakpoint 1, add \\(a=0, b=1\\)",
                                    "#1 .*count \\(\\)",
                                    "#2 .*main \\(",
                                    "\\$1 = 10",
                                    "\\$2 = 1$",
                                    "Value returned is .* = 1$",
                                    "add \\(a=6, b=4\\)",
                                    "= 6$",
                                    "exited with code 020",
                                    NULL};
    int status;
    g_autofree char *output = session(program, commands, NULL, &status);

    expect(output, patterns);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 16);
}

static void test_watch(gconstpointer program)
{
    const char *const interpreted[] = {"--accel", "interp", NULL}, *const translated[] = {NULL};
    const char *const *engines[] = {translated, interpreted};
    const char *const commands[] = {"watch counter",  "continue", "continue", "delete",   "rwatch fraction",
                                    "awatch counter", "continue", "delete",   "continue", NULL};
    const char *const patterns[] = {"Old value = 0",
                                    "New value = 1$",
                                    "Old value = 1",
                                    "New value = 3$",
                                    "(Value|Old value) = 3",
                                    "exited with code 020",
                                    NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(engines); i++) {
        int status;
        g_autofree char *output = session(program, commands, engines[i], &status);

        expect(output, patterns);
        g_assert_cmpint(WEXITSTATUS(status), ==, 16);
    }
}

/* Registers and memory are written; the program computes with them. */
static void test_writes(gconstpointer program)
{
    const char *const commands[] = {"break add",
                                    "continue",
                                    "next",
                                    "set var sum = 100",
                                    "delete",
                                    "tbreak on_signal",
                                    "continue",
                                    "print counter",
                                    "set var counter = 7",
                                    "print fraction",
                                    "set var fraction = 2.25",
                                    "print fraction",
                                    "continue",
                                    NULL};
    const char *const patterns[] = {"add \\(a=0, b=1\\)",
                                    "on_signal \\(number=",
                                    "= 114",
                                    "= 1.5",
                                    "= 2.25",
                                    "exited with code 010",
                                    NULL};
    int status;
    g_autofree char *output = session(program, commands, NULL, &status);

    expect(output, patterns);
    g_assert_cmpint(WEXITSTATUS(status), ==, 8);
}

static void test_signal(gconstpointer program)
{
    const char *const pass[] = {"continue", "print $_siginfo.si_signo", "continue", NULL};
    const char *const drop[] = {"continue", "signal 0", NULL};
    const char *const quiet[] = {"continue", NULL};
    const char *const patterns[] = {"received signal SIGUSR1", "exited with code 020", NULL};
    const char *const dropped[] = {"received signal SIGUSR1", "exited with code 017", NULL};
    const char *const unseen[] = {"exited with code 020", NULL};
    int status;
    g_autofree char *first = NULL, *second = NULL, *third = NULL;

    signals = "handle SIGUSR1 stop print pass";
    first = session(program, pass, NULL, &status);

    expect(first, patterns);
    g_assert_cmpint(WEXITSTATUS(status), ==, 16);
    second = session(program, drop, NULL, &status);
    expect(second, dropped);
    g_assert_cmpint(WEXITSTATUS(status), ==, 15);
    signals = "handle SIGUSR1 nostop noprint pass";
    third = session(program, quiet, NULL, &status);
    g_assert_null(strstr(third, "received signal"));
    expect(third, unseen);
}

static void test_detach_and_kill(gconstpointer program)
{
    const char *const detach[] = {"break add", "continue", "detach", NULL}, *const end[] = {"break add",
                                                                                            "continue",
                                                                                            "kill", NULL};
    int status;
    g_autofree char *first = session(program, detach, NULL, &status), *second = NULL;

    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 16);
    second = session(program, end, NULL, &status);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
}

static void test_registers(gconstpointer program)
{
    const char *const commands[] = {"tbreak add", "continue", "info registers", "info auxv", "p $sp != 0",
                                    "kill",       NULL};
    const char *const patterns[] = {"^pc  .*add", "AT_ENTRY", "\\$1 = 1", NULL};
    int status;
    g_autofree char *output = session(program, commands, NULL, &status);

    expect(output, patterns);
}

static void test_threads(gconstpointer program)
{
    const char *const commands[] = {"break threads_wait",
                                    "continue",
                                    "info threads",
                                    "thread apply all backtrace 3",
                                    "thread 2",
                                    "print $sp != 0",
                                    "tbreak work",
                                    "delete",
                                    "continue",
                                    NULL};
    const char *const patterns[] = {
        "hit Breakpoint 1, threads_wait", "^\\* 1 ", "^  2 ", "^  3 ", "Thread 3 ", "Thread 2 ",
        "Switching to thread 2",           "= 1$",
        "exited with code 020",           NULL};

    for (int i = 0; i < 3; i++) {
        int status;
        g_autofree char *output = session(program, commands, NULL, &status);

        expect(output, patterns);
        g_assert_cmpint(WEXITSTATUS(status), ==, 16);
    }
}

/* The debugger goes on with the program that the process runs next. */
static void test_exec(gconstpointer program)
{
    const char *const commands[] = {"break add",     "continue", "set var again = 1", "catch exec", "delete 1",
                                    "continue",      "p again",  "tbreak on_signal",  "continue",   "backtrace 1",
                                    "info threads",  "continue", NULL};
    const char *const patterns[] = {"Breakpoint 1, add", "Catchpoint 2 \\(exec'd .*debugged",
                                    "\\$1 = 0", "Temporary breakpoint 3, on_signal", "^#0 ", "^\\* 1 ",
                                    "exited with code 020", NULL};
    int status;
    g_autofree char *output = session(program, commands, NULL, &status);

    expect(output, patterns);
    g_assert_cmpint(WEXITSTATUS(status), ==, 16);
}

/* Ctrl-C reaches a program that computes, and one that sleeps. */
static void test_interrupt(gconstpointer program)
{
    const char *const ways[] = {"set var forever = 1", "set var forever = 2"};
    const char *const patterns[] = {"received signal SIGINT", "wait_for_debugger \\(\\)", "= [12]$",
                                    "exited with code 020", NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        const char *const commands[] = {"break wait_for_debugger",
                                        "continue",
                                        ways[i],
                                        "delete",
                                        "echo on it goes\\n",
                                        "continue",
                                        "backtrace",
                                        "print forever",
                                        "set var forever = 0",
                                        "continue",
                                        NULL};
        g_autofree char *output = NULL;
        int status;

        interrupt_after = "on it goes";
        output = session(program, commands, NULL, &status);
        expect(output, patterns);
        g_assert_cmpint(WEXITSTATUS(status), ==, 16);
    }
}

static void test_library(gconstpointer program)
{
    const char *const options[] = {"--sysroot", g_getenv("VITRINE_TEST_SYSROOT"), NULL};
    const char *const commands[] = {"tbreak main",
                                    "continue",
                                    "break mix if a == 2",
                                    "tbreak half if x > 2",
                                    "continue",
                                    "backtrace",
                                    "next",
                                    "step",
                                    "print result",
                                    "print library_calls",
                                    "x/2i $pc",
                                    "finish",
                                    "x/3dw numbers",
                                    "continue",
                                    "print x",
                                    "print $d0",
                                    "set var x = 10",
                                    "finish",
                                    "info sharedlibrary",
                                    "watch numbers[3]",
                                    "continue",
                                    "delete",
                                    "continue",
                                    NULL};
    const char *const patterns[] = {"Breakpoint 2, mix \\(a=2, b=1\\)",
                                    "#1 .*main \\(",
                                    "\\$1 = 7$",
                                    "\\$2 = 5$",
                                    "^=> .*<mix\\+",
                                    "Value returned is .* = 7$",
                                    "<numbers>:\\s+1\\s+4\\s+0$",
                                    "Temporary breakpoint 3, half \\(x=2.5\\)",
                                    "= 2.5$",
                                    "= 2.5$",
                                    "Value returned is .* = 5$",
                                    "Yes .*libguest.so",
                                    "Old value = 0",
                                    "New value = 10",
                                    "exited with code 012",
                                    NULL};
    int status;
    g_autofree char *output = session(program, commands, options, &status);

    expect(output, patterns);
    g_assert_cmpint(WEXITSTATUS(status), ==, 10);
}

static void add_tests(const char *name, const char *program, bool threads)
{
    static const struct {
        const char *name;
        GTestDataFunc run;
    } tests[] = {{"breakpoints", test_breakpoints},
                 {"watch", test_watch},
                 {"writes", test_writes},
                 {"signal", test_signal},
                 {"detach-and-kill", test_detach_and_kill},
                 {"registers", test_registers},
                 {"interrupt", test_interrupt}};

    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/gdb/%s/%s", name, tests[i].name);

        g_test_add_data_func(path, program, tests[i].run);
    }
    if (threads) {
        g_autofree char *path = g_strdup_printf("/gdb/%s/threads", name);

        g_autofree char *exec_path = g_strdup_printf("/gdb/%s/exec", name);

        g_test_add_data_func(path, program, test_threads);
        g_test_add_data_func(exec_path, program, test_exec);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, >=, 4);
    runner = argv[1];
    debugger = argv[2];
    for (int i = 3; i < argc; i++) {
        g_autofree char *base = g_path_get_basename(argv[i]);

        if (g_str_equal(base, "library-user"))
            g_test_add_data_func("/gdb/library", argv[i], test_library);
        else
            add_tests(base, argv[i], strstr(base, "arm") != NULL);
    }
    return g_test_run();
}
