/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's public face: configuration errors, life of a machine on its thread, frames, input, saved
 * state, media. */
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <string.h>

#include "emulator/engine.h"
#include "images/images.h"
#include "tests/machine/await.h"

struct watch {
    GMutex lock;
    GCond changed;
    GString *serial;
    unsigned frames, states[8], done;
    char *error;
    uint32_t *pixels;
    int width, height;
};

static void state_changed(void *opaque, enum engine_state state, int exit_status)
{
    struct watch *w = opaque;
    g_mutex_lock(&w->lock);
    w->states[state]++;
    g_cond_broadcast(&w->changed);
    g_mutex_unlock(&w->lock);
}

static void frame_ready(void *opaque)
{
    struct watch *w = opaque;
    g_mutex_lock(&w->lock);
    w->frames++;
    g_cond_broadcast(&w->changed);
    g_mutex_unlock(&w->lock);
}

static void serial_output(void *opaque, unsigned port, const uint8_t *data, size_t size)
{
    struct watch *w = opaque;
    g_mutex_lock(&w->lock);
    g_string_append_len(w->serial, (const char *)data, (gssize)size);
    g_cond_broadcast(&w->changed);
    g_mutex_unlock(&w->lock);
}

static void request_done(void *opaque, const GError *error)
{
    struct watch *w = opaque;
    g_mutex_lock(&w->lock);
    g_free(w->error);
    w->error = error ? g_strdup(error->message) : NULL;
    w->done++;
    g_cond_broadcast(&w->changed);
    g_mutex_unlock(&w->lock);
}

static void got_screenshot(void *opaque, uint32_t *pixels, int width, int height, double pixel_aspect)
{
    struct watch *w = opaque;
    g_mutex_lock(&w->lock);
    g_free(w->pixels);
    w->pixels = pixels;
    w->width = width;
    w->height = height;
    w->done++;
    g_cond_broadcast(&w->changed);
    g_mutex_unlock(&w->lock);
}

