/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moments of a machine that is busy: whatever a guest, its devices and a slow reader do at the same time, what is
 * read is the memory of the one instant, and an engine that goes on from it is in the same state, byte for byte.
 */
#include <glib.h>
#include <string.h>

#include "emulator/core/machine_private.h"
#include "emulator/core/moment.h"
#include "emulator/engine_private.h"
#include "emulator/hw/input/sun_keyboard.h"
#include "emulator/hw/input/sun_mouse.h"

#define AWAIT_SECONDS 120

struct watch {
    GMutex lock;
    GCond changed;
    GString *serial;
    struct engine_moment *moment;
    bool answered, failed;
    uint64_t number;
    char *error;
};

/* The memory of one instant. */
struct copy {
    unsigned count;
    char *id[32];
    uint8_t *data[32];
    uint64_t size[32];
};

struct guest {
    struct watch *watch;
    struct engine_config *config;
    struct engine *engine;
    uint64_t number; /* `memory` was seen as this moment; 0 = none */
    struct copy memory;
};

static void serial_output(void *opaque, unsigned port, const uint8_t *data, size_t size)
{
    struct watch *w = opaque;
    if (port != 0)
        return;
    g_mutex_lock(&w->lock);
    g_string_append_len(w->serial, (const char *)data, (gssize)size);
    g_cond_broadcast(&w->changed);
    g_mutex_unlock(&w->lock);
}

static bool said(const struct watch *w, const char *text)
{
    return strstr(w->serial->str, text) != NULL;
}

