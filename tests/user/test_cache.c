/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The translation cache from outside: what the second start finds, and what it does not believe.
 *
 * Arguments: the program that runs others, a folder of guest programs. Keepers, the processes that write the files
 * behind the programs' backs, become children of this one, so that it can wait for them.
 */
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

static const char *runner, *guests;

struct cache {
    char *folder, *files, *program; /* a place of its own, the cache in it, a copy of a guest program */
};

struct outcome {
    char *output;
    long recalled, missing, refused, fresh;
};

static void adopt_all(void)
{
    while (wait(NULL) > 0) {
    }
}

static void begin(struct cache *c)
{
    g_autofree char *original = g_build_filename(guests, "text", NULL), *bytes = NULL;
    gsize size;

    c->folder = g_dir_make_tmp("vitrine-cache-XXXXXX", NULL);
    c->files = g_build_filename(c->folder, "cache", NULL);
    c->program = g_build_filename(c->folder, "program", NULL);
    g_assert_true(g_file_get_contents(original, &bytes, &size, NULL));
    g_assert_true(g_file_set_contents(c->program, bytes, (gssize)size, NULL));
    g_assert_cmpint(g_chmod(c->program, 0755), ==, 0);
}

static GPtrArray *list(const struct cache *c)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(c->files, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_build_filename(c->files, name, NULL));
    if (dir)
        g_dir_close(dir);
    return names;
}

static void end(struct cache *c)
{
    g_autoptr(GPtrArray) names = list(c);

    for (guint i = 0; i < names->len; i++)
        g_unlink(names->pdata[i]);
    g_rmdir(c->files);
    g_unlink(c->program);
    g_assert_cmpint(g_rmdir(c->folder), ==, 0);
    g_free(c->folder);
    g_free(c->files);
    g_free(c->program);
}

static GPtrArray *command(const struct cache *c, const char *option)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(argv, g_strdup(runner));
    g_ptr_array_add(argv, g_strdup("--stats"));
    g_ptr_array_add(argv, option ? g_strdup(option) : g_strdup_printf("--cache=%s", c->files));
    g_ptr_array_add(argv, g_strdup(c->program));
    g_ptr_array_add(argv, g_strdup("1"));
    g_ptr_array_add(argv, NULL);
    return argv;
}

/* Runs the program, and lets its keeper finish. */
static void run(const struct cache *c, const char *option, struct outcome *o)
{
    g_autoptr(GPtrArray) argv = command(c, option);
    g_autofree char *messages = NULL;
    GError *error = NULL;
    const char *counters;
    int status;

    memset(o, 0, sizeof(*o));
    g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_STDIN_FROM_DEV_NULL, NULL, NULL, &o->output, &messages,
                 &status, &error);
    g_assert_no_error(error);
    if (status != 0)
        g_test_message("status %x: %s", status, messages);
    g_assert_cmpint(status, ==, 0);
    adopt_all();
    counters = strstr(messages, "from the translation cache ");
    if (counters)
        g_assert_cmpint(sscanf(counters, "from the translation cache %ld, not there %ld, refused %ld, new %ld",
                               &o->recalled, &o->missing, &o->refused, &o->fresh), ==, 4);
}

static void done(struct outcome *o)
{
    g_free(o->output);
}

/* The one file of the cache. */
static char *only_file(const struct cache *c)
{
    g_autoptr(GPtrArray) names = list(c);

    g_assert_cmpuint(names->len, ==, 1);
    g_assert_true(g_str_has_suffix(names->pdata[0], ".code"));
    return g_strdup(names->pdata[0]);
}

static void same(const struct outcome *a, const struct outcome *b)
{
    g_assert_cmpstr(a->output, ==, b->output);
}

static void test_second_start(void)
{
    struct cache c;
    struct outcome first, second;
    struct stat folder, there;

    begin(&c);
    run(&c, NULL, &first);
    g_assert_cmpint(first.recalled, ==, 0);
    g_assert_cmpint(first.fresh, >, 32);
    g_autofree char *file = only_file(&c);
    g_assert_cmpint(g_stat(file, &there), ==, 0);
    g_assert_cmpint(g_stat(c.files, &folder), ==, 0);
    g_assert_cmpint(there.st_mode & 0777, ==, 0600);
    g_assert_cmpint(folder.st_mode & 0777, ==, 0700);
    run(&c, NULL, &second);
    same(&first, &second);
    g_assert_cmpint(second.recalled, >, first.fresh / 2);
    g_assert_cmpint(second.refused, ==, 0);
    g_assert_cmpint(second.fresh, <, first.fresh / 8 + 16);
    done(&first);
    done(&second);
    end(&c);
}

