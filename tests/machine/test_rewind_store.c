/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rewind keeps of disks and diskettes: exchanged to and fro, they hold what they held. */
#include <glib/gstdio.h>
#include <string.h>

#include "app/rewind_store.h"
#include "emulator/engine_private.h"
#include "images/images.h"

static bool have_firmware(void)
{
    g_autofree char *path = engine_find_firmware(&engine_find_model("ss5")->firmware[0], NULL);
    if (!path)
        g_test_skip("the firmware openbios-sparc32 is not installed");
    return path != NULL;
}

#define DISK (1 << 20)

static void note_write(void *opaque, Image *image, uint64_t offset, uint64_t size)
{
    rewind_journal_note(opaque, ENGINE_FLOPPY, image, offset, size);
}

static void written(void *opaque, struct block_request *request)
{
    *(bool *)opaque = true;
}

/* What the drive writes is noted before. */
static void write_in_drive(struct engine *engine, struct rewind_journal *journal, uint64_t at, uint8_t *data, uint64_t size)
{
    bool done = false;
    struct block_request request;
    engine_watch_disk(engine, ENGINE_FLOPPY, note_write, journal);
    block_request_init(&request, engine->machine, "test", written, &done);
    request.op = BLOCK_WRITE;
    request.offset = at;
    request.size = size;
    request.buffer = data;
    block_submit(engine->floppy, &request);
    machine_set_running(engine->machine, true);
    machine_run(engine->machine, 10 * NS_PER_MS);
    g_assert_true(done);
    g_assert_cmpint(request.result, ==, 0);
    block_request_finish(&request);
    engine_watch_disk(engine, ENGINE_FLOPPY, NULL, NULL);
}

static void test_floppy(void)
{
    if (!have_firmware())
        return;
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("vitrine-rewind-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "floppy.img", NULL);
    const ImageCreateOptions options = {.size = 1474560};
    image_create(path, "raw", &options, &error);
    g_assert_no_error(error);
    struct engine_config *config = engine_config_new("ss5", NULL);
    config->ram_mib = 32;
    config->deterministic = true;
    config->floppy.path = g_strdup(path);
    struct engine *engine = engine_new(config, NULL, &error);
    g_assert_no_error(error);
    engine_config_free(config);

    Image *image = engine_disk_image(engine, ENGINE_FLOPPY);
    struct rewind_journal *journal = rewind_journal_new();
    uint8_t data[1024], now[1024], before[1024] = {0};
    memset(data, 7, sizeof data);
    write_in_drive(engine, journal, 5120, data, sizeof data);
    for (unsigned turn = 0; turn < 4; turn++) {
        g_assert_true(image_pread(image, 5120, now, sizeof now, NULL));
        g_assert_cmpmem(now, sizeof now, turn % 2 ? before : data, sizeof now);
        rewind_journal_swap(journal, engine, &error);
        g_assert_no_error(error);
    }
    rewind_journal_free(journal);
    engine_free(engine);
    g_unlink(path);
    g_rmdir(folder);
}

static void test_journal(void)
{
    if (!have_firmware())
        return;
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("vitrine-rewind-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "disk.qcow2", NULL);
    const ImageCreateOptions options = {.size = DISK};
    image_create(path, "qcow2", &options, &error);
    g_assert_no_error(error);
    struct engine_config *config = engine_config_new("ss5", NULL);
    config->ram_mib = 32;
    engine_config_add_disk(config, path, -1, false);
    struct engine *engine = engine_new(config, NULL, &error);
    g_assert_no_error(error);
    engine_config_free(config);

    /* Model: the disk's contents at the end of each interval. */
    enum { INTERVALS = 4 };
    Image *image = engine_disk_image(engine, 0);
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    struct rewind_journal *journals[INTERVALS];
    guint8 *model[INTERVALS + 1], *now = g_malloc0(DISK);
    model[0] = g_memdup2(now, DISK);
    for (guint i = 0; i < INTERVALS; i++) {
        journals[i] = rewind_journal_new();
        for (guint k = 0; k < 20; k++) {
            guint64 at = (guint64)g_rand_int_range(rand, 0, DISK / 512) * 512;
            guint64 size = MIN(DISK - at, (guint64)g_rand_int_range(rand, 1, 100) * 512);
            memset(now + at, g_rand_int_range(rand, 0, 4), size);
            rewind_journal_note(journals[i], 0, image, at, size);
            g_assert_true(image_pwrite(image, at, now + at, size, NULL));
        }
        model[i + 1] = g_memdup2(now, DISK);
    }
    static const struct {
        guint journal, then; /* swapped, and what the disk shows after it */
    } walk[] = {{3, 3}, {2, 2}, {2, 3}, {2, 2}, {1, 1}, {0, 0}, {0, 1}, {1, 2}, {2, 3}, {3, 4}};
    for (guint i = 0; i < G_N_ELEMENTS(walk); i++) {
        rewind_journal_swap(journals[walk[i].journal], engine, &error);
        g_assert_no_error(error);
        g_assert_true(image_pread(image, 0, now, DISK, NULL));
        g_assert_cmpmem(now, DISK, model[walk[i].then], DISK);
    }
    rewind_journal_join(journals[1], journals[2]); /* two intervals as one */
    rewind_journal_swap(journals[3], engine, &error);
    rewind_journal_swap(journals[1], engine, &error);
    g_assert_no_error(error);
    g_assert_true(image_pread(image, 0, now, DISK, NULL));
    g_assert_cmpmem(now, DISK, model[1], DISK);

    engine_free(engine);
    rewind_journal_free(journals[0]);
    rewind_journal_free(journals[1]);
    rewind_journal_free(journals[3]);
    for (guint i = 0; i <= INTERVALS; i++)
        g_free(model[i]);
    g_free(now);
    g_unlink(path);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rewind-store/journal", test_journal);
    g_test_add_func("/rewind-store/floppy", test_floppy);
    return g_test_run();
}