#define AWAIT(w, condition)                                                                                  \
    do {                                                                                                     \
        gint64 end_ = g_get_monotonic_time() + AWAIT_SECONDS * G_TIME_SPAN_SECOND;                           \
        g_mutex_lock(&(w)->lock);                                                                            \
        while (!(condition))                                                                                 \
            if (!g_cond_wait_until(&(w)->changed, &(w)->lock, end_))                                         \
                g_error("waited in vain for " #condition "; the guest said: %s", (w)->serial->str);          \
        g_mutex_unlock(&(w)->lock);                                                                          \
    } while (0)

/* ---- copies of memory ---- */

static void copy_clear(struct copy *copy)
{
    for (unsigned i = 0; i < copy->count; i++) {
        g_free(copy->id[i]);
        g_free(copy->data[i]);
    }
    *copy = (struct copy){0};
}

/* Machine thread, at a safe point. */
static void copy_memory(struct engine *engine, struct copy *copy)
{
    const GPtrArray *blocks = memory_blocks(engine->machine->memory);
    copy_clear(copy);
    g_assert_cmpuint(blocks->len, <=, G_N_ELEMENTS(copy->id));
    for (unsigned i = 0; i < blocks->len; i++) {
        const struct ram_block *block = blocks->pdata[i];
        copy->id[i] = g_strdup(block->id);
        copy->size[i] = block->size;
        copy->data[i] = g_memdup2(block->host, block->size);
    }
    copy->count = blocks->len;
}

static unsigned find_block(const struct copy *copy, const char *id)
{
    for (unsigned i = 0; i < copy->count; i++)
        if (!strcmp(copy->id[i], id))
            return i;
    g_error("there is no memory “%s”", id);
}

static uint32_t word(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return GUINT32_FROM_BE(value);
}

static void compare(const struct copy *wanted, const struct copy *got, const char *what)
{
    g_assert_cmpuint(wanted->count, ==, got->count);
    for (unsigned i = 0; i < wanted->count; i++) {
        unsigned k = find_block(got, wanted->id[i]);
        g_assert_cmpuint(wanted->size[i], ==, got->size[k]);
        if (!memcmp(wanted->data[i], got->data[k], wanted->size[i]))
            continue;
        for (uint64_t at = 0; at < wanted->size[i]; at += 4)
            if (memcmp(wanted->data[i] + at, got->data[k] + at, 4))
                g_error("%s: “%s” holds %08x at %" G_GINT64_MODIFIER "x, where %08x was", what, wanted->id[i],
                        word(got->data[k] + at), at, word(wanted->data[i] + at));
    }
}

/* ---- taking ---- */

struct safe_point {
    struct engine *engine;
    struct copy *copy;
};

static bool at_safe_point(void *opaque, GError **error)
{
    struct safe_point *point = opaque;
    copy_memory(point->engine, point->copy);
    return true;
}

static void on_moment(void *opaque, struct engine_moment *moment, const GError *error)
{
    struct watch *w = opaque;
    g_mutex_lock(&w->lock);
    g_assert_no_error(error);
    w->moment = moment;
    w->answered = true;
    g_cond_broadcast(&w->changed);
    g_mutex_unlock(&w->lock);
}

/* Reads it piece by piece while the guest runs, in pieces of any size, with rests between. */
static void read_moment(struct engine_moment *moment, const struct copy *before, struct copy *read, GRand *random)
{
    uint8_t same[256];
    read->count = engine_moment_blocks(moment);
    for (unsigned b = 0; b < read->count; b++) {
        uint64_t pages = engine_moment_block_pages(moment, b);
        read->id[b] = g_strdup(engine_moment_block_id(moment, b));
        read->size[b] = pages * ENGINE_PAGE_SIZE;
        read->data[b] = g_malloc(read->size[b]);
        for (uint64_t at = 0; at < pages;) {
            uint64_t wanted = (uint64_t)g_rand_int_range(random, 1, 257), count = MIN(wanted, pages - at);
            uint8_t *to = read->data[b] + at * ENGINE_PAGE_SIZE;
            engine_moment_read(moment, b, at, count, same, to);
            for (uint64_t i = 0; i < count; i++)
                if (same[i]) {
                    g_assert_cmpuint(before->count, ==, read->count);
                    memcpy(to + i * ENGINE_PAGE_SIZE, before->data[b] + (at + i) * ENGINE_PAGE_SIZE, ENGINE_PAGE_SIZE);
                }
            at += count;
            if (g_rand_int_range(random, 0, 8) == 0)
                g_usleep((gulong)g_rand_int_range(random, 1, 2000));
        }
    }
}

/* One moment of the running guest; its memory becomes guest->memory. Returns its devices. */
static GBytes *take(struct guest *guest, GRand *random)
{
    struct watch *w = guest->watch;
    struct copy then = {0}, read = {0};
    struct safe_point point = {guest->engine, &then};
    w->answered = false;
    engine_take_moment(guest->engine, guest->number, at_safe_point, &point, on_moment, w);
    AWAIT(w, w->answered);
    read_moment(w->moment, &guest->memory, &read, random);
    compare(&then, &read, "reading while the guest runs");
    GBytes *state = engine_moment_state(w->moment);
    guest->number = engine_moment_number(w->moment);
    engine_moment_free(w->moment);
    copy_clear(&guest->memory);
    copy_clear(&read);
    guest->memory = then;
    return state;
}

/* ---- going on from it ---- */

static bool load_block(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error)
{
    const struct copy *copy = opaque;
    unsigned i = find_block(copy, block);
    g_assert_cmpuint(size, ==, copy->size[i]);
    memcpy(to, copy->data[i], size);
    return true;
}

static void on_loaded(void *opaque, uint64_t number, const GError *error)
{
    struct watch *w = opaque;
    g_mutex_lock(&w->lock);
    g_assert_no_error(error);
    w->number = number;
    w->answered = true;
    g_cond_broadcast(&w->changed);
    g_mutex_unlock(&w->lock);
}

struct look {
    struct engine *engine;
    struct copy memory;
    GByteArray *state;
};

static void look(void *opaque)
{
    struct look *look = opaque;
    g_autoptr(GError) error = NULL;
    look->state = machine_save_devices(look->engine->machine, &error);
    g_assert_no_error(error);
    copy_memory(look->engine, &look->memory);
}

static struct engine *new_engine(struct guest *guest)
{
    struct engine_events events = {.serial_output = serial_output, .opaque = guest->watch};
    g_autoptr(GError) error = NULL;
    struct engine *engine = engine_new(guest->config, &events, &error);
    g_assert_no_error(error);
    return engine;
}

/* A new engine in the place of the old one. */
static void load_moment(struct guest *guest, GBytes *state)
{
    struct watch *w = guest->watch;
    engine_free(guest->engine);
    guest->engine = new_engine(guest);
    engine_set_watched(guest->engine, true);
    struct engine_moment_source source = {state, load_block, NULL, &guest->memory};
    w->answered = false;
    g_string_truncate(w->serial, 0);
    engine_start_paused(guest->engine);
    engine_load_moment(guest->engine, &source, on_loaded, w);
    AWAIT(w, w->answered);
    guest->number = w->number;
}

static void go_on_from(struct guest *guest, GBytes *state)
{
    load_moment(guest, state);
    struct look seen = {guest->engine, {0}, NULL};
    engine_at_safe_point(guest->engine, look, &seen);
    engine_sync(guest->engine);
    compare(&guest->memory, &seen.memory, "after loading");
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(state, &size);
    g_assert_cmpmem(bytes, size, seen.state->data, seen.state->len);
    g_byte_array_unref(seen.state);
    copy_clear(&seen.memory);
    engine_resume(guest->engine);
}

/* ---- the guest: the firmware's Forth ---- */

static void type(struct guest *guest, const char *line)
{
    engine_serial_input(guest->engine, 0, (const uint8_t *)line, strlen(line));
}

static void ask(struct guest *guest, const char *line, const char *answer)
{
    struct watch *w = guest->watch;
    g_mutex_lock(&w->lock);
    g_string_truncate(w->serial, 0);
    g_mutex_unlock(&w->lock);
    type(guest, line);
    AWAIT(w, said(w, answer));
}

static bool have_firmware(void)
{
    g_autofree char *path = engine_find_firmware(&engine_find_model("ss5")->firmware[0], NULL);
    if (!path)
        g_test_skip("the firmware openbios-sparc32 is not installed");
    return path != NULL;
}

static gpointer press_on(gpointer data)
{
    volatile bool *stop = data;
    while (!*stop)
        ;
    return NULL;
}

static void test_busy_guest(void)
{
    if (!have_firmware())
        return;
    const bool slow = g_test_slow();
    struct watch w = {.serial = g_string_new(NULL)};
    struct guest guest = {.watch = &w, .config = engine_config_new("ss5", NULL)};
    g_autoptr(GRand) random = g_rand_new_with_seed(20);
    bool stop = false;
    GThread *load[4];
    for (unsigned i = 0; i < G_N_ELEMENTS(load); i++)
        load[i] = g_thread_new("load", press_on, &stop);
    guest.config->ram_mib = 32;
    guest.config->network = false;
    guest.config->display = g_strdup("none");
    guest.config->serial[0].kind = ENGINE_SERIAL_CALLBACK;
    guest.engine = new_engine(&guest);
    engine_set_watched(guest.engine, true);
    engine_start(guest.engine);
    AWAIT(&w, said(&w, "0 > "));
    ask(&guest, "variable v 0 v !\r", "ok");
    for (unsigned round = 0; round < (slow ? 200 : 6); round++) {
        g_autofree char *set = g_strdup_printf("%x v !\r", round + 0x1000);
        g_autofree char *answer = g_strdup_printf("%x", round + 0x1000);
        ask(&guest, set, "ok");
        for (unsigned i = 0; i < 3; i++) {
            g_autoptr(GBytes) passing = take(&guest, random);
            g_usleep((gulong)g_rand_int_range(random, 0, 3000));
        }
        g_autoptr(GBytes) state = take(&guest, random);
        go_on_from(&guest, state);
        ask(&guest, "v @ .\r", answer);
    }
    engine_free(guest.engine);
    engine_config_free(guest.config);
    copy_clear(&guest.memory);
    g_string_free(w.serial, TRUE);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < G_N_ELEMENTS(load); i++)
        g_thread_join(load[i]);
}