static void test_off(void)
{
    struct cache c;
    struct outcome o;

    begin(&c);
    run(&c, "--cache=off", &o);
    g_assert_cmpint(o.fresh, ==, 0); /* not even counted */
    g_assert_false(g_file_test(c.files, G_FILE_TEST_EXISTS));
    done(&o);
    end(&c);
}

/* Another time of change is another program, whatever it holds. */
static void test_changed_program(void)
{
    struct cache c;
    struct outcome first, second;
    g_autofree char *bytes = NULL;
    gsize size;

    begin(&c);
    run(&c, NULL, &first);
    g_assert_true(g_file_get_contents(c.program, &bytes, &size, NULL));
    g_assert_true(g_file_set_contents(c.program, bytes, (gssize)size, NULL));
    g_assert_cmpint(g_chmod(c.program, 0755), ==, 0);
    run(&c, NULL, &second);
    same(&first, &second);
    g_assert_cmpint(second.recalled, ==, 0);
    done(&first);
    done(&second);
    end(&c);
}

/* Who else may write the file or its folder could bring in code. */
static void test_rights(void)
{
    struct cache c;
    struct outcome first, file_open, folder_open, link;

    begin(&c);
    run(&c, NULL, &first);
    g_autofree char *file = only_file(&c), *aside = g_strconcat(c.folder, "/aside", NULL);

    g_assert_cmpint(g_chmod(file, 0620), ==, 0);
    run(&c, NULL, &file_open);
    g_assert_cmpint(file_open.recalled, ==, 0);
    same(&first, &file_open);

    /* It was replaced by one with the right rights. */
    g_assert_cmpint(g_chmod(c.files, 0777), ==, 0);
    run(&c, NULL, &folder_open);
    g_assert_cmpint(folder_open.recalled, ==, 0);
    g_assert_cmpint(g_chmod(c.files, 0700), ==, 0);

    g_assert_cmpint(g_rename(file, aside), ==, 0);
    g_assert_cmpint(symlink(aside, file), ==, 0);
    run(&c, NULL, &link);
    g_assert_cmpint(link.recalled, ==, 0);
    g_unlink(aside);
    done(&first);
    done(&file_open);
    done(&folder_open);
    done(&link);
    end(&c);
}

/* Whatever stands in the file: the program runs as without it. */
static void test_damage(void)
{
    GRand *random = g_rand_new_with_seed(1);
    struct cache c;
    struct outcome first;
    g_autofree char *bytes = NULL, *damaged = NULL;
    gsize size;

    begin(&c);
    run(&c, NULL, &first);
    g_autofree char *file = only_file(&c);
    g_assert_true(g_file_get_contents(file, &bytes, &size, NULL));
    damaged = g_malloc(size);
    for (int round = 0; round < 24; round++) {
        gsize left = round % 4 == 3 ? (gsize)g_rand_int_range(random, 0, (gint32)size) : size;
        int flips = round % 4 == 0 ? 1 : round % 4 == 1 ? 200 : round % 4 == 2 ? 20000 : 0;
        struct outcome o;

        memcpy(damaged, bytes, size);
        for (int i = 0; i < flips; i++)
            damaged[g_rand_int_range(random, 0, (gint32)size)] ^= (char)(1 << g_rand_int_range(random, 0, 8));
        g_assert_true(g_file_set_contents_full(file, damaged, (gssize)left, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
        run(&c, NULL, &o);
        same(&first, &o);
        done(&o);
    }
    done(&first);
    g_rand_free(random);
    end(&c);
}

/* Many at once, with nothing there: each gives the same, and one whole file remains. */
static void test_together(void)
{
    struct cache c;
    struct outcome first, after;
    GPid children[8];

    begin(&c);
    run(&c, "--cache=off", &first);
    for (gsize i = 0; i < G_N_ELEMENTS(children); i++) {
        g_autoptr(GPtrArray) argv = command(&c, NULL);

        g_assert_true(g_spawn_async(NULL, (char **)argv->pdata, NULL,
                                    G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                                    NULL, NULL, &children[i], NULL));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(children); i++) {
        int status;

        g_assert_cmpint(waitpid(children[i], &status, 0), ==, children[i]);
        g_assert_cmpint(status, ==, 0);
    }
    adopt_all();
    g_autofree char *file = only_file(&c);
    run(&c, NULL, &after);
    same(&first, &after);
    g_assert_cmpint(after.recalled, >, 32);
    g_assert_cmpint(after.refused, ==, 0);
    done(&first);
    done(&after);
    end(&c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 3);
    runner = argv[1];
    guests = argv[2];
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    g_test_add_func("/cache/second-start", test_second_start);
    g_test_add_func("/cache/off", test_off);
    g_test_add_func("/cache/changed-program", test_changed_program);
    g_test_add_func("/cache/rights", test_rights);
    g_test_add_func("/cache/damage", test_damage);
    g_test_add_func("/cache/together", test_together);
    return g_test_run();
}
