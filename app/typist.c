/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A queue of key events that a timer hands to the engine. */
#include "app/typist.h"

#include "app/keys.h"

#include <linux/input-event-codes.h>

#define INTERVAL_MS 12 /* a Sun keyboard sends a byte in 8.3 ms */
#define MOST_TOLD 20   /* characters that are told as left out; then an ellipsis */

struct key_event {
    unsigned code;
    bool down;
};

struct typist {
    struct engine *engine;
    void (*done)(void *opaque);
    void *opaque;
    GArray *queue; /* struct key_event */
    guint next, source;
    bool rest; /* two events went out at the last tick: none at this one */
};

struct typist *typist_new(struct engine *engine, void (*done)(void *opaque), void *opaque)
{
    struct typist *typist = g_new0(struct typist, 1);

    typist->engine = engine;
    typist->done = done;
    typist->opaque = opaque;
    typist->queue = g_array_new(FALSE, FALSE, sizeof(struct key_event));
    return typist;
}

void typist_free(struct typist *typist)
{
    if (!typist)
        return;
    if (typist->source)
        g_source_remove(typist->source);
    g_array_unref(typist->queue);
    g_free(typist);
}

/* A key that goes down and up again does both at one tick: the guest would repeat a key that stays down because this
 * thread has something else to do. */
static gboolean type_next(gpointer data)
{
    struct typist *typist = data;

    if (engine_get_state(typist->engine) != ENGINE_RUNNING)
        return G_SOURCE_CONTINUE; /* goes on when the machine does */
    if (typist->rest) {
        typist->rest = false;
        return G_SOURCE_CONTINUE;
    }
    struct key_event *event = &g_array_index(typist->queue, struct key_event, typist->next++);
    engine_key(typist->engine, event->code, event->down);
    if (event->down && typist->next < typist->queue->len && event[1].code == event->code) {
        engine_key(typist->engine, event->code, event[1].down);
        typist->next++;
        typist->rest = true;
    }
    if (typist->next < typist->queue->len)
        return G_SOURCE_CONTINUE;
    g_array_set_size(typist->queue, 0);
    typist->next = 0;
    typist->source = 0;
    typist->done(typist->opaque);
    return G_SOURCE_REMOVE;
}

static void queue_key(struct typist *typist, unsigned code, bool down)
{
    struct key_event event = {code, down};

    g_array_append_val(typist->queue, event);
}

static void start_typing(struct typist *typist)
{
    if (!typist->source && typist->queue->len > 0)
        typist->source = g_timeout_add(INTERVAL_MS, type_next, typist);
}

char *typist_type(struct typist *typist, const char *text)
{
    g_autoptr(GString) left_out = g_string_new(NULL);
    unsigned count = 0;

    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar character = g_utf8_get_char(p);
        unsigned code;
        bool shift;
        if (p[0] == '\r' && p[1] == '\n')
            continue; /* one end of a line, not two */
        if (!keys_for_character(character, &code, &shift)) {
            if (!g_utf8_strchr(left_out->str, -1, character) && count++ <= MOST_TOLD)
                g_string_append_unichar(left_out, count > MOST_TOLD ? 0x2026 : character);
            continue;
        }
        if (shift)
            queue_key(typist, KEY_LEFTSHIFT, true);
        queue_key(typist, code, true);
        queue_key(typist, code, false);
        if (shift)
            queue_key(typist, KEY_LEFTSHIFT, false);
    }
    start_typing(typist);
    return left_out->len ? g_string_free(g_steal_pointer(&left_out), FALSE) : NULL;
}

void typist_chord(struct typist *typist, const unsigned *codes)
{
    unsigned count = 0;

    for (; codes[count]; count++)
        queue_key(typist, codes[count], true);
    while (count > 0)
        queue_key(typist, codes[--count], false);
    start_typing(typist);
}