/* A key that was held when the moment was taken is up in the machine that goes on from it, and can be pressed. */
static void test_held_key(void)
{
    if (!have_firmware())
        return;
    struct watch w = {.serial = g_string_new(NULL)};
    struct guest guest = {.watch = &w, .config = engine_config_new("ss5", NULL)};
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    guest.config->ram_mib = 16;
    guest.config->network = false;
    guest.engine = new_engine(&guest);
    engine_start(guest.engine);
    engine_key(guest.engine, KEY_A, true);
    engine_button(guest.engine, BTN_LEFT, true);
    g_autoptr(GBytes) state = take(&guest, random);
    load_moment(&guest, state);
    engine_key(guest.engine, KEY_B, true);
    engine_sync(guest.engine);
    const struct sun_keyboard *keyboard = (void *)machine_find_device(guest.engine->machine, "keyboard");
    const struct sun_mouse *mouse = (void *)machine_find_device(guest.engine->machine, "mouse");
    g_assert_cmpuint(keyboard->down[sun_keyboard_scan_code(KEY_A)], ==, 0);
    g_assert_cmpuint(keyboard->down[sun_keyboard_scan_code(KEY_B)], ==, 1);
    g_assert_cmpuint(mouse->buttons, ==, 0);
    engine_free(guest.engine);
    engine_config_free(guest.config);
    copy_clear(&guest.memory);
    g_string_free(w.serial, TRUE);
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
    compare(&x, &y, what);
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
        compare(&then, &read, "a moment and the machine that stopped there");
        machine_moment_end(moment);

        struct engine *goes_on = deterministic_engine(config);
        struct state_memory memory = {load_block, NULL, &read};
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
    if (!have_firmware())
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
    if (!have_firmware())
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
