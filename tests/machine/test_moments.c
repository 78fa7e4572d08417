/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moments of a machine that is busy: whatever a guest, its devices and a slow reader do at the same time, what is
 * read is the memory of the one instant, and an engine that goes on from it is in the same state, byte for byte.
 */
#include "emulator/core/machine_private.h"
#include "emulator/core/moment.h"
#include "emulator/engine_private.h"
#include "emulator/hw/input/sun_keyboard.h"
#include "emulator/hw/input/sun_mouse.h"
#include "tests/machine/guest.h"

static gpointer press_on(gpointer data)
{
    volatile bool *stop = data;
    while (!*stop)
        ;
    return NULL;
}

static void test_busy_guest(void)
{
    if (!guest_have_firmware())
        return;
    const bool slow = g_test_slow();
    struct guest guest;
    guest_init(&guest);
    g_autoptr(GRand) random = g_rand_new_with_seed(20);
    bool stop = false;
    GThread *load[4];
    for (unsigned i = 0; i < G_N_ELEMENTS(load); i++)
        load[i] = g_thread_new("load", press_on, &stop);
    guest.config->ram_mib = 32;
    guest.config->network = false;
    guest.config->display = g_strdup("none");
    guest.config->serial[0].kind = ENGINE_SERIAL_CALLBACK;
    guest.engine = guest_engine(&guest);
    engine_set_watched(guest.engine, true);
    engine_start(guest.engine);
    AWAIT_GUEST(&guest, said(w, "0 > "));
    guest_ask(&guest, "variable v 0 v !\r", "ok");
    for (unsigned round = 0; round < (slow ? 200 : 6); round++) {
        g_autofree char *set = g_strdup_printf("%x v !\r", round + 0x1000);
        g_autofree char *answer = g_strdup_printf("%x", round + 0x1000);
        guest_ask(&guest, set, "ok");
        for (unsigned i = 0; i < 3; i++) {
            g_autoptr(GBytes) passing = guest_take(&guest, random);
            g_usleep((gulong)g_rand_int_range(random, 0, 3000));
        }
        g_autoptr(GBytes) state = guest_take(&guest, random);
        guest_go_on(&guest, state, round % 4 == 3);
        guest_ask(&guest, "v @ .\r", answer);
    }
    guest_finish(&guest);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < G_N_ELEMENTS(load); i++)
        g_thread_join(load[i]);
}

/* A key that was held when the moment was taken is up in the machine that goes on from it, and can be pressed. */
static void test_held_key(void)
{
    if (!guest_have_firmware())
        return;
    struct guest guest;
    guest_init(&guest);
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    guest.config->ram_mib = 16;
    guest.config->network = false;
    guest.engine = guest_engine(&guest);
    engine_start(guest.engine);
    engine_key(guest.engine, KEY_A, true);
    engine_button(guest.engine, BTN_LEFT, true);
    g_autoptr(GBytes) state = guest_take(&guest, random);
    guest_another_engine(&guest);
    guest_load(&guest, state, false);
    engine_key(guest.engine, KEY_B, true);
    engine_sync(guest.engine);
    const struct sun_keyboard *keyboard = (void *)machine_find_device(guest.engine->machine, "keyboard");
    const struct sun_mouse *mouse = (void *)machine_find_device(guest.engine->machine, "mouse");
    g_assert_cmpuint(keyboard->down[sun_keyboard_scan_code(KEY_A)], ==, 0);
    g_assert_cmpuint(keyboard->down[sun_keyboard_scan_code(KEY_B)], ==, 1);
    g_assert_cmpuint(mouse->buttons, ==, 0);
    guest_finish(&guest);
}

/* ---- the same instant twice: a moment read while the machine runs on, and the machine that stopped there ---- */

struct script {
    uint64_t every; /* instructions between two characters; one for which the guest has no room is lost */
    const char *serial;
};

static struct engine *deterministic_engine(const struct engine_config *config)
{
    g_autoptr(GError) error = NULL;
    struct engine *engine = engine_new(config, NULL, &error);
    g_assert_no_error(error);
    machine_set_running(engine->machine, true);
    return engine;
}

/* Runs on to an instruction count. Each `every` instructions a character comes down the line, whoever runs. */
static void run_to(struct engine *engine, const struct script *script, uint64_t from, uint64_t to)
{
    const size_t length = strlen(script->serial);
    const struct char_device *port = &engine->serial[0]->device;
    for (uint64_t step = from / script->every + 1; step * script->every <= to; step++) {
        machine_run_until_icount(engine->machine, step * script->every);
        if (port->can_receive && port->can_receive(port->opaque))
            char_backend_callback_input(engine->serial[0], (const uint8_t *)script->serial + step % length, 1);
    }
    machine_run_until_icount(engine->machine, to);
    g_assert_cmpuint(machine_icount(engine->machine) - to, <=, 1); /* a branch and its delay slot are not parted */
}

struct reader {
    struct machine_moment *moment;
    struct copy *copy;
    unsigned seed;
};

