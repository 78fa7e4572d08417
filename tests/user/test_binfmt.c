/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `vitrine binfmt` with a folder that plays the kernel's, and programs started as the kernel would.
 *
 * Arguments: the vitrine program, "static" when it is linked so, and the guest program "ends". Where the kernel lets
 * it, the programs are registered in earnest, in name spaces of the test's own.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

static const char *vitrine, *program;
static bool is_static;

static int run(char **output, char **messages, const char *action, ...)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree char *out = NULL, *err = NULL;
    const char *word;
    GError *error = NULL;
    va_list words;
    int status;

    g_ptr_array_add(argv, (char *)vitrine);
    g_ptr_array_add(argv, (char *)"binfmt");
    g_ptr_array_add(argv, (char *)action);
    va_start(words, action);
    while ((word = va_arg(words, const char *)))
        g_ptr_array_add(argv, (char *)word);
    va_end(words);
    g_ptr_array_add(argv, NULL);
    g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_STDIN_FROM_DEV_NULL, NULL, NULL, &out, &err,
                 &status, &error);
    g_assert_no_error(error);
    g_assert_true(WIFEXITED(status));
    if (output)
        *output = g_steal_pointer(&out);
    if (messages)
        *messages = g_steal_pointer(&err);
    return WEXITSTATUS(status);
}

static char *make_folder(void)
{
    char *folder = g_dir_make_tmp("vitrine-binfmt-XXXXXX", NULL);
    g_autofree char *entry = g_build_filename(folder, "register", NULL),
                    *status = g_build_filename(folder, "status", NULL);

    g_assert_true(g_file_set_contents(entry, "", 0, NULL));
    g_assert_true(g_file_set_contents(status, "enabled\n", -1, NULL));
    return folder;
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"register", "status", "vitrine-arm", "vitrine-sparc"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);

        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static char *contents(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

/* Reads \xNN of a registered line's field. */
static void parse(const char *field, guint8 *bytes, gsize size)
{
    for (gsize i = 0; i < size; i++, field += 4) {
        g_assert_true(g_str_has_prefix(field, "\\x"));
        bytes[i] = (guint8)(g_ascii_xdigit_value(field[2]) << 4 | g_ascii_xdigit_value(field[3]));
    }
}

static void test_register(void)
{
    g_autofree char *folder = make_folder();
    g_autofree char *text = NULL, *output = NULL;
    g_auto(GStrv) fields = NULL;
    guint8 magic[20], mask[20];
    /* An ARM executable's first bytes (ELF specification, figure 1-3). */
    const guint8 arm[20] = {0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 40, 0};

    g_assert_cmpint(
        run(NULL, NULL, "register", "--folder", folder, "--interpreter", "/bin/true", "arm", NULL), ==, 0);
    text = contents(folder, "register");
    fields = g_strsplit(text, ":", -1);
    g_assert_cmpuint(g_strv_length(fields), ==, 8);
    g_assert_cmpstr(fields[1], ==, "vitrine-arm");
    g_assert_cmpstr(fields[2], ==, "M");
    g_assert_cmpstr(fields[3], ==, "");
    g_assert_cmpuint(strlen(fields[4]), ==, 80);
    g_assert_cmpuint(strlen(fields[5]), ==, 80);
    g_assert_cmpstr(fields[6], ==, "/bin/true");
    g_assert_cmpstr(fields[7], ==, "PF");
    parse(fields[4], magic, 20);
    parse(fields[5], mask, 20);
    for (int i = 0; i < 20; i++)
        g_assert_cmphex(arm[i] & mask[i], ==, magic[i] & mask[i]);
    /* Position-independent ones too, libraries of other machines not. */
    g_assert_cmphex(3 & mask[16], ==, magic[16] & mask[16]);
    g_assert_cmphex(62 & mask[18], !=, magic[18] & mask[18]);
    g_assert_cmphex(1 & mask[16], !=, magic[16] & mask[16]);
    remove_folder(folder);
}

static void test_unregister_and_status(void)
{
    g_autofree char *folder = make_folder(), *entry = g_build_filename(folder, "vitrine-sparc", NULL);
    g_autofree char *before = NULL, *after = NULL, *text = NULL;

    g_assert_true(
        g_file_set_contents(entry, "enabled\ninterpreter /usr/bin/vitrine-binfmt\nflags: PF\n", -1, NULL));
    g_assert_cmpint(run(&before, NULL, "status", "--folder", folder, NULL), ==, 0);
    g_assert_nonnull(strstr(before, "vitrine-sparc "));
    g_assert_nonnull(strstr(before, "/usr/bin/vitrine-binfmt"));
    g_assert_nonnull(strstr(before, "not registered"));
    g_assert_cmpint(run(&after, NULL, "status", "--json", "--folder", folder, "vitrine-sparc", NULL), ==, 0);
    g_assert_nonnull(strstr(after, "\"registered\" : true"));
    g_assert_nonnull(strstr(after, "\"interpreter\" : \"/usr/bin/vitrine-binfmt\""));
    g_assert_null(strstr(after, "vitrine-arm"));
    g_assert_cmpint(run(NULL, NULL, "unregister", "--folder", folder, NULL), ==, 0);
    text = contents(folder, "vitrine-sparc");
    g_assert_true(g_str_has_suffix(text, "-1"));
    remove_folder(folder);
}

static void test_complaints(void)
{
    g_autofree char *folder = make_folder();
    g_autofree char *messages = NULL, *other = NULL, *third = NULL;

    g_assert_cmpint(
        run(NULL, &messages, "register", "--folder", "/no/such/folder", "--interpreter", "/bin/true", NULL),
        ==, 1);
    g_assert_nonnull(strstr(messages, "mount"));
    g_assert_cmpint(run(NULL, &other, "register", "--folder", folder, "--interpreter", "/no/file", NULL), ==,
                    1);
    g_assert_nonnull(strstr(other, "/no/file"));
    g_assert_cmpint(run(NULL, &third, "register", "--folder", folder, "vax", NULL), ==, 2);
    g_assert_nonnull(strstr(third, "vax"));
    g_assert_cmpint(run(NULL, NULL, "register", "--folder", folder, "--interpreter", "not/absolute", NULL),
                    ==, 2);
    g_assert_cmpint(run(NULL, NULL, "dance", NULL), ==, 2);
    remove_folder(folder);
}

/* Linux calls the interpreter by its own name, with the program's file first. */
static void test_call(void)
{
    g_autofree char *folder = g_dir_make_tmp("vitrine-binfmt-XXXXXX", NULL);
    g_autofree char *link = g_build_filename(folder, "vitrine-binfmt", NULL), *messages = NULL;
    const char *argv[] = {link, program, "exit", "7", NULL};
    GError *error = NULL;
    int status;

    g_assert_cmpint(symlink(vitrine, link), ==, 0);
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &messages, &status,
                 &error);
    g_assert_no_error(error);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 7);
    g_unlink(link);
    g_rmdir(folder);
}

