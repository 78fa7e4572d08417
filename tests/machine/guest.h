/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest on an engine of its own, whose moments are taken, compared with its memory, and gone on from. */
#pragma once

#include <glib.h>
#include <string.h>

#include "emulator/engine.h"
#include "tests/machine/await.h"

#define GUEST_SECONDS 120

struct watch {
    GMutex lock;
    GCond changed;
    GString *serial; /* what came down the first line; under the lock, as is all below */
    struct engine_moment *moment;
    bool answered;
    uint64_t number;
};

/* The memory of one instant. */
struct copy {
    unsigned count;
    char *id[32];
    uint8_t *data[32];
    uint64_t size[32];
};

struct guest {
    struct watch watch;
    struct engine_config *config;
    struct engine *engine;
    uint64_t number; /* `memory` was seen as this moment; 0 = none */
    struct copy memory;
    /* What else is to be done at a moment's safe point, and before it is loaded into the same engine; may be NULL. */
    engine_safe_point also, ready;
    void *opaque;
};

#define AWAIT_GUEST(guest, condition)                                                                        \
    do {                                                                                                     \
        struct watch *w = &(guest)->watch;                                                                   \
        struct await await_ = await_begin(GUEST_SECONDS);                                                    \
        g_mutex_lock(&w->lock);                                                                              \
        while (!(condition)) {                                                                               \
            g_cond_wait_until(&w->changed, &w->lock, g_get_monotonic_time() + AWAIT_LOOK);                   \
            if (!await_more(&await_))                                                                        \
                g_error("waited in vain for " #condition "; the guest said: %s", w->serial->str);            \
        }                                                                                                    \
        g_mutex_unlock(&w->lock);                                                                            \
    } while (0)

static inline bool said(const struct watch *w, const char *text)
{
    return strstr(w->serial->str, text) != NULL;
}

/* An SS-5 with what the first line says in `watch`; the caller completes the configuration. */
void guest_init(struct guest *guest);
struct engine *guest_engine(struct guest *guest); /* another engine of this configuration */
void guest_finish(struct guest *guest);
/* Firmware is there; else the test is skipped. */
bool guest_have_firmware(void);

/* Machine thread, at a safe point. */
void copy_memory(struct engine *engine, struct copy *copy);
void copy_clear(struct copy *copy);
void copy_compare(const struct copy *wanted, const struct copy *got, const char *what);
/* For engine_moment_source and state_memory: `opaque` is a struct copy. */
bool copy_load(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error);

/* One moment of the running guest; its memory becomes guest->memory. Returns its devices. */
GBytes *guest_take(struct guest *guest, GRand *random);
/* A new engine in the place of the old one, paused. */
void guest_another_engine(struct guest *guest);
/* Loads what was taken last, in a new engine or (`in_place`) in the one that took it; it is paused. */
void guest_load(struct guest *guest, GBytes *state, bool in_place);
/* Goes on from what was taken last in another engine or in the same; looks whether all is as it was. */
void guest_go_on(struct guest *guest, GBytes *state, bool in_place);

void guest_forget(struct guest *guest); /* what it said */
void guest_type(struct guest *guest, const char *line);
/* Types a line and waits for the answer. */
void guest_ask(struct guest *guest, const char *line, const char *answer);
