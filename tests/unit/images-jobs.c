/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole jobs killed and cancelled at any moment: commit, rebase, convert over an old file, compact, resize, repair.
 * What an image showed before, it shows afterwards, whether the job was done or not; a base stays as it is; no
 * half-made file appears. What makes a new file leaves every file as it was, to the byte, when it is cancelled.
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
    gboolean (*job)(Scene *scene, const ImageJob *job, GError **error);
    gboolean base_changes;
    gboolean resizes;
    gboolean in_place; /* a part of it may have been done when it is cancelled */
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

static gboolean job_commit(Scene *s, const ImageJob *job, GError **error)
{
    return image_merge(s->over, NULL, job, error);
}

static gboolean job_commit_in_place(Scene *s, const ImageJob *job, GError **error)
{
    return image_commit(s->over, NULL, job, error);
}

static gboolean job_rebase(Scene *s, const ImageJob *job, GError **error)
{
    return image_rebase(s->over, NULL, "other", NULL, FALSE, job, error);
}

static gboolean job_flatten(Scene *s, const ImageJob *job, GError **error)
{
    return image_rebase(s->over, NULL, NULL, NULL, FALSE, job, error);
}

static gboolean job_convert(Scene *s, const ImageJob *job, GError **error)
{
    g_autoptr(Image) image = image_open(s->over, NULL, IMAGE_OPEN_READ_ONLY, error);
    /* not compressed: that takes threads, which a forked child of a test cannot count on */
    ImageConvertOptions options = {.create = {.overwrite = TRUE}};
    return image && image_convert(image, s->target, "qcow2", &options, job, error);
}

static gboolean job_compact(Scene *s, const ImageJob *job, GError **error)
{
    return image_compact(s->over, NULL, FALSE, job, error);
}

static gboolean job_resize(Scene *s, const ImageJob *job, GError **error)
{
    g_autoptr(Image) image = image_open(s->over, NULL, IMAGE_OPEN_WRITABLE, error);
    return image && image_resize(image, (guint64)SIZE * 400, FALSE, error) &&
           image_close(g_steal_pointer(&image), error);
}

static gboolean job_repair(Scene *s, const ImageJob *job, GError **error)
{
    g_autoptr(Image) image = image_open(s->over, NULL, IMAGE_OPEN_WRITABLE | IMAGE_OPEN_FOR_CHECK, error);
    g_autoptr(ImageCheck) check =
        image ? image_check(image, IMAGE_REPAIR_ERRORS | IMAGE_REPAIR_LEAKS, job, error) : NULL;
    return check && image_close(g_steal_pointer(&image), error);
}

static const Row rows[] = {
    {"commit", job_commit, FALSE, FALSE, FALSE},
    {"commit-in-place", job_commit_in_place, TRUE, FALSE, TRUE},
    {"rebase", job_rebase, FALSE, FALSE, TRUE},
    {"flatten", job_flatten, FALSE, FALSE, TRUE},
    {"convert-over", job_convert, FALSE, FALSE, FALSE},
    {"compact", job_compact, FALSE, FALSE, FALSE},
    {"resize", job_resize, FALSE, TRUE, TRUE},
    {"repair", job_repair, FALSE, FALSE, TRUE},
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
            g_assert_true(job_convert(s, NULL, NULL));

        gint64 start = g_get_monotonic_time();
        pid_t child = fork();
        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            alarm(30);
            _exit(row->job(s, NULL, NULL) ? 0 : 1);
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
            g_assert_true(job_repair(s, NULL, NULL)); /* a repair that was killed is repaired */
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
            g_assert_true(row->job(s, NULL, NULL));
            assert_shows(s, s->over, FALSE);
        }
        scene_free(s);
    }
    g_rand_free(rand);
}

/* ---- Cancelled -------------------------------------------------------------------------------------------
 */

typedef struct Progress {
    GCancellable *cancellable;
    guint calls, cancel_at; /* 0: never */
} Progress;

static void on_progress(guint64 done, guint64 total, gpointer data)
{
    Progress *p = data;
    g_assert_cmpuint(done, <=, total);
    if (++p->calls == p->cancel_at)
        g_cancellable_cancel(p->cancellable);
}

/* Names and contents of all files, hidden ones too. */
static GHashTable *read_files(const Scene *s)
{
    GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    g_autoptr(GDir) dir = g_dir_open(s->folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(s->folder, name, NULL);
        char *bytes;
        gsize length;
        g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
        g_hash_table_insert(files, g_strdup(name), g_bytes_new_take(bytes, length));
    }
    return files;
}

static void assert_as_before(const Scene *s, GHashTable *before, const Row *row)
{
    g_autoptr(GHashTable) after = read_files(s);
    GHashTableIter iter;
    gpointer name, bytes;
    g_assert_cmpuint(g_hash_table_size(after), ==, g_hash_table_size(before));
    g_hash_table_iter_init(&iter, before);
    while (g_hash_table_iter_next(&iter, &name, &bytes)) {
        GBytes *now = g_hash_table_lookup(after, name);
        gboolean may_change = row->in_place && (g_str_equal(name, "over") || row->base_changes);
        g_assert_nonnull(now);
        if (!may_change)
            g_assert_true(g_bytes_equal(now, bytes));
    }
}

/* Cancelled at its first, its second, ... call for progress, with larger strides in a quick run. */
static void test_cancel(gconstpointer data)
{
    const Row *row = data;
    guint calls = 0, cancelled = 0, stride = 1;
    for (guint at = 0; at <= calls; at += stride) {
        Scene *s = scene_new();
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_autoptr(GError) error = NULL;
        Progress progress = {cancellable, 0, at};
        const ImageJob job = {.cancellable = cancellable, .progress = on_progress, .user_data = &progress};
        if (row->job == job_repair)
            damage(s);
        if (row->job == job_convert) {
            g_autofree guint8 *old = g_malloc0(SIZE);
            make(s->target, NULL, SIZE, 5000, old);
        }
        g_autoptr(GHashTable) before = read_files(s);
        gboolean ok = row->job(s, &job, &error);
        if (ok) {
            g_assert_no_error(error);
        } else {
            g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_CANCELLED);
            g_assert_cmpuint(at, >, 0);
            assert_as_before(s, before, row);
            cancelled++;
        }
        if (at == 0) {
            g_assert_true(ok);
            calls = progress.calls;
            stride = g_test_slow() ? 1 : MAX(1, calls / 10);
        }
        if (!ok && row->job == job_repair)
            g_assert_true(job_repair(s, NULL, NULL));
        assert_shows(s, s->over, FALSE);
        if (!ok) { /* and to the end */
            g_clear_error(&error);
            g_assert_true(row->job(s, NULL, &error));
            assert_shows(s, s->over, FALSE);
        }
        if (row->job == job_convert)
            assert_shows(s, s->target, FALSE);
        assert_no_half_made(s);
        scene_free(s);
    }
    g_test_message("%u calls, cancelled at %u of them", calls, cancelled);
    g_assert_cmpuint(cancelled, >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/images/jobs/%s", rows[i].name);
        g_test_add_data_func(name, &rows[i], test_job);
        g_autofree char *cancelled = g_strdup_printf("/images/jobs/cancelled/%s", rows[i].name);
        if (rows[i].job != job_resize) /* which is a matter of an instant */
            g_test_add_data_func(cancelled, &rows[i], test_cancel);
    }
    return g_test_run();
}
