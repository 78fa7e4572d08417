/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole jobs killed at any moment: commit, rebase, convert over an old file, resize, repair. What an image
 * showed before, it shows afterwards, whether the job was done or not; a base stays as it is; no half-made
 * file appears.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/images-common.h"

#define SIZE (6u << 20)

typedef struct Scene {
    char *folder;
    char *base, *other, *over, *target;
    guint8 *shown; /* what the overlay shows */
} Scene;

typedef struct Row {
    const char *name;
    gboolean (*job)(Scene *scene);
    gboolean base_changes;
    gboolean resizes;
} Row;

static void make(const char *path, const char *backing, guint64 size, guint32 seed, guint8 *shown)
{
    g_autoptr(GError) error = NULL;
    image_create(path, "qcow2",
                 &(ImageCreateOptions){.size = size, .cluster_size = 4096, .backing_file = backing}, &error);
    g_assert_no_error(error);
    Image *image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    GRand *rand = g_rand_new_with_seed(seed);
    for (guint i = 0; i < 60; i++) {
        gsize length = (gsize)g_rand_int_range(rand, 1, 60000);
        guint64 offset = (guint64)g_rand_int_range(rand, 0, SIZE - 60000);
        fill_pattern(shown + offset, length, seed + i);
        if (i % 5 == 4) {
            memset(shown + offset, 0, length);
            image_write_zeroes(image, offset, length, &error);
        } else {
            image_pwrite(image, offset, shown + offset, length, &error);
        }
        g_assert_no_error(error);
    }
    image_close(image, &error);
    g_assert_no_error(error);
    g_rand_free(rand);
}

static Scene *scene_new(void)
{
    Scene *s = g_new0(Scene, 1);
    g_autofree guint8 *unused = g_malloc0(SIZE);
    s->folder = test_folder_new();
    s->base = g_build_filename(s->folder, "base", NULL);
    s->other = g_build_filename(s->folder, "other", NULL);
    s->over = g_build_filename(s->folder, "over", NULL);
    s->target = g_build_filename(s->folder, "target", NULL);
    s->shown = g_malloc0(SIZE);
    make(s->base, NULL, SIZE, 1, s->shown);
    make(s->other, NULL, SIZE, 1000, unused);
    make(s->over, "base", SIZE, 2000, s->shown);
    return s;
}

static void scene_free(Scene *s)
{
    test_folder_free(s->folder);
    g_free(s->base);
    g_free(s->other);
    g_free(s->over);
    g_free(s->target);
    g_free(s->shown);
    g_free(s);
}

/* ---- The jobs --------------------------------------------------------------------------------------------
 */

static gboolean job_commit(Scene *s)
{
    return image_merge(s->over, NULL, NULL, NULL);
}

static gboolean job_commit_in_place(Scene *s)
{
    return image_commit(s->over, NULL, NULL, NULL);
}

static gboolean job_rebase(Scene *s)
{
    return image_rebase(s->over, NULL, "other", NULL, FALSE, NULL, NULL);
}

static gboolean job_flatten(Scene *s)
{
    return image_rebase(s->over, NULL, NULL, NULL, FALSE, NULL, NULL);
}

static gboolean job_convert(Scene *s)
{
    Image *image = image_open(s->over, NULL, IMAGE_OPEN_READ_ONLY, NULL);
    /* not compressed: that takes threads, which a forked child of a test cannot count on */
    ImageConvertOptions options = {.create = {.overwrite = TRUE}};
    return image && image_convert(image, s->target, "qcow2", &options, NULL, NULL) &&
           image_close(image, NULL);
}

static gboolean job_resize(Scene *s)
{
    Image *image = image_open(s->over, NULL, IMAGE_OPEN_WRITABLE, NULL);
    return image && image_resize(image, (guint64)SIZE * 400, FALSE, NULL) && image_close(image, NULL);
}

static gboolean job_repair(Scene *s)
{
    Image *image = image_open(s->over, NULL, IMAGE_OPEN_WRITABLE | IMAGE_OPEN_FOR_CHECK, NULL);
    if (!image)
        return FALSE;
    image_check_free(image_check(image, IMAGE_REPAIR_ERRORS | IMAGE_REPAIR_LEAKS, NULL, NULL));
    return image_close(image, NULL);
}