/* Waits until the condition holds; the lock is held while it is looked at. */
#define AWAIT_WATCH(w, condition)                                                                            \
    do {                                                                                                     \
        struct await await_ = await_begin(2 * AWAIT_SECONDS);                                                \
        g_mutex_lock(&(w)->lock);                                                                            \
        while (!(condition)) {                                                                               \
            g_cond_wait_until(&(w)->changed, &(w)->lock, g_get_monotonic_time() + AWAIT_LOOK);               \
            if (!await_more(&await_))                                                                        \
                g_error("waited in vain for " #condition);                                                   \
        }                                                                                                    \
        g_mutex_unlock(&(w)->lock);                                                                          \
    } while (0)

static struct watch *watch_new(void)
{
    struct watch *w = g_new0(struct watch, 1);
    g_mutex_init(&w->lock);
    g_cond_init(&w->changed);
    w->serial = g_string_new(NULL);
    return w;
}

static void watch_free(struct watch *w)
{
    g_string_free(w->serial, TRUE);
    g_free(w->error);
    g_free(w->pixels);
    g_free(w);
}

static struct engine *engine_of(struct watch *w, struct engine_config *config)
{
    struct engine_events events = {.state_changed = state_changed,
                                   .frame_ready = frame_ready,
                                   .serial_output = serial_output,
                                   .opaque = w};
    g_autoptr(GError) error = NULL;
    struct engine *engine = engine_new(config, &events, &error);
    g_assert_no_error(error);
    return engine;
}

static bool have_firmware(void)
{
    const struct engine_model *model = engine_find_model("ss5");
    g_autofree char *path = engine_find_firmware(&model->firmware[0], NULL);
    if (!path)
        g_test_skip("the firmware openbios-sparc32 is not installed");
    return path != NULL;
}

static void test_models(void)
{
    const struct engine_model *const *models = engine_models();
    g_assert_nonnull(models[0]);
    for (unsigned i = 0; models[i]; i++) {
        const struct engine_model *m = models[i];
        g_assert_true(engine_find_model(m->id) == m);
        g_assert_cmpuint(m->ram_min_mib, <=, m->ram_default_mib);
        g_assert_cmpuint(m->ram_default_mib, <=, m->ram_max_mib);
        g_assert_nonnull(m->displays[0].id);
        for (unsigned r = 0; m->ram_choices_mib[r]; r++) {
            g_assert_cmpuint(m->ram_choices_mib[r], >=, m->ram_min_mib);
            g_assert_cmpuint(m->ram_choices_mib[r], <=, m->ram_max_mib);
        }
        for (unsigned k = 0; k < i; k++)
            g_assert_cmpstr(models[k]->id, !=, m->id);
    }
    g_assert_null(engine_find_model("vax"));
}

static void expect_error(struct engine_config *config, int code, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(engine_new(config, NULL, &error));
    g_assert_error(error, ENGINE_ERROR_DOMAIN, code);
    if (!strstr(error->message, text))
        g_error("the message “%s” lacks “%s”", error->message, text);
    engine_config_free(config);
}

static void test_configuration_errors(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(engine_config_new("vax", &error));
    g_assert_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG);
    g_assert_nonnull(strstr(error->message, "ss5"));

    struct engine_config *c = engine_config_new("ss5", NULL);
    c->ram_mib = 4096;
    expect_error(c, ENGINE_ERROR_CONFIG, "256");
    c = engine_config_new("ss5", NULL);
    c->display = g_strdup("ega");
    expect_error(c, ENGINE_ERROR_CONFIG, "tcx8");
    c = engine_config_new("ss5", NULL);
    c->accel = ENGINE_ACCEL_KVM;
    expect_error(c, ENGINE_ERROR_CONFIG, "KVM");
    c = engine_config_new("ss5", NULL);
    c->boot = g_strdup("tape");
    expect_error(c, ENGINE_ERROR_CONFIG, "tape");
    c = engine_config_new("ss5", NULL);
    c->cpus = 3;
    expect_error(c, ENGINE_ERROR_CONFIG, "one processor");
    c = engine_config_new("ss5", NULL);
    c->firmware = g_strdup("/nonexistent/firmware");
    expect_error(c, ENGINE_ERROR_FILE, "/nonexistent/firmware");
    c = engine_config_new("ss5", NULL);
    c->serial[0] = (struct engine_serial){ENGINE_SERIAL_FILE, g_strdup("/nonexistent/log")};
    expect_error(c, ENGINE_ERROR_FILE, "/nonexistent/log");
    if (!have_firmware())
        return;
    c = engine_config_new("ss5", NULL);
    c->kernel = g_strdup("/nonexistent/vmlinux");
    expect_error(c, ENGINE_ERROR_FILE, "/nonexistent/vmlinux");
    c = engine_config_new("ss5", NULL);
    c->initrd = g_strdup("/dev/null");
    expect_error(c, ENGINE_ERROR_CONFIG, "kernel");
    c = engine_config_new("ss5", NULL);
    engine_config_add_disk(c, "/nonexistent/disk", -1, false);
    g_clear_error(&error);
    g_assert_null(engine_new(c, NULL, &error));
    g_assert_nonnull(error);
    engine_config_free(c);
}