#define KERNEL_FOLDER "/proc/sys/fs/binfmt_misc"

enum { GOOD, NOT_ALLOWED, NOT_REGISTERED, WRONG_STATUS, WRONG_IN_ROOT };

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return good;
}

/* Administrator of a user name space of one's own, whose binfmt_misc is nobody else's (Linux 6.7). */
static bool enter_name_spaces(void)
{
    g_autofree char *users = g_strdup_printf("0 %u 1", getuid()), *groups = g_strdup_printf("0 %u 1", getgid());

    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/setgroups", "deny") &&
           write_file("/proc/self/uid_map", users) && write_file("/proc/self/gid_map", groups) &&
           mount("none", KERNEL_FOLDER, "binfmt_misc", 0, NULL) == 0;
}

/* Starts the program as any other; with `root`, below that folder. */
static int status_of(const char *root, const char *path)
{
    const char *argv[] = {"some name", "exit", "7", NULL};
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (!root || (chroot(root) == 0 && chdir("/") == 0))
            execv(path, (char **)argv);
        _exit(99);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The kernel itself starts foreign programs, also where nothing of this computer's is to be found. */
static void test_kernel(void)
{
    g_autofree char *folder = g_dir_make_tmp("vitrine-binfmt-XXXXXX", NULL);
    g_autofree char *link = g_build_filename(folder, "vitrine-binfmt", NULL),
                    *root = g_build_filename(folder, "root", NULL), *copy = g_build_filename(root, "program", NULL),
                    *data = NULL;
    gsize size;
    pid_t child;
    int status;

    g_assert_cmpint(symlink(vitrine, link), ==, 0);
    g_assert_cmpint(g_mkdir(root, 0755), ==, 0);
    g_assert_true(g_file_get_contents(program, &data, &size, NULL));
    g_assert_true(g_file_set_contents_full(copy, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
    child = fork();
    if (child == 0) {
        if (!enter_name_spaces())
            _exit(NOT_ALLOWED);
        if (run(NULL, NULL, "register", "--interpreter", link, NULL) != 0)
            _exit(NOT_REGISTERED);
        if (status_of(NULL, program) != 7)
            _exit(WRONG_STATUS);
        /* Only what is linked statically starts there. */
        if (is_static && status_of(root, "/program") != 7)
            _exit(WRONG_IN_ROOT);
        _exit(run(NULL, NULL, "unregister", NULL) == 0 && status_of(NULL, program) == 99 ? GOOD : NOT_REGISTERED);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_unlink(link);
    g_unlink(copy);
    g_rmdir(root);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_ALLOWED)
        g_test_skip("this kernel gives users no binfmt_misc of their own");
    else
        g_assert_cmpint(WEXITSTATUS(status), ==, GOOD);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 4);
    vitrine = argv[1];
    is_static = strcmp(argv[2], "static") == 0;
    program = argv[3];
    g_test_add_func("/binfmt/register", test_register);
    g_test_add_func("/binfmt/unregister-and-status", test_unregister_and_status);
    g_test_add_func("/binfmt/complaints", test_complaints);
    g_test_add_func("/binfmt/call", test_call);
    g_test_add_func("/binfmt/kernel", test_kernel);
    return g_test_run();
}
