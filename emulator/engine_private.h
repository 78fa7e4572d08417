/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine's files share: engine.c has the thread, requests, frames and input, engine_build.c the way from a
 * configuration to a machine, engine_moment.c moments of it. */
#pragma once

#include <linux/input-event-codes.h>

#include "emulator/core/machine.h"
#include "emulator/engine.h"
#include "emulator/machines/board.h"

struct frame_slot {
    uint32_t *pixels;
    int width, height;
    double pixel_aspect;
    struct display_rect stale; /* what the surface has changed since this slot was written */
    uint64_t serial;
};

struct serial_context {
    struct engine *engine;
    unsigned port;
};

struct engine {
    const struct board *board;
    struct machine *machine;
    struct engine_events events;
    GRecMutex events_lock; /* events, and whoever is being told something */
    GThread *thread;
    char *nvram_path;
    uint8_t *nvram;
    size_t nvram_size;
    struct block_backend *cdrom, *floppy;
    struct block_backend *disks[BOARD_MAX_DISKS]; /* in the order of the configuration */
    unsigned disk_count;
    struct char_backend *serial[ENGINE_MAX_SERIAL];
    struct serial_context serial_context[ENGINE_MAX_SERIAL];
    char *pty[ENGINE_MAX_SERIAL];

    GMutex lock; /* everything below */
    GCond changed;
    enum engine_state state;
    int exit_status;
    char *message;
    char *complaint; /* see engine_complaint(); set while it is built */
    uint8_t keys_down[KEY_CNT / 8];

    struct frame_slot slot[3];
    unsigned writing, ready, reading;
    bool fresh; /* `ready` is newer than `reading` */
    bool notified;
    struct display_rect damage; /* since the last acquire */
    uint64_t serial_number;

    unsigned moments; /* asked for and not freed yet, and holds */

    bool at_safe_point;           /* machine thread: inside a caller's function */
    struct engine_moment *moment; /* machine thread: whose memory is being read */
    GQueue waiting_moments;       /* machine thread: struct moment_request * */
};

/* engine_free() takes the events away while the thread still runs. */
#define ENGINE_TELL(engine, event, ...)                                                                             \
    do {                                                                                                     \
        g_rec_mutex_lock(&(engine)->events_lock);                                                            \
        if ((engine)->events.event)                                                                          \
            (engine)->events.event((engine)->events.opaque, ##__VA_ARGS__);                                  \
        g_rec_mutex_unlock(&(engine)->events_lock);                                                          \
    } while (0)

/* Sets `board`, `machine` and the back ends; what is there after a failure engine_free() takes down. The images of the
 * configuration are gone from it in any case. */
bool engine_build(struct engine *engine, struct engine_config *config, GError **error);
struct Image *engine_open_image(const char *path, bool read_only, GError **error);