static void test_life(void)
{
    if (!have_firmware())
        return;
    struct watch *w = watch_new();
    struct engine_config *config = engine_config_new("ss5", NULL);
    config->network = false;
    config->display = g_strdup("none");
    config->serial[0].kind = ENGINE_SERIAL_CALLBACK;
    struct engine *engine = engine_of(w, config);
    g_assert_cmpint(engine_get_state(engine), ==, ENGINE_CREATED);
    engine_start(engine);
    AWAIT_WATCH(w, strstr(w->serial->str, "0 > "));
    engine_serial_input(engine, 0, (const uint8_t *)"6 7 * .\r", 8);
    AWAIT_WATCH(w, strstr(w->serial->str, "2a  ok") || strstr(w->serial->str, "42  ok"));
    engine_pause(engine);
    AWAIT_WATCH(w, w->states[ENGINE_PAUSED] == 1);
    engine_sync(engine);
    struct engine_stats one, two;
    engine_get_stats(engine, &one);
    g_usleep(100000);
    engine_get_stats(engine, &two);
    g_assert_cmpuint(one.icount, >, 0);
    g_assert_cmpuint(one.icount, ==, two.icount);
    g_assert_cmpint(one.virtual_ns, ==, two.virtual_ns);

    /* Saved, played with, loaded: the line that was typed is gone. */
    g_autofree char *folder = g_dir_make_tmp("vitrine-engine-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "state", NULL);
    engine_save_state(engine, path, request_done, w);
    AWAIT_WATCH(w, w->done == 1);
    g_assert_null(w->error);
    engine_resume(engine);
    engine_serial_input(engine, 0, (const uint8_t *)": zebra 1234 ; zebra .\r", 23);
    AWAIT_WATCH(w, strstr(w->serial->str, "1234  ok"));
    engine_load_state(engine, path, request_done, w);
    AWAIT_WATCH(w, w->done == 2);
    g_assert_null(w->error);
    engine_serial_input(engine, 0, (const uint8_t *)"zebra\r", 6);
    AWAIT_WATCH(w, strstr(w->serial->str, "undefined"));
    g_assert_true(g_file_set_contents(path, "nonsense", -1, NULL));
    engine_load_state(engine, path, request_done, w);
    AWAIT_WATCH(w, w->done == 3);
    g_assert_nonnull(w->error);
    g_unlink(path);
    g_rmdir(folder);

    g_string_truncate(w->serial, 0);
    engine_reset(engine);
    AWAIT_WATCH(w, strstr(w->serial->str, "0 > "));
    engine_power_off(engine);
    g_assert_true(engine_wait(engine, 10000));
    g_assert_cmpint(engine_get_state(engine), ==, ENGINE_OFF);
    g_assert_cmpint(engine_exit_status(engine), ==, 0);
    engine_free(engine);
    engine_config_free(config);
    watch_free(w);
}

/* What was written to a disk stands in its file before a saved state does: whoever dies then has one of the other. */
static void test_state_and_disks(void)
{
    struct watch *w = watch_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("vitrine-engine-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "state", NULL);
    g_autofree char *disk = g_build_filename(folder, "disk.qcow2", NULL);
    const ImageCreateOptions options = {.size = 1 << 20};
    g_assert_true(image_create(disk, "qcow2", &options, &error));
    struct engine_config *config = engine_config_new("ss5", &error);
    g_assert_no_error(error);
    config->ram_mib = 16;
    g_free(config->display);
    config->display = g_strdup("none");
    engine_config_add_disk(config, disk, 0, false);
    struct engine *engine = engine_of(w, config);
    engine_start_paused(engine);
    engine_sync(engine);

    char block[512], found[512];
    memset(block, 0x5a, sizeof block);
    g_assert_true(image_pwrite(engine_disk_image(engine, 0), 0, block, sizeof block, &error));
    engine_save_state(engine, path, request_done, w);
    AWAIT_WATCH(w, w->done == 1);
    g_assert_null(w->error);
    Image *image = image_open(disk, "qcow2", IMAGE_OPEN_SHARE, &error);
    g_assert_no_error(error);
    g_assert_true(image_pread(image, 0, found, sizeof found, &error));
    g_assert_cmpmem(found, sizeof found, block, sizeof block);
    image_close(image, NULL);

    engine_power_off(engine);
    g_assert_true(engine_wait(engine, 10000));
    engine_free(engine);
    engine_config_free(config);
    g_unlink(path);
    g_unlink(disk);
    g_rmdir(folder);
    watch_free(w);
}

static void type(struct engine *engine, const unsigned *keys)
{
    for (; *keys; keys++) {
        engine_key(engine, *keys, true);
        engine_sync(engine);
        g_usleep(20000);
        engine_key(engine, *keys, false);
        g_usleep(20000);
    }
}

static unsigned dark_pixels(struct watch *w, struct engine *engine)
{
    unsigned before = w->done, dark = 0;
    engine_screenshot(engine, got_screenshot, w);
    AWAIT_WATCH(w, w->done > before);
    for (int i = 0; w->pixels && i < w->width * w->height; i++)
        dark += (w->pixels[i] & 0xffffff) == 0;
    return dark;
}

static void test_picture_and_keyboard(void)
{
    if (!have_firmware())
        return;
    struct watch *w = watch_new();
    struct engine_config *config = engine_config_new("ss5", NULL);
    config->network = false;
    struct engine *engine = engine_of(w, config);
    engine_set_watched(engine, true);
    engine_start(engine);
    AWAIT_WATCH(w, w->frames > 0);
    struct engine_frame frame;
    struct await await = await_begin(2 * AWAIT_SECONDS);
    uint64_t serial = 0;
    unsigned light = 0;
    while (light < 500000) { /* until the firmware has cleared the screen */
        g_assert_true(await_more(&await));
        if (!engine_acquire_frame(engine, &frame)) {
            g_usleep(5000);
            continue;
        }
        g_assert_cmpuint(frame.serial, >, serial);
        serial = frame.serial;
        g_assert_cmpint(frame.damage_x, >=, 0);
        g_assert_cmpint(frame.damage_x + frame.damage_width, <=, frame.width);
        g_assert_cmpint(frame.damage_y + frame.damage_height, <=, frame.height);
        light = 0;
        for (int i = 0; i < frame.width * frame.height; i++)
            light += (frame.pixels[i] & 0xf0f000) == 0xf0f000;
    }
    g_assert_cmpint(frame.width, ==, 1024);
    g_assert_cmpint(frame.height, ==, 768);
    /* The prompt: nothing changes any more. Then a typed line draws its letters. */
    unsigned dark = 0, same = 0;
    while (same < 5) {
        unsigned now = dark_pixels(w, engine);
        g_assert_true(await_more(&await));
        same = now == dark && dark > 1000 ? same + 1 : 0;
        dark = now;
        g_usleep(300000);
    }
    static const unsigned line[] = {KEY_1, KEY_1, KEY_1, KEY_1, KEY_1, KEY_SPACE, KEY_DOT, KEY_ENTER, 0};
    type(engine, line);
    while (dark_pixels(w, engine) < dark + 100) {
        g_assert_true(await_more(&await));
        g_usleep(50000);
    }
    engine_free(engine); /* while it runs */
    engine_config_free(config);
    watch_free(w);
}

static void test_media(void)
{
    if (!have_firmware())
        return;
    struct watch *w = watch_new();
    g_autofree char *folder = g_dir_make_tmp("vitrine-engine-XXXXXX", NULL);
    g_autofree char *iso = g_build_filename(folder, "cd.iso", NULL), *zeros = g_malloc0(65536);
    g_assert_true(g_file_set_contents(iso, zeros, 65536, NULL));
    struct engine_config *config = engine_config_new("ss5", NULL);
    config->network = false;
    struct engine *engine = engine_of(w, config);
    engine_start_paused(engine);
    engine_change_medium(engine, "cdrom", iso, true, false, request_done, w);
    AWAIT_WATCH(w, w->done == 1);
    g_assert_null(w->error);
    struct engine_drive_info drives[8];
    unsigned count = engine_get_drives(engine, drives, G_N_ELEMENTS(drives)), seen = 0;
    for (unsigned i = 0; i < count; i++)
        seen += !strcmp(drives[i].id, "cdrom") && drives[i].present && drives[i].removable;
    g_assert_cmpuint(seen, ==, 1);
    engine_change_medium(engine, "cdrom", NULL, true, false, request_done, w);
    AWAIT_WATCH(w, w->done == 2);
    g_assert_null(w->error);
    engine_change_medium(engine, "tape", iso, true, false, request_done, w);
    AWAIT_WATCH(w, w->done == 3);
    g_assert_nonnull(w->error);
    engine_change_medium(engine, "floppy", "/nonexistent/floppy", true, false, request_done, w);
    AWAIT_WATCH(w, w->done == 4);
    g_assert_nonnull(w->error);
    g_autofree char *text = engine_describe(engine);
    g_assert_nonnull(strstr(text, "esp"));
    engine_free(engine);
    engine_config_free(config);
    g_unlink(iso);
    g_rmdir(folder);
    watch_free(w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/models", test_models);
    g_test_add_func("/engine/configuration-errors", test_configuration_errors);
    g_test_add_func("/engine/life", test_life);
    g_test_add_func("/engine/state-and-disks", test_state_and_disks);
    g_test_add_func("/engine/picture-and-keyboard", test_picture_and_keyboard);
    g_test_add_func("/engine/media", test_media);
    return g_test_run();
}