static gpointer read_slowly(gpointer data)
{
    struct reader *reader = data;
    g_autoptr(GRand) random = g_rand_new_with_seed(reader->seed);
    struct machine_moment *moment = reader->moment;
    uint8_t same[64];
    for (unsigned b = 0; b < moment->block_count; b++) {
        uint64_t pages = moment->blocks[b].block->size >> RAM_PAGE_BITS;
        for (uint64_t at = 0; at < pages;) {
            uint64_t wanted = (uint64_t)g_rand_int_range(random, 1, 65), count = MIN(wanted, pages - at);
            machine_moment_read(moment, b, at, count, same, reader->copy->data[b] + at * RAM_PAGE_SIZE);
            at += count;
            if (g_rand_int_range(random, 0, 16) == 0)
                g_usleep((gulong)g_rand_int_range(random, 1, 3000));
        }
    }
    return NULL;
}

static GByteArray *whole_state(struct engine *engine)
{
    g_autoptr(GError) error = NULL;
    GByteArray *bytes = machine_save_bytes(engine->machine, false, &error);
    g_assert_no_error(error);
    return bytes;
}

static void same_state(struct engine *a, struct engine *b, const char *what)
{
    struct copy x = {0}, y = {0};
    copy_memory(a, &x);
    copy_memory(b, &y);
    copy_compare(&x, &y, what);
    copy_clear(&x);
    copy_clear(&y);
    g_autoptr(GByteArray) p = whole_state(a), q = whole_state(b);
    g_assert_cmpmem(p->data, p->len, q->data, q->len);
}

/* `count` moments from `at` on, `apart` from each other. */
static void compare_runs(const struct engine_config *config, const struct script *script, uint64_t at, uint64_t apart,
                         unsigned count)
{
    struct engine *runs = deterministic_engine(config), *stops = deterministic_engine(config);
    run_to(runs, script, 0, at);
    run_to(stops, script, 0, at);
    same_state(runs, stops, "two runs from the start");
    for (unsigned i = 0; i < count; i++, at += apart) {
        g_autoptr(GError) error = NULL;
        struct copy read = {0}, then = {0};
        struct machine_moment *moment = machine_moment_begin(runs->machine, 0, &error);
        g_assert_no_error(error);
        copy_memory(runs, &read); /* for its shape */
        for (unsigned b = 0; b < read.count; b++)
            memset(read.data[b], 0xee, read.size[b]);
        struct reader reader = {moment, &read, i};
        GThread *thread = g_thread_new("reader", read_slowly, &reader);
        run_to(runs, script, at, at + apart);
        g_thread_join(thread);
        copy_memory(stops, &then);
        copy_compare(&then, &read, "a moment and the machine that stopped there");
        machine_moment_end(moment);

        struct engine *goes_on = deterministic_engine(config);
        struct state_memory memory = {copy_load, NULL, &read};
        bool ok = machine_load_parts(goes_on->machine, moment->state->data, moment->state->len, &memory, &error);
        g_assert_no_error(error);
        g_assert_true(ok);
        same_state(goes_on, stops, "after loading a moment");
        run_to(stops, script, at, at + apart);
        run_to(goes_on, script, at, at + apart);
        same_state(runs, stops, "going on with a moment being read and without");
        same_state(goes_on, stops, "going on from a moment and never having stopped");
        machine_moment_free(moment);
        engine_free(goes_on);
        copy_clear(&then);
        copy_clear(&read);
    }
    engine_free(runs);
    engine_free(stops);
}

#define M UINT64_C(1000000)

static void test_firmware_twice(void)
{
    if (!guest_have_firmware())
        return;
    struct engine_config *config = engine_config_new("ss5", NULL);
    config->ram_mib = 32;
    config->deterministic = true;
    config->serial[0].kind = ENGINE_SERIAL_CALLBACK;
    config->display = g_strdup("none");
    const struct script script = {2 * M, "variable v 5 v ! v @ . v 40 dump : x 100 0 do i v ! loop ; x\r"};
    compare_runs(config, &script, 700 * M, 30 * M, g_test_slow() ? 40 : 3);
    engine_config_free(config);
}

static void test_linux_twice(void)
{
    const char *guests = g_getenv("VITRINE_TEST_GUESTS");
    if (!guest_have_firmware())
        return;
    if (!guests) {
        g_test_skip("VITRINE_TEST_GUESTS is not set");
        return;
    }
    struct engine_config *config = engine_config_new("ss5", NULL);
    config->ram_mib = 64;
    config->deterministic = true;
    config->serial[0].kind = ENGINE_SERIAL_CALLBACK;
    config->kernel = g_build_filename(guests, "sun4m", "vmlinux", NULL);
    config->initrd = g_build_filename(guests, "sun4m", "initramfs.cpio.gz", NULL);
    config->append = g_strdup("console=tty0 console=ttyS0 do=bench net=off");
    const struct script script = {1000 * M, "\r"};
    compare_runs(config, &script, 1500 * M, 200 * M, g_test_slow() ? 20 : 3);
    engine_config_free(config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/moments/busy-guest", test_busy_guest);
    g_test_add_func("/moments/held-key", test_held_key);
    g_test_add_func("/moments/firmware-twice", test_firmware_twice);
    g_test_add_func("/moments/linux-twice", test_linux_twice);
    return g_test_run();
}