static const Row rows[] = {
    {"commit", job_commit, FALSE, FALSE},        {"commit-in-place", job_commit_in_place, TRUE, FALSE},
    {"rebase", job_rebase, FALSE, FALSE},        {"flatten", job_flatten, FALSE, FALSE},
    {"convert-over", job_convert, FALSE, FALSE}, {"resize", job_resize, FALSE, TRUE},
    {"repair", job_repair, FALSE, FALSE},
};

/* ---- What must hold --------------------------------------------------------------------------------------
 */

static void assert_shows(const Scene *s, const char *path, gboolean resizes)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc(SIZE);
    Image *image = image_open(path, NULL, IMAGE_OPEN_READ_ONLY, &error);
    g_assert_no_error(error);
    g_assert_true(image_size(image) == SIZE || (resizes && image_size(image) == (guint64)SIZE * 400));
    image_pread(image, 0, bytes, SIZE, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(bytes, SIZE, s->shown, SIZE);
    g_autoptr(ImageCheck) check = image_check(image, IMAGE_REPAIR_NONE, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(check->corruptions, ==, 0);
    image_close(image, NULL);
}

static void assert_no_half_made(const Scene *s)
{
    g_autoptr(GDir) dir = g_dir_open(s->folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        if (name[0] != '.')
            g_assert_true(g_str_equal(name, "base") || g_str_equal(name, "other") ||
                          g_str_equal(name, "over") || g_str_equal(name, "target"));
    }
}

/* A cluster without its count: the repair has to make all counts anew. */
static void damage(const Scene *s)
{
    g_autofree char *bytes = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(s->over, &bytes, &length, NULL));
    guint64 reftable, block;
    memcpy(&reftable, bytes + 48, 8);
    memcpy(&block, bytes + GUINT64_FROM_BE(reftable), 8);
    memset(bytes + GUINT64_FROM_BE(block) + 2 * 20, 0, 20);
    g_assert_true(g_file_set_contents(s->over, bytes, (gssize)length, NULL));
}

static void test_job(gconstpointer data)
{
    const Row *row = data;
    gint64 duration = 0;
    guint rounds = g_test_slow() ? 60 : 3;
    GRand *rand = g_rand_new_with_seed(3);
    for (guint round = 0; round <= rounds; round++) {
        Scene *s = scene_new();
        g_autofree char *base_before = NULL, *base_after = NULL;
        gsize before, after;
        g_assert_true(g_file_get_contents(s->base, &base_before, &before, NULL));
        if (row->job == job_repair)
            damage(s);
        if (row->job == job_convert)
            g_assert_true(job_convert(s));

        gint64 start = g_get_monotonic_time();
        pid_t child = fork();
        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            alarm(30);
            _exit(row->job(s) ? 0 : 1);
        }
        /* the first round takes the time that the job needs, the others end it somewhere in between */
        if (round > 0) {
            g_usleep((gulong)g_rand_int_range(rand, 0, (gint32)MAX(duration, 1000)));
            kill(child, SIGKILL);
        }
        int status;
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        if (round == 0) {
            g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            duration = MIN(g_get_monotonic_time() - start, G_USEC_PER_SEC);
        }
        if (row->job == job_repair && round > 0)
            g_assert_true(job_repair(s)); /* a repair that was killed is repaired */
        assert_shows(s, s->over, row->resizes);
        if (row->job == job_convert)
            assert_shows(s, s->target, FALSE);
        assert_no_half_made(s);
        if (!row->base_changes) {
            g_assert_true(g_file_get_contents(s->base, &base_after, &after, NULL));
            g_assert_cmpmem(base_before, before, base_after, after);
        }
        /* and once more to the end */
        if (row->job == job_commit_in_place || row->job == job_convert || row->job == job_rebase) {
            g_assert_true(row->job(s));
            assert_shows(s, s->over, FALSE);
        }
        scene_free(s);
    }
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/images/jobs/%s", rows[i].name);
        g_test_add_data_func(name, &rows[i], test_job);
    }
    return g_test_run();
}
