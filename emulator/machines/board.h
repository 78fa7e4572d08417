/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A board: one row of the engine's list of models and the function that builds and wires its devices. The
 * back ends (drives, serial lines, network, sound) exist already and are handed over in the setup.
 */
#pragma once

#include "emulator/core/machine.h"
#include "emulator/engine.h"

#define BOARD_MAX_DISKS 7

struct board;

struct board_setup {
    const struct board *board;
    const struct engine_config *config;
    unsigned ram_mib, cpus;
    const char *display; /* one of the model's choices */
    uint8_t mac[6];      /* all zero: the board chooses */
    struct {
        struct block_backend *block;
        unsigned unit;
    } disk[BOARD_MAX_DISKS];
    unsigned disk_count;
    struct block_backend *cdrom, *floppy; /* NULL: the model has none; an empty drive otherwise */
    struct char_backend *serial[ENGINE_MAX_SERIAL];
    struct net_backend *net;
    struct audio_backend *audio;

    /* Filled in by the board: the battery-backed memory that config->nvram keeps. May stay NULL. */
    uint8_t *nvram;
    size_t nvram_size;
};

struct board {
    struct engine_model model;
    double ns_per_insn; /* deterministic mode */
    bool (*build)(struct machine *machine, struct board_setup *setup, GError **error);
    const void *data; /* the board file's own row */
};

/* All boards; ends with a NULL entry. */
extern const struct board *const boards[];

/* Full path of the configured or found firmware (the model's first), loaded. */
GBytes *board_load_firmware(const struct board_setup *setup, GError **error);
/* Full path of an optional firmware file of the model, or NULL. */
char *board_find_optional(const struct board_setup *setup, const char *file);
/* A whole file, at most `max` bytes. */
GBytes *board_load_file(const char *path, size_t max, const char *what, GError **error);
