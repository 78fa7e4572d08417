/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/machine/guest.h"

#include "emulator/core/machine_private.h"
#include "emulator/core/moment.h"
#include "emulator/engine_private.h"

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

/* ---- copies of memory ---- */

void copy_clear(struct copy *copy)
{
    for (unsigned i = 0; i < copy->count; i++) {
        g_free(copy->id[i]);
        g_free(copy->data[i]);
    }
    *copy = (struct copy){0};
}

void copy_memory(struct engine *engine, struct copy *copy)
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

void copy_compare(const struct copy *wanted, const struct copy *got, const char *what)
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
    struct guest *guest;
    struct copy *copy;
};

static bool at_safe_point(void *opaque, GError **error)
{
    struct safe_point *point = opaque;
    copy_memory(point->guest->engine, point->copy);
    return !point->guest->also || point->guest->also(point->guest->opaque, error);
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

GBytes *guest_take(struct guest *guest, GRand *random)
{
    struct watch *watch = &guest->watch;
    struct copy then = {0}, read = {0};
    struct safe_point point = {guest, &then};
    watch->answered = false;
    engine_take_moment(guest->engine, guest->number, at_safe_point, &point, on_moment, watch);
    AWAIT_GUEST(guest, w->answered);
    read_moment(watch->moment, &guest->memory, &read, random);
    copy_compare(&then, &read, "reading while the guest runs");
    GBytes *state = engine_moment_state(watch->moment);
    guest->number = engine_moment_number(watch->moment);
    engine_moment_free(watch->moment);
    copy_clear(&guest->memory);
    copy_clear(&read);
    guest->memory = then;
    return state;
}

/* ---- going on from it ---- */

bool copy_load(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error)
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

struct engine *guest_engine(struct guest *guest)
{
    struct engine_events events = {.serial_output = serial_output, .opaque = &guest->watch};
    g_autoptr(GError) error = NULL;
    struct engine *engine = engine_new(guest->config, &events, &error);
    g_assert_no_error(error);
    return engine;
}

static bool load_memory(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error)
{
    struct guest *guest = opaque;
    return copy_load(&guest->memory, block, to, size, error);
}

static bool before_loading(void *opaque, GError **error)
{
    struct guest *guest = opaque;
    return !guest->ready || guest->ready(guest->opaque, error);
}

void guest_load(struct guest *guest, GBytes *state, bool in_place)
{
    struct watch *watch = &guest->watch;
    if (in_place)
        engine_pause(guest->engine);
    engine_set_watched(guest->engine, true);
    struct engine_moment_source source = {state, load_memory, in_place ? before_loading : NULL, guest};
    watch->answered = false;
    guest_forget(guest);
    engine_load_moment(guest->engine, &source, on_loaded, watch);
    AWAIT_GUEST(guest, w->answered);
    guest->number = watch->number;
}

void guest_another_engine(struct guest *guest)
{
    engine_free(guest->engine);
    guest->engine = guest_engine(guest);
    engine_start_paused(guest->engine);
}

void guest_go_on(struct guest *guest, GBytes *state, bool in_place)
{
    if (!in_place)
        guest_another_engine(guest);
    guest_load(guest, state, in_place);
    struct look seen = {guest->engine, {0}, NULL};
    engine_at_safe_point(guest->engine, look, &seen);
    engine_sync(guest->engine);
    copy_compare(&guest->memory, &seen.memory, "after loading");
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(state, &size);
    g_assert_cmpmem(bytes, size, seen.state->data, seen.state->len);
    g_byte_array_unref(seen.state);
    copy_clear(&seen.memory);
    engine_resume(guest->engine);
}

/* ---- life ---- */

bool guest_have_firmware(void)
{
    g_autofree char *path = engine_find_firmware(&engine_find_model("ss5")->firmware[0], NULL);
    if (!path)
        g_test_skip("the firmware openbios-sparc32 is not installed");
    return path != NULL;
}

void guest_init(struct guest *guest)
{
    *guest = (struct guest){.watch.serial = g_string_new(NULL), .config = engine_config_new("ss5", NULL)};
    g_mutex_init(&guest->watch.lock);
    g_cond_init(&guest->watch.changed);
}

void guest_finish(struct guest *guest)
{
    engine_free(guest->engine);
    engine_config_free(guest->config);
    copy_clear(&guest->memory);
    g_string_free(guest->watch.serial, TRUE);
    g_mutex_clear(&guest->watch.lock);
    g_cond_clear(&guest->watch.changed);
}

/* ---- talking to it ---- */

void guest_forget(struct guest *guest)
{
    g_mutex_lock(&guest->watch.lock);
    g_string_truncate(guest->watch.serial, 0);
    g_mutex_unlock(&guest->watch.lock);
}

void guest_type(struct guest *guest, const char *line)
{
    engine_serial_input(guest->engine, 0, (const uint8_t *)line, strlen(line));
}

void guest_ask(struct guest *guest, const char *line, const char *answer)
{
    guest_forget(guest);
    guest_type(guest, line);
    AWAIT_GUEST(guest, said(w, answer));
}
